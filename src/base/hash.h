/* base/hash.h -- hashing. vonk_hash64 is for hash tables in one process (any seed); Murmur3 and xxHash64 as Spark defines them
 * are SQL functions and live in func/. */
#ifndef VONK_BASE_HASH_H
#define VONK_BASE_HASH_H

#include "base/str.h"

uint64_t vonk_hash64(const void *data, size_t bytes, uint64_t seed);

static inline uint64_t vonk_hash_mix(uint64_t x)
{ /* finaliser of MurmurHash3 (public domain, A. Appleby) */
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}
static inline uint64_t vonk_hash_combine(uint64_t h, uint64_t with)
{
    return vonk_hash_mix(h ^ (with + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2)));
}

#endif
