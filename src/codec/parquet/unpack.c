#include "codec/parquet/unpack.h"

#include <string.h>

#include "sys/cpu.h"

const pq_kernels *vonk__pq_kernels(void)
{
    static const pq_kernels *const levels[VONK_N_CPU_LEVEL] = {&vonk__pq_kernels_v1, &vonk__pq_kernels_v3,
                                                               &vonk__pq_kernels_v4};
    return levels[vonk_cpu_get_level()];
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
