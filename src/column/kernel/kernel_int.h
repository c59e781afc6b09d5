/* column/kernel/kernel_int.h -- inside the folder: names per CPU level, and what the families hand to the table of the level.
 * Every kernel source is compiled once per level with VONK_CPU_LEVEL = v1, v3 or v4; K_LEVEL(name) becomes vonk__name_v3. */
#ifndef VONK_COLUMN_KERNEL_KERNEL_INT_H
#define VONK_COLUMN_KERNEL_KERNEL_INT_H

#include "base/bits.h"
#include "column/kernel/kernel.h"

#define K_PASTE_(name, level) vonk__##name##_##level
#define K_PASTE(name, level)  K_PASTE_(name, level)
#define K_LEVEL(name)         K_PASTE(name, VONK_CPU_LEVEL)
#define K_TEXT_(x)            #x
#define K_TEXT(x)             K_TEXT_(x)

/* compare.c */
extern const vonk_kernel_compare K_LEVEL(compare)[VONK_N_CMP][VONK_N_LANE];
/* arith.c */
extern const vonk_kernel_arith K_LEVEL(add)[VONK_N_LANE], K_LEVEL(sub)[VONK_N_LANE], K_LEVEL(mul)[VONK_N_LANE], K_LEVEL(div)[VONK_N_LANE];
/* decimal.c */
void K_LEVEL(decimal_add_i64)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times, vonk_shape shape, int64_t *out);
void K_LEVEL(decimal_add_i64_to_i128)(size_t n, const int64_t *a, int64_t a_times, const int64_t *b, int64_t b_times, vonk_shape shape, vonk_i128 *out);
void K_LEVEL(decimal_mul_i64)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, int64_t *out);
void K_LEVEL(decimal_mul_i64_to_i128)(size_t n, const int64_t *a, const int64_t *b, vonk_shape shape, vonk_i128 *out);
/* sum.c */
int64_t   K_LEVEL(sum_i8)(size_t n, const int8_t *v, const uint8_t *validity);
int64_t   K_LEVEL(sum_i16)(size_t n, const int16_t *v, const uint8_t *validity);
int64_t   K_LEVEL(sum_i32)(size_t n, const int32_t *v, const uint8_t *validity);
vonk_i128 K_LEVEL(sum_i64)(size_t n, const int64_t *v, const uint8_t *validity);
bool      K_LEVEL(sum_i128)(size_t n, const vonk_i128 *v, const uint8_t *validity, vonk_i128 *ret_sum);
double    K_LEVEL(sum_f32)(size_t n, const float *v, const uint8_t *validity);
double    K_LEVEL(sum_f64)(size_t n, const double *v, const uint8_t *validity);
/* minmax.c */
extern bool (*const K_LEVEL(min)[VONK_N_LANE])(size_t n, const void *v, const uint8_t *validity, void *ret);
extern bool (*const K_LEVEL(max)[VONK_N_LANE])(size_t n, const void *v, const uint8_t *validity, void *ret);
/* hash.c */
void K_LEVEL(hash_i32)(size_t n, const int32_t *v, uint64_t *inout_hashes, bool first);
void K_LEVEL(hash_i64)(size_t n, const int64_t *v, uint64_t *inout_hashes, bool first);
/* bitmap.c */
void   K_LEVEL(bits_and)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out);
void   K_LEVEL(bits_or)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out);
void   K_LEVEL(bits_and_not)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out);
void   K_LEVEL(bits_not)(size_t n, const uint8_t *a, uint8_t *out);
size_t K_LEVEL(bits_count)(size_t n, const uint8_t *bits);
size_t K_LEVEL(bits_to_rows)(size_t n, const uint8_t *bits, uint32_t *out);
size_t K_LEVEL(rows_where)(size_t n, const uint32_t *rows, const uint8_t *bits, uint32_t *out);
void   K_LEVEL(bytes_to_bits)(size_t n, const uint8_t *bytes, uint8_t *bits);
void   K_LEVEL(bits_to_bytes)(size_t n, const uint8_t *bits, uint8_t *bytes);
void   K_LEVEL(gather_4)(size_t n, const void *in, const uint32_t *rows, void *out);
void   K_LEVEL(gather_8)(size_t n, const void *in, const uint32_t *rows, void *out);
void   K_LEVEL(gather_16)(size_t n, const void *in, const uint32_t *rows, void *out);
/* table.c */
extern const vonk_kernel_table K_LEVEL(kernel_table);

/* Lanes of one block: loops work on 64 lanes at a time, so that results can be packed from bytes on the stack. */
enum { K_BLOCK = 64 };
#endif
