/* func/cast_time.c -- casts between dates, timestamps, times and numbers. */
#include <math.h>

#include "func/body.h"
#include "func/cast_int.h"
#include "func/decimal.h"
#include "text/date.h"
#include "text/number.h"

/* One value from in[row] to out[row]. VALUE_OK, or why not. */
typedef enum value_state { VALUE_OK, VALUE_NULL, VALUE_OVERFLOW, VALUE_MALFORMED } value_state;
typedef value_state (*one)(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row, void *out);

static vonk_local local_at(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row)
{
    return vonk_zone_to_local(c->from->id == VONK_T_TIMESTAMP ? c->zone : NULL, ((const int64_t *)in)[row], cache);
}

static value_state put_local(const vonk__cast *c, vonk_local local, void *out, uint32_t row)
{
    const vonk_zone *zone = c->to->id == VONK_T_TIMESTAMP ? c->zone : NULL;
    return vonk_zone_to_utc(zone, local, (int64_t *)out + row) ? VALUE_OK : VALUE_OVERFLOW;
}

static value_state date_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                     void *out)
{
    return put_local(c, (vonk_local){((const int32_t *)in)[row], 0}, out, row);
}

static value_state timestamp_to_date(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                     void *out)
{
    ((int32_t *)out)[row] = (int32_t)local_at(c, cache, in, row).day;
    return VALUE_OK;
}

static value_state timestamp_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                          void *out)
{
    return put_local(c, local_at(c, cache, in, row), out, row);
}

/* ---- numbers are seconds since the epoch */

static int64_t integer_at(const vonk_type *t, const void *in, uint32_t row)
{
    switch (t->storage) {
    case VONK_STORE_BIT: return vonk_bit_get(in, row);
    case VONK_STORE_I8: return ((const int8_t *)in)[row];
    case VONK_STORE_I16: return ((const int16_t *)in)[row];
    case VONK_STORE_I32: return ((const int32_t *)in)[row];
    default: return ((const int64_t *)in)[row];
    }
}

static value_state int_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                    void *out)
{
    int64_t s = integer_at(c->from, in, row), us;
    if (c->from->id == VONK_T_BOOLEAN)
        us = s; /* Spark makes a microsecond of true */
    else if (__builtin_mul_overflow(s, VONK_US_PER_SECOND, &us))
        us = s < 0 ? INT64_MIN : INT64_MAX;
    ((int64_t *)out)[row] = us;
    return VALUE_OK;
}

static double seconds_at(const vonk__cast *c, const void *in, uint32_t row)
{
    return c->from->id == VONK_T_FLOAT ? (double)((const float *)in)[row] : ((const double *)in)[row];
}

static value_state float_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                      void *out)
{
    const double s = seconds_at(c, in, row);
    if (!isfinite(s)) return c->mode == VONK_MODE_ANSI ? VALUE_MALFORMED : VALUE_NULL;
    ((int64_t *)out)[row] = vonk_i64_of_f64(s * 1e6);
    return c->mode != VONK_MODE_LEGACY && fabs(s * 1e6) > 0x1p63 ? VALUE_OVERFLOW : VALUE_OK;
}

static vonk_i128 decimal_at(const vonk_type *t, const void *in, uint32_t row)
{
    return t->storage == VONK_STORE_I64 ? ((const int64_t *)in)[row] : ((const vonk_i128 *)in)[row];
}

static value_state decimal_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                        void *out)
{
    vonk_i128 v = decimal_at(c->from, in, row);
    int up = 6 - c->from->scale;
    v = up >= 0 ? (vonk_i128)((vonk_u128)v * (vonk_u128)vonk_pow10_i128[up]) : v / vonk_pow10_i128[-up];
    ((int64_t *)out)[row] = (int64_t)(uint64_t)(vonk_u128)v;
    return VALUE_OK;
}

static value_state put_integer(const vonk_type *to, int64_t v, void *out, uint32_t row)
{
    switch (to->storage) {
    case VONK_STORE_I8: ((int8_t *)out)[row] = (int8_t)v; return v == (int8_t)v ? VALUE_OK : VALUE_OVERFLOW;
    case VONK_STORE_I16: ((int16_t *)out)[row] = (int16_t)v; return v == (int16_t)v ? VALUE_OK : VALUE_OVERFLOW;
    case VONK_STORE_I32: ((int32_t *)out)[row] = (int32_t)v; return v == (int32_t)v ? VALUE_OK : VALUE_OVERFLOW;
    default: ((int64_t *)out)[row] = v; return VALUE_OK;
    }
}

static value_state timestamp_to_int(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                    void *out)
{
    value_state s = put_integer(c->to, vonk_floor_div(((const int64_t *)in)[row], VONK_US_PER_SECOND), out, row);
    return s == VALUE_OVERFLOW && c->mode != VONK_MODE_ANSI ? VALUE_NULL : s;
}

static value_state timestamp_to_float(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                      void *out)
{
    double s = (double)((const int64_t *)in)[row] / 1e6;
    if (c->to->id == VONK_T_FLOAT)
        ((float *)out)[row] = (float)s;
    else
        ((double *)out)[row] = s;
    return VALUE_OK;
}

static void put_decimal(const vonk_type *to, vonk_i128 v, void *out, uint32_t row)
{
    if (to->storage == VONK_STORE_I64)
        ((int64_t *)out)[row] = (int64_t)v;
    else
        ((vonk_i128 *)out)[row] = v;
}

static value_state timestamp_to_decimal(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                        void *out)
{
    vonk_i128 v = 0;
    bool fits = vonk_dec_from_f64((double)((const int64_t *)in)[row] / 1e6, c->to->precision, c->to->scale, &v);
    put_decimal(c->to, v, out, row);
    return fits ? VALUE_OK : c->mode == VONK_MODE_ANSI ? VALUE_OVERFLOW : VALUE_NULL;
}

static value_state timestamp_to_bool(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                     void *out)
{
    vonk_bit_put(out, row, ((const int64_t *)in)[row] != 0);
    return VALUE_OK;
}

/* ---- times of day */

/* To as many digits of the second as the type has. */
static int64_t cut_time(int64_t nanos, const vonk_type *to)
{
    return nanos - nanos % vonk_pow10_i64[to->precision > 9 ? 0 : 9 - to->precision];
}

static value_state time_to_time(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row, void *out)
{
    ((int64_t *)out)[row] = cut_time(((const int64_t *)in)[row], c->to);
    return VALUE_OK;
}

/* At this time of the query's day in the session's zone. */
static value_state time_to_timestamp(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                     void *out)
{
    const int64_t today = vonk_zone_to_local(c->zone, c->now_us, cache).day;
    return put_local(c, (vonk_local){today, ((const int64_t *)in)[row] / 1000}, out, row);
}

static value_state timestamp_to_time(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row,
                                     void *out)
{
    ((int64_t *)out)[row] = cut_time(local_at(c, cache, in, row).us * 1000, c->to);
    return VALUE_OK;
}

static value_state time_to_int(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row, void *out)
{
    value_state s = put_integer(c->to, ((const int64_t *)in)[row] / 1000000000, out, row);
    return s == VALUE_OVERFLOW && c->mode != VONK_MODE_ANSI ? VALUE_NULL : s;
}

static value_state time_to_decimal(const vonk__cast *c, vonk_zone_cache *cache, const void *in, uint32_t row, void *out)
{
    vonk_i128 v = 0;
    bool fits = vonk_dec_rescale(((const int64_t *)in)[row], 9, c->to->scale, &v) && vonk_dec_fits(v, c->to->precision);
    put_decimal(c->to, fits ? v : 0, out, row);
    return fits ? VALUE_OK : c->mode == VONK_MODE_ANSI ? VALUE_OVERFLOW : VALUE_NULL;
}

static one body_of(const vonk_type *from, const vonk_type *to)
{
    bool stamp_in = from->id == VONK_T_TIMESTAMP, stamp_out = to->id == VONK_T_TIMESTAMP;
    bool any_in = stamp_in || from->id == VONK_T_TIMESTAMP_NTZ, any_out = stamp_out || to->id == VONK_T_TIMESTAMP_NTZ;
    if (from->id == VONK_T_DATE && any_out) return date_to_timestamp;
    if (any_in && to->id == VONK_T_DATE) return timestamp_to_date;
    if (any_in && any_out) return timestamp_to_timestamp;
    if (from->id == VONK_T_TIME && to->id == VONK_T_TIME) return time_to_time;
    if (from->id == VONK_T_TIME && any_out) return time_to_timestamp;
    if (any_in && to->id == VONK_T_TIME) return timestamp_to_time;
    if (from->id == VONK_T_TIME)
        return vonk_type_is_integral(to) ? time_to_int : to->id == VONK_T_DECIMAL ? time_to_decimal : NULL;
    bool number_out = vonk_type_is_numeric(to), decimal_out = to->id == VONK_T_DECIMAL;
    if (stamp_in && to->id == VONK_T_BOOLEAN) return timestamp_to_bool;
    if (stamp_in && number_out)
        return decimal_out ? timestamp_to_decimal : vonk_type_is_integral(to) ? timestamp_to_int : timestamp_to_float;
    if (!stamp_out) return NULL;
    if (from->id == VONK_T_DECIMAL) return decimal_to_timestamp;
    if (from->id == VONK_T_FLOAT || from->id == VONK_T_DOUBLE) return float_to_timestamp;
    return vonk_type_is_integral(from) || from->id == VONK_T_BOOLEAN ? int_to_timestamp : NULL;
}

/* Spark tells of the microseconds, which it makes a BIGINT. */
static vonk_status too_many_seconds(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    const double us = seconds_at(c, arg->data, row) * 1e6;
    char text[VONK_F64_CHARS];
    const int n = (int)vonk_f64_to_text(us, text);
    return VONK_FAIL(err, VONK_E_CAST_OVERFLOW, "value", VONK_F("%.*s%s", n, text, isfinite(us) ? "D" : ""),
                     "sourceType", "\"DOUBLE\"", "targetType", "\"BIGINT\"", "ansiConfig",
                     "\"spark.sql.ansi.enabled\"");
}

static vonk_status overflow(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    if (c->to->id == VONK_T_DECIMAL) return vonk__cast_out_of_range(c, arg, row, err);
    const bool seconds = c->from->id == VONK_T_FLOAT || c->from->id == VONK_T_DOUBLE;
    return seconds ? too_many_seconds(c, arg, row, err) : vonk__cast_overflow(c, arg, row, err);
}

VONK_FN_EVAL(eval_time)
{
    const vonk__cast *c = vonk__cast_of(call);
    one body = body_of(c->from, c->to);
    vonk_zone_cache cache = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        value_state s = body(c, &cache, args[0]->data, i, r.data);
        if (VONK_LIKELY(s == VALUE_OK)) continue;
        if (s == VALUE_MALFORMED) return vonk__cast_malformed(c, args[0], i, err);
        if (s == VALUE_OVERFLOW && c->mode != VONK_MODE_TRY) return overflow(c, args[0], i, err);
        VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

bool vonk__cast_times(vonk_fn_call *call, const vonk__cast *c)
{
    if (!body_of(c->from, c->to)) return false;
    call->eval = eval_time;
    return true;
}
