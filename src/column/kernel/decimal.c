/* column/kernel/decimal.c -- decimals of up to 18 digits. Types guarantee that results fit, so there is nothing to
 * check; sums and products of lanes under a null may wrap, which is why the arithmetic is unsigned. */
#include "column/kernel/kernel_int.h"

static inline int64_t times(int64_t x, int64_t y) { return (int64_t)((uint64_t)x * (uint64_t)y); }
static inline int64_t plus(int64_t x, int64_t y) { return (int64_t)((uint64_t)x + (uint64_t)y); }

void K_LEVEL(decimal_add_i64)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times,
                              vonk_shape shape, int64_t *out)
{
    if (n == 0) return;
    if (shape == VONK_VS) {
        const int64_t s = times(*b, b_times);
        for (size_t i = 0; i < n; i++) out[i] = plus(times(a[i], a_times), s);
    } else if (shape == VONK_SV) {
        const int64_t s = times(*a, a_times);
        for (size_t i = 0; i < n; i++) out[i] = plus(s, times(b[i], b_times));
    } else
        for (size_t i = 0; i < n; i++) out[i] = plus(times(a[i], a_times), times(b[i], b_times));
}

void K_LEVEL(decimal_add_i64_to_i128)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times,
                                      vonk_shape shape, vonk_i128 *out)
{
    if (n == 0) return;
    const int64_t left = *a, right = *b;
    for (size_t i = 0; i < n; i++) {
        vonk_i128 x = shape == VONK_SV ? left : a[i], y = shape == VONK_VS ? right : b[i];
        out[i] = (vonk_i128)((vonk_u128)(x * a_times) + (vonk_u128)(y * b_times)); /* each product fits: 64 x 64 bits */
    }
}

void K_LEVEL(decimal_mul_i64)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, int64_t *out)
{
    if (n == 0) return;
    if (shape == VONK_VV)
        for (size_t i = 0; i < n; i++) out[i] = times(a[i], b[i]);
    else {
        const int64_t s = shape == VONK_VS ? *b : *a;
        const int64_t *v = shape == VONK_VS ? a : b;
        for (size_t i = 0; i < n; i++) out[i] = times(v[i], s);
    }
}

void K_LEVEL(decimal_mul_i64_to_i128)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, vonk_i128 *out)
{
    if (n == 0) return;
    const int64_t left = *a, right = *b;
    for (size_t i = 0; i < n; i++) {
        vonk_i128 x = shape == VONK_SV ? left : a[i], y = shape == VONK_VS ? right : b[i];
        out[i] = x * y;
    }
}
