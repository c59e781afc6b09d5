/* text/number_read.c -- text to numbers. */
#include <math.h>
#include <stdlib.h>

#include "text/number.h"

static bool is_blank(char c) { return (unsigned char)c <= ' ' || c == 0x7f; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

vonk_str vonk_text_trim_all(vonk_str text)
{
    while (text.len && is_blank(text.data[0])) text = vonk_str_sub(text, 1, text.len);
    while (text.len && is_blank(text.data[text.len - 1])) text.len--;
    return text;
}

bool vonk_text_to_i64(vonk_str text, bool point, int64_t least, int64_t most, int64_t *ret)
{
    text = vonk_text_trim_all(text);
    const char *at = text.data, *end = at + text.len;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    uint64_t v = 0, limit = negative ? 0 - (uint64_t)least : (uint64_t)most;
    const char *first = at;
    for (; at < end && is_digit(*at); at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (v > (limit - digit) / 10 || digit > limit) return false;
        v = v * 10 + digit;
    }
    if (at < end && point && *at == '.') {
        for (at++; at < end && is_digit(*at); at++) {
        }
        if (at != end) return false;
    } else if (at != end || at == first) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* ---- floating point */

static bool word_is(vonk_str text, const char *word) { return vonk_str_is_nocase(text, word); }

static bool special(vonk_str text, double *ret)
{
    if (word_is(text, "nan")) {
        *ret = NAN;
        return true;
    }
    bool negative = text.len && text.data[0] == '-';
    vonk_str bare = text.len && (negative || text.data[0] == '+') ? vonk_str_sub(text, 1, text.len) : text;
    if (!word_is(bare, "inf") && !word_is(bare, "infinity")) return false;
    *ret = negative ? -INFINITY : INFINITY;
    return true;
}

static const char *skip_digits(const char *at, const char *end, bool hex)
{
    while (at < end && (is_digit(*at) || (hex && ((*at | 32) >= 'a' && (*at | 32) <= 'f')))) at++;
    return at;
}

/* Java's FloatingPointLiteral grammar; *ret_end: without the type suffix. */
static bool float_grammar(const char *at, const char *end, const char **ret_end)
{
    if (at < end && (*at == '+' || *at == '-')) at++;
    bool hex = end - at > 2 && at[0] == '0' && (at[1] | 32) == 'x';
    if (hex) at += 2;
    const char *from = at;
    at = skip_digits(at, end, hex);
    size_t digits = (size_t)(at - from);
    if (at < end && *at == '.') {
        from = ++at;
        at = skip_digits(at, end, hex);
        digits += (size_t)(at - from);
    }
    if (digits == 0) return false;
    bool exponent = at < end && (*at | 32) == (hex ? 'p' : 'e');
    if (hex && !exponent) return false;
    if (exponent) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        from = at;
        at = skip_digits(at, end, false);
        if (at == from) return false;
    }
    *ret_end = at;
    if (at < end && ((*at | 32) == 'd' || (*at | 32) == 'f')) at++;
    return at == end;
}

/* Decimal mantissas below 2^53 and powers of ten up to 22 are exact doubles, so that one operation rounds right. */
static bool fast_double(const char *at, const char *end, double *ret)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    uint64_t v = 0;
    int digits = 0, behind = 0;
    bool point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*at) || ++digits > 15) return false;
        v = v * 10 + (uint64_t)(*at - '0');
        behind += point;
    }
    double x = (double)v / powers[behind];
    *ret = negative ? -x : x;
    return true;
}

enum {
    MOST_DIGITS = 800
}; /* no double's rounding depends on a later one, only on whether there is one (hex: far fewer) */

static int32_t exponent_of(const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    int32_t e = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    for (; at < end; at++)
        if (e < 100000000) e = e * 10 + (*at - '0');
    return negative ? -e : e;
}

/* The same number in at most MOST_DIGITS + 40 bytes: no leading zeros, a 1 in place of all that is left out. */
static void shorten(const char *at, size_t len, char *to)
{
    const char *end = at + len;
    if (*at == '-' || *at == '+') *to++ = *at++;
    bool hex = end - at > 2 && at[0] == '0' && (at[1] | 32) == 'x', point = false, more = false;
    if (hex) to = (char *)memcpy(to, at, 2) + 2;
    if (hex) at += 2;
    int64_t n = 0, scale = 0;
    for (; at < end && (*at | 32) != (hex ? 'p' : 'e'); at++) {
        if (*at == '.') {
            point = true;
        } else if (n == MOST_DIGITS) {
            more |= *at != '0';
            scale += !point;
        } else {
            if (n > 0 || *at != '0') to[n++] = *at;
            scale -= point;
        }
    }
    if (n == 0) to[n++] = '0';
    if (more) to[n++] = '1';
    scale -= more;
    int64_t exponent = scale * (hex ? 4 : 1) + exponent_of(at + (at < end), end);
    vonk_format(to + n, 32, "%c%lld", hex ? 'p' : 'e', (long long)exponent);
}

/* strtod wants a NUL, and the text is not ours to end. */
static double slow_double(const char *at, size_t len, bool single)
{
    char copy[MOST_DIGITS + 40];
    if (len < sizeof(copy)) {
        memcpy(copy, at, len);
        copy[len] = 0;
    } else {
        shorten(at, len, copy);
    }
    return single ? (double)strtof(copy, NULL) : strtod(copy, NULL);
}

static bool read_float(vonk_str text, bool single, double *ret)
{
    const char *end = NULL;
    text = vonk_text_trim_all(text);
    if (text.len == 0) return false;
    if (!float_grammar(text.data, text.data + text.len, &end)) return special(text, ret);
    if (!single && fast_double(text.data, end, ret)) return true;
    *ret = slow_double(text.data, (size_t)(end - text.data), single);
    return true;
}

bool vonk_text_to_f64(vonk_str text, double *ret) { return read_float(text, false, ret); }

bool vonk_text_to_f32(vonk_str text, float *ret)
{
    double v;
    if (!read_float(text, true, &v)) return false;
    *ret = (float)v;
    return true;
}

/* ---- decimals */

/* A decimal as written: sign, digits (leading zeros dropped) and the power of ten of the last one. */
typedef struct written {
    const char *from, *to; /* digits and at most one point */
    bool negative;
    int64_t exponent;
} written;

static bool scan_decimal(vonk_str text, written *ret)
{
    text = vonk_text_trim_all(text);
    *ret = (written){0};
    if (text.len == 0) return false;
    const char *at = text.data, *end = at + text.len;
    if (at < end && (*at == '-' || *at == '+')) ret->negative = *at++ == '-';
    ret->from = at;
    size_t digits = 0;
    bool point = false;
    int64_t behind = 0;
    for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = true;
        } else {
            digits++;
            behind += point;
        }
    }
    ret->to = at;
    if (digits == 0) return false;
    if (at < end && (*at | 32) == 'e') {
        int64_t e = 0;
        bool minus = ++at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+')) at++;
        if (at == end || end - at > 10) return false;
        for (; at < end && is_digit(*at); at++) e = e * 10 + (*at - '0');
        ret->exponent = minus ? -e : e;
    }
    ret->exponent -= behind;
    return at == end;
}

/* The first 39 significant digits; *ret_dropped: how many follow; *ret_next: the first of those. */
static int take_digits(const written *w, vonk_u128 *ret, int64_t *ret_dropped, int *ret_next)
{
    int n = 0;
    vonk_u128 v = 0;
    *ret_dropped = 0;
    *ret_next = 0;
    for (const char *at = w->from; at < w->to; at++) {
        if (*at == '.' || (*at == '0' && n == 0)) continue;
        if (n == 38) {
            if (*ret_dropped == 0) *ret_next = *at - '0';
            ++*ret_dropped;
        } else {
            v = v * 10 + (vonk_u128)(*at - '0');
            n++;
        }
    }
    *ret = v;
    return n;
}

vonk_dec_parse vonk_text_to_dec(vonk_str text, int precision, int scale, vonk_i128 *ret)
{
    written w;
    vonk_u128 v;
    int64_t dropped;
    int next;
    if (!scan_decimal(text, &w)) return VONK_DEC_MALFORMED;
    int n = take_digits(&w, &v, &dropped, &next);
    int64_t exponent = w.exponent + dropped; /* of the last digit in v */
    if (n == 0) {
        *ret = 0;
        return VONK_DEC_OK;
    }
    if ((int64_t)n + exponent > VONK_MAX_DECIMAL_DIGITS) return VONK_DEC_TOO_LARGE;
    int64_t shift = exponent + scale; /* v * 10^shift is the unscaled value */
    if (shift >= 0) {
        if (n + shift > precision) return VONK_DEC_OUT_OF_RANGE;
        v = v * (vonk_u128)vonk_pow10_i128[shift];
        if (shift == 0 && dropped && next >= 5) v++;
    } else if (-shift > n) {
        v = 0;
    } else {
        vonk_u128 unit = (vonk_u128)vonk_pow10_i128[-shift], rest = v % unit;
        v = v / unit + (rest >= unit - rest ? 1 : 0);
    }
    if (v >= (vonk_u128)vonk_pow10_i128[precision]) return VONK_DEC_OUT_OF_RANGE;
    *ret = w.negative ? -(vonk_i128)v : (vonk_i128)v;
    return VONK_DEC_OK;
}

vonk_dec_parse vonk_text_to_dec_exact(vonk_str text, vonk_i128 *ret, int *ret_scale)
{
    written w;
    vonk_u128 v;
    int64_t dropped;
    int next;
    if (!scan_decimal(text, &w)) return VONK_DEC_MALFORMED;
    take_digits(&w, &v, &dropped, &next);
    if (dropped || w.exponent > 1000 || w.exponent < -1000) return VONK_DEC_TOO_LARGE;
    *ret = w.negative ? -(vonk_i128)v : (vonk_i128)v;
    *ret_scale = (int)-w.exponent;
    return VONK_DEC_OK;
}
