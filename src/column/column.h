/* column/column.h -- values of one type, immutable once handed on, reference-counted, shared between threads.
 *
 * Layout is Arrow's: data + validity bitmap (NULL: no nulls), strings as views, arrays and maps as (offset, length) spans into child columns,
 * structs as children of equal length. Four encodings:
 *   FLAT        data[n_rows]
 *   CONSTANT    data and validity hold row 0 only; every row is that value (nested: children of one row / its span)
 *   DICTIONARY  data = uint32_t codes[n_rows]; children[0] = FLAT dictionary without nulls; row nulls are in this column's validity
 *   SEQUENCE    integral and date types: value of row i = seq_start + i * seq_step; no nulls, no data
 * Kernels and functions see FLAT columns only, unless they ask for more; vonk_column_flatten makes one (children flat, too).
 * A user-defined type's column looks like its sql type's.
 *
 * Invariants (checked in debug builds by vonk_column_check): codes < dictionary rows; spans inside the child; heap index < n_heaps and offset + len inside
 * the heap for every valid row; unused bytes of an inline view are 0; the value under a null is defined memory (any value; spans and views must still be in range). */
#ifndef VONK_COLUMN_COLUMN_H
#define VONK_COLUMN_COLUMN_H

#include "base/bits.h"
#include "column/buffer.h"
#include "column/type.h"

typedef enum vonk_encoding { VONK_FLAT, VONK_CONSTANT, VONK_DICTIONARY, VONK_SEQUENCE } vonk_encoding;

/* A string or binary value: up to 12 bytes inline, else prefix + place in one of the column's heaps. */
#define VONK_VIEW_INLINE 12
typedef struct vonk_view {
    uint32_t len;
    union {
        char inlined[VONK_VIEW_INLINE];
        struct {
            char     prefix[4];
            uint32_t heap, offset;
        };
    };
} vonk_view;

typedef struct vonk_span {
    uint32_t offset, len; /* rows of the child column */
} vonk_span;

typedef struct vonk_interval {
    int32_t months, days;
    int64_t us;
} vonk_interval;

struct vonk_column {
    _Atomic int64_t  refs;
    const vonk_type *type; /* referenced */
    vonk_encoding    encoding;
    uint32_t         n_rows;
    const void      *data;     /* see encoding; inside data_buffer */
    const uint8_t   *validity; /* bit i = row i is not null; NULL: no nulls; inside validity_buffer */
    vonk_buffer     *data_buffer, *validity_buffer;
    uint32_t         n_heaps, n_children;
    vonk_buffer    **heaps;    /* bytes of long strings */
    vonk_column    **children; /* referenced */
    int64_t          seq_start, seq_step;
    vonk_budget     *budget;   /* that paid for this struct */
};

/* A set of rows of a batch, ascending: NULL idx means rows 0..n-1. */
typedef struct vonk_rows {
    const uint32_t *idx;
    uint32_t        n;
} vonk_rows;
#define VONK_ALL_ROWS(count) ((vonk_rows){NULL, (uint32_t)(count)})
static inline uint32_t vonk_row_at(vonk_rows rows, uint32_t k) { return rows.idx ? rows.idx[k] : k; }

vonk_column *vonk_column_ref(const vonk_column *column);
void         vonk_column_unref(vonk_column *column); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_column, vonk_column_unref)

#define VONK_VALUES(column, ctype) ((const ctype *)(column)->data)

/* ---- reading one row (slow path; any encoding) */
static inline bool vonk_column_may_have_nulls(const vonk_column *c) { return c->validity != NULL || c->type->id == VONK_T_NULL; }
bool vonk_column_is_null(const vonk_column *column, uint32_t row);
/* The FLAT or CONSTANT column and the row in it that hold this row's value; a SEQUENCE gives itself. Of a null row the value means nothing. */
const vonk_column *vonk_column_locate(const vonk_column *column, uint32_t row, uint32_t *ret_row);
int64_t   vonk_column_i64(const vonk_column *column, uint32_t row);  /* integral, date, timestamps, intervals, boolean 0/1, decimals up to 18 digits */
vonk_i128 vonk_column_i128(const vonk_column *column, uint32_t row); /* those, and I128 */
double    vonk_column_f64(const vonk_column *column, uint32_t row);  /* float, double */
vonk_str  vonk_column_str(const vonk_column *column, uint32_t row);  /* borrowed; views */

/* ---- FLAT views, inline for loops */
static inline vonk_str vonk_view_str(const vonk_view *v, vonk_buffer *const *heaps)
{
    return v->len <= VONK_VIEW_INLINE ? (vonk_str){v->inlined, v->len}
                                      : (vonk_str){(const char *)heaps[v->heap]->data + v->offset, v->len};
}
/* Equality without touching heaps when length or prefix differ. */
bool vonk_view_eq(const vonk_view *a, vonk_buffer *const *a_heaps, const vonk_view *b, vonk_buffer *const *b_heaps);
int  vonk_view_compare(const vonk_view *a, vonk_buffer *const *a_heaps, const vonk_view *b, vonk_buffer *const *b_heaps); /* bytewise */
vonk_view vonk_view_inline(const char *bytes, uint32_t len); /* len <= 12 */

/* ---- making columns. Buffers are charged to `budget`. */
/* FLAT fixed-width (or bit, span, view) column with writable memory: fill *ret_data (typed by the caller) and, if with_validity, *ret_validity
 * (starts all-valid) before handing the column on. Types with children or heaps: add them with the functions below. */
vonk_status vonk_column_new(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, bool with_validity, vonk_column **ret, void **ret_data,
                            uint8_t **ret_validity, vonk_error *err);
vonk_status vonk_column_new_nulls(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, vonk_column **ret, vonk_error *err); /* CONSTANT null */
vonk_status vonk_column_new_sequence(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, int64_t start, int64_t step, vonk_column **ret, vonk_error *err);
/* codes: buffer of n_rows uint32_t; validity may be NULL. References are taken over. */
vonk_status vonk_column_new_dictionary(vonk_budget *budget, vonk_column *take_dictionary, vonk_buffer *take_codes, vonk_buffer *take_validity, uint32_t n_rows,
                                       vonk_column **ret, vonk_error *err);
vonk_status vonk_column_new_struct(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, vonk_column *const *children /* referenced */,
                                   vonk_buffer *take_validity, vonk_column **ret, vonk_error *err);
vonk_status vonk_column_add_heap(vonk_column *column, vonk_buffer *take_heap, vonk_error *err);
vonk_status vonk_column_share_heaps(vonk_column *column, const vonk_column *from, uint32_t *ret_first, vonk_error *err); /* ret_first: index of from's heap 0 in column */
vonk_status vonk_column_set_children(vonk_column *column, vonk_column *const *children /* referenced */, uint32_t n, vonk_error *err);

/* `column` with every field and reference of `from`, for callers that change something before they hand it on. */
vonk_status vonk_column_copy_head(vonk_budget *budget, const vonk_column *from, vonk_column **ret, vonk_error *err);
/* One row as a CONSTANT column of n_rows (a string's heap is shared). */
vonk_status vonk_column_constant_of(vonk_budget *budget, const vonk_column *column, uint32_t row, uint32_t n_rows, vonk_column **ret, vonk_error *err);

/* ---- changing shape; the result is a new reference, sharing buffers where it can */
vonk_status vonk_column_flatten(vonk_budget *budget, const vonk_column *column, vonk_column **ret, vonk_error *err);
/* Row k of the result = row idx[k]; idx UINT32_MAX gives null when `null_for_max`. Strings share heaps; dictionaries stay dictionaries. */
vonk_status vonk_column_gather(vonk_budget *budget, const vonk_column *column, const uint32_t *idx, uint32_t n, bool null_for_max, vonk_column **ret, vonk_error *err);
vonk_status vonk_column_slice(vonk_budget *budget, const vonk_column *column, uint32_t from, uint32_t n, vonk_column **ret, vonk_error *err);
vonk_status vonk_column_concat(vonk_budget *budget, const vonk_column *const *columns, size_t n, vonk_column **ret, vonk_error *err); /* same type */
/* Same values, another type of equal storage (e.g. int as date, char as string); nothing is copied. */
vonk_status vonk_column_retype(vonk_budget *budget, const vonk_column *column, const vonk_type *type, vonk_column **ret, vonk_error *err);
/* Same values with `validity` (n_rows bits, taken over; NULL: no nulls) instead. */
vonk_status vonk_column_with_validity(vonk_budget *budget, const vonk_column *column, vonk_buffer *take_validity, vonk_column **ret, vonk_error *err);
/* Strings copied out of mostly dead heaps (call when less than half of the heap bytes is live). */
bool        vonk_column_is_sparse(const vonk_column *column); /* less than half of its heap and child bytes is live; O(rows) for strings and arrays */
vonk_status vonk_column_compact(vonk_budget *budget, const vonk_column *column, vonk_column **ret, vonk_error *err);

size_t      vonk_column_bytes(const vonk_column *column); /* buffers and children, shared ones counted whole */
uint32_t    vonk_column_null_count(const vonk_column *column, vonk_rows rows);
/* Value equality of two rows, Spark's semantics of grouping: null = null, NaN = NaN, 0.0 = -0.0. Any encoding, nested too. */
bool        vonk_column_row_eq(const vonk_column *a, uint32_t a_row, const vonk_column *b, uint32_t b_row);
/* Spark's ordering: NaN largest, -0.0 = 0.0, binary unsigned, arrays and structs lexicographic, collations; nulls first. -1, 0, 1. */
int         vonk_column_row_compare(const vonk_column *a, uint32_t a_row, const vonk_column *b, uint32_t b_row);
/* Debug: asserts all invariants. Also usable on columns made from outside bytes: returns MALFORMED_INPUT instead. */
vonk_status vonk_column_check(const vonk_column *column, vonk_error *err);

#endif
