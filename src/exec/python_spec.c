/* exec/python_spec.c -- which functions of Python an operator runs, with which arguments and settings. */
#include "exec/python_run.h"

/* ---- settings */

static vonk_status add_pair(vonk_op *op, python_spec *spec, bool runner, const char *key, vonk_str value,
                            vonk_error *err)
{
    vonk_py_pair pair;
    VONK_TRY(vonk_arena_str(op->arena, vonk_str_of(key), &pair.key, err));
    VONK_TRY(vonk_arena_str(op->arena, value, &pair.value, err));
    if (runner) return VONK_VEC_ARENA_PUSH(&spec->runner_conf, op->arena, pair, err);
    return VONK_VEC_ARENA_PUSH(&spec->eval_conf, op->arena, pair, err);
}

vonk_status vonk__python_spec_runner_conf(vonk_op *op, python_spec *spec, const char *key, vonk_str value,
                                          vonk_error *err)
{
    return add_pair(op, spec, true, key, value, err);
}

vonk_status vonk__python_spec_eval_conf(vonk_op *op, python_spec *spec, const char *key, vonk_str value,
                                        vonk_error *err)
{
    return add_pair(op, spec, false, key, value, err);
}

/* Settings of the session that a worker may look at, where they have a value. Sizes and numbers go as plain numbers. */
static const struct {
    const char *key;
    bool is_number;
} settings[] = {
    {"spark.sql.session.timeZone", false},
    {"spark.sql.execution.arrow.maxBytesPerBatch", true},
    {"spark.sql.execution.arrow.maxRecordsPerBatch", true},
    {"spark.sql.execution.arrow.useLargeVarTypes", false},
    {"spark.sql.execution.pandas.convertToArrowArraySafely", false},
    {"spark.sql.execution.pyspark.binaryAsBytes", false},
    {"spark.sql.execution.pythonUDF.arrow.concurrency.level", true},
    {"spark.sql.execution.pythonUDF.mapInBatch.legacy.acceptAnyIterable.enabled", false},
    {"spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled", false},
    {"spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype", false},
    {"spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName", false},
    {"spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled", false},
    {"spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled", false},
    {"spark.sql.pyspark.dataSource.profiler", false},
    {"spark.sql.pyspark.udf.profiler", false},
};

static vonk_status add_settings(vonk_op *op, python_spec *spec, vonk_error *err)
{
    const vonk_conf *conf = vonk_exec_conf(op->exec);
    char number[24];
    for (size_t i = 0; i < VONK_COUNTOF(settings); i++) {
        vonk_str value = vonk_conf_get(conf, settings[i].key);
        if (!value.data) continue;
        vonk_format(number, sizeof number, "%lld", (long long)vonk_conf_i64(conf, settings[i].key));
        if (settings[i].is_number) value = vonk_str_of(number);
        VONK_TRY(vonk__python_spec_runner_conf(op, spec, settings[i].key, value, err));
    }
    return VONK_OK;
}

static vonk_compression codec_of(const vonk_conf *conf)
{
    const vonk_str name = vonk_conf_get(conf, "spark.sql.execution.arrow.compression.codec");
    if (vonk_str_is_nocase(name, "zstd")) return VONK_COMPRESS_ZSTD;
    return vonk_str_is_nocase(name, "lz4") ? VONK_COMPRESS_LZ4_FRAME : VONK_COMPRESS_NONE;
}

static void set_sizes(const vonk_conf *conf, python_spec *spec)
{
    const bool pickles = vonk_py_shape_of(spec->eval) == VONK_PY_SHAPE_PICKLES;
    const int64_t rows = vonk_conf_i64(conf, pickles ? "spark.sql.execution.python.udf.maxRecordsPerBatch"
                                                     : "spark.sql.execution.arrow.maxRecordsPerBatch");
    const int64_t bytes = vonk_conf_i64(conf, pickles ? "spark.sql.execution.python.udf.maxBytesPerBatch"
                                                      : "spark.sql.execution.arrow.maxBytesPerBatch");
    spec->batch_rows = rows > 0 && rows < INT32_MAX ? (uint32_t)rows : INT32_MAX;
    spec->batch_bytes = bytes > 0 ? (uint64_t)bytes : UINT64_MAX;
}

vonk_status vonk__python_spec_init(vonk_op *op, vonk_py_eval eval, python_spec *spec, vonk_error *err)
{
    const vonk_conf *conf = vonk_exec_conf(op->exec);
    spec->eval = eval;
    spec->ipc = (vonk_ipc_options)VONK_IPC_OPTIONS;
    spec->ipc.timezone = vonk_conf_get(conf, "spark.sql.session.timeZone");
    spec->ipc.large = vonk_conf_bool(conf, "spark.sql.execution.arrow.useLargeVarTypes");
    spec->ipc.compression = codec_of(conf);
    if (spec->ipc.compression == VONK_COMPRESS_ZSTD)
        spec->ipc.level = (int32_t)vonk_conf_i64(conf, "spark.sql.execution.arrow.compression.zstd.level");
    set_sizes(conf, spec);
    return add_settings(op, spec, err);
}

/* ---- functions */

static vonk_status add_includes(vonk_op *op, python_spec *spec, const vonk_str *names, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        bool has = false;
        for (size_t k = 0; k < spec->includes.n; k++) has |= vonk_str_eq(spec->includes.at[k], names[i]);
        if (!has) VONK_TRY(VONK_VEC_ARENA_PUSH(&spec->includes, op->arena, names[i], err));
    }
    return VONK_OK;
}

static vonk_status add_broadcasts(vonk_op *op, python_spec *spec, const vonk_python_fn *fn, vonk_error *err)
{
    const vonk_py_broadcast *all = NULL;
    VONK_TRY(vonk_python_fn_broadcasts(fn, op->arena, &all, err));
    for (uint32_t i = 0; i < fn->n_broadcasts; i++) {
        bool has = false;
        for (size_t k = 0; k < spec->broadcasts.n; k++) has |= spec->broadcasts.at[k].id == all[i].id;
        if (!has) VONK_TRY(VONK_VEC_ARENA_PUSH(&spec->broadcasts, op->arena, all[i], err));
    }
    return VONK_OK;
}

static vonk_status add_function(vonk_op *op, python_spec *spec, const vonk_python_fn *fn, vonk_error *err)
{
    const vonk_exec_python *python = op->exec->env.python;
    if (!spec->fn) {
        spec->fn = fn;
        if (python) VONK_TRY(add_includes(op, spec, python->includes, python->n_includes, err));
    }
    VONK_TRY(add_broadcasts(op, spec, fn, err));
    return add_includes(op, spec, fn->includes, fn->n_includes, err);
}

static bool is_chained(const vonk_expr *call)
{
    return call->n_children == 1 && call->children[0]->kind == VONK_EX_PYTHON &&
           call->children[0]->python->role == VONK_PY_ROLE_SCALAR;
}

/* The functions of f(g(x)): g, then f. */
static vonk_status add_chain(vonk_op *op, python_spec *spec, const vonk_expr *call, const vonk_expr **ret_inner,
                             vonk_py_udf *udf, vonk_error *err)
{
    vonk_str *commands = NULL;
    uint32_t n = 1;
    for (const vonk_expr *e = call; is_chained(e); e = e->children[0]) n++;
    VONK_TRY(vonk_arena_array(op->arena, n, sizeof *commands, &commands, err));
    udf->commands = commands;
    udf->n_commands = n;
    for (*ret_inner = call;; *ret_inner = (*ret_inner)->children[0]) {
        commands[--n] = (*ret_inner)->python->command;
        VONK_TRY(add_function(op, spec, (*ret_inner)->python, err));
        if (n == 0) return VONK_OK;
    }
}

/* Place of an argument among all; one that is computed for each call anew is shared with none. */
static vonk_status offset_of(vonk_op *op, python_spec *spec, const vonk_expr *e, int32_t *ret, vonk_error *err)
{
    for (size_t i = 0; i < spec->args.n && vonk_expr_is_deterministic(e); i++)
        if (vonk_expr_equal(spec->args.at[i], e)) {
            *ret = (int32_t)i;
            return VONK_OK;
        }
    *ret = (int32_t)spec->args.n;
    return VONK_VEC_ARENA_PUSH(&spec->args, op->arena, e, err);
}

/* Profilers tell functions apart by this number. */
static int64_t result_id_of(const vonk_expr *call) { return (int64_t)call->id; }

vonk_status vonk__python_spec_call(vonk_op *op, python_spec *spec, const vonk_expr *call, vonk_error *err)
{
    vonk_py_udf udf = {.result_id = result_id_of(call)};
    const vonk_expr *inner = NULL;
    vonk_py_arg *args = NULL;
    VONK_TRY(add_chain(op, spec, call, &inner, &udf, err));
    VONK_TRY(vonk_arena_array(op->arena, inner->n_children + 1, sizeof *args, &args, err));
    for (uint32_t i = 0; i < inner->n_children; i++) {
        VONK_TRY(offset_of(op, spec, inner->children[i], &args[i].offset, err));
        if (i < inner->n_parts) args[i].name = inner->parts[i];
    }
    udf.args = args;
    udf.n_args = inner->n_children;
    return VONK_VEC_ARENA_PUSH(&spec->udfs, op->arena, udf, err);
}

vonk_status vonk__python_spec_offsets(vonk_op *op, python_spec *spec, const vonk_expr *call, const int32_t *offsets,
                                      uint32_t n, vonk_error *err)
{
    vonk_py_udf udf = {.result_id = result_id_of(call)};
    const vonk_expr *inner = NULL;
    vonk_py_arg *args = NULL;
    VONK_TRY(add_chain(op, spec, call, &inner, &udf, err));
    VONK_TRY(vonk_arena_array(op->arena, n + 1, sizeof *args, &args, err));
    for (uint32_t i = 0; i < n; i++) args[i].offset = offsets[i];
    udf.args = args;
    udf.n_args = n;
    return VONK_VEC_ARENA_PUSH(&spec->udfs, op->arena, udf, err);
}

/* ---- types */

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk__python_keep_type(vonk_op *op, const vonk_type *take_type, const vonk_type **ret, vonk_error *err)
{
    *ret = take_type;
    return vonk_arena_on_free(op->arena, drop_type, (void *)take_type, err);
}

vonk_status vonk__python_spec_arg_type(vonk_op *op, const python_spec *spec, const vonk_type **ret, vonk_error *err)
{
    vonk_field *fields = NULL;
    const vonk_type *type = NULL;
    VONK_TRY(vonk_arena_array(op->arena, spec->args.n + 1, sizeof *fields, &fields, err));
    for (size_t i = 0; i < spec->args.n; i++) {
        VONK_TRY(vonk_arena_printf(op->arena, &fields[i].name, err, "_%zu", i));
        fields[i].type = spec->args.at[i]->type;
        fields[i].nullable = true;
    }
    VONK_TRY(vonk_type_struct(fields, spec->args.n, &type, err));
    return vonk__python_keep_type(op, type, ret, err);
}

static void set_pickle_options(const vonk_op *op, python_spec *spec)
{
    const vonk_conf *conf = vonk_exec_conf(op->exec);
    spec->pickle_options =
        (vonk_pickle_options){.timezone = vonk_conf_get(conf, "spark.sql.session.timeZone"),
                              .internal = true,
                              .bytearrays = !vonk_conf_bool(conf, "spark.sql.execution.pyspark.binaryAsBytes")};
    for (uint32_t i = 0; i < spec->arg_type->n_fields; i++)
        spec->pickle_options.named |= vonk_pickle_needs_converter(spec->arg_type->fields[i].type);
}

vonk_status vonk__python_spec_args(vonk_op *op, python_spec *spec, vonk_error *err)
{
    VONK_TRY(vonk__python_spec_arg_type(op, spec, &spec->arg_type, err));
    spec->pickles = vonk_py_shape_of(spec->eval) == VONK_PY_SHAPE_PICKLES;
    set_pickle_options(op, spec);
    return VONK_OK;
}

vonk_status vonk__python_spec_tell_types(vonk_op *op, python_spec *spec, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, op->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(spec->arg_type, &json, err));
    return vonk__python_spec_eval_conf(op, spec, "input_type", vonk_buf_str(&json), err);
}
