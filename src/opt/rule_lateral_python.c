/* opt/rule_lateral_python.c -- a table function of Python beside each row: its arguments become columns of the left
 * side, so that it runs over these rows, in their order and their partitions.
 *
 *   Join lateral Inner                              Project [a, b * 2 AS y]
 *   :- Relation [a]                           =>    +- Generate f(a), [b]
 *   +- Project [b * 2 AS y]                            +- Relation [a]
 *      +- Generate f(outer(a)), [b]
 *         +- OneRowRelation
 *
 * A left outer join does the same: rows for which the function gives none are dropped, as in Spark. */
#include "opt/rules.h"
#include "opt/scratch.h"

#define MOST_PROJECTS 16

typedef struct side {
    const vonk_plan *projects[MOST_PROJECTS]; /* outermost first */
    uint32_t n;
    const vonk_plan *generate;
} side;

static bool takes_apart(const vonk_plan *right, side *ret)
{
    for (; right->kind == VONK_PN_PROJECT && ret->n < MOST_PROJECTS; right = right->children[0])
        ret->projects[ret->n++] = right;
    ret->generate = right;
    return right->kind == VONK_PN_GENERATE && right->lists[0].at[0]->kind == VONK_EX_PYTHON &&
           right->children[0]->kind == VONK_PN_ONE_ROW;
}

/* What was of the enclosing query is now of the input. */
static vonk_status own_column(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;
    vonk_expr *copy = NULL;

    if (e->kind != VONK_EX_COLUMN || !vonk_expr_has(e, VONK_EXF_OUTER)) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    VONK_TRY(vonk_expr_copy(env->budget, e, NULL, 0, &copy, err));
    copy->flags &= ~(uint32_t)VONK_EXF_OUTER;
    return vonk_expr_finish(copy, ret, err);
}

static vonk_status own(vonk__scratch *s, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_expr_rewrite(s->env->budget, e, own_column, (void *)s->env, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

static vonk_status generate_over(vonk__scratch *s, const vonk_plan *generate, const vonk_plan *left,
                                 const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr *call = NULL;
    vonk_plan *copy = NULL;

    VONK_TRY(own(s, generate->lists[0].at[0], &call, err));
    VONK_TRY(vonk_plan_copy(s->env->budget, generate, &left, 1, &copy, err));
    const vonk_status status = vonk_plan_set_list(copy, 0, &call, 1, err);
    if (status != VONK_OK) {
        vonk_plan_unref(copy);
        return status;
    }
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

static vonk_status project_over(vonk__scratch *s, const vonk_plan *project, const vonk_plan *left,
                                const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs list = {0};

    for (uint32_t i = 0; i < left->n_output; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&list, s->arena, left->output[i], err));
    for (uint32_t i = 0; i < project->lists[0].n; i++) {
        const vonk_expr *e = NULL;
        VONK_TRY(own(s, project->lists[0].at[i], &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&list, s->arena, e, err));
    }
    return vonk__mk_project(s, child, list.at, list.n, ret, err);
}

static vonk_status over_left(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *made = NULL;
    side right = {0};

    *ret = NULL;
    if (p->kind != VONK_PN_JOIN || !p->join.lateral || !takes_apart(p->children[1], &right)) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    if (right.generate->lists[0].at[0]->python->eval == VONK_PY_ARROW_UDTF)
        return VONK_FAIL(err, VONK_E_LATERAL_JOIN_WITH_ARROW_UDTF_UNSUPPORTED);
    const bool inner = p->join.type == VONK_JOIN_INNER || p->join.type == VONK_JOIN_CROSS;
    const uint32_t n_terms = p->n_lists > 0 ? p->lists[0].n : 0;
    if (!inner && (p->join.type != VONK_JOIN_LEFT || n_terms > 0)) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    vonk__scratch s = {env, arena};
    VONK_TRY(generate_over(&s, right.generate, p->children[0], &made, err));
    while (right.n > 0) VONK_TRY(project_over(&s, right.projects[--right.n], p->children[0], made, &made, err));
    if (n_terms > 0) VONK_TRY(vonk__mk_filter(&s, made, p->lists[0].at, n_terms, &made, err));
    VONK_TRY(vonk__mk_output_like(&s, made, p, &made, err));
    *ret = vonk_plan_ref(made);
    return VONK_OK;
}

vonk_status vonk__rule_lateral_python(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                      vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, over_left, (void *)env, ret, err);
}
