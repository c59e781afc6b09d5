/* sql/analyze_window.c -- OVER: window functions and their frames; in a select list they are computed by WINDOW nodes
 * below. */
#include "func/coerce.h"
#include "plan/origin.h"
#include "plan/program.h"
#include "sql/analyze.h"

static bool is_window_function(const vonk_expr *e)
{
    return e->kind == VONK_EX_FUNCTION && (e->fn->kind == VONK_FN_WINDOW || e->fn->kind == VONK_FN_AGGREGATE);
}

/* ---- frames */

/* The place is the specification's, behind OVER. */
static vonk_status spec_failed(const vonk_expr *window, vonk_status status, vonk_error *err)
{
    vonk_origin origin = window->origin;
    vonk_query_context context;
    if (window->frame.stop > 0) {
        origin.start = window->frame.start;
        origin.stop = window->frame.stop;
    }
    if (vonk_origin_context(&origin, &context)) vonk_error_add_context(err, &context);
    return status;
}
#define SPEC_FAIL(window, err, cls, ...) spec_failed((window), VONK_FAIL((err), (cls), ##__VA_ARGS__), (err))

/* Parts of a window's text: what stands behind OVER, and the frame in it. */
static vonk_status spec_text(vonk_an *an, const vonk_expr *window, bool frame_only, const char **ret, vonk_error *err)
{
    static const char *const starts[] = {"ROWS BETWEEN ", "RANGE BETWEEN "};
    vonk_str function, whole, quoted;
    VONK_TRY(vonk__an_sql(an, window->children[0], &function, err));
    VONK_TRY(vonk__an_sql(an, window, &whole, err));
    size_t from = function.len + strlen(" OVER "), to = whole.len, inner = from;
    const char *start = starts[!window->frame.rows];
    for (size_t at = from; frame_only && at + strlen(start) < whole.len; at++)
        if (memcmp(whole.data + at, start, strlen(start)) == 0) inner = at;
    if (frame_only) to--;
    VONK_TRY(vonk_arena_printf(an->arena, &quoted, err, "\"%.*s\"", (int)(to - inner), whole.data + inner));
    *ret = quoted.data;
    return VONK_OK;
}

/* Can values of this type be added to the order's? They have its type, or are intervals. */
static bool fits_order(const vonk_type *order, const vonk_type *t)
{
    if (order->id == VONK_T_DATE)
        return t->id == VONK_T_INT || t->id == VONK_T_INTERVAL_YEAR_MONTH ||
               (t->id == VONK_T_INTERVAL_DAY_TIME && t->first == t->last && t->first == VONK_DAY);
    if (vonk_type_is_datetime(order)) return vonk_type_is_interval(t);
    return vonk_type_same(order, t);
}

/* RANGE: bounds get the order's type where there is a cast, as in Spark. */
static vonk_status cast_bounds(vonk_an *an, const vonk_expr *window, const vonk_expr **children, vonk_error *err)
{
    const vonk_expr *order = children[1 + window->n_partition]->children[0];
    if (window->frame.rows || window->n_order != 1 || vonk_type_is_datetime(order->type)) return VONK_OK;
    for (uint32_t i = 1 + window->n_partition + window->n_order; i < window->n_children; i++) {
        if (vonk_type_same(children[i]->type, order->type) ||
            !vonk_coerce_can_cast(children[i]->type, order->type, an->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY))
            continue;
        VONK_TRY(vonk__an_cast(an, children[i], order->type, &children[i], err));
    }
    return VONK_OK;
}

static vonk_status check_bound(vonk_an *an, const vonk_expr *window, const vonk_expr *bound, bool upper,
                               vonk_error *err)
{
    bool rows = window->frame.rows;
    const char *frame, *sql, *location = upper ? "upper" : "lower";
    bool takes =
        rows ? bound->type->id == VONK_T_INT : vonk_type_is_numeric(bound->type) || vonk_type_is_interval(bound->type);
    if (takes && vonk_expr_is_foldable(bound)) return VONK_OK;
    VONK_TRY(spec_text(an, window, true, &frame, err));
    VONK_TRY(vonk__an_quoted_sql(an, bound, &sql, err));
    if (!vonk_expr_is_foldable(bound))
        return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE, "sqlExpr",
                         frame, "location", location, "expression", sql);
    return SPEC_FAIL(
        window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE, "sqlExpr", frame, "location",
        location, "exprType", VONK_TYPE_SQL(bound->type), "expectedType",
        rows ? "\"INT\"" : "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")");
}

static vonk_status bound_sql(vonk_an *an, vonk_bound_kind kind, bool upper, const vonk_expr *bound, const char **ret,
                             vonk_error *err)
{
    static const char *const ends[] = {"\"UNBOUNDED PRECEDING\"", "\"UNBOUNDED FOLLOWING\""};
    if (bound) return vonk__an_quoted_sql(an, bound, ret, err);
    *ret = kind == VONK_FRAME_CURRENT ? "\"CURRENT ROW\"" : ends[upper == (kind == VONK_FRAME_UNBOUNDED)];
    return VONK_OK;
}

static vonk_status is_behind(vonk_an *an, const vonk_expr *lower, const vonk_expr *upper, bool *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *a = NULL, *b = NULL;
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, lower, &a, err));
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, upper, &b, err));
    *ret = !vonk_column_is_null(a, 0) && !vonk_column_is_null(b, 0) && vonk_column_row_compare(a, 0, b, 0) > 0;
    return VONK_OK;
}

/* Both ends together. */
static vonk_status check_ends(vonk_an *an, const vonk_expr *window, const vonk_expr *lower, const vonk_expr *upper,
                              vonk_error *err)
{
    const vonk_frame *f = &window->frame;
    const char *frame, *low, *high;
    bool behind = false, wrong = f->lower == VONK_FRAME_WRONG_END || f->upper == VONK_FRAME_WRONG_END;
    bool differ = lower && upper && !vonk_type_same(lower->type, upper->type);
    if (lower && upper && !differ && !wrong) VONK_TRY(is_behind(an, lower, upper, &behind, err));
    if (!wrong && !differ && !behind) return VONK_OK;
    VONK_TRY(spec_text(an, window, true, &frame, err));
    VONK_TRY(bound_sql(an, f->lower, false, lower, &low, err));
    VONK_TRY(bound_sql(an, f->upper, true, upper, &high, err));
    if (wrong)
        return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_INVALID_BOUND, "sqlExpr", frame,
                         "upper", high, "lower", low);
    if (differ)
        return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_DIFF_TYPES, "sqlExpr", frame,
                         "lower", low, "upper", high, "lowerType", VONK_TYPE_SQL(lower->type), "upperType",
                         VONK_TYPE_SQL(upper->type));
    return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON, "sqlExpr", frame,
                     "comparison", "less than or equal");
}

/* Bounds in values need one order column to which they can be added. */
static vonk_status check_range(vonk_an *an, const vonk_expr *window, vonk_error *err)
{
    const vonk_frame *f = &window->frame;
    const vonk_expr *const *orders = window->children + 1 + window->n_partition;
    bool values = f->lower == VONK_FRAME_VALUE || f->upper == VONK_FRAME_VALUE;
    bool unbounded = f->lower == VONK_FRAME_UNBOUNDED && f->upper == VONK_FRAME_UNBOUNDED;
    const char *spec;
    if (f->rows || (window->n_order > 0 && !values) || (window->n_order == 0 && unbounded)) return VONK_OK;
    VONK_TRY(spec_text(an, window, false, &spec, err));
    if (window->n_order == 0)
        return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_WITHOUT_ORDER, "sqlExpr", spec);
    if (window->n_order > 1) {
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        vonk_buf_init(&text, an->budget, SIZE_MAX);
        for (uint32_t i = 0; i < window->n_order; i++) {
            if (i) VONK_TRY(vonk_buf_add_byte(&text, ',', err));
            VONK_TRY(vonk_expr_explain(orders[i], &text, err));
        }
        VONK_TRY(vonk_buf_add_byte(&text, 0, err));
        return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_MULTI_ORDER, "sqlExpr", spec, "orderSpec",
                         text.data);
    }
    const vonk_type *order = orders[0]->children[0]->type, *t = orders[1]->type;
    if (fits_order(order, t)) return VONK_OK;
    return SPEC_FAIL(window, err, VONK_E_DATATYPE_MISMATCH__RANGE_FRAME_INVALID_TYPE, "sqlExpr", spec, "orderSpecType",
                     VONK_TYPE_SQL(order), "valueBoundaryType", VONK_TYPE_SQL(t));
}

static vonk_status check_frame(vonk_an *an, const vonk_expr *window, vonk_error *err)
{
    const vonk_frame *f = &window->frame;
    const vonk_expr *const *bound = window->children + 1 + window->n_partition + window->n_order;
    const vonk_expr *lower = f->lower == VONK_FRAME_VALUE ? *bound++ : NULL;
    const vonk_expr *upper = f->upper == VONK_FRAME_VALUE ? *bound : NULL;
    if (!f->given) return VONK_OK;
    if (lower) VONK_TRY(check_bound(an, window, lower, false, err));
    if (upper) VONK_TRY(check_bound(an, window, upper, true, err));
    VONK_TRY(check_ends(an, window, lower, upper, err));
    return check_range(an, window, err);
}

/* Functions that have a frame of their own. */
static vonk_status check_own_frame(const vonk_expr *window, const vonk_expr *function, vonk_error *err)
{
    const char *name = function->fn->name;
    const vonk_frame *f = &window->frame;
    bool cume = strcmp(name, "cume_dist") == 0;
    if (function->fn->kind != VONK_FN_WINDOW || strcmp(name, "nth_value") == 0) return VONK_OK;
    if (strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0) {
        const bool is_number = function->n_args < 2 || function->children[1]->type->id == VONK_T_INT;
        return f->given || !is_number ? VONK_EXPR_FAIL(window, err, VONK_E__LEGACY_ERROR_TEMP_1035, "prettyName", name)
                                      : VONK_OK;
    }
    if (!f->given || (f->rows == !cume && f->lower == VONK_FRAME_UNBOUNDED && f->upper == VONK_FRAME_CURRENT))
        return VONK_OK;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_budget_root(), 65536);
    VONK_TRY(vonk_expr_explain(window, &text, err));
    VONK_TRY(vonk_buf_add_byte(&text, 0, err));
    char *frame = strstr(text.data, "specifiedwindowframe(");
    for (char *next; frame && (next = strstr(frame + 1, "specifiedwindowframe(")); frame = next) {
    }
    if (frame) frame[strlen(frame) - 1] = 0;
    return VONK_EXPR_FAIL(window, err, VONK_E__LEGACY_ERROR_TEMP_1036, "wf", frame ? frame : text.data, "required",
                          cume ? "specifiedwindowframe(RangeFrame, unboundedpreceding$(), currentrow$())"
                               : "specifiedwindowframe(RowFrame, unboundedpreceding$(), currentrow$())");
}

/* ---- functions */

static bool is_python_window(const vonk_expr *e)
{
    return e->kind == VONK_EX_PYTHON && e->python->role == VONK_PY_ROLE_AGGREGATE;
}

static vonk_status no_function(vonk_an *an, const vonk_expr *function, vonk_error *err)
{
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, function, &sql, err));
    return VONK_EXPR_FAIL(function, err, VONK_E_UNSUPPORTED_EXPR_FOR_WINDOW, "sqlExpr", sql);
}

static vonk_status check_function(vonk_an *an, const vonk_expr *window, const vonk_expr *function, vonk_error *err)
{
    const char *sql;
    if (vonk_expr_has(function, VONK_EXF_DISTINCT)) {
        VONK_TRY(vonk__an_quoted_sql(an, window, &sql, err));
        return VONK_EXPR_FAIL(window, err, VONK_E_DISTINCT_WINDOW_FUNCTION_UNSUPPORTED, "windowExpr", sql);
    }
    if (strcmp(function->fn->name, "median") == 0 && (window->n_order > 0 || window->frame.given)) {
        VONK_TRY(vonk__an_quoted_sql(an, function, &sql, err));
        return VONK_EXPR_FAIL(window, err, VONK_E_INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC, "aggFunc", sql);
    }
    if (function->fn->kind != VONK_FN_WINDOW || window->n_order > 0) return VONK_OK;
    vonk_str text;
    VONK_TRY(vonk__an_sql(an, function, &text, err));
    return VONK_FAIL(err, VONK_E_WINDOW_FUNCTION_FRAME_NOT_ORDERED, "wf_name", function->fn->name, "wf_expr",
                     VONK_S(text));
}

/* Unlike GROUP BY, PARTITION BY takes no maps. */
static vonk_status check_partition(vonk_an *an, const vonk_expr *key, const vonk_expr *written, vonk_error *err)
{
    const char *sql;
    if (key->type->id == VONK_T_NULL || vonk_type_is_orderable(key->type)) return VONK_OK;
    VONK_TRY(vonk__an_quoted_sql(an, key, &sql, err));
    return VONK_EXPR_FAIL(written, err, VONK_E_EXPRESSION_TYPE_IS_NOT_ORDERABLE, "expr", sql, "exprType",
                          VONK_TYPE_SQL(key->type));
}

/* The caller checks it or refuses it. */
static vonk_status window_over(vonk_an *an, const vonk_expr *e, const vonk_exprs *children, const vonk_expr **ret,
                               vonk_error *err)
{
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, e, children->at, vonk_u32_of(children->n), &copy, err));
    copy->flags |= VONK_EXF_CHECKED;
    return vonk__an_finish(an, copy, ret, err);
}

vonk_status vonk__an_window(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                            vonk_error *err)
{
    vonk_exprs children = {0};
    const vonk_expr *function;
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
        if (i <= e->n_partition) VONK_TRY(check_partition(an, c, e->children[i], err));
        VONK_TRY(VONK_AN_PUSH(an, &children, c, err));
    }
    VONK_TRY(window_over(an, e, &children, ret, err));
    if (is_window_function(function)) {
        VONK_TRY(check_function(an, *ret, function, err));
        VONK_TRY(check_own_frame(*ret, function, err));
    }
    if (e->n_order == 1 && e->frame.given) {
        VONK_TRY(cast_bounds(an, *ret, children.at, err));
        VONK_TRY(window_over(an, e, &children, ret, err));
    }
    VONK_TRY(check_frame(an, *ret, err));
    return is_window_function(function) || is_python_window(function) ? VONK_OK : no_function(an, function, err);
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
    if (is_python_window(a->children[0]) != is_python_window(b->children[0])) return false;
    for (uint32_t i = 1; i <= a->n_partition + a->n_order; i++)
        if (!vonk_expr_equal(a->children[i], b->children[i])) return false;
    return true;
}

static vonk_walk stop_at_alias(const vonk_expr *e, void *arg)
{
    const window_group *group = arg;
    for (size_t i = 0; e->kind == VONK_EX_COLUMN && i < group->aliases.n; i++)
        if (group->aliases.at[i]->id == e->id) return VONK_WALK_STOP;
    return VONK_WALK_ON;
}

/* Windows in a window: the first group that comes after all that it takes columns of. */
static size_t first_group(windows *w, const vonk_expr *window)
{
    size_t first = 0;
    for (size_t i = 0; i < w->groups.n; i++)
        if (!vonk_expr_walk(window, stop_at_alias, &w->groups.at[i])) first = i + 1;
    return first;
}

static vonk_status take_window(windows *w, const vonk_expr *window, const vonk_expr **ret, vonk_error *err)
{
    window_group *group = NULL;
    for (size_t i = first_group(w, window); i < w->groups.n && !group; i++)
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

/* Partition expressions that are no constants. */
static uint32_t partition_of(const vonk_expr *window, const vonk_expr **ret, uint32_t room)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= window->n_partition && n < room; i++)
        if (!vonk_expr_is_foldable(window->children[i])) ret[n++] = window->children[i];
    return n;
}

/* Does `above` partition by fewer expressions, all of them among the first ones of `below`, and take nothing of it? */
static bool goes_below(const window_group *above, window_group *below)
{
    const vonk_expr *a[16], *b[16];
    uint32_t n_a = partition_of(above->like, a, 16), n_b = partition_of(below->like, b, 16), found = 0;
    if (n_a >= n_b) return false;
    for (uint32_t i = 0; i < n_a; i++)
        for (uint32_t k = 0; k < n_a; k++)
            if (vonk_expr_equal(a[i], b[k])) {
                found++;
                break;
            }
    for (size_t i = 0; i < above->aliases.n; i++)
        if (!vonk_expr_is_deterministic(above->aliases.at[i]) ||
            !vonk_expr_walk(above->aliases.at[i], stop_at_alias, below))
            return false;
    return found == n_a;
}

/* Spark computes coarser windows first: it can be seen in the order of rows. */
static void order_groups(windows *w)
{
    for (size_t i = 1; i < w->groups.n; i++) {
        for (size_t k = i; k > 0 && goes_below(&w->groups.at[k], &w->groups.at[k - 1]); k--) {
            window_group moved = w->groups.at[k];
            w->groups.at[k] = w->groups.at[k - 1];
            w->groups.at[k - 1] = moved;
        }
    }
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
    order_groups(&w);
    for (size_t i = 0; i < w.groups.n; i++) VONK_TRY(window_node(an, *ret, &w.groups.at[i], ret, err));
    *inout_items = next;
    return VONK_OK;
}
