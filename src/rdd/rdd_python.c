/* rdd/rdd_python.c -- functions of Python over partitions: what the parent
 * pushes goes to a worker, what the worker answers is pushed on, by one thread.
 * Input is never pressed on a worker that waits for us to take its answers. */
#include "rdd/rdd_barrier.h"
#include "rdd/rdd_int.h"

enum { SEND_FROM_BYTES = 64 << 10 };
#define WAIT_NS ((int64_t)100000000) /* then it is looked whether the job was cancelled */

/* ---- making: a copy of all that the driver said */

static vonk_status copy_strs(vonk_arena *arena, const vonk_str *from, uint32_t n, const vonk_str **ret, vonk_error *err)
{
    vonk_str *to = NULL;
    VONK_TRY(vonk_arena_array(arena, n, sizeof *to, &to, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_arena_str(arena, from[i], &to[i], err));
    *ret = to;
    return VONK_OK;
}

static vonk_status copy_function(vonk_arena *arena, const vonk_rdd_python *from, vonk_rdd_python **ret, vonk_error *err)
{
    vonk_rdd_python *to = NULL;
    uint64_t *ids = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &to, err));
    *to = *from;
    VONK_TRY(vonk_arena_str(arena, from->command, &to->command, err));
    VONK_TRY(vonk_arena_str(arena, from->python_version, &to->python_version, err));
    VONK_TRY(vonk_arena_str(arena, from->env.executable, &to->env.executable, err));
    VONK_TRY(vonk_arena_str(arena, from->env.module, &to->env.module, err));
    VONK_TRY(vonk_arena_str(arena, from->env.daemon, &to->env.daemon, err));
    VONK_TRY(vonk_arena_str(arena, from->env.folder, &to->env.folder, err));
    VONK_TRY(copy_strs(arena, from->env.vars, from->env.n_vars, &to->env.vars, err));
    VONK_TRY(copy_strs(arena, from->includes, from->n_includes, &to->includes, err));
    VONK_TRY(vonk_arena_array(arena, from->n_broadcasts, sizeof *ids, &ids, err));
    if (from->n_broadcasts) memcpy(ids, from->broadcasts, from->n_broadcasts * sizeof *ids);
    to->broadcasts = ids;
    *ret = to;
    return VONK_OK;
}

vonk_status vonk_rdd_python_map(vonk_rdd *parent, const vonk_rdd_python *function, bool preserves_partitioning,
                                bool barrier, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    const vonk_status made =
        vonk__rdd_new(parent->context, VONK_RDD_PYTHON, &parent, 1, "RDD at PythonRDD.scala:59", &rdd, err);
    if (made != VONK_OK && function->held) function->let_go(function->held);
    VONK_TRY(made);
    if (function->held) VONK_TRY(vonk_arena_on_free(rdd->arena, function->let_go, function->held, err));
    VONK_TRY(copy_function(rdd->arena, function, &rdd->python, err));
    rdd->barrier = barrier;
    rdd->n_partitions = parent->n_partitions;
    rdd->has_partitioner = preserves_partitioning && parent->has_partitioner;
    rdd->partitioner_id = parent->partitioner_id;
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

/* ---- computing */

typedef struct talk {
    vonk_task *task;
    vonk_py_task *py;
    vonk_rdd_sink *to;
    vonk_buf record;
    bool enough, done;
} talk;

static vonk_status put_answer(talk *t, vonk_buffer *bytes, vonk_error *err)
{
    char *to = NULL;
    if (t->enough) return VONK_OK;
    vonk_buf_reset(&t->record);
    VONK_TRY(vonk_buf_extend(&t->record, 4 + bytes->bytes, &to, err));
    vonk__put_be32(to, (int32_t)bytes->bytes);
    if (bytes->bytes) memcpy(to + 4, bytes->data, bytes->bytes);
    return t->to->put(t->to->self, vonk_buf_str(&t->record), &t->enough, err);
}

/* Pushes on what the worker has answered by now. */
static vonk_status take_answers(talk *t, vonk_error *err)
{
    while (!t->done && !t->enough) {
        vonk_py_event event = {.kind = VONK_PY_NOTHING};
        VONK_TRY(vonk_py_task_next(t->py, &event, err));
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *bytes = event.bytes;
        if (event.kind == VONK_PY_NOTHING) return VONK_OK;
        if (event.kind == VONK_PY_DONE) t->done = true;
        if (event.kind == VONK_PY_FRAME) VONK_TRY(put_answer(t, bytes, err));
    }
    return VONK_OK;
}

static vonk_status wait(talk *t, bool to_write, vonk_error *err)
{
    while (!vonk_py_task_wait(t->py, to_write, WAIT_NS))
        if (vonk_task_cancelled(t->task)) break;
    if (!vonk_task_cancelled(t->task)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", t->task->job), "reason", "");
}

/* Sends until the worker has taken all of it, and takes what it answers
 * meanwhile. */
static vonk_status send(talk *t, vonk_error *err)
{
    while (!t->done && !t->enough) {
        size_t left = 0;
        VONK_TRY(vonk_py_task_send(t->py, &left, err));
        VONK_TRY(take_answers(t, err));
        if (!left) return VONK_OK;
        if (!t->done && !t->enough) VONK_TRY(wait(t, true, err));
    }
    return VONK_OK;
}

static vonk_status talk_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    talk *t = self;
    vonk_buf *out = vonk_py_task_out(t->py);
    VONK_TRY(vonk_buf_add_str(out, record, err));
    if (out->len >= SEND_FROM_BYTES) VONK_TRY(send(t, err));
    *ret_enough = t->done || t->enough; /* a worker that is done wants no more: take() */
    return VONK_OK;
}

static vonk_status finish(talk *t, vonk_error *err)
{
    if (!t->done && !t->enough) VONK_TRY(vonk_py_task_end_input(t->py, err));
    VONK_TRY(send(t, err));
    while (!t->done && !t->enough) {
        VONK_TRY(take_answers(t, err));
        if (!t->done && !t->enough) VONK_TRY(wait(t, false, err));
    }
    if (!t->done) return VONK_OK;
    const vonk_py_report *report = vonk_py_task_report(t->py);
    for (uint32_t i = 0; i < report->n_accumulators; i++) {
        const vonk_buffer *b = report->accumulators[i];
        VONK_TRY(vonk_task_accumulate(t->task, (vonk_str){(const char *)b->data, b->bytes}, err));
    }
    return VONK_OK;
}

/* Where the tasks of a barrier stage run: all here. */
static vonk_status addresses(const vonk_task *task, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    enum { EACH = 12 };
    char *text = NULL;
    VONK_TRY(vonk_arena_alloc(arena, (size_t)task->n_tasks * EACH + 1, &text, err));
    for (uint32_t i = 0; i < task->n_tasks; i++) memcpy(text + (size_t)i * EACH, "localhost:0,", EACH);
    *ret = (vonk_str){text, task->n_tasks ? (size_t)task->n_tasks * EACH - 1 : 0};
    return VONK_OK;
}

static vonk_status fill_request(vonk_rdd *rdd, vonk_task *task, vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    const vonk_rdd_python *f = rdd->python;
    vonk_py_pair *properties = NULL;
    vonk_py_broadcast *broadcasts = NULL;
    uint32_t n_properties = task->n_properties;
    VONK_TRY(vonk_arena_array(arena, n_properties + 1, sizeof *properties, &properties, err));
    for (uint32_t i = 0; i < n_properties; i++)
        properties[i] = (vonk_py_pair){task->properties[i].key, task->properties[i].value};
    if (task->barrier) {
        properties[n_properties].key = VONK_STR("addresses");
        VONK_TRY(addresses(task, arena, &properties[n_properties++].value, err));
    }
    VONK_TRY(vonk_arena_array(arena, f->n_broadcasts, sizeof *broadcasts, &broadcasts, err));
    for (uint32_t i = 0; i < f->n_broadcasts; i++) {
        broadcasts[i].id = (int64_t)f->broadcasts[i];
        VONK_TRY(vonk_rdd_broadcast_path(rdd->context, f->broadcasts[i], arena, &broadcasts[i].path, err));
    }
    *r = (vonk_py_request){.eval = VONK_PY_PLAIN,
                           .python_version = f->python_version,
                           .stage = (int32_t)task->stage,
                           .partition = (int32_t)task->partition,
                           .attempt = (int32_t)task->attempt,
                           .cpus = (int32_t)rdd->context->env.task_cpus,
                           .task_id = (int64_t)task->task_id,
                           .properties = properties,
                           .n_properties = n_properties,
                           .barrier = task->barrier,
                           .files_folder = rdd->context->env.files_folder,
                           .includes = f->includes,
                           .n_includes = f->n_includes,
                           .broadcasts = broadcasts,
                           .n_broadcasts = f->n_broadcasts,
                           .command = f->command};
    return VONK_OK;
}

vonk_status vonk__rdd_compute_python(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk__rdd_barrier_close) rdd_barrier *barrier = NULL; /* ends after the worker */
    VONK_AUTO(vonk_py_task_free) vonk_py_task *py = NULL;
    vonk_py_request request;
    vonk_py_env env = rdd->python->env;
    talk t = {.task = task, .to = sink};
    vonk_rdd_sink own = {.self = &t, .put = talk_put};
    VONK_TRY(vonk_arena_new(task->budget, &arena, err));
    VONK_TRY(fill_request(rdd, task, arena, &request, err));
    request.partition = (int32_t)partition;
    if (task->barrier) {
        VONK_TRY(vonk__rdd_barrier_open(task, &barrier, err));
        request.barrier_socket = vonk__rdd_barrier_port(barrier);
        request.barrier_secret = vonk__rdd_barrier_secret(barrier);
    }
    /* Below this task others of Python may compute what it reads, and tasks of a barrier wait for each other. */
    env.owner = rdd->context;
    VONK_TRY(vonk_py_task_start(rdd->context->env.pool, &env, &request, task->budget, &py, err));
    t.py = py;
    vonk_buf_init(&t.record, task->budget, SIZE_MAX);
    vonk_status st = vonk_rdd_compute(rdd->parents[0], partition, task, &own, err);
    if (st == VONK_OK) st = finish(&t, err);
    vonk_buf_done(&t.record);
    /* The worker raises what the end of its connection raises: the user is told why it ended. */
    if (st == VONK_E_PYTHON_EXCEPTION && barrier && vonk__rdd_barrier_failed(barrier, err)) st = err->cls;
    return st;
}
