/* column/block_encode.c -- writes docs/format/block.md. */
#include "column/block.h"
#include "column/block_int.h"
#include "column/column_int.h"

static vonk_status put_u32(vonk_buf *out, uint32_t v, vonk_error *err) { return vonk_buf_append(out, &v, 4, err); }
static vonk_status put_u64(vonk_buf *out, uint64_t v, vonk_error *err) { return vonk_buf_append(out, &v, 8, err); }

static vonk_status put_column(vonk_budget *budget, const vonk_column *c, vonk_buf *out, vonk_error *err);

static bool is_valid(const vonk_column *c, uint32_t i) { return !c->validity || vonk_bit_get(c->validity, i); }

/* n bits with zeros behind them. */
static vonk_status put_bits(const uint8_t *bits, uint32_t n, vonk_buf *out, vonk_error *err)
{
    char *at;
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_buf_extend(out, vonk_bits_bytes(n), &at, err));
    memcpy(at, bits, vonk_bits_bytes(n));
    if (n % 8) at[vonk_bits_bytes(n) - 1] = (char)(at[vonk_bits_bytes(n) - 1] & ((1 << n % 8) - 1));
    return VONK_OK;
}

static vonk_status put_strings(const vonk_column *c, uint32_t n, vonk_buf *out, vonk_error *err)
{
    const vonk_view *v = c->data;
    uint64_t sum = 0;
    char *at;
    for (uint32_t i = 0; i < n; i++) sum += is_valid(c, i) ? v[i].len : 0;
    if (sum > UINT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "more than 4 GiB of strings in one block");
    VONK_TRY(vonk_buf_extend(out, n * sizeof(uint32_t) + sum, &at, err));
    char *bytes = at + n * sizeof(uint32_t);
    for (uint32_t i = 0; i < n; i++) {
        vonk_str s = is_valid(c, i) ? vonk_view_str(&v[i], c->heaps) : VONK_STR_NONE;
        uint32_t len = (uint32_t)s.len;
        memcpy(at + i * sizeof(len), &len, sizeof(len));
        if (len) memcpy(bytes, s.data, len);
        bytes += len;
    }
    return VONK_OK;
}

/* Counts, then the elements in the order of the rows: gathered, unless they lie so already. */
static vonk_status put_spans(vonk_budget *budget, const vonk_column *c, uint32_t n, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *rows = NULL;
    const vonk_span *s = c->data;
    uint64_t sum = 0;
    bool ordered = true;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = is_valid(c, i) ? s[i].len : 0;
        ordered = ordered && (len == 0 || s[i].offset == sum);
        sum += len;
        VONK_TRY(put_u32(out, len, err));
    }
    if (sum > UINT32_MAX) return vonk__too_many_rows(err);
    VONK_TRY(put_u32(out, (uint32_t)sum, err));
    if (!ordered) {
        VONK_TRY(vonk_buffer_new(budget, sum * sizeof(uint32_t), &rows, err));
        uint32_t *idx = (uint32_t *)rows->data;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t k = 0; is_valid(c, i) && k < s[i].len; k++) *idx++ = s[i].offset + k;
    }
    for (uint32_t i = 0; i < c->n_children; i++) {
        VONK_AUTO(vonk_column_unref) vonk_column *part = NULL;
        const uint32_t *idx = ordered ? NULL : (const uint32_t *)rows->data;
        if (ordered)
            VONK_TRY(vonk_column_slice(budget, c->children[i], 0, (uint32_t)sum, &part, err));
        else
            VONK_TRY(vonk_column_gather(budget, c->children[i], idx, (uint32_t)sum, false, &part, err));
        VONK_TRY(put_column(budget, part, out, err));
    }
    return VONK_OK;
}

/* The first n rows of a flat (or one row of a constant) column. */
static vonk_status put_flat(vonk_budget *budget, const vonk_column *c, uint32_t n, vonk_buf *out, vonk_error *err)
{
    switch (c->type->storage) {
    case VONK_STORE_BIT: return put_bits(c->data, n, out, err);
    case VONK_STORE_VIEW: return put_strings(c, n, out, err);
    case VONK_STORE_SPAN: return put_spans(budget, c, n, out, err);
    case VONK_STORE_NONE:
        for (uint32_t i = 0; i < c->n_children; i++) VONK_TRY(put_column(budget, c->children[i], out, err));
        return VONK_OK;
    default: return n ? vonk_buf_append(out, c->data, n * vonk_storage_bytes(c->type->storage), err) : VONK_OK;
    }
}

static vonk_status put_codes(const vonk_column *c, uint32_t words, vonk_buf *out, vonk_error *err)
{
    uint8_t width = words <= 1u << 8 ? 1 : words <= 1u << 16 ? 2 : 4;
    const uint32_t *codes = c->data;
    char *at;
    VONK_TRY(put_u32(out, words, err));
    VONK_TRY(vonk_buf_add_byte(out, (char)width, err));
    VONK_TRY(vonk_buf_extend(out, (size_t)c->n_rows * width, &at, err));
    for (uint32_t i = 0; i < c->n_rows; i++) {
        uint32_t code = is_valid(c, i) ? codes[i] : 0;
        memcpy(at + (size_t)i * width, &code, width); /* little-endian: the low bytes come first */
    }
    return VONK_OK;
}

static vonk_status put_head(const vonk_column *c, uint32_t n_validity, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, (char)c->type->storage, err));
    VONK_TRY(vonk_buf_add_byte(out, (char)((unsigned)c->encoding | (c->validity ? VONK__BLOCK_VALIDITY : 0)), err));
    return c->validity ? put_bits(c->validity, n_validity, out, err) : VONK_OK;
}

static vonk_status put_column(vonk_budget *budget, const vonk_column *c, vonk_buf *out, vonk_error *err)
{
    if (c->encoding == VONK_DICTIONARY && c->children[0]->n_rows > c->n_rows) {
        VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
        VONK_TRY(vonk_column_flatten(budget, c, &flat, err));
        return put_column(budget, flat, out, err);
    }
    VONK_TRY(put_head(c, c->encoding == VONK_CONSTANT ? 1 : c->n_rows, out, err));
    switch (c->encoding) {
    case VONK_FLAT: return put_flat(budget, c, c->n_rows, out, err);
    case VONK_CONSTANT: return put_flat(budget, c, 1, out, err);
    case VONK_DICTIONARY:
        VONK_TRY(put_codes(c, c->children[0]->n_rows, out, err));
        return put_column(budget, c->children[0], out, err);
    default: VONK_TRY(put_u64(out, (uint64_t)c->seq_start, err)); return put_u64(out, (uint64_t)c->seq_step, err);
    }
}

vonk_status vonk_block_encode(const vonk_batch *batch, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *dense = NULL;
    VONK_TRY(vonk_batch_compact(batch, &dense, err));
    if (dense->n_rows > VONK_BLOCK_ROWS_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "blocks of more than 16777216 rows");
    VONK_TRY(vonk_buf_append(out, VONK__BLOCK_MAGIC, 4, err));
    VONK_TRY(put_u32(out, dense->n_columns, err));
    VONK_TRY(put_u32(out, dense->n_rows, err));
    VONK_TRY(put_u32(out, (uint32_t)dense->partition, err));
    VONK_TRY(put_u64(out, dense->sequence, err));
    for (uint32_t i = 0; i < dense->n_columns; i++) VONK_TRY(put_column(batch->budget, dense->columns[i], out, err));
    return VONK_OK;
}
