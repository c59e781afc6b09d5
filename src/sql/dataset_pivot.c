/* sql/dataset_pivot.c -- rows to columns and back. */
#include "sql/dataset.h"

#include "func/coerce.h"
#include "plan/program.h"
#include "sql/unpivot.h"

/* ---- unpivot (melt): one row per value (column or set of columns), through EXPAND */
static const vonk_expr *value_of(const vonk_expr *e) { return e->kind == VONK_EX_ALIAS ? e->children[0] : e; }

/* A set of columns comes as named_struct(name, column, ...). */
static bool is_set(const vonk__ds *d) { return d->p->name.n_parts > 2; }
static const vonk_expr *part_of(const vonk__ds *d, const vonk_expr *value, uint32_t i)
{
    return is_set(d) ? value_of(value)->children[2 * i + 1] : value_of(value);
}

static bool is_id(const vonk__ds *d, const vonk_expr *column)
{
    for (uint32_t i = 0; i < d->p->lists[0].n; i++)
        if (d->p->lists[0].at[i]->id == column->id) return true;
    return false;
}

static vonk_status value_columns(vonk__ds *d, vonk__ds_list *ret)
{
    if (d->p->number & VONK_UNPIVOT_VALUES_GIVEN)
        for (uint32_t i = 0; i < d->p->lists[1].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[1].at[i]));
    else
        for (uint32_t c = 0; c < d->child->n_output; c++)
            if (!is_id(d, d->child->output[c])) VONK_TRY(vonk__ds_push(d, ret, d->child->output[c]));
    return ret->n > 0 ? VONK_OK : VONK_FAIL(d->err, VONK_E_UNPIVOT_REQUIRES_VALUE_COLUMNS);
}

/* The ids: as given, or every column that no value uses. */
static vonk_status id_columns(vonk__ds *d, const vonk__ds_list *values, vonk__ds_list *ret)
{
    vonk_ids used = {0};

    for (uint32_t i = 0; i < d->p->lists[0].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[0].at[i]));
    if (!(d->p->number & VONK_UNPIVOT_IDS_OPEN)) return VONK_OK;
    for (size_t i = 0; i < values->n; i++) VONK_TRY(vonk_expr_column_ids(values->at[i], d->arena, &used, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (!vonk_ids_has(&used, d->child->output[c]->id)) VONK_TRY(vonk__ds_push(d, ret, d->child->output[c]));
    return VONK_OK;
}

/* "INT" (`a`, `b`), "STRING" (`c`): types and names in order */
static vonk_status different_types(vonk__ds *d, const vonk__ds_list *given, uint32_t part)
{
    vonk__ds_list sorted = {0}, *const values = &sorted;
    vonk_str list = VONK_STR(""), *texts = NULL;
    uint32_t n = 0;

    for (size_t i = 0; i < given->n; i++) {
        const vonk_expr *e = given->at[i];
        VONK_TRY(vonk__ds_push(d, &sorted, e));
        size_t at = i;
        for (; at > 0 && vonk_str_compare(part_of(d, sorted.at[at - 1], part)->name, part_of(d, e, part)->name) > 0;
             at--)
            sorted.at[at] = sorted.at[at - 1];
        sorted.at[at] = e;
    }
    VONK_TRY(vonk_arena_array(d->arena, values->n + 1, sizeof *texts, &texts, d->err));
    for (size_t i = 0; i < values->n; i++) {
        vonk_str text;
        uint32_t at = n;
        const vonk_type *type = part_of(d, values->at[i], part)->type;
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) seen = vonk_type_same(part_of(d, values->at[k], part)->type, type);
        if (seen) continue;
        VONK_TRY(vonk_arena_printf(d->arena, &text, d->err, "%s (", VONK_TYPE_SQL(type)));
        for (size_t k = i; k < values->n; k++)
            if (vonk_type_same(part_of(d, values->at[k], part)->type, type))
                VONK_TRY(vonk_arena_printf(d->arena, &text, d->err, "%.*s%s`%.*s`", VONK_STR_ARGS(text),
                                           k > i ? ", " : "", VONK_STR_ARGS(part_of(d, values->at[k], part)->name)));
        for (; at > 0 && vonk_str_compare(texts[at - 1], text) > 0; at--) texts[at] = texts[at - 1];
        texts[at] = text;
        n++;
    }
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(vonk_arena_printf(d->arena, &list, d->err, "%.*s%s%.*s)", VONK_STR_ARGS(list), i ? ", " : "",
                                   VONK_STR_ARGS(texts[i])));
    return VONK_FAIL(d->err, VONK_E_UNPIVOT_VALUE_DATA_TYPE_MISMATCH, "types", VONK_S(list));
}

static vonk_status common_type(vonk__ds *d, const vonk__ds_list *values, uint32_t part, const vonk_type **ret)
{
    const vonk_type *type = vonk_type_ref(part_of(d, values->at[0], part)->type);

    for (size_t i = 1; i < values->n; i++) {
        const vonk_type *wider = NULL;
        vonk_status status =
            vonk_coerce_common_no_strings(type, part_of(d, values->at[i], part)->type, d->a->env->ansi, &wider, d->err);
        vonk_type_unref(type);
        VONK_TRY(status);
        if (!wider) return different_types(d, values, part);
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

/* What stands in the name column: the alias, the column's name, or those of a set joined by '_'. */
static vonk_status row_name(vonk__ds *d, const vonk_expr *value, const vonk_expr **ret)
{
    vonk_str name = value->name;

    if (is_set(d) && value->kind != VONK_EX_ALIAS) {
        name = VONK_STR("");
        for (uint32_t i = 0; i + 1 < d->p->name.n_parts; i++)
            VONK_TRY(vonk_arena_printf(d->arena, &name, d->err, "%.*s%s%.*s", VONK_STR_ARGS(name), i ? "_" : "",
                                       VONK_STR_ARGS(part_of(d, value, i)->name)));
    }
    return vonk__ds_text(d, name, ret);
}

/* Rows in which every value is null are left out. */
static vonk_status without_nulls(vonk__ds *d, const vonk_plan *expand, uint32_t n_values, const vonk_plan **ret)
{
    const vonk_expr *any = NULL;

    for (uint32_t i = 0; i < n_values; i++) {
        const vonk_expr *one = NULL;
        VONK_TRY(vonk__ds_node(d, VONK_EX_IS_NOT_NULL, &expand->output[expand->n_output - n_values + i], 1, &one));
        if (any)
            VONK_TRY(vonk__ds_node(d, VONK_EX_OR, (const vonk_expr *[]){any, one}, 2, &any));
        else
            any = one;
    }
    return vonk_pn_filter(d->a->budget, expand, any, ret, d->err);
}

static vonk_status expand_row(vonk__ds *d, const vonk__ds_list *ids, const vonk_expr *value,
                              const vonk_type *const *types, uint32_t n_values, vonk_plan *node, uint32_t at)
{
    vonk__ds_list row = *ids;
    const vonk_expr *e = NULL;

    row = (vonk__ds_list){0};
    for (size_t i = 0; i < ids->n; i++) VONK_TRY(vonk__ds_push(d, &row, ids->at[i]));
    VONK_TRY(row_name(d, value, &e));
    VONK_TRY(vonk__ds_push(d, &row, e));
    for (uint32_t i = 0; i < n_values; i++) {
        VONK_TRY(vonk__ds_cast(d, part_of(d, value, i), types[i], &e));
        VONK_TRY(vonk__ds_push(d, &row, e));
    }
    return vonk_plan_set_list(node, at, row.at, (uint32_t)row.n, d->err);
}

static vonk_status make_expand(vonk__ds *d, const vonk__ds_list *ids, const vonk__ds_list *values,
                               const vonk_type *const *types, const vonk_plan **ret)
{
    const uint32_t n_values = d->p->name.n_parts - 1;
    vonk__ds_list output = {0};
    const vonk_expr *column = NULL;
    vonk_plan *node = NULL;

    for (size_t i = 0; i < ids->n; i++) {
        VONK_TRY(new_column(d, ids->at[i]->name, ids->at[i]->type, ids->at[i]->nullable, &column));
        VONK_TRY(vonk__ds_push(d, &output, column));
    }
    VONK_TRY(new_column(d, d->p->name.parts[0], &vonk_type_string, false, &column));
    VONK_TRY(vonk__ds_push(d, &output, column));
    for (uint32_t i = 0; i < n_values; i++) {
        bool nullable = false;
        for (size_t v = 0; v < values->n; v++) nullable |= part_of(d, values->at[v], i)->nullable;
        VONK_TRY(new_column(d, d->p->name.parts[i + 1], types[i], nullable, &column));
        VONK_TRY(vonk__ds_push(d, &output, column));
    }
    VONK_TRY(vonk_plan_new(d->a->budget, VONK_PN_EXPAND, &d->child, 1, &node, d->err));
    vonk_status status = vonk_plan_set_output(node, output.at, (uint32_t)output.n, d->err);
    for (size_t v = 0; v < values->n && status == VONK_OK; v++)
        status = expand_row(d, ids, values->at[v], types, n_values, node, (uint32_t)v);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, d->err);
}

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk__ds_unpivot(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *expand = NULL;
    vonk__ds_list values = {0}, ids = {0};
    const vonk_type **types = NULL;
    const uint32_t n_values = d->p->name.n_parts - 1;

    VONK_TRY(value_columns(d, &values));
    VONK_TRY(id_columns(d, &values, &ids));
    for (size_t i = 0; is_set(d) && i < values.n; i++)
        if (value_of(values.at[i])->n_children != 2 * n_values)
            return VONK_FAIL(d->err, VONK_E_UNPIVOT_VALUE_SIZE_MISMATCH, "names", VONK_F("%u", n_values));
    VONK_TRY(vonk_arena_array(d->arena, n_values, sizeof *types, &types, d->err));
    for (uint32_t i = 0; i < n_values; i++) {
        VONK_TRY(common_type(d, &values, i, &types[i]));
        VONK_TRY(vonk_arena_on_free(d->arena, drop_type, (void *)(uintptr_t)types[i], d->err));
    }
    VONK_TRY(make_expand(d, &ids, &values, types, &expand));
    if (d->p->number & VONK_UNPIVOT_EXCLUDE_NULLS) return without_nulls(d, expand, n_values, ret);
    *ret = VONK_STEAL(expand);
    return VONK_OK;
}

/* ---- pivot: aggregate by (keys, pivot value), then pick each value's result by key */
/* The different values, by a query, in order; Spark's limit guards against too many columns. */
static vonk_status found_values(vonk__ds *d, vonk__ds_list *ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *distinct = NULL, *sorted = NULL, *limited = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    const vonk_expr *key = d->p->lists[2].at[0], *named = NULL, *column = NULL, *order = NULL;
    const int64_t most = vonk_conf_i64(d->a->conf, "spark.sql.pivotMaxValues");

    VONK_TRY(vonk__ds_alias(d, value_of(key), VONK_STR("value"), &named));
    VONK_TRY(vonk_pn_aggregate(d->a->budget, d->child, &named->children[0], 1, &named, 1, &distinct, d->err));
    VONK_TRY(vonk_ex_column_of(d->a->budget, named, &column, d->err));
    VONK_TRY(vonk__ds_keep(d, column));
    VONK_TRY(vonk_ex_sort(d->a->budget, column, false, false, &order, d->err));
    VONK_TRY(vonk__ds_keep(d, order));
    VONK_TRY(vonk_pn_sort(d->a->budget, distinct, &order, 1, true, &sorted, d->err));
    VONK_TRY(vonk_pn_limit(d->a->budget, sorted, most + 1, &limited, d->err));
    VONK_TRY(d->a->run(d->a->session, limited, &rows, d->err));
    if (rows->n_rows > most)
        return VONK_FAIL(
            d->err, VONK_E_UNSUPPORTED_FEATURE, "feature",
            VONK_F("PIVOT over more than %lld different values (spark.sql.pivotMaxValues)", (long long)most));
    for (uint32_t r = 0; r < rows->n_rows; r++) {
        VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
        const vonk_expr *literal = NULL;
        VONK_TRY(vonk_column_gather(d->a->budget, rows->columns[0], &r, 1, false, &one, d->err));
        VONK_TRY(vonk_ex_literal(d->a->budget, one, &literal, d->err));
        VONK_TRY(vonk__ds_keep(d, literal));
        VONK_TRY(vonk__ds_push(d, ret, literal));
    }
    return VONK_OK;
}

/* Constants as literals, under their aliases. */
static vonk_status given_value(vonk__ds *d, const vonk_expr *given, const vonk_expr **ret)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk_expr *literal = NULL;

    *ret = given;
    if (value_of(given)->kind == VONK_EX_LITERAL) return VONK_OK;
    vonk_buf_init(&text, d->a->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_sql(value_of(given), &text, d->err));
    if (!vonk_expr_is_foldable(value_of(given)))
        return VONK_FAIL(d->err, VONK_E_NON_LITERAL_PIVOT_VALUES, "expression",
                         VONK_F("\"%.*s\"", VONK_STR_ARGS(vonk_buf_str(&text))));
    VONK_TRY(vonk_program_fold(d->a->budget, d->a->env, value_of(given), &value, d->err));
    VONK_TRY(vonk_ex_literal(d->a->budget, value, &literal, d->err));
    VONK_TRY(vonk__ds_keep(d, literal));
    *ret = literal;
    return given->kind == VONK_EX_ALIAS ? vonk__ds_alias(d, literal, given->name, ret) : VONK_OK;
}

/* The values are compared with the pivot as values of its type. */
static vonk_status check_value(vonk__ds *d, const vonk_expr *value)
{
    const vonk_type *pivot = d->p->lists[2].at[0]->type;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0}, type = {0}, wanted = {0};

    if (vonk_coerce_can_cast(value->type, pivot, d->a->env->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY)) return VONK_OK;
    vonk_buf_init(&text, d->a->budget, SIZE_MAX);
    vonk_buf_init(&type, d->a->budget, SIZE_MAX);
    vonk_buf_init(&wanted, d->a->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_output_name(value, &text, d->err));
    VONK_TRY(vonk_type_simple_string(value->type, &type, d->err));
    VONK_TRY(vonk_type_simple_string(pivot, &wanted, d->err));
    return VONK_FAIL(d->err, VONK_E_PIVOT_VALUE_DATA_TYPE_MISMATCH, "value", VONK_S(vonk_buf_str(&text)), "valueType",
                     VONK_S(vonk_buf_str(&type)), "pivotType", VONK_S(vonk_buf_str(&wanted)));
}

static vonk_status check_pivot(vonk__ds *d, const vonk_expr *pivot)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};

    if (vonk_type_is_orderable(pivot->type)) return VONK_OK;
    vonk_buf_init(&name, d->a->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_output_name(pivot, &name, d->err));
    return VONK_FAIL(d->err, VONK_E_INCOMPARABLE_PIVOT_COLUMN, "columnName",
                     VONK_F("`%.*s`", VONK_STR_ARGS(vonk_buf_str(&name))));
}

static vonk_status given_values(vonk__ds *d, vonk__ds_list *ret)
{
    for (uint32_t i = 0; i < d->p->lists[3].n; i++) {
        const vonk_expr *value = NULL;
        VONK_TRY(check_value(d, value_of(d->p->lists[3].at[i])));
        VONK_TRY(given_value(d, d->p->lists[3].at[i], &value));
        VONK_TRY(vonk__ds_push(d, ret, value));
    }
    return VONK_OK;
}

/* A value as a cast to string writes it. */
static vonk_status value_text(vonk__ds *d, const vonk_expr *value, vonk_buf *out)
{
    VONK_AUTO(vonk_column_unref) vonk_column *text = NULL;
    const vonk_expr *cast = NULL;

    if (vonk_column_is_null(value->value, 0)) return vonk_buf_add_c(out, "null", d->err);
    VONK_TRY(vonk__ds_cast(d, value, &vonk_type_string, &cast));
    VONK_TRY(vonk_program_fold(d->a->budget, d->a->env, cast, &text, d->err));
    return vonk_buf_add_str(out, vonk_column_str(text, 0), d->err);
}

/* Column names: the value's text; with several aggregates also the aggregate's name. */
static vonk_status result_name(vonk__ds *d, const vonk_expr *value, const vonk_expr *agg, bool several, vonk_buf *out)
{
    vonk_buf_reset(out);
    if (value->kind == VONK_EX_ALIAS)
        VONK_TRY(vonk_buf_add_str(out, value->name, d->err));
    else
        VONK_TRY(value_text(d, value, out));
    if (!several) return VONK_OK;
    VONK_TRY(vonk_buf_add_byte(out, '_', d->err));
    return vonk_expr_output_name(agg, out, d->err);
}

/* The key columns: the grouping expressions, or (SQL) every column that neither the pivot nor an aggregate uses. */
static vonk_status pivot_keys(vonk__ds *d, vonk__ds_list *ret)
{
    vonk_ids used = {0};

    for (uint32_t i = 0; i < d->p->lists[0].n; i++) VONK_TRY(vonk__ds_push(d, ret, d->p->lists[0].at[i]));
    if (d->p->number == 0) return VONK_OK;
    for (uint32_t l = 1; l <= 2; l++)
        for (uint32_t i = 0; i < d->p->lists[l].n; i++)
            VONK_TRY(vonk_expr_column_ids(d->p->lists[l].at[i], d->arena, &used, d->err));
    for (uint32_t c = 0; c < d->child->n_output; c++)
        if (!vonk_ids_has(&used, d->child->output[c]->id)) VONK_TRY(vonk__ds_push(d, ret, d->child->output[c]));
    return VONK_OK;
}

/* first(result) FILTER (WHERE pivot <=> value) */
static vonk_status picked(vonk__ds *d, const vonk_expr *result, const vonk_expr *pivot, const vonk_expr *value,
                          const vonk_expr **ret)
{
    const vonk_expr *same = NULL, *typed = NULL;
    vonk_expr *call = NULL;
    const vonk_str name = VONK_STR("first");

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
static vonk_status named_key(vonk__ds *d, const vonk_expr *key, vonk__ds_list *keys, vonk__ds_list *lower,
                             const vonk_expr **ret_column)
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

static bool is_python_aggregate(const vonk_expr *call) { return call->python->role == VONK_PY_ROLE_AGGREGATE; }

/* What Spark can put into its columns after a first aggregation; else it aggregates once, each value's rows. */
static bool is_pivot_type(const vonk_type *t) { return vonk_type_is_numeric(t) || t->id == VONK_T_BOOLEAN; }

typedef struct only_rows {
    vonk__ds *d;
    const vonk_expr *condition;
} only_rows;

/* agg(x) to agg(x) FILTER (WHERE condition): resolved as all that is around it. */
static vonk_status filter_aggregate(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const only_rows *rows = arg;
    vonk__ds *d = rows->d;
    vonk__ds_list children = {0};
    const vonk_expr *condition = rows->condition;
    vonk_expr *copy = NULL;

    if (e->kind != VONK_EX_FUNCTION || e->fn->kind != VONK_FN_AGGREGATE) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    const uint32_t n_filters = vonk_expr_has(e, VONK_EXF_HAS_FILTER) ? 1 : 0;
    for (uint32_t i = 0; i < e->n_args; i++) VONK_TRY(vonk__ds_push(d, &children, e->children[i]));
    if (n_filters > 0) {
        VONK_TRY(
            vonk_ex_and(d->a->budget, (const vonk_expr *[]){e->children[e->n_args], condition}, 2, &condition, err));
        VONK_TRY(vonk__ds_keep(d, condition));
    }
    VONK_TRY(vonk__ds_push(d, &children, condition));
    for (uint32_t i = e->n_args + n_filters; i < e->n_children; i++)
        VONK_TRY(vonk__ds_push(d, &children, e->children[i]));
    VONK_TRY(vonk_expr_copy(d->a->budget, e, children.at, (uint32_t)children.n, &copy, err));
    copy->flags |= VONK_EXF_HAS_FILTER;
    return vonk_expr_finish(copy, ret, err);
}

static vonk_status aggregate_once(vonk__ds *d, const vonk__ds_list *given_keys, const vonk__ds_list *values,
                                  const vonk_plan **ret)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    const vonk_expr_list *aggs = &d->p->lists[1];
    vonk__ds_list keys = {0}, out = {0};
    const vonk_expr *e = NULL;

    vonk_buf_init(&name, d->a->budget, SIZE_MAX);
    for (size_t i = 0; i < given_keys->n; i++) VONK_TRY(named_key(d, given_keys->at[i], &keys, &out, &e));
    for (size_t v = 0; v < values->n; v++)
        for (uint32_t i = 0; i < aggs->n; i++) {
            only_rows rows = {.d = d};
            const vonk_expr *sides[2] = {value_of(d->p->lists[2].at[0]), NULL};
            VONK_TRY(vonk__ds_cast(d, value_of(values->at[v]), sides[0]->type, &sides[1]));
            VONK_TRY(vonk_ex_function(d->a->budget, d->a->env, VONK_STR("<=>"), sides, 2, &rows.condition, d->err));
            VONK_TRY(vonk__ds_keep(d, rows.condition));
            VONK_TRY(vonk_expr_rewrite(d->a->budget, value_of(aggs->at[i]), filter_aggregate, &rows, &e, d->err));
            VONK_TRY(vonk__ds_keep(d, e));
            VONK_TRY(result_name(d, values->at[v], aggs->at[i], aggs->n > 1, &name));
            VONK_TRY(vonk__ds_alias(d, e, vonk_buf_str(&name), &e));
            VONK_TRY(vonk__ds_push(d, &out, e));
        }
    return vonk_pn_aggregate(d->a->budget, d->child, keys.at, (uint32_t)keys.n, out.at, (uint32_t)out.n, ret, d->err);
}

vonk_status vonk__ds_pivot(vonk__ds *d, const vonk_plan **ret)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *first = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    const vonk_expr_list *aggs = &d->p->lists[1];
    vonk__ds_list values = {0}, given_keys = {0}, keys = {0}, lower = {0}, upper_keys = {0}, upper = {0}, results = {0};
    const vonk_expr *pivot = NULL;

    vonk_buf_init(&name, d->a->budget, SIZE_MAX);
    for (uint32_t i = 0; i < aggs->n; i++)
        if (vonk_expr_any(aggs->at[i], VONK_EX_BIT(VONK_EX_PYTHON), is_python_aggregate))
            return VONK_FAIL(d->err, VONK_E_UNSUPPORTED_FEATURE__PANDAS_UDAF_IN_PIVOT);
    VONK_TRY(check_pivot(d, value_of(d->p->lists[2].at[0])));
    VONK_TRY(d->p->n_lists > 3 && d->p->lists[3].n > 0 ? given_values(d, &values) : found_values(d, &values));
    VONK_TRY(pivot_keys(d, &given_keys));
    for (uint32_t i = 0; i < aggs->n; i++)
        if (!is_pivot_type(aggs->at[i]->type)) return aggregate_once(d, &given_keys, &values, ret);
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
    VONK_TRY(vonk_pn_aggregate(d->a->budget, d->child, keys.at, (uint32_t)keys.n, lower.at, (uint32_t)lower.n, &first,
                               d->err));
    for (size_t v = 0; v < values.n; v++)
        for (uint32_t i = 0; i < aggs->n; i++) {
            const vonk_expr *e = NULL;
            VONK_TRY(picked(d, results.at[i], pivot, values.at[v], &e));
            VONK_TRY(result_name(d, values.at[v], aggs->at[i], aggs->n > 1, &name));
            VONK_TRY(vonk__ds_alias(d, e, vonk_buf_str(&name), &e));
            VONK_TRY(vonk__ds_push(d, &upper, e));
        }
    return vonk_pn_aggregate(d->a->budget, first, upper_keys.at, (uint32_t)upper_keys.n, upper.at, (uint32_t)upper.n,
                             ret, d->err);
}
