/* tests/clients/grpc_echo.c -- a gRPC service with every kind of behaviour, for test_grpc_transport.py. Prints its
 * port, stops on SIGTERM.
 *
 *   grpc_echo [--token T] [--cert FILE --key FILE] [--max-message BYTES] [--max-streams N] [--grace-ms N]
 *
 * Methods of /test.Echo/: Unary (same bytes back), Later ("MS": "late" from another thread), Stream ("COUNT BYTES":
 * that many
 * messages from another thread, first byte = number modulo 251), Collect (client stream; "COUNT BYTES" back), Slow
 * (the same, works
 * off one message per millisecond), Fail ("CODE MESSAGE|DETAILS"), Hang (never answers), Drop (forgets the call),
 * Header ("NAME": its
 * value), Stats (what it counted). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "net/grpc.h"
#include "sys/clock.h"
#include "sys/thread.h"

typedef struct echo_task {
    vonk_grpc_call *call;
    int n, bytes;
    bool is_slow, is_half_closed;
    int64_t got_bytes, got_n;
    vonk_thread *thread;
    struct echo_task *next;
} echo_task;

static vonk_mutex lock = VONK_MUTEX_INIT;
static vonk_cond changed = VONK_COND_INIT;
static echo_task *done_tasks; /* to be joined at the end */
static int64_t n_cancelled, n_deadline, n_stopped, n_drained, n_released;
static vonk_grpc_server *server;
static int64_t grace_us = 1000000;

static void no_fail(vonk_status st, const vonk_error *err)
{
    if (st == VONK_OK) return;
    fprintf(stderr, "%s\n", vonk_error_message(err));
    exit(1);
}

static void reply_text(vonk_grpc_call *call, const char *text)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_slice slice;
    no_fail(vonk_slice_copy(vonk_budget_root(), vonk_str_of(text), &slice, &err), &err);
    vonk_grpc_reply(call, slice);
}

static const char *text_of(vonk_slice message, char *into, size_t room)
{
    return vonk_format(into, room, "%.*s", VONK_STR_ARGS(message.bytes));
}

static echo_task *new_task(vonk_grpc_call *call)
{
    echo_task *task = calloc(1, sizeof(*task));
    task->call = vonk_grpc_call_ref(call);
    return task;
}

static void run_in_thread(echo_task *task, void (*run)(void *))
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_mutex_lock(&lock);
    task->next = done_tasks;
    done_tasks = task;
    no_fail(vonk_thread_start(vonk_budget_root(), "echo", VONK_STACK_ENGINE, run, task, &task->thread, &err), &err);
    vonk_mutex_unlock(&lock);
}

/* ---- methods ---- */

static void unary(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    vonk_grpc_reply(call, message);
}

static void run_later(void *arg)
{
    echo_task *task = arg;
    vonk_clock_sleep_ns(task->n * VONK_NS_PER_MS);
    reply_text(task->call, "late");
    vonk_grpc_call_unref(task->call);
}

static void later(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    char text[64];
    echo_task *task = new_task(call);
    task->n = (int)strtol(text_of(message, text, sizeof(text)), NULL, 10);
    vonk_slice_unref(message);
    run_in_thread(task, run_later);
}

static void run_stream(void *arg)
{
    echo_task *task = arg;
    vonk_error err = VONK_ERROR_INIT;
    for (int i = 0; i < task->n; i++) {
        vonk_mutex_lock(&lock);
        while (!vonk_grpc_is_writable(task->call) && !vonk_grpc_is_over(task->call)) vonk_cond_wait(&changed, &lock);
        vonk_mutex_unlock(&lock);
        vonk_buf buf = {0};
        char *at = NULL;
        vonk_slice pieces[2];
        vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
        no_fail(vonk_buf_extend(&buf, (size_t)task->bytes, &at, &err), &err);
        memset(at, 'x', (size_t)task->bytes);
        at[0] = (char)(i % 251);
        no_fail(vonk_slice_of_buf(&buf, &pieces[0], &err), &err);
        pieces[1] = (vonk_slice){VONK_STR("end"), NULL};
        if (!vonk_grpc_send(task->call, pieces, 2)) break;
    }
    vonk_grpc_finish(task->call, VONK_GRPC_OK, VONK_STR_NONE, VONK_STR_NONE);
    vonk_grpc_call_unref(task->call);
}

static void stream(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    char text[64];
    char *rest = NULL;
    echo_task *task = new_task(call);
    task->n = (int)strtol(text_of(message, text, sizeof(text)), &rest, 10);
    task->bytes = (int)strtol(rest, NULL, 10);
    vonk_slice_unref(message);
    run_in_thread(task, run_stream);
}

static void collect_start(void *self, vonk_grpc_call *call)
{
    (void)self;
    echo_task *task = calloc(1, sizeof(*task));
    task->is_slow = strstr(vonk_grpc_call_method(call)->path, "Slow") != NULL;
    vonk_grpc_set_data(call, task);
}

static void collect(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    echo_task *task = vonk_grpc_data(call);
    task->got_n++;
    task->got_bytes += (int64_t)message.bytes.len;
    if (!task->is_slow) vonk_grpc_consumed(call, message.bytes.len);
    vonk_slice_unref(message);
}

static void run_slow(void *arg)
{
    echo_task *task = arg;
    for (int i = 0; i < task->n; i++) vonk_clock_sleep_ns(VONK_NS_PER_MS);
    vonk_grpc_consumed(task->call, (size_t)task->bytes);
    vonk_grpc_call_unref(task->call);
}

/* Nothing is worked off at once: the window must shut, and open again a little later. */
static void collect_slowly(void *self, vonk_grpc_call *call, vonk_slice message)
{
    echo_task *task = new_task(call);
    task->n = 1;
    task->bytes = (int)message.bytes.len;
    collect(self, call, message);
    run_in_thread(task, run_slow);
}

static void collected(void *self, vonk_grpc_call *call)
{
    (void)self;
    char text[64];
    echo_task *task = vonk_grpc_data(call);
    reply_text(call, vonk_format(text, sizeof(text), "%lld %lld", (long long)task->got_n, (long long)task->got_bytes));
}

static void fail(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    size_t space = vonk_str_find_byte(message.bytes, ' ', 0), bar = vonk_str_find_byte(message.bytes, '|', 0);
    char digits[8];
    vonk_format(digits, sizeof(digits), "%.*s", (int)space, message.bytes.data);
    vonk_grpc_finish(call, (vonk_grpc_code)strtol(digits, NULL, 10), vonk_str_sub(message.bytes, space + 1, bar),
                     vonk_str_sub(message.bytes, bar + 1, message.bytes.len));
    vonk_slice_unref(message);
}

static void hang(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    vonk_slice_unref(message);
    vonk_grpc_call_ref(call);
}

static void drop(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    (void)call;
    vonk_slice_unref(message);
}

static void header(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    char name[64], text[256];
    text_of(message, name, sizeof(name));
    vonk_slice_unref(message);
    reply_text(call,
               vonk_format(text, sizeof(text), "%.*s",
                           VONK_STR_ARGS(strcmp(name, "peer") ? vonk_grpc_header(call, name) : vonk_grpc_peer(call))));
}

static void stats(void *self, vonk_grpc_call *call, vonk_slice message)
{
    (void)self;
    char text[512];
    vonk_grpc_stats now;
    vonk_slice_unref(message);
    vonk_grpc_server_stats(server, &now);
    vonk_mutex_lock(&lock);
    vonk_format(
        text, sizeof(text),
        "{\"connections\": %d, \"calls\": %d, \"cancelled\": %d, \"deadline\": %d, \"stopped\": %d, \"drained\": %d, "
        "\"released\": %d, \"memory\": %lld}",
        (int)now.connections, (int)now.calls, (int)n_cancelled, (int)n_deadline, (int)n_stopped, (int)n_drained,
        (int)n_released, (long long)vonk_budget_used(vonk_budget_root()));
    vonk_mutex_unlock(&lock);
    reply_text(call, text);
}

static const vonk_grpc_method methods[] = {
    {"/test.Echo/Unary", VONK_GRPC_UNARY, NULL, unary, NULL},
    {"/test.Echo/Notice", VONK_GRPC_NOTICE, NULL, unary, NULL},
    {"/test.Echo/Later", VONK_GRPC_UNARY, NULL, later, NULL},
    {"/test.Echo/Stream", VONK_GRPC_SERVER_STREAM, NULL, stream, NULL},
    {"/test.Echo/Collect", VONK_GRPC_CLIENT_STREAM, collect_start, collect, collected},
    {"/test.Echo/Slow", VONK_GRPC_CLIENT_STREAM, collect_start, collect_slowly, collected},
    {"/test.Echo/Fail", VONK_GRPC_UNARY, NULL, fail, NULL},
    {"/test.Echo/Hang", VONK_GRPC_SERVER_STREAM, NULL, hang, NULL},
    {"/test.Echo/Drop", VONK_GRPC_UNARY, NULL, drop, NULL},
    {"/test.Echo/Header", VONK_GRPC_UNARY, NULL, header, NULL},
    {"/test.Echo/Stats", VONK_GRPC_UNARY, NULL, stats, NULL},
};

/* ---- what the server tells ---- */

static void cancelled(void *self, vonk_grpc_call *call, vonk_grpc_code why)
{
    (void)self;
    vonk_mutex_lock(&lock);
    if (why == VONK_GRPC_CANCELLED) n_cancelled++;
    if (why == VONK_GRPC_DEADLINE_EXCEEDED) n_deadline++;
    if (why == VONK_GRPC_UNAVAILABLE) n_stopped++;
    vonk_cond_broadcast(&changed);
    vonk_mutex_unlock(&lock);
    if (strstr(vonk_grpc_call_method(call)->path, "Hang")) vonk_grpc_call_unref(call);
}

static void drained(void *self, vonk_grpc_call *call)
{
    (void)self;
    (void)call;
    vonk_mutex_lock(&lock);
    n_drained++;
    vonk_cond_broadcast(&changed);
    vonk_mutex_unlock(&lock);
}

static void released(void *self, void *data)
{
    (void)self;
    free(data);
    vonk_mutex_lock(&lock);
    n_released++;
    vonk_mutex_unlock(&lock);
}

static void on_signal(void *self, int number)
{
    (void)self;
    (void)number;
    vonk_grpc_server_stop(server, grace_us);
}

int main(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_grpc_options options = {.bind = NULL};
    const char *cert = NULL, *key = NULL;
    static const vonk_grpc_service service = {NULL, methods, VONK_COUNTOF(methods), NULL, cancelled, drained, released};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--token")) options.token = argv[i + 1];
        if (!strcmp(argv[i], "--cert")) cert = argv[i + 1];
        if (!strcmp(argv[i], "--key")) key = argv[i + 1];
        if (!strcmp(argv[i], "--max-message")) options.max_message_bytes = (size_t)strtoll(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--max-streams")) options.max_streams = (uint32_t)(int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--max-connections"))
            options.max_connections = (uint32_t)(int)strtol(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--grace-ms")) grace_us = strtoll(argv[i + 1], NULL, 10) * 1000;
    }
    vonk_signals_prepare();
    VONK_AUTO(vonk_tls_context_free) vonk_tls_context *tls = NULL;
    if (cert)
        no_fail(vonk_tls_context_new_server(vonk_budget_root(), vonk_str_of(cert), vonk_str_of(key), &tls, &err), &err);
    options.tls = tls;
    no_fail(vonk_grpc_server_new(&options, &service, &server, &err), &err);
    no_fail(vonk_loop_on_signal(vonk_grpc_server_loop(server), on_signal, NULL, &err), &err);
    printf("%d\n", vonk_grpc_server_port(server));
    fflush(stdout);
    no_fail(vonk_grpc_server_run(server, &err), &err);
    vonk_grpc_server_free(server);
    while (done_tasks) {
        echo_task *task = done_tasks;
        done_tasks = task->next;
        vonk_thread_join(task->thread);
        free(task);
    }
    printf("stopped\n");
    return 0;
}
