/* func/string_measure.c -- how strings compare by sound and spelling, check digits, sentences, parts of URLs. */
#include "base/buf.h"
#include "column/builder.h"
#include "func/body.h"
#include "func/tables.h"
#include "text/case_map.h"
#include "text/chars.h"

static vonk_body eval_jaro, eval_levenshtein, eval_luhn, eval_parse_url, eval_sentences, eval_soundex;

#define ROW .group = "string_funcs"

const vonk_fn vonk_fns_string_measure[] = {
    {.name = "jaro_winkler_similarity",
     .args = "string,string",
     .result = "double",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_jaro,
     .doc = "How alike two strings are, 0 to 1, by common characters, transpositions and a common start.",
     .example = "jaro_winkler_similarity('MARTHA', 'MARHTA')",
     .expect = "0.9611111111111111"},
    {.name = "levenshtein",
     .args = "string,string,int?",
     .result = "int",
     ROW,
     .eval = eval_levenshtein,
     .doc = "How many characters must be inserted, left out or replaced to make the first string the second; -1 when "
            "it is more than the third argument.",
     .example = "levenshtein('kitten', 'sitting')",
     .expect = "3"},
    {.name = "luhn_check",
     .args = "string",
     .result = "boolean",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_luhn,
     .doc = "Whether the digits have a right check digit by Luhn's algorithm.",
     .example = "luhn_check('79927398713')",
     .expect = "true"},
    {.name = "parse_url",
     .args = "=string,=string,=string?",
     .result = "string",
     .group = "url_funcs",
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_parse_url,
     .doc = "A part of a URL: HOST, PATH, QUERY (with a third argument: the value of that key), REF, PROTOCOL, FILE, "
            "AUTHORITY or USERINFO.",
     .example = "parse_url('http://vonk.org/path?query=1', 'HOST')",
     .expect = "vonk.org"},
    {.name = "sentences",
     .args = "string,string?,string?",
     .result = "array<array<string>>",
     ROW,
     .nulls = VONK_NULLS_OWN, /* of what the language and the country say nothing is made */
     .nullable = VONK_NULLABLE_ALWAYS,
     .text = "$0($1, , ); $0($1, $2, ); $0($1, $2, $3)",
     .eval = eval_sentences,
     .doc = "The words of each sentence.",
     .example = "sentences('Hi there! Good morning.')",
     .expect = "[[Hi, there], [Good, morning]]"},
    {.name = "soundex",
     .args = "=string",
     .result = "string",
     ROW,
     .eval = eval_soundex,
     .doc = "A letter and three digits for how an English word sounds.",
     .example = "soundex('Miller')",
     .expect = "M460"},
    {.name = "try_parse_url",
     .errors_of = "parse_url",
     .args = "=string,=string,=string?",
     .result = "string",
     .group = "url_funcs",
     .nullable = VONK_NULLABLE_ALWAYS,
     .force_mode = VONK_MODE_TRY,
     .eval = eval_parse_url,
     .doc = "A part of a URL, or NULL where there is none.",
     .example = "try_parse_url('http://a b/', 'HOST')",
     .expect = "NULL"},
};
VONK_FN_COUNT(string_measure);

static vonk_status code_points(vonk_arena *arena, vonk_str s, uint32_t **ret, size_t *ret_n, vonk_error *err)
{
    size_t n = 0;
    VONK_TRY(vonk_arena_array(arena, s.len + 1, sizeof(**ret), ret, err));
    for (size_t at = 0; at < s.len;) (*ret)[n++] = vonk_char_decode(s, &at);
    *ret_n = n;
    return VONK_OK;
}

/* ---- Levenshtein: one row of the table of distances at a time */

static vonk_status distance(vonk_arena *arena, vonk_str x, vonk_str y, int32_t *ret, vonk_error *err)
{
    uint32_t *a, *b, *row;
    size_t n, m;
    VONK_TRY(code_points(arena, x, &a, &n, err));
    VONK_TRY(code_points(arena, y, &b, &m, err));
    VONK_TRY(vonk_arena_array(arena, m + 1, sizeof(*row), &row, err));
    for (size_t k = 0; k <= m; k++) row[k] = (uint32_t)k;
    for (size_t i = 1; i <= n; i++) {
        uint32_t diagonal = row[0];
        row[0] = (uint32_t)i;
        for (size_t k = 1; k <= m; k++) {
            uint32_t replaced = diagonal + (a[i - 1] != b[k - 1]),
                     best = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
            diagonal = row[k];
            row[k] = replaced < best ? replaced : best;
        }
    }
    *ret = (int32_t)row[m];
    return VONK_OK;
}

VONK_FN_EVAL(eval_levenshtein)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_arena_new(ev->budget, &arena, err));
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t d;
        vonk_arena_reset(arena);
        if (ev->cancelled && ev->cancelled(ev->query)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(distance(arena, vonk_str_at(args[0], i), vonk_str_at(args[1], i), &d, err));
        VONK_OUT(r, int32_t)[i] = call->n_args > 2 && d > vonk_i32_at(args[2], i) ? -1 : d;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- Jaro and Winkler */

static double jaro_winkler(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint8_t *used_a, uint8_t *used_b)
{
    size_t longer = n > m ? n : m, window = longer / 2 > 0 ? longer / 2 - 1 : 0, common = 0, swaps = 0, start = 0,
           k = 0;
    if (!n && !m) return 1;
    for (size_t i = 0; i < n; i++) {
        size_t low = i > window ? i - window : 0, high = i + window + 1 < m ? i + window + 1 : m;
        for (size_t j = low; j < high; j++) {
            if (used_b[j] || a[i] != b[j]) continue;
            used_a[i] = used_b[j] = 1;
            common++;
            break;
        }
    }
    if (!common) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!used_a[i]) continue;
        while (!used_b[k]) k++;
        swaps += a[i] != b[k++];
    }
    double c = (double)common, jaro = (c / (double)n + c / (double)m + (c - (double)swaps / 2) / c) / 3;
    while (start < 4 && start < n && start < m && a[start] == b[start]) start++;
    return jaro + 0.1 * (double)start * (1 - jaro);
}

VONK_FN_EVAL(eval_jaro)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_arena_new(ev->budget, &arena, err));
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        uint32_t *a, *b;
        uint8_t *used;
        size_t n, m;
        vonk_arena_reset(arena);
        VONK_TRY(code_points(arena, vonk_str_at(args[0], i), &a, &n, err));
        VONK_TRY(code_points(arena, vonk_str_at(args[1], i), &b, &m, err));
        VONK_TRY(vonk_arena_alloc(arena, n + m + 1, &used, err));
        VONK_OUT(r, double)[i] = jaro_winkler(a, n, b, m, used, used + n);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- check digits */

static bool luhn(vonk_str s)
{
    int sum = 0;
    if (!s.len) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[s.len - 1 - i];
        if (c < '0' || c > '9') return false;
        int d = (c - '0') * (i % 2 ? 2 : 1);
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

VONK_FN_EVAL(eval_luhn)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) vonk_put_bool(&r, i, luhn(vonk_str_at(args[0], i)));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- soundex: 7 stands for h and w, which do not part equal codes; 0 for vowels, which do */

static void soundex(vonk_str s, char out[4])
{
    static const char codes[] = "01230127022455012623017202";
    size_t n = 1;
    char first = s.data[0] >= 'a' ? (char)(s.data[0] - 32) : s.data[0];
    char last = codes[first - 'A'];
    out[0] = first;
    for (size_t i = 1; i < s.len && n < 4; i++) {
        char c = s.data[i] >= 'a' && s.data[i] <= 'z' ? (char)(s.data[i] - 32) : s.data[i];
        if (c < 'A' || c > 'Z') {
            last = '0';
            continue;
        }
        char code = codes[c - 'A'];
        if (code == '7') continue;
        if (code != '0' && code != last) out[n++] = code;
        last = code;
    }
    while (n < 4) out[n++] = '0';
}

VONK_FN_EVAL(eval_soundex)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        char code[4];
        bool letter = text.len && ((text.data[0] | 32) >= 'a' && (text.data[0] | 32) <= 'z');
        if (letter) soundex(text, code);
        VONK_TRY(vonk_strings_put(&s, i, letter ? (vonk_str){code, 4} : text, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- sentences: they end at . ! ? before white space or the end; words are letters, digits and what stands between
 * two of them (' . -) */

static bool word_char(uint32_t c)
{
    return c >= 128 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static vonk_status add_sentences(vonk_str s, vonk_builder *b, vonk_error *err)
{
    vonk_builder *words = vonk_builder_child(b, 0);
    bool any = false;
    for (size_t at = 0; at < s.len;) {
        size_t start = at;
        uint32_t c = vonk_char_decode(s, &at);
        if (word_char(c)) {
            for (size_t next = at; next < s.len;) {
                size_t before = next;
                c = vonk_char_decode(s, &next);
                bool inner = (c == '\'' || c == '.') && next < s.len && word_char((uint8_t)s.data[next]);
                if (!word_char(c) && !inner) {
                    at = before;
                    break;
                }
                at = next;
            }
            VONK_TRY(vonk_builder_str(vonk_builder_child(words, 0), vonk_str_sub(s, start, at), err));
            any = true;
            continue;
        }
        bool end = (c == '.' || c == '!' || c == '?') && (at == s.len || strchr(" \t\r\n", s.data[at]));
        if (!end || !any) continue;
        VONK_TRY(vonk_builder_close(words, err));
        any = false;
    }
    return any ? vonk_builder_close(words, err) : VONK_OK;
}

VONK_FN_EVAL(eval_sentences)
{
    uint32_t done = 0;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n_rows, err));
    for (VONK_EACH_ROW(rows, i)) {
        for (; done < i; done++) VONK_TRY(vonk_builder_close(&b, err));
        done++;
        if (vonk_null_at(args[0], i)) {
            VONK_TRY(vonk_builder_null(&b, err));
            continue;
        }
        VONK_TRY(add_sentences(vonk_str_at(args[0], i), &b, err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    for (; done < n_rows; done++) VONK_TRY(vonk_builder_close(&b, err));
    return vonk_builder_finish(&b, ret, err);
}

/* ---- parts of URLs, as java.net.URI sees them */

typedef struct url {
    vonk_str scheme, authority, user_info, host, path, query, fragment; /* data NULL: not there */
} url;

static bool is_hex(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

static bool legal(vonk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '%' && !(i + 2 < s.len && is_hex(s.data[i + 1]) && is_hex(s.data[i + 2]))) return false;
        if ((uint8_t)c <= ' ' || (c && strchr("<>\"{}|\\^`", c)) || c == 127) return false;
    }
    return true;
}

static vonk_str cut_behind(vonk_str *s, char mark)
{
    size_t at = vonk_str_find_byte(*s, mark, 0);
    if (at == SIZE_MAX) return VONK_STR_NONE;
    vonk_str rest = vonk_str_sub(*s, at + 1, s->len);
    *s = vonk_str_sub(*s, 0, at);
    return rest;
}

/* [user@]host[:port]; anything else is an authority without a host. */
static void split_authority(url *u)
{
    vonk_str rest = u->authority;
    size_t at = vonk_str_find_byte(rest, '@', 0);
    vonk_str user = VONK_STR_NONE;
    if (at != SIZE_MAX) {
        user = vonk_str_sub(rest, 0, at);
        rest = vonk_str_sub(rest, at + 1, rest.len);
    }
    size_t end = rest.len && rest.data[0] == '[' ? vonk_str_find_byte(rest, ']', 0) : 0;
    size_t colon = vonk_str_find_byte(rest, ':', end == SIZE_MAX ? 0 : end);
    vonk_str host = vonk_str_sub(rest, 0, colon == SIZE_MAX ? rest.len : colon);
    for (size_t i = colon == SIZE_MAX ? rest.len : colon + 1; i < rest.len; i++)
        if (rest.data[i] < '0' || rest.data[i] > '9') return;
    for (size_t i = 0; i < host.len && host.data[0] != '['; i++) {
        char c = host.data[i];
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.') return;
    }
    if (!host.len) return;
    u->user_info = user;
    u->host = host;
}

static bool read_url(vonk_str s, url *u)
{
    *u = (url){0};
    if (!legal(s)) return false;
    u->fragment = cut_behind(&s, '#');
    size_t colon = vonk_str_find_byte(s, ':', 0), slash = vonk_str_find_byte(s, '/', 0),
           mark = vonk_str_find_byte(s, '?', 0);
    if (colon != SIZE_MAX && colon < slash && colon < mark) {
        assert(s.data);
        if (colon == 0 || !((s.data[0] | 32) >= 'a' && (s.data[0] | 32) <= 'z')) return false;
        u->scheme = vonk_str_sub(s, 0, colon);
        s = vonk_str_sub(s, colon + 1, s.len);
        if (!s.len) return false;
        if (s.data[0] != '/') return true; /* opaque: nothing but a scheme */
    }
    u->query = cut_behind(&s, '?');
    if (vonk_str_starts(s, VONK_STR("//"))) {
        size_t end = vonk_str_find_byte(s, '/', 2);
        u->authority = vonk_str_sub(s, 2, end == SIZE_MAX ? s.len : end);
        if (!u->authority.len) u->authority = VONK_STR_NONE;
        s = vonk_str_sub(s, end == SIZE_MAX ? s.len : end, s.len);
        if (u->authority.data) split_authority(u);
    }
    u->path = s.data ? s : VONK_STR("");
    return true;
}

static vonk_str query_value(vonk_str query, vonk_str key)
{
    for (size_t at = 0; at <= query.len;) {
        size_t end = vonk_str_find_byte(query, '&', at);
        vonk_str pair = vonk_str_sub(query, at, end == SIZE_MAX ? query.len : end);
        if (vonk_str_starts(pair, key) && pair.len > key.len && pair.data[key.len] == '=')
            return vonk_str_sub(pair, key.len + 1, pair.len);
        if (end == SIZE_MAX) break;
        at = end + 1;
    }
    return VONK_STR_NONE;
}

static vonk_status put_part(vonk_strings *s, uint32_t row, const url *u, vonk_str part, const vonk_str *key,
                            vonk_error *err)
{
    vonk_str value = VONK_STR_NONE;
    if (vonk_str_is(part, "FILE") && u->path.data) {
        char *at;
        size_t bytes = u->path.len + (u->query.data ? u->query.len + 1 : 0);
        VONK_TRY(vonk_strings_reserve(s, bytes + 1, &at, err));
        memcpy(at, u->path.data, u->path.len);
        if (u->query.data) {
            at[u->path.len] = '?';
            memcpy(at + u->path.len + 1, u->query.data, u->query.len);
        }
        vonk_strings_commit(s, row, at, bytes);
        return VONK_OK;
    }
    if (vonk_str_is(part, "HOST")) value = u->host;
    if (vonk_str_is(part, "PATH")) value = u->path;
    if (vonk_str_is(part, "QUERY")) value = u->query;
    if (vonk_str_is(part, "REF")) value = u->fragment;
    if (vonk_str_is(part, "PROTOCOL")) value = u->scheme;
    if (vonk_str_is(part, "AUTHORITY")) value = u->authority;
    if (vonk_str_is(part, "USERINFO")) value = u->user_info;
    if (key) value = vonk_str_is(part, "QUERY") && value.data ? query_value(value, *key) : VONK_STR_NONE;
    return value.data ? vonk_strings_put(s, row, value, err) : vonk_strings_null(s, row, err);
}

VONK_FN_EVAL(eval_parse_url)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i), key;
        url u;
        if (!read_url(text, &u)) {
            if (call->mode == VONK_MODE_ANSI) return VONK_FAIL(err, VONK_E_INVALID_URL, "url", VONK_S(text));
            VONK_TRY(vonk_strings_null(&s, i, err));
            continue;
        }
        if (call->n_args > 2) key = vonk_str_at(args[2], i);
        VONK_TRY(put_part(&s, i, &u, vonk_str_at(args[1], i), call->n_args > 2 ? &key : NULL, err));
    }
    return vonk_strings_take(&s, ret, err);
}
