/* serve/connect/execute.c -- the RPCs of operations: execute, reattach, release, interrupt, status. */
#include "serve/connect/connect_int.h"

#define CALLER(rpc, kind)                                                                                              \
    vonk__connect_caller((rpc)->request, PB_##kind##_SESSION_ID, PB_##kind##_USER_CONTEXT,                             \
                         PB_##kind##_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID)

/* Ties call and operation together, whichever of them ends first. */
static vonk_status read_by(vonk_connect_operation *op, vonk_grpc_call *call, int64_t after_index, vonk_error *err)
{
    vonk_connect_call_data *data = vonk_grpc_data(call);
    atomic_store(&data->operation, vonk__connect_operation_ref(op));
    VONK_TRY(vonk__connect_attach(op, call, after_index, err));
    if (atomic_load(&data->is_cancelled)) vonk__connect_detach(op, call); /* meanwhile */
    return VONK_OK;
}

vonk_status vonk__connect_execute_plan(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = CALLER(rpc, EXECUTE_PLAN_REQUEST);
    VONK_AUTO(vonk_connect_operation_unref) vonk_connect_operation *op = NULL;
    VONK_TRY(vonk__connect_open_session(rpc->server, &caller, &rpc->session, err));
    vonk_slice bytes = rpc->bytes;
    rpc->bytes = VONK_SLICE_NONE;
    VONK_TRY(vonk__connect_operation_new(rpc->session, bytes, VONK_STEAL(rpc->arena), rpc->request, &op, err));
    vonk_status st = read_by(op, rpc->call, 0, err);
    if (st == VONK_OK)
        vonk__connect_start(op);
    else
        vonk__connect_remove(op, false);
    return st;
}

static vonk_status find_operation(vonk_connect_rpc *rpc, vonk_str id, vonk_connect_operation **ret, vonk_error *err)
{
    *ret = vonk__connect_find_operation(rpc->session, id);
    if (*ret) return VONK_OK;
    vonk_mutex_lock(&rpc->server->lock);
    bool was_abandoned = vonk__connect_is_buried(&rpc->server->abandoned, id);
    vonk_mutex_unlock(&rpc->server->lock);
    return VONK_FAIL(
        err, was_abandoned ? VONK_E_INVALID_HANDLE__OPERATION_ABANDONED : VONK_E_INVALID_HANDLE__OPERATION_NOT_FOUND,
        "handle", VONK_S(id));
}

vonk_status vonk__connect_reattach(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = CALLER(rpc, REATTACH_EXECUTE_REQUEST);
    VONK_AUTO(vonk_connect_operation_unref) vonk_connect_operation *op = NULL;
    int64_t after_index = 0;
    VONK_TRY(vonk__connect_find_session(rpc->server, &caller, &rpc->session, err));
    VONK_TRY(find_operation(rpc, vonk_pb_str(rpc->request, PB_REATTACH_EXECUTE_REQUEST_OPERATION_ID), &op, err));
    if (!op->is_reattachable) return VONK_FAIL(err, VONK_E_INVALID_CURSOR__NOT_REATTACHABLE);
    if (vonk_pb_has(rpc->request, PB_REATTACH_EXECUTE_REQUEST_LAST_RESPONSE_ID))
        VONK_TRY(vonk__connect_index_of(op, vonk_pb_str(rpc->request, PB_REATTACH_EXECUTE_REQUEST_LAST_RESPONSE_ID),
                                        &after_index, err));
    return read_by(op, rpc->call, after_index, err);
}

static vonk_status release(vonk_connect_rpc *rpc, vonk_connect_operation *op, vonk_error *err)
{
    if (!op->is_reattachable) return VONK_FAIL(err, VONK_E_INVALID_CURSOR__NOT_REATTACHABLE);
    int64_t index = 0;
    switch (vonk_pb_which(rpc->request, PB_RELEASE_EXECUTE_REQUEST_RELEASE_ONEOF)) {
    case PB_RELEASE_EXECUTE_REQUEST_RELEASE_ALL: vonk__connect_remove(op, false); return VONK_OK;
    case PB_RELEASE_EXECUTE_REQUEST_RELEASE_UNTIL:
        VONK_TRY(
            vonk__connect_index_of(op,
                                   vonk_pb_str(vonk_pb_get_msg(rpc->request, PB_RELEASE_EXECUTE_REQUEST_RELEASE_UNTIL),
                                               PB_RELEASE_EXECUTE_REQUEST_RELEASE_UNTIL_RESPONSE_ID),
                                   &index, err));
        vonk__connect_release_until(op, index);
        return VONK_OK;
    default:
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__INVALID_ONE_OF_FIELD_NOT_SET, "fullName",
                         "spark.connect.ReleaseExecuteRequest", "name", "release");
    }
}

/* The most frequent RPC: one for each response. Operations that are gone are fine. */
vonk_status vonk__connect_release_execute(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = CALLER(rpc, RELEASE_EXECUTE_REQUEST);
    caller.has_observed_id = false; /* clients check that by themselves here */
    VONK_TRY(vonk__connect_find_session(rpc->server, &caller, &rpc->session, err));
    VONK_AUTO(vonk_connect_operation_unref)
    vonk_connect_operation *op =
        vonk__connect_find_operation(rpc->session, vonk_pb_str(rpc->request, PB_RELEASE_EXECUTE_REQUEST_OPERATION_ID));
    if (op) VONK_TRY(release(rpc, op, err));
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_RELEASE_EXECUTE_RESPONSE_SESSION_ID,
                                            PB_RELEASE_EXECUTE_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    if (op) vonk_pb_put_c(&w, PB_RELEASE_EXECUTE_RESPONSE_OPERATION_ID, op->id.text);
    return vonk__connect_reply(rpc, &w, err);
}

/* ---- interrupt ---- */

typedef struct id_list {
    VONK_VEC(vonk_connect_operation *) ops;
} id_list;

/* References to the session's operations that are wanted: all, or those with the tag, or the one with the id. */
static vonk_status list_operations(vonk_connect_session *s, vonk_arena *arena, const vonk_str *tag, const vonk_str *id,
                                   id_list *ret, vonk_error *err)
{
    vonk_status st = VONK_OK;
    vonk_mutex_lock(&s->lock);
    for (vonk_connect_operation *op = s->operations; op && st == VONK_OK; op = op->next) {
        if (tag && !vonk__connect_has_tag(op, *tag)) continue;
        if (id && !vonk_str_is_nocase(*id, op->id.text)) continue;
        st = VONK_VEC_ARENA_PUSH(&ret->ops, arena, op, err);
        if (st == VONK_OK) vonk__connect_operation_ref(op);
    }
    vonk_mutex_unlock(&s->lock);
    return st;
}

static void drop_list(id_list *list)
{
    for (size_t i = 0; i < list->ops.n; i++) vonk_connect_operation_unref(list->ops.at[i]);
    list->ops.n = 0;
}

static vonk_status fail_parameter(vonk_errclass cls, const char *parameter, vonk_error *err)
{
    return VONK_FAIL(err, cls, "parameter", parameter, "functionName", "interrupt");
}

static vonk_status list_to_interrupt(vonk_connect_rpc *rpc, id_list *list, vonk_error *err)
{
    const vonk_pb_msg *r = rpc->request;
    vonk_str tag = vonk_pb_str(r, PB_INTERRUPT_REQUEST_OPERATION_TAG);
    vonk_str id = vonk_pb_str(r, PB_INTERRUPT_REQUEST_OPERATION_ID);
    int type = vonk_pb_i32(r, PB_INTERRUPT_REQUEST_INTERRUPT_TYPE);
    switch (type) {
    case PB_E_INTERRUPT_REQUEST_INTERRUPT_TYPE_ALL:
        return list_operations(rpc->session, rpc->arena, NULL, NULL, list, err);
    case PB_E_INTERRUPT_REQUEST_INTERRUPT_TYPE_TAG:
        if (!vonk_pb_has(r, PB_INTERRUPT_REQUEST_OPERATION_TAG))
            return fail_parameter(VONK_E_INVALID_PARAMETER_VALUE__INTERRUPT_TYPE_TAG_REQUIRES_TAG, "operation_tag",
                                  err);
        return list_operations(rpc->session, rpc->arena, &tag, NULL, list, err);
    case PB_E_INTERRUPT_REQUEST_INTERRUPT_TYPE_OPERATION_ID:
        if (!vonk_pb_has(r, PB_INTERRUPT_REQUEST_OPERATION_ID))
            return fail_parameter(VONK_E_INVALID_PARAMETER_VALUE__INTERRUPT_TYPE_OPERATION_ID_REQUIRES_ID,
                                  "operation_id", err);
        return list_operations(rpc->session, rpc->arena, NULL, &id, list, err);
    default:
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__INTERRUPT_TYPE, "interruptType",
                         type == 0 ? "INTERRUPT_TYPE_UNSPECIFIED" : "UNRECOGNIZED");
    }
}

vonk_status vonk__connect_interrupt_rpc(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = CALLER(rpc, INTERRUPT_REQUEST);
    id_list list = {0};
    VONK_TRY(vonk__connect_open_session(rpc->server, &caller, &rpc->session, err));
    vonk_status st = list_to_interrupt(rpc, &list, err);
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_INTERRUPT_RESPONSE_SESSION_ID,
                                            PB_INTERRUPT_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    if (st != VONK_OK) w.status = st;
    for (size_t i = 0; i < list.ops.n && st == VONK_OK; i++)
        if (vonk__connect_interrupt(list.ops.at[i]))
            vonk_pb_put_c(&w, PB_INTERRUPT_RESPONSE_INTERRUPTED_IDS, list.ops.at[i]->id.text);
    drop_list(&list);
    return vonk__connect_reply(rpc, &w, err);
}

/* ---- status ---- */

static void put_state(vonk_pb_writer *w, vonk_str id, int state)
{
    size_t mark = vonk_pb_begin(w, PB_GET_STATUS_RESPONSE_OPERATION_STATUSES);
    vonk_pb_put_str(w, PB_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_ID, id);
    vonk_pb_put_i64(w, PB_GET_STATUS_RESPONSE_OPERATION_STATUS_STATE, state);
    vonk_pb_end(w, mark);
}

/* The state of one that is gone, -1: not known (any more). Under the session's lock. */
static int past_state(const vonk_connect_session *s, vonk_str id, int64_t now_ns)
{
    for (size_t i = 0; i < s->n_outcomes; i++)
        if (vonk_str_is_nocase(id, s->outcomes[i].id.text) && now_ns - s->outcomes[i].at_ns < s->server->outcome_ns)
            return s->outcomes[i].state;
    return -1;
}

static void put_all_states(vonk_pb_writer *w, vonk_connect_session *s, int64_t now_ns)
{
    vonk_mutex_lock(&s->lock);
    for (vonk_connect_operation *op = s->operations; op; op = op->next)
        put_state(w, vonk_str_of(op->id.text), vonk__connect_state_of(op));
    for (size_t i = 0; i < s->n_outcomes; i++)
        if (now_ns - s->outcomes[i].at_ns < s->server->outcome_ns)
            put_state(w, vonk_str_of(s->outcomes[i].id.text), s->outcomes[i].state);
    vonk_mutex_unlock(&s->lock);
}

static void put_one_state(vonk_pb_writer *w, vonk_connect_session *s, vonk_str id, int64_t now_ns)
{
    vonk_connect_operation *op = vonk__connect_find_operation(s, id);
    int state = op ? vonk__connect_state_of(op) : -1;
    vonk_connect_operation_unref(op);
    vonk_mutex_lock(&s->lock);
    int past = past_state(s, id, now_ns);
    vonk_mutex_unlock(&s->lock);
    if (past >= 0) state = past;
    put_state(w, id, state >= 0 ? state : PB_E_GET_STATUS_RESPONSE_OPERATION_STATUS_OPERATION_STATE_UNKNOWN);
}

static bool is_repeated(const vonk_pb_msg *wanted, size_t i)
{
    const int ids = PB_GET_STATUS_REQUEST_OPERATION_STATUS_REQUEST_OPERATION_IDS;
    for (size_t k = 0; k < i; k++)
        if (vonk_str_eq(vonk_pb_str_at(wanted, ids, k), vonk_pb_str_at(wanted, ids, i))) return true;
    return false;
}

vonk_status vonk__connect_get_status(vonk_connect_rpc *rpc, vonk_error *err)
{
    enum { MAX_IDS = 1000 };
    const int ids = PB_GET_STATUS_REQUEST_OPERATION_STATUS_REQUEST_OPERATION_IDS;
    vonk_connect_caller caller = CALLER(rpc, GET_STATUS_REQUEST);
    VONK_TRY(vonk__connect_find_session(rpc->server, &caller, &rpc->session, err));
    const vonk_pb_msg *wanted = vonk_pb_get_msg(rpc->request, PB_GET_STATUS_REQUEST_OPERATION_STATUS);
    int64_t now_ns = vonk_clock_mono_ns();
    size_t n = vonk_pb_n(wanted, ids);
    if (n > MAX_IDS)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("GetStatus of %zu operations at once", n));
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_GET_STATUS_RESPONSE_SESSION_ID,
                                            PB_GET_STATUS_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    if (wanted && n == 0) put_all_states(&w, rpc->session, now_ns);
    for (size_t i = 0; i < n; i++)
        if (!is_repeated(wanted, i)) put_one_state(&w, rpc->session, vonk_pb_str_at(wanted, ids, i), now_ns);
    return vonk__connect_reply(rpc, &w, err);
}
