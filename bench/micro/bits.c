/* bench/micro/bits.c -- bitmaps: base/bits.h. */
#include "micro.h"

#include <string.h>

#include "base/bits.h"

static uint64_t count_shipped(const micro_data *data) { return vonk_bits_count(data->bits, MICRO_ROWS); }

static uint64_t count_plain(const micro_data *data)
{
    uint64_t ones = 0;
    for (size_t i = 0; i < MICRO_ROWS; i++) ones += vonk_bit_get(data->bits, i);
    return ones;
}

static uint64_t rows_shipped(const micro_data *data)
{
    uint32_t *rows = (uint32_t *)data->out;
    size_t n = vonk_bits_to_rows(data->bits, MICRO_ROWS, rows);
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

static uint64_t and_shipped(const micro_data *data)
{
    uint8_t *into = (uint8_t *)data->out;
    memcpy(into, data->numbers, MICRO_ROWS / 8);
    vonk_bits_and(into, data->bits, MICRO_ROWS);
    return into[0] + 256u * into[MICRO_ROWS / 8 - 1];
}

static uint64_t and_plain(const micro_data *data)
{
    uint8_t *into = (uint8_t *)data->out;
    memcpy(into, data->numbers, MICRO_ROWS / 8);
    for (size_t i = 0; i < MICRO_ROWS; i++) vonk_bit_put(into, i, vonk_bit_get(into, i) && vonk_bit_get(data->bits, i));
    return into[0] + 256u * into[MICRO_ROWS / 8 - 1];
}

static uint64_t copy_shipped(const micro_data *data)
{
    uint8_t *into = (uint8_t *)data->out;
    memset(into, 0, MICRO_ROWS / 8);
    vonk_bits_copy(into, 3, data->bits, 5, MICRO_ROWS - 8);
    return into[0] + 256u * into[MICRO_ROWS / 8 - 1];
}

static uint64_t copy_plain(const micro_data *data)
{
    uint8_t *into = (uint8_t *)data->out;
    memset(into, 0, MICRO_ROWS / 8);
    for (size_t i = 0; i < MICRO_ROWS - 8; i++) vonk_bit_put(into, i + 3, vonk_bit_get(data->bits, i + 5));
    return into[0] + 256u * into[MICRO_ROWS / 8 - 1];
}

const micro_row micro_bits[] = {
    {"bits/count", count_shipped, count_plain, 4.0},
    {"bits/to_rows", rows_shipped, rows_plain, 2.0},
    {"bits/and", and_shipped, and_plain, 10.0},
    {"bits/copy", copy_shipped, copy_plain, 4.0},
    {0},
};
