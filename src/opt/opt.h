/* opt/opt.h -- resolved plan -> better plan -> physical plan. One rule per file (rule_x.c); opt/optimize.c lists them in order. */
#ifndef VONK_OPT_OPT_H
#define VONK_OPT_OPT_H

#include "plan/conf.h"
#include "plan/plan.h"

typedef struct vonk_opt_env {
    vonk_budget       *budget; /* the query's */
    const vonk_conf   *conf;
    const vonk_fn_env *env;
    uint32_t           n_threads;
    struct vonk__opt_shared *shared; /* inside vonk_opt_physical: subplans that are lowered already */
} vonk_opt_env;

/* Same rows, same column ids in the output. With vonk.opt.enabled=false only what physical planning needs (unnesting, rewrites of distinct) is done. */
vonk_status vonk_optimize(const vonk_opt_env *env, const vonk_plan *resolved, const vonk_plan **ret, vonk_error *err);
/* Physical plan whose output columns are those of `optimized`, in order; expressions bound to positions; exchanges cut the stages; scans are planned (split into partitions). */
vonk_status vonk_opt_physical(const vonk_opt_env *env, const vonk_plan *optimized, const vonk_plan **ret, vonk_error *err);

/* ", Statistics(sizeInBytes=..., rowCount=...)" of a logical node, as EXPLAIN COST shows it: estimates. A vonk_plan_remark; arg: const vonk_opt_env *. */
vonk_status vonk_opt_cost_remark(const vonk_plan *p, void *arg, vonk_buf *out, vonk_error *err);
/* About how many bytes the operators of an optimized plan keep at once. */
double vonk_opt_memory_bytes(const vonk_opt_env *env, const vonk_plan *optimized);

#endif
