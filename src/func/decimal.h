/* func/decimal.h -- decimal values: unscaled integers of up to 38 digits; products and quotients pass through 256 bits. Rounding is HALF_UP
 * (away from zero). Functions return false when the result has more than 38 digits (or divides by zero). */
#ifndef VONK_FUNC_DECIMAL_H
#define VONK_FUNC_DECIMAL_H

#include "text/number.h"

typedef struct vonk_u256 {
    vonk_u128 high, low;
} vonk_u256;

static inline vonk_u128 vonk_dec_abs(vonk_i128 v) { return v < 0 ? 0 - (vonk_u128)v : (vonk_u128)v; }
static inline bool vonk_dec_fits(vonk_i128 v, int precision)
{
    return v < vonk_pow10_i128[precision] && v > -vonk_pow10_i128[precision];
}
/* v / 10^digits, rounded half up; digits up to 38 (more give 0). */
vonk_i128 vonk_dec_round_off(vonk_i128 v, int digits);
/* Same value at another scale. */
bool vonk_dec_rescale(vonk_i128 v, int from_scale, int to_scale, vonk_i128 *ret);

/* a * b / 10^drop */
bool vonk_dec_mul(vonk_i128 a, vonk_i128 b, int drop, vonk_i128 *ret);
/* a * 10^shift / b, rounded half up; shift may be negative. */
bool vonk_dec_div(vonk_i128 a, vonk_i128 b, int shift, vonk_i128 *ret);
/* a * 10^shift / b, cut towards zero. */
bool vonk_dec_div_cut(vonk_i128 a, vonk_i128 b, int shift, vonk_i128 *ret);

/* a + b at result scale `scale` (at most the larger of theirs). */
bool vonk_dec_add(vonk_i128 a, int a_scale, vonk_i128 b, int b_scale, int scale, vonk_i128 *ret);
/* Rest of a / b with the sign of a, at the larger scale. */
bool vonk_dec_rem(vonk_i128 a, int a_scale, vonk_i128 b, int b_scale, vonk_i128 *ret);

vonk_u256 vonk_u256_mul(vonk_u128 a, vonk_u128 b);
/* n / d, d != 0; the quotient must fit 128 bits, else false. */
bool vonk_u256_div(vonk_u256 n, vonk_u128 d, vonk_u128 *ret_quotient, vonk_u128 *ret_rest);

/* Nearest double of unscaled / 10^scale (as BigDecimal.doubleValue). */
double vonk_dec_to_f64(vonk_i128 unscaled, int scale);
/* The decimal of the shortest digits of a double (as new BigDecimal(Double.toString(x))), rounded to the scale. */
bool vonk_dec_from_f64(double value, int precision, int scale, vonk_i128 *ret);

#endif
