/* opt/rule_fold.c -- what is known before the first row is computed now, and logic over constants is simplified.
 *
 *   Filter [d < DATE '1994-01-01' + INTERVAL '1' YEAR AND true]   =>   Filter [d < DATE '1995-01-01']
 * A constant expression that raises stays as it is: it raises when, and only when, a row really asks for it. */
#include "opt/rules.h"
#include "opt/scratch.h"

#include "plan/program.h"

static bool is_bool(const vonk_expr *e, bool value)
{
    return e->kind == VONK_EX_LITERAL && e->type->id == VONK_T_BOOLEAN && !vonk_column_is_null(e->value, 0) &&
           (vonk_column_i64(e->value, 0) != 0) == value;
}

static bool is_null_literal(const vonk_expr *e)
{
    return e->kind == VONK_EX_LITERAL && vonk_column_is_null(e->value, 0);
}

/* AND without trues, OR without falses; one decisive child decides when nobody else can raise. */
static vonk_status simplify_logic(const vonk_opt_env *env, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const bool neutral = e->kind == VONK_EX_AND;
    const vonk_expr **left = NULL;
    uint32_t n = 0;
    bool decided = false, may_raise = false;
    vonk_expr *node = NULL;

    VONK_TRY(vonk_alloc_array(env->budget, e->n_children, sizeof *left, &left, err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        if (is_bool(e->children[i], !neutral)) decided = true;
        if (vonk_expr_may_raise(e->children[i])) may_raise = true;
        if (!is_bool(e->children[i], neutral)) left[n++] = e->children[i];
    }
    vonk_status status = VONK_OK;
    if (decided && !may_raise)
        status = vonk_ex_bool(env->budget, !neutral, ret, err);
    else if (n == 0)
        status = vonk_ex_bool(env->budget, neutral, ret, err);
    else if (n == 1)
        *ret = vonk_expr_ref(left[0]);
    else if (n == e->n_children)
        *ret = vonk_expr_ref(e);
    else {
        status = vonk_expr_new(env->budget, e->kind, left, n, &node, err);
        if (status == VONK_OK) status = vonk_expr_finish(node, ret, err);
    }
    vonk_free(left);
    return status;
}

/* CASE: branches that cannot be taken go; a first branch that is always taken is the result. */
static vonk_status simplify_case(const vonk_opt_env *env, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    const uint32_t n_pairs = e->n_children / 2;
    const bool has_else = e->n_children % 2 == 1;
    const vonk_expr **left = NULL;
    uint32_t n = 0;
    vonk_expr *node = NULL;

    VONK_TRY(vonk_alloc_array(env->budget, e->n_children + 1, sizeof *left, &left, err));
    const vonk_expr *otherwise = has_else ? e->children[e->n_children - 1] : NULL;
    for (uint32_t i = 0; i < n_pairs; i++) {
        const vonk_expr *const *pair = e->children + (size_t)2 * i;
        if (is_bool(pair[0], false) || is_null_literal(pair[0])) continue;
        if (is_bool(pair[0], true)) {
            otherwise = pair[1];
            break;
        }
        left[n++] = pair[0];
        left[n++] = pair[1];
    }
    vonk_status status = VONK_OK;
    if (n == 0 && otherwise)
        *ret = vonk_expr_ref(otherwise);
    else if (n == 0)
        status = vonk_ex_null(env->budget, e->type, ret, err);
    else {
        if (otherwise) left[n++] = otherwise;
        if (n == e->n_children) {
            *ret = vonk_expr_ref(e);
        } else {
            status = vonk_expr_new(env->budget, VONK_EX_CASE, left, n, &node, err);
            if (status == VONK_OK) status = vonk_expr_finish(node, ret, err);
        }
    }
    vonk_free(left);
    return status;
}

static vonk_status fold_value(const vonk_opt_env *env, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error quiet = VONK_ERROR_INIT;

    if (vonk_program_fold(env->budget, env->env, e, &value, &quiet) != VONK_OK) { /* a row that asks for it raises it */
        VONK_TRY(vonk_error_forgive(&quiet, err));
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    return vonk_ex_literal(env->budget, value, ret, err);
}

static bool is_folded(vonk_expr_kind kind)
{
    switch (kind) {
    case VONK_EX_FUNCTION:
    case VONK_EX_CAST:
    case VONK_EX_NOT:
    case VONK_EX_IS_NULL:
    case VONK_EX_IS_NOT_NULL:
    case VONK_EX_COALESCE:
    case VONK_EX_IN:
    case VONK_EX_GET_FIELD: return true;
    default: return false;
    }
}

/* What raises an error below it raises it itself: a long chain would be tried at each of its links. */
static bool is_in_vain(const vonk_expr *e)
{
    const vonk_expr *first = vonk_expr_leading_child(e);
    return first && is_folded(first->kind);
}

static vonk_status step(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;

    if (e->kind == VONK_EX_CAST && vonk_type_eq(e->type, e->children[0]->type)) {
        *ret = vonk_expr_ref(e->children[0]);
        return VONK_OK;
    }
    if (e->kind == VONK_EX_AND || e->kind == VONK_EX_OR) return simplify_logic(env, e, ret, err);
    if (e->kind == VONK_EX_CASE) return simplify_case(env, e, ret, err);
    if (is_folded(e->kind) && !is_in_vain(e) && vonk_expr_is_foldable(e)) return fold_value(env, e, ret, err);
    if (e->kind == VONK_EX_IS_NOT_NULL && !e->children[0]->nullable && !vonk_expr_may_raise(e->children[0]))
        return vonk_ex_bool(env->budget, true, ret, err);
    if (e->kind == VONK_EX_IS_NULL && !e->children[0]->nullable && !vonk_expr_may_raise(e->children[0]))
        return vonk_ex_bool(env->budget, false, ret, err);
    *ret = vonk_expr_ref(e);
    return VONK_OK;
}

static vonk_status each_node(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    const vonk_opt_env *env = arg;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *folded = NULL;

    VONK_TRY(vonk_plan_rewrite_exprs(env->budget, p, step, arg, &folded, err));
    if (folded->kind == VONK_PN_FILTER) {
        const vonk_expr *condition = folded->lists[0].at[0];
        if (is_bool(condition, true)) {
            *ret = vonk_plan_ref(folded->children[0]);
            return VONK_OK;
        }
        if (is_bool(condition, false) || is_null_literal(condition))
            return vonk__mk_empty(env->budget, folded, ret, err);
    }
    *ret = VONK_STEAL(folded);
    return VONK_OK;
}

vonk_status vonk__rule_fold(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err)
{
    return vonk_plan_rewrite(env->budget, plan, each_node, (void *)env, ret, err);
}
