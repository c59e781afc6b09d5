/* plan/program.c -- compiling bound expressions into steps; constants are folded and equal parts found on the way. */
#include "base/vec.h"
#include "func/cast.h"
#include "plan/expr_set.h"
#include "plan/program_int.h"

/* While a program is made. */
typedef struct builder {
    vonk_program *p;
    VONK_VEC(vonk__step) steps;
    VONK_VEC(vonk_lambda *) lambdas;
    vonk_expr_set shared; /* deterministic expressions that have a step */
    VONK_VEC(uint32_t) shared_steps;
    bool in_deterministic;      /* something above is, so all below it is */
    vonk_program_local *folder; /* evaluates steps whose arguments are constants */
} builder;

static vonk_status compile(builder *b, const vonk_expr *e, uint32_t *ret, vonk_error *err);

static void drop_expr(void *e) { vonk_expr_unref(e); }
static void drop_column(void *c) { vonk_column_unref(c); }

static vonk_status hold_expr(vonk_program *p, const vonk_expr *e, vonk_error *err)
{
    return vonk_arena_on_free(p->arena, drop_expr, (void *)(uintptr_t)vonk_expr_ref(e), err);
}

/* ---- folding */

static vonk_status first_row(vonk_budget *budget, const vonk_column *value, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    VONK_TRY(vonk_column_constant_of(budget, value, 0, 1, &one, err));
    return vonk_column_flatten(budget, one, ret, err);
}

static vonk_status set_constant(builder *b, vonk__step *s, const vonk_column *value, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    VONK_TRY(first_row(b->p->budget, value, &flat, err));
    VONK_TRY(vonk_arena_on_free(b->p->arena, drop_column, vonk_column_ref(flat), err));
    s->kind = VONK__STEP_CONST;
    s->value = flat;
    s->n_args = 0;
    s->may_raise = false;
    s->cheap = true;
    return VONK_OK;
}

static bool all_constant(const builder *b, const vonk__step *s)
{
    for (uint32_t i = 0; i < s->n_args; i++)
        if (b->steps.at[s->args[i]].kind != VONK__STEP_CONST) return false;
    return true;
}

/* A step that fails stays a step: it raises if a row really asks for it. */
static vonk_status fold(builder *b, vonk__step *s, vonk_error *err)
{
    bool lambdas = s->kind == VONK__STEP_CALL && s->call->lambdas;
    if (!s->pure || lambdas || s->kind == VONK__STEP_INPUT || s->kind == VONK__STEP_CONST || !all_constant(b, s))
        return VONK_OK;
    vonk_program_local *local = b->folder;
    vonk_error failed = VONK_ERROR_INIT;
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    b->p->steps = b->steps.at;
    b->p->n_steps = (uint32_t)b->steps.n;
    vonk_batch *batch = NULL;
    VONK_TRY(vonk_batch_new(b->p->budget, 1, NULL, 0, &batch, err));
    local->batch = batch;
    local->n_rows = 1;
    vonk__scope root = {.rows = VONK_ALL_ROWS(1), .id = 0};
    vonk_status st = vonk__compute(local, s, &root, &value, &failed);
    vonk_arena_reset(local->scratch);
    vonk_batch_unref(batch);
    if (st != VONK_OK) return vonk_error_forgive(&failed, err);
    return set_constant(b, s, value, err);
}

/* ---- steps */

/* How cheap is a function over all lanes? Those that say `dense` are loops. */
static bool step_is_cheap(const builder *b, const vonk__step *s)
{
    if (s->kind == VONK__STEP_CALL && !s->call->dense) return false;
    if (s->kind == VONK__STEP_CASE || s->kind == VONK__STEP_COALESCE || s->kind == VONK__STEP_IN) return false;
    for (uint32_t i = 0; i < s->n_args; i++)
        if (!b->steps.at[s->args[i]].cheap) return false;
    return true;
}

static bool step_is_pure(const builder *b, const vonk__step *s)
{
    if (s->kind == VONK__STEP_CALL && s->call->fn->volatility == VONK_PARTITION_BOUND) return false;
    for (uint32_t i = 0; i < s->n_args; i++)
        if (!b->steps.at[s->args[i]].pure) return false;
    return true;
}

static bool later_argument_raises(const builder *b, const vonk__step *s)
{
    if (s->kind != VONK__STEP_CALL || s->call->fn->nulls != VONK_NULL_IN_NULL_OUT) return false;
    for (uint32_t i = 1; i < s->n_args; i++)
        if (b->steps.at[s->args[i]].may_raise) return true;
    return false;
}

static vonk_status compile_args(builder *b, const vonk_expr *e, vonk__step *s, vonk_error *err)
{
    s->n_args = e->kind == VONK_EX_FUNCTION ? e->n_args : e->n_children;
    VONK_TRY(vonk_arena_array(b->p->arena, s->n_args + 1, sizeof(uint32_t), &s->args, err));
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (e->children[i]->kind == VONK_EX_LAMBDA) continue;
        VONK_TRY(compile(b, e->children[i], &s->args[i], err));
    }
    return VONK_OK;
}

static vonk_status compile_lambdas(builder *b, const vonk_expr *e, vonk_lambda *const **ret, vonk_error *err)
{
    vonk_lambda **lambdas = NULL;
    for (uint32_t i = 0; i < e->n_children; i++) {
        if (e->children[i]->kind != VONK_EX_LAMBDA) continue;
        if (!lambdas) VONK_TRY(vonk_arena_array(b->p->arena, e->n_children, sizeof(*lambdas), &lambdas, err));
        VONK_TRY(vonk__lambda_new(b->p, e->children[i], &lambdas[i], err));
        lambdas[i]->number = (uint32_t)b->lambdas.n;
        VONK_TRY(VONK_VEC_ARENA_PUSH(&b->lambdas, b->p->arena, lambdas[i], err));
    }
    *ret = lambdas;
    return VONK_OK;
}

/* x / y > NULL: an operator over a NULL asks for nothing else, so that x / y raises nothing. */
static bool is_null_operation(const vonk_expr *e, vonk_column *const *constants, uint32_t n)
{
    if (e->kind != VONK_EX_FUNCTION || !e->fn->symbol || e->fn->nulls != VONK_NULL_IN_NULL_OUT) return false;
    for (uint32_t i = 0; i < n; i++)
        if (constants[i] && vonk_column_is_null(constants[i], 0)) return true;
    return false;
}

static vonk_status set_null(builder *b, vonk__step *s, const vonk_type *type, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *null = NULL;
    VONK_TRY(vonk_column_new_nulls(b->p->budget, type, 1, &null, err));
    return set_constant(b, s, null, err);
}

/* Arguments that are lambdas have no step: they refer to one that says nothing. */
static vonk_status compile_call(builder *b, const vonk_expr *e, vonk__step *s, vonk_error *err)
{
    vonk_column **constants = NULL;
    vonk_lambda *const *lambdas = NULL;
    s->kind = VONK__STEP_CALL;
    if (e->fn && e->fn->kind == VONK_FN_GENERATOR)
        return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_GENERATOR__OUTSIDE_SELECT, "plan", e->fn->name);
    if (e->fn && (e->fn->kind == VONK_FN_AGGREGATE ||
                  e->fn->kind == VONK_FN_WINDOW)) /* an aggregate where rows are looked at one by one */
        return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Project", "invalidExprSqls",
                              e->fn->name);
    VONK_TRY(compile_args(b, e, s, err));
    VONK_TRY(compile_lambdas(b, e, &lambdas, err));
    VONK_TRY(vonk_arena_array(b->p->arena, s->n_args + 1, sizeof(*constants), &constants, err));
    for (uint32_t i = 0; i < s->n_args; i++) {
        bool lambda = lambdas && lambdas[i];
        if (!lambda && b->steps.at[s->args[i]].kind == VONK__STEP_CONST) constants[i] = b->steps.at[s->args[i]].value;
    }
    if (is_null_operation(e, constants, s->n_args)) return set_null(b, s, e->type, err);
    vonk_status st = vonk__prepare_call(b->p->arena, b->p->env, e, constants, lambdas, &s->call, err);
    if (st != VONK_OK) return vonk_expr_failed(e, st, err);
    if (s->call->fn->volatility == VONK_PARTITION_BOUND) b->p->partition_bound = true;
    return VONK_OK;
}

static vonk_status set_false(builder *b, vonk__step *s, vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *no = NULL;
    VONK_TRY(vonk_ex_bool(b->p->budget, false, &no, err));
    return set_constant(b, s, no->value, err);
}

static vonk_status compile_in(builder *b, const vonk_expr *e, vonk__step *s, vonk_error *err)
{
    vonk_column **items = NULL;
    if (e->n_children == 1) return set_false(b, s, err); /* in no item: not even for a null */
    s->kind = VONK__STEP_IN;
    VONK_TRY(compile_args(b, e, s, err));
    uint32_t n = s->n_args - 1;
    VONK_TRY(vonk_arena_array(b->p->arena, n + 1, sizeof(*items), &items, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk__step *item = &b->steps.at[s->args[i + 1]];
        if (item->kind != VONK__STEP_CONST) return VONK_OK;
        items[i] = item->value;
    }
    return vonk__in_set_new(b->p->arena, items, n, e->children[0]->type, &s->set, err);
}

static vonk_status compile_kind(builder *b, const vonk_expr *e, vonk__step *s, vonk_error *err)
{
    static const uint8_t kinds[VONK_N_EXPR] = {
        [VONK_EX_CASE] = VONK__STEP_CASE,
        [VONK_EX_COALESCE] = VONK__STEP_COALESCE,
        [VONK_EX_AND] = VONK__STEP_AND,
        [VONK_EX_OR] = VONK__STEP_OR,
        [VONK_EX_NOT] = VONK__STEP_NOT,
        [VONK_EX_IS_NULL] = VONK__STEP_IS_NULL,
        [VONK_EX_IS_NOT_NULL] = VONK__STEP_IS_NOT_NULL,
        [VONK_EX_GET_FIELD] = VONK__STEP_FIELD,
    };
    switch (e->kind) {
    case VONK_EX_BOUND:
        s->kind = VONK__STEP_INPUT;
        s->index = e->index;
        return VONK_OK;
    case VONK_EX_LITERAL: return set_constant(b, s, e->value, err);
    case VONK_EX_CAST:
    case VONK_EX_FUNCTION: return compile_call(b, e, s, err);
    case VONK_EX_IN: return compile_in(b, e, s, err);
    default: break;
    }
    if (!kinds[e->kind])
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an expression of this kind cannot be evaluated");
    s->kind = (vonk__step_kind)kinds[e->kind];
    s->index = e->index;
    return compile_args(b, e, s, err);
}

static vonk_status compile(builder *b, const vonk_expr *e, uint32_t *ret, vonk_error *err)
{
    while (e->kind == VONK_EX_ALIAS || e->kind == VONK_EX_SORT) e = e->children[0];
    if (!e->resolved || !e->type)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an unresolved expression reached the evaluator");
    bool outer = b->in_deterministic, shared = outer || vonk_expr_is_deterministic(e);
    const size_t same = shared ? vonk_expr_set_find(&b->shared, e) : SIZE_MAX;
    if (same != SIZE_MAX) {
        *ret = b->shared_steps.at[same];
        return VONK_OK;
    }
    vonk__step s = {.type = e->type, .expr = e};
    VONK_TRY(hold_expr(b->p, e, err));
    b->in_deterministic = shared;
    VONK_TRY(compile_kind(b, e, &s, err));
    b->in_deterministic = outer;
    s.pure = step_is_pure(b, &s);
    s.cheap = step_is_cheap(b, &s);
    s.narrow = later_argument_raises(b, &s);
    if (s.kind != VONK__STEP_CONST) s.may_raise = vonk_expr_may_raise(e);
    VONK_TRY(fold(b, &s, err));
    *ret = (uint32_t)b->steps.n;
    VONK_TRY(VONK_VEC_ARENA_PUSH(&b->steps, b->p->arena, s, err));
    if (!shared) return VONK_OK;
    VONK_TRY(vonk_expr_set_add(&b->shared, b->p->arena, e, NULL, err)); /* absent: e is no part of itself */
    return VONK_VEC_ARENA_PUSH(&b->shared_steps, b->p->arena, *ret, err);
}

/* ---- programs */

static vonk_status compile_terms(builder *b, const vonk_expr *e, vonk_error *err)
{
    vonk_program *p = b->p;
    const vonk__step *root = &b->steps.at[p->outputs[0]];
    bool chain = root->kind == VONK__STEP_AND;
    p->n_terms = chain ? root->n_args : 1;
    p->terms = chain ? root->args : p->outputs;
    p->terms_movable = true;
    for (uint32_t i = 0; i < p->n_terms; i++)
        if (b->steps.at[p->terms[i]].may_raise || !b->steps.at[p->terms[i]].pure) p->terms_movable = false;
    return VONK_OK;
}

static vonk_status compile_all(builder *b, const vonk_expr *const *exprs, uint32_t n, vonk_error *err)
{
    vonk_program *p = b->p;
    VONK_TRY(vonk_arena_array(p->arena, n + 1, sizeof(uint32_t), &p->outputs, err));
    /* The first step is what arguments that are lambdas refer to. */
    vonk__step nothing = {.type = &vonk_type_null, .pure = true, .cheap = true};
    VONK_AUTO(vonk_column_unref) vonk_column *null = NULL;
    VONK_TRY(vonk_column_new_nulls(p->budget, &vonk_type_null, 1, &null, err));
    VONK_TRY(set_constant(b, &nothing, null, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&b->steps, p->arena, nothing, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(compile(b, exprs[i], &p->outputs[i], err));
    p->n_outputs = n;
    p->steps = b->steps.at;
    p->n_steps = (uint32_t)b->steps.n;
    p->lambdas = b->lambdas.at;
    p->n_lambdas = (uint32_t)b->lambdas.n;
    for (uint32_t i = 0; i < p->n_lambdas; i++) p->partition_bound |= p->lambdas[i]->body->partition_bound;
    if (n == 1 && exprs[0]->type->id == VONK_T_BOOLEAN) VONK_TRY(compile_terms(b, exprs[0], err));
    return VONK_OK;
}

/* A local without slots: enough for steps over constants. */
static vonk_status new_folder(vonk_program *p, vonk_program_local **ret, vonk_error *err)
{
    vonk_program_local *folder = NULL;
    VONK_TRY(VONK_ARENA_NEW(p->arena, &folder, err));
    VONK_TRY(vonk_arena_new(p->budget, &folder->scratch, err));
    folder->program = p;
    folder->budget = p->budget;
    *ret = folder;
    return VONK_OK;
}

vonk_status vonk_program_new(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *const *exprs, uint32_t n,
                             vonk_program **ret, vonk_error *err)
{
    vonk_arena *arena = NULL;
    vonk_program *p = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &p, err);
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    p->arena = arena;
    p->budget = budget;
    p->env = env;
    builder b = {.p = p};
    st = new_folder(p, &b.folder, err);
    if (st == VONK_OK) {
        st = compile_all(&b, exprs, n, err);
        vonk_arena_free(b.folder->scratch);
    }
    if (st != VONK_OK) {
        vonk_program_free(p);
        return st;
    }
    *ret = p;
    return VONK_OK;
}

void vonk_program_free(vonk_program *program)
{
    if (program) vonk_arena_free(program->arena); /* references hang on it */
}

bool vonk_program_partition_bound(const vonk_program *program) { return program->partition_bound; }

vonk_status vonk_program_fold(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *expr, vonk_column **ret,
                              vonk_error *err)
{
    VONK_AUTO(vonk_program_free) vonk_program *p = NULL;
    VONK_AUTO(vonk_program_local_free) vonk_program_local *local = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    if (expr->kind == VONK_EX_LITERAL) return first_row(budget, expr->value, ret, err);
    VONK_TRY(vonk_program_new(budget, env, &expr, 1, &p, err));
    const vonk__step *root = &p->steps[p->outputs[0]];
    if (root->kind == VONK__STEP_CONST) {
        *ret = vonk_column_ref(root->value);
        return VONK_OK;
    }
    VONK_TRY(vonk_program_local_new(p, budget, &local, err));
    VONK_TRY(vonk_batch_new(budget, 1, NULL, 0, &batch, err));
    VONK_TRY(vonk_program_eval(local, batch, &value, err));
    return first_row(budget, value, ret, err);
}
