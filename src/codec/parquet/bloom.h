/* codec/parquet/bloom.h -- inside codec: split-block bloom filters (parquet-format's BloomFilter.md) and their hash, XXH64 of PLAIN bytes. */
#ifndef VONK_CODEC_PARQUET_BLOOM_H
#define VONK_CODEC_PARQUET_BLOOM_H

#include "base/attr.h"

#define PQ_BLOOM_BLOCK     32
#define PQ_BLOOM_MAX_BYTES (128u << 20)

uint64_t vonk__pq_xxh64(const void *data, size_t bytes); /* seed 0 */
/* Bytes (a power of two) for n_distinct values and a share `fpp` of false positives. */
size_t vonk__pq_bloom_bytes(uint64_t n_distinct, double fpp);
void   vonk__pq_bloom_add(uint8_t *filter, size_t bytes, uint64_t hash);
bool   vonk__pq_bloom_has(const uint8_t *filter, size_t bytes, uint64_t hash); /* bytes: a multiple of the block */

#endif
