/* func/cast_nested.c -- casts of arrays, maps and structs: their children are cast, the form stays. */
#include "func/cast_int.h"

/* The child's rows that count: elements of active rows, without nulls. */
typedef struct child_rows {
    uint32_t *idx, n;
} child_rows;

static void add_child_row(child_rows *rows, const vonk_column *child, uint32_t i)
{
    if (!child->validity || vonk_bit_get(child->validity, i)) rows->idx[rows->n++] = i;
}

static vonk_status rows_of_spans(vonk_eval *ev, const vonk_column *column, const vonk_column *child, vonk_rows rows,
                                 child_rows *ret, vonk_error *err)
{
    size_t total = 0;
    const vonk_span *spans = column->data;
    for (uint32_t k = 0; k < rows.n; k++) total += spans[vonk_row_at(rows, k)].len;
    VONK_TRY(vonk_arena_array(ev->scratch, total + 1, sizeof(uint32_t), &ret->idx, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        vonk_span s = spans[vonk_row_at(rows, k)];
        for (uint32_t i = 0; i < s.len; i++) add_child_row(ret, child, s.offset + i);
    }
    return VONK_OK;
}

static vonk_status rows_of_struct(vonk_eval *ev, const vonk_column *child, vonk_rows rows, child_rows *ret,
                                  vonk_error *err)
{
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(uint32_t), &ret->idx, err));
    for (uint32_t k = 0; k < rows.n; k++) add_child_row(ret, child, vonk_row_at(rows, k));
    return VONK_OK;
}

static vonk_status cast_child(const vonk_fn_call *call, vonk_eval *ev, vonk_column *child, child_rows rows,
                              vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL, *flat = NULL;
    vonk_eval inner = *ev;
    uint32_t n = child->n_rows;
    inner.validity = child->validity;
    VONK_TRY(call->eval(call, &inner, &child, n, (vonk_rows){rows.idx, rows.n}, &made, err));
    VONK_TRY(vonk_column_flatten(ev->budget, made, &flat, err));
    if (!child->validity) {
        *ret = VONK_STEAL(flat);
        return VONK_OK;
    }
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bits = NULL;
    VONK_TRY(vonk_buffer_new(ev->budget, vonk_bits_bytes(n), &bits, err));
    memcpy(bits->data, child->validity, vonk_bits_bytes(n));
    if (flat->validity) vonk_bits_and(bits->data, flat->validity, n);
    return vonk_column_with_validity(ev->budget, flat, VONK_STEAL(bits), ret, err);
}

static vonk_status cast_children(const vonk__cast *c, vonk_eval *ev, const vonk_column *arg, vonk_rows rows,
                                 vonk_column **children, vonk_error *err)
{
    bool is_struct = arg->type->id == VONK_T_STRUCT;
    for (uint32_t i = 0; i < c->n_children; i++) {
        vonk_column *child = arg->children[i];
        child_rows inner = {0};
        if (!c->children[i]) {
            VONK_TRY(vonk_column_retype(ev->budget, child, c->to->fields[i].type, &children[i], err));
            continue;
        }
        if (is_struct)
            VONK_TRY(rows_of_struct(ev, child, rows, &inner, err));
        else
            VONK_TRY(rows_of_spans(ev, arg, child, rows, &inner, err));
        VONK_TRY(cast_child(c->children[i], ev, child, inner, &children[i], err));
    }
    return VONK_OK;
}

static vonk_status build(const vonk__cast *c, vonk_eval *ev, const vonk_column *arg, vonk_column *const *children,
                         vonk_column **ret, vonk_error *err)
{
    if (c->to->id == VONK_T_STRUCT)
        return vonk_column_new_struct(ev->budget, c->to, arg->n_rows, children, NULL, ret, err);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, arg->n_rows, VONK_ALL_ROWS(arg->n_rows), &r, err));
    memcpy(r.data, arg->data, arg->n_rows * sizeof(vonk_span));
    VONK_TRY(vonk_column_set_children(r.column, children, c->n_children, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_nested)
{
    const vonk__cast *c = vonk__cast_of(call);
    vonk_column **children;
    VONK_TRY(vonk_arena_array(ev->scratch, c->n_children + 1, sizeof(*children), &children, err));
    vonk_status st = cast_children(c, ev, args[0], rows, children, err);
    if (st == VONK_OK) st = build(c, ev, args[0], children, ret, err);
    for (uint32_t i = 0; i < c->n_children; i++) vonk_column_unref(children[i]);
    return st;
}

static vonk_status prepare_child(vonk_fn_call *call, const vonk_type *from, const vonk_type *to,
                                 const vonk_fn_call **ret, vonk_error *err)
{
    vonk_fn_call *child = NULL;
    const vonk_type **types = NULL;
    *ret = NULL;
    if (vonk_type_same(from, to)) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &child, err));
    VONK_TRY(vonk_arena_array(call->arena, 1, sizeof(*types), &types, err));
    types[0] = from;
    *child = (vonk_fn_call){.fn = call->fn,
                            .n_args = 1,
                            .arg_types = types,
                            .type = to,
                            .mode = call->mode,
                            .env = call->env,
                            .arena = call->arena};
    VONK_TRY(vonk_cast_prepare(child, err));
    *ret = child;
    return VONK_OK;
}

vonk_status vonk__cast_nested(vonk_fn_call *call, vonk__cast *c, bool *ret_done, vonk_error *err)
{
    bool nested = c->to->id == VONK_T_ARRAY || c->to->id == VONK_T_MAP || c->to->id == VONK_T_STRUCT;
    if (!nested || c->from->id != c->to->id || c->from->n_fields != c->to->n_fields) return VONK_OK;
    const vonk_fn_call **children = NULL;
    VONK_TRY(vonk_arena_array(call->arena, c->to->n_fields + 1, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < c->to->n_fields; i++)
        VONK_TRY(prepare_child(call, c->from->fields[i].type, c->to->fields[i].type, &children[i], err));
    c->children = children;
    c->n_children = c->to->n_fields;
    call->eval = eval_nested;
    *ret_done = true;
    return VONK_OK;
}
