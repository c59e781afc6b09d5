/* sql/dataset.h -- what only the DataFrame API says, in terms of the relational core. */
#ifndef VONK_SQL_DATASET_H
#define VONK_SQL_DATASET_H

#include "base/vec.h"
#include "sql/sql.h"

/* p: WITH_COLUMNS, RENAME_COLUMNS, DROP_COLUMNS, DEDUPLICATE, TO_DF, TO_SCHEMA, UNPIVOT, PIVOT, TRANSPOSE, NA_FILL, NA_DROP, NA_REPLACE or STAT, whose child is
 * resolved and whose expression lists are resolved over it. Result: PROJECT, FILTER, AGGREGATE, ... over the same child; expressions may hold CALLs that are still to be
 * resolved. New reference. */
vonk_status vonk__sql_dataset(const vonk_analyzer *a, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);

/* ---- inside: makers whose results live until the rewrite ends */
typedef VONK_VEC(const vonk_expr *) vonk__ds_list;
typedef struct vonk__ds {
    const vonk_analyzer *a;
    vonk_arena          *arena;
    const vonk_plan     *p, *child;
    vonk_error          *err;
} vonk__ds;
vonk_status vonk__ds_keep(vonk__ds *d, const vonk_expr *take_e);
vonk_status vonk__ds_push(vonk__ds *d, vonk__ds_list *list, const vonk_expr *e);
vonk_status vonk__ds_call(vonk__ds *d, const char *name, const vonk_expr *const *args, uint32_t n, const vonk_expr **ret); /* symbols are operators */
vonk_status vonk__ds_distinct_call(vonk__ds *d, const char *name, const vonk_expr *arg, const vonk_expr **ret);
vonk_status vonk__ds_node(vonk__ds *d, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, const vonk_expr **ret); /* CASE, AND, OR, NOT, IS_NULL, COALESCE */
vonk_status vonk__ds_cast(vonk__ds *d, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret); /* as given when it has the type */
vonk_status vonk__ds_alias(vonk__ds *d, const vonk_expr *e, vonk_str name, const vonk_expr **ret);
vonk_status vonk__ds_text(vonk__ds *d, vonk_str text, const vonk_expr **ret);
vonk_status vonk__ds_long(vonk__ds *d, int64_t value, const vonk_expr **ret);
vonk_status vonk__ds_int(vonk__ds *d, int32_t value, const vonk_expr **ret);
vonk_status vonk__ds_double(vonk__ds *d, double value, const vonk_expr **ret);
vonk_status vonk__ds_project(vonk__ds *d, const vonk_plan *child, const vonk__ds_list *list, const vonk_plan **ret); /* new reference */
/* The child's column of a name (session's case rule); several: AMBIGUOUS_REFERENCE; none: UNRESOLVED_COLUMN_AMONG_FIELD_NAMES. */
vonk_status vonk__ds_column(vonk__ds *d, vonk_str name, const vonk_expr **ret);
vonk_status vonk__ds_has_column(vonk__ds *d, vonk_str name); /* at least one, or UNRESOLVED_COLUMN_AMONG_FIELD_NAMES */
bool        vonk__ds_same_name(const vonk__ds *d, vonk_str a, vonk_str b);

/* the files behind vonk__sql_dataset */
vonk_status vonk__ds_na_fill(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_na_drop(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_na_replace(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_unpivot(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_pivot(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_transpose(vonk__ds *d, const vonk_plan **ret);
vonk_status vonk__ds_stat(vonk__ds *d, const vonk_plan **ret);

#endif
