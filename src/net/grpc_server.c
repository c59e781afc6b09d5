/* net/grpc_server.c -- sockets and the loop: accepts, feeds bytes to connections, writes what they have, stops in
 * good order. */
#include "net/grpc_int.h"

#include "sys/sockets.h"

enum {
    READ_BYTES = 1 << 16,
    MAX_READS = 16,  /* in a row, before others get their turn */
    MAX_PIECES = 64, /* of one write */
    TLS_GATHER_BYTES = 1 << 14,
    MAX_PEER_BYTES = 64,
    GREETING_S = 20,       /* until TLS and HTTP/2 have said hello */
    ACCEPT_PAUSE_MS = 100, /* when there are no descriptors left */
    FLUSH_MS = 1000        /* for last words */
};
#define DEFAULT_MESSAGE_BYTES ((size_t)128 << 20)
#define DEFAULT_QUEUE_BYTES ((size_t)2 << 20)

typedef struct grpc_conn {
    vonk__grpc_peer peer; /* first: the handler's self */
    vonk_grpc_server *server;
    struct grpc_conn *next, **link;
    vonk_h2_conn *h2;
    vonk_tls *tls; /* NULL: plain text */
    int fd;
    bool is_greeted, wants_write;
    bool is_resting; /* to be woken by more than its client's habit, or by the timer of what is late */
    vonk_watch watch;
    vonk_timer greeting;
    char name[MAX_PEER_BYTES];
} grpc_conn;

struct vonk_grpc_server {
    vonk__grpc_host host; /* first: wake() gets it */
    vonk_tls_context *tls;
    vonk_h2_limits limits;
    char *token;
    uint32_t max_connections, n_connections;
    int listener;
    uint16_t port;
    vonk_watch accept_watch;
    vonk_timer accept_pause, grace;
    grpc_conn *conns;
    vonk_job wake_job, stop_job;
    _Atomic(bool) is_awake, is_stop_posted;
    _Atomic(int64_t) stop_at_ns; /* INT64_MAX: not asked */
    bool is_stopping, is_last_flush;
    _Atomic(uint64_t) connections_now, connections_ever;
    char read_buf[READ_BYTES];
};

static void wake(vonk__grpc_host *host);
static void on_wake(void *self);
static void on_late(void *self);
static void on_accept(void *self, unsigned events);
static void on_ready(void *self, unsigned events);
static void on_stop(void *self);
static void receive(grpc_conn *conn, bool is_late);
static void flush_conn(grpc_conn *conn);
static void close_conn(grpc_conn *conn);
static void settle(vonk_grpc_server *server);
static vonk_status watch_listener(vonk_grpc_server *server, vonk_error *err);

/* ---- life ---- */

static vonk_status set_up(vonk_grpc_server *s, const vonk_grpc_options *o, vonk_error *err)
{
    VONK_TRY(vonk_loop_new(s->host.budget, &s->host.loop, err));
    if (o->token) {
        VONK_TRY(vonk_strdup(s->host.budget, vonk_str_of(o->token), &s->token, err));
        s->host.token = vonk_str_of(s->token);
    }
    VONK_TRY(vonk_socket_listen(vonk_str_of(o->bind), o->port, &s->listener, &s->port, err));
    return watch_listener(s, err);
}

vonk_status vonk_grpc_server_new(const vonk_grpc_options *options, const vonk_grpc_service *service,
                                 vonk_grpc_server **ret, vonk_error *err)
{
    VONK_AUTO(vonk_grpc_server_free) vonk_grpc_server *s = NULL;
    vonk_budget *budget = options->budget ? options->budget : vonk_budget_root();
    VONK_TRY(VONK_NEW(budget, &s, err));
    s->host = (vonk__grpc_host){
        .service = service,
        .budget = budget,
        .max_message_bytes = options->max_message_bytes ? options->max_message_bytes : DEFAULT_MESSAGE_BYTES,
        .max_queue_bytes = options->max_queue_bytes ? options->max_queue_bytes : DEFAULT_QUEUE_BYTES,
        .wake = wake,
        .late = {.fire = on_late, .self = s},
    };
    s->limits = (vonk_h2_limits){
        .max_streams = options->max_streams ? options->max_streams : 1000,
        .max_header_bytes = 64 << 10,
        .stream_window_bytes = 16 << 20,
        .connection_window_bytes = 64 << 20,
        .max_output_bytes = 2 << 20,
    };
    s->tls = options->tls;
    s->max_connections = options->max_connections ? options->max_connections : 4096;
    s->listener = -1;
    s->wake_job = (vonk_job){.run = on_wake, .self = s};
    s->stop_job = (vonk_job){.run = on_stop, .self = s};
    atomic_init(&s->stop_at_ns, INT64_MAX);
    VONK_TRY(set_up(s, options, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

void vonk_grpc_server_free(vonk_grpc_server *s)
{
    if (!s) return;
    while (s->conns) close_conn(s->conns);
    while (vonk__grpc_pump_posted(&s->host)) {
    } /* nothing can be posted any more: all calls are over */
    if (s->host.loop) {
        vonk_loop_unwatch(&s->accept_watch);
        vonk_loop_cancel_timer(s->host.loop, &s->accept_pause);
        vonk_loop_cancel_timer(s->host.loop, &s->grace);
    }
    vonk_socket_close(s->listener);
    vonk_loop_free(s->host.loop);
    vonk_free(s->token);
    vonk_free(s);
}

uint16_t vonk_grpc_server_port(const vonk_grpc_server *server) { return server->port; }
vonk_loop *vonk_grpc_server_loop(vonk_grpc_server *server) { return server->host.loop; }

vonk_status vonk_grpc_server_run(vonk_grpc_server *server, vonk_error *err)
{
    return vonk_loop_run(server->host.loop, err);
}

void vonk_grpc_server_stats(const vonk_grpc_server *server, vonk_grpc_stats *ret)
{
    *ret = (vonk_grpc_stats){
        .connections = atomic_load_explicit(&server->connections_now, memory_order_relaxed),
        .calls = atomic_load_explicit(&server->host.n_calls, memory_order_relaxed),
        .total_connections = atomic_load_explicit(&server->connections_ever, memory_order_relaxed),
        .total_calls = atomic_load_explicit(&server->host.total_calls, memory_order_relaxed),
    };
}

/* ---- what other threads posted ---- */

/* The first to post while the loop may sleep wakes it; while it is awake it looks by itself before it sleeps. */
static void wake(vonk__grpc_host *host)
{
    vonk_grpc_server *s = (vonk_grpc_server *)host;
    if (!atomic_exchange(&s->is_awake, true)) vonk_loop_post(host->loop, &s->wake_job);
}

static void on_wake(void *self)
{
    vonk_grpc_server *s = self;
    atomic_store(&s->is_awake, false); /* before looking: who posts from now on wakes again */
    settle(s);
}

/* Calls that are answered from inside of a service function need no wake-up. */
static bool begin_turn(vonk_grpc_server *s) { return !atomic_exchange(&s->is_awake, true); }

static void end_turn(vonk_grpc_server *s, bool is_mine)
{
    if (is_mine) atomic_store(&s->is_awake, false);
    settle(s);
}

static void on_late(void *self)
{
    vonk_grpc_server *s = self;
    bool is_mine = begin_turn(s);
    for (grpc_conn *conn = s->conns, *next = NULL; conn; conn = next) {
        next = conn->next;
        if (conn->is_resting) receive(conn, true);
    }
    vonk__grpc_pump_posted(&s->host); /* answers to what was just read need not wait for the next time */
    for (grpc_conn *conn = s->conns; conn; conn = conn->next)
        if (conn->peer.late) vonk__grpc_mark_dirty(&conn->peer);
    end_turn(s, is_mine);
}

/* Moves answers to connections and connections' output to sockets until both are empty. */
static void settle(vonk_grpc_server *s)
{
    do {
        while (s->host.dirty) {
            grpc_conn *conn = (grpc_conn *)s->host.dirty;
            s->host.dirty = conn->peer.next_dirty;
            vonk__grpc_pump_late(&conn->peer);
            conn->peer.is_dirty = false;
            flush_conn(conn);
        }
    } while (vonk__grpc_pump_posted(&s->host) || s->host.dirty);
    if (s->is_stopping && !s->conns) vonk_loop_stop(s->host.loop);
}

/* ---- connections ---- */

static vonk_status watch_listener(vonk_grpc_server *s, vonk_error *err)
{
    s->accept_watch.ready = on_accept;
    s->accept_watch.self = s;
    return vonk_loop_watch(s->host.loop, &s->accept_watch, s->listener, VONK_WATCH_READ, err);
}

static void on_greeting_late(void *self) { close_conn(self); }

static vonk_status open_conn(vonk_grpc_server *s, int fd, const char *name, vonk_error *err)
{
    grpc_conn *conn = NULL;
    vonk_status st = VONK_NEW(s->host.budget, &conn, err);
    if (st != VONK_OK) {
        vonk_socket_close(fd);
        return st;
    }
    conn->server = s;
    conn->fd = fd;
    vonk_format(conn->name, sizeof(conn->name), "%s", name);
    conn->peer = (vonk__grpc_peer){.host = &s->host, .name = vonk_str_of(conn->name)};
    conn->next = s->conns;
    conn->link = &s->conns;
    if (conn->next) conn->next->link = &conn->next;
    s->conns = conn;
    s->n_connections++;
    atomic_fetch_add_explicit(&s->connections_now, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->connections_ever, 1, memory_order_relaxed);

    conn->greeting.fire = on_greeting_late;
    conn->greeting.self = conn;
    conn->watch.ready = on_ready;
    conn->watch.self = conn;
    if (s->tls) st = vonk_tls_new(s->tls, s->host.budget, fd, VONK_STR_NONE, &conn->tls, err);
    if (st == VONK_OK) st = vonk_h2_new(s->host.budget, &s->limits, &vonk__grpc_handler, &conn->peer, &conn->h2, err);
    if (st == VONK_OK)
        st = vonk_loop_set_timer(s->host.loop, &conn->greeting, vonk_clock_mono_ns() + GREETING_S * VONK_NS_PER_S, err);
    if (st == VONK_OK) st = vonk_loop_watch(s->host.loop, &conn->watch, fd, VONK_WATCH_READ, err);
    if (st != VONK_OK) close_conn(conn);
    return st;
}

static void close_conn(grpc_conn *conn)
{
    vonk_grpc_server *s = conn->server;
    vonk_loop_cancel_timer(s->host.loop, &conn->greeting);
    if (conn->is_resting) vonk__grpc_late_end(&s->host);
    vonk_loop_unwatch(&conn->watch);
    vonk_h2_free(conn->h2); /* cancels its calls */
    vonk__grpc_pump_late(&conn->peer);
    conn->h2 = NULL;
    for (vonk__grpc_peer **at = &s->host.dirty; *at; at = &(*at)->next_dirty) {
        if (*at != &conn->peer) continue;
        *at = conn->peer.next_dirty;
        break;
    }
    if (conn->tls) vonk_tls_say_bye(conn->tls);
    vonk_tls_free(conn->tls);
    vonk_socket_close(conn->fd);
    if (conn->next) conn->next->link = conn->link;
    *conn->link = conn->next;
    s->n_connections--;
    atomic_fetch_sub_explicit(&s->connections_now, 1, memory_order_relaxed);
    vonk_free(conn);
    if (s->is_stopping && !s->conns) vonk_loop_stop(s->host.loop);
}

static void on_accept_again(void *self)
{
    vonk_grpc_server *s = self;
    if (s->listener >= 0) vonk_loop_set_events(&s->accept_watch, VONK_WATCH_READ);
}

/* Out of descriptors or memory: the loop would spin on a listener that stays readable. */
static void pause_accepting(vonk_grpc_server *s)
{
    s->accept_pause.fire = on_accept_again;
    s->accept_pause.self = s;
    if (vonk_loop_set_timer(s->host.loop, &s->accept_pause, vonk_clock_mono_ns() + ACCEPT_PAUSE_MS * VONK_NS_PER_MS,
                            NULL) == VONK_OK)
        vonk_loop_set_events(&s->accept_watch, 0);
}

static void on_accept(void *self, unsigned events)
{
    (void)events;
    vonk_grpc_server *s = self;
    for (int i = 0; i < MAX_READS; i++) {
        char name[MAX_PEER_BYTES] = "";
        int fd = -1;
        vonk_status st = vonk_socket_accept(s->listener, &fd, name, NULL);
        if (st == VONK_OK && fd >= 0 && s->n_connections >= s->max_connections) {
            vonk_socket_close(fd);
            continue;
        }
        if (st == VONK_OK && fd >= 0) st = open_conn(s, fd, name, NULL);
        if (st != VONK_OK) pause_accepting(s);
        if (st != VONK_OK || fd < 0) return;
    }
}

/* ---- bytes ---- */

static vonk_status read_some(grpc_conn *conn, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err)
{
    char *into = conn->server->read_buf;
    if (conn->tls) return vonk_tls_read(conn->tls, into, READ_BYTES, ret_bytes, ret_io, err);
    return vonk_socket_read(conn->fd, into, READ_BYTES, ret_bytes, ret_io, err);
}

static vonk_status write_some(grpc_conn *conn, const vonk_str *pieces, size_t n, size_t *ret_bytes, vonk_io *ret_io,
                              vonk_error *err)
{
    if (!conn->tls) {
        struct iovec list[MAX_PIECES];
        for (size_t i = 0; i < n; i++) list[i] = (struct iovec){(void *)(uintptr_t)pieces[i].data, pieces[i].len};
        return vonk_socket_writev(conn->fd, list, n, ret_bytes, ret_io, err);
    }
    char gathered[TLS_GATHER_BYTES]; /* one record rather than many small ones */
    size_t bytes = 0;
    for (size_t i = 0; i < n && bytes < sizeof(gathered); i++) {
        size_t take = vonk_min_size(pieces[i].len, sizeof(gathered) - bytes);
        memcpy(gathered + bytes, pieces[i].data, take);
        bytes += take;
    }
    return vonk_tls_write(conn->tls, gathered, bytes, ret_bytes, ret_io, err);
}

static void update_watch(grpc_conn *conn)
{
    unsigned events = VONK_WATCH_READ | (conn->wants_write ? VONK_WATCH_WRITE : 0u);
    if (events != conn->watch.events) vonk_loop_set_events(&conn->watch, events);
}

/* Everything is answered, and what comes next is known: it is not worth a wake-up. */
static void rest(grpc_conn *conn)
{
    if (conn->tls || conn->is_resting || conn->wants_write || vonk_h2_n_streams(conn->h2) > 0) return;
    size_t mark = vonk__grpc_habit_mark(&conn->peer.habit);
    if (mark == 0 || !vonk__grpc_late_begin(conn->peer.host)) return;
    vonk_socket_set_low_mark(conn->fd, mark);
    conn->is_resting = true;
}

static void end_rest(grpc_conn *conn)
{
    if (!conn->is_resting) return;
    vonk_socket_set_low_mark(conn->fd, 1);
    vonk__grpc_late_end(conn->peer.host);
    conn->is_resting = false;
}

/* Writes until there is nothing left or the socket is full; closes what is over. */
static void flush_conn(grpc_conn *conn)
{
    if (conn->tls && !conn->is_greeted) return; /* after the handshake */
    conn->wants_write = false;
    for (;;) {
        vonk_str pieces[MAX_PIECES];
        size_t n = 0, bytes = 0;
        vonk_io io = VONK_IO_CLOSED;
        vonk_h2_next_output(conn->h2, pieces, MAX_PIECES, &n);
        if (n == 0) break;
        vonk_status st = write_some(conn, pieces, n, &bytes, &io, NULL);
        if (st != VONK_OK || io == VONK_IO_CLOSED) {
            close_conn(conn);
            return;
        }
        if (io != VONK_IO_DONE) {
            conn->wants_write = io == VONK_IO_WANT_WRITE;
            break;
        }
        vonk_h2_sent(conn->h2, bytes);
    }
    if (vonk_h2_is_over(conn->h2)) {
        close_conn(conn);
    } else {
        update_watch(conn);
        rest(conn);
    }
}

/* False: not yet, or closed. */
static bool greet(grpc_conn *conn)
{
    vonk_io io = VONK_IO_DONE;
    if (conn->is_greeted) return true;
    vonk_status st = conn->tls ? vonk_tls_handshake(conn->tls, &io, NULL) : VONK_OK;
    if (st != VONK_OK || io == VONK_IO_CLOSED) {
        close_conn(conn);
        return false;
    }
    conn->wants_write = io == VONK_IO_WANT_WRITE;
    update_watch(conn);
    conn->is_greeted = io == VONK_IO_DONE;
    return conn->is_greeted;
}

/* False: the connection was closed. */
static bool read_all(grpc_conn *conn, size_t *ret_bytes)
{
    *ret_bytes = 0;
    for (int i = 0; i < MAX_READS || (conn->tls && vonk_tls_has_pending(conn->tls)); i++) {
        size_t bytes = 0;
        vonk_io io = VONK_IO_CLOSED;
        vonk_status st = read_some(conn, &bytes, &io, NULL);
        if (st != VONK_OK || io == VONK_IO_CLOSED) {
            close_conn(conn);
            return false;
        }
        if (io != VONK_IO_DONE) break;
        *ret_bytes += bytes;
        if (!vonk_h2_receive(conn->h2, (vonk_str){conn->server->read_buf, bytes})) break;
        if (!conn->tls && bytes < READ_BYTES) break; /* that was all */
    }
    if (conn->greeting.heap_pos && vonk_h2_has_settings(conn->h2))
        vonk_loop_cancel_timer(conn->server->host.loop, &conn->greeting);
    return true;
}

/* To be written, or to be closed; answers that the service gave just now come on their own. */
static bool has_work(const grpc_conn *conn)
{
    return vonk_h2_has_output(conn->h2) || vonk_h2_is_over(conn->h2) || conn->wants_write;
}

/* is_late: what is there, if anything, lay there while the connection was resting. */
static void receive(grpc_conn *conn, bool is_late)
{
    vonk__grpc_habit *habit = &conn->peer.habit;
    uint32_t had_asked = habit->n_asked;
    size_t bytes = 0;
    end_rest(conn);
    if (!read_all(conn, &bytes)) return;
    bool is_asked = habit->n_asked != had_asked;
    if (is_asked && is_late) vonk__grpc_habit_was_wrong(habit);
    if (bytes > 0) vonk__grpc_habit_received(habit, bytes, is_asked);
    if (has_work(conn)) vonk__grpc_mark_dirty(&conn->peer);
}

static void on_ready(void *self, unsigned events)
{
    grpc_conn *conn = self;
    vonk_grpc_server *s = conn->server;
    bool is_mine = begin_turn(s);
    if (greet(conn)) {
        if ((events & ~(unsigned)VONK_WATCH_WRITE) || conn->tls)
            receive(conn, false);
        else if (has_work(conn))
            vonk__grpc_mark_dirty(&conn->peer);
    }
    end_turn(s, is_mine);
}

/* ---- the end ---- */

void vonk_grpc_server_stop(vonk_grpc_server *s, int64_t grace_us)
{
    int64_t at = vonk_clock_mono_ns() + (grace_us < 0 ? 0 : grace_us) * VONK_NS_PER_US;
    int64_t had = atomic_load(&s->stop_at_ns);
    while (at < had && !atomic_compare_exchange_weak(&s->stop_at_ns, &had, at)) {
    }
    if (!atomic_exchange(&s->is_stop_posted, true)) vonk_loop_post(s->host.loop, &s->stop_job);
}

static void on_flush_late(void *self)
{
    vonk_grpc_server *s = self;
    while (s->conns) close_conn(s->conns);
    vonk_loop_stop(s->host.loop);
}

static void on_grace_over(void *self)
{
    vonk_grpc_server *s = self;
    if (s->is_last_flush) {
        on_flush_late(s);
        return;
    }
    s->is_last_flush = true;
    for (vonk_grpc_call *call = s->host.calls, *next = NULL; call; call = next) {
        next = call->next;
        vonk__grpc_call_end(call, VONK_GRPC_UNAVAILABLE, "the server stops");
    }
    if (vonk_loop_set_timer(s->host.loop, &s->grace, vonk_clock_mono_ns() + FLUSH_MS * VONK_NS_PER_MS, NULL) != VONK_OK)
        on_flush_late(s);
    settle(s);
}

static void on_stop(void *self)
{
    vonk_grpc_server *s = self;
    atomic_store(&s->is_stop_posted, false);
    if (!s->is_stopping) {
        s->is_stopping = true;
        vonk_loop_cancel_timer(s->host.loop, &s->accept_pause);
        vonk_loop_unwatch(&s->accept_watch);
        vonk_socket_close(s->listener);
        s->listener = -1;
        for (grpc_conn *conn = s->conns, *next = NULL; conn; conn = next) {
            next = conn->next;
            if (conn->is_greeted) {
                vonk_h2_drain(conn->h2);
                vonk__grpc_mark_dirty(&conn->peer);
            } else {
                close_conn(conn);
            }
        }
    }
    s->grace.fire = on_grace_over;
    s->grace.self = s;
    if (!s->is_last_flush && vonk_loop_set_timer(s->host.loop, &s->grace, atomic_load(&s->stop_at_ns), NULL) != VONK_OK)
        on_grace_over(s);
    settle(s);
}
