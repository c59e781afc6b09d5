/* serve/py4j/sql_result.c -- rows on their way to Python: pickled in batches, or as Arrow; and rows that Python sends.
 */
#include "codec/ipc.h"
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/rdd_socket.h"
#include "serve/py4j/sql.h"
#include "sys/files.h"

/* ---- pickled rows: frames of lists of Rows */

void vonk__j_pickle_options(const vonk_conf *conf, vonk_pickle_options *ret)
{
    *ret = (vonk_pickle_options){.timezone = vonk_conf_get(conf, "spark.sql.session.timeZone"),
                                 .named = true,
                                 .internal = true,
                                 .bytearrays = !vonk_conf_bool(conf, "spark.sql.execution.pyspark.binaryAsBytes")};
}

/* At `out`: length (big-endian) and one pickled list. */
vonk_status vonk__j_add_frame(const vonk_batch *batch, const vonk_type *type, const vonk_pickle_options *options,
                              vonk_buf *out, vonk_error *err)
{
    const size_t at = out->len;
    VONK_TRY(vonk_buf_append(out, "\0\0\0\0", 4, err));
    VONK_TRY(vonk_pickle_write_rows(batch, type, options, out, err));
    const size_t n = out->len - at - 4;
    if (n > INT32_MAX)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a batch of rows has more than 2 GiB when pickled");
    for (int i = 0; i < 4; i++) out->data[at + (size_t)i] = (char)(n >> (24 - 8 * i));
    return VONK_OK;
}

typedef struct pump {
    vonk_query *query;
    vonk__j_run *run; /* borrowed */
    vonk_pickle_options options;
    const vonk_conf *conf;
    vonk_buf buf;
} pump;
static void pump_done(pump *p)
{
    vonk_query_free(p->query);
    vonk_conf_unref(p->conf);
    vonk_buf_done(&p->buf);
    *p = (pump){0};
}
VONK_DEFINE_AUTO_DONE(pump, pump_done)

static vonk_status pump_open(pump *p, vonk__j_session *session, const vonk_plan *resolved, vonk_error *err)
{
    p->conf = vonk_session_conf(session->session);
    vonk__j_pickle_options(p->conf, &p->options);
    vonk_buf_init(&p->buf, session->head.machine->budget, SIZE_MAX);
    return vonk_session_execute_resolved(session->session, resolved, &p->query, err);
}

/* *ret_more false: the end. Else a frame is in p->buf, or nothing for a batch without rows. */
static vonk_status pump_next(pump *p, bool *ret_more, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_TRY(vonk__j_run_next(p->run, &batch, err));
    vonk_buf_reset(&p->buf);
    *ret_more = batch != NULL;
    return batch && batch->n_sel ? vonk__j_add_frame(batch, vonk_query_schema(p->query), &p->options, &p->buf, err)
                                 : VONK_OK;
}

static vonk_status collect(vonk__j_call *call, vonk__j_session *session, const vonk_plan *resolved, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk__j_gathered_free) vonk__j_gathered *g = NULL;
    VONK_AUTO(pump_done) pump p = {0};
    VONK_AUTO(vonk__j_run_done) vonk__j_run run = {0};
    VONK_TRY(vonk__j_engine_use(call->caller, session->context, &e, err));
    VONK_TRY(vonk__j_gathered_new(e, &g, err));
    const vonk_receiver to = vonk__j_gathered_receiver(g);
    VONK_TRY(pump_open(&p, session, resolved, err));
    VONK_TRY(vonk__j_run_begin(&run, call->caller, session, p.query, err));
    p.run = &run;
    for (bool more = true; more;) {
        VONK_TRY(pump_next(&p, &more, err));
        if (more && p.buf.len) VONK_TRY(to.result(to.self, 0, vonk_buf_str(&p.buf), err));
        more = more && vonk_query_runs(p.query);
    }
    VONK_TRY(vonk__j_note_observed(session, p.query, err));
    VONK_TRY(vonk__j_gathered_end(g, err));
    return vonk__j_serve_gathered(call, VONK_STEAL(g), err);
}

vonk_status vonk__j_collect_rows(vonk__j_call *call, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_TRY(vonk_session_analyze(self->session->session, self->plan, &resolved, err));
    return collect(call, self->session, resolved, err);
}

vonk_status vonk__j_tail_rows(vonk__j_call *call, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_message_open(&m, call, self->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_TAIL);
    vonk__j_put_input(&m, PB_TAIL_INPUT, self);
    vonk_pb_put_i64(&m.w, PB_TAIL_LIMIT, call->args[0].i);
    vonk_pb_end(&m.w, mark);
    VONK_TRY(vonk__j_relation(&m, &resolved, err));
    return collect(call, self->session, resolved, err);
}

/* ---- one batch at a time, when Python asks (1) until it has enough (0) */

typedef struct iteration {
    pump p;
    vonk__j_run run; /* of the caller's group and tags; he does not wait, so Ctrl-C comes as cancelAllJobs */
    vonk__j_session *session;
} iteration;
static void iteration_done(void *arg)
{
    iteration *it = arg;
    vonk__j_run_done(&it->run);
    pump_done(&it->p);
    vonk__j_object_unref(it->session);
    vonk_free(it);
}

static vonk_status give_batch(vonk__j_channel *channel, iteration *it, bool *ret_more, vonk_error *err)
{
    enum { BATCH = 1, NO_MORE = 0, END_OF_BATCH = -1 };
    VONK_TRY(pump_next(&it->p, ret_more, err));
    VONK_TRY(vonk__j_channel_write_i32(channel, *ret_more ? BATCH : NO_MORE, err));
    if (!*ret_more) return VONK_OK;
    if (it->p.buf.len) VONK_TRY(vonk__j_channel_write(channel, vonk_buf_str(&it->p.buf), err));
    return vonk__j_channel_write_i32(channel, END_OF_BATCH, err);
}

static vonk_status iterate(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    enum { FAILED = -1 };
    iteration *it = arg;
    for (bool more = true; more;) {
        int32_t wants = 0;
        VONK_TRY(vonk__j_channel_read_i32(channel, &wants, err));
        if (!wants) return VONK_OK;
        const vonk_status status = give_batch(channel, it, &more, err);
        if (status != VONK_OK) {
            VONK_AUTO(vonk_error_reset) vonk_error gone = VONK_ERROR_INIT;
            return vonk__j_channel_write_i32(channel, FAILED, &gone) == VONK_OK ? status : status;
        }
    }
    return VONK_OK;
}

vonk_status vonk__j_iterate_rows(vonk__j_call *call, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    vonk__j_channel *channel = NULL;
    iteration *it = NULL;
    VONK_TRY(vonk_session_analyze(self->session->session, self->plan, &resolved, err));
    VONK_TRY(vonk__j_engine_use(call->caller, self->session->context, &e, err));
    VONK_TRY(VONK_NEW(call->machine->budget, &it, err));
    it->session = (vonk__j_session *)vonk__j_object_ref(self->session);
    vonk_status status = pump_open(&it->p, self->session, resolved, err);
    if (status == VONK_OK) status = vonk__j_run_begin(&it->run, call->caller, self->session, it->p.query, err);
    it->run.caller = NULL;
    it->p.run = &it->run;
    if (status != VONK_OK) {
        iteration_done(it);
        return status;
    }
    VONK_TRY(vonk__j_channel_open(e, iterate, iteration_done, it, &channel, err));
    return vonk__j_channel_array(call->machine, channel, &call->result, err);
}

/* ---- Arrow: a stream, then in which order its batches belong (they come in order) */

static vonk_status put_i32(const vonk_receiver *to, int32_t x, vonk_error *err)
{
    const char bytes[4] = {(char)(x >> 24), (char)(x >> 16), (char)(x >> 8), (char)x};
    return to->result(to->self, 0, (vonk_str){bytes, 4}, err);
}

/* Rows of one partition go together, at most as many as Spark puts into a batch. */
typedef struct arrow_out {
    const vonk_receiver *to;
    const vonk_type *type;
    vonk_ipc_options options;
    vonk_buf buf;
    VONK_VEC(vonk_batch *) waiting;
    int64_t n_rows, most_rows;
    int32_t n_written;
} arrow_out;

static void drop_waiting(arrow_out *o)
{
    for (size_t i = 0; i < o->waiting.n; i++) vonk_batch_unref(o->waiting.at[i]);
    o->waiting.n = 0;
    o->n_rows = 0;
}
static void arrow_out_done(arrow_out *o)
{
    drop_waiting(o);
    vonk_free(o->waiting.at);
    vonk_buf_done(&o->buf);
}
VONK_DEFINE_AUTO_DONE(arrow_out, arrow_out_done)

static vonk_status flush_arrow(arrow_out *o, vonk_error *err)
{
    if (o->waiting.n) {
        VONK_TRY(vonk_ipc_write_batch((const vonk_batch *const *)o->waiting.at, o->waiting.n, o->type, &o->options,
                                      &o->buf, err));
        o->n_written++;
    }
    if (o->buf.len) VONK_TRY(o->to->result(o->to->self, 0, vonk_buf_str(&o->buf), err));
    vonk_buf_reset(&o->buf);
    drop_waiting(o);
    return VONK_OK;
}

static vonk_status take_batch(arrow_out *o, vonk_batch *take_batch, vonk_error *err)
{
    vonk_status status = VONK_OK;
    if (o->waiting.n &&
        (o->waiting.at[0]->partition != take_batch->partition || o->n_rows + take_batch->n_sel > o->most_rows))
        status = flush_arrow(o, err);
    if (status == VONK_OK && take_batch->n_sel)
        status = VONK_VEC_PUSH(&o->waiting, vonk_budget_root(), take_batch, err);
    if (status != VONK_OK || !take_batch->n_sel) {
        vonk_batch_unref(take_batch);
        return status;
    }
    o->n_rows += take_batch->n_sel;
    return VONK_OK;
}

static vonk_status write_arrow(vonk__j_session *session, vonk__j_run *run, const vonk_receiver *to, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session->session);
    VONK_AUTO(arrow_out_done)
    arrow_out o = {.to = to, .type = vonk_query_schema(run->query), .options = VONK_IPC_OPTIONS};
    o.options.timezone = vonk_conf_get(conf, "spark.sql.session.timeZone");
    o.options.large = vonk_conf_bool(conf, "spark.sql.execution.arrow.useLargeVarTypes");
    o.most_rows = vonk_conf_i64(conf, "spark.sql.execution.arrow.maxRecordsPerBatch");
    if (o.most_rows <= 0) o.most_rows = INT64_MAX;
    vonk_buf_init(&o.buf, session->head.machine->budget, SIZE_MAX);
    VONK_TRY(vonk_ipc_write_schema(o.type, &o.options, session->head.machine->budget, &o.buf, err));
    for (bool more = true; more;) {
        vonk_batch *batch = NULL;
        VONK_TRY(vonk__j_run_next(run, &batch, err));
        more = batch && vonk_query_runs(run->query);
        if (batch) VONK_TRY(take_batch(&o, batch, err));
    }
    VONK_TRY(flush_arrow(&o, err));
    VONK_TRY(vonk_ipc_write_end(&o.buf, err));
    VONK_TRY(to->result(to->self, 0, vonk_buf_str(&o.buf), err));
    VONK_TRY(put_i32(to, o.n_written, err));
    for (int32_t i = 0; i < o.n_written; i++) VONK_TRY(put_i32(to, i, err));
    return VONK_OK;
}

vonk_status vonk__j_collect_arrow(vonk__j_call *call, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_AUTO(vonk__j_run_done) vonk__j_run run = {0};
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk__j_gathered_free) vonk__j_gathered *g = NULL;
    VONK_TRY(vonk_session_analyze(self->session->session, self->plan, &resolved, err));
    VONK_TRY(vonk__j_engine_use(call->caller, self->session->context, &e, err));
    VONK_TRY(vonk__j_gathered_new(e, &g, err));
    VONK_TRY(vonk_session_execute_resolved(self->session->session, resolved, &query, err));
    const vonk_receiver to = vonk__j_gathered_receiver(g);
    VONK_TRY(vonk__j_run_begin(&run, call->caller, self->session, query, err));
    VONK_TRY(write_arrow(self->session, &run, &to, err));
    VONK_TRY(vonk__j_note_observed(self->session, query, err));
    VONK_TRY(vonk__j_gathered_end(g, err));
    return vonk__j_serve_gathered(call, VONK_STEAL(g), err);
}

/* ---- Arrow that Python sends: a file's bytes, then a LocalRelation of them */

vonk_status vonk__j_arrow_file(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf content = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk_buf_init(&content, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_file_read_all(vonk__j_str(&call->args[0]), SIZE_MAX, &content, err));
    return vonk__j_bytes_object(call, vonk_buf_str(&content), err);
}

vonk_status vonk__j_arrow_dataset(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    for (uint32_t i = 0; i < 3; i++) VONK_TRY(vonk__j_need(call, i, err));
    VONK_TRY(vonk__j_message_open(&m, call, (vonk__j_session *)call->args[2].object, err));
    VONK_TRY(vonk__j_object_bytes(call, &call->args[0], &m.data, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_CHUNKED_CACHED_LOCAL_RELATION);
    vonk_pb_put_c(&m.w, PB_CHUNKED_CACHED_LOCAL_RELATION_DATAHASHES, "data");
    vonk_pb_put_c(&m.w, PB_CHUNKED_CACHED_LOCAL_RELATION_SCHEMAHASH, "schema");
    vonk_pb_end(&m.w, mark);
    m.schema = vonk__j_str(&call->args[1]);
    return vonk__j_return_dataset(&m, err);
}

/* Bytes as an object, so that they do not travel to Python and back. */
typedef struct bytes_object {
    vonk__j_object head;
    vonk__j_value bytes;
} bytes_object;
static void bytes_drop(vonk__j_object *self) { vonk__j_unref(&((bytes_object *)self)->bytes); }
vonk_status vonk__j_bytes_object(vonk__j_call *call, vonk_str bytes, vonk_error *err)
{
    VONK__J_AUTO bytes_object *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "scala.collection.Iterator$Live", &made, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_BYTES, bytes, &made->bytes, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
vonk_status vonk__j_object_bytes(vonk__j_call *call, const vonk__j_value *of, vonk_str *ret, vonk_error *err)
{
    if (of->kind != VONK__J_OBJECT || !vonk_str_is(of->object->cls->fqn, "scala.collection.Iterator$Live"))
        return vonk__j_throw(call->caller, "java.lang.ClassCastException", err, "not what an Arrow stream was read as");
    *ret = vonk__j_str(&((bytes_object *)of->object)->bytes);
    return VONK_OK;
}

static const vonk__j_row rows[] = {
    {.fqn = "scala.collection.Iterator", .flags = VONK__J_INTERFACE},
    {.fqn = "scala.collection.Iterator$Live",
     .interfaces = "scala.collection.Iterator",
     .flags = VONK__J_ABSTRACT,
     .size = sizeof(bytes_object),
     .drop = bytes_drop},
};
const vonk__j_area vonk__j_area_sql_result = {rows, VONK_COUNTOF(rows)};
