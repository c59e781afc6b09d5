/* serve/py4j/py4j.h -- the door of classic PySpark: a Py4J gateway that unmodified pyspark and py4j talk to.
 *
 * Listens on the loopback interface only; every connection must show the secret first and has a thread of its own, as
 * the thread of Python that opened it. See README.md here for the layers. */
#ifndef VONK_SERVE_PY4J_PY4J_H
#define VONK_SERVE_PY4J_PY4J_H

#include "session/session.h"
#include "sys/loop.h"

typedef struct vonk_py4j_server vonk_py4j_server;

typedef struct vonk_py4j_options {
    vonk_budget *budget;
    vonk_loop *loop;          /* accepts on it; borrowed, run by the caller */
    vonk_str secret;          /* empty: a random one is made */
    uint16_t port;            /* 0: any */
    bool shared_connections;  /* PYSPARK_PIN_THREAD=false: py4j's JavaGateway in place of its ClientServer */
    const vonk_conf *conf;    /* what was set there are the "spark.*" system properties; NULL: none */
    vonk_str local_folder;    /* for temporary folders; empty: $TMPDIR or /tmp */
    uint32_t n_threads;       /* of local[*]; 0: all cores */
    uint32_t max_connections; /* at once; 0: 1024 */
} vonk_py4j_options;

/* Listens when it returns. */
vonk_status vonk_py4j_server_new(const vonk_py4j_options *options, vonk_py4j_server **ret, vonk_error *err);
/* Closes all connections, waits for their threads, stops the SparkContext, removes temporary folders. The loop must not
 * run on another thread. */
void vonk_py4j_server_free(vonk_py4j_server *server);
VONK_DEFINE_AUTO(vonk_py4j_server, vonk_py4j_server_free)
uint16_t vonk_py4j_server_port(const vonk_py4j_server *server);
vonk_str vonk_py4j_server_secret(const vonk_py4j_server *server);
/* What pyspark waits for: a file with port and secret, written beside and renamed. */
vonk_status vonk_py4j_server_announce(const vonk_py4j_server *server, vonk_str path, vonk_error *err);

#endif
