/* Tests of numbers as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "text/number.h"

static void expect_f64(double v, const char *text)
{
    char out[VONK_F64_CHARS + 1];
    out[vonk_f64_to_text(v, out)] = 0;
    assert_string_equal(out, text);
}

static void expect_f32(float v, const char *text)
{
    char out[VONK_F64_CHARS + 1];
    out[vonk_f32_to_text(v, out)] = 0;
    assert_string_equal(out, text);
}

static void doubles_look_as_javas(void **state)
{
    expect_f64(0.0, "0.0");
    expect_f64(-0.0, "-0.0");
    expect_f64(1.0, "1.0");
    expect_f64(1e7, "1.0E7");
    expect_f64(9999999.0, "9999999.0");
    expect_f64(0.001, "0.001");
    expect_f64(0.0009, "9.0E-4");
    expect_f64(0.1 + 0.2, "0.30000000000000004");
    expect_f64(123456789.0, "1.23456789E8");
    expect_f64(-12.34, "-12.34");
    expect_f64(4.9e-324, "4.9E-324");
    expect_f64(1.7976931348623157e308, "1.7976931348623157E308");
    expect_f64(2.2250738585072014e-308, "2.2250738585072014E-308");
    expect_f64(1e23, "1.0E23");
    expect_f64(9007199254740993.0, "9.007199254740992E15");
    expect_f64(NAN, "NaN");
    expect_f64(-INFINITY, "-Infinity");
    expect_f32(1.1f, "1.1");
    expect_f32(1e10f, "1.0E10");
    expect_f32(3.4028235e38f, "3.4028235E38");
    expect_f32(16777216.0f, "1.6777216E7");
    expect_f32(123456789.0f, "1.2345679E8"); /* Java before 19 writes 1.23456792E8 */
    expect_f32(1.4e-45f, "1.4E-45");
    expect_f32(0.3f, "0.3");
}

static void doubles_come_back(void **state)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        double v, back;
        memcpy(&v, &x, sizeof(v));
        if (!isfinite(v)) continue;
        if (i % 3 == 0) v = (double)(int64_t)(x >> 40) / 100;
        char out[VONK_F64_CHARS + 1];
        size_t n = vonk_f64_to_text(v, out);
        assert_true(n <= VONK_F64_CHARS);
        assert_true(vonk_text_to_f64((vonk_str){out, n}, &back));
        assert_memory_equal(&v, &back, sizeof(v));
        float f = (float)v, fback;
        if (!isfinite(f)) continue;
        n = vonk_f32_to_text(f, out);
        assert_true(vonk_text_to_f32((vonk_str){out, n}, &fback));
        assert_memory_equal(&f, &fback, sizeof(f));
    }
}

static void expect_i64(const char *text, bool point, bool ok, int64_t value)
{
    int64_t got = 0;
    assert_int_equal(vonk_text_to_i64(vonk_str_of(text), point, INT64_MIN, INT64_MAX, &got), ok);
    if (ok) assert_int_equal(got, value);
}

static void integers_are_read(void **state)
{
    expect_i64(" 12\n", false, true, 12);
    expect_i64("+5", false, true, 5);
    expect_i64("-9223372036854775808", false, true, INT64_MIN);
    expect_i64("9223372036854775807", false, true, INT64_MAX);
    expect_i64("9223372036854775808", false, false, 0);
    expect_i64("-9223372036854775809", false, false, 0);
    expect_i64("1.5", false, false, 0);
    expect_i64("1.5", true, true, 1);
    expect_i64(".5", true, true, 0);
    expect_i64("1.", true, true, 1);
    expect_i64("1.x", true, false, 0);
    expect_i64("", false, false, 0);
    expect_i64("-", false, false, 0);
    expect_i64("1e3", false, false, 0);
    int64_t v;
    assert_false(vonk_text_to_i64(VONK_STR("128"), false, INT8_MIN, INT8_MAX, &v));
    assert_true(vonk_text_to_i64(VONK_STR("-128"), false, INT8_MIN, INT8_MAX, &v));
    char out[VONK_I64_CHARS];
    assert_true(vonk_str_is((vonk_str){out, vonk_i64_to_text(INT64_MIN, out)}, "-9223372036854775808"));
    assert_true(vonk_str_is((vonk_str){out, vonk_i64_to_text(0, out)}, "0"));
    assert_true(vonk_str_is((vonk_str){out, vonk_i64_to_text(100, out)}, "100"));
}

static void expect_double(const char *text, bool ok, double value)
{
    double got = 0;
    assert_int_equal(vonk_text_to_f64(vonk_str_of(text), &got), ok);
    if (ok) assert_true(got == value || (isnan(got) && isnan(value)));
}

/* before, n times a digit, after */
static void expect_long_double(const char *before, char digit, size_t n, const char *after, double value)
{
    char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", before);
    memset(text + at, digit, n);
    snprintf(text + at + n, sizeof text - at - n, "%s", after);
    expect_double(text, true, value);
}

/* Longer than what is copied to be read: as exact as short ones. */
static void long_doubles_are_read(void **state)
{
    expect_long_double("1", '0', 900, "e-900", 1);
    expect_long_double("-0.", '0', 1500, "25e1500", -0.25);
    expect_long_double("", '0', 3000, "", 0);
    expect_long_double("0.", '3', 2000, "", 1.0 / 3);
    expect_long_double("1", '0', 2000, "", INFINITY);
    expect_long_double("1", '0', 2000, "e-2100", 1e-100);
    expect_long_double("9007199254740993.", '0', 2000, "", 9007199254740992.0);  /* half way: to the even one */
    expect_long_double("9007199254740993.", '0', 2000, "1", 9007199254740994.0); /* a little more than half way */
    expect_long_double("0x1", '0', 1000, "p-4000", 1);
    expect_long_double("0x0.", '0', 1000, "8p+4001", 1);
    expect_long_double("1.5", '0', 1000, "d", 1.5);
}

static void doubles_are_read(void **state)
{
    expect_double("1.5d", true, 1.5);
    expect_double("0x1p3", true, 8);
    expect_double("inf", true, INFINITY);
    expect_double("+Infinity", true, INFINITY);
    expect_double("-INF", true, -INFINITY);
    expect_double("NAN", true, NAN);
    expect_double("-nan", false, 0);
    expect_double("1e400", true, INFINITY);
    expect_double(".5", true, 0.5);
    expect_double("5.", true, 5);
    expect_double("1e", false, 0);
    expect_double("e5", false, 0);
    expect_double(" 1.5 ", true, 1.5);
    expect_double("--1", false, 0);
    expect_double("1,5", false, 0);
    expect_double("infx", false, 0);
    expect_double("0x1", false, 0);
    expect_double("", false, 0);
    expect_double("1234567890123456789.5e-3", true, 1234567890123456789.5e-3);
}

static void expect_dec(const char *text, int p, int s, vonk_dec_parse how, int64_t unscaled)
{
    vonk_i128 got = 0;
    assert_int_equal(vonk_text_to_dec(vonk_str_of(text), p, s, &got), how);
    if (how == VONK_DEC_OK) assert_true(got == unscaled);
}

static void decimals_are_read(void **state)
{
    expect_dec("1e5", 10, 2, VONK_DEC_OK, 10000000);
    expect_dec("1.005", 10, 2, VONK_DEC_OK, 101);
    expect_dec("-1.005", 10, 2, VONK_DEC_OK, -101);
    expect_dec("1.004999", 10, 2, VONK_DEC_OK, 100);
    expect_dec("123456789012", 10, 2, VONK_DEC_OUT_OF_RANGE, 0);
    expect_dec("99999999.995", 10, 2, VONK_DEC_OUT_OF_RANGE, 0);
    expect_dec(" 1.5 ", 10, 2, VONK_DEC_OK, 150);
    expect_dec("1.5d", 10, 2, VONK_DEC_MALFORMED, 0);
    expect_dec("", 10, 2, VONK_DEC_MALFORMED, 0);
    expect_dec(".", 10, 2, VONK_DEC_MALFORMED, 0);
    expect_dec(".5", 10, 2, VONK_DEC_OK, 50);
    expect_dec("5.", 10, 2, VONK_DEC_OK, 500);
    expect_dec("1e-30", 10, 2, VONK_DEC_OK, 0);
    expect_dec("0.005", 10, 2, VONK_DEC_OK, 1);
    expect_dec("1e40", 10, 2, VONK_DEC_TOO_LARGE, 0);
    expect_dec("0.12345678901234567890123456789012345678901234567890", 10, 2, VONK_DEC_OK, 12);
    expect_dec("000000000000000000000000000000000000000000000000001.50", 10, 2, VONK_DEC_OK, 150);
    vonk_i128 v;
    int scale;
    assert_int_equal(vonk_text_to_dec_exact(VONK_STR("1.50"), &v, &scale), VONK_DEC_OK);
    assert_true(v == 150 && scale == 2);
    assert_int_equal(vonk_text_to_dec_exact(VONK_STR("12E3"), &v, &scale), VONK_DEC_OK);
    assert_true(v == 12 && scale == -3);
}

static void expect_text(vonk_i128 v, int scale, bool java, const char *text)
{
    char out[VONK_DEC_CHARS + 1];
    out[java ? vonk_dec_to_text_java(v, scale, out) : vonk_dec_to_text(v, scale, out)] = 0;
    assert_string_equal(out, text);
}

static void decimals_are_written(void **state)
{
    expect_text(0, 0, false, "0");
    expect_text(0, 2, false, "0.00");
    expect_text(-5, 2, false, "-0.05");
    expect_text(12345, 2, false, "123.45");
    expect_text(1, 7, false, "0.0000001");
    expect_text(1, 7, true, "1E-7");
    expect_text(15, 8, true, "1.5E-7");
    expect_text(1, 6, true, "0.000001");
    expect_text(vonk_pow10_i128[38] - 1, 0, false, "99999999999999999999999999999999999999");
    expect_text(-(vonk_pow10_i128[38] - 1), 38, false, "-0.99999999999999999999999999999999999999");
    expect_text(vonk_pow10_i128[18], 0, false, "1000000000000000000");
    expect_text(vonk_pow10_i128[37], 37, false, "1.0000000000000000000000000000000000000");
    assert_int_equal(vonk_digits_u128(0), 1);
    assert_int_equal(vonk_digits_u128((vonk_u128)vonk_pow10_i128[38]), 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_look_as_javas), cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(integers_are_read),     cmocka_unit_test(doubles_are_read),
        cmocka_unit_test(long_doubles_are_read), cmocka_unit_test(decimals_are_read),
        cmocka_unit_test(decimals_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
