/* plan/expr_int.h -- inside plan: what the files of expressions share. */
#ifndef VONK_PLAN_EXPR_INT_H
#define VONK_PLAN_EXPR_INT_H

#include "plan/expr.h"
#include "plan/plan.h"

/* Sets `resolved` and, for kinds that derive them, type and nullability. */
vonk_status vonk__expr_derive(vonk_expr *e, vonk_error *err);

/* Phase of a kind (plan/expr.def). */
typedef enum vonk_expr_phase { VONK_EXP_UNRESOLVED, VONK_EXP_BOTH, VONK_EXP_RESOLVED, VONK_EXP_PHYSICAL } vonk_expr_phase;
vonk_expr_phase vonk__expr_phase(vonk_expr_kind kind);

#endif
