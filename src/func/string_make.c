/* func/string_make.c -- strings made of others: joined, padded, repeated, with parts replaced. */
#include "func/body.h"
#include "func/coerce.h"
#include "func/tables.h"
#include "text/case_map.h"
#include "text/chars.h"

static vonk_body eval_concat, eval_concat_arrays, eval_concat_ws, eval_elt, eval_mask, eval_overlay, eval_pad,
    eval_quote, eval_repeat, eval_replace, eval_translate;
static vonk_status resolve_concat(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_concat_ws(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_elt(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_mask(vonk_fn_types *types, vonk_error *err);
static vonk_status prepare_concat(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_mask(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_translate(vonk_fn_call *call, vonk_error *err);

#define ROW .group = "string_funcs", .raises = VONK_NEVER_RAISES
#define PAD .args = "!binary,int,!binary?;string,int,string?", .result = "arg0", ROW, .eval = eval_pad

const vonk_fn vonk_fns_string_make[] = {
    {.name = "concat",
     .group = "collection_funcs",
     .raises = VONK_NEVER_RAISES,
     .resolve = resolve_concat,
     .prepare = prepare_concat,
     .eval = eval_concat,
     .doc = "All arguments one after the other: strings, binaries or arrays.",
     .example = "concat('vo', 'nk')",
     .expect = ""},
    {.name = "concat_ws",
     .args = "string,array<string>|string...",
     .result = "string",
     .nulls = VONK_NULLS_OWN,
     ROW,
     .resolve = resolve_concat_ws,
     .eval = eval_concat_ws,
     .doc = "Strings and elements of arrays, joined by the separator (first argument). Nulls are left out.",
     .example = "concat_ws(' ', 'native', 'vonk')",
     .expect = ""},
    {.name = "elt",
     .args = "int,!binary,!binary...;int,string,string...",
     .result = "arg1",
     .nulls = VONK_NULLS_OWN,
     .nullable = VONK_NULLABLE_ALWAYS,
     .raises = VONK_RAISES_ANSI,
     .group = "string_funcs",
     .resolve = resolve_elt,
     .eval = eval_elt,
     .doc = "Argument number n of those that follow. Out of range: an error in ANSI mode, else NULL.",
     .example = "elt(2, 'scala', 'c')",
     .expect = ""},
    {.name = "lpad",
     PAD,
     .text = "$0($1, $2,  ); $0($1, $2, $3)",
     .doc = "The string or binary, filled up in front to a length (by blanks or zero bytes if nothing else is given), "
            "or cut to it.",
     .example = "lpad('hi', 5, '?')",
     .expect = ""},
    {.name = "mask",
     .args = "=string,=string?,=string?,=string?,=string?",
     .result = "string",
     .nulls = VONK_NULLS_OWN,
     .nullable = VONK_NULLABLE_ALWAYS,
     ROW,
     .text = "$0($1, X, x, n, NULL); $0($1, $2, x, n, NULL); $0($1, $2, $3, n, NULL); $0($1, $2, $3, $4, NULL); $0($1, "
             "$2, $3, $4, $5)",
     .resolve = resolve_mask,
     .prepare = prepare_mask,
     .eval = eval_mask,
     .doc = "Upper-case letters, lower-case letters, digits and other characters replaced by one character each (X, x, "
            "n; others stay). "
            "NULL for one of them: those characters stay.",
     .example = "mask('abcd-EFGH-8765-4321')",
     .expect = ""},
    {.name = "overlay",
     .args = "!binary,!binary,int,int?;string,string,int,int?",
     .result = "arg0",
     ROW,
     .text = "$0($1, $2, $3, -1); $0($1, $2, $3, $4)",
     .eval = eval_overlay,
     .doc = "The first argument with len characters from position pos on replaced by the second (len negative or "
            "missing: as many as it has).",
     .example = "overlay('Vonk SQL' PLACING '_' FROM 5)",
     .expect = ""},
    {.name = "quote",
     .args = "string",
     .result = "string",
     .nullable = VONK_NULLABLE_ALWAYS,
     ROW,
     .eval = eval_quote,
     .doc = "The string in single quotes; single quotes inside get a backslash.",
     .example = "quote('Don\\'t')",
     .expect = ""},
    {.name = "repeat",
     .args = "string,int",
     .result = "string",
     ROW,
     .eval = eval_repeat,
     .doc = "The string n times.",
     .example = "repeat('ab', 2)",
     .expect = ""},
    {.name = "replace",
     .args = "string,string,string?",
     .result = "string",
     ROW,
     .text = "$0($1, $2, ); $0($1, $2, $3)",
     .eval = eval_replace,
     .doc = "Every occurrence of the second string replaced by the third (by nothing, if there is none).",
     .example = "replace('ABCabc', 'abc', 'DEF')",
     .expect = ""},
    {.name = "rpad",
     PAD,
     .text = "$0($1, $2,  ); $0($1, $2, $3)",
     .doc = "The string or binary, filled up at its end to a length (by blanks or zero bytes if nothing else is "
            "given), or cut to it.",
     .example = "rpad('hi', 5, '?')",
     .expect = ""},
    {.name = "translate",
     .args = "string,string,string",
     .result = "string",
     ROW,
     .prepare = prepare_translate,
     .eval = eval_translate,
     .doc = "Each character that stands in the second string replaced by the one at the same place of the third, or "
            "left out.",
     .example = "translate('AaBbCc', 'abc', '123')",
     .expect = ""},
};
VONK_FN_COUNT(string_make);

/* Room for the bytes of a row: in `inlined` when they are few. */
static vonk_status row_room(vonk_strings *s, size_t bytes, char *inlined, char **ret, vonk_error *err)
{
    *ret = inlined;
    return bytes > VONK_VIEW_INLINE ? vonk_strings_reserve(s, bytes, ret, err) : VONK_OK;
}

static char *put(char *at, vonk_str text)
{
    if (text.len) memcpy(at, text.data, text.len);
    return at + text.len;
}

/* ---- concat */

static vonk_status concat_types(vonk_fn_types *t, const vonk_type *all, vonk_error *err)
{
    for (uint32_t i = 0; i < t->n_args; i++) t->types[i] = all;
    return vonk_fn_set_result(t, all);
}

static vonk_status concat_clash(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__DATA_DIFF_TYPES, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                     "functionName", VONK_QUOTED(t->fn->name), "dataType",
                     vonk_fn_type_list(t, "(", " or ", ")", (char[1024]){0}));
}

static vonk_status resolve_concat_arrays(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *common = t->types[0];
    for (uint32_t i = 1; i < t->n_args; i++) {
        const vonk_type *joined = NULL;
        VONK_TRY(vonk_coerce_common(common, t->types[i], t->env->ansi, &joined, err));
        if (!joined) return concat_clash(t, err);
        VONK_TRY(vonk_fn_own_type(t->arena, joined, &common, err));
    }
    return concat_types(t, common, err);
}

static vonk_status resolve_elt(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[1]->id != VONK_T_BINARY || !vonk_fn_setting_is(t->env, "spark.sql.function.eltOutputAsString", "true"))
        return VONK_OK;
    for (uint32_t i = 1; i < t->n_args; i++) t->types[i] = &vonk_type_string;
    return vonk_fn_set_result(t, &vonk_type_string);
}

/* All arrays, or all binaries, or everything as strings. */
static vonk_status resolve_concat(vonk_fn_types *t, vonk_error *err)
{
    uint32_t arrays = 0, binaries = 0;
    for (uint32_t i = 0; i < t->n_args; i++) {
        vonk_type_id id = t->types[i]->id;
        arrays += id == VONK_T_ARRAY;
        binaries += id == VONK_T_BINARY;
        const bool shown = vonk_type_is_atomic(t->types[i]) || (id == VONK_T_INTERVAL_CALENDAR && t->env->ansi);
        if (id != VONK_T_ARRAY && id != VONK_T_NULL && !shown)
            return vonk_fn_wrong_type(t, i, "(\"STRING\" or \"BINARY\" or \"ARRAY\")", err);
    }
    if (arrays) return resolve_concat_arrays(t, err);
    if (binaries && binaries == t->n_args &&
        !vonk_fn_setting_is(t->env, "spark.sql.function.concatBinaryAsString", "true"))
        return concat_types(t, &vonk_type_binary, err);
    for (uint32_t i = 0; i < t->n_args; i++)
        if (!vonk_type_is_stringy(t->types[i]) && !vonk_coerce_implicit(t->types[i], &vonk_type_string, t->env->ansi))
            return concat_clash(t, err);
    for (uint32_t i = 0; i < t->n_args; i++)
        if (!vonk_type_is_stringy(t->types[i])) t->types[i] = &vonk_type_string;
    return vonk_fn_set_result(t, &vonk_type_string);
}

static vonk_status prepare_concat(vonk_fn_call *call, vonk_error *err)
{
    if (call->type->id == VONK_T_ARRAY) call->eval = eval_concat_arrays;
    return VONK_OK;
}

VONK_FN_EVAL(eval_concat)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t bytes = 0;
        char inlined[VONK_VIEW_INLINE], *start;
        for (uint32_t a = 0; a < call->n_args; a++) bytes += VONK_VALUES(args[a], vonk_view)[i].len;
        VONK_TRY(row_room(&s, bytes, inlined, &start, err));
        char *at = start;
        for (uint32_t a = 0; a < call->n_args; a++) at = put(at, vonk_str_at(args[a], i));
        vonk_strings_commit(&s, i, start, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_concat_arrays)
{
    VONK_AUTO(vonk_lists_done) vonk_lists l = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *children = NULL;
    uint32_t *first;
    VONK_TRY(vonk_arena_array(ev->scratch, call->n_args, sizeof(*first), &first, err));
    VONK_TRY(vonk_join_children(ev, args, call->n_args, 0, first, &children, err));
    VONK_TRY(vonk_lists_new(ev, call->type, n_rows, rows, &l, err));
    for (VONK_EACH_ROW(rows, i)) {
        for (uint32_t a = 0; a < call->n_args; a++) {
            vonk_span s = vonk_span_at(args[a], i);
            for (uint32_t k = 0; k < s.len; k++) VONK_TRY(vonk_lists_add(&l, first[a] + s.offset + k, err));
        }
        vonk_lists_close(&l, i);
    }
    return vonk_lists_take(&l, &children, 1, ret, err);
}

/* ---- concat_ws */

static vonk_status resolve_concat_ws(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[0];
    return VONK_OK;
}

/* One row: with `out` NULL only the length is counted. */
static size_t join_row(uint32_t n_args, vonk_column *const *args, uint32_t row, char *out)
{
    size_t bytes = 0;
    vonk_str separator = vonk_str_at(args[0], row);
    bool any = false;
    for (uint32_t a = 1; a < n_args; a++) {
        const vonk_column *c = args[a];
        vonk_span s = {row, 1};
        if (vonk_null_at(c, row)) continue;
        if (c->type->id == VONK_T_ARRAY) {
            s = vonk_span_at(c, row);
            c = c->children[0];
        }
        for (uint32_t k = s.offset; k < s.offset + s.len; k++) {
            if (vonk_null_at(c, k)) continue;
            vonk_str part = vonk_str_at(c, k);
            if (out && any) put(out + bytes, separator);
            if (any) bytes += separator.len;
            if (out) put(out + bytes, part);
            bytes += part.len;
            any = true;
        }
    }
    return bytes;
}

VONK_FN_EVAL(eval_concat_ws)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        char inlined[VONK_VIEW_INLINE], *start;
        if (vonk_null_at(args[0], i)) {
            VONK_TRY(vonk_strings_null(&s, i, err));
            continue;
        }
        size_t bytes = join_row(call->n_args, args, i, NULL);
        VONK_TRY(row_room(&s, bytes, inlined, &start, err));
        join_row(call->n_args, args, i, start);
        vonk_strings_commit(&s, i, start, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_elt)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        bool null = vonk_null_at(args[0], i);
        int64_t n = null ? 0 : vonk_i32_at(args[0], i);
        bool outside = !null && (n < 1 || n >= call->n_args);
        if (outside && call->mode == VONK_MODE_ANSI)
            return VONK_FAIL(err, VONK_E_INVALID_ARRAY_INDEX, "indexValue", VONK_F("%d", (int)n), "arraySize",
                             VONK_F("%u", call->n_args - 1));
        if (null || outside || vonk_null_at(args[n], i))
            VONK_TRY(vonk_strings_null(&s, i, err));
        else
            VONK_TRY(vonk_strings_put(&s, i, vonk_str_at(args[n], i), err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- padding, repeating */

/* Fills `n` characters of the pad in. */
static char *fill(char *at, vonk_str pad, size_t n_pad, size_t n, bool chars)
{
    for (; n >= n_pad; n -= n_pad) at = put(at, pad);
    return put(at, vonk_str_sub(pad, 0, chars ? vonk_chars_skip(pad, 0, n) : n));
}

static vonk_status pad_row(vonk_strings *s, uint32_t row, vonk_str text, size_t wanted, vonk_str pad, bool chars,
                           bool left, vonk_error *err)
{
    size_t has = chars ? vonk_chars_count(text) : text.len, n_pad = chars ? vonk_chars_count(pad) : pad.len;
    if (wanted <= has) {
        size_t cut = chars ? vonk_chars_skip(text, 0, wanted) : wanted;
        return vonk_strings_put(s, row, vonk_str_sub(text, 0, cut), err);
    }
    if (!n_pad) return vonk_strings_put(s, row, text, err);
    size_t missing = wanted - has, rest = missing % n_pad;
    size_t bytes = text.len + missing / n_pad * pad.len + (chars ? vonk_chars_skip(pad, 0, rest) : rest);
    char inlined[VONK_VIEW_INLINE], *start;
    VONK_TRY(row_room(s, bytes, inlined, &start, err));
    if (left)
        put(fill(start, pad, n_pad, missing, chars), text);
    else
        fill(put(start, text), pad, n_pad, missing, chars);
    vonk_strings_commit(s, row, start, bytes);
    return VONK_OK;
}

VONK_FN_EVAL(eval_pad)
{
    bool left = vonk_fn_canonical(call->fn)->name[0] == 'l', chars = args[0]->type->id != VONK_T_BINARY;
    vonk_str blank = chars ? VONK_STR(" ") : VONK_STR("\0");
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t n = vonk_i32_at(args[1], i);
        VONK_TRY(pad_row(&s, i, vonk_str_at(args[0], i), n > 0 ? (size_t)n : 0,
                         call->n_args > 2 ? vonk_str_at(args[2], i) : blank, chars, left, err));
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_repeat)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        int32_t n = vonk_i32_at(args[1], i);
        char inlined[VONK_VIEW_INLINE], *start;
        if (n <= 0 || !text.len) continue;
        VONK_TRY(row_room(&s, text.len * (size_t)n, inlined, &start, err));
        for (int32_t k = 0; k < n; k++) put(start + (size_t)k * text.len, text);
        vonk_strings_commit(&s, i, start, text.len * (size_t)n);
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- replacing */

static vonk_status replace_row(vonk_strings *s, uint32_t row, vonk_str text, vonk_str what, vonk_str with, size_t first,
                               vonk_error *err)
{
    size_t n = 0;
    char inlined[VONK_VIEW_INLINE], *start;
    for (size_t at = first; at != SIZE_MAX; at = vonk_str_find(text, what, at + what.len)) n++;
    size_t bytes = text.len - n * what.len + n * with.len, from = 0;
    VONK_TRY(row_room(s, bytes, inlined, &start, err));
    char *out = start;
    for (size_t at = first; at != SIZE_MAX; at = vonk_str_find(text, what, from)) {
        out = put(put(out, vonk_str_sub(text, from, at)), with);
        from = at + what.len;
    }
    put(out, vonk_str_sub(text, from, text.len));
    vonk_strings_commit(s, row, start, bytes);
    return VONK_OK;
}

/* Strings without a match share the argument's bytes. */
VONK_FN_EVAL(eval_replace)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    uint32_t first_heap;
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    VONK_TRY(vonk_column_share_heaps(s.result.column, args[0], &first_heap, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i), what = vonk_str_at(args[1], i);
        vonk_str with = call->n_args > 2 ? vonk_str_at(args[2], i) : VONK_STR_NONE;
        size_t at = what.len ? vonk_str_find(text, what, 0) : SIZE_MAX;
        if (at == SIZE_MAX)
            vonk_slice_put(&s.result, args[0], i, 0, text.len);
        else
            VONK_TRY(replace_row(&s, i, text, what, with, at, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* Characters and what they become. */
typedef struct char_map {
    uint32_t *from, *to; /* code points; to: DROP */
    uint32_t n;
    int32_t ascii[128]; /* index into from; -1: stays */
} char_map;
enum { DROP = 0x7FFFFFFF };

static vonk_status map_chars(vonk_arena *arena, vonk_str from, vonk_str to, char_map *m, vonk_error *err)
{
    size_t i = 0, k = 0;
    m->n = 0;
    for (int a = 0; a < 128; a++) m->ascii[a] = -1;
    VONK_TRY(vonk_arena_array(arena, from.len + 1, sizeof(*m->from), &m->from, err));
    VONK_TRY(vonk_arena_array(arena, from.len + 1, sizeof(*m->to), &m->to, err));
    while (i < from.len) {
        uint32_t c = vonk_char_decode(from, &i), r = k < to.len ? vonk_char_decode(to, &k) : DROP;
        m->from[m->n] = c;
        m->to[m->n] = r;
        if (c < 128 && m->ascii[c] < 0) m->ascii[c] = (int32_t)m->n;
        m->n++;
    }
    return VONK_OK;
}

static uint32_t mapped_char(const char_map *m, uint32_t c)
{
    if (c < 128) return m->ascii[c] < 0 ? c : m->to[m->ascii[c]];
    for (uint32_t i = 0; i < m->n; i++)
        if (m->from[i] == c) return m->to[i];
    return c;
}

static vonk_status prepare_translate(vonk_fn_call *call, vonk_error *err)
{
    const vonk_column *from = vonk_constant_arg(call, 1), *to = vonk_constant_arg(call, 2);
    char_map *m;
    if (!from || !to) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &m, err));
    VONK_TRY(map_chars(call->arena, vonk_column_str(from, 0), vonk_column_str(to, 0), m, err));
    call->state = m;
    return VONK_OK;
}

VONK_FN_EVAL(eval_translate)
{
    const char_map *fixed = call->state;
    char_map own;
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        char *start;
        if (!fixed) VONK_TRY(map_chars(ev->scratch, vonk_str_at(args[1], i), vonk_str_at(args[2], i), &own, err));
        VONK_TRY(vonk_strings_reserve(&s, text.len * 4, &start, err));
        size_t bytes = 0;
        for (size_t at = 0; at < text.len;) {
            uint32_t c = mapped_char(fixed ? fixed : &own, vonk_char_decode(text, &at));
            if (c == DROP) continue;
            if (c < 128)
                start[bytes++] = (char)c;
            else
                bytes += vonk_char_encode(c, start + bytes);
        }
        vonk_strings_commit(&s, i, start, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

static size_t place_of(vonk_str s, int64_t chars, bool count_chars)
{
    if (chars <= 0) return 0;
    return count_chars ? vonk_chars_skip(s, 0, (size_t)chars) : vonk_min_size(s.len, (size_t)chars);
}

/* What stands before pos (substring(s, 1, pos - 1)) and what from pos + len on (substring(s, pos + len)). */
static void overlay_pieces(vonk_str s, int64_t pos, int64_t len, bool chars, vonk_str *before, vonk_str *behind)
{
    int64_t from = pos + len;
    *before = vonk_str_sub(s, 0, place_of(s, pos - 1, chars));
    if (from < 0) {
        from += (int64_t)(chars ? vonk_chars_count(s) : s.len);
        if (from < 0) from = 0;
        from++;
    }
    *behind = vonk_str_sub(s, place_of(s, from - 1, chars), s.len);
}

VONK_FN_EVAL(eval_overlay)
{
    bool chars = args[0]->type->id != VONK_T_BINARY;
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str with = vonk_str_at(args[1], i), before, behind;
        char inlined[VONK_VIEW_INLINE], *start;
        int64_t len = call->n_args > 3 ? vonk_i32_at(args[3], i) : -1;
        if (len < 0) len = (int64_t)(chars ? vonk_chars_count(with) : with.len);
        overlay_pieces(vonk_str_at(args[0], i), vonk_i32_at(args[2], i), len, chars, &before, &behind);
        size_t bytes = before.len + with.len + behind.len;
        VONK_TRY(row_room(&s, bytes, inlined, &start, err));
        put(put(put(start, before), with), behind);
        vonk_strings_commit(&s, i, start, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_quote)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        char *start;
        VONK_TRY(vonk_strings_reserve(&s, text.len * 2 + 2, &start, err));
        char *at = start;
        *at++ = '\'';
        for (size_t k = 0; k < text.len; k++) {
            if (text.data[k] == '\'') *at++ = '\\';
            *at++ = text.data[k];
        }
        *at++ = '\'';
        vonk_strings_commit(&s, i, start, (size_t)(at - start));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- mask */

static const char *const mask_names[] = {"`input`", "`upperChar`", "`lowerChar`", "`digitChar`", "`otherChar`"};

static vonk_status resolve_mask(vonk_fn_types *t, vonk_error *err)
{
    for (uint32_t i = 1; i < t->n_args; i++) {
        const vonk_column *c = t->constants[i];
        const char *call = vonk_fn_call_text(t, (char[1024]){0});
        if (!c)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr", call, "inputName",
                             mask_names[i], "inputType", "\"STRING\"", "inputExpr",
                             t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[i])) : "?");
        if (!vonk_column_is_null(c, 0) && vonk_chars_count(vonk_column_str(c, 0)) != 1)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INPUT_SIZE_NOT_ONE, "sqlExpr", call, "exprName",
                             VONK_F("%.*s", (int)strlen(mask_names[i]) - 2, mask_names[i] + 1));
    }
    return VONK_OK;
}

typedef struct mask_state {
    vonk_str with[4]; /* upper, lower, digit, other; data NULL: stays */
} mask_state;

static vonk_status prepare_mask(vonk_fn_call *call, vonk_error *err)
{
    static const char *const defaults[] = {"X", "x", "n", NULL};
    mask_state *m;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &m, err));
    for (uint32_t i = 0; i < 4; i++) {
        const vonk_column *c = vonk_constant_arg(call, i + 1);
        m->with[i] = vonk_str_of(defaults[i]);
        if (i + 1 < call->n_args) m->with[i] = VONK_STR_NONE;
        if (c) VONK_TRY(vonk_arena_str(call->arena, vonk_column_str(c, 0), &m->with[i], err));
    }
    call->state = m;
    return VONK_OK;
}

static vonk_status mask_into(const mask_state *m, vonk_str text, char *out, size_t *ret_bytes, vonk_error *err)
{
    char *at = out, class;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        VONK_TRY(vonk_char_class(vonk_char_decode(text, &i), &class, err));
        vonk_str with = m->with[class == 'U' ? 0 : class == 'L' ? 1 : class == 'D' ? 2 : 3];
        at = put(at, with.data ? with : vonk_str_sub(text, start, i));
    }
    *ret_bytes = (size_t)(at - out);
    return VONK_OK;
}

VONK_FN_EVAL(eval_mask)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        char *start;
        if (vonk_null_at(args[0], i)) {
            VONK_TRY(vonk_strings_null(&s, i, err));
            continue;
        }
        vonk_str text = vonk_str_at(args[0], i);
        VONK_TRY(vonk_strings_reserve(&s, text.len * 4, &start, err));
        size_t bytes;
        VONK_TRY(mask_into(call->state, text, start, &bytes, err));
        vonk_strings_commit(&s, i, start, bytes);
    }
    return vonk_strings_take(&s, ret, err);
}
