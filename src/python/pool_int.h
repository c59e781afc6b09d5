/* python/pool_int.h -- inside python: what pool.c, daemon.c, connection.c, interpreter.c and worker.c share.
 *
 * One lock, the pool's, guards everything here but what is marked "holder's": bytes move on the holder's thread without
 * it. Watches and timers are touched on the loop's thread only; other threads leave a note and kick the loop, which
 * then tends everything (vonk__py_tend). A holder's wake is called by the loop's thread, without the lock. */
#ifndef VONK_PYTHON_POOL_INT_H
#define VONK_PYTHON_POOL_INT_H

#include "base/vec.h"
#include "python/pool.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/process.h"
#include "sys/thread.h"

typedef struct py_crew py_crew;
typedef struct py_daemon py_daemon;
typedef struct py_conn py_conn;

/* What a child wrote last. */
typedef struct py_tail {
    char text[2048];
    size_t n;
} py_tail;
void vonk__py_tail_add(py_tail *tail, vonk_str text);
/* "<what>; the last that it wrote:\n<tail>", or `what` alone. */
vonk_status vonk__py_fail_with_tail(vonk_errclass cls, const char *what, const py_tail *tail, vonk_error *err);
/* "exit status 1" or "signal 9". */
const char *vonk__py_end_text(const vonk_process_end *end, char into[32]);

/* A child of ours with both its outputs watched. */
typedef struct py_child {
    vonk_py_pool *pool;
    vonk_process *process;
    vonk_watch out, err;
    py_tail tail;
    void (*on_out)(void *self, vonk_str text); /* under the lock */
    void *self;
} py_child;
/* Under the lock, loop's thread. stderr (and what on_out does not want) is passed on to ours, and kept. */
vonk_status vonk__py_child_start(py_child *child, vonk_py_pool *pool, const vonk_process_spec *spec, vonk_error *err);
void vonk__py_child_done(py_child *child);  /* kills it and its group if they still run */
void vonk__py_child_drain(py_child *child); /* any thread: what has been written up to now */

/* What an interpreter said about itself: interpreter.c. */
typedef struct py_facts {
    struct py_facts *next;
    vonk_arena *arena;
    vonk_str key, executable;
    bool is_known;
    vonk_py_version version;
    char python[16]; /* its own: "3.11" */
    py_child child;
    char said[4096];
    size_t n_said;
    int64_t deadline_ns;
} py_facts;
/* Known already, or being asked (then *ret->is_known is false). */
vonk_status vonk__py_facts_of(vonk_py_pool *pool, const vonk_py_env *env, py_facts **ret, vonk_error *err);
void vonk__py_facts_tend(vonk_py_pool *pool, int64_t now_ns);
void vonk__py_facts_free(py_facts *facts);
/* Looks at what was said; an error is not kept: next time it is asked again. */
vonk_status vonk__py_facts_read(py_facts *facts, vonk_error *err);
/* "4.1.0" -> VONK_PY_4_1. */
bool vonk__py_version_of(vonk_str text, vonk_py_version *ret);

/* Everybody with the same environment. */
struct py_crew {
    py_crew *next;
    vonk_arena *arena;
    vonk_str key;
    vonk_py_env env;
    py_daemon *daemon; /* NULL: none yet, or the last one has died */
    uint32_t n_holders, n_wanted_idle;
    bool is_dropped;
};

struct py_daemon {
    py_daemon *next;
    py_crew *crew; /* NULL: it is ending */
    vonk_py_pool *pool;
    py_child child;
    vonk_py_version version;
    char python[16];
    bool tcp, is_up;
    uint16_t port;
    char path[108], secret[65];
    char head[4 + 256]; /* of its standard output */
    size_t n_head;
    uint32_t n_conns;
    int64_t deadline_ns; /* starting: to say its port. Ending: then it is killed */
    int64_t idle_since_ns;
};
vonk_status vonk__py_daemon_start(py_crew *crew, vonk_py_pool *pool, const py_facts *facts, vonk_error *err);
/* Asks it to end and forgets it as the crew's; its workers die with it. */
void vonk__py_daemon_end(py_daemon *daemon, bool hard);
void vonk__py_daemons_tend(vonk_py_pool *pool, int64_t now_ns);
void vonk__py_daemon_free(py_daemon *daemon);
/* SIGKILL for a worker, at once. Any thread. */
void vonk__py_daemon_kill(py_daemon *daemon, int32_t pid);

typedef enum py_step { PY_STEP_PID, PY_STEP_OK, PY_STEP_UP } py_step;

enum { PY_IN_BYTES = 16 << 10 };

struct py_conn {
    py_conn *next;
    py_daemon *daemon;
    py_crew *crew;
    vonk_py_worker *holder; /* NULL: idle, or being connected ahead of time */
    int fd;
    int32_t pid;
    py_step step;
    bool is_idle, is_dead;
    vonk_watch watch;
    int64_t deadline_ns; /* of the handshake */
    int64_t idle_since_ns;
    uint8_t head[16];
    size_t n_head;
    /* holder's */
    VONK_VEC(int64_t) broadcasts; /* ids that the worker has */
    size_t in_from, in_to;
    uint8_t in[PY_IN_BYTES]; /* read ahead */
};
/* Connects; the handshake goes on by itself. */
vonk_status vonk__py_conn_open(py_crew *crew, vonk_py_worker *holder, vonk_error *err);
void vonk__py_conn_kill(py_conn *conn); /* any thread; freed by the loop's */
void vonk__py_conns_tend(vonk_py_pool *pool, int64_t now_ns);
/* Under the lock, any thread, for a ready worker that is waited for: has it been silent for too long? Then that is told,
 * and it may be killed. When to look again. */
int64_t vonk__py_silence_look(vonk_py_worker *worker, int64_t now_ns);
void vonk__py_conn_free(py_conn *conn); /* loop's thread */

typedef enum py_state { PY_QUEUED, PY_CONNECTING, PY_READY, PY_FAILED } py_state;

struct vonk_py_worker {
    vonk_py_pool *pool;
    py_crew *crew;
    py_conn *conn;
    const void *owner;
    _Atomic py_state state;
    vonk_error why; /* PY_FAILED */
    uint32_t n_tries;
    vonk_py_worker *next; /* in the queue */
    void (*wake)(void *arg);
    void *wake_arg;
    bool to_write, is_due;
    vonk_py_worker *next_due;
    int64_t silence_ns, waits_since_ns; /* 0: no limit; nobody waits */
    bool kill_silent, is_silenced;      /* is_silenced: it was killed for that */
    /* holder's */
    vonk_budget *budget;
    vonk_buf out;
    size_t sent;
    bool is_deaf;   /* it no longer reads */
    bool is_hungry; /* the last read found too little */
    bool is_seen_ready;
    uint8_t number[8];
    size_t n_number;
    vonk_buffer *part; /* of a read under way */
    size_t n_part;
};

struct vonk_py_pool {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_py_pool_options options;
    vonk_str folder; /* of the sockets; only this user may enter it */
    vonk_mutex lock;
    vonk_cond changed; /* a worker is ready, or failed */
    vonk_loop *loop;
    vonk_thread *thread;
    vonk_job kick;
    bool is_kicked;
    vonk_timer timer;
    int64_t next_ns; /* while tending: when to come again */
    py_crew *crews;
    py_daemon *daemons;
    py_conn *conns;
    py_facts *facts;
    vonk_py_worker *queue, **queue_end, *due;
    vonk_file *accel;   /* vonk_accel; NULL: no daemon has wanted it */
    uint32_t n_workers; /* connections, dead ones left out */
    uint32_t n_holders;
    uint64_t n_forked, n_reused, n_killed;
};
/* All under the lock. */
void vonk__py_kick(vonk_py_pool *pool);
void vonk__py_tend(vonk_py_pool *pool);                      /* loop's thread */
void vonk__py_call_due(vonk_py_pool *pool);                  /* loop's thread; lets go of the lock meanwhile */
void vonk__py_come_again(vonk_py_pool *pool, int64_t at_ns); /* while tending */
void vonk__py_worker_due(vonk_py_worker *worker);            /* its wake is to be called, if it has one */
void vonk__py_worker_ready(vonk_py_worker *worker);
void vonk__py_worker_failed(vonk_py_worker *worker, const vonk_error *why);
void vonk__py_worker_again(vonk_py_worker *worker);                                  /* back to the head of the queue */
void vonk__py_crew_failed(vonk_py_pool *pool, py_crew *crew, const vonk_error *why); /* for all who wait */

/* worker.c: bytes of the answer into the caller's own memory; *inout_n: how many are there. *ret: all of them. */
vonk_status vonk__py_worker_fill(vonk_py_worker *worker, uint8_t *into, size_t bytes, size_t *inout_n, bool *ret,
                                 vonk_error *err);

#endif
