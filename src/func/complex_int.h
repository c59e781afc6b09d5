/* func/complex_int.h -- inside func: maps being made. */
#ifndef VONK_FUNC_COMPLEX_INT_H
#define VONK_FUNC_COMPLEX_INT_H

#include "func/func.h"

/* NULL_MAP_KEY, DUPLICATED_MAP_KEY; *ret_last_wins: there are duplicates, and the policy keeps the last one. */
vonk_status vonk__map_check_keys(const vonk_fn_call *call, const vonk_column *keys, vonk_span span, bool *ret_last_wins, vonk_error *err);
/* Gives `map` (with spans in its data, being made) its children, after checking the rows that count; duplicates are dropped when the policy says so. */
vonk_status vonk__map_finish(const vonk_fn_call *call, vonk_eval *ev, vonk_rows rows, vonk_column *keys, vonk_column *values, vonk_span *spans, vonk_column *map,
                             vonk_error *err);

#endif
