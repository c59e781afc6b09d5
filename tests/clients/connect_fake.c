/* tests/clients/connect_fake.c -- the Connect server with a backend that knows no plan: the text of a SQL relation or
 * command says what to do. For test_connect_protocol.py. Prints its port, stops on SIGTERM.      connect_fake
 * [KEY=VALUE of spark.connect.* ...]
 *
 *   batches N BYTES     N results of BYTES bytes each ('a', 'b', ... repeated), one row each
 *   sleep MS            nothing, for so long, or until it is cancelled
 *   deaf MS             the same, but it does not hear of cancelling
 *   fail TEXT           the error DIVIDE_BY_ZERO with TEXT as parameter
 *   large BYTES         the same with so many bytes of text
 *   artifact NAME       the artifact's content as one result; nothing when there is none
 *   progress MS         runs for so long and reports a stage with 3 tasks */
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "serve/connect/connect.h"
#include "sys/clock.h"
#include "sys/thread.h"

static vonk_connect_server *server;

static void no_fail(vonk_status st, const vonk_error *err)
{
    if (st == VONK_OK) return;
    fprintf(stderr, "%s\n", vonk_error_message(err));
    exit(1);
}

/* ---- sessions: a configuration ---- */

typedef struct fake_session {
    vonk_mutex lock;
    const vonk_conf *conf;
} fake_session;

static vonk_status session_with(const vonk_conf *take_conf, void **ret, vonk_error *err)
{
    fake_session *s = NULL;
    VONK_TRY(VONK_NEW(vonk_budget_root(), &s, err));
    vonk_mutex_init(&s->lock);
    s->conf = take_conf;
    *ret = s;
    return VONK_OK;
}

static vonk_status session_new(void *self, vonk_str user, void **ret, vonk_error *err)
{
    const vonk_conf *conf = NULL;
    if (vonk_str_is(user, "nobody")) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "nobody");
    VONK_TRY(vonk_conf_new(vonk_budget_root(), &conf, err));
    return session_with(conf, ret, err);
}

static vonk_status session_clone(void *self, void *session, void **ret, vonk_error *err)
{
    fake_session *s = session;
    return session_with(vonk_conf_ref(s->conf), ret, err);
}

static void session_free(void *self, void *session)
{
    fake_session *s = session;
    vonk_conf_unref(s->conf);
    vonk_mutex_done(&s->lock);
    vonk_free(s);
}

static const vonk_conf *conf(void *self, void *session)
{
    fake_session *s = session;
    vonk_mutex_lock(&s->lock);
    const vonk_conf *now = vonk_conf_ref(s->conf);
    vonk_mutex_unlock(&s->lock);
    return now;
}

static vonk_status conf_set(void *self, void *session, vonk_str key, vonk_str value, vonk_error *err)
{
    fake_session *s = session;
    const vonk_conf *changed = NULL;
    vonk_mutex_lock(&s->lock);
    vonk_status st = vonk_conf_with(vonk_budget_root(), s->conf, key, value, &changed, err);
    if (st == VONK_OK) {
        vonk_conf_unref(s->conf);
        s->conf = changed;
    }
    vonk_mutex_unlock(&s->lock);
    return st;
}

/* ---- operations ---- */

typedef struct fake_run {
    vonk_mutex lock;
    vonk_cond changed;
    bool is_cancelled;
    int n_reports;
} fake_run;

static void cancel(void *arg)
{
    fake_run *run = arg;
    vonk_mutex_lock(&run->lock);
    run->is_cancelled = true;
    vonk_cond_broadcast(&run->changed);
    vonk_mutex_unlock(&run->lock);
}

static bool progress(void *arg, vonk_pb_writer *w)
{
    fake_run *run = arg;
    run->n_reports++;
    size_t mark = vonk_pb_begin(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGES);
    vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_STAGE_ID, 1);
    vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_STAGE_INFO_NUM_TASKS, 3);
    vonk_pb_end(w, mark);
    vonk_pb_put_i64(w, PB_EXECUTE_PLAN_RESPONSE_EXECUTION_PROGRESS_NUM_INFLIGHT_TASKS, 2);
    return true;
}

static vonk_status run_for(vonk_connect_operation *op, int64_t ms, bool reports, vonk_error *err)
{
    fake_run run = {0};
    vonk_mutex_init(&run.lock);
    vonk_cond_init(&run.changed);
    vonk_connect_set_hooks(op, &(vonk_connect_hooks){&run, cancel, reports ? progress : NULL});
    int64_t until_ns = vonk_clock_mono_ns() + ms * VONK_NS_PER_MS;
    vonk_mutex_lock(&run.lock);
    while (!run.is_cancelled && vonk_cond_wait_until(&run.changed, &run.lock, until_ns)) {
    }
    vonk_mutex_unlock(&run.lock);
    vonk_connect_set_hooks(op, NULL);
    vonk_cond_done(&run.changed);
    vonk_mutex_done(&run.lock);
    return VONK_OK;
}

static vonk_status emit_bytes(vonk_connect_operation *op, vonk_buf *take_data, int64_t row, vonk_error *err)
{
    vonk_slice pieces[2];
    vonk_buf fields = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);
    no_fail(vonk_pb_writer_end(&w), err);
    no_fail(vonk_slice_of_buf(take_data, &pieces[0], err), err);
    size_t half = pieces[0].bytes.len / 2; /* in two pieces, as Arrow gives them */
    pieces[1] = vonk_slice_ref(pieces[0]);
    pieces[1].bytes = vonk_str_sub(pieces[0].bytes, half, pieces[0].bytes.len);
    pieces[0].bytes = vonk_str_sub(pieces[0].bytes, 0, half);
    return vonk_connect_emit_batch(op, &fields, pieces, 2, 1, row, err);
}

static vonk_status batches(vonk_connect_operation *op, long n, size_t bytes, vonk_error *err)
{
    for (long i = 0; i < n; i++) {
        vonk_buf data = {0};
        char *at = NULL;
        vonk_buf_init(&data, vonk_budget_root(), SIZE_MAX);
        no_fail(vonk_buf_extend(&data, bytes, &at, err), err);
        if (bytes) memset(at, 'a' + (int)(i % 26), bytes);
        VONK_TRY(emit_bytes(op, &data, i, err));
    }
    return VONK_OK;
}

static vonk_status artifact(vonk_connect_operation *op, vonk_str name, vonk_error *err)
{
    vonk_buf data = {0};
    bool is_found = false;
    vonk_buf_init(&data, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_connect_artifact_read(vonk_connect_operation_session(op), name, &data, &is_found, err));
    if (is_found) return emit_bytes(op, &data, 0, err);
    vonk_buf_done(&data);
    return VONK_OK;
}

static vonk_status fail_large(size_t bytes, vonk_error *err)
{
    char *text = calloc(1, bytes + 1);
    memset(text, 'L', bytes);
    vonk_status st = VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", text);
    free(text);
    return st;
}

static vonk_status run_text(vonk_connect_operation *op, vonk_str text, vonk_error *err)
{
    char line[256], *rest = NULL;
    vonk_format(line, sizeof(line), "%.*s", VONK_STR_ARGS(text));
    char *space = strchr(line, ' ');
    if (space) *space = 0;
    char *argument = space ? space + 1 : line + strlen(line);
    long number = strtol(argument, &rest, 10);
    if (!strcmp(line, "batches")) return batches(op, number, (size_t)strtol(rest, NULL, 10), err);
    if (!strcmp(line, "sleep")) return run_for(op, number, false, err);
    if (!strcmp(line, "progress")) return run_for(op, number, true, err);
    if (!strcmp(line, "deaf")) vonk_clock_sleep_ns(number * VONK_NS_PER_MS);
    if (!strcmp(line, "deaf")) return VONK_OK;
    if (!strcmp(line, "fail")) return VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", argument);
    if (!strcmp(line, "large")) return fail_large((size_t)number, err);
    if (!strcmp(line, "artifact")) return artifact(op, vonk_str_of(argument), err);
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", line);
}

static vonk_status execute(void *self, vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err)
{
    const vonk_pb_msg *root = vonk_pb_get_msg(plan, PB_PLAN_ROOT);
    if (root) return run_text(op, vonk_pb_str(vonk_pb_get_msg(root, PB_RELATION_SQL), PB_SQL_QUERY), err);
    const vonk_pb_msg *command = vonk_pb_get_msg(vonk_pb_get_msg(plan, PB_PLAN_COMMAND), PB_COMMAND_SQL_COMMAND);
    const vonk_pb_msg *input = vonk_pb_get_msg(command, PB_SQL_COMMAND_INPUT);
    if (!input) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "this command");
    vonk_buf fields = {0};
    vonk_pb_writer w = vonk_connect_begin(op, &fields, err);
    size_t mark = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT);
    vonk_pb_put_msg(&w, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION, input);
    vonk_pb_end(&w, mark);
    no_fail(vonk_pb_writer_end(&w), err);
    return vonk_connect_emit(op, &fields, NULL, 0, err);
}

/* ---- analysis ---- */

static vonk_status analyze(void *self, vonk_connect_session *session, const vonk_pb_msg *request, vonk_arena *arena,
                           vonk_pb_writer *w, vonk_error *err)
{
    size_t mark = 0;
    vonk_str text;
    const vonk_pb_msg *plan = NULL;
    switch (vonk_pb_which(request, PB_ANALYZE_PLAN_REQUEST_ANALYZE_ONEOF)) {
    case PB_ANALYZE_PLAN_REQUEST_SPARK_VERSION:
        mark = vonk_pb_begin(w, PB_ANALYZE_PLAN_RESPONSE_SPARK_VERSION);
        vonk_pb_put_c(w, PB_ANALYZE_PLAN_RESPONSE_SPARK_VERSION_VERSION, "fake");
        vonk_pb_end(w, mark);
        return VONK_OK;
    case PB_ANALYZE_PLAN_REQUEST_TREE_STRING: /* the plan's text; of "memory" the bytes in use */
        plan = vonk_pb_get_msg(vonk_pb_get_msg(request, PB_ANALYZE_PLAN_REQUEST_TREE_STRING),
                               PB_ANALYZE_PLAN_REQUEST_TREE_STRING_PLAN);
        VONK_TRY(vonk_connect_plan(session, plan, arena, &plan, err));
        text = vonk_pb_str(vonk_pb_get_msg(vonk_pb_get_msg(plan, PB_PLAN_ROOT), PB_RELATION_SQL), PB_SQL_QUERY);
        if (vonk_str_is(text, "memory"))
            VONK_TRY(vonk_arena_printf(arena, &text, err, "%lld", (long long)vonk_budget_used(vonk_budget_root())));
        mark = vonk_pb_begin(w, PB_ANALYZE_PLAN_RESPONSE_TREE_STRING);
        vonk_pb_put_str(w, PB_ANALYZE_PLAN_RESPONSE_TREE_STRING_TREE_STRING, text);
        vonk_pb_end(w, mark);
        return VONK_OK;
    default: return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "this analysis");
    }
}

static const vonk_connect_backend backend = {.session_new = session_new,
                                             .session_clone = session_clone,
                                             .session_free = session_free,
                                             .conf = conf,
                                             .conf_set = conf_set,
                                             .execute = execute,
                                             .analyze = analyze};

static void on_signal(void *self, int number)
{
    (void)self;
    vonk_connect_server_stop(server, 200000);
}

static const vonk_conf *conf_of_arguments(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_conf *now = NULL, *next = NULL;
    no_fail(vonk_conf_new(vonk_budget_root(), &now, &err), &err);
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals) exit(2);
        vonk_str key = {argv[i], (size_t)(equals - argv[i])};
        no_fail(vonk_conf_with_any(vonk_budget_root(), now, key, vonk_str_of(equals + 1), &next, &err), &err);
        vonk_conf_unref(now);
        now = next;
    }
    return now;
}

int main(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_conf *settings = conf_of_arguments(argc, argv);
    vonk_connect_options options = {.backend = &backend, .conf = settings, .max_sessions = 50, .max_operations = 20};
    vonk_signals_prepare();
    no_fail(vonk_connect_server_new(&options, &server, &err), &err);
    vonk_conf_unref(settings);
    no_fail(vonk_loop_on_signal(vonk_connect_server_loop(server), on_signal, NULL, &err), &err);
    printf("%d\n", vonk_connect_server_port(server));
    fflush(stdout);
    no_fail(vonk_connect_server_run(server, &err), &err);
    vonk_connect_server_free(server);
    printf("stopped %lld\n", (long long)vonk_budget_used(vonk_budget_root()));
    return 0;
}
