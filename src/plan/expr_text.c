/* plan/expr_text.c -- texts of expressions: as column names are made ("(a + 1)")
 * and as plans show them ("(a#1 + 1)"). */
#include <ctype.h>

#include "func/cast.h"
#include "func/literal_text.h"
#include "plan/expr_int.h"

typedef struct text {
    vonk_buf *out;
    bool explain;
    bool no_ids;     /* the form of plans, but inside a column's name */
    bool as_written; /* ... without the casts that analysis has put in */
} text;

static vonk_status put(const text *t, const vonk_expr *e, vonk_error *err);

static vonk_status put_c(const text *t, const char *words, vonk_error *err)
{
    return vonk_buf_add_c(t->out, words, err);
}

static vonk_status put_list(const text *t, const vonk_expr *const *list, uint32_t n, const char *between,
                            vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(put_c(t, between, err));
        VONK_TRY(put(t, list[i], err));
    }
    return VONK_OK;
}

/* ---- names */

static bool plain_identifier(vonk_str s)
{
    bool digits = true;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (!(c < 128 && (isalnum(c) || c == '_'))) return false;
        if (!isdigit(c)) digits = false;
    }
    return s.len > 0 && !digits;
}

static vonk_status put_quoted(const text *t, vonk_str s, vonk_error *err)
{
    if (plain_identifier(s)) return vonk_buf_add_str(t->out, s, err);
    VONK_TRY(vonk_buf_add_byte(t->out, '`', err));
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '`') VONK_TRY(vonk_buf_add_byte(t->out, '`', err));
        VONK_TRY(vonk_buf_add_byte(t->out, s.data[i], err));
    }
    return vonk_buf_add_byte(t->out, '`', err);
}

static vonk_status put_parts(const text *t, const vonk_str *parts, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(t->out, '.', err));
        VONK_TRY(put_quoted(t, parts[i], err));
    }
    return VONK_OK;
}

/* a#12, with an L behind it when it is a bigint. */
static vonk_status put_id(const text *t, const vonk_expr *e, vonk_error *err)
{
    if (!t->explain || t->no_ids) return VONK_OK;
    const char *suffix = e->type && e->type->id == VONK_T_LONG ? "L" : "";
    return vonk_buf_printf(t->out, err, "#%llu%s", (unsigned long long)e->id, suffix);
}

static vonk_status put_alias(const text *t, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(put(t, e->children[0], err));
    VONK_TRY(put_c(t, " AS ", err));
    if (t->explain)
        VONK_TRY(vonk_buf_add_str(t->out, e->name, err));
    else
        VONK_TRY(put_quoted(t, e->name, err));
    return put_id(t, e, err);
}

static vonk_status put_star(const text *t, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(put_parts(t, e->parts, e->n_parts, err));
    VONK_TRY(put_c(t, e->n_parts ? ".*" : "*", err));
    if (e->n_children == 0) return VONK_OK;
    VONK_TRY(put_c(t, " EXCEPT (", err));
    VONK_TRY(put_list(t, e->children, e->n_children, ", ", err));
    return put_c(t, ")", err);
}

/* ---- functions */

typedef struct template
{
    const char *at, *end;
    uint32_t n_args; /* highest $n */
    bool all;        /* has $* */
}
template;

static bool next_template(const char **inout_at, template *ret)
{
    const char *at = *inout_at;
    while (*at == ' ' || *at == ';') at++;
    if (!*at) return false;
    *ret = (template){.at = at};
    for (; *at && *at != ';'; at++) {
        if (at[0] != '$') continue;
        if (at[1] == '*') ret->all = true;
        if (at[1] >= '1' && at[1] <= '9' && (uint32_t)(at[1] - '0') > ret->n_args)
            ret->n_args = (uint32_t)(at[1] - '0');
    }
    ret->end = at;
    *inout_at = at;
    return true;
}

static bool choose_template(const char *templates, uint32_t n_args, template *ret)
{
    template one, best = {0};
    bool found = false;
    for (const char *at = templates; next_template(&at, &one);) {
        if (one.n_args == n_args || (one.all && one.n_args <= n_args)) {
            *ret = one;
            return true;
        }
        if (one.n_args <= n_args && (!found || one.n_args > best.n_args)) {
            best = one;
            found = true;
        }
    }
    *ret = best;
    return found;
}

static vonk_status put_template(const text *t, const vonk_expr *e, const template *tp, vonk_error *err)
{
    for (const char *at = tp->at; at < tp->end; at++) {
        if (at[0] != '$' || at + 1 == tp->end) {
            VONK_TRY(vonk_buf_add_byte(t->out, *at, err));
            continue;
        }
        at++;
        if (*at == '0')
            VONK_TRY(vonk_buf_add_str(t->out, e->name.len ? e->name : vonk_str_of(e->fn->name), err));
        else if (*at == '*')
            VONK_TRY(put_list(t, e->children, e->n_args, ", ", err));
        else
            VONK_TRY(put(t, e->children[*at - '1'], err));
    }
    return VONK_OK;
}

static bool shown_as_operator(const vonk_expr *e)
{
    if (!e->fn->symbol || e->n_args == 0 || e->n_args > 2) return false;
    return (e->flags & VONK_EXF_OPERATOR) || !isalpha((unsigned char)e->fn->name[0]) ||
           strcmp(e->fn->symbol, e->fn->name) == 0;
}

static vonk_status put_operator(const text *t, const vonk_expr *e, const char *symbol, vonk_error *err)
{
    if (e->n_args == 1) {
        bool tight = symbol[0] == '~';
        VONK_TRY(vonk_buf_printf(t->out, err, tight ? "%s" : "(%s ", symbol));
        VONK_TRY(put(t, e->children[0], err));
        return put_c(t, tight ? "" : ")", err);
    }
    VONK_TRY(put_c(t, "(", err));
    VONK_TRY(put(t, e->children[0], err));
    VONK_TRY(vonk_buf_printf(t->out, err, " %s ", symbol));
    VONK_TRY(put(t, e->children[1], err));
    return put_c(t, ")", err);
}

static vonk_status put_call_of(const text *t, vonk_str name, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_str(t->out, name, err));
    VONK_TRY(put_c(t, "(", err));
    VONK_TRY(put_list(t, e->children, e->n_args, ", ", err));
    return put_c(t, ")", err);
}

/* DISTINCT goes behind the first parenthesis of what was written from `from` on. */
static vonk_status put_distinct(const text *t, size_t from, vonk_error *err)
{
    const char *word = t->explain ? "distinct " : "DISTINCT ";
    size_t n = strlen(word), at = vonk_str_find_byte(vonk_buf_str(t->out), '(', from);
    if (at == SIZE_MAX) return VONK_OK;
    char *more = NULL;
    VONK_TRY(vonk_buf_extend(t->out, n, &more, err));
    char *gap = t->out->data + at + 1;
    memmove(gap + n, gap, t->out->len - n - (at + 1));
    memcpy(gap, word, n);
    return VONK_OK;
}

static vonk_status put_within_group(const text *t, const vonk_expr *e, const vonk_expr *const *orders, vonk_error *err)
{
    const char *name = e->fn ? e->fn->name : "";
    bool mode = strcmp(name, "mode") == 0, brief = mode || strncmp(name, "percentile_", 11) == 0;
    VONK_TRY(put_c(t, " WITHIN GROUP (ORDER BY ", err));
    if (brief && e->n_order == 1) {
        bool descending = vonk_expr_has(orders[0], VONK_EXF_DESCENDING);
        VONK_TRY(put(t, orders[0]->children[0], err));
        if (descending != mode) VONK_TRY(put_c(t, " DESC", err));
    } else {
        VONK_TRY(put_list(t, orders, e->n_order, ", ", err));
    }
    return put_c(t, ")", err);
}

/* What stands behind the parentheses of a call, resolved or not. Children: args, [filter], order ... */
static vonk_status put_call_tail(const text *t, const vonk_expr *e, size_t from, vonk_error *err)
{
    bool filter = vonk_expr_has(e, VONK_EXF_HAS_FILTER);
    if (vonk_expr_has(e, VONK_EXF_DISTINCT)) VONK_TRY(put_distinct(t, from, err));
    if (e->n_order && vonk_expr_has(e, VONK_EXF_WITHIN_GROUP))
        VONK_TRY(put_within_group(t, e, e->children + e->n_args + (filter ? 1 : 0), err));
    if (filter) {
        VONK_TRY(put_c(t, " FILTER (WHERE ", err));
        VONK_TRY(put(t, e->children[e->n_args], err));
        VONK_TRY(put_c(t, ")", err));
    }
    return VONK_OK;
}

static bool is_true(const vonk_expr *e)
{
    return e->kind == VONK_EX_LITERAL && e->type->id == VONK_T_BOOLEAN && !vonk_column_is_null(e->value, 0) &&
           vonk_column_i64(e->value, 0) != 0;
}

static vonk_status put_function(const text *t, const vonk_expr *e, vonk_error *err)
{
    template tp;
    size_t from = t->out->len;
    const bool nth = strcmp(e->fn->name, "nth_value") == 0;
    if (e->n_args == 2 && strcmp(e->fn->name, "mode") == 0 && is_true(e->children[1])) {
        VONK_TRY(put_c(t, "mode() WITHIN GROUP (ORDER BY ", err)); /* the smallest of the most frequent */
        VONK_TRY(put(t, e->children[0], err));
        VONK_TRY(put_c(t, " DESC)", err));
        return put_call_tail(t, e, t->out->len, err);
    }
    if (shown_as_operator(e))
        VONK_TRY(put_operator(t, e, e->fn->symbol, err));
    else if (e->fn->text && choose_template(e->fn->text, e->n_args, &tp))
        VONK_TRY(put_template(t, e, &tp, err));
    else
        VONK_TRY(put_call_of(t, e->name.len ? e->name : vonk_str_of(e->fn->name), e, err));
    if (nth && (vonk_expr_has(e, VONK_EXF_IGNORE_NULLS) || (e->n_args == 3 && is_true(e->children[2]))))
        VONK_TRY(put_c(t, " ignore nulls", err));
    return put_call_tail(t, e, from, err);
}

/* Arguments look as in plans, in Spark, wherever the call stands. */
static vonk_status put_python(const text *outer, const vonk_expr *e, vonk_error *err)
{
    const text in_plan = {.out = outer->out,
                          .explain = true,
                          .no_ids = outer->no_ids || !outer->explain,
                          .as_written = outer->as_written || !outer->explain};
    const text *t = &in_plan;

    VONK_TRY(vonk_buf_add_str(t->out, e->python->name, err));
    VONK_TRY(put_c(t, vonk_expr_has(e, VONK_EXF_DISTINCT) ? "(DISTINCT " : "(", err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        if (i) VONK_TRY(put_c(t, ", ", err));
        if (e->n_parts && e->parts[i].len) {
            VONK_TRY(put_quoted(t, e->parts[i], err));
            VONK_TRY(put_c(t, " => ", err));
        }
        VONK_TRY(put(t, e->children[i], err));
    }
    return put_c(t, ")", err);
}

static vonk_status put_call(const text *t, const vonk_expr *e, vonk_error *err)
{
    size_t from = t->out->len;
    const bool is_operator =
        vonk_expr_has(e, VONK_EXF_OPERATOR) && e->n_parts == 1 && (e->n_args == 1 || e->n_args == 2);
    const vonk_fn *fn = is_operator ? vonk_fn_find(e->parts[0]) : NULL;
    if (fn && fn->symbol) return put_operator(t, e, fn->symbol, err);
    VONK_TRY(put_parts(t, e->parts, e->n_parts, err));
    VONK_TRY(put_c(t, "(", err));
    VONK_TRY(put_list(t, e->children, e->n_args, ", ", err));
    VONK_TRY(put_c(t, ")", err));
    return put_call_tail(t, e, from, err);
}

/* ---- forms */

static vonk_status put_cast(const text *t, const vonk_expr *e, vonk_error *err)
{
    if ((!t->explain || t->as_written) && vonk_expr_has(e, VONK_EXF_IMPLICIT)) return put(t, e->children[0], err);
    vonk_type_id id = e->type ? e->type->id : VONK_T_NULL;
    /* Casts to nested types show their value only, as in Spark. */
    if (!t->explain && (id == VONK_T_ARRAY || id == VONK_T_MAP || id == VONK_T_STRUCT))
        return put(t, e->children[0], err);
    const char *word = e->mode == VONK_MODE_TRY ? "TRY_CAST(" : "CAST(";
    if (t->explain) word = e->mode == VONK_MODE_TRY ? "try_cast(" : "cast(";
    VONK_TRY(put_c(t, word, err));
    VONK_TRY(put(t, e->children[0], err));
    VONK_TRY(put_c(t, t->explain ? " as " : " AS ", err));
    if (e->kind == VONK_EX_TYPE_NAME_CAST)
        VONK_TRY(vonk_buf_add_str(t->out, e->name, err));
    else if (t->explain)
        VONK_TRY(vonk_type_simple_string(e->type, t->out, err));
    else
        VONK_TRY(vonk_type_sql(e->type, t->out, err));
    return put_c(t, ")", err);
}

static vonk_status put_case(const text *t, const vonk_expr *e, vonk_error *err)
{
    if (vonk_str_is(e->name, "if") && e->n_children == 3) { /* written as if(a, b, c) */
        VONK_TRY(put_c(t, t->explain ? "if (" : "(IF(", err));
        VONK_TRY(put(t, e->children[0], err));
        VONK_TRY(put_c(t, t->explain ? ") " : ", ", err));
        VONK_TRY(put(t, e->children[1], err));
        VONK_TRY(put_c(t, t->explain ? " else " : ", ", err));
        VONK_TRY(put(t, e->children[2], err));
        return put_c(t, t->explain ? "" : "))", err);
    }
    VONK_TRY(put_c(t, "CASE", err));
    uint32_t i = 0;
    for (; i + 1 < e->n_children; i += 2) {
        VONK_TRY(put_c(t, " WHEN ", err));
        VONK_TRY(put(t, e->children[i], err));
        VONK_TRY(put_c(t, " THEN ", err));
        VONK_TRY(put(t, e->children[i + 1], err));
    }
    if (i < e->n_children) {
        VONK_TRY(put_c(t, " ELSE ", err));
        VONK_TRY(put(t, e->children[i], err));
    }
    return put_c(t, " END", err);
}

/* ((a AND b) AND c): as if it had been built by twos. */
static vonk_status put_chain(const text *t, const vonk_expr *e, const char *word, vonk_error *err)
{
    for (uint32_t i = 1; i < e->n_children; i++) VONK_TRY(put_c(t, "(", err));
    VONK_TRY(put(t, e->children[0], err));
    for (uint32_t i = 1; i < e->n_children; i++) {
        VONK_TRY(put_c(t, word, err));
        VONK_TRY(put(t, e->children[i], err));
        VONK_TRY(put_c(t, ")", err));
    }
    return VONK_OK;
}

static vonk_status put_around(const text *t, const char *before, const vonk_expr *e, const char *after, vonk_error *err)
{
    VONK_TRY(put_c(t, before, err));
    VONK_TRY(put(t, e, err));
    return put_c(t, after, err);
}

static vonk_status put_in(const text *t, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(put_around(t, t->explain ? "" : "(", e->children[0], " IN (", err));
    VONK_TRY(put_list(t, e->children + 1, e->n_children - 1, t->explain ? "," : ", ", err));
    return put_c(t, t->explain ? ")" : "))", err);
}

static vonk_status put_lambda(const text *t, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(put_around(t, "lambdafunction(", e->children[0], "", err));
    for (uint32_t i = 0; i < e->n_parts; i++) {
        if (t->explain && e->ids)
            VONK_TRY(vonk_buf_printf(t->out, err, ", lambda %.*s#%llu", VONK_STR_ARGS(e->parts[i]),
                                     (unsigned long long)e->ids[i]));
        else if (!e->ids)
            VONK_TRY(vonk_buf_printf(t->out, err, ", %.*s", VONK_STR_ARGS(e->parts[i])));
        else
            VONK_TRY(put_c(t, ", namedlambdavariable()", err));
    }
    return put_c(t, t->explain ? ", false)" : ")", err);
}

static vonk_status put_variable(const text *t, const vonk_expr *e, vonk_error *err)
{
    if (!t->explain) return put_c(t, "namedlambdavariable()", err);
    VONK_TRY(put_c(t, "lambda ", err));
    VONK_TRY(vonk_buf_add_str(t->out, e->name, err));
    return put_id(t, e, err);
}

static vonk_status put_sort(const text *t, const vonk_expr *e, vonk_error *err)
{
    VONK_TRY(put(t, e->children[0], err));
    VONK_TRY(put_c(t, vonk_expr_has(e, VONK_EXF_DESCENDING) ? " DESC" : " ASC", err));
    return put_c(t, vonk_expr_has(e, VONK_EXF_NULLS_LAST) ? " NULLS LAST" : " NULLS FIRST", err);
}

/* ---- windows */

static const char *const unbounded[2][2] = {{"UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"},
                                            {"unboundedpreceding$()", "unboundedfollowing$()"}};

static vonk_status put_bound(const text *t, vonk_bound_kind kind, bool upper, const vonk_expr *offset, vonk_error *err)
{
    if (kind == VONK_FRAME_UNBOUNDED) return put_c(t, unbounded[t->explain][upper], err);
    if (kind == VONK_FRAME_WRONG_END) return put_c(t, unbounded[t->explain][!upper], err);
    if (kind == VONK_FRAME_CURRENT) return put_c(t, t->explain ? "currentrow$()" : "CURRENT ROW", err);
    assert(offset);
    if (t->explain && offset->kind == VONK_EX_FUNCTION && strcmp(offset->fn->name, "negative") == 0)
        return put_around(t, "-", offset->children[0], "", err);
    if (t->explain) return put(t, offset, err);
    /* "- 1" as the parser makes it from "1 PRECEDING" */
    bool minus = offset->kind == VONK_EX_FUNCTION && strcmp(offset->fn->name, "negative") == 0;
    if (minus) return put_around(t, "", offset->children[0], " PRECEDING", err);
    return put_around(t, "", offset, " FOLLOWING", err);
}

static vonk_status put_frame_words(const text *t, bool rows, vonk_error *err)
{
    if (t->explain)
        return put_c(t, rows ? "specifiedwindowframe(RowFrame, " : "specifiedwindowframe(RangeFrame, ", err);
    return put_c(t, rows ? "ROWS BETWEEN " : "RANGE BETWEEN ", err);
}

/* lag and lead look at one row: their frame is that offset. */
static vonk_status put_offset_frame(const text *t, const vonk_expr *fn, vonk_error *err)
{
    bool lag = strcmp(fn->fn->name, "lag") == 0;
    const vonk_expr *offset = fn->n_args > 1 ? fn->children[1] : NULL;
    bool literal = offset && offset->kind == VONK_EX_LITERAL && !vonk_column_is_null(offset->value, 0);
    bool minus = offset && offset->kind == VONK_EX_FUNCTION && strcmp(offset->fn->name, "negative") == 0;
    for (int i = 0; i < 2; i++) {
        if (i) VONK_TRY(put_c(t, t->explain ? ", " : " AND ", err));
        if (!offset || literal) {
            int64_t rows = offset ? vonk_column_i64(offset->value, 0) : 1;
            VONK_TRY(vonk_buf_printf(t->out, err, "%lld", (long long)(lag ? -rows : rows)));
        } else {
            if (lag && !minus) VONK_TRY(put_c(t, "-", err));
            VONK_TRY(put(t, lag && minus ? offset->children[0] : offset, err));
        }
        if (!t->explain) VONK_TRY(put_c(t, " FOLLOWING", err));
    }
    return VONK_OK;
}

static vonk_status put_frame(const text *t, const vonk_expr *e, vonk_error *err)
{
    const vonk_expr *fn = e->children[0];
    while (fn->kind == VONK_EX_ALIAS || fn->kind == VONK_EX_CAST) fn = fn->children[0];
    bool ranking = fn->kind == VONK_EX_FUNCTION && fn->fn->kind == VONK_FN_WINDOW;
    bool offset = ranking && (strcmp(fn->fn->name, "lag") == 0 || strcmp(fn->fn->name, "lead") == 0);
    vonk_frame f = e->frame;
    const vonk_expr *const *bounds = e->children + 1 + e->n_partition + e->n_order;

    if (offset) {
        VONK_TRY(put_frame_words(t, true, err));
        VONK_TRY(put_offset_frame(t, fn, err));
        return t->explain ? put_c(t, ")", err) : VONK_OK;
    }
    if (!f.given) {
        bool nth = ranking && strcmp(fn->fn->name, "nth_value") == 0;
        bool cume = ranking && strcmp(fn->fn->name, "cume_dist") == 0;
        f = (vonk_frame){.rows = e->n_order == 0 || (ranking && !nth && !cume),
                         .lower = VONK_FRAME_UNBOUNDED,
                         .upper = e->n_order == 0 && !(ranking && !nth) ? VONK_FRAME_UNBOUNDED : VONK_FRAME_CURRENT};
    }
    VONK_TRY(put_frame_words(t, f.rows, err));
    VONK_TRY(put_bound(t, f.lower, false, f.lower == VONK_FRAME_VALUE ? *bounds++ : NULL, err));
    VONK_TRY(put_c(t, t->explain ? ", " : " AND ", err));
    VONK_TRY(put_bound(t, f.upper, true, f.upper == VONK_FRAME_VALUE ? *bounds : NULL, err));
    return t->explain ? put_c(t, ")", err) : VONK_OK;
}

static vonk_status put_window(const text *t, const vonk_expr *e, vonk_error *err)
{
    const vonk_expr *const *partition = e->children + 1, *const *order = partition + e->n_partition;
    VONK_TRY(put_around(t, "", e->children[0], t->explain ? " windowspecdefinition(" : " OVER (", err));
    if (e->n_partition) {
        if (!t->explain) VONK_TRY(put_c(t, "PARTITION BY ", err));
        VONK_TRY(put_list(t, partition, e->n_partition, ", ", err));
        VONK_TRY(put_c(t, t->explain ? ", " : " ", err));
    }
    if (e->n_order) {
        if (!t->explain) VONK_TRY(put_c(t, "ORDER BY ", err));
        VONK_TRY(put_list(t, order, e->n_order, ", ", err));
        VONK_TRY(put_c(t, t->explain ? ", " : " ", err));
    }
    VONK_TRY(put_frame(t, e, err));
    return put_c(t, ")", err);
}

static vonk_status put_subquery(const text *t, const vonk_expr *e, vonk_error *err)
{
    if (e->sub_kind == VONK_SUB_EXISTS) return put_c(t, "exists()", err);
    if (e->sub_kind == VONK_SUB_TABLE_ARG) return put_c(t, "functiontablesubqueryargumentexpression()", err);
    if (e->sub_kind != VONK_SUB_IN) return put_c(t, t->explain ? "scalar-subquery#0 []" : "scalarsubquery()", err);
    VONK_TRY(put_c(t, "(", err));
    if (e->n_children == 1) {
        VONK_TRY(put(t, e->children[0], err));
    } else {
        VONK_TRY(put_c(t, "named_struct(", err));
        for (uint32_t i = 0; i < e->n_children; i++) {
            if (i) VONK_TRY(put_c(t, ", ", err));
            VONK_TRY(vonk_expr_output_name(e->children[i], t->out, err));
            VONK_TRY(put_around(t, ", ", e->children[i], "", err));
        }
        VONK_TRY(put_c(t, ")", err));
    }
    return put_c(t, " IN (listquery()))", err);
}

/* ---- all kinds */

static vonk_status put_unresolved(const text *t, const vonk_expr *e, vonk_error *err)
{
    switch (e->kind) {
    case VONK_EX_NAME: return put_parts(t, e->parts, e->n_parts, err);
    case VONK_EX_STAR: return put_star(t, e, err);
    case VONK_EX_REGEX: return vonk_buf_add_str(t->out, e->name, err);
    case VONK_EX_CALL: return put_call(t, e, err);
    case VONK_EX_NAMED_ARG:
        VONK_TRY(put_quoted(t, e->name, err));
        return put_around(t, " => ", e->children[0], "", err);
    case VONK_EX_EXTRACT:
        VONK_TRY(put(t, e->children[0], err));
        if (e->n_children > 1) return put_around(t, "[", e->children[1], "]", err);
        VONK_TRY(put_c(t, ".", err));
        return vonk_buf_add_str(t->out, e->name, err);
    case VONK_EX_UPDATE_FIELD:
        VONK_TRY(
            put_around(t, "update_fields(", e->children[0], e->n_children > 1 ? ", WithField(" : ", dropfield(", err));
        if (e->n_children > 1) VONK_TRY(put(t, e->children[1], err));
        return put_c(t, "))", err);
    case VONK_EX_PARAMETER:
        if (e->name.len == 0) return put_c(t, "?", err);
        VONK_TRY(put_c(t, ":", err));
        return vonk_buf_add_str(t->out, e->name, err);
    default: return put_cast(t, e, err);
    }
}

static vonk_status put_resolved(const text *t, const vonk_expr *e, vonk_error *err)
{
    switch (e->kind) {
    case VONK_EX_LITERAL: return vonk_literal_text(e->value, t->explain, t->out, err);
    case VONK_EX_COLUMN:
        if (t->explain && vonk_expr_has(e, VONK_EXF_OUTER)) VONK_TRY(put_c(t, "outer(", err));
        VONK_TRY(vonk_buf_add_str(t->out, e->name, err));
        VONK_TRY(put_id(t, e, err));
        return t->explain && vonk_expr_has(e, VONK_EXF_OUTER) ? put_c(t, ")", err) : VONK_OK;
    case VONK_EX_BOUND: return vonk_buf_add_str(t->out, e->name, err);
    case VONK_EX_ALIAS: return put_alias(t, e, err);
    case VONK_EX_FUNCTION: return put_function(t, e, err);
    case VONK_EX_PYTHON: return put_python(t, e, err);
    case VONK_EX_CAST: return put_cast(t, e, err);
    case VONK_EX_CASE: return put_case(t, e, err);
    case VONK_EX_AND: return put_chain(t, e, " AND ", err);
    case VONK_EX_OR: return put_chain(t, e, " OR ", err);
    case VONK_EX_NOT: return put_around(t, t->explain ? "NOT " : "(NOT ", e->children[0], t->explain ? "" : ")", err);
    case VONK_EX_COALESCE:
        VONK_TRY(put_c(t, "coalesce(", err));
        VONK_TRY(put_list(t, e->children, e->n_children, ", ", err));
        return put_c(t, ")", err);
    case VONK_EX_IN: return put_in(t, e, err);
    case VONK_EX_IS_NULL:
        return put_around(t, t->explain ? "isnull(" : "(", e->children[0], t->explain ? ")" : " IS NULL)", err);
    case VONK_EX_IS_NOT_NULL:
        return put_around(t, t->explain ? "isnotnull(" : "(", e->children[0], t->explain ? ")" : " IS NOT NULL)", err);
    case VONK_EX_GET_FIELD:
        VONK_TRY(put_around(t, "", e->children[0], ".", err));
        return vonk_buf_add_str(t->out, e->name, err);
    case VONK_EX_LAMBDA: return put_lambda(t, e, err);
    case VONK_EX_LAMBDA_VAR: return put_variable(t, e, err);
    case VONK_EX_SORT: return put_sort(t, e, err);
    case VONK_EX_WINDOW: return put_window(t, e, err);
    default: return put_subquery(t, e, err);
    }
}

static vonk_status put(const text *t, const vonk_expr *e, vonk_error *err)
{
    if (e->shown.len && !t->explain) return vonk_buf_add_str(t->out, e->shown, err);
    return vonk__expr_phase(e->kind) == VONK_EXP_UNRESOLVED ? put_unresolved(t, e, err) : put_resolved(t, e, err);
}

vonk_status vonk_expr_sql(const vonk_expr *e, vonk_buf *out, vonk_error *err)
{
    text t = {out, false};
    return put(&t, e, err);
}

vonk_status vonk_expr_explain(const vonk_expr *e, vonk_buf *out, vonk_error *err)
{
    text t = {out, true};
    return put(&t, e, err);
}

vonk_status vonk_expr_output_name(const vonk_expr *e, vonk_buf *out, vonk_error *err)
{
    const vonk_expr *named = e;
    /* CAST(a AS INT) keeps the name of a. */
    if (named->kind == VONK_EX_CAST && named->shown.len == 0) named = named->children[0];
    if (named->kind == VONK_EX_ALIAS || named->kind == VONK_EX_COLUMN || named->kind == VONK_EX_BOUND)
        return vonk_buf_add_str(out, named->name, err);
    if (e->kind == VONK_EX_NAME && e->n_parts > 0) return vonk_buf_add_str(out, e->parts[e->n_parts - 1], err);
    return vonk_expr_sql(e, out, err);
}
