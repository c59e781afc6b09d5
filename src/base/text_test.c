/* Tests of str, cursor, hash, log and fault. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cursor.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"

static void strings(void **state)
{
    assert_true(vonk_str_is_nocase(VONK_STR("SeLeCt"), "select"));
    assert_false(vonk_str_is_nocase(VONK_STR("select"), "selec"));
    assert_false(vonk_str_eq_nocase(VONK_STR("["), VONK_STR("{"))); /* differ by the case bit only */
    assert_false(vonk_str_eq_nocase(VONK_STR("@"), VONK_STR("`")));
    assert_int_equal(vonk_str_compare(VONK_STR("a"), VONK_STR("ab")), -1);
    assert_int_equal(vonk_str_compare(VONK_STR("\xff"), VONK_STR("a")), 1); /* unsigned bytes */
    assert_int_equal(vonk_str_compare(VONK_STR_NONE, VONK_STR("")), 0);
    assert_int_equal(vonk_str_find(VONK_STR("banana"), VONK_STR("an"), 0), 1);
    assert_int_equal(vonk_str_find(VONK_STR("banana"), VONK_STR("an"), 2), 3);
    assert_int_equal(vonk_str_find(VONK_STR("banana"), VONK_STR("an"), 4), SIZE_MAX);
    assert_int_equal(vonk_str_find(VONK_STR("banana"), VONK_STR(""), 6), 6);
    assert_int_equal(vonk_str_find(VONK_STR("banana"), VONK_STR(""), 7), SIZE_MAX);
    assert_int_equal(vonk_str_find_byte(VONK_STR("banana"), 'n', 3), 4);
    assert_int_equal(vonk_str_find_byte(VONK_STR("banana"), 'n', 9), SIZE_MAX);
    assert_true(vonk_str_is(vonk_str_trim(VONK_STR(" \t\n\x01 a b \x7f\r")), "a b"));
    assert_int_equal(vonk_str_trim(VONK_STR(" \n ")).len, 0);
    assert_true(vonk_str_is(vonk_str_sub(VONK_STR("hello"), 1, 3), "el"));
    assert_true(vonk_str_starts(VONK_STR("hello"), VONK_STR("he")));
    assert_true(vonk_str_ends(VONK_STR("hello"), VONK_STR("lo")));
    assert_false(vonk_str_ends(VONK_STR("lo"), VONK_STR("hello")));
}

static void cursor_never_passes_the_end(void **state)
{
    static const uint8_t bytes[] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x01, 5, 9};
    vonk_error err = VONK_ERROR_INIT;
    vonk_cursor c = vonk_cursor_of(bytes, sizeof(bytes), "test block");
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    assert_int_equal(vonk_cursor_u8(&c, &u8, &err), VONK_OK);
    assert_int_equal(vonk_cursor_u16(&c, &u16, &err), VONK_OK);
    assert_int_equal(vonk_cursor_u32(&c, &u32, &err), VONK_OK);
    assert_int_equal(vonk_cursor_u64(&c, &u64, &err), VONK_OK);
    assert_true(u8 == 1 && u16 == 2 && u32 == 3 && u64 == 4);
    assert_int_equal(vonk_cursor_varint(&c, &u64, &err), VONK_OK);
    assert_int_equal(u64, 128);
    assert_int_equal(vonk_cursor_zigzag(&c, &i64, &err), VONK_OK);
    assert_int_equal(i64, -3);
    assert_int_equal(vonk_cursor_u16(&c, &u16, &err), VONK_E_MALFORMED_INPUT);
    assert_string_equal(vonk_error_message(&err),
                        "[FAILED_READ_FILE.NO_HINT] cannot read test block: 2 bytes wanted, 1 left SQLSTATE: KD001");
    assert_int_equal(vonk_cursor_left(&c), 1); /* a failed read moves nothing */
    const uint8_t *piece;
    assert_int_equal(vonk_cursor_take(&c, SIZE_MAX, &piece, &err), VONK_E_MALFORMED_INPUT);
    assert_int_equal(vonk_cursor_take(&c, 1, &piece, &err), VONK_OK);
    assert_int_equal(*piece, 9);
    static const uint8_t be[] = {0x12, 0x34, 0x56, 0x78};
    c = vonk_cursor_of(be, 4, NULL);
    assert_int_equal(vonk_cursor_u32_be(&c, &u32, &err), VONK_OK);
    assert_int_equal(u32, 0x12345678);
    vonk_error_reset(&err);
}

static void varints_at_their_borders(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    uint8_t most[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    uint64_t u64 = 0;
    int64_t i64 = 0;
    vonk_cursor c = vonk_cursor_of(most, sizeof(most), "varint");
    assert_int_equal(vonk_cursor_varint(&c, &u64, &err), VONK_OK);
    assert_true(u64 == UINT64_MAX);
    c = vonk_cursor_of(most, sizeof(most), "varint");
    assert_int_equal(vonk_cursor_zigzag(&c, &i64, &err), VONK_OK);
    assert_true(i64 == INT64_MIN);
    for (size_t n = 0; n < sizeof(most); n++) {
        c = vonk_cursor_of(most, n, "varint");
        assert_int_equal(vonk_cursor_varint(&c, &u64, &err), VONK_E_MALFORMED_INPUT);
        assert_int_equal(vonk_cursor_left(&c), n);
    }
    most[9] = 2;
    c = vonk_cursor_of(most, sizeof(most), "varint");
    assert_int_equal(vonk_cursor_varint(&c, &u64, &err), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&err);
}

/* Every change of one input bit flips about half of the bits, at every length where the code takes another way. */
static void hash_spreads(void **state)
{
    uint8_t data[200];
    for (size_t i = 0; i < sizeof(data); i++) data[i] = (uint8_t)(i * 37);
    for (size_t n = 1; n <= sizeof(data); n++) {
        uint64_t h = vonk_hash64(data, n, 1);
        assert_true(h != vonk_hash64(data, n, 2));
        assert_true(h != vonk_hash64(data, n - 1, 1));
        int flipped = 0, least = 64;
        for (size_t bit = 0; bit < n * 8; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            int now = __builtin_popcountll(h ^ vonk_hash64(data, n, 1));
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            flipped += now;
            if (now < least) least = now;
        }
        assert_in_range(flipped / (int)(n * 8), 28, 36);
        assert_true(least >= 8);
    }
    static const uint8_t zeros[100];
    for (size_t n = 0; n < 100; n++)
        for (size_t m = n + 1; m < 100; m++) assert_true(vonk_hash64(zeros, n, 0) != vonk_hash64(zeros, m, 0));
    assert_true(vonk_hash_combine(1, 2) != vonk_hash_combine(2, 1));
}

static size_t logged(char *into, size_t bytes, void (*act)(void))
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    act();
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = read(ends[0], into, bytes - 1);
    close(ends[0]);
    into[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}
static void log_one(void) { vonk_log(VONK_LOG_WARN, "query_slow", "id=%d text=\"%s\"", 7, "a\nb\x1b[0m"); }
static void log_hidden(void) { vonk_log(VONK_LOG_DEBUG, "hidden", "x=1"); }
static void log_huge(void)
{
    static char text[20000];
    memset(text, 'z', sizeof(text) - 1);
    vonk_log(VONK_LOG_ERROR, "huge", "%s", text);
}

static void log_lines(void **state)
{
    char line[8192];
    logged(line, sizeof(line), log_one);
    int year, millis;
    assert_int_equal(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ warn", &year, &millis), 2);
    assert_true(year >= 2024);
    assert_non_null(strstr(line, "Z warn query_slow id=7 text=\"a?b?[0m\"\n")); /* one line, whatever the value */
    assert_int_equal(logged(line, sizeof(line), log_hidden), 0);
    vonk_log_set_level(VONK_LOG_DEBUG);
    assert_true(logged(line, sizeof(line), log_hidden) > 0);
    size_t n = logged(line, sizeof(line), log_huge);
    assert_int_equal(n, 4096 - 1);
    assert_int_equal(line[n - 1], '\n');
}

static void faults(void **state)
{
    vonk_fault_arm(VONK_FAULT_READ, 2);
#ifdef VONK_FAULTS
    assert_false(vonk_fault_hit(VONK_FAULT_READ));
    assert_false(vonk_fault_hit(VONK_FAULT_WRITE));
    assert_false(vonk_fault_hit(VONK_FAULT_READ));
    assert_false(vonk_fault_fired());
    assert_true(vonk_fault_hit(VONK_FAULT_READ));
    assert_true(vonk_fault_fired());
    assert_false(vonk_fault_hit(VONK_FAULT_READ)); /* once */
    assert_int_equal(vonk_fault_seen(VONK_FAULT_READ), 4);
    vonk_fault_arm(VONK_FAULT_READ, -1);
    assert_false(vonk_fault_hit(VONK_FAULT_READ));
#else
    for (int i = 0; i < 5; i++) assert_false(vonk_fault_hit(VONK_FAULT_READ));
#endif
    assert_false(vonk_fault_fired());
    vonk_fault_arm(VONK_FAULT_READ, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),
        cmocka_unit_test(cursor_never_passes_the_end),
        cmocka_unit_test(varints_at_their_borders),
        cmocka_unit_test(hash_spreads),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
