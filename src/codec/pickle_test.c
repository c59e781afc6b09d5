/* Tests of codec/pickle.h with recorded pickles: CPython's in all protocols, and Spark's. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/ok_test.h"
#include "codec/pickle.h"
#include "codec/pickle_case.h"

typedef vonk_pickle_value value;

#define CASE(name)                                                                                                     \
    {                                                                                                                  \
        #name, { (const char *)(name), sizeof(name) }                                                                  \
    }
typedef struct recorded {
    const char *name;
    vonk_str bytes;
} recorded;
static uint8_t objects_5[sizeof objects_4]; /* the same but for its number: make_pickles.py looks */
static const recorded plain[] = {CASE(plain_0), CASE(plain_1), CASE(plain_2),
                                 CASE(plain_3), CASE(plain_4), CASE(plain_5)};
static const recorded objects[] = {CASE(objects_0), CASE(objects_1), CASE(objects_2),
                                   CASE(objects_3), CASE(objects_4), CASE(objects_5)};
static const recorded spark[] = {CASE(spark_rows_0), CASE(spark_types_0), CASE(spark_nested_0)};

static int make_arena(void **state)
{
    vonk_arena *arena;
    OK(vonk_arena_new(vonk_budget_root(), &arena, err));
    *state = arena;
    return 0;
}

static int drop_arena(void **state)
{
    vonk_arena_free(*state);
    return 0;
}

static const value *read_value(vonk_str bytes, vonk_arena *arena)
{
    const value *v = NULL;
    size_t used = 0;
    OK(vonk_pickle_read(bytes, arena, &v, &used, err));
    assert_int_equal(used, bytes.len);
    return v;
}

static void is_int(const value *v, int64_t i)
{
    assert_int_equal(v->kind, VONK_PICKLE_INT);
    assert_true(v->i == i);
}

static void is_text(const value *v, vonk_pickle_kind kind, vonk_str text)
{
    assert_int_equal(v->kind, kind);
    assert_true(vonk_str_eq(v->text, text));
}

static void is_box(const value *v, vonk_pickle_kind kind, uint32_t n)
{
    assert_int_equal(v->kind, kind);
    assert_int_equal(v->n_items, n);
}

/* make_pickles.py, PLAIN. Protocols before 2 write integers that do not fit 32 bits as text. */
static void check_plain(const value *v)
{
    static const int64_t ints[] = {0,         255,      256, 65536, -1, INT32_MAX, INT32_MIN, INT64_C(1) << 31,
                                   INT64_MAX, INT64_MIN};
    is_box(v, VONK_PICKLE_LIST, 34);
    const value **x = v->items;
    assert_int_equal(x[0]->kind, VONK_PICKLE_NONE);
    assert_true(x[1]->kind == VONK_PICKLE_BOOL && x[1]->i == 1);
    assert_true(x[2]->kind == VONK_PICKLE_BOOL && x[2]->i == 0);
    for (size_t i = 0; i < 10; i++) is_int(x[3 + i], ints[i]);
    is_text(x[13], VONK_PICKLE_LONG, VONK_STR("\0\0\0\0\0\0\0\x80\0"));
    is_text(x[14], VONK_PICKLE_LONG, VONK_STR("\0\0\0\0\0\0\0\0\0\0\0\0\xf0"));
    assert_true(x[15]->kind == VONK_PICKLE_FLOAT && x[15]->f == 1.5);
    assert_true(x[16]->kind == VONK_PICKLE_FLOAT && x[16]->f == (double)__builtin_inf());
    is_text(x[17], VONK_PICKLE_STRING, VONK_STR(""));
    is_text(x[18], VONK_PICKLE_STRING, VONK_STR("text"));
    is_text(x[19], VONK_PICKLE_STRING, VONK_STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\ \n"));
    is_text(x[20], VONK_PICKLE_BYTES, VONK_STR(""));
    is_text(x[21], VONK_PICKLE_BYTES,
            VONK_STR("\0\xff"
                     "ab"));
    is_text(x[22], VONK_PICKLE_BYTEARRAY, VONK_STR("\x80x"));
    is_box(x[23], VONK_PICKLE_LIST, 0);
    is_box(x[24], VONK_PICKLE_LIST, 2);
    is_int(x[24]->items[1]->items[0], 2);
    for (uint32_t n = 0; n < 5; n++) {
        is_box(x[25 + n], VONK_PICKLE_TUPLE, n);
        for (uint32_t i = 0; i < n; i++) is_int(x[25 + n]->items[i], i + 1);
    }
    is_box(x[30], VONK_PICKLE_DICT, 0);
    is_box(x[31], VONK_PICKLE_DICT, 4);
    is_text(x[31]->items[0], VONK_PICKLE_STRING, VONK_STR("a"));
    is_text(x[31]->items[3], VONK_PICKLE_STRING, VONK_STR("b"));
    is_box(x[32], VONK_PICKLE_SET, 1);
    is_int(x[32]->items[0], 7);
    is_box(x[33], VONK_PICKLE_FROZENSET, 1);
    is_int(x[33]->items[0], 8);
}

static void test_plain(void **state)
{
    for (size_t i = 0; i < 6; i++) {
        print_message("%s\n", plain[i].name);
        check_plain(read_value(plain[i].bytes, *state));
    }
}

static void test_written(void **state)
{
    for (size_t i = 0; i < 6; i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        OK(vonk_pickle_write(read_value(plain[i].bytes, *state), &out, err));
        check_plain(read_value(vonk_buf_str(&out), *state));
    }
}

static void test_objects(void **state)
{
    static const char *const classes[] = {"decimal.Decimal",   "datetime.date", "datetime.datetime",
                                          "datetime.datetime", "datetime.time", "datetime.timedelta"};
    for (size_t i = 0; i < 6; i++) {
        print_message("%s\n", objects[i].name);
        const value *v = read_value(objects[i].bytes, *state);
        is_box(v, VONK_PICKLE_LIST, 10);
        for (size_t k = 0; k < 6; k++) assert_true(vonk_str_is(vonk_pickle_class(v->items[k]), classes[k]));
        is_text(v->items[0]->items[1]->items[0], VONK_PICKLE_STRING, VONK_STR("-1.50"));
        is_text(v->items[1]->items[1]->items[0], VONK_PICKLE_BYTES, VONK_STR("\x07\xe4\x02\x1d"));
        assert_true(vonk_str_is(vonk_pickle_class(v->items[8]), "collections.OrderedDict"));
        assert_int_equal(v->items[9]->kind, VONK_PICKLE_GLOBAL);
    }
}

static void test_spark(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        const value *v = read_value(spark[i].bytes, *state);
        assert_int_equal(v->kind, VONK_PICKLE_TUPLE);
        const value *row = v->items[0];
        assert_int_equal(row->kind, VONK_PICKLE_OBJECT);
        assert_int_equal(row->items[0]->kind, VONK_PICKLE_OBJECT);
        assert_true(vonk_str_is(vonk_pickle_class(row->items[0]), "pyspark.sql.types._create_row_inbound_converter"));
        if (i == 0) is_int(row->items[1]->items[0], 1);
    }
}

static void test_refused(void **state)
{
    static const struct {
        vonk_str bytes;
        const char *why;
    } bad[] = {
        {VONK_STR(""), "ends"},
        {VONK_STR("\x80\x06N."), "protocol"},
        {VONK_STR("\x80\x04]\x94(h\0e."), "contains itself"},
        {VONK_STR("}\x94(h\0Nu."), "contains itself"},
        {VONK_STR("(]\x94h\0a1N0."), "nothing on the stack"},
        {VONK_STR("P1\n."), "persistent"},
        {VONK_STR("NQ."), "persistent"},
        {VONK_STR("\x97."), "out-of-band"},
        {VONK_STR("\x82\x01."), "extension"},
        {VONK_STR("h\0."), "memo"},
        {VONK_STR("Nr\xff\xff\xff\x7f."), "memo"},
        {VONK_STR("X\x02\0\0\0\xed\xa0."), "UTF-8"},
        {VONK_STR("V\\ud800\n."), "half a character"},
        {VONK_STR("(Nd."), "without a value"},
        {VONK_STR("N)R."), "no class"},
        {VONK_STR("I1x\n."), "number"},
        {VONK_STR("\x95\xff\0\0\0\0\0\0\0N."), "frame"},
        {VONK_STR("\xff"), "not known"},
        {VONK_STR("(.."), "nothing on the stack"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        vonk_error err = VONK_ERROR_INIT;
        const value *v;
        assert_int_equal(vonk_pickle_read(bad[i].bytes, *state, &v, NULL, &err), VONK_E_INTERNAL_ERROR);
        if (!strstr(vonk_error_message(&err), bad[i].why)) fail_msg("%zu: %s", i, vonk_error_message(&err));
        vonk_error_reset(&err);
    }
}

static void test_depth(void **state)
{
    char bytes[2 * VONK_PICKLE_MAX_DEPTH + 8];
    for (int extra = 0; extra < 2; extra++) {
        vonk_error err = VONK_ERROR_INIT;
        const value *v;
        size_t n = 0;
        bytes[n++] = 'N';
        for (int i = 0; i < VONK_PICKLE_MAX_DEPTH + extra; i++) bytes[n++] = (char)0x85;
        bytes[n++] = '.';
        assert_int_equal(vonk_pickle_read((vonk_str){bytes, n}, *state, &v, NULL, &err),
                         extra ? VONK_E_INTERNAL_ERROR : VONK_OK);
        vonk_error_reset(&err);
    }
    /* Twice as many at each level: few bytes, more values than there are atoms. */
    size_t n = 0;
    const value *v;
    vonk_error err = VONK_ERROR_INIT;
    bytes[n++] = 'N';
    for (int i = 0; i < 90; i++) {
        bytes[n++] = '2';
        bytes[n++] = (char)0x86;
    }
    bytes[n++] = '.';
    assert_int_equal(vonk_pickle_read((vonk_str){bytes, n}, *state, &v, NULL, &err), VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&err);
}

/* Values -> a column of `ddl` -> the pickle of its rows. */
static vonk_status there_and_back(vonk_str in, const char *ddl, bool internal, vonk_budget *budget, vonk_buf *out,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    __attribute__((cleanup(vonk_type_unref_auto))) const vonk_type *type = NULL;
    vonk_pickle_options options = {.internal = internal, .named = true};
    const value *v;
    VONK_TRY(vonk_type_parse(vonk_str_of(ddl), &type, err));
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_pickle_read(in, arena, &v, NULL, err));
    VONK_TRY(vonk_builder_init(&b, budget, type, 1, err));
    for (uint32_t i = 0; i < v->n_items; i++) {
        const value *row = v->items[i];
        if (row->kind == VONK_PICKLE_OBJECT && row->items[0]->kind == VONK_PICKLE_OBJECT) row = row->items[1];
        VONK_TRY(vonk_pickle_append(row, type, &options, &b, err));
    }
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    VONK_TRY(vonk_column_check(column, err));
    VONK_TRY(vonk_batch_new(budget, column->n_rows, column->children, column->n_children, &batch, err));
    return vonk_pickle_write_rows(batch, type, &options, out, err);
}

static const char types_ddl[] =
    "struct<a:boolean,b:tinyint,c:smallint,d:bigint,e:bigint,f:float,g:decimal(3,2),h:binary,"
    "i:date,j:timestamp,k:timestamp_ntz,l:interval day to second>";
static const char nested_ddl[] =
    "struct<a:array<int>,b:map<string,int>,c:struct<x:int,y:string>,d:array<struct<x:date>>>";

static void test_rows(void **state)
{
    static const char *const ddls[] = {"struct<a:int,b:string,c:double>", types_ddl, nested_ddl};
    for (size_t i = 0; i < 3; i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        OK(there_and_back(spark[i].bytes, ddls[i], true, vonk_budget_root(), &out, err));
        const value *v = read_value(vonk_buf_str(&out), *state), *was = read_value(spark[i].bytes, *state);
        VONK_AUTO(vonk_buf_done) vonk_buf a = {0}, b = {0};
        vonk_buf_init(&a, vonk_budget_root(), SIZE_MAX);
        vonk_buf_init(&b, vonk_budget_root(), SIZE_MAX);
        is_box(v, VONK_PICKLE_LIST, was->n_items);
        if (i == 2) { /* nested rows are tuples: the outer one's converter converts them */
            const value *c = v->items[0]->items[1]->items[2];
            is_box(c, VONK_PICKLE_TUPLE, 2);
            is_int(c->items[0], 1);
            is_text(c->items[1], VONK_PICKLE_STRING, VONK_STR("q"));
            continue;
        }
        OK(vonk_pickle_write(v->items[0]->items[1], &a, err));
        OK(vonk_pickle_write(was->items[0]->items[1], &b, err));
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
    }
}

static void test_wrong_length(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(there_and_back(VONK_STR("](K\1\x85"
                                             "e."),
                                    "struct<a:int,b:int>", true, vonk_budget_root(), &out, &err),
                     VONK_E_STRUCT_ARRAY_LENGTH_MISMATCH);
    vonk_error_reset(&err);
}

static void test_needs_converter(void **state)
{
    static const struct {
        const char *ddl;
        bool needs;
    } types[] = {{"int", false},
                 {"decimal(10,2)", false},
                 {"interval month", false},
                 {"array<string>", false},
                 {"map<string,array<int>>", false},
                 {"date", true},
                 {"time(6)", true},
                 {"interval day", true},
                 {"variant", true},
                 {"struct<a:int>", true},
                 {"array<date>", true},
                 {"map<timestamp,int>", true},
                 {"map<int,array<timestamp_ntz>>", true}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const vonk_type *type = NULL;
        OK(vonk_type_parse(vonk_str_of(types[i].ddl), &type, err));
        assert_int_equal(vonk_pickle_needs_converter(type), types[i].needs);
        vonk_type_unref(type);
    }
}

static void test_faults(void **state)
{
#ifdef VONK_FAULTS
    static const char *const ddls[] = {"struct<a:int,b:string,c:double>", types_ddl, nested_ddl};
    for (size_t i = 0; i < 3; i++)
        for (int64_t at = 0;; at++) {
            vonk_error err = VONK_ERROR_INIT;
            vonk_buf out = {0};
            vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
            vonk_fault_arm(VONK_FAULT_ALLOC, at);
            vonk_status st = there_and_back(spark[i].bytes, ddls[i], true, vonk_budget_root(), &out, &err);
            bool fired = vonk_fault_fired();
            vonk_fault_arm(VONK_FAULT_ALLOC, -1);
            assert_true((st == VONK_OK) == !fired);
            vonk_error_reset(&err);
            vonk_buf_done(&out);
            if (!fired) break;
            assert_int_equal(st, VONK_E_MEMORY_BUDGET_EXCEEDED);
        }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_written, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_objects, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_spark, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_refused, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_depth, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(test_rows, make_arena, drop_arena),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_needs_converter),
        cmocka_unit_test(test_faults),
    };
    memcpy(objects_5, objects_4, sizeof objects_5);
    objects_5[1] = 5;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
