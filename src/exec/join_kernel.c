/* exec/join_kernel.c -- see join_kernel.h.
 *
 * A lookup in a hash table is two or three cache misses; all that matters is that many are under way at once. So the
 * work is done in rounds over some hundred keys: find the cells, find the entries, compare; each round asks for the
 * lines of the next. */
#include "exec/join_kernel.h"

#include "base/bits.h"

#define PASTE_(name, level) vonk__##name##_##level
#define PASTE(name, level) PASTE_(name, level)
#define LEVEL(name) PASTE(name, VONK_CPU_LEVEL)

enum { ROUND = 256 };

/* ---- keys */

#define RANGE(T)                                                                                                       \
    static bool range_##T(const T *v, const uint8_t *validity, uint32_t n, int64_t *ret_min, int64_t *ret_max)         \
    {                                                                                                                  \
        uint32_t k = 0;                                                                                                \
        while (k < n && validity && !vonk_bit_get(validity, k)) k++;                                                   \
        if (k == n) return false;                                                                                      \
        T low = v[k], high = v[k];                                                                                     \
        if (validity)                                                                                                  \
            for (; k < n; k++) {                                                                                       \
                T x = vonk_bit_get(validity, k) ? v[k] : low;                                                          \
                low = x < low ? x : low;                                                                               \
                high = x > high ? x : high;                                                                            \
            }                                                                                                          \
        else                                                                                                           \
            for (k = 0; k < n; k++) {                                                                                  \
                low = v[k] < low ? v[k] : low;                                                                         \
                high = v[k] > high ? v[k] : high;                                                                      \
            }                                                                                                          \
        *ret_min = low;                                                                                                \
        *ret_max = high;                                                                                               \
        return true;                                                                                                   \
    }
RANGE(int8_t)
RANGE(int16_t)
RANGE(int32_t)
RANGE(int64_t)

static bool range(uint32_t width, const void *values, const uint8_t *validity, uint32_t n, int64_t *ret_min,
                  int64_t *ret_max)
{
    switch (width) {
    case 1: return range_int8_t(values, validity, n, ret_min, ret_max);
    case 2: return range_int16_t(values, validity, n, ret_min, ret_max);
    case 4: return range_int32_t(values, validity, n, ret_min, ret_max);
    default: assert(width == 8); return range_int64_t(values, validity, n, ret_min, ret_max);
    }
}

#define PACK(T)                                                                                                        \
    static void pack_##T(const T *v, const uint32_t *idx, uint32_t n, int64_t min, uint64_t range, uint64_t times,     \
                         bool first, uint64_t *keys)                                                                   \
    {                                                                                                                  \
        if (first && times == 1) {                                                                                     \
            for (uint32_t k = 0; k < n; k++) {                                                                         \
                uint64_t off = (uint64_t)(int64_t)v[idx ? idx[k] : k] - (uint64_t)min;                                 \
                keys[k] = off > range ? JOIN_NO_KEY : off;                                                             \
            }                                                                                                          \
            return;                                                                                                    \
        }                                                                                                              \
        for (uint32_t k = 0; k < n; k++) {                                                                             \
            uint64_t off = (uint64_t)(int64_t)v[idx ? idx[k] : k] - (uint64_t)min, old = first ? 0 : keys[k];          \
            keys[k] = off > range || old == JOIN_NO_KEY ? JOIN_NO_KEY : old + off * times;                             \
        }                                                                                                              \
    }
PACK(int8_t)
PACK(int16_t)
PACK(int32_t)
PACK(int64_t)

static void pack(uint32_t width, const void *values, const uint32_t *idx, uint32_t n, int64_t min, uint64_t range,
                 uint64_t times, bool first, uint64_t *keys)
{
    switch (width) {
    case 1: pack_int8_t(values, idx, n, min, range, times, first, keys); break;
    case 2: pack_int16_t(values, idx, n, min, range, times, first, keys); break;
    case 4: pack_int32_t(values, idx, n, min, range, times, first, keys); break;
    default: assert(width == 8); pack_int64_t(values, idx, n, min, range, times, first, keys);
    }
}

/* ---- arrays by key */

static void ranked(const uint64_t *words, uint64_t most, uint32_t n, const uint64_t *keys, uint32_t *rows)
{
    for (uint32_t k = 0; k < n; k++) {
        uint64_t key = keys[k] > most ? 0 : keys[k];
        uint64_t word = words[key >> 5];
        uint32_t bit = (uint32_t)key & 31, have = (uint32_t)word;
        uint32_t rank = (uint32_t)(word >> 32) + (uint32_t)__builtin_popcount(have & ((UINT32_C(1) << bit) - 1));
        rows[k] = (have >> bit & 1) && keys[k] <= most ? rank : JOIN_NONE;
    }
}

static void direct(const uint32_t *cells, uint64_t most, uint32_t n, const uint64_t *keys, uint32_t *rows)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = cells[keys[k] > most ? 0 : keys[k]];
        rows[k] = keys[k] > most ? JOIN_NONE : row;
    }
}

static void direct_lists(const uint32_t *starts, const uint32_t *list, uint64_t most, uint32_t n, const uint64_t *keys,
                         uint32_t *first, uint32_t *counts)
{
    for (uint32_t k = 0; k < n; k++) {
        uint64_t key = keys[k] > most ? 0 : keys[k];
        uint32_t from = starts[key], to = starts[key + 1];
        first[k] = from;
        counts[k] = keys[k] > most ? 0 : to - from;
    }
    for (uint32_t k = 0; k < n; k++)
        if (counts[k] == 1) first[k] = list[first[k]];
}

/* ---- hashing */

typedef struct candidates {
    uint32_t cells[ROUND], parts[ROUND];
    uint8_t bits[ROUND];
    uint64_t at[ROUND];
    uint32_t left[ROUND]; /* entries of the bucket from `at` on */
    uint32_t who[ROUND];
    uint32_t n;
} candidates;

/* Those of the keys whose bucket has a fitting filter bit. */
static void find_candidates(const join_dir *dir, uint32_t n, const uint64_t *keys, candidates *c)
{
    for (uint32_t k = 0; k < n; k++) {
        uint64_t h = join_hash(keys[k]), bucket = join_bucket(h, dir->bits);
        c->parts[k] = (uint32_t)(bucket >> dir->part_bits);
        c->cells[k] = (uint32_t)bucket + c->parts[k];
        c->bits[k] = (uint8_t)join_filter_bit(h, dir->bits);
        __builtin_prefetch(&dir->cells[c->cells[k]]);
    }
    uint32_t found = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t cell = dir->cells[c->cells[k]], next = dir->cells[c->cells[k] + 1];
        uint32_t from = cell & JOIN_CELL_MASK;
        uint64_t at = dir->bases[c->parts[k]] + from;
        c->at[found] = at;
        c->left[found] = (next & JOIN_CELL_MASK) - from;
        c->who[found] = k;
        __builtin_prefetch(&dir->entries[at]);
        found += (cell >> c->bits[k] & 1) & (keys[k] != JOIN_NO_KEY);
    }
    c->n = found;
}

static void hashed(const join_dir *dir, uint32_t n, const uint64_t *keys, uint32_t *first, uint32_t *counts,
                   uint64_t *at)
{
    candidates c;
    for (uint32_t from = 0; from < n; from += ROUND) {
        uint32_t some = n - from < ROUND ? n - from : ROUND;
        find_candidates(dir, some, keys + from, &c);
        for (uint32_t k = 0; k < some; k++) counts[from + k] = 0;
        for (uint32_t i = 0; i < c.n; i++) {
            uint32_t k = from + c.who[i], left = c.left[i];
            const join_entry *e = &dir->entries[c.at[i]];
            for (; left > 0 && e->key != keys[k]; left--) e++;
            if (left == 0) continue;
            first[k] = e->first;
            counts[k] = e->count;
            at[k] = (uint64_t)(e - dir->entries);
        }
    }
}

static void hashed_unique(const join_dir *dir, uint32_t n, const uint64_t *keys, uint32_t *rows)
{
    candidates c;
    for (uint32_t from = 0; from < n; from += ROUND) {
        uint32_t some = n - from < ROUND ? n - from : ROUND;
        find_candidates(dir, some, keys + from, &c);
        for (uint32_t k = 0; k < some; k++) rows[from + k] = JOIN_NONE;
        for (uint32_t i = 0; i < c.n; i++) {
            uint32_t k = from + c.who[i], left = c.left[i];
            const join_entry *e = &dir->entries[c.at[i]];
            for (; left > 0 && e->key != keys[k]; left--) e++;
            if (left > 0) rows[k] = e->first;
        }
    }
}

extern const join_kernels LEVEL(join_kernels);
const join_kernels LEVEL(join_kernels) = {.range = range,
                                          .pack = pack,
                                          .ranked = ranked,
                                          .direct = direct,
                                          .direct_lists = direct_lists,
                                          .hashed = hashed,
                                          .hashed_unique = hashed_unique};
