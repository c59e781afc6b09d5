/* Tests of python/protocol.c: requests byte by byte, as the worker.py of each version reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "python/task.h"

#define OK(call) assert_int_equal((call), VONK_OK)
/* A text with its length, and numbers: pieces of what is expected. */
#define N(a) "\0\0\0" a
#define MINUS_1 "\xff\xff\xff\xff"
#define TASK N("\x03") N("\x07") N("\x01") "\0\0\0\x01\x2a\x05\xf2\0" N("\x02") N("\0")
#define PROPERTIES N("\x01") N("\x01") "k" N("\x02") "\"v"
#define FILES                                                                                                          \
    N("\x02")                                                                                                          \
    "/f" N("\x01") N("\x04") "a.py"                                                                                    \
                             "\0" N("\x02") "\xff\xff\xff\xff\xff\xff\xff\xfb"                                         \
                                            "\0\0\0\0\0\0\0\x06" N("\x02") "/b"
#define JSON_END ",\"resources\":{},\"localProperties\":{\"k\":\"\\\"v\"}}"
#define HEAD N("\x07") N("\x04") "3.11"

static vonk_error err;
static const vonk_py_pair property = {VONK_STR("k"), VONK_STR("\"v")};
static const vonk_str include = VONK_STR("a.py");
static const vonk_py_broadcast broadcasts[] = {{-5, VONK_STR("")}, {6, VONK_STR("/b")}};
static const vonk_py_pair runner_conf[] = {{VONK_STR("tz"), VONK_STR("UTC")},
                                           {VONK_STR("spark.sql.pyspark.udf.profiler"), VONK_STR("perf")}};
static const vonk_py_pair eval_conf[] = {{VONK_STR("input_type"), VONK_STR("{}")},
                                         {VONK_STR("table_arg_offsets"), VONK_STR("0,2")}};

static vonk_py_request request_of(vonk_py_eval eval)
{
    return (vonk_py_request){.eval = eval,
                             .python_version = VONK_STR("3.11"),
                             .stage = 3,
                             .partition = 7,
                             .attempt = 1,
                             .cpus = 2,
                             .task_id = 0x12a05f200,
                             .properties = &property,
                             .n_properties = 1,
                             .files_folder = VONK_STR("/f"),
                             .includes = &include,
                             .n_includes = 1,
                             .broadcasts = broadcasts,
                             .n_broadcasts = 2,
                             .command = VONK_STR("cmd")};
}

static void assert_bytes(vonk_py_version version, const vonk_py_request *request, const char *expected, size_t n)
{
    vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    OK(vonk_py_request_encode(version, request, &out, &err));
    assert_int_equal(out.len, n);
    assert_memory_equal(out.data, expected, n);
    vonk_buf_done(&out);
}
#define ASSERT_BYTES(version, request, literal) assert_bytes((version), (request), (literal), sizeof(literal) - 1)

static void a_plain_function(void **state)
{
    const vonk_py_request r = request_of(VONK_PY_PLAIN);
    ASSERT_BYTES(VONK_PY_4_0, &r, HEAD "\0" N("\0") N("\0") TASK PROPERTIES FILES N("\0") N("\x03") "cmd");
    ASSERT_BYTES(VONK_PY_4_1, &r, HEAD "\0" TASK PROPERTIES FILES N("\0") N("\x03") "cmd");
}

/* Versions with JSON: lengths are looked at, then what lies between. */
static void json_versions(void **state)
{
    static const char tail[] = FILES N("\0") N("\0") N("\0") N("\x03") "cmd";
    const vonk_py_request r = request_of(VONK_PY_PLAIN);
    for (vonk_py_version version = VONK_PY_4_2; version <= VONK_PY_4_3; version++) {
        vonk_buf out = {0};
        char json[512];
        vonk_format(json, sizeof json, "%s%s%s",
                    "{\"isBarrier\":false,\"connInfo\":-1,\"secret\":null,\"stageId\":3,"
                    "\"partitionId\":7,\"attemptNumber\":1,\"taskAttemptId\":5000000000,\"cpus\":2",
                    version == VONK_PY_4_3 ? ",\"cpuAmount\":\"2\"" : "", JSON_END);
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        OK(vonk_py_request_encode(version, &r, &out, &err));
        const char *at = out.data;
        const size_t rest = strlen("....") + sizeof(HEAD) - 1 + strlen(json) + sizeof tail - 1;
        if (version == VONK_PY_4_3) {
            assert_memory_equal(at, "\xff\xff\xff\xf8", 4);
            assert_int_equal((unsigned char)at[6] << 8 | (unsigned char)at[7], rest);
            at += 8;
        }
        assert_int_equal(out.data + out.len - at, rest);
        assert_memory_equal(at, HEAD, sizeof(HEAD) - 1);
        at += sizeof(HEAD) - 1;
        assert_int_equal((unsigned char)at[2] << 8 | (unsigned char)at[3], strlen(json));
        assert_memory_equal(at + 4, json, strlen(json));
        assert_memory_equal(at + 4 + strlen(json), tail, sizeof tail - 1);
        vonk_buf_done(&out);
    }
}

/* Part of a core: workers of 4.3 hear it beside the number of cores. */
static void a_share_of_a_core(void **state)
{
    static const char *const names[] = {"\"cpus\":2,\"resources\"", "\"cpus\":2,\"cpuAmount\":\"1.5\",\"resources\""};
    vonk_py_request r = request_of(VONK_PY_PLAIN);
    r.cpu_amount = VONK_STR("1.5");
    for (uint32_t i = 0; i < 2; i++) {
        vonk_buf out = {0};
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        OK(vonk_py_request_encode(i ? VONK_PY_4_3 : VONK_PY_4_2, &r, &out, &err));
        assert_true(vonk_str_find(vonk_buf_str(&out), vonk_str_of(names[i]), 0) != SIZE_MAX);
        vonk_buf_done(&out);
    }
}

static void functions_and_their_settings(void **state)
{
    const vonk_py_arg args[] = {{0, VONK_STR("")}, {1, VONK_STR("x")}};
    const vonk_str commands[] = {VONK_STR("g"), VONK_STR("f")};
    const vonk_py_udf udf = {.args = args, .n_args = 2, .commands = commands, .n_commands = 2, .result_id = 9};
    vonk_py_request r = request_of(VONK_PY_ARROW_BATCHED_UDF);
    r.n_properties = r.n_broadcasts = 0;
    r.udfs = &udf;
    r.n_udfs = 1;
    r.runner_conf = runner_conf;
    r.eval_conf = eval_conf;
    r.n_runner_conf = r.n_eval_conf = 1;
#define PLAIN_FILES                                                                                                    \
    N("\x02")                                                                                                          \
    "/f" N("\x01") N("\x04") "a.py"                                                                                    \
                             "\0" N("\0")
#define CONF N("\x01") N("\x02") "tz" N("\x03") "UTC"
#define UDF N("\x01") N("\x02") N("\0") "\0" N("\x01") "\x01" N("\x01") "x" N("\x02") N("\x01") "g" N("\x01") "f"
    ASSERT_BYTES(VONK_PY_4_0, &r, HEAD "\0" N("\0") N("\0") TASK N("\0") PLAIN_FILES N("\x65") CONF "\0" UDF);
    ASSERT_BYTES(VONK_PY_4_1, &r,
                 HEAD "\0" TASK N("\0") PLAIN_FILES N("\x65") CONF N("\x02") "{}"
                                                                             "\0" UDF);
    /* With a profiler its name comes first, and a number behind each function. */
    r.n_runner_conf = 2;
    ASSERT_BYTES(VONK_PY_4_1, &r,
                 HEAD "\0" TASK N("\0") PLAIN_FILES N("\x65") CONF N("\x02") "{}"
                                                                             "\x01" N("\x04") "perf" UDF
                                                                                              "\0\0\0\0\0\0\0\x09");
    /* Plain UDFs have no settings; some eval types know no names of arguments. */
    r.eval = VONK_PY_BATCHED_UDF;
    r.n_runner_conf = 1;
    ASSERT_BYTES(VONK_PY_4_0, &r, HEAD "\0" N("\0") N("\0") TASK N("\0") PLAIN_FILES N("\x64") "\0" UDF);
    r.eval = VONK_PY_MAP_ARROW_ITER_UDF;
    ASSERT_BYTES(VONK_PY_4_1, &r,
                 HEAD "\0" TASK N("\0") PLAIN_FILES "\0\0\0\xcf" CONF "\0" N("\x01") N("\x02") N("\0") N("\x01")
                     N("\x02") N("\x01") "g" N("\x01") "f");
}

static void table_functions(void **state)
{
    const int32_t columns[] = {1};
    const vonk_py_udtf udtf = {.partition_columns = columns,
                               .n_partition_columns = 1,
                               .handler = VONK_STR("h"),
                               .return_type = VONK_STR("t"),
                               .name = VONK_STR("n")};
    vonk_py_request r = request_of(VONK_PY_ARROW_UDTF);
    r.n_properties = r.n_broadcasts = 0;
    r.udtf = &udtf;
    r.eval_conf = eval_conf;
    r.n_eval_conf = 2;
#define UDTF N("\0") N("\x01") N("\x01") "\0" N("\x01") "h" N("\x01") "t" N("\x01") "n"
    ASSERT_BYTES(VONK_PY_4_1, &r,
                 HEAD "\0" TASK N("\0") PLAIN_FILES "\0\0\x01\x2e" N("\0") N("\x02") N("\0") N("\x02") UDTF);
    r.eval = VONK_PY_TABLE_UDF;
    ASSERT_BYTES(VONK_PY_4_0, &r, HEAD "\0" N("\0") N("\0") TASK N("\0") PLAIN_FILES "\0\0\x01\x2c" UDTF);
}

static void barriers(void **state)
{
    vonk_py_request r = request_of(VONK_PY_PLAIN);
    r.n_properties = r.n_broadcasts = 0;
    r.barrier = true;
    r.barrier_socket = VONK_STR("4660");
    r.barrier_secret = VONK_STR("s");
    ASSERT_BYTES(VONK_PY_4_0, &r,
                 HEAD "\x01\0\0\x12\x34" N("\x01") "s" TASK N("\0") PLAIN_FILES N("\0") N("\x03") "cmd");
    r.barrier_socket = VONK_STR("/s");
    r.barrier_secret = VONK_STR_NONE;
    ASSERT_BYTES(VONK_PY_4_1, &r, HEAD "\x01" MINUS_1 N("\x02") "/s" TASK N("\0") PLAIN_FILES N("\0") N("\x03") "cmd");
}

static void what_a_version_does_not_know(void **state)
{
    static const struct {
        vonk_py_version version;
        vonk_py_eval eval;
    } cases[] = {{VONK_PY_4_0, VONK_PY_SCALAR_ARROW_UDF},
                 {VONK_PY_4_0, VONK_PY_ARROW_UDTF},
                 {VONK_PY_4_1, VONK_PY_GROUPED_AGG_ARROW_ITER_UDF},
                 {VONK_PY_4_1, VONK_PY_GROUPED_AGG_PANDAS_ITER_UDF}};
    static const vonk_py_udtf udtf = {.name = VONK_STR("n")};
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        vonk_py_request r = request_of(cases[i].eval);
        vonk_buf out = {0};
        r.udtf = &udtf;
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk_py_request_encode(cases[i].version, &r, &out, &err), VONK_E_UNSUPPORTED_FEATURE);
        vonk_error_reset(&err);
        vonk_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_function),
        cmocka_unit_test(json_versions),
        cmocka_unit_test(a_share_of_a_core),
        cmocka_unit_test(functions_and_their_settings),
        cmocka_unit_test(table_functions),
        cmocka_unit_test(barriers),
        cmocka_unit_test(what_a_version_does_not_know),
    };
    return cmocka_run_group_tests_name("python/protocol", tests, NULL, NULL);
}
