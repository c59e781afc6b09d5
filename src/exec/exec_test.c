/* Tests of running: sources, streams, limits, errors, cancel, the result queue. */
#include "exec/exec_test.h"

#include "sys/clock.h"

static void range_gives_its_numbers(void **state)
{
    EXPECT(p_range(0, 5, 1, 3), "0\n1\n2\n3\n4\n");
    EXPECT(p_range(10, 0, -3, 2), "10\n7\n4\n1\n");
    EXPECT(p_range(0, 0, 1, 2), "");
    EXPECT(p_range(5, 0, 1, 2), "");
    EXPECT(p_range(INT64_MAX - 2, INT64_MAX, 1, 4), "9223372036854775805\n9223372036854775806\n");
}

static void streams_keep_order(void **state)
{
    const vonk_plan *r = p_range(0, 20, 1, 4);
    const vonk_plan *f = p_filter(r, E_FN("=", E_FN("%", e_col(r, 0), e_long(3)), e_long(0)));
    EXPECT(P_PROJECT(f, E_FN("*", e_col(f, 0), e_long(2)), e_col(f, 0)), "0|0\n6|3\n12|6\n18|9\n24|12\n30|15\n36|18\n");
}

static void sparse_filters_lose_nothing(void **state)
{
    const vonk_plan *r = p_range(0, 30000, 1, 3);
    const vonk_plan *f = p_filter(r, E_FN("=", E_FN("%", e_col(r, 0), e_long(10000)), e_long(77)));
    EXPECT(f, "77\n10077\n20077\n");
}

static void local_rows(void **state)
{
    static const char *const a[] = {"1", "-", "3"}, *const b[] = {"x", "yy", "-"}, *const c[] = {"7"},
                             *const d[] = {"a text longer than twelve bytes"};
    vonk_batch *batches[] = {b_of(3, (vonk_column *[]){c_texts("int", a, 3), c_texts("string", b, 3)}, 2),
                             b_of(1, (vonk_column *[]){c_texts("int", c, 1), c_texts("string", d, 1)}, 2)};
    EXPECT(p_local(batches, 2), "1|x\n-|yy\n3|-\n7|a text longer than twelve bytes\n");
    vonk_plan *one = p_new(VONK_PN_P_ONE_ROW, 0, NULL);
    const vonk_plan *row = p_done(one);
    EXPECT(P_PROJECT(row, e_int(1), e_str("x")), "1|x\n");
}

static void limits(void **state)
{
    const vonk_plan *r = p_range(0, 20000, 1, 7);
    EXPECT(p_limit(VONK_PN_P_LIMIT, r, 3, 0, false), "0\n1\n2\n");
    EXPECT(p_limit(VONK_PN_P_LIMIT, r, 0, 0, false), "");
    EXPECT(p_limit(VONK_PN_P_LIMIT, r, 2, 8000, false), "8000\n8001\n");
    EXPECT(p_limit(VONK_PN_P_LIMIT, r, -1, 19998, false), "19998\n19999\n");
    const vonk_plan *inner = p_limit(VONK_PN_P_LIMIT, r, 5, 1, false);
    EXPECT(P_PROJECT(inner, E_FN("+", e_col(inner, 0), e_long(1))), "2\n3\n4\n5\n6\n");
    EXPECT(p_limit(VONK_PN_P_LIMIT, p_range(0, 9, 1, 3), 1, 0, true), "0\n3\n6\n");
    EXPECT(p_limit(VONK_PN_P_TAIL, p_range(0, 10000, 1, 3), 3, 0, false), "9997\n9998\n9999\n");
    EXPECT(p_limit(VONK_PN_P_TAIL, p_range(0, 2, 1, 3), 3, 0, false), "0\n1\n");
}

static void limit_as_opt_plans_it(void **state)
{
    const vonk_plan *r = p_range(0, 50, 1, 5);
    const vonk_plan *local = p_limit(VONK_PN_P_LIMIT, r, 12, 0, true);
    const vonk_plan *single = p_exchange(local, VONK_EXCHANGE_SINGLE, 1, false, 0, NULL);
    EXPECT(p_limit(VONK_PN_P_LIMIT, single, 3, 9, false), "9\n10\n11\n");
}

static void first_error_wins(void **state)
{
    /* rows 7000 and 20000 divide by zero; ANSI is on */
    const vonk_plan *r = p_range(0, 30000, 1, 5);
    const vonk_expr *zero_at = E_FN("*", E_FN("-", e_col(r, 0), e_long(7000)), E_FN("-", e_col(r, 0), e_long(20000)));
    const vonk_plan *p = P_PROJECT(r, E_FN("div", e_long(1), zero_at));
    char *text = run_all(p_limit(VONK_PN_P_TAIL, p, 1, 0, false));
    assert_string_equal(text, "DIVIDE_BY_ZERO");
    free(text);
    /* enough rows before the error: no error */
    EXPECT(p_limit(VONK_PN_P_LIMIT, P_PROJECT(r, e_col(r, 0)), 2, 0, false), "0\n1\n");
}

/* The last of four morsels fails at once, the others take their time over rows that are dropped: the end of the last
 * one that runs must not look like the end of the query. */
static void error_of_the_last_morsel(void **state)
{
    enum { ROWS = 120000, LAST = ROWS / 4 * 3 };
    vonk_column *c = NULL;
    OK(vonk_column_new_sequence(t_budget, &vonk_type_long, ROWS, 0, 1, &c, &err));
    const vonk_plan *all = p_local((vonk_batch *[]){b_of(ROWS, &c, 1)}, 1);
    const vonk_plan *last = p_filter(all, E_FN(">=", e_col(all, 0), e_long(LAST)));
    const vonk_plan *p = P_PROJECT(last, E_FN("div", e_long(1), E_FN("-", e_col(last, 0), e_long(LAST))));
    for (uint32_t i = 0; i < 10; i++) {
        run_result result = run_once(p, (run_mode){.threads = 4, .batch_rows = 1, .fuse = true});
        assert_int_equal(result.cls, VONK_E_DIVIDE_BY_ZERO);
        assert_int_equal(result.n_rows, 0);
        free(result.text);
    }
}

static vonk_exec *start(const vonk_plan *plan, vonk_pool *pool, vonk_budget *budget, uint32_t threads)
{
    vonk_exec *exec = NULL;
    vonk_exec_env env = {.pool = pool,
                         .budget = budget,
                         .conf = t_conf,
                         .env = &t_env,
                         .n_threads = threads,
                         .batch_rows = 4096,
                         .spill_dir = VONK_STR("/tmp")};
    OK(vonk_exec_start(&env, plan, &exec, &err));
    return exec;
}

/* Far more rows than the queue holds: lanes park, the reader sees all of them; a reader that goes away leaves nothing
 * behind. */
static void slow_readers(void **state)
{
    vonk_pool *pool = NULL;
    OK(vonk_pool_new(t_budget, 4, &pool, &err));
    const vonk_plan *plan = p_range(0, 20000000, 1, 9);
    for (int leave = 0; leave < 2; leave++) {
        vonk_exec *exec = start(plan, pool, t_budget, 4);
        int64_t next = 0;
        for (vonk_batch *b = NULL;;) {
            OK(vonk_exec_next(exec, &b, &err));
            if (!b) break;
            assert_int_equal(vonk_column_i64(b->columns[0], 0), next);
            next += b->n_rows;
            vonk_batch_unref(b);
            if (leave && next > 1000000) break;
        }
        if (!leave) assert_int_equal(next, 20000000);
        vonk_exec_free(exec);
    }
    vonk_pool_free(pool);
}

static void cancel_stops_soon(void **state)
{
    vonk_pool *pool = NULL;
    vonk_error failure = VONK_ERROR_INIT;
    vonk_batch *b = NULL;
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec *exec = start(p_limit(VONK_PN_P_TAIL, p_range(0, INT64_MAX, 1, 2), 1, 0, false), pool, t_budget, 2);
    vonk_clock_sleep_ns(20 * VONK_NS_PER_MS);
    int64_t t0 = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    assert_true(vonk_clock_mono_ns() - t0 < 100 * VONK_NS_PER_MS);
    vonk_error_reset(&failure);
    vonk_pool_free(pool);
}

static int64_t ns_to_stop(const vonk_plan *plan, vonk_pool *pool, int64_t after_ms)
{
    vonk_error failure = VONK_ERROR_INIT;
    vonk_batch *b = NULL;
    vonk_exec *exec = start(plan, pool, t_budget, 1);
    vonk_clock_sleep_ns(after_ms * VONK_NS_PER_MS);
    int64_t t0 = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    vonk_error_reset(&failure);
    return vonk_clock_mono_ns() - t0;
}

/* While rows come in, while one lane sorts a million texts with a common beginning, while they go out. */
static void sorts_stop_soon(void **state)
{
    enum { TRIES = 5 }; /* of a machine that has other work */
    static const int64_t after_ms[] = {5, 300, 600, 1000, 1500};
    vonk_pool *pool = NULL;
    OK(vonk_pool_new(t_budget, 1, &pool, &err));
    const vonk_plan *range = p_range(0, 1000000, 1, 1);
    const vonk_expr *mixed = E_FN("%", E_FN("*", e_col(range, 0), e_long(7919)), e_long(1000003));
    const vonk_plan *texts =
        P_PROJECT(range, E_FN("concat", e_str("a common beginning of texts "), E_FN("hex", mixed)));
    const vonk_expr *order = e_sort(e_col(texts, 0), false, false);
    const vonk_plan *tail = p_limit(VONK_PN_P_TAIL, p_sort(texts, true, 1, &order), 1, 0, false);
    for (size_t i = 0; i < VONK_COUNTOF(after_ms); i++) {
        int64_t took = INT64_MAX;
        for (uint32_t tries = 0; tries < TRIES && took >= 100 * VONK_NS_PER_MS; tries++)
            took = ns_to_stop(tail, pool, after_ms[i]);
        assert_true(took < 100 * VONK_NS_PER_MS);
    }
    vonk_pool_free(pool);
}

static void queries_share_the_pool(void **state)
{
    vonk_pool *pool = NULL;
    vonk_batch *b = NULL;
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec *endless = start(p_limit(VONK_PN_P_TAIL, p_range(0, INT64_MAX, 1, 2), 1, 0, false), pool, t_budget, 2);
    for (int i = 0; i < 3; i++) {
        vonk_exec *exec = start(p_limit(VONK_PN_P_TAIL, p_range(0, 1000000, 1, 2), 1, 0, false), pool, t_budget, 2);
        OK(vonk_exec_next(exec, &b, &err));
        assert_int_equal(vonk_column_i64(b->columns[0], 0), 999999);
        vonk_batch_unref(b);
        vonk_exec_free(exec);
    }
    vonk_exec_free(endless);
    vonk_pool_free(pool);
}

static void count_wakes(void *arg) { atomic_fetch_add((_Atomic int *)arg, 1); }

static void polling(void **state)
{
    vonk_pool *pool = NULL;
    vonk_batch *b = NULL;
    bool ready = false;
    _Atomic int wakes = 0;
    int64_t rows = 0;
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec *exec = start(p_range(0, 1000000, 1, 3), pool, t_budget, 2);
    for (;;) {
        int before = wakes;
        OK(vonk_exec_poll(exec, count_wakes, &wakes, &ready, &b, &err));
        if (!ready) {
            while (wakes == before) vonk_clock_sleep_ns(10000);
            continue;
        }
        if (!b) break;
        rows += b->n_rows;
        vonk_batch_unref(b);
    }
    assert_int_equal(rows, 1000000);
    vonk_exec_free(exec);
    vonk_pool_free(pool);
}

static void exchanges(void **state)
{
    const vonk_plan *r = p_range(0, 10, 1, 3);
    EXPECT(p_exchange(r, VONK_EXCHANGE_SINGLE, 1, true, 0, NULL), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    EXPECT(p_exchange(r, VONK_EXCHANGE_COALESCE, 2, true, 0, NULL), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    EXPECT(p_exchange(r, VONK_EXCHANGE_RANGE, 3, true, 1, (const vonk_expr *[]){e_sort(e_col(r, 0), true, true)}),
           "6\n7\n8\n9\n3\n4\n5\n0\n1\n2\n");
    char *text = run_all(p_exchange(r, VONK_EXCHANGE_ROUND_ROBIN, 4, true, 0, NULL));
    assert_int_equal(strlen(text), 20);
    free(text);
}

static void sorts(void **state)
{
    const vonk_plan *r = p_range(0, 1000, 1, 3);
    const vonk_plan *p = P_PROJECT(r, E_FN("%", E_FN("*", e_col(r, 0), e_long(7919)), e_long(10)), e_col(r, 0));
    const vonk_expr *by_first[] = {e_sort(e_col(p, 0), true, true)};
    EXPECT(p_limit(VONK_PN_P_LIMIT, p_sort(p, true, 1, by_first), 4, 98, false), "9|981\n9|991\n8|2\n8|12\n");
    vonk_plan *top = p_new(VONK_PN_P_TOP_N, 1, &p);
    P_LIST(top, 0, e_sort(e_col(p, 0), true, true), e_sort(e_col(p, 1), true, true));
    top->limit = (vonk_limit_info){3, 1};
    EXPECT(p_done(top), "9|981\n9|971\n9|961\n");
    const vonk_plan *few = p_range(0, 9, 1, 2);
    EXPECT(p_sort(few, false, 1, (const vonk_expr *[]){e_sort(e_col(few, 0), true, true)}),
           "3\n2\n1\n0\n8\n7\n6\n5\n4\n");
    /* as opt plans a global sort */
    const vonk_plan *range = p_exchange(p, VONK_EXCHANGE_RANGE, 5, false, 1, by_first);
    char *a = run_all(p_sort(range, true, 1, by_first)), *b = run_all(p_sort(p, true, 1, by_first));
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void sorts_of_texts(void **state)
{
    static const char *const a[] = {"a common beginning of texts 2", "-", "a common beginning of texts 10", "",
                                    "a common beginning of texts 1", "b"};
    vonk_batch *b = b_of(6, (vonk_column *[]){c_texts("string", a, 6)}, 1);
    const vonk_plan *p = p_local(&b, 1);
    EXPECT(p_sort(p, true, 1, (const vonk_expr *[]){e_sort(e_col(p, 0), false, false)}),
           "-\n\na common beginning of texts 1\na common beginning of texts 10\na common beginning of texts 2\nb\n");
    EXPECT(p_sort(p, true, 1, (const vonk_expr *[]){e_sort(e_col(p, 0), true, false)}),
           "-\nb\na common beginning of texts 2\na common beginning of texts 10\na common beginning of texts 1\n\n");
}

static void aggregates(void **state)
{
    const vonk_plan *r = p_range(0, 3000, 1, 3);
    const vonk_plan *p = P_PROJECT(r, E_FN("%", e_col(r, 0), e_long(3)), e_col(r, 0));
    const vonk_expr *keys[] = {e_col(p, 0)},
                    *fns[] = {E_FN("count", e_col(p, 1)), E_FN("sum", e_col(p, 1)), E_FN("max", e_col(p, 1))};
    EXPECT(p_agg(p, VONK_AGG_COMPLETE, 1, keys, 3, fns),
           "2|1000|1500500|2999\n0|1000|1498500|2997\n1|1000|1499500|2998\n"); /* hash(key) pmod 8: 0, 5, 5 */
    EXPECT(p_agg(p, VONK_AGG_COMPLETE, 0, NULL, 3, fns), "3000|4498500|2999\n");
    const vonk_plan *none = p_range(0, 0, 1, 3);
    EXPECT(p_agg(none, VONK_AGG_COMPLETE, 0, NULL, 1, (const vonk_expr *[]){E_FN("count", e_col(none, 0))}), "0\n");
    /* many groups: more than come out in order of appearance */
    const vonk_plan *many = p_agg(r, VONK_AGG_COMPLETE, 1, (const vonk_expr *[]){e_col(r, 0)}, 1,
                                  (const vonk_expr *[]){E_FN("sum", e_col(r, 0))});
    EXPECT(p_agg(many, VONK_AGG_COMPLETE, 0, NULL, 1, (const vonk_expr *[]){E_FN("sum", e_col(many, 1))}), "4498500\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(range_gives_its_numbers),
                                       cmocka_unit_test(streams_keep_order),
                                       cmocka_unit_test(sparse_filters_lose_nothing),
                                       cmocka_unit_test(local_rows),
                                       cmocka_unit_test(limits),
                                       cmocka_unit_test(limit_as_opt_plans_it),
                                       cmocka_unit_test(first_error_wins),
                                       cmocka_unit_test(error_of_the_last_morsel),
                                       cmocka_unit_test(slow_readers),
                                       cmocka_unit_test(cancel_stops_soon),
                                       cmocka_unit_test(sorts_stop_soon),
                                       cmocka_unit_test(queries_share_the_pool),
                                       cmocka_unit_test(polling),
                                       cmocka_unit_test(exchanges),
                                       cmocka_unit_test(sorts),
                                       cmocka_unit_test(sorts_of_texts),
                                       cmocka_unit_test(aggregates)};
    return cmocka_run_group_tests(tests, t_setup, t_teardown);
}
