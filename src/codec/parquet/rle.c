#include "codec/parquet/rle.h"

#include "base/bits.h"
#include "codec/parquet/unpack.h"

#define PIECE 256             /* values unpacked at a time where they are converted */
#define MAX_GROUPS (1u << 28) /* a page counts its values in 31 bits */

void vonk__pq_rle_init(pq_rle *rle, vonk_cursor in, unsigned width)
{
    assert(width <= 32);
    *rle = (pq_rle){.in = in, .width = (uint8_t)width};
    if (width == 0) rle->left = UINT32_MAX;
}

void vonk__pq_rle_init_packed(pq_rle *rle, vonk_cursor in, unsigned width, uint32_t n)
{
    vonk__pq_rle_init(rle, in, width);
    if (width == 0) return;
    rle->packed = true;
    rle->pack = in.at;
    rle->left = (uint32_t)vonk_min_size(n, vonk_cursor_left(&in) * 8 / width);
    rle->in.at = in.end;
}

static vonk_status next_run(pq_rle *rle, vonk_error *err)
{
    uint64_t head = 0;
    size_t value_bytes = (rle->width + 7u) / 8;
    const uint8_t *bytes = NULL;
    if (rle->width == 0) {
        rle->left = UINT32_MAX;
        return VONK_OK;
    }
    VONK_TRY(vonk_cursor_varint(&rle->in, &head, err));
    if (head > UINT32_MAX) return vonk_cursor_fail(&rle->in, "a run is too long", err);
    rle->packed = head & 1;
    if (rle->packed) {
        /* The last run of a page may be cut where its values end. */
        uint64_t left = vonk_cursor_left(&rle->in), groups = head >> 1;
        bool cut = groups * rle->width > left;
        rle->pack = rle->in.at;
        rle->left = (uint32_t)vonk_min_size(groups * 8, left * 8 / rle->width);
        rle->skew = 0;
        rle->in.at += cut ? left : groups * rle->width;
        if (cut && rle->left == 0) return vonk_cursor_fail(&rle->in, "a bit-packed run is cut off", err);
        return VONK_OK;
    }
    VONK_TRY(vonk_cursor_take(&rle->in, value_bytes, &bytes, err));
    rle->left = (uint32_t)(head >> 1);
    rle->value = 0;
    memcpy(&rle->value, bytes, value_bytes);
    if (rle->width < 32 && rle->value >> rle->width)
        return vonk_cursor_fail(&rle->in, "a repeated value is wider than its bit width", err);
    return VONK_OK;
}

static vonk_status need_run(pq_rle *rle, vonk_error *err)
{
    while (rle->left == 0) VONK_TRY(next_run(rle, err));
    return VONK_OK;
}

/* n <= left, packed. */
static void step(pq_rle *rle, uint32_t n)
{
    uint32_t at = rle->skew + n;
    rle->pack += (size_t)(at / 8) * rle->width;
    rle->skew = at & 7;
    rle->left -= n;
}

/* n <= left. */
static void read_packed(pq_rle *rle, uint32_t n, uint32_t *out)
{
    uint32_t group[8];
    if (rle->skew) {
        uint32_t k = (uint32_t)vonk_min_size(n, 8u - rle->skew);
        vonk__pq_kernels()->unpack_u32(rle->pack, 8, rle->width, group);
        memcpy(out, group + rle->skew, k * sizeof *out);
        step(rle, k);
        out += k;
        n -= k;
    }
    uint32_t whole = n & ~7u;
    if (whole) {
        vonk__pq_kernels()->unpack_u32(rle->pack, whole, rle->width, out);
        step(rle, whole);
        out += whole;
        n -= whole;
    }
    if (n) {
        vonk__pq_kernels()->unpack_u32(rle->pack, 8, rle->width, group);
        memcpy(out, group, n * sizeof *out);
        step(rle, n);
    }
}

vonk_status vonk__pq_rle_read(pq_rle *rle, uint32_t n, uint32_t *out, vonk_error *err)
{
    while (n > 0) {
        VONK_TRY(need_run(rle, err));
        uint32_t k = n < rle->left ? n : rle->left;
        if (rle->packed) {
            read_packed(rle, k, out);
        } else {
            for (uint32_t i = 0; i < k; i++) out[i] = rle->value;
            rle->left -= k;
        }
        out += k;
        n -= k;
    }
    return VONK_OK;
}

vonk_status vonk__pq_rle_read_u16(pq_rle *rle, uint32_t n, uint16_t *out, vonk_error *err)
{
    uint32_t piece[PIECE];
    assert(rle->width <= 16);
    while (n > 0) {
        VONK_TRY(need_run(rle, err));
        uint32_t k = n < rle->left ? n : rle->left;
        if (rle->packed) {
            if (k > PIECE) k = PIECE;
            read_packed(rle, k, piece);
            for (uint32_t i = 0; i < k; i++) out[i] = (uint16_t)piece[i];
        } else {
            for (uint32_t i = 0; i < k; i++) out[i] = (uint16_t)rle->value;
            rle->left -= k;
        }
        out += k;
        n -= k;
    }
    return VONK_OK;
}

vonk_status vonk__pq_rle_skip(pq_rle *rle, uint32_t n, vonk_error *err)
{
    while (n > 0) {
        VONK_TRY(need_run(rle, err));
        uint32_t k = n < rle->left ? n : rle->left;
        if (rle->packed)
            step(rle, k);
        else
            rle->left -= k;
        n -= k;
    }
    return VONK_OK;
}

static void fill_bits(uint8_t *bits, size_t at, uint32_t n, bool on)
{
    while (n > 0 && (at & 7)) {
        vonk_bit_put(bits, at++, on);
        n--;
    }
    memset(bits + at / 8, on ? 0xff : 0, n / 8);
    at += n & ~7u;
    for (uint32_t i = 0; i < (n & 7); i++) vonk_bit_put(bits, at + i, on);
}

static uint32_t count_bits(const uint8_t *bits, size_t at, uint32_t n)
{
    uint32_t ones = 0;
    while (n > 0 && (at & 7)) {
        ones += vonk_bit_get(bits, at++);
        n--;
    }
    return ones + (uint32_t)vonk_bits_count(bits + at / 8, n);
}

vonk_status vonk__pq_rle_bits(pq_rle *rle, uint32_t n, uint8_t *bits, size_t at, uint32_t *ret_ones, vonk_error *err)
{
    uint32_t ones = 0;
    assert(rle->width == 1);
    while (n > 0) {
        VONK_TRY(need_run(rle, err));
        uint32_t k = n < rle->left ? n : rle->left;
        if (rle->packed) { /* one bit per value already */
            ones += count_bits(rle->pack, rle->skew, k);
            if (bits) vonk_bits_copy(bits, at, rle->pack, rle->skew, k);
            step(rle, k);
        } else {
            ones += rle->value ? k : 0;
            if (bits) fill_bits(bits, at, k, rle->value != 0);
            rle->left -= k;
        }
        at += k;
        n -= k;
    }
    *ret_ones = ones;
    return VONK_OK;
}

bool vonk__pq_rle_is_run(pq_rle *rle, uint32_t n, uint32_t *ret_value)
{
    if (rle->left == 0 && (rle->width == 0 || vonk_cursor_left(&rle->in) > 0)) {
        pq_rle ahead = *rle;
        vonk_error ignored = VONK_ERROR_INIT;
        if (need_run(&ahead, &ignored) != VONK_OK) { /* raised again by whoever reads */
            vonk_error_reset(&ignored);
            return false;
        }
        *rle = ahead;
    }
    if (rle->packed || rle->left < n) return false;
    *ret_value = rle->value;
    return true;
}

/* ---- writing */
static vonk_status put_varint(vonk_buf *out, uint32_t x, vonk_error *err)
{
    char bytes[5];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) bytes[n++] = (char)(x | 0x80);
    bytes[n++] = (char)x;
    return vonk_buf_append(out, bytes, n, err);
}

/* Values past n are written as 0. */
static vonk_status put_packed(vonk_buf *out, const uint32_t *values, size_t n, unsigned width, vonk_error *err)
{
    size_t groups = (n + 7) / 8;
    char *to = NULL;
    VONK_TRY(put_varint(out, vonk_u32_of(groups << 1 | 1), err));
    VONK_TRY(vonk_buf_extend(out, groups * width, &to, err));
    uint64_t word = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < groups * 8; i++) {
        word |= (uint64_t)(i < n ? values[i] : 0) << bits;
        for (bits += width; bits >= 8; bits -= 8, word >>= 8) *to++ = (char)word;
    }
    return VONK_OK;
}

static vonk_status put_run(vonk_buf *out, uint32_t value, size_t n, unsigned width, vonk_error *err)
{
    VONK_TRY(put_varint(out, vonk_u32_of(n << 1), err));
    return vonk_buf_append(out, &value, (width + 7) / 8, err);
}

vonk_status vonk__pq_rle_write(vonk_buf *out, const uint32_t *values, size_t n, unsigned width, vonk_error *err)
{
    size_t packed_from = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && values[end] == values[i]) end++;
        /* A packed run holds whole groups of 8, unless it is the last: values that fill its last group are taken from
         * this run. */
        size_t fill = (8 - (i - packed_from) % 8) % 8;
        if (end - i < fill + 8) {
            i = end;
            continue;
        }
        if (i + fill > packed_from) VONK_TRY(put_packed(out, values + packed_from, i + fill - packed_from, width, err));
        VONK_TRY(put_run(out, values[i], end - i - fill, width, err));
        packed_from = i = end;
    }
    return n > packed_from ? put_packed(out, values + packed_from, n - packed_from, width, err) : VONK_OK;
}
