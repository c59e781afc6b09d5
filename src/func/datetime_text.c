/* func/datetime_text.c -- dates, times and timestamps written and read by patterns. */
#include "base/buf.h"
#include "func/coerce_int.h"
#include "func/datetime_int.h"
#include "func/literal_text.h"
#include "func/resolve.h"
#include "func/tables.h"
#include "text/datetime_pattern.h"

static vonk_body eval_format, eval_from_unix, eval_read, eval_read_time, eval_same, eval_unix, eval_unix_now,
    eval_format_time, eval_day;
static vonk_status resolve_read(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_format(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_read(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "datetime_funcs"
#define SOURCE "string|date|timestamp|timestamp_ntz"
#define READ(type)                                                                                                     \
    ROW, .result = type, .args = SOURCE ",string?", .resolve = resolve_read, .prepare = prepare_read, .eval = eval_read
#define STAMP                                                                                                          \
    ROW, .result = "timestamp", .args = SOURCE "|numeric,string?", .resolve = resolve_read, .prepare = prepare_read,   \
        .eval = eval_read
#define UNIX_SOURCE "=" SOURCE "|any_nanos"
#define UNIX ROW, .result = "bigint", .resolve = resolve_read, .prepare = prepare_read, .eval = eval_unix

#define TIME                                                                                                           \
    ROW, .args = "=string,=string?", .result = "time", .nullable = VONK_NULLABLE_ALWAYS, .prepare = prepare_read,      \
        .eval = eval_read_time

const vonk_fn vonk_fns_datetime_text[] = {
    {.name = "date_format",
     .args = "timestamp|any_time|any_nanos,string",
     .result = "string",
     ROW,
     .prepare = prepare_format,
     .eval = eval_format,
     .doc = "The timestamp as text, in the form that the pattern describes (yyyy-MM-dd HH:mm:ss and others).",
     .example = "date_format('2016-04-08', 'y')",
     .expect = "2016"},
    {.name = "from_unixtime",
     .args = "bigint,string?",
     .result = "string",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .text = "$0($1, yyyy-MM-dd HH:mm:ss); $0($1, $2)",
     .prepare = prepare_format,
     .eval = eval_from_unix,
     .doc = "Seconds since 1970-01-01 00:00:00 UTC as the text of a timestamp in the session's zone.",
     .example = "from_unixtime(0, 'yyyy-MM-dd HH:mm:ss')",
     .expect = "1969-12-31 16:00:00"},
    {.name = "to_date",
     READ("date"),
     .doc = "The date that the text says, in the form of the pattern (without one as CAST reads it).",
     .example = "to_date('2016-12-31', 'yyyy-MM-dd')",
     .expect = "2016-12-31"},
    {.name = "to_time",
     TIME,
     .doc = "The time of day that the text says, in the form of the pattern (without one as CAST reads it).",
     .example = "to_time('12.10.05', 'HH.mm.ss')",
     .expect = "12:10:05"},
    {.name = "to_timestamp",
     STAMP,
     .doc = "The timestamp that the text says, in the form of the pattern (without one as CAST reads it).",
     .example = "to_timestamp('2016-12-31', 'yyyy-MM-dd')",
     .expect = "2016-12-31 00:00:00"},
    {.name = "to_timestamp_ltz",
     STAMP,
     .doc = "The timestamp (with the session's zone) that the text says.",
     .example = "to_timestamp_ltz('2016-12-31 00:12:00')",
     .expect = "2016-12-31 00:12:00"},
    {.name = "to_timestamp_ntz",
     READ("timestamp_ntz"),
     .doc = "The timestamp without zone that the text says.",
     .example = "to_timestamp_ntz('2016-12-31 00:12:00')",
     .expect = "2016-12-31 00:12:00"},
    {.name = "to_unix_timestamp",
     UNIX,
     .args = UNIX_SOURCE ",=string?",
     .text = "$0($1, yyyy-MM-dd HH:mm:ss); $0($1, $2)",
     .doc = "Seconds since 1970-01-01 00:00:00 UTC of a timestamp or of its text.",
     .example = "to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')",
     .expect = "1460098800"},
    {.name = "try_to_date",
     READ("date"),
     .force_mode = VONK_MODE_TRY,
     .doc = "The date that the text says, or NULL where it says none.",
     .example = "try_to_date('foo', 'yyyy-MM-dd')",
     .expect = "NULL"},
    {.name = "try_to_time",
     .errors_of = "to_time",
     TIME,
     .force_mode = VONK_MODE_TRY,
     .text = "$0(to_time($1)); $0(to_time($1, $2))",
     .doc = "The time of day that the text says, or NULL where it says none.",
     .example = "try_to_time('12.10.05', 'HH.mm.ss')",
     .expect = "12:10:05"},
    {.name = "try_to_timestamp",
     STAMP,
     .force_mode = VONK_MODE_TRY,
     .doc = "The timestamp that the text says, or NULL where it says none.",
     .example = "try_to_timestamp('foo', 'yyyy-MM-dd')",
     .expect = "NULL"},
    {.name = "unix_timestamp",
     UNIX,
     .args = UNIX_SOURCE "?,=string?",
     .text = "$0(current_timestamp(), yyyy-MM-dd HH:mm:ss); $0($1, yyyy-MM-dd HH:mm:ss); $0($1, $2)",
     .doc = "Seconds since 1970-01-01 00:00:00 UTC of a timestamp or of its text; of the query's start without an "
            "argument.",
     .example = "unix_timestamp('2016-04-08', 'yyyy-MM-dd')",
     .expect = "1460098800"},
};
VONK_FN_COUNT(datetime_text);

/* ---- patterns: compiled once when they are constant */

typedef struct state {
    const vonk_zone *zone;
    bool fixed;
    vonk_dt_pattern pattern;
} state;

static const vonk_str usual = {"yyyy-MM-dd HH:mm:ss", 19};

/* A pattern that is wrong is an error only for rows: it stays uncompiled. arg: its number; without that argument the
 * usual one. */
static vonk_status keep_state(vonk_fn_call *call, uint32_t arg, bool reading, vonk_error *err)
{
    state *s;
    vonk_error ignored = VONK_ERROR_INIT;
    const vonk_column *constant = vonk_constant_arg(call, arg);
    VONK_TRY(VONK_ARENA_NEW(call->arena, &s, err));
    VONK_TRY(vonk__session_zone(call->env, &s->zone, err));
    call->state = s;
    if (!constant && call->n_args > arg) return VONK_OK;
    s->fixed = vonk_dt_compile(call->arena, constant ? vonk_column_str(constant, 0) : usual, reading, &s->pattern,
                               &ignored) == VONK_OK;
    vonk_error_reset(&ignored);
    return VONK_OK;
}

static vonk_status pattern_of(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t arg,
                              uint32_t row, bool reading, vonk_dt_pattern *ret, vonk_error *err)
{
    const state *s = call->state;
    if (s->fixed) {
        *ret = s->pattern;
        return VONK_OK;
    }
    return vonk_dt_compile(ev->scratch, vonk_str_at(args[arg], row), reading, ret, err);
}

/* For times, whatever is wrong with a pattern is refused in one way. */
static vonk_status pattern_of_times(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t row,
                                    bool reading, vonk_dt_pattern *ret, vonk_error *err)
{
    vonk_error failed = VONK_ERROR_INIT;
    if (pattern_of(call, ev, args, 1, row, reading, ret, &failed) == VONK_OK) return VONK_OK;
    VONK_TRY(vonk_error_forgive(&failed, err));
    return VONK_FAIL(err, VONK_E_INVALID_DATETIME_PATTERN__WITH_SUGGESTION, "pattern",
                     vonk_literal_param(args[1], row, NULL, (char[1024]){0}), "docroot",
                     "https://spark.apache.org/docs/latest");
}

/* ---- writing */

static vonk_status prepare_format(vonk_fn_call *call, vonk_error *err)
{
    if (call->arg_types[0]->id == VONK_T_TIME) call->eval = eval_format_time;
    return keep_state(call, 1, false, err);
}

static vonk_status put_texts(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                             vonk_rows rows, int64_t times, vonk_column **ret, vonk_error *err)
{
    const state *s = call->state;
    vonk_zone_cache cache = {0};
    VONK_AUTO(vonk_strings_done) vonk_strings out = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, ev->budget, SIZE_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &out, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_dt_pattern p;
        VONK_TRY(pattern_of(call, ev, args, 1, i, false, &p, err));
        vonk_buf_reset(&text);
        int64_t us = (int64_t)((uint64_t)vonk_i64_at(args[0], i) * (uint64_t)times);
        VONK_TRY(vonk_dt_write(&p, us, s->zone, &cache, &text, err));
        VONK_TRY(vonk_strings_put(&out, i, vonk_buf_str(&text), err));
    }
    return vonk_strings_take(&out, ret, err);
}

VONK_FN_EVAL(eval_format_time)
{
    VONK_AUTO(vonk_strings_done) vonk_strings out = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, ev->budget, SIZE_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &out, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_dt_pattern p;
        bool fits;
        VONK_TRY(pattern_of_times(call, ev, args, i, false, &p, err));
        vonk_buf_reset(&text);
        VONK_TRY(vonk_dt_write_time(&p, vonk_i64_at(args[0], i), &text, &fits, err));
        if (!fits)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__PATTERN, "functionName", VONK_QUOTED(call->fn->name),
                             "parameter", "`format`", "value", vonk_literal_param(args[1], i, NULL, (char[1024]){0}));
        VONK_TRY(vonk_strings_put(&out, i, vonk_buf_str(&text), err));
    }
    return vonk_strings_take(&out, ret, err);
}

VONK_FN_EVAL(eval_format) { return put_texts(call, ev, args, n_rows, rows, 1, ret, err); }
VONK_FN_EVAL(eval_from_unix) { return put_texts(call, ev, args, n_rows, rows, VONK_US_PER_SECOND, ret, err); }

/* ---- reading */

static bool is_unix(const vonk_fn *fn) { return fn->eval == eval_unix; }

/* Whatever is not text is cast. Where there is a pattern it means nothing, but makes instants of dates, and of
 * timestamps without zone, as if they were of UTC. */
static vonk_status become_result(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *from = t->types[0];
    const bool is_date = t->result->id == VONK_T_DATE, patterned = t->n_args > 1;
    if (patterned && vonk_type_is_numeric(from))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("%s reads no numbers by a pattern", vonk_fn_call_text(t, (char[1024]){0})));
    if (!patterned || (is_date && from->id != VONK_T_TIMESTAMP_NTZ))
        t->types[0] = t->result;
    else if (from->id == VONK_T_DATE)
        t->types[0] = &vonk_type_timestamp;
    t->result_nullable = t->nullable[0] || (patterned ? t->nullable[1] || t->mode != VONK_MODE_ANSI
                                                      : vonk__force_nullable(from, t->result));
    return VONK_OK;
}

static vonk_status resolve_read(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args == 0) return VONK_OK;
    if (vonk_type_is_stringy(t->types[0])) {
        bool by_cast = t->n_args < 2 && !is_unix(t->fn);
        if (by_cast || t->mode != VONK_MODE_ANSI) t->result_nullable = true;
        return VONK_OK;
    }
    if (!is_unix(t->fn)) return become_result(t, err);
    if (t->types[0]->id == VONK_T_DATE) t->types[0] = &vonk_type_timestamp;
    if (t->mode != VONK_MODE_ANSI) t->result_nullable = true;
    return VONK_OK;
}

static vonk_status prepare_read(vonk_fn_call *call, vonk_error *err)
{
    if (call->n_args == 0)
        call->eval = eval_unix_now;
    else if (!vonk_type_is_stringy(call->arg_types[0]) && !is_unix(call->fn))
        call->eval = call->type->id == VONK_T_DATE && call->arg_types[0]->id != VONK_T_DATE ? eval_day : eval_same;
    return keep_state(call, 1, true, err);
}

VONK_FN_EVAL(eval_same) { return vonk_column_retype(ev->budget, args[0], call->type, ret, err); }

VONK_FN_EVAL(eval_day)
{
    const state *s = call->state;
    vonk_zone_cache cache = {0};
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i))
        VONK_OUT(r, int32_t)[i] = (int32_t)vonk_zone_to_local(s->zone, vonk_i64_at(args[0], i), &cache).day;
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_unix_now)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int64_t)[i] = vonk_floor_div(call->env->now_us, VONK_US_PER_SECOND);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status cannot_parse(const vonk_fn_call *call, const char *why, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CANNOT_PARSE_TIMESTAMP, "message", why, "func",
                     call->type->id == VONK_T_DATE ? "`try_to_date`" : "`try_to_timestamp`");
}

/* As CAST reads: the text of a date, of a timestamp. */
static bool read_plain(const vonk_fn_call *call, vonk_str text, int64_t *ret)
{
    const state *s = call->state;
    int32_t days;
    switch (call->type->id) {
    case VONK_T_DATE:
        if (!vonk_text_to_date(text, &days)) return false;
        *ret = days;
        return true;
    case VONK_T_TIMESTAMP_NTZ: return vonk_text_to_timestamp_ntz(text, true, ret);
    default: return vonk_text_to_timestamp(text, s->zone, call->env->now_us, ret);
    }
}

static vonk_status not_castable(const vonk_fn_call *call, const vonk_column *texts, uint32_t row, vonk_error *err)
{
    (void)VONK_FAIL(err, VONK_E_CAST_INVALID_INPUT, "expression", vonk_literal_param(texts, row, NULL, (char[1024]){0}),
                    "sourceType", "\"STRING\"", "targetType", VONK_TYPE_SQL(call->type), "ansiConfig",
                    "\"spark.sql.ansi.enabled\"");
    return vonk_error_set_family(err, VONK_FAMILY_DATE_TIME);
}

/* One row as microseconds, or days where the result is a date. *ret_ok false: it becomes NULL. */
static vonk_status read_row(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t row,
                            int64_t *ret, bool *ret_ok, vonk_error *err)
{
    const state *s = call->state;
    vonk_str text = vonk_str_at(args[0], row);
    vonk_dt_pattern p;
    vonk_dt_value v;
    char why[512];
    if (call->n_args < 2 && !is_unix(call->fn)) {
        *ret_ok = read_plain(call, text, ret);
        return *ret_ok || call->mode != VONK_MODE_ANSI ? VONK_OK : not_castable(call, args[0], row, err);
    }
    VONK_TRY(pattern_of(call, ev, args, 1, row, true, &p, err));
    *ret_ok = vonk_dt_read(&p, text, &v, why);
    if (*ret_ok && !vonk_dt_value_us(&v, call->type->id == VONK_T_TIMESTAMP_NTZ ? NULL : s->zone, ret)) {
        *ret_ok = false;
        snprintf(why, sizeof(why), "long overflow");
    }
    if (*ret_ok && call->type->id == VONK_T_TIMESTAMP_NTZ) *ret = v.days * VONK_US_PER_DAY + v.nanos_of_day / 1000;
    if (*ret_ok && call->type->id == VONK_T_DATE) *ret = vonk_zone_to_local(s->zone, *ret, NULL).day;
    return *ret_ok || call->mode != VONK_MODE_ANSI ? VONK_OK : cannot_parse(call, why, err);
}

VONK_FN_EVAL(eval_read)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t value = 0;
        bool ok;
        VONK_TRY(read_row(call, ev, args, i, &value, &ok, err));
        if (!ok)
            VONK_TRY(vonk_result_null(&r, i, err));
        else if (call->type->id == VONK_T_DATE)
            VONK_OUT(r, int32_t)[i] = (int32_t)value;
        else
            VONK_OUT(r, int64_t)[i] = value;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_unix)
{
    bool text = vonk_type_is_stringy(call->arg_types[0]);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t us = 0;
        bool ok = true;
        if (text)
            VONK_TRY(read_row(call, ev, args, i, &us, &ok, err));
        else
            us = vonk_i64_at(args[0], i);
        if (!ok) VONK_TRY(vonk_result_null(&r, i, err));
        VONK_OUT(r, int64_t)[i] = us / VONK_US_PER_SECOND; /* towards zero, before 1970 too */
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status read_time(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t row,
                             int64_t *ret_nanos, vonk_error *err)
{
    vonk_str text = vonk_str_at(args[0], row);
    vonk_dt_value v = {0};
    bool ok;
    if (call->n_args < 2) {
        ok = vonk_text_to_time(text, &v.nanos_of_day);
    } else {
        vonk_dt_pattern p;
        char why[512];
        VONK_TRY(pattern_of_times(call, ev, args, row, true, &p, err));
        ok = vonk_dt_read(&p, text, &v, why);
    }
    *ret_nanos = v.nanos_of_day; /* digits that time(6) does not show stay, as in Spark */
    if (ok) return VONK_OK;
    return VONK_FAIL(err, VONK_E_CANNOT_PARSE_TIME, "input", vonk_literal_param(args[0], row, NULL, (char[1024]){0}),
                     "format",
                     call->n_args < 2 ? "'HH:mm:ss.SSSSSS'" : vonk_literal_param(args[1], row, NULL, (char[1024]){0}));
}

VONK_FN_EVAL(eval_read_time)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_error failed = VONK_ERROR_INIT;
        vonk_status st = read_time(call, ev, args, i, &VONK_OUT(r, int64_t)[i], &failed);
        if (st == VONK_OK) continue;
        if (call->mode == VONK_MODE_TRY) {
            VONK_TRY(vonk_error_forgive(&failed, err));
            VONK_TRY(vonk_result_null(&r, i, err));
        } else {
            vonk_error_move(err, &failed);
            return st;
        }
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
