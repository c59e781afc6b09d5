/* tests/clients/py_driver.c -- runs tasks in real Python workers, for test_python_workers.py.
 *
 *   py_driver --python EXE --version 3.11 [--module M] [--var NAME=VALUE]... [--folder F] [--memory-mb N] [--tcp]
 *             [--no-reuse] [--idle-ms N] [--start-ms N] [--max N] [--watch] [--budget-mb N]
 *
 * Reads one command per line, answers with one line ("error CONDITION|message" where it failed; \n as \\n):
 *   plain COMMAND INPUT OUTPUT       a task of frames; files of bytes as the worker reads and writes them
 *   udf EVAL COMMAND N INPUT OUTPUT  one function over N columns, an Arrow stream each way
 *   many N COMMAND INPUT             N tasks, one after the other
 *   parallel N M COMMAND INPUT       N threads, M tasks each
 *   cancel MS COMMAND INPUT          leaves the task after that time; how long that took, and the worker's pid
 *   kill COMMAND INPUT               SIGKILL for the worker as soon as it is there
 *   broadcast ID PATH | forget       for the tasks that follow
 *   warm N | counts | descriptors | sleep MS | drop | quit */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "codec/ipc.h"
#include "python/task.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/thread.h"

enum { MOST_VARS = 32, MOST_BROADCASTS = 8, MOST_THREADS = 32 };

static vonk_str vars[MOST_VARS];
static vonk_py_env env = {
    .executable = VONK_STR("python3"), .module = VONK_STR("pyspark.worker"), .vars = vars, .reuse = true};
static vonk_py_pool_options options = {
    .idle_ns = 60 * VONK_NS_PER_S, .start_timeout_ns = 60 * VONK_NS_PER_S, .max_workers = 8, .max_idle = UINT32_MAX};
static vonk_str version = VONK_STR("3.11");
static bool by_watch;
static int64_t budget_mb = 1024;
static vonk_py_pool *pool;
static vonk_py_broadcast broadcasts[MOST_BROADCASTS];
static uint32_t n_broadcasts;

static void no_fail(vonk_status st, const vonk_error *err)
{
    if (st == VONK_OK) return;
    fprintf(stderr, "%s\n", vonk_error_message(err));
    exit(1);
}

/* ---- arguments */

static const char *text_option(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) exit(2);
    return argv[++*i];
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const vonk_str name = vonk_str_of(argv[i]);
        if (vonk_str_is(name, "--tcp"))
            env.tcp = true;
        else if (vonk_str_is(name, "--no-reuse"))
            env.reuse = false;
        else if (vonk_str_is(name, "--watch"))
            by_watch = true;
        else {
            const char *value = text_option(argc, argv, &i);
            if (vonk_str_is(name, "--python"))
                env.executable = vonk_str_of(value);
            else if (vonk_str_is(name, "--version"))
                version = vonk_str_of(value);
            else if (vonk_str_is(name, "--module"))
                env.module = vonk_str_of(value);
            else if (vonk_str_is(name, "--folder"))
                env.folder = vonk_str_of(value);
            else if (vonk_str_is(name, "--var") && env.n_vars < MOST_VARS)
                vars[env.n_vars++] = vonk_str_of(value);
            else if (vonk_str_is(name, "--memory-mb"))
                env.memory_bytes = strtoll(value, NULL, 10) << 20;
            else if (vonk_str_is(name, "--idle-ms"))
                options.idle_ns = strtoll(value, NULL, 10) * VONK_NS_PER_MS;
            else if (vonk_str_is(name, "--start-ms"))
                options.start_timeout_ns = strtoll(value, NULL, 10) * VONK_NS_PER_MS;
            else if (vonk_str_is(name, "--max"))
                options.max_workers = (uint32_t)strtoul(value, NULL, 10);
            else if (vonk_str_is(name, "--budget-mb"))
                budget_mb = strtoll(value, NULL, 10);
            else
                exit(2);
        }
    }
}

/* ---- one task */

typedef struct job {
    vonk_py_eval eval;
    vonk_buf command, input, output;
    uint32_t n_args;
    uint32_t n_frames, n_messages, n_streams, n_rows, n_accumulators;
    int32_t partition;
    int64_t memory_spilled;
    int64_t cancel_ms; /* -1: wait for its end */
    bool kill;
    int32_t pid;
} job;

typedef struct waiter {
    vonk_mutex lock;
    vonk_cond cond;
    bool is_woken;
} waiter;

static void wake(void *arg)
{
    waiter *w = arg;
    VONK_LOCKED(&w->lock);
    w->is_woken = true;
    vonk_cond_signal(&w->cond);
}

static void wait_by_watch(vonk_py_task *task, bool to_write, int64_t timeout_ns)
{
    vonk_error err = VONK_ERROR_INIT;
    waiter w = {.is_woken = false};
    vonk_mutex_init(&w.lock);
    vonk_cond_init(&w.cond);
    no_fail(vonk_py_task_watch(task, to_write, wake, &w, &err), &err);
    const int64_t until_ns = vonk_clock_mono_ns() + timeout_ns;
    vonk_mutex_lock(&w.lock);
    bool is_late = false;
    while (!w.is_woken && !is_late) is_late = !vonk_cond_wait_until(&w.cond, &w.lock, until_ns);
    vonk_mutex_unlock(&w.lock);
    if (is_late && !vonk_py_task_unwatch(task)) { /* it comes just now */
        vonk_mutex_lock(&w.lock);
        while (!w.is_woken) vonk_cond_wait(&w.cond, &w.lock);
        vonk_mutex_unlock(&w.lock);
    }
    vonk_cond_done(&w.cond);
    vonk_mutex_done(&w.lock);
}

static vonk_status feed(vonk_ipc_reader **reader, vonk_budget *budget, job *j, vonk_buffer *message, vonk_error *err)
{
    vonk_batch *batch = NULL;
    if (!*reader) VONK_TRY(vonk_ipc_reader_new_fed(budget, "worker", reader, err));
    VONK_TRY(vonk_ipc_reader_feed(*reader, message, &batch, err));
    if (batch) j->n_rows += batch->n_rows;
    if (batch) vonk_batch_unref(batch);
    return VONK_OK;
}

static vonk_status take_event(job *j, vonk_py_event *event, vonk_ipc_reader **reader, vonk_budget *budget,
                              vonk_error *err)
{
    static const uint8_t end[8] = {0xff, 0xff, 0xff, 0xff};
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bytes = event->bytes;
    const vonk_str text = bytes ? (vonk_str){(const char *)bytes->data, bytes->bytes} : VONK_STR_NONE;
    switch (event->kind) {
    case VONK_PY_FRAME: j->n_frames++; return vonk_py_frame(&j->output, text, err);
    case VONK_PY_ARROW_MESSAGE:
        j->n_messages++;
        VONK_TRY(feed(reader, budget, j, bytes, err));
        return vonk_buf_add_str(&j->output, text, err);
    case VONK_PY_ARROW_END: j->n_streams++; return vonk_buf_append(&j->output, end, sizeof end, err);
    default: return VONK_OK;
    }
}

static vonk_status run_to_end(job *j, vonk_py_task *task, vonk_budget *budget, vonk_error *err)
{
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *reader = NULL;
    const int64_t until_ns = vonk_clock_mono_ns() + j->cancel_ms * VONK_NS_PER_MS;
    for (;;) {
        vonk_py_event event;
        size_t left = 0;
        VONK_TRY(vonk_py_task_next(task, &event, err));
        VONK_TRY(take_event(j, &event, &reader, budget, err));
        if (event.kind == VONK_PY_DONE) return VONK_OK;
        if (event.kind != VONK_PY_NOTHING) continue;
        VONK_TRY(vonk_py_task_send(task, &left, err));
        j->pid = vonk_py_task_pid(task);
        if (j->kill && j->pid) {
            kill(j->pid, SIGKILL);
            j->kill = false;
        }
        int64_t wait_ns = 200 * VONK_NS_PER_MS;
        if (j->cancel_ms >= 0) {
            if (vonk_clock_mono_ns() >= until_ns) return VONK_OK;
            wait_ns = 5 * VONK_NS_PER_MS;
        }
        if (by_watch)
            wait_by_watch(task, left > 0, wait_ns);
        else
            vonk_py_task_wait(task, left > 0, wait_ns);
    }
}

static vonk_status run_job(job *j, vonk_budget *budget, vonk_error *err)
{
    VONK_AUTO(vonk_py_task_free) vonk_py_task *task = NULL;
    const vonk_str command = vonk_buf_str(&j->command);
    vonk_py_arg args[16] = {{0}};
    const vonk_py_pair property = {VONK_STR("spark.jobGroup.id"), VONK_STR("a \"group\"\n")};
    for (uint32_t i = 0; i < VONK_COUNTOF(args); i++) args[i].offset = (int32_t)i;
    const vonk_py_udf udf = {.args = args, .n_args = j->n_args, .commands = &command, .n_commands = 1};
    const vonk_py_request request = {.eval = j->eval,
                                     .python_version = version,
                                     .stage = 3,
                                     .partition = j->partition,
                                     .cpus = 1,
                                     .task_id = INT64_C(5000000000),
                                     .properties = &property,
                                     .n_properties = 1,
                                     .files_folder = VONK_STR("/nowhere"),
                                     .broadcasts = broadcasts,
                                     .n_broadcasts = n_broadcasts,
                                     .command = command,
                                     .udfs = &udf,
                                     .n_udfs = j->eval == VONK_PY_PLAIN ? 0 : 1};
    vonk_buf_reset(&j->output);
    VONK_TRY(vonk_py_task_start(pool, &env, &request, budget, &task, err));
    VONK_TRY(vonk_buf_add_str(vonk_py_task_out(task), vonk_buf_str(&j->input), err));
    VONK_TRY(vonk_py_task_end_input(task, err));
    VONK_TRY(run_to_end(j, task, budget, err));
    if (j->cancel_ms >= 0) return VONK_OK;
    const vonk_py_report *report = vonk_py_task_report(task);
    j->n_accumulators = report->n_accumulators;
    j->memory_spilled = report->memory_spilled_bytes;
    if (report->boot_ms < INT64_C(1500000000000) || report->finish_ms < report->init_ms || report->processing_ms < 0)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "strange times");
    return VONK_OK;
}

/* ---- commands */

static void read_file(const char *path, vonk_buf *into)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf_init(into, vonk_budget_root(), SIZE_MAX);
    no_fail(vonk_file_read_all(vonk_str_of(path), SIZE_MAX, into, &err), &err);
}

static void job_open(job *j, const char *command, const char *input)
{
    *j = (job){.eval = VONK_PY_PLAIN, .cancel_ms = -1, .partition = 7};
    read_file(command, &j->command);
    read_file(input, &j->input);
    vonk_buf_init(&j->output, vonk_budget_root(), SIZE_MAX);
}

static void job_done(job *j)
{
    vonk_buf_done(&j->command);
    vonk_buf_done(&j->input);
    vonk_buf_done(&j->output);
}

static void say_error(vonk_error *err)
{
    printf("error %s|", vonk_error_condition(err));
    for (const char *c = vonk_error_message(err); *c; c++) {
        if (*c == '\n')
            fputs("\\n", stdout);
        else
            putchar(*c);
    }
    putchar('\n');
    vonk_error_reset(err);
}

/* Each with a budget of its own, in which nothing may be left. */
static vonk_status run_budgeted(job *j, vonk_error *err)
{
    vonk_budget *budget;
    VONK_TRY(vonk_budget_new(vonk_budget_root(), "task", budget_mb << 20, &budget, err));
    const vonk_status st = run_job(j, budget, err);
    vonk_budget_free(budget);
    return st;
}

static void run_one(job *j, const char *output)
{
    vonk_error err = VONK_ERROR_INIT;
    if (run_budgeted(j, &err) != VONK_OK) {
        say_error(&err);
        return;
    }
    if (output)
        no_fail(vonk_file_replace(vonk_str_of(output), j->output.data ? j->output.data : "", j->output.len, &err),
                &err);
    printf("done frames=%u messages=%u streams=%u rows=%u accumulators=%u spilled=%lld pid=%d\n", j->n_frames,
           j->n_messages, j->n_streams, j->n_rows, j->n_accumulators, (long long)j->memory_spilled, j->pid);
}

typedef struct crowd {
    job *model;
    int n;
    int32_t number;
    int n_failed;
} crowd;

static void run_crowd(void *self)
{
    crowd *c = self;
    for (int i = 0; i < c->n; i++) {
        vonk_error err = VONK_ERROR_INIT;
        job j = *c->model;
        vonk_buf_init(&j.output, vonk_budget_root(), SIZE_MAX);
        j.partition = c->number * 1000 + i;
        if (run_budgeted(&j, &err) != VONK_OK) {
            fprintf(stderr, "%s\n", vonk_error_message(&err));
            c->n_failed++;
        }
        vonk_error_reset(&err);
        vonk_buf_done(&j.output);
    }
}

static void run_parallel(int n_threads, int n, job *model)
{
    vonk_error err = VONK_ERROR_INIT;
    crowd crowds[MOST_THREADS];
    vonk_thread *threads[MOST_THREADS];
    int n_failed = 0;
    for (int i = 0; i < n_threads; i++) {
        crowds[i] = (crowd){.model = model, .n = n, .number = i};
        no_fail(
            vonk_thread_start(vonk_budget_root(), "crowd", VONK_STACK_ENGINE, run_crowd, &crowds[i], &threads[i], &err),
            &err);
    }
    for (int i = 0; i < n_threads; i++) {
        vonk_thread_join(threads[i]);
        n_failed += crowds[i].n_failed;
    }
    printf("done failed=%d\n", n_failed);
}

static size_t n_descriptors(void)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena;
    vonk_dir_entry *entries;
    size_t n;
    no_fail(vonk_arena_new(vonk_budget_root(), &arena, &err), &err);
    no_fail(vonk_dir_list(arena, VONK_STR("/proc/self/fd"), &entries, &n, &err), &err);
    vonk_arena_free(arena);
    return n;
}

static void run_cancel(job *j, const char *ms)
{
    vonk_error err = VONK_ERROR_INIT;
    j->cancel_ms = strtoll(ms, NULL, 10);
    const int64_t from_ns = vonk_clock_mono_ns();
    if (run_budgeted(j, &err) != VONK_OK)
        say_error(&err);
    else
        printf("done pid=%d ms=%lld\n", j->pid, (long long)((vonk_clock_mono_ns() - from_ns) / VONK_NS_PER_MS));
}

/* Commands with files. False: unknown. */
static bool run_files(char *const *words, int n)
{
    job j;
    const vonk_str name = vonk_str_of(words[0]);
    if (vonk_str_is(name, "plain") && n == 4) {
        job_open(&j, words[1], words[2]);
        run_one(&j, words[3]);
    } else if (vonk_str_is(name, "udf") && n == 6) {
        job_open(&j, words[2], words[4]);
        j.eval = (vonk_py_eval)strtol(words[1], NULL, 10);
        j.n_args = (uint32_t)strtoul(words[3], NULL, 10);
        run_one(&j, words[5]);
    } else if (vonk_str_is(name, "kill") && n == 3) {
        job_open(&j, words[1], words[2]);
        j.kill = true;
        run_one(&j, NULL);
    } else if (vonk_str_is(name, "cancel") && n == 4) {
        job_open(&j, words[2], words[3]);
        run_cancel(&j, words[1]);
    } else if (vonk_str_is(name, "many") && n == 4) {
        job_open(&j, words[2], words[3]);
        crowd c = {.model = &j, .n = (int)strtol(words[1], NULL, 10)};
        run_crowd(&c);
        printf("done failed=%d\n", c.n_failed);
    } else if (vonk_str_is(name, "parallel") && n == 5) {
        job_open(&j, words[3], words[4]);
        run_parallel((int)strtol(words[1], NULL, 10), (int)strtol(words[2], NULL, 10), &j);
    } else {
        return false;
    }
    job_done(&j);
    return true;
}

static bool run_command(char *const *words, int n)
{
    static char paths[MOST_BROADCASTS][256];
    const vonk_str name = vonk_str_of(words[0]);
    if (run_files(words, n)) return true;
    if (vonk_str_is(name, "counts")) {
        const vonk_py_counts c = vonk_py_pool_counts(pool);
        printf("daemons=%u workers=%u idle=%u forked=%llu reused=%llu killed=%llu\n", c.daemons, c.workers, c.idle,
               (unsigned long long)c.forked, (unsigned long long)c.reused, (unsigned long long)c.killed);
        return true;
    }
    if (vonk_str_is(name, "descriptors")) {
        printf("%zu\n", n_descriptors());
        return true;
    }
    if (vonk_str_is(name, "warm") && n == 2)
        vonk_py_pool_warm(pool, &env, (uint32_t)strtoul(words[1], NULL, 10));
    else if (vonk_str_is(name, "sleep") && n == 2)
        vonk_clock_sleep_ns(strtoll(words[1], NULL, 10) * VONK_NS_PER_MS);
    else if (vonk_str_is(name, "drop"))
        vonk_py_pool_drop_folder(pool, env.folder);
    else if (vonk_str_is(name, "forget"))
        n_broadcasts = 0;
    else if (vonk_str_is(name, "broadcast") && n == 3 && n_broadcasts < MOST_BROADCASTS) {
        vonk_format(paths[n_broadcasts], sizeof paths[0], "%s", words[2]);
        broadcasts[n_broadcasts] = (vonk_py_broadcast){strtoll(words[1], NULL, 10), vonk_str_of(paths[n_broadcasts])};
        n_broadcasts++;
    } else
        return false;
    puts("ok");
    return true;
}

static int split(char *line, char **words, int most)
{
    int n = 0;
    for (char *at = line; n < most;) {
        while (*at == ' ' || *at == '\n') *at++ = 0;
        if (!*at) break;
        words[n++] = at;
        while (*at && *at != ' ' && *at != '\n') at++;
    }
    return n;
}

int main(int argc, char **argv)
{
    static char line[4096];
    char *words[8];
    vonk_error err = VONK_ERROR_INIT;
    parse(argc, argv);
    no_fail(vonk_py_pool_new(vonk_budget_root(), &options, &pool, &err), &err);
    while (fgets(line, sizeof line, stdin)) {
        const int n = split(line, words, VONK_COUNTOF(words));
        if (n == 0) continue;
        if (vonk_str_is(vonk_str_of(words[0]), "quit")) break;
        if (!run_command(words, n)) puts("error |what?");
        fflush(stdout);
    }
    vonk_py_pool_free(pool);
    puts("ended");
    return 0;
}
