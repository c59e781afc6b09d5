/* serve/py4j/sql_rdd.c -- DataFrames as RDDs (df.rdd, toJSON), and what was observed while one was computed. */
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/sql.h"
#include "sys/clock.h"

/* ---- rows as records: a query that runs when tasks want rows, and as far as they want */

typedef struct frame {
    vonk__j_session *session; /* referenced */
    const vonk_plan *plan;
    const vonk_conf *conf;
    vonk_pickle_options options;
    bool texts;        /* the first column as texts, not whole rows */
    vonk_query *query; /* NULL: it does not run */
    vonk_batch *first; /* came when somebody asked for the number of partitions */
    vonk_buf records;
    vonk_mutex lock;
    vonk_cond changed;
    bool woken;
} frame;

static void rewind_frame(void *self)
{
    frame *f = self;
    vonk_batch_unref(VONK_STEAL(f->first));
    vonk_query_free(VONK_STEAL(f->query));
}

static void frame_free(void *self)
{
    frame *f = self;
    if (!f) return;
    rewind_frame(f);
    vonk_plan_unref(f->plan);
    vonk_conf_unref(f->conf);
    vonk_buf_done(&f->records);
    vonk_cond_done(&f->changed);
    vonk_mutex_done(&f->lock);
    vonk__j_object_unref(f->session);
    vonk_free(f);
}
static inline void frame_free_auto(frame **f) { frame_free(*f); }

static vonk_status frame_new(vonk__j_dataset *d, bool texts, frame **ret, vonk_error *err)
{
    frame *f = NULL;
    VONK_TRY(VONK_NEW(d->head.machine->budget, &f, err));
    f->session = (vonk__j_session *)vonk__j_object_ref(d->session);
    f->plan = vonk_plan_ref(d->plan);
    f->conf = vonk_session_conf(d->session->session);
    f->texts = texts;
    vonk__j_pickle_options(f->conf, &f->options);
    vonk_buf_init(&f->records, d->head.machine->budget, SIZE_MAX);
    vonk_mutex_init(&f->lock);
    vonk_cond_init(&f->changed);
    *ret = f;
    return VONK_OK;
}

static void wake_frame(void *arg)
{
    frame *f = arg;
    VONK_LOCKED(&f->lock);
    f->woken = true;
    vonk_cond_broadcast(&f->changed);
}

static vonk_status next_batch(frame *f, const vonk_task *task, vonk_batch **ret, vonk_error *err)
{
    for (bool ready = false;;) {
        f->woken = false;
        VONK_TRY(vonk_query_poll(f->query, wake_frame, f, &ready, ret, err));
        if (ready) return VONK_OK;
        vonk_mutex_lock(&f->lock);
        while (!f->woken && !vonk_task_cancelled(task))
            vonk_cond_wait_until(&f->changed, &f->lock, vonk_clock_mono_ns() + 20 * VONK_NS_PER_MS);
        vonk_mutex_unlock(&f->lock);
        if (vonk_task_cancelled(task))
            return VONK_FAIL(err, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", task->job), "reason", "");
    }
}

static vonk_status add_texts(frame *f, const vonk_batch *batch, vonk_error *err)
{
    for (uint32_t i = 0; i < batch->n_sel; i++) {
        const size_t at = f->records.len;
        bool is_null = false;
        VONK_TRY(vonk_buf_append(&f->records, "\0\0\0\0", 4, err));
        VONK_TRY(vonk_query_cell(f->query, batch, 0, batch->sel ? batch->sel[i] : i, &f->records, &is_null, err));
        const size_t n = f->records.len - at - 4;
        if (n > INT32_MAX) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a text of more than 2 GiB");
        for (int k = 0; k < 4; k++) f->records.data[at + (size_t)k] = (char)(n >> (24 - 8 * k));
    }
    return VONK_OK;
}

static vonk_status next_records(void *self, vonk_task *task, bool *ret_more, uint32_t *ret_partition,
                                vonk_str *ret_records, vonk_error *err)
{
    frame *f = self;
    const bool is_over = f->query && !vonk_query_runs(f->query) && !f->first; /* a command's rows come once */
    if (!f->query) VONK_TRY(vonk_session_execute_resolved(f->session->session, f->plan, &f->query, err));
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = VONK_STEAL(f->first);
    if (!batch && !is_over) {
        const vonk_status st = next_batch(f, task, &batch, err);
        const uint32_t failed = st == VONK_OK ? UINT32_MAX : vonk_query_failed_partition(f->query);
        if (failed != UINT32_MAX) *ret_partition = failed;
        VONK_TRY(st);
    }
    *ret_more = batch != NULL;
    if (!batch) return vonk__j_note_observed(f->session, f->query, err);
    *ret_partition = batch->partition < 0 ? 0 : (uint32_t)batch->partition;
    vonk_buf_reset(&f->records);
    if (f->texts)
        VONK_TRY(add_texts(f, batch, err));
    else if (batch->n_sel)
        VONK_TRY(vonk__j_add_frame(batch, vonk_query_schema(f->query), &f->options, &f->records, err));
    *ret_records = vonk_buf_str(&f->records);
    return VONK_OK;
}

/* As in Spark: a plan without a shuffle is only looked at, one with shuffles computes them, and their sizes tell. */
static vonk_status count_partitions(vonk__j_caller *caller, frame *f, uint32_t *ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_run_done) vonk__j_run run = {0};
    VONK_TRY(vonk_session_n_partitions(f->session->session, f->plan, ret, err));
    if (*ret) return VONK_OK;
    VONK_TRY(vonk_session_execute_resolved(f->session->session, f->plan, &f->query, err));
    VONK_TRY(vonk__j_run_begin(&run, caller, f->session, f->query, err));
    VONK_TRY(vonk__j_run_next(&run, &f->first, err));
    *ret = vonk_query_n_partitions(f->query);
    if (!*ret) *ret = 1;
    return VONK_OK;
}

enum { ROWS, TEXTS };
static vonk_status to_rdd(vonk__j_call *call, int what, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(frame_free) frame *f = NULL;
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd *texts = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_engine_use(call->caller, self->session->context, &e, err));
    VONK_TRY(frame_new(self, what == TEXTS, &f, err));
    VONK_TRY(count_partitions(call->caller, f, &n, err));
    const vonk_rdd_flow flow = {
        .self = VONK_STEAL(f), .next = next_records, .rewind = rewind_frame, .free = frame_free};
    vonk_status status = vonk__j_site_begin(call->caller, arena, err);
    if (status == VONK_OK)
        status = vonk_rdd_of_flow(e->rdds, &flow, n, VONK_RDD_BYTES, "javaToPython at NativeMethodAccessorImpl.java:0",
                                  &rdd, err);
    else
        frame_free(flow.self);
    vonk__j_site_end();
    VONK_TRY(status);
    if (what == ROWS) return vonk__j_rdd_object(self->session->context, vonk_rdd_ref(rdd), &call->result, err);
    VONK_TRY(vonk_rdd_as_strings(rdd, &texts, err));
    return vonk__j_rdd_object(self->session->context, texts, &call->result, err);
}
vonk_status vonk__j_dataset_rdd(vonk__j_call *call, vonk_error *err)
{
    return to_rdd(call, call->member->tag ? TEXTS : ROWS, err);
}

/* to_json(struct(*)) AS value */
vonk_status vonk__j_to_json(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_TRY(vonk__j_message_open(&m, call, self->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_PROJECT);
    vonk__j_put_input(&m, PB_PROJECT_INPUT, self);
    const size_t e = vonk_pb_begin(&m.w, PB_PROJECT_EXPRESSIONS), alias = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS);
    const size_t outer = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS_EXPR);
    const size_t json = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "to_json");
    const size_t inner = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS);
    const size_t of = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "struct");
    vonk__j_put_name(&m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, VONK_STR("*"));
    vonk_pb_end(&m.w, of);
    vonk_pb_end(&m.w, inner);
    vonk_pb_end(&m.w, json);
    vonk_pb_end(&m.w, outer);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_ALIAS_NAME, "value");
    vonk_pb_end(&m.w, alias);
    vonk_pb_end(&m.w, e);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* ---- observations: a name, and one row once a query has counted it */

typedef struct observation {
    vonk__j_object head;
    vonk_mutex lock;
    vonk_cond changed;
    bool has_lock;
    vonk__j_value name, row; /* row: a pickled Row; null until then */
} observation;
#define J_OBSERVATION "org.apache.spark.sql.Observation"

static void observation_drop(vonk__j_object *self)
{
    observation *o = (observation *)self;
    vonk__j_unref(&o->name);
    vonk__j_unref(&o->row);
    if (o->has_lock) {
        vonk_cond_done(&o->changed);
        vonk_mutex_done(&o->lock);
    }
    o->has_lock = false;
}
static vonk_status observation_new(vonk__j_call *call, vonk_error *err)
{
    static _Atomic uint64_t next_id;
    VONK__J_AUTO observation *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_OBSERVATION, &made, err));
    vonk_mutex_init(&made->lock);
    vonk_cond_init(&made->changed);
    made->has_lock = true;
    made->row = VONK__J_NOTHING;
    if (call->n_args) {
        VONK_TRY(vonk__j_need(call, 0, err));
        if (!vonk__j_str(&call->args[0]).len)
            return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "Name must not be empty");
        made->name = vonk__j_ref(call->args[0]);
    } else {
        VONK_TRY(vonk__j_text_value(
            call->machine->budget, VONK__J_STRING,
            vonk_str_of(VONK_F("observation-%llu", (unsigned long long)atomic_fetch_add(&next_id, 1))), &made->name,
            err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

vonk_status vonk__j_observe(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    observation *o = (observation *)call->args[0].object;
    VONK_TRY(vonk__j_message_open(&m, call, self->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_COLLECT_METRICS);
    vonk__j_put_input(&m, PB_COLLECT_METRICS_INPUT, self);
    vonk__j_put_text(&m, PB_COLLECT_METRICS_NAME, &o->name);
    vonk__j_put_value(&m, PB_COLLECT_METRICS_METRICS, &call->args[1]);
    vonk__j_put_values(&m, PB_COLLECT_METRICS_METRICS, &call->args[2]);
    vonk_pb_end(&m.w, mark);
    VONK_TRY(vonk__j_return_dataset(&m, err));
    VONK_LOCKED(&call->machine->state);
    VONK_TRY(VONK_VEC_PUSH(&self->session->observations, call->machine->budget, &o->head, err));
    vonk__j_object_ref(o);
    return VONK_OK;
}

/* The one Row out of a pickled list of it. */
static vonk_status pickle_row(vonk__j_session *session, const vonk_observed *seen, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf list = {0};
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    const vonk_pickle_options options = {.named = true, .internal = true, .bytearrays = true};
    const vonk_pickle_value *value = NULL;
    vonk_field *fields = NULL;
    size_t n = 0;
    VONK_TRY(vonk_arena_new(session->head.machine->budget, &arena, err));
    vonk_buf_init(&list, session->head.machine->budget, SIZE_MAX);
    VONK_TRY(vonk_arena_array(arena, seen->row->n_columns + 1, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < seen->row->n_columns; i++)
        fields[i] = (vonk_field){
            .name = seen->node->lists[0].at[i]->name, .type = seen->row->columns[i]->type, .nullable = true};
    VONK_TRY(vonk_type_struct(fields, seen->row->n_columns, &type, err));
    VONK_TRY(vonk_pickle_write_rows(seen->row, type, &options, &list, err));
    VONK_TRY(vonk_pickle_read(vonk_buf_str(&list), arena, &value, &n, err));
    return vonk_pickle_write(value->items[0], out, err);
}

static observation *take_waiting(vonk__j_session *session, vonk_str name)
{
    VONK_LOCKED(&session->head.machine->state);
    for (size_t i = 0; i < session->observations.n; i++) {
        observation *o = (observation *)session->observations.at[i];
        if (!vonk_str_eq(vonk__j_str(&o->name), name)) continue;
        session->observations.at[i] = session->observations.at[--session->observations.n];
        return o;
    }
    return NULL;
}

/* What functions of Python have added to the program's accumulators. */
static vonk_status accumulate(vonk__j_context *context, const vonk_query *query, vonk_error *err)
{
    const uint32_t n = vonk_query_n_accumulators(query);
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = n ? vonk__j_engine_try(context) : NULL;
    if (!e) return VONK_OK; /* nothing to add, or nobody to add it to: the context was stopped */
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk__j_accumulate(e, vonk_query_accumulator(query, i), err));
    return VONK_OK;
}

vonk_status vonk__j_note_observed(vonk__j_session *session, const vonk_query *query, vonk_error *err)
{
    VONK_TRY(accumulate(session->context, query, err));
    const uint32_t n = session->observations.n ? vonk_query_n_observed(query) : 0;
    for (uint32_t i = 0; i < n; i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf row = {0};
        vonk_observed seen;
        vonk_query_observed(query, i, &seen);
        VONK__J_AUTO observation *o = take_waiting(session, seen.name);
        if (!o) continue;
        vonk_buf_init(&row, session->head.machine->budget, SIZE_MAX);
        VONK_TRY(pickle_row(session, &seen, &row, err));
        VONK_LOCKED(&o->lock);
        VONK_TRY(vonk__j_text_value(session->head.machine->budget, VONK__J_BYTES, vonk_buf_str(&row), &o->row, err));
        vonk_cond_broadcast(&o->changed);
    }
    return VONK_OK;
}

/* Waits for the first action on the frame, as long as it takes. */
static vonk_status get_row(vonk__j_call *call, vonk_error *err)
{
    observation *o = (observation *)call->self;
    vonk_mutex_lock(&o->lock);
    while (o->row.kind == VONK__J_NULL) vonk_cond_wait(&o->changed, &o->lock);
    VONK_AUTO(vonk__j_unref) vonk__j_value row = vonk__j_ref(o->row);
    vonk_mutex_unlock(&o->lock);
    return vonk__j_bytes_object(call, vonk__j_str(&row), err);
}
vonk_status vonk__j_py_row(vonk__j_call *call, vonk_error *err)
{
    vonk_str bytes;
    vonk__j_value value;
    VONK_TRY(vonk__j_object_bytes(call, &call->args[0], &bytes, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_BYTES, bytes, &value, err));
    return vonk__j_return(call, value);
}
static vonk_status get_name(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(((observation *)call->self)->name));
}

static const vonk__j_member observation_members[] = {
    {"new", "", "", observation_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String", "", observation_new, VONK__J_CONSTRUCTOR, 0},
    {"getRow", "", "Object", get_row, VONK__J_METHOD, 0},
    {"name", "", "String", get_name, VONK__J_METHOD, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = J_OBSERVATION, VONK__J_MEMBERS(observation_members), .size = sizeof(observation), .drop = observation_drop},
};
const vonk__j_area vonk__j_area_sql_rdd = {rows, VONK_COUNTOF(rows)};
