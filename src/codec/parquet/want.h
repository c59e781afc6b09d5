/* codec/parquet/want.h -- inside codec: what a scan wants of a file: the wanted type matched with the file's schema, as a tree over leaves, and the
 * building of nested columns from levels.
 *
 * Places: a node has a place (a value or a null) for each entry of its leaves' levels with rep <= place_rep and def >= place_def; these are the levels
 * of the nearest list around it (0 and 0 at the top: one place per row). */
#ifndef VONK_CODEC_PARQUET_WANT_H
#define VONK_CODEC_PARQUET_WANT_H

#include "base/vec.h"
#include "codec/parquet/leaf.h"

typedef enum pq_want_kind {
    PQ_WANT_MISSING, /* the file lacks it: null */
    PQ_WANT_LEAF,
    PQ_WANT_STRUCT,
    PQ_WANT_LIST,    /* arrays; maps have two children */
    PQ_WANT_VARIANT  /* children: metadata, value, typed_value (missing unless shredded) */
} pq_want_kind;

typedef struct pq_want pq_want;
struct pq_want {
    uint8_t          kind;
    const vonk_type *type;  /* borrowed from the scan's wanted type */
    const pq_node   *node;  /* NULL when missing */
    uint16_t         place_rep, place_def;
    uint16_t         valid_def;              /* not null: def >= valid_def */
    uint16_t         element_rep, element_def; /* LIST: an element begins at entries with rep <= element_rep and def >= element_def */
    uint32_t         leaf;                   /* LEAF: itself; else a leaf below whose levels tell about this node; PQ_NO_LEAF: none is needed */
    uint32_t         n_children;
    pq_want         *children;
};

/* A leaf to be read and how. */
typedef struct pq_want_leaf {
    const pq_node   *node;
    const vonk_type *type; /* NULL: levels only */
    uint16_t         place_def;
} pq_want_leaf;
typedef VONK_VEC(pq_want_leaf) pq_want_leaves;

/* The top-level column `field` of the file. Leaves are appended. Memory: the arena. */
vonk_status vonk__pq_want_field(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_field *field, pq_want *ret, pq_want_leaves *leaves,
                                vonk_error *err);

/* What was read for a leaf: values per place, and levels. */
typedef struct pq_read {
    vonk_column *values; /* NULL: levels only */
    pq_levels    levels;
} pq_read;
/* The column of `want` over n places; reads[leaf - first_leaf]. */
vonk_status vonk__pq_build(vonk_budget *budget, const vonk_parquet_meta *meta, const pq_want *want, const pq_read *reads, uint32_t first_leaf, uint32_t n,
                           vonk_column **ret, vonk_error *err);

#endif
