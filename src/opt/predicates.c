/* opt/predicates.c -- looking at conditions. */
#include "opt/opt_int.h"

vonk_status vonk__opt_conjuncts(vonk_arena *arena, const vonk_expr *e, vonk__exprs *inout, vonk_error *err)
{
    if (e->kind != VONK_EX_AND) return VONK_VEC_ARENA_PUSH(inout, arena, e, err);
    for (uint32_t i = 0; i < e->n_children; i++)
        VONK_TRY(vonk__opt_conjuncts(arena, e->children[i], inout, err)); /* depth: VONK_MAX_EXPR_DEPTH */
    return VONK_OK;
}

static vonk_walk outside(const vonk_expr *e, void *arg)
{
    const vonk_plan *p = arg;

    if (e->kind == VONK_EX_SUBQUERY) return VONK_WALK_STOP;
    if (e->kind != VONK_EX_COLUMN) return VONK_WALK_ON;
    if (vonk_expr_has(e, VONK_EXF_OUTER)) return VONK_WALK_STOP;
    return vonk_plan_has_column(p, e->id) ? VONK_WALK_ON : VONK_WALK_STOP;
}

bool vonk__opt_covered(const vonk_expr *e, const vonk_plan *p) { return vonk_expr_walk(e, outside, (void *)p); }

bool vonk__opt_is_equality(const vonk_expr *e, bool *ret_null_safe)
{
    if (e->kind != VONK_EX_FUNCTION || e->n_children != 2) return false;
    *ret_null_safe = strcmp(e->fn->name, "<=>") == 0;
    return *ret_null_safe || strcmp(e->fn->name, "=") == 0 || strcmp(e->fn->name, "==") == 0;
}

static void unref_expr(void *e) { vonk_expr_unref(e); }

vonk_status vonk__opt_keep(vonk_arena *arena, const vonk_expr *take_e, vonk_error *err)
{
    return vonk_arena_on_free(arena, unref_expr, (void *)take_e, err);
}

bool vonk__opt_has_stand_in(const vonk_type *type)
{
    return type->storage != VONK_STORE_NONE && type->storage != VONK_STORE_SPAN;
}

vonk_status vonk__opt_stand_in(const vonk_opt_env *env, const vonk_type *type, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *zero = NULL;
    void *data = NULL;

    assert(vonk__opt_has_stand_in(type));
    VONK_TRY(vonk_column_new(env->budget, type, 1, false, &zero, &data, NULL, err));
    memset(data, 0,
           vonk_max_size(1, vonk_storage_bytes(type->storage))); /* zero bytes are a value of every such storage */
    return vonk_ex_literal(env->budget, zero, ret, err);
}
