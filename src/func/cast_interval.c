/* func/cast_interval.c -- casts between intervals, strings and numbers. */
#include <stdio.h>

#include "func/body.h"
#include "func/cast_int.h"
#include "func/decimal.h"
#include "text/interval.h"

typedef enum value_state { VALUE_OK, VALUE_NULL, VALUE_OVERFLOW, VALUE_MALFORMED } value_state;
typedef value_state (*one)(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out);

/* Microseconds of one unit of a field, months of one. */
static const int64_t field_us[] = {INT64_C(86400000000), INT64_C(3600000000), INT64_C(60000000), INT64_C(1000000)};
static int32_t field_months(int field) { return field == VONK_YEAR ? 12 : 1; }

/* ---- from strings */

static value_state state_of(vonk_interval_parse p) { return p == VONK_INTERVAL_OK ? VALUE_OK : VALUE_MALFORMED; }

static value_state text_to_ym(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    return state_of(vonk_text_to_ym(vonk_column_str(in, row), c->to->first, c->to->last, (int32_t *)out + row));
}

static value_state text_to_dt(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    return state_of(vonk_text_to_dt(vonk_column_str(in, row), c->to->first, c->to->last, (int64_t *)out + row));
}

static value_state text_to_calendar(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    vonk_interval *v = (vonk_interval *)out + row;
    return vonk_text_to_calendar(vonk_column_str(in, row), &v->months, &v->days, &v->us) ? VALUE_OK : VALUE_NULL;
}

/* ---- between intervals: what is finer than the last field is cut off */

static value_state ym_to_ym(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    int32_t v = VONK_VALUES(in, int32_t)[row];
    ((int32_t *)out)[row] = v - v % field_months(c->to->last);
    return VALUE_OK;
}

static value_state dt_to_dt(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    int64_t v = VONK_VALUES(in, int64_t)[row];
    ((int64_t *)out)[row] = c->to->last == VONK_SECOND ? v : v - v % field_us[c->to->last];
    return VALUE_OK;
}

/* ---- numbers count the last field */

static value_state int_to_ym(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    int64_t v;
    if (__builtin_mul_overflow(vonk_column_i64(in, row), (int64_t)field_months(c->to->last), &v) || v != (int32_t)v)
        return VALUE_OVERFLOW;
    ((int32_t *)out)[row] = (int32_t)v;
    return VALUE_OK;
}

static value_state int_to_dt(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    return __builtin_mul_overflow(vonk_column_i64(in, row), field_us[c->to->last], (int64_t *)out + row)
               ? VALUE_OVERFLOW
               : VALUE_OK;
}

static value_state decimal_to_ym(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    vonk_i128 v;
    if (!vonk_dec_mul(vonk_column_i128(in, row), field_months(c->to->last), c->from->scale, &v) || v != (int32_t)v)
        return VALUE_OVERFLOW;
    ((int32_t *)out)[row] = (int32_t)v;
    return VALUE_OK;
}

static value_state decimal_to_dt(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    vonk_i128 v;
    if (!vonk_dec_mul(vonk_column_i128(in, row), field_us[c->to->last], c->from->scale, &v) || v != (int64_t)v)
        return VALUE_OVERFLOW;
    ((int64_t *)out)[row] = (int64_t)v;
    return VALUE_OK;
}

static int64_t units_of(const vonk__cast *c, const vonk_column *in, uint32_t row)
{
    int64_t v = vonk_column_i64(in, row);
    return v / (c->from->id == VONK_T_INTERVAL_YEAR_MONTH ? field_months(c->from->last) : field_us[c->from->last]);
}

static value_state interval_to_int(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    int64_t v = units_of(c, in, row);
    switch (c->to->storage) {
    case VONK_STORE_I8: ((int8_t *)out)[row] = (int8_t)v; return v == (int8_t)v ? VALUE_OK : VALUE_OVERFLOW;
    case VONK_STORE_I16: ((int16_t *)out)[row] = (int16_t)v; return v == (int16_t)v ? VALUE_OK : VALUE_OVERFLOW;
    case VONK_STORE_I32: ((int32_t *)out)[row] = (int32_t)v; return v == (int32_t)v ? VALUE_OK : VALUE_OVERFLOW;
    default: ((int64_t *)out)[row] = v; return VALUE_OK;
    }
}

static value_state interval_to_decimal(const vonk__cast *c, const vonk_column *in, uint32_t row, void *out)
{
    bool seconds = c->from->id == VONK_T_INTERVAL_DAY_TIME && c->from->last == VONK_SECOND;
    vonk_i128 v = seconds ? vonk_column_i64(in, row) : units_of(c, in, row);
    bool fits = vonk_dec_rescale(v, seconds ? 6 : 0, c->to->scale, &v) && vonk_dec_fits(v, c->to->precision);
    if (!fits) v = 0;
    if (c->to->storage == VONK_STORE_I64)
        ((int64_t *)out)[row] = (int64_t)v;
    else
        ((vonk_i128 *)out)[row] = v;
    return fits ? VALUE_OK : VALUE_OVERFLOW;
}

static one body_of(const vonk_type *from, const vonk_type *to)
{
    bool text = vonk_type_is_stringy(from), decimal = from->id == VONK_T_DECIMAL, integer = vonk_type_is_integral(from);
    bool interval = from->id == VONK_T_INTERVAL_YEAR_MONTH || from->id == VONK_T_INTERVAL_DAY_TIME;
    switch (to->id) {
    case VONK_T_INTERVAL_YEAR_MONTH:
        return text ? text_to_ym : decimal ? decimal_to_ym : integer ? int_to_ym : from->id == to->id ? ym_to_ym : NULL;
    case VONK_T_INTERVAL_DAY_TIME:
        return text ? text_to_dt : decimal ? decimal_to_dt : integer ? int_to_dt : from->id == to->id ? dt_to_dt : NULL;
    case VONK_T_INTERVAL_CALENDAR: return text ? text_to_calendar : NULL;
    default: break;
    }
    if (!interval) return NULL;
    return vonk_type_is_integral(to) ? interval_to_int : to->id == VONK_T_DECIMAL ? interval_to_decimal : NULL;
}

/* ---- errors */

/* "`[+|-]d h`, `INTERVAL [+|-]'[+|-]d h' DAY TO HOUR`" */
static const char *supported_format(const vonk_type *t, char into[256])
{
    static const char *const ym[] = {"y", "m"}, *const dt[] = {"d", "h", "m", "s.n"};
    bool is_ym = t->id == VONK_T_INTERVAL_YEAR_MONTH;
    char body[32] = {0}, fields[32];
    size_t n = 0;
    for (int f = t->first; f <= t->last; f++) {
        const char *between = f == t->first ? "" : is_ym ? "-" : f == VONK_HOUR ? " " : ":";
        n += (size_t)snprintf(body + n, sizeof(body) - n, "%s%s", between, is_ym ? ym[f] : dt[f]);
    }
    vonk_interval_fields_text(is_ym, t->first, t->last, fields);
    snprintf(into, 256, "`[+|-]%s`, `INTERVAL [+|-]'[+|-]%s' %s`", body, body, fields);
    return into;
}

static vonk_status malformed(const vonk__cast *c, const vonk_column *arg, uint32_t row, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    vonk_buf_init(&name, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_type_simple_string(c->to, &name, err));
    const char *kind = c->to->id == VONK_T_INTERVAL_YEAR_MONTH ? "year-month" : "day-time";
    return VONK_FAIL(err, VONK_E_INVALID_INTERVAL_FORMAT__UNMATCHED_FORMAT_STRING, "input",
                     VONK_S(vonk_column_str(arg, row)), "intervalStr", kind, "typeName", VONK_S(vonk_buf_str(&name)),
                     "supportedFormat", supported_format(c->to, (char[256]){0}));
}

VONK_FN_EVAL(eval_interval)
{
    const vonk__cast *c = vonk__cast_of(call);
    one body = body_of(c->from, c->to);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, c->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        value_state s = body(c, args[0], i, r.data);
        if (VONK_LIKELY(s == VALUE_OK)) continue;
        if (s != VALUE_NULL && c->mode != VONK_MODE_TRY) {
            if (s == VALUE_MALFORMED) return malformed(c, args[0], i, err);
            return c->to->id == VONK_T_DECIMAL ? vonk__cast_out_of_range(c, args[0], i, err)
                                               : vonk__cast_overflow(c, args[0], i, err);
        }
        memset((char *)r.data + i * vonk_storage_bytes(c->to->storage), 0, vonk_storage_bytes(c->to->storage));
        VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

bool vonk__cast_intervals(vonk_fn_call *call, const vonk__cast *c)
{
    if (!body_of(c->from, c->to)) return false;
    call->eval = eval_interval;
    return true;
}
