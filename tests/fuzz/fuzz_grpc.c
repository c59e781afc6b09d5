/* A gRPC connection without a socket. The first byte says how the rest is sent: 0 as it is after the HTTP/2 preface, 1
 * as the body of a proper request, cut into DATA frames of sizes that the input picks; bits 1 to 3 pick the method. */
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "net/grpc_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) abort();
}

/* ---- a service that does all that one can do to a call ---- */

static vonk_grpc_call *kept;

static void echo(void *self, vonk_grpc_call *call, vonk_slice message) { vonk_grpc_reply(call, message); }

static void keep(void *self, vonk_grpc_call *call, vonk_slice message)
{
    vonk_grpc_call_unref(kept);
    kept = vonk_grpc_call_ref(call);
    vonk_slice twice[2] = {message, vonk_slice_ref(message)};
    vonk_grpc_send(call, twice, 2);
}

static void drop(void *self, vonk_grpc_call *call, vonk_slice message) { vonk_slice_unref(message); }

static void collect(void *self, vonk_grpc_call *call, vonk_slice message)
{
    if (message.bytes.len % 2 == 0) vonk_grpc_consumed(call, message.bytes.len);
    if (message.bytes.len == 3) vonk_grpc_finish(call, VONK_GRPC_ABORTED, message.bytes, message.bytes);
    vonk_slice_unref(message);
}

static void collected(void *self, vonk_grpc_call *call)
{
    vonk_grpc_finish(call, VONK_GRPC_INVALID_ARGUMENT, VONK_STR("%\n"), VONK_STR("details"));
}

static void released(void *self, void *data) { require(false); }

static const vonk_grpc_method methods[] = {
    {"/f/Echo", VONK_GRPC_UNARY, NULL, echo, NULL},
    {"/f/Keep", VONK_GRPC_SERVER_STREAM, NULL, keep, NULL},
    {"/f/Drop", VONK_GRPC_UNARY, NULL, drop, NULL},
    {"/f/Notice", VONK_GRPC_NOTICE, NULL, echo, NULL},
    {"/f/Collect", VONK_GRPC_CLIENT_STREAM, NULL, collect, collected},
};
static const vonk_grpc_service service = {NULL, methods, VONK_COUNTOF(methods), NULL, NULL, NULL, released};

/* ---- the client's proper part ---- */

#define HEADER(name, value)                                                                                            \
    {(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE}

typedef struct body {
    const uint8_t *at, *end;
} body;

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *self)
{
    body *b = source->ptr;
    size_t left = (size_t)(b->end - b->at), n = vonk_min_size(left, left ? b->at[0] + 1u : 0);
    if (n) memcpy(buf, b->at, n);
    b->at += n;
    if (b->at == b->end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_session *client_new(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_session *client = NULL;
    require(nghttp2_session_callbacks_new(&callbacks) == 0);
    require(nghttp2_session_client_new(&client, callbacks, NULL) == 0);
    nghttp2_session_callbacks_del(callbacks);
    require(nghttp2_submit_settings(client, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
    return client;
}

static void submit(nghttp2_session *client, unsigned method, body *b)
{
    static const char *const timeouts[] = {"10S", "1n", "0S", "99999999H"};
    nghttp2_nv headers[] = {HEADER(":method", "POST"),
                            HEADER(":scheme", "http"),
                            HEADER(":authority", "x"),
                            HEADER(":path", methods[method % VONK_COUNTOF(methods)].path),
                            HEADER("content-type", "application/grpc"),
                            HEADER("grpc-timeout", timeouts[method / 4 % 4])};
    nghttp2_data_provider provider = {.source.ptr = b, .read_callback = read_body};
    require(nghttp2_submit_request(client, NULL, headers, VONK_COUNTOF(headers), &provider, NULL) > 0);
}

/* ---- both ---- */

static void wake(vonk__grpc_host *host) { (void)host; }

/* As the server does before it sends. */
static void pump(vonk_h2_conn *conn)
{
    vonk__grpc_peer *peer = vonk_h2_handler_self(conn);
    vonk__grpc_pump_posted(peer->host);
    vonk__grpc_pump_late(peer);
}

static bool take_output(vonk_h2_conn *conn, nghttp2_session *client)
{
    for (;;) {
        vonk_str pieces[4];
        size_t n = 0, bytes = 0;
        if (!vonk_h2_next_output(conn, pieces, VONK_COUNTOF(pieces), &n)) return false;
        if (n == 0) return true;
        for (size_t i = 0; i < n; i++) {
            if (client) (void)nghttp2_session_mem_recv(client, (const uint8_t *)pieces[i].data, pieces[i].len);
            bytes += pieces[i].len;
        }
        vonk_h2_sent(conn, bytes > 7 ? bytes / 2 : bytes); /* sockets take what they like */
        client = NULL;                                     /* which has seen all of it, but nothing twice */
    }
}

static void talk(vonk_h2_conn *conn, nghttp2_session *client, vonk_str raw)
{
    const uint8_t *data = NULL;
    bool is_good = true;
    for (ssize_t n; is_good && (n = nghttp2_session_mem_send(client, &data)) > 0;) {
        is_good = vonk_h2_receive(conn, (vonk_str){(const char *)data, (size_t)n});
        pump(conn);
        if (is_good) is_good = take_output(conn, client);
    }
    while (is_good && raw.len > 0) {
        size_t n = vonk_min_size(raw.len, (uint8_t)raw.data[0] + 1u);
        is_good = vonk_h2_receive(conn, vonk_str_sub(raw, 0, n));
        pump(conn);
        if (is_good) is_good = take_output(conn, NULL);
        raw = vonk_str_sub(raw, n, raw.len);
    }
    if (kept) vonk_grpc_finish(kept, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE);
    pump(conn);
    take_output(conn, NULL);
    vonk_h2_drain(conn);
    take_output(conn, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static vonk_loop *loop;
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_h2_conn *conn = NULL;
    if (bytes == 0) return 0;
    if (!loop) require(vonk_loop_new(vonk_budget_root(), &loop, &err) == VONK_OK);
    require(vonk_budget_new(vonk_budget_root(), "fuzz", 64 << 20, &budget, &err) == VONK_OK);

    vonk__grpc_host host = {.service = &service,
                            .budget = budget,
                            .max_message_bytes = 1 << 20,
                            .max_queue_bytes = 1000,
                            .loop = loop,
                            .wake = wake};
    vonk__grpc_peer peer = {.host = &host, .name = VONK_STR("fuzz")};
    const vonk_h2_limits limits = {10, 8192, 1 << 20, 4 << 20, 100000};
    require(vonk_h2_new(budget, &limits, &vonk__grpc_handler, &peer, &conn, &err) == VONK_OK);

    nghttp2_session *client = client_new();
    body b = {data + 1, data + bytes};
    bool is_body = data[0] & 1;
    if (is_body) submit(client, data[0] >> 1, &b);
    vonk_str raw = {(const char *)data + 1, is_body ? 0 : bytes - 1};
    talk(conn, client, raw);

    vonk_h2_free(conn);
    nghttp2_session_del(client);
    while (vonk__grpc_pump_posted(&host)) {
    }
    vonk__grpc_pump_late(&peer);
    vonk_grpc_call_unref(kept);
    kept = NULL;
    require(!host.calls && atomic_load(&host.n_calls) == 0);
    vonk_budget_free(budget); /* asserts that nothing leaked */
    return 0;
}
