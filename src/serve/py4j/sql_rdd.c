/* serve/py4j/sql_rdd.c -- DataFrames as RDDs (df.rdd, toJSON), and what was observed while one was computed. */
#include "codec/pickle.h"
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/sql.h"
#include "sys/files.h"

/* ---- rows as records. The query runs now; each partition becomes the same number of records (lists of rows, some of
 * them empty), since that is how parallelize cuts them. */

typedef struct records {
    vonk_buf bytes;
    VONK_VEC(size_t) ends;         /* of records */
    VONK_VEC(uint32_t) partitions; /* of records; ascends */
    uint32_t n_partitions;
} records;
static void records_done(records *r)
{
    vonk_buf_done(&r->bytes);
    vonk_free(r->ends.at);
    vonk_free(r->partitions.at);
}
VONK_DEFINE_AUTO_DONE(records, records_done)

static vonk_status add_size(vonk_buf *out, size_t at, vonk_error *err)
{
    const size_t n = out->len - at - 4;
    if (n > INT32_MAX) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a record of more than 2 GiB");
    for (int i = 0; i < 4; i++) out->data[at + (size_t)i] = (char)(n >> (24 - 8 * i));
    return VONK_OK;
}

static vonk_status end_record(records *r, uint32_t partition, vonk_budget *budget, vonk_error *err)
{
    VONK_TRY(VONK_VEC_PUSH(&r->ends, budget, r->bytes.len, err));
    VONK_TRY(VONK_VEC_PUSH(&r->partitions, budget, partition, err));
    r->n_partitions = partition + 1 > r->n_partitions ? partition + 1 : r->n_partitions;
    return VONK_OK;
}

static vonk_status add_rows(records *r, const vonk_batch *batch, const vonk_type *type,
                            const vonk_pickle_options *options, vonk_budget *budget, vonk_error *err)
{
    const size_t at = r->bytes.len;
    VONK_TRY(vonk_buf_append(&r->bytes, "\0\0\0\0", 4, err));
    VONK_TRY(vonk_pickle_write_rows(batch, type, options, &r->bytes, err));
    VONK_TRY(add_size(&r->bytes, at, err));
    return end_record(r, batch->partition < 0 ? 0 : (uint32_t)batch->partition, budget, err);
}

static vonk_status add_texts(records *r, const vonk_query *query, const vonk_batch *batch, vonk_budget *budget,
                             vonk_error *err)
{
    for (uint32_t i = 0; i < batch->n_sel; i++) {
        const size_t at = r->bytes.len;
        bool is_null = false;
        VONK_TRY(vonk_buf_append(&r->bytes, "\0\0\0\0", 4, err));
        VONK_TRY(vonk_query_cell(query, batch, 0, batch->sel ? batch->sel[i] : i, &r->bytes, &is_null, err));
        VONK_TRY(add_size(&r->bytes, at, err));
        VONK_TRY(end_record(r, batch->partition < 0 ? 0 : (uint32_t)batch->partition, budget, err));
    }
    return VONK_OK;
}

static vonk_status gather(vonk__j_caller *caller, vonk__j_dataset *d, bool texts, records *r, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(d->session->session);
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_AUTO(vonk__j_run_done) vonk__j_run run = {0};
    vonk_budget *budget = d->head.machine->budget;
    const vonk_pickle_options options = {.timezone = vonk_conf_get(conf, "spark.sql.session.timeZone"),
                                         .named = true,
                                         .internal = true,
                                         .bytearrays =
                                             !vonk_conf_bool(conf, "spark.sql.execution.pyspark.binaryAsBytes")};
    vonk_buf_init(&r->bytes, budget, SIZE_MAX);
    VONK_TRY(vonk_session_execute_resolved(d->session->session, d->plan, &query, err));
    VONK_TRY(vonk__j_run_begin(&run, caller, d->session, query, err));
    for (bool more = true; more;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk__j_run_next(&run, &batch, err));
        more = batch && vonk_query_runs(query);
        if (batch && batch->n_sel)
            VONK_TRY(texts ? add_texts(r, query, batch, budget, err)
                           : add_rows(r, batch, vonk_query_schema(query), &options, budget, err));
    }
    return vonk__j_note_observed(caller, d->session, query, err);
}

/* As many records in each partition as in the fullest. */
static vonk_status level_out(const records *r, vonk_buf *out, vonk_error *err)
{
    static const char empty[] = "\0\0\0\4\x80\x02].";
    uint32_t most = 0, n = 0;
    for (size_t i = 0; i < r->ends.n; i++) {
        n = i && r->partitions.at[i] == r->partitions.at[i - 1] ? n + 1 : 1;
        most = n > most ? n : most;
    }
    for (size_t i = 0, p = 0; p < r->n_partitions; p++) {
        for (n = 0; i < r->ends.n && r->partitions.at[i] == p; i++, n++) {
            const size_t from = i ? r->ends.at[i - 1] : 0;
            VONK_TRY(vonk_buf_append(out, r->bytes.data + from, r->ends.at[i] - from, err));
        }
        for (; n < most; n++) VONK_TRY(vonk_buf_append(out, empty, sizeof empty - 1, err));
    }
    return VONK_OK;
}

static vonk_status spread(vonk__j_call *call, vonk__j_engine *e, const records *r, vonk_str bytes, vonk_rdd **ret,
                          vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str folder = {0}, path = {0};
    const uint32_t n = r->n_partitions ? r->n_partitions : 1;
    if (!bytes.len) return vonk_rdd_empty(e->rdds, ret, err);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_dir_make_temp(arena, vonk_str_of(e->context->local_folder), VONK_STR("frame-"), &folder, err));
    VONK_TRY(vonk_arena_printf(arena, &path, err, "%.*s/rows", VONK_STR_ARGS(folder)));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    vonk_status status = vonk_file_replace(path, bytes.data, bytes.len, err);
    if (status == VONK_OK) status = vonk_rdd_parallelize_file(e->rdds, path, n, ret, err);
    vonk__j_site_end();
    VONK_AUTO(vonk_error_reset) vonk_error left = VONK_ERROR_INIT;
    return vonk_dir_remove_tree(folder, &left) == VONK_OK ? status : status;
}

enum { ROWS, TEXTS };
static vonk_status to_rdd(vonk__j_call *call, int what, vonk_error *err)
{
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(records_done) records r = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf level = {0};
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    vonk_rdd *texts = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self->session->context, &e, err));
    VONK_TRY(gather(call->caller, self, what == TEXTS, &r, err));
    vonk_buf_init(&level, call->machine->budget, SIZE_MAX);
    if (what == ROWS) VONK_TRY(level_out(&r, &level, err));
    VONK_TRY(spread(call, e, &r, what == ROWS ? vonk_buf_str(&level) : vonk_buf_str(&r.bytes), &rdd, err));
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
static vonk_status accumulate(vonk__j_caller *caller, vonk__j_context *context, const vonk_query *query,
                              vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    const uint32_t n = vonk_query_n_accumulators(query);
    if (n) VONK_TRY(vonk__j_engine_use(caller, context, &e, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk__j_accumulate(e, vonk_query_accumulator(query, i), err));
    return VONK_OK;
}

vonk_status vonk__j_note_observed(vonk__j_caller *caller, vonk__j_session *session, const vonk_query *query,
                                  vonk_error *err)
{
    VONK_TRY(accumulate(caller, session->context, query, err));
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
