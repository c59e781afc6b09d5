/* base/attr.h -- compiler attributes, scope cleanup, checked narrowing, X-macro aids.
 *
 * Narrowing: -Wconversion is on. A value that may not fit goes through vonk_i32_of() and friends, which assert; a
 * value from outside is range-checked first and raises an error. */
#ifndef VONK_BASE_ATTR_H
#define VONK_BASE_ATTR_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VONK_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define VONK_MUST_CHECK              __attribute__((warn_unused_result))
#define VONK_NORETURN                __attribute__((noreturn))
#define VONK_UNUSED                  __attribute__((unused))
#define VONK_LIKELY(x)               __builtin_expect(!!(x), 1)
#define VONK_UNLIKELY(x)             __builtin_expect(!!(x), 0)
#define VONK_COUNTOF(a)              (sizeof(a) / sizeof((a)[0]))
/* Loops over plain arrays outside of the kernels: vectorised by both compilers (gcc 12 does not at -O2). */
#ifdef __clang__
#define VONK_HOT
#else
#define VONK_HOT __attribute__((optimize("tree-vectorize", "vect-cost-model=dynamic")))
#endif
#define VONK_EXPORT                  __attribute__((visibility("default")))

/* Scope cleanup: VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL; dies with the scope unless stolen. */
#define VONK_AUTO(drop) __attribute__((cleanup(drop##_auto)))
#define VONK_DEFINE_AUTO(type, drop)                                                                                   \
    static inline void drop##_auto(type **p)                                                                           \
    {                                                                                                                  \
        if (*p) drop(*p);                                                                                              \
    }
/* Same for storage owned by the caller (_init / _done pairs); the _done function must accept zeroed storage. */
#define VONK_DEFINE_AUTO_DONE(type, done)                                                                              \
    static inline void done##_auto(type *p) { done(p); }
#define VONK_STEAL(p)                                                                                                  \
    __extension__({                                                                                                    \
        __typeof__(p) *from_ = &(p);                                                                                   \
        __typeof__(p) got_ = *from_;                                                                                   \
        *from_ = NULL;                                                                                                 \
        got_;                                                                                                          \
    })

static inline int32_t vonk_i32_of(int64_t x)
{
    assert(x >= INT32_MIN && x <= INT32_MAX);
    return (int32_t)x;
}
static inline uint32_t vonk_u32_of(uint64_t x)
{
    assert(x <= UINT32_MAX);
    return (uint32_t)x;
}
static inline uint16_t vonk_u16_of(uint64_t x)
{
    assert(x <= UINT16_MAX);
    return (uint16_t)x;
}

/* As Java casts: cut off, and the nearest where there is none; NaN is 0. */
static inline int64_t vonk_i64_of_f64(double x)
{
    return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}
static inline size_t vonk_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t vonk_max_size(size_t a, size_t b) { return a > b ? a : b; }

typedef __int128          vonk_i128;
typedef unsigned __int128 vonk_u128;

#endif
