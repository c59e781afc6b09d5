/* exec/spark_random.c -- see spark_random.h. Algorithms: Marsaglia's XORShift with (21, 35, 4); MurmurHash3 over the
 * seed's bytes; the linear congruence of java.util.Random; Well19937c (Panneton, L'Ecuyer, Matsumoto) with
 * Matsumoto-Kurita tempering. */
#include "exec/spark_random.h"

#include <math.h>
#include <string.h>

/* ---- XORShift */

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

/* MurmurHash3 (x86, 32 bits) of the 8 bytes of `value`, big end first. */
static uint32_t murmur3_of(uint64_t value, uint32_t seed)
{
    uint32_t h = seed;
    uint32_t words[2] = {__builtin_bswap32((uint32_t)(value >> 32)), __builtin_bswap32((uint32_t)value)};
    for (int i = 0; i < 2; i++) {
        uint32_t k = words[i] * UINT32_C(0xcc9e2d51);
        h ^= rotl(k, 15) * UINT32_C(0x1b873593);
        h = rotl(h, 13) * 5 + UINT32_C(0xe6546b64);
    }
    h ^= 8;
    h = (h ^ h >> 16) * UINT32_C(0x85ebca6b);
    h = (h ^ h >> 13) * UINT32_C(0xc2b2ae35);
    return h ^ h >> 16;
}

spark_random spark_random_of(int64_t seed)
{
    uint32_t low = murmur3_of((uint64_t)seed, UINT32_C(0x3c074a61)), high = murmur3_of((uint64_t)seed, low);
    return (spark_random){(uint64_t)high << 32 | low};
}

static int32_t next_bits(spark_random *r, int bits)
{
    uint64_t x = r->seed;
    x ^= x << 21;
    x ^= x >> 35;
    x ^= x << 4;
    r->seed = x;
    return (int32_t)(uint32_t)(x & ((UINT64_C(1) << bits) - 1));
}

int32_t spark_random_int(spark_random *r, int32_t n)
{
    int32_t bits = next_bits(r, 31), value;
    assert(n > 0);
    if ((n & (n - 1)) == 0) return (int32_t)((int64_t)n * bits >> 31);
    while (bits - (value = bits % n) > INT32_MAX - (n - 1)) /* the last, incomplete stretch of n numbers */
        bits = next_bits(r, 31);
    return value;
}

double spark_random_double(spark_random *r)
{
    int64_t high = (int64_t)next_bits(r, 26) << 27;
    return (double)(high + next_bits(r, 27)) * 0x1.0p-53;
}

/* ---- java.util.Random */

#define JAVA_MASK ((UINT64_C(1) << 48) - 1)

java_random java_random_of(int64_t seed) { return (java_random){((uint64_t)seed ^ UINT64_C(0x5DEECE66D)) & JAVA_MASK}; }

static int32_t java_next32(java_random *r)
{
    r->seed = (r->seed * UINT64_C(0x5DEECE66D) + 11) & JAVA_MASK;
    return (int32_t)(uint32_t)(r->seed >> 16);
}

int64_t java_random_long(java_random *r)
{
    uint64_t high = (uint64_t)(int64_t)java_next32(r) << 32;
    return (int64_t)(high + (uint64_t)(int64_t)java_next32(r));
}

/* ---- Well19937c */

void well_random_seed(well_random *r, int64_t seed)
{
    memset(r, 0, sizeof *r);
    r->words[0] = (uint32_t)((uint64_t)seed >> 32);
    r->words[1] = (uint32_t)(uint64_t)seed;
    for (uint32_t i = 2; i < WELL_WORDS; i++) {
        int64_t l = (int32_t)r->words[i - 2];
        r->words[i] = (uint32_t)(UINT64_C(1812433253) * (uint64_t)(l ^ l >> 30) + i);
    }
}

static uint32_t well_next(well_random *r, int bits)
{
    uint32_t *v = r->words, at = r->at;
    uint32_t before = (at + WELL_WORDS - 1) % WELL_WORDS, before2 = (at + WELL_WORDS - 2) % WELL_WORDS;
    uint32_t v0 = v[at], m1 = v[(at + 70) % WELL_WORDS], m2 = v[(at + 179) % WELL_WORDS],
             m3 = v[(at + 449) % WELL_WORDS];
    uint32_t z0 = (v[before] & UINT32_C(0x80000000)) ^ (v[before2] & UINT32_C(0x7fffffff));
    uint32_t z1 = (v0 ^ v0 << 25) ^ (m1 ^ m1 >> 27);
    uint32_t z2 = m2 >> 9 ^ (m3 ^ m3 >> 1);
    uint32_t z3 = z1 ^ z2;
    uint32_t z4 = z0 ^ (z1 ^ z1 << 9) ^ (z2 ^ z2 << 21) ^ (z3 ^ z3 >> 21);
    v[at] = z3;
    v[before] = z4;
    v[before2] &= UINT32_C(0x80000000);
    r->at = before;
    z4 ^= (z4 << 7) & UINT32_C(0xe46e1700);
    z4 ^= (z4 << 15) & UINT32_C(0x9b868000);
    return z4 >> (32 - bits);
}

double well_random_double(well_random *r)
{
    uint64_t high = (uint64_t)well_next(r, 26) << 26;
    return (double)(high | well_next(r, 26)) * 0x1.0p-52;
}

uint32_t well_random_poisson(well_random *r, double mean)
{
    double p = exp(-mean), product = 1.0;
    uint32_t n = 0;
    while (n < 1000 * mean) {
        product *= well_random_double(r);
        if (product < p) return n;
        n++;
    }
    return n;
}
