/* column/kernel/kernel.h -- tight loops over plain arrays, compiled once per CPU level and chosen at start.
 *
 * `vonk_kernels` points to the table of the best level that this machine has. Every kernel computes all n lanes, nulls included (the value under a null is
 * defined memory), never traps, and knows nothing of validity unless it says so. Bitmaps are base/bits.h's: whole bytes are written, bits past n are 0.
 * Inputs may be unaligned to anything but their own type; out may be one of the vectors that come in, but must not overlap them otherwise.
 * Results are the same on every level, bit for bit (floats included).
 *
 *     vonk_kernels->compare[VONK_CMP_LT][VONK_LANE_I32](n, a, b, VONK_VS, bits);
 *     any_bad = vonk_kernels->add[VONK_LANE_I64](n, a, b, VONK_VV, out, bad);
 */
#ifndef VONK_COLUMN_KERNEL_KERNEL_H
#define VONK_COLUMN_KERNEL_KERNEL_H

#include "base/attr.h"
#include "column/type.h"

typedef enum vonk_lane { VONK_LANE_I8, VONK_LANE_I16, VONK_LANE_I32, VONK_LANE_I64, VONK_LANE_F32, VONK_LANE_F64, VONK_LANE_I128, VONK_N_LANE } vonk_lane;
typedef enum vonk_cmp { VONK_CMP_EQ, VONK_CMP_NE, VONK_CMP_LT, VONK_CMP_LE, VONK_CMP_GT, VONK_CMP_GE, VONK_N_CMP } vonk_cmp;
/* Which operand is one value for all rows (it still comes by address). */
typedef enum vonk_shape { VONK_VV, VONK_VS, VONK_SV } vonk_shape;

/* The lane of a storage; VONK_N_LANE: it has none (bits, strings, intervals, nested). */
static inline vonk_lane vonk_lane_of(vonk_storage storage)
{
    switch (storage) {
    case VONK_STORE_I8: return VONK_LANE_I8;
    case VONK_STORE_I16: return VONK_LANE_I16;
    case VONK_STORE_I32: return VONK_LANE_I32;
    case VONK_STORE_I64: return VONK_LANE_I64;
    case VONK_STORE_F32: return VONK_LANE_F32;
    case VONK_STORE_F64: return VONK_LANE_F64;
    case VONK_STORE_I128: return VONK_LANE_I128;
    default: return VONK_N_LANE;
    }
}

/* bits[i] = a[i] op b[i]. Floats as Spark compares them: NaN = NaN, NaN is the largest, -0.0 = 0.0. */
typedef void (*vonk_kernel_compare)(size_t n, const void *a, const void *b, vonk_shape shape, uint8_t *bits);
/* out[i] = a[i] op b[i], wrapped around where it does not fit; bad[i] = it did not. Returns whether any lane was bad. bad may be NULL when nobody asks.
 * Floats never overflow; for them div alone sets bad (divisor 0; out is then as IEEE has it). I128: bad = not a decimal of 38 digits any more. */
typedef bool (*vonk_kernel_arith)(size_t n, const void *a, const void *b, vonk_shape shape, void *out, uint8_t *bad);

typedef struct vonk_kernel_table {
    const char *level; /* "v1", "v3", "v4" */
    const vonk_kernel_compare (*compare)[VONK_N_LANE]; /* [vonk_cmp][vonk_lane] */
    const vonk_kernel_arith *add, *sub, *mul;          /* [vonk_lane]; mul has no I128 (NULL) */
    const vonk_kernel_arith *div;                      /* [vonk_lane]; F32 and F64 only */

    /* Decimals of up to 18 digits: out = a * a_times + b * b_times, exact; the caller knows from the types that it fits (a subtraction has b_times < 0). */
    void (*decimal_add_i64)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times, vonk_shape shape, int64_t *out);
    void (*decimal_add_i64_to_i128)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times, vonk_shape shape, vonk_i128 *out);
    void (*decimal_mul_i64)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, int64_t *out);
    void (*decimal_mul_i64_to_i128)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, vonk_i128 *out);

    /* Sums over the lanes whose validity bit is set (validity NULL: all). Integers are exact; sum_i128 says whether the sum left 128 bits. Doubles are added in one
     * fixed order: 8 running sums, lane i to sum i % 8, then pairs. */
    int64_t (*sum_i8)(size_t n, const int8_t *v, const uint8_t *validity);
    int64_t (*sum_i16)(size_t n, const int16_t *v, const uint8_t *validity);
    int64_t (*sum_i32)(size_t n, const int32_t *v, const uint8_t *validity); /* n up to 2^32 */
    vonk_i128 (*sum_i64)(size_t n, const int64_t *v, const uint8_t *validity);
    bool (*sum_i128)(size_t n, const vonk_i128 *v, const uint8_t *validity, vonk_i128 *ret_sum); /* true: overflow */
    double (*sum_f32)(size_t n, const float *v, const uint8_t *validity);
    double (*sum_f64)(size_t n, const double *v, const uint8_t *validity);
    /* [vonk_lane]: the smallest / largest valid value to *ret; false when there is none. */
    bool (*const *min)(size_t n, const void *v, const uint8_t *validity, void *ret);
    bool (*const *max)(size_t n, const void *v, const uint8_t *validity, void *ret);

    /* hashes[i] = mix(v[i]) when first, else combine(hashes[i], v[i]): the hash of integers in column/rows.h. 32-bit values are sign-extended. */
    void (*hash_i32)(size_t n, const int32_t *v, uint64_t *inout_hashes, bool first);
    void (*hash_i64)(size_t n, const int64_t *v, uint64_t *inout_hashes, bool first);

    /* Bitmaps of n bits; out may be a or b. */
    void (*bits_and)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out);
    void (*bits_or)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out);
    void (*bits_and_not)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out); /* a and not b */
    void (*bits_not)(size_t n, const uint8_t *a, uint8_t *out);
    size_t (*bits_count)(size_t n, const uint8_t *bits);
    /* Row numbers of the ones, ascending; out has room for n. Returns how many. */
    size_t (*bits_to_rows)(size_t n, const uint8_t *bits, uint32_t *out);
    /* Those of rows[0..n) whose bit is set (bit number = row number); out may be rows. Returns how many. */
    size_t (*rows_where)(size_t n, const uint32_t *rows, const uint8_t *bits, uint32_t *out);
    /* Bytes 0 / 1 (or 0 / any) to bits, and back to 0 / 1. */
    void (*bytes_to_bits)(size_t n, const uint8_t *bytes, uint8_t *bits);
    void (*bits_to_bytes)(size_t n, const uint8_t *bits, uint8_t *bytes);

    /* out[k] = in[rows[k]] */
    void (*gather_4)(size_t n, const void *in, const uint32_t *rows, void *out);
    void (*gather_8)(size_t n, const void *in, const uint32_t *rows, void *out);
    void (*gather_16)(size_t n, const void *in, const uint32_t *rows, void *out);
} vonk_kernel_table;

/* Set before main() runs. */
extern const vonk_kernel_table *vonk_kernels;
/* For tests and benchmarks: the table of a level ("v1", "v3", "v4"), or NULL when this machine does not have it. */
const vonk_kernel_table *vonk_kernel_table_of(const char *level);

#endif
