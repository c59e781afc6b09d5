/* base/budget_int.h -- inside base: charging without an error text, and allocation that just says no. */
#ifndef VONK_BASE_BUDGET_INT_H
#define VONK_BASE_BUDGET_INT_H

#include "base/budget.h"

/* What vonk_budget_charge does, without fault injection. */
vonk_status vonk__budget_charge(vonk_budget *budget, int64_t bytes, vonk_error *err);

/* NULL when there is no room or no memory; never spills, never counts as a fault point. For filling errors. */
void *vonk__alloc_quiet(vonk_budget *budget, size_t bytes);

#endif
