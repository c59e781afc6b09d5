/* func/cast.h -- CAST between any two types, in the three modes. A cast is an ordinary call of the row "cast" whose result type is the target. */
#ifndef VONK_FUNC_CAST_H
#define VONK_FUNC_CAST_H

#include "func/func.h"

/* The row "cast", for calls that are made of CAST expressions. */
const vonk_fn *vonk_cast_fn(void);
/* Fills call->eval and call->state for call->arg_types[0] -> call->type in call->mode. UNSUPPORTED casts are refused at analysis (coerce.h). */
vonk_status vonk_cast_prepare(vonk_fn_call *call, vonk_error *err);
/* One column, outside of any program (readers, literals, CSV). */
vonk_status vonk_cast_column(const vonk_fn_env *env, vonk_eval_mode mode, vonk_budget *budget, const vonk_column *column, const vonk_type *to, vonk_column **ret, vonk_error *err);
/* Text of one value as Spark's CAST(x AS STRING) (partition folders, CSV); a null gives nothing. */
vonk_status vonk_cast_row_text(const vonk_fn_env *env, const vonk_column *column, uint32_t row, vonk_buf *out, vonk_error *err);
/* The same for people, as show() prints it: NULL (inside nested values, too), binaries as [31 32 0A]. */
vonk_status vonk_cast_row_pretty(const vonk_fn_env *env, const vonk_column *column, uint32_t row, vonk_buf *out, vonk_error *err);

#endif
