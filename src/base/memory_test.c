/* Tests of the containers: arena, buf, vec, strmap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/strmap.h"
#include "base/vec.h"

static vonk_budget *budget;

static int set_up(void **state)
{
    return vonk_budget_new(vonk_budget_root(), "test", 64 << 20, &budget, NULL) == VONK_OK ? 0 : -1;
}
static int tear_down(void **state)
{
    if (vonk_budget_used(budget) != 0) return -1; /* each test frees what it took */
    vonk_budget_free(budget);
    return 0;
}

static char dropped[8], letters[] = "abc";
static void drop_a(void *thing) { strncat(dropped, thing, 1); }

static void arena_allocates_zeroed_and_aligned(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena;
    assert_int_equal(vonk_arena_new(budget, &arena, &err), VONK_OK);
    assert_int_equal(vonk_budget_used(budget), 1024); /* one block for a small thing */
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 5000; n += 7) {
            unsigned char *p;
            assert_int_equal(vonk_arena_alloc(arena, n, &p, &err), VONK_OK);
            assert_int_equal((uintptr_t)p % 16, 0);
            size_t dirty = 0;
            for (size_t i = 0; i < n; i++) dirty += p[i] != 0;
            assert_int_equal(dirty, 0);
            memset(p, 0xee, n);
        }
        int64_t full = vonk_budget_used(budget);
        vonk_arena_reset(arena);
        assert_true(vonk_budget_used(budget) < full);
    }
    void *huge;
    assert_int_equal(vonk_arena_alloc(arena, 8 << 20, &huge, &err), VONK_OK);
    vonk_arena_reset(arena);
    assert_true(vonk_budget_used(budget) < 3 << 20); /* a huge block does not stay */
    assert_int_equal(vonk_arena_alloc(arena, SIZE_MAX, &huge, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_arena_alloc(arena, SIZE_MAX - 20, &huge, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_arena_array(arena, SIZE_MAX / 4, 8, &huge, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_arena_alloc(arena, 65 << 20, &huge, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    vonk_str s;
    assert_int_equal(vonk_arena_printf(arena, &s, &err, "%s-%d", "a", 5), VONK_OK);
    assert_string_equal(s.data, "a-5");
    assert_int_equal(vonk_arena_str(arena, VONK_STR("copy"), &s, &err), VONK_OK);
    assert_string_equal(s.data, "copy");
    assert_ptr_equal(vonk_arena_budget(arena), budget);
    vonk_arena_free(arena);
    vonk_arena_free(NULL);
}

static void arena_runs_cleanups_backwards(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena;
    assert_int_equal(vonk_arena_new(budget, &arena, &err), VONK_OK);
    dropped[0] = 0;
    assert_int_equal(vonk_arena_on_free(arena, drop_a, letters + 0, &err), VONK_OK);
    assert_int_equal(vonk_arena_on_free(arena, drop_a, letters + 1, &err), VONK_OK);
    vonk_arena_reset(arena);
    assert_string_equal(dropped, "ba");
    assert_int_equal(vonk_arena_on_free(arena, drop_a, letters + 2, &err), VONK_OK);
    vonk_arena_free(arena);
    assert_string_equal(dropped, "bac");
}

static void buf_grows_up_to_its_maximum(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, budget, 1000);
    assert_int_equal(vonk_buf_append(&buf, NULL, 0, &err), VONK_OK);
    assert_int_equal(vonk_buf_add_c(&buf, "abc", &err), VONK_OK);
    assert_int_equal(vonk_buf_add_byte(&buf, '-', &err), VONK_OK);
    assert_int_equal(vonk_buf_add_str(&buf, VONK_STR("def"), &err), VONK_OK);
    assert_int_equal(vonk_buf_printf(&buf, &err, "[%05d]%s", 42, ""), VONK_OK);
    assert_true(vonk_str_is(vonk_buf_str(&buf), "abc-def[00042]"));
    char *at;
    assert_int_equal(vonk_buf_extend(&buf, 1000 - 14 - 6, &at, &err), VONK_OK);
    memset(at, 'x', 980);
    assert_int_equal(vonk_buf_printf(&buf, &err, "%s", "1234567"), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_buf_printf(&buf, &err, "%s", "123456"), VONK_OK); /* to the last byte */
    assert_int_equal(buf.len, 1000);
    assert_memory_equal(buf.data + 994, "123456", 6);
    assert_int_equal(vonk_buf_add_byte(&buf, 'x', &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_buf_reserve(&buf, SIZE_MAX, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    vonk_buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    vonk_buf_done(&buf);
    vonk_buf_done(&buf); /* zeroed storage */
    vonk_buf_init(&buf, budget, SIZE_MAX);
    for (int i = 0; i < 2000; i++) assert_int_equal(vonk_buf_printf(&buf, &err, "%d,", i), VONK_OK);
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4 + 1000 * 5);
    vonk_buf_done(&buf);
}

static void vec_grows(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_VEC(int) numbers = {0};
    for (int i = 0; i < 10000; i++) assert_int_equal(VONK_VEC_PUSH(&numbers, budget, i, &err), VONK_OK);
    for (int i = 0; i < 10000; i++) assert_int_equal(numbers.at[i], i);
    vonk_free(numbers.at);
    vonk_arena *arena;
    assert_int_equal(vonk_arena_new(budget, &arena, &err), VONK_OK);
    VONK_VEC(char *) words = {0};
    for (int i = 0; i < 1000; i++) assert_int_equal(VONK_VEC_ARENA_PUSH(&words, arena, dropped + i % 8, &err), VONK_OK);
    for (int i = 0; i < 1000; i++) assert_ptr_equal(words.at[i], dropped + i % 8);
    vonk_arena_free(arena);
}

static void strmap_keeps_insertion_order(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_strmap *map;
    enum { N = 3000 };
    static int values[N];
    assert_int_equal(vonk_strmap_new(budget, false, &map, &err), VONK_OK);
    assert_null(vonk_strmap_get(map, VONK_STR("x")));
    for (int i = 0; i < N; i++) {
        char key[32];
        snprintf(key, sizeof(key), "key%d", i);
        void *old = map;
        assert_int_equal(vonk_strmap_put(map, vonk_str_of(key), &values[i], &old, &err), VONK_OK);
        assert_null(old);
    }
    for (int i = 0; i < N; i += 2) {
        char key[32];
        snprintf(key, sizeof(key), "key%d", i);
        assert_ptr_equal(vonk_strmap_take(map, vonk_str_of(key)), &values[i]);
        assert_null(vonk_strmap_take(map, vonk_str_of(key)));
    }
    void *old = NULL;
    assert_int_equal(vonk_strmap_put(map, VONK_STR("key1"), &values[0], &old, &err), VONK_OK);
    assert_ptr_equal(old, &values[1]);
    assert_int_equal(vonk_strmap_put(map, VONK_STR("key0"), &values[0], NULL, &err),
                     VONK_OK); /* comes back, at the end */
    assert_int_equal(vonk_strmap_n(map), N / 2 + 1);
    size_t at = 0, n = 0;
    vonk_str key;
    void *value;
    while (vonk_strmap_next(map, &at, &key, &value)) {
        if (n > 0 && n < N / 2) assert_ptr_equal(value, &values[2 * n + 1]);
        n++;
    }
    assert_int_equal(n, N / 2 + 1);
    assert_true(vonk_str_is(key, "key0"));
    /* Put and take without end must not grow without end. */
    int64_t used = vonk_budget_used(budget);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(vonk_strmap_put(map, VONK_STR("again"), &values[0], NULL, &err), VONK_OK);
        assert_non_null(vonk_strmap_take(map, VONK_STR("again")));
    }
    assert_true(vonk_budget_used(budget) <= 2 * used);
    vonk_strmap_free(map);
    vonk_strmap_free(NULL);
}

static void strmap_folds_case(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_strmap *map;
    int a, b;
    assert_int_equal(vonk_strmap_new(budget, true, &map, &err), VONK_OK);
    assert_int_equal(vonk_strmap_put(map, VONK_STR("Spark.SQL"), &a, NULL, &err), VONK_OK);
    assert_int_equal(vonk_strmap_put(map, VONK_STR(""), &b, NULL, &err), VONK_OK);
    assert_ptr_equal(vonk_strmap_get(map, VONK_STR("sPARK.sql")), &a);
    assert_ptr_equal(vonk_strmap_get(map, VONK_STR_NONE), &b);
    assert_null(vonk_strmap_get(map, VONK_STR("\xc3\x84")));
    assert_int_equal(vonk_strmap_put(map, VONK_STR("\xc3\x84"), &a, NULL, &err), VONK_OK);
    assert_null(vonk_strmap_get(map, VONK_STR("\xc3\xa4"))); /* only ASCII folds */
    vonk_strmap_free(map);
}

#ifdef VONK_FAULTS
static vonk_status use_everything(vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_strmap_free) vonk_strmap *map = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    vonk_buf_init(&buf, budget, SIZE_MAX);
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_strmap_new(budget, false, &map, err));
    for (int i = 0; i < 50; i++) {
        vonk_str key;
        dropped[0] = 0;
        VONK_TRY(vonk_arena_printf(arena, &key, err, "%0100d", i));
        VONK_TRY(vonk_strmap_put(map, key, map, NULL, err));
        VONK_TRY(vonk_buf_add_str(&buf, key, err));
    }
    return VONK_OK;
}

static void each_allocation_may_fail(void **state)
{
    for (int at = 0;; at++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_fault_arm(VONK_FAULT_ALLOC, at);
        vonk_status st = use_everything(&err);
        bool fired = vonk_fault_fired();
        vonk_fault_arm(VONK_FAULT_ALLOC, -1);
        assert_true((st == VONK_OK) == !fired);
        if (fired) assert_int_equal(st, VONK_E_MEMORY_BUDGET_EXCEEDED);
        assert_int_equal(vonk_budget_used(budget), 0);
        vonk_error_reset(&err);
        if (!fired) break;
        assert_true(at < 10000);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arena_allocates_zeroed_and_aligned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arena_runs_cleanups_backwards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buf_grows_up_to_its_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vec_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strmap_keeps_insertion_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strmap_folds_case, set_up, tear_down),
#ifdef VONK_FAULTS
        cmocka_unit_test_setup_teardown(each_allocation_may_fail, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
