/* opt/rule_prune_columns.c -- every node puts out only what is used above it; scans read only that.
 *
 *   Project [a]                    Project [a]
 *   +- Filter [b > 1]         =>   +- Filter [b > 1]
 *      +- Relation [a, b, c]          +- Relation [a, b] */
#include "opt/rules.h"
#include "opt/scratch.h"

/* Of subplans that stand in the plan more than once: what anybody wants of them. */
typedef struct shared_use {
    uint32_t number;
    vonk_ids wanted;
} shared_use;

typedef struct pruner {
    vonk__scratch s; /* first: rules' tools take it */
    VONK_VEC(shared_use) shared;
    bool gathering; /* a first round, only to find that out */
} pruner;

static vonk_status add_list(vonk__scratch *s, vonk_ids *set, const vonk_expr_list *list, vonk_error *err)
{
    for (uint32_t i = 0; i < list->n; i++) VONK_TRY(vonk_expr_column_ids(list->at[i], s->arena, set, err));
    return VONK_OK;
}

static vonk_status all_of(vonk__scratch *s, const vonk_plan *p, vonk_ids *ret, vonk_error *err)
{
    *ret = (vonk_ids){.capacity = p->n_output + 1};
    VONK_TRY(vonk_arena_array(s->arena, ret->capacity, sizeof *ret->at, &ret->at, err));
    for (uint32_t i = 0; i < p->n_output; i++) ret->at[ret->n++] = p->output[i]->id;
    vonk_ids_sort(ret);
    return VONK_OK;
}

static vonk_status copy_set(vonk__scratch *s, const vonk_ids *from, vonk_ids *ret, vonk_error *err)
{
    *ret = (vonk_ids){.n = from->n, .capacity = from->n + 1};
    VONK_TRY(vonk_arena_array(s->arena, ret->capacity, sizeof *ret->at, &ret->at, err));
    if (from->n) memcpy(ret->at, from->at, from->n * sizeof *ret->at);
    return VONK_OK;
}

static vonk_status prune(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                         vonk_error *err);

/* The wanted ones of the node's own output list (PROJECT: l0, AGGREGATE: l1, WINDOW: l0); at least one stays when
 * `least_one`. */
static vonk_status wanted_of(vonk__scratch *s, const vonk_expr_list *list, const vonk_ids *wanted, bool least_one,
                             vonk__exprs *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (vonk_ids_has(wanted, list->at[i]->id)) VONK_TRY(VONK_VEC_ARENA_PUSH(ret, s->arena, list->at[i], err));
    if (least_one && ret->n == 0 && list->n > 0) VONK_TRY(VONK_VEC_ARENA_PUSH(ret, s->arena, list->at[0], err));
    return VONK_OK;
}

static vonk_status node_with_list(vonk__scratch *s, const vonk_plan *p, const vonk_plan *child, uint32_t list,
                                  const vonk__exprs *exprs, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *copy = NULL;

    VONK_TRY(vonk_plan_copy(s->env->budget, p, &child, 1, &copy, err));
    vonk_status status = vonk_plan_set_list(copy, list, exprs->at, (uint32_t)exprs->n, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

static vonk_status prune_project(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                 vonk_error *err)
{
    vonk__exprs exprs = {0};
    vonk_ids below = {0};
    const vonk_plan *child = NULL;

    VONK_TRY(wanted_of(s, &p->lists[0], wanted, false, &exprs, err));
    for (size_t i = 0; i < exprs.n; i++) VONK_TRY(vonk_expr_column_ids(exprs.at[i], s->arena, &below, err));
    VONK_TRY(prune(s, p->children[0], &below, &child, err));
    return vonk__mk_project(s, child, exprs.at, exprs.n, ret, err);
}

static vonk_status prune_aggregate(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                   vonk_error *err)
{
    vonk__exprs outputs = {0};
    vonk_ids below = {0};
    const vonk_plan *child = NULL;

    VONK_TRY(wanted_of(s, &p->lists[1], wanted, true, &outputs, err));
    VONK_TRY(add_list(s, &below, &p->lists[0], err));
    for (size_t i = 0; i < outputs.n; i++) VONK_TRY(vonk_expr_column_ids(outputs.at[i], s->arena, &below, err));
    VONK_TRY(prune(s, p->children[0], &below, &child, err));
    return node_with_list(s, p, child, 1, &outputs, ret, err);
}

/* l0 comes beside the child's columns. */
static vonk_status prune_beside(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk__exprs exprs = {0};
    vonk_ids below;
    const vonk_plan *child = NULL;

    VONK_TRY(wanted_of(s, &p->lists[0], wanted, false, &exprs, err));
    VONK_TRY(copy_set(s, wanted, &below, err));
    if (exprs.n == 0 && p->lists[0].n > 0) return prune(s, p->children[0], &below, ret, err);
    for (size_t i = 0; i < exprs.n; i++) VONK_TRY(vonk_expr_column_ids(exprs.at[i], s->arena, &below, err));
    for (uint32_t l = 1; l < p->n_lists && exprs.n == 0; l++) VONK_TRY(add_list(s, &below, &p->lists[l], err));
    VONK_TRY(prune(s, p->children[0], &below, &child, err));
    return node_with_list(s, p, child, 0, &exprs, ret, err);
}

static vonk_status prune_scan(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                              vonk_error *err)
{
    vonk_ids needed;
    vonk__exprs output = {0};
    uint32_t *columns = NULL, n = 0;
    vonk_plan *copy = NULL;

    VONK_TRY(copy_set(s, wanted, &needed, err));
    for (uint32_t l = 0; l < p->n_lists; l++) VONK_TRY(add_list(s, &needed, &p->lists[l], err));
    VONK_TRY(vonk_plan_copy(s->env->budget, p, NULL, 0, &copy, err));
    vonk_status status = vonk_arena_array(copy->arena, p->n_output + 1, sizeof *columns, &columns, err);
    for (uint32_t i = 0; i < p->n_output && status == VONK_OK; i++)
        if (vonk_ids_has(&needed, p->output[i]->id)) {
            columns[n++] = p->scan.columns[i];
            status = VONK_VEC_ARENA_PUSH(&output, s->arena, p->output[i], err);
        }
    if (status == VONK_OK) status = vonk_plan_set_output(copy, output.at, n, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    copy->scan.columns = columns;
    copy->owns_texts = true; /* a copy of the copy uses them */
    copy->scan.n_columns = n;
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

/* The child's columns that are wanted, as a PROJECT when there are others. */
static vonk_status narrowed(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                            vonk_error *err)
{
    vonk__exprs exprs = {0};

    for (uint32_t i = 0; i < p->n_output; i++)
        if (vonk_ids_has(wanted, p->output[i]->id)) VONK_TRY(VONK_VEC_ARENA_PUSH(&exprs, s->arena, p->output[i], err));
    *ret = p;
    return exprs.n == p->n_output ? VONK_OK : vonk__mk_project(s, p, exprs.at, exprs.n, ret, err);
}

/* Every input gives exactly the wanted positions. */
static vonk_status prune_union(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                               vonk_error *err)
{
    const vonk_plan **children = NULL;

    VONK_TRY(vonk_arena_array(s->arena, p->n_children, sizeof *children, &children, err));
    for (uint32_t c = 0; c < p->n_children; c++) {
        vonk__exprs exprs = {0};
        vonk_ids below = {0};
        for (uint32_t i = 0; i < p->n_output; i++)
            if (vonk_ids_has(wanted, p->output[i]->id))
                VONK_TRY(VONK_VEC_ARENA_PUSH(&exprs, s->arena, p->children[c]->output[i], err));
        for (size_t i = 0; i < exprs.n; i++) VONK_TRY(vonk_expr_column_ids(exprs.at[i], s->arena, &below, err));
        VONK_TRY(prune(s, p->children[c], &below, &children[c], err));
        bool same = children[c]->n_output == exprs.n;
        for (size_t i = 0; same && i < exprs.n; i++) same = children[c]->output[i]->id == exprs.at[i]->id;
        if (!same) VONK_TRY(vonk__mk_project(s, children[c], exprs.at, exprs.n, &children[c], err));
    }
    return vonk__mk_over(s, p, children, ret, err);
}

/* Of every projection the wanted positions; at least one stays, since rows are counted by it. */
static vonk_status prune_expand(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk__exprs output = {0};
    vonk_ids kept = {0}, below = {0};
    const vonk_plan *child = NULL;
    vonk_plan *copy = NULL;

    VONK_TRY(wanted_of(s, &(vonk_expr_list){p->output, p->n_output}, wanted, true, &output, err));
    for (size_t i = 0; i < output.n; i++) VONK_TRY(vonk_expr_column_ids(output.at[i], s->arena, &kept, err));
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->n_output; i++)
            if (vonk_ids_has(&kept, p->output[i]->id))
                VONK_TRY(vonk_expr_column_ids(p->lists[l].at[i], s->arena, &below, err));
    VONK_TRY(prune(s, p->children[0], &below, &child, err));
    VONK_TRY(vonk_plan_copy(s->env->budget, p, &child, 1, &copy, err));
    vonk_status status = vonk_plan_set_output(copy, output.at, (uint32_t)output.n, err);
    for (uint32_t l = 0; l < p->n_lists && status == VONK_OK; l++) {
        vonk__exprs row = {0};
        for (uint32_t i = 0; i < p->n_output && status == VONK_OK; i++)
            if (vonk_ids_has(&kept, p->output[i]->id))
                status = VONK_VEC_ARENA_PUSH(&row, s->arena, p->lists[l].at[i], err);
        if (status == VONK_OK) status = vonk_plan_set_list(copy, l, row.at, (uint32_t)row.n, err);
    }
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

/* Joins: below them unwanted columns go; keys that only the join needs are dropped right above it. */
static vonk_status prune_join(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                              vonk_error *err)
{
    const vonk_plan *children[2], *joined = NULL;

    for (uint32_t side = 0; side < 2; side++) {
        vonk_ids below;
        VONK_TRY(copy_set(s, wanted, &below, err));
        if (p->n_lists > 0) VONK_TRY(add_list(s, &below, &p->lists[0], err));
        VONK_TRY(prune(s, p->children[side], &below, &children[side], err));
        VONK_TRY(narrowed(s, children[side], &below, &children[side], err));
    }
    VONK_TRY(vonk__mk_over(s, p, children, &joined, err));
    return narrowed(s, joined, wanted, ret, err);
}

static vonk_status use_of(pruner *p, const vonk_plan *node, shared_use **ret, vonk_error *err)
{
    const shared_use fresh = {.number = (uint32_t)node->number};

    for (size_t i = 0; i < p->shared.n; i++) {
        *ret = &p->shared.at[i];
        if ((*ret)->number == fresh.number) return VONK_OK;
    }
    VONK_TRY(VONK_VEC_ARENA_PUSH(&p->shared, p->s.arena, fresh, err));
    *ret = &p->shared.at[p->shared.n - 1];
    return VONK_OK;
}

/* All copies are pruned alike, to what one of them needs. */
static vonk_status prune_shared(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                vonk_error *err)
{
    pruner *all = (pruner *)s;
    shared_use *use = NULL;
    const vonk_plan *child = NULL;

    VONK_TRY(use_of(all, p, &use, err));
    if (all->gathering) {
        for (uint32_t i = 0; i < p->n_output; i++)
            if (vonk_ids_has(wanted, p->output[i]->id))
                VONK_TRY(vonk_expr_column_ids(p->output[i], s->arena, &use->wanted, err));
        *ret = p;
        return VONK_OK;
    }
    VONK_TRY(prune(s, p->children[0], &use->wanted, &child, err));
    VONK_TRY(narrowed(s, child, &use->wanted, &child, err));
    VONK_TRY(vonk__mk_over(s, p, &child, ret, err));
    return narrowed(s, *ret, wanted, ret, err);
}

/* Nodes whose output is their child's: what they read themselves is added. */
static vonk_status prune_through(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                                 vonk_error *err)
{
    vonk_ids below;
    const vonk_plan *child = NULL;

    VONK_TRY(copy_set(s, wanted, &below, err));
    for (uint32_t l = 0; l < p->n_lists; l++) VONK_TRY(add_list(s, &below, &p->lists[l], err));
    VONK_TRY(prune(s, p->children[0], &below, &child, err));
    VONK_TRY(narrowed(s, child, &below, &child, err));
    if (p->kind == VONK_PN_GENERATE || p->kind == VONK_PN_FILTER || p->kind == VONK_PN_SORT ||
        p->kind == VONK_PN_LIMIT || p->kind == VONK_PN_OFFSET || p->kind == VONK_PN_TAIL) {
        const vonk_plan *over = NULL;
        VONK_TRY(vonk__mk_over(s, p, &child, &over, err));
        return narrowed(s, over, wanted, ret, err);
    }
    return vonk__mk_over(s, p, &child, ret, err);
}

/* Everything below is wanted. */
static vonk_status prune_whole(vonk__scratch *s, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children = NULL;

    *ret = p;
    if (p->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(s->arena, p->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) {
        vonk_ids all;
        VONK_TRY(all_of(s, p->children[i], &all, err));
        VONK_TRY(prune(s, p->children[i], &all, &children[i], err));
        VONK_TRY(vonk__mk_output_like(s, children[i], p->children[i], &children[i], err));
    }
    return vonk__mk_over(s, p, children, ret, err);
}

static vonk_status prune(vonk__scratch *s, const vonk_plan *p, const vonk_ids *wanted, const vonk_plan **ret,
                         vonk_error *err)
{
    switch (p->kind) {
    case VONK_PN_PROJECT: return prune_project(s, p, wanted, ret, err);
    case VONK_PN_AGGREGATE: return prune_aggregate(s, p, wanted, ret, err);
    case VONK_PN_PYTHON_EVAL:
    case VONK_PN_WINDOW: return prune_beside(s, p, wanted, ret, err);
    case VONK_PN_SCAN:
    case VONK_PN_CACHED: return prune_scan(s, p, wanted, ret, err);
    case VONK_PN_SET_OP:
        return p->set.kind == VONK_SET_UNION && p->set.all ? prune_union(s, p, wanted, ret, err)
                                                           : prune_whole(s, p, ret, err);
    case VONK_PN_EXPAND: return prune_expand(s, p, wanted, ret, err);
    case VONK_PN_JOIN: return prune_join(s, p, wanted, ret, err);
    case VONK_PN_SHARED: return prune_shared(s, p, wanted, ret, err);
    case VONK_PN_FILTER:
    case VONK_PN_SORT:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
    case VONK_PN_GENERATE:
    case VONK_PN_SAMPLE:
    case VONK_PN_REPARTITION: return prune_through(s, p, wanted, ret, err);
    default: return prune_whole(s, p, ret, err);
    }
}

static vonk_walk find_shared(const vonk_plan *p, void *arg)
{
    bool *found = arg;

    *found |= p->kind == VONK_PN_SHARED;
    return *found ? VONK_WALK_STOP : VONK_WALK_ON;
}

vonk_status vonk__rule_prune_columns(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_plan *done = NULL;
    vonk_ids all;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    pruner p = {.s = {env, arena}};
    VONK_TRY(all_of(&p.s, plan, &all, err));
    vonk_plan_walk(plan, find_shared, &p.gathering);
    if (p.gathering) VONK_TRY(prune(&p.s, plan, &all, &done, err));
    p.gathering = false;
    VONK_TRY(prune(&p.s, plan, &all, &done, err));
    VONK_TRY(vonk__mk_output_like(&p.s, done, plan, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}
