/* Tests of P_GENERATE: arrays, maps, structs, constants; OUTER; more rows than a batch; limits above; cancel. */
#include "exec/exec_test.h"
#include "sys/clock.h"

static const vonk_plan *p_generate(const vonk_plan *child, const vonk_expr *call, bool outer)
{
    const vonk_expr *kept[8], *made[8];
    vonk_plan *p = p_new(VONK_PN_P_GENERATE, 1, &child);
    P_LIST(p, 0, call);
    for (uint32_t i = 0; i < child->n_output; i++) kept[i] = e_col(child, i);
    p_list(p, 1, child->n_output, kept);
    p->generate.outer = outer;
    for (uint32_t i = 0; i < call->type->n_fields; i++) {
        OK(vonk_ex_bound(t_budget, child->n_output + i, call->type->fields[i].type, true, VONK_STR("g"), &made[i],
                         &err));
        e_keep(made[i]);
    }
    OK(vonk_plan_hold_exprs(p, made, call->type->n_fields, &p->generate.generated, &err));
    return p_done(p);
}

/* A column of lists cast from text cannot be: it is made of its elements. "-" stands for a null list. */
static vonk_column *c_lists(const int32_t *lengths, uint32_t n)
{
    vonk_column *elements = NULL, *c = NULL;
    const vonk_type *type = NULL;
    void *data = NULL;
    uint8_t *validity = NULL;
    uint32_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++) total += lengths[i] > 0 ? (uint32_t)lengths[i] : 0;
    OK(vonk_type_array(&vonk_type_int, true, &type, &err));
    OK(vonk_column_new(t_budget, &vonk_type_int, total, false, &elements, &data, NULL, &err));
    for (uint32_t i = 0; i < total; i++) ((int32_t *)data)[i] = (int32_t)i;
    OK(vonk_column_new(t_budget, type, n, true, &c, &data, &validity, &err));
    for (uint32_t i = 0; i < n; i++) {
        ((vonk_span *)data)[i] = (vonk_span){at, lengths[i] > 0 ? (uint32_t)lengths[i] : 0};
        if (lengths[i] < 0) vonk_bit_clear(validity, i);
        at += lengths[i] > 0 ? (uint32_t)lengths[i] : 0;
    }
    OK(vonk_column_set_children(c, &elements, 1, &err));
    vonk_column_unref(elements);
    vonk_type_unref(type);
    return c;
}

static const vonk_plan *p_lists(void)
{
    static const int32_t lengths[] = {2, 0, -1, 3, 1};
    static const char *const names[] = {"a", "b", "c", "-", "e"};
    vonk_batch *b = b_of(5, (vonk_column *[]){c_texts("string", names, 5), c_lists(lengths, 5)}, 2);
    const vonk_plan *p = p_local(&b, 1);
    return P_PROJECT(p, e_col(p, 1), e_col(p, 0));
}

/* Without the list itself, which is no text. */
static const vonk_plan *shown(const vonk_plan *p)
{
    const vonk_expr *exprs[8];
    uint32_t n = p->n_output - 1;
    for (uint32_t i = 0; i < n; i++) exprs[i] = e_col(p, i + 1);
    return p_project(p, n, exprs);
}

static void lists(void **state)
{
    const vonk_plan *p = p_lists();
    const vonk_expr *list = e_col(p, 0);
    EXPECT(shown(p_generate(p, E_FN("explode", list), false)), "a|0\na|1\n-|2\n-|3\n-|4\ne|5\n");
    EXPECT(shown(p_generate(p, E_FN("explode", list), true)), "a|0\na|1\nb|-\nc|-\n-|2\n-|3\n-|4\ne|5\n");
    EXPECT(shown(p_generate(p, E_FN("posexplode", list), true)),
           "a|0|0\na|1|1\nb|-|-\nc|-|-\n-|0|2\n-|1|3\n-|2|4\ne|0|5\n");
}

static void stacks(void **state)
{
    const vonk_plan *r = p_range(0, 3, 1, 2);
    const vonk_expr *id = e_col(r, 0), *ten = E_FN("*", id, e_long(10));
    EXPECT(p_generate(r, E_FN("stack", e_int(2), id, ten, ten), false),
           "0|0|0\n0|0|-\n1|1|10\n1|10|-\n2|2|20\n2|20|-\n");
}

/* One row of many, many rows of one, limits that stop in the midst of a batch. */
static void many_rows(void **state)
{
    static const int32_t lengths[] = {30000, 1, 9000};
    vonk_batch *b = b_of(3, (vonk_column *[]){c_lists(lengths, 3)}, 1);
    const vonk_plan *p = p_local(&b, 1), *g = p_generate(p, E_FN("explode", e_col(p, 0)), false);
    run_mode mode = {.threads = 2, .batch_rows = 1000, .fuse = true};
    run_result r = run_once(shown(g), mode);
    assert_int_equal(r.n_rows, 39001);
    int64_t next = 0;
    for (char *at = r.text, *end; *at; at = end + 1) { /* 0, 1, 2, ... */
        end = strchr(at, '\n');
        assert_int_equal(strtoll(at, NULL, 10), next++);
    }
    free(r.text);
    EXPECT(p_limit(VONK_PN_P_LIMIT, shown(g), 3, 29999, false), "29999\n30000\n30001\n");
    const vonk_plan *none = p_range(0, 0, 1, 2);
    EXPECT(p_generate(none, E_FN("stack", e_int(2), e_col(none, 0), e_col(none, 0)), true), "");
}

static void cancel_stops_soon(void **state)
{
    vonk_pool *pool = NULL;
    vonk_exec *exec = NULL;
    vonk_batch *b = NULL;
    vonk_error failure = VONK_ERROR_INIT;
    const vonk_plan *r = p_range(0, INT64_MAX, 1, 2);
    const vonk_plan *g = p_generate(r, E_FN("stack", e_int(3), e_col(r, 0), e_col(r, 0), e_col(r, 0)), false);
    OK(vonk_pool_new(t_budget, 2, &pool, &err));
    vonk_exec_env env = {.pool = pool,
                         .budget = t_budget,
                         .conf = t_conf,
                         .env = &t_env,
                         .n_threads = 2,
                         .batch_rows = 4096,
                         .spill_dir = VONK_STR("/tmp")};
    OK(vonk_exec_start(&env, p_limit(VONK_PN_P_TAIL, g, 1, 0, false), &exec, &err));
    vonk_clock_sleep_ns(20 * VONK_NS_PER_MS);
    int64_t start_ns = vonk_clock_mono_ns();
    vonk_exec_cancel(exec);
    assert_int_equal(vonk_exec_next(exec, &b, &failure), VONK_E_OPERATION_CANCELED);
    vonk_exec_free(exec);
    assert_true(vonk_clock_mono_ns() - start_ns < 100 * VONK_NS_PER_MS);
    vonk_error_reset(&failure);
    vonk_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(stacks), cmocka_unit_test(many_rows),
                                       cmocka_unit_test(cancel_stops_soon)};
    return cmocka_run_group_tests(tests, t_setup, t_teardown);
}
