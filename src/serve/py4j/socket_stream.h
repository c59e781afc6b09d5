/* serve/py4j/socket_stream.h -- a socket as the stream of a caller. */
#ifndef VONK_SERVE_PY4J_SOCKET_STREAM_H
#define VONK_SERVE_PY4J_SOCKET_STREAM_H

#include "serve/py4j/py4j_int.h"

/* The descriptor stays the owner's, and where it is. Reading waits for ever: closing the other way of it ends that. */
vonk__j_stream vonk__j_socket_stream(int *fd);

#endif
