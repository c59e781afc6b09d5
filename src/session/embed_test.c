/* session/embed_test.c -- include/vonk/vonk.h as a C program uses it: contexts, settings, Arrow streams, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vonk/vonk.h"

static const vonk_context_options small = {.memory_bytes = 64 << 20, .n_threads = 2};

static vonk_context *opened(void)
{
    vonk_context *context = NULL;
    vonk_failure failure = {0};
    if (vonk_context_open(&small, &context, &failure) != 0) fail_msg("%s", failure.message);
    return context;
}

static struct ArrowArrayStream stream_of(vonk_context *context, const char *sql)
{
    struct ArrowArrayStream stream = {0};
    vonk_failure failure = {0};
    if (vonk_context_sql(context, sql, &stream, &failure) != 0) fail_msg("%s: %s", sql, failure.message);
    return stream;
}

static void gives_names_types_and_values(void **state)
{
    (void)state;
    vonk_context *context = opened();
    struct ArrowArrayStream stream =
        stream_of(context, "SELECT id, CAST(id * 2 AS INT) AS twice FROM range(3) ORDER BY id");
    struct ArrowSchema schema = {0};
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 2);
    assert_string_equal(schema.children[0]->name, "id");
    assert_string_equal(schema.children[0]->format, "l");
    assert_string_equal(schema.children[1]->name, "twice");
    assert_string_equal(schema.children[1]->format, "i");
    schema.release(&schema);
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray batch = {0};
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        if (!batch.release) break;
        const int64_t *ids = batch.children[0]->buffers[1];
        const int32_t *twice = batch.children[1]->buffers[1];
        for (int64_t i = 0; i < batch.length; i++, rows++) {
            assert_int_equal(ids[batch.children[0]->offset + i], rows);
            assert_int_equal(twice[batch.children[1]->offset + i], 2 * rows);
        }
        batch.release(&batch);
    }
    assert_int_equal(rows, 3);
    assert_null(stream.get_last_error(&stream));
    stream.release(&stream);
    assert_null(stream.release);
    vonk_context_close(context);
}

static void says_what_is_wrong_with_a_statement(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *condition, *sqlstate;
    } cases[] = {
        {"SELEKT 1", "PARSE_SYNTAX_ERROR", "42601"},
        {"SELECT nope", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703"},
        {"SELECT * FROM nope", "TABLE_OR_VIEW_NOT_FOUND", "42P01"},
        {"", "PARSE_EMPTY_STATEMENT", "42617"},
    };
    vonk_context *context = opened();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ArrowArrayStream stream = {0};
        vonk_failure failure = {0};
        assert_int_equal(vonk_context_sql(context, cases[i].sql, &stream, &failure), -1);
        assert_null(stream.release);
        assert_string_equal(failure.condition, cases[i].condition);
        assert_string_equal(failure.sqlstate, cases[i].sqlstate);
        assert_non_null(strstr(failure.message, cases[i].condition));
        assert_int_equal(vonk_context_sql(context, cases[i].sql, &stream, NULL), -1); /* the reason is not asked for */
    }
    struct ArrowArrayStream after = stream_of(context, "SELECT 1");
    after.release(&after);
    vonk_context_close(context);
}

static void tells_an_error_while_rows_come(void **state)
{
    (void)state;
    vonk_context *context = opened();
    struct ArrowArrayStream stream = stream_of(context, "SELECT 10 DIV (id - 1000) FROM range(2000)");
    struct ArrowArray batch = {0};
    int status = 0;
    while ((status = stream.get_next(&stream, &batch)) == 0 && batch.release) batch.release(&batch);
    assert_int_not_equal(status, 0);
    assert_non_null(strstr(stream.get_last_error(&stream), "DIVIDE_BY_ZERO"));
    stream.release(&stream);
    vonk_context_close(context);
}

static void keeps_settings_and_views_to_itself(void **state)
{
    (void)state;
    vonk_context *one = opened(), *two = opened();
    vonk_failure failure = {0};
    assert_int_equal(vonk_context_set(one, "spark.sql.ansi.enabled", "false", &failure), 0);
    assert_int_equal(vonk_context_set(one, "spark.sql.ansi.enabled", "perhaps", &failure), -1);
    assert_string_equal(failure.sqlstate, "22022");
    struct ArrowArrayStream stream = stream_of(one, "CREATE TEMP VIEW v AS SELECT CAST('x' AS INT) AS a");
    stream.release(&stream);
    stream = stream_of(one, "SELECT a FROM v");
    struct ArrowArray batch = {0};
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 1);
    assert_int_equal(batch.children[0]->null_count, 1);
    batch.release(&batch);
    stream.release(&stream);
    assert_int_equal(vonk_context_sql(two, "SELECT a FROM v", &stream, &failure), -1);
    assert_string_equal(failure.condition, "TABLE_OR_VIEW_NOT_FOUND");
    vonk_context_close(two);
    vonk_context_close(one);
}

static void a_stream_may_be_dropped_early(void **state)
{
    (void)state;
    vonk_context *context = opened();
    struct ArrowArrayStream stream = stream_of(context, "SELECT id, id * 2 FROM range(100000000000)");
    struct ArrowArray batch = {0};
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_non_null(batch.release);
    stream.release(&stream);
    assert_true(batch.length > 0); /* what was handed out stays */
    assert_int_equal(((const int64_t *)batch.children[0]->buffers[1])[batch.children[0]->offset], 0);
    batch.release(&batch);
    vonk_context_close(context);
    vonk_context_close(NULL);
}

static void a_budget_refuses_only_its_query(void **state)
{
    (void)state;
    vonk_context *context = opened();
    struct ArrowArrayStream stream = {0};
    vonk_failure failure = {0};
    const char *sql = "SELECT length(repeat('x', 200000000))";
    int status = vonk_context_sql(context, sql, &stream, &failure);
    if (status == 0) {
        struct ArrowArray batch = {0};
        assert_int_not_equal(stream.get_next(&stream, &batch), 0);
        assert_non_null(strstr(stream.get_last_error(&stream), "MEMORY"));
        stream.release(&stream);
    } else {
        assert_non_null(strstr(failure.condition, "MEMORY"));
    }
    stream = stream_of(context, "SELECT 1");
    stream.release(&stream);
    vonk_context_close(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_names_types_and_values),   cmocka_unit_test(says_what_is_wrong_with_a_statement),
        cmocka_unit_test(tells_an_error_while_rows_come), cmocka_unit_test(keeps_settings_and_views_to_itself),
        cmocka_unit_test(a_stream_may_be_dropped_early),  cmocka_unit_test(a_budget_refuses_only_its_query),
    };
    return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
