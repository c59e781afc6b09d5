/* func/strict_math_int.h -- inside func: the halves of a double. */
#ifndef VONK_FUNC_STRICT_MATH_INT_H
#define VONK_FUNC_STRICT_MATH_INT_H

#include <string.h>

#include "base/attr.h"
#include "func/strict_math.h"

static inline uint64_t bits_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof(b));
    return b;
}
static inline double of_bits(uint64_t b)
{
    double x;
    memcpy(&x, &b, sizeof(x));
    return x;
}
static inline int32_t high_word(double x) { return (int32_t)(bits_of(x) >> 32); }
static inline uint32_t low_word(double x) { return (uint32_t)bits_of(x); }
static inline double with_high(double x, int32_t high) { return of_bits((uint64_t)(uint32_t)high << 32 | low_word(x)); }
static inline double without_low(double x) { return of_bits(bits_of(x) & UINT64_C(0xffffffff00000000)); }

#endif
