#include "codec/parquet/unpack.h"

#include <stdatomic.h>
#include <string.h>

static pq_unpack_u32 *pick(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return vonk__pq_unpack_u32_v4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return vonk__pq_unpack_u32_v3;
    return vonk__pq_unpack_u32_v1;
}

void vonk__pq_unpack_u32(const uint8_t *in, size_t n, unsigned width, uint32_t *restrict out)
{
    static pq_unpack_u32 *_Atomic best; /* every thread would pick the same */
    pq_unpack_u32 *run = atomic_load_explicit(&best, memory_order_relaxed);
    if (VONK_UNLIKELY(!run)) {
        run = pick();
        atomic_store_explicit(&best, run, memory_order_relaxed);
    }
    run(in, n, width, out);
}

static uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

void vonk__pq_unpack_u64(const uint8_t *in, size_t first, size_t n, unsigned width, uint64_t *restrict out)
{
    const uint64_t mask = width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    if (width <= 57) { /* 7 bits of misplacement fit into one load */
        for (size_t i = 0; i < n; i++) {
            size_t bit = (first + i) * width;
            out[i] = (load64(in + (bit >> 3)) >> (bit & 7)) & mask;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t bit = (first + i) * width;
        vonk_u128 word = load64(in + (bit >> 3)) | (vonk_u128)in[(bit >> 3) + 8] << 64;
        out[i] = (uint64_t)(word >> (bit & 7)) & mask;
    }
}
