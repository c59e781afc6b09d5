#include "codec/parquet/bloom.h"

#include <math.h>
#include <string.h>

/* ---- XXH64 (xxhash.com, by Yann Collet; the algorithm is public) */
#define P1 UINT64_C(0x9E3779B185EBCA87)
#define P2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define P3 UINT64_C(0x165667B19E3779F9)
#define P4 UINT64_C(0x85EBCA77C2B2AE63)
#define P5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t turn(uint64_t x, int by) { return x << by | x >> (64 - by); }

static uint64_t load64(const uint8_t *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static uint64_t lane(uint64_t sum, uint64_t input) { return turn(sum + input * P2, 31) * P1; }

static uint64_t long_start(const uint8_t **inout_at, const uint8_t *end)
{
    uint64_t v[4] = {P1 + P2, P2, 0, 0 - P1};
    const uint8_t *at = *inout_at;
    for (; end - at >= 32; at += 32) {
        for (size_t i = 0; i < 4; i++) v[i] = lane(v[i], load64(at + 8 * i));
    }
    *inout_at = at;
    uint64_t h = turn(v[0], 1) + turn(v[1], 7) + turn(v[2], 12) + turn(v[3], 18);
    for (int i = 0; i < 4; i++) h = (h ^ lane(0, v[i])) * P1 + P4;
    return h;
}

uint64_t vonk__pq_xxh64(const void *data, size_t bytes)
{
    const uint8_t *at = data, *end = at + bytes;
    uint64_t h = bytes >= 32 ? long_start(&at, end) : P5;
    h += bytes;
    for (; end - at >= 8; at += 8) h = turn(h ^ lane(0, load64(at)), 27) * P1 + P4;
    if (end - at >= 4) {
        h = turn(h ^ load32(at) * P1, 23) * P2 + P3;
        at += 4;
    }
    for (; at < end; at++) h = turn(h ^ *at * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/* ---- filters */
size_t vonk__pq_bloom_bytes(uint64_t n_distinct, double fpp)
{
    /* Blocks of 8 words with one bit each: bits per value = -8 / ln(1 - fpp^(1/8)). */
    double bits = -8.0 * (double)(n_distinct ? n_distinct : 1) / log(1.0 - pow(fpp, 1.0 / 8));
    size_t bytes = PQ_BLOOM_BLOCK;
    while (bytes < PQ_BLOOM_MAX_BYTES && (double)bytes * 8 < bits) bytes *= 2;
    return bytes;
}

static const uint32_t salts[8] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                  0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

static size_t block_of(size_t bytes, uint64_t hash)
{
    return (size_t)(((hash >> 32) * (bytes / PQ_BLOOM_BLOCK)) >> 32) * PQ_BLOOM_BLOCK;
}

void vonk__pq_bloom_add(uint8_t *filter, size_t bytes, uint64_t hash)
{
    uint8_t *block = filter + block_of(bytes, hash);
    for (size_t i = 0; i < 8; i++) {
        uint32_t word = load32(block + 4 * i) | 1u << (((uint32_t)hash * salts[i]) >> 27);
        memcpy(block + 4 * i, &word, sizeof word);
    }
}

bool vonk__pq_bloom_has(const uint8_t *filter, size_t bytes, uint64_t hash)
{
    const uint8_t *block = filter + block_of(bytes, hash);
    for (size_t i = 0; i < 8; i++) {
        if (!(load32(block + 4 * i) >> (((uint32_t)hash * salts[i]) >> 27) & 1)) return false;
    }
    return true;
}
