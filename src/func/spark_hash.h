/* func/spark_hash.h -- Spark's two hashes of values, Murmur3 (32 bits) and xxHash64: hash(), xxhash64(), partition numbers, approx_count_distinct.
 * A null leaves the seed as it is; nested values are folded element by element. */
#ifndef VONK_FUNC_SPARK_HASH_H
#define VONK_FUNC_SPARK_HASH_H

#include "column/column.h"

/* inout[k] belongs to row k of rows: the seed in, the hash out. Any encoding. */
void vonk_spark_murmur3(const vonk_column *column, vonk_rows rows, uint32_t *inout);
void vonk_spark_xxhash64(const vonk_column *column, vonk_rows rows, uint64_t *inout);

#endif
