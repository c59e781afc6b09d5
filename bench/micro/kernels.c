/* bench/micro/kernels.c -- column/kernel: the table that was chosen for this machine. */
#include "micro.h"

#include "base/bits.h"
#include "base/hash.h"
#include "column/kernel/kernel.h"

static uint64_t sum_of_bits(const uint8_t *bits) { return vonk_bits_count(bits, MICRO_ROWS); }

static uint64_t less_shipped(const micro_data *data)
{
    const int32_t bound = 1 << 29;
    uint8_t *bits = (uint8_t *)data->out;
    vonk_kernels->compare[VONK_CMP_LT][VONK_LANE_I32](MICRO_ROWS, data->numbers, &bound, VONK_VS, bits);
    return sum_of_bits(bits);
}

static uint64_t less_plain(const micro_data *data)
{
    const int32_t *v = (const int32_t *)data->numbers;
    uint8_t *bits = (uint8_t *)data->out;
    for (size_t i = 0; i < MICRO_ROWS; i++) vonk_bit_put(bits, i, v[i] < 1 << 29);
    return sum_of_bits(bits);
}

static uint64_t add_shipped(const micro_data *data)
{
    const int64_t *v = (const int64_t *)data->numbers;
    int64_t *out = (int64_t *)data->out;
    bool bad = vonk_kernels->add[VONK_LANE_I64](MICRO_ROWS / 2, v, v + MICRO_ROWS / 2, VONK_VV, out, NULL);
    return (uint64_t)out[7] + (uint64_t)out[MICRO_ROWS / 2 - 1] + bad;
}

static uint64_t add_plain(const micro_data *data)
{
    const int64_t *v = (const int64_t *)data->numbers;
    int64_t *out = (int64_t *)data->out;
    bool bad = false;
    for (size_t i = 0; i < MICRO_ROWS / 2; i++) bad |= __builtin_add_overflow(v[i], v[i + MICRO_ROWS / 2], &out[i]);
    return (uint64_t)out[7] + (uint64_t)out[MICRO_ROWS / 2 - 1] + bad;
}

static uint64_t sum_shipped(const micro_data *data)
{
    return (uint64_t)vonk_kernels->sum_i64(MICRO_ROWS, (const int64_t *)data->numbers, data->bits);
}

static uint64_t sum_plain(const micro_data *data)
{
    vonk_i128 sum = 0;
    for (size_t i = 0; i < MICRO_ROWS; i++)
        if (vonk_bit_get(data->bits, i)) sum += (int64_t)data->numbers[i];
    return (uint64_t)sum;
}

static uint64_t min_shipped(const micro_data *data)
{
    int32_t least = 0;
    (void)vonk_kernels->min[VONK_LANE_I32](MICRO_ROWS, data->numbers, data->bits, &least);
    return (uint64_t)(int64_t)least;
}

static uint64_t min_plain(const micro_data *data)
{
    const int32_t *v = (const int32_t *)data->numbers;
    int32_t least = INT32_MAX;
    for (size_t i = 0; i < MICRO_ROWS; i++)
        if (vonk_bit_get(data->bits, i) && v[i] < least) least = v[i];
    return (uint64_t)(int64_t)least;
}

static uint64_t rows_shipped(const micro_data *data)
{
    uint32_t *rows = (uint32_t *)data->out;
    size_t n = vonk_kernels->bits_to_rows(MICRO_ROWS, data->bits, rows);
    return n * 31 + rows[n / 2] + rows[n - 1];
}

static uint64_t rows_plain(const micro_data *data)
{
    uint32_t *rows = (uint32_t *)data->out;
    size_t n = 0;
    for (uint32_t i = 0; i < MICRO_ROWS; i++)
        if (vonk_bit_get(data->bits, i)) rows[n++] = i;
    return n * 31 + rows[n / 2] + rows[n - 1];
}

const micro_row micro_kernels[] = {
    {"kernel/compare", less_shipped, less_plain, 8.0}, {"kernel/add", add_shipped, add_plain, 1.5},
    {"kernel/sum", sum_shipped, sum_plain, 3.0},       {"kernel/min", min_shipped, min_plain, 4.0},
    {"kernel/to_rows", rows_shipped, rows_plain, 2.0}, {0},
};
