/* serve/py4j/sql_conf.c -- settings of a session: RuntimeConfig, SessionState and SQLConf. */
#include "serve/py4j/sql.h"

/* Value or default, data NULL: neither. *ret_known false: nobody has heard of the key. */
static vonk_str look_up(const vonk_conf *conf, const vonk__j_value *key, bool *ret_known)
{
    const vonk_str set = vonk_conf_get_set(conf, vonk__j_str(key));
    *ret_known = set.data || vonk_conf_known(vonk__j_str(key), NULL, NULL);
    return set.data || !*ret_known ? set : vonk_conf_get(conf, key->text->data);
}

static vonk_status return_setting(vonk__j_call *call, vonk_str value, vonk_error *err)
{
    return value.data ? vonk__j_return_str(call, value, err) : vonk__j_return(call, VONK__J_NOTHING);
}

enum { GET, GET_OPTION, CONTAINS };
static vonk_status conf_get(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(vonk__j_session_of(call)->session);
    bool known = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str value = look_up(conf, &call->args[0], &known);
    switch (call->member->tag) {
    case CONTAINS: return vonk__j_return(call, vonk__j_bool(known));
    case GET_OPTION: {
        vonk__j_value text = VONK__J_NOTHING;
        if (value.data) VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, value, &text, err));
        return vonk__j_option(call->machine, text, value.data != NULL, &call->result, err);
    }
    default: break;
    }
    if (!known) return VONK_FAIL(err, VONK_E_SQL_CONF_NOT_FOUND, "sqlConf", VONK_F("\"%s\"", call->args[0].text->data));
    return value.data ? vonk__j_return_str(call, value, err) : vonk__j_return_str(call, VONK_STR("<undefined>"), err);
}

/* The caller's default, not the key's own; one that the key could not have is an error. */
static vonk_status conf_get_or(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(vonk__j_session_of(call)->session);
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str key = vonk__j_str(&call->args[0]), set = vonk_conf_get_set(conf, key);
    if (set.data) return vonk__j_return_str(call, set, err);
    if (call->args[1].kind == VONK__J_STRING && vonk_conf_known(key, NULL, NULL)) {
        const vonk_conf *with = NULL;
        const vonk_status status =
            vonk_conf_with(call->machine->budget, conf, key, vonk__j_str(&call->args[1]), &with, err);
        if (status == VONK_OK) vonk_conf_unref(with);
        if (status != VONK_OK && status != VONK_E_CANNOT_MODIFY_STATIC_CONFIG && status != VONK_E_CANNOT_MODIFY_CONFIG)
            return status;
        vonk_error_reset(err);
    }
    return vonk__j_return(call, vonk__j_ref(call->args[1]));
}

static vonk_status conf_set(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->args[1].kind == VONK__J_NULL)
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                         VONK_F("a value for %s", call->args[0].text->data));
    vonk_buf_init(&text, call->machine->budget, 1 << 24);
    VONK_TRY(vonk__j_add_text(call->caller, &call->args[1], 0, &text, err));
    return vonk_session_set(vonk__j_session_of(call)->session, vonk__j_str(&call->args[0]),
                            text.len ? vonk_buf_str(&text) : VONK_STR(""), err);
}
static vonk_status conf_unset(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    return vonk_session_set(vonk__j_session_of(call)->session, vonk__j_str(&call->args[0]), VONK_STR_NONE, err);
}
static vonk_status conf_modifiable(vonk__j_call *call, vonk_error *err)
{
    bool modifiable = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!vonk_conf_known(vonk__j_str(&call->args[0]), NULL, &modifiable)) modifiable = false;
    return vonk__j_return(call, vonk__j_bool(modifiable));
}
static vonk_status conf_all(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(vonk__j_session_of(call)->session);
    VONK__J_AUTO vonk__j_map *map = NULL;
    vonk_str key, value;
    VONK_TRY(vonk__j_map_new(
        call->machine, call->member->tag ? "java.util.HashMap" : "scala.collection.immutable.Map$Live", &map, err));
    for (size_t at = 0; vonk_conf_next(conf, &at, &key, &value);)
        VONK_TRY(vonk__j_map_put_text(call->caller, map, key, value, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(map)->head));
}

/* ---- SQLConf: what pyspark asks by name */

static vonk_status sql_conf(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_session *session = call->self ? NULL : vonk__j_active_session(call->machine);
    return vonk__j_return_facet(call, "org.apache.spark.sql.internal.SQLConf",
                                call->self ? vonk__j_session_of(call) : session, err);
}
static vonk_status get_confs(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(vonk__j_session_of(call)->session);
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_LOCKED(&call->machine->guard);
    const vonk__j_list *keys = vonk__j_as_list(call->args[0].object);
    if (!keys) return vonk__j_throw_bare(call->caller, "java.lang.UnsupportedOperationException", err);
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.String"),
                               (uint32_t)keys->items.n, &array, err));
    for (uint32_t i = 0; i < array->n; i++) {
        bool known = false;
        if (keys->items.at[i].kind != VONK__J_STRING) continue;
        const vonk_str value = look_up(conf, &keys->items.at[i], &known);
        if (value.data)
            VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, value, &array->items[i], err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}
static vonk_status conf_string(vonk__j_call *call, vonk_error *err)
{
    return call->n_args > 1 ? conf_get_or(call, err) : conf_get(call, err);
}

static const struct flag {
    const char *key;
    bool otherwise; /* when there is no session yet */
} flags[] = {{"spark.sql.pyspark.jvmStacktrace.enabled", false},
             {"spark.sql.pyspark.toJSON.returnDataFrame", false},
             {"spark.sql.execution.arrow.pyspark.enabled", false},
             {"spark.sql.ansi.enabled", true},
             {"spark.sql.caseSensitive", false}};
enum { STACKTRACE, JSON_FRAME, ARROW, ANSI, CASE_SENSITIVE };
static vonk_status conf_flag(vonk__j_call *call, vonk_error *err)
{
    const struct flag *f = &flags[call->member->tag];
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;
    (void)err;
    if (vonk__j_session_of(call)) conf = vonk_session_conf(vonk__j_session_of(call)->session);
    return vonk__j_return(call, vonk__j_bool(conf ? vonk_conf_bool(conf, f->key) : f->otherwise));
}
static vonk_status conf_zone(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(vonk__j_session_of(call)->session);
    return return_setting(
        call, vonk_conf_get(conf, call->member->tag ? "spark.sql.sources.default" : "spark.sql.session.timeZone"), err);
}

static const vonk__j_member runtime_members[] = {
    {"get", "String", "String", conf_get, VONK__J_METHOD, GET},
    {"get", "String, String", "String", conf_get_or, VONK__J_METHOD, 0},
    {"getOption", "String", "scala.Option", conf_get, VONK__J_METHOD, GET_OPTION},
    {"contains", "String", "boolean", conf_get, VONK__J_METHOD, CONTAINS},
    {"set", "String, String", "void", conf_set, VONK__J_METHOD, 0},
    {"set", "String, boolean", "void", conf_set, VONK__J_METHOD, 0},
    {"set", "String, long", "void", conf_set, VONK__J_METHOD, 0},
    {"unset", "String", "void", conf_unset, VONK__J_METHOD, 0},
    {"isModifiable", "String", "boolean", conf_modifiable, VONK__J_METHOD, 0},
    {"getAll", "", "scala.collection.immutable.Map", conf_all, VONK__J_METHOD, 0},
    {"getAllAsJava", "", "java.util.Map", conf_all, VONK__J_METHOD, 1},
};
static const vonk__j_member conf_members[] = {
    {"get", "", "org.apache.spark.sql.internal.SQLConf", sql_conf, VONK__J_STATIC, 0},
    {"getConfs", "java.util.List", "String[]", get_confs, VONK__J_METHOD, 0},
    {"getConfString", "String", "String", conf_string, VONK__J_METHOD, GET},
    {"getConfString", "String, String", "String", conf_string, VONK__J_METHOD, GET},
    {"setConfString", "String, String", "void", conf_set, VONK__J_METHOD, 0},
    {"unsetConf", "String", "void", conf_unset, VONK__J_METHOD, 0},
    {"contains", "String", "boolean", conf_get, VONK__J_METHOD, CONTAINS},
    {"pysparkJVMStacktraceEnabled", "", "boolean", conf_flag, VONK__J_METHOD, STACKTRACE},
    {"pysparkToJSONReturnDataFrame", "", "boolean", conf_flag, VONK__J_METHOD, JSON_FRAME},
    {"arrowPySparkEnabled", "", "boolean", conf_flag, VONK__J_METHOD, ARROW},
    {"ansiEnabled", "", "boolean", conf_flag, VONK__J_METHOD, ANSI},
    {"caseSensitiveAnalysis", "", "boolean", conf_flag, VONK__J_METHOD, CASE_SENSITIVE},
    {"sessionLocalTimeZone", "", "String", conf_zone, VONK__J_METHOD, 0},
    {"defaultDataSourceName", "", "String", conf_zone, VONK__J_METHOD, 1},
};
static const vonk__j_member state_members[] = {
    {"conf", "", "org.apache.spark.sql.internal.SQLConf", sql_conf, VONK__J_METHOD, 0},
};
#define FACET(name, members)                                                                                           \
    {.fqn = (name),                                                                                                    \
     .flags = VONK__J_ABSTRACT,                                                                                        \
     VONK__J_MEMBERS(members),                                                                                         \
     .size = sizeof(vonk__j_facet),                                                                                    \
     .drop = vonk__j_facet_drop}
static const vonk__j_row rows[] = {
    FACET("org.apache.spark.sql.classic.RuntimeConfig", runtime_members),
    FACET("org.apache.spark.sql.internal.SQLConf", conf_members),
    FACET("org.apache.spark.sql.internal.SessionState", state_members),
};
const vonk__j_area vonk__j_area_sql_conf = {rows, VONK_COUNTOF(rows)};
