/* serve/py4j/spark_conf.c -- org.apache.spark.SparkConf. */
#include "plan/redaction.h"
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "text/number.h"

static void conf_drop(vonk__j_object *self)
{
    vonk__j_map *map = ((vonk__j_conf *)self)->map;
    ((vonk__j_conf *)self)->map = NULL;
    vonk__j_object_unref(map);
}

static vonk__j_map *map_of(const vonk__j_call *call) { return ((vonk__j_conf *)call->self)->map; }

vonk_status vonk__j_conf_new(vonk__j_machine *machine, vonk__j_conf **ret, vonk_error *err)
{
    VONK__J_AUTO vonk__j_conf *conf = NULL;
    VONK_TRY(vonk__j_object_new(machine, "org.apache.spark.SparkConf", &conf, err));
    VONK_TRY(vonk__j_map_new(machine, "java.util.HashMap", &conf->map, err));
    *ret = VONK_STEAL(conf);
    return VONK_OK;
}

vonk_status vonk__j_conf_copy(vonk__j_caller *caller, const vonk__j_map *from, vonk_str prefix, vonk__j_conf *to,
                              vonk_error *err)
{
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(from, e));)
        if (e->key.kind == VONK__J_STRING && vonk_str_starts(vonk__j_str(&e->key), prefix))
            VONK_TRY(vonk__j_map_put(caller, to->map, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    return VONK_OK;
}

static vonk_status conf_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_conf *conf = NULL;
    VONK_TRY(vonk__j_conf_new(call->machine, &conf, err));
    if (!call->n_args || call->args[0].i)
        VONK_TRY(
            vonk__j_conf_copy(call->caller, (vonk__j_map *)call->machine->properties, VONK_STR("spark."), conf, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(conf)->head));
}
static vonk_status conf_clone(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_conf *conf = NULL;
    VONK_TRY(vonk__j_conf_new(call->machine, &conf, err));
    VONK_TRY(vonk__j_conf_copy(call->caller, map_of(call), VONK_STR_NONE, conf, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(conf)->head));
}

/* ---- setting */

enum { SET, SET_MISSING, MASTER, APP_NAME, HOME, EXECUTOR_ENV, REMOVE };
static vonk_status conf_set(vonk__j_call *call, vonk_error *err)
{
    const int32_t what = call->member->tag;
    const vonk__j_value *value = &call->args[call->n_args > 1];
    char key[512];
    if (what == MASTER) vonk_format(key, sizeof key, "spark.master");
    if (what == APP_NAME) vonk_format(key, sizeof key, "spark.app.name");
    if (what == HOME) vonk_format(key, sizeof key, "spark.home");
    if (what == EXECUTOR_ENV)
        vonk_format(key, sizeof key, "spark.executorEnv.%.400s", VONK_S(vonk__j_str(&call->args[0])));
    const vonk_str name = what == SET || what == SET_MISSING ? vonk__j_str(&call->args[0]) : vonk_str_of(key);
    if (call->args[0].kind == VONK__J_NULL && call->n_args > 1)
        return vonk__j_throw(call->caller, "java.lang.NullPointerException", err, "null key");
    if (value->kind == VONK__J_NULL)
        return vonk__j_throw(call->caller, "java.lang.NullPointerException", err, "null value for %.400s",
                             VONK_S(name));
    if (what != SET_MISSING || !vonk__j_map_get_text(map_of(call), name).data)
        VONK_TRY(vonk__j_map_put_text(call->caller, map_of(call), name, vonk__j_str(value), err));
    return vonk__j_return_self(call);
}
static vonk_status conf_remove(vonk__j_call *call, vonk_error *err)
{
    vonk__j_entry *e = NULL;
    VONK_TRY(vonk__j_map_find(call->caller, map_of(call), &call->args[0], &e, err));
    if (e) vonk__j_map_remove(map_of(call), e);
    return vonk__j_return_self(call);
}

/* ---- reading */

static vonk_status conf_get(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str found = vonk__j_map_get_text(map_of(call), vonk__j_str(&call->args[0]));
    if (found.data) return vonk__j_return_str(call, found, err);
    if (call->n_args > 1) return vonk__j_return(call, vonk__j_ref(call->args[1]));
    return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "%s", call->args[0].text->data);
}
static vonk_status conf_option(vonk__j_call *call, vonk_error *err)
{
    vonk__j_value text = VONK__J_NOTHING;
    const vonk_str found = vonk__j_map_get_text(map_of(call), vonk__j_str(&call->args[0]));
    if (found.data) VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, found, &text, err));
    return vonk__j_option(call->machine, text, found.data != NULL, &call->result, err);
}
static vonk_status conf_contains(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(vonk__j_map_get_text(map_of(call), vonk__j_str(&call->args[0])).data));
}

static vonk_status conf_number(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_kind kind = (vonk__j_kind)call->member->tag;
    const vonk_str key = vonk__j_str(&call->args[0]), text = vonk__j_map_get_text(map_of(call), key);
    int64_t i = 0;
    double f = 0;
    if (!text.data) return vonk__j_return(call, call->args[1]);
    if (kind == VONK__J_BOOL) {
        if (vonk_str_is_nocase(text, "true")) return vonk__j_return(call, vonk__j_bool(true));
        if (vonk_str_is_nocase(text, "false")) return vonk__j_return(call, vonk__j_bool(false));
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "Illegal value for config key %.200s: For input string: \"%.200s\"", VONK_S(key),
                             VONK_S(text));
    }
    if (kind == VONK__J_F64 && vonk_text_to_f64(text, &f)) return vonk__j_return(call, vonk__j_f64(f));
    const bool wide = kind == VONK__J_I64;
    if (kind != VONK__J_F64 &&
        vonk_text_to_i64(text, false, wide ? INT64_MIN : INT32_MIN, wide ? INT64_MAX : INT32_MAX, &i))
        return vonk__j_return(call, wide ? vonk__j_i64(i) : vonk__j_i32((int32_t)i));
    return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err,
                         "Illegal value for config key %.200s: For input string: \"%.200s\"", VONK_S(key),
                         VONK_S(text));
}

static vonk_status add_tuple(vonk__j_call *call, const vonk__j_entry *e, size_t skip, vonk__j_value *ret,
                             vonk_error *err)
{
    vonk__j_value key;
    const vonk_str name = vonk__j_str(&e->key);
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_str_sub(name, skip, name.len), &key, err));
    return vonk__j_tuple2(call->machine, key, vonk__j_ref(e->value), ret, err);
}
static vonk_status conf_all(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    const vonk_str prefix = call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE;
    uint32_t n = 0, at = 0;
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map_of(call), e));)
        n += vonk_str_starts(vonk__j_str(&e->key), prefix);
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "scala.Tuple2"), n, &array, err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map_of(call), e));)
        if (vonk_str_starts(vonk__j_str(&e->key), prefix))
            VONK_TRY(add_tuple(call, e, prefix.len, &array->items[at++], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}

static vonk_status conf_debug(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_redaction_done) vonk_redaction r = {0};
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk__j_value *keys = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, map_of(call)->n + 1, sizeof *keys, &keys, err));
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_redaction_init(&r, call->machine->budget,
                                 vonk__j_map_get_text(map_of(call), VONK_STR("spark.redaction.regex")), err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map_of(call), e));) keys[n++] = e->key; /* borrowed */
    VONK_TRY(vonk__j_sort(call->caller, keys, n, NULL, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_str key = vonk__j_str(&keys[i]);
        vonk_str value = vonk__j_map_get_text(map_of(call), key);
        VONK_TRY(vonk_redaction_show(&r, key, &value, err));
        if (i) VONK_TRY(vonk_buf_add_byte(&text, '\n', err));
        VONK_TRY(vonk_buf_add_str(&text, key, err));
        VONK_TRY(vonk_buf_add_byte(&text, '=', err));
        VONK_TRY(vonk_buf_add_str(&text, value, err));
    }
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status conf_app_id(vonk__j_call *call, vonk_error *err)
{
    const vonk_str id = vonk__j_map_get_text(map_of(call), VONK_STR("spark.app.id"));
    if (id.data) return vonk__j_return_str(call, id, err);
    return vonk__j_throw(call->caller, "java.util.NoSuchElementException", err, "spark.app.id");
}

#define CONF "org.apache.spark.SparkConf"
static const vonk__j_member conf_members[] = {
    {"new", "", "", conf_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "boolean", "", conf_new, VONK__J_CONSTRUCTOR, 0},
    {"clone", "", CONF, conf_clone, VONK__J_METHOD, 0},
    {"set", "String, String", CONF, conf_set, VONK__J_METHOD, SET},
    {"setIfMissing", "String, String", CONF, conf_set, VONK__J_METHOD, SET_MISSING},
    {"setMaster", "String", CONF, conf_set, VONK__J_METHOD, MASTER},
    {"setAppName", "String", CONF, conf_set, VONK__J_METHOD, APP_NAME},
    {"setSparkHome", "String", CONF, conf_set, VONK__J_METHOD, HOME},
    {"setExecutorEnv", "String, String", CONF, conf_set, VONK__J_METHOD, EXECUTOR_ENV},
    {"remove", "String", CONF, conf_remove, VONK__J_METHOD, 0},
    {"get", "String", "String", conf_get, VONK__J_METHOD, 0},
    {"get", "String, String", "String", conf_get, VONK__J_METHOD, 0},
    {"getOption", "String", "scala.Option", conf_option, VONK__J_METHOD, 0},
    {"contains", "String", "boolean", conf_contains, VONK__J_METHOD, 0},
    {"getInt", "String, int", "int", conf_number, VONK__J_METHOD, VONK__J_I32},
    {"getLong", "String, long", "long", conf_number, VONK__J_METHOD, VONK__J_I64},
    {"getDouble", "String, double", "double", conf_number, VONK__J_METHOD, VONK__J_F64},
    {"getBoolean", "String, boolean", "boolean", conf_number, VONK__J_METHOD, VONK__J_BOOL},
    {"getAll", "", "scala.Tuple2[]", conf_all, VONK__J_METHOD, 0},
    {"getAllWithPrefix", "String", "scala.Tuple2[]", conf_all, VONK__J_METHOD, 0},
    {"toDebugString", "", "String", conf_debug, VONK__J_METHOD, 0},
    {"getAppId", "", "String", conf_app_id, VONK__J_METHOD, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.ReadOnlySparkConf", .flags = VONK__J_INTERFACE},
    {.fqn = CONF,
     .interfaces = "org.apache.spark.ReadOnlySparkConf java.lang.Cloneable java.io.Serializable",
     .flags = VONK__J_GUARDED,
     VONK__J_MEMBERS(conf_members),
     .size = sizeof(vonk__j_conf),
     .drop = conf_drop},
};
const vonk__j_area vonk__j_area_spark_conf = {rows, VONK_COUNTOF(rows)};
