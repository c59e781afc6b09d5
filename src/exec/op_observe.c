/* exec/op_observe.c -- P_METRICS: rows pass; aggregates over them are observed and can be asked for at the end
 * (vonk_exec_observed). The aggregates are those without keys: agg_global.c. */
#include "exec/agg_int.h"

static vonk_status metrics_open(vonk_op *op, vonk_error *err)
{
    static const vonk_expr_list none;
    uint32_t n_partitions = op->n_partitions;
    bool by_hash = op->by_hash;
    VONK_TRY(vonk__agg_open_lists(op, &none, &op->node->lists[0], VONK_AGG_COMPLETE, err));
    op->n_partitions = n_partitions;
    op->by_hash = by_hash;
    return VONK_OK;
}

static vonk_status metrics_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                vonk_flow *ret_flow, vonk_error *err)
{
    VONK_TRY(vonk__global_push(op, lane, local, in, out, ret_flow, err));
    vonk_out_put(out, vonk_batch_ref(in));
    return VONK_OK;
}

static vonk_status observe(vonk_op *op, vonk_lane *lane, vonk_batch **ret, vonk_error *err)
{
    global_shared *g = op->shared;
    vonk_column **columns = NULL;
    uint32_t n = g->agg.n_fns;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < n && st == VONK_OK; i++)
        st = vonk__agg_fn_column(&g->agg, &g->agg.fns[i], lane, &g->final, 1, &columns[i], err);
    if (st == VONK_OK) return vonk_op_batch(lane, 1, columns, n, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}

static vonk_status metrics_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    vonk_exec *exec = op->exec;
    exec_observed seen = {.node = op->node};
    VONK_TRY(vonk__global_finish(op, lane, ret_steps, err));
    VONK_TRY(observe(op, lane, &seen.row, err));
    if (op->node->name.n_parts > 0) seen.name = op->node->name.parts[0];
    vonk_mutex_lock(&exec->lock);
    vonk_status st = VONK_VEC_PUSH(&exec->observed, exec->own_budget, seen, err);
    vonk_mutex_unlock(&exec->lock);
    if (st != VONK_OK) vonk_batch_unref(seen.row);
    return st;
}

static const vonk_input_class metrics_input = {.order = VONK_ORDER_KEEPS,
                                               .local_size = sizeof(global_local),
                                               .local_open = vonk__global_local_open,
                                               .push = metrics_push,
                                               .end_morsel = vonk__global_end,
                                               .finish = metrics_finish,
                                               .local_close = vonk__global_local_close};
const vonk_op_class vonk_op_observe = {.name = "observe",
                                       .shared_size = sizeof(global_shared),
                                       .open = metrics_open,
                                       .close = vonk__global_close,
                                       .n_inputs = 1,
                                       .inputs = &metrics_input};
