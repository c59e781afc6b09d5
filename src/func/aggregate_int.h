/* func/aggregate_int.h -- inside func: loops that aggregates share. */
#ifndef VONK_FUNC_AGGREGATE_INT_H
#define VONK_FUNC_AGGREGATE_INT_H

#include "func/func.h"

static inline bool vonk__agg_present(const vonk_column *c, uint32_t row) { return !c->validity || vonk_bit_get(c->validity, row); }

/* Heads of an aggregate's functions (func/func.h, vonk_agg): VONK__AGG_UPDATE(sum_update) { ... } */
#define VONK__AGG_UPDATE(name)                                                                                                                       \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows,                     \
                            uint8_t *const *states, vonk_error *err)
#define VONK__AGG_UPDATE_ONE(name)                                                                                                                   \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *state,     \
                            vonk_error *err)
#define VONK__AGG_MERGE(name)                                                                                                                        \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *saved, vonk_rows rows,                    \
                            uint8_t *const *states, vonk_error *err)
#define VONK__AGG_COMBINE(name)                                                                                                                      \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, uint8_t *const *from, uint8_t *const *into, uint32_t n,       \
                            vonk_error *err)
#define VONK__AGG_FINISH(name)                                                                                                                       \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err)

/* Repeats one state for all rows, for runners that have only update. */
#define VONK__AGG_EACH(rows, k, row)                                                                                                                 \
    for (uint32_t k = 0, row = 0; k < (rows).n && (row = vonk_row_at((rows), k), true); k++)

/* A column of n values with room for nulls. */
vonk_status vonk__agg_column(vonk_eval *ev, const vonk_type *type, uint32_t n, vonk_column **ret, void **ret_data, uint8_t **ret_validity, vonk_error *err);

static inline bool vonk__agg_always_exact(const vonk_fn_call *call)
{
    (void)call;
    return true;
}

/* ---- one kept value of any type: min, max, first, last */
typedef struct vonk__kept {
    bool     set, null; /* set: somebody came; null: with a null */
    uint32_t len;       /* strings */
    union {
        int64_t            i64;
        double             f64;
        vonk_i128          i128;
        vonk_interval      interval;
        const char        *text;   /* in the heap */
        const vonk_column *column; /* nested values: one row, referenced by the heap */
    };
} vonk__kept;
vonk_status vonk__kept_set(vonk__kept *kept, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row, vonk_error *err);
int         vonk__kept_compare(const vonk__kept *kept, const vonk_column *column, uint32_t row); /* neither is null */
vonk_status vonk__kept_column(vonk_eval *ev, const vonk_type *type, const vonk__kept *const *kept, uint32_t n, vonk_column **ret, vonk_error *err);

#endif
