/* Tests of codec/bzip2.c: parts of files have their blocks, each once; what is damaged is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "codec/bzip2.h"
#include "codec/compress.h"

enum { PLAIN = 700000, LEVEL = 1 }; /* level 1: blocks of 100,000 bytes */
static char plain[PLAIN];

static void fill(void)
{
    uint32_t x = 7;
    for (size_t i = 0; i < PLAIN; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = (char)(i % 5 ? 'a' + (x >> 28) : x >> 24);
    }
}

/* Streams of the pieces that end at `cuts`, one after another. */
static void pack(vonk_buf *out, const size_t *cuts, size_t n)
{
    VONK_AUTO(vonk_compressor_free) vonk_compressor *c = NULL;
    vonk_error err = VONK_ERROR_INIT;
    size_t from = 0;
    vonk_buf_init(out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_compressor_new(vonk_budget_root(), &c, &err), VONK_OK);
    for (size_t i = 0; i < n; from = cuts[i++])
        assert_int_equal(vonk_compress(c, VONK_COMPRESS_BZIP2, LEVEL, plain + from, cuts[i] - from, out, &err),
                         VONK_OK);
}

/* Adds the blocks that begin in [start, end). */
static vonk_status read_part(const vonk_buf *packed, uint64_t start, uint64_t end, vonk_buf *back, vonk_error *err)
{
    VONK_AUTO(vonk_bzip2_reader_free) vonk_bzip2_reader *r = NULL;
    vonk_bytes_in in;
    uint64_t at = 0;
    vonk_bytes_in_memory(&in, packed->data, packed->len, VONK_STR("a file"));
    VONK_TRY(vonk_bzip2_reader_new(vonk_budget_root(), &in, start, &r, err));
    while (vonk_bzip2_peek(r, &at) && at < end) {
        vonk_str block;
        assert_true(at >= start);
        VONK_TRY(vonk_bzip2_next(r, &block, err));
        VONK_TRY(vonk_buf_add_str(back, block, err));
    }
    return VONK_OK;
}

static void parts_have_each_block_once(void **state)
{
    static const size_t one[] = {PLAIN}, several[] = {1, 90000, 90000, 300000, 300001, PLAIN, PLAIN};
    fill();
    for (size_t which = 0; which < 2; which++) {
        vonk_buf packed = {0};
        if (which)
            pack(&packed, several, VONK_COUNTOF(several));
        else
            pack(&packed, one, 1);
        for (uint64_t n = 1; n < 60; n += n < 8 ? 1 : 17) {
            vonk_error err = VONK_ERROR_INIT;
            vonk_buf back = {0};
            vonk_buf_init(&back, vonk_budget_root(), SIZE_MAX);
            for (uint64_t i = 0; i < n; i++)
                assert_int_equal(read_part(&packed, packed.len * i / n, packed.len * (i + 1) / n, &back, &err),
                                 VONK_OK);
            assert_int_equal(back.len, PLAIN);
            assert_memory_equal(back.data, plain, PLAIN);
            vonk_buf_done(&back);
        }
        vonk_buf_done(&packed);
    }
    (void)state;
}

/* A block's table of the bytes in it, which says here what a block's mark says. */
static void a_mark_that_is_none(void **state)
{
    static const uint16_t mark[] = {0x3141, 0x5926, 0x5359};
    char bytes[48];
    size_t n = 0;
    for (size_t i = 0; i < 48; i++)
        if (mark[i / 16] >> (15 - i % 16) & 1) bytes[n++] = (char)i;
    uint32_t x = 7;
    for (size_t i = 0; i < PLAIN; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = bytes[(x >> 16) % n];
    }
    const size_t all = PLAIN;
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf packed = {0}, back = {0};
    pack(&packed, &all, 1);
    vonk_buf_init(&back, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(read_part(&packed, 0, packed.len, &back, &err), VONK_OK);
    assert_int_equal(back.len, PLAIN);
    assert_memory_equal(back.data, plain, PLAIN);
    vonk_buf_done(&back);
    vonk_buf_done(&packed);
    (void)state;
}

static void damage_is_an_error(void **state)
{
    static const size_t cuts[] = {300000, PLAIN};
    vonk_buf packed = {0}, back = {0};
    vonk_error err = VONK_ERROR_INIT;
    fill();
    pack(&packed, cuts, VONK_COUNTOF(cuts));
    const size_t whole = packed.len;
    static const size_t less[] = {1, 4, 9, 10, 11, 1000, 100000};
    vonk_buf_init(&back, vonk_budget_root(), SIZE_MAX);
    for (size_t i = 0; i < VONK_COUNTOF(less); i++) {
        packed.len = whole - less[i];
        assert_int_equal(read_part(&packed, i % 2 ? whole / 2 : 0, whole, &back, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
    }
    packed.len = whole;
    for (size_t at = 0; at < 100; at++) { /* every bit of it counts, but not each of a stream's checksum */
        char *const byte = packed.data + (at < 14 ? at : whole / 100 * at);
        if (at == 3) continue; /* the size of blocks */
        *byte = (char)(*byte ^ 0x10);
        assert_int_equal(read_part(&packed, 0, whole, &back, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
        *byte = (char)(*byte ^ 0x10);
    }
    assert_int_equal(vonk_buf_append(&packed, "junk behind it", 14, &err), VONK_OK);
    assert_int_equal(read_part(&packed, whole / 2, packed.len, &back, &err), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&err);
    vonk_buf_done(&back);
    vonk_buf_done(&packed);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_each_block_once),
        cmocka_unit_test(a_mark_that_is_none),
        cmocka_unit_test(damage_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
