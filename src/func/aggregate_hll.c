/* func/aggregate_hll.c -- approx_count_distinct: HyperLogLog++ over Spark's xxHash64, so that estimates are Spark's. */
#include <math.h>

#include "func/aggregate_list.h"
#include "func/hll.h"
#include "func/resolve.h"
#include "func/spark_hash.h"
#include "func/tables.h"
#include "func/hll_bias.inc"

enum { HASH_SEED = 42, NEIGHBOURS = 6 };

/* registers[2^p], in the heap, made with the first value. */
typedef struct sketch {
    uint8_t *registers;
} sketch;

static int bits_for(double error) { return (int)ceil(2.0 * log(1.106 / error) / log(2.0)); }
static int bits_of(const vonk_fn_call *call)
{
    return bits_for(call->n_args > 1 && call->constants[1] ? vonk_column_f64(call->constants[1], 0) : 0.05);
}

static vonk_status open_sketch(sketch *s, int p, vonk_arena *heap, vonk_error *err)
{
    return s->registers ? VONK_OK : vonk_arena_alloc(heap, (size_t)1 << p, &s->registers, err);
}

VONK__AGG_UPDATE(hll_update)
{
    int p = bits_of(call);
    uint64_t *hashes;
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*hashes), &hashes, err));
    for (uint32_t k = 0; k < rows.n; k++) hashes[k] = HASH_SEED;
    vonk_spark_xxhash64(args[0], rows, hashes);
    VONK__AGG_EACH(rows, k, row)
    {
        sketch *s = (sketch *)states[k];
        if (!vonk__agg_present(args[0], row)) continue;
        VONK_TRY(open_sketch(s, p, heap, err));
        uint64_t x = hashes[k], index = x >> (64 - p), rest = x << p | UINT64_C(1) << (p - 1);
        uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
        if (rank > s->registers[index]) s->registers[index] = rank;
    }
    return VONK_OK;
}

VONK__AGG_UPDATE(hll_merge)
{
    int p = bits_of(call);
    VONK__AGG_EACH(rows, k, row)
    {
        sketch *s = (sketch *)states[k];
        vonk_str other = vonk_column_str(args[0], row);
        if (!other.len) continue;
        VONK_TRY(open_sketch(s, p, heap, err));
        for (size_t i = 0; i < other.len; i++)
            if ((uint8_t)other.data[i] > s->registers[i]) s->registers[i] = (uint8_t)other.data[i];
    }
    return VONK_OK;
}

VONK__AGG_FINISH(hll_save)
{
    int p = bits_of(call);
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, &vonk_type_binary, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const sketch *s = (const sketch *)states[i];
        VONK_TRY(vonk_builder_str(&b, (vonk_str){(const char *)s->registers, s->registers ? (size_t)1 << p : 0}, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

/* Mean error of the raw estimates nearest to this one. */
static double bias_of(int p, double estimate)
{
    const double *raw = bias_tables[p - 4].raw, *bias = bias_tables[p - 4].bias;
    size_t n = bias_tables[p - 4].n, nearest = 0;
    while (nearest < n && raw[nearest] < estimate) nearest++;
    size_t low = nearest + 1 > NEIGHBOURS ? nearest + 1 - NEIGHBOURS : 0, high = low + NEIGHBOURS;
    if (high > n) high = n;
    while (high < n && pow(estimate - raw[high], 2) < pow(estimate - raw[low], 2)) low++, high++;
    double sum = 0;
    for (size_t i = low; i < high; i++) sum += bias[i];
    return sum / (double)(high - low);
}

int64_t vonk_hll_estimate(const uint8_t *registers, int p)
{
    size_t m = (size_t)1 << p;
    double inverse = 0, zeros = 0, md = (double)m;
    double alpha = p == 4 ? 0.673 : p == 5 ? 0.697 : p == 6 ? 0.709 : 0.7213 / (1.0 + 1.079 / md);
    for (size_t i = 0; i < m; i++) {
        inverse += 1.0 / (double)(UINT64_C(1) << registers[i]);
        zeros += registers[i] == 0;
    }
    double estimate = alpha * md * md / inverse;
    if (p < 19 && estimate < 5.0 * md) estimate -= bias_of(p, estimate);
    if (zeros > 0) {
        double linear = md * log(md / zeros);
        if (p < 19 ? linear <= thresholds[p - 4] : estimate <= 2.5 * md) estimate = linear;
    }
    return (int64_t)floor(estimate + 0.5);
}

VONK__AGG_FINISH(hll_finish)
{
    int p = bits_of(call);
    void *data = NULL;
    VONK_TRY(vonk__agg_column(ev, &vonk_type_long, n, ret, &data, NULL, err));
    for (uint32_t i = 0; i < n; i++) {
        const sketch *s = (const sketch *)states[i];
        ((int64_t *)data)[i] = s->registers ? vonk_hll_estimate(s->registers, p) : 0;
    }
    return VONK_OK;
}

static const vonk_agg hll_agg = {.state_bytes = sizeof(sketch),
                                 .state = "binary",
                                 .update = hll_update,
                                 .merge = hll_merge,
                                 .save = hll_save,
                                 .finish = hll_finish,
                                 .ignores_duplicates = true};

static vonk_status resolve_hll(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args < 2) return VONK_OK;
    const vonk_column *c = t->constants[1];
    double error = 0;
    if (c && !vonk_column_is_null(c, 0) && (c->type->id == VONK_T_DOUBLE || c->type->id == VONK_T_FLOAT))
        error = vonk_column_f64(c, 0);
    if (c && !vonk_column_is_null(c, 0) && c->type->id == VONK_T_DECIMAL)
        error = (double)vonk_column_i128(c, 0) / pow(10, c->type->scale);
    if (error > 0 && bits_for(error) >= 4 && bits_for(error) <= 24) return VONK_OK;
    return VONK_FAIL(err, VONK_E_FAILED_FUNCTION_CALL, "funcName", "`approx_count_distinct`");
}

const vonk_fn vonk_fns_aggregate_hll[] = {
    {.name = "approx_count_distinct",
     .kind = VONK_FN_AGGREGATE,
     .args = "any,double?",
     .result = "bigint",
     .nulls = VONK_NEVER_NULL,
     .group = "agg_funcs",
     .resolve = resolve_hll,
     .agg = &hll_agg,
     .since = "1.6.0",
     .text = "$0($1)",
     .doc =
         "About how many different values there are, with the relative error that the second argument allows (0.05).",
     .example = "approx_count_distinct(col) FROM VALUES (1), (1), (2), (2), (3) AS tab(col)",
     .expect = "3"},
};
VONK_FN_COUNT(aggregate_hll);
