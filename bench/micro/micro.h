/* bench/micro/micro.h -- a row per tight loop: the loop as shipped beside the plainest loop that gives the same result.
 *
 * The two must agree (checksums); then both are timed. A row says how much faster the shipped loop has to be, so that
 * one that stops being vectorised is seen. A new row goes into the table of its file; a new file's table into micro.c. */
#ifndef VONK_BENCH_MICRO_H
#define VONK_BENCH_MICRO_H

#include <stddef.h>
#include <stdint.h>

#define MICRO_ROWS 65536 /* fits the second level cache with its inputs */

/* Inputs, the same for every row: random numbers, random bits (about half set), room for results. */
typedef struct micro_data {
    const uint64_t *numbers; /* MICRO_ROWS */
    const uint8_t  *bits;    /* MICRO_ROWS bits */
    uint64_t       *out;     /* MICRO_ROWS */
} micro_data;

typedef struct micro_row {
    const char *name;
    uint64_t (*shipped)(const micro_data *data); /* returns a checksum of its result */
    uint64_t (*plain)(const micro_data *data);
    double at_least; /* shipped must be this many times faster than plain */
} micro_row;

/* Each ends with a row without a name. */
extern const micro_row micro_bits[], micro_kernels[];

#endif
