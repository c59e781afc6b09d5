/* sql/parse_call.c -- calls: functions with their own syntax (CAST, EXTRACT, TRIM ...), ordinary ones with FILTER,
 * WITHIN GROUP, OVER. */
#include "sql/parse.h"

/* ---- functions with a syntax of their own */

static vonk_status cast(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    bool is_try = p->tokens.at[from].kind == KW_TRY_CAST;
    const vonk_expr *child;
    const vonk_type *type;
    vonk_expr *e;
    VONK_TRY(vonk__expr(p, &child, err));
    VONK_TRY(vonk__expect(p, KW_AS, err));
    VONK_TRY(vonk__cast_type(p, &type, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__new(p, VONK_EX_CAST, &child, 1, &e, err));
    e->mode = is_try ? VONK_MODE_TRY : p->env.ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    VONK_TRY(vonk_expr_set_type(e, type, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status extract_field(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[2];
    uint32_t at = p->at;
    vonk_str field;
    VONK_TRY(vonk__identifier(p, &field, err));
    VONK_TRY(vonk__string_literal(p, at, field, &args[0], err));
    VONK_TRY(vonk__expect(p, KW_FROM, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, "extract", args, 2, 0, ret, err);
}

static vonk_status substring(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[3];
    uint32_t n = 2;
    VONK_TRY(vonk__parse_value(p, &args[0], err));
    if (!vonk__accept(p, KW_FROM)) VONK_TRY(vonk__expect(p, TK_COMMA, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    if (vonk__accept(p, KW_FOR) || vonk__accept(p, TK_COMMA)) {
        VONK_TRY(vonk__parse_value(p, &args[2], err));
        n = 3;
    }
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, "substring", args, n, 0, ret, err);
}

/* trim(x, y): y without x at both ends. */
static vonk_status trim(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    const char *name = "trim";
    const vonk_expr *args[2];
    uint32_t n = 0;
    vonk_tok next = vonk__tok_at(p, 1);
    if (next != TK_RPAREN && next != TK_COMMA && next != TK_DOT) {
        if (vonk__accept(p, KW_LEADING))
            name = "ltrim";
        else if (vonk__accept(p, KW_TRAILING))
            name = "rtrim";
        else
            vonk__accept(p, KW_BOTH);
    }
    if (!vonk__is(p, KW_FROM)) VONK_TRY(vonk__parse_value(p, &args[n++], err));
    VONK_TRY(vonk__expect(p, KW_FROM, err));
    VONK_TRY(vonk__parse_value(p, &args[n++], err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, name, args, n, 0, ret, err);
}

static vonk_status overlay(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[4];
    uint32_t n = 3;
    VONK_TRY(vonk__parse_value(p, &args[0], err));
    VONK_TRY(vonk__expect(p, KW_PLACING, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__expect(p, KW_FROM, err));
    VONK_TRY(vonk__parse_value(p, &args[2], err));
    if (vonk__accept(p, KW_FOR)) {
        VONK_TRY(vonk__parse_value(p, &args[3], err));
        n = 4;
    }
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, "overlay", args, n, 0, ret, err);
}

static vonk_status position(vonk_parser *p, uint32_t from, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[2];
    VONK_TRY(vonk__parse_value(p, &args[0], err));
    VONK_TRY(vonk__expect(p, KW_IN, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, "locate", args, 2, 0, ret, err);
}

/* TIMESTAMPADD(unit, n, t), TIMESTAMPDIFF(unit, a, b) */
static vonk_status unit_call(vonk_parser *p, uint32_t from, bool add, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *args[3];
    uint32_t at = p->at;
    vonk_str unit = vonk__token_text(p, p->at);
    if (vonk__at_string(p, 0)) {
        p->at = p->match[from + 1] + 1;
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_PARAMETER_VALUE__DATETIME_UNIT, "functionName",
                               VONK_F("`%.*s`", VONK_STR_ARGS(vonk__token_text(p, from))), "parameter", "`unit`",
                               "invalidValue", VONK_S(unit));
    }
    p->at++;
    VONK_TRY(vonk__string_literal(p, at, unit, &args[0], err));
    VONK_TRY(vonk__expect(p, TK_COMMA, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__expect(p, TK_COMMA, err));
    VONK_TRY(vonk__parse_value(p, &args[2], err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    return vonk__call(p, from, add ? "timestampadd" : "timestampdiff", args, 3, 0, ret, err);
}

static bool is_datetime_unit(const vonk_parser *p, uint32_t ahead)
{
    switch (vonk__tok_at(p, ahead)) {
    case KW_YEAR:
    case KW_QUARTER:
    case KW_MONTH:
    case KW_WEEK:
    case KW_DAY:
    case KW_DAYOFYEAR:
    case KW_HOUR:
    case KW_MINUTE:
    case KW_SECOND:
    case KW_MILLISECOND:
    case KW_MICROSECOND: return vonk__tok_at(p, ahead + 1) == TK_COMMA;
    default: return vonk__at_string(p, ahead) && vonk__tok_at(p, ahead + 1) == TK_COMMA;
    }
}

/* At depth 0 of the parentheses that open at p->at + 1: is there such a word? */
/* None of the forms with words has a comma; FROM may be that of IS DISTINCT FROM. */
static bool has_word_inside(const vonk_parser *p, vonk_tok word)
{
    uint32_t end = p->match[p->at + 1];
    bool found = false;
    for (uint32_t i = p->at + 2; i < end; i++) {
        uint16_t kind = p->tokens.at[i].kind;
        if (kind == TK_COMMA) return false;
        if (kind == TK_LPAREN && p->match[i])
            i = p->match[i];
        else if (kind == word && !(word == KW_FROM && p->tokens.at[i - 1].kind == KW_DISTINCT))
            found = true;
    }
    return found;
}

/* Three arguments and a unit first: else DATEADD and DATEDIFF are ordinary functions. */
static bool has_unit_form(const vonk_parser *p)
{
    uint32_t commas = 0;
    if (!is_datetime_unit(p, 2)) return false;
    for (uint32_t i = p->at + 2; i < p->match[p->at + 1]; i++) {
        if (p->tokens.at[i].kind == TK_LPAREN && p->match[i])
            i = p->match[i];
        else if (p->tokens.at[i].kind == TK_COMMA)
            commas++;
    }
    return commas == 2;
}

bool vonk__at_special_call(const vonk_parser *p)
{
    if (vonk__tok_at(p, 1) != TK_LPAREN) return false;
    switch (vonk__tok(p)) {
    case KW_CAST:
    case KW_TRY_CAST: return true;
    case KW_EXTRACT: return has_word_inside(p, KW_FROM);
    case KW_SUBSTR:
    case KW_SUBSTRING: return has_word_inside(p, KW_FROM);
    case KW_TRIM: return has_word_inside(p, KW_FROM);
    case KW_OVERLAY: return has_word_inside(p, KW_PLACING);
    case KW_POSITION: return has_word_inside(p, KW_IN);
    case KW_TIMESTAMPADD:
    case KW_DATEADD:
    case KW_DATE_ADD:
    case KW_TIMESTAMPDIFF:
    case KW_DATEDIFF:
    case KW_DATE_DIFF:
    case KW_TIMEDIFF: return has_unit_form(p);
    default: return false;
    }
}

vonk_status vonk__special_call(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    p->at += 2;
    switch (p->tokens.at[from].kind) {
    case KW_CAST:
    case KW_TRY_CAST: return cast(p, from, ret, err);
    case KW_EXTRACT: return extract_field(p, from, ret, err);
    case KW_SUBSTR:
    case KW_SUBSTRING: return substring(p, from, ret, err);
    case KW_TRIM: return trim(p, from, ret, err);
    case KW_OVERLAY: return overlay(p, from, ret, err);
    case KW_POSITION: return position(p, from, ret, err);
    case KW_TIMESTAMPADD:
    case KW_DATEADD:
    case KW_DATE_ADD: return unit_call(p, from, true, ret, err);
    default: return unit_call(p, from, false, ret, err);
    }
}

/* ---- ordinary calls */

static vonk_status argument(vonk_parser *p, bool with_names, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    if (vonk__is_identifier(p, vonk__tok(p)) && vonk__tok_at(p, 1) == TK_FAT_ARROW) {
        vonk_str name;
        const vonk_expr *value;
        vonk_expr *e;
        VONK_TRY(vonk__identifier(p, &name, err));
        p->at++;
        VONK_TRY(vonk__expr(p, &value, err));
        VONK_TRY(vonk__new(p, VONK_EX_NAMED_ARG, &value, 1, &e, err));
        VONK_TRY(vonk_expr_set_name(e, name, err));
        return vonk__keep_expr(p, e, from, ret, err);
    }
    return with_names ? vonk__named_expr(p, ret, err) : vonk__expr(p, ret, err);
}

static vonk_status arguments(vonk_parser *p, bool with_names, vonk_exprs *ret, uint32_t *ret_flags, vonk_error *err)
{
    *ret_flags = 0;
    if (vonk__accept(p, TK_RPAREN)) return VONK_OK;
    vonk_tok next = vonk__tok_at(p, 1);
    if ((vonk__is(p, KW_DISTINCT) || vonk__is(p, KW_ALL)) && next != TK_RPAREN && next != TK_COMMA && next != TK_DOT) {
        if (vonk__is(p, KW_DISTINCT)) *ret_flags = VONK_EXF_DISTINCT;
        p->at++;
    }
    do {
        const vonk_expr *e;
        VONK_TRY(argument(p, with_names, &e, err));
        VONK_TRY(VONK_PUSH(p, ret, e, err));
    } while (vonk__accept(p, TK_COMMA));
    if (vonk__accept2(p, KW_IGNORE, KW_NULLS)) *ret_flags |= VONK_EXF_IGNORE_NULLS; /* first(x IGNORE NULLS) */
    return vonk__expect(p, TK_RPAREN, err);
}

vonk_status vonk__call_args(vonk_parser *p, vonk_exprs *ret, uint32_t *ret_flags, vonk_error *err)
{
    return arguments(p, false, ret, ret_flags, err);
}

/* count(*) counts rows: count(1). */
static vonk_status count_star(vonk_parser *p, const vonk_strs *name, vonk_exprs *args, uint32_t flags, vonk_error *err)
{
    if (name->n != 1 || !vonk_str_is_nocase(name->at[0], "count") || args->n != 1 || (flags & VONK_EXF_DISTINCT))
        return VONK_OK;
    const vonk_expr *star = args->at[0];
    if (star->kind != VONK_EX_STAR || star->n_parts || star->n_children) return VONK_OK;
    return vonk__int_literal(p, p->at - 2, 1, &args->at[0], err);
}

static vonk_status within_group(vonk_parser *p, vonk_exprs *orders, uint32_t *inout_flags, vonk_error *err)
{
    if (!vonk__is2(p, KW_WITHIN, KW_GROUP)) return VONK_OK;
    p->at += 2;
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(vonk__expect(p, KW_ORDER, err));
    VONK_TRY(vonk__expect(p, KW_BY, err));
    VONK_TRY(vonk__sort_items(p, orders, err));
    *inout_flags |= VONK_EXF_WITHIN_GROUP;
    return vonk__expect(p, TK_RPAREN, err);
}

static vonk_status filter(vonk_parser *p, const vonk_expr **ret, uint32_t *inout_flags, vonk_error *err)
{
    if (!vonk__is2(p, KW_FILTER, TK_LPAREN) || vonk__tok_at(p, 2) != KW_WHERE) return VONK_OK;
    p->at += 3;
    VONK_TRY(vonk__expr(p, ret, err));
    *inout_flags |= VONK_EXF_HAS_FILTER;
    return vonk__expect(p, TK_RPAREN, err);
}

static vonk_status function_name(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    do {
        vonk_str part;
        if (vonk__at_identifier_clause(p) && p->tokens.at[p->match[p->at + 1] + 1].kind != TK_END) {
            VONK_TRY(vonk__identifier_clause(p, ret, err));
            continue;
        }
        if (vonk__is_identifier(p, vonk__tok(p)))
            VONK_TRY(vonk__identifier(p, &part, err));
        else
            part = vonk__token_text(p, p->at++); /* LEFT(, RIGHT(, FILTER( in ANSI mode */
        VONK_TRY(VONK_PUSH(p, ret, part, err));
    } while (vonk__accept(p, TK_DOT));
    return VONK_OK;
}

static bool at_over(const vonk_parser *p)
{
    vonk_tok next = vonk__tok_at(p, 1);
    return vonk__is(p, KW_OVER) && (next == TK_LPAREN || vonk__is_identifier(p, next));
}

vonk_status vonk__call_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at, flags, n_args;
    vonk_strs name = {0};
    vonk_exprs args = {0}, orders = {0};
    const vonk_expr *condition = NULL;
    vonk_expr *e;
    VONK_TRY(function_name(p, &name, err));
    bool is_struct = name.n == 1 && vonk_str_is_nocase(name.at[0], "struct");
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(arguments(p, is_struct, &args, &flags, err));
    VONK_TRY(count_star(p, &name, &args, flags, err));
    n_args = vonk_u32_of(args.n);
    VONK_TRY(within_group(p, &orders, &flags, err));
    VONK_TRY(filter(p, &condition, &flags, err));
    if (condition) VONK_TRY(VONK_PUSH(p, &args, condition, err));
    for (size_t i = 0; i < orders.n; i++) VONK_TRY(VONK_PUSH(p, &args, orders.at[i], err));
    if (vonk__accept2(p, KW_IGNORE, KW_NULLS))
        flags |= VONK_EXF_IGNORE_NULLS;
    else if (vonk__accept2(p, KW_RESPECT, KW_NULLS))
        flags |= VONK_EXF_RESPECT_NULLS;
    VONK_TRY(vonk__new(p, VONK_EX_CALL, args.at, vonk_u32_of(args.n), &e, err));
    VONK_TRY(vonk_expr_set_parts(e, name.at, vonk_u32_of(name.n), err));
    e->n_args = n_args;
    e->n_order = vonk_u32_of(orders.n);
    e->flags = flags;
    VONK_TRY(vonk__keep_expr(p, e, from, ret, err));
    if (!at_over(p)) return VONK_OK;
    p->at++;
    VONK_TRY(vonk__window_spec(p, from, *ret, ret, err));
    vonk__set_origin(p, e, from); /* what is wrong with the call is so of all of it */
    return VONK_OK;
}

/* ---- windows */

static vonk_walk stop_at_unknown(const vonk_expr *e, void *arg)
{
    (void)arg;
    if (e->kind == VONK_EX_CALL && vonk_expr_has(e, VONK_EXF_OPERATOR)) return VONK_WALK_ON;
    return e->kind == VONK_EX_LITERAL || e->kind == VONK_EX_CAST || e->kind == VONK_EX_PARAMETER ? VONK_WALK_ON
                                                                                                 : VONK_WALK_STOP;
}

static vonk_status frame_bound(vonk_parser *p, bool is_lower, vonk_bound_kind *ret_kind, const vonk_expr **ret_value,
                               vonk_error *err)
{
    uint32_t from = p->at;
    *ret_value = NULL;
    if (vonk__is(p, KW_UNBOUNDED)) {
        p->at++;
        bool preceding = vonk__accept(p, KW_PRECEDING);
        if (!preceding) VONK_TRY(vonk__expect(p, KW_FOLLOWING, err));
        *ret_kind = preceding == is_lower ? VONK_FRAME_UNBOUNDED : VONK_FRAME_WRONG_END;
        return VONK_OK;
    }
    if (vonk__accept2(p, KW_CURRENT, KW_ROW)) {
        *ret_kind = VONK_FRAME_CURRENT;
        return VONK_OK;
    }
    VONK_TRY(vonk__expr(p, ret_value, err));
    *ret_kind = VONK_FRAME_VALUE;
    bool following = vonk__accept(p, KW_FOLLOWING);
    if (!following) VONK_TRY(vonk__expect(p, KW_PRECEDING, err));
    if (!vonk_expr_walk(*ret_value, stop_at_unknown, NULL))
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SQL_SYNTAX__INVALID_WINDOW_FRAME_BOUND);
    if (following) return VONK_OK;
    return vonk__call(p, from, "negative", ret_value, 1, VONK_EXF_OPERATOR, ret_value, err);
}

static vonk_status window_frame(vonk_parser *p, vonk_frame *ret, const vonk_expr **ret_lower,
                                const vonk_expr **ret_upper, vonk_error *err)
{
    *ret_lower = *ret_upper = NULL;
    *ret = (vonk_frame){.given = false};
    if (!vonk__is(p, KW_ROWS) && !vonk__is(p, KW_RANGE)) return VONK_OK;
    *ret = (vonk_frame){.given = true, .rows = vonk__is(p, KW_ROWS), .upper = VONK_FRAME_CURRENT};
    p->at++;
    if (!vonk__accept(p, KW_BETWEEN)) return frame_bound(p, true, &ret->lower, ret_lower, err);
    VONK_TRY(frame_bound(p, true, &ret->lower, ret_lower, err));
    VONK_TRY(vonk__expect(p, KW_AND, err));
    return frame_bound(p, false, &ret->upper, ret_upper, err);
}

/* The whole of (PARTITION BY ... ORDER BY ... ROWS ...) around `function`; its bracket is open. */
static vonk_status window_body(vonk_parser *p, uint32_t from, const vonk_expr *function, const vonk_expr **ret,
                               vonk_error *err)
{
    const uint32_t bracket = p->at - 1;
    vonk_exprs all = {0};
    const vonk_expr *lower, *upper;
    uint32_t n_partition = 0, n_order = 0;
    vonk_frame frame;
    vonk_expr *e;
    VONK_TRY(VONK_PUSH(p, &all, function, err));
    if (vonk__accept2(p, KW_PARTITION, KW_BY) || vonk__accept2(p, KW_DISTRIBUTE, KW_BY) ||
        vonk__accept2(p, KW_CLUSTER, KW_BY)) {
        VONK_TRY(vonk__expr_seq(p, &all, err));
        n_partition = vonk_u32_of(all.n - 1);
    }
    if (vonk__accept2(p, KW_ORDER, KW_BY) || vonk__accept2(p, KW_SORT, KW_BY)) {
        VONK_TRY(vonk__sort_items(p, &all, err));
        n_order = vonk_u32_of(all.n - 1 - n_partition);
    }
    VONK_TRY(window_frame(p, &frame, &lower, &upper, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    const vonk_origin spec = vonk__origin(p, bracket, p->at);
    frame.start = spec.start;
    frame.stop = spec.stop;
    if (lower) VONK_TRY(VONK_PUSH(p, &all, lower, err));
    if (upper) VONK_TRY(VONK_PUSH(p, &all, upper, err));
    VONK_TRY(vonk__new(p, VONK_EX_WINDOW, all.at, vonk_u32_of(all.n), &e, err));
    e->n_partition = n_partition;
    e->n_order = n_order;
    e->frame = frame;
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status window_reference(vonk_parser *p, uint32_t from, const vonk_expr *function, const vonk_expr **ret,
                                    vonk_error *err)
{
    vonk_str name;
    vonk_expr *e;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    VONK_TRY(vonk__new(p, VONK_EX_WINDOW, &function, 1, &e, err));
    VONK_TRY(vonk_expr_set_name(e, name, err));
    p->n_window_refs++;
    return vonk__keep_expr(p, e, from, ret, err);
}

vonk_status vonk__window_spec(vonk_parser *p, uint32_t from, const vonk_expr *function, const vonk_expr **ret,
                              vonk_error *err)
{
    if (!vonk__is(p, TK_LPAREN)) return window_reference(p, from, function, ret, err);
    if (vonk__tok_at(p, 2) == TK_RPAREN && vonk__is_identifier(p, vonk__tok_at(p, 1))) {
        p->at++;
        VONK_TRY(window_reference(p, from, function, ret, err));
        return vonk__expect(p, TK_RPAREN, err);
    }
    p->at++;
    return window_body(p, from, function, ret, err);
}

typedef struct replace_windows {
    vonk_parser *p;
    const vonk_named_window *windows;
    size_t n;
} replace_windows;

static vonk_status replace_window(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    const replace_windows *r = arg;
    const vonk_expr *spec = NULL;
    *ret = vonk_expr_ref(e);
    if (e->kind != VONK_EX_WINDOW || e->name.len == 0) return VONK_OK;
    for (size_t i = 0; i < r->n && !spec; i++)
        if (vonk_str_eq_nocase(r->windows[i].name, e->name)) spec = r->windows[i].spec;
    if (!spec) return VONK_OK; /* the analyzer says so */
    vonk_expr_unref(e);
    const vonk_expr **children;
    VONK_TRY(vonk_arena_array(r->p->arena, spec->n_children, sizeof(*children), &children, err));
    memcpy(children, spec->children, spec->n_children * sizeof(*children));
    children[0] = e->children[0];
    vonk_expr *copy;
    VONK_TRY(vonk_expr_copy(r->p->budget, spec, children, spec->n_children, &copy, err));
    vonk_expr_set_origin(copy, &e->origin);
    return vonk_expr_finish(copy, ret, err);
}

vonk_status vonk__replace_windows(vonk_parser *p, const vonk_named_window *windows, size_t n, const vonk_expr *e,
                                  const vonk_expr **ret, vonk_error *err)
{
    replace_windows r = {p, windows, n};
    const vonk_expr *made;
    VONK_TRY(vonk_expr_rewrite(p->budget, e, replace_window, &r, &made, err));
    return vonk__keep_made(p, made, ret, err);
}
