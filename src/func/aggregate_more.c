/* func/aggregate_more.c -- bits, product, the value at the largest or smallest key, third and fourth moments. */
#include <math.h>

#include "func/aggregate_list.h"
#include "func/resolve.h"
#include "func/tables.h"

/* ---- bit_and, bit_or, bit_xor */

typedef struct bits {
    bool set;
    int64_t value;
} bits;

static void mix(bits *b, char op, int64_t v)
{
    b->value = !b->set ? v : op == 'a' ? b->value & v : op == 'o' ? b->value | v : b->value ^ v;
    b->set = true;
}

VONK__AGG_UPDATE(bits_update)
{
    char op = vonk_fn_canonical(call->fn)->name[4];
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row)) mix((bits *)states[k], op, vonk_column_i64(args[0], row));
    return VONK_OK;
}

VONK__AGG_FINISH(bits_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const bits *s = (const bits *)states[i];
        VONK_TRY(s->set ? vonk_builder_i64(&b, s->value, err) : vonk_builder_null(&b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg bits_agg = {.state_bytes = sizeof(bits),
                                  .state = "result",
                                  .update = bits_update,
                                  .merge = bits_update,
                                  .save = bits_finish,
                                  .finish = bits_finish,
                                  .copyable = true};

/* ---- product */

typedef struct product {
    bool set;
    double value;
} product;

VONK__AGG_UPDATE(product_update)
{
    VONK__AGG_EACH(rows, k, row)
    {
        product *p = (product *)states[k];
        if (!vonk__agg_present(args[0], row)) continue;
        p->value = (p->set ? p->value : 1) * VONK_VALUES(args[0], double)[row];
        p->set = true;
    }
    return VONK_OK;
}

VONK__AGG_FINISH(product_finish)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, &vonk_type_double, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const product *p = (const product *)states[i];
        VONK_TRY(p->set ? vonk_builder_f64(&b, p->value, err) : vonk_builder_null(&b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg product_agg = {.state_bytes = sizeof(product),
                                     .state = "double",
                                     .update = product_update,
                                     .merge = product_update,
                                     .save = product_finish,
                                     .finish = product_finish,
                                     .copyable = true};

/* ---- max_by, min_by: of equal keys the later row wins */

typedef struct by {
    vonk__kept key, value;
} by;

static vonk_status by_update(int sign, vonk_eval *ev, vonk_arena *heap, const vonk_column *values,
                             const vonk_column *keys, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    VONK__AGG_EACH(rows, k, row)
    {
        by *b = (by *)states[k];
        if (!vonk__agg_present(keys, row)) continue;
        if (b->key.set && sign * vonk__kept_compare(&b->key, keys, row) > 0) continue;
        VONK_TRY(vonk__kept_set(&b->key, ev, heap, keys, row, err));
        VONK_TRY(vonk__kept_set(&b->value, ev, heap, values, row, err));
    }
    return VONK_OK;
}

VONK__AGG_UPDATE(max_by_update) { return by_update(1, ev, heap, args[0], args[1], rows, states, err); }
VONK__AGG_UPDATE(min_by_update) { return by_update(-1, ev, heap, args[0], args[1], rows, states, err); }

static vonk_status by_column(vonk_eval *ev, const vonk_type *type, uint8_t *const *states, uint32_t n, bool keys,
                             vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, type, n, err));
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(vonk__kept_put(&b, keys ? &((const by *)states[i])->key : &((const by *)states[i])->value, err));
    return vonk_builder_finish(&b, ret, err);
}

VONK__AGG_FINISH(by_finish) { return by_column(ev, call->type, states, n, false, ret, err); }

VONK__AGG_FINISH(by_save)
{
    VONK_TRY(by_column(ev, call->arg_types[0], states, n, false, &ret[0], err));
    vonk_status st = by_column(ev, call->arg_types[1], states, n, true, &ret[1], err);
    if (st != VONK_OK) vonk_column_unref(ret[0]);
    return st;
}

static const vonk_agg max_by_agg = {.state_bytes = sizeof(by),
                                    .state = "arg0,arg1",
                                    .update = max_by_update,
                                    .merge = max_by_update,
                                    .save = by_save,
                                    .finish = by_finish,
                                    .order_sensitive = true};
static const vonk_agg min_by_agg = {.state_bytes = sizeof(by),
                                    .state = "arg0,arg1",
                                    .update = min_by_update,
                                    .merge = min_by_update,
                                    .save = by_save,
                                    .finish = by_finish,
                                    .order_sensitive = true};

/* ---- skewness, kurtosis: central moments up to the fourth, updated one by one as Spark does */

typedef struct moments {
    double n, mean, m2, m3, m4;
} moments;

static void add(moments *m, double x)
{
    double n = m->n + 1, d = x - m->mean, dn = d / n, dd = d * d, dndn = dn * dn;
    m->mean += dn;
    m->m2 += d * (d - dn);
    m->m3 = m->m3 - 3.0 * dn * m->m2 + d * (dd - dndn);
    m->m4 = m->m4 - 4.0 * dn * m->m3 - 6.0 * dndn * m->m2 + d * (d * dd - dn * dndn);
    m->n = n;
}

static void join(moments *a, const moments *b)
{
    double n = a->n + b->n, d = b->mean - a->mean, dn = n == 0 ? 0 : d / n;
    double m2 = a->m2 + b->m2 + d * dn * a->n * b->n;
    double m3 = a->m3 + b->m3 + dn * dn * d * a->n * b->n * (a->n - b->n) + 3.0 * dn * (a->n * b->m2 - b->n * a->m2);
    a->m4 = a->m4 + b->m4 + dn * dn * dn * d * a->n * b->n * (a->n * a->n - a->n * b->n + b->n * b->n) +
            6.0 * dn * dn * (a->n * a->n * b->m2 + b->n * b->n * a->m2) + 4.0 * dn * (a->n * b->m3 - b->n * a->m3);
    a->mean += dn * b->n;
    a->m2 = m2;
    a->m3 = m3;
    a->n = n;
}

VONK__AGG_UPDATE(moments_update)
{
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row)) add((moments *)states[k], VONK_VALUES(args[0], double)[row]);
    return VONK_OK;
}

VONK__AGG_UPDATE(moments_merge)
{
    VONK__AGG_EACH(rows, k, row)
    {
        double p[5];
        for (uint32_t i = 0; i < 5; i++) p[i] = VONK_VALUES(args[i], double)[row];
        if (p[0] > 0) join((moments *)states[k], &(moments){p[0], p[1], p[2], p[3], p[4]});
    }
    return VONK_OK;
}

VONK__AGG_FINISH(moments_save)
{
    for (uint32_t c = 0; c < 5; c++) {
        void *data = NULL;
        vonk_status st = vonk__agg_column(ev, &vonk_type_double, n, &ret[c], &data, NULL, err);
        if (st != VONK_OK) {
            for (uint32_t i = 0; i < c; i++) vonk_column_unref(ret[i]);
            return st;
        }
        for (uint32_t i = 0; i < n; i++) memcpy((double *)data + i, states[i] + c * sizeof(double), sizeof(double));
    }
    return VONK_OK;
}

VONK__AGG_FINISH(moments_finish)
{
    bool skew = call->fn->name[0] == 's';
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, &vonk_type_double, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const moments *m = (const moments *)states[i];
        if (m->n == 0 || m->m2 == 0)
            VONK_TRY(vonk_builder_null(&b, err));
        else
            VONK_TRY(vonk_builder_f64(
                &b, skew ? sqrt(m->n) * m->m3 / sqrt(m->m2 * m->m2 * m->m2) : m->n * m->m4 / (m->m2 * m->m2) - 3.0,
                err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg moments_agg = {.state_bytes = sizeof(moments),
                                     .state = "double,double,double,double,double",
                                     .update = moments_update,
                                     .merge = moments_merge,
                                     .save = moments_save,
                                     .finish = moments_finish,
                                     .copyable = true};

#define AGG .kind = VONK_FN_AGGREGATE, .nulls = VONK_NULLS_OWN, .group = "agg_funcs", .nullable = VONK_NULLABLE_ALWAYS
#define BITS AGG, .args = "=integral", .result = "arg0", .agg = &bits_agg, .since = "3.0.0"
#define TWO " FROM VALUES (3), (5) AS tab(col)"
#define KEYS " FROM VALUES ('a', 10), ('b', 50), ('c', 20) AS tab(x, y)"
#define FOUR " FROM VALUES (-10), (-20), (100), (1000) AS tab(col)"

const vonk_fn vonk_fns_aggregate_more[] = {
    {.name = "bit_and", BITS, .doc = "Bits that all values have.", .example = "bit_and(col)" TWO, .expect = "1"},
    {.name = "bit_or", BITS, .doc = "Bits that some value has.", .example = "bit_or(col)" TWO, .expect = "7"},
    {.name = "bit_xor",
     BITS,
     .doc = "Bits that an odd number of values have.",
     .example = "bit_xor(col)" TWO,
     .expect = "6"},
    {.name = "kurtosis",
     AGG,
     .args = "double",
     .result = "double",
     .agg = &moments_agg,
     .since = "1.6.0",
     .doc = "How heavy the tails are, compared with a normal distribution.",
     .example = "kurtosis(col)" FOUR,
     .expect = "-0.7014368047529627"},
    {.name = "max_by",
     AGG,
     .args = "any,orderable",
     .result = "arg0",
     .agg = &max_by_agg,
     .since = "3.0.0",
     .doc = "The first argument where the second is largest.",
     .example = "max_by(x, y)" KEYS,
     .expect = "b"},
    {.name = "min_by",
     AGG,
     .args = "any,orderable",
     .result = "arg0",
     .agg = &min_by_agg,
     .since = "3.0.0",
     .doc = "The first argument where the second is smallest.",
     .example = "min_by(x, y)" KEYS,
     .expect = "a"},
    {.name = "product",
     AGG,
     .args = "double",
     .result = "double",
     .agg = &product_agg,
     .since = "3.2.0",
     .doc = "All values multiplied.",
     .example = "product(col)" TWO,
     .expect = "15.0"},
    {.name = "skewness",
     AGG,
     .args = "double",
     .result = "double",
     .agg = &moments_agg,
     .since = "1.6.0",
     .doc = "How far the distribution leans to one side.",
     .example = "skewness(col)" FOUR,
     .expect = "1.1135657469022011"},
};
VONK_FN_COUNT(aggregate_more);
