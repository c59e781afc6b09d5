/* func/aggregate_moments.c -- variance and its kin, covariance, correlation, bool_and, bool_or.
 *
 * Central moments are updated and merged as in T. Chan, G. Golub, R. LeVeque, "Updating Formulae and a Pairwise
 * Algorithm for Computing Sample Variances" (1979). */
#include <math.h>

#include "func/aggregate_int.h"
#include "func/tables.h"

/* n, means, second moments, co-moment and sums of two variables; one variable uses x alone. Saved form: N_PARTS
 * doubles. */
typedef struct moments {
    double n, x, y, xx, yy, xy, sum_x, sum_y;
} moments;
enum { N_PARTS = 8 };
#define SAVED "double,double,double,double,double,double,double,double"

/* Each step as Spark rounds it: the second moments of two variables grow by another form of the same product. */
static void add(moments *m, double x, double y, bool two)
{
    const double n = m->n + 1, dx = x - m->x, dy = y - m->y, step_x = dx / n, step_y = dy / n;

    m->x += step_x;
    m->y += step_y;
    m->xx += dx * (two ? x - m->x : dx - step_x);
    m->yy += dy * (two ? y - m->y : dy - step_y);
    m->xy += dx * (y - m->y);
    m->sum_x += x;
    m->sum_y += y;
    m->n = n;
}

static void merge_two(moments *a, const moments *b)
{
    const double n = a->n + b->n, dx = b->x - a->x, dy = b->y - a->y;

    if (b->n == 0) return;
    a->xx = a->xx + b->xx + dx * (dx / n) * a->n * b->n;
    a->yy = a->yy + b->yy + dy * (dy / n) * a->n * b->n;
    a->xy = a->xy + b->xy + dx * (dy / n) * a->n * b->n;
    a->x += dx / n * b->n;
    a->y += dy / n * b->n;
    a->sum_x += b->sum_x;
    a->sum_y += b->sum_y;
    a->n = n;
}

VONK__AGG_UPDATE(update)
{
    const vonk_column *y = args[call->n_args - 1];

    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row) && vonk__agg_present(y, row))
        add((moments *)states[k], VONK_VALUES(args[0], double)[row], VONK_VALUES(y, double)[row], call->n_args > 1);
    return VONK_OK;
}

/* For lines of best fit: (y, x), the moments of each as if it were alone. */
VONK__AGG_UPDATE(update_line)
{
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row) && vonk__agg_present(args[1], row))
        add((moments *)states[k], VONK_VALUES(args[1], double)[row], VONK_VALUES(args[0], double)[row], false);
    return VONK_OK;
}

VONK__AGG_MERGE(merge)
{
    VONK__AGG_EACH(rows, k, row)
    {
        double p[N_PARTS];
        for (uint32_t i = 0; i < N_PARTS; i++) p[i] = VONK_VALUES(saved[i], double)[row];
        merge_two((moments *)states[k], &(moments){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]});
    }
    return VONK_OK;
}

VONK__AGG_COMBINE(combine)
{
    for (uint32_t i = 0; i < n; i++) merge_two((moments *)into[i], (const moments *)from[i]);
    return VONK_OK;
}

VONK__AGG_FINISH(save)
{
    for (uint32_t c = 0; c < N_PARTS; c++) {
        void *data = NULL;
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
    const double spread = sqrt(m->xx * m->yy);
    *null = m->n <= 1 || spread == 0;
    return *null ? 0 : m->xy / spread;
}

static vonk_status finish_by(formula f, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret,
                             vonk_error *err)
{
    void *data = NULL;
    uint8_t *validity = NULL;

    VONK_TRY(vonk__agg_column(ev, &vonk_type_double, n, ret, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        bool null = false;
        ((double *)data)[i] = f((const moments *)states[i], &null);
        if (null) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

#define MOMENT(name, add_rows)                                                                                         \
    VONK__AGG_FINISH(name##_finish) { return finish_by(name, ev, states, n, ret, err); }                               \
    static const vonk_agg name##_agg = {.state_bytes = sizeof(moments),                                                \
                                        .state = SAVED,                                                                \
                                        .update = add_rows,                                                            \
                                        .merge = merge,                                                                \
                                        .save = save,                                                                  \
                                        .finish = name##_finish,                                                       \
                                        .combine = combine,                                                            \
                                        .copyable = true};
static double some(const moments *m, double value, bool *null)
{
    *null = m->n == 0;
    return value;
}
static double regr_avgx(const moments *m, bool *null) { return per(m->sum_x, m->n, null); }
static double regr_avgy(const moments *m, bool *null) { return per(m->sum_y, m->n, null); }
static double regr_sxx(const moments *m, bool *null) { return some(m, m->xx, null); }
static double regr_syy(const moments *m, bool *null) { return some(m, m->yy, null); }
static double regr_slope(const moments *m, bool *null)
{
    *null = m->n == 0 || m->xx == 0;
    return *null ? 0 : m->xy / m->xx;
}
static double regr_intercept(const moments *m, bool *null)
{
    double slope = regr_slope(m, null);
    return m->y - slope * m->x;
}

/* These two take (y, x) as covariance and correlation do: y is the moments' x. */
static double regr_sxy(const moments *m, bool *null) { return some(m, m->xy, null); }
static double regr_r2(const moments *m, bool *null)
{
    *null = m->n == 0 || m->yy == 0;
    if (*null) return 0;
    double c = m->xy / sqrt(m->xx * m->yy);
    return m->xx == 0 ? 1 : c * c;
}

MOMENT(var_pop, update)
MOMENT(var_samp, update)
MOMENT(stddev_pop, update)
MOMENT(stddev_samp, update)
MOMENT(covar_pop, update)
MOMENT(covar_samp, update)
MOMENT(correlation, update)
MOMENT(regr_avgx, update_line)
MOMENT(regr_avgy, update_line)
MOMENT(regr_sxx, update_line)
MOMENT(regr_syy, update_line)
MOMENT(regr_sxy, update)
MOMENT(regr_slope, update_line)
MOMENT(regr_intercept, update_line)
MOMENT(regr_r2, update)

VONK__AGG_FINISH(regr_count_finish)
{
    void *data = NULL;
    VONK_TRY(vonk__agg_column(ev, &vonk_type_long, n, ret, &data, NULL, err));
    for (uint32_t i = 0; i < n; i++) ((int64_t *)data)[i] = (int64_t)((const moments *)states[i])->n;
    return VONK_OK;
}
static const vonk_agg regr_count_agg = {.state_bytes = sizeof(moments),
                                        .state = SAVED,
                                        .update = update,
                                        .merge = merge,
                                        .save = save,
                                        .finish = regr_count_finish,
                                        .combine = combine,
                                        .copyable = true};

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

VONK__AGG_UPDATE(and_update) { return bool_update(false, args[0], rows, states); }

VONK__AGG_UPDATE(or_update) { return bool_update(true, args[0], rows, states); }

VONK__AGG_FINISH(bool_finish)
{
    void *data = NULL;
    uint8_t *validity = NULL;

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

VONK__AGG_COMBINE(and_combine)
{
    bool_combine(false, from, into, n);
    return VONK_OK;
}

VONK__AGG_COMBINE(or_combine)
{
    bool_combine(true, from, into, n);
    return VONK_OK;
}

static const vonk_agg and_agg = {.state_bytes = 8,
                                 .state = "boolean",
                                 .update = and_update,
                                 .merge = and_update,
                                 .save = bool_finish,
                                 .finish = bool_finish,
                                 .combine = and_combine,
                                 .ignores_duplicates = true,
                                 .copyable = true,
                                 .exact = vonk__agg_always_exact};
static const vonk_agg or_agg = {.state_bytes = 8,
                                .state = "boolean",
                                .update = or_update,
                                .merge = or_update,
                                .save = bool_finish,
                                .finish = bool_finish,
                                .combine = or_combine,
                                .ignores_duplicates = true,
                                .copyable = true,
                                .exact = vonk__agg_always_exact};

#define ONE                                                                                                            \
    .kind = VONK_FN_AGGREGATE, .args = "double", .result = "double", .nulls = VONK_NULLS_OWN,                          \
    .nullable = VONK_NULLABLE_ALWAYS, .group = "agg_funcs"
#define TWO                                                                                                            \
    .kind = VONK_FN_AGGREGATE, .args = "double,double", .result = "double", .nulls = VONK_NULLS_OWN,                   \
    .nullable = VONK_NULLABLE_ALWAYS, .group = "agg_funcs"
#define BOOL                                                                                                           \
    .kind = VONK_FN_AGGREGATE, .args = "boolean", .result = "boolean", .nulls = VONK_NULLS_OWN,                        \
    .nullable = VONK_NULLABLE_ALWAYS, .group = "agg_funcs"
#define NUMBERS "FROM VALUES (1), (2), (3) AS tab(col)"
#define PAIRS "FROM VALUES (1, 1), (2, 2), (3, 3) AS tab(c1, c2)"
#define TRUTHS "FROM VALUES (true), (false), (true) AS tab(col)"
const vonk_fn vonk_fns_aggregate_moments[] = {
    {.name = "any", .alias_of = "bool_or", .since = "3.0.0", .example = "any(col) " TRUTHS, .expect = "true"},
    {.name = "bool_and",
     BOOL,
     .agg = &and_agg,
     .since = "3.0.0",
     .doc = "Are all values true?",
     .example = "bool_and(col) " TRUTHS,
     .expect = "false"},
    {.name = "bool_or",
     BOOL,
     .agg = &or_agg,
     .since = "3.0.0",
     .doc = "Is some value true?",
     .example = "bool_or(col) " TRUTHS,
     .expect = "true"},
    {.name = "corr",
     TWO,
     .agg = &correlation_agg,
     .since = "1.6.0",
     .doc = "Pearson's coefficient of correlation.",
     .example = "corr(c1, c2) " PAIRS,
     .expect = "1.0"},
    {.name = "covar_pop",
     TWO,
     .agg = &covar_pop_agg,
     .since = "2.0.0",
     .doc = "The covariance of a whole population.",
     .example = "covar_pop(c1, c2) " PAIRS,
     .expect = "0.6666666666666666"},
    {.name = "covar_samp",
     TWO,
     .agg = &covar_samp_agg,
     .since = "2.0.0",
     .doc = "The covariance of a sample.",
     .example = "covar_samp(c1, c2) " PAIRS,
     .expect = "1.0"},
    {.name = "every", .alias_of = "bool_and", .since = "3.0.0", .example = "every(col) " TRUTHS, .expect = "false"},
    {.name = "regr_avgx",
     TWO,
     .agg = &regr_avgx_agg,
     .since = "3.3.0",
     .doc = "The mean of x over pairs (y, x) without nulls.",
     .example = "regr_avgx(c1, c2) " PAIRS,
     .expect = "2.0"},
    {.name = "regr_avgy",
     TWO,
     .agg = &regr_avgy_agg,
     .since = "3.3.0",
     .doc = "The mean of y over pairs (y, x) without nulls.",
     .example = "regr_avgy(c1, c2) " PAIRS,
     .expect = "2.0"},
    {.name = "regr_count",
     .kind = VONK_FN_AGGREGATE,
     .args = "double,double",
     .result = "bigint",
     .nulls = VONK_NEVER_NULL,
     .group = "agg_funcs",
     .agg = &regr_count_agg,
     .since = "3.3.0",
     .doc = "Number of pairs without nulls.",
     .example = "regr_count(c1, c2) " PAIRS,
     .expect = "3"},
    {.name = "regr_intercept",
     TWO,
     .agg = &regr_intercept_agg,
     .since = "3.4.0",
     .doc = "Where the line of best fit through pairs (y, x) meets x = 0.",
     .example = "regr_intercept(c1, c2) " PAIRS,
     .expect = "0.0"},
    {.name = "regr_r2",
     TWO,
     .agg = &regr_r2_agg,
     .since = "3.3.0",
     .doc = "How well the line of best fit explains y, 0 to 1.",
     .example = "regr_r2(c1, c2) " PAIRS,
     .expect = "1.0"},
    {.name = "regr_slope",
     TWO,
     .agg = &regr_slope_agg,
     .since = "3.4.0",
     .doc = "The slope of the line of best fit through pairs (y, x).",
     .example = "regr_slope(c1, c2) " PAIRS,
     .expect = "1.0"},
    {.name = "regr_sxx",
     TWO,
     .agg = &regr_sxx_agg,
     .since = "3.4.0",
     .doc = "Sum of squares of x's distances from its mean.",
     .example = "regr_sxx(c1, c2) " PAIRS,
     .expect = "2.0"},
    {.name = "regr_sxy",
     TWO,
     .agg = &regr_sxy_agg,
     .since = "3.4.0",
     .doc = "Sum of products of x's and y's distances from their means.",
     .example = "regr_sxy(c1, c2) " PAIRS,
     .expect = "2.0"},
    {.name = "regr_syy",
     TWO,
     .agg = &regr_syy_agg,
     .since = "3.4.0",
     .doc = "Sum of squares of y's distances from its mean.",
     .example = "regr_syy(c1, c2) " PAIRS,
     .expect = "2.0"},
    {.name = "some", .alias_of = "bool_or", .since = "3.0.0", .example = "some(col) " TRUTHS, .expect = "true"},
    {.name = "std", .alias_of = "stddev_samp", .since = "1.6.0", .example = "std(col) " NUMBERS, .expect = "1.0"},
    {.name = "stddev", .alias_of = "stddev_samp", .since = "1.6.0", .example = "stddev(col) " NUMBERS, .expect = "1.0"},
    {.name = "stddev_pop",
     ONE,
     .agg = &stddev_pop_agg,
     .since = "1.6.0",
     .doc = "The standard deviation of a whole population.",
     .example = "stddev_pop(col) " NUMBERS,
     .expect = "0.816496580927726"},
    {.name = "stddev_samp",
     ONE,
     .agg = &stddev_samp_agg,
     .since = "1.6.0",
     .doc = "The standard deviation of a sample.",
     .example = "stddev_samp(col) " NUMBERS,
     .expect = "1.0"},
    {.name = "var_pop",
     ONE,
     .agg = &var_pop_agg,
     .since = "1.6.0",
     .doc = "The variance of a whole population.",
     .example = "var_pop(col) " NUMBERS,
     .expect = "0.6666666666666666"},
    {.name = "var_samp",
     ONE,
     .agg = &var_samp_agg,
     .since = "1.6.0",
     .doc = "The variance of a sample.",
     .example = "var_samp(col) " NUMBERS,
     .expect = "1.0"},
    {.name = "variance",
     .alias_of = "var_samp",
     .since = "1.6.0",
     .example = "variance(col) " NUMBERS,
     .expect = "1.0"},
};
VONK_FN_COUNT(aggregate_moments);
