/* plan/expr_function.c -- a resolved FUNCTION from a row and resolved arguments: type rules, implicit casts, result. */
#include "plan/expr_int.h"
#include "plan/program.h"

typedef struct resolving {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_fn_types types;
    const vonk_expr *const *args;
} resolving;

static void drop_column(void *column) { vonk_column_unref(column); }

/* Arguments that are known now. What fails is not known. */
static vonk_status add_constants(resolving *r, vonk_error *err)
{
    vonk_column **constants = NULL;
    bool *literal = NULL;
    VONK_TRY(vonk_arena_array(r->arena, r->types.n_args + 1, sizeof(*constants), &constants, err));
    VONK_TRY(vonk_arena_array(r->arena, r->types.n_args + 1, sizeof(*literal), &literal, err));
    for (uint32_t i = 0; i < r->types.n_args; i++) {
        vonk_error failed = VONK_ERROR_INIT;
        literal[i] = r->args[i]->kind == VONK_EX_LITERAL;
        if (!vonk_expr_is_foldable(r->args[i])) continue;
        vonk_status st = vonk_program_fold(r->budget, r->types.env, r->args[i], &constants[i], &failed);
        if (st == VONK_OK) st = vonk_arena_on_free(r->arena, drop_column, constants[i], &failed);
        if (st != VONK_OK) constants[i] = NULL;
        VONK_TRY(vonk_error_forgive(&failed, err));
    }
    r->types.constants = constants;
    r->types.literal = literal;
    return VONK_OK;
}

static vonk_status text_of(resolving *r, const vonk_expr *e, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    vonk_buf_init(&buf, r->budget, 1 << 20);
    VONK_TRY(vonk_expr_sql(e, &buf, err));
    return vonk_arena_str(r->arena, vonk_buf_str(&buf), ret, err);
}

static vonk_status fill_types(resolving *r, vonk_error *err)
{
    const vonk_type **types = NULL;
    bool *nullable = NULL;
    VONK_TRY(vonk_arena_array(r->arena, r->types.n_args + 1, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(r->arena, r->types.n_args + 1, sizeof(*nullable), &nullable, err));
    for (uint32_t i = 0; i < r->types.n_args; i++) {
        types[i] = r->args[i]->type;
        nullable[i] = r->args[i]->nullable;
    }
    r->types.types = types;
    r->types.nullable = nullable;
    return VONK_OK;
}

/* Texts are needed for messages only: they are made when a first try has failed. */
static vonk_status resolve(resolving *r, const vonk_expr *call, vonk_error *err)
{
    vonk_error first = VONK_ERROR_INIT;
    VONK_TRY(fill_types(r, err));
    VONK_TRY(add_constants(r, err));
    vonk_status st = vonk_fn_resolve(&r->types, &first);
    vonk_error_reset(&first);
    if (st == VONK_OK) return VONK_OK;
    vonk_str *texts = NULL;
    VONK_TRY(fill_types(r, err));
    VONK_TRY(vonk_arena_array(r->arena, r->types.n_args + 1, sizeof(*texts), &texts, err));
    for (uint32_t i = 0; i < r->types.n_args; i++) VONK_TRY(text_of(r, r->args[i], &texts[i], err));
    r->types.texts = texts;
    VONK_TRY(text_of(r, call, &r->types.text, err));
    return vonk_fn_resolve(&r->types, err);
}

static vonk_status with_cast(resolving *r, uint32_t i, const vonk_expr **ret, vonk_error *err)
{
    const vonk_type *to = r->types.types[i];
    const vonk_expr *e = r->args[i];
    if (vonk_type_same(e->type, to) || (vonk_type_is_stringy(e->type) && vonk_type_is_stringy(to))) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    vonk_expr *cast = NULL;
    VONK_TRY(vonk_expr_new(r->budget, VONK_EX_CAST, &e, 1, &cast, err));
    cast->flags = VONK_EXF_IMPLICIT;
    cast->mode = r->types.env->ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    vonk_expr_set_origin(cast, &e->origin);
    vonk_status st = vonk_expr_set_type(cast, to, err);
    if (st == VONK_OK) return vonk_expr_finish(cast, ret, err);
    vonk_expr_unref(cast);
    return st;
}

/* `call`: unresolved shape with fn, name, flags; its children are args, then filter and orders, which stay. */
static vonk_status finish(resolving *r, const vonk_expr *call, const vonk_expr **children, const vonk_expr **ret,
                          vonk_error *err)
{
    vonk_expr *e = NULL;
    uint32_t made = 0;
    vonk_status st = VONK_OK;
    for (; made < call->n_children && st == VONK_OK; made++) {
        if (made < r->types.n_args)
            st = with_cast(r, made, &children[made], err);
        else
            children[made] = vonk_expr_ref(call->children[made]);
        if (st != VONK_OK) break;
    }
    if (st == VONK_OK) st = vonk_expr_copy(r->budget, call, children, call->n_children, &e, err);
    for (uint32_t i = 0; i < made; i++) vonk_expr_unref(children[i]);
    if (st != VONK_OK) return st;
    e->mode = r->types.mode;
    e->nullable = r->types.result_nullable;
    st = vonk_expr_set_type(e, r->types.result, err);
    if (st == VONK_OK) return vonk_expr_finish(e, ret, err);
    vonk_expr_unref(e);
    return st;
}

vonk_status vonk_ex_resolve_function(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *call,
                                     const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    resolving r = {.budget = budget, .arena = arena, .args = call->children};
    r.types = (vonk_fn_types){.fn = call->fn,
                              .env = env,
                              .arena = arena,
                              .n_args = call->n_args,
                              .mode = call->resolved ? call->mode
                                      : env->ansi    ? VONK_MODE_ANSI
                                                     : VONK_MODE_LEGACY};
    vonk_status st = resolve(&r, call, err);
    if (st != VONK_OK) return vonk_expr_failed(call, st, err);
    const vonk_expr **children = NULL;
    st = vonk_arena_array(arena, call->n_children + 1, sizeof(*children), &children, err);
    if (st == VONK_OK) st = finish(&r, call, children, ret, err);
    vonk_type_unref(r.types.result);
    return st;
}

vonk_status vonk_ex_function(vonk_budget *budget, const vonk_fn_env *env, vonk_str name, const vonk_expr *const *args,
                             uint32_t n, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *call = NULL;
    const vonk_fn *fn = vonk_fn_find(name);
    if (!fn)
        return VONK_FAIL(err, VONK_E_UNRESOLVED_ROUTINE, "routineName", VONK_F("`%.*s`", VONK_STR_ARGS(name)),
                         "searchPath", "[`system`.`builtin`]");
    VONK_TRY(vonk_expr_new(budget, VONK_EX_FUNCTION, args, n, &call, err));
    call->fn = fn;
    call->n_args = n;
    vonk_status st = vonk_expr_set_name(call, vonk_str_of(fn->name), err);
    if (st == VONK_OK) st = vonk_ex_resolve_function(budget, env, call, ret, err);
    vonk_expr_unref(call);
    return st;
}
