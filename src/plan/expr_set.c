/* plan/expr_set.c -- a hash table with linear probing, half full at most, over an array. */
#include "plan/expr_set.h"

enum { FIRST_SLOTS = 32 };

static size_t look_up(const vonk_expr_set *set, const vonk_expr *e, uint64_t hash)
{
    if (set->n_slots == 0) return SIZE_MAX;
    for (size_t i = hash & (set->n_slots - 1); set->slots[i]; i = (i + 1) & (set->n_slots - 1)) {
        const size_t at = set->slots[i] - 1;
        if (set->hashes[at] == hash && vonk_expr_equal(set->at[at], e)) return at;
    }
    return SIZE_MAX;
}

static void place(vonk_expr_set *set, size_t at)
{
    size_t i = set->hashes[at] & (set->n_slots - 1);
    while (set->slots[i]) i = (i + 1) & (set->n_slots - 1);
    set->slots[i] = (uint32_t)at + 1;
}

static vonk_status make_room(vonk_expr_set *set, vonk_arena *arena, vonk_error *err)
{
    const size_t n_slots = set->n_slots ? set->n_slots * 2 : FIRST_SLOTS, capacity = n_slots / 2;
    const vonk_expr **at = NULL;
    uint64_t *hashes = NULL;
    uint32_t *slots = NULL;

    VONK_TRY(vonk_arena_array(arena, capacity, sizeof *at, &at, err));
    VONK_TRY(vonk_arena_array(arena, capacity, sizeof *hashes, &hashes, err));
    VONK_TRY(vonk_arena_array(arena, n_slots, sizeof *slots, &slots, err));
    for (size_t i = 0; i < set->n; i++) {
        at[i] = set->at[i];
        hashes[i] = set->hashes[i];
    }
    set->at = at;
    set->hashes = hashes;
    set->capacity = capacity;
    set->slots = slots;
    set->n_slots = n_slots;
    for (size_t i = 0; i < set->n; i++) place(set, i);
    return VONK_OK;
}

size_t vonk_expr_set_find(const vonk_expr_set *set, const vonk_expr *e) { return look_up(set, e, vonk_expr_hash(e)); }

vonk_status vonk_expr_set_add(vonk_expr_set *set, vonk_arena *arena, const vonk_expr *e, size_t *ret_at,
                              vonk_error *err)
{
    const uint64_t hash = vonk_expr_hash(e);
    size_t at = look_up(set, e, hash);

    if (at == SIZE_MAX) {
        if (set->n == set->capacity) VONK_TRY(make_room(set, arena, err));
        at = set->n++;
        set->at[at] = e;
        set->hashes[at] = hash;
        place(set, at);
    }
    if (ret_at) *ret_at = at;
    return VONK_OK;
}
