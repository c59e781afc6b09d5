/* Tests of sockets, the loop and TLS, over the loopback. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "sys/clock.h"
#include "sys/files.h"
#include "sys/loop.h"
#include "sys/sockets.h"
#include "sys/thread.h"
#include "sys/tls.h"

#define OK(call) assert_int_equal((call), VONK_OK)

static vonk_error err;
static const int64_t second = VONK_NS_PER_S;

/* ---- sockets ---- */

static int accept_one(int listener, char *peer)
{
    int fd = -1;
    while (fd < 0) {
        assert_true(vonk_socket_wait_readable(listener, 5 * second));
        OK(vonk_socket_accept(listener, &fd, peer, &err));
    }
    return fd;
}

static void say_hello(int client, int server)
{
    char text[8];
    OK(vonk_socket_write_all_wait(client, "hello", 5, second, &err));
    OK(vonk_socket_read_exact_wait(server, text, 5, second, &err));
    assert_memory_equal(text, "hello", 5);
}

static void tcp_over_all_addresses(void **state)
{
    int listener, client, server;
    uint16_t port;
    char peer[64];
    OK(vonk_socket_listen(VONK_STR_NONE, 0, &listener, &port, &err));
    assert_true(port > 0);
    OK(vonk_socket_accept(listener, &server, NULL, &err));
    assert_int_equal(server, -1); /* nobody waits */
    OK(vonk_socket_connect_wait(VONK_STR("localhost"), port, 5 * second, &client, &err));
    server = accept_one(listener, peer);
    assert_true(strncmp(peer, "127.0.0.1:", 10) == 0); /* not ::ffff:127.0.0.1 */
    say_hello(client, server);

    char byte;
    size_t n;
    vonk_io io;
    OK(vonk_socket_read(server, &byte, 1, &n, &io, &err));
    assert_int_equal(io, VONK_IO_WANT_READ);
    struct iovec pieces[] = {{(char[]){'a', 'b'}, 2}, {(char[]){'c'}, 1}};
    OK(vonk_socket_writev(server, pieces, 2, &n, &io, &err));
    assert_int_equal(n, 3);
    char text[3];
    OK(vonk_socket_read_exact_wait(client, text, 3, second, &err));
    assert_memory_equal(text, "abc", 3);
    /* Until the pipe is full. */
    static char block[65536];
    do OK(vonk_socket_write(server, block, sizeof(block), &n, &io, &err));
    while (io == VONK_IO_DONE);
    assert_int_equal(io, VONK_IO_WANT_WRITE);
    assert_false(vonk_socket_wait_writable(server, 0));
    /* The other side goes away with unread bytes: a reset, not a signal and not an error. */
    vonk_socket_close(client);
    do OK(vonk_socket_write(server, block, sizeof(block), &n, &io, &err));
    while (io != VONK_IO_CLOSED);
    vonk_socket_close(server);

    /* The port is taken. */
    int other;
    assert_int_equal(vonk_socket_listen(VONK_STR_NONE, port, &other, &port, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    assert_non_null(strstr(vonk_error_message(&err), "cannot listen on "));
    vonk_error_reset(&err);
    vonk_socket_close(listener);
    vonk_socket_close(-1);
}

static void tcp_on_one_address(void **state)
{
    int listener, client, server;
    uint16_t port;
    char byte;
    OK(vonk_socket_listen(VONK_STR("127.0.0.1"), 0, &listener, &port, &err));
    OK(vonk_socket_connect_wait(VONK_STR("127.0.0.1"), port, 5 * second, &client, &err));
    server = accept_one(listener, NULL);
    say_hello(client, server);
    say_hello(server, client);
    vonk_socket_shutdown_send(client);
    size_t n;
    vonk_io io;
    assert_true(vonk_socket_wait_readable(server, second));
    OK(vonk_socket_read(server, &byte, 1, &n, &io, &err));
    assert_int_equal(io, VONK_IO_CLOSED);
    say_hello(server, client); /* half closed: this way still goes */
    vonk_socket_close(server);
    assert_int_equal(vonk_socket_read_exact_wait(client, &byte, 1, second, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    vonk_socket_close(client);
    vonk_socket_close(listener);
    assert_int_equal(vonk_socket_connect_wait(VONK_STR("127.0.0.1"), port, second, &client, &err),
                     VONK_E_INTERNAL_ERROR_NETWORK);
    assert_int_equal(vonk_socket_listen(VONK_STR("300.1.1.1.invalid"), 0, &listener, &port, &err),
                     VONK_E_INTERNAL_ERROR_NETWORK);
    assert_int_equal(vonk_socket_listen(VONK_STR("a\0b"), 0, &listener, &port, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    vonk_error_reset(&err);
}

static void unix_sockets(void **state)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str dir, path;
    int listener, second_listener, client, server, pair[2];
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_dir_make_temp(arena, VONK_STR_NONE, VONK_STR("vonk-sock-"), &dir, &err));
    OK(vonk_path_join(arena, dir, VONK_STR("s"), &path, &err));
    OK(vonk_socket_listen_unix(path, &listener, &err));
    vonk_file_info info;
    OK(vonk_file_stat(path, &info, &err));
    assert_int_equal(info.permissions, 0600);
    OK(vonk_socket_connect_unix(path, &client, &err));
    char peer[64];
    server = accept_one(listener, peer);
    assert_string_equal(peer, "unix");
    say_hello(client, server);
    assert_int_equal(vonk_socket_listen_unix(path, &second_listener, &err), VONK_E_INTERNAL_ERROR_NETWORK); /* alive */
    vonk_socket_close(client);
    vonk_socket_close(server);
    vonk_socket_close(listener);
    assert_int_equal(vonk_socket_connect_unix(path, &client, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    OK(vonk_socket_listen_unix(path, &listener, &err)); /* the stale file is replaced */
    vonk_socket_close(listener);
    char too_long[200];
    memset(too_long, 'x', sizeof(too_long));
    assert_int_equal(vonk_socket_listen_unix((vonk_str){too_long, 200}, &listener, &err),
                     VONK_E_INTERNAL_ERROR_NETWORK);
    OK(vonk_socket_pair(pair, &err));
    say_hello(pair[0], pair[1]);
    char byte;
    int64_t start = vonk_clock_mono_ns();
    assert_int_equal(vonk_socket_read_exact_wait(pair[0], &byte, 1, 5 * VONK_NS_PER_MS, &err),
                     VONK_E_INTERNAL_ERROR_NETWORK);
    assert_true(vonk_clock_mono_ns() - start >= 5 * VONK_NS_PER_MS);
    vonk_socket_close(pair[0]);
    vonk_socket_close(pair[1]);
    OK(vonk_dir_remove_tree(dir, &err));
    vonk_error_reset(&err);
}

/* ---- the loop ---- */

typedef struct bench {
    vonk_loop *loop;
    vonk_watch a, b;
    vonk_timer timers[64];
    int n_ready, n_fired;
    int64_t last_at;
    int fds[2];
} bench;

static void bench_init(bench *t)
{
    memset(t, 0, sizeof(*t));
    OK(vonk_loop_new(vonk_budget_root(), &t->loop, &err));
    OK(vonk_socket_pair(t->fds, &err));
}
static void bench_done(bench *t)
{
    vonk_socket_close(t->fds[0]);
    vonk_socket_close(t->fds[1]);
    vonk_loop_free(t->loop);
}

static void on_ready_remove_both(void *self, unsigned events)
{
    bench *t = self;
    t->n_ready++;
    assert_true(events & VONK_WATCH_READ);
    vonk_loop_unwatch(&t->a);
    vonk_loop_unwatch(&t->b);
    vonk_loop_stop(t->loop);
}

static void watch_removed_by_another_is_not_called(void **state)
{
    bench t;
    bench_init(&t);
    t.a = (vonk_watch){.ready = on_ready_remove_both, .self = &t};
    t.b = (vonk_watch){.ready = on_ready_remove_both, .self = &t};
    OK(vonk_loop_watch(t.loop, &t.a, t.fds[0], VONK_WATCH_READ, &err));
    OK(vonk_loop_watch(t.loop, &t.b, t.fds[1], VONK_WATCH_READ, &err));
    OK(vonk_socket_write_all_wait(t.fds[0], "x", 1, second, &err));
    OK(vonk_socket_write_all_wait(t.fds[1], "x", 1, second, &err));
    OK(vonk_loop_run(t.loop, &err));
    assert_int_equal(t.n_ready, 1); /* both were ready in the same round */
    vonk_loop_unwatch(&t.a);
    bench_done(&t);
}

static void on_write_then_read(void *self, unsigned events)
{
    bench *t = self;
    if (events & VONK_WATCH_WRITE) { /* at once: there is room */
        t->n_ready += 1;
        vonk_loop_set_events(&t->a, VONK_WATCH_READ);
        OK(vonk_socket_write_all_wait(t->fds[1], "x", 1, second, &err));
        return;
    }
    if (events & VONK_WATCH_ERROR) {
        t->n_ready += 100;
        vonk_loop_unwatch(&t->a);
        vonk_loop_stop(t->loop);
        return;
    }
    t->n_ready += 10;
    char byte;
    OK(vonk_socket_read_exact_wait(t->fds[0], &byte, 1, second, &err));
    vonk_socket_close(t->fds[1]); /* a hang-up follows */
    t->fds[1] = -1;
}

static void events_can_be_changed(void **state)
{
    bench t;
    bench_init(&t);
    t.a = (vonk_watch){.ready = on_write_then_read, .self = &t};
    OK(vonk_loop_watch(t.loop, &t.a, t.fds[0], VONK_WATCH_WRITE, &err));
    OK(vonk_loop_run(t.loop, &err));
    assert_int_equal(t.n_ready, 111);
    bench_done(&t);
}

static bench *timer_bench;
static void on_fire(void *self)
{
    vonk_timer *timer = self;
    bench *t = timer_bench;
    assert_true(timer->at_ns >= t->last_at);
    t->last_at = timer->at_ns;
    t->n_fired++;
    /* Every third one takes its neighbour away. */
    size_t i = (size_t)(timer - t->timers);
    if (i % 3 == 0 && i + 1 < VONK_COUNTOF(t->timers)) vonk_loop_cancel_timer(t->loop, &t->timers[i + 1]);
}
static void on_end(void *self) { vonk_loop_stop(((bench *)self)->loop); }

static void timers_fire_in_order(void **state)
{
    bench t;
    bench_init(&t);
    timer_bench = &t;
    int64_t now = vonk_clock_mono_ns();
    for (size_t i = 0; i < VONK_COUNTOF(t.timers); i++) {
        t.timers[i] = (vonk_timer){.fire = on_fire, .self = &t.timers[i]};
        OK(vonk_loop_set_timer(t.loop, &t.timers[i], now + (int64_t)(i * 37 % 64) * 100000, &err));
    }
    /* Moved, cancelled, cancelled twice. */
    OK(vonk_loop_set_timer(t.loop, &t.timers[5], now + 7 * VONK_NS_PER_MS, &err));
    OK(vonk_loop_set_timer(t.loop, &t.timers[8], now, &err));
    vonk_loop_cancel_timer(t.loop, &t.timers[2]);
    vonk_loop_cancel_timer(t.loop, &t.timers[2]);
    vonk_timer end = {.fire = on_end, .self = &t};
    OK(vonk_loop_set_timer(t.loop, &end, now + 10 * VONK_NS_PER_MS, &err));
    OK(vonk_loop_run(t.loop, &err));
    assert_true(vonk_clock_mono_ns() - now >= 10 * VONK_NS_PER_MS);
    assert_in_range(t.n_fired, 40, 62);
    for (size_t i = 0; i < VONK_COUNTOF(t.timers); i++) assert_int_equal(t.timers[i].heap_pos, 0);
    bench_done(&t);
}

typedef struct poster {
    vonk_loop *loop;
    vonk_job jobs[500];
    int next; /* on the loop's thread */
    _Atomic int *left;
} poster;
typedef struct posted {
    poster *from;
    int number;
} posted;
static posted things[2][500];

static void on_job(void *self)
{
    posted *p = self;
    assert_int_equal(p->number, p->from->next); /* in the order of posting */
    p->from->next++;
    if (atomic_fetch_sub(p->from->left, 1) == 1) vonk_loop_stop(p->from->loop);
}
static void post_all(void *arg)
{
    poster *p = arg;
    for (int i = 0; i < 500; i++) vonk_loop_post(p->loop, &p->jobs[i]);
}

static void jobs_from_other_threads(void **state)
{
    bench t;
    bench_init(&t);
    _Atomic int left = 1000;
    static poster posters[2];
    vonk_thread *threads[2];
    for (int k = 0; k < 2; k++) {
        posters[k] = (poster){.loop = t.loop, .left = &left};
        for (int i = 0; i < 500; i++) {
            things[k][i] = (posted){&posters[k], i};
            posters[k].jobs[i] = (vonk_job){.run = on_job, .self = &things[k][i]};
        }
    }
    for (int k = 0; k < 2; k++)
        OK(vonk_thread_start(vonk_budget_root(), "poster", VONK_STACK_ENGINE, post_all, &posters[k], &threads[k],
                             &err));
    OK(vonk_loop_run(t.loop, &err));
    for (int k = 0; k < 2; k++) vonk_thread_join(threads[k]);
    assert_int_equal(left, 0);
    vonk_loop_stop(t.loop); /* before the run: it ends at once */
    OK(vonk_loop_run(t.loop, &err));
    bench_done(&t);
}

static int got_signals;
static void on_signal(void *self, int number)
{
    bench *t = self;
    got_signals += number == SIGTERM ? 1 : number == SIGINT ? 10 : 100;
    if (got_signals == 11) vonk_loop_stop(t->loop);
}

static void signals_reach_the_loop(void **state)
{
    bench t;
    bench_init(&t);
    vonk_signals_prepare();
    OK(vonk_loop_on_signal(t.loop, on_signal, &t, &err));
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    OK(vonk_loop_run(t.loop, &err));
    assert_int_equal(got_signals, 11);
    bench_done(&t);
    vonk_signals_restore();
    vonk_signals_prepare();
}

/* ---- TLS ---- */

typedef struct tls_files {
    vonk_arena *arena;
    vonk_str dir, certificate, key;
} tls_files;

static bool make_certificate(tls_files *f, const char *name)
{
    OK(vonk_arena_new(vonk_budget_root(), &f->arena, &err));
    OK(vonk_dir_make_temp(f->arena, VONK_STR_NONE, VONK_STR("vonk-tls-"), &f->dir, &err));
    OK(vonk_path_join(f->arena, f->dir, VONK_STR("cert.pem"), &f->certificate, &err));
    OK(vonk_path_join(f->arena, f->dir, VONK_STR("key.pem"), &f->key, &err));
    vonk_str command;
    OK(vonk_arena_printf(
        f->arena, &command, &err,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
        "-addext subjectAltName=DNS:%s -keyout %s -out %s >%s/log 2>&1",
        name, name, f->key.data, f->certificate.data, f->dir.data));
    return system(command.data) == 0;
}
static void remove_certificate(tls_files *f)
{
    OK(vonk_dir_remove_tree(f->dir, &err));
    vonk_arena_free(f->arena);
}

/* Both ends by turns on one thread, as the loop would. */
static vonk_status shake_hands(vonk_tls *a, vonk_tls *b)
{
    vonk_io io_a = VONK_IO_WANT_READ, io_b = VONK_IO_WANT_READ;
    for (int i = 0; i < 1000 && !(io_a == VONK_IO_DONE && io_b == VONK_IO_DONE); i++) {
        if (io_a != VONK_IO_DONE) VONK_TRY(vonk_tls_handshake(a, &io_a, &err));
        if (io_b != VONK_IO_DONE) VONK_TRY(vonk_tls_handshake(b, &io_b, &err));
        if (io_a == VONK_IO_CLOSED || io_b == VONK_IO_CLOSED) return VONK_E_OPERATION_CANCELED;
    }
    assert_int_equal(io_a, VONK_IO_DONE);
    assert_int_equal(io_b, VONK_IO_DONE);
    return VONK_OK;
}

static void move_a_lot(vonk_tls *from, vonk_tls *to)
{
    enum { BYTES = 3 << 20 };
    char *out = test_malloc(BYTES), *in = test_malloc(BYTES);
    for (int i = 0; i < BYTES; i++) out[i] = (char)(i * 31 >> 3);
    size_t sent = 0, got = 0, n;
    vonk_io io;
    while (got < BYTES) {
        if (sent < BYTES) {
            OK(vonk_tls_write(from, out + sent, BYTES - sent, &n, &io, &err));
            assert_int_not_equal(io, VONK_IO_CLOSED);
            sent += n;
        }
        do {
            OK(vonk_tls_read(to, in + got, vonk_min_size(BYTES - got, 100000) + (got == BYTES), &n, &io, &err));
            assert_int_not_equal(io, VONK_IO_CLOSED);
            got += n;
        } while (io == VONK_IO_DONE && got < BYTES);
    }
    assert_memory_equal(in, out, BYTES);
    test_free(out);
    test_free(in);
}

static void tls_both_ways(void **state)
{
    int64_t used = vonk_budget_used(vonk_budget_root());
    tls_files f;
    if (!make_certificate(&f, "vonk.test")) {
        remove_certificate(&f);
        skip();
        return;
    }
    vonk_tls_context *server, *client;
    vonk_tls *a, *b;
    int pair[2];
    OK(vonk_tls_context_new_server(vonk_budget_root(), f.certificate, f.key, &server, &err));
    OK(vonk_tls_context_new_client(vonk_budget_root(), f.certificate, &client, &err));
    OK(vonk_socket_pair(pair, &err));
    OK(vonk_tls_new(server, vonk_budget_root(), pair[0], VONK_STR_NONE, &a, &err));
    OK(vonk_tls_new(client, vonk_budget_root(), pair[1], VONK_STR("vonk.test"), &b, &err));
    OK(shake_hands(a, b));
    assert_true(vonk_str_is(vonk_tls_protocol(a), "h2"));
    assert_true(vonk_str_is(vonk_tls_protocol(b), "h2"));
    move_a_lot(a, b);
    move_a_lot(b, a);
    assert_false(vonk_tls_has_pending(a));
    char byte;
    size_t n;
    vonk_io io;
    OK(vonk_tls_read(a, &byte, 1, &n, &io, &err));
    assert_int_equal(io, VONK_IO_WANT_READ);
    vonk_tls_say_bye(b);
    OK(vonk_tls_read(a, &byte, 1, &n, &io, &err));
    assert_int_equal(io, VONK_IO_CLOSED);
    vonk_tls_free(b);
    vonk_socket_close(pair[1]);
    vonk_tls_free(a);
    vonk_socket_close(pair[0]);

    /* A client that expects another name. */
    OK(vonk_socket_pair(pair, &err));
    OK(vonk_tls_new(server, vonk_budget_root(), pair[0], VONK_STR_NONE, &a, &err));
    OK(vonk_tls_new(client, vonk_budget_root(), pair[1], VONK_STR("other.test"), &b, &err));
    assert_int_equal(shake_hands(a, b), VONK_E_INTERNAL_ERROR_NETWORK);
    assert_non_null(strstr(vonk_error_message(&err), "ostname mismatch"));
    vonk_tls_say_bye(b);
    vonk_tls_free(a);
    vonk_tls_free(b);
    vonk_socket_close(pair[1]);

    /* No TLS at all on the other side; and one that just goes. */
    char plain[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    OK(vonk_socket_pair(pair, &err));
    OK(vonk_tls_new(server, vonk_budget_root(), pair[0], VONK_STR_NONE, &a, &err));
    OK(vonk_socket_write_all_wait(pair[1], plain, sizeof(plain) - 1, second, &err));
    assert_int_equal(vonk_tls_handshake(a, &io, &err), VONK_E_INTERNAL_ERROR_NETWORK);
    vonk_tls_free(a);
    vonk_socket_close(pair[0]);
    vonk_socket_close(pair[1]);
    OK(vonk_socket_pair(pair, &err));
    OK(vonk_tls_new(server, vonk_budget_root(), pair[0], VONK_STR_NONE, &a, &err));
    vonk_socket_close(pair[1]);
    OK(vonk_tls_handshake(a, &io, &err));
    assert_int_equal(io, VONK_IO_CLOSED);
    vonk_tls_free(a);
    vonk_socket_close(pair[0]);
    vonk_tls_context_free(server);
    vonk_tls_context_free(client);

    /* Files that are none. */
    assert_int_equal(vonk_tls_context_new_server(vonk_budget_root(), f.key, f.key, &server, &err),
                     VONK_E_INTERNAL_ERROR_NETWORK);
    assert_int_equal(
        vonk_tls_context_new_server(vonk_budget_root(), f.certificate, VONK_STR("none.pem"), &server, &err),
        VONK_E_INTERNAL_ERROR_NETWORK);
    assert_non_null(strstr(vonk_error_message(&err), "none.pem"));
    vonk_error_reset(&err);
    remove_certificate(&f);
    assert_int_equal(vonk_budget_used(vonk_budget_root()), used);
}

int main(void)
{
    vonk_signals_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_over_all_addresses),
        cmocka_unit_test(tcp_on_one_address),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(watch_removed_by_another_is_not_called),
        cmocka_unit_test(events_can_be_changed),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(jobs_from_other_threads),
        cmocka_unit_test(signals_reach_the_loop),
        cmocka_unit_test(tls_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
