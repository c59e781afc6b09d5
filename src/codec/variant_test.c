/* Tests of codec/variant.h: bytes as Spark writes them, but for the width of offsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/ok_test.h"
#include "codec/variant.h"
#include "column/builder.h"

#define NO_NAMES "\xd1\0\0\0\0\0\0\0\0"

/* One row of a type, written by `fill`. */
static vonk_column *column_of(const vonk_type *type, void (*fill)(vonk_builder *b))
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *made = NULL;
    OK(vonk_builder_init(&b, vonk_budget_root(), type, 1, err));
    fill(&b);
    OK(vonk_builder_finish(&b, &made, err));
    return made;
}

static void is_written(vonk_column *take_column, const char *value, size_t n, const char *names, size_t n_names)
{
    vonk_buf out = {0}, metadata = {0};
    bool known = false;
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&metadata, vonk_budget_root(), SIZE_MAX);
    OK(vonk_variant_write(take_column, 0, &out, &metadata, &known, err));
    assert_true(known);
    assert_int_equal(out.len, n);
    assert_memory_equal(out.data, value, n);
    assert_int_equal(metadata.len, n_names);
    assert_memory_equal(metadata.data, names, n_names);
    vonk_buf_done(&out);
    vonk_buf_done(&metadata);
    vonk_column_unref(take_column);
}
#define IS(column, literal) is_written((column), (literal), sizeof(literal) - 1, NO_NAMES, sizeof NO_NAMES - 1)

static void small(vonk_builder *b) { OK(vonk_builder_i64(b, -2, err)); }
static void thousand(vonk_builder *b) { OK(vonk_builder_i64(b, 1000, err)); }
static void million(vonk_builder *b) { OK(vonk_builder_i64(b, 1000000, err)); }
static void large(vonk_builder *b) { OK(vonk_builder_i64(b, INT64_C(1) << 40, err)); }
static void nothing(vonk_builder *b) { OK(vonk_builder_null(b, err)); }
static void yes(vonk_builder *b) { OK(vonk_builder_bool(b, true, err)); }
static void half(vonk_builder *b) { OK(vonk_builder_f64(b, 0.5, err)); }
static void text(vonk_builder *b) { OK(vonk_builder_str(b, VONK_STR("abc"), err)); }

static void numbers(void **state)
{
    (void)state;
    IS(column_of(&vonk_type_long, small), "\x0c\xfe");
    IS(column_of(&vonk_type_long, thousand), "\x10\xe8\x03");
    IS(column_of(&vonk_type_int, million), "\x14\x40\x42\x0f\0");
    IS(column_of(&vonk_type_long, large), "\x18\0\0\0\0\0\1\0\0");
    IS(column_of(&vonk_type_int, nothing), "\0");
    IS(column_of(&vonk_type_boolean, yes), "\x04");
    IS(column_of(&vonk_type_double, half), "\x1c\0\0\0\0\0\0\xe0\x3f");
    IS(column_of(&vonk_type_date, small), "\x2c\xfe\xff\xff\xff");
    IS(column_of(&vonk_type_timestamp, thousand), "\x30\xe8\3\0\0\0\0\0\0");
}

static void texts(void **state)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *made = NULL;
    char value[5 + 64], bytes[64];
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(value, "\x40\x40\0\0\0", 5); /* more than 63: the length stands behind the kind */
    memcpy(value + 5, bytes, sizeof bytes);
    IS(column_of(&vonk_type_string, text), "\x0d"
                                           "abc");
    IS(column_of(&vonk_type_binary, text), "\x3c\3\0\0\0"
                                           "abc");
    OK(vonk_builder_init(&b, vonk_budget_root(), &vonk_type_string, 1, err));
    OK(vonk_builder_str(&b, (vonk_str){bytes, sizeof bytes}, err));
    OK(vonk_builder_finish(&b, &made, err));
    is_written(made, value, sizeof value, NO_NAMES, sizeof NO_NAMES - 1);
}

static void two_numbers(vonk_builder *b)
{
    OK(vonk_builder_i64(vonk_builder_child(b, 0), 1, err));
    OK(vonk_builder_null(vonk_builder_child(b, 0), err));
    OK(vonk_builder_close(b, err));
}
static void two_fields(vonk_builder *b)
{
    OK(vonk_builder_i64(vonk_builder_child(b, 0), 7, err));
    OK(vonk_builder_str(vonk_builder_child(b, 1), VONK_STR("v"), err));
    OK(vonk_builder_close(b, err));
}

static void nested(void **state)
{
    static const char object[] = "\x3e\2"
                                 "\0\0\0\0\1\0\0\0"
                                 "\0\0\0\0\2\0\0\0\4\0\0\0"
                                 "\x05v"
                                 "\x0c\7";
    static const char names[] = "\xd1\2\0\0\0"
                                "\0\0\0\0\1\0\0\0\2\0\0\0"
                                "ab";
    const vonk_field fields[] = {{.name = VONK_STR("b"), .type = &vonk_type_int, .nullable = true},
                                 {.name = VONK_STR("a"), .type = &vonk_type_string, .nullable = true}};
    VONK_AUTO(vonk_type_unref) const vonk_type *array = NULL, *record = NULL;
    (void)state;
    OK(vonk_type_array(&vonk_type_int, true, &array, err));
    IS(column_of(array, two_numbers), "\x0f\2"
                                      "\0\0\0\0\2\0\0\0\3\0\0\0"
                                      "\x0c\1"
                                      "\0");
    OK(vonk_type_struct(fields, 2, &record, err));
    is_written(column_of(record, two_fields), object, sizeof object - 1, names, sizeof names - 1);
}

static void what_has_no_form(void **state)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = column_of(&vonk_type_calendar_interval, nothing);
    vonk_buf out = {0}, metadata = {0};
    bool known = true;
    (void)state;
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&metadata, vonk_budget_root(), SIZE_MAX);
    OK(vonk_variant_write(column, 0, &out, &metadata, &known, err));
    assert_false(known);
    assert_int_equal(out.len + metadata.len, 0);
}

static void many_elements(void **state)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    vonk_buf out = {0}, metadata = {0};
    bool known = false;
    (void)state;
    OK(vonk_builder_init(&b, vonk_budget_root(), &vonk_type_int, 300, err));
    for (int i = 0; i < 300; i++) OK(vonk_builder_i64(&b, 1, err));
    OK(vonk_builder_finish(&b, &column, err));
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&metadata, vonk_budget_root(), SIZE_MAX);
    OK(vonk_variant_write_array(column, &out, &metadata, &known, err));
    assert_true(known);
    assert_int_equal(out.len, 1 + 4 + 301 * 4 + 300 * 2);
    assert_memory_equal(out.data, "\x1f\x2c\1\0\0\0\0\0\0\2\0\0\0", 13); /* the count takes four bytes */
    vonk_buf_done(&out);
    vonk_buf_done(&metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(texts), cmocka_unit_test(nested),
                                       cmocka_unit_test(what_has_no_form), cmocka_unit_test(many_elements)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
