/* Tests of P_UNION: order of inputs and partitions, empty inputs, one input twice, what stands above and below. */
#include "exec/exec_test.h"

static const vonk_plan *p_union(uint32_t n, const vonk_plan *const *inputs)
{
    return p_done(p_new(VONK_PN_P_UNION, n, inputs));
}
#define P_UNION(...)                                                                                                   \
    p_union((uint32_t)(sizeof((const vonk_plan *[]){__VA_ARGS__}) / sizeof(void *)), (const vonk_plan *[]){__VA_ARGS__})

static void one_after_the_other(void **state)
{
    EXPECT(P_UNION(p_range(0, 4, 1, 2), p_range(10, 13, 1, 1), p_range(0, 2, 1, 2)), "0\n1\n2\n3\n10\n11\n12\n0\n1\n");
}

static void empty_inputs(void **state)
{
    EXPECT(P_UNION(p_range(0, 0, 1, 2), p_range(5, 7, 1, 1), p_range(0, 0, 1, 1)), "5\n6\n");
    EXPECT(P_UNION(p_range(0, 0, 1, 2), p_range(0, 0, 1, 3)), "");
}

static void nulls_and_texts(void **state)
{
    vonk_column *a = c_texts("string", (const char *const[]){"x", "-"}, 2);
    vonk_column *b = c_texts("string", (const char *const[]){"-", "a string of more than twelve bytes"}, 2);
    const vonk_plan *left = p_local((vonk_batch *[]){b_of(2, &a, 1)}, 1);
    const vonk_plan *right = p_local((vonk_batch *[]){b_of(2, &b, 1)}, 1);
    EXPECT(P_UNION(left, right), "x\n-\n-\na string of more than twelve bytes\n");
}

/* The same node twice, a union in a union, rows that are filtered below and above. */
static void nested(void **state)
{
    const vonk_plan *range = p_range(0, 6, 1, 3);
    const vonk_plan *even = p_filter(range, E_FN("=", E_FN("%", e_col(range, 0), e_long(2)), e_long(0)));
    const vonk_plan *both = P_UNION(even, range);
    EXPECT(P_UNION(both, even), "0\n2\n4\n0\n1\n2\n3\n4\n5\n0\n2\n4\n");
    EXPECT(p_filter(both, E_FN(">", e_col(both, 0), e_long(3))), "4\n4\n5\n");
}

/* A limit of each partition sees the partitions of all inputs; one over all takes them in order. */
static void limits_above(void **state)
{
    const vonk_plan *u = P_UNION(p_range(0, 10000, 1, 2), p_range(20000, 30000, 1, 2));
    EXPECT(p_limit(VONK_PN_P_LIMIT, u, 1, 0, true), "0\n5000\n20000\n25000\n");
    EXPECT(p_limit(VONK_PN_P_LIMIT, u, 2, 9999, false), "9999\n20000\n");
    EXPECT(p_limit(VONK_PN_P_TAIL, u, 2, 0, false), "29998\n29999\n");
}

/* Equal keys of several inputs are in several partitions: an aggregation above must still bring them together. */
static void exchanges_below(void **state)
{
    const vonk_plan *range = p_range(0, 3, 1, 2);
    const vonk_expr *key = e_col(range, 0);
    bool can_hash = vonk_fn_find(VONK_STR("hash")) != NULL; /* which the exchange deals rows out by */
    const vonk_plan *moved = can_hash ? p_exchange(range, VONK_EXCHANGE_HASH, 3, true, 1, &key)
                                      : p_exchange(range, VONK_EXCHANGE_ROUND_ROBIN, 3, true, 0, NULL);
    const vonk_plan *u = P_UNION(moved, range);
    const vonk_expr *k = e_col(u, 0), *n = E_FN("count", e_col(u, 0)), *order = e_sort(k, false, false);
    EXPECT(p_sort(p_agg(u, VONK_AGG_COMPLETE, 1, &k, 1, &n), true, 1, &order), "0|2\n1|2\n2|2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_after_the_other), cmocka_unit_test(empty_inputs),
                                       cmocka_unit_test(nulls_and_texts),     cmocka_unit_test(nested),
                                       cmocka_unit_test(limits_above),        cmocka_unit_test(exchanges_below)};
    return cmocka_run_group_tests(tests, t_setup, t_teardown);
}
