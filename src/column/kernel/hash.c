/* column/kernel/hash.c -- integers mixed into the hashes of their rows. */
#include "base/hash.h"
#include "column/kernel/kernel_int.h"

void K_LEVEL(hash_i32)(size_t n, const int32_t *v, uint64_t *inout_hashes, bool first)
{
    if (first)
        for (size_t i = 0; i < n; i++) inout_hashes[i] = vonk_hash_mix((uint64_t)(int64_t)v[i]);
    else
        for (size_t i = 0; i < n; i++) inout_hashes[i] = vonk_hash_combine(inout_hashes[i], (uint64_t)(int64_t)v[i]);
}

void K_LEVEL(hash_i64)(size_t n, const int64_t *v, uint64_t *inout_hashes, bool first)
{
    if (first)
        for (size_t i = 0; i < n; i++) inout_hashes[i] = vonk_hash_mix((uint64_t)v[i]);
    else
        for (size_t i = 0; i < n; i++) inout_hashes[i] = vonk_hash_combine(inout_hashes[i], (uint64_t)v[i]);
}
