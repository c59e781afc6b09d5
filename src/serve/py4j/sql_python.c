/* serve/py4j/sql_python.c -- functions of Python in SQL: UserDefinedPythonFunction, mapInPandas, tables of functions.
 */
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/sql.h"

typedef struct udf {
    vonk__j_object head;
    vonk__j_value name;
    vonk__j_function *function;
    vonk__j_type *returns;
    int32_t eval;
    bool deterministic;
} udf;
#define J_UDF "org.apache.spark.sql.execution.python.UserDefinedPythonFunction"

static void udf_drop(vonk__j_object *self)
{
    udf *u = (udf *)self;
    vonk__j_object *held[] = {(vonk__j_object *)u->function, (vonk__j_object *)u->returns};
    u->function = NULL;
    u->returns = NULL;
    vonk__j_unref(&u->name);
    for (size_t i = 0; i < VONK_COUNTOF(held); i++) vonk__j_object_unref(held[i]);
}

/* The other arguments offer the function as an expression, which is only a faster way to the same. */
static vonk_status udf_new(vonk__j_call *call, vonk_error *err)
{
    udf *made = NULL;
    for (uint32_t i = 0; i < 3; i++) VONK_TRY(vonk__j_need(call, i, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_UDF, &made, err));
    made->name = vonk__j_ref(call->args[0]);
    made->function = (vonk__j_function *)vonk__j_object_ref(call->args[1].object);
    made->returns = (vonk__j_type *)vonk__j_object_ref(call->args[2].object);
    made->eval = (int32_t)call->args[3].i;
    made->deterministic = call->args[4].i;
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* The fields of a CommonInlineUserDefinedFunction. */
static void put_function(vonk__j_message *m, const udf *u, const vonk__j_value *name, const vonk__j_value *args)
{
    const vonk__j_value returns = {.kind = VONK__J_OBJECT, .object = &u->returns->head};
    vonk__j_put_text(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_FUNCTION_NAME, name);
    vonk_pb_put_i64(&m->w, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_DETERMINISTIC, u->deterministic);
    if (args) vonk__j_put_values(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_ARGUMENTS, args);
    vonk__j_use_function(m, u->function);
    const size_t mark = vonk_pb_begin(&m->w, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_PYTHON_UDF);
    vonk__j_put_type(m, PB_PYTHON_UDF_OUTPUT_TYPE, &returns);
    vonk_pb_put_i64(&m->w, PB_PYTHON_UDF_EVAL_TYPE, u->eval);
    vonk_pb_put_str(&m->w, PB_PYTHON_UDF_COMMAND, vonk__j_str(&u->function->command));
    vonk__j_put_text(m, PB_PYTHON_UDF_PYTHON_VER, &u->function->version);
    if (u->function->includes) {
        const vonk__j_value includes = {.kind = VONK__J_OBJECT, .object = u->function->includes};
        vonk__j_put_texts(m, PB_PYTHON_UDF_ADDITIONAL_INCLUDES, &includes);
    }
    vonk_pb_end(&m->w, mark);
}

static vonk_status udf_apply(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const udf *u = (udf *)call->self;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_COMMON_INLINE_USER_DEFINED_FUNCTION);
    put_function(&m, u, &u->name, &call->args[0]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

/* How a function of rows, or one that makes a table, becomes a message, and what that means. */
typedef struct function_kind {
    void (*put)(vonk__j_message *m, const udf *u, const vonk__j_value *name, const vonk__j_value *args);
    vonk_status (*translate)(vonk_translator *t, const vonk_pb_msg *function, const vonk_python_fn **ret,
                             vonk_error *err);
    int message;
} function_kind;

static vonk_status register_kind(vonk__j_call *call, const function_kind *kind, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    vonk__j_session *session = vonk__j_session_of(call);
    const vonk_pb_msg *function = NULL;
    vonk_translator t;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(vonk__j_message_open(&m, call, session, err));
    kind->put(&m, (udf *)call->args[1].object, &call->args[0], NULL);
    VONK_TRY(m.status);
    VONK_TRY(vonk_pb_writer_end(&m.w));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, kind->message, vonk_buf_str(&m.buf), VONK_PB_MAX_DEPTH, m.arena,
                            &function, err));
    vonk__j_translator(&m, &t);
    VONK_TRY(kind->translate(&t, function, &fn, err));
    return vonk_session_put_function(session->session, fn, err);
}

static vonk_status register_python(vonk__j_call *call, vonk_error *err)
{
    static const function_kind kind = {put_function, vonk_translate_function, PB_M_COMMON_INLINE_USER_DEFINED_FUNCTION};
    return register_kind(call, &kind, err);
}

static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%s of functions in Java", call->member->name));
}

/* ---- mapInPandas, mapInArrow: the column is the call of the function; only the function counts */

vonk_status vonk__j_map_partitions(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_dataset *self = (vonk__j_dataset *)call->self;
    const vonk_pb_msg *e = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->args[2].kind != VONK__J_NULL)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "resource profiles of DataFrames");
    VONK_TRY(vonk__j_message_open(&m, call, self->session, err));
    VONK_TRY(vonk__j_decode_column(&m, (vonk__j_column *)call->args[0].object, &e, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_MAP_PARTITIONS);
    vonk__j_put_input(&m, PB_MAP_PARTITIONS_INPUT, self);
    vonk_pb_put_msg(&m.w, PB_MAP_PARTITIONS_FUNC,
                    vonk_pb_get_msg(e, PB_EXPRESSION_COMMON_INLINE_USER_DEFINED_FUNCTION));
    vonk_pb_put_i64(&m.w, PB_MAP_PARTITIONS_IS_BARRIER, call->args[1].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* ---- functions that give tables */

#define J_UDTF "org.apache.spark.sql.execution.python.UserDefinedPythonTableFunction"
#define J_TABLE_ARG "org.apache.spark.sql.TableArg"

static vonk_status udtf_new(vonk__j_call *call, vonk_error *err)
{
    udf *made = NULL;
    const bool typed = call->n_args == 5;
    for (uint32_t i = 0; i < 2u + typed; i++) VONK_TRY(vonk__j_need(call, i, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_UDTF, &made, err));
    made->name = vonk__j_ref(call->args[0]);
    made->function = (vonk__j_function *)vonk__j_object_ref(call->args[1].object);
    if (typed) made->returns = (vonk__j_type *)vonk__j_object_ref(call->args[2].object);
    made->eval = (int32_t)call->args[call->n_args - 2].i;
    made->deterministic = call->args[call->n_args - 1].i;
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* The fields of a CommonInlineUserDefinedTableFunction. */
static void put_table_function(vonk__j_message *m, const udf *u, const vonk__j_value *name, const vonk__j_value *args)
{
    vonk__j_put_text(m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_FUNCTION_NAME, name);
    vonk_pb_put_i64(&m->w, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_DETERMINISTIC, u->deterministic);
    if (args) vonk__j_put_values(m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_ARGUMENTS, args);
    vonk__j_use_function(m, u->function);
    const size_t mark = vonk_pb_begin(&m->w, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_PYTHON_UDTF);
    if (u->returns) {
        const vonk__j_value returns = {.kind = VONK__J_OBJECT, .object = &u->returns->head};
        vonk__j_put_type(m, PB_PYTHON_UDTF_RETURN_TYPE, &returns);
    }
    vonk_pb_put_i64(&m->w, PB_PYTHON_UDTF_EVAL_TYPE, u->eval);
    vonk_pb_put_str(&m->w, PB_PYTHON_UDTF_COMMAND, vonk__j_str(&u->function->command));
    vonk__j_put_text(m, PB_PYTHON_UDTF_PYTHON_VER, &u->function->version);
    vonk_pb_end(&m->w, mark);
}

static vonk_status udtf_apply(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const udf *u = (udf *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, (vonk__j_session *)call->args[0].object, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION);
    put_table_function(&m, u, &u->name, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status register_table_function(vonk__j_call *call, vonk_error *err)
{
    static const function_kind kind = {put_table_function, vonk_translate_table_function,
                                       PB_M_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION};
    return register_kind(call, &kind, err);
}

/* ---- data sources: a class that Python pickled */

#define J_SOURCE "org.apache.spark.sql.execution.datasources.v2.python.UserDefinedPythonDataSource"

static vonk_status source_new(vonk__j_call *call, vonk_error *err)
{
    udf *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, J_SOURCE, &made, err));
    made->name = VONK__J_NOTHING;
    made->function = (vonk__j_function *)vonk__j_object_ref(call->args[0].object);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

static vonk_status register_source(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *source = NULL;
    vonk__j_session *session = vonk__j_session_of(call);
    vonk__j_value *items = NULL;
    vonk_str *includes = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(vonk__j_message_open(&m, call, session, err));
    vonk__j_function *function = ((udf *)call->args[1].object)->function;
    vonk_python_fn as = {.name = vonk__j_str(&call->args[0]),
                         .eval = VONK_PY_MAP_ARROW_ITER_UDF,
                         .command = vonk__j_str(&function->command),
                         .python_version = vonk__j_str(&function->version),
                         .deterministic = true};
    if (function->includes) {
        const vonk__j_value list = {.kind = VONK__J_OBJECT, .object = function->includes};
        VONK_TRY(vonk__j_items(&m, &list, &items, &as.n_includes));
        VONK_TRY(vonk_arena_array(m.arena, as.n_includes, sizeof *includes, &includes, err));
        for (uint32_t i = 0; i < as.n_includes; i++) includes[i] = vonk__j_str(&items[i]);
        as.includes = includes;
    }
    vonk__j_use_function(&m, function);
    VONK_TRY(m.status);
    VONK_TRY(vonk__j_complete_function(&m, &as, err));
    VONK_TRY(vonk_python_fn_new(&as, &source, err));
    return vonk_catalog_put_source(vonk_session_catalog(session->session), source->name, source, err);
}

/* ---- DataFrame.asTable(): a subquery with options, as a column under another name */

typedef struct table_arg {
    vonk__j_object head;
    vonk__j_dataset *dataset;
    vonk__j_value options; /* encoded TableArgOptions; null: none */
    vonk__j_functions functions;
} table_arg;
static void table_arg_drop(vonk__j_object *self)
{
    vonk__j_dataset *dataset = ((table_arg *)self)->dataset;
    ((table_arg *)self)->dataset = NULL;
    vonk__j_unref(&((table_arg *)self)->options);
    vonk__j_functions_done(&((table_arg *)self)->functions);
    vonk__j_object_unref(dataset);
}
vonk_status vonk__j_as_table(vonk__j_call *call, vonk_error *err)
{
    table_arg *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, J_TABLE_ARG, &made, err));
    made->options = VONK__J_NOTHING;
    made->dataset = (vonk__j_dataset *)vonk__j_object_ref(call->self);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

enum { PARTITION_BY, ORDER_BY, SINGLE };
static vonk_status table_option(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const table_arg *self = (table_arg *)call->self;
    VONK__J_AUTO table_arg *made = NULL;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk__j_put_raw(&m, vonk__j_str(&self->options));
    vonk__j_use_functions(&m, &self->functions);
    if (call->member->tag == PARTITION_BY)
        vonk__j_put_values(&m, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_PARTITION_SPEC, &call->args[0]);
    else if (call->member->tag == ORDER_BY)
        vonk__j_put_sorts(&m, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_ORDER_SPEC, &call->args[0]);
    else
        vonk_pb_put_i64(&m.w, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS_WITH_SINGLE_PARTITION, 1);
    VONK_TRY(m.status);
    VONK_TRY(vonk_pb_writer_end(&m.w));
    VONK_TRY(vonk__j_object_new(call->machine, J_TABLE_ARG, &made, err));
    made->options = VONK__J_NOTHING;
    made->dataset = (vonk__j_dataset *)vonk__j_object_ref(self->dataset);
    VONK_TRY(vonk__j_add_functions(&made->functions, &m.functions, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_BYTES, vonk_buf_str(&m.buf), &made->options, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

bool vonk__j_put_table_arg(vonk__j_message *m, int field, const vonk__j_value *value)
{
    if (value->kind != VONK__J_OBJECT || !vonk_str_is(value->object->cls->fqn, J_TABLE_ARG)) return false;
    const table_arg *t = (const table_arg *)value->object;
    vonk__j_use_functions(m, &t->functions);
    const size_t e = vonk_pb_begin(&m->w, field);
    const size_t s = vonk__j_begin_subquery(m, t->dataset, PB_E_SUBQUERY_EXPRESSION_SUBQUERY_TYPE_TABLE_ARG);
    if (t->options.kind == VONK__J_BYTES)
        vonk_pb_put_encoded(&m->w, PB_SUBQUERY_EXPRESSION_TABLE_ARG_OPTIONS, vonk__j_str(&t->options));
    vonk_pb_end(&m->w, s);
    vonk_pb_end(&m->w, e);
    return true;
}

/* ---- spark.tvf: a relation that is the call of a function */

static vonk_status tvf(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_message_open(&m, call, vonk__j_session_of(call), err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_UNRESOLVED_TABLE_VALUED_FUNCTION);
    vonk_pb_put_c(&m.w, PB_UNRESOLVED_TABLE_VALUED_FUNCTION_FUNCTION_NAME, call->member->name);
    if (call->n_args) vonk__j_put_value(&m, PB_UNRESOLVED_TABLE_VALUED_FUNCTION_ARGUMENTS, &call->args[0]);
    if (call->n_args > 1) vonk__j_put_values(&m, PB_UNRESOLVED_TABLE_VALUED_FUNCTION_ARGUMENTS, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static const vonk__j_member udf_members[] = {
    {"new", "String, org.apache.spark.api.python.SimplePythonFunction, " J_TYPE ", int, boolean, Object, Object", "",
     udf_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, org.apache.spark.api.python.SimplePythonFunction, " J_TYPE ", int, boolean", "", udf_new,
     VONK__J_CONSTRUCTOR, 0},
    {"apply", J_SEQ, J_COLUMN, udf_apply, VONK__J_METHOD, 0},
};
static const vonk__j_member registration_members[] = {
    {"registerPython", "String, " J_UDF, "void", register_python, VONK__J_METHOD, 0},
    {"registerJava", "String, String, " J_TYPE, "void", unbuilt, VONK__J_METHOD, 0},
    {"registerJavaUDAF", "String, String", "void", unbuilt, VONK__J_METHOD, 0},
};
#define FUNCTION_CLASS "org.apache.spark.api.python.SimplePythonFunction"
static const vonk__j_member udtf_members[] = {
    {"new", "String, " FUNCTION_CLASS ", int, boolean", "", udtf_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, " FUNCTION_CLASS ", " J_TYPE ", int, boolean", "", udtf_new, VONK__J_CONSTRUCTOR, 0},
    {"apply", J_SESSION ", " J_SEQ, J_DATASET, udtf_apply, VONK__J_METHOD, 0},
};
static const vonk__j_member udtf_registration_members[] = {
    {"registerPython", "String, " J_UDTF, "void", register_table_function, VONK__J_METHOD, 0},
};
static const vonk__j_member source_members[] = {
    {"new", FUNCTION_CLASS, "", source_new, VONK__J_CONSTRUCTOR, 0},
};
static const vonk__j_member source_registration_members[] = {
    {"registerPython", "String, " J_SOURCE, "void", register_source, VONK__J_METHOD, 0},
};
static const vonk__j_member table_arg_members[] = {
    {"partitionBy", J_SEQ, J_TABLE_ARG, table_option, VONK__J_METHOD, PARTITION_BY},
    {"orderBy", J_SEQ, J_TABLE_ARG, table_option, VONK__J_METHOD, ORDER_BY},
    {"withSinglePartition", "", J_TABLE_ARG, table_option, VONK__J_METHOD, SINGLE},
};
#define TVF(name, args) {name, args, J_DATASET, tvf, VONK__J_METHOD, 0}
static const vonk__j_member tvf_members[] = {
    TVF("explode", J_COLUMN),          TVF("explode_outer", J_COLUMN),         TVF("inline", J_COLUMN),
    TVF("inline_outer", J_COLUMN),     TVF("json_tuple", J_COLUMN ", " J_SEQ), TVF("posexplode", J_COLUMN),
    TVF("posexplode_outer", J_COLUMN), TVF("stack", J_COLUMN ", " J_SEQ),      TVF("collations", ""),
    TVF("sql_keywords", ""),           TVF("variant_explode", J_COLUMN),       TVF("variant_explode_outer", J_COLUMN),
    TVF("python_worker_logs", ""),
};
#define FACET(name, list)                                                                                              \
    {.fqn = (name),                                                                                                    \
     .flags = VONK__J_ABSTRACT,                                                                                        \
     VONK__J_MEMBERS(list),                                                                                            \
     .size = sizeof(vonk__j_facet),                                                                                    \
     .drop = vonk__j_facet_drop}
static const vonk__j_row rows[] = {
    {.fqn = J_UDF, VONK__J_MEMBERS(udf_members), .size = sizeof(udf), .drop = udf_drop},
    FACET("org.apache.spark.sql.classic.UDFRegistration", registration_members),
    FACET("org.apache.spark.sql.classic.TableValuedFunction", tvf_members),
    FACET("org.apache.spark.sql.UDTFRegistration", udtf_registration_members),
    FACET("org.apache.spark.sql.DataSourceRegistration", source_registration_members),
    {.fqn = J_SOURCE, VONK__J_MEMBERS(source_members), .size = sizeof(udf), .drop = udf_drop},
    {.fqn = J_UDTF, VONK__J_MEMBERS(udtf_members), .size = sizeof(udf), .drop = udf_drop},
    {.fqn = J_TABLE_ARG,
     .interfaces = "org.apache.spark.sql.internal.TableValuedFunctionArgument",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(table_arg_members),
     .size = sizeof(table_arg),
     .drop = table_arg_drop},
};
const vonk__j_area vonk__j_area_sql_python = {rows, VONK_COUNTOF(rows)};
