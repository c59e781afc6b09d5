/* Tests of P_LOOP_JOIN: random relations against plain loops, in exact order; all join types and build sides, with and
 * without a condition, empty sides, nulls; it stops when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exec/join_case.h"
#include "sys/clock.h"

static void random_relations(void **state)
{
    static const char *const columns[][2] = {{"int"}, {"string", "boolean"}, {"array<string>"}};
    for (uint32_t round = 0; round < 12; round++) {
        uint32_t i = round % VONK_COUNTOF(columns), n = columns[i][1] ? 2 : 1;
        case_begin();
        uint32_t left = round % 5 == 1 ? 0 : random_below(70), right = round % 5 == 2 ? 0 : random_below(70);
        check_all_types(relation_of(columns[i], n, left, 2), relation_of(columns[i], n, right, 2), true);
        join_case_end();
    }
}

static void random_relations_on_disk(void **state)
{
    static const char *const columns[] = {"string", "boolean"};
    for (uint32_t round = 0; round < 6; round++) {
        case_begin();
        uint32_t left = round == 1 ? 0 : random_below(200), right = round == 2 ? 0 : random_below(200);
        check_all_types_spilled(relation_of(columns, 2, left, 2), relation_of(columns, 2, right, 2), true);
        join_case_end();
    }
}

/* A scalar subquery without correlation: one row meets all, none gives nulls, two are an error. */
static void single_row(void **state)
{
    for (uint32_t n = 0; n < 3; n++) {
        const char *const types[] = {"int"};
        case_begin();
        join_case c = {.type = VONK_JOIN_SINGLE,
                       .loop = true,
                       .left = relation_of(types, 1, 40, 1),
                       .right = relation_of(types, 1, n, 1)};
        for (uint32_t i = 0; i < VONK_COUNTOF(runs); i++) check_case(&c, runs[i]);
        vonk_batch_unref(c.left.rows);
        vonk_batch_unref(c.right.rows);
        join_case_end();
    }
}

/* Both sides larger than a batch and than a morsel's share: pairs come in pieces. */
static void many_pairs(void **state)
{
    enum { LEFT = 300, RIGHT = 9000 };
    for (uint32_t i = 0; i < 3; i++) {
        const char *const types[] = {"int"};
        case_begin();
        relation left = relation_of(types, 1, LEFT, 0), right = relation_of(types, 1, RIGHT, 0);
        const vonk_plan *sides[2] = {case_local(left.rows, 128), case_local(right.rows, 4096)};
        vonk_plan *p = case_node(VONK_PN_P_LOOP_JOIN, sides, 2);
        p->join.type = i == 1 ? VONK_JOIN_CROSS : VONK_JOIN_INNER;
        case_result r = case_rows(case_done(p), (case_run){1u << i, 4096, 0});
        if (r.st != VONK_OK) fail_msg("%s", vonk_error_message(&r.err));
        assert_int_equal(r.rows->n_rows, LEFT * RIGHT);
        for (uint32_t k = 0; k < r.rows->n_rows; k += 37) {
            assert_int_equal(vonk_column_i64(r.rows->columns[1], k), k / RIGHT);
            assert_int_equal(vonk_column_i64(r.rows->columns[4], k), k % RIGHT);
        }
        case_drop(&r);
        vonk_batch_unref(left.rows);
        vonk_batch_unref(right.rows);
        join_case_end();
    }
}

/* 10^10 pairs, none of which goes out: nothing but the join itself can notice that it is to stop. */
static int64_t ns_to_stop(const vonk_plan *plan)
{
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    vonk_error failure = VONK_ERROR_INIT;
    vonk_exec_env env = {.pool = case_pool,
                         .budget = case_budget,
                         .conf = case_conf,
                         .env = &case_env,
                         .n_threads = 2,
                         .batch_rows = 4096,
                         .spill_dir = VONK_STR("/tmp")};
    OK(vonk_exec_start(&env, plan, &exec, err));
    vonk_clock_sleep_ns(50 * VONK_NS_PER_MS);
    int64_t t0 = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    int64_t took = vonk_clock_mono_ns() - t0;
    vonk_error_reset(&failure);
    return took;
}

static void stops_soon(void **state)
{
    enum { N = 100000, TRIES = 5 /* of a machine that has other work */ };
    vonk_column *column = NULL;
    int64_t took = INT64_MAX;
    case_begin();
    OK(vonk_column_new_sequence(case_budget, &vonk_type_long, N, 0, 1, &column, err));
    vonk_batch *rows = case_batch(&column, 1);
    const vonk_plan *sides[2] = {case_local(rows, 4096), case_local(rows, 4096)};
    const vonk_expr *sum = case_call("+", case_bound(0, &vonk_type_long), case_bound(1, &vonk_type_long));
    const vonk_expr *none = case_call("<", sum, case_long(0));
    vonk_plan *p = case_node(VONK_PN_P_LOOP_JOIN, sides, 2);
    OK(vonk_plan_set_list(p, 0, &none, 1, err));
    const vonk_plan *plan = case_done(p);
    for (uint32_t i = 0; i < TRIES && took >= 100 * VONK_NS_PER_MS; i++) took = ns_to_stop(plan);
    assert_true(took < 100 * VONK_NS_PER_MS);
    vonk_batch_unref(rows);
    join_case_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_relations), cmocka_unit_test(random_relations_on_disk),
        cmocka_unit_test(single_row),       cmocka_unit_test(many_pairs),
        cmocka_unit_test(stops_soon),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    case_over();
    return failed;
}
