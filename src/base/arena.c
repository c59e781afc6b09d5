/* base/arena.c -- bump allocation in blocks of doubling size; the first block lies right behind the arena itself,
 * because plan nodes and expressions have one small arena each. */
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN /* what is not handed out may not be touched */
#include <sanitizer/asan_interface.h>
#define POISON(at, n) ASAN_POISON_MEMORY_REGION((at), (n))
#define UNPOISON(at, n) ASAN_UNPOISON_MEMORY_REGION((at), (n))
#else
#define POISON(at, n) ((void)(at), (void)(n))
#define UNPOISON(at, n) ((void)(at), (void)(n))
#endif

enum { FIRST_BYTES = 1024 - 16, MOST_BLOCK_BYTES = 1 << 20, ALIGN = 16 };

typedef struct block {
    struct block *older;
    char *end;
} block;

enum { BLOCK_HEAD_BYTES = (sizeof(block) + ALIGN - 1) / ALIGN * ALIGN };

typedef struct cleanup {
    void (*drop)(void *);
    void *thing;
    struct cleanup *older;
} cleanup;

struct vonk_arena {
    vonk_budget *budget;
    char *at, *end;    /* free part of the newest block */
    block *newest;     /* NULL: only the first block, behind this struct */
    char *first_end;   /* of the first block */
    size_t next_bytes; /* size of the next block */
    cleanup *cleanups;
};

static char *first_at(vonk_arena *a) { return (char *)a + (sizeof(*a) + ALIGN - 1) / ALIGN * ALIGN; }
static char *block_at(block *b) { return (char *)b + BLOCK_HEAD_BYTES; }

static void start_over(vonk_arena *a)
{
    a->at = a->newest ? block_at(a->newest) : first_at(a);
    a->end = a->newest ? a->newest->end : a->first_end;
    POISON(a->at, (size_t)(a->end - a->at));
}

static vonk_status new_arena(vonk_budget *budget, size_t whole_bytes, size_t next_bytes, vonk_arena **ret,
                             vonk_error *err)
{
    vonk_arena *a;
    VONK_TRY(vonk_alloc(budget, whole_bytes, &a, err));
    *a = (vonk_arena){.budget = budget, .next_bytes = next_bytes, .first_end = (char *)a + whole_bytes};
    start_over(a);
    *ret = a;
    return VONK_OK;
}

vonk_status vonk_arena_new(vonk_budget *budget, vonk_arena **ret, vonk_error *err)
{
    return new_arena(budget, FIRST_BYTES, 4 * (FIRST_BYTES + 16), ret, err);
}

vonk_status vonk_arena_new_sized(vonk_budget *budget, size_t first_bytes, vonk_arena **ret, vonk_error *err)
{
    size_t head = (sizeof(vonk_arena) + ALIGN - 1) / ALIGN * ALIGN;
    assert(first_bytes <= MOST_BLOCK_BYTES);
    size_t whole_bytes = head + (first_bytes + ALIGN - 1) / ALIGN * ALIGN;
    return new_arena(budget, whole_bytes, FIRST_BYTES + 16, ret, err);
}

static void run_cleanups(vonk_arena *a)
{
    while (a->cleanups) {
        cleanup *c = a->cleanups;
        a->cleanups = c->older; /* first: drop() may add cleanups */
        c->drop(c->thing);
    }
}

static void free_block(block *b)
{
    UNPOISON(b, (size_t)(b->end - (char *)b));
    vonk_free(b);
}

static void free_older(block *b)
{
    while (b) {
        block *older = b->older;
        free_block(b);
        b = older;
    }
}

void vonk_arena_free(vonk_arena *arena)
{
    if (!arena) return;
    run_cleanups(arena);
    free_older(arena->newest);
    UNPOISON(arena, (size_t)(arena->first_end - (char *)arena));
    vonk_free(arena);
}

void vonk_arena_reset(vonk_arena *arena)
{
    run_cleanups(arena);
    if (arena->newest) {
        free_older(arena->newest->older);
        arena->newest->older = NULL;
        /* One huge request must not stay for ever. */
        if ((size_t)(arena->newest->end - (char *)arena->newest) > MOST_BLOCK_BYTES) {
            free_block(arena->newest);
            arena->newest = NULL;
        }
    }
    start_over(arena);
}

vonk_budget *vonk_arena_budget(const vonk_arena *arena) { return arena->budget; }

size_t vonk_arena_bytes(const vonk_arena *arena)
{
    size_t bytes = vonk_alloc_size(arena);
    for (const block *b = arena->newest; b; b = b->older) bytes += vonk_alloc_size(b);
    return bytes;
}

static vonk_status add_block(vonk_arena *a, size_t bytes, vonk_error *err)
{
    size_t block_bytes = a->next_bytes - 16;        /* with the allocator's own head it fills its size class */
    if (bytes > SIZE_MAX / 2) bytes = SIZE_MAX / 2; /* refused by vonk_alloc */
    if (block_bytes < bytes + BLOCK_HEAD_BYTES) block_bytes = bytes + BLOCK_HEAD_BYTES;
    block *b;
    VONK_TRY(vonk_alloc(a->budget, block_bytes, &b, err));
    b->older = a->newest;
    b->end = (char *)b + block_bytes;
    a->newest = b;
    if (a->next_bytes < MOST_BLOCK_BYTES) a->next_bytes *= 2;
    start_over(a);
    return VONK_OK;
}

vonk_status vonk_arena_alloc(vonk_arena *arena, size_t bytes, void *ret, vonk_error *err)
{
    size_t padded = bytes <= SIZE_MAX - 2 * ALIGN ? (bytes + ALIGN - 1) / ALIGN * ALIGN : bytes;
    if (padded == 0) padded = ALIGN;
    if (VONK_UNLIKELY(padded > (size_t)(arena->end - arena->at))) VONK_TRY(add_block(arena, padded, err));
    char *got = arena->at;
    arena->at += padded;
    UNPOISON(got, bytes);
    memset(got, 0, bytes);
    *(void **)ret = got;
    return VONK_OK;
}

vonk_status vonk_arena_array(vonk_arena *arena, size_t n, size_t each_bytes, void *ret, vonk_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, each_bytes, &bytes)) bytes = SIZE_MAX / 2;
    return vonk_arena_alloc(arena, bytes, ret, err);
}

vonk_status vonk_arena_str(vonk_arena *arena, vonk_str text, vonk_str *ret, vonk_error *err)
{
    char *copy;
    VONK_TRY(vonk_arena_alloc(arena, text.len + 1, &copy, err));
    if (text.len) memcpy(copy, text.data, text.len);
    *ret = (vonk_str){copy, text.len};
    return VONK_OK;
}

vonk_status vonk_arena_printf(vonk_arena *arena, vonk_str *ret, vonk_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "cannot format text");
    char *text;
    VONK_TRY(vonk_arena_alloc(arena, (size_t)n + 1, &text, err));
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    *ret = (vonk_str){text, (size_t)n};
    return VONK_OK;
}

vonk_status vonk_arena_on_free(vonk_arena *arena, void (*drop)(void *), void *take_thing, vonk_error *err)
{
    cleanup *c;
    vonk_status st = vonk_arena_alloc(arena, sizeof(*c), &c, err);
    if (st != VONK_OK) {
        drop(take_thing);
        return st;
    }
    *c = (cleanup){drop, take_thing, arena->cleanups};
    arena->cleanups = c;
    return VONK_OK;
}
