/* opt/memory.c -- how much a plan is going to keep while it runs: groups, build sides, rows to be sorted. Estimates,
 * for deciding which queries run beside each other. */
#include "opt/opt.h"
#include "opt/stats.h"

#define KEPT_ROW_BYTES 24 /* a row's header, hash and place */

static double bytes_of(const vonk_plan *p, double rows)
{
    double width = KEPT_ROW_BYTES;

    for (uint32_t i = 0; i < p->n_output; i++) width += vonk__opt_value_bytes(p->output[i]->type);
    return rows * width;
}

static double kept(const vonk_opt_env *env, const vonk_plan *p)
{
    switch (p->kind) {
    case VONK_PN_AGGREGATE: return bytes_of(p, vonk__opt_rows(env, p));
    case VONK_PN_SORT:
    case VONK_PN_WINDOW: return bytes_of(p->children[0], vonk__opt_rows(env, p->children[0]));
    case VONK_PN_JOIN: {
        const double left = bytes_of(p->children[0], vonk__opt_rows(env, p->children[0]));
        const double right = bytes_of(p->children[1], vonk__opt_rows(env, p->children[1]));
        return left < right ? left : right;
    }
    default: return 0;
    }
}

double vonk_opt_memory_bytes(const vonk_opt_env *env, const vonk_plan *optimized)
{
    const bool top_n = optimized->kind == VONK_PN_LIMIT && optimized->children[0]->kind == VONK_PN_SORT;
    double sum = kept(env, optimized);

    if (top_n) return vonk_opt_memory_bytes(env, optimized->children[0]->children[0]);
    for (uint32_t i = 0; i < optimized->n_children; i++) sum += vonk_opt_memory_bytes(env, optimized->children[i]);
    return sum;
}
