/* Tests of sets of expressions and of column ids, against plain loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/ok_test.h"
#include "plan/expr_set.h"

enum { NUMBERS = 300, ADDED = 1000 };

static uint64_t random_state = 1;
static vonk_arena *arena;

static uint64_t next_random(void) { return random_state = vonk_hash_mix(random_state + 1); }

static int setup(void **state)
{
    OK(vonk_arena_new(vonk_budget_root(), &arena, err));
    return 0;
}

static int teardown(void **state)
{
    vonk_arena_free(arena);
    return 0;
}

static void drop(void *e) { vonk_expr_unref(e); }

static const vonk_expr *keep(const vonk_expr *e)
{
    OK(vonk_arena_on_free(arena, drop, (void *)(uintptr_t)e, err));
    return e;
}

static const vonk_expr *number(uint64_t value)
{
    const vonk_expr *e = NULL;
    OK(vonk_ex_int(vonk_budget_root(), (int64_t)value, &vonk_type_long, &e, err));
    return keep(e);
}

/* Equal expressions are the same member, whatever node they are; members stay where they are while the table grows. */
static void set_of_expressions(void **state)
{
    vonk_expr_set set = {0};
    size_t where[NUMBERS], n = 0;

    assert_true(vonk_expr_set_find(&set, number(1)) == SIZE_MAX);
    for (size_t i = 0; i < NUMBERS; i++) where[i] = SIZE_MAX;
    for (size_t i = 0; i < ADDED; i++) {
        const uint64_t value = next_random() % NUMBERS;
        size_t at = SIZE_MAX;
        OK(vonk_expr_set_add(&set, arena, number(value), &at, err));
        if (where[value] == SIZE_MAX) where[value] = n++;
        assert_int_equal(at, where[value]);
        assert_int_equal(set.n, n);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        const vonk_expr *e = number(i);
        assert_true(vonk_expr_set_find(&set, e) == where[i]);
        if (where[i] != SIZE_MAX) assert_true(vonk_expr_equal(set.at[where[i]], e));
    }
}

/* A conjunction of columns of random ids, some of them twice. */
static const vonk_expr *columns(uint32_t n, bool *seen)
{
    const vonk_expr *column[8], *e = NULL;

    for (uint32_t i = 0; i < n; i++) {
        vonk_expr *made = NULL;
        OK(vonk_expr_new(vonk_budget_root(), VONK_EX_COLUMN, NULL, 0, &made, err));
        made->id = next_random() % NUMBERS;
        seen[made->id] = true;
        column[i] = keep(made);
    }
    OK(vonk_ex_and(vonk_budget_root(), column, n, &e, err));
    return keep(e);
}

static void column_ids(void **state)
{
    vonk_ids ids = {0};
    bool seen[NUMBERS] = {false};

    assert_false(vonk_ids_has(&ids, 0));
    for (size_t round = 0; round < ADDED; round++) {
        size_t n = 0;
        OK(vonk_expr_column_ids(columns(1 + next_random() % 8, seen), arena, &ids, err));
        for (uint64_t id = 0; id < NUMBERS; id++) {
            assert_int_equal(vonk_ids_has(&ids, id), seen[id]);
            if (seen[id]) assert_true(n < ids.n && ids.at[n++] == id);
        }
        assert_int_equal(n, ids.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(set_of_expressions, setup, teardown),
        cmocka_unit_test_setup_teardown(column_ids, setup, teardown),
    };
    return cmocka_run_group_tests_name("plan/expr_set", tests, NULL, NULL);
}
