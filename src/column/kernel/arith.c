/* column/kernel/arith.c -- sums, differences, products, quotients; what does not fit is marked, not trapped. Overflow
 * is found with plain bit operations, because loops over __builtin_add_overflow are not vectorised. */
#include "column/kernel/pack.h"

/* Results wrap: computed on unsigned lanes. The sign bit of (x ^ r) & (y ^ r) says that a sum left the range. */
#define WRAPS(name, T, U, bits)                                                                                        \
    static inline U add_##name(T x, T y, T *r)                                                                         \
    {                                                                                                                  \
        U a = (U)x, b = (U)y, s = (U)(a + b);                                                                          \
        *r = (T)s;                                                                                                     \
        return (U)((U)((a ^ s) & (b ^ s)) >> (bits - 1));                                                              \
    }                                                                                                                  \
    static inline U sub_##name(T x, T y, T *r)                                                                         \
    {                                                                                                                  \
        U a = (U)x, b = (U)y, s = (U)(a - b);                                                                          \
        *r = (T)s;                                                                                                     \
        return (U)((U)((a ^ b) & (a ^ s)) >> (bits - 1));                                                              \
    }
WRAPS(i8, int8_t, uint8_t, 8)
WRAPS(i16, int16_t, uint16_t, 16)
WRAPS(i32, int32_t, uint32_t, 32)
WRAPS(i64, int64_t, uint64_t, 64)

/* The product in twice the width fits if narrowing it changes nothing. */
#define MULTIPLIES(name, T, WIDE)                                                                                      \
    static inline int mul_##name(T x, T y, T *r)                                                                       \
    {                                                                                                                  \
        WIDE p = (WIDE)((WIDE)x * (WIDE)y);                                                                            \
        *r = (T)p;                                                                                                     \
        return (WIDE)(T)p != p;                                                                                        \
    }
MULTIPLIES(i8, int8_t, int16_t)
MULTIPLIES(i16, int16_t, int32_t)
MULTIPLIES(i32, int32_t, int64_t)
static inline int mul_i64(int64_t x, int64_t y, int64_t *r) { return __builtin_mul_overflow(x, y, r); }

#define FLOATS(name, T)                                                                                                \
    static inline int add_##name(T x, T y, T *r)                                                                       \
    {                                                                                                                  \
        *r = x + y;                                                                                                    \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static inline int sub_##name(T x, T y, T *r)                                                                       \
    {                                                                                                                  \
        *r = x - y;                                                                                                    \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static inline int mul_##name(T x, T y, T *r)                                                                       \
    {                                                                                                                  \
        *r = x * y;                                                                                                    \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static inline int div_##name(T x, T y, T *r)                                                                       \
    {                                                                                                                  \
        *r = x / y;                                                                                                    \
        return y == 0;                                                                                                 \
    }
FLOATS(f32, float)
FLOATS(f64, double)

/* 10^38: what a decimal of 38 digits stays below. */
#define DECIMAL_LIMIT ((vonk_i128)10000000000000000000ULL * 10000000000000000000ULL)
static inline int leaves_decimal(int wrapped, vonk_i128 r)
{
    return wrapped | (r >= DECIMAL_LIMIT) | (r <= -DECIMAL_LIMIT);
}
static inline int add_i128(vonk_i128 x, vonk_i128 y, vonk_i128 *r)
{
    vonk_i128 s;
    int wrapped = __builtin_add_overflow(x, y, &s);
    *r = s;
    return leaves_decimal(wrapped, s);
}
static inline int sub_i128(vonk_i128 x, vonk_i128 y, vonk_i128 *r)
{
    vonk_i128 s;
    int wrapped = __builtin_sub_overflow(x, y, &s);
    *r = s;
    return leaves_decimal(wrapped, s);
}

#define K_NAME add_lanes_i8
#define K_T int8_t
#define K_OP(x, y, r) add_i8(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_i16
#define K_T int16_t
#define K_OP(x, y, r) add_i16(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_i32
#define K_T int32_t
#define K_OP(x, y, r) add_i32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_i64
#define K_T int64_t
#define K_OP(x, y, r) add_i64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_f32
#define K_T float
#define K_OP(x, y, r) add_f32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_f64
#define K_T double
#define K_OP(x, y, r) add_f64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME add_lanes_i128
#define K_T vonk_i128
#define K_OP(x, y, r) add_i128(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_i8
#define K_T int8_t
#define K_OP(x, y, r) sub_i8(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_i16
#define K_T int16_t
#define K_OP(x, y, r) sub_i16(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_i32
#define K_T int32_t
#define K_OP(x, y, r) sub_i32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_i64
#define K_T int64_t
#define K_OP(x, y, r) sub_i64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_f32
#define K_T float
#define K_OP(x, y, r) sub_f32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_f64
#define K_T double
#define K_OP(x, y, r) sub_f64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME sub_lanes_i128
#define K_T vonk_i128
#define K_OP(x, y, r) sub_i128(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_i8
#define K_T int8_t
#define K_OP(x, y, r) mul_i8(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_i16
#define K_T int16_t
#define K_OP(x, y, r) mul_i16(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_i32
#define K_T int32_t
#define K_OP(x, y, r) mul_i32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_i64
#define K_T int64_t
#define K_OP(x, y, r) mul_i64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_f32
#define K_T float
#define K_OP(x, y, r) mul_f32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME mul_lanes_f64
#define K_T double
#define K_OP(x, y, r) mul_f64(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME div_lanes_f32
#define K_T float
#define K_OP(x, y, r) div_f32(x, y, r)
#include "column/kernel/arith.inc.h"

#define K_NAME div_lanes_f64
#define K_T double
#define K_OP(x, y, r) div_f64(x, y, r)
#include "column/kernel/arith.inc.h"

const vonk_kernel_arith K_LEVEL(add)[VONK_N_LANE] = {
    [VONK_LANE_I8] = add_lanes_i8,     [VONK_LANE_I16] = add_lanes_i16, [VONK_LANE_I32] = add_lanes_i32,
    [VONK_LANE_I64] = add_lanes_i64,   [VONK_LANE_F32] = add_lanes_f32, [VONK_LANE_F64] = add_lanes_f64,
    [VONK_LANE_I128] = add_lanes_i128,
};
const vonk_kernel_arith K_LEVEL(sub)[VONK_N_LANE] = {
    [VONK_LANE_I8] = sub_lanes_i8,     [VONK_LANE_I16] = sub_lanes_i16, [VONK_LANE_I32] = sub_lanes_i32,
    [VONK_LANE_I64] = sub_lanes_i64,   [VONK_LANE_F32] = sub_lanes_f32, [VONK_LANE_F64] = sub_lanes_f64,
    [VONK_LANE_I128] = sub_lanes_i128,
};
const vonk_kernel_arith K_LEVEL(mul)[VONK_N_LANE] = {
    [VONK_LANE_I8] = mul_lanes_i8,   [VONK_LANE_I16] = mul_lanes_i16, [VONK_LANE_I32] = mul_lanes_i32,
    [VONK_LANE_I64] = mul_lanes_i64, [VONK_LANE_F32] = mul_lanes_f32, [VONK_LANE_F64] = mul_lanes_f64,
};
const vonk_kernel_arith K_LEVEL(div)[VONK_N_LANE] = {
    [VONK_LANE_F32] = div_lanes_f32,
    [VONK_LANE_F64] = div_lanes_f64,
};
