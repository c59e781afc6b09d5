/* serve/connect/connect_int.h -- inside of the Connect door: the server, its sessions, their operations.
 *
 * Lock order: server->lock, session->lock, operation->lock, then a call's own. Nothing of the backend runs under a lock, except
 * an operation's hooks under its own. References: a call holds its operation, an operation its session; the server's map holds sessions, a
 * session's list holds operations, until they are released, expired or closed. */
#ifndef VONK_SERVE_CONNECT_CONNECT_INT_H
#define VONK_SERVE_CONNECT_CONNECT_INT_H

#include "base/strmap.h"
#include "base/vec.h"
#include "serve/connect/connect.h"
#include "serve/connect/error_status.h"
#include "serve/connect/workers.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/thread.h"

enum { VONK_CONNECT_ID_BYTES = 37 }; /* a UUID's text and its NUL */
typedef struct vonk_connect_id {
    char text[VONK_CONNECT_ID_BYTES];
} vonk_connect_id;

/* Names of things that are gone, the oldest forgotten first. Digests are enough: who holds a name knows it. */
typedef struct vonk_connect_tombs {
    struct vonk_connect_tomb {
        uint64_t a, b;
    } *at;
    size_t n, capacity, most, next;
} vonk_connect_tombs;
void vonk__connect_bury(vonk_connect_tombs *tombs, vonk_budget *budget, vonk_str name);
bool vonk__connect_is_buried(const vonk_connect_tombs *tombs, vonk_str name);

typedef struct vonk_connect_artifacts vonk_connect_artifacts; /* artifacts.c */

enum { VONK_CONNECT_KEPT_ERRORS = 20, VONK_CONNECT_KEPT_OUTCOMES = 200 };

typedef struct vonk_connect_outcome { /* of an operation that is gone, for GetStatus */
    vonk_connect_id id;
    int state; /* PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_x */
    int64_t at_ns;
} vonk_connect_outcome;

struct vonk_connect_session {
    _Atomic(uint32_t) refs;
    vonk_connect_server *server;
    void *backend; /* the engine's session */
    vonk_str key;  /* user, NUL, session id; owned */
    vonk_str user, id; /* in key */
    vonk_connect_id server_side_id;
    _Atomic(int64_t) accessed_ns;
    vonk_connect_task free_task;

    vonk_mutex lock;
    bool is_closed;
    vonk_connect_operation *operations; /* that exist; each with a reference */
    struct {
        vonk_connect_id id;
        vonk_error error;
        int64_t used_ns;
    } errors[VONK_CONNECT_KEPT_ERRORS];
    vonk_connect_outcome *outcomes; /* ring, made when first needed */
    size_t n_outcomes, next_outcome;
    vonk_connect_artifacts *artifacts; /* NULL: none were added */
};

typedef struct vonk_connect_response {
    vonk_slice *pieces; /* owned: fields, then the tail */
    size_t n, bytes;
} vonk_connect_response;

typedef enum vonk_connect_phase { VONK_CONNECT_WAITING, VONK_CONNECT_RUNNING, VONK_CONNECT_ENDED } vonk_connect_phase;

struct vonk_connect_operation {
    _Atomic(uint32_t) refs;
    vonk_connect_session *session;
    vonk_connect_operation *next, **link; /* session->lock */
    vonk_connect_id id;
    uint64_t nonce; /* makes response ids unique */
    bool is_reattachable, allows_chunks;
    size_t chunk_bytes; /* 0: the client does not say */
    vonk_slice request_bytes;
    vonk_arena *arena;
    const vonk_pb_msg *request;
    vonk_connect_task task;

    vonk_mutex lock;
    vonk_cond room; /* the sender has caught up, or there is no point in waiting */
    VONK_VEC(vonk_connect_response) responses; /* those that are kept: at[first] has index first_index */
    size_t first;
    int64_t first_index, last_index; /* indices count from 1; last_index 0: none yet */
    int64_t next_index;              /* to be sent next */
    int64_t sent_end;                /* highest index ever sent + 1 */
    size_t unsent_bytes, kept_bytes; /* of kept ones; kept: sent before and not released */
    vonk_grpc_call *call;            /* who reads now */
    size_t call_bytes;               /* sent to it */
    int64_t call_since_ns, detached_ns;
    vonk_connect_phase phase;
    bool end_is_near; /* small responses go out together with the end */
    bool is_interrupted, is_removed, is_ended; /* ended: nothing more will be emitted, the outcome is known */
    vonk_status outcome;
    vonk_error error;
    vonk_connect_id error_id; /* empty: none */
    vonk_connect_hooks hooks;
    int64_t progress_every_ns, progress_due_ns; /* 0: never */
};

struct vonk_connect_server {
    const vonk_connect_backend *backend;
    vonk_budget *budget;
    vonk_grpc_service service;
    vonk_grpc_server *grpc;
    vonk_connect_workers *executors; /* run operations */
    vonk_connect_workers *clerks;    /* analyse, write uploads, clean up: never kept waiting by operations */
    char *artifact_dir;
    uint32_t max_sessions;
    int64_t session_timeout_ns, detached_timeout_ns, maintenance_ns, stream_ns, outcome_ns;
    int64_t retry_bytes, stream_bytes, max_plan_bytes;
    _Atomic(int64_t) buffered_bytes;
    _Atomic(uint32_t) n_operations;
    _Atomic(uint32_t) n_sessions; /* those that are closed, but not yet freed, too */
    vonk_timer maintenance, progress; /* server's thread */
    vonk_job progress_job, maintenance_job;
    _Atomic(bool) is_maintenance_posted;
    _Atomic(int64_t) progress_at_ns; /* the timer fires then, or will be set; INT64_MAX: nobody wants it */
    _Atomic(bool) is_progress_posted;
    vonk_connect_task expire_task;
    _Atomic(bool) is_expiring;

    vonk_mutex lock;
    vonk_strmap *sessions;
    vonk_connect_tombs closed, abandoned; /* sessions, operations */
    bool is_stopping;
};

/* ---- session.c ---- */

/* The ids in a request, of whatever kind. */
typedef struct vonk_connect_caller {
    vonk_str user, session_id, observed_id;
    bool has_observed_id;
} vonk_connect_caller;
vonk_connect_caller vonk__connect_caller(const vonk_pb_msg *request, int session_field, int user_field, int observed_field);

/* New references. `find` makes none: INVALID_HANDLE.SESSION_CLOSED, .SESSION_NOT_FOUND; both: .SESSION_CHANGED, `open`: .FORMAT. */
vonk_status vonk__connect_open_session(vonk_connect_server *server, const vonk_connect_caller *caller, vonk_connect_session **ret, vonk_error *err);
vonk_status vonk__connect_find_session(vonk_connect_server *server, const vonk_connect_caller *caller, vonk_connect_session **ret, vonk_error *err);
vonk_connect_session *vonk__connect_peek_session(vonk_connect_server *server, const vonk_connect_caller *caller); /* NULL: none */
vonk_status vonk__connect_clone_session(vonk_connect_session *from, vonk_str new_id, vonk_connect_session **ret, vonk_error *err);
/* Takes it out of the map, interrupts and abandons its operations. What runs ends by itself. */
void vonk__connect_close_session(vonk_connect_session *session);
void vonk__connect_close_all(vonk_connect_server *server);
/* Those that nobody used for too long; operations that nobody reads. */
void                  vonk__connect_expire(vonk_connect_server *server);
void                  vonk__connect_want_maintenance(vonk_connect_server *server); /* there is a session; any thread */
/* Progress of all operations that are due; when the next is (INT64_MAX: none runs). */
int64_t               vonk__connect_report_all(vonk_connect_server *server);
size_t                vonk__connect_n_sessions(vonk_connect_server *server);
vonk_connect_session *vonk__connect_session_ref(vonk_connect_session *session);
void                  vonk_connect_session_unref(vonk_connect_session *session); /* the last one frees it, on a worker */
VONK_DEFINE_AUTO(vonk_connect_session, vonk_connect_session_unref)
/* It is in use: what its idle time counts from. NULL is fine. */
void                  vonk__connect_touch_session(vonk_connect_session *session);
vonk_str              vonk__connect_server_side_id(const vonk_connect_session *session);
/* Keeps a copy of the error for FetchErrorDetails and gives it an id. */
void vonk__connect_keep_error(vonk_connect_session *session, const vonk_error *error, vonk_connect_id *ret_id);
bool vonk__connect_kept_error(vonk_connect_session *session, vonk_str id, vonk_error *ret_error); /* a copy */
bool vonk__connect_is_uuid(vonk_str text);

/* ---- operation.c ---- */

/* Registers it with its session. Takes the request's bytes and arena, in any case. */
vonk_status vonk__connect_operation_new(vonk_connect_session *session, vonk_slice take_bytes, vonk_arena *take_arena, const vonk_pb_msg *request,
                                        vonk_connect_operation **ret, vonk_error *err);
vonk_connect_operation *vonk__connect_operation_ref(vonk_connect_operation *op);
void                    vonk_connect_operation_unref(vonk_connect_operation *op);
VONK_DEFINE_AUTO(vonk_connect_operation, vonk_connect_operation_unref)
void vonk__connect_start(vonk_connect_operation *op);
/* The call gets the responses after `after_index` (0: all) from now on; one that had them is disconnected. */
vonk_status vonk__connect_attach(vonk_connect_operation *op, vonk_grpc_call *call, int64_t after_index, vonk_error *err);
void        vonk__connect_send_more(vonk_connect_operation *op);                        /* the call can take more */
void        vonk__connect_detach(vonk_connect_operation *op, const vonk_grpc_call *call); /* it is gone */
vonk_status vonk__connect_index_of(vonk_connect_operation *op, vonk_str response_id, int64_t *ret_index, vonk_error *err);
void        vonk__connect_release_until(vonk_connect_operation *op, int64_t index);
bool        vonk__connect_interrupt(vonk_connect_operation *op); /* false: it had ended, or was interrupted */
/* Out of its session: interrupted, nothing is kept. No-op for one that is out. */
void vonk__connect_remove(vonk_connect_operation *op, bool is_abandoned);
/* A new reference, NULL: none has that id. */
vonk_connect_operation *vonk__connect_find_operation(vonk_connect_session *session, vonk_str id);
bool vonk__connect_has_tag(const vonk_connect_operation *op, vonk_str tag);
int  vonk__connect_state_of(vonk_connect_operation *op);
/* Expiry and limits of streams. True: it was abandoned, remove it. */
bool vonk__connect_is_forgotten(vonk_connect_operation *op, int64_t now_ns);
void vonk__connect_limit_stream(vonk_connect_operation *op, int64_t now_ns);
/* Emits progress where it is due; the time of the next (INT64_MAX: none). */
int64_t vonk__connect_report(vonk_connect_operation *op, int64_t now_ns);

/* ---- service.c and the files of the RPCs ---- */

/* One request under way: decoded, with everything that goes when the RPC's function returns. */
typedef struct vonk_connect_rpc {
    vonk_connect_server *server;
    vonk_grpc_call *call;
    vonk_slice bytes;
    vonk_arena *arena;
    const vonk_pb_msg *request;
    vonk_connect_session *session; /* once known: errors are kept there */
} vonk_connect_rpc;
typedef vonk_status vonk__connect_rpc_fn(vonk_connect_rpc *rpc, vonk_error *err);
vonk__connect_rpc_fn vonk__connect_execute_plan, vonk__connect_reattach, vonk__connect_release_execute, vonk__connect_interrupt_rpc,
    vonk__connect_get_status, vonk__connect_config, vonk__connect_analyze, vonk__connect_artifact_status, vonk__connect_release_session,
    vonk__connect_fetch_error, vonk__connect_clone;
/* Sends what was written as the answer, or gives the writer's failure; the writer's buffer is taken. */
vonk_status vonk__connect_reply(vonk_connect_rpc *rpc, vonk_pb_writer *take_writer, vonk_error *err);
/* A buffer and a writer for it, with both session ids put; to be ended by vonk__connect_reply. */
vonk_pb_writer vonk__connect_answer(vonk_connect_rpc *rpc, vonk_buf *ret_buf, int session_field, int server_side_field, vonk_error *err);
/* Ends a call with an error, kept in the session (may be NULL). */
void vonk__connect_fail_call(vonk_connect_session *session, vonk_grpc_call *call, const vonk_error *error);
/* An operation runs that wants a progress report then. Costs nothing when the timer fires before. */
void vonk__connect_want_progress(vonk_connect_server *server, int64_t due_ns);

/* artifacts.c: the client stream of AddArtifacts */
void vonk__connect_artifacts_start(void *server, vonk_grpc_call *call);
void vonk__connect_artifacts_message(void *server, vonk_grpc_call *call, vonk_slice take_message);
void vonk__connect_artifacts_end(void *server, vonk_grpc_call *call);
void vonk__connect_artifacts_free(vonk_connect_artifacts *artifacts); /* removes the files; NULL is fine */
vonk_status vonk__connect_artifacts_clone(vonk_connect_session *from, vonk_connect_session *into, vonk_error *err);

/* What a call keeps (vonk_grpc_data): an operation that it reads, or an upload. */
typedef struct vonk_connect_call_data {
    _Atomic(vonk_connect_operation *) operation; /* a reference */
    _Atomic(bool) is_cancelled;
    struct vonk_connect_upload *upload;
} vonk_connect_call_data;
void vonk__connect_upload_free(struct vonk_connect_upload *upload);

#endif
