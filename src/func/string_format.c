/* func/string_format.c -- numbers and lists of values as text by a format: format_number, format_string. */
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "func/body.h"
#include "func/cast.h"
#include "func/decimal.h"
#include "func/tables.h"
#include "text/case_map.h"
#include "text/chars.h"

static vonk_body eval_format_number, eval_format_string;
static vonk_status resolve_format_string(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "string_funcs"

const vonk_fn vonk_fns_string_format[] = {
    {.name = "format_number",
     .args = "=numeric,=int|string",
     .result = "string",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_format_number,
     .doc = "The number with commas between thousands, rounded to some places behind the point, or by a pattern of # "
            "and 0.",
     .example = "format_number(12332.123456, 4)",
     .expect = "12,332.1235"},
    {.name = "format_string",
     .args = "string,any...",
     .result = "string",
     ROW,
     .nulls = VONK_NULLS_OWN,
     .resolve = resolve_format_string,
     .eval = eval_format_string,
     .doc = "The first argument with each %d, %s, ... replaced by the next of the others, as Java's formatter does.",
     .example = "format_string('Hello %s, %d days', 'Vonk', 100)",
     .expect = "Hello Vonk, 100 days"},
    {.name = "printf", .alias_of = "format_string"},
};
VONK_FN_COUNT(string_format);

/* ---- decimal digits of numbers, rounded half even */

enum { MOST_DIGITS = 400 };

/* |value * 10^shift| with exactly `places` digits behind the point. */
static size_t digits_of(const vonk_column *c, uint32_t row, int shift, int places, char out[MOST_DIGITS],
                        bool *ret_negative)
{
    if (c->type->storage == VONK_STORE_F64 || c->type->storage == VONK_STORE_F32) {
        double v =
            c->type->storage == VONK_STORE_F64 ? VONK_VALUES(c, double)[row] : (double)VONK_VALUES(c, float)[row];
        *ret_negative = signbit(v) != 0;
        int n = snprintf(out, MOST_DIGITS, "%.*f", places, fabs(v) * (shift == 3 ? 1000 : shift ? 100 : 1));
        return n < 0 ? 0 : (size_t)n;
    }
    vonk_i128 v = vonk_column_i128(c, row);
    int scale = (c->type->id == VONK_T_DECIMAL ? c->type->scale : 0) - shift, zeros = 0;
    *ret_negative = v < 0;
    for (; scale < 0; scale++) zeros += v != 0;
    vonk_u128 magnitude = vonk_dec_abs(v);
    if (scale > places) {
        vonk_u128 unit = (vonk_u128)vonk_pow10_i128[scale - places], rest = magnitude % unit;
        magnitude /= unit;
        if (rest * 2 > unit || (rest * 2 == unit && magnitude % 2)) magnitude++;
        scale = places;
    }
    char reversed[48] = {0};
    size_t n = 0, at = 0;
    while (magnitude || n <= (size_t)scale) {
        reversed[n++] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    }
    while (n > (size_t)scale) out[at++] = reversed[--n];
    while (zeros-- > 0) out[at++] = '0';
    if (places > 0) out[at++] = '.';
    while (n > 0) out[at++] = reversed[--n];
    for (int k = scale; k < places; k++) out[at++] = '0';
    return at;
}

/* Java's DecimalFormat, but for exponents. Texts around the digits are as written, with their quotes. */
typedef struct number_format {
    vonk_str before, behind, minus_before, minus_behind; /* minus_*: .data NULL: a minus sign and those above */
    int least_whole, group, least_places, most_places;
    int shift; /* digits by which percent or per mille move the point */
} number_format;

/* Where the text around the digits ends: at a character of digits or at a semicolon that no quotes take in. */
static size_t skip_affix(vonk_str p, size_t at, number_format *f)
{
    const vonk_str mille = VONK_STR("\xE2\x80\xB0");
    for (bool quoted = false; at < p.len; at++) {
        if (p.data[at] == '\'') quoted = !quoted;
        if (quoted) continue;
        if (strchr("#0,.;", p.data[at])) break;
        if (p.data[at] == '%') f->shift = 2;
        if (vonk_str_starts(vonk_str_sub(p, at, p.len), mille)) f->shift = 3;
    }
    return at;
}

/* #, 0, comma and point from *inout_at on. */
static bool read_digits(vonk_str p, size_t *inout_at, number_format *f)
{
    const size_t start = *inout_at;
    size_t at = start;
    bool grouped = false;
    for (; at < p.len && strchr("#0,", p.data[at]); at++) {
        if (p.data[at] == ',') {
            grouped = true;
            f->group = 0;
            continue;
        }
        if (grouped) f->group++;
        if (p.data[at] == '0')
            f->least_whole++;
        else if (f->least_whole)
            return false;
    }
    const bool any_whole = at > start;
    if (at < p.len && p.data[at] == '.') {
        for (at++; at < p.len && strchr("#0", p.data[at]); at++) {
            f->most_places++;
            if (p.data[at] == '0') f->least_places = f->most_places;
        }
        if (!f->least_whole && !f->least_places && any_whole) f->least_whole = 1;
        if (!f->least_whole && !f->least_places && f->most_places) f->least_places = 1;
    }
    *inout_at = at;
    return f->most_places <= 340;
}

static bool read_format(vonk_str p, number_format *f)
{
    *f = (number_format){.before = VONK_STR(""), .behind = VONK_STR("")};
    if (!p.len) {
        f->group = 3;
        return true;
    }
    size_t at = skip_affix(p, 0, f), start;
    f->before = vonk_str_sub(p, 0, at);
    if (!read_digits(p, &at, f) || (at < p.len && p.data[at] == 'E')) return false;
    start = at;
    at = skip_affix(p, at, f);
    f->behind = vonk_str_sub(p, start, at);
    if (at == p.len) return true;
    if (p.data[at] != ';') return false;
    number_format unused = {0};
    start = ++at;
    at = skip_affix(p, at, &unused);
    f->minus_before = vonk_str_sub(p, start, at);
    while (at < p.len && strchr("#0,.", p.data[at])) at++;
    f->minus_behind = vonk_str_sub(p, at, p.len);
    return skip_affix(p, at, &unused) == p.len;
}

static vonk_status add_affix(vonk_str text, vonk_buf *out, vonk_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'') { /* two are one, one is none */
            if (i + 1 == text.len || text.data[i + 1] != '\'') continue;
            i++;
        }
        VONK_TRY(vonk_buf_add_byte(out, text.data[i], err));
    }
    return VONK_OK;
}

static vonk_status add_between(const number_format *f, bool negative, vonk_str digits, vonk_buf *out, vonk_error *err)
{
    const bool own = negative && f->minus_before.data;
    if (negative && !own) VONK_TRY(vonk_buf_add_byte(out, '-', err));
    VONK_TRY(add_affix(own ? f->minus_before : f->before, out, err));
    VONK_TRY(vonk_buf_add_str(out, digits, err));
    return add_affix(own ? f->minus_behind : f->behind, out, err);
}
static vonk_status add_number(const number_format *f, const vonk_column *c, uint32_t row, vonk_buf *shown_digits,
                              vonk_buf *out, vonk_error *err)
{
    char digits[MOST_DIGITS + 400];
    bool negative;
    size_t n = digits_of(c, row, f->shift, f->most_places, digits, &negative), whole = 0;
    while (whole < n && digits[whole] != '.') whole++;
    size_t skip = 0, end = n;
    while (end > whole + 1 + (size_t)f->least_places && digits[end - 1] == '0') end--;
    if (end == whole + 1) end = whole;
    if (whole == 1 && digits[0] == '0' && f->least_whole == 0 && end > whole) skip = 1;
    size_t shown = whole - skip > (size_t)f->least_whole ? whole - skip : (size_t)f->least_whole;
    vonk_buf_reset(shown_digits);
    for (size_t k = shown; k-- > 0;) {
        VONK_TRY(vonk_buf_add_byte(shown_digits, k < whole - skip ? digits[whole - 1 - k] : '0', err));
        if (f->group && k && k % (size_t)f->group == 0) VONK_TRY(vonk_buf_add_byte(shown_digits, ',', err));
    }
    VONK_TRY(vonk_buf_append(shown_digits, digits + whole, end - whole, err));
    return add_between(f, negative, vonk_buf_str(shown_digits), out, err);
}

static bool not_finite(const vonk_column *c, uint32_t row, double *ret)
{
    double v = c->type->storage == VONK_STORE_F64   ? VONK_VALUES(c, double)[row]
               : c->type->storage == VONK_STORE_F32 ? (double)VONK_VALUES(c, float)[row]
                                                    : 0;
    *ret = v;
    return !isfinite(v);
}

VONK_FN_EVAL(eval_format_number)
{
    bool places = call->arg_types[1]->id == VONK_T_INT;
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0}, digits = {0};
    vonk_buf_init(&out, ev->budget, INT32_MAX);
    vonk_buf_init(&digits, ev->budget, INT32_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        number_format f = {.before = VONK_STR(""), .behind = VONK_STR(""), .least_whole = 1, .group = 3};
        double v;
        if (places) f.least_places = f.most_places = vonk_i32_at(args[1], i);
        if (f.most_places < 0 || f.most_places > 340) {
            VONK_TRY(vonk_strings_null(&s, i, err));
            continue;
        }
        if (!places && !read_format(vonk_str_at(args[1], i), &f))
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             VONK_F("the number format '%.*s'", VONK_STR_ARGS(vonk_str_at(args[1], i))));
        vonk_buf_reset(&out);
        if (!not_finite(args[0], i, &v))
            VONK_TRY(add_number(&f, args[0], i, &digits, &out, err));
        else if (v != v)
            VONK_TRY(vonk_buf_add_c(&out, "NaN", err));
        else
            VONK_TRY(add_between(&f, v < 0, VONK_STR("\xE2\x88\x9E"), &out, err));
        VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&out), err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- format_string: %[number$][flags][width][.precision]conversion */

static vonk_status resolve_format_string(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[0];
    return VONK_OK;
}

typedef struct directive {
    bool left, plus, space, zero, comma, paren, sharp, same_as_last;
    int number, width, precision; /* 0, -1, -1: not given */
    char conversion;
} directive;

static vonk_status bad_directive(const directive *d, const vonk_type *type, vonk_error *err)
{
    const char conversion = d->conversion ? d->conversion : '?';
    if (type)
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                         VONK_F("format_string: %%%c with a value of type %s", conversion, VONK_TYPE_SQL(type)));
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("format_string: %%%c", conversion));
}

static int read_int(vonk_str s, size_t *at)
{
    int v = 0;
    while (*at < s.len && s.data[*at] >= '0' && s.data[*at] <= '9' && v < 100000000)
        v = v * 10 + (s.data[(*at)++] - '0');
    return v;
}

/* *inout_at stands behind the %. */
static bool read_directive(vonk_str s, size_t *inout_at, directive *d)
{
    *d = (directive){.width = -1, .precision = -1};
    size_t at = *inout_at, mark = at;
    int n = read_int(s, &at);
    if (n > 0 && at < s.len && s.data[at] == '$') {
        d->number = n;
        at++;
    } else {
        at = mark;
    }
    for (; at < s.len; at++) {
        char c = s.data[at];
        bool *flag = c == '-'   ? &d->left
                     : c == '+' ? &d->plus
                     : c == ' ' ? &d->space
                     : c == '0' ? &d->zero
                     : c == ',' ? &d->comma
                     : c == '(' ? &d->paren
                     : c == '#' ? &d->sharp
                     : c == '<' ? &d->same_as_last
                                : NULL;
        if (!flag) break;
        if (*flag) return false;
        *flag = true;
    }
    if (at < s.len && s.data[at] >= '1' && s.data[at] <= '9') d->width = read_int(s, &at);
    if (at < s.len && s.data[at] == '.') {
        at++;
        mark = at;
        d->precision = read_int(s, &at);
        if (at == mark) return false;
    }
    if (at >= s.len) return false;
    d->conversion = s.data[at++];
    *inout_at = at;
    return d->width < 1000000;
}

/* Sign, grouping, filling up: `digits` is the magnitude. */
static vonk_status add_signed(const directive *d, bool negative, vonk_str digits, vonk_buf *out, vonk_error *err)
{
    char text[1200];
    size_t n = 0, whole = 0;
    while (whole < digits.len && digits.data[whole] >= '0' && digits.data[whole] <= '9') whole++;
    for (size_t i = 0; i < digits.len && n < sizeof(text) - 2; i++) {
        text[n++] = digits.data[i];
        if (d->comma && i + 1 < whole && (whole - 1 - i) % 3 == 0) text[n++] = ',';
    }
    const char *open = negative   ? (d->paren ? "(" : "-")
                       : d->plus  ? "+"
                       : d->space ? " "
                                  : "",
               *close = negative && d->paren ? ")" : "";
    size_t all = n + strlen(open) + strlen(close), width = d->width < 0 ? 0 : (size_t)d->width;
    for (size_t k = all; !d->left && !d->zero && k < width; k++) VONK_TRY(vonk_buf_add_byte(out, ' ', err));
    VONK_TRY(vonk_buf_add_c(out, open, err));
    for (size_t k = all; d->zero && k < width; k++) VONK_TRY(vonk_buf_add_byte(out, '0', err));
    VONK_TRY(vonk_buf_append(out, text, n, err));
    VONK_TRY(vonk_buf_add_c(out, close, err));
    for (size_t k = all; d->left && k < width; k++) VONK_TRY(vonk_buf_add_byte(out, ' ', err));
    return VONK_OK;
}

static vonk_status add_padded(const directive *d, vonk_str text, bool upper, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf cased = {0};
    vonk_buf_init(&cased, out->budget, INT32_MAX);
    if (d->precision >= 0) text = vonk_str_sub(text, 0, vonk_chars_skip(text, 0, (size_t)d->precision));
    if (upper) {
        VONK_TRY(vonk_case_map(VONK_CASE_UPPER, text, &cased, err));
        text = vonk_buf_str(&cased);
    }
    size_t n = vonk_chars_count(text), width = d->width < 0 ? 0 : (size_t)d->width;
    for (size_t k = n; !d->left && k < width; k++) VONK_TRY(vonk_buf_add_byte(out, ' ', err));
    VONK_TRY(vonk_buf_add_str(out, text, err));
    for (size_t k = n; d->left && k < width; k++) VONK_TRY(vonk_buf_add_byte(out, ' ', err));
    return VONK_OK;
}

static bool is_whole(const vonk_column *c)
{
    vonk_storage s = c->type->storage;
    return c->type->id != VONK_T_DECIMAL &&
           (s == VONK_STORE_I8 || s == VONK_STORE_I16 || s == VONK_STORE_I32 || s == VONK_STORE_I64);
}

static vonk_status add_whole(const directive *d, const vonk_column *c, uint32_t row, vonk_buf *out, vonk_error *err)
{
    char text[32];
    if (!is_whole(c)) return bad_directive(d, c->type, err);
    int64_t v = vonk_column_i64(c, row);
    uint64_t bits = (uint64_t)v;
    if (c->type->storage == VONK_STORE_I32) bits = (uint32_t)v;
    if (c->type->storage == VONK_STORE_I16) bits = (uint16_t)v;
    if (c->type->storage == VONK_STORE_I8) bits = (uint8_t)v;
    if (d->conversion == 'd') {
        snprintf(text, sizeof(text), "%llu", v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);
        return add_signed(d, v < 0, vonk_str_of(text), out, err);
    }
    const char *mark = !d->sharp ? "" : d->conversion == 'o' ? "0" : "0x";
    snprintf(text, sizeof(text),
             d->conversion == 'o'   ? "%s%llo"
             : d->conversion == 'X' ? "%s%llX"
                                    : "%s%llx",
             mark, (unsigned long long)bits);
    return add_signed(d, false, vonk_str_of(text), out, err);
}

/* Java rounds the shortest digits that name the double, half up. */
static vonk_status add_real(const directive *d, const vonk_column *c, uint32_t row, vonk_buf *out, vonk_error *err)
{
    char text[MOST_DIGITS];
    int precision = d->precision < 0 ? 6 : d->precision;
    vonk_i128 rounded;
    if (c->type->storage != VONK_STORE_F64 && c->type->storage != VONK_STORE_F32) return bad_directive(d, c->type, err);
    double v = vonk_column_f64(c, row);
    if (!isfinite(v)) {
        directive plain = *d;
        plain.precision = -1;
        return add_padded(&plain,
                          vonk_str_of(v != v     ? "NaN"
                                      : v > 0    ? (d->plus ? "+Infinity" : "Infinity")
                                      : d->paren ? "(Infinity)"
                                                 : "-Infinity"),
                          false, out, err);
    }
    if (precision > 300) return bad_directive(d, c->type, err);
    if (d->conversion == 'f' && precision <= 18 && vonk_dec_from_f64(fabs(v), 38, precision, &rounded)) {
        size_t n = vonk_dec_to_text(rounded, precision, text);
        return add_signed(d, signbit(v) != 0, (vonk_str){text, n}, out, err);
    }
    if (d->conversion == 'g' || d->conversion == 'G')
        snprintf(text, sizeof(text), d->conversion == 'g' ? "%#.*g" : "%#.*G", precision ? precision : 1, fabs(v));
    else
        snprintf(text, sizeof(text),
                 d->conversion == 'f'   ? "%.*f"
                 : d->conversion == 'e' ? "%.*e"
                                        : "%.*E",
                 precision, fabs(v));
    return add_signed(d, signbit(v) != 0, vonk_str_of(text), out, err);
}

/* %s shows what a value is inside: days of a date, microseconds of a timestamp. */
static vonk_status add_text(const vonk_fn_call *call, const directive *d, const vonk_column *c, uint32_t row,
                            vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, out->budget, INT32_MAX);
    if (vonk_null_at(c, row))
        VONK_TRY(vonk_buf_add_c(&text, "null", err));
    else if (is_whole(c))
        VONK_TRY(vonk_buf_printf(&text, err, "%lld", (long long)vonk_column_i64(c, row)));
    else
        VONK_TRY(vonk_cast_row_text(call->env, c, row, &text, err));
    return add_padded(d, vonk_buf_str(&text), d->conversion == 'S', out, err);
}

static vonk_status add_value(const vonk_fn_call *call, const directive *d, const vonk_column *c, uint32_t row,
                             vonk_buf *out, vonk_error *err)
{
    bool null = vonk_null_at(c, row);
    directive plain = *d;
    char utf8[4];
    plain.precision = -1;
    switch (d->conversion) {
    case 's':
    case 'S': return add_text(call, d, c, row, out, err);
    case 'b':
    case 'B': {
        bool yes = !null && (c->type->id != VONK_T_BOOLEAN || vonk_bool_at(c, row));
        return add_padded(d, yes ? VONK_STR("true") : VONK_STR("false"), d->conversion == 'B', out, err);
    }
    case 'd':
    case 'x':
    case 'X':
    case 'o':
        return null ? add_padded(&plain, VONK_STR("null"), d->conversion == 'X', out, err)
                    : add_whole(d, c, row, out, err);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': return null ? add_padded(&plain, VONK_STR("null"), false, out, err) : add_real(d, c, row, out, err);
    case 'c':
        if (null) return add_padded(&plain, VONK_STR("null"), false, out, err);
        if (!is_whole(c) || c->type->storage == VONK_STORE_I64 || vonk_column_i64(c, row) < 0)
            return bad_directive(d, c->type, err);
        return add_padded(&plain, (vonk_str){utf8, vonk_char_encode((uint32_t)vonk_column_i64(c, row), utf8)}, false,
                          out, err);
    default: return bad_directive(d, NULL, err);
    }
}

static vonk_status format_row(const vonk_fn_call *call, vonk_column *const *args, uint32_t row, vonk_buf *out,
                              vonk_error *err)
{
    vonk_str f = vonk_str_at(args[0], row);
    uint32_t next = 1, last = 0;
    for (size_t at = 0; at < f.len;) {
        directive d = {0};
        if (f.data[at] != '%') {
            VONK_TRY(vonk_buf_add_byte(out, f.data[at++], err));
            continue;
        }
        at++;
        if (!read_directive(f, &at, &d)) return bad_directive(&d, NULL, err);
        if (d.conversion == 'n' || d.conversion == '%') {
            VONK_TRY(vonk_buf_add_byte(out, d.conversion == 'n' ? '\n' : '%', err));
            continue;
        }
        uint32_t arg = d.same_as_last ? last : d.number ? (uint32_t)d.number : next++;
        last = arg;
        if (arg == 0 || arg >= call->n_args)
            return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                             VONK_F("format_string: there is no argument %u for %%%c", arg, d.conversion));
        VONK_TRY(add_value(call, &d, args[arg], row, out, err));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_format_string)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, ev->budget, INT32_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_null_at(args[0], i)) {
            VONK_TRY(vonk_strings_null(&s, i, err));
            continue;
        }
        vonk_buf_reset(&out);
        VONK_TRY(format_row(call, args, i, &out, err));
        VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&out), err));
    }
    return vonk_strings_take(&s, ret, err);
}
