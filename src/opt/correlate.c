/* opt/correlate.c -- two ways to make a subquery independent of its outer query.
 *
 * Pulling up: correlated conjuncts travel to the top and become the join's condition; below an aggregate only
 * equalities may, and their inner side becomes a grouping key. When that is not possible, the domain way (T. Neumann,
 * A. Kemper, "Unnesting Arbitrary Queries", 2015): the outer columns' distinct values are joined in where they are
 * used, carried to the top as additional columns, and compared there. */
#include "opt/correlate.h"

/* ---- what is correlated */
typedef struct outer_search {
    const vonk_plan *left;
    bool found;
} outer_search;

static vonk_walk expr_is_outer(const vonk_expr *e, void *arg);

static vonk_walk plan_is_outer(const vonk_plan *p, void *arg)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (!vonk_expr_walk(p->lists[l].at[i], expr_is_outer, arg)) return VONK_WALK_STOP;
    return VONK_WALK_ON;
}

static vonk_walk expr_is_outer(const vonk_expr *e, void *arg)
{
    outer_search *s = arg;

    if (e->kind == VONK_EX_COLUMN && vonk_expr_has(e, VONK_EXF_OUTER) && vonk_plan_has_column(s->left, e->id))
        s->found = true;
    if (e->kind == VONK_EX_SUBQUERY) vonk_plan_walk(e->plan, plan_is_outer, arg);
    return s->found ? VONK_WALK_STOP : VONK_WALK_ON;
}

bool vonk__is_correlated(const vonk_plan *p, const vonk_plan *left)
{
    outer_search s = {.left = left};

    vonk_plan_walk(p, plan_is_outer, &s);
    return s.found;
}

static bool expr_correlated(const vonk_expr *e, const vonk_plan *left)
{
    outer_search s = {.left = left};

    vonk_expr_walk(e, expr_is_outer, &s);
    return s.found;
}

typedef struct strip_arg {
    const vonk_opt_env *env;
    const vonk_plan *left;
} strip_arg;

static vonk_status strip_one(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const strip_arg *a = arg;
    vonk_expr *copy = NULL;

    if (e->kind != VONK_EX_COLUMN || !vonk_expr_has(e, VONK_EXF_OUTER) || !vonk_plan_has_column(a->left, e->id)) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    VONK_TRY(vonk_expr_copy(a->env->budget, e, NULL, 0, &copy, err));
    copy->flags &= ~(uint32_t)VONK_EXF_OUTER;
    return vonk_expr_finish(copy, ret, err);
}

vonk_status vonk__strip_outer(vonk__scratch *s, const vonk_plan *left, const vonk_expr *e, const vonk_expr **ret,
                              vonk_error *err)
{
    strip_arg a = {s->env, left};

    VONK_TRY(vonk_expr_rewrite(s->env->budget, e, strip_one, &a, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

/* ---- pulling up */
typedef struct pull {
    vonk__scratch *s;
    const vonk_plan *left;
    vonk__exprs terms; /* over left's and the pulled plan's columns */
    bool failed;
    const vonk_plan *grouped; /* a global aggregate that became a grouped one (the original node) */
} pull;

static vonk_status pull_up(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);

static vonk_status give_up(pull *u, const vonk_plan *p, const vonk_plan **ret)
{
    u->failed = true;
    *ret = p;
    return VONK_OK;
}

static vonk_status pull_filter(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk__exprs all = {0}, stay = {0};

    VONK_TRY(pull_up(u, p->children[0], &child, err));
    if (u->failed || u->grouped)
        return give_up(u, p, ret); /* HAVING over a global aggregate: missing groups would be lost */
    VONK_TRY(vonk__opt_conjuncts(u->s->arena, p->lists[0].at[0], &all, err));
    for (size_t i = 0; i < all.n; i++) {
        if (!expr_correlated(all.at[i], u->left)) {
            VONK_TRY(VONK_VEC_ARENA_PUSH(&stay, u->s->arena, all.at[i], err));
            continue;
        }
        const vonk_expr *free_term = NULL;
        if (vonk_expr_contains(all.at[i], VONK_EX_SUBQUERY) || !vonk_expr_is_deterministic(all.at[i]))
            return give_up(u, p, ret);
        VONK_TRY(vonk__strip_outer(u->s, u->left, all.at[i], &free_term, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&u->terms, u->s->arena, free_term, err));
    }
    return vonk__mk_filter(u->s, child, stay.at, stay.n, ret, err);
}

/* Columns of `child` that the pulled terms need and `exprs` does not put out are added. */
static vonk_status add_needed(pull *u, const vonk_plan *child, vonk__exprs *exprs, vonk_error *err)
{
    for (size_t t = 0; t < u->terms.n; t++) {
        vonk_ids ids = {0};
        VONK_TRY(vonk_expr_column_ids(u->terms.at[t], u->s->arena, &ids, err));
        for (size_t i = 0; i < ids.n; i++) {
            bool there = !vonk_plan_has_column(child, ids.at[i]);
            for (size_t k = 0; k < exprs->n && !there; k++) there = exprs->at[k]->id == ids.at[i];
            if (!there) VONK_TRY(VONK_VEC_ARENA_PUSH(exprs, u->s->arena, vonk_plan_column(child, ids.at[i]), err));
        }
    }
    return VONK_OK;
}

static vonk_status copy_list(pull *u, const vonk_expr_list *list, vonk__exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < list->n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(ret, u->s->arena, list->at[i], err));
    return VONK_OK;
}

static bool list_correlated(const vonk_expr_list *list, const vonk_plan *left)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (expr_correlated(list->at[i], left)) return true;
    return false;
}

static vonk_status pull_project(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk__exprs exprs = {0};

    if (list_correlated(&p->lists[0], u->left)) return give_up(u, p, ret);
    VONK_TRY(pull_up(u, p->children[0], &child, err));
    if (u->failed) return give_up(u, p, ret);
    VONK_TRY(copy_list(u, &p->lists[0], &exprs, err));
    VONK_TRY(add_needed(u, child, &exprs, err));
    return vonk__mk_project(u->s, child, exprs.at, exprs.n, ret, err);
}

/* inner = outer, either way round; the inner side is what becomes a grouping key. */
static bool is_key_equality(const vonk_expr *term, const vonk_plan *inner, const vonk_plan *left, uint32_t *ret_inner)
{
    bool null_safe;

    if (!vonk__opt_is_equality(term, &null_safe)) return false;
    for (uint32_t i = 0; i < 2; i++)
        if (vonk__opt_covered(term->children[i], inner) && !vonk_expr_is_foldable(term->children[i]) &&
            vonk__opt_covered(term->children[1 - i], left)) {
            *ret_inner = i;
            return true;
        }
    return false;
}

static vonk_status pull_aggregate(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk__exprs keys = {0}, outputs = {0};
    const size_t before = u->terms.n;

    if (list_correlated(&p->lists[0], u->left) || list_correlated(&p->lists[1], u->left) || u->grouped)
        return give_up(u, p, ret);
    VONK_TRY(pull_up(u, p->children[0], &child, err));
    if (u->failed || before != 0 || u->grouped) return give_up(u, p, ret);
    VONK_TRY(copy_list(u, &p->lists[0], &keys, err));
    VONK_TRY(copy_list(u, &p->lists[1], &outputs, err));
    for (size_t t = 0; t < u->terms.n; t++) {
        const vonk_expr *term = u->terms.at[t], *alias = NULL, *column = NULL, *sides[2];
        uint32_t inner = 0;
        if (!is_key_equality(term, child, u->left, &inner)) return give_up(u, p, ret);
        VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, u->s->arena, term->children[inner], err));
        VONK_TRY(vonk__mk_alias(u->s, term->children[inner], "key", &alias, &column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&outputs, u->s->arena, alias, err));
        sides[inner] = column;
        sides[1 - inner] = term->children[1 - inner];
        VONK_TRY(vonk__mk_copy(u->s, term, sides, &u->terms.at[t], err));
    }
    if (p->lists[0].n == 0 && u->terms.n > 0) u->grouped = p;
    return vonk__mk_aggregate(u->s, child, keys.at, keys.n, outputs.at, outputs.n, ret, err);
}

static vonk_status pull_join(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_join_type type = p->join.type;
    const bool both = type == VONK_JOIN_INNER || type == VONK_JOIN_CROSS;
    const bool left_only = type == VONK_JOIN_LEFT || type == VONK_JOIN_SEMI || type == VONK_JOIN_ANTI ||
                           type == VONK_JOIN_SINGLE || type == VONK_JOIN_MARK;
    const vonk_plan *children[2] = {p->children[0], p->children[1]};

    if (!both && !left_only) return give_up(u, p, ret);
    if (left_only && vonk__is_correlated(p->children[1], u->left)) return give_up(u, p, ret);
    if (p->n_lists > 0 && p->lists[0].n > 0 && expr_correlated(p->lists[0].at[0], u->left)) return give_up(u, p, ret);
    VONK_TRY(pull_up(u, p->children[0], &children[0], err));
    if (both && !u->failed) VONK_TRY(pull_up(u, p->children[1], &children[1], err));
    if (u->failed || u->grouped) return give_up(u, p, ret);
    return vonk__mk_over(u->s, p, children, ret, err);
}

static vonk_status pull_up(pull *u, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    if (!vonk__is_correlated(p, u->left)) {
        *ret = p;
        return VONK_OK;
    }
    switch (p->kind) {
    case VONK_PN_FILTER: return pull_filter(u, p, ret, err);
    case VONK_PN_PROJECT: return pull_project(u, p, ret, err);
    case VONK_PN_AGGREGATE: return pull_aggregate(u, p, ret, err);
    case VONK_PN_JOIN: return pull_join(u, p, ret, err);
    case VONK_PN_SORT:
        return pull_up(u, p->children[0], ret, err); /* order inside a subquery means nothing without LIMIT */
    default: return give_up(u, p, ret);
    }
}

/* ---- values of a global aggregate over no rows */
static vonk_status empty_value(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    vonk__scratch *s = arg;

    if (e->kind != VONK_EX_FUNCTION || e->fn->kind != VONK_FN_AGGREGATE) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    if (!e->nullable && e->type->id == VONK_T_LONG)
        return vonk_ex_int(s->env->budget, 0, e->type, ret, err); /* count and its kin */
    return vonk_ex_null(s->env->budget, e->type, ret, err);
}

/* For each column of `sub`, which is `grouped` under projections only. */
static vonk_status values_if_empty(vonk__scratch *s, const vonk_plan *sub, const vonk_plan *grouped,
                                   const vonk_expr ***ret, vonk_error *err)
{
    const uint32_t n = sub->n_output;

    VONK_TRY(vonk_arena_array(s->arena, n + 1, sizeof **ret, ret, err));
    if (sub == grouped) {
        for (uint32_t i = 0; i < n; i++) {
            const vonk_expr *e = sub->lists[1].at[i];
            VONK_TRY(vonk_expr_rewrite(s->env->budget, e->kind == VONK_EX_ALIAS ? e->children[0] : e, empty_value, s,
                                       &(*ret)[i], err));
            VONK_TRY(vonk__scratch_keep_expr(s, (*ret)[i], err));
        }
        return VONK_OK;
    }
    const vonk_expr **below = NULL;
    const vonk_plan *child = sub->children[0];
    uint64_t *ids = NULL;
    VONK_TRY(values_if_empty(s, child, grouped, &below, err)); /* depth: VONK_MAX_PLAN_DEPTH */
    if (sub->kind != VONK_PN_PROJECT) {
        *ret = below;
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_array(s->arena, child->n_output + 1, sizeof *ids, &ids, err));
    for (uint32_t i = 0; i < child->n_output; i++) ids[i] = child->output[i]->id;
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *e = sub->lists[0].at[i];
        VONK_TRY(vonk__mk_replace(s, e->kind == VONK_EX_ALIAS ? e->children[0] : e, ids, below, child->n_output,
                                  &(*ret)[i], err));
    }
    return VONK_OK;
}

/* ---- the domain way */
typedef struct domain {
    vonk__scratch *s;
    const vonk_plan *left;
    const vonk_plan *values; /* distinct values of the outer columns, under ids of its own */
    uint64_t *outer;         /* ids in left */
    size_t n;
} domain;

/* A fresh instance of the domain, and what the outer ids are called in it. */
static vonk_status new_instance(domain *d, const vonk_plan **ret, const vonk_expr ***ret_columns, vonk_error *err)
{
    VONK_TRY(vonk_plan_fresh_ids(d->s->env->budget, d->values, ret, err));
    VONK_TRY(vonk__scratch_keep_plan(d->s, *ret, err));
    *ret_columns = (const vonk_expr **)(*ret)->output;
    return VONK_OK;
}

/* Gives p joined with the domain: its output has the domain's columns besides its own; ret_columns[i] = the one for
 * outer[i]. */
static vonk_status spread(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                          vonk_error *err);

static vonk_status in_domain(domain *d, const vonk_expr *e, const vonk_expr *const *columns, const vonk_expr **ret,
                             vonk_error *err)
{
    const vonk_expr *plain = NULL;

    VONK_TRY(vonk__strip_outer(d->s, d->left, e, &plain, err));
    return vonk__mk_replace(d->s, plain, d->outer, columns, d->n, ret, err);
}

static vonk_status list_in_domain(domain *d, const vonk_expr_list *list, const vonk_expr *const *columns,
                                  bool add_columns, vonk__exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(in_domain(d, list->at[i], columns, &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(ret, d->s->arena, e, err));
    }
    for (size_t i = 0; add_columns && i < d->n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(ret, d->s->arena, columns[i], err));
    return VONK_OK;
}

static vonk_status equal_domains(domain *d, const vonk_expr *const *a, const vonk_expr *const *b, vonk__exprs *terms,
                                 vonk_error *err)
{
    assert(d->n == 0 || (a && b));
    for (size_t i = 0; i < d->n; i++) {
        const vonk_expr *term = NULL;
        VONK_TRY(vonk__mk_equal(d->s, a[i], b[i], true, &term, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(terms, d->s->arena, term, err));
    }
    return VONK_OK;
}

/* A global aggregate has a row even where nothing fits: the domain is kept by an outer join and the values over no rows
 * are put in. */
static vonk_status spread_global(domain *d, const vonk_plan *p, const vonk_plan *grouped, const vonk_expr *const *inner,
                                 const vonk_plan **ret, const vonk_expr ***ret_columns, vonk_error *err)
{
    const vonk_plan *all = NULL, *joined = NULL;
    const vonk_expr **columns = NULL, **if_empty = NULL;
    vonk__exprs terms = {0}, outputs = {0};
    const vonk_expr *mark_alias = NULL, *mark = NULL, *one = NULL, *missing = NULL;
    vonk__exprs marked = {0};

    VONK_TRY(new_instance(d, &all, &columns, err));
    VONK_TRY(values_if_empty(d->s, p, p, &if_empty, err));
    VONK_TRY(vonk_ex_bool(d->s->env->budget, true, &one, err));
    VONK_TRY(vonk__scratch_keep_expr(d->s, one, err));
    VONK_TRY(vonk__mk_alias(d->s, one, "found", &mark_alias, &mark, err));
    for (uint32_t i = 0; i < grouped->n_output; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&marked, d->s->arena, grouped->output[i], err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&marked, d->s->arena, mark_alias, err));
    VONK_TRY(vonk__mk_project(d->s, grouped, marked.at, marked.n, &grouped, err));
    VONK_TRY(equal_domains(d, columns, inner, &terms, err));
    VONK_TRY(vonk__mk_join(d->s, all, grouped, VONK_JOIN_LEFT, terms.at, terms.n, &joined, err));
    mark = vonk_plan_column(joined, mark->id); /* as the join puts it out: perhaps NULL */
    VONK_TRY(vonk__mk_node(d->s, VONK_EX_IS_NULL, &mark, 1, &missing, err));
    for (uint32_t i = 0; i < p->n_output; i++) {
        const vonk_expr *value = NULL, *column = vonk_plan_column(joined, p->output[i]->id);
        vonk_expr *named = NULL;
        VONK_TRY(
            vonk__mk_node(d->s, VONK_EX_CASE, (const vonk_expr *[]){missing, if_empty[i], column}, 3, &value, err));
        VONK_TRY(vonk_expr_new(d->s->env->budget, VONK_EX_ALIAS, &value, 1, &named, err));
        named->id = p->output[i]->id; /* the same column for whoever is above */
        vonk_status status = vonk_expr_set_name(named, p->output[i]->name, err);
        if (status != VONK_OK) {
            vonk_expr_unref(named);
            return status;
        }
        const vonk_expr *alias = NULL;
        VONK_TRY(vonk_expr_finish(named, &alias, err));
        VONK_TRY(vonk__scratch_keep_expr(d->s, alias, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&outputs, d->s->arena, alias, err));
    }
    for (size_t i = 0; i < d->n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&outputs, d->s->arena, columns[i], err));
    *ret_columns = columns;
    return vonk__mk_project(d->s, joined, outputs.at, outputs.n, ret, err);
}

static vonk_status spread_aggregate(domain *d, const vonk_plan *p, const vonk_plan **ret,
                                    const vonk_expr ***ret_columns, vonk_error *err)
{
    const vonk_plan *child = NULL, *grouped = NULL;
    const vonk_expr **columns = NULL;
    vonk__exprs keys = {0}, outputs = {0};

    VONK_TRY(spread(d, p->children[0], &child, &columns, err));
    VONK_TRY(list_in_domain(d, &p->lists[0], columns, true, &keys, err));
    VONK_TRY(list_in_domain(d, &p->lists[1], columns, true, &outputs, err));
    VONK_TRY(vonk__mk_aggregate(d->s, child, keys.at, keys.n, outputs.at, outputs.n, &grouped, err));
    if (p->lists[0].n == 0) return spread_global(d, p, grouped, columns, ret, ret_columns, err);
    *ret = grouped;
    *ret_columns = columns;
    return VONK_OK;
}

static vonk_status spread_join(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                               vonk_error *err)
{
    const vonk_plan *sides[2] = {p->children[0], p->children[1]};
    const vonk_expr **columns[2] = {NULL, NULL};
    const vonk_join_type type = p->join.type;
    const bool own_condition = p->n_lists > 0 && p->lists[0].n > 0;
    const bool right_preserved = type == VONK_JOIN_RIGHT || type == VONK_JOIN_FULL;
    vonk__exprs terms = {0};

    if (type == VONK_JOIN_FULL)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a correlated subquery with a full outer join");
    const bool left_in = vonk__is_correlated(sides[0], d->left) || !right_preserved;
    const bool right_in = vonk__is_correlated(sides[1], d->left) || right_preserved;
    if (left_in) VONK_TRY(spread(d, p->children[0], &sides[0], &columns[0], err));
    if (right_in) VONK_TRY(spread(d, p->children[1], &sides[1], &columns[1], err));
    *ret_columns = right_preserved ? columns[1] : columns[0];
    if (own_condition) {
        const vonk_expr *condition = NULL;
        VONK_TRY(in_domain(d, p->lists[0].at[0], *ret_columns, &condition, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&terms, d->s->arena, condition, err));
    }
    if (left_in && right_in) VONK_TRY(equal_domains(d, columns[0], columns[1], &terms, err));
    vonk_plan *copy = NULL;
    VONK_TRY(vonk_plan_copy(d->s->env->budget, p, sides, 2, &copy, err));
    const vonk_expr *condition = NULL;
    vonk_status status = terms.n > 0 ? vonk__mk_and(d->s, terms.at, terms.n, &condition, err) : VONK_OK;
    if (status == VONK_OK) status = vonk_plan_set_list(copy, 0, &condition, terms.n > 0 ? 1 : 0, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    if (copy->join.type == VONK_JOIN_CROSS && terms.n > 0) copy->join.type = VONK_JOIN_INNER;
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(d->s, *ret, err);
}

static vonk_status spread_union(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                                vonk_error *err)
{
    const vonk_plan **children = NULL;
    const vonk_expr **out = NULL;

    VONK_TRY(vonk_arena_array(d->s->arena, p->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) {
        const vonk_plan *child = NULL;
        const vonk_expr **columns = NULL;
        vonk__exprs exprs = {0};
        VONK_TRY(spread(d, p->children[i], &child, &columns, err));
        for (uint32_t c = 0; c < p->children[i]->n_output; c++)
            VONK_TRY(VONK_VEC_ARENA_PUSH(&exprs, d->s->arena, p->children[i]->output[c], err));
        for (size_t c = 0; c < d->n; c++) VONK_TRY(VONK_VEC_ARENA_PUSH(&exprs, d->s->arena, columns[c], err));
        VONK_TRY(vonk__mk_project(d->s, child, exprs.at, exprs.n, &children[i], err));
    }
    VONK_TRY(vonk__mk_over(d->s, p, children, ret, err));
    VONK_TRY(vonk_arena_array(d->s->arena, d->n + 1, sizeof *out, &out, err));
    for (size_t i = 0; i < d->n; i++) out[i] = (*ret)->output[p->n_output + i];
    *ret_columns = out;
    return VONK_OK;
}

/* LIMIT n (over SORT) inside: the first n rows of each domain value, by row_number. */
static vonk_status spread_limit(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                                vonk_error *err)
{
    const vonk_plan *child = NULL, *below = p->children[0];
    const vonk_expr **columns = NULL, *number = NULL, *alias = NULL, *column = NULL, *keep = NULL;
    vonk__exprs parts = {0}, orders = {0};
    vonk_expr *window = NULL;
    vonk_plan *node = NULL;

    const bool sorted = below->kind == VONK_PN_SORT;
    VONK_TRY(spread(d, sorted ? below->children[0] : below, &child, &columns, err));
    if (sorted) VONK_TRY(list_in_domain(d, &below->lists[0], columns, false, &orders, err));
    if (!sorted) { /* row_number needs some order: any will do */
        const vonk_expr *any = NULL;
        VONK_TRY(vonk_ex_sort(d->s->env->budget, columns[0], false, false, &any, err));
        VONK_TRY(vonk__scratch_keep_expr(d->s, any, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&orders, d->s->arena, any, err));
    }
    VONK_TRY(vonk__mk_call(d->s, "row_number", &vonk_type_int, false, NULL, 0, &number, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, d->s->arena, number, err));
    for (size_t i = 0; i < d->n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, d->s->arena, columns[i], err));
    for (size_t i = 0; i < orders.n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, d->s->arena, orders.at[i], err));
    VONK_TRY(vonk_expr_new(d->s->env->budget, VONK_EX_WINDOW, parts.at, (uint32_t)parts.n, &window, err));
    window->flags |= VONK_EXF_CHECKED;
    window->n_partition = (uint32_t)d->n;
    window->n_order = (uint32_t)orders.n;
    window->frame =
        (vonk_frame){.given = true, .rows = true, .lower = VONK_FRAME_UNBOUNDED, .upper = VONK_FRAME_CURRENT};
    const vonk_expr *over = NULL;
    VONK_TRY(vonk_expr_finish(window, &over, err));
    VONK_TRY(vonk__scratch_keep_expr(d->s, over, err));
    VONK_TRY(vonk__mk_alias(d->s, over, "row_number", &alias, &column, err));
    VONK_TRY(vonk__opt_node(
        d->s->env, VONK_PN_WINDOW, &child, 1,
        &(vonk__lists){.at = {&alias, columns, orders.at}, .n = {1, (uint32_t)d->n, (uint32_t)orders.n}, .n_lists = 3},
        &node, err));
    const vonk_plan *numbered = NULL;
    VONK_TRY(vonk_plan_finish(node, &numbered, err));
    VONK_TRY(vonk__scratch_keep_plan(d->s, numbered, err));
    VONK_TRY(vonk__mk_call(d->s, "<=", &vonk_type_boolean, false, (const vonk_expr *[]){column, p->lists[0].at[0]}, 2,
                           &keep, err));
    *ret_columns = columns;
    return vonk__mk_filter(d->s, numbered, &keep, 1, ret, err);
}

/* Nodes with one child whose lists are expressions over it and whose output is the child's (and more). */
static vonk_status spread_unary(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                                vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *copy = NULL;

    VONK_TRY(spread(d, p->children[0], &child, ret_columns, err));
    VONK_TRY(vonk_plan_copy(d->s->env->budget, p, &child, 1, &copy, err));
    vonk_status status = VONK_OK;
    for (uint32_t l = 0; l < p->n_lists && status == VONK_OK; l++) {
        vonk__exprs list = {0};
        const bool carries = (p->kind == VONK_PN_PROJECT && l == 0) || (p->kind == VONK_PN_WINDOW && l == 1);
        status = list_in_domain(d, &p->lists[l], *ret_columns, carries, &list, err);
        if (status == VONK_OK) status = vonk_plan_set_list(copy, l, list.at, (uint32_t)list.n, err);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(d->s, *ret, err);
}

static vonk_status spread(domain *d, const vonk_plan *p, const vonk_plan **ret, const vonk_expr ***ret_columns,
                          vonk_error *err)
{
    if (!vonk__is_correlated(p, d->left)) {
        const vonk_plan *instance = NULL;
        VONK_TRY(new_instance(d, &instance, ret_columns, err));
        return vonk__mk_join(d->s, p, instance, VONK_JOIN_CROSS, NULL, 0, ret, err);
    }
    switch (p->kind) {
    case VONK_PN_FILTER:
    case VONK_PN_PROJECT:
    case VONK_PN_SORT:
    case VONK_PN_WINDOW:
    case VONK_PN_GENERATE: return spread_unary(d, p, ret, ret_columns, err);
    case VONK_PN_AGGREGATE: return spread_aggregate(d, p, ret, ret_columns, err);
    case VONK_PN_JOIN: return spread_join(d, p, ret, ret_columns, err);
    case VONK_PN_SET_OP: return spread_union(d, p, ret, ret_columns, err);
    case VONK_PN_LIMIT: return spread_limit(d, p, ret, ret_columns, err);
    default:
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("a correlated subquery with %s", vonk_node_name(p->kind)));
    }
}

/* ---- outer columns used, as ids of left */
typedef struct id_search {
    vonk__scratch *s;
    const vonk_plan *left;
    VONK_VEC(uint64_t) ids;
    vonk_error *err;
    vonk_status status;
} id_search;

static vonk_walk note_id(const vonk_expr *e, void *arg);

static vonk_walk note_ids(const vonk_plan *p, void *arg)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++) vonk_expr_walk(p->lists[l].at[i], note_id, arg);
    return VONK_WALK_ON;
}

static vonk_walk note_id(const vonk_expr *e, void *arg)
{
    id_search *s = arg;

    if (e->kind == VONK_EX_SUBQUERY) vonk_plan_walk(e->plan, note_ids, arg);
    if (e->kind != VONK_EX_COLUMN || !vonk_expr_has(e, VONK_EXF_OUTER) || !vonk_plan_has_column(s->left, e->id))
        return VONK_WALK_ON;
    for (size_t i = 0; i < s->ids.n; i++)
        if (s->ids.at[i] == e->id) return VONK_WALK_ON;
    if (s->status == VONK_OK) s->status = VONK_VEC_ARENA_PUSH(&s->ids, s->s->arena, e->id, s->err);
    return VONK_WALK_ON;
}

static vonk_status by_domain(vonk__scratch *s, const vonk_plan *left, const vonk_plan *sub, vonk__independent *ret,
                             vonk_error *err)
{
    id_search search = {.s = s, .left = left, .err = err};
    const vonk_plan *outer = NULL;
    const vonk_expr **columns = NULL;
    vonk__exprs keys = {0}, originals = {0};

    vonk_plan_walk(sub, note_ids, &search);
    VONK_TRY(search.status);
    for (size_t i = 0; i < search.ids.n; i++) {
        const vonk_expr *column = vonk_plan_column(left, search.ids.at[i]);
        if (!column) continue;
        VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, s->arena, column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&originals, s->arena, column, err));
    }
    VONK_TRY(vonk__mk_aggregate(s, left, keys.at, keys.n, keys.at, keys.n, &outer, err));
    domain d = {.s = s, .left = left, .values = outer, .outer = search.ids.at, .n = search.ids.n};
    VONK_TRY(spread(&d, sub, &ret->plan, &columns, err));
    VONK_TRY(equal_domains(&d, originals.at, columns, &ret->terms, err));
    ret->one_row = sub->kind == VONK_PN_AGGREGATE && sub->lists[0].n == 0;
    return VONK_OK;
}

static bool at_most_one_row(const vonk_plan *p)
{
    while (p->kind == VONK_PN_PROJECT || p->kind == VONK_PN_SORT || p->kind == VONK_PN_FILTER) p = p->children[0];
    return (p->kind == VONK_PN_AGGREGATE && p->lists[0].n == 0) || p->kind == VONK_PN_ONE_ROW;
}

vonk_status vonk__make_independent(vonk__scratch *s, const vonk_plan *left, const vonk_plan *sub,
                                   vonk__independent *ret, vonk_error *err)
{
    pull u = {.s = s, .left = left};

    *ret = (vonk__independent){.plan = sub, .one_row = at_most_one_row(sub)};
    if (!vonk__is_correlated(sub, left)) return VONK_OK;
    VONK_TRY(pull_up(&u, sub, &ret->plan, err));
    if (u.failed) return by_domain(s, left, sub, ret, err);
    ret->terms = u.terms;
    ret->one_row = u.grouped != NULL;
    if (u.grouped) return values_if_empty(s, sub, u.grouped, &ret->if_empty, err);
    return VONK_OK;
}
