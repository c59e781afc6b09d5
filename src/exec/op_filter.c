/* exec/op_filter.c -- P_FILTER: keeps the rows for which the condition is true.
 *
 * Rows are kept by a selection; columns are not touched. A batch that keeps few rows would make everything above it pay
 * per batch instead of per row, so the rows of sparse batches are gathered and go on together, within the morsel. */
#include "exec/op_int.h"

#define SPARSE_PART 8 /* fewer than 1/8 of the rows: sparse */
#define MOST_PIECES 64

typedef struct filter_shared {
    vonk_program *program;
} filter_shared;
typedef struct filter_local {
    op_program_local program;
    vonk_batch *pieces[MOST_PIECES]; /* dense, kept back */
    uint32_t n_pieces, n_rows;
} filter_local;

static vonk_status filter_open(vonk_op *op, vonk_error *err)
{
    filter_shared *s = op->shared;
    return vonk_op_program(op, op->node->lists[0].at, 1, &s->program, err);
}

static void filter_close(vonk_op *op)
{
    filter_shared *s = op->shared;
    vonk_program_free(s->program);
}

static vonk_status filter_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    filter_shared *s = op->shared;
    filter_local *l = local;
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static vonk_status put_pieces(filter_local *l, vonk_lane *lane, vonk_out *out, vonk_error *err)
{
    vonk_batch *all = NULL;
    vonk_status st = VONK_OK;
    if (l->n_pieces == 1)
        all = vonk_batch_ref(l->pieces[0]);
    else if (l->n_pieces > 1)
        st = vonk_batch_concat(lane->budget, (const vonk_batch *const *)l->pieces, l->n_pieces, &all, err);
    for (uint32_t i = 0; i < l->n_pieces; i++) vonk_batch_unref(l->pieces[i]);
    l->n_pieces = l->n_rows = 0;
    if (all) vonk_out_put(out, all);
    return st;
}

static vonk_status filter_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                               vonk_flow *ret_flow, vonk_error *err)
{
    filter_local *l = local;
    vonk_batch *kept = NULL;
    vonk_buffer *sel = NULL;
    uint32_t n = 0;
    uint32_t target = vonk_exec_batch_rows(op->exec);
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_filter(l->program.at, in, &sel, &n, err));
    if (n == 0) {
        vonk_buffer_unref(sel);
        return VONK_OK;
    }
    if (!sel) {
        kept = vonk_batch_ref(in);
    } else {
        VONK_TRY(vonk_batch_select(in, sel, n, &kept, err));
    }
    bool sparse = (uint64_t)n * SPARSE_PART < in->n_rows;
    if (!sparse && l->n_pieces == 0) {
        vonk_out_put(out, kept);
        return VONK_OK;
    }
    /* Order: what is kept back comes first, so a dense batch behind sparse ones goes into the same heap. */
    vonk_batch *dense = NULL;
    vonk_status st = vonk_batch_compact(kept, &dense, err);
    vonk_batch_unref(kept);
    VONK_TRY(st);
    l->pieces[l->n_pieces++] = dense;
    l->n_rows += dense->n_rows;
    if (l->n_rows * 2 >= target || l->n_pieces == MOST_PIECES || !sparse) return put_pieces(l, lane, out, err);
    return VONK_OK;
}

static vonk_status filter_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    return put_pieces(local, lane, out, err);
}

static void filter_local_close(vonk_op *op, void *local)
{
    filter_local *l = local;
    for (uint32_t i = 0; i < l->n_pieces; i++) vonk_batch_unref(l->pieces[i]);
    vonk__program_close(&l->program);
}

static const vonk_input_class filter_input = {.order = VONK_ORDER_KEEPS,
                                              .local_size = sizeof(filter_local),
                                              .local_open = filter_local_open,
                                              .push = filter_push,
                                              .end_morsel = filter_end,
                                              .local_close = filter_local_close};
const vonk_op_class vonk_op_filter = {.name = "filter",
                                      .shared_size = sizeof(filter_shared),
                                      .open = filter_open,
                                      .close = filter_close,
                                      .n_inputs = 1,
                                      .inputs = &filter_input};
