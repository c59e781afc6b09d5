/* sql/lex.c -- text to tokens. The longest match wins, as with the generated lexer whose tokens these are: "1e5" is a
 * number, "1e5x" a name. */
#include "sql/lex.h"

typedef struct lexer {
    vonk_str text;
    size_t at;
    bool arguments;
    vonk_tokens *out;
} lexer;

static const struct {
    const char *word;
    uint8_t len;
    uint16_t kind;
} words[] = {
#define KEYWORD(word, id, reserved, strict) {#word, sizeof(#word) - 1, KW_##id},
#define SYNONYM(word, id, reserved, strict) {#word, sizeof(#word) - 1, KW_##id},
#include "sql/keyword.def"
#undef KEYWORD
#undef SYNONYM
};

enum { RESERVED = 1, STRICT = 2 };
static const uint8_t keyword_flags[] = {
#define KEYWORD(word, id, reserved, strict) [KW_##id - TK_FIRST_KEYWORD] = (reserved) * RESERVED + (strict) * STRICT,
#define SYNONYM(word, id, reserved, strict)
#include "sql/keyword.def"
#undef KEYWORD
#undef SYNONYM
};

bool vonk__keyword_reserved(vonk_tok kind)
{
    return kind >= TK_FIRST_KEYWORD && (keyword_flags[kind - TK_FIRST_KEYWORD] & RESERVED) != 0;
}
bool vonk__keyword_strict(vonk_tok kind)
{
    return kind >= TK_FIRST_KEYWORD && (keyword_flags[kind - TK_FIRST_KEYWORD] & STRICT) != 0;
}

enum { LONGEST_KEYWORD = 24 };

vonk_tok vonk__keyword_of(vonk_str word)
{
    char upper[LONGEST_KEYWORD];
    if (word.len > sizeof(upper) || word.len == 0) return TK_IDENT;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    size_t low = 0, high = VONK_COUNTOF(words);
    while (low < high) {
        size_t mid = (low + high) / 2, n = vonk_min_size(words[mid].len, word.len);
        int order = memcmp(words[mid].word, upper, n);
        if (order == 0) order = (int)words[mid].len - (int)word.len;
        if (order == 0) return (vonk_tok)words[mid].kind;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return TK_IDENT;
}

/* ---- characters */

static int peek(const lexer *x, size_t ahead)
{
    return x->at + ahead < x->text.len ? (unsigned char)x->text.data[x->at + ahead] : -1;
}
static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static int upper_of(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }

/* One character that is not ASCII; returns its code point and length. Broken bytes stand for themselves. */
static uint32_t decode(const lexer *x, size_t at, size_t *ret_len)
{
    const unsigned char *s = (const unsigned char *)x->text.data + at;
    size_t left = x->text.len - at, n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
    *ret_len = 1;
    if (n == 1 || n > left) return 0xfffd;
    uint32_t code = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0xfffd;
        code = code << 6 | (s[i] & 0x3f);
    }
    *ret_len = n;
    return code;
}

static bool is_wide_space(uint32_t c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* Letters beyond ASCII, roughly: enough to keep a foreign word together for the INVALID_IDENTIFIER message. */
static bool is_wide_letter(uint32_t c)
{
    if (c < 0xc0) return c == 0xaa || c == 0xb5 || c == 0xba;
    if (c == 0xd7 || c == 0xf7 || c == 0xfffd) return false;
    return c < 0x2000 || (c >= 0x2c00 && c < 0x2e00) || (c >= 0x3040 && c < 0xe000) || (c >= 0xf900 && c < 0xfe00) ||
           (c >= 0xfe70 && c < 0xff00) || (c >= 0x10000 && c < 0x1f000) || c >= 0x20000;
}

/* Length of the run of letters, digits and _ at `at`. */
static size_t word_len(const lexer *x, size_t at)
{
    size_t from = at;
    while (at < x->text.len) {
        unsigned char c = (unsigned char)x->text.data[at];
        if (is_letter(c) || is_digit(c) || c == '_') {
            at++;
            continue;
        }
        size_t n;
        if (c < 0x80 || !is_wide_letter(decode(x, at, &n))) break;
        at += n;
    }
    return at - from;
}

/* ---- pieces; each returns the length of the token at x->at, 0 when there is none */

static size_t quoted_len(const lexer *x, size_t at, char quote, bool escapes)
{
    size_t from = at++;
    while (at < x->text.len) {
        char c = x->text.data[at];
        if (escapes && c == '\\') {
            at += 2;
            continue;
        }
        at++;
        if (c != quote) continue;
        if (at < x->text.len && x->text.data[at] == quote && (escapes || quote == '`')) {
            at++; /* a doubled quote is one of the text */
            continue;
        }
        return at - from;
    }
    return 0;
}

static size_t digits_len(const lexer *x, size_t at)
{
    size_t from = at;
    while (at < x->text.len && is_digit((unsigned char)x->text.data[at])) at++;
    return at - from;
}

static int char_at(const lexer *x, size_t at) { return at < x->text.len ? (unsigned char)x->text.data[at] : -1; }

static size_t exponent_len(const lexer *x, size_t at)
{
    if (upper_of(char_at(x, at)) != 'E') return 0;
    size_t sign = char_at(x, at + 1) == '+' || char_at(x, at + 1) == '-';
    size_t digits = digits_len(x, at + 1 + sign);
    return digits ? 1 + sign + digits : 0;
}

/* The letter(s) behind a number: F, D, BD. */
static size_t suffix_len(const lexer *x, size_t at, uint16_t *ret_kind)
{
    int c = upper_of(char_at(x, at));
    if (c == 'F')
        *ret_kind = TK_FLOAT;
    else if (c == 'D')
        *ret_kind = TK_DOUBLE;
    else if (c == 'B' && upper_of(char_at(x, at + 1)) == 'D')
        *ret_kind = TK_BIGDECIMAL;
    else
        return 0;
    return c == 'B' ? 2 : 1;
}

/* A number with a dot counts only when no letter, digit or _ follows. */
static bool ends_here(const lexer *x, size_t at)
{
    int c = char_at(x, at);
    return !(is_letter(c) || is_digit(c) || c == '_');
}

static size_t dotted_number(const lexer *x, uint16_t *ret_kind)
{
    size_t whole = digits_len(x, x->at), at = x->at + whole;
    if (char_at(x, at) != '.') return 0;
    size_t fraction = digits_len(x, at + 1);
    if (whole == 0 && fraction == 0) return 0;
    at += 1 + fraction;
    size_t exponent = exponent_len(x, at), suffix = suffix_len(x, at + exponent, ret_kind);
    if (suffix && ends_here(x, at + exponent + suffix)) return at + exponent + suffix - x->at;
    *ret_kind = exponent ? TK_EXPONENT : TK_DECIMAL;
    if (ends_here(x, at + exponent)) return at + exponent - x->at;
    return 0;
}

/* A number that starts with a digit and has no dot, or a name that starts with a digit: the longer one. */
static size_t number_or_name(const lexer *x, uint16_t *ret_kind)
{
    size_t digits = digits_len(x, x->at), name = word_len(x, x->at), number = digits;
    size_t exponent = exponent_len(x, x->at + digits);
    uint16_t kind = exponent ? TK_EXPONENT : TK_INT;
    number += exponent;
    size_t suffix = suffix_len(x, x->at + number, &kind);
    number += suffix;
    if (!suffix && !exponent) {
        int c = upper_of(char_at(x, x->at + digits));
        uint16_t sized = c == 'L' ? TK_BIGINT : c == 'S' ? TK_SMALLINT : c == 'Y' ? TK_TINYINT : TK_INT;
        if (sized != TK_INT) {
            kind = sized;
            number++;
        }
    }
    if (name > number) {
        *ret_kind = TK_IDENT;
        return name;
    }
    *ret_kind = kind;
    return number;
}

/* A name, a keyword, or a path like file://a/b. */
static size_t word(const lexer *x, uint16_t *ret_kind)
{
    size_t n = word_len(x, x->at);
    if (char_at(x, x->at + n) == ':' && char_at(x, x->at + n + 1) == '/' && char_at(x, x->at + n + 2) == '/') {
        size_t at = x->at + n + 3;
        while (at < x->text.len && (word_len(x, at) || strchr("/-.?=&#%", x->text.data[at]))) {
            size_t more = word_len(x, at);
            at += more ? more : 1;
        }
        if (at > x->at + n + 3) {
            *ret_kind = TK_IDENT;
            return at - x->at;
        }
    }
    *ret_kind = (uint16_t)vonk__keyword_of(vonk_str_sub(x->text, x->at, x->at + n));
    return n;
}

/* $tag$ ... $tag$ */
static size_t dollar_string(const lexer *x)
{
    size_t tag = 1;
    while (x->at + tag < x->text.len && (is_letter(peek(x, tag)) || is_digit(peek(x, tag)) || peek(x, tag) == '_'))
        tag++;
    if (peek(x, tag) != '$') return 0;
    vonk_str mark = vonk_str_sub(x->text, x->at, x->at + tag + 1);
    size_t end = vonk_str_find(x->text, mark, x->at + mark.len);
    return end == SIZE_MAX ? 0 : end + mark.len - x->at;
}

/* ---- white space and comments */

static void skip_line_comment(lexer *x)
{
    while (x->at < x->text.len && x->text.data[x->at] != '\n' && x->text.data[x->at] != '\r') {
        bool continued = peek(x, 0) == '\\' && peek(x, 1) == '\n';
        x->at += continued ? 2 : 1;
    }
}

static void skip_block_comment(lexer *x)
{
    size_t open = 0;
    do {
        if (peek(x, 0) == '/' && peek(x, 1) == '*' && !(open > 0 && peek(x, 2) == '+')) {
            open++;
            x->at += 2;
        } else if (peek(x, 0) == '*' && peek(x, 1) == '/') {
            open--;
            x->at += 2;
        } else {
            x->at++;
        }
    } while (open > 0 && x->at < x->text.len);
    if (open > 0) x->out->unclosed_comment = true;
}

static void skip_blank(lexer *x)
{
    while (x->at < x->text.len) {
        int c = peek(x, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            x->at++;
        } else if (c == '-' && peek(x, 1) == '-') {
            skip_line_comment(x);
        } else if (c == '/' && peek(x, 1) == '*' && peek(x, 2) != '+') {
            skip_block_comment(x);
        } else if (c >= 0x80) {
            size_t n;
            x->out->ascii = false;
            if (!is_wide_space(decode(x, x->at, &n))) return;
            x->at += n;
        } else {
            return;
        }
    }
}

/* ---- symbols */

static const struct {
    char text[4];
    uint16_t kind;
} symbols[] = {
    /* longer ones first */
    {"<=>", TK_NSEQ},
    {"/*+", TK_HINT_START},
    {"<=", TK_LTE},
    {"!>", TK_LTE},
    {">=", TK_GTE},
    {"!<", TK_GTE},
    {"<>", TK_NEQ},
    {"!=", TK_NEQJ},
    {"==", TK_EQ},
    {"<<", TK_SHIFT_LEFT},
    {"||", TK_CONCAT},
    {"|>", TK_OPERATOR_PIPE},
    {"::", TK_DOUBLE_COLON},
    {"->", TK_ARROW},
    {"=>", TK_FAT_ARROW},
    {"*/", TK_HINT_END},
    {";", TK_SEMICOLON},
    {"(", TK_LPAREN},
    {")", TK_RPAREN},
    {",", TK_COMMA},
    {".", TK_DOT},
    {"[", TK_LBRACKET},
    {"]", TK_RBRACKET},
    {"!", TK_BANG},
    {"=", TK_EQ},
    {"<", TK_LT},
    {">", TK_GT},
    {"+", TK_PLUS},
    {"-", TK_MINUS},
    {"*", TK_STAR},
    {"/", TK_SLASH},
    {"%", TK_PERCENT},
    {"~", TK_TILDE},
    {"&", TK_AMPERSAND},
    {"|", TK_PIPE},
    {"^", TK_HAT},
    {":", TK_COLON},
    {"@", TK_AT},
    {"?", TK_QUESTION},
};

static size_t symbol(const lexer *x, uint16_t *ret_kind)
{
    for (size_t i = 0; i < VONK_COUNTOF(symbols); i++) {
        size_t n = strlen(symbols[i].text);
        if (x->text.len - x->at < n || memcmp(symbols[i].text, x->text.data + x->at, n) != 0) continue;
        *ret_kind = symbols[i].kind;
        return n;
    }
    return 0;
}

static size_t next_token(const lexer *x, uint16_t *ret_kind)
{
    int c = peek(x, 0);
    size_t n = 0;
    if ((c == 'r' || c == 'R') && (peek(x, 1) == '\'' || peek(x, 1) == '"')) {
        *ret_kind = TK_STRING;
        n = quoted_len(x, x->at + 1, (char)peek(x, 1), false);
        if (n) return n + 1;
    }
    if (c == '\'' || c == '"' || c == '`') {
        *ret_kind = c == '\'' ? TK_STRING : c == '"' ? TK_DQ_STRING : TK_QUOTED;
        return quoted_len(x, x->at, (char)c, c != '`');
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(x, 1)))) {
        n = dotted_number(x, ret_kind);
        if (n) return n;
        if (is_digit(c)) return number_or_name(x, ret_kind);
    }
    if (is_letter(c) || c == '_') return word(x, ret_kind);
    if (c == '$') {
        *ret_kind = TK_ARGUMENT;
        if (x->arguments && is_digit(peek(x, 1))) return 1 + digits_len(x, x->at + 1);
        *ret_kind = TK_DOLLAR;
        return dollar_string(x);
    }
    size_t len;
    if (c >= 0x80 && is_wide_letter(decode(x, x->at, &len))) return word(x, ret_kind);
    return symbol(x, ret_kind);
}

/* Are all bytes of a token ASCII? */
static bool plain(vonk_str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.len; i++) any |= (unsigned char)s.data[i];
    return any < 0x80;
}

vonk_status vonk__lex(vonk_arena *arena, vonk_str text, bool arguments, vonk_tokens *ret, vonk_error *err)
{
    VONK_VEC(vonk_token) found = {0};
    vonk_tokens out = {.ascii = true};
    lexer x = {.text = text, .arguments = arguments, .out = &out};
    for (;;) {
        vonk_token t = {.kind = TK_BAD};
        skip_blank(&x);
        t.start = vonk_u32_of(x.at);
        if (x.at >= text.len) break;
        size_t n = next_token(&x, &t.kind);
        if (n == 0) {
            t.kind = TK_BAD;
            n = 1;
            if (peek(&x, 0) >= 0x80) decode(&x, x.at, &n);
        }
        if (n > text.len - x.at) n = text.len - x.at;
        if (out.ascii) out.ascii = plain(vonk_str_sub(text, x.at, x.at + n));
        x.at += n;
        t.end = vonk_u32_of(x.at);
        VONK_TRY(VONK_VEC_ARENA_PUSH(&found, arena, t, err));
    }
    vonk_token end = {TK_END, vonk_u32_of(text.len), vonk_u32_of(text.len)};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&found, arena, end, err));
    out.at = found.at;
    out.n = vonk_u32_of(found.n);
    *ret = out;
    return VONK_OK;
}
