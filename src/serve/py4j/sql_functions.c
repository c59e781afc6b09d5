/* serve/py4j/sql_functions.c -- org.apache.spark.sql.functions: a name and its arguments are a call; and the few that
 * are not. */
#include "serve/py4j/sql.h"
#include "sys/entropy.h"

/* ---- those that the rule says wrongly: sorted by name */

enum { DISTINCT = 1, SWAPPED, SEEDED, SEEDED_ALONE, NO_NULL_DEFAULT, AS_LITERALS };
static const struct exception {
    const char *name, *function; /* NULL: the same */
    int kind;
    uint32_t n_args; /* 0: any */
} exceptions[] = {
#define EXCEPTION(name, function, kind, n_args) {name, function, kind, n_args},
#include "serve/py4j/function_exceptions.def"
#undef EXCEPTION
};

static const struct exception *exception_of(const vonk__j_call *call)
{
    for (size_t i = 0; i < VONK_COUNTOF(exceptions); i++)
        if (strcmp(exceptions[i].name, call->member->name) == 0 &&
            (!exceptions[i].n_args || exceptions[i].n_args == call->n_args))
            return &exceptions[i];
    return NULL;
}

/* ---- arguments */

#define ARGUMENTS PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS

/* map(key, value, ...) of literals; nothing for none. */
static void put_options(vonk__j_message *m, vonk__j_object *object)
{
    VONK_LOCKED(&m->call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(object);
    if (!map || !map->n) return;
    const size_t e = vonk_pb_begin(&m->w, ARGUMENTS), f = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "map");
    for (vonk__j_entry *at = NULL; (at = vonk__j_map_next(map, at));) {
        vonk__j_put_value(m, ARGUMENTS, &at->key);
        vonk__j_put_value(m, ARGUMENTS, &at->value);
    }
    vonk_pb_end(&m->w, f);
    vonk_pb_end(&m->w, e);
}

static void put_type_json(vonk__j_message *m, const vonk__j_type *type)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk__j_value json = VONK__J_NOTHING;
    vonk_buf_init(&text, m->call->machine->budget, SIZE_MAX);
    vonk_status status = vonk_type_json(type->type, &text, m->err);
    if (status == VONK_OK)
        status = vonk__j_text_value(m->call->machine->budget, VONK__J_STRING, vonk_buf_str(&text), &json, m->err);
    vonk__j_put_failed(m, status);
    vonk__j_put_value(m, ARGUMENTS, &json);
    vonk__j_unref(&json);
}

static void put_argument(vonk__j_message *m, const vonk__j_value *v, bool names)
{
    vonk__j_object *object = v->kind == VONK__J_OBJECT ? v->object : NULL;
    if (v->kind == VONK__J_STRING && names) {
        vonk__j_put_name(m, ARGUMENTS, vonk__j_str(v));
    } else if (object && vonk__j_is(object, J_TYPE)) {
        put_type_json(m, (vonk__j_type *)object);
    } else if (object && (vonk__j_is(object, J_MAP) || vonk__j_is(object, "scala.collection.Map"))) {
        put_options(m, object);
    } else if (object && (vonk__j_is(object, J_SEQ) || object->cls->element)) {
        vonk__j_value *items = NULL;
        uint32_t n = 0;
        vonk__j_put_failed(m, vonk__j_items(m, v, &items, &n));
        for (uint32_t i = 0; i < n; i++) put_argument(m, &items[i], names);
    } else {
        vonk__j_put_value(m, ARGUMENTS, v);
    }
}

static void put_seed(vonk__j_message *m)
{
    uint64_t bits = 0;
    vonk_random_bytes(&bits, sizeof bits);
    const vonk__j_value seed = vonk__j_i64((int64_t)(bits >> 1));
    vonk__j_put_value(m, ARGUMENTS, &seed);
}

/* "abs": what is called so; strings are literals, except where the first argument is one: then they name columns. */
static vonk_status function(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const struct exception *x = exception_of(call);
    const int kind = x ? x->kind : 0;
    const bool names = call->n_args && call->args[0].kind == VONK__J_STRING && kind != AS_LITERALS;
    uint32_t n = call->n_args;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME,
                  x && x->function ? x->function : call->member->name);
    while (kind == NO_NULL_DEFAULT && n > 2 && call->args[n - 1].kind == VONK__J_NULL) n--;
    for (uint32_t i = 0; i < n; i++) put_argument(&m, &call->args[kind == SWAPPED ? n - 1 - i : i], names);
    if (kind == SEEDED || (kind == SEEDED_ALONE && !n)) put_seed(&m);
    if (kind == DISTINCT) vonk_pb_put_i64(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_IS_DISTINCT, 1);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

/* ---- columns and literals */

static vonk_status col(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str name = vonk__j_str(&call->args[0]);
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    if (vonk_str_is(name, "*") || vonk_str_ends(name, VONK_STR(".*"))) {
        const size_t star = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_STAR);
        if (name.len > 1) vonk_pb_put_str(&m.w, PB_EXPRESSION_UNRESOLVED_STAR_UNPARSED_TARGET, name);
        vonk_pb_end(&m.w, star);
    } else {
        const size_t attribute = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE);
        vonk_pb_put_str(&m.w, PB_EXPRESSION_UNRESOLVED_ATTRIBUTE_UNPARSED_IDENTIFIER, name);
        vonk_pb_end(&m.w, attribute);
    }
    return vonk__j_return_column(&m, err);
}
static vonk_status lit(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value *v = &call->args[0];
    if (v->kind == VONK__J_OBJECT && vonk_str_is(v->object->cls->fqn, J_COLUMN))
        return vonk__j_return(call, vonk__j_ref(*v));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk__j_put_literal(&m, PB_EXPRESSION_LITERAL, v);
    return vonk__j_return_column(&m, err);
}
static vonk_status expr(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_EXPRESSION_STRING);
    vonk__j_put_text(&m, PB_EXPRESSION_EXPRESSION_STRING_EXPRESSION, &call->args[0]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}
enum { DESCENDING = 1, NULLS_LAST = 2 };
static vonk_status sorted(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_sorted(call, &call->args[0], call->member->tag & DESCENDING, call->member->tag & NULLS_LAST, err);
}

/* ---- calls by name */

enum { BY_NAME, INTERNAL, CATALOG };
static vonk_status call_by_name(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const bool catalog = call->member->tag == CATALOG;
    const size_t mark = vonk_pb_begin(&m.w, catalog ? PB_EXPRESSION_CALL_FUNCTION : PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk__j_put_text(&m, catalog ? PB_CALL_FUNCTION_FUNCTION_NAME : PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME,
                     &call->args[0]);
    vonk__j_put_values(&m, catalog ? PB_CALL_FUNCTION_ARGUMENTS : ARGUMENTS, &call->args[1]);
    if (call->member->tag == INTERNAL) vonk_pb_put_i64(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_IS_INTERNAL, 1);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

static vonk_status named_argument(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_NAMED_ARGUMENT_EXPRESSION);
    vonk__j_put_text(&m, PB_NAMED_ARGUMENT_EXPRESSION_KEY, &call->args[0]);
    vonk__j_put_value(&m, PB_NAMED_ARGUMENT_EXPRESSION_VALUE, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

/* ---- lambdas: names are made unique, since they nest */

static vonk_status lambda_variable(vonk__j_call *call, vonk_error *err)
{
    static _Atomic uint64_t next_id;
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE);
    vonk_pb_put_c(
        &m.w, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE_NAME_PARTS,
        VONK_F("%.200s_%llu", call->args[0].text->data, (unsigned long long)atomic_fetch_add(&next_id, 1) + 1));
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

static vonk_status lambda(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    vonk__j_value *variables = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    VONK_TRY(vonk__j_items(&m, &call->args[1], &variables, &n));
    const size_t mark = vonk_pb_begin(&m.w, PB_EXPRESSION_LAMBDA_FUNCTION);
    vonk__j_put_value(&m, PB_EXPRESSION_LAMBDA_FUNCTION_FUNCTION, &call->args[0]);
    for (uint32_t i = 0; i < n; i++) {
        const vonk_pb_msg *e = NULL;
        VONK_TRY(vonk__j_decode_column(&m, (vonk__j_column *)variables[i].object, &e, err));
        vonk_pb_put_msg(&m.w, PB_EXPRESSION_LAMBDA_FUNCTION_ARGUMENTS,
                        vonk_pb_get_msg(e, PB_EXPRESSION_UNRESOLVED_NAMED_LAMBDA_VARIABLE));
    }
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_column(&m, err);
}

static vonk_status broadcast(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_dataset *dataset = vonk__j_dataset_at(call, 0);
    VONK_TRY(vonk__j_message_open(&m, call, dataset->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_HINT);
    vonk__j_put_input(&m, PB_HINT_INPUT, dataset);
    vonk_pb_put_c(&m.w, PB_HINT_NAME, "broadcast");
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static const vonk__j_member functions[] = {
    {"col", "String", J_COLUMN, col, VONK__J_STATIC, 0},
    {"column", "String", J_COLUMN, col, VONK__J_STATIC, 0},
    {"lit", "Object", J_COLUMN, lit, VONK__J_STATIC, 0},
    {"expr", "String", J_COLUMN, expr, VONK__J_STATIC, 0},
    {"asc", "String", J_COLUMN, sorted, VONK__J_STATIC, 0},
    {"asc_nulls_first", "String", J_COLUMN, sorted, VONK__J_STATIC, 0},
    {"asc_nulls_last", "String", J_COLUMN, sorted, VONK__J_STATIC, NULLS_LAST},
    {"desc", "String", J_COLUMN, sorted, VONK__J_STATIC, DESCENDING | NULLS_LAST},
    {"desc_nulls_first", "String", J_COLUMN, sorted, VONK__J_STATIC, DESCENDING},
    {"desc_nulls_last", "String", J_COLUMN, sorted, VONK__J_STATIC, DESCENDING | NULLS_LAST},
    {"when", J_COLUMN ", Object", J_COLUMN, function, VONK__J_STATIC, 0},
    {"call_udf", "String, " J_SEQ, J_COLUMN, call_by_name, VONK__J_STATIC, BY_NAME},
    {"callUDF", "String, " J_SEQ, J_COLUMN, call_by_name, VONK__J_STATIC, BY_NAME},
    {"call_function", "String, " J_SEQ, J_COLUMN, call_by_name, VONK__J_STATIC, CATALOG},
    {"broadcast", J_DATASET, J_DATASET, broadcast, VONK__J_STATIC, 0},
#define FUNCTION(name, args) {name, args, J_COLUMN, function, VONK__J_STATIC, 0},
#include "serve/py4j/functions.def"
#undef FUNCTION
};

/* ---- PythonSQLUtils: what pyspark asks beside */

static vonk_status ntz_preferred(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_session *session = vonk__j_active_session(call->machine);
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = session ? vonk_session_conf(session->session) : NULL;
    (void)err;
    return vonk__j_return(
        call, vonk__j_bool(conf && vonk_str_is(vonk_conf_get(conf, "spark.sql.timestampType"), "TIMESTAMP_NTZ")));
}
static vonk_status json_to_ddl(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    if (call->member->tag) {
        VONK_TRY(vonk_translate_parse_ddl(vonk__j_str(&call->args[0]), &type, err));
        VONK_TRY(vonk_type_json(type, &text, err));
    } else {
        VONK_TRY(vonk_type_parse_json(vonk__j_str(&call->args[0]), &type, err));
        VONK_TRY(vonk_type_ddl(type, &text, err));
    }
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("reading files out of the rows of a DataFrame (%s)", call->member->name));
}
static const vonk__j_member python_utils[] = {
    {"fn", "String, " J_SEQ, J_COLUMN, call_by_name, VONK__J_STATIC, BY_NAME},
    {"internalFn", "String, " J_SEQ, J_COLUMN, call_by_name, VONK__J_STATIC, INTERNAL},
    {"namedArgumentExpression", "String, org.apache.spark.sql.internal.TableValuedFunctionArgument", J_COLUMN,
     named_argument, VONK__J_STATIC, 0},
    {"unresolvedNamedLambdaVariable", "String", J_COLUMN, lambda_variable, VONK__J_STATIC, 0},
    {"lambdaFunction", J_COLUMN ", " J_SEQ, J_COLUMN, lambda, VONK__J_STATIC, 0},
    {"isTimestampNTZPreferred", "", "boolean", ntz_preferred, VONK__J_STATIC, 0},
    {"jsonToDDL", "String", "String", json_to_ddl, VONK__J_STATIC, 0},
    {"ddlToJson", "String", "String", json_to_ddl, VONK__J_STATIC, 1},
    {"explainString", "org.apache.spark.sql.execution.QueryExecution, String", "String", vonk__j_explain,
     VONK__J_STATIC, 0},
    {"jsonFromDataFrame", "Object, Object", J_DATASET, unbuilt, VONK__J_STATIC, 0},
    {"csvFromDataFrame", "Object, Object", J_DATASET, unbuilt, VONK__J_STATIC, 0},
    {"xmlFromDataFrame", "Object, Object", J_DATASET, unbuilt, VONK__J_STATIC, 0},
    {"toPyRow", "Object", "byte[]", vonk__j_py_row, VONK__J_STATIC, 0},
    {"readArrowStreamFromFile", "String", "Object", vonk__j_arrow_file, VONK__J_STATIC, 0},
    {"toDataFrame", "Object, String, " J_SESSION, J_DATASET, vonk__j_arrow_dataset, VONK__J_STATIC, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.sql.functions", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(functions)},
    {.fqn = "org.apache.spark.sql.api.python.PythonSQLUtils", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(python_utils)},
};
const vonk__j_area vonk__j_area_sql_functions = {rows, VONK_COUNTOF(rows)};
