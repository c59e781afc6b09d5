/* column/column_change.c -- same values, other type, other validity, less memory; sizes. */
#include "column/column_int.h"

/* ---- type */

vonk_status vonk_column_retype(vonk_budget *budget, const vonk_column *column, const vonk_type *type, vonk_column **ret,
                               vonk_error *err)
{
    if (column->type == type) {
        *ret = vonk_column_ref(column);
        return VONK_OK;
    }
    assert(column->type->storage == type->storage && vonk__n_children(column->type) == vonk__n_children(type));
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk_column_copy_head(budget, column, &c, err));
    vonk_type_unref(c->type);
    c->type = vonk_type_ref(type);
    for (uint32_t i = 0; i < c->n_children; i++) {
        vonk_column *child;
        VONK_TRY(vonk_column_retype(budget, c->children[i],
                                    c->encoding == VONK_DICTIONARY ? type : vonk__child_type(type, i), &child, err));
        vonk_column_unref(c->children[i]);
        c->children[i] = child;
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- validity */

/* A constant that is null in some rows: a dictionary of one entry. */
static vonk_status constant_as_dictionary(vonk_budget *budget, vonk_column *c, vonk_buffer *take_validity,
                                          vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = take_validity;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    uint32_t n = c->n_rows;
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &codes, err));
    if (n) memset(codes->data, 0, n * sizeof(uint32_t));
    c->encoding = VONK_FLAT;
    c->n_rows = 1;
    return vonk_column_new_dictionary(budget, vonk_column_ref(c), VONK_STEAL(codes), VONK_STEAL(validity), n, ret, err);
}

vonk_status vonk_column_with_validity(vonk_budget *budget, const vonk_column *column, vonk_buffer *take_validity,
                                      vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = take_validity;
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    assert(!validity || validity->bytes >= vonk_bits_bytes(column->n_rows));
    if (column->type->id == VONK_T_NULL) { /* nothing else to be */
        *ret = vonk_column_ref(column);
        return VONK_OK;
    }
    if (column->encoding == VONK_SEQUENCE && validity) {
        VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
        VONK_TRY(vonk_column_flatten(budget, column, &flat, err));
        VONK_TRY(vonk_column_copy_head(budget, flat, &c, err));
    } else
        VONK_TRY(vonk_column_copy_head(budget, column, &c, err));
    vonk_buffer_unref(c->validity_buffer);
    c->validity_buffer = NULL;
    c->validity = NULL;
    if (c->encoding == VONK_CONSTANT && validity)
        return constant_as_dictionary(budget, c, VONK_STEAL(validity), ret, err);
    c->validity_buffer = VONK_STEAL(validity);
    if (c->validity_buffer) c->validity = c->validity_buffer->data;
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- sizes */

size_t vonk_column_bytes(const vonk_column *column)
{
    size_t sum = sizeof(*column);
    if (column->data_buffer) sum += column->data_buffer->bytes;
    if (column->validity_buffer && column->validity_buffer != column->data_buffer)
        sum += column->validity_buffer->bytes;
    for (uint32_t i = 0; i < column->n_heaps; i++) sum += column->heaps[i]->bytes;
    for (uint32_t i = 0; i < column->n_children; i++) sum += vonk_column_bytes(column->children[i]);
    return sum;
}

uint32_t vonk_column_null_count(const vonk_column *column, vonk_rows rows)
{
    if (column->type->id == VONK_T_NULL) return rows.n;
    if (!column->validity) return 0;
    if (column->encoding == VONK_CONSTANT) return vonk_bit_get(column->validity, 0) ? 0 : rows.n;
    if (!rows.idx) return rows.n - (uint32_t)vonk_bits_count(column->validity, rows.n);
    uint32_t nulls = 0;
    for (uint32_t k = 0; k < rows.n; k++) nulls += !vonk_bit_get(column->validity, rows.idx[k]);
    return nulls;
}

/* ---- compaction */

/* Rows whose data counts: one for a constant. */
static uint32_t physical_rows(const vonk_column *c)
{
    return c->encoding == VONK_CONSTANT && c->n_rows ? 1 : c->n_rows;
}

static uint64_t live_string_bytes(const vonk_column *c)
{
    uint64_t live = 0;
    const vonk_view *v = c->data;
    for (uint32_t i = 0, n = physical_rows(c); i < n; i++)
        live += v[i].len > VONK_VIEW_INLINE && !vonk_column_is_null(c, i) ? v[i].len : 0;
    return live;
}
static uint64_t live_child_rows(const vonk_column *c)
{
    uint64_t live = 0;
    const vonk_span *s = c->data;
    for (uint32_t i = 0, n = physical_rows(c); i < n; i++) live += vonk_column_is_null(c, i) ? 0 : s[i].len;
    return live;
}

bool vonk_column_is_sparse(const vonk_column *column)
{
    if (column->encoding == VONK_SEQUENCE) return false;
    if (column->encoding == VONK_DICTIONARY)
        return column->children[0]->n_rows / 2 > column->n_rows || vonk_column_is_sparse(column->children[0]);
    if (column->type->storage == VONK_STORE_VIEW && column->n_heaps) {
        uint64_t whole = 0;
        for (uint32_t i = 0; i < column->n_heaps; i++) whole += column->heaps[i]->bytes;
        return live_string_bytes(column) < whole / 2;
    }
    if (column->type->storage == VONK_STORE_SPAN && live_child_rows(column) < column->children[0]->n_rows / 2)
        return true;
    for (uint32_t i = 0; i < column->n_children; i++)
        if (vonk_column_is_sparse(column->children[i])) return true;
    return false;
}

/* Copies the long strings of the views from row *inout_i on until the heap holds heap_bytes; returns the bytes used. */
static uint64_t copy_strings(vonk_view *v, const vonk_column *from, uint32_t n, uint32_t *inout_i, uint32_t heap,
                             uint8_t *out, uint64_t heap_bytes)
{
    uint64_t used = 0;
    uint32_t i = *inout_i;
    for (; i < n; i++) {
        if (v[i].len <= VONK_VIEW_INLINE) continue;
        if (vonk_column_is_null(from, i)) {
            v[i] = (vonk_view){0};
            continue;
        }
        if (used + v[i].len > heap_bytes) break;
        memcpy(out + used, from->heaps[v[i].heap]->data + v[i].offset, v[i].len);
        v[i].heap = heap;
        v[i].offset = (uint32_t)used;
        used += v[i].len;
    }
    *inout_i = i;
    return used;
}

#define MAX_HEAP_BYTES ((uint64_t)UINT32_MAX)

static vonk_status compact_strings(vonk_budget *budget, const vonk_column *from, vonk_column *to, vonk_error *err)
{
    uint32_t n = physical_rows(from), i = 0;
    uint64_t live = live_string_bytes(from);
    void *data;
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(vonk_view), &to->data_buffer, err));
    data = to->data_buffer->data;
    to->data = data;
    if (n) memcpy(data, from->data, n * sizeof(vonk_view));
    while (i < n) {
        vonk_buffer *heap;
        /* One heap unless there are more than 4 GiB; then each is cut where the next string would pass the limit. */
        uint64_t bytes = live < MAX_HEAP_BYTES ? live : MAX_HEAP_BYTES;
        VONK_TRY(vonk_buffer_new(budget, bytes, &heap, err));
        live -= copy_strings(data, from, n, &i, to->n_heaps, heap->data, bytes);
        VONK_TRY(vonk_column_add_heap(to, heap, err));
    }
    return VONK_OK;
}

/* Moves live spans together: children are gathered in the order of the rows. */
static vonk_status compact_spans(vonk_budget *budget, const vonk_column *from, vonk_column *to, vonk_error *err)
{
    uint32_t n = physical_rows(from), at = 0;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *idx = NULL;
    uint64_t live = live_child_rows(from);
    if (live > UINT32_MAX) return vonk__too_many_rows(err); /* spans may overlap */
    VONK_TRY(vonk_buffer_new(budget, live * sizeof(uint32_t), &idx, err));
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(vonk_span), &to->data_buffer, err));
    vonk_span *out = (vonk_span *)to->data_buffer->data;
    uint32_t *rows = (uint32_t *)idx->data;
    const vonk_span *in = from->data;
    to->data = out;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = vonk_column_is_null(from, i) ? 0 : in[i].len;
        for (uint32_t j = 0; j < len; j++) rows[at + j] = in[i].offset + j;
        out[i] = (vonk_span){at, len};
        at += len;
    }
    VONK_TRY(vonk_alloc_array(budget, from->n_children, sizeof(vonk_column *), &to->children, err));
    for (; to->n_children < from->n_children; to->n_children++) {
        VONK_AUTO(vonk_column_unref) vonk_column *some = NULL;
        VONK_TRY(vonk_column_gather(budget, from->children[to->n_children], rows, at, false, &some, err));
        VONK_TRY(vonk_column_compact(budget, some, &to->children[to->n_children], err));
    }
    return VONK_OK;
}

static vonk_status compact_children(vonk_budget *budget, const vonk_column *from, vonk_column *to, vonk_error *err)
{
    if (from->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, from->n_children, sizeof(vonk_column *), &to->children, err));
    for (; to->n_children < from->n_children; to->n_children++)
        VONK_TRY(vonk_column_compact(budget, from->children[to->n_children], &to->children[to->n_children], err));
    return VONK_OK;
}

vonk_status vonk_column_compact(vonk_budget *budget, const vonk_column *column, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    if (!vonk_column_is_sparse(column)) {
        *ret = vonk_column_ref(column);
        return VONK_OK;
    }
    if (column->encoding == VONK_DICTIONARY && column->children[0]->n_rows / 2 > column->n_rows) {
        VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
        VONK_TRY(vonk_column_flatten(budget, column, &flat, err));
        return vonk_column_compact(budget, flat, ret, err);
    }
    VONK_TRY(vonk__column_alloc(budget, column->type, column->encoding, column->n_rows, &c, err));
    c->validity = column->validity;
    if (column->validity_buffer) c->validity_buffer = vonk_buffer_ref(column->validity_buffer);
    if (column->encoding != VONK_DICTIONARY && column->type->storage == VONK_STORE_VIEW)
        VONK_TRY(compact_strings(budget, column, c, err));
    else if (column->encoding != VONK_DICTIONARY && column->type->storage == VONK_STORE_SPAN)
        VONK_TRY(compact_spans(budget, column, c, err));
    else { /* struct, or the codes of a dictionary */
        c->data = column->data;
        if (column->data_buffer) c->data_buffer = vonk_buffer_ref(column->data_buffer);
        VONK_TRY(compact_children(budget, column, c, err));
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}
