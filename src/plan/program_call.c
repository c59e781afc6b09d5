/* plan/program_call.c -- calling a function: arguments in the form that its body wants, nulls, constants, dictionaries.
 */
#include "column/kernel/kernel.h"
#include "func/cast.h"
#include "plan/program_int.h"

enum { FEW_ARGS = 8 };

/* One call in progress. */
typedef struct calling {
    vonk_program_local *local;
    const vonk__step *step;
    const vonk__scope *scope; /* of the rows that the body gets */
    vonk_column **args;       /* borrowed or kept */
    vonk_column **keep;       /* references to drop */
    uint32_t n_keep;
    vonk_rows rows;
    const uint8_t *validity;      /* and-ed nulls of the arguments; NULL: none */
    vonk_buffer *validity_buffer; /* when it is one column's own */
} calling;

static bool is_lambda(const vonk__step *s, uint32_t i) { return s->call->lambdas && s->call->lambdas[i]; }

static vonk_eval context(vonk_program_local *l, const vonk__step *s)
{
    void *own = l->locals && s >= l->program->steps && s < l->program->steps + l->program->n_steps
                    ? l->locals[s - l->program->steps]
                    : NULL;
    return (vonk_eval){.budget = l->budget,
                       .scratch = l->scratch,
                       .local = own,
                       .partition = l->partition,
                       .row_base = l->row_base,
                       .run_lambda = vonk__run_lambda,
                       .cancelled = l->cancelled,
                       .query = l->query,
                       .program = l};
}

/* ---- arguments */

static vonk_status keep(calling *c, vonk_column *take) /* room was made for two a argument */
{
    c->keep[c->n_keep++] = take;
    return VONK_OK;
}

static bool column_has_nulls(const vonk_column *col) { return col->validity != NULL || col->type->id == VONK_T_NULL; }

static bool constant_null(const vonk_column *col)
{
    if (col->type->id == VONK_T_NULL) return true;
    return (col->encoding == VONK_CONSTANT || col->n_rows == 1) && col->validity && !vonk_bit_get(col->validity, 0);
}

/* Row by row validity of an argument: that of a constant says the same of all rows, so it is not asked. */
static const uint8_t *row_validity(const vonk_column *col)
{
    return col->encoding == VONK_CONSTANT ? NULL : col->validity;
}

static vonk_status eval_args(calling *c, bool *ret_null, vonk_error *err)
{
    const vonk__step *s = c->step;
    bool strict = s->call->fn->nulls == VONK_NULL_IN_NULL_OUT;
    *ret_null = false;
    for (uint32_t i = 0; i < s->n_args; i++) {
        VONK_TRY(vonk__value(c->local, s->args[i], c->scope, &c->args[i], err));
        if (is_lambda(s, i) || !strict || !column_has_nulls(c->args[i])) continue;
        if (constant_null(c->args[i])) {
            *ret_null = true;
            return VONK_OK;
        }
        const uint8_t *valid = row_validity(c->args[i]);
        if (!valid || !s->narrow || i + 1 == s->n_args) continue;
        /* The next arguments could raise: they are not evaluated where this one is null. */
        vonk_rows rows;
        vonk__scope *inner;
        VONK_TRY(vonk__rows_where(c->local, c->scope->rows, valid, NULL, true, &rows, err));
        if (rows.n == 0) {
            *ret_null = true;
            return VONK_OK;
        }
        VONK_TRY(VONK_ARENA_NEW(c->local->scratch, &inner, err));
        *inner = vonk__narrowed(c->local, c->scope, rows);
        c->scope = inner;
    }
    c->rows = c->scope->rows;
    return VONK_OK;
}

static vonk_status and_nulls(calling *c, vonk_error *err)
{
    const vonk_column *only = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->step->n_args; i++)
        if (!is_lambda(c->step, i) && row_validity(c->args[i])) {
            only = c->args[i];
            n++;
        }
    if (n == 0) return VONK_OK;
    c->validity = only->validity;
    c->validity_buffer = only->validity_buffer;
    if (n == 1) return VONK_OK;
    uint8_t *bits;
    bool first = true;
    VONK_TRY(vonk__scratch_bits(c->local, &bits, err));
    for (uint32_t i = 0; i < c->step->n_args; i++) {
        const uint8_t *valid = is_lambda(c->step, i) ? NULL : row_validity(c->args[i]);
        if (!valid) continue;
        if (first)
            memcpy(bits, valid, vonk_bits_bytes(c->local->n_rows));
        else
            vonk_kernels->bits_and(c->local->n_rows, bits, valid, bits);
        first = false;
    }
    c->validity = bits;
    c->validity_buffer = NULL;
    return VONK_OK;
}

/* A constant step expanded once for batches of this size. */
static vonk_status flat_constant(calling *c, uint32_t arg, vonk_column **ret, vonk_error *err)
{
    vonk_program_local *l = c->local;
    uint32_t step = c->step->args[arg];
    if (!l->flats || l->program->steps[step].kind != VONK__STEP_CONST) {
        VONK_TRY(vonk_column_flatten(l->budget, c->args[arg], ret, err));
        return keep(c, *ret);
    }
    if (!l->flats[step]) VONK_TRY(vonk_column_flatten(l->budget, c->args[arg], &l->flats[step], err));
    *ret = l->flats[step];
    return VONK_OK;
}

static vonk_status flatten_args(calling *c, vonk_error *err)
{
    for (uint32_t i = 0; i < c->step->n_args; i++) {
        if (is_lambda(c->step, i)) continue;
        vonk_column *a = c->args[i];
        if (a->encoding == VONK_FLAT && a->type->n_fields == 0) continue;
        if (a->encoding == VONK_CONSTANT && c->step->call->takes_constants) continue;
        if (a->encoding == VONK_CONSTANT) {
            VONK_TRY(flat_constant(c, i, &c->args[i], err));
            continue;
        }
        VONK_TRY(vonk_column_flatten(c->local->budget, a, &c->args[i], err));
        VONK_TRY(keep(c, c->args[i]));
    }
    return VONK_OK;
}

/* ---- the call itself */

/* n_rows rows of FLAT arguments, or of constants where the body takes them. */
static vonk_status call_body(calling *c, uint32_t n_rows, vonk_column **ret, vonk_error *err)
{
    vonk_eval ev = context(c->local, c->step);
    ev.validity = c->validity;
    return c->step->call->eval(c->step->call, &ev, c->args, n_rows, c->rows, ret, err);
}

static vonk_status call_flat(calling *c, vonk_column **ret, vonk_error *err)
{
    const vonk_fn_call *call = c->step->call;
    uint32_t n = c->local->n_rows;
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    if (call->fn->nulls == VONK_NULL_IN_NULL_OUT) VONK_TRY(and_nulls(c, err));
    if (c->validity && !call->dense) {
        VONK_TRY(vonk__rows_where(c->local, c->rows, c->validity, NULL, true, &c->rows, err));
        if (c->rows.n == 0) return vonk_column_new_nulls(c->local->budget, call->type, n, ret, err);
    }
    VONK_TRY(flatten_args(c, err));
    VONK_TRY(call_body(c, n, &made, err));
    if (c->validity && !constant_null(made))
        VONK_TRY(vonk__and_validity(c->local, &made, c->validity, c->validity_buffer, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

/* ---- constants: one row is enough */

static bool only_constants(const calling *c)
{
    if (!c->step->pure || c->step->call->lambdas) return false;
    for (uint32_t i = 0; i < c->step->n_args; i++)
        if (c->args[i]->encoding != VONK_CONSTANT && c->args[i]->n_rows != 1) return false;
    return true;
}

static vonk_status call_once(calling *c, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    vonk_budget *budget = c->local->budget;
    for (uint32_t i = 0; i < c->step->n_args; i++) {
        VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
        VONK_TRY(vonk_column_constant_of(budget, c->args[i], 0, 1, &one, err));
        VONK_TRY(vonk_column_flatten(budget, one, &c->args[i], err));
        VONK_TRY(keep(c, c->args[i]));
    }
    c->rows = VONK_ALL_ROWS(1);
    VONK_TRY(call_body(c, 1, &made, err));
    return vonk_column_constant_of(budget, made, 0, c->local->n_rows, ret, err);
}

/* ---- dictionaries: each entry that occurs is computed once */

/* The one argument that is not constant, if it is a dictionary that is worth it; UINT32_MAX otherwise. */
static uint32_t dictionary_argument(const calling *c)
{
    const vonk__step *s = c->step;
    uint32_t found = UINT32_MAX;
    if (!s->pure || s->call->lambdas || s->call->fn->nulls != VONK_NULL_IN_NULL_OUT) return UINT32_MAX;
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (c->args[i]->encoding == VONK_CONSTANT) continue;
        if (c->args[i]->encoding != VONK_DICTIONARY || found != UINT32_MAX) return UINT32_MAX;
        found = i;
    }
    if (found == UINT32_MAX) return found;
    return c->args[found]->children[0]->n_rows <= 2 * c->rows.n ? found : UINT32_MAX;
}

/* Entries that rows refer to, ascending. */
static vonk_status used_entries(calling *c, const vonk_column *arg, vonk_rows rows, vonk_rows *ret, vonk_error *err)
{
    uint32_t n = arg->children[0]->n_rows, *idx;
    const uint32_t *codes = arg->data;
    uint8_t *used;
    VONK_TRY(vonk_arena_alloc(c->local->scratch, vonk_bits_bytes(n) + 8, &used, err));
    VONK_TRY(vonk_arena_array(c->local->scratch, n + 1, sizeof(*idx), &idx, err));
    for (uint32_t k = 0; k < rows.n; k++) vonk_bit_set(used, codes[vonk_row_at(rows, k)]);
    ret->n = (uint32_t)vonk_bits_to_rows(used, n, idx);
    ret->idx = idx;
    return VONK_OK;
}

/* Results by code: as a dictionary when it can be one, else gathered. */
static vonk_status by_codes(calling *c, const vonk_column *arg, vonk_column *entries, vonk_column **ret,
                            vonk_error *err)
{
    uint32_t n = c->local->n_rows;
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    if (entries->encoding == VONK_CONSTANT) {
        VONK_TRY(vonk_column_constant_of(c->local->budget, entries, 0, n, &made, err));
    } else if (entries->encoding == VONK_FLAT && !entries->validity && entries->type->storage == VONK_STORE_VIEW) {
        vonk_buffer *validity =
            arg->validity && arg->validity == arg->validity_buffer->data ? vonk_buffer_ref(arg->validity_buffer) : NULL;
        VONK_TRY(vonk_column_new_dictionary(c->local->budget, vonk_column_ref(entries),
                                            vonk_buffer_ref(arg->data_buffer), validity, n, &made, err));
        made->data = arg->data; /* it may begin inside its buffer */
        if (validity || !arg->validity) {
            *ret = VONK_STEAL(made);
            return VONK_OK;
        }
    } else {
        VONK_TRY(vonk_column_gather(c->local->budget, entries, arg->data, n, false, &made, err));
    }
    if (arg->validity && !constant_null(made)) VONK_TRY(vonk__and_validity(c->local, &made, arg->validity, NULL, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

static vonk_status call_on_dictionary(calling *c, uint32_t at, vonk_column **ret, vonk_error *err)
{
    const vonk_column *arg = c->args[at];
    vonk_column *entries = arg->children[0];
    VONK_AUTO(vonk_column_unref) vonk_column *made = NULL;
    vonk_rows rows = c->rows;
    if (arg->validity) VONK_TRY(vonk__rows_where(c->local, rows, arg->validity, NULL, true, &rows, err));
    if (rows.n == 0) return vonk_column_new_nulls(c->local->budget, c->step->call->type, c->local->n_rows, ret, err);
    VONK_TRY(used_entries(c, arg, rows, &c->rows, err));
    for (uint32_t i = 0; i < c->step->n_args; i++) {
        if (i == at) {
            c->args[i] = entries;
            continue;
        }
        VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
        VONK_TRY(vonk_column_constant_of(c->local->budget, c->args[i], 0, entries->n_rows, &all, err));
        if (c->step->call->takes_constants)
            c->args[i] = vonk_column_ref(all);
        else
            VONK_TRY(vonk_column_flatten(c->local->budget, all, &c->args[i], err));
        VONK_TRY(keep(c, c->args[i]));
    }
    VONK_TRY(call_body(c, entries->n_rows, &made, err));
    return by_codes(c, arg, made, ret, err);
}

/* ---- */

static vonk_status run(calling *c, vonk_column **ret, vonk_error *err)
{
    bool null;
    VONK_TRY(eval_args(c, &null, err));
    if (null) return vonk_column_new_nulls(c->local->budget, c->step->call->type, c->local->n_rows, ret, err);
    if (only_constants(c) && c->step->n_args > 0) return call_once(c, ret, err);
    uint32_t dictionary = dictionary_argument(c);
    if (dictionary != UINT32_MAX) return call_on_dictionary(c, dictionary, ret, err);
    return call_flat(c, ret, err);
}

vonk_status vonk__run_call(vonk_program_local *local, const vonk__step *step, const vonk__scope *scope,
                           vonk_column **ret, vonk_error *err)
{
    vonk_column *few[FEW_ARGS], *few_keep[2 * FEW_ARGS];
    calling c = {.local = local, .step = step, .scope = scope, .args = few, .keep = few_keep, .rows = scope->rows};
    if (step->n_args > FEW_ARGS) {
        VONK_TRY(vonk_arena_array(local->scratch, step->n_args, sizeof(*c.args), &c.args, err));
        VONK_TRY(vonk_arena_array(local->scratch, (size_t)2 * step->n_args, sizeof(*c.keep), &c.keep, err));
    }
    vonk_status st = run(&c, ret, err);
    for (uint32_t i = 0; i < c.n_keep; i++) vonk_column_unref(c.keep[i]);
    return st;
}

/* ---- preparing */

static void drop_type(void *type) { vonk_type_unref(type); }

static vonk_status hold_type(vonk_arena *arena, const vonk_type *type, const vonk_type **ret, vonk_error *err)
{
    if (type->refs >= 0) VONK_TRY(vonk_arena_on_free(arena, drop_type, (void *)(uintptr_t)vonk_type_ref(type), err));
    *ret = type;
    return VONK_OK;
}

vonk_status vonk__prepare_call(vonk_arena *arena, const vonk_fn_env *env, const vonk_expr *e,
                               vonk_column *const *constants, vonk_lambda *const *lambdas, vonk_fn_call **ret,
                               vonk_error *err)
{
    vonk_fn_call *call = NULL;
    const vonk_type **types = NULL;
    const vonk_fn *fn = e->kind == VONK_EX_CAST ? vonk_cast_fn() : e->fn;
    uint32_t n = e->kind == VONK_EX_CAST ? 1 : e->n_args;
    VONK_TRY(VONK_ARENA_NEW(arena, &call, err));
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof(*types), &types, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(hold_type(arena, e->children[i]->type, &types[i], err));
    *call = (vonk_fn_call){.fn = fn,
                           .eval = fn->eval,
                           .n_args = n,
                           .arg_types = types,
                           .nullable = e->nullable,
                           .mode = e->mode,
                           .constants = constants,
                           .lambdas = lambdas,
                           .env = env,
                           .arena = arena};
    VONK_TRY(hold_type(arena, e->type, &call->type, err));
    if (fn->prepare) VONK_TRY(fn->prepare(call, err));
    if (!call->eval && e->kind == VONK_EX_FUNCTION && fn->kind == VONK_FN_SCALAR)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the function %s", fn->name));
    *ret = call;
    return VONK_OK;
}

static void drop_column(void *column) { vonk_column_unref(column); }

vonk_status vonk_call_prepare(vonk_arena *arena, const vonk_fn_env *env, const vonk_expr *e, vonk_fn_call **ret,
                              vonk_error *err)
{
    vonk_column **constants = NULL;
    assert(e->kind == VONK_EX_FUNCTION);
    VONK_TRY(vonk_arena_array(arena, e->n_args + 1, sizeof(*constants), &constants, err));
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (!vonk_expr_is_foldable(e->children[i])) continue;
        vonk_error failed = VONK_ERROR_INIT;
        vonk_status st = vonk_program_fold(vonk_arena_budget(arena), env, e->children[i], &constants[i], &failed);
        if (st == VONK_OK) st = vonk_arena_on_free(arena, drop_column, constants[i], &failed);
        if (st != VONK_OK) { /* it raises when a row asks for it */
            constants[i] = NULL;
            VONK_TRY(vonk_error_forgive(&failed, err));
        }
    }
    return vonk__prepare_call(arena, env, e, constants, NULL, ret, err);
}

void vonk_eval_init(vonk_eval *ev, vonk_budget *budget, vonk_arena *scratch)
{
    *ev = (vonk_eval){.budget = budget, .scratch = scratch};
}
