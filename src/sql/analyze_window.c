/* sql/analyze_window.c -- OVER: window functions and their frames; in a select list they are computed by WINDOW nodes below. */
#include "func/coerce.h"
#include "plan/program.h"
#include "sql/analyze.h"

static bool is_window_function(const vonk_expr *e)
{
    return e->kind == VONK_EX_FUNCTION && (e->fn->kind == VONK_FN_WINDOW || e->fn->kind == VONK_FN_AGGREGATE);
}

static vonk_status frame_failed(vonk_an *an, const vonk_expr *window, vonk_errclass cls, const vonk_expr *order,
                                vonk_error *err)
{
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, window, &sql, err));
    if (cls == VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_INVALID_TYPE)
        return VONK_EXPR_FAIL(window, err, cls, "sqlExpr", sql, "orderSpecType", VONK_TYPE_SQL(order->type),
                              "valueBoundaryType", "\"INT\"");
    return VONK_EXPR_FAIL(window, err, cls, "sqlExpr", sql);
}

/* Bounds in values need one order column to which they can be added; they get its type. */
static vonk_status check_range(vonk_an *an, const vonk_expr *window, const vonk_expr **children, vonk_error *err)
{
    const vonk_frame *f = &window->frame;
    uint32_t bounds = 1 + window->n_partition + window->n_order;
    if (!f->given || f->rows) return VONK_OK;
    bool values = f->lower == VONK_FRAME_VALUE || f->upper == VONK_FRAME_VALUE;
    if (window->n_order == 0)
        return values ? frame_failed(an, window, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_WITHOUT_ORDER, NULL, err)
                      : VONK_OK;
    if (!values) return VONK_OK;
    if (window->n_order > 1)
        return frame_failed(an, window, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_MULTI_ORDER, NULL, err);
    const vonk_expr *order = children[1 + window->n_partition]->children[0];
    for (uint32_t i = bounds; i < window->n_children; i++) {
        const vonk_type *t = children[i]->type;
        bool interval = t->id == VONK_T_INTERVAL_CALENDAR || t->id == VONK_T_INTERVAL_DAY_TIME ||
                        t->id == VONK_T_INTERVAL_YEAR_MONTH;
        bool time = vonk_type_is_datetime(order->type);
        if (time && (interval || (order->type->id == VONK_T_DATE && vonk_type_is_integral(t)))) continue;
        if (time || !vonk_coerce_implicit(t, order->type, an->ansi)) {
            if (!time && vonk_type_is_numeric(t) && vonk_type_is_numeric(order->type)) {
                VONK_TRY(vonk__an_cast(an, children[i], order->type, &children[i], err));
                continue;
            }
            return frame_failed(an, window, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_INVALID_TYPE, order, err);
        }
        VONK_TRY(vonk__an_cast(an, children[i], order->type, &children[i], err));
    }
    return VONK_OK;
}

/* ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING holds no row, and is not what was meant. */
static vonk_status check_bounds(vonk_an *an, const vonk_expr *window, const vonk_expr *const *children, vonk_error *err)
{
    const vonk_frame *f = &window->frame;
    const vonk_expr *const *bounds = children + 1 + window->n_partition + window->n_order;
    int64_t values[2];
    if (!f->given || f->lower != VONK_FRAME_VALUE || f->upper != VONK_FRAME_VALUE) return VONK_OK;
    for (int i = 0; i < 2; i++) {
        VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
        if (!vonk_type_is_integral(bounds[i]->type) || !vonk_expr_is_foldable(bounds[i])) return VONK_OK;
        VONK_TRY(vonk_program_fold(an->budget, an->api->env, bounds[i], &value, err));
        if (vonk_column_is_null(value, 0)) return VONK_OK;
        values[i] = vonk_column_i64(value, 0);
    }
    if (values[0] <= values[1]) return VONK_OK;
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, window, &sql, err));
    return VONK_EXPR_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON, "sqlExpr", sql,
                          "comparison", "less than or equal");
}

static vonk_status check_function(vonk_an *an, const vonk_expr *window, const vonk_expr *function, vonk_error *err)
{
    const char *sql;
    if (!is_window_function(function)) {
        VONK_TRY(vonk__an_quoted_sql(an, function, &sql, err));
        return VONK_EXPR_FAIL(function, err, VONK_E_UNSUPPORTED_EXPR_FOR_WINDOW, "sqlExpr", sql);
    }
    if (vonk_expr_has(function, VONK_EXF_DISTINCT)) {
        VONK_TRY(vonk__an_quoted_sql(an, window, &sql, err));
        return VONK_EXPR_FAIL(window, err, VONK_E_DISTINCT_WINDOW_FUNCTION_UNSUPPORTED, "windowExpr", sql);
    }
    if (function->fn->kind != VONK_FN_WINDOW || window->n_order > 0) return VONK_OK;
    vonk_str text;
    VONK_TRY(vonk__an_sql(an, function, &text, err));
    return VONK_FAIL(err, VONK_E_WINDOW_FUNCTION_FRAME_NOT_ORDERED, "wf_name", function->fn->name, "wf_expr", VONK_S(text));
}

vonk_status vonk__an_window(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                            vonk_error *err)
{
    vonk_exprs children = {0};
    const vonk_expr *function;
    vonk_expr *copy;
    if (e->name.len)
        return VONK_EXPR_FAIL(e, err, VONK_E_MISSING_WINDOW_SPECIFICATION, "windowName", VONK_S(e->name), "docroot",
                              "https://spark.apache.org/docs/latest");
    vonk_scope inner = *scope;
    inner.is_window = true;
    VONK_TRY(vonk__an_expr(an, &inner, e->children[0], &function, err));
    while (function->kind == VONK_EX_ALIAS) function = function->children[0];
    VONK_TRY(VONK_AN_PUSH(an, &children, function, err));
    for (uint32_t i = 1; i < e->n_children; i++) {
        const vonk_expr *c;
        inner.is_window = false;
        VONK_TRY(vonk__an_expr(an, &inner, e->children[i], &c, err));
        while (c->kind == VONK_EX_ALIAS) c = c->children[0];
        VONK_TRY(VONK_AN_PUSH(an, &children, c, err));
    }
    VONK_TRY(vonk__an_copy(an, e, children.at, vonk_u32_of(children.n), &copy, err));
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    VONK_TRY(check_function(an, *ret, function, err));
    VONK_TRY(check_range(an, *ret, children.at, err));
    VONK_TRY(check_bounds(an, *ret, children.at, err));
    VONK_TRY(vonk__an_copy(an, e, children.at, vonk_u32_of(children.n), &copy, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* ---- in a select list */

/* Window expressions with the same partitioning and order are computed together. */
typedef struct window_group {
    const vonk_expr *like;
    vonk_exprs aliases;
} window_group;

typedef struct windows {
    vonk_an *an;
    VONK_VEC(window_group) groups;
    uint32_t n;
} windows;

static bool same_window(const vonk_expr *a, const vonk_expr *b)
{
    if (a->n_partition != b->n_partition || a->n_order != b->n_order) return false;
    for (uint32_t i = 1; i <= a->n_partition + a->n_order; i++)
        if (!vonk_expr_equal(a->children[i], b->children[i])) return false;
    return true;
}

static vonk_status take_window(windows *w, const vonk_expr *window, const vonk_expr **ret, vonk_error *err)
{
    window_group *group = NULL;
    for (size_t i = 0; i < w->groups.n && !group; i++)
        if (same_window(w->groups.at[i].like, window)) group = &w->groups.at[i];
    if (!group) {
        window_group fresh = {.like = window};
        VONK_TRY(VONK_AN_PUSH(w->an, &w->groups, fresh, err));
        group = &w->groups.at[w->groups.n - 1];
    }
    const vonk_expr *alias = NULL;
    for (size_t i = 0; i < group->aliases.n && !alias; i++)
        if (vonk_expr_equal(group->aliases.at[i]->children[0], window)) alias = group->aliases.at[i];
    if (!alias) {
        vonk_str name;
        VONK_TRY(vonk_arena_printf(w->an->arena, &name, err, "_we%u", w->n++));
        VONK_TRY(vonk__an_alias(w->an, window, name, &alias, err));
        VONK_TRY(VONK_AN_PUSH(w->an, &group->aliases, alias, err));
    }
    return vonk__an_column_of(w->an, alias, ret, err);
}

static vonk_status replace_window(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    windows *w = arg;
    if (e->kind != VONK_EX_WINDOW) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    const vonk_expr *kept, *column;
    VONK_TRY(vonk__an_keep(w->an, vonk_expr_ref(e), &kept, err));
    VONK_TRY(take_window(w, kept, &column, err));
    *ret = vonk_expr_ref(column);
    return VONK_OK;
}

static vonk_status window_node(vonk_an *an, const vonk_plan *child, const window_group *group, const vonk_plan **ret,
                               vonk_error *err)
{
    vonk_plan *p;
    const vonk_expr *w = group->like;
    VONK_TRY(vonk__an_node(an, VONK_PN_WINDOW, &child, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, group->aliases.at, vonk_u32_of(group->aliases.n), err));
    VONK_TRY(vonk_plan_set_list(p, 1, w->children + 1, w->n_partition, err));
    VONK_TRY(vonk_plan_set_list(p, 2, w->children + 1 + w->n_partition, w->n_order, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_extract_windows(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items,
                                     const vonk_plan **ret, vonk_error *err)
{
    windows w = {.an = an};
    vonk_exprs next = {0};
    bool any = false;
    *ret = child;
    for (size_t i = 0; i < inout_items->n && !any; i++) any = vonk_expr_has_window(inout_items->at[i]);
    if (!any) return VONK_OK;
    for (size_t i = 0; i < inout_items->n; i++) {
        const vonk_expr *made, *kept;
        VONK_TRY(vonk_expr_rewrite(an->budget, inout_items->at[i], replace_window, &w, &made, err));
        VONK_TRY(vonk__an_keep(an, made, &kept, err));
        VONK_TRY(VONK_AN_PUSH(an, &next, kept, err));
    }
    for (size_t i = 0; i < w.groups.n; i++) VONK_TRY(window_node(an, *ret, &w.groups.at[i], ret, err));
    *inout_items = next;
    return VONK_OK;
}
