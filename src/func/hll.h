/* func/hll.h -- HyperLogLog++: how many different values 2^p registers have seen (approx_count_distinct,
 * RDD.countApproxDistinct). A hash goes to register hash >> (64 - p); the register keeps the highest number of leading
 * zeros of the rest, plus one. */
#ifndef VONK_FUNC_HLL_H
#define VONK_FUNC_HLL_H

#include <stdint.h>

int64_t vonk_hll_estimate(const uint8_t *registers, int p); /* 4 <= p <= 24 */

#endif
