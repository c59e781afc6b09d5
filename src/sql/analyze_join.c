/* sql/analyze_join.c -- joins: two sides with different ids, USING and NATURAL columns, LATERAL. */
#include "sql/analyze.h"

/* ---- self joins */

static bool shares_columns(const vonk_plan *left, const vonk_plan *right)
{
    for (uint32_t i = 0; i < right->n_output; i++)
        if (vonk_plan_has_column(left, right->output[i]->id)) return true;
    for (uint32_t i = 0; i < right->hidden.n; i++)
        if (vonk_plan_has_column(left, right->hidden.at[i]->id)) return true;
    for (uint32_t i = 0; i < left->hidden.n; i++)
        if (vonk_plan_has_column(right, left->hidden.at[i]->id)) return true;
    return false;
}

vonk_status vonk__an_distinct_ids(vonk_an *an, const vonk_plan *left, const vonk_plan *right, const vonk_plan **ret,
                                  vonk_error *err)
{
    const vonk_plan *fresh;
    *ret = right;
    if (!shares_columns(left, right)) return VONK_OK;
    VONK_TRY(vonk_plan_fresh_ids(an->budget, right, &fresh, err));
    return vonk__an_keep_plan(an, fresh, ret, err);
}

/* ---- USING, NATURAL */

typedef struct using_columns {
    vonk_exprs left, right; /* pairs */
    vonk_exprs terms;
} using_columns;

static vonk_status using_side(vonk_an *an, const vonk_plan *side, vonk_str name, const char *which,
                              const vonk_expr **ret, vonk_error *err)
{
    vonk_str quoted, list = VONK_STR("");
    for (uint32_t i = 0; i < side->n_output; i++)
        if (vonk__an_name_eq(an, side->output[i]->name, name)) {
            *ret = side->output[i]; /* the first, if several have it */
            return VONK_OK;
        }
    VONK_TRY(vonk__an_quote_written(an, name, &quoted, err));
    vonk_str *names;
    VONK_TRY(vonk_arena_array(an->arena, side->n_output + 1, sizeof(*names), &names, err));
    for (uint32_t i = 0; i < side->n_output; i++) {
        uint32_t at = i;
        for (; at > 0 && vonk_str_compare(names[at - 1], side->output[i]->name) > 0; at--) names[at] = names[at - 1];
        names[at] = side->output[i]->name;
    }
    for (uint32_t i = 0; i < side->n_output; i++) {
        VONK_TRY(vonk__an_quote_written(an, names[i], &names[i], err));
        VONK_TRY(vonk_arena_printf(an->arena, &list, err, "%.*s%s%.*s", VONK_STR_ARGS(list), i ? ", " : "",
                                   VONK_STR_ARGS(names[i])));
    }
    return VONK_FAIL(err, VONK_E_UNRESOLVED_USING_COLUMN_FOR_JOIN, "colName", quoted.data, "side", which, "suggestion",
                     VONK_S(list));
}

static vonk_status add_pair(vonk_an *an, const vonk_expr *left, const vonk_expr *right, using_columns *u,
                            vonk_error *err)
{
    const vonk_expr *term;
    VONK_TRY(vonk__an_equal(an, left, right, &term, err));
    VONK_TRY(VONK_AN_PUSH(an, &u->left, left, err));
    VONK_TRY(VONK_AN_PUSH(an, &u->right, right, err));
    return VONK_AN_PUSH(an, &u->terms, term, err);
}

static vonk_status collect_using(vonk_an *an, const vonk_plan *p, const vonk_plan *left, const vonk_plan *right,
                                 using_columns *u, vonk_error *err)
{
    for (uint32_t i = 0; i < p->join.n_using; i++) {
        const vonk_expr *l, *r;
        VONK_TRY(using_side(an, left, p->join.using_columns[i], "left", &l, err));
        VONK_TRY(using_side(an, right, p->join.using_columns[i], "right", &r, err));
        VONK_TRY(add_pair(an, l, r, u, err));
    }
    for (uint32_t i = 0; p->join.natural && i < left->n_output; i++)
        for (uint32_t k = 0; k < right->n_output; k++)
            if (vonk__an_name_eq(an, left->output[i]->name, right->output[k]->name))
                VONK_TRY(add_pair(an, left->output[i], right->output[k], u, err));
    return VONK_OK;
}

static bool is_among(const vonk_exprs *list, uint64_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i]->id == id) return true;
    return false;
}

/* The join's columns of one side, as the join puts them out (perhaps nullable now). */
static vonk_status side_columns(vonk_an *an, const vonk_plan *join, const vonk_plan *side, const vonk_exprs *keys,
                                bool want_keys, vonk_exprs *ret, vonk_error *err)
{
    if (want_keys) {
        for (size_t i = 0; i < keys->n; i++) {
            const vonk_expr *c = vonk_plan_column(join, keys->at[i]->id);
            if (c) VONK_TRY(VONK_AN_PUSH(an, ret, c, err));
        }
        return VONK_OK;
    }
    for (uint32_t i = 0; i < side->n_output; i++) {
        const vonk_expr *c = vonk_plan_column(join, side->output[i]->id);
        if (c && !is_among(keys, c->id)) VONK_TRY(VONK_AN_PUSH(an, ret, c, err));
    }
    return VONK_OK;
}

static vonk_status merged_keys(vonk_an *an, const vonk_plan *join, const using_columns *u, vonk_exprs *ret,
                               vonk_error *err)
{
    for (size_t i = 0; i < u->left.n; i++) {
        const vonk_expr *both[2] = {vonk_plan_column(join, u->left.at[i]->id),
                                    vonk_plan_column(join, u->right.at[i]->id)};
        const vonk_expr *e;
        VONK_TRY(vonk__an_call(an, "coalesce", both, 2, NULL, &e, err));
        VONK_TRY(vonk__an_alias(an, e, u->left.at[i]->name, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, e, err));
    }
    return VONK_OK;
}

static vonk_status hide(vonk_an *an, vonk_plan *p, const vonk_exprs *hidden, const vonk_plan *left,
                        const vonk_plan *right, vonk_error *err)
{
    vonk_exprs all = *hidden;
    for (uint32_t i = 0; i < left->hidden.n; i++) VONK_TRY(VONK_AN_PUSH(an, &all, left->hidden.at[i], err));
    for (uint32_t i = 0; i < right->hidden.n; i++) VONK_TRY(VONK_AN_PUSH(an, &all, right->hidden.at[i], err));
    return vonk_plan_hold_exprs(p, all.at, vonk_u32_of(all.n), &p->hidden, err);
}

static vonk_status project_using(vonk_an *an, const vonk_plan *join, const vonk_plan *left, const vonk_plan *right,
                                 const using_columns *u, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs items = {0}, hidden = {0};
    vonk_join_type type = join->join.type;
    bool existence = type == VONK_JOIN_SEMI || type == VONK_JOIN_ANTI;
    if (type == VONK_JOIN_FULL)
        VONK_TRY(merged_keys(an, join, u, &items, err));
    else
        VONK_TRY(side_columns(an, join, NULL, type == VONK_JOIN_RIGHT ? &u->right : &u->left, true, &items, err));
    VONK_TRY(side_columns(an, join, left, &u->left, false, &items, err));
    if (!existence) VONK_TRY(side_columns(an, join, right, &u->right, false, &items, err));
    if (type == VONK_JOIN_RIGHT || type == VONK_JOIN_FULL)
        VONK_TRY(side_columns(an, join, NULL, &u->left, true, &hidden, err));
    if (type != VONK_JOIN_RIGHT && !existence) VONK_TRY(side_columns(an, join, NULL, &u->right, true, &hidden, err));
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_PROJECT, &join, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, items.at, vonk_u32_of(items.n), err));
    VONK_TRY(hide(an, p, &hidden, left, right, err));
    return vonk__an_finish_node(an, p, ret, err);
}

/* ---- the node */

/* Aggregates and window functions have no rows to work on in a condition. */
static vonk_walk find_unfit(const vonk_expr *e, void *arg)
{
    if (e->kind != VONK_EX_WINDOW && !vonk__an_is_aggregate(e)) return VONK_WALK_ON;
    *(const vonk_expr **)arg = e;
    return VONK_WALK_STOP;
}

static vonk_status join_condition(vonk_an *an, const vonk_plan *p, const vonk_plan *const *sides,
                                  const vonk_scope *outer, const vonk_expr **ret, vonk_error *err)
{
    *ret = NULL;
    if (!p->n_lists || p->lists[0].n == 0) return VONK_OK;
    vonk_scope scope = {.inputs = sides, .n_inputs = 2, .outer = outer};
    VONK_TRY(vonk__an_condition(an, &scope, p, p->lists[0].at[0], ret, err));
    const vonk_expr *bad = *ret;
    const char *sql;
    if (!p->join.lateral && !vonk_expr_is_deterministic(*ret)) {
        VONK_TRY(vonk__an_quoted_sql(an, *ret, &sql, err));
        return VONK_PLAN_FAIL(p, err, VONK_E_INVALID_NON_DETERMINISTIC_EXPRESSIONS, "sqlExprs", sql);
    }
    if (!vonk_expr_has_aggregate(*ret) && !vonk_expr_has_window(*ret)) return VONK_OK;
    vonk_expr_walk(*ret, find_unfit, (void *)&bad);
    VONK_TRY(vonk__an_quoted_sql(an, bad, &sql, err));
    return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Join", "invalidExprSqls", sql);
}

/* The columns of both sides and no hidden ones that the condition alone needs. */
static vonk_status join_on(vonk_an *an, const vonk_plan *const *sides, const vonk_join_info *info,
                           const vonk_expr *condition, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *inputs[2] = {sides[0], sides[1]}, *joined;
    vonk_exprs items = {0};
    for (int i = 0; condition && i < 2; i++) VONK_TRY(vonk__an_expose(an, sides[i], &condition, 1, &inputs[i], err));
    VONK_TRY(vonk__an_join(an, inputs[0], inputs[1], info, condition, &joined, err));
    *ret = joined;
    if (inputs[0] == sides[0] && inputs[1] == sides[1]) return VONK_OK;
    for (uint32_t i = 0; i < joined->n_output; i++) {
        const vonk_expr *c = joined->output[i];
        if (vonk_plan_has_column(sides[0], c->id) || vonk_plan_has_column(sides[1], c->id))
            VONK_TRY(VONK_AN_PUSH(an, &items, c, err));
    }
    vonk_plan *p;
    VONK_TRY(vonk__an_node(an, VONK_PN_PROJECT, &joined, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, items.at, vonk_u32_of(items.n), err));
    VONK_TRY(vonk_plan_hold_exprs(p, joined->hidden.at, joined->hidden.n, &p->hidden, err));
    return vonk__an_finish_node(an, p, ret, err);
}

vonk_status vonk__an_join_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                               vonk_error *err)
{
    const vonk_plan *sides[2], *joined;
    const vonk_expr *condition;
    using_columns u = {0};
    if (p->join.as_of) return vonk__an_unsupported(p, "as-of join", err);
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &sides[0], err));
    vonk_scope left_scope = {.inputs = sides, .n_inputs = 1, .outer = outer};
    an->depth += p->join.lateral;
    VONK_TRY(vonk__an_plan(an, p->children[1], p->join.lateral ? &left_scope : outer, &sides[1], err));
    an->depth -= p->join.lateral;
    VONK_TRY(vonk__an_distinct_ids(an, sides[0], sides[1], &sides[1], err));
    vonk_join_info info = {.type = p->join.type,
                           .lateral = p->join.lateral,
                           .hint_left = p->join.hint_left,
                           .hint_right = p->join.hint_right};
    if (p->join.natural || p->join.n_using) {
        VONK_TRY(collect_using(an, p, sides[0], sides[1], &u, err));
        condition = NULL;
        if (u.terms.n) VONK_TRY(vonk__an_and(an, &u.terms, &condition, err));
        VONK_TRY(vonk__an_join(an, sides[0], sides[1], &info, condition, &joined, err));
        return project_using(an, joined, sides[0], sides[1], &u, ret, err);
    }
    VONK_TRY(join_condition(an, p, sides, outer, &condition, err));
    return join_on(an, sides, &info, condition, ret, err);
}
