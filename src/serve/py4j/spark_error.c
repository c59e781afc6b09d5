/* serve/py4j/spark_error.c -- what Python asks about a Spark error: condition, SQLSTATE, parameters, contexts. */
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "serve/py4j/throwable.h"

enum { CONDITION, SQL_STATE };

/* The throwable that is asked: self of SparkThrowable's members, the argument of PythonErrorUtils'. NULL: null. */
static const vonk_error *asked(const vonk__j_call *call)
{
    vonk__j_object *o = call->self ? call->self : call->args[0].kind == VONK__J_OBJECT ? call->args[0].object : NULL;
    return o ? &((vonk__j_throwable *)o)->error : NULL;
}

static vonk_status error_text(vonk__j_call *call, vonk_error *err)
{
    const vonk_error *error = asked(call);
    if (!error || error->cls == VONK_OK) return vonk__j_return(call, VONK__J_NOTHING);
    const char *text = call->member->tag == CONDITION ? vonk_error_condition(error) : vonk_error_sqlstate(error);
    return text && *text ? vonk__j_return_str(call, vonk_str_of(text), err) : vonk__j_return(call, VONK__J_NOTHING);
}

static vonk_status error_parameters(vonk__j_call *call, vonk_error *err)
{
    const vonk_error *error = asked(call);
    VONK__J_AUTO vonk__j_map *map = NULL;
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &map, err));
    for (size_t i = 0; error && error->cls != VONK_OK && i < vonk_error_n_params(error); i++) {
        const char *name = NULL, *value = NULL;
        vonk_error_param(error, i, &name, &value);
        VONK_TRY(vonk__j_map_put_text(call->caller, map, vonk_str_of(name), vonk_str_of(value), err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(map)->head));
}

static vonk_status error_internal(vonk__j_call *call, vonk_error *err)
{
    const vonk_error *error = asked(call);
    (void)err;
    return vonk__j_return(call, vonk__j_bool(error && vonk_str_starts(vonk_str_of(vonk_error_condition(error)),
                                                                      VONK_STR("INTERNAL_ERROR"))));
}

/* ---- contexts: kept by their error, of which each has a copy that shares the details */

typedef struct context_object {
    vonk__j_object head;
    vonk_error error;
    const vonk_query_context *context;
} context_object;
typedef struct context_kind {
    vonk__j_object head;
    bool is_dataframe;
} context_kind;

static void context_drop(vonk__j_object *self)
{
    context_object *c = (context_object *)self;
    c->context = NULL;
    vonk_error_reset(&c->error);
}

static vonk_status error_contexts(vonk__j_call *call, vonk_error *err)
{
    const vonk_error *error = asked(call);
    const size_t n = error && error->cls != VONK_OK ? vonk_error_n_contexts(error) : 0;
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "org.apache.spark.QueryContext"),
                               (uint32_t)n, &array, err));
    for (size_t i = 0; i < n; i++) {
        context_object *made = NULL;
        VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.QueryContext$Live", &made, err));
        vonk_error_copy(&made->error, error);
        made->context = vonk_error_context(&made->error, i);
        array->items[i] = vonk__j_of(&made->head);
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}

enum { OBJECT_TYPE, OBJECT_NAME, FRAGMENT, CALL_SITE, SUMMARY, START, STOP };
static vonk_status context_text(vonk__j_call *call, vonk_error *err)
{
    const vonk_query_context *c = ((context_object *)call->self)->context;
    const vonk_str texts[] = {c->object_type, c->object_name, c->fragment, c->call_site, c->summary};
    return vonk__j_return_str(call, texts[call->member->tag], err);
}
static vonk_status context_index(vonk__j_call *call, vonk_error *err)
{
    const vonk_query_context *c = ((context_object *)call->self)->context;
    (void)err;
    return vonk__j_return(call, vonk__j_i32(call->member->tag == START ? c->start : c->stop));
}
static vonk_status context_type(vonk__j_call *call, vonk_error *err)
{
    context_kind *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.QueryContextType", &made, err));
    made->is_dataframe = ((context_object *)call->self)->context->is_dataframe;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status kind_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_c(out, ((context_kind *)self)->is_dataframe ? "DataFrame" : "SQL", err);
}

/* ---- SparkThrowableHelper.getMessage(condition, parameters): the text made anew */

static vonk_status rendered(vonk__j_call *call, vonk_error *err)
{
    enum { MOST = 64 };
    const char *names[MOST], *values[MOST];
    size_t n = 0;
    VONK_AUTO(vonk_error_reset) vonk_error made = VONK_ERROR_INIT;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    const vonk__j_map *map = vonk__j_as_map(call->args[1].object);
    for (vonk__j_entry *e = NULL; map && n < MOST && (e = vonk__j_map_next(map, e));) {
        if (e->key.kind != VONK__J_STRING || e->value.kind != VONK__J_STRING) continue;
        names[n] = e->key.text->data;
        values[n++] = e->value.text->data;
    }
    for (int i = 1; i < VONK_N_ERRCLASS; i++)
        if (vonk_str_is(vonk__j_str(&call->args[0]), vonk_errclass_condition((vonk_errclass)i))) {
            vonk_status raised = vonk_fail_pairs(&made, __FILE__, __LINE__, (vonk_errclass)i, n, names, values);
            (void)raised;
            return vonk__j_return_str(call, vonk_str_of(vonk_error_message(&made)), err);
        }
    return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "no error condition %.300s",
                         call->args[0].text->data);
}

static const vonk__j_member throwable_members[] = {
    {"getCondition", "", "String", error_text, VONK__J_METHOD, CONDITION},
    {"getErrorClass", "", "String", error_text, VONK__J_METHOD, CONDITION},
    {"getSqlState", "", "String", error_text, VONK__J_METHOD, SQL_STATE},
    {"getMessageParameters", "", "java.util.Map", error_parameters, VONK__J_METHOD, 0},
    {"getQueryContext", "", "org.apache.spark.QueryContext[]", error_contexts, VONK__J_METHOD, 0},
    {"isInternalError", "", "boolean", error_internal, VONK__J_METHOD, 0},
};
#define OF "org.apache.spark.SparkThrowable"
static const vonk__j_member utils_members[] = {
    {"getCondition", OF, "String", error_text, VONK__J_STATIC, CONDITION},
    {"getErrorClass", OF, "String", error_text, VONK__J_STATIC, CONDITION},
    {"getSqlState", OF, "String", error_text, VONK__J_STATIC, SQL_STATE},
    {"getMessageParameters", OF, "java.util.Map", error_parameters, VONK__J_STATIC, 0},
    {"getQueryContext", OF, "org.apache.spark.QueryContext[]", error_contexts, VONK__J_STATIC, 0},
    {"isInternalError", OF, "boolean", error_internal, VONK__J_STATIC, 0},
};
static const vonk__j_member helper_members[] = {
    {"getMessage", "String, java.util.Map", "String", rendered, VONK__J_STATIC, 0},
};
static const vonk__j_member context_members[] = {
    {"contextType", "", "org.apache.spark.QueryContextType", context_type, VONK__J_METHOD, 0},
    {"objectType", "", "String", context_text, VONK__J_METHOD, OBJECT_TYPE},
    {"objectName", "", "String", context_text, VONK__J_METHOD, OBJECT_NAME},
    {"fragment", "", "String", context_text, VONK__J_METHOD, FRAGMENT},
    {"callSite", "", "String", context_text, VONK__J_METHOD, CALL_SITE},
    {"summary", "", "String", context_text, VONK__J_METHOD, SUMMARY},
    {"startIndex", "", "int", context_index, VONK__J_METHOD, START},
    {"stopIndex", "", "int", context_index, VONK__J_METHOD, STOP},
};
static const vonk__j_row rows[] = {
    {.fqn = OF, .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(throwable_members)},
    {.fqn = "org.apache.spark.SparkThrowableHelper", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(helper_members)},
    {.fqn = "org.apache.spark.api.python.PythonErrorUtils", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(utils_members)},
    {.fqn = "org.apache.spark.QueryContext", .flags = VONK__J_INTERFACE},
    {.fqn = "org.apache.spark.QueryContext$Live",
     .interfaces = "org.apache.spark.QueryContext",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(context_members),
     .size = sizeof(context_object),
     .drop = context_drop},
    {.fqn = "org.apache.spark.QueryContextType",
     .flags = VONK__J_ABSTRACT,
     .size = sizeof(context_kind),
     .text = kind_text},
};
const vonk__j_area vonk__j_area_spark_error = {rows, VONK_COUNTOF(rows)};
