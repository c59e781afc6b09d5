/* column/column_check.c -- every invariant of a column, on any bytes: block and Arrow readers call it before anybody
 * else sees the column. */
#include "column/column_int.h"

typedef struct checker {
    vonk_error *err;
} checker;

static vonk_status wrong(checker *k, const char *problem)
{
    return VONK_FAIL(k->err, VONK_E_MALFORMED_INPUT, "path", "a column", "problem", problem);
}

/* `bytes` from `at` on lie in the buffer, aligned. */
static bool inside(const vonk_buffer *buffer, const void *at, uint64_t bytes, size_t alignment)
{
    if (!buffer) return false;
    uintptr_t from = (uintptr_t)buffer->data, to = from + buffer->bytes, p = (uintptr_t)at;
    return p >= from && p <= to && bytes <= to - p && p % alignment == 0;
}

static uint32_t physical_rows(const vonk_column *c)
{
    return c->encoding == VONK_CONSTANT ? (c->n_rows ? 1 : 0) : c->n_rows;
}

static vonk_status check_views(checker *k, const vonk_column *c, uint32_t n)
{
    const vonk_view *v = c->data;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].len <= VONK_VIEW_INLINE) {
            char rest = 0;
            for (uint32_t j = v[i].len; j < VONK_VIEW_INLINE; j++) rest |= v[i].inlined[j];
            if (rest) return wrong(k, "bytes behind a short string are not zero");
            continue;
        }
        if (v[i].len > INT32_MAX) return wrong(k, "a string is longer than 2 GiB");
        if (v[i].heap >= c->n_heaps) return wrong(k, "a string names a heap that is not there");
        const vonk_buffer *heap = c->heaps[v[i].heap];
        if ((uint64_t)v[i].offset + v[i].len > heap->bytes) return wrong(k, "a string reaches past its heap");
        if (memcmp(heap->data + v[i].offset, v[i].prefix, 4) != 0)
            return wrong(k, "a string's prefix differs from its bytes");
    }
    return VONK_OK;
}

static vonk_status check_spans(checker *k, const vonk_column *c, uint32_t n)
{
    const vonk_span *s = c->data;
    uint32_t child = c->children[0]->n_rows;
    for (uint32_t i = 0; i < n; i++)
        if (s[i].offset > child || s[i].len > child - s[i].offset)
            return wrong(k, "an array reaches past its elements");
    return VONK_OK;
}

static vonk_status check_codes(checker *k, const vonk_column *c)
{
    const uint32_t *codes = c->data;
    uint32_t n = c->children[0]->n_rows, top = 0;
    if (n == 0) { /* only nulls can be said without words */
        for (uint32_t i = 0; i < c->n_rows; i++)
            if (!vonk_column_is_null(c, i)) return wrong(k, "a code names an entry that the dictionary does not have");
        return VONK_OK;
    }
    for (uint32_t i = 0; i < c->n_rows; i++) top = codes[i] > top ? codes[i] : top;
    return top < n ? VONK_OK : wrong(k, "a code names an entry that the dictionary does not have");
}

static vonk_status check_sequence(checker *k, const vonk_column *c)
{
    static const int64_t least[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN},
                         most[] = {INT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    int64_t last;
    if (c->type->storage < VONK_STORE_I8 || c->type->storage > VONK_STORE_I64)
        return wrong(k, "a sequence of a type that is not integral");
    if (c->validity || c->data || c->n_children || c->n_heaps) return wrong(k, "a sequence with data");
    int at = (int)(c->type->storage - VONK_STORE_I8);
    if (c->n_rows == 0) return VONK_OK;
    if (__builtin_mul_overflow(c->seq_step, (int64_t)c->n_rows - 1, &last) ||
        __builtin_add_overflow(last, c->seq_start, &last))
        return wrong(k, "a sequence overflows");
    if (c->seq_start < least[at] || c->seq_start > most[at] || last < least[at] || last > most[at])
        return wrong(k, "a sequence overflows");
    return VONK_OK;
}

static vonk_status check_column(checker *k, const vonk_column *c);

/* Children of a FLAT or CONSTANT column: count, types, lengths. */
static vonk_status check_children(checker *k, const vonk_column *c)
{
    if (c->n_children != vonk__n_children(c->type)) return wrong(k, "wrong number of children");
    for (uint32_t i = 0; i < c->n_children; i++) {
        const vonk_column *child = c->children[i];
        if (!child || !vonk_type_same(child->type, vonk__child_type(c->type, i)))
            return wrong(k, "a child has another type");
        if (vonk__is_struct(c->type)) {
            if (c->encoding == VONK_CONSTANT ? child->n_rows != 1 : child->n_rows != c->n_rows)
                return wrong(k, "a field has another length");
        } else if (child->n_rows != c->children[0]->n_rows)
            return wrong(k, "a map's keys and values differ in number");
        VONK_TRY(check_column(k, child));
    }
    return VONK_OK;
}

static size_t alignment_of(vonk_storage storage)
{
    switch (storage) {
    case VONK_STORE_VIEW:
    case VONK_STORE_SPAN: return 4;
    case VONK_STORE_INTERVAL: return 8;
    default: return vonk_storage_bytes(storage) ? vonk_storage_bytes(storage) : 1;
    }
}

static vonk_status check_data(checker *k, const vonk_column *c)
{
    vonk_storage storage = c->type->storage;
    uint32_t n = physical_rows(c);
    uint64_t bytes = storage == VONK_STORE_BIT ? vonk_bits_bytes(n) : (uint64_t)n * vonk_storage_bytes(storage);
    if (storage != VONK_STORE_NONE && (n || c->data) && !inside(c->data_buffer, c->data, bytes, alignment_of(storage)))
        return wrong(k, "values reach past their buffer");
    if (c->n_heaps && (storage != VONK_STORE_VIEW || !c->heaps)) return wrong(k, "heaps without strings");
    for (uint32_t i = 0; i < c->n_heaps; i++)
        if (!c->heaps[i]) return wrong(k, "a heap is missing");
    VONK_TRY(check_children(k, c));
    if (storage == VONK_STORE_VIEW) return check_views(k, c, n);
    if (storage == VONK_STORE_SPAN) return check_spans(k, c, n);
    return VONK_OK;
}

static vonk_status check_dictionary(checker *k, const vonk_column *c)
{
    if (c->n_children != 1 || !c->children[0] || c->n_heaps)
        return wrong(k, "a dictionary column without a dictionary");
    const vonk_column *d = c->children[0];
    if (d->encoding != VONK_FLAT || d->validity || d->type->id == VONK_T_NULL)
        return wrong(k, "a dictionary must be flat and without nulls");
    if (!vonk_type_same(d->type, c->type)) return wrong(k, "a dictionary has another type");
    if ((c->n_rows || c->data) && !inside(c->data_buffer, c->data, (uint64_t)c->n_rows * 4, 4))
        return wrong(k, "codes reach past their buffer");
    VONK_TRY(check_column(k, d));
    return check_codes(k, c);
}

static vonk_status check_column(checker *k, const vonk_column *c)
{
    if (!c->type) return wrong(k, "no type");
    if (c->n_children && !c->children) return wrong(k, "children are missing");
    uint32_t bits = physical_rows(c);
    if (c->validity && !inside(c->validity_buffer, c->validity, vonk_bits_bytes(bits), 1))
        return wrong(k, "validity reaches past its buffer");
    switch (c->encoding) {
    case VONK_FLAT:
    case VONK_CONSTANT: return check_data(k, c);
    case VONK_DICTIONARY: return check_dictionary(k, c);
    case VONK_SEQUENCE: return check_sequence(k, c);
    default: return wrong(k, "no such encoding");
    }
}

vonk_status vonk_column_check(const vonk_column *column, vonk_error *err)
{
    checker k = {.err = err};
    return check_column(&k, column);
}
