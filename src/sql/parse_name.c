/* sql/parse_name.c -- identifiers, names, strings, property lists, types. */
#include "sql/parse.h"

#include "base/buf.h"
#include "sql/sql.h"

bool vonk__is_identifier(const vonk_parser *p, vonk_tok kind)
{
    if (kind == TK_IDENT || kind == TK_QUOTED) return true;
    if (kind == TK_DQ_STRING) return p->double_quoted_names;
    return kind >= TK_FIRST_KEYWORD && (!p->reserved_words || !vonk__keyword_reserved(kind));
}

bool vonk__is_alias(const vonk_parser *p, vonk_tok kind)
{
    if (!vonk__is_identifier(p, kind)) return false;
    return p->reserved_words || !vonk__keyword_strict(kind);
}

/* The text between quotes, doubled quotes halved. */
static vonk_status unquote(vonk_parser *p, vonk_str text, vonk_str *ret, vonk_error *err)
{
    char quote = text.data[0], *into;
    size_t n = 0;
    VONK_TRY(vonk_arena_alloc(p->arena, text.len, &into, err));
    for (size_t i = 1; i + 1 < text.len; i++) {
        into[n++] = text.data[i];
        if (text.data[i] == quote) i++;
    }
    *ret = (vonk_str){into, n};
    return VONK_OK;
}

static bool plain_identifier(vonk_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] >= 0x80) return false;
    return true;
}

static vonk_status invalid_identifier(const vonk_parser *p, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_buf_init(&shown, p->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_str(&shown, name, err));
    VONK_TRY(vonk_buf_add_byte(&shown, '\0', err));
    return VONK_FAIL(err, VONK_E_INVALID_IDENTIFIER, "ident", shown.data);
}

vonk_status vonk__identifier(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    vonk_tok kind = vonk__tok(p);
    if (!vonk__is_identifier(p, kind)) return vonk__syntax_error(p, err);
    if (vonk__at_identifier_clause(p) && vonk__at_string(p, 2)) {
        vonk_strs parts = {0};
        VONK_TRY(vonk__identifier_clause(p, &parts, err));
        *ret = parts.at[parts.n - 1];
        if (parts.n == 1) return VONK_OK;
        return VONK_FAIL(err, VONK_E_IDENTIFIER_TOO_MANY_NAME_PARTS, "identifier", VONK_S(*ret), "limit", "1");
    }
    vonk_str text = vonk__token_text(p, p->at);
    if (kind == TK_QUOTED || kind == TK_DQ_STRING) {
        p->at++;
        return unquote(p, text, ret, err);
    }
    if (!plain_identifier(text)) return invalid_identifier(p, text, err);
    p->at++;
    *ret = text;
    return VONK_OK;
}

vonk_status vonk__identifier_captured(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    uint32_t from = p->at;
    VONK_TRY(vonk__identifier(p, ret, err));
    if (!vonk__is(p, TK_MINUS) || !vonk__is_identifier(p, vonk__tok_at(p, 1))) return VONK_OK;
    while (vonk__is(p, TK_MINUS) && vonk__is_identifier(p, vonk__tok_at(p, 1))) p->at += 2;
    return invalid_identifier(p, vonk_str_sub(p->text, p->tokens.at[from].start, p->tokens.at[p->at - 1].end), err);
}

vonk_status vonk__name(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    vonk_str part;
    if (vonk__at_identifier_clause(p))
        VONK_TRY(vonk__identifier_clause(p, ret, err));
    else {
        VONK_TRY(vonk__identifier_captured(p, &part, err));
        VONK_TRY(VONK_PUSH(p, ret, part, err));
    }
    while (vonk__accept(p, TK_DOT)) {
        VONK_TRY(vonk__identifier_captured(p, &part, err));
        VONK_TRY(VONK_PUSH(p, ret, part, err));
    }
    return VONK_OK;
}

static vonk_status not_text(vonk_parser *p, const vonk_expr *literal, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf sql = {0}, type = {0};
    vonk_buf_init(&sql, p->budget, 1 << 20);
    vonk_buf_init(&type, p->budget, 1 << 20);
    VONK_TRY(vonk_expr_sql(literal, &sql, err));
    VONK_TRY(vonk_type_simple_string(literal->type, &type, err));
    return VONK_EXPR_FAIL(literal, err, VONK_E_NOT_A_CONSTANT_STRING__WRONG_TYPE, "name", "IDENTIFIER", "expr",
                          VONK_S(vonk_buf_str(&sql)), "dataType", VONK_S(vonk_buf_str(&type)));
}

/* The text of an expression made of string literals: 'a' || 'b', or one literal. */
static vonk_status constant_text(vonk_parser *p, const vonk_expr *e, vonk_buf *out, vonk_error *err)
{
    if (e->kind == VONK_EX_PARAMETER) return vonk__unbound_parameter(e, err);
    if (e->kind == VONK_EX_LITERAL && e->type && e->type->id != VONK_T_STRING) return not_text(p, e, err);
    if (e->kind == VONK_EX_LITERAL && e->type && e->type->id == VONK_T_STRING && !vonk_column_is_null(e->value, 0))
        return vonk_buf_add_str(out, vonk_column_str(e->value, 0), err);
    if (e->kind == VONK_EX_CALL && vonk_str_is_nocase(e->parts[0], "concat")) {
        for (uint32_t i = 0; i < e->n_args; i++) VONK_TRY(constant_text(p, e->children[i], out, err));
        return VONK_OK;
    }
    return vonk__unsupported(p, p->at - 1, "IDENTIFIER(expression)", err);
}

bool vonk__at_identifier_clause(const vonk_parser *p)
{
    return vonk__is2(p, KW_IDENTIFIER_KW, TK_LPAREN) && vonk__tok_at(p, 2) != TK_RPAREN && p->match[p->at + 1];
}

vonk_status vonk__identifier_clause(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk_expr *e;
    vonk_buf_init(&text, p->budget, 1 << 20);
    const uint32_t from = p->at;
    p->at += 2;
    VONK_TRY(vonk__expr(p, &e, err));
    VONK_TRY(vonk__expect_closing(p, TK_RPAREN, err));
    VONK_TRY(constant_text(p, e, &text, err));
    const vonk_str *parts;
    uint32_t n;
    vonk_status status = vonk_sql_parse_name(p->arena, vonk_buf_str(&text), &parts, &n, err);
    if (status != VONK_OK) return vonk__at_tokens(p, from, status, err);
    for (uint32_t i = 0; i < n; i++) VONK_TRY(VONK_PUSH(p, ret, parts[i], err));
    return VONK_OK;
}

vonk_status vonk__name_reference(vonk_parser *p, vonk_strs *ret, vonk_error *err) { return vonk__name(p, ret, err); }

vonk_status vonk__identifier_seq(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    do {
        vonk_str part;
        VONK_TRY(vonk__identifier_captured(p, &part, err));
        VONK_TRY(VONK_PUSH(p, ret, part, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}

vonk_status vonk__identifier_list(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(vonk__identifier_seq(p, ret, err));
    return vonk__expect(p, TK_RPAREN, err);
}

/* ---- strings */

bool vonk__at_string(const vonk_parser *p, uint32_t ahead)
{
    vonk_tok kind = vonk__tok_at(p, ahead);
    return kind == TK_STRING || (kind == TK_DQ_STRING && !p->double_quoted_names);
}

static vonk_status add_utf8(vonk_buf *out, uint32_t c, vonk_error *err)
{
    if (c < 0x80) return vonk_buf_add_byte(out, (char)c, err);
    if (c < 0x800)
        VONK_TRY(vonk_buf_add_byte(out, (char)(0xc0 | c >> 6), err));
    else {
        if (c < 0x10000)
            VONK_TRY(vonk_buf_add_byte(out, (char)(0xe0 | c >> 12), err));
        else {
            VONK_TRY(vonk_buf_add_byte(out, (char)(0xf0 | c >> 18), err));
            VONK_TRY(vonk_buf_add_byte(out, (char)(0x80 | (c >> 12 & 0x3f)), err));
        }
        VONK_TRY(vonk_buf_add_byte(out, (char)(0x80 | (c >> 6 & 0x3f)), err));
    }
    return vonk_buf_add_byte(out, (char)(0x80 | (c & 0x3f)), err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool hex_number(vonk_str s, size_t at, size_t digits, uint32_t *ret)
{
    uint32_t value = 0;
    if (s.len - at < digits) return false;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_digit(s.data[at + i]);
        if (d < 0) return false;
        value = value * 16 + (uint32_t)d;
    }
    *ret = value;
    return true;
}

/* \uD83D\uDE00 is one character. */
static uint32_t surrogate_pair(vonk_str s, size_t *inout_at, uint32_t high)
{
    uint32_t low;
    if (high < 0xd800 || high > 0xdbff || s.len - *inout_at < 6 || s.data[*inout_at] != '\\' ||
        s.data[*inout_at + 1] != 'u' || !hex_number(s, *inout_at + 2, 4, &low) || low < 0xdc00 || low > 0xdfff)
        return high;
    *inout_at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* What stands behind a backslash at s.data[at - 1]; moves behind it. */
static vonk_status add_escape(vonk_str s, size_t *inout_at, vonk_buf *out, vonk_error *err)
{
    size_t at = *inout_at;
    char c = s.data[at];
    uint32_t code;
    if (c == 'u' && hex_number(s, at + 1, 4, &code)) {
        *inout_at = at + 5;
        return add_utf8(out, surrogate_pair(s, inout_at, code), err);
    }
    if (c == 'U' && hex_number(s, at + 1, 8, &code) && code <= 0x10ffff) {
        *inout_at = at + 9;
        return add_utf8(out, code, err);
    }
    if (s.len - at >= 3 && (c == '0' || c == '1') && s.data[at + 1] >= '0' && s.data[at + 1] <= '7' &&
        s.data[at + 2] >= '0' && s.data[at + 2] <= '7') {
        *inout_at = at + 3;
        return add_utf8(out, (uint32_t)((c - '0') * 64 + (s.data[at + 1] - '0') * 8 + (s.data[at + 2] - '0')), err);
    }
    static const char from[] = "0bnrtZ", to[] = "\0\b\n\r\t\x1a";
    const char *found = c ? strchr(from, c) : NULL;
    *inout_at = at + 1;
    if (found) return vonk_buf_add_byte(out, to[found - from], err);
    if (c == '%' || c == '_') VONK_TRY(vonk_buf_add_byte(out, '\\', err)); /* stays an escape for LIKE */
    return vonk_buf_add_byte(out, c, err);
}

static vonk_status add_string(const vonk_parser *p, vonk_str token, vonk_buf *out, vonk_error *err)
{
    bool raw = token.data[0] == 'r' || token.data[0] == 'R';
    char quote = token.data[raw ? 1 : 0];
    vonk_str s = vonk_str_sub(token, raw ? 2 : 1, token.len - 1);
    if (raw || p->plain_escapes) return vonk_buf_add_str(out, s, err);
    for (size_t at = 0; at < s.len;) {
        char c = s.data[at++];
        if (c == '\\' && at < s.len)
            VONK_TRY(add_escape(s, &at, out, err));
        else {
            VONK_TRY(vonk_buf_add_byte(out, c, err));
            if (c == quote) at++; /* doubled */
        }
    }
    return VONK_OK;
}

static bool simple_string(vonk_str token)
{
    if (token.data[0] != '\'' && token.data[0] != '"') return false;
    for (size_t i = 1; i + 1 < token.len; i++)
        if (token.data[i] == '\\' || token.data[i] == token.data[0]) return false;
    return true;
}

vonk_status vonk__string(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    if (!vonk__at_string(p, 0)) return vonk__syntax_error(p, err);
    vonk_str token = vonk__token_text(p, p->at);
    if (!vonk__at_string(p, 1) && simple_string(token)) { /* no copy */
        p->at++;
        *ret = vonk_str_sub(token, 1, token.len - 1);
        return VONK_OK;
    }
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, p->budget, SIZE_MAX);
    while (vonk__at_string(p, 0)) VONK_TRY(add_string(p, vonk__token_text(p, p->at++), &text, err));
    return vonk_arena_str(p->arena, vonk_buf_str(&text), ret, err);
}

/* ---- property lists */

/* Neighbouring literals are one text, but without a '=' behind them the first is the key and the others are the value.
 */
static vonk_status text_key(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    uint32_t n = 1;
    while (vonk__at_string(p, n)) n++;
    if (n == 1 || vonk__tok_at(p, n) == TK_EQ) return vonk__string(p, ret, err);
    vonk_buf_init(&text, p->budget, SIZE_MAX);
    VONK_TRY(add_string(p, vonk__token_text(p, p->at++), &text, err));
    return vonk_arena_str(p->arena, vonk_buf_str(&text), ret, err);
}

static vonk_status property_key(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    if (vonk__at_string(p, 0)) return text_key(p, ret, err);
    VONK_AUTO(vonk_buf_done) vonk_buf key = {0};
    vonk_strs parts = {0};
    vonk_buf_init(&key, p->budget, SIZE_MAX);
    VONK_TRY(vonk__name(p, &parts, err));
    for (size_t i = 0; i < parts.n; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(&key, '.', err));
        VONK_TRY(vonk_buf_add_str(&key, parts.at[i], err));
    }
    return vonk_arena_str(p->arena, vonk_buf_str(&key), ret, err);
}

static vonk_status property_value(vonk_parser *p, vonk_str *ret, vonk_error *err)
{
    vonk_tok kind = vonk__tok(p);
    if (vonk__at_string(p, 0)) return vonk__string(p, ret, err);
    bool minus = kind == TK_MINUS;
    if (minus) kind = vonk__tok_at(p, 1);
    if (kind == TK_INT || kind == TK_DECIMAL || kind == KW_TRUE || kind == KW_FALSE) {
        uint32_t from = p->at;
        p->at += minus ? 2 : 1;
        *ret = vonk_str_sub(p->text, p->tokens.at[from].start, p->tokens.at[p->at - 1].end);
        if (kind == KW_TRUE) *ret = VONK_STR("true");
        if (kind == KW_FALSE) *ret = VONK_STR("false");
        return VONK_OK;
    }
    return vonk__syntax_error(p, err);
}

vonk_status vonk__properties(vonk_parser *p, vonk_option **ret, uint32_t *ret_n, vonk_error *err)
{
    VONK_VEC(vonk_option) found = {0};
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        vonk_option one = {.value = VONK_STR_NONE};
        VONK_TRY(property_key(p, &one.key, err));
        if (vonk__accept(p, TK_EQ) || (!vonk__is(p, TK_COMMA) && !vonk__is(p, TK_RPAREN)))
            VONK_TRY(property_value(p, &one.value, err));
        VONK_TRY(VONK_PUSH(p, &found, one, err));
    } while (vonk__accept(p, TK_COMMA));
    *ret = found.at;
    *ret_n = vonk_u32_of(found.n);
    return vonk__expect(p, TK_RPAREN, err);
}

vonk_status vonk__set_name_info(vonk_plan *plan, vonk_name_info *into, const vonk_strs *parts, vonk_error *err)
{
    into->n_parts = vonk_u32_of(parts->n);
    return vonk_plan_strs(plan, parts->at, into->n_parts, &into->parts, err);
}

/* ---- types: found here, understood by column/ */

static vonk_status skip_type(vonk_parser *p, vonk_error *err);

static vonk_status skip_struct_fields(vonk_parser *p, vonk_error *err)
{
    do {
        vonk_str name;
        VONK_TRY(vonk__identifier_captured(p, &name, err));
        vonk__accept(p, TK_COLON);
        VONK_TRY(skip_type(p, err));
        if (vonk__accept2(p, KW_NOT, KW_NULL) || vonk__accept2(p, TK_BANG, KW_NULL)) {
        }
        if (vonk__accept(p, KW_COMMENT)) VONK_TRY(vonk__string(p, &name, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}

/* <...> behind ARRAY, MAP, STRUCT */
static vonk_status skip_nested(vonk_parser *p, vonk_tok kind, vonk_error *err)
{
    if (kind == KW_STRUCT && vonk__accept(p, TK_NEQ)) return VONK_OK; /* STRUCT<> */
    if (!vonk__accept(p, TK_LT)) return VONK_OK;
    VONK_TRY(vonk__deeper(p, err));
    if (kind == KW_STRUCT) {
        if (!vonk__is(p, TK_GT)) VONK_TRY(skip_struct_fields(p, err));
    } else {
        VONK_TRY(skip_type(p, err));
        if (kind == KW_MAP) {
            VONK_TRY(vonk__expect(p, TK_COMMA, err));
            VONK_TRY(skip_type(p, err));
        }
    }
    p->depth--;
    return vonk__expect(p, TK_GT, err);
}

static void skip_words(vonk_parser *p, const vonk_tok *kinds, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (vonk__tok_at(p, i) != kinds[i]) return;
    p->at += n;
}

static bool is_interval_field(vonk_tok kind)
{
    return kind == KW_YEAR || kind == KW_MONTH || kind == KW_DAY || kind == KW_HOUR || kind == KW_MINUTE ||
           kind == KW_SECOND;
}

static vonk_status skip_type(vonk_parser *p, vonk_error *err)
{
    static const vonk_tok without_zone[] = {KW_WITHOUT, KW_TIME, KW_ZONE};
    static const vonk_tok local_zone[] = {KW_WITH, KW_LOCAL, KW_TIME, KW_ZONE};
    vonk_tok kind = vonk__tok(p);
    vonk_str name;
    if (kind == KW_ARRAY || kind == KW_MAP || kind == KW_STRUCT) {
        p->at++;
        return skip_nested(p, kind, err);
    }
    VONK_TRY(vonk__identifier(p, &name, err));
    if (kind == KW_INTERVAL) {
        if (is_interval_field(vonk__tok(p))) p->at++;
        if (vonk__is(p, KW_TO) && is_interval_field(vonk__tok_at(p, 1))) p->at += 2;
        return VONK_OK;
    }
    if (vonk__accept(p, TK_LPAREN)) {
        do {
            if (vonk__accept(p, KW_ANY)) continue;
            VONK_TRY(vonk__expect(p, TK_INT, err));
        } while (vonk__accept(p, TK_COMMA));
        VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    }
    skip_words(p, without_zone, 3);
    skip_words(p, local_zone, 4);
    if (vonk__accept(p, KW_COLLATE)) {
        vonk_strs collation = {0};
        VONK_TRY(vonk__name(p, &collation, err));
    }
    return VONK_OK;
}

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk__type(vonk_parser *p, const vonk_type **ret, vonk_error *err)
{
    uint32_t from = p->at;
    VONK_TRY(skip_type(p, err));
    vonk_str text = vonk_str_sub(p->text, p->tokens.at[from].start, p->tokens.at[p->at - 1].end);
    vonk_status st = vonk_type_parse(text, ret, err);
    bool has_place =
        st != VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION && st != VONK_E_DECIMAL_SCALE_EXCEEDS_PRECISION;
    if (st != VONK_OK) return has_place ? vonk__at_tokens(p, from, st, err) : st;
    return vonk_arena_on_free(p->arena, drop_type, (void *)*ret, err);
}

/* char and varchar are strings to a cast, also inside other types. */
static vonk_status without_lengths(const vonk_type *t, const vonk_type **ret, vonk_error *err)
{
    if (t->id == VONK_T_CHAR || t->id == VONK_T_VARCHAR) {
        *ret = vonk_type_ref(&vonk_type_string);
        return VONK_OK;
    }
    bool nested = t->id == VONK_T_ARRAY || t->id == VONK_T_MAP || t->id == VONK_T_STRUCT;
    *ret = vonk_type_ref(t);
    if (!nested || !(vonk_type_has(t, VONK_T_CHAR) || vonk_type_has(t, VONK_T_VARCHAR))) return VONK_OK;
    vonk_field *fields;
    vonk_type_unref(*ret);
    VONK_TRY(vonk_alloc_array(vonk_budget_root(), t->n_fields, sizeof(*fields), &fields, err));
    vonk_status st = VONK_OK;
    uint32_t n = 0;
    for (; n < t->n_fields && st == VONK_OK; n++) {
        fields[n] = t->fields[n];
        fields[n].type = NULL;
        st = without_lengths(t->fields[n].type, &fields[n].type, err); /* as deep as the parser of types goes */
    }
    if (st == VONK_OK && t->id == VONK_T_ARRAY) st = vonk_type_array(fields[0].type, fields[0].nullable, ret, err);
    if (st == VONK_OK && t->id == VONK_T_MAP)
        st = vonk_type_map(fields[0].type, fields[1].type, fields[1].nullable, ret, err);
    if (st == VONK_OK && t->id == VONK_T_STRUCT) st = vonk_type_struct(fields, n, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_type_unref(fields[i].type);
    vonk_free(fields);
    return st;
}

vonk_status vonk__cast_type(vonk_parser *p, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *written;
    VONK_TRY(vonk__type(p, &written, err));
    VONK_TRY(without_lengths(written, ret, err));
    return vonk_arena_on_free(p->arena, drop_type, (void *)*ret, err);
}
