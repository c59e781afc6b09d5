/* One group of 8 values per step: the bytes that a lane needs are shuffled into it, shifted to the top and down again.
 */
#include <string.h>

#include "codec/parquet/unpack.h"

#if defined(__SSE4_1__)
#include <immintrin.h>
#endif

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define KERNEL_NAME(x) PASTE(x##_, VONK_CPU_LEVEL)

#define LOAD(type, in, i)                                                                                              \
    __extension__({                                                                                                    \
        type x_;                                                                                                       \
        memcpy(&x_, (in) + (i) * sizeof x_, sizeof x_);                                                                \
        x_;                                                                                                            \
    })
#define WIDEST_LANE 25 /* 7 bits of misplacement + 25 = one 32-bit lane */

#if defined(__SSE4_1__)
typedef struct lanes {
    uint8_t bytes[32]; /* shuffle of the low and of the high four lanes */
    uint32_t up[8];    /* how far a lane is shifted up so that its value ends at bit 31 */
} lanes;

/* Lane i of the low half starts at bit i*w; the high half is loaded at byte w/2, so its lane j starts at bit (4*w & 7)
 * + j*w. */
#define BIT(w, i) ((i) < 4 ? (i) * (w) : (4 * (w) & 7) + ((i) - 4) * (w))
#define BYTE4(w, i) BIT(w, i) / 8, BIT(w, i) / 8 + 1, BIT(w, i) / 8 + 2, BIT(w, i) / 8 + 3
#define UP(w, i) (uint32_t)(32 - (w) - (BIT(w, i) & 7))
#define WIDTH(w)                                                                                                       \
    [w] = {{BYTE4(w, 0), BYTE4(w, 1), BYTE4(w, 2), BYTE4(w, 3), BYTE4(w, 4), BYTE4(w, 5), BYTE4(w, 6), BYTE4(w, 7)},   \
           {UP(w, 0), UP(w, 1), UP(w, 2), UP(w, 3), UP(w, 4), UP(w, 5), UP(w, 6), UP(w, 7)}}

static const lanes lanes_of[WIDEST_LANE + 1] = {
    WIDTH(1),  WIDTH(2),  WIDTH(3),  WIDTH(4),  WIDTH(5),  WIDTH(6),  WIDTH(7),  WIDTH(8),  WIDTH(9),
    WIDTH(10), WIDTH(11), WIDTH(12), WIDTH(13), WIDTH(14), WIDTH(15), WIDTH(16), WIDTH(17), WIDTH(18),
    WIDTH(19), WIDTH(20), WIDTH(21), WIDTH(22), WIDTH(23), WIDTH(24), WIDTH(25),
};
#endif

#if defined(__AVX2__)
static void unpack_lanes(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out)
{
    const lanes *l = &lanes_of[width];
    const __m256i shuffle = _mm256_loadu_si256((const __m256i *)(const void *)l->bytes);
    const __m256i up = _mm256_loadu_si256((const __m256i *)(const void *)l->up);
    const __m128i down = _mm_cvtsi32_si128((int)(32 - width));
    for (size_t i = 0; i < n; i += 8, in += width) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + width / 2));
        __m256i v = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), shuffle);
        v = _mm256_srl_epi32(_mm256_sllv_epi32(v, up), down);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), v);
    }
}
#elif defined(__SSE4_1__)
static __m128i lanes4(const uint8_t *in, __m128i shuffle, __m128i up, __m128i down)
{
    __m128i v = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)in), shuffle);
    return _mm_srl_epi32(_mm_mullo_epi32(v, up), down); /* no variable shift here: multiply by a power of two */
}

static void unpack_lanes(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out)
{
    const lanes *l = &lanes_of[width];
    const __m128i shuffle0 = _mm_loadu_si128((const __m128i *)(const void *)l->bytes);
    const __m128i shuffle1 = _mm_loadu_si128((const __m128i *)(const void *)(l->bytes + 16));
    const __m128i down = _mm_cvtsi32_si128((int)(32 - width));
    uint32_t up[8];
    for (int i = 0; i < 8; i++) up[i] = 1u << l->up[i];
    const __m128i up0 = _mm_loadu_si128((const __m128i *)(const void *)up);
    const __m128i up1 = _mm_loadu_si128((const __m128i *)(const void *)(up + 4));
    for (size_t i = 0; i < n; i += 8, in += width) {
        _mm_storeu_si128((__m128i *)(void *)(out + i), lanes4(in, shuffle0, up0, down));
        _mm_storeu_si128((__m128i *)(void *)(out + i + 4), lanes4(in + width / 2, shuffle1, up1, down));
    }
}
#else
#define unpack_lanes unpack_wide
#endif

/* Any width up to 32: one unaligned 64-bit load per value. */
static void unpack_wide(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out)
{
    const uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    for (size_t i = 0; i < n; i++) {
        size_t bit = i * width;
        uint64_t word;
        memcpy(&word, in + (bit >> 3), sizeof word);
        out[i] = (uint32_t)(word >> (bit & 7)) & mask;
    }
}

static void unpack_u32(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out)
{
    if (width == 0)
        memset(out, 0, n * sizeof *out);
    else if (width == 32)
        memcpy(out, in, n * sizeof *out);
    else if (width <= WIDEST_LANE)
        unpack_lanes(in, n, width, out);
    else
        unpack_wide(in, n, width, out);
}

/* ---- reductions */
static uint32_t max_u32(const uint32_t *in, size_t n)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) most = in[i] > most ? in[i] : most;
    return most;
}

static int32_t min_i32(const int32_t *in, size_t n)
{
    int32_t least = INT32_MAX;
    for (size_t i = 0; i < n; i++) least = in[i] < least ? in[i] : least;
    return least;
}

static int64_t min_i64(const int64_t *in, size_t n)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < n; i++) least = in[i] < least ? in[i] : least;
    return least;
}

static size_t count_equal_u16(const uint16_t *in, size_t n, uint16_t value)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += in[i] == value;
    return count;
}

static size_t count_least_u16(const uint16_t *in, size_t n, uint16_t least)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += in[i] >= least;
    return count;
}

/* ---- moving values */
#define GATHER(type)                                                                                                   \
    do {                                                                                                               \
        const type *from = dictionary;                                                                                 \
        type *to = out;                                                                                                \
        for (size_t i = 0; i < n; i++) to[i] = from[codes[i]];                                                         \
    } while (0)

static void gather(const void *dictionary, const uint32_t *codes, size_t n, size_t each, void *restrict out)
{
    switch (each) {
    case 1: GATHER(uint8_t); break;
    case 2: GATHER(uint16_t); break;
    case 4: GATHER(uint32_t); break;
    case 8: GATHER(uint64_t); break;
    default: GATHER(vonk_u128); break;
    }
}

static void widen_i32(const uint8_t *in, size_t n, int64_t factor, int64_t *restrict out)
{
    if (factor == 1) {
        for (size_t i = 0; i < n; i++) out[i] = LOAD(int32_t, in, i);
    } else {
        for (size_t i = 0; i < n; i++) out[i] = (int64_t)((uint64_t)(int64_t)LOAD(int32_t, in, i) * (uint64_t)factor);
    }
}

/* From the end, so that a dense value is read before its place is written. Once no null is left below, all are in
 * place. */
#define SPREAD(type)                                                                                                   \
    do {                                                                                                               \
        type *v = values;                                                                                              \
        size_t from = n_dense;                                                                                         \
        for (size_t i = n; i > from;) {                                                                                \
            i--;                                                                                                       \
            size_t on = (bits[(at + i) >> 3] >> ((at + i) & 7)) & 1;                                                   \
            type x = v[from - (from > 0)];                                                                             \
            v[i] = on ? x : 0;                                                                                         \
            from -= on;                                                                                                \
        }                                                                                                              \
    } while (0)

static void spread(void *values, size_t n_dense, const uint8_t *bits, size_t at, size_t n, size_t each)
{
    switch (each) {
    case 1: SPREAD(uint8_t); break;
    case 2: SPREAD(uint16_t); break;
    case 4: SPREAD(uint32_t); break;
    case 8: SPREAD(uint64_t); break;
    default: SPREAD(vonk_u128); break;
    }
}

const pq_kernels KERNEL_NAME(vonk__pq_kernels) = {
    unpack_u32, max_u32, min_i32, min_i64, gather, widen_i32, spread, count_equal_u16, count_least_u16,
};
