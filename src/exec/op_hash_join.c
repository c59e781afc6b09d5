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

static vonk_status hash_join_metrics(vonk_op *op, vonk_buf *out, vonk_error *err)
{
    static const char *const kinds[] = {
        [JOIN_EMPTY] = "empty",   [JOIN_ALL] = "all",       [JOIN_RANGE] = "range",
        [JOIN_RANKED] = "ranked", [JOIN_DIRECT] = "direct", [JOIN_DIRECT_LISTS] = "direct lists",
        [JOIN_HASHED] = "hashed"};
    const join_shared *s = op->shared;
    if (s->spilled) return vonk__join_grace_metrics(s->grace, out, err);
    if (!s->table) return vonk_buf_add_c(out, "table: none", err);
    return vonk_buf_printf(out, err, "table: %s, build rows: %u", kinds[s->table->kind], s->table->n_rows);
}

static const vonk_input_class hash_join_inputs[2] = {JOIN_PROBE_INPUT, JOIN_BUILD_INPUT};
const vonk_op_class vonk_op_hash_join = {.name = "hash_join",
                                         .shared_size = sizeof(join_shared),
                                         .open = hash_join_open,
                                         .close = vonk__join_close,
                                         .spillable = vonk__join_spillable,
                                         .spill = vonk__join_spill,
                                         .n_inputs = 2,
                                         .inputs = hash_join_inputs,
                                         .source = &vonk__join_source,
                                         .metrics = hash_join_metrics};
