/* column/column.c -- making columns, references, reading single rows. */
#include <stdatomic.h>

#include "column/column_int.h"

/* ---- references */

vonk_column *vonk_column_ref(const vonk_column *column)
{
    vonk_column *c = (vonk_column *)column; /* the count is the only mutable part */
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void vonk_column_unref(vonk_column *column)
{
    if (!column || atomic_fetch_sub_explicit(&column->refs, 1, memory_order_acq_rel) != 1) return;
    vonk_buffer_unref(column->data_buffer);
    vonk_buffer_unref(column->validity_buffer);
    for (uint32_t i = 0; i < column->n_heaps; i++) vonk_buffer_unref(column->heaps[i]);
    for (uint32_t i = 0; i < column->n_children; i++) vonk_column_unref(column->children[i]); /* as deep as the type */
    vonk_free(column->heaps);
    vonk_free(column->children);
    vonk_type_unref(column->type);
    vonk_free(column);
}

/* ---- making */

vonk_status vonk__too_many_rows(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "columns of more than 4294967295 rows");
}

vonk_status vonk__column_alloc(vonk_budget *budget, const vonk_type *type, vonk_encoding encoding, uint32_t n_rows,
                               vonk_column **ret, vonk_error *err)
{
    vonk_column *c;
    VONK_TRY(vonk_alloc(budget, sizeof(*c), &c, err));
    *c =
        (vonk_column){.refs = 1, .type = vonk_type_ref(type), .encoding = encoding, .n_rows = n_rows, .budget = budget};
    *ret = c;
    return VONK_OK;
}

vonk_status vonk__column_add_data(vonk_budget *budget, vonk_column *column, size_t bytes, void **ret, vonk_error *err)
{
    VONK_TRY(vonk_buffer_new(budget, bytes, &column->data_buffer, err));
    column->data = column->data_buffer->data;
    *ret = column->data_buffer->data;
    return VONK_OK;
}

vonk_status vonk__column_add_validity(vonk_budget *budget, vonk_column *column, uint32_t n, uint8_t **ret,
                                      vonk_error *err)
{
    VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &column->validity_buffer, err));
    column->validity = column->validity_buffer->data;
    *ret = column->validity_buffer->data;
    return VONK_OK;
}

vonk_status vonk_column_new(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, bool with_validity,
                            vonk_column **ret, void **ret_data, uint8_t **ret_validity, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    void *data = NULL;
    uint8_t *validity = NULL;
    VONK_TRY(vonk__column_alloc(budget, type, VONK_FLAT, n_rows, &c, err));
    if (type->storage == VONK_STORE_BIT)
        VONK_TRY(vonk__column_add_data(budget, c, vonk_bits_bytes(n_rows), &data, err));
    else if (type->storage != VONK_STORE_NONE)
        VONK_TRY(vonk__column_add_data(budget, c, n_rows * vonk_storage_bytes(type->storage), &data, err));
    if (with_validity) {
        VONK_TRY(vonk__column_add_validity(budget, c, n_rows, &validity, err));
        vonk_bits_fill(validity, n_rows, true);
    }
    if (ret_data) *ret_data = data;
    if (ret_validity) *ret_validity = validity;
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* Children of a null: one-row nulls in a struct (they must be as long as it is), empty columns in arrays and maps. */
static vonk_status add_null_children(vonk_budget *budget, vonk_column *c, vonk_error *err)
{
    uint32_t n = vonk__n_children(c->type);
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, n, sizeof(vonk_column *), &c->children, err));
    for (; c->n_children < n; c->n_children++)
        VONK_TRY(vonk_column_new_nulls(budget, vonk__child_type(c->type, c->n_children),
                                       vonk__is_struct(c->type) ? 1 : 0, &c->children[c->n_children], err));
    return VONK_OK;
}

vonk_status vonk_column_new_nulls(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, vonk_column **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    void *zeros;
    VONK_TRY(vonk__column_alloc(budget, type, VONK_CONSTANT, n_rows, &c, err));
    VONK_TRY(vonk__column_add_data(budget, c, 16, &zeros, err));
    memset(zeros, 0, 16);
    c->validity_buffer = vonk_buffer_ref(c->data_buffer); /* zeros serve as both */
    c->validity = c->data;
    if (type->storage == VONK_STORE_NONE) {
        c->data = NULL;
        vonk_buffer_unref(c->data_buffer);
        c->data_buffer = NULL;
    }
    VONK_TRY(add_null_children(budget, c, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_column_new_sequence(vonk_budget *budget, const vonk_type *type, uint32_t n_rows, int64_t start,
                                     int64_t step, vonk_column **ret, vonk_error *err)
{
    assert(type->storage >= VONK_STORE_I8 && type->storage <= VONK_STORE_I64);
    VONK_TRY(vonk__column_alloc(budget, type, VONK_SEQUENCE, n_rows, ret, err));
    (*ret)->seq_start = start;
    (*ret)->seq_step = step;
    return VONK_OK;
}

vonk_status vonk_column_new_dictionary(vonk_budget *budget, vonk_column *take_dictionary, vonk_buffer *take_codes,
                                       vonk_buffer *take_validity, uint32_t n_rows, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *dictionary = take_dictionary;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = take_codes;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = take_validity;
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    assert(dictionary->encoding == VONK_FLAT && !dictionary->validity);
    assert(codes->bytes >= n_rows * sizeof(uint32_t));
    VONK_TRY(vonk__column_alloc(budget, dictionary->type, VONK_DICTIONARY, n_rows, &c, err));
    VONK_TRY(vonk_alloc_array(budget, 1, sizeof(vonk_column *), &c->children, err));
    c->children[c->n_children++] = VONK_STEAL(dictionary);
    c->data_buffer = VONK_STEAL(codes);
    c->data = c->data_buffer->data;
    c->validity_buffer = VONK_STEAL(validity);
    if (c->validity_buffer) c->validity = c->validity_buffer->data;
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_column_new_struct(vonk_budget *budget, const vonk_type *type, uint32_t n_rows,
                                   vonk_column *const *children, vonk_buffer *take_validity, vonk_column **ret,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = take_validity;
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    assert(vonk__is_struct(type));
    VONK_TRY(vonk__column_alloc(budget, type, VONK_FLAT, n_rows, &c, err));
    VONK_TRY(vonk_column_set_children(c, children, vonk__n_children(type), err));
    c->validity_buffer = VONK_STEAL(validity);
    if (c->validity_buffer) c->validity = c->validity_buffer->data;
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_column_add_heap(vonk_column *column, vonk_buffer *take_heap, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *heap = take_heap;
    VONK_TRY(vonk_realloc(column->budget, &column->heaps, (column->n_heaps + 1) * sizeof(vonk_buffer *), err));
    column->heaps[column->n_heaps++] = VONK_STEAL(heap);
    return VONK_OK;
}

vonk_status vonk_column_share_heaps(vonk_column *column, const vonk_column *from, uint32_t *ret_first, vonk_error *err)
{
    if (ret_first) *ret_first = column->n_heaps;
    if (from->n_heaps == 0) return VONK_OK;
    VONK_TRY(vonk_realloc(column->budget, &column->heaps,
                          ((size_t)column->n_heaps + from->n_heaps) * sizeof(vonk_buffer *), err));
    for (uint32_t i = 0; i < from->n_heaps; i++) column->heaps[column->n_heaps++] = vonk_buffer_ref(from->heaps[i]);
    return VONK_OK;
}

vonk_status vonk_column_set_children(vonk_column *column, vonk_column *const *children, uint32_t n, vonk_error *err)
{
    assert(column->n_children == 0);
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(column->budget, n, sizeof(vonk_column *), &column->children, err));
    for (uint32_t i = 0; i < n; i++) column->children[i] = vonk_column_ref(children[i]);
    column->n_children = n;
    return VONK_OK;
}

vonk_status vonk_column_copy_head(vonk_budget *budget, const vonk_column *from, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk__column_alloc(budget, from->type, from->encoding, from->n_rows, &c, err));
    c->data = from->data;
    c->validity = from->validity;
    if (from->data_buffer) c->data_buffer = vonk_buffer_ref(from->data_buffer);
    if (from->validity_buffer) c->validity_buffer = vonk_buffer_ref(from->validity_buffer);
    c->seq_start = from->seq_start;
    c->seq_step = from->seq_step;
    VONK_TRY(vonk_column_share_heaps(c, from, NULL, err));
    VONK_TRY(vonk_column_set_children(c, from->children, from->n_children, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_column_constant_of(vonk_budget *budget, const vonk_column *column, uint32_t row, uint32_t n_rows,
                                    vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    if (vonk_column_is_null(column, row)) return vonk_column_new_nulls(budget, column->type, n_rows, ret, err);
    column = vonk_column_locate(column, row, &row);
    if (column->encoding == VONK_CONSTANT)
        VONK_TRY(vonk_column_copy_head(budget, column, &one, err));
    else { /* the copy has one row and no other owner: it may be renamed to CONSTANT */
        VONK_TRY(vonk_column_gather(budget, column, &row, 1, false, &one, err));
        assert(one->encoding == VONK_FLAT);
        one->encoding = VONK_CONSTANT;
    }
    one->n_rows = n_rows;
    *ret = VONK_STEAL(one);
    return VONK_OK;
}

/* ---- reading one row */

bool vonk_column_is_null(const vonk_column *column, uint32_t row)
{
    if (column->type->id == VONK_T_NULL) return true;
    if (!column->validity) return false;
    return !vonk_bit_get(column->validity, column->encoding == VONK_CONSTANT ? 0 : row);
}

const vonk_column *vonk_column_locate(const vonk_column *column, uint32_t row, uint32_t *ret_row)
{
    assert(row < column->n_rows);
    switch (column->encoding) {
    case VONK_CONSTANT: *ret_row = 0; return column;
    case VONK_DICTIONARY: *ret_row = VONK_VALUES(column, uint32_t)[row]; return column->children[0];
    default: *ret_row = row; return column;
    }
}

int64_t vonk_column_i64(const vonk_column *column, uint32_t row)
{
    const vonk_column *c = vonk_column_locate(column, row, &row);
    if (c->encoding == VONK_SEQUENCE) return (int64_t)((uint64_t)c->seq_start + row * (uint64_t)c->seq_step);
    switch (c->type->storage) {
    case VONK_STORE_BIT: return vonk_bit_get(c->data, row);
    case VONK_STORE_I8: return VONK_VALUES(c, int8_t)[row];
    case VONK_STORE_I16: return VONK_VALUES(c, int16_t)[row];
    case VONK_STORE_I32: return VONK_VALUES(c, int32_t)[row];
    default: assert(c->type->storage == VONK_STORE_I64); return VONK_VALUES(c, int64_t)[row];
    }
}

vonk_i128 vonk_column_i128(const vonk_column *column, uint32_t row)
{
    if (column->type->storage != VONK_STORE_I128) return vonk_column_i64(column, row);
    const vonk_column *c = vonk_column_locate(column, row, &row);
    return VONK_VALUES(c, vonk_i128)[row];
}

double vonk_column_f64(const vonk_column *column, uint32_t row)
{
    const vonk_column *c = vonk_column_locate(column, row, &row);
    if (c->type->storage == VONK_STORE_F32) return (double)VONK_VALUES(c, float)[row];
    assert(c->type->storage == VONK_STORE_F64);
    return VONK_VALUES(c, double)[row];
}

vonk_str vonk_column_str(const vonk_column *column, uint32_t row)
{
    const vonk_column *c = vonk_column_locate(column, row, &row);
    assert(c->type->storage == VONK_STORE_VIEW);
    return vonk_view_str(&VONK_VALUES(c, vonk_view)[row], c->heaps);
}

/* ---- views */

vonk_view vonk_view_inline(const char *bytes, uint32_t len)
{
    vonk_view v = {.len = len};
    assert(len <= VONK_VIEW_INLINE);
    if (len) memcpy(v.inlined, bytes, len);
    return v;
}

bool vonk_view_eq(const vonk_view *a, vonk_buffer *const *a_heaps, const vonk_view *b, vonk_buffer *const *b_heaps)
{
    uint64_t x, y; /* length and first four bytes */
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    if (x != y) return false;
    if (a->len <= VONK_VIEW_INLINE) return memcmp(a->inlined + 4, b->inlined + 4, 8) == 0;
    return memcmp(a_heaps[a->heap]->data + a->offset + 4, b_heaps[b->heap]->data + b->offset + 4, a->len - 4) == 0;
}

int vonk_view_compare(const vonk_view *a, vonk_buffer *const *a_heaps, const vonk_view *b, vonk_buffer *const *b_heaps)
{
    uint32_t x, y; /* unused bytes are 0: a shorter string has a smaller or equal prefix */
    memcpy(&x, a->prefix, 4);
    memcpy(&y, b->prefix, 4);
    if (x != y) return __builtin_bswap32(x) < __builtin_bswap32(y) ? -1 : 1;
    return vonk_str_compare(vonk_view_str(a, a_heaps), vonk_view_str(b, b_heaps));
}
