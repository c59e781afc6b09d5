/* Tests of calls without sockets: libnghttp2's client on the other side. When answers to notices go out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <nghttp2/nghttp2.h>

#include "net/grpc_int.h"

static void echo(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    vonk_grpc_reply(call, message);
}

static const vonk_grpc_method methods[] = {
    {"/t/Unary", VONK_GRPC_UNARY, NULL, echo, NULL},
    {"/t/Notice", VONK_GRPC_NOTICE, NULL, echo, NULL},
};
static const vonk_grpc_service service = {.methods = methods, .n_methods = VONK_COUNTOF(methods)};

typedef struct served {
    vonk__grpc_host host;
    vonk__grpc_peer peer;
    vonk_h2_conn *conn;
    nghttp2_session *client;
    int32_t closed[8]; /* streams that ended well, in that order */
    int n_closed;
} served;

static void wake(vonk__grpc_host *host) { (void)host; }

/* The server's own would send at once. */
static void on_late(void *self)
{
    served *s = self;
    vonk__grpc_mark_dirty(&s->peer);
    vonk_loop_stop(s->host.loop);
}

static int on_closed(nghttp2_session *session, int32_t id, uint32_t code, void *self)
{
    (void)session;
    served *s = self;
    if (code == NGHTTP2_NO_ERROR) s->closed[s->n_closed++] = id;
    return 0;
}

static void open_served(served *s)
{
    static const vonk_h2_limits limits = {10, 8192, 1 << 20, 4 << 20, 100000};
    vonk_error err = VONK_ERROR_INIT;
    nghttp2_session_callbacks *callbacks = NULL;
    *s = (served){.host = {.service = &service,
                           .budget = vonk_budget_root(),
                           .max_message_bytes = 1000,
                           .max_queue_bytes = 1000,
                           .wake = wake,
                           .late = {.fire = on_late, .self = s}},
                  .peer = {.host = &s->host, .name = VONK_STR("test")}};
    assert_int_equal(vonk_loop_new(vonk_budget_root(), &s->host.loop, &err), VONK_OK);
    assert_int_equal(vonk_h2_new(vonk_budget_root(), &limits, &vonk__grpc_handler, &s->peer, &s->conn, &err), VONK_OK);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
    nghttp2_session_client_new(&s->client, callbacks, s);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(s->client, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void close_served(served *s)
{
    vonk_h2_free(s->conn);
    vonk__grpc_pump_late(&s->peer);
    assert_false(vonk__grpc_pump_posted(&s->host));
    assert_int_equal(s->host.n_late, 0);
    assert_null(s->host.calls);
    nghttp2_session_del(s->client);
    vonk_loop_free(s->host.loop);
}

static ssize_t read_message(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                            nghttp2_data_source *source, void *self)
{
    (void)session, (void)id, (void)room, (void)source, (void)self;
    memcpy(buf, "\0\0\0\0\1x", 6);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return 6;
}

#define HEADER(name, value)                                                                                            \
    {(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE}

static int32_t ask(served *s, const char *path)
{
    nghttp2_nv headers[] = {HEADER(":method", "POST"), HEADER(":scheme", "http"), HEADER(":authority", "t"),
                            HEADER(":path", path), HEADER("content-type", "application/grpc")};
    nghttp2_data_provider body = {.read_callback = read_message};
    int32_t id = nghttp2_submit_request(s->client, NULL, headers, VONK_COUNTOF(headers), &body, NULL);
    assert_true(id > 0);
    return id;
}

/* A turn of the server: reads all, sends if something is to be sent. How many calls the client saw end. */
static int turn(served *s)
{
    const uint8_t *data = NULL;
    int before = s->n_closed;
    for (ssize_t n; (n = nghttp2_session_mem_send(s->client, &data)) > 0;)
        assert_true(vonk_h2_receive(s->conn, (vonk_str){(const char *)data, (size_t)n}));
    if (vonk_h2_has_output(s->conn)) vonk__grpc_mark_dirty(&s->peer);
    vonk__grpc_pump_posted(&s->host);
    if (!s->peer.is_dirty) return 0;
    vonk__grpc_pump_late(&s->peer);
    s->peer.is_dirty = false;
    s->host.dirty = NULL;
    for (;;) {
        vonk_str pieces[8];
        size_t n = 0, bytes = 0;
        assert_true(vonk_h2_next_output(s->conn, pieces, VONK_COUNTOF(pieces), &n));
        if (n == 0) return s->n_closed - before;
        for (size_t i = 0; i < n; i++, bytes += pieces[i - 1].len)
            assert_int_equal(nghttp2_session_mem_recv(s->client, (const uint8_t *)pieces[i].data, pieces[i].len),
                             pieces[i].len);
        vonk_h2_sent(s->conn, bytes);
    }
}

static void say_hello(served *s)
{
    open_served(s);
    turn(s);
    turn(s); /* settings, and that they were seen */
}

static void notices_go_out_with_the_next_answer(void **state)
{
    (void)state;
    served s;
    say_hello(&s);
    int32_t first = ask(&s, "/t/Notice");
    assert_int_equal(turn(&s), 0);
    int32_t second = ask(&s, "/t/Notice");
    assert_int_equal(turn(&s), 0);
    assert_int_equal(s.host.n_late, 2);
    int32_t third = ask(&s, "/t/Unary");
    assert_int_equal(turn(&s), 3);
    assert_true(s.closed[0] == first || s.closed[1] == first || s.closed[2] == first);
    assert_int_equal(first + second + third, s.closed[0] + s.closed[1] + s.closed[2]);
    assert_int_equal(s.host.n_late, 0);
    assert_int_equal(s.host.late.heap_pos, 0); /* no wake-up for nothing */
    close_served(&s);
}

static void notices_go_out_with_other_frames(void **state)
{
    (void)state;
    served s;
    say_hello(&s);
    ask(&s, "/t/Notice");
    assert_int_equal(turn(&s), 0);
    nghttp2_submit_ping(s.client, NGHTTP2_FLAG_NONE, NULL);
    assert_int_equal(turn(&s), 1);
    close_served(&s);
}

static void notices_alone_go_out_a_little_later(void **state)
{
    (void)state;
    served s;
    vonk_error err = VONK_ERROR_INIT;
    say_hello(&s);
    int64_t start = vonk_clock_mono_ns();
    ask(&s, "/t/Notice");
    assert_int_equal(turn(&s), 0);
    assert_int_equal(vonk_loop_run(s.host.loop, &err), VONK_OK);
    assert_true(vonk_clock_mono_ns() - start >= 5 * VONK_NS_PER_MS);
    assert_int_equal(turn(&s), 1);
    close_served(&s);
}

static void notices_of_a_connection_that_goes_are_dropped(void **state)
{
    (void)state;
    served s;
    say_hello(&s);
    ask(&s, "/t/Notice");
    int32_t second = ask(&s, "/t/Notice");
    assert_int_equal(turn(&s), 0);
    nghttp2_submit_rst_stream(s.client, NGHTTP2_FLAG_NONE, second, NGHTTP2_CANCEL);
    turn(&s);
    close_served(&s); /* looks for what is left */
}

static void fire_once(void *self)
{
    served *s = self;
    vonk_loop_stop(s->host.loop);
    assert_true(vonk__grpc_late_begin(&s->host)); /* a connection that begins to rest while the others are flushed */
    vonk__grpc_late_end(&s->host);
}

static void what_becomes_late_when_the_timer_fires_has_a_timer(void **state)
{
    (void)state;
    served s;
    vonk_error err = VONK_ERROR_INIT;
    open_served(&s);
    s.host.late.fire = fire_once;
    assert_true(vonk__grpc_late_begin(&s.host));
    assert_int_equal(vonk_loop_run(s.host.loop, &err), VONK_OK);
    assert_int_equal(s.host.n_late, 1);
    assert_true(s.host.late.heap_pos > 0);
    vonk__grpc_late_end(&s.host);
    assert_int_equal(s.host.late.heap_pos, 0);
    close_served(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_go_out_with_the_next_answer),
        cmocka_unit_test(notices_go_out_with_other_frames),
        cmocka_unit_test(notices_alone_go_out_a_little_later),
        cmocka_unit_test(notices_of_a_connection_that_goes_are_dropped),
        cmocka_unit_test(what_becomes_late_when_the_timer_fires_has_a_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
