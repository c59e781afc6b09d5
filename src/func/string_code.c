/* func/string_code.c -- strings and bytes in other forms: base64, character sets, UTF-8 that is none, URLs. */
#include "base/buf.h"
#include "base/utf8.h"
#include "func/body.h"
#include "func/cast.h"
#include "func/coerce.h"
#include "func/literal_text.h"
#include "func/resolve.h"
#include "func/tables.h"
#include "text/chars.h"

static vonk_body eval_base64, eval_decode, eval_decode_case, eval_encode, eval_is_valid, eval_make_valid,
    eval_to_binary, eval_unbase64, eval_url_decode, eval_url_encode, eval_validate;
static vonk_status resolve_decode(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_to_binary(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_decode(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "string_funcs"
#define ALWAYS ROW, .nullable = VONK_NULLABLE_ALWAYS

const vonk_fn vonk_fns_string_code[] = {
    {.name = "base64",
     .args = "binary",
     .result = "string",
     ROW,
     .eval = eval_base64,
     .doc = "The bytes in base 64, in lines of 76 characters.",
     .example = "base64('Spark SQL')",
     .expect = "U3BhcmsgU1FM"},
    {.name = "decode",
     .args = "any,any,any...",
     .nulls = VONK_NULLS_OWN,
     ROW,
     .resolve = resolve_decode,
     .prepare = prepare_decode,
     .eval = eval_decode,
     .doc = "Two arguments: the text that the bytes mean in a character set. More: the result behind the first search "
            "value that equals the first argument.",
     .example = "decode(encode('abc', 'utf-8'), 'utf-8')",
     .expect = "abc"},
    {.name = "encode",
     .args = "string,string",
     .result = "binary",
     ALWAYS,
     .eval = eval_encode,
     .doc = "The bytes of the text in a character set.",
     .example = "hex(encode('abc', 'utf-16be'))",
     .expect = "006100620063"},
    {.name = "is_valid_utf8",
     .args = "string",
     .result = "boolean",
     ALWAYS,
     .eval = eval_is_valid,
     .doc = "Whether the string's bytes are UTF-8.",
     .example = "is_valid_utf8('Vonk')",
     .expect = "true"},
    {.name = "make_valid_utf8",
     .args = "string",
     .result = "string",
     ALWAYS,
     .eval = eval_make_valid,
     .doc = "The string with U+FFFD where its bytes are not UTF-8.",
     .example = "make_valid_utf8('Vonk')",
     .expect = "Vonk"},
    {.name = "to_binary",
     .args = "string,any?",
     .result = "binary",
     ROW,
     .resolve = resolve_to_binary,
     .eval = eval_to_binary,
     .doc = "The bytes that the text means: hex (the default), utf-8 or base64.",
     .example = "to_binary('abc', 'utf-8')",
     .expect = "abc"},
    {.name = "try_to_binary",
     .errors_of = "to_binary",
     .args = "string,any?",
     .result = "binary",
     ALWAYS,
     .force_mode = VONK_MODE_TRY,
     .catches = true,
     .resolve = resolve_to_binary,
     .eval = eval_to_binary,
     .doc = "The bytes that the text means, or NULL where it means none.",
     .example = "try_to_binary('a!', 'base64')",
     .expect = "NULL"},
    {.name = "try_url_decode",
     .errors_of = "url_decode",
     .args = "string",
     .result = "string",
     ALWAYS,
     .force_mode = VONK_MODE_TRY,
     .eval = eval_url_decode,
     .doc = "The text behind its form in URLs, or NULL where it is no such form.",
     .example = "try_url_decode('a%2')",
     .expect = "NULL"},
    {.name = "try_validate_utf8",
     .args = "string",
     .result = "string",
     ALWAYS,
     .force_mode = VONK_MODE_TRY,
     .eval = eval_validate,
     .doc = "The string, or NULL where its bytes are not UTF-8.",
     .example = "try_validate_utf8('Vonk')",
     .expect = "Vonk"},
    {.name = "unbase64",
     .args = "string",
     .result = "binary",
     ROW,
     .eval = eval_unbase64,
     .doc = "The bytes that the text means in base 64.",
     .example = "unbase64('U3BhcmsgU1FM')",
     .expect = "Spark SQL"},
    {.name = "url_decode",
     .args = "string",
     .result = "string",
     ALWAYS,
     .eval = eval_url_decode,
     .doc = "The text behind its form in URLs.",
     .example = "url_decode('https%3A%2F%2Fvonk.org')",
     .expect = "https://vonk.org"},
    {.name = "url_encode",
     .args = "string",
     .result = "string",
     ALWAYS,
     .eval = eval_url_encode,
     .doc = "The text in the form that URLs' queries have.",
     .example = "url_encode('https://vonk.org')",
     .expect = "https%3A%2F%2Fvonk.org"},
    {.name = "validate_utf8",
     .args = "string",
     .result = "string",
     ALWAYS,
     .eval = eval_validate,
     .doc = "The string; an error where its bytes are not UTF-8.",
     .example = "validate_utf8('Vonk')",
     .expect = "Vonk"},
};
VONK_FN_COUNT(string_code);

/* ---- base 64 */

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
enum { LINE = 76 };

static vonk_status add_base64(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    size_t in_line = 0;
    for (size_t i = 0; i < bytes.len; i += 3, in_line += 4) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = 0;
        char four[4];
        for (size_t k = 0; k < 3; k++) v = v << 8 | (k < n ? (uint8_t)bytes.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++) four[k] = k <= n ? digits64[v >> (18 - 6 * k) & 63] : '=';
        if (in_line == LINE) {
            VONK_TRY(vonk_buf_append(out, "\r\n", 2, err));
            in_line = 0;
        }
        VONK_TRY(vonk_buf_append(out, four, 4, err));
    }
    return VONK_OK;
}

/* Is it base 64 as RFC 4648 has it, white space in between and padding or none at the end? */
static bool is_base64(vonk_str text)
{
    size_t n = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c == '=')
            padding++;
        else if (c && strchr(digits64, c)) {
            if (padding) return false;
            n++;
        } else if (!c || !strchr(" \t\r\n", c))
            return false;
    }
    if (padding > 2) return false;
    return padding ? (n + padding) % 4 == 0 : n % 4 != 1;
}

/* As Java reads MIME: what is no digit does not count; padding ends it. *ret_ok false: digits or padding are missing,
 * or more digits follow. */
static vonk_status add_bytes64(vonk_str text, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    uint32_t v = 0;
    size_t n = 0, i = 0;
    *ret_ok = false;
    for (; i < text.len && text.data[i] != '='; i++) {
        const char c = text.data[i], *at = c ? strchr(digits64, c) : NULL;
        if (!at) continue;
        v = v << 6 | (uint32_t)(at - digits64);
        if (++n % 4) continue;
        const char three[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        VONK_TRY(vonk_buf_append(out, three, 3, err));
    }
    n %= 4;
    if (n == 1 || (i < text.len && n == 0)) return VONK_OK;
    if (i < text.len && n == 2 && (i + 1 == text.len || text.data[i + 1] != '=')) return VONK_OK;
    for (; i < text.len; i++)
        if (text.data[i] && text.data[i] != '=' && strchr(digits64, text.data[i])) return VONK_OK;
    if (n == 2) VONK_TRY(vonk_buf_add_byte(out, (char)(v >> 4), err));
    if (n == 3) {
        const char two[2] = {(char)(v >> 10), (char)(v >> 2)};
        VONK_TRY(vonk_buf_append(out, two, 2, err));
    }
    *ret_ok = true;
    return VONK_OK;
}

/* A loop over rows that makes one string each: the statements fill `out` from row i, and may set ok to false for NULL.
 */
#define EACH_TEXT(...)                                                                                                 \
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};                                                                 \
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};                                                                       \
    vonk_buf_init(&out, ev->budget, INT32_MAX);                                                                        \
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));                                                 \
    for (VONK_EACH_ROW(rows, i)) {                                                                                     \
        bool ok = true;                                                                                                \
        vonk_buf_reset(&out);                                                                                          \
        __VA_ARGS__ VONK_TRY(ok ? vonk_strings_put(&s, i, vonk_buf_str(&out), err) : vonk_strings_null(&s, i, err));   \
    }                                                                                                                  \
    return vonk_strings_take(&s, ret, err);

VONK_FN_EVAL(eval_base64) { EACH_TEXT(VONK_TRY(add_base64(vonk_str_at(args[0], i), &out, err));) }

static vonk_status bad_input(const vonk_column *c, uint32_t row, const char *format, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CONVERSION_INVALID_INPUT, "str", vonk_literal_param(c, row, NULL, (char[1024]){0}),
                     "fmt", format, "targetType", "\"BINARY\"", "suggestion", "`try_to_binary`");
}

VONK_FN_EVAL(eval_unbase64)
{
    EACH_TEXT(VONK_TRY(add_bytes64(vonk_str_at(args[0], i), &out, &ok, err));
              if (!ok) return VONK_FAIL(err, VONK_E_NOT_BASE64, "text", VONK_S(vonk_str_at(args[0], i)));)
}

/* ---- to_binary */

static bool is_utf8_name(vonk_str f) { return vonk_str_is_nocase(f, "utf-8") || vonk_str_is_nocase(f, "utf8"); }

static vonk_status bad_format(const vonk_fn_types *t, const char *value, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_ARG_VALUE, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                     "inputName", "fmt", "requireType", "case-insensitive \"STRING\"", "validValues",
                     "'hex', 'utf-8', 'utf8', or 'base64'", "inputValue", value);
}

static vonk_status resolve_to_binary(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = true;
    if (t->n_args < 2) return VONK_OK;
    const vonk_column *c = t->constants[1];
    if (!vonk_type_is_stringy(t->types[1])) t->types[1] = &vonk_type_string;
    if (!c)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`fmt`", "inputType",
                         VONK_TYPE_SQL(t->types[1]), "inputExpr",
                         t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[1])) : "?");
    if (vonk_column_is_null(c, 0)) return VONK_OK;
    VONK_AUTO(vonk_column_unref) vonk_column *text = NULL;
    if (!vonk_coerce_implicit(c->type, &vonk_type_string, t->env->ansi))
        return bad_format(t, vonk_literal_param(c, 0, NULL, (char[1024]){0}), err);
    VONK_TRY(vonk_cast_column(t->env, t->mode, vonk_arena_budget(t->arena), c, &vonk_type_string, &text, err));
    vonk_str f = vonk_column_str(text, 0);
    if (vonk_str_is_nocase(f, "base64") && t->mode != VONK_MODE_TRY) t->result_nullable = t->nullable[0];
    if (t->mode == VONK_MODE_TRY || is_utf8_name(f) || vonk_str_is_nocase(f, "hex") || vonk_str_is_nocase(f, "base64"))
        return VONK_OK;
    return bad_format(t, VONK_F("'%.*s'", VONK_STR_ARGS(f)), err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static vonk_status add_hex(vonk_str text, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    int high = 0;
    for (size_t i = 0; i < text.len; i++) {
        int d = hex_digit(text.data[i]);
        *ret_ok = d >= 0;
        if (d < 0) return VONK_OK;
        if ((text.len - i) % 2 == 0)
            high = d;
        else {
            VONK_TRY(vonk_buf_add_byte(out, (char)(high * 16 + d), err));
            high = 0;
        }
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_to_binary)
{
    EACH_TEXT(vonk_str f = call->n_args > 1 ? vonk_str_at(args[1], i) : VONK_STR("hex");
              vonk_str text = vonk_str_at(args[0], i); const char *name = "'HEX'";
              if (is_utf8_name(f)) VONK_TRY(vonk_buf_add_str(&out, text, err));
              else if (vonk_str_is_nocase(f, "base64")) {
                  name = "'BASE64'";
                  ok = is_base64(text);
                  if (ok) VONK_TRY(add_bytes64(text, &out, &ok, err));
              } else if (vonk_str_is_nocase(f, "hex")) VONK_TRY(add_hex(text, &out, &ok, err));
              else ok = false; if (!ok && call->mode != VONK_MODE_TRY) return bad_input(args[0], i, name, err);)
}

/* ---- character sets */

typedef enum charset { ASCII, LATIN1, UTF8, UTF16, UTF16BE, UTF16LE, UTF32, N_CHARSET } charset;

static charset charset_of(vonk_str name)
{
    static const char *const names[] = {"us-ascii", "iso-8859-1", "utf-8", "utf-16", "utf-16be", "utf-16le", "utf-32"};
    for (int i = 0; i < N_CHARSET; i++)
        if (vonk_str_is_nocase(name, names[i])) return (charset)i;
    return N_CHARSET;
}

static vonk_status bad_charset(const vonk_fn_call *call, vonk_str name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__CHARSET, "functionName", VONK_QUOTED(call->fn->name),
                     "parameter", "`charset`", "charset", VONK_S(name), "charsets",
                     "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8");
}

static vonk_status bad_coding(const vonk_fn_call *call, vonk_str name, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_CHARACTER_CODING, "function", VONK_QUOTED(call->fn->name), "charset",
                     VONK_S(name));
}

static vonk_status add_unit16(vonk_buf *out, uint32_t u, bool little, vonk_error *err)
{
    char two[2] = {(char)(u >> 8), (char)u}, swapped[2] = {(char)u, (char)(u >> 8)};
    return vonk_buf_append(out, little ? swapped : two, 2, err);
}

static vonk_status encode_char(vonk_buf *out, uint32_t c, charset to, bool *ret_ok, vonk_error *err)
{
    if (to == ASCII || to == LATIN1) {
        *ret_ok = c < (to == ASCII ? 128 : 256);
        return vonk_buf_add_byte(out, (char)c, err);
    }
    if (to == UTF32) {
        VONK_TRY(add_unit16(out, c >> 16, false, err));
        return add_unit16(out, c & 0xFFFF, false, err);
    }
    if (c < 0x10000) return add_unit16(out, c, to == UTF16LE, err);
    VONK_TRY(add_unit16(out, 0xD800 + ((c - 0x10000) >> 10), to == UTF16LE, err));
    return add_unit16(out, 0xDC00 + ((c - 0x10000) & 0x3FF), to == UTF16LE, err);
}

VONK_FN_EVAL(eval_encode)
{
    EACH_TEXT(
        vonk_str text = vonk_str_at(args[0], i), name = vonk_str_at(args[1], i); charset to = charset_of(name);
        if (to == N_CHARSET) return bad_charset(call, name, err);
        if (to == UTF8) VONK_TRY(vonk_buf_add_str(&out, text, err)); else {
            if (to == UTF16 && text.len) VONK_TRY(add_unit16(&out, 0xFEFF, false, err));
            for (size_t at = 0; at < text.len && ok;)
                VONK_TRY(encode_char(&out, vonk_char_decode(text, &at), to, &ok, err));
        } if (!ok) return bad_coding(call, name, err);)
}

/* The next character of bytes in a character set; UINT32_MAX: malformed. */
static uint32_t decode_char(vonk_str b, size_t *at, charset from, bool little)
{
    uint8_t first = (uint8_t)b.data[*at];
    if (from == ASCII || from == LATIN1) {
        (*at)++;
        return from == ASCII && first > 127 ? UINT32_MAX : first;
    }
    uint32_t u = 0;
    size_t n = from == UTF32 ? 4 : 2;
    if (b.len - *at < n) return UINT32_MAX;
    for (size_t k = 0; k < n; k++) u = u << 8 | (uint8_t)b.data[*at + (little ? n - 1 - k : k)];
    *at += n;
    if (from == UTF32) return u > 0x10FFFF || (u >= 0xD800 && u < 0xE000) ? UINT32_MAX : u;
    if (u < 0xD800 || u > 0xDFFF) return u;
    if (u > 0xDBFF || b.len - *at < 2) return UINT32_MAX;
    uint32_t low = (uint32_t)(uint8_t)b.data[*at + little] << 8 | (uint8_t)b.data[*at + !little];
    *at += 2;
    return low < 0xDC00 || low > 0xDFFF ? UINT32_MAX : 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
}

static vonk_status add_decoded(vonk_str bytes, charset from, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    size_t at = 0;
    bool little = from == UTF16LE;
    if (from == UTF8) {
        *ret_ok = vonk_utf8_valid(bytes);
        return vonk_buf_add_str(out, bytes, err);
    }
    if (from == UTF16 && bytes.len >= 2) {
        little = (uint8_t)bytes.data[0] == 0xFF && (uint8_t)bytes.data[1] == 0xFE;
        if (little || ((uint8_t)bytes.data[0] == 0xFE && (uint8_t)bytes.data[1] == 0xFF)) at = 2;
    }
    while (at < bytes.len) {
        char utf8[4];
        uint32_t c = decode_char(bytes, &at, from, little);
        *ret_ok = c != UINT32_MAX;
        if (!*ret_ok) return VONK_OK;
        VONK_TRY(vonk_buf_append(out, utf8, vonk_char_encode(c, utf8), err));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_decode)
{
    EACH_TEXT(ok = !vonk_null_at(args[0], i) && !vonk_null_at(args[1], i); if (ok) {
        vonk_str name = vonk_str_at(args[1], i);
        charset from = charset_of(name);
        if (from == N_CHARSET) return bad_charset(call, name, err);
        VONK_TRY(add_decoded(vonk_str_at(args[0], i), from, &out, &ok, err));
        if (!ok) return bad_coding(call, name, err);
    })
}

/* ---- decode as a choice: value, search, result, search, result, ..., [default] */

static bool has_default(uint32_t n_args) { return n_args % 2 == 0; }

static vonk_status resolve_choice(vonk_fn_types *t, vonk_error *err)
{
    uint32_t n_pairs = (t->n_args - 1) / 2;
    const vonk_type *key = t->types[0], *joined = NULL;
    const vonk_type *value = has_default(t->n_args) ? t->types[2] : &vonk_type_string; /* else: a NULL of strings */
    bool nullable = !has_default(t->n_args);
    for (uint32_t i = 0; i < t->n_args; i++) {
        bool is_result = i >= 2 && (i % 2 == 0 || (i == t->n_args - 1 && has_default(t->n_args)));
        if (i == 1 + 2 * n_pairs) is_result = true;
        VONK_TRY((is_result ? vonk_coerce_common : vonk_coerce_comparison)(is_result ? value : key, t->types[i],
                                                                           t->env->ansi, &joined, err));
        if (!joined && !is_result)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_DIFF_TYPES, "sqlExpr",
                             VONK_F("\"(%.*s <=> %.*s)\"", VONK_STR_ARGS(t->texts ? t->texts[0] : VONK_STR("?")),
                                    VONK_STR_ARGS(t->texts ? t->texts[i] : VONK_STR("?"))),
                             "left", VONK_TYPE_SQL(key), "right", VONK_TYPE_SQL(t->types[i]));
        if (!joined) return vonk_fn_wrong_type(t, i, VONK_TYPE_SQL(value), err);
        VONK_TRY(vonk_fn_own_type(t->arena, joined, is_result ? &value : &key, err));
        if (is_result) nullable = nullable || t->nullable[i];
    }
    for (uint32_t i = 0; i < t->n_args; i++) t->types[i] = (i >= 2 && i % 2 == 0) || i == 1 + 2 * n_pairs ? value : key;
    t->result_nullable = nullable;
    return vonk_fn_set_result(t, value);
}

static vonk_status resolve_decode(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args > 2) return resolve_choice(t, err);
    if (!vonk_coerce_implicit(t->types[0], &vonk_type_binary, t->env->ansi))
        return vonk_fn_wrong_type(t, 0, "\"BINARY\"", err);
    t->types[0] = &vonk_type_binary;
    if (!vonk_coerce_implicit(t->types[1], &vonk_type_string, t->env->ansi))
        return vonk_fn_wrong_type(t, 1, "\"STRING\"", err);
    if (!vonk_type_is_stringy(t->types[1])) t->types[1] = &vonk_type_string;
    t->result_nullable = true;
    return vonk_fn_set_result(t, &vonk_type_string);
}

static vonk_status prepare_decode(vonk_fn_call *call, vonk_error *err)
{
    if (call->n_args > 2) call->eval = eval_decode_case;
    return VONK_OK;
}

VONK_FN_EVAL(eval_decode_case)
{
    uint32_t n_pairs = (call->n_args - 1) / 2, *from;
    uint32_t *first;
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows + 1, sizeof(*from), &from, err));
    VONK_TRY(vonk_arena_array(ev->scratch, call->n_args + 1, sizeof(*first), &first, err));
    const vonk_column **results = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, n_pairs + 1, sizeof(*results), &results, err));
    uint32_t n_results = n_pairs + has_default(call->n_args);
    for (uint32_t p = 0; p < n_pairs; p++) results[p] = args[2 + 2 * p];
    if (has_default(call->n_args)) results[n_pairs] = args[call->n_args - 1];
    for (uint32_t i = 0; i < n_rows; i++) from[i] = UINT32_MAX;
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t p = 0;
        while (p < n_pairs && !vonk_column_row_eq(args[0], i, args[1 + 2 * p], i)) p++;
        if (p < n_results) from[i] = p * n_rows + i;
    }
    VONK_TRY(vonk_column_concat(ev->budget, results, n_results, &all, err));
    VONK_AUTO(vonk_column_unref) vonk_column *picked = NULL;
    VONK_TRY(vonk_column_gather(ev->budget, all, from, n_rows, true, &picked, err));
    return vonk_column_flatten(ev->budget, picked, ret, err);
}

/* ---- UTF-8 */

VONK_FN_EVAL(eval_is_valid)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) vonk_put_bool(&r, i, vonk_utf8_valid(vonk_str_at(args[0], i)));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_make_valid) { EACH_TEXT(VONK_TRY(vonk_chars_repair(vonk_str_at(args[0], i), &out, err));) }

static vonk_status not_utf8(vonk_str text, vonk_error *err)
{
    char shown[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < sizeof(shown) - 5; i++, n += 4)
        vonk_format(shown + n, 5, "\\x%02X", (unsigned)(uint8_t)text.data[i]);
    return VONK_FAIL(err, VONK_E_INVALID_UTF8_STRING, "str", shown);
}

VONK_FN_EVAL(eval_validate)
{
    EACH_TEXT(vonk_str text = vonk_str_at(args[0], i); ok = vonk_utf8_valid(text);
              if (!ok && call->mode != VONK_MODE_TRY) return not_utf8(text, err);
              VONK_TRY(vonk_buf_add_str(&out, text, err));)
}

/* ---- URLs */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("*-._", c));
}

VONK_FN_EVAL(eval_url_encode)
{
    EACH_TEXT(vonk_str text = vonk_str_at(args[0], i); for (size_t k = 0; k < text.len; k++) {
        char c = text.data[k];
        if (is_plain(c) || c == ' ')
            VONK_TRY(vonk_buf_add_byte(&out, c == ' ' ? '+' : c, err));
        else
            VONK_TRY(vonk_buf_printf(&out, err, "%%%02X", (unsigned)(uint8_t)c));
    })
}

static vonk_status add_url_decoded(vonk_str text, vonk_buf *out, bool *ret_ok, vonk_error *err)
{
    for (size_t k = 0; k < text.len; k++) {
        char c = text.data[k] == '+' ? ' ' : text.data[k];
        if (c == '%') {
            int high = k + 2 < text.len ? hex_digit(text.data[k + 1]) : -1,
                low = k + 2 < text.len ? hex_digit(text.data[k + 2]) : -1;
            *ret_ok = high >= 0 && low >= 0;
            if (!*ret_ok) return VONK_OK;
            c = (char)(high * 16 + low);
            k += 2;
        }
        VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_url_decode)
{
    EACH_TEXT(
        vonk_str text = vonk_str_at(args[0], i); VONK_TRY(add_url_decoded(text, &out, &ok, err));
        if (!ok && call->mode != VONK_MODE_TRY) return VONK_FAIL(err, VONK_E_CANNOT_DECODE_URL, "url", VONK_S(text));)
}
