/* func/higher_order_int.h -- inside func: running lambdas over the elements of a batch of arrays or maps. */
#ifndef VONK_FUNC_HIGHER_ORDER_INT_H
#define VONK_FUNC_HIGHER_ORDER_INT_H

#include "func/body.h"

/* The elements of the rows that count, one row's behind the other's. In scratch memory. */
typedef struct vonk__elements {
    uint32_t  n, *at, *outer; /* where they stand in the child; the row of the batch that they belong to */
    bool      whole;          /* they are the child as it is */
} vonk__elements;
/* spans (may be NULL): [row]: where the row's elements are among these. */
vonk_status vonk__elements_of(vonk_eval *ev, const vonk_column *lists, vonk_rows rows, vonk_span *spans, vonk__elements *e, vonk_error *err);
vonk_status vonk__elements_take(vonk_eval *ev, const vonk__elements *e, vonk_column *child, vonk_column **ret, vonk_error *err);

/* What argument `arg`, a lambda, gives for n rows of its parameters: FLAT, of the type of its body. */
vonk_status vonk__run_body(const vonk_fn_call *call, vonk_eval *ev, uint32_t arg, vonk_column *const *params, uint32_t n_params, uint32_t n,
                           const uint32_t *outer, vonk_column **ret, vonk_error *err);

/* INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH */
vonk_status vonk__wrong_params(uint32_t given, uint32_t takes, vonk_error *err);

#endif
