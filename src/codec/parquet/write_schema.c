/* Spark's schema as Parquet schema elements, as Spark's own writer makes them. */
#include "codec/parquet/write.h"

#define MAX_INT_DIGITS 9
#define MAX_LONG_DIGITS 18
#define MAX_PATH (3 * VONK_MAX_TYPE_DEPTH + 8)

typedef struct maker {
    vonk_arena *arena;
    const vonk_parquet_write_options *options;
    pq_elements *elements;
    pq_out_leaf_specs *leaves;
    vonk_str path[MAX_PATH];
    size_t n_path;
    vonk_error *err;
} maker;

/* What stands around a node. */
typedef struct around {
    vonk_str name;
    int32_t repetition;
    uint16_t def, rep; /* of the node itself */
} around;

static vonk_status make(maker *m, const vonk_type *type, around at, pq_element el, pq_out_node *node);

#define BIT(b) (1u << (b))

/* ---- elements */
static pq_element named(const around *at)
{
    pq_element el = {.has = BIT(PQ_EL_NAME) | BIT(PQ_EL_REPETITION), .name = at->name, .repetition = at->repetition};
    return el;
}

static void set_converted(pq_element *el, pq_converted converted)
{
    el->has |= BIT(PQ_EL_CONVERTED);
    el->converted = converted;
}

/* A logical type without parameters, or one whose parameters the caller fills. */
static pq_logical *set_logical(pq_element *el, unsigned which)
{
    el->has |= BIT(PQ_EL_LOGICAL);
    el->logical.has = BIT(which);
    return &el->logical;
}

static void set_int(pq_element *el, int bits)
{
    set_converted(el, bits == 8 ? PQ_CONV_INT_8 : PQ_CONV_INT_16);
    set_logical(el, PQ_LOGICAL_INTEGER)->integer = (pq_int_type){3, (int8_t)bits, true};
}

static void set_time(pq_time_type *time, bool utc, unsigned unit)
{
    time->has = 3;
    time->utc = utc;
    time->unit.has = BIT(unit);
}

static void set_timestamp(pq_element *el, bool utc, unsigned unit)
{
    if (unit < 2 && utc) set_converted(el, unit == 0 ? PQ_CONV_TIMESTAMP_MILLIS : PQ_CONV_TIMESTAMP_MICROS);
    set_time(&set_logical(el, PQ_LOGICAL_TIMESTAMP)->timestamp, utc, unit);
}

static void set_decimal(pq_element *el, const vonk_type *type)
{
    set_converted(el, PQ_CONV_DECIMAL);
    el->has |= BIT(PQ_EL_SCALE) | BIT(PQ_EL_PRECISION);
    el->scale = type->scale;
    el->precision = type->precision;
    set_logical(el, PQ_LOGICAL_DECIMAL)->decimal = (pq_decimal_type){3, type->scale, type->precision};
}

/* Bytes of a two's complement number with that many decimal digits. */
static uint32_t bytes_of_digits(int digits)
{
    vonk_u128 most = 1;
    for (int i = 0; i < digits; i++) most *= 10;
    uint32_t bytes = 1;
    for (vonk_u128 limit = 128; limit < most; limit <<= 8) bytes++;
    return bytes;
}

/* ---- leaves */
typedef struct leaf_form {
    pq_put put;
    pq_physical physical;
    uint32_t bytes;
} leaf_form;

static leaf_form decimal_form(const vonk_type *type, bool legacy, pq_element *el)
{
    set_decimal(el, type);
    if (!legacy && type->precision <= MAX_INT_DIGITS) return (leaf_form){PQ_PUT_NARROW, PQ_INT32, 4};
    if (!legacy && type->precision <= MAX_LONG_DIGITS) return (leaf_form){PQ_PUT_COPY, PQ_INT64, 8};
    el->has |= BIT(PQ_EL_LENGTH);
    el->length = (int32_t)bytes_of_digits(type->precision);
    return (leaf_form){PQ_PUT_BIG, PQ_FIXED, (uint32_t)el->length};
}

static leaf_form timestamp_form(vonk_parquet_timestamps kind, pq_element *el)
{
    if (kind == VONK_PARQUET_INT96) return (leaf_form){PQ_PUT_INT96, PQ_INT96, 12};
    set_timestamp(el, true, kind == VONK_PARQUET_MILLIS ? 0 : 1);
    return (leaf_form){kind == VONK_PARQUET_MILLIS ? PQ_PUT_MILLIS : PQ_PUT_COPY, PQ_INT64, 8};
}

static bool form_of(const maker *m, const vonk_type *type, pq_element *el, leaf_form *ret)
{
    const leaf_form i32 = {PQ_PUT_COPY, PQ_INT32, 4}, i64 = {PQ_PUT_COPY, PQ_INT64, 8},
                    bytes = {PQ_PUT_BYTES, PQ_BYTE_ARRAY, 0};
    *ret = i32;
    switch (type->id) {
    case VONK_T_BOOLEAN: *ret = (leaf_form){PQ_PUT_BITS, PQ_BOOLEAN, 0}; return true;
    case VONK_T_BYTE:
        set_int(el, 8);
        *ret = (leaf_form){PQ_PUT_I8, PQ_INT32, 4};
        return true;
    case VONK_T_SHORT:
        set_int(el, 16);
        *ret = (leaf_form){PQ_PUT_I16, PQ_INT32, 4};
        return true;
    case VONK_T_INT:
    case VONK_T_INTERVAL_YEAR_MONTH: return true;
    case VONK_T_LONG:
    case VONK_T_INTERVAL_DAY_TIME: *ret = i64; return true;
    case VONK_T_FLOAT: ret->physical = PQ_FLOAT; return true;
    case VONK_T_DOUBLE: *ret = (leaf_form){PQ_PUT_COPY, PQ_DOUBLE, 8}; return true;
    case VONK_T_DECIMAL: *ret = decimal_form(type, m->options->legacy_format, el); return true;
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR:
        set_converted(el, PQ_CONV_UTF8);
        set_logical(el, PQ_LOGICAL_STRING);
        *ret = bytes;
        return true;
    case VONK_T_BINARY:
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: *ret = bytes; return true;
    case VONK_T_DATE:
        set_converted(el, PQ_CONV_DATE);
        set_logical(el, PQ_LOGICAL_DATE);
        return true;
    case VONK_T_TIME:
        set_time(&set_logical(el, PQ_LOGICAL_TIME)->time, false, type->precision > 6 ? 2 : 1);
        *ret = type->precision > 6 ? i64 : (leaf_form){PQ_PUT_MICROS, PQ_INT64, 8};
        return true;
    case VONK_T_TIMESTAMP: *ret = timestamp_form(m->options->timestamps, el); return true;
    case VONK_T_TIMESTAMP_NTZ:
        set_timestamp(el, false, 1);
        *ret = i64;
        return true;
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS:
        set_timestamp(el, type->id == VONK_T_TIMESTAMP_NANOS, 2);
        *ret = (leaf_form){PQ_PUT_NANOS, PQ_INT64, 8};
        return true;
    case VONK_T_NULL:
        set_logical(el, PQ_LOGICAL_UNKNOWN);
        *ret = (leaf_form){PQ_PUT_NOTHING, PQ_BOOLEAN, 0};
        return true;
    default: return false;
    }
}

static vonk_status make_leaf(maker *m, const vonk_type *type, const around *at, pq_element el, pq_out_node *node)
{
    leaf_form form;
    if (!form_of(m, type, &el, &form))
        return VONK_FAIL(m->err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the type %s in Parquet files", VONK_TYPE_SQL(type)));
    el.has |= BIT(PQ_EL_TYPE);
    el.type = (int32_t)form.physical;
    VONK_TRY(VONK_VEC_ARENA_PUSH(m->elements, m->arena, el, m->err));
    pq_out_leaf_spec leaf = {.type = type,
                             .put = (uint8_t)form.put,
                             .physical = (uint8_t)form.physical,
                             .max_def = at->def,
                             .max_rep = at->rep,
                             .fixed_bytes = form.bytes};
    VONK_TRY(vonk_arena_array(m->arena, m->n_path, sizeof *leaf.path.at, &leaf.path.at, m->err));
    memcpy(leaf.path.at, m->path, m->n_path * sizeof *leaf.path.at);
    leaf.path.n = m->n_path;
    node->leaf = (uint32_t)m->leaves->n;
    return VONK_VEC_ARENA_PUSH(m->leaves, m->arena, leaf, m->err);
}

/* ---- groups */
static vonk_status push_group(maker *m, pq_element el, uint32_t n_children)
{
    el.has |= BIT(PQ_EL_CHILDREN);
    el.n_children = (int32_t)n_children;
    return VONK_VEC_ARENA_PUSH(m->elements, m->arena, el, m->err);
}

static vonk_status enter(maker *m, vonk_str name)
{
    if (m->n_path == MAX_PATH)
        return VONK_FAIL(m->err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Parquet schemas nested so deep");
    m->path[m->n_path++] = name;
    return VONK_OK;
}

static vonk_status new_children(maker *m, pq_out_node *node, uint32_t n)
{
    node->n_children = n;
    return vonk_arena_array(m->arena, n, sizeof *node->children, &node->children, m->err);
}

/* "parquet.field.id" out of a field's metadata. */
static bool field_id(const vonk_field *field, int32_t *ret)
{
    static const vonk_str key = {"\"parquet.field.id\":", 19};
    size_t at = vonk_str_find(field->metadata, key, 0);
    if (at == SIZE_MAX) return false;
    int64_t id = 0;
    for (at += key.len; at < field->metadata.len && id <= INT32_MAX; at++) {
        char c = field->metadata.data[at];
        if (c < '0' || c > '9') break;
        id = id * 10 + (c - '0');
    }
    *ret = (int32_t)id;
    return id <= INT32_MAX;
}

/* A field below `parent`. */
static vonk_status make_field(maker *m, const vonk_field *field, const around *parent, pq_out_node *node)
{
    around at = {field->name, field->nullable ? PQ_OPTIONAL : PQ_REQUIRED, (uint16_t)(parent->def + field->nullable),
                 parent->rep};
    pq_element el = named(&at);
    node->optional = field->nullable;
    if (m->options->field_ids && field_id(field, &el.field_id)) el.has |= BIT(PQ_EL_ID);
    VONK_TRY(enter(m, at.name));
    VONK_TRY(make(m, field->type, at, el, node));
    m->n_path--;
    return VONK_OK;
}

static vonk_status make_struct(maker *m, const vonk_type *type, const around *at, pq_element el, pq_out_node *node)
{
    if (type->n_fields == 0)
        return VONK_FAIL(m->err, VONK_E_UNSUPPORTED_FEATURE, "feature", "structs without fields in Parquet files");
    VONK_TRY(push_group(m, el, type->n_fields));
    VONK_TRY(new_children(m, node, type->n_fields));
    for (uint32_t i = 0; i < type->n_fields; i++) VONK_TRY(make_field(m, &type->fields[i], at, &node->children[i]));
    return VONK_OK;
}

static vonk_status make_variant(maker *m, const around *at, pq_element el, pq_out_node *node)
{
    const vonk_field fields[] = {{VONK_STR("value"), &vonk_type_binary, false, VONK_STR_NONE},
                                 {VONK_STR("metadata"), &vonk_type_binary, false, VONK_STR_NONE}};
    set_logical(&el, PQ_LOGICAL_VARIANT)->variant = (pq_variant_type){1, 1};
    VONK_TRY(push_group(m, el, 2));
    VONK_TRY(new_children(m, node, 2));
    for (uint32_t i = 0; i < 2; i++) VONK_TRY(make_field(m, &fields[i], at, &node->children[i]));
    return VONK_OK;
}

/* The repeated group of a list or map. */
static around repeated(const around *at, vonk_str name)
{
    return (around){name, PQ_REPEATED, (uint16_t)(at->def + 1), (uint16_t)(at->rep + 1)};
}

static vonk_status make_array(maker *m, const vonk_type *type, const around *at, pq_element el, pq_out_node *node)
{
    bool legacy = m->options->legacy_format, contains_null = type->fields[0].nullable;
    vonk_field element = type->fields[0];
    element.name = legacy ? VONK_STR("array") : VONK_STR("element");
    element.metadata = VONK_STR_NONE;
    set_converted(&el, PQ_CONV_LIST);
    set_logical(&el, PQ_LOGICAL_LIST);
    VONK_TRY(push_group(m, el, 1));
    VONK_TRY(new_children(m, node, 1));
    node->list = true;
    if (legacy && !contains_null) { /* two levels: the element itself is repeated */
        around below = repeated(at, element.name);
        node->element_rep = below.rep;
        VONK_TRY(enter(m, below.name));
        VONK_TRY(make(m, element.type, below, named(&below), &node->children[0]));
        m->n_path--;
        return VONK_OK;
    }
    around below = repeated(at, legacy ? VONK_STR("bag") : VONK_STR("list"));
    node->element_rep = below.rep;
    VONK_TRY(enter(m, below.name));
    VONK_TRY(push_group(m, named(&below), 1));
    VONK_TRY(make_field(m, &element, &below, &node->children[0]));
    m->n_path--;
    return VONK_OK;
}

static vonk_status make_map(maker *m, const vonk_type *type, const around *at, pq_element el, pq_out_node *node)
{
    vonk_field key = type->fields[0], value = type->fields[1];
    key.name = VONK_STR("key");
    key.nullable = false;
    value.name = VONK_STR("value");
    key.metadata = value.metadata = VONK_STR_NONE;
    set_converted(&el, PQ_CONV_MAP);
    set_logical(&el, PQ_LOGICAL_MAP);
    VONK_TRY(push_group(m, el, 1));
    around below = repeated(at, m->options->legacy_format ? VONK_STR("map") : VONK_STR("key_value"));
    pq_element entries = named(&below);
    if (m->options->legacy_format) set_converted(&entries, PQ_CONV_MAP_KEY_VALUE);
    VONK_TRY(enter(m, below.name));
    VONK_TRY(push_group(m, entries, 2));
    VONK_TRY(new_children(m, node, 2));
    node->list = true;
    node->element_rep = below.rep;
    VONK_TRY(make_field(m, &key, &below, &node->children[0]));
    VONK_TRY(make_field(m, &value, &below, &node->children[1]));
    m->n_path--;
    return VONK_OK;
}

static vonk_status make(maker *m, const vonk_type *type, around at, pq_element el, pq_out_node *node)
{
    const vonk_type *stored = type->id == VONK_T_UDT ? type->fields[0].type : type;
    node->type = stored;
    node->leaf = PQ_NO_CHILD;
    switch (stored->id) {
    case VONK_T_STRUCT: return make_struct(m, stored, &at, el, node);
    case VONK_T_VARIANT: return make_variant(m, &at, el, node);
    case VONK_T_ARRAY: return make_array(m, stored, &at, el, node);
    case VONK_T_MAP: return make_map(m, stored, &at, el, node);
    default: return make_leaf(m, stored, &at, el, node);
    }
}

vonk_status vonk__pq_out_schema(vonk_arena *arena, const vonk_type *struct_type,
                                const vonk_parquet_write_options *options, pq_out_node *ret_root, pq_elements *elements,
                                pq_out_leaf_specs *leaves, vonk_error *err)
{
    maker m = {.arena = arena, .options = options, .elements = elements, .leaves = leaves, .err = err};
    const around top = {.repetition = PQ_REQUIRED};
    pq_element root = {.has = BIT(PQ_EL_NAME), .name = VONK_STR("spark_schema")};
    *ret_root = (pq_out_node){.type = struct_type, .leaf = PQ_NO_CHILD};
    VONK_TRY(push_group(&m, root, struct_type->n_fields));
    VONK_TRY(new_children(&m, ret_root, struct_type->n_fields));
    for (uint32_t i = 0; i < struct_type->n_fields; i++)
        VONK_TRY(make_field(&m, &struct_type->fields[i], &top, &ret_root->children[i]));
    return VONK_OK;
}
