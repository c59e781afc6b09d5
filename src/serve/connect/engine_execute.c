/* serve/connect/engine_execute.c -- ExecutePlan: relations give rows, commands act. Few, fat responses: clients pay for
 * each one. */
#include "base/vec.h"
#include "codec/ipc.h"
#include "serve/connect/engine_int.h"
#include "session/history.h"

#define RESPONSE_BYTES (4 << 20)       /* of Arrow data: Spark's default batch size */
enum { USUAL_IPC_FRAME_BYTES = 1000 }; /* the schema and what else is around the rows */

/* ---- a running query, as the protocol sees it */
static void cancel(void *arg) { vonk_query_cancel(arg); }

static bool progress(void *arg, vonk_pb_writer *w)
{
    vonk_progress stages[64];
    const uint32_t n = vonk_query_progress(arg, stages, VONK_COUNTOF(stages));
    uint64_t running = 0;

    if (n == 0) return false;
    for (uint32_t i = 0; i < n && i < VONK_COUNTOF(stages); i++) {
        const size_t mark = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGES);
        vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_STAGE_ID, i);
        vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_NUM_TASKS,
                        (int64_t)stages[i].n_tasks);
        vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_NUM_COMPLETED_TASKS,
                        (int64_t)stages[i].n_done_tasks);
        vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_INPUT_BYTES_READ,
                        (int64_t)stages[i].bytes_read);
        vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_DONE, stages[i].done);
        vonk_pb_end(w, mark);
        running += stages[i].done ? 0 : stages[i].n_tasks - stages[i].n_done_tasks;
    }
    vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_NUM_INFLIGHT_TASKS, (int64_t)running);
    return true;
}

/* ---- rows */
typedef struct row_stream {
    vonk_connect_operation *op;
    vonk_query *query;
    const vonk_type *type;
    vonk_ipc_options options;
    VONK_VEC(vonk_batch *) waiting; /* for a response worth sending */
    size_t waiting_bytes;
    int64_t waiting_rows, sent_rows;
    bool any_sent;
    vonk_history_run noted;
} row_stream;

static void drop_waiting(row_stream *s)
{
    for (size_t i = 0; i < s->waiting.n; i++) vonk_batch_unref(s->waiting.at[i]);
    s->waiting.n = 0;
    s->waiting_bytes = 0;
    s->waiting_rows = 0;
}

static vonk_status send_waiting(row_stream *s, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf ipc = {0};
    vonk_buf fields = {0};
    vonk_slice bytes;

    vonk_buf_init(&ipc, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_buf_reserve(&ipc, s->waiting_bytes + USUAL_IPC_FRAME_BYTES, err));
    VONK_TRY(
        vonk_ipc_write_stream((const vonk_batch *const *)s->waiting.at, s->waiting.n, s->type, &s->options, &ipc, err));
    const int64_t rows = s->waiting_rows;
    vonk_pb_writer w = vonk_connect_begin(s->op, &fields, err);
    if (!s->any_sent) {
        vonk_status status = vonk_translate_put_type(&w, PB_EXECUTE_PLAN_RESPONSE_SCHEMA, s->type, err);
        if (status == VONK_OK) status = vonk_pb_writer_end(&w);
        if (status != VONK_OK) {
            vonk_buf_done(&fields);
            return status;
        }
    }
    vonk_status status = vonk_slice_of_buf(&ipc, &bytes, err);
    if (status != VONK_OK) {
        vonk_buf_done(&fields);
        return status;
    }
    drop_waiting(s);
    s->any_sent = true;
    VONK_TRY(vonk_connect_emit_batch(s->op, &fields, &bytes, 1, rows, s->sent_rows, err));
    s->sent_rows += rows;
    return VONK_OK;
}

static vonk_status pump(row_stream *s, vonk_error *err)
{
    for (;;) {
        vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(s->query, &batch, err));
        if (!batch) {
            vonk_connect_end_is_near(s->op);
            return s->waiting.n > 0 || !s->any_sent ? send_waiting(s, err) : VONK_OK;
        }
        vonk_history_note(&s->noted, VONK_OK, batch);
        s->waiting_bytes += vonk_ipc_row_bytes(batch, s->type);
        s->waiting_rows += batch->n_sel;
        vonk_status status = VONK_VEC_PUSH(&s->waiting, vonk_budget_root(), batch, err);
        if (status != VONK_OK) {
            vonk_batch_unref(batch);
            return status;
        }
        if (s->waiting_bytes >= RESPONSE_BYTES) VONK_TRY(send_waiting(s, err));
    }
}

static void ipc_options_of(const vonk_conf *conf, vonk_ipc_options *ret)
{
    *ret = (vonk_ipc_options)VONK_IPC_OPTIONS;
    ret->number_fields = true;
    ret->timezone = vonk_conf_get(conf, "spark.sql.session.timeZone");
    ret->large = vonk_conf_bool(conf, "spark.sql.execution.arrow.useLargeVarTypes");
}

/* A last response with what was observed on the way, if anything was. */
static vonk_status send_observed(vonk_connect_operation *op, const vonk_query *query, vonk_error *err)
{
    vonk_buf fields = {0};

    if (vonk_query_n_observed(query) == 0 && vonk_query_n_accumulators(query) == 0) return VONK_OK;
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);
    vonk_status status = vonk__connect_put_observed(&w, query, err);
    if (status == VONK_OK) status = vonk_pb_writer_end(&w);
    if (status == VONK_OK) return vonk_connect_emit(op, &fields, NULL, 0, err);
    vonk_buf_done(&fields);
    return status;
}

static vonk_status stream_rows(vonk__connect_request *r, vonk_connect_operation *op, vonk_query *query, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(r->state->session);
    const vonk_connect_hooks hooks = {.arg = query, .cancel = cancel, .progress = progress};
    row_stream s = {.op = op, .query = query, .type = vonk_query_schema(query)};

    ipc_options_of(conf, &s.options);
    vonk_connect_set_hooks(op, &hooks);
    vonk_history_begin(r->state->session, VONK_STR_NONE, query, &s.noted);
    vonk_status status = pump(&s, err);
    vonk_history_note(&s.noted, status, NULL);
    vonk_history_end(&s.noted);
    vonk_connect_set_hooks(op, NULL);
    drop_waiting(&s);
    vonk_free(s.waiting.at);
    return status == VONK_OK ? send_observed(op, query, err) : status;
}

/* Runs to the end; rows are thrown away. */
static vonk_status drain(const vonk__connect_request *r, vonk_connect_operation *op, vonk_query *query, vonk_error *err)
{
    VONK_AUTO(vonk_history_end) vonk_history_run noted = {0};
    const vonk_connect_hooks hooks = {.arg = query, .cancel = cancel, .progress = progress};
    vonk_status status = VONK_OK;

    vonk_connect_set_hooks(op, &hooks);
    vonk_history_begin(r->state->session, VONK_STR_NONE, query, &noted);
    for (bool more = true; more && status == VONK_OK;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        status = vonk_query_next(query, &batch, err);
        vonk_history_note(&noted, status, batch);
        more = batch != NULL;
    }
    vonk_connect_set_hooks(op, NULL);
    return status;
}

/* ---- SQL commands: analysed now, run now only when they act */
static vonk_status put_local(vonk_pb_writer *w, vonk_query *query, const vonk_batch *rows,
                             const vonk_ipc_options *options, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf ipc = {0}, schema = {0};
    const vonk_type *type = vonk_query_schema(query);

    vonk_buf_init(&ipc, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&schema, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_ipc_write_stream(&rows, rows ? 1 : 0, type, options, &ipc, err));
    VONK_TRY(vonk_type_json(type, &schema, err));
    const size_t relation = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION);
    const size_t local = vonk_pb_begin(w, PB_RELATION_LOCAL_RELATION);
    vonk_pb_put_str(w, PB_LOCAL_RELATION_DATA, vonk_buf_str(&ipc));
    vonk_pb_put_str(w, PB_LOCAL_RELATION_SCHEMA, vonk_buf_str(&schema));
    vonk_pb_end(w, local);
    vonk_pb_end(w, relation);
    return vonk_pb_writer_end(w);
}

/* The client's own relation again; old clients sent only text and arguments, which have the same meaning in a SQL
 * relation. */
static void put_echo(vonk_pb_writer *w, const vonk_pb_msg *m)
{
    static const int same[][2] = {{PB_SQL_COMMAND_ARGS, PB_SQL_ARGS},
                                  {PB_SQL_COMMAND_POS_ARGS, PB_SQL_POS_ARGS},
                                  {PB_SQL_COMMAND_NAMED_ARGUMENTS, PB_SQL_NAMED_ARGUMENTS},
                                  {PB_SQL_COMMAND_POS_ARGUMENTS, PB_SQL_POS_ARGUMENTS}};

    if (vonk_pb_has(m, PB_SQL_COMMAND_INPUT)) {
        vonk_pb_put_msg(w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION,
                        vonk_pb_get_msg(m, PB_SQL_COMMAND_INPUT));
        return;
    }
    const size_t relation = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION);
    const size_t sql = vonk_pb_begin(w, PB_RELATION_SQL);
    vonk_pb_put_str(w, PB_SQL_QUERY, vonk_pb_str(m, PB_SQL_COMMAND_SQL));
    for (size_t i = 0; i < VONK_COUNTOF(same); i++)
        for (size_t k = 0; k < vonk_pb_n(m, same[i][0]); k++)
            vonk_pb_put_msg(w, same[i][1], vonk_pb_msg_at(m, same[i][0], k));
    vonk_pb_end(w, sql);
    vonk_pb_end(w, relation);
}

static vonk_status answer_sql(vonk__connect_request *r, vonk_connect_operation *op, const vonk_pb_msg *m,
                              const vonk_plan *plan, vonk_pb_writer *w, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(r->state->session);
    vonk_ipc_options options;

    ipc_options_of(conf, &options);
    VONK_TRY(vonk_session_analyze(r->state->session, plan, &resolved, err));
    const size_t result = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT);
    if (vonk_session_acts(resolved)) {
        VONK_TRY(vonk_session_execute_resolved(r->state->session, resolved, &query, err));
        if (vonk_query_runs(query))
            VONK_TRY(drain(r, op, query, err));
        else
            VONK_TRY(vonk_query_next(query, &rows, err));
        VONK_TRY(put_local(w, query, rows, &options, err));
    } else {
        put_echo(w, m);
    }
    vonk_pb_end(w, result);
    return vonk_pb_writer_end(w);
}

static vonk_status run_sql(vonk__connect_request *r, vonk_connect_operation *op, const vonk_pb_msg *m,
                           const vonk_plan *plan, vonk_error *err)
{
    vonk_buf fields = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);

    vonk_status status = answer_sql(r, op, m, plan, &w, err);
    if (status != VONK_OK) {
        vonk_buf_done(&fields);
        return status;
    }
    vonk_connect_end_is_near(op);
    return vonk_connect_emit(op, &fields, NULL, 0, err);
}

/* ---- checkpoints: rows kept under an id, seen by the client as a CachedRemoteRelation */
static vonk_status remember(vonk__connect_request *r, vonk_str id, const vonk_plan *plan, vonk_error *err)
{
    vonk_mutex_lock(&r->state->lock);
    vonk_status status = vonk_strmap_put(r->state->checkpoints, id, (void *)vonk_plan_ref(plan), NULL, err);
    vonk_mutex_unlock(&r->state->lock);
    if (status != VONK_OK) vonk_plan_unref(plan);
    return status;
}

/* The only response of a command. */
static vonk_status emit_last(vonk_connect_operation *op, vonk_pb_writer *w, vonk_buf *fields, vonk_error *err)
{
    const vonk_status status = vonk_pb_writer_end(w);
    if (status != VONK_OK) {
        vonk_buf_done(fields);
        return status;
    }
    vonk_connect_end_is_near(op);
    return vonk_connect_emit(op, fields, NULL, 0, err);
}

static vonk_status checkpoint(vonk__connect_request *r, vonk_connect_operation *op, const vonk_pb_msg *m,
                              vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL, *kept = NULL;
    vonk_buf fields = {0};
    const vonk_str id = vonk_connect_operation_id(op);

    VONK_TRY(vonk_translate_relation(&r->translator, vonk_pb_get_msg(m, PB_CHECKPOINT_COMMAND_RELATION), &plan, err));
    VONK_TRY(vonk_session_rematerialize(r->state->session, plan, &kept, err));
    VONK_TRY(remember(r, id, kept, err));
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);
    const size_t result = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_CHECKPOINT_COMMAND_RESULT);
    const size_t relation = vonk_pb_begin(&w, PB_CHECKPOINT_COMMAND_RESULT_RELATION);
    vonk_pb_put_str(&w, PB_CACHED_REMOTE_RELATION_RELATION_ID, id);
    vonk_pb_end(&w, relation);
    vonk_pb_end(&w, result);
    return emit_last(op, &w, &fields, err);
}

static vonk_status forget(vonk__connect_request *r, const vonk_pb_msg *m)
{
    const vonk_pb_msg *relation = vonk_pb_get_msg(m, PB_REMOVE_CACHED_REMOTE_RELATION_COMMAND_RELATION);

    vonk_mutex_lock(&r->state->lock);
    const vonk_plan *plan =
        vonk_strmap_take(r->state->checkpoints, vonk_pb_str(relation, PB_CACHED_REMOTE_RELATION_RELATION_ID));
    vonk_mutex_unlock(&r->state->lock);
    vonk_plan_unref(plan);
    return VONK_OK;
}

/* ---- the rest of the commands */
static vonk_status register_function(vonk__connect_request *r, const vonk_pb_msg *m, vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;

    VONK_TRY(vonk_translate_function(&r->translator, m, &fn, err));
    return vonk_session_put_function(r->state->session, fn, err);
}

static vonk_status register_table_function(vonk__connect_request *r, const vonk_pb_msg *m, vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;

    VONK_TRY(vonk_translate_table_function(&r->translator, m, &fn, err));
    return vonk_session_put_function(r->state->session, fn, err);
}

static vonk_status register_source(vonk__connect_request *r, const vonk_pb_msg *m, vonk_error *err)
{
    const vonk_pb_msg *python = vonk_pb_get_msg(m, PB_COMMON_INLINE_USER_DEFINED_DATA_SOURCE_PYTHON_DATA_SOURCE);
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *source = NULL;
    const vonk_python_fn as = {.name = vonk_pb_str(m, PB_COMMON_INLINE_USER_DEFINED_DATA_SOURCE_NAME),
                               .eval = VONK_PY_MAP_ARROW_ITER_UDF,
                               .command = vonk_pb_str(python, PB_PYTHON_DATA_SOURCE_COMMAND),
                               .python_version = vonk_pb_str(python, PB_PYTHON_DATA_SOURCE_PYTHON_VER),
                               .deterministic = true};

    if (!python) return vonk_translate_invalid("a data source without a class", err);
    VONK_TRY(vonk_python_fn_new(&as, &source, err));
    return vonk_catalog_put_source(vonk_session_catalog(r->state->session), source->name, source, err);
}

static vonk_status resources(vonk_connect_operation *op, vonk_error *err)
{
    vonk_buf fields = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);

    vonk_pb_end(
        &w, vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_GET_RESOURCES_COMMAND_RESULT)); /* no accelerators are managed */
    return emit_last(op, &w, &fields, err);
}

/* Clients clean up their models when they leave: there are none. */
static vonk_status clean_models(vonk_connect_operation *op, vonk_error *err)
{
    vonk_buf fields = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);
    const size_t result = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_ML_COMMAND_RESULT);
    const size_t param = vonk_pb_begin(&w, PB_ML_COMMAND_RESULT_PARAM);

    vonk_pb_put_i64(&w, PB_EXPRESSION_LITERAL_INTEGER, 0);
    vonk_pb_end(&w, param);
    vonk_pb_end(&w, result);
    return emit_last(op, &w, &fields, err);
}

static vonk_status run_command(vonk__connect_request *r, vonk_connect_operation *op, const vonk_pb_msg *command,
                               vonk_error *err)
{
    const int which = vonk_pb_which(command, PB_COMMAND_COMMAND_TYPE_ONEOF);
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;

    VONK_TRY(vonk_translate_command(&r->translator, command, &plan, err));
    if (plan && which == PB_COMMAND_SQL_COMMAND) return run_sql(r, op, vonk_pb_get_msg(command, which), plan, err);
    if (plan) {
        VONK_TRY(vonk_session_execute(r->state->session, plan, &query, err));
        VONK_TRY(drain(r, op, query, err));
        return send_observed(op, query, err);
    }
    switch (which) {
    case PB_COMMAND_CHECKPOINT_COMMAND: return checkpoint(r, op, vonk_pb_get_msg(command, which), err);
    case PB_COMMAND_REMOVE_CACHED_REMOTE_RELATION_COMMAND: return forget(r, vonk_pb_get_msg(command, which));
    case PB_COMMAND_REGISTER_TABLE_FUNCTION: return register_table_function(r, vonk_pb_get_msg(command, which), err);
    case PB_COMMAND_REGISTER_FUNCTION: return register_function(r, vonk_pb_get_msg(command, which), err);
    case PB_COMMAND_REGISTER_DATA_SOURCE: return register_source(r, vonk_pb_get_msg(command, which), err);
    case PB_COMMAND_GET_RESOURCES_COMMAND: return resources(op, err);
    case PB_COMMAND_ML_COMMAND:
        if (vonk_pb_which(vonk_pb_get_msg(command, which), PB_ML_COMMAND_COMMAND_ONEOF) == PB_ML_COMMAND_CLEAN_CACHE)
            return clean_models(op, err);
        return vonk_translate_unsupported("ml_command", err);
    default: return vonk_translate_unsupported(vonk_pb_field_name(&vonk_pb_connect, which), err);
    }
}

/* Rows that are made from nothing, maybe cut: no name but a column's, no expression, no file, no text. */
bool vonk__connect_is_tiny(const vonk_pb_msg *plan)
{
    enum { MAX_ROWS = 1000, MAX_DEPTH = 4 };
    const vonk_pb_msg *m = vonk_pb_get_msg(plan, PB_PLAN_ROOT), *range;
    for (int depth = 0; m && depth < MAX_DEPTH; depth++) {
        switch (vonk_pb_which(m, PB_RELATION_REL_TYPE_ONEOF)) {
        case PB_RELATION_LIMIT: m = vonk_pb_get_msg(vonk_pb_get_msg(m, PB_RELATION_LIMIT), PB_LIMIT_INPUT); break;
        case PB_RELATION_OFFSET: m = vonk_pb_get_msg(vonk_pb_get_msg(m, PB_RELATION_OFFSET), PB_OFFSET_INPUT); break;
        case PB_RELATION_RANGE: {
            range = vonk_pb_get_msg(m, PB_RELATION_RANGE);
            vonk_i128 n = (vonk_i128)vonk_pb_i64(range, PB_RANGE_END) - vonk_pb_i64(range, PB_RANGE_START);
            return n <= MAX_ROWS && vonk_pb_i64(range, PB_RANGE_STEP) > 0 &&
                   !vonk_pb_has(range, PB_RANGE_NUM_PARTITIONS);
        }
        default: return false;
        }
    }
    return false;
}

static vonk_status run_plan(vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err);

/* What functions of Python hear: Spark's names for who asks, and the tags that he has set. */
static vonk_status properties_of(void *self, vonk_arena *arena, const vonk_py_pair **ret, uint32_t *ret_n,
                                 vonk_error *err)
{
    vonk_connect_operation *op = self;
    const vonk_connect_session *session = vonk_connect_operation_session(op);
    const vonk_pb_msg *request = vonk_connect_request(op);
    const vonk_str id = vonk_connect_operation_id(op), user = vonk_connect_session_user(session),
                   of = vonk_connect_session_id(session);
    vonk_py_pair *pairs = NULL;
    vonk_str tags;

    VONK_TRY(vonk_arena_array(arena, 3, sizeof *pairs, &pairs, err));
    VONK_TRY(vonk_arena_printf(arena, &tags, err, "SparkConnect_OperationTag_User_%.*s_Session_%.*s_Operation_%.*s",
                               VONK_STR_ARGS(user), VONK_STR_ARGS(of), VONK_STR_ARGS(id)));
    for (size_t i = 0; i < vonk_pb_n(request, PB_EXECUTE_PLAN_REQUEST_TAGS); i++)
        VONK_TRY(vonk_arena_printf(arena, &tags, err, "%.*s,SparkConnect_SessionTag_User_%.*s_Session_%.*s_Tag_%.*s",
                                   VONK_STR_ARGS(tags), VONK_STR_ARGS(user), VONK_STR_ARGS(of),
                                   VONK_STR_ARGS(vonk_pb_str_at(request, PB_EXECUTE_PLAN_REQUEST_TAGS, i))));
    pairs[0] = (vonk_py_pair){VONK_STR("spark.job.tags"), tags};
    pairs[1] = (vonk_py_pair){VONK_STR("spark.job.interruptOnCancel"), VONK_STR("true")};
    pairs[2].key = VONK_STR("spark.connect.operation_id");
    VONK_TRY(vonk_arena_str(arena, id, &pairs[2].value, err));
    *ret = pairs;
    *ret_n = 3;
    return VONK_OK;
}

vonk_status vonk__connect_run(void *self, vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err)
{
    const vonk_asker asker = {.self = op, .properties = properties_of};

    (void)self;
    vonk_session_asker(&asker);
    const vonk_status status = run_plan(op, plan, err);
    vonk_session_asker(NULL);
    return status;
}

static vonk_status run_plan(vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *relation = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    vonk__connect_request r;

    vonk__connect_open_request(&r, vonk_connect_operation_session(op), vonk_connect_arena(op));
    switch (vonk_pb_which(plan, PB_PLAN_OP_TYPE_ONEOF)) {
    case PB_PLAN_ROOT:
        VONK_TRY(vonk_translate_relation(&r.translator, vonk_pb_get_msg(plan, PB_PLAN_ROOT), &relation, err));
        VONK_TRY((vonk__connect_is_tiny(plan) ? vonk_session_execute_at_once
                                              : vonk_session_execute)(r.state->session, relation, &query, err));
        return stream_rows(&r, op, query, err);
    case PB_PLAN_COMMAND: return run_command(&r, op, vonk_pb_get_msg(plan, PB_PLAN_COMMAND), err);
    default: return vonk_translate_invalid("a plan without a kind", err);
    }
}
