/* column/sort_key.c -- values as bytes that order as memcmp does: a byte for null, then the value big-endian with its
 * sign flipped; complemented when descending. A string gives its first bytes, an array or struct nothing: the key ends
 * there, because what follows must not decide before the rest does. */
#include "base/buf.h"
#include "column/collation.h"
#include "column/rows_int.h"

enum { STRING_PREFIX_BYTES = 15 };

static uint32_t value_bytes(const vonk_type *t)
{
    if (t->storage == VONK_STORE_VIEW) return STRING_PREFIX_BYTES;
    return vonk__is_nested(t) ? 0 : vonk__row_width(t);
}
static bool is_exact(const vonk_type *t) { return t->storage != VONK_STORE_VIEW && !vonk__is_nested(t); }

uint32_t vonk_sort_key_bytes(const vonk_type *const *types, uint32_t n, bool *ret_exact)
{
    uint32_t bytes = 0;
    *ret_exact = true;
    for (uint32_t i = 0; i < n && *ret_exact; i++) {
        bytes += 1 + value_bytes(types[i]);
        *ret_exact = is_exact(types[i]);
    }
    return bytes;
}

static inline uint64_t key_of_f64(double v)
{
    uint64_t bits;
    if (v != v) v = __builtin_nan("");
    v += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &v, 8);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}
static inline uint32_t key_of_f32(float v)
{
    uint32_t bits;
    if (v != v) v = __builtin_nanf("");
    v += 0.0f;
    memcpy(&bits, &v, 4);
    return bits >> 31 ? ~bits : bits | 1u << 31;
}

/* Big-endian bytes of `key` (complemented by `flip`) at each lane's place. */
#define PUT_KEYS(T, key, swap)                                                                                         \
    VONK__EACH_LANE(T, c, k, v, {                                                                                      \
        __typeof__(key) key_ = swap((__typeof__(key))((key) ^ (__typeof__(key))flip));                                 \
        memcpy(out + k * stride, &key_, sizeof(key_));                                                                 \
    })
#define AS_IS(x) (x)

static void put_i128(const vonk__chunk *c, uint64_t flip, uint8_t *out, size_t stride)
{
    VONK__EACH_LANE(vonk__pair64, c, k, v, {
        uint64_t parts[2] = {__builtin_bswap64(v.high ^ flip ^ UINT64_C(1) << 63), __builtin_bswap64(v.low ^ flip)};
        memcpy(out + k * stride, parts, 16);
    });
}

static void put_fixed(const vonk__chunk *c, bool descending, uint8_t *out, size_t stride)
{
    uint64_t flip = descending ? UINT64_MAX : 0;
    switch (c->base->type->storage) {
    case VONK_STORE_BIT:
        for (uint32_t k = 0; k < c->n; k++)
            out[k * stride] = (uint8_t)(vonk_bit_get(c->values, vonk__lane_row(c, k)) ^ (uint8_t)flip);
        break;
    case VONK_STORE_I8: PUT_KEYS(uint8_t, (uint8_t)(v ^ 0x80), AS_IS); break;
    case VONK_STORE_I16: PUT_KEYS(uint16_t, (uint16_t)(v ^ 0x8000), __builtin_bswap16); break;
    case VONK_STORE_I32: PUT_KEYS(uint32_t, v ^ (UINT32_C(1) << 31), __builtin_bswap32); break;
    case VONK_STORE_I64: PUT_KEYS(uint64_t, v ^ (UINT64_C(1) << 63), __builtin_bswap64); break;
    case VONK_STORE_F32: PUT_KEYS(float, key_of_f32(v), __builtin_bswap32); break;
    case VONK_STORE_F64: PUT_KEYS(double, key_of_f64(v), __builtin_bswap64); break;
    case VONK_STORE_I128: put_i128(c, flip, out, stride); break;
    default: break;
    }
}

/* Two words hold the first 15 bytes (and one more that is not written), zeros behind the string's end. */
static void put_words(uint64_t low, uint64_t high, uint64_t flip, uint8_t *out)
{
    low ^= flip;
    high ^= flip;
    memcpy(out, &low, 8);
    memcpy(out + 8, &high, STRING_PREFIX_BYTES - 8);
}

static void put_prefix(vonk_str s, uint64_t flip, uint8_t *out)
{
    uint64_t words[2] = {0};
    if (s.len >= 16)
        memcpy(words, s.data, 16);
    else if (s.len)
        memcpy(words, s.data, s.len);
    put_words(words[0], words[1], flip, out);
}

/* Bytes of a view that are not used are zero already. */
static void put_view(const vonk_view *v, vonk_buffer *const *heaps, uint64_t flip, uint8_t *out)
{
    if (v->len > VONK_VIEW_INLINE) {
        put_prefix(vonk_view_str(v, heaps), flip, out);
        return;
    }
    uint64_t low;
    uint32_t high;
    memcpy(&low, v->inlined, 8);
    memcpy(&high, v->inlined + 8, 4);
    put_words(low, high, flip, out);
}

static vonk_status put_strings(const vonk__chunk *c, bool descending, uint8_t *out, size_t stride, vonk_error *err)
{
    const vonk_view *v = c->values;
    int32_t collation = c->base->type->collation;
    uint64_t flip = descending ? UINT64_MAX : 0;
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    vonk_buf_init(&key, c->base->budget, SIZE_MAX);
    for (uint32_t k = 0; k < c->n; k++) {
        if (!vonk__lane_valid(c, k)) continue;
        const vonk_view *lane = &v[vonk__lane_row(c, k)];
        if (vonk_collation_is_bytes(collation)) {
            put_view(lane, c->base->heaps, flip, out + k * stride);
            continue;
        }
        vonk_buf_reset(&key);
        VONK_TRY(vonk_collation_key(collation, vonk_view_str(lane, c->base->heaps), &key, err));
        put_prefix(vonk_buf_str(&key), flip, out + k * stride);
    }
    return VONK_OK;
}

static void put_nulls(const vonk__chunk *c, bool nulls_last, uint32_t bytes, uint8_t *out, size_t stride)
{
    for (uint32_t k = 0; k < c->n; k++) {
        bool valid = vonk__lane_valid(c, k);
        out[k * stride] = valid != nulls_last;
        if (!valid) memset(out + k * stride + 1, 0, bytes);
    }
}

vonk_status vonk_sort_key_encode(vonk_column *const *columns, const vonk_sort_spec *specs, uint32_t n, vonk_rows rows,
                                 uint8_t *out, size_t stride, vonk_error *err)
{
    vonk__chunk chunk;
    for (uint32_t from = 0; from < rows.n; from += VONK__CHUNK_ROWS) {
        uint32_t some = rows.n - from < VONK__CHUNK_ROWS ? rows.n - from : VONK__CHUNK_ROWS;
        uint8_t *at = out + from * stride;
        for (uint32_t i = 0; i < n; i++) {
            const vonk_type *t = columns[i]->type;
            vonk__chunk_load(&chunk, columns[i], rows, from, some);
            if (t->storage == VONK_STORE_VIEW)
                VONK_TRY(put_strings(&chunk, specs[i].descending, at + 1, stride, err));
            else
                put_fixed(&chunk, specs[i].descending, at + 1, stride);
            put_nulls(&chunk, specs[i].nulls_last, value_bytes(t), at, stride);
            if (!is_exact(t)) break;
            at += 1 + value_bytes(t);
        }
    }
    return VONK_OK;
}
