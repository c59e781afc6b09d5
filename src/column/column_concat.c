/* column/column_concat.c -- many columns of one type as one. Encodings survive where all parts agree: one dictionary,
 * one constant, sequences that go on. */
#include "base/arena.h"
#include "column/column_int.h"

typedef struct parts {
    const vonk_column *const *at;
    size_t n;
    uint32_t n_rows;
    bool nulls;
} parts;

/* ---- cases in which nothing is copied, or only codes */

static bool all_one_sequence(const parts *p)
{
    uint64_t next = (uint64_t)p->at[0]->seq_start;
    for (size_t i = 0; i < p->n; i++) {
        const vonk_column *c = p->at[i];
        if (c->encoding != VONK_SEQUENCE || c->seq_step != p->at[0]->seq_step || (uint64_t)c->seq_start != next)
            return false;
        next += c->n_rows * (uint64_t)c->seq_step;
    }
    return true;
}

static bool all_one_constant(const parts *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const vonk_column *c = p->at[i], *first = p->at[0];
        if (c->encoding != VONK_CONSTANT) return false;
        bool null = vonk_column_is_null(c, 0);
        if (null != vonk_column_is_null(first, 0)) return false;
        if (null ||
            c->data_buffer == first->data_buffer) { /* a struct has no buffer to compare: only nulls are the same */
            if (null || (c->data_buffer && c->data == first->data)) continue;
            return false;
        }
        size_t width = vonk_storage_bytes(c->type->storage);
        bool inlined = c->type->storage != VONK_STORE_VIEW || VONK_VALUES(c, vonk_view)->len <= VONK_VIEW_INLINE;
        if (width == 0 || c->type->storage == VONK_STORE_SPAN || !inlined || memcmp(c->data, first->data, width) != 0)
            return false;
    }
    return true;
}

static bool all_one_dictionary(const parts *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i]->encoding != VONK_DICTIONARY || p->at[i]->children[0] != p->at[0]->children[0]) return false;
    return true;
}

static void put_validity(const parts *p, uint8_t *out)
{
    uint32_t at = 0;
    for (size_t i = 0; i < p->n; i++) {
        const vonk_column *c = p->at[i];
        if (c->encoding != VONK_CONSTANT && c->validity)
            vonk_bits_copy(out, at, c->validity, 0, c->n_rows);
        else {
            bool on = c->n_rows && !vonk_column_is_null(c, 0); /* all rows alike */
            for (uint32_t k = 0; k < c->n_rows && (at + k) % 8; k++) vonk_bit_put(out, at + k, on);
            uint32_t start = (at + 7) / 8 * 8;
            if (start < at + c->n_rows) vonk_bits_fill(out + start / 8, at + c->n_rows - start, on);
        }
        at += c->n_rows;
    }
}

static vonk_status concat_codes(vonk_budget *budget, const parts *p, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    uint32_t at = 0;
    VONK_TRY(vonk_buffer_new(budget, p->n_rows * sizeof(uint32_t), &codes, err));
    for (size_t i = 0; i < p->n; at += p->at[i]->n_rows, i++)
        if (p->at[i]->n_rows) memcpy((uint32_t *)codes->data + at, p->at[i]->data, p->at[i]->n_rows * sizeof(uint32_t));
    if (p->nulls) {
        VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(p->n_rows), &validity, err));
        put_validity(p, validity->data);
    }
    return vonk_column_new_dictionary(budget, vonk_column_ref(p->at[0]->children[0]), VONK_STEAL(codes),
                                      VONK_STEAL(validity), p->n_rows, ret, err);
}

/* ---- the general case: flat parts, put one behind the other */

/* A view is four words: length, prefix, heap, offset. They are moved one by one, because a whole view that is changed
 * on the way makes each load wait for the store before it. */
static void put_views(const vonk_view *in, uint32_t n, uint32_t first_heap, vonk_view *out)
{
    const uint32_t *from = (const uint32_t *)in;
    uint32_t *to = (uint32_t *)out;
    if (first_heap == 0) {
        if (n) memcpy(out, in, n * sizeof(*out));
        return;
    }
    for (size_t k = 0; k < 4 * (size_t)n; k += 4) {
        to[k] = from[k];
        to[k + 1] = from[k + 1];
        to[k + 2] = from[k + 2] + (from[k] > VONK_VIEW_INLINE ? first_heap : 0);
        to[k + 3] = from[k + 3];
    }
}

/* Slices of one column have the same heaps: they need to be there once. */
static bool same_heaps(const vonk_column *a, const vonk_column *b)
{
    return a->n_heaps == b->n_heaps &&
           (a->n_heaps == 0 || memcmp(a->heaps, b->heaps, a->n_heaps * sizeof(vonk_buffer *)) == 0);
}

static vonk_status concat_views(const parts *p, vonk_column *to, vonk_view *out, vonk_error *err)
{
    uint32_t first = 0;
    for (size_t i = 0; i < p->n; i++) {
        const vonk_column *c = p->at[i];
        if (i == 0 || !same_heaps(c, p->at[i - 1])) VONK_TRY(vonk_column_share_heaps(to, c, &first, err));
        put_views(c->data, c->n_rows, first, out);
        out += c->n_rows;
    }
    return VONK_OK;
}

static vonk_status concat_children(vonk_budget *budget, const parts *p, vonk_arena *scratch, vonk_column *to,
                                   vonk_error *err)
{
    uint32_t n_children = p->at[0]->n_children;
    if (n_children == 0) return VONK_OK;
    const vonk_column **columns;
    VONK_TRY(vonk_arena_array(scratch, p->n, sizeof(*columns), &columns, err));
    VONK_TRY(vonk_alloc_array(budget, n_children, sizeof(vonk_column *), &to->children, err));
    for (; to->n_children < n_children; to->n_children++) {
        for (size_t i = 0; i < p->n; i++) columns[i] = p->at[i]->children[to->n_children];
        VONK_TRY(vonk_column_concat(budget, columns, p->n, &to->children[to->n_children], err));
    }
    return VONK_OK;
}

static void put_spans(const parts *p, vonk_span *out)
{
    uint32_t base = 0; /* the children were concatenated: their sum fits */
    for (size_t i = 0; i < p->n; i++) {
        const vonk_span *in = p->at[i]->data;
        for (uint32_t k = 0; k < p->at[i]->n_rows; k++) *out++ = (vonk_span){in[k].offset + base, in[k].len};
        base += p->at[i]->children[0]->n_rows;
    }
}

static vonk_status concat_flat(vonk_budget *budget, const parts *p, vonk_arena *scratch, vonk_column **ret,
                               vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    void *data;
    uint8_t *validity;
    vonk_storage storage = p->at[0]->type->storage;
    size_t width = vonk_storage_bytes(storage);
    uint32_t at = 0;
    VONK_TRY(vonk_column_new(budget, p->at[0]->type, p->n_rows, p->nulls, &c, &data, &validity, err));
    if (p->nulls) put_validity(p, validity);
    VONK_TRY(concat_children(budget, p, scratch, c, err));
    if (storage == VONK_STORE_VIEW)
        VONK_TRY(concat_views(p, c, data, err));
    else if (storage == VONK_STORE_SPAN)
        put_spans(p, data);
    else
        for (size_t i = 0; i < p->n; at += p->at[i]->n_rows, i++) {
            uint32_t n = p->at[i]->n_rows;
            if (storage == VONK_STORE_BIT)
                vonk_bits_copy(data, at, p->at[i]->data, 0, n);
            else if (width && n)
                memcpy((uint8_t *)data + at * width, p->at[i]->data, n * width);
        }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static void drop_column(void *column) { vonk_column_unref(column); }

static vonk_status concat_any(vonk_budget *budget, const parts *p, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    const vonk_column **flat;
    VONK_TRY(vonk_arena_new(budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, p->n, sizeof(*flat), &flat, err));
    for (size_t i = 0; i < p->n; i++) {
        flat[i] = p->at[i];
        if (flat[i]->encoding == VONK_FLAT) continue;
        vonk_column *made;
        VONK_TRY(vonk_column_flatten(budget, p->at[i], &made, err));
        VONK_TRY(vonk_arena_on_free(scratch, drop_column, made, err));
        flat[i] = made;
    }
    parts q = {.at = flat, .n = p->n, .n_rows = p->n_rows, .nulls = p->nulls};
    return concat_flat(budget, &q, scratch, ret, err);
}

vonk_status vonk_column_concat(vonk_budget *budget, const vonk_column *const *columns, size_t n, vonk_column **ret,
                               vonk_error *err)
{
    assert(n > 0);
    parts p = {.at = columns, .n = n};
    uint64_t rows = 0;
    if (n == 1) {
        *ret = vonk_column_ref(columns[0]);
        return VONK_OK;
    }
    for (size_t i = 0; i < n; i++) {
        rows += columns[i]->n_rows;
        p.nulls |= columns[i]->validity != NULL;
    }
    if (rows > UINT32_MAX) return vonk__too_many_rows(err);
    p.n_rows = (uint32_t)rows;
    if (all_one_constant(&p) || all_one_sequence(&p)) {
        VONK_TRY(vonk_column_copy_head(budget, columns[0], ret, err));
        (*ret)->n_rows = p.n_rows;
        return VONK_OK;
    }
    if (all_one_dictionary(&p)) return concat_codes(budget, &p, ret, err);
    return concat_any(budget, &p, ret, err);
}
