/* serve/connect/session_rpc.c -- the RPCs of sessions: release, clone, details of errors. */
#include "serve/connect/connect_int.h"

/* Closing what is not there is fine. */
vonk_status vonk__connect_release_session(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = vonk__connect_caller(rpc->request, PB_RELEASE_SESSION_REQUEST_SESSION_ID,
                                                      PB_RELEASE_SESSION_REQUEST_USER_CONTEXT, 0);
    vonk_buf buf = {0};
    VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = vonk__connect_peek_session(rpc->server, &caller);
    vonk_buf_init(&buf, rpc->server->budget, SIZE_MAX);
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &buf, err);
    vonk_pb_put_str(&w, PB_RELEASE_SESSION_RESPONSE_SESSION_ID, caller.session_id);
    if (s) vonk_pb_put_str(&w, PB_RELEASE_SESSION_RESPONSE_SERVER_SIDE_SESSION_ID, vonk__connect_server_side_id(s));
    if (s) vonk__connect_close_session(s);
    return vonk__connect_reply(rpc, &w, err);
}

vonk_status vonk__connect_clone(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller =
        vonk__connect_caller(rpc->request, PB_CLONE_SESSION_REQUEST_SESSION_ID, PB_CLONE_SESSION_REQUEST_USER_CONTEXT,
                             PB_CLONE_SESSION_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
    VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *copy = NULL;
    vonk_connect_id made;
    if (caller.observed_id.len == 0) caller.has_observed_id = false;
    VONK_TRY(vonk__connect_find_session(rpc->server, &caller, &rpc->session, err));
    vonk_str new_id = vonk_pb_str(rpc->request, PB_CLONE_SESSION_REQUEST_NEW_SESSION_ID);
    if (new_id.len == 0) {
        vonk_random_uuid(made.text);
        new_id = vonk_str_of(made.text);
    }
    VONK_TRY(vonk__connect_clone_session(rpc->session, new_id, &copy, err));
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_CLONE_SESSION_RESPONSE_SESSION_ID,
                                            PB_CLONE_SESSION_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    vonk_pb_put_str(&w, PB_CLONE_SESSION_RESPONSE_NEW_SESSION_ID, copy->id);
    vonk_pb_put_str(&w, PB_CLONE_SESSION_RESPONSE_NEW_SERVER_SIDE_SESSION_ID, vonk__connect_server_side_id(copy));
    return vonk__connect_reply(rpc, &w, err);
}

/* An error that is not known (any more) has no details: the client makes do with what the trailers said. */
vonk_status vonk__connect_fetch_error(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = vonk__connect_caller(
        rpc->request, PB_FETCH_ERROR_DETAILS_REQUEST_SESSION_ID, PB_FETCH_ERROR_DETAILS_REQUEST_USER_CONTEXT,
        PB_FETCH_ERROR_DETAILS_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
    VONK_AUTO(vonk_error_reset) vonk_error error = VONK_ERROR_INIT;
    VONK_TRY(vonk__connect_find_session(rpc->server, &caller, &rpc->session, err));
    vonk_str id = vonk_pb_str(rpc->request, PB_FETCH_ERROR_DETAILS_REQUEST_ERROR_ID);
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_FETCH_ERROR_DETAILS_RESPONSE_SESSION_ID,
                                            PB_FETCH_ERROR_DETAILS_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    if (vonk__connect_kept_error(rpc->session, id, &error)) vonk_connect_write_details(&w, &error);
    return vonk__connect_reply(rpc, &w, err);
}
