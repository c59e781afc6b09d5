/* func/agg_state.c -- the saved form of aggregates: types as texts, in terms of the call's. */
#include "func/resolve.h"

static const vonk_agg *agg_of(const vonk_fn_call *call) { return call->fn->agg; }

size_t vonk_agg_state_bytes(const vonk_fn_call *call)
{
    return agg_of(call)->state_bytes ? agg_of(call)->state_bytes : call->agg_state_bytes;
}

/* "bigint", "arg0", "result", "array<arg0>" */
static vonk_status state_type(const vonk_fn_call *call, vonk_str text, const vonk_type **ret, vonk_error *err)
{
    static const struct {
        const char *name;
        const vonk_type *type;
    } plain[] = {{"bigint", &vonk_type_long},
                 {"double", &vonk_type_double},
                 {"boolean", &vonk_type_boolean},
                 {"binary", &vonk_type_binary}};
    const vonk_type *made = NULL, *inner = NULL;
    if (vonk_str_is(text, "result")) {
        *ret = call->type;
        return VONK_OK;
    }
    if (text.len == 4 && memcmp(text.data, "arg", 3) == 0) {
        uint32_t i = (uint32_t)(text.data[3] - '0');
        assert(i < call->n_args);
        *ret = call->arg_types[i];
        return VONK_OK;
    }
    if (vonk_str_starts(text, VONK_STR("array<"))) {
        VONK_TRY(state_type(call, vonk_str_sub(text, 6, text.len - 1), &inner, err));
        VONK_TRY(vonk_type_array(inner, true, &made, err));
        return vonk_fn_own_type(call->arena, made, ret, err);
    }
    for (size_t i = 0; i < VONK_COUNTOF(plain); i++)
        if (vonk_str_is(text, plain[i].name)) {
            *ret = plain[i].type;
            return VONK_OK;
        }
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("%.*s is no type of saved states", VONK_STR_ARGS(text)));
}

vonk_status vonk_agg_state_types(const vonk_fn_call *call, const vonk_type **ret_types, uint32_t *ret_n,
                                 vonk_error *err)
{
    const char *texts = agg_of(call)->state ? agg_of(call)->state : call->agg_state;
    vonk_str all = vonk_str_of(texts);
    uint32_t n = 0;
    int depth = 0;
    size_t from = 0;
    for (size_t i = 0; i <= all.len; i++) {
        char c = i < all.len ? all.data[i] : ',';
        if (c == '<' || c == '(') depth++;
        if (c == '>' || c == ')') depth--;
        if (c != ',' || depth > 0) continue;
        assert(n < 16);
        VONK_TRY(state_type(call, vonk_str_trim(vonk_str_sub(all, from, i)), &ret_types[n++], err));
        from = i + 1;
    }
    *ret_n = n;
    return VONK_OK;
}
