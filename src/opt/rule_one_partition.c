/* opt/rule_one_partition.c -- a local relation is read as one partition when what is computed right above it counts or
 * draws per partition. Spark's optimizer computes projections, filters and limits over local relations by itself, as
 * partition 0: there monotonically_increasing_id() of local rows is 0, 1, 2, ..., and rand(seed) is one sequence.
 *
 *   Project [rand(3)]               Project [rand(3)]
 *   +- Filter a > 1           =>    +- Filter a > 1
 *      +- LocalRelation [a]            +- LocalRelation [a], one partition */
#include "opt/rules.h"

/* Spark's optimizer cannot compute what runs elsewhere. */
static bool is_computed_at_once(const vonk_plan *p)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (vonk_expr_contains(p->lists[l].at[i], VONK_EX_PYTHON) ||
                vonk_expr_contains(p->lists[l].at[i], VONK_EX_SUBQUERY))
                return false;
    return true;
}

static bool is_over_local(const vonk_plan *p)
{
    while ((p->kind == VONK_PN_PROJECT || p->kind == VONK_PN_FILTER || p->kind == VONK_PN_LIMIT) &&
           is_computed_at_once(p))
        p = p->children[0];
    return p->kind == VONK_PN_LOCAL && !p->local.one_partition;
}

static bool draws(const vonk_plan *p)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (!vonk_expr_is_deterministic(p->lists[l].at[i])) return true;
    return false;
}

static vonk_status mark(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;
    vonk_plan *marked = NULL;

    if (p->kind != VONK_PN_LOCAL) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_plan_copy(env->budget, p, NULL, 0, &marked, err));
    marked->local.one_partition = true;
    return vonk_plan_finish(marked, ret, err);
}

static vonk_status mark_below(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;

    if (p->n_children == 1 && draws(p) && is_computed_at_once(p) && is_over_local(p->children[0]))
        return vonk_plan_rewrite(env->budget, p, mark, arg, ret, err);
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

vonk_status vonk__rule_one_partition(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                     vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, mark_below, (void *)env, ret, err);
}
