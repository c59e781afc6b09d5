/* exec/replan.c -- what finished stages have shown changes the stages that are still to come: called by the driver,
 * i.e. before each stage is lowered.
 *
 * So far one thing: an inner hash join whose build side turns out to be much larger than its probe side builds the
 * other one. How many rows a finished exchange has is known; of what is still to be read there is the optimizer's
 * guess. The choice depends on numbers of rows only, so that the rows' order stays the same with any number of threads.
 */
#include "exec/exec_int.h"

#define LEAST_ROWS 10000 /* below, either side is fine */
#define LEAST_RATIO 2

/* ---- what is known */
static bool is_done(const vonk_exec *exec, const vonk_plan *p, double *ret_rows)
{
    for (size_t i = 0; i < exec->stages.n; i++) {
        const exec_stage *stage = exec->stages.at[i];
        if (stage->root != p || !stage->done || !stage->op || stage->op->n_children == 0) continue;
        *ret_rows = (double)atomic_load(&stage->op->children[0]->metrics.rows_out);
        return true;
    }
    return false;
}

/* Rows of a side of a join. True: counted (`exact`), or not more than that; false: nothing but the guess. */
static bool counted_rows(const vonk_exec *exec, const vonk_plan *p, bool *ret_exact, double *ret_rows)
{
    *ret_exact = true;
    for (;;) {
        if (is_done(exec, p, ret_rows)) return true;
        switch (p->kind) {
        case VONK_PN_P_FILTER: *ret_exact = false; break;
        case VONK_PN_P_PROJECT:
        case VONK_PN_P_EXCHANGE: break;
        default: return false;
        }
        p = p->children[0];
    }
}

static bool wants_swap(const vonk_exec *exec, const vonk_plan *join)
{
    bool exact_build, exact_probe;
    double build = 0, probe = 0;
    if (join->join.type != VONK_JOIN_INNER || join->join.null_aware) return false;
    bool known_build = counted_rows(exec, join->children[1], &exact_build, &build);
    bool known_probe = counted_rows(exec, join->children[0], &exact_probe, &probe);
    if (!known_build && !known_probe) return false;
    if (!known_build || !exact_build) build = join->join.build_rows;
    if (!known_probe) probe = join->join.probe_rows;
    return probe > 0 && build >= LEAST_ROWS && build > probe * LEAST_RATIO;
}

/* ---- the join the other way round */
static vonk_status swap_column(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const uint32_t *widths = arg; /* of the old probe and build side */
    if (e->kind != VONK_EX_BOUND) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    uint32_t at = e->index < widths[0] ? e->index + widths[1] : e->index - widths[0];
    return vonk_ex_bound(vonk_arena_budget(e->arena), at, e->type, e->nullable, e->name, ret, err);
}

static vonk_status swap_residual(vonk_exec *exec, const vonk_plan *join, vonk_plan *copy, vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *swapped = NULL;
    uint32_t widths[2] = {join->children[0]->n_output, join->children[1]->n_output};
    if (join->n_lists < 3 || join->lists[2].n == 0) return VONK_OK;
    VONK_TRY(vonk_expr_rewrite(exec->budget, join->lists[2].at[0], swap_column, widths, &swapped, err));
    return vonk_plan_set_list(copy, 2, &swapped, 1, err);
}

static vonk_status broadcast(vonk_exec *exec, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;
    VONK_TRY(vonk_plan_new(exec->budget, VONK_PN_P_EXCHANGE, &child, 1, &node, err));
    node->exchange = (vonk_exchange_info){.kind = VONK_EXCHANGE_BROADCAST, .n_partitions = 1};
    return vonk_plan_finish(node, ret, err);
}

static vonk_status swapped(vonk_exec *exec, const vonk_plan *join, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *build = NULL;
    const vonk_plan *probe = join->children[1]->children[0]; /* without the broadcast */
    vonk_plan *copy = NULL;
    VONK_TRY(broadcast(exec, join->children[0], &build, err));
    VONK_TRY(vonk_plan_copy(exec->budget, join, (const vonk_plan *[]){probe, build}, 2, &copy, err));
    vonk_status st = vonk_plan_set_list(copy, 0, join->lists[1].at, join->lists[1].n, err);
    if (st == VONK_OK) st = vonk_plan_set_list(copy, 1, join->lists[0].at, join->lists[0].n, err);
    if (st == VONK_OK) st = swap_residual(exec, join, copy, err);
    if (st != VONK_OK) {
        vonk_plan_unref(copy);
        return st;
    }
    copy->join.build_left = !join->join.build_left;
    copy->join.probe_rows = join->join.build_rows;
    copy->join.build_rows = join->join.probe_rows;
    return vonk_plan_finish(copy, ret, err);
}

/* Sides that can change places: a broadcast above the build side, and a probe side that is no exchange, or a finished
 * one. */
static bool can_swap(const vonk_exec *exec, const vonk_plan *join)
{
    const vonk_plan *build = join->children[1], *probe = join->children[0];
    double rows;
    if (build->kind != VONK_PN_P_EXCHANGE || build->exchange.kind != VONK_EXCHANGE_BROADCAST ||
        is_done(exec, build, &rows))
        return false;
    return probe->kind != VONK_PN_P_EXCHANGE || is_done(exec, probe, &rows);
}

static vonk_status step(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    vonk_exec *exec = arg;
    if (p->kind == VONK_PN_P_HASH_JOIN && can_swap(exec, p) && wants_swap(exec, p)) return swapped(exec, p, ret, err);
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

/* Bottom up, but not below finished exchanges: they stay the very nodes that stages are known by. */
static vonk_status replanned(vonk_exec *exec, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *over = NULL;
    const vonk_plan **children = NULL;
    vonk_plan *copy = NULL;
    bool same = true;
    double rows;
    uint32_t n = 0;
    vonk_status st = VONK_OK;
    if (p->n_children == 0 || is_done(exec, p, &rows)) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_array(exec->own_budget, p->n_children, sizeof *children, &children, err));
    for (; n < p->n_children && st == VONK_OK; n++) {
        st = replanned(exec, p->children[n], &children[n], err);
        if (st != VONK_OK) break;
        same &= children[n] == p->children[n];
    }
    if (st == VONK_OK && same) over = vonk_plan_ref(p);
    if (st == VONK_OK && !same) {
        st = vonk_plan_copy(exec->budget, p, children, p->n_children, &copy, err);
        if (st == VONK_OK) st = vonk_plan_finish(copy, &over, err);
    }
    for (uint32_t i = 0; i < n; i++) vonk_plan_unref(children[i]);
    vonk_free(children);
    VONK_TRY(st);
    return step(over, exec, ret, err);
}

vonk_status vonk__replan(vonk_exec *exec, uint32_t stage, const vonk_plan **inout_root, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *changed = NULL;
    bool any_done = false;
    if (exec->env.conf && !vonk_conf_bool(exec->env.conf, "spark.sql.adaptive.enabled")) return VONK_OK;
    for (uint32_t i = 0; i < stage; i++) any_done |= exec->stages.at[i]->done;
    if (!any_done || !exec->fuse) return VONK_OK; /* nothing is known yet; or: every exchange is a stage of its own */
    VONK_TRY(replanned(exec, *inout_root, &changed, err));
    if (changed == *inout_root) return VONK_OK;
    VONK_TRY(VONK_VEC_PUSH(&exec->held, exec->own_budget, changed, err));
    *inout_root = VONK_STEAL(changed);
    return VONK_OK;
}
