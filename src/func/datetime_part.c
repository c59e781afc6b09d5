/* func/datetime_part.c -- fields of dates, times, timestamps and intervals. */
#include "func/datetime_int.h"
#include "func/tables.h"
#include "text/number.h"

typedef enum field {
    F_YEAR,
    F_YEAR_OF_WEEK,
    F_QUARTER,
    F_MONTH,
    F_WEEK,
    F_DAY,
    F_DAY_OF_WEEK,
    F_DAY_OF_WEEK_ISO,
    F_WEEKDAY,
    F_DAY_OF_YEAR,
    F_HOUR,
    F_MINUTE,
    F_SECOND,
    F_SECOND_FRACTION,
    N_FIELD
} field;

static vonk_body eval_date_field, eval_time_field, eval_name;
static vonk_status prepare_date_field(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_time_field(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_time_field(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_extract(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_extract(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "datetime_funcs", .raises = VONK_NEVER_RAISES
#define DATE_FIELD .args = "date", .result = "int", ROW, .prepare = prepare_date_field, .eval = eval_date_field
/* A time stays one, though it could be cast to a timestamp. */
#define TIME_FIELD                                                                                                     \
    .args = "!any_timestamp;!any_time;any_timestamp", .result = "int", ROW, .resolve = resolve_time_field,             \
    .prepare = prepare_time_field, .eval = eval_time_field
#define NAME .args = "date", .result = "string", ROW, .eval = eval_name

const vonk_fn vonk_fns_datetime_part[] = {
    {.name = "date_part",
     .args = "any,any",
     .group = "datetime_funcs",
     .raises = VONK_NEVER_RAISES,
     .resolve = resolve_extract,
     .prepare = prepare_extract,
     .eval = eval_time_field,
     .doc = "A field of a date, time, timestamp or interval, named by a string: year, month, day, hour, ...",
     .example = "date_part('YEAR', TIMESTAMP '2019-08-12 01:00:00.123456')",
     .expect = ""},
    {.name = "datepart",
     .alias_of = "date_part",
     .text = "$0($1 FROM $2)",
     .example = "datepart('week', TIMESTAMP '2019-08-12 01:00:00.123456')",
     .expect = ""},
    {.name = "day", .alias_of = "dayofmonth"},
    {.name = "dayname",
     NAME,
     .doc = "Three-letter name of the day of the week.",
     .example = "dayname(DATE '2008-02-20')",
     .expect = ""},
    {.name = "dayofmonth",
     DATE_FIELD,
     .doc = "Day of the month, 1 to 31.",
     .example = "dayofmonth(DATE '2009-07-30')",
     .expect = ""},
    {.name = "dayofweek",
     DATE_FIELD,
     .doc = "Day of the week: 1 is Sunday, 7 is Saturday.",
     .example = "dayofweek(DATE '2009-07-30')",
     .expect = ""},
    {.name = "dayofyear",
     DATE_FIELD,
     .doc = "Day of the year, 1 to 366.",
     .example = "dayofyear(DATE '2016-04-09')",
     .expect = ""},
    {.name = "extract",
     .alias_of = "date_part",
     .text = "$0($1 FROM $2)",
     .doc = "A field of a date, time, timestamp or interval: EXTRACT(field FROM source).",
     .example = "extract(YEAR FROM DATE '2019-08-12')",
     .expect = ""},
    {.name = "hour", TIME_FIELD, .doc = "Hour, 0 to 23.", .example = "hour('2018-02-14 12:58:59')", .expect = ""},
    {.name = "minute", TIME_FIELD, .doc = "Minute, 0 to 59.", .example = "minute('2018-02-14 12:58:59')", .expect = ""},
    {.name = "month", DATE_FIELD, .doc = "Month, 1 to 12.", .example = "month('2016-07-30')", .expect = ""},
    {.name = "monthname",
     NAME,
     .doc = "Three-letter name of the month.",
     .example = "monthname(DATE '2008-02-20')",
     .expect = ""},
    {.name = "quarter",
     DATE_FIELD,
     .doc = "Quarter of the year, 1 to 4.",
     .example = "quarter('2016-08-31')",
     .expect = ""},
    {.name = "second", TIME_FIELD, .doc = "Second, 0 to 59.", .example = "second('2018-02-14 12:58:59')", .expect = ""},
    {.name = "weekday",
     DATE_FIELD,
     .doc = "Day of the week: 0 is Monday, 6 is Sunday.",
     .example = "weekday(DATE '2009-07-30')",
     .expect = ""},
    {.name = "weekofyear",
     DATE_FIELD,
     .doc = "ISO week of the year: weeks start on Monday, the first one has more than three days of the year.",
     .example = "weekofyear('2008-02-20')",
     .expect = ""},
    {.name = "year", DATE_FIELD, .doc = "Year.", .example = "year('2016-07-30')", .expect = ""},
};
VONK_FN_COUNT(datetime_part);

/* ---- names of fields */

static const struct {
    const char *name;
    field field;
} field_names[] = {
    {"YEAR", F_YEAR},
    {"Y", F_YEAR},
    {"YEARS", F_YEAR},
    {"YR", F_YEAR},
    {"YRS", F_YEAR},
    {"YEAROFWEEK", F_YEAR_OF_WEEK},
    {"QUARTER", F_QUARTER},
    {"QTR", F_QUARTER},
    {"MONTH", F_MONTH},
    {"MON", F_MONTH},
    {"MONS", F_MONTH},
    {"MONTHS", F_MONTH},
    {"WEEK", F_WEEK},
    {"W", F_WEEK},
    {"WEEKS", F_WEEK},
    {"DAY", F_DAY},
    {"D", F_DAY},
    {"DAYS", F_DAY},
    {"DAYOFWEEK", F_DAY_OF_WEEK},
    {"DOW", F_DAY_OF_WEEK},
    {"DAYOFWEEK_ISO", F_DAY_OF_WEEK_ISO},
    {"DOW_ISO", F_DAY_OF_WEEK_ISO},
    {"DOY", F_DAY_OF_YEAR},
    {"HOUR", F_HOUR},
    {"H", F_HOUR},
    {"HOURS", F_HOUR},
    {"HR", F_HOUR},
    {"HRS", F_HOUR},
    {"MINUTE", F_MINUTE},
    {"M", F_MINUTE},
    {"MIN", F_MINUTE},
    {"MINS", F_MINUTE},
    {"MINUTES", F_MINUTE},
    {"SECOND", F_SECOND_FRACTION},
    {"S", F_SECOND_FRACTION},
    {"SEC", F_SECOND_FRACTION},
    {"SECONDS", F_SECOND_FRACTION},
    {"SECS", F_SECOND_FRACTION},
};

static field field_of_name(vonk_str name)
{
    for (size_t i = 0; i < VONK_COUNTOF(field_names); i++)
        if (vonk_str_is_nocase(name, field_names[i].name)) return field_names[i].field;
    return N_FIELD;
}

/* What gives the field; Spark has a function for each, by this name. */
static const char *const functions[N_FIELD] = {[F_YEAR] = "year",
                                               [F_YEAR_OF_WEEK] = "yearofweek",
                                               [F_QUARTER] = "quarter",
                                               [F_MONTH] = "month",
                                               [F_WEEK] = "weekofyear",
                                               [F_DAY] = "dayofmonth",
                                               [F_DAY_OF_WEEK] = "dayofweek",
                                               [F_DAY_OF_WEEK_ISO] = "weekday",
                                               [F_WEEKDAY] = "weekday",
                                               [F_DAY_OF_YEAR] = "dayofyear",
                                               [F_HOUR] = "hour",
                                               [F_MINUTE] = "minute",
                                               [F_SECOND] = "second",
                                               [F_SECOND_FRACTION] = "secondwithfraction"};

static field field_of_function(const vonk_fn *fn)
{
    field f = N_FIELD;
    while (f-- > 0)
        if (strcmp(fn->name, functions[f]) == 0) return f;
    return N_FIELD;
}

/* ---- state */

typedef struct field_state {
    field field;
    uint32_t source; /* argument number */
    const vonk_zone *zone;
} field_state;

static vonk_status keep_state(vonk_fn_call *call, field f, uint32_t source, vonk_error *err)
{
    field_state *s;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &s, err));
    s->field = f;
    s->source = source;
    if (call->arg_types[source]->id == VONK_T_TIMESTAMP) VONK_TRY(vonk__session_zone(call->env, &s->zone, err));
    call->state = s;
    return VONK_OK;
}

static vonk_status prepare_date_field(vonk_fn_call *call, vonk_error *err)
{
    return keep_state(call, field_of_function(vonk_fn_canonical(call->fn)), 0, err);
}

static vonk_status prepare_time_field(vonk_fn_call *call, vonk_error *err)
{
    return keep_state(call, field_of_function(vonk_fn_canonical(call->fn)), 0, err);
}

static vonk_status resolve_time_field(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id == VONK_T_TIME) t->result_nullable = true;
    return VONK_OK;
}

/* ---- fields of days */

#define PUT_FIELD(expression)                                                                                          \
    for (VONK_EACH_ROW(rows, i)) {                                                                                     \
        int32_t year, month, day;                                                                                      \
        vonk__civil(days[i], &year, &month, &day);                                                                     \
        (void)year, (void)month, (void)day;                                                                            \
        out[i] = (expression);                                                                                         \
    }

static int32_t iso_week(int32_t days, bool want_year)
{
    int64_t year;
    int week = vonk_iso_week(days, &year);
    return want_year ? (int32_t)year : week;
}

VONK_HOT static void put_date_field(field f, vonk_rows rows, const int32_t *days, int32_t *out)
{
    switch (f) {
    case F_YEAR: PUT_FIELD(year) break;
    case F_QUARTER: PUT_FIELD((month + 2) / 3) break;
    case F_MONTH: PUT_FIELD(month) break;
    case F_DAY: PUT_FIELD(day) break;
    case F_YEAR_OF_WEEK: PUT_FIELD(iso_week(days[i], true)) break;
    case F_WEEK: PUT_FIELD(iso_week(days[i], false)) break;
    case F_DAY_OF_WEEK: PUT_FIELD((vonk_day_of_week(days[i]) + 1) % 7 + 1) break;
    case F_DAY_OF_WEEK_ISO: PUT_FIELD(vonk_day_of_week(days[i]) + 1) break;
    case F_WEEKDAY: PUT_FIELD(vonk_day_of_week(days[i])) break;
    default: PUT_FIELD(vonk_day_of_year(days[i])) break;
    }
}

VONK_FN_EVAL(eval_date_field)
{
    const field_state *s = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    put_date_field(s->field, rows, args[s->source]->data, r.data);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- fields of timestamps and times */

/* us: of the day. SECOND_FRACTION: microseconds of the minute (a decimal's digits). */
static int64_t time_field(field f, int64_t us)
{
    switch (f) {
    case F_HOUR: return us / (3600 * VONK_US_PER_SECOND);
    case F_MINUTE: return us / (60 * VONK_US_PER_SECOND) % 60;
    case F_SECOND: return us / VONK_US_PER_SECOND % 60;
    default: return us % (60 * VONK_US_PER_SECOND);
    }
}

VONK_FN_EVAL(eval_time_field)
{
    const field_state *s = call->state;
    const vonk_column *c = args[s->source];
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    vonk_zone_cache cache = {0};
    bool wide = call->type->storage == VONK_STORE_I64, is_time = c->type->id == VONK_T_TIME;
    const int64_t unit = vonk_pow10_i64[is_time && wide ? 9 - call->type->scale : 0]; /* of a second's last digit */
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t us = is_time ? vonk_i64_at(c, i) / 1000 : vonk__local(c, i, s->zone, &cache).us;
        int64_t value = is_time && wide ? vonk_i64_at(c, i) % INT64_C(60000000000) / unit : time_field(s->field, us);
        if (wide)
            VONK_OUT(r, int64_t)[i] = value;
        else
            VONK_OUT(r, int32_t)[i] = (int32_t)value;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Day fields of a timestamp: its local days first, then as for dates. */
VONK_FN_EVAL(eval_day_of_timestamp)
{
    const field_state *s = call->state;
    const vonk_column *c = args[s->source];
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    vonk_zone_cache cache = {0};
    int32_t *days;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows, sizeof(*days), &days, err));
    for (VONK_EACH_ROW(rows, i)) days[i] = (int32_t)vonk__local(c, i, s->zone, &cache).day;
    put_date_field(s->field, rows, days, r.data);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- fields of intervals */

static int64_t ansi_field(field f, const vonk_column *c, uint32_t row)
{
    if (c->type->id == VONK_T_INTERVAL_YEAR_MONTH) {
        int32_t months = vonk_i32_at(c, row);
        return f == F_YEAR ? months / 12 : months % 12;
    }
    int64_t us = vonk_i64_at(c, row);
    return f == F_DAY ? us / VONK_US_PER_DAY : time_field(f, us % VONK_US_PER_DAY);
}

static int64_t hours_field(field f, int64_t us)
{
    switch (f) {
    case F_HOUR: return us / (3600 * VONK_US_PER_SECOND);
    case F_MINUTE: return us % (3600 * VONK_US_PER_SECOND) / (60 * VONK_US_PER_SECOND);
    default: return us % (60 * VONK_US_PER_SECOND);
    }
}

static int64_t interval_field(field f, const vonk_column *c, uint32_t row)
{
    if (c->type->id != VONK_T_INTERVAL_CALENDAR) {
        if (f == F_HOUR || f == F_MINUTE || f == F_SECOND_FRACTION)
            return hours_field(f, vonk_i64_at(c, row) % VONK_US_PER_DAY);
        return ansi_field(f, c, row);
    }
    vonk_interval v = VONK_VALUES(c, vonk_interval)[row];
    switch (f) {
    case F_YEAR: return v.months / 12;
    case F_MONTH: return v.months % 12;
    case F_QUARTER: return v.months % 12 / 3 + 1;
    case F_DAY: return v.days;
    default: return hours_field(f, v.us);
    }
}

VONK_FN_EVAL(eval_interval_field)
{
    const field_state *s = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t v = interval_field(s->field, args[s->source], i);
        switch (call->type->storage) {
        case VONK_STORE_I8: VONK_OUT(r, int8_t)[i] = (int8_t)v; break;
        case VONK_STORE_I32: VONK_OUT(r, int32_t)[i] = (int32_t)v; break;
        default: VONK_OUT(r, int64_t)[i] = v; break;
        }
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- extract */

static bool has_field(const vonk_type *t, field f)
{
    bool of_time = f == F_HOUR || f == F_MINUTE || f == F_SECOND_FRACTION;
    switch (t->id) {
    case VONK_T_TIME: return of_time;
    case VONK_T_INTERVAL_YEAR_MONTH: return f == F_YEAR || f == F_MONTH;
    case VONK_T_INTERVAL_DAY_TIME: return f == F_DAY || of_time;
    case VONK_T_INTERVAL_CALENDAR: return f == F_YEAR || f == F_MONTH || f == F_DAY || of_time;
    default: return f != N_FIELD;
    }
}

static vonk_status set_extract_result(vonk_fn_types *t, field f, vonk_error *err)
{
    const vonk_type *source = t->types[1], *decimal = NULL;
    if (f == F_SECOND_FRACTION) {
        int digits = source->id == VONK_T_TIME ? source->precision : 6;
        VONK_TRY(vonk_type_decimal(2 + digits, digits, &decimal, err));
        VONK_TRY(vonk_fn_own_type(t->arena, decimal, &decimal, err));
        return vonk_fn_set_result(t, decimal);
    }
    if (source->id == VONK_T_INTERVAL_CALENDAR && f == F_HOUR) return vonk_fn_set_result(t, &vonk_type_long);
    bool narrow = (source->id == VONK_T_INTERVAL_YEAR_MONTH && f == F_MONTH) ||
                  (source->id == VONK_T_INTERVAL_DAY_TIME && f != F_DAY) ||
                  (source->id == VONK_T_INTERVAL_CALENDAR && (f == F_MONTH || f == F_MINUTE));
    return vonk_fn_set_result(t, narrow ? &vonk_type_byte : &vonk_type_int);
}

/* In the name of the function that would give the field. */
static vonk_status wrong_source(const vonk_fn_types *t, field f, vonk_error *err)
{
    vonk_fn_types of_field = *t;
    vonk_str source = t->texts ? t->texts[1] : VONK_STR("?");
    of_field.types = t->types + 1;
    of_field.texts = &source;
    of_field.text = vonk_str_of(VONK_F("%s(%.*s)", functions[f], VONK_STR_ARGS(source)));
    return vonk_fn_wrong_type(&of_field, 0, f < F_HOUR ? "\"DATE\"" : "\"(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)\"",
                              err);
}

static vonk_status resolve_extract(vonk_fn_types *t, vonk_error *err)
{
    const vonk_column *name = t->constants[0];
    if (!name || (name->type->id != VONK_T_NULL && !vonk_type_is_stringy(name->type)))
        return VONK_FAIL(err, VONK_E_NON_FOLDABLE_ARGUMENT, "funcName", VONK_QUOTED(t->fn->name), "paramName",
                         "`field`", "paramType", "\"STRING\"");
    if (vonk_column_is_null(name, 0)) {
        t->types[0] = &vonk_type_string;
        t->result_nullable = true;
        return vonk_fn_set_result(t, &vonk_type_double);
    }
    const vonk_type *source = t->types[1];
    const bool is_text = vonk_type_is_stringy(source);
    vonk_str text = vonk_column_str(name, 0);
    field f = field_of_name(text);
    bool of_day = f < F_HOUR;
    if (is_text || source->id == VONK_T_NULL) t->types[1] = source = of_day ? &vonk_type_date : &vonk_type_timestamp;
    if (!has_field(source, f))
        return VONK_FAIL(err, VONK_E_INVALID_EXTRACT_FIELD, "field", VONK_F("`%.*s`", VONK_STR_ARGS(text)), "expr",
                         t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[1])) : "?");
    if (!vonk_type_is_interval(source) && !vonk_type_is_datetime(source) && source->id != VONK_T_TIME)
        return wrong_source(t, f, err);
    t->result_nullable =
        t->nullable[1] || is_text || source->id == VONK_T_TIME || (source->id == VONK_T_TIMESTAMP_NTZ && of_day);
    return set_extract_result(t, f, err);
}

VONK_FN_EVAL(eval_no_field) { return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err); }

static vonk_status prepare_extract(vonk_fn_call *call, vonk_error *err)
{
    const vonk_column *name = vonk_constant_arg(call, 0);
    if (!name) {
        call->eval = eval_no_field;
        return VONK_OK;
    }
    field f = field_of_name(vonk_column_str(name, 0));
    VONK_TRY(keep_state(call, f, 1, err));
    const vonk_type *source = call->arg_types[1];
    if (vonk_type_is_interval(source))
        call->eval = eval_interval_field;
    else if (f >= F_HOUR)
        call->eval = eval_time_field;
    else
        call->eval = source->id == VONK_T_DATE ? eval_date_field : eval_day_of_timestamp;
    return VONK_OK;
}

/* ---- names of days and months */

VONK_FN_EVAL(eval_name)
{
    static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    bool of_day = vonk_fn_canonical(call->fn)->name[0] == 'd';
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t value = vonk_i32_at(args[0], i), year, month, day;
        vonk__civil(value, &year, &month, &day);
        const char *name = of_day ? days + (ptrdiff_t)3 * vonk_day_of_week(value) : months + (ptrdiff_t)3 * (month - 1);
        VONK_TRY(vonk_strings_put(&s, i, (vonk_str){name, 3}, err));
    }
    return vonk_strings_take(&s, ret, err);
}
