/* plan/expr_set.h -- different expressions in the order they came, found by vonk_expr_equal. Scratch: lives in an arena, and the expressions are borrowed. */
#ifndef VONK_PLAN_EXPR_SET_H
#define VONK_PLAN_EXPR_SET_H

#include "base/vec.h"
#include "plan/expr.h"

/* Zero: empty. */
typedef struct vonk_expr_set {
    const vonk_expr **at;
    size_t            n;

    uint64_t *hashes; /* of at[i] */
    size_t    capacity;
    uint32_t *slots; /* open hash table: index + 1, 0: free; n_slots is a power of two, or 0 */
    size_t    n_slots;
} vonk_expr_set;

size_t      vonk_expr_set_find(const vonk_expr_set *set, const vonk_expr *e); /* SIZE_MAX: absent */
/* *ret_at (may be NULL): where e, or one equal to it, is. */
vonk_status vonk_expr_set_add(vonk_expr_set *set, vonk_arena *arena, const vonk_expr *e, size_t *ret_at, vonk_error *err);

#endif
