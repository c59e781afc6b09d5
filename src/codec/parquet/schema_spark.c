/* Spark's type of a Parquet field, with Spark's choices where the format leaves one (unsigned integers, zones, what is
 * refused). */
#include "codec/parquet/file.h"

#define MAX_INT_DIGITS 9
#define MAX_LONG_DIGITS 18

typedef struct converter {
    const vonk_parquet_meta *meta;
    vonk_error *err;
} converter;

static vonk_status convert(const converter *c, const pq_node *node, const vonk_type **ret);
static vonk_status convert_group_fields(const converter *c, const pq_node *node, const vonk_type **ret);

vonk_status vonk__pq_spark_type(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type **ret,
                                vonk_error *err)
{
    converter c = {meta, err};
    return node->parent ? convert(&c, node, ret) : convert_group_fields(&c, node, ret);
}

/* ---- leaves */
static vonk_status illegal(const converter *c, const pq_node *node)
{
    return VONK_FAIL(c->err, VONK_E_PARQUET_TYPE_ILLEGAL, "parquetType", PQ_TYPE_TEXT(node));
}

static vonk_status requirement(const converter *c, const char *text)
{
    return VONK_FAIL(c->err, VONK_E__LEGACY_ERROR_TEMP_3071, "msg", text);
}

static vonk_status give(const vonk_type *type, const vonk_type **ret)
{
    *ret = vonk_type_ref(type);
    return VONK_OK;
}

/* Digits that a two's complement number of `bytes` bytes can always hold. */
static int digits_of_bytes(int bytes) { /* floor((8 * bytes - 1) * log10(2)) */
                                        return bytes >= 64 ? 153 : (int)(((int64_t)bytes * 8 - 1) * 30103 / 100000); }

static vonk_status decimal_type(const converter *c, const pq_node *node, int most_digits, const vonk_type **ret)
{
    if (node->precision > most_digits) {
        return requirement(c, VONK_F("Invalid decimal precision: %s cannot store %d digits (max %d)",
                                     vonk__pq_physical_names[node->physical], node->precision, most_digits));
    }
    if (node->precision > VONK_MAX_PRECISION) {
        return VONK_FAIL(c->err, VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION, "precision",
                         VONK_F("%d", node->precision), "maxPrecision", VONK_F("%d", VONK_MAX_PRECISION));
    }
    return vonk_type_decimal(node->precision, node->scale, ret, c->err);
}

static vonk_status int32_type(const converter *c, const pq_node *node, const vonk_type **ret)
{
    switch (node->annotation) {
    case PQ_ANN_NONE: return give(&vonk_type_int, ret);
    case PQ_ANN_DATE: return give(&vonk_type_date, ret);
    case PQ_ANN_DECIMAL: return decimal_type(c, node, MAX_INT_DIGITS, ret);
    case PQ_ANN_INT:
        switch (node->int_bits) {
        case 8: return give(node->is_signed ? &vonk_type_byte : &vonk_type_short, ret);
        case 16: return give(node->is_signed ? &vonk_type_short : &vonk_type_int, ret);
        case 32: return give(node->is_signed ? &vonk_type_int : &vonk_type_long, ret);
        default: return illegal(c, node);
        }
    case PQ_ANN_TIMESTAMP:
        if (node->unit == PQ_MILLIS)
            return VONK_FAIL(c->err, VONK_E_PARQUET_TYPE_NOT_SUPPORTED, "parquetType", PQ_TYPE_TEXT(node));
        return illegal(c, node);
    default: return illegal(c, node);
    }
}

static vonk_status int64_type(const converter *c, const pq_node *node, const vonk_type **ret)
{
    const vonk_parquet_options *o = &c->meta->options;
    switch (node->annotation) {
    case PQ_ANN_NONE: return give(&vonk_type_long, ret);
    case PQ_ANN_DECIMAL: return decimal_type(c, node, MAX_LONG_DIGITS, ret);
    case PQ_ANN_INT:
        if (node->int_bits != 64) return illegal(c, node);
        return node->is_signed ? give(&vonk_type_long, ret) : vonk_type_decimal(20, 0, ret, c->err);
    case PQ_ANN_TIMESTAMP:
        if (node->unit != PQ_NANOS)
            return give(node->utc || !o->infer_timestamp_ntz ? &vonk_type_timestamp : &vonk_type_timestamp_ntz, ret);
        return o->nanos_as_long ? give(&vonk_type_long, ret) : illegal(c, node);
    case PQ_ANN_TIME:
        if (node->utc || node->unit == PQ_MILLIS) return illegal(c, node);
        return vonk_type_time_of(node->unit == PQ_MICROS ? 6 : 9, ret, c->err);
    default: return illegal(c, node);
    }
}

static vonk_status binary_type(const converter *c, const pq_node *node, const vonk_type **ret)
{
    switch (node->annotation) {
    case PQ_ANN_STRING:
    case PQ_ANN_ENUM:
    case PQ_ANN_JSON: return give(&vonk_type_string, ret);
    case PQ_ANN_NONE: return give(c->meta->options.binary_as_string ? &vonk_type_string : &vonk_type_binary, ret);
    case PQ_ANN_BSON: return give(&vonk_type_binary, ret);
    case PQ_ANN_DECIMAL: return decimal_type(c, node, INT32_MAX, ret);
    default: return illegal(c, node);
    }
}

static vonk_status leaf_type(const converter *c, const pq_node *annotated, const vonk_type **ret)
{
    pq_node plain = *annotated;
    if (plain.annotation == PQ_ANN_UNKNOWN) plain.annotation = PQ_ANN_NONE; /* as Spark 4.3, unless told otherwise */
    const pq_node *node = &plain;
    switch (node->physical) {
    case PQ_BOOLEAN: return give(&vonk_type_boolean, ret);
    case PQ_FLOAT: return give(&vonk_type_float, ret);
    case PQ_DOUBLE: return give(&vonk_type_double, ret);
    case PQ_INT32: return int32_type(c, node, ret);
    case PQ_INT64: return int64_type(c, node, ret);
    case PQ_BYTE_ARRAY: return binary_type(c, node, ret);
    case PQ_INT96:
        if (!c->meta->options.int96_as_timestamp) {
            return requirement(c, "INT96 is not supported unless it's interpreted as timestamp. Please try to set "
                                  "spark.sql.parquet.int96AsTimestamp to true.");
        }
        return give(&vonk_type_timestamp, ret);
    default:
        if (node->annotation == PQ_ANN_DECIMAL) return decimal_type(c, node, digits_of_bytes(node->fixed_bytes), ret);
        if (node->annotation == PQ_ANN_NONE) return give(&vonk_type_binary, ret);
        if (node->annotation == PQ_ANN_INTERVAL)
            return VONK_FAIL(c->err, VONK_E_PARQUET_TYPE_NOT_SUPPORTED, "parquetType", PQ_TYPE_TEXT(node));
        return illegal(c, node);
    }
}

/* ---- groups */
static vonk_status array_of(const converter *c, const pq_node *element, bool contains_null, const vonk_type **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_TRY(convert(c, element, &type));
    return vonk_type_array(type, contains_null, ret, c->err);
}

static vonk_status list_type(const converter *c, const pq_node *node, const vonk_type **ret)
{
    pq_list list;
    VONK_TRY(vonk__pq_list_of(c->meta, node, &list, c->err));
    bool optional = list.element != list.repeated && list.element->repetition == PQ_OPTIONAL;
    return array_of(c, list.element, optional, ret);
}

static vonk_status map_type(const converter *c, const pq_node *node, const vonk_type **ret)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *key = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *value = NULL;
    pq_map map;
    VONK_TRY(vonk__pq_map_of(c->meta, node, &map, c->err));
    VONK_TRY(convert(c, map.key, &key));
    VONK_TRY(convert(c, map.value, &value));
    return vonk_type_map(key, value, map.value->repetition == PQ_OPTIONAL, ret, c->err);
}

static vonk_status field_of(const converter *c, const pq_node *child, vonk_field *field)
{
    bool list = child->repetition == PQ_REPEATED; /* outside of LIST and MAP: a required list of required elements */
    VONK_TRY(list ? array_of(c, child, false, &field->type) : convert(c, child, &field->type));
    field->name = child->name;
    field->nullable = child->repetition == PQ_OPTIONAL;
    return VONK_OK;
}

static vonk_status convert_group_fields(const converter *c, const pq_node *node, const vonk_type **ret)
{
    vonk_field *fields = NULL;
    uint32_t made = 0;
    VONK_TRY(vonk_alloc_zeroed(c->meta->budget, node->n_children * sizeof *fields, &fields, c->err));
    vonk_status st = VONK_OK;
    for (; made < node->n_children && st == VONK_OK; made++) st = field_of(c, &node->children[made], &fields[made]);
    if (st == VONK_OK) st = vonk_type_struct(fields, made, ret, c->err);
    for (uint32_t i = 0; i < made; i++) vonk_type_unref(fields[i].type);
    vonk_free(fields);
    return st;
}

static vonk_status convert(const converter *c, const pq_node *node, const vonk_type **ret)
{
    if (node->leaf) return leaf_type(c, node, ret);
    switch (node->annotation) {
    case PQ_ANN_NONE: return convert_group_fields(c, node, ret);
    case PQ_ANN_LIST: return list_type(c, node, ret);
    case PQ_ANN_MAP:
    case PQ_ANN_MAP_KEY_VALUE: return map_type(c, node, ret);
    case PQ_ANN_VARIANT:
        return c->meta->options.ignore_variant_annotation ? convert_group_fields(c, node, ret)
                                                          : give(&vonk_type_variant, ret);
    default:
        return VONK_FAIL(c->err, VONK_E_PARQUET_TYPE_NOT_RECOGNIZED, "field",
                         VONK_F("%.*s", VONK_STR_ARGS(node->name)));
    }
}

/* ---- the schema of a file */
static const vonk_str spark_schema_key = {"org.apache.spark.sql.parquet.row.metadata", 41};

vonk_status vonk_parquet_schema(const vonk_parquet_meta *meta, const vonk_type **ret_struct, vonk_error *err)
{
    vonk_str json;
    if (vonk_parquet_key_value(meta, spark_schema_key, &json)) {
        const vonk_type *type = NULL;
        vonk_error ignored = VONK_ERROR_INIT; /* as Spark: what cannot be understood is not used */
        if (vonk_type_parse_json(json, &type, &ignored) == VONK_OK && type->id == VONK_T_STRUCT) {
            *ret_struct = type;
            return VONK_OK;
        }
        vonk_type_unref(type);
        VONK_TRY(vonk_error_forgive(&ignored, err));
    }
    return vonk__pq_spark_type(meta, meta->root, ret_struct, err);
}

/* ---- matching of fields */
static bool id_of(const vonk_field *field, int32_t *ret)
{ /* "parquet.field.id" of the metadata's JSON object */
    static const vonk_str key = {"\"parquet.field.id\"", 18};
    size_t at = vonk_str_find(field->metadata, key, 0);
    if (at == SIZE_MAX) return false;
    int64_t id = 0;
    bool any = false, minus = false;
    for (at += key.len; at < field->metadata.len && strchr(" :-", field->metadata.data[at]); at++)
        minus |= field->metadata.data[at] == '-';
    for (; at < field->metadata.len && field->metadata.data[at] >= '0' && field->metadata.data[at] <= '9';
         at++, any = true) {
        id = id * 10 + (field->metadata.data[at] - '0');
        if (id > INT32_MAX) return false;
    }
    *ret = (int32_t)(minus ? -id : id);
    return any;
}

vonk_status vonk__pq_find_child(const vonk_parquet_meta *meta, const pq_node *node, const vonk_field *field,
                                int32_t *ret, vonk_error *err)
{
    int32_t id;
    *ret = -1;
    if (meta->options.field_ids && id_of(field, &id)) {
        for (uint32_t i = 0; i < node->n_children && *ret < 0; i++) {
            if (node->children[i].has_id && node->children[i].field_id == id) *ret = (int32_t)i;
        }
        return VONK_OK;
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < node->n_children; i++) {
        vonk_str name = node->children[i].name;
        bool fits =
            meta->options.case_sensitive ? vonk_str_eq(name, field->name) : vonk_str_eq_nocase(name, field->name);
        if (!fits) continue;
        if (found++ == 0) *ret = (int32_t)i;
        if (meta->options.case_sensitive) return VONK_OK;
    }
    if (found <= 1) return VONK_OK;
    VONK_AUTO(vonk_buf_done) vonk_buf names = {0};
    vonk_buf_init(&names, meta->budget, 1024);
    for (uint32_t i = 0; i < node->n_children; i++) {
        if (vonk_str_eq_nocase(node->children[i].name, field->name))
            VONK_TRY(
                vonk_buf_printf(&names, err, "%s%.*s", names.len ? ", " : "[", VONK_STR_ARGS(node->children[i].name)));
    }
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_2093, "requiredFieldName", VONK_S(field->name), "matchedOrcFields",
                     VONK_F("%.*s]", VONK_STR_ARGS(vonk_buf_str(&names))));
}
