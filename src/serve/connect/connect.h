/* serve/connect/connect.h -- the Spark Connect server: all RPCs of spark.connect.SparkConnectService over gRPC. */
#ifndef VONK_SERVE_CONNECT_CONNECT_H
#define VONK_SERVE_CONNECT_CONNECT_H

#include "net/grpc.h"
#include "serve/connect/backend.h"

typedef struct vonk_connect_server vonk_connect_server;

typedef struct vonk_connect_options {
    vonk_grpc_options           grpc;    /* address, port, TLS, token, budget, limits */
    const vonk_connect_backend *backend; /* borrowed */
    const vonk_conf            *conf;    /* spark.connect.* keys of the server; NULL: defaults; borrowed for the call */
    vonk_str                    artifact_dir;   /* artifacts lie below it; empty: the system's folder for temporary files */
    uint32_t                    max_sessions;   /* 0: 1000 */
    uint32_t                    max_operations; /* that run at once; more wait; 0: 128 */
} vonk_connect_options;

/* Listens when it returns. */
vonk_status vonk_connect_server_new(const vonk_connect_options *options, vonk_connect_server **ret, vonk_error *err);
void        vonk_connect_server_free(vonk_connect_server *server); /* cancels what runs, waits, closes all sessions */
VONK_DEFINE_AUTO(vonk_connect_server, vonk_connect_server_free)
vonk_status vonk_connect_server_run(vonk_connect_server *server, vonk_error *err); /* until stopped */
/* Any thread: no new calls; running operations may finish for grace_us, then they are cancelled. */
void       vonk_connect_server_stop(vonk_connect_server *server, int64_t grace_us);
uint16_t   vonk_connect_server_port(const vonk_connect_server *server);
vonk_loop *vonk_connect_server_loop(vonk_connect_server *server);

typedef struct vonk_connect_stats {
    vonk_grpc_stats grpc;
    uint32_t        sessions, operations; /* that exist now */
    int64_t         buffered_bytes;       /* responses that wait for clients or are kept for them */
} vonk_connect_stats;
void vonk_connect_server_stats(vonk_connect_server *server, vonk_connect_stats *ret); /* any thread */

#endif
