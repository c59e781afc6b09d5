/* sql/parse_interval.c -- interval literals: 1 DAY 2 HOURS, '1-2' YEAR TO MONTH, INTERVAL '3 days'. The result is a
 * year-month or a day-time interval whose fields are the ones that were named; with spark.sql.legacy.interval.enabled a
 * calendar interval. */
#include "base/buf.h"
#include "column/builder.h"
#include "sql/parse.h"

typedef enum unit_kind {
    U_YEAR,
    U_MONTH,
    U_WEEK,
    U_DAY,
    U_HOUR,
    U_MINUTE,
    U_SECOND,
    U_MILLI,
    U_MICRO,
    U_NANO,
    U_NONE
} unit_kind;

static const struct {
    const char *name;
    bool year_month;
    uint8_t field; /* of the type: VONK_YEAR ... */
    int64_t scale; /* months, or microseconds */
} units[] = {
    [U_YEAR] = {"year", true, VONK_YEAR, 12},
    [U_MONTH] = {"month", true, VONK_MONTH, 1},
    [U_WEEK] = {"week", false, VONK_DAY, INT64_C(604800000000)},
    [U_DAY] = {"day", false, VONK_DAY, INT64_C(86400000000)},
    [U_HOUR] = {"hour", false, VONK_HOUR, INT64_C(3600000000)},
    [U_MINUTE] = {"minute", false, VONK_MINUTE, 60000000},
    [U_SECOND] = {"second", false, VONK_SECOND, 1000000},
    [U_MILLI] = {"millisecond", false, VONK_SECOND, 1000},
    [U_MICRO] = {"microsecond", false, VONK_SECOND, 1},
    [U_NANO] = {"nanosecond", false, VONK_SECOND, 0},
    [U_NONE] = {"", false, 0, 0},
};

typedef struct interval_sum {
    int64_t months, days, us;
    bool has_year_month, has_day_time;
    uint8_t first, last; /* fields, by the family that is used */
} interval_sum;

static unit_kind unit_of(vonk_str word)
{
    if (word.len > 1 && (word.data[word.len - 1] == 's' || word.data[word.len - 1] == 'S')) word.len--;
    for (int i = U_YEAR; i < U_NONE; i++)
        if (vonk_str_is_nocase(word, units[i].name)) return (unit_kind)i;
    return U_NONE;
}

static void name_field(interval_sum *sum, unit_kind unit)
{
    bool fresh = !(units[unit].year_month ? sum->has_year_month : sum->has_day_time);
    uint8_t field = units[unit].field;
    if (fresh || field < sum->first) sum->first = field;
    if (fresh || field > sum->last) sum->last = field;
    if (units[unit].year_month)
        sum->has_year_month = true;
    else
        sum->has_day_time = true;
}

/* [+-]digits[.digits], spaces around each part */
typedef struct amount {
    int64_t whole;
    int64_t micros; /* of the fraction, as if it were seconds */
    bool has_fraction, minus, overflow;
} amount;

static bool read_amount(vonk_str s, amount *ret)
{
    amount a = {0};
    size_t i = 0, digits = 0;
    s = vonk_str_trim(s);
    if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) a.minus = s.data[i++] == '-';
    s = vonk_str_trim(vonk_str_sub(s, i, s.len));
    for (i = 0; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++, digits++)
        if (__builtin_mul_overflow(a.whole, 10, &a.whole) || __builtin_add_overflow(a.whole, s.data[i] - '0', &a.whole))
            a.overflow = true;
    if (i < s.len && s.data[i] == '.') {
        int64_t place = 100000;
        a.has_fraction = true;
        for (i++; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++, digits++, place /= 10)
            a.micros += place * (s.data[i] - '0');
    }
    *ret = a;
    return i == s.len && digits > 0;
}

/* sum += value * unit; false: does not fit. */
static bool add_amount(interval_sum *sum, const amount *a, unit_kind unit)
{
    int64_t scaled, days, sign = a->minus ? -1 : 1;
    if (a->overflow) return false;
    name_field(sum, unit);
    if (unit == U_DAY || unit == U_WEEK)
        return !__builtin_mul_overflow(a->whole, sign * (unit == U_WEEK ? 7 : 1), &days) &&
               !__builtin_add_overflow(sum->days, days, &sum->days) && sum->days >= INT32_MIN && sum->days <= INT32_MAX;
    if (__builtin_mul_overflow(a->whole, units[unit].scale, &scaled)) return false;
    if (unit == U_SECOND && __builtin_add_overflow(scaled, a->micros, &scaled)) return false;
    scaled *= sign;
    if (units[unit].year_month)
        return !__builtin_add_overflow(sum->months, scaled, &sum->months) && sum->months >= INT32_MIN &&
               sum->months <= INT32_MAX;
    return !__builtin_add_overflow(sum->us, scaled, &sum->us);
}

/* ---- the literal */

static vonk_status calendar_literal(vonk_parser *p, uint32_t from, const interval_sum *sum, const vonk_expr **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    vonk_column *value;
    const vonk_expr *e;
    VONK_TRY(vonk_builder_init(&b, p->budget, &vonk_type_calendar_interval, 1, err));
    VONK_TRY(vonk_builder_interval(&b, (vonk_interval){(int32_t)sum->months, (int32_t)sum->days, sum->us}, err));
    VONK_TRY(vonk_builder_finish(&b, &value, err));
    vonk_status st = vonk_ex_literal(p->budget, value, &e, err);
    vonk_column_unref(value);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk__keep_made(p, e, ret, err));
    vonk__set_origin(p, (vonk_expr *)*ret, from);
    return VONK_OK;
}

static vonk_status overflow(vonk_parser *p, uint32_t from, vonk_str input, vonk_error *err)
{
    return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__ARITHMETIC_EXCEPTION, "input", VONK_S(input));
}

static vonk_status typed_interval(vonk_parser *p, uint32_t from, const interval_sum *sum, const vonk_expr **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    int64_t value = sum->months;
    if (sum->has_year_month) {
        VONK_TRY(vonk_type_interval_ym((vonk_interval_field)sum->first, (vonk_interval_field)sum->last, &type, err));
    } else {
        VONK_TRY(vonk_type_interval_dt((vonk_interval_field)sum->first, (vonk_interval_field)sum->last, &type, err));
        if (__builtin_mul_overflow(sum->days, units[U_DAY].scale, &value) ||
            __builtin_add_overflow(value, sum->us, &value))
            return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITHOUT_SUGGESTION);
    }
    return vonk__literal_of(p, from, type, value, ret, err);
}

static vonk_status finish_literal(vonk_parser *p, uint32_t from, const interval_sum *sum, const vonk_expr **ret,
                                  vonk_error *err)
{
    if (p->legacy_intervals) return calendar_literal(p, from, sum, ret, err);
    if (sum->has_year_month && sum->has_day_time) {
        vonk_str whole = vonk_str_sub(p->text, p->tokens.at[from].start, p->tokens.at[p->at - 1].end);
        return VONK_PARSE_FAIL(p, from, err, VONK_E__LEGACY_ERROR_TEMP_0029, "literal", VONK_S(whole));
    }
    return typed_interval(p, from, sum, ret, err);
}

/* ---- INTERVAL 1 DAY 2 HOURS */

static bool is_unit_token(const vonk_parser *p, uint32_t ahead)
{
    vonk_tok kind = vonk__tok_at(p, ahead);
    if (kind < TK_FIRST_KEYWORD) return false;
    uint32_t i = p->at + ahead;
    return i < p->tokens.n && unit_of(vonk__token_text(p, i)) != U_NONE;
}

/* How many tokens the number at `ahead` has: 0 when there is none. */
static uint32_t value_tokens(const vonk_parser *p, uint32_t ahead)
{
    uint32_t sign = vonk__tok_at(p, ahead) == TK_MINUS || vonk__tok_at(p, ahead) == TK_PLUS;
    vonk_tok kind = vonk__tok_at(p, ahead + sign);
    if (kind == TK_INT || kind == TK_DECIMAL || vonk__at_string(p, ahead + sign)) return sign + 1;
    return 0;
}

bool vonk__at_interval(const vonk_parser *p)
{
    uint32_t n = value_tokens(p, 1);
    return n > 0 && (is_unit_token(p, 1 + n) || (n == 1 && vonk__at_string(p, 1)) || vonk__tok_at(p, 1) != TK_MINUS);
}

/* The value's text with its sign folded in: -'-1' is 1. */
static vonk_status value_text(vonk_parser *p, vonk_str *ret, bool *ret_string, vonk_error *err)
{
    bool minus = vonk__is(p, TK_MINUS);
    if (minus || vonk__is(p, TK_PLUS)) p->at++;
    *ret_string = vonk__at_string(p, 0);
    if (*ret_string)
        VONK_TRY(vonk__string(p, ret, err));
    else if (vonk__is(p, TK_INT) || vonk__is(p, TK_DECIMAL))
        *ret = vonk__token_text(p, p->at++);
    else
        return vonk__syntax_error(p, err);
    if (!minus) return VONK_OK;
    if (ret->len && ret->data[0] == '-')
        *ret = vonk_str_sub(*ret, 1, ret->len);
    else
        return vonk_arena_printf(p->arena, ret, err, "-%.*s", VONK_STR_ARGS(*ret));
    return VONK_OK;
}

static vonk_status add_unit(vonk_parser *p, uint32_t from, vonk_str value, bool string, interval_sum *sum,
                            vonk_str *ret_input, vonk_error *err)
{
    uint32_t at = p->at - 1;
    vonk_str word = vonk__token_text(p, p->at);
    amount a;
    if (!is_unit_token(p, 0)) return vonk__syntax_error(p, err);
    unit_kind unit = unit_of(word);
    p->at++;
    VONK_TRY(vonk_arena_printf(p->arena, ret_input, err, " %.*s %s", VONK_STR_ARGS(value), units[unit].name));
    if (!read_amount(value, &a)) {
        if (string && value.len)
            return VONK_PARSE_FAIL(p, at, err, VONK_E__LEGACY_ERROR_TEMP_0026, "value", VONK_S(value));
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__UNRECOGNIZED_NUMBER, "input",
                               VONK_S(*ret_input), "number", units[unit].name);
    }
    if (unit == U_NANO)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__INVALID_UNIT, "input", VONK_S(*ret_input),
                               "unit", "nanosecond");
    if (a.has_fraction && unit != U_SECOND)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__INVALID_FRACTION, "input",
                               VONK_S(*ret_input), "unit", units[unit].name);
    return add_amount(sum, &a, unit) ? VONK_OK : overflow(p, from, *ret_input, err);
}

/* ---- '1-2' YEAR TO MONTH */

/* Reads "[sign]a<sep>b..." by a pattern of unit letters and separators: "y-m", "d h:m:s". */
static bool read_fields(vonk_str s, const unit_kind *kinds, size_t n, interval_sum *sum, bool *ret_range,
                        const char **ret_field, int64_t *ret_value)
{
    s = vonk_str_trim(s);
    bool minus = s.len && s.data[0] == '-';
    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) s = vonk_str_sub(s, 1, s.len);
    *ret_range = false;
    for (size_t i = 0, at = 0; i < n; i++) {
        size_t end = at;
        while (end < s.len &&
               ((s.data[end] >= '0' && s.data[end] <= '9') || (kinds[i] == U_SECOND && s.data[end] == '.')))
            end++;
        amount a;
        if (!read_amount(vonk_str_sub(s, at, end), &a) || a.overflow || end - at > 19) return false;
        int64_t most = kinds[i] == U_HOUR ? 23 : kinds[i] == U_MONTH ? 11 : 59;
        if (i > 0 && a.whole > most) {
            *ret_range = true;
            *ret_field = units[kinds[i]].name;
            *ret_value = a.whole;
            return false;
        }
        a.minus = minus;
        if (!add_amount(sum, &a, kinds[i])) return false;
        char separator = kinds[i] == U_YEAR ? '-' : kinds[i] == U_DAY ? ' ' : ':';
        if (i + 1 == n) return end == s.len;
        if (end >= s.len || s.data[end] != separator) return false;
        at = end + 1;
    }
    return false;
}

/* [+-]digits-digits, whatever their values are. */
static bool is_year_month(vonk_str s)
{
    size_t at = 0;
    s = vonk_str_trim(s);
    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) s = vonk_str_sub(s, 1, s.len);
    for (int part = 0; part < 2; part++) {
        const size_t from = at;
        while (at < s.len && s.data[at] >= '0' && s.data[at] <= '9') at++;
        if (at == from || (part == 0 && (at == s.len || s.data[at++] != '-'))) return false;
    }
    return at == s.len;
}

static vonk_status bad_range_text(vonk_parser *p, uint32_t from, vonk_str text, unit_kind first, unit_kind last,
                                  vonk_error *err)
{
    static const char letters[] = "ym-dhmsxxx";
    char format[32];
    size_t n = 0;
    if (first == U_YEAR) {
        if (is_year_month(text))
            (void)VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__INTERVAL_PARSING, "input", VONK_S(text),
                                  "interval", "year-month");
        else
            (void)VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__UNMATCHED_FORMAT_STRING, "input",
                                  VONK_S(text), "intervalStr", "year-month", "supportedFormat",
                                  "`[+|-]y-m`, `INTERVAL [+|-]'[+|-]y-m' YEAR TO MONTH`", "typeName",
                                  "interval year to month");
        return vonk_error_set_family(err, VONK_FAMILY_PARSE);
    }
    for (int u = first; u <= (int)last; u++) {
        if (u > (int)first) format[n++] = u == U_HOUR ? ' ' : ':';
        format[n++] = letters[u];
        if (u == U_SECOND) {
            format[n++] = '.';
            format[n++] = 'n';
        }
    }
    format[n] = 0;
    const char *a = units[first].name, *b = units[last].name;
    char upper[2][16];
    for (int k = 0; k < 2; k++) {
        const char *s = k ? b : a;
        size_t i = 0;
        for (; s[i]; i++) upper[k][i] = (char)(s[i] - 32);
        upper[k][i] = 0;
    }
    (void)VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__UNMATCHED_FORMAT_STRING_WITH_NOTICE, "input",
                          VONK_S(text), "intervalStr", "day-time", "supportedFormat",
                          VONK_F("`[+|-]%s`, `INTERVAL [+|-]'[+|-]%s' %s TO %s`", format, format, upper[0], upper[1]),
                          "typeName", VONK_F("interval %s to %s", a, b));
    return vonk_error_set_family(err, VONK_FAMILY_PARSE);
}

static vonk_status from_to(vonk_parser *p, uint32_t from, vonk_str text, bool string, const vonk_expr **ret,
                           vonk_error *err)
{
    uint32_t at = from + 1;
    unit_kind first = unit_of(vonk__token_text(p, p->at)), last, kinds[5];
    p->at += 2;
    if (!is_unit_token(p, 0)) return vonk__syntax_error(p, err);
    last = unit_of(vonk__token_text(p, p->at++));
    if (!string) return VONK_PARSE_FAIL(p, at, err, VONK_E__LEGACY_ERROR_TEMP_0027);
    bool year_month = first == U_YEAR && last == U_MONTH;
    bool day_time = first >= U_DAY && last <= U_SECOND && first < last;
    if (!year_month && !day_time)
        return VONK_PARSE_FAIL(p, at, err, VONK_E_INVALID_INTERVAL_FORMAT__UNSUPPORTED_FROM_TO_EXPRESSION, "input",
                               VONK_S(text), "from", units[first].name, "to", units[last].name);
    size_t n = 0;
    for (int u = first; u <= (int)last; u++) kinds[n++] = (unit_kind)u;
    interval_sum sum = {0};
    bool range;
    const char *field = "";
    int64_t value = 0;
    if (!read_fields(text, kinds, n, &sum, &range, &field, &value)) {
        if (!range || year_month) return bad_range_text(p, at, text, first, last, err);
        return VONK_PARSE_FAIL(p, at, err, VONK_E__LEGACY_ERROR_TEMP_0063, "msg",
                               VONK_F("requirement failed: %s %lld outside range [0, %d]", field, (long long)value,
                                      strcmp(field, "hour") == 0 ? 23 : 59));
    }
    return finish_literal(p, from, &sum, ret, err);
}

vonk_status vonk__interval(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    interval_sum sum = {0};
    vonk_str value, input = VONK_STR("");
    bool string;
    VONK_TRY(value_text(p, &value, &string, err));
    if (string && !is_unit_token(p, 0)) return vonk__interval_text(p, from, value, ret, err);
    if (is_unit_token(p, 0) && vonk__tok_at(p, 1) == KW_TO) return from_to(p, from, value, string, ret, err);
    VONK_TRY(add_unit(p, from, value, string, &sum, &input, err));
    while (value_tokens(p, 0) > 0 && (is_unit_token(p, value_tokens(p, 0)) || !vonk__is(p, TK_MINUS)) &&
           !vonk__is(p, TK_PLUS)) {
        VONK_TRY(value_text(p, &value, &string, err));
        if (is_unit_token(p, 0) && vonk__tok_at(p, 1) == KW_TO)
            return VONK_PARSE_FAIL(p, from, err, VONK_E__LEGACY_ERROR_TEMP_0024);
        VONK_TRY(add_unit(p, from, value, string, &sum, &input, err));
    }
    return finish_literal(p, from, &sum, ret, err);
}

/* ---- INTERVAL '1 day 2 hours' */

static vonk_str next_word(vonk_str s, size_t *inout_at)
{
    size_t at = *inout_at;
    while (at < s.len && (s.data[at] == ' ' || (s.data[at] >= '\t' && s.data[at] <= '\r'))) at++;
    size_t from = at;
    while (at < s.len && s.data[at] != ' ' && !(s.data[at] >= '\t' && s.data[at] <= '\r')) at++;
    *inout_at = at;
    return vonk_str_sub(s, from, at);
}

static bool read_words(vonk_str text, interval_sum *sum)
{
    size_t at = 0;
    vonk_str word = next_word(text, &at);
    if (vonk_str_is_nocase(word, "interval")) word = next_word(text, &at);
    if (word.len == 0) return false;
    while (word.len) {
        amount a;
        bool sign = word.len == 1 && (word.data[0] == '-' || word.data[0] == '+'), minus = sign && word.data[0] == '-';
        if (sign) word = next_word(text, &at);
        vonk_str name = next_word(text, &at);
        unit_kind unit = unit_of(name);
        if (!read_amount(word, &a) || unit == U_NONE || unit == U_NANO) return false;
        if (a.has_fraction && unit != U_SECOND) return false;
        if (minus) a.minus = !a.minus;
        if (!add_amount(sum, &a, unit)) return false;
        word = next_word(text, &at);
    }
    return true;
}

vonk_status vonk__interval_text(vonk_parser *p, uint32_t from_token, vonk_str text, const vonk_expr **ret,
                                vonk_error *err)
{
    interval_sum sum = {0};
    if (!read_words(text, &sum))
        return VONK_PARSE_FAIL(p, from_token, err, VONK_E_INVALID_TYPED_LITERAL, "valueType", "\"INTERVAL\"", "value",
                               VONK_F("'%.*s'", VONK_STR_ARGS(text)));
    return finish_literal(p, from_token, &sum, ret, err);
}
