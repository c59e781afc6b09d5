/* base/budget.h -- the memory budget tree (server -> session -> query -> operator) and the only allocator.
 *
 * Whoever needs memory names the budget that pays. Memory is taken from the parents too; if one of them has no room, those who
 * can spill are asked first (see vonk_budget_add_spiller), then the request fails with MEMORY_BUDGET_EXCEEDED and that query fails alone.
 * Every pointer from vonk_alloc carries its size and budget, so vonk_free needs only the pointer. A budget outlives its allocations.
 * Thread-safe. Under `fault` builds each allocation can be made to fail (base/fault.h). */
#ifndef VONK_BASE_BUDGET_H
#define VONK_BASE_BUDGET_H

#include "base/error.h"

#define VONK_NO_LIMIT INT64_MAX

/* The root without a limit, for start-up and for things that belong to the process. Never freed. */
vonk_budget *vonk_budget_root(void);

/* `name` is copied. limit_bytes may be VONK_NO_LIMIT: then only the parents limit. */
vonk_status vonk_budget_new(vonk_budget *parent, const char *name, int64_t limit_bytes, vonk_budget **ret, vonk_error *err);
void        vonk_budget_free(vonk_budget *budget); /* asserts that nothing is charged any more */
VONK_DEFINE_AUTO(vonk_budget, vonk_budget_free)
/* The owner leaves; things that others share (views of a session that is gone) keep the node alive, charged to its parents, and the last one frees it. */
void        vonk_budget_retire(vonk_budget *budget);
void         vonk_budget_set_limit(vonk_budget *budget, int64_t limit_bytes);
int64_t      vonk_budget_used(const vonk_budget *budget);  /* bytes, children included */
int64_t      vonk_budget_peak(const vonk_budget *budget);  /* highest `used` so far */
int64_t      vonk_budget_limit(const vonk_budget *budget); /* the tightest of itself and its parents */
int64_t      vonk_budget_room(const vonk_budget *budget);  /* bytes that could be charged now without spilling */

/* Accounting without allocating (mapped files, memory of libraries and of Python workers). */
vonk_status vonk_budget_charge(vonk_budget *budget, int64_t bytes, vonk_error *err);
bool        vonk_budget_try_charge(vonk_budget *budget, int64_t bytes); /* never asks anybody to spill */
void        vonk_budget_release(vonk_budget *budget, int64_t bytes);

/* Somebody below `budget` who can give memory back. `spill` frees what it can, at least bytes_wanted if possible, and returns how much it freed;
 * 0 when it is busy (it must use a try-lock: it is called on the thread that asks, which may hold its own operator's lock).
 * Spillers are asked largest `size` first. */
typedef struct vonk_spiller {
    int64_t (*size)(void *self);                        /* bytes that could be freed now */
    int64_t (*spill)(void *self, int64_t bytes_wanted); /* bytes freed; errors are kept by self and raised at its next step */
    void                *self;
    struct vonk_spiller *next, *prev; /* owned by the budget */
} vonk_spiller;
void vonk_budget_add_spiller(vonk_budget *budget, vonk_spiller *spiller);    /* spiller storage belongs to the caller */
void vonk_budget_remove_spiller(vonk_budget *budget, vonk_spiller *spiller); /* waits until nobody is calling it */

/* `ret` is the address of a pointer: vonk_alloc(b, n, &p, err). 16-byte aligned; bytes == 0 gives a valid pointer. Sizes that overflow are refused. */
vonk_status vonk_alloc(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err);
vonk_status vonk_alloc_zeroed(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err);
vonk_status vonk_alloc_array(vonk_budget *budget, size_t n, size_t each_bytes, void *ret, vonk_error *err);
/* Grows or shrinks *inout (NULL: allocates); the old block stays valid on failure. */
vonk_status vonk_realloc(vonk_budget *budget, void *inout, size_t bytes, vonk_error *err);
void        vonk_free(void *ptr); /* NULL is fine */
size_t      vonk_alloc_size(const void *ptr);
/* One zeroed object: VONK_TRY(VONK_NEW(budget, &thing, err)). */
#define VONK_NEW(budget, ptr_to_ptr, err) vonk_alloc_zeroed((budget), sizeof(**(ptr_to_ptr)), (ptr_to_ptr), (err))
/* A NUL-terminated copy. */
vonk_status vonk_strdup(vonk_budget *budget, vonk_str text, char **ret, vonk_error *err);
/* Callbacks for libraries that ask for memory: their `opaque` is a budget; NULL when it gives none. */
void *vonk_lib_alloc(void *budget, size_t bytes);
void  vonk_lib_free(void *budget, void *ptr);

/* 64-byte aligned memory for column buffers (column/buffer.h is the user). */
vonk_status vonk_alloc_aligned(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err);
void        vonk_free_aligned(void *ptr);

/* Hands free memory of the allocator back to the system (after a large query). */
void vonk_alloc_collect(void);

#endif
