/* opt/rule_lateral.c -- a lateral subquery that reads nothing but the row beside it is computed over these rows, in
 * their order and their partitions.
 *
 *   Join lateral Inner                              Project [a, b * 2 AS y]
 *   :- Relation [a]                           =>    +- Generate f(a), [b]
 *   +- Project [b * 2 AS y]                            +- Relation [a]
 *      +- Generate f(outer(a)), [b]
 *         +- OneRowRelation
 *
 * A left outer join does the same: rows for which a generator gives none are dropped, as in Spark. */
#include "opt/correlate.h"
#include "opt/rules.h"

/* Projections, generators and, where rows may be dropped, filters over one row. */
static bool reads_nothing(const vonk_plan *right, bool inner)
{
    for (; right->kind != VONK_PN_ONE_ROW; right = right->children[0])
        if (right->kind != VONK_PN_PROJECT && right->kind != VONK_PN_GENERATE &&
            (!inner || right->kind != VONK_PN_FILTER))
            return false;
    return true;
}

typedef struct mover {
    vonk__scratch s;
    const vonk_plan *left;
} mover;

static vonk_status generate_over(mover *m, const vonk_plan *generate, const vonk_plan *child, const vonk_plan **ret,
                                 vonk_error *err)
{
    const vonk_expr *call = generate->lists[0].at[0];
    vonk_plan *copy = NULL;

    if (call->kind == VONK_EX_PYTHON && call->python->eval == VONK_PY_ARROW_UDTF)
        return VONK_FAIL(err, VONK_E_LATERAL_JOIN_WITH_ARROW_UDTF_UNSUPPORTED);
    VONK_TRY(vonk__strip_outer(&m->s, m->left, call, &call, err));
    VONK_TRY(vonk_plan_copy(m->s.env->budget, generate, &child, 1, &copy, err));
    const vonk_status status = vonk_plan_set_list(copy, 0, &call, 1, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(&m->s, *ret, err);
}

static vonk_status project_over(mover *m, const vonk_plan *project, const vonk_plan *child, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk__exprs list = {0};

    for (uint32_t i = 0; i < m->left->n_output; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&list, m->s.arena, m->left->output[i], err));
    for (uint32_t i = 0; i < project->lists[0].n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(vonk__strip_outer(&m->s, m->left, project->lists[0].at[i], &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&list, m->s.arena, e, err));
    }
    return vonk__mk_project(&m->s, child, list.at, list.n, ret, err);
}

static vonk_status filter_over(mover *m, const vonk_plan *filter, const vonk_plan *child, const vonk_plan **ret,
                               vonk_error *err)
{
    const vonk_expr *e = NULL;

    VONK_TRY(vonk__strip_outer(&m->s, m->left, filter->lists[0].at[0], &e, err));
    return vonk__mk_filter(&m->s, child, &e, 1, ret, err);
}

static vonk_status move(mover *m, const vonk_plan *right, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;

    *ret = m->left;
    if (right->kind == VONK_PN_ONE_ROW) return VONK_OK;
    VONK_TRY(move(m, right->children[0], &child, err)); /* depth: VONK_MAX_PLAN_DEPTH */
    if (right->kind == VONK_PN_PROJECT) return project_over(m, right, child, ret, err);
    if (right->kind == VONK_PN_FILTER) return filter_over(m, right, child, ret, err);
    return generate_over(m, right, child, ret, err);
}

static vonk_status over_left(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *made = NULL;

    const bool lateral = p->kind == VONK_PN_JOIN && p->join.lateral;
    const bool inner = lateral && (p->join.type == VONK_JOIN_INNER || p->join.type == VONK_JOIN_CROSS);
    const uint32_t n_terms = p->n_lists > 0 ? p->lists[0].n : 0;
    if (!lateral || (!inner && (p->join.type != VONK_JOIN_LEFT || n_terms > 0)) ||
        !reads_nothing(p->children[1], inner)) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    mover m = {.s = {env, arena}, .left = p->children[0]};
    VONK_TRY(move(&m, p->children[1], &made, err));
    if (n_terms > 0) VONK_TRY(vonk__mk_filter(&m.s, made, p->lists[0].at, n_terms, &made, err));
    VONK_TRY(vonk__mk_output_like(&m.s, made, p, &made, err));
    *ret = vonk_plan_ref(made);
    return VONK_OK;
}

vonk_status vonk__rule_lateral(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, over_left, (void *)env, ret, err);
}
