/* func/aggregate_sum.c -- count, sum, avg.
 *
 * Integers and decimals add up in 128 bits, so that the order of rows cannot make an overflow of its own; the result
 * is checked once, at the end. Doubles are added
 * row by row within a batch. avg of integers is a double, of decimals a decimal with four more digits, HALF_UP. */
#include <math.h>

#include "column/kernel/kernel.h"
#include "func/aggregate_int.h"
#include "func/coerce.h"
#include "func/resolve.h"
#include "func/tables.h"

/* ---- count: rows where no argument is null */
static bool all_present(vonk_column *const *args, uint32_t n, uint32_t row)
{
    for (uint32_t i = 0; i < n; i++)
        if (!vonk__agg_present(args[i], row)) return false;
    return true;
}

static bool any_nulls(vonk_column *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (args[i]->validity || args[i]->type->id == VONK_T_NULL) return true;
    return false;
}

VONK__AGG_UPDATE(count_update)
{
    if (call->n_args > 0 && args[0]->type->id == VONK_T_NULL) return VONK_OK;
    if (!any_nulls(args, call->n_args)) {
        for (uint32_t k = 0; k < rows.n; k++) ++*(int64_t *)states[k];
        return VONK_OK;
    }
    VONK__AGG_EACH(rows, k, row) * (int64_t *)states[k] += all_present(args, call->n_args, row);
    return VONK_OK;
}

VONK__AGG_UPDATE_ONE(count_update_one)
{
    int64_t n = 0;

    if (call->n_args > 0 && args[0]->type->id == VONK_T_NULL) return VONK_OK;
    if (!any_nulls(args, call->n_args))
        n = rows.n;
    else if (!rows.idx && call->n_args == 1)
        n = (int64_t)vonk_bits_count(args[0]->validity, rows.n);
    else
        VONK__AGG_EACH(rows, k, row) n += all_present(args, call->n_args, row);
    *(int64_t *)state += n;
    return VONK_OK;
}

VONK__AGG_MERGE(count_merge)
{
    const int64_t *v = VONK_VALUES(saved[0], int64_t);

    VONK__AGG_EACH(rows, k, row) * (int64_t *)states[k] += v[row];
    return VONK_OK;
}

VONK__AGG_FINISH(count_finish)
{
    void *data = NULL;

    VONK_TRY(vonk__agg_column(ev, &vonk_type_long, n, ret, &data, NULL, err));
    for (uint32_t i = 0; i < n; i++) ((int64_t *)data)[i] = *(const int64_t *)states[i];
    return VONK_OK;
}

VONK__AGG_COMBINE(count_combine)
{
    for (uint32_t i = 0; i < n; i++) *(int64_t *)into[i] += *(const int64_t *)from[i];
    return VONK_OK;
}

VONK__AGG_UPDATE(count_if_update)
{
    VONK__AGG_EACH(rows, k, row) * (int64_t *)states[k] +=
        vonk__agg_present(args[0], row) && vonk_bit_get(args[0]->data, row);
    return VONK_OK;
}

static const vonk_agg count_agg = {.state_bytes = 8,
                                   .state = "bigint",
                                   .update = count_update,
                                   .update_one = count_update_one,
                                   .merge = count_merge,
                                   .save = count_finish,
                                   .finish = count_finish,
                                   .combine = count_combine,
                                   .copyable = true,
                                   .exact = vonk__agg_always_exact};
static const vonk_agg count_if_agg = {.state_bytes = 8,
                                      .state = "bigint",
                                      .update = count_if_update,
                                      .merge = count_merge,
                                      .save = count_finish,
                                      .finish = count_finish,
                                      .combine = count_combine,
                                      .copyable = true,
                                      .exact = vonk__agg_always_exact};

/* ---- exact sums: 128 bits and a count. Saved form: low and high half, count. */
typedef struct exact {
    vonk_i128 sum;
    int64_t n;
    bool overflow; /* of 128 bits */
} exact;

static inline void exact_add(exact *e, vonk_i128 v)
{
    e->overflow |= __builtin_add_overflow(e->sum, v, &e->sum);
    e->n++;
}

#define EXACT_LOOP(ctype)                                                                                              \
    do {                                                                                                               \
        const ctype *v = VONK_VALUES(c, ctype);                                                                        \
        if (!c->validity)                                                                                              \
            VONK__AGG_EACH(rows, k, row) exact_add((exact *)states[k], v[row]);                                        \
        else                                                                                                           \
            VONK__AGG_EACH(rows, k, row) if (vonk_bit_get(c->validity, row)) exact_add((exact *)states[k], v[row]);    \
    } while (0)

VONK__AGG_UPDATE(exact_update)
{
    const vonk_column *c = args[0];

    switch (c->type->storage) {
    case VONK_STORE_I8: EXACT_LOOP(int8_t); break;
    case VONK_STORE_I16: EXACT_LOOP(int16_t); break;
    case VONK_STORE_I32: EXACT_LOOP(int32_t); break;
    case VONK_STORE_I64: EXACT_LOOP(int64_t); break;
    case VONK_STORE_I128: EXACT_LOOP(vonk_i128); break;
    default: break; /* void: nothing to add */
    }
    return VONK_OK;
}

/* The rows of a selection, or all of them through a kernel. */
VONK__AGG_UPDATE_ONE(exact_update_one)
{
    const vonk_column *c = args[0];
    exact *e = (exact *)state;
    vonk_i128 sum = 0;

    if (c->type->id == VONK_T_NULL) return VONK_OK;
    if (rows.idx) {
        VONK__AGG_EACH(rows, k, row) if (vonk__agg_present(c, row)) exact_add(e, vonk_column_i128(c, row));
        return VONK_OK;
    }
    switch (c->type->storage) {
    case VONK_STORE_I8: sum = vonk_kernels->sum_i8(rows.n, c->data, c->validity); break;
    case VONK_STORE_I16: sum = vonk_kernels->sum_i16(rows.n, c->data, c->validity); break;
    case VONK_STORE_I32: sum = vonk_kernels->sum_i32(rows.n, c->data, c->validity); break;
    case VONK_STORE_I64: sum = vonk_kernels->sum_i64(rows.n, c->data, c->validity); break;
    default: e->overflow |= vonk_kernels->sum_i128(rows.n, c->data, c->validity, &sum); break;
    }
    e->overflow |= __builtin_add_overflow(e->sum, sum, &e->sum);
    e->n += c->validity ? (int64_t)vonk_bits_count(c->validity, rows.n) : rows.n;
    return VONK_OK;
}

VONK__AGG_MERGE(exact_merge)
{
    const int64_t *low = VONK_VALUES(saved[0], int64_t), *high = VONK_VALUES(saved[1], int64_t),
                  *n = VONK_VALUES(saved[2], int64_t);

    VONK__AGG_EACH(rows, k, row)
    {
        exact *e = (exact *)states[k];
        const vonk_i128 v = (vonk_i128)((vonk_u128)(uint64_t)high[row] << 64 | (uint64_t)low[row]);
        e->overflow |= n[row] < 0 || __builtin_add_overflow(e->sum, v, &e->sum);
        e->n += n[row] < 0 ? -n[row] : n[row];
    }
    return VONK_OK;
}

/* A count below zero says that the sum has left 128 bits. */
VONK__AGG_FINISH(exact_save)
{
    int64_t *halves[3] = {NULL, NULL, NULL};
    vonk_status status = VONK_OK;
    uint32_t made = 0;

    for (; made < 3 && status == VONK_OK; made++) {
        void *data = NULL;
        status = vonk__agg_column(ev, &vonk_type_long, n, &ret[made], &data, NULL, err);
        halves[made] = data;
        if (status != VONK_OK) break;
    }
    if (status != VONK_OK) {
        for (uint32_t i = 0; i < made; i++) vonk_column_unref(ret[i]);
        return status;
    }
    for (uint32_t i = 0; i < n; i++) {
        const exact *e = (const exact *)states[i];
        halves[0][i] = (int64_t)(uint64_t)(vonk_u128)e->sum;
        halves[1][i] = (int64_t)(uint64_t)((vonk_u128)e->sum >> 64);
        halves[2][i] = e->overflow ? -e->n - 1 : e->n;
    }
    return VONK_OK;
}

VONK__AGG_COMBINE(exact_combine)
{
    for (uint32_t i = 0; i < n; i++) {
        const exact *f = (const exact *)from[i];
        exact *e = (exact *)into[i];
        e->overflow |= f->overflow || __builtin_add_overflow(e->sum, f->sum, &e->sum);
        e->n += f->n;
    }
    return VONK_OK;
}

static vonk_i128 power_of_ten(int n)
{
    vonk_i128 p = 1;
    for (; n > 0; n--) p *= 10;
    return p;
}

static bool fits(vonk_i128 v, const vonk_type *type)
{
    switch (type->id) {
    case VONK_T_DECIMAL: {
        const vonk_i128 limit = power_of_ten(type->precision);
        return v < limit && v > -limit;
    }
    case VONK_T_INTERVAL_YEAR_MONTH: return v >= INT32_MIN && v <= INT32_MAX;
    default: return v >= INT64_MIN && v <= INT64_MAX;
    }
}

static void store(void *data, uint32_t i, vonk_i128 v, const vonk_type *type)
{
    if (type->storage == VONK_STORE_I128)
        ((vonk_i128 *)data)[i] = v;
    else if (type->storage == VONK_STORE_I64)
        ((int64_t *)data)[i] = (int64_t)(uint64_t)(vonk_u128)v;
    else
        ((int32_t *)data)[i] = (int32_t)v;
}

static vonk_status sum_overflowed(const vonk_fn_call *call, vonk_error *err)
{
    const char *config = "\"spark.sql.ansi.enabled\"";

    if (call->type->id == VONK_T_DECIMAL)
        return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "Overflow in sum of decimals", "alternative",
                         " Use 'try_sum' to tolerate overflow and return NULL instead.", "config", config);
    if (call->type->id != VONK_T_LONG)
        return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITH_SUGGESTION, "functionName", "`try_add`");
    return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "overflow", "alternative",
                     " Use 'try_add' to tolerate overflow and return NULL instead.", "config", config);
}

static bool raises(const vonk_fn_call *call)
{
    return call->mode == VONK_MODE_ANSI || (call->mode == VONK_MODE_LEGACY && call->type->id != VONK_T_DECIMAL);
}

/* LEGACY: integers wrap around, decimals become null. */
VONK__AGG_FINISH(exact_sum_finish)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    void *data = NULL;
    uint8_t *validity = NULL;

    VONK_TRY(vonk__agg_column(ev, call->type, n, &column, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        const exact *e = (const exact *)states[i];
        const bool bad = e->overflow || !fits(e->sum, call->type);
        const bool wraps = bad && call->mode == VONK_MODE_LEGACY && call->type->id == VONK_T_LONG;
        if (bad && !wraps && raises(call)) return sum_overflowed(call, err);
        if (e->n == 0 || (bad && !wraps)) vonk_bit_clear(validity, i);
        store(data, i, e->n == 0 || (bad && !wraps) ? 0 : e->sum, call->type);
    }
    *ret = VONK_STEAL(column);
    return VONK_OK;
}

/* ---- avg of exact sums: sum * 10^d / n, HALF_UP, d = digits that the result has more */
static bool average(const exact *e, int digits, vonk_i128 *ret)
{
    const vonk_i128 whole = e->sum / e->n, rest = e->sum % e->n, times = power_of_ten(digits);
    vonk_i128 part = rest * times / e->n; /* |rest| < n < 2^63, times <= 10^4 or little more: no overflow */
    const vonk_i128 left = rest * times % e->n, twice = left < 0 ? -left * 2 : left * 2;

    if (e->overflow || __builtin_mul_overflow(whole, times, ret)) return false;
    if (twice >= e->n) part += e->sum < 0 ? -1 : 1;
    *ret += part;
    return true;
}

VONK__AGG_FINISH(exact_avg_finish)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    void *data = NULL;
    uint8_t *validity = NULL;
    const int digits = call->type->id == VONK_T_DECIMAL ? call->type->scale - call->arg_types[0]->scale : 0;

    VONK_TRY(vonk__agg_column(ev, call->type, n, &column, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        const exact *e = (const exact *)states[i];
        vonk_i128 value = 0;
        const bool summed = call->type->id == VONK_T_DECIMAL || fits(e->sum, call->arg_types[0]);
        const bool good = e->n > 0 && summed && average(e, digits, &value) && fits(value, call->type);
        if (e->n > 0 && !good && raises(call)) return sum_overflowed(call, err);
        if (!good) vonk_bit_clear(validity, i);
        store(data, i, good ? value : 0, call->type);
    }
    *ret = VONK_STEAL(column);
    return VONK_OK;
}

/* avg of integers: the exact sum as a double */
VONK__AGG_FINISH(integral_avg_finish)
{
    void *data = NULL;
    uint8_t *validity = NULL;

    VONK_TRY(vonk__agg_column(ev, call->type, n, ret, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        const exact *e = (const exact *)states[i];
        ((double *)data)[i] = e->n > 0 ? (double)e->sum / (double)e->n : 0;
        if (e->n == 0) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

/* ---- doubles */
typedef struct real {
    double sum;
    int64_t n;
} real;

VONK__AGG_UPDATE(real_update)
{
    const vonk_column *c = args[0];
    const bool narrow = c->type->storage == VONK_STORE_F32;

    VONK__AGG_EACH(rows, k, row)
    {
        if (!vonk__agg_present(c, row)) continue;
        ((real *)states[k])->sum += narrow ? (double)VONK_VALUES(c, float)[row] : VONK_VALUES(c, double)[row];
        ((real *)states[k])->n++;
    }
    return VONK_OK;
}

VONK__AGG_UPDATE_ONE(real_update_one)
{
    const vonk_column *c = args[0];
    real *r = (real *)state;

    if (rows.idx) {
        VONK__AGG_EACH(rows, k, row)
        {
            if (!vonk__agg_present(c, row)) continue;
            r->sum += vonk_column_f64(c, row);
            r->n++;
        }
        return VONK_OK;
    }
    r->sum += c->type->storage == VONK_STORE_F32 ? vonk_kernels->sum_f32(rows.n, c->data, c->validity)
                                                 : vonk_kernels->sum_f64(rows.n, c->data, c->validity);
    r->n += c->validity ? (int64_t)vonk_bits_count(c->validity, rows.n) : rows.n;
    return VONK_OK;
}

VONK__AGG_MERGE(real_merge)
{
    VONK__AGG_EACH(rows, k, row)
    {
        ((real *)states[k])->sum += VONK_VALUES(saved[0], double)[row];
        ((real *)states[k])->n += VONK_VALUES(saved[1], int64_t)[row];
    }
    return VONK_OK;
}

VONK__AGG_FINISH(real_save)
{
    void *sums = NULL, *counts = NULL;

    VONK_TRY(vonk__agg_column(ev, &vonk_type_double, n, &ret[0], &sums, NULL, err));
    vonk_status status = vonk__agg_column(ev, &vonk_type_long, n, &ret[1], &counts, NULL, err);
    if (status != VONK_OK) {
        vonk_column_unref(ret[0]);
        return status;
    }
    for (uint32_t i = 0; i < n; i++) {
        ((double *)sums)[i] = ((const real *)states[i])->sum;
        ((int64_t *)counts)[i] = ((const real *)states[i])->n;
    }
    return VONK_OK;
}

static vonk_status real_finish(vonk_eval *ev, const vonk_type *type, bool mean, uint8_t *const *states, uint32_t n,
                               vonk_column **ret, vonk_error *err)
{
    void *data = NULL;
    uint8_t *validity = NULL;

    VONK_TRY(vonk__agg_column(ev, type, n, ret, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        const real *r = (const real *)states[i];
        ((double *)data)[i] = r->n == 0 ? 0 : mean ? r->sum / (double)r->n : r->sum;
        if (r->n == 0) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

VONK__AGG_FINISH(real_sum_finish) { return real_finish(ev, call->type, false, states, n, ret, err); }

VONK__AGG_FINISH(real_avg_finish) { return real_finish(ev, call->type, true, states, n, ret, err); }

VONK__AGG_COMBINE(real_combine)
{
    for (uint32_t i = 0; i < n; i++) {
        ((real *)into[i])->sum += ((const real *)from[i])->sum;
        ((real *)into[i])->n += ((const real *)from[i])->n;
    }
    return VONK_OK;
}

/* ---- which of them a type takes: the row's functions look at the argument */
static bool is_real(const vonk_fn_call *call)
{
    return call->arg_types[0]->storage == VONK_STORE_F32 || call->arg_types[0]->storage == VONK_STORE_F64;
}

VONK__AGG_UPDATE(update)
{
    return is_real(call) ? real_update(call, ev, heap, args, rows, states, err)
                         : exact_update(call, ev, heap, args, rows, states, err);
}

VONK__AGG_UPDATE_ONE(update_one)
{
    return is_real(call) ? real_update_one(call, ev, heap, args, rows, state, err)
                         : exact_update_one(call, ev, heap, args, rows, state, err);
}

VONK__AGG_MERGE(merge)
{
    return is_real(call) ? real_merge(call, ev, heap, saved, rows, states, err)
                         : exact_merge(call, ev, heap, saved, rows, states, err);
}

VONK__AGG_FINISH(save)
{
    return is_real(call) ? real_save(call, ev, states, n, ret, err) : exact_save(call, ev, states, n, ret, err);
}

VONK__AGG_COMBINE(combine)
{
    return is_real(call) ? real_combine(call, ev, heap, from, into, n, err)
                         : exact_combine(call, ev, heap, from, into, n, err);
}

VONK__AGG_FINISH(sum_finish)
{
    return is_real(call) ? real_sum_finish(call, ev, states, n, ret, err)
                         : exact_sum_finish(call, ev, states, n, ret, err);
}

VONK__AGG_FINISH(avg_finish)
{
    if (is_real(call)) return real_avg_finish(call, ev, states, n, ret, err);
    return call->type->id == VONK_T_DOUBLE ? integral_avg_finish(call, ev, states, n, ret, err)
                                           : exact_avg_finish(call, ev, states, n, ret, err);
}

static bool is_exact(const vonk_fn_call *call) { return !is_real(call); }

static vonk_status prepare(vonk_fn_call *call, vonk_error *err)
{
    (void)err;
    call->agg_state_bytes = is_real(call) ? sizeof(real) : sizeof(exact);
    call->agg_state = is_real(call) ? "double,bigint" : "bigint,bigint,bigint";
    return VONK_OK;
}

static const vonk_agg sum_agg = {.update = update,
                                 .update_one = update_one,
                                 .merge = merge,
                                 .save = save,
                                 .finish = sum_finish,
                                 .combine = combine,
                                 .copyable = true,
                                 .exact = is_exact};
static const vonk_agg avg_agg = {.update = update,
                                 .update_one = update_one,
                                 .merge = merge,
                                 .save = save,
                                 .finish = avg_finish,
                                 .combine = combine,
                                 .copyable = true,
                                 .exact = is_exact};

/* ---- result types */
static bool is_ansi_interval(const vonk_type *t)
{
    return t->id == VONK_T_INTERVAL_YEAR_MONTH || t->id == VONK_T_INTERVAL_DAY_TIME;
}

static vonk_status wider_decimal(vonk_fn_types *types, int digits, int scale, vonk_error *err)
{
    const vonk_type *t = types->types[0], *wider = NULL;
    const int precision = t->precision + digits > VONK_MAX_PRECISION ? VONK_MAX_PRECISION : t->precision + digits;
    const int places = t->scale + scale > VONK_MAX_PRECISION ? VONK_MAX_PRECISION : t->scale + scale;

    VONK_TRY(vonk_type_decimal(precision, places, &wider, err));
    const vonk_status status = vonk_fn_set_result(types, wider);
    vonk_type_unref(wider);
    return status;
}

static vonk_status resolve_interval(vonk_fn_types *types, vonk_error *err)
{
    const vonk_type *t = types->types[0], *widest = NULL;

    VONK_TRY(t->id == VONK_T_INTERVAL_YEAR_MONTH ? vonk_type_interval_ym(t->first, t->last, &widest, err)
                                                 : vonk_type_interval_dt(t->first, t->last, &widest, err));
    const vonk_status status = vonk_fn_set_result(types, widest);
    vonk_type_unref(widest);
    return status;
}

static vonk_status to_double(vonk_fn_types *types)
{
    types->types[0] = &vonk_type_double;
    return VONK_OK;
}

static vonk_status check(vonk_fn_types *types, vonk_error *err)
{
    const vonk_type *t = types->types[0];

    types->result_nullable = true;
    if (types->n_args != 1) return vonk_fn_wrong_count(types, "1", err);
    if (vonk_type_is_stringy(t) || t->id == VONK_T_TIMESTAMP || t->id == VONK_T_NULL) return to_double(types);
    if (vonk_type_is_numeric(t) || is_ansi_interval(t)) return VONK_OK;
    return vonk_fn_wrong_type(types, 0, "\"NUMERIC\" or \"ANSI INTERVAL\"", err);
}

static vonk_status resolve_sum(vonk_fn_types *types, vonk_error *err)
{
    VONK_TRY(check(types, err));
    const vonk_type *t = types->types[0];
    if (is_ansi_interval(t)) return resolve_interval(types, err);
    if (t->id == VONK_T_DECIMAL) return wider_decimal(types, 10, 0, err);
    return vonk_fn_set_result(types, vonk_type_is_integral(t) ? &vonk_type_long : &vonk_type_double);
}

static vonk_status resolve_avg(vonk_fn_types *types, vonk_error *err)
{
    VONK_TRY(check(types, err));
    const vonk_type *t = types->types[0];
    if (is_ansi_interval(t)) /* a mean has all fields */
        return vonk_fn_set_result(types,
                                  t->id == VONK_T_INTERVAL_YEAR_MONTH ? &vonk_type_year_month : &vonk_type_day_time);
    if (t->id == VONK_T_DECIMAL) return wider_decimal(types, 4, 4, err);
    return vonk_fn_set_result(types, &vonk_type_double);
}

#define OVER "FROM VALUES (1), (2), (3) AS tab(col)"
#define SUM .kind = VONK_FN_AGGREGATE, .nulls = VONK_NULLS_OWN, .prepare = prepare, .group = "agg_funcs"
const vonk_fn vonk_fns_aggregate_sum[] = {
    {.name = "avg",
     SUM,
     .agg = &avg_agg,
     .resolve = resolve_avg,
     .since = "1.0.0",
     .doc = "The mean of the values that are not null.",
     .example = "avg(col) " OVER,
     .expect = "2.0"},
    {.name = "count",
     .kind = VONK_FN_AGGREGATE,
     .args = "any,any...",
     .result = "bigint",
     .nulls = VONK_NEVER_NULL,
     .agg = &count_agg,
     .group = "agg_funcs",
     .since = "1.0.0",
     .doc = "How many rows have no null among the arguments; count(*) counts all rows.",
     .example = "count(*) FROM VALUES (NULL), (5), (5), (20) AS tab(col)",
     .expect = "4"},
    {.name = "count_if",
     .kind = VONK_FN_AGGREGATE,
     .args = "boolean",
     .result = "bigint",
     .nulls = VONK_NEVER_NULL,
     .agg = &count_if_agg,
     .group = "agg_funcs",
     .since = "3.0.0",
     .doc = "How many rows make the condition true.",
     .example = "count_if(col % 2 = 0) FROM VALUES (NULL), (0), (1), (2), (3) AS tab(col)",
     .expect = "2"},
    {.name = "mean", .alias_of = "avg", .since = "1.0.0", .example = "mean(col) " OVER, .expect = "2.0"},
    {.name = "sum",
     SUM,
     .agg = &sum_agg,
     .resolve = resolve_sum,
     .since = "1.0.0",
     .doc = "The sum of the values that are not null.",
     .example = "sum(col) FROM VALUES (5), (10), (15) AS tab(col)",
     .expect = "30"},
    {.name = "try_avg",
     SUM,
     .agg = &avg_agg,
     .resolve = resolve_avg,
     .force_mode = VONK_MODE_TRY,
     .since = "3.3.0",
     .doc = "The mean, or NULL where it does not fit.",
     .example = "try_avg(col) " OVER,
     .expect = "2.0"},
    {.name = "try_sum",
     SUM,
     .agg = &sum_agg,
     .resolve = resolve_sum,
     .force_mode = VONK_MODE_TRY,
     .since = "3.3.0",
     .doc = "The sum, or NULL where it does not fit.",
     .example = "try_sum(col) FROM VALUES (5), (10), (15) AS tab(col)",
     .expect = "30"},
};
VONK_FN_COUNT(aggregate_sum);
