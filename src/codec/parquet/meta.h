/* codec/parquet/meta.h -- inside codec: the Thrift structs of Parquet's metadata (github.com/apache/parquet-format, parquet.thrift) as C structs
 * and their tables. `has` bit i belongs to the i-th field of the table, which stands in the same order as the members; PQ_HAS(s, i). */
#ifndef VONK_CODEC_PARQUET_META_H
#define VONK_CODEC_PARQUET_META_H

#include "codec/compress.h"
#include "codec/thrift.h"

#define PQ_HAS(s, bit) (((s).has >> (bit)) & 1)

typedef enum pq_physical {
    PQ_BOOLEAN,
    PQ_INT32,
    PQ_INT64,
    PQ_INT96,
    PQ_FLOAT,
    PQ_DOUBLE,
    PQ_BYTE_ARRAY,
    PQ_FIXED,
    PQ_N_PHYSICAL
} pq_physical;

typedef enum pq_repetition { PQ_REQUIRED, PQ_OPTIONAL, PQ_REPEATED } pq_repetition;

typedef enum pq_encoding {
    PQ_PLAIN = 0,
    PQ_PLAIN_DICTIONARY = 2,
    PQ_RLE = 3,
    PQ_BIT_PACKED = 4,
    PQ_DELTA_BINARY_PACKED = 5,
    PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    PQ_DELTA_BYTE_ARRAY = 7,
    PQ_RLE_DICTIONARY = 8,
    PQ_BYTE_STREAM_SPLIT = 9
} pq_encoding;

typedef enum pq_page_type { PQ_DATA_PAGE, PQ_INDEX_PAGE, PQ_DICTIONARY_PAGE, PQ_DATA_PAGE_V2 } pq_page_type;

typedef enum pq_converted {
    PQ_CONV_UTF8,
    PQ_CONV_MAP,
    PQ_CONV_MAP_KEY_VALUE,
    PQ_CONV_LIST,
    PQ_CONV_ENUM,
    PQ_CONV_DECIMAL,
    PQ_CONV_DATE,
    PQ_CONV_TIME_MILLIS,
    PQ_CONV_TIME_MICROS,
    PQ_CONV_TIMESTAMP_MILLIS,
    PQ_CONV_TIMESTAMP_MICROS,
    PQ_CONV_UINT_8,
    PQ_CONV_UINT_16,
    PQ_CONV_UINT_32,
    PQ_CONV_UINT_64,
    PQ_CONV_INT_8,
    PQ_CONV_INT_16,
    PQ_CONV_INT_32,
    PQ_CONV_INT_64,
    PQ_CONV_JSON,
    PQ_CONV_BSON,
    PQ_CONV_INTERVAL
} pq_converted;

typedef struct pq_empty {
    uint32_t has;
} pq_empty;

typedef struct pq_decimal_type {
    uint32_t has;
    int32_t  scale, precision;
} pq_decimal_type;

typedef struct pq_time_unit { /* union; bits: millis, micros, nanos */
    uint32_t has;
    pq_empty millis, micros, nanos;
} pq_time_unit;

typedef struct pq_time_type { /* TIME and TIMESTAMP */
    uint32_t     has;
    bool         utc;
    pq_time_unit unit;
} pq_time_type;

typedef struct pq_int_type {
    uint32_t has;
    int8_t   bits;
    bool     is_signed;
} pq_int_type;

typedef struct pq_variant_type {
    uint32_t has;
    int8_t   version;
} pq_variant_type;

typedef struct pq_geo_type { /* GEOMETRY and GEOGRAPHY */
    uint32_t has;
    vonk_str crs;
    int32_t  algorithm;
} pq_geo_type;

enum { /* bits of pq_logical.has, in table order */
    PQ_LOGICAL_STRING,
    PQ_LOGICAL_MAP,
    PQ_LOGICAL_LIST,
    PQ_LOGICAL_ENUM,
    PQ_LOGICAL_DECIMAL,
    PQ_LOGICAL_DATE,
    PQ_LOGICAL_TIME,
    PQ_LOGICAL_TIMESTAMP,
    PQ_LOGICAL_INTEGER,
    PQ_LOGICAL_UNKNOWN,
    PQ_LOGICAL_JSON,
    PQ_LOGICAL_BSON,
    PQ_LOGICAL_UUID,
    PQ_LOGICAL_FLOAT16,
    PQ_LOGICAL_VARIANT,
    PQ_LOGICAL_GEOMETRY,
    PQ_LOGICAL_GEOGRAPHY
};
typedef struct pq_logical { /* union */
    uint32_t        has;
    pq_empty        nothing; /* of all cases without parameters */
    pq_decimal_type decimal;
    pq_time_type    time, timestamp;
    pq_int_type     integer;
    pq_variant_type variant;
    pq_geo_type     geometry, geography;
} pq_logical;

enum { PQ_EL_TYPE, PQ_EL_LENGTH, PQ_EL_REPETITION, PQ_EL_NAME, PQ_EL_CHILDREN, PQ_EL_CONVERTED, PQ_EL_SCALE, PQ_EL_PRECISION, PQ_EL_ID, PQ_EL_LOGICAL };
typedef struct pq_element { /* SchemaElement */
    uint32_t   has;
    int32_t    type, length, repetition;
    vonk_str   name;
    int32_t    n_children, converted, scale, precision, field_id;
    pq_logical logical;
} pq_element;

enum { PQ_STAT_OLD_MAX, PQ_STAT_OLD_MIN, PQ_STAT_NULLS, PQ_STAT_DISTINCT, PQ_STAT_MAX, PQ_STAT_MIN, PQ_STAT_MAX_EXACT, PQ_STAT_MIN_EXACT };
typedef struct pq_statistics {
    uint32_t has;
    vonk_str old_max, old_min; /* deprecated: signed comparison whatever the type */
    int64_t  n_nulls, n_distinct;
    vonk_str max, min;
    bool     max_exact, min_exact;
} pq_statistics;

typedef struct pq_key_value {
    uint32_t has;
    vonk_str key, value;
} pq_key_value;

typedef struct pq_page_encoding {
    uint32_t has;
    int32_t  page_type, encoding, count;
} pq_page_encoding;

enum {
    PQ_COL_TYPE,
    PQ_COL_ENCODINGS,
    PQ_COL_PATH,
    PQ_COL_CODEC,
    PQ_COL_N_VALUES,
    PQ_COL_PLAIN_BYTES,
    PQ_COL_BYTES,
    PQ_COL_KEY_VALUES,
    PQ_COL_DATA_AT,
    PQ_COL_INDEX_AT,
    PQ_COL_DICT_AT,
    PQ_COL_STATISTICS,
    PQ_COL_PAGE_ENCODINGS,
    PQ_COL_BLOOM_AT,
    PQ_COL_BLOOM_BYTES
};
typedef struct pq_column_meta {
    uint32_t                           has;
    int32_t                            type;
    VONK_THRIFT_LIST(int32_t)          encodings;
    VONK_THRIFT_LIST(vonk_str)         path;
    int32_t                            codec;
    int64_t                            n_values, plain_bytes, bytes;
    VONK_THRIFT_LIST(pq_key_value)     key_values;
    int64_t                            data_at, index_at, dict_at;
    pq_statistics                      statistics;
    VONK_THRIFT_LIST(pq_page_encoding) page_encodings;
    int64_t                            bloom_at;
    int32_t                            bloom_bytes;
} pq_column_meta;

enum { PQ_CHUNK_PATH, PQ_CHUNK_OFFSET, PQ_CHUNK_META, PQ_CHUNK_OI_AT, PQ_CHUNK_OI_BYTES, PQ_CHUNK_CI_AT, PQ_CHUNK_CI_BYTES, PQ_CHUNK_CRYPTO };
typedef struct pq_chunk {
    uint32_t       has;
    vonk_str       file_path;
    int64_t        file_offset;
    pq_column_meta meta;
    int64_t        offset_index_at;
    int32_t        offset_index_bytes;
    int64_t        column_index_at;
    int32_t        column_index_bytes;
    pq_empty       crypto;
} pq_chunk;

typedef struct pq_sorting {
    uint32_t has;
    int32_t  column;
    bool     descending, nulls_first;
} pq_sorting;

enum { PQ_RG_CHUNKS, PQ_RG_BYTES, PQ_RG_ROWS, PQ_RG_SORTING, PQ_RG_OFFSET, PQ_RG_PACKED_BYTES, PQ_RG_ORDINAL };
typedef struct pq_row_group {
    uint32_t                     has;
    VONK_THRIFT_LIST(pq_chunk)   chunks;
    int64_t                      total_bytes, n_rows;
    VONK_THRIFT_LIST(pq_sorting) sorting;
    int64_t                      file_offset, compressed_bytes;
    int16_t                      ordinal;
} pq_row_group;

typedef struct pq_column_order { /* union: bit 0 = by type, bit 1 = IEEE 754 total order */
    uint32_t has;
    pq_empty by_type, ieee754;
} pq_column_order;

enum { PQ_FILE_VERSION, PQ_FILE_SCHEMA, PQ_FILE_ROWS, PQ_FILE_GROUPS, PQ_FILE_KEY_VALUES, PQ_FILE_CREATED_BY, PQ_FILE_ORDERS, PQ_FILE_CRYPTO };
typedef struct pq_file_meta {
    uint32_t                          has;
    int32_t                           version;
    VONK_THRIFT_LIST(pq_element)      schema;
    int64_t                           n_rows;
    VONK_THRIFT_LIST(pq_row_group)    groups;
    VONK_THRIFT_LIST(pq_key_value)    key_values;
    vonk_str                          created_by;
    VONK_THRIFT_LIST(pq_column_order) orders;
    pq_empty                          crypto;
} pq_file_meta;

/* ---- pages */
typedef struct pq_data_v1 {
    uint32_t      has;
    int32_t       n_values, encoding, def_encoding, rep_encoding;
    pq_statistics statistics;
} pq_data_v1;

typedef struct pq_dict_head {
    uint32_t has;
    int32_t  n_values, encoding;
    bool     sorted;
} pq_dict_head;

enum { PQ_V2_VALUES, PQ_V2_NULLS, PQ_V2_ROWS, PQ_V2_ENCODING, PQ_V2_DEF_BYTES, PQ_V2_REP_BYTES, PQ_V2_COMPRESSED, PQ_V2_STATISTICS };
typedef struct pq_data_v2 {
    uint32_t      has;
    int32_t       n_values, n_nulls, n_rows, encoding, def_bytes, rep_bytes;
    bool          compressed; /* true when absent */
    pq_statistics statistics;
} pq_data_v2;

enum { PQ_PAGE_TYPE, PQ_PAGE_PLAIN_BYTES, PQ_PAGE_BYTES, PQ_PAGE_CRC, PQ_PAGE_V1, PQ_PAGE_INDEX, PQ_PAGE_DICT, PQ_PAGE_V2 };
typedef struct pq_page_head {
    uint32_t     has;
    int32_t      type, plain_bytes, bytes, crc;
    pq_data_v1   v1;
    pq_empty     index;
    pq_dict_head dict;
    pq_data_v2   v2;
} pq_page_head;

/* ---- indexes */
typedef struct pq_page_place {
    uint32_t has;
    int64_t  at;
    int32_t  bytes; /* header included */
    int64_t  first_row;
} pq_page_place;

typedef struct pq_offset_index {
    uint32_t                        has;
    VONK_THRIFT_LIST(pq_page_place) pages;
    VONK_THRIFT_LIST(int64_t)       byte_array_bytes;
} pq_offset_index;

typedef enum pq_boundary { PQ_UNORDERED, PQ_ASCENDING, PQ_DESCENDING } pq_boundary;
enum { PQ_CI_NULL_PAGES, PQ_CI_MIN, PQ_CI_MAX, PQ_CI_ORDER, PQ_CI_NULLS };
typedef struct pq_column_index {
    uint32_t                   has;
    VONK_THRIFT_LIST(bool)     null_pages;
    VONK_THRIFT_LIST(vonk_str) min, max;
    int32_t                    order;
    VONK_THRIFT_LIST(int64_t)  n_nulls;
} pq_column_index;

/* ---- bloom filters. Each union has one known case, which is what `has` tells. */
typedef struct pq_one_case {
    uint32_t has;
    pq_empty known;
} pq_one_case;

typedef struct pq_bloom_head {
    uint32_t    has;
    int32_t     n_bytes;
    pq_one_case algorithm, hash, compression; /* split block; XXH64; none */
} pq_bloom_head;

extern const vonk_thrift_struct vonk__pq_file_meta, vonk__pq_page_head, vonk__pq_offset_index, vonk__pq_column_index, vonk__pq_bloom_head;

#endif
