/* cmd/sql.c -- `vonk sql`: -e text, -f file, or a shell. */
#include "cmd/sql.h"

#include <stdio.h>
#include <string.h>

#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/files.h"
#include "sys/env.h"

#define MAX_SCRIPT_BYTES (256 << 20)

vonk_status vonk__sql_run(vonk__sql *sql, vonk_str statement, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    int64_t rows = 0;
    const int64_t start = vonk_clock_mono_ns();

    (void)vonk_interrupts_take(); /* one that came before is not meant for this */
    VONK_TRY(vonk_session_parse(sql->session, statement, &plan, err));
    VONK_TRY(vonk_session_execute(sql->session, plan, &query, err));
    if (sql->output == VONK__SQL_TEST) return vonk__sql_test_print(query, &rows, err);
    VONK_TRY(vonk__sql_print(sql, query, &rows, err));
    if (sql->interactive)
        fprintf(stderr, "%lld row%s in %.3f s\n", (long long)rows, rows == 1 ? "" : "s",
                (double)(vonk_clock_mono_ns() - start) / 1e9);
    return VONK_OK;
}

/* Test form: a line ";" ends a statement, so that texts no parser takes can be given; errors are answers. */
static void run_tests(vonk__sql *sql, vonk_str text)
{
    while (text.len > 0) {
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        const size_t end = vonk_min_size(vonk_str_find(text, VONK_STR("\n;\n"), 0), text.len);

        if (vonk__sql_run(sql, vonk_str_sub(text, 0, end), &err) != VONK_OK) vonk__sql_test_error(&err);
        puts(";");
        fflush(stdout);
        text = vonk_str_sub(text, vonk_min_size(end + 3, text.len), text.len);
    }
}

/* Every statement of a script; the first error ends it. */
static vonk_status run_script(vonk__sql *sql, vonk_str text, vonk_error *err)
{
    if (sql->output == VONK__SQL_TEST) {
        run_tests(sql, text);
        return VONK_OK;
    }
    while (text.len > 0) {
        const size_t end = vonk_session_statement_end(text);
        const vonk_str statement = vonk_str_trim(vonk_str_sub(text, 0, end));
        text = vonk_str_sub(text, end, text.len);
        if (statement.len == 0 || vonk_str_is(statement, ";")) continue;
        const vonk_status status = vonk__sql_run(sql, statement, err);
        if (status == VONK_E_PARSE_EMPTY_STATEMENT) /* only comments */
            vonk_error_reset(err);
        else
            VONK_TRY(status);
    }
    return VONK_OK;
}

static vonk_status run_file(vonk__sql *sql, const char *path, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, vonk_budget_root(), MAX_SCRIPT_BYTES);
    VONK_TRY(vonk_file_read_all(vonk_str_of(path), MAX_SCRIPT_BYTES, &text, err));
    return run_script(sql, vonk_buf_str(&text), err);
}

typedef struct sql_flags {
    const char *text, *file, *output, *types;
    vonk__settings settings;
} sql_flags;

static vonk_status run(const sql_flags *f, vonk__sql *sql, int *ret_status, vonk_error *err)
{
    VONK_AUTO(vonk_engine_free) vonk_engine *engine = NULL;
    VONK_AUTO(vonk_session_unref) vonk_session *session = NULL;

    VONK_TRY(vonk__engine_start(&f->settings, &engine, err));
    VONK_TRY(vonk_session_new(engine, vonk_env_user_name(), &session, err));
    sql->session = session;
    if (f->text) VONK_TRY(run_script(sql, vonk_str_of(f->text), err));
    if (f->file) VONK_TRY(run_file(sql, f->file, err));
    if (!f->text && !f->file) *ret_status = vonk__sql_shell(sql);
    return VONK_OK;
}

int vonk__cmd_sql(int argc, char **argv)
{
    static const char *const names[] = {"table", "csv", "json", "test"};
    sql_flags f = {.output = "table"};
    vonk__sql sql = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    int status = 0;
    const vonk__flag flags[] = {
        {"-e", "SQL", "run this text", &f.text, NULL},
        {"-f", "FILE", "run this file", &f.file, NULL},
        {"--output", "FORM", "table, csv, json or test (table)", &f.output, NULL},
        {"--types", NULL, "csv: header cells are name:type", &f.types, NULL},
        {"--memory", "BYTES", "budget, as 2g or 512m (60 % of the machine's)", &f.settings.memory, NULL},
        {"--threads", "N", "that run queries (all cores)", &f.settings.threads, NULL},
        {"--spill-dir", "DIR", "for spill files ($TMPDIR or /tmp)", &f.settings.spill_dir, NULL},
        {"--warehouse-dir", "DIR", "for tables (spark-warehouse)", &f.settings.warehouse_dir, NULL},
        {"--conf", "KEY=VALUE", "a setting; may be repeated", f.settings.conf, &f.settings.n_conf},
        {"--properties-file", "FILE", "instead of spark-defaults.conf", &f.settings.properties_file, NULL},
    };

    if (!vonk__flags_read("sql [FLAGS]", flags, VONK_COUNTOF(flags), argc, argv, &status)) return status;
    size_t form = 0;
    while (form < VONK_COUNTOF(names) && strcmp(names[form], f.output) != 0) form++;
    if (form == VONK_COUNTOF(names)) {
        fprintf(stderr, "vonk: no output form '%s'\n", f.output);
        return 2;
    }
    sql.output = (vonk__sql_output)form;
    sql.types = f.types != NULL;
    sql.interactive = !f.text && !f.file && vonk_env_is_terminal(0);
    if (run(&f, &sql, &status, &err) == VONK_OK) return status;
    vonk__error_print(&err);
    return 1;
}
