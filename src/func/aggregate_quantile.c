/* func/aggregate_quantile.c -- percentile_approx: a sketch of the numbers that knows every rank to one part in
 * `accuracy`.
 *
 * M. Greenwald, S. Khanna, "Space-efficient online computation of quantile summaries" (2001), in the variant that Spark
 * uses: numbers wait in a buffer, are sorted, merged into the samples, and samples that are not needed for the accuracy
 * are dropped. */
#include <math.h>
#include <stdlib.h>

#include "func/aggregate_list.h"
#include "func/decimal.h"
#include "func/resolve.h"
#include "func/tables.h"

enum { MOST_WAITING = 50000, COMPRESS_ABOVE = 10000 };

typedef struct sample {
    double value;
    int64_t g, delta; /* rank: the sum of g up to here, plus at most delta */
} sample;

typedef struct summary {
    sample *samples, *spare; /* spare: of the same capacity */
    uint64_t n, capacity;
    vonk__numbers waiting;
    int64_t count;
    bool compressed;
} summary;

static vonk_status room(summary *s, vonk_arena *heap, uint64_t n, vonk_error *err)
{
    if (n <= s->capacity) return VONK_OK;
    uint64_t capacity = s->capacity * 2 > n ? s->capacity * 2 : n;
    sample *samples, *spare;
    VONK_TRY(vonk_arena_array(heap, capacity, sizeof(*samples), &samples, err));
    VONK_TRY(vonk_arena_array(heap, capacity, sizeof(*spare), &spare, err));
    if (s->n) memcpy(samples, s->samples, s->n * sizeof(*samples));
    s->samples = samples;
    s->spare = spare;
    s->capacity = capacity;
    return VONK_OK;
}

static void swap(summary *s, uint64_t n)
{
    sample *t = s->samples;
    s->samples = s->spare;
    s->spare = t;
    s->n = n;
}

static vonk_status take_waiting(summary *s, vonk_arena *heap, double error, vonk_error *err)
{
    uint64_t at = 0, n = 0, n_old = s->n;
    if (!s->waiting.n) return VONK_OK;
    VONK_TRY(room(s, heap, s->n + s->waiting.n, err));
    vonk__numbers_sort(&s->waiting);
    for (uint64_t i = 0; i < s->waiting.n; i++) {
        double v = s->waiting.at[i].value;
        while (at < n_old && s->samples[at].value <= v) s->spare[n++] = s->samples[at++];
        s->count++;
        bool end = n == 0 || (at == n_old && i == s->waiting.n - 1);
        s->spare[n++] = (sample){v, 1, end ? 0 : (int64_t)floor(2 * error * (double)s->count)};
    }
    while (at < n_old) s->spare[n++] = s->samples[at++];
    swap(s, n);
    s->waiting.n = 0;
    return VONK_OK;
}

/* From the end on, each sample is joined with the one before it as long as the accuracy allows. */
static void drop_samples(summary *s, double threshold)
{
    if (!s->n) return;
    uint64_t to = s->n; /* kept ones are written from the end of spare on */
    sample head = s->samples[s->n - 1];
    for (uint64_t i = s->n - 1; i-- > 1;) {
        if ((double)(s->samples[i].g + head.g + head.delta) < threshold) {
            head.g += s->samples[i].g;
        } else {
            s->spare[--to] = head;
            head = s->samples[i];
        }
    }
    s->spare[--to] = head;
    if (s->n > 1 && s->samples[0].value <= head.value) s->spare[--to] = s->samples[0];
    uint64_t n = s->n - to;
    memmove(s->spare, s->spare + to, n * sizeof(*s->spare));
    swap(s, n);
}

static vonk_status compress(summary *s, vonk_arena *heap, double error, vonk_error *err)
{
    if (s->compressed) return VONK_OK;
    VONK_TRY(take_waiting(s, heap, error, err));
    drop_samples(s, 2 * error * (double)s->count);
    s->compressed = true;
    return VONK_OK;
}

static vonk_status insert(summary *s, vonk_arena *heap, double error, double value, vonk_error *err)
{
    VONK_TRY(vonk__numbers_add(&s->waiting, heap, value, 1, err));
    s->compressed = false;
    if (s->waiting.n < MOST_WAITING) return VONK_OK;
    VONK_TRY(take_waiting(s, heap, error, err));
    if (s->n < COMPRESS_ABOVE) return VONK_OK;
    return compress(s, heap, error, err);
}

/* Both are compressed. */
static vonk_status join(summary *s, vonk_arena *heap, double error, const sample *other, uint64_t n_other,
                        int64_t count_other, vonk_error *err)
{
    if (!count_other) return VONK_OK;
    VONK_TRY(room(s, heap, s->n + n_other, err));
    if (!s->count) {
        memcpy(s->samples, other, n_other * sizeof(*other));
        s->n = n_other;
        s->count = count_other;
        s->compressed = true;
        return VONK_OK;
    }
    int64_t own_more = (int64_t)floor(2 * error * (double)count_other),
            other_more = (int64_t)floor(2 * error * (double)s->count);
    uint64_t i = 0, k = 0, n = 0;
    while (i < s->n && k < n_other) {
        bool own = s->samples[i].value < other[k].value;
        sample next = own ? s->samples[i] : other[k];
        next.delta += own ? (k > 0 ? own_more : 0) : i > 0 ? other_more : 0;
        s->spare[n++] = next;
        if (own)
            i++;
        else
            k++;
    }
    while (i < s->n) s->spare[n++] = s->samples[i++];
    while (k < n_other) s->spare[n++] = other[k++];
    swap(s, n);
    s->count += count_other;
    drop_samples(s, 2 * error * (double)s->count);
    s->compressed = true;
    return VONK_OK;
}

/* Compressed, not empty. */
static double quantile(const summary *s, double error, double p)
{
    int64_t most = INT64_MIN, rank = (int64_t)ceil(p * (double)s->count), least = s->samples[0].g;
    if (p <= error || s->n == 1) return s->samples[0].value;
    if (p >= 1 - error) return s->samples[s->n - 1].value;
    for (uint64_t i = 0; i < s->n; i++)
        if (s->samples[i].delta + s->samples[i].g > most) most = s->samples[i].delta + s->samples[i].g;
    int64_t allowed = most / 2;
    for (uint64_t i = 0; i < s->n - 1; i++) {
        int64_t greatest = least + s->samples[i].delta;
        if (greatest - allowed <= rank && rank <= least + allowed) return s->samples[i].value;
        least += s->samples[i + 1].g;
    }
    return s->samples[s->n - 1].value;
}

/* ---- the aggregate */

static double error_of(const vonk_fn_call *call)
{
    const vonk_column *c = call->n_args > 2 ? call->constants[2] : NULL;
    return 1.0 / (c ? (double)vonk_column_i64(c, 0) : 10000.0);
}

static double number_at(const vonk_column *c, uint32_t row)
{
    switch (c->type->storage) {
    case VONK_STORE_F32: return (double)VONK_VALUES(c, float)[row];
    case VONK_STORE_F64: return VONK_VALUES(c, double)[row];
    default: break;
    }
    if (c->type->id == VONK_T_DECIMAL) return vonk_dec_to_f64(vonk_column_i128(c, row), c->type->scale);
    return (double)vonk_column_i64(c, row);
}

VONK__AGG_UPDATE(quantile_update)
{
    double error = error_of(call);
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(args[0], row))
        VONK_TRY(insert((summary *)states[k], heap, error, number_at(args[0], row), err));
    return VONK_OK;
}

VONK__AGG_UPDATE(quantile_merge)
{
    double error = error_of(call);
    const double *values = args[0]->children[0]->data;
    const int64_t *gs = args[1]->children[0]->data, *deltas = args[2]->children[0]->data, *counts = args[3]->data;
    VONK__AGG_EACH(rows, k, row)
    {
        vonk_span s = VONK_VALUES(args[0], vonk_span)[row], g = VONK_VALUES(args[1], vonk_span)[row],
                  d = VONK_VALUES(args[2], vonk_span)[row];
        sample *other;
        VONK_TRY(vonk_arena_array(ev->scratch, s.len + 1, sizeof(*other), &other, err));
        for (uint32_t i = 0; i < s.len; i++)
            other[i] = (sample){values[s.offset + i], gs[g.offset + i], deltas[d.offset + i]};
        VONK_TRY(compress((summary *)states[k], heap, error, err));
        VONK_TRY(join((summary *)states[k], heap, error, other, s.len, counts[row], err));
    }
    return VONK_OK;
}

static vonk_status save_samples(const summary *states, uint32_t n, vonk_builder b[4], vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const summary *s = &states[i];
        for (uint64_t k = 0; k < s->n; k++) {
            VONK_TRY(vonk_builder_f64(vonk_builder_child(&b[0], 0), s->samples[k].value, err));
            VONK_TRY(vonk_builder_i64(vonk_builder_child(&b[1], 0), s->samples[k].g, err));
            VONK_TRY(vonk_builder_i64(vonk_builder_child(&b[2], 0), s->samples[k].delta, err));
        }
        for (int c = 0; c < 3; c++) VONK_TRY(vonk_builder_close(&b[c], err));
        VONK_TRY(vonk_builder_i64(&b[3], s->count, err));
    }
    return VONK_OK;
}

/* A compressed copy: the state itself may go on. */
static vonk_status finished(const summary *s, vonk_arena *scratch, double error, summary *ret, vonk_error *err)
{
    *ret = *s;
    ret->capacity = 0;
    VONK_TRY(room(ret, scratch, s->n + s->waiting.n + 1, err));
    return compress(ret, scratch, error, err);
}

VONK__AGG_FINISH(quantile_save)
{
    summary *done = NULL;
    const vonk_type *doubles = NULL, *longs = NULL;
    vonk_builder b[4] = {0};
    uint32_t made = 0;
    vonk_status st = vonk_type_array(&vonk_type_double, true, &doubles, err);
    if (st == VONK_OK) st = vonk_type_array(&vonk_type_long, true, &longs, err);
    for (uint32_t c = 0; c < 4 && st == VONK_OK; c++)
        st = vonk_builder_init(&b[c], ev->budget, c == 0 ? doubles : c == 3 ? &vonk_type_long : longs, n, err);
    if (st == VONK_OK) st = vonk_arena_array(ev->scratch, n + 1, sizeof(*done), &done, err);
    for (uint32_t i = 0; i < n && st == VONK_OK; i++)
        st = finished((const summary *)states[i], ev->scratch, error_of(call), &done[i], err);
    if (st == VONK_OK) st = save_samples(done, n, b, err);
    for (; made < 4 && st == VONK_OK; made++) st = vonk_builder_finish(&b[made], &ret[made], err);
    if (st != VONK_OK)
        for (uint32_t c = 0; c + 1 < made; c++) vonk_column_unref(ret[c]);
    for (uint32_t c = 0; c < 4; c++) vonk_builder_done(&b[c]);
    vonk_type_unref(doubles);
    vonk_type_unref(longs);
    return st;
}

static vonk_status put_number(vonk_builder *b, double v, vonk_error *err)
{
    switch (b->type->storage) {
    case VONK_STORE_F32:
    case VONK_STORE_F64: return vonk_builder_f64(b, v, err);
    default: break;
    }
    if (b->type->id == VONK_T_DECIMAL) {
        vonk_i128 d;
        if (!vonk_dec_from_f64(v, b->type->precision, b->type->scale, &d)) return vonk_builder_null(b, err);
        return vonk_builder_i128(b, d, err);
    }
    return vonk_builder_i64(b, vonk_i64_of_f64(v), err);
}

static vonk_status put_quantiles(const summary *s, double error, const vonk_column *wanted, vonk_builder *b,
                                 vonk_error *err)
{
    uint32_t row;
    if (!s->count) return vonk_builder_null(b, err);
    if (wanted->type->id != VONK_T_ARRAY) return put_number(b, quantile(s, error, vonk_column_f64(wanted, 0)), err);
    const vonk_column *array = vonk_column_locate(wanted, 0, &row);
    vonk_span span = VONK_VALUES(array, vonk_span)[row];
    if (!span.len) return vonk_builder_null(b, err);
    for (uint32_t i = span.offset; i < span.offset + span.len; i++)
        VONK_TRY(put_number(vonk_builder_child(b, 0), quantile(s, error, vonk_column_f64(array->children[0], i)), err));
    return vonk_builder_close(b, err);
}

VONK__AGG_FINISH(quantile_finish)
{
    double error = error_of(call);
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        summary s;
        VONK_TRY(finished((const summary *)states[i], ev->scratch, error, &s, err));
        VONK_TRY(put_quantiles(&s, error, call->constants[1], &b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg quantile_agg = {.state_bytes = sizeof(summary),
                                      .state = "array<double>,array<bigint>,array<bigint>,bigint",
                                      .update = quantile_update,
                                      .merge = quantile_merge,
                                      .save = quantile_save,
                                      .finish = quantile_finish,
                                      .order_sensitive = true};

static vonk_status not_foldable(const vonk_fn_types *t, uint32_t arg, const char *name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputName", name, "inputType",
                     VONK_TYPE_SQL(t->types[arg]), "inputExpr",
                     t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[arg])) : "?");
}

static vonk_status resolve_quantile(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = NULL;
    t->result_nullable = true;
    if (!t->constants[1]) return not_foldable(t, 1, "`percentage`", err);
    if (vonk_column_is_null(t->constants[1], 0))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_NULL, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "exprName", "percentage");
    if (t->n_args > 2) {
        int64_t accuracy = 0;
        bool is_null;
        if (!t->constants[2]) return not_foldable(t, 2, "`accuracy`", err);
        VONK_TRY(vonk_fn_constant_int(t, 2, &accuracy, &is_null, err));
        if (is_null)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_NULL, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "exprName", "accuracy");
        if (accuracy <= 0 || accuracy > INT32_MAX)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "exprName", "accuracy", "valueRange",
                             "(0, 2147483647]", "currentValue", VONK_F("%lldL", (long long)accuracy));
    }
    if (t->types[1]->id != VONK_T_ARRAY) return VONK_OK;
    VONK_TRY(vonk_type_array(t->types[0], false, &type, err));
    VONK_TRY(vonk_fn_own_type(t->arena, type, &type, err));
    return vonk_fn_set_result(t, type);
}

const vonk_fn vonk_fns_aggregate_quantile[] = {
    {.name = "approx_percentile", .alias_of = "percentile_approx"},
    {.name = "percentile_approx",
     .kind = VONK_FN_AGGREGATE,
     .nulls = VONK_NULLS_OWN,
     .group = "agg_funcs",
     .resolve = resolve_quantile,
     .agg = &quantile_agg,
     .args = "numeric|date|timestamp|timestamp_ntz|interval_ym|interval_dt|any_time,double|array<double>,=integral?",
     .result = "arg0",
     .since = "2.1.0",
     .text = "$0($1, $2, 10000); $0($1, $2, $3)",
     .doc = "A value of the group whose rank is the given part (0 to 1, or an array of those) of all, to one part in "
            "the third argument (10000).",
     .example = "percentile_approx(col, 0.5, 100) FROM VALUES (0), (6), (7), (9), (10) AS tab(col)",
     .expect = "7"},
};
VONK_FN_COUNT(aggregate_quantile);
