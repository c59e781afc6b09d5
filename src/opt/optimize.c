/* opt/optimize.c -- the rules, in order. A rule is a row; the ones that execution needs run even when the optimizer is
 * switched off. */
#include "opt/opt_int.h"
#include "opt/rules.h"

typedef struct rule_row {
    const char *name;
    vonk__opt_rule run;
    bool needed; /* without it the plan could not be executed */
    bool leaves; /* has something to say about a plan that is nothing but a source */
} rule_row;

static const rule_row rules[] = {
    {"strip_names", vonk__rule_strip_names, true},
    {"lateral", vonk__rule_lateral, true},
    {"rewrite_set_ops", vonk__rule_set_ops, true},
    {"fold_constants", vonk__rule_fold, false},
    {"factor_or", vonk__rule_factor_or, false},
    {"derive_and_push_filters", vonk__rule_derive_and_push_filters, false},
    {"unnest_subqueries", vonk__rule_unnest, true},
    {"one_partition", vonk__rule_one_partition, true},
    {"fold_constants_again", vonk__rule_fold, false},
    {"propagate_empty", vonk__rule_empty, false, .leaves = true},
    {"strengthen_joins", vonk__rule_strengthen_joins, false},
    {"push_filters", vonk__rule_push_filters, false},
    {"rewrite_distinct", vonk__rule_distinct, true},
    {"order_joins", vonk__rule_order_joins, false},
    {"push_filters_late", vonk__rule_push_filters, false},
    {"push_limits", vonk__rule_push_limits, false},
    {"extract_python", vonk__rule_extract_python, true},
    {"merge_projects", vonk__rule_merge_projects, false},
    {"share_subplans", vonk__rule_share, false},
    {"prune_columns", vonk__rule_prune_columns, false},
    {"merge_projects_again", vonk__rule_merge_projects, false},
    {"prune_nested", vonk__rule_prune_nested, false},
};

vonk_status vonk_optimize(const vonk_opt_env *env, const vonk_plan *resolved, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = vonk_plan_ref(resolved);
    const vonk_str wanted = vonk_conf_get(env->conf, "vonk.opt.enabled");
    const bool enabled = !vonk_str_is(wanted, "false");
    const bool is_leaf = resolved->n_children == 0 && resolved->n_lists == 0;

    for (size_t i = 0; i < VONK_COUNTOF(rules); i++) {
        const vonk_plan *next = NULL;
        if ((!enabled && !rules[i].needed) || (is_leaf && !rules[i].leaves)) continue;
        VONK_TRY(rules[i].run(env, plan, &next, err));
        vonk_plan_unref(plan);
        plan = next;
    }
    *ret = VONK_STEAL(plan);
    return VONK_OK;
}
