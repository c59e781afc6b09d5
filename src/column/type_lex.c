/* column/type_lex.c -- words of Spark's DDL texts. Never fails: what is no word comes back as one odd byte, and the
 * parser complains. */
#include "column/type_lex.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static size_t skip_block_comment(vonk_str s, size_t at)
{
    size_t depth = 0;
    do {
        if (at + 1 < s.len && s.data[at] == '/' && s.data[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (at + 1 < s.len && s.data[at] == '*' && s.data[at + 1] == '/') {
            depth--;
            at += 2;
        } else
            at++;
    } while (depth && at < s.len);
    return vonk_min_size(at, s.len);
}

static size_t skip_blanks(vonk_str s, size_t at)
{
    while (at < s.len) {
        if (is_blank(s.data[at]))
            at++;
        else if (at + 1 < s.len && s.data[at] == '-' && s.data[at + 1] == '-') {
            while (at < s.len && s.data[at] != '\n') at++;
        } else if (at + 1 < s.len && s.data[at] == '/' && s.data[at + 1] == '*')
            at = skip_block_comment(s, at);
        else
            break;
    }
    return at;
}

/* From an opening quote to behind the closing one; SIZE_MAX: not closed. */
static size_t quoted_end(vonk_str s, size_t at)
{
    char quote = s.data[at];
    for (at++; at < s.len; at++) {
        if (quote != '`' && s.data[at] == '\\')
            at++;
        else if (s.data[at] == quote) {
            if (at + 1 < s.len && s.data[at + 1] == quote)
                at++;
            else
                return at + 1;
        }
    }
    return SIZE_MAX;
}

/* Digits and letters: a whole number, another number (1e5, 7L), or a name ("1a"). */
static size_t word_end(vonk_str s, size_t at, vonk_word_kind *ret_kind)
{
    size_t from = at, digits = at;
    while (digits < s.len && is_digit(s.data[digits])) digits++;
    while (at < s.len && (is_digit(s.data[at]) || is_letter(s.data[at]))) at++;
    *ret_kind = VONK_WORD_NAME;
    if (digits == from) return at;
    if (digits == at) {
        *ret_kind = VONK_WORD_INTEGER;
        if (at < s.len && s.data[at] == '.' && !(at + 1 < s.len && is_letter(s.data[at + 1]))) {
            *ret_kind = VONK_WORD_NUMBER;
            for (at++; at < s.len && is_digit(s.data[at]);) at++;
        }
        return at;
    }
    char c = s.data[digits];
    size_t rest = digits + 1;
    if (c == 'e' || c == 'E') {
        while (rest < at && is_digit(s.data[rest])) rest++;
        if (rest == at && rest > digits + 1) *ret_kind = VONK_WORD_NUMBER;
    } else if (rest == at && memchr("LlSsYyFfDd", c, 10))
        *ret_kind = VONK_WORD_NUMBER;
    return at;
}

vonk_word vonk__word_next(vonk_str text, size_t *inout_at)
{
    size_t at = skip_blanks(text, *inout_at), end;
    vonk_word w = {.kind = VONK_WORD_END, .at = at};
    if (at >= text.len) {
        *inout_at = text.len;
        return w;
    }
    char c = text.data[at];
    if (is_letter(c) || is_digit(c))
        end = word_end(text, at, &w.kind);
    else if (c == '`' || c == '\'' || c == '"') {
        end = quoted_end(text, at);
        w.kind = c == '`' ? VONK_WORD_QUOTED : VONK_WORD_STRING;
        if (end == SIZE_MAX) {
            w.kind = VONK_WORD_SYMBOL;
            end = at + 1;
        }
    } else if (c == '.' && at + 1 < text.len && is_digit(text.data[at + 1])) {
        for (end = at + 1; end < text.len && is_digit(text.data[end]);) end++;
        w.kind = VONK_WORD_NUMBER;
    } else {
        end = at + (c == '<' && at + 1 < text.len && text.data[at + 1] == '>' ? 2 : 1);
        w.kind = VONK_WORD_SYMBOL;
    }
    w.text = vonk_str_sub(text, at, end);
    *inout_at = end;
    return w;
}

/* ---- contents of quoted words */

vonk_status vonk__word_quoted_name(vonk_str word, vonk_buf *out, vonk_error *err)
{
    for (size_t i = 1; i + 1 < word.len; i++) {
        VONK_TRY(vonk_buf_add_byte(out, word.data[i], err));
        if (word.data[i] == '`') i++;
    }
    return VONK_OK;
}

static vonk_status add_code_point(uint32_t c, vonk_buf *out, vonk_error *err)
{
    char b[4];
    size_t n;
    if (c < 0x80) {
        b[0] = (char)c;
        n = 1;
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | (c >> 6));
        b[1] = (char)(0x80 | (c & 63));
        n = 2;
    } else if (c < 0x10000) {
        if (c >= 0xd800 && c < 0xe000) c = 0xfffd; /* half a pair has no UTF-8 form */
        b[0] = (char)(0xe0 | (c >> 12));
        b[1] = (char)(0x80 | ((c >> 6) & 63));
        b[2] = (char)(0x80 | (c & 63));
        n = 3;
    } else {
        if (c > 0x10ffff) return add_code_point(0xfffd, out, err);
        b[0] = (char)(0xf0 | (c >> 18));
        b[1] = (char)(0x80 | ((c >> 12) & 63));
        b[2] = (char)(0x80 | ((c >> 6) & 63));
        b[3] = (char)(0x80 | (c & 63));
        n = 4;
    }
    return vonk_buf_append(out, b, n, err);
}
vonk_status vonk__add_code_point(uint32_t c, vonk_buf *out, vonk_error *err) { return add_code_point(c, out, err); }

bool vonk__hex(vonk_str s, size_t at, size_t digits, uint32_t *ret)
{
    uint32_t v = 0;
    if (s.len < digits || at > s.len - digits) return false;
    for (size_t i = 0; i < digits; i++) {
        char c = s.data[at + i];
        if (is_digit(c))
            v = v * 16 + (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v * 16 + (uint32_t)((c | 32) - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return true;
}

/* One escape: s[*at] is the byte after the backslash; moves *at behind it. */
static vonk_status add_escape(vonk_str s, size_t *at, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "0bnrtZ", to[] = "\0\b\n\r\t\x1a";
    uint32_t v;
    char c = s.data[*at];
    if (c == 'u' && vonk__hex(s, *at + 1, 4, &v)) {
        *at += 5;
        return add_code_point(v, out, err);
    }
    if (c == 'U' && vonk__hex(s, *at + 1, 8, &v)) {
        *at += 9;
        return add_code_point(v, out, err);
    }
    if (c >= '0' && c <= '1' && *at + 2 < s.len && s.data[*at + 1] >= '0' && s.data[*at + 1] <= '7' &&
        s.data[*at + 2] >= '0' && s.data[*at + 2] <= '7') {
        v = (uint32_t)((c - '0') * 64 + (s.data[*at + 1] - '0') * 8 + (s.data[*at + 2] - '0'));
        *at += 3;
        return add_code_point(v, out, err);
    }
    *at += 1;
    if (c == '%' || c == '_') VONK_TRY(vonk_buf_add_byte(out, '\\', err));
    const char *hit = memchr(from, c, sizeof(from) - 1);
    return vonk_buf_add_byte(out, hit ? to[hit - from] : c, err);
}

vonk_status vonk__word_string(vonk_str word, vonk_buf *out, vonk_error *err)
{
    char quote = word.data[0];
    vonk_str s = vonk_str_sub(word, 1, word.len - 1);
    assert(s.data);
    for (size_t i = 0; i < s.len;) {
        if (s.data[i] == '\\' && i + 1 < s.len) {
            i++;
            VONK_TRY(add_escape(s, &i, out, err));
            continue;
        }
        VONK_TRY(vonk_buf_add_byte(out, s.data[i], err));
        i += s.data[i] == quote ? 2 : 1;
    }
    return VONK_OK;
}
