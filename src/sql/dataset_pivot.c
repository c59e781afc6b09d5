/* sql/dataset_pivot.c -- rows to columns and back. */
#include "sql/dataset.h"

#include "func/coerce.h"

/* ---- unpivot (melt): one row per value column, through EXPAND */
static bool is_id(const vonk__ds *d, const vonk_expr *column)
{
    for (uint32_t i = 0; i < d->p->lists[0].n; i++)
        if (d->p->lists[0].at[i]->id == column->id) return true;
    return false;
}

static vonk_status value_columns(vonk__ds *d, vonk__ds_list *ret)
{
    if (d->p->number == 1)
        for (uint32_t i = 0; i < d->p->lists[1].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[1].at[i]));
    else
        for (uint32_t c = 0; c < d->child->n_output; c++)
            if (!is_id(d, d->child->output[c])) VONK_TRY(vonk__ds_push(d, ret, d->child->output[c]));
    return ret->n > 0 ? VONK_OK : VONK_FAIL(d->err, VONK_E_UNPIVOT_REQUIRES_VALUE_COLUMNS);
}

static vonk_status common_type(vonk__ds *d, const vonk__ds_list *values, const vonk_type **ret)
{
    const vonk_type *type = vonk_type_ref(values->at[0]->type);

    for (size_t i = 1; i < values->n; i++) {
        const vonk_type *wider = NULL;
        vonk_status      status = vonk_coerce_tightest(type, values->at[i]->type, d->a->env->ansi, &wider, d->err);
        vonk_type_unref(type);
        VONK_TRY(status);
        if (!wider) return VONK_FAIL(d->err, VONK_E_UNPIVOT_VALUE_DATA_TYPE_MISMATCH, "types", VONK_F("%s, %s", VONK_TYPE_SQL(values->at[0]->type), VONK_TYPE_SQL(values->at[i]->type)));
        type = wider;
    }
    *ret = type;
    return VONK_OK;
}

static vonk_status new_column(vonk__ds *d, vonk_str name, const vonk_type *type, bool nullable, const vonk_expr **ret)
{
    vonk_expr *column = NULL;

    VONK_TRY(vonk_expr_new(d->a->budget, VONK_EX_COLUMN, NULL, 0, &column, d->err));
    column->id = vonk_expr_new_id();
    column->nullable = nullable;
    vonk_status status = vonk_expr_set_name(column, name, d->err);
    if (status == VONK_OK) status = vonk_expr_set_type(column, type, d->err);
    if (status != VONK_OK) {
        vonk_expr_unref(column);
        return status;
    }
    VONK_TRY(vonk_expr_finish(column, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

vonk_status vonk__ds_unpivot(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    const vonk_expr_list                       *ids = &d->p->lists[0];
    vonk__ds_list                               values = {0}, output = {0};
    vonk_plan                                  *node = NULL;
    const vonk_expr                            *column = NULL;

    VONK_TRY(value_columns(d, &values));
    VONK_TRY(common_type(d, &values, &type));
    for (uint32_t i = 0; i < ids->n; i++) {
        VONK_TRY(new_column(d, ids->at[i]->name, ids->at[i]->type, ids->at[i]->nullable, &column));
        VONK_TRY(vonk__ds_push(d, &output, column));
    }
    VONK_TRY(new_column(d, d->p->name.parts[0], &vonk_type_string, false, &column));
    VONK_TRY(vonk__ds_push(d, &output, column));
    VONK_TRY(new_column(d, d->p->name.parts[1], type, true, &column));
    VONK_TRY(vonk__ds_push(d, &output, column));
    VONK_TRY(vonk_plan_new(d->a->budget, VONK_PN_EXPAND, &d->child, 1, &node, d->err));
    vonk_status status = vonk_plan_set_output(node, output.at, (uint32_t)output.n, d->err);
    for (uint32_t v = 0; v < values.n && status == VONK_OK; v++) {
        vonk__ds_list    row = {0};
        const vonk_expr *name = NULL, *value = NULL;
        for (uint32_t i = 0; i < ids->n && status == VONK_OK; i++) status = vonk__ds_push(d, &row, ids->at[i]);
        if (status == VONK_OK) status = vonk__ds_text(d, values.at[v]->name, &name);
        if (status == VONK_OK) status = vonk__ds_push(d, &row, name);
        if (status == VONK_OK) status = vonk__ds_cast(d, values.at[v]->kind == VONK_EX_ALIAS ? values.at[v]->children[0] : values.at[v], type, &value);
        if (status == VONK_OK) status = vonk__ds_push(d, &row, value);
        if (status == VONK_OK) status = vonk_plan_set_list(node, v, row.at, (uint32_t)row.n, d->err);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, d->err);
}

/* ---- pivot: aggregate by (keys, pivot value), then pick each value's result by key */
static const vonk_expr *value_of(const vonk_expr *e) { return e->kind == VONK_EX_ALIAS ? e->children[0] : e; }

/* The different values, by a query, in order; Spark's limit guards against too many columns. */
static vonk_status found_values(vonk__ds *d, vonk__ds_list *ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *distinct = NULL, *sorted = NULL, *limited = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch     *rows = NULL;
    const vonk_expr                            *key = d->p->lists[2].at[0], *named = NULL, *column = NULL, *order = NULL;
    const int64_t                               most = vonk_conf_i64(d->a->conf, "spark.sql.pivotMaxValues");

    VONK_TRY(vonk__ds_alias(d, value_of(key), VONK_STR("value"), &named));
    VONK_TRY(vonk_pn_aggregate(d->a->budget, d->child, &named->children[0], 1, &named, 1, &distinct, d->err));
    VONK_TRY(vonk_ex_column_of(d->a->budget, named, &column, d->err));
    VONK_TRY(vonk__ds_keep(d, column));
    VONK_TRY(vonk_ex_sort(d->a->budget, column, false, false, &order, d->err));
    VONK_TRY(vonk__ds_keep(d, order));
    VONK_TRY(vonk_pn_sort(d->a->budget, distinct, &order, 1, true, &sorted, d->err));
    VONK_TRY(vonk_pn_limit(d->a->budget, sorted, most + 1, &limited, d->err));
    VONK_TRY(d->a->run(d->a->session, limited, &rows, d->err));
    if (rows->n_rows > most) return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("PIVOT over more than %lld different values (spark.sql.pivotMaxValues)", (long long)most));
    for (uint32_t r = 0; r < rows->n_rows; r++) {
        VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
        const vonk_expr                          *literal = NULL;
        VONK_TRY(vonk_column_gather(d->a->budget, rows->columns[0], &r, 1, false, &one, d->err));
        VONK_TRY(vonk_ex_literal(d->a->budget, one, &literal, d->err));
        VONK_TRY(vonk__ds_keep(d, literal));
        VONK_TRY(vonk__ds_push(d, ret, literal));
    }
    return VONK_OK;
}

static vonk_status given_values(vonk__ds *d, vonk__ds_list *ret)
{
    for (uint32_t i = 0; i < d->p->lists[3].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[3].at[i]));
    return VONK_OK;
}

/* Column names: the value's text; with several aggregates also the aggregate's name. */
static vonk_status result_name(vonk__ds *d, const vonk_expr *value, const vonk_expr *agg, bool several, vonk_buf *out)
{
    vonk_buf_reset(out);
    if (value->kind == VONK_EX_ALIAS)
        VONK_TRY(vonk_buf_add_str(out, value->name, d->err));
    else if (vonk_column_is_null(value->value, 0))
        VONK_TRY(vonk_buf_add_c(out, "null", d->err));
    else
        VONK_TRY(vonk_expr_sql(value, out, d->err));
    if (!several) return VONK_OK;
    VONK_TRY(vonk_buf_add_byte(out, '_', d->err));
    return vonk_expr_output_name(agg, out, d->err);
}

/* The key columns: the grouping expressions, or (SQL) every column that neither the pivot nor an aggregate uses. */
static vonk_status pivot_keys(vonk__ds *d, vonk__ds_list *ret)
{
    uint64_t *used = NULL;
    size_t    n = 0;

    for (uint32_t i = 0; i < d->p->lists[0].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[0].at[i]));
    if (d->p->number == 0) return VONK_OK;
    for (uint32_t l = 1; l <= 2; l++)
        for (uint32_t i = 0; i < d->p->lists[l].n; i++) VONK_TRY(vonk_expr_column_ids(d->p->lists[l].at[i], d->arena, &used, &n, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++) {
        bool is_used = false;
        for (size_t u = 0; u < n && !is_used; u++) is_used = used[u] == d->child->output[c]->id;
        if (!is_used) VONK_TRY(vonk__ds_push(d, ret, d->child->output[c]));
    }
    return VONK_OK;
}

/* first(result) FILTER (WHERE pivot <=> value) */
static vonk_status picked(vonk__ds *d, const vonk_expr *result, const vonk_expr *pivot, const vonk_expr *value, const vonk_expr **ret)
{
    const vonk_expr *same = NULL, *typed = NULL;
    vonk_expr       *call = NULL;
    const vonk_str   name = VONK_STR("first");

    VONK_TRY(vonk__ds_cast(d, value_of(value), pivot->type, &typed));
    VONK_TRY(vonk__ds_call(d, "<=>", (const vonk_expr *[]){pivot, typed}, 2, &same));
    VONK_TRY(vonk_expr_new(d->a->budget, VONK_EX_CALL, (const vonk_expr *[]){result, same}, 2, &call, d->err));
    vonk_status status = vonk_expr_set_parts(call, &name, 1, d->err);
    if (status != VONK_OK) {
        vonk_expr_unref(call);
        return status;
    }
    call->n_args = 1;
    call->flags |= VONK_EXF_HAS_FILTER;
    VONK_TRY(vonk_expr_finish(call, ret, d->err));
    return vonk__ds_keep(d, *ret);
}

/* A grouping expression, and what it is called above the lower aggregation. */
static vonk_status named_key(vonk__ds *d, const vonk_expr *key, vonk__ds_list *keys, vonk__ds_list *lower, const vonk_expr **ret_column)
{
    const vonk_expr *named = key;

    if (key->kind != VONK_EX_COLUMN && key->kind != VONK_EX_ALIAS) {
        VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
        vonk_buf_init(&name, d->a->budget, SIZE_MAX);
        VONK_TRY(vonk_expr_output_name(key, &name, d->err));
        VONK_TRY(vonk__ds_alias(d, key, vonk_buf_str(&name), &named));
    }
    VONK_TRY(vonk__ds_push(d, keys, value_of(named)));
    VONK_TRY(vonk__ds_push(d, lower, named));
    VONK_TRY(vonk_ex_column_of(d->a->budget, named, ret_column, d->err));
    return vonk__ds_keep(d, *ret_column);
}

vonk_status vonk__ds_pivot(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *first = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf           name = {0};
    const vonk_expr_list                       *aggs = &d->p->lists[1];
    vonk__ds_list                               values = {0}, given_keys = {0}, keys = {0}, lower = {0}, upper_keys = {0}, upper = {0}, results = {0};
    const vonk_expr                            *pivot = NULL;

    vonk_buf_init(&name, d->a->budget, SIZE_MAX);
    VONK_TRY(d->p->n_lists > 3 && d->p->lists[3].n > 0 ? given_values(d, &values) : found_values(d, &values));
    VONK_TRY(pivot_keys(d, &given_keys));
    for (size_t i = 0; i < given_keys.n; i++) {
        const vonk_expr *column = NULL;
        VONK_TRY(named_key(d, given_keys.at[i], &keys, &lower, &column));
        VONK_TRY(vonk__ds_push(d, &upper_keys, column));
        VONK_TRY(vonk__ds_push(d, &upper, column));
    }
    VONK_TRY(named_key(d, d->p->lists[2].at[0], &keys, &lower, &pivot));
    for (uint32_t i = 0; i < aggs->n; i++) {
        const vonk_expr *alias = NULL, *column = NULL;
        VONK_TRY(vonk__ds_alias(d, value_of(aggs->at[i]), VONK_STR("aggregate"), &alias));
        VONK_TRY(vonk__ds_push(d, &lower, alias));
        VONK_TRY(vonk_ex_column_of(d->a->budget, alias, &column, d->err));
        VONK_TRY(vonk__ds_keep(d, column));
        VONK_TRY(vonk__ds_push(d, &results, column));
    }
    VONK_TRY(vonk_pn_aggregate(d->a->budget, d->child, keys.at, (uint32_t)keys.n, lower.at, (uint32_t)lower.n, &first, d->err));
    for (size_t v = 0; v < values.n; v++)
        for (uint32_t i = 0; i < aggs->n; i++) {
            const vonk_expr *e = NULL;
            VONK_TRY(picked(d, results.at[i], pivot, values.at[v], &e));
            VONK_TRY(result_name(d, values.at[v], aggs->at[i], aggs->n > 1, &name));
            VONK_TRY(vonk__ds_alias(d, e, vonk_buf_str(&name), &e));
            VONK_TRY(vonk__ds_push(d, &upper, e));
        }
    return vonk_pn_aggregate(d->a->budget, first, upper_keys.at, (uint32_t)upper_keys.n, upper.at, (uint32_t)upper.n, ret, d->err);
}
