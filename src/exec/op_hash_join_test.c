/* Tests of P_HASH_JOIN: random relations against nested loops, in exact order; all join types, build sides, kinds of
 * keys and tables, with and without a residual condition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exec/join_case.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keys_of_any_type),
        cmocka_unit_test(tables_of_all_kinds),
        cmocka_unit_test(large_build_side),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    case_over();
    return failed;
}
