/* opt/bind.c -- from column ids to positions. */
#include "opt/opt_int.h"

typedef struct binding {
    const vonk_opt_env *env;
    const vonk_plan *const *inputs;
    uint32_t n_inputs;
} binding;

static vonk_status bind_one(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const binding *b = arg;
    uint32_t base = 0;

    if (e->kind != VONK_EX_COLUMN) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    for (uint32_t i = 0; i < b->n_inputs; base += b->inputs[i]->n_output, i++)
        for (uint32_t c = 0; c < b->inputs[i]->n_output; c++)
            if (b->inputs[i]->output[c]->id == e->id)
                return vonk_ex_bound(b->env->budget, base + c, e->type, b->inputs[i]->output[c]->nullable, e->name, ret,
                                     err);
    return VONK_EXPR_FAIL(
        e, err, VONK_E_INTERNAL_ERROR, "message",
        VONK_F("column %.*s#%llu is not in its operator's input", VONK_STR_ARGS(e->name), (unsigned long long)e->id));
}

vonk_status vonk__opt_bind(const vonk_opt_env *env, const vonk_expr *e, const vonk_plan *const *inputs,
                           uint32_t n_inputs, const vonk_expr **ret, vonk_error *err)
{
    binding b = {env, inputs, n_inputs};

    return vonk_expr_rewrite(env->budget, e, bind_one, &b, ret, err);
}
