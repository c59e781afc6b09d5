/* func/cast_number.c -- casts between numbers, decimals and booleans. Loops run over all lanes and mark those that do
 * not fit. */
#include <math.h>

#include "column/kernel/kernel.h"
#include "func/body.h"
#include "func/cast_int.h"
#include "func/decimal.h"

typedef bool (*loop)(size_t n, const void *in, void *out, uint8_t *bad);

/* Integers into integers: wraps, bad where it did. */
#define INT_TO_INT(f, F, t, T)                                                                                         \
    static VONK_HOT bool f##_to_##t(size_t n, const void *in_, void *out_, uint8_t *bad)                               \
    {                                                                                                                  \
        const F *in = in_;                                                                                             \
        T *out = out_;                                                                                                 \
        uint8_t any = 0;                                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            out[i] = (T)in[i];                                                                                         \
            bad[i] = (F)out[i] != in[i];                                                                               \
            any |= bad[i];                                                                                             \
        }                                                                                                              \
        return any;                                                                                                    \
    }
/* Anything into something that holds it. */
#define WIDEN(f, F, t, T)                                                                                              \
    static VONK_HOT bool f##_to_##t(size_t n, const void *in_, void *out_, uint8_t *bad)                               \
    {                                                                                                                  \
        const F *in = in_;                                                                                             \
        T *out = out_;                                                                                                 \
        for (size_t i = 0; i < n; i++) out[i] = (T)in[i];                                                              \
        return false;                                                                                                  \
    }
/* Floats into integers as Java's casts: cut, saturated, NaN is 0. int is 32 bits wide at least: shorter ones go through
 * it. */
#define FLOAT_TO_INT(f, F, t, T, LEAST, MOST)                                                                          \
    static VONK_HOT bool f##_to_##t(size_t n, const void *in_, void *out_, uint8_t *bad)                               \
    {                                                                                                                  \
        const F *in = in_;                                                                                             \
        T *out = out_;                                                                                                 \
        uint8_t any = 0;                                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double v = trunc((double)in[i]);                                                                           \
            bool fits = v >= (double)(LEAST) && v <= (double)(MOST);                                                   \
            int32_t cut = v != v ? 0 : v >= 2147483647.0 ? INT32_MAX : v <= -2147483648.0 ? INT32_MIN : (int32_t)v;    \
            out[i] = (T)cut;                                                                                           \
            bad[i] = !fits;                                                                                            \
            any |= bad[i];                                                                                             \
        }                                                                                                              \
        return any;                                                                                                    \
    }
#define FLOAT_TO_LONG(f, F)                                                                                            \
    static VONK_HOT bool f##_to_i64(size_t n, const void *in_, void *out_, uint8_t *bad)                               \
    {                                                                                                                  \
        const F *in = in_;                                                                                             \
        int64_t *out = out_;                                                                                           \
        uint8_t any = 0;                                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            double v = (double)in[i];                                                                                  \
            bool above = v >= 9223372036854775808.0, below = v < -9223372036854775808.0;                               \
            out[i] = v != v ? 0 : above ? INT64_MAX : below ? INT64_MIN : (int64_t)v;                                  \
            bad[i] = !(v <= 9223372036854775808.0 && v >= -9223372036854775808.0);                                     \
            any |= bad[i];                                                                                             \
        }                                                                                                              \
        return any;                                                                                                    \
    }

INT_TO_INT(i16, int16_t, i8, int8_t)
INT_TO_INT(i32, int32_t, i8, int8_t)
INT_TO_INT(i64, int64_t, i8, int8_t)
INT_TO_INT(i32, int32_t, i16, int16_t)
INT_TO_INT(i64, int64_t, i16, int16_t)
INT_TO_INT(i64, int64_t, i32, int32_t)
WIDEN(i8, int8_t, i16, int16_t)
WIDEN(i8, int8_t, i32, int32_t)
WIDEN(i8, int8_t, i64, int64_t)
WIDEN(i16, int16_t, i32, int32_t)
WIDEN(i16, int16_t, i64, int64_t)
WIDEN(i32, int32_t, i64, int64_t)
WIDEN(i8, int8_t, f32, float)
WIDEN(i16, int16_t, f32, float)
WIDEN(i32, int32_t, f32, float)
WIDEN(i64, int64_t, f32, float)
WIDEN(i8, int8_t, f64, double)
WIDEN(i16, int16_t, f64, double)
WIDEN(i32, int32_t, f64, double)
WIDEN(i64, int64_t, f64, double)
WIDEN(f32, float, f64, double)
WIDEN(f64, double, f32, float)
FLOAT_TO_INT(f32, float, i8, int8_t, INT8_MIN, INT8_MAX)
FLOAT_TO_INT(f32, float, i16, int16_t, INT16_MIN, INT16_MAX)
FLOAT_TO_INT(f32, float, i32, int32_t, INT32_MIN, INT32_MAX)
FLOAT_TO_INT(f64, double, i8, int8_t, INT8_MIN, INT8_MAX)
FLOAT_TO_INT(f64, double, i16, int16_t, INT16_MIN, INT16_MAX)
FLOAT_TO_INT(f64, double, i32, int32_t, INT32_MIN, INT32_MAX)
FLOAT_TO_LONG(f32, float)
FLOAT_TO_LONG(f64, double)

static const loop loops[VONK_LANE_F64 + 1][VONK_LANE_F64 + 1] = {
    [VONK_LANE_I8] = {NULL, i8_to_i16, i8_to_i32, i8_to_i64, i8_to_f32, i8_to_f64},
    [VONK_LANE_I16] = {i16_to_i8, NULL, i16_to_i32, i16_to_i64, i16_to_f32, i16_to_f64},
    [VONK_LANE_I32] = {i32_to_i8, i32_to_i16, NULL, i32_to_i64, i32_to_f32, i32_to_f64},
    [VONK_LANE_I64] = {i64_to_i8, i64_to_i16, i64_to_i32, NULL, i64_to_f32, i64_to_f64},
    [VONK_LANE_F32] = {f32_to_i8, f32_to_i16, f32_to_i32, f32_to_i64, NULL, f32_to_f64},
    [VONK_LANE_F64] = {f64_to_i8, f64_to_i16, f64_to_i32, f64_to_i64, f64_to_f32, NULL},
};

static loop loop_between(const vonk_type *from, const vonk_type *to)
{
    vonk_lane from_lane = vonk_lane_of(from->storage), to_lane = vonk_lane_of(to->storage);
    assert(from_lane <= VONK_LANE_F64 && to_lane <= VONK_LANE_F64);
    loop run = loops[from_lane][to_lane];
    assert(run);
    return run;
}

VONK_FN_EVAL(eval_plain)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad;
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    loop run = loop_between(c->from, c->to);
    if (run(n_rows, args[0]->data, r.data, bad) && c->mode != VONK_MODE_LEGACY)
        VONK_TRY(vonk__cast_settle(c, ev, args[0], n_rows, rows, bad, vonk__cast_overflow, &r, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- booleans */

VONK_FN_EVAL(eval_to_bool)
{
    static const vonk_i128 zero = 0; /* of any width; of floats, too */
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    vonk_lane lane = vonk_lane_of(args[0]->type->storage);
    vonk_kernels->compare[VONK_CMP_NE][lane](n_rows, args[0]->data, &zero, VONK_VS, r.data);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static void put_bool(vonk_storage to, bool on, const vonk__cast *c, void *out, uint32_t i)
{
    vonk_i128 one = c->to->id == VONK_T_DECIMAL ? vonk_pow10_i128[c->to->scale] : 1;
    switch (to) {
    case VONK_STORE_I8: ((int8_t *)out)[i] = on; break;
    case VONK_STORE_I16: ((int16_t *)out)[i] = on; break;
    case VONK_STORE_I32: ((int32_t *)out)[i] = on; break;
    case VONK_STORE_I64: ((int64_t *)out)[i] = on ? (int64_t)one : 0; break;
    case VONK_STORE_F32: ((float *)out)[i] = on; break;
    case VONK_STORE_F64: ((double *)out)[i] = on; break;
    default: ((vonk_i128 *)out)[i] = on ? one : 0; break;
    }
}

VONK_FN_EVAL(eval_from_bool)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad = NULL, any = 0;
    bool too_wide = c->to->id == VONK_T_DECIMAL && c->to->precision == c->to->scale; /* holds no 1 */
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    if (too_wide) VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    const uint8_t *bits = args[0]->data;
    for (uint32_t i = 0; i < n_rows; i++) {
        bool on = vonk_bit_get(bits, i);
        put_bool(c->to->storage, on && !too_wide, c, r.data, i);
        if (bad) any |= bad[i] = on;
    }
    if (any) VONK_TRY(vonk__cast_settle(c, ev, args[0], n_rows, rows, bad, vonk__cast_out_of_range, &r, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- into decimals */

/* Values as 64-bit integers; data itself when they are. */
static vonk_status as_i64(vonk_eval *ev, const vonk_column *arg, uint32_t n, const int64_t **ret, vonk_error *err)
{
    int64_t *wide;
    if (vonk_lane_of(arg->type->storage) == VONK_LANE_I64) {
        *ret = arg->data;
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_array(ev->scratch, n, sizeof(*wide), &wide, err));
    loop_between(arg->type, &vonk_type_long)(n, arg->data, wide, NULL);
    *ret = wide;
    return VONK_OK;
}

static VONK_HOT bool scale_i64(size_t n, const int64_t *in, int64_t times, int64_t limit, int64_t *out, uint8_t *bad)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = (int64_t)((uint64_t)in[i] * (uint64_t)times);
        bad[i] = (in[i] >= limit) | (in[i] <= -limit);
        any |= bad[i];
    }
    return any;
}

static bool scale_i128(size_t n, const int64_t *in, vonk_i128 times, vonk_i128 limit, vonk_i128 *out, uint8_t *bad)
{
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) {
        vonk_i128 v = in[i];
        bad[i] = (v >= limit) | (v <= -limit);
        out[i] = bad[i] ? 0 : v * times;
        any |= bad[i];
    }
    return any;
}

VONK_FN_EVAL(eval_int_to_decimal)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    const int64_t *in;
    uint8_t *bad;
    bool any;
    VONK_TRY(as_i64(ev, args[0], n_rows, &in, err));
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    int whole = c->to->precision - c->to->scale;
    vonk_i128 limit = vonk_pow10_i128[whole];
    if (c->to->storage == VONK_STORE_I64)
        any = scale_i64(n_rows, in, vonk_pow10_i64[c->to->scale], (int64_t)limit, r.data, bad);
    else
        any = scale_i128(n_rows, in, vonk_pow10_i128[c->to->scale], limit, r.data, bad);
    if (any) VONK_TRY(vonk__cast_settle(c, ev, args[0], n_rows, rows, bad, vonk__cast_out_of_range, &r, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static void put_decimal(const vonk_type *to, void *out, uint32_t i, vonk_i128 v)
{
    if (to->storage == VONK_STORE_I64)
        ((int64_t *)out)[i] = (int64_t)v;
    else
        ((vonk_i128 *)out)[i] = v;
}

VONK_FN_EVAL(eval_float_to_decimal)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        double v =
            c->from->id == VONK_T_FLOAT ? (double)VONK_VALUES(args[0], float)[i] : VONK_VALUES(args[0], double)[i];
        vonk_i128 d = 0;
        if (!vonk_dec_from_f64(v, c->to->precision, c->to->scale, &d)) {
            /* NaN and infinity have no digits: null in every mode */
            if (c->mode == VONK_MODE_ANSI && isfinite(v)) return vonk__cast_out_of_range(c, args[0], i, err);
            VONK_TRY(vonk_result_null(&r, i, err));
            d = 0;
        }
        put_decimal(c->to, r.data, i, d);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- between decimals */

static VONK_HOT bool upscale_i64(size_t n, const int64_t *in, int64_t times, int64_t limit, int64_t *out, uint8_t *bad)
{
    return scale_i64(n, in, times, limit, out, bad);
}

static bool downscale_i64(size_t n, const int64_t *in, int64_t unit, int64_t limit, int64_t *out, uint8_t *bad)
{
    uint8_t any = 0;
    int64_t half = unit / 2; /* unit is 10 or more, so even */
    for (size_t i = 0; i < n; i++) {
        int64_t v = in[i], q = (v + (v < 0 ? -half : half)) / unit;
        out[i] = q;
        bad[i] = (q >= limit) | (q <= -limit);
        any |= bad[i];
    }
    return any;
}

static bool rescale_wide(size_t n, const vonk_column *arg, const vonk_type *to, void *out, uint8_t *bad)
{
    uint8_t any = 0;
    bool narrow_in = arg->type->storage == VONK_STORE_I64;
    for (size_t i = 0; i < n; i++) {
        vonk_i128 v = narrow_in ? VONK_VALUES(arg, int64_t)[i] : VONK_VALUES(arg, vonk_i128)[i], q = 0;
        bool fits = vonk_dec_rescale(v, arg->type->scale, to->scale, &q) && vonk_dec_fits(q, to->precision);
        put_decimal(to, out, (uint32_t)i, fits ? q : 0);
        bad[i] = !fits;
        any |= bad[i];
    }
    return any;
}

VONK_FN_EVAL(eval_decimal_to_decimal)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad;
    bool any;
    int up = c->to->scale - c->from->scale;
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    if (c->from->storage != VONK_STORE_I64 || c->to->storage != VONK_STORE_I64)
        any = rescale_wide(n_rows, args[0], c->to, r.data, bad);
    else if (up >= 0)
        any =
            upscale_i64(n_rows, args[0]->data, vonk_pow10_i64[up], vonk_pow10_i64[c->to->precision - up], r.data, bad);
    else
        any = downscale_i64(n_rows, args[0]->data, vonk_pow10_i64[-up], vonk_pow10_i64[c->to->precision], r.data, bad);
    if (any) VONK_TRY(vonk__cast_settle(c, ev, args[0], n_rows, rows, bad, vonk__cast_out_of_range, &r, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- out of decimals */

VONK_FN_EVAL(eval_decimal_to_float)
{
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    int scale = c->from->scale;
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        bool narrow = c->from->storage == VONK_STORE_I64;
        vonk_i128 v = narrow ? VONK_VALUES(args[0], int64_t)[i] : VONK_VALUES(args[0], vonk_i128)[i];
        double d = vonk_dec_to_f64(v, scale);
        if (c->to->id == VONK_T_FLOAT)
            ((float *)r.data)[i] = (float)d;
        else
            ((double *)r.data)[i] = d;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static void put_cut(const vonk_type *to, void *out, uint32_t i, int64_t v)
{
    switch (to->storage) {
    case VONK_STORE_I8: ((int8_t *)out)[i] = (int8_t)v; break;
    case VONK_STORE_I16: ((int16_t *)out)[i] = (int16_t)v; break;
    case VONK_STORE_I32: ((int32_t *)out)[i] = (int32_t)v; break;
    default: ((int64_t *)out)[i] = v; break;
    }
}

VONK_FN_EVAL(eval_decimal_to_int)
{
    static const vonk_i128 most[] = {[VONK_STORE_I8] = INT8_MAX,
                                     [VONK_STORE_I16] = INT16_MAX,
                                     [VONK_STORE_I32] = INT32_MAX,
                                     [VONK_STORE_I64] = INT64_MAX};
    const vonk__cast *c = vonk__cast_of(call);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    vonk_i128 unit = vonk_pow10_i128[c->from->scale], limit = most[c->to->storage];
    bool narrow = c->from->storage == VONK_STORE_I64;
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_i128 q = narrow ? (vonk_i128)(VONK_VALUES(args[0], int64_t)[i] / (int64_t)unit)
                             : VONK_VALUES(args[0], vonk_i128)[i] / unit;
        if (c->mode != VONK_MODE_LEGACY && (q > limit || q < -limit - 1)) {
            if (c->mode == VONK_MODE_ANSI) return vonk__cast_overflow(c, args[0], i, err);
            VONK_TRY(vonk_result_null(&r, i, err));
            continue;
        }
        put_cut(c->to, r.data, i, (int64_t)(uint64_t)(vonk_u128)q);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

bool vonk__cast_numbers(vonk_fn_call *call, const vonk__cast *c)
{
    const vonk_type *from = c->from, *to = c->to;
    bool from_bool = from->id == VONK_T_BOOLEAN, to_bool = to->id == VONK_T_BOOLEAN;
    bool from_dec = from->id == VONK_T_DECIMAL, to_dec = to->id == VONK_T_DECIMAL;
    if (!(from_bool || vonk_type_is_numeric(from)) || !(to_bool || vonk_type_is_numeric(to))) return false;
    call->dense = true;
    if (to_bool)
        call->eval = eval_to_bool;
    else if (from_bool)
        call->eval = eval_from_bool;
    else if (from_dec && to_dec)
        call->eval = eval_decimal_to_decimal;
    else if (to_dec)
        call->eval = vonk_type_is_integral(from) ? eval_int_to_decimal : eval_float_to_decimal;
    else if (from_dec)
        call->eval = vonk_type_is_integral(to) ? eval_decimal_to_int : eval_decimal_to_float;
    else
        call->eval = eval_plain;
    if (call->eval == eval_float_to_decimal || call->eval == eval_decimal_to_int) call->dense = false;
    return true;
}
