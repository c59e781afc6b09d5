#include "codec/compress.h"

#define ZSTD_STATIC_LINKING_ONLY /* custom allocation: contexts are charged to the budget */
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "codec/brotli.h"
#include "codec/bzip2.h"
#include "codec/hadoop_blocks.h"

#define LZ4_FRAME_MAGIC 0x184D2204u
#define CHUNK_BYTES 65536

struct vonk_compressor {
    vonk_budget *budget;
    ZSTD_DCtx *zstd_d;
    ZSTD_CCtx *zstd_c;
    LZ4F_dctx *lz4_d;
    void *lz4_state; /* of LZ4_compress_fast_extState */
    z_stream inflate;
    int inflate_bits; /* 0: not made; else the window bits it was made with */
    vonk__bunzip *bunzip;
    vonk__blocks blocks;
    vonk_compression unpacking;
    bool at_end; /* of a member of the stream that is unpacked: nothing is owed */
};

const char *vonk_compression_name(vonk_compression codec)
{
    static const char *const names[] = {"none",       "snappy",        "gzip",      "zlib", "deflate", "lz4_raw",
                                        "lz4_hadoop", "snappy_hadoop", "lz4_frame", "zstd", "brotli",  "bzip2",
                                        "lzo"};
    return (size_t)codec < VONK_COUNTOF(names) ? names[codec] : "unknown";
}

vonk_status vonk_compressor_new(vonk_budget *budget, vonk_compressor **ret, vonk_error *err)
{
    VONK_TRY(VONK_NEW(budget, ret, err));
    (*ret)->budget = budget;
    vonk__blocks_init(&(*ret)->blocks, budget);
    return VONK_OK;
}

void vonk_compressor_free(vonk_compressor *c)
{
    if (!c) return;
    ZSTD_freeDCtx(c->zstd_d);
    ZSTD_freeCCtx(c->zstd_c);
    LZ4F_freeDecompressionContext(c->lz4_d);
    vonk_free(c->lz4_state);
    if (c->inflate_bits) inflateEnd(&c->inflate);
    vonk__bunzip_free(c->bunzip);
    vonk__blocks_done(&c->blocks);
    vonk_free(c);
}

/* ---- the libraries' memory */
static void *zlib_alloc(void *budget, unsigned n, unsigned each) { return vonk_lib_alloc(budget, (size_t)n * each); }

static vonk_status no_memory(const vonk_compressor *c, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "65536", "receivedBytes",
                     VONK_F("%lld", (long long)vonk_budget_room(c->budget)), "budget", "compression");
}

/* ---- zlib's formats */
static int window_bits(vonk_compression codec)
{
    switch (codec) {
    case VONK_COMPRESS_GZIP: return 15 + 32; /* detects gzip or zlib */
    case VONK_COMPRESS_ZLIB: return 15;
    default: return -15;
    }
}

static vonk_status inflate_start(vonk_compressor *c, vonk_compression codec, vonk_error *err)
{
    int bits = window_bits(codec);
    if (c->inflate_bits == bits && inflateReset(&c->inflate) == Z_OK) return VONK_OK;
    if (c->inflate_bits) inflateEnd(&c->inflate);
    c->inflate_bits = 0;
    c->inflate = (z_stream){.zalloc = zlib_alloc, .zfree = vonk_lib_free, .opaque = c->budget};
    if (inflateInit2(&c->inflate, bits) != Z_OK) return no_memory(c, err);
    c->inflate_bits = bits;
    return VONK_OK;
}

static vonk_status inflate_step(vonk_compressor *c, vonk_cursor *in, uint8_t *to, size_t room, size_t *ret_got,
                                bool *ret_end, vonk_error *err)
{
    z_stream *z = &c->inflate;
    z->next_in = (Bytef *)(uintptr_t)in->at; /* zlib reads only */
    z->avail_in = (unsigned)vonk_min_size(vonk_cursor_left(in), 1u << 30);
    z->next_out = to;
    z->avail_out = (unsigned)vonk_min_size(room, 1u << 30);
    const unsigned had_in = z->avail_in, had_out = z->avail_out;
    const int got = inflate(z, Z_NO_FLUSH);
    in->at += had_in - z->avail_in;
    *ret_got = had_out - z->avail_out;
    *ret_end = got == Z_STREAM_END;
    if (got == Z_MEM_ERROR) return no_memory(c, err);
    if (got != Z_OK && got != Z_BUF_ERROR && got != Z_STREAM_END) return vonk_cursor_fail(in, "corrupt gzip data", err);
    return VONK_OK;
}

static vonk_status deflate_all(vonk_compressor *c, vonk_compression codec, int level, const void *data, size_t bytes,
                               vonk_buf *out, vonk_error *err)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = vonk_lib_free, .opaque = c->budget};
    int bits = codec == VONK_COMPRESS_GZIP ? 15 + 16 : window_bits(codec);
    if (bytes > UINT32_MAX / 2)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "piece to compress is too large");
    if (deflateInit2(&z, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) return no_memory(c, err);
    size_t bound = deflateBound(&z, bytes);
    vonk_status st = vonk_buf_reserve(out, bound, err);
    if (st == VONK_OK) {
        z.next_in = (Bytef *)(uintptr_t)data;
        z.avail_in = (unsigned)bytes;
        z.next_out = (Bytef *)out->data + out->len;
        z.avail_out = (unsigned)bound;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END)
            out->len += bound - z.avail_out;
        else
            st = VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "zlib could not compress");
    }
    deflateEnd(&z);
    return st;
}

/* ---- LZ4 */
static vonk_status lz4_block(vonk_cursor *in, size_t in_bytes, uint8_t *out, size_t bytes, vonk_error *err)
{
    const uint8_t *from = NULL;
    VONK_TRY(vonk_cursor_take(in, in_bytes, &from, err));
    if (in_bytes > INT32_MAX || bytes > INT32_MAX) return vonk_cursor_fail(in, "LZ4 block is too large", err);
    int got = LZ4_decompress_safe((const char *)from, (char *)out, (int)in_bytes, (int)bytes);
    if (got < 0 || (size_t)got != bytes) return vonk_cursor_fail(in, "corrupt LZ4 block", err);
    return VONK_OK;
}

static vonk_status lz4_frame_start(vonk_compressor *c, vonk_error *err)
{
    if (c->lz4_d)
        LZ4F_resetDecompressionContext(c->lz4_d);
    else if (LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4_d, LZ4F_VERSION)))
        return no_memory(c, err);
    return VONK_OK;
}

static vonk_status lz4_frame_step(vonk_compressor *c, vonk_cursor *in, uint8_t *to, size_t room, size_t *ret_got,
                                  bool *ret_end, vonk_error *err)
{
    size_t used = vonk_cursor_left(in);
    *ret_got = room;
    const size_t hint = LZ4F_decompress(c->lz4_d, to, ret_got, in->at, &used, NULL);
    if (LZ4F_isError(hint)) return vonk_cursor_fail(in, "corrupt LZ4 frame", err);
    in->at += used;
    *ret_end = hint == 0;
    return VONK_OK;
}

static vonk_status stream_exact(vonk_compressor *c, vonk_compression codec, vonk_cursor *in, uint8_t *out, size_t bytes,
                                vonk_error *err);

/* Writers disagreed about what Parquet's old LZ4 is: Hadoop's framing, a bare block, or a frame. */
static vonk_status lz4_parquet(vonk_compressor *c, vonk_cursor *in, uint8_t *out, size_t bytes, vonk_error *err)
{
    vonk_cursor peek = *in;
    uint32_t magic;
    if (vonk_cursor_left(in) >= 4) {
        VONK_TRY(vonk_cursor_u32(&peek, &magic, err));
        if (magic == LZ4_FRAME_MAGIC) return stream_exact(c, VONK_COMPRESS_LZ4_FRAME, in, out, bytes, err);
    }
    vonk_error ignored = VONK_ERROR_INIT;
    peek = *in;
    if (stream_exact(c, VONK_COMPRESS_LZ4_HADOOP, &peek, out, bytes, &ignored) == VONK_OK) {
        *in = peek;
        return VONK_OK;
    }
    VONK_TRY(vonk_error_forgive(&ignored, err));
    return lz4_block(in, vonk_cursor_left(in), out, bytes, err);
}

static vonk_status lz4_frame_compress(const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    LZ4F_preferences_t prefs = {.frameInfo = {.contentSize = bytes, .blockSizeID = LZ4F_max64KB}};
    size_t bound = LZ4F_compressFrameBound(bytes, &prefs);
    VONK_TRY(vonk_buf_reserve(out, bound, err));
    size_t got = LZ4F_compressFrame(out->data + out->len, bound, data, bytes, &prefs);
    if (LZ4F_isError(got)) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "LZ4 could not compress");
    out->len += got;
    return VONK_OK;
}

static vonk_status lz4_compress(vonk_compressor *c, const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    if (bytes > LZ4_MAX_INPUT_SIZE)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "piece to compress is too large");
    if (!c->lz4_state) VONK_TRY(vonk_alloc(c->budget, (size_t)LZ4_sizeofState(), &c->lz4_state, err));
    size_t bound = (size_t)LZ4_compressBound((int)bytes);
    VONK_TRY(vonk_buf_reserve(out, bound, err));
    int got = LZ4_compress_fast_extState(c->lz4_state, data, out->data + out->len, (int)bytes, (int)bound, 1);
    if (got <= 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "LZ4 could not compress");
    out->len += (size_t)got;
    return VONK_OK;
}

/* ---- zstd */
static vonk_status zstd_start(vonk_compressor *c, vonk_error *err)
{
    if (!c->zstd_d) c->zstd_d = ZSTD_createDCtx_advanced((ZSTD_customMem){vonk_lib_alloc, vonk_lib_free, c->budget});
    if (!c->zstd_d) return no_memory(c, err);
    ZSTD_DCtx_reset(c->zstd_d, ZSTD_reset_session_only);
    return VONK_OK;
}

static vonk_status zstd_fail(const vonk_compressor *c, const vonk_cursor *in, size_t code, vonk_error *err)
{
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) return no_memory(c, err);
    return vonk_cursor_fail(in, VONK_F("corrupt zstd data (%s)", ZSTD_getErrorName(code)), err);
}

static vonk_status zstd_exact(vonk_compressor *c, vonk_cursor *in, uint8_t *out, size_t bytes, vonk_error *err)
{
    VONK_TRY(zstd_start(c, err));
    size_t got = ZSTD_decompressDCtx(c->zstd_d, out, bytes, in->at, vonk_cursor_left(in));
    if (ZSTD_isError(got)) return zstd_fail(c, in, got, err);
    if (got != bytes) return vonk_cursor_fail(in, "zstd data is shorter than its header says", err);
    in->at = in->end;
    return VONK_OK;
}

static vonk_status zstd_step(vonk_compressor *c, vonk_cursor *in, uint8_t *to, size_t room, size_t *ret_got,
                             bool *ret_end, vonk_error *err)
{
    ZSTD_inBuffer from = {in->at, vonk_cursor_left(in), 0};
    ZSTD_outBuffer into = {to, room, 0};
    const size_t hint = ZSTD_decompressStream(c->zstd_d, &into, &from);
    if (ZSTD_isError(hint)) return zstd_fail(c, in, hint, err);
    in->at += from.pos;
    *ret_got = into.pos;
    *ret_end = hint == 0;
    return VONK_OK;
}

static vonk_status zstd_compress(vonk_compressor *c, int32_t level, const void *data, size_t bytes, vonk_buf *out,
                                 vonk_error *err)
{
    if (!c->zstd_c) c->zstd_c = ZSTD_createCCtx_advanced((ZSTD_customMem){vonk_lib_alloc, vonk_lib_free, c->budget});
    if (!c->zstd_c) return no_memory(c, err);
    size_t bound = ZSTD_compressBound(bytes);
    VONK_TRY(vonk_buf_reserve(out, bound, err));
    size_t got = ZSTD_compressCCtx(c->zstd_c, out->data + out->len, bound, data, bytes, level);
    if (ZSTD_isError(got)) return no_memory(c, err);
    out->len += got;
    return VONK_OK;
}

/* ---- snappy */
static vonk_status snappy_exact(vonk_cursor *in, uint8_t *out, size_t bytes, vonk_error *err)
{
    size_t says = 0;
    if (snappy_uncompressed_length((const char *)in->at, vonk_cursor_left(in), &says) != SNAPPY_OK || says != bytes)
        return vonk_cursor_fail(in, "snappy data has another size than its header says", err);
    if (snappy_uncompress((const char *)in->at, vonk_cursor_left(in), (char *)out, &says) != SNAPPY_OK)
        return vonk_cursor_fail(in, "corrupt snappy data", err);
    in->at = in->end;
    return VONK_OK;
}

static vonk_status snappy_all(const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    if (bytes > UINT32_MAX) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "piece to compress is too large");
    size_t got = snappy_max_compressed_length(bytes);
    VONK_TRY(vonk_buf_reserve(out, got, err));
    if (snappy_compress(data, bytes, out->data + out->len, &got) != SNAPPY_OK)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "snappy could not compress");
    out->len += got;
    return VONK_OK;
}

/* ---- the doors */
static vonk_status refuse(vonk_compression codec, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     codec == VONK_COMPRESS_LZO ? "LZO compression"
                                                : VONK_F("compression %s here", vonk_compression_name(codec)));
}

/* ---- Hadoop's blocks of them */

static size_t snappy_chunk_most(vonk_str in)
{
    size_t says = 0;
    if (snappy_uncompressed_length(in.data, in.len, &says) != SNAPPY_OK) return 0;
    return says / 64 > in.len ? 0 : says; /* three bytes stand for 64 at most */
}
static size_t snappy_chunk_unpack(vonk_str in, void *to, size_t most)
{
    size_t got = most;
    return snappy_uncompress(in.data, in.len, to, &got) == SNAPPY_OK ? got : 0;
}
static vonk_status snappy_chunk_pack(void *self, const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    (void)self;
    return snappy_all(data, bytes, out, err);
}

static size_t lz4_chunk_most(vonk_str in) { return in.len > INT32_MAX ? 0 : 255 * in.len; }
static size_t lz4_chunk_unpack(vonk_str in, void *to, size_t most)
{
    const int got = LZ4_decompress_safe(in.data, to, (int)in.len, (int)vonk_min_size(most, INT32_MAX));
    return got > 0 ? (size_t)got : 0;
}
static vonk_status lz4_chunk_pack(void *self, const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    return lz4_compress(self, data, bytes, out, err);
}

/* Hadoop's buffers of 256 KiB, less what its codecs reserve for data that grows. */
enum { HADOOP_BUFFER = 256 << 10 };
static const vonk__chunk_codec snappy_chunks = {.block_bytes = HADOOP_BUFFER - (HADOOP_BUFFER / 6 + 32),
                                                .most = snappy_chunk_most,
                                                .unpack = snappy_chunk_unpack,
                                                .pack = snappy_chunk_pack};
static const vonk__chunk_codec lz4_chunks = {.block_bytes = HADOOP_BUFFER - (HADOOP_BUFFER / 255 + 16),
                                             .most = lz4_chunk_most,
                                             .unpack = lz4_chunk_unpack,
                                             .pack = lz4_chunk_pack};

/* ---- streams in pieces */

static vonk_status unpack_start(vonk_compressor *c, vonk_error *err)
{
    switch (c->unpacking) {
    case VONK_COMPRESS_GZIP:
    case VONK_COMPRESS_ZLIB:
    case VONK_COMPRESS_DEFLATE: return inflate_start(c, c->unpacking, err);
    case VONK_COMPRESS_LZ4_FRAME: return lz4_frame_start(c, err);
    case VONK_COMPRESS_ZSTD: return zstd_start(c, err);
    case VONK_COMPRESS_BZIP2: return vonk__bunzip_start(c->budget, &c->bunzip, err);
    case VONK_COMPRESS_LZ4_HADOOP:
    case VONK_COMPRESS_SNAPPY_HADOOP: vonk__blocks_start(&c->blocks); return VONK_OK;
    default: return refuse(c->unpacking, err);
    }
}

vonk_status vonk_unpack_start(vonk_compressor *c, vonk_compression codec, vonk_error *err)
{
    c->unpacking = codec;
    c->at_end = true; /* of nothing: an empty stream is whole */
    return unpack_start(c, err);
}

/* One step, which may use input without giving output. */
static vonk_status unpack_step(vonk_compressor *c, vonk_cursor *in, uint8_t *to, size_t room, size_t *ret_got,
                               vonk_error *err)
{
    switch (c->unpacking) {
    case VONK_COMPRESS_ZSTD: return zstd_step(c, in, to, room, ret_got, &c->at_end, err);
    case VONK_COMPRESS_LZ4_FRAME: return lz4_frame_step(c, in, to, room, ret_got, &c->at_end, err);
    case VONK_COMPRESS_BZIP2: return vonk__bunzip_step(c->bunzip, in, to, room, ret_got, &c->at_end, err);
    case VONK_COMPRESS_LZ4_HADOOP:
        return vonk__blocks_step(&c->blocks, &lz4_chunks, in, to, room, ret_got, &c->at_end, err);
    case VONK_COMPRESS_SNAPPY_HADOOP:
        return vonk__blocks_step(&c->blocks, &snappy_chunks, in, to, room, ret_got, &c->at_end, err);
    default: return inflate_step(c, in, to, room, ret_got, &c->at_end, err);
    }
}

vonk_status vonk_unpack(vonk_compressor *c, vonk_cursor *in, void *to, size_t room, size_t *ret_got, vonk_error *err)
{
    *ret_got = 0;
    while (*ret_got == 0) {
        const size_t had = vonk_cursor_left(in);
        if (c->at_end && had == 0) return VONK_OK;
        if (c->at_end) VONK_TRY(unpack_start(c, err)); /* the next member */
        VONK_TRY(unpack_step(c, in, to, room, ret_got, err));
        if (vonk_cursor_left(in) == had && *ret_got == 0) break; /* nothing moves: more input */
    }
    if (*ret_got == 0 && vonk_cursor_left(in)) return vonk_cursor_fail(in, "corrupt packed data", err);
    return VONK_OK;
}

vonk_status vonk_unpack_end(const vonk_compressor *c, const vonk_cursor *in, vonk_error *err)
{
    return c->at_end ? VONK_OK : vonk_cursor_fail(in, "the packed data is cut off", err);
}

/* Nothing is left of a stream that came whole; else more output is to come, or it is cut off. */
static bool is_all(const vonk_compressor *c, const vonk_cursor *in) { return c->at_end && vonk_cursor_left(in) == 0; }

static vonk_status stream_exact(vonk_compressor *c, vonk_compression codec, vonk_cursor *in, uint8_t *out, size_t bytes,
                                vonk_error *err)
{
    size_t at = 0;
    uint8_t none;
    VONK_TRY(vonk_unpack_start(c, codec, err));
    do {
        size_t got = 0;
        VONK_TRY(vonk_unpack(c, in, at < bytes ? out + at : &none, at < bytes ? bytes - at : 1, &got, err));
        if (at == bytes && got > 0) return vonk_cursor_fail(in, "packed data is longer than its header says", err);
        if (got == 0) VONK_TRY(vonk_unpack_end(c, in, err));
        at += got;
    } while (!is_all(c, in));
    return at == bytes ? VONK_OK : vonk_cursor_fail(in, "packed data is shorter than its header says", err);
}

static vonk_status stream_all(vonk_compressor *c, vonk_compression codec, vonk_cursor *in, vonk_buf *out,
                              vonk_error *err)
{
    VONK_TRY(vonk_unpack_start(c, codec, err));
    do {
        size_t got = 0, room = vonk_max_size(
                            1, vonk_min_size(CHUNK_BYTES, out->max_bytes - vonk_min_size(out->len, out->max_bytes)));
        VONK_TRY(vonk_buf_reserve(out, room, err));
        VONK_TRY(vonk_unpack(c, in, out->data + out->len, room, &got, err));
        if (got == 0) VONK_TRY(vonk_unpack_end(c, in, err));
        out->len += got;
    } while (!is_all(c, in));
    return VONK_OK;
}

static vonk_status brotli_exact(vonk_budget *budget, vonk_cursor *in, uint8_t *out, size_t bytes, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf plain = {0};
    vonk_buf_init(&plain, budget, bytes + 1);
    VONK_TRY(vonk_buf_reserve(&plain, bytes + 1, err));
    VONK_TRY(vonk__brotli_decompress(in, &plain, err));
    if (plain.len != bytes) return vonk_cursor_fail(in, "Brotli data has another size than its header says", err);
    if (bytes > 0) memcpy(out, plain.data, bytes);
    return VONK_OK;
}

vonk_status vonk_decompress(vonk_compressor *c, vonk_compression codec, vonk_cursor *in, void *out, size_t bytes,
                            vonk_error *err)
{
    if (bytes == 0 && vonk_cursor_left(in) == 0) return VONK_OK; /* no codec can say less */
    switch (codec) {
    case VONK_COMPRESS_NONE:
        if (vonk_cursor_left(in) != bytes)
            return vonk_cursor_fail(in, "plain data has another size than its header says", err);
        if (bytes > 0) memcpy(out, in->at, bytes);
        in->at = in->end;
        return VONK_OK;
    case VONK_COMPRESS_SNAPPY: return snappy_exact(in, out, bytes, err);
    case VONK_COMPRESS_GZIP:
    case VONK_COMPRESS_ZLIB:
    case VONK_COMPRESS_DEFLATE:
    case VONK_COMPRESS_LZ4_FRAME:
    case VONK_COMPRESS_SNAPPY_HADOOP:
    case VONK_COMPRESS_BZIP2: return stream_exact(c, codec, in, out, bytes, err);
    case VONK_COMPRESS_LZ4_RAW: return lz4_block(in, vonk_cursor_left(in), out, bytes, err);
    case VONK_COMPRESS_LZ4_HADOOP: return lz4_parquet(c, in, out, bytes, err);
    case VONK_COMPRESS_ZSTD: return zstd_exact(c, in, out, bytes, err);
    case VONK_COMPRESS_BROTLI: return brotli_exact(c->budget, in, out, bytes, err);
    default: return refuse(codec, err);
    }
}

vonk_status vonk_decompress_all(vonk_compressor *c, vonk_compression codec, vonk_cursor *in, vonk_buf *out,
                                vonk_error *err)
{
    switch (codec) {
    case VONK_COMPRESS_NONE:
        VONK_TRY(vonk_buf_append(out, in->at, vonk_cursor_left(in), err));
        in->at = in->end;
        return VONK_OK;
    case VONK_COMPRESS_BROTLI: return vonk__brotli_decompress(in, out, err);
    default: return stream_all(c, codec, in, out, err);
    }
}

vonk_status vonk_compress(vonk_compressor *c, vonk_compression codec, int32_t level, const void *data, size_t bytes,
                          vonk_buf *out, vonk_error *err)
{
    bool standard = level == VONK_COMPRESS_LEVEL_DEFAULT;
    switch (codec) {
    case VONK_COMPRESS_NONE: return vonk_buf_append(out, data, bytes, err);
    case VONK_COMPRESS_SNAPPY: return snappy_all(data, bytes, out, err);
    case VONK_COMPRESS_GZIP:
    case VONK_COMPRESS_ZLIB:
    case VONK_COMPRESS_DEFLATE:
        return deflate_all(c, codec, standard || level < 0 || level > 9 ? Z_DEFAULT_COMPRESSION : (int)level, data,
                           bytes, out, err);
    case VONK_COMPRESS_LZ4_RAW: return lz4_compress(c, data, bytes, out, err);
    case VONK_COMPRESS_LZ4_HADOOP: return vonk__blocks_pack(&lz4_chunks, c, data, bytes, out, err);
    case VONK_COMPRESS_SNAPPY_HADOOP: return vonk__blocks_pack(&snappy_chunks, c, data, bytes, out, err);
    case VONK_COMPRESS_LZ4_FRAME: return lz4_frame_compress(data, bytes, out, err);
    case VONK_COMPRESS_ZSTD: return zstd_compress(c, standard ? ZSTD_CLEVEL_DEFAULT : level, data, bytes, out, err);
    case VONK_COMPRESS_BROTLI: return vonk__brotli_compress(standard ? -1 : level, data, bytes, out, err);
    case VONK_COMPRESS_BZIP2: return vonk__bzip2_compress(c->budget, level, data, bytes, out, err);
    default: return refuse(codec, err);
    }
}

uint32_t vonk_crc32(const void *data, size_t bytes) { return (uint32_t)crc32_z(crc32_z(0, Z_NULL, 0), data, bytes); }
