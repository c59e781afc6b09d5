/* exec/fuse.c -- exchanges that one process does not need are left out, together with the first of two phases below
 * them (docs/decisions/0010): the operator above has one state for all partitions anyhow. Never: exchanges that the
 * user asked for (`fixed`), and those with two readers. */
#include "exec/exec_int.h"

static uint32_t n_readers(const vonk_plan *p, const vonk_plan *exchange)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n_children; i++) {
        n += p->children[i] == exchange;
        n += n_readers(p->children[i], exchange);
    }
    return n;
}

static bool needless(const vonk_plan *parent, uint32_t i, vonk_exchange_kind kind)
{
    bool keyed = kind == VONK_EXCHANGE_HASH || kind == VONK_EXCHANGE_SINGLE;
    switch (parent->kind) {
    case VONK_PN_P_AGGREGATE: return keyed;
    case VONK_PN_P_SORT: return kind == VONK_EXCHANGE_RANGE || kind == VONK_EXCHANGE_SINGLE;
    case VONK_PN_P_LIMIT: return kind == VONK_EXCHANGE_SINGLE && parent->number != 1;
    case VONK_PN_P_TOP_N:
    case VONK_PN_P_TAIL: return kind == VONK_EXCHANGE_SINGLE;
    case VONK_PN_P_PYTHON_GROUPS:
    case VONK_PN_P_WINDOW: return keyed;
    case VONK_PN_P_HASH_JOIN:
    case VONK_PN_P_LOOP_JOIN: return keyed || (i == 1 && kind == VONK_EXCHANGE_BROADCAST);
    default: return false;
    }
}

bool vonk__fuses(const vonk_exec *exec, const vonk_plan *parent, uint32_t i)
{
    const vonk_plan *child = parent->children[i];
    if (!exec->fuse || child->kind != VONK_PN_P_EXCHANGE || child->exchange.fixed) return false;
    return needless(parent, i, child->exchange.kind) && n_readers(exec->plan, child) <= 1;
}

const vonk_plan *vonk__input_of(const vonk_exec *exec, const vonk_plan *node, uint32_t i, const vonk_plan **ret_fused)
{
    const vonk_plan *child = node->children[i];
    *ret_fused = NULL;
    if (!vonk__fuses(exec, node, i)) return child;
    const vonk_plan *below = child->children[0];
    bool phases = node->kind == VONK_PN_P_AGGREGATE && below->kind == VONK_PN_P_AGGREGATE &&
                  node->agg.mode == VONK_AGG_FINAL && below->agg.mode == VONK_AGG_PARTIAL;
    bool limits = node->kind == VONK_PN_P_LIMIT && below->kind == VONK_PN_P_LIMIT && below->number == 1;
    *ret_fused = phases || limits ? below : child;
    return phases || limits ? below->children[0] : below;
}
