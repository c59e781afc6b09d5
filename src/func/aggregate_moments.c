/* func/aggregate_moments.c -- variance and its kin, covariance, correlation, bool_and, bool_or.
 *
 * Central moments are updated and merged as in T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise
 * Algorithm for Computing Sample Variances" (1979). */
#include <math.h>

#include "func/aggregate_int.h"
#include "func/tables.h"

/* n, means, second moments and co-moment of two variables; one variable uses x alone. Saved form: six doubles. */
typedef struct moments {
    double n, x, y, xx, yy, xy;
} moments;

static void add(moments *m, double x, double y)
{
    const double n = m->n + 1, dx = x - m->x, dy = y - m->y;

    m->x += dx / n;
    m->y += dy / n;
    m->xx += dx * (x - m->x);
    m->yy += dy * (y - m->y);
    m->xy += dx * (y - m->y);
    m->n = n;
}

static void merge_two(moments *a, const moments *b)
{
    const double n = a->n + b->n, dx = b->x - a->x, dy = b->y - a->y;

    if (b->n == 0) return;
    a->xx += b->xx + dx * dx * a->n * b->n / n;
    a->yy += b->yy + dy * dy * a->n * b->n / n;
    a->xy += b->xy + dx * dy * a->n * b->n / n;
    a->x += dx * b->n / n;
    a->y += dy * b->n / n;
    a->n = n;
}

static vonk_status update(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    const vonk_column *y = args[call->n_args - 1];

    (void)ev;
    (void)heap;
    (void)err;
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row) && vonk__agg_present(y, row)) add((moments *)states[k], VONK_VALUES(args[0], double)[row], VONK_VALUES(y, double)[row]);
    return VONK_OK;
}

static vonk_status merge(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *saved, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    VONK__AGG_EACH(rows, k, row)
    {
        double parts[6];
        for (uint32_t i = 0; i < 6; i++) parts[i] = VONK_VALUES(saved[i], double)[row];
        merge_two((moments *)states[k], &(moments){parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]});
    }
    return VONK_OK;
}

static vonk_status combine(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    for (uint32_t i = 0; i < n; i++) merge_two((moments *)into[i], (const moments *)from[i]);
    return VONK_OK;
}

static vonk_status save(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err)
{
    (void)call;
    for (uint32_t c = 0; c < 6; c++) {
        void             *data = NULL;
        const vonk_status status = vonk__agg_column(ev, &vonk_type_double, n, &ret[c], &data, NULL, err);
        if (status != VONK_OK) {
            for (uint32_t i = 0; i < c; i++) vonk_column_unref(ret[i]);
            return status;
        }
        for (uint32_t i = 0; i < n; i++) memcpy((double *)data + i, states[i] + c * sizeof(double), sizeof(double));
    }
    return VONK_OK;
}

/* NAN with *ret_null: no result. A sample of one has no variance: null (NaN with
 * spark.sql.legacy.statisticalAggregate). */
typedef double (*formula)(const moments *m, bool *ret_null);

static double per(double sum, double n, bool *ret_null)
{
    *ret_null = n <= 0;
    return *ret_null ? 0 : sum / n;
}
static double var_pop(const moments *m, bool *null) { return per(m->xx, m->n, null); }
static double var_samp(const moments *m, bool *null) { return per(m->xx, m->n - 1, null); }
static double stddev_pop(const moments *m, bool *null) { return sqrt(per(m->xx, m->n, null)); }
static double stddev_samp(const moments *m, bool *null) { return sqrt(per(m->xx, m->n - 1, null)); }
static double covar_pop(const moments *m, bool *null) { return per(m->xy, m->n, null); }
static double covar_samp(const moments *m, bool *null) { return per(m->xy, m->n - 1, null); }
static double correlation(const moments *m, bool *null)
{
    *null = m->n <= 1;
    return *null ? 0 : m->xy / sqrt(m->xx * m->yy);
}

static vonk_status finish_by(formula f, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err)
{
    void    *data = NULL;
    uint8_t *validity = NULL;

    VONK_TRY(vonk__agg_column(ev, &vonk_type_double, n, ret, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        bool null = false;
        ((double *)data)[i] = f((const moments *)states[i], &null);
        if (null) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

#define MOMENT(name)                                                                                                                                 \
    static vonk_status name##_finish(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err) \
    {                                                                                                                                                \
        (void)call;                                                                                                                                  \
        return finish_by(name, ev, states, n, ret, err);                                                                                             \
    }                                                                                                                                                \
    static const vonk_agg name##_agg = {.state_bytes = sizeof(moments), .state = "double,double,double,double,double,double", .update = update,      \
                                        .merge = merge, .save = save, .finish = name##_finish, .combine = combine,               \
                                        .copyable = true};
MOMENT(var_pop)
MOMENT(var_samp)
MOMENT(stddev_pop)
MOMENT(stddev_samp)
MOMENT(covar_pop)
MOMENT(covar_samp)
MOMENT(correlation)

/* ---- bool_and, bool_or: 0 nothing yet, 1 false, 2 true */
static void decide(uint8_t *state, bool value, bool wanted)
{
    if (*state != (wanted ? 2 : 1)) *state = value ? 2 : 1;
}

static vonk_status bool_update(bool wanted, const vonk_column *c, vonk_rows rows, uint8_t *const *states)
{
    VONK__AGG_EACH(rows, k, row) if (vonk__agg_present(c, row)) decide(states[k], vonk_bit_get(c->data, row), wanted);
    return VONK_OK;
}

static vonk_status and_update(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    return bool_update(false, args[0], rows, states);
}

static vonk_status or_update(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, vonk_column *const *args, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    return bool_update(true, args[0], rows, states);
}

static vonk_status bool_finish(const vonk_fn_call *call, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret, vonk_error *err)
{
    void    *data = NULL;
    uint8_t *validity = NULL;

    (void)call;
    VONK_TRY(vonk__agg_column(ev, &vonk_type_boolean, n, ret, &data, &validity, err));
    vonk_bits_fill(data, n, false);
    for (uint32_t i = 0; i < n; i++) {
        vonk_bit_put(data, i, *states[i] == 2);
        if (*states[i] == 0) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

static void bool_combine(bool wanted, uint8_t *const *from, uint8_t *const *into, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (*from[i] != 0) decide(into[i], *from[i] == 2, wanted);
}

static vonk_status and_combine(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    bool_combine(false, from, into, n);
    return VONK_OK;
}

static vonk_status or_combine(const vonk_fn_call *call, vonk_eval *ev, vonk_arena *heap, uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err)
{
    (void)call;
    (void)ev;
    (void)heap;
    (void)err;
    bool_combine(true, from, into, n);
    return VONK_OK;
}

static const vonk_agg and_agg = {.state_bytes = 8, .state = "boolean", .update = and_update, .merge = and_update, .save = bool_finish, .finish = bool_finish, .combine = and_combine,
                                 .ignores_duplicates = true, .copyable = true, .exact = vonk__agg_always_exact};
static const vonk_agg or_agg = {.state_bytes = 8, .state = "boolean", .update = or_update, .merge = or_update, .save = bool_finish, .finish = bool_finish, .combine = or_combine,
                                 .ignores_duplicates = true, .copyable = true, .exact = vonk__agg_always_exact};

static vonk_status nullable(vonk_fn_types *types, vonk_error *err)
{
    (void)err;
    types->result_nullable = true;
    return VONK_OK;
}

#define ONE      .kind = VONK_FN_AGGREGATE, .args = "double", .result = "double", .nulls = VONK_NULLS_OWN, .resolve = nullable, .group = "agg_funcs"
#define TWO      .kind = VONK_FN_AGGREGATE, .args = "double,double", .result = "double", .nulls = VONK_NULLS_OWN, .resolve = nullable, .group = "agg_funcs"
#define BOOL     .kind = VONK_FN_AGGREGATE, .args = "boolean", .result = "boolean", .nulls = VONK_NULLS_OWN, .resolve = nullable, .group = "agg_funcs"
#define NUMBERS  "FROM VALUES (1), (2), (3) AS tab(col)"
#define PAIRS    "FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)"
#define TRUTHS   "FROM VALUES (true), (false), (true) AS tab(col)"
const vonk_fn vonk_fns_aggregate_moments[] = {
    {.name = "any", .alias_of = "bool_or", .since = "3.0.0", .example = "any(col) " TRUTHS, .expect = "true"},
    {.name = "bool_and", BOOL, .agg = &and_agg, .since = "3.0.0", .doc = "Are all values true?", .example = "bool_and(col) " TRUTHS, .expect = "false"},
    {.name = "bool_or", BOOL, .agg = &or_agg, .since = "3.0.0", .doc = "Is some value true?", .example = "bool_or(col) " TRUTHS, .expect = "true"},
    {.name = "corr", TWO, .agg = &correlation_agg, .since = "1.6.0", .doc = "Pearson's coefficient of correlation.", .example = "corr(c1, c2) " PAIRS, .expect = "1.0"},
    {.name = "covar_pop", TWO, .agg = &covar_pop_agg, .since = "2.0.0", .doc = "The covariance of a whole population.", .example = "covar_pop(c1, c2) " PAIRS,
     .expect = "0.6666666666666666"},
    {.name = "covar_samp", TWO, .agg = &covar_samp_agg, .since = "2.0.0", .doc = "The covariance of a sample.", .example = "covar_samp(c1, c2) " PAIRS, .expect = "1.0"},
    {.name = "every", .alias_of = "bool_and", .since = "3.0.0", .example = "every(col) " TRUTHS, .expect = "false"},
    {.name = "some", .alias_of = "bool_or", .since = "3.0.0", .example = "some(col) " TRUTHS, .expect = "true"},
    {.name = "std", .alias_of = "stddev_samp", .since = "1.6.0", .example = "std(col) " NUMBERS, .expect = "1.0"},
    {.name = "stddev", .alias_of = "stddev_samp", .since = "1.6.0", .example = "stddev(col) " NUMBERS, .expect = "1.0"},
    {.name = "stddev_pop", ONE, .agg = &stddev_pop_agg, .since = "1.6.0", .doc = "The standard deviation of a whole population.", .example = "stddev_pop(col) " NUMBERS,
     .expect = "0.816496580927726"},
    {.name = "stddev_samp", ONE, .agg = &stddev_samp_agg, .since = "1.6.0", .doc = "The standard deviation of a sample.", .example = "stddev_samp(col) " NUMBERS, .expect = "1.0"},
    {.name = "var_pop", ONE, .agg = &var_pop_agg, .since = "1.6.0", .doc = "The variance of a whole population.", .example = "var_pop(col) " NUMBERS, .expect = "0.6666666666666666"},
    {.name = "var_samp", ONE, .agg = &var_samp_agg, .since = "1.6.0", .doc = "The variance of a sample.", .example = "var_samp(col) " NUMBERS, .expect = "1.0"},
    {.name = "variance", .alias_of = "var_samp", .since = "1.6.0", .example = "variance(col) " NUMBERS, .expect = "1.0"},
};
VONK_FN_COUNT(aggregate_moments);
