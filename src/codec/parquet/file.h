/* codec/parquet/file.h -- inside codec: a footer made usable: the schema as a tree with levels, Spark's types of its nodes. */
#ifndef VONK_CODEC_PARQUET_FILE_H
#define VONK_CODEC_PARQUET_FILE_H

#include "codec/parquet.h"
#include "codec/parquet/meta.h"

#define PQ_MAX_DEPTH     300         /* nodes from root to leaf; a Spark array takes up to three */
#define PQ_MAX_FOOTER    (512u << 20)
#define PQ_NO_LEAF       UINT32_MAX

typedef enum pq_annotation { /* logical type, or the converted type of old files */
    PQ_ANN_NONE,
    PQ_ANN_STRING,
    PQ_ANN_ENUM,
    PQ_ANN_JSON,
    PQ_ANN_BSON,
    PQ_ANN_UUID,
    PQ_ANN_DECIMAL,
    PQ_ANN_DATE,
    PQ_ANN_TIME,
    PQ_ANN_TIMESTAMP,
    PQ_ANN_INT,
    PQ_ANN_INTERVAL,
    PQ_ANN_FLOAT16,
    PQ_ANN_UNKNOWN,
    PQ_ANN_LIST,
    PQ_ANN_MAP,
    PQ_ANN_MAP_KEY_VALUE,
    PQ_ANN_VARIANT,
    PQ_ANN_GEOMETRY,
    PQ_ANN_GEOGRAPHY,
    PQ_N_ANNOTATION
} pq_annotation;

typedef enum pq_unit { PQ_MILLIS, PQ_MICROS, PQ_NANOS } pq_unit;

typedef struct pq_node pq_node;
struct pq_node {
    vonk_str       name;
    const pq_node *parent; /* NULL: the message itself */
    const pq_node *children;
    uint32_t       n_children; /* 0: leaf, except for an empty message */
    uint32_t       first_leaf, n_leaves;
    int32_t        field_id;     /* has_id only */
    int32_t        fixed_bytes;  /* PQ_FIXED only */
    int32_t        precision, scale;
    uint16_t       max_def, max_rep; /* of this node: levels at which it is there and not null; how many repeated ancestors, itself included */
    uint8_t        physical;         /* pq_physical; leaves */
    uint8_t        repetition;       /* pq_repetition */
    uint8_t        annotation;       /* pq_annotation */
    uint8_t        unit, int_bits;   /* TIME, TIMESTAMP; INT */
    bool           has_id, utc, is_signed, leaf;
};

struct vonk_parquet_meta {
    _Atomic int64_t      refs;
    vonk_budget         *budget;
    vonk_arena          *arena;
    const char          *path; /* for messages */
    pq_file_meta         file;
    vonk_parquet_options options;
    const pq_node       *root;
    const pq_node      **leaves;
    uint32_t             n_leaves;
    uint64_t             data_end;   /* where the footer begins */
    uint64_t            *first_rows; /* of each row group, and one past the last */
    vonk_parquet_rebase  datetime_rebase, int96_rebase;
    bool                 rebase_utc; /* the file's writer was in UTC (matters only for rebasing timestamps) */
};

/* schema_tree.c: checks the schema elements and makes root and leaves. */
vonk_status vonk__pq_make_tree(vonk_parquet_meta *meta, vonk_error *err);
/* What a Parquet list or map is made of. A repeated field outside of both is a list whose element it is itself. */
typedef struct pq_list {
    const pq_node *repeated, *element; /* the same node in two-level lists */
} pq_list;
vonk_status vonk__pq_list_of(const vonk_parquet_meta *meta, const pq_node *node, pq_list *ret, vonk_error *err);
typedef struct pq_map {
    const pq_node *repeated, *key, *value;
} pq_map;
vonk_status vonk__pq_map_of(const vonk_parquet_meta *meta, const pq_node *node, pq_map *ret, vonk_error *err);
/* "INT64 (TIMESTAMP(NANOS,true))", the name that Parquet's own Java library gives; alive until the block ends. */
#define PQ_TYPE_TEXT(node) vonk__pq_type_text((node), (char[256]){0}, 256)
const char *vonk__pq_type_text(const pq_node *node, char *into, size_t bytes);
extern const char *const vonk__pq_physical_names[PQ_N_PHYSICAL];

/* schema_spark.c: Spark's type of a node (new reference). The node's own repetition is left to the caller. */
vonk_status vonk__pq_spark_type(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type **ret, vonk_error *err);

/* Index of the child that Spark matches with a field: by id when ids are used and the field has one, else by name. -1: none. An error when the names
 * of several fit. */
vonk_status vonk__pq_find_child(const vonk_parquet_meta *meta, const pq_node *node, const vonk_field *field, int32_t *ret, vonk_error *err);

static inline vonk_cursor vonk__pq_cursor(const vonk_parquet_meta *meta, const void *data, size_t bytes)
{
    return vonk_cursor_of(data, bytes, meta->path);
}
/* MALFORMED_INPUT with the file's path. */
static inline vonk_status vonk__pq_fail(const vonk_parquet_meta *meta, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", meta->path, "problem", problem);
}

#endif
