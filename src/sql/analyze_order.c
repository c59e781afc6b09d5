/* sql/analyze_order.c -- nodes that pass rows on: FILTER (WHERE, HAVING, QUALIFY), SORT, LIMIT, OFFSET, REPARTITION,
 * DISTINCT. */
#include "plan/program.h"
#include "sql/analyze.h"

enum { IS_HAVING = 1, IS_QUALIFY = 2 }; /* number of a FILTER */

/* ---- WHERE, HAVING, QUALIFY */

static vonk_walk find_aggregate(const vonk_expr *e, void *arg)
{
    if (e->kind == VONK_EX_WINDOW) return VONK_WALK_SKIP;
    if (!vonk__an_is_aggregate(e)) return VONK_WALK_ON;
    *(const vonk_expr **)arg = e;
    return VONK_WALK_STOP;
}

static vonk_status check_where(vonk_an *an, const vonk_plan *p, const vonk_expr *condition, vonk_error *err)
{
    const vonk_expr *aggregate = NULL;
    const char *sql;
    vonk_str text;
    if (vonk_expr_has_window(condition))
        return VONK_FAIL(err, VONK_E_WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE, "clauseName", "WHERE");
    vonk_expr_walk(condition, find_aggregate, (void *)&aggregate);
    if (!aggregate && !vonk_expr_has_generator(condition)) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, condition, &sql, err));
    VONK_TRY(vonk__an_sql(an, aggregate ? aggregate : condition, &text, err));
    return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_WHERE_CONDITION, "condition", sql, "expressionList", VONK_S(text));
}

/* Windows of the condition are computed below the filter. */
static vonk_status filter_over(vonk_an *an, const vonk_plan *child, const vonk_expr *condition, const vonk_plan **ret,
                               vonk_error *err)
{
    vonk_exprs one = {0};
    VONK_TRY(VONK_AN_PUSH(an, &one, condition, err));
    VONK_TRY(vonk__an_extract_windows(an, child, &one, &child, err));
    return vonk__an_filter(an, child, one.at[0], ret, err);
}

vonk_status vonk__an_filter_rows(vonk_an *an, const vonk_plan *p, const vonk_plan *child, const vonk_scope *outer,
                                 const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *extended, *origin = an->origin;
    const vonk_expr *condition;
    vonk_above above;
    vonk_grouping_sets grouping;
    bool has_sets;
    vonk__an_above_init(&above, child);
    VONK_TRY(vonk__an_above_grouping(an, &above, &grouping, &has_sets, err));
    vonk_scope scope = {
        .inputs = &child, .n_inputs = 1, .outer = outer, .above = &above, .grouping = has_sets ? &grouping : NULL};
    an->origin = p;
    VONK_TRY(vonk__an_condition(an, &scope, p, p->lists[0].at[0], &condition, err));
    VONK_TRY(vonk__an_check_above(an, &above, condition, p->lists[0].at[0], err));
    an->origin = origin;
    if (p->number != IS_QUALIFY) VONK_TRY(check_where(an, p, condition, err));
    VONK_TRY(vonk__an_above_plan(an, &above, &extended, err));
    VONK_TRY(vonk__an_expose(an, extended, &condition, 1, &extended, err));
    VONK_TRY(filter_over(an, extended, condition, ret, err));
    return vonk__an_drop_extra(an, *ret, child, ret, err);
}

vonk_status vonk__an_filter_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                 vonk_error *err)
{
    const vonk_plan *child;
    if (p->number == IS_HAVING) return vonk__an_having(an, p, outer, ret, err);
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    return vonk__an_filter_rows(an, p, child, outer, ret, err);
}

/* ---- SORT */

static bool is_ordinal(const vonk_an *an, const vonk_expr *sort, int64_t *ret)
{
    const vonk_expr *e = sort->children[0];
    if (e->kind != VONK_EX_LITERAL || e->type->id != VONK_T_INT || vonk_column_is_null(e->value, 0)) return false;
    *ret = vonk_column_i64(e->value, 0);
    return vonk_conf_bool(an->conf, "spark.sql.orderByOrdinal");
}

static vonk_status ordinal_sort(vonk_an *an, const vonk_plan *child, const vonk_expr *sort, int64_t ordinal,
                                const vonk_expr **ret, vonk_error *err)
{
    if (ordinal < 1 || ordinal > (int64_t)child->n_output)
        return VONK_EXPR_FAIL(sort->children[0], err, VONK_E_ORDER_BY_POS_OUT_OF_RANGE, "index",
                              VONK_F("%lld", (long long)ordinal), "size", VONK_F("%u", child->n_output));
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, sort, &child->output[ordinal - 1], 1, &copy, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* ORDER BY ALL: every column, in the direction that was written. */
static vonk_status sort_by_all(vonk_an *an, const vonk_plan *child, const vonk_expr *sort, bool *ret_done,
                               vonk_exprs *ret, vonk_error *err)
{
    const vonk_expr *name = sort->children[0], *found;
    *ret_done = false;
    if (name->kind != VONK_EX_NAME || name->n_parts != 1 || !vonk_str_is_nocase(name->parts[0], "all")) return VONK_OK;
    VONK_TRY(vonk__an_lookup(an, &child, 1, name, &found, err));
    if (found) return VONK_OK;
    *ret_done = true;
    for (uint32_t i = 0; i < child->n_output; i++) {
        vonk_expr *copy;
        const vonk_expr *one;
        VONK_TRY(vonk__an_copy(an, sort, &child->output[i], 1, &copy, err));
        VONK_TRY(vonk__an_finish(an, copy, &one, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, one, err));
    }
    return VONK_OK;
}

/* Aggregate functions need an aggregation below. */
static vonk_status check_sort(vonk_an *an, const vonk_plan *p, const vonk_expr *e, vonk_error *err)
{
    const vonk_expr *aggregate = NULL;
    const char *sql;
    vonk_expr_walk(e, find_aggregate, (void *)&aggregate);
    if (!aggregate) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, aggregate, &sql, err));
    return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Sort", "invalidExprSqls", sql);
}

typedef struct windows {
    vonk_an *an;
    vonk_str shown;
    vonk_status st;
    vonk_error *err;
} windows;

static vonk_walk list_window(const vonk_expr *e, void *arg)
{
    windows *w = arg;
    const char *sql;
    if (e->kind != VONK_EX_WINDOW) return VONK_WALK_ON;
    w->st = vonk__an_quoted_sql(w->an, e, &sql, w->err);
    if (w->st == VONK_OK)
        w->st = vonk_arena_printf(w->an->arena, &w->shown, w->err, "%.*s%s%s", VONK_STR_ARGS(w->shown),
                                  w->shown.len ? ", " : "", sql);
    return w->st == VONK_OK ? VONK_WALK_SKIP : VONK_WALK_STOP;
}

/* Window functions belong into the select list; rows are ordered by their names. */
vonk_status vonk__an_check_windows(vonk_an *an, const vonk_plan *p, const char *operator, const vonk_exprs * by,
                                   vonk_error *err)
{
    windows w = {.an = an, .shown = VONK_STR(""), .err = err};
    for (size_t i = 0; i < by->n && w.st == VONK_OK; i++)
        if (vonk_expr_has_window(by->at[i])) vonk_expr_walk(by->at[i], list_window, &w);
    VONK_TRY(w.st);
    if (w.shown.len == 0) return VONK_OK;
    return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", operator, "invalidExprSqls",
                          VONK_S(w.shown));
}

static vonk_status sort_orders(vonk_an *an, const vonk_scope *scope, const vonk_plan *p, const vonk_plan *child,
                               vonk_exprs *ret, vonk_error *err)
{
    bool all = false;
    if (p->lists[0].n == 1) VONK_TRY(sort_by_all(an, child, p->lists[0].at[0], &all, ret, err));
    for (uint32_t i = 0; !all && i < p->lists[0].n; i++) {
        const vonk_expr *written = p->lists[0].at[i], *e, *as_sort = written;
        int64_t ordinal;
        if (written->kind != VONK_EX_SORT) {
            const vonk_expr *made;
            VONK_TRY(vonk_ex_sort(an->budget, written, false, false, &made, err));
            VONK_TRY(vonk__an_keep(an, made, &as_sort, err));
        }
        VONK_TRY(vonk__an_refuse_stars(as_sort->children, 1, "Sort", err));
        if (is_ordinal(an, as_sort, &ordinal))
            VONK_TRY(ordinal_sort(an, child, as_sort, ordinal, &e, err));
        else
            VONK_TRY(vonk__an_expr(an, scope, as_sort, &e, err));
        if (!scope->above->aggregate && vonk_expr_has_aggregate(e)) VONK_TRY(check_sort(an, p, e, err));
        VONK_TRY(vonk__an_check_above(an, scope->above, e, as_sort->children[0], err));
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return VONK_OK;
}

vonk_status vonk__an_sort_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                               vonk_error *err)
{
    const vonk_plan *child, *below;
    vonk_above above;
    vonk_exprs orders = {0};
    vonk_grouping_sets grouping;
    bool has_sets;
    vonk_plan *sort;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    vonk__an_above_init(&above, child);
    VONK_TRY(vonk__an_above_grouping(an, &above, &grouping, &has_sets, err));
    vonk_scope scope = {
        .inputs = &child, .n_inputs = 1, .outer = outer, .above = &above, .grouping = has_sets ? &grouping : NULL};
    VONK_TRY(sort_orders(an, &scope, p, child, &orders, err));
    VONK_TRY(vonk__an_check_windows(an, p, "Sort", &orders, err));
    VONK_TRY(vonk__an_above_plan(an, &above, &below, err));
    VONK_TRY(vonk__an_expose(an, below, orders.at, orders.n, &below, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_SORT, &below, 1, &sort, err));
    VONK_TRY(vonk_plan_set_list(sort, 0, orders.at, vonk_u32_of(orders.n), err));
    sort->number = p->number;
    VONK_TRY(vonk__an_finish_node(an, sort, ret, err));
    return vonk__an_drop_extra(an, *ret, child, ret, err);
}

/* ---- LIMIT, OFFSET, TAIL */

static vonk_status count_failed(vonk_an *an, const vonk_expr *e, const char *clause, vonk_errclass cls,
                                const vonk_column *value, vonk_error *err)
{
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, e, &sql, err));
    if (cls == VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__DATA_TYPE)
        return VONK_EXPR_FAIL(e, err, cls, "name", clause, "expr", sql, "dataType", VONK_TYPE_SQL(e->type));
    if (cls == VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_NEGATIVE)
        return VONK_EXPR_FAIL(e, err, cls, "name", clause, "expr", sql, "v",
                              VONK_F("%lld", (long long)vonk_column_i64(value, 0)));
    return VONK_EXPR_FAIL(e, err, cls, "name", clause, "expr", sql);
}

/* A row count known now: 0 or more, an INT (or BIGINT for what Spark's DataFrames send). */
static vonk_status row_count(vonk_an *an, const vonk_scope *scope, const vonk_expr *written, const char *clause,
                             const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    vonk_column *value;
    VONK_TRY(vonk__an_expr(an, scope, written, &e, err));
    if (!vonk_expr_is_foldable(e))
        return count_failed(an, e, clause, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_UNFOLDABLE, NULL, err);
    if (e->type->id != VONK_T_INT && e->type->id != VONK_T_SHORT && e->type->id != VONK_T_BYTE &&
        e->type->id != VONK_T_LONG)
        return count_failed(an, e, clause, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__DATA_TYPE, NULL, err);
    if (e->kind == VONK_EX_LITERAL)
        value = vonk_column_ref(e->value);
    else
        VONK_TRY(vonk_program_fold(an->budget, an->api->env, e, &value, err));
    vonk_status st = VONK_OK;
    if (vonk_column_is_null(value, 0))
        st = count_failed(an, e, clause, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_NULL, NULL, err);
    else if (vonk_column_i64(value, 0) < 0)
        st = count_failed(an, e, clause, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_NEGATIVE, value, err);
    else
        st = vonk__an_int(an, vonk_column_i64(value, 0), e->type, ret, err);
    vonk_column_unref(value);
    return st;
}

vonk_status vonk__an_limit_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                vonk_error *err)
{
    const vonk_plan *child;
    const vonk_expr *count;
    vonk_plan *node;
    const char *clause = p->kind == VONK_PN_LIMIT ? "limit" : p->kind == VONK_PN_OFFSET ? "offset" : "tail";
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    VONK_TRY(row_count(an, &scope, p->lists[0].at[0], clause, &count, err));
    VONK_TRY(vonk__an_node(an, p->kind, &child, 1, &node, err));
    VONK_TRY(vonk_plan_set_list(node, 0, &count, 1, err));
    return vonk__an_finish_node(an, node, ret, err);
}

/* ---- REPARTITION, DISTINCT */

vonk_status vonk__an_repartition(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                 vonk_error *err)
{
    const vonk_plan *child;
    vonk_exprs by = {0};
    vonk_plan *node;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    if (p->n_lists) VONK_TRY(vonk__an_exprs(an, &scope, p->lists[0].at, p->lists[0].n, &by, err));
    VONK_TRY(vonk__an_check_windows(an, p, "RepartitionByExpression", &by, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &node, err));
    node->plan_id = -1;
    if (by.n) VONK_TRY(vonk_plan_set_list(node, 0, by.at, vonk_u32_of(by.n), err));
    return vonk__an_finish_node(an, node, ret, err);
}

vonk_status vonk__an_distinct_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                   vonk_error *err)
{
    const vonk_plan *child;
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    for (uint32_t i = 0; i < child->n_output; i++) {
        const vonk_expr *c = child->output[i];
        vonk_str quoted;
        if (!vonk_type_has(c->type, VONK_T_MAP)) continue;
        VONK_TRY(vonk__an_quote_parts(an, &c->name, 1, &quoted, err));
        return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_FEATURE__SET_OPERATION_ON_MAP_TYPE, "colName", quoted.data,
                              "dataType", VONK_TYPE_SQL(c->type));
    }
    return vonk__an_distinct(an, child, ret, err);
}
