#include "codec/parquet/index.h"

#define MAX_INDEX_BYTES (64 << 20)

vonk_status vonk__pq_read_hint(vonk_arena *arena, const vonk_bytes_in *in, int64_t at, int64_t bytes,
                               const uint8_t **ret, vonk_error *err)
{
    *ret = NULL;
    if (at <= 0 || bytes <= 0 || bytes > MAX_INDEX_BYTES || (uint64_t)at > in->size ||
        (uint64_t)bytes > in->size - (uint64_t)at)
        return VONK_OK;
    uint8_t *into = NULL;
    VONK_TRY(vonk_arena_alloc(arena, (size_t)bytes, &into, err));
    VONK_TRY(in->read_at(in->self, (uint64_t)at, (size_t)bytes, into, err));
    *ret = into;
    return VONK_OK;
}

/* *ret NULL: not readable as what it should be. */
static vonk_status read_struct(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in, int64_t at,
                               int64_t bytes, const vonk_thrift_struct *what, void **ret, vonk_error *err)
{
    const uint8_t *data = NULL;
    void *into = NULL;
    *ret = NULL;
    VONK_TRY(vonk__pq_read_hint(arena, in, at, bytes, &data, err));
    if (!data) return VONK_OK;
    VONK_TRY(vonk_arena_alloc(arena, what->bytes, &into, err));
    vonk_cursor cursor = vonk__pq_cursor(meta, data, (size_t)bytes);
    vonk_status st = vonk_thrift_read(arena, &cursor, what, into, err);
    if (st == VONK_E_MALFORMED_INPUT) {
        vonk_error_reset(err);
        return VONK_OK;
    }
    if (st == VONK_OK) *ret = into;
    return st;
}

vonk_status vonk__pq_read_offset_index(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in,
                                       const pq_chunk *chunk, uint64_t n_rows, pq_offset_index **ret, vonk_error *err)
{
    void *read = NULL;
    *ret = NULL;
    if (!PQ_HAS(*chunk, PQ_CHUNK_OI_AT) || !PQ_HAS(*chunk, PQ_CHUNK_OI_BYTES)) return VONK_OK;
    VONK_TRY(read_struct(arena, meta, in, chunk->offset_index_at, chunk->offset_index_bytes, &vonk__pq_offset_index,
                         &read, err));
    pq_offset_index *index = read;
    if (!index || index->pages.n == 0 || index->pages.at[0].first_row != 0) return VONK_OK;
    for (size_t i = 0; i < index->pages.n; i++) {
        const pq_page_place *place = &index->pages.at[i];
        if (place->bytes <= 0 || place->at < 0 || (uint64_t)place->first_row >= n_rows) return VONK_OK;
        if (i > 0 && (place->first_row <= place[-1].first_row || place->at < place[-1].at + place[-1].bytes))
            return VONK_OK;
    }
    *ret = index;
    return VONK_OK;
}

vonk_status vonk__pq_read_column_index(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in,
                                       const pq_chunk *chunk, size_t n_pages, pq_column_index **ret, vonk_error *err)
{
    void *read = NULL;
    *ret = NULL;
    if (!PQ_HAS(*chunk, PQ_CHUNK_CI_AT) || !PQ_HAS(*chunk, PQ_CHUNK_CI_BYTES)) return VONK_OK;
    VONK_TRY(read_struct(arena, meta, in, chunk->column_index_at, chunk->column_index_bytes, &vonk__pq_column_index,
                         &read, err));
    pq_column_index *index = read;
    if (!index || index->null_pages.n != n_pages || index->min.n != n_pages || index->max.n != n_pages) return VONK_OK;
    if (index->n_nulls.n != n_pages) index->n_nulls.n = 0;
    *ret = index;
    return VONK_OK;
}
