/* column/kernel/sum.c -- sums. Invalid lanes add 0: their value is masked out, so the loops have no branches. */
#include "column/kernel/pack.h"

/* 64 lanes at a time: a word without nulls is summed plainly, another with a mask per lane. */
static inline uint64_t word_at(const uint8_t *validity, size_t at)
{
    uint64_t w;
    if (!validity) return UINT64_MAX;
    memcpy(&w, validity + at / 8, 8);
    return w;
}

#define SUM_SMALL(name, T)                                                                                             \
    int64_t name(size_t n, const T *v, const uint8_t *validity)                                                        \
    {                                                                                                                  \
        int64_t sum = 0;                                                                                               \
        size_t at = 0;                                                                                                 \
        for (; at + 64 <= n; at += 64) {                                                                               \
            uint64_t w = word_at(validity, at);                                                                        \
            if (w == UINT64_MAX)                                                                                       \
                for (size_t j = 0; j < 64; j++) sum += v[at + j];                                                      \
            else                                                                                                       \
                for (size_t j = 0; j < 64; j++) sum += (int64_t)((uint64_t)v[at + j] & (0 - ((w >> j) & 1)));          \
        }                                                                                                              \
        for (; at < n; at++)                                                                                           \
            if (!validity || vonk_bit_get(validity, at)) sum += v[at];                                                 \
        return sum;                                                                                                    \
    }
SUM_SMALL(K_LEVEL(sum_i8), int8_t)
SUM_SMALL(K_LEVEL(sum_i16), int16_t)
SUM_SMALL(K_LEVEL(sum_i32), int32_t)

/* High and low halves are summed apart: v = high * 2^32 + low, low unsigned; 2^30 lanes at a time cannot overflow 64
 * bits. */
vonk_i128 K_LEVEL(sum_i64)(size_t n, const int64_t *v, const uint8_t *validity)
{
    enum { PART = 1 << 30 };
    vonk_i128 sum = 0;
    for (size_t from = 0; from < n; from += PART) {
        size_t end = n - from < PART ? n : from + PART, at = from;
        int64_t high = 0;
        uint64_t low = 0;
        for (; at + 64 <= end; at += 64) {
            uint64_t w = word_at(validity, at);
            if (w == UINT64_MAX)
                for (size_t j = 0; j < 64; j++) {
                    high += v[at + j] >> 32;
                    low += (uint32_t)v[at + j];
                }
            else
                for (size_t j = 0; j < 64; j++) {
                    int64_t x = (int64_t)((uint64_t)v[at + j] & (0 - ((w >> j) & 1)));
                    high += x >> 32;
                    low += (uint32_t)x;
                }
        }
        for (; at < end; at++)
            if (!validity || vonk_bit_get(validity, at)) {
                high += v[at] >> 32;
                low += (uint32_t)v[at];
            }
        sum += (vonk_i128)high * ((vonk_i128)1 << 32) + low;
    }
    return sum;
}

bool K_LEVEL(sum_i128)(size_t n, const vonk_i128 *v, const uint8_t *validity, vonk_i128 *ret_sum)
{
    vonk_i128 sum = 0;
    bool left = false;
    for (size_t i = 0; i < n; i++)
        if (!validity || vonk_bit_get(validity, i)) left |= __builtin_add_overflow(sum, v[i], &sum);
    *ret_sum = sum;
    return left;
}

/* Lane i goes to running sum i % 8; the eight are added in pairs. The order does not depend on the machine. */
#define SUM_FLOAT(name, T)                                                                                             \
    double name(size_t n, const T *v, const uint8_t *validity)                                                         \
    {                                                                                                                  \
        double s[8] = {0};                                                                                             \
        size_t i = 0;                                                                                                  \
        if (!validity)                                                                                                 \
            for (; i + 8 <= n; i += 8)                                                                                 \
                for (size_t j = 0; j < 8; j++) s[j] += (double)v[i + j];                                               \
        else                                                                                                           \
            for (; i + 8 <= n; i += 8) {                                                                               \
                unsigned bits = validity[i / 8];                                                                       \
                for (size_t j = 0; j < 8; j++) s[j] += (bits >> j) & 1 ? (double)v[i + j] : 0.0;                       \
            }                                                                                                          \
        for (; i < n; i++)                                                                                             \
            if (!validity || vonk_bit_get(validity, i)) s[i % 8] += (double)v[i];                                      \
        return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));                                      \
    }
SUM_FLOAT(K_LEVEL(sum_f32), float)
SUM_FLOAT(K_LEVEL(sum_f64), double)
