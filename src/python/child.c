/* python/child.c -- children of ours: their outputs, and what they wrote last for messages. */
#include "python/pool_int.h"
#include "sys/env.h"
#include "sys/sockets.h"

enum { READ_BYTES = 16 << 10, MOST_READS = 16 };

void vonk__py_tail_add(py_tail *tail, vonk_str text)
{
    const size_t room = sizeof tail->text;
    if (text.len > room) text = vonk_str_sub(text, text.len - room, text.len);
    if (tail->n + text.len > room) {
        const size_t drop = tail->n + text.len - room;
        memmove(tail->text, tail->text + drop, tail->n - drop);
        tail->n -= drop;
    }
    if (text.len) memcpy(tail->text + tail->n, text.data, text.len);
    tail->n += text.len;
}

vonk_status vonk__py_fail_with_tail(vonk_errclass cls, const char *what, const py_tail *tail, vonk_error *err)
{
    char message[4096];
    vonk_str text = vonk_str_trim((vonk_str){tail->text, tail->n});
    if (tail->n == sizeof tail->text) { /* cut: begin with a whole line */
        const size_t line = vonk_str_find_byte(text, '\n', 0);
        if (line != SIZE_MAX) text = vonk_str_sub(text, line + 1, text.len);
    }
    vonk_format(message, sizeof message, text.len ? "%s; the last that it wrote:\n%.*s" : "%s%.*s", what,
                VONK_STR_ARGS(text));
    return VONK_FAIL(err, cls, "message", message);
}

const char *vonk__py_end_text(const vonk_process_end *end, char into[32])
{
    return vonk_format(into, 32, end->by_signal ? "signal %d" : "exit status %d", end->code);
}

/* ---- outputs */

/* False: the end. */
static bool read_some(py_child *child, int fd, bool is_out)
{
    char text[READ_BYTES];
    for (int i = 0; i < MOST_READS; i++) {
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        size_t n = 0;
        vonk_io io = VONK_IO_CLOSED;
        if (vonk_socket_read(fd, text, sizeof text, &n, &io, &err) != VONK_OK || io == VONK_IO_CLOSED) return false;
        if (io != VONK_IO_DONE) break;
        if (is_out && child->on_out) {
            child->on_out(child->self, (vonk_str){text, n});
            continue;
        }
        vonk__py_tail_add(&child->tail, (vonk_str){text, n});
        vonk_env_pass_on((vonk_str){text, n});
    }
    return true;
}

void vonk__py_child_drain(py_child *child)
{
    if (!child->process) return;
    read_some(child, vonk_process_err(child->process), false);
    read_some(child, vonk_process_out(child->process), true);
}

static void on_output(py_child *child, vonk_watch *watch)
{
    vonk_py_pool *pool = child->pool;
    vonk_mutex_lock(&pool->lock);
    if (!read_some(child, watch->fd, watch == &child->out)) vonk_loop_unwatch(watch);
    vonk__py_tend(pool); /* may free the child */
    vonk__py_call_due(pool);
    vonk_mutex_unlock(&pool->lock);
}

static void on_out(void *self, unsigned events)
{
    (void)events;
    py_child *child = self;
    on_output(child, &child->out);
}

static void on_err(void *self, unsigned events)
{
    (void)events;
    py_child *child = self;
    on_output(child, &child->err);
}

vonk_status vonk__py_child_start(py_child *child, vonk_py_pool *pool, const vonk_process_spec *spec, vonk_error *err)
{
    assert(spec->out == VONK_STDIO_PIPE && spec->err == VONK_STDIO_PIPE);
    VONK_TRY(vonk_process_start(pool->budget, spec, &child->process, err));
    child->pool = pool;
    child->out.ready = on_out;
    child->err.ready = on_err;
    child->out.self = child->err.self = child;
    VONK_TRY(vonk_loop_watch(pool->loop, &child->out, vonk_process_out(child->process), VONK_WATCH_READ, err));
    return vonk_loop_watch(pool->loop, &child->err, vonk_process_err(child->process), VONK_WATCH_READ, err);
}

void vonk__py_child_done(py_child *child)
{
    vonk_loop_unwatch(&child->out);
    vonk_loop_unwatch(&child->err);
    vonk_process_free(child->process);
    child->process = NULL;
}
