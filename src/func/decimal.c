/* func/decimal.c -- decimal arithmetic that needs more than 128 bits on the way. */
#include <math.h>
#include <stdlib.h>

#include "func/decimal.h"

vonk_i128 vonk_dec_round_off(vonk_i128 v, int digits)
{
    if (digits <= 0) return v;
    if (digits > 38) return 0;
    vonk_i128 unit = vonk_pow10_i128[digits], q = v / unit, rest = v - q * unit;
    if (rest >= unit - rest) return q + 1;
    if (-rest >= unit + rest) return q - 1;
    return q;
}

bool vonk_dec_rescale(vonk_i128 v, int from_scale, int to_scale, vonk_i128 *ret)
{
    int up = to_scale - from_scale;
    if (up <= 0) {
        *ret = vonk_dec_round_off(v, -up);
        return true;
    }
    if (v == 0) {
        *ret = 0;
        return true;
    }
    if (up > 38 || !vonk_dec_fits(v, 38 - up)) return false;
    *ret = v * vonk_pow10_i128[up];
    return true;
}

vonk_u256 vonk_u256_mul(vonk_u128 a, vonk_u128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    vonk_u128 low = (vonk_u128)a0 * b0, middle1 = (vonk_u128)a0 * b1, middle2 = (vonk_u128)a1 * b0;
    vonk_u128 middle = (low >> 64) + (uint64_t)middle1 + (uint64_t)middle2;
    return (vonk_u256){(vonk_u128)a1 * b1 + (middle1 >> 64) + (middle2 >> 64) + (middle >> 64),
                       (middle << 64) | (uint64_t)low};
}

/* (high:low) / d for high < d < 2^128, digit by digit of 64 bits (Knuth's algorithm D with two digits in the divisor).
 */
static vonk_u128 divide_step(vonk_u128 high, uint64_t next, vonk_u128 d, vonk_u128 *ret_rest)
{
    uint64_t d1 = (uint64_t)(d >> 64), d0 = (uint64_t)d;
    uint64_t h1 = (uint64_t)(high >> 64);
    vonk_u128 q = h1 >= d1 ? UINT64_MAX : high / d1, r = high - q * d1;
    while (r >> 64 == 0 && q * d0 > ((r << 64) | next)) {
        q--;
        r += d1;
    }
    *ret_rest = ((high << 64) | next) - q * d; /* right modulo 2^128, and the rest is below that */
    return q;
}

bool vonk_u256_div(vonk_u256 n, vonk_u128 d, vonk_u128 *ret_quotient, vonk_u128 *ret_rest)
{
    if (n.high == 0) {
        *ret_quotient = n.low / d;
        *ret_rest = n.low - *ret_quotient * d;
        return true;
    }
    if (n.high >= d) return false;
    int shift = d >> 64 ? __builtin_clzll((uint64_t)(d >> 64)) : 64 + __builtin_clzll((uint64_t)d);
    if (shift) {
        d <<= shift;
        n.high = n.high << shift | n.low >> (128 - shift);
        n.low <<= shift;
    }
    vonk_u128 rest = n.high, q1 = divide_step(rest, (uint64_t)(n.low >> 64), d, &rest);
    vonk_u128 q0 = divide_step(rest, (uint64_t)n.low, d, &rest);
    *ret_quotient = q1 << 64 | q0;
    *ret_rest = rest >> shift;
    return true;
}

static bool signed_result(vonk_u128 magnitude, bool negative, vonk_i128 *ret)
{
    if (magnitude >= (vonk_u128)vonk_pow10_i128[38]) return false;
    *ret = negative ? -(vonk_i128)magnitude : (vonk_i128)magnitude;
    return true;
}

static vonk_u256 tenth(vonk_u256 n)
{
    vonk_u128 low, rest;
    vonk_u256_div((vonk_u256){n.high % 10, n.low}, 10, &low, &rest);
    return (vonk_u256){n.high / 10, low};
}

bool vonk_dec_mul(vonk_i128 a, vonk_i128 b, int drop, vonk_i128 *ret)
{
    vonk_i128 product;
    bool negative = (a < 0) != (b < 0);
    if (!__builtin_mul_overflow(a, b, &product)) {
        *ret = vonk_dec_round_off(product, drop);
        return vonk_dec_fits(*ret, 38);
    }
    vonk_u256 p = vonk_u256_mul(vonk_dec_abs(a), vonk_dec_abs(b));
    for (; drop > 38; drop--) p = tenth(p); /* digits behind the one that rounding looks at */
    vonk_u128 unit = (vonk_u128)vonk_pow10_i128[drop], q, rest;
    if (!vonk_u256_div(p, unit, &q, &rest)) return false;
    if (drop > 0 && rest >= unit - rest) q++;
    return signed_result(q, negative, ret);
}

/* Numerator and divisor as magnitudes, both scaled so that their quotient is the wanted one. */
static bool divide(vonk_i128 a, vonk_i128 b, int shift, vonk_u128 *ret_q, vonk_u128 *ret_rest, vonk_u128 *ret_d)
{
    if (b == 0) return false;
    vonk_u128 n = vonk_dec_abs(a), d = vonk_dec_abs(b);
    vonk_u256 wide = {0, n};
    if (shift > 0) {
        int first = shift > 38 ? 38 : shift;
        wide = vonk_u256_mul(n, (vonk_u128)vonk_pow10_i128[first]);
        for (int left = shift - first; left > 0; left--) { /* at most 39 more, only for the widest types */
            vonk_u256 low = vonk_u256_mul(wide.low, 10);
            if (wide.high > (vonk_u128)-1 / 16) return false;
            wide = (vonk_u256){wide.high * 10 + low.high, low.low};
        }
    } else if (shift < 0) {
        vonk_u256 p = -shift > 38 ? (vonk_u256){1, 0} : vonk_u256_mul(d, (vonk_u128)vonk_pow10_i128[-shift]);
        if (p.high) { /* the divisor is larger than any numerator */
            *ret_q = 0;
            *ret_rest = n;
            *ret_d = (vonk_u128)-1;
            return true;
        }
        d = p.low;
    }
    *ret_d = d;
    return vonk_u256_div(wide, d, ret_q, ret_rest);
}

bool vonk_dec_div(vonk_i128 a, vonk_i128 b, int shift, vonk_i128 *ret)
{
    vonk_u128 q, rest, d;
    if (!divide(a, b, shift, &q, &rest, &d)) return false;
    if (rest >= d - rest) q++;
    return signed_result(q, (a < 0) != (b < 0), ret);
}

bool vonk_dec_div_cut(vonk_i128 a, vonk_i128 b, int shift, vonk_i128 *ret)
{
    vonk_u128 q, rest, d;
    if (!divide(a, b, shift, &q, &rest, &d)) return false;
    return signed_result(q, (a < 0) != (b < 0), ret);
}

/* ---- doubles */

double vonk_dec_to_f64(vonk_i128 unscaled, int scale)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (vonk_dec_abs(unscaled) <= (UINT64_C(1) << 53) && scale <= 22) return (double)(int64_t)unscaled / exact[scale];
    char text[VONK_DEC_CHARS + 1];
    size_t n = vonk_dec_to_text(unscaled, scale, text);
    text[n] = 0;
    return strtod(text, NULL);
}

static bool from_digits(uint64_t digits, int exponent, bool negative, int precision, int scale, vonk_i128 *ret)
{
    int up = exponent + scale;
    vonk_i128 v = (vonk_i128)digits;
    if (up > 38) return false;
    if (up >= 0) {
        if (!vonk_dec_fits(v, 38 - up)) return false;
        v *= vonk_pow10_i128[up];
    } else {
        v = vonk_dec_round_off(v, -up);
    }
    if (!vonk_dec_fits(v, precision)) return false;
    *ret = negative ? -v : v;
    return true;
}

bool vonk_dec_from_f64(double value, int precision, int scale, vonk_i128 *ret)
{
    int exponent;
    *ret = 0;
    if (value == 0) return true;
    if (!isfinite(value)) return false;
    uint64_t digits = vonk_f64_digits(value, &exponent);
    return from_digits(digits, exponent, value < 0, precision, scale, ret);
}

/* ---- sums at different scales */

/* A signed number of 256 bits: magnitude and sign. */
typedef struct wide {
    vonk_u256 m;
    bool negative;
} wide;

static wide scaled(vonk_i128 v, int digits)
{
    return (wide){vonk_u256_mul(vonk_dec_abs(v), (vonk_u128)vonk_pow10_i128[digits]), v < 0};
}

static bool less(vonk_u256 a, vonk_u256 b) { return a.high < b.high || (a.high == b.high && a.low < b.low); }

static vonk_u256 minus(vonk_u256 a, vonk_u256 b)
{
    return (vonk_u256){a.high - b.high - (a.low < b.low), a.low - b.low};
}

static wide sum(wide a, wide b)
{
    if (a.negative == b.negative) {
        vonk_u128 low = a.m.low + b.m.low;
        return (wide){{a.m.high + b.m.high + (low < a.m.low), low}, a.negative};
    }
    if (less(a.m, b.m)) return (wide){minus(b.m, a.m), b.negative};
    return (wide){minus(a.m, b.m), a.negative};
}

bool vonk_dec_add(vonk_i128 a, int a_scale, vonk_i128 b, int b_scale, int scale, vonk_i128 *ret)
{
    int common = a_scale > b_scale ? a_scale : b_scale, drop = common - scale;
    vonk_i128 x, y, s;
    if (!__builtin_mul_overflow(a, vonk_pow10_i128[common - a_scale], &x) &&
        !__builtin_mul_overflow(b, vonk_pow10_i128[common - b_scale], &y) && !__builtin_add_overflow(x, y, &s)) {
        *ret = vonk_dec_round_off(s, drop);
        return vonk_dec_fits(*ret, 38);
    }
    wide w = sum(scaled(a, common - a_scale), scaled(b, common - b_scale));
    vonk_u128 unit = (vonk_u128)vonk_pow10_i128[drop], q, rest;
    if (!vonk_u256_div(w.m, unit, &q, &rest)) return false;
    if (drop > 0 && rest >= unit - rest) q++;
    return signed_result(q, w.negative, ret);
}

bool vonk_dec_rem(vonk_i128 a, int a_scale, vonk_i128 b, int b_scale, vonk_i128 *ret)
{
    int common = a_scale > b_scale ? a_scale : b_scale;
    vonk_i128 x, y;
    if (b == 0) return false;
    if (!__builtin_mul_overflow(a, vonk_pow10_i128[common - a_scale], &x) &&
        !__builtin_mul_overflow(b, vonk_pow10_i128[common - b_scale], &y)) {
        *ret = x % y;
        return true;
    }
    vonk_u256 n = vonk_u256_mul(vonk_dec_abs(a), (vonk_u128)vonk_pow10_i128[common - a_scale]);
    vonk_u256 d = vonk_u256_mul(vonk_dec_abs(b), (vonk_u128)vonk_pow10_i128[common - b_scale]);
    vonk_u128 q, rest;
    if (d.high) { /* larger than 38 digits: a is smaller, as only one side was scaled */
        *ret = a;
        return true;
    }
    n.high %= d.low; /* the quotient does not matter */
    if (!vonk_u256_div(n, d.low, &q, &rest)) return false;
    *ret = a < 0 ? -(vonk_i128)rest : (vonk_i128)rest;
    return true;
}
