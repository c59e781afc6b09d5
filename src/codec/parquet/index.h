/* codec/parquet/index.h -- inside codec: page indexes. They are hints: one that is damaged is not used. */
#ifndef VONK_CODEC_PARQUET_INDEX_H
#define VONK_CODEC_PARQUET_INDEX_H

#include "codec/parquet/file.h"

/* *ret NULL: none, or damaged. Places are ascending, begin with row 0 and are apart; they are not compared with the chunk. */
vonk_status vonk__pq_read_offset_index(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in, const pq_chunk *chunk,
                                       uint64_t n_rows, pq_offset_index **ret, vonk_error *err);
/* *ret NULL: none, or damaged. All lists have n_pages entries (n_nulls may be empty). */
vonk_status vonk__pq_read_column_index(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in, const pq_chunk *chunk,
                                       size_t n_pages, pq_column_index **ret, vonk_error *err);
/* Bytes of the file in the arena; *ret NULL: the place is impossible. */
vonk_status vonk__pq_read_hint(vonk_arena *arena, const vonk_bytes_in *in, int64_t at, int64_t bytes, const uint8_t **ret, vonk_error *err);

#endif
