/* net/grpc_int.h -- inside of the gRPC server: calls as the thread that owns their connections sees them.
 *
 * Locking: call->lock guards what other threads hand over (pending pieces, the end, counters). It is taken alone and held briefly; no
 * function of the service runs under it. Fields marked L belong to the server's thread. A call is posted under its lock and only
 * while it is not over, and it is over before its host is gone: so a call that is kept longer never touches the host. */
#ifndef VONK_NET_GRPC_INT_H
#define VONK_NET_GRPC_INT_H

#include "base/vec.h"
#include "net/grpc.h"
#include "net/grpc_habit.h"
#include "net/grpc_wire.h"
#include "net/http2.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/thread.h"

/* What calls need to know of their server; has no sockets, so that tests and fuzzers can be one. */
typedef struct vonk__grpc_host {
    const vonk_grpc_service *service;
    vonk_budget             *budget;
    vonk_str                 token; /* empty: none */
    size_t                   max_message_bytes, max_queue_bytes;
    vonk_loop               *loop;
    void (*wake)(struct vonk__grpc_host *host); /* any thread: a call was posted */
    _Atomic(vonk_grpc_call *) posted;           /* newest first */
    vonk_grpc_call           *calls;            /* L: all with a stream */
    struct vonk__grpc_peer   *dirty;            /* L: connections that have something to send */
    vonk_timer                late;             /* L: runs while something is late; its fire is the server's */
    size_t                    n_late;           /* L: answers that wait for company, connections that sleep on */
    _Atomic(uint64_t)         n_calls, total_calls;
} vonk__grpc_host;

/* handler_self of each connection */
typedef struct vonk__grpc_peer {
    vonk__grpc_host        *host;
    vonk_str                name;
    struct vonk__grpc_peer *next_dirty;
    vonk_grpc_call         *late; /* L: answered notices, newest first */
    vonk__grpc_habit        habit; /* L */
    bool                    is_dirty;
} vonk__grpc_peer;
void vonk__grpc_mark_dirty(vonk__grpc_peer *peer);

struct vonk_grpc_call {
    _Atomic(uint32_t)        refs;    /* all */
    _Atomic(uint32_t)        outside; /* of them the service's, and one while the request is still coming */
    vonk__grpc_host         *host;
    const vonk_grpc_service *service;
    const vonk_grpc_method  *method;
    vonk_budget             *budget;
    size_t                   max_queue_bytes;
    void                    *data;

    vonk_str        peer;
    vonk_h2_header *headers; /* own copy, one block with the texts and the peer */
    size_t          n_headers;

    vonk_mutex lock;
    VONK_VEC(vonk_slice) pending; /* sent, not yet seen by the server's thread */
    uint64_t        n_sent;       /* messages */
    size_t          queued_bytes; /* sent, not yet taken by the connection */
    size_t          consumed_bytes;
    bool            is_posted;
    _Atomic(bool)   is_full, is_finished, is_over; /* written under the lock; a look needs none */
    vonk_grpc_code  code;
    vonk_buf        status; /* message, then details */
    size_t          status_message_bytes;
    vonk_grpc_call *next_posted; /* or the next late one */

    vonk_grpc_call    *next, **link; /* L: host->calls */
    vonk_h2_stream    *stream;       /* L, NULL: closed */
    vonk_grpc_deframer deframer;     /* L */
    vonk_slice         request;      /* L: complete, waits for the end of the stream */
    bool               has_request;  /* L */
    size_t             held_bytes;   /* L: of messages that the service has and did not consume */
    size_t             shut_bytes;   /* L: received, the window for them is not open again */
    bool               is_known;     /* L: the service has seen it */
    bool               is_incoming;  /* L: the request is not complete */
    bool               has_headers;  /* L: the answer has begun */
    bool               is_answered;  /* L: the end went to the stream */
    vonk_timer         deadline;     /* L */
};

/* grpc_call.c */
vonk_status vonk__grpc_call_new(vonk__grpc_peer *peer, const vonk_h2_header *headers, size_t n, vonk_grpc_call **ret, vonk_error *err);
/* Moves what other threads handed over to the stream. */
void vonk__grpc_call_pump(vonk_grpc_call *call);
/* Pumps all calls that were posted, but for notices, which become late; false: there were none. */
bool vonk__grpc_pump_posted(vonk__grpc_host *host);
/* The connection is about to send, or is gone. */
void vonk__grpc_pump_late(vonk__grpc_peer *peer);
/* One thing more, or one less, that the timer must see to. False: no memory for the timer, nothing may wait. */
bool vonk__grpc_late_begin(vonk__grpc_host *host);
void vonk__grpc_late_end(vonk__grpc_host *host);
/* The call ends without its service, which is told once. No-op when it has finished or is over. */
void vonk__grpc_call_end(vonk_grpc_call *call, vonk_grpc_code why, const char *message);
/* The connection took so much of what was queued. */
void vonk__grpc_call_taken(vonk_grpc_call *call, size_t bytes);
/* Keeps the client's window shut while the service has too much that it did not work off. */
void vonk__grpc_call_open_window(vonk_grpc_call *call);
/* References that count as the service's. */
void vonk__grpc_call_hold(vonk_grpc_call *call);
void vonk__grpc_call_let_go(vonk_grpc_call *call);
/* Any reference, for the inside. */
void vonk__grpc_call_drop(vonk_grpc_call *call);

/* grpc_request.c: what arrives */
extern const vonk_h2_handler vonk__grpc_handler; /* its self is a vonk__grpc_peer */

#endif
