/* column/arrow_schema.c -- types to Arrow schemas and back. Each exported node owns one block (texts and its children's
 * structs), because a consumer may move children out and release them on their own. */
#include "column/arrow.h"

#include <stdio.h>

#include "base/vec.h"
#include "column/arrow_int.h"

/* ---- export */

typedef struct pair {
    const char *key;
    vonk_str value;
} pair;

typedef struct node {
    const vonk_arrow_options *options;
    vonk_str name;
    const vonk_type *type;
    bool nullable;
    pair metadata[3];
    uint32_t n_metadata;
    char texts[3][16]; /* of metadata values */
} node;

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++)
        if (s->children[i]->release) s->children[i]->release(s->children[i]);
    vonk_free(s->private_data);
    s->release = NULL;
}

static void add_pair(node *n, const char *key, vonk_str value) { n->metadata[n->n_metadata++] = (pair){key, value}; }
static void add_number(node *n, const char *key, int number)
{
    char *text = n->texts[n->n_metadata];
    (void)snprintf(text, sizeof(n->texts[0]), "%d", number);
    add_pair(n, key, vonk_str_of(text));
}

/* Arrow's format text of the type. */
static vonk_status format_of(const vonk_type *t, const vonk_arrow_options *o, char *into, size_t bytes, vonk_error *err)
{
    const char *fixed = NULL;
    switch (t->id) {
    case VONK_T_NULL: fixed = "n"; break;
    case VONK_T_BOOLEAN: fixed = "b"; break;
    case VONK_T_BYTE: fixed = "c"; break;
    case VONK_T_SHORT: fixed = "s"; break;
    case VONK_T_INT: fixed = "i"; break;
    case VONK_T_LONG: fixed = "l"; break;
    case VONK_T_FLOAT: fixed = "f"; break;
    case VONK_T_DOUBLE: fixed = "g"; break;
    case VONK_T_DECIMAL: (void)snprintf(into, bytes, "d:%d,%d", t->precision, t->scale); return VONK_OK;
    case VONK_T_STRING:
    case VONK_T_CHAR:
    case VONK_T_VARCHAR: fixed = o->views ? "vu" : o->large ? "U" : "u"; break;
    case VONK_T_BINARY: fixed = o->views ? "vz" : o->large ? "Z" : "z"; break;
    case VONK_T_DATE: fixed = "tdD"; break;
    case VONK_T_TIME: fixed = "ttn"; break;
    case VONK_T_TIMESTAMP_NTZ: fixed = "tsu:"; break;
    case VONK_T_TIMESTAMP_NTZ_NANOS: fixed = "tsn:"; break;
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NANOS:
        if (o->timezone.len + 5 > bytes)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "time zone names of that length");
        /* without a name it would say "no zone" */
        (void)snprintf(into, bytes, "%s:%.*s", t->id == VONK_T_TIMESTAMP ? "tsu" : "tsn",
                       (int)(o->timezone.len ? o->timezone.len : 3), o->timezone.len ? o->timezone.data : "UTC");
        return VONK_OK;
    case VONK_T_INTERVAL_YEAR_MONTH: fixed = "tiM"; break;
    case VONK_T_INTERVAL_DAY_TIME: fixed = "tDu"; break;
    case VONK_T_INTERVAL_CALENDAR: fixed = "tin"; break;
    case VONK_T_ARRAY: fixed = "+l"; break;
    case VONK_T_MAP: fixed = "+m"; break;
    default: fixed = "+s"; /* struct, variant, geometry, geography */
    }
    (void)snprintf(into, bytes, "%s", fixed);
    return VONK_OK;
}

static size_t metadata_bytes(const node *n)
{
    size_t sum = n->n_metadata ? 4 : 0;
    for (uint32_t i = 0; i < n->n_metadata; i++) sum += 8 + strlen(n->metadata[i].key) + n->metadata[i].value.len;
    return sum;
}

static char *put_i32(char *at, size_t v)
{
    int32_t x = (int32_t)v;
    memcpy(at, &x, 4);
    return at + 4;
}
static char *put_text(char *at, vonk_str s)
{
    at = put_i32(at, s.len);
    memcpy(at, s.data, s.len);
    return at + s.len;
}

/* Fills *ret with a node of n_children children, whose structs are zeroed. */
static vonk_status make_node(const node *n, const char *format, uint32_t n_children, struct ArrowSchema *ret,
                             vonk_error *err)
{
    size_t format_bytes = strlen(format) + 1, metadata = metadata_bytes(n);
    char *block;
    size_t structs = n_children * (sizeof(struct ArrowSchema *) + sizeof(struct ArrowSchema));
    VONK_TRY(
        vonk_alloc_zeroed(vonk_budget_root(), structs + format_bytes + n->name.len + 1 + metadata + 8, &block, err));
    struct ArrowSchema **children = (struct ArrowSchema **)(void *)block;
    struct ArrowSchema *kids = (struct ArrowSchema *)(void *)(children + n_children);
    for (uint32_t i = 0; i < n_children; i++) children[i] = &kids[i];
    char *at = block + structs, *meta = at;
    if (metadata) {
        at = put_i32(at, n->n_metadata);
        for (uint32_t i = 0; i < n->n_metadata; i++) {
            at = put_text(at, vonk_str_of(n->metadata[i].key));
            at = put_text(at, n->metadata[i].value);
        }
    }
    char *name = at + format_bytes;
    memcpy(at, format, format_bytes);
    if (n->name.len) memcpy(name, n->name.data, n->name.len);
    *ret = (struct ArrowSchema){.format = at,
                                .name = name,
                                .metadata = metadata ? meta : NULL,
                                .flags = n->nullable ? ARROW_FLAG_NULLABLE : 0,
                                .n_children = n_children,
                                .children = n_children ? children : NULL,
                                .release = release_schema,
                                .private_data = block};
    return VONK_OK;
}

static vonk_status export_node(node *n, struct ArrowSchema *ret, vonk_error *err);

static vonk_status export_child(const node *parent, struct ArrowSchema *into, vonk_str name, const vonk_type *type,
                                bool nullable, vonk_str metadata, vonk_error *err)
{
    node child = {.options = parent->options, .name = name, .type = type, .nullable = nullable};
    if (metadata.len) add_pair(&child, VONK__KEY_FIELD, metadata);
    return export_node(&child, into, err);
}

static vonk_status export_map(const node *n, struct ArrowSchema *into, vonk_error *err)
{
    const vonk_type *t = vonk__physical(n->type);
    node entries = {.options = n->options, .name = VONK_STR("entries")};
    VONK_TRY(make_node(&entries, "+s", 2, into, err));
    VONK_TRY(export_child(n, into->children[0], VONK_STR("key"), t->fields[0].type, false, VONK_STR_NONE, err));
    return export_child(n, into->children[1], VONK_STR("value"), t->fields[1].type, t->fields[1].nullable,
                        VONK_STR_NONE, err);
}

static vonk_status export_variant(const node *n, struct ArrowSchema *ret, vonk_error *err)
{
    node mark = {.options = n->options, .name = VONK_STR("metadata"), .type = &vonk_type_binary};
    VONK_TRY(export_child(n, ret->children[0], VONK_STR("value"), &vonk_type_binary, false, VONK_STR_NONE, err));
    add_pair(&mark, VONK__KEY_VARIANT, VONK_STR("true"));
    return export_node(&mark, ret->children[1], err);
}

static vonk_status export_spatial(const node *n, const vonk_type *t, struct ArrowSchema *ret, vonk_error *err)
{
    node wkb = {.options = n->options, .name = VONK_STR("wkb"), .type = &vonk_type_binary};
    VONK_TRY(export_child(n, ret->children[0], VONK_STR("srid"), &vonk_type_int, false, VONK_STR_NONE, err));
    add_pair(&wkb, t->id == VONK_T_GEOMETRY ? "geometry" : "geography", VONK_STR("true"));
    add_number(&wkb, "srid", t->length);
    return export_node(&wkb, ret->children[1], err);
}

static vonk_status export_children(const node *n, const vonk_type *t, struct ArrowSchema *ret, vonk_error *err)
{
    switch (t->id) {
    case VONK_T_ARRAY:
        return export_child(n, ret->children[0], VONK_STR("element"), t->fields[0].type, t->fields[0].nullable,
                            VONK_STR_NONE, err);
    case VONK_T_MAP: return export_map(n, ret->children[0], err);
    case VONK_T_VARIANT: return export_variant(n, ret, err);
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return export_spatial(n, t, ret, err);
    case VONK_T_STRUCT:
        for (uint32_t i = 0; i < t->n_fields; i++) {
            const vonk_field *f = &t->fields[i];
            VONK_TRY(export_child(n, ret->children[i], f->name, f->type, f->nullable, f->metadata, err));
        }
        return VONK_OK;
    default: return VONK_OK;
    }
}

static uint32_t n_arrow_children(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_ARRAY:
    case VONK_T_MAP: return 1;
    case VONK_T_VARIANT:
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return 2;
    case VONK_T_STRUCT: return t->n_fields;
    default: return 0;
    }
}

static vonk_status export_node(node *n, struct ArrowSchema *ret, vonk_error *err)
{
    char format[128];
    const vonk_type *t = vonk__physical(n->type);
    VONK_TRY(format_of(t, n->options, format, sizeof(format), err));
    if (t->id == VONK_T_TIME) add_number(n, VONK__KEY_TIME, t->precision);
    if (t->storage == VONK_STORE_I128 && t->id != VONK_T_DECIMAL) add_number(n, VONK__KEY_NANOS, t->precision);
    VONK_TRY(make_node(n, format, n_arrow_children(t), ret, err));
    vonk_status st = export_children(n, t, ret, err);
    if (st != VONK_OK) ret->release(ret); /* children that were made go with it */
    return st;
}

vonk_status vonk_arrow_export_schema(const vonk_type *struct_type, const vonk_arrow_options *options,
                                     struct ArrowSchema *ret, vonk_error *err)
{
    node n = {.options = options, .type = struct_type};
    struct ArrowSchema made = {0};
    VONK_TRY(export_node(&n, &made, err));
    *ret = made;
    return VONK_OK;
}

/* ---- import */

bool vonk__arrow_metadata(const struct ArrowSchema *schema, const char *key, vonk_str *ret)
{
    const char *at = schema->metadata;
    int32_t n, len;
    if (!at) return false;
    memcpy(&n, at, 4);
    at += 4;
    for (int32_t i = 0; i < n; i++) {
        vonk_str part[2];
        for (int k = 0; k < 2; k++) {
            memcpy(&len, at, 4);
            if (len < 0) return false;
            part[k] = (vonk_str){at + 4, (size_t)len};
            at += 4 + len;
        }
        if (vonk_str_is(part[0], key)) {
            *ret = part[1];
            return true;
        }
    }
    return false;
}

vonk_status vonk__arrow_unsupported(const struct ArrowSchema *schema, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_ARROWTYPE, "typeName",
                     VONK_F("%.100s", schema->format ? schema->format : "none"));
}

static int number_of(vonk_str s)
{
    int v = 0;
    for (size_t i = 0; i < s.len && v < 1000000; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return -1;
        v = v * 10 + (s.data[i] - '0');
    }
    return s.len ? v : -1;
}

static bool has_mark(const struct ArrowSchema *s, const char *key)
{
    vonk_str value;
    return vonk__arrow_metadata(s, key, &value) && vonk_str_is(value, "true");
}

/* A struct of two children with these names. */
static bool is_pair(const struct ArrowSchema *s, const char *first, const char *second)
{
    return s->format && strcmp(s->format, "+s") == 0 && s->n_children == 2 && s->children[0]->name &&
           s->children[1]->name && strcmp(s->children[0]->name, first) == 0 &&
           strcmp(s->children[1]->name, second) == 0;
}

bool vonk__arrow_is_variant(const struct ArrowSchema *schema)
{
    return is_pair(schema, "value", "metadata") && has_mark(schema->children[1], VONK__KEY_VARIANT);
}

bool vonk__arrow_is_spatial(const struct ArrowSchema *schema, bool *ret_geography, int32_t *ret_srid)
{
    vonk_str srid;
    if (!is_pair(schema, "srid", "wkb")) return false;
    *ret_geography = has_mark(schema->children[1], "geography");
    if (!*ret_geography && !has_mark(schema->children[1], "geometry")) return false;
    *ret_srid =
        vonk__arrow_metadata(schema->children[1], "srid", &srid) ? number_of(srid) : -1; /* "-1" is no number: any */
    return true;
}

static vonk_status time_type(const struct ArrowSchema *s, const vonk_type **ret, vonk_error *err)
{
    vonk_str text;
    char unit = s->format[2];
    int precision = unit == 's' ? 0 : unit == 'm' ? 3 : unit == 'u' ? 6 : 9;
    if (unit == 'n' || unit == 'u') precision = 6; /* what Spark takes times for, unless the field says more */
    if (vonk__arrow_metadata(s, VONK__KEY_TIME, &text)) precision = number_of(text);
    return vonk_type_time_of(precision, ret, err);
}

static vonk_status timestamp_type(const struct ArrowSchema *s, const vonk_type **ret, vonk_error *err)
{
    vonk_str text;
    bool ntz = s->format[4] == 0;
    if (s->format[2] == 'n' && vonk__arrow_metadata(s, VONK__KEY_NANOS, &text))
        return vonk_type_timestamp_nanos(ntz, number_of(text), ret, err);
    *ret = ntz ? &vonk_type_timestamp_ntz : &vonk_type_timestamp;
    return VONK_OK;
}

static vonk_status decimal_type(const struct ArrowSchema *s, const vonk_type **ret, vonk_error *err)
{
    vonk_str parts = vonk_str_of(s->format + 2);
    int numbers[2];
    for (int i = 0; i < 2; i++) {
        size_t comma = vonk_str_find_byte(parts, ',', 0);
        numbers[i] = number_of(vonk_str_sub(parts, 0, comma == SIZE_MAX ? parts.len : comma));
        parts = comma == SIZE_MAX ? VONK_STR_NONE : vonk_str_sub(parts, comma + 1, parts.len);
    }
    if (numbers[0] < 0 || numbers[1] < 0) return vonk__arrow_unsupported(s, err);
    return vonk_type_decimal(numbers[0], numbers[1], ret, err);
}

static vonk_status leaf_type(const struct ArrowSchema *s, const vonk_type **ret, vonk_error *err)
{
    static const struct {
        const char *format;
        const vonk_type *type;
    } rows[] = {{"n", &vonk_type_null},         {"b", &vonk_type_boolean},    {"c", &vonk_type_byte},
                {"C", &vonk_type_short},        {"s", &vonk_type_short},      {"S", &vonk_type_int},
                {"i", &vonk_type_int},          {"I", &vonk_type_long},       {"l", &vonk_type_long},
                {"e", &vonk_type_float},        {"f", &vonk_type_float},      {"g", &vonk_type_double},
                {"u", &vonk_type_string},       {"U", &vonk_type_string},     {"vu", &vonk_type_string},
                {"z", &vonk_type_binary},       {"Z", &vonk_type_binary},     {"vz", &vonk_type_binary},
                {"tdD", &vonk_type_date},       {"tdm", &vonk_type_date},     {"tDs", &vonk_type_day_time},
                {"tDm", &vonk_type_day_time},   {"tDu", &vonk_type_day_time}, {"tDn", &vonk_type_day_time},
                {"tiM", &vonk_type_year_month}, {"tiD", &vonk_type_day_time}, {"tin", &vonk_type_calendar_interval}};
    const char *f = s->format;
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (strcmp(f, rows[i].format) == 0) {
            *ret = rows[i].type;
            return VONK_OK;
        }
    if (strcmp(f, "L") == 0) return vonk_type_decimal(20, 0, ret, err); /* unsigned 64 bits */
    if (f[0] == 'w' && f[1] == ':' && number_of(vonk_str_of(f + 2)) >= 0) {
        *ret = &vonk_type_binary;
        return VONK_OK;
    }
    if (f[0] == 'd' && f[1] == ':') return decimal_type(s, ret, err);
    if (f[0] == 't' && f[1] == 't' && f[2] && strchr("smun", f[2]) && !f[3]) return time_type(s, ret, err);
    if (f[0] == 't' && f[1] == 's' && f[2] && strchr("smun", f[2]) && f[3] == ':') return timestamp_type(s, ret, err);
    return vonk__arrow_unsupported(s, err);
}

static vonk_status list_type(const struct ArrowSchema *s, unsigned depth, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *element = NULL;
    VONK_TRY(vonk__arrow_type_of(s->children[0], depth, &element, err));
    return vonk_type_array(element, s->children[0]->flags & ARROW_FLAG_NULLABLE, ret, err);
}

static vonk_status map_type(const struct ArrowSchema *s, unsigned depth, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *key = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *value = NULL;
    const struct ArrowSchema *entries = s->children[0];
    if (!entries->format || strcmp(entries->format, "+s") != 0 || entries->n_children != 2)
        return vonk__arrow_unsupported(s, err);
    VONK_TRY(vonk__arrow_type_of(entries->children[0], depth, &key, err));
    VONK_TRY(vonk__arrow_type_of(entries->children[1], depth, &value, err));
    return vonk_type_map(key, value, entries->children[1]->flags & ARROW_FLAG_NULLABLE, ret, err);
}

static vonk_status struct_type(const struct ArrowSchema *s, unsigned depth, const vonk_type **ret, vonk_error *err)
{
    vonk_field *fields;
    vonk_status st = VONK_OK;
    int64_t n = 0;
    VONK_TRY(vonk_alloc_zeroed(vonk_budget_root(), (size_t)s->n_children * sizeof(*fields), &fields, err));
    for (; n < s->n_children && st == VONK_OK; n++) {
        const struct ArrowSchema *c = s->children[n];
        fields[n].name = vonk_str_of(c->name);
        fields[n].nullable = c->flags & ARROW_FLAG_NULLABLE;
        if (!vonk__arrow_metadata(c, VONK__KEY_FIELD, &fields[n].metadata)) fields[n].metadata = VONK_STR_NONE;
        st = vonk__arrow_type_of(c, depth, &fields[n].type, err);
    }
    if (st == VONK_OK) st = vonk_type_struct(fields, (size_t)n, ret, err);
    for (int64_t i = 0; i < n; i++) vonk_type_unref(fields[i].type);
    vonk_free(fields);
    return st;
}

static vonk_status struct_or_marked_type(const struct ArrowSchema *s, unsigned depth, const vonk_type **ret,
                                         vonk_error *err)
{
    bool geography;
    int32_t srid;
    if (vonk__arrow_is_variant(s)) {
        *ret = &vonk_type_variant;
        return VONK_OK;
    }
    if (vonk__arrow_is_spatial(s, &geography, &srid)) return vonk_type_spatial(geography, srid, ret, err);
    return struct_type(s, depth, ret, err);
}

vonk_status vonk__arrow_type_of(const struct ArrowSchema *schema, unsigned depth, const vonk_type **ret,
                                vonk_error *err)
{
    const char *f = schema->format;
    if (!f || schema->n_children < 0 || schema->n_children > INT32_MAX) return vonk__arrow_unsupported(schema, err);
    if (depth >= VONK_MAX_TYPE_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "types nested more than 128 deep");
    if (schema->dictionary) return vonk__arrow_type_of(schema->dictionary, depth + 1, ret, err);
    if (f[0] != '+') return leaf_type(schema, ret, err);
    bool one = schema->n_children == 1;
    if (strcmp(f, "+s") == 0) return struct_or_marked_type(schema, depth + 1, ret, err);
    if (strcmp(f, "+m") == 0 && one) return map_type(schema, depth + 1, ret, err);
    if (strcmp(f, "+r") == 0 && schema->n_children == 2)
        return vonk__arrow_type_of(schema->children[1], depth + 1, ret, err);
    if (one && (strcmp(f, "+l") == 0 || strcmp(f, "+L") == 0 || strcmp(f, "+vl") == 0 || strcmp(f, "+vL") == 0 ||
                strncmp(f, "+w:", 3) == 0))
        return list_type(schema, depth + 1, ret, err);
    return vonk__arrow_unsupported(schema, err);
}

vonk_status vonk_arrow_import_schema(const struct ArrowSchema *schema, const vonk_type **ret_struct, vonk_error *err)
{
    if (!schema->format || strcmp(schema->format, "+s") != 0 || schema->dictionary || schema->n_children < 0)
        return vonk__arrow_unsupported(schema, err);
    return struct_type(schema, 1, ret_struct, err); /* never a variant: a batch is no column */
}
