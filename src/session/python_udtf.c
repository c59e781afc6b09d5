/* session/python_udtf.c -- asks a table function for its columns: one worker of pyspark.sql.worker.analyze_udtf, which
 * runs the function's `analyze`. The caller's thread waits: an analysis is not run by the pool of queries. */
#include "codec/pickle.h"
#include "session/session_int.h"
#include "sys/clock.h"

enum { MOST_ITEMS = 100000 }; /* of a list in an answer */
#define EXCEPTION_MARK (-2)
#define END_MARK (-4)

typedef struct asking {
    vonk_arena *arena;
    vonk_budget *budget;
    vonk_py_worker *worker;
    vonk_buf *out;
} asking;

/* ---- the request */

static vonk_status put_bool(asking *a, bool value, vonk_error *err)
{
    return vonk_buf_add_byte(a->out, value ? 1 : 0, err);
}

static vonk_status put_int(asking *a, uint32_t value, vonk_error *err)
{
    const uint32_t wire = __builtin_bswap32(value);
    return vonk_buf_append(a->out, &wire, sizeof wire, err);
}

static vonk_status put_text(asking *a, vonk_str text, vonk_error *err)
{
    VONK_TRY(put_int(a, vonk_u32_of(text.len), err));
    return vonk_buf_append(a->out, text.data, text.len, err);
}

static vonk_status put_head(asking *a, const vonk_exec_python *python, const vonk_python_fn *fn, const vonk_conf *conf,
                            vonk_error *err)
{
    static const char profiler[] = "spark.sql.pyspark.dataSource.profiler";
    const vonk_str profile = vonk_conf_get(conf, profiler);
    const vonk_py_broadcast *broadcasts = NULL;
    VONK_TRY(put_text(a, fn->python_version, err));
    VONK_TRY(put_text(a, python->files_folder, err));
    VONK_TRY(put_int(a, python->n_includes, err));
    for (uint32_t i = 0; i < python->n_includes; i++) VONK_TRY(put_text(a, python->includes[i], err));
    VONK_TRY(vonk_python_fn_broadcasts(fn, a->arena, &broadcasts, err));
    VONK_TRY(vonk_py_put_broadcasts(a->out, broadcasts, fn->n_broadcasts, err));
    VONK_TRY(put_int(a, profile.data ? 1 : 0, err));
    if (profile.data) {
        VONK_TRY(put_text(a, vonk_str_of(profiler), err));
        VONK_TRY(put_text(a, profile, err));
    }
    VONK_TRY(put_text(a, fn->name, err));
    return put_text(a, fn->command, err);
}

/* The value alone, out of a list of one row. */
static vonk_status put_constant(asking *a, const vonk_udtf_arg *arg, vonk_error *err)
{
    const vonk_field field = {.name = VONK_STR("_0"), .type = arg->type, .nullable = true};
    const vonk_pickle_options options = {.timezone = VONK_STR("UTC"), .internal = true};
    VONK_AUTO(vonk_type_unref) const vonk_type *row = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf rows = {0}, pickle = {0};
    vonk_column *value = arg->value;
    const vonk_pickle_value *list = NULL;
    size_t n_read = 0;
    vonk_buf_init(&rows, a->budget, SIZE_MAX);
    vonk_buf_init(&pickle, a->budget, SIZE_MAX);
    VONK_TRY(vonk_type_struct(&field, 1, &row, err));
    VONK_TRY(vonk_batch_new(a->budget, 1, &value, 1, &batch, err));
    VONK_TRY(vonk_pickle_write_rows(batch, row, &options, &rows, err));
    VONK_TRY(vonk_pickle_read(vonk_buf_str(&rows), a->arena, &list, &n_read, err));
    if (list->n_items != 1 || list->items[0]->n_items != 1)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a constant does not make a pickle");
    VONK_TRY(vonk_pickle_write(list->items[0]->items[0], &pickle, err));
    return put_text(a, vonk_buf_str(&pickle), err);
}

static vonk_status put_arg(asking *a, const vonk_udtf_arg *arg, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, a->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(arg->type, &json, err));
    VONK_TRY(put_text(a, vonk_buf_str(&json), err));
    VONK_TRY(put_bool(a, arg->value != NULL, err));
    if (arg->value) VONK_TRY(put_constant(a, arg, err));
    VONK_TRY(put_bool(a, arg->is_table, err));
    VONK_TRY(put_bool(a, arg->name.len > 0, err));
    return arg->name.len > 0 ? put_text(a, arg->name, err) : VONK_OK;
}

static vonk_status send_all(asking *a, vonk_error *err)
{
    for (;;) {
        bool there = false;
        size_t left = 0;
        VONK_TRY(vonk_py_worker_ready(a->worker, &there, err));
        if (there) {
            VONK_TRY(vonk_py_worker_send(a->worker, &left, err));
            if (left == 0) return VONK_OK;
        }
        vonk_py_worker_wait(a->worker, there, -1);
    }
}

/* ---- the answer */

static vonk_status get_int(asking *a, int32_t *ret, vonk_error *err)
{
    for (;;) {
        bool there = false;
        VONK_TRY(vonk_py_worker_read_i32(a->worker, &there, ret, err));
        if (there) return VONK_OK;
        vonk_py_worker_wait(a->worker, false, -1);
    }
}

static vonk_status garbage(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_PYTHON_WORKER_GARBAGE, "message", "a table function's answer cannot be read");
}

static vonk_status get_bytes(asking *a, int32_t n, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bytes = NULL;
    *ret = VONK_STR_NONE;
    if (n < 0) return garbage(err);
    while (n > 0 && !bytes) {
        VONK_TRY(vonk_py_worker_read(a->worker, (size_t)n, &bytes, err));
        if (!bytes) vonk_py_worker_wait(a->worker, false, -1);
    }
    return bytes ? vonk_arena_str(a->arena, (vonk_str){(const char *)bytes->data, bytes->bytes}, ret, err) : VONK_OK;
}

static vonk_status get_text(asking *a, vonk_str *ret, vonk_error *err)
{
    int32_t n = 0;
    VONK_TRY(get_int(a, &n, err));
    return get_bytes(a, n, ret, err);
}

static vonk_status get_count(asking *a, uint32_t *ret, vonk_error *err)
{
    int32_t n = 0;
    VONK_TRY(get_int(a, &n, err));
    if (n < 0 || n > MOST_ITEMS) return garbage(err);
    *ret = (uint32_t)n;
    return VONK_OK;
}

/* What pyspark itself found wrong needs no traceback. */
static vonk_str reason(vonk_str text)
{
    const vonk_str from = VONK_STR("PySparkValueError:");
    const size_t at = vonk_str_find(text, from, 0);
    return at < text.len ? vonk_str_trim(vonk_str_sub(text, at + from.len, text.len)) : text;
}

/* The columns; or what the function raised, in place of them. */
static vonk_status get_schema(asking *a, const vonk_type **ret, vonk_error *err)
{
    vonk_str text;
    int32_t n = 0;
    VONK_TRY(get_int(a, &n, err));
    if (n == EXCEPTION_MARK) {
        VONK_TRY(get_text(a, &text, err));
        return VONK_FAIL(err, VONK_E_TABLE_VALUED_FUNCTION_FAILED_TO_ANALYZE_IN_PYTHON, "msg", VONK_S(reason(text)));
    }
    VONK_TRY(get_bytes(a, n, &text, err));
    VONK_TRY(vonk_type_parse_json(text, ret, err));
    if ((*ret)->id == VONK_T_STRUCT) return VONK_OK;
    vonk_type_unref(*ret);
    return garbage(err);
}

static vonk_status get_lists(asking *a, vonk_udtf_answer *ret, vonk_error *err)
{
    vonk_str *partition = NULL;
    vonk_udtf_order *order = NULL;
    vonk_udtf_select *select = NULL;
    int32_t flag = 0;
    VONK_TRY(get_int(a, &flag, err));
    ret->single = flag == 1;
    VONK_TRY(get_count(a, &ret->n_partition, err));
    VONK_TRY(vonk_arena_array(a->arena, ret->n_partition + 1, sizeof *partition, &partition, err));
    for (uint32_t i = 0; i < ret->n_partition; i++) VONK_TRY(get_text(a, &partition[i], err));
    VONK_TRY(get_count(a, &ret->n_order, err));
    VONK_TRY(vonk_arena_array(a->arena, ret->n_order + 1, sizeof *order, &order, err));
    for (uint32_t i = 0; i < ret->n_order; i++) {
        VONK_TRY(get_text(a, &order[i].name, err));
        VONK_TRY(get_int(a, &flag, err));
        order[i].ascending = flag == 1;
        VONK_TRY(get_int(a, &order[i].nulls, err));
    }
    VONK_TRY(get_count(a, &ret->n_select, err));
    VONK_TRY(vonk_arena_array(a->arena, ret->n_select + 1, sizeof *select, &select, err));
    for (uint32_t i = 0; i < ret->n_select; i++) {
        VONK_TRY(get_text(a, &select[i].name, err));
        VONK_TRY(get_text(a, &select[i].alias, err));
    }
    ret->partition = partition;
    ret->order = order;
    ret->select = select;
    return VONK_OK;
}

/* Accumulators, which nobody wants here, and whether the worker may be used again. */
static vonk_status get_end(asking *a, bool *ret_reusable, vonk_error *err)
{
    uint32_t n = 0;
    int32_t mark = 0;
    vonk_str ignored;
    VONK_TRY(get_count(a, &n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(get_text(a, &ignored, err));
    VONK_TRY(get_int(a, &mark, err));
    *ret_reusable = mark == END_MARK;
    return VONK_OK;
}

static vonk_status talk(asking *a, const vonk_exec_python *python, const vonk_python_fn *fn, const vonk_conf *conf,
                        const vonk_udtf_arg *args, uint32_t n, vonk_udtf_answer *ret, bool *ret_reusable,
                        vonk_error *err)
{
    VONK_TRY(put_head(a, python, fn, conf, err));
    VONK_TRY(put_int(a, n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(put_arg(a, &args[i], err));
    VONK_TRY(put_int(a, (uint32_t)END_MARK, err));
    VONK_TRY(send_all(a, err));
    VONK_TRY(get_schema(a, &ret->schema, err));
    vonk_status st = get_text(a, &ret->pickled, err);
    if (st == VONK_OK) st = get_lists(a, ret, err);
    if (st == VONK_OK) st = get_end(a, ret_reusable, err);
    if (st != VONK_OK) vonk_type_unref(ret->schema);
    return st;
}

vonk_status vonk__session_ask_udtf(void *arg, const vonk_python_fn *fn, const vonk_udtf_arg *args, uint32_t n,
                                   vonk_arena *arena, vonk_udtf_answer *ret, vonk_error *err)
{
    vonk_session *session = arg;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    const vonk_exec_python *python = NULL;
    bool reusable = false;
    VONK_TRY(vonk__session_python(session, conf, arena, &python, err));
    vonk_py_env env = python->env;
    env.module = VONK_STR("pyspark.sql.worker.analyze_udtf");
    asking a = {.arena = arena, .budget = session->budget};
    VONK_TRY(vonk_py_worker_take(python->pool, &env, session->budget, &a.worker, err));
    a.out = vonk_py_worker_out(a.worker);
    const vonk_status st = talk(&a, python, fn, conf, args, n, ret, &reusable, err);
    vonk_py_worker_give(a.worker, st == VONK_OK && reusable && env.reuse);
    return st;
}
