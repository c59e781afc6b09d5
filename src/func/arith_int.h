/* func/arith_int.h -- inside func: what the files of arithmetic share. */
#ifndef VONK_FUNC_ARITH_INT_H
#define VONK_FUNC_ARITH_INT_H

#include "column/kernel/kernel.h"
#include "func/resolve.h"
#include "func/result.h"

/* '+', '-', '*', '/', '%', 'd' (div), 'p' (pmod); of the try_ forms, too. */
char vonk__arith_op(const vonk_fn *fn);
const char *vonk__arith_try_name(char op);

/* In ANSI mode: what texts stand for beside others. */
void vonk__arith_promote_strings(vonk_fn_types *t);
/* Of the decimal that just holds argument i, a short, int or bigint that is written there; 0: it is something else. */
int vonk__arith_literal_digits(const vonk_fn_types *t, int i);

/* Dates, times, intervals: *ret_done false: none of these. */
vonk_status vonk__arith_resolve_time(vonk_fn_types *t, char op, bool *ret_done, vonk_error *err);
vonk_status vonk__arith_prepare_time(vonk_fn_call *call, char op, bool *ret_done, vonk_error *err);
vonk_status vonk__arith_prepare_decimal(vonk_fn_call *call, char op, bool *ret_done, vonk_error *err);

vonk_status vonk__arith_diff_types(const vonk_fn_types *t, vonk_error *err);
vonk_status vonk__arith_wrong_type(const vonk_fn_types *t, char op, vonk_error *err);
/* ARITHMETIC_OVERFLOW; `alternative`: a try_ function or NULL. */
vonk_status vonk__arith_overflow(const char *alternative, vonk_error *err);
vonk_status vonk__arith_zero(char op, vonk_error *err); /* DIVIDE_BY_ZERO, REMAINDER_BY_ZERO */

/* Shape of two arguments, constants being one value. */
static inline vonk_shape vonk__arith_shape(vonk_column *const *args)
{
    return args[1]->encoding == VONK_CONSTANT ? VONK_VS : args[0]->encoding == VONK_CONSTANT ? VONK_SV : VONK_VV;
}
/* Row of an argument's data. */
static inline uint32_t vonk__arith_row(const vonk_column *c, uint32_t i) { return c->encoding == VONK_CONSTANT ? 0 : i; }

#endif
