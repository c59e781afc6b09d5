/* func/regex.c -- regular expressions: matching, extracting, replacing, splitting. */
#include "base/buf.h"
#include "column/builder.h"
#include "func/body.h"
#include "func/literal_text.h"
#include "func/tables.h"
#include "text/chars.h"
#include "text/regex.h"

static vonk_body eval_count, eval_extract, eval_extract_all, eval_instr, eval_replace, eval_rlike, eval_split,
    eval_substr;
static vonk_status prepare_regex(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_replace(vonk_fn_types *types, vonk_error *err);

#define ROW .group = "string_funcs", .prepare = prepare_regex

const vonk_fn vonk_fns_regex[] = {
    {.name = "regexp", .alias_of = "rlike", .text = "REGEXP($1, $2)"},
    {.name = "regexp_count",
     .args = "string,string",
     .result = "int",
     ROW,
     .eval = eval_count,
     .doc = "How many times the regular expression matches in the string.",
     .example = "regexp_count('Steven Jones and Stephen Smith', 'Ste(v|ph)en')",
     .expect = "2"},
    {.name = "regexp_extract",
     .args = "string,string,int?",
     .result = "string",
     ROW,
     .text = "$0($1, $2, 1); $0($1, $2, $3)",
     .eval = eval_extract,
     .doc = "What a group (the first one, if no number is given; 0: the whole match) of the first match holds; empty "
            "without a match.",
     .example = "regexp_extract('100-200', '(\\\\d+)-(\\\\d+)', 2)",
     .expect = "200"},
    {.name = "regexp_extract_all",
     .args = "string,string,int?",
     .result = "array<string>",
     ROW,
     .text = "$0($1, $2, 1); $0($1, $2, $3)",
     .eval = eval_extract_all,
     .doc = "What a group of each match holds.",
     .example = "regexp_extract_all('100-200, 300-400', '(\\\\d+)-(\\\\d+)', 1)",
     .expect = "[100, 300]"},
    {.name = "regexp_instr",
     .args = "string,string,int?",
     .result = "int",
     ROW,
     .text = "$0($1, $2, 0); $0($1, $2, $3)",
     .eval = eval_instr,
     .doc = "Position (from 1) of the first match; 0 when there is none.",
     .example = "regexp_instr('user@vonk.org', '@[^.]*')",
     .expect = "5"},
    {.name = "regexp_like", .alias_of = "rlike", .text = "REGEXP_LIKE($1, $2)"},
    {.name = "regexp_replace",
     .args = "string,string,string,int?",
     .result = "string",
     ROW,
     .text = "$0($1, $2, $3, 1); $0($1, $2, $3, $4)",
     .resolve = resolve_replace,
     .eval = eval_replace,
     .doc = "Every match from a position on replaced; $1 in the replacement is the first group, ${name} a named one.",
     .example = "regexp_replace('100-200', '(\\\\d+)', 'num')",
     .expect = "num-num"},
    {.name = "regexp_substr",
     .args = "string,string",
     .result = "string",
     ROW,
     .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_substr,
     .doc = "The first match; NULL when there is none.",
     .example = "regexp_substr('Steven Jones and Stephen Smith', 'Ste(v|ph)en')",
     .expect = "Steven"},
    {.name = "rlike",
     .args = "string,string",
     .result = "boolean",
     .group = "predicate_funcs",
     .text = "RLIKE($1, $2)",
     .prepare = prepare_regex,
     .eval = eval_rlike,
     .doc = "Whether the regular expression matches somewhere in the string.",
     .example = "rlike('native vonk', 'v[ou]nk$')",
     .expect = "true"},
    {.name = "split",
     .args = "string,string,int?",
     .result = "array<!string>",
     ROW,
     .text = "$0($1, $2, -1); $0($1, $2, $3)",
     .eval = eval_split,
     .doc = "The string cut where the regular expression matches; into at most limit pieces, if limit is positive.",
     .example = "split('oneAtwoBthreeC', '[ABC]', 2)",
     .expect = "[one, twoBthreeC]"},
};
VONK_FN_COUNT(regex);

/* ---- the regex of a row: the constant one, or the one of the row before if it is the same */

static void free_regex(void *regex) { vonk_regex_free(regex); }

/* One that is wrong is an error only for rows: state stays NULL. */
static vonk_status prepare_regex(vonk_fn_call *call, vonk_error *err)
{
    const vonk_column *pattern = vonk_constant_arg(call, 1);
    vonk_regex *regex = NULL;
    if (!pattern) return VONK_OK;
    VONK_TRY(vonk_regex_new(vonk_arena_budget(call->arena), vonk_column_str(pattern, 0), &regex, err));
    if (!regex) return VONK_OK;
    call->state = regex;
    return vonk_arena_on_free(call->arena, free_regex, regex, err);
}

typedef struct matching {
    const vonk_fn_call *call;
    vonk_eval *ev;
    const vonk_column *patterns;
    vonk_matcher matcher;
    vonk_regex *own; /* of a pattern that is not constant */
    vonk_str own_pattern;
} matching;

static void matching_done(matching *m)
{
    vonk_matcher_done(&m->matcher);
    vonk_regex_free(m->own);
}
VONK_DEFINE_AUTO_DONE(matching, matching_done)

/* Spark runs some functions as others, and split() as Java's, which raises for itself. */
static vonk_status wrong_pattern(const matching *m, uint32_t row, vonk_error *err)
{
    const char *name = m->call->fn->name;
    if (strcmp(name, "split") == 0)
        return VONK_FAIL(err, VONK_E_PATTERN_SYNTAX, "pattern", VONK_S(vonk_str_at(m->patterns, row)));
    if (strcmp(name, "regexp_count") == 0) name = "regexp_extract_all";
    if (strcmp(name, "regexp_substr") == 0) name = "regexp_extract";
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__PATTERN, "parameter", "`regexp`", "functionName",
                     VONK_QUOTED(name), "value", vonk_literal_param(m->patterns, row, NULL, (char[1024]){0}));
}

static vonk_status matching_row(matching *m, uint32_t row, vonk_error *err)
{
    const vonk_regex *fixed = m->call->state;
    vonk_str pattern = vonk_str_at(m->patterns, row);
    if (m->matcher.data && (fixed || vonk_str_eq(pattern, m->own_pattern))) return VONK_OK;
    vonk_matcher_done(&m->matcher);
    vonk_regex_free(m->own);
    m->own = NULL;
    if (!fixed) {
        VONK_TRY(vonk_regex_new(m->ev->budget, pattern, &m->own, err));
        m->own_pattern = pattern;
        if (!m->own) return wrong_pattern(m, row, err);
    }
    return vonk_matcher_init(&m->matcher, fixed ? fixed : m->own, m->ev->cancelled, m->ev->query, err);
}

#define MATCHING(name, args_) VONK_AUTO(matching_done) matching name = {.call = call, .ev = ev, .patterns = (args_)[1]}

static vonk_str group_text(const matching *m, vonk_str text, uint32_t group)
{
    const size_t *at = m->matcher.at + (size_t)2 * group, from = at[0], to = at[1];
    return from == SIZE_MAX || to < from ? VONK_STR("") : vonk_str_sub(text, from, to);
}

static vonk_status check_group(const matching *m, int32_t group, vonk_error *err)
{
    uint32_t n = vonk_regex_groups(m->matcher.regex);
    if (group >= 0 && (uint32_t)group <= n) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__REGEX_GROUP_INDEX, "parameter", "`idx`", "functionName",
                     VONK_QUOTED(m->call->fn->name), "groupCount", VONK_F("%u", n), "groupIndex", VONK_F("%d", group));
}

/* ---- yes or no, how many, where */

VONK_FN_EVAL(eval_rlike)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        bool found;
        VONK_TRY(matching_row(&m, i, err));
        VONK_TRY(vonk_matcher_find(&m.matcher, vonk_str_at(args[0], i), 0, &found, err));
        vonk_put_bool(&r, i, found);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_count)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        int32_t n = 0;
        bool found;
        VONK_TRY(matching_row(&m, i, err));
        for (size_t at = 0; at != SIZE_MAX; at = vonk_matcher_next(&m.matcher, text), n++) {
            VONK_TRY(vonk_matcher_find(&m.matcher, text, at, &found, err));
            if (!found) break;
        }
        VONK_OUT(r, int32_t)[i] = n;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* In UTF-16 units, as Java counts. */
static size_t units_before(vonk_str text, size_t at)
{
    size_t n = 0;
    for (size_t i = 0; i < at;) {
        size_t bytes = vonk_char_at(text, i);
        n += bytes == 4 ? 2 : 1;
        i += bytes;
    }
    return n;
}

VONK_FN_EVAL(eval_instr)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        bool found;
        VONK_TRY(matching_row(&m, i, err));
        VONK_TRY(vonk_matcher_find(&m.matcher, text, 0, &found, err));
        VONK_OUT(r, int32_t)[i] = found ? (int32_t)units_before(text, m.matcher.at[0]) + 1 : 0;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- extracting */

VONK_FN_EVAL(eval_extract)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        int32_t group = call->n_args > 2 ? vonk_i32_at(args[2], i) : 1;
        bool found;
        VONK_TRY(matching_row(&m, i, err));
        VONK_TRY(vonk_matcher_find(&m.matcher, text, 0, &found, err));
        if (!found) continue;
        VONK_TRY(check_group(&m, group, err));
        VONK_TRY(vonk_strings_put(&s, i, group_text(&m, text, (uint32_t)group), err));
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_substr)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        bool found;
        VONK_TRY(matching_row(&m, i, err));
        VONK_TRY(vonk_matcher_find(&m.matcher, text, 0, &found, err));
        if (found && m.matcher.at[1] > m.matcher.at[0])
            VONK_TRY(vonk_strings_put(&s, i, group_text(&m, text, 0), err));
        else
            VONK_TRY(vonk_strings_null(&s, i, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* Rows that do not count get empty arrays in between. */
static vonk_status pad_rows(vonk_builder *b, uint32_t row, vonk_error *err)
{
    while (b->n_rows < row) VONK_TRY(vonk_builder_close(b, err));
    return VONK_OK;
}

VONK_FN_EVAL(eval_extract_all)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n_rows, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        int32_t group = call->n_args > 2 ? vonk_i32_at(args[2], i) : 1;
        bool found;
        VONK_TRY(pad_rows(&b, i, err));
        VONK_TRY(matching_row(&m, i, err));
        for (size_t at = 0; at != SIZE_MAX; at = vonk_matcher_next(&m.matcher, text)) {
            VONK_TRY(vonk_matcher_find(&m.matcher, text, at, &found, err));
            if (!found) break;
            VONK_TRY(check_group(&m, group, err));
            VONK_TRY(vonk_builder_str(vonk_builder_child(&b, 0), group_text(&m, text, (uint32_t)group), err));
        }
        VONK_TRY(vonk_builder_close(&b, err));
    }
    VONK_TRY(pad_rows(&b, n_rows, err));
    return vonk_builder_finish(&b, ret, err);
}

/* ---- replacing */

static vonk_status resolve_replace(vonk_fn_types *t, vonk_error *err)
{
    if (t->n_args < 4) return VONK_OK;
    const vonk_column *c = t->constants[3];
    if (!c)
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__NON_FOLDABLE_INPUT, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputName", "`position`", "inputType", "\"INT\"",
                         "inputExpr", t->texts ? VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts[3])) : "?");
    if (vonk_column_is_null(c, 0) || vonk_type_is_stringy(c->type) || vonk_column_i64(c, 0) > 0) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__VALUE_OUT_OF_RANGE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "exprName", "position", "valueRange", "(0, 2147483647]",
                     "currentValue", VONK_F("%lld", (long long)vonk_column_i64(c, 0)));
}

/* $n: as many digits as there are groups for. *inout_at stands on the first one. */
static bool group_number(const matching *m, vonk_str with, size_t *inout_at, uint32_t *ret)
{
    uint32_t n = vonk_regex_groups(m->matcher.regex), v = (uint32_t)(with.data[(*inout_at)++] - '0');
    if (v > n) return false;
    while (*inout_at < with.len && with.data[*inout_at] >= '0' && with.data[*inout_at] <= '9') {
        uint32_t longer = v * 10 + (uint32_t)(with.data[*inout_at] - '0');
        if (longer > n) break;
        v = longer;
        (*inout_at)++;
    }
    *ret = v;
    return true;
}

/* Appends the replacement of the match just found; *ret_ok false: it refers to no group. */
static vonk_status add_replacement(const matching *m, vonk_str text, vonk_str with, vonk_buf *out, bool *ret_ok,
                                   vonk_error *err)
{
    *ret_ok = false;
    for (size_t i = 0; i < with.len;) {
        char c = with.data[i++];
        uint32_t group;
        if (c == '\\') {
            if (i == with.len) return VONK_OK;
            c = with.data[i++];
        } else if (c == '$') {
            if (i < with.len && with.data[i] == '{') {
                size_t end = vonk_str_find_byte(with, '}', i);
                if (end == SIZE_MAX) return VONK_OK;
                group = vonk_regex_group_of(m->matcher.regex, vonk_str_sub(with, i + 1, end));
                if (!group) return VONK_OK;
                i = end + 1;
            } else if (i == with.len || with.data[i] < '0' || with.data[i] > '9' ||
                       !group_number(m, with, &i, &group)) {
                return VONK_OK;
            }
            VONK_TRY(vonk_buf_add_str(out, group_text(m, text, group), err));
            continue;
        }
        VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    *ret_ok = true;
    return VONK_OK;
}

/* `text`: the part that is searched. *ret_any false: nothing was found, out is unchanged. */
static vonk_status replace_all(matching *m, vonk_str text, vonk_str with, vonk_buf *out, bool *ret_any, bool *ret_ok,
                               vonk_error *err)
{
    size_t copied = 0;
    bool found;
    *ret_any = false;
    *ret_ok = true;
    for (size_t at = 0; at != SIZE_MAX; at = vonk_matcher_next(&m->matcher, text)) {
        VONK_TRY(vonk_matcher_find(&m->matcher, text, at, &found, err));
        if (!found) break;
        *ret_any = true;
        VONK_TRY(vonk_buf_add_str(out, vonk_str_sub(text, copied, m->matcher.at[0]), err));
        VONK_TRY(add_replacement(m, text, with, out, ret_ok, err));
        if (!*ret_ok) return VONK_OK;
        copied = m->matcher.at[1];
    }
    return *ret_any ? vonk_buf_add_str(out, vonk_str_sub(text, copied, text.len), err) : VONK_OK;
}

VONK_FN_EVAL(eval_replace)
{
    MATCHING(m, args);
    uint32_t first_heap;
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, ev->budget, INT32_MAX);
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    VONK_TRY(vonk_column_share_heaps(s.result.column, args[0], &first_heap, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i), with = vonk_str_at(args[2], i);
        int32_t position = call->n_args > 3 ? vonk_i32_at(args[3], i) : 1;
        size_t from = position > 1 ? vonk_chars_skip(text, 0, (size_t)position - 1) : 0;
        bool any = false, ok = true;
        VONK_TRY(matching_row(&m, i, err));
        vonk_buf_reset(&out);
        VONK_TRY(vonk_buf_add_str(&out, vonk_str_sub(text, 0, from), err));
        if (from == 0 || from < text.len)
            VONK_TRY(replace_all(&m, vonk_str_sub(text, from, text.len), with, &out, &any, &ok, err));
        if (!ok)
            return VONK_FAIL(err, VONK_E_INVALID_REGEXP_REPLACE, "source", VONK_S(text), "pattern",
                             VONK_S(vonk_str_at(args[1], i)), "replacement", VONK_S(with), "position",
                             VONK_F("%d", position));
        if (any)
            VONK_TRY(vonk_strings_put(&s, i, vonk_buf_str(&out), err));
        else
            vonk_slice_put(&s.result, args[0], i, 0, text.len);
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- splitting */

static vonk_status split_chars(vonk_str text, int32_t limit, vonk_builder *pieces, vonk_error *err)
{
    int32_t n = 1;
    for (size_t at = 0; at < text.len; n++) {
        size_t end = limit > 0 && n == limit ? text.len : at + vonk_char_at(text, at);
        VONK_TRY(vonk_builder_str(pieces, vonk_str_sub(text, at, end), err));
        at = end;
    }
    return VONK_OK;
}

static vonk_status split_row(matching *m, vonk_str text, int32_t limit, vonk_builder *pieces, vonk_error *err)
{
    size_t index = 0;
    int32_t n = 1;
    bool found;
    for (size_t at = 0; at != SIZE_MAX && (limit <= 0 || n < limit); at = vonk_matcher_next(&m->matcher, text)) {
        VONK_TRY(vonk_matcher_find(&m->matcher, text, at, &found, err));
        if (!found) break;
        size_t from = m->matcher.at[0], to = m->matcher.at[1];
        if (to == 0) continue; /* nothing at the very start cuts nothing off */
        VONK_TRY(vonk_builder_str(pieces, vonk_str_sub(text, index, from), err));
        index = to;
        n++;
    }
    return vonk_builder_str(pieces, vonk_str_sub(text, index, text.len), err);
}

VONK_FN_EVAL(eval_split)
{
    MATCHING(m, args);
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, ev->budget, call->type, n_rows, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str text = vonk_str_at(args[0], i);
        int32_t limit = call->n_args > 2 ? vonk_i32_at(args[2], i) : -1;
        VONK_TRY(pad_rows(&b, i, err));
        VONK_TRY(matching_row(&m, i, err));
        if (text.len && !vonk_str_at(args[1], i).len)
            VONK_TRY(split_chars(text, limit, vonk_builder_child(&b, 0), err));
        else
            VONK_TRY(split_row(&m, text, limit, vonk_builder_child(&b, 0), err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    VONK_TRY(pad_rows(&b, n_rows, err));
    return vonk_builder_finish(&b, ret, err);
}
