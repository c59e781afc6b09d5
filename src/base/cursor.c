/* base/cursor.c -- bounds-checked reading. */
#include "base/cursor.h"

vonk_status vonk_cursor_take(vonk_cursor *c, size_t bytes, const uint8_t **ret, vonk_error *err)
{
    if (VONK_UNLIKELY(bytes > vonk_cursor_left(c)))
        return vonk_cursor_fail(c, VONK_F("%zu bytes wanted, %zu left", bytes, vonk_cursor_left(c)), err);
    *ret = c->at;
    c->at += bytes;
    return VONK_OK;
}

/* One shape for all widths: borrow the bytes, copy them (they may be misaligned). */
#define READ_LITTLE_ENDIAN(bits, type)                                                                                 \
    vonk_status vonk_cursor_u##bits(vonk_cursor *c, type *ret, vonk_error *err)                                        \
    {                                                                                                                  \
        const uint8_t *at;                                                                                             \
        VONK_TRY(vonk_cursor_take(c, sizeof(type), &at, err));                                                         \
        memcpy(ret, at, sizeof(type));                                                                                 \
        return VONK_OK;                                                                                                \
    }
READ_LITTLE_ENDIAN(8, uint8_t)
READ_LITTLE_ENDIAN(16, uint16_t)
READ_LITTLE_ENDIAN(32, uint32_t)
READ_LITTLE_ENDIAN(64, uint64_t)
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "only little-endian machines");

vonk_status vonk_cursor_u32_be(vonk_cursor *c, uint32_t *ret, vonk_error *err)
{
    uint32_t x;
    VONK_TRY(vonk_cursor_u32(c, &x, err));
    *ret = __builtin_bswap32(x);
    return VONK_OK;
}

vonk_status vonk_cursor_varint(vonk_cursor *c, uint64_t *ret, vonk_error *err)
{
    uint64_t x = 0;
    const uint8_t *at = c->at;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (VONK_UNLIKELY(at == c->end)) return vonk_cursor_fail(c, "a varint is cut off", err);
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1) return vonk_cursor_fail(c, "a varint does not fit 64 bits", err);
        x |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            c->at = at;
            *ret = x;
            return VONK_OK;
        }
    }
    return vonk_cursor_fail(c, "a varint is longer than 10 bytes", err);
}

vonk_status vonk_cursor_zigzag(vonk_cursor *c, int64_t *ret, vonk_error *err)
{
    uint64_t x;
    VONK_TRY(vonk_cursor_varint(c, &x, err));
    *ret = (int64_t)(x >> 1 ^ (~(x & 1) + 1));
    return VONK_OK;
}
