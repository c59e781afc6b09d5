/* exec/exec.h -- runs a physical plan: pipelines of operators over morsels, on a fixed pool of threads, under the
 * query's budget.
 *
 * A running plan is pulled only at its edge: vonk_exec_next gives result batches in (partition, sequence) order;
 * everything below is pushed. The result queue is bounded, so a slow reader parks the query instead of filling memory.
 */
#ifndef VONK_EXEC_EXEC_H
#define VONK_EXEC_EXEC_H

#include "plan/conf.h"
#include "plan/plan.h"
#include "python/task.h"

typedef struct vonk_pool vonk_pool; /* worker threads, shared fairly by all running queries */
typedef struct vonk_exec vonk_exec; /* one running (or finished) plan */

vonk_status vonk_pool_new(vonk_budget *budget, uint32_t n_threads, vonk_pool **ret, vonk_error *err);
void vonk_pool_free(vonk_pool *pool); /* after all queries are gone */
uint32_t vonk_pool_n_threads(const vonk_pool *pool);
/* Idle threads give back the memory that their allocator keeps: after much of what queries held was freed. */
void vonk_pool_trim(vonk_pool *pool);

/* Where functions of Python run: the session's workers and its files. All borrowed; outlives the execution. */
typedef struct vonk_exec_python {
    vonk_py_pool *pool;
    vonk_py_env env;          /* of `pyspark.worker` */
    vonk_str files_folder;    /* SparkFiles */
    const vonk_str *includes; /* that every function of the session sees: names there */
    uint32_t n_includes;
    const vonk_py_pair *properties; /* of the job: what TaskContext.getLocalProperty() finds */
    uint32_t n_properties;
    int32_t cpus;               /* of a task, rounded up */
    vonk_str cpu_amount;        /* ... exactly */
    _Atomic int64_t *next_task; /* ids of tasks and stages are unique among all that count here; NULL: from 0 */
    _Atomic int32_t *next_stage;
} vonk_exec_python;

typedef struct vonk_exec_env {
    vonk_pool *pool;
    vonk_budget *budget; /* the query's: operators hang theirs below it */
    const vonk_conf *conf;
    const vonk_fn_env *env; /* outlives the execution */
    uint32_t n_threads;     /* at most; 1 = run by one thread at a time */
    uint32_t batch_rows;    /* VONK_BATCH_ROWS; tests use 1 and 3 */
    vonk_str spill_dir;
    const vonk_exec_python *python; /* NULL: the plan has no functions of Python */
    bool on_demand;                 /* nothing is computed before rows are asked for */
} vonk_exec_env;

typedef struct vonk_progress { /* of one stage */
    uint64_t n_tasks, n_done_tasks, bytes_read, rows_read;
    bool done;
} vonk_progress;

/* Starts; never blocks for long. `plan` is physical and stays referenced. */
vonk_status vonk_exec_start(const vonk_exec_env *env, const vonk_plan *plan, vonk_exec **ret, vonk_error *err);
/* The next batch in order (new reference, no selection), NULL at the end. Blocks the calling thread (never a pool
 * thread). Errors: that of the lowest (partition, row); OPERATION_CANCELED after vonk_exec_cancel. After an error or
 * the end it answers the same again. */
vonk_status vonk_exec_next(vonk_exec *exec, vonk_batch **ret, vonk_error *err);
/* Same without blocking: *ret_ready false = nothing there yet, and wake(arg) is called once, from any thread, when it
 * is worth asking again. */
vonk_status vonk_exec_poll(vonk_exec *exec, void (*wake)(void *arg), void *arg, bool *ret_ready, vonk_batch **ret,
                           vonk_error *err);
void vonk_exec_cancel(vonk_exec *exec); /* any thread; returns at once; work stops within a batch or a morsel's step */
void vonk_exec_free(vonk_exec *exec);   /* cancels, waits for its tasks, frees operators */
VONK_DEFINE_AUTO(vonk_exec, vonk_exec_free)
/* Nothing is being computed: the result is complete, or waits for whoever takes it. */
bool vonk_exec_is_idle(vonk_exec *exec);
/* Per stage; fills at most `room`, returns how many stages there are. */
uint32_t vonk_exec_progress(const vonk_exec *exec, vonk_progress *ret, uint32_t room);
/* Rows, batches, time and memory per plan node, in EXPLAIN ANALYZE's form. */
vonk_status vonk_exec_metrics_text(const vonk_exec *exec, vonk_buf *out, vonk_error *err);
/* Observed metrics (P_METRICS): name and one row, once finished. */
uint32_t vonk_exec_n_observed(const vonk_exec *exec);
void vonk_exec_observed(const vonk_exec *exec, uint32_t i, vonk_str *ret_name, const vonk_plan **ret_node,
                        vonk_batch **ret_row /* borrowed */);
/* Of the result; 0: not known yet. */
uint32_t vonk_exec_n_partitions(const vonk_exec *exec);
/* Of the result, after an error: rows of the partitions before it are all out. UINT32_MAX: not known. */
uint32_t vonk_exec_failed_partition(const vonk_exec *exec);
/* What workers of Python have added to accumulators (profilers): pickled (id, value) each, once finished. Borrowed. */
uint32_t vonk_exec_n_accumulators(const vonk_exec *exec);
vonk_str vonk_exec_accumulator(const vonk_exec *exec, uint32_t i);

#endif
