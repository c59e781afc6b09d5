/* column/type_text.c -- types as texts: simple, catalog, SQL, JSON, DDL, tree. Walks recurse over types, whose depth is
 * limited when made. */
#include <stdio.h>

#include "column/collation.h"
#include "column/type_int.h"

#define MAX_SHOWN_FIELDS 25 /* spark.sql.debug.maxToStringFields */

static const char *const simple_names[] = {
#define TYPE(id, sql, json, storage) sql,
#include "column/type.def"
#undef TYPE
};
static const char *const json_names[] = {
#define TYPE(id, sql, json, storage) json,
#include "column/type.def"
#undef TYPE
};
static const char *const ym_fields[] = {"year", "month"};
static const char *const dt_fields[] = {"day", "hour", "minute", "second"};

static vonk_status add_upper(vonk_buf *out, const char *text, vonk_error *err)
{
    for (; *text; text++)
        VONK_TRY(vonk_buf_add_byte(out, (char)(*text >= 'a' && *text <= 'z' ? *text - 32 : *text), err));
    return VONK_OK;
}

/* The name of a type without children, parameters included: one form for simple strings, trees and JSON, where only the
 * base name differs. */
static void leaf_name(const vonk_type *t, const char *base, bool json, bool collation, char into[160])
{
    char name[64];
    const char *collate =
        collation && (t->collation || t->collate_shown) ? vonk_collation_name(t->collation, name) : NULL;
    switch (t->id) {
    case VONK_T_DECIMAL: (void)snprintf(into, 160, "decimal(%d,%d)", t->precision, t->scale); return;
    case VONK_T_CHAR:
    case VONK_T_VARCHAR:
        (void)snprintf(into, 160, "%s(%d)%s%s", base, t->length, collate ? " collate " : "", collate ? collate : "");
        return;
    case VONK_T_STRING:
        (void)snprintf(into, 160, "string%s%s", collate ? " collate " : "", collate ? collate : "");
        return;
    case VONK_T_TIME:
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS: (void)snprintf(into, 160, "%s(%d)", base, t->precision); return;
    case VONK_T_INTERVAL_YEAR_MONTH:
    case VONK_T_INTERVAL_DAY_TIME: {
        const char *const *fields = t->id == VONK_T_INTERVAL_YEAR_MONTH ? ym_fields : dt_fields;
        if (t->first == t->last)
            (void)snprintf(into, 160, "interval %s", fields[t->first]);
        else
            (void)snprintf(into, 160, "interval %s to %s", fields[t->first], fields[t->last]);
        return;
    }
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: {
        const char *also = json && t->id == VONK_T_GEOGRAPHY ? ", SPHERICAL" : "";
        char crs[32];
        vonk__srid_crs(t->length, crs);
        if (json)
            (void)snprintf(into, 160, "%s(%s%s)", base, crs, also);
        else if (t->length < 0)
            (void)snprintf(into, 160, "%s(any)", base);
        else
            (void)snprintf(into, 160, "%s(%d)", base, t->length);
        return;
    }
    default: (void)snprintf(into, 160, "%s", base);
    }
}

/* What Spark calls a user-defined type: its class's last name without "UDT", in lower case. */
static vonk_status udt_name(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    vonk_str name = t->udt_class;
    if (name.len == 0) return vonk_buf_add_c(out, "pythonuserdefined", err);
    for (size_t i = name.len; i > 0; i--)
        if (name.data[i - 1] == '.' || name.data[i - 1] == '$') {
            if (i < name.len) {
                name = vonk_str_sub(name, i, name.len);
                break;
            }
            name.len--; /* trailing '$' of a Scala object */
        }
    if (vonk_str_ends(name, VONK_STR("Type"))) name.len -= 4;
    if (vonk_str_ends(name, VONK_STR("UDT"))) name.len -= 3;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        VONK_TRY(vonk_buf_add_byte(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c), err));
    }
    return VONK_OK;
}

/* ---- simple and catalog strings */

static vonk_status simple(const vonk_type *t, bool cut, vonk_buf *out, vonk_error *err)
{
    char into[160];
    switch (t->id) {
    case VONK_T_ARRAY:
    case VONK_T_MAP:
        VONK_TRY(vonk_buf_add_c(out, t->id == VONK_T_ARRAY ? "array<" : "map<", err));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
            VONK_TRY(simple(t->fields[i].type, cut, out, err));
        }
        return vonk_buf_add_byte(out, '>', err);
    case VONK_T_STRUCT:
        VONK_TRY(vonk_buf_add_c(out, "struct<", err));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
            if (cut && i == MAX_SHOWN_FIELDS) {
                VONK_TRY(vonk_buf_printf(out, err, "... %u more fields", t->n_fields - i));
                break;
            }
            VONK_TRY(vonk_buf_add_str(out, t->fields[i].name, err));
            VONK_TRY(vonk_buf_add_byte(out, ':', err));
            VONK_TRY(simple(t->fields[i].type, cut, out, err));
        }
        return vonk_buf_add_byte(out, '>', err);
    case VONK_T_UDT: return cut ? udt_name(t, out, err) : simple(t->fields[0].type, cut, out, err);
    default: leaf_name(t, simple_names[t->id], false, true, into); return vonk_buf_add_c(out, into, err);
    }
}

vonk_status vonk_type_simple_string(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    return simple(t, true, out, err);
}
vonk_status vonk_type_catalog_string(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    return simple(t, false, out, err);
}

/* ---- SQL and DDL */

vonk_status vonk_type_quote_name(vonk_str name, vonk_buf *out, vonk_error *err)
{
    bool plain = name.len > 0 && !(name.data[0] >= '0' && name.data[0] <= '9');
    for (size_t i = 0; i < name.len && plain; i++) {
        char c = name.data[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (plain) return vonk_buf_add_str(out, name, err);
    VONK_TRY(vonk_buf_add_byte(out, '`', err));
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '`') VONK_TRY(vonk_buf_add_byte(out, '`', err));
        VONK_TRY(vonk_buf_add_byte(out, name.data[i], err));
    }
    return vonk_buf_add_byte(out, '`', err);
}

static vonk_status add_comment(const vonk_field *f, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, out->budget, SIZE_MAX);
    bool found = false;
    if (f->metadata.len) VONK_TRY(vonk__json_string_member(f->metadata, "comment", &text, &found, err));
    if (!found) return VONK_OK;
    VONK_TRY(vonk_buf_add_c(out, " COMMENT '", err));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\') VONK_TRY(vonk_buf_add_byte(out, '\\', err));
        VONK_TRY(vonk_buf_add_byte(out, text.data[i], err));
    }
    return vonk_buf_add_byte(out, '\'', err);
}

vonk_status vonk_type_sql(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    char into[160];
    switch (t->id) {
    case VONK_T_ARRAY:
    case VONK_T_MAP:
        VONK_TRY(vonk_buf_add_c(out, t->id == VONK_T_ARRAY ? "ARRAY<" : "MAP<", err));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
            VONK_TRY(vonk_type_sql(t->fields[i].type, out, err));
        }
        return vonk_buf_add_byte(out, '>', err);
    case VONK_T_STRUCT:
        VONK_TRY(vonk_buf_add_c(out, "STRUCT<", err));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            const vonk_field *f = &t->fields[i];
            if (i) VONK_TRY(vonk_buf_add_c(out, ", ", err));
            VONK_TRY(vonk_type_quote_name(f->name, out, err));
            VONK_TRY(vonk_buf_add_c(out, ": ", err));
            VONK_TRY(vonk_type_sql(f->type, out, err));
            if (!f->nullable) VONK_TRY(vonk_buf_add_c(out, " NOT NULL", err));
            VONK_TRY(add_comment(f, out, err));
        }
        return vonk_buf_add_byte(out, '>', err);
    case VONK_T_UDT: return vonk_type_sql(t->fields[0].type, out, err);
    default: leaf_name(t, simple_names[t->id], false, true, into); return add_upper(out, into, err);
    }
}

vonk_status vonk_type_ddl(const vonk_type *struct_type, vonk_buf *out, vonk_error *err)
{
    for (uint32_t i = 0; i < struct_type->n_fields; i++) {
        const vonk_field *f = &struct_type->fields[i];
        if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(vonk_type_quote_name(f->name, out, err));
        VONK_TRY(vonk_buf_add_byte(out, ' ', err));
        VONK_TRY(vonk_type_sql(f->type, out, err));
        if (!f->nullable) VONK_TRY(vonk_buf_add_c(out, " NOT NULL", err));
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        vonk_buf_init(&text, out->budget, SIZE_MAX);
        bool found = false;
        if (f->metadata.len) VONK_TRY(vonk__json_string_member(f->metadata, "CURRENT_DEFAULT", &text, &found, err));
        if (found) {
            VONK_TRY(vonk_buf_add_c(out, " DEFAULT ", err));
            VONK_TRY(vonk_buf_add_str(out, vonk_buf_str(&text), err));
        }
        VONK_TRY(add_comment(f, out, err));
    }
    return VONK_OK;
}

const char *vonk_type_quote(const vonk_type *t, char *into, size_t bytes)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT; /* a shorter text is better than a second error */
    vonk_buf_init(&text, vonk_budget_root(), 1 << 20);
    if (vonk_type_sql(t, &text, &ignored) != VONK_OK && text.len == 0) {
        (void)snprintf(into, bytes, "\"%s\"", simple_names[t->id]);
        return into;
    }
    (void)snprintf(into, bytes, "\"%.*s\"", VONK_STR_ARGS(vonk_buf_str(&text)));
    return into;
}

/* ---- JSON. Inside a struct field, collations stand in the field's metadata:
 * {"__COLLATIONS":{"a.element":"icu.UNICODE"}}. */

static vonk_status json_of(const vonk_type *t, bool in_field, vonk_buf *out, vonk_error *err);

/* Adds `"path":"provider.NAME"` for every collated string reached from a field without passing through a struct. */
static vonk_status add_collations(const vonk_type *t, vonk_buf *path, bool *inout_first, vonk_buf *out, vonk_error *err)
{
    char name[64];
    if (vonk_type_is_stringy(t) && t->collation) {
        if (!*inout_first) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        *inout_first = false;
        VONK_TRY(vonk__json_add_string(vonk_buf_str(path), out, err));
        return vonk_buf_printf(out, err, ":\"%s.%s\"", vonk_collation_provider(t->collation),
                               vonk_collation_name(t->collation, name));
    }
    if (t->id != VONK_T_ARRAY && t->id != VONK_T_MAP) return VONK_OK;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        size_t len = path->len;
        VONK_TRY(vonk_buf_add_byte(path, '.', err));
        VONK_TRY(vonk_buf_add_str(path, t->fields[i].name, err));
        VONK_TRY(add_collations(t->fields[i].type, path, inout_first, out, err));
        path->len = len;
    }
    return VONK_OK;
}

static vonk_status json_metadata(const vonk_field *f, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf path = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf collations = {0};
    vonk_buf_init(&path, out->budget, SIZE_MAX);
    vonk_buf_init(&collations, out->budget, SIZE_MAX);
    bool first = true;
    VONK_TRY(vonk_buf_add_str(&path, f->name, err));
    VONK_TRY(add_collations(f->type, &path, &first, &collations, err));
    if (first) return f->metadata.len ? vonk_buf_add_str(out, f->metadata, err) : vonk_buf_add_c(out, "{}", err);
    if (f->metadata.len > 2) {
        VONK_TRY(vonk_buf_append(out, f->metadata.data, f->metadata.len - 1, err));
        VONK_TRY(vonk_buf_add_byte(out, ',', err));
    } else
        VONK_TRY(vonk_buf_add_byte(out, '{', err));
    VONK_TRY(vonk_buf_add_c(out, "\"" VONK_COLLATIONS_KEY "\":{", err));
    VONK_TRY(vonk_buf_add_str(out, vonk_buf_str(&collations), err));
    return vonk_buf_add_c(out, "}}", err);
}

static vonk_status json_struct(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "{\"type\":\"struct\",\"fields\":[", err));
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const vonk_field *f = &t->fields[i];
        VONK_TRY(vonk_buf_add_c(out, i ? ",{\"name\":" : "{\"name\":", err));
        VONK_TRY(vonk__json_add_string(f->name, out, err));
        VONK_TRY(vonk_buf_add_c(out, ",\"type\":", err));
        VONK_TRY(json_of(f->type, true, out, err));
        VONK_TRY(vonk_buf_printf(out, err, ",\"nullable\":%s,\"metadata\":", f->nullable ? "true" : "false"));
        VONK_TRY(json_metadata(f, out, err));
        VONK_TRY(vonk_buf_add_byte(out, '}', err));
    }
    return vonk_buf_add_c(out, "]}", err);
}

static vonk_status json_udt(const vonk_type *t, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "{\"type\":\"udt\"", err));
    if (t->udt_class.len) {
        VONK_TRY(vonk_buf_add_c(out, ",\"class\":", err));
        VONK_TRY(vonk__json_add_string(t->udt_class, out, err));
    }
    VONK_TRY(vonk_buf_add_c(out, ",\"pyClass\":", err));
    if (t->udt_py_class.len)
        VONK_TRY(vonk__json_add_string(t->udt_py_class, out, err));
    else
        VONK_TRY(vonk_buf_add_c(out, "null", err));
    if (t->udt_serialized.len) {
        VONK_TRY(vonk_buf_add_c(out, ",\"serializedClass\":", err));
        VONK_TRY(vonk__json_add_string(t->udt_serialized, out, err));
    }
    VONK_TRY(vonk_buf_add_c(out, ",\"sqlType\":", err));
    VONK_TRY(json_of(t->fields[0].type, false, out, err));
    return vonk_buf_add_byte(out, '}', err);
}

static vonk_status json_of(const vonk_type *t, bool in_field, vonk_buf *out, vonk_error *err)
{
    char into[160];
    switch (t->id) {
    case VONK_T_ARRAY:
        VONK_TRY(vonk_buf_add_c(out, "{\"type\":\"array\",\"elementType\":", err));
        VONK_TRY(json_of(t->fields[0].type, in_field, out, err));
        return vonk_buf_printf(out, err, ",\"containsNull\":%s}", t->fields[0].nullable ? "true" : "false");
    case VONK_T_MAP:
        VONK_TRY(vonk_buf_add_c(out, "{\"type\":\"map\",\"keyType\":", err));
        VONK_TRY(json_of(t->fields[0].type, in_field, out, err));
        VONK_TRY(vonk_buf_add_c(out, ",\"valueType\":", err));
        VONK_TRY(json_of(t->fields[1].type, in_field, out, err));
        return vonk_buf_printf(out, err, ",\"valueContainsNull\":%s}", t->fields[1].nullable ? "true" : "false");
    case VONK_T_STRUCT: return json_struct(t, out, err);
    case VONK_T_UDT: return json_udt(t, out, err);
    default:
        leaf_name(t, json_names[t->id], true, !(in_field && t->collation), into);
        return vonk_buf_printf(out, err, "\"%s\"", into);
    }
}

vonk_status vonk_type_json(const vonk_type *t, vonk_buf *out, vonk_error *err) { return json_of(t, false, out, err); }

/* ---- tree */

static vonk_status add_escaped(vonk_str name, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "\n\r\t\a\b\v\f", to[] = "nrtabvf";
    for (size_t i = 0; i < name.len; i++) {
        const char *hit = name.data[i] ? strchr(from, name.data[i]) : NULL;
        if (hit) {
            VONK_TRY(vonk_buf_add_byte(out, '\\', err));
            VONK_TRY(vonk_buf_add_byte(out, to[hit - from], err));
        } else
            VONK_TRY(vonk_buf_add_byte(out, name.data[i], err));
    }
    return VONK_OK;
}

typedef struct tree {
    int32_t max_level;
    vonk_buf *out;
} tree;

static vonk_status tree_children(const tree *w, const vonk_type *t, int32_t level, vonk_error *err);

static vonk_status tree_line(const tree *w, const vonk_field *f, vonk_str name, const char *null_word, int32_t level,
                             vonk_error *err)
{
    char into[160];
    const vonk_type *t = f->type;
    VONK_TRY(vonk_buf_add_byte(w->out, ' ', err));
    for (int32_t i = 0; i < level; i++) VONK_TRY(vonk_buf_add_c(w->out, i ? "    |" : "|", err));
    VONK_TRY(vonk_buf_add_c(w->out, "-- ", err));
    VONK_TRY(add_escaped(name, w->out, err));
    VONK_TRY(vonk_buf_add_c(w->out, ": ", err));
    if (t->id == VONK_T_UDT)
        VONK_TRY(udt_name(t, w->out, err));
    else {
        leaf_name(t, json_names[t->id], false, true, into);
        VONK_TRY(vonk_buf_add_c(w->out, into, err));
    }
    if (null_word) VONK_TRY(vonk_buf_printf(w->out, err, " (%s = %s)", null_word, f->nullable ? "true" : "false"));
    VONK_TRY(vonk_buf_add_byte(w->out, '\n', err));
    return tree_children(w, t, level + 1, err);
}

static vonk_status tree_children(const tree *w, const vonk_type *t, int32_t level, vonk_error *err)
{
    static const char *const words[] = {"containsNull", "valueContainsNull", "nullable"};
    if (level > w->max_level) return VONK_OK;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const char *word = words[2];
        if (t->id == VONK_T_UDT) return VONK_OK;
        if (t->id == VONK_T_ARRAY) word = words[0];
        if (t->id == VONK_T_MAP) word = i == 0 ? NULL : words[1];
        VONK_TRY(tree_line(w, &t->fields[i], t->fields[i].name, word, level, err));
    }
    return VONK_OK;
}

vonk_status vonk_type_tree_string(const vonk_type *struct_type, int32_t max_level, vonk_buf *out, vonk_error *err)
{
    tree w = {.max_level = max_level > 0 ? max_level : INT32_MAX, .out = out};
    VONK_TRY(vonk_buf_add_c(out, "root\n", err));
    return tree_children(&w, struct_type, 1, err);
}
