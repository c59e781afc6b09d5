/* opt/rule_factor_or.c -- what every branch of an OR says is said once.
 *
 *   (a = b AND c = 1) OR (a = b AND c = 2)   =>   a = b AND (c = 1 OR c = 2) */
#include "opt/rules.h"
#include "opt/scratch.h"

static bool contains(const vonk__exprs *list, const vonk_expr *e)
{
    for (size_t i = 0; i < list->n; i++)
        if (vonk_expr_equal(list->at[i], e)) return true;
    return false;
}

static vonk_status factor(vonk__scratch *s, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    vonk__exprs *branches = NULL, common = {0}, result = {0}, rests = {0};
    const vonk_expr *rest = NULL;

    VONK_TRY(vonk_arena_array(s->arena, e->n_children, sizeof *branches, &branches, err));
    for (uint32_t b = 0; b < e->n_children; b++)
        VONK_TRY(vonk__opt_conjuncts(s->arena, e->children[b], &branches[b], err));
    for (size_t i = 0; i < branches[0].n; i++) {
        bool everywhere = vonk_expr_is_deterministic(branches[0].at[i]);
        for (uint32_t b = 1; b < e->n_children && everywhere; b++)
            everywhere = contains(&branches[b], branches[0].at[i]);
        if (everywhere) VONK_TRY(VONK_VEC_ARENA_PUSH(&common, s->arena, branches[0].at[i], err));
    }
    *ret = e;
    if (common.n == 0) return VONK_OK;
    for (uint32_t b = 0; b < e->n_children; b++) {
        vonk__exprs left = {0};
        for (size_t i = 0; i < branches[b].n; i++)
            if (!contains(&common, branches[b].at[i]))
                VONK_TRY(VONK_VEC_ARENA_PUSH(&left, s->arena, branches[b].at[i], err));
        if (left.n == 0)
            return vonk__mk_and(s, common.at, common.n, ret,
                                err); /* this branch adds nothing, so the OR does not either */
        VONK_TRY(vonk__mk_and(s, left.at, left.n, &rest, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&rests, s->arena, rest, err));
    }
    VONK_TRY(vonk__mk_node(s, VONK_EX_OR, rests.at, (uint32_t)rests.n, &rest, err));
    for (size_t i = 0; i < common.n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&result, s->arena, common.at[i], err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&result, s->arena, rest, err));
    return vonk__mk_and(s, result.at, result.n, ret, err);
}

static vonk_status step(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_expr *done = NULL;

    if (e->kind != VONK_EX_OR) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    vonk__scratch s = {env, arena};
    VONK_TRY(factor(&s, e, &done, err));
    *ret = vonk_expr_ref(done);
    return VONK_OK;
}

static vonk_status each_node(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;

    if (p->kind == VONK_PN_FILTER || p->kind == VONK_PN_JOIN)
        return vonk_plan_rewrite_exprs(env->budget, p, step, arg, ret, err);
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

vonk_status vonk__rule_factor_or(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, each_node, (void *)env, ret, err);
}
