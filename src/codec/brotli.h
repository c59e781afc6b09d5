/* codec/brotli.h -- inside codec: the Brotli libraries, opened at first use (most installations never need them). */
#ifndef VONK_CODEC_BROTLI_H
#define VONK_CODEC_BROTLI_H

#include "base/buf.h"
#include "base/cursor.h"

/* Appends to `out`, whose max_bytes is the limit; `in` is used up. */
vonk_status vonk__brotli_decompress(vonk_cursor *in, vonk_buf *out, vonk_error *err);
vonk_status vonk__brotli_compress(int32_t level, const void *data, size_t bytes, vonk_buf *out, vonk_error *err);

#endif
