/* Tests of the HTTP/2 connection, against libnghttp2's own client, both in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <nghttp2/nghttp2.h>

#include "net/http2.h"

/* ---- the server's side: counts, and answers as told ---- */

typedef struct served {
    vonk_h2_conn *conn;
    vonk_h2_stream *stream; /* the newest */
    int n_requests, n_ends, n_closed, n_complete;
    size_t got_bytes, taken_bytes;
    char path[64];
    bool keeps_window_shut;
    void (*answer)(vonk_h2_stream *stream); /* at the end of the request */
} served;

static void on_request(void *self, vonk_h2_stream *stream, const vonk_h2_header *headers, size_t n, bool is_end)
{
    served *s = self;
    s->n_requests++;
    s->stream = stream;
    for (size_t i = 0; i < n; i++)
        if (vonk_str_is(headers[i].name, ":path"))
            vonk_format(s->path, sizeof(s->path), "%.*s", VONK_STR_ARGS(headers[i].value));
    vonk_h2_set_stream_data(stream, s);
    if (is_end && s->answer) s->answer(stream);
}

static void on_data(void *self, vonk_h2_stream *stream, vonk_str bytes)
{
    served *s = self;
    s->got_bytes += bytes.len;
    if (!s->keeps_window_shut) vonk_h2_consume(stream, bytes.len);
}

static void on_end(void *self, vonk_h2_stream *stream)
{
    served *s = self;
    s->n_ends++;
    if (s->answer) s->answer(stream);
}

static void on_taken(void *self, vonk_h2_stream *stream, size_t bytes)
{
    served *s = self;
    assert_ptr_equal(vonk_h2_stream_data(stream), s);
    s->taken_bytes += bytes;
}

static void on_closed(void *self, vonk_h2_stream *stream, bool is_complete)
{
    served *s = self;
    s->n_closed++;
    s->n_complete += is_complete;
    if (s->stream == stream) s->stream = NULL;
}

static const vonk_h2_handler handler = {on_request, on_data, on_end, on_taken, on_closed};

/* ---- the client's side ---- */

typedef struct client {
    nghttp2_session *session;
    int status, n_closed, n_goaway;
    uint32_t close_code;
    char trailer[64];
    size_t got_bytes, upload_left;
    bool keeps_window_shut;
    uint8_t last_byte;
} client;

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_bytes,
                         const uint8_t *value, size_t value_bytes, uint8_t flags, void *self)
{
    client *c = self;
    if (name_bytes == 7 && memcmp(name, ":status", 7) == 0) c->status = (int)strtol((const char *)value, NULL, 10);
    if (name_bytes == 11 && memcmp(name, "grpc-status", 11) == 0)
        vonk_format(c->trailer, sizeof(c->trailer), "%.*s", (int)value_bytes, (const char *)value);
    return 0;
}

static int client_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t bytes,
                       void *self)
{
    client *c = self;
    c->got_bytes += bytes;
    c->last_byte = data[bytes - 1];
    if (!c->keeps_window_shut) nghttp2_session_consume(session, id, bytes);
    return 0;
}

static int client_closed(nghttp2_session *session, int32_t id, uint32_t code, void *self)
{
    client *c = self;
    c->n_closed++;
    c->close_code = code;
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    client *c = self;
    if (frame->hd.type == NGHTTP2_GOAWAY) c->n_goaway++;
    return 0;
}

static ssize_t client_upload(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                             nghttp2_data_source *source, void *self)
{
    client *c = self;
    size_t n = vonk_min_size(room, c->upload_left);
    memset(buf, 'u', n);
    c->upload_left -= n;
    if (c->upload_left == 0) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void client_open(client *c)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_option_new(&option);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_closed);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&c->session, callbacks, c, option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

#define HEADER(name, value)                                                                                            \
    {(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE}

static int32_t client_request(client *c, const char *path, size_t upload_bytes)
{
    nghttp2_nv headers[] = {HEADER(":method", "POST"), HEADER(":scheme", "http"), HEADER(":authority", "test"),
                            HEADER(":path", path)};
    nghttp2_data_provider body = {.read_callback = client_upload};
    c->upload_left = upload_bytes;
    return nghttp2_submit_request(c->session, NULL, headers, VONK_COUNTOF(headers), upload_bytes ? &body : NULL, NULL);
}

/* ---- both ---- */

static const vonk_h2_limits limits = {
    .max_streams = 10,
    .max_header_bytes = 8192,
    .stream_window_bytes = 1 << 20,
    .connection_window_bytes = 4 << 20,
    .max_output_bytes = 100000,
};

static void open_both_in(vonk_budget *budget, served *s, client *c)
{
    vonk_error err = VONK_ERROR_INIT;
    *c = (client){0};
    client_open(c);
    if (vonk_h2_new(budget, &limits, &handler, s, &s->conn, &err) != VONK_OK) s->conn = NULL;
    vonk_error_reset(&err);
}

static void open_both(served *s, client *c)
{
    *s = (served){0};
    open_both_in(vonk_budget_root(), s, c);
    assert_non_null(s->conn);
}

static void close_both(served *s, client *c)
{
    vonk_h2_free(s->conn);
    nghttp2_session_del(c->session);
}

/* Moves bytes both ways until nobody has any; false when the server found the connection broken. Pieces go to the
 * client in steps of `step` bytes, so that partial writes happen. */
static bool pump(served *s, client *c, size_t step)
{
    for (bool moved = true; moved;) {
        const uint8_t *data = NULL;
        vonk_str pieces[8];
        size_t n = 0;
        moved = false;
        for (ssize_t got; (got = nghttp2_session_mem_send(c->session, &data)) > 0; moved = true)
            if (!vonk_h2_receive(s->conn, (vonk_str){(const char *)data, (size_t)got})) return false;
        if (!vonk_h2_next_output(s->conn, pieces, VONK_COUNTOF(pieces), &n)) return false;
        size_t room = step;
        for (size_t i = 0; i < n && room > 0; i++) {
            size_t take = vonk_min_size(room, pieces[i].len);
            assert_int_equal(nghttp2_session_mem_recv(c->session, (const uint8_t *)pieces[i].data, take), take);
            room -= take;
        }
        vonk_h2_sent(s->conn, step - room);
        if (step > room) moved = true;
    }
    return true;
}

static _Atomic(int) n_dropped;

static void count_drop(vonk_slice_owner *owner)
{
    n_dropped++;
    free(owner);
}

static vonk_slice counted_slice(size_t bytes)
{
    struct {
        vonk_slice_owner owner;
        char data[];
    } *o = malloc(sizeof(*o) + bytes);
    memset(o->data, 'd', bytes);
    o->data[bytes - 1] = 'e';
    o->owner.refs = 1;
    o->owner.drop = count_drop;
    return (vonk_slice){{o->data, bytes}, &o->owner};
}

static const vonk_h2_header ok_headers[] = {{{":status", 7}, {"200", 3}}};
static const vonk_h2_header ok_trailers[] = {{{"grpc-status", 11}, {"0", 1}}};

static void answer_in_three(vonk_h2_stream *stream)
{
    vonk_h2_respond(stream, ok_headers, 1, false);
    vonk_h2_push(stream, (vonk_slice){VONK_STR("hello "), NULL});
    vonk_h2_push(stream, counted_slice(100000));
    vonk_h2_finish(stream, ok_trailers, 1);
}

static void answers_with_body_and_trailers(void **state)
{
    for (size_t step = 1; step <= 1 << 20; step *= 64) {
        served s;
        client c;
        open_both(&s, &c);
        s.answer = answer_in_three;
        n_dropped = 0;
        client_request(&c, "/a/b", 0);
        assert_true(pump(&s, &c, step));
        assert_string_equal(s.path, "/a/b");
        assert_int_equal(c.status, 200);
        assert_int_equal(c.got_bytes, 100006);
        assert_int_equal(c.last_byte, 'e');
        assert_string_equal(c.trailer, "0");
        assert_int_equal(c.close_code, NGHTTP2_NO_ERROR);
        assert_int_equal(s.taken_bytes, 100006);
        assert_int_equal(s.n_closed, 1);
        assert_int_equal(s.n_complete, 1);
        assert_int_equal(n_dropped, 1);
        assert_int_equal(vonk_h2_n_streams(s.conn), 0);
        assert_true(vonk_h2_has_settings(s.conn));
        assert_false(vonk_h2_is_over(s.conn));
        close_both(&s, &c);
    }
}

static void answer_at_once(vonk_h2_stream *stream)
{
    const vonk_h2_header list[] = {ok_headers[0], ok_trailers[0]};
    vonk_h2_respond(stream, list, 2, true);
}

static void answers_by_headers_alone(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    s.answer = answer_at_once;
    client_request(&c, "/", 10);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.n_ends, 1);
    assert_int_equal(s.got_bytes, 10);
    assert_string_equal(c.trailer, "0");
    assert_int_equal(c.got_bytes, 0);
    assert_int_equal(s.n_complete, 1);
    close_both(&s, &c);
}

/* The library is not to keep them for a tree of priorities. */
static void closed_streams_leave_nothing(void **state)
{
    served s = {0};
    client c;
    vonk_budget *budget = NULL;
    vonk_error err = VONK_ERROR_INIT;
    int64_t used = 0;
    assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &budget, &err), VONK_OK);
    open_both_in(budget, &s, &c);
    s.answer = answer_in_three;
    for (int i = 1; i < 9; i++) {
        client_request(&c, "/", 0);
        assert_true(pump(&s, &c, SIZE_MAX / 2));
        if (i == 2) used = vonk_budget_used(budget);
    }
    assert_int_equal(s.n_complete, 8);
    assert_int_equal(vonk_budget_used(budget), used);
    close_both(&s, &c);
    vonk_budget_free(budget);
}

/* The client still has 10 MB to send and its window is shut: it is told to stop. */
static void early_answer_stops_the_upload(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    s.keeps_window_shut = true;
    client_request(&c, "/", 10 << 20);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.got_bytes, limits.stream_window_bytes);
    assert_int_equal(c.n_closed, 0);
    answer_at_once(s.stream);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(c.n_closed, 1);
    assert_int_equal(c.close_code, NGHTTP2_NO_ERROR);
    assert_string_equal(c.trailer, "0");
    assert_int_equal(s.n_complete, 1);
    /* what the dead stream had taken of the connection's window is given back: uploads go on */
    s.keeps_window_shut = false;
    s.answer = answer_at_once;
    for (int i = 0; i < 8; i++) {
        s.got_bytes = 0;
        client_request(&c, "/", 2 << 20);
        assert_true(pump(&s, &c, SIZE_MAX / 2));
        assert_int_equal(s.got_bytes, 2 << 20);
    }
    close_both(&s, &c);
}

static void window_opens_by_consuming(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    s.keeps_window_shut = true;
    client_request(&c, "/", 3 << 20);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.got_bytes, 1 << 20);
    vonk_h2_consume(s.stream, 1 << 20);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.got_bytes, 2 << 20);
    s.keeps_window_shut = false;
    vonk_h2_consume(s.stream, 1 << 20);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.got_bytes, 3 << 20);
    assert_int_equal(s.n_ends, 1);
    close_both(&s, &c);
}

/* A client that does not read: its window ends the sending. A socket that does not take: little is produced ahead. */
static void output_is_bounded(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    c.keeps_window_shut = true;
    client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_respond(s.stream, ok_headers, 1, false);
    for (int i = 0; i < 10; i++) vonk_h2_push(s.stream, counted_slice(100000));
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(c.got_bytes, 65535);
    assert_int_equal(s.taken_bytes, 65535);
    close_both(&s, &c);

    open_both(&s, &c);
    nghttp2_settings_entry large[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}};
    nghttp2_submit_settings(c.session, NGHTTP2_FLAG_NONE, large, 1);
    nghttp2_session_set_local_window_size(c.session, NGHTTP2_FLAG_NONE, 0, 1 << 30);
    client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_respond(s.stream, ok_headers, 1, false);
    for (int i = 0; i < 10; i++) vonk_h2_push(s.stream, counted_slice(100000));
    vonk_str pieces[64];
    size_t n = 0, bytes = 0;
    assert_true(vonk_h2_next_output(s.conn, pieces, VONK_COUNTOF(pieces), &n));
    for (size_t i = 0; i < n; i++) bytes += pieces[i].len;
    assert_in_range(bytes, 50000, limits.max_output_bytes + 20000);
    assert_true(pump(&s, &c, 12345));
    assert_int_equal(c.got_bytes, 1000000);
    close_both(&s, &c);
}

static void reset_by_the_client(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    n_dropped = 0;
    c.keeps_window_shut = true;
    int32_t id = client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_respond(s.stream, ok_headers, 1, false);
    for (int i = 0; i < 3; i++) vonk_h2_push(s.stream, counted_slice(100000));
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    nghttp2_submit_rst_stream(c.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.n_closed, 1);
    assert_int_equal(s.n_complete, 0);
    assert_int_equal(n_dropped, 3);
    close_both(&s, &c);

    open_both(&s, &c); /* by the server */
    client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_reset(s.stream);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(c.close_code, NGHTTP2_CANCEL);
    assert_int_equal(s.n_closed, 1);
    close_both(&s, &c);
}

static void freeing_closes_streams(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    n_dropped = 0;
    c.keeps_window_shut = true;
    for (int i = 0; i < 5; i++) client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_respond(s.stream, ok_headers, 1, false);
    for (int i = 0; i < 4; i++) vonk_h2_push(s.stream, counted_slice(100000));
    vonk_str pieces[8];
    size_t n = 0;
    assert_true(vonk_h2_next_output(s.conn, pieces, VONK_COUNTOF(pieces), &n)); /* some of it is on its way */
    close_both(&s, &c);
    assert_int_equal(s.n_closed, 5);
    assert_int_equal(n_dropped, 4);
}

static void nonsense_breaks_the_connection(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    assert_false(vonk_h2_receive(s.conn, VONK_STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    vonk_str pieces[8];
    size_t n = 0, bytes = 0;
    assert_false(vonk_h2_next_output(s.conn, pieces, VONK_COUNTOF(pieces), &n));
    for (size_t i = 0; i < n; i++) bytes += pieces[i].len;
    vonk_h2_sent(s.conn, bytes);
    assert_true(vonk_h2_is_over(s.conn));
    close_both(&s, &c);
}

static void too_many_headers_are_refused(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    char large[9000];
    memset(large, 'h', sizeof(large) - 1);
    large[sizeof(large) - 1] = 0;
    client_request(&c, large, 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(s.n_requests, 0);
    assert_int_equal(c.n_closed, 1);
    s.answer = answer_at_once; /* the connection lives on */
    client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_string_equal(c.trailer, "0");
    close_both(&s, &c);
}

static void draining_lets_calls_finish(void **state)
{
    served s;
    client c;
    open_both(&s, &c);
    client_request(&c, "/", 0);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_drain(s.conn);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(c.n_goaway, 1);
    assert_false(vonk_h2_is_over(s.conn));
    answer_in_three(s.stream);
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_int_equal(c.got_bytes, 100006);
    assert_true(vonk_h2_is_over(s.conn));
    close_both(&s, &c);

    open_both(&s, &c); /* nothing runs: over as soon as it is said */
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    vonk_h2_drain(s.conn);
    assert_false(vonk_h2_is_over(s.conn));
    assert_true(pump(&s, &c, SIZE_MAX / 2));
    assert_true(vonk_h2_is_over(s.conn));
    close_both(&s, &c);
}

/* With every budget from nothing to enough: refused, reset or broken, but never a crash, and all memory comes back. */
static void lives_with_little_memory(void **state)
{
    int n_worked = 0;
    for (int64_t limit = 1 << 16; limit < 1 << 21; limit += limit / 8) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_budget *budget = NULL;
        served s = {.answer = answer_in_three};
        client c;
        assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", limit, &budget, &err), VONK_OK);
        open_both_in(budget, &s, &c);
        if (s.conn) {
            for (int i = 0; i < 20; i++) client_request(&c, "/", 0);
            pump(&s, &c, 5000);
            n_worked += s.n_complete;
        }
        close_both(&s, &c);
        vonk_budget_free(budget);
    }
    assert_true(n_worked > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_body_and_trailers),
        cmocka_unit_test(answers_by_headers_alone),
        cmocka_unit_test(closed_streams_leave_nothing),
        cmocka_unit_test(early_answer_stops_the_upload),
        cmocka_unit_test(window_opens_by_consuming),
        cmocka_unit_test(output_is_bounded),
        cmocka_unit_test(reset_by_the_client),
        cmocka_unit_test(freeing_closes_streams),
        cmocka_unit_test(nonsense_breaks_the_connection),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(draining_lets_calls_finish),
        cmocka_unit_test(lives_with_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
