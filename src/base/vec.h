/* base/vec.h -- a growing array of one type: VONK_VEC(int) numbers = {0}; VONK_TRY(VONK_VEC_PUSH(&numbers, budget, 7, err)); numbers.at[0].
 * Freed with vonk_free(v.at). For scratch in an arena use VONK_VEC_ARENA_PUSH (old storage stays in the arena). */
#ifndef VONK_BASE_VEC_H
#define VONK_BASE_VEC_H

#include "base/arena.h"

#define VONK_VEC(type)                                                                                                 \
    struct {                                                                                                           \
        type  *at;                                                                                                     \
        size_t n, capacity;                                                                                            \
    }
vonk_status vonk_vec_grow(vonk_budget *budget, void *inout_at, size_t *inout_capacity, size_t n, size_t each, vonk_error *err);
vonk_status vonk_vec_grow_arena(vonk_arena *arena, void *inout_at, size_t *inout_capacity, size_t n, size_t each, vonk_error *err);

#define VONK_VEC_PUSH(v, budget, value, err)                                                                           \
    __extension__({                                                                                                    \
        vonk_errclass st_ = VONK_OK;                                                                                   \
        if ((v)->n == (v)->capacity)                                                                                   \
            st_ = vonk_vec_grow((budget), &(v)->at, &(v)->capacity, (v)->n, sizeof(*(v)->at), (err));                  \
        if (st_ == VONK_OK) (v)->at[(v)->n++] = (value);                                                               \
        st_;                                                                                                           \
    })
#define VONK_VEC_ARENA_PUSH(v, arena, value, err)                                                                      \
    __extension__({                                                                                                    \
        vonk_errclass st_ = VONK_OK;                                                                                   \
        if ((v)->n == (v)->capacity)                                                                                   \
            st_ = vonk_vec_grow_arena((arena), &(v)->at, &(v)->capacity, (v)->n, sizeof(*(v)->at), (err));             \
        if (st_ == VONK_OK) (v)->at[(v)->n++] = (value);                                                               \
        st_;                                                                                                           \
    })

#endif
