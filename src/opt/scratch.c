/* opt/scratch.c -- short ways to make expressions and plans inside a rule. */
#include "opt/scratch.h"

static void unref_expr(void *e) { vonk_expr_unref(e); }
static void unref_plan(void *p) { vonk_plan_unref(p); }

vonk_status vonk__scratch_keep_expr(vonk__scratch *s, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(s->arena, unref_expr, (void *)take_e, err);
}
vonk_status vonk__scratch_keep_plan(vonk__scratch *s, const vonk_plan *take_p, vonk_error *err)
{
    return vonk_arena_on_free(s->arena, unref_plan, (void *)take_p, err);
}

/* ---- expressions */
static vonk_status finish(vonk__scratch *s, vonk_expr *node, const vonk_expr **ret, vonk_error *err)
{
    VONK_TRY(vonk_expr_finish(node, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

vonk_status vonk__mk_call(vonk__scratch *s, const char *function, const vonk_type *type, bool nullable,
                          const vonk_expr *const *args, uint32_t n, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *node = NULL;

    VONK_TRY(vonk_expr_new(s->env->budget, VONK_EX_FUNCTION, args, n, &node, err));
    node->fn = vonk_fn_find(vonk_str_of(function));
    node->mode = s->env->env->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    node->n_args = n;
    node->nullable = nullable;
    assert(node->fn);
    vonk_status status = vonk_expr_set_type(node, type, err);
    if (status != VONK_OK) {
        vonk_expr_unref(node);
        return status;
    }
    return finish(s, node, ret, err);
}

vonk_status vonk__mk_equal(vonk__scratch *s, const vonk_expr *a, const vonk_expr *b, bool null_safe,
                           const vonk_expr **ret, vonk_error *err)
{
    return vonk__mk_call(s, null_safe ? "<=>" : "=", &vonk_type_boolean, !null_safe && (a->nullable || b->nullable),
                         (const vonk_expr *[]){a, b}, 2, ret, err);
}

vonk_status vonk__mk_node(vonk__scratch *s, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                          const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *node = NULL;

    VONK_TRY(vonk_expr_new(s->env->budget, kind, children, n, &node, err));
    return finish(s, node, ret, err);
}

vonk_status vonk__mk_and(vonk__scratch *s, const vonk_expr *const *terms, size_t n, const vonk_expr **ret,
                         vonk_error *err)
{
    VONK_TRY(vonk_ex_and(s->env->budget, terms, (uint32_t)n, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

vonk_status vonk__mk_alias(vonk__scratch *s, const vonk_expr *child, const char *name, const vonk_expr **ret_alias,
                           const vonk_expr **ret_column, vonk_error *err)
{
    VONK_TRY(vonk_ex_alias(s->env->budget, child, vonk_str_of(name), ret_alias, err));
    VONK_TRY(vonk__scratch_keep_expr(s, *ret_alias, err));
    VONK_TRY(vonk_ex_column_of(s->env->budget, *ret_alias, ret_column, err));
    return vonk__scratch_keep_expr(s, *ret_column, err);
}

vonk_status vonk__mk_copy(vonk__scratch *s, const vonk_expr *e, const vonk_expr *const *children, const vonk_expr **ret,
                          vonk_error *err)
{
    vonk_expr *node = NULL;

    VONK_TRY(vonk_expr_copy(s->env->budget, e, children, e->n_children, &node, err));
    return finish(s, node, ret, err);
}

typedef struct replacement {
    const uint64_t *from;
    const vonk_expr *const *to;
    size_t n;
} replacement;

static vonk_status replace_one(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const replacement *r = arg;

    (void)err;
    *ret = NULL;
    if (e->kind == VONK_EX_COLUMN)
        for (size_t i = 0; i < r->n && !*ret; i++)
            if (r->from[i] == e->id) *ret = vonk_expr_ref(r->to[i]);
    if (!*ret) *ret = vonk_expr_ref(e);
    return VONK_OK;
}

vonk_status vonk__mk_replace(vonk__scratch *s, const vonk_expr *e, const uint64_t *from, const vonk_expr *const *to,
                             size_t n, const vonk_expr **ret, vonk_error *err)
{
    replacement r = {from, to, n};

    VONK_TRY(vonk_expr_rewrite(s->env->budget, e, replace_one, &r, ret, err));
    return vonk__scratch_keep_expr(s, *ret, err);
}

/* ---- plans */
vonk_status vonk__mk_filter(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *terms, size_t n,
                            const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr *condition = NULL;

    if (n == 0) {
        *ret = child;
        return VONK_OK;
    }
    VONK_TRY(vonk__mk_and(s, terms, n, &condition, err));
    VONK_TRY(vonk_pn_filter(s->env->budget, child, condition, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

vonk_status vonk__mk_project(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *exprs, size_t n,
                             const vonk_plan **ret, vonk_error *err)
{
    VONK_TRY(vonk_pn_project(s->env->budget, child, exprs, (uint32_t)n, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

vonk_status vonk__mk_join(vonk__scratch *s, const vonk_plan *left, const vonk_plan *right, vonk_join_type type,
                          const vonk_expr *const *terms, size_t n, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr *condition = NULL;

    if (n > 0) VONK_TRY(vonk__mk_and(s, terms, n, &condition, err));
    VONK_TRY(vonk_pn_join(s->env->budget, left, right, type, condition, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

vonk_status vonk__mk_aggregate(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *keys, size_t n_keys,
                               const vonk_expr *const *outputs, size_t n_outputs, const vonk_plan **ret,
                               vonk_error *err)
{
    VONK_TRY(vonk_pn_aggregate(s->env->budget, child, keys, (uint32_t)n_keys, outputs, (uint32_t)n_outputs, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

vonk_status vonk__mk_over(vonk__scratch *s, const vonk_plan *p, const vonk_plan *const *children, const vonk_plan **ret,
                          vonk_error *err)
{
    vonk_plan *copy = NULL;

    VONK_TRY(vonk_plan_copy(s->env->budget, p, children, p->n_children, &copy, err));
    VONK_TRY(vonk_plan_finish(copy, ret, err));
    return vonk__scratch_keep_plan(s, *ret, err);
}

vonk_status vonk__mk_output_like(vonk__scratch *s, const vonk_plan *p, const vonk_plan *like, const vonk_plan **ret,
                                 vonk_error *err)
{
    bool same = p->n_output == like->n_output;

    for (uint32_t i = 0; same && i < p->n_output; i++) same = p->output[i]->id == like->output[i]->id;
    if (!same) return vonk__mk_project(s, p, like->output, like->n_output, ret, err);
    *ret = p;
    return VONK_OK;
}

vonk_status vonk__mk_empty(vonk_budget *budget, const vonk_plan *like, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *empty = NULL;

    VONK_TRY(vonk_plan_new(budget, VONK_PN_LOCAL, NULL, 0, &empty, err));
    vonk_status status = vonk_plan_set_output(empty, like->output, like->n_output, err);
    if (status != VONK_OK) {
        vonk_plan_unref(empty);
        return status;
    }
    return vonk_plan_finish(empty, ret, err);
}
