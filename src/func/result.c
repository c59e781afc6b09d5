/* func/result.c -- columns being made by function bodies. */
#include "func/result.h"

#include "column/kernel/kernel.h"

enum { FIRST_HEAP_BYTES = 4096, MOST_HEAP_BYTES = 1 << 20 };

vonk_status vonk_result_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_result *r,
                            vonk_error *err)
{
    *r = (vonk_result){.budget = ev->budget};
    VONK_TRY(vonk_column_new(ev->budget, type, n_rows, false, &r->column, &r->data, NULL, err));
    if (type->storage == VONK_STORE_BIT)
        memset(r->data, 0, vonk_bits_bytes(n_rows));
    else if (rows.idx || rows.n < n_rows)
        memset(r->data, 0, n_rows * vonk_storage_bytes(type->storage));
    return VONK_OK;
}

void vonk_result_done(vonk_result *r)
{
    vonk_column_unref(r->column);
    r->column = NULL;
}

vonk_status vonk__result_first_null(vonk_result *r, vonk_error *err)
{
    vonk_column *c = r->column;
    VONK_TRY(vonk_buffer_new(r->budget, vonk_bits_bytes(c->n_rows), &c->validity_buffer, err));
    r->validity = c->validity_buffer->data;
    c->validity = r->validity;
    vonk_bits_fill(r->validity, c->n_rows, true);
    return VONK_OK;
}

vonk_status vonk_result_null_where(vonk_result *r, const uint8_t *bad, uint32_t n_rows, vonk_error *err)
{
    for (uint32_t i = 0; i < n_rows; i++)
        if (bad[i]) VONK_TRY(vonk_result_null(r, i, err));
    return VONK_OK;
}

/* ---- strings */

vonk_status vonk_strings_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_strings *s,
                             vonk_error *err)
{
    *s = (vonk_strings){0};
    VONK_TRY(vonk_result_new(ev, type, n_rows, rows, &s->result, err));
    memset(s->result.data, 0, n_rows * sizeof(vonk_view)); /* rows may be left out: nulls */
    return VONK_OK;
}

void vonk_strings_done(vonk_strings *s)
{
    vonk_result_done(&s->result);
    vonk_buffer_unref(s->heap);
    s->heap = NULL;
}

static vonk_status close_heap(vonk_strings *s, vonk_error *err)
{
    if (!s->heap) return VONK_OK;
    s->used = 0;
    return vonk_column_add_heap(s->result.column, VONK_STEAL(s->heap), err);
}

vonk_status vonk_strings_reserve(vonk_strings *s, size_t bytes, char **ret, vonk_error *err)
{
    if (bytes > UINT32_MAX - VONK_VIEW_INLINE)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "strings of 4 GiB and more");
    if (!s->heap || s->heap->bytes - s->used < bytes) {
        size_t next = s->heap ? s->heap->bytes * 2 : FIRST_HEAP_BYTES;
        if (next > MOST_HEAP_BYTES) next = MOST_HEAP_BYTES;
        VONK_TRY(close_heap(s, err));
        VONK_TRY(vonk_buffer_new(s->result.budget, vonk_max_size(next, bytes), &s->heap, err));
    }
    *ret = (char *)s->heap->data + s->used;
    return VONK_OK;
}

void vonk_strings_commit(vonk_strings *s, uint32_t row, const char *at, size_t bytes)
{
    vonk_view *v = (vonk_view *)s->result.data + row;
    if (bytes <= VONK_VIEW_INLINE) {
        *v = vonk_view_inline(at, (uint32_t)bytes);
        return;
    }
    v->len = (uint32_t)bytes;
    memcpy(v->prefix, at, sizeof(v->prefix));
    v->heap = s->result.column->n_heaps; /* the number that the open heap will get */
    v->offset = (uint32_t)(at - (char *)s->heap->data);
    s->used = v->offset + bytes;
}

vonk_status vonk_strings_put(vonk_strings *s, uint32_t row, vonk_str text, vonk_error *err)
{
    if (text.len <= VONK_VIEW_INLINE) {
        ((vonk_view *)s->result.data)[row] = vonk_view_inline(text.data, (uint32_t)text.len);
        return VONK_OK;
    }
    char *at;
    VONK_TRY(vonk_strings_reserve(s, text.len, &at, err));
    memcpy(at, text.data, text.len);
    vonk_strings_commit(s, row, at, text.len);
    return VONK_OK;
}

vonk_status vonk_strings_take(vonk_strings *s, vonk_column **ret, vonk_error *err)
{
    VONK_TRY(close_heap(s, err));
    *ret = vonk_result_take(&s->result);
    return VONK_OK;
}

/* ---- bad lanes */

uint32_t vonk_first_bad(const vonk_eval *ev, const uint8_t *bad, uint32_t n_rows, vonk_rows rows)
{
    if (rows.idx) {
        for (uint32_t k = 0; k < rows.n; k++) {
            uint32_t i = rows.idx[k];
            if (bad[i] && (!ev->validity || vonk_bit_get(ev->validity, i))) return i;
        }
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        if (VONK_LIKELY(!bad[i])) continue;
        if (!ev->validity || vonk_bit_get(ev->validity, i)) return i;
    }
    return UINT32_MAX;
}

uint32_t vonk_first_bad_bit(const vonk_eval *ev, const uint8_t *bits, uint32_t n_rows, vonk_rows rows)
{
    if (rows.idx) {
        for (uint32_t k = 0; k < rows.n; k++) {
            uint32_t i = rows.idx[k];
            if (vonk_bit_get(bits, i) && (!ev->validity || vonk_bit_get(ev->validity, i))) return i;
        }
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < rows.n; i++) {
        if (i % 8 == 0 && bits[i / 8] == 0) {
            i += 7;
            continue;
        }
        if (vonk_bit_get(bits, i) && (!ev->validity || vonk_bit_get(ev->validity, i))) return i;
    }
    return UINT32_MAX;
}

vonk_status vonk_result_null_bits(vonk_result *r, const uint8_t *bits, uint32_t n_rows, vonk_error *err)
{
    if (!r->validity) VONK_TRY(vonk__result_first_null(r, err));
    vonk_kernels->bits_and_not(n_rows, r->validity, bits, r->validity);
    return VONK_OK;
}

vonk_status vonk_bad_mask(vonk_eval *ev, uint32_t n_rows, uint8_t **ret, vonk_error *err)
{
    return vonk_arena_alloc(ev->scratch, n_rows + 64, ret, err);
}
