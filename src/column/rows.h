/* column/rows.h -- rows as bytes: what hash tables, sorts and joins keep after a batch is gone.
 *
 * A layout gives each column a fixed place in a row: [validity bits][fixed values ...][extra]; strings are (length, prefix, pointer) into the store's
 * own heap; nested values are serialised into the heap. Rows never move inside a store. Sort keys are memcmp-comparable byte strings.
 * A store, and the budget it charges, belong to one thread at a time; layouts are shared. */
#ifndef VONK_COLUMN_ROWS_H
#define VONK_COLUMN_ROWS_H

#include "column/batch.h"

/* ---- hashing: Spark's grouping equality (null = null, NaN = NaN, -0.0 = 0.0, collation keys). hashes[k] belongs to row k of rows. */
vonk_status vonk_column_hash(const vonk_column *column, vonk_rows rows, uint64_t *inout_hashes, bool first, vonk_error *err);

/* ---- row layout and store */
typedef struct vonk_row_layout {
    uint32_t          n_columns, row_bytes; /* multiple of 8; of 16 when there are extra bytes */
    uint32_t          extra_at, extra_bytes; /* caller's own bytes inside each row (aggregate states, next pointer), 16-byte aligned */
    const vonk_type **types;   /* referenced */
    uint32_t         *offsets; /* of each column's value */
} vonk_row_layout;
vonk_status vonk_row_layout_new(vonk_budget *budget, const vonk_type *const *types, uint32_t n, uint32_t extra_bytes, vonk_row_layout **ret, vonk_error *err);
void        vonk_row_layout_free(vonk_row_layout *layout);
VONK_DEFINE_AUTO(vonk_row_layout, vonk_row_layout_free)

typedef struct vonk_row_store vonk_row_store;
vonk_status vonk_row_store_new(vonk_budget *budget, const vonk_row_layout *layout, vonk_row_store **ret, vonk_error *err);
void        vonk_row_store_free(vonk_row_store *store);
void        vonk_row_store_reset(vonk_row_store *store); /* empty; memory goes back */
VONK_DEFINE_AUTO(vonk_row_store, vonk_row_store_free)
/* Copies rows (of FLAT, DICTIONARY, CONSTANT or SEQUENCE columns); ret_rows[k] = address of the new row (ret_rows may be NULL); extra bytes are zero. On
 * failure the store is as before. */
vonk_status vonk_row_store_append(vonk_row_store *store, vonk_column *const *columns, vonk_rows rows, uint8_t **ret_rows, vonk_error *err);
uint64_t    vonk_row_store_n(const vonk_row_store *store);
size_t      vonk_row_store_bytes(const vonk_row_store *store);
uint8_t    *vonk_row_store_row(const vonk_row_store *store, uint64_t i); /* in order of appending */
void        vonk_row_store_addresses(const vonk_row_store *store, uint64_t from, uint32_t n, uint8_t **ret_rows); /* of rows from .. from+n */
/* Moves all rows of `from` behind those of `into` (same layout) without copying; `from` is empty afterwards. The memory stays charged to the budget
 * of `from`, which must live as long as `into`. */
vonk_status vonk_row_store_move(vonk_row_store *into, vonk_row_store *from, vonk_error *err);
static inline bool vonk_row_is_null(const uint8_t *row, uint32_t c) { return !((row[c >> 3] >> (c & 7)) & 1); }
/* Column `c` of the given rows, as a FLAT column. A NULL row gives a null value. Strings are copied. */
vonk_status vonk_rows_gather(vonk_budget *budget, const vonk_row_layout *layout, uint32_t c, uint8_t *const *rows, uint32_t n, vonk_column **ret, vonk_error *err);
/* match[k] (0 or 1, in and out; where it is 0 rows[k] is not looked at) &= stored row k equals row `probe.idx[k]` of the columns in the
 * first n_keys columns. nulls_equal: grouping (true) or join (false). */
vonk_status vonk_rows_match(const vonk_row_layout *layout, uint32_t n_keys, uint8_t *const *rows, vonk_column *const *columns, vonk_rows probe, bool nulls_equal,
                            uint8_t *match, vonk_error *err);

/* ---- sort keys */
typedef struct vonk_sort_spec {
    bool descending, nulls_last;
} vonk_sort_spec;
/* Bytes of the fixed-size key of these types (strings contribute a prefix); *ret_exact: the key alone decides, no tie to break. Otherwise the key ends
 * with the first column that it holds in part, and equal keys need vonk_rows_compare. */
uint32_t    vonk_sort_key_bytes(const vonk_type *const *types, uint32_t n, bool *ret_exact);
/* Writes keys for rows k at out + k * stride, comparable by memcmp. */
vonk_status vonk_sort_key_encode(vonk_column *const *columns, const vonk_sort_spec *specs, uint32_t n, vonk_rows rows, uint8_t *out, size_t stride, vonk_error *err);
/* Full comparison of two stored rows on the first n columns (after equal keys). */
int vonk_rows_compare(const vonk_row_layout *layout, const vonk_sort_spec *specs, uint32_t n, const uint8_t *a, const uint8_t *b);

#endif
