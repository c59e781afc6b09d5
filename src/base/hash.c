/* base/hash.c -- a multiply-and-fold hash: 128-bit products of the input with odd constants, high half folded onto the
 * low one. */
#include "base/hash.h"

static const uint64_t K0 = UINT64_C(0x9e3779b97f4a7c15), K1 = UINT64_C(0xd1b54a32d192ed03),
                      K2 = UINT64_C(0x8cb92ba72f3d8dd7), K3 = UINT64_C(0xaef17502108ef2d9);

static inline uint64_t fold(uint64_t a, uint64_t b)
{
    vonk_u128 p = (vonk_u128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}
static inline uint64_t load64(const uint8_t *at)
{
    uint64_t w;
    memcpy(&w, at, 8);
    return w;
}
static inline uint64_t load32(const uint8_t *at)
{
    uint32_t w;
    memcpy(&w, at, 4);
    return w;
}

uint64_t vonk_hash64(const void *data, size_t bytes, uint64_t seed)
{
    const uint8_t *at = data;
    uint64_t h = seed ^ fold(seed ^ K0, bytes ^ K1), a, b;
    if (VONK_LIKELY(bytes <= 16)) {
        if (bytes >= 8)
            a = load64(at), b = load64(at + bytes - 8);
        else if (bytes >= 4)
            a = load32(at), b = load32(at + bytes - 4);
        else if (bytes > 0)
            a = (uint64_t)at[0] << 16 | (uint64_t)at[bytes / 2] << 8 | at[bytes - 1], b = 0;
        else
            a = b = 0;
        return fold(fold(a ^ K2, b ^ h) ^ K3, h ^ K1 ^ bytes);
    }
    const uint8_t *end = at + bytes;
    if (bytes > 64) {
        uint64_t h1 = h ^ K1, h2 = h ^ K2, h3 = h ^ K3; /* four lanes: the multiplications overlap */
        for (; end - at > 64; at += 64) {
            h = fold(load64(at) ^ K0, load64(at + 8) ^ h);
            h1 = fold(load64(at + 16) ^ K1, load64(at + 24) ^ h1);
            h2 = fold(load64(at + 32) ^ K2, load64(at + 40) ^ h2);
            h3 = fold(load64(at + 48) ^ K3, load64(at + 56) ^ h3);
        }
        h ^= fold(h1 ^ K0, h2 ^ K2) ^ h3;
    }
    for (; end - at > 16; at += 16) h = fold(load64(at) ^ K2, load64(at + 8) ^ h);
    a = load64(end - 16), b = load64(end - 8);
    return fold(fold(a ^ K1, b ^ h) ^ K3, h ^ K0 ^ bytes);
}
