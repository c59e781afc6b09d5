/* session/python_source.h -- inside session/: a write into a data source of Python. Its query runs a function over the
 * rows' partitions, each of which gives a message; with all messages the source is told to commit, or to abort. */
#ifndef VONK_SESSION_PYTHON_SOURCE_H
#define VONK_SESSION_PYTHON_SOURCE_H

#include "session/session_int.h"

/* `write`: WRITE_FILES, resolved. *ret_plan: what is to be run. */
vonk_status vonk__source_write_new(vonk_query *query, const vonk_plan *write, const vonk_python_fn *source,
                                   vonk__source_write **ret, const vonk_plan **ret_plan, vonk_error *err);
void vonk__source_write_free(vonk__source_write *write); /* NULL is fine */
VONK_DEFINE_AUTO(vonk__source_write, vonk__source_write_free)
/* Rows that have come. */
vonk_status vonk__source_write_take(vonk__source_write *write, vonk_budget *budget, const vonk_batch *batch,
                                    vonk_error *err);
/* All have come. */
vonk_status vonk__source_write_commit(vonk_query *query, vonk__source_write *write, vonk_error *err);
/* Not all will come. Partitions whose message is missing stand for nothing (None). */
void vonk__source_write_abort(vonk_query *query, vonk__source_write *write, uint32_t n_partitions);

/* ---- filters above a source (source_filters.c) */

/* A condition right above a source, as its reader is asked about it. In an arena; expressions are kept by it. */
typedef struct vonk__source_filters {
    VONK_VEC(const vonk_expr *) terms; /* of the conjunction: what Spark infers (IS NOT NULL) first */
    VONK_VEC(uint32_t) asked;          /* those that a reader understands, by position in `json` */
    vonk_str json;                     /* as pyspark reads them */
} vonk__source_filters;
/* `source`: PYTHON_SOURCE; the condition may mention columns that are not its own. */
vonk_status vonk__source_filters_of(vonk_query *query, vonk_arena *arena, const vonk_plan *source,
                                    const vonk_expr *condition, vonk__source_filters *ret, vonk_error *err);

#endif
