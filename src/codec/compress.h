/* codec/compress.h -- the only user of zstd, lz4, snappy, zlib, brotli and (with codec/bzip2.h) libbz2.
 *
 * Compressed bytes come from outside: they are read through a cursor, the size of the result is given by the caller and never
 * exceeded, and anything that does not decode to exactly that many bytes is MALFORMED_INPUT (the cursor's `what` is the path).
 * Brotli and libbz2 are opened at first use; where one is not installed the error names its package. LZO (GPL) is refused by name.
 *
 * A compressor keeps the libraries' working memory between calls, charged to its budget. One compressor, one thread at a time. */
#ifndef VONK_CODEC_COMPRESS_H
#define VONK_CODEC_COMPRESS_H

#include "base/buf.h"
#include "base/cursor.h"

typedef enum vonk_compression {
    VONK_COMPRESS_NONE,
    VONK_COMPRESS_SNAPPY,     /* raw block */
    VONK_COMPRESS_GZIP,       /* reading takes zlib framing and several members too */
    VONK_COMPRESS_ZLIB,
    VONK_COMPRESS_DEFLATE,    /* no framing */
    VONK_COMPRESS_LZ4_RAW,    /* one block */
    VONK_COMPRESS_LZ4_HADOOP, /* Hadoop's blocks; Parquet's old LZ4: vonk_decompress also takes one raw block or LZ4 frames */
    VONK_COMPRESS_SNAPPY_HADOOP, /* Hadoop's blocks */
    VONK_COMPRESS_LZ4_FRAME,
    VONK_COMPRESS_ZSTD,
    VONK_COMPRESS_BROTLI,
    VONK_COMPRESS_BZIP2, /* reading takes several streams */
    VONK_COMPRESS_LZO,
    VONK_N_COMPRESS
} vonk_compression;

#define VONK_COMPRESS_LEVEL_DEFAULT INT32_MIN

typedef struct vonk_compressor vonk_compressor;

vonk_status vonk_compressor_new(vonk_budget *budget, vonk_compressor **ret, vonk_error *err);
void        vonk_compressor_free(vonk_compressor *compressor); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_compressor, vonk_compressor_free)

/* The rest of `in` must decode to exactly out_bytes bytes at `out`; `in` is used up. */
vonk_status vonk_decompress(vonk_compressor *compressor, vonk_compression codec, vonk_cursor *in, void *out, size_t out_bytes, vonk_error *err);
/* Size unknown: appends to `out`, whose max_bytes is the limit. Only framed codecs: gzip, zlib, deflate, LZ4 frame, Hadoop's blocks, zstd, bzip2,
 * brotli. */
vonk_status vonk_decompress_all(vonk_compressor *compressor, vonk_compression codec, vonk_cursor *in, vonk_buf *out, vonk_error *err);
/* A stream in pieces, of the framed codecs but Brotli. Start; vonk_unpack with each piece of input until *ret_got is 0: `in` is used up then and
 * more of it is wanted; after the last piece vonk_unpack_end, which raises where the stream is cut off. One stream at a time for a
 * compressor, and no other calls on it between. */
vonk_status vonk_unpack_start(vonk_compressor *compressor, vonk_compression codec, vonk_error *err);
vonk_status vonk_unpack(vonk_compressor *compressor, vonk_cursor *in, void *to, size_t room, size_t *ret_got, vonk_error *err);
vonk_status vonk_unpack_end(const vonk_compressor *compressor, const vonk_cursor *in, vonk_error *err);
/* Appends the compressed form of the `bytes` bytes at `data` to `out`. `level` as the library counts, or the default. */
vonk_status vonk_compress(vonk_compressor *compressor, vonk_compression codec, int32_t level, const void *data, size_t bytes, vonk_buf *out,
                          vonk_error *err);

/* The checksum of gzip and Parquet pages (CRC-32, reflected 0x04C11DB7). */
uint32_t vonk_crc32(const void *data, size_t bytes);

const char *vonk_compression_name(vonk_compression codec); /* "snappy" */

#endif
