/* sql/analyze_hint.c -- hints and observed metrics. */
#include "sql/analyze.h"

/* Join hints and the like are advice that the optimizer does without; Spark too passes over hints that it does not
 * know. */
vonk_status vonk__an_hint(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                          vonk_error *err)
{
    return vonk__an_plan(an, p->children[0], outer, ret, err);
}

vonk_status vonk__an_metrics(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan *copy;
    vonk_exprs list = {0};

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    copy->plan_id = -1;
    const vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    VONK_TRY(vonk__an_exprs(an, &scope, p->lists[0].at, p->lists[0].n, &list, err));
    for (size_t i = 0; i < list.n; i++) VONK_TRY(vonk__an_named(an, list.at[i], &list.at[i], err));
    VONK_TRY(vonk_plan_set_list(copy, 0, list.at, (uint32_t)list.n, err));
    return vonk__an_finish_node(an, copy, ret, err);
}
