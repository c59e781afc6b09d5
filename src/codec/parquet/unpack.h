/* codec/parquet/unpack.h -- inside codec: bit-packed integers to uint32_t, compiled per CPU level.
 *
 * Values are packed least significant bit first, 8 values in `width` bytes. Kernels may read up to 16 bytes past the packed bytes. */
#ifndef VONK_CODEC_PARQUET_UNPACK_H
#define VONK_CODEC_PARQUET_UNPACK_H

#include "base/attr.h"

#define PQ_SLACK_BYTES 64 /* readable behind every piece of page data that is handed to a decoder */

/* n: multiple of 8. width: 0..32. */
typedef void pq_unpack_u32(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out);

pq_unpack_u32 vonk__pq_unpack_u32_v1, vonk__pq_unpack_u32_v3, vonk__pq_unpack_u32_v4;

/* The best one for this machine. */
void vonk__pq_unpack_u32(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out);
/* width: 0..64; portable. n: any. first: value number to start with. */
void vonk__pq_unpack_u64(const uint8_t *in, size_t first, size_t n, unsigned width, uint64_t *restrict out);

#endif
