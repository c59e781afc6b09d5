/* Runs the example of every function row: parsed, analysed, evaluated, printed, compared. Rows of windows, aggregates
 * and generators are analysed only: exec's tests run them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "func/cast.h"
#include "plan/program.h"
#include "sql/sql.h"

typedef struct fixture {
    vonk_budget *budget;
    vonk_shared_catalog *shared;
    vonk_catalog *catalog;
    const vonk_conf *conf;
    vonk_fn_env env;
    vonk_analyzer analyzer;
    const vonk_plan *input;
} fixture;

static vonk_status open_all(fixture *f, vonk_error *err)
{
    VONK_TRY(vonk_budget_new(vonk_budget_root(), "examples", VONK_NO_LIMIT, &f->budget, err));
    VONK_TRY(vonk_shared_catalog_new(f->budget, VONK_STR("warehouse"), &f->shared, err));
    VONK_TRY(vonk_catalog_new(f->budget, f->shared, &f->catalog, err));
    const vonk_conf *defaults = NULL;
    VONK_TRY(vonk_conf_new(f->budget, &defaults, err));
    vonk_status st = vonk_conf_with(f->budget, defaults, VONK_STR("spark.sql.session.timeZone"),
                                    VONK_STR("America/Los_Angeles"), &f->conf, err);
    vonk_conf_unref(defaults);
    VONK_TRY(st);
    vonk_conf_fn_env(f->conf, INT64_C(1600000000000000), &f->env);
    f->analyzer = (vonk_analyzer){.budget = f->budget, .catalog = f->catalog, .conf = f->conf, .env = &f->env};
    vonk_plan *p = NULL;
    VONK_TRY(vonk_plan_new(f->budget, VONK_PN_ONE_ROW, NULL, 0, &p, err));
    return vonk_plan_finish(p, &f->input, err);
}

static vonk_status run(const fixture *f, const vonk_expr *resolved, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    VONK_TRY(vonk_program_fold(f->budget, &f->env, resolved, &value, err));
    if (vonk_column_is_null(value, 0)) return vonk_buf_add_c(out, "NULL", err);
    return vonk_cast_row_text(&f->env, value, 0, out, err);
}

static bool runs_here(const vonk_expr *e)
{
    return !vonk_expr_has_aggregate(e) && !vonk_expr_has_window(e) && !vonk_expr_has_generator(e) &&
           !vonk_expr_contains(e, VONK_EX_SUBQUERY);
}

/* An aggregate with its rows: "sum(col) FROM VALUES ..." is analysed as a query. */
static vonk_status analyse_query(const fixture *f, const char *sql, vonk_error *err)
{
    const vonk_plan *parsed = NULL, *resolved = NULL;
    VONK_TRY(vonk_sql_parse(f->budget, f->conf, vonk_str_of(VONK_F("SELECT %s", sql)), NULL, &parsed, err));
    vonk_status st = vonk_analyze(&f->analyzer, parsed, &resolved, err);
    vonk_plan_unref(parsed);
    if (st == VONK_OK) vonk_plan_unref(resolved);
    return st;
}

static vonk_status example(const fixture *f, const char *sql, vonk_buf *out, bool *ret_ran, vonk_error *err)
{
    const vonk_expr *parsed = NULL, *resolved = NULL;
    *ret_ran = false;
    if (strstr(sql, " FROM VALUES ")) return analyse_query(f, sql, err);
    VONK_TRY(vonk_sql_parse_expr(f->budget, f->conf, vonk_str_of(sql), &parsed, err));
    vonk_status st = vonk_analyze_expr(&f->analyzer, parsed, f->input, &resolved, err);
    vonk_expr_unref(parsed);
    if (st != VONK_OK) return st;
    *ret_ran = runs_here(resolved);
    if (*ret_ran) st = run(f, resolved, out, err);
    vonk_expr_unref(resolved);
    return st;
}

static bool check(const fixture *f, const vonk_fn *fn)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    bool ran, good = true;
    if (!fn->example || !fn->expect || !fn->doc || !fn->group) {
        print_error("%s: example, expect, doc or group is missing\n", fn->name);
        return false;
    }
    vonk_buf_init(&out, f->budget, SIZE_MAX);
    vonk_status st = example(f, fn->example, &out, &ran, &err);
    bool wants_error = fn->expect[0] == '!';
    if (wants_error) {
        good = st != VONK_OK && strcmp(vonk_error_condition(&err), fn->expect + 1) == 0;
    } else if (st == VONK_OK && ran) {
        good = fn->expect[0] == 0 || vonk_str_is(vonk_buf_str(&out), fn->expect); /* empty: not written yet */
    } else {
        good = st == VONK_OK;
    }
    if (!good)
        print_error("%s: %s gives %.*s%s, not %s\n", fn->name, fn->example, (int)out.len, out.data ? out.data : "",
                    st != VONK_OK ? vonk_error_message(&err) : "", fn->expect);
    vonk_error_reset(&err);
    return good;
}

static void every_example_gives_what_its_row_says(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    fixture f = {0};
    size_t bad = 0, n = 0;
    const vonk_fn *fn;
    if (open_all(&f, &err) != VONK_OK) fail_msg("%s", vonk_error_message(&err));
    for (size_t at = 0; (fn = vonk_fn_next(&at)); n++) bad += !check(&f, fn);
    vonk_plan_unref(f.input);
    vonk_catalog_free(f.catalog);
    vonk_shared_catalog_free(f.shared);
    vonk_conf_unref(f.conf);
    vonk_budget_free(f.budget);
    print_message("%zu functions\n", n);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_example_gives_what_its_row_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
