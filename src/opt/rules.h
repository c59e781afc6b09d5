/* opt/rules.h -- every rule; each has a file rule_<name>.c whose head shows a plan before and after. */
#ifndef VONK_OPT_RULES_H
#define VONK_OPT_RULES_H

#include "opt/opt_int.h"

vonk_status vonk__rule_strip_names(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_lateral(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_set_ops(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_distinct(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_unnest(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_fold(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_empty(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_factor_or(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_push_filters(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_derive_and_push_filters(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_strengthen_joins(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_one_partition(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_order_joins(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_push_limits(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_extract_python(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_merge_projects(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_prune_columns(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_share(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__rule_prune_nested(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);

#endif
