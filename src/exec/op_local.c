/* exec/op_local.c -- P_LOCAL: batches that are part of the plan; P_ONE_ROW: one row without columns. Rows are dealt out
 * to partitions as Spark's parallelize does: partition i of n has rows i * rows / n up to (i + 1) * rows / n. */
#include "exec/op_int.h"

#define MORSEL_ROWS 65536

typedef struct local_shared {
    uint64_t *ends; /* [batch]: rows up to and with it */
    uint64_t n_rows;
} local_shared;
typedef struct local_local {
    uint64_t at, end;
    uint32_t batch; /* that holds `at` */
} local_local;

static vonk_status local_open(vonk_op *op, vonk_error *err)
{
    const vonk_local_info *info = &op->node->local;
    local_shared *s = op->shared;
    VONK_TRY(vonk_arena_array(op->arena, info->n_batches, sizeof *s->ends, &s->ends, err));
    for (uint32_t i = 0; i < info->n_batches; i++) {
        s->n_rows += info->batches[i]->n_sel;
        s->ends[i] = s->n_rows;
    }
    uint32_t most = info->one_partition ? 1 : vonk__default_parallelism(op->exec);
    op->n_partitions = s->n_rows < most ? (uint32_t)s->n_rows : most;
    if (op->n_partitions == 0) op->n_partitions = 1;
    return VONK_OK;
}

static uint64_t first_row(const vonk_op *op, uint32_t i)
{
    const local_shared *s = op->shared;
    return (uint64_t)((vonk_i128)s->n_rows * i / op->n_partitions);
}

static vonk_status local_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    uint64_t rows = first_row(op, partition + 1) - first_row(op, partition);
    *ret_n = vonk_u32_of((rows + MORSEL_ROWS - 1) / MORSEL_ROWS);
    return VONK_OK;
}

static vonk_status local_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                               vonk_error *err)
{
    const local_shared *s = op->shared;
    local_local *l = local;
    uint64_t end = first_row(op, partition + 1);
    l->at = first_row(op, partition) + (uint64_t)morsel * MORSEL_ROWS;
    l->end = end - l->at > MORSEL_ROWS ? l->at + MORSEL_ROWS : end;
    l->batch = 0;
    while (l->at < l->end && s->ends[l->batch] <= l->at) l->batch++;
    return VONK_OK;
}

static vonk_status local_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    const vonk_local_info *info = &op->node->local;
    const local_shared *s = op->shared;
    local_local *l = local;
    vonk_batch *piece = NULL;
    if (l->at >= l->end) return VONK_OK;
    while (s->ends[l->batch] <= l->at) l->batch++;
    const vonk_batch *b = info->batches[l->batch];
    uint64_t from = l->at - (s->ends[l->batch] - b->n_sel);
    uint64_t n = b->n_sel - from;
    if (n > l->end - l->at) n = l->end - l->at;
    if (n > vonk_exec_batch_rows(op->exec)) n = vonk_exec_batch_rows(op->exec);
    if (n == b->n_rows)
        piece = vonk_batch_ref(b);
    else
        VONK_TRY(vonk_batch_slice(b, (uint32_t)from, (uint32_t)n, &piece, err));
    vonk_out_put(out, piece);
    l->at += n;
    return VONK_OK;
}

static const vonk_source_class local_source = {
    .local_size = sizeof(local_local), .n_morsels = local_n_morsels, .start = local_start, .next = local_next};
const vonk_op_class vonk_op_local = {
    .name = "local", .shared_size = sizeof(local_shared), .open = local_open, .source = &local_source};

/* ---- one row */

static vonk_status one_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    *ret_n = 1;
    return VONK_OK;
}

static vonk_status one_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    *(bool *)local = false;
    return VONK_OK;
}

static vonk_status one_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    vonk_batch *batch = NULL;
    bool *given = local;
    if (*given) return VONK_OK;
    VONK_TRY(vonk_op_batch(lane, 1, NULL, 0, &batch, err));
    vonk_out_put(out, batch);
    *given = true;
    return VONK_OK;
}

static const vonk_source_class one_source = {
    .local_size = sizeof(bool), .n_morsels = one_n_morsels, .start = one_start, .next = one_next};
const vonk_op_class vonk_op_one_row = {.name = "one_row", .source = &one_source};
