/* serve/connect/config.c -- the Config RPC: reading and changing the session's settings. */
#include "plan/redaction.h"
#include "serve/connect/connect_int.h"

typedef struct config_rpc {
    vonk_connect_rpc *rpc;
    const vonk_conf *conf;
    const vonk_pb_msg *op; /* the member that is set */
    vonk_pb_writer *out;
    vonk_redaction redaction;
} config_rpc;

/* A value whose data is NULL is absent. */
static void put_pair(config_rpc *c, vonk_str key, vonk_str value)
{
    size_t mark = vonk_pb_begin(c->out, PB_CONFIG_RESPONSE_PAIRS);
    vonk_pb_put_str(c->out, PB_KEY_VALUE_KEY, key);
    if (value.data) vonk_pb_put_str(c->out, PB_KEY_VALUE_VALUE, value);
    vonk_pb_end(c->out, mark);
}

/* Keys that mean nothing to a Connect client, though they exist. */
static void warn(config_rpc *c, vonk_str key)
{
    static const char *const useless[] = {"spark.sql.execution.arrow.enabled",
                                          "spark.sql.execution.arrow.pyspark.fallback.enabled"};
    for (size_t i = 0; i < VONK_COUNTOF(useless); i++)
        if (vonk_str_is(key, useless[i]))
            vonk_pb_put_c(c->out, PB_CONFIG_RESPONSE_WARNINGS, VONK_F("%s has no effect in Spark Connect", useless[i]));
}

static vonk_status set_one(config_rpc *c, vonk_str key, vonk_str value, vonk_error *err)
{
    const vonk_connect_backend *backend = c->rpc->server->backend;
    return backend->conf_set(backend->self, c->rpc->session->backend, key, value, err);
}

/* Silent: what cannot be set is told in a warning. */
static vonk_status set_keys(config_rpc *c, vonk_error *err)
{
    bool is_silent = vonk_pb_bool(c->op, PB_CONFIG_REQUEST_SET_SILENT);
    for (size_t i = 0; i < vonk_pb_n(c->op, PB_CONFIG_REQUEST_SET_PAIRS); i++) {
        const vonk_pb_msg *pair = vonk_pb_msg_at(c->op, PB_CONFIG_REQUEST_SET_PAIRS, i);
        vonk_str key = vonk_pb_str(pair, PB_KEY_VALUE_KEY), value = vonk_pb_str(pair, PB_KEY_VALUE_VALUE);
        vonk_status st = VONK_OK;
        if (!vonk_pb_has(pair, PB_KEY_VALUE_VALUE))
            st = VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                           VONK_F("a value for %.*s", VONK_STR_ARGS(key)));
        else
            st = set_one(c, key, value.data ? value : VONK_STR(""), err); /* NULL would unset it */
        if (st == VONK_OK) warn(c, key);
        if (st != VONK_OK && !is_silent) return st;
        if (st != VONK_OK) {
            vonk_pb_put_c(c->out, PB_CONFIG_RESPONSE_WARNINGS,
                          VONK_F("%.*s was not set to '%.*s': %s", VONK_STR_ARGS(key), VONK_STR_ARGS(value),
                                 vonk_error_message(err)));
            vonk_error_reset(err);
        }
    }
    return VONK_OK;
}

/* False: nobody has heard of the key. A known key without default has no value. */
static vonk_status look_up(config_rpc *c, vonk_str key, bool *ret_known, vonk_str *ret_value, vonk_error *err)
{
    *ret_value = vonk_conf_get_set(c->conf, key);
    *ret_known = ret_value->data || vonk_conf_known(key, NULL, NULL);
    if (*ret_known && !ret_value->data) {
        vonk_str terminated;
        VONK_TRY(vonk_arena_str(c->rpc->arena, key, &terminated, err));
        *ret_value = vonk_conf_get(c->conf, terminated.data); /* a default may be another key's value */
    }
    bool hides = false;
    VONK_TRY(vonk_redaction_hides(&c->redaction, key, *ret_value, &hides, err));
    if (hides) {
        *ret_known = false; /* as if it were not there */
        *ret_value = VONK_STR_NONE;
    }
    return VONK_OK;
}

static vonk_status get_keys(config_rpc *c, int keys_field, bool must_exist, vonk_error *err)
{
    for (size_t i = 0; i < vonk_pb_n(c->op, keys_field); i++) {
        vonk_str key = vonk_pb_str_at(c->op, keys_field, i), value;
        bool is_known = false;
        VONK_TRY(look_up(c, key, &is_known, &value, err));
        if (!is_known && must_exist)
            return VONK_FAIL(err, VONK_E_SQL_CONF_NOT_FOUND, "sqlConf", VONK_F("\"%.*s\"", VONK_STR_ARGS(key)));
        put_pair(c, key, value);
        warn(c, key);
    }
    return VONK_OK;
}

/* A default that the key could not have is an error. What a key has by itself needs no look. */
static vonk_status check_default(config_rpc *c, vonk_str key, vonk_str value, vonk_error *err)
{
    vonk_str own;
    const vonk_conf *with = NULL;
    if (!vonk_conf_known(key, &own, NULL) || vonk_str_eq(own, value)) return VONK_OK;
    vonk_status st = vonk_conf_with(c->rpc->server->budget, c->conf, key, value, &with, err);
    if (st == VONK_OK) vonk_conf_unref(with);
    if (st != VONK_E_CANNOT_MODIFY_STATIC_CONFIG && st != VONK_E_CANNOT_MODIFY_CONFIG) return st;
    vonk_error_reset(err); /* it is not to be set */
    return VONK_OK;
}

/* The caller's default, not the key's own. */
static vonk_status get_with_default(config_rpc *c, vonk_error *err)
{
    for (size_t i = 0; i < vonk_pb_n(c->op, PB_CONFIG_REQUEST_GET_WITH_DEFAULT_PAIRS); i++) {
        const vonk_pb_msg *pair = vonk_pb_msg_at(c->op, PB_CONFIG_REQUEST_GET_WITH_DEFAULT_PAIRS, i);
        vonk_str key = vonk_pb_str(pair, PB_KEY_VALUE_KEY), value = vonk_conf_get_set(c->conf, key);
        bool hides = false;
        if (value.data) VONK_TRY(vonk_redaction_hides(&c->redaction, key, value, &hides, err));
        if (hides) value = VONK_STR_NONE;
        if (!value.data && vonk_pb_has(pair, PB_KEY_VALUE_VALUE)) {
            value = vonk_pb_str(pair, PB_KEY_VALUE_VALUE);
            if (!value.data) value = VONK_STR("");
            VONK_TRY(check_default(c, key, value, err));
        }
        put_pair(c, key, value);
        warn(c, key);
    }
    return VONK_OK;
}

static vonk_status get_all(config_rpc *c, vonk_error *err)
{
    vonk_str prefix = vonk_pb_str(c->op, PB_CONFIG_REQUEST_GET_ALL_PREFIX), key, value;
    for (size_t at = 0; vonk_conf_next(c->conf, &at, &key, &value);) {
        bool hides = false;
        if (!vonk_str_starts(key, prefix)) continue;
        VONK_TRY(vonk_redaction_hides(&c->redaction, key, value, &hides, err));
        if (hides) continue;
        put_pair(c, vonk_str_sub(key, prefix.len, key.len), value);
        warn(c, key);
    }
    return VONK_OK;
}

static vonk_status unset_keys(config_rpc *c, vonk_error *err)
{
    for (size_t i = 0; i < vonk_pb_n(c->op, PB_CONFIG_REQUEST_UNSET_KEYS); i++) {
        vonk_str key = vonk_pb_str_at(c->op, PB_CONFIG_REQUEST_UNSET_KEYS, i);
        VONK_TRY(set_one(c, key, VONK_STR_NONE, err));
        warn(c, key);
    }
    return VONK_OK;
}

static void are_modifiable(config_rpc *c)
{
    for (size_t i = 0; i < vonk_pb_n(c->op, PB_CONFIG_REQUEST_IS_MODIFIABLE_KEYS); i++) {
        vonk_str key = vonk_pb_str_at(c->op, PB_CONFIG_REQUEST_IS_MODIFIABLE_KEYS, i);
        bool is_modifiable = false;
        if (!vonk_conf_known(key, NULL, &is_modifiable)) is_modifiable = false;
        put_pair(c, key, is_modifiable ? VONK_STR("true") : VONK_STR("false"));
        warn(c, key);
    }
}

static vonk_status answer(config_rpc *c, vonk_error *err)
{
    const vonk_pb_msg *operation = vonk_pb_get_msg(c->rpc->request, PB_CONFIG_REQUEST_OPERATION);
    int which = vonk_pb_which(operation, PB_CONFIG_REQUEST_OPERATION_OP_TYPE_ONEOF);
    if (which) c->op = vonk_pb_get_msg(operation, which);
    switch (which) {
    case PB_CONFIG_REQUEST_OPERATION_SET: return set_keys(c, err);
    case PB_CONFIG_REQUEST_OPERATION_GET: return get_keys(c, PB_CONFIG_REQUEST_GET_KEYS, true, err);
    case PB_CONFIG_REQUEST_OPERATION_GET_OPTION: return get_keys(c, PB_CONFIG_REQUEST_GET_OPTION_KEYS, false, err);
    case PB_CONFIG_REQUEST_OPERATION_GET_WITH_DEFAULT: return get_with_default(c, err);
    case PB_CONFIG_REQUEST_OPERATION_GET_ALL: return get_all(c, err);
    case PB_CONFIG_REQUEST_OPERATION_UNSET: return unset_keys(c, err);
    case PB_CONFIG_REQUEST_OPERATION_IS_MODIFIABLE: are_modifiable(c); return VONK_OK;
    default:
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__INVALID_ONE_OF_FIELD_NOT_SET, "fullName",
                         "spark.connect.ConfigRequest.Operation", "name", "op_type");
    }
}

vonk_status vonk__connect_config(vonk_connect_rpc *rpc, vonk_error *err)
{
    const vonk_connect_backend *backend = rpc->server->backend;
    vonk_connect_caller caller =
        vonk__connect_caller(rpc->request, PB_CONFIG_REQUEST_SESSION_ID, PB_CONFIG_REQUEST_USER_CONTEXT,
                             PB_CONFIG_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
    VONK_TRY(vonk__connect_open_session(rpc->server, &caller, &rpc->session, err));
    vonk_buf buf = {0};
    vonk_pb_writer w =
        vonk__connect_answer(rpc, &buf, PB_CONFIG_RESPONSE_SESSION_ID, PB_CONFIG_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    config_rpc c = {.rpc = rpc, .conf = backend->conf(backend->self, rpc->session->backend), .out = &w};
    vonk_status st = vonk_redaction_of(&c.redaction, rpc->server->budget, c.conf, false, err);
    if (st == VONK_OK) st = answer(&c, err);
    vonk_redaction_done(&c.redaction);
    vonk_conf_unref(c.conf);
    if (st != VONK_OK) w.status = st;
    return vonk__connect_reply(rpc, &w, err);
}
