/* column/kernel/compare.c -- comparisons to bitmaps. Floats follow Spark: NaN = NaN, NaN above everything. Scalar on
 * the left is the mirrored comparison. */
#include "column/kernel/pack.h"

#define INT_EQ(x, y) ((x) == (y))
#define INT_NE(x, y) ((x) != (y))
#define INT_LT(x, y) ((x) < (y))
#define INT_LE(x, y) ((x) <= (y))
#define INT_GT(x, y) ((x) > (y))
#define INT_GE(x, y) ((x) >= (y))
/* Bitwise on purpose: no branches. */
#define IS_NAN(x) ((x) != (x))
#define FLOAT_EQ(x, y) (((x) == (y)) | (IS_NAN(x) & IS_NAN(y)))
#define FLOAT_NE(x, y) (!FLOAT_EQ(x, y))
#define FLOAT_LT(x, y) (((x) < (y)) | (IS_NAN(y) & !IS_NAN(x)))
#define FLOAT_LE(x, y) (((x) <= (y)) | IS_NAN(y))
#define FLOAT_GT(x, y) FLOAT_LT(y, x)
#define FLOAT_GE(x, y) FLOAT_LE(y, x)

#define K_NAME eq_i8
#define K_T int8_t
#define K_OP(x, y) INT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_i16
#define K_T int16_t
#define K_OP(x, y) INT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_i32
#define K_T int32_t
#define K_OP(x, y) INT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_i64
#define K_T int64_t
#define K_OP(x, y) INT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_f32
#define K_T float
#define K_OP(x, y) FLOAT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_f64
#define K_T double
#define K_OP(x, y) FLOAT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME eq_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_EQ(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_i8
#define K_T int8_t
#define K_OP(x, y) INT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_i16
#define K_T int16_t
#define K_OP(x, y) INT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_i32
#define K_T int32_t
#define K_OP(x, y) INT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_i64
#define K_T int64_t
#define K_OP(x, y) INT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_f32
#define K_T float
#define K_OP(x, y) FLOAT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_f64
#define K_T double
#define K_OP(x, y) FLOAT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ne_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_NE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_i8
#define K_T int8_t
#define K_OP(x, y) INT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_i16
#define K_T int16_t
#define K_OP(x, y) INT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_i32
#define K_T int32_t
#define K_OP(x, y) INT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_i64
#define K_T int64_t
#define K_OP(x, y) INT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_f32
#define K_T float
#define K_OP(x, y) FLOAT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_f64
#define K_T double
#define K_OP(x, y) FLOAT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME lt_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_LT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_i8
#define K_T int8_t
#define K_OP(x, y) INT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_i16
#define K_T int16_t
#define K_OP(x, y) INT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_i32
#define K_T int32_t
#define K_OP(x, y) INT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_i64
#define K_T int64_t
#define K_OP(x, y) INT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_f32
#define K_T float
#define K_OP(x, y) FLOAT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_f64
#define K_T double
#define K_OP(x, y) FLOAT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME le_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_LE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_i8
#define K_T int8_t
#define K_OP(x, y) INT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_i16
#define K_T int16_t
#define K_OP(x, y) INT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_i32
#define K_T int32_t
#define K_OP(x, y) INT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_i64
#define K_T int64_t
#define K_OP(x, y) INT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_f32
#define K_T float
#define K_OP(x, y) FLOAT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_f64
#define K_T double
#define K_OP(x, y) FLOAT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME gt_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_GT(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_i8
#define K_T int8_t
#define K_OP(x, y) INT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_i16
#define K_T int16_t
#define K_OP(x, y) INT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_i32
#define K_T int32_t
#define K_OP(x, y) INT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_i64
#define K_T int64_t
#define K_OP(x, y) INT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_f32
#define K_T float
#define K_OP(x, y) FLOAT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_f64
#define K_T double
#define K_OP(x, y) FLOAT_GE(x, y)
#include "column/kernel/compare.inc.h"

#define K_NAME ge_i128
#define K_T vonk_i128
#define K_OP(x, y) INT_GE(x, y)
#include "column/kernel/compare.inc.h"

const vonk_kernel_compare K_LEVEL(compare)[VONK_N_CMP][VONK_N_LANE] = {
    [VONK_CMP_EQ] = {eq_i8, eq_i16, eq_i32, eq_i64, eq_f32, eq_f64, eq_i128},
    [VONK_CMP_NE] = {ne_i8, ne_i16, ne_i32, ne_i64, ne_f32, ne_f64, ne_i128},
    [VONK_CMP_LT] = {lt_i8, lt_i16, lt_i32, lt_i64, lt_f32, lt_f64, lt_i128},
    [VONK_CMP_LE] = {le_i8, le_i16, le_i32, le_i64, le_f32, le_f64, le_i128},
    [VONK_CMP_GT] = {gt_i8, gt_i16, gt_i32, gt_i64, gt_f32, gt_f64, gt_i128},
    [VONK_CMP_GE] = {ge_i8, ge_i16, ge_i32, ge_i64, ge_f32, ge_f64, ge_i128},
};
