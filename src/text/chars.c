/* text/chars.c -- characters of UTF-8 text. */
#include "text/chars.h"

#define ONE 1
#define ONE4 ONE, ONE, ONE, ONE
#define ONE16 ONE4, ONE4, ONE4, ONE4
#define ONE64 ONE16, ONE16, ONE16, ONE16
#define TWO 2, 2
#define TWO10 TWO, TWO, TWO, TWO, TWO
#define THREE 3, 3, 3, 3
#define FOUR 4, 4, 4, 4, 4

const uint8_t vonk_char_bytes[256] = {
    ONE64, ONE64,                           /* 00 .. 7F */
    ONE64,                                  /* 80 .. BF: cannot start a character */
    ONE,   ONE,   TWO10, TWO10, TWO10,      /* C0 .. DF */
    THREE, THREE, THREE, THREE,             /* E0 .. EF */
    FOUR,  ONE,   ONE,   ONE,   ONE4,  ONE4 /* F0 .. FF */
};

enum { WORD = 8 };
static const uint64_t HIGH_BITS = UINT64_C(0x8080808080808080);

bool vonk_chars_ascii(const char *at, size_t bytes)
{
    uint64_t word, seen = 0;
    size_t i = 0;
    for (; i + WORD <= bytes; i += WORD) {
        memcpy(&word, at + i, WORD);
        seen |= word;
    }
    for (; i < bytes; i++) seen |= (uint64_t)(uint8_t)at[i];
    return (seen & HIGH_BITS) == 0;
}

size_t vonk_chars_count(vonk_str text)
{
    if (vonk_chars_ascii(text.data, text.len)) return text.len;
    size_t n = 0;
    for (size_t i = 0; i < text.len; n++) i += vonk_char_bytes[(uint8_t)text.data[i]];
    return n;
}

size_t vonk_chars_skip(vonk_str text, size_t from, size_t n)
{
    size_t i = from;
    for (; n && i < text.len; n--) i += vonk_char_bytes[(uint8_t)text.data[i]];
    return i < text.len ? i : text.len;
}

size_t vonk_chars_back(vonk_str text, size_t at)
{
    size_t least = at > 4 ? at - 4 : 0, i = at - 1;
    while (i > least && ((uint8_t)text.data[i] & 0xC0) == 0x80) i--;
    return vonk_char_at(text, i) == at - i ? i : at - 1;
}

/* Whether the bytes after the first continue the character, by Unicode's table of well-formed sequences. */
static size_t well_formed(const uint8_t *p, size_t left)
{
    uint8_t a = p[0], low = 0x80, high = 0xBF;
    size_t n = vonk_char_bytes[a];
    if (n == 1) return a < 0x80 ? 1 : 0;
    if (a == 0xE0) low = 0xA0;
    if (a == 0xED) high = 0x9F;
    if (a == 0xF0) low = 0x90;
    if (a == 0xF4) high = 0x8F;
    if (left < n || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return n;
}

uint32_t vonk_char_decode(vonk_str text, size_t *inout_at)
{
    const uint8_t *p = (const uint8_t *)text.data + *inout_at;
    size_t n = well_formed(p, text.len - *inout_at);
    *inout_at += n ? n : 1;
    switch (n) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    case 3: return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 |
               (p[3] & 0x3F);
    default: return 0xFFFD;
    }
}

size_t vonk_char_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Bytes of the ill-formed part at p: the longest start of a character that could have been one, at least one byte. */
static size_t ill_formed(const uint8_t *p, size_t left)
{
    uint8_t a = p[0], low = 0x80, high = 0xBF;
    size_t n = vonk_char_bytes[a], i = 1;
    if (a == 0xE0) low = 0xA0;
    if (a == 0xED) high = 0x9F;
    if (a == 0xF0) low = 0x90;
    if (a == 0xF4) high = 0x8F;
    if (n > 1 && i < left && p[1] >= low && p[1] <= high)
        for (i = 2; i < n && i < left && (p[i] & 0xC0) == 0x80;) i++;
    return i;
}

vonk_status vonk_chars_repair(vonk_str text, vonk_buf *out, vonk_error *err)
{
    const uint8_t *p = (const uint8_t *)text.data;
    size_t from = 0;
    for (size_t i = 0; i < text.len;) {
        size_t n = well_formed(p + i, text.len - i);
        if (n) {
            i += n;
            continue;
        }
        VONK_TRY(vonk_buf_append(out, text.data + from, i - from, err));
        VONK_TRY(vonk_buf_add_str(out, VONK_STR("\xEF\xBF\xBD"), err));
        i += ill_formed(p + i, text.len - i);
        from = i;
    }
    return vonk_buf_append(out, text.data + from, text.len - from, err);
}
