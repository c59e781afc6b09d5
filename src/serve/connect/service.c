/* serve/connect/service.c -- the server: which RPC is which function, on which thread it runs, and what is done from
 * time to time. */
#include "serve/connect/connect_int.h"

#define PATH "/spark.connect.SparkConnectService/"

enum {
    INLINE_BYTES = 1 << 18, /* larger requests are decoded off the server's thread */
    USUAL_ANSWER_BYTES = 192,
    CLERKS = 16,
    CLOSED_SESSIONS = 1000, /* remembered */
    ABANDONED_OPERATIONS = 10000,
    LEAST_MAINTENANCE_MS = 100
};

typedef enum rpc_place { ON_LOOP, ON_CLERK } rpc_place;

typedef struct rpc_row {
    int request; /* PB_M_x */
    rpc_place place;
    vonk__connect_rpc_fn *run;
} rpc_row;

static void on_message(void *self, vonk_grpc_call *call, vonk_slice take_message);
static void on_stream_start(void *self, vonk_grpc_call *call);

/* In the order of `methods`. */
static const rpc_row rows[] = {
    {PB_M_EXECUTE_PLAN_REQUEST, ON_LOOP, vonk__connect_execute_plan},
    {PB_M_ANALYZE_PLAN_REQUEST, ON_CLERK, vonk__connect_analyze},
    {PB_M_CONFIG_REQUEST, ON_LOOP, vonk__connect_config},
    {PB_M_ADD_ARTIFACTS_REQUEST, ON_CLERK, NULL}, /* a client stream: upload.c */
    {PB_M_ARTIFACT_STATUSES_REQUEST, ON_CLERK, vonk__connect_artifact_status},
    {PB_M_INTERRUPT_REQUEST, ON_LOOP, vonk__connect_interrupt_rpc},
    {PB_M_REATTACH_EXECUTE_REQUEST, ON_LOOP, vonk__connect_reattach},
    {PB_M_RELEASE_EXECUTE_REQUEST, ON_LOOP, vonk__connect_release_execute},
    {PB_M_RELEASE_SESSION_REQUEST, ON_LOOP, vonk__connect_release_session},
    {PB_M_FETCH_ERROR_DETAILS_REQUEST, ON_LOOP, vonk__connect_fetch_error},
    {PB_M_CLONE_SESSION_REQUEST, ON_CLERK, vonk__connect_clone},
    {PB_M_GET_STATUS_REQUEST, ON_LOOP, vonk__connect_get_status},
};
static const vonk_grpc_method methods[] = {
    {PATH "ExecutePlan", VONK_GRPC_SERVER_STREAM, on_stream_start, on_message, NULL},
    {PATH "AnalyzePlan", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "Config", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "AddArtifacts", VONK_GRPC_CLIENT_STREAM, vonk__connect_artifacts_start, vonk__connect_artifacts_message,
     vonk__connect_artifacts_end},
    {PATH "ArtifactStatus", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "Interrupt", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "ReattachExecute", VONK_GRPC_SERVER_STREAM, on_stream_start, on_message, NULL},
    {PATH "ReleaseExecute", VONK_GRPC_NOTICE, NULL, on_message, NULL},
    {PATH "ReleaseSession", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "FetchErrorDetails", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "CloneSession", VONK_GRPC_UNARY, NULL, on_message, NULL},
    {PATH "GetStatus", VONK_GRPC_UNARY, NULL, on_message, NULL},
};
static_assert(VONK_COUNTOF(rows) == VONK_COUNTOF(methods), "one row for each method");

/* ---- one RPC ---- */

void vonk__connect_fail_call(vonk_connect_session *session, vonk_grpc_call *call, const vonk_error *error)
{
    vonk_connect_id id = {""};
    if (session) vonk__connect_keep_error(session, error, &id);
    vonk_connect_finish_with(call, error, vonk_str_of(id.text));
}

vonk_pb_writer vonk__connect_answer(vonk_connect_rpc *rpc, vonk_buf *ret_buf, int session_field, int server_side_field,
                                    vonk_error *err)
{
    vonk_buf_init(ret_buf, rpc->server->budget, SIZE_MAX);
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, ret_buf, err);
    vonk_pb_expect(&w, USUAL_ANSWER_BYTES);
    vonk_pb_put_str(&w, session_field, rpc->session->id);
    vonk_pb_put_str(&w, server_side_field, vonk__connect_server_side_id(rpc->session));
    return w;
}

vonk_status vonk__connect_reply(vonk_connect_rpc *rpc, vonk_pb_writer *take_writer, vonk_error *err)
{
    vonk_slice message;
    vonk_status st = vonk_pb_writer_end(take_writer);
    if (st != VONK_OK) {
        vonk_buf_done(take_writer->buf);
        return st;
    }
    VONK_TRY(vonk_slice_of_buf(take_writer->buf, &message, err));
    vonk_grpc_reply(rpc->call, message);
    return VONK_OK;
}

static vonk_status decode_and_run(vonk_connect_rpc *rpc, const rpc_row *row, vonk_error *err)
{
    VONK_TRY(vonk_arena_new(rpc->server->budget, &rpc->arena, err));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, row->request, rpc->bytes.bytes, VONK_PB_MAX_DEPTH, rpc->arena,
                            &rpc->request, err));
    return row->run(rpc, err);
}

static void run_rpc(vonk_connect_server *server, const rpc_row *row, vonk_grpc_call *call, vonk_slice take_message)
{
    vonk_connect_rpc rpc = {.server = server, .call = call, .bytes = take_message};
    vonk_error err = VONK_ERROR_INIT;
    if (decode_and_run(&rpc, row, &err) != VONK_OK) vonk__connect_fail_call(rpc.session, call, &err);
    vonk_error_reset(&err);
    vonk_arena_free(rpc.arena);
    vonk_slice_unref(rpc.bytes);
    vonk__connect_touch_session(rpc.session);
    vonk_connect_session_unref(rpc.session);
}

typedef struct late_rpc { /* waits for a clerk */
    vonk_connect_task task;
    vonk_connect_server *server;
    const rpc_row *row;
    vonk_grpc_call *call;
    vonk_slice message;
} late_rpc;

static void run_late(void *self)
{
    late_rpc *late = self;
    if (vonk_grpc_is_over(late->call)) /* the client did not wait */
        vonk_slice_unref(late->message);
    else
        run_rpc(late->server, late->row, late->call, late->message);
    vonk_grpc_call_unref(late->call);
    vonk_free(late);
}

static void run_on_clerk(vonk_connect_server *server, const rpc_row *row, vonk_grpc_call *call, vonk_slice take_message)
{
    late_rpc *late = NULL;
    vonk_error err = VONK_ERROR_INIT;
    if (VONK_NEW(server->budget, &late, &err) != VONK_OK) {
        vonk__connect_fail_call(NULL, call, &err);
        vonk_error_reset(&err);
        vonk_slice_unref(take_message);
        return;
    }
    *late = (late_rpc){.server = server, .row = row, .call = vonk_grpc_call_ref(call), .message = take_message};
    late->task = (vonk_connect_task){.run = run_late, .self = late};
    vonk_connect_workers_post(server->clerks, &late->task);
}

static void start_maintenance(vonk_connect_server *server);

static void on_message(void *self, vonk_grpc_call *call, vonk_slice take_message)
{
    vonk_connect_server *server = self;
    const rpc_row *row = &rows[vonk_grpc_call_method(call) - methods];
    if (row->place == ON_CLERK || take_message.bytes.len > INLINE_BYTES)
        run_on_clerk(server, row, call, take_message);
    else
        run_rpc(server, row, call, take_message);
    start_maintenance(server);
}

/* ---- calls that read an operation ---- */

static void on_stream_start(void *self, vonk_grpc_call *call)
{
    vonk_connect_server *server = self;
    vonk_connect_call_data *data = NULL;
    vonk_error err = VONK_ERROR_INIT;
    if (VONK_NEW(server->budget, &data, &err) != VONK_OK)
        vonk__connect_fail_call(NULL, call, &err);
    else
        vonk_grpc_set_data(call, data);
    vonk_error_reset(&err);
}

static void on_cancelled(void *self, vonk_grpc_call *call, vonk_grpc_code why)
{
    (void)self;
    (void)why;
    vonk_connect_call_data *data = vonk_grpc_data(call);
    if (!data) return;
    atomic_store(&data->is_cancelled, true);
    vonk_connect_operation *op = atomic_load(&data->operation);
    if (op) vonk__connect_detach(op, call);
}

static void on_drained(void *self, vonk_grpc_call *call)
{
    (void)self;
    vonk_connect_call_data *data = vonk_grpc_data(call);
    vonk_connect_operation *op = data ? atomic_load(&data->operation) : NULL;
    if (op) vonk__connect_send_more(op);
}

static void on_released(void *self, void *call_data)
{
    (void)self;
    vonk_connect_call_data *data = call_data;
    vonk_connect_operation_unref(atomic_load(&data->operation));
    vonk__connect_upload_free(data->upload);
    vonk_free(data);
}

/* ---- from time to time; nothing ticks while there are no sessions ---- */

static void expire(void *self)
{
    vonk_connect_server *server = self;
    vonk__connect_expire(server);
    atomic_store(&server->is_expiring, false);
}

/* What ended sessions and operations held was allocated and freed by any thread: each has to give back its part. */
static void trim(vonk_connect_server *server)
{
    vonk_connect_workers_trim(server->executors);
    vonk_connect_workers_trim(server->clerks);
    if (server->backend->trim) server->backend->trim(server->backend->self);
}

static void on_maintenance(void *self)
{
    vonk_connect_server *server = self;
    const bool is_last = atomic_load_explicit(&server->n_sessions, memory_order_acquire) == 0;
    trim(server); /* after the last one is freed, for the last time */
    if (is_last) return;
    if (!atomic_exchange(&server->is_expiring, true)) vonk_connect_workers_post(server->clerks, &server->expire_task);
    start_maintenance(server);
}

static void start_maintenance(vonk_connect_server *server)
{
    if (server->maintenance.heap_pos != 0) return;
    vonk_loop *loop = vonk_grpc_server_loop(server->grpc);
    (void)vonk_loop_set_timer(loop, &server->maintenance, vonk_clock_mono_ns() + server->maintenance_ns,
                              NULL); /* if not, the next request tries again */
}

static void on_first_session(void *self)
{
    vonk_connect_server *server = self;
    atomic_store(&server->is_maintenance_posted, false);
    start_maintenance(server);
}

void vonk__connect_want_maintenance(vonk_connect_server *server)
{
    if (!atomic_exchange(&server->is_maintenance_posted, true))
        vonk_loop_post(vonk_grpc_server_loop(server->grpc), &server->maintenance_job);
}

static void set_progress_timer(void *self)
{
    vonk_connect_server *server = self;
    atomic_store(&server->is_progress_posted, false);
    if (vonk_loop_set_timer(vonk_grpc_server_loop(server->grpc), &server->progress,
                            atomic_load(&server->progress_at_ns), NULL) != VONK_OK)
        atomic_store(&server->progress_at_ns, INT64_MAX); /* the next operation tries again */
}

static void on_progress(void *self)
{
    vonk_connect_server *server = self;
    atomic_store(&server->progress_at_ns, INT64_MAX); /* before looking: who starts from now on asks by itself */
    vonk__connect_want_progress(server, vonk__connect_report_all(server));
}

void vonk__connect_want_progress(vonk_connect_server *server, int64_t due_ns)
{
    int64_t at_ns = atomic_load(&server->progress_at_ns);
    do {
        if (due_ns >= at_ns) return;
    } while (!atomic_compare_exchange_weak(&server->progress_at_ns, &at_ns, due_ns));
    if (!atomic_exchange(&server->is_progress_posted, true))
        vonk_loop_post(vonk_grpc_server_loop(server->grpc), &server->progress_job);
}

/* ---- life ---- */

static void read_conf(vonk_connect_server *s, const vonk_conf *conf)
{
    s->session_timeout_ns = vonk_conf_i64(conf, "spark.connect.session.manager.defaultSessionTimeout") * VONK_NS_PER_MS;
    s->detached_timeout_ns = vonk_conf_i64(conf, "spark.connect.execute.manager.detachedTimeout") * VONK_NS_PER_MS;
    s->stream_ns = vonk_conf_i64(conf, "spark.connect.execute.reattachable.senderMaxStreamDuration") * VONK_NS_PER_MS;
    const int64_t outcome_min = vonk_conf_i64(conf, "spark.connect.session.inactiveOperations.cacheExpiration");
    s->outcome_ns = outcome_min * 60 * VONK_NS_PER_S;
    s->retry_bytes = vonk_conf_i64(conf, "spark.connect.execute.reattachable.observerRetryBufferSize");
    s->stream_bytes = vonk_conf_i64(conf, "spark.connect.execute.reattachable.senderMaxStreamSize");
    s->max_plan_bytes = vonk_conf_i64(conf, "spark.connect.maxPlanSize");
    int64_t every_ms = vonk_conf_i64(conf, "spark.connect.session.manager.maintenanceInterval");
    s->maintenance_ns = (every_ms > LEAST_MAINTENANCE_MS ? every_ms : LEAST_MAINTENANCE_MS) * VONK_NS_PER_MS;
    if (s->stream_bytes <= 0) s->stream_bytes = INT64_MAX;
}

static vonk_status set_up(vonk_connect_server *s, const vonk_connect_options *o, vonk_error *err)
{
    const vonk_conf *defaults = NULL;
    if (!o->conf) VONK_TRY(vonk_conf_new(s->budget, &defaults, err));
    read_conf(s, o->conf ? o->conf : defaults);
    vonk_conf_unref(defaults);
    VONK_TRY(vonk_strdup(s->budget, o->artifact_dir, &s->artifact_dir, err));
    VONK_TRY(vonk_strmap_new(s->budget, false, &s->sessions, err));
    VONK_TRY(vonk_connect_workers_new(s->budget, o->max_operations ? o->max_operations : 128, &s->executors, err));
    VONK_TRY(vonk_connect_workers_new(s->budget, CLERKS, &s->clerks, err));
    return vonk_grpc_server_new(&o->grpc, &s->service, &s->grpc, err);
}

vonk_status vonk_connect_server_new(const vonk_connect_options *options, vonk_connect_server **ret, vonk_error *err)
{
    VONK_AUTO(vonk_connect_server_free) vonk_connect_server *s = NULL;
    vonk_budget *budget = options->grpc.budget ? options->grpc.budget : vonk_budget_root();
    VONK_TRY(VONK_NEW(budget, &s, err));
    s->budget = budget;
    s->backend = options->backend;
    s->max_sessions = options->max_sessions ? options->max_sessions : 1000;
    s->closed.most = CLOSED_SESSIONS;
    s->abandoned.most = ABANDONED_OPERATIONS;
    s->service = (vonk_grpc_service){.self = s,
                                     .methods = methods,
                                     .n_methods = VONK_COUNTOF(methods),
                                     .cancelled = on_cancelled,
                                     .drained = on_drained,
                                     .released = on_released};
    s->maintenance = (vonk_timer){.fire = on_maintenance, .self = s};
    s->progress = (vonk_timer){.fire = on_progress, .self = s};
    s->progress_job = (vonk_job){.run = set_progress_timer, .self = s};
    atomic_init(&s->progress_at_ns, INT64_MAX);
    s->maintenance_job = (vonk_job){.run = on_first_session, .self = s};
    s->expire_task = (vonk_connect_task){.run = expire, .self = s};
    vonk_mutex_init(&s->lock);
    VONK_TRY(set_up(s, options, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

void vonk_connect_server_free(vonk_connect_server *s)
{
    if (!s) return;
    if (s->sessions) vonk__connect_close_all(s);
    vonk_connect_workers_free(VONK_STEAL(s->executors)); /* waits for operations, which were interrupted */
    vonk_connect_workers_free(s->clerks);
    s->clerks = NULL; /* what is freed from now on is freed at once */
    if (s->grpc) {
        vonk_loop_cancel_timer(vonk_grpc_server_loop(s->grpc), &s->maintenance);
        vonk_loop_cancel_timer(vonk_grpc_server_loop(s->grpc), &s->progress);
    }
    vonk_grpc_server_free(s->grpc);
    vonk_strmap_free(s->sessions);
    vonk_free(s->closed.at);
    vonk_free(s->abandoned.at);
    vonk_free(s->artifact_dir);
    vonk_mutex_done(&s->lock);
    vonk_free(s);
}

vonk_status vonk_connect_server_run(vonk_connect_server *s, vonk_error *err)
{
    return vonk_grpc_server_run(s->grpc, err);
}
void vonk_connect_server_stop(vonk_connect_server *s, int64_t grace_us) { vonk_grpc_server_stop(s->grpc, grace_us); }
uint16_t vonk_connect_server_port(const vonk_connect_server *s) { return vonk_grpc_server_port(s->grpc); }
vonk_loop *vonk_connect_server_loop(vonk_connect_server *s) { return vonk_grpc_server_loop(s->grpc); }

void vonk_connect_server_stats(vonk_connect_server *s, vonk_connect_stats *ret)
{
    *ret = (vonk_connect_stats){
        .sessions = (uint32_t)vonk__connect_n_sessions(s),
        .operations = atomic_load_explicit(&s->n_operations, memory_order_relaxed),
        .buffered_bytes = atomic_load_explicit(&s->buffered_bytes, memory_order_relaxed),
    };
    vonk_grpc_server_stats(s->grpc, &ret->grpc);
}
