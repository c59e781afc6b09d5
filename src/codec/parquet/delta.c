#include "codec/parquet/delta.h"

#include "codec/parquet/unpack.h"

#define BLOCK 128 /* values per block and per miniblock that we write */
#define MINIBLOCK 32
#define PIECE 128 /* values unpacked at a time; a multiple of 8 */
#define MAX_STRINGS ((uint64_t)INT32_MAX)

/* ---- DELTA_BINARY_PACKED */
typedef struct delta {
    vonk_cursor *in;
    uint64_t per_mini, n_minis, n;
    uint64_t last; /* value so far, wrapping */
} delta;

static vonk_status read_head(delta *d, uint32_t most, vonk_error *err)
{
    uint64_t block = 0;
    int64_t first = 0;
    VONK_TRY(vonk_cursor_varint(d->in, &block, err));
    VONK_TRY(vonk_cursor_varint(d->in, &d->n_minis, err));
    VONK_TRY(vonk_cursor_varint(d->in, &d->n, err));
    VONK_TRY(vonk_cursor_zigzag(d->in, &first, err));
    bool sane = block > 0 && block % 128 == 0 && block <= UINT32_MAX && d->n_minis > 0 && block % d->n_minis == 0;
    d->per_mini = sane ? block / d->n_minis : 0;
    if (!sane || d->per_mini % 32 != 0) return vonk_cursor_fail(d->in, "delta blocks of an impossible size", err);
    if (d->n > most) return vonk_cursor_fail(d->in, "more delta values than the page has", err);
    d->last = (uint64_t)first;
    return VONK_OK;
}

/* Adds deltas and min_delta up; n <= PIECE. */
static void sum_up(delta *d, uint64_t min_delta, const uint64_t *deltas, size_t n, unsigned each, uint8_t *out)
{
    uint64_t last = d->last;
    if (each == 8) {
        uint64_t *to = (uint64_t *)(void *)out;
        for (size_t i = 0; i < n; i++) to[i] = last += deltas[i] + min_delta;
    } else {
        uint32_t *to = (uint32_t *)(void *)out;
        for (size_t i = 0; i < n; i++) to[i] = (uint32_t)(last += deltas[i] + min_delta);
    }
    d->last = last;
}

static void unpack_piece(const uint8_t *bytes, size_t n, unsigned width, uint64_t *out)
{
    uint32_t narrow[PIECE];
    if (width > 32) {
        vonk__pq_unpack_u64(bytes, 0, n, width, out);
        return;
    }
    vonk__pq_kernels()->unpack_u32(bytes, (n + 7) & ~(size_t)7, width, narrow);
    for (size_t i = 0; i < n; i++) out[i] = narrow[i];
}

static vonk_status read_mini(delta *d, uint64_t min_delta, unsigned width, size_t n, unsigned each, uint8_t *out,
                             vonk_error *err)
{
    uint64_t deltas[PIECE], bytes = d->per_mini / 8 * width;
    const uint8_t *at = NULL;
    if (width > 64) return vonk_cursor_fail(d->in, "delta values of an impossible width", err);
    if (bytes > vonk_cursor_left(d->in)) { /* the last one may be cut where its values end */
        bytes = vonk_cursor_left(d->in);
        if ((n * width + 7) / 8 > bytes) return vonk_cursor_fail(d->in, "delta values are cut off", err);
    }
    VONK_TRY(vonk_cursor_take(d->in, bytes, &at, err));
    for (size_t i = 0; i < n; i += PIECE, at += (size_t)PIECE / 8 * width) {
        size_t k = vonk_min_size(n - i, PIECE);
        unpack_piece(at, k, width, deltas);
        sum_up(d, min_delta, deltas, k, each, out + i * each);
    }
    return VONK_OK;
}

static vonk_status read_blocks(delta *d, unsigned each, uint8_t *out, vonk_error *err)
{
    uint64_t done = 1;
    if (each == 8)
        memcpy(out, &d->last, 8);
    else
        memcpy(out, &(uint32_t){(uint32_t)d->last}, 4);
    while (done < d->n) {
        int64_t min_delta = 0;
        const uint8_t *widths = NULL;
        VONK_TRY(vonk_cursor_zigzag(d->in, &min_delta, err));
        VONK_TRY(vonk_cursor_take(d->in, d->n_minis, &widths, err));
        for (uint64_t m = 0; m < d->n_minis && done < d->n; m++) {
            size_t k = vonk_min_size(d->per_mini, d->n - done);
            VONK_TRY(read_mini(d, (uint64_t)min_delta, widths[m], k, each, out + done * each, err));
            done += k;
        }
    }
    return VONK_OK;
}

vonk_status vonk__pq_delta_ints(vonk_budget *budget, vonk_cursor *in, uint32_t most, unsigned each_bytes,
                                vonk_buffer **ret, uint32_t *ret_n, vonk_error *err)
{
    delta d = {.in = in};
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *out = NULL;
    VONK_TRY(read_head(&d, most, err));
    VONK_TRY(vonk_buffer_new(budget, d.n * each_bytes, &out, err));
    if (d.n > 0) VONK_TRY(read_blocks(&d, each_bytes, out->data, err));
    *ret_n = (uint32_t)d.n;
    *ret = VONK_STEAL(out);
    return VONK_OK;
}

/* ---- byte arrays */
void vonk__pq_strings_done(pq_strings *s)
{
    vonk_buffer_unref(s->lens);
    vonk_buffer_unref(s->made);
    *s = (pq_strings){0};
}

static vonk_status sum_lengths(const vonk_cursor *in, const vonk_buffer *lens, uint32_t n, uint64_t *ret,
                               vonk_error *err)
{
    const int32_t *len = (const int32_t *)(const void *)lens->data;
    uint64_t sum = 0;
    int32_t signs = 0;
    for (uint32_t i = 0; i < n; i++) {
        signs |= len[i];
        sum += (uint32_t)len[i];
    }
    if (signs < 0) return vonk_cursor_fail(in, "a byte array of negative length", err);
    *ret = sum;
    return VONK_OK;
}

static vonk_status read_lengths(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *s, vonk_error *err)
{
    uint64_t sum = 0;
    VONK_TRY(vonk__pq_delta_ints(budget, in, most, 4, &s->lens, &s->n, err));
    VONK_TRY(sum_lengths(in, s->lens, s->n, &sum, err));
    if (sum > vonk_cursor_left(in)) return vonk_cursor_fail(in, "byte arrays are cut off", err);
    s->n_bytes = sum;
    return vonk_cursor_take(in, sum, &s->bytes, err);
}

vonk_status vonk__pq_delta_lengths(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *ret,
                                   vonk_error *err)
{
    *ret = (pq_strings){0};
    vonk_status st = read_lengths(budget, in, most, ret, err);
    if (st != VONK_OK) vonk__pq_strings_done(ret);
    return st;
}

/* Every value repeats the first prefix[i] bytes of the one before it. */
static vonk_status join_prefixes(const vonk_cursor *in, const int32_t *prefix, pq_strings *s, vonk_error *err)
{
    int32_t *len = (int32_t *)(void *)s->lens->data; /* suffixes first, then whole values */
    const uint8_t *suffix = s->bytes, *before = NULL;
    uint8_t *to = s->made->data;
    int32_t before_len = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (prefix[i] > before_len) return vonk_cursor_fail(in, "a prefix is longer than the value before it", err);
        if (prefix[i] > 0) memcpy(to, before, (size_t)prefix[i]);
        if (len[i] > 0) memcpy(to + prefix[i], suffix, (size_t)len[i]);
        suffix += len[i];
        len[i] += prefix[i];
        before = to;
        before_len = len[i];
        to += len[i];
    }
    return VONK_OK;
}

static vonk_status read_prefixed(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *s, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *prefixes = NULL;
    uint32_t n = 0;
    uint64_t sum = 0;
    VONK_TRY(vonk__pq_delta_ints(budget, in, most, 4, &prefixes, &n, err));
    VONK_TRY(read_lengths(budget, in, most, s, err));
    if (n != s->n) return vonk_cursor_fail(in, "as many prefixes as suffixes are needed", err);
    VONK_TRY(sum_lengths(in, prefixes, n, &sum, err));
    sum += s->n_bytes;
    if (sum > MAX_STRINGS) return vonk_cursor_fail(in, "a page decodes to more than 2 GiB", err);
    VONK_TRY(vonk_buffer_new(budget, sum, &s->made, err));
    VONK_TRY(join_prefixes(in, (const int32_t *)(const void *)prefixes->data, s, err));
    s->bytes = s->made->data;
    s->n_bytes = sum;
    return VONK_OK;
}

vonk_status vonk__pq_delta_strings(vonk_budget *budget, vonk_cursor *in, uint32_t most, pq_strings *ret,
                                   vonk_error *err)
{
    *ret = (pq_strings){0};
    vonk_status st = read_prefixed(budget, in, most, ret, err);
    if (st != VONK_OK) vonk__pq_strings_done(ret);
    return st;
}

/* ---- BYTE_STREAM_SPLIT */
void vonk__pq_join_streams(const uint8_t *in, size_t n, size_t each, uint8_t *restrict out)
{
    if (each == 4) {
        for (size_t i = 0; i < n; i++) {
            for (size_t b = 0; b < 4; b++) out[i * 4 + b] = in[b * n + i];
        }
    } else if (each == 8) {
        for (size_t i = 0; i < n; i++) {
            for (size_t b = 0; b < 8; b++) out[i * 8 + b] = in[b * n + i];
        }
    } else {
        for (size_t b = 0; b < each; b++) {
            for (size_t i = 0; i < n; i++) out[i * each + b] = in[b * n + i];
        }
    }
}

void vonk__pq_split_streams(const uint8_t *in, size_t n, size_t each, uint8_t *restrict out)
{
    for (size_t b = 0; b < each; b++) {
        for (size_t i = 0; i < n; i++) out[b * n + i] = in[i * each + b];
    }
}

/* ---- writing */
static vonk_status put_varint(vonk_buf *out, uint64_t x, vonk_error *err)
{
    char bytes[10];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) bytes[n++] = (char)(x | 0x80);
    bytes[n++] = (char)x;
    return vonk_buf_append(out, bytes, n, err);
}

static vonk_status put_zigzag(vonk_buf *out, int64_t x, vonk_error *err)
{
    return put_varint(out, ((uint64_t)x << 1) ^ (uint64_t)(x >> 63), err);
}

/* 32 values of `width` bits. */
static vonk_status put_mini(vonk_buf *out, const uint64_t *deltas, unsigned width, vonk_error *err)
{
    char *to = NULL;
    vonk_u128 word = 0;
    unsigned bits = 0;
    VONK_TRY(vonk_buf_extend(out, (size_t)MINIBLOCK / 8 * width, &to, err));
    for (size_t i = 0; i < MINIBLOCK; i++) {
        word |= (vonk_u128)deltas[i] << bits;
        for (bits += width; bits >= 8; bits -= 8, word >>= 8) *to++ = (char)word;
    }
    return VONK_OK;
}

static vonk_status put_block(vonk_buf *out, uint64_t *deltas, size_t n, bool narrow, vonk_error *err)
{
    int64_t least = INT64_MAX;
    char widths[BLOCK / MINIBLOCK] = {0};
    for (size_t i = 0; i < n; i++) {
        if (narrow) deltas[i] = (uint64_t)(int64_t)(int32_t)(uint32_t)deltas[i]; /* 32-bit values wrap in 32 bits */
        if ((int64_t)deltas[i] < least) least = (int64_t)deltas[i];
    }
    for (size_t i = 0; i < BLOCK; i++) deltas[i] = i < n ? deltas[i] - (uint64_t)least : 0;
    for (size_t m = 0; m * MINIBLOCK < n; m++) {
        uint64_t any = 0;
        for (size_t i = 0; i < MINIBLOCK; i++) any |= deltas[m * MINIBLOCK + i];
        widths[m] = (char)(any ? 64 - __builtin_clzll(any) : 0);
    }
    VONK_TRY(put_zigzag(out, least, err));
    VONK_TRY(vonk_buf_append(out, widths, sizeof widths, err));
    for (size_t m = 0; m * MINIBLOCK < n; m++)
        VONK_TRY(put_mini(out, deltas + m * MINIBLOCK, (unsigned char)widths[m], err));
    return VONK_OK;
}

vonk_status vonk__pq_delta_write(vonk_buf *out, const int64_t *values, size_t n, bool narrow, vonk_error *err)
{
    VONK_TRY(put_varint(out, BLOCK, err));
    VONK_TRY(put_varint(out, BLOCK / MINIBLOCK, err));
    VONK_TRY(put_varint(out, n, err));
    VONK_TRY(put_zigzag(out, n > 0 ? values[0] : 0, err));
    for (size_t i = 1; i < n; i += BLOCK) {
        uint64_t deltas[BLOCK];
        size_t k = vonk_min_size(BLOCK, n - i);
        for (size_t j = 0; j < k; j++) deltas[j] = (uint64_t)values[i + j] - (uint64_t)values[i + j - 1];
        VONK_TRY(put_block(out, deltas, k, narrow, err));
    }
    return VONK_OK;
}
