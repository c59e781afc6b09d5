/* serve/connect/backend.h -- what the protocol asks of the engine: the only place where Connect meets sessions and plans.
 *
 * The protocol part (operations, reattaching, buffers, sessions by id, artifacts, errors) knows no plan. It calls these functions:
 * `execute` and `analyze` on worker threads with a large stack (VONK_STACK_PLAN), the others on any thread; those must not block for long. A plan that
 * `is_tiny` is executed on the server's own thread: it is done sooner than a worker is awake.
 * Messages that a function gets live until it returns, for `execute` in vonk_connect_arena(op). An error goes to the client as it is; what is not built
 * says UNSUPPORTED_FEATURE with its name. */
#ifndef VONK_SERVE_CONNECT_BACKEND_H
#define VONK_SERVE_CONNECT_BACKEND_H

#include "net/connect_table.h"
#include "net/slice.h"
#include "plan/conf.h"

typedef struct vonk_connect_session   vonk_connect_session;
typedef struct vonk_connect_operation vonk_connect_operation;

typedef struct vonk_connect_backend {
    void *self;
    vonk_status (*session_new)(void *self, vonk_str user_id, void **ret_session, vonk_error *err);
    vonk_status (*session_clone)(void *self, void *session, void **ret_session, vonk_error *err);
    void (*session_free)(void *self, void *session); /* nothing of it runs any more */
    /* A file has come from the client: "pyfiles/x.py", "archives/x.zip#folder", ...; `path` is where it lies. May block. May be NULL. */
    vonk_status (*artifact)(void *self, void *session, vonk_str name, vonk_str path, vonk_error *err);
    /* Sessions or operations have ended: free memory goes back to the machine. May be NULL. */
    void (*trim)(void *self);
    /* The current snapshot, a new reference. */
    const vonk_conf *(*conf)(void *self, void *session);
    vonk_status (*conf_set)(void *self, void *session, vonk_str key, vonk_str value /* data NULL: unset */, vonk_error *err);
    /* Runs the plan (PB_M_PLAN: root or command) to its end and emits what it gives. VONK_OK ends the stream well. */
    vonk_status (*execute)(void *self, vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err);
    /* Is executing this plan (of few bytes) a matter of microseconds, on a small stack, without waiting for anything? Any thread. May be NULL. */
    bool (*is_tiny)(const vonk_pb_msg *plan);
    /* Answers an AnalyzePlanRequest by putting exactly one member of the response's oneof. Plans in it are not compressed, except by
     * vonk_connect_plan, through which each of them is to be read. */
    vonk_status (*analyze)(void *self, vonk_connect_session *session, const vonk_pb_msg *request, vonk_arena *arena,
                           vonk_pb_writer *response, vonk_error *err);
} vonk_connect_backend;

/* ---- a session, as the backend sees it ---- */

void    *vonk_connect_session_backend(const vonk_connect_session *session); /* what session_new gave */
vonk_str vonk_connect_session_id(const vonk_connect_session *session);
vonk_str vonk_connect_session_user(const vonk_connect_session *session);
/* The content of an uploaded artifact ("cache/<sha256>"), appended; *ret_found false: there is none. */
vonk_status vonk_connect_artifact_read(vonk_connect_session *session, vonk_str name, vonk_buf *into, bool *ret_found, vonk_error *err);

/* A plan as it was meant: decompresses when the client compressed it, at most spark.connect.maxPlanSize bytes. */
vonk_status vonk_connect_plan(vonk_connect_session *session, const vonk_pb_msg *plan, vonk_arena *arena, const vonk_pb_msg **ret, vonk_error *err);

/* ---- an operation: only within execute, and from threads that it waits for ---- */

vonk_connect_session *vonk_connect_operation_session(const vonk_connect_operation *op);
vonk_str              vonk_connect_operation_id(const vonk_connect_operation *op);
vonk_arena           *vonk_connect_arena(vonk_connect_operation *op);
const vonk_pb_msg    *vonk_connect_request(const vonk_connect_operation *op); /* the ExecutePlanRequest */

/* What the protocol does to a running operation. Called under a lock and from any thread, from vonk_connect_set_hooks until
 * it is called with NULL; they must be quick and must not call anything of this header. */
typedef struct vonk_connect_hooks {
    void *arg;
    void (*cancel)(void *arg); /* make execute return soon; its error is OPERATION_CANCELED then, whatever it says */
    /* Puts the fields of an ExecutionProgress; false: nothing changed since the last time. May be NULL. */
    bool (*progress)(void *arg, vonk_pb_writer *progress);
} vonk_connect_hooks;
/* `hooks` is copied. When the operation is cancelled already, cancel is called before this returns. */
void vonk_connect_set_hooks(vonk_connect_operation *op, const vonk_connect_hooks *hooks);

/* An ExecutePlanResponse: *ret_buf is made and gets the ids, the caller puts the other fields by the writer, then emits the buffer. Few, fat
 * responses are best: each costs the client an RPC; schema, metrics and observed_metrics may ride on a batch. */
vonk_pb_writer vonk_connect_begin(vonk_connect_operation *op, vonk_buf *ret_buf, vonk_error *err);
/* `take_tail` are bytes that follow the fields (vonk_pb_put_external), sent without a copy. Both are taken in any case. Waits while the client
 * is slow. OPERATION_CANCELED: stop. */
vonk_status vonk_connect_emit(vonk_connect_operation *op, vonk_buf *take_fields, const vonk_slice *take_tail, size_t n_tail, vonk_error *err);
/* What is emitted from here on comes right before the end of the operation: small responses are sent together with it. */
void vonk_connect_end_is_near(vonk_connect_operation *op);

/* Rows: one Arrow IPC stream (schema and one record batch), in pieces. It rides on `take_fields` (begun, maybe with a schema and
 * metrics) and is cut into several responses when it is larger than the client wants or the server allows. start_row: of the whole result. */
vonk_status vonk_connect_emit_batch(vonk_connect_operation *op, vonk_buf *take_fields, const vonk_slice *take_ipc, size_t n_ipc,
                                    int64_t n_rows, int64_t start_row, vonk_error *err);

#endif
