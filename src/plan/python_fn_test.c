/* Tests of plan/python_fn.h: what a function holds, and that it lets go of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/ok_test.h"
#include "plan/python_fn.h"

/* A keeper of values 7 and 9; `kept` counts who holds them. */
static void hold(void *kept) { ++*(int *)kept; }
static void let_go(void *kept) { --*(int *)kept; }
static vonk_status path(void *kept, int64_t id, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    assert_true(*(int *)kept > 0);
    if (id == 13) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "destroyed");
    return vonk_arena_printf(arena, ret, err, "/values/%d", (int)id);
}
static const vonk_python_keeper keeper = {.ref = hold, .unref = let_go, .path = path};

static vonk_python_fn some(int *holders, const int64_t *ids, uint32_t n)
{
    static const vonk_str includes[] = {VONK_STR("a.zip"), VONK_STR("b.py")};
    return (vonk_python_fn){.name = VONK_STR("f"),
                            .eval = VONK_PY_BATCHED_UDF,
                            .command = VONK_STR("pickle"),
                            .python_version = VONK_STR("3.11"),
                            .returns = &vonk_type_long,
                            .includes = includes,
                            .n_includes = 2,
                            .broadcasts = ids,
                            .n_broadcasts = n,
                            .keeper = n ? &keeper : NULL,
                            .kept = holders};
}

static void values_live_as_long_as_functions(void **state)
{
    int64_t ids[] = {7, 9};
    int holders = 0;
    vonk_python_fn as = some(&holders, ids, 2);
    const vonk_python_fn *fn = NULL, *copy = NULL;
    const vonk_py_broadcast *found = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    (void)state;
    OK(vonk_arena_new(vonk_budget_root(), &arena, err));
    OK(vonk_python_fn_new(&as, &fn, err));
    ids[0] = 0; /* it has copied them */
    assert_int_equal(holders, 1);
    as = *fn;
    as.command = VONK_STR("another");
    OK(vonk_python_fn_new(&as, &copy, err)); /* what is derived of it holds them, too */
    assert_int_equal(holders, 2);
    vonk_python_fn_unref(vonk_python_fn_ref(fn));
    vonk_python_fn_unref(fn);
    assert_int_equal(holders, 1);
    OK(vonk_python_fn_broadcasts(copy, arena, &found, err));
    assert_int_equal(found[0].id, 7);
    assert_true(vonk_str_is(found[0].path, "/values/7") && vonk_str_is(found[1].path, "/values/9"));
    vonk_python_fn_unref(copy);
    assert_int_equal(holders, 0);
}

static void a_value_that_was_destroyed(void **state)
{
    const int64_t ids[] = {7, 13};
    int holders = 0;
    const vonk_python_fn as = some(&holders, ids, 2);
    const vonk_python_fn *fn = NULL;
    const vonk_py_broadcast *found = NULL;
    vonk_error why = VONK_ERROR_INIT;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    (void)state;
    OK(vonk_arena_new(vonk_budget_root(), &arena, err));
    OK(vonk_python_fn_new(&as, &fn, err));
    assert_int_equal(vonk_python_fn_broadcasts(fn, arena, &found, &why), VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&why);
    vonk_python_fn_unref(fn);
    assert_int_equal(holders, 0);
}

static void what_makes_functions_equal(void **state)
{
    const vonk_python_fn one = some(NULL, NULL, 0);
    vonk_python_fn other = one;
    const vonk_python_fn *a = NULL, *b = NULL, *c = NULL;
    (void)state;
    other.name = VONK_STR("g");
    OK(vonk_python_fn_new(&one, &a, err));
    OK(vonk_python_fn_new(&other, &b, err));
    assert_true(vonk_python_fn_equal(a, b)); /* names do not count */
    assert_int_equal(a->shape, VONK_PY_SHAPE_PICKLES);
    assert_int_equal(a->role, VONK_PY_ROLE_SCALAR);
    other.returns = &vonk_type_int;
    OK(vonk_python_fn_new(&other, &c, err));
    assert_false(vonk_python_fn_equal(a, c));
    vonk_python_fn_unref(a);
    vonk_python_fn_unref(b);
    vonk_python_fn_unref(c);
}

static void a_kind_that_does_not_exist(void **state)
{
    vonk_python_fn as = some(NULL, NULL, 0);
    const vonk_python_fn *fn = NULL;
    vonk_error why = VONK_ERROR_INIT;
    (void)state;
    as.eval = (vonk_py_eval)12345;
    assert_int_equal(vonk_python_fn_new(&as, &fn, &why), VONK_E_INTERNAL_ERROR);
    assert_null(fn);
    vonk_error_reset(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_live_as_long_as_functions), cmocka_unit_test(a_value_that_was_destroyed),
        cmocka_unit_test(what_makes_functions_equal), cmocka_unit_test(a_kind_that_does_not_exist)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
