/* exec/fuse.c -- exchanges that one process does not need are left out, together with the first of two phases below
 * them (docs/decisions/0010): the operator above has one state for all partitions anyhow. Never: exchanges that the
 * user asked for (`fixed`), and those with two readers. */
#include "exec/exec_int.h"

/* Where the exchange is among exec->readers, or belongs. */
static size_t place_of(const vonk_exec *exec, const vonk_plan *exchange)
{
    size_t from = 0, to = exec->readers.n;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if ((uintptr_t)exec->readers.at[middle].exchange < (uintptr_t)exchange)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const vonk_exec *exec, size_t place, const vonk_plan *exchange)
{
    return place < exec->readers.n && exec->readers.at[place].exchange == exchange;
}

/* One more reader; *ret: the exchanges below have one more, too. Beyond two it does not matter how many. */
static vonk_status add_reader(vonk_exec *exec, const vonk_plan *exchange, bool *ret, vonk_error *err)
{
    const size_t place = place_of(exec, exchange);
    exec_readers added = {exchange, 1};
    *ret = true;
    if (is_at(exec, place, exchange)) {
        *ret = ++exec->readers.at[place].n <= 2;
        return VONK_OK;
    }
    VONK_TRY(VONK_VEC_ARENA_PUSH(&exec->readers, exec->arena, added, err));
    exec_readers *at = exec->readers.at + place;
    memmove(at + 1, at, (exec->readers.n - 1 - place) * sizeof *at);
    *at = added;
    return VONK_OK;
}

/* Depth is bounded by VONK_MAX_PLAN_DEPTH. */
vonk_status vonk__count_readers(vonk_exec *exec, const vonk_plan *p, vonk_error *err)
{
    for (uint32_t i = 0; i < p->n_children; i++) {
        bool below = true;
        if (p->children[i]->kind == VONK_PN_P_EXCHANGE) VONK_TRY(add_reader(exec, p->children[i], &below, err));
        if (below) VONK_TRY(vonk__count_readers(exec, p->children[i], err));
    }
    return VONK_OK;
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
    const size_t place = place_of(exec, child);
    return needless(parent, i, child->exchange.kind) && !(is_at(exec, place, child) && exec->readers.at[place].n > 1);
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
