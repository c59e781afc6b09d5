/* exec/op_hash_join.c -- P_HASH_JOIN: child 1 is collected (join_collect.c) and made into a table (join_build.c),
 * batches of child 0 are looked up in it (join_probe.c), build rows without a match come last (join_rest.c). Nouns:
 * join_int.h. */
#include "exec/join_int.h"

static vonk_status hash_join_open(vonk_op *op, vonk_error *err)
{
    const vonk_plan *node = op->node;
    const vonk_expr *residual = node->n_lists > 2 && node->lists[2].n > 0 ? node->lists[2].at[0] : NULL;
    if (node->n_lists < 2 || node->lists[0].n == 0 || node->lists[0].n != node->lists[1].n)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a hash join needs keys, the same number on both sides");
    return vonk__join_open(op, op->shared, &node->lists[0], &node->lists[1], residual, err);
}

static vonk_status probe_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    join_shared *s = op->shared;
    return vonk__join_lane_open(&s->form, lane, local, err);
}

static void probe_local_close(vonk_op *op, void *local)
{
    join_shared *s = op->shared;
    vonk__join_lane_close(&s->form, local);
}

static vonk_status probe_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    join_shared *s = op->shared;
    return vonk__join_probe(&s->form, s->table, lane, local, in, out, ret_flow, err);
}

static vonk_status probe_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    join_lane *l = local;
    l->open = false;
    return vonk__join_put_rest(&l->pieces, lane, out, err);
}

/* Can a probe row still make a difference? */
static bool probe_wants(vonk_op *op, int32_t partition, uint64_t ordinal)
{
    const join_shared *s = op->shared;
    const join_form *f = &s->form;
    if (f->type == VONK_JOIN_ANTI && f->null_aware && f->by_probe && !f->null_pairs && s->table->has_null) return false;
    return s->table->n_rows > 0 || f->outer_probe || (f->by_probe && f->type != VONK_JOIN_SEMI);
}

static vonk_status hash_join_metrics(vonk_op *op, vonk_buf *out, vonk_error *err)
{
    static const char *const kinds[] = {
        [JOIN_EMPTY] = "empty",   [JOIN_ALL] = "all",       [JOIN_RANGE] = "range",
        [JOIN_RANKED] = "ranked", [JOIN_DIRECT] = "direct", [JOIN_DIRECT_LISTS] = "direct lists",
        [JOIN_HASHED] = "hashed"};
    const join_shared *s = op->shared;
    if (!s->table) return vonk_buf_add_c(out, "table: none", err);
    return vonk_buf_printf(out, err, "table: %s, build rows: %u", kinds[s->table->kind], s->table->n_rows);
}

static const vonk_input_class hash_join_inputs[2] = {{.order = VONK_ORDER_KEEPS,
                                                      .local_size = sizeof(join_lane),
                                                      .local_open = probe_local_open,
                                                      .push = probe_push,
                                                      .end_morsel = probe_end,
                                                      .wants = probe_wants,
                                                      .local_close = probe_local_close},
                                                     JOIN_BUILD_INPUT};
const vonk_op_class vonk_op_hash_join = {.name = "hash_join",
                                         .shared_size = sizeof(join_shared),
                                         .open = hash_join_open,
                                         .close = vonk__join_close,
                                         .n_inputs = 2,
                                         .inputs = hash_join_inputs,
                                         .source = &vonk__join_source,
                                         .metrics = hash_join_metrics};
