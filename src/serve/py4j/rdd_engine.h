/* serve/py4j/rdd_engine.h -- what computes the RDDs of one SparkContext: block store, scheduler, Python's workers, lineage.
 *
 * It is made when it is first asked for, and ends when its context stops: whoever uses it holds it meanwhile
 * (vonk__j_engine_use, _leave), and stopping cancels all jobs and waits for those who hold it. */
#ifndef VONK_SERVE_PY4J_RDD_ENGINE_H
#define VONK_SERVE_PY4J_RDD_ENGINE_H

#include "plan/python_env.h"
#include "rdd/rdd.h"
#include "serve/py4j/spark.h"

typedef struct vonk__j_channel vonk__j_channel; /* rdd_socket.h */

struct vonk__j_engine {
    vonk__j_machine *machine;
    vonk__j_context *context; /* borrowed: its owner */
    vonk_budget *budget;
    const vonk_conf *conf; /* the context's settings when it was made */
    vonk_block_store *store;
    vonk_scheduler *scheduler;
    vonk_py_pool *pool;
    vonk_rdd_context *rdds;
    bool is_encrypted, by_unix_sockets;
    int64_t socket_timeout_ns;
    char *files_folder, *socket_folder;
    vonk_mutex lock;
    vonk_cond changed;
    bool is_stopping;
    uint32_t n_users;
    vonk__j_channel *channels;
    vonk_mutex accumulator_lock;
    int accumulator_fd; /* -1: not connected */
};

/* Holds the context's engine, which is made if there is none: IllegalStateException once the context has stopped. */
vonk_status vonk__j_engine_use(vonk__j_caller *caller, vonk__j_context *context, vonk__j_engine **ret, vonk_error *err);
/* Holds it if it is there and not stopping; NULL: not so. */
vonk__j_engine *vonk__j_engine_try(vonk__j_context *context);
vonk__j_engine *vonk__j_engine_hold(vonk__j_engine *engine); /* by somebody who holds it already */
void vonk__j_engine_leave(vonk__j_engine *engine);
VONK_DEFINE_AUTO(vonk__j_engine, vonk__j_engine_leave)
/* Cancels all jobs, waits for those who hold it, ends workers, threads and blocks. The struct stays until _free. */
void vonk__j_engine_stop(vonk__j_context *context);
void vonk__j_engine_free(vonk__j_engine *engine); /* NULL is fine */

/* Pools of the FAIR scheduler from their file; without a scheduler the file is only checked. */
vonk_status vonk__j_read_pools(vonk__j_context *context, vonk_scheduler *scheduler, vonk_error *err);

/* Tells Python what a task has added to an accumulator: `update` is a pickled (id, value). self: the engine. */
vonk_status vonk__j_accumulate(void *self, vonk_str update, vonk_error *err);

/* The caller's local properties as a job wants them, in `arena`. */
vonk_status vonk__j_job_properties(vonk__j_caller *caller, vonk_arena *arena, const vonk_property **ret, uint32_t *ret_n,
                                   vonk_error *err);
/* Runs a job and what comes after it (checkpoints). */
vonk_status vonk__j_run_job(vonk_rdd *rdd, const uint32_t *partitions, uint32_t n_partitions,
                            const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                            vonk_error *err);
/* Makers of RDDs between these two show where Python's program made them. */
vonk_status vonk__j_site_begin(vonk__j_caller *caller, vonk_arena *arena, vonk_error *err);
void vonk__j_site_end(void);
/* Between these two it is looked, while jobs run, whether Python has hung up, or wants all jobs cancelled: Ctrl-C comes
 * over the very connection that waits for the answer. */
void vonk__j_watch_begin(vonk__j_caller *caller, vonk__j_engine *engine);
void vonk__j_watch_end(void);
/* The same look for those who wait for something else than a job. */
bool vonk__j_hears_cancel(vonk__j_caller *caller);
/* Cancels the queries of a context's sessions that run: one group's or tag's, or (both without data) all. sql_query.c */
vonk_status vonk__j_cancel_queries(vonk__j_context *context, vonk_str group, vonk_str tag, vonk_error *err);

#endif
