/* column/column_shape.c -- flatten, gather, slice. Fixed widths go through one tight loop per width; strings copy their
 * views and share heaps; spans are copied and share the child; dictionaries move codes only. */
#include "column/column_int.h"

/* ---- tight loops, one per width. `in` and `out` never overlap. */

typedef struct pair64 {
    uint64_t low, high;
} pair64; /* any 16-byte value */

#define GATHER_LOOPS(plain, or_zero, T)                                                                                \
    static void plain(const T *restrict in, const uint32_t *restrict idx, uint32_t n, T *restrict out)                 \
    {                                                                                                                  \
        for (uint32_t k = 0; k < n; k++) out[k] = in[idx[k]];                                                          \
    }                                                                                                                  \
    static void or_zero(const T *restrict in, const uint32_t *restrict idx, uint32_t n, T *restrict out)               \
    {                                                                                                                  \
        for (uint32_t k = 0; k < n; k++) out[k] = idx[k] == UINT32_MAX ? (T){0} : in[idx[k]];                          \
    }
GATHER_LOOPS(gather_1, gather_1_or_zero, uint8_t)
GATHER_LOOPS(gather_2, gather_2_or_zero, uint16_t)
GATHER_LOOPS(gather_4, gather_4_or_zero, uint32_t)
GATHER_LOOPS(gather_8, gather_8_or_zero, uint64_t)
GATHER_LOOPS(gather_16, gather_16_or_zero, pair64)

void vonk__gather_values(const void *in, size_t width, const uint32_t *idx, uint32_t n, void *out)
{
    if (n == 0) return;
    if (!idx) {
        memcpy(out, in, n * width);
        return;
    }
    switch (width) {
    case 1: gather_1(in, idx, n, out); break;
    case 2: gather_2(in, idx, n, out); break;
    case 4: gather_4(in, idx, n, out); break;
    case 8: gather_8(in, idx, n, out); break;
    default: assert(width == 16); gather_16(in, idx, n, out);
    }
}

static void gather_values_or_zero(const void *in, size_t width, const uint32_t *idx, uint32_t n, void *out)
{
    switch (width) {
    case 1: gather_1_or_zero(in, idx, n, out); break;
    case 2: gather_2_or_zero(in, idx, n, out); break;
    case 4: gather_4_or_zero(in, idx, n, out); break;
    case 8: gather_8_or_zero(in, idx, n, out); break;
    default: assert(width == 16); gather_16_or_zero(in, idx, n, out);
    }
}

void vonk__gather_bits(const uint8_t *bits, const uint32_t *idx, uint32_t n, bool for_max, uint8_t *out)
{
    for (uint32_t k = 0; k < n; k += 8) {
        uint32_t some = n - k < 8 ? n - k : 8;
        unsigned byte = 0;
        for (uint32_t j = 0; j < some; j++) {
            uint32_t i = idx[k + j];
            unsigned on = i == UINT32_MAX ? for_max : bits ? vonk_bit_get(bits, i) : 1u;
            byte |= on << j;
        }
        out[k / 8] = (uint8_t)byte;
    }
}

static bool has_max(const uint32_t *idx, uint32_t n)
{
    uint32_t any = 0;
    for (uint32_t k = 0; k < n; k++) any |= idx[k] == UINT32_MAX;
    return any;
}

/* ---- gather */

static vonk_status gather_children(vonk_budget *budget, vonk_column *to, const vonk_column *from, const uint32_t *idx,
                                   uint32_t n, bool null_for_max, vonk_error *err)
{
    if (!vonk__is_struct(from->type)) return vonk_column_set_children(to, from->children, from->n_children, err);
    if (from->n_children == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, from->n_children, sizeof(vonk_column *), &to->children, err));
    for (; to->n_children < from->n_children; to->n_children++)
        VONK_TRY(vonk_column_gather(budget, from->children[to->n_children], idx, n, null_for_max,
                                    &to->children[to->n_children], err));
    return VONK_OK;
}

static vonk_status gather_flat(vonk_budget *budget, const vonk_column *from, const uint32_t *idx, uint32_t n,
                               bool null_for_max, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    uint8_t *validity = NULL;
    void *data;
    size_t width = vonk_storage_bytes(from->type->storage);
    VONK_TRY(vonk__column_alloc(budget, from->type, VONK_FLAT, n, &c, err));
    if (from->type->storage == VONK_STORE_BIT) {
        VONK_TRY(vonk__column_add_data(budget, c, vonk_bits_bytes(n), &data, err));
        vonk__gather_bits(from->data, idx, n, false, data);
    } else if (width) {
        VONK_TRY(vonk__column_add_data(budget, c, n * width, &data, err));
        if (null_for_max)
            gather_values_or_zero(from->data, width, idx, n, data);
        else
            vonk__gather_values(from->data, width, idx, n, data);
    }
    if (from->validity || null_for_max) {
        VONK_TRY(vonk__column_add_validity(budget, c, n, &validity, err));
        vonk__gather_bits(from->validity, idx, n, false, validity);
    }
    VONK_TRY(vonk_column_share_heaps(c, from, NULL, err));
    VONK_TRY(gather_children(budget, c, from, idx, n, null_for_max, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status gather_codes(vonk_budget *budget, const vonk_column *from, const uint32_t *idx, uint32_t n,
                                bool null_for_max, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &codes, err));
    if (null_for_max)
        gather_4_or_zero(from->data, idx, n, (uint32_t *)codes->data);
    else
        gather_4(from->data, idx, n, (uint32_t *)codes->data);
    if (from->validity || null_for_max) {
        VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &validity, err));
        vonk__gather_bits(from->validity, idx, n, false, validity->data);
    }
    return vonk_column_new_dictionary(budget, vonk_column_ref(from->children[0]), VONK_STEAL(codes),
                                      VONK_STEAL(validity), n, ret, err);
}

/* The value of a constant as a FLAT column of one row without nulls: a dictionary of one entry. */
static vonk_status dictionary_of_constant(vonk_budget *budget, const vonk_column *from, vonk_column **ret,
                                          vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    VONK_TRY(vonk_column_copy_head(budget, from, &one, err));
    one->encoding = VONK_FLAT;
    one->n_rows = 1;
    vonk_buffer_unref(one->validity_buffer);
    one->validity_buffer = NULL;
    one->validity = NULL;
    *ret = VONK_STEAL(one);
    return VONK_OK;
}

static vonk_status constant_with_n(vonk_budget *budget, const vonk_column *from, uint32_t n, vonk_column **ret,
                                   vonk_error *err)
{
    VONK_TRY(vonk_column_copy_head(budget, from, ret, err));
    (*ret)->n_rows = n;
    return VONK_OK;
}

static vonk_status gather_constant(vonk_budget *budget, const vonk_column *from, const uint32_t *idx, uint32_t n,
                                   bool null_for_max, vonk_column **ret, vonk_error *err)
{
    if (!null_for_max || vonk_column_is_null(from, 0)) return constant_with_n(budget, from, n, ret, err);
    VONK_AUTO(vonk_column_unref) vonk_column *dictionary = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    VONK_TRY(dictionary_of_constant(budget, from, &dictionary, err));
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &codes, err));
    if (n) memset(codes->data, 0, n * sizeof(uint32_t));
    VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &validity, err));
    vonk__gather_bits(NULL, idx, n, false, validity->data);
    return vonk_column_new_dictionary(budget, VONK_STEAL(dictionary), VONK_STEAL(codes), VONK_STEAL(validity), n, ret,
                                      err);
}

/* Values of a sequence at idx (NULL: 0..n-1). Sums wrap: they fit for every row that the sequence has. */
static void sequence_values(const vonk_column *from, const uint32_t *idx, uint32_t n, void *out)
{
    uint64_t start = (uint64_t)from->seq_start, step = (uint64_t)from->seq_step;
#define ROWS(T)                                                                                                        \
    if (idx)                                                                                                           \
        for (uint32_t k = 0; k < n; k++) ((T *)out)[k] = idx[k] == UINT32_MAX ? 0 : (T)(start + idx[k] * step);        \
    else                                                                                                               \
        for (uint32_t k = 0; k < n; k++) ((T *)out)[k] = (T)(start + k * step)
    switch (from->type->storage) {
    case VONK_STORE_I8: ROWS(uint8_t); break;
    case VONK_STORE_I16: ROWS(uint16_t); break;
    case VONK_STORE_I32: ROWS(uint32_t); break;
    default: ROWS(uint64_t);
    }
#undef ROWS
}

static vonk_status gather_sequence(vonk_budget *budget, const vonk_column *from, const uint32_t *idx, uint32_t n,
                                   bool null_for_max, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    void *data;
    uint8_t *validity;
    VONK_TRY(vonk_column_new(budget, from->type, n, null_for_max, &c, &data, &validity, err));
    sequence_values(from, idx, n, data);
    if (null_for_max) vonk__gather_bits(NULL, idx, n, false, validity);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_column_gather(vonk_budget *budget, const vonk_column *column, const uint32_t *idx, uint32_t n,
                               bool null_for_max, vonk_column **ret, vonk_error *err)
{
    bool nulls = null_for_max && has_max(idx, n);
    switch (column->encoding) {
    case VONK_FLAT: return gather_flat(budget, column, idx, n, nulls, ret, err);
    case VONK_CONSTANT: return gather_constant(budget, column, idx, n, nulls, ret, err);
    case VONK_DICTIONARY: return gather_codes(budget, column, idx, n, nulls, ret, err);
    default: return gather_sequence(budget, column, idx, n, nulls, ret, err);
    }
}

/* ---- flatten */

static void share_validity(vonk_column *c, const vonk_column *from)
{
    assert(!c->validity); /* a dictionary has no nulls of its own */
    if (!from->validity) return;
    c->validity = from->validity;
    c->validity_buffer = vonk_buffer_ref(from->validity_buffer);
}

static vonk_status flatten_dictionary(vonk_budget *budget, const vonk_column *from, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    const vonk_column *dictionary = from->children[0];
    if (dictionary->n_rows == 0) { /* every row is null, codes mean nothing */
        VONK_AUTO(vonk_column_unref) vonk_column *nulls = NULL;
        VONK_TRY(vonk_column_new_nulls(budget, from->type, from->n_rows, &nulls, err));
        return vonk_column_flatten(budget, nulls, ret, err);
    }
    VONK_TRY(gather_flat(budget, dictionary, from->data, from->n_rows, false, &c, err));
    share_validity(c, from);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static void repeat_value(const void *value, size_t width, uint32_t n, void *out)
{
#define REPEAT(T)                                                                                                      \
    do {                                                                                                               \
        T v_;                                                                                                          \
        memcpy(&v_, value, sizeof(T));                                                                                 \
        for (uint32_t k = 0; k < n; k++) ((T *)out)[k] = v_;                                                           \
    } while (0)
    switch (width) {
    case 1: REPEAT(uint8_t); break;
    case 2: REPEAT(uint16_t); break;
    case 4: REPEAT(uint32_t); break;
    case 8: REPEAT(uint64_t); break;
    default: REPEAT(pair64);
    }
#undef REPEAT
}

static vonk_status flatten_constant(vonk_budget *budget, const vonk_column *from, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    bool null = vonk_column_is_null(from, 0);
    void *data;
    uint8_t *validity;
    uint32_t n = from->n_rows;
    VONK_TRY(vonk_column_new(budget, from->type, n, null, &c, &data, &validity, err));
    if (null) vonk_bits_fill(validity, n, false);
    if (from->type->storage == VONK_STORE_BIT)
        vonk_bits_fill(data, n, vonk_bit_get(from->data, 0));
    else if (from->type->storage != VONK_STORE_NONE)
        repeat_value(from->data, vonk_storage_bytes(from->type->storage), n, data);
    VONK_TRY(vonk_column_share_heaps(c, from, NULL, err));
    if (!vonk__is_struct(from->type))
        VONK_TRY(vonk_column_set_children(c, from->children, from->n_children, err));
    else if (from->n_children) { /* children of one row: repeated by naming that row n times */
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *zeros = NULL;
        VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &zeros, err));
        if (n) memset(zeros->data, 0, n * sizeof(uint32_t));
        VONK_TRY(gather_children(budget, c, from, (const uint32_t *)zeros->data, n, false, err));
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static bool is_flat(const vonk_column *c)
{
    if (c->encoding != VONK_FLAT) return false;
    for (uint32_t i = 0; i < c->n_children; i++)
        if (!is_flat(c->children[i])) return false;
    return true;
}

static vonk_status flatten_level(vonk_budget *budget, const vonk_column *column, vonk_column **ret, vonk_error *err)
{
    switch (column->encoding) {
    case VONK_CONSTANT: return flatten_constant(budget, column, ret, err);
    case VONK_DICTIONARY: return flatten_dictionary(budget, column, ret, err);
    case VONK_SEQUENCE: return gather_sequence(budget, column, NULL, column->n_rows, false, ret, err);
    default: return vonk_column_copy_head(budget, column, ret, err);
    }
}

vonk_status vonk_column_flatten(vonk_budget *budget, const vonk_column *column, vonk_column **ret, vonk_error *err)
{
    if (is_flat(column)) {
        *ret = vonk_column_ref(column);
        return VONK_OK;
    }
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(flatten_level(budget, column, &c, err));
    for (uint32_t i = 0; i < c->n_children; i++) {
        vonk_column *flat;
        if (is_flat(c->children[i])) continue;
        VONK_TRY(vonk_column_flatten(budget, c->children[i], &flat, err));
        vonk_column_unref(c->children[i]);
        c->children[i] = flat;
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- slice */

/* Bits from..from+n of the bitmap that *inout_bits points to: in place when they start at a byte, else copied. */
static vonk_status slice_bits(vonk_budget *budget, uint32_t from, uint32_t n, const void **inout_bits,
                              vonk_buffer **inout_buffer, vonk_error *err)
{
    const uint8_t *bits = *inout_bits;
    if (from % 8 == 0) {
        *inout_bits = bits + from / 8;
        return VONK_OK;
    }
    vonk_buffer *copy;
    VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &copy, err));
    if (n) copy->data[vonk_bits_bytes(n) - 1] = 0;
    vonk_bits_copy(copy->data, 0, bits, from, n);
    vonk_buffer_unref(*inout_buffer);
    *inout_buffer = copy;
    *inout_bits = copy->data;
    return VONK_OK;
}

vonk_status vonk_column_slice(vonk_budget *budget, const vonk_column *column, uint32_t from, uint32_t n,
                              vonk_column **ret, vonk_error *err)
{
    assert(from <= column->n_rows && n <= column->n_rows - from);
    if (from == 0 && n == column->n_rows) {
        *ret = vonk_column_ref(column);
        return VONK_OK;
    }
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk_column_copy_head(budget, column, &c, err));
    c->n_rows = n;
    if (c->encoding == VONK_SEQUENCE) c->seq_start = (int64_t)((uint64_t)c->seq_start + from * (uint64_t)c->seq_step);
    if (c->encoding == VONK_FLAT || c->encoding == VONK_DICTIONARY) {
        const void *validity = c->validity;
        if (validity) VONK_TRY(slice_bits(budget, from, n, &validity, &c->validity_buffer, err));
        c->validity = validity;
        size_t width = c->encoding == VONK_DICTIONARY ? sizeof(uint32_t) : vonk_storage_bytes(c->type->storage);
        if (width)
            c->data = (const uint8_t *)c->data + from * width;
        else if (c->type->storage == VONK_STORE_BIT)
            VONK_TRY(slice_bits(budget, from, n, &c->data, &c->data_buffer, err));
    }
    if (c->encoding == VONK_FLAT && vonk__is_struct(c->type))
        for (uint32_t i = 0; i < c->n_children; i++) {
            vonk_column *part;
            VONK_TRY(vonk_column_slice(budget, c->children[i], from, n, &part, err));
            vonk_column_unref(c->children[i]);
            c->children[i] = part;
        }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}
