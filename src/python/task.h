/* python/task.h -- one task of `pyspark.worker`: a request, input, answers, in the protocol of the worker's version.
 *
 * Life:  start -> [append to out, send | next]* -> end_input -> next ... VONK_PY_DONE -> free
 * next sends, too. Once it has raised something, only free may follow.
 * Input and answers flow at the same time: a caller whose input is not taken must go on asking for answers, since a
 * worker may stop reading until its answer is taken. A task that is freed before VONK_PY_DONE costs its worker its life
 * (LIMIT, cancel, errors). */
#ifndef VONK_PYTHON_TASK_H
#define VONK_PYTHON_TASK_H

#include "python/eval.h"
#include "python/pool.h"

typedef struct vonk_py_pair {
    vonk_str key, value;
} vonk_py_pair;

typedef struct vonk_py_broadcast {
    int64_t id;
    vonk_str path; /* of the pickle; workers that are used again are told once */
} vonk_py_broadcast;

typedef struct vonk_py_arg {
    int32_t offset; /* of the input column */
    vonk_str name;  /* keyword argument; empty: by position */
} vonk_py_arg;

/* One function, or a chain of them: f(g(x)) runs g, then f, in one call. */
typedef struct vonk_py_udf {
    const vonk_py_arg *args;
    uint32_t n_args;
    const vonk_str *commands; /* pickled (function, return type), innermost first */
    uint32_t n_commands;
    int64_t result_id; /* of the profiler */
} vonk_py_udf;

typedef struct vonk_py_udtf {
    const vonk_py_arg *args;
    uint32_t n_args;
    const int32_t *partition_columns; /* of a table argument: positions among its columns */
    uint32_t n_partition_columns;
    vonk_str analyze_result; /* pickled; empty: none */
    vonk_str handler;        /* pickled class */
    vonk_str return_type;    /* JSON */
    vonk_str name;
} vonk_py_udtf;

/* Everything a worker is told before its input. All borrowed for the call. */
typedef struct vonk_py_request {
    vonk_py_eval eval;
    vonk_str python_version; /* of who pickled the functions: "3.11" */
    int32_t stage, partition, attempt, cpus;
    vonk_str cpu_amount; /* as a decimal, when `cpus` was rounded up; empty: it is cpus */
    int64_t task_id;
    bool barrier;
    vonk_str barrier_socket, barrier_secret; /* path of a Unix socket, or the port as digits with its secret */
    const vonk_py_pair *properties;          /* local properties of the job */
    uint32_t n_properties;
    vonk_str resources_json;  /* {name: {name, addresses}}; empty: none */
    vonk_str files_folder;    /* SparkFiles */
    const vonk_str *includes; /* names of .py, .zip files there */
    uint32_t n_includes;
    const vonk_py_broadcast *broadcasts;
    uint32_t n_broadcasts;
    const vonk_py_pair *runner_conf, *eval_conf;
    uint32_t n_runner_conf, n_eval_conf;
    /* by eval */
    vonk_str command; /* PLAIN (RDD): pickled (function, profiler, deserializer, serializer) */
    const vonk_py_udtf *udtf;
    const vonk_py_udf *udfs;
    uint32_t n_udfs;
} vonk_py_request;

typedef struct vonk_py_task vonk_py_task;

/* The request is encoded when the worker's version is known; until then the task keeps a copy. */
vonk_status vonk_py_task_start(vonk_py_pool *pool, const vonk_py_env *env, const vonk_py_request *request,
                               vonk_budget *budget, vonk_py_task **ret, vonk_error *err);
void vonk_py_task_free(vonk_py_task *task); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_py_task, vonk_py_task_free)

/* Of the worker; 0 when it is not known yet, or any more. */
int32_t vonk_py_task_pid(const vonk_py_task *task);
/* *ret_known false: the worker is not there yet. */
vonk_status vonk_py_task_version(vonk_py_task *task, bool *ret_known, vonk_py_version *ret, vonk_error *err);

/* Input in the form of the eval type: frames (vonk_py_frame), or an Arrow stream (codec/ipc.h appends to it). */
vonk_buf *vonk_py_task_out(vonk_py_task *task);
vonk_status vonk_py_task_send(vonk_py_task *task, size_t *ret_left, vonk_error *err);
/* No more input. Called once; sending goes on with vonk_py_task_send until nothing is left. Writes the end that the
 * form has (-1 after frames, mark 0 after groups: callers do not; an Arrow stream ends itself), and that of the task.
 * Groups of pyspark 4.0 are one Arrow stream, a record batch each: who sends them asks for the version first.
 */
vonk_status vonk_py_task_end_input(vonk_py_task *task, vonk_error *err);
/* As planners and tasks are told; ids below 0, of those that are dropped, without paths. */
vonk_status vonk_py_put_broadcasts(vonk_buf *out, const vonk_py_broadcast *broadcasts, uint32_t n, vonk_error *err);
/* Length and bytes; and the marks of the protocol: data of a group follow, no more groups, a null in a pair. */
vonk_status vonk_py_frame(vonk_buf *out, vonk_str bytes, vonk_error *err);
vonk_status vonk_py_mark(vonk_buf *out, int32_t mark, vonk_error *err);

typedef enum vonk_py_event_kind {
    VONK_PY_NOTHING,       /* yet: watch or wait */
    VONK_PY_FRAME,         /* `bytes`: one frame, without its length */
    VONK_PY_ARROW_MESSAGE, /* `bytes`: one message of an Arrow stream with its prefix: schema, dictionary, record batch
                            */
    VONK_PY_ARROW_END,     /* of that stream */
    VONK_PY_DONE           /* all answers are there; the worker is back in the pool */
} vonk_py_event_kind;
typedef struct vonk_py_event {
    vonk_py_event_kind kind;
    vonk_buffer *bytes; /* the caller's reference */
} vonk_py_event;
/* Raises what the function raised (PythonException with its traceback), or how the worker died. */
vonk_status vonk_py_task_next(vonk_py_task *task, vonk_py_event *ret, vonk_error *err);

/* Watching, as in pool.h. */
vonk_status vonk_py_task_watch(vonk_py_task *task, bool to_write, void (*wake)(void *arg), void *arg, vonk_error *err);
bool vonk_py_task_unwatch(vonk_py_task *task);
bool vonk_py_task_wait(vonk_py_task *task, bool to_write, int64_t timeout_ns);

/* After VONK_PY_DONE. */
typedef struct vonk_py_report {
    int64_t boot_ms, init_ms, finish_ms, processing_ms; /* epoch milliseconds but the last */
    int64_t memory_spilled_bytes, disk_spilled_bytes;
    vonk_buffer *const *accumulators; /* pickled (id, value); borrowed */
    uint32_t n_accumulators;
} vonk_py_report;
const vonk_py_report *vonk_py_task_report(const vonk_py_task *task);

/* Appends the request as a worker of that version reads it. Tests compare it with recorded streams. */
vonk_status vonk_py_request_encode(vonk_py_version version, const vonk_py_request *request, vonk_buf *out,
                                   vonk_error *err);

#endif
