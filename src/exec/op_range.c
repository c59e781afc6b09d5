/* exec/op_range.c -- P_RANGE: numbers from start to end by step, cut into partitions as Spark's; columns are SEQUENCE:
 * nothing is written. A morsel is up to MORSEL_BATCHES batches of one partition. */
#include "exec/op_int.h"

#define MORSEL_BATCHES 64

typedef struct range_shared {
    vonk_i128 n_rows;
} range_shared;
typedef struct range_local {
    uint64_t at, end; /* row numbers of the whole range */
} range_local;

static vonk_status range_open(vonk_op *op, vonk_error *err)
{
    const vonk_range_info *r = &op->node->range;
    range_shared *s = op->shared;
    if (r->step == 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "range with step 0 in a physical plan");
    vonk_i128 span = (vonk_i128)r->end - r->start;
    vonk_i128 n = span / r->step + (span % r->step != 0);
    s->n_rows = (span > 0) == (r->step > 0) && span != 0 ? n : 0;
    op->n_partitions = r->n_partitions > 0 ? (uint32_t)r->n_partitions : vonk__default_parallelism(op->exec);
    return VONK_OK;
}

/* First row of partition i (of op->n_partitions). */
static uint64_t first_row(const vonk_op *op, uint32_t i)
{
    const range_shared *s = op->shared;
    return (uint64_t)(s->n_rows * i / op->n_partitions); /* at most 2^64 - 1 rows */
}

static uint64_t morsel_rows(const vonk_op *op) { return (uint64_t)MORSEL_BATCHES * vonk_exec_batch_rows(op->exec); }

static vonk_status range_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    uint64_t rows = first_row(op, partition + 1) - first_row(op, partition);
    uint64_t n = rows / morsel_rows(op) + (rows % morsel_rows(op) != 0);
    *ret_n = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)n; /* the last one takes what is left: nobody gets there */
    return VONK_OK;
}

static vonk_status range_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                               vonk_error *err)
{
    range_local *l = local;
    uint64_t end = first_row(op, partition + 1);
    l->at = first_row(op, partition) + (uint64_t)morsel * morsel_rows(op);
    l->end = end - l->at > morsel_rows(op) && morsel + 1 < UINT32_MAX / 2 ? l->at + morsel_rows(op) : end;
    return VONK_OK;
}

static vonk_status range_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    const vonk_range_info *r = &op->node->range;
    range_local *l = local;
    vonk_column *column = NULL;
    vonk_batch *batch = NULL;
    uint64_t left = l->end - l->at;
    uint32_t n = left < vonk_exec_batch_rows(op->exec) ? (uint32_t)left : vonk_exec_batch_rows(op->exec);
    if (n == 0) return VONK_OK;
    int64_t start = (int64_t)((vonk_i128)r->start + (vonk_i128)l->at * r->step);
    if (op->n_columns > 0)
        VONK_TRY(vonk_column_new_sequence(lane->budget, op->types[0], n, start, r->step, &column, err));
    VONK_TRY(vonk_op_batch(lane, n, &column, op->n_columns > 0, &batch, err));
    vonk_out_put(out, batch);
    l->at += n;
    return VONK_OK;
}

static const vonk_source_class range_source = {
    .local_size = sizeof(range_local), .n_morsels = range_n_morsels, .start = range_start, .next = range_next};
const vonk_op_class vonk_op_range = {
    .name = "range", .shared_size = sizeof(range_shared), .open = range_open, .source = &range_source};
