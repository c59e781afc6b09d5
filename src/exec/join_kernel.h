/* exec/join_kernel.h -- the loops of a hash join over plain arrays, compiled once per CPU level and chosen at start.
 *
 * A *key* is 64 bits: integer keys, less their minimum and packed side by side, or the hash of anything else.
 * JOIN_NO_KEY stands for a row that can match nothing: a null, or a value outside of what the build side has. Lookups
 * give for each key `first` and `count`: 0 = nothing, 1 = `first` is the build row, more = list[first .. first + count)
 * are. */
#ifndef VONK_EXEC_JOIN_KERNEL_H
#define VONK_EXEC_JOIN_KERNEL_H

#include "base/attr.h"

#define JOIN_NO_KEY UINT64_MAX
#define JOIN_NONE UINT32_MAX

/* Rows with the same key, in a part's order of buckets. */
typedef struct join_entry {
    uint64_t key;
    uint32_t first, count;
} join_entry;

/* The directory has 2^bits buckets, in parts of 2^part_bits: cell of bucket b is b + (b >> part_bits), because each
 * part has one more cell that closes it. A cell holds the place of the bucket's first entry behind its part's first
 * (low 24 bits) and a filter of 8 bits. */
#define JOIN_CELL_BITS 24
#define JOIN_CELL_MASK ((UINT32_C(1) << JOIN_CELL_BITS) - 1)
typedef struct join_dir {
    const uint32_t *cells;
    const uint64_t *bases; /* [part]: number of its first entry */
    const join_entry *entries;
    uint32_t bits, part_bits;
} join_dir;

static inline uint64_t join_hash(uint64_t key) { return (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15); }
static inline uint64_t join_bucket(uint64_t hash, uint32_t bits) { return bits ? hash >> (64 - bits) : 0; }
/* Filter bit of a hash within its bucket. */
static inline uint32_t join_filter_bit(uint64_t hash, uint32_t bits)
{
    return JOIN_CELL_BITS + (uint32_t)(hash << bits >> 61);
}

typedef struct join_kernels {
    /* Least and greatest valid value; false: there is none. validity may be NULL. */
    bool (*range)(uint32_t width, const void *values, const uint8_t *validity, uint32_t n, int64_t *ret_min,
                  int64_t *ret_max);
    /* keys[k] (first) or keys[k] + (v - min) * times; JOIN_NO_KEY where v - min > range. width: bytes of a value. idx
     * NULL: rows 0 .. n-1. */
    void (*pack)(uint32_t width, const void *values, const uint32_t *idx, uint32_t n, int64_t min, uint64_t range,
                 uint64_t times, bool first, uint64_t *keys);
    /* words[w]: which of the keys 32 w .. 32 w + 31 exist (low half), number of the keys before them (high half). */
    void (*ranked)(const uint64_t *words, uint64_t most, uint32_t n, const uint64_t *keys, uint32_t *rows);
    void (*direct)(const uint32_t *cells, uint64_t most, uint32_t n, const uint64_t *keys, uint32_t *rows);
    /* list of key: starts[key] .. starts[key + 1] */
    void (*direct_lists)(const uint32_t *starts, const uint32_t *list, uint64_t most, uint32_t n, const uint64_t *keys,
                         uint32_t *first, uint32_t *counts);
    /* at[k]: number of the entry, where counts[k] > 0. */
    void (*hashed)(const join_dir *dir, uint32_t n, const uint64_t *keys, uint32_t *first, uint32_t *counts,
                   uint64_t *at);
    /* Every key leads to at most one row: rows[k] or JOIN_NONE. */
    void (*hashed_unique)(const join_dir *dir, uint32_t n, const uint64_t *keys, uint32_t *rows);
} join_kernels;

/* Set before main() runs. */
extern const join_kernels *vonk__join_kernels;

#endif
