/* base/vec.c -- growth of typed arrays. */
#include "base/vec.h"

static size_t next_capacity(size_t n, size_t each)
{
    size_t least = each >= 256 ? 2 : each >= 32 ? 4 : 8;
    return n < least ? least : n > SIZE_MAX / 4 ? SIZE_MAX : n * 2;
}

vonk_status vonk_vec_grow(vonk_budget *budget, void *inout_at, size_t *inout_capacity, size_t n, size_t each,
                          vonk_error *err)
{
    size_t capacity = next_capacity(n, each), bytes;
    if (__builtin_mul_overflow(capacity, each, &bytes)) bytes = SIZE_MAX; /* refused there */
    VONK_TRY(vonk_realloc(budget, inout_at, bytes, err));
    *inout_capacity = capacity;
    return VONK_OK;
}

vonk_status vonk_vec_grow_arena(vonk_arena *arena, void *inout_at, size_t *inout_capacity, size_t n, size_t each,
                                vonk_error *err)
{
    size_t capacity = next_capacity(n, each);
    void *fresh;
    VONK_TRY(vonk_arena_array(arena, capacity, each, &fresh, err));
    if (n) memcpy(fresh, *(void **)inout_at, n * each);
    *(void **)inout_at = fresh;
    *inout_capacity = capacity;
    return VONK_OK;
}
