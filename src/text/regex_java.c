/* text/regex_java.c -- java.util.regex's syntax rewritten as PCRE2's: what only one of them knows, or both know
 * differently. */
#include "text/chars.h"
#include "text/regex.h"

enum { MOST_DEPTH = 200 };

typedef struct rewriter {
    vonk_str in;
    size_t at;
    vonk_buf *out;
    bool refused, unicode;
    int depth;
} rewriter;

static vonk_status refuse(rewriter *r)
{
    r->refused = true;
    r->at = r->in.len;
    return VONK_OK;
}

static char peek(const rewriter *r, size_t ahead) { return r->at + ahead < r->in.len ? r->in.data[r->at + ahead] : 0; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

static vonk_status put(rewriter *r, const char *text, vonk_error *err) { return vonk_buf_add_c(r->out, text, err); }

static vonk_status put_code(rewriter *r, uint32_t code, vonk_error *err)
{
    return vonk_buf_printf(r->out, err, "\\x{%x}", code);
}

static int hex_of(char c)
{
    if (is_digit(c)) return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly n hexadecimal digits behind the escape's letter, which stands `ahead` from here. */
static bool hex_digits(const rewriter *r, size_t ahead, int n, uint32_t *ret)
{
    uint32_t v = 0;
    for (int i = 0; i < n; i++) {
        int h = hex_of(peek(r, ahead + (size_t)i));
        if (h < 0) return false;
        v = v * 16 + (uint32_t)h;
    }
    *ret = v;
    return true;
}

/* \xhh, \x{h...}, \uhhhh, \0nnn, \cX: r->at stands on the letter. */
static bool read_code(rewriter *r, uint32_t *ret)
{
    char c = peek(r, 0);
    if (c == 'x' && peek(r, 1) == '{') {
        uint32_t v = 0;
        size_t i = 2;
        for (; hex_of(peek(r, i)) >= 0 && v < 0x110000; i++) v = v * 16 + (uint32_t)hex_of(peek(r, i));
        if (i == 2 || peek(r, i) != '}' || v > 0x10FFFF) return false;
        r->at += i + 1;
        *ret = v;
        return true;
    }
    if (c == 'x' || c == 'u') {
        int n = c == 'x' ? 2 : 4;
        uint32_t low;
        if (!hex_digits(r, 1, n, ret)) return false;
        r->at += (size_t)n + 1;
        if (*ret >= 0xD800 && *ret < 0xDC00 && peek(r, 0) == '\\' && peek(r, 1) == 'u' && hex_digits(r, 2, 4, &low) &&
            low >= 0xDC00 && low < 0xE000) {
            *ret = 0x10000 + ((*ret - 0xD800) << 10) + (low - 0xDC00);
            r->at += 6;
        }
        return *ret < 0xD800 || *ret > 0xDFFF;
    }
    if (c == 'c') {
        if (!peek(r, 1)) return false;
        *ret = (uint32_t)(uint8_t)peek(r, 1) ^ 64;
        r->at += 2;
        return *ret < 128;
    }
    uint32_t v = 0;
    size_t i = 1;
    size_t most = peek(r, 1) <= '3' ? 3 : 2;
    for (; i <= most && peek(r, i) >= '0' && peek(r, i) <= '7'; i++) v = v * 8 + (uint32_t)(peek(r, i) - '0');
    if (i == 1) return false;
    r->at += i;
    *ret = v;
    return true;
}

/* ---- properties: \p{...} */

static const struct {
    const char *java, *inside; /* as the content of a class */
    const char *outside_of;    /* the content of its complement */
} properties[] = {
    {"Lower", "[:lower:]", "[:^lower:]"},
    {"Upper", "[:upper:]", "[:^upper:]"},
    {"ASCII", "[:ascii:]", "[:^ascii:]"},
    {"Alpha", "[:alpha:]", "[:^alpha:]"},
    {"Digit", "[:digit:]", "[:^digit:]"},
    {"Alnum", "[:alnum:]", "[:^alnum:]"},
    {"Punct", "[:punct:]", "[:^punct:]"},
    {"Graph", "[:graph:]", "[:^graph:]"},
    {"Print", "[:print:]", "[:^print:]"},
    {"Blank", "[:blank:]", "[:^blank:]"},
    {"Cntrl", "[:cntrl:]", "[:^cntrl:]"},
    {"XDigit", "[:xdigit:]", "[:^xdigit:]"},
    {"Space", "[:space:]", "[:^space:]"},
    {"javaLowerCase", "\\p{Lowercase}", "\\P{Lowercase}"},
    {"javaUpperCase", "\\p{Uppercase}", "\\P{Uppercase}"},
    {"javaAlphabetic", "\\p{Alphabetic}", "\\P{Alphabetic}"},
    {"javaLetter", "\\p{L}", "\\P{L}"},
    {"javaDigit", "\\p{Nd}", "\\P{Nd}"},
    {"javaWhitespace", "\\p{Xsp}", "\\P{Xsp}"},
    {"javaSpaceChar", "\\p{Z}", "\\P{Z}"},
    {"javaTitleCase", "\\p{Lt}", "\\P{Lt}"},
    {"javaMirrored", "\\p{Bidi_Mirrored}", "\\P{Bidi_Mirrored}"},
    {"javaIdeographic", "\\p{Ideographic}", "\\P{Ideographic}"},
    {"LC", "\\p{L&}", "\\P{L&}"},
    {"L1", "\\x{0}-\\x{ff}", "\\x{100}-\\x{10ffff}"},
    {"all", "\\x{0}-\\x{10ffff}", "\\x{10ffff}"},
    {"InBasicLatin", "\\x{0}-\\x{7f}", "\\x{80}-\\x{10ffff}"},
    {"InLatin-1Supplement", "\\x{80}-\\x{ff}", "\\x{0}-\\x{7f}\\x{100}-\\x{10ffff}"},
    {"InGreek", "\\x{370}-\\x{3ff}", "\\x{0}-\\x{36f}\\x{400}-\\x{10ffff}"},
    {"InCyrillic", "\\x{400}-\\x{4ff}", "\\x{0}-\\x{3ff}\\x{500}-\\x{10ffff}"},
    {"InHebrew", "\\x{590}-\\x{5ff}", "\\x{0}-\\x{58f}\\x{600}-\\x{10ffff}"},
    {"InArabic", "\\x{600}-\\x{6ff}", "\\x{0}-\\x{5ff}\\x{700}-\\x{10ffff}"},
    {"InHiragana", "\\x{3040}-\\x{309f}", "\\x{0}-\\x{303f}\\x{30a0}-\\x{10ffff}"},
    {"InKatakana", "\\x{30a0}-\\x{30ff}", "\\x{0}-\\x{309f}\\x{3100}-\\x{10ffff}"},
    {"InCJKUnifiedIdeographs", "\\x{4e00}-\\x{9fff}", "\\x{0}-\\x{4dff}\\x{a000}-\\x{10ffff}"},
    {"InHangulSyllables", "\\x{ac00}-\\x{d7af}", "\\x{0}-\\x{abff}\\x{d7b0}-\\x{10ffff}"},
};

/* r->at stands on p or P. `in_class`: between the brackets of a class. */
static vonk_status property(rewriter *r, bool in_class, vonk_error *err)
{
    bool negated = peek(r, 0) == 'P';
    vonk_str name;
    if (peek(r, 1) == '{') {
        size_t end = vonk_str_find_byte(r->in, '}', r->at);
        if (end == SIZE_MAX || end == r->at + 2) return refuse(r);
        name = vonk_str_sub(r->in, r->at + 2, end);
        r->at = end + 1;
    } else {
        if (!is_letter(peek(r, 1))) return refuse(r);
        name = vonk_str_sub(r->in, r->at + 1, r->at + 2);
        r->at += 2;
    }
    for (size_t i = 0; i < VONK_COUNTOF(properties); i++) {
        if (!vonk_str_is(name, properties[i].java)) continue;
        const char *content = negated ? properties[i].outside_of : properties[i].inside;
        return in_class ? put(r, content, err) : vonk_buf_printf(r->out, err, "[%s]", content);
    }
    size_t equals = vonk_str_find_byte(name, '=', 0);
    bool script = false;
    if (equals != SIZE_MAX) {
        vonk_str key = vonk_str_sub(name, 0, equals);
        script = vonk_str_is_nocase(key, "script") || vonk_str_is_nocase(key, "sc");
        if (!script && !vonk_str_is_nocase(key, "gc") && !vonk_str_is_nocase(key, "general_category")) return refuse(r);
        name = vonk_str_sub(name, equals + 1, name.len);
    } else if (vonk_str_starts(name, VONK_STR("Is")) || vonk_str_starts(name, VONK_STR("is"))) {
        name = vonk_str_sub(name, 2, name.len);
    } else if (name.len > 2) {
        return refuse(r);
    }
    for (size_t i = 0; i < name.len; i++)
        if (!is_letter(name.data[i]) && name.data[i] != '_' && name.data[i] != ' ') return refuse(r);
    if (script) return vonk_buf_printf(r->out, err, "\\%c{sc=%.*s}", negated ? 'P' : 'p', VONK_STR_ARGS(name));
    return vonk_buf_printf(r->out, err, "\\%c{%.*s}", negated ? 'P' : 'p', VONK_STR_ARGS(name));
}

/* \Q...\E: r->at stands behind \Q. */
static vonk_status literal_text(rewriter *r, vonk_error *err)
{
    size_t end = vonk_str_find(r->in, VONK_STR("\\E"), r->at);
    size_t stop = end == SIZE_MAX ? r->in.len : end;
    while (r->at < stop) VONK_TRY(put_code(r, vonk_char_decode(r->in, &r->at), err));
    r->at = end == SIZE_MAX ? r->in.len : end + 2;
    return VONK_OK;
}

/* ---- classes: [...], with unions and intersections, which PCRE2 has not */

static vonk_status class_at(rewriter *r, vonk_error *err);

/* One escape inside a class; r->at stands behind the backslash. *ret_code UINT32_MAX: a set, not a character. */
static vonk_status class_escape(rewriter *r, uint32_t *ret_code, vonk_error *err)
{
    char c = peek(r, 0);
    *ret_code = UINT32_MAX;
    if (!c) return refuse(r);
    switch (c) {
    case 'd':
    case 'D':
    case 's':
    case 'S':
    case 'w':
    case 'W':
    case 'h':
    case 'H':
    case 'v':
    case 'V': r->at++; return vonk_buf_printf(r->out, err, "\\%c", c);
    case 'p':
    case 'P': return property(r, true, err);
    case 'Q': r->at++; return literal_text(r, err);
    case 'x':
    case 'u':
    case '0':
    case 'c': return read_code(r, ret_code) ? VONK_OK : refuse(r);
    case 't': *ret_code = '\t'; break;
    case 'n': *ret_code = '\n'; break;
    case 'r': *ret_code = '\r'; break;
    case 'f': *ret_code = '\f'; break;
    case 'a': *ret_code = 7; break;
    case 'e': *ret_code = 27; break;
    default:
        if (is_letter(c) || is_digit(c)) return refuse(r);
        *ret_code = vonk_char_decode(r->in, &r->at);
        return VONK_OK;
    }
    r->at++;
    return VONK_OK;
}

static vonk_status class_character(rewriter *r, uint32_t *ret_code, vonk_error *err)
{
    if (peek(r, 0) != '\\') {
        *ret_code = vonk_char_decode(r->in, &r->at);
        return VONK_OK;
    }
    r->at++;
    return class_escape(r, ret_code, err);
}

/* A run of plain items (characters, ranges, sets), as one PCRE2 class; stops at [, ], &&. */
static vonk_status plain_items(rewriter *r, bool first, vonk_error *err)
{
    VONK_TRY(put(r, "[", err));
    for (; r->at < r->in.len; first = false) {
        char c = peek(r, 0);
        if (c == '[' || (c == ']' && !first) || (c == '&' && peek(r, 1) == '&')) break;
        uint32_t from, to;
        VONK_TRY(class_character(r, &from, err));
        if (from == UINT32_MAX) continue;
        VONK_TRY(put_code(r, from, err));
        if (peek(r, 0) != '-' || peek(r, 1) == ']' || peek(r, 1) == '[' || !peek(r, 1)) continue;
        r->at++;
        VONK_TRY(put(r, "-", err));
        VONK_TRY(class_character(r, &to, err));
        if (to == UINT32_MAX || to < from) return refuse(r);
        VONK_TRY(put_code(r, to, err));
    }
    return put(r, "]", err);
}

/* One side of &&: a union, as (?:a|b|...), or one class. Nothing at all is refused. */
static vonk_status class_union(rewriter *r, bool first, vonk_error *err)
{
    bool any = false;
    VONK_TRY(put(r, "(?:", err));
    while (r->at < r->in.len) {
        char c = peek(r, 0);
        if ((c == ']' && !(first && !any)) || (c == '&' && peek(r, 1) == '&')) break;
        if (any) VONK_TRY(put(r, "|", err));
        if (c == '[')
            VONK_TRY(class_at(r, err));
        else
            VONK_TRY(plain_items(r, first && !any, err));
        any = true;
    }
    return any ? put(r, ")", err) : refuse(r);
}

/* Has the class that starts at r->at (behind its bracket) nothing but plain items? Then it stays one class. */
static bool is_plain(const rewriter *r)
{
    size_t i = r->at;
    for (bool first = true; i < r->in.len; first = false, i++) {
        char c = r->in.data[i];
        if (c == '\\') {
            i++;
            continue;
        }
        if (c == ']' && !first) return true;
        if (c == '[' || (c == '&' && i + 1 < r->in.len && r->in.data[i + 1] == '&')) return false;
    }
    return true;
}

/* r->at stands on the opening bracket. */
static vonk_status class_at(rewriter *r, vonk_error *err)
{
    if (++r->depth > MOST_DEPTH) return refuse(r);
    r->at++;
    bool negated = peek(r, 0) == '^';
    if (negated) r->at++;
    if (is_plain(r)) {
        size_t start = r->out->len;
        VONK_TRY(plain_items(r, true, err));
        if (negated) { /* [...] becomes [^...] */
            VONK_TRY(vonk_buf_add_byte(r->out, 0, err));
            memmove(r->out->data + start + 2, r->out->data + start + 1, r->out->len - start - 2);
            r->out->data[start + 1] = '^';
        }
    } else {
        /* a && b && c: (?=a)(?=b)c; negated: (?!...) and any character */
        VONK_TRY(put(r, negated ? "(?:(?!" : "(?:", err));
        for (bool first = true;; first = false) {
            size_t start = r->out->len;
            VONK_TRY(class_union(r, first, err));
            if (r->refused || peek(r, 0) != '&') break;
            r->at += 2;
            VONK_TRY(vonk_buf_append(r->out, "    )", 5, err));
            memmove(r->out->data + start + 3, r->out->data + start, r->out->len - start - 5);
            memcpy(r->out->data + start, "(?=", 3);
            r->out->len -= 1;
            r->out->data[r->out->len - 1] = ')';
        }
        VONK_TRY(put(r, negated ? ")(?s:.))" : ")", err));
    }
    r->depth--;
    if (r->refused || peek(r, 0) != ']') return refuse(r);
    r->at++;
    return VONK_OK;
}

/* ---- outside of classes */

#define WORD "[\\p{L}\\p{Nd}_]"

/* r->at stands behind the backslash. */
static vonk_status escape(rewriter *r, vonk_error *err)
{
    char c = peek(r, 0);
    uint32_t code;
    if (!c) return refuse(r);
    if (c == 'Q') {
        r->at++;
        return literal_text(r, err);
    }
    if (c == 'p' || c == 'P') return property(r, false, err);
    if (c == 'x' || c == 'u' || c == '0' || c == 'c') return read_code(r, &code) ? put_code(r, code, err) : refuse(r);
    if (c == 'b' || c == 'B') { /* words have letters and digits beyond ASCII here, though \w has not */
        r->at++;
        const char *same = "(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD ")",
                   *other = "(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD ")";
        return vonk_buf_printf(r->out, err, "(?:%s)", c == 'b' ? other : same);
    }
    if (c == 'k') {
        size_t end = vonk_str_find_byte(r->in, '>', r->at);
        if (peek(r, 1) != '<' || end == SIZE_MAX) return refuse(r);
        VONK_TRY(vonk_buf_printf(r->out, err, "\\%.*s", (int)(end + 1 - r->at), r->in.data + r->at));
        r->at = end + 1;
        return VONK_OK;
    }
    if (is_digit(c)) {
        r->at++;
        return vonk_buf_printf(r->out, err, "\\g{%c}", c);
    }
    if (is_letter(c) && !strchr("AdDefGhHnrRsStvVwWXzZa", c)) return refuse(r);
    if (is_letter(c)) {
        r->at++;
        return vonk_buf_printf(r->out, err, "\\%c", c);
    }
    return put_code(r, vonk_char_decode(r->in, &r->at), err);
}

/* (?...: the letters of inline flags. r->at stands behind "(?". */
static vonk_status flags(rewriter *r, vonk_error *err)
{
    size_t end = r->at;
    while (end < r->in.len && strchr("idmsuxU-", r->in.data[end])) end++;
    char close = end < r->in.len ? r->in.data[end] : 0;
    if ((close != ')' && close != ':') || (close == ')' && end == r->at)) return refuse(r);
    VONK_TRY(put(r, "(?", err));
    for (size_t i = r->at; i < end; i++) {
        char c = r->in.data[i];
        if (c == 'U') r->unicode = true;
        if (strchr("imsx-", c)) VONK_TRY(vonk_buf_add_byte(r->out, c, err));
    }
    VONK_TRY(vonk_buf_add_byte(r->out, close, err));
    r->at = end + 1;
    return VONK_OK;
}

static vonk_status group(rewriter *r, vonk_error *err)
{
    static const char *const kinds[] = {"(?=", "(?!", "(?>", "(?<=", "(?<!"};
    vonk_str rest = vonk_str_sub(r->in, r->at, r->in.len);
    if (peek(r, 1) == '*') return refuse(r);
    if (peek(r, 1) != '?') {
        r->at++;
        return put(r, "(", err);
    }
    for (size_t i = 0; i < VONK_COUNTOF(kinds); i++) {
        if (!vonk_str_starts(rest, vonk_str_of(kinds[i]))) continue;
        r->at += strlen(kinds[i]);
        return put(r, kinds[i], err);
    }
    if (peek(r, 2) == '<') {
        size_t end = r->at + 3;
        while (end < r->in.len && (is_letter(r->in.data[end]) || (end > r->at + 3 && is_digit(r->in.data[end])))) end++;
        if (end == r->at + 3 || end >= r->in.len || r->in.data[end] != '>') return refuse(r);
        VONK_TRY(vonk_buf_append(r->out, r->in.data + r->at, end + 1 - r->at, err));
        r->at = end + 1;
        return VONK_OK;
    }
    r->at += 2;
    return flags(r, err);
}

/* {n}, {n,}, {n,m}; anything else behind a brace is an error in Java. */
static vonk_status braces(rewriter *r, vonk_error *err)
{
    size_t i = 1;
    while (is_digit(peek(r, i))) i++;
    bool digits = i > 1;
    if (peek(r, i) == ',')
        for (i++; is_digit(peek(r, i)); i++) {
        }
    if (!digits || peek(r, i) != '}') return refuse(r);
    VONK_TRY(vonk_buf_append(r->out, r->in.data + r->at, i + 1, err));
    r->at += i + 1;
    return VONK_OK;
}

vonk_status vonk__regex_translate(vonk_str java, vonk_buf *out, bool *ret_ok, bool *ret_unicode, vonk_error *err)
{
    rewriter r = {.in = java, .out = out};
    while (r.at < java.len) {
        char c = java.data[r.at];
        switch (c) {
        case '\\':
            r.at++;
            VONK_TRY(escape(&r, err));
            break;
        case '[': VONK_TRY(class_at(&r, err)); break;
        case '(': VONK_TRY(group(&r, err)); break;
        case '{': VONK_TRY(braces(&r, err)); break;
        default: VONK_TRY(vonk_buf_add_byte(out, c, err)); r.at++;
        }
    }
    *ret_ok = !r.refused;
    *ret_unicode = r.unicode;
    return VONK_OK;
}
