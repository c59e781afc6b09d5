/* bench/micro/micro.c -- times the rows of all tables.   micro [PART OF A NAME] */
#include "micro.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const micro_row *const tables[] = {micro_bits, micro_kernels};

enum { N_RUNS = 15, N_REPEATS = 20 };

static int run_row(const micro_row *row, const micro_data *data);

int main(int argc, char **argv)
{
    micro_data data = {0};
    uint64_t *numbers = malloc(MICRO_ROWS * sizeof *numbers);
    uint8_t *bits = malloc(MICRO_ROWS / 8);
    data.out = malloc(MICRO_ROWS * sizeof *data.out);
    if (!numbers || !bits || !data.out) return 2;
    uint64_t state = 42; /* splitmix64 */
    for (size_t i = 0; i < MICRO_ROWS; i++) {
        uint64_t x = (state += UINT64_C(0x9e3779b97f4a7c15));
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        numbers[i] = x ^ (x >> 31);
        if (i < MICRO_ROWS / 8) bits[i] = (uint8_t)numbers[i];
    }
    data.numbers = numbers;
    data.bits = bits;
    int n_bad = 0;
    printf("%-28s %12s %12s %8s\n", "loop", "ns/row", "plain", "times");
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const micro_row *row = tables[t]; row->name; row++)
            if (argc < 2 || strstr(row->name, argv[1])) n_bad += run_row(row, &data);
    free(numbers);
    free(bits);
    free(data.out);
    return n_bad != 0;
}

static double seconds(uint64_t (*loop)(const micro_data *), const micro_data *data)
{
    double best = 1e9;
    for (int run = 0; run < N_RUNS; run++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = 0; i < N_REPEATS; i++) {
            volatile uint64_t keep = loop(data);
            (void)keep;
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        double took = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        if (took < best) best = took;
    }
    return best / N_REPEATS;
}

static int run_row(const micro_row *row, const micro_data *data)
{
    if (row->shipped(data) != row->plain(data)) {
        printf("%-28s the two loops differ\n", row->name);
        return 1;
    }
    double shipped = seconds(row->shipped, data), plain = seconds(row->plain, data);
    bool slow = plain / shipped < row->at_least;
    printf("%-28s %12.3f %12.3f %8.1f%s\n", row->name, 1e9 * shipped / MICRO_ROWS, 1e9 * plain / MICRO_ROWS,
           plain / shipped, slow ? "   SLOW" : "");
    return slow;
}
