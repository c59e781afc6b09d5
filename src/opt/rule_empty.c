/* opt/rule_empty.c -- what has no rows since what is below it has none is an empty relation: one partition, and nothing
 * runs for it.
 *
 *   Sort [a]
 *   +- Union                     =>   LocalRelation <empty>, [a]
 *      :- LocalRelation <empty>
 *      +- LocalRelation <empty> */
#include "opt/rules.h"
#include "opt/scratch.h"

static bool is_empty(const vonk_plan *p)
{
    if (p->kind == VONK_PN_RANGE)
        return p->range.step > 0 ? p->range.start >= p->range.end : p->range.start <= p->range.end;
    if (p->kind != VONK_PN_LOCAL) return false;
    for (uint32_t i = 0; i < p->local.n_batches; i++)
        if (p->local.batches[i]->n_rows) return false;
    return true;
}

static bool join_has_none(const vonk_plan *join)
{
    const bool left = is_empty(join->children[0]), right = is_empty(join->children[1]);
    switch (join->join.type) {
    case VONK_JOIN_INNER:
    case VONK_JOIN_CROSS:
    case VONK_JOIN_SEMI: return left || right;
    case VONK_JOIN_LEFT:
    case VONK_JOIN_ANTI:
    case VONK_JOIN_SINGLE:
    case VONK_JOIN_MARK: return left;
    case VONK_JOIN_RIGHT: return right;
    case VONK_JOIN_FULL: return left && right;
    }
    return false;
}

static bool has_none(const vonk_plan *p)
{
    switch (p->kind) {
    case VONK_PN_RANGE: return is_empty(p);
    case VONK_PN_JOIN: return join_has_none(p);
    case VONK_PN_AGGREGATE: return p->lists[0].n > 0 && p->group.n_sets == 0 && is_empty(p->children[0]);
    case VONK_PN_SET_OP: break;
    case VONK_PN_PROJECT:
    case VONK_PN_FILTER:
    case VONK_PN_SORT:
    case VONK_PN_LIMIT:
    case VONK_PN_OFFSET:
    case VONK_PN_TAIL:
    case VONK_PN_DISTINCT:
    case VONK_PN_SAMPLE:
    case VONK_PN_REPARTITION:
    case VONK_PN_WINDOW:
    case VONK_PN_GENERATE: return is_empty(p->children[0]);
    default: return false;
    }
    for (uint32_t i = 0; i < p->n_children; i++)
        if (!is_empty(p->children[i])) return false;
    return true;
}

static vonk_status each_node(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;
    if (has_none(p)) return vonk__mk_empty(env->budget, p, ret, err);
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

vonk_status vonk__rule_empty(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, each_node, (void *)env, ret, err);
}
