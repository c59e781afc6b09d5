/* codec/parquet/delta.h -- inside codec: the delta encodings and byte stream split, a whole page at a time.
 *
 * Input has PQ_SLACK_BYTES readable behind it. Counts come from the page's own header and are limited by `most`. */
#ifndef VONK_CODEC_PARQUET_DELTA_H
#define VONK_CODEC_PARQUET_DELTA_H

#include "base/buf.h"
#include "base/cursor.h"
#include "column/buffer.h"

/* DELTA_BINARY_PACKED: integers of each_bytes (4 or 8) as PLAIN would hold them. The cursor stands behind the last block afterwards. */
vonk_status vonk__pq_delta_ints(vonk_budget *budget, vonk_cursor *in, uint32_t most, unsigned each_bytes, vonk_buffer **ret, uint32_t *ret_n,
                                vonk_error *err);

/* Byte arrays: value i is lens[i] bytes (int32_t, never negative), all behind each other from *ret_bytes on. */
typedef struct pq_strings {
    vonk_buffer   *lens;
    vonk_buffer   *made;  /* DELTA_BYTE_ARRAY: memory of `bytes`; else NULL: bytes lie in the page */
    const uint8_t *bytes;
    size_t         n_bytes;
    uint32_t       n;
} pq_strings;
void vonk__pq_strings_done(pq_strings *s); /* accepts zeroed storage */
vonk_status vonk__pq_delta_lengths(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *ret, vonk_error *err); /* DELTA_LENGTH_BYTE_ARRAY */
vonk_status vonk__pq_delta_strings(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *ret, vonk_error *err); /* DELTA_BYTE_ARRAY */

/* BYTE_STREAM_SPLIT of n values of `each` bytes: n * each bytes as PLAIN would hold them. */
void vonk__pq_join_streams(const uint8_t *in, size_t n, size_t each, uint8_t *restrict out);

/* ---- writing */
vonk_status vonk__pq_delta_write(vonk_buf *out, const int64_t *values, size_t n, bool narrow /* 32-bit */, vonk_error *err);
void        vonk__pq_split_streams(const uint8_t *in, size_t n, size_t each, uint8_t *restrict out);

#endif
