/* text/number.c -- numbers as text (writers); readers are in text/number_read.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/number.h"

#define E18 INT64_C(1000000000000000000)
#define P(n) ((vonk_i128)E18 * (vonk_i128)(n))
#define BELOW_E18                                                                                                      \
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,              \
        1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000
const int64_t vonk_pow10_i64[19] = {BELOW_E18, E18};
const vonk_i128 vonk_pow10_i128[39] = {BELOW_E18,
                                       E18,
                                       P(10),
                                       P(100),
                                       P(1000),
                                       P(10000),
                                       P(100000),
                                       P(1000000),
                                       P(10000000),
                                       P(100000000),
                                       P(1000000000),
                                       P(10000000000),
                                       P(100000000000),
                                       P(1000000000000),
                                       P(10000000000000),
                                       P(100000000000000),
                                       P(1000000000000000),
                                       P(10000000000000000),
                                       P(100000000000000000),
                                       P(E18),
                                       P(E18) * 10,
                                       P(E18) * 100};

static const char pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
    "495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* Writes the digits so that they end before `end`; returns where they start. */
static char *digits_before(uint64_t v, char *end)
{
    while (v >= 100) {
        uint64_t rest = v / 100;
        end -= 2;
        memcpy(end, pairs + 2 * (v - rest * 100), 2);
        v = rest;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, pairs + 2 * v, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

static char *digits_before_u128(vonk_u128 v, char *end)
{
    while (v > UINT64_MAX) {
        vonk_u128 rest = v / (vonk_u128)E18;
        char *at = digits_before((uint64_t)(v - rest * (vonk_u128)E18), end);
        while (end - at < 18) *--at = '0';
        end = at;
        v = rest;
    }
    return digits_before((uint64_t)v, end);
}

size_t vonk_i64_to_text(int64_t value, char out[VONK_I64_CHARS])
{
    char tmp[VONK_I64_CHARS], *end = tmp + sizeof(tmp);
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *at = digits_before(v, end);
    if (value < 0) *--at = '-';
    memcpy(out, at, (size_t)(end - at));
    return (size_t)(end - at);
}

int vonk_digits_u128(vonk_u128 value)
{
    int n = 1;
    while (n < 39 && value >= (vonk_u128)vonk_pow10_i128[n]) n++;
    return n;
}

size_t vonk_dec_to_text(vonk_i128 unscaled, int scale, char out[VONK_DEC_CHARS])
{
    char tmp[48], *end = tmp + sizeof(tmp);
    vonk_u128 v = unscaled < 0 ? 0 - (vonk_u128)unscaled : (vonk_u128)unscaled;
    char *at = digits_before_u128(v, end);
    while (end - at <= scale) *--at = '0';
    size_t whole = (size_t)(end - at) - (size_t)scale, n = 0;
    if (unscaled < 0) out[n++] = '-';
    memcpy(out + n, at, whole);
    n += whole;
    if (scale > 0) {
        out[n++] = '.';
        memcpy(out + n, at + whole, (size_t)scale);
        n += (size_t)scale;
    }
    return n;
}

size_t vonk_dec_to_text_java(vonk_i128 unscaled, int scale, char out[VONK_DEC_CHARS])
{
    vonk_u128 v = unscaled < 0 ? 0 - (vonk_u128)unscaled : (vonk_u128)unscaled;
    int digits = vonk_digits_u128(v), exponent = digits - 1 - scale;
    if (exponent >= -6 && scale >= 0) return vonk_dec_to_text(unscaled, scale, out);
    char tmp[48], *end = tmp + sizeof(tmp), *at = digits_before_u128(v, end);
    size_t n = 0;
    if (unscaled < 0) out[n++] = '-';
    out[n++] = *at++;
    if (at < end) out[n++] = '.';
    memcpy(out + n, at, (size_t)(end - at));
    n += (size_t)(end - at);
    out[n++] = 'E';
    if (exponent >= 0) out[n++] = '+';
    return n + vonk_i64_to_text(exponent, out + n);
}

/* ---- floating point */

static uint64_t strip_zeros(uint64_t digits, int *inout_exponent)
{
    while (digits % 10 == 0) {
        digits /= 10;
        ++*inout_exponent;
    }
    return digits;
}

/* 12.34 * 100 is 1234 exactly enough that 1234 / 100 gives it back: then those digits are the shortest, as any
 * decimal of
 * up to 15 digits belongs to one double only. */
static bool few_decimals(double v, uint64_t *ret, int *ret_exponent)
{
    static const double scales[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    for (int k = 0; k < 7; k++) {
        double scaled = v * scales[k], whole = nearbyint(scaled);
        if (scaled > 1e15) return false;
        if (whole / scales[k] == v && whole >= 1) {
            *ret = (uint64_t)whole;
            *ret_exponent = -k;
            return true;
        }
    }
    return false;
}

/* Reads the digits of "%.*e" text. */
static uint64_t digits_of_text(const char *text, int precision, int *ret_exponent)
{
    uint64_t digits = (uint64_t)(text[0] - '0');
    const char *at = text + 1;
    if (*at == '.')
        for (at++; *at != 'e'; at++) digits = digits * 10 + (uint64_t)(*at - '0');
    *ret_exponent = (int)strtol(at + 1, NULL, 10) - precision;
    return digits;
}

/* Shortest digits by asking for more and more of them; at least two, as Java does ("4.9E-324"). */
static uint64_t shortest(double v, bool single, int *ret_exponent)
{
    char text[40];
    int most = single ? 8 : 16;
    for (int precision = single ? 5 : 14;; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, v);
        bool same = single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
        if (!same && precision < most) continue;
        return digits_of_text(text, precision, ret_exponent);
    }
}

/* Subnormal numbers have so few digits that even 6 or 15 may be too many: look for the least. */
static uint64_t shortest_of_tiny(double v, bool single, int *ret_exponent)
{
    char text[40];
    for (int precision = 1;; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, v);
        bool same = single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
        if (same || precision == 16) return digits_of_text(text, precision, ret_exponent);
    }
}

uint64_t vonk_f64_digits(double value, int *ret_exponent)
{
    double v = fabs(value);
    uint64_t digits;
    assert(v > 0 && v <= 1.7976931348623157e308);
    if (v < 1e-290)
        digits = shortest_of_tiny(v, false, ret_exponent);
    else if (!few_decimals(v, &digits, ret_exponent))
        digits = shortest(v, false, ret_exponent);
    return strip_zeros(digits, ret_exponent);
}

uint64_t vonk_f32_digits(float value, int *ret_exponent)
{
    double v = fabs((double)value);
    uint64_t digits = v < 1e-30 ? shortest_of_tiny(v, true, ret_exponent) : shortest(v, true, ret_exponent);
    return strip_zeros(digits, ret_exponent);
}

/* Java's layout of digits * 10^exponent. */
static size_t java_float(bool negative, uint64_t digits, int exponent, char out[VONK_F64_CHARS])
{
    char tmp[24], *end = tmp + sizeof(tmp), *at = digits_before(digits, end);
    int count = (int)(end - at), power = exponent + count - 1; /* of the first digit */
    size_t n = 0;
    if (negative) out[n++] = '-';
    if (power >= -3 && power < 7) {
        int whole = power + 1; /* digits before the point */
        if (whole <= 0) {
            out[n++] = '0';
            out[n++] = '.';
            for (int i = whole; i < 0; i++) out[n++] = '0';
            memcpy(out + n, at, (size_t)count);
            return n + (size_t)count;
        }
        for (int i = 0; i < whole; i++) out[n++] = i < count ? at[i] : '0';
        out[n++] = '.';
        if (count <= whole) out[n++] = '0';
        for (int i = whole; i < count; i++) out[n++] = at[i];
        return n;
    }
    out[n++] = *at++;
    out[n++] = '.';
    if (at == end) out[n++] = '0';
    memcpy(out + n, at, (size_t)(end - at));
    n += (size_t)(end - at);
    out[n++] = 'E';
    return n + vonk_i64_to_text(power, out + n);
}

static size_t special_float(double v, char *out)
{
    const char *text = isnan(v) ? "NaN" : isinf(v) ? (v < 0 ? "-Infinity" : "Infinity") : signbit(v) ? "-0.0" : "0.0";
    size_t n = strlen(text);
    memcpy(out, text, n);
    return n;
}

size_t vonk_f64_to_text(double value, char out[VONK_F64_CHARS])
{
    int exponent;
    if (value == 0 || !isfinite(value)) return special_float(value, out);
    uint64_t digits = vonk_f64_digits(value, &exponent);
    return java_float(value < 0, digits, exponent, out);
}

size_t vonk_f32_to_text(float value, char out[VONK_F64_CHARS])
{
    int exponent;
    if (value == 0 || !isfinite(value)) return special_float((double)value, out);
    uint64_t digits = vonk_f32_digits(value, &exponent);
    return java_float(value < 0, digits, exponent, out);
}
