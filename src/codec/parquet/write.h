/* codec/parquet/write.h -- inside codec: the parts of the writer. */
#ifndef VONK_CODEC_PARQUET_WRITE_H
#define VONK_CODEC_PARQUET_WRITE_H

#include "base/vec.h"
#include "codec/parquet.h"
#include "codec/parquet/meta.h"

/* How a value is turned into PLAIN bytes. */
typedef enum pq_put {
    PQ_PUT_BITS,
    PQ_PUT_I8,       /* small integers to INT32 */
    PQ_PUT_I16,
    PQ_PUT_COPY,     /* 4 or 8 bytes */
    PQ_PUT_NARROW,   /* 64 bits to INT32: decimals up to 9 digits */
    PQ_PUT_INT96,    /* microseconds */
    PQ_PUT_MILLIS,   /* microseconds to milliseconds, rounded down */
    PQ_PUT_MICROS,   /* nanoseconds of a day to microseconds */
    PQ_PUT_NANOS,    /* 128-bit nanoseconds to 64 bits, refused when too large */
    PQ_PUT_BIG,      /* decimals to fixed big-endian bytes */
    PQ_PUT_BYTES,
    PQ_PUT_NOTHING   /* void: always null */
} pq_put;

/* ---- least and greatest value (write_bounds.c) */
typedef struct pq_bounds {
    vonk_buf min, max; /* PLAIN, without length */
    bool     any, bad; /* bad: a NaN was met, or the order is undefined: nothing is said */
} pq_bounds;

typedef struct pq_page_note { /* for the indexes */
    size_t   at;              /* in the chunk's pages */
    uint32_t bytes;
    uint64_t first_row;
    int64_t  n_nulls;
    vonk_str min, max;        /* in the writer's group arena; data NULL: none */
    bool     all_null, bad;
} pq_page_note;

/* ---- one column chunk being made (write_leaf.c) */
typedef struct pq_out_leaf {
    vonk_budget                      *budget;
    vonk_arena                       *arena; /* of the row group: notes */
    const vonk_parquet_write_options *options;
    vonk_compressor                  *compressor;
    const vonk_type                  *type;
    VONK_THRIFT_LIST(vonk_str)        path;
    uint8_t                           put, physical; /* pq_put, pq_physical */
    uint16_t                          max_def, max_rep;
    uint32_t                          fixed_bytes;   /* of one PLAIN value; 0: bits or byte arrays */
    bool                              bloom;

    /* the page */
    VONK_VEC(uint16_t) defs, reps; /* one per entry; none when the highest level is 0 */
    uint32_t           n, n_nulls, n_rows; /* entries */
    vonk_buf           plain;      /* PLAIN values; or, while coded, */
    VONK_VEC(uint32_t) codes;
    pq_bounds          page_bounds;

    /* the dictionary; coded false: given up */
    bool               coded, was_coded;
    vonk_buf           dictionary; /* PLAIN */
    VONK_VEC(uint32_t) entries;    /* where each begins in it */
    uint32_t          *table;      /* open addressing: code + 1 */
    uint32_t           table_size;

    /* the chunk */
    vonk_buf               pages;  /* headers and compressed pages, without the dictionary */
    VONK_VEC(pq_page_note) notes;
    VONK_VEC(uint64_t)     hashes; /* for the bloom filter */
    pq_bounds              bounds;
    uint64_t               n_values, n_nulls_all, n_rows_all, plain_bytes;
    uint32_t               n_coded_pages, n_plain_pages;
    vonk_buf               scratch, packed;
} pq_out_leaf;

vonk_status vonk__pq_out_leaf_init(pq_out_leaf *leaf, vonk_budget *budget, vonk_arena *arena, const vonk_parquet_write_options *options,
                                   vonk_compressor *compressor, vonk_error *err);
void vonk__pq_out_leaf_done(pq_out_leaf *leaf); /* accepts zeroed storage */
void vonk__pq_out_leaf_reset(pq_out_leaf *leaf); /* for the next row group */

/* Entries of whole rows: levels (NULL where the highest is 0) and, for entries with the highest def, the rows of the FLAT column that hold the values. */
vonk_status vonk__pq_out_leaf_add(pq_out_leaf *leaf, const uint16_t *reps, const uint16_t *defs, uint32_t n, uint32_t n_rows, const vonk_column *values,
                                  const uint32_t *rows, uint32_t n_values, vonk_error *err);
/* Ends the page that is open, if any. */
vonk_status vonk__pq_out_leaf_end_page(pq_out_leaf *leaf, vonk_error *err);
static inline size_t vonk__pq_out_leaf_bytes(const pq_out_leaf *leaf)
{
    return leaf->pages.len + leaf->plain.len + leaf->codes.n * 2 + leaf->dictionary.len;
}
/* The chunk to `out`; fills the chunk's metadata (its texts are in the arena). *inout_at: position in the file. */
vonk_status vonk__pq_out_leaf_flush(pq_out_leaf *leaf, const vonk_bytes_out *out, uint64_t *inout_at, pq_chunk *ret, vonk_error *err);

/* ---- write_values.c: PLAIN bytes of values behind `out` */
vonk_status vonk__pq_put_values(const pq_out_leaf *leaf, const vonk_column *values, const uint32_t *rows, uint32_t n, vonk_buf *out, vonk_error *err);

/* ---- write_bounds.c */
void        vonk__pq_bounds_init(pq_bounds *b, vonk_budget *budget);
void        vonk__pq_bounds_done(pq_bounds *b);
void        vonk__pq_bounds_reset(pq_bounds *b);
/* n PLAIN values. */
vonk_status vonk__pq_bounds_add(pq_bounds *b, const pq_out_leaf *leaf, const char *plain, size_t bytes, vonk_error *err);
vonk_status vonk__pq_bounds_join(pq_bounds *b, const pq_bounds *with, const pq_out_leaf *leaf, vonk_error *err);
int         vonk__pq_bounds_compare(const pq_out_leaf *leaf, vonk_str a, vonk_str b);
/* At most `most` bytes that are still bounds; false: cannot be said so shortly. */
bool vonk__pq_bounds_cut(const pq_out_leaf *leaf, vonk_str *inout_min, vonk_str *inout_max, size_t most, vonk_arena *arena, vonk_error *err);

/* ---- the schema (write_schema.c) */
typedef struct pq_out_node pq_out_node;
struct pq_out_node {
    const vonk_type *type; /* borrowed */
    bool             optional;
    bool             list; /* array or map: children are elements, or keys and values */
    uint16_t         element_rep; /* list */
    uint32_t         leaf; /* PQ_NO_CHILD: a group */
    uint32_t         n_children;
    pq_out_node     *children;
};
#define PQ_NO_CHILD UINT32_MAX
typedef VONK_VEC(pq_element) pq_elements;
typedef struct pq_out_leaf_spec {
    const vonk_type *type;
    VONK_THRIFT_LIST(vonk_str) path;
    uint8_t  put, physical;
    uint16_t max_def, max_rep;
    uint32_t fixed_bytes;
} pq_out_leaf_spec;
typedef VONK_VEC(pq_out_leaf_spec) pq_out_leaf_specs;
vonk_status vonk__pq_out_schema(vonk_arena *arena, const vonk_type *struct_type, const vonk_parquet_write_options *options, pq_out_node *ret_root,
                                pq_elements *elements, pq_out_leaf_specs *leaves, vonk_error *err);

/* ---- write_shred.c: rows of a column into its leaves. idx: rows of the FLAT or nested column. */
vonk_status vonk__pq_shred(vonk_budget *budget, pq_out_leaf *leaves, const pq_out_node *node, const vonk_column *column, const uint32_t *idx, uint32_t n,
                           vonk_error *err);

#endif
