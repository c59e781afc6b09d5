/* func/datetime_time.c -- times of day: now, cut to a unit, the distance of two. */
#include "func/datetime_int.h"
#include "func/literal_text.h"
#include "func/tables.h"

static vonk_body eval_diff, eval_now, eval_trunc;
static vonk_status resolve_now(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "datetime_funcs"

const vonk_fn vonk_fns_datetime_time[] = {
    {.name = "current_time",
     .args = "int?",
     .nulls = VONK_NEVER_NULL,
     .volatility = VONK_QUERY_CONSTANT,
     ROW,
     .text = "current_time(6); current_time($1)",
     .resolve = resolve_now,
     .eval = eval_now,
     .doc = "The time of day at the start of the query, in the session's zone, with as many digits of the second as "
            "the argument says.",
     .example = "current_time() = current_time(6)",
     .expect = "true"},
    {.name = "localtime", .alias_of = "current_time"},
    {.name = "time_diff",
     .args = "string,any_time,any_time",
     .result = "bigint",
     .nullable = VONK_NULLABLE_ALWAYS,
     ROW,
     .eval = eval_diff,
     .doc = "Whole units (HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND) from the first time to the second.",
     .example = "time_diff('MINUTE', TIME'20:30:29', TIME'21:30:28')",
     .expect = "59"},
    {.name = "time_trunc",
     .args = "string,any_time",
     .result = "arg1",
     .nullable = VONK_NULLABLE_ALWAYS,
     ROW,
     .eval = eval_trunc,
     .doc = "The time cut to the start of its hour, minute, second, millisecond or microsecond.",
     .example = "time_trunc('HOUR', TIME'09:32:05.359')",
     .expect = "09:00:00"},
};
VONK_FN_COUNT(datetime_time);

static vonk_status resolve_now(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = NULL;
    int64_t digits = 6;
    if (t->n_args > 0) {
        bool is_null;
        const char *text = t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[0])) : "?";
        if (!t->constants[0])
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`precision`", "inputType", "\"INT\"",
                             "inputExpr", text);
        VONK_TRY(vonk_fn_constant_int(t, 0, &digits, &is_null, err));
        if (is_null || digits < 0 || digits > 9)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "exprName", "`precision`", "valueRange", "[0, 9]",
                             "currentValue", is_null ? "NULL" : VONK_F("%lld", (long long)digits));
    }
    VONK_TRY(vonk_type_parse(vonk_str_of(VONK_F("time(%d)", (int)digits)), &type, err));
    VONK_TRY(vonk_fn_own_type(t->arena, type, &type, err));
    return vonk_fn_set_result(t, type);
}

VONK_FN_EVAL(eval_now)
{
    static const int64_t units[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000};
    const vonk_zone *zone;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk__session_zone(call->env, &zone, err));
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    int64_t nanos = vonk_zone_to_local(zone, call->env->now_us, NULL).us * 1000;
    nanos -= nanos % units[call->type->precision > 6 ? 6 : call->type->precision];
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int64_t)[i] = nanos;
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Nanoseconds of the unit; 0: no such unit. */
static int64_t unit_of(vonk_str name)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {{"HOUR", 3600000000000},
                 {"MINUTE", 60000000000},
                 {"SECOND", 1000000000},
                 {"MILLISECOND", 1000000},
                 {"MICROSECOND", 1000}};
    for (size_t i = 0; i < VONK_COUNTOF(units); i++)
        if (vonk_str_is_nocase(name, units[i].name)) return units[i].nanos;
    return 0;
}

static vonk_status find_unit(const vonk_fn_call *call, const vonk_column *names, uint32_t row, int64_t *ret,
                             vonk_error *err)
{
    *ret = unit_of(vonk_str_at(names, row));
    if (*ret) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__TIME_UNIT, "functionName", VONK_QUOTED(call->fn->name),
                     "parameter", "`unit`", "invalidValue", vonk_literal_param(names, row, NULL, (char[1024]){0}));
}

VONK_FN_EVAL(eval_diff)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t unit;
        VONK_TRY(find_unit(call, args[0], i, &unit, err));
        VONK_OUT(r, int64_t)[i] = (vonk_i64_at(args[2], i) - vonk_i64_at(args[1], i)) / unit;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_trunc)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t unit, nanos = vonk_i64_at(args[1], i);
        VONK_TRY(find_unit(call, args[0], i, &unit, err));
        VONK_OUT(r, int64_t)[i] = nanos - nanos % unit;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
