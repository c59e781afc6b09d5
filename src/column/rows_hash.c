/* column/rows_hash.c -- hashes of columns. Each value becomes 64 bits first (an integer itself, a string's hash, a
 * fixed pattern for null), which are then mixed into the row's hash by one vectorised kernel. */
#include "base/hash.h"
#include "column/collation.h"
#include "column/kernel/kernel.h"
#include "column/rows_int.h"

#define NULL_BITS UINT64_C(0x6e756c6c6e756c6c)

static inline uint64_t bits_of_f64(double v)
{
    uint64_t bits;
    if (v != v) return UINT64_C(0x7ff8000000000000);
    v += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &v, 8);
    return bits;
}
static inline uint64_t bits_of_pair(vonk__pair64 v) { return v.low ^ vonk_hash_mix(v.high); }

static inline uint64_t bits_of_view(const vonk_view *v, vonk_buffer *const *heaps)
{
    if (v->len > VONK_VIEW_INLINE) return vonk_hash64(heaps[v->heap]->data + v->offset, v->len, 0);
    uint64_t a, b; /* the whole view: unused bytes are 0 */
    memcpy(&a, v, 8);
    memcpy(&b, (const char *)v + 8, 8);
    return a ^ vonk_hash_mix(b);
}

/* A value that lies among others in a nested one. */
static uint64_t bits_of_row(const vonk_column *column, uint32_t row);

static uint64_t bits_of_span(const vonk_column *c, uint32_t row)
{
    vonk_span s = VONK_VALUES(c, vonk_span)[row];
    uint64_t h = s.len;
    for (uint32_t k = 0; k < s.len; k++)
        for (uint32_t i = 0; i < c->n_children; i++)
            h = vonk_hash_combine(h, bits_of_row(c->children[i], s.offset + k));
    return h;
}

static uint64_t bits_of_row(const vonk_column *column, uint32_t row)
{
    if (vonk_column_is_null(column, row)) return NULL_BITS;
    const vonk_column *c = vonk_column_locate(column, row, &row);
    switch (c->type->storage) {
    case VONK_STORE_F32: return bits_of_f64((double)VONK_VALUES(c, float)[row]);
    case VONK_STORE_F64: return bits_of_f64(VONK_VALUES(c, double)[row]);
    case VONK_STORE_I128:
    case VONK_STORE_INTERVAL: return bits_of_pair(VONK_VALUES(c, vonk__pair64)[row]);
    case VONK_STORE_VIEW:
        if (!vonk_collation_is_bytes(c->type->collation))
            return vonk_collation_hash(c->type->collation, vonk_column_str(c, row));
        return bits_of_view(&VONK_VALUES(c, vonk_view)[row], c->heaps);
    case VONK_STORE_SPAN: return bits_of_span(c, row);
    case VONK_STORE_NONE: {
        uint64_t h = 1;
        for (uint32_t i = 0; i < c->n_children; i++) h = vonk_hash_combine(h, bits_of_row(c->children[i], row));
        return h;
    }
    default: return (uint64_t)vonk_column_i64(c, row);
    }
}

static void bits_of_strings(const vonk__chunk *c, uint64_t *out)
{
    int32_t collation = c->base->type->collation;
    if (!vonk_collation_is_bytes(collation)) {
        for (uint32_t k = 0; k < c->n; k++)
            if (vonk__lane_valid(c, k))
                out[k] = vonk_collation_hash(collation, vonk_column_str(c->base, vonk__lane_row(c, k)));
        return;
    }
    vonk_buffer *const *heaps = c->base->heaps;
    const vonk_view *v = c->values;
    if (c->valid || c->idx) { /* a view under a null could be hashed, but need not be */
        for (uint32_t k = 0; k < c->n; k++)
            if (vonk__lane_valid(c, k)) out[k] = bits_of_view(&v[vonk__lane_row(c, k)], heaps);
    } else
        for (uint32_t k = 0; k < c->n; k++) out[k] = bits_of_view(&v[c->first + k], heaps);
}

/* 64 bits for each lane; what lanes under a null get does not matter yet. */
static void bits_of_chunk(const vonk__chunk *c, uint64_t *out)
{
    switch (c->base->type->storage) {
    case VONK_STORE_BIT:
        for (uint32_t k = 0; k < c->n; k++) out[k] = vonk_bit_get(c->values, vonk__lane_row(c, k));
        break;
    case VONK_STORE_I8: VONK__EACH_LANE(int8_t, c, k, v, out[k] = (uint64_t)v); break;
    case VONK_STORE_I16: VONK__EACH_LANE(int16_t, c, k, v, out[k] = (uint64_t)v); break;
    case VONK_STORE_I32: VONK__EACH_LANE(int32_t, c, k, v, out[k] = (uint64_t)v); break;
    case VONK_STORE_I64: VONK__EACH_LANE(int64_t, c, k, v, out[k] = (uint64_t)v); break;
    case VONK_STORE_F32: VONK__EACH_LANE(float, c, k, v, out[k] = bits_of_f64((double)v)); break;
    case VONK_STORE_F64: VONK__EACH_LANE(double, c, k, v, out[k] = bits_of_f64(v)); break;
    case VONK_STORE_I128:
    case VONK_STORE_INTERVAL: VONK__EACH_LANE(vonk__pair64, c, k, v, out[k] = bits_of_pair(v)); break;
    case VONK_STORE_VIEW: bits_of_strings(c, out); break;
    default:
        for (uint32_t k = 0; k < c->n; k++)
            if (vonk__lane_valid(c, k)) out[k] = bits_of_row(c->base, vonk__lane_row(c, k));
    }
    if (c->valid)
        for (uint32_t k = 0; k < c->n; k++)
            if (!c->valid[k]) out[k] = NULL_BITS;
}

static void hash_chunks(const vonk_column *column, vonk_rows rows, uint64_t *inout_hashes, bool first)
{
    vonk__chunk chunk;
    uint64_t bits[VONK__CHUNK_ROWS] = {0};
    for (uint32_t at = 0; at < rows.n; at += VONK__CHUNK_ROWS) {
        uint32_t n = rows.n - at < VONK__CHUNK_ROWS ? rows.n - at : VONK__CHUNK_ROWS;
        vonk__chunk_load(&chunk, column, rows, at, n);
        bits_of_chunk(&chunk, bits);
        vonk_kernels->hash_i64(n, (const int64_t *)bits, inout_hashes + at, first);
    }
}

/* Words hashed once each, when they are dear to hash and fewer than the rows. */
static vonk_status hash_dictionary(const vonk_column *column, vonk_rows rows, uint64_t *inout_hashes, bool first,
                                   vonk_error *err)
{
    const vonk_column *words = column->children[0];
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *table = NULL;
    uint64_t bits[VONK__CHUNK_ROWS];
    vonk__chunk chunk;
    VONK_TRY(vonk_buffer_new(column->budget, words->n_rows * sizeof(uint64_t), &table, err));
    uint64_t *of_word = (uint64_t *)table->data;
    for (uint32_t at = 0; at < words->n_rows; at += VONK__CHUNK_ROWS) {
        uint32_t n = words->n_rows - at < VONK__CHUNK_ROWS ? words->n_rows - at : VONK__CHUNK_ROWS;
        vonk__chunk_load(&chunk, words, VONK_ALL_ROWS(words->n_rows), at, n);
        bits_of_chunk(&chunk, of_word + at);
    }
    for (uint32_t at = 0; at < rows.n; at += VONK__CHUNK_ROWS) {
        uint32_t n = rows.n - at < VONK__CHUNK_ROWS ? rows.n - at : VONK__CHUNK_ROWS;
        vonk__chunk_load(&chunk, column, rows, at, n);
        for (uint32_t k = 0; k < n; k++) bits[k] = vonk__lane_valid(&chunk, k) ? of_word[chunk.idx[k]] : NULL_BITS;
        vonk_kernels->hash_i64(n, (const int64_t *)bits, inout_hashes + at, first);
    }
    return VONK_OK;
}

static vonk_status check_collations(const vonk_type *t, vonk_error *err)
{
    if (t->collation) VONK_TRY(vonk_collation_check(t->collation, err));
    for (uint32_t i = 0; i < t->n_fields; i++) VONK_TRY(check_collations(t->fields[i].type, err));
    return VONK_OK;
}

vonk_status vonk_column_hash(const vonk_column *column, vonk_rows rows, uint64_t *inout_hashes, bool first,
                             vonk_error *err)
{
    VONK_TRY(check_collations(column->type, err));
    bool dear = column->type->storage == VONK_STORE_VIEW || vonk__is_nested(column->type);
    if (column->encoding == VONK_DICTIONARY && dear && column->children[0]->n_rows &&
        column->children[0]->n_rows < rows.n)
        return hash_dictionary(column, rows, inout_hashes, first, err);
    hash_chunks(column, rows, inout_hashes, first);
    return VONK_OK;
}
