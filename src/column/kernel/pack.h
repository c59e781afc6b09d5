/* column/kernel/pack.h -- inside the folder: bytes 0 / 1 to bits, by the machine's own instruction where it has one. */
#ifndef VONK_COLUMN_KERNEL_PACK_H
#define VONK_COLUMN_KERNEL_PACK_H

#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "column/kernel/kernel_int.h"

/* Bit j of the result = bytes[j] is not 0. */
static inline uint64_t pack_64(const uint8_t bytes[K_BLOCK])
{
#if defined(__AVX512BW__)
    __m512i v = _mm512_loadu_si512(bytes);
    return _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)bytes), high = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + 32));
    __m256i zero = _mm256_setzero_si256();
    uint32_t not_low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, zero));
    uint32_t not_high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, zero));
    return ~((uint64_t)not_high << 32 | not_low);
#else
    uint64_t word = 0;
    for (size_t q = 0; q < 8; q++) {
        uint64_t b;
        memcpy(&b, bytes + 8 * q, 8);
        b = ((b & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7f7f7f7f7f7f7f7f)) | b; /* high bit of each byte: it is not 0 */
        b = (b >> 7) & UINT64_C(0x0101010101010101);
        word |= ((b * UINT64_C(0x0102040810204080)) >> 56) << (8 * q);
    }
    return word;
#endif
}

static inline void put_bits(uint8_t *bits, size_t at, size_t n, uint64_t word) { memcpy(bits + at / 8, &word, vonk_bits_bytes(n)); }

#endif
