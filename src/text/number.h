/* text/number.h -- numbers as text and back, in the forms of Java and Spark.
 *
 * Writers fill a caller's array (sizes below) and return the number of bytes; nothing is NUL-terminated. Readers return false for text that is not
 * such a number; they do not raise, because the caller knows the condition. No function looks at the locale. */
#ifndef VONK_TEXT_NUMBER_H
#define VONK_TEXT_NUMBER_H

#include "base/buf.h"

#define VONK_I64_CHARS  20
#define VONK_F64_CHARS  25  /* -1.7976931348623157E308 */
#define VONK_DEC_CHARS  48  /* 38 digits, sign, point, leading zeros, exponent */
#define VONK_MAX_DECIMAL_DIGITS 38

size_t vonk_i64_to_text(int64_t value, char out[VONK_I64_CHARS]);
/* Java's Double.toString / Float.toString: shortest digits that read back as the same value, at least one behind the point; 1.0E10, NaN, -Infinity. */
size_t vonk_f64_to_text(double value, char out[VONK_F64_CHARS]);
size_t vonk_f32_to_text(float value, char out[VONK_F64_CHARS]);
/* unscaled * 10^-scale without exponent: 0.10, -12.5, 7. */
size_t vonk_dec_to_text(vonk_i128 unscaled, int scale, char out[VONK_DEC_CHARS]);
/* The same as Java's BigDecimal.toString: 1E-7 when the exponent is below -6. */
size_t vonk_dec_to_text_java(vonk_i128 unscaled, int scale, char out[VONK_DEC_CHARS]);
/* The shortest decimal digits of a finite value != 0: |value| = digits * 10^*ret_exponent (digits without trailing zeros, at most 17). */
uint64_t vonk_f64_digits(double value, int *ret_exponent);
uint64_t vonk_f32_digits(float value, int *ret_exponent);

/* White space and control bytes around the number are ignored. `point`: a fraction is allowed and dropped (Spark's legacy cast). */
bool vonk_text_to_i64(vonk_str text, bool point, int64_t least, int64_t most, int64_t *ret);
/* Java's Double.parseDouble (hexadecimal, suffixes d and f) and, in any case of letters, inf, infinity, nan. */
bool vonk_text_to_f64(vonk_str text, double *ret);
bool vonk_text_to_f32(vonk_str text, float *ret);

typedef enum vonk_dec_parse {
    VONK_DEC_OK,
    VONK_DEC_MALFORMED,
    VONK_DEC_TOO_LARGE,   /* more than 38 digits before the point */
    VONK_DEC_OUT_OF_RANGE /* does not fit precision and scale */
} vonk_dec_parse;
/* Rounded half up to `scale`. */
vonk_dec_parse vonk_text_to_dec(vonk_str text, int precision, int scale, vonk_i128 *ret);
/* The digits as written: "1.50" gives 150 and scale 2 (literals). Scale may be negative (1E5). */
vonk_dec_parse vonk_text_to_dec_exact(vonk_str text, vonk_i128 *ret, int *ret_scale);

/* Without white space and control bytes at both ends, as UTF8String.trimAll. */
vonk_str vonk_text_trim_all(vonk_str text);

/* 10^n for n in 0..38, resp. 0..18. */
extern const vonk_i128 vonk_pow10_i128[39];
extern const int64_t   vonk_pow10_i64[19];
int vonk_digits_u128(vonk_u128 value); /* 1 for 0 */

#endif
