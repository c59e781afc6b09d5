/* rdd/rdd_barrier.c -- barriers of Python's tasks: a socket of the task at which its worker asks for barrier() and
 * allGather(), answered by a thread that waits with the other tasks. One connection for each question. */
#include "rdd/rdd_barrier.h"

#include "base/log.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/sockets.h"

enum { BARRIER = 1, ALL_GATHER = 2, MOST_MESSAGE_BYTES = 1 << 30, LOOK_MS = 100, TALK_S = 15 };

struct rdd_barrier {
    vonk_task *task;
    vonk_thread *thread;
    int listener;
    uint16_t port;
    char port_text[8], secret[65];
    vonk_mutex lock;
    bool is_closing, is_waiting; /* under `lock` */
    int fd;                      /* of the connection; under `lock` */
    vonk_error why;              /* what failed first; under `lock` */
};

vonk_str vonk__rdd_barrier_port(const rdd_barrier *b) { return vonk_str_of(b->port_text); }
vonk_str vonk__rdd_barrier_secret(const rdd_barrier *b) { return vonk_str_of(b->secret); }

static bool is_closing(rdd_barrier *b)
{
    VONK_LOCKED(&b->lock);
    return b->is_closing;
}

/* ---- one question */

static vonk_status read_frame(rdd_barrier *b, vonk_buf *into, size_t most, vonk_error *err)
{
    char head[4], *to = NULL;
    vonk_buf_reset(into);
    VONK_TRY(vonk_socket_read_exact_wait(b->fd, head, sizeof head, TALK_S * VONK_NS_PER_S, err));
    const int32_t n = vonk__be32(head);
    if (n < 0 || (size_t)n > most)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a worker's message at a barrier has no such length");
    VONK_TRY(vonk_buf_extend(into, (size_t)n, &to, err));
    return n ? vonk_socket_read_exact_wait(b->fd, to, (size_t)n, TALK_S * VONK_NS_PER_S, err) : VONK_OK;
}

static bool same_secret(vonk_str given, vonk_str secret)
{
    unsigned differs = given.len != secret.len;
    for (size_t i = 0; i < given.len && i < secret.len; i++) differs |= (unsigned)(given.data[i] ^ secret.data[i]);
    return !differs;
}

static vonk_status meet_others(rdd_barrier *b, vonk_str message, vonk_buf *answer, vonk_error *err)
{
    vonk_mutex_lock(&b->lock);
    b->is_waiting = !b->is_closing;
    const bool waits = b->is_waiting;
    vonk_mutex_unlock(&b->lock);
    if (!waits) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the task has ended");
    const vonk_status status = vonk_task_barrier(b->task, message, answer, err);
    vonk_mutex_lock(&b->lock);
    b->is_waiting = false;
    vonk_mutex_unlock(&b->lock);
    return status;
}

static vonk_status answer_question(rdd_barrier *b, vonk_buf *text, vonk_buf *answer, vonk_error *err)
{
    char kind[4];
    VONK_TRY(read_frame(b, text, sizeof b->secret, err));
    const bool good = same_secret(vonk_buf_str(text), vonk__rdd_barrier_secret(b));
    const vonk_str said = good ? VONK_STR("\0\0\0\2ok") : VONK_STR("\0\0\0\3err");
    VONK_TRY(vonk_socket_write_all_wait(b->fd, said.data, said.len, TALK_S * VONK_NS_PER_S, err));
    if (!good) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a wrong secret at a barrier");
    VONK_TRY(vonk_socket_read_exact_wait(b->fd, kind, sizeof kind, TALK_S * VONK_NS_PER_S, err));
    vonk_buf_reset(text);
    if (vonk__be32(kind) == ALL_GATHER) VONK_TRY(read_frame(b, text, MOST_MESSAGE_BYTES, err));
    vonk_buf_reset(answer);
    VONK_TRY(vonk_buf_append(answer, "\0\0\0", 4, err)); /* the number comes when it is known */
    if (vonk__be32(kind) == ALL_GATHER) {
        VONK_TRY(meet_others(b, vonk_buf_str(text), answer, err));
        vonk__put_be32(answer->data, (int32_t)b->task->n_tasks);
    } else {
        VONK_TRY(meet_others(b, VONK_STR_NONE, NULL, err));
        VONK_TRY(vonk_buf_append(answer, "\0\0\0\7success", 11, err));
        vonk__put_be32(answer->data, 1);
    }
    return vonk_socket_write_all_wait(b->fd, answer->data, answer->len, TALK_S * VONK_NS_PER_S, err);
}

static void serve(rdd_barrier *b, int fd)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0}, answer = {0};
    vonk_buf_init(&text, b->task->budget, SIZE_MAX);
    vonk_buf_init(&answer, b->task->budget, SIZE_MAX);
    vonk_mutex_lock(&b->lock);
    b->fd = fd;
    vonk_mutex_unlock(&b->lock);
    /* What went wrong the worker sees as the end of its connection only. */
    const vonk_status st = answer_question(b, &text, &answer, &err);
    if (st != VONK_OK) vonk_log(VONK_LOG_DEBUG, "barrier", "%s", vonk_error_message(&err));
    vonk_mutex_lock(&b->lock);
    if (st != VONK_OK && !b->is_closing && b->why.cls == VONK_OK) vonk_error_move(&b->why, &err);
    b->fd = -1;
    vonk_mutex_unlock(&b->lock);
    vonk_socket_close(fd);
}

static void run(void *self)
{
    rdd_barrier *b = self;
    while (!is_closing(b)) {
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        int fd = -1;
        if (!vonk_socket_wait_readable(b->listener, LOOK_MS * VONK_NS_PER_MS)) continue;
        if (vonk_socket_accept(b->listener, &fd, NULL, &err) != VONK_OK) vonk_clock_sleep_ns(LOOK_MS * VONK_NS_PER_MS);
        if (fd >= 0) serve(b, fd);
    }
}

/* ---- life */

vonk_status vonk__rdd_barrier_open(vonk_task *task, rdd_barrier **ret, vonk_error *err)
{
    VONK_AUTO(vonk__rdd_barrier_close) rdd_barrier *b = NULL;
    uint8_t bytes[32];
    VONK_TRY(VONK_NEW(task->budget, &b, err));
    b->task = task;
    b->listener = b->fd = -1;
    vonk_mutex_init(&b->lock);
    vonk_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) vonk_format(b->secret + 2 * i, 3, "%02x", bytes[i]);
    VONK_TRY(vonk_socket_listen(VONK_STR("127.0.0.1"), 0, &b->listener, &b->port, err));
    vonk_format(b->port_text, sizeof b->port_text, "%u", b->port);
    VONK_TRY(vonk_thread_start(task->budget, "barrier", VONK_STACK_ENGINE, run, b, &b->thread, err));
    *ret = VONK_STEAL(b);
    return VONK_OK;
}

bool vonk__rdd_barrier_failed(rdd_barrier *b, vonk_error *err)
{
    VONK_LOCKED(&b->lock);
    if (b->why.cls == VONK_OK) return false;
    vonk_error_reset(err);
    vonk_error_move(err, &b->why);
    return true;
}

void vonk__rdd_barrier_close(rdd_barrier *b)
{
    if (!b) return;
    vonk_mutex_lock(&b->lock);
    b->is_closing = true;
    const bool waits = b->is_waiting;
    if (b->fd >= 0) vonk_socket_shutdown(b->fd);
    vonk_mutex_unlock(&b->lock);
    if (waits) vonk_task_break_barrier(b->task); /* the worker has ended while it waited for the others */
    vonk_thread_join(b->thread);
    vonk_socket_close(b->listener);
    vonk_error_reset(&b->why);
    vonk_mutex_done(&b->lock);
    vonk_free(b);
}
