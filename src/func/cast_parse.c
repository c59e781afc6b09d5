/* func/cast_parse.c -- casts from strings. */
#include "column/kernel/kernel.h"
#include "func/body.h"
#include "func/cast_int.h"
#include "text/date.h"
#include "text/number.h"

/* Reads one text into out[row]; false: malformed. */
typedef bool (*reader)(const vonk__cast *c, vonk_str text, void *out, uint32_t row);

#define READ_INT(name, T, LEAST, MOST)                                                                                 \
    static bool name(const vonk__cast *c, vonk_str text, void *out, uint32_t row)                                      \
    {                                                                                                                  \
        int64_t v;                                                                                                     \
        if (!vonk_text_to_i64(text, c->mode == VONK_MODE_LEGACY, LEAST, MOST, &v)) return false;                       \
        ((T *)out)[row] = (T)v;                                                                                        \
        return true;                                                                                                   \
    }
READ_INT(read_i8, int8_t, INT8_MIN, INT8_MAX)
READ_INT(read_i16, int16_t, INT16_MIN, INT16_MAX)
READ_INT(read_i32, int32_t, INT32_MIN, INT32_MAX)
READ_INT(read_i64, int64_t, INT64_MIN, INT64_MAX)

static bool read_f64(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    return vonk_text_to_f64(text, (double *)out + row);
}
static bool read_f32(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    return vonk_text_to_f32(text, (float *)out + row);
}

static bool read_bool(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1"}, *const no[] = {"f", "false", "n", "no", "0"};
    text = vonk_text_trim_all(text);
    for (size_t i = 0; i < VONK_COUNTOF(yes); i++) {
        bool on = vonk_str_is_nocase(text, yes[i]);
        if (!on && !vonk_str_is_nocase(text, no[i])) continue;
        vonk_bit_put(out, row, on);
        return true;
    }
    return false;
}

/* Names of moments, which count in constants only. *ret_us: of a timestamp in UTC, else the session's wall clock. */
static bool read_moment(const vonk__cast *c, vonk_str text, int64_t *ret_us)
{
    static const char *const days[] = {"yesterday", "today", "tomorrow"};
    if (!c->constant) return false;
    text = vonk_text_trim_all(text);
    size_t n = 0;
    while (n < text.len && text.data[n] != ' ' && text.data[n] != '\t') n++;
    const vonk_str zone = vonk_text_trim_all(vonk_str_sub(text, n, text.len)); /* must be one, and means nothing */
    text = vonk_str_sub(text, 0, n);
    if (zone.len && (!vonk_zone_lookup(zone) || vonk_str_is_nocase(text, "now"))) return false;
    *ret_us = 0;
    if (vonk_str_is_nocase(text, "epoch")) return true;
    const bool zoned = c->to->id == VONK_T_TIMESTAMP;
    const vonk_local now = vonk_zone_to_local(c->zone, c->now_us, NULL);
    if (vonk_str_is_nocase(text, "now")) {
        *ret_us = c->now_us;
        return zoned || vonk_local_to_us(now, ret_us);
    }
    for (int i = 0; i < (int)VONK_COUNTOF(days); i++) {
        if (!vonk_str_is_nocase(text, days[i])) continue;
        const vonk_local midnight = {now.day + i - 1, 0};
        return vonk_zone_to_utc(zoned ? c->zone : NULL, midnight, ret_us);
    }
    return false;
}

static bool read_date(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    int64_t us;
    if (vonk_text_to_date(text, (int32_t *)out + row)) return true;
    if (!read_moment(c, text, &us)) return false;
    ((int32_t *)out)[row] = (int32_t)vonk_floor_div(us, VONK_US_PER_DAY);
    return true;
}
static bool read_timestamp(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    int64_t *to = (int64_t *)out + row;
    return vonk_text_to_timestamp(text, c->zone, c->now_us, to) || read_moment(c, text, to);
}
static bool read_ntz(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    int64_t *to = (int64_t *)out + row;
    return vonk_text_to_timestamp_ntz(text, true, to) || read_moment(c, text, to);
}
static bool read_time(const vonk__cast *c, vonk_str text, void *out, uint32_t row)
{
    int64_t v, unit = vonk_pow10_i64[9 - (c->to->precision > 9 ? 9 : c->to->precision)];
    if (!vonk_text_to_time(text, &v)) return false;
    ((int64_t *)out)[row] = v - v % unit;
    return true;
}

static const reader readers[VONK_N_TYPE] = {
    [VONK_T_BOOLEAN] = read_bool,      [VONK_T_BYTE] = read_i8,
    [VONK_T_SHORT] = read_i16,         [VONK_T_INT] = read_i32,
    [VONK_T_LONG] = read_i64,          [VONK_T_FLOAT] = read_f32,
    [VONK_T_DOUBLE] = read_f64,        [VONK_T_DATE] = read_date,
    [VONK_T_TIME] = read_time,         [VONK_T_TIMESTAMP] = read_timestamp,
    [VONK_T_TIMESTAMP_NTZ] = read_ntz,
};

VONK_FN_EVAL(eval_scalar)
{
    const vonk__cast *c = vonk__cast_of(call);
    reader read = readers[c->to->id];
    const vonk_view *views = args[0]->data;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    memset(r.data, 0,
           c->to->id == VONK_T_BOOLEAN ? vonk_bits_bytes(n_rows) : n_rows * vonk_storage_bytes(c->to->storage));
    for (VONK_EACH_ROW(rows, i)) {
        if (read(c, vonk_view_str(&views[i], args[0]->heaps), r.data, i)) continue;
        if (c->mode == VONK_MODE_ANSI) return vonk__cast_malformed(c, args[0], i, err);
        VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status decimal_failed(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_dec_parse how,
                                  vonk_error *err)
{
    if (how == VONK_DEC_MALFORMED) return vonk__cast_malformed(c, arg, row, err);
    if (how == VONK_DEC_OUT_OF_RANGE) return vonk__cast_out_of_range(c, arg, row, err);
    return VONK_FAIL(err, VONK_E_NUMERIC_OUT_OF_SUPPORTED_RANGE, "value", VONK_S(vonk_column_str(arg, row)));
}

VONK_FN_EVAL(eval_decimal)
{
    const vonk__cast *c = vonk__cast_of(call);
    const vonk_view *views = args[0]->data;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_i128 v = 0;
        vonk_dec_parse how =
            vonk_text_to_dec(vonk_view_str(&views[i], args[0]->heaps), c->to->precision, c->to->scale, &v);
        if (how != VONK_DEC_OK) {
            if (c->mode == VONK_MODE_ANSI) return decimal_failed(c, args[0], i, how, err);
            VONK_TRY(vonk_result_null(&r, i, err));
        }
        if (c->to->storage == VONK_STORE_I64)
            ((int64_t *)r.data)[i] = (int64_t)v;
        else
            ((vonk_i128 *)r.data)[i] = v;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

bool vonk__cast_from_text(vonk_fn_call *call, const vonk__cast *c)
{
    if (!vonk_type_is_stringy(c->from)) return false;
    if (c->to->id == VONK_T_DECIMAL)
        call->eval = eval_decimal;
    else if (readers[c->to->id])
        call->eval = eval_scalar;
    else
        return false;
    return true;
}
