/* base/alloc.c -- allocation charged to a budget. Each block starts with a hidden head (size, budget), so that freeing
 * needs only the pointer. */
#include <stdlib.h>
#include <sys/mman.h>
#ifdef VONK_MIMALLOC
#include <mimalloc.h>
#else
#include <malloc.h>
#endif

#include "base/budget_int.h"
#include "base/fault.h"

typedef struct head {
    size_t bytes; /* as asked for */
    vonk_budget *budget;
} head;

enum { HEAD_BYTES = 16, ALIGNMENT = 64, HUGE_FROM_BYTES = 4 << 20 };
static_assert(sizeof(head) == HEAD_BYTES, "the head keeps 16-byte alignment");

/* Blocks of this size are mappings of their own: to grow one moves its pages, and copies nothing. A copy of some
 * hundred megabytes takes longer than a query may go on after it was interrupted. */
#ifdef VONK_MIMALLOC
#define MAPPED_FROM_BYTES ((size_t)32 << 20)
#else
#define MAPPED_FROM_BYTES SIZE_MAX /* sanitizers watch them all */
#endif

static void *os_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    (void)madvise(p, bytes, MADV_HUGEPAGE); /* all of it: mremap moves one mapping, and this must not split it */
    return p;
}
static void *os_alloc(size_t bytes, bool zeroed)
{
    if (VONK_UNLIKELY(bytes >= MAPPED_FROM_BYTES)) return os_map(bytes);
#ifdef VONK_MIMALLOC
    return zeroed ? mi_zalloc(bytes) : mi_malloc(bytes);
#else
    return zeroed ? calloc(1, bytes) : malloc(bytes);
#endif
}
static void os_free_small(void *p)
{
#ifdef VONK_MIMALLOC
    mi_free(p);
#else
    free(p);
#endif
}
static void os_free(void *p, size_t bytes)
{
    if (VONK_UNLIKELY(bytes >= MAPPED_FROM_BYTES))
        (void)munmap(p, bytes); /* fails only for what was never mapped */
    else
        os_free_small(p);
}
static void *os_realloc_small(void *p, size_t bytes)
{
#ifdef VONK_MIMALLOC
    return mi_realloc(p, bytes);
#else
    return realloc(p, bytes);
#endif
}
static void *os_realloc(void *p, size_t old_bytes, size_t bytes)
{
    bool was_mapped = old_bytes >= MAPPED_FROM_BYTES, is_mapped = bytes >= MAPPED_FROM_BYTES;
    if (VONK_LIKELY(!was_mapped && !is_mapped)) return os_realloc_small(p, bytes);
    if (was_mapped && is_mapped) {
        void *moved = mremap(p, old_bytes, bytes, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
    void *fresh = os_alloc(bytes, false);
    if (!fresh) return NULL;
    memcpy(fresh, p, old_bytes < bytes ? old_bytes : bytes);
    os_free(p, old_bytes);
    return fresh;
}
static void *os_alloc_aligned(size_t bytes)
{
#ifdef VONK_MIMALLOC
    return mi_malloc_aligned(bytes, ALIGNMENT);
#else
    return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
#endif
}

/* Large blocks are met at random (hash tables, gathered columns): with pages of 4 KiB most accesses would miss the TLB,
 * and first touches would cost a fault for each 4 KiB. Measured: look-ups in a table of 40 MB take half the time. */
static void prefer_huge_pages(void *p, size_t bytes)
{
    const uintptr_t page = (uintptr_t)2 << 20;
    uintptr_t first = ((uintptr_t)p + page - 1) & ~(page - 1), end = ((uintptr_t)p + bytes) & ~(page - 1);
    if (end > first) (void)madvise((void *)first, end - first, MADV_HUGEPAGE); /* a wish */
}

static head *head_of(const void *ptr) { return (head *)((uintptr_t)ptr - HEAD_BYTES); }

static vonk_status refuse(size_t bytes, const char *who, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", VONK_F("%zu", bytes), "receivedBytes", "0",
                     "budget", who);
}

/* Charges bytes + extra after the checks that all allocations share. */
static vonk_status pay(vonk_budget *budget, size_t bytes, size_t extra, vonk_error *err)
{
    if (VONK_UNLIKELY(bytes > (size_t)PTRDIFF_MAX - 2 * ALIGNMENT)) return refuse(bytes, "the address space", err);
    if (VONK_UNLIKELY(vonk_fault_hit(VONK_FAULT_ALLOC))) return refuse(bytes, "fault injection", err);
    return vonk__budget_charge(budget, (int64_t)(bytes + extra), err);
}

static vonk_status out_of_memory(vonk_budget *budget, size_t bytes, size_t extra, vonk_error *err)
{
    vonk_budget_release(budget, (int64_t)(bytes + extra));
    return refuse(bytes, "the operating system", err);
}

static vonk_status alloc(vonk_budget *budget, size_t bytes, bool zeroed, void *ret, vonk_error *err)
{
    VONK_TRY(pay(budget, bytes, HEAD_BYTES, err));
    head *h = os_alloc(bytes + HEAD_BYTES, zeroed);
    if (VONK_UNLIKELY(!h)) return out_of_memory(budget, bytes, HEAD_BYTES, err);
    if (VONK_UNLIKELY(bytes >= HUGE_FROM_BYTES && bytes + HEAD_BYTES < MAPPED_FROM_BYTES))
        prefer_huge_pages(h, bytes + HEAD_BYTES);
    *h = (head){bytes, budget};
    *(void **)ret = h + 1;
    return VONK_OK;
}

vonk_status vonk_alloc(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err)
{
    return alloc(budget, bytes, false, ret, err);
}

vonk_status vonk_alloc_zeroed(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err)
{
    return alloc(budget, bytes, true, ret, err);
}

vonk_status vonk_alloc_array(vonk_budget *budget, size_t n, size_t each_bytes, void *ret, vonk_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each_bytes, &bytes)) return refuse(SIZE_MAX, "the address space", err);
    return alloc(budget, bytes, false, ret, err);
}

void *vonk__alloc_quiet(vonk_budget *budget, size_t bytes)
{
    if (bytes > (size_t)PTRDIFF_MAX - HEAD_BYTES) return NULL;
    int64_t charge = (int64_t)(bytes + HEAD_BYTES);
    if (!vonk_budget_try_charge(budget, charge)) return NULL;
    head *h = os_alloc(bytes + HEAD_BYTES, false);
    if (!h) {
        vonk_budget_release(budget, charge);
        return NULL;
    }
    *h = (head){bytes, budget};
    return h + 1;
}

static vonk_status move_to_budget(vonk_budget *budget, void *inout, size_t bytes, vonk_error *err)
{
    void *old = *(void **)inout, *fresh;
    size_t old_bytes = head_of(old)->bytes;
    VONK_TRY(alloc(budget, bytes, false, &fresh, err));
    memcpy(fresh, old, old_bytes < bytes ? old_bytes : bytes);
    vonk_free(old);
    *(void **)inout = fresh;
    return VONK_OK;
}

vonk_status vonk_realloc(vonk_budget *budget, void *inout, size_t bytes, vonk_error *err)
{
    void *old = *(void **)inout;
    if (!old) return alloc(budget, bytes, false, inout, err);
    size_t old_bytes = head_of(old)->bytes;
    if (head_of(old)->budget != budget) return move_to_budget(budget, inout, bytes, err);
    size_t more = bytes > old_bytes ? bytes - old_bytes : 0;
    if (more) {
        if (bytes > (size_t)PTRDIFF_MAX - 2 * ALIGNMENT) return refuse(bytes, "the address space", err);
        VONK_TRY(pay(budget, more, 0, err));
    }
    head *h = os_realloc(head_of(old), old_bytes + HEAD_BYTES, bytes + HEAD_BYTES);
    if (VONK_UNLIKELY(!h)) {
        if (more) return out_of_memory(budget, more, 0, err);
        return refuse(bytes, "the operating system", err);
    }
    if (bytes < old_bytes) vonk_budget_release(budget, (int64_t)(old_bytes - bytes));
    h->bytes = bytes;
    *(void **)inout = h + 1;
    return VONK_OK;
}

void vonk_free(void *ptr)
{
    if (!ptr) return;
    head *h = head_of(ptr);
    vonk_budget *budget = h->budget;
    size_t bytes = h->bytes + HEAD_BYTES;
    os_free(h, bytes);
    vonk_budget_release(budget, (int64_t)bytes);
}

void *vonk_lib_alloc(void *budget, size_t bytes)
{
    void *ptr = NULL;
    return vonk_alloc(budget, bytes, &ptr, NULL) == VONK_OK ? ptr : NULL;
}

void vonk_lib_free(void *budget, void *ptr)
{
    (void)budget;
    vonk_free(ptr);
}

size_t vonk_alloc_size(const void *ptr) { return ptr ? head_of(ptr)->bytes : 0; }

vonk_status vonk_strdup(vonk_budget *budget, vonk_str text, char **ret, vonk_error *err)
{
    if (text.len == SIZE_MAX) return refuse(text.len, "the address space", err);
    char *copy;
    VONK_TRY(alloc(budget, text.len + 1, false, &copy, err));
    if (text.len) memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    *ret = copy;
    return VONK_OK;
}

vonk_status vonk_alloc_aligned(vonk_budget *budget, size_t bytes, void *ret, vonk_error *err)
{
    VONK_TRY(pay(budget, bytes, ALIGNMENT, err));
    char *block = os_alloc_aligned(bytes + ALIGNMENT);
    if (VONK_UNLIKELY(!block)) return out_of_memory(budget, bytes, ALIGNMENT, err);
    if (VONK_UNLIKELY(bytes >= HUGE_FROM_BYTES)) prefer_huge_pages(block, bytes + ALIGNMENT);
    *head_of(block + ALIGNMENT) = (head){bytes, budget};
    *(void **)ret = block + ALIGNMENT;
    return VONK_OK;
}

void vonk_free_aligned(void *ptr)
{
    if (!ptr) return;
    vonk_budget *budget = head_of(ptr)->budget;
    int64_t bytes = (int64_t)(head_of(ptr)->bytes + ALIGNMENT);
    os_free_small((char *)ptr - ALIGNMENT);
    vonk_budget_release(budget, bytes);
}

vonk_status vonk_budget_charge(vonk_budget *budget, int64_t bytes, vonk_error *err)
{
    assert(bytes >= 0);
    if (VONK_UNLIKELY(vonk_fault_hit(VONK_FAULT_ALLOC))) return refuse((size_t)bytes, "fault injection", err);
    return vonk__budget_charge(budget, bytes, err);
}

void vonk_alloc_collect(void)
{
#ifdef VONK_MIMALLOC
    mi_collect(true);
#elif !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* Not where a sanitizer stands in for malloc: the C library's own has never started then, and two threads that make
     * it start here at once end the program. */
    malloc_trim(0);
#endif
}
