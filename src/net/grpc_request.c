/* net/grpc_request.c -- what arrives on a stream: headers become a call, bytes become messages, both go to the
 * service's method. */
#include "net/grpc_int.h"

static vonk_str find_header(const vonk_h2_header *headers, size_t n, vonk_str name)
{
    for (size_t i = 0; i < n; i++)
        if (vonk_str_eq(headers[i].name, name)) return headers[i].value;
    return VONK_STR_NONE;
}

/* Not gRPC at all: answered in plain HTTP. */
static void refuse_http(vonk_h2_stream *stream, const char *status)
{
    const vonk_h2_header headers[] = {{VONK_STR(":status"), vonk_str_of(status)}};
    vonk_h2_respond(stream, headers, VONK_COUNTOF(headers), true);
}

static const vonk_grpc_method *find_method(const vonk_grpc_service *service, vonk_str path)
{
    for (size_t i = 0; i < service->n_methods; i++)
        if (vonk_str_is(path, service->methods[i].path)) return &service->methods[i];
    return NULL;
}

static void on_deadline(void *self)
{
    vonk_grpc_call *call = self;
    vonk__grpc_host *host = call->host;
    vonk__grpc_call_end(call, VONK_GRPC_DEADLINE_EXCEEDED, "the deadline passed");
    host->wake(host); /* to have it sent */
}

static bool is_token_right(vonk_str authorization, vonk_str token)
{
    vonk_str scheme = VONK_STR("Bearer ");
    if (authorization.len < scheme.len) return false;
    if (!vonk_str_eq_nocase(vonk_str_sub(authorization, 0, scheme.len), scheme)) return false;
    return vonk_grpc_token_eq(vonk_str_sub(authorization, scheme.len, authorization.len), token);
}

/* Is there a reason not to take the call? */
static vonk_grpc_code check_call(vonk_grpc_call *call, const vonk_grpc_method *method, const char **ret_message)
{
    const vonk__grpc_host *host = call->host;
    if (host->token.len && !is_token_right(vonk_grpc_header(call, "authorization"), host->token)) {
        *ret_message = "a valid token is needed: authorization: Bearer <token>";
        return VONK_GRPC_UNAUTHENTICATED;
    }
    call->method = method;
    if (!method) {
        *ret_message = "there is no such method";
        return VONK_GRPC_UNIMPLEMENTED;
    }
    vonk_str encoding = vonk_grpc_header(call, "grpc-encoding");
    if (encoding.len && !vonk_str_is(encoding, "identity")) {
        *ret_message = "compressed messages are not supported";
        return VONK_GRPC_UNIMPLEMENTED;
    }
    if (host->service->admit) {
        vonk_grpc_code code = host->service->admit(host->service->self, call, ret_message);
        if (code != VONK_GRPC_OK) return code;
    }
    vonk_str timeout = vonk_grpc_header(call, "grpc-timeout");
    int64_t timeout_us = 0;
    if (timeout.len == 0) return VONK_GRPC_OK;
    if (!vonk_grpc_parse_timeout(timeout, &timeout_us)) {
        *ret_message = "grpc-timeout is malformed";
        return VONK_GRPC_INVALID_ARGUMENT;
    }
    call->deadline.fire = on_deadline;
    call->deadline.self = call;
    vonk_status st =
        vonk_loop_set_timer(host->loop, &call->deadline, vonk_clock_mono_ns() + timeout_us * VONK_NS_PER_US, NULL);
    if (st == VONK_OK) return VONK_GRPC_OK;
    *ret_message = "no memory for a deadline";
    return VONK_GRPC_RESOURCE_EXHAUSTED;
}

static void link_call(vonk_grpc_call *call, vonk_h2_stream *stream)
{
    vonk__grpc_host *host = call->host;
    call->stream = stream;
    call->next = host->calls;
    call->link = &host->calls;
    if (call->next) call->next->link = &call->next;
    host->calls = call;
    atomic_fetch_add_explicit(&host->n_calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&host->total_calls, 1, memory_order_relaxed);
    vonk_h2_set_stream_data(stream, call);
}

/* The request is complete, or will not be: nobody but the service keeps the call open from now on. */
static void stop_incoming(vonk_grpc_call *call)
{
    if (!call->is_incoming) return;
    call->is_incoming = false;
    vonk__grpc_call_let_go(call);
}

static void refuse_call(vonk_grpc_call *call, vonk_grpc_code code, const char *message)
{
    vonk_grpc_finish(call, code, vonk_str_of(message), VONK_STR_NONE);
    stop_incoming(call);
}

static void on_end(void *self, vonk_h2_stream *stream);

static void on_request(void *self, vonk_h2_stream *stream, const vonk_h2_header *headers, size_t n, bool is_end)
{
    vonk__grpc_peer *peer = self;
    const vonk_grpc_method *method = find_method(peer->host->service, find_header(headers, n, VONK_STR(":path")));
    if (!method || method->kind != VONK_GRPC_NOTICE) peer->habit.n_asked++;
    vonk_str type = find_header(headers, n, VONK_STR("content-type")), grpc = VONK_STR("application/grpc");
    if (!vonk_str_is(find_header(headers, n, VONK_STR(":method")), "POST")) {
        refuse_http(stream, "405");
        return;
    }
    if (!vonk_str_starts(type, grpc) || (type.len > grpc.len && !strchr("+;", type.data[grpc.len]))) {
        refuse_http(stream, "415");
        return;
    }
    vonk_grpc_call *call = NULL;
    vonk_status st = vonk__grpc_call_new(peer, headers, n, &call, NULL);
    if (st != VONK_OK) {
        vonk_h2_reset(stream);
        return;
    }
    link_call(call, stream);
    call->is_incoming = true;
    vonk__grpc_call_hold(call);

    const char *message = NULL;
    vonk_grpc_code code = check_call(call, method, &message);
    if (code != VONK_GRPC_OK) {
        refuse_call(call, code, message);
        return;
    }
    if (call->method->start) {
        call->is_known = true;
        call->method->start(call->service->self, call);
    }
    if (is_end) on_end(self, stream); /* a request without any message */
}

/* A client stream's messages go to the service as they come; any other call's only one waits for the end of the
 * request. */
static void take_message(vonk_grpc_call *call, vonk_slice message)
{
    if (call->method->kind == VONK_GRPC_CLIENT_STREAM) {
        call->is_known = true;
        call->held_bytes += message.bytes.len;
        call->method->message(call->service->self, call, message);
    } else if (call->has_request) {
        vonk_slice_unref(message);
        refuse_call(call, VONK_GRPC_INTERNAL, "more than one request message");
    } else {
        call->has_request = true;
        call->request = message;
    }
}

static void on_data(void *self, vonk_h2_stream *stream, vonk_str bytes)
{
    (void)self;
    vonk_grpc_call *call = vonk_h2_stream_data(stream);
    if (!call) { /* refused in plain HTTP: throw it away */
        vonk_h2_consume(stream, bytes.len);
        return;
    }
    call->shut_bytes += bytes.len;
    while (bytes.len > 0 && call->is_incoming && !vonk_grpc_is_over(call)) {
        vonk_slice message = VONK_SLICE_NONE;
        switch (vonk_grpc_deframer_feed(&call->deframer, &bytes, &message)) {
        case VONK_GRPC_FED_MORE: break;
        case VONK_GRPC_FED_MESSAGE: take_message(call, message); break;
        case VONK_GRPC_FED_COMPRESSED:
            refuse_call(call, VONK_GRPC_UNIMPLEMENTED, "compressed messages are not supported");
            break;
        case VONK_GRPC_FED_INVALID: refuse_call(call, VONK_GRPC_INTERNAL, "a message's prefix is malformed"); break;
        case VONK_GRPC_FED_TOO_LARGE:
            refuse_call(call, VONK_GRPC_RESOURCE_EXHAUSTED, "a message is larger than the server takes");
            break;
        case VONK_GRPC_FED_NO_MEMORY:
            refuse_call(call, VONK_GRPC_RESOURCE_EXHAUSTED, "no memory for the request");
            break;
        }
    }
    vonk__grpc_call_open_window(call);
}

static void on_end(void *self, vonk_h2_stream *stream)
{
    (void)self;
    vonk_grpc_call *call = vonk_h2_stream_data(stream);
    if (!call || !call->is_incoming) return;
    if (vonk_grpc_is_over(call)) {
        stop_incoming(call);
        return;
    }
    if (vonk_grpc_deframer_is_open(&call->deframer)) {
        refuse_call(call, VONK_GRPC_INTERNAL, "the request ends in the middle of a message");
        return;
    }
    void *service = call->service->self;
    if (call->method->kind == VONK_GRPC_CLIENT_STREAM) {
        call->is_known = true;
        call->method->half_close(service, call);
    } else if (!call->has_request) {
        refuse_call(call, VONK_GRPC_INTERNAL, "the request has no message");
        return;
    } else {
        call->is_known = true;
        call->has_request = false;
        call->method->message(service, call, call->request);
    }
    stop_incoming(call);
}

static void on_taken(void *self, vonk_h2_stream *stream, size_t bytes)
{
    (void)self;
    vonk__grpc_call_taken(vonk_h2_stream_data(stream), bytes);
}

static void on_closed(void *self, vonk_h2_stream *stream, bool is_complete)
{
    (void)self;
    (void)is_complete;
    vonk_grpc_call *call = vonk_h2_stream_data(stream);
    if (!call) return;
    call->stream = NULL;
    if (call->next) call->next->link = call->link;
    *call->link = call->next;
    atomic_fetch_sub_explicit(&call->host->n_calls, 1, memory_order_relaxed);
    vonk__grpc_call_end(call, VONK_GRPC_CANCELLED, "");
    stop_incoming(call);
    if (call->has_request) vonk_slice_unref(call->request);
    call->has_request = false;
    vonk_grpc_deframer_done(&call->deframer);
    vonk__grpc_call_drop(call);
}

const vonk_h2_handler vonk__grpc_handler = {on_request, on_data, on_end, on_taken, on_closed};
