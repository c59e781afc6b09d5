/* python/protocol.c -- the request that `pyspark.worker` reads before its input, in the form of each version.
 *
 * Numbers are big-endian; texts, and pickles, have their length in front.
 *   4.0  barrier's port and secret always; resources and properties as lists; settings only for Arrow's eval types,
 *        with what else these need between them; a mark whether functions are profiled
 *   4.1  port and secret only for barriers, or -1 and a path
 *   4.2  the task as JSON; settings of the runner and of the eval type always
 *   4.3  all of it as one message with a mark and its length */
#include "python/protocol_int.h"

static vonk_status put_i32(vonk_buf *out, int64_t value, vonk_error *err)
{
    const uint32_t v = __builtin_bswap32((uint32_t)vonk_i32_of(value));
    return vonk_buf_append(out, &v, sizeof v, err);
}

static vonk_status put_i64(vonk_buf *out, int64_t value, vonk_error *err)
{
    const uint64_t v = __builtin_bswap64((uint64_t)value);
    return vonk_buf_append(out, &v, sizeof v, err);
}

static vonk_status put_bool(vonk_buf *out, bool value, vonk_error *err) { return vonk_buf_add_byte(out, value, err); }

static vonk_status put_text(vonk_buf *out, vonk_str text, vonk_error *err)
{
    if (text.len > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "more than 2 GiB for a Python worker in one piece");
    VONK_TRY(put_i32(out, (int64_t)text.len, err));
    return vonk_buf_add_str(out, text, err);
}

vonk_status vonk_py_frame(vonk_buf *out, vonk_str bytes, vonk_error *err) { return put_text(out, bytes, err); }
vonk_status vonk_py_mark(vonk_buf *out, int32_t mark, vonk_error *err) { return put_i32(out, mark, err); }

/* ---- pairs */

static const char profiler_key[] = "spark.sql.pyspark.udf.profiler";

static vonk_str value_of(const vonk_py_pair *pairs, uint32_t n, const char *key)
{
    for (uint32_t i = 0; i < n; i++)
        if (vonk_str_is(pairs[i].key, key)) return pairs[i].value;
    return VONK_STR_NONE;
}

static vonk_status put_pairs(vonk_buf *out, const vonk_py_pair *pairs, uint32_t n, vonk_error *err)
{
    VONK_TRY(put_i32(out, n, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(put_text(out, pairs[i].key, err));
        VONK_TRY(put_text(out, pairs[i].value, err));
    }
    return VONK_OK;
}

/* ---- JSON */

static vonk_status put_json_text(vonk_buf *out, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\')
            VONK_TRY(vonk_buf_printf(out, err, "\\%c", c));
        else if (c < 0x20)
            VONK_TRY(vonk_buf_printf(out, err, "\\u%04x", c));
        else
            VONK_TRY(vonk_buf_add_byte(out, (char)c, err));
    }
    return vonk_buf_add_byte(out, '"', err);
}

/* Port as a number, path as a text. */
static bool is_port(const vonk_py_request *request) { return request->barrier_secret.len > 0; }

static vonk_status put_task_json(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(out, err, "{\"isBarrier\":%s,\"connInfo\":", r->barrier ? "true" : "false"));
    if (!r->barrier)
        VONK_TRY(vonk_buf_add_c(out, "-1", err));
    else if (is_port(r))
        VONK_TRY(vonk_buf_add_str(out, r->barrier_socket, err));
    else
        VONK_TRY(put_json_text(out, r->barrier_socket, err));
    VONK_TRY(vonk_buf_add_c(out, ",\"secret\":", err));
    if (r->barrier && is_port(r))
        VONK_TRY(put_json_text(out, r->barrier_secret, err));
    else
        VONK_TRY(vonk_buf_add_c(out, "null", err));
    VONK_TRY(vonk_buf_printf(
        out, err, ",\"stageId\":%d,\"partitionId\":%d,\"attemptNumber\":%d,\"taskAttemptId\":%lld,\"cpus\":%d",
        r->stage, r->partition, r->attempt, (long long)r->task_id, r->cpus));
    if (version >= VONK_PY_4_3) {
        const vonk_str amount = r->cpu_amount.len ? r->cpu_amount : vonk_str_of(VONK_F("%d", r->cpus));
        VONK_TRY(vonk_buf_printf(out, err, ",\"cpuAmount\":\"%.*s\"", VONK_STR_ARGS(amount)));
    }
    VONK_TRY(vonk_buf_add_c(out, ",\"resources\":", err));
    VONK_TRY(vonk_buf_add_str(out, r->resources_json.len ? r->resources_json : VONK_STR("{}"), err));
    VONK_TRY(vonk_buf_add_c(out, ",\"localProperties\":{", err));
    for (uint32_t i = 0; i < r->n_properties; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(put_json_text(out, r->properties[i].key, err));
        VONK_TRY(vonk_buf_add_byte(out, ':', err));
        VONK_TRY(put_json_text(out, r->properties[i].value, err));
    }
    return vonk_buf_add_c(out, "}}", err);
}

/* Room for a length that is known later. */
static vonk_status put_length_later(vonk_buf *out, size_t *ret_at, vonk_error *err)
{
    VONK_TRY(put_i32(out, 0, err));
    *ret_at = out->len;
    return VONK_OK;
}

static void set_length(vonk_buf *out, size_t at)
{
    const uint32_t v = __builtin_bswap32(vonk_u32_of(out->len - at));
    memcpy(out->data + at - 4, &v, 4);
}

/* ---- the task */

static vonk_status put_task_old(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    const bool with_port = !r->barrier || is_port(r);
    if (version == VONK_PY_4_0 && !with_port)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "barriers over Unix sockets with pyspark 4.0");
    if (r->resources_json.len && !vonk_str_is(r->resources_json, "{}"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "resources of tasks with pyspark 4.0 and 4.1");
    VONK_TRY(put_bool(out, r->barrier, err));
    if (r->barrier || version == VONK_PY_4_0) {
        int64_t port = 0;
        for (size_t i = 0; r->barrier && with_port && i < vonk_min_size(r->barrier_socket.len, 5); i++)
            port = port * 10 + (r->barrier_socket.data[i] - '0');
        VONK_TRY(put_i32(out, with_port ? port : -1, err));
        const vonk_str secret = r->barrier ? r->barrier_secret : VONK_STR_NONE;
        VONK_TRY(put_text(out, with_port ? secret : r->barrier_socket, err));
    }
    VONK_TRY(put_i32(out, r->stage, err));
    VONK_TRY(put_i32(out, r->partition, err));
    VONK_TRY(put_i32(out, r->attempt, err));
    VONK_TRY(put_i64(out, r->task_id, err));
    VONK_TRY(put_i32(out, r->cpus, err));
    VONK_TRY(put_i32(out, 0, err)); /* resources */
    return put_pairs(out, r->properties, r->n_properties, err);
}

static vonk_status put_task(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    size_t at;
    if (version < VONK_PY_4_2) return put_task_old(version, r, out, err);
    VONK_TRY(put_length_later(out, &at, err));
    VONK_TRY(put_task_json(version, r, out, err));
    set_length(out, at);
    return VONK_OK;
}

vonk_status vonk_py_put_broadcasts(vonk_buf *out, const vonk_py_broadcast *broadcasts, uint32_t n, vonk_error *err)
{
    VONK_TRY(put_bool(out, false, err)); /* they are not encrypted */
    VONK_TRY(put_i32(out, n, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(put_i64(out, broadcasts[i].id, err));
        if (broadcasts[i].id >= 0) VONK_TRY(put_text(out, broadcasts[i].path, err));
    }
    return VONK_OK;
}

static vonk_status put_files(const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(put_text(out, r->files_folder, err));
    VONK_TRY(put_i32(out, r->n_includes, err));
    for (uint32_t i = 0; i < r->n_includes; i++) VONK_TRY(put_text(out, r->includes[i], err));
    return vonk_py_put_broadcasts(out, r->broadcasts, r->n_broadcasts, err);
}

/* ---- functions */

static bool is_known(vonk_py_version version, vonk_py_eval eval)
{
    if (version >= VONK_PY_4_2) return true;
    if (eval == VONK_PY_GROUPED_AGG_PANDAS_ITER_UDF || eval == VONK_PY_GROUPED_AGG_ARROW_ITER_UDF) return false;
    if (version == VONK_PY_4_1) return true;
    return eval <= VONK_PY_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF || eval == VONK_PY_TABLE_UDF ||
           eval == VONK_PY_ARROW_TABLE_UDF;
}

/* Before 4.2 only some eval types know arguments by name. */
static bool has_named_args(vonk_py_version version, vonk_py_eval eval)
{
    switch ((int)eval) {
    case VONK_PY_BATCHED_UDF:
    case VONK_PY_ARROW_BATCHED_UDF:
    case VONK_PY_SCALAR_PANDAS_UDF:
    case VONK_PY_GROUPED_AGG_PANDAS_UDF:
    case VONK_PY_WINDOW_AGG_PANDAS_UDF:
    case VONK_PY_SCALAR_PANDAS_ITER_UDF:
    case VONK_PY_TABLE_UDF:
    case VONK_PY_ARROW_TABLE_UDF:
    case VONK_PY_ARROW_UDTF:
    case VONK_PY_SCALAR_ARROW_UDF:
    case VONK_PY_SCALAR_ARROW_ITER_UDF:
    case VONK_PY_GROUPED_AGG_ARROW_UDF:
    case VONK_PY_WINDOW_AGG_ARROW_UDF: return true;
    default: return version >= VONK_PY_4_2;
    }
}

static vonk_status put_args(vonk_py_version version, vonk_py_eval eval, const vonk_py_arg *args, uint32_t n,
                            vonk_buf *out, vonk_error *err)
{
    VONK_TRY(put_i32(out, n, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(put_i32(out, args[i].offset, err));
        if (!has_named_args(version, eval)) continue;
        VONK_TRY(put_bool(out, args[i].name.len > 0, err));
        if (args[i].name.len) VONK_TRY(put_text(out, args[i].name, err));
    }
    return VONK_OK;
}

static vonk_status put_udfs(vonk_py_version version, const vonk_py_request *r, bool with_ids, vonk_buf *out,
                            vonk_error *err)
{
    VONK_TRY(put_i32(out, r->n_udfs, err));
    for (uint32_t i = 0; i < r->n_udfs; i++) {
        const vonk_py_udf *udf = &r->udfs[i];
        VONK_TRY(put_args(version, r->eval, udf->args, udf->n_args, out, err));
        VONK_TRY(put_i32(out, udf->n_commands, err));
        for (uint32_t c = 0; c < udf->n_commands; c++) VONK_TRY(put_text(out, udf->commands[c], err));
        if (with_ids) VONK_TRY(put_i64(out, udf->result_id, err));
    }
    return VONK_OK;
}

static vonk_status put_udtf(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    const vonk_py_udtf *udtf = r->udtf;
    VONK_TRY(put_args(version, r->eval, udtf->args, udtf->n_args, out, err));
    VONK_TRY(put_i32(out, udtf->n_partition_columns, err));
    for (uint32_t i = 0; i < udtf->n_partition_columns; i++) VONK_TRY(put_i32(out, udtf->partition_columns[i], err));
    VONK_TRY(put_bool(out, udtf->analyze_result.len > 0, err));
    if (udtf->analyze_result.len) VONK_TRY(put_text(out, udtf->analyze_result, err));
    VONK_TRY(put_text(out, udtf->handler, err));
    VONK_TRY(put_text(out, udtf->return_type, err));
    return put_text(out, udtf->name, err);
}

/* ---- settings before 4.2 */

static vonk_str eval_value(const vonk_py_request *r, const char *key)
{
    return value_of(r->eval_conf, r->n_eval_conf, key);
}

/* A number of at most 9 digits; -1: it is none. */
static int32_t small_number(vonk_str text)
{
    int32_t v = text.len && text.len <= 9 ? 0 : -1;
    for (size_t i = 0; v >= 0 && i < text.len; i++)
        v = text.data[i] >= '0' && text.data[i] <= '9' ? v * 10 + (text.data[i] - '0') : -1;
    return v;
}

static vonk_status put_table_offsets(const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    const vonk_str text = eval_value(r, "table_arg_offsets");
    const size_t at = out->len;
    uint32_t n = 0;
    VONK_TRY(put_i32(out, 0, err));
    for (size_t from = 0; from < text.len;) {
        size_t end = vonk_str_find_byte(text, ',', from);
        if (end == SIZE_MAX) end = text.len;
        const int32_t offset = small_number(vonk_str_trim(vonk_str_sub(text, from, end)));
        from = end + 1;
        if (offset < 0) continue;
        VONK_TRY(put_i32(out, offset, err));
        n++;
    }
    n = __builtin_bswap32(n);
    memcpy(out->data + at, &n, 4);
    return VONK_OK;
}

static vonk_status put_state_server(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    const vonk_str server = eval_value(r, "state_server_socket_port");
    const int32_t port = small_number(server);
    if (port < 0 && version == VONK_PY_4_0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "state over Unix sockets with pyspark 4.0");
    VONK_TRY(put_i32(out, port, err));
    if (port < 0) VONK_TRY(put_text(out, server, err));
    return put_text(out, eval_value(r, "grouping_key_schema"), err);
}

static vonk_status put_conf_old(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    const bool has_profiler = value_of(r->runner_conf, r->n_runner_conf, profiler_key).data != NULL;
    VONK_TRY(put_i32(out, (int64_t)r->n_runner_conf - has_profiler, err));
    for (uint32_t i = 0; i < r->n_runner_conf; i++) {
        if (vonk_str_is(r->runner_conf[i].key, profiler_key)) continue;
        const bool is_old = version == VONK_PY_4_0 && vonk_str_is(r->runner_conf[i].key, "window_bound_types");
        VONK_TRY(put_text(out, is_old ? VONK_STR("pandas_window_bound_types") : r->runner_conf[i].key, err));
        VONK_TRY(put_text(out, r->runner_conf[i].value, err));
    }
    switch ((int)r->eval) {
    case VONK_PY_GROUPED_MAP_PANDAS_UDF_WITH_STATE: return put_text(out, eval_value(r, "state_value_schema"), err);
    case VONK_PY_TRANSFORM_WITH_STATE_PANDAS_UDF:
    case VONK_PY_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF:
    case VONK_PY_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF:
    case VONK_PY_TRANSFORM_WITH_STATE_PYTHON_ROW_INIT_STATE_UDF: return put_state_server(version, r, out, err);
    case VONK_PY_ARROW_BATCHED_UDF:
    case VONK_PY_ARROW_TABLE_UDF:
        return version >= VONK_PY_4_1 ? put_text(out, eval_value(r, "input_type"), err) : VONK_OK;
    case VONK_PY_ARROW_UDTF: return put_table_offsets(r, out, err);
    default: return VONK_OK;
    }
}

static bool is_udtf(vonk_py_eval eval)
{
    return eval == VONK_PY_TABLE_UDF || eval == VONK_PY_ARROW_TABLE_UDF || eval == VONK_PY_ARROW_UDTF;
}

static vonk_status put_command_old(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    if (r->eval == VONK_PY_PLAIN) return put_text(out, r->command, err);
    if (r->eval != VONK_PY_BATCHED_UDF && r->eval != VONK_PY_TABLE_UDF) VONK_TRY(put_conf_old(version, r, out, err));
    if (is_udtf(r->eval)) return put_udtf(version, r, out, err);
    const vonk_str profiler = value_of(r->runner_conf, r->n_runner_conf, profiler_key);
    VONK_TRY(put_bool(out, profiler.len > 0, err));
    if (profiler.len) VONK_TRY(put_text(out, profiler, err));
    return put_udfs(version, r, profiler.len > 0, out, err);
}

static vonk_status put_command(vonk_py_version version, const vonk_py_request *r, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(put_i32(out, r->eval, err));
    if (version < VONK_PY_4_2) return put_command_old(version, r, out, err);
    VONK_TRY(put_pairs(out, r->runner_conf, r->n_runner_conf, err));
    VONK_TRY(put_pairs(out, r->eval_conf, r->n_eval_conf, err));
    if (r->eval == VONK_PY_PLAIN) return put_text(out, r->command, err);
    return is_udtf(r->eval) ? put_udtf(version, r, out, err) : put_udfs(version, r, true, out, err);
}

/* ---- all of it */

vonk_status vonk_py_request_encode(vonk_py_version version, const vonk_py_request *request, vonk_buf *out,
                                   vonk_error *err)
{
    size_t at = 0;
    assert(!is_udtf(request->eval) || request->udtf);
    if (!is_known(version, request->eval))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("eval type %d with pyspark 4.%d", request->eval, version));
    if (version >= VONK_PY_4_3) {
        VONK_TRY(put_i32(out, PY_START_OF_INIT, err));
        VONK_TRY(put_length_later(out, &at, err));
    }
    VONK_TRY(put_i32(out, request->partition, err));
    VONK_TRY(put_text(out, request->python_version, err));
    VONK_TRY(put_task(version, request, out, err));
    VONK_TRY(put_files(request, out, err));
    VONK_TRY(put_command(version, request, out, err));
    if (at) set_length(out, at);
    return VONK_OK;
}
