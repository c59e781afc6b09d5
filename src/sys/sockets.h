/* sys/sockets.h -- stream sockets. All are close-on-exec and non-blocking unless the name says wait; TCP without delay.
 *
 * A socket is a plain descriptor, owned by whoever received it, closed with vonk_socket_close. Errors: INTERNAL_ERROR_NETWORK with a message
 * that names the address. That the other side went away is not an error but VONK_IO_CLOSED. Fault point: VONK_FAULT_SEND (reads: VONK_FAULT_READ). */
#ifndef VONK_SYS_SOCKETS_H
#define VONK_SYS_SOCKETS_H

#include <sys/uio.h>

#include "base/error.h"

typedef enum vonk_io {
    VONK_IO_DONE,      /* some bytes moved, or the step is complete */
    VONK_IO_WANT_READ, /* try again when readable */
    VONK_IO_WANT_WRITE,
    VONK_IO_CLOSED /* end of the stream, reset, timed out */
} vonk_io;

/* `host` empty: all addresses, IPv6 and IPv4 by one socket ([::]; 0.0.0.0 where there is no IPv6). port 0: any; *ret_port says which. */
vonk_status vonk_socket_listen(vonk_str host, uint16_t port, int *ret_fd, uint16_t *ret_port, vonk_error *err);
/* A stale socket file is replaced, a live one is an error. Only this user may connect. */
vonk_status vonk_socket_listen_unix(vonk_str path, int *ret_fd, vonk_error *err);
/* *ret_fd is -1 when nobody waits. The peer as "[::1]:1234" into ret_peer when it is not NULL. Out of descriptors is an error; wait a little. */
vonk_status vonk_socket_accept(int listener, int *ret_fd, char ret_peer[64], vonk_error *err);

vonk_status vonk_socket_connect_wait(vonk_str host, uint16_t port, int64_t timeout_ns, int *ret_fd, vonk_error *err);
vonk_status vonk_socket_connect_unix(vonk_str path, int *ret_fd, vonk_error *err);
vonk_status vonk_socket_pair(int ret_fds[2], vonk_error *err);
void        vonk_socket_close(int fd);     /* -1 is fine */
void        vonk_socket_shutdown_send(int fd); /* the other side sees the end; reading goes on */
void        vonk_socket_break(int fd);         /* TCP: once it is closed the other side sees a reset, not the end of the stream */
void        vonk_socket_shutdown(int fd);      /* both ways: whoever waits on it, on any thread, sees the end */

/* *ret_bytes is meaningful for VONK_IO_DONE only and is then at least 1. */
vonk_status vonk_socket_read(int fd, void *into, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err);
vonk_status vonk_socket_write(int fd, const void *data, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err);
vonk_status vonk_socket_writev(int fd, const struct iovec *pieces, size_t n, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err);

/* Readable from now on means: at least so many bytes, or the end, or an error. TCP; no effect where the system does not know it. */
void vonk_socket_set_low_mark(int fd, size_t bytes);

/* For threads that may block: until readable / writable; false after timeout_ns (negative: never). */
bool vonk_socket_wait_readable(int fd, int64_t timeout_ns);
bool vonk_socket_wait_writable(int fd, int64_t timeout_ns);
bool vonk_socket_wait_either(int fd, int64_t timeout_ns); /* readable or writable */
/* All of it, blocking; the other side closing early is an error. */
vonk_status vonk_socket_read_exact_wait(int fd, void *into, size_t bytes, int64_t timeout_ns, vonk_error *err);
vonk_status vonk_socket_write_all_wait(int fd, const void *data, size_t bytes, int64_t timeout_ns, vonk_error *err);

#endif
