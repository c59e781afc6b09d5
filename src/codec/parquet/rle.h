/* codec/parquet/rle.h -- inside codec: Parquet's RLE / bit-packing hybrid: levels, dictionary codes, booleans.
 *
 * The bytes must have PQ_SLACK_BYTES readable behind them. Storage belongs to the caller; errors: MALFORMED_INPUT. */
#ifndef VONK_CODEC_PARQUET_RLE_H
#define VONK_CODEC_PARQUET_RLE_H

#include "base/buf.h"
#include "base/cursor.h"

typedef struct pq_rle {
    vonk_cursor    in;    /* behind the current run */
    const uint8_t *pack;  /* packed run: its current group of 8 values */
    uint32_t       left;  /* values left in the current run */
    uint32_t       value; /* repeated run */
    uint8_t        width; /* bits, 0..32 */
    uint8_t        skew;  /* packed run: values of the group already used */
    bool           packed;
} pq_rle;

/* width 0 needs no bytes: every value is 0. */
void vonk__pq_rle_init(pq_rle *rle, vonk_cursor in, unsigned width);
/* The same interface over values that are only bit-packed: `n` values, without run headers. */
void vonk__pq_rle_init_packed(pq_rle *rle, vonk_cursor in, unsigned width, uint32_t n);

vonk_status vonk__pq_rle_read(pq_rle *rle, uint32_t n, uint32_t *out, vonk_error *err);
vonk_status vonk__pq_rle_read_u16(pq_rle *rle, uint32_t n, uint16_t *out, vonk_error *err);
vonk_status vonk__pq_rle_skip(pq_rle *rle, uint32_t n, vonk_error *err);
/* Values of width 1 as bits, written at bit position `at` of `bits`; *ret_ones: how many are 1. bits NULL: only counts. */
vonk_status vonk__pq_rle_bits(pq_rle *rle, uint32_t n, uint8_t *bits, size_t at, uint32_t *ret_ones, vonk_error *err);
/* Are the next n values one repeated run? Then *ret_value is it (nothing is consumed). */
bool vonk__pq_rle_is_run(pq_rle *rle, uint32_t n, uint32_t *ret_value);

/* ---- writing */
/* Appends `n` values; runs of 8 or more equal values are repeated runs. */
vonk_status vonk__pq_rle_write(vonk_buf *out, const uint32_t *values, size_t n, unsigned width, vonk_error *err);

#endif
