/* base/arena.h -- memory with one lifespan: allocate many, free all at once.
 *
 * An arena is always an argument, never ambient. Blocks come from the arena's budget. Not thread-safe: one arena, one thread at a time. */
#ifndef VONK_BASE_ARENA_H
#define VONK_BASE_ARENA_H

#include "base/budget.h"

vonk_status vonk_arena_new(vonk_budget *budget, vonk_arena **ret, vonk_error *err);
/* The same with room for first_bytes (a MiB at most) in the one allocation that it starts with: for things of known size, like plan nodes. */
vonk_status vonk_arena_new_sized(vonk_budget *budget, size_t first_bytes, vonk_arena **ret, vonk_error *err);
void        vonk_arena_free(vonk_arena *arena); /* runs the cleanups, last added first */
void        vonk_arena_reset(vonk_arena *arena); /* same, but keeps one block for the next use */
VONK_DEFINE_AUTO(vonk_arena, vonk_arena_free)
vonk_budget *vonk_arena_budget(const vonk_arena *arena);
size_t       vonk_arena_bytes(const vonk_arena *arena); /* that it takes of its budget; a walk over its blocks */

/* 16-byte aligned; `ret` is the address of a pointer. Zeroed, so that half-filled structs are harmless. */
vonk_status vonk_arena_alloc(vonk_arena *arena, size_t bytes, void *ret, vonk_error *err);
vonk_status vonk_arena_array(vonk_arena *arena, size_t n, size_t each_bytes, void *ret, vonk_error *err);
#define VONK_ARENA_NEW(arena, ptr_to_ptr, err) vonk_arena_alloc((arena), sizeof(**(ptr_to_ptr)), (ptr_to_ptr), (err))

/* Copies; *ret.data is NUL-terminated, the NUL is not counted. */
vonk_status vonk_arena_str(vonk_arena *arena, vonk_str text, vonk_str *ret, vonk_error *err);
vonk_status vonk_arena_printf(vonk_arena *arena, vonk_str *ret, vonk_error *err, const char *fmt, ...) VONK_PRINTF(4, 5);

/* drop(thing) runs when the arena is reset or freed. On failure drop(thing) has been called already. */
vonk_status vonk_arena_on_free(vonk_arena *arena, void (*drop)(void *), void *take_thing, vonk_error *err);

#endif
