/* column/block_decode.c -- reads docs/format/block.md. Nothing is believed: each length is compared with what is left
 * before memory is taken. */
#include "base/arena.h"
#include "column/block.h"
#include "column/block_int.h"
#include "column/column_int.h"

typedef struct reader {
    vonk_budget *budget;
    vonk_cursor *in;
} reader;

static vonk_status get_column(const reader *r, const vonk_type *type, uint32_t n, bool word, vonk_column **ret,
                              vonk_error *err);

static vonk_status take_array(const reader *r, uint32_t n, size_t each, const uint8_t **ret, vonk_error *err)
{
    return vonk_cursor_take(r->in, (size_t)n * each, ret, err); /* at most 2^32 * 16: fits */
}

/* A bitmap of n bits into *ret, zeros behind them. */
static vonk_status get_bits(const reader *r, uint32_t n, vonk_buffer **ret, vonk_error *err)
{
    const uint8_t *from;
    VONK_TRY(vonk_cursor_take(r->in, vonk_bits_bytes(n), &from, err));
    VONK_TRY(vonk_buffer_new(r->budget, vonk_bits_bytes(n), ret, err));
    if (n) memcpy((*ret)->data, from, vonk_bits_bytes(n));
    return VONK_OK;
}

static uint32_t load_u32(const uint8_t *at, uint32_t i)
{
    uint32_t v;
    memcpy(&v, at + (size_t)i * 4, 4);
    return v;
}

static vonk_status new_data(const reader *r, vonk_column *c, size_t bytes, void *ret, vonk_error *err)
{
    return vonk__column_add_data(r->budget, c, bytes, (void **)ret, err);
}

/* ---- flat bodies of n values */

static vonk_status get_fixed(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    const uint8_t *from;
    void *data;
    size_t width = vonk_storage_bytes(c->type->storage);
    VONK_TRY(take_array(r, n, width, &from, err));
    VONK_TRY(new_data(r, c, n * width, &data, err));
    if (n) memcpy(data, from, n * width);
    return VONK_OK;
}

static vonk_status get_strings(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    const uint8_t *lengths, *bytes;
    uint64_t sum = 0, live = 0;
    vonk_view *out;
    vonk_buffer *heap = NULL;
    VONK_TRY(take_array(r, n, 4, &lengths, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = load_u32(lengths, i);
        if (len > INT32_MAX) return vonk_cursor_fail(r->in, "a string is longer than 2 GiB", err);
        sum += len;
        live += len > VONK_VIEW_INLINE ? len : 0;
    }
    if (sum > UINT32_MAX) return vonk_cursor_fail(r->in, "more than 4 GiB of strings", err);
    VONK_TRY(vonk_cursor_take(r->in, sum, &bytes, err));
    VONK_TRY(new_data(r, c, n * sizeof(vonk_view), &out, err));
    if (live) {
        VONK_TRY(vonk_buffer_new(r->budget, live, &heap, err));
        VONK_TRY(vonk_column_add_heap(c, heap, err));
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = load_u32(lengths, i);
        if (len <= VONK_VIEW_INLINE)
            out[i] = vonk_view_inline((const char *)bytes, len);
        else {
            assert(heap);
            memcpy(heap->data + used, bytes, len);
            out[i] = (vonk_view){.len = len};
            memcpy(out[i].prefix, bytes, 4);
            out[i].offset = used;
            used += len;
        }
        bytes += len;
    }
    return VONK_OK;
}

static vonk_status get_children(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    uint32_t n_children = vonk__n_children(c->type);
    if (n_children == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(r->budget, n_children, sizeof(vonk_column *), &c->children, err));
    for (; c->n_children < n_children; c->n_children++)
        VONK_TRY(get_column(r, vonk__child_type(c->type, c->n_children), n, false, &c->children[c->n_children], err));
    return VONK_OK;
}

static vonk_status get_spans(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    const uint8_t *counts;
    vonk_span *out;
    uint64_t sum = 0;
    uint32_t said;
    VONK_TRY(take_array(r, n, 4, &counts, err));
    VONK_TRY(vonk_cursor_u32(r->in, &said, err));
    VONK_TRY(new_data(r, c, n * sizeof(vonk_span), &out, err));
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (vonk_span){(uint32_t)sum, load_u32(counts, i)};
        sum += out[i].len;
        if (sum > said) break;
    }
    if (sum != said) return vonk_cursor_fail(r->in, "counts of elements do not add up", err);
    return get_children(r, c, said, err);
}

static vonk_status get_flat(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    switch (c->type->storage) {
    case VONK_STORE_BIT:
        VONK_TRY(get_bits(r, n, &c->data_buffer, err));
        c->data = c->data_buffer->data;
        return VONK_OK;
    case VONK_STORE_VIEW: return get_strings(r, c, n, err);
    case VONK_STORE_SPAN: return get_spans(r, c, n, err);
    case VONK_STORE_NONE: return get_children(r, c, n, err);
    default: return get_fixed(r, c, n, err);
    }
}

/* ---- encodings */

static vonk_status get_dictionary(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    uint32_t words, top = 0, *out;
    uint8_t width;
    const uint8_t *codes;
    VONK_TRY(vonk_cursor_u32(r->in, &words, err));
    VONK_TRY(vonk_cursor_u8(r->in, &width, err));
    if ((width != 1 && width != 2 && width != 4) || words > n)
        return vonk_cursor_fail(r->in, "a dictionary that no writer makes", err);
    VONK_TRY(take_array(r, n, width, &codes, err));
    VONK_TRY(new_data(r, c, n * sizeof(uint32_t), &out, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t code = 0;
        memcpy(&code, codes + (size_t)i * width, width);
        out[i] = code;
        top = code > top ? code : top;
    }
    bool all_null = words == 0 && n > 0 && vonk_column_null_count(c, VONK_ALL_ROWS(n)) == n;
    if (n > 0 && top >= words && !(all_null && top == 0))
        return vonk_cursor_fail(r->in, "a code past the end of its dictionary", err);
    VONK_TRY(vonk_alloc_array(r->budget, 1, sizeof(vonk_column *), &c->children, err));
    VONK_TRY(get_column(r, c->type, words, true, &c->children[0], err));
    c->n_children = 1;
    return VONK_OK;
}

static vonk_status get_sequence(const reader *r, vonk_column *c, uint32_t n, vonk_error *err)
{
    static const int64_t least[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN};
    uint64_t start, step;
    int64_t last;
    vonk_storage s = c->type->storage;
    VONK_TRY(vonk_cursor_u64(r->in, &start, err));
    VONK_TRY(vonk_cursor_u64(r->in, &step, err));
    if (s < VONK_STORE_I8 || s > VONK_STORE_I64 || c->validity)
        return vonk_cursor_fail(r->in, "a sequence of the wrong kind", err);
    int64_t low = least[s - VONK_STORE_I8], high = -(low + 1);
    if (__builtin_mul_overflow((int64_t)step, n ? (int64_t)n - 1 : 0, &last) ||
        __builtin_add_overflow(last, (int64_t)start, &last) || (int64_t)start < low || (int64_t)start > high ||
        last < low || last > high)
        return vonk_cursor_fail(r->in, "a sequence leaves its range", err);
    c->seq_start = (int64_t)start;
    c->seq_step = (int64_t)step;
    return VONK_OK;
}

/* `word`: the words of a dictionary, which must be flat and without nulls. */
static vonk_status get_column(const reader *r, const vonk_type *type, uint32_t n, bool word, vonk_column **ret,
                              vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    uint8_t storage, how;
    VONK_TRY(vonk_cursor_u8(r->in, &storage, err));
    VONK_TRY(vonk_cursor_u8(r->in, &how, err));
    unsigned encoding = how & VONK__BLOCK_ENCODING;
    if (storage != type->storage || encoding > VONK_SEQUENCE || (how & ~(VONK__BLOCK_ENCODING | VONK__BLOCK_VALIDITY)))
        return vonk_cursor_fail(r->in, "a column of another type", err);
    if (word && how != VONK_FLAT) return vonk_cursor_fail(r->in, "a dictionary must be flat and without nulls", err);
    if (type->id == VONK_T_NULL && encoding > VONK_CONSTANT) return vonk_cursor_fail(r->in, "void in an encoding", err);
    VONK_TRY(vonk__column_alloc(r->budget, type, (vonk_encoding)encoding, n, &c, err));
    if (how & VONK__BLOCK_VALIDITY) {
        VONK_TRY(get_bits(r, encoding == VONK_CONSTANT ? 1 : n, &c->validity_buffer, err));
        c->validity = c->validity_buffer->data;
    }
    switch (encoding) {
    case VONK_FLAT: VONK_TRY(get_flat(r, c, n, err)); break;
    case VONK_CONSTANT: VONK_TRY(get_flat(r, c, 1, err)); break;
    case VONK_DICTIONARY: VONK_TRY(get_dictionary(r, c, n, err)); break;
    default: VONK_TRY(get_sequence(r, c, n, err));
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- block */

static void drop_column(void *column) { vonk_column_unref(column); }

vonk_status vonk_block_decode(vonk_budget *budget, vonk_cursor *in, const vonk_type *const *types, uint32_t n_types,
                              vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    const uint8_t *magic;
    vonk_column **columns;
    uint32_t n_columns, n_rows, partition;
    uint64_t sequence;
    reader r = {.budget = budget, .in = in};
    VONK_TRY(vonk_cursor_take(in, 4, &magic, err));
    VONK_TRY(vonk_cursor_u32(in, &n_columns, err));
    VONK_TRY(vonk_cursor_u32(in, &n_rows, err));
    VONK_TRY(vonk_cursor_u32(in, &partition, err));
    VONK_TRY(vonk_cursor_u64(in, &sequence, err));
    if (memcmp(magic, VONK__BLOCK_MAGIC, 4) != 0) return vonk_cursor_fail(in, "not a block", err);
    if (n_columns != n_types || n_rows > VONK_BLOCK_ROWS_MAX)
        return vonk_cursor_fail(in, "a block of another shape", err);
    VONK_TRY(vonk_arena_new(budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, n_types, sizeof(*columns), &columns, err));
    for (uint32_t i = 0; i < n_types; i++) {
        VONK_TRY(get_column(&r, types[i], n_rows, false, &columns[i], err));
        VONK_TRY(vonk_arena_on_free(scratch, drop_column, columns[i], err));
        assert(vonk_column_check(columns[i], &(vonk_error)VONK_ERROR_INIT) == VONK_OK);
    }
    VONK_TRY(vonk_batch_new(budget, n_rows, columns, n_types, ret, err));
    (*ret)->partition = (int32_t)partition;
    (*ret)->sequence = sequence;
    return VONK_OK;
}
