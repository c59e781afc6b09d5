/* func/aggregate_kept.c -- min, max, first, last: one value of the input is kept. */
#include "column/builder.h"
#include "column/collation.h"
#include "column/kernel/kernel.h"
#include "func/aggregate_list.h"
#include "func/resolve.h"
#include "func/tables.h"

vonk_status vonk__agg_column(vonk_eval *ev, const vonk_type *type, uint32_t n, vonk_column **ret, void **ret_data,
                             uint8_t **ret_validity, vonk_error *err)
{
    return vonk_column_new(ev->budget, type, n, ret_validity != NULL, ret, ret_data, ret_validity, err);
}

/* ---- the kept value */
static void unref_column(void *c) { vonk_column_unref(c); }

static vonk_status keep_text(vonk__kept *kept, vonk_arena *heap, vonk_str s, vonk_error *err)
{
    char *copy = NULL;

    VONK_TRY(vonk_arena_alloc(heap, s.len, &copy, err));
    if (s.len > 0) memcpy(copy, s.data, s.len);
    kept->text = copy;
    kept->len = vonk_u32_of(s.len);
    return VONK_OK;
}

static vonk_status keep_nested(vonk__kept *kept, vonk_eval *ev, vonk_arena *heap, const vonk_column *column,
                               uint32_t row, vonk_error *err)
{
    vonk_column *one = NULL;

    VONK_TRY(vonk_column_gather(ev->budget, column, &row, 1, false, &one, err));
    kept->column = one;
    return vonk_arena_on_free(heap, unref_column, one, err);
}

vonk_status vonk__kept_set(vonk__kept *kept, vonk_eval *ev, vonk_arena *heap, const vonk_column *column, uint32_t row,
                           vonk_error *err)
{
    kept->set = true;
    kept->null = vonk_column_is_null(column, row);
    if (kept->null) return VONK_OK;
    switch (column->type->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: kept->i64 = vonk_column_i64(column, row); return VONK_OK;
    case VONK_STORE_I128: kept->i128 = vonk_column_i128(column, row); return VONK_OK;
    case VONK_STORE_F32:
    case VONK_STORE_F64: kept->f64 = vonk_column_f64(column, row); return VONK_OK;
    case VONK_STORE_INTERVAL: kept->interval = VONK_VALUES(column, vonk_interval)[row]; return VONK_OK;
    case VONK_STORE_VIEW: return keep_text(kept, heap, vonk_column_str(column, row), err);
    default: return keep_nested(kept, ev, heap, column, row, err);
    }
}

/* Spark's order of doubles: NaN is the largest, -0.0 = 0.0. */
static int compare_f64(double a, double b)
{
    if (a != a || b != b) return (a != a) - (b != b);
    return (a > b) - (a < b);
}

/* Spark has no order of these: only whether they are the same counts. */
static int compare_interval(const vonk_interval *a, const vonk_interval *b)
{
    if (a->months != b->months) return a->months < b->months ? -1 : 1;
    if (a->days != b->days) return a->days < b->days ? -1 : 1;
    return (a->us > b->us) - (a->us < b->us);
}

int vonk__kept_compare(const vonk__kept *kept, const vonk_column *column, uint32_t row)
{
    switch (column->type->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: {
        const int64_t v = vonk_column_i64(column, row);
        return (kept->i64 > v) - (kept->i64 < v);
    }
    case VONK_STORE_I128: {
        const vonk_i128 v = vonk_column_i128(column, row);
        return (kept->i128 > v) - (kept->i128 < v);
    }
    case VONK_STORE_F32:
    case VONK_STORE_F64: return compare_f64(kept->f64, vonk_column_f64(column, row));
    case VONK_STORE_INTERVAL: return compare_interval(&kept->interval, &VONK_VALUES(column, vonk_interval)[row]);
    case VONK_STORE_VIEW:
        return vonk_collation_compare(column->type->collation, (vonk_str){kept->text, kept->len},
                                      vonk_column_str(column, row));
    default: return vonk_column_row_compare(kept->column, 0, column, row);
    }
}

vonk_status vonk__kept_put(vonk_builder *b, const vonk__kept *kept, vonk_error *err)
{
    if (!kept->set || kept->null) return vonk_builder_null(b, err);
    switch (b->type->storage) {
    case VONK_STORE_BIT: return vonk_builder_bool(b, kept->i64 != 0, err);
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: return vonk_builder_i64(b, kept->i64, err);
    case VONK_STORE_I128: return vonk_builder_i128(b, kept->i128, err);
    case VONK_STORE_F32:
    case VONK_STORE_F64: return vonk_builder_f64(b, kept->f64, err);
    case VONK_STORE_INTERVAL: return vonk_builder_interval(b, kept->interval, err);
    case VONK_STORE_VIEW: return vonk_builder_str(b, (vonk_str){kept->text, kept->len}, err);
    default: return kept->column ? vonk_builder_copy(b, kept->column, 0, err) : vonk_builder_null(b, err);
    }
}

vonk_status vonk__kept_column(vonk_eval *ev, const vonk_type *type, const vonk__kept *const *kept, uint32_t n,
                              vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};

    VONK_TRY(vonk_builder_init(&b, ev->budget, type, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk__kept_put(&b, kept[i], err));
    return vonk_builder_finish(&b, ret, err);
}

/* ---- min and max: sign is 1 where a smaller value wins */
static vonk_status better(vonk__kept *kept, int sign, vonk_eval *ev, vonk_arena *heap, const vonk_column *column,
                          uint32_t row, vonk_error *err)
{
    if (kept->set && sign * vonk__kept_compare(kept, column, row) <= 0) return VONK_OK;
    return vonk__kept_set(kept, ev, heap, column, row, err);
}

static vonk_status extreme(int sign, vonk_eval *ev, vonk_arena *heap, const vonk_column *c, vonk_rows rows,
                           uint8_t *const *states, vonk_error *err)
{
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(c, row)) VONK_TRY(better((vonk__kept *)states[k], sign, ev, heap, c, row, err));
    return VONK_OK;
}

/* Whole columns of numbers go through the kernels: one winner, then one comparison. */
static vonk_status extreme_one(int sign, vonk_eval *ev, vonk_arena *heap, const vonk_column *c, vonk_rows rows,
                               uint8_t *state, vonk_error *err)
{
    const vonk_lane lane = vonk_lane_of(c->type->storage);
    union {
        int64_t i64;
        vonk_i128 i128;
    } value;

    if (!rows.idx && rows.n > 0 && lane != VONK_N_LANE && c->encoding == VONK_FLAT) {
        if (!(sign > 0 ? vonk_kernels->min : vonk_kernels->max)[lane](rows.n, c->data, c->validity, &value))
            return VONK_OK;
        /* Not a copy of *c: other threads may count references to it meanwhile. */
        const vonk_column winner = {.refs = 1, .type = c->type, .encoding = VONK_FLAT, .n_rows = 1, .data = &value};
        return better((vonk__kept *)state, sign, ev, heap, &winner, 0, err);
    }
    VONK__AGG_EACH(rows, k, row)
    if (vonk__agg_present(c, row)) VONK_TRY(better((vonk__kept *)state, sign, ev, heap, c, row, err));
    return VONK_OK;
}

VONK__AGG_UPDATE(min_update) { return extreme(1, ev, heap, args[0], rows, states, err); }
VONK__AGG_UPDATE(max_update) { return extreme(-1, ev, heap, args[0], rows, states, err); }
VONK__AGG_UPDATE_ONE(min_update_one) { return extreme_one(1, ev, heap, args[0], rows, state, err); }
VONK__AGG_UPDATE_ONE(max_update_one) { return extreme_one(-1, ev, heap, args[0], rows, state, err); }

VONK__AGG_FINISH(kept_finish)
{
    return vonk__kept_column(ev, call->type, (const vonk__kept *const *)states, n, ret, err);
}

/* Two kept values that are not null. */
static int compare_kept(const vonk_type *type, const vonk__kept *a, const vonk__kept *b)
{
    switch (type->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: return (a->i64 > b->i64) - (a->i64 < b->i64);
    case VONK_STORE_I128: return (a->i128 > b->i128) - (a->i128 < b->i128);
    case VONK_STORE_F32:
    case VONK_STORE_F64: return compare_f64(a->f64, b->f64);
    case VONK_STORE_VIEW: return vonk_str_compare((vonk_str){a->text, a->len}, (vonk_str){b->text, b->len});
    default: return a->column && b->column ? vonk_column_row_compare(a->column, 0, b->column, 0) : 0;
    }
}

/* Texts with a collation are compared as columns are. */
static vonk_status combine_columns(const vonk_fn_call *call, int sign, vonk_eval *ev, vonk_arena *heap,
                                   uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *values = NULL;

    VONK_TRY(kept_finish(call, ev, from, n, &values, err));
    return extreme(sign, ev, heap, values, VONK_ALL_ROWS(n), into, err);
}

static vonk_status kept_combine(const vonk_fn_call *call, int sign, vonk_eval *ev, vonk_arena *heap,
                                uint8_t *const *from, uint8_t *const *into, uint32_t n, vonk_error *err)
{
    if (call->type->storage == VONK_STORE_VIEW && call->type->collation != VONK_COLLATION_UTF8_BINARY)
        return combine_columns(call, sign, ev, heap, from, into, n, err);
    for (uint32_t i = 0; i < n; i++) {
        const vonk__kept *f = (const vonk__kept *)from[i];
        vonk__kept *t = (vonk__kept *)into[i];
        if (f->set && (!t->set || sign * compare_kept(call->type, t, f) > 0)) *t = *f;
    }
    return VONK_OK;
}

VONK__AGG_COMBINE(min_combine) { return kept_combine(call, 1, ev, heap, from, into, n, err); }

VONK__AGG_COMBINE(max_combine) { return kept_combine(call, -1, ev, heap, from, into, n, err); }

static const vonk_agg min_agg = {.state_bytes = sizeof(vonk__kept),
                                 .state = "result",
                                 .update = min_update,
                                 .update_one = min_update_one,
                                 .merge = min_update,
                                 .save = kept_finish,
                                 .finish = kept_finish,
                                 .combine = min_combine,
                                 .ignores_duplicates = true,
                                 .copyable = true,
                                 .exact = vonk__agg_always_exact};
static const vonk_agg max_agg = {.state_bytes = sizeof(vonk__kept),
                                 .state = "result",
                                 .update = max_update,
                                 .update_one = max_update_one,
                                 .merge = max_update,
                                 .save = kept_finish,
                                 .finish = kept_finish,
                                 .combine = max_combine,
                                 .ignores_duplicates = true,
                                 .copyable = true,
                                 .exact = vonk__agg_always_exact};

/* ---- first and last. Saved form: the value, and whether there was one (a null may be it). */
static bool ignores_nulls(const vonk_fn_call *call)
{
    return call->n_args > 1 && call->constants && call->constants[1] && !vonk_column_is_null(call->constants[1], 0) &&
           vonk_column_i64(call->constants[1], 0) != 0;
}

static vonk_status take(const vonk_fn_call *call, bool first, vonk_eval *ev, vonk_arena *heap, const vonk_column *c,
                        uint32_t row, vonk__kept *kept, vonk_error *err)
{
    if (first && kept->set) return VONK_OK;
    if (ignores_nulls(call) && !vonk__agg_present(c, row)) return VONK_OK;
    return vonk__kept_set(kept, ev, heap, c, row, err);
}

static vonk_status take_all(const vonk_fn_call *call, bool first, vonk_eval *ev, vonk_arena *heap, const vonk_column *c,
                            const vonk_column *there, vonk_rows rows, uint8_t *const *states, vonk_error *err)
{
    VONK__AGG_EACH(rows, k, row)
    if (!there || vonk_bit_get(there->data, row))
        VONK_TRY(take(call, first, ev, heap, c, row, (vonk__kept *)states[k], err));
    return VONK_OK;
}
VONK__AGG_UPDATE(first_update) { return take_all(call, true, ev, heap, args[0], NULL, rows, states, err); }
VONK__AGG_UPDATE(last_update) { return take_all(call, false, ev, heap, args[0], NULL, rows, states, err); }
VONK__AGG_UPDATE(first_merge) { return take_all(call, true, ev, heap, args[0], args[1], rows, states, err); }
VONK__AGG_UPDATE(last_merge) { return take_all(call, false, ev, heap, args[0], args[1], rows, states, err); }

VONK__AGG_FINISH(there_save)
{
    void *data = NULL;
    vonk_status status;

    VONK_TRY(kept_finish(call, ev, states, n, &ret[0], err));
    status = vonk__agg_column(ev, &vonk_type_boolean, n, &ret[1], &data, NULL, err);
    if (status != VONK_OK) {
        vonk_column_unref(ret[0]);
        return status;
    }
    vonk_bits_fill(data, n, false);
    for (uint32_t i = 0; i < n; i++) vonk_bit_put(data, i, ((const vonk__kept *)states[i])->set);
    return VONK_OK;
}

static const vonk_agg first_agg = {.state_bytes = sizeof(vonk__kept),
                                   .state = "result,boolean",
                                   .update = first_update,
                                   .merge = first_merge,
                                   .save = there_save,
                                   .finish = kept_finish,
                                   .order_sensitive = true};
static const vonk_agg last_agg = {.state_bytes = sizeof(vonk__kept),
                                  .state = "result,boolean",
                                  .update = last_update,
                                  .merge = last_merge,
                                  .save = there_save,
                                  .finish = kept_finish,
                                  .order_sensitive = true};

static vonk_status resolve_first(vonk_fn_types *types, vonk_error *err)
{
    (void)err;
    types->result_nullable = true;
    return VONK_OK;
}

#define FIRST                                                                                                          \
    .kind = VONK_FN_AGGREGATE, .args = "any,boolean?", .text = "$0($1)", .result = "arg0", .nulls = VONK_NULLS_OWN,    \
    .resolve = resolve_first, .group = "agg_funcs"
const vonk_fn vonk_fns_aggregate_kept[] = {
    {.name = "any_value",
     FIRST,
     .agg = &first_agg,
     .since = "3.4.0",
     .doc = "Some value of the group; with a second argument true, one that is not null.",
     .example = "any_value(col) FROM VALUES (10), (5), (20) AS tab(col)",
     .expect = "10"},
    {.name = "first",
     FIRST,
     .agg = &first_agg,
     .since = "1.4.0",
     .doc = "The first value of the group; with a second argument true, the first that is not null.",
     .example = "first(col) FROM VALUES (10), (5), (20) AS tab(col)",
     .expect = "10"},
    {.name = "first_value",
     .alias_of = "first",
     .since = "2.0.0",
     .example = "first_value(col) FROM VALUES (10), (5), (20) AS tab(col)",
     .expect = "10"},
    {.name = "last",
     FIRST,
     .agg = &last_agg,
     .since = "1.4.0",
     .doc = "The last value of the group; with a second argument true, the last that is not null.",
     .example = "last(col) FROM VALUES (10), (5), (20) AS tab(col)",
     .expect = "20"},
    {.name = "last_value",
     .alias_of = "last",
     .since = "2.0.0",
     .example = "last_value(col) FROM VALUES (10), (5), (20) AS tab(col)",
     .expect = "20"},
    {.name = "max",
     .kind = VONK_FN_AGGREGATE,
     .args = "orderable",
     .result = "arg0",
     .nulls = VONK_NULLS_OWN,
     .resolve = resolve_first,
     .group = "agg_funcs",
     .agg = &max_agg,
     .since = "1.0.0",
     .doc = "The largest value that is not null.",
     .example = "max(col) FROM VALUES (10), (50), (20) AS tab(col)",
     .expect = "50"},
    {.name = "min",
     .kind = VONK_FN_AGGREGATE,
     .args = "orderable",
     .result = "arg0",
     .nulls = VONK_NULLS_OWN,
     .resolve = resolve_first,
     .group = "agg_funcs",
     .agg = &min_agg,
     .since = "1.0.0",
     .doc = "The smallest value that is not null.",
     .example = "min(col) FROM VALUES (10), (-1), (20) AS tab(col)",
     .expect = "-1"},
};
VONK_FN_COUNT(aggregate_kept);
