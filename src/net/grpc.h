/* net/grpc.h -- a gRPC server: services see calls and messages, not connections.
 *
 * One thread (the one in vonk_grpc_server_run) owns sockets and HTTP/2. It calls the service's functions, which must not block: they answer at once
 * or keep the call and answer from any other thread. Everything on vonk_grpc_call is thread-safe.
 *
 * Life of a call: method->start → method->message (once; a client stream: any number, then method->half_close) →
 * vonk_grpc_send* → vonk_grpc_finish. It may end early: the client cancels or is gone, the deadline passes, the server stops; then
 * service->cancelled is called once, and vonk_grpc_send returns false from then on.
 * Whoever keeps a call beyond a function that got it takes a reference; when the last one outside goes and the call is
 * not finished, the client gets INTERNAL rather than a hang. service->released is called (on any thread) when nobody can reach the call any more. */
#ifndef VONK_NET_GRPC_H
#define VONK_NET_GRPC_H

#include "net/slice.h"
#include "sys/loop.h"
#include "sys/tls.h"

typedef enum vonk_grpc_code {
    VONK_GRPC_OK = 0,
    VONK_GRPC_CANCELLED = 1,
    VONK_GRPC_UNKNOWN = 2,
    VONK_GRPC_INVALID_ARGUMENT = 3,
    VONK_GRPC_DEADLINE_EXCEEDED = 4,
    VONK_GRPC_NOT_FOUND = 5,
    VONK_GRPC_ALREADY_EXISTS = 6,
    VONK_GRPC_PERMISSION_DENIED = 7,
    VONK_GRPC_RESOURCE_EXHAUSTED = 8,
    VONK_GRPC_FAILED_PRECONDITION = 9,
    VONK_GRPC_ABORTED = 10,
    VONK_GRPC_OUT_OF_RANGE = 11,
    VONK_GRPC_UNIMPLEMENTED = 12,
    VONK_GRPC_INTERNAL = 13,
    VONK_GRPC_UNAVAILABLE = 14, /* clients try again, for minutes: only for what may pass */
    VONK_GRPC_DATA_LOSS = 15,
    VONK_GRPC_UNAUTHENTICATED = 16
} vonk_grpc_code;

typedef struct vonk_grpc_server vonk_grpc_server;
typedef struct vonk_grpc_call   vonk_grpc_call;

typedef enum vonk_grpc_kind {
    VONK_GRPC_UNARY,
    VONK_GRPC_NOTICE, /* unary, and clients go on without its answer: that goes out with the next one on its connection, or 5 ms later; behind an
                         answer it may not be read before the next request, or 5 ms later (grpc_habit.h) */
    VONK_GRPC_SERVER_STREAM,
    VONK_GRPC_CLIENT_STREAM
} vonk_grpc_kind;

/* One row = one RPC. All functions run on the server's thread; the call is borrowed. */
typedef struct vonk_grpc_method {
    const char    *path; /* "/package.Service/Method" */
    vonk_grpc_kind kind;
    void (*start)(void *service, vonk_grpc_call *call); /* may be NULL; client streams: before the first message */
    void (*message)(void *service, vonk_grpc_call *call, vonk_slice take_message);
    void (*half_close)(void *service, vonk_grpc_call *call); /* client streams only: there will be no more messages */
} vonk_grpc_method;

typedef struct vonk_grpc_service {
    void                   *self;
    const vonk_grpc_method *methods;
    size_t                  n_methods;
    /* Before anything else: may this caller in? VONK_GRPC_OK, or a code and a static message. NULL: everybody may. */
    vonk_grpc_code (*admit)(void *self, const vonk_grpc_call *call, const char **ret_message);
    void (*cancelled)(void *self, vonk_grpc_call *call, vonk_grpc_code why); /* CANCELLED, DEADLINE_EXCEEDED or UNAVAILABLE (server stops) */
    void (*drained)(void *self, vonk_grpc_call *call); /* vonk_grpc_is_writable became true again */
    void (*released)(void *self, void *call_data);
} vonk_grpc_service;

typedef struct vonk_grpc_options {
    const char       *bind;              /* address or host name; NULL: all, IPv6 and IPv4 */
    uint16_t          port;              /* 0: any free one, see vonk_grpc_server_port */
    vonk_tls_context *tls;               /* NULL: plain text; borrowed */
    const char       *token;             /* wanted as "authorization: Bearer TOKEN"; NULL: none; copied */
    vonk_budget      *budget;            /* pays for requests, queues and connections */
    size_t            max_message_bytes; /* of a request; 0: 128 MiB */
    size_t            max_queue_bytes;   /* a call is not writable above it; 0: 2 MiB */
    uint32_t          max_streams;       /* at once per connection; 0: 1000 */
    uint32_t          max_connections;   /* more are closed at once; 0: 4096 */
} vonk_grpc_options;

/* Listens when it returns; clients wait in the backlog until vonk_grpc_server_run. `service` is borrowed. */
vonk_status vonk_grpc_server_new(const vonk_grpc_options *options, const vonk_grpc_service *service, vonk_grpc_server **ret, vonk_error *err);
void        vonk_grpc_server_free(vonk_grpc_server *server); /* not while it runs; calls that are still referenced stay valid, but are over */
VONK_DEFINE_AUTO(vonk_grpc_server, vonk_grpc_server_free)
uint16_t vonk_grpc_server_port(const vonk_grpc_server *server);
/* Serves until vonk_grpc_server_stop, then returns. */
vonk_status vonk_grpc_server_run(vonk_grpc_server *server, vonk_error *err);
/* Its loop, for signals and timers of the process (vonk_loop_on_signal). */
vonk_loop *vonk_grpc_server_loop(vonk_grpc_server *server);
/* From any thread: take no new connections and calls; when the running calls are done, or grace_us have
 * passed (then they are cancelled with UNAVAILABLE), run returns. A second call with a shorter time shortens it. */
void vonk_grpc_server_stop(vonk_grpc_server *server, int64_t grace_us);

typedef struct vonk_grpc_stats {
    uint64_t connections, calls; /* now */
    uint64_t total_connections, total_calls;
} vonk_grpc_stats;
void vonk_grpc_server_stats(const vonk_grpc_server *server, vonk_grpc_stats *ret); /* thread-safe */

/* ---- a call ---- */
vonk_grpc_call *vonk_grpc_call_ref(vonk_grpc_call *call);
void            vonk_grpc_call_unref(vonk_grpc_call *call);
/* Whatever the service keeps for the call; set in start or message, before other threads know the call. */
void  vonk_grpc_set_data(vonk_grpc_call *call, void *data);
void *vonk_grpc_data(const vonk_grpc_call *call);
/* Metadata of the request; empty when absent. Lives as long as the call. Name in lower case. */
vonk_str                vonk_grpc_header(const vonk_grpc_call *call, const char *name);
vonk_str                vonk_grpc_peer(const vonk_grpc_call *call); /* "127.0.0.1:40123" */
const vonk_grpc_method *vonk_grpc_call_method(const vonk_grpc_call *call);

/* One message, in pieces that are sent without a copy. Takes the references in any case. False: the call is over, stop producing.
 * Never blocks: producers look at vonk_grpc_is_writable, and go on when service->drained says so. */
bool vonk_grpc_send(vonk_grpc_call *call, const vonk_slice *take_pieces, size_t n);
bool vonk_grpc_is_writable(const vonk_grpc_call *call);
bool vonk_grpc_is_over(const vonk_grpc_call *call); /* cancelled or finished */
/* Ends the call; the first one counts. message: cut at 2 KiB. details: an encoded google.rpc.Status, or empty; left out when it would not fit
 * the 8 KiB that clients accept. */
void vonk_grpc_finish(vonk_grpc_call *call, vonk_grpc_code code, vonk_str message, vonk_str details);
/* One answer and OK. */
void vonk_grpc_reply(vonk_grpc_call *call, vonk_slice take_message);
/* Client streams: bytes of messages that are worked off. While more than max_queue_bytes are not, the client's window stays closed. */
void vonk_grpc_consumed(vonk_grpc_call *call, size_t bytes);

#endif
