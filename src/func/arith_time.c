/* func/arith_time.c -- arithmetic with dates, times, timestamps and intervals. Which operation two types mean is one
 * table of forms. */
#include <math.h>

#include "func/arith_int.h"
#include "func/body.h"
#include "func/coerce.h"
#include "func/decimal.h"
#include "text/date.h"

typedef enum form {
    FORM_NONE,
    DATE_AND_DAYS, /* date +- int */
    DATE_AND_YM,
    DATE_AND_DT, /* whole days */
    DATE_AND_CALENDAR,
    STAMP_AND_YM,
    STAMP_AND_DT,
    STAMP_AND_CALENDAR,
    DATE_LESS_DATE,
    STAMP_LESS_STAMP,
    TIME_AND_DT,
    TIME_LESS_TIME,
    YM_AND_YM,
    DT_AND_DT,
    CALENDAR_AND_CALENDAR,
    YM_TIMES, /* * and / by a number */
    DT_TIMES,
    CALENDAR_TIMES,
    YM_PER_YM, /* div */
    DT_PER_DT
} form;

typedef struct time_op {
    form form;
    char op;
    bool swapped; /* the arguments stand the other way round */
    int sign;     /* -1 for '-' */
    const vonk_zone *zone;
    const vonk_type *to, *left, *right; /* after swapping */
    vonk_eval_mode mode;
} time_op;

static bool is_date(const vonk_type *t) { return t->id == VONK_T_DATE; }
static bool is_stamp(const vonk_type *t) { return t->id == VONK_T_TIMESTAMP || t->id == VONK_T_TIMESTAMP_NTZ; }
static bool is_time(const vonk_type *t) { return t->id == VONK_T_TIME; }
static bool is_ym(const vonk_type *t) { return t->id == VONK_T_INTERVAL_YEAR_MONTH; }
static bool is_dt(const vonk_type *t) { return t->id == VONK_T_INTERVAL_DAY_TIME; }
static bool is_calendar(const vonk_type *t) { return t->id == VONK_T_INTERVAL_CALENDAR; }
static bool is_span(const vonk_type *t) { return is_dt(t) || is_calendar(t); } /* what any moment takes */
static bool whole_days(const vonk_type *t) { return t->first == VONK_DAY && t->last == VONK_DAY; }
static bool is_days(const vonk_type *t) { return t->id == VONK_T_INT || t->id == VONK_T_SHORT || t->id == VONK_T_BYTE; }

/* left op right, the datetime or interval on the left. */
static form form_of(char op, const vonk_type *a, const vonk_type *b)
{
    bool sum = op == '+' || op == '-';
    if (sum && is_date(a)) {
        if (is_days(b)) return DATE_AND_DAYS;
        if (is_ym(b)) return DATE_AND_YM;
        if (is_dt(b)) return whole_days(b) ? DATE_AND_DT : STAMP_AND_DT;
        if (is_calendar(b)) return DATE_AND_CALENDAR;
        if (op == '-' && is_date(b)) return DATE_LESS_DATE;
        if (op == '-' && is_stamp(b)) return STAMP_LESS_STAMP;
    }
    if (sum && is_stamp(a)) {
        if (is_ym(b)) return STAMP_AND_YM;
        if (is_dt(b)) return STAMP_AND_DT;
        if (is_calendar(b)) return STAMP_AND_CALENDAR;
        if (op == '-' && (is_stamp(b) || is_date(b))) return STAMP_LESS_STAMP;
    }
    if (sum && is_time(a)) return is_dt(b) ? TIME_AND_DT : op == '-' && is_time(b) ? TIME_LESS_TIME : FORM_NONE;
    if (sum && is_ym(a) && is_ym(b)) return YM_AND_YM;
    if (sum && is_dt(a) && is_dt(b)) return DT_AND_DT;
    if (sum && is_calendar(a) && is_calendar(b)) return CALENDAR_AND_CALENDAR;
    bool scales = (op == '*' || op == '/') && vonk_type_is_numeric(b);
    if (scales && vonk_type_is_interval(a)) return is_ym(a) ? YM_TIMES : is_dt(a) ? DT_TIMES : CALENDAR_TIMES;
    if (op == 'd' && is_ym(a) && is_ym(b)) return YM_PER_YM;
    return op == 'd' && is_dt(a) && is_dt(b) ? DT_PER_DT : FORM_NONE;
}

static form find_form(char op, const vonk_type *a, const vonk_type *b, bool *ret_swapped)
{
    form f = form_of(op, a, b);
    *ret_swapped = false;
    if (f != FORM_NONE || (op != '+' && op != '*')) return f;
    *ret_swapped = true;
    return form_of(op, b, a);
}

/* ---- types */

static vonk_status set_owned(vonk_fn_types *t, vonk_status st, const vonk_type *const *take, vonk_error *err)
{
    if (st != VONK_OK) return st;
    const vonk_status set = vonk_fn_set_result(t, *take);
    vonk_type_unref(*take);
    return set;
}

static vonk_status result_of(vonk_fn_types *t, form f, uint32_t left, vonk_error *err)
{
    const vonk_type *made = NULL, **a = &t->types[left], **b = &t->types[1 - left];
    switch (f) {
    case DATE_AND_DAYS: *b = &vonk_type_int; return vonk_fn_set_result(t, &vonk_type_date);
    case DATE_AND_YM:
    case DATE_AND_DT:
    case DATE_AND_CALENDAR: return vonk_fn_set_result(t, &vonk_type_date);
    case STAMP_AND_DT:
        if (is_date(*a)) *a = &vonk_type_timestamp;
        return vonk_fn_set_result(t, *a);
    case STAMP_AND_YM:
    case STAMP_AND_CALENDAR: return vonk_fn_set_result(t, *a);
    case TIME_AND_DT: t->result_nullable = true; return vonk_fn_set_result(t, *a);
    case DATE_LESS_DATE: return set_owned(t, vonk_type_interval_dt(VONK_DAY, VONK_DAY, &made, err), &made, err);
    case STAMP_LESS_STAMP:
        if ((*a)->id != (*b)->id) *a = *b = is_date(*a) ? *b : is_date(*b) ? *a : &vonk_type_timestamp;
        return vonk_fn_set_result(t, &vonk_type_day_time);
    case TIME_LESS_TIME:
        t->result_nullable = true;
        return set_owned(t, vonk_type_interval_dt(VONK_HOUR, VONK_SECOND, &made, err), &made, err);
    case YM_AND_YM:
    case DT_AND_DT: return set_owned(t, vonk_coerce_tightest(*a, *b, true, &made, err), &made, err);
    case YM_TIMES: return vonk_fn_set_result(t, &vonk_type_year_month);
    case DT_TIMES: return vonk_fn_set_result(t, &vonk_type_day_time);
    case CALENDAR_TIMES: *b = &vonk_type_double; return vonk_fn_set_result(t, &vonk_type_calendar_interval);
    case CALENDAR_AND_CALENDAR: return vonk_fn_set_result(t, &vonk_type_calendar_interval);
    default: return vonk_fn_set_result(t, &vonk_type_long);
    }
}

/* What a NULL beside `other` stands for. */
static const vonk_type *null_beside(char op, const vonk_type *other)
{
    const bool interval = vonk_type_is_interval(other);
    switch (op) {
    case '+': return interval ? other : &vonk_type_day_time;
    case '-': return other;
    case '*':
    case '/': return interval ? &vonk_type_double : &vonk_type_null;
    default: return interval && op == 'd' ? other : &vonk_type_null;
    }
}

/* What a string beside `other` stands for; the string's own type: for nothing else. */
static const vonk_type *text_beside(const vonk_fn_types *t, char op, int i)
{
    const vonk_type *other = t->types[1 - i];
    const bool sum = op == '+' || op == '-';
    if (sum && is_span(other)) return op == '+' || i == 0 ? &vonk_type_timestamp : t->types[i];
    if (vonk_type_is_interval(other)) return sum ? t->types[i] : &vonk_type_double;
    if (!t->env->ansi && is_stamp(other) && op == '-') return t->types[i];
    if (!t->env->ansi && !(is_date(other) && op == '-' && i == 0)) return &vonk_type_double; /* which goes with none */
    return other;
}

static void complete(vonk_fn_types *t, char op)
{
    for (int i = 0; i < 2; i++) {
        if (t->types[i]->id == VONK_T_NULL)
            t->types[i] = null_beside(op, t->types[1 - i]);
        else if (vonk_type_is_stringy(t->types[i]))
            t->types[i] = text_beside(t, op, i);
    }
}

static const char moments[] = "(\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\" or "
                              "\"(TIMESTAMP_LTZ(P) OR TIMESTAMP_NTZ(P) WITH P IN [7, 9])\")";

/* Argument i is at `place` of `call`, and cannot be there. */
static vonk_status wrong_operand(const vonk_fn_types *t, uint32_t i, const char *call, const char *place,
                                 const char *required, vonk_error *err)
{
    const vonk_str text = t->texts ? t->texts[i] : VONK_STR_NONE;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_INPUT_TYPE, "sqlExpr", call, "paramIndex", place,
                     "requiredType", required, "inputSql", VONK_F("\"%.*s\"", VONK_STR_ARGS(text)), "inputType",
                     VONK_TYPE_SQL(t->types[i]));
}

/* No form has these types: Spark has chosen a function by one of them, and its error is about the other. */
static vonk_status refuse(const vonk_fn_types *t, char op, vonk_error *err)
{
    const vonk_type *a = t->types[0], *b = t->types[1];
    const bool sum = op == '+' || op == '-', scales = op == '*' || op == '/';
    const uint32_t left = (op == '+' && is_span(a) && !is_span(b)) || (op == '*' && !vonk_type_is_interval(a));
    const uint32_t date = is_date(a) ? 0 : 1;
    const vonk_str l = t->texts ? t->texts[left] : VONK_STR_NONE, r = t->texts ? t->texts[1 - left] : VONK_STR_NONE;
    const char *whole = vonk_fn_call_text(t, (char[1024]){0});

    if (sum && is_span(t->types[1 - left]))
        return wrong_operand(
            t, left, VONK_F(op == '+' ? "\"%.*s + %.*s\"" : "\"%.*s + (- %.*s)\"", VONK_STR_ARGS(l), VONK_STR_ARGS(r)),
            "first", moments, err);
    if (op == '-' && is_stamp(a)) return wrong_operand(t, 1, whole, "second", moments, err);
    if (op == '-' && is_stamp(b)) return wrong_operand(t, 0, whole, "first", moments, err);
    if (op == '-' && is_date(b)) return wrong_operand(t, 0, whole, "first", "\"DATE\"", err);
    if (is_date(t->types[date]) && !vonk_type_is_interval(t->types[1 - date]) &&
        (op == '+' || (op == '-' && date == 0))) {
        const vonk_str from = date == left ? l : r, days = date == left ? r : l;
        return wrong_operand(
            t, 1 - date,
            VONK_F("\"%s(%.*s, %.*s)\"", op == '+' ? "date_add" : "date_sub", VONK_STR_ARGS(from), VONK_STR_ARGS(days)),
            "second", "(\"INT\" or \"SMALLINT\" or \"TINYINT\")", err);
    }
    if (scales && is_calendar(t->types[left]))
        return wrong_operand(t, 1 - left,
                             VONK_F("\"%s_interval(%.*s, %.*s)\"", op == '*' ? "multiply" : "divide", VONK_STR_ARGS(l),
                                    VONK_STR_ARGS(r)),
                             "second", "\"DOUBLE\"", err);
    if (scales && vonk_type_is_interval(t->types[left]))
        return wrong_operand(t, 1 - left, VONK_F("\"(%.*s %c %.*s)\"", VONK_STR_ARGS(l), op, VONK_STR_ARGS(r)),
                             "second", "\"NUMERIC\"", err);
    return vonk_type_same(a, b) ? vonk__arith_wrong_type(t, op, err) : vonk__arith_diff_types(t, err);
}

vonk_status vonk__arith_resolve_time(vonk_fn_types *t, char op, bool *ret_done, vonk_error *err)
{
    bool swapped, any = false;
    for (int i = 0; i < 2; i++)
        any |= vonk_type_is_interval(t->types[i]) || is_time(t->types[i]) || vonk_type_is_datetime(t->types[i]);
    if (!any) return VONK_OK;
    complete(t, op);
    form f = find_form(op, t->types[0], t->types[1], &swapped);
    if (f == FORM_NONE) return refuse(t, op, err);
    *ret_done = true;
    return result_of(t, f, swapped, err);
}

/* ---- values */

typedef enum value_state { VALUE_OK, VALUE_OVERFLOW, VALUE_ZERO, VALUE_PART_OF_DAY } value_state;
typedef struct both {
    const vonk_column *a, *b;
    uint32_t ra, rb; /* rows of their data */
} both;

static int32_t i32(const vonk_column *c, uint32_t r) { return VONK_VALUES(c, int32_t)[r]; }
static int64_t i64(const vonk_column *c, uint32_t r) { return VONK_VALUES(c, int64_t)[r]; }

static value_state put_i32(int64_t days, void *out, uint32_t i)
{
    ((int32_t *)out)[i] = (int32_t)days;
    return days == (int32_t)days ? VALUE_OK : VALUE_OVERFLOW;
}

/* Local time plus months, days and microseconds, in that order; days keep the clock's time. */
static value_state add_to_stamp(const time_op *o, int64_t us, int64_t months, int64_t days, int64_t more_us, void *out,
                                uint32_t i)
{
    if (months || days) {
        const vonk_zone *zone = o->left->id == VONK_T_TIMESTAMP ? o->zone : NULL;
        vonk_local local = vonk_zone_to_local(zone, us, NULL);
        if (months) local.day = vonk_add_months(local.day, months);
        local.day += days;
        if (!vonk_zone_to_utc(zone, local, &us)) return VALUE_OVERFLOW;
    }
    return __builtin_add_overflow(us, more_us, (int64_t *)out + i) ? VALUE_OVERFLOW : VALUE_OK;
}

static value_state add_interval(const time_op *o, const both *v, void *out, uint32_t i)
{
    int64_t months = 0, days = 0, us = 0;
    if (is_ym(o->right)) {
        months = (int64_t)i32(v->b, v->rb) * o->sign;
    } else if (is_dt(o->right)) {
        int64_t all = i64(v->b, v->rb);
        days = all / VONK_US_PER_DAY * o->sign;
        us = all % VONK_US_PER_DAY * o->sign;
    } else {
        vonk_interval c = VONK_VALUES(v->b, vonk_interval)[v->rb];
        if (c.us == INT64_MIN) return VALUE_OVERFLOW;
        months = (int64_t)c.months * o->sign;
        days = (int64_t)c.days * o->sign;
        us = c.us * o->sign;
    }
    if (o->form == DATE_AND_CALENDAR && us && o->mode != VONK_MODE_LEGACY) return VALUE_PART_OF_DAY;
    if (!is_date(o->left)) return add_to_stamp(o, i64(v->a, v->ra), months, days, us, out, i);
    int64_t day = i32(v->a, v->ra);
    if (months) day = vonk_add_months(day, months);
    return put_i32(day + days + vonk_floor_div(us, VONK_US_PER_DAY), out, i);
}

static vonk_local local_at(const time_op *o, const vonk_column *c, uint32_t r)
{
    return vonk_zone_to_local(o->left->id == VONK_T_TIMESTAMP ? o->zone : NULL, i64(c, r), NULL);
}

static value_state local_less_local(const time_op *o, const both *v, void *out, uint32_t i)
{
    const vonk_local a = local_at(o, v->a, v->ra), b = local_at(o, v->b, v->rb);
    const vonk_local between = {a.day - b.day, a.us - b.us};
    return vonk_local_to_us(between, (int64_t *)out + i) ? VALUE_OK : VALUE_OVERFLOW;
}

static value_state add_time(const both *v, int sign, void *out, uint32_t i)
{
    int64_t nanos;
    if (__builtin_mul_overflow(i64(v->b, v->rb), (int64_t)sign * 1000, &nanos) ||
        __builtin_add_overflow(nanos, i64(v->a, v->ra), &nanos) || nanos < 0 || nanos >= VONK_US_PER_DAY * 1000)
        return VALUE_OVERFLOW;
    ((int64_t *)out)[i] = nanos;
    return VALUE_OK;
}

static value_state add_calendars(const time_op *o, const both *v, void *out, uint32_t i)
{
    vonk_interval a = VONK_VALUES(v->a, vonk_interval)[v->ra], b = VONK_VALUES(v->b, vonk_interval)[v->rb], r;
    bool bad = o->sign > 0 ? (int)__builtin_add_overflow(a.months, b.months, &r.months) |
                                 (int)__builtin_add_overflow(a.days, b.days, &r.days) |
                                 (int)__builtin_add_overflow(a.us, b.us, &r.us)
                           : (int)__builtin_sub_overflow(a.months, b.months, &r.months) |
                                 (int)__builtin_sub_overflow(a.days, b.days, &r.days) |
                                 (int)__builtin_sub_overflow(a.us, b.us, &r.us);
    ((vonk_interval *)out)[i] = r;
    return bad && o->mode != VONK_MODE_LEGACY ? VALUE_OVERFLOW : VALUE_OK;
}

/* ---- intervals times numbers */

static double number_at(const vonk_column *c, uint32_t r)
{
    return c->type->id == VONK_T_FLOAT ? (double)VONK_VALUES(c, float)[r] : VONK_VALUES(c, double)[r];
}

static int64_t integer_at(const vonk_column *c, uint32_t r)
{
    switch (c->type->storage) {
    case VONK_STORE_I8: return VONK_VALUES(c, int8_t)[r];
    case VONK_STORE_I16: return VONK_VALUES(c, int16_t)[r];
    case VONK_STORE_I32: return VONK_VALUES(c, int32_t)[r];
    default: return VONK_VALUES(c, int64_t)[r];
    }
}

static vonk_i128 decimal_at(const vonk_column *c, uint32_t r)
{
    return c->type->storage == VONK_STORE_I64 ? VONK_VALUES(c, int64_t)[r] : VONK_VALUES(c, vonk_i128)[r];
}

static value_state scale_double(char op, int64_t v, double by, int64_t *ret)
{
    double r = op == '*' ? (double)v * by : (double)v / by;
    if (op == '/' && by == 0) return VALUE_ZERO;
    if (!(fabs(r) < 9223372036854775807.0)) return VALUE_OVERFLOW;
    double cut = trunc(r);
    *ret = (int64_t)cut + (r - cut >= 0.5) - (r - cut <= -0.5); /* half away from zero */
    return VALUE_OK;
}

static value_state scale(char op, int64_t v, const vonk_column *c, uint32_t row, int64_t *ret)
{
    vonk_i128 r;
    vonk_type_id id = c->type->id;
    if (id == VONK_T_FLOAT || id == VONK_T_DOUBLE) return scale_double(op, v, number_at(c, row), ret);
    vonk_i128 by = id == VONK_T_DECIMAL ? decimal_at(c, row) : integer_at(c, row);
    int digits = id == VONK_T_DECIMAL ? c->type->scale : 0;
    if (op == '/' && by == 0) return VALUE_ZERO;
    bool fits = op == '*' ? vonk_dec_mul(v, by, digits, &r) : vonk_dec_div(v, by, digits, &r);
    if (!fits || r != (int64_t)r) return VALUE_OVERFLOW;
    *ret = (int64_t)r;
    return VALUE_OK;
}

static value_state scale_calendar(const time_op *o, const both *v, void *out, uint32_t i)
{
    vonk_interval a = VONK_VALUES(v->a, vonk_interval)[v->ra];
    double by = number_at(v->b, v->rb);
    if (o->op == '/' && by == 0) return VALUE_ZERO;
    if (o->op == '/') by = 1 / by;
    double months = o->op == '/' ? (double)a.months / number_at(v->b, v->rb) : (double)a.months * by;
    double days = o->op == '/' ? (double)a.days / number_at(v->b, v->rb) : (double)a.days * by;
    double us = o->op == '/' ? (double)a.us / number_at(v->b, v->rb) : (double)a.us * by;
    if (!(fabs(months) < 2147483648.0) || !(fabs(days) < 2147483648.0)) return VALUE_OVERFLOW;
    us += (double)VONK_US_PER_DAY * (days - trunc(days));
    if (!(fabs(us) < 9223372036854775807.0)) return VALUE_OVERFLOW;
    ((vonk_interval *)out)[i] = (vonk_interval){(int32_t)months, (int32_t)days, (int64_t)floor(us + 0.5)};
    return VALUE_OK;
}

static value_state one(const time_op *o, const both *v, void *out, uint32_t i)
{
    int64_t r = 0;
    value_state s = VALUE_OK;
    switch (o->form) {
    case DATE_AND_DAYS: /* wraps, as Spark's */
        ((int32_t *)out)[i] = (int32_t)((uint32_t)i32(v->a, v->ra) + (uint32_t)o->sign * (uint32_t)i32(v->b, v->rb));
        return VALUE_OK;
    case DATE_AND_YM:
    case DATE_AND_DT:
    case DATE_AND_CALENDAR:
    case STAMP_AND_YM:
    case STAMP_AND_DT:
    case STAMP_AND_CALENDAR: return add_interval(o, v, out, i);
    case DATE_LESS_DATE:
        return __builtin_mul_overflow((int64_t)i32(v->a, v->ra) - i32(v->b, v->rb), VONK_US_PER_DAY, (int64_t *)out + i)
                   ? VALUE_OVERFLOW
                   : VALUE_OK;
    case STAMP_LESS_STAMP: return local_less_local(o, v, out, i);
    case TIME_AND_DT: return add_time(v, o->sign, out, i);
    case TIME_LESS_TIME: ((int64_t *)out)[i] = (i64(v->a, v->ra) - i64(v->b, v->rb)) / 1000; return VALUE_OK;
    case YM_AND_YM: r = (int64_t)i32(v->a, v->ra) + (int64_t)o->sign * i32(v->b, v->rb); return put_i32(r, out, i);
    case DT_AND_DT: {
        bool bad = o->sign > 0 ? __builtin_add_overflow(i64(v->a, v->ra), i64(v->b, v->rb), (int64_t *)out + i)
                               : __builtin_sub_overflow(i64(v->a, v->ra), i64(v->b, v->rb), (int64_t *)out + i);
        return bad ? VALUE_OVERFLOW : VALUE_OK;
    }
    case CALENDAR_AND_CALENDAR: return add_calendars(o, v, out, i);
    case YM_TIMES: s = scale(o->op, i32(v->a, v->ra), v->b, v->rb, &r); return s == VALUE_OK ? put_i32(r, out, i) : s;
    case DT_TIMES: return scale(o->op, i64(v->a, v->ra), v->b, v->rb, (int64_t *)out + i);
    case CALENDAR_TIMES: return scale_calendar(o, v, out, i);
    default: break;
    }
    int64_t n = o->form == YM_PER_YM ? i32(v->a, v->ra) : i64(v->a, v->ra),
            d = o->form == YM_PER_YM ? i32(v->b, v->rb) : i64(v->b, v->rb);
    if (d == 0) return VALUE_ZERO;
    if (n == INT64_MIN && d == -1) return VALUE_OVERFLOW;
    ((int64_t *)out)[i] = n / d;
    return VALUE_OK;
}

static vonk_status raise(const time_op *o, value_state s, vonk_error *err)
{
    if (s == VALUE_ZERO) return VONK_FAIL(err, VONK_E_INTERVAL_DIVIDED_BY_ZERO);
    if (s == VALUE_PART_OF_DAY) return VONK_FAIL(err, VONK_E_INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION);
    if (o->form == CALENDAR_AND_CALENDAR || o->form == CALENDAR_TIMES) return vonk__arith_overflow(NULL, err);
    if (o->form == YM_AND_YM || o->form == DT_AND_DT)
        return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITH_SUGGESTION, "functionName",
                         VONK_F("`%s`", vonk__arith_try_name(o->op)));
    if (o->form >= YM_TIMES) return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITHOUT_SUGGESTION);
    return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation",
                     VONK_F("%s %c %s", VONK_TYPE_SQL(o->left), o->op, VONK_TYPE_SQL(o->right)));
}

VONK_FN_EVAL(eval_time)
{
    const time_op *o = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    both v = {args[o->swapped], args[!o->swapped], 0, 0};
    for (VONK_EACH_ROW(rows, i)) {
        v.ra = vonk__arith_row(v.a, i);
        v.rb = vonk__arith_row(v.b, i);
        value_state s = one(o, &v, r.data, i);
        if (VONK_LIKELY(s == VALUE_OK)) continue;
        if (call->mode != VONK_MODE_TRY) return raise(o, s, err);
        VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

vonk_status vonk__arith_prepare_time(vonk_fn_call *call, char op, bool *ret_done, vonk_error *err)
{
    bool swapped;
    time_op *o = NULL;
    form f = find_form(op, call->arg_types[0], call->arg_types[1], &swapped);
    if (f == FORM_NONE) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &o, err));
    *o = (time_op){.form = f,
                   .op = op,
                   .swapped = swapped,
                   .sign = op == '-' ? -1 : 1,
                   .zone = vonk_zone_utc(),
                   .to = call->type,
                   .left = call->arg_types[swapped],
                   .right = call->arg_types[!swapped],
                   .mode = call->mode};
    if (o->left->id == VONK_T_TIMESTAMP && call->env->time_zone.len)
        VONK_TRY(vonk_zone_find(call->env->time_zone, &o->zone, err));
    call->state = o;
    call->eval = eval_time;
    *ret_done = true;
    return VONK_OK;
}
