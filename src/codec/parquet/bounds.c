#include "codec/parquet/bounds.h"

#include <math.h>

void vonk__pq_known_done(pq_known *k)
{
    vonk_column_unref(k->min_max);
    *k = (pq_known){0};
}

/* ---- order */
static bool is_signed_number(const pq_node *leaf)
{
    bool is_unsigned = leaf->annotation == PQ_ANN_INT && !leaf->is_signed;
    switch (leaf->physical) {
    case PQ_BOOLEAN:
    case PQ_FLOAT:
    case PQ_DOUBLE: return true;
    case PQ_INT32:
    case PQ_INT64: return !is_unsigned;
    default: return false;
    }
}

/* Does a greater physical value always become a greater value? */
static bool keeps_order(const pq_node *leaf, const vonk_type *type, const pq_convert *c)
{
    bool is_unsigned = leaf->annotation == PQ_ANN_INT && !leaf->is_signed;
    if (c->rebase != PQ_REBASE_NONE || type->collation != VONK_COLLATION_UTF8_BINARY) return false;
    switch ((pq_convert_kind)c->kind) {
    case PQ_TO_COPY:
    case PQ_I32_TO_I64:
    case PQ_I32_TO_I128:
    case PQ_I32_TO_F64:
    case PQ_I64_TO_I64:
    case PQ_I64_TO_I128:
    case PQ_I64_CUT:
    case PQ_I64_CUT_I128:
        /* Unsigned numbers narrower than their storage never reach its sign bit. */
        return !is_unsigned || (leaf->physical == PQ_INT32 && leaf->int_bits < 32);
    case PQ_I32_TO_I8: return leaf->annotation == PQ_ANN_INT && leaf->is_signed && leaf->int_bits == 8;
    case PQ_I32_TO_I16: return leaf->annotation == PQ_ANN_INT && leaf->int_bits <= (leaf->is_signed ? 16 : 8);
    case PQ_U32_TO_I64:
    case PQ_U64_TO_I128:
    case PQ_F32_TO_F64:
    case PQ_TO_BITS:
    case PQ_BIG_TO_I64:
    case PQ_BIG_TO_I128: return true;
    case PQ_TO_VIEWS: /* numbers in disguise have another order than their bytes */
        return leaf->annotation != PQ_ANN_DECIMAL && leaf->annotation != PQ_ANN_FLOAT16 &&
               leaf->annotation != PQ_ANN_INTERVAL;
    case PQ_TO_NOTHING:
    case PQ_INT96_TO_MICROS: return false;
    }
    return false;
}

bool vonk__pq_bounds_ordered(const vonk_parquet_meta *meta, const pq_node *leaf, const vonk_type *type,
                             const pq_convert *convert, bool v2)
{
    bool by_type = leaf->first_leaf < meta->file.orders.n && PQ_HAS(meta->file.orders.at[leaf->first_leaf], 0);
    /* Without a column order only signed numbers have one beyond doubt; the old fields were always compared as signed.
     */
    return keeps_order(leaf, type, convert) && ((v2 && by_type) || is_signed_number(leaf));
}

/* ---- values */
static vonk_status put_value(const pq_convert *c, vonk_str plain, vonk_column *column, uint32_t row, bool *ret_fits,
                             vonk_error *err)
{
    uint8_t padded[32 + 64] = {0};
    uint8_t *data = column->data_buffer->data;
    *ret_fits = true;
    switch ((pq_convert_kind)c->kind) {
    case PQ_TO_BITS:
        *ret_fits = plain.len == 1;
        if (*ret_fits) vonk_bit_put(data, row, plain.data[0] != 0);
        return VONK_OK;
    case PQ_TO_VIEWS: {
        vonk_buffer *heap = NULL;
        vonk_view *view = (vonk_view *)(void *)data + row;
        if (plain.len <= VONK_VIEW_INLINE) {
            *view = vonk_view_inline(plain.data, (uint32_t)plain.len);
            return VONK_OK;
        }
        *view = (vonk_view){.len = (uint32_t)plain.len, .heap = column->n_heaps};
        memcpy(view->prefix, plain.data, sizeof view->prefix);
        VONK_TRY(vonk_buffer_new(column->budget, plain.len, &heap, err));
        memcpy(heap->data, plain.data, plain.len);
        return vonk_column_add_heap(column, heap, err);
    }
    case PQ_BIG_TO_I64:
    case PQ_BIG_TO_I128:
        return vonk__pq_convert_bytes(c, (const uint8_t *)plain.data, plain.len, data + (size_t)row * c->out_bytes,
                                      err);
    default:
        *ret_fits = plain.len == c->in_bytes && plain.len <= 32;
        if (!*ret_fits) return VONK_OK;
        memcpy(padded, plain.data, plain.len);
        return vonk__pq_convert_fixed(c, padded, 1, data + (size_t)row * c->out_bytes, err);
    }
}

static bool is_nan(const vonk_column *column)
{
    if (column->type->id != VONK_T_FLOAT && column->type->id != VONK_T_DOUBLE) return false;
    return isnan(vonk_column_f64(column, 0)) || isnan(vonk_column_f64(column, 1));
}

vonk_status vonk__pq_bounds_column(vonk_budget *budget, const pq_node *leaf, const vonk_type *type,
                                   const pq_convert *convert, vonk_str min, vonk_str max, vonk_column **ret,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    const vonk_str plain[2] = {min, max};
    *ret = NULL;
    if (min.len > INT32_MAX || max.len > INT32_MAX) return VONK_OK;
    if (leaf->physical == PQ_FIXED && (min.len > (size_t)leaf->fixed_bytes || max.len > (size_t)leaf->fixed_bytes))
        return VONK_OK;
    VONK_TRY(vonk_column_new(budget, type, 2, false, &column, NULL, NULL, err));
    for (uint32_t row = 0; row < 2; row++) {
        bool fits = false;
        vonk_status st = put_value(convert, plain[row], column, row, &fits, err);
        if (st == VONK_E_MALFORMED_INPUT) { /* nobody needs bounds that cannot be */
            vonk_error_reset(err);
            fits = false;
        } else if (st != VONK_OK) {
            return st;
        }
        if (!fits) return VONK_OK;
    }
    if (is_nan(column) || vonk_column_row_compare(column, 0, column, 1) > 0) return VONK_OK;
    *ret = VONK_STEAL(column);
    return VONK_OK;
}

/* ---- chunks */
vonk_status vonk__pq_known_of_chunk(vonk_budget *budget, const vonk_parquet_meta *meta, const pq_node *leaf,
                                    const vonk_type *type, const pq_convert *convert, const pq_column_meta *chunk,
                                    pq_known *ret, vonk_error *err)
{
    const pq_statistics *s = &chunk->statistics;
    *ret = (pq_known){.n_values = (uint64_t)chunk->n_values, .n_nulls = -1};
    if (!PQ_HAS(*chunk, PQ_COL_STATISTICS)) return VONK_OK;
    if (PQ_HAS(*s, PQ_STAT_NULLS) && s->n_nulls >= 0 && s->n_nulls <= chunk->n_values) ret->n_nulls = s->n_nulls;
    bool v2 = PQ_HAS(*s, PQ_STAT_MIN) && PQ_HAS(*s, PQ_STAT_MAX),
         old = PQ_HAS(*s, PQ_STAT_OLD_MIN) && PQ_HAS(*s, PQ_STAT_OLD_MAX);
    if ((!v2 && !old) || !vonk__pq_bounds_ordered(meta, leaf, type, convert, v2)) return VONK_OK;
    VONK_TRY(vonk__pq_bounds_column(budget, leaf, type, convert, v2 ? s->min : s->old_min, v2 ? s->max : s->old_max,
                                    &ret->min_max, err));
    bool whole = leaf->physical != PQ_BYTE_ARRAY && leaf->physical != PQ_FLOAT &&
                 leaf->physical != PQ_DOUBLE; /* texts may be cut, NaNs left out */
    ret->min_exact = whole || (PQ_HAS(*s, PQ_STAT_MIN_EXACT) && s->min_exact && leaf->physical == PQ_BYTE_ARRAY);
    ret->max_exact = whole || (PQ_HAS(*s, PQ_STAT_MAX_EXACT) && s->max_exact && leaf->physical == PQ_BYTE_ARRAY);
    return VONK_OK;
}

vonk_status vonk_parquet_column_stats_of(vonk_budget *budget, const vonk_parquet_meta *meta, uint32_t group,
                                         vonk_str column, const vonk_type *type, vonk_parquet_column_stats *ret,
                                         vonk_error *err)
{
    int32_t at = -1;
    pq_convert convert;
    pq_known known;
    const vonk_field field = {column, type, true, VONK_STR_NONE};
    *ret = (vonk_parquet_column_stats){.n_nulls = -1, .n_distinct = -1};
    VONK_TRY(vonk__pq_find_child(meta, meta->root, &field, &at, err));
    if (at < 0 || !meta->root->children[at].leaf || meta->root->children[at].repetition == PQ_REPEATED) return VONK_OK;
    const pq_node *leaf = &meta->root->children[at];
    const pq_column_meta *chunk = &meta->file.groups.at[group].chunks.at[leaf->first_leaf].meta;
    if (chunk->n_values < 0 || chunk->bytes < 0 || chunk->plain_bytes < 0)
        return vonk__pq_fail(meta, "impossible sizes of a column chunk", err);
    VONK_TRY(vonk__pq_convert_init(meta, leaf, type, &convert, err));
    VONK_TRY(vonk__pq_known_of_chunk(budget, meta, leaf, type, &convert, chunk, &known, err));
    ret->n_values = known.n_values;
    ret->bytes = (uint64_t)chunk->bytes;
    ret->plain_bytes = (uint64_t)chunk->plain_bytes;
    ret->n_nulls = known.n_nulls;
    if (PQ_HAS(chunk->statistics, PQ_STAT_DISTINCT)) ret->n_distinct = chunk->statistics.n_distinct;
    ret->min_max = known.min_max;
    ret->min_exact = known.min_max && known.min_exact;
    ret->max_exact = known.min_max && known.max_exact;
    return VONK_OK;
}
