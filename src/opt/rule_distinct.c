/* opt/rule_distinct.c -- DISTINCT inside aggregates becomes an aggregation of its own below.
 *
 *   one set of arguments, nothing else:
 *                           Aggregate [k], [k, count(DISTINCT x)]
 *                       =>  Aggregate [k], [k, count(x)]
 *                           +- Aggregate [k, x], [k, x]
 *
 *   in general each set is a copy of the rows under a group number, as Spark does:
 *                           Aggregate [k], [k, count(DISTINCT x), sum(y)]
 *                       =>  Aggregate [k], [k, count(x) FILTER (g = 1), first(s) FILTER (g = 0)]
 *                           +- Aggregate [k, x, g], [..., sum(y) FILTER (g = 0) s]
 *                              +- Expand [k, null, 0, y], [k, x, 1, null]
 * Plain aggregates go below like that because not every one can be merged twice. */
#include "opt/rules.h"
#include "opt/scratch.h"
#include "plan/expr_set.h"

typedef struct distinct_set {
    const vonk_expr *call;     /* one of the calls with these arguments and this filter */
    const vonk_expr **columns; /* of the Expand, one per argument */
} distinct_set;

typedef struct spreader {
    vonk__scratch s;
    const vonk_plan *node;
    vonk_expr_set calls; /* aggregate calls of the outputs */
    distinct_set *sets;
    uint32_t n_sets;
} spreader;

static bool is_aggregate(const vonk_expr *e) { return e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE; }
static bool is_distinct(const vonk_expr *e)
{
    return vonk_expr_has(e, VONK_EXF_DISTINCT) && !(e->fn->agg && e->fn->agg->ignores_duplicates);
}

static const vonk_expr *filter_of(const vonk_expr *call)
{
    return vonk_expr_has(call, VONK_EXF_HAS_FILTER) ? call->children[call->n_args] : NULL;
}

static vonk_status gather(spreader *x, const vonk_expr *e, vonk_error *err)
{
    if (is_aggregate(e)) return vonk_expr_set_add(&x->calls, x->s.arena, e, NULL, err);
    for (uint32_t i = 0; i < e->n_children; i++)
        VONK_TRY(gather(x, e->children[i], err)); /* depth: VONK_MAX_EXPR_DEPTH */
    return VONK_OK;
}

static bool same_set(const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *fa = filter_of(a), *fb = filter_of(b);

    if (a->n_args != b->n_args || (fa == NULL) != (fb == NULL) || (fa && !vonk_expr_equal(fa, fb))) return false;
    for (uint32_t i = 0; i < a->n_args; i++)
        if (!vonk_expr_equal(a->children[i], b->children[i])) return false;
    return true;
}

static uint32_t set_of(const spreader *x, const vonk_expr *call)
{
    for (uint32_t i = 0; i < x->n_sets; i++)
        if (same_set(x->sets[i].call, call)) return i;
    return x->n_sets;
}

static vonk_status find_sets(spreader *x, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(x->s.arena, x->calls.n + 1, sizeof *x->sets, &x->sets, err));
    for (size_t i = 0; i < x->calls.n; i++)
        if (is_distinct(x->calls.at[i]) && set_of(x, x->calls.at[i]) == x->n_sets)
            x->sets[x->n_sets++].call = x->calls.at[i];
    return VONK_OK;
}

/* ---- the Expand: group 0 carries what plain aggregates read, group i the arguments of set i - 1 */
typedef struct expansion {
    vonk__exprs columns;     /* its output */
    vonk__exprs *rows;       /* one projection per group */
    vonk__exprs keys;        /* grouping columns, as its output */
    const vonk_expr *group;  /* the group number's column */
    vonk__exprs *plain_args; /* columns for the arguments (and filter) of each plain call, in order */
} expansion;

static vonk_status literal_null(spreader *x, const vonk_type *type, const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_ex_null(x->s.env->budget, type, ret, err));
    return vonk__scratch_keep_expr(&x->s, *ret, err);
}

/* One more column: `value` in the groups first..last, null elsewhere. */
static vonk_status add_column(spreader *x, expansion *ex, const vonk_expr *value, uint32_t first, uint32_t last,
                              const vonk_expr **ret_column, vonk_error *err)
{
    const vonk_expr *alias = NULL, *none = NULL, *column = NULL;
    vonk_expr *nullable = NULL;

    VONK_TRY(literal_null(x, value->type, &none, err));
    for (uint32_t g = 0; g <= x->n_sets; g++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->rows[g], x->s.arena, g >= first && g <= last ? value : none, err));
    VONK_TRY(vonk__mk_alias(&x->s, value, "expanded", &alias, &column, err));
    VONK_TRY(vonk_expr_copy(x->s.env->budget, column, NULL, 0, &nullable, err));
    nullable->nullable = value->nullable || first != 0 || last != x->n_sets;
    VONK_TRY(vonk_expr_finish(nullable, ret_column, err));
    VONK_TRY(vonk__scratch_keep_expr(&x->s, *ret_column, err));
    return VONK_VEC_ARENA_PUSH(&ex->columns, x->s.arena, *ret_column, err);
}

/* Rows that the filter drops count as null, which every aggregate of distinct values ignores. */
static vonk_status argument_of(spreader *x, const vonk_expr *call, uint32_t i, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *filter = filter_of(call), *none = NULL;

    *ret = call->children[i];
    if (!filter) return VONK_OK;
    VONK_TRY(literal_null(x, (*ret)->type, &none, err));
    return vonk__mk_node(&x->s, VONK_EX_CASE, (const vonk_expr *[]){filter, *ret, none}, 3, ret, err);
}

/* What parametrizes the function, such as listagg's separator: no part of what has to differ, and a constant above. */
static bool is_parameter(const vonk_expr *call, uint32_t i)
{
    return i > 0 && vonk_expr_is_foldable(call->children[i]);
}

static vonk_status expand_sets(spreader *x, expansion *ex, vonk_error *err)
{
    for (uint32_t i = 0; i < x->n_sets; i++) {
        const vonk_expr *call = x->sets[i].call;
        VONK_TRY(vonk_arena_array(x->s.arena, call->n_args + 1, sizeof *x->sets[i].columns, &x->sets[i].columns, err));
        for (uint32_t a = 0; a < call->n_args; a++) {
            const vonk_expr *value = NULL;
            x->sets[i].columns[a] = call->children[a];
            if (is_parameter(call, a)) continue;
            VONK_TRY(argument_of(x, call, a, &value, err));
            VONK_TRY(add_column(x, ex, value, i + 1, i + 1, &x->sets[i].columns[a], err));
        }
    }
    return VONK_OK;
}

static vonk_status expand_plain(spreader *x, expansion *ex, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(x->s.arena, x->calls.n + 1, sizeof *ex->plain_args, &ex->plain_args, err));
    for (size_t i = 0; i < x->calls.n; i++) {
        if (is_distinct(x->calls.at[i])) continue;
        for (uint32_t c = 0; c < x->calls.at[i]->n_children; c++) {
            const vonk_expr *child = x->calls.at[i]->children[c], *column = NULL;
            if (vonk_expr_is_foldable(child)) {
                VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->plain_args[i], x->s.arena, child, err));
                continue;
            }
            const bool sort = child->kind == VONK_EX_SORT;
            VONK_TRY(add_column(x, ex, sort ? child->children[0] : child, 0, 0, &column, err));
            if (sort) VONK_TRY(vonk__mk_copy(&x->s, child, &column, &column, err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->plain_args[i], x->s.arena, column, err));
        }
    }
    return VONK_OK;
}

static bool has_plain(const spreader *x)
{
    for (size_t i = 0; i < x->calls.n; i++)
        if (!is_distinct(x->calls.at[i])) return true;
    return false;
}

static vonk_status expand(spreader *x, expansion *ex, const vonk_plan **ret, vonk_error *err)
{
    const uint32_t first = has_plain(x) ? 0 : 1; /* group 0 would be rows that nobody reads */
    const vonk_expr *number = NULL, *alias = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(x->s.arena, x->n_sets + 1, sizeof *ex->rows, &ex->rows, err));
    for (uint32_t k = 0; k < x->node->lists[0].n; k++) {
        const vonk_expr *column = NULL;
        VONK_TRY(add_column(x, ex, x->node->lists[0].at[k], 0, x->n_sets, &column, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->keys, x->s.arena, column, err));
    }
    VONK_TRY(expand_sets(x, ex, err));
    VONK_TRY(expand_plain(x, ex, err));
    for (uint32_t g = 0; g <= x->n_sets; g++) {
        VONK_TRY(vonk_ex_int(x->s.env->budget, g, &vonk_type_int, &number, err));
        VONK_TRY(vonk__scratch_keep_expr(&x->s, number, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->rows[g], x->s.arena, number, err));
    }
    VONK_TRY(vonk__mk_alias(&x->s, number, "gid", &alias, &ex->group, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&ex->columns, x->s.arena, ex->group, err));
    VONK_TRY(vonk_plan_new(x->s.env->budget, VONK_PN_EXPAND, &x->node->children[0], 1, &node, err));
    vonk_status status = vonk_plan_set_output(node, ex->columns.at, (uint32_t)ex->columns.n, err);
    for (uint32_t g = first; g <= x->n_sets && status == VONK_OK; g++)
        status = vonk_plan_set_list(node, g - first, ex->rows[g].at, (uint32_t)ex->rows[g].n, err);
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    VONK_TRY(vonk_plan_finish(node, ret, err));
    return vonk__scratch_keep_plan(&x->s, *ret, err);
}

/* ---- the two aggregations */
static vonk_status in_group(spreader *x, const expansion *ex, uint32_t group, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *number = NULL;

    VONK_TRY(vonk_ex_int(x->s.env->budget, group, &vonk_type_int, &number, err));
    VONK_TRY(vonk__scratch_keep_expr(&x->s, number, err));
    return vonk__mk_equal(&x->s, ex->group, number, false, ret, err);
}

/* The call over other arguments, with `filter` (NULL: none) as its FILTER. */
static vonk_status call_over(spreader *x, const vonk_expr *call, const vonk_expr *const *args, uint32_t n_args,
                             const vonk_expr *filter, const vonk_expr *const *orders, uint32_t n_orders,
                             const vonk_expr **ret, vonk_error *err)
{
    vonk__exprs children = {0};
    vonk_expr *node = NULL;

    for (uint32_t i = 0; i < n_args; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, x->s.arena, args[i], err));
    if (filter) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, x->s.arena, filter, err));
    for (uint32_t i = 0; i < n_orders; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&children, x->s.arena, orders[i], err));
    VONK_TRY(vonk_expr_new(x->s.env->budget, VONK_EX_FUNCTION, children.at, (uint32_t)children.n, &node, err));
    node->fn = call->fn;
    node->mode = call->mode;
    node->n_args = n_args;
    node->n_order = n_orders;
    node->flags = call->flags & ~(uint32_t)(VONK_EXF_DISTINCT | VONK_EXF_HAS_FILTER);
    if (filter) node->flags |= VONK_EXF_HAS_FILTER;
    node->nullable = call->nullable;
    vonk_status status = vonk_expr_set_type(node, call->type, err);
    if (status != VONK_OK) {
        vonk_expr_unref(node);
        return status;
    }
    VONK_TRY(vonk_expr_finish(node, ret, err));
    return vonk__scratch_keep_expr(&x->s, *ret, err);
}

/* A plain call is computed below, in group 0, where each key has exactly one row per (key, all nulls, 0); above, its
 * one value is picked. */
static vonk_status plain_call(spreader *x, expansion *ex, size_t i, vonk__exprs *below, const vonk_expr **ret_above,
                              vonk_error *err)
{
    const vonk_expr *call = x->calls.at[i], *group = NULL, *filter = NULL, *inner = NULL, *alias = NULL, *column = NULL;
    const bool filtered = vonk_expr_has(call, VONK_EXF_HAS_FILTER);
    const vonk__exprs *args = &ex->plain_args[i];
    vonk_expr *first = NULL;

    VONK_TRY(in_group(x, ex, 0, &group, err));
    filter = group;
    if (filtered) VONK_TRY(vonk__mk_and(&x->s, (const vonk_expr *[]){group, args->at[call->n_args]}, 2, &filter, err));
    VONK_TRY(call_over(x, call, args->at, call->n_args, filter, args->at + call->n_args + (filtered ? 1 : 0),
                       call->n_order, &inner, err));
    VONK_TRY(vonk__mk_alias(&x->s, inner, "plain", &alias, &column, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(below, x->s.arena, alias, err));
    VONK_TRY(vonk_expr_new(x->s.env->budget, VONK_EX_FUNCTION, (const vonk_expr *[]){column, group}, 2, &first, err));
    first->fn = vonk_fn_find(VONK_STR("first"));
    first->n_args = 1;
    first->flags = VONK_EXF_HAS_FILTER;
    first->nullable = true;
    vonk_status status = vonk_expr_set_type(first, call->type, err);
    if (status != VONK_OK) {
        vonk_expr_unref(first);
        return status;
    }
    VONK_TRY(vonk_expr_finish(first, ret_above, err));
    VONK_TRY(vonk__scratch_keep_expr(&x->s, *ret_above, err));
    if (call->nullable || call->type->id != VONK_T_LONG) return VONK_OK;
    const vonk_expr *zero = NULL; /* count over no rows at all */
    VONK_TRY(vonk_ex_int(x->s.env->budget, 0, call->type, &zero, err));
    VONK_TRY(vonk__scratch_keep_expr(&x->s, zero, err));
    return vonk__mk_node(&x->s, VONK_EX_COALESCE, (const vonk_expr *[]){*ret_above, zero}, 2, ret_above, err);
}

typedef struct swap {
    spreader *x;
    const vonk_expr **above; /* per call */
    const vonk__exprs *keys;
} swap;

/* Outputs over the upper aggregation: keys and calls are replaced, found top-down. */
static vonk_status over_upper(swap *w, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr_list *keys = &w->x->node->lists[0];
    const vonk_expr **children = NULL;

    for (uint32_t k = 0; k < keys->n; k++)
        if (vonk_expr_equal(keys->at[k], e)) {
            assert(w->keys->at);
            *ret = w->keys->at[k];
            return VONK_OK;
        }
    if (is_aggregate(e)) {
        *ret = w->above[vonk_expr_set_find(&w->x->calls, e)];
        return VONK_OK;
    }
    *ret = e;
    if (e->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(w->x->s.arena, e->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) VONK_TRY(over_upper(w, e->children[i], &children[i], err));
    return vonk__mk_copy(&w->x->s, e, children, ret, err);
}

/* Output i keeps the id it had. */
static vonk_status named_output(swap *w, const vonk_expr *out, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *value = NULL;
    vonk_expr *alias = NULL;

    VONK_TRY(over_upper(w, out->kind == VONK_EX_ALIAS ? out->children[0] : out, &value, err));
    VONK_TRY(vonk_expr_new(w->x->s.env->budget, VONK_EX_ALIAS, &value, 1, &alias, err));
    alias->id = out->id;
    vonk_status status = vonk_expr_set_name(alias, out->name, err);
    if (status != VONK_OK) {
        vonk_expr_unref(alias);
        return status;
    }
    VONK_TRY(vonk_expr_finish(alias, ret, err));
    return vonk__scratch_keep_expr(&w->x->s, *ret, err);
}

/* What is below: every different (keys, arguments), by group where there are several. ret_keys: the grouping columns of
 * its output; above: what takes each call's place over it. */
static vonk_status lower_groups(spreader *x, vonk__exprs *ret_keys, const vonk_expr **above, const vonk_plan **ret,
                                vonk_error *err)
{
    expansion ex = {0};
    const vonk_plan *expanded = NULL;
    vonk__exprs keys = {0}, out = {0};

    VONK_TRY(expand(x, &ex, &expanded, err));
    for (size_t i = 0; i < ex.keys.n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, x->s.arena, ex.keys.at[i], err));
    for (uint32_t i = 0; i < x->n_sets; i++)
        for (uint32_t a = 0; a < x->sets[i].call->n_args; a++)
            if (!is_parameter(x->sets[i].call, a))
                VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, x->s.arena, x->sets[i].columns[a], err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, x->s.arena, ex.group, err));
    for (size_t i = 0; i < keys.n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&out, x->s.arena, keys.at[i], err));
    for (size_t i = 0; i < x->calls.n; i++) {
        const vonk_expr *group = NULL;
        if (!is_distinct(x->calls.at[i])) {
            VONK_TRY(plain_call(x, &ex, i, &out, &above[i], err));
            continue;
        }
        const uint32_t set = set_of(x, x->calls.at[i]);
        VONK_TRY(in_group(x, &ex, set + 1, &group, err));
        VONK_TRY(call_over(x, x->calls.at[i], x->sets[set].columns, x->sets[set].call->n_args, group, NULL, 0,
                           &above[i], err));
    }
    *ret_keys = ex.keys;
    return vonk__mk_aggregate(&x->s, expanded, keys.at, keys.n, out.at, out.n, ret, err);
}

static vonk_status add_key(spreader *x, const vonk_expr *value, vonk__exprs *keys, vonk__exprs *out,
                           vonk__exprs *columns, vonk_error *err)
{
    const vonk_expr *alias = NULL, *column = NULL;

    VONK_TRY(vonk__mk_alias(&x->s, value, "distinct", &alias, &column, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(keys, x->s.arena, value, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(out, x->s.arena, alias, err));
    return VONK_VEC_ARENA_PUSH(columns, x->s.arena, column, err);
}

/* The same with one set and no plain aggregate: no copies, no group number. */
static vonk_status lower_single(spreader *x, vonk__exprs *ret_keys, const vonk_expr **above, const vonk_plan **ret,
                                vonk_error *err)
{
    const vonk_expr *call = x->sets[0].call;
    const vonk_expr_list *by = &x->node->lists[0];
    vonk__exprs keys = {0}, out = {0}, args = {0};

    for (uint32_t k = 0; k < by->n; k++) VONK_TRY(add_key(x, by->at[k], &keys, &out, ret_keys, err));
    for (uint32_t a = 0; a < call->n_args; a++) {
        const vonk_expr *value = call->children[a];
        if (is_parameter(call, a)) {
            VONK_TRY(VONK_VEC_ARENA_PUSH(&args, x->s.arena, value, err));
            continue;
        }
        VONK_TRY(argument_of(x, call, a, &value, err));
        VONK_TRY(add_key(x, value, &keys, &out, &args, err));
    }
    for (size_t i = 0; i < x->calls.n; i++)
        VONK_TRY(call_over(x, x->calls.at[i], args.at, call->n_args, NULL, NULL, 0, &above[i], err));
    return vonk__mk_aggregate(&x->s, x->node->children[0], keys.at, keys.n, out.at, out.n, ret, err);
}

static vonk_status two_levels(spreader *x, const vonk_plan **ret, vonk_error *err)
{
    const bool single = x->n_sets == 1 && !has_plain(x);
    const vonk_plan *lower = NULL;
    vonk__exprs keys = {0}, outputs = {0};
    const vonk_expr **above = NULL;

    VONK_TRY(vonk_arena_array(x->s.arena, x->calls.n + 1, sizeof *above, &above, err));
    VONK_TRY(single ? lower_single(x, &keys, above, &lower, err) : lower_groups(x, &keys, above, &lower, err));
    swap w = {x, above, &keys};
    for (uint32_t i = 0; i < x->node->lists[1].n; i++) {
        const vonk_expr *out = NULL;
        VONK_TRY(named_output(&w, x->node->lists[1].at[i], &out, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&outputs, x->s.arena, out, err));
    }
    return vonk__mk_aggregate(&x->s, lower, keys.at, keys.n, outputs.at, outputs.n, ret, err);
}

static vonk_status rewrite(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *done = p;

    if (p->kind != VONK_PN_AGGREGATE) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    spreader x = {.s = {env, arena}, .node = p};
    for (uint32_t i = 0; i < p->lists[1].n; i++) VONK_TRY(gather(&x, p->lists[1].at[i], err));
    VONK_TRY(find_sets(&x, err));
    if (x.n_sets > 0) VONK_TRY(two_levels(&x, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_distinct(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, rewrite, (void *)env, ret, err);
}
