/* column/kernel/bitmap.c -- bitmaps, row lists, gathers. Work is done by words of 64 bits; the last word is cut to n.
 */
#include "column/kernel/pack.h"

static inline uint64_t word_at(const uint8_t *bits, size_t at, size_t n)
{
    uint64_t w = 0;
    if (n >= 64)
        memcpy(&w, bits + at / 8, 8);
    else {
        memcpy(&w, bits + at / 8, vonk_bits_bytes(n));
        w &= (UINT64_C(1) << n) - 1;
    }
    return w;
}

#define EACH_WORD(n, at, some, body)                                                                                   \
    for (size_t at = 0; at < (n); at += 64) {                                                                          \
        size_t some = (n) - at < 64 ? (n) - at : 64;                                                                   \
        body;                                                                                                          \
    }

void K_LEVEL(bits_and)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    EACH_WORD(n, at, some, put_bits(out, at, some, word_at(a, at, some) & word_at(b, at, some)))
}
void K_LEVEL(bits_or)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    EACH_WORD(n, at, some, put_bits(out, at, some, word_at(a, at, some) | word_at(b, at, some)))
}
void K_LEVEL(bits_and_not)(size_t n, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    EACH_WORD(n, at, some, put_bits(out, at, some, word_at(a, at, some) & ~word_at(b, at, some)))
}
void K_LEVEL(bits_not)(size_t n, const uint8_t *a, uint8_t *out){EACH_WORD(n, at, some, {
    uint64_t ones = some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1;
    put_bits(out, at, some, word_at(a, at, some) ^ ones);
})} size_t K_LEVEL(bits_count)(size_t n, const uint8_t *bits)
{
    size_t ones = 0;
    EACH_WORD(n, at, some, ones += (size_t)__builtin_popcountll(word_at(bits, at, some)))
    return ones;
}

static inline size_t put_few_rows(uint64_t w, uint32_t base, uint32_t *out)
{
    size_t found = 0;
    for (; w; w &= w - 1) out[found++] = base + (uint32_t)__builtin_ctzll(w);
    return found;
}

#if defined(__AVX512F__)
/* 16 candidate rows at a time: those whose bit is set are pressed together. */
static inline size_t put_rows(uint64_t w, uint32_t base, uint32_t *out)
{
    if (__builtin_popcountll(w) < 8) return put_few_rows(w, base, out);
    size_t found = 0;
    const __m512i step = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (unsigned q = 0; q < 4; q++) {
        __mmask16 m = (__mmask16)(w >> (16 * q));
        unsigned n = (unsigned)__builtin_popcount(m);
        __m512i rows = _mm512_maskz_compress_epi32(m, _mm512_add_epi32(step, _mm512_set1_epi32((int)(base + 16 * q))));
        _mm512_mask_storeu_epi32(out + found, (__mmask16)((1u << n) - 1), rows); /* never past the last row */
        found += n;
    }
    return found;
}
#else
static inline size_t put_rows(uint64_t w, uint32_t base, uint32_t *out)
{
    if (w != UINT64_MAX) return put_few_rows(w, base, out);
    for (uint32_t i = 0; i < 64; i++) out[i] = base + i;
    return 64;
}
#endif

size_t K_LEVEL(bits_to_rows)(size_t n, const uint8_t *bits, uint32_t *out)
{
    size_t found = 0;
    EACH_WORD(n, at, some, {
        uint64_t w = word_at(bits, at, some);
        if (w) found += put_rows(w, (uint32_t)at, out + found);
    })
    return found;
}

size_t K_LEVEL(rows_where)(size_t n, const uint32_t *rows, const uint8_t *bits, uint32_t *out)
{
    size_t found = 0;
    for (size_t k = 0; k < n; k++) { /* no branch: the place is written, and kept if the bit is set */
        uint32_t row = rows[k];
        out[found] = row;
        found += vonk_bit_get(bits, row);
    }
    return found;
}

void K_LEVEL(bytes_to_bits)(size_t n, const uint8_t *bytes, uint8_t *bits)
{
    size_t at = 0;
    for (; at + K_BLOCK <= n; at += K_BLOCK) put_bits(bits, at, K_BLOCK, pack_64(bytes + at));
    if (at < n) {
        uint8_t rest[K_BLOCK] = {0};
        memcpy(rest, bytes + at, n - at);
        put_bits(bits, at, n - at, pack_64(rest));
    }
}

void K_LEVEL(bits_to_bytes)(size_t n, const uint8_t *bits, uint8_t *bytes)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) { /* byte j of `spread` keeps bit j; adding 0x7f lifts it to the byte's top */
        uint64_t spread = bits[i / 8] * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
        spread = ((spread + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7) & UINT64_C(0x0101010101010101);
        memcpy(bytes + i, &spread, 8);
    }
    for (; i < n; i++) bytes[i] = vonk_bit_get(bits, i);
}

#define GATHER(name, T)                                                                                                \
    void name(size_t n, const void *in, const uint32_t *rows, void *out)                                               \
    {                                                                                                                  \
        const T *from = in;                                                                                            \
        T *to = out;                                                                                                   \
        for (size_t k = 0; k < n; k++) to[k] = from[rows[k]];                                                          \
    }
typedef struct pair64 {
    uint64_t low, high;
} pair64;
GATHER(K_LEVEL(gather_4), uint32_t)
GATHER(K_LEVEL(gather_8), uint64_t)
GATHER(K_LEVEL(gather_16), pair64)
