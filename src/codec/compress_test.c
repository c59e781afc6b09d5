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
    static const vonk_compression framed[] = {
        VONK_COMPRESS_GZIP,      VONK_COMPRESS_ZLIB,       VONK_COMPRESS_DEFLATE,
        VONK_COMPRESS_LZ4_FRAME, VONK_COMPRESS_ZSTD,       VONK_COMPRESS_BROTLI,
        VONK_COMPRESS_BZIP2,     VONK_COMPRESS_LZ4_HADOOP, VONK_COMPRESS_SNAPPY_HADOOP};
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
    static const vonk_compression framed[] = {VONK_COMPRESS_GZIP,         VONK_COMPRESS_ZLIB, VONK_COMPRESS_DEFLATE,
                                              VONK_COMPRESS_LZ4_FRAME,    VONK_COMPRESS_ZSTD, VONK_COMPRESS_LZ4_HADOOP,
                                              VONK_COMPRESS_SNAPPY_HADOOP};
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

static const vonk_compression in_blocks[] = {VONK_COMPRESS_LZ4_HADOOP, VONK_COMPRESS_SNAPPY_HADOOP};

static uint32_t be32_at(const vonk_buf *buf, size_t at)
{
    uint32_t be;
    memcpy(&be, buf->data + at, sizeof be);
    return __builtin_bswap32(be);
}

/* As Hadoop's writers make them: nothing is a block of no bytes, and no block is longer than its readers' buffers. */
static void blocks_as_hadoop_makes_them(void **state)
{
    static const size_t most[] = {262144 - 1028 - 16, 262144 - 43690 - 32};
    static uint8_t large[600000];
    for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * i / 77);
    for (size_t i = 0; i < VONK_COUNTOF(in_blocks); i++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0}, back = {0};
        size_t n_blocks = 0, bytes = 0;
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        vonk_buf_init(&back, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk_compress(compressor, in_blocks[i], 1, NULL, 0, &packed, &err), VONK_OK);
        assert_int_equal(packed.len, 4);
        assert_int_equal(be32_at(&packed, 0), 0);
        vonk_buf_reset(&packed);
        assert_int_equal(vonk_compress(compressor, in_blocks[i], 1, large, sizeof large, &packed, &err), VONK_OK);
        for (size_t at = 0; at < packed.len; at += 8 + be32_at(&packed, at + 4), n_blocks++) {
            assert_true(be32_at(&packed, at) <= most[i]);
            bytes += be32_at(&packed, at);
        }
        assert_int_equal(n_blocks, sizeof large / most[i] + 1);
        assert_int_equal(bytes, sizeof large);
        /* After a block of nothing there may be others. */
        assert_int_equal(vonk_compress(compressor, in_blocks[i], 1, "", 0, &packed, &err), VONK_OK);
        assert_int_equal(vonk_compress(compressor, in_blocks[i], 1, "more", 4, &packed, &err), VONK_OK);
        vonk_cursor in = vonk_cursor_of(packed.data, packed.len, "test");
        assert_int_equal(vonk_decompress_all(compressor, in_blocks[i], &in, &back, &err), VONK_OK);
        assert_int_equal(back.len, sizeof large + 4);
        assert_memory_equal(back.data, large, sizeof large);
        assert_memory_equal(back.data + sizeof large, "more", 4);
        vonk_buf_done(&packed);
        vonk_buf_done(&back);
    }
}

static vonk_status unpack_text(vonk_compression codec, const char *bytes, size_t n, vonk_buf *back, vonk_error *err)
{
    vonk_cursor in = vonk_cursor_of(bytes, n, "test");
    vonk_buf_reset(back);
    return vonk_decompress_all(compressor, codec, &in, back, err);
}

/* Several chunks in a block are read, as a long write of Hadoop's makes them; sizes that cannot be are damage, found
 * before memory is taken for them. */
static void blocks_of_other_shapes(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_buf back = {0};
#define ABC                                                                                                            \
    "\0\0\0\4\x30"                                                                                                     \
    "abc"
#define CHUNKS(n) "\0\0\0" n ABC ABC
    static const struct {
        const char *bytes;
        size_t n;
        vonk_status status;
    } cases[] = {
        {CHUNKS("\6"), 20, VONK_OK},
        {CHUNKS("\6"), 19, VONK_E_MALFORMED_INPUT},      /* cut off */
        {CHUNKS("\6"), 12, VONK_E_MALFORMED_INPUT},      /* by a chunk */
        {CHUNKS("\6"), 2, VONK_E_MALFORMED_INPUT},       /* in a number */
        {CHUNKS("\7"), 20, VONK_E_MALFORMED_INPUT},      /* more is owed */
        {CHUNKS("\5"), 20, VONK_E_MALFORMED_INPUT},      /* less is owed */
        {"\0\0\0\3\0\0\0\0", 8, VONK_E_MALFORMED_INPUT}, /* a chunk of nothing */
        {"\x80\0\0\3" ABC, 12, VONK_E_MALFORMED_INPUT},  /* negative sizes */
        {"\0\0\0\3\xff\xff\xff\xff\x30"
         "abc",
         12, VONK_E_MALFORMED_INPUT},
        {"\x7f\xff\xff\xff\x7f\xff\xff\xff\x30"
         "abc",
         12, VONK_E_MALFORMED_INPUT},
        {"\x7f\xff\xff\xff" ABC, 12, VONK_E_MALFORMED_INPUT},
    };
    assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", 1 << 20, &budget, &err), VONK_OK);
    vonk_buf_init(&back, budget, SIZE_MAX);
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        assert_int_equal(unpack_text(VONK_COMPRESS_LZ4_HADOOP, cases[i].bytes, cases[i].n, &back, &err),
                         cases[i].status);
        if (cases[i].status == VONK_OK) assert_memory_equal(back.data, "abcabc", 6);
        vonk_error_reset(&err);
    }
    /* A Snappy chunk that claims 2 GiB. */
    static const char claims[] = "\x7f\xff\xff\xff\0\0\0\7\xff\xff\xff\xff\7\0a";
    assert_int_equal(unpack_text(VONK_COMPRESS_SNAPPY_HADOOP, claims, sizeof claims - 1, &back, &err),
                     VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&err);
    vonk_buf_done(&back);
    vonk_budget_free(budget);
}

/* Each byte of blocks changed in turn, read as streams of unknown size by pieces, and each cut. */
static void damaged_blocks(void **state)
{
    fill(700, 3);
    for (size_t k = 0; k < VONK_COUNTOF(in_blocks); k++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf packed = {0}, back = {0};
        vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
        vonk_buf_init(&back, vonk_budget_root(), 1 << 20);
        assert_int_equal(vonk_compress(compressor, in_blocks[k], 1, plain, 400, &packed, &err), VONK_OK);
        const size_t first = packed.len;
        assert_int_equal(vonk_compress(compressor, in_blocks[k], 1, plain + 400, 300, &packed, &err), VONK_OK);
        for (size_t i = 0; i < packed.len; i++) {
            for (int bit = 0; bit < 8; bit++) {
                packed.data[i] = (char)(packed.data[i] ^ (1 << bit));
                vonk_buf_reset(&back);
                (void)!unpack_by(in_blocks[k], &packed, packed.len, 100, 256, &back, &err);
                vonk_error_reset(&err);
                packed.data[i] = (char)(packed.data[i] ^ (1 << bit));
            }
            vonk_buf_reset(&back);
            assert_int_equal(unpack_by(in_blocks[k], &packed, i, 100, 256, &back, &err),
                             i == 0 || i == first ? VONK_OK : VONK_E_MALFORMED_INPUT);
            vonk_error_reset(&err);
        }
        vonk_buf_done(&packed);
        vonk_buf_done(&back);
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
        cmocka_unit_test(blocks_as_hadoop_makes_them),
        cmocka_unit_test(blocks_of_other_shapes),
        cmocka_unit_test(damaged_blocks),
        cmocka_unit_test(flipped_and_cut),
        cmocka_unit_test(lzo_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
