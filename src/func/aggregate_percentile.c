/* func/aggregate_percentile.c -- exact percentiles: all numbers of a group are kept, sorted at the end. */
#include <math.h>
#include <stdlib.h>

#include "func/aggregate_list.h"
#include "func/resolve.h"
#include "func/tables.h"

vonk_status vonk__numbers_add(vonk__numbers *numbers, vonk_arena *heap, double value, int64_t count, vonk_error *err)
{
    if (numbers->n == numbers->capacity) {
        uint64_t capacity = numbers->capacity ? numbers->capacity * 2 : 8;
        vonk__weighted *at;
        VONK_TRY(vonk_arena_array(heap, capacity, sizeof(*at), &at, err));
        if (numbers->n) memcpy(at, numbers->at, numbers->n * sizeof(*at));
        numbers->at = at;
        numbers->capacity = capacity;
    }
    numbers->at[numbers->n++] = (vonk__weighted){value, count};
    return VONK_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = ((const vonk__weighted *)a)->value, y = ((const vonk__weighted *)b)->value;
    if (x != x || y != y) return (x != x) - (y != y);
    return (x > y) - (x < y);
}

void vonk__numbers_sort(vonk__numbers *numbers)
{
    if (numbers->n > 1) qsort(numbers->at, numbers->n, sizeof(*numbers->at), by_value);
}

/* ---- keeping */

static vonk_status bad_frequency(const vonk_column *c, uint32_t row, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("a frequency below 0: %lld", (long long)vonk_column_i64(c, row)));
}

/* Numbers are doubles; intervals and times what they are counted in. */
static double value_at(const vonk_column *c, uint32_t row)
{
    return c->type->id == VONK_T_DOUBLE ? VONK_VALUES(c, double)[row] : (double)vonk_column_i64(c, row);
}

VONK__AGG_UPDATE(numbers_update)
{
    const vonk_column *counts = call->n_args > 2 ? args[2] : NULL;
    VONK__AGG_EACH(rows, k, row)
    {
        int64_t count = 1;
        if (!vonk__agg_present(args[0], row)) continue;
        if (counts) {
            if (!vonk__agg_present(counts, row)) continue;
            count = vonk_column_i64(counts, row);
            if (count < 0) return bad_frequency(counts, row, err);
            if (count == 0) continue;
        }
        VONK_TRY(vonk__numbers_add((vonk__numbers *)states[k], heap, value_at(args[0], row), count, err));
    }
    return VONK_OK;
}

VONK__AGG_UPDATE(numbers_merge)
{
    const double *values = args[0]->children[0]->data;
    const int64_t *counts = args[1]->children[0]->data;
    VONK__AGG_EACH(rows, k, row)
    {
        vonk_span v = VONK_VALUES(args[0], vonk_span)[row], c = VONK_VALUES(args[1], vonk_span)[row];
        for (uint32_t i = 0; i < v.len; i++)
            VONK_TRY(
                vonk__numbers_add((vonk__numbers *)states[k], heap, values[v.offset + i], counts[c.offset + i], err));
    }
    return VONK_OK;
}

static vonk_status new_arrays(vonk_eval *ev, const vonk_type *element, uint32_t n, vonk_builder *b, vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk_type_array(element, true, &type, err));
    vonk_status st = vonk_builder_init(b, ev->budget, type, n, err);
    vonk_type_unref(type);
    return st;
}

VONK__AGG_FINISH(numbers_save)
{
    VONK_AUTO(vonk_builder_done) vonk_builder values = {0};
    VONK_AUTO(vonk_builder_done) vonk_builder counts = {0};
    VONK_TRY(new_arrays(ev, &vonk_type_double, n, &values, err));
    VONK_TRY(new_arrays(ev, &vonk_type_long, n, &counts, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk__numbers *s = (const vonk__numbers *)states[i];
        for (uint64_t k = 0; k < s->n; k++) {
            VONK_TRY(vonk_builder_f64(vonk_builder_child(&values, 0), s->at[k].value, err));
            VONK_TRY(vonk_builder_i64(vonk_builder_child(&counts, 0), s->at[k].count, err));
        }
        VONK_TRY(vonk_builder_close(&values, err));
        VONK_TRY(vonk_builder_close(&counts, err));
    }
    VONK_TRY(vonk_builder_finish(&values, &ret[0], err));
    vonk_status st = vonk_builder_finish(&counts, &ret[1], err);
    if (st != VONK_OK) vonk_column_unref(ret[0]);
    return st;
}

/* ---- percentile: between the two nearest values by distance */

/* The value at a 0-based rank of the sorted numbers. */
static double at_rank(const vonk__numbers *s, int64_t rank)
{
    int64_t seen = 0;
    for (uint64_t i = 0; i < s->n; i++) {
        seen += s->at[i].count;
        if (seen > rank) return s->at[i].value;
    }
    return s->at[s->n - 1].value;
}

static double percentile_of(const vonk__numbers *s, int64_t total, double p)
{
    double position = (double)(total - 1) * p, lower = floor(position), higher = ceil(position);
    double low = at_rank(s, (int64_t)lower), high = at_rank(s, (int64_t)higher);
    return lower == higher || low == high ? low : low + (position - lower) * (high - low);
}

/* Of what is no number: cut off. */
static vonk_status put_value(vonk_builder *b, double value, vonk_error *err)
{
    if (b->type->id == VONK_T_DOUBLE) return vonk_builder_f64(b, value, err);
    return vonk_builder_i64(b, vonk_i64_of_f64(value), err);
}

static vonk_status put_percentiles(const vonk__numbers *s, const vonk_column *wanted, vonk_builder *b, vonk_error *err)
{
    int64_t total = 0;
    for (uint64_t i = 0; i < s->n; i++) total += s->at[i].count;
    if (!total) return vonk_builder_null(b, err);
    if (!wanted) return put_value(b, percentile_of(s, total, 0.5), err);
    if (wanted->type->id != VONK_T_ARRAY) return put_value(b, percentile_of(s, total, vonk_column_f64(wanted, 0)), err);
    uint32_t row;
    const vonk_column *array = vonk_column_locate(wanted, 0, &row);
    vonk_span span = VONK_VALUES(array, vonk_span)[row];
    for (uint32_t i = span.offset; i < span.offset + span.len; i++)
        VONK_TRY(
            put_value(vonk_builder_child(b, 0), percentile_of(s, total, vonk_column_f64(array->children[0], i)), err));
    return vonk_builder_close(b, err);
}

VONK__AGG_FINISH(percentile_finish)
{
    const vonk_column *wanted = call->n_args > 1 ? call->constants[1] : NULL;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        vonk__numbers_sort((vonk__numbers *)states[i]);
        VONK_TRY(put_percentiles((const vonk__numbers *)states[i], wanted, &b, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

static const vonk_agg percentile_agg = {.state_bytes = sizeof(vonk__numbers),
                                        .state = "array<double>,array<bigint>",
                                        .update = numbers_update,
                                        .merge = numbers_merge,
                                        .save = numbers_save,
                                        .finish = percentile_finish};

/* ---- types */

static bool outside(const vonk_column *c, uint32_t row)
{
    double p = c->type->id == VONK_T_DOUBLE || c->type->id == VONK_T_FLOAT ? vonk_column_f64(c, row) : 0;
    if (c->type->id == VONK_T_DECIMAL) p = (double)vonk_column_i128(c, row) / pow(10, c->type->scale);
    if (vonk_type_is_integral(c->type)) p = (double)vonk_column_i64(c, row);
    return !(p >= 0 && p <= 1);
}

static vonk_status check_percentages(vonk_fn_types *t, const vonk_column *c, vonk_error *err)
{
    const char *call = vonk_fn_call_text(t, (char[1024]){0});
    uint32_t row, from = 0, to = 1;
    if (vonk_column_is_null(c, 0))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_NULL, "sqlExpr", call, "exprName", "percentage");
    const vonk_column *values = c = vonk_column_locate(c, 0, &row);
    from = row;
    to = row + 1;
    if (c->type->id == VONK_T_ARRAY) {
        vonk_span s = VONK_VALUES(c, vonk_span)[row];
        values = c->children[0];
        from = s.offset;
        to = from + s.len;
    }
    for (uint32_t i = from; i < to; i++)
        if (vonk_column_is_null(values, i) || outside(values, i))
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr", call, "exprName",
                             "percentage", "valueRange", "[0.0, 1.0]", "currentValue",
                             t->texts ? VONK_F("%.*sD", VONK_STR_ARGS(t->texts[1])) : "?");
    return VONK_OK;
}

static vonk_status resolve_percentile(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = NULL;
    t->result_nullable = true;
    if (vonk_type_is_numeric(t->types[0])) t->types[0] = &vonk_type_double;
    VONK_TRY(vonk_fn_set_result(t, t->types[0]));
    if (t->n_args < 2) return VONK_OK;
    if (!t->constants[1])
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`percentage`", "inputType",
                         VONK_TYPE_SQL(t->types[1]), "inputExpr",
                         t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[1])) : "?");
    VONK_TRY(check_percentages(t, t->constants[1], err));
    if (t->types[1]->id != VONK_T_ARRAY) return VONK_OK;
    VONK_TRY(vonk_type_array(t->types[0], false, &type, err));
    VONK_TRY(vonk_fn_own_type(t->arena, type, &type, err));
    return vonk_fn_set_result(t, type);
}

#define AGG                                                                                                            \
    .kind = VONK_FN_AGGREGATE, .nulls = VONK_NULLS_OWN, .group = "agg_funcs", .resolve = resolve_percentile,           \
    .agg = &percentile_agg
#define VALUES "(numeric|interval_dt|interval_ym)|any_time"

const vonk_fn vonk_fns_aggregate_percentile[] = {
    {.name = "median",
     AGG,
     .args = VALUES,
     .since = "3.4.0",
     .doc = "The middle of the values; of an even number, half way between the two in the middle.",
     .example = "median(col) FROM VALUES (0), (10) AS tab(col)",
     .expect = "5.0"},
    {.name = "percentile",
     AGG,
     .args = VALUES ",double|array<double>,bigint?",
     .since = "2.1.0",
     .text = "$0($1, $2, 1); $0($1, $2, $3)",
     .doc = "The value below which the given part (0 to 1, or an array of those) of the values lies, exactly; the "
            "third argument says how often each value counts.",
     .example = "percentile(col, 0.3) FROM VALUES (0), (10) AS tab(col)",
     .expect = "3.0"},
};
VONK_FN_COUNT(aggregate_percentile);
