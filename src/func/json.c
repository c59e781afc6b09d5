/* func/json.c -- looking into JSON text: get_json_object, json_array_length, json_object_keys; values as JSON: to_json.
 */
#include "base/buf.h"
#include "column/builder.h"
#include "func/body.h"
#include "func/cast.h"
#include "func/datetime_int.h"
#include "func/resolve.h"
#include "func/tables.h"
#include "text/date.h"
#include "text/datetime_pattern.h"
#include "text/json.h"
#include "text/number.h"

static vonk_body eval_array_length, eval_get, eval_keys, eval_to_json;
static vonk_status resolve_to_json(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_to_json(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "json_funcs", .nullable = VONK_NULLABLE_ALWAYS

const vonk_fn vonk_fns_json[] = {
    {.name = "get_json_object",
     .args = "=string,=string",
     .result = "string",
     ROW,
     .eval = eval_get,
     .doc = "What a path ($.a[0].b, $[*].c) finds in the JSON text: a string as it is, anything else as JSON; NULL "
            "when there is nothing.",
     .example = "get_json_object('{\"a\":{\"b\":[1,2]}}', '$.a.b')",
     .expect = "[1,2]"},
    {.name = "json_array_length",
     .args = "=string",
     .result = "int",
     ROW,
     .eval = eval_array_length,
     .doc = "Number of elements of the JSON array; NULL for other text.",
     .example = "json_array_length('[1,2,3,4]')",
     .expect = "4"},
    {.name = "json_object_keys",
     .args = "=string",
     .result = "array<string>",
     ROW,
     .eval = eval_keys,
     .doc = "Keys of the JSON object; NULL for other text.",
     .example = "json_object_keys('{\"a\":1,\"b\":2}')",
     .expect = "[a, b]"},
    {.name = "to_json",
     .args = "any,any?",
     .result = "string",
     ROW,
     .resolve = resolve_to_json,
     .prepare = prepare_to_json,
     .eval = eval_to_json,
     .text = "$0($1)",
     .doc = "The struct, map or array as JSON text. Fields that are NULL are left out, if no option says otherwise: "
            "ignoreNullFields, pretty, timeZone, dateFormat, timestampFormat, timestampNTZFormat, timeFormat.",
     .example = "to_json(named_struct('a', 1, 'b', 'x'))",
     .expect = "{\"a\":1,\"b\":\"x\"}"},
};
VONK_FN_COUNT(json);

/* ---- paths: $ followed by .name, ['name'], [n], [*] */

enum { MOST_STEPS = 64 };

typedef struct step {
    enum { NAME, INDEX, EVERY } kind;
    vonk_str name;
    uint64_t index;
} step;

typedef struct path {
    step steps[MOST_STEPS];
    int n;
} path;

static bool read_bracket(vonk_str s, size_t *at, step *ret)
{
    size_t close;
    (*at)++;
    if (*at < s.len && s.data[*at] == '\'') {
        close = vonk_str_find(s, VONK_STR("']"), *at + 1);
        if (close == SIZE_MAX) return false;
        *ret = (step){.kind = NAME, .name = vonk_str_sub(s, *at + 1, close)};
        *at = close + 2;
        return true;
    }
    close = vonk_str_find_byte(s, ']', *at);
    if (close == SIZE_MAX || close == *at) return false;
    *ret = (step){.kind = INDEX};
    if (close == *at + 1 && s.data[*at] == '*')
        ret->kind = EVERY;
    else
        for (size_t i = *at; i < close; i++) {
            if (s.data[i] < '0' || s.data[i] > '9' || close - *at > 18) return false;
            ret->index = ret->index * 10 + (uint64_t)(s.data[i] - '0');
        }
    *at = close + 1;
    return true;
}

static bool read_path(vonk_str s, path *p)
{
    p->n = 0;
    if (!s.len || s.data[0] != '$') return false;
    for (size_t at = 1; at < s.len; p->n++) {
        if (p->n == MOST_STEPS) return false;
        if (s.data[at] == '[') {
            if (!read_bracket(s, &at, &p->steps[p->n])) return false;
            continue;
        }
        if (s.data[at] != '.') return false;
        size_t from = ++at;
        while (at < s.len && s.data[at] != '.' && s.data[at] != '[') at++;
        if (at == from) return false;
        p->steps[p->n] = (step){.kind = NAME, .name = vonk_str_sub(s, from, at)};
    }
    return true;
}

typedef struct search {
    const path *path;
    vonk_buf *out, *key; /* out: matches as JSON, commas between */
    uint32_t n;          /* matches */
    bool many;           /* a step that may match several times was passed */
} search;

static vonk_status found(search *s, vonk_str value, vonk_error *err)
{
    double number;
    char text[VONK_F64_CHARS];
    if (s->n++ > 0) VONK_TRY(vonk_buf_add_byte(s->out, ',', err));
    bool real = false;
    for (size_t i = 0; i < value.len && strchr("-0123456789", value.data[0]); i++)
        real |= value.data[i] == '.' || (value.data[i] | 32) == 'e';
    if (real && vonk_text_to_f64(value, &number))
        return vonk_buf_append(s->out, text, vonk_f64_to_text(number, text), err);
    return vonk_json_add_compact(value, s->out, err);
}

static vonk_status look(search *s, vonk_json *j, int at, bool *ret_ok, vonk_error *err);

static vonk_status look_in_array(search *s, vonk_json *j, int at, bool *ret_ok, vonk_error *err)
{
    const step *wanted = &s->path->steps[at];
    bool first = true;
    if (wanted->kind == EVERY) s->many = true;
    *ret_ok = vonk_json_open(j, '[');
    for (uint64_t i = 0; *ret_ok && vonk_json_next_item(j, &first, ret_ok); i++) {
        if (wanted->kind == EVERY || i == wanted->index)
            VONK_TRY(look(s, j, at + 1, ret_ok, err));
        else
            *ret_ok = vonk_json_skip(j, NULL);
    }
    return VONK_OK;
}

static vonk_status look_in_object(search *s, vonk_json *j, int at, bool *ret_ok, vonk_error *err)
{
    const step *wanted = &s->path->steps[at];
    bool first = true, more = true;
    uint32_t before = s->n;
    *ret_ok = vonk_json_open(j, '{');
    while (*ret_ok) {
        VONK_TRY(vonk_json_next_field(j, &first, s->key, &more, ret_ok, err));
        if (!more) break;
        bool fits = s->n == before && vonk_str_eq(vonk_buf_str(s->key), wanted->name);
        if (fits)
            VONK_TRY(look(s, j, at + 1, ret_ok, err));
        else
            *ret_ok = vonk_json_skip(j, NULL);
    }
    return VONK_OK;
}

/* Steps from `at` on, applied to the value at the cursor, which is read. Depth: MOST_STEPS. */
static vonk_status look(search *s, vonk_json *j, int at, bool *ret_ok, vonk_error *err)
{
    vonk_str value;
    char c = vonk_json_peek(j);
    if (at < s->path->n && c == '[' && (s->path->steps[at].kind == INDEX || s->path->steps[at].kind == EVERY))
        return look_in_array(s, j, at, ret_ok, err);
    if (at < s->path->n && c == '{' && s->path->steps[at].kind == NAME) return look_in_object(s, j, at, ret_ok, err);
    *ret_ok = vonk_json_skip(j, &value);
    if (!*ret_ok || at < s->path->n || vonk_str_is(value, "null")) return VONK_OK;
    return found(s, value, err);
}

/* The text that get_json_object gives; *ret_any false: NULL. */
static vonk_status get(vonk_str json, const path *p, vonk_buf *matches, vonk_buf *key, vonk_buf *out, bool *ret_any,
                       vonk_error *err)
{
    vonk_json j = {.text = json};
    search s = {.path = p, .out = matches, .key = key};
    bool ok;
    vonk_buf_reset(matches);
    vonk_buf_reset(out);
    VONK_TRY(look(&s, &j, 0, &ok, err));
    *ret_any = ok && s.n > 0;
    if (!*ret_any) return VONK_OK;
    vonk_str text = vonk_buf_str(matches);
    if (!s.many && text.data[0] == '"') {
        vonk_json string = {.text = text};
        return vonk_json_string(&string, out, ret_any, err);
    }
    if (s.n > 1) VONK_TRY(vonk_buf_add_byte(out, '[', err));
    VONK_TRY(vonk_buf_add_str(out, text, err));
    return s.n > 1 ? vonk_buf_add_byte(out, ']', err) : VONK_OK;
}

VONK_FN_EVAL(eval_get)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf matches = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&matches, ev->budget, INT32_MAX);
    vonk_buf_init(&key, ev->budget, INT32_MAX);
    vonk_buf_init(&out, ev->budget, INT32_MAX);
    path p = {.n = 0};
    vonk_str last = VONK_STR_NONE;
    bool good = false;
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[1], i);
        bool any = false;
        if (!last.data || !vonk_str_eq(text, last)) good = read_path(text, &p);
        last = text;
        if (good) VONK_TRY(get(vonk_str_at(args[0], i), &p, &matches, &key, &out, &any, err));
        VONK_TRY(any ? vonk_strings_put(&s, i, vonk_buf_str(&out), err) : vonk_strings_null(&s, i, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- sizes and keys */

VONK_FN_EVAL(eval_array_length)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_json j = {.text = vonk_str_at(args[0], i)};
        bool first = true, ok = vonk_json_open(&j, '[');
        int32_t n = 0;
        while (ok && vonk_json_next_item(&j, &first, &ok)) {
            ok = vonk_json_skip(&j, NULL);
            n++;
        }
        VONK_OUT(r, int32_t)[i] = n;
        if (!ok) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status add_keys(vonk_str text, vonk_buf *key, vonk_builder *b, vonk_error *err)
{
    vonk_json check = {.text = text}, j = {.text = text};
    bool first = true, more, ok = vonk_json_peek(&check) == '{' && vonk_json_skip(&check, NULL);
    if (!ok) return vonk_builder_null(b, err);
    vonk_json_open(&j, '{');
    for (;;) {
        VONK_TRY(vonk_json_next_field(&j, &first, key, &more, &ok, err));
        if (!more) break;
        VONK_TRY(vonk_builder_str(vonk_builder_child(b, 0), vonk_buf_str(key), err));
        vonk_json_skip(&j, NULL);
    }
    return vonk_builder_close(b, err);
}

VONK_FN_EVAL(eval_keys)
{
    uint32_t done = 0;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    vonk_buf_init(&key, ev->budget, INT32_MAX);
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n_rows, err));
    for (VONK_EACH_ROW(rows, i)) {
        for (; done < i; done++) VONK_TRY(vonk_builder_close(&b, err));
        VONK_TRY(add_keys(vonk_str_at(args[0], i), &key, &b, err));
        done++;
    }
    for (; done < n_rows; done++) VONK_TRY(vonk_builder_close(&b, err));
    return vonk_builder_finish(&b, ret, err);
}

/* ---- to_json */

static bool can_write(const vonk_type *t, int depth)
{
    if (depth > 100 || t->id == VONK_T_VARIANT || t->id == VONK_T_BINARY) return false;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (!can_write(t->fields[i].type, depth + 1)) return false;
    return true;
}

static vonk_status check_options(const vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *type = t->types[1];
    if (type->id != VONK_T_MAP || !t->constants || !t->constants[1])
        return VONK_FAIL(err, VONK_E_INVALID_OPTIONS__NON_MAP_FUNCTION);
    if (vonk_type_is_stringy(type->fields[0].type) && vonk_type_is_stringy(type->fields[1].type)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_OPTIONS__NON_STRING_TYPE, "mapType", VONK_TYPE_SQL(type));
}

static vonk_status resolve_to_json(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *from = t->types[0];
    if (t->n_args > 1) VONK_TRY(check_options(t, err));
    if (from->id == VONK_T_NULL) return VONK_OK;
    if (from->id != VONK_T_STRUCT && from->id != VONK_T_MAP && from->id != VONK_T_ARRAY)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_JSON_SCHEMA, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "schema", VONK_TYPE_SQL(from));
    if (can_write(from, 0)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("to_json of %s", VONK_TYPE_SQL(t->types[0])));
}

/* What a pattern of its own writes; items NULL: as ever. */
typedef enum moment { DATE, STAMP, STAMP_NTZ, TIME, N_MOMENT } moment;

typedef struct write_options {
    bool keep_nulls, pretty;
    const vonk_zone *zone;
    vonk_dt_pattern patterns[N_MOMENT];
} write_options;

static vonk_status read_flag(vonk_str name, vonk_str text, bool *ret, vonk_error *err)
{
    *ret = vonk_str_is_nocase(text, "true");
    if (*ret || vonk_str_is_nocase(text, "false")) return VONK_OK;
    return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     VONK_F("%.*s is true or false", VONK_STR_ARGS(name)));
}

static vonk_status set_option(vonk_fn_call *call, write_options *o, vonk_str name, vonk_str text, vonk_error *err)
{
    static const char *const formats[N_MOMENT] = {"dateFormat", "timestampFormat", "timestampNTZFormat", "timeFormat"};
    bool skips;
    for (int i = 0; i < N_MOMENT; i++)
        if (vonk_str_is_nocase(name, formats[i]))
            return vonk_dt_compile(call->arena, text, false, &o->patterns[i], err);
    if (vonk_str_is_nocase(name, "timeZone")) return vonk_zone_find(text, &o->zone, err);
    if (vonk_str_is_nocase(name, "pretty")) return read_flag(name, text, &o->pretty, err);
    if (!vonk_str_is_nocase(name, "ignoreNullFields")) return VONK_OK;
    VONK_TRY(read_flag(name, text, &skips, err));
    o->keep_nulls = !skips;
    return VONK_OK;
}

static vonk_status prepare_to_json(vonk_fn_call *call, vonk_error *err)
{
    write_options *o;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &o, err));
    VONK_TRY(vonk__session_zone(call->env, &o->zone, err));
    call->state = o;
    const vonk_column *map = call->n_args > 1 ? vonk_constant_arg(call, 1) : NULL;
    if (!map) return VONK_OK;
    const vonk_span s = vonk_span_at(map, 0);
    for (uint32_t i = s.offset; i < s.offset + s.len; i++)
        if (!vonk_column_is_null(map->children[1], i))
            VONK_TRY(
                set_option(call, o, vonk_column_str(map->children[0], i), vonk_column_str(map->children[1], i), err));
    return VONK_OK;
}

typedef struct writer {
    const vonk_fn_call *call;
    const write_options *options;
    vonk_buf *out, *text;
    vonk_zone_cache cache;
    int depth; /* of objects, for the indent */
} writer;

static vonk_status write_value(writer *w, const vonk_column *c, uint32_t row, vonk_error *err);

static vonk_status new_line(const writer *w, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(w->out, '\n', err));
    for (int i = 0; i < w->depth; i++) VONK_TRY(vonk_buf_add_c(w->out, "  ", err));
    return VONK_OK;
}

static vonk_status write_key(const writer *w, bool *inout_any, vonk_str key, vonk_error *err)
{
    if (*inout_any) VONK_TRY(vonk_buf_add_byte(w->out, ',', err));
    *inout_any = true;
    if (w->options->pretty) VONK_TRY(new_line(w, err));
    VONK_TRY(vonk_json_add_string(key, w->out, err));
    return vonk_buf_add_c(w->out, w->options->pretty ? " : " : ":", err);
}

static vonk_status open_object(writer *w, vonk_error *err)
{
    w->depth++;
    return vonk_buf_add_byte(w->out, '{', err);
}

static vonk_status close_object(writer *w, bool any, vonk_error *err)
{
    w->depth--;
    if (w->options->pretty) VONK_TRY(any ? new_line(w, err) : vonk_buf_add_byte(w->out, ' ', err));
    return vonk_buf_add_byte(w->out, '}', err);
}

static vonk_status write_fields(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    bool any = false;
    VONK_TRY(open_object(w, err));
    for (uint32_t f = 0; f < c->type->n_fields; f++) {
        if (vonk_column_is_null(c->children[f], row) && !w->options->keep_nulls) continue;
        VONK_TRY(write_key(w, &any, c->type->fields[f].name, err));
        VONK_TRY(write_value(w, c->children[f], row, err));
    }
    return close_object(w, any, err);
}

/* Keys show what they are stored as: [1,x,[2,3]] for a struct or an array, days for a date. */
static vonk_status add_key(const writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    if (vonk_column_is_null(c, row)) return vonk_buf_add_c(w->text, "null", err);
    switch (c->type->id) {
    case VONK_T_STRUCT:
    case VONK_T_ARRAY: break;
    case VONK_T_DATE:
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ:
    case VONK_T_TIME:
    case VONK_T_INTERVAL_DAY_TIME:
    case VONK_T_INTERVAL_YEAR_MONTH: return vonk_buf_printf(w->text, err, "%lld", (long long)vonk_column_i64(c, row));
    default: return vonk_cast_row_text(w->call->env, c, row, w->text, err);
    }
    const bool list = c->type->id == VONK_T_ARRAY;
    const vonk_span s = list ? vonk_span_at(c, row) : (vonk_span){0, c->type->n_fields};
    VONK_TRY(vonk_buf_add_byte(w->text, '[', err));
    for (uint32_t i = 0; i < s.len; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(w->text, ',', err));
        VONK_TRY(add_key(w, c->children[list ? 0 : i], list ? s.offset + i : row, err));
    }
    return vonk_buf_add_byte(w->text, ']', err);
}

static vonk_status write_map(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    const vonk_span s = vonk_span_at(c, row);
    bool any = false;
    VONK_TRY(open_object(w, err));
    for (uint32_t i = s.offset; i < s.offset + s.len; i++) {
        vonk_buf_reset(w->text);
        VONK_TRY(add_key(w, c->children[0], i, err));
        VONK_TRY(write_key(w, &any, vonk_buf_str(w->text), err));
        VONK_TRY(write_value(w, c->children[1], i, err));
    }
    return close_object(w, any, err);
}

static vonk_status write_array(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    const vonk_span s = vonk_span_at(c, row);
    const bool pretty = w->options->pretty;
    VONK_TRY(vonk_buf_add_c(w->out, pretty ? "[ " : "[", err));
    for (uint32_t i = s.offset; i < s.offset + s.len; i++) {
        if (i > s.offset) VONK_TRY(vonk_buf_add_c(w->out, pretty ? ", " : ",", err));
        VONK_TRY(write_value(w, c->children[0], i, err));
    }
    return vonk_buf_add_c(w->out, pretty && s.len ? " ]" : "]", err);
}

/* By the option's pattern. */
static vonk_status write_moment(writer *w, const vonk_column *c, uint32_t row, moment m, vonk_error *err)
{
    const int64_t v = vonk_column_i64(c, row);
    const vonk_dt_pattern *pattern = &w->options->patterns[m];
    vonk_buf_reset(w->text);
    if (m == DATE)
        VONK_TRY(vonk_dt_write_date(pattern, (int32_t)v, w->text, err));
    else
        VONK_TRY(vonk_dt_write(pattern, m == TIME ? v / 1000 : v, m == STAMP ? w->options->zone : vonk_zone_utc(),
                               &w->cache, w->text, err));
    return vonk_json_add_string(vonk_buf_str(w->text), w->out, err);
}

/* yyyy-MM-dd'T'HH:mm:ss.SSS[XXX] */
static vonk_status write_timestamp(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    int64_t us = vonk_column_i64(c, row);
    bool zoned = c->type->id == VONK_T_TIMESTAMP;
    const vonk_zone *zone = zoned ? w->options->zone : vonk_zone_utc();
    int32_t offset = vonk_zone_offset(zone, vonk_floor_div(us, VONK_US_PER_SECOND), NULL);
    const vonk_local local = vonk_zone_to_local(zone, us, NULL);
    vonk_civil t = vonk_civil_of(local);
    char date[VONK_DATE_CHARS];
    size_t n = vonk_date_to_text((int32_t)local.day, date);
    VONK_TRY(vonk_buf_printf(w->out, err, "\"%.*sT%02d:%02d:%02d.%03d", (int)n, date, t.hour, t.minute, t.second,
                             t.nanos / 1000000));
    if (zoned && !offset) VONK_TRY(vonk_buf_add_byte(w->out, 'Z', err));
    int32_t all = offset < 0 ? -offset : offset;
    if (offset)
        VONK_TRY(vonk_buf_printf(w->out, err, "%c%02d:%02d", offset < 0 ? '-' : '+', all / 3600, all / 60 % 60));
    if (all % 60) VONK_TRY(vonk_buf_printf(w->out, err, ":%02d", all % 60));
    return vonk_buf_add_byte(w->out, '"', err);
}

static moment moment_of(const vonk_type *t)
{
    switch (t->id) {
    case VONK_T_DATE: return DATE;
    case VONK_T_TIMESTAMP: return STAMP;
    case VONK_T_TIMESTAMP_NTZ: return STAMP_NTZ;
    case VONK_T_TIME: return TIME;
    default: return N_MOMENT;
    }
}

static vonk_status write_value(writer *w, const vonk_column *c, uint32_t row, vonk_error *err)
{
    if (vonk_column_is_null(c, row)) return vonk_buf_add_c(w->out, "null", err);
    const moment m = moment_of(c->type);
    if (m != N_MOMENT && w->options->patterns[m].items) return write_moment(w, c, row, m, err);
    switch (c->type->id) {
    case VONK_T_STRUCT: return write_fields(w, c, row, err);
    case VONK_T_ARRAY: return write_array(w, c, row, err);
    case VONK_T_MAP: return write_map(w, c, row, err);
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ: return write_timestamp(w, c, row, err);
    default: break;
    }
    vonk_buf_reset(w->text);
    VONK_TRY(vonk_cast_row_text(w->call->env, c, row, w->text, err));
    vonk_str text = vonk_buf_str(w->text);
    bool bare = vonk_type_is_numeric(c->type) || c->type->id == VONK_T_BOOLEAN;
    if (bare && (vonk_str_is(text, "NaN") || vonk_str_ends(text, VONK_STR("Infinity")))) bare = false;
    return bare ? vonk_buf_add_str(w->out, text, err) : vonk_json_add_string(text, w->out, err);
}

VONK_FN_EVAL(eval_to_json)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    writer w = {.call = call, .options = call->state, .out = &out, .text = &text};
    vonk_buf_init(&out, ev->budget, INT32_MAX);
    vonk_buf_init(&text, ev->budget, INT32_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_buf_reset(&out);
        VONK_TRY(write_value(&w, args[0], i, err));
        VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&out), err));
    }
    return vonk_strings_take(&s, ret, err);
}
