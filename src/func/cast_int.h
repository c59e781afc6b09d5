/* func/cast_int.h -- inside func: what the files of casts share. */
#ifndef VONK_FUNC_CAST_INT_H
#define VONK_FUNC_CAST_INT_H

#include "func/cast.h"
#include "func/result.h"
#include "text/zone.h"

/* State of a prepared cast. */
typedef struct vonk__cast {
    const vonk_type *from, *to;
    vonk_eval_mode mode;
    const vonk_zone *zone;  /* of the session; set when a side is a timestamp or a time */
    int64_t now_us;
    bool plain_decimals;    /* decimals as text without exponent (ANSI) */
    bool constant;          /* the argument is one: its text may name a moment ('today') */
    bool pretty;            /* for show(): NULL, and binaries as [31 32 0A] */
    const vonk_fn_call *const *children; /* nested types: how each child is cast, NULL: stays as it is */
    uint32_t n_children;
} vonk__cast;

/* Prepare hooks by kind of cast; *ret false: not theirs. They set call->eval. */
bool vonk__cast_numbers(vonk_fn_call *call, const vonk__cast *cast);
bool vonk__cast_to_text(vonk_fn_call *call, const vonk__cast *cast);
bool vonk__cast_from_text(vonk_fn_call *call, const vonk__cast *cast);
bool vonk__cast_times(vonk_fn_call *call, const vonk__cast *cast);
bool vonk__cast_intervals(vonk_fn_call *call, const vonk__cast *cast);
vonk_status vonk__cast_nested(vonk_fn_call *call, vonk__cast *cast, bool *ret_done, vonk_error *err);

static inline const vonk__cast *vonk__cast_of(const vonk_fn_call *call) { return call->state; }

/* CAST_OVERFLOW, CAST_INVALID_INPUT, NUMERIC_VALUE_OUT_OF_RANGE for row `row` of the argument. */
vonk_status vonk__cast_overflow(const vonk__cast *cast, const vonk_column *arg, uint32_t row, vonk_error *err);
vonk_status vonk__cast_malformed(const vonk__cast *cast, const vonk_column *arg, uint32_t row, vonk_error *err);
vonk_status vonk__cast_out_of_range(const vonk__cast *cast, const vonk_column *arg, uint32_t row, vonk_error *err);
/* What to do with lanes that are bad: raises for ANSI, nulls for others. */
typedef vonk_status (*vonk__cast_raise)(const vonk__cast *cast, const vonk_column *arg, uint32_t row, vonk_error *err);
vonk_status vonk__cast_settle(const vonk__cast *cast, vonk_eval *ev, const vonk_column *arg, uint32_t n_rows, vonk_rows rows, const uint8_t *bad,
                              vonk__cast_raise raise, vonk_result *r, vonk_error *err);

#endif
