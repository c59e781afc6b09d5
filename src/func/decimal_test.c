/* Tests of decimal arithmetic and of its result types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "func/coerce.h"
#include "func/decimal.h"

static vonk_i128 dec(const char *text)
{
    vonk_i128 v;
    int scale;
    assert_int_equal(vonk_text_to_dec_exact(vonk_str_of(text), &v, &scale), VONK_DEC_OK);
    return v;
}

static void quotients_and_products_agree(void **state)
{
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        vonk_u128 v[3];
        for (int k = 0; k < 3; k++) {
            v[k] = 0;
            for (int j = 0; j < 2; j++) {
                x ^= x << 13, x ^= x >> 7, x ^= x << 17;
                v[k] = v[k] << 64 | x;
            }
            v[k] >>= x % 120;
        }
        if (v[1] == 0) v[1] = 1;
        vonk_u128 q, rest;
        vonk_u256 p = vonk_u256_mul(v[0], v[1]);
        vonk_u128 add = v[2] % v[1]; /* p + add = v0 * v1 + add, with add < v1 */
        p.low += add;
        if (p.low < add) p.high++;
        assert_true(vonk_u256_div(p, v[1], &q, &rest));
        assert_true(q == v[0] && rest == add);
    }
}

static void rounding_is_half_up(void **state)
{
    assert_true(vonk_dec_round_off(25, 1) == 3);
    assert_true(vonk_dec_round_off(-25, 1) == -3);
    assert_true(vonk_dec_round_off(24, 1) == 2);
    assert_true(vonk_dec_round_off(-24, 1) == -2);
    assert_true(vonk_dec_round_off(5, 40) == 0);
    vonk_i128 r;
    assert_true(vonk_dec_rescale(15, 1, 0, &r) && r == 2);
    assert_true(vonk_dec_rescale(15, 1, 3, &r) && r == 1500);
    assert_false(vonk_dec_rescale(dec("99999999999999999999999999999999999999"), 0, 1, &r));
    assert_true(vonk_dec_mul(dec("12345678901234567890123456789"), 98765432, 0, &r));
    assert_true(r == dec("1219326310013717431001371743098917848"));
    assert_true(vonk_dec_mul(dec("12345678901234567890123456789"), dec("98765432000000000000"), 12, &r));
    assert_true(r == dec("1219326310013717431001371743098917848"));
    assert_true(vonk_dec_mul(25, 10, 2, &r) && r == 3);
    assert_false(vonk_dec_mul(dec("99999999999999999999999999999999999999"), 100, 1, &r));
    const vonk_i128 half = vonk_pow10_i128[37] * 5;
    assert_true(vonk_dec_mul(half, half, 39, &r) && r == vonk_pow10_i128[36] * 25 / 10);
    assert_true(vonk_dec_mul(-half, half + 1, 38, &r) && r == -vonk_pow10_i128[36] * 25 - 1);       /* -...0.5 */
    assert_true(vonk_dec_mul(half, half + 3, 39, &r) && r == vonk_pow10_i128[36] * 25 / 10);        /* ...0.15 */
    assert_true(vonk_dec_mul(-half, half + 11, 39, &r) && r == -vonk_pow10_i128[36] * 25 / 10 - 1); /* -...0.55 */
    assert_true(vonk_dec_div(1, 3, 6, &r) && r == 333333);
    assert_true(vonk_dec_div(-2, 3, 6, &r) && r == -666667);
    assert_false(vonk_dec_div(1, 0, 6, &r));
    assert_true(vonk_dec_div(dec("99999999999999999999999999999999999999"),
                             dec("99999999999999999999999999999999999999"), 30, &r));
    assert_true(r == vonk_pow10_i128[30]);
    assert_true(vonk_dec_div_cut(-7, 2, 0, &r) && r == -3);
    assert_true(vonk_dec_div(7, 2, -1, &r) && r == 0);
    assert_true(vonk_dec_div(70, 2, -1, &r) && r == 4);
}

static void doubles_and_decimals(void **state)
{
    vonk_i128 r;
    assert_true(vonk_dec_to_f64(12345, 2) == 123.45);
    assert_true(vonk_dec_to_f64(dec("12345678901234567890123456789"), 10) == 1234567890123456789.0123456789);
    assert_true(vonk_dec_from_f64(1.005, 10, 2, &r) && r == 101);
    assert_true(vonk_dec_from_f64(-1e-30, 10, 2, &r) && r == 0);
    assert_false(vonk_dec_from_f64(1e9, 10, 2, &r));
    assert_false(vonk_dec_from_f64(1e300, 38, 2, &r));
}

static void expect_decimal(char op, int p1, int s1, int p2, int s2, bool loss, int p, int s)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_type *a, *b, *r;
    assert_int_equal(vonk_type_decimal(p1, s1, &a, &err), VONK_OK);
    assert_int_equal(vonk_type_decimal(p2, s2, &b, &err), VONK_OK);
    assert_int_equal(vonk_coerce_decimal(op, a, b, loss, &r, &err), VONK_OK);
    assert_int_equal(r->precision, p);
    assert_int_equal(r->scale, s);
    vonk_type_unref(a);
    vonk_type_unref(b);
    vonk_type_unref(r);
}

/* Numbers from real Spark. */
static void result_types_of_arithmetic(void **state)
{
    expect_decimal('+', 15, 2, 15, 2, true, 16, 2);
    expect_decimal('*', 15, 2, 15, 2, true, 31, 4);
    expect_decimal('*', 15, 2, 16, 2, true, 32, 4);
    expect_decimal('/', 15, 2, 15, 2, true, 33, 18);
    expect_decimal('+', 38, 10, 38, 10, true, 38, 9);
    expect_decimal('*', 38, 10, 38, 10, true, 38, 6);
    expect_decimal('/', 38, 10, 38, 10, true, 38, 6);
    expect_decimal('/', 38, 18, 38, 18, true, 38, 6);
    expect_decimal('%', 10, 2, 5, 3, true, 5, 3);
    expect_decimal('d', 10, 2, 5, 3, true, 11, 0);
    expect_decimal('*', 38, 10, 38, 10, false, 38, 20);
    expect_decimal('/', 38, 10, 38, 10, false, 38, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotients_and_products_agree),
        cmocka_unit_test(rounding_is_half_up),
        cmocka_unit_test(doubles_and_decimals),
        cmocka_unit_test(result_types_of_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
