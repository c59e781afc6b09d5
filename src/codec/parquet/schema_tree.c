/* The flat list of schema elements becomes a tree with levels; converted and logical types become one annotation. */
#include "codec/parquet/file.h"

#define MAX_FIXED_BYTES (1 << 24)

typedef struct builder {
    vonk_parquet_meta *meta;
    size_t next; /* schema element */
    vonk_error *err;
} builder;

const char *const vonk__pq_physical_names[PQ_N_PHYSICAL] = {
    "BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BINARY", "FIXED_LEN_BYTE_ARRAY",
};

/* ---- annotations */
static const uint8_t logical_annotation[] = {
    [PQ_LOGICAL_STRING] = PQ_ANN_STRING,       [PQ_LOGICAL_MAP] = PQ_ANN_MAP,
    [PQ_LOGICAL_LIST] = PQ_ANN_LIST,           [PQ_LOGICAL_ENUM] = PQ_ANN_ENUM,
    [PQ_LOGICAL_DECIMAL] = PQ_ANN_DECIMAL,     [PQ_LOGICAL_DATE] = PQ_ANN_DATE,
    [PQ_LOGICAL_TIME] = PQ_ANN_TIME,           [PQ_LOGICAL_TIMESTAMP] = PQ_ANN_TIMESTAMP,
    [PQ_LOGICAL_INTEGER] = PQ_ANN_INT,         [PQ_LOGICAL_UNKNOWN] = PQ_ANN_UNKNOWN,
    [PQ_LOGICAL_JSON] = PQ_ANN_JSON,           [PQ_LOGICAL_BSON] = PQ_ANN_BSON,
    [PQ_LOGICAL_UUID] = PQ_ANN_UUID,           [PQ_LOGICAL_FLOAT16] = PQ_ANN_FLOAT16,
    [PQ_LOGICAL_VARIANT] = PQ_ANN_VARIANT,     [PQ_LOGICAL_GEOMETRY] = PQ_ANN_GEOMETRY,
    [PQ_LOGICAL_GEOGRAPHY] = PQ_ANN_GEOGRAPHY,
};

static void set_unit(pq_node *node, const pq_time_type *time)
{
    node->utc = time->utc;
    node->unit = PQ_HAS(time->unit, 0) ? PQ_MILLIS : (PQ_HAS(time->unit, 1) ? PQ_MICROS : PQ_NANOS);
}

static void annotate_logical(pq_node *node, const pq_logical *logical)
{
    unsigned which = (unsigned)__builtin_ctz(logical->has);
    node->annotation = logical_annotation[which];
    switch (which) {
    case PQ_LOGICAL_DECIMAL:
        node->precision = logical->decimal.precision;
        node->scale = logical->decimal.scale;
        break;
    case PQ_LOGICAL_TIME: set_unit(node, &logical->time); break;
    case PQ_LOGICAL_TIMESTAMP: set_unit(node, &logical->timestamp); break;
    case PQ_LOGICAL_INTEGER:
        node->int_bits = (uint8_t)logical->integer.bits;
        node->is_signed = logical->integer.is_signed;
        break;
    default: break;
    }
}

typedef struct old_annotation {
    uint8_t annotation, unit, bits;
    bool flag; /* utc or signed */
} old_annotation;
static const old_annotation converted_annotation[] = {
    [PQ_CONV_UTF8] = {PQ_ANN_STRING, 0, 0, false},
    [PQ_CONV_MAP] = {PQ_ANN_MAP, 0, 0, false},
    [PQ_CONV_MAP_KEY_VALUE] = {PQ_ANN_MAP_KEY_VALUE, 0, 0, false},
    [PQ_CONV_LIST] = {PQ_ANN_LIST, 0, 0, false},
    [PQ_CONV_ENUM] = {PQ_ANN_ENUM, 0, 0, false},
    [PQ_CONV_DECIMAL] = {PQ_ANN_DECIMAL, 0, 0, false},
    [PQ_CONV_DATE] = {PQ_ANN_DATE, 0, 0, false},
    [PQ_CONV_TIME_MILLIS] = {PQ_ANN_TIME, PQ_MILLIS, 0, true},
    [PQ_CONV_TIME_MICROS] = {PQ_ANN_TIME, PQ_MICROS, 0, true},
    [PQ_CONV_TIMESTAMP_MILLIS] = {PQ_ANN_TIMESTAMP, PQ_MILLIS, 0, true},
    [PQ_CONV_TIMESTAMP_MICROS] = {PQ_ANN_TIMESTAMP, PQ_MICROS, 0, true},
    [PQ_CONV_UINT_8] = {PQ_ANN_INT, 0, 8, false},
    [PQ_CONV_UINT_16] = {PQ_ANN_INT, 0, 16, false},
    [PQ_CONV_UINT_32] = {PQ_ANN_INT, 0, 32, false},
    [PQ_CONV_UINT_64] = {PQ_ANN_INT, 0, 64, false},
    [PQ_CONV_INT_8] = {PQ_ANN_INT, 0, 8, true},
    [PQ_CONV_INT_16] = {PQ_ANN_INT, 0, 16, true},
    [PQ_CONV_INT_32] = {PQ_ANN_INT, 0, 32, true},
    [PQ_CONV_INT_64] = {PQ_ANN_INT, 0, 64, true},
    [PQ_CONV_JSON] = {PQ_ANN_JSON, 0, 0, false},
    [PQ_CONV_BSON] = {PQ_ANN_BSON, 0, 0, false},
    [PQ_CONV_INTERVAL] = {PQ_ANN_INTERVAL, 0, 0, false},
};

static void annotate(pq_node *node, const pq_element *el)
{
    if (PQ_HAS(*el, PQ_EL_LOGICAL) && el->logical.has) {
        annotate_logical(node, &el->logical);
    } else if (PQ_HAS(*el, PQ_EL_CONVERTED) && el->converted >= 0 &&
               (size_t)el->converted < VONK_COUNTOF(converted_annotation)) {
        const old_annotation *old = &converted_annotation[el->converted];
        node->annotation = old->annotation;
        node->unit = old->unit;
        node->int_bits = old->bits;
        node->utc = node->is_signed = old->flag;
    }
    if (node->annotation == PQ_ANN_DECIMAL && node->precision == 0) {
        node->precision = el->precision;
        node->scale = el->scale;
    }
}

/* ---- the tree */
static vonk_status check_leaf(const builder *b, pq_node *node, const pq_element *el)
{
    if (!PQ_HAS(*el, PQ_EL_TYPE) || el->type < 0 || el->type >= PQ_N_PHYSICAL)
        return vonk__pq_fail(b->meta, "a column has no known physical type", b->err);
    node->leaf = true;
    node->physical = (uint8_t)el->type;
    node->fixed_bytes = el->length;
    if (node->physical == PQ_FIXED && (el->length <= 0 || el->length > MAX_FIXED_BYTES))
        return vonk__pq_fail(b->meta, "a fixed length byte array has an impossible length", b->err);
    if (node->annotation == PQ_ANN_DECIMAL &&
        (node->precision <= 0 || node->scale < 0 || node->scale > node->precision))
        return vonk__pq_fail(b->meta, "a decimal has an impossible precision or scale", b->err);
    return VONK_OK;
}

static vonk_status make_node(builder *b, pq_node *node, const pq_node *parent, int depth)
{
    const pq_file_meta *file = &b->meta->file;
    if (b->next >= file->schema.n) return vonk__pq_fail(b->meta, "the schema is cut off", b->err);
    if (depth > PQ_MAX_DEPTH) return vonk__pq_fail(b->meta, "the schema is nested too deep", b->err);
    const pq_element *el = &file->schema.at[b->next++];
    *node = (pq_node){.name = el->name, .parent = parent, .first_leaf = b->meta->n_leaves, .field_id = el->field_id};
    node->has_id = PQ_HAS(*el, PQ_EL_ID);
    if (parent) {
        if (!PQ_HAS(*el, PQ_EL_REPETITION) || el->repetition < PQ_REQUIRED || el->repetition > PQ_REPEATED)
            return vonk__pq_fail(b->meta, "a field has no known repetition", b->err);
        node->repetition = (uint8_t)el->repetition;
        node->max_def = (uint16_t)(parent->max_def + (node->repetition != PQ_REQUIRED));
        node->max_rep = (uint16_t)(parent->max_rep + (node->repetition == PQ_REPEATED));
    }
    annotate(node, el);
    bool group = !parent || (PQ_HAS(*el, PQ_EL_CHILDREN) && el->n_children > 0);
    if (!group) {
        VONK_TRY(check_leaf(b, node, el));
        node->n_leaves = 1;
        b->meta->leaves[b->meta->n_leaves++] = node;
        return VONK_OK;
    }
    if (el->n_children < 0 || (size_t)el->n_children > file->schema.n - b->next)
        return vonk__pq_fail(b->meta, "a group has an impossible number of fields", b->err);
    pq_node *children = NULL;
    VONK_TRY(vonk_arena_array(b->meta->arena, (size_t)el->n_children, sizeof *children, &children, b->err));
    node->children = children;
    node->n_children = (uint32_t)el->n_children;
    for (uint32_t i = 0; i < node->n_children; i++) VONK_TRY(make_node(b, &children[i], node, depth + 1));
    node->n_leaves = b->meta->n_leaves - node->first_leaf;
    return VONK_OK;
}

vonk_status vonk__pq_make_tree(vonk_parquet_meta *meta, vonk_error *err)
{
    builder b = {meta, 0, err};
    pq_node *root = NULL;
    VONK_TRY(VONK_ARENA_NEW(meta->arena, &root, err));
    VONK_TRY(vonk_arena_array(meta->arena, meta->file.schema.n, sizeof *meta->leaves, &meta->leaves, err));
    VONK_TRY(make_node(&b, root, NULL, 0));
    if (b.next != meta->file.schema.n) return vonk__pq_fail(meta, "the schema has elements outside of its tree", err);
    meta->root = root;
    return VONK_OK;
}

/* ---- lists and maps */
static bool is_element_itself(const pq_node *repeated, const pq_node *list)
{ /* the rules of parquet-format's LogicalTypes.md for two-level lists */
    if (repeated->leaf || repeated->n_children != 1) return true;
    if (vonk_str_is(repeated->name, "array")) return true;
    size_t n = list->name.len;
    return repeated->name.len == n + 6 && vonk_str_starts(repeated->name, list->name) &&
           vonk_str_ends(repeated->name, VONK_STR("_tuple"));
}

vonk_status vonk__pq_list_of(const vonk_parquet_meta *meta, const pq_node *node, pq_list *ret, vonk_error *err)
{
    if (node->leaf || node->n_children != 1 || node->children[0].repetition != PQ_REPEATED) {
        return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_3071, "msg",
                         VONK_F("%s: invalid list type %.*s", meta->path, VONK_STR_ARGS(node->name)));
    }
    const pq_node *repeated = &node->children[0];
    *ret = (pq_list){repeated, is_element_itself(repeated, node) ? repeated : &repeated->children[0]};
    return VONK_OK;
}

vonk_status vonk__pq_map_of(const vonk_parquet_meta *meta, const pq_node *node, pq_map *ret, vonk_error *err)
{
    const pq_node *repeated = node->leaf || node->n_children != 1 ? NULL : &node->children[0];
    if (!repeated || repeated->repetition != PQ_REPEATED || repeated->leaf || repeated->n_children != 2) {
        return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_3071, "msg",
                         VONK_F("%s: invalid map type %.*s", meta->path, VONK_STR_ARGS(node->name)));
    }
    *ret = (pq_map){repeated, &repeated->children[0], &repeated->children[1]};
    return VONK_OK;
}

/* ---- names */
const char *vonk__pq_type_text(const pq_node *node, char *into, size_t bytes)
{
    static const char *const names[PQ_N_ANNOTATION] = {"",        "STRING",        "ENUM",    "JSON",     "BSON",
                                                       "UUID",    "DECIMAL",       "DATE",    "TIME",     "TIMESTAMP",
                                                       "INTEGER", "INTERVAL",      "FLOAT16", "UNKNOWN",  "LIST",
                                                       "MAP",     "MAP_KEY_VALUE", "VARIANT", "GEOMETRY", "GEOGRAPHY"};
    static const char *const units[] = {"MILLIS", "MICROS", "NANOS"};
    const char *physical = vonk__pq_physical_names[node->physical], *name = names[node->annotation];
    switch (node->annotation) {
    case PQ_ANN_NONE: return vonk_format(into, bytes, "%s", physical);
    case PQ_ANN_DECIMAL:
        return vonk_format(into, bytes, "%s (%s(%d,%d))", physical, name, node->precision, node->scale);
    case PQ_ANN_TIME:
    case PQ_ANN_TIMESTAMP:
        return vonk_format(into, bytes, "%s (%s(%s,%s))", physical, name, units[node->unit],
                           node->utc ? "true" : "false");
    case PQ_ANN_INT:
        return vonk_format(into, bytes, "%s (%s(%d,%s))", physical, name, node->int_bits,
                           node->is_signed ? "true" : "false");
    default: return vonk_format(into, bytes, "%s (%s)", physical, name);
    }
}
