/* column/row_gather.c -- columns made from stored rows. */
#include "column/rows_int.h"

/* Validity of column c over the rows; NULL rows are null. Returns the number of nulls. */
static uint32_t gather_validity(uint8_t *const *rows, uint32_t n, uint32_t c, uint8_t *out)
{
    uint32_t nulls = 0;
    for (uint32_t k = 0; k < n; k += 8) {
        uint32_t some = n - k < 8 ? n - k : 8, byte = 0;
        for (uint32_t j = 0; j < some; j++) byte |= (uint32_t)(rows[k + j] && !vonk_row_is_null(rows[k + j], c)) << j;
        nulls += some - (uint32_t)__builtin_popcount(byte);
        out[k / 8] = (uint8_t)byte;
    }
    return nulls;
}

/* The value under a null is what lies in the row (zeros, or what the source had); a NULL row gives zeros. */
#define GATHER(T)                                                                                                      \
    for (uint32_t k = 0; k < n; k++) ((T *)out)[k] = rows[k] ? *(const T *)(const void *)(rows[k] + at) : (T){0}
#define GATHER_ALL(T)                                                                                                  \
    for (uint32_t k = 0; k < n; k++) ((T *)out)[k] = *(const T *)(const void *)(rows[k] + at)

static void gather_fixed(uint32_t width, uint8_t *const *rows, uint32_t n, uint32_t at, bool nulls, void *out)
{
    if (nulls) switch (width) {
        case 1: GATHER(uint8_t); return;
        case 2: GATHER(uint16_t); return;
        case 4: GATHER(uint32_t); return;
        case 8: GATHER(uint64_t); return;
        default: GATHER(vonk__pair64); return;
        }
    switch (width) {
    case 1: GATHER_ALL(uint8_t); break;
    case 2: GATHER_ALL(uint16_t); break;
    case 4: GATHER_ALL(uint32_t); break;
    case 8: GATHER_ALL(uint64_t); break;
    default: GATHER_ALL(vonk__pair64);
    }
}

static void gather_bits(uint8_t *const *rows, uint32_t n, uint32_t at, uint8_t *out)
{
    for (uint32_t k = 0; k < n; k += 8) {
        uint32_t some = n - k < 8 ? n - k : 8, byte = 0;
        for (uint32_t j = 0; j < some; j++) byte |= (uint32_t)(rows[k + j] && rows[k + j][at]) << j;
        out[k / 8] = (uint8_t)byte;
    }
}

/* ---- strings: sizes first, then one heap (more only past 4 GiB) */

static const vonk__row_str *string_at(const uint8_t *row, uint32_t c, uint32_t at)
{
    return row && !vonk_row_is_null(row, c) ? (const vonk__row_str *)(const void *)(row + at) : NULL;
}

static vonk_status gather_strings(vonk_column *column, uint8_t *const *rows, uint32_t n, uint32_t c, uint32_t at,
                                  vonk_view *out, vonk_error *err)
{
    uint32_t k = 0;
    while (k < n) {
        uint64_t bytes = 0;
        uint32_t end = k;
        for (; end < n; end++) {
            const vonk__row_str *s = string_at(rows[end], c, at);
            uint32_t len = s && s->len > VONK_VIEW_INLINE ? s->len : 0;
            if (bytes + len > UINT32_MAX) break;
            bytes += len;
        }
        vonk_buffer *heap = NULL;
        uint8_t *to = NULL;
        uint32_t number = column->n_heaps, used = 0;
        if (bytes) {
            VONK_TRY(vonk_buffer_new(column->budget, bytes, &heap, err));
            VONK_TRY(vonk_column_add_heap(column, heap, err));
            to = heap->data;
        }
        for (; k < end; k++) {
            const vonk__row_str *s = string_at(rows[k], c, at);
            if (!s)
                out[k] = (vonk_view){0};
            else if (s->len <= VONK_VIEW_INLINE)
                memcpy(&out[k], s, sizeof(*s));
            else {
                assert(to);
                memcpy(to + used, s->ptr, s->len);
                out[k] = (vonk_view){.len = s->len};
                memcpy(out[k].prefix, s->prefix, 4);
                out[k].heap = number;
                out[k].offset = used;
                used += s->len;
            }
        }
    }
    return VONK_OK;
}

static vonk_status gather_nested(vonk_budget *budget, const vonk_type *type, uint8_t *const *rows, uint32_t n,
                                 uint32_t c, uint32_t at, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, budget, type, n, err));
    for (uint32_t k = 0; k < n; k++) {
        const vonk__row_str *s = string_at(rows[k], c, at);
        if (!s) {
            VONK_TRY(vonk_builder_null(&b, err));
            continue;
        }
        const uint8_t *bytes = (const uint8_t *)s->ptr;
        VONK_TRY(vonk__nested_read(&bytes, &b, err));
        assert(bytes == (const uint8_t *)s->ptr + s->len);
    }
    return vonk_builder_finish(&b, ret, err);
}

vonk_status vonk_rows_gather(vonk_budget *budget, const vonk_row_layout *layout, uint32_t c, uint8_t *const *rows,
                             uint32_t n, vonk_column **ret, vonk_error *err)
{
    const vonk_type *type = layout->types[c];
    uint32_t at = layout->offsets[c];
    if (vonk__is_nested(type)) return gather_nested(budget, type, rows, n, c, at, ret, err);
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    void *data;
    uint8_t *validity;
    VONK_TRY(vonk_column_new(budget, type, n, false, &column, &data, NULL, err));
    VONK_TRY(vonk__column_add_validity(budget, column, n, &validity, err));
    bool nulls = gather_validity(rows, n, c, validity) > 0;
    if (!nulls) {
        vonk_buffer_unref(column->validity_buffer);
        column->validity_buffer = NULL;
        column->validity = NULL;
    }
    if (type->storage == VONK_STORE_VIEW)
        VONK_TRY(gather_strings(column, rows, n, c, at, data, err));
    else if (type->storage == VONK_STORE_BIT)
        gather_bits(rows, n, at, data);
    else if (type->storage != VONK_STORE_NONE)
        gather_fixed((uint32_t)vonk_storage_bytes(type->storage), rows, n, at, nulls, data);
    *ret = VONK_STEAL(column);
    return VONK_OK;
}
