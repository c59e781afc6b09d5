/* func/body.h -- inside func: what bodies of functions on texts and collections share. Bodies see FLAT arguments; rows have no null argument unless the
 * function looks after nulls itself. */
#ifndef VONK_FUNC_BODY_H
#define VONK_FUNC_BODY_H

#include "func/resolve.h"
#include "func/result.h"

/* A body's type, to declare many in one line: static vonk_body eval_ascii, eval_chr; */
typedef vonk_status vonk_body(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows, vonk_rows rows, vonk_column **ret,
                              vonk_error *err);

/* for (VONK_EACH_ROW(rows, i)) */
#define VONK_EACH_ROW(rows, i) uint32_t k_ = 0, i = 0; k_ < (rows).n && ((i = vonk_row_at((rows), k_)), true); k_++

static inline vonk_str vonk_str_at(const vonk_column *c, uint32_t row) { return vonk_view_str(VONK_VALUES(c, vonk_view) + row, c->heaps); }
static inline int32_t  vonk_i32_at(const vonk_column *c, uint32_t row) { return VONK_VALUES(c, int32_t)[row]; }
static inline int64_t  vonk_i64_at(const vonk_column *c, uint32_t row) { return VONK_VALUES(c, int64_t)[row]; }
static inline bool     vonk_bool_at(const vonk_column *c, uint32_t row) { return vonk_bit_get((const uint8_t *)c->data, row); }
/* For bodies that look after nulls themselves. */
static inline bool vonk_null_at(const vonk_column *c, uint32_t row) { return c->validity ? !vonk_bit_get(c->validity, row) : c->type->id == VONK_T_NULL; }
static inline vonk_span vonk_span_at(const vonk_column *c, uint32_t row) { return VONK_VALUES(c, vonk_span)[row]; }

/* ---- results that are pieces of an argument's strings: no byte is copied */
vonk_status vonk_slices_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, const vonk_column *from, vonk_result *r, vonk_error *err);
/* Bytes [at, at + bytes) of row `row` of `from`. */
static inline void vonk_slice_put(vonk_result *r, const vonk_column *from, uint32_t row, size_t at, size_t bytes)
{
    const vonk_view *v = VONK_VALUES(from, vonk_view) + row;
    vonk_view *out = (vonk_view *)r->data + row;
    const char *start = vonk_view_str(v, from->heaps).data + at;
    if (bytes <= VONK_VIEW_INLINE) {
        *out = vonk_view_inline(start, (uint32_t)bytes);
        return;
    }
    out->len = (uint32_t)bytes;
    memcpy(out->prefix, start, sizeof(out->prefix));
    out->heap = v->heap;
    out->offset = v->offset + (uint32_t)at;
}

/* ---- results that are arrays or maps made of rows of one column: element numbers are collected, the child is gathered at the end */
typedef struct vonk_lists {
    vonk_eval  *ev;
    vonk_result result; /* spans */
    uint32_t   *at;     /* rows of the source; UINT32_MAX: null */
    size_t      n, capacity;
    uint32_t    open; /* where the row that is being filled starts */
} vonk_lists;
vonk_status vonk_lists_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_lists *l, vonk_error *err);
static inline void vonk_lists_done(vonk_lists *l) { vonk_result_done(&l->result); }
VONK_DEFINE_AUTO_DONE(vonk_lists, vonk_lists_done)
vonk_status vonk_lists_grow(vonk_lists *l, size_t more, vonk_error *err);
static inline vonk_status vonk_lists_add(vonk_lists *l, uint32_t element, vonk_error *err)
{
    if (VONK_UNLIKELY(l->n == l->capacity)) VONK_TRY(vonk_lists_grow(l, 1, err));
    l->at[l->n++] = element;
    return VONK_OK;
}
static inline void vonk_lists_close(vonk_lists *l, uint32_t row)
{
    ((vonk_span *)l->result.data)[row] = (vonk_span){l->open, (uint32_t)l->n - l->open};
    l->open = (uint32_t)l->n;
}
static inline vonk_status vonk_lists_null(vonk_lists *l, uint32_t row, vonk_error *err)
{
    l->n = l->open;
    return vonk_result_null(&l->result, row, err);
}
/* FLAT, and exactly of the type that field `field` of the parent's type has. */
vonk_status vonk__as_child(vonk_eval *ev, const vonk_type *parent, uint32_t field, vonk_column *take_column, vonk_column **ret, vonk_error *err);
/* sources: one for arrays, keys and values for maps. */
vonk_status vonk_lists_take(vonk_lists *l, vonk_column *const *sources, uint32_t n_sources, vonk_column **ret, vonk_error *err);

/* A column made of the children of several arguments, one after the other; first[i]: where those of i start. */
vonk_status vonk_join_children(vonk_eval *ev, vonk_column *const *args, uint32_t n, uint32_t child, uint32_t *ret_first, vonk_column **ret, vonk_error *err);

/* Results of one fixed-width type: (ctype *)r.data. */
#define VONK_OUT(r, ctype) ((ctype *)(r).data)

/* Is argument i foldable? Its one-row column, not null; else NULL. */
static inline const vonk_column *vonk_constant_arg(const vonk_fn_call *call, uint32_t i)
{
    const vonk_column *c = i < call->n_args && call->constants ? call->constants[i] : NULL;
    return c && !vonk_column_is_null(c, 0) ? c : NULL;
}
/* A bit column from a row's answer. */
static inline void vonk_put_bool(vonk_result *r, uint32_t row, bool value)
{
    if (value) vonk_bit_set((uint8_t *)r->data, row);
}

/* INVALID_PARAMETER_VALUE.* and friends name functions and parameters in back quotes. */
#define VONK_QUOTED(name) VONK_F("`%s`", (name))

#endif
