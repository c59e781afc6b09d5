/* func/datetime_make.c -- dates, times, timestamps and intervals from numbers and back, and between zones. */
#include <math.h>

#include "func/datetime_int.h"
#include "func/tables.h"
#include "text/number.h"

static vonk_body eval_convert_timezone, eval_dt_interval, eval_interval, eval_make_date, eval_make_time,
    eval_make_timestamp, eval_seconds, eval_shift_zone, eval_times, eval_to_units, eval_ym_interval, eval_zone_name,
    eval_retyped;
static vonk_status prepare_timestamp(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_seconds(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_units(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_convert(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_now(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_time(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_seconds(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_stamp(vonk_fn_types *types, vonk_error *err);

#define GROUP .group = "datetime_funcs"
#define ROW GROUP, .raises = VONK_NEVER_RAISES
#define PARTS "int,int,int,int,int,decimal(16,6)"
#define DATE_TIME_ZONE "=date,=any_time?,=string?"
#define STAMP GROUP, .resolve = resolve_stamp, .prepare = prepare_timestamp, .eval = eval_make_timestamp
#define INTERVAL_TEXTS                                                                                                 \
    "$0(0, 0, 0, 0, 0, 0, 0.000000); $0($1, 0, 0, 0, 0, 0, 0.000000); $0($1, $2, 0, 0, 0, 0, 0.000000); "              \
    "$0($1, $2, $3, 0, 0, 0, 0.000000); $0($1, $2, $3, $4, 0, 0, 0.000000); $0($1, $2, $3, $4, $5, 0, 0.000000); "     \
    "$0($1, $2, $3, $4, $5, $6, 0.000000); $0($1, $2, $3, $4, $5, $6, $7)"
#define NOW ROW, .args = "", .nulls = VONK_NEVER_NULL, .volatility = VONK_QUERY_CONSTANT, .prepare = prepare_now

const vonk_fn vonk_fns_datetime_make[] = {
    {.name = "convert_timezone",
     .args = "string,timestamp_ntz;string,string,timestamp_ntz",
     .result = "timestamp_ntz",
     GROUP,
     .text = "$0(current_timezone(), $1, $2); $0($1, $2, $3)",
     .prepare = prepare_convert,
     .eval = eval_convert_timezone,
     .doc = "The timestamp without zone, taken as local time of the first zone (by default the session's), as local "
            "time of the second.",
     .example = "convert_timezone('Europe/Brussels', 'America/Los_Angeles', TIMESTAMP_NTZ '2021-12-06 00:00:00')",
     .expect = ""},
    {.name = "curdate", .alias_of = "current_date", .text = "current_date()"},
    {.name = "current_date",
     NOW,
     .result = "date",
     .doc = "The date at the start of the query, in the session's zone.",
     .example = "current_date() = current_date",
     .expect = "true"},
    {.name = "current_timestamp",
     NOW,
     .result = "timestamp",
     .doc = "The time at the start of the query.",
     .example = "current_timestamp() = now()",
     .expect = "true"},
    {.name = "current_timezone",
     .args = "",
     .result = "string",
     .nulls = VONK_NEVER_NULL,
     ROW,
     .eval = eval_zone_name,
     .doc = "Name of the session's zone.",
     .example = "current_timezone()",
     .expect = "America/Los_Angeles"},
    {.name = "date_from_unix_date",
     .args = "int",
     .result = "date",
     ROW,
     .eval = eval_retyped,
     .doc = "The date some days after 1970-01-01.",
     .example = "date_from_unix_date(1)",
     .expect = ""},
    {.name = "from_utc_timestamp",
     .args = "timestamp,string",
     .result = "timestamp",
     GROUP,
     .eval = eval_shift_zone,
     .doc = "The timestamp, taken as local time in UTC, as local time of the zone.",
     .example = "from_utc_timestamp('2016-08-31', 'Asia/Seoul')",
     .expect = ""},
    {.name = "localtimestamp",
     NOW,
     .result = "timestamp_ntz",
     .doc = "Local time of the session's zone at the start of the query.",
     .example = "localtimestamp() = localtimestamp",
     .expect = "true"},
    {.name = "make_date",
     .args = "int,int,int",
     .result = "date",
     GROUP,
     .nullable = VONK_NULLABLE_LEGACY,
     .eval = eval_make_date,
     .doc = "The date of year, month and day. No such date: an error in ANSI mode, else NULL.",
     .example = "make_date(2013, 7, 15)",
     .expect = ""},
    {.name = "make_dt_interval",
     .args = "int?,int?,int?,decimal(18,6)?",
     .result = "interval day to second",
     GROUP,
     .text = "$0(0, 0, 0, 0.000000); $0($1, 0, 0, 0.000000); $0($1, $2, 0, 0.000000); $0($1, $2, $3, 0.000000); $0($1, "
             "$2, $3, $4)",
     .eval = eval_dt_interval,
     .doc = "The day-time interval of days, hours, minutes and seconds.",
     .example = "make_dt_interval(1, 12, 30, 01.001001)",
     .expect = ""},
    {.name = "make_interval",
     .args = "int?,int?,int?,int?,int?,int?,decimal(18,6)?",
     .result = "interval",
     GROUP,
     .raises = VONK_RAISES_ANSI,
     .nullable = VONK_NULLABLE_LEGACY,
     .text = INTERVAL_TEXTS,
     .eval = eval_interval,
     .doc = "The calendar interval of years, months, weeks, days, hours, minutes and seconds.",
     .example = "make_interval(100, 11, 1, 1, 12, 30, 01.001001)",
     .expect = ""},
    {.name = "make_time",
     .args = "int,int,decimal(16,6)",
     .result = "time",
     GROUP,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_make_time,
     .doc = "The time of day of hour, minute and second.",
     .example = "make_time(6, 30, 45.887)",
     .expect = ""},
    {.name = "make_timestamp",
     .args = PARTS ",string?;" DATE_TIME_ZONE,
     .result = "timestamp",
     STAMP,
     .raises = VONK_RAISES_ANSI,
     .nullable = VONK_NULLABLE_LEGACY,
     .doc = "The timestamp of year, month, day, hour, minute and second (or of date and time) in a zone (by default "
            "the session's).",
     .example = "make_timestamp(2014, 12, 28, 6, 30, 45.887)",
     .expect = ""},
    {.name = "make_timestamp_ltz",
     .alias_of = "make_timestamp",
     .args = PARTS ",string?;=date,=any_time,=string?",
     .text = "make_timestamp($1, $2); make_timestamp($1, $2, $3); $0($1, $2, $3, $4, $5, $6); "
             "$0($1, $2, $3, $4, $5, $6, $7)",
     .example = "make_timestamp_ltz(2014, 12, 28, 6, 30, 45.887, 'CET')",
     .expect = ""},
    {.name = "make_timestamp_ntz",
     .args = PARTS ";=date,=any_time",
     .result = "timestamp_ntz",
     STAMP,
     .raises = VONK_RAISES_ANSI,
     .nullable = VONK_NULLABLE_LEGACY,
     .doc = "The timestamp without zone of year, month, day, hour, minute and second, or of date and time.",
     .example = "make_timestamp_ntz(2014, 12, 28, 6, 30, 45.887)",
     .expect = ""},
    {.name = "make_ym_interval",
     .args = "int?,int?",
     .result = "interval year to month",
     GROUP,
     .text = "$0(0, 0); $0($1, 0); $0($1, $2)",
     .eval = eval_ym_interval,
     .doc = "The year-month interval of years and months.",
     .example = "make_ym_interval(1, 2)",
     .expect = ""},
    {.name = "now", .alias_of = "current_timestamp"},
    {.name = "time_from_micros",
     .args = "=integral",
     .result = "time",
     GROUP,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_times,
     .doc = "The time of day some microseconds after midnight.",
     .example = "time_from_micros(52200000000)",
     .expect = ""},
    {.name = "time_from_millis",
     .args = "=integral",
     .result = "time",
     GROUP,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_times,
     .doc = "The time of day some milliseconds after midnight.",
     .example = "time_from_millis(52200000)",
     .expect = ""},
    {.name = "time_from_seconds",
     .args = "=numeric",
     .result = "time",
     GROUP,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_times,
     .doc = "The time of day some seconds after midnight.",
     .example = "time_from_seconds(52200.5)",
     .expect = ""},
    {.name = "time_to_micros",
     .args = "=any_time",
     .result = "bigint",
     ROW,
     .resolve = resolve_time,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Microseconds since midnight.",
     .example = "time_to_micros(TIME '14:30:00')",
     .expect = ""},
    {.name = "time_to_millis",
     .args = "=any_time",
     .result = "bigint",
     ROW,
     .resolve = resolve_time,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Milliseconds since midnight.",
     .example = "time_to_millis(TIME '14:30:00')",
     .expect = ""},
    {.name = "time_to_seconds",
     .args = "=any_time",
     .result = "decimal(14,6)",
     ROW,
     .resolve = resolve_time,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Seconds since midnight, with their fraction.",
     .example = "time_to_seconds(TIME '14:30:00.5')",
     .expect = ""},
    {.name = "timestamp_micros",
     .args = "=integral",
     .result = "timestamp",
     GROUP,
     .prepare = prepare_seconds,
     .eval = eval_seconds,
     .doc = "The timestamp some microseconds after 1970-01-01 00:00:00 UTC.",
     .example = "timestamp_micros(1230219000123123)",
     .expect = ""},
    {.name = "timestamp_millis",
     .args = "=integral",
     .result = "timestamp",
     GROUP,
     .prepare = prepare_seconds,
     .eval = eval_seconds,
     .doc = "The timestamp some milliseconds after 1970-01-01 00:00:00 UTC.",
     .example = "timestamp_millis(1230219000123)",
     .expect = ""},
    {.name = "timestamp_seconds",
     .args = "=numeric",
     .result = "timestamp",
     GROUP,
     .prepare = prepare_seconds,
     .eval = eval_seconds,
     .resolve = resolve_seconds,
     .doc = "The timestamp some seconds after 1970-01-01 00:00:00 UTC.",
     .example = "timestamp_seconds(1230219000.123)",
     .expect = ""},
    {.name = "to_utc_timestamp",
     .args = "timestamp,string",
     .result = "timestamp",
     GROUP,
     .eval = eval_shift_zone,
     .doc = "The timestamp, taken as local time of the zone, as local time in UTC.",
     .example = "to_utc_timestamp('2016-08-31', 'Asia/Seoul')",
     .expect = ""},
    {.name = "try_make_interval",
     .errors_of = "make_interval",
     .args = "int,int?,int?,int?,int?,int?,decimal(18,6)?",
     .result = "interval",
     GROUP,
     .force_mode = VONK_MODE_TRY,
     .eval = eval_interval,
     .text =
         "$0($1, 0, 0, 0, 0, 0, 0.000000); $0($1, $2, 0, 0, 0, 0, 0.000000); $0($1, $2, $3, 0, 0, 0, 0.000000); $0($1, "
         "$2, $3, $4, 0, 0, 0.000000); "
         "$0($1, $2, $3, $4, $5, 0, 0.000000); $0($1, $2, $3, $4, $5, $6, 0.000000); $0($1, $2, $3, $4, $5, $6, $7)",
     .doc = "make_interval with NULL instead of an error.",
     .example = "try_make_interval(2147483647)",
     .expect = ""},
    {.name = "try_make_timestamp",
     .errors_of = "make_timestamp",
     .args = PARTS ",string?;" DATE_TIME_ZONE,
     .result = "timestamp",
     STAMP,
     .force_mode = VONK_MODE_TRY,
     .text = "$0($1); $0($1, $2); $0($1, $2, $3); $0($1, $2, $3, $4, $5, $6)",
     .doc = "make_timestamp with NULL instead of an error.",
     .example = "try_make_timestamp(2024, 13, 22, 15, 30, 0)",
     .expect = ""},
    {.name = "try_make_timestamp_ltz",
     .alias_of = "try_make_timestamp",
     .args = PARTS ",string?;=date,=any_time,=string?",
     .text = "make_timestamp($1, $2); make_timestamp($1, $2, $3); $0($1, $2, $3, $4, $5, $6); "
             "$0($1, $2, $3, $4, $5, $6, $7)"},
    {.name = "try_make_timestamp_ntz",
     .args = PARTS ";=date,=any_time",
     .result = "timestamp_ntz",
     STAMP,
     .force_mode = VONK_MODE_TRY,
     .text = "$0(make_timestamp_ntz($1, $2)); $0($1, $2, $3, $4, $5, $6)",
     .doc = "make_timestamp_ntz with NULL instead of an error.",
     .example = "try_make_timestamp_ntz(2024, 13, 22, 15, 30, 0)",
     .expect = ""},
    {.name = "unix_date",
     .args = "=date",
     .result = "int",
     ROW,
     .eval = eval_retyped,
     .doc = "Days since 1970-01-01.",
     .example = "unix_date(DATE '1970-01-02')",
     .expect = ""},
    {.name = "unix_micros",
     .args = "=any_timestamp|any_nanos",
     .result = "bigint",
     ROW,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Microseconds since 1970-01-01 00:00:00 UTC.",
     .example = "unix_micros(TIMESTAMP '1970-01-01 00:00:01Z')",
     .expect = ""},
    {.name = "unix_millis",
     .args = "=any_timestamp|any_nanos",
     .result = "bigint",
     ROW,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Milliseconds since 1970-01-01 00:00:00 UTC, rounded down.",
     .example = "unix_millis(TIMESTAMP '1970-01-01 00:00:01Z')",
     .expect = ""},
    {.name = "unix_seconds",
     .args = "=any_timestamp|any_nanos",
     .result = "bigint",
     ROW,
     .prepare = prepare_units,
     .eval = eval_to_units,
     .doc = "Seconds since 1970-01-01 00:00:00 UTC, rounded down.",
     .example = "unix_seconds(TIMESTAMP '1970-01-01 00:00:01Z')",
     .expect = ""},
};
VONK_FN_COUNT(datetime_make);

/* ---- dates */

static vonk_status no_such_day(int32_t year, int32_t month, int32_t day, vonk_error *err)
{
    static const char *const names[] = {"JANUARY", "FEBRUARY", "MARCH",     "APRIL",   "MAY",      "JUNE",
                                        "JULY",    "AUGUST",   "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"};
    if (day < 1 || day > 31)
        return VONK_FAIL(err, VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION, "rangeMessage",
                         VONK_F("Invalid value for DayOfMonth (valid values 1 - 28/31): %d", day));
    const char *message = day == 29 ? VONK_F("Invalid date 'February 29' as '%d' is not a leap year", year)
                                    : VONK_F("Invalid date '%s %d'", names[month - 1], day);
    return VONK_FAIL(err, VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION, "rangeMessage", message);
}

/* err NULL: only says whether (as VONK_OK or not). */
static bool date_is_valid(int32_t year, int32_t month, int32_t day)
{
    return year >= -999999999 && year <= 999999999 && vonk_civil_valid(year, month, day);
}

static vonk_status raise_bad_date(int32_t year, int32_t month, int32_t day, vonk_error *err)
{
    if (year < -999999999 || year > 999999999)
        return vonk__field_out_of_bounds("Year", -999999999, 999999999, year, err);
    if (month < 1 || month > 12) return vonk__field_out_of_bounds("MonthOfYear", 1, 12, month, err);
    return no_such_day(year, month, day, err);
}

/* Of years whose days no DATE counts, an error also without ANSI. */
static vonk_status put_day(int64_t day, int32_t *ret, vonk_error *err)
{
    if (day != (int32_t)day) return vonk__datetime_overflow(err);
    *ret = (int32_t)day;
    return VONK_OK;
}

VONK_FN_EVAL(eval_make_date)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t y = vonk_i32_at(args[0], i), m = vonk_i32_at(args[1], i), d = vonk_i32_at(args[2], i);
        if (date_is_valid(y, m, d))
            VONK_TRY(put_day(vonk_days_from_civil(y, m, d), &VONK_OUT(r, int32_t)[i], err));
        else if (call->mode == VONK_MODE_ANSI)
            return raise_bad_date(y, m, d, err);
        else
            VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_retyped) { return vonk_column_retype(ev->budget, args[0], call->type, ret, err); }

/* ---- times and timestamps from parts */

static int64_t decimal_at(const vonk_column *c, uint32_t row)
{
    return c->type->storage == VONK_STORE_I64 ? vonk_i64_at(c, row) : (int64_t)VONK_VALUES(c, vonk_i128)[row];
}

/* Microseconds of the day; `sixty`: second 60 without a fraction is the next minute's first. err NULL: says only
 * whether. */
static bool us_of_day(int32_t hour, int32_t minute, int64_t second_us, bool sixty, int64_t *ret)
{
    bool next = sixty && second_us == 60 * VONK_US_PER_SECOND;
    *ret = ((int64_t)hour * 3600 + (int64_t)minute * 60) * VONK_US_PER_SECOND + second_us;
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second_us >= 0 &&
           (next || second_us < 60 * VONK_US_PER_SECOND);
}

static vonk_status raise_bad_time(int32_t hour, int32_t minute, int64_t second_us, bool sixty, vonk_error *err)
{
    if (sixty && second_us > 60 * VONK_US_PER_SECOND && second_us < 61 * VONK_US_PER_SECOND)
        return VONK_FAIL(err, VONK_E_INVALID_FRACTION_OF_SECOND, "secAndMicros",
                         VONK_F("%.6g", (double)second_us / 1e6));
    if (second_us < 0 || second_us >= 60 * VONK_US_PER_SECOND)
        return vonk__field_out_of_bounds("SecondOfMinute", 0, 59, vonk_floor_div(second_us, VONK_US_PER_SECOND), err);
    if (hour < 0 || hour > 23) return vonk__field_out_of_bounds("HourOfDay", 0, 23, hour, err);
    return vonk__field_out_of_bounds("MinuteOfHour", 0, 59, minute, err);
}

VONK_FN_EVAL(eval_make_time)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t h = vonk_i32_at(args[0], i), m = vonk_i32_at(args[1], i);
        int64_t s = decimal_at(args[2], i), us;
        if (!us_of_day(h, m, s, false, &us)) return raise_bad_time(h, m, s, false, err);
        VONK_OUT(r, int64_t)[i] = us * 1000;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

typedef struct stamp_state {
    const vonk_zone *session; /* NULL: without zone */
    bool from_date_time;
    uint32_t zone_arg; /* UINT32_MAX: none */
} stamp_state;

static vonk_status prepare_timestamp(vonk_fn_call *call, vonk_error *err)
{
    stamp_state *s;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &s, err));
    s->from_date_time = call->arg_types[0]->id == VONK_T_DATE;
    uint32_t parts = s->from_date_time ? 2 : 6;
    s->zone_arg = call->n_args > parts ? parts : UINT32_MAX;
    if (call->type->id == VONK_T_TIMESTAMP) VONK_TRY(vonk__session_zone(call->env, &s->session, err));
    call->state = s;
    return VONK_OK;
}

/* Local time of a row; *ret_valid false: no such date or time, raised in ANSI mode. */
static vonk_status local_of_parts(const vonk_fn_call *call, vonk_column *const *args, uint32_t i, vonk_local *ret,
                                  bool *ret_valid, vonk_error *err)
{
    int32_t y = vonk_i32_at(args[0], i), m = vonk_i32_at(args[1], i), d = vonk_i32_at(args[2], i);
    int32_t h = vonk_i32_at(args[3], i), mi = vonk_i32_at(args[4], i);
    int64_t s = decimal_at(args[5], i);
    bool date = date_is_valid(y, m, d), time = us_of_day(h, mi, s, true, &ret->us);
    *ret_valid = date && time;
    if (*ret_valid) ret->day = vonk_days_from_civil(y, m, d);
    if (*ret_valid || call->mode != VONK_MODE_ANSI) return VONK_OK;
    return time ? raise_bad_date(y, m, d, err) : raise_bad_time(h, mi, s, true, err);
}

static vonk_status to_utc(const vonk_zone *zone, vonk_local local, int64_t *ret_us, vonk_error *err)
{
    if (vonk_zone_to_utc(zone, local, ret_us)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation",
                     VONK_F("make a timestamp of day %lld", (long long)local.day));
}

VONK_FN_EVAL(eval_make_timestamp)
{
    const stamp_state *s = call->state;
    vonk__zone_arg last = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        const vonk_zone *zone = s->session;
        vonk_local local = {0};
        bool valid = true;
        if (s->zone_arg != UINT32_MAX) VONK_TRY(vonk__zone_of_row(args[s->zone_arg], i, &last, &zone, err));
        if (s->from_date_time)
            local = (vonk_local){vonk_i32_at(args[0], i), call->n_args > 1 ? vonk_i64_at(args[1], i) / 1000 : 0};
        else
            VONK_TRY(local_of_parts(call, args, i, &local, &valid, err));
        if (valid && call->mode == VONK_MODE_TRY)
            valid = vonk_zone_to_utc(zone, local, &VONK_OUT(r, int64_t)[i]);
        else if (valid)
            VONK_TRY(to_utc(zone, local, &VONK_OUT(r, int64_t)[i], err));
        if (!valid) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Dates and times always make a timestamp, though schemas say "may be null" of those without zone. */
static vonk_status resolve_stamp(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id != VONK_T_DATE) return VONK_OK;
    t->result_nullable = t->result->id == VONK_T_TIMESTAMP_NTZ;
    for (uint32_t i = 0; i < t->n_args; i++) t->result_nullable |= t->nullable[i];
    return VONK_OK;
}

/* NaN and infinity make NULL. */
static vonk_status resolve_seconds(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id == VONK_T_FLOAT || t->types[0]->id == VONK_T_DOUBLE) t->result_nullable = true;
    return VONK_OK;
}

static vonk_status resolve_time(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = true;
    return VONK_OK;
}

/* ---- numbers to timestamps and times */

static vonk_status prepare_seconds(vonk_fn_call *call, vonk_error *err)
{
    const char *name = vonk_fn_canonical(call->fn)->name;
    int64_t *times;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &times, err));
    *times = strcmp(name, "timestamp_micros") == 0   ? 1
             : strcmp(name, "timestamp_millis") == 0 ? 1000
                                                     : VONK_US_PER_SECOND;
    call->state = times;
    return VONK_OK;
}

static vonk_status too_far(int64_t n, int64_t times, vonk_error *err)
{
    const char *unit = times == 1 ? "microseconds" : times == 1000 ? "milliseconds" : "seconds";
    return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation",
                     VONK_F("create a TIMESTAMP from %lldL %s since the epoch", (long long)n, unit));
}

static int64_t us_of_double(double seconds)
{
    double us = seconds * 1e6;
    return us >= 9223372036854775807.0 ? INT64_MAX : us <= -9223372036854775808.0 ? INT64_MIN : (int64_t)us;
}

static vonk_status us_of_decimal(vonk_i128 digits, int scale, int64_t *ret, vonk_error *err)
{
    for (; scale > 6; scale--) {
        if (digits % 10)
            return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "Rounding necessary", "alternative", "",
                             "config", "\"spark.sql.ansi.enabled\"");
        digits /= 10;
    }
    for (; scale < 6; scale++)
        if (__builtin_mul_overflow(digits, (vonk_i128)10, &digits)) digits = (vonk_i128)INT64_MAX + 1, scale = 5;
    if (digits != (int64_t)digits)
        return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "Overflow", "alternative", "", "config",
                         "\"spark.sql.ansi.enabled\"");
    *ret = (int64_t)digits;
    return VONK_OK;
}

VONK_FN_EVAL(eval_seconds)
{
    int64_t times = *(const int64_t *)call->state;
    const vonk_type *t = args[0]->type;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t *out = &VONK_OUT(r, int64_t)[i];
        if (t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE) {
            double v = vonk_column_f64(args[0], i);
            if (isnan(v) || isinf(v))
                VONK_TRY(vonk_result_null(&r, i, err));
            else
                *out = us_of_double(v);
        } else if (t->id == VONK_T_DECIMAL) {
            VONK_TRY(us_of_decimal(vonk_column_i128(args[0], i), t->scale, out, err));
        } else if (__builtin_mul_overflow(vonk_column_i64(args[0], i), times, out)) {
            return too_far(vonk_column_i64(args[0], i), times, err);
        }
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static bool nanos_of_double(double seconds, vonk_i128 *ret)
{
    double nanos = seconds * 1e9;
    if (!(fabs(nanos) < 1e18)) return false;
    *ret = (int64_t)nanos;
    return true;
}

/* false: more digits than a nanosecond has. */
static bool nanos_of_decimal(vonk_i128 digits, int scale, vonk_i128 *ret)
{
    for (; scale > 9; scale--) {
        if (digits % 10) return false;
        digits /= 10;
    }
    return !__builtin_mul_overflow(digits, vonk_pow10_i128[9 - scale], ret);
}

VONK_FN_EVAL(eval_times)
{
    const char *name = vonk_fn_canonical(call->fn)->name;
    const vonk_type *t = args[0]->type;
    int scale = strcmp(name, "time_from_micros") == 0   ? 6
                : strcmp(name, "time_from_millis") == 0 ? 3
                : t->id == VONK_T_DECIMAL               ? t->scale
                                                        : 0;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_i128 nanos = 0;
        bool known = t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE
                         ? nanos_of_double(vonk_column_f64(args[0], i), &nanos)
                         : nanos_of_decimal(vonk_column_i128(args[0], i), scale, &nanos);
        if (!known)
            return VONK_FAIL(err, VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION, "rangeMessage",
                             "not so many seconds that a TIME could hold them");
        if (nanos < 0 || nanos >= (vonk_i128)VONK_US_PER_DAY * 1000)
            return VONK_FAIL(
                err, VONK_E_DATETIME_FIELD_OUT_OF_BOUNDS__WITHOUT_SUGGESTION, "rangeMessage",
                VONK_F("Invalid TIME value: must be between 00:00:00 and 23:59:59.999999999, but got %.0f nanoseconds",
                       (double)nanos));
        VONK_OUT(r, int64_t)[i] = (int64_t)nanos;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- timestamps and times to numbers */

static vonk_status prepare_units(vonk_fn_call *call, vonk_error *err)
{
    const char *name = vonk_fn_canonical(call->fn)->name;
    int64_t *by;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &by, err));
    *by = strstr(name, "millis") ? 1000 : strcmp(name, "unix_seconds") == 0 ? VONK_US_PER_SECOND : 1;
    if (call->arg_types[0]->id == VONK_T_TIME) *by *= 1000; /* nanoseconds */
    call->state = by;
    return VONK_OK;
}

VONK_FN_EVAL(eval_to_units)
{
    int64_t by = *(const int64_t *)call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    const int64_t half = call->type->id == VONK_T_DECIMAL ? by / 2 : 0; /* seconds with a fraction are rounded */
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int64_t)[i] = vonk_floor_div(vonk_i64_at(args[0], i) + half, by);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- intervals */

static int64_t int_arg(const vonk_fn_call *call, vonk_column *const *args, uint32_t arg, uint32_t row)
{
    if (arg >= call->n_args) return 0;
    return args[arg]->type->id == VONK_T_DECIMAL ? decimal_at(args[arg], row) : vonk_i32_at(args[arg], row);
}

VONK_FN_EVAL(eval_interval)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t months = int_arg(call, args, 0, i) * 12 + int_arg(call, args, 1, i);
        int64_t days = int_arg(call, args, 2, i) * 7 + int_arg(call, args, 3, i);
        vonk_i128 us = ((vonk_i128)int_arg(call, args, 4, i) * 3600 + (vonk_i128)int_arg(call, args, 5, i) * 60) *
                           VONK_US_PER_SECOND +
                       int_arg(call, args, 6, i);
        bool fits = months == (int32_t)months && days == (int32_t)days && us == (int64_t)us;
        if (!fits && call->mode == VONK_MODE_ANSI) return vonk__datetime_overflow(err);
        if (fits)
            VONK_OUT(r, vonk_interval)[i] = (vonk_interval){(int32_t)months, (int32_t)days, (int64_t)us};
        else
            VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status interval_overflow(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITHOUT_SUGGESTION);
}

VONK_FN_EVAL(eval_dt_interval)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_i128 us = (vonk_i128)int_arg(call, args, 0, i) * VONK_US_PER_DAY + int_arg(call, args, 3, i) +
                       ((vonk_i128)int_arg(call, args, 1, i) * 3600 + (vonk_i128)int_arg(call, args, 2, i) * 60) *
                           VONK_US_PER_SECOND;
        if (us != (int64_t)us) return interval_overflow(err);
        VONK_OUT(r, int64_t)[i] = (int64_t)us;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_ym_interval)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t months = int_arg(call, args, 0, i) * 12 + int_arg(call, args, 1, i);
        if (months != (int32_t)months) return interval_overflow(err);
        VONK_OUT(r, int32_t)[i] = (int32_t)months;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- zones */

/* The local time in `to` at the moment of a local time in `from`, both as microseconds. */
static vonk_status move(int64_t us, const vonk_zone *from, const vonk_zone *to, int64_t *ret_us, vonk_error *err)
{
    VONK_TRY(to_utc(from, vonk_local_of_us(us), ret_us, err));
    return to_utc(NULL, vonk_zone_to_local(to, *ret_us, NULL), ret_us, err);
}

VONK_FN_EVAL(eval_shift_zone)
{
    bool from_utc = vonk_fn_canonical(call->fn)->name[0] == 'f';
    vonk__zone_arg last = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        const vonk_zone *zone;
        int64_t us = vonk_i64_at(args[0], i);
        VONK_TRY(vonk__zone_of_row(args[1], i, &last, &zone, err));
        VONK_TRY(move(us, from_utc ? vonk_zone_utc() : zone, from_utc ? zone : vonk_zone_utc(),
                      &VONK_OUT(r, int64_t)[i], err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_convert(vonk_fn_call *call, vonk_error *err)
{
    const vonk_zone *zone;
    VONK_TRY(vonk__session_zone(call->env, &zone, err));
    call->state = zone;
    return VONK_OK;
}

VONK_FN_EVAL(eval_convert_timezone)
{
    vonk__zone_arg last_from = {0}, last_to = {0};
    uint32_t n = call->n_args;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        const vonk_zone *from = call->state, *to;
        if (n == 3) VONK_TRY(vonk__zone_of_row(args[0], i, &last_from, &from, err));
        VONK_TRY(vonk__zone_of_row(args[n - 2], i, &last_to, &to, err));
        VONK_TRY(move(vonk_i64_at(args[n - 1], i), from, to, &VONK_OUT(r, int64_t)[i], err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_zone_name)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) VONK_TRY(vonk_strings_put(&s, i, call->env->time_zone, err));
    return vonk_strings_take(&s, ret, err);
}

/* ---- now */

VONK_FN_EVAL(eval_now)
{
    int64_t us = *(const int64_t *)call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (call->type->id == VONK_T_DATE)
            VONK_OUT(r, int32_t)[i] = (int32_t)vonk_floor_div(us, VONK_US_PER_DAY);
        else
            VONK_OUT(r, int64_t)[i] = us;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Local time for dates and timestamps without zone. */
static vonk_status prepare_now(vonk_fn_call *call, vonk_error *err)
{
    const vonk_zone *zone;
    int64_t *us;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &us, err));
    VONK_TRY(vonk__session_zone(call->env, &zone, err));
    *us = call->env->now_us;
    if (call->type->id != VONK_T_TIMESTAMP) VONK_TRY(move(*us, vonk_zone_utc(), zone, us, err));
    call->state = us;
    call->eval = eval_now;
    return VONK_OK;
}
