/* Tests of plan nodes: columns by id, and how large a plan may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/ok_test.h"
#include "plan/plan.h"

enum { MOST_COLUMNS = 100 };

static uint64_t random_state = 1;

static uint64_t next_random(void) { return random_state = vonk_hash_mix(random_state + 1); }

static const vonk_expr *new_column(vonk_budget *budget, uint64_t id)
{
    const vonk_expr *done = NULL;
    vonk_expr *made = NULL;
    OK(vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &made, err));
    made->id = id;
    OK(vonk_expr_set_name(made, VONK_STR("c"), err));
    OK(vonk_expr_set_type(made, &vonk_type_long, err));
    OK(vonk_expr_finish(made, &done, err));
    return done;
}

static vonk_plan *leaf(vonk_budget *budget, const uint64_t *ids, uint32_t n)
{
    const vonk_expr *columns[MOST_COLUMNS];
    vonk_plan *p = NULL;
    OK(vonk_plan_new(budget, VONK_PN_ONE_ROW, NULL, 0, &p, err));
    for (uint32_t i = 0; i < n; i++) columns[i] = new_column(budget, ids[i]);
    OK(vonk_plan_set_output(p, columns, n, err));
    for (uint32_t i = 0; i < n; i++) vonk_expr_unref(columns[i]);
    return p;
}

static void check_columns(const uint64_t *ids, uint32_t n, uint64_t most_id)
{
    vonk_plan *p = leaf(vonk_budget_root(), ids, n);
    for (uint64_t id = 0; id <= most_id + 1; id++) {
        uint32_t first = 0;
        while (first < n && ids[first] != id) first++;
        assert_int_equal(vonk_plan_column_at(p, id), first);
        assert_true(vonk_plan_has_column(p, id) == (first < n));
        assert_ptr_equal(vonk_plan_column(p, id), first < n ? p->output[first] : NULL);
    }
    vonk_plan_unref(p);
}

/* Few and many, in order and not, once and twice: the first column of an id is found, as by looking at each. */
static void columns_by_id(void **state)
{
    uint64_t ids[MOST_COLUMNS];
    for (uint32_t n = 0; n <= MOST_COLUMNS; n++) {
        for (uint32_t i = 0; i < n; i++) ids[i] = 2 * i + 1;
        check_columns(ids, n, 2 * MOST_COLUMNS);
        for (uint32_t i = 0; i < n; i++) ids[i] = i / 3;
        check_columns(ids, n, MOST_COLUMNS);
        for (uint32_t i = 0; i < n; i++) ids[i] = next_random() % MOST_COLUMNS;
        check_columns(ids, n, MOST_COLUMNS);
    }
}

/* Each FILTER adds an expression of three nodes, not counting its literal, and a column that it hands on. */
static void weight_of_plans(void **state)
{
    enum { FIRST = VONK_PLAN_NODE_WEIGHT, MORE = 3 * VONK_PLAN_NODE_WEIGHT + 1, MOST = FIRST + 20 * MORE };
    const uint64_t id = 1;
    vonk_budget *budget = NULL;
    vonk_status status = VONK_OK;
    vonk_error refused = VONK_ERROR_INIT;
    const vonk_expr *yes = NULL, *known = NULL, *both = NULL;
    OK(vonk_budget_new(vonk_budget_root(), "test", MOST * VONK_MEMORY_PER_PLAN_WEIGHT, &budget, err));
    const vonk_expr *column = new_column(budget, id);
    OK(vonk_ex_bool(budget, true, &yes, err));
    OK(vonk_expr_new(budget, VONK_EX_IS_NOT_NULL, &column, 1, (vonk_expr **)&known, err));
    OK(vonk_expr_finish((vonk_expr *)known, &known, err));
    OK(vonk_ex_and(budget, (const vonk_expr *[]){known, yes}, 2, &both, err));
    assert_int_equal(yes->n_nodes, 0);
    assert_int_equal(both->n_nodes, 3);
    const vonk_plan *p = NULL, *above = NULL;
    OK(vonk_plan_finish(leaf(budget, &id, 1), &p, err));
    assert_int_equal(p->weight, FIRST);
    for (uint32_t weight = FIRST + MORE;; weight += MORE) {
        status = vonk_pn_filter(budget, p, both, &above, &refused);
        assert_int_equal(status, weight <= MOST ? VONK_OK : VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
        if (status != VONK_OK) break;
        vonk_plan_unref(p);
        p = above;
        assert_int_equal(p->weight, weight);
    }
    vonk_error_reset(&refused);
    vonk_plan_unref(p);
    vonk_expr_unref(both);
    vonk_expr_unref(known);
    vonk_expr_unref(yes);
    vonk_expr_unref(column);
    vonk_budget_free(budget);
}

/* What is below is known without looking: kinds of expressions, and that a predicate holds nowhere. */
static bool is_named_x(const vonk_expr *e) { return vonk_str_is(e->name, "x"); }

static void kinds_below(void **state)
{
    vonk_budget *root = vonk_budget_root();
    const vonk_expr *column = new_column(root, 1), *cast = NULL, *named = NULL;
    OK(vonk_ex_cast(root, column, &vonk_type_string, VONK_MODE_ANSI, &cast, err));
    OK(vonk_ex_alias(root, cast, VONK_STR("x"), &named, err));
    assert_true(vonk_expr_contains(named, VONK_EX_ALIAS) && vonk_expr_contains(named, VONK_EX_COLUMN));
    assert_true(vonk_expr_contains(cast, VONK_EX_CAST) && !vonk_expr_contains(cast, VONK_EX_ALIAS));
    assert_true(vonk_expr_any(named, VONK_EX_BIT(VONK_EX_ALIAS), is_named_x));
    assert_false(vonk_expr_any(named, VONK_EX_BIT(VONK_EX_COLUMN) | VONK_EX_BIT(VONK_EX_CAST), is_named_x));
    assert_false(vonk_expr_any(cast, VONK_EX_BIT(VONK_EX_ALIAS), is_named_x));
    vonk_expr_unref(named);
    vonk_expr_unref(cast);
    vonk_expr_unref(column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_by_id),
        cmocka_unit_test(weight_of_plans),
        cmocka_unit_test(kinds_below),
    };
    return cmocka_run_group_tests_name("plan/plan", tests, NULL, NULL);
}
