/* plan/program.h -- bound expressions, flattened into a short list of steps over registers: constants folded, common parts computed once (only out of places that
 * are all evaluated), CASE / AND / OR / COALESCE / IF evaluated on shrinking row sets, so that errors are raised only for rows that are really evaluated.
 *
 * A program is immutable and shared by threads; each thread has a `vonk_program_local` with registers and functions' scratch. */
#ifndef VONK_PLAN_PROGRAM_H
#define VONK_PLAN_PROGRAM_H

#include "column/batch.h"
#include "plan/expr.h"

typedef struct vonk_program_local vonk_program_local;

/* `exprs`: resolved, with BOUND for input columns (no COLUMN, aggregate, window or subquery left). env must outlive the program (the query's). */
vonk_status vonk_program_new(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *const *exprs, uint32_t n, vonk_program **ret, vonk_error *err);
void        vonk_program_free(vonk_program *program);
VONK_DEFINE_AUTO(vonk_program, vonk_program_free)
bool        vonk_program_partition_bound(const vonk_program *program);

vonk_status vonk_program_local_new(const vonk_program *program, vonk_budget *budget, vonk_program_local **ret, vonk_error *err);
void        vonk_program_local_free(vonk_program_local *local);
VONK_DEFINE_AUTO(vonk_program_local, vonk_program_local_free)
/* Called when a partition starts: seeds of rand, row counters. */
void        vonk_program_start_partition(vonk_program_local *local, int32_t partition);

/* Who asks long loops to stop (vonk_eval.cancelled). */
void        vonk_program_set_cancel(vonk_program_local *local, bool (*cancelled)(void *query), void *query);

/* Values of all expressions for the selected rows of the batch: ret[i] has batch->n_rows rows; rows outside the selection are undefined (not null-checked). Any
 * encoding may come out. New references. */
vonk_status vonk_program_eval(vonk_program_local *local, const vonk_batch *batch, vonk_column **ret, vonk_error *err);
/* Program of one boolean expression: the rows (of the selection) where it is true, as a new selection. All rows: *ret_sel is NULL and *ret_n == batch->n_sel.
 * Conjunctions narrow step by step and reorder themselves by measured cost where no term can raise. */
vonk_status vonk_program_filter(vonk_program_local *local, const vonk_batch *batch, vonk_buffer **ret_sel, uint32_t *ret_n, vonk_error *err);

/* One expression without input, now: a one-row column (constant folding, literals). */
vonk_status vonk_program_fold(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *expr, vonk_column **ret, vonk_error *err);

/* Prepared call of an aggregate or generator FUNCTION expression (arguments are evaluated by a program of the operator's own); lives in `arena`. */
vonk_status vonk_call_prepare(vonk_arena *arena, const vonk_fn_env *env, const vonk_expr *function, vonk_fn_call **ret, vonk_error *err);
/* What aggregates get as `ev` outside a program. */
void vonk_eval_init(vonk_eval *ev, vonk_budget *budget, vonk_arena *scratch);

#endif
