/* column/type_json.c -- schema JSON -> type. The text becomes a small tree in an arena first (depth limited), then
 * types are made from it. Objects must have exactly the keys that Spark expects. Metadata is kept as compact JSON text,
 * in its own order. */
#include "base/arena.h"
#include "base/vec.h"
#include "column/collation.h"
#include "column/type_int.h"
#include "column/type_lex.h"

#define MAX_JSON_DEPTH 512

typedef enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind;
typedef struct json json;
struct json {
    json_kind kind;
    vonk_str text; /* string: unescaped; number, bool, null: as written */
    size_t n;
    json **items;
    vonk_str *keys; /* of an object */
};

typedef struct reader {
    vonk_str s;
    size_t at;
    int depth;
    vonk_arena *arena;
} reader;
static void reader_done(reader *r)
{
    if (r->arena) vonk_arena_free(r->arena);
}
VONK_DEFINE_AUTO_DONE(reader, reader_done)

/* ---- text -> tree */

static vonk_status bad_text(const reader *r, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_JSON_DATA_TYPE, "invalidType", VONK_S(r->s));
}

static void skip_blanks(reader *r)
{
    while (r->at < r->s.len && memchr(" \t\r\n", r->s.data[r->at], 4)) r->at++;
}
static int peek(const reader *r) { return r->at < r->s.len ? (unsigned char)r->s.data[r->at] : -1; }

/* One escape, r->at on the byte behind the backslash. */
static vonk_status read_escape(reader *r, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t c, low;
    if (peek(r) != 'u') {
        const char *hit = peek(r) > 0 ? strchr(from, peek(r)) : NULL;
        if (!hit) return bad_text(r, err);
        r->at++;
        return vonk_buf_add_byte(out, to[hit - from], err);
    }
    if (!vonk__hex(r->s, r->at + 1, 4, &c)) return bad_text(r, err);
    r->at += 5;
    if (c >= 0xd800 && c < 0xdc00 && r->at + 1 < r->s.len && r->s.data[r->at] == '\\' && r->s.data[r->at + 1] == 'u' &&
        vonk__hex(r->s, r->at + 2, 4, &low) && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        r->at += 6;
    }
    return vonk__add_code_point(c, out, err);
}

static vonk_status read_string(reader *r, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    for (r->at++;;) {
        int c = peek(r);
        if (c < 0x20) return bad_text(r, err); /* end of text, or a control byte */
        r->at++;
        if (c == '"') return vonk_arena_str(r->arena, vonk_buf_str(&out), ret, err);
        if (c == '\\')
            VONK_TRY(read_escape(r, &out, err));
        else
            VONK_TRY(vonk_buf_add_byte(&out, (char)c, err));
    }
}

static bool skip_digits(reader *r)
{
    size_t from = r->at;
    while (peek(r) >= '0' && peek(r) <= '9') r->at++;
    return r->at > from;
}

static vonk_status read_word(reader *r, json *v, vonk_error *err)
{
    static const char *const words[] = {"null", "true", "false"};
    size_t from = r->at;
    if (peek(r) < 0) return bad_text(r, err);
    assert(r->s.data);
    for (size_t i = 0; i < VONK_COUNTOF(words); i++)
        if (vonk_str_starts(vonk_str_sub(r->s, r->at, r->s.len), vonk_str_of(words[i]))) {
            r->at += strlen(words[i]);
            v->kind = i ? JSON_BOOL : JSON_NULL;
            v->text = vonk_str_sub(r->s, from, r->at);
            return VONK_OK;
        }
    if (peek(r) == '-') r->at++;
    if (!skip_digits(r)) return bad_text(r, err);
    if (peek(r) == '.') {
        r->at++;
        if (!skip_digits(r)) return bad_text(r, err);
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->at++;
        if (peek(r) == '+' || peek(r) == '-') r->at++;
        if (!skip_digits(r)) return bad_text(r, err);
    }
    v->kind = JSON_NUMBER;
    v->text = vonk_str_sub(r->s, from, r->at);
    return VONK_OK;
}

static vonk_status read_value(reader *r, json **ret, vonk_error *err);

static vonk_status read_members(reader *r, json *v, vonk_error *err)
{
    VONK_VEC(json *) items = {0};
    VONK_VEC(vonk_str) keys = {0};
    char end = v->kind == JSON_OBJECT ? '}' : ']';
    r->at++;
    skip_blanks(r);
    while (peek(r) != end) {
        vonk_str key;
        json *item;
        if (items.n) {
            if (peek(r) != ',') return bad_text(r, err);
            r->at++;
            skip_blanks(r);
        }
        if (v->kind == JSON_OBJECT) {
            if (peek(r) != '"') return bad_text(r, err);
            VONK_TRY(read_string(r, &key, err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&keys, r->arena, key, err));
            skip_blanks(r);
            if (peek(r) != ':') return bad_text(r, err);
            r->at++;
        }
        VONK_TRY(read_value(r, &item, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(&items, r->arena, item, err));
        skip_blanks(r);
    }
    r->at++;
    v->n = items.n;
    v->items = items.at;
    v->keys = keys.at;
    return VONK_OK;
}

static vonk_status read_value(reader *r, json **ret, vonk_error *err)
{
    json *v;
    if (++r->depth > MAX_JSON_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "schema JSON nested more than 512 deep");
    VONK_TRY(VONK_ARENA_NEW(r->arena, &v, err));
    skip_blanks(r);
    switch (peek(r)) {
    case '{':
    case '[':
        v->kind = peek(r) == '{' ? JSON_OBJECT : JSON_ARRAY;
        VONK_TRY(read_members(r, v, err));
        break;
    case '"':
        v->kind = JSON_STRING;
        VONK_TRY(read_string(r, &v->text, err));
        break;
    default: VONK_TRY(read_word(r, v, err));
    }
    r->depth--;
    *ret = v;
    return VONK_OK;
}

static vonk_status read_text(reader *r, vonk_str text, json **ret, vonk_error *err)
{
    r->s = text;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &r->arena, err));
    VONK_TRY(read_value(r, ret, err));
    skip_blanks(r);
    return r->at == text.len ? VONK_OK : bad_text(r, err);
}

/* ---- tree -> text */

vonk_status vonk__json_add_string(vonk_str text, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        const char *hit = c ? strchr(from, c) : NULL;
        if (hit) {
            VONK_TRY(vonk_buf_add_byte(out, '\\', err));
            VONK_TRY(vonk_buf_add_byte(out, to[hit - from], err));
        } else if ((unsigned char)c < 0x20)
            VONK_TRY(vonk_buf_printf(out, err, "\\u%04X", (unsigned)c));
        else
            VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return vonk_buf_add_byte(out, '"', err);
}

/* `without`: a key of the outermost object that is left out, or NULL. */
static vonk_status write_value(const json *v, const char *without, vonk_buf *out, vonk_error *err)
{
    if (v->kind == JSON_STRING) return vonk__json_add_string(v->text, out, err);
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) return vonk_buf_add_str(out, v->text, err);
    bool first = true;
    VONK_TRY(vonk_buf_add_byte(out, v->kind == JSON_OBJECT ? '{' : '[', err));
    for (size_t i = 0; i < v->n; i++) {
        if (without && v->kind == JSON_OBJECT && vonk_str_is(v->keys[i], without)) continue;
        if (!first) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        first = false;
        if (v->kind == JSON_OBJECT) {
            VONK_TRY(vonk__json_add_string(v->keys[i], out, err));
            VONK_TRY(vonk_buf_add_byte(out, ':', err));
        }
        VONK_TRY(write_value(v->items[i], NULL, out, err));
    }
    return vonk_buf_add_byte(out, v->kind == JSON_OBJECT ? '}' : ']', err);
}

static const json *member(const json *v, const char *key)
{
    if (v->kind != JSON_OBJECT) return NULL;
    for (size_t i = 0; i < v->n; i++)
        if (vonk_str_is(v->keys[i], key)) return v->items[i];
    return NULL;
}

vonk_status vonk__json_string_member(vonk_str text, const char *key, vonk_buf *out, bool *ret_found, vonk_error *err)
{
    VONK_AUTO(reader_done) reader r = {0};
    json *v;
    *ret_found = false;
    VONK_TRY(read_text(&r, text, &v, err));
    const json *m = member(v, key);
    if (!m || m->kind != JSON_STRING) return VONK_OK;
    *ret_found = true;
    return vonk_buf_add_str(out, m->text, err);
}

/* ---- tree -> type */

typedef struct maker {
    vonk_arena *arena;
    const json *collations; /* of the struct field we are in, or NULL */
    vonk_buf path;          /* inside that field: "a.element" */
} maker;

static vonk_status invalid(const json *v, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    if (v->kind == JSON_STRING)
        VONK_TRY(vonk_buf_add_str(&text, v->text, err));
    else
        VONK_TRY(write_value(v, NULL, &text, err));
    return VONK_FAIL(err, VONK_E_INVALID_JSON_DATA_TYPE, "invalidType", VONK_S(vonk_buf_str(&text)));
}

static bool has_keys(const json *v, size_t n, const char *const *keys)
{
    if (v->kind != JSON_OBJECT || v->n != n) return false;
    for (size_t i = 0; i < n; i++)
        if (!member(v, keys[i])) return false;
    return true;
}
#define HAS_KEYS(v, ...)                                                                                               \
    has_keys((v), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *const[]){__VA_ARGS__})

/* "decimal( 10 , 2 )" with word "decimal" -> 2 trimmed arguments; 0: another word. */
static size_t arguments(vonk_str name, const char *word, vonk_str ret[2])
{
    vonk_str w = vonk_str_of(word);
    if (!vonk_str_starts(name, w) || name.len < w.len + 3 || name.data[w.len] != '(' || name.data[name.len - 1] != ')')
        return 0;
    vonk_str inner = vonk_str_sub(name, w.len + 1, name.len - 1);
    size_t comma = vonk_str_find_byte(inner, ',', 0);
    if (comma == SIZE_MAX) {
        ret[0] = vonk_str_trim(inner);
        return ret[0].len ? 1 : 0;
    }
    ret[0] = vonk_str_trim(vonk_str_sub(inner, 0, comma));
    ret[1] = vonk_str_trim(vonk_str_sub(inner, comma + 1, inner.len));
    return ret[0].len && ret[1].len ? 2 : 0;
}

static bool number(vonk_str s, bool negative_too, int32_t *ret)
{
    int32_t v = 0;
    size_t i = negative_too && s.len && s.data[0] == '-';
    bool minus = i == 1;
    if (i == s.len) return false;
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return false;
        v = v >= 99999999 ? 999999999 : v * 10 + (s.data[i] - '0');
    }
    *ret = minus ? -v : v;
    return true;
}

static const vonk_type *plain_type(vonk_str name)
{
    static const struct {
        const char *name;
        const vonk_type *type;
    } rows[] = {{"void", &vonk_type_null},
                {"null", &vonk_type_null},
                {"boolean", &vonk_type_boolean},
                {"byte", &vonk_type_byte},
                {"short", &vonk_type_short},
                {"integer", &vonk_type_int},
                {"long", &vonk_type_long},
                {"float", &vonk_type_float},
                {"double", &vonk_type_double},
                {"string", &vonk_type_string},
                {"binary", &vonk_type_binary},
                {"date", &vonk_type_date},
                {"timestamp", &vonk_type_timestamp},
                {"timestamp_ltz", &vonk_type_timestamp},
                {"timestamp_ntz", &vonk_type_timestamp_ntz},
                {"interval", &vonk_type_calendar_interval},
                {"variant", &vonk_type_variant}};
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (vonk_str_is(name, rows[i].name)) return rows[i].type;
    return NULL;
}

/* "interval day", "interval day to second": the DDL parser knows them; JSON only differs in taking lower case alone. */
static vonk_status interval_type(const json *v, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    for (size_t i = 0; i < v->text.len; i++)
        if (!(v->text.data[i] == ' ' || (v->text.data[i] >= 'a' && v->text.data[i] <= 'z'))) return invalid(v, err);
    if (vonk_type_parse(v->text, ret, &ignored) == VONK_OK) return VONK_OK;
    VONK_TRY(vonk_error_forgive(&ignored, err));
    return invalid(v, err);
}

static vonk_status spatial_type(const json *v, bool geography, size_t n, const vonk_str *args, const vonk_type **ret,
                                vonk_error *err)
{
    int32_t srid = 4326;
    if (n > 0 && !vonk__srid_of_crs(args[0], &srid)) return invalid(v, err);
    if (n == 2 && (!geography || !vonk_str_is_nocase(args[1], "SPHERICAL"))) return invalid(v, err);
    return vonk_type_spatial(geography, srid, ret, err);
}

static vonk_status named_type(const json *v, const vonk_type **ret, vonk_error *err)
{
    vonk_str name = v->text, args[2];
    int32_t a, b;
    *ret = plain_type(name);
    if (*ret) return VONK_OK;
    if (vonk_str_is(name, "decimal")) return vonk_type_decimal(10, 0, ret, err);
    if (arguments(name, "decimal", args) == 2 && number(args[0], false, &a) && number(args[1], true, &b))
        return vonk_type_decimal(a, b, ret, err);
    for (int i = 0; i < 2; i++)
        if (arguments(name, i ? "varchar" : "char", args) == 1 && number(args[0], false, &a)) {
            VONK_TRY(vonk__type_length(args[0], i ? "VARCHAR" : "CHAR", &a, err));
            return i ? vonk_type_varchar(a, ret, err) : vonk_type_char(a, ret, err);
        }
    if (arguments(name, "time", args) == 1 && args[0].len == 1 && number(args[0], false, &a))
        return vonk_type_time_of(a, ret, err);
    for (int ntz = 0; ntz < 2; ntz++)
        if (arguments(name, ntz ? "timestamp_ntz" : "timestamp_ltz", args) == 1 && number(args[0], false, &a))
            return vonk_type_timestamp_nanos(ntz, a, ret, err);
    vonk_str collate = VONK_STR("string collate ");
    if (vonk_str_starts(name, collate)) {
        VONK_TRY(vonk_collation_by_name(vonk_str_sub(name, collate.len, name.len), &a, err));
        return vonk__type_stringy(VONK_T_STRING, 0, a, true, ret, err);
    }
    if (vonk_str_starts(name, VONK_STR("interval "))) return interval_type(v, ret, err);
    for (int geography = 0; geography < 2; geography++) {
        const char *word = geography ? "geography" : "geometry";
        size_t n = arguments(name, word, args);
        if (n || vonk_str_is(name, word)) return spatial_type(v, geography, n, args, ret, err);
    }
    return invalid(v, err);
}

/* A string whose collation stands in the field's metadata: "icu.UNICODE". */
static vonk_status collate(const maker *m, const vonk_type **inout, vonk_error *err)
{
    const vonk_type *t = *inout;
    if (!m->collations || !vonk_type_is_stringy(t)) return VONK_OK;
    for (size_t i = 0; i < m->collations->n; i++) {
        if (!vonk_str_eq(m->collations->keys[i], vonk_buf_str(&m->path)) ||
            m->collations->items[i]->kind != JSON_STRING)
            continue;
        vonk_str name = m->collations->items[i]->text;
        size_t dot = vonk_str_find_byte(name, '.', 0);
        int32_t id;
        if (dot != SIZE_MAX) name = vonk_str_sub(name, dot + 1, name.len);
        VONK_TRY(vonk_collation_by_name(name, &id, err));
        VONK_TRY(vonk__type_stringy(t->id, t->length, id, true, inout, err));
        vonk_type_unref(t);
        return VONK_OK;
    }
    return VONK_OK;
}

static vonk_status make_type(maker *m, const json *v, const vonk_type **ret, vonk_error *err);

static vonk_status make_inner(maker *m, const json *v, const char *step, const vonk_type **ret, vonk_error *err)
{
    size_t len = m->path.len;
    VONK_TRY(vonk_buf_add_byte(&m->path, '.', err));
    VONK_TRY(vonk_buf_add_c(&m->path, step, err));
    VONK_TRY(make_type(m, v, ret, err));
    m->path.len = len;
    return VONK_OK;
}

static vonk_status make_field(const maker *outer, const json *v, vonk_field *ret, vonk_error *err)
{
    if (!HAS_KEYS(v, "metadata", "name", "nullable", "type") && !HAS_KEYS(v, "name", "nullable", "type") &&
        !HAS_KEYS(v, "name", "type"))
        return invalid(v, err);
    const json *name = member(v, "name"), *nullable = member(v, "nullable"), *metadata = member(v, "metadata");
    if (name->kind != JSON_STRING || (nullable && nullable->kind != JSON_BOOL) ||
        (metadata && metadata->kind != JSON_OBJECT))
        return invalid(v, err);
    *ret = (vonk_field){.name = name->text, .nullable = !nullable || nullable->text.len == 4};
    maker inner = {.arena = outer->arena, .collations = metadata ? member(metadata, VONK_COLLATIONS_KEY) : NULL};
    if (inner.collations && inner.collations->kind != JSON_OBJECT) return invalid(v, err);
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    if (metadata) VONK_TRY(write_value(metadata, VONK_COLLATIONS_KEY, &text, err));
    if (text.len > 2) VONK_TRY(vonk_arena_str(outer->arena, vonk_buf_str(&text), &ret->metadata, err));
    vonk_buf_init(&inner.path, vonk_budget_root(), SIZE_MAX);
    vonk_status st = vonk_buf_add_str(&inner.path, name->text, err);
    if (st == VONK_OK) st = make_type(&inner, member(v, "type"), &ret->type, err);
    vonk_buf_done(&inner.path);
    return st;
}

static vonk_status make_struct(maker *m, const json *v, const vonk_type **ret, vonk_error *err)
{
    const json *fields = member(v, "fields");
    if (!HAS_KEYS(v, "fields", "type") || fields->kind != JSON_ARRAY) return invalid(v, err);
    vonk_field *made;
    vonk_status st = VONK_OK;
    size_t n = 0;
    VONK_TRY(vonk_arena_array(m->arena, fields->n, sizeof(*made), &made, err));
    for (; n < fields->n && st == VONK_OK; n++) st = make_field(m, fields->items[n], &made[n], err);
    if (st == VONK_OK) st = vonk_type_struct(made, n, ret, err);
    for (size_t i = 0; i < n; i++) vonk_type_unref(made[i].type);
    return st;
}

static vonk_status make_udt(maker *m, const json *v, const vonk_type **ret, vonk_error *err)
{
    if (!HAS_KEYS(v, "class", "pyClass", "sqlType", "type") &&
        !HAS_KEYS(v, "pyClass", "serializedClass", "sqlType", "type") &&
        !HAS_KEYS(v, "class", "pyClass", "serializedClass", "sqlType", "type") &&
        !HAS_KEYS(v, "class", "sqlType", "type"))
        return invalid(v, err);
    static const char *const keys[] = {"class", "pyClass", "serializedClass"};
    vonk_str texts[3] = {{0}};
    for (int i = 0; i < 3; i++) {
        const json *s = member(v, keys[i]);
        if (s && s->kind == JSON_STRING)
            texts[i] = s->text;
        else if (s && s->kind != JSON_NULL)
            return invalid(v, err);
    }
    VONK_AUTO(vonk_type_unref) const vonk_type *sql = NULL;
    VONK_TRY(make_type(m, member(v, "sqlType"), &sql, err));
    return vonk_type_udt(sql, texts[0], texts[1], texts[2], ret, err);
}

static vonk_status make_array_or_map(maker *m, const json *v, bool map, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *a = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *b = NULL;
    const json *nulls = member(v, map ? "valueContainsNull" : "containsNull");
    if (!nulls || nulls->kind != JSON_BOOL) return invalid(v, err);
    if (map ? !HAS_KEYS(v, "keyType", "type", "valueContainsNull", "valueType")
            : !HAS_KEYS(v, "containsNull", "elementType", "type"))
        return invalid(v, err);
    if (!map) {
        VONK_TRY(make_inner(m, member(v, "elementType"), "element", &a, err));
        return vonk_type_array(a, nulls->text.len == 4, ret, err);
    }
    VONK_TRY(make_inner(m, member(v, "keyType"), "key", &a, err));
    VONK_TRY(make_inner(m, member(v, "valueType"), "value", &b, err));
    return vonk_type_map(a, b, nulls->text.len == 4, ret, err);
}

static vonk_status make_type(maker *m, const json *v, const vonk_type **ret, vonk_error *err)
{
    if (v->kind == JSON_STRING) {
        VONK_AUTO(vonk_type_unref) const vonk_type *t = NULL;
        VONK_TRY(named_type(v, &t, err));
        VONK_TRY(collate(m, &t, err));
        *ret = VONK_STEAL(t);
        return VONK_OK;
    }
    const json *kind = member(v, "type");
    if (!kind || kind->kind != JSON_STRING) return invalid(v, err);
    if (vonk_str_is(kind->text, "array")) return make_array_or_map(m, v, false, ret, err);
    if (vonk_str_is(kind->text, "map")) return make_array_or_map(m, v, true, ret, err);
    if (vonk_str_is(kind->text, "struct")) return make_struct(m, v, ret, err);
    if (vonk_str_is(kind->text, "udt")) return make_udt(m, v, ret, err);
    return invalid(v, err);
}

vonk_status vonk_type_parse_json(vonk_str text, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(reader_done) reader r = {0};
    json *v;
    VONK_TRY(read_text(&r, text, &v, err));
    maker m = {.arena = r.arena};
    vonk_buf_init(&m.path, vonk_budget_root(), SIZE_MAX);
    vonk_status st = make_type(&m, v, ret, err);
    vonk_buf_done(&m.path);
    return st;
}
