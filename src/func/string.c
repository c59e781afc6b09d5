/* func/string.c -- parts of strings: lengths, pieces, trimming, case. Results that are pieces of the argument share its
 * bytes. */
#include "base/utf8.h"
#include "func/body.h"
#include "func/tables.h"
#include "text/case_map.h"
#include "text/chars.h"

static vonk_body eval_ascii, eval_bit_length, eval_byte_length, eval_char_length, eval_chr, eval_initcap, eval_left,
    eval_lower, eval_reverse, eval_right, eval_space, eval_substring, eval_trim, eval_upper;
static vonk_status prepare_trim(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_reverse(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "string_funcs", .raises = VONK_NEVER_RAISES
#define TRIM_RULES ROW, .result = "string", .prepare = prepare_trim, .eval = eval_trim

const vonk_fn vonk_fns_string[] = {
    {.name = "ascii",
     .args = "string",
     .result = "int",
     ROW,
     .eval = eval_ascii,
     .doc = "Code point of the first character; 0 for an empty string.",
     .example = "ascii('Vonk')",
     .expect = ""},
    {.name = "bit_length",
     .args = "string|binary",
     .result = "int",
     ROW,
     .eval = eval_bit_length,
     .doc = "Length of a string's UTF-8 bytes, or of a binary, in bits.",
     .example = "bit_length('spark')",
     .expect = ""},
    {.name = "btrim",
     .args = "string,string?",
     TRIM_RULES,
     .doc = "str without the characters of trimStr (blanks by default) at both ends.",
     .example = "btrim('xyvonkyx', 'xy')",
     .expect = ""},
    {.name = "char", .alias_of = "chr"},
    {.name = "char_length", .alias_of = "length"},
    {.name = "character_length", .alias_of = "length"},
    {.name = "chr",
     .args = "bigint",
     .result = "string",
     ROW,
     .eval = eval_chr,
     .doc = "The character of code point n modulo 256; an empty string for negative n.",
     .example = "chr(86)",
     .expect = ""},
    {.name = "initcap",
     .args = "string",
     .result = "string",
     ROW,
     .eval = eval_initcap,
     .doc = "First letter of each word in title case, all others in lower case. Words are separated by blanks.",
     .example = "initcap('a native SPARK')",
     .expect = ""},
    {.name = "lcase", .alias_of = "lower"},
    {.name = "left",
     .args = "string|binary,int",
     .result = "arg0",
     ROW,
     .eval = eval_left,
     .doc = "The first n characters or bytes.",
     .example = "left('vonk', 2)",
     .expect = ""},
    {.name = "len", .alias_of = "length"},
    {.name = "length",
     .args = "string|binary",
     .result = "int",
     ROW,
     .eval = eval_char_length,
     .doc = "Number of characters of a string (blanks at the end count), of bytes of a binary.",
     .example = "length('vonk ')",
     .expect = ""},
    {.name = "lower",
     .args = "string",
     .result = "string",
     ROW,
     .eval = eval_lower,
     .doc = "The string in lower case.",
     .example = "lower('VoNK')",
     .expect = ""},
    {.name = "ltrim",
     .args = "string,string?",
     TRIM_RULES,
     .text = "$0($1); TRIM(LEADING $1 FROM $2)",
     .doc = "The string (last argument) without leading blanks, or without leading characters of the first argument.",
     .example = "ltrim('  vonk')",
     .expect = ""},
    {.name = "octet_length",
     .args = "string|binary",
     .result = "int",
     ROW,
     .eval = eval_byte_length,
     .doc = "Number of a string's UTF-8 bytes, or of a binary's bytes.",
     .example = "octet_length('é')",
     .expect = ""},
    {.name = "reverse",
     .args = "string|binary|array",
     .result = "arg0",
     .group = "collection_funcs",
     .raises = VONK_NEVER_RAISES,
     .prepare = prepare_reverse,
     .eval = eval_reverse,
     .doc = "The characters of a string, or the elements of an array, last one first.",
     .example = "reverse('knov')",
     .expect = ""},
    {.name = "right",
     .args = "string,int",
     .result = "string",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_right,
     .doc = "The last n characters.",
     .example = "right('vonk', 2)",
     .expect = ""},
    {.name = "rtrim",
     .args = "string,string?",
     TRIM_RULES,
     .text = "$0($1); TRIM(TRAILING $1 FROM $2)",
     .doc =
         "The string (last argument) without blanks at its end, or without the characters of the first argument there.",
     .example = "rtrim('vonk  ')",
     .expect = ""},
    {.name = "space",
     .args = "int",
     .result = "string",
     ROW,
     .eval = eval_space,
     .doc = "n blanks.",
     .example = "concat(space(2), '1')",
     .expect = ""},
    {.name = "substr", .alias_of = "substring"},
    {.name = "substring",
     .args = "string|binary,int,int?",
     .result = "arg0",
     ROW,
     .text = "$0($1, $2, 2147483647); $0($1, $2, $3)",
     .eval = eval_substring,
     .doc = "The part of a string or binary that starts at position pos (1 is the first; negative counts from the end) "
            "and is len long.",
     .example = "substring('native vonk', 8, 3)",
     .expect = ""},
    {.name = "trim",
     .args = "string,string?",
     TRIM_RULES,
     .text = "$0($1); TRIM(BOTH $1 FROM $2)",
     .doc = "The string (last argument) without blanks at both ends, or without the characters of the first argument "
            "there.",
     .example = "trim('  vonk ')",
     .expect = ""},
    {.name = "ucase", .alias_of = "upper"},
    {.name = "upper",
     .args = "string",
     .result = "string",
     ROW,
     .eval = eval_upper,
     .doc = "The string in upper case.",
     .example = "upper('vonk')",
     .expect = ""},
};
VONK_FN_COUNT(string);

/* ---- lengths */

static bool is_binary(const vonk_column *c) { return c->type->id == VONK_T_BINARY; }

static vonk_status put_lengths(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *arg, uint32_t n_rows,
                               vonk_rows rows, bool chars, int32_t times, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    int32_t *out = r.data;
    const vonk_view *v = arg->data;
    if (chars)
        for (VONK_EACH_ROW(rows, i)) out[i] = (int32_t)vonk_chars_count(vonk_view_str(&v[i], arg->heaps));
    else
        for (VONK_EACH_ROW(rows, i)) out[i] = (int32_t)v[i].len * times;
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_char_length)
{
    return put_lengths(call, ev, args[0], n_rows, rows, !is_binary(args[0]), 1, ret, err);
}

VONK_FN_EVAL(eval_byte_length) { return put_lengths(call, ev, args[0], n_rows, rows, false, 1, ret, err); }

VONK_FN_EVAL(eval_bit_length) { return put_lengths(call, ev, args[0], n_rows, rows, false, 8, ret, err); }

VONK_FN_EVAL(eval_ascii)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str s = vonk_str_at(args[0], i);
        size_t at = 0;
        VONK_OUT(r, int32_t)[i] = s.len ? (int32_t)vonk_char_decode(s, &at) : 0;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_chr)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t n = vonk_i64_at(args[0], i);
        char bytes[4];
        if (n < 0) continue;
        size_t used = vonk_char_encode((uint32_t)(n & 0xFF), bytes);
        VONK_TRY(vonk_strings_put(&s, i, (vonk_str){bytes, used}, err));
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_space)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t n = vonk_i32_at(args[0], i);
        char *at;
        if (n <= 0) continue;
        VONK_TRY(vonk_strings_reserve(&s, (size_t)n, &at, err));
        memset(at, ' ', (size_t)n);
        vonk_strings_commit(&s, i, at, (size_t)n);
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- pieces */

/* Bytes [*from, *to) of `s` for Spark's (pos, len); `chars`: count characters, else bytes. */
static void find_piece(vonk_str s, bool chars, int64_t pos, int64_t len, size_t *from, size_t *to)
{
    *from = *to = 0;
    if (len <= 0) return;
    int64_t start = pos > 0 ? pos - 1 : pos, end = 0;
    /* Counting from the front needs no more than the bytes up to the end of the piece, if those are ASCII. */
    if (pos >= 0 && (!chars || vonk_chars_ascii(s.data, vonk_min_size(s.len, (size_t)(start + len))))) {
        *from = vonk_min_size((size_t)start, s.len);
        *to = vonk_min_size((size_t)(start + len), s.len);
        return;
    }
    if (pos >= 0) {
        *from = vonk_chars_skip(s, 0, (size_t)start);
        *to = vonk_chars_skip(s, *from, (size_t)len);
        return;
    }
    int64_t all = chars ? (int64_t)vonk_chars_count(s) : (int64_t)s.len;
    start = all + pos;
    end = start + len;
    if (end <= 0) return;
    if (start < 0) start = 0;
    if (end > all) end = all;
    bool direct = !chars || all == (int64_t)s.len;
    *from = direct ? (size_t)start : vonk_chars_skip(s, 0, (size_t)start);
    *to = direct ? (size_t)end : vonk_chars_skip(s, *from, (size_t)(end - start));
}

VONK_FN_EVAL(eval_substring)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    bool chars = !is_binary(args[0]);
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, args[0], &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from, to;
        int64_t len = call->n_args > 2 ? vonk_i32_at(args[2], i) : INT32_MAX;
        find_piece(vonk_str_at(args[0], i), chars, vonk_i32_at(args[1], i), len, &from, &to);
        vonk_slice_put(&r, args[0], i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_left)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    bool chars = !is_binary(args[0]);
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, args[0], &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from, to;
        find_piece(vonk_str_at(args[0], i), chars, 1, vonk_i32_at(args[1], i), &from, &to);
        vonk_slice_put(&r, args[0], i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_right)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, args[0], &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from = 0, to = 0;
        int64_t n = vonk_i32_at(args[1], i);
        if (n > 0) find_piece(vonk_str_at(args[0], i), true, -n, n, &from, &to);
        vonk_slice_put(&r, args[0], i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- trimming */

typedef struct trim_state {
    bool left, right;
    uint32_t source, set; /* argument numbers; set UINT32_MAX: blanks */
} trim_state;

static vonk_status prepare_trim(vonk_fn_call *call, vonk_error *err)
{
    trim_state *t;
    const vonk_fn *fn = vonk_fn_canonical(call->fn);
    char which = fn->name[0];
    VONK_TRY(VONK_ARENA_NEW(call->arena, &t, err));
    t->left = which != 'r';
    t->right = which != 'l';
    /* btrim(str, set); trim(set, str) and its kin */
    t->source = which == 'b' ? 0 : call->n_args - 1;
    t->set = call->n_args == 1 ? UINT32_MAX : 1 - t->source;
    call->state = t;
    return VONK_OK;
}

static void trim_blanks(const trim_state *t, vonk_str s, size_t *from, size_t *to)
{
    size_t a = 0, b = s.len;
    if (t->left)
        while (a < b && s.data[a] == ' ') a++;
    if (t->right)
        while (b > a && s.data[b - 1] == ' ') b--;
    *from = a;
    *to = b;
}

static void trim_set(const trim_state *t, vonk_str s, vonk_str set, size_t *from, size_t *to)
{
    size_t a = 0, b = s.len;
    while (t->left && a < b) {
        size_t n = vonk_char_at(s, a);
        if (vonk_str_find(set, vonk_str_sub(s, a, a + n), 0) == SIZE_MAX) break;
        a += n;
    }
    while (t->right && b > a) {
        size_t n = vonk_chars_back(s, b);
        if (vonk_str_find(set, vonk_str_sub(s, n, b), 0) == SIZE_MAX) break;
        b = n;
    }
    *from = a;
    *to = b;
}

VONK_FN_EVAL(eval_trim)
{
    const trim_state *t = call->state;
    const vonk_column *source = args[t->source];
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, source, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from, to;
        vonk_str s = vonk_str_at(source, i);
        if (t->set == UINT32_MAX)
            trim_blanks(t, s, &from, &to);
        else
            trim_set(t, s, vonk_str_at(args[t->set], i), &from, &to);
        vonk_slice_put(&r, source, i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- case */

static vonk_status put_case(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *arg, uint32_t n_rows,
                            vonk_rows rows, vonk_case to, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf mapped = {0};
    void (*ascii)(const char *, size_t, char *) = to == VONK_CASE_UPPER   ? vonk_ascii_upper
                                                  : to == VONK_CASE_LOWER ? vonk_ascii_lower
                                                                          : vonk_ascii_title;
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    vonk_buf_init(&mapped, ev->budget, SIZE_MAX);
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(arg, i);
        if (VONK_UNLIKELY(!vonk_chars_ascii(text.data, text.len))) {
            VONK_TRY(vonk_case_map(to, text, &mapped, err));
            VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&mapped), err));
            continue;
        }
        char inlined[VONK_VIEW_INLINE], *at = inlined;
        if (text.len > sizeof(inlined)) VONK_TRY(vonk_strings_reserve(&s, text.len, &at, err));
        ascii(text.data, text.len, at);
        vonk_strings_commit(&s, i, at, text.len);
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_upper) { return put_case(call, ev, args[0], n_rows, rows, VONK_CASE_UPPER, ret, err); }

VONK_FN_EVAL(eval_lower) { return put_case(call, ev, args[0], n_rows, rows, VONK_CASE_LOWER, ret, err); }

VONK_FN_EVAL(eval_initcap) { return put_case(call, ev, args[0], n_rows, rows, VONK_CASE_TITLE, ret, err); }

/* ---- reverse */

static void reverse_into(vonk_str s, char *out)
{
    size_t to = s.len;
    for (size_t i = 0; i < s.len;) {
        size_t n = vonk_char_at(s, i);
        to -= n;
        memcpy(out + to, s.data + i, n);
        i += n;
    }
}

static void reverse_bytes_into(vonk_str s, char *out)
{
    for (size_t i = 0; i < s.len; i++) out[s.len - 1 - i] = s.data[i];
}

static vonk_status reverse_each(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *values, uint32_t n_rows,
                                vonk_rows rows, void (*into)(vonk_str, char *), vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str value = vonk_str_at(values, i);
        char inlined[VONK_VIEW_INLINE], *at = inlined;
        if (value.len > sizeof(inlined)) VONK_TRY(vonk_strings_reserve(&s, value.len, &at, err));
        into(value, at);
        vonk_strings_commit(&s, i, at, value.len);
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_reverse) { return reverse_each(call, ev, args[0], n_rows, rows, reverse_into, ret, err); }
VONK_FN_EVAL(reverse_bytes) { return reverse_each(call, ev, args[0], n_rows, rows, reverse_bytes_into, ret, err); }

VONK_FN_EVAL(reverse_array)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        for (uint32_t k = s.len; k-- > 0;) VONK_TRY(vonk_lists_add(&l, s.offset + k, err));
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, args[0]->children, 1, ret, err);
}

static vonk_status prepare_reverse(vonk_fn_call *call, vonk_error *err)
{
    if (call->arg_types[0]->id == VONK_T_ARRAY) call->eval = reverse_array;
    if (call->arg_types[0]->id == VONK_T_BINARY) call->eval = reverse_bytes;
    return VONK_OK;
}
