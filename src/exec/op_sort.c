/* exec/op_sort.c -- P_SORT: the sink keeps and sorts (sort_sink.c), what comes out is merged: in memory cut by cut in
 * parallel, with runs on disk by one lane. Stable. A local sort keeps partitions. */
#include "exec/sort_int.h"

static vonk_status sort_open(vonk_op *op, vonk_error *err)
{
    sort_sink *s = op->shared;
    bool global = op->node->number == 1 || op->fused; /* fused: the range exchange below is left out */
    vonk__sort_sink_init(s);
    s->by_partition = !global;
    VONK_TRY(vonk__sort_form_open(op, &s->form, !global, err));
    op->n_partitions = global ? 1 : op->children[0]->n_partitions;
    op->by_hash = !global && op->children[0]->by_hash;
    return VONK_OK;
}

static void sort_close(vonk_op *op) { vonk__sort_sink_done(op->shared); }

/* ---- rows go out */

typedef struct sort_out {
    sort_reader reader;
    uint8_t **rows;
} sort_out;

static vonk_status out_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    sort_out *o = local;
    VONK_TRY(vonk__sort_reader_open(op, &o->reader, err));
    return vonk_alloc_zeroed(op->budget, vonk_exec_batch_rows(op->exec) * sizeof *o->rows, &o->rows, err);
}

static void out_close(vonk_op *op, void *local)
{
    sort_out *o = local;
    vonk__sort_reader_close(&o->reader);
    vonk_free(o->rows);
}

static vonk_status out_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    sort_out *o = local;
    return vonk__sort_reader_start(op, &o->reader, partition, morsel, err);
}

static vonk_status out_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    sort_sink *s = op->shared;
    sort_out *o = local;
    uint32_t n = 0;
    vonk_batch *batch = NULL;
    VONK_TRY(vonk__sort_reader_next(op, &o->reader, o->rows, vonk_exec_batch_rows(op->exec), &n, err));
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk__sort_output(op, lane, &s->form, o->rows, n, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

static const vonk_source_class sort_source = {.local_size = sizeof(sort_out),
                                              .local_open = out_open,
                                              .n_morsels = vonk__sort_n_morsels,
                                              .start = out_start,
                                              .next = out_next,
                                              .local_close = out_close};
const vonk_op_class vonk_op_sort = {.name = "sort",
                                    .shared_size = sizeof(sort_sink),
                                    .open = sort_open,
                                    .close = sort_close,
                                    .spillable = vonk__sort_spillable,
                                    .spill = vonk__sort_spill,
                                    .n_inputs = 1,
                                    .inputs = &vonk__sort_input,
                                    .source = &sort_source};
