/* opt/rule_unnest.c -- subqueries become joins.
 *
 *   Filter exists(Filter [inner.k = outer.k] (Relation inner))        Join LeftSemi [inner.k = outer.k]
 *   +- Relation outer                                            =>   :- Relation outer
 *                                                                     +- Relation inner
 * Conjuncts that are EXISTS or IN become semi and anti joins; anywhere else they become mark joins (one more boolean
 * column). Scalar subqueries become left joins (single joins where more than one row would be an error). LATERAL joins
 * go the same way. */
#include "opt/correlate.h"
#include "opt/rules.h"

typedef struct unnest {
    vonk__scratch s;
    const vonk_plan *input;      /* grows by a join for each subquery */
    vonk__exprs scalars, values; /* scalar subqueries so far, and what stands for them */
} unnest;

static vonk_status prepare(unnest *u, const vonk_plan *sub, const vonk_plan **ret, vonk_error *err)
{
    static const vonk__opt_rule steps[] = {vonk__rule_strip_names, vonk__rule_set_ops, vonk__rule_unnest};

    for (size_t i = 0; i < VONK_COUNTOF(steps); i++) {
        const vonk_plan *next = NULL;
        VONK_TRY(steps[i](u->s.env, sub, &next, err));
        VONK_TRY(vonk__scratch_keep_plan(&u->s, next, err));
        sub = next;
    }
    *ret = sub;
    return VONK_OK;
}

/* EXISTS asks only whether there is a row: order, projections and LIMIT n > 0 above change nothing. */
static const vonk_plan *without_decoration(const vonk_plan *p)
{
    for (;;) {
        const bool limit = p->kind == VONK_PN_LIMIT && p->lists[0].at[0]->kind == VONK_EX_LITERAL &&
                           vonk_column_i64(p->lists[0].at[0]->value, 0) > 0;
        const bool project = p->kind == VONK_PN_PROJECT && !vonk_expr_has_generator(p->lists[0].at[0]);
        if (!limit && !project && p->kind != VONK_PN_SORT) return p;
        p = p->children[0];
    }
}

/* ---- IN: value_i = column_i */
static vonk_status in_terms(unnest *u, const vonk_expr *in, const vonk_plan *plan, vonk__exprs *terms, vonk_error *err)
{
    for (uint32_t i = 0; i < in->n_children; i++) {
        const vonk_expr *term = NULL;
        VONK_TRY(vonk__mk_equal(&u->s, in->children[i], plan->output[i], false, &term, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(terms, u->s.arena, term, err));
    }
    return VONK_OK;
}

/* NOT IN keeps a row only if no comparison is true or unknown: each equality also holds when a side is null. */
static vonk_status or_unknown(unnest *u, vonk__exprs *terms, vonk_error *err)
{
    for (size_t i = 0; i < terms->n; i++) {
        const vonk_expr *parts[3] = {terms->at[i]};
        uint32_t n = 1;
        for (uint32_t side = 0; side < 2; side++)
            if (terms->at[i]->children[side]->nullable)
                VONK_TRY(vonk__mk_node(&u->s, VONK_EX_IS_NULL, &terms->at[i]->children[side], 1, &parts[n++], err));
        if (n > 1) VONK_TRY(vonk__mk_node(&u->s, VONK_EX_OR, parts, n, &terms->at[i], err));
    }
    return VONK_OK;
}

static vonk_status add_all(unnest *u, vonk__exprs *into, const vonk__exprs *more, vonk_error *err)
{
    for (size_t i = 0; i < more->n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(into, u->s.arena, more->at[i], err));
    return VONK_OK;
}

static bool any_nullable(const vonk_expr *in, const vonk_plan *plan)
{
    for (uint32_t i = 0; i < in->n_children; i++)
        if (in->children[i]->nullable || plan->output[i]->nullable) return true;
    return false;
}

/* ---- a conjunct that is itself [NOT] EXISTS / IN: semi or anti join */
static vonk_status semi_or_anti(unnest *u, const vonk_expr *sub, bool negated, vonk_error *err)
{
    const vonk_plan *plan = NULL;
    vonk__independent ind;
    vonk__exprs terms = {0};

    VONK_TRY(prepare(u, sub->plan, &plan, err));
    if (sub->sub_kind == VONK_SUB_EXISTS) plan = without_decoration(plan);
    VONK_TRY(vonk__make_independent(&u->s, u->input, plan, &ind, err));
    if (ind.if_empty && sub->sub_kind == VONK_SUB_EXISTS) { /* a global aggregate always has its one row */
        const vonk_expr *constant = NULL;
        if (!negated) return VONK_OK;
        VONK_TRY(vonk_ex_bool(u->s.env->budget, false, &constant, err));
        VONK_TRY(vonk__scratch_keep_expr(&u->s, constant, err));
        return vonk__mk_filter(&u->s, u->input, &constant, 1, &u->input, err);
    }
    if (sub->sub_kind == VONK_SUB_IN) VONK_TRY(in_terms(u, sub, ind.plan, &terms, err));
    const bool null_aware = negated && sub->sub_kind == VONK_SUB_IN && any_nullable(sub, ind.plan);
    const bool by_hash = null_aware && terms.n == 1 && ind.terms.n == 0;
    if (null_aware && !by_hash) VONK_TRY(or_unknown(u, &terms, err));
    VONK_TRY(add_all(u, &terms, &ind.terms, err));
    VONK_TRY(vonk__mk_join(&u->s, u->input, ind.plan, negated ? VONK_JOIN_ANTI : VONK_JOIN_SEMI, terms.at, terms.n,
                           &u->input, err));
    if (!by_hash) return VONK_OK;
    vonk_plan *copy = NULL;
    VONK_TRY(vonk_plan_copy(u->s.env->budget, u->input, NULL, 0, &copy, err));
    copy->join.null_aware = true;
    VONK_TRY(vonk_plan_finish(copy, &u->input, err));
    return vonk__scratch_keep_plan(&u->s, u->input, err);
}

/* ---- EXISTS / IN as a value: mark join. As in Spark it is never unknown: IN asks whether a comparison is true, NOT IN
 * whether none is true or unknown. */
static bool is_null_literal(const vonk_expr *e)
{
    while (e->kind == VONK_EX_CAST) e = e->children[0];
    return e->kind == VONK_EX_LITERAL && vonk_column_is_null(e->value, 0);
}

/* NULL IN (...): unknown when there is a row, else false. */
static vonk_status null_in(unnest *u, const vonk_expr *exists, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *parts[3] = {exists}, *choice = NULL;

    VONK_TRY(vonk_ex_null(u->s.env->budget, &vonk_type_boolean, &parts[1], err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, parts[1], err));
    VONK_TRY(vonk_ex_bool(u->s.env->budget, false, &parts[2], err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, parts[2], err));
    VONK_TRY(vonk__mk_node(&u->s, VONK_EX_CASE, parts, 3, &choice, err));
    *ret = choice;
    return VONK_OK;
}

static vonk_status mark(unnest *u, const vonk_expr *sub, const vonk_expr **ret, vonk_error *err)
{
    const bool negated = vonk_expr_has(sub, VONK_EXF_NEGATED), is_in = sub->sub_kind == VONK_SUB_IN;
    const bool null_value = is_in && sub->n_children == 1 && is_null_literal(sub->children[0]);
    const vonk_plan *plan = NULL;
    vonk__independent ind;
    vonk__exprs terms = {0};
    vonk_plan *copy = NULL;

    VONK_TRY(prepare(u, sub->plan, &plan, err));
    VONK_TRY(vonk__make_independent(&u->s, u->input, plan, &ind, err));
    if (is_in && !null_value) VONK_TRY(in_terms(u, sub, ind.plan, &terms, err));
    if (negated) VONK_TRY(or_unknown(u, &terms, err));
    VONK_TRY(add_all(u, &terms, &ind.terms, err));
    VONK_TRY(vonk__mk_join(&u->s, u->input, ind.plan, VONK_JOIN_SEMI, terms.at, terms.n, &u->input, err));
    VONK_TRY(vonk_plan_copy(u->s.env->budget, u->input, u->input->children, 2, &copy,
                            err)); /* given children: the output is derived anew */
    copy->join.type = VONK_JOIN_MARK;
    copy->join.mark_id = vonk_expr_new_id();
    VONK_TRY(vonk_plan_finish(copy, &u->input, err));
    VONK_TRY(vonk__scratch_keep_plan(&u->s, u->input, err));
    const vonk_expr *found = u->input->output[u->input->n_output - 1];
    if (null_value) VONK_TRY(null_in(u, found, &found, err));
    if (negated) VONK_TRY(vonk__mk_node(&u->s, VONK_EX_NOT, &found, 1, &found, err));
    *ret = vonk_expr_ref(found);
    return VONK_OK;
}

/* ---- a scalar subquery: its one value per row, null where there is no row */
static vonk_status scalar(unnest *u, const vonk_expr *sub, const vonk_expr **ret, vonk_error *err)
{
    const vonk_plan *plan = NULL;
    vonk__independent ind;
    const vonk_expr *found = NULL, *found_alias = NULL, *yes = NULL, *missing = NULL;

    VONK_TRY(prepare(u, sub->plan, &plan, err));
    VONK_TRY(vonk__make_independent(&u->s, u->input, plan, &ind, err));
    const vonk_expr *value = ind.plan->output[0];
    const bool fill =
        ind.if_empty && !(ind.if_empty[0]->kind == VONK_EX_LITERAL && vonk_column_is_null(ind.if_empty[0]->value, 0));
    if (fill) { /* a marker tells "no row" from "a null value" */
        vonk__exprs out = {0};
        for (uint32_t i = 0; i < ind.plan->n_output; i++)
            VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, ind.plan->output[i], err));
        VONK_TRY(vonk_ex_bool(u->s.env->budget, true, &yes, err));
        VONK_TRY(vonk__scratch_keep_expr(&u->s, yes, err));
        VONK_TRY(vonk__mk_alias(&u->s, yes, "found", &found_alias, &found, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, found_alias, err));
        VONK_TRY(vonk__mk_project(&u->s, ind.plan, out.at, out.n, &ind.plan, err));
    }
    VONK_TRY(vonk__mk_join(&u->s, u->input, ind.plan, ind.one_row ? VONK_JOIN_LEFT : VONK_JOIN_SINGLE, ind.terms.at,
                           ind.terms.n, &u->input, err));
    value = vonk_plan_column(u->input, value->id); /* as nullable as the outer join makes it */
    if (found) found = vonk_plan_column(u->input, found->id);
    if (!fill) {
        *ret = vonk_expr_ref(value);
        return VONK_OK;
    }
    VONK_TRY(vonk__mk_node(&u->s, VONK_EX_IS_NULL, &found, 1, &missing, err));
    vonk_expr *choice = NULL;
    VONK_TRY(vonk_expr_new(u->s.env->budget, VONK_EX_CASE, (const vonk_expr *[]){missing, ind.if_empty[0], value}, 3,
                           &choice, err));
    return vonk_expr_finish(choice, ret, err);
}

/* NOT goes down to what it negates, as in Spark: a NOT IN that only shows then means something of its own. */
static vonk_status push_not(unnest *u, const vonk_expr *e, bool negated, const vonk_expr **ret, vonk_error *err)
{
    const bool splits = (e->kind == VONK_EX_AND || e->kind == VONK_EX_OR) && vonk_expr_contains(e, VONK_EX_SUBQUERY);
    const vonk_expr **children = NULL;

    if (e->kind == VONK_EX_NOT) return push_not(u, e->children[0], !negated, ret, err); /* depth: VONK_MAX_EXPR_DEPTH */
    *ret = e;
    if (!negated) return VONK_OK;
    if (!splits) return vonk__mk_node(&u->s, VONK_EX_NOT, &e, 1, ret, err);
    VONK_TRY(vonk_arena_array(u->s.arena, e->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(push_not(u, e->children[i], true, &children[i], err));
    return vonk__mk_node(&u->s, e->kind == VONK_EX_AND ? VONK_EX_OR : VONK_EX_AND, children, e->n_children, ret, err);
}

static vonk_status place_not(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *done = e;

    if (e->kind == VONK_EX_NOT && vonk_expr_contains(e, VONK_EX_SUBQUERY))
        VONK_TRY(push_not(arg, e, false, &done, err));
    *ret = vonk_expr_ref(done);
    return VONK_OK;
}

/* NOT over IN becomes a mark of the IN itself: its parts are replaced first. */
static vonk_status mark_not_in(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const unnest *u = arg;
    const vonk_expr *in = e->kind == VONK_EX_NOT ? e->children[0] : NULL;
    vonk_expr *copy = NULL;

    if (!in || in->kind != VONK_EX_SUBQUERY || in->sub_kind != VONK_SUB_IN) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    VONK_TRY(vonk_expr_copy(u->s.env->budget, in, NULL, 0, &copy, err));
    copy->flags ^= VONK_EXF_NEGATED;
    return vonk_expr_finish(copy, ret, err);
}

/* Equal ones are one: GROUP BY and the select list must find the same column. */
static vonk_status scalar_once(unnest *u, const vonk_expr *sub, const vonk_expr **ret, vonk_error *err)
{
    for (size_t i = 0; i < u->scalars.n; i++)
        if (vonk_expr_equal(u->scalars.at[i], sub)) {
            *ret = vonk_expr_ref(u->values.at[i]);
            return VONK_OK;
        }
    const vonk_expr *value = NULL;
    VONK_TRY(scalar(u, sub, &value, err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, value, err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, vonk_expr_ref(sub), err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&u->scalars, u->s.arena, sub, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&u->values, u->s.arena, value, err));
    *ret = vonk_expr_ref(value);
    return VONK_OK;
}

static vonk_status replace_subquery(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    unnest *u = arg;

    if (e->kind != VONK_EX_SUBQUERY) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    switch (e->sub_kind) {
    case VONK_SUB_SCALAR: return scalar_once(u, e, ret, err);
    case VONK_SUB_EXISTS:
    case VONK_SUB_IN: return mark(u, e, ret, err);
    default:
        return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                              "a table argument outside of a table function");
    }
}

static vonk_status rewrite_subqueries(unnest *u, const vonk_expr *e, vonk_expr_step replace, void *arg,
                                      const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_expr_rewrite(u->s.env->budget, e, place_not, u, &e, err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, e, err));
    VONK_TRY(vonk_expr_rewrite(u->s.env->budget, e, mark_not_in, u, &e, err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, e, err));
    VONK_TRY(vonk_expr_rewrite(u->s.env->budget, e, replace, arg, ret, err));
    return vonk__scratch_keep_expr(&u->s, *ret, err);
}

static vonk_status replace_subqueries(unnest *u, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    return rewrite_subqueries(u, e, replace_subquery, u, ret, err);
}

/* ---- nodes */
static bool has_subquery(const vonk_plan *p)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (vonk_expr_contains(p->lists[l].at[i], VONK_EX_SUBQUERY)) return true;
    return false;
}

static const vonk_expr *as_predicate_subquery(const vonk_expr *e, bool *ret_negated)
{
    *ret_negated = false;
    while (e->kind == VONK_EX_NOT) {
        *ret_negated = !*ret_negated;
        e = e->children[0];
    }
    if (e->kind != VONK_EX_SUBQUERY || (e->sub_kind != VONK_SUB_EXISTS && e->sub_kind != VONK_SUB_IN)) return NULL;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (vonk_expr_contains(e->children[i], VONK_EX_SUBQUERY)) return NULL;
    return e;
}

static vonk_status unnest_filter(unnest *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs all = {0}, plain = {0}, rest = {0};

    VONK_TRY(vonk__opt_conjuncts(u->s.arena, p->lists[0].at[0], &all, err));
    for (size_t i = 0; i < all.n; i++)
        if (!vonk_expr_contains(all.at[i], VONK_EX_SUBQUERY))
            VONK_TRY(VONK_VEC_ARENA_PUSH(&plain, u->s.arena, all.at[i], err));
    VONK_TRY(vonk__mk_filter(&u->s, u->input, plain.at, plain.n, &u->input, err));
    for (size_t i = 0; i < all.n; i++) {
        bool negated;
        const vonk_expr *sub = as_predicate_subquery(all.at[i], &negated);
        if (sub) {
            VONK_TRY(semi_or_anti(u, sub, negated, err));
        } else if (vonk_expr_contains(all.at[i], VONK_EX_SUBQUERY)) {
            const vonk_expr *e = NULL;
            VONK_TRY(replace_subqueries(u, all.at[i], &e, err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&rest, u->s.arena, e, err));
        }
    }
    const vonk_plan *filtered = NULL;
    VONK_TRY(vonk__mk_filter(&u->s, u->input, rest.at, rest.n, &filtered, err));
    return vonk__mk_output_like(&u->s, filtered, p, ret, err);
}

static vonk_status unnest_lists(unnest *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs *lists = NULL;
    vonk_plan *copy = NULL;

    if (p->n_children != 1)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("a subquery inside %s", vonk_node_name(p->kind)));
    VONK_TRY(vonk_arena_array(u->s.arena, p->n_lists, sizeof *lists, &lists, err));
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++) {
            const vonk_expr *e = NULL;
            VONK_TRY(replace_subqueries(u, p->lists[l].at[i], &e, err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&lists[l], u->s.arena, e, err));
        }
    VONK_TRY(vonk_plan_copy(u->s.env->budget, p, &u->input, 1, &copy, err));
    vonk_status status = VONK_OK;
    for (uint32_t l = 0; l < p->n_lists && status == VONK_OK; l++)
        status = vonk_plan_set_list(copy, l, lists[l].at, (uint32_t)lists[l].n, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    const vonk_plan *over = NULL;
    VONK_TRY(vonk_plan_finish(copy, &over, err));
    VONK_TRY(vonk__scratch_keep_plan(&u->s, over, err));
    return vonk__mk_output_like(&u->s, over, p, ret, err);
}

/* A join that keeps rows without a match: the values of its condition's subqueries become columns of the side that each
 * of them reads. */
typedef struct join_sides {
    const vonk_plan *join;
    unnest of[2];
} join_sides;

static vonk_status reads_both_sides(const join_sides *j, const vonk_expr *sub, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf sql = {0};
    vonk_buf_init(&sql, j->of[0].s.env->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_sql(sub, &sql, err));
    VONK_TRY(vonk_buf_add_byte(&sql, 0, err));
    return VONK_FAIL(
        err, VONK_E_UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY__UNSUPPORTED_CORRELATED_EXPRESSION_IN_JOIN_CONDITION,
        "subqueryExpression", sql.data);
}

static vonk_status side_of_subquery(join_sides *j, const vonk_expr *sub, unnest **ret, vonk_error *err)
{
    vonk_ids ids = {0};
    bool reads[2] = {false, false};
    VONK_TRY(vonk_expr_column_ids(sub, j->of[0].s.arena, &ids, err));
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < j->join->children[side]->n_output; i++)
            reads[side] = reads[side] || vonk_ids_has(&ids, j->join->children[side]->output[i]->id);
    if (reads[0] && reads[1]) return reads_both_sides(j, sub, err);
    *ret = &j->of[reads[1] ? 1 : 0];
    return VONK_OK;
}

static vonk_status replace_on_side(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    unnest *u = NULL;
    if (e->kind != VONK_EX_SUBQUERY) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    VONK_TRY(side_of_subquery(arg, e, &u, err));
    return replace_subquery(e, u, ret, err);
}

static vonk_status unnest_outer_join(unnest *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    join_sides sides = {.join = p, .of = {*u, *u}};
    const vonk_expr *condition = NULL;
    const vonk_plan *joined = NULL;

    sides.of[1].input = p->children[1];
    VONK_TRY(rewrite_subqueries(u, p->lists[0].at[0], replace_on_side, &sides, &condition, err));
    VONK_TRY(vonk__mk_join(&u->s, sides.of[0].input, sides.of[1].input, p->join.type, &condition, 1, &joined, err));
    return vonk__mk_output_like(&u->s, joined, p, ret, err);
}

/* A join's condition with subqueries: an inner join's moves above it. */
static vonk_status unnest_join(unnest *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs all = {0}, stay = {0}, move = {0};
    const vonk_plan *joined = NULL, *filtered = NULL;

    if (p->join.type != VONK_JOIN_INNER && p->join.type != VONK_JOIN_CROSS) return unnest_outer_join(u, p, ret, err);
    VONK_TRY(vonk__opt_conjuncts(u->s.arena, p->lists[0].at[0], &all, err));
    for (size_t i = 0; i < all.n; i++) {
        vonk__exprs *to = vonk_expr_contains(all.at[i], VONK_EX_SUBQUERY) ? &move : &stay;
        VONK_TRY(VONK_VEC_ARENA_PUSH(to, u->s.arena, all.at[i], err));
    }
    VONK_TRY(vonk__mk_join(&u->s, p->children[0], p->children[1], stay.n > 0 ? VONK_JOIN_INNER : VONK_JOIN_CROSS,
                           stay.at, stay.n, &joined, err));
    VONK_TRY(vonk__mk_filter(&u->s, joined, move.at, move.n, &filtered, err));
    u->input = joined;
    return unnest_filter(u, filtered, ret, err);
}

/* One row for each row on the left, also where the subquery's groups have none: a left join, and the aggregates' values
 * over no rows in the gaps. */
static vonk_status lateral_aggregate(unnest *u, const vonk_plan *p, const vonk__independent *ind, const vonk_plan **ret,
                                     vonk_error *err)
{
    const vonk_expr *yes = NULL, *found_alias = NULL, *found = NULL, *missing = NULL;
    const vonk_plan *marked = NULL, *joined = NULL, *filled = NULL;
    vonk__exprs right = {0}, out = {0}, to = {0};
    uint64_t *from = NULL;
    const bool has_condition = p->n_lists > 0 && p->lists[0].n > 0;
    const uint32_t n_left = p->children[0]->n_output, n_right = p->children[1]->n_output;

    if (has_condition && p->join.type == VONK_JOIN_LEFT &&
        !(p->lists[0].at[0]->kind == VONK_EX_LITERAL && vonk_column_i64(p->lists[0].at[0]->value, 0) == 1))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "LEFT JOIN LATERAL over an aggregate without GROUP BY with a condition");
    VONK_TRY(vonk_ex_bool(u->s.env->budget, true, &yes, err));
    VONK_TRY(vonk__scratch_keep_expr(&u->s, yes, err));
    VONK_TRY(vonk__mk_alias(&u->s, yes, "found", &found_alias, &found, err));
    for (uint32_t i = 0; i < ind->plan->n_output; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&right, u->s.arena, ind->plan->output[i], err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&right, u->s.arena, found_alias, err));
    VONK_TRY(vonk__mk_project(&u->s, ind->plan, right.at, right.n, &marked, err));
    VONK_TRY(vonk__mk_join(&u->s, p->children[0], marked, VONK_JOIN_LEFT, ind->terms.at, ind->terms.n, &joined, err));
    found = vonk_plan_column(joined, found->id);
    VONK_TRY(vonk__mk_node(&u->s, VONK_EX_IS_NULL, &found, 1, &missing, err));
    VONK_TRY(vonk_arena_array(u->s.arena, n_right + 1, sizeof *from, &from, err));
    for (uint32_t i = 0; i < n_left; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, joined->output[i], err));
    for (uint32_t i = 0; i < n_right; i++) {
        const vonk_expr *alias = NULL, *column = NULL, *choice = NULL;
        VONK_TRY(vonk__mk_node(&u->s, VONK_EX_CASE,
                               (const vonk_expr *[]){missing, ind->if_empty[i], joined->output[n_left + i]}, 3, &choice,
                               err));
        VONK_TRY(vonk__mk_alias(&u->s, choice, "value", &alias, &column, err));
        from[i] = p->children[1]->output[i]->id;
        VONK_TRY(VONK_VEC_ARENA_PUSH(&to, u->s.arena, column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, alias, err));
    }
    VONK_TRY(vonk__mk_project(&u->s, joined, out.at, out.n, &filled, err));
    if (has_condition) {
        const vonk_expr *condition = NULL;
        VONK_TRY(vonk__mk_replace(&u->s, p->lists[0].at[0], from, to.at, n_right, &condition, err));
        VONK_TRY(vonk__mk_filter(&u->s, filled, &condition, 1, &filled, err));
    }
    out.n = 0;
    for (uint32_t i = 0; i < n_left; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, joined->output[i], err));
    for (uint32_t i = 0; i < n_right; i++) { /* under the ids of the subquery's columns */
        vonk_expr *again = NULL;
        VONK_TRY(vonk_expr_new(u->s.env->budget, VONK_EX_ALIAS, &to.at[i], 1, &again, err));
        again->id = from[i];
        vonk_status status = vonk_expr_set_name(again, p->children[1]->output[i]->name, err);
        const vonk_expr *done = NULL;
        const vonk_status finished = vonk_expr_finish(again, &done, err);
        if (finished != VONK_OK) return finished;
        VONK_TRY(vonk__scratch_keep_expr(&u->s, done, err));
        VONK_TRY(status);
        VONK_TRY(VONK_VEC_ARENA_PUSH(&out, u->s.arena, done, err));
    }
    VONK_TRY(vonk__mk_project(&u->s, filled, out.at, out.n, &filled, err));
    return vonk__mk_output_like(&u->s, filled, p, ret, err);
}

static vonk_status unnest_lateral(unnest *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    vonk__independent ind;
    vonk__exprs terms = {0};
    vonk_join_type type = p->join.type == VONK_JOIN_CROSS ? VONK_JOIN_INNER : p->join.type;
    const vonk_plan *joined = NULL;

    VONK_TRY(vonk__make_independent(&u->s, p->children[0], p->children[1], &ind, err));
    if (ind.if_empty) return lateral_aggregate(u, p, &ind, ret, err);
    if (p->n_lists > 0 && p->lists[0].n > 0) VONK_TRY(VONK_VEC_ARENA_PUSH(&terms, u->s.arena, p->lists[0].at[0], err));
    VONK_TRY(add_all(u, &terms, &ind.terms, err));
    VONK_TRY(vonk__mk_join(&u->s, p->children[0], ind.plan,
                           terms.n > 0 || type == VONK_JOIN_LEFT ? type : VONK_JOIN_CROSS, terms.at, terms.n, &joined,
                           err));
    return vonk__mk_output_like(&u->s, joined, p, ret, err);
}

static vonk_status unnest_node(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_plan *done = NULL;

    const bool lateral = p->kind == VONK_PN_JOIN && p->join.lateral;
    if (!lateral && !has_subquery(p)) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    const vonk_opt_env *env = arg;
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    unnest u = {.s = {env, arena}, .input = p->n_children > 0 ? p->children[0] : NULL};
    if (lateral)
        VONK_TRY(unnest_lateral(&u, p, &done, err));
    else if (p->kind == VONK_PN_FILTER)
        VONK_TRY(unnest_filter(&u, p, &done, err));
    else if (p->kind == VONK_PN_JOIN)
        VONK_TRY(unnest_join(&u, p, &done, err));
    else
        VONK_TRY(unnest_lists(&u, p, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_unnest(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, unnest_node, (void *)env, ret, err);
}
