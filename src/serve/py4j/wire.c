/* serve/py4j/wire.c -- lines in, values out: escapes, tags, limits.
 *
 * A part that is not what it should be is refused with INTERNAL_ERROR; the caller answers "!z" with its text and closes
 * the connection, as Py4J does. */
#include "base/utf8.h"
#include "serve/py4j/py4j_int.h"
#include "text/number.h"

/* ---- lines */

void vonk__j_caller_init(vonk__j_caller *caller, vonk__j_machine *machine, vonk__j_stream stream)
{
    memset(caller, 0, offsetof(vonk__j_caller, in));
    caller->machine = machine;
    caller->stream = stream;
    caller->in_at = caller->in_end = 0;
    caller->depth = 0;
    caller->can_call_back = caller->ends = false;
    caller->thrown = caller->properties = NULL;
    caller->fragment = caller->call_site = VONK__J_NOTHING;
}

void vonk__j_caller_done(vonk__j_caller *caller)
{
    vonk__j_unref(&caller->fragment);
    vonk__j_unref(&caller->call_site);
    vonk__j_object_unref(caller->thrown);
    vonk__j_object_unref(caller->properties);
    caller->thrown = caller->properties = NULL;
}

vonk_status vonk__j_read_line(vonk__j_caller *caller, vonk_buf *into, bool *ret_end, vonk_error *err)
{
    for (*ret_end = false;;) {
        const char *from = caller->in + caller->in_at;
        const size_t left = caller->in_end - caller->in_at;
        const char *newline = left ? memchr(from, '\n', left) : NULL;
        const size_t take = newline ? (size_t)(newline - from) : left;
        VONK_TRY(vonk_buf_append(into, from, take, err));
        caller->in_at += take + (newline ? 1 : 0);
        if (newline) return VONK_OK;
        caller->in_at = caller->in_end = 0;
        VONK_TRY(caller->stream.read(caller->stream.self, caller->in, sizeof caller->in, &caller->in_end, err));
        if (caller->in_end == 0) {
            *ret_end = true;
            return VONK_OK;
        }
    }
}

/* ---- escapes */

vonk_status vonk__j_escape(vonk_str text, vonk_buf *out, vonk_error *err)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        if (c != '\\' && c != '\n' && c != '\r') continue;
        VONK_TRY(vonk_buf_append(out, text.data + from, i - from, err));
        VONK_TRY(vonk_buf_add_byte(out, '\\', err));
        VONK_TRY(vonk_buf_add_byte(out, c == '\n' ? 'n' : c == '\r' ? 'r' : c, err));
        from = i + 1;
    }
    return from == text.len ? VONK_OK : vonk_buf_append(out, text.data + from, text.len - from, err);
}

static vonk_status malformed(const char *what, vonk_str part, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("py4j.Py4JException: %s: %.*s", what, (int)vonk_min_size(part.len, 200), part.data));
}

vonk_status vonk__j_unescape(vonk_str text, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_reserve(out, text.len, err));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\\') {
            const char next = i + 1 < text.len ? text.data[i + 1] : 0;
            if (next != 'n' && next != 'r' && next != '\\') return malformed("Bad escape in a text", text, err);
            c = next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
            i++;
        }
        VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return VONK_OK;
}

/* ---- base64 */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static vonk_status add_base64(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    const uint8_t *p = (const uint8_t *)bytes.data;
    char *to = NULL;
    VONK_TRY(vonk_buf_extend(out, (bytes.len + 2) / 3 * 4, &to, err));
    for (size_t i = 0; i < bytes.len; i += 3, to += 4) {
        const size_t n = vonk_min_size(bytes.len - i, 3);
        const uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        to[0] = base64[v >> 18];
        to[1] = base64[v >> 12 & 63];
        to[2] = n > 1 ? base64[v >> 6 & 63] : '=';
        to[3] = n > 2 ? base64[v & 63] : '=';
    }
    return VONK_OK;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static vonk_status read_base64(vonk_str text, vonk_buf *out, vonk_error *err)
{
    size_t n = text.len, pad = 0;
    for (; n && text.data[n - 1] == '=' && pad < 2; n--) pad++;
    if (text.len % 4 || n % 4 == 1) return malformed("Bad base64", text, err);
    uint32_t bits = 0, n_bits = 0;
    for (size_t i = 0; i < n; i++) {
        const int digit = base64_digit(text.data[i]);
        if (digit < 0) return malformed("Bad base64", text, err);
        bits = bits << 6 | (uint32_t)digit;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        VONK_TRY(vonk_buf_add_byte(out, (char)(bits >> n_bits), err));
    }
    return VONK_OK;
}

/* ---- values from the wire */

static vonk_status not_a_number(vonk_str text, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("java.lang.NumberFormatException: For input string: \"%.*s\"",
                            (int)vonk_min_size(text.len, 100), text.data));
}

static bool plain_integer(vonk_str s)
{
    size_t i = s.len && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    if (i == s.len) return false;
    for (; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9') return false;
    return true;
}

/* Digits, a sign, a point, an exponent: what Java's BigDecimal takes. */
static bool plain_decimal(vonk_str s)
{
    size_t i = s.len && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0, digits = 0, points = 0;
    for (; i < s.len && ((s.data[i] >= '0' && s.data[i] <= '9') || s.data[i] == '.'); i++)
        s.data[i] == '.' ? points++ : digits++;
    if (!digits || points > 1) return false;
    return i == s.len || ((s.data[i] | 0x20) == 'e' && plain_integer(vonk_str_sub(s, i + 1, s.len)));
}

static vonk_status decode_text(vonk__j_caller *caller, char tag, vonk_str body, vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, caller->machine->budget, VONK__J_MAX_COMMAND_BYTES);
    if (tag == 'j') {
        VONK_TRY(read_base64(body, &text, err));
        return vonk__j_text_value(caller->machine->budget, VONK__J_BYTES, vonk_buf_str(&text), ret, err);
    }
    if (vonk_str_find_byte(body, '\\', 0) == SIZE_MAX)
        return vonk__j_text_value(caller->machine->budget, VONK__J_STRING, body, ret, err);
    VONK_TRY(vonk__j_unescape(body, &text, err));
    return vonk__j_text_value(caller->machine->budget, VONK__J_STRING, vonk_buf_str(&text), ret, err);
}

static vonk_status decode_integer(char tag, vonk_str body, vonk__j_value *ret, vonk_error *err)
{
    int64_t i = 0;
    if (!plain_integer(body) || !vonk_text_to_i64(body, false, INT64_MIN, INT64_MAX, &i))
        return not_a_number(body, err);
    const bool small = tag == 'i' && i >= INT32_MIN && i <= INT32_MAX;
    *ret = small ? vonk__j_i32((int32_t)i) : vonk__j_i64(i);
    return VONK_OK;
}

static vonk_status decode_double(vonk_str body, vonk__j_value *ret, vonk_error *err)
{
    double f = 0;
    const bool special = vonk_str_is(body, "NaN") || vonk_str_is(body, "Infinity") || vonk_str_is(body, "-Infinity");
    if ((!special && !plain_decimal(body)) || !vonk_text_to_f64(body, &f)) return not_a_number(body, err);
    *ret = vonk__j_f64(f);
    return VONK_OK;
}

vonk_status vonk__j_decode(vonk__j_caller *caller, vonk_str part, vonk__j_value *ret, vonk_error *err)
{
    *ret = VONK__J_NOTHING;
    if (!part.len) return malformed("Command Part is Empty or is the End of Command Part", part, err);
    const vonk_str body = vonk_str_sub(part, 1, part.len);
    switch (part.data[0]) {
    case 'n': return VONK_OK;
    case 'b': *ret = vonk__j_bool(vonk_str_is_nocase(body, "true")); return VONK_OK;
    case 'i':
    case 'L': return decode_integer(part.data[0], body, ret, err);
    case 'd': return decode_double(body, ret, err);
    case 'D':
        if (!plain_decimal(body)) return not_a_number(body, err);
        return vonk__j_text_value(caller->machine->budget, VONK__J_DECIMAL, body, ret, err);
    case 's':
    case 'j': return decode_text(caller, part.data[0], body, ret, err);
    case 'r': *ret = vonk__j_of(vonk__j_get(caller->machine, body)); return VONK_OK; /* one that is gone: null */
    case 'f': return vonk__j_proxy_new(caller, body, ret, err);
    default: return malformed("Command Part is unknown", part, err);
    }
}

/* ---- values to the wire */

/* Java's strings are UTF-16, so what is sent is UTF-8 whatever a file or a worker put in. */
static vonk_status add_clean(vonk_str text, vonk_buf *out, vonk_error *err)
{
    if (vonk_utf8_valid(text)) return vonk__j_escape(text, out, err);
    VONK_AUTO(vonk_buf_done) vonk_buf clean = {0};
    vonk_buf_init(&clean, out->budget, SIZE_MAX);
    VONK_TRY(vonk_utf8_clean(text, &clean, err));
    return vonk__j_escape(vonk_buf_str(&clean), out, err);
}

vonk_status vonk__j_encode(vonk__j_caller *caller, const vonk__j_value *v, vonk_buf *out, vonk_error *err)
{
    static const char tags[] = {
        [VONK__J_VOID] = 'v', [VONK__J_NULL] = 'n', [VONK__J_BOOL] = 'b',    [VONK__J_I8] = 'i',
        [VONK__J_I16] = 'i',  [VONK__J_I32] = 'i',  [VONK__J_I64] = 'L',     [VONK__J_F32] = 'd',
        [VONK__J_F64] = 'd',  [VONK__J_CHAR] = 's', [VONK__J_DECIMAL] = 'D', [VONK__J_STRING] = 's',
        [VONK__J_BYTES] = 'j'};
    char id[24];
    if (v->kind == VONK__J_OBJECT) {
        VONK_TRY(vonk__j_put(caller->machine, v->object, id, err));
        return vonk_buf_printf(out, err, "%c%s", v->object->cls->tag, id);
    }
    VONK_TRY(vonk_buf_add_byte(out, tags[v->kind], err));
    if (v->kind == VONK__J_VOID || v->kind == VONK__J_NULL) return VONK_OK;
    if (v->kind == VONK__J_STRING) return add_clean(vonk__j_str(v), out, err);
    if (v->kind == VONK__J_BYTES) return add_base64(vonk__j_str(v), out, err);
    if (v->kind != VONK__J_CHAR) return vonk__j_add_text(caller, v, 0, out, err);
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, out->budget, 16);
    VONK_TRY(vonk__j_add_text(caller, v, 0, &text, err));
    return add_clean(vonk_buf_str(&text), out, err);
}
