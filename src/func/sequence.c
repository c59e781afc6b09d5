/* func/sequence.c -- arrays of numbers, dates or timestamps at equal distances. */
#include "base/vec.h"
#include "func/coerce.h"
#include "func/collection_int.h"
#include "func/datetime_int.h"
#include "func/tables.h"

static vonk_body eval_numbers, eval_times;
static vonk_status resolve_sequence(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_sequence(vonk_fn_call *call, vonk_error *err);

const vonk_fn vonk_fns_sequence[] = {
    {.name = "sequence",
     .args = "any,any,any?",
     .group = "array_funcs",
     .resolve = resolve_sequence,
     .prepare = prepare_sequence,
     .eval = eval_numbers,
     .since = "2.4.0",
     .doc = "The array from start to stop (both may be in it) by a step: integers, dates or timestamps. Without step: "
            "by 1 or by one day, "
            "up or down.",
     .example = "sequence(DATE '2018-01-01', DATE '2018-03-01', INTERVAL 1 MONTH)",
     .expect = "[2018-01-01, 2018-02-01, 2018-03-01]"},
};
VONK_FN_COUNT(sequence);

/* ---- types */

static vonk_status wrong_types(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__SEQUENCE_WRONG_INPUT_TYPES, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_QUOTED(t->fn->name), "startType",
                     "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\" or \"DATE\")", "stepType",
                     "(\"INTERVAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")", "otherStartType",
                     "\"INTEGRAL\"");
}

static vonk_status widen(vonk_fn_types *t, uint32_t arg, const vonk_type **inout, bool *ret_done, vonk_error *err)
{
    const vonk_type *wider = NULL;
    VONK_TRY(vonk_coerce_common(*inout, t->types[arg], t->env->ansi, &wider, err));
    *ret_done = wider != NULL;
    return wider ? vonk_fn_own_type(t->arena, wider, inout, err) : VONK_OK;
}

static vonk_status resolve_sequence(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *common = t->types[0], *step = t->n_args > 2 ? t->types[2] : NULL, *result;
    bool fits;
    VONK_TRY(widen(t, 1, &common, &fits, err));
    if (!fits) return wrong_types(t, err);
    bool number = vonk_type_is_integral(common), time = vonk_type_is_datetime(common);
    if (step && number) {
        VONK_TRY(widen(t, 2, &common, &fits, err));
        if (!fits || !vonk_type_is_integral(common)) return wrong_types(t, err);
        t->types[2] = common;
    }
    if (step && time && !vonk_type_is_interval(step)) return wrong_types(t, err);
    if (!number && !time) return wrong_types(t, err);
    t->types[0] = t->types[1] = common;
    VONK_TRY(vonk__array_of(t, common, false, &result, err));
    return vonk_fn_set_result(t, result);
}

static vonk_status prepare_sequence(vonk_fn_call *call, vonk_error *err)
{
    const vonk_zone *zone = NULL;
    if (vonk_type_is_datetime(call->arg_types[0])) call->eval = eval_times;
    if (call->arg_types[0]->id == VONK_T_TIMESTAMP) VONK_TRY(vonk__session_zone(call->env, &zone, err));
    call->state = zone;
    return VONK_OK;
}

/* ---- lengths */

enum { MOST_ELEMENTS = INT32_MAX - 15 };

static vonk_status bad_bounds(int64_t start, int64_t stop, int64_t step, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_SEQUENCE_BOUNDS, "start", VONK_F("%lld", (long long)start), "stop",
                     VONK_F("%lld", (long long)stop), "step", VONK_F("%lld", (long long)step));
}

static vonk_status length_of(int64_t start, int64_t stop, int64_t step, uint32_t *ret, vonk_error *err)
{
    if (!(step > 0 ? start <= stop : step < 0 ? start >= stop : start == stop))
        return bad_bounds(start, stop, step, err);
    vonk_i128 n = step ? ((vonk_i128)stop - start) / step + 1 : 1;
    if (n > MOST_ELEMENTS)
        return VONK_FAIL(err, VONK_E_COLLECTION_SIZE_LIMIT_EXCEEDED__PARAMETER, "numberOfElements",
                         VONK_F("%.0f", (double)n), "functionName", "`sequence`", "maxRoundedArrayLength",
                         VONK_F("%d", MOST_ELEMENTS), "parameter", "`count`");
    *ret = (uint32_t)n;
    return VONK_OK;
}

/* ---- numbers */

typedef struct plan {
    int64_t start, step;
    uint32_t len;
} plan;

static int64_t default_step(int64_t start, int64_t stop) { return start <= stop ? 1 : -1; }

static void put_value(vonk_storage storage, void *out, uint32_t at, int64_t value)
{
    switch (storage) {
    case VONK_STORE_I8: ((int8_t *)out)[at] = (int8_t)value; break;
    case VONK_STORE_I16: ((int16_t *)out)[at] = (int16_t)value; break;
    case VONK_STORE_I32: ((int32_t *)out)[at] = (int32_t)value; break;
    default: ((int64_t *)out)[at] = value; break;
    }
}

static vonk_status finish(vonk_eval *ev, vonk_result *r, uint64_t total, void **ret_data, vonk_column **ret_child,
                          vonk_error *err)
{
    if (total > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    return vonk_column_new(ev->budget, r->column->type->fields[0].type, (uint32_t)total, false, ret_child, ret_data,
                           NULL, err);
}

VONK_FN_EVAL(eval_numbers)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *child = NULL;
    plan *plans;
    void *data;
    uint64_t total = 0;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows, sizeof(*plans), &plans, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t start = vonk_column_i64(args[0], i), stop = vonk_column_i64(args[1], i);
        plans[i] = (plan){start, call->n_args > 2 ? vonk_column_i64(args[2], i) : default_step(start, stop), 0};
        VONK_TRY(length_of(start, stop, plans[i].step, &plans[i].len, err));
        VONK_OUT(r, vonk_span)[i] = (vonk_span){(uint32_t)total, plans[i].len};
        total += plans[i].len;
    }
    VONK_TRY(finish(ev, &r, total, &data, &child, err));
    uint32_t at = 0;
    vonk_storage storage = child->type->storage;
    for (VONK_EACH_ROW(rows, i))
        for (uint32_t k = 0; k < plans[i].len; k++)
            put_value(storage, data, at++, (int64_t)((uint64_t)plans[i].start + (uint64_t)plans[i].step * k));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- dates and timestamps */

static vonk_interval step_at(const vonk_fn_call *call, vonk_column *const *args, uint32_t row, bool up)
{
    if (call->n_args < 3) return (vonk_interval){.days = up ? 1 : -1};
    const vonk_column *c = args[2];
    if (c->type->id == VONK_T_INTERVAL_YEAR_MONTH) return (vonk_interval){.months = vonk_i32_at(c, row)};
    if (c->type->id == VONK_T_INTERVAL_CALENDAR) return VONK_VALUES(c, vonk_interval)[row];
    int64_t us = vonk_i64_at(c, row);
    return (vonk_interval){.days = (int32_t)(us / VONK_US_PER_DAY), .us = us % VONK_US_PER_DAY};
}

/* start + i steps; false: out of range. Months and days are counted in the zone, microseconds on the time line. */
static bool after_steps(int64_t start, vonk_interval step, int64_t i, const vonk_zone *zone, int64_t *ret)
{
    const int64_t months = i * step.months, days = i * step.days;
    int64_t us;
    if (__builtin_mul_overflow(i, step.us, &us) || months != (int32_t)months) return false;
    if (months || days) {
        vonk_local local = vonk_zone_to_local(zone, start, NULL);
        if (months) local.day = vonk_add_months(local.day, months);
        local.day += days;
        if (!vonk_zone_to_utc(zone, local, &start)) return false;
    }
    return !__builtin_add_overflow(start, us, ret);
}

/* Overflows as Spark's. */
static int64_t wrapped_sum(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int64_t wrapped_product(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

/* Values of one row go behind *inout_n. */
static vonk_status time_row(vonk_eval *ev, int64_t start, int64_t stop, vonk_interval step, const vonk_zone *zone,
                            int64_t **inout_at, size_t *inout_n, size_t *inout_room, vonk_error *err)
{
    const int64_t month_us = 31 * VONK_US_PER_DAY;
    const int64_t step_us = wrapped_sum(
        step.us, wrapped_sum(wrapped_product(step.months, month_us), wrapped_product(step.days, VONK_US_PER_DAY)));
    uint32_t estimate;
    VONK_TRY(length_of(start, stop, step_us, &estimate, err));
    const int64_t sign = step_us > 0 ? 1 : -1, end = wrapped_sum(stop, sign);
    int64_t t = start;
    for (int64_t i = 0; sign > 0 ? t < end : t > end;) {
        if (*inout_n == *inout_room)
            VONK_TRY(vonk_vec_grow_arena(ev->scratch, inout_at, inout_room, *inout_n, sizeof(**inout_at), err));
        (*inout_at)[(*inout_n)++] = t;
        if (!step_us) break;
        if (!after_steps(start, step, ++i, zone, &t))
            return VONK_FAIL(err, VONK_E_DATETIME_OVERFLOW, "operation", "add a step of a sequence");
    }
    return VONK_OK;
}

static vonk_status check_date_step(const vonk_fn_call *call, vonk_interval step, vonk_error *err)
{
    if (call->arg_types[0]->id != VONK_T_DATE || step.months || step.days) return VONK_OK;
    bool calendar = call->arg_types[2]->id == VONK_T_INTERVAL_CALENDAR;
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_3242, "intervalType",
                     calendar ? "interval" : "interval day to second");
}

VONK_FN_EVAL(eval_times)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *child = NULL;
    bool dates = args[0]->type->id == VONK_T_DATE;
    int64_t times = dates ? VONK_US_PER_DAY : 1, *at = NULL;
    size_t n = 0, room = 0;
    void *data;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t start = wrapped_product(vonk_column_i64(args[0], i), times);
        int64_t stop = wrapped_product(vonk_column_i64(args[1], i), times);
        vonk_interval step = step_at(call, args, i, start <= stop);
        size_t before = n;
        VONK_TRY(check_date_step(call, step, err));
        VONK_TRY(time_row(ev, start, stop, step, call->state, &at, &n, &room, err));
        VONK_OUT(r, vonk_span)[i] = (vonk_span){(uint32_t)before, (uint32_t)(n - before)};
    }
    VONK_TRY(finish(ev, &r, n, &data, &child, err));
    for (size_t k = 0; k < n; k++) put_value(child->type->storage, data, (uint32_t)k, vonk_floor_div(at[k], times));
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
