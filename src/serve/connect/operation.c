/* serve/connect/operation.c -- an operation: it runs on a worker, its responses wait in a buffer, a call reads them,
 * goes, and maybe another one comes for the rest. */
#include "serve/connect/connect_int.h"

enum {
    MAX_AHEAD_BYTES = 8 << 20, /* produced and not sent: the producer waits */
    RESPONSE_ID_AT = 2,        /* of its text in the encoded response: begin() puts it first */
    MAX_OPERATIONS = 10000,    /* that exist, running or not released */
    MAX_HELD_BYTES = 64 << 10, /* larger responses are worth a send of their own */
    MAX_TINY_BYTES = 4096,     /* of a request that may be executed on the server's thread */
    USUAL_RESPONSE_BYTES = 320 /* without rows: four ids and a small schema */
};

static void run_operation(void *self);
static void end_operation(vonk_connect_operation *op, vonk_status st, vonk_error *take_error);
static bool send_locked(vonk_connect_operation *op);
static void drop_until(vonk_connect_operation *op, int64_t index);
static vonk_status make_response(vonk_buf *take_fields, const vonk_slice *take_tail, size_t n_tail,
                                 vonk_connect_response *ret, vonk_error *err);
static vonk_status add_locked(vonk_connect_operation *op, vonk_connect_response *take_response, vonk_error *err);
static void free_response(vonk_connect_response *r);

/* ---- life ---- */

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z') *text = (char)(*text | 0x20);
}

static vonk_status set_id(vonk_connect_operation *op, vonk_error *err)
{
    if (!vonk_pb_has(op->request, PB_EXECUTE_PLAN_REQUEST_OPERATION_ID)) {
        vonk_random_uuid(op->id.text);
        return VONK_OK;
    }
    vonk_str id = vonk_pb_str(op->request, PB_EXECUTE_PLAN_REQUEST_OPERATION_ID);
    if (!vonk__connect_is_uuid(id)) return VONK_FAIL(err, VONK_E_INVALID_HANDLE__FORMAT, "handle", VONK_S(id));
    assert(id.data);
    memcpy(op->id.text, id.data, id.len);
    lower(op->id.text);
    return VONK_OK;
}

static void read_options(vonk_connect_operation *op)
{
    for (size_t i = 0; i < vonk_pb_n(op->request, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTIONS); i++) {
        const vonk_pb_msg *option = vonk_pb_msg_at(op->request, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTIONS, i);
        const vonk_pb_msg *reattach = vonk_pb_get_msg(option, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTION_REATTACH_OPTIONS);
        const vonk_pb_msg *chunking =
            vonk_pb_get_msg(option, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTION_RESULT_CHUNKING_OPTIONS);
        if (reattach) op->is_reattachable = vonk_pb_bool(reattach, PB_REATTACH_OPTIONS_REATTACHABLE);
        if (!chunking) continue;
        op->allows_chunks = vonk_pb_bool(chunking, PB_RESULT_CHUNKING_OPTIONS_ALLOW_ARROW_BATCH_CHUNKING);
        int64_t wanted = vonk_pb_i64(chunking, PB_RESULT_CHUNKING_OPTIONS_PREFERRED_ARROW_CHUNK_SIZE);
        op->chunk_bytes = wanted > 0 ? (size_t)wanted : 0;
    }
}

static vonk_connect_operation *look_up(vonk_connect_session *s, vonk_str id)
{
    vonk_connect_operation *op = s->operations;
    while (op && !vonk_str_is_nocase(id, op->id.text)) op = op->next;
    return op;
}

/* Puts it into the session's list, which gets a reference. */
static vonk_status add_operation(vonk_connect_operation *op, vonk_error *err)
{
    vonk_connect_session *s = op->session;
    vonk_connect_server *server = s->server;
    vonk_mutex_lock(&server->lock);
    bool was_abandoned = vonk__connect_is_buried(&server->abandoned, vonk_str_of(op->id.text));
    vonk_mutex_unlock(&server->lock);
    vonk_errclass cls = was_abandoned ? VONK_E_INVALID_HANDLE__OPERATION_ABANDONED : VONK_OK;
    vonk_str handle = vonk_str_of(op->id.text);

    vonk_mutex_lock(&s->lock);
    if (s->is_closed) {
        cls = VONK_E_INVALID_HANDLE__SESSION_CLOSED;
        handle = s->id;
    } else if (look_up(s, handle)) {
        cls = VONK_E_INVALID_HANDLE__OPERATION_ALREADY_EXISTS;
    }
    if (cls == VONK_OK) {
        op->next = s->operations;
        op->link = &s->operations;
        if (op->next) op->next->link = &op->next;
        s->operations = vonk__connect_operation_ref(op);
    }
    vonk_mutex_unlock(&s->lock);
    return cls == VONK_OK ? VONK_OK : VONK_FAIL(err, cls, "handle", VONK_S(handle));
}

static void set_progress(vonk_connect_operation *op)
{
    const vonk_connect_backend *backend = op->session->server->backend;
    const vonk_conf *conf = backend->conf(backend->self, op->session->backend);
    op->progress_every_ns = vonk_conf_i64(conf, "spark.connect.progress.reportInterval") * VONK_NS_PER_MS;
    vonk_conf_unref(conf);
}

vonk_status vonk__connect_operation_new(vonk_connect_session *session, vonk_slice take_bytes, vonk_arena *take_arena,
                                        const vonk_pb_msg *request, vonk_connect_operation **ret, vonk_error *err)
{
    vonk_connect_server *server = session->server;
    VONK_AUTO(vonk_connect_operation_unref) vonk_connect_operation *op = NULL;
    vonk_status st = VONK_NEW(server->budget, &op, err);
    if (st != VONK_OK) {
        vonk_arena_free(take_arena);
        vonk_slice_unref(take_bytes);
        return st;
    }
    atomic_init(&op->refs, 1);
    op->session = vonk__connect_session_ref(session);
    op->request_bytes = take_bytes;
    op->arena = take_arena;
    op->request = request;
    op->nonce = vonk_random_u64();
    op->first_index = op->next_index = op->sent_end = 1;
    op->detached_ns = vonk_clock_mono_ns();
    vonk_mutex_init(&op->lock);
    vonk_cond_init(&op->room);
    uint32_t n = atomic_fetch_add_explicit(&server->n_operations, 1, memory_order_relaxed);
    if (n >= MAX_OPERATIONS)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "one more operation's", "receivedBytes",
                         "no", "budget", VONK_F("at most %d operations", (int)MAX_OPERATIONS));
    read_options(op);
    set_progress(op);
    VONK_TRY(set_id(op, err));
    VONK_TRY(add_operation(op, err));
    *ret = VONK_STEAL(op);
    return VONK_OK;
}

vonk_connect_operation *vonk__connect_operation_ref(vonk_connect_operation *op)
{
    atomic_fetch_add_explicit(&op->refs, 1, memory_order_relaxed);
    return op;
}

void vonk_connect_operation_unref(vonk_connect_operation *op)
{
    if (!op || atomic_fetch_sub_explicit(&op->refs, 1, memory_order_acq_rel) != 1) return;
    assert(!op->link && !op->call);
    drop_until(op, op->last_index);
    vonk_free(op->responses.at);
    vonk_arena_free(op->arena);
    vonk_slice_unref(op->request_bytes);
    vonk_error_reset(&op->error);
    vonk_cond_done(&op->room);
    vonk_mutex_done(&op->lock);
    atomic_fetch_sub_explicit(&op->session->server->n_operations, 1, memory_order_relaxed);
    vonk_connect_session_unref(op->session);
    vonk_free(op);
}

vonk_connect_operation *vonk__connect_find_operation(vonk_connect_session *session, vonk_str id)
{
    vonk_mutex_lock(&session->lock);
    vonk_connect_operation *op = look_up(session, id);
    if (op) vonk__connect_operation_ref(op);
    vonk_mutex_unlock(&session->lock);
    return op;
}

bool vonk__connect_has_tag(const vonk_connect_operation *op, vonk_str tag)
{
    for (size_t i = 0; i < vonk_pb_n(op->request, PB_EXECUTE_PLAN_REQUEST_TAGS); i++)
        if (vonk_str_eq(vonk_pb_str_at(op->request, PB_EXECUTE_PLAN_REQUEST_TAGS, i), tag)) return true;
    return false;
}

/* ---- running ---- */

static bool is_tiny(const vonk_connect_operation *op)
{
    const vonk_connect_backend *backend = op->session->server->backend;
    return backend->is_tiny && op->request_bytes.bytes.len <= MAX_TINY_BYTES &&
           backend->is_tiny(vonk_pb_get_msg(op->request, PB_EXECUTE_PLAN_REQUEST_PLAN));
}

/* Waking an executor, and being woken by it, would cost several times as much as a tiny plan. */
void vonk__connect_start(vonk_connect_operation *op)
{
    vonk__connect_operation_ref(op);
    op->task = (vonk_connect_task){.run = run_operation, .self = op};
    if (is_tiny(op))
        run_operation(op);
    else
        vonk_connect_workers_post(op->session->server->executors, &op->task);
}

static void run_operation(void *self)
{
    vonk_connect_operation *op = self;
    const vonk_connect_backend *backend = op->session->server->backend;
    const vonk_pb_msg *plan = NULL;
    vonk_error err = VONK_ERROR_INIT;
    vonk_mutex_lock(&op->lock);
    bool is_wanted = op->phase == VONK_CONNECT_WAITING;
    if (is_wanted) op->phase = VONK_CONNECT_RUNNING;
    int64_t due_ns = op->progress_every_ns > 0 ? vonk_clock_mono_ns() + op->progress_every_ns : INT64_MAX;
    op->progress_due_ns = due_ns;
    vonk_mutex_unlock(&op->lock);
    if (is_wanted) {
        vonk__connect_want_progress(op->session->server, due_ns);
        vonk_status st = vonk_connect_plan(op->session, vonk_pb_get_msg(op->request, PB_EXECUTE_PLAN_REQUEST_PLAN),
                                           op->arena, &plan, &err);
        if (st == VONK_OK) st = backend->execute(backend->self, op, plan, &err);
        end_operation(op, st, &err);
    }
    vonk_connect_operation_unref(op);
}

/* The response that tells a reattachable client that nothing more comes. */
static vonk_status make_result_complete(vonk_connect_operation *op, vonk_connect_response *ret, vonk_error *err)
{
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &buf, err);
    vonk_pb_end(&w, vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_RESULT_COMPLETE));
    vonk_status st = vonk_pb_writer_end(&w);
    if (st == VONK_OK) return make_response(&buf, NULL, 0, ret, err);
    vonk_buf_done(&buf);
    return st;
}

/* From here on it cannot be interrupted. */
static bool close_to_interrupts(vonk_connect_operation *op)
{
    vonk_mutex_lock(&op->lock);
    op->hooks = (vonk_connect_hooks){0};
    op->phase = VONK_CONNECT_ENDED;
    bool was_interrupted = op->is_interrupted;
    vonk_mutex_unlock(&op->lock);
    return was_interrupted;
}

static void end_operation(vonk_connect_operation *op, vonk_status st, vonk_error *take_error)
{
    VONK_AUTO(vonk_error_reset) vonk_error error = VONK_ERROR_INIT;
    vonk_connect_id error_id = {""};
    vonk_connect_response last = {0};
    vonk_error_move(&error, take_error);
    if (close_to_interrupts(op)) { /* whatever came of it */
        vonk_error_reset(&error);
        st = VONK_FAIL(&error, VONK_E_OPERATION_CANCELED);
    }
    if (st == VONK_OK && op->is_reattachable) st = make_result_complete(op, &last, &error);
    if (st != VONK_OK) vonk__connect_keep_error(op->session, &error, &error_id);

    vonk_mutex_lock(&op->lock); /* in one: a client that sees the last response finds the operation ended */
    if (last.n > 0 && !op->is_removed) st = add_locked(op, &last, &error);
    op->is_ended = true;
    op->outcome = st;
    op->error_id = error_id;
    vonk_error_move(&op->error, &error);
    bool is_done = send_locked(op);
    vonk_mutex_unlock(&op->lock);
    free_response(&last);
    if (is_done) vonk__connect_remove(op, false);
}

bool vonk__connect_interrupt(vonk_connect_operation *op)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_mutex_lock(&op->lock);
    bool is_first = op->phase != VONK_CONNECT_ENDED && !op->is_interrupted;
    bool was_waiting = is_first && op->phase == VONK_CONNECT_WAITING;
    if (is_first) op->is_interrupted = true;
    if (was_waiting) op->phase = VONK_CONNECT_ENDED; /* its worker will find nothing to do */
    if (is_first && op->hooks.cancel) op->hooks.cancel(op->hooks.arg);
    vonk_cond_broadcast(&op->room);
    vonk_mutex_unlock(&op->lock);
    if (was_waiting) end_operation(op, VONK_E_OPERATION_CANCELED, &err);
    return is_first;
}

void vonk_connect_set_hooks(vonk_connect_operation *op, const vonk_connect_hooks *hooks)
{
    vonk_mutex_lock(&op->lock);
    op->hooks = hooks ? *hooks : (vonk_connect_hooks){0};
    if (hooks && op->is_interrupted && hooks->cancel) hooks->cancel(hooks->arg);
    vonk_mutex_unlock(&op->lock);
}

vonk_connect_session *vonk_connect_operation_session(const vonk_connect_operation *op) { return op->session; }
vonk_str vonk_connect_operation_id(const vonk_connect_operation *op) { return vonk_str_of(op->id.text); }
vonk_arena *vonk_connect_arena(vonk_connect_operation *op) { return op->arena; }
const vonk_pb_msg *vonk_connect_request(const vonk_connect_operation *op) { return op->request; }

int vonk__connect_state_of(vonk_connect_operation *op)
{
    vonk_mutex_lock(&op->lock);
    bool is_ended = op->is_ended;
    vonk_mutex_unlock(&op->lock);
    return is_ended ? PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_TERMINATING
                    : PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_RUNNING;
}

/* ---- the buffer of responses; all under the lock ---- */

static void free_response(vonk_connect_response *r)
{
    for (size_t i = 0; i < r->n; i++) vonk_slice_unref(r->pieces[i]);
    vonk_free(r->pieces);
    *r = (vonk_connect_response){0};
}

static vonk_connect_response *response_at(vonk_connect_operation *op, int64_t index)
{
    assert(index >= op->first_index && index <= op->last_index);
    return &op->responses.at[op->first + (size_t)(index - op->first_index)];
}

static void count_buffered(vonk_connect_operation *op, int64_t bytes)
{
    atomic_fetch_add_explicit(&op->session->server->buffered_bytes, bytes, memory_order_relaxed);
}

static void drop_until(vonk_connect_operation *op, int64_t index)
{
    for (; op->first_index <= index && op->first_index <= op->last_index; op->first_index++, op->first++) {
        vonk_connect_response *r = response_at(op, op->first_index);
        if (op->first_index < op->next_index)
            op->kept_bytes -= r->bytes;
        else
            op->unsent_bytes -= r->bytes;
        count_buffered(op, -(int64_t)r->bytes);
        free_response(r);
    }
    if (op->next_index < op->first_index) op->next_index = op->first_index;
    if (op->first == op->responses.n) op->first = op->responses.n = 0;
}

/* What was sent is kept for a client that comes back, up to a limit; the newest in any case. */
static void drop_sent(vonk_connect_operation *op)
{
    int64_t limit = op->is_reattachable ? op->session->server->retry_bytes : 0;
    int64_t last_sent = op->next_index - 1;
    while (op->first_index <= last_sent) {
        if (op->is_reattachable && op->first_index == last_sent) return;
        size_t bytes = response_at(op, op->first_index)->bytes;
        if (op->is_reattachable && (int64_t)(op->kept_bytes - bytes) < limit) return;
        drop_until(op, op->first_index);
    }
}

static void let_call_go(vonk_connect_operation *op)
{
    vonk_grpc_call_unref(VONK_STEAL(op->call));
    op->detached_ns = vonk_clock_mono_ns();
}

static void send_one(vonk_connect_operation *op)
{
    vonk_connect_response *r = response_at(op, op->next_index);
    for (size_t i = 0; i < r->n; i++) vonk_slice_ref(r->pieces[i]);
    if (!vonk_grpc_send(op->call, r->pieces, r->n)) { /* the client is gone; it may come back for this one */
        let_call_go(op);
        return;
    }
    op->unsent_bytes -= r->bytes;
    op->kept_bytes += r->bytes;
    op->call_bytes += r->bytes;
    op->next_index++;
    if (op->sent_end < op->next_index) op->sent_end = op->next_index;
    drop_sent(op);
}

/* Sends what the call takes, ends it when all is sent. True: the operation is done with and is to be removed. */
static bool send_locked(vonk_connect_operation *op)
{
    bool is_done = false;
    while (op->call && op->next_index <= op->last_index && vonk_grpc_is_writable(op->call)) {
        if (op->is_reattachable && (int64_t)op->call_bytes > op->session->server->stream_bytes) {
            vonk_grpc_finish(op->call, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE); /* enough: it is to call again */
            let_call_go(op);
        } else {
            send_one(op);
        }
    }
    if (op->call && op->is_ended && op->next_index > op->last_index) {
        if (op->outcome == VONK_OK)
            vonk_grpc_finish(op->call, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE);
        else
            vonk_connect_finish_with(op->call, &op->error, vonk_str_of(op->error_id.text));
        let_call_go(op);
        is_done = !op->is_reattachable;
    }
    if (op->unsent_bytes < MAX_AHEAD_BYTES) vonk_cond_broadcast(&op->room);
    return is_done;
}

void vonk__connect_send_more(vonk_connect_operation *op)
{
    vonk_mutex_lock(&op->lock);
    bool is_done = send_locked(op);
    vonk_mutex_unlock(&op->lock);
    if (is_done) vonk__connect_remove(op, false);
}

/* ---- emitting ---- */

static void set_response_id(char *into, const vonk_connect_operation *op, int64_t index)
{
    const uint64_t version = UINT64_C(4) << 12, variant = UINT64_C(8) << 60; /* as those of random ids */
    char text[VONK_CONNECT_ID_BYTES];
    vonk_uuid_text((op->nonce & ~UINT64_C(0xf000)) | version, variant | (uint64_t)index, text);
    memcpy(into, text, sizeof(text) - 1);
}

vonk_pb_writer vonk_connect_begin(vonk_connect_operation *op, vonk_buf *ret_buf, vonk_error *err)
{
    static const char no_id[] = "00000000-0000-0000-0000-000000000000"; /* emit puts the real one */
    vonk_buf_init(ret_buf, op->session->server->budget, SIZE_MAX);
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, ret_buf, err);
    vonk_pb_expect(&w, USUAL_RESPONSE_BYTES);
    vonk_pb_put_c(&w, PB_EXECUTE_PLAN_RESPONSE_RESPONSE_ID, no_id);
    vonk_pb_put_str(&w, PB_EXECUTE_PLAN_RESPONSE_SESSION_ID, op->session->id);
    vonk_pb_put_str(&w, PB_EXECUTE_PLAN_RESPONSE_SERVER_SIDE_SESSION_ID, vonk__connect_server_side_id(op->session));
    vonk_pb_put_c(&w, PB_EXECUTE_PLAN_RESPONSE_OPERATION_ID, op->id.text);
    return w;
}

/* Takes buffer and tail in any case. */
static vonk_status make_response(vonk_buf *take_fields, const vonk_slice *take_tail, size_t n_tail,
                                 vonk_connect_response *ret, vonk_error *err)
{
    vonk_connect_response r = {.bytes = take_fields->len};
    vonk_status st = vonk_alloc_array(take_fields->budget, n_tail + 1, sizeof(*r.pieces), &r.pieces, err);
    if (st == VONK_OK)
        st = vonk_slice_of_buf(take_fields, &r.pieces[0], err);
    else
        vonk_buf_done(take_fields);
    for (size_t i = 0; i < n_tail; i++) {
        r.bytes += take_tail[i].bytes.len;
        if (st == VONK_OK)
            r.pieces[i + 1] = take_tail[i];
        else
            vonk_slice_unref(take_tail[i]);
    }
    r.n = n_tail + 1;
    if (st == VONK_OK)
        *ret = r;
    else
        vonk_free(r.pieces);
    return st;
}

static void forget_gap(vonk_connect_operation *op)
{
    if (op->first <= 64 || op->first <= op->responses.n / 2) return;
    memmove(op->responses.at, op->responses.at + op->first, (op->responses.n - op->first) * sizeof(*op->responses.at));
    op->responses.n -= op->first;
    op->first = 0;
}

static vonk_status add_locked(vonk_connect_operation *op, vonk_connect_response *take_response, vonk_error *err)
{
    forget_gap(op);
    set_response_id((char *)(uintptr_t)take_response->pieces[0].bytes.data + RESPONSE_ID_AT, op, op->last_index + 1);
    VONK_TRY(VONK_VEC_PUSH(&op->responses, op->session->server->budget, *take_response, err));
    op->last_index++;
    op->unsent_bytes += take_response->bytes;
    count_buffered(op, (int64_t)take_response->bytes);
    *take_response = (vonk_connect_response){0};
    return VONK_OK;
}

void vonk_connect_end_is_near(vonk_connect_operation *op)
{
    vonk_mutex_lock(&op->lock);
    op->end_is_near = true;
    vonk_mutex_unlock(&op->lock);
}

vonk_status vonk_connect_emit(vonk_connect_operation *op, vonk_buf *take_fields, const vonk_slice *take_tail,
                              size_t n_tail, vonk_error *err)
{
    vonk_connect_response r = {0};
    assert(take_fields->len >= RESPONSE_ID_AT + VONK_CONNECT_ID_BYTES - 1 &&
           take_fields->data[1] == VONK_CONNECT_ID_BYTES - 1);
    VONK_TRY(make_response(take_fields, take_tail, n_tail, &r, err));
    vonk_mutex_lock(&op->lock);
    while (!op->is_interrupted && !op->is_removed && op->unsent_bytes >= MAX_AHEAD_BYTES)
        vonk_cond_wait(&op->room, &op->lock);
    bool is_wanted = !op->is_interrupted && !op->is_removed;
    vonk_status st = is_wanted ? add_locked(op, &r, err) : VONK_OK;
    bool is_held = op->end_is_near && op->unsent_bytes <= MAX_HELD_BYTES;
    if (is_wanted && !is_held) (void)send_locked(op); /* has not ended: cannot be done */
    vonk_mutex_unlock(&op->lock);
    free_response(&r);
    return is_wanted ? st : VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
}

/* ---- calls that read ---- */

static void disconnect(vonk_connect_operation *op, vonk_errclass cls)
{
    VONK_AUTO(vonk_error_reset) vonk_error error = VONK_ERROR_INIT;
    (void)VONK_FAIL(&error, cls, "handle", op->id.text);
    vonk_connect_finish_with(op->call, &error, VONK_STR_NONE);
    let_call_go(op);
}

/* From `index` on everything counts as not sent. */
static void rewind_to(vonk_connect_operation *op, int64_t index)
{
    op->next_index = index;
    op->unsent_bytes = op->kept_bytes = 0;
    for (int64_t i = op->first_index; i <= op->last_index; i++) {
        size_t bytes = response_at(op, i)->bytes;
        if (i < index)
            op->kept_bytes += bytes;
        else
            op->unsent_bytes += bytes;
    }
}

static vonk_status attach_locked(vonk_connect_operation *op, vonk_grpc_call *call, int64_t after_index, vonk_error *err)
{
    if (op->is_removed) return VONK_FAIL(err, VONK_E_INVALID_HANDLE__OPERATION_NOT_FOUND, "handle", op->id.text);
    if (after_index + 1 < op->first_index) {
        vonk_connect_id id = {""};
        set_response_id(id.text, op, after_index);
        return VONK_FAIL(err, VONK_E_INVALID_CURSOR__POSITION_NOT_AVAILABLE, "responseId", id.text, "index",
                         VONK_F("%lld", (long long)after_index + 1));
    }
    if (op->call) disconnect(op, VONK_E_INVALID_CURSOR__DISCONNECTED);
    rewind_to(op, after_index + 1);
    op->call = vonk_grpc_call_ref(call);
    op->call_bytes = 0;
    op->call_since_ns = vonk_clock_mono_ns();
    return VONK_OK;
}

vonk_status vonk__connect_attach(vonk_connect_operation *op, vonk_grpc_call *call, int64_t after_index, vonk_error *err)
{
    vonk_mutex_lock(&op->lock);
    vonk_status st = attach_locked(op, call, after_index, err);
    bool is_done = st == VONK_OK && send_locked(op);
    vonk_mutex_unlock(&op->lock);
    if (is_done) vonk__connect_remove(op, false);
    return st;
}

void vonk__connect_detach(vonk_connect_operation *op, const vonk_grpc_call *call)
{
    vonk_mutex_lock(&op->lock);
    bool was_attached = op->call == call;
    if (was_attached) let_call_go(op);
    vonk_mutex_unlock(&op->lock);
    if (was_attached && !op->is_reattachable) vonk__connect_remove(op, false); /* nobody can come for it */
}

vonk_status vonk__connect_index_of(vonk_connect_operation *op, vonk_str response_id, int64_t *ret_index,
                                   vonk_error *err)
{
    enum { PREFIX = 24 };
    char own[VONK_CONNECT_ID_BYTES] = "";
    int64_t index = 0;
    set_response_id(own, op, 0);
    bool is_own = response_id.len == sizeof(own) - 1 && memcmp(response_id.data, own, PREFIX) == 0;
    for (size_t i = PREFIX; is_own && i < response_id.len; i++) {
        const char *digits = "0123456789abcdef",
                   *digit = response_id.data[i] ? strchr(digits, response_id.data[i]) : NULL;
        is_own = digit != NULL;
        if (digit) index = index * 16 + (digit - digits);
    }
    vonk_mutex_lock(&op->lock);
    is_own = is_own && index >= 1 && index <= op->last_index;
    vonk_mutex_unlock(&op->lock);
    if (!is_own) return VONK_FAIL(err, VONK_E_INVALID_CURSOR__POSITION_NOT_FOUND, "responseId", VONK_S(response_id));
    *ret_index = index;
    return VONK_OK;
}

void vonk__connect_release_until(vonk_connect_operation *op, int64_t index)
{
    vonk_mutex_lock(&op->lock);
    drop_until(op, index < op->next_index ? index : op->next_index - 1);
    vonk_mutex_unlock(&op->lock);
}

/* ---- the end of its time ---- */

static void note_outcome(vonk_connect_session *s, const vonk_connect_id *id, int state)
{
    vonk_error err = VONK_ERROR_INIT;
    if (!s->outcomes && vonk_alloc_array(s->server->budget, VONK_CONNECT_KEPT_OUTCOMES, sizeof(*s->outcomes),
                                         &s->outcomes, &err) != VONK_OK)
        s->outcomes = NULL; /* then it is not known any more */
    vonk_error_reset(&err);
    if (!s->outcomes) return;
    s->outcomes[s->next_outcome] = (vonk_connect_outcome){*id, state, vonk_clock_mono_ns()};
    s->next_outcome = (s->next_outcome + 1) % VONK_CONNECT_KEPT_OUTCOMES;
    if (s->n_outcomes < VONK_CONNECT_KEPT_OUTCOMES) s->n_outcomes++;
}

static int final_state(vonk_connect_operation *op)
{
    vonk_mutex_lock(&op->lock);
    bool is_good = op->is_ended && op->outcome == VONK_OK;
    bool is_cancelled = op->is_interrupted || !op->is_ended;
    vonk_mutex_unlock(&op->lock);
    return is_good        ? PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_SUCCEEDED
           : is_cancelled ? PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_CANCELLED
                          : PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_FAILED;
}

static bool unlink_operation(vonk_connect_operation *op)
{
    vonk_connect_session *s = op->session;
    vonk_mutex_lock(&s->lock);
    bool was_linked = op->link != NULL;
    if (was_linked) {
        if (op->next) op->next->link = op->link;
        *op->link = op->next;
        op->link = NULL;
        op->next = NULL;
        note_outcome(s, &op->id, final_state(op));
    }
    vonk_mutex_unlock(&s->lock);
    return was_linked;
}

void vonk__connect_remove(vonk_connect_operation *op, bool is_abandoned)
{
    vonk_connect_server *server = op->session->server;
    if (!unlink_operation(op)) return;
    if (!is_abandoned) vonk__connect_touch_session(op->session); /* it may have run for long */
    if (is_abandoned) {
        vonk_mutex_lock(&server->lock);
        vonk__connect_bury(&server->abandoned, server->budget, vonk_str_of(op->id.text));
        vonk_mutex_unlock(&server->lock);
    }
    vonk__connect_interrupt(op);
    vonk_mutex_lock(&op->lock);
    op->is_removed = true;
    if (op->call) disconnect(op, VONK_E_INVALID_HANDLE__OPERATION_ABANDONED);
    drop_until(op, op->last_index);
    vonk_cond_broadcast(&op->room);
    vonk_mutex_unlock(&op->lock);
    vonk_connect_operation_unref(op); /* the list's */
}

bool vonk__connect_is_forgotten(vonk_connect_operation *op, int64_t now_ns)
{
    int64_t timeout_ns = op->session->server->detached_timeout_ns;
    vonk_mutex_lock(&op->lock);
    bool is_forgotten = !op->call && now_ns - op->detached_ns >= timeout_ns;
    vonk_mutex_unlock(&op->lock);
    return is_forgotten;
}

void vonk__connect_limit_stream(vonk_connect_operation *op, int64_t now_ns)
{
    int64_t limit_ns = op->session->server->stream_ns;
    vonk_mutex_lock(&op->lock);
    if (op->call && op->is_reattachable && limit_ns > 0 && now_ns - op->call_since_ns >= limit_ns) {
        vonk_grpc_finish(op->call, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE);
        let_call_go(op);
    }
    vonk_mutex_unlock(&op->lock);
}

/* ---- progress ---- */

/* Under the lock. Without memory, or without room, a report is left out. */
static void report_locked(vonk_connect_operation *op)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_connect_response r = {0};
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &buf, &err);
    size_t mark = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS);
    bool is_new = op->hooks.progress(op->hooks.arg, &w);
    vonk_pb_end(&w, mark);
    if (!is_new || vonk_pb_writer_end(&w) != VONK_OK) {
        vonk_buf_done(&buf);
        return;
    }
    if (make_response(&buf, NULL, 0, &r, &err) != VONK_OK) return;
    if (add_locked(op, &r, &err) == VONK_OK) (void)send_locked(op);
    free_response(&r);
}

int64_t vonk__connect_report(vonk_connect_operation *op, int64_t now_ns)
{
    int64_t due_ns = INT64_MAX;
    vonk_mutex_lock(&op->lock);
    if (op->phase == VONK_CONNECT_RUNNING && op->progress_every_ns > 0 && !op->is_interrupted && !op->is_removed) {
        if (op->progress_due_ns <= now_ns) {
            if (op->hooks.progress && op->call && op->unsent_bytes < MAX_AHEAD_BYTES) report_locked(op);
            op->progress_due_ns = now_ns + op->progress_every_ns;
        }
        due_ns = op->progress_due_ns;
    }
    vonk_mutex_unlock(&op->lock);
    return due_ns;
}
