/* Tests of base/bits.c: each against a bit-by-bit twin, over all alignments and border lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"

enum { BYTES = 64 };

static uint32_t random_state = 12345;
static void randomise(uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) at[i] = (uint8_t)((random_state = random_state * 1664525 + 1013904223) >> 24);
}

static void count_and_rows(void **state)
{
    uint8_t bits[BYTES];
    uint32_t rows[BYTES * 8];
    for (int round = 0; round < 3; round++) {
        if (round == 0) memset(bits, 0, BYTES);
        if (round == 1) memset(bits, 0xff, BYTES);
        if (round == 2) randomise(bits, BYTES);
        for (size_t n = 0; n <= BYTES * 8; n++) {
            size_t ones = 0;
            for (size_t i = 0; i < n; i++) ones += vonk_bit_get(bits, i);
            assert_int_equal(vonk_bits_count(bits, n), ones);
            assert_int_equal(vonk_bits_to_rows(bits, n, rows), ones);
            for (size_t i = 0, at = 0; i < n; i++)
                if (vonk_bit_get(bits, i)) assert_int_equal(rows[at++], i);
        }
    }
}

static void logic(void **state)
{
    uint8_t a[BYTES], b[BYTES], r[BYTES];
    randomise(a, BYTES);
    randomise(b, BYTES);
    for (size_t n = 0; n <= 200; n++) {
        memcpy(r, a, BYTES);
        vonk_bits_and(r, b, n);
        for (size_t i = 0; i < n; i++) assert_int_equal(vonk_bit_get(r, i), vonk_bit_get(a, i) && vonk_bit_get(b, i));
        memcpy(r, a, BYTES);
        vonk_bits_or(r, b, n);
        for (size_t i = 0; i < n; i++) assert_int_equal(vonk_bit_get(r, i), vonk_bit_get(a, i) || vonk_bit_get(b, i));
        memcpy(r, a, BYTES);
        vonk_bits_not(r, n);
        for (size_t i = 0; i < n; i++) assert_int_equal(vonk_bit_get(r, i), !vonk_bit_get(a, i));
        assert_memory_equal(r + vonk_bits_bytes(n), a + vonk_bits_bytes(n), BYTES - vonk_bits_bytes(n));
        vonk_bits_fill(r, n, true);
        assert_int_equal(vonk_bits_count(r, vonk_bits_bytes(n) * 8), vonk_bits_bytes(n) * 8);
        vonk_bits_fill(r, n, false);
        assert_int_equal(vonk_bits_count(r, vonk_bits_bytes(n) * 8), 0);
    }
    vonk_bit_put(r, 3, true);
    assert_true(vonk_bit_get(r, 3));
    vonk_bit_put(r, 3, false);
    assert_false(vonk_bit_get(r, 3));
}

static void copy_at_any_position(void **state)
{
    uint8_t from[BYTES], into[BYTES], before[BYTES];
    static const size_t lengths[] = {0, 1, 5, 7, 8, 9, 15, 31, 63, 64, 65, 127, 128, 129, 200, 300};
    randomise(from, BYTES);
    randomise(before, BYTES);
    for (size_t from_at = 0; from_at < 20; from_at++)
        for (size_t into_at = 0; into_at < 20; into_at++)
            for (size_t k = 0; k < VONK_COUNTOF(lengths); k++) {
                size_t n = lengths[k];
                memcpy(into, before, BYTES);
                vonk_bits_copy(into, into_at, from, from_at, n);
                for (size_t i = 0; i < BYTES * 8; i++) {
                    bool inside = i >= into_at && i < into_at + n;
                    assert_int_equal(vonk_bit_get(into, i),
                                     inside ? vonk_bit_get(from, from_at + i - into_at) : vonk_bit_get(before, i));
                }
            }
}

/* The sources end exactly where their last bit is: AddressSanitizer sees a read past it. */
static void reads_nothing_past_the_last_byte(void **state)
{
    for (size_t n = 1; n < 150; n++)
        for (size_t at = 0; at < 8; at++) {
            size_t bytes = vonk_bits_bytes(at + n);
            uint8_t *from = test_malloc(bytes), into[BYTES] = {0};
            uint32_t rows[BYTES * 8];
            memset(from, 0xff, bytes);
            vonk_bits_copy(into, 0, from, at, n);
            assert_int_equal(vonk_bits_count(into, BYTES * 8), n);
            assert_int_equal(vonk_bits_to_rows(from, at + n, rows), at + n);
            assert_int_equal(vonk_bits_count(from, at + n), at + n);
            test_free(from);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count_and_rows),
        cmocka_unit_test(logic),
        cmocka_unit_test(copy_at_any_position),
        cmocka_unit_test(reads_nothing_past_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
