/* opt/rule_merge_projects.c -- a projection over a projection becomes one, when nothing is computed twice by it; one
 * that changes nothing goes.
 *
 *   Project [x + 1 AS y]                 Project [a * 2 + 1 AS y]
 *   +- Project [a * 2 AS x]         =>   +- Relation [a]
 *      +- Relation [a] */
#include "opt/rules.h"
#include "opt/scratch.h"

static const vonk_expr *value_of(const vonk_expr *e) { return e->kind == VONK_EX_ALIAS ? e->children[0] : e; }
static bool is_cheap(const vonk_expr *e) { return e->kind == VONK_EX_COLUMN || e->kind == VONK_EX_LITERAL; }

typedef struct uses {
    uint64_t id;
    uint32_t n;
} uses;

static vonk_walk count_use(const vonk_expr *e, void *arg)
{
    uses *u = arg;

    if (e->kind == VONK_EX_COLUMN && e->id == u->id) u->n++;
    return VONK_WALK_ON;
}

/* Would each computed column below be evaluated at most once above, and always when it was before? */
static bool can_merge(const vonk_plan *upper, const vonk_plan *lower)
{
    for (uint32_t i = 0; i < lower->lists[0].n; i++) {
        const vonk_expr *value = value_of(lower->lists[0].at[i]);
        uses u = {.id = lower->output[i]->id};
        if (vonk_expr_has_generator(value) || vonk_expr_has_window(value)) return false;
        if (is_cheap(value)) continue;
        for (uint32_t k = 0; k < upper->lists[0].n; k++) vonk_expr_walk(upper->lists[0].at[k], count_use, &u);
        if (u.n > 1 || !vonk_expr_is_deterministic(value)) return false;
    }
    return true;
}

/* The output column keeps its id and name. */
static vonk_status as_output(vonk__scratch *s, const vonk_expr *value, const vonk_expr *out, const vonk_expr **ret,
                             vonk_error *err)
{
    vonk_expr *alias = NULL;

    if (value->kind == VONK_EX_COLUMN && value->id == out->id) {
        *ret = value;
        return VONK_OK;
    }
    VONK_TRY(vonk_expr_new(s->env->budget, VONK_EX_ALIAS, &value, 1, &alias, err));
    alias->id = out->id;
    vonk_status status = vonk_expr_set_name(alias, out->name, err);
    if (status == VONK_OK) status = vonk_expr_set_metadata(alias, out->metadata, err);
    if (status != VONK_OK) {
        vonk_expr_unref(alias);
        return status;
    }
    VONK_TRY(vonk_expr_finish(alias, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

static vonk_status merge_two(vonk__scratch *s, const vonk_plan *upper, const vonk_plan *lower, const vonk_plan **ret,
                             vonk_error *err)
{
    const uint32_t n = lower->n_output;
    uint64_t *ids = NULL;
    const vonk_expr **values = NULL;
    vonk__exprs exprs = {0};

    VONK_TRY(vonk_arena_array(s->arena, n + 1, sizeof *ids, &ids, err));
    VONK_TRY(vonk_arena_array(s->arena, n + 1, sizeof *values, &values, err));
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = lower->output[i]->id;
        values[i] = value_of(lower->lists[0].at[i]);
    }
    for (uint32_t i = 0; i < upper->lists[0].n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk__mk_replace(s, value_of(upper->lists[0].at[i]), ids, values, n, &e, err));
        VONK_TRY(as_output(s, e, upper->output[i], &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&exprs, s->arena, e, err));
    }
    return vonk__mk_project(s, lower->children[0], exprs.at, exprs.n, ret, err);
}

static bool changes_nothing(const vonk_plan *p)
{
    if (p->n_output != p->children[0]->n_output) return false;
    for (uint32_t i = 0; i < p->n_output; i++)
        if (p->lists[0].at[i]->kind != VONK_EX_COLUMN || p->lists[0].at[i]->id != p->children[0]->output[i]->id)
            return false;
    return true;
}

static vonk_status merge(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *done = p;

    if (p->kind != VONK_PN_PROJECT) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    vonk__scratch s = {env, arena};
    while (done->kind == VONK_PN_PROJECT) {
        const vonk_plan *below = done->children[0];
        if (changes_nothing(done))
            done = below;
        else if (below->kind == VONK_PN_PROJECT && can_merge(done, below))
            VONK_TRY(merge_two(&s, done, below, &done, err));
        else
            break;
    }
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_merge_projects(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                      vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, merge, (void *)env, ret, err);
}
