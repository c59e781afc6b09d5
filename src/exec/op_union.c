/* exec/op_union.c -- P_UNION: the rows of its inputs, one input after the other; partitions are numbered on. */
#include "exec/op_int.h"

static vonk_status union_open(vonk_op *op, vonk_error *err)
{
    uint32_t *add = NULL;
    uint64_t n = 0;
    VONK_TRY(vonk_arena_array(op->arena, op->n_children, sizeof *add, &add, err));
    for (uint32_t i = 0; i < op->n_children; i++) {
        if (op->children[i]->n_columns != op->n_columns)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the inputs of a union differ in their columns");
        add[i] = (uint32_t)n;
        n += op->children[i]->n_partitions;
        if (n > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a union of 2147483648 partitions or more");
    }
    op->partition_add = add;
    op->n_partitions = (uint32_t)n;
    op->by_hash = false; /* equal keys are in one partition of each input */
    return VONK_OK;
}

static const vonk_input_class union_input = {.order = VONK_ORDER_KEEPS};
const vonk_op_class vonk_op_union = {.name = "union", .open = union_open, .n_inputs = 1, .inputs = &union_input};
