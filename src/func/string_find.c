/* func/string_find.c -- looking into strings: LIKE, contains, positions, pieces between delimiters. */
#include "func/body.h"
#include "func/tables.h"
#include "text/chars.h"
#include "text/like.h"

static vonk_body eval_contains, eval_ends, eval_find_in_set, eval_instr, eval_like, eval_locate, eval_split_part,
    eval_starts, eval_substring_index;
static vonk_status prepare_like(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_like(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_pair(vonk_fn_types *types, vonk_error *err);
static vonk_status resolve_locate(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "string_funcs", .raises = VONK_NEVER_RAISES
#define PAIR .args = "!binary,!binary;string,string", .result = "boolean", ROW, .resolve = resolve_pair

const vonk_fn vonk_fns_string_find[] = {
    {.name = "contains",
     PAIR,
     .eval = eval_contains,
     .doc = "Whether the first string or binary contains the second.",
     .example = "contains('native vonk', 'tive')",
     .expect = ""},
    {.name = "endswith",
     PAIR,
     .eval = eval_ends,
     .doc = "Whether the first string or binary ends with the second.",
     .example = "endswith('native vonk', 'vonk')",
     .expect = ""},
    {.name = "find_in_set",
     .args = "string,string",
     .result = "int",
     ROW,
     .eval = eval_find_in_set,
     .doc = "Position (from 1) of the string in a comma-separated list; 0 when it is not there or has a comma itself.",
     .example = "find_in_set('b', 'a,b,c')",
     .expect = ""},
    {.name = "ilike",
     .kind = VONK_FN_REWRITE,
     .args = "string,string,string?",
     .rewrite = "like(lower($1), lower($2)); like(lower($1), lower($2), $3)",
     .text = "$0($1, $2)",
     .resolve = resolve_like,
     .group = "predicate_funcs",
     .doc = "LIKE without regard to the case of letters.",
     .example = "ilike('Vonk', 'vo%')",
     .expect = ""},
    {.name = "instr",
     .args = "string,string,int?,int?",
     .result = "int",
     .group = "string_funcs",
     .text = "$0($1, $2); $0($1, $2, $3, 1); $0($1, $2, $3, $4)",
     .eval = eval_instr,
     .doc = "Position (from 1) of the second string's first (or n-th: fourth argument) occurrence in the first, 0 when "
            "there is none. The third argument says where to start; a negative one counts from the end and looks "
            "backwards.",
     .example = "instr('native vonk', 'vonk')",
     .expect = ""},
    {.name = "like",
     .args = "string,string,string?",
     .result = "boolean",
     .text = "$1 LIKE $2; $1 LIKE $2 ESCAPE '$3'",
     .group = "predicate_funcs",
     .resolve = resolve_like,
     .prepare = prepare_like,
     .eval = eval_like,
     .doc = "Whether the string matches the pattern: _ is any one character, % any text; the escape character (a "
            "backslash by default) "
            "takes their meaning away.",
     .example = "'vonk' LIKE 'v_n%'",
     .expect = ""},
    {.name = "locate",
     .args = "string,string,int?",
     .result = "int",
     .nulls = VONK_NULLS_OWN,
     ROW,
     .text = "$0($1, $2, 1); $0($1, $2, $3)",
     .resolve = resolve_locate,
     .eval = eval_locate,
     .doc = "Position (from 1) of the first string's first occurrence in the second, at or after a position; 0 when "
            "there is none.",
     .example = "locate('on', 'vonk')",
     .expect = ""},
    {.name = "position", .alias_of = "locate"},
    {.name = "split_part",
     .args = "string,string,int",
     .result = "string",
     .group = "string_funcs",
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_split_part,
     .doc =
         "Part number n (negative: from the end) of the string cut at the delimiter; empty when there is no such part.",
     .example = "split_part('11.12.13', '.', 3)",
     .expect = ""},
    {.name = "startswith",
     PAIR,
     .eval = eval_starts,
     .doc = "Whether the first string or binary starts with the second.",
     .example = "startswith('native vonk', 'nat')",
     .expect = ""},
    {.name = "substring_index",
     .args = "string,string,int",
     .result = "string",
     ROW,
     .eval = eval_substring_index,
     .doc = "Everything before the n-th delimiter; with negative n everything behind the n-th delimiter from the end.",
     .example = "substring_index('www.vonk.org', '.', 2)",
     .expect = ""},
};
VONK_FN_COUNT(string_find);

/* ---- contains, starts, ends */

/* Spark's schema says so of binaries. */
static vonk_status resolve_pair(vonk_fn_types *t, vonk_error *err)
{
    if (t->types[0]->id == VONK_T_BINARY) t->result_nullable = true;
    return VONK_OK;
}

typedef bool test_fn(vonk_str text, vonk_str part);
static bool has(vonk_str text, vonk_str part) { return vonk_str_find(text, part, 0) != SIZE_MAX; }

static vonk_status put_tests(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                             vonk_rows rows, test_fn *test, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) vonk_put_bool(&r, i, test(vonk_str_at(args[0], i), vonk_str_at(args[1], i)));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_contains) { return put_tests(call, ev, args, n_rows, rows, has, ret, err); }

VONK_FN_EVAL(eval_starts) { return put_tests(call, ev, args, n_rows, rows, vonk_str_starts, ret, err); }

VONK_FN_EVAL(eval_ends) { return put_tests(call, ev, args, n_rows, rows, vonk_str_ends, ret, err); }

/* ---- LIKE */

typedef struct like_state {
    bool fixed; /* the pattern is constant: compiled */
    uint32_t escape;
    vonk_like like;
} like_state;

static vonk_status resolve_like(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args < 3) return VONK_OK;
    const vonk_column *c = t->literal && !t->literal[2] ? NULL : t->constants[2];
    if (!c || !vonk_type_is_stringy(c->type) || vonk_column_is_null(c, 0) ||
        vonk_chars_count(vonk_column_str(c, 0)) != 1)
        return VONK_FAIL(err, VONK_E_INVALID_ESCAPE_CHAR, "sqlExpr",
                         t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[2])) : "?");
    return VONK_OK;
}

static vonk_status prepare_like(vonk_fn_call *call, vonk_error *err)
{
    like_state *s;
    const vonk_column *pattern = vonk_constant_arg(call, 1), *escape = vonk_constant_arg(call, 2);
    size_t at = 0;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &s, err));
    s->escape = escape ? vonk_char_decode(vonk_column_str(escape, 0), &at) : '\\';
    call->state = s;
    if (!pattern) return VONK_OK;
    /* A pattern that is wrong is an error only for rows: it stays uncompiled. */
    vonk_error ignored = VONK_ERROR_INIT;
    s->fixed = vonk_like_compile(call->arena, vonk_column_str(pattern, 0), s->escape, &s->like, &ignored) == VONK_OK;
    return vonk_error_forgive(&ignored, err);
}

/* Most strings differ in the bytes that a view holds itself: no look at the heap for those. */
static void like_starts(const vonk_column *c, vonk_str first, vonk_rows rows, uint8_t *bits)
{
    const vonk_view *v = c->data;
    size_t short_bytes = vonk_min_size(first.len, sizeof(v->prefix));
    for (VONK_EACH_ROW(rows, i)) {
        if (v[i].len < first.len || memcmp(v[i].inlined, first.data, short_bytes) != 0) continue;
        if (first.len > short_bytes && !vonk_str_starts(vonk_view_str(&v[i], c->heaps), first)) continue;
        vonk_bit_set(bits, i);
    }
}

static void like_contains(const vonk_column *c, vonk_str part, vonk_rows rows, uint8_t *bits)
{
    const vonk_view *v = c->data;
    for (VONK_EACH_ROW(rows, i)) {
        if (v[i].len < part.len) continue;
        vonk_str s = vonk_view_str(&v[i], c->heaps);
        if (!part.len || memmem(s.data, s.len, part.data, part.len)) vonk_bit_set(bits, i);
    }
}

static vonk_status like_each(const like_state *s, vonk_eval *ev, vonk_column *const *args, vonk_rows rows,
                             vonk_result *r, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_like like;
    VONK_TRY(vonk_arena_new(ev->budget, &arena, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_arena_reset(arena);
        VONK_TRY(vonk_like_compile(arena, vonk_str_at(args[1], i), s->escape, &like, err));
        vonk_put_bool(r, i, vonk_like_match(&like, vonk_str_at(args[0], i)));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_like)
{
    const like_state *s = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    if (!s->fixed)
        VONK_TRY(like_each(s, ev, args, rows, &r, err));
    else if (s->like.kind == VONK_LIKE_STARTS)
        like_starts(args[0], s->like.first, rows, r.data);
    else if (s->like.kind == VONK_LIKE_CONTAINS)
        like_contains(args[0], s->like.last, rows, r.data);
    else
        for (VONK_EACH_ROW(rows, i)) vonk_put_bool(&r, i, vonk_like_match(&s->like, vonk_str_at(args[0], i)));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- positions */

static size_t find_last(vonk_str text, vonk_str part, size_t end)
{
    for (size_t at = vonk_min_size(end, text.len); at-- > 0;)
        if (text.len - at >= part.len && memcmp(text.data + at, part.data, part.len) == 0) return at;
    return SIZE_MAX;
}

/* 1-based character position of `part` at or after byte `from`; 0: nowhere. `chars_before`: characters in front of it.
 */
static int32_t position_of(vonk_str text, vonk_str part, size_t from, size_t chars_before)
{
    size_t at = vonk_str_find(text, part, from);
    if (at == SIZE_MAX) return 0;
    return (int32_t)(chars_before + vonk_chars_count(vonk_str_sub(text, from, at)) + 1);
}

/* Of the n-th occurrence that starts at or behind character `start`; counted backwards from there when it is below 0.
 */
static int32_t nth_position(vonk_str text, vonk_str part, int64_t start, int64_t n)
{
    if (!part.len) return 1;
    if (start == 0) return 0;
    const int64_t chars = start < 0 ? (int64_t)vonk_chars_count(text) : 0;
    if (-start > chars && start < 0) return 0;
    size_t at = vonk_chars_skip(text, 0, (size_t)(start > 0 ? start - 1 : chars + start));
    if (start > 0) {
        for (at = vonk_str_find(text, part, at); at != SIZE_MAX && n > 1; n--) at = vonk_str_find(text, part, at + 1);
    } else {
        for (at = find_last(text, part, at + 1); at != SIZE_MAX && n > 1; n--) at = find_last(text, part, at);
    }
    return at == SIZE_MAX ? 0 : position_of(text, part, at, vonk_chars_count(vonk_str_sub(text, 0, at)));
}

VONK_FN_EVAL(eval_instr)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        const int32_t start = call->n_args > 2 ? vonk_i32_at(args[2], i) : 1;
        const int32_t n = call->n_args > 3 ? vonk_i32_at(args[3], i) : 1;
        if (n < 1)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__OCCURRENCE, "parameter", "`occurrence`",
                             "functionName", "`instr`", "actual", VONK_F("%d", n));
        VONK_OUT(r, int32_t)[i] = nth_position(vonk_str_at(args[0], i), vonk_str_at(args[1], i), start, n);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status resolve_locate(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = t->nullable[0] || t->nullable[1];
    return VONK_OK;
}

static int32_t locate(vonk_str part, vonk_str text, int64_t start)
{
    if (start < 1) return 0;
    if (!part.len) return 1;
    size_t from = vonk_chars_skip(text, 0, (size_t)(start - 1));
    return position_of(text, part, from, (size_t)(start - 1));
}

/* A null start gives 0. */
VONK_FN_EVAL(eval_locate)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t answer = 0;
        bool starts = call->n_args > 2;
        if (!starts || !vonk_null_at(args[2], i)) {
            if (vonk_null_at(args[0], i) || vonk_null_at(args[1], i)) {
                VONK_TRY(vonk_result_null(&r, i, err));
                continue;
            }
            answer = locate(vonk_str_at(args[0], i), vonk_str_at(args[1], i), starts ? vonk_i32_at(args[2], i) : 1);
        }
        VONK_OUT(r, int32_t)[i] = answer;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static int32_t find_in_set(vonk_str word, vonk_str list)
{
    int32_t n = 1;
    if (vonk_str_find_byte(word, ',', 0) != SIZE_MAX) return 0;
    for (size_t i = 0;; n++) {
        size_t end = vonk_str_find_byte(list, ',', i);
        if (vonk_str_eq(word, vonk_str_sub(list, i, end == SIZE_MAX ? list.len : end))) return n;
        if (end == SIZE_MAX) return 0;
        i = end + 1;
    }
}

VONK_FN_EVAL(eval_find_in_set)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i))
        VONK_OUT(r, int32_t)[i] = find_in_set(vonk_str_at(args[0], i), vonk_str_at(args[1], i));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- pieces between delimiters */

/* Occurrences may overlap: the search goes on one byte behind the start of the one before. */
static void index_piece(vonk_str s, vonk_str delimiter, int32_t count, size_t *from, size_t *to)
{
    *from = *to = 0;
    if (!count || !delimiter.len) return;
    if (count > 0) {
        size_t at = 0;
        for (int64_t n = count; n; n--) {
            at = vonk_str_find(s, delimiter, n == count ? 0 : at + 1);
            if (at == SIZE_MAX) {
                *to = s.len;
                return;
            }
        }
        *to = at;
        return;
    }
    size_t at = s.len;
    *to = s.len;
    for (int64_t n = -(int64_t)count; n; n--) {
        at = find_last(s, delimiter, at);
        if (at == SIZE_MAX) return;
    }
    *from = at + delimiter.len;
}

VONK_FN_EVAL(eval_substring_index)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, args[0], &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from, to;
        index_piece(vonk_str_at(args[0], i), vonk_str_at(args[1], i), vonk_i32_at(args[2], i), &from, &to);
        vonk_slice_put(&r, args[0], i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static size_t count_parts(vonk_str s, vonk_str delimiter)
{
    size_t n = 1;
    for (size_t at = 0; (at = vonk_str_find(s, delimiter, at)) != SIZE_MAX; at += delimiter.len) n++;
    return n;
}

/* number != 0; an empty delimiter cuts nothing. No such part: empty. */
static void split_piece(vonk_str s, vonk_str delimiter, int32_t number, size_t *from, size_t *to)
{
    *from = *to = 0;
    int64_t wanted = number;
    if (!delimiter.len) {
        if (wanted == 1 || wanted == -1) *to = s.len;
        return;
    }
    if (wanted < 0) wanted += (int64_t)count_parts(s, delimiter) + 1;
    if (wanted < 1) return;
    for (size_t at = 0;; wanted--) {
        size_t end = vonk_str_find(s, delimiter, at);
        if (wanted == 1) {
            *from = at;
            *to = end == SIZE_MAX ? s.len : end;
            return;
        }
        if (end == SIZE_MAX) return;
        at = end + delimiter.len;
    }
}

VONK_FN_EVAL(eval_split_part)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_slices_new(ev, call->type, n_rows, rows, args[0], &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        size_t from, to;
        int32_t number = vonk_i32_at(args[2], i);
        if (number == 0) return VONK_FAIL(err, VONK_E_INVALID_INDEX_OF_ZERO);
        split_piece(vonk_str_at(args[0], i), vonk_str_at(args[1], i), number, &from, &to);
        vonk_slice_put(&r, args[0], i, from, to - from);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
