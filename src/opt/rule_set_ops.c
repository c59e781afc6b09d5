/* opt/rule_set_ops.c -- DISTINCT, UNION, INTERSECT and EXCEPT become aggregates and joins.
 *
 *   Distinct                Aggregate [a, b], [a, b]        Except (all)             Project [a]
 *   +- Relation [a, b]  =>  +- Relation [a, b]              :- Relation [a]     =>   +- Join LeftAnti [a <=> b, n = m]
 *                                                           +- Relation [b]             :- Window [row_number() over
 * (partition by a) n]
 *                                                                                       +- Window [row_number() over
 * (partition by b) m] The ALL forms number equal rows on both sides, so that the k-th of the left meets the k-th of the
 * right. */
#include "opt/rules.h"
#include "opt/scratch.h"

static vonk_status distinct(vonk__scratch *s, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    return vonk__mk_aggregate(s, child, child->output, child->n_output, child->output, child->n_output, ret, err);
}

/* child with one more column: the number of the row among equal rows. */
static vonk_status numbered(vonk__scratch *s, const vonk_plan *child, const vonk_plan **ret,
                            const vonk_expr **ret_number, vonk_error *err)
{
    const vonk_expr *call = NULL, *over = NULL, *alias = NULL;
    vonk__exprs parts = {0};
    vonk_expr *window = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__mk_call(s, "row_number", &vonk_type_int, false, NULL, 0, &call, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, s->arena, call, err));
    for (uint32_t i = 0; i < child->n_output; i++)
        VONK_TRY(VONK_VEC_ARENA_PUSH(&parts, s->arena, child->output[i], err));
    VONK_TRY(vonk_expr_new(s->env->budget, VONK_EX_WINDOW, parts.at, (uint32_t)parts.n, &window, err));
    window->flags |= VONK_EXF_CHECKED;
    window->n_partition = child->n_output;
    window->frame =
        (vonk_frame){.given = true, .rows = true, .lower = VONK_FRAME_UNBOUNDED, .upper = VONK_FRAME_CURRENT};
    VONK_TRY(vonk_expr_finish(window, &over, err));
    VONK_TRY(vonk__scratch_keep_expr(s, over, err));
    VONK_TRY(vonk__mk_alias(s, over, "row_number", &alias, ret_number, err));
    VONK_TRY(vonk__opt_node(
        s->env, VONK_PN_WINDOW, &child, 1,
        &(vonk__lists){.at = {&alias, child->output, NULL}, .n = {1, child->n_output, 0}, .n_lists = 3}, &node, err));
    VONK_TRY(vonk_plan_finish(node, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

/* INTERSECT, EXCEPT: the left's rows that have, or have not, an equal row on the right. */
static vonk_status by_join(vonk__scratch *s, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *sides[2] = {p->children[0], p->children[1]}, *joined = NULL;
    const vonk_expr *numbers[2] = {NULL, NULL}, *term = NULL;
    const vonk_join_type type = p->set.kind == VONK_SET_INTERSECT ? VONK_JOIN_SEMI : VONK_JOIN_ANTI;
    vonk__exprs terms = {0};

    for (uint32_t side = 0; side < 2; side++)
        if (p->set.all)
            VONK_TRY(numbered(s, p->children[side], &sides[side], &numbers[side], err));
        else if (side == 0)
            VONK_TRY(distinct(s, p->children[0], &sides[0], err));
    for (uint32_t i = 0; i < p->n_output; i++) {
        VONK_TRY(vonk__mk_equal(s, p->children[0]->output[i], p->children[1]->output[i], true, &term, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&terms, s->arena, term, err));
    }
    if (p->set.all) {
        VONK_TRY(vonk__mk_equal(s, numbers[0], numbers[1], false, &term, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&terms, s->arena, term, err));
    }
    VONK_TRY(vonk__mk_join(s, sides[0], sides[1], type, terms.at, terms.n, &joined, err));
    return vonk__mk_output_like(s, joined, p, ret, err);
}

static vonk_status union_distinct(vonk__scratch *s, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *copy = NULL;
    const vonk_plan *all = NULL;

    VONK_TRY(vonk_plan_copy(s->env->budget, p, p->children, p->n_children, &copy, err));
    copy->set.all = true;
    VONK_TRY(vonk_plan_finish(copy, &all, err));
    VONK_TRY(vonk__scratch_keep_plan(s, all, err));
    return distinct(s, all, ret, err);
}

static vonk_status rewrite(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_opt_env *env = arg;
    const vonk_plan *done = p;

    if (p->kind != VONK_PN_DISTINCT && p->kind != VONK_PN_SET_OP) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    vonk__scratch s = {env, arena};
    if (p->kind == VONK_PN_DISTINCT)
        VONK_TRY(distinct(&s, p->children[0], &done, err));
    else if (p->set.kind != VONK_SET_UNION)
        VONK_TRY(by_join(&s, p, &done, err));
    else if (!p->set.all)
        VONK_TRY(union_distinct(&s, p, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

vonk_status vonk__rule_set_ops(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, rewrite, (void *)env, ret, err);
}
