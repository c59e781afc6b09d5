/* exec/op_loop_join.c -- P_LOOP_JOIN: every row of child 0 meets every row of child 1, which is collected first
 * (join_collect.c); pairs are listed and judged a batch at a time (join_probe.c), build rows without a match come last
 * (join_rest.c). A hash join without keys: the same parts over a table that leads to all its rows (JOIN_ALL). */
#include "exec/join_int.h"

static vonk_status loop_join_open(vonk_op *op, vonk_error *err)
{
    const vonk_plan *node = op->node;
    const vonk_expr *condition = node->n_lists > 0 && node->lists[0].n > 0 ? node->lists[0].at[0] : NULL;
    return vonk__join_open(op, op->shared, NULL, NULL, condition, err);
}

static vonk_status loop_join_metrics(vonk_op *op, vonk_buf *out, vonk_error *err)
{
    const join_shared *s = op->shared;
    if (s->spilled) return vonk__join_grace_metrics(s->grace, out, err);
    return vonk_buf_printf(out, err, "build rows: %u", s->table ? s->table->n_rows : 0);
}

static const vonk_input_class loop_join_inputs[2] = {JOIN_PROBE_INPUT, JOIN_BUILD_INPUT};
const vonk_op_class vonk_op_loop_join = {.name = "loop_join",
                                         .shared_size = sizeof(join_shared),
                                         .open = loop_join_open,
                                         .close = vonk__join_close,
                                         .spillable = vonk__join_spillable,
                                         .spill = vonk__join_spill,
                                         .n_inputs = 2,
                                         .inputs = loop_join_inputs,
                                         .source = &vonk__join_source,
                                         .metrics = loop_join_metrics};
