/* opt/scratch.h -- what a rule makes on the way: expressions and plans that live until the rule ends. */
#ifndef VONK_OPT_SCRATCH_H
#define VONK_OPT_SCRATCH_H

#include "opt/opt_int.h"

typedef struct vonk__scratch {
    const vonk_opt_env *env;
    vonk_arena         *arena;
} vonk__scratch;

typedef VONK_VEC(const vonk_plan *) vonk__plans;

vonk_status vonk__scratch_keep_expr(vonk__scratch *s, const vonk_expr *take_e, vonk_error *err);
vonk_status vonk__scratch_keep_plan(vonk__scratch *s, const vonk_plan *take_p, vonk_error *err);

/* All results below are borrowed from the scratch. */
vonk_status vonk__mk_call(vonk__scratch *s, const char *function, const vonk_type *type, bool nullable, const vonk_expr *const *args, uint32_t n, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__mk_equal(vonk__scratch *s, const vonk_expr *a, const vonk_expr *b, bool null_safe, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__mk_node(vonk__scratch *s, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, const vonk_expr **ret, vonk_error *err); /* NOT, OR, IS_NULL, ... */
vonk_status vonk__mk_and(vonk__scratch *s, const vonk_expr *const *terms, size_t n, const vonk_expr **ret, vonk_error *err);
/* No rows, with the columns of `like`; the caller owns it. */
vonk_status vonk__mk_empty(vonk_budget *budget, const vonk_plan *like, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__mk_alias(vonk__scratch *s, const vonk_expr *child, const char *name, const vonk_expr **ret_alias, const vonk_expr **ret_column, vonk_error *err);
vonk_status vonk__mk_copy(vonk__scratch *s, const vonk_expr *e, const vonk_expr *const *children, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__mk_filter(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *terms, size_t n, const vonk_plan **ret, vonk_error *err); /* n == 0: the child */
vonk_status vonk__mk_project(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *exprs, size_t n, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__mk_join(vonk__scratch *s, const vonk_plan *left, const vonk_plan *right, vonk_join_type type, const vonk_expr *const *terms, size_t n, const vonk_plan **ret,
                          vonk_error *err);
vonk_status vonk__mk_aggregate(vonk__scratch *s, const vonk_plan *child, const vonk_expr *const *keys, size_t n_keys, const vonk_expr *const *outputs, size_t n_outputs,
                               const vonk_plan **ret, vonk_error *err);
/* The same node over other children. */
vonk_status vonk__mk_over(vonk__scratch *s, const vonk_plan *p, const vonk_plan *const *children, const vonk_plan **ret, vonk_error *err);
/* Exactly the columns of `like`, in order; `p` itself when it has them already. */
vonk_status vonk__mk_output_like(vonk__scratch *s, const vonk_plan *p, const vonk_plan *like, const vonk_plan **ret, vonk_error *err);

/* e with each COLUMN of id from[i] replaced by to[i]. */
vonk_status vonk__mk_replace(vonk__scratch *s, const vonk_expr *e, const uint64_t *from, const vonk_expr *const *to, size_t n, const vonk_expr **ret, vonk_error *err);

#endif
