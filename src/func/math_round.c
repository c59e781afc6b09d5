/* func/math_round.c -- round, bround, ceil, floor. Floating point numbers are rounded by their shortest decimal digits,
 * as Java's BigDecimal of Double.toString would be. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "func/arith_int.h"
#include "func/body.h"
#include "func/cast.h"
#include "func/coerce_int.h"
#include "func/decimal.h"
#include "func/tables.h"

static vonk_status resolve_round(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_ceil(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_round(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_round);

#define ROUNDS                                                                                                         \
    .nulls = VONK_NULL_IN_NULL_OUT, .nullable = VONK_NULLABLE_ALWAYS, .raises = VONK_RAISES_ANSI,                      \
    .prepare = prepare_round, .eval = eval_round, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_math_round[] = {
    {.name = "round", .args = "numeric,int?", ROUNDS, .resolve = resolve_round, .text = "round($1, 0); round($1, $2)",
     .since = "1.5.0", .doc = "The value with so many digits behind the point; of two equally near values the one away from zero.",
     .example = "round(2.5, 0)", .expect = "3"},
    {.name = "bround", .args = "numeric,int?", ROUNDS, .resolve = resolve_round, .text = "bround($1, 0); bround($1, $2)",
     .since = "2.0.0", .doc = "The value with so many digits behind the point; of two equally near values the even one.",
     .example = "bround(2.5, 0)", .expect = "2"},
    {.name = "ceil", .args = "double|decimal|bigint;decimal,any", ROUNDS, .resolve = resolve_ceil, .text = "CEIL($1); ceil($1, $2)",
     .since = "1.4.0", .doc = "The smallest whole number (or number with so many digits) that is not below the value.",
     .example = "ceil(-0.1)", .expect = "0"},
    {.name = "ceiling", .alias_of = "ceil", .text = "ceiling($1); ceiling($1, $2)", .example = "ceiling(3.1411, 3)", .expect = "3.142"},
    {.name = "floor", .args = "double|decimal|bigint;decimal,any", ROUNDS, .resolve = resolve_ceil, .text = "FLOOR($1); floor($1, $2)",
     .since = "1.4.0", .doc = "The largest whole number (or number with so many digits) that is not above the value.",
     .example = "floor(-0.1)", .expect = "-1"},
};
/* clang-format on */
VONK_FN_COUNT(math_round);

typedef enum rounding { HALF_UP, HALF_EVEN, UP, DOWN } rounding; /* UP: to plus infinity */

typedef struct round_op {
    rounding how;
    int scale; /* digits behind the point; negative: before it */
    bool null; /* the scale is NULL */
} round_op;

/* ---- types */

static vonk_status scale_of(const vonk_fn_types *t, int64_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *number = NULL;
    *ret = 0;
    if (t->n_args < 2) return VONK_OK;
    const vonk_column *c = t->constants ? t->constants[1] : NULL;
    if (!c)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`scale`", "inputType", "\"INT\"",
                         "inputExpr", VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[1] : VONK_STR("?"))));
    if (vonk_type_is_stringy(c->type)) {
        VONK_TRY(vonk_cast_column(t->env, t->mode, vonk_arena_budget(t->arena), c, &vonk_type_int, &number, err));
        c = number;
    }
    if (!vonk_type_is_integral(c->type) || vonk_column_is_null(c, 0)) return VONK_OK;
    const int64_t scale = vonk_column_i64(c, 0);
    *ret = scale < INT32_MIN ? INT32_MIN : scale > INT32_MAX ? INT32_MAX : scale; /* is an INT, or raises */
    return VONK_OK;
}

/* One digit more before the point may be needed after rounding. */
static vonk_status rounded_decimal(vonk_fn_types *t, const vonk_type *d, int64_t scale, vonk_error *err)
{
    const vonk_type *made = NULL;
    int64_t whole = d->precision - d->scale + 1, precision, digits = 0;
    if (scale < 0) {
        precision = whole > 1 - scale ? whole : 1 - scale;
    } else {
        digits = scale < d->scale ? scale : d->scale;
        precision = whole + digits;
    }
    if (precision > VONK_MAX_PRECISION) precision = VONK_MAX_PRECISION;
    VONK_TRY(vonk_type_decimal((int)precision, (int)digits, &made, err));
    const vonk_status set = vonk_fn_set_result(t, made);
    vonk_type_unref(made);
    return set;
}

static vonk_status resolve_round(vonk_fn_types *t, vonk_error *err)
{
    int64_t scale;
    VONK_TRY(scale_of(t, &scale, err));
    if (t->types[0]->id == VONK_T_DECIMAL) return rounded_decimal(t, t->types[0], scale, err);
    return vonk_fn_set_result(t, t->types[0]);
}

static vonk_status resolve_ceil(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *made = NULL, *in = t->types[0];
    if (t->n_args == 2) {
        const vonk_column *scale = t->constants ? t->constants[1] : NULL;
        if (!scale || scale->type->id != VONK_T_INT || vonk_column_is_null(scale, 0))
            return VONK_FAIL(err, VONK_E_NON_FOLDABLE_ARGUMENT, "funcName", VONK_QUOTED(t->fn->name), "paramName",
                             "`scale`", "paramType", "\"INT\"");
        return rounded_decimal(t, in, vonk_column_i64(scale, 0), err);
    }
    if (in->id != VONK_T_DECIMAL) return vonk_fn_set_result(t, &vonk_type_long);
    VONK_TRY(vonk__bounded_decimal(in->precision - in->scale + 1, 0, false, &made, err));
    const vonk_status set = vonk_fn_set_result(t, made);
    vonk_type_unref(made);
    return set;
}

static vonk_status prepare_round(vonk_fn_call *call, vonk_error *err)
{
    round_op *o = NULL;
    char c = vonk_fn_canonical(call->fn)->name[0];
    VONK_TRY(VONK_ARENA_NEW(call->arena, &o, err));
    o->how = c == 'r' ? HALF_UP : c == 'b' ? HALF_EVEN : c == 'c' ? UP : DOWN;
    const vonk_column *scale = call->n_args == 2 ? call->constants[1] : NULL;
    if (scale && vonk_column_is_null(scale, 0))
        o->null = true;
    else if (scale) {
        int64_t s = vonk_column_i64(scale, 0);
        o->scale = (int)(s > 400 ? 400 : s < -400 ? -400 : s);
    }
    call->state = o;
    return VONK_OK;
}

/* ---- values */

/* v / 10^digits in the given direction. */
static vonk_i128 round_off(vonk_i128 v, int digits, rounding how)
{
    if (digits <= 0) return v;
    if (how == HALF_UP) return vonk_dec_round_off(v, digits);
    if (digits > 38) return how == UP && v > 0 ? 1 : how == DOWN && v < 0 ? -1 : 0;
    vonk_i128 unit = vonk_pow10_i128[digits], q = v / unit, rest = v - q * unit;
    if (how == UP) return q + (rest > 0);
    if (how == DOWN) return q - (rest < 0);
    vonk_i128 size = rest < 0 ? -rest : rest;
    bool away = size > unit - size || (size == unit - size && (q & 1));
    return away ? q + (v < 0 ? -1 : 1) : q;
}

static double round_double(double v, const round_op *o)
{
    int exponent;
    if (v == 0 || !isfinite(v)) return v;
    uint64_t digits = vonk_f64_digits(v, &exponent);
    int drop = -exponent - o->scale;
    if (drop <= 0) return v;
    vonk_i128 q = round_off(v < 0 ? -(vonk_i128)digits : (vonk_i128)digits, drop, o->how);
    if (o->scale >= 0 && o->scale <= 22 && vonk_dec_abs(q) < (UINT64_C(1) << 53))
        return vonk_dec_to_f64(q, o->scale) + 0.0;
    char text[64];
    snprintf(text, sizeof(text), "%lldE%d", (long long)q, -o->scale);
    return strtod(text, NULL) + 0.0;
}

static bool round_int(int64_t v, const round_op *o, int64_t least, int64_t most, int64_t *ret)
{
    *ret = v;
    if (o->scale >= 0) return true;
    if (o->scale < -18) {
        *ret = 0;
        return true;
    }
    vonk_i128 r = round_off(v, -o->scale, o->how) * vonk_pow10_i128[-o->scale];
    *ret = (int64_t)(uint64_t)(vonk_u128)r;
    return r >= least && r <= most;
}

/* A whole number of a double: *ret_fits false when it is no BIGINT. */
static int64_t whole_of(double v, rounding how, bool *ret_fits)
{
    double w = how == UP ? ceil(v) : floor(v);
    *ret_fits = w != w || (w <= 9223372036854775808.0 && w >= -9223372036854775808.0);
    return w != w ? 0 : w >= 9223372036854775808.0 ? INT64_MAX : w <= -9223372036854775808.0 ? INT64_MIN : (int64_t)w;
}

/* Decimal at the result's scale; digits before the point may be rounded, too. */
static bool round_decimal(vonk_i128 v, const round_op *o, const vonk_type *from, const vonk_type *to, vonk_i128 *ret)
{
    int keep = o->scale < from->scale ? o->scale : from->scale;
    vonk_i128 q = round_off(v, from->scale - keep, o->how);
    if (keep < 0) {
        if (keep < -38)
            q = 0;
        else
            q *= vonk_pow10_i128[-keep];
        keep = 0;
    }
    *ret = q;
    return vonk_dec_rescale(q, keep, to->scale, ret) && vonk_dec_fits(*ret, to->precision);
}

static bool round_row(const round_op *o, const vonk_column *in, const vonk_type *to, void *out, uint32_t i)
{
    int64_t v = 0;
    bool fits = true;
    switch (in->type->storage) {
    case VONK_STORE_F32: ((float *)out)[i] = (float)round_double((double)VONK_VALUES(in, float)[i], o); return true;
    case VONK_STORE_F64:
        if (to->id == VONK_T_LONG)
            ((int64_t *)out)[i] = whole_of(VONK_VALUES(in, double)[i], o->how, &fits);
        else
            ((double *)out)[i] = round_double(VONK_VALUES(in, double)[i], o);
        return fits;
    default: break;
    }
    if (in->type->id == VONK_T_DECIMAL) {
        vonk_i128 r = 0;
        fits = round_decimal(vonk_column_i128(in, i), o, in->type, to, &r);
        if (to->storage == VONK_STORE_I64)
            ((int64_t *)out)[i] = (int64_t)r;
        else
            ((vonk_i128 *)out)[i] = r;
        return fits;
    }
    switch (in->type->storage) {
    case VONK_STORE_I8:
        fits = round_int(VONK_VALUES(in, int8_t)[i], o, INT8_MIN, INT8_MAX, &v);
        ((int8_t *)out)[i] = (int8_t)v;
        break;
    case VONK_STORE_I16:
        fits = round_int(VONK_VALUES(in, int16_t)[i], o, INT16_MIN, INT16_MAX, &v);
        ((int16_t *)out)[i] = (int16_t)v;
        break;
    case VONK_STORE_I32:
        fits = round_int(VONK_VALUES(in, int32_t)[i], o, INT32_MIN, INT32_MAX, &v);
        ((int32_t *)out)[i] = (int32_t)v;
        break;
    default:
        fits = round_int(VONK_VALUES(in, int64_t)[i], o, INT64_MIN, INT64_MAX, &v);
        ((int64_t *)out)[i] = v;
        break;
    }
    return fits;
}

VONK_FN_EVAL(eval_round)
{
    const round_op *o = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    if (o->null) return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    bool decimal = call->type->id == VONK_T_DECIMAL;
    for (VONK_EACH_ROW(rows, i)) {
        if (VONK_LIKELY(round_row(o, args[0], call->type, r.data, i))) continue;
        if (call->mode == VONK_MODE_ANSI)
            return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", o->how < UP ? "Overflow" : "overflow",
                             "alternative", "", "config", "\"spark.sql.ansi.enabled\"");
        if (decimal) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
