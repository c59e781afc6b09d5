/* column/kernel/minmax.c -- smallest and largest values, many running ones. Floats follow Spark: NaN is the largest;
 * of 0.0 and -0.0 any may come back. */
#include <math.h>

#include "column/kernel/pack.h"

#define INT_LESS(x, y) ((x) < (y))
#define INT_GREATER(x, y) ((x) > (y))
#define IS_NAN(x) ((x) != (x))
#define FLOAT_LESS(x, y) (((x) < (y)) | (IS_NAN(y) & !IS_NAN(x)))
#define FLOAT_GREATER(x, y) FLOAT_LESS(y, x)
#define I128_MAX ((vonk_i128)(~(vonk_u128)0 >> 1))
#define I128_MIN (-I128_MAX - 1)

#define K_NAME min_i8
#define K_T int8_t
#define K_MASK uint8_t
#define K_START INT8_MAX
#define K_BETTER(x, y) INT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_i16
#define K_T int16_t
#define K_MASK uint16_t
#define K_START INT16_MAX
#define K_BETTER(x, y) INT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_i32
#define K_T int32_t
#define K_MASK uint32_t
#define K_START INT32_MAX
#define K_BETTER(x, y) INT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_i64
#define K_T int64_t
#define K_MASK uint64_t
#define K_START INT64_MAX
#define K_BETTER(x, y) INT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_f32
#define K_T float
#define K_MASK uint32_t
#define K_START (float)NAN
#define K_BETTER(x, y) FLOAT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_f64
#define K_T double
#define K_MASK uint64_t
#define K_START (double)NAN
#define K_BETTER(x, y) FLOAT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME min_i128
#define K_T vonk_i128
#define K_MASK uint64_t
#define K_START I128_MAX
#define K_BETTER(x, y) INT_LESS(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_i8
#define K_T int8_t
#define K_MASK uint8_t
#define K_START INT8_MIN
#define K_BETTER(x, y) INT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_i16
#define K_T int16_t
#define K_MASK uint16_t
#define K_START INT16_MIN
#define K_BETTER(x, y) INT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_i32
#define K_T int32_t
#define K_MASK uint32_t
#define K_START INT32_MIN
#define K_BETTER(x, y) INT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_i64
#define K_T int64_t
#define K_MASK uint64_t
#define K_START INT64_MIN
#define K_BETTER(x, y) INT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_f32
#define K_T float
#define K_MASK uint32_t
#define K_START -(float)INFINITY
#define K_BETTER(x, y) FLOAT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_f64
#define K_T double
#define K_MASK uint64_t
#define K_START -(double)INFINITY
#define K_BETTER(x, y) FLOAT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

#define K_NAME max_i128
#define K_T vonk_i128
#define K_MASK uint64_t
#define K_START I128_MIN
#define K_BETTER(x, y) INT_GREATER(x, y)
#include "column/kernel/minmax.inc.h"

bool (*const K_LEVEL(min)[VONK_N_LANE])(size_t n, const void *v, const uint8_t *validity,
                                        void *ret) = {min_i8, min_i16, min_i32, min_i64, min_f32, min_f64, min_i128};
bool (*const K_LEVEL(max)[VONK_N_LANE])(size_t n, const void *v, const uint8_t *validity,
                                        void *ret) = {max_i8, max_i16, max_i32, max_i64, max_f32, max_f64, max_i128};
