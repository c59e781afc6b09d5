/* opt/physical_aggregate.c -- AGGREGATE: partial per input partition, exchange by key, final; then a projection for
 * what stands around the aggregates. */
#include "opt/opt_int.h"
#include "opt/stats.h"
#include "plan/expr_set.h"
#include "plan/program.h"

typedef struct split {
    const vonk_opt_env *env;
    const vonk_plan *node; /* logical */
    vonk_arena *arena;
    vonk_expr_set calls; /* aggregate FUNCTIONs of the outputs, unbound */
} split;

static bool is_aggregate(const vonk_expr *e) { return e->kind == VONK_EX_FUNCTION && e->fn->kind == VONK_FN_AGGREGATE; }

static vonk_status gather_calls(split *s, const vonk_expr *e, vonk_error *err)
{
    if (is_aggregate(e)) return vonk_expr_set_add(&s->calls, s->arena, e, NULL, err);
    for (uint32_t i = 0; i < e->n_children; i++)
        VONK_TRY(gather_calls(s, e->children[i], err)); /* depth: VONK_MAX_EXPR_DEPTH */
    return VONK_OK;
}

/* Output expression over (keys, aggregates): top-down, so that a grouping expression is found before its parts are. */
static vonk_status over_results(split *s, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr_list *keys = &s->node->lists[0];

    for (uint32_t k = 0; k < keys->n; k++)
        if (vonk_expr_equal(keys->at[k], e))
            return vonk_ex_bound(s->env->budget, k, e->type, keys->at[k]->nullable, e->name, ret, err);
    if (is_aggregate(e)) {
        const size_t at = vonk_expr_set_find(&s->calls, e);
        return vonk_ex_bound(s->env->budget, keys->n + (uint32_t)at, e->type, e->nullable, VONK_STR("aggregate"), ret,
                             err);
    }
    if (e->n_children == 0) {
        if (e->kind == VONK_EX_COLUMN)
            return VONK_EXPR_FAIL(e, err, VONK_E_INTERNAL_ERROR, "message",
                                  VONK_F("column %.*s is neither grouped nor aggregated", VONK_STR_ARGS(e->name)));
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    const vonk_expr **children = NULL;
    vonk_expr *copy = NULL;
    VONK_TRY(vonk_arena_array(s->arena, e->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        VONK_TRY(over_results(s, e->children[i], &children[i], err));
        VONK_TRY(vonk__opt_keep(s->arena, children[i], err));
    }
    VONK_TRY(vonk_expr_copy(s->env->budget, e, children, e->n_children, &copy, err));
    return vonk_expr_finish(copy, ret, err);
}

#define MAX_SAVED 16 /* columns of one function's saved state: func's own limit */

/* A partial result's columns: the keys, then each function's saved state. */
static vonk_status set_partial_output(split *s, vonk_plan *node, const vonk_expr *const *keys, uint32_t n_keys,
                                      const vonk_expr *const *calls, vonk_error *err)
{
    const vonk_type *types[MAX_SAVED];
    const vonk_expr **output = NULL;
    uint32_t n = 0, n_types = 0;

    VONK_TRY(vonk_arena_array(s->arena, n_keys + s->calls.n * MAX_SAVED + 1, sizeof *output, &output, err));
    for (; n < n_keys; n++) {
        VONK_TRY(vonk_ex_bound(s->env->budget, n, keys[n]->type, keys[n]->nullable, keys[n]->name, &output[n], err));
        VONK_TRY(vonk__opt_keep(s->arena, output[n], err));
    }
    for (size_t f = 0; f < s->calls.n; f++) {
        vonk_fn_call *call = NULL;
        VONK_TRY(vonk_call_prepare(s->arena, s->env->env, calls[f], &call, err));
        VONK_TRY(vonk_agg_state_types(call, types, &n_types, err));
        for (uint32_t i = 0; i < n_types; i++, n++) {
            VONK_TRY(vonk_ex_bound(s->env->budget, n, types[i], true, VONK_STR("state"), &output[n], err));
            VONK_TRY(vonk__opt_keep(s->arena, output[n], err));
        }
    }
    return vonk_plan_set_output(node, output, n, err);
}

static vonk_status agg_node(split *s, const vonk_plan *child, const vonk_expr *const *keys, uint32_t n_keys,
                            const vonk_expr *const *calls, vonk_agg_mode mode, const vonk_plan **ret, vonk_error *err)
{
    const vonk__lists lists = {.at = {keys, calls}, .n = {n_keys, (uint32_t)s->calls.n}, .n_lists = 2};
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_node(s->env, VONK_PN_P_AGGREGATE, &child, 1, &lists, &node, err));
    node->agg.mode = mode;
    node->agg.rows = vonk__opt_rows(s->env, s->node->children[0]);
    node->agg.groups = vonk__opt_rows(s->env, s->node);
    const vonk_status status =
        mode == VONK_AGG_PARTIAL ? set_partial_output(s, node, keys, n_keys, calls, err) : VONK_OK;
    if (status != VONK_OK) {
        vonk_plan_unref(node);
        return status;
    }
    return vonk_plan_finish(node, ret, err);
}

/* The keys again, bound to the first columns of the partial result. */
static vonk_status keys_of_partial(split *s, const vonk_expr *const *keys, uint32_t n, const vonk_expr ***ret,
                                   vonk_error *err)
{
    VONK_TRY(vonk_arena_array(s->arena, n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_ex_bound(s->env->budget, i, keys[i]->type, keys[i]->nullable, keys[i]->name, &(*ret)[i], err));
        VONK_TRY(vonk__opt_keep(s->arena, (*ret)[i], err));
    }
    return VONK_OK;
}

static vonk_status two_phases(split *s, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *partial = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *placed = NULL;
    const vonk_expr **keys = NULL, **calls = NULL, **final_keys = NULL;
    const uint32_t n_keys = s->node->lists[0].n;

    VONK_TRY(vonk__opt_bind_list(s->env, s->arena, s->node->lists[0].at, n_keys, s->node->children[0], VONK__BIND_NAMED,
                                 &keys, err));
    VONK_TRY(vonk__opt_bind_list(s->env, s->arena, s->calls.at, s->calls.n, s->node->children[0], VONK__BIND_NAMED,
                                 &calls, err));
    VONK_TRY(keys_of_partial(s, keys, n_keys, &final_keys, err));
    VONK_TRY(agg_node(s, child, keys, n_keys, calls, VONK_AGG_PARTIAL, &partial, err));
    VONK_TRY(vonk__opt_exchange(s->env, partial, n_keys ? VONK_EXCHANGE_HASH : VONK_EXCHANGE_SINGLE, final_keys, n_keys,
                                n_keys ? (int32_t)vonk_conf_i64(s->env->conf, "spark.sql.shuffle.partitions") : 1,
                                false, &placed, err));
    return agg_node(s, placed, final_keys, n_keys, calls, VONK_AGG_FINAL, ret, err);
}

vonk_status vonk__opt_lower_aggregate(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret,
                                      vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL, *result = NULL;
    const vonk_expr **outputs = NULL;
    vonk_plan *project = NULL;
    const vonk_expr_list *out = &p->lists[1];

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    split s = {.env = env, .node = p, .arena = arena};
    for (uint32_t i = 0; i < out->n; i++) {
        if (vonk_expr_contains(out->at[i], VONK_EX_PYTHON)) /* the others have been taken out */
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "aggregate functions of Python");
        VONK_TRY(gather_calls(&s, out->at[i], err));
    }
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    VONK_TRY(two_phases(&s, child, &result, err));
    VONK_TRY(vonk_arena_array(arena, out->n + 1, sizeof *outputs, &outputs, err));
    for (uint32_t i = 0; i < out->n; i++) {
        VONK_TRY(over_results(&s, out->at[i], &outputs[i], err));
        VONK_TRY(vonk__opt_keep(arena, outputs[i], err));
    }
    VONK_TRY(vonk__opt_node(env, VONK_PN_P_PROJECT, &result, 1,
                            &(vonk__lists){.at = {outputs}, .n = {out->n}, .n_lists = 1}, &project, err));
    return vonk_plan_finish(project, ret, err);
}
