/* opt/stats.h -- how many rows, and how many different values, to expect. */
#ifndef VONK_OPT_STATS_H
#define VONK_OPT_STATS_H

#include "opt/opt_int.h"

/* Rows that come out of a logical plan; at least 1. */
double vonk__opt_rows(const vonk_opt_env *env, const vonk_plan *plan);
/* Different values of a column of `plan`'s output, before its filters (the domain a join key comes from); at least 1. */
double vonk__opt_distinct(const vonk_opt_env *env, const vonk_plan *plan, uint64_t id);
/* Share of the rows of `plan` for which the condition is true. */
double vonk__opt_selectivity(const vonk_opt_env *env, const vonk_plan *plan, const vonk_expr *condition);
/* About how many bytes a value takes. */
double vonk__opt_value_bytes(const vonk_type *type);

#endif
