/* exec/op_sample.c -- P_SAMPLE: the rows that Spark would take with this seed. Each partition has a generator of its
 * own and takes one number per row, so partitions run in order.
 *
 * Without replacement: XORShift seeded with seed + partition; a row stays when lower <= number < upper. With
 * replacement: the partition's seed is the partition-th number of java.util.Random(seed); a row comes Poisson(upper -
 * lower) times. */
#include "exec/op_int.h"
#include "exec/spark_random.h"

#define POISSON_MEAN_MOST 40.0

typedef struct sample_local {
    int32_t partition;
    bool started;
    spark_random random;
    well_random *well;
} sample_local;

static vonk_status sample_open(vonk_op *op, vonk_error *err)
{
    const vonk_sample_info *info = &op->node->sample;
    if (info->replacement && info->upper - info->lower >= POISSON_MEAN_MOST)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "sampling with replacement of 40 times the rows or more");
    return VONK_OK;
}

static vonk_status start_partition(vonk_op *op, const vonk_lane *lane, sample_local *l, vonk_error *err)
{
    const vonk_sample_info *info = &op->node->sample;
    if (l->started && l->partition == lane->partition) return VONK_OK;
    l->started = true;
    l->partition = lane->partition;
    if (!info->replacement) {
        l->random = spark_random_of((int64_t)((uint64_t)info->seed + (uint64_t)(int64_t)lane->partition));
        return VONK_OK;
    }
    java_random seeds = java_random_of(info->seed);
    int64_t seed = java_random_long(&seeds);
    for (int32_t i = 0; i < lane->partition; i++) seed = java_random_long(&seeds);
    if (!l->well) VONK_TRY(VONK_NEW(op->budget, &l->well, err));
    well_random_seed(l->well, seed);
    return VONK_OK;
}

/* Rows that stay, in `to`, each as often as it comes: to[] grows as needed. */
static vonk_status take_rows(const vonk_op *op, sample_local *l, vonk_rows rows, vonk_buffer *to, uint32_t *ret_n,
                             vonk_error *err)
{
    const vonk_sample_info *info = &op->node->sample;
    uint32_t *out = (uint32_t *)(void *)to->data, n = 0;
    bool none = info->upper - info->lower <= 0.0;
    for (uint32_t k = 0; k < rows.n && !none; k++) {
        double x = spark_random_double(&l->random);
        out[n] = vonk_row_at(rows, k);
        n += x >= info->lower && x < info->upper;
    }
    *ret_n = n;
    return VONK_OK;
}

static vonk_status push_bernoulli(vonk_op *op, vonk_lane *lane, sample_local *l, const vonk_batch *in, vonk_out *out,
                                  vonk_error *err)
{
    vonk_buffer *sel = NULL;
    vonk_batch *kept = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_buffer_new(lane->budget, in->n_sel * sizeof(uint32_t), &sel, err));
    vonk_status st = take_rows(op, l, vonk_batch_rows(in), sel, &n, err);
    if (st != VONK_OK || n == 0) {
        vonk_buffer_unref(sel);
        return st;
    }
    VONK_TRY(vonk_batch_select(in, sel, n, &kept, err));
    vonk_out_put(out, kept);
    return VONK_OK;
}

static vonk_status gather(vonk_lane *lane, const vonk_batch *in, const uint32_t *idx, uint32_t n, vonk_out *out,
                          vonk_error *err)
{
    vonk_column **columns = NULL;
    vonk_batch *batch = NULL;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, in->n_columns, sizeof *columns, &columns, err));
    for (uint32_t c = 0; c < in->n_columns && st == VONK_OK; c++)
        st = vonk_column_gather(lane->budget, in->columns[c], idx, n, false, &columns[c], err);
    if (st == VONK_OK) st = vonk_op_batch(lane, n, columns, in->n_columns, &batch, err);
    for (uint32_t c = 0; c < in->n_columns; c++) vonk_column_unref(columns[c]);
    if (st == VONK_OK) vonk_out_put(out, batch);
    return st;
}

static vonk_status push_poisson(vonk_op *op, vonk_lane *lane, sample_local *l, const vonk_batch *in, vonk_out *out,
                                vonk_error *err)
{
    double mean = op->node->sample.upper - op->node->sample.lower;
    vonk_rows rows = vonk_batch_rows(in);
    uint32_t *counts = NULL, *idx = NULL;
    uint64_t n = 0;
    VONK_TRY(vonk_arena_array(lane->scratch, rows.n, sizeof *counts, &counts, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        counts[k] = mean > 0 ? well_random_poisson(l->well, mean) : 0;
        n += counts[k];
    }
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *idx, &idx, err));
    n = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        for (uint32_t i = 0; i < counts[k]; i++) idx[n++] = vonk_row_at(rows, k);
    }
    return gather(lane, in, idx, (uint32_t)n, out, err);
}

static vonk_status sample_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                               vonk_flow *ret_flow, vonk_error *err)
{
    sample_local *l = local;
    VONK_TRY(start_partition(op, lane, l, err));
    return op->node->sample.replacement ? push_poisson(op, lane, l, in, out, err)
                                        : push_bernoulli(op, lane, l, in, out, err);
}

static void sample_local_close(vonk_op *op, void *local)
{
    sample_local *l = local;
    vonk_free(l->well);
}

static const vonk_input_class sample_input = {.order = VONK_ORDER_NEEDS,
                                              .local_size = sizeof(sample_local),
                                              .push = sample_push,
                                              .local_close = sample_local_close};
const vonk_op_class vonk_op_sample = {.name = "sample", .open = sample_open, .n_inputs = 1, .inputs = &sample_input};
