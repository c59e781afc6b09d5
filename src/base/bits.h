/* base/bits.h -- bitmaps, least significant bit first (Arrow's order); 1 = valid where they mean validity. `n` counts bits. */
#ifndef VONK_BASE_BITS_H
#define VONK_BASE_BITS_H

#include "base/attr.h"

static inline size_t vonk_bits_bytes(size_t n) { return (n + 7) / 8; }
static inline bool   vonk_bit_get(const uint8_t *bits, size_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }
static inline void   vonk_bit_set(uint8_t *bits, size_t i) { bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7))); }
static inline void   vonk_bit_clear(uint8_t *bits, size_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1u << (i & 7)));
}
static inline void vonk_bit_put(uint8_t *bits, size_t i, bool on)
{
    bits[i >> 3] = (uint8_t)((bits[i >> 3] & ~(1u << (i & 7))) | ((unsigned)on << (i & 7)));
}

void   vonk_bits_fill(uint8_t *bits, size_t n, bool on);               /* whole bytes: trailing bits too */
size_t vonk_bits_count(const uint8_t *bits, size_t n);                 /* ones */
void   vonk_bits_and(uint8_t *into, const uint8_t *with, size_t n);    /* into &= with */
void   vonk_bits_or(uint8_t *into, const uint8_t *with, size_t n);     /* into |= with */
void   vonk_bits_not(uint8_t *into, size_t n);
void   vonk_bits_copy(uint8_t *into, size_t into_at, const uint8_t *from, size_t from_at, size_t n); /* any bit positions */
/* Indices of the ones among the first n bits, ascending, into out (room for n); returns how many. */
size_t vonk_bits_to_rows(const uint8_t *bits, size_t n, uint32_t *out);

#endif
