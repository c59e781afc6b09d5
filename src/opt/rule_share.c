/* opt/rule_share.c -- an aggregation that stands in the plan more than once is computed once.
 *
 *   Join                                        Join
 *   :- Aggregate [k, sum(v)]                    :- Shared 1
 *   :  +- Relation t                            :  +- Aggregate [k, sum(v)]
 *   +- Aggregate [k, max]                 =>    :     +- Relation t
 *      +- Aggregate [k, sum(v)]                 +- Aggregate [k, max]
 *         +- Relation t                            +- Project [the first one's columns under the second one's ids]
 *                                                     +- Shared 1
 *                                                        +- Aggregate [k, sum(v)]
 *                                                           +- Relation t
 *
 * A query that names a CTE or a view twice has such plans. The copies stay in the tree, so that later rules need not
 * know; the planner lowers the first one and lets the others read its rows (physical.c). Worth it where many rows
 * become few. */
#include "opt/rules.h"
#include "opt/scratch.h"
#include "opt/stats.h"

#define LEAST_ROWS 10000 /* of its leaves: below, computing it again costs less than keeping its rows */
#define LEAST_SAVING 4   /* leaves' rows for each one kept */
#define MOST_CANDIDATES 64

typedef struct candidate {
    const vonk_plan *plan;
    uint32_t group; /* 0: none */
    uint32_t first; /* of its group */
} candidate;

typedef struct sharer {
    vonk__scratch s;
    candidate at[MOST_CANDIDATES];
    uint32_t n, n_groups;
} sharer;

/* ---- candidates */
static vonk_walk find_candidates(const vonk_plan *p, void *arg)
{
    sharer *sh = arg;

    if (p->kind == VONK_PN_AGGREGATE && sh->n < MOST_CANDIDATES) sh->at[sh->n++].plan = p;
    return sh->n < MOST_CANDIDATES ? VONK_WALK_ON : VONK_WALK_STOP;
}

static vonk_walk check_repeatable(const vonk_plan *p, void *arg)
{
    bool *ret = arg;

    if (p->kind == VONK_PN_SAMPLE || p->kind == VONK_PN_COLLECT_METRICS) *ret = false;
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            *ret = *ret && vonk_expr_is_deterministic(p->lists[l].at[i]) &&
                   !vonk_expr_contains(p->lists[l].at[i], VONK_EX_SUBQUERY);
    return *ret ? VONK_WALK_ON : VONK_WALK_STOP;
}

static double leaf_rows(const vonk_opt_env *env, const vonk_plan *p)
{
    double rows = p->n_children == 0 ? vonk__opt_rows(env, p) : 0;

    for (uint32_t i = 0; i < p->n_children; i++) rows += leaf_rows(env, p->children[i]);
    return rows;
}

static bool is_worth_it(const vonk_opt_env *env, const vonk_plan *p)
{
    const double rows = leaf_rows(env, p);
    bool repeatable = true;

    if (rows < LEAST_ROWS || rows < vonk__opt_rows(env, p) * LEAST_SAVING) return false;
    vonk_plan_walk(p, check_repeatable, &repeatable);
    return repeatable;
}

static bool looks_same(const vonk_plan *a, const vonk_plan *b)
{
    return a->n_output == b->n_output && a->depth == b->depth && a->lists[0].n == b->lists[0].n &&
           a->children[0]->kind == b->children[0]->kind;
}

typedef struct inside_of {
    const vonk_plan *wanted;
    bool found;
} inside_of;

static vonk_walk find_inside(const vonk_plan *p, void *arg)
{
    inside_of *in = arg;

    in->found |= p == in->wanted;
    return in->found ? VONK_WALK_STOP : VONK_WALK_ON;
}

/* Is candidate c below one that is shared already? */
static bool is_covered(const sharer *sh, uint32_t c)
{
    for (uint32_t i = 0; i < c; i++) {
        inside_of in = {.wanted = sh->at[c].plan};
        if (sh->at[i].group == 0) continue;
        vonk_plan_walk(sh->at[i].plan, find_inside, &in);
        if (in.found) return true;
    }
    return false;
}

static vonk_status group(sharer *sh, vonk_error *err)
{
    for (uint32_t i = 0; i + 1 < sh->n; i++) {
        if (sh->at[i].group != 0 || is_covered(sh, i)) continue;
        for (uint32_t k = i + 1; k < sh->n; k++) {
            bool same = false;
            if (sh->at[k].group != 0 || !looks_same(sh->at[i].plan, sh->at[k].plan) || is_covered(sh, k)) continue;
            VONK_TRY(vonk_plan_same(sh->at[i].plan, sh->at[k].plan, &same, err));
            if (!same || (sh->at[i].group == 0 && !is_worth_it(sh->s.env, sh->at[i].plan))) continue;
            if (sh->at[i].group == 0) sh->at[i] = (candidate){sh->at[i].plan, ++sh->n_groups, i};
            sh->at[k].group = sh->at[i].group;
            sh->at[k].first = i;
        }
    }
    return VONK_OK;
}

/* ---- the plan anew */
static vonk_status renamed(sharer *sh, const vonk_expr *column, const vonk_expr *as, const vonk_expr **ret,
                           vonk_error *err)
{
    vonk_expr *alias = NULL;

    VONK_TRY(vonk_expr_new(sh->s.env->budget, VONK_EX_ALIAS, &column, 1, &alias, err));
    alias->id = as->id;
    const vonk_status status = vonk_expr_set_name(alias, as->name, err);
    if (status != VONK_OK) {
        vonk_expr_unref(alias);
        return status;
    }
    VONK_TRY(vonk_expr_finish(alias, ret, err));
    return vonk__scratch_keep_expr(&sh->s, *ret, err);
}

static vonk_status shared(sharer *sh, const candidate *c, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *first = sh->at[c->first].plan;
    vonk_plan *node = NULL;
    vonk__exprs columns = {0};

    VONK_TRY(vonk_plan_new(sh->s.env->budget, VONK_PN_SHARED, &first, 1, &node, err));
    node->number = c->group;
    VONK_TRY(vonk_plan_finish(node, ret, err));
    VONK_TRY(vonk__scratch_keep_plan(&sh->s, *ret, err));
    if (c->plan == first) return VONK_OK;
    for (uint32_t i = 0; i < first->n_output; i++) {
        const vonk_expr *alias = NULL;
        VONK_TRY(renamed(sh, first->output[i], c->plan->output[i], &alias, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&columns, sh->s.arena, alias, err));
    }
    return vonk__mk_project(&sh->s, *ret, columns.at, columns.n, ret, err);
}

static vonk_status rebuild(sharer *sh, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children = NULL;
    bool same = true;

    for (uint32_t i = 0; i < sh->n; i++)
        if (sh->at[i].plan == p && sh->at[i].group != 0) return shared(sh, &sh->at[i], ret, err);
    *ret = p;
    if (p->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(sh->s.arena, p->n_children, sizeof *children, &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) {
        VONK_TRY(rebuild(sh, p->children[i], &children[i], err));
        same &= children[i] == p->children[i];
    }
    return same ? VONK_OK : vonk__mk_over(&sh->s, p, children, ret, err);
}

vonk_status vonk__rule_share(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    sharer sh = {.s = {.env = env}};
    const vonk_plan *done = plan;

    vonk_plan_walk(plan, find_candidates, &sh);
    if (sh.n > 1) {
        VONK_TRY(vonk_arena_new(env->budget, &arena, err));
        sh.s.arena = arena;
        VONK_TRY(group(&sh, err));
        if (sh.n_groups > 0) VONK_TRY(rebuild(&sh, plan, &done, err));
    }
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}
