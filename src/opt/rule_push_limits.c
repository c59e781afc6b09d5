/* opt/rule_push_limits.c -- LIMIT goes below projections (so that it meets its SORT) and into the inputs of unions.
 *
 *   GlobalLimit 10              Project [a]
 *   +- Project [a]         =>   +- GlobalLimit 10
 *      +- Sort [b]                 +- Sort [b] */
#include "opt/rules.h"
#include "opt/scratch.h"

static bool is_limit(const vonk_plan *p) { return p->kind == VONK_PN_LIMIT || p->kind == VONK_PN_OFFSET; }

static bool rows_stay(const vonk_plan *project)
{
    for (uint32_t i = 0; i < project->lists[0].n; i++)
        if (vonk_expr_has_generator(project->lists[0].at[i]) || !vonk_expr_is_deterministic(project->lists[0].at[i]))
            return false;
    return true;
}

/* LIMIT (and OFFSET) below a PROJECT. */
static vonk_status swap(vonk__scratch *s, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *project = p->children[0], *below = NULL;

    VONK_TRY(vonk__mk_over(s, p, &project->children[0], &below, err));
    return vonk__mk_over(s, project, &below, ret, err);
}

static vonk_status into_union(vonk__scratch *s, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *all = p->children[0], *limited = NULL;
    const vonk_plan **children = NULL;

    VONK_TRY(vonk_arena_array(s->arena, all->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < all->n_children; i++)
        if (is_limit(all->children[i]))
            children[i] = all->children[i];
        else
            VONK_TRY(vonk__mk_over(s, p, &all->children[i], &children[i], err));
    VONK_TRY(vonk__mk_over(s, all, children, &limited, err));
    return vonk__mk_over(s, p, &limited, ret, err);
}

static vonk_status push(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *done = p, *child = is_limit(p) ? p->children[0] : NULL;

    if (child && (child->kind == VONK_PN_PROJECT || child->kind == VONK_PN_SET_OP)) {
        VONK_TRY(vonk_arena_new(env->budget, &arena, err));
        vonk__scratch s = {env, arena};
        if (child->kind == VONK_PN_PROJECT && rows_stay(child))
            VONK_TRY(swap(&s, p, &done, err));
        else if (p->kind == VONK_PN_LIMIT && child->kind == VONK_PN_SET_OP && child->set.kind == VONK_SET_UNION &&
                 child->set.all)
            VONK_TRY(into_union(&s, p, &done, err));
        *ret = vonk_plan_ref(done);
        return VONK_OK;
    }
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

vonk_status vonk__rule_push_limits(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                   vonk_error *err)
{
    return vonk_plan_rewrite_down(env->budget, plan, push, (void *)env, ret, err);
}
