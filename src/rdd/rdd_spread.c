/* rdd/rdd_spread.c -- the generator that Spark's XORShiftRandom is: coalesce with shuffle deals records out from a
 * place that it chooses by the number of the partition. */
#include "rdd/rdd_int.h"

static uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* MurmurHash3 (public domain, A. Appleby) of the eight bytes of a seed, big-endian. */
static uint32_t hash_seed(uint64_t seed, uint32_t h)
{
    uint32_t words[2] = {__builtin_bswap32((uint32_t)(seed >> 32)), __builtin_bswap32((uint32_t)seed)};
    for (int i = 0; i < 2; i++) {
        uint32_t k = words[i] * 0xcc9e2d51u;
        h ^= rotate(k, 15) * 0x1b873593u;
        h = rotate(h, 13) * 5 + 0xe6546b64u;
    }
    h ^= 8;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static uint32_t next_bits(uint64_t *state, int bits)
{
    *state ^= *state << 21;
    *state ^= *state >> 35;
    *state ^= *state << 4;
    return (uint32_t)(*state & ((UINT64_C(1) << bits) - 1));
}

uint32_t vonk__spread_start(uint32_t partition, uint32_t n)
{
    uint32_t low = hash_seed(partition, 0x3c074a61u);
    uint64_t state = (uint64_t)hash_seed(partition, low) << 32 | low;
    if ((n & (n - 1)) == 0) return (uint32_t)((uint64_t)n * next_bits(&state, 31) >> 31);
    for (;;) {
        uint32_t bits = next_bits(&state, 31), place = bits % n;
        if (bits - place + (n - 1) <= INT32_MAX) return place;
    }
}
