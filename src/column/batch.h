/* column/batch.h -- columns of equal length with an optional selection: what flows between operators. Immutable once handed on, reference-counted.
 *
 * (partition, sequence) place the batch in Spark's order of rows: partitions in number order, inside one by sequence; two batches of one
 * partition never have the same sequence. `sel` (ascending row numbers) says which rows exist; NULL: all. */
#ifndef VONK_COLUMN_BATCH_H
#define VONK_COLUMN_BATCH_H

#include "column/column.h"

#define VONK_BATCH_ROWS     4096  /* default; tests run with 1 and 3 too */
#define VONK_BATCH_ROWS_MAX 65536

struct vonk_batch {
    _Atomic int64_t refs;
    vonk_budget    *budget;
    uint32_t        n_rows, n_columns; /* physical rows */
    uint32_t        n_sel;             /* rows that exist; == n_rows when sel is NULL */
    const uint32_t *sel;               /* inside sel_buffer */
    vonk_buffer    *sel_buffer;
    int32_t         partition;
    uint64_t        sequence;
    vonk_column    *columns[]; /* referenced */
};

static inline vonk_rows vonk_batch_rows(const vonk_batch *b) { return (vonk_rows){b->sel, b->n_sel}; }

/* Columns are referenced. n_rows is needed because a batch may have no columns. */
vonk_status vonk_batch_new(vonk_budget *budget, uint32_t n_rows, vonk_column *const *columns, uint32_t n_columns, vonk_batch **ret, vonk_error *err);
vonk_batch *vonk_batch_ref(const vonk_batch *batch);
void        vonk_batch_unref(vonk_batch *batch); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_batch, vonk_batch_unref)

/* Same columns, other selection (taken over; n_sel uint32_t; NULL: all rows). Keeps partition and sequence. */
vonk_status vonk_batch_select(const vonk_batch *batch, vonk_buffer *take_sel, uint32_t n_sel, vonk_batch **ret, vonk_error *err);
/* Without selection: rows gathered when there is one. */
vonk_status vonk_batch_compact(const vonk_batch *batch, vonk_batch **ret, vonk_error *err);
vonk_status vonk_batch_slice(const vonk_batch *batch, uint32_t from, uint32_t n, vonk_batch **ret, vonk_error *err); /* of selected rows */
vonk_status vonk_batch_concat(vonk_budget *budget, const vonk_batch *const *batches, size_t n, vonk_batch **ret, vonk_error *err); /* selections applied */
size_t      vonk_batch_bytes(const vonk_batch *batch);

#endif
