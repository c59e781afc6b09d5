/* sql/lists.h -- growing lists of expressions and plans, in an arena. */
#ifndef VONK_SQL_LISTS_H
#define VONK_SQL_LISTS_H

#include "base/vec.h"
#include "plan/plan.h"

typedef VONK_VEC(const vonk_expr *) vonk_exprs;
typedef VONK_VEC(const vonk_plan *) vonk_plans;

#endif
