/* codec/parquet/leaf.h -- inside codec: one column chunk read in order of rows: finds pages, decompresses them, skips what is not wanted. */
#ifndef VONK_CODEC_PARQUET_LEAF_H
#define VONK_CODEC_PARQUET_LEAF_H

#include "codec/parquet/page.h"

/* Bytes of the file at hand. */
typedef struct pq_window {
    uint8_t *bytes; /* own memory; NULL while the file lends its */
    uint64_t at;
    size_t   n, capacity;
} pq_window;

typedef struct pq_leaf {
    const vonk_parquet_meta *meta;
    const vonk_bytes_in     *in;
    vonk_budget             *budget;
    vonk_compressor         *compressor; /* borrowed from the scan */
    const pq_node           *node;
    const pq_column_meta    *chunk;
    const vonk_type         *type;       /* as which the values are read; borrowed */
    pq_convert               convert;
    vonk_compression         codec;
    bool                     flat;        /* neither repeated nor nested: levels are at most one bit */
    bool                     levels_only; /* values are not wanted */
    uint16_t                 place_def;   /* nested: entries below it have no place in the column */
    uint64_t                 n_rows;      /* of the row group */

    uint64_t                 start, at, end; /* chunk; next page header */
    pq_window                window;
    const pq_offset_index   *index;     /* NULL: none; pages are then found one after the other */
    size_t                   next_page; /* index != NULL: of the page at `at` */
    uint64_t                 row;       /* row of the group that comes next */
    uint64_t                 values_left; /* of the chunk, nulls included, behind the current page */

    vonk_column             *dictionary; /* NULL: not read yet */
    uint32_t                 n_dictionary;

    /* the current page */
    pq_page                  page;
    uint32_t                 n, used;    /* values with nulls; how many of them were read */
    pq_rle                   def;        /* flat: of width 1 */
    vonk_buffer             *levels;     /* else: reps (when there are any), then defs, n each */
    const uint16_t          *reps, *defs;
    vonk_buffer             *turned[2];  /* levels of the old BIT_PACKED form: reps, defs */
} pq_leaf;

/* `leaf` is zeroed storage of the caller. want NULL: levels only. */
vonk_status vonk__pq_leaf_init(pq_leaf *leaf, vonk_budget *budget, const vonk_parquet_meta *meta, const vonk_bytes_in *in, vonk_compressor *compressor,
                               uint32_t group, const pq_node *node, const vonk_type *want, vonk_error *err);
void vonk__pq_leaf_done(pq_leaf *leaf); /* accepts zeroed storage */
/* Reads the offset index, when there is one; a damaged one is left alone. */
vonk_status vonk__pq_leaf_load_index(pq_leaf *leaf, vonk_arena *arena, uint32_t group, vonk_error *err);

/* leaf.c: the next page that holds `row` or something behind it becomes the current one. */
vonk_status vonk__pq_leaf_next_page(pq_leaf *leaf, uint64_t row, vonk_error *err);

/* leaf_read.c. Reading goes on at `row`, at or behind where it was. */
vonk_status vonk__pq_leaf_seek(pq_leaf *leaf, uint64_t row, vonk_error *err);
/* Flat leaves: the next n rows as a column. */
vonk_status vonk__pq_leaf_read(pq_leaf *leaf, uint32_t n, bool keep_codes, vonk_column **ret, vonk_error *err);

/* Other leaves: levels and values of the next n_rows rows. Values get a place for each entry with def >= slot_def. */
typedef struct pq_levels {
    uint16_t    *reps, *defs; /* reps NULL when the leaf is not repeated */
    uint32_t     n, capacity;
    vonk_budget *budget;
} pq_levels;
void        vonk__pq_levels_done(pq_levels *levels);
vonk_status vonk__pq_leaf_read_nested(pq_leaf *leaf, uint32_t n_rows, uint16_t slot_def, pq_levels *levels, pq_sink *sink, vonk_error *err);

/* The chunk's dictionary as a column of the leaf's type, read when needed. MALFORMED_INPUT when there is none. */
vonk_status vonk__pq_leaf_need_dictionary(pq_leaf *leaf, vonk_error *err);
/* Its number of entries, by its header alone. */
vonk_status vonk__pq_leaf_dictionary_size(pq_leaf *leaf, uint32_t *ret, vonk_error *err);

#endif
