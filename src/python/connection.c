/* python/connection.c -- a connection to a daemon becomes a worker: its process number, and over TCP the secret. */
#include "base/log.h"
#include "python/pool_int.h"
#include "sys/sockets.h"

enum { CONNECT_MS = 1000, SECRET_BYTES = 64 };

static void on_ready(void *self, unsigned events);

static vonk_status connect_to(const py_daemon *daemon, int *ret_fd, vonk_error *err)
{
    if (!daemon->tcp) return vonk_socket_connect_unix(vonk_str_of(daemon->path), ret_fd, err);
    return vonk_socket_connect_wait(VONK_STR("127.0.0.1"), daemon->port, CONNECT_MS * VONK_NS_PER_MS, ret_fd, err);
}

vonk_status vonk__py_conn_open(py_crew *crew, vonk_py_worker *holder, vonk_error *err)
{
    py_daemon *daemon = crew->daemon;
    vonk_py_pool *pool = daemon->pool;
    py_conn *conn;
    VONK_TRY(VONK_NEW(pool->budget, &conn, err));
    conn->watch.ready = on_ready;
    conn->watch.self = conn;
    vonk_status st = connect_to(daemon, &conn->fd, err);
    if (st == VONK_OK) {
        st = vonk_loop_watch(pool->loop, &conn->watch, conn->fd, VONK_WATCH_READ, err);
        if (st != VONK_OK) vonk_socket_close(conn->fd);
    }
    if (st != VONK_OK) {
        vonk_free(conn);
        return st;
    }
    conn->daemon = daemon;
    conn->crew = crew;
    conn->deadline_ns = vonk_clock_mono_ns() + pool->options.start_timeout_ns;
    conn->next = pool->conns;
    pool->conns = conn;
    pool->n_workers++;
    daemon->n_conns++;
    conn->holder = holder;
    if (!holder) return VONK_OK;
    holder->conn = conn;
    holder->state = PY_CONNECTING;
    return VONK_OK;
}

void vonk__py_conn_kill(py_conn *conn)
{
    vonk_py_pool *pool = conn->daemon->pool;
    if (conn->is_dead) return;
    conn->is_dead = true;
    conn->is_idle = false;
    vonk__py_daemon_kill(conn->daemon, conn->pid);
    pool->n_workers--;
    pool->n_killed++;
    vonk__py_kick(pool);
}

void vonk__py_conn_free(py_conn *conn)
{
    vonk_loop_unwatch(&conn->watch);
    vonk_socket_close(conn->fd);
    conn->daemon->n_conns--;
    vonk_free(conn->broadcasts.at);
    vonk_free(conn);
}

/* ---- handshake */

static void is_up(py_conn *conn)
{
    conn->step = PY_STEP_UP;
    conn->daemon->pool->n_forked++;
    if (conn->holder) {
        vonk__py_worker_ready(conn->holder);
        return;
    }
    conn->is_idle = true;
    conn->idle_since_ns = vonk_clock_mono_ns();
}

/* Number i of the handshake. */
static uint32_t number_of(const py_conn *conn, size_t at)
{
    uint32_t v;
    memcpy(&v, conn->head + at, 4);
    return __builtin_bswap32(v);
}

static vonk_status send_secret(py_conn *conn, vonk_error *err)
{
    char frame[4 + SECRET_BYTES];
    const uint32_t n = __builtin_bswap32(SECRET_BYTES);
    memcpy(frame, &n, 4);
    memcpy(frame + 4, conn->daemon->secret, SECRET_BYTES);
    /* A fresh socket takes that much at once. */
    return vonk_socket_write_all_wait(conn->fd, frame, sizeof frame, 0, err);
}

static vonk_status take_step(py_conn *conn, vonk_error *err)
{
    if (conn->step == PY_STEP_PID && conn->n_head >= 4) {
        conn->pid = (int32_t)number_of(conn, 0);
        if (conn->pid <= 1)
            return VONK_FAIL(err, VONK_E_PYTHON_NOT_STARTED, "message",
                             VONK_F("the Python daemon could not fork (%d)", conn->pid));
        if (!conn->daemon->tcp) {
            is_up(conn);
            return VONK_OK;
        }
        conn->step = PY_STEP_OK;
        return send_secret(conn, err);
    }
    if (conn->step == PY_STEP_OK && conn->n_head >= 10) {
        if (number_of(conn, 4) != 2 || memcmp(conn->head + 8, "ok", 2) != 0)
            return VONK_FAIL(err, VONK_E_PYTHON_NOT_STARTED, "message", "the Python worker refused our secret");
        is_up(conn);
    }
    return VONK_OK;
}

static vonk_status read_handshake(py_conn *conn, vonk_error *err)
{
    while (conn->step != PY_STEP_UP && !conn->is_dead) {
        const size_t wanted = conn->step == PY_STEP_PID ? 4 : 10;
        size_t n = 0;
        vonk_io io;
        VONK_TRY(vonk_socket_read(conn->fd, conn->head + conn->n_head, wanted - conn->n_head, &n, &io, err));
        if (io == VONK_IO_WANT_READ) return VONK_OK;
        if (io == VONK_IO_CLOSED) {
            vonk__py_child_drain(&conn->daemon->child);
            return vonk__py_fail_with_tail(VONK_E_PYTHON_NOT_STARTED, "the Python worker ended before it was there",
                                           &conn->daemon->child.tail, err);
        }
        conn->n_head += n;
        VONK_TRY(take_step(conn, err));
    }
    return VONK_OK;
}

/* The daemon has died under it: another one may do better. Once. */
static void fail(py_conn *conn, const vonk_error *why)
{
    vonk_process_end end;
    vonk_py_worker *holder = conn->holder;
    conn->holder = NULL;
    vonk__py_conn_kill(conn);
    if (!holder) return;
    holder->conn = NULL;
    if (holder->n_tries++ == 0 && vonk_process_wait(conn->daemon->child.process, 0, &end))
        vonk__py_worker_again(holder);
    else
        vonk__py_worker_failed(holder, why);
}

/* An idle worker has ended, or says what nobody asked. Looked at anew: the event may be from before it became idle, of
 * bytes that its last holder has read. */
static bool is_astray(const py_conn *conn)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    uint8_t byte;
    size_t n = 0;
    vonk_io io = VONK_IO_CLOSED;
    return vonk_socket_read(conn->fd, &byte, 1, &n, &io, &err) != VONK_OK || io != VONK_IO_WANT_READ;
}

static void on_ready(void *self, unsigned events)
{
    (void)events;
    py_conn *conn = self;
    vonk_py_pool *pool = conn->daemon->pool;
    vonk_mutex_lock(&pool->lock);
    if (conn->is_dead) {
    } else if (conn->step != PY_STEP_UP) {
        VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
        if (read_handshake(conn, &why) != VONK_OK) fail(conn, &why);
    } else if (conn->is_idle) {
        if (is_astray(conn)) vonk__py_conn_kill(conn);
    } else if (conn->holder) {
        vonk__py_worker_due(conn->holder);
    }
    vonk__py_tend(pool);
    vonk__py_call_due(pool);
    vonk_mutex_unlock(&pool->lock);
}

/* ---- tending */

/* What the loop is to watch: the handshake, an idle worker's end, what a holder asked for. */
static unsigned wanted_events(const py_conn *conn)
{
    const vonk_py_worker *holder = conn->holder;
    if (conn->step != PY_STEP_UP || conn->is_idle) return VONK_WATCH_READ;
    if (!holder || !holder->wake || holder->is_due) return 0;
    return VONK_WATCH_READ | (holder->to_write ? VONK_WATCH_WRITE : 0u);
}

static void tend_watch(vonk_py_pool *pool, py_conn *conn)
{
    const unsigned events = wanted_events(conn);
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    if (!events) {
        vonk_loop_unwatch(&conn->watch);
    } else if (conn->watch.loop) {
        vonk_loop_set_events(&conn->watch, events);
    } else if (vonk_loop_watch(pool->loop, &conn->watch, conn->fd, events, &why) != VONK_OK) {
        if (conn->holder)
            vonk__py_worker_due(conn->holder); /* it looks itself, and asks again */
        else
            vonk__py_conn_kill(conn);
    }
}

int64_t vonk__py_silence_look(vonk_py_worker *worker, int64_t now_ns)
{
    if (now_ns < worker->waits_since_ns + worker->silence_ns) return worker->waits_since_ns + worker->silence_ns;
    vonk_log(VONK_LOG_WARN, "python_silent", "nothing has come from the Python worker (process %d) for %lld seconds%s",
             worker->conn->pid, (long long)(worker->silence_ns / VONK_NS_PER_S),
             worker->kill_silent ? ": it is killed" : "");
    worker->waits_since_ns = now_ns;
    worker->is_silenced = worker->kill_silent;
    if (worker->kill_silent) vonk__py_conn_kill(worker->conn);
    return now_ns + worker->silence_ns;
}

static void tend_time(vonk_py_pool *pool, py_conn *conn, int64_t now_ns)
{
    const vonk_py_worker *holder = conn->holder;
    if (conn->step == PY_STEP_UP && holder && holder->wake && !holder->is_due && holder->silence_ns)
        vonk__py_come_again(pool, vonk__py_silence_look(conn->holder, now_ns));
    if (conn->is_idle) {
        const int64_t until_ns = conn->idle_since_ns + pool->options.idle_ns;
        if (now_ns >= until_ns)
            vonk__py_conn_kill(conn);
        else
            vonk__py_come_again(pool, until_ns);
    } else if (conn->step != PY_STEP_UP) {
        if (now_ns < conn->deadline_ns) {
            vonk__py_come_again(pool, conn->deadline_ns);
            return;
        }
        VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
        (void)vonk_raised(vonk__py_fail_with_tail(VONK_E_PYTHON_TIMED_OUT, "the Python worker did not start in time",
                                                  &conn->daemon->child.tail, &why));
        if (conn->daemon->n_conns == 1) vonk_process_kill(conn->daemon->child.process, true); /* it hangs */
        fail(conn, &why);
    }
}

void vonk__py_conns_tend(vonk_py_pool *pool, int64_t now_ns)
{
    for (py_conn *conn = pool->conns; conn; conn = conn->next) {
        if (!conn->is_dead) tend_time(pool, conn, now_ns);
        if (!conn->is_dead)
            tend_watch(pool, conn);
        else if (conn->holder)
            vonk__py_worker_due(conn->holder); /* it reads the end */
    }
    for (py_conn **link = &pool->conns; *link;) {
        py_conn *conn = *link;
        if (!conn->is_dead || conn->holder) { /* whoever holds it reads its end */
            link = &conn->next;
            continue;
        }
        *link = conn->next;
        vonk__py_conn_free(conn);
    }
}
