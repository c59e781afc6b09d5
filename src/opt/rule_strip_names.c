/* opt/rule_strip_names.c -- names are resolved, so what only carried them goes.
 *
 *   SubqueryAlias t                 Project [a]
 *   +- View v                 =>    +- Relation
 *      +- Project [a]
 *         +- Relation */
#include "opt/rules.h"

static vonk_status strip(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    (void)arg;
    (void)err;
    const bool only_names = p->kind == VONK_PN_SUBQUERY_ALIAS || p->kind == VONK_PN_VIEW || p->kind == VONK_PN_HINT;
    *ret = vonk_plan_ref(only_names ? p->children[0] : p);
    return VONK_OK;
}

vonk_status vonk__rule_strip_names(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                   vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, strip, NULL, ret, err);
}
