/* column/type_parse.c -- DDL text -> type, by recursive descent with a depth limit.
 *
 * Spark parses the whole text first and builds types afterwards, so a syntax error anywhere beats "no such type". Here
 * both happen in one walk: a type that cannot be made is remembered (first one wins), stands in as void, and is raised
 * when the text has proved to be well-formed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/vec.h"
#include "column/collation.h"
#include "column/type_int.h"
#include "column/type_lex.h"

typedef struct parser {
    vonk_str text;
    size_t at; /* behind `next` */
    vonk_word word, next;
    int depth;
    unsigned open; /* '<' not closed yet */
    vonk_error semantic;
    vonk_arena *arena;
    vonk_type_options options;
} parser;

static void advance(parser *p)
{
    p->word = p->next;
    p->next = vonk__word_next(p->text, &p->at);
}

static bool is_word(vonk_word w, const char *word)
{
    return w.kind == VONK_WORD_NAME && vonk_str_is_nocase(w.text, word);
}
static bool is_symbol(vonk_word w, const char *s) { return w.kind == VONK_WORD_SYMBOL && vonk_str_is(w.text, s); }
static bool accept_word(parser *p, const char *word)
{
    if (!is_word(p->word, word)) return false;
    advance(p);
    return true;
}
static bool accept_symbol(parser *p, const char *s)
{
    if (!is_symbol(p->word, s)) return false;
    advance(p);
    return true;
}

static vonk_status syntax_at(vonk_word w, const char *hint, vonk_error *err)
{
    const char *error = w.kind == VONK_WORD_END ? "end of input" : VONK_F("'%.*s'", VONK_STR_ARGS(w.text));
    return VONK_FAIL(err, VONK_E_PARSE_SYNTAX_ERROR, "error", error, "hint", hint);
}

/* Inside of < > Spark gives up at the first '<': it cannot see which alternative was meant. */
static vonk_status syntax_error(parser *p, vonk_error *err)
{
    if (p->open) return VONK_FAIL(err, VONK_E_PARSE_SYNTAX_ERROR, "error", "'<'", "hint", "");
    return syntax_at(p->word, "", err);
}

static vonk_status expect_symbol(parser *p, const char *s, vonk_error *err)
{
    if (accept_symbol(p, s)) return VONK_OK;
    return syntax_error(p, err);
}

/* `st` came with an error about a type: remembered, unless it is about us (memory, depth). */
static vonk_status put_off(parser *p, vonk_status st, vonk_error *here, const vonk_type **ret, vonk_error *err)
{
    if (st == VONK_OK) return VONK_OK;
    if (st == VONK_E_MEMORY_BUDGET_EXCEEDED || st == VONK_E_UNSUPPORTED_FEATURE) {
        vonk_error_move(err, here);
        return st;
    }
    if (p->semantic.cls == VONK_OK) vonk_error_move(&p->semantic, here);
    *ret = &vonk_type_null;
    return VONK_OK;
}
#define PUT_OFF(p, ret, err, call)                                                                                     \
    do {                                                                                                               \
        VONK_AUTO(vonk_error_reset) vonk_error here_ = VONK_ERROR_INIT;                                                \
        vonk_error *here = &here_;                                                                                     \
        VONK_TRY(put_off((p), (call), here, (ret), (err)));                                                            \
    } while (0)

/* ---- names and comments */

static bool is_ascii(vonk_str s)
{
    assert(s.data);
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] >= 0x80) return false;
    return true;
}

/* Spark notices these while it reads, so they beat the syntax errors behind them. */
static vonk_status check_identifier(vonk_str name, bool one_word, vonk_error *err)
{
    if (one_word && is_ascii(name)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_IDENTIFIER, "ident", VONK_S(name));
}

static vonk_status parse_name(parser *p, vonk_str *ret, vonk_error *err)
{
    vonk_word w = p->word;
    if (w.kind == VONK_WORD_QUOTED) {
        VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
        vonk_buf_init(&name, vonk_budget_root(), SIZE_MAX);
        VONK_TRY(vonk__word_quoted_name(w.text, &name, err));
        VONK_TRY(vonk_arena_str(p->arena, vonk_buf_str(&name), ret, err));
        advance(p);
        return VONK_OK;
    }
    if (w.kind != VONK_WORD_NAME) return syntax_error(p, err);
    advance(p);
    size_t end = w.at + w.text.len;
    if (p->open) /* "a-b" is one wrong name, not a subtraction */
        while (is_symbol(p->word, "-") && p->next.kind == VONK_WORD_NAME) {
            advance(p);
            end = p->word.at + p->word.text.len;
            advance(p);
        }
    *ret = vonk_str_sub(p->text, w.at, end);
    return check_identifier(*ret, ret->len == w.text.len, err);
}

/* COMMENT 'a' 'b' -> {"comment":"ab"} */
static vonk_status parse_comment(parser *p, vonk_str *ret_metadata, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&json, vonk_budget_root(), SIZE_MAX);
    if (p->word.kind != VONK_WORD_STRING) return syntax_error(p, err);
    while (p->word.kind == VONK_WORD_STRING) {
        VONK_TRY(vonk__word_string(p->word.text, &text, err));
        advance(p);
    }
    VONK_TRY(vonk_buf_add_c(&json, "{\"comment\":", err));
    VONK_TRY(vonk__json_add_string(vonk_buf_str(&text), &json, err));
    VONK_TRY(vonk_buf_add_byte(&json, '}', err));
    return vonk_arena_str(p->arena, vonk_buf_str(&json), ret_metadata, err);
}

/* ---- parameters: "(10, 2)" */

#define MAX_PARAMETERS 8
typedef struct parameters {
    bool present;
    uint32_t n; /* may be more than fit into at[]: then no type takes them */
    vonk_str at[MAX_PARAMETERS];
} parameters;

static vonk_status parse_parameters(parser *p, parameters *ret, vonk_error *err)
{
    *ret = (parameters){0};
    if (!accept_symbol(p, "(")) return VONK_OK;
    ret->present = true;
    do {
        if (p->word.kind != VONK_WORD_INTEGER) return syntax_error(p, err);
        if (ret->n < MAX_PARAMETERS) ret->at[ret->n] = p->word.text;
        ret->n++;
        advance(p);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")", err);
}

/* A number that is cut at 999,999,999: every limit here is lower. */
static int32_t number_of(vonk_str digits)
{
    int32_t v = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (v >= 99999999) return 999999999;
        v = v * 10 + (digits.data[i] - '0');
    }
    return v;
}

vonk_status vonk__type_length(vonk_str digits, const char *type, int32_t *ret, vonk_error *err)
{
    int64_t v = 0;
    for (size_t i = 0; i < digits.len && v <= INT32_MAX; i++) v = v * 10 + (digits.data[i] - '0');
    if (v > INT32_MAX)
        return VONK_FAIL(err, VONK_E_DATATYPE_PARAMETER_VALUE_OUT_OF_RANGE, "parameter", "length", "value",
                         VONK_S(digits), "type", type);
    *ret = (int32_t)v;
    return VONK_OK;
}

static vonk_status unsupported(vonk_str name, const parameters *with, vonk_error *err)
{
    char text[512];
    size_t used = 0;
    for (size_t i = 0; i < name.len && used < 256; i++) {
        char c = name.data[i];
        text[used++] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    for (uint32_t i = 0; i < with->n && i < MAX_PARAMETERS; i++)
        used += (size_t)snprintf(text + used, 32, "%s%.*s", i ? "," : "(", (int)vonk_min_size(with->at[i].len, 20),
                                 with->at[i].data);
    if (with->n) text[used++] = ')';
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_DATATYPE, "typeName", VONK_F("\"%.*s\"", (int)used, text));
}

/* ---- leaf types. Each gets the word as written and its parameters. */

static vonk_status make_decimal(const parameters *with, const vonk_type **ret, vonk_error *err)
{
    if (with->n > 0 && number_of(with->at[0]) > VONK_MAX_PRECISION)
        return VONK_FAIL(err, VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION, "precision", VONK_S(with->at[0]),
                         "maxPrecision", "38");
    int precision = with->n > 0 ? number_of(with->at[0]) : 10, scale = with->n > 1 ? number_of(with->at[1]) : 0;
    if (scale > precision)
        return VONK_FAIL(err, VONK_E_DECIMAL_SCALE_EXCEEDS_PRECISION, "scale", VONK_S(with->at[1]), "precision",
                         VONK_F("%d", precision));
    return vonk_type_decimal(precision, scale, ret, err);
}

static vonk_status make_timestamp(const parser *p, bool ntz, const parameters *with, const vonk_type **ret,
                                  vonk_error *err)
{
    int precision = with->n ? number_of(with->at[0]) : 6;
    if (precision == 6) {
        *ret = ntz ? &vonk_type_timestamp_ntz : &vonk_type_timestamp;
        return VONK_OK;
    }
    if (precision < 7 || precision > 9)
        return VONK_FAIL(err, VONK_E_INVALID_TIMESTAMP_PRECISION, "precision", VONK_S(with->at[0]), "type",
                         ntz ? "TIMESTAMP_NTZ" : "TIMESTAMP_LTZ");
    if (!p->options.nanos)
        return VONK_FAIL(err, VONK_E_FEATURE_NOT_ENABLED, "featureName", "Nanosecond-precision timestamp types",
                         "configKey", "spark.sql.timestampNanosTypes.enabled", "configValue", "true");
    return vonk_type_timestamp_nanos(ntz, precision, ret, err);
}

static vonk_status make_time(const parameters *with, const vonk_type **ret, vonk_error *err)
{
    int precision = with->n ? number_of(with->at[0]) : 6;
    if (precision > 9) return VONK_FAIL(err, VONK_E_UNSUPPORTED_TIME_PRECISION, "precision", VONK_S(with->at[0]));
    return vonk_type_time_of(precision, ret, err);
}

/* [COLLATE name.name.name]: the last name counts. */
static vonk_status parse_collation(parser *p, int32_t *ret, bool *ret_shown, vonk_error *err)
{
    *ret = 0;
    *ret_shown = false;
    if (!is_word(p->word, "collate") || (p->next.kind != VONK_WORD_NAME && p->next.kind != VONK_WORD_QUOTED))
        return VONK_OK;
    advance(p);
    vonk_str name;
    VONK_TRY(parse_name(p, &name, err));
    while (accept_symbol(p, ".")) VONK_TRY(parse_name(p, &name, err));
    *ret_shown = true;
    const vonk_type *ignored = NULL;
    PUT_OFF(p, &ignored, err, vonk_collation_by_name(name, ret, here));
    return VONK_OK;
}

static vonk_status parse_stringy(parser *p, vonk_type_id id, vonk_str name, const vonk_type **ret, vonk_error *err)
{
    parameters with;
    int32_t collation, length = 0;
    bool shown;
    const char *sql = id == VONK_T_CHAR ? "CHAR" : "VARCHAR";
    VONK_TRY(parse_parameters(p, &with, err));
    VONK_TRY(parse_collation(p, &collation, &shown, err));
    if (id == VONK_T_STRING ? with.present : with.n > 1) {
        PUT_OFF(p, ret, err, unsupported(name, &with, here));
        return VONK_OK;
    }
    if (id != VONK_T_STRING && !with.present) {
        PUT_OFF(p, ret, err, VONK_FAIL(here, VONK_E_DATATYPE_MISSING_SIZE, "type", VONK_F("\"%s\"", sql)));
        return VONK_OK;
    }
    if (id != VONK_T_STRING) {
        *ret = NULL;
        PUT_OFF(p, ret, err, vonk__type_length(with.at[0], sql, &length, here));
        if (*ret) return VONK_OK;
    }
    if (id == VONK_T_STRING && !shown) {
        *ret = &vonk_type_string;
        return VONK_OK;
    }
    return vonk__type_stringy(id, length, collation, shown, ret, err);
}

/* TIMESTAMP and TIME may go on: WITHOUT TIME ZONE, WITH LOCAL TIME ZONE. The last word decides whether it is one. */
static bool accept_zone(parser *p, const char *with, const char *local)
{
    if (!is_word(p->word, with) || !is_word(p->next, local ? local : "time")) return false;
    parser saved = *p;
    advance(p);
    if (local) advance(p);
    if (accept_word(p, "time") && accept_word(p, "zone")) return true;
    p->word = saved.word;
    p->next = saved.next;
    p->at = saved.at;
    return false;
}

static vonk_status parse_time_like(parser *p, vonk_str name, const vonk_type **ret, vonk_error *err)
{
    parameters with;
    bool time = vonk_str_is_nocase(name, "time"), ntz = vonk_str_is_nocase(name, "timestamp_ntz");
    VONK_TRY(parse_parameters(p, &with, err));
    if (with.n > 1) {
        PUT_OFF(p, ret, err, unsupported(name, &with, here));
        return VONK_OK;
    }
    if (time) {
        (void)accept_zone(p, "without", NULL);
        PUT_OFF(p, ret, err, make_time(&with, ret, here));
        return VONK_OK;
    }
    if (vonk_str_is_nocase(name, "timestamp")) {
        if (accept_zone(p, "without", NULL))
            ntz = true;
        else if (!accept_zone(p, "with", "local"))
            ntz = p->options.timestamp_ntz;
    }
    PUT_OFF(p, ret, err, make_timestamp(p, ntz, &with, ret, here));
    return VONK_OK;
}

static int field_of(vonk_word w, bool *ret_day_time)
{
    static const char *const ym[] = {"year", "month"}, *const dt[] = {"day", "hour", "minute", "second"};
    for (int i = 0; i < 2; i++)
        if (is_word(w, ym[i])) {
            *ret_day_time = false;
            return i;
        }
    for (int i = 0; i < 4; i++)
        if (is_word(w, dt[i])) {
            *ret_day_time = true;
            return i;
        }
    return -1;
}

static vonk_status parse_interval(parser *p, const vonk_type **ret, vonk_error *err)
{
    bool day_time, other;
    int first = field_of(p->word, &day_time), last = first;
    if (first < 0) {
        *ret = &vonk_type_calendar_interval;
        return VONK_OK;
    }
    advance(p);
    if (is_word(p->word, "to")) { /* only to a smaller unit of the same kind */
        last = field_of(p->next, &other);
        if (last <= first || other != day_time) return syntax_error(p, err);
        advance(p);
        advance(p);
    }
    if (!day_time) return vonk_type_interval_ym((vonk_interval_field)first, (vonk_interval_field)last, ret, err);
    return vonk_type_interval_dt((vonk_interval_field)first, (vonk_interval_field)last, ret, err);
}

static vonk_status parse_spatial(parser *p, bool geography, vonk_str name, const vonk_type **ret, vonk_error *err)
{
    vonk_word open = p->word;
    parameters none = {0};
    int32_t srid = -1;
    if (!accept_symbol(p, "(")) {
        PUT_OFF(p, ret, err, unsupported(name, &none, here));
        return VONK_OK;
    }
    bool any = is_word(p->word, "any");
    if (!any && p->word.kind != VONK_WORD_INTEGER) return p->open ? syntax_error(p, err) : syntax_at(open, "", err);
    if (!any) srid = number_of(p->word.text);
    advance(p);
    if (!accept_symbol(p, ")")) return p->open ? syntax_error(p, err) : syntax_at(open, "", err);
    PUT_OFF(p, ret, err, vonk_type_spatial(geography, srid, ret, here));
    return VONK_OK;
}

/* ---- nested types */

typedef struct field_list {
    VONK_VEC(vonk_field) v; /* types are references */
} field_list;
static void field_list_done(field_list *l)
{
    for (size_t i = 0; i < l->v.n; i++) vonk_type_unref(l->v.at[i].type);
    vonk_free(l->v.at);
}
VONK_DEFINE_AUTO_DONE(field_list, field_list_done)

static vonk_status parse_type(parser *p, const vonk_type **ret, vonk_error *err);

/* name [:] type [NOT NULL] [COMMENT 'text']; a table's columns take no ':'. */
static vonk_status parse_field(parser *p, bool table, field_list *into, vonk_error *err)
{
    vonk_field f = {.nullable = true};
    VONK_TRY(parse_name(p, &f.name, err));
    if (!table) (void)accept_symbol(p, ":");
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_TRY(parse_type(p, &type, err));
    if (accept_word(p, "not")) {
        if (!accept_word(p, "null")) return syntax_error(p, err);
        f.nullable = false;
    }
    if (accept_word(p, "comment")) VONK_TRY(parse_comment(p, &f.metadata, err));
    f.type = type;
    VONK_TRY(VONK_VEC_PUSH(&into->v, vonk_budget_root(), f, err));
    type = NULL;
    return VONK_OK;
}

static vonk_status parse_struct(parser *p, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(field_list_done) field_list fields = {0};
    if (accept_symbol(p, "<>")) return vonk_type_struct(NULL, 0, ret, err);
    if (!accept_symbol(p, "<")) {
        PUT_OFF(p, ret, err, VONK_FAIL(here, VONK_E_INCOMPLETE_TYPE_DEFINITION__STRUCT));
        return VONK_OK;
    }
    p->open++;
    if (!is_symbol(p->word, ">")) {
        do VONK_TRY(parse_field(p, false, &fields, err));
        while (accept_symbol(p, ","));
    }
    VONK_TRY(expect_symbol(p, ">", err));
    p->open--;
    return vonk_type_struct(fields.v.at, fields.v.n, ret, err);
}

static vonk_status parse_array(parser *p, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *element = NULL;
    if (!accept_symbol(p, "<")) {
        PUT_OFF(p, ret, err, VONK_FAIL(here, VONK_E_INCOMPLETE_TYPE_DEFINITION__ARRAY, "elementType", "<INT>"));
        return VONK_OK;
    }
    p->open++;
    VONK_TRY(parse_type(p, &element, err));
    VONK_TRY(expect_symbol(p, ">", err));
    p->open--;
    return vonk_type_array(element, true, ret, err);
}

static vonk_status parse_map(parser *p, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *key = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *value = NULL;
    if (!accept_symbol(p, "<")) {
        PUT_OFF(p, ret, err, VONK_FAIL(here, VONK_E_INCOMPLETE_TYPE_DEFINITION__MAP));
        return VONK_OK;
    }
    p->open++;
    VONK_TRY(parse_type(p, &key, err));
    VONK_TRY(expect_symbol(p, ",", err));
    VONK_TRY(parse_type(p, &value, err));
    VONK_TRY(expect_symbol(p, ">", err));
    p->open--;
    return vonk_type_map(key, value, true, ret, err);
}

/* ---- any type */

static const struct {
    const char *word;
    const vonk_type *type;
} plain_words[] = {{"bigint", &vonk_type_long},    {"binary", &vonk_type_binary}, {"boolean", &vonk_type_boolean},
                   {"byte", &vonk_type_byte},      {"date", &vonk_type_date},     {"double", &vonk_type_double},
                   {"float", &vonk_type_float},    {"int", &vonk_type_int},       {"integer", &vonk_type_int},
                   {"long", &vonk_type_long},      {"real", &vonk_type_float},    {"short", &vonk_type_short},
                   {"smallint", &vonk_type_short}, {"tinyint", &vonk_type_byte},  {"variant", &vonk_type_variant},
                   {"void", &vonk_type_null}};

static vonk_status parse_plain(parser *p, vonk_str name, bool quoted, const vonk_type **ret, vonk_error *err)
{
    parameters with;
    VONK_TRY(parse_parameters(p, &with, err));
    bool decimal =
        vonk_str_is_nocase(name, "decimal") || vonk_str_is_nocase(name, "dec") || vonk_str_is_nocase(name, "numeric");
    if (!quoted && decimal && with.n <= 2) {
        PUT_OFF(p, ret, err, make_decimal(&with, ret, here));
        return VONK_OK;
    }
    for (size_t i = 0; i < VONK_COUNTOF(plain_words) && !quoted && !with.present; i++)
        if (vonk_str_is_nocase(name, plain_words[i].word)) {
            *ret = plain_words[i].type;
            return VONK_OK;
        }
    PUT_OFF(p, ret, err, unsupported(name, &with, here));
    return VONK_OK;
}

static vonk_status parse_named(parser *p, const vonk_type **ret, vonk_error *err)
{
    vonk_word w = p->word;
    if (w.kind == VONK_WORD_QUOTED) {
        vonk_str name;
        VONK_TRY(parse_name(p, &name, err));
        return parse_plain(p, name, true, ret, err);
    }
    if (w.kind != VONK_WORD_NAME) return syntax_error(p, err);
    VONK_TRY(check_identifier(w.text, true, err));
    advance(p);
    if (is_word(w, "array")) return parse_array(p, ret, err);
    if (is_word(w, "map")) return parse_map(p, ret, err);
    if (is_word(w, "struct")) return parse_struct(p, ret, err);
    if (is_word(w, "interval")) return parse_interval(p, ret, err);
    if (is_word(w, "string")) return parse_stringy(p, VONK_T_STRING, w.text, ret, err);
    if (is_word(w, "char") || is_word(w, "character")) return parse_stringy(p, VONK_T_CHAR, w.text, ret, err);
    if (is_word(w, "varchar")) return parse_stringy(p, VONK_T_VARCHAR, w.text, ret, err);
    if (is_word(w, "geometry") || is_word(w, "geography"))
        return parse_spatial(p, is_word(w, "geography"), w.text, ret, err);
    if (is_word(w, "time") || is_word(w, "timestamp") || is_word(w, "timestamp_ntz") || is_word(w, "timestamp_ltz"))
        return parse_time_like(p, w.text, ret, err);
    return parse_plain(p, w.text, false, ret, err);
}

static vonk_status parse_type(parser *p, const vonk_type **ret, vonk_error *err)
{
    if (++p->depth > VONK_MAX_TYPE_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "types nested more than 128 deep");
    VONK_TRY(parse_named(p, ret, err));
    p->depth--;
    return VONK_OK;
}

/* ---- whole texts */

static void parser_done(parser *p)
{
    vonk_error_reset(&p->semantic);
    if (p->arena) vonk_arena_free(p->arena);
}
VONK_DEFINE_AUTO_DONE(parser, parser_done)

static vonk_status start(parser *p, vonk_str text, const vonk_type_options *options, vonk_error *err)
{
    *p = (parser){.text = text, .options = options ? *options : (vonk_type_options){0}};
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &p->arena, err));
    advance(p);
    advance(p);
    return VONK_OK;
}

static vonk_status finish(parser *p, vonk_error *err)
{
    if (p->word.kind != VONK_WORD_END) {
        bool alone = p->next.kind == VONK_WORD_END && !is_symbol(p->word, ";");
        return syntax_at(p->word, alone ? VONK_F(": extra input '%.*s'", VONK_STR_ARGS(p->word.text)) : "", err);
    }
    if (p->semantic.cls == VONK_OK) return VONK_OK;
    vonk_status st = p->semantic.cls;
    vonk_error_move(err, &p->semantic);
    return st;
}

static vonk_status parse_one(vonk_str text, const vonk_type_options *options, const vonk_type **ret, vonk_error *err)
{
    VONK_AUTO(parser_done) parser p = {0};
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_TRY(start(&p, text, options, err));
    if (p.word.kind == VONK_WORD_END) return VONK_FAIL(err, VONK_E_PARSE_EMPTY_STATEMENT);
    VONK_TRY(parse_type(&p, &type, err));
    VONK_TRY(finish(&p, err));
    *ret = VONK_STEAL(type);
    return VONK_OK;
}

static vonk_status parse_columns(vonk_str text, const vonk_type_options *options, const vonk_type **ret,
                                 vonk_error *err)
{
    VONK_AUTO(parser_done) parser p = {0};
    VONK_AUTO(field_list_done) field_list fields = {0};
    VONK_TRY(start(&p, text, options, err));
    do VONK_TRY(parse_field(&p, true, &fields, err));
    while (accept_symbol(&p, ","));
    VONK_TRY(finish(&p, err));
    return vonk_type_struct(fields.v.at, fields.v.n, ret, err);
}

vonk_status vonk_type_parse_with(vonk_str text, bool table, const vonk_type_options *options, const vonk_type **ret,
                                 vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error one = VONK_ERROR_INIT;
    VONK_AUTO(vonk_error_reset) vonk_error columns = VONK_ERROR_INIT;
    vonk_status st = parse_one(text, options, ret, &one);
    if (st == VONK_OK) return VONK_OK;
    if (st == VONK_E_MEMORY_BUDGET_EXCEEDED || !table) {
        vonk_error_move(err, &one);
        return st;
    }
    vonk_status second = parse_columns(text, options, ret, &columns);
    if (second == VONK_OK) return VONK_OK;
    if (second == VONK_E_MEMORY_BUDGET_EXCEEDED || second == VONK_E_UNSUPPORTED_FEATURE) {
        vonk_error_move(err, &columns);
        return second;
    }
    vonk_error_move(err, &one); /* Spark, too, reports what was wrong with the first reading */
    return st;
}

vonk_status vonk_type_parse(vonk_str text, const vonk_type **ret, vonk_error *err)
{
    return vonk_type_parse_with(text, false, NULL, ret, err);
}
vonk_status vonk_type_parse_ddl(vonk_str text, const vonk_type **ret, vonk_error *err)
{
    return vonk_type_parse_with(text, true, NULL, ret, err);
}
