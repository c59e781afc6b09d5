/* exec/spark_random.h -- the random numbers that decide about rows and partitions as Spark decides: its XORShift
 * generator, java.util.Random's seeds, and the Poisson counts of sampling with replacement. Sequences are facts that
 * users see: the same seed gives the same sample. */
#ifndef VONK_EXEC_SPARK_RANDOM_H
#define VONK_EXEC_SPARK_RANDOM_H

#include "base/attr.h"

typedef struct spark_random { /* XORShift, seed scrambled by Murmur3 */
    uint64_t seed;
} spark_random;
spark_random spark_random_of(int64_t seed);
int32_t spark_random_int(spark_random *r,
                         int32_t n); /* 0 .. n - 1, as java.util.Random.nextInt(n) over the generator */
double spark_random_double(spark_random *r);

typedef struct java_random { /* java.util.Random */
    uint64_t seed;
} java_random;
java_random java_random_of(int64_t seed);
int64_t java_random_long(java_random *r);

#define WELL_WORDS 624
typedef struct well_random { /* Well19937c */
    uint32_t words[WELL_WORDS], at;
} well_random;
void well_random_seed(well_random *r, int64_t seed);
double well_random_double(well_random *r);
/* A Poisson count with a mean below 40: products of uniform numbers. */
uint32_t well_random_poisson(well_random *r, double mean);

#endif
