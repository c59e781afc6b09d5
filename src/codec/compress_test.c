/* Tests of codec/compress.c: every codec there and back, framings, bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "codec/compress.h"

static vonk_compressor *compressor;

static int setup(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    return vonk_compressor_new(vonk_budget_root(), &compressor, &err) == VONK_OK ? 0 : -1;
}

static int teardown(void **state)
{
    vonk_compressor_free(compressor);
    return 0;
}

static uint8_t plain[200000];

static void fill(size_t n, unsigned noise)
{
    uint32_t x = 42;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = (uint8_t)((x >> 24) % noise == 0 ? x >> 16 : i / 100);
    }
}

static void check_round(vonk_compression codec, size_t n)
{
    static uint8_t back[sizeof plain + 1];
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf packed = {0};
    vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_compress(compressor, codec, VONK_COMPRESS_LEVEL_DEFAULT, plain, n, &packed, &err), VONK_OK);
    vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
    memset(back, 0xee, sizeof back);
    assert_int_equal(vonk_decompress(compressor, codec, &in, back, n, &err), VONK_OK);
    assert_memory_equal(back, plain, n);
    assert_int_equal(back[n], 0xee);
    assert_int_equal(vonk_cursor_left(&in), 0);
    if (n > 0) { /* a wrong size is noticed, both ways */
        in = vonk_cursor_of(packed.data, packed.len, "test");
        assert_int_equal(vonk_decompress(compressor, codec, &in, back, n - 1, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
        in = vonk_cursor_of(packed.data, packed.len, "test");
        static uint8_t wide[sizeof plain + 1];
        assert_int_equal(vonk_decompress(compressor, codec, &in, wide, n + 1, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
    }
    vonk_buf_done(&packed);
}

static void every_codec_there_and_back(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 100, 4096, 65536, 65537, sizeof plain};
    for (unsigned noise = 1; noise < 100; noise += 33) {
        fill(sizeof plain, noise);
        for (int codec = 0; codec < VONK_COMPRESS_LZO; codec++) {
            for (size_t i = 0; i < VONK_COUNTOF(sizes); i++) check_round((vonk_compression)codec, sizes[i]);
        }
    }
}

static void unknown_size(void **state)
{
    static const vonk_compression framed[] = {VONK_COMPRESS_GZIP,      VONK_COMPRESS_ZLIB, VONK_COMPRESS_DEFLATE,
                                              VONK_COMPRESS_LZ4_FRAME, VONK_COMPRESS_ZSTD, VONK_COMPRESS_BROTLI,
                                              VONK_COMPRESS_BZIP2};
    fill(sizeof plain, 7);
    for (size_t i = 0; i < VONK_COUNTOF(framed); i++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0}, back = {0};
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        vonk_buf_init(&back, vonk_budget_root(), sizeof plain);
        assert_int_equal(vonk_compress(compressor, framed[i], 1, plain, sizeof plain, &packed, &err), VONK_OK);
        vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
        vonk_status st = vonk_decompress_all(compressor, framed[i], &in, &back, &err);
        if (st != VONK_OK) { /* one byte more than the result may be needed to see the end */
            assert_int_equal(st, VONK_E_MEMORY_BUDGET_EXCEEDED);
            vonk_error_reset(&err);
            vonk_buf_done(&back);
            vonk_buf_init(&back, vonk_budget_root(), sizeof plain + 65536);
            in = vonk_cursor_of(packed.data, packed.len, "test");
            assert_int_equal(vonk_decompress_all(compressor, framed[i], &in, &back, &err), VONK_OK);
        }
        assert_int_equal(back.len, sizeof plain);
        assert_memory_equal(back.data, plain, sizeof plain);
        vonk_buf_done(&back);
        vonk_buf_init(&back, vonk_budget_root(), 1000); /* the limit holds */
        in = vonk_cursor_of(packed.data, packed.len, "test");
        assert_int_equal(vonk_decompress_all(compressor, framed[i], &in, &back, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
        vonk_error_reset(&err);
        vonk_buf_done(&back);
        vonk_buf_done(&packed);
    }
}

/* Input by pieces of every size, output too, several members: what came in goes out; cut off, it is an error at the
 * end. */
static vonk_status unpack_by(vonk_compression codec, const vonk_buf *packed, size_t n_packed, size_t piece, size_t room,
                             vonk_buf *back, vonk_error *err)
{
    VONK_TRY(vonk_unpack_start(compressor, codec, err));
    vonk_cursor in = vonk_cursor_of(packed->data, 0, "test");
    for (size_t at = 0;;) {
        char *to;
        size_t got;
        VONK_TRY(vonk_buf_extend(back, room, &to, err));
        VONK_TRY(vonk_unpack(compressor, &in, to, room, &got, err));
        back->len -= room - got;
        if (got) continue;
        assert_int_equal(vonk_cursor_left(&in), 0);
        if (at == n_packed) return vonk_unpack_end(compressor, &in, err);
        const size_t n = vonk_min_size(piece, n_packed - at);
        in = vonk_cursor_of(packed->data + at, n, "test");
        at += n;
    }
}

static void streams_in_pieces(void **state)
{
    static const vonk_compression framed[] = {VONK_COMPRESS_GZIP, VONK_COMPRESS_ZLIB, VONK_COMPRESS_DEFLATE,
                                              VONK_COMPRESS_LZ4_FRAME, VONK_COMPRESS_ZSTD};
    static const size_t pieces[] = {1, 7, 1000, 100000}, rooms[] = {1, 100, 300000};
    enum { EACH = 5000, MEMBERS = 3 };
    fill(EACH * MEMBERS, 7);
    for (size_t i = 0; i < VONK_COUNTOF(framed) * VONK_COUNTOF(pieces) * VONK_COUNTOF(rooms); i++) {
        const vonk_compression codec = framed[i % VONK_COUNTOF(framed)];
        const size_t piece = pieces[i / VONK_COUNTOF(framed) % VONK_COUNTOF(pieces)],
                     room = rooms[i / VONK_COUNTOF(framed) / VONK_COUNTOF(pieces)];
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0}, back = {0};
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        vonk_buf_init(&back, vonk_budget_root(), SIZE_MAX);
        for (size_t m = 0; m < MEMBERS; m++)
            assert_int_equal(vonk_compress(compressor, codec, 1, plain + m * EACH, EACH, &packed, &err), VONK_OK);
        assert_int_equal(unpack_by(codec, &packed, packed.len, piece, room, &back, &err), VONK_OK);
        assert_int_equal(back.len, EACH * MEMBERS);
        assert_memory_equal(back.data, plain, back.len);
        for (size_t cut = 1; cut < 12; cut += 5) {
            vonk_buf_reset(&back);
            assert_int_equal(unpack_by(codec, &packed, packed.len - cut, piece, room, &back, &err),
                             VONK_E_MALFORMED_INPUT);
            vonk_error_reset(&err);
        }
        vonk_buf_done(&packed);
        vonk_buf_done(&back);
    }
}

static void gzip_of_several_members(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf packed = {0};
    uint8_t back[3000];
    fill(3000, 7);
    vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(vonk_compress(compressor, VONK_COMPRESS_GZIP, 1, plain + i * 1000, 1000, &packed, &err),
                         VONK_OK);
    vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
    assert_int_equal(vonk_decompress(compressor, VONK_COMPRESS_GZIP, &in, back, 3000, &err), VONK_OK);
    assert_memory_equal(back, plain, 3000);
    vonk_buf_done(&packed);
}

static void old_lz4_takes_all_three_forms(void **state)
{
    static const vonk_compression forms[] = {VONK_COMPRESS_LZ4_RAW, VONK_COMPRESS_LZ4_HADOOP, VONK_COMPRESS_LZ4_FRAME};
    uint8_t back[10000];
    fill(sizeof back, 7);
    for (size_t i = 0; i < VONK_COUNTOF(forms); i++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0};
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk_compress(compressor, forms[i], 1, plain, sizeof back, &packed, &err), VONK_OK);
        vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
        assert_int_equal(vonk_decompress(compressor, VONK_COMPRESS_LZ4_HADOOP, &in, back, sizeof back, &err), VONK_OK);
        assert_memory_equal(back, plain, sizeof back);
        vonk_buf_done(&packed);
    }
}

/* Each byte of compressed data changed in turn, and every truncation: an error or some result, never out of bounds. */
static void flipped_and_cut(void **state)
{
    uint8_t back[512];
    fill(sizeof back, 3);
    for (int codec = 1; codec < VONK_COMPRESS_LZO; codec++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0};
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk_compress(compressor, (vonk_compression)codec, 1, plain, sizeof back, &packed, &err),
                         VONK_OK);
        for (size_t i = 0; i < packed.len; i++) {
            for (int bit = 0; bit < 8; bit++) {
                packed.data[i] = (char)(packed.data[i] ^ (1 << bit));
                vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
                (void)!vonk_decompress(compressor, (vonk_compression)codec, &in, back, sizeof back, &err);
                vonk_error_reset(&err);
                packed.data[i] = (char)(packed.data[i] ^ (1 << bit));
            }
            vonk_cursor in = vonk_cursor_of(packed.data, i, "test");
            vonk_status st = vonk_decompress(compressor, (vonk_compression)codec, &in, back, sizeof back, &err);
            assert_int_equal(st, VONK_E_MALFORMED_INPUT);
            vonk_error_reset(&err);
        }
        vonk_buf_done(&packed);
    }
}

static void lzo_is_refused_by_name(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    uint8_t byte = 0;
    vonk_cursor in = vonk_cursor_of(&byte, 1, "test");
    assert_int_equal(vonk_decompress(compressor, VONK_COMPRESS_LZO, &in, &byte, 1, &err), VONK_E_UNSUPPORTED_FEATURE);
    assert_non_null(strstr(vonk_error_message(&err), "LZO"));
    vonk_error_reset(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_there_and_back),
        cmocka_unit_test(unknown_size),
        cmocka_unit_test(streams_in_pieces),
        cmocka_unit_test(gzip_of_several_members),
        cmocka_unit_test(old_lz4_takes_all_three_forms),
        cmocka_unit_test(flipped_and_cut),
        cmocka_unit_test(lzo_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
