/* opt/bind.c -- from column ids to positions. */
#include "opt/opt_int.h"

typedef struct binding {
    const vonk_opt_env *env;
    const vonk_plan *const *inputs;
    uint32_t n_inputs, n;
    const vonk_expr **bound; /* n: what each column of the inputs became last, referenced; or NULL */
} binding;

static vonk_status open_binding(const vonk_opt_env *env, const vonk_plan *const *inputs, uint32_t n_inputs,
                                binding *ret, vonk_error *err)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_inputs; i++) n += inputs[i]->n_output;
    *ret = (binding){.env = env, .inputs = inputs, .n_inputs = n_inputs};
    VONK_TRY(vonk_alloc_array(env->budget, n + 1, sizeof *ret->bound, &ret->bound, err));
    memset(ret->bound, 0, n * sizeof *ret->bound);
    ret->n = n;
    return VONK_OK;
}

static void close_binding(binding *b)
{
    for (uint32_t i = 0; i < b->n; i++) vonk_expr_unref(b->bound[i]);
    vonk_free(b->bound);
}
VONK_DEFINE_AUTO_DONE(binding, close_binding)

static bool needs_guard(const vonk_expr *arg) { return vonk_expr_may_raise(arg) && !vonk_expr_is_foldable(arg); }

/* sum(1 / a) FILTER (WHERE a <> 0): arguments raise nothing in rows that the filter leaves out. */
static vonk_status guard_arguments(const binding *b, const vonk_expr *call, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **children = NULL, *filter = call->children[call->n_args];
    vonk_expr *copy = NULL;
    uint32_t n = 0;
    vonk_status st = VONK_OK;

    VONK_TRY(vonk_alloc_array(b->env->budget, call->n_children, sizeof *children, &children, err));
    for (; n < call->n_children && st == VONK_OK; n++) {
        const vonk_expr *c = call->children[n];
        vonk_expr *guarded = NULL;
        children[n] = vonk_expr_ref(c);
        if (n >= call->n_args || !needs_guard(c)) continue;
        st = vonk_expr_new(b->env->budget, VONK_EX_CASE, (const vonk_expr *[]){filter, c}, 2, &guarded, err);
        if (st != VONK_OK) continue;
        vonk_expr_unref(children[n]);
        children[n] = NULL;
        st = vonk_expr_finish(guarded, &children[n], err);
    }
    if (st == VONK_OK) st = vonk_expr_copy(b->env->budget, call, children, call->n_children, &copy, err);
    for (uint32_t i = 0; i < n; i++) vonk_expr_unref(children[i]);
    vonk_free(children);
    return st == VONK_OK ? vonk_expr_finish(copy, ret, err) : st;
}

static bool has_unguarded(const vonk_expr *e)
{
    if (e->kind != VONK_EX_FUNCTION || !vonk_expr_has(e, VONK_EXF_HAS_FILTER)) return false;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (needs_guard(e->children[i])) return true;
    return false;
}

/* One node stands for all references to a column that are alike. */
static vonk_status bind_one(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const binding *b = arg;
    uint32_t base = 0;

    if (has_unguarded(e)) return guard_arguments(b, e, ret, err);
    if (e->kind != VONK_EX_COLUMN) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    for (uint32_t i = 0; i < b->n_inputs; base += b->inputs[i]->n_output, i++) {
        const vonk_plan *input = b->inputs[i];
        const uint32_t at = vonk_plan_column_at(input, e->id);
        if (at == input->n_output) continue;
        const vonk_expr **bound = &b->bound[base + at];
        if (!*bound || (*bound)->type != e->type || !vonk_str_eq((*bound)->name, e->name)) {
            vonk_expr_unref(*bound);
            *bound = NULL;
            VONK_TRY(
                vonk_ex_bound(b->env->budget, base + at, e->type, input->output[at]->nullable, e->name, bound, err));
        }
        *ret = vonk_expr_ref(*bound);
        return VONK_OK;
    }
    return VONK_EXPR_FAIL(
        e, err, VONK_E_INTERNAL_ERROR, "message",
        VONK_F("column %.*s#%llu is not in its operator's input", VONK_STR_ARGS(e->name), (unsigned long long)e->id));
}

vonk_status vonk__opt_bind(const vonk_opt_env *env, const vonk_expr *e, const vonk_plan *const *inputs,
                           uint32_t n_inputs, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(close_binding) binding b = {0};

    VONK_TRY(open_binding(env, inputs, n_inputs, &b, err));
    return vonk_expr_rewrite(env->budget, e, bind_one, &b, ret, err);
}

vonk_status vonk__opt_bind_list(const vonk_opt_env *env, vonk_arena *arena, const vonk_expr *const *exprs, size_t n,
                                const vonk_plan *input, vonk__bind_how how, const vonk_expr ***ret, vonk_error *err)
{
    VONK_AUTO(close_binding) binding b = {0};

    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof **ret, ret, err));
    if (n > 0) VONK_TRY(open_binding(env, &input, 1, &b, err));
    for (size_t i = 0; i < n; i++) {
        const vonk_expr *e = exprs[i];
        if (how == VONK__BIND_VALUES && e->kind == VONK_EX_ALIAS) e = e->children[0];
        VONK_TRY(vonk_expr_rewrite(env->budget, e, bind_one, &b, &(*ret)[i], err));
        VONK_TRY(vonk__opt_keep(arena, (*ret)[i], err));
    }
    return VONK_OK;
}
