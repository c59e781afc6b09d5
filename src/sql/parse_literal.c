/* sql/parse_literal.c -- numbers with their suffixes, and typed literals: DATE '...', X'...'. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "column/builder.h"
#include "func/cast.h"
#include "plan/program.h"
#include "sql/parse.h"

static bool is_number(vonk_tok kind) { return kind >= TK_INT && kind <= TK_BIGDECIMAL; }

bool vonk__at_number(const vonk_parser *p)
{
    return is_number(vonk__tok(p)) || (vonk__is(p, TK_MINUS) && is_number(vonk__tok_at(p, 1)));
}

/* ---- numbers */

static vonk_status keep_literal(vonk_parser *p, uint32_t from, vonk_column *take_value, const vonk_expr **ret,
                                vonk_error *err)
{
    const vonk_expr *e;
    vonk_status st = vonk_ex_literal(p->budget, take_value, &e, err);
    vonk_column_unref(take_value);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk__keep_made(p, e, ret, err));
    vonk__set_origin(p, (vonk_expr *)*ret, from);
    return VONK_OK;
}

static vonk_status out_of_range(vonk_parser *p, uint32_t from, vonk_str text, const char *type, const char *least,
                                const char *most, vonk_error *err)
{
    return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_NUMERIC_LITERAL_RANGE, "rawStrippedQualifier", VONK_S(text),
                           "minValue", least, "maxValue", most, "typeName", type);
}

/* The digits of [+-]ddd; false when they do not fit. */
static bool whole_number(vonk_str digits, bool minus, int64_t *ret)
{
    uint64_t value = 0, most = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t d = (uint64_t)(digits.data[i] - '0');
        if (value > (most - d) / 10) return false;
        value = value * 10 + d;
    }
    *ret = minus ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static vonk_status sized_integer(vonk_parser *p, uint32_t from, vonk_str digits, bool minus, const vonk_expr **ret,
                                 vonk_error *err)
{
    static const struct {
        const vonk_type *type;
        const char *name, *least, *most;
        int64_t low, high;
    } kinds[] = {
        [TK_BIGINT - TK_BIGINT] = {&vonk_type_long, "bigint", "-9223372036854775808", "9223372036854775807", INT64_MIN,
                                   INT64_MAX},
        [TK_SMALLINT - TK_BIGINT] = {&vonk_type_short, "smallint", "-32768", "32767", INT16_MIN, INT16_MAX},
        [TK_TINYINT - TK_BIGINT] = {&vonk_type_byte, "tinyint", "-128", "127", INT8_MIN, INT8_MAX},
    };
    size_t kind = p->tokens.at[p->at - 1].kind - (size_t)TK_BIGINT;
    int64_t value = 0;
    bool fits = whole_number(digits, minus, &value);
    if (fits && value >= kinds[kind].low && value <= kinds[kind].high)
        return vonk__literal_of(p, from, kinds[kind].type, value, ret, err);
    vonk_str text = {digits.data, digits.len};
    if (minus) VONK_TRY(vonk_arena_printf(p->arena, &text, err, "-%.*s", VONK_STR_ARGS(digits)));
    return out_of_range(p, from, text, kinds[kind].name, kinds[kind].least, kinds[kind].most, err);
}

typedef struct decimal_text {
    vonk_u128 digits;
    int32_t n_digits; /* without leading zeros; at least 1 */
    int64_t scale;
} decimal_text;

/* ddd.ddde[+-]dd; more than 38 digits are counted but not kept. */
static decimal_text read_decimal(vonk_str s)
{
    decimal_text d = {0};
    bool point = false;
    size_t i = 0;
    for (; i < s.len && s.data[i] != 'e' && s.data[i] != 'E'; i++) {
        if (s.data[i] == '.') {
            point = true;
            continue;
        }
        if (d.n_digits > 0 || s.data[i] != '0') d.n_digits++;
        if (d.n_digits <= VONK_MAX_PRECISION) d.digits = d.digits * 10 + (unsigned)(s.data[i] - '0');
        if (point) d.scale++;
    }
    if (i < s.len) {
        vonk_str rest = vonk_str_sub(s, i + 1, s.len);
        bool minus = rest.len && rest.data[0] == '-';
        if (rest.len && (rest.data[0] == '-' || rest.data[0] == '+')) rest = vonk_str_sub(rest, 1, rest.len);
        int64_t exponent = 0;
        if (!whole_number(rest, false, &exponent) || exponent > 10000) exponent = 10000;
        d.scale -= minus ? -exponent : exponent;
    }
    if (d.n_digits == 0) d.n_digits = 1;
    return d;
}

vonk_status vonk__decimal_literal(vonk_parser *p, uint32_t from, vonk_str digits, bool minus, const vonk_expr **ret,
                                  vonk_error *err)
{
    decimal_text d = read_decimal(digits);
    int64_t precision = d.n_digits;
    while (d.scale < 0 && precision <= VONK_MAX_PRECISION) {
        d.digits *= 10;
        d.scale++;
        precision++;
    }
    if (d.scale > precision) precision = d.scale;
    if (precision > VONK_MAX_PRECISION)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION, "precision",
                               VONK_F("%lld", (long long)precision), "maxPrecision", "38");
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *value;
    VONK_TRY(vonk_type_decimal((int)precision, (int)d.scale, &type, err));
    VONK_TRY(vonk_builder_init(&b, p->budget, type, 1, err));
    VONK_TRY(vonk_builder_i128(&b, minus ? -(vonk_i128)d.digits : (vonk_i128)d.digits, err));
    VONK_TRY(vonk_builder_finish(&b, &value, err));
    return keep_literal(p, from, value, ret, err);
}

static vonk_status plain_integer(vonk_parser *p, uint32_t from, vonk_str digits, bool minus, const vonk_expr **ret,
                                 vonk_error *err)
{
    int64_t value;
    if (!whole_number(digits, minus, &value)) return vonk__decimal_literal(p, from, digits, minus, ret, err);
    bool is_int = value >= INT32_MIN && value <= INT32_MAX;
    return vonk__literal_of(p, from, is_int ? &vonk_type_int : &vonk_type_long, value, ret, err);
}

static vonk_status floating(vonk_parser *p, uint32_t from, vonk_str text, bool minus, bool single,
                            const vonk_expr **ret, vonk_error *err)
{
    vonk_str z;
    VONK_TRY(vonk_arena_printf(p->arena, &z, err, "%s%.*s", minus ? "-" : "", VONK_STR_ARGS(text)));
    double value = strtod(z.data, NULL), most = single ? 3.4028234663852886e38 : 1.7976931348623157e308;
    if (value > most || value < -most)
        return single ? out_of_range(p, from, z, "float", "-3.4028234663852886E+38", "3.4028234663852886E+38", err)
                      : out_of_range(p, from, z, "double", "-1.7976931348623157E+308", "1.7976931348623157E+308", err);
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *column;
    VONK_TRY(vonk_builder_init(&b, p->budget, single ? &vonk_type_float : &vonk_type_double, 1, err));
    VONK_TRY(vonk_builder_f64(&b, single ? (double)strtof(z.data, NULL) : value, err));
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    return keep_literal(p, from, column, ret, err);
}

vonk_status vonk__number(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    bool minus = vonk__accept(p, TK_MINUS);
    vonk_str text = vonk__token_text(p, p->at);
    vonk_tok kind = (vonk_tok)p->tokens.at[p->at++].kind;
    size_t n = text.len;
    switch (kind) {
    case TK_INT: return plain_integer(p, from, text, minus, ret, err);
    case TK_BIGINT:
    case TK_SMALLINT:
    case TK_TINYINT: return sized_integer(p, from, vonk_str_sub(text, 0, n - 1), minus, ret, err);
    case TK_DECIMAL: return vonk__decimal_literal(p, from, text, minus, ret, err);
    case TK_EXPONENT:
        if (p->exponent_is_decimal) return vonk__decimal_literal(p, from, text, minus, ret, err);
        return floating(p, from, text, minus, false, ret, err);
    case TK_BIGDECIMAL: return vonk__decimal_literal(p, from, vonk_str_sub(text, 0, n - 2), minus, ret, err);
    default: return floating(p, from, vonk_str_sub(text, 0, n - 1), minus, kind == TK_FLOAT, ret, err);
    }
}

/* ---- typed literals */

static vonk_status invalid_literal(vonk_parser *p, uint32_t from, const char *type, vonk_str text, vonk_error *err)
{
    return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_TYPED_LITERAL, "valueType", VONK_F("\"%s\"", type), "value",
                           VONK_F("'%.*s'", VONK_STR_ARGS(text)));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* X'ABC' is 0A BC. */
static vonk_status hex_literal(vonk_parser *p, uint32_t from, vonk_str text, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    vonk_buf_init(&bytes, p->budget, SIZE_MAX);
    size_t i = 0;
    for (int high = 0; i < text.len; i++) {
        int d = hex_digit(text.data[i]);
        if (d < 0) return invalid_literal(p, from, "X", text, err);
        bool last = (text.len - i) % 2 == 1;
        if (last) VONK_TRY(vonk_buf_add_byte(&bytes, (char)(high * 16 + d), err));
        high = last ? 0 : d;
    }
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *column;
    VONK_TRY(vonk_builder_init(&b, p->budget, &vonk_type_binary, 1, err));
    VONK_TRY(vonk_builder_str(&b, vonk_buf_str(&bytes), err));
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    return keep_literal(p, from, column, ret, err);
}

/* A timestamp shows itself in the session's zone. */
static vonk_status set_shown(vonk_parser *p, const vonk_expr *e, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_buf_init(&shown, p->budget, 256);
    VONK_TRY(vonk_buf_add_c(&shown, "TIMESTAMP '", err));
    VONK_TRY(vonk_cast_row_text(&p->env, e->value, 0, &shown, err));
    VONK_TRY(vonk_buf_add_byte(&shown, '\'', err));
    return vonk_expr_set_shown((vonk_expr *)e, vonk_buf_str(&shown), err);
}

static vonk_status cast_literal(vonk_parser *p, uint32_t from, const vonk_type *type, const char *name, vonk_str text,
                                const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *written = NULL, *cast = NULL;
    vonk_column *value = NULL;
    VONK_TRY(vonk_ex_string(p->budget, text, &written, err));
    vonk_status st = vonk_ex_cast(p->budget, written, type, VONK_MODE_TRY, &cast, err);
    vonk_expr_unref(written);
    VONK_TRY(st);
    st = vonk_program_fold(p->budget, &p->env, cast, &value, err);
    vonk_expr_unref(cast);
    VONK_TRY(st);
    if (vonk_column_is_null(value, 0)) {
        vonk_column_unref(value);
        return invalid_literal(p, from, name, text, err);
    }
    VONK_TRY(keep_literal(p, from, value, ret, err));
    return type->id == VONK_T_TIMESTAMP ? set_shown(p, *ret, err) : VONK_OK;
}

/* With as many digits of the second as are written, and no less than six. */
static vonk_status time_literal(vonk_parser *p, uint32_t from, vonk_str text, const vonk_expr **ret, vonk_error *err)
{
    size_t at = 0;
    while (at < text.len && text.data[at] != '.') at++;
    int digits = 0;
    while (++at < text.len && text.data[at] >= '0' && text.data[at] <= '9' && digits < 10) digits++;
    if (digits > 9)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_TIME_LITERAL_PRECISION, "value",
                               VONK_F("'%.*s'", VONK_STR_ARGS(text)));
    const vonk_type *type = NULL;
    VONK_TRY(vonk_type_time_of(digits > 6 ? digits : 6, &type, err));
    vonk_status st = cast_literal(p, from, type, "TIME", text, ret, err);
    vonk_type_unref(type);
    return st;
}

/* TIMESTAMP '...' is what spark.sql.timestampType says. */
static const vonk_type *timestamp_type(const vonk_parser *p)
{
    if (!p->conf) return &vonk_type_timestamp;
    vonk_str set = vonk_conf_get(p->conf, "spark.sql.timestampType");
    return vonk_str_is_nocase(set, "TIMESTAMP_NTZ") ? &vonk_type_timestamp_ntz : &vonk_type_timestamp;
}

vonk_status vonk__typed_literal(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_str text;
    vonk_tok kind = (vonk_tok)p->tokens.at[from].kind;
    VONK_TRY(vonk__string(p, &text, err));
    switch (kind) {
    case KW_DATE: return cast_literal(p, from, &vonk_type_date, "DATE", text, ret, err);
    case KW_TIME: return time_literal(p, from, text, ret, err);
    case KW_TIMESTAMP: return cast_literal(p, from, timestamp_type(p), "TIMESTAMP", text, ret, err);
    case KW_TIMESTAMP_LTZ: return cast_literal(p, from, &vonk_type_timestamp, "TIMESTAMP_LTZ", text, ret, err);
    case KW_TIMESTAMP_NTZ: return cast_literal(p, from, &vonk_type_timestamp_ntz, "TIMESTAMP_NTZ", text, ret, err);
    case KW_INTERVAL: return vonk__interval_text(p, from, text, ret, err);
    case KW_BINARY_HEX: return hex_literal(p, from, text, ret, err);
    default: break;
    }
    vonk_str name = vonk__token_text(p, from);
    char upper[64];
    size_t n = name.len < sizeof(upper) ? name.len : sizeof(upper) - 1;
    for (size_t i = 0; i < n; i++)
        upper[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 32 : name.data[i]);
    upper[n] = 0;
    return VONK_PARSE_FAIL(
        p, from, err, VONK_E_UNSUPPORTED_TYPED_LITERAL, "unsupportedType", VONK_F("\"%s\"", upper), "supportedTypes",
        "\"DATE\", \"TIMESTAMP_NTZ\", \"TIMESTAMP_LTZ\", \"TIMESTAMP\", \"INTERVAL\", \"X\", \"TIME\"");
}
