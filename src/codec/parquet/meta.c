#include "codec/parquet/meta.h"

#define FIELD(id, type, member, kind, required) {id, offsetof(type, member), VONK_THRIFT_##kind, 0, required, NULL}
#define STRUCT(id, type, member, required, of) {id, offsetof(type, member), VONK_THRIFT_STRUCT, 0, required, of}
#define LIST(id, type, member, each, required, of)                                                                     \
    {id, offsetof(type, member), VONK_THRIFT_LIST, VONK_THRIFT_##each, required, of}
#define TABLE(name, fields, type) {name, fields, VONK_COUNTOF(fields), sizeof(type)}

static const vonk_thrift_struct s_pq_empty = {"empty struct", NULL, 0, sizeof(pq_empty)};

static const vonk_thrift_field f_pq_decimal_type[] = {
    FIELD(1, pq_decimal_type, scale, I32, true),
    FIELD(2, pq_decimal_type, precision, I32, true),
};
static const vonk_thrift_struct s_pq_decimal_type = TABLE("DecimalType", f_pq_decimal_type, pq_decimal_type);

static const vonk_thrift_field f_pq_time_unit[] = {
    STRUCT(1, pq_time_unit, millis, false, &s_pq_empty),
    STRUCT(2, pq_time_unit, micros, false, &s_pq_empty),
    STRUCT(3, pq_time_unit, nanos, false, &s_pq_empty),
};
static const vonk_thrift_struct s_pq_time_unit = TABLE("TimeUnit", f_pq_time_unit, pq_time_unit);

static const vonk_thrift_field f_pq_time_type[] = {
    FIELD(1, pq_time_type, utc, BOOL, true),
    STRUCT(2, pq_time_type, unit, true, &s_pq_time_unit),
};
static const vonk_thrift_struct s_pq_time_type = TABLE("TimeType", f_pq_time_type, pq_time_type);

static const vonk_thrift_field f_pq_int_type[] = {
    FIELD(1, pq_int_type, bits, I8, true),
    FIELD(2, pq_int_type, is_signed, BOOL, true),
};
static const vonk_thrift_struct s_pq_int_type = TABLE("IntType", f_pq_int_type, pq_int_type);

static const vonk_thrift_field f_pq_variant_type[] = {
    FIELD(1, pq_variant_type, version, I8, false),
};
static const vonk_thrift_struct s_pq_variant_type = TABLE("VariantType", f_pq_variant_type, pq_variant_type);

static const vonk_thrift_field f_pq_geo_type[] = {
    FIELD(1, pq_geo_type, crs, BINARY, false),
    FIELD(2, pq_geo_type, algorithm, I32, false),
};
static const vonk_thrift_struct s_pq_geo_type = TABLE("GeometryType", f_pq_geo_type, pq_geo_type);

static const vonk_thrift_field f_pq_logical[] = {
    STRUCT(1, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(2, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(3, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(4, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(5, pq_logical, decimal, false, &s_pq_decimal_type),
    STRUCT(6, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(7, pq_logical, time, false, &s_pq_time_type),
    STRUCT(8, pq_logical, timestamp, false, &s_pq_time_type),
    STRUCT(10, pq_logical, integer, false, &s_pq_int_type),
    STRUCT(11, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(12, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(13, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(14, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(15, pq_logical, nothing, false, &s_pq_empty),
    STRUCT(16, pq_logical, variant, false, &s_pq_variant_type),
    STRUCT(17, pq_logical, geometry, false, &s_pq_geo_type),
    STRUCT(18, pq_logical, geography, false, &s_pq_geo_type),
};
static const vonk_thrift_struct s_pq_logical = TABLE("LogicalType", f_pq_logical, pq_logical);

static const vonk_thrift_field f_pq_element[] = {
    FIELD(1, pq_element, type, I32, false),       FIELD(2, pq_element, length, I32, false),
    FIELD(3, pq_element, repetition, I32, false), FIELD(4, pq_element, name, BINARY, true),
    FIELD(5, pq_element, n_children, I32, false), FIELD(6, pq_element, converted, I32, false),
    FIELD(7, pq_element, scale, I32, false),      FIELD(8, pq_element, precision, I32, false),
    FIELD(9, pq_element, field_id, I32, false),   STRUCT(10, pq_element, logical, false, &s_pq_logical),
};
static const vonk_thrift_struct s_pq_element = TABLE("SchemaElement", f_pq_element, pq_element);

static const vonk_thrift_field f_pq_statistics[] = {
    FIELD(1, pq_statistics, old_max, BINARY, false), FIELD(2, pq_statistics, old_min, BINARY, false),
    FIELD(3, pq_statistics, n_nulls, I64, false),    FIELD(4, pq_statistics, n_distinct, I64, false),
    FIELD(5, pq_statistics, max, BINARY, false),     FIELD(6, pq_statistics, min, BINARY, false),
    FIELD(7, pq_statistics, max_exact, BOOL, false), FIELD(8, pq_statistics, min_exact, BOOL, false),
};
static const vonk_thrift_struct s_pq_statistics = TABLE("Statistics", f_pq_statistics, pq_statistics);

static const vonk_thrift_field f_pq_key_value[] = {
    FIELD(1, pq_key_value, key, BINARY, true),
    FIELD(2, pq_key_value, value, BINARY, false),
};
static const vonk_thrift_struct s_pq_key_value = TABLE("KeyValue", f_pq_key_value, pq_key_value);

static const vonk_thrift_field f_pq_page_encoding[] = {
    FIELD(1, pq_page_encoding, page_type, I32, true),
    FIELD(2, pq_page_encoding, encoding, I32, true),
    FIELD(3, pq_page_encoding, count, I32, true),
};
static const vonk_thrift_struct s_pq_page_encoding = TABLE("PageEncodingStats", f_pq_page_encoding, pq_page_encoding);

static const vonk_thrift_field f_pq_column_meta[] = {
    FIELD(1, pq_column_meta, type, I32, true),
    LIST(2, pq_column_meta, encodings, I32, true, NULL),
    LIST(3, pq_column_meta, path, BINARY, true, NULL),
    FIELD(4, pq_column_meta, codec, I32, true),
    FIELD(5, pq_column_meta, n_values, I64, true),
    FIELD(6, pq_column_meta, plain_bytes, I64, true),
    FIELD(7, pq_column_meta, bytes, I64, true),
    LIST(8, pq_column_meta, key_values, STRUCT, false, &s_pq_key_value),
    FIELD(9, pq_column_meta, data_at, I64, true),
    FIELD(10, pq_column_meta, index_at, I64, false),
    FIELD(11, pq_column_meta, dict_at, I64, false),
    STRUCT(12, pq_column_meta, statistics, false, &s_pq_statistics),
    LIST(13, pq_column_meta, page_encodings, STRUCT, false, &s_pq_page_encoding),
    FIELD(14, pq_column_meta, bloom_at, I64, false),
    FIELD(15, pq_column_meta, bloom_bytes, I32, false),
};
static const vonk_thrift_struct s_pq_column_meta = TABLE("ColumnMetaData", f_pq_column_meta, pq_column_meta);

static const vonk_thrift_field f_pq_chunk[] = {
    FIELD(1, pq_chunk, file_path, BINARY, false),        FIELD(2, pq_chunk, file_offset, I64, false),
    STRUCT(3, pq_chunk, meta, false, &s_pq_column_meta), FIELD(4, pq_chunk, offset_index_at, I64, false),
    FIELD(5, pq_chunk, offset_index_bytes, I32, false),  FIELD(6, pq_chunk, column_index_at, I64, false),
    FIELD(7, pq_chunk, column_index_bytes, I32, false),  STRUCT(8, pq_chunk, crypto, false, &s_pq_empty),
};
static const vonk_thrift_struct s_pq_chunk = TABLE("ColumnChunk", f_pq_chunk, pq_chunk);

static const vonk_thrift_field f_pq_sorting[] = {
    FIELD(1, pq_sorting, column, I32, true),
    FIELD(2, pq_sorting, descending, BOOL, true),
    FIELD(3, pq_sorting, nulls_first, BOOL, true),
};
static const vonk_thrift_struct s_pq_sorting = TABLE("SortingColumn", f_pq_sorting, pq_sorting);

static const vonk_thrift_field f_pq_row_group[] = {
    LIST(1, pq_row_group, chunks, STRUCT, true, &s_pq_chunk),
    FIELD(2, pq_row_group, total_bytes, I64, true),
    FIELD(3, pq_row_group, n_rows, I64, true),
    LIST(4, pq_row_group, sorting, STRUCT, false, &s_pq_sorting),
    FIELD(5, pq_row_group, file_offset, I64, false),
    FIELD(6, pq_row_group, compressed_bytes, I64, false),
    FIELD(7, pq_row_group, ordinal, I16, false),
};
static const vonk_thrift_struct s_pq_row_group = TABLE("RowGroup", f_pq_row_group, pq_row_group);

static const vonk_thrift_field f_pq_column_order[] = {
    STRUCT(1, pq_column_order, by_type, false, &s_pq_empty),
    STRUCT(2, pq_column_order, ieee754, false, &s_pq_empty),
};
static const vonk_thrift_struct s_pq_column_order = TABLE("ColumnOrder", f_pq_column_order, pq_column_order);

static const vonk_thrift_field f_pq_file_meta[] = {
    FIELD(1, pq_file_meta, version, I32, true),
    LIST(2, pq_file_meta, schema, STRUCT, true, &s_pq_element),
    FIELD(3, pq_file_meta, n_rows, I64, true),
    LIST(4, pq_file_meta, groups, STRUCT, true, &s_pq_row_group),
    LIST(5, pq_file_meta, key_values, STRUCT, false, &s_pq_key_value),
    FIELD(6, pq_file_meta, created_by, BINARY, false),
    LIST(7, pq_file_meta, orders, STRUCT, false, &s_pq_column_order),
    STRUCT(8, pq_file_meta, crypto, false, &s_pq_empty),
};
const vonk_thrift_struct vonk__pq_file_meta = TABLE("FileMetaData", f_pq_file_meta, pq_file_meta);

static const vonk_thrift_field f_pq_data_v1[] = {
    FIELD(1, pq_data_v1, n_values, I32, true),
    FIELD(2, pq_data_v1, encoding, I32, true),
    FIELD(3, pq_data_v1, def_encoding, I32, true),
    FIELD(4, pq_data_v1, rep_encoding, I32, true),
    STRUCT(5, pq_data_v1, statistics, false, &s_pq_statistics),
};
static const vonk_thrift_struct s_pq_data_v1 = TABLE("DataPageHeader", f_pq_data_v1, pq_data_v1);

static const vonk_thrift_field f_pq_dict_head[] = {
    FIELD(1, pq_dict_head, n_values, I32, true),
    FIELD(2, pq_dict_head, encoding, I32, true),
    FIELD(3, pq_dict_head, sorted, BOOL, false),
};
static const vonk_thrift_struct s_pq_dict_head = TABLE("DictionaryPageHeader", f_pq_dict_head, pq_dict_head);

static const vonk_thrift_field f_pq_data_v2[] = {
    FIELD(1, pq_data_v2, n_values, I32, true),     FIELD(2, pq_data_v2, n_nulls, I32, true),
    FIELD(3, pq_data_v2, n_rows, I32, true),       FIELD(4, pq_data_v2, encoding, I32, true),
    FIELD(5, pq_data_v2, def_bytes, I32, true),    FIELD(6, pq_data_v2, rep_bytes, I32, true),
    FIELD(7, pq_data_v2, compressed, BOOL, false), STRUCT(8, pq_data_v2, statistics, false, &s_pq_statistics),
};
static const vonk_thrift_struct s_pq_data_v2 = TABLE("DataPageHeaderV2", f_pq_data_v2, pq_data_v2);

static const vonk_thrift_field f_pq_page_head[] = {
    FIELD(1, pq_page_head, type, I32, true),
    FIELD(2, pq_page_head, plain_bytes, I32, true),
    FIELD(3, pq_page_head, bytes, I32, true),
    FIELD(4, pq_page_head, crc, I32, false),
    STRUCT(5, pq_page_head, v1, false, &s_pq_data_v1),
    STRUCT(6, pq_page_head, index, false, &s_pq_empty),
    STRUCT(7, pq_page_head, dict, false, &s_pq_dict_head),
    STRUCT(8, pq_page_head, v2, false, &s_pq_data_v2),
};
const vonk_thrift_struct vonk__pq_page_head = TABLE("PageHeader", f_pq_page_head, pq_page_head);

static const vonk_thrift_field f_pq_page_place[] = {
    FIELD(1, pq_page_place, at, I64, true),
    FIELD(2, pq_page_place, bytes, I32, true),
    FIELD(3, pq_page_place, first_row, I64, true),
};
static const vonk_thrift_struct s_pq_page_place = TABLE("PageLocation", f_pq_page_place, pq_page_place);

static const vonk_thrift_field f_pq_offset_index[] = {
    LIST(1, pq_offset_index, pages, STRUCT, true, &s_pq_page_place),
    LIST(2, pq_offset_index, byte_array_bytes, I64, false, NULL),
};
const vonk_thrift_struct vonk__pq_offset_index = TABLE("OffsetIndex", f_pq_offset_index, pq_offset_index);

static const vonk_thrift_field f_pq_column_index[] = {
    LIST(1, pq_column_index, null_pages, BOOL, true, NULL), LIST(2, pq_column_index, min, BINARY, true, NULL),
    LIST(3, pq_column_index, max, BINARY, true, NULL),      FIELD(4, pq_column_index, order, I32, true),
    LIST(5, pq_column_index, n_nulls, I64, false, NULL),
};
const vonk_thrift_struct vonk__pq_column_index = TABLE("ColumnIndex", f_pq_column_index, pq_column_index);

static const vonk_thrift_field f_pq_one_case[] = {
    STRUCT(1, pq_one_case, known, false, &s_pq_empty),
};
static const vonk_thrift_struct s_pq_one_case = TABLE("union", f_pq_one_case, pq_one_case);

static const vonk_thrift_field f_pq_bloom_head[] = {
    FIELD(1, pq_bloom_head, n_bytes, I32, true),
    STRUCT(2, pq_bloom_head, algorithm, true, &s_pq_one_case),
    STRUCT(3, pq_bloom_head, hash, true, &s_pq_one_case),
    STRUCT(4, pq_bloom_head, compression, true, &s_pq_one_case),
};
const vonk_thrift_struct vonk__pq_bloom_head = TABLE("BloomFilterHeader", f_pq_bloom_head, pq_bloom_head);
