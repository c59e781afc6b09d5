/* sys/sockets.c */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/clock.h"
#include "sys/sockets.h"

enum { BACKLOG = 1024 };

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
} address;

/* Raises and closes fd (-1: none). */
static vonk_status fail_with(int fd, const char *what, const char *where, int number, vonk_error *err)
{
    vonk_socket_close(fd);
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
                     VONK_F("%s %s: %s", what, where, strerrordesc_np(number)));
}

static void set_on(int fd, int level, int option)
{
    int on = 1;
    if (setsockopt(fd, level, option, &on, sizeof(on)) != 0) return; /* only tuning */
}

static void tune(int fd)
{
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    set_on(fd, SOL_SOCKET, SO_KEEPALIVE); /* a peer that lost its power is found out some day */
}

static void name_of(const address *a, char *into, size_t bytes)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
        inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], ip, sizeof(ip));
        snprintf(into, bytes, "%s:%u", ip, ntohs(a->v6.sin6_port));
    } else if (a->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, ip, sizeof(ip));
        snprintf(into, bytes, "[%s]:%u", ip, ntohs(a->v6.sin6_port));
    } else if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, ip, sizeof(ip));
        snprintf(into, bytes, "%s:%u", ip, ntohs(a->v4.sin_port));
    } else {
        snprintf(into, bytes, "unix");
    }
}

static socklen_t size_of(const address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->un);
}

/* ---- addresses ---- */

enum { MOST_ADDRESSES = 8 };

static bool parse_literal(const char *host, uint16_t port, address *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(port);
        return true;
    }
    return false;
}

static vonk_status resolve(vonk_str host, uint16_t port, address *ret, size_t *ret_n, vonk_error *err)
{
    char name[256], service[8];
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = vonk_str_sub(host, 1, host.len - 1);
    if (host.len == 0 || host.len >= sizeof(name) || memchr(host.data, 0, host.len))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", VONK_F("\"%s\" is no host name", VONK_S(host)));
    memcpy(name, host.data, host.len);
    name[host.len] = 0;
    *ret_n = 1;
    if (parse_literal(name, port, ret)) return VONK_OK;
    if (vonk_str_is_nocase(host, "localhost")) { /* without the resolver, which reads files and loads libraries */
        parse_literal("127.0.0.1", port, &ret[0]);
        parse_literal("::1", port, &ret[1]);
        *ret_n = 2;
        return VONK_OK;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    snprintf(service, sizeof(service), "%u", port);
    int rc = getaddrinfo(name, service, &hints, &found);
    if (rc != 0)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
                         VONK_F("cannot find the host %s: %s", name, gai_strerror(rc)));
    *ret_n = 0;
    for (struct addrinfo *a = found; a && *ret_n < MOST_ADDRESSES; a = a->ai_next)
        if (a->ai_addrlen <= sizeof(address)) memcpy(&ret[(*ret_n)++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(found);
    return VONK_OK;
}

static int open_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

/* ---- listening ---- */

static vonk_status bind_and_listen(const address *a, bool dual, int *ret_fd, uint16_t *ret_port, vonk_error *err)
{
    char where[64];
    name_of(a, where, sizeof(where));
    int fd = open_socket(a->any.sa_family);
    if (fd < 0) return fail_with(-1, "cannot listen on", where, errno, err);
    set_on(fd, SOL_SOCKET, SO_REUSEADDR);
    int only = !dual;
    if (a->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) != 0)
        return fail_with(fd, "cannot listen on", where, errno, err);
    if (bind(fd, &a->any, size_of(a)) != 0 || listen(fd, BACKLOG) != 0)
        return fail_with(fd, "cannot listen on", where, errno, err);
    address bound = {.any.sa_family = AF_UNSPEC};
    socklen_t bytes = sizeof(bound);
    if (getsockname(fd, &bound.any, &bytes) != 0) return fail_with(fd, "cannot listen on", where, errno, err);
    if (ret_port) *ret_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    *ret_fd = fd;
    return VONK_OK;
}

vonk_status vonk_socket_listen(vonk_str host, uint16_t port, int *ret_fd, uint16_t *ret_port, vonk_error *err)
{
    address a[MOST_ADDRESSES];
    size_t n;
    if (host.len) {
        VONK_TRY(resolve(host, port, a, &n, err));
        return bind_and_listen(&a[0], false, ret_fd, ret_port, err);
    }
    int probe = open_socket(AF_INET6);
    bool has_v6 = probe >= 0;
    vonk_socket_close(probe);
    parse_literal(has_v6 ? "::" : "0.0.0.0", port, &a[0]);
    vonk_status st = bind_and_listen(&a[0], true, ret_fd, ret_port, err);
    if (st == VONK_OK || !has_v6) return st;
    /* IPv6 compiled in but switched off. Any other reason hits IPv4 as well, and is told. */
    if (err) vonk_error_reset(err);
    parse_literal("0.0.0.0", port, &a[0]);
    return bind_and_listen(&a[0], false, ret_fd, ret_port, err);
}

static vonk_status unix_address(vonk_str path, address *ret, vonk_error *err)
{
    memset(ret, 0, sizeof(*ret));
    if (path.len == 0 || path.len >= sizeof(ret->un.sun_path) || memchr(path.data, 0, path.len))
        return VONK_FAIL(
            err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
            VONK_F("\"%s\" is no path of a socket (at most %zu bytes)", VONK_S(path), sizeof(ret->un.sun_path) - 1));
    ret->un.sun_family = AF_UNIX;
    memcpy(ret->un.sun_path, path.data, path.len);
    return VONK_OK;
}

static bool is_stale(const address *a)
{
    int fd = open_socket(AF_UNIX);
    if (fd < 0) return false;
    bool refused = connect(fd, &a->any, size_of(a)) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

vonk_status vonk_socket_listen_unix(vonk_str path, int *ret_fd, vonk_error *err)
{
    address a;
    VONK_TRY(unix_address(path, &a, err));
    int fd = open_socket(AF_UNIX);
    if (fd < 0) return fail_with(-1, "cannot listen on", a.un.sun_path, errno, err);
    int number = bind(fd, &a.any, size_of(&a)) == 0 ? 0 : errno;
    if (number == EADDRINUSE && is_stale(&a) && unlink(a.un.sun_path) == 0)
        number = bind(fd, &a.any, size_of(&a)) == 0 ? 0 : errno;
    if (number) return fail_with(fd, "cannot listen on", a.un.sun_path, number, err);
    /* Nobody can connect before listen(). */
    if (chmod(a.un.sun_path, 0600) != 0 || listen(fd, BACKLOG) != 0)
        return fail_with(fd, "cannot listen on", a.un.sun_path, errno, err);
    *ret_fd = fd;
    return VONK_OK;
}

vonk_status vonk_socket_accept(int listener, int *ret_fd, char ret_peer[64], vonk_error *err)
{
    address peer;
    memset(&peer, 0, sizeof(peer));
    socklen_t bytes = sizeof(peer);
    int fd;
    do fd = accept4(listener, &peer.any, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    *ret_fd = fd;
    if (fd < 0) {
        /* Errors of the connection that was about to come are like nobody waiting (accept(2)). */
        bool is_ours = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM || errno == EBADF ||
                       errno == EINVAL || errno == ENOTSOCK;
        return is_ours ? fail_with(-1, "cannot accept", "a connection", errno, err) : VONK_OK;
    }
    if (peer.any.sa_family != AF_UNIX) tune(fd);
    if (ret_peer) name_of(&peer, ret_peer, 64);
    return VONK_OK;
}

/* ---- connecting ---- */

static int connect_one(const address *a, int64_t until_ns, int *ret_fd)
{
    int fd = open_socket(a->any.sa_family);
    if (fd < 0) return errno;
    int number = connect(fd, &a->any, size_of(a)) == 0 ? 0 : errno;
    if (number == EINPROGRESS || number == EINTR) {
        int64_t left = until_ns - vonk_clock_mono_ns();
        socklen_t bytes = sizeof(number);
        if (!vonk_socket_wait_writable(fd, left > 0 ? left : 0))
            number = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &bytes) != 0)
            number = errno;
    }
    if (number != 0) {
        close(fd);
        return number;
    }
    tune(fd);
    *ret_fd = fd;
    return 0;
}

vonk_status vonk_socket_connect_wait(vonk_str host, uint16_t port, int64_t timeout_ns, int *ret_fd, vonk_error *err)
{
    address a[MOST_ADDRESSES];
    size_t n = 0;
    VONK_TRY(resolve(host, port, a, &n, err));
    int64_t until_ns = vonk_clock_mono_ns() + timeout_ns;
    int number = EADDRNOTAVAIL;
    for (size_t i = 0; i < n; i++) {
        number = connect_one(&a[i], until_ns, ret_fd);
        if (number == 0) return VONK_OK;
    }
    return fail_with(-1, "cannot connect to", VONK_F("%s:%u", VONK_S(host), port), number, err);
}

vonk_status vonk_socket_connect_unix(vonk_str path, int *ret_fd, vonk_error *err)
{
    address a;
    VONK_TRY(unix_address(path, &a, err));
    int fd = open_socket(AF_UNIX);
    if (fd < 0 || connect(fd, &a.any, size_of(&a)) != 0)
        return fail_with(fd, "cannot connect to", a.un.sun_path, errno, err);
    *ret_fd = fd;
    return VONK_OK;
}

vonk_status vonk_socket_pair(int ret_fds[2], vonk_error *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fds) != 0)
        return fail_with(-1, "cannot make", "a pair of sockets", errno, err);
    return VONK_OK;
}

void vonk_socket_close(int fd)
{
    if (fd >= 0) close(fd);
}

void vonk_socket_shutdown_send(int fd)
{
    if (shutdown(fd, SHUT_WR) != 0) return; /* the other side has gone already */
}

void vonk_socket_break(int fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) return; /* then it is an end */
}

void vonk_socket_shutdown(int fd)
{
    if (shutdown(fd, SHUT_RDWR) != 0) return; /* the same */
}

void vonk_socket_set_low_mark(int fd, size_t bytes)
{
    int mark = vonk_i32_of(bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof(mark)) != 0) return; /* only tuning */
}

/* ---- moving bytes ---- */

static bool is_gone(int number)
{
    return number == ECONNRESET || number == EPIPE || number == ETIMEDOUT || number == ENOTCONN ||
           number == EHOSTUNREACH || number == ENETUNREACH || number == ENETDOWN || number == ECONNABORTED;
}

static vonk_status result(ssize_t n, vonk_io when_full, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err)
{
    *ret_bytes = n > 0 ? (size_t)n : 0;
    if (n > 0)
        *ret_io = VONK_IO_DONE;
    else if (n == 0 || is_gone(errno))
        *ret_io = VONK_IO_CLOSED;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
        *ret_io = when_full;
    else
        return fail_with(-1, when_full == VONK_IO_WANT_READ ? "cannot receive from" : "cannot send to", "a socket",
                         errno, err);
    return VONK_OK;
}

vonk_status vonk_socket_read(int fd, void *into, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err)
{
    ssize_t n;
    assert(bytes > 0);
    do n = vonk_fault_hit(VONK_FAULT_READ) ? (errno = EIO, -1) : recv(fd, into, bytes, 0);
    while (n < 0 && errno == EINTR);
    return result(n, VONK_IO_WANT_READ, ret_bytes, ret_io, err);
}

vonk_status vonk_socket_writev(int fd, const struct iovec *pieces, size_t n, size_t *ret_bytes, vonk_io *ret_io,
                               vonk_error *err)
{
    /* sendmsg only reads them; it takes at most IOV_MAX, the caller comes again for the rest. */
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = vonk_min_size(n, 1024)};
    ssize_t sent;
    do sent = vonk_fault_hit(VONK_FAULT_SEND) ? (errno = EIO, -1) : sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return result(sent, VONK_IO_WANT_WRITE, ret_bytes, ret_io, err);
}

vonk_status vonk_socket_write(int fd, const void *data, size_t bytes, size_t *ret_bytes, vonk_io *ret_io,
                              vonk_error *err)
{
    assert(bytes > 0);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    return vonk_socket_writev(fd, &piece, 1, ret_bytes, ret_io, err);
}

/* ---- blocking ---- */

static bool wait_for(int fd, short events, int64_t timeout_ns)
{
    int64_t until_ns = vonk_clock_mono_ns() + timeout_ns;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int64_t left = timeout_ns < 0 ? -1 : until_ns - vonk_clock_mono_ns();
        if (timeout_ns >= 0 && left < 0) left = 0;
        struct timespec t = {.tv_sec = left / VONK_NS_PER_S, .tv_nsec = left % VONK_NS_PER_S};
        int rc = ppoll(&p, 1, left < 0 ? NULL : &t, NULL);
        if (rc > 0) return true; /* an error too: the next read or write says which */
        if (rc == 0 || errno != EINTR) return false;
    }
}
bool vonk_socket_wait_readable(int fd, int64_t timeout_ns) { return wait_for(fd, POLLIN, timeout_ns); }
bool vonk_socket_wait_writable(int fd, int64_t timeout_ns) { return wait_for(fd, POLLOUT, timeout_ns); }
bool vonk_socket_wait_either(int fd, int64_t timeout_ns) { return wait_for(fd, POLLIN | POLLOUT, timeout_ns); }

static vonk_status move_all(int fd, char *at, size_t bytes, bool is_read, int64_t timeout_ns, vonk_error *err)
{
    while (bytes) {
        size_t n;
        vonk_io io;
        if (is_read)
            VONK_TRY(vonk_socket_read(fd, at, bytes, &n, &io, err));
        else
            VONK_TRY(vonk_socket_write(fd, at, bytes, &n, &io, err));
        if (io == VONK_IO_CLOSED) return fail_with(-1, "the other side closed", "the connection", ECONNRESET, err);
        at += n, bytes -= n;
        if (io == VONK_IO_DONE) continue;
        if (!wait_for(fd, is_read ? POLLIN : POLLOUT, timeout_ns))
            return fail_with(-1, "the other side does not answer", "in time", ETIMEDOUT, err);
    }
    return VONK_OK;
}

vonk_status vonk_socket_read_exact_wait(int fd, void *into, size_t bytes, int64_t timeout_ns, vonk_error *err)
{
    return move_all(fd, into, bytes, true, timeout_ns, err);
}

vonk_status vonk_socket_write_all_wait(int fd, const void *data, size_t bytes, int64_t timeout_ns, vonk_error *err)
{
    return move_all(fd, (char *)(uintptr_t)data, bytes, false, timeout_ns, err);
}
