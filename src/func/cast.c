/* func/cast.c -- CAST: choosing the body for two types, and errors. Bodies: cast_number.c, cast_text.c, cast_parse.c,
 * cast_time.c, cast_interval.c, cast_nested.c. */
#include <stdio.h>

#include "func/body.h"
#include "func/cast_int.h"
#include "func/literal_text.h"
#include "func/tables.h"
#include "text/number.h"

static vonk_status prepare(vonk_fn_call *call, vonk_error *err) { return vonk_cast_prepare(call, err); }

/* clang-format off */
const vonk_fn vonk_fns_cast[] = {
    {.name = "cast", .kind = VONK_FN_PLANNED, .nulls = VONK_NULL_IN_NULL_OUT, .prepare = prepare,
     .group = "conversion_funcs", .since = "1.0.0",
     .doc = "The value as another type. try_cast gives NULL where that cannot be.", .example = "CAST('10' AS INT)",
     .expect = "10"},
};
/* clang-format on */
VONK_FN_COUNT(cast);

const vonk_fn *vonk_cast_fn(void) { return &vonk_fns_cast[0]; }

/* ---- errors */

static const char *value_text(const vonk__cast *c, const vonk_column *arg, uint32_t row, char into[1024])
{
    return vonk_literal_param(arg, row, c->zone, into);
}

vonk_status vonk__cast_overflow(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CAST_OVERFLOW, "value", value_text(c, arg, row, (char[1024]){0}), "sourceType",
                     VONK_TYPE_SQL(c->from), "targetType", VONK_TYPE_SQL(c->to), "ansiConfig",
                     "\"spark.sql.ansi.enabled\"");
}

vonk_status vonk__cast_malformed(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    (void)VONK_FAIL(err, VONK_E_CAST_INVALID_INPUT, "expression", value_text(c, arg, row, (char[1024]){0}),
                    "sourceType", VONK_TYPE_SQL(c->from), "targetType", VONK_TYPE_SQL(c->to), "ansiConfig",
                    "\"spark.sql.ansi.enabled\"");
    bool number = vonk_type_is_numeric(c->to), boolean = c->to->id == VONK_T_BOOLEAN;
    return vonk_error_set_family(err, number    ? VONK_FAMILY_NUMBER_FORMAT
                                      : boolean ? VONK_FAMILY_RUNTIME
                                                : VONK_FAMILY_DATE_TIME);
}

vonk_status vonk__cast_out_of_range(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    char text[1024] = {0};
    if (arg->type->id == VONK_T_DECIMAL)
        vonk_dec_to_text(vonk_column_i128(arg, row), arg->type->scale, text);
    else if (arg->type->id == VONK_T_TIME)
        vonk_dec_to_text(vonk_column_i64(arg, row), 9, text); /* nanoseconds */
    else if (vonk_type_is_integral(arg->type) || arg->type->id == VONK_T_BOOLEAN)
        vonk_i64_to_text(vonk_column_i64(arg, row), text);
    else if (vonk_type_is_stringy(arg->type))
        snprintf(text, sizeof(text), "%.*s", VONK_STR_ARGS(vonk_text_trim_all(vonk_column_str(arg, row))));
    else
        vonk_f64_to_text(
            arg->type->id == VONK_T_FLOAT || arg->type->id == VONK_T_DOUBLE ? vonk_column_f64(arg, row) : 0, text);
    return VONK_FAIL(err, VONK_E_NUMERIC_VALUE_OUT_OF_RANGE__WITH_SUGGESTION, "value", text, "precision",
                     VONK_F("%d", c->to->precision), "scale", VONK_F("%d", c->to->scale), "config",
                     "\"spark.sql.ansi.enabled\"");
}

vonk_status vonk__cast_settle(const vonk__cast *c, vonk_eval *ev, const vonk_column *arg, uint32_t n_rows,
                              vonk_rows rows, const uint8_t *bad, vonk__cast_raise raise, vonk_result *r,
                              vonk_error *err)
{
    if (c->mode == VONK_MODE_ANSI) {
        uint32_t row = vonk_first_bad(ev, bad, n_rows, rows);
        return row == UINT32_MAX ? VONK_OK : raise(c, arg, row, err);
    }
    return vonk_result_null_where(r, bad, n_rows, err);
}

/* ---- casts that change nothing, or everything */

VONK_FN_EVAL(eval_same) { return vonk_column_retype(ev->budget, args[0], call->type, ret, err); }

VONK_FN_EVAL(eval_null) { return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err); }

/* Big-endian bytes of an integer. */
VONK_FN_EVAL(eval_int_to_binary)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint32_t width = (uint32_t)vonk_storage_bytes(args[0]->type->storage);
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        uint64_t v = (uint64_t)vonk_column_i64(args[0], i);
        char bytes[8];
        for (uint32_t b = 0; b < width; b++) bytes[b] = (char)(v >> (8 * (width - 1 - b)));
        ((vonk_view *)r.data)[i] = vonk_view_inline(bytes, width);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static bool same_bytes(const vonk_type *from, const vonk_type *to)
{
    bool text_in = vonk_type_is_stringy(from) || from->id == VONK_T_BINARY;
    if (text_in && (vonk_type_is_stringy(to) || to->id == VONK_T_BINARY)) return true;
    return vonk_type_same(from, to);
}

static bool plain_casts(vonk_fn_call *call, const vonk__cast *c)
{
    if (c->from->id == VONK_T_NULL ||
        (c->from->id == VONK_T_DATE && (vonk_type_is_numeric(c->to) || c->to->id == VONK_T_BOOLEAN))) {
        call->eval = eval_null;
    } else if (same_bytes(c->from, c->to)) {
        call->eval = eval_same;
        call->takes_constants = true;
    } else if (vonk_type_is_integral(c->from) && c->to->id == VONK_T_BINARY) {
        call->eval = eval_int_to_binary;
    } else {
        return false;
    }
    return true;
}

/* A time becomes a timestamp of the session's day. */
static bool needs_zone(const vonk_type *t) { return vonk_type_has(t, VONK_T_TIMESTAMP) || t->id == VONK_T_TIME; }

vonk_status vonk_cast_prepare(vonk_fn_call *call, vonk_error *err)
{
    vonk__cast *c = NULL;
    const vonk_fn_env *env = call->env;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &c, err));
    c->from = call->arg_types[0];
    c->to = call->type;
    c->mode = call->mode;
    c->now_us = env ? env->now_us : 0;
    c->plain_decimals = call->mode != VONK_MODE_LEGACY;
    c->zone = vonk_zone_utc();
    c->constant = vonk_type_is_stringy(c->from) && call->constants && call->constants[0];
    if (env && env->time_zone.len && (c->constant || needs_zone(c->from) || needs_zone(c->to)))
        VONK_TRY(vonk_zone_find(env->time_zone, &c->zone, err));
    call->state = c;
    bool done = plain_casts(call, c) || vonk__cast_to_text(call, c) || vonk__cast_from_text(call, c) ||
                vonk__cast_numbers(call, c) || vonk__cast_times(call, c) || vonk__cast_intervals(call, c);
    if (!done) VONK_TRY(vonk__cast_nested(call, c, &done, err));
    if (done) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("CAST of %s to %s", VONK_TYPE_SQL(c->from), VONK_TYPE_SQL(c->to)));
}

/* ---- outside of programs */

static vonk_status run_cast(const vonk_fn_call *call, const vonk_column *column, vonk_budget *budget, vonk_arena *arena,
                            vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL, *made = NULL;
    vonk_eval ev = {.budget = budget, .scratch = arena, .validity = NULL};
    uint32_t n = column->n_rows, *idx = NULL, n_idx = 0;
    VONK_TRY(vonk_column_flatten(budget, column, &flat, err));
    vonk_rows rows = VONK_ALL_ROWS(n);
    if (flat->validity) {
        VONK_TRY(vonk_arena_array(arena, n, sizeof(*idx), &idx, err));
        for (uint32_t i = 0; i < n; i++)
            if (vonk_bit_get(flat->validity, i)) idx[n_idx++] = i;
        rows = (vonk_rows){idx, n_idx};
        ev.validity = flat->validity;
    }
    VONK_TRY(call->eval(call, &ev, &flat, n, rows, &made, err));
    if (!flat->validity || made->encoding == VONK_CONSTANT) {
        *ret = VONK_STEAL(made);
        return VONK_OK;
    }
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bits = NULL;
    VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &bits, err));
    memcpy(bits->data, flat->validity, vonk_bits_bytes(n));
    if (made->validity) vonk_bits_and(bits->data, made->validity, n);
    return vonk_column_with_validity(budget, made, VONK_STEAL(bits), ret, err);
}

vonk_status vonk_cast_column(const vonk_fn_env *env, vonk_eval_mode mode, vonk_budget *budget,
                             const vonk_column *column, const vonk_type *to, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    vonk_fn_call call = {.fn = &vonk_fns_cast[0],
                         .n_args = 1,
                         .arg_types = (const vonk_type *[]){column->type},
                         .type = to,
                         .mode = mode,
                         .env = env,
                         .arena = arena};
    VONK_TRY(vonk_cast_prepare(&call, err));
    return run_cast(&call, column, budget, arena, ret, err);
}
