/* Least and greatest value, in Parquet's order of the type. */
#include <math.h>

#include "codec/parquet/write.h"

void vonk__pq_bounds_init(pq_bounds *b, vonk_budget *budget)
{
    *b = (pq_bounds){0};
    vonk_buf_init(&b->min, budget, SIZE_MAX);
    vonk_buf_init(&b->max, budget, SIZE_MAX);
}

void vonk__pq_bounds_done(pq_bounds *b)
{
    vonk_buf_done(&b->min);
    vonk_buf_done(&b->max);
}

void vonk__pq_bounds_reset(pq_bounds *b)
{
    vonk_buf_reset(&b->min);
    vonk_buf_reset(&b->max);
    b->any = b->bad = false;
}

#define LOAD(type, from)                                                                                               \
    __extension__({                                                                                                    \
        type x_;                                                                                                       \
        memcpy(&x_, (from), sizeof x_);                                                                                \
        x_;                                                                                                            \
    })
#define ORDER(type, a, b)                                                                                              \
    __extension__({                                                                                                    \
        type a_ = LOAD(type, a), b_ = LOAD(type, b);                                                                   \
        (a_ > b_) - (a_ < b_);                                                                                         \
    })

/* Big-endian two's complement of equal length: the sign bit turned around, bytes decide. */
static int compare_big(vonk_str a, vonk_str b)
{
    assert(a.data && b.data);
    int x = (unsigned char)a.data[0] ^ 0x80, y = (unsigned char)b.data[0] ^ 0x80;
    if (x != y) return x < y ? -1 : 1;
    int rest = memcmp(a.data + 1, b.data + 1, a.len - 1);
    return (rest > 0) - (rest < 0);
}

int vonk__pq_bounds_compare(const pq_out_leaf *leaf, vonk_str a, vonk_str b)
{
    switch (leaf->physical) {
    case PQ_INT32: return ORDER(int32_t, a.data, b.data);
    case PQ_INT64: return ORDER(int64_t, a.data, b.data);
    case PQ_FLOAT: return ORDER(float, a.data, b.data);
    case PQ_DOUBLE: return ORDER(double, a.data, b.data);
    case PQ_FIXED: return compare_big(a, b);
    default: return vonk_str_compare(a, b);
    }
}

static vonk_status set(vonk_buf *to, vonk_str value, vonk_error *err)
{
    vonk_buf_reset(to);
    return vonk_buf_append(to, value.data, value.len, err);
}

static vonk_status add_range(pq_bounds *b, const pq_out_leaf *leaf, vonk_str min, vonk_str max, vonk_error *err)
{
    if (!b->any || vonk__pq_bounds_compare(leaf, min, vonk_buf_str(&b->min)) < 0) VONK_TRY(set(&b->min, min, err));
    if (!b->any || vonk__pq_bounds_compare(leaf, max, vonk_buf_str(&b->max)) > 0) VONK_TRY(set(&b->max, max, err));
    b->any = true;
    return VONK_OK;
}

#define RANGE(type)                                                                                                    \
    do {                                                                                                               \
        type least = LOAD(type, plain), most = least;                                                                  \
        for (size_t i = 0; i < bytes; i += sizeof(type)) {                                                             \
            type x = LOAD(type, plain + i);                                                                            \
            least = x < least ? x : least;                                                                             \
            most = x > most ? x : most;                                                                                \
        }                                                                                                              \
        return add_range(b, leaf, (vonk_str){(char *)&least, sizeof least}, (vonk_str){(char *)&most, sizeof most},    \
                         err);                                                                                         \
    } while (0)

/* A NaN has no place in the order; zero stands for both zeros. */
#define FLOAT_RANGE(type)                                                                                              \
    do {                                                                                                               \
        type least = LOAD(type, plain), most = least;                                                                  \
        bool nan = false;                                                                                              \
        for (size_t i = 0; i < bytes; i += sizeof(type)) {                                                             \
            type x = LOAD(type, plain + i);                                                                            \
            nan |= isnan(x);                                                                                           \
            least = x < least ? x : least;                                                                             \
            most = x > most ? x : most;                                                                                \
        }                                                                                                              \
        if (nan) {                                                                                                     \
            b->bad = true;                                                                                             \
            return VONK_OK;                                                                                            \
        }                                                                                                              \
        if (least == 0) least = -(type)0;                                                                              \
        if (most == 0) most = (type)0;                                                                                 \
        return add_range(b, leaf, (vonk_str){(char *)&least, sizeof least}, (vonk_str){(char *)&most, sizeof most},    \
                         err);                                                                                         \
    } while (0)

static vonk_status add_bytes(pq_bounds *b, const pq_out_leaf *leaf, const char *plain, size_t bytes, vonk_error *err)
{
    vonk_str min = VONK_STR_NONE, max = VONK_STR_NONE;
    for (const char *at = plain, *end = plain + bytes; at < end;) {
        vonk_str s = {at, leaf->fixed_bytes};
        if (leaf->physical == PQ_BYTE_ARRAY) s = (vonk_str){at + 4, LOAD(uint32_t, at)};
        if (leaf->physical == PQ_BOOLEAN) s.len = 1;
        if (!min.data || vonk__pq_bounds_compare(leaf, s, min) < 0) min = s;
        if (!max.data || vonk__pq_bounds_compare(leaf, s, max) > 0) max = s;
        at = s.data + s.len;
    }
    return add_range(b, leaf, min, max, err);
}

vonk_status vonk__pq_bounds_add(pq_bounds *b, const pq_out_leaf *leaf, const char *plain, size_t bytes, vonk_error *err)
{
    if (bytes == 0 || b->bad) return VONK_OK;
    switch (leaf->physical) {
    case PQ_INT32: RANGE(int32_t);
    case PQ_INT64: RANGE(int64_t);
    case PQ_FLOAT: FLOAT_RANGE(float);
    case PQ_DOUBLE: FLOAT_RANGE(double);
    case PQ_INT96: b->bad = true; return VONK_OK; /* its order is undefined */
    default: return add_bytes(b, leaf, plain, bytes, err);
    }
}

vonk_status vonk__pq_bounds_join(pq_bounds *b, const pq_bounds *with, const pq_out_leaf *leaf, vonk_error *err)
{
    b->bad |= with->bad;
    return with->any && !b->bad ? add_range(b, leaf, vonk_buf_str(&with->min), vonk_buf_str(&with->max), err) : VONK_OK;
}

/* The next greater text of at most `most` bytes: a byte counted up, whole UTF-8 characters before it. */
static bool cut_max(vonk_str *inout, size_t most, bool text, vonk_arena *arena, vonk_error *err)
{
    vonk_str copy;
    if (vonk_arena_str(arena, vonk_str_sub(*inout, 0, most), &copy, err) != VONK_OK) {
        vonk_error_reset(err); /* without memory nothing is said */
        return false;
    }
    char *at = (char *)(uintptr_t)copy.data;
    for (size_t n = most; n > 0; n--) {
        unsigned char c = (unsigned char)at[n - 1];
        if (text ? c >= 0x7f : c == 0xff) continue; /* a character of several bytes is dropped whole */
        at[n - 1] = (char)(c + 1);
        *inout = (vonk_str){at, n};
        return true;
    }
    return false;
}

bool vonk__pq_bounds_cut(const pq_out_leaf *leaf, vonk_str *inout_min, vonk_str *inout_max, size_t most,
                         vonk_arena *arena, vonk_error *err)
{
    bool text = leaf->type->id != VONK_T_BINARY;
    if (leaf->physical != PQ_BYTE_ARRAY) return true;
    if (inout_max->len > most && !cut_max(inout_max, most, text, arena, err)) return false;
    if (inout_min->len > most) {
        size_t n = most;
        while (text && n > 0 && ((unsigned char)inout_min->data[n] & 0xc0) == 0x80) n--;
        *inout_min = vonk_str_sub(*inout_min, 0, n);
    }
    return true;
}
