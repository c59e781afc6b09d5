/* codec/parquet/bounds.h -- inside codec: what statistics really say. Least and greatest values are only believed where the order that they were made
 * with is known and is the order of the type that is read. */
#ifndef VONK_CODEC_PARQUET_BOUNDS_H
#define VONK_CODEC_PARQUET_BOUNDS_H

#include "codec/parquet/convert.h"

typedef struct pq_known {
    uint64_t     n_values; /* nulls included; UINT64_MAX: unknown */
    int64_t      n_nulls;  /* -1: unknown */
    vonk_column *min_max;  /* NULL, or two rows: least, greatest */
    bool         min_exact, max_exact;
} pq_known;
void vonk__pq_known_done(pq_known *k); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(pq_known, vonk__pq_known_done)

/* Are bounds of this leaf, read as convert says, in the order of the type? v2: min_value and max_value, page indexes; else the old min and max. */
bool vonk__pq_bounds_ordered(const vonk_parquet_meta *meta, const pq_node *leaf, const vonk_type *type, const pq_convert *convert, bool v2);
/* Two PLAIN values (without length) as a column; *ret NULL: they are no bounds (wrong size, NaN, wrong way round). */
vonk_status vonk__pq_bounds_column(vonk_budget *budget, const pq_node *leaf, const vonk_type *type, const pq_convert *convert, vonk_str min, vonk_str max,
                                   vonk_column **ret, vonk_error *err);
/* From the statistics of a column chunk. */
vonk_status vonk__pq_known_of_chunk(vonk_budget *budget, const vonk_parquet_meta *meta, const pq_node *leaf, const vonk_type *type,
                                    const pq_convert *convert, const pq_column_meta *chunk, pq_known *ret, vonk_error *err);

#endif
