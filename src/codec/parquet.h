/* codec/parquet.h -- Parquet files: metadata, scanning of row groups, pruning, writing.
 *
 *   meta     a file's footer, immutable, reference-counted, shared between threads and queries (worth caching by path, size and time)
 *   scan     one row group read by one thread: windows of rows, columns on demand
 *   window   up to N neighbouring rows; each column is decoded for it when it is asked for, only for the rows that are asked for
 *   term     a simple condition used to leave out rows; what is kept may still fail it
 *   range    neighbouring rows of a row group, counted from its first
 *
 * The file is foreign: everything is checked, a lie is MALFORMED_INPUT with the file's path. Errors of the file's reader are forwarded.
 *
 * Late materialisation: vonk_parquet_scan_next() fixes a window without reading anything; ask for the columns of the filter, evaluate it, then
 * ask for the others with the selected rows only. What is never asked for is never decoded; pages without a wanted row are not decompressed, and
 * with an offset index not read. */
#ifndef VONK_CODEC_PARQUET_H
#define VONK_CODEC_PARQUET_H

#include "base/arena.h"
#include "codec/bytes.h"
#include "codec/compress.h"
#include "column/batch.h"

/* ---- options of reading: how Parquet's types become Spark's */
typedef enum vonk_parquet_rebase { /* dates before 1582-10-15 and timestamps before 1900 in files that do not say who wrote them */
    VONK_PARQUET_CORRECTED,        /* as they are (Spark 4's default) */
    VONK_PARQUET_LEGACY,           /* from the hybrid Julian calendar */
    VONK_PARQUET_EXCEPTION         /* an error: INCONSISTENT_BEHAVIOR_CROSS_VERSION.READ_ANCIENT_DATETIME */
} vonk_parquet_rebase;

typedef struct vonk_parquet_options {
    bool case_sensitive;
    bool binary_as_string;          /* spark.sql.parquet.binaryAsString */
    bool int96_as_timestamp;        /* spark.sql.parquet.int96AsTimestamp */
    bool infer_timestamp_ntz;       /* spark.sql.parquet.inferTimestampNTZ.enabled */
    bool nanos_as_long;             /* spark.sql.legacy.parquet.nanosAsLong */
    bool field_ids;                 /* spark.sql.parquet.fieldId.read.enabled: fields with an id are matched by it */
    bool ignore_variant_annotation; /* spark.sql.parquet.ignoreVariantAnnotation */
    bool verify_checksums;
    vonk_parquet_rebase datetime_rebase, int96_rebase;
} vonk_parquet_options;
#define VONK_PARQUET_OPTIONS {.int96_as_timestamp = true, .infer_timestamp_ntz = true, .verify_checksums = true}

/* ---- metadata */
typedef struct vonk_parquet_meta vonk_parquet_meta;

/* `in` is only used during the call. The path of `in` is copied, for messages. */
vonk_status vonk_parquet_meta_read(vonk_budget *budget, const vonk_bytes_in *in, const vonk_parquet_options *options, vonk_parquet_meta **ret,
                                   vonk_error *err);
vonk_parquet_meta *vonk_parquet_meta_ref(vonk_parquet_meta *meta);
size_t             vonk_parquet_meta_bytes(const vonk_parquet_meta *meta); /* of memory */
void               vonk_parquet_meta_unref(vonk_parquet_meta *meta); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_parquet_meta, vonk_parquet_meta_unref)

/* The schema as Spark infers it: the one that Spark wrote into the file, else converted from Parquet's. A new reference.
 * PARQUET_TYPE_ILLEGAL, PARQUET_TYPE_NOT_SUPPORTED, ... for types that Spark refuses. */
vonk_status vonk_parquet_schema(const vonk_parquet_meta *meta, const vonk_type **ret_struct, vonk_error *err);
/* Spark's schema merging (mergeSchema): fields of `left`, then new ones of `right`. CANNOT_MERGE_SCHEMAS. A new reference. */
vonk_status vonk_parquet_merge_schemas(const vonk_type *left, const vonk_type *right, bool case_sensitive, const vonk_type **ret, vonk_error *err);

typedef struct vonk_parquet_row_group {
    uint64_t first_row, n_rows;
    uint64_t offset, bytes; /* in the file, compressed; Spark gives a row group to the split that holds its middle */
    uint64_t plain_bytes;   /* uncompressed */
} vonk_parquet_row_group;
uint64_t               vonk_parquet_n_rows(const vonk_parquet_meta *meta);
uint32_t               vonk_parquet_n_row_groups(const vonk_parquet_meta *meta);
vonk_parquet_row_group vonk_parquet_row_group_at(const vonk_parquet_meta *meta, uint32_t group);
vonk_str               vonk_parquet_created_by(const vonk_parquet_meta *meta);
/* False: no such key. */
bool vonk_parquet_key_value(const vonk_parquet_meta *meta, vonk_str key, vonk_str *ret_value);

/* What is known about a top-level column of a row group without reading it (for costs, and for MIN / MAX / COUNT without a scan). */
typedef struct vonk_parquet_column_stats {
    uint64_t     n_values, bytes, plain_bytes; /* n_values: nulls included */
    int64_t      n_nulls, n_distinct;          /* -1: unknown */
    vonk_column *min_max;                      /* NULL, or two rows of `type`: bounds of the values that are not null; the caller unrefs */
    bool         min_exact, max_exact;         /* the bound is a value of the column (never known for NaN-prone types) */
} vonk_parquet_column_stats;
/* A column that the file lacks, or that is nested: *ret is zeroed and n_nulls, n_distinct are -1. */
vonk_status vonk_parquet_column_stats_of(vonk_budget *budget, const vonk_parquet_meta *meta, uint32_t group, vonk_str column, const vonk_type *type,
                                         vonk_parquet_column_stats *ret, vonk_error *err);

/* ---- pruning */
typedef struct vonk_parquet_range {
    uint64_t from, n; /* rows of a row group */
} vonk_parquet_range;

typedef enum vonk_parquet_op {
    VONK_PARQUET_EQ,
    VONK_PARQUET_NE,
    VONK_PARQUET_LT,
    VONK_PARQUET_LE,
    VONK_PARQUET_GT,
    VONK_PARQUET_GE,
    VONK_PARQUET_IN,
    VONK_PARQUET_IS_NULL,
    VONK_PARQUET_IS_NOT_NULL,
    VONK_PARQUET_STARTS_WITH
} vonk_parquet_op;

typedef struct vonk_parquet_term {
    const vonk_str    *path; /* names from the top through structs: {"a", "b"} is a.b */
    uint32_t           n_path;
    vonk_parquet_op    op;
    const vonk_column *values; /* of the column's type as it is read; one row without null, IN: any number (nulls are ignored); NULL for IS ... */
    uint32_t           clause; /* terms of equal clause are OR-ed, clauses are AND-ed */
    bool               coarse; /* not worth reading a dictionary or a bloom filter for */
} vonk_parquet_term;

enum { /* what may be looked at; the later ones read from the file */
    VONK_PARQUET_USE_STATISTICS = 1,
    VONK_PARQUET_USE_PAGE_INDEX = 2,
    VONK_PARQUET_USE_BLOOM = 4,
    VONK_PARQUET_USE_DICTIONARY = 8,
    VONK_PARQUET_USE_ALL = 15
};

/* Rows of the group that may pass: ascending, apart, in the arena. *ret_n 0: the group can be left out. Damage in an index is not an error: it
 * is not used. */
vonk_status vonk_parquet_prune(vonk_arena *arena, const vonk_parquet_meta *meta, const vonk_bytes_in *in, uint32_t group, const vonk_parquet_term *terms,
                               size_t n_terms, unsigned use, const vonk_parquet_range **ret, size_t *ret_n, vonk_error *err);

/* ---- scanning */
typedef struct vonk_parquet_scan vonk_parquet_scan;

typedef struct vonk_parquet_scan_spec {
    uint32_t                  group;
    const vonk_type          *want;   /* struct: the columns, in order; nested structs may have fewer fields than the file's. Columns that the file
                                       * lacks are null. Types may be wider than the file's, as far as Spark's vectorised reader allows. */
    const vonk_parquet_range *ranges; /* NULL: all rows. Only used during the call. */
    size_t                    n_ranges;
    const bool               *flat;   /* per column: decode dictionaries (NULL: keep them all); only used during the call */
} vonk_parquet_scan_spec;

/* `in` and `meta` must outlive the scan (meta is referenced). PARQUET_COLUMN_DATA_TYPE_MISMATCH when a type cannot be read as the one wanted. */
vonk_status vonk_parquet_scan_new(vonk_budget *budget, const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_parquet_scan_spec *spec,
                                  vonk_parquet_scan **ret, vonk_error *err);
void        vonk_parquet_scan_free(vonk_parquet_scan *scan); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_parquet_scan, vonk_parquet_scan_free)

/* Bytes of the file that the scan will read for the columns with use[c] (NULL: all): ascending, apart, in the arena. For reading ahead. */
typedef struct vonk_byte_range {
    uint64_t offset, bytes;
} vonk_byte_range;
vonk_status vonk_parquet_scan_bytes(vonk_parquet_scan *scan, const bool *use, vonk_arena *arena, const vonk_byte_range **ret, size_t *ret_n, vonk_error *err);

/* Next window: at most max_rows rows, never across a gap between ranges. *ret_rows 0: the end. */
vonk_status vonk_parquet_scan_next(vonk_parquet_scan *scan, uint32_t max_rows, uint32_t *ret_rows, vonk_error *err);
/* Number in the file of the window's first row. */
uint64_t vonk_parquet_scan_row(const vonk_parquet_scan *scan);
/* Column c of the window: rows.n rows, row k being the window's row rows.idx[k] (NULL idx: rows.n must be the window's). Each column at most once a window. */
vonk_status vonk_parquet_scan_column(vonk_parquet_scan *scan, uint32_t c, vonk_rows rows, vonk_column **ret, vonk_error *err);
/* All columns of the window. */
vonk_status vonk_parquet_scan_batch(vonk_parquet_scan *scan, vonk_batch **ret, vonk_error *err);

/* ---- writing */
typedef struct vonk_parquet_writer vonk_parquet_writer;

typedef enum vonk_parquet_timestamps { /* spark.sql.parquet.outputTimestampType */
    VONK_PARQUET_INT96,                /* Spark's default */
    VONK_PARQUET_MICROS,
    VONK_PARQUET_MILLIS
} vonk_parquet_timestamps;

typedef struct vonk_parquet_pair {
    vonk_str key, value;
} vonk_parquet_pair;

typedef struct vonk_parquet_write_options {
    vonk_compression         compression;
    int32_t                  level;
    vonk_parquet_timestamps  timestamps;
    bool                     legacy_format;     /* spark.sql.parquet.writeLegacyFormat */
    bool                     v2;                /* data pages of version 2 with delta encodings (parquet.writer.version) */
    bool                     dictionary;        /* until it outgrows dictionary_bytes, or does not pay on the first page */
    bool                     field_ids;         /* "parquet.field.id" of the fields' metadata becomes the field id */
    bool                     page_index, checksums;
    uint64_t                 row_group_bytes;   /* about, compressed */
    uint32_t                 page_bytes, page_rows, dictionary_bytes;
    const vonk_str          *bloom_columns;     /* dotted paths of leaves that get a bloom filter */
    size_t                   n_bloom_columns;
    double                   bloom_fpp;
    const vonk_parquet_pair *pairs;             /* further key-value metadata */
    size_t                   n_pairs;
} vonk_parquet_write_options;
/* Spark's defaults. */
#define VONK_PARQUET_WRITE_OPTIONS                                                                                                                  \
    {.compression = VONK_COMPRESS_SNAPPY, .level = VONK_COMPRESS_LEVEL_DEFAULT, .dictionary = true, .field_ids = true, .page_index = true,          \
     .checksums = true, .row_group_bytes = 128u << 20, .page_bytes = 1u << 20, .page_rows = 20000, .dictionary_bytes = 1u << 20, .bloom_fpp = 0.01}

typedef struct vonk_parquet_written {
    uint64_t n_rows, bytes;
    uint32_t n_row_groups;
} vonk_parquet_written;

/* `out` must outlive the writer; options are only used during the call. The schema is written as Spark writes it: its JSON form is among the
 * metadata. Calendar intervals and empty structs: UNSUPPORTED_FEATURE. */
vonk_status vonk_parquet_writer_new(vonk_budget *budget, const vonk_bytes_out *out, const vonk_type *struct_type, const vonk_parquet_write_options *options,
                                    vonk_parquet_writer **ret, vonk_error *err);
void        vonk_parquet_writer_free(vonk_parquet_writer *writer); /* NULL is fine; what was not closed is no Parquet file */
VONK_DEFINE_AUTO(vonk_parquet_writer, vonk_parquet_writer_free)
/* The batch's columns have the types of the schema's fields. A null in a field that is not nullable is an INTERNAL_ERROR. */
vonk_status vonk_parquet_writer_write(vonk_parquet_writer *writer, const vonk_batch *batch, vonk_error *err);
/* Last row group, indexes, footer. Nothing may be written afterwards. */
vonk_status vonk_parquet_writer_close(vonk_parquet_writer *writer, vonk_parquet_written *ret, vonk_error *err);

#endif
