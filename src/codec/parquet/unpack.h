/* codec/parquet/unpack.h -- inside codec: the hot loops over page data, compiled per CPU level (kernel.c) and chosen at first use.
 *
 * Bit-packed values are least significant bit first, 8 values in `width` bytes. Kernels may read up to 16 bytes past what they need. */
#ifndef VONK_CODEC_PARQUET_UNPACK_H
#define VONK_CODEC_PARQUET_UNPACK_H

#include "base/attr.h"

#define PQ_SLACK_BYTES 64 /* readable behind every piece of page data that is handed to a decoder */

typedef struct pq_kernels {
    /* n: multiple of 8. width: 0..32. */
    void (*unpack_u32)(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out);
    uint32_t (*max_u32)(const uint32_t *in, size_t n); /* 0 for none */
    int32_t (*min_i32)(const int32_t *in, size_t n);
    int64_t (*min_i64)(const int64_t *in, size_t n);
    /* out[i] = dictionary[codes[i]], values of `each` bytes: 1, 2, 4, 8 or 16; codes are in range */
    void (*gather)(const void *dictionary, const uint32_t *codes, size_t n, size_t each, void *restrict out);
    /* PLAIN 32-bit integers, any alignment, times factor */
    void (*widen_i32)(const uint8_t *in, size_t n, int64_t factor, int64_t *restrict out);
    /* Dense values at the start of `values` move to the places whose bit is 1 (bits from `at` on); the others become 0. n places of `each` bytes. */
    void (*spread)(void *values, size_t n_dense, const uint8_t *bits, size_t at, size_t n, size_t each);
    size_t (*count_equal_u16)(const uint16_t *in, size_t n, uint16_t value);
    size_t (*count_least_u16)(const uint16_t *in, size_t n, uint16_t least);
} pq_kernels;

extern const pq_kernels vonk__pq_kernels_v1, vonk__pq_kernels_v3, vonk__pq_kernels_v4;

/* The best ones for this machine. */
const pq_kernels *vonk__pq_kernels(void);

/* width: 0..64; portable. n: any. first: value number to start with. */
void vonk__pq_unpack_u64(const uint8_t *in, size_t first, size_t n, unsigned width, uint64_t *restrict out);

#endif
