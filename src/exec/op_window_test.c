/* Tests of windows: every function and frame against a plain loop, in every mode; borders, nulls, memory, cancel. */
#include "exec/exec_test.h"
#include "sys/clock.h"

/* ---- plans */

typedef struct frame {
    bool given, rows;
    vonk_bound_kind lower, upper;
    const vonk_expr *low, *high;
} frame;
static const frame by_default;

static frame rows_between(int64_t low, int64_t high)
{
    return (frame){true, true, VONK_FRAME_VALUE, VONK_FRAME_VALUE, e_int(low), e_int(high)};
}
static frame range_between(const vonk_expr *low, const vonk_expr *high)
{
    return (frame){true, false, VONK_FRAME_VALUE, VONK_FRAME_VALUE, low, high};
}

static const vonk_plan *w_plan, *w_from;
static const vonk_expr *w_keys[4], *w_orders[4], *w_fns[16];
static uint32_t w_n_keys, w_n_orders, w_n;

static void w_begin(const vonk_plan *from)
{
    w_from = from;
    w_n = w_n_keys = w_n_orders = 0;
}
static void w_by(uint32_t column) { w_keys[w_n_keys++] = e_col(w_from, column); }
static void w_order(uint32_t column, bool descending, bool nulls_last)
{
    w_orders[w_n_orders++] = e_sort(e_col(w_from, column), descending, nulls_last);
}

static void w_add(const vonk_expr *fn, frame f)
{
    const vonk_expr *children[16], *done = NULL;
    vonk_expr *e = NULL;
    uint32_t n = 0;
    children[n++] = fn;
    for (uint32_t i = 0; i < w_n_keys; i++) children[n++] = w_keys[i];
    for (uint32_t i = 0; i < w_n_orders; i++) children[n++] = w_orders[i];
    if (f.low) children[n++] = f.low;
    if (f.high) children[n++] = f.high;
    OK(vonk_expr_new(t_budget, VONK_EX_WINDOW, children, n, &e, &err));
    e->flags |= VONK_EXF_CHECKED;
    e->n_partition = w_n_keys;
    e->n_order = w_n_orders;
    e->frame = (vonk_frame){f.given, f.rows, f.lower, f.upper};
    OK(vonk_expr_finish(e, &done, &err));
    w_fns[w_n++] = e_keep(done);
}

static const vonk_plan *w_done(void)
{
    vonk_plan *p = p_new(VONK_PN_P_WINDOW, 1, &w_from);
    p_list(p, 0, w_n, w_fns);
    p_list(p, 1, w_n_keys, w_keys);
    p_list(p, 2, w_n_orders, w_orders);
    return w_plan = p_done(p);
}

static const vonk_expr *with_flag(const vonk_expr *fn, uint32_t flag)
{
    vonk_expr *e = NULL;
    const vonk_expr *done = NULL;
    OK(vonk_expr_copy(t_budget, fn, NULL, 0, &e, &err));
    e->flags |= flag;
    OK(vonk_expr_finish(e, &done, &err));
    return e_keep(done);
}
static const vonk_expr *e_rank(const char *name) { return e_fn(name, 0, NULL); }

/* rows i of [0, n): key i % keys, value (i * 7919) % 1000, i */
static const vonk_plan *p_numbers(int64_t n, int64_t keys)
{
    const vonk_plan *r = p_range(0, n, 1, 3);
    return P_PROJECT(r, E_FN("%", e_col(r, 0), e_long(keys)),
                     E_FN("%", E_FN("*", e_col(r, 0), e_long(7919)), e_long(1000)), e_col(r, 0));
}

/* ---- few rows, by hand */

static void rankings(void **state)
{
    static const char *const k[] = {"a", "b", "a", "a", "-", "a", "b"}, *const v[] = {"2", "7", "1", "2",
                                                                                      "5", "3", "-"};
    vonk_batch *b = b_of(7, (vonk_column *[]){c_texts("string", k, 7), c_texts("int", v, 7)}, 2);
    w_begin(p_local(&b, 1));
    w_by(0);
    w_order(1, false, false);
    static const char *const names[] = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist"};
    for (size_t i = 0; i < VONK_COUNTOF(names); i++) w_add(e_rank(names[i]), by_default);
    w_add(E_FN("ntile", e_int(3)), by_default);
    EXPECT(w_done(), "-|5|1|1|1|0.0|1.0|1\n"
                     "a|1|1|1|1|0.0|0.25|1\n"
                     "a|2|2|2|2|0.3333333333333333|0.75|1\n"
                     "a|2|3|2|2|0.3333333333333333|0.75|2\n"
                     "a|3|4|4|3|1.0|1.0|3\n"
                     "b|-|1|1|1|0.0|0.5|1\n"
                     "b|7|2|2|2|1.0|1.0|2\n");
}

static void other_rows(void **state)
{
    static const char *const v[] = {"-", "10", "20", "-", "30"}, *const i[] = {"1", "2", "3", "4", "5"};
    vonk_batch *b = b_of(5, (vonk_column *[]){c_texts("int", i, 5), c_texts("int", v, 5)}, 2);
    w_begin(p_local(&b, 1));
    w_order(0, false, false);
    const vonk_expr *x = e_col(w_from, 1), *no = e_int(-1);
    w_add(E_FN("lag", x), by_default);
    w_add(E_FN("lead", x, e_int(2), no), by_default);
    w_add(with_flag(E_FN("lag", x, e_int(1), no), VONK_EXF_IGNORE_NULLS), by_default);
    w_add(with_flag(E_FN("lead", x, e_int(2)), VONK_EXF_IGNORE_NULLS), by_default);
    w_add(E_FN("nth_value", x, e_int(2)), by_default);
    w_add(with_flag(E_FN("nth_value", x, e_int(2)), VONK_EXF_IGNORE_NULLS), by_default);
    w_add(E_FN("first", x), rows_between(-1, 1));
    w_add(with_flag(E_FN("first", x), VONK_EXF_IGNORE_NULLS), rows_between(-1, 1));
    w_add(with_flag(E_FN("last", x), VONK_EXF_IGNORE_NULLS), rows_between(-2, -1));
    EXPECT(w_done(), "1|-|-|20|-1|20|-|-|-|10|-\n"
                     "2|10|-|-|-1|30|10|-|-|10|-\n"
                     "3|20|10|30|10|-|10|20|10|10|10\n"
                     "4|-|20|-1|20|-|10|20|20|20|20\n"
                     "5|30|-|-1|20|-|10|20|-|30|20\n");
}

static void frames_in_values(void **state)
{
    static const char *const x[] = {"-", "1", "2", "2", "5", "-"};
    vonk_batch *b = b_of(6, (vonk_column *[]){c_texts("int", x, 6)}, 1);
    const vonk_plan *from = p_local(&b, 1);
    w_begin(from);
    w_order(0, false, false);
    w_add(E_FN("count", e_int(1)), range_between(e_int(-1), e_int(0)));
    w_add(E_FN("count", e_int(1)), range_between(e_int(1), e_int(3)));
    w_add(E_FN("count", e_int(1)), (frame){true, false, VONK_FRAME_CURRENT, VONK_FRAME_UNBOUNDED, NULL, NULL});
    EXPECT(w_done(), "-|2|2|6\n-|2|2|6\n1|1|2|4\n2|3|1|3\n2|3|1|3\n5|1|0|1\n");
    w_begin(from);
    w_order(0, true, true);
    w_add(E_FN("count", e_int(1)), range_between(e_int(-1), e_int(0)));
    w_add(E_FN("sum", e_col(from, 0)), by_default);
    EXPECT(w_done(), "5|1|5\n2|2|9\n2|2|9\n1|3|10\n-|2|10\n-|2|10\n");
    static const char *const d[] = {"1.0", "1.5", "NaN", "Infinity", "-0.0", "0.0"};
    b = b_of(6, (vonk_column *[]){c_texts("double", d, 6)}, 1);
    const vonk_expr *half = NULL, *minus_half = NULL;
    OK(vonk_ex_double(t_budget, 0.5, &half, &err));
    OK(vonk_ex_double(t_budget, -0.5, &minus_half, &err));
    w_begin(p_local(&b, 1));
    w_order(0, false, false);
    w_add(E_FN("count", e_int(1)), range_between(e_keep(minus_half), e_keep(half)));
    w_add(e_rank("rank"), by_default);
    EXPECT(w_done(), "-0.0|2|1\n0.0|2|1\n1.0|2|3\n1.5|2|4\nInfinity|1|5\nNaN|1|6\n");
}

static void frames_over_dates(void **state)
{
    static const char *const d[] = {"2024-01-01", "2024-01-31", "2024-02-29", "2024-03-31"}, *const t[] = {
                                                                                                 "2024-01-01 00:00:00",
                                                                                                 "2024-01-01 00:30:00",
                                                                                                 "2024-01-01 02:00:00",
                                                                                                 "-"};
    const vonk_expr *month = NULL, *zero = NULL;
    vonk_column *months = c_texts("interval month", (const char *[]){"INTERVAL '-1' MONTH", "INTERVAL '0' MONTH"}, 2);
    vonk_column *one = NULL;
    OK(vonk_column_slice(t_budget, months, 0, 1, &one, &err));
    OK(vonk_ex_literal(t_budget, one, &month, &err));
    vonk_column_unref(one);
    OK(vonk_column_slice(t_budget, months, 1, 1, &one, &err));
    OK(vonk_ex_literal(t_budget, one, &zero, &err));
    vonk_column_unref(one);
    vonk_column_unref(months);
    e_keep(month);
    e_keep(zero);
    vonk_batch *b = b_of(4, (vonk_column *[]){c_texts("date", d, 4), c_texts("timestamp", t, 4)}, 2);
    const vonk_plan *from = p_local(&b, 1);
    w_begin(from);
    w_order(0, false, false);
    w_add(E_FN("count", e_int(1)), range_between(month, zero));
    w_add(E_FN("count", e_int(1)), range_between(e_int(-30), e_int(0)));
    EXPECT(w_done(), "2024-01-01|2024-01-01 00:00:00|1|1\n"
                     "2024-01-31|2024-01-01 00:30:00|2|2\n"
                     "2024-02-29|2024-01-01 02:00:00|2|2\n"
                     "2024-03-31|-|2|1\n");
    w_begin(from);
    w_order(1, false, false);
    w_add(E_FN("count", e_int(1)), range_between(month, zero));
    EXPECT(w_done(), "2024-03-31|-|1\n"
                     "2024-01-01|2024-01-01 00:00:00|1\n"
                     "2024-01-31|2024-01-01 00:30:00|2\n"
                     "2024-02-29|2024-01-01 02:00:00|3\n");
}

static void nothing(void **state)
{
    const vonk_plan *from = p_numbers(0, 1);
    w_begin(from);
    w_by(0);
    w_add(E_FN("sum", e_col(from, 1)), by_default);
    w_add(E_FN("count", e_col(from, 1)), by_default);
    EXPECT(w_done(), "");
    /* empty frames */
    from = p_numbers(2, 1);
    w_begin(from);
    w_order(2, false, false);
    w_add(E_FN("sum", e_col(from, 2)), rows_between(-20, -10));
    w_add(E_FN("count", e_col(from, 2)), rows_between(1, 20));
    w_add(E_FN("max", e_col(from, 2)), rows_between(2, 1));
    EXPECT(w_done(), "0|0|0|-|1|-\n0|919|1|-|0|-\n");
}

/* ---- many rows, against a loop */

static int64_t value_of(int64_t i) { return i * 7919 % 1000; }

/* sum, min, max over [low, high] places of the partition, ordered by i */
static void model_text(char *out, size_t room, int64_t n, int64_t keys, int64_t low, int64_t high)
{
    size_t at = 0;
    for (int64_t k = 0; k < keys; k++) {
        int64_t rows = (n - k + keys - 1) / keys;
        for (int64_t p = 0; p < rows; p++) {
            int64_t sum = 0, least = INT64_MAX, most = INT64_MIN, count = 0;
            for (int64_t q = p + low < 0 ? 0 : p + low; q <= p + high && q < rows; q++, count++) {
                int64_t v = value_of(k + q * keys);
                sum += v;
                least = v < least ? v : least;
                most = v > most ? v : most;
            }
            int64_t i = k + p * keys;
            if (count > 0)
                at += (size_t)snprintf(out + at, room - at, "%ld|%ld|%ld|%ld|%ld|%ld|%ld.0\n", k, value_of(i), i, sum,
                                       least, most, sum);
            else
                at += (size_t)snprintf(out + at, room - at, "%ld|%ld|%ld|-|-|-|-\n", k, value_of(i), i);
        }
    }
}

static void check_frame(int64_t n, int64_t keys, int64_t low, int64_t high)
{
    enum { ROOM = 1 << 20 };
    char *wanted = malloc(ROOM);
    const vonk_plan *from = p_numbers(n, keys);
    frame f = rows_between(low, high);
    if (low <= -n) f = (frame){true, true, VONK_FRAME_UNBOUNDED, VONK_FRAME_VALUE, NULL, e_int(high)};
    if (high >= n) f = (frame){true, true, f.lower, VONK_FRAME_UNBOUNDED, f.low, NULL};
    w_begin(from);
    w_by(0);
    w_order(2, false, false);
    const vonk_expr *v = e_col(from, 1), *real = NULL;
    OK(vonk_ex_cast(t_budget, v, &vonk_type_double, VONK_MODE_ANSI, &real, &err));
    w_add(E_FN("sum", v), f);
    w_add(E_FN("min", v), f);
    w_add(E_FN("max", v), f);
    w_add(E_FN("sum", e_keep(real)), f);
    model_text(wanted, ROOM, n, keys, low, high);
    EXPECT(w_done(), wanted);
    free(wanted);
}

static void frames_of_rows(void **state)
{
    check_frame(700, 3, -1, 1);
    check_frame(700, 3, -50, 20);
    check_frame(700, 1, -300, -290);
    check_frame(300, 1, 10, 40);
    check_frame(700, 7, -700, 0);
    check_frame(700, 2, -3, 700);
    check_frame(400, 1, -400, 400);
    check_frame(700, 300, -700, 700);
}

/* ---- memory and time */

static run_result run_with(const vonk_plan *plan, int64_t bytes, uint64_t *ret_peak)
{
    run_result r = {0};
    vonk_pool *pool = NULL;
    vonk_exec *exec = NULL;
    vonk_budget *budget = NULL;
    vonk_batch *b = NULL;
    vonk_buf out = {0};
    vonk_error failure = VONK_ERROR_INIT;
    vonk_buf_init(&out, t_budget, SIZE_MAX);
    OK(vonk_budget_new(t_budget, "query", bytes, &budget, &err));
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec_env env = {.pool = pool,
                         .budget = budget,
                         .conf = t_conf,
                         .env = &t_env,
                         .n_threads = 2,
                         .batch_rows = 1024,
                         .spill_dir = VONK_STR("/tmp")};
    r.cls = vonk_exec_start(&env, plan, &exec, &failure);
    while (r.cls == VONK_OK && (r.cls = vonk_exec_next(exec, &b, &failure)) == VONK_OK && b) {
        add_batch_text(&r, &out, b);
        vonk_batch_unref(b);
    }
    if (r.cls != VONK_OK) fail_msg("%s", vonk_error_message(&failure));
    *ret_peak = (uint64_t)vonk_budget_peak(budget);
    vonk_exec_free(exec);
    vonk_pool_free(pool);
    vonk_budget_free(budget);
    OK(vonk_buf_add_byte(&out, 0, &err));
    r.text = malloc(out.len);
    memcpy(r.text, out.data, out.len);
    vonk_buf_done(&out);
    return r;
}

static void little_memory(void **state)
{
    const vonk_plan *from = p_numbers(200000, 2);
    uint64_t peak, small_peak;
    w_begin(from);
    w_by(0);
    w_order(1, true, false);
    w_add(E_FN("sum", e_col(from, 1)), (frame){true, true, VONK_FRAME_UNBOUNDED, VONK_FRAME_UNBOUNDED, NULL, NULL});
    w_add(E_FN("max", e_col(from, 2)), rows_between(-5000, 100));
    w_add(e_rank("cume_dist"), by_default);
    w_add(E_FN("lag", e_col(from, 2), e_int(30000)), by_default);
    const vonk_plan *plan = w_done();
    run_result a = run_with(plan, VONK_NO_LIMIT, &peak), b = run_with(plan, 6 << 20, &small_peak);
    assert_int_equal(a.n_rows, 200000);
    assert_true(peak > (20 << 20) && small_peak <= (6 << 20));
    assert_string_equal(a.text, b.text);
    free(a.text);
    free(b.text);
}

/* A sum that must be made anew for each row: it would take minutes. */
static void cancel_stops_soon(void **state)
{
    const vonk_plan *from = p_numbers(400000, 1);
    const vonk_expr *real = NULL;
    vonk_pool *pool = NULL;
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    vonk_error failure = VONK_ERROR_INIT;
    OK(vonk_ex_cast(t_budget, e_col(from, 1), &vonk_type_double, VONK_MODE_ANSI, &real, &err));
    w_begin(from);
    w_order(2, false, false);
    w_add(E_FN("sum", e_keep(real)), (frame){true, true, VONK_FRAME_CURRENT, VONK_FRAME_UNBOUNDED, NULL, NULL});
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec_env env = {.pool = pool,
                         .budget = t_budget,
                         .conf = t_conf,
                         .env = &t_env,
                         .n_threads = 2,
                         .batch_rows = 4096,
                         .spill_dir = VONK_STR("/tmp")};
    OK(vonk_exec_start(&env, w_done(), &exec, &err));
    vonk_clock_sleep_ns(300 * 1000000);
    int64_t start_ns = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    assert_true(vonk_clock_mono_ns() - start_ns < 100 * 1000000);
    vonk_error_reset(&failure);
    vonk_pool_free(pool);
}

static int setup(void **state)
{
    t_setup(state);
    t_set(&t_conf, "spark.sql.shuffle.partitions", "1"); /* window partitions in order of their keys */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rankings),          cmocka_unit_test(other_rows),        cmocka_unit_test(frames_in_values),
        cmocka_unit_test(frames_over_dates), cmocka_unit_test(nothing),           cmocka_unit_test(frames_of_rows),
        cmocka_unit_test(little_memory),     cmocka_unit_test(cancel_stops_soon),
    };
    return cmocka_run_group_tests(tests, setup, t_teardown);
}
