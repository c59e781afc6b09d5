/* opt/physical_window.c -- WINDOW: rows of one partition come together, the operator orders them itself. */
#include "opt/opt_int.h"

vonk_status vonk__opt_lower_window(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *child = NULL, *placed = NULL;
    const vonk_expr **lists[3] = {0};
    vonk_plan *node = NULL;

    if (p->lists[0].n > 0 && p->lists[0].at[0]->children[0]->children[0]->kind == VONK_EX_PYTHON)
        return vonk__opt_lower_python_window(env, p, ret, err);
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &child, err));
    for (uint32_t i = 0; i < 3; i++)
        VONK_TRY(vonk__opt_bind_list(env, arena, p->lists[i].at, p->lists[i].n, p->children[0], VONK__BIND_VALUES,
                                     &lists[i], err));
    const uint32_t n_keys = p->lists[1].n;
    VONK_TRY(vonk__opt_exchange(env, child, n_keys ? VONK_EXCHANGE_HASH : VONK_EXCHANGE_SINGLE, lists[1], n_keys,
                                n_keys ? (int32_t)vonk_conf_i64(env->conf, "spark.sql.shuffle.partitions") : 1, false,
                                &placed, err));
    VONK_TRY(vonk__opt_node(
        env, VONK_PN_P_WINDOW, &placed, 1,
        &(vonk__lists){.at = {lists[0], lists[1], lists[2]}, .n = {p->lists[0].n, n_keys, p->lists[2].n}, .n_lists = 3},
        &node, err));
    return vonk_plan_finish(node, ret, err);
}
