/* net/http.c -- HTTP/1.1 on libmicrohttpd, which is opened at first use. */
#include "net/http.h"

#include <microhttpd.h>

#include "base/error.h"
#include "sys/module.h"
#include "sys/sockets.h"

enum { MOST_CONNECTIONS = 64, IDLE_SECONDS = 15 };

#define FUNCTIONS(X)                                                                                                   \
    X(MHD_start_daemon)                                                                                                \
    X(MHD_stop_daemon)                                                                                                 \
    X(MHD_create_response_from_buffer)                                                                                 \
    X(MHD_add_response_header)                                                                                         \
    X(MHD_queue_response)                                                                                              \
    X(MHD_destroy_response)                                                                                            \
    X(MHD_lookup_connection_value)
VONK_MODULE(FUNCTIONS, "libmicrohttpd.so.12", "libmicrohttpd12");

struct vonk_http {
    vonk_budget *budget;
    struct MHD_Daemon *daemon;
    vonk_http_handler handler;
    void *self;
    uint16_t port;
    bool is_local; /* hosts of requests are checked */
};

struct vonk_http_request {
    struct MHD_Connection *connection;
    vonk_str path;
};

vonk_str vonk_http_path(const vonk_http_request *r) { return r->path; }
vonk_str vonk_http_query(const vonk_http_request *r, const char *name)
{
    return vonk_str_of(VONK_MODULE_CALL(MHD_lookup_connection_value)(r->connection, MHD_GET_ARGUMENT_KIND, name));
}
uint16_t vonk_http_port(const vonk_http *s) { return s->port; }

/* ---- one request */

/* "localhost:4040", "[::1]:4040": without the port. */
static vonk_str without_port(vonk_str host)
{
    size_t end = host.len;
    while (end > 0 && host.data[end - 1] >= '0' && host.data[end - 1] <= '9') end--;
    return end > 0 && host.data[end - 1] == ':' ? vonk_str_sub(host, 0, end - 1) : host;
}
static bool is_welcome(const vonk_http *s, vonk_str host)
{
    const vonk_str name = without_port(host);
    return !s->is_local || vonk_str_is_nocase(name, "localhost") || vonk_str_is(name, "127.0.0.1") ||
           vonk_str_is(name, "[::1]");
}

static enum MHD_Result reply(struct MHD_Connection *connection, const vonk_http_answer *a)
{
    static const char *const always[][2] = {{"Cache-Control", "no-store"},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"X-Frame-Options", "SAMEORIGIN"},
                                            {"Content-Security-Policy", "default-src 'self'"}};
    struct MHD_Response *response =
        VONK_MODULE_CALL(MHD_create_response_from_buffer)(a->body.len, a->body.data, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO; /* closes the connection */
    enum MHD_Result good = VONK_MODULE_CALL(MHD_add_response_header)(response, "Content-Type", a->type);
    for (size_t i = 0; i < VONK_COUNTOF(always) && good == MHD_YES; i++)
        good = VONK_MODULE_CALL(MHD_add_response_header)(response, always[i][0], always[i][1]);
    if (a->location && good == MHD_YES)
        good = VONK_MODULE_CALL(MHD_add_response_header)(response, "Location", a->location);
    if (good == MHD_YES) good = VONK_MODULE_CALL(MHD_queue_response)(connection, (unsigned)a->status, response);
    VONK_MODULE_CALL(MHD_destroy_response)(response);
    return good;
}

static vonk_status answer_request(const vonk_http *s, const vonk_http_request *r, vonk_str method, vonk_http_answer *a,
                                  vonk_error *err)
{
    const vonk_str host =
        vonk_str_of(VONK_MODULE_CALL(MHD_lookup_connection_value)(r->connection, MHD_HEADER_KIND, "Host"));
    if (!vonk_str_is(method, "GET") && !vonk_str_is(method, "HEAD")) {
        a->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        return vonk_buf_add_c(&a->body, "only GET and HEAD\n", err);
    }
    if (!is_welcome(s, host)) {
        a->status = MHD_HTTP_FORBIDDEN;
        return vonk_buf_add_c(&a->body, "not a name of this machine\n", err);
    }
    return s->handler(s->self, r, a, err);
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_bytes, void **state)
{
    static char seen; /* the library calls once for the head, and once more when all is there */
    const vonk_http *s = self;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_http_request request = {connection, vonk_str_of(url)};
    vonk_http_answer answer = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_bytes) { /* nobody wants it */
        *upload_bytes = 0;
        return MHD_YES;
    }
    vonk_buf_init(&answer.body, s->budget, SIZE_MAX);
    if (answer_request(s, &request, vonk_str_of(method), &answer, &err) != VONK_OK) {
        const char *text = vonk_error_message(&err);
        struct vonk_http_answer failed = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR,
                                          .type = "text/plain; charset=utf-8",
                                          .body = {.data = (char *)(uintptr_t)text, .len = strlen(text)}};
        vonk_buf_done(&answer.body);
        return reply(connection, &failed);
    }
    const enum MHD_Result result = reply(connection, &answer);
    vonk_buf_done(&answer.body);
    return result;
}

/* ---- the server */

static vonk_status listen_on(const vonk_http_options *o, vonk_str address, int *ret_fd, uint16_t *ret_port,
                             vonk_error *err)
{
    vonk_status status = vonk_socket_listen(address, o->port, ret_fd, ret_port, err);
    for (uint32_t i = 1; status != VONK_OK && o->port && i <= o->n_retries && o->port + i <= UINT16_MAX; i++) {
        vonk_error_reset(err);
        status = vonk_socket_listen(address, (uint16_t)(o->port + i), ret_fd, ret_port, err);
    }
    return status;
}

vonk_status vonk_http_new(vonk_budget *budget, const vonk_http_options *o, vonk_http **ret, vonk_error *err)
{
    VONK_AUTO(vonk_http_free) vonk_http *s = NULL;
    const vonk_str address = o->address.len ? o->address : VONK_STR("127.0.0.1");
    int fd = -1;
    VONK_TRY(VONK_MODULE_NEED(err));
    VONK_TRY(VONK_NEW(budget, &s, err));
    s->budget = budget;
    s->handler = o->handler;
    s->self = o->self;
    s->is_local = vonk_str_starts(address, VONK_STR("127.")) || vonk_str_is(address, "::1") ||
                  vonk_str_is_nocase(address, "localhost");
    VONK_TRY(listen_on(o, address, &fd, &s->port, err));
    s->daemon = VONK_MODULE_CALL(MHD_start_daemon)(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_END);
    if (!s->daemon) {
        vonk_socket_close(fd);
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "cannot start the HTTP server");
    }
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

void vonk_http_free(vonk_http *s)
{
    if (!s) return;
    if (s->daemon) VONK_MODULE_CALL(MHD_stop_daemon)(s->daemon); /* closes the socket, joins the thread */
    vonk_free(s);
}
