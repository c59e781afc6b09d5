/* serve/py4j/server.c -- listens on the loopback interface; one thread for each connection, the secret first. */
#include "serve/py4j/py4j_int.h"
#include "serve/py4j/socket_stream.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/files.h"
#include "sys/sockets.h"

enum { DEFAULT_CONNECTIONS = 1024, SECRET_BYTES = 32, SECRET_SECONDS = 30 };

typedef struct connection {
    struct connection *next;
    vonk_py4j_server *server;
    vonk_thread *thread;
    int fd;
    uint16_t peer_port;
    bool is_cut; /* under the server's lock, as is `over` */
    bool over;
    vonk_job reap;
    vonk__j_caller caller;
} connection;

struct vonk_py4j_server {
    vonk_budget *budget;
    vonk_loop *loop;
    vonk__j_machine *machine;
    vonk_buf secret;
    int listener;
    uint16_t port;
    uint32_t max_connections, n_connections;
    vonk_watch watch;
    vonk_mutex lock;
    connection *connections;
    bool stopping;
    vonk_job close_job; /* by a command: the listener belongs to the loop */
    bool close_posted;
};

/* ---- streams of sockets */

static vonk_status stream_read(void *self, void *into, size_t bytes, size_t *ret_bytes, vonk_error *err)
{
    const int fd = *(int *)self;
    for (vonk_io io = VONK_IO_WANT_READ;;) {
        *ret_bytes = 0;
        VONK_TRY(vonk_socket_read(fd, into, bytes, ret_bytes, &io, err));
        if (io == VONK_IO_DONE) return VONK_OK;
        *ret_bytes = 0;
        if (io == VONK_IO_CLOSED) return VONK_OK;
        vonk_socket_wait_readable(fd, -1);
    }
}
static vonk_status stream_write(void *self, vonk_str data, vonk_error *err)
{
    return vonk_socket_write_all_wait(*(int *)self, data.data, data.len, -1, err);
}
static bool stream_ready(void *self) { return vonk_socket_wait_readable(*(int *)self, 0); }
vonk__j_stream vonk__j_socket_stream(int *fd)
{
    return (vonk__j_stream){.self = fd, .read = stream_read, .write = stream_write, .ready = stream_ready};
}

/* ---- one connection */

static bool same_secret(vonk_str given, vonk_str secret)
{
    unsigned differs = given.len != secret.len;
    for (size_t i = 0; i < given.len && i < secret.len; i++) differs |= (unsigned)(given.data[i] ^ secret.data[i]);
    return !differs;
}

static vonk_status check_secret(connection *c, bool *ret_good, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf line = {0}, token = {0}, plain = {0};
    bool end = false;
    vonk_buf_init(&line, c->server->budget, VONK__J_HEAD_BYTES);
    vonk_buf_init(&token, c->server->budget, VONK__J_HEAD_BYTES);
    vonk_buf_init(&plain, c->server->budget, VONK__J_HEAD_BYTES);
    *ret_good = false;
    if (!vonk_socket_wait_readable(c->fd, SECRET_SECONDS * VONK_NS_PER_S)) return VONK_OK;
    VONK_TRY(vonk__j_read_line(&c->caller, &line, &end, err));
    if (end || !vonk_str_is(vonk_buf_str(&line), "A")) return VONK_OK;
    VONK_TRY(vonk__j_read_line(&c->caller, &token, &end, err));
    if (end) return VONK_OK;
    VONK_TRY(vonk__j_unescape(vonk_buf_str(&token), &plain, err));
    *ret_good = same_secret(vonk_buf_str(&plain), vonk_buf_str(&c->server->secret));
    return VONK_OK;
}

static vonk_status serve(connection *c, vonk_error *err)
{
    bool good = false;
    VONK_TRY(check_secret(c, &good, err));
    VONK_TRY(c->caller.stream.write(c->caller.stream.self, good ? VONK_STR("!yv\n") : VONK_STR("!x\n"), err));
    if (!good) return VONK_OK;
    vonk__j_asks(&c->caller);
    const vonk_status status = vonk__j_serve(&c->caller, err);
    vonk__j_asks(NULL);
    return status;
}

/* What was sent last must arrive: a socket that is closed with bytes unread would be reset. So they are read for a
 * while. */
static void say_goodbye(connection *c)
{
    enum { MOST_BYTES = 1 << 20, WAIT_MS = 200 };
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_io io = VONK_IO_DONE;
    vonk_socket_shutdown_send(c->fd);
    for (size_t n = 0, total = 0; io != VONK_IO_CLOSED && total < MOST_BYTES; total += n) {
        n = 0;
        if (!vonk_socket_wait_readable(c->fd, WAIT_MS * VONK_NS_PER_MS)) return;
        if (vonk_socket_read(c->fd, c->caller.in, sizeof c->caller.in, &n, &io, &err) != VONK_OK) return;
        if (io != VONK_IO_DONE) n = 1;
    }
}

static void run_connection(void *self)
{
    connection *c = self;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const vonk_status status = serve(c, &err);
    if (status != VONK_OK) vonk_log(VONK_LOG_DEBUG, "py4j", "connection=%u %s", c->peer_port, vonk_error_message(&err));
    vonk__j_caller_done(&c->caller);
    if (status == VONK_OK)
        say_goodbye(c);
    else
        vonk_socket_break(c->fd); /* py4j sends a command again that got no answer but an end: it may have been run */
    vonk_mutex_lock(&c->server->lock);
    c->over = true;
    vonk_socket_close(c->fd);
    c->fd = -1;
    if (!c->server->stopping) vonk_loop_post(c->server->loop, &c->reap);
    vonk_mutex_unlock(&c->server->lock);
}

static void free_connection(connection *c)
{
    vonk_thread_join(c->thread);
    vonk_socket_close(c->fd);
    vonk_free(c);
}

static void reap(void *self)
{
    connection *c = self;
    vonk_py4j_server *server = c->server;
    vonk_mutex_lock(&server->lock);
    connection **at = &server->connections;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    server->n_connections--;
    vonk_mutex_unlock(&server->lock);
    free_connection(c);
}

/* ---- accepting */

static vonk_status add_connection(vonk_py4j_server *server, int fd, const char *peer, vonk_error *err)
{
    connection *c = NULL;
    const char *colon = strrchr(peer, ':');
    VONK_TRY(VONK_NEW(server->budget, &c, err));
    c->server = server;
    c->fd = fd;
    c->peer_port = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
    c->reap = (vonk_job){.run = reap, .self = c};
    vonk__j_caller_init(&c->caller, server->machine, vonk__j_socket_stream(&c->fd));
    c->caller.can_call_back = !server->machine->shared_connections;
    VONK_LOCKED(&server->lock);
    const vonk_status status =
        vonk_thread_start(server->budget, "py4j", VONK_STACK_PLAN, run_connection, c, &c->thread, err);
    if (status != VONK_OK) {
        vonk_free(c);
        return status;
    }
    c->next = server->connections;
    server->connections = c;
    server->n_connections++;
    return VONK_OK;
}

static void accept_all(void *self, unsigned events)
{
    vonk_py4j_server *server = self;
    (void)events;
    for (int fd = -1;;) {
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        char peer[64] = "";
        if (vonk_socket_accept(server->listener, &fd, peer, &err) != VONK_OK) {
            vonk_log(VONK_LOG_WARN, "py4j_accept", "%s", vonk_error_message(&err));
            vonk_clock_sleep_ns(10 * VONK_NS_PER_MS);
            return;
        }
        if (fd < 0) return;
        if (server->n_connections >= server->max_connections || add_connection(server, fd, peer, &err) != VONK_OK) {
            vonk_log(VONK_LOG_WARN, "py4j_refused", "connections=%u", server->n_connections);
            vonk_socket_close(fd);
        }
    }
}

/* ---- life */

static vonk_status make_secret(vonk_py4j_server *server, vonk_str given, vonk_error *err)
{
    uint8_t bytes[SECRET_BYTES];
    vonk_buf_init(&server->secret, server->budget, VONK__J_HEAD_BYTES / 2);
    if (given.len) return vonk_buf_add_str(&server->secret, given, err);
    vonk_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) VONK_TRY(vonk_buf_printf(&server->secret, err, "%02x", bytes[i]));
    return VONK_OK;
}

vonk_status vonk_py4j_server_new(const vonk_py4j_options *options, vonk_py4j_server **ret, vonk_error *err)
{
    VONK_AUTO(vonk_py4j_server_free) vonk_py4j_server *s = NULL;
    VONK_TRY(VONK_NEW(options->budget, &s, err));
    s->budget = options->budget;
    s->loop = options->loop;
    s->listener = -1;
    s->max_connections = options->max_connections ? options->max_connections : DEFAULT_CONNECTIONS;
    vonk_mutex_init(&s->lock);
    VONK_TRY(make_secret(s, options->secret, err));
    VONK_TRY(vonk__j_machine_new(options, &s->machine, err));
    s->machine->server = s;
    VONK_TRY(vonk_socket_listen(VONK_STR("127.0.0.1"), options->port, &s->listener, &s->port, err));
    s->watch.ready = accept_all;
    s->watch.self = s;
    VONK_TRY(vonk_loop_watch(s->loop, &s->watch, s->listener, VONK_WATCH_READ, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

static void close_listener(void *self)
{
    vonk_py4j_server *server = self;
    if (server->listener < 0) return;
    if (server->watch.loop) vonk_loop_unwatch(&server->watch);
    vonk_socket_close(server->listener);
    server->listener = -1;
}

static void cut(connection *c)
{
    if (!c->over && !c->is_cut) vonk_socket_shutdown(c->fd);
    c->is_cut = true;
}

void vonk_py4j_server_free(vonk_py4j_server *server)
{
    if (!server) return;
    close_listener(server);
    vonk_mutex_lock(&server->lock);
    server->stopping = true;
    for (connection *c = server->connections; c; c = c->next) cut(c);
    vonk_mutex_unlock(&server->lock);
    while (server->connections) {
        connection *next = server->connections->next;
        free_connection(server->connections);
        server->connections = next;
    }
    vonk__j_machine_free(server->machine);
    vonk_buf_done(&server->secret);
    vonk_mutex_done(&server->lock);
    vonk_free(server);
}

uint16_t vonk_py4j_server_port(const vonk_py4j_server *server) { return server->port; }
uint16_t vonk__j_server_port(const vonk_py4j_server *server) { return server->port; }
vonk_str vonk_py4j_server_secret(const vonk_py4j_server *server) { return vonk_buf_str(&server->secret); }

void vonk__j_server_shutdown(vonk_py4j_server *server)
{
    VONK_LOCKED(&server->lock);
    for (connection *c = server->connections; c; c = c->next) cut(c);
    if (server->close_posted || server->stopping) return;
    server->close_posted = true;
    server->close_job = (vonk_job){.run = close_listener, .self = server};
    vonk_loop_post(server->loop, &server->close_job);
}

void vonk__j_server_cut(vonk_py4j_server *server, uint16_t peer_port)
{
    VONK_LOCKED(&server->lock);
    for (connection *c = server->connections; c; c = c->next)
        if (c->peer_port == peer_port) cut(c);
}

/* Port and secret, big-endian, as pyspark reads them. */
vonk_status vonk_py4j_server_announce(const vonk_py4j_server *server, vonk_str path, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    const uint32_t numbers[2] = {server->port, (uint32_t)server->secret.len};
    vonk_buf_init(&out, server->budget, VONK__J_HEAD_BYTES);
    for (int i = 0; i < 2; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            VONK_TRY(vonk_buf_add_byte(&out, (char)(numbers[i] >> shift), err));
    VONK_TRY(vonk_buf_add_str(&out, vonk_buf_str(&server->secret), err));
    return vonk_file_replace(path, out.data, out.len, err);
}
