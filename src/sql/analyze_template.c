/* sql/analyze_template.c -- functions that are written in SQL: "if($1 = $2, NULL, $1)". Each text is parsed once in the
 * life of the process. */
#include <stdatomic.h>

#include "base/hash.h"
#include "sql/analyze.h"
#include "sql/parse.h"

enum { SLOTS = 4096 }; /* several times the number of such rows */

typedef struct template_slot {
    _Atomic(const char *) text; /* the row's text; its address is the key */
    _Atomic(const vonk_expr *) parsed;
} template_slot;

static template_slot slots[SLOTS];

/* Texts for several numbers of arguments stand one after the other: "f($1); g($1, $2)". */
static vonk_str text_for(const vonk_fn *fn, uint32_t n_args, uint32_t *ret_index)
{
    vonk_str all = vonk_str_of(fn->rewrite), last = all;
    *ret_index = 0;
    if (vonk_str_find_byte(all, ';', 0) == SIZE_MAX) return all;
    for (size_t at = 0; at < all.len;) {
        size_t end = vonk_str_find_byte(all, ';', at);
        if (end == SIZE_MAX) end = all.len;
        vonk_str one = vonk_str_sub(all, at, end);
        uint32_t most = 0;
        for (size_t i = 0; i + 1 < one.len; i++)
            if (one.data[i] == '$' && one.data[i + 1] >= '1' && one.data[i + 1] <= '9')
                if ((uint32_t)(one.data[i + 1] - '0') > most) most = (uint32_t)(one.data[i + 1] - '0');
        last = one;
        if (most == n_args) return one;
        ++*ret_index;
        at = end + 1;
    }
    --*ret_index;
    return last;
}

static vonk_status parsed_text(vonk_str text, const vonk_expr **ret, vonk_error *err)
{
    uint64_t at = vonk_hash_mix((uint64_t)(uintptr_t)text.data);
    for (uint32_t tries = 0; tries < SLOTS; tries++, at++) {
        template_slot *slot = &slots[at % SLOTS];
        const char *key = atomic_load(&slot->text);
        if (!key && !atomic_compare_exchange_strong(&slot->text, &key, text.data)) {
        }
        if (key && key != text.data) continue;
        *ret = atomic_load(&slot->parsed);
        if (*ret) return VONK_OK;
        const vonk_expr *parsed, *nothing = NULL;
        VONK_TRY(vonk__parse_template(vonk_budget_root(), text, &parsed, err)); /* kept for ever */
        if (!atomic_compare_exchange_strong(&slot->parsed, &nothing, parsed)) {
            vonk_expr_unref(parsed); /* somebody was faster */
            parsed = nothing;
        }
        *ret = parsed;
        return VONK_OK;
    }
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "too many functions written in SQL");
}

typedef struct filling {
    const vonk_expr *const *args;
    uint32_t n;
    const vonk_expr *like;
} filling;

/* $3 becomes the third argument; everything else gets the call's place in the text. Casts are not shown, as those that
 * analysis puts in. */
static vonk_status fill(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const filling *f = arg;
    if (e->kind == VONK_EX_PARAMETER) {
        if (e->n_args == 0 || e->n_args > f->n)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a function's text has too many arguments");
        *ret = vonk_expr_ref(f->args[e->n_args - 1]);
        return VONK_OK;
    }
    for (uint32_t i = 0; i < f->n; i++)
        if (e == f->args[i]) {
            *ret = vonk_expr_ref(e);
            return VONK_OK;
        }
    vonk_expr *copy;
    VONK_TRY(vonk_expr_copy(vonk_arena_budget(f->like->arena), e, NULL, 0, &copy, err));
    vonk_expr_set_origin(copy, &f->like->origin);
    if (copy->kind == VONK_EX_CAST) copy->flags |= VONK_EXF_IMPLICIT;
    return vonk_expr_finish(copy, ret, err);
}

vonk_status vonk__an_template(vonk_an *an, const vonk_fn *fn, const vonk_scope *scope, const vonk_expr *like,
                              const vonk_expr *const *args, uint32_t n, const vonk_expr **ret, vonk_error *err)
{
    uint32_t index;
    vonk_str text = text_for(fn, n, &index);
    const vonk_expr *parsed = NULL, *made, *filled;
    filling f = {args, n, like};
    VONK_TRY(parsed_text(text, &parsed, err));
    VONK_TRY(vonk_expr_rewrite(an->budget, parsed, fill, &f, &made, err));
    VONK_TRY(vonk__an_keep(an, made, &filled, err));
    vonk_scope inner = *scope;
    inner.above = NULL; /* the arguments have been looked after */
    return vonk__an_expr(an, &inner, filled, ret, err);
}
