/* func/resolve.h -- inside func: what resolve hooks use. */
#ifndef VONK_FUNC_RESOLVE_H
#define VONK_FUNC_RESOLVE_H

#include "func/func.h"

/* Replaces types->result (referenced). */
vonk_status vonk_fn_set_result(vonk_fn_types *types, const vonk_type *type);

/* DATATYPE_MISMATCH.*; `required`: types as messages write them, quoted. */
vonk_status vonk__raise_wrong_type(const vonk_fn_types *types, uint32_t arg, const char *required, vonk_error *err);
static inline vonk_status vonk_fn_wrong_type(const vonk_fn_types *types, uint32_t arg, const char *required, vonk_error *err)
{
    return vonk_raised(vonk__raise_wrong_type(types, arg, required, err));
}
vonk_status vonk__raise_not_orderable(const vonk_fn_types *types, const vonk_type *type, vonk_error *err);
static inline vonk_status vonk_fn_not_orderable(const vonk_fn_types *types, const vonk_type *type, vonk_error *err)
{
    return vonk_raised(vonk__raise_not_orderable(types, type, err));
}
/* WRONG_NUM_ARGS.WITHOUT_SUGGESTION */
vonk_status vonk__raise_wrong_count(const vonk_fn_types *types, const char *expected, vonk_error *err);
static inline vonk_status vonk_fn_wrong_count(const vonk_fn_types *types, const char *expected, vonk_error *err)
{
    return vonk_raised(vonk__raise_wrong_count(types, expected, err));
}
/* A constant argument, cast to the integral type that the rules gave it. Errors: those of the cast. */
vonk_status vonk_fn_constant_int(const vonk_fn_types *types, uint32_t arg, int64_t *ret, bool *ret_is_null, vonk_error *err);
/* Texts for messages: the whole call in quotes; the argument types. */
const char *vonk_fn_call_text(const vonk_fn_types *types, char into[1024]);
const char *vonk_fn_type_list(const vonk_fn_types *types, const char *open, const char *between, const char *close, char into[1024]);

#endif
