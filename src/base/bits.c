/* base/bits.c -- bitmaps, 64 bits at a time. */
#include <string.h>

#include "base/bits.h"

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t w;
    memcpy(&w, at, 8);
    return w;
}
static inline void store64(uint8_t *at, uint64_t w) { memcpy(at, &w, 8); }

void vonk_bits_fill(uint8_t *bits, size_t n, bool on)
{
    if (n) memset(bits, on ? 0xff : 0, vonk_bits_bytes(n));
}

size_t vonk_bits_count(const uint8_t *bits, size_t n)
{
    size_t ones = 0, i = 0;
    for (; i + 64 <= n; i += 64) ones += (size_t)__builtin_popcountll(load64(bits + i / 8));
    for (; i + 8 <= n; i += 8) ones += (size_t)__builtin_popcount(bits[i / 8]);
    if (i < n) ones += (size_t)__builtin_popcount(bits[i / 8] & ((1u << (n - i)) - 1));
    return ones;
}

void vonk_bits_and(uint8_t *into, const uint8_t *with, size_t n)
{
    size_t bytes = vonk_bits_bytes(n), i = 0;
    for (; i + 8 <= bytes; i += 8) store64(into + i, load64(into + i) & load64(with + i));
    for (; i < bytes; i++) into[i] &= with[i];
}

void vonk_bits_or(uint8_t *into, const uint8_t *with, size_t n)
{
    size_t bytes = vonk_bits_bytes(n), i = 0;
    for (; i + 8 <= bytes; i += 8) store64(into + i, load64(into + i) | load64(with + i));
    for (; i < bytes; i++) into[i] |= with[i];
}

void vonk_bits_not(uint8_t *into, size_t n)
{
    size_t bytes = vonk_bits_bytes(n), i = 0;
    for (; i + 8 <= bytes; i += 8) store64(into + i, ~load64(into + i));
    for (; i < bytes; i++) into[i] = (uint8_t)~into[i];
}

/* n <= 57 bits that start at any bit; reads only the bytes that hold them. */
static uint64_t get_some(const uint8_t *from, size_t at, size_t n)
{
    uint64_t w = 0;
    size_t shift = at & 7;
    memcpy(&w, from + at / 8, vonk_bits_bytes(shift + n));
    return (w >> shift) & ((UINT64_C(1) << n) - 1);
}

void vonk_bits_copy(uint8_t *into, size_t into_at, const uint8_t *from, size_t from_at, size_t n)
{
    size_t lead = (8 - (into_at & 7)) & 7;
    if (lead > n) lead = n;
    for (size_t i = 0; i < lead; i++) vonk_bit_put(into, into_at + i, vonk_bit_get(from, from_at + i));
    into_at += lead, from_at += lead, n -= lead;
    uint8_t *out = into + into_at / 8;
    if ((from_at & 7) == 0) {
        if (n / 8) memcpy(out, from + from_at / 8, n / 8);
        out += n / 8, from_at += n / 8 * 8, n &= 7;
    } else {
        unsigned shift = (unsigned)(from_at & 7);
        const uint8_t *in = from + from_at / 8;
        for (; n >= 64; n -= 64, from_at += 64, in += 8, out += 8) /* 64 bits from here reach into in[8] */
            store64(out, load64(in) >> shift | (uint64_t)in[8] << (64 - shift));
    }
    for (; n >= 8; n -= 8, from_at += 8) *out++ = (uint8_t)get_some(from, from_at, 8);
    if (n) {
        unsigned mask = (1u << n) - 1;
        *out = (uint8_t)((*out & ~mask) | get_some(from, from_at, n));
    }
}

size_t vonk_bits_to_rows(const uint8_t *bits, size_t n, uint32_t *out)
{
    size_t found = 0;
    for (size_t base = 0; base < n; base += 64) {
        size_t left = n - base;
        uint64_t w = 0;
        if (left >= 64)
            w = load64(bits + base / 8);
        else {
            memcpy(&w, bits + base / 8, vonk_bits_bytes(left));
            w &= (UINT64_C(1) << left) - 1;
        }
        if (w == UINT64_MAX) { /* the common case: all valid, all selected */
            for (uint32_t i = 0; i < 64; i++) out[found + i] = (uint32_t)base + i;
            found += 64;
            continue;
        }
        for (; w; w &= w - 1) out[found++] = (uint32_t)(base + (size_t)__builtin_ctzll(w));
    }
    return found;
}
