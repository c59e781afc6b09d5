/* python/planner.h -- a question to one of pyspark's planner modules (pyspark.sql.worker.*), asked while a query is
 * planned: what columns a table function gives, how a data source is read.
 *
 *   start -> append the module's fields to out -> ask -> number | frame ... -> end -> free
 * Fields are written with vonk_py_frame (texts, pickles), vonk_py_mark (numbers) and single bytes (booleans). All of it
 * blocks its caller, never a thread of the engine's pool. Raises what python/pool.h raises, and PYTHON_EXCEPTION with
 * the traceback. Freed before its end, it costs the worker its life. */
#ifndef VONK_PYTHON_PLANNER_H
#define VONK_PYTHON_PLANNER_H

#include "python/task.h"

typedef struct vonk_py_planner vonk_py_planner;

typedef struct vonk_py_planner_head {
    const char *module;       /* "pyspark.sql.worker.create_data_source" */
    vonk_str python_version;  /* of who pickled what is asked about; empty: nobody did */
    vonk_str files_folder;    /* SparkFiles */
    const vonk_str *includes; /* names there */
    uint32_t n_includes;
    const vonk_py_broadcast *broadcasts;
    uint32_t n_broadcasts;
    const vonk_py_pair *conf;
    uint32_t n_conf;
    int64_t memory_bytes; /* most address space; 0: no cap */
    /* Looked at while it waits; NULL: never. Then it gives up with OPERATION_CANCELED. */
    bool (*cancelled)(void *arg);
    void *arg;
} vonk_py_planner_head;

/* `env` is that of the session's other workers; its module is not looked at. Workers of 4.2 and 4.3. */
vonk_status vonk_py_planner_start(vonk_py_pool *pool, const vonk_py_env *env, const vonk_py_planner_head *head,
                                  vonk_budget *budget, vonk_py_planner **ret, vonk_error *err);
/* Version of the Python that answers: "3.11". */
const char *vonk_py_planner_python(const vonk_py_planner *planner);
vonk_buf *vonk_py_planner_out(vonk_py_planner *planner);
/* All fields are written: off they go. */
vonk_status vonk_py_planner_ask(vonk_py_planner *planner, vonk_error *err);
vonk_status vonk_py_planner_number(vonk_py_planner *planner, int32_t *ret, vonk_error *err);
vonk_status vonk_py_planner_frame(vonk_py_planner *planner, vonk_buffer **ret, vonk_error *err);
/* Nothing more is expected: the worker says goodbye and goes back to the pool. */
vonk_status vonk_py_planner_end(vonk_py_planner *planner, vonk_error *err);
void vonk_py_planner_free(vonk_py_planner *planner); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_py_planner, vonk_py_planner_free)

#endif
