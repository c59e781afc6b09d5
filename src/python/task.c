/* python/task.c -- a task: the request when the worker's version is known, then its answers, piece by piece. */
#include "python/task.h"

#include "codec/ipc.h"
#include "python/pool_int.h"
#include "python/protocol_int.h"

enum { MOST_ACCUMULATORS = 1 << 20 };
#define MOST_MESSAGE_BYTES ((size_t)1 << 40)

/* What the next bytes of the answer are. */
typedef enum phase {
    AT_MARK,
    AT_FRAME,
    AT_ARROW,
    AT_TIMES,
    AT_TRACEBACK_LENGTH,
    AT_TRACEBACK,
    AT_N_ACCUMULATORS,
    AT_ACCUMULATOR_LENGTH,
    AT_ACCUMULATOR,
    AT_END,
    AT_DONE
} phase;

struct vonk_py_task {
    vonk_budget *budget;
    vonk_py_worker *worker; /* NULL: done */
    vonk_py_eval eval;
    vonk_py_version version;
    vonk_arena *arena; /* of the request, until it is encoded; NULL then */
    vonk_py_request request;
    vonk_buf unwanted; /* input after the end */
    phase phase;
    size_t length; /* of the piece that is read now */
    vonk_buf head; /* of an Arrow message: as much as says how long it is */
    size_t n_head;
    vonk_buffer *message;
    size_t n_message;
    uint32_t n_times, n_accumulators;
    vonk_py_report report;
    VONK_VEC(vonk_buffer *) accumulators;
};

/* ---- the request, kept until the worker is known */

static vonk_status copy_text(vonk_arena *arena, vonk_str *inout, vonk_error *err)
{
    return vonk_arena_str(arena, *inout, inout, err);
}

static vonk_status copy_texts(vonk_arena *arena, const vonk_str **inout, uint32_t n, vonk_error *err)
{
    vonk_str *made;
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *made, &made, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_arena_str(arena, (*inout)[i], &made[i], err));
    *inout = made;
    return VONK_OK;
}

static vonk_status copy_pairs(vonk_arena *arena, const vonk_py_pair **inout, uint32_t n, vonk_error *err)
{
    vonk_py_pair *made;
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *made, &made, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(vonk_arena_str(arena, (*inout)[i].key, &made[i].key, err));
        VONK_TRY(vonk_arena_str(arena, (*inout)[i].value, &made[i].value, err));
    }
    *inout = made;
    return VONK_OK;
}

static vonk_status copy_args(vonk_arena *arena, const vonk_py_arg **inout, uint32_t n, vonk_error *err)
{
    vonk_py_arg *made;
    VONK_TRY(vonk_arena_array(arena, n + 1, sizeof *made, &made, err));
    for (uint32_t i = 0; i < n; i++) {
        made[i] = (*inout)[i];
        VONK_TRY(copy_text(arena, &made[i].name, err));
    }
    *inout = made;
    return VONK_OK;
}

static vonk_status copy_udfs(vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    vonk_py_udf *made;
    VONK_TRY(vonk_arena_array(arena, r->n_udfs + 1, sizeof *made, &made, err));
    for (uint32_t i = 0; i < r->n_udfs; i++) {
        made[i] = r->udfs[i];
        VONK_TRY(copy_args(arena, &made[i].args, made[i].n_args, err));
        VONK_TRY(copy_texts(arena, &made[i].commands, made[i].n_commands, err));
    }
    r->udfs = made;
    return VONK_OK;
}

static vonk_status copy_udtf(vonk_arena *arena, const vonk_py_udtf **inout, vonk_error *err)
{
    vonk_py_udtf *made;
    int32_t *columns;
    if (!*inout) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(arena, &made, err));
    *made = **inout;
    VONK_TRY(copy_args(arena, &made->args, made->n_args, err));
    VONK_TRY(vonk_arena_array(arena, made->n_partition_columns + 1, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < made->n_partition_columns; i++) columns[i] = made->partition_columns[i];
    made->partition_columns = columns;
    VONK_TRY(copy_text(arena, &made->analyze_result, err));
    VONK_TRY(copy_text(arena, &made->handler, err));
    VONK_TRY(copy_text(arena, &made->return_type, err));
    VONK_TRY(copy_text(arena, &made->name, err));
    *inout = made;
    return VONK_OK;
}

static vonk_status copy_broadcasts(vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    vonk_py_broadcast *made;
    VONK_TRY(vonk_arena_array(arena, r->n_broadcasts + 1, sizeof *made, &made, err));
    for (uint32_t i = 0; i < r->n_broadcasts; i++) {
        made[i].id = r->broadcasts[i].id;
        VONK_TRY(vonk_arena_str(arena, r->broadcasts[i].path, &made[i].path, err));
    }
    r->broadcasts = made;
    return VONK_OK;
}

static vonk_status copy_request(vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    vonk_str *const texts[] = {&r->python_version, &r->barrier_socket, &r->barrier_secret,
                               &r->resources_json, &r->files_folder,   &r->command};
    for (size_t i = 0; i < VONK_COUNTOF(texts); i++) VONK_TRY(copy_text(arena, texts[i], err));
    VONK_TRY(copy_pairs(arena, &r->properties, r->n_properties, err));
    VONK_TRY(copy_pairs(arena, &r->runner_conf, r->n_runner_conf, err));
    VONK_TRY(copy_pairs(arena, &r->eval_conf, r->n_eval_conf, err));
    VONK_TRY(copy_texts(arena, &r->includes, r->n_includes, err));
    VONK_TRY(copy_broadcasts(arena, r, err));
    VONK_TRY(copy_udfs(arena, r, err));
    return copy_udtf(arena, &r->udtf, err);
}

/* ---- broadcasts: a worker that is used again keeps those that it has, and forgets those that nobody wants */

static bool has_broadcast(const py_conn *conn, int64_t id)
{
    for (size_t i = 0; i < conn->broadcasts.n; i++)
        if (conn->broadcasts.at[i] == id) return true;
    return false;
}

static bool wants_broadcast(const vonk_py_request *r, int64_t id)
{
    for (uint32_t i = 0; i < r->n_broadcasts; i++)
        if (r->broadcasts[i].id == id) return true;
    return false;
}

static vonk_status change_broadcasts(vonk_py_task *task, vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    vonk_py_pool *pool = task->worker->pool;
    py_conn *conn = task->worker->conn;
    vonk_py_broadcast *changes;
    uint32_t n = 0;
    VONK_TRY(vonk_arena_array(arena, conn->broadcasts.n + r->n_broadcasts + 1, sizeof *changes, &changes, err));
    for (size_t i = 0; i < conn->broadcasts.n;) {
        const int64_t id = conn->broadcasts.at[i];
        if (wants_broadcast(r, id)) {
            i++;
            continue;
        }
        changes[n++].id = -id - 1;
        conn->broadcasts.at[i] = conn->broadcasts.at[--conn->broadcasts.n];
    }
    for (uint32_t i = 0; i < r->n_broadcasts; i++) {
        if (has_broadcast(conn, r->broadcasts[i].id)) continue;
        changes[n++] = r->broadcasts[i];
        VONK_TRY(VONK_VEC_PUSH(&conn->broadcasts, pool->budget, r->broadcasts[i].id, err));
    }
    r->broadcasts = changes;
    r->n_broadcasts = n;
    return VONK_OK;
}

/* In front of what is in `out` already. */
static vonk_status encode(vonk_py_task *task, vonk_arena *arena, vonk_py_request *request, vonk_error *err)
{
    vonk_buf *out = vonk_py_worker_out(task->worker);
    const vonk_py_version version = task->version = vonk_py_worker_version(task->worker);
    VONK_TRY(change_broadcasts(task, arena, request, err));
    if (out->len == 0) return vonk_py_request_encode(version, request, out, err);
    VONK_AUTO(vonk_buf_done) vonk_buf head = {0};
    vonk_buf_init(&head, task->budget, SIZE_MAX);
    VONK_TRY(vonk_py_request_encode(version, request, &head, err));
    VONK_TRY(vonk_buf_reserve(out, head.len, err));
    memmove(out->data + head.len, out->data, out->len);
    memcpy(out->data, head.data, head.len);
    out->len += head.len;
    return VONK_OK;
}

/* *ret false: the worker is not there yet. */
static vonk_status encode_if_ready(vonk_py_task *task, bool *ret, vonk_error *err)
{
    *ret = true;
    if (!task->arena) return VONK_OK;
    VONK_TRY(vonk_py_worker_ready(task->worker, ret, err));
    if (!*ret) return VONK_OK;
    VONK_TRY(encode(task, task->arena, &task->request, err));
    vonk_arena_free(task->arena);
    task->arena = NULL;
    return VONK_OK;
}

/* ---- life */

vonk_status vonk_py_task_start(vonk_py_pool *pool, const vonk_py_env *env, const vonk_py_request *request,
                               vonk_budget *budget, vonk_py_task **ret, vonk_error *err)
{
    VONK_AUTO(vonk_py_task_free) vonk_py_task *task = NULL;
    bool is_there = false;
    VONK_TRY(VONK_NEW(budget, &task, err));
    task->budget = budget;
    task->eval = request->eval;
    task->request = *request;
    vonk_buf_init(&task->unwanted, budget, SIZE_MAX);
    vonk_buf_init(&task->head, budget, SIZE_MAX);
    VONK_TRY(vonk_arena_new(budget, &task->arena, err));
    VONK_TRY(vonk_py_worker_take(pool, env, budget, &task->worker, err));
    VONK_TRY(vonk_py_worker_ready(task->worker, &is_there, err));
    if (!is_there) VONK_TRY(copy_request(task->arena, &task->request, err));
    VONK_TRY(encode_if_ready(task, &is_there, err));
    *ret = VONK_STEAL(task);
    return VONK_OK;
}

void vonk_py_task_free(vonk_py_task *task)
{
    if (!task) return;
    if (task->worker) vonk_py_worker_give(task->worker, false);
    for (size_t i = 0; i < task->accumulators.n; i++) vonk_buffer_unref(task->accumulators.at[i]);
    vonk_free(task->accumulators.at);
    vonk_buffer_unref(task->message);
    vonk_buf_done(&task->head);
    vonk_buf_done(&task->unwanted);
    vonk_arena_free(task->arena);
    vonk_free(task);
}

int32_t vonk_py_task_pid(const vonk_py_task *task) { return task->worker ? vonk_py_worker_pid(task->worker) : 0; }

vonk_status vonk_py_task_version(vonk_py_task *task, bool *ret_known, vonk_py_version *ret, vonk_error *err)
{
    if (task->worker) {
        VONK_TRY(vonk_py_worker_ready(task->worker, ret_known, err));
        if (*ret_known) task->version = vonk_py_worker_version(task->worker);
    } else {
        *ret_known = true;
    }
    *ret = task->version;
    return VONK_OK;
}

/* ---- input */

vonk_buf *vonk_py_task_out(vonk_py_task *task)
{
    return task->worker ? vonk_py_worker_out(task->worker) : &task->unwanted;
}

vonk_status vonk_py_task_send(vonk_py_task *task, size_t *ret_left, vonk_error *err)
{
    bool is_there = false;
    *ret_left = 0;
    if (!task->worker) {
        vonk_buf_reset(&task->unwanted);
        return VONK_OK;
    }
    VONK_TRY(encode_if_ready(task, &is_there, err));
    if (is_there) return vonk_py_worker_send(task->worker, ret_left, err);
    *ret_left = vonk_py_worker_out(task->worker)->len; /* it may be there now: input must not go before the request */
    return VONK_OK;
}

vonk_status vonk_py_task_end_input(vonk_py_task *task, vonk_error *err)
{
    vonk_buf *out = vonk_py_task_out(task);
    bool is_known = false;
    vonk_py_version version;
    switch (vonk_py_shape_of(task->eval)) {
    case VONK_PY_SHAPE_FRAMES:
    case VONK_PY_SHAPE_PICKLES: VONK_TRY(vonk_py_mark(out, PY_END_OF_DATA, err)); break;
    case VONK_PY_SHAPE_GROUPS:
        VONK_TRY(vonk_py_task_version(task, &is_known, &version, err));
        if (!is_known || version >= VONK_PY_4_1) VONK_TRY(vonk_py_mark(out, 0, err));
        break;
    case VONK_PY_SHAPE_COGROUPS: VONK_TRY(vonk_py_mark(out, 0, err)); break;
    case VONK_PY_SHAPE_ARROW:
    case VONK_PY_SHAPE_STATE: break; /* the stream has ended itself */
    }
    return vonk_py_mark(out, PY_END_OF_STREAM, err);
}

/* ---- answers */

static vonk_status garbage(const vonk_py_task *task, const char *what, int64_t number, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_PYTHON_WORKER_GARBAGE, "message",
                     VONK_F("the answer of the Python worker (process %d) cannot be read: %s %lld",
                            vonk_py_worker_pid(task->worker), what, (long long)number));
}

static bool is_framed(const vonk_py_task *task)
{
    const vonk_py_shape shape = vonk_py_shape_of(task->eval);
    return shape == VONK_PY_SHAPE_FRAMES || shape == VONK_PY_SHAPE_PICKLES;
}

static vonk_status take_mark(vonk_py_task *task, int32_t mark, vonk_error *err)
{
    switch (mark) {
    case PY_END_OF_DATA: task->phase = AT_N_ACCUMULATORS; return VONK_OK;
    case PY_EXCEPTION: task->phase = AT_TRACEBACK_LENGTH; return VONK_OK;
    case PY_TIMES: task->phase = AT_TIMES; return VONK_OK;
    case PY_START_OF_ARROW:
        if (is_framed(task)) break;
        task->phase = AT_ARROW;
        return VONK_OK;
    default:
        if (mark < 0 || !is_framed(task)) break;
        task->length = (size_t)mark;
        task->phase = AT_FRAME;
        return VONK_OK;
    }
    return garbage(task, "a piece of it begins with the number", mark, err);
}

static vonk_status take_length(vonk_py_task *task, int32_t length, phase next, vonk_error *err)
{
    if (length < 0) return garbage(task, "a length of", length, err);
    task->length = (size_t)length;
    task->phase = next;
    return VONK_OK;
}

static vonk_status take_accumulators(vonk_py_task *task, int32_t n, vonk_error *err)
{
    if (n < 0 || n > MOST_ACCUMULATORS) return garbage(task, "a number of accumulators of", n, err);
    task->n_accumulators = (uint32_t)n;
    task->phase = n ? AT_ACCUMULATOR_LENGTH : AT_END;
    return VONK_OK;
}

/* Boot, init, finish, from 4.2 on the time of processing, then memory and disk. */
static void take_time(vonk_py_task *task, int64_t value)
{
    vonk_py_report *r = &task->report;
    int64_t *const places[] = {
        &r->boot_ms, &r->init_ms, &r->finish_ms, &r->processing_ms, &r->memory_spilled_bytes, &r->disk_spilled_bytes};
    const bool has_processing = vonk_py_worker_version(task->worker) >= VONK_PY_4_2;
    *places[task->n_times] = value;
    task->n_times++;
    if (task->n_times == 3 && !has_processing) {
        r->processing_ms = r->finish_ms - r->init_ms;
        task->n_times++;
    }
    if (task->n_times == VONK_COUNTOF(places)) task->phase = AT_MARK;
}

static vonk_status raise_exception(vonk_py_task *task, const vonk_buffer *traceback, vonk_error *err)
{
    char *text;
    const vonk_str bytes = {(const char *)traceback->data, traceback->bytes};
    task->phase = AT_MARK; /* what comes then is its end */
    VONK_TRY(vonk_strdup(task->budget, bytes, &text, err));
    const vonk_status st = VONK_FAIL(err, VONK_E_PYTHON_EXCEPTION, "msg", "a function raised this in its Python worker",
                                     "traceback", text);
    vonk_free(text);
    return st;
}

/* *ret NULL: not there yet. Its end: ret_ended. */
static vonk_status read_message(vonk_py_task *task, vonk_buffer **ret, bool *ret_ended, vonk_error *err)
{
    size_t wanted = 0;
    bool is_whole = false, is_there = true;
    *ret = NULL;
    while (!task->message) {
        VONK_TRY(vonk_ipc_measure(task->head.data, task->n_head, MOST_MESSAGE_BYTES, "Python worker", &wanted,
                                  &is_whole, err));
        if (is_whole) {
            VONK_TRY(vonk_buffer_new(task->budget, wanted, &task->message, err));
            memcpy(task->message->data, task->head.data, task->n_head);
            task->n_message = task->n_head;
            *ret_ended = wanted == task->n_head && wanted <= 8;
            break;
        }
        char *more;
        if (wanted > task->head.len) VONK_TRY(vonk_buf_extend(&task->head, wanted - task->head.len, &more, err));
        VONK_TRY(vonk__py_worker_fill(task->worker, (uint8_t *)task->head.data, wanted, &task->n_head, &is_there, err));
        if (!is_there) return VONK_OK;
    }
    VONK_TRY(vonk__py_worker_fill(task->worker, task->message->data, task->message->bytes, &task->n_message, &is_there,
                                  err));
    if (!is_there) return VONK_OK;
    vonk_buf_reset(&task->head);
    task->n_head = 0;
    *ret = VONK_STEAL(task->message);
    return VONK_OK;
}

static vonk_status next_message(vonk_py_task *task, vonk_py_event *ret, vonk_error *err)
{
    bool has_ended = false;
    vonk_buffer *message = NULL;
    VONK_TRY(read_message(task, &message, &has_ended, err));
    if (!message) return VONK_OK;
    if (has_ended) {
        vonk_buffer_unref(message);
        task->phase = AT_MARK;
        ret->kind = VONK_PY_ARROW_END;
        return VONK_OK;
    }
    *ret = (vonk_py_event){VONK_PY_ARROW_MESSAGE, message};
    return VONK_OK;
}

static vonk_status take_number(vonk_py_task *task, bool *ret_there, vonk_error *err)
{
    int32_t number = 0;
    VONK_TRY(vonk_py_worker_read_i32(task->worker, ret_there, &number, err));
    if (!*ret_there) return VONK_OK;
    switch (task->phase) {
    case AT_TRACEBACK_LENGTH: return take_length(task, number, AT_TRACEBACK, err);
    case AT_ACCUMULATOR_LENGTH: return take_length(task, number, AT_ACCUMULATOR, err);
    case AT_N_ACCUMULATORS: return take_accumulators(task, number, err);
    case AT_END:
        vonk_py_worker_give(task->worker, number == PY_END_OF_STREAM);
        task->worker = NULL;
        task->phase = AT_DONE;
        task->report.accumulators = task->accumulators.at;
        task->report.n_accumulators = task->n_accumulators;
        return VONK_OK;
    default: return take_mark(task, number, err);
    }
}

static vonk_status take_piece(vonk_py_task *task, vonk_py_event *ret, bool *ret_there, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *piece = NULL;
    VONK_TRY(vonk_py_worker_read(task->worker, task->length, &piece, err));
    *ret_there = piece != NULL;
    if (!piece) return VONK_OK;
    if (task->phase == AT_TRACEBACK) return raise_exception(task, piece, err);
    if (task->phase == AT_FRAME) {
        task->phase = AT_MARK;
        *ret = (vonk_py_event){VONK_PY_FRAME, VONK_STEAL(piece)};
        return VONK_OK;
    }
    VONK_TRY(VONK_VEC_PUSH(&task->accumulators, task->budget, piece, err));
    piece = NULL;
    task->phase = task->accumulators.n < task->n_accumulators ? AT_ACCUMULATOR_LENGTH : AT_END;
    return VONK_OK;
}

static vonk_status step(vonk_py_task *task, vonk_py_event *ret, bool *ret_there, vonk_error *err)
{
    int64_t time = 0;
    switch (task->phase) {
    case AT_ARROW:
        VONK_TRY(next_message(task, ret, err));
        *ret_there = ret->kind != VONK_PY_NOTHING;
        return VONK_OK;
    case AT_FRAME:
    case AT_TRACEBACK:
    case AT_ACCUMULATOR: return take_piece(task, ret, ret_there, err);
    case AT_TIMES:
        VONK_TRY(vonk_py_worker_read_i64(task->worker, ret_there, &time, err));
        if (*ret_there) take_time(task, time);
        return VONK_OK;
    default: return take_number(task, ret_there, err);
    }
}

vonk_status vonk_py_task_next(vonk_py_task *task, vonk_py_event *ret, vonk_error *err)
{
    bool is_there = true;
    size_t left;
    *ret = (vonk_py_event){.kind = VONK_PY_NOTHING};
    VONK_TRY(vonk_py_task_send(task, &left, err));
    if (task->arena) return VONK_OK; /* the worker is not there yet */
    while (is_there && ret->kind == VONK_PY_NOTHING && task->phase != AT_DONE)
        VONK_TRY(step(task, ret, &is_there, err));
    if (task->phase == AT_DONE) ret->kind = VONK_PY_DONE;
    return VONK_OK;
}

/* ---- watching */

vonk_status vonk_py_task_watch(vonk_py_task *task, bool to_write, void (*wake)(void *arg), void *arg, vonk_error *err)
{
    if (task->worker) return vonk_py_worker_watch(task->worker, to_write, wake, arg, err);
    wake(arg); /* done: nothing will come */
    return VONK_OK;
}

bool vonk_py_task_unwatch(vonk_py_task *task) { return task->worker && vonk_py_worker_unwatch(task->worker); }

bool vonk_py_task_wait(vonk_py_task *task, bool to_write, int64_t timeout_ns)
{
    return !task->worker || vonk_py_worker_wait(task->worker, to_write, timeout_ns);
}

const vonk_py_report *vonk_py_task_report(const vonk_py_task *task)
{
    assert(task->phase == AT_DONE);
    return &task->report;
}
