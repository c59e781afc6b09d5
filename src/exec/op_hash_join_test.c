/* Tests of P_HASH_JOIN: random relations against nested loops, in exact order; all join types, build sides, kinds of
 * keys and tables, with and without a residual condition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exec/join_case.h"
#include "sys/clock.h"

/* ---- tests */

static void random_keys_of_any_type(void **state)
{
    static const char *const keys[][3] = {{"int"},
                                          {"bigint"},
                                          {"string"},
                                          {"double"},
                                          {"decimal(38,3)"},
                                          {"boolean"},
                                          {"date"},
                                          {"tinyint", "smallint"},
                                          {"bigint", "bigint"},
                                          {"string", "int"},
                                          {"float", "boolean"},
                                          {"decimal(9,2)", "date", "int"},
                                          {"struct<a:int,b:string>"},
                                          {"string collate UTF8_BINARY_RTRIM"},
                                          {"void"},
                                          {"binary", "timestamp"},
                                          {"array<string>"}};
    for (uint32_t round = 0; round < 3; round++)
        for (size_t i = 0; i < VONK_COUNTOF(keys); i++) {
            uint32_t n_keys = 0;
            while (n_keys < 3 && keys[i][n_keys]) n_keys++;
            case_begin();
            unsigned nulls = random_below(3);
            check_all_types(relation_of(keys[i], n_keys, random_below(60), nulls),
                            relation_of(keys[i], n_keys, random_below(60), nulls ? random_below(3) : 0), false);
            join_case_end();
        }
}

static void random_keys_on_disk(void **state)
{
    static const char *const keys[][2] = {
        {"int"}, {"string"}, {"double"}, {"bigint", "string"}, {"boolean", "struct<a:int,b:string>"}, {"void"}};
    for (uint32_t round = 0; round < 2; round++)
        for (size_t i = 0; i < VONK_COUNTOF(keys); i++) {
            uint32_t n_keys = keys[i][1] ? 2 : 1, left = random_below(200), right = random_below(200);
            case_begin();
            if (round == 1 && i < 2) *(i == 0 ? &left : &right) = 0;
            check_all_types_spilled(relation_of(keys[i], n_keys, left, round),
                                    relation_of(keys[i], n_keys, right, round), false);
            join_case_end();
        }
}

/* Each shape of keys leads to another kind of table. */
static void tables_of_all_kinds(void **state)
{
    enum { N = 100 };
    for (uint32_t shape = 0; shape < 7; shape++) {
        int64_t left[N], right[N];
        for (uint32_t i = 0; i < N; i++) {
            static const int64_t starts[] = {0, -50, INT64_MIN, INT64_MAX - 5000};
            int64_t start = starts[shape % 4];
            switch (shape) {
            case 0: right[i] = start + i; break;                 /* a range */
            case 1: right[i] = start + i * 7; break;             /* ascending with gaps */
            case 2: right[i] = start + (i * 37) % N; break;      /* in another order */
            case 3: right[i] = start + random_below(30); break;  /* several rows a key */
            case 4: right[i] = (int64_t)vonk_hash_mix(i); break; /* far apart */
            case 5: right[i] = (int64_t)vonk_hash_mix(i / 3); break;
            default: right[i] = i & 1 ? INT64_MIN : INT64_MAX - i; break; /* the whole range */
            }
            left[i] = random_below(4) ? right[random_below(i + 1)] : start + random_below(200);
        }
        case_begin();
        check_all_types(relation_of_longs(left, N), relation_of_longs(right, N), false);
        join_case_end();
    }
}

/* Many rows: the table is made by steps. Key of row i of either side: mix(i % 50000). */
static void large_build_side(void **state)
{
    enum { BUILD = 300000, PROBE = 200000, KEYS = 50000 };
    for (uint32_t shape = 0; shape < 3; shape++) {
        VONK_VEC(int64_t) keys = {0};
        case_begin();
        OK(vonk_alloc_array(case_budget, BUILD, sizeof(int64_t), &keys.at, err));
        for (uint32_t i = 0; i < BUILD; i++)
            keys.at[i] = shape == 0   ? (int64_t)vonk_hash_mix(i % KEYS)
                         : shape == 1 ? i % KEYS
                                      : (int64_t)vonk_hash_mix(i);
        relation build = relation_of_longs(keys.at, BUILD);
        for (uint32_t i = 0; i < PROBE; i++) keys.at[i] = shape == 1 ? i : (int64_t)vonk_hash_mix(i);
        relation probe = relation_of_longs(keys.at, PROBE);
        vonk_free(keys.at);
        join_case c = {.type = VONK_JOIN_INNER, .left = probe, .right = build};
        const vonk_plan *sides[2] = {case_local(probe.rows, 4096), case_local(build.rows, 4096)};
        const vonk_expr *key = case_bound(0, &vonk_type_long);
        vonk_plan *p = case_node(VONK_PN_P_HASH_JOIN, sides, 2);
        OK(vonk_plan_set_list(p, 0, &key, 1, err));
        OK(vonk_plan_set_list(p, 1, &key, 1, err));
        p->join.type = c.type;
        case_result r = case_rows(case_done(p), (case_run){1u << shape, 4096, 0});
        if (r.st != VONK_OK) fail_msg("%s", vonk_error_message(&r.err));
        uint32_t each = shape == 2 ? 1 : BUILD / KEYS, matching = shape == 2 ? PROBE : KEYS;
        assert_int_equal(r.rows->n_rows, matching * each);
        for (uint32_t i = 0; i < r.rows->n_rows; i++) {
            assert_int_equal(vonk_column_i64(r.rows->columns[1], i), i / each);
            assert_int_equal(vonk_column_i64(r.rows->columns[4], i), i / each + (i % each) * KEYS);
        }
        case_drop(&r);
        vonk_batch_unref(probe.rows);
        vonk_batch_unref(build.rows);
        join_case_end();
    }
}

/* ---- less memory than the build side needs */

enum { ON_DISK_BUILD = 200000, ON_DISK_PROBE = 100000, ON_DISK_KEYS = 50000 };

static void check_order(const vonk_batch *b, uint64_t first, void *arg)
{
    const uint32_t each = ON_DISK_BUILD / ON_DISK_KEYS;
    for (uint32_t k = 0; k < b->n_rows; k++) {
        uint64_t row = first + k;
        assert_int_equal(vonk_column_i64(b->columns[1], k), row / each);
        assert_int_equal(vonk_column_i64(b->columns[4], k), row / each + row % each * ON_DISK_KEYS);
    }
}

static const vonk_plan *long_join(relation probe, relation build, vonk_join_type type)
{
    const vonk_plan *sides[2] = {case_local(probe.rows, 4096), case_local(build.rows, 4096)};
    const vonk_expr *key = case_bound(0, &vonk_type_long);
    vonk_plan *p = case_node(VONK_PN_P_HASH_JOIN, sides, 2);
    OK(vonk_plan_set_list(p, 0, &key, 1, err));
    OK(vonk_plan_set_list(p, 1, &key, 1, err));
    p->join.type = type;
    return case_done(p);
}

/* Probe rows 0 .. KEYS - 1 find four build rows each, the others none. */
static void little_memory(void **state)
{
    static const case_run tight[] = {{1, 4096, 6 << 20}, {2, 4096, 4 << 20}, {8, 4096, 8 << 20}};
    VONK_VEC(int64_t) keys = {0};
    case_begin();
    OK(vonk_alloc_array(case_budget, ON_DISK_BUILD, sizeof(int64_t), &keys.at, err));
    for (uint32_t i = 0; i < ON_DISK_BUILD; i++) keys.at[i] = (int64_t)vonk_hash_mix(i % ON_DISK_KEYS);
    relation build = relation_of_longs(keys.at, ON_DISK_BUILD);
    for (uint32_t i = 0; i < ON_DISK_PROBE; i++) keys.at[i] = (int64_t)vonk_hash_mix(i);
    relation probe = relation_of_longs(keys.at, ON_DISK_PROBE);
    vonk_free(keys.at);
    const vonk_plan *plan = long_join(probe, build, VONK_JOIN_INNER);
    for (uint32_t i = 0; i < VONK_COUNTOF(tight); i++) {
        join_stream r = join_run(plan, tight[i], check_order, NULL);
        if (r.st != VONK_OK) fail_msg("%s", r.metrics);
        assert_int_equal(r.n_rows, ON_DISK_BUILD);
        assert_true(r.spilled > 0);
        assert_non_null(strstr(r.metrics, "table: on disk"));
    }
    vonk_batch_unref(probe.rows);
    vonk_batch_unref(build.rows);
    join_case_end();
}

/* All build rows have one key: they are joined in many rounds, which more than one pass of merging brings in order. */
enum { SKEWED_PROBE = 60 };

static void check_skewed(const vonk_batch *b, uint64_t first, void *arg)
{
    uint64_t each = *(const uint32_t *)arg;
    for (uint32_t k = 0; k < b->n_rows; k++) {
        uint64_t row = first + k;
        bool left = row / each == SKEWED_PROBE; /* the last probe row has another key */
        assert_int_equal(vonk_column_i64(b->columns[1], k), row / each);
        assert_int_equal(vonk_column_is_null(b->columns[4], k), left);
        if (!left) assert_int_equal(vonk_column_i64(b->columns[4], k), row % each);
    }
}

static void skewed_keys(void **state)
{
    static const struct {
        case_run how;
        uint32_t n_build;
        const char *force;
    } cases[] = {{{1, 4096, 0}, 9000, "true"}, {{8, 16, 0}, 3000, "true"}, {{2, 4096, 2 << 20}, 30000, "false"}};
    for (uint32_t i = 0; i < VONK_COUNTOF(cases); i++) {
        uint32_t n = cases[i].n_build;
        int64_t *keys = NULL;
        case_begin();
        OK(vonk_alloc_zeroed(case_budget, n * sizeof(int64_t), &keys, err));
        relation build = relation_of_longs(keys, n);
        keys[SKEWED_PROBE] = 1;
        relation probe = relation_of_longs(keys, SKEWED_PROBE + 1);
        vonk_free(keys);
        case_set("vonk.test.forceSpill", cases[i].force);
        join_stream r = join_run(long_join(probe, build, VONK_JOIN_LEFT), cases[i].how, check_skewed, &n);
        case_set("vonk.test.forceSpill", "false");
        if (r.st != VONK_OK) fail_msg("%s", r.metrics);
        assert_int_equal(r.n_rows, (uint64_t)n * SKEWED_PROBE + 1);
        assert_true(r.spilled > 0);
        vonk_batch_unref(probe.rows);
        vonk_batch_unref(build.rows);
        join_case_end();
    }
}

/* ---- cancel: 300000 x 300000 pairs of one key, in memory and on disk; none goes out */

static const vonk_plan *one_key(relation rows, uint32_t side)
{
    const vonk_plan *sides[2] = {case_local(rows.rows, 4096), case_local(rows.rows, 4096)};
    const vonk_expr *key = case_bound(0, &vonk_type_long);
    const vonk_expr *sum = case_call("+", case_bound(1, &vonk_type_long), case_bound(4, &vonk_type_long));
    const vonk_expr *none = case_call("<", sum, case_long(0));
    vonk_plan *p = case_node(VONK_PN_P_HASH_JOIN, sides, 2);
    OK(vonk_plan_set_list(p, 0, &key, 1, err));
    OK(vonk_plan_set_list(p, 1, &key, 1, err));
    OK(vonk_plan_set_list(p, 2, &none, 1, err));
    p->join.type = side == 0 ? VONK_JOIN_INNER : VONK_JOIN_ANTI;
    return case_done(p);
}

static int64_t ns_to_stop(const vonk_plan *plan, int64_t after_ms, int64_t limit)
{
    vonk_error failure = VONK_ERROR_INIT;
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    vonk_budget *query = NULL;
    OK(vonk_budget_new(case_budget, "query", limit, &query, err));
    vonk_exec_env env = {.pool = case_pool,
                         .budget = query,
                         .conf = case_conf,
                         .env = &case_env,
                         .n_threads = 2,
                         .batch_rows = 4096,
                         .spill_dir = VONK_STR("/tmp")};
    OK(vonk_exec_start(&env, plan, &exec, err));
    vonk_clock_sleep_ns(after_ms * VONK_NS_PER_MS);
    int64_t t0 = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    int64_t took = vonk_clock_mono_ns() - t0;
    vonk_error_reset(&failure);
    vonk_budget_free(query);
    return took;
}

static void skewed_join_stops_soon(void **state)
{
    enum { N = 300000, TRIES = 5 /* of a machine that has other work */ };
    static const int64_t after_ms[] = {1, 20, 100, 300};
    int64_t *keys = NULL;
    case_begin();
    OK(vonk_alloc_zeroed(case_budget, N * sizeof(int64_t), &keys, err));
    relation rows = relation_of_longs(keys, N);
    vonk_free(keys);
    for (uint32_t i = 0; i < 4 * VONK_COUNTOF(after_ms); i++) {
        const vonk_plan *plan = one_key(rows, i >> 1 & 1);
        int64_t took = INT64_MAX;
        for (uint32_t tries = 0; tries < TRIES && took >= 100 * VONK_NS_PER_MS; tries++)
            took = ns_to_stop(plan, after_ms[i / 4], i & 1 ? 12 << 20 : VONK_NO_LIMIT);
        if (took >= 100 * VONK_NS_PER_MS) fail_msg("case %u took %lld ns to stop", i, (long long)took);
    }
    vonk_batch_unref(rows.rows);
    join_case_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_of_any_type), cmocka_unit_test(random_keys_on_disk),
        cmocka_unit_test(tables_of_all_kinds),     cmocka_unit_test(large_build_side),
        cmocka_unit_test(little_memory),           cmocka_unit_test(skewed_keys),
        cmocka_unit_test(skewed_join_stops_soon),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    case_over();
    return failed;
}
