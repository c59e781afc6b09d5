/* text/json.c -- JSON read in place and written. */
#include "text/chars.h"
#include "text/json.h"

static void skip_space(vonk_json *j)
{
    while (j->at < j->text.len && (j->text.data[j->at] == ' ' || j->text.data[j->at] == '\t' ||
                                   j->text.data[j->at] == '\n' || j->text.data[j->at] == '\r'))
        j->at++;
}

char vonk_json_peek(vonk_json *j)
{
    skip_space(j);
    return j->at < j->text.len ? j->text.data[j->at] : 0;
}

static bool skip_string(vonk_json *j)
{
    for (j->at++; j->at < j->text.len; j->at++) {
        uint8_t c = (uint8_t)j->text.data[j->at];
        if (c == '"') {
            j->at++;
            return true;
        }
        if (c < 0x20) return false;
        if (c == '\\' && ++j->at >= j->text.len) return false;
    }
    return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool skip_digits(vonk_json *j)
{
    size_t from = j->at;
    while (j->at < j->text.len && is_digit(j->text.data[j->at])) j->at++;
    return j->at > from;
}

static bool skip_number(vonk_json *j)
{
    if (j->text.data[j->at] == '-') j->at++;
    size_t from = j->at;
    if (!skip_digits(j) || (j->text.data[from] == '0' && j->at > from + 1)) return false;
    if (j->at < j->text.len && j->text.data[j->at] == '.') {
        j->at++;
        if (!skip_digits(j)) return false;
    }
    if (j->at < j->text.len && (j->text.data[j->at] | 32) == 'e') {
        j->at++;
        if (j->at < j->text.len && (j->text.data[j->at] == '+' || j->text.data[j->at] == '-')) j->at++;
        if (!skip_digits(j)) return false;
    }
    return true;
}

static bool skip_word(vonk_json *j, const char *word)
{
    size_t n = strlen(word);
    if (j->text.len - j->at < n || memcmp(j->text.data + j->at, word, n) != 0) return false;
    j->at += n;
    return true;
}

bool vonk_json_open(vonk_json *j, char bracket)
{
    if (vonk_json_peek(j) != bracket || j->depth >= VONK_JSON_MOST_DEPTH) return false;
    j->at++;
    j->depth++;
    return true;
}

/* Behind an opening bracket or a value: is there one more? */
static bool next_in(vonk_json *j, char close, bool *inout_first, bool *ret_ok)
{
    char c = vonk_json_peek(j);
    bool first = *inout_first;
    *inout_first = false;
    *ret_ok = true;
    if (c == close) {
        j->at++;
        j->depth--;
        return false;
    }
    if (first) {
        *ret_ok = c != 0;
        return *ret_ok;
    }
    *ret_ok = c == ',';
    if (*ret_ok) j->at++;
    return *ret_ok;
}

bool vonk_json_next_item(vonk_json *j, bool *inout_first, bool *ret_ok) { return next_in(j, ']', inout_first, ret_ok); }

static bool skip_key(vonk_json *j)
{
    if (vonk_json_peek(j) != '"' || !skip_string(j) || vonk_json_peek(j) != ':') return false;
    j->at++;
    return true;
}

bool vonk_json_skip(vonk_json *j, vonk_str *ret_value)
{
    char c = vonk_json_peek(j);
    size_t from = j->at;
    bool ok = true, first = true;
    switch (c) {
    case '{':
    case '[':
        if (!vonk_json_open(j, c)) return false;
        while (next_in(j, c == '{' ? '}' : ']', &first, &ok))
            if ((c == '{' && !skip_key(j)) || !vonk_json_skip(j, NULL)) return false;
        break;
    case '"': ok = skip_string(j); break;
    case 't': ok = skip_word(j, "true"); break;
    case 'f': ok = skip_word(j, "false"); break;
    case 'n': ok = skip_word(j, "null"); break;
    default: ok = (c == '-' || is_digit(c)) && skip_number(j);
    }
    if (ok && ret_value) *ret_value = vonk_str_sub(j->text, from, j->at);
    return ok;
}

static int32_t hex4(vonk_str s, size_t at)
{
    int32_t v = 0;
    if (s.len < at + 4) return -1;
    for (size_t i = at; i < at + 4; i++) {
        char c = s.data[i];
        int d = is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

static vonk_status add_escape(vonk_str s, size_t *at, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char utf8[4];
    char c = s.data[(*at)++];
    const char *known = c ? strchr(from, c) : NULL;
    if (known) return vonk_buf_add_byte(out, to[known - from], err);
    int32_t code = c == 'u' ? hex4(s, *at) : -1;
    *ret_ok = code >= 0;
    if (code < 0) return VONK_OK;
    *at += 4;
    if (code >= 0xD800 && code < 0xDC00 && s.len > *at + 1 && s.data[*at] == '\\' && s.data[*at + 1] == 'u') {
        int32_t low = hex4(s, *at + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            *at += 6;
        }
    }
    return vonk_buf_append(out, utf8, vonk_char_encode((uint32_t)code, utf8), err);
}

vonk_status vonk_json_string(vonk_json *j, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    vonk_str s;
    *ret_ok = vonk_json_peek(j) == '"' && vonk_json_skip(j, &s);
    if (!*ret_ok) return VONK_OK;
    assert(s.data);
    s = vonk_str_sub(s, 0, s.len - 1);
    for (size_t at = 1; at < s.len;) {
        size_t from = at;
        while (at < s.len && s.data[at] != '\\') at++;
        VONK_TRY(vonk_buf_append(out, s.data + from, at - from, err));
        if (at >= s.len) break;
        at++;
        VONK_TRY(add_escape(s, &at, out, ret_ok, err));
        if (!*ret_ok) return VONK_OK;
    }
    return VONK_OK;
}

vonk_status vonk_json_next_field(vonk_json *j, bool *inout_first, vonk_buf *key, bool *ret_more, bool *ret_ok,
                                 vonk_error *err)
{
    *ret_more = next_in(j, '}', inout_first, ret_ok);
    if (!*ret_more) return VONK_OK;
    vonk_buf_reset(key);
    VONK_TRY(vonk_json_string(j, key, ret_ok, err));
    *ret_ok = *ret_ok && vonk_json_peek(j) == ':';
    *ret_more = *ret_ok;
    if (*ret_ok) j->at++;
    return VONK_OK;
}

vonk_status vonk_json_add_string(vonk_str text, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        const char *known = c ? strchr(from, c) : NULL;
        if (known)
            VONK_TRY(vonk_buf_printf(out, err, "\\%c", to[known - from]));
        else if ((uint8_t)c < 0x20)
            VONK_TRY(vonk_buf_printf(out, err, "\\u%04X", (unsigned)c));
        else
            VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return vonk_buf_add_byte(out, '"', err);
}

vonk_status vonk_json_add_compact(vonk_str value, vonk_buf *out, vonk_error *err)
{
    bool quoted = false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
        VONK_TRY(vonk_buf_add_byte(out, c, err));
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\' && i + 1 < value.len) VONK_TRY(vonk_buf_add_byte(out, value.data[++i], err));
    }
    return VONK_OK;
}
