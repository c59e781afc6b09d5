/* func/datetime_math.c -- dates moved, compared and cut. */
#include <math.h>

#include "func/datetime_int.h"
#include "func/resolve.h"
#include "func/tables.h"
#include "text/number.h"

static vonk_status resolve_move(vonk_fn_types *types, vonk_error *err);
static vonk_body eval_add_months, eval_date_add, eval_datediff, eval_date_trunc, eval_last_day, eval_months_between,
    eval_next_day, eval_trunc, eval_timestampadd, eval_timestampdiff;
static vonk_status prepare_session_zone(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_behind_unit(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "datetime_funcs", .raises = VONK_NEVER_RAISES
#define MOVE .args = "date,any", .result = "date", ROW, .resolve = resolve_move, .eval = eval_date_add
#define DIFF .args = "date,date", .result = "int", ROW, .eval = eval_datediff

const vonk_fn vonk_fns_datetime_math[] = {
    {.name = "add_months",
     .args = "date,int",
     .result = "date",
     ROW,
     .eval = eval_add_months,
     .doc = "The date some months later, its day cut to the month's length.",
     .example = "add_months('2016-08-31', 1)",
     .expect = ""},
    {.name = "date_add",
     MOVE,
     .doc = "The date some days later.",
     .example = "date_add('2016-07-30', 1)",
     .expect = ""},
    {.name = "date_diff", .alias_of = "datediff"},
    {.name = "date_sub",
     MOVE,
     .doc = "The date some days earlier.",
     .example = "date_sub('2016-07-30', 1)",
     .expect = ""},
    {.name = "date_trunc",
     .args = "string,timestamp|any_nanos",
     .result = "timestamp",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .prepare = prepare_session_zone,
     .eval = eval_date_trunc,
     .doc = "The timestamp cut to the start of its year, quarter, month, week, day, hour, minute, second, ...; NULL "
            "for other units.",
     .example = "date_trunc('HOUR', '2015-03-05T09:32:05.359')",
     .expect = ""},
    {.name = "dateadd", .alias_of = "date_add", .text = "date_add($1, $2)"},
    {.name = "datediff",
     DIFF,
     .doc = "Days from the second date to the first.",
     .example = "datediff('2009-07-31', '2009-07-30')",
     .expect = ""},
    {.name = "last_day",
     .args = "date",
     .result = "date",
     ROW,
     .eval = eval_last_day,
     .doc = "Last day of the date's month.",
     .example = "last_day('2009-01-12')",
     .expect = ""},
    {.name = "months_between",
     .args = "timestamp,timestamp,boolean?",
     .result = "double",
     ROW,
     .text = "$0($1, $2, true); $0($1, $2, $3)",
     .prepare = prepare_session_zone,
     .eval = eval_months_between,
     .doc = "Months from the second timestamp to the first, parts of a month counted in 31st parts; rounded to 8 "
            "digits unless the third "
            "argument is false.",
     .example = "months_between('1997-02-28 10:30:00', '1996-10-30')",
     .expect = ""},
    {.name = "next_day",
     .args = "date,string",
     .result = "date",
     .group = "datetime_funcs",
     .raises = VONK_RAISES_ANSI,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_next_day,
     .doc = "First date later than the given one that is the named day of the week (two or three letters, or the whole "
            "name).",
     .example = "next_day('2015-01-14', 'TU')",
     .expect = ""},
    {.name = "timestampadd",
     .group = "datetime_funcs",
     .resolve = resolve_behind_unit,
     .prepare = prepare_session_zone,
     .eval = eval_timestampadd,
     .doc = "The timestamp some units (first argument: YEAR, MONTH, DAY, HOUR, ...) later.",
     .example = "timestampadd(HOUR, 8, TIMESTAMP_NTZ '2022-02-11 20:30:00')",
     .expect = ""},
    {.name = "timestampdiff",
     .group = "datetime_funcs",
     .resolve = resolve_behind_unit,
     .prepare = prepare_session_zone,
     .eval = eval_timestampdiff,
     .doc = "Whole units (first argument: YEAR, MONTH, DAY, HOUR, ...) from the first timestamp to the second.",
     .example = "timestampdiff(MONTH, TIMESTAMP '2021-02-28 12:00:00', TIMESTAMP '2021-03-28 12:00:00')",
     .expect = ""},
    {.name = "trunc",
     .args = "date,string",
     .result = "date",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_trunc,
     .doc = "The date cut to the start of its year, quarter, month or week; NULL for other units.",
     .example = "trunc('2019-08-04', 'quarter')",
     .expect = ""},
};
VONK_FN_COUNT(datetime_math);

/* ---- shared by the files of date and time functions */

vonk_status vonk__session_zone(const vonk_fn_env *env, const vonk_zone **ret, vonk_error *err)
{
    if (!env->time_zone.len) {
        *ret = vonk_zone_utc();
        return VONK_OK;
    }
    return vonk_zone_find(env->time_zone, ret, err);
}

vonk_status vonk__zone_of_row(const vonk_column *names, uint32_t row, vonk__zone_arg *last, const vonk_zone **ret,
                              vonk_error *err)
{
    vonk_str name = vonk_str_at(names, row);
    if (!last->zone || !vonk_str_eq(name, last->name)) {
        VONK_TRY(vonk_zone_find(name, &last->zone, err));
        last->name = name;
    }
    *ret = last->zone;
    return VONK_OK;
}

vonk_status vonk__field_out_of_bounds(const char *field, int64_t least, int64_t most, int64_t value, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION, "rangeMessage",
                     VONK_F("Invalid value for %s (valid values %lld - %lld): %lld", field, (long long)least,
                            (long long)most, (long long)value));
}

vonk__unit vonk__trunc_unit(vonk_str name)
{
    static const struct {
        const char *name;
        vonk__unit unit;
    } units[] = {
        {"MICROSECOND", VONK__UNIT_MICROSECOND},
        {"MILLISECOND", VONK__UNIT_MILLISECOND},
        {"SECOND", VONK__UNIT_SECOND},
        {"MINUTE", VONK__UNIT_MINUTE},
        {"HOUR", VONK__UNIT_HOUR},
        {"DAY", VONK__UNIT_DAY},
        {"DD", VONK__UNIT_DAY},
        {"WEEK", VONK__UNIT_WEEK},
        {"MON", VONK__UNIT_MONTH},
        {"MONTH", VONK__UNIT_MONTH},
        {"MM", VONK__UNIT_MONTH},
        {"QUARTER", VONK__UNIT_QUARTER},
        {"YEAR", VONK__UNIT_YEAR},
        {"YYYY", VONK__UNIT_YEAR},
        {"YY", VONK__UNIT_YEAR},
    };
    for (size_t i = 0; i < VONK_COUNTOF(units); i++)
        if (vonk_str_is_nocase(name, units[i].name)) return units[i].unit;
    return VONK__UNIT_NONE;
}

int64_t vonk__trunc_days(int64_t days, vonk__unit unit)
{
    int64_t year;
    int month, day;
    if (unit == VONK__UNIT_DAY) return days;
    if (unit == VONK__UNIT_WEEK) return days - vonk_day_of_week(days);
    vonk_civil_from_days(days, &year, &month, &day);
    if (unit == VONK__UNIT_QUARTER) month = (month - 1) / 3 * 3 + 1;
    if (unit == VONK__UNIT_YEAR) month = 1;
    return vonk_days_from_civil(year, month, 1);
}

static vonk_status prepare_session_zone(vonk_fn_call *call, vonk_error *err)
{
    const vonk_zone *zone;
    VONK_TRY(vonk__session_zone(call->env, &zone, err));
    call->state = zone;
    return VONK_OK;
}

/* ---- dates */

static int64_t small_int_at(const vonk_column *c, uint32_t row)
{
    switch (c->type->storage) {
    case VONK_STORE_I8: return VONK_VALUES(c, int8_t)[row];
    case VONK_STORE_I16: return VONK_VALUES(c, int16_t)[row];
    default: return vonk_i32_at(c, row);
    }
}

/* Without ANSI a text for the days must be a constant, and an integer. */
static vonk_status resolve_move(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *days = t->types[1];
    const vonk_column *known = t->constants ? t->constants[1] : NULL;
    const bool text = vonk_type_is_stringy(days) && (t->env->ansi || known);
    int64_t ignored;
    if (text && !t->env->ansi && !vonk_column_is_null(known, 0) &&
        !vonk_text_to_i64(vonk_column_str(known, 0), false, INT32_MIN, INT32_MAX, &ignored))
        return VONK_FAIL(err, VONK_E_SECOND_FUNCTION_ARGUMENT_NOT_INTEGER, "functionName",
                         vonk_fn_canonical(t->fn)->name);
    if (days->id == VONK_T_NULL || text)
        t->types[1] = &vonk_type_int;
    else if (!vonk_type_is_integral(days) || days->id == VONK_T_LONG)
        return vonk_fn_wrong_type(t, 1, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")", err);
    if (text) t->result_nullable = true;
    return VONK_OK;
}

/* Wraps around, as 32-bit addition does. */
VONK_FN_EVAL(eval_date_add)
{
    int64_t sign = strcmp(vonk_fn_canonical(call->fn)->name, "date_sub") == 0 ? -1 : 1;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    const int32_t *days = args[0]->data;
    for (VONK_EACH_ROW(rows, i))
        VONK_OUT(r, int32_t)[i] = (int32_t)(uint32_t)((int64_t)days[i] + sign * small_int_at(args[1], i));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_datediff)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    const uint32_t *end = args[0]->data, *start = args[1]->data;
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, uint32_t)[i] = end[i] - start[i];
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

vonk_status vonk__datetime_overflow(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "overflow", "alternative", "", "config",
                     "\"spark.sql.ansi.enabled\"");
}

VONK_FN_EVAL(eval_add_months)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t days = vonk_add_months(vonk_i32_at(args[0], i), vonk_i32_at(args[1], i));
        if (days != (int32_t)days) return vonk__datetime_overflow(err);
        VONK_OUT(r, int32_t)[i] = (int32_t)days;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Behind the last day that a DATE counts come the first ones, as in Spark. */
static int32_t wrapped(int64_t days) { return (int32_t)(uint32_t)days; }

VONK_FN_EVAL(eval_last_day)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t days = vonk_i32_at(args[0], i), year, month, day;
        vonk__civil(days, &year, &month, &day);
        VONK_OUT(r, int32_t)[i] = wrapped(days + (int64_t)vonk_days_in_month(year, month) - day);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* 0 = Monday; -1: no such day. */
static int32_t day_of_name(vonk_str name)
{
    static const char *const names[7][3] = {
        {"MO", "MON", "MONDAY"}, {"TU", "TUE", "TUESDAY"},  {"WE", "WED", "WEDNESDAY"}, {"TH", "THU", "THURSDAY"},
        {"FR", "FRI", "FRIDAY"}, {"SA", "SAT", "SATURDAY"}, {"SU", "SUN", "SUNDAY"}};
    for (int day = 0; day < 7; day++)
        for (int form = 0; form < 3; form++)
            if (vonk_str_is_nocase(name, names[day][form])) return day;
    return -1;
}

VONK_FN_EVAL(eval_next_day)
{
    enum { MONDAY = 4 }; /* 1970-01-05, in days since 1970-01-01 */
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str name = vonk_str_at(args[1], i);
        int32_t day = day_of_name(name), from = vonk_i32_at(args[0], i);
        if (day < 0) {
            if (call->mode == VONK_MODE_ANSI) return VONK_FAIL(err, VONK_E_ILLEGAL_DAY_OF_WEEK, "string", VONK_S(name));
            VONK_TRY(vonk_result_null(&r, i, err));
            continue;
        }
        const int32_t gap = wrapped((int64_t)((day + MONDAY) % 7) - 1 - from);
        VONK_OUT(r, int32_t)[i] = wrapped((int64_t)from + 1 + (gap % 7 + 7) % 7);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- cutting */

VONK_FN_EVAL(eval_trunc)
{
    const vonk_column *fixed = vonk_constant_arg(call, 1);
    vonk__unit unit = fixed ? vonk__trunc_unit(vonk_column_str(fixed, 0)) : VONK__UNIT_NONE;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (!fixed) unit = vonk__trunc_unit(vonk_str_at(args[1], i));
        if (unit < VONK__UNIT_WEEK)
            VONK_TRY(vonk_result_null(&r, i, err));
        else
            VONK_OUT(r, int32_t)[i] = (int32_t)vonk__trunc_days(vonk_i32_at(args[0], i), unit);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static int64_t unit_us(vonk__unit unit)
{
    static const int64_t us[] = {1, 1, 1000, VONK_US_PER_SECOND, 60 * VONK_US_PER_SECOND, 3600 * VONK_US_PER_SECOND};
    return us[unit];
}

/* false: the unit began before the first timestamp. */
static bool trunc_us(int64_t us, vonk__unit unit, const vonk_zone *zone, vonk_zone_cache *cache, int64_t *ret)
{
    if (unit <= VONK__UNIT_SECOND) return !__builtin_sub_overflow(us, vonk_floor_mod(us, unit_us(unit)), ret);
    const vonk_local local = vonk_zone_to_local(zone, us, cache);
    if (unit < VONK__UNIT_DAY) return !__builtin_sub_overflow(us, local.us % unit_us(unit), ret);
    return vonk_zone_to_utc(zone, (vonk_local){vonk__trunc_days(local.day, unit), 0}, ret);
}

VONK_FN_EVAL(eval_date_trunc)
{
    const vonk_column *fixed = vonk_constant_arg(call, 0);
    vonk__unit unit = fixed ? vonk__trunc_unit(vonk_column_str(fixed, 0)) : VONK__UNIT_NONE;
    vonk_zone_cache cache = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (!fixed) unit = vonk__trunc_unit(vonk_str_at(args[0], i));
        if (unit == VONK__UNIT_NONE)
            VONK_TRY(vonk_result_null(&r, i, err));
        else if (!trunc_us(vonk_i64_at(args[1], i), unit, call->state, &cache, &VONK_OUT(r, int64_t)[i]))
            return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation", "truncate one of the first timestamps");
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- months_between */

static double months_between(vonk_local a, vonk_local b, bool round_off)
{
    int64_t ay, by;
    int am, bm, ad, bd;
    vonk_civil_from_days(a.day, &ay, &am, &ad);
    vonk_civil_from_days(b.day, &by, &bm, &bd);
    double months = (double)((ay - by) * 12 + am - bm);
    if (ad == bd || (ad == vonk_days_in_month(ay, am) && bd == vonk_days_in_month(by, bm))) return months;
    int64_t seconds = (int64_t)(ad - bd) * 86400 + a.us / VONK_US_PER_SECOND - b.us / VONK_US_PER_SECOND;
    double diff = months + (double)seconds / (31.0 * 86400);
    return round_off ? floor(diff * 1e8 + 0.5) / 1e8 : diff;
}

VONK_FN_EVAL(eval_months_between)
{
    vonk_zone_cache a = {0}, b = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        bool round_off = call->n_args < 3 || vonk_bool_at(args[2], i);
        VONK_OUT(r, double)
        [i] = months_between(vonk_zone_to_local(call->state, vonk_i64_at(args[0], i), &a),
                             vonk_zone_to_local(call->state, vonk_i64_at(args[1], i), &b), round_off);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- timestampadd, timestampdiff */

typedef struct step {
    int64_t months, days, us; /* one of them is not 0 */
} step;

static bool step_of_unit(vonk_str unit, step *ret)
{
    static const struct {
        const char *name;
        step step;
    } steps[] = {
        {"MICROSECOND", {0, 0, 1}},
        {"MILLISECOND", {0, 0, 1000}},
        {"SECOND", {0, 0, VONK_US_PER_SECOND}},
        {"MINUTE", {0, 0, 60 * VONK_US_PER_SECOND}},
        {"HOUR", {0, 0, 3600 * VONK_US_PER_SECOND}},
        {"DAY", {0, 1, 0}},
        {"DAYOFYEAR", {0, 1, 0}},
        {"WEEK", {0, 7, 0}},
        {"MONTH", {1, 0, 0}},
        {"QUARTER", {3, 0, 0}},
        {"YEAR", {12, 0, 0}},
    };
    for (size_t i = 0; i < VONK_COUNTOF(steps); i++)
        if (vonk_str_is_nocase(unit, steps[i].name)) {
            *ret = steps[i].step;
            return true;
        }
    return false;
}

static vonk_status find_step(const vonk_column *units, uint32_t row, const char *function, step *ret, vonk_error *err)
{
    vonk_str unit = vonk_str_at(units, row);
    if (step_of_unit(unit, ret)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__DATETIME_UNIT, "functionName", VONK_QUOTED(function),
                     "parameter", "`unit`", "invalidValue", VONK_F("'%.*s'", VONK_STR_ARGS(unit)));
}

/* The unit is a word of the call, not one of its arguments. */
static vonk_status resolve_behind_unit(vonk_fn_types *t, vonk_error *err)
{
    const bool adds = vonk_fn_canonical(t->fn)->eval == eval_timestampadd;
    const vonk_fn behind = {.name = t->fn->name,
                            .args = adds ? "bigint,any_timestamp" : "timestamp,timestamp",
                            .result = adds ? "arg1" : "bigint"};
    vonk_fn_types rest = *t;
    if (t->n_args != 3) return vonk_fn_wrong_count(t, "3", err);
    rest.fn = &behind;
    rest.n_args = 2;
    rest.types++;
    rest.nullable++;
    if (t->texts) rest.texts++;
    if (t->constants) rest.constants++;
    VONK_TRY(vonk_fn_resolve(&rest, err));
    t->result = rest.result;
    t->result_nullable = rest.result_nullable;
    return VONK_OK;
}

/* false: overflow. */
static bool add_step(int64_t us, int64_t n, step s, const vonk_zone *zone, int64_t *ret)
{
    int64_t amount = 0;
    if (s.us) return !__builtin_mul_overflow(n, s.us, &amount) && !__builtin_add_overflow(us, amount, ret);
    if (__builtin_mul_overflow(n, s.months ? s.months : s.days, &amount) || amount != (int32_t)amount) return false;
    vonk_local local = vonk_zone_to_local(zone, us, NULL);
    local.day = s.months ? vonk_add_months(local.day, amount) : local.day + amount;
    return vonk_zone_to_utc(zone, local, ret);
}

/* Of timestamps without zone Spark says the same. */
static vonk_status added_too_much(int64_t us, int64_t n, vonk_str unit, const vonk_zone *session, vonk_error *err)
{
    char text[VONK_TIMESTAMP_CHARS];
    const int len = (int)vonk_timestamp_to_text(us, session, NULL, text);
    return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation",
                     VONK_F("add %lldL %.*s to TIMESTAMP '%.*s'", (long long)n, VONK_STR_ARGS(unit), len, text));
}

VONK_FN_EVAL(eval_timestampadd)
{
    const vonk_zone *zone = call->type->id == VONK_T_TIMESTAMP ? call->state : NULL;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        step s;
        VONK_TRY(find_step(args[0], i, call->fn->name, &s, err));
        if (!add_step(vonk_i64_at(args[2], i), vonk_i64_at(args[1], i), s, zone, &VONK_OUT(r, int64_t)[i]))
            return added_too_much(vonk_i64_at(args[2], i), vonk_i64_at(args[1], i), vonk_str_at(args[0], i),
                                  call->state, err);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Months as numbers, with room for 31 days between two of them. */
static int64_t packed_month(int64_t days)
{
    int64_t year;
    int month, day;
    vonk_civil_from_days(days, &year, &month, &day);
    return (year * 12 + month) * 32 + day;
}

/* Whole units, as java.time counts them: a day that is not over counts for neither. False: more than 64 bits. */
static bool whole_units(vonk_local from, vonk_local to, step s, int64_t *ret)
{
    const vonk_i128 us = ((vonk_i128)to.day - from.day) * VONK_US_PER_DAY + to.us - from.us;
    if (s.us) {
        *ret = (int64_t)(us / s.us);
        return us / s.us == *ret;
    }
    if (to.day > from.day && to.us < from.us)
        to.day--;
    else if (to.day < from.day && to.us > from.us)
        to.day++;
    *ret = s.days ? (to.day - from.day) / s.days : (packed_month(to.day) - packed_month(from.day)) / 32 / s.months;
    return true;
}

/* Between local times, whatever the zone did between them, as java.time counts. */
VONK_FN_EVAL(eval_timestampdiff)
{
    vonk_zone_cache a = {0}, b = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        step s;
        VONK_TRY(find_step(args[0], i, call->fn->name, &s, err));
        if (!whole_units(vonk_zone_to_local(call->state, vonk_i64_at(args[1], i), &a),
                         vonk_zone_to_local(call->state, vonk_i64_at(args[2], i), &b), s, &VONK_OUT(r, int64_t)[i]))
            return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation",
                             VONK_F("count %.*s between timestamps", VONK_STR_ARGS(vonk_str_at(args[0], i))));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
