/* Tests of P_EXPAND: order of the rows, each way to put a column together, selections, many lists, a limit above. */
#include "exec/exec_test.h"

static const vonk_expr *e_null(const vonk_type *type)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_null(t_budget, type, &e, &err));
    return e_keep(e);
}

static const vonk_plan *three_rows(void)
{
    vonk_column *c[2] = {c_texts("bigint", (const char *const[]){"1", "-", "3"}, 3),
                         c_texts("string", (const char *const[]){"a", "a string of more than twelve bytes", "-"}, 3)};
    return p_local((vonk_batch *[]){b_of(3, c, 2)}, 1);
}

/* Column 0: the same everywhere; 1: in one list only; 2: constants; 3: different values. */
static void kinds_of_columns(void **state)
{
    const vonk_plan *in = three_rows();
    const vonk_expr *a = e_col(in, 0), *s = e_col(in, 1);
    vonk_plan *p = p_new(VONK_PN_P_EXPAND, 1, &in);
    P_LIST(p, 0, a, s, e_int(0), a);
    P_LIST(p, 1, a, e_null(&vonk_type_string), e_int(7), E_FN("+", a, e_long(10)));
    P_LIST(p, 2, a, e_null(&vonk_type_string), e_null(&vonk_type_int), e_long(5));
    EXPECT(p_done(p), "1|a|0|1\n1|-|7|11\n1|-|-|5\n"
                      "-|a string of more than twelve bytes|0|-\n-|-|7|-\n-|-|-|5\n"
                      "3|-|0|3\n3|-|7|13\n3|-|-|5\n");
}

static void null_everywhere(void **state)
{
    const vonk_plan *in = three_rows();
    vonk_plan *p = p_new(VONK_PN_P_EXPAND, 1, &in);
    P_LIST(p, 0, e_null(&vonk_type_long), e_int(1));
    P_LIST(p, 1, e_null(&vonk_type_long), e_int(2));
    EXPECT(p_done(p), "-|1\n-|2\n-|1\n-|2\n-|1\n-|2\n");
}

static void one_list_is_a_projection(void **state)
{
    const vonk_plan *in = three_rows();
    vonk_plan *p = p_new(VONK_PN_P_EXPAND, 1, &in);
    P_LIST(p, 0, e_col(in, 1), e_int(1));
    EXPECT(p_done(p), "a|1\na string of more than twelve bytes|1\n-|1\n");
}

static void no_rows(void **state)
{
    const vonk_plan *in = p_range(0, 0, 1, 3);
    vonk_plan *p = p_new(VONK_PN_P_EXPAND, 1, &in);
    P_LIST(p, 0, e_col(in, 0));
    P_LIST(p, 1, e_long(1));
    EXPECT(p_done(p), "");
}

static const vonk_plan *expanded(const vonk_plan *in, uint32_t n_lists)
{
    vonk_plan *p = p_new(VONK_PN_P_EXPAND, 1, &in);
    for (uint32_t i = 0; i < n_lists; i++) P_LIST(p, i, e_col(in, 0), e_int(i), E_FN("+", e_col(in, 0), e_long(i)));
    return p_done(p);
}

static char *expected_rows(uint32_t n_rows, uint32_t step, uint32_t n_lists)
{
    vonk_buf out = {0};
    vonk_buf_init(&out, t_budget, SIZE_MAX);
    for (uint32_t r = 0; r < n_rows; r += step)
        for (uint32_t i = 0; i < n_lists; i++) OK(vonk_buf_printf(&out, &err, "%u|%u|%u\n", r, i, r + i));
    OK(vonk_buf_add_byte(&out, 0, &err));
    char *text = malloc(out.len);
    memcpy(text, out.data, out.len);
    vonk_buf_done(&out);
    return text;
}

/* Rows under a selection; more lists than rows fit a batch. */
static void selections_and_many_lists(void **state)
{
    static const uint32_t n_lists[] = {2, 5, 300};
    for (uint32_t i = 0; i < VONK_COUNTOF(n_lists); i++) {
        const vonk_plan *range = p_range(0, 60, 1, 3);
        const vonk_expr *third = E_FN("=", E_FN("%", e_col(range, 0), e_long(3)), e_long(0));
        char *wanted = expected_rows(60, 3, n_lists[i]);
        EXPECT(expanded(p_filter(range, third), n_lists[i]), wanted);
        free(wanted);
    }
}

/* The rest of a batch is dropped in the middle of a row's copies, and the next partition begins afresh. */
static void limit_above(void **state)
{
    EXPECT(p_limit(VONK_PN_P_LIMIT, expanded(p_range(0, 10000, 1, 4), 3), 4, 0, false), "0|0|0\n0|1|1\n0|2|2\n1|0|1\n");
    EXPECT(p_limit(VONK_PN_P_LIMIT, expanded(p_range(0, 100, 50, 2), 3), 2, 0, true),
           "0|0|0\n0|1|1\n50|0|50\n50|1|51\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_of_columns),          cmocka_unit_test(null_everywhere),
                                       cmocka_unit_test(one_list_is_a_projection),  cmocka_unit_test(no_rows),
                                       cmocka_unit_test(selections_and_many_lists), cmocka_unit_test(limit_above)};
    return cmocka_run_group_tests(tests, t_setup, t_teardown);
}
