/* plan/expr_make.c -- the usual kinds of expressions in one call. */
#include "plan/expr_int.h"
#include "column/builder.h"

/* Closes `e` after setting: on a failed set the node is released. */
static vonk_status closed(vonk_status st, vonk_expr *take_e, const vonk_expr **ret, vonk_error *err)
{
    if (st != VONK_OK) {
        vonk_expr_unref(take_e);
        return st;
    }
    return vonk_expr_finish(take_e, ret, err);
}

vonk_status vonk_ex_literal(vonk_budget *budget, const vonk_column *one_row, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_LITERAL, NULL, 0, &e, err));
    return closed(vonk_expr_set_value(e, one_row, err), e, ret, err);
}

static vonk_status literal_of(vonk_budget *budget, vonk_column *take_value, const vonk_expr **ret, vonk_error *err)
{
    vonk_status st = vonk_ex_literal(budget, take_value, ret, err);
    vonk_column_unref(take_value);
    return st;
}

vonk_status vonk_ex_null(vonk_budget *budget, const vonk_type *type, const vonk_expr **ret, vonk_error *err)
{
    vonk_column *value = NULL;
    VONK_TRY(vonk_column_new_nulls(budget, type, 1, &value, err));
    return literal_of(budget, value, ret, err);
}

vonk_status vonk_ex_bool(vonk_budget *budget, bool value, const vonk_expr **ret, vonk_error *err)
{
    vonk_column *column = NULL;
    uint8_t *bits = NULL;
    VONK_TRY(vonk_column_new(budget, &vonk_type_boolean, 1, false, &column, (void **)&bits, NULL, err));
    bits[0] = value;
    return literal_of(budget, column, ret, err);
}

vonk_status vonk_ex_int(vonk_budget *budget, int64_t value, const vonk_type *type, const vonk_expr **ret,
                        vonk_error *err)
{
    vonk_column *column = NULL;
    void *data = NULL;
    VONK_TRY(vonk_column_new(budget, type, 1, false, &column, &data, NULL, err));
    switch (type->storage) {
    case VONK_STORE_I8: *(int8_t *)data = (int8_t)value; break;
    case VONK_STORE_I16: *(int16_t *)data = (int16_t)value; break;
    case VONK_STORE_I32: *(int32_t *)data = vonk_i32_of(value); break;
    default: assert(type->storage == VONK_STORE_I64); *(int64_t *)data = value;
    }
    return literal_of(budget, column, ret, err);
}

vonk_status vonk_ex_double(vonk_budget *budget, double value, const vonk_expr **ret, vonk_error *err)
{
    vonk_column *column = NULL;
    double *data = NULL;
    VONK_TRY(vonk_column_new(budget, &vonk_type_double, 1, false, &column, (void **)&data, NULL, err));
    data[0] = value;
    return literal_of(budget, column, ret, err);
}

static vonk_status string_column(vonk_budget *budget, vonk_str value, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, budget, &vonk_type_string, 1, err));
    VONK_TRY(vonk_builder_str(&b, value, err));
    return vonk_builder_finish(&b, ret, err);
}

vonk_status vonk_ex_string(vonk_budget *budget, vonk_str value, const vonk_expr **ret, vonk_error *err)
{
    vonk_column *column = NULL;
    VONK_TRY(string_column(budget, value, &column, err));
    return literal_of(budget, column, ret, err);
}

vonk_status vonk_ex_name(vonk_budget *budget, const vonk_str *parts, uint32_t n, int64_t plan_id, const vonk_expr **ret,
                         vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_NAME, NULL, 0, &e, err));
    e->plan_id = plan_id;
    return closed(vonk_expr_set_parts(e, parts, n, err), e, ret, err);
}

vonk_status vonk_ex_call(vonk_budget *budget, vonk_str name, const vonk_expr *const *args, uint32_t n,
                         const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_CALL, args, n, &e, err));
    e->n_args = n;
    return closed(vonk_expr_set_parts(e, &name, 1, err), e, ret, err);
}

vonk_status vonk_ex_alias(vonk_budget *budget, const vonk_expr *child, vonk_str name, const vonk_expr **ret,
                          vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_ALIAS, &child, 1, &e, err));
    e->id = vonk_expr_new_id();
    vonk_status st = vonk_expr_set_name(e, name, err);
    if (st == VONK_OK && child->kind == VONK_EX_COLUMN && child->metadata.len)
        st = vonk_expr_set_metadata(e, child->metadata, err);
    return closed(st, e, ret, err);
}

vonk_status vonk_ex_cast(vonk_budget *budget, const vonk_expr *child, const vonk_type *type, vonk_eval_mode mode,
                         const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_CAST, &child, 1, &e, err));
    e->mode = mode;
    return closed(vonk_expr_set_type(e, type, err), e, ret, err);
}

vonk_status vonk_ex_sort(vonk_budget *budget, const vonk_expr *child, bool descending, bool nulls_last,
                         const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, VONK_EX_SORT, &child, 1, &e, err));
    e->flags = (descending ? VONK_EXF_DESCENDING : 0u) | (nulls_last ? VONK_EXF_NULLS_LAST : 0u);
    return vonk_expr_finish(e, ret, err);
}

vonk_status vonk_ex_and(vonk_budget *budget, const vonk_expr *const *terms, uint32_t n, const vonk_expr **ret,
                        vonk_error *err)
{
    if (n == 0) return vonk_ex_bool(budget, true, ret, err);
    if (n == 1) {
        *ret = vonk_expr_ref(terms[0]);
        return VONK_OK;
    }
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++) total += terms[i]->kind == VONK_EX_AND ? terms[i]->n_children : 1;
    const vonk_expr **flat = NULL;
    VONK_TRY(vonk_alloc_array(budget, total, sizeof(*flat), &flat, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *t = terms[i];
        if (t->kind != VONK_EX_AND) flat[at++] = t;
        for (uint32_t k = 0; t->kind == VONK_EX_AND && k < t->n_children; k++) flat[at++] = t->children[k];
    }
    vonk_expr *e = NULL;
    vonk_status st = vonk_expr_new(budget, VONK_EX_AND, flat, total, &e, err);
    vonk_free(flat);
    if (st != VONK_OK) return st;
    return vonk_expr_finish(e, ret, err);
}

static vonk_status reference(vonk_budget *budget, vonk_expr_kind kind, const vonk_type *type, bool nullable,
                             vonk_str name, vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(budget, kind, NULL, 0, &e, err));
    e->nullable = nullable;
    vonk_status st = vonk_expr_set_type(e, type, err);
    if (st == VONK_OK) st = vonk_expr_set_name(e, name, err);
    if (st != VONK_OK) {
        vonk_expr_unref(e);
        return st;
    }
    *ret = e;
    return VONK_OK;
}

vonk_status vonk_ex_bound(vonk_budget *budget, uint32_t index, const vonk_type *type, bool nullable, vonk_str name,
                          const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e = NULL;
    VONK_TRY(reference(budget, VONK_EX_BOUND, type, nullable, name, &e, err));
    e->index = index;
    return vonk_expr_finish(e, ret, err);
}

vonk_status vonk_ex_column_of(vonk_budget *budget, const vonk_expr *named, const vonk_expr **ret, vonk_error *err)
{
    if (named->kind == VONK_EX_COLUMN) {
        *ret = vonk_expr_ref(named);
        return VONK_OK;
    }
    assert(named->kind == VONK_EX_ALIAS && named->type);
    vonk_expr *e = NULL;
    VONK_TRY(reference(budget, VONK_EX_COLUMN, named->type, named->nullable, named->name, &e, err));
    e->id = named->id;
    vonk_status st = VONK_OK;
    if (named->metadata.len) st = vonk_expr_set_metadata(e, named->metadata, err);
    return closed(st, e, ret, err);
}
