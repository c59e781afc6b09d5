/* tests/faults/connect_client.h -- a plain Connect client for tests of faults: HTTP/2 by nghttp2, TLS by OpenSSL, the
 * system's own sockets and memory, so that none of its steps is a point that fails. One connection, one call at a time. */
#ifndef VONK_TESTS_CONNECT_CLIENT_H
#define VONK_TESTS_CONNECT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct connect_client connect_client;

/* NULL: nobody took the connection. with_tls: without a look at the server's certificate. */
connect_client *connect_client_open(uint16_t port, bool with_tls);
void connect_client_close(connect_client *client);

typedef struct connect_answer {
    int status;  /* grpc-status; -1: the connection ended without one; -2: nothing came for a minute */
    char *bytes; /* messages with their gRPC heads, malloc'ed */
    size_t n;
} connect_answer;

/* `body`: messages with their gRPC heads. The answer is the caller's. */
connect_answer connect_client_call(connect_client *client, const char *method, const void *body, size_t n);

#endif
