/* exec/python_barrier.c -- rounds of a barrier: every task connects, says what it wants, and is answered when all have.
 */
#include "exec/python_barrier.h"

#include "base/arena.h"
#include "base/buf.h"
#include "sys/entropy.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/sockets.h"
#include "sys/thread.h"

enum { BARRIER = 1, ALL_GATHER = 2, MOST_MESSAGE_BYTES = 16 << 20 };
#define WAIT_NS ((int64_t)10000000000) /* for a question that has begun, and for the answer to go */

typedef struct barrier_task {
    python_barrier *barrier;
    vonk_watch listener;
    vonk_str path;
    int asker; /* -1: it has not asked yet */
    int32_t wants;
    vonk_buf message;
} barrier_task;

struct python_barrier {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_loop *loop;
    vonk_thread *thread;
    uint32_t n_tasks, n_asked;
    barrier_task *tasks;
    vonk_mutex lock;
    vonk_error why; /* under the lock: what failed first */
};

static void keep(python_barrier *b, vonk_error *why)
{
    VONK_LOCKED(&b->lock);
    if (b->why.cls == VONK_OK)
        vonk_error_move(&b->why, why);
    else
        vonk_error_reset(why);
}

static uint32_t be32(const char bytes[4])
{
    uint32_t v;
    memcpy(&v, bytes, 4);
    return __builtin_bswap32(v);
}

static vonk_status put_frame(vonk_buf *out, vonk_str text, vonk_error *err)
{
    const uint32_t length = __builtin_bswap32(vonk_u32_of(text.len));
    VONK_TRY(vonk_buf_append(out, &length, sizeof length, err));
    return vonk_buf_add_str(out, text, err);
}

/* ---- a question */

static vonk_status read_question(barrier_task *task, vonk_error *err)
{
    char number[4], *to = NULL;
    VONK_TRY(vonk_socket_read_exact_wait(task->asker, number, sizeof number, WAIT_NS, err));
    task->wants = (int32_t)be32(number);
    vonk_buf_reset(&task->message);
    if (task->wants != ALL_GATHER) return VONK_OK;
    VONK_TRY(vonk_socket_read_exact_wait(task->asker, number, sizeof number, WAIT_NS, err));
    const uint32_t length = be32(number);
    if (length > MOST_MESSAGE_BYTES)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "messages of more than 16 MiB in allGather");
    VONK_TRY(vonk_buf_extend(&task->message, length, &to, err));
    return length ? vonk_socket_read_exact_wait(task->asker, to, length, WAIT_NS, err) : VONK_OK;
}

/* ---- the answer, when all have asked the same */

static vonk_status make_answer(const python_barrier *b, vonk_buf *out, vonk_error *err)
{
    const bool gathers = b->tasks[0].wants == ALL_GATHER;
    const uint32_t n = __builtin_bswap32(gathers ? b->n_tasks : 1);
    VONK_TRY(vonk_buf_append(out, &n, sizeof n, err));
    if (!gathers) return put_frame(out, VONK_STR("success"), err);
    for (uint32_t i = 0; i < b->n_tasks; i++) VONK_TRY(put_frame(out, vonk_buf_str(&b->tasks[i].message), err));
    return VONK_OK;
}

static void end_round(python_barrier *b)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf answer = {0};
    bool is_one = true;
    vonk_buf_init(&answer, b->budget, SIZE_MAX);
    for (uint32_t i = 0; i < b->n_tasks; i++) is_one &= b->tasks[i].wants == b->tasks[0].wants;
    const bool is_made = is_one && make_answer(b, &answer, &err) == VONK_OK; /* else they see the end */
    if (is_one && !is_made) keep(b, &err);
    for (uint32_t i = 0; i < b->n_tasks; i++) {
        barrier_task *task = &b->tasks[i];
        if (is_made && vonk_socket_write_all_wait(task->asker, answer.data, answer.len, WAIT_NS, &err) != VONK_OK)
            keep(b, &err);
        vonk_socket_close(task->asker);
        task->asker = -1;
    }
    b->n_asked = 0;
}

static void on_call(void *self, unsigned events)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    barrier_task *task = self;
    char peer[64];
    int fd = -1;
    (void)events;
    if (vonk_socket_accept(task->listener.fd, &fd, peer, &err) != VONK_OK) keep(task->barrier, &err);
    if (fd < 0) return;
    if (task->asker >= 0) { /* it asks once a round */
        vonk_socket_close(fd);
        return;
    }
    task->asker = fd;
    if (read_question(task, &err) != VONK_OK) {
        keep(task->barrier, &err);
        vonk_socket_close(task->asker);
        task->asker = -1;
        return;
    }
    if (++task->barrier->n_asked == task->barrier->n_tasks) end_round(task->barrier);
}

/* ---- life */

static void run(void *self)
{
    vonk_error err = VONK_ERROR_INIT;
    python_barrier *b = self;
    if (vonk_loop_run(b->loop, &err) != VONK_OK)
        vonk_error_reset(&err); /* a broken epoll: tasks wait until they are killed */
}

static vonk_status listen_for(python_barrier *b, uint32_t i, vonk_str folder, const char *name, vonk_error *err)
{
    barrier_task *task = &b->tasks[i];
    int fd = -1;
    task->barrier = b;
    VONK_TRY(vonk_arena_printf(b->arena, &task->path, err, "%.*s/.%.8s-%u", VONK_STR_ARGS(folder), name, i));
    VONK_TRY(vonk_socket_listen_unix(task->path, &fd, err));
    task->listener = (vonk_watch){.ready = on_call, .self = task};
    const vonk_status st = vonk_loop_watch(b->loop, &task->listener, fd, VONK_WATCH_READ, err);
    if (st != VONK_OK) vonk_socket_close(fd);
    return st;
}

static vonk_status start(python_barrier *b, vonk_str folder, vonk_error *err)
{
    char name[37];
    VONK_TRY(vonk_arena_new(b->budget, &b->arena, err));
    VONK_TRY(vonk_arena_array(b->arena, b->n_tasks, sizeof *b->tasks, &b->tasks, err));
    for (uint32_t i = 0; i < b->n_tasks; i++) {
        b->tasks[i].asker = b->tasks[i].listener.fd = -1;
        vonk_buf_init(&b->tasks[i].message, b->budget, SIZE_MAX);
    }
    VONK_TRY(vonk_loop_new(b->budget, &b->loop, err));
    vonk_random_uuid(name);
    for (uint32_t i = 0; i < b->n_tasks; i++) VONK_TRY(listen_for(b, i, folder, name, err));
    return vonk_thread_start(b->budget, "vonk-barrier", VONK_STACK_ENGINE, run, b, &b->thread, err);
}

vonk_status vonk__python_barrier_new(vonk_budget *budget, vonk_str folder, uint32_t n_tasks, python_barrier **ret,
                                     vonk_error *err)
{
    python_barrier *b = NULL;
    VONK_TRY(VONK_NEW(budget, &b, err));
    b->budget = budget;
    b->n_tasks = n_tasks;
    vonk_mutex_init(&b->lock);
    const vonk_status st = start(b, folder, err);
    if (st == VONK_OK)
        *ret = b;
    else
        vonk__python_barrier_free(b);
    return st;
}

static void task_done(barrier_task *task)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const int fd = task->listener.fd;
    if (task->listener.loop) vonk_loop_unwatch(&task->listener);
    vonk_socket_close(fd);
    vonk_socket_close(task->asker);
    vonk_buf_done(&task->message);
    if (task->path.len && vonk_file_remove(task->path, NULL, &err) != VONK_OK) vonk_error_reset(&err);
}

void vonk__python_barrier_free(python_barrier *b)
{
    if (!b) return;
    if (b->thread) {
        vonk_loop_stop(b->loop);
        vonk_thread_join(b->thread);
    }
    for (uint32_t i = 0; b->tasks && i < b->n_tasks; i++) task_done(&b->tasks[i]);
    vonk_loop_free(b->loop);
    vonk_arena_free(b->arena);
    vonk_error_reset(&b->why);
    vonk_mutex_done(&b->lock);
    vonk_free(b);
}

bool vonk__python_barrier_failed(python_barrier *b, vonk_error *err)
{
    VONK_LOCKED(&b->lock);
    if (b->why.cls == VONK_OK) return false;
    vonk_error_reset(err);
    vonk_error_copy(err, &b->why);
    return true;
}

vonk_str vonk__python_barrier_socket(const python_barrier *b, uint32_t task) { return b->tasks[task].path; }
