/* Tests of errors on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "serve/connect/error_status.h"

typedef struct written {
    vonk_arena *arena;
    vonk_buf message, status;
    const vonk_pb_msg *parsed, *info; /* google.rpc.Status, ErrorInfo */
} written;

static const vonk_pb_msg *parse(written *w, int message, vonk_str bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_pb_msg *m = NULL;
    if (vonk_pb_decode(&vonk_pb_connect, message, bytes, 100, w->arena, &m, &err) != VONK_OK)
        fail_msg("%s", vonk_error_message(&err));
    return m;
}

static void write_it(const vonk_error *error, const char *error_id, written *w)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf_init(&w->message, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&w->status, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &w->arena, &err), VONK_OK);
    assert_int_equal(vonk_connect_write_status(error, vonk_str_of(error_id), &w->message, &w->status, &err), VONK_OK);
    w->parsed = parse(w, PB_M_RPC_STATUS, vonk_buf_str(&w->status));
    const vonk_pb_msg *any = vonk_pb_msg_at(w->parsed, PB_RPC_STATUS_DETAILS, 0);
    assert_true(vonk_str_is(vonk_pb_str(any, PB_ANY_TYPE_URL), "type.googleapis.com/google.rpc.ErrorInfo"));
    w->info = parse(w, PB_M_RPC_ERROR_INFO, vonk_pb_str(any, PB_ANY_VALUE));
    assert_int_equal(vonk_pb_i64(w->parsed, PB_RPC_STATUS_CODE), 13);
    assert_true(vonk_str_eq(vonk_pb_str(w->parsed, PB_RPC_STATUS_MESSAGE), vonk_buf_str(&w->message)));
}

static vonk_str metadata(const written *w, const char *key)
{
    const vonk_pb_msg *entry = vonk_pb_map_find(w->info, PB_RPC_ERROR_INFO_METADATA, vonk_str_of(key));
    return vonk_pb_str(entry, PB_RPC_ERROR_INFO_METADATA_ENTRY_VALUE);
}

static void done(written *w)
{
    vonk_buf_done(&w->message);
    vonk_buf_done(&w->status);
    vonk_arena_free(w->arena);
}

static void status_has_all_that_clients_read(void **state)
{
    vonk_error error = VONK_ERROR_INIT;
    written w = {0};
    (void)VONK_FAIL(&error, VONK_E_DIVIDE_BY_ZERO, "config", "a \"quoted\"\\\n\x01 value");
    write_it(&error, "some-id", &w);
    assert_true(
        vonk_str_is(vonk_pb_str(w.info, PB_RPC_ERROR_INFO_REASON), "org.apache.spark.SparkArithmeticException"));
    assert_true(vonk_str_is(vonk_pb_str(w.info, PB_RPC_ERROR_INFO_DOMAIN), "org.apache.spark"));
    assert_true(vonk_str_is(
        metadata(&w, "classes"),
        "[\"org.apache.spark.SparkArithmeticException\",\"java.lang.ArithmeticException\","
        "\"java.lang.RuntimeException\",\"java.lang.Exception\",\"java.lang.Throwable\",\"java.lang.Object\"]"));
    assert_true(vonk_str_is(metadata(&w, "errorClass"), "DIVIDE_BY_ZERO"));
    assert_true(vonk_str_is(metadata(&w, "sqlState"), "22012"));
    assert_true(vonk_str_is(metadata(&w, "errorId"), "some-id"));
    assert_true(
        vonk_str_is(metadata(&w, "messageParameters"), "{\"config\":\"a \\\"quoted\\\"\\\\\\u000a\\u0001 value\"}"));
    assert_true(vonk_str_starts(vonk_buf_str(&w.message), VONK_STR("[DIVIDE_BY_ZERO]")));
    done(&w);
    vonk_error_reset(&error);
}

/* What does not fit the trailers is cut or left out: the client fetches it. */
static void large_errors_are_cut(void **state)
{
    static const char *const units[] = {"x", "\xe2\x82\xac", "%"};
    for (size_t u = 0; u < VONK_COUNTOF(units); u++) {
        size_t bytes = strlen(units[u]);
        char *value = malloc(30000 + 1);
        for (size_t i = 0; i < 30000; i++) value[i] = units[u][i % bytes];
        value[30000] = 0;
        vonk_error error = VONK_ERROR_INIT;
        written w = {0};
        (void)VONK_FAIL(&error, VONK_E_DIVIDE_BY_ZERO, "config", value);
        write_it(&error, "", &w);
        size_t cost = 0;
        for (size_t i = 0; i < w.message.len; i++)
            cost += (uint8_t)w.message.data[i] < 0x80 && w.message.data[i] != '%' ? 1 : 3;
        assert_in_range(cost, VONK_CONNECT_MESSAGE_BYTES - 9, VONK_CONNECT_MESSAGE_BYTES);
        assert_true(vonk_utf8_valid(vonk_buf_str(&w.message)));
        assert_int_equal(metadata(&w, "messageParameters").len, 0);
        assert_int_equal(metadata(&w, "errorId").len, 0);
        assert_true(cost + w.status.len * 4 / 3 < 8000);
        done(&w);
        vonk_error_reset(&error);
        free(value);
    }
}

static void text_that_is_not_utf8_is_repaired(void **state)
{
    vonk_error error = VONK_ERROR_INIT, err = VONK_ERROR_INIT;
    written w = {0};
    (void)VONK_FAIL(&error, VONK_E_DIVIDE_BY_ZERO, "config", "bad \xff\xfe");
    write_it(&error, "", &w);
    assert_true(vonk_str_find(metadata(&w, "messageParameters"), VONK_STR("bad \xef\xbf\xbd\xef\xbf\xbd"), 0) !=
                SIZE_MAX);
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    vonk_pb_writer writer = vonk_pb_writer_of(&vonk_pb_connect, &buf, &err);
    vonk_connect_write_details(&writer, &error);
    assert_int_equal(vonk_pb_writer_end(&writer), VONK_OK);
    parse(&w, PB_M_FETCH_ERROR_DETAILS_RESPONSE, vonk_buf_str(&buf));
    vonk_buf_done(&buf);
    done(&w);
    vonk_error_reset(&error);
}

static void details_have_contexts_and_causes(void **state)
{
    vonk_error error = VONK_ERROR_INIT, cause = VONK_ERROR_INIT, err = VONK_ERROR_INIT;
    written w = {0};
    vonk_query_context context = {.object_type = VONK_STR("VIEW"),
                                  .object_name = VONK_STR("v"),
                                  .start = 7,
                                  .stop = 9,
                                  .fragment = VONK_STR("1/0")};
    (void)VONK_FAIL(&cause, VONK_E_OPERATION_CANCELED);
    (void)VONK_FAIL(&error, VONK_E_DIVIDE_BY_ZERO, "config", "c");
    vonk_error_add_context(&error, &context);
    vonk_error_set_cause(&error, &cause);
    write_it(&error, "", &w);
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    vonk_pb_writer writer = vonk_pb_writer_of(&vonk_pb_connect, &buf, &err);
    vonk_connect_write_details(&writer, &error);
    assert_int_equal(vonk_pb_writer_end(&writer), VONK_OK);
    const vonk_pb_msg *m = parse(&w, PB_M_FETCH_ERROR_DETAILS_RESPONSE, vonk_buf_str(&buf));
    assert_true(vonk_pb_has(m, PB_FETCH_ERROR_DETAILS_RESPONSE_ROOT_ERROR_IDX));
    assert_int_equal(vonk_pb_n(m, PB_FETCH_ERROR_DETAILS_RESPONSE_ERRORS), 2);
    const vonk_pb_msg *first = vonk_pb_msg_at(m, PB_FETCH_ERROR_DETAILS_RESPONSE_ERRORS, 0);
    assert_int_equal(vonk_pb_i64(first, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_CAUSE_IDX), 1);
    const vonk_pb_msg *thrown = vonk_pb_get_msg(first, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_SPARK_THROWABLE);
    assert_true(vonk_str_is(vonk_pb_str(thrown, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_ERROR_CLASS),
                            "DIVIDE_BY_ZERO"));
    const vonk_pb_msg *c = vonk_pb_msg_at(thrown, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_QUERY_CONTEXTS, 0);
    assert_true(vonk_str_is(vonk_pb_str(c, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_FRAGMENT), "1/0"));
    assert_int_equal(vonk_pb_i64(c, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_START_INDEX), 7);
    const vonk_pb_msg *second = vonk_pb_msg_at(m, PB_FETCH_ERROR_DETAILS_RESPONSE_ERRORS, 1);
    assert_false(vonk_pb_has(second, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_CAUSE_IDX));
    assert_true(vonk_str_is(vonk_pb_str_at(second, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_ERROR_TYPE_HIERARCHY, 0),
                            "org.apache.spark.SparkSQLException"));
    vonk_buf_done(&buf);
    done(&w);
    vonk_error_reset(&error);
    vonk_error_reset(&cause);
}

/* Every family has its classes, ending as every Java class does. */
static void every_condition_has_classes(void **state)
{
    for (int cls = 1; cls < VONK_N_ERRCLASS; cls++) {
        vonk_error error = VONK_ERROR_INIT;
        (void)vonk_fail_pairs(&error, "", 0, (vonk_errclass)cls, 0, NULL, NULL);
        const char *const *classes = vonk_connect_error_classes(&error);
        size_t n = 0;
        while (classes[n]) n++;
        assert_true(n >= 4);
        assert_string_equal(classes[n - 1], "java.lang.Object");
        vonk_error_reset(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_has_all_that_clients_read),  cmocka_unit_test(large_errors_are_cut),
        cmocka_unit_test(text_that_is_not_utf8_is_repaired), cmocka_unit_test(details_have_contexts_and_causes),
        cmocka_unit_test(every_condition_has_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
