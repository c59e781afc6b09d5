/* exec/stage_codec.c -- a stage's plan through bytes and back, as if it went to an executor: what does not survive
 * shows up in tests (vonk.test.checkPlanCodec), not on the first cluster. Leaves are the exchanges that are done. */
#include "exec/exec_int.h"

static bool can_be_encoded(const vonk_plan *p)
{
    if (p->kind == VONK_PN_P_SCAN && (!p->scan.table->cls->encode_scan || !p->scan.table->cls->decode_scan))
        return false;
    for (uint32_t i = 0; i < p->n_children; i++) {
        if (!can_be_encoded(p->children[i])) return false;
    }
    return true;
}

vonk_status vonk__stage_through_codec(vonk_exec *exec, uint32_t stage, const vonk_plan **inout_root, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    const vonk_plan **leaves = NULL, *decoded = NULL;
    uint32_t n = 0;
    if (!can_be_encoded(*inout_root)) return VONK_OK;
    VONK_TRY(vonk_arena_array(exec->arena, stage, sizeof *leaves, &leaves, err));
    for (uint32_t i = 0; i < stage; i++) {
        if (exec->stages.at[i]->done && exec->stages.at[i]->root) leaves[n++] = exec->stages.at[i]->root;
    }
    vonk_buf_init(&bytes, exec->own_budget, SIZE_MAX);
    VONK_TRY(vonk_plan_encode_above(*inout_root, leaves, n, &bytes, err));
    VONK_TRY(vonk_plan_decode_above(exec->budget, vonk_buf_str(&bytes), leaves, n, &decoded, err));
    vonk_status st = VONK_VEC_PUSH(&exec->held, exec->own_budget, decoded, err);
    if (st != VONK_OK) {
        vonk_plan_unref(decoded);
        return st;
    }
    *inout_root = decoded;
    return VONK_OK;
}
