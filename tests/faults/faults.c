/* tests/faults/faults.c -- every point at which memory, a read or a write can fail, fails once.
 *
 *   faults SCENARIO          environment: VONK_FAULT_STRIDE (every n-th point, 1), VONK_SOURCE_ROOT
 *
 * A scenario (scenarios.def) runs once to learn its answer and how many points of each kind it passes, then once for
 * each point with that point failing. Each time it must end within a minute, with the same answer or with the error of
 * such a failure; and the memory of the session must be what it was, and the scenario must give its answer again. A
 * leak or a wild access is the sanitizer's to find (make faults). The answer of a scenario may be an error of its own.
 * A scenario that writes a folder finds it each time as it was; afterwards the folder holds the new rows, or, when the
 * statement failed, exactly what was there before.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "folder.h"
#include "python.h"
#include "session/session.h"

enum { LIMIT_S = 60 }; /* of one run */

typedef struct scenario {
    const char *name, *settings, *sql;
} scenario;

static const scenario scenarios[] = {
#define SCENARIO(name, settings, sql) {#name, settings, sql},
#include "scenarios.def"
#undef SCENARIO
};

static const char *const kinds[] = {[VONK_FAULT_ALLOC] = "allocation",
                                    [VONK_FAULT_READ] = "read",
                                    [VONK_FAULT_WRITE] = "write",
                                    [VONK_FAULT_FSYNC] = "fsync"};

static const char *const tables[] = {
    "CREATE TEMPORARY VIEW numbers AS SELECT id, id % 100 AS k, CAST(id AS double) / 7 AS x, "
    "CASE WHEN id % 11 = 0 THEN NULL ELSE concat('text of number ', CAST(id % 37 AS string)) END AS s FROM range(3000)",
    "CREATE TEMPORARY VIEW few AS SELECT * FROM VALUES (1L, 'one'), (2L, 'two'), (5L, NULL), (99L, 'ninety-nine'), "
    "(101L, 'more than there are') AS t(k, t)",
    "CREATE TEMPORARY VIEW file AS SELECT * FROM parquet.`%s/tests/data/parquet/pa_numbers_dict.parquet`",
    "CREATE TEMPORARY VIEW nested AS SELECT * FROM parquet.`%s/tests/data/parquet/pa_nested.parquet`",
};

/* Whether a point that failed may end so. */
static bool is_of_fault(const vonk_error *err)
{
    static const char *const begins[] = {"UNABLE_TO_ACQUIRE_MEMORY", "FAILED_READ_FILE.", "TASK_WRITE_FAILED",
                                         "INTERNAL_ERROR_NETWORK" /* of the socket of a Python worker */};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(vonk_error_condition(err), begins[i], strlen(begins[i])) == 0) return true;
    return false;
}

static char now_running[200];

static void too_late(int number)
{
    (void)number;
    if (write(STDERR_FILENO, now_running, strlen(now_running)) < 0) abort();
    abort();
}

static void start_clock(const char *name, const char *kind, int64_t at)
{
    snprintf(now_running, sizeof now_running, "%s: hangs with %s %lld failing\n", name, kind, (long long)at);
    alarm(LIMIT_S);
}

static void die(const char *what, const vonk_error *err)
{
    fprintf(stderr, "%s%s%s\n", what, err ? ": " : "", err ? vonk_error_message(err) : "");
    exit(1);
}

/* ---- running */

static vonk_status add_batch(const vonk_query *query, const vonk_batch *batch, vonk_buf *answer, vonk_error *err)
{
    for (uint32_t k = 0; k < batch->n_sel; k++) {
        uint32_t row = vonk_row_at(vonk_batch_rows(batch), k);
        for (uint32_t c = 0; c < batch->n_columns; c++) {
            bool null = false;
            VONK_TRY(vonk_query_cell(query, batch, c, row, answer, &null, err));
            VONK_TRY(vonk_buf_add_c(answer, null ? "NULL\t" : "\t", err));
        }
        VONK_TRY(vonk_buf_add_byte(answer, '\n', err));
    }
    return VONK_OK;
}

static vonk_status run_plan(vonk_session *session, const vonk_plan *plan, vonk_buf *answer, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_TRY(vonk_session_execute(session, plan, &query, err));
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(query, &batch, err));
        if (!batch) return VONK_OK;
        VONK_TRY(add_batch(query, batch, answer, err));
    }
}

static vonk_status run_statement(vonk_session *session, vonk_str sql, vonk_buf *answer, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_TRY(vonk_session_parse(session, sql, &plan, err));
    return run_plan(session, plan, answer, err);
}

/* ---- writing: the rows of a query into a folder. There is no SQL for all of it, so the node is made by hand. */

static const char *scratch; /* folder of the scenario that writes, or NULL */

typedef struct write_form {
    vonk_str mode, partition; /* column, or empty */
} write_form;

/* "write=MODE" or "write=MODE:COLUMN" */
static bool write_form_of(const char *settings, write_form *ret)
{
    const char *at = strstr(settings, "write=");
    if (!at) return false;
    at += strlen("write=");
    size_t n = strcspn(at, ":;");
    ret->mode = (vonk_str){at, n};
    ret->partition = at[n] == ':' ? (vonk_str){at + n + 1, strcspn(at + n + 1, ";")} : VONK_STR_NONE;
    return true;
}

static vonk_status fill_write(vonk_plan *node, const write_form *form, vonk_error *err)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/data", scratch);
    VONK_TRY(vonk_plan_str(node, vonk_str_of(path), &node->write.path, err));
    VONK_TRY(vonk_plan_str(node, VONK_STR("parquet"), &node->write.format, err));
    VONK_TRY(vonk_plan_str(node, form->mode, &node->write.mode, err));
    node->write.n_partition_by = form->partition.len > 0;
    return vonk_plan_strs(node, &form->partition, node->write.n_partition_by, &node->write.partition_by, err);
}

static vonk_status write_plan(vonk_session *session, const write_form *form, vonk_str sql, const vonk_plan **ret,
                              vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rows = NULL;
    vonk_plan *node = NULL;
    VONK_TRY(vonk_session_parse(session, sql, &rows, err));
    VONK_TRY(vonk_plan_new(vonk_session_budget(session), VONK_PN_WRITE_FILES, &rows, 1, &node, err));
    vonk_status status = fill_write(node, form, err);
    if (status == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return status;
}

static vonk_status run_write(vonk_session *session, const write_form *form, vonk_str sql, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_TRY(write_plan(session, form, sql, &plan, err));
    VONK_TRY(vonk_session_execute(session, plan, &query, err));
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(query, &batch, err));
        if (!batch) return VONK_OK;
    }
}

/* ---- functions of Python; of what SQL cannot say the plan is made by hand, over the rows of the scenario's query */

static vonk_str python_form(const char *settings)
{
    const char *at = strstr(settings, "python=");
    if (!at) return VONK_STR_NONE;
    at += strlen("python=");
    return (vonk_str){at, strcspn(at, ";")};
}

static vonk_status run_python(vonk_session *session, vonk_str form, vonk_str sql, vonk_buf *answer, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *rows = NULL, *plan = NULL;
    VONK_TRY(vonk_session_parse(session, sql, &rows, err));
    VONK_TRY(python_plan(session, form, rows, &plan, err));
    return run_plan(session, plan, answer, err);
}

/* ---- scenarios */

static vonk_status run_all(vonk_session *session, const char *sql, vonk_buf *answer, vonk_error *err)
{
    vonk_str rest = vonk_str_of(sql);
    while (rest.len > 0) {
        size_t end = vonk_session_statement_end(rest);
        vonk_str one = {rest.data, end};
        if (one.len > 0 && one.data[one.len - 1] == ';') one.len--;
        VONK_TRY(run_statement(session, one, answer, err));
        rest.data += end;
        rest.len -= end;
    }
    return VONK_OK;
}

static vonk_status run_it(vonk_session *session, const scenario *of, vonk_buf *answer, vonk_error *err)
{
    write_form form;
    const vonk_str python = python_form(of->settings);
    if (write_form_of(of->settings, &form)) return run_write(session, &form, vonk_str_of(of->sql), err);
    if (python.len > 0 && !vonk_str_is(python, "sql"))
        return run_python(session, python, vonk_str_of(of->sql), answer, err);
    return run_all(session, of->sql, answer, err);
}

/* Any other error belongs to the answer, so it has to be the same each time. */
static vonk_status run(vonk_session *session, const scenario *of, vonk_buf *answer, vonk_error *err)
{
    const vonk_status status = run_it(session, of, answer, err);
    if (status == VONK_OK || (vonk_fault_fired() && is_of_fault(err))) return status;
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    vonk_error_move(&own, err);
    if (vonk_fault_fired()) fprintf(stderr, "%s: %s\n", of->name, vonk_error_message(&own));
    return vonk_buf_add_c(answer, vonk_error_condition(&own), err); /* without memory its text is cut */
}

/* ---- points */

typedef struct trial {
    const scenario *of;
    char *folder_before, *folder_after; /* what a writing scenario finds and leaves */
    vonk_engine *engine;
    vonk_session *session;
    vonk_buf answer;
    int64_t used, n_points[VONK_N_FAULT];
    long n_runs, n_errors;
} trial;

/* Plans name columns by ids that count up over a session ("k#17"): without them, when the scenario says ids=any. */
static void forget_ids(const trial *t, vonk_buf *answer)
{
    char *text = (char *)answer->data;
    size_t n = 0;
    if (!strstr(t->of->settings, "ids=any")) return;
    for (size_t i = 0; i < answer->len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!(digit && n > 0 && text[n - 1] == '#')) text[n++] = text[i];
    }
    answer->len = n;
}

static void expect_answer(trial *t, vonk_buf *got, const char *kind, int64_t at)
{
    forget_ids(t, got);
    if (got->len == t->answer.len && (got->len == 0 || memcmp(got->data, t->answer.data, got->len) == 0)) return;
    fprintf(stderr, "%s: another answer with %s %lld failing: %.*s\n", t->of->name, kind, (long long)at,
            (int)(got->len < 2000 ? got->len : 2000), got->data);
    exit(1);
}

static void expect_folder(const trial *t, bool written, const char *kind, int64_t at)
{
    if (!t->folder_after) return;
    char *text = folder_describe();
    const char *wanted = written ? t->folder_after : t->folder_before;
    if (strcmp(text, wanted) != 0) {
        fprintf(stderr, "%s: with %s %lld failing the statement %s and leaves\n%sinstead of\n%s", t->of->name, kind,
                (long long)at, written ? "succeeds" : "fails", text, wanted);
        exit(1);
    }
    free(text);
}

static void run_clean(trial *t, const char *kind, int64_t at)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf got = {0};
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    if (t->folder_after) folder_bring_back();
    start_clock(t->of->name, kind, at);
    if (run(t->session, t->of, &got, &err) != VONK_OK) {
        fprintf(stderr, "%s, after %s %lld failed, ", t->of->name, kind, (long long)at);
        die("does not run any more", &err);
    }
    expect_answer(t, &got, kind, at);
    expect_folder(t, true, kind, at);
    vonk_buf_done(&got);
}

static void run_failing(trial *t, vonk_fault kind, int64_t at)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf got = {0};
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    if (t->folder_after) folder_bring_back();
    start_clock(t->of->name, kinds[kind], at);
    vonk_fault_arm(kind, at);
    vonk_status status = run(t->session, t->of, &got, &err);
    vonk_fault_arm(kind, -1);
    t->n_runs++;
    expect_folder(t, status == VONK_OK, kinds[kind], at);
    if (status == VONK_OK)
        expect_answer(t, &got, kinds[kind], at);
    else
        t->n_errors++;
    vonk_error_reset(&err);
    vonk_buf_done(&got);
}

static int64_t used_by_session(const trial *t) { return vonk_budget_used(vonk_session_budget(t->session)); }

/* A statement that failed half way may leave what it has made (a view): the next clean run takes that away. And a table
 * of the session may have grown once. What grows each time is a leak. */
static void check_memory(trial *t, vonk_fault kind, int64_t at)
{
    if (used_by_session(t) <= t->used) return;
    run_clean(t, kinds[kind], at);
    int64_t used = used_by_session(t);
    for (int again = 0; again < 3; again++) {
        if (used <= t->used) return;
        t->used = used;
        run_failing(t, kind, at);
        run_clean(t, kinds[kind], at);
        used = used_by_session(t);
    }
    fprintf(stderr, "%s: %s %lld leaves %lld bytes with the session\n", t->of->name, kinds[kind], (long long)at,
            (long long)(used - t->used));
    exit(1);
}

/* ---- set-up */

static void set(trial *t, const char *settings)
{
    vonk_error err = VONK_ERROR_INIT;
    char text[256];
    snprintf(text, sizeof text, "%s", settings);
    for (char *rest = NULL, *one = strtok_r(text, ";", &rest); one; one = strtok_r(NULL, ";", &rest)) {
        char *value = strchr(one, '=');
        *value++ = 0;
        if (!strchr(one, '.')) continue; /* the harness' own */
        if (vonk_session_set(t->session, vonk_str_of(one), vonk_str_of(value), &err) != VONK_OK) die("setting", &err);
    }
}

static void open_all(trial *t)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_engine_options options = {.memory_bytes = INT64_C(1) << 30,
                                   .n_threads = strstr(t->of->settings, "threads=2") ? 2 : 1};
    const char *root = getenv("VONK_SOURCE_ROOT");
    const bool python = python_form(t->of->settings).len > 0;
    char folder[1100];
    snprintf(folder, sizeof folder, "%s/tests/faults", root ? root : ".");
    if (python) python_prepare(folder);
    if (vonk_engine_new(&options, &t->engine, &err) != VONK_OK) die("engine", &err);
    if (vonk_session_new(t->engine, VONK_STR("faults"), &t->session, &err) != VONK_OK) die("session", &err);
    set(t, t->of->settings);
    if (python && python_register(t->session, &err) != VONK_OK) die("functions of Python", &err);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[1024];
        const char *place = strstr(tables[i], "%s");
        snprintf(sql, sizeof sql, "%.*s%s%s", (int)(place ? place - tables[i] : (long)strlen(tables[i])), tables[i],
                 place ? (root ? root : ".") : "", place ? place + 2 : "");
        vonk_buf nothing = {0};
        vonk_buf_init(&nothing, vonk_budget_root(), SIZE_MAX);
        if (run_all(t->session, sql, &nothing, &err) != VONK_OK) die(sql, &err);
        vonk_buf_done(&nothing);
    }
}

/* What is there before a scenario writes: nothing for mode error, else a few rows in the same partitions. */
static void fill_folder(trial *t)
{
    write_form form;
    vonk_error err = VONK_ERROR_INIT;
    if (!write_form_of(t->of->settings, &form)) return;
    scratch = folder_make();
    form.mode = vonk_str_is(form.mode, "error") ? VONK_STR_NONE : VONK_STR("overwrite");
    if (form.mode.len > 0 && run_write(t->session, &form, VONK_STR("SELECT id, k, s FROM numbers WHERE id < 7"), &err))
        die("before writing", &err);
    folder_keep();
    t->folder_before = folder_describe();
    vonk_buf none = {0};
    vonk_buf_init(&none, vonk_budget_root(), SIZE_MAX);
    if (run(t->session, t->of, &none, &err) != VONK_OK) die("writing", &err);
    t->folder_after = folder_describe();
    if (strcmp(t->folder_before, t->folder_after) == 0) die("nothing was written", NULL);
    vonk_buf_done(&none);
}

static void empty_folder(trial *t)
{
    if (t->folder_after) folder_remove();
    free(t->folder_before);
    free(t->folder_after);
}

static vonk_status first_run(trial *t, vonk_error *err)
{
    if (t->folder_after) return VONK_OK;
    return run_it(t->session, t->of, &t->answer, err);
}

static void learn(trial *t)
{
    vonk_error err = VONK_ERROR_INIT;
    fill_folder(t);
    vonk_buf_init(&t->answer, vonk_budget_root(), SIZE_MAX);
    vonk_status status = first_run(t, &err);
    bool wanted = strstr(t->of->settings, "error=");
    if (wanted != (status != VONK_OK)) die(t->of->name, &err);
    if (wanted && !strstr(t->of->settings, vonk_error_condition(&err))) die("another error", &err);
    if (wanted) {
        vonk_buf_reset(&t->answer);
        vonk_error_reset(&err);
        if (run(t->session, t->of, &t->answer, &err) != VONK_OK) die(t->of->name, &err);
    }
    forget_ids(t, &t->answer);
    t->used = vonk_budget_used(vonk_session_budget(t->session));
    for (int kind = 0; kind < VONK_N_FAULT; kind++) vonk_fault_arm((vonk_fault)kind, -1);
    run_clean(t, "nothing", 0);
    for (int kind = 0; kind < VONK_N_FAULT; kind++) t->n_points[kind] = vonk_fault_seen((vonk_fault)kind);
}

int main(int argc, char **argv)
{
    const char *text = getenv("VONK_FAULT_STRIDE");
    long stride = text ? strtol(text, NULL, 10) : 1;
    trial t = {0};
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios && argc == 2; i++)
        if (strcmp(scenarios[i].name, argv[1]) == 0) t.of = &scenarios[i];
    if (!t.of || stride < 1) die("usage: faults SCENARIO (names are in scenarios.def)", NULL);
    signal(SIGALRM, too_late);
    open_all(&t);
    learn(&t);
    if (t.n_points[VONK_FAULT_ALLOC] == 0) die("no point was passed: this build has no fault injection", NULL);
    for (int kind = 0; kind < VONK_N_FAULT; kind++) {
        if (!kinds[kind]) continue;
        for (int64_t at = 0; at < t.n_points[kind]; at += stride) {
            run_failing(&t, (vonk_fault)kind, at);
            check_memory(&t, (vonk_fault)kind, at);
            if (at / stride % 16 == 0) run_clean(&t, kinds[kind], at);
        }
    }
    run_clean(&t, "the last point", 0);
    printf("%s: %ld runs, %ld of them ended with an error\n", t.of->name, t.n_runs, t.n_errors);
    empty_folder(&t);
    vonk_session_unref(t.session);
    vonk_engine_free(t.engine);
    vonk_buf_done(&t.answer);
    return t.n_errors > 0 ? 0 : 1;
}
