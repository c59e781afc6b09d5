/* The instructions that hold text: protocol 0's, and Python 2's strings. */
#include "base/utf8.h"
#include "codec/pickle_int.h"
#include "text/number.h"

typedef vonk__pickle_reader reader;
typedef vonk_pickle_value value;

#define MOST_DIGITS 4300 /* Python's own limit for integers as text */

static vonk_status take_line(reader *r, vonk_str *ret, vonk_error *err)
{
    const uint8_t *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (!end) return vonk__pickle_fail(r, "a line without end", err);
    *ret = (vonk_str){(const char *)r->at, (size_t)(end - r->at)};
    r->at = end + 1;
    if (ret->len && ret->data[ret->len - 1] == '\r') ret->len--;
    return VONK_OK;
}

static vonk_status no_number(const reader *r, vonk_error *err)
{
    return vonk__pickle_fail(r, "a number that is none", err);
}

/* Digits to two's complement, little-endian, in limbs of 32 bits. */
static vonk_status read_long(reader *r, vonk_str digits, bool negative, value *ret, vonk_error *err)
{
    uint32_t *limbs;
    size_t n_limbs = digits.len / 9 + 2, used = 0;
    VONK_TRY(vonk_arena_array(r->arena, n_limbs, sizeof(*limbs), &limbs, err));
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t carry = (uint64_t)(digits.data[i] - '0');
        for (size_t k = 0; k < used; k++) {
            carry += (uint64_t)limbs[k] * 10;
            limbs[k] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry) limbs[used++] = (uint32_t)carry;
    }
    if (negative) {
        uint64_t carry = 1;
        for (size_t k = 0; k < n_limbs; k++) {
            carry += (uint32_t)~limbs[k];
            limbs[k] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    vonk__pickle_long((const uint8_t *)limbs, n_limbs * sizeof(*limbs), ret);
    return VONK_OK;
}

static vonk_status read_int(reader *r, bool is_long, value *ret, vonk_error *err)
{
    vonk_str line;
    VONK_TRY(take_line(r, &line, err));
    if (!is_long && line.len == 2 && line.data[0] == '0' && (line.data[1] == '0' || line.data[1] == '1')) {
        *ret = (value){.kind = VONK_PICKLE_BOOL, .i = line.data[1] == '1'};
        return VONK_OK;
    }
    line = vonk_str_trim(line);
    if (line.len && line.data[line.len - 1] == 'L') line.len--;
    bool negative = line.len && line.data[0] == '-';
    vonk_str digits = vonk_str_sub(line, line.len && (negative || line.data[0] == '+') ? 1 : 0, line.len);
    if (digits.len == 0 || digits.len > MOST_DIGITS) return no_number(r, err);
    for (size_t i = 0; i < digits.len; i++)
        if (digits.data[i] < '0' || digits.data[i] > '9') return no_number(r, err);
    return read_long(r, digits, negative, ret, err);
}

static vonk_status read_float(reader *r, value *ret, vonk_error *err)
{
    vonk_str line;
    *ret = (value){.kind = VONK_PICKLE_FLOAT};
    VONK_TRY(take_line(r, &line, err));
    bool negative = line.len && line.data[0] == '-';
    vonk_str word = vonk_str_sub(line, line.len && (negative || line.data[0] == '+') ? 1 : 0, line.len);
    if (vonk_str_is_nocase(word, "nan")) {
        ret->f = __builtin_nan("");
    } else if (vonk_str_is_nocase(word, "inf")) {
        ret->f = negative ? -__builtin_inf() : __builtin_inf();
    } else {
        if (word.len == 0 || !((word.data[0] >= '0' && word.data[0] <= '9') || word.data[0] == '.') ||
            word.data[word.len - 1] > '9' || !vonk_text_to_f64(line, &ret->f))
            return no_number(r, err);
    }
    return VONK_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hexadecimal digits at p; false: there are fewer. */
static bool read_hex(const uint8_t *p, const uint8_t *end, int n, uint32_t *ret)
{
    uint32_t c = 0;
    if (end - p < n) return false;
    for (int i = 0; i < n; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) return false;
        c = c << 4 | (uint32_t)d;
    }
    *ret = c;
    return true;
}

static char *put_char(char *at, uint32_t c)
{
    if (c < 0x80) {
        *at++ = (char)c;
    } else if (c < 0x800) {
        *at++ = (char)(0xc0 | c >> 6);
        *at++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *at++ = (char)(0xe0 | c >> 12);
        *at++ = (char)(0x80 | (c >> 6 & 0x3f));
        *at++ = (char)(0x80 | (c & 0x3f));
    } else {
        *at++ = (char)(0xf0 | (c >> 18 & 7));
        *at++ = (char)(0x80 | (c >> 12 & 0x3f));
        *at++ = (char)(0x80 | (c >> 6 & 0x3f));
        *at++ = (char)(0x80 | (c & 0x3f));
    }
    return at;
}

/* A backslash at *p and what belongs to it, as one or two characters of the text. */
static vonk_status read_escape(const reader *r, const uint8_t **p, const uint8_t *end, char **at, vonk_error *err)
{
    uint32_t c, low;
    const uint8_t *s = *p + 1;
    if (s == end || (*s != 'u' && *s != 'U')) {
        *at = put_char(*at, '\\');
        if (s != end) *at = put_char(*at, *s++);
        *p = s;
        return VONK_OK;
    }
    int n = *s == 'u' ? 4 : 8;
    if (!read_hex(s + 1, end, n, &c) || c > 0x10ffff) return vonk__pickle_fail(r, "a broken \\u in a text", err);
    s += 1 + n;
    if (c >= 0xd800 && c < 0xdc00 && end - s >= 6 && s[0] == '\\' && s[1] == 'u' && read_hex(s + 2, end, 4, &low) &&
        low >= 0xdc00 && low < 0xe000) { /* Python 2 with UTF-16 inside */
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        s += 6;
    }
    if (c >= 0xd800 && c < 0xe000) return vonk__pickle_fail(r, "half a character in a text", err);
    *at = put_char(*at, c);
    *p = s;
    return VONK_OK;
}

/* Latin-1 with \uxxxx and \Uxxxxxxxx. */
static vonk_status read_unicode(reader *r, value *ret, vonk_error *err)
{
    const uint8_t *p = r->at, *end = memchr(p, '\n', (size_t)(r->end - p));
    char *text, *at;
    if (!end) return vonk__pickle_fail(r, "a line without end", err);
    VONK_TRY(vonk__pickle_alloc(r, (size_t)(end - p) * 2 + 4, &text, err));
    for (at = text; p < end;) {
        if (*p == '\\')
            VONK_TRY(read_escape(r, &p, end, &at, err));
        else
            at = put_char(at, *p++);
    }
    r->at = end + 1;
    *ret = (value){.kind = VONK_PICKLE_STRING, .text = {text, (size_t)(at - text)}};
    return VONK_OK;
}

static value old_string(vonk_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.data[i] >= 0x80) return (value){.kind = VONK_PICKLE_BYTES, .text = text};
    return (value){.kind = VONK_PICKLE_STRING, .text = text};
}

/* One escape of Python 2's repr() of a str. */
static bool read_repr_escape(const uint8_t **p, const uint8_t *end, char **at)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const uint8_t *s = *p + 1;
    uint32_t c;
    if (s == end) return false;
    const char *simple = *s ? strchr(from, *s) : NULL;
    if (simple) {
        *(*at)++ = to[simple - from];
        s++;
    } else if (*s == 'x') {
        if (!read_hex(s + 1, end, 2, &c)) return false;
        *(*at)++ = (char)c;
        s += 3;
    } else if (*s >= '0' && *s <= '7') {
        c = 0;
        for (int i = 0; i < 3 && s < end && *s >= '0' && *s <= '7'; i++) c = c << 3 | (uint32_t)(*s++ - '0');
        *(*at)++ = (char)c;
    } else {
        *(*at)++ = '\\';
        *(*at)++ = (char)*s++;
    }
    *p = s;
    return true;
}

static vonk_status read_repr(reader *r, value *ret, vonk_error *err)
{
    vonk_str line;
    char *text, *at;
    VONK_TRY(take_line(r, &line, err));
    if (line.len < 2 || (line.data[0] != '\'' && line.data[0] != '"') || line.data[line.len - 1] != line.data[0])
        return vonk__pickle_fail(r, "a string without quotes", err);
    const uint8_t *p = (const uint8_t *)line.data + 1, *end = (const uint8_t *)line.data + line.len - 1;
    VONK_TRY(vonk__pickle_alloc(r, line.len + 1, &text, err));
    for (at = text; p < end;) {
        if (*p != '\\')
            *at++ = (char)*p++;
        else if (!read_repr_escape(&p, end, &at))
            return vonk__pickle_fail(r, "a broken escape in a string", err);
    }
    *ret = old_string((vonk_str){text, (size_t)(at - text)});
    return VONK_OK;
}

static vonk_status read_counted(reader *r, size_t width, value *ret, vonk_error *err)
{
    size_t n = 0;
    if ((size_t)(r->end - r->at) < width) return vonk__pickle_fail(r, "it ends in the middle of an instruction", err);
    for (size_t i = width; i-- > 0;) n = n << 8 | r->at[i];
    r->at += width;
    if (n > (size_t)(r->end - r->at)) return vonk__pickle_fail(r, "it ends in the middle of an instruction", err);
    *ret = old_string((vonk_str){(const char *)r->at, n});
    r->at += n;
    return VONK_OK;
}

vonk_status vonk__pickle_text_op(reader *r, uint8_t op, value *ret, vonk_error *err)
{
    switch (op) {
    case OP_INT: return read_int(r, false, ret, err);
    case OP_LONG: return read_int(r, true, ret, err);
    case OP_FLOAT: return read_float(r, ret, err);
    case OP_STRING: return read_repr(r, ret, err);
    case OP_BINSTRING: return read_counted(r, 4, ret, err);
    case OP_SHORT_BINSTRING: return read_counted(r, 1, ret, err);
    default: assert(op == OP_UNICODE); return read_unicode(r, ret, err);
    }
}
