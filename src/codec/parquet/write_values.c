/* Values of columns as PLAIN bytes. */
#include "codec/parquet/write.h"

#define MICROS_PER_DAY INT64_C(86400000000)
#define JULIAN_EPOCH_DAY 2440588

#define EACH(in_type, out_type, expression)                                                                            \
    do {                                                                                                               \
        const in_type *v = values->data;                                                                               \
        for (uint32_t i = 0; i < n; i++) {                                                                             \
            in_type x = v[rows[i]];                                                                                    \
            out_type y = (out_type)(expression);                                                                       \
            memcpy(to + i * sizeof y, &y, sizeof y);                                                                   \
        }                                                                                                              \
    } while (0)

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static void put_int96(const vonk_column *values, const uint32_t *rows, uint32_t n, char *to)
{
    const int64_t *v = values->data;
    for (uint32_t i = 0; i < n; i++, to += 12) {
        int64_t days = floor_div(v[rows[i]], MICROS_PER_DAY), nanos = (v[rows[i]] - days * MICROS_PER_DAY) * 1000;
        int32_t julian = (int32_t)(days + JULIAN_EPOCH_DAY);
        memcpy(to, &nanos, 8);
        memcpy(to + 8, &julian, 4);
    }
}

static void put_big(const vonk_column *values, const uint32_t *rows, uint32_t n, uint32_t bytes, char *to)
{
    bool wide = values->type->storage == VONK_STORE_I128;
    for (uint32_t i = 0; i < n; i++, to += bytes) {
        vonk_i128 x = wide ? VONK_VALUES(values, vonk_i128)[rows[i]] : VONK_VALUES(values, int64_t)[rows[i]];
        for (uint32_t k = bytes; k-- > 0; x >>= 8) to[k] = (char)x;
    }
}

static vonk_status put_nanos(const vonk_column *values, const uint32_t *rows, uint32_t n, char *to, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        vonk_i128 x = VONK_VALUES(values, vonk_i128)[rows[i]];
        int64_t narrow = (int64_t)x;
        if (narrow != x)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             "nanosecond timestamps outside of 1677 to 2262 in Parquet files");
        memcpy(to + i * sizeof narrow, &narrow, sizeof narrow);
    }
    return VONK_OK;
}

static vonk_status put_bytes(const vonk_column *values, const uint32_t *rows, uint32_t n, vonk_buf *out,
                             vonk_error *err)
{
    const vonk_view *v = values->data;
    size_t bytes = 0;
    char *to = NULL;
    for (uint32_t i = 0; i < n; i++) bytes += 4 + (size_t)v[rows[i]].len;
    VONK_TRY(vonk_buf_extend(out, bytes, &to, err));
    for (uint32_t i = 0; i < n; i++) {
        vonk_str s = vonk_view_str(&v[rows[i]], values->heaps);
        uint32_t len = (uint32_t)s.len;
        memcpy(to, &len, 4);
        if (len > 0) memcpy(to + 4, s.data, len);
        to += 4 + s.len;
    }
    return VONK_OK;
}

vonk_status vonk__pq_put_values(const pq_out_leaf *leaf, const vonk_column *values, const uint32_t *rows, uint32_t n,
                                vonk_buf *out, vonk_error *err)
{
    char *to = NULL;
    if (leaf->put == PQ_PUT_BYTES) return put_bytes(values, rows, n, out, err);
    VONK_TRY(vonk_buf_extend(out, (size_t)n * (leaf->put == PQ_PUT_BITS ? 1 : leaf->fixed_bytes), &to, err));
    switch ((pq_put)leaf->put) {
    case PQ_PUT_BITS: /* one byte each until the page ends */
        for (uint32_t i = 0; i < n; i++) to[i] = vonk_bit_get(values->data, rows[i]);
        return VONK_OK;
    case PQ_PUT_I8: EACH(int8_t, int32_t, x); return VONK_OK;
    case PQ_PUT_I16: EACH(int16_t, int32_t, x); return VONK_OK;
    case PQ_PUT_NARROW: EACH(int64_t, int32_t, x); return VONK_OK;
    case PQ_PUT_MILLIS: EACH(int64_t, int64_t, floor_div(x, 1000)); return VONK_OK;
    case PQ_PUT_MICROS: EACH(int64_t, int64_t, x / 1000); return VONK_OK;
    case PQ_PUT_INT96: put_int96(values, rows, n, to); return VONK_OK;
    case PQ_PUT_NANOS: return put_nanos(values, rows, n, to, err);
    case PQ_PUT_BIG: put_big(values, rows, n, leaf->fixed_bytes, to); return VONK_OK;
    default:
        if (leaf->fixed_bytes == 4)
            EACH(uint32_t, uint32_t, x);
        else
            EACH(uint64_t, uint64_t, x);
        return VONK_OK;
    }
}
