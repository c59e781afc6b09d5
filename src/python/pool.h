/* python/pool.h -- daemons of pyspark and the workers that they fork.
 *
 * Nouns.  An *environment* says what a worker is started with; equal environments share a daemon. A *daemon* is
 * `<python> -m pyspark.daemon <module>`: it forks a *worker* for each connection. A worker does one thing after the
 * other for one holder at a time; it comes back to its daemon's idle list only when its protocol says that it may be
 * used again.
 *
 * Nothing here blocks the caller but vonk_py_worker_wait: connecting, forking and handshakes happen on the pool's own
 * thread (an event loop), which also tells holders when they can go on reading or writing. Bytes move on the holder's
 * thread.
 *
 * Errors, all with Spark's INTERNAL_ERROR_EXECUTOR as their condition: PYTHON_NOT_FOUND (no interpreter, no pyspark in
 * it, a pyspark that is not known), PYTHON_NOT_STARTED (died while starting), PYTHON_TIMED_OUT, PYTHON_WORKER_CRASHED,
 * PYTHON_WORKER_GARBAGE (its answer cannot be read), each with the last lines that were written to stderr. */
#ifndef VONK_PYTHON_POOL_H
#define VONK_PYTHON_POOL_H

#include "base/buf.h"
#include "column/buffer.h"

typedef struct vonk_py_pool vonk_py_pool;
typedef struct vonk_py_worker vonk_py_worker;

/* pyspark's minor version, as found where the interpreter finds pyspark: the worker protocols differ. */
typedef enum vonk_py_version { VONK_PY_4_0, VONK_PY_4_1, VONK_PY_4_2, VONK_PY_4_3 } vonk_py_version;

typedef struct vonk_py_env {
    vonk_str executable;  /* "python3", or a path */
    vonk_str module;      /* what workers run: "pyspark.worker", "pyspark.sql.worker.analyze_udtf", ... */
    const vonk_str *vars; /* "NAME=value", each name once: PYTHONPATH, SPARK_LOCAL_DIRS, PYTHONHASHSEED, ... */
    uint32_t n_vars;
    vonk_str folder; /* a session's own, with its artifacts: the working folder of daemon and workers; empty: ours */
    int64_t memory_bytes; /* most address space of one worker (PYSPARK_EXECUTOR_MEMORY_MB); 0: no cap */
    bool reuse;           /* workers may do a second thing (spark.python.worker.reuse) */
    bool tcp;             /* loopback TCP with a secret in place of Unix sockets; always so for pyspark 4.0 */
    const void *owner;    /* who may have to wait for itself: see max_workers. NULL: nobody. Environments that differ in
                             nothing else are equal */
    vonk_str daemon;      /* module that forks workers; empty: "pyspark.daemon" */
    bool accel;           /* vonk_accel is loaded (src/accel); only where pyspark's own daemon forks */
    bool faulthandler;    /* workers write down where they are when they crash: that is told with the crash */
    /* Of a holder, as `owner`: a worker from which nothing comes for so long while it is waited for is told of in the
     * log, and killed if so (spark.python.worker.idleTimeoutSeconds, killOnIdleTimeout). */
    int64_t silence_ns; /* 0: no limit */
    bool kill_silent;
} vonk_py_env;

typedef struct vonk_py_pool_options {
    vonk_str socket_folder;   /* a folder for Unix sockets is made there, for this user only; empty: $TMPDIR or /tmp */
    int64_t idle_ns;          /* a worker, then a daemon, that nobody wanted for so long is ended */
    int64_t start_timeout_ns; /* for a daemon's port and a worker's first word */
    /* Of all environments; who comes later waits until one is given back. Not an owner who holds one already: a query
     * with several functions, a task that computes a cached parent or tasks that meet at a barrier would wait for
     * themselves. So whoever waits holds nothing, and those who hold go on: the number is exceeded rather than that. */
    uint32_t max_workers;
    uint32_t max_idle; /* of one environment; beyond it a worker ends when it is given back */
} vonk_py_pool_options;

vonk_status vonk_py_pool_new(vonk_budget *budget, const vonk_py_pool_options *options, vonk_py_pool **ret,
                             vonk_error *err);
/* All workers must be back. Ends every daemon and its workers; none is left. */
void vonk_py_pool_free(vonk_py_pool *pool);
VONK_DEFINE_AUTO(vonk_py_pool, vonk_py_pool_free)
/* Starts what the environment lacks of its daemon and `n` workers, ahead of time; errors show when one is wanted. */
void vonk_py_pool_warm(vonk_py_pool *pool, const vonk_py_env *env, uint32_t n);
/* Ends the daemons of environments whose folder this is (a session has ended); workers in use are killed. */
void vonk_py_pool_drop_folder(vonk_py_pool *pool, vonk_str folder);

typedef struct vonk_py_counts {
    uint32_t daemons, workers, idle;
    uint64_t forked, reused, killed;
} vonk_py_counts;
vonk_py_counts vonk_py_pool_counts(vonk_py_pool *pool);

/* ---- a worker in hand. One thread at a time. */

/* At once: an idle worker, or one that is on its way. `budget` pays for what is queued in both directions. */
vonk_status vonk_py_worker_take(vonk_py_pool *pool, const vonk_py_env *env, vonk_budget *budget, vonk_py_worker **ret,
                                vonk_error *err);
/* reusable: it has said so; anything else kills it. */
void vonk_py_worker_give(vonk_py_worker *take_worker, bool reusable);

/* Is it connected? *ret_there false: not yet. Raises why it could not be started. */
vonk_status vonk_py_worker_ready(vonk_py_worker *worker, bool *ret_there, vonk_error *err);
/* Of the pyspark that it runs; once it is ready. */
vonk_py_version vonk_py_worker_version(const vonk_py_worker *worker);
/* ... of its Python: "3.11". */
const char *vonk_py_worker_python(const vonk_py_worker *worker);
int32_t vonk_py_worker_pid(const vonk_py_worker *worker);

/* Bytes on their way to the worker: append to it (encoders write straight into it), then send. May be filled before
 * the worker is ready. */
vonk_buf *vonk_py_worker_out(vonk_py_worker *worker);
/* As much as the socket takes; *ret_left: bytes still in `out`. That the worker no longer reads is not an error: what
 * is left is dropped, and the reason comes when its answer is read. */
vonk_status vonk_py_worker_send(vonk_py_worker *worker, size_t *ret_left, vonk_error *err);
/* Exactly `bytes` of the answer as an own buffer, aligned to 64 bytes; *ret NULL: not there yet. Ask for the same
 * number again: what has come is kept. At the end of the stream: the condition of a crashed worker, with the last
 * lines of its daemon's stderr. How it ended is not known: pyspark's daemon does not ask. */
vonk_status vonk_py_worker_read(vonk_py_worker *worker, size_t bytes, vonk_buffer **ret, vonk_error *err);
/* The same for a big-endian int32 / int64. */
vonk_status vonk_py_worker_read_i32(vonk_py_worker *worker, bool *ret_there, int32_t *ret, vonk_error *err);
vonk_status vonk_py_worker_read_i64(vonk_py_worker *worker, bool *ret_there, int64_t *ret, vonk_error *err);

/* Calls wake(arg) once, from any thread, as soon as the worker is ready (or has failed), has bytes to read, or (with
 * `to_write`) takes bytes. One call at a time may be outstanding. */
vonk_status vonk_py_worker_watch(vonk_py_worker *worker, bool to_write, void (*wake)(void *arg), void *arg,
                                 vonk_error *err);
/* Takes an outstanding call back; false: it has been made, or is being made. */
bool vonk_py_worker_unwatch(vonk_py_worker *worker);
/* For threads that may block: the same events; false after timeout_ns (negative: never). */
bool vonk_py_worker_wait(vonk_py_worker *worker, bool to_write, int64_t timeout_ns);

#endif
