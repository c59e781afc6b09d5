/* The server on a real socket: what is answered, by whom it may be asked, what a failing handler says. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "net/http.h"
#include "sys/clock.h"
#include "sys/sockets.h"

static vonk_status handler(void *self, const vonk_http_request *r, vonk_http_answer *a, vonk_error *err)
{
    ++*(int *)self;
    if (vonk_str_is(vonk_http_path(r), "/fail"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "this page");
    if (vonk_str_is(vonk_http_path(r), "/away")) {
        a->status = 302;
        a->location = "/there";
        return VONK_OK;
    }
    const vonk_str x = vonk_http_query(r, "x");
    return vonk_buf_printf(&a->body, err, "%.*s|%.*s", VONK_STR_ARGS(vonk_http_path(r)), VONK_STR_ARGS(x));
}

typedef struct fixture {
    vonk_http *server;
    int n_calls;
} fixture;

static int open_server(void **state)
{
    static fixture f;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    f = (fixture){0};
    const vonk_http_options options = {.handler = handler, .self = &f.n_calls};
    assert_int_equal(vonk_http_new(vonk_budget_root(), &options, &f.server, &err), VONK_OK);
    *state = &f;
    return 0;
}
static int close_server(void **state)
{
    vonk_http_free(((fixture *)*state)->server);
    return 0;
}

/* The whole answer to these bytes, after which no more are sent. */
static void ask(const fixture *f, const char *bytes, char *into, size_t room)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    size_t n = 0;
    int fd = -1;
    assert_int_equal(
        vonk_socket_connect_wait(VONK_STR("127.0.0.1"), vonk_http_port(f->server), 10 * VONK_NS_PER_S, &fd, &err),
        VONK_OK);
    assert_int_equal(vonk_socket_write_all_wait(fd, bytes, strlen(bytes), 10 * VONK_NS_PER_S, &err), VONK_OK);
    vonk_socket_shutdown_send(fd);
    for (vonk_io io = VONK_IO_DONE; io != VONK_IO_CLOSED && n + 1 < room;) {
        size_t got = 0;
        assert_int_equal(vonk_socket_read(fd, into + n, room - 1 - n, &got, &io, &err), VONK_OK);
        if (io == VONK_IO_DONE) n += got;
        if (io == VONK_IO_WANT_READ) assert_true(vonk_socket_wait_readable(fd, 10 * VONK_NS_PER_S));
    }
    into[n] = 0;
    vonk_socket_close(fd);
}
static void get(const fixture *f, const char *path, const char *host, char *into, size_t room)
{
    ask(f, VONK_F("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host), into, room);
}
#define ASSERT_HAS(text, part) assert_non_null(strstr(text, part))

static void test_answers(void **state)
{
    const fixture *f = *state;
    char text[4096];
    get(f, "/a%20b?x=1%262&y=3", "localhost", text, sizeof text);
    ASSERT_HAS(text, "HTTP/1.1 200 ");
    ASSERT_HAS(text, "\r\n\r\n/a b|1&2");
    ASSERT_HAS(text, "nosniff");
    get(f, "/none", "localhost", text, sizeof text);
    ASSERT_HAS(text, "\r\n\r\n/none|");
    get(f, "/away", "localhost", text, sizeof text);
    ASSERT_HAS(text, "HTTP/1.1 302 ");
    ASSERT_HAS(text, "Location: /there");
    get(f, "/fail", "localhost", text, sizeof text);
    ASSERT_HAS(text, "HTTP/1.1 500 ");
    ASSERT_HAS(text, "this page");
    ask(f, "HEAD /h HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", text, sizeof text);
    ASSERT_HAS(text, "Content-Length: 3");
    assert_null(strstr(text, "/h|"));
    assert_int_equal(f->n_calls, 5);
}

static void test_who_may_ask(void **state)
{
    static const char *const welcome[] = {"localhost:80", "LOCALHOST", "127.0.0.1:4040", "[::1]", "[::1]:9"};
    static const char *const others[] = {"evil.example", "localhost.evil.example:80", "", "127.0.0.1.nip.io", "x:y"};
    const fixture *f = *state;
    char text[4096];
    for (size_t i = 0; i < VONK_COUNTOF(welcome); i++) {
        get(f, "/", welcome[i], text, sizeof text);
        ASSERT_HAS(text, "HTTP/1.1 200 ");
    }
    for (size_t i = 0; i < VONK_COUNTOF(others); i++) {
        get(f, "/", others[i], text, sizeof text);
        ASSERT_HAS(text, "HTTP/1.1 403 ");
    }
    ask(f, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", text,
        sizeof text);
    ASSERT_HAS(text, "HTTP/1.1 405 ");
    ask(f, "DELETE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", text, sizeof text);
    ASSERT_HAS(text, "HTTP/1.1 405 ");
    ask(f, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", text, sizeof text); /* without a Host */
    assert_null(strstr(text, " 200 "));
    assert_int_equal(f->n_calls, VONK_COUNTOF(welcome));
}

static void test_ports(void **state)
{
    const fixture *f = *state;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_http_free) vonk_http *other = NULL;
    int n = 0;
    vonk_http_options options = {.port = vonk_http_port(f->server), .handler = handler, .self = &n};
    assert_int_equal(vonk_http_new(vonk_budget_root(), &options, &other, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    vonk_error_reset(&err);
    options.n_retries = 20;
    if (options.port > UINT16_MAX - 20) return; /* no room above it */
    assert_int_equal(vonk_http_new(vonk_budget_root(), &options, &other, &err), VONK_OK);
    assert_in_range(vonk_http_port(other), options.port + 1, options.port + 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_answers, open_server, close_server),
                                       cmocka_unit_test_setup_teardown(test_who_may_ask, open_server, close_server),
                                       cmocka_unit_test_setup_teardown(test_ports, open_server, close_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
