/* opt/rule_strengthen_joins.c -- an outer join whose null-extended rows are dropped anyway becomes an inner (or
 * one-sided) one.
 *
 *   Filter [b > 1]                     Filter [b > 1]
 *   +- Join LeftOuter [a = b]    =>    +- Join Inner [a = b] */
#include "opt/rules.h"
#include "opt/scratch.h"

/* Is e null (or, for booleans, not true) whenever all columns of `side` are null? */
static bool is_strict(const vonk_expr *e, const vonk_plan *side)
{
    switch (e->kind) {
    case VONK_EX_COLUMN: return vonk_plan_has_column(side, e->id) && !vonk_expr_has(e, VONK_EXF_OUTER);
    case VONK_EX_CAST:
    case VONK_EX_ALIAS:
    case VONK_EX_GET_FIELD:
    case VONK_EX_NOT: return is_strict(e->children[0], side);
    case VONK_EX_IN: return e->n_children > 1 && is_strict(e->children[0], side); /* IN () is false */
    case VONK_EX_FUNCTION:
        if (e->fn->kind != VONK_FN_SCALAR || e->fn->nulls != VONK_NULL_IN_NULL_OUT) return false;
        for (uint32_t i = 0; i < e->n_children; i++)
            if (is_strict(e->children[i], side)) return true;
        return false;
    default: return false;
    }
}

static bool rejects_nulls(const vonk_expr *e, const vonk_plan *side)
{
    switch (e->kind) {
    case VONK_EX_IS_NOT_NULL: return is_strict(e->children[0], side);
    case VONK_EX_AND:
        for (uint32_t i = 0; i < e->n_children; i++)
            if (rejects_nulls(e->children[i], side)) return true;
        return false;
    case VONK_EX_OR:
        for (uint32_t i = 0; i < e->n_children; i++)
            if (!rejects_nulls(e->children[i], side)) return false;
        return true;
    default: return is_strict(e, side);
    }
}

static vonk_join_type stronger(const vonk_plan *join, const vonk_expr *condition)
{
    const bool left = rejects_nulls(condition, join->children[0]), right = rejects_nulls(condition, join->children[1]);

    switch (join->join.type) {
    case VONK_JOIN_LEFT: return right ? VONK_JOIN_INNER : VONK_JOIN_LEFT;
    case VONK_JOIN_RIGHT: return left ? VONK_JOIN_INNER : VONK_JOIN_RIGHT;
    case VONK_JOIN_FULL:
        return left && right ? VONK_JOIN_INNER : left ? VONK_JOIN_LEFT : right ? VONK_JOIN_RIGHT : VONK_JOIN_FULL;
    default: return join->join.type;
    }
}

static vonk_status retype(vonk__scratch *s, const vonk_plan *join, vonk_join_type type, const vonk_plan **ret,
                          vonk_error *err)
{
    vonk_plan *copy = NULL;

    VONK_TRY(vonk_plan_copy(s->env->budget, join, join->children, 2, &copy, err));
    copy->join.type = type == VONK_JOIN_INNER && (join->n_lists == 0 || join->lists[0].n == 0) ? VONK_JOIN_CROSS : type;
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

static vonk_status strengthen(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *below = NULL, *done = NULL;

    *ret = NULL;
    if (p->kind == VONK_PN_FILTER && p->children[0]->kind == VONK_PN_JOIN) {
        const vonk_plan *join = p->children[0];
        const vonk_join_type type = stronger(join, p->lists[0].at[0]);
        if (type != join->join.type) {
            VONK_TRY(vonk_arena_new(env->budget, &arena, err));
            vonk__scratch s = {env, arena};
            VONK_TRY(retype(&s, join, type, &below, err));
            VONK_TRY(vonk__mk_over(&s, p, &below, &done, err));
            *ret = vonk_plan_ref(done);
            return VONK_OK;
        }
    }
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

/* Top-down, so that a join made stronger is met again with the filter still above it. */
vonk_status vonk__rule_strengthen_joins(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                        vonk_error *err)
{
    return vonk_plan_rewrite_down(env->budget, plan, strengthen, (void *)env, ret, err);
}
