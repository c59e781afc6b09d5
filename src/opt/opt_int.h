/* opt/opt_int.h -- inside opt/: the rules and what they share. */
#ifndef VONK_OPT_OPT_INT_H
#define VONK_OPT_OPT_INT_H

#include "base/vec.h"
#include "opt/opt.h"

/* A rule sees a whole resolved plan and gives an equivalent one (new reference; the same node when nothing changed). */
typedef vonk_status (*vonk__opt_rule)(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err);

/* ---- expressions (opt/predicates.c) */
/* Splits at AND; appended to the vector in order; borrowed from e. */
typedef VONK_VEC(const vonk_expr *) vonk__exprs;
vonk_status vonk__opt_conjuncts(vonk_arena *arena, const vonk_expr *e, vonk__exprs *inout, vonk_error *err);
/* Does every column id in e belong to the output of p? Outer references count as not. */
bool vonk__opt_covered(const vonk_expr *e, const vonk_plan *p);
/* a = b or a <=> b of two expressions, else false. */
bool vonk__opt_is_equality(const vonk_expr *e, bool *ret_null_safe);

/* A literal that stands in for null in null-safe join keys (0, "", false, ...). Types that have none: nested ones. */
bool        vonk__opt_has_stand_in(const vonk_type *type);
vonk_status vonk__opt_stand_in(const vonk_opt_env *env, const vonk_type *type, const vonk_expr **ret, vonk_error *err);

/* ---- binding (opt/bind.c): COLUMN ids become positions in `inputs`, one plan's output after the other. */
vonk_status vonk__opt_bind(const vonk_opt_env *env, const vonk_expr *e, const vonk_plan *const *inputs, uint32_t n_inputs, const vonk_expr **ret, vonk_error *err);
/* A list over one input's output, kept alive by `arena`; VALUES: without the names around them. */
typedef enum vonk__bind_how { VONK__BIND_NAMED, VONK__BIND_VALUES } vonk__bind_how;
vonk_status vonk__opt_bind_list(const vonk_opt_env *env, vonk_arena *arena, const vonk_expr *const *exprs, size_t n, const vonk_plan *input, vonk__bind_how how,
                                const vonk_expr ***ret, vonk_error *err);

/* ---- estimates: opt/stats.h */

/* ---- physical planning (opt/physical*.c) */
vonk_status vonk__opt_lower(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_lower_scan(const vonk_opt_env *env, const vonk_plan *logical, const vonk_expr *condition /* or NULL */, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_lower_aggregate(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_lower_join(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
/* PYTHON_GROUPS, PYTHON_AGGREGATE; WINDOW over functions of Python. */
vonk_status vonk__opt_lower_python_groups(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
/* GENERATE over a table function of Python; with the PROJECT above it (or NULL), which says what of the input is kept. */
vonk_status vonk__opt_lower_python_table(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan *project, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_lower_python_window(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_lower_window(const vonk_opt_env *env, const vonk_plan *logical, const vonk_plan **ret, vonk_error *err);
/* A new physical node over children with up to three bound lists; `fill` sets the payload before finish and may be NULL. */
typedef struct vonk__lists {
    const vonk_expr *const *at[3];
    uint32_t                n[3], n_lists;
} vonk__lists;
vonk_status vonk__opt_node(const vonk_opt_env *env, vonk_node_kind kind, const vonk_plan *const *children, uint32_t n_children, const vonk__lists *lists, vonk_plan **ret, vonk_error *err);
vonk_status vonk__opt_exchange(const vonk_opt_env *env, const vonk_plan *physical, vonk_exchange_kind kind, const vonk_expr *const *keys, uint32_t n_keys, int32_t n_partitions,
                               bool fixed, const vonk_plan **ret, vonk_error *err);

/* Keeps a new reference until the arena dies. */
vonk_status vonk__opt_keep(vonk_arena *arena, const vonk_expr *take_e, vonk_error *err);

#endif
