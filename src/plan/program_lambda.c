/* plan/program_lambda.c -- lambdas: a body is a program of its own over child arrays. Its inputs are the parameters,
 * then the columns of the program around it that it refers to, with each row repeated for its elements. */
#include "base/vec.h"
#include "plan/program_int.h"

typedef struct capture {
    vonk_program *program;
    const vonk_expr *lambda;
    VONK_VEC(uint32_t) captured;
} capture;

static vonk_status captured_input(capture *c, uint32_t outer, uint32_t *ret, vonk_error *err)
{
    for (uint32_t i = 0; i < c->captured.n; i++)
        if (c->captured.at[i] == outer) {
            *ret = c->lambda->n_parts + i;
            return VONK_OK;
        }
    *ret = c->lambda->n_parts + (uint32_t)c->captured.n;
    return VONK_VEC_ARENA_PUSH(&c->captured, c->program->arena, outer, err);
}

/* Parameters become inputs 0, 1, ...; columns of the batch around those behind them. */
static vonk_status bind(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    capture *c = arg;
    uint32_t index = UINT32_MAX;
    if (e->kind == VONK_EX_LAMBDA_VAR)
        for (uint32_t i = 0; i < c->lambda->n_parts; i++)
            if (c->lambda->ids && c->lambda->ids[i] == e->id) index = i;
    if (e->kind == VONK_EX_BOUND) VONK_TRY(captured_input(c, e->index, &index, err));
    if (index == UINT32_MAX) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    return vonk_ex_bound(c->program->budget, index, e->type, e->nullable, e->name, ret, err);
}

static void drop_program(void *program) { vonk_program_free(program); }

vonk_status vonk__lambda_new(vonk_program *program, const vonk_expr *lambda, vonk_lambda **ret, vonk_error *err)
{
    vonk_lambda *made = NULL;
    const vonk_expr *body = NULL;
    capture c = {.program = program, .lambda = lambda};
    VONK_TRY(VONK_ARENA_NEW(program->arena, &made, err));
    VONK_TRY(vonk_expr_rewrite(program->budget, lambda->children[0], bind, &c, &body, err));
    vonk_status st = vonk_program_new(program->budget, program->env, &body, 1, &made->body, err);
    vonk_expr_unref(body);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk_arena_on_free(program->arena, drop_program, made->body, err));
    made->n_params = lambda->n_parts;
    made->n_captured = (uint32_t)c.captured.n;
    made->captured = c.captured.at;
    *ret = made;
    return VONK_OK;
}

static vonk_status inputs(vonk_program_local *outer, const vonk_lambda *lambda, vonk_column *const *params,
                          uint32_t n_params, uint32_t n_rows, const uint32_t *outer_row, vonk_column **columns,
                          uint32_t *ret_n, vonk_error *err)
{
    for (uint32_t i = 0; i < lambda->n_params; i++) columns[(*ret_n)++] = vonk_column_ref(params[i < n_params ? i : 0]);
    for (uint32_t i = 0; i < lambda->n_captured; i++, ++*ret_n)
        VONK_TRY(vonk_column_gather(outer->budget, outer->batch->columns[lambda->captured[i]], outer_row, n_rows, false,
                                    &columns[*ret_n], err));
    return VONK_OK;
}

vonk_status vonk__run_lambda(vonk_eval *ev, const vonk_lambda *lambda, vonk_column *const *params, uint32_t n_params,
                             uint32_t n_rows, const uint32_t *outer_row, vonk_column **ret, vonk_error *err)
{
    vonk_program_local *outer = ev->program, *inner = outer->lambdas[lambda->number];
    vonk_column **columns;
    uint32_t n = 0;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_TRY(
        vonk_arena_array(outer->scratch, lambda->n_params + lambda->n_captured + 1, sizeof(*columns), &columns, err));
    vonk_status st = inputs(outer, lambda, params, n_params, n_rows, outer_row, columns, &n, err);
    if (st == VONK_OK) st = vonk_batch_new(ev->budget, n_rows, columns, n, &batch, err);
    if (st == VONK_OK) st = vonk_program_eval(inner, batch, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}
