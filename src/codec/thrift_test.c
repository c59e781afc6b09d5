/* Tests of codec/thrift.c: every kind there and back, unknown fields, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "codec/thrift.h"

typedef struct inner {
    uint32_t has;
    int32_t a;
    bool b;
} inner;
typedef struct outer {
    uint32_t has;
    bool yes, no;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    double d;
    vonk_str s;
    inner in;
    VONK_THRIFT_LIST(inner) ins;
    VONK_THRIFT_LIST(vonk_str) strs;
    VONK_THRIFT_LIST(bool) bools;
    VONK_THRIFT_LIST(int64_t) longs;
} outer;

static const vonk_thrift_field inner_fields[] = {
    {1, offsetof(inner, a), VONK_THRIFT_I32, 0, true, NULL},
    {2, offsetof(inner, b), VONK_THRIFT_BOOL, 0, false, NULL},
};
static const vonk_thrift_struct inner_table = {"Inner", inner_fields, 2, sizeof(inner)};
static const vonk_thrift_field outer_fields[] = {
    {1, offsetof(outer, yes), VONK_THRIFT_BOOL, 0, true, NULL},
    {2, offsetof(outer, no), VONK_THRIFT_BOOL, 0, false, NULL},
    {3, offsetof(outer, i8), VONK_THRIFT_I8, 0, false, NULL},
    {20, offsetof(outer, i16), VONK_THRIFT_I16, 0, false, NULL}, /* a jump of more than 15 */
    {21, offsetof(outer, i32), VONK_THRIFT_I32, 0, false, NULL},
    {22, offsetof(outer, i64), VONK_THRIFT_I64, 0, false, NULL},
    {23, offsetof(outer, d), VONK_THRIFT_DOUBLE, 0, false, NULL},
    {24, offsetof(outer, s), VONK_THRIFT_BINARY, 0, false, NULL},
    {25, offsetof(outer, in), VONK_THRIFT_STRUCT, 0, false, &inner_table},
    {26, offsetof(outer, ins), VONK_THRIFT_LIST, VONK_THRIFT_STRUCT, false, &inner_table},
    {27, offsetof(outer, strs), VONK_THRIFT_LIST, VONK_THRIFT_BINARY, false, NULL},
    {28, offsetof(outer, bools), VONK_THRIFT_LIST, VONK_THRIFT_BOOL, false, NULL},
    {29, offsetof(outer, longs), VONK_THRIFT_LIST, VONK_THRIFT_I64, false, NULL},
};
static const vonk_thrift_struct outer_table = {"Outer", outer_fields, VONK_COUNTOF(outer_fields), sizeof(outer)};

static inner inners[20] = {{3, 5, true}, {1, -7, false}};
static vonk_str strs[2] = {{"abc", 3}, {"", 0}};
static bool bools[3] = {true, false, true};
static int64_t longs[2] = {INT64_MIN, INT64_MAX};

static void make(outer *o, vonk_buf *out)
{
    vonk_error err = VONK_ERROR_INIT;
    for (int i = 2; i < 20; i++) inners[i] = (inner){1, i, false};
    *o = (outer){.has = (1u << VONK_COUNTOF(outer_fields)) - 1,
                 .yes = true,
                 .i8 = -3,
                 .i16 = -300,
                 .i32 = INT32_MIN,
                 .i64 = INT64_MIN,
                 .d = -2.5,
                 .s = {"xyz", 3},
                 .in = {3, 77, false}};
    o->ins.at = inners, o->ins.n = 20;
    o->strs.at = strs, o->strs.n = 2;
    o->bools.at = bools, o->bools.n = 3;
    o->longs.at = longs, o->longs.n = 2;
    vonk_buf_init(out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_thrift_write(&outer_table, o, out, &err), VONK_OK);
}

static void there_and_back(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    outer o, r;
    vonk_buf out = {0};
    make(&o, &out);
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    vonk_cursor in = vonk_cursor_of(out.data, out.len, "test");
    assert_int_equal(vonk_thrift_read(arena, &in, &outer_table, &r, &err), VONK_OK);
    assert_int_equal(vonk_cursor_left(&in), 0);
    assert_int_equal(r.has, o.has);
    assert_true(r.yes && !r.no && r.i8 == -3 && r.i16 == -300 && r.i32 == INT32_MIN && r.i64 == INT64_MIN &&
                r.d == -2.5);
    assert_true(vonk_str_is(r.s, "xyz") && r.in.has == 3 && r.in.a == 77 && !r.in.b);
    assert_int_equal(r.ins.n, 20);
    assert_true(r.ins.at[0].a == 5 && r.ins.at[0].b && r.ins.at[1].a == -7 && !(r.ins.at[1].has & 2) &&
                r.ins.at[19].a == 19);
    assert_true(r.strs.n == 2 && vonk_str_is(r.strs.at[0], "abc") && r.strs.at[1].len == 0);
    assert_true(r.bools.n == 3 && r.bools.at[0] && !r.bools.at[1] && r.bools.at[2]);
    assert_true(r.longs.n == 2 && r.longs.at[0] == INT64_MIN && r.longs.at[1] == INT64_MAX);

    /* Another reader that knows only the inner fields skips everything else. */
    static const vonk_thrift_field few[] = {{24, offsetof(outer, s), VONK_THRIFT_BINARY, 0, true, NULL}};
    static const vonk_thrift_struct few_table = {"Few", few, 1, sizeof(outer)};
    in = vonk_cursor_of(out.data, out.len, "test");
    assert_int_equal(vonk_thrift_read(arena, &in, &few_table, &r, &err), VONK_OK);
    assert_true(r.has == 1 && vonk_str_is(r.s, "xyz") && vonk_cursor_left(&in) == 0);
    vonk_arena_free(arena);
    vonk_buf_done(&out);
}

static void bad_bytes(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    outer o, r;
    vonk_buf out = {0};
    make(&o, &out);
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    for (size_t n = 0; n < out.len; n++) {
        vonk_cursor in = vonk_cursor_of(out.data, n, "test");
        assert_int_equal(vonk_thrift_read(arena, &in, &outer_table, &r, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
        for (int bit = 0; bit < 8; bit++) {
            out.data[n] = (char)(out.data[n] ^ (1 << bit));
            in = vonk_cursor_of(out.data, out.len, "test");
            (void)!vonk_thrift_read(arena, &in, &outer_table, &r, &err);
            vonk_error_reset(&err);
            out.data[n] = (char)(out.data[n] ^ (1 << bit));
        }
        vonk_arena_reset(arena);
    }
    vonk_arena_free(arena);
    vonk_buf_done(&out);
}

static void too_deep(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    outer r;
    char deep[1000];
    assert_int_equal(vonk_arena_new(vonk_budget_root(), &arena, &err), VONK_OK);
    static const uint8_t heads[] = {0x1c /* a struct in field 1 */, 0x19 /* a list in field 1 */};
    for (size_t k = 0; k < VONK_COUNTOF(heads); k++) {
        memset(deep, heads[k], sizeof deep);
        if (k == 1) memset(deep + 1, 0x19 /* of one list */, sizeof deep - 1);
        deep[0] = (char)(heads[k] + 0x40); /* unknown field 5 */
        vonk_cursor in = vonk_cursor_of(deep, sizeof deep, "test");
        assert_int_equal(vonk_thrift_read(arena, &in, &outer_table, &r, &err), VONK_E_MALFORMED_INPUT);
        assert_non_null(strstr(vonk_error_message(&err), "too deep"));
        vonk_error_reset(&err);
    }
    vonk_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(bad_bytes),
        cmocka_unit_test(too_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
