/* python/worker.c -- bytes to and from a worker, on its holder's thread. */
#include "python/pool_int.h"

#include "sys/files.h"
#include "sys/sockets.h"

/* An output buffer that has grown beyond this is given back once it is empty. */
enum { KEEP_BYTES = 4 << 20, MOST_LAST_WORDS = 64 << 10 };

static py_state state_of(vonk_py_worker *worker)
{
    const py_state state = worker->state;
    if (state == PY_READY) worker->is_seen_ready = true;
    return state;
}

vonk_status vonk_py_worker_ready(vonk_py_worker *worker, bool *ret_there, vonk_error *err)
{
    const py_state state = state_of(worker);
    *ret_there = state == PY_READY;
    if (state != PY_FAILED) return VONK_OK;
    if (err) vonk_error_copy(err, &worker->why);
    return vonk_raised(worker->why.cls);
}

vonk_py_version vonk_py_worker_version(const vonk_py_worker *worker)
{
    assert(worker->state == PY_READY);
    return worker->conn->daemon->version;
}

const char *vonk_py_worker_python(const vonk_py_worker *worker)
{
    assert(worker->state == PY_READY);
    return worker->conn->daemon->python;
}

int32_t vonk_py_worker_pid(const vonk_py_worker *worker) { return worker->state == PY_READY ? worker->conn->pid : 0; }

/* ---- to the worker */

vonk_buf *vonk_py_worker_out(vonk_py_worker *worker) { return &worker->out; }

static void drop_sent(vonk_py_worker *worker)
{
    vonk_buf *out = &worker->out;
    if (worker->sent == out->len) {
        worker->sent = 0;
        vonk_buf_reset(out);
        if (out->capacity > KEEP_BYTES) {
            vonk_buf_done(out);
            vonk_buf_init(out, worker->budget, SIZE_MAX);
        }
    } else if (worker->sent > out->len / 2) {
        memmove(out->data, out->data + worker->sent, out->len - worker->sent);
        out->len -= worker->sent;
        worker->sent = 0;
    }
}

vonk_status vonk_py_worker_send(vonk_py_worker *worker, size_t *ret_left, vonk_error *err)
{
    vonk_buf *out = &worker->out;
    bool is_there = false;
    *ret_left = out->len - worker->sent;
    VONK_TRY(vonk_py_worker_ready(worker, &is_there, err));
    if (!is_there) return VONK_OK;
    while (worker->sent < out->len && !worker->is_deaf) {
        size_t n = 0;
        vonk_io io = VONK_IO_CLOSED;
        VONK_TRY(vonk_socket_write(worker->conn->fd, out->data + worker->sent, out->len - worker->sent, &n, &io, err));
        if (io == VONK_IO_WANT_WRITE) break;
        if (io == VONK_IO_CLOSED) worker->is_deaf = true;
        worker->sent += n;
    }
    if (worker->is_deaf) worker->sent = out->len;
    drop_sent(worker);
    *ret_left = out->len - worker->sent;
    return VONK_OK;
}

/* ---- from the worker */

/* What it wrote down of itself, and takes away when it ends well; empty: nothing. */
static vonk_status last_words(const vonk_py_worker *worker, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str path;
    bool exists = false;
    VONK_TRY(vonk_arena_new(worker->pool->budget, &arena, err));
    VONK_TRY(vonk_path_join(arena, worker->pool->folder, vonk_str_of(VONK_F("%d", worker->conn->pid)), &path, err));
    VONK_TRY(vonk_file_exists(path, &exists, err));
    if (!exists) return VONK_OK;
    VONK_TRY(vonk_file_read_all(path, MOST_LAST_WORDS, out, err));
    return vonk_file_remove(path, NULL, err);
}

static vonk_status crashed(vonk_py_worker *worker, vonk_error *err)
{
    py_conn *conn = worker->conn;
    VONK_AUTO(vonk_buf_done) vonk_buf words = {0};
    VONK_AUTO(vonk_error_reset) vonk_error unread = VONK_ERROR_INIT;
    vonk_buf_init(&words, vonk_budget_root(), MOST_LAST_WORDS);
    if (worker->crew->env.faulthandler && last_words(worker, &words, &unread) != VONK_OK) vonk_buf_reset(&words);
    char what[4096];
    vonk_format(
        what, sizeof what,
        worker->is_silenced
            ? "the Python worker (process %d, %.*s) was killed, since nothing had come from it for so long%s%.*s"
            : "the Python worker (process %d, %.*s) ended unexpectedly: it crashed, was killed, or left by "
              "itself%s%.*s",
        conn->pid, VONK_STR_ARGS(worker->crew->env.module), words.len ? ":\n" : "",
        VONK_STR_ARGS(vonk_buf_str(&words)));
    VONK_LOCKED(&worker->pool->lock);
    if (worker->crew->is_dropped)
        return VONK_FAIL(err, VONK_E_PYTHON_WORKER_CRASHED, "message", "the Python worker was ended with its session");
    if (worker->is_silenced) return VONK_FAIL(err, VONK_E_PYTHON_TIMED_OUT, "message", what);
    vonk__py_child_drain(&conn->daemon->child);
    return vonk__py_fail_with_tail(VONK_E_PYTHON_WORKER_CRASHED, what, &conn->daemon->child.tail, err);
}

/* More bytes into *into, or into what is read ahead. *ret_n 0: none are there. */
static vonk_status receive(vonk_py_worker *worker, void *into, size_t bytes, size_t *ret_n, vonk_error *err)
{
    vonk_io io = VONK_IO_CLOSED;
    *ret_n = 0;
    VONK_TRY(vonk_socket_read(worker->conn->fd, into, bytes, ret_n, &io, err));
    if (io == VONK_IO_CLOSED) return crashed(worker, err);
    if (io != VONK_IO_DONE) *ret_n = 0;
    return VONK_OK;
}

vonk_status vonk__py_worker_fill(vonk_py_worker *worker, uint8_t *into, size_t bytes, size_t *inout_n, bool *ret,
                                 vonk_error *err)
{
    bool is_there = false;
    *ret = false;
    VONK_TRY(vonk_py_worker_ready(worker, &is_there, err));
    py_conn *conn = worker->conn;
    worker->is_hungry = false;
    while (is_there && *inout_n < bytes) {
        const size_t wanted = bytes - *inout_n, has = conn->in_to - conn->in_from;
        size_t n = vonk_min_size(wanted, has);
        if (n) {
            memcpy(into + *inout_n, conn->in + conn->in_from, n);
            conn->in_from += n;
            *inout_n += n;
            continue;
        }
        conn->in_from = conn->in_to = 0;
        if (wanted >= sizeof conn->in) {
            VONK_TRY(receive(worker, into + *inout_n, wanted, &n, err));
            *inout_n += n;
        } else {
            VONK_TRY(receive(worker, conn->in, sizeof conn->in, &n, err));
            conn->in_to = n;
        }
        if (n == 0) break;
    }
    *ret = *inout_n == bytes;
    worker->is_hungry = !*ret;
    return VONK_OK;
}

vonk_status vonk_py_worker_read(vonk_py_worker *worker, size_t bytes, vonk_buffer **ret, vonk_error *err)
{
    bool is_whole = false;
    *ret = NULL;
    if (!worker->part) VONK_TRY(vonk_buffer_new(worker->budget, bytes, &worker->part, err));
    assert(worker->part->bytes == bytes); /* the same question as before */
    VONK_TRY(vonk__py_worker_fill(worker, worker->part->data, bytes, &worker->n_part, &is_whole, err));
    if (!is_whole) return VONK_OK;
    worker->n_part = 0;
    *ret = VONK_STEAL(worker->part);
    return VONK_OK;
}

static vonk_status read_number(vonk_py_worker *worker, size_t bytes, bool *ret_there, uint64_t *ret, vonk_error *err)
{
    uint64_t v = 0;
    VONK_TRY(vonk__py_worker_fill(worker, worker->number, bytes, &worker->n_number, ret_there, err));
    if (!*ret_there) return VONK_OK;
    worker->n_number = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | worker->number[i];
    *ret = v;
    return VONK_OK;
}

vonk_status vonk_py_worker_read_i32(vonk_py_worker *worker, bool *ret_there, int32_t *ret, vonk_error *err)
{
    uint64_t v = 0;
    VONK_TRY(read_number(worker, 4, ret_there, &v, err));
    if (*ret_there) *ret = (int32_t)(uint32_t)v;
    return VONK_OK;
}

vonk_status vonk_py_worker_read_i64(vonk_py_worker *worker, bool *ret_there, int64_t *ret, vonk_error *err)
{
    uint64_t v = 0;
    VONK_TRY(read_number(worker, 8, ret_there, &v, err));
    if (*ret_there) *ret = (int64_t)v;
    return VONK_OK;
}

/* ---- waiting */

/* In pieces no longer than the silence that is allowed. */
static bool wait_bytes(vonk_py_worker *worker, bool to_write, int64_t timeout_ns)
{
    const int fd = worker->conn->fd;
    int64_t now_ns = vonk_clock_mono_ns();
    const int64_t until_ns = timeout_ns < 0 ? INT64_MAX : now_ns + timeout_ns;
    for (;;) {
        int64_t piece_ns = timeout_ns < 0 ? -1 : until_ns - now_ns;
        if (worker->silence_ns) {
            VONK_LOCKED(&worker->pool->lock);
            if (!worker->waits_since_ns) worker->waits_since_ns = now_ns;
            const int64_t silence_ns = vonk__py_silence_look(worker, now_ns) - now_ns;
            if (piece_ns < 0 || silence_ns < piece_ns) piece_ns = silence_ns;
        }
        if (to_write ? vonk_socket_wait_either(fd, piece_ns) : vonk_socket_wait_readable(fd, piece_ns)) {
            worker->waits_since_ns = 0;
            return true;
        }
        now_ns = vonk_clock_mono_ns();
        if (now_ns >= until_ns) return false;
    }
}

bool vonk_py_worker_wait(vonk_py_worker *worker, bool to_write, int64_t timeout_ns)
{
    vonk_py_pool *pool = worker->pool;
    const bool was_seen = worker->is_seen_ready;
    if (state_of(worker) == PY_READY) {
        const py_conn *conn = worker->conn;
        if (!was_seen || (!worker->is_hungry && conn->in_from < conn->in_to)) return true;
        return wait_bytes(worker, to_write, timeout_ns);
    }
    const int64_t until_ns = timeout_ns < 0 ? INT64_MAX : vonk_clock_mono_ns() + timeout_ns;
    VONK_LOCKED(&pool->lock);
    while (worker->state == PY_QUEUED || worker->state == PY_CONNECTING) {
        if (timeout_ns < 0)
            vonk_cond_wait(&pool->changed, &pool->lock);
        else if (!vonk_cond_wait_until(&pool->changed, &pool->lock, until_ns))
            return worker->state == PY_READY || worker->state == PY_FAILED;
    }
    return true;
}
