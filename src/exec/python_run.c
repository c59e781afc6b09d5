/* exec/python_run.c -- one task of a worker, as operators see it: Arrow and pickles in, batches and frames out. */
#include "exec/python_run.h"

#include "exec/python_barrier.h"

/* Input that waits for the worker beyond this is enough for now. */
#define ENOUGH_BYTES ((size_t)1 << 20)

struct python_run {
    vonk_op *op;
    vonk_budget *budget;
    const python_spec *spec;
    const vonk_type *expected;
    vonk_py_task *task;
    vonk_ipc_reader *reader; /* of the stream of answers that is read now */
    bool is_checked;         /* ... it has the expected types */
    bool has_schema;         /* the stream of input has begun */
    bool has_ended;          /* no more input */
    bool whole_groups;       /* one stream, a record batch each */
    bool is_done;
    size_t left;      /* bytes that wait to be sent, when it was last looked at */
    vonk_wake *token; /* given to the task's watch; it may have been used */
};

/* ---- life */

/* Where the task meets the others; who they are: all on this machine. */
static vonk_status meet(const python_run *run, uint32_t task, vonk_arena *arena, vonk_py_request *r, vonk_error *err)
{
    static const char host[] = "localhost";
    vonk_py_pair *properties = NULL;
    char *text = NULL;
    size_t at = 0;
    const uint32_t n = run->op->n_partitions;
    VONK_TRY(vonk_arena_array(arena, r->n_properties + 1, sizeof *properties, &properties, err));
    for (uint32_t i = 0; i < r->n_properties; i++) properties[i] = r->properties[i];
    VONK_TRY(vonk_arena_alloc(arena, n * sizeof host, &text, err));
    for (uint32_t i = 0; i < n; i++) {
        if (i) text[at++] = ',';
        memcpy(text + at, host, sizeof host - 1);
        at += sizeof host - 1;
    }
    properties[r->n_properties++] = (vonk_py_pair){VONK_STR("addresses"), {text, at}};
    r->properties = properties;
    r->barrier_socket = vonk__python_barrier_socket(run->spec->meeting, task);
    return VONK_OK;
}

static vonk_status fill_request(python_run *run, const vonk_exec_python *python, int32_t partition, vonk_arena *arena,
                                vonk_py_request *r, vonk_error *err)
{
    const python_spec *spec = run->spec;
    _Atomic int64_t *next_task = python->next_task ? python->next_task : &run->op->exec->next_task;
    *r = (vonk_py_request){.eval = spec->eval,
                           .python_version = spec->fn->python_version,
                           .stage = run->op->exec->first_stage + (int32_t)run->op->stage,
                           .partition = partition,
                           .task_id = atomic_fetch_add(next_task, 1),
                           .cpus = python->cpus,
                           .cpu_amount = python->cpu_amount,
                           .properties = python->properties,
                           .n_properties = python->n_properties,
                           .barrier = spec->barrier,
                           .files_folder = python->files_folder,
                           .runner_conf = spec->runner_conf.at,
                           .n_runner_conf = vonk_u32_of(spec->runner_conf.n),
                           .eval_conf = spec->eval_conf.at,
                           .n_eval_conf = vonk_u32_of(spec->eval_conf.n),
                           .udtf = spec->udtf,
                           .udfs = spec->udfs.at,
                           .n_udfs = vonk_u32_of(spec->udfs.n),
                           .includes = spec->includes.at,
                           .n_includes = vonk_u32_of(spec->includes.n),
                           .broadcasts = spec->broadcasts.at,
                           .n_broadcasts = vonk_u32_of(spec->broadcasts.n)};
    return spec->barrier ? meet(run, (uint32_t)partition, arena, r, err) : VONK_OK;
}

vonk_status vonk__python_start(vonk_op *op, vonk_lane *lane, python_spec *spec, int32_t partition,
                               const vonk_type *expected, python_run **ret, vonk_error *err)
{
    const vonk_exec_python *python = op->exec->env.python;
    python_run *run = NULL;
    vonk_py_request request;
    if (!python)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "functions of Python without workers to run them");
    VONK_TRY(VONK_NEW(op->budget, &run, err));
    *run = (python_run){.op = op, .budget = op->budget, .spec = spec, .expected = expected};
    vonk_status st = fill_request(run, python, partition, lane->scratch, &request, err);
    if (st == VONK_OK) st = vonk_py_task_start(python->pool, &python->env, &request, run->budget, &run->task, err);
    if (st != VONK_OK) {
        vonk__python_free(run);
        return st;
    }
    *ret = run;
    return VONK_OK;
}

static void wake(void *token) { vonk_wake_up(token); }

/* The watch is over, whether or not it has told the token. */
static void end_watch(python_run *run)
{
    vonk_wake *token = VONK_STEAL(run->token);
    if (token && vonk_py_task_unwatch(run->task)) vonk_wake_up(token);
}

void vonk__python_free(python_run *run)
{
    if (!run) return;
    if (run->task) end_watch(run);
    vonk_py_task_free(run->task);
    vonk_ipc_reader_free(run->reader);
    vonk_free(run);
}

const python_spec *vonk__python_spec_of(const python_run *run) { return run->spec; }
vonk_budget *vonk__python_budget_of(const python_run *run) { return run->budget; }

/* ---- input */

bool vonk__python_is_hungry(const python_run *run) { return run->left < ENOUGH_BYTES; }

static vonk_buf *out_of(python_run *run)
{
    assert(!run->has_ended);
    return vonk_py_task_out(run->task);
}

vonk_status vonk__python_knows_groups(python_run *run, bool *ret_known, vonk_error *err)
{
    vonk_py_version version = VONK_PY_4_3;
    VONK_TRY(vonk_py_task_version(run->task, ret_known, &version, err));
    run->whole_groups = version == VONK_PY_4_0 && vonk_py_shape_of(run->spec->eval) == VONK_PY_SHAPE_GROUPS;
    return VONK_OK;
}

bool vonk__python_wants_whole_groups(const python_run *run) { return run->whole_groups; }

static vonk_status begin_stream(python_run *run, const vonk_type *struct_type, vonk_error *err)
{
    if (run->has_schema) return VONK_OK;
    run->has_schema = true;
    return vonk_ipc_write_schema(struct_type, &run->spec->ipc, run->budget, out_of(run), err);
}

vonk_status vonk__python_put(python_run *run, const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                             vonk_error *err)
{
    vonk_buf *out = out_of(run);
    VONK_TRY(begin_stream(run, struct_type, err));
    VONK_TRY(vonk_ipc_write_batch(batches, n, struct_type, &run->spec->ipc, out, err));
    run->left = out->len;
    return VONK_OK;
}

vonk_status vonk__python_end_stream(python_run *run, const vonk_type *struct_type, vonk_error *err)
{
    VONK_TRY(begin_stream(run, struct_type, err));
    if (run->whole_groups) return VONK_OK;
    run->has_schema = false;
    return vonk_ipc_write_end(out_of(run), err);
}

vonk_status vonk__python_put_mark(python_run *run, int32_t mark, vonk_error *err)
{
    return run->whole_groups ? VONK_OK : vonk_py_mark(out_of(run), mark, err);
}

vonk_status vonk__python_put_pickle(python_run *run, const vonk_batch *batch, const vonk_type *struct_type,
                                    const vonk_pickle_options *options, vonk_error *err)
{
    vonk_buf *out = out_of(run);
    const size_t at = out->len;
    VONK_TRY(vonk_py_mark(out, 0, err)); /* the length, when it is known */
    VONK_TRY(vonk_pickle_write_rows(batch, struct_type, options, out, err));
    const size_t bytes = out->len - at - 4;
    if (bytes > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "2 GiB of rows for a Python worker in one piece");
    const uint32_t length = __builtin_bswap32(vonk_u32_of(bytes));
    memcpy(out->data + at, &length, sizeof length);
    run->left = out->len;
    return VONK_OK;
}

vonk_status vonk__python_end(python_run *run, vonk_error *err)
{
    assert(!run->has_ended && (!run->has_schema || run->whole_groups));
    if (run->has_schema) VONK_TRY(vonk_ipc_write_end(out_of(run), err));
    run->has_schema = false;
    VONK_TRY(vonk_py_task_end_input(run->task, err));
    run->has_ended = true;
    return VONK_OK;
}

/* ---- answers */

/* Depth is that of a type. */
static bool fits(const vonk_type *got, const vonk_type *wanted)
{
    if (got->id == VONK_T_UDT) got = got->fields[0].type;
    if (wanted->id == VONK_T_UDT) wanted = wanted->fields[0].type;
    if (vonk_type_is_stringy(got) && vonk_type_is_stringy(wanted)) return true;
    if (got->id != wanted->id || got->storage != wanted->storage || got->n_fields != wanted->n_fields) return false;
    if (got->id == VONK_T_DECIMAL && (got->precision != wanted->precision || got->scale != wanted->scale)) return false;
    for (uint32_t i = 0; i < got->n_fields; i++)
        if (!fits(got->fields[i].type, wanted->fields[i].type)) return false;
    return true;
}

static vonk_status type_texts(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
        VONK_TRY(vonk_type_catalog_string(t->fields[i].type, out, err));
    }
    return vonk_buf_add_byte(out, 0, err);
}

static const char *operation_of(vonk_py_eval eval)
{
    switch ((int)eval) {
    case VONK_PY_MAP_PANDAS_ITER_UDF: return "mapInPandas";
    case VONK_PY_MAP_ARROW_ITER_UDF: return "mapInArrow";
    case VONK_PY_GROUPED_MAP_PANDAS_UDF: return "applyInPandas";
    case VONK_PY_GROUPED_MAP_ARROW_UDF: return "applyInArrow";
    default: return "pandas_udf()";
    }
}

static vonk_status check_types(python_run *run, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf wanted = {0}, got = {0};
    const vonk_type *type = vonk_ipc_reader_type(run->reader);
    if (run->is_checked || !run->expected || fits(type, run->expected)) {
        run->is_checked = true;
        return VONK_OK;
    }
    vonk_buf_init(&wanted, run->budget, SIZE_MAX);
    vonk_buf_init(&got, run->budget, SIZE_MAX);
    VONK_TRY(type_texts(run->expected, &wanted, err));
    VONK_TRY(type_texts(type, &got, err));
    return VONK_FAIL(err, VONK_E_ARROW_TYPE_MISMATCH, "operation", operation_of(run->spec->eval), "outputTypes",
                     wanted.data, "actualDataTypes", got.data);
}

/* *ret NULL: the message was no record batch. */
static vonk_status take_message(python_run *run, vonk_buffer *message, vonk_batch **ret, vonk_error *err)
{
    if (!run->reader) VONK_TRY(vonk_ipc_reader_new_fed(run->budget, "Python worker", &run->reader, err));
    VONK_TRY(vonk_ipc_reader_feed(run->reader, message, ret, err));
    if (!*ret) return VONK_OK;
    const vonk_status st = check_types(run, err);
    if (st != VONK_OK) {
        vonk_batch_unref(*ret);
        *ret = NULL;
    }
    return st;
}

static vonk_status keep_accumulators(python_run *run, vonk_error *err)
{
    vonk_exec *exec = run->op->exec;
    const vonk_py_report *report = vonk_py_task_report(run->task);
    VONK_LOCKED(&exec->lock);
    for (uint32_t i = 0; i < report->n_accumulators; i++) {
        VONK_TRY(VONK_VEC_PUSH(&exec->accumulators, exec->own_budget, report->accumulators[i], err));
        vonk_buffer_ref(report->accumulators[i]);
    }
    return VONK_OK;
}

static vonk_status take_event(python_run *run, vonk_py_event *event, python_news *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bytes = event->bytes;
    switch (event->kind) {
    case VONK_PY_NOTHING: break;
    case VONK_PY_FRAME:
        ret->frame = VONK_STEAL(bytes);
        ret->kind = PYTHON_FRAME;
        break;
    case VONK_PY_ARROW_MESSAGE:
        VONK_TRY(take_message(run, bytes, &ret->batch, err));
        if (ret->batch) ret->kind = PYTHON_BATCH;
        break;
    case VONK_PY_ARROW_END:
        vonk_ipc_reader_free(VONK_STEAL(run->reader));
        run->is_checked = false;
        ret->kind = PYTHON_STREAM_END;
        break;
    case VONK_PY_DONE:
        run->is_done = true;
        ret->kind = PYTHON_DONE;
        return keep_accumulators(run, err);
    }
    return VONK_OK;
}

static vonk_status next_news(python_run *run, python_news *ret, vonk_error *err)
{
    vonk_py_event event = {.kind = VONK_PY_NOTHING};
    *ret = (python_news){.kind = run->is_done ? PYTHON_DONE : PYTHON_NOTHING};
    end_watch(run);
    while (ret->kind == PYTHON_NOTHING) {
        VONK_TRY(vonk_py_task_send(run->task, &run->left, err));
        VONK_TRY(vonk_py_task_next(run->task, &event, err));
        if (event.kind == VONK_PY_NOTHING) return VONK_OK;
        VONK_TRY(take_event(run, &event, ret, err));
    }
    return VONK_OK;
}

vonk_status vonk__python_next(python_run *run, python_news *ret, vonk_error *err)
{
    const vonk_status st = next_news(run, ret, err);
    /* What a barrier task raises because its connection ended says nothing: the barrier knows why. */
    if (st != VONK_E_PYTHON_EXCEPTION || !run->spec->meeting) return st;
    return vonk__python_barrier_failed(run->spec->meeting, err) ? vonk_raised(err->cls) : st;
}

vonk_status vonk__python_wait(python_run *run, vonk_lane *lane, vonk_flow *ret_flow, vonk_error *err)
{
    vonk_wake *token = NULL;
    assert(!run->token && !run->is_done);
    VONK_TRY(vonk_lane_park(lane, &token, err));
    run->token = token;
    const vonk_status st = vonk_py_task_watch(run->task, run->left > 0, wake, token, err);
    if (st != VONK_OK) {
        run->token = NULL;
        vonk_wake_up(token);
        return st;
    }
    *ret_flow = VONK_WAIT;
    return VONK_OK;
}

vonk_status vonk__python_retype(vonk_budget *budget, vonk_column *const *columns, uint32_t n,
                                const vonk_type *const *types, vonk_column **ret, vonk_error *err)
{
    uint32_t i = 0;
    vonk_status st = VONK_OK;
    for (; i < n && st == VONK_OK; i++) {
        ret[i] = NULL;
        st = vonk_column_retype(budget, columns[i], types[i], &ret[i], err);
    }
    while (st != VONK_OK && i-- > 0) {
        vonk_column_unref(ret[i]);
        ret[i] = NULL;
    }
    return st;
}
