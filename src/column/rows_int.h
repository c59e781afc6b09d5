/* column/rows_int.h -- inside the folder: what the files of row stores, hashing and sort keys share.
 *
 * They all walk columns of any encoding in chunks of rows: vonk__chunk_load() turns the next rows into (values, row numbers, valid bytes) on the
 * stack, so that no loop knows encodings or selections. */
#ifndef VONK_COLUMN_ROWS_INT_H
#define VONK_COLUMN_ROWS_INT_H

#include "column/builder.h"
#include "column/column_int.h"
#include "column/rows.h"

enum { VONK__CHUNK_ROWS = 512 };

typedef struct vonk__chunk {
    const vonk_column *base;   /* whose rows `row of lane` counts: heaps and children are there */
    const void        *values; /* of base (or computed); NULL for structs */
    const uint32_t    *idx;    /* row of lane k = idx[k]; NULL: first + k */
    uint32_t           first, n;
    const uint8_t     *valid;  /* 0 / 1 for each lane; NULL: all valid */
    uint32_t           idx_store[VONK__CHUNK_ROWS];
    uint8_t            valid_store[VONK__CHUNK_ROWS];
    uint64_t           value_store[VONK__CHUNK_ROWS];
} vonk__chunk;

/* Lanes at .. at+n (n <= VONK__CHUNK_ROWS) of the rows. */
void vonk__chunk_load(vonk__chunk *chunk, const vonk_column *column, vonk_rows rows, uint32_t at, uint32_t n);
static inline uint32_t vonk__lane_row(const vonk__chunk *c, uint32_t k) { return c->idx ? c->idx[k] : c->first + k; }
static inline bool     vonk__lane_valid(const vonk__chunk *c, uint32_t k) { return !c->valid || c->valid[k]; }

/* for lane k: v = its value, of type T; two loops, so that the usual one has no indirection. */
#define VONK__EACH_LANE(T, chunk, k, v, ...)                                                                           \
    do {                                                                                                               \
        const T *values_ = (const T *)(chunk)->values;                                                                 \
        if ((chunk)->idx) {                                                                                            \
            const uint32_t *idx_ = (chunk)->idx;                                                                       \
            for (uint32_t k = 0; k < (chunk)->n; k++) {                                                                \
                const T v = values_[idx_[k]];                                                                          \
                __VA_ARGS__;                                                                                           \
            }                                                                                                          \
        } else {                                                                                                       \
            values_ += (chunk)->first;                                                                                 \
            for (uint32_t k = 0; k < (chunk)->n; k++) {                                                                \
                const T v = values_[k];                                                                                \
                __VA_ARGS__;                                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/* A 16-byte value that need not be 16-byte aligned in a row. */
typedef struct vonk__pair64 {
    uint64_t low, high;
} vonk__pair64;

/* A string (or serialised nested value) in a row: up to 12 bytes inline, as in a view, else prefix + address. */
typedef struct vonk__row_str {
    uint32_t len;
    char     prefix[4];
    union {
        const char *ptr;
        char        rest[8];
    };
} vonk__row_str;
static inline vonk_str vonk__row_str_bytes(const vonk__row_str *s)
{
    return s->len <= VONK_VIEW_INLINE ? (vonk_str){s->prefix, s->len} : (vonk_str){s->ptr, s->len};
}
_Static_assert(sizeof(vonk__row_str) == 16 && offsetof(vonk__row_str, ptr) == 8, "a row string lies like a view");

/* Is the type kept as a serialised value? */
static inline bool vonk__is_nested(const vonk_type *t)
{
    vonk_storage s = t->storage;
    return s == VONK_STORE_SPAN || (s == VONK_STORE_NONE && vonk__physical(t)->id != VONK_T_NULL);
}
/* Bytes of a value's place in a row. */
static inline uint32_t vonk__row_width(const vonk_type *t)
{
    if (vonk__is_nested(t)) return sizeof(vonk__row_str);
    return t->storage == VONK_STORE_BIT ? 1 : (uint32_t)vonk_storage_bytes(t->storage);
}

/* ---- nested values as bytes (row_nested.c). Every value: one byte 0 = null / 1, then fixed-width bytes, or length + bytes, or count + elements. */
uint64_t vonk__nested_bytes(const vonk_column *column, uint32_t row);
uint8_t *vonk__nested_write(const vonk_column *column, uint32_t row, uint8_t *out); /* returns behind the last byte */
int      vonk__compare_fixed(vonk_storage storage, const uint8_t *a, const uint8_t *b); /* bits are one byte */
/* Compares as vonk_column_row_compare; *a (and *b) move behind the value. */
int         vonk__nested_compare(const vonk_type *type, const uint8_t **a, const uint8_t **b);
bool        vonk__nested_eq_column(const vonk_type *type, const uint8_t **bytes, const vonk_column *column, uint32_t row);
vonk_status vonk__nested_read(const uint8_t **bytes, vonk_builder *into, vonk_error *err);

/* Spark's order of floats: NaN largest, -0.0 = 0.0. */
static inline int vonk__compare_f64(double a, double b)
{
    if (a < b) return -1;
    if (a > b) return 1;
    if (a == b) return 0;
    return (a != a) - (b != b);
}
static inline bool vonk__eq_f64(double a, double b) { return a == b || (a != a && b != b); }

#endif
