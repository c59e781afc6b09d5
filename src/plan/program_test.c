/* Tests of the evaluator: expressions made by hand over small batches; results as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "column/builder.h"
#include "func/cast.h"
#include "plan/conf.h"
#include "plan/program.h"

static vonk_fn_env env;
static vonk_budget *budget;
static const vonk_conf *conf;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        vonk_error err = VONK_ERROR_INIT;                                                                              \
        vonk_status st_ = (call);                                                                                      \
        if (st_ != VONK_OK) fail_msg("%s", vonk_error_message(&err));                                                  \
    } while (0)

/* Expressions live until the test ends. */
static const vonk_expr *made[4096];
static size_t n_made;
static const vonk_expr *keep(const vonk_expr *e) { return made[n_made++] = e; }

static const vonk_expr *num(int64_t v)
{
    const vonk_expr *e;
    OK(vonk_ex_int(budget, v, &vonk_type_int, &e, &err));
    return keep(e);
}
static const vonk_expr *str(const char *v)
{
    const vonk_expr *e;
    OK(vonk_ex_string(budget, vonk_str_of(v), &e, &err));
    return keep(e);
}
static const vonk_expr *null(void)
{
    const vonk_expr *e;
    OK(vonk_ex_null(budget, &vonk_type_null, &e, &err));
    return keep(e);
}
static const vonk_expr *bound(uint32_t i, const vonk_type *type)
{
    const vonk_expr *e;
    OK(vonk_ex_bound(budget, i, type, true, VONK_STR("c"), &e, &err));
    return keep(e);
}
static const vonk_expr *fn(const char *name, const vonk_expr *a, const vonk_expr *b)
{
    const vonk_expr *e, *args[2] = {a, b};
    OK(vonk_ex_function(budget, &env, vonk_str_of(name), args, b ? 2 : 1, &e, &err));
    return keep(e);
}
static const vonk_expr *cast(const vonk_expr *a, const char *type)
{
    const vonk_expr *e;
    const vonk_type *t;
    OK(vonk_type_parse(vonk_str_of(type), &t, &err));
    OK(vonk_ex_cast(budget, a, t, env.ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY, &e, &err));
    vonk_type_unref(t);
    return keep(e);
}
static const vonk_expr *node(vonk_expr_kind kind, uint32_t n, const vonk_expr *const *children)
{
    vonk_expr *e;
    const vonk_expr *done;
    OK(vonk_expr_new(budget, kind, children, n, &e, &err));
    OK(vonk_expr_finish(e, &done, &err));
    assert_true(done->resolved);
    return keep(done);
}
#define NODE(kind, ...)                                                                                                \
    node(VONK_EX_##kind, sizeof((const vonk_expr *[]){__VA_ARGS__}) / sizeof(void *),                                  \
         (const vonk_expr *[]){__VA_ARGS__})

/* A column of texts cast to the type; "-" is null. */
static vonk_column *column(const char *type, const char *const *texts, uint32_t n)
{
    vonk_builder b;
    vonk_column *strings, *c;
    const vonk_type *t;
    OK(vonk_type_parse(vonk_str_of(type), &t, &err));
    OK(vonk_builder_init(&b, budget, &vonk_type_string, n, &err));
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(texts[i], "-") == 0)
            OK(vonk_builder_null(&b, &err));
        else
            OK(vonk_builder_str(&b, vonk_str_of(texts[i]), &err));
    }
    OK(vonk_builder_finish(&b, &strings, &err));
    vonk_builder_done(&b);
    OK(vonk_cast_column(&env, VONK_MODE_ANSI, budget, strings, t, &c, &err));
    vonk_column_unref(strings);
    vonk_type_unref(t);
    return c;
}

/* Columns of all tests: 0 int, 1 bigint, 2 double, 3 string, 4 decimal(15,2), 5 boolean, 6 date. */
static vonk_batch *batch_of_all(void)
{
    static const char *const ints[] = {"1", "-", "3", "0", "-5"}, *const longs[] = {"10", "20", "-", "40",
                                                                                    "9223372036854775807"};
    static const char *const doubles[] = {"1.5", "-", "NaN", "-0.0", "1e10"};
    static const char *const strings[] = {"a", "-", "a longer string than twelve", "b", ""};
    static const char *const decimals[] = {"1.25", "100.00", "-", "-3.50", "9999999999999.99"};
    static const char *const bools[] = {"true", "false", "-", "true", "false"};
    static const char *const dates[] = {"2020-01-31", "1969-12-31", "-", "2000-02-29", "0001-01-01"};
    vonk_column *c[] = {
        column("int", ints, 5),       column("bigint", longs, 5),           column("double", doubles, 5),
        column("string", strings, 5), column("decimal(15,2)", decimals, 5), column("boolean", bools, 5),
        column("date", dates, 5)};
    vonk_batch *b;
    OK(vonk_batch_new(budget, 5, c, 7, &b, &err));
    for (size_t i = 0; i < 7; i++) vonk_column_unref(c[i]);
    return b;
}

static vonk_batch *selected(vonk_batch *take_all, const uint32_t *rows, uint32_t n)
{
    vonk_batch *b;
    vonk_buffer *sel;
    OK(vonk_buffer_new(budget, n * sizeof(uint32_t), &sel, &err));
    memcpy(sel->data, rows, n * sizeof(uint32_t));
    OK(vonk_batch_select(take_all, sel, n, &b, &err));
    vonk_batch_unref(take_all);
    return b;
}

static void render(const vonk_column *c, vonk_rows rows, vonk_buf *out)
{
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k);
        if (k) OK(vonk_buf_add_c(out, "|", &err));
        OK(vonk_cast_row_pretty(&env, c, i, out, &err));
    }
    OK(vonk_buf_add_byte(out, 0, &err));
}

static vonk_status eval(const vonk_expr *e, const vonk_batch *batch, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_program_free) vonk_program *p = NULL;
    VONK_AUTO(vonk_program_local_free) vonk_program_local *local = NULL;
    VONK_TRY(vonk_program_new(budget, &env, &e, 1, &p, err));
    VONK_TRY(vonk_program_local_new(p, budget, &local, err));
    return vonk_program_eval(local, batch, ret, err);
}

static void expect(const vonk_expr *e, const char *all)
{
    vonk_column *c;
    vonk_buf out = {0};
    vonk_batch *batch = batch_of_all();
    vonk_buf_init(&out, budget, SIZE_MAX);
    OK(eval(e, batch, &c, &err));
    assert_int_equal(c->n_rows, batch->n_rows);
    render(c, vonk_batch_rows(batch), &out);
    assert_string_equal(out.data, all);
    vonk_column_unref(c);
    vonk_batch_unref(batch);
    vonk_buf_done(&out);
}

static void expect_error(const vonk_expr *e, vonk_errclass cls)
{
    vonk_column *c;
    vonk_error err = VONK_ERROR_INIT;
    vonk_batch *batch = batch_of_all();
    assert_int_equal(eval(e, batch, &c, &err), cls);
    vonk_error_reset(&err);
    vonk_batch_unref(batch);
}

#define INT bound(0, &vonk_type_int)
#define LONG bound(1, &vonk_type_long)
#define DOUBLE bound(2, &vonk_type_double)
#define STRING bound(3, &vonk_type_string)
#define BOOL bound(5, &vonk_type_boolean)
#define DATE bound(6, &vonk_type_date)
static const vonk_expr *dec(void)
{
    const vonk_type *t;
    OK(vonk_type_decimal(15, 2, &t, &err));
    const vonk_expr *e = bound(4, t);
    vonk_type_unref(t);
    return e;
}

static void arithmetic(void **state)
{
    expect(fn("+", INT, num(1)), "2|NULL|4|1|-4");
    expect(fn("-", num(1), INT), "0|NULL|-2|1|6");
    expect(fn("*", INT, INT), "1|NULL|9|0|25");
    expect(fn("+", INT, DOUBLE), "2.5|NULL|NaN|0.0|9.999999995E9");
    expect(fn("/", num(10), fn("+", INT, num(10))), "0.9090909090909091|NULL|0.7692307692307693|1.0|2.0");
    expect(fn("+", dec(), dec()), "2.50|200.00|NULL|-7.00|19999999999999.98");
    expect(fn("*", dec(), fn("-", num(1), dec())), "-0.3125|-9900.0000|NULL|-15.7500|-99999999999989800000000000.0101");
    expect(fn("%", INT, num(2)), "1|NULL|1|0|-1");
    expect(fn("pmod", INT, num(2)), "1|NULL|1|0|1");
    expect(fn("div", INT, num(2)), "0|NULL|1|0|-2");
    expect(fn("try_add", LONG, LONG), "20|40|NULL|80|NULL");
    expect(fn("+", INT, null()), "NULL|NULL|NULL|NULL|NULL");
    expect(fn("+", DATE, num(1)), "2020-02-01|1970-01-01|NULL|2000-03-01|0001-01-02");
    expect_error(fn("+", LONG, LONG), VONK_E_ARITHMETIC_OVERFLOW);
    expect_error(fn("/", num(1), INT), VONK_E_DIVIDE_BY_ZERO);
    expect_error(fn("%", num(1), INT), VONK_E_REMAINDER_BY_ZERO);
    env.ansi = false;
    expect(fn("+", LONG, LONG), "20|40|NULL|80|-2");
    expect(fn("/", num(1), INT), "1.0|NULL|0.3333333333333333|NULL|-0.2");
    env.ansi = true;
}

static void comparisons(void **state)
{
    expect(fn("<", INT, num(1)), "false|NULL|false|true|true");
    expect(fn("=", INT, LONG), "false|NULL|NULL|false|false");
    expect(fn("<=>", INT, null()), "false|true|false|false|false");
    expect(fn("=", DOUBLE, DOUBLE), "true|NULL|true|true|true");
    expect(fn("=", STRING, str("a")), "true|NULL|false|false|false");
    expect(fn(">", STRING, str("a")), "false|NULL|true|true|false");
    expect(fn("=", STRING, str("a longer string than twelve")), "false|NULL|true|false|false");
    expect(fn(">=", dec(), num(1)), "true|true|NULL|false|true");
    expect(fn("=", BOOL, fn("<", INT, num(2))), "true|NULL|NULL|true|false");
    expect(fn("<", DATE, str("2000-01-01")), "false|true|NULL|false|true");
}

static void logic(void **state)
{
    const vonk_expr *small = fn("<", INT, num(2));
    expect(NODE(AND, BOOL, small), "true|false|false|true|false");
    expect(NODE(OR, BOOL, small), "true|NULL|NULL|true|true");
    expect(NODE(NOT, BOOL), "false|true|NULL|false|true");
    expect(NODE(IS_NULL, INT), "false|true|false|false|false");
    expect(NODE(IS_NOT_NULL, DOUBLE), "true|false|true|true|true");
    /* The second term divides by INT, but only where INT is not 0. */
    const vonk_expr *safe = NODE(NOT, fn("=", INT, num(0)));
    expect(NODE(AND, safe, fn(">", fn("/", num(1), INT), num(0))), "true|NULL|true|false|false");
    expect(NODE(OR, fn("=", INT, num(0)), fn(">", fn("/", num(1), INT), num(0))), "true|NULL|true|true|false");
    expect_error(NODE(AND, fn(">", fn("/", num(1), INT), num(0)), safe), VONK_E_DIVIDE_BY_ZERO);
}

static void choices(void **state)
{
    const vonk_expr *zero = fn("=", INT, num(0));
    expect(NODE(CASE, zero, cast(num(0), "double"), fn("/", num(10), INT)), "10.0|NULL|3.3333333333333335|0.0|-2.0");
    expect(NODE(CASE, fn(">", INT, num(0)), str("plus"), fn("<", INT, num(0)), str("a rather long minus")),
           "plus|NULL|plus|NULL|a rather long minus");
    expect(NODE(CASE, BOOL, STRING, str("no")), "a|no|no|b|no");
    expect(NODE(COALESCE, INT, num(7)), "1|7|3|0|-5");
    expect(NODE(COALESCE, cast(INT, "bigint"), LONG), "1|20|3|0|-5");
    expect(NODE(COALESCE, STRING, str("none at all here")), "a|none at all here|a longer string than twelve|b|");
    expect(NODE(CASE, BOOL, BOOL), "true|NULL|NULL|true|NULL");
    /* The branch is common to both sides, and is not evaluated where it would fail. */
    const vonk_expr *risky = fn("/", num(1), INT);
    expect(NODE(CASE, zero, cast(num(0), "double"), fn(">", INT, num(0)), risky, fn("*", risky, num(2))),
           "1.0|NULL|0.3333333333333333|0.0|-0.4");
}

static void lists(void **state)
{
    expect(NODE(IN, INT, num(1), num(3)), "true|NULL|true|false|false");
    expect(NODE(IN, INT, num(1), cast(null(), "int")), "true|NULL|NULL|NULL|NULL");
    expect(NODE(IN, STRING, str("b"), str("a longer string than twelve")), "false|NULL|true|true|false");
    expect(NODE(IN, LONG, cast(INT, "bigint"), cast(num(10), "bigint")), "true|NULL|NULL|false|false");
    const vonk_expr *items[20];
    items[0] = INT;
    for (int i = 1; i < 20; i++) items[i] = num(i * 3);
    expect(node(VONK_EX_IN, 20, items), "false|NULL|true|false|false");
}

static void casts(void **state)
{
    expect(cast(INT, "string"), "1|NULL|3|0|-5");
    expect(cast(DOUBLE, "string"), "1.5|NULL|NaN|-0.0|1.0E10");
    expect(cast(dec(), "decimal(20,1)"), "1.3|100.0|NULL|-3.5|10000000000000.0");
    expect(cast(dec(), "double"), "1.25|100.0|NULL|-3.5|9.99999999999999E12");
    expect(cast(INT, "decimal(5,2)"), "1.00|NULL|3.00|0.00|-5.00");
    expect(cast(INT, "boolean"), "true|NULL|true|false|true");
    expect(cast(DATE, "timestamp"),
           "2020-01-31 00:00:00|1969-12-31 00:00:00|NULL|2000-02-29 00:00:00|0001-01-01 00:00:00");
    expect_error(cast(LONG, "int"), VONK_E_CAST_OVERFLOW);
    expect_error(cast(STRING, "int"), VONK_E_CAST_INVALID_INPUT);
    expect_error(cast(dec(), "decimal(5,2)"), VONK_E_NUMERIC_VALUE_OUT_OF_RANGE__WITH_SUGGESTION);
    env.ansi = false;
    expect(cast(LONG, "int"), "10|20|NULL|40|-1");
    expect(cast(STRING, "int"), "NULL|NULL|NULL|NULL|NULL");
    env.ansi = true;
}

static void selections_and_encodings(void **state)
{
    static const uint32_t rows[] = {0, 2, 4};
    vonk_column *c;
    vonk_buf out = {0};
    vonk_buf_init(&out, budget, SIZE_MAX);
    vonk_batch *batch = selected(batch_of_all(), rows, 3);
    OK(eval(fn("/", num(30), INT), batch, &c, &err)); /* row 3 holds the zero */
    render(c, vonk_batch_rows(batch), &out);
    assert_string_equal(out.data, "30.0|10.0|-6.0");
    vonk_column_unref(c);
    vonk_batch_unref(batch);
    vonk_buf_done(&out);
}

static void dictionary_entries_that_nobody_uses_cannot_fail(void **state)
{
    static const char *const words[] = {"12", "bad", "7"};
    vonk_column *dictionary = column("string", words, 3), *d, *c;
    vonk_buffer *codes;
    vonk_buf out = {0};
    vonk_batch *batch;
    OK(vonk_buffer_new(budget, 4 * sizeof(uint32_t), &codes, &err));
    memcpy(codes->data, (uint32_t[]){0, 2, 0, 2}, 16);
    OK(vonk_column_new_dictionary(budget, dictionary, codes, NULL, 4, &d, &err));
    OK(vonk_batch_new(budget, 4, &d, 1, &batch, &err));
    vonk_buf_init(&out, budget, SIZE_MAX);
    OK(eval(cast(bound(0, &vonk_type_string), "int"), batch, &c, &err));
    render(c, VONK_ALL_ROWS(4), &out);
    assert_string_equal(out.data, "12|7|12|7");
    vonk_column_unref(c);
    vonk_column_unref(d);
    vonk_batch_unref(batch);
    vonk_buf_done(&out);
}

static void expect_rows(const vonk_expr *e, const char *rows)
{
    VONK_AUTO(vonk_program_free) vonk_program *p = NULL;
    VONK_AUTO(vonk_program_local_free) vonk_program_local *local = NULL;
    vonk_buffer *sel = NULL;
    uint32_t n;
    char text[100] = {0};
    vonk_batch *batch = batch_of_all();
    OK(vonk_program_new(budget, &env, &e, 1, &p, &err));
    OK(vonk_program_local_new(p, budget, &local, &err));
    for (int again = 0; again < 40; again++) { /* terms change places after a while */
        OK(vonk_program_filter(local, batch, &sel, &n, &err));
        size_t at = 0;
        for (uint32_t i = 0; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%u ", sel ? ((uint32_t *)sel->data)[i] : i);
        text[at] = 0;
        assert_string_equal(text, rows);
        vonk_buffer_unref(sel);
    }
    vonk_batch_unref(batch);
}

static void filters(void **state)
{
    expect_rows(fn(">", INT, num(0)), "0 2 ");
    expect_rows(NODE(AND, fn("<", INT, num(3)), fn("=", STRING, str("a")), BOOL), "0 ");
    expect_rows(NODE(IS_NOT_NULL, cast(num(1), "int")), "0 1 2 3 4 ");
    expect_rows(NODE(AND, fn("<", INT, num(3)), fn(">", INT, num(3))), "");
    expect_rows(NODE(AND, NODE(NOT, fn("=", INT, num(0))), fn(">", fn("/", num(1), INT), num(0))), "0 2 ");
}

static int set_up(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    if (vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &budget, &err) != VONK_OK) return 1;
    if (vonk_conf_new(budget, &conf, &err) != VONK_OK) return 1;
    vonk_conf_fn_env(conf, 0, &env);
    env.time_zone = VONK_STR("UTC");
    return 0;
}

static int tear_down(void **state)
{
    while (n_made > 0) vonk_expr_unref(made[--n_made]);
    vonk_conf_unref(conf);
    vonk_budget_free(budget); /* everything has come back */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(logic),
        cmocka_unit_test(choices),
        cmocka_unit_test(lists),
        cmocka_unit_test(casts),
        cmocka_unit_test(selections_and_encodings),
        cmocka_unit_test(dictionary_entries_that_nobody_uses_cannot_fail),
        cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
