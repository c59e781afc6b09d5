/* sql/parse_expr.c -- expressions by precedence: OR, AND, NOT, predicates, then the operators of values. Chains of AND
 * and OR are read in a loop. */
#include "sql/parse.h"

static vonk_status and_level(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
static vonk_status not_level(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
static vonk_status predicate(vonk_parser *p, const vonk_expr *left, bool *ret_found, const vonk_expr **ret,
                             vonk_error *err);
static vonk_status value_level(vonk_parser *p, int least, const vonk_expr **ret, vonk_error *err);

vonk_status vonk__expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs terms = {0};
    uint32_t from = p->at;
    const vonk_expr *e;
    VONK_TRY(vonk__deeper(p, err));
    VONK_TRY(and_level(p, &e, err));
    if (vonk__is(p, KW_OR)) {
        VONK_TRY(VONK_PUSH(p, &terms, e, err));
        while (vonk__accept(p, KW_OR)) {
            VONK_TRY(and_level(p, &e, err));
            VONK_TRY(VONK_PUSH(p, &terms, e, err));
        }
        VONK_TRY(vonk__simple(p, from, VONK_EX_OR, terms.at, vonk_u32_of(terms.n), &e, err));
    }
    p->depth--;
    *ret = e;
    return VONK_OK;
}

static vonk_status and_level(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs terms = {0};
    uint32_t from = p->at;
    const vonk_expr *e;
    VONK_TRY(not_level(p, &e, err));
    if (vonk__is(p, KW_AND)) {
        VONK_TRY(VONK_PUSH(p, &terms, e, err));
        while (vonk__accept(p, KW_AND)) {
            VONK_TRY(not_level(p, &e, err));
            VONK_TRY(VONK_PUSH(p, &terms, e, err));
        }
        return vonk__simple(p, from, VONK_EX_AND, terms.at, vonk_u32_of(terms.n), ret, err);
    }
    *ret = e;
    return VONK_OK;
}

static vonk_status exists(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_plan *plan;
    vonk_expr *e;
    p->at += 2;
    VONK_TRY(vonk__query(p, &plan, err));
    VONK_TRY(vonk__expect_closing(p, TK_RPAREN, err));
    VONK_TRY(vonk__new(p, VONK_EX_SUBQUERY, NULL, 0, &e, err));
    e->sub_kind = VONK_SUB_EXISTS;
    VONK_TRY(vonk_expr_set_plan(e, plan, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

/* Does a word that follows NOT or stands alone begin an operand? Then NOT is the operator, else a column of that name.
 */
static bool begins_operand(const vonk_parser *p, uint32_t ahead)
{
    switch (vonk__tok_at(p, ahead)) {
    case TK_END:
    case TK_RPAREN:
    case TK_COMMA:
    case TK_DOT:
    case TK_EQ:
    case TK_SEMICOLON:
    case TK_RBRACKET:
    case KW_FROM:
    case KW_AS: return false;
    default: return true;
    }
}

static vonk_status not_level(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_expr *e;
    if ((vonk__is(p, KW_NOT) && begins_operand(p, 1)) || vonk__is(p, TK_BANG)) {
        p->at++;
        VONK_TRY(vonk__deeper(p, err));
        VONK_TRY(not_level(p, &e, err));
        p->depth--;
        return vonk__simple(p, from, VONK_EX_NOT, &e, 1, ret, err);
    }
    if (vonk__is2(p, KW_EXISTS, TK_LPAREN) && p->is_query[p->at + 1]) return exists(p, ret, err);
    VONK_TRY(vonk__parse_value(p, &e, err));
    bool found;
    VONK_TRY(predicate(p, e, &found, ret, err));
    if (!found) *ret = e;
    return VONK_OK;
}

/* ---- predicates */

static vonk_status negated(vonk_parser *p, uint32_t from, bool negate, const vonk_expr *e, const vonk_expr **ret,
                           vonk_error *err)
{
    *ret = e;
    return negate ? vonk__simple(p, from, VONK_EX_NOT, &e, 1, ret, err) : VONK_OK;
}

static vonk_status between(vonk_parser *p, uint32_t from, const vonk_expr *left, bool negate, const vonk_expr **ret,
                           vonk_error *err)
{
    const vonk_expr *args[3] = {left}, *e;
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__expect(p, KW_AND, err));
    VONK_TRY(vonk__parse_value(p, &args[2], err));
    VONK_TRY(vonk__call(p, from, "between", args, 3, VONK_EXF_OPERATOR, &e, err));
    return negated(p, from, negate, e, ret, err);
}

/* (a, b) IN (SELECT ...) compares a and b one by one. */
static bool is_row(const vonk_expr *e)
{
    return e->kind == VONK_EX_CALL && vonk_expr_has(e, VONK_EXF_OPERATOR) && vonk_str_is(e->parts[0], "struct");
}

static vonk_status in_query(vonk_parser *p, uint32_t from, const vonk_expr *left, const vonk_expr **ret,
                            vonk_error *err)
{
    const vonk_plan *plan;
    vonk_expr *e;
    VONK_TRY(vonk__query(p, &plan, err));
    VONK_TRY(vonk__expect_closing(p, TK_RPAREN, err));
    if (is_row(left))
        VONK_TRY(vonk__new(p, VONK_EX_SUBQUERY, left->children, left->n_args, &e, err));
    else
        VONK_TRY(vonk__new(p, VONK_EX_SUBQUERY, &left, 1, &e, err));
    e->sub_kind = VONK_SUB_IN;
    VONK_TRY(vonk_expr_set_plan(e, plan, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status in_list(vonk_parser *p, uint32_t from, uint32_t word, const vonk_expr *left, bool negate,
                           const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    vonk_exprs all = {0};
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    if (p->is_query[p->at - 1]) {
        VONK_TRY(in_query(p, from, left, &e, err));
        return negated(p, from, negate, e, ret, err);
    }
    if (vonk__accept(p, TK_RPAREN)) return VONK_PARSE_FAIL(p, word, err, VONK_E_INVALID_SQL_SYNTAX__EMPTY_IN_PREDICATE);
    VONK_TRY(VONK_PUSH(p, &all, left, err));
    VONK_TRY(vonk__expr_seq(p, &all, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__simple(p, from, VONK_EX_IN, all.at, vonk_u32_of(all.n), &e, err));
    return negated(p, from, negate, e, ret, err);
}

/* LIKE ANY ('a', 'b') is LIKE 'a' OR LIKE 'b'; ALL: AND. */
static vonk_status quantified_like(vonk_parser *p, uint32_t from, uint32_t word, const vonk_expr *left,
                                   const char *name, bool all, bool negate, const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs patterns = {0}, terms = {0};
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    if (vonk__accept(p, TK_RPAREN))
        return VONK_PARSE_FAIL(p, word, err, VONK_E_INVALID_SQL_SYNTAX__EMPTY_QUANTIFIED_PATTERN);
    VONK_TRY(vonk__expr_seq(p, &patterns, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    for (size_t i = 0; i < patterns.n; i++) {
        const vonk_expr *args[2] = {left, patterns.at[i]}, *like;
        VONK_TRY(vonk__call(p, from, name, args, 2, VONK_EXF_OPERATOR, &like, err));
        VONK_TRY(negated(p, from, negate, like, &like, err));
        VONK_TRY(VONK_PUSH(p, &terms, like, err));
    }
    if (terms.n == 1) {
        *ret = terms.at[0];
        return VONK_OK;
    }
    return vonk__simple(p, from, all ? VONK_EX_AND : VONK_EX_OR, terms.at, vonk_u32_of(terms.n), ret, err);
}

static vonk_status like(vonk_parser *p, uint32_t from, uint32_t word, const vonk_expr *left, bool negate,
                        const vonk_expr **ret, vonk_error *err)
{
    const char *name = p->tokens.at[p->at - 1].kind == KW_ILIKE ? "ilike" : "like";
    vonk_tok kind = vonk__tok(p);
    if ((kind == KW_ANY || kind == KW_SOME || kind == KW_ALL) && vonk__tok_at(p, 1) == TK_LPAREN) {
        p->at++;
        return quantified_like(p, from, word, left, name, kind == KW_ALL, negate, ret, err);
    }
    const vonk_expr *args[3] = {left}, *e;
    uint32_t n = 2;
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    if (vonk__accept(p, KW_ESCAPE)) {
        uint32_t at = p->at;
        vonk_str escape;
        VONK_TRY(vonk__string(p, &escape, err));
        if (escape.len != 1 && !(escape.len > 1 && ((unsigned char)escape.data[0] & 0xc0) == 0xc0))
            return VONK_PARSE_FAIL(p, word, err, VONK_E_INVALID_ESC, "invalidEscape",
                                   VONK_F("'%.*s'", VONK_STR_ARGS(escape)));
        VONK_TRY(vonk__string_literal(p, at, escape, &args[2], err));
        n = vonk_str_is(escape, "\\") ? 2 : 3; /* the usual one is not shown */
    }
    VONK_TRY(vonk__call(p, from, name, args, n, VONK_EXF_OPERATOR, &e, err));
    return negated(p, from, negate, e, ret, err);
}

/* `!` in place of NOT inside a predicate is no longer SQL. */
static vonk_status bang(vonk_parser *p, vonk_error *err)
{
    p->at++;
    return VONK_PARSE_FAIL(p, p->at - 1, err, VONK_E_SYNTAX_DISCONTINUED__BANG_EQUALS_NOT, "clause", "!");
}

static vonk_status is_predicate(vonk_parser *p, uint32_t from, const vonk_expr *left, const vonk_expr **ret,
                                vonk_error *err)
{
    if (vonk__is(p, TK_BANG)) return bang(p, err);
    bool negate = vonk__accept(p, KW_NOT);
    const vonk_expr *args[2] = {left}, *e;
    uint32_t at = p->at;
    if (vonk__accept(p, KW_NULL) || vonk__accept(p, KW_UNKNOWN))
        return vonk__simple(p, from, negate ? VONK_EX_IS_NOT_NULL : VONK_EX_IS_NULL, &left, 1, ret, err);
    if (vonk__is(p, KW_TRUE) || vonk__is(p, KW_FALSE)) {
        bool value = vonk__is(p, KW_TRUE);
        p->at++;
        const vonk_expr *literal;
        VONK_TRY(vonk_ex_bool(p->budget, value, &literal, err));
        VONK_TRY(vonk__keep_made(p, literal, &args[1], err));
        vonk__set_origin(p, (vonk_expr *)args[1], at);
        VONK_TRY(vonk__call(p, from, "<=>", args, 2, VONK_EXF_OPERATOR, &e, err));
        return negated(p, from, negate, e, ret, err);
    }
    VONK_TRY(vonk__expect(p, KW_DISTINCT, err));
    VONK_TRY(vonk__expect(p, KW_FROM, err));
    VONK_TRY(vonk__parse_value(p, &args[1], err));
    VONK_TRY(vonk__call(p, from, "<=>", args, 2, VONK_EXF_OPERATOR, &e, err));
    return negated(p, from, !negate, e, ret, err);
}

/* A word like IN or LIKE is an operator only when an operand can follow; `SELECT a between` names a column. */
static bool is_predicate_word(const vonk_parser *p, uint32_t ahead)
{
    vonk_tok next = vonk__tok_at(p, ahead + 1);
    switch (vonk__tok_at(p, ahead)) {
    case KW_IN: return next == TK_LPAREN;
    case KW_BETWEEN:
    case KW_LIKE:
    case KW_ILIKE:
    case KW_RLIKE: return next != TK_COMMA && next != TK_RPAREN && next != TK_SEMICOLON && next != KW_FROM;
    default: return false;
    }
}

static vonk_status predicate(vonk_parser *p, const vonk_expr *left, bool *ret_found, const vonk_expr **ret,
                             vonk_error *err)
{
    uint32_t word = p->at;
    bool negate = (vonk__is(p, KW_NOT) || vonk__is(p, TK_BANG)) && is_predicate_word(p, 1);
    const vonk_expr *args[2] = {left}, *e;
    *ret_found = true;
    if (vonk__is(p, KW_IS) && vonk__tok_at(p, 1) != TK_COMMA && vonk__tok_at(p, 1) != TK_END) {
        p->at++;
        return is_predicate(p, word, left, ret, err);
    }
    if (!negate && !is_predicate_word(p, 0)) {
        *ret_found = false;
        return VONK_OK;
    }
    if (vonk__is(p, TK_BANG)) return bang(p, err);
    p->at += negate ? 2 : 1;
    switch (p->tokens.at[p->at - 1].kind) {
    case KW_BETWEEN: return between(p, word, left, negate, ret, err);
    case KW_IN: return in_list(p, word, word, left, negate, ret, err);
    case KW_RLIKE:
        VONK_TRY(vonk__parse_value(p, &args[1], err));
        VONK_TRY(vonk__call(p, word, "rlike", args, 2, VONK_EXF_OPERATOR, &e, err));
        return negated(p, word, negate, e, ret, err);
    default: return like(p, word, word, left, negate, ret, err);
    }
}

/* ---- operators of values */

typedef struct operator_info {
    int level; /* binds tighter: higher; 0: none */
    const char *name;
    uint32_t n_tokens;
} operator_info;

static bool adjacent(const vonk_parser *p, uint32_t ahead)
{
    return p->tokens.at[p->at + ahead].end == p->tokens.at[p->at + ahead + 1].start;
}

/* '>' is always a token of its own, for types like array<array<int>>; here they are put together. */
static operator_info greater_operator(const vonk_parser *p)
{
    if (vonk__tok_at(p, 1) == TK_GT && adjacent(p, 0)) {
        if (vonk__tok_at(p, 2) == TK_GT && adjacent(p, 1)) return (operator_info){5, ">>>", 3};
        return (operator_info){5, ">>", 2};
    }
    return (operator_info){1, ">", 1};
}

static operator_info operator_at(const vonk_parser *p)
{
    switch (vonk__tok(p)) {
    case TK_STAR: return (operator_info){7, "*", 1};
    case TK_SLASH: return (operator_info){7, "/", 1};
    case TK_PERCENT: return (operator_info){7, "%", 1};
    case KW_DIV: return begins_operand(p, 1) ? (operator_info){7, "div", 1} : (operator_info){0, NULL, 0};
    case TK_PLUS: return (operator_info){6, "+", 1};
    case TK_MINUS: return (operator_info){6, "-", 1};
    case TK_CONCAT: return (operator_info){6, "concat", 1};
    case TK_SHIFT_LEFT: return (operator_info){5, "<<", 1};
    case TK_AMPERSAND: return (operator_info){4, "&", 1};
    case TK_HAT: return (operator_info){3, "^", 1};
    case TK_PIPE: return (operator_info){2, "|", 1};
    case TK_EQ: return (operator_info){1, "=", 1};
    case TK_NSEQ: return (operator_info){1, "<=>", 1};
    case TK_NEQ:
    case TK_NEQJ: return (operator_info){1, "!=", 1};
    case TK_LT: return (operator_info){1, "<", 1};
    case TK_LTE: return (operator_info){1, "<=", 1};
    case TK_GTE: return (operator_info){1, ">=", 1};
    case TK_GT: return greater_operator(p);
    default: return (operator_info){0, NULL, 0};
    }
}

static vonk_status unary(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_tok kind = vonk__tok(p);
    if ((kind != TK_MINUS && kind != TK_PLUS && kind != TK_TILDE) || vonk__at_number(p))
        return vonk__primary(p, ret, err);
    const char *name = kind == TK_MINUS ? "negative" : kind == TK_PLUS ? "positive" : "~";
    const vonk_expr *e;
    p->at++;
    VONK_TRY(vonk__deeper(p, err));
    VONK_TRY(unary(p, &e, err));
    p->depth--;
    return vonk__call(p, from, name, &e, 1, VONK_EXF_OPERATOR, ret, err);
}

vonk_status vonk__parse_value(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    return value_level(p, 1, ret, err);
}

/* Operators of level `least` and tighter; equal levels from left to right. */
static vonk_status value_level(vonk_parser *p, int least, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_expr *args[2];
    VONK_TRY(vonk__deeper(p, err));
    VONK_TRY(unary(p, &args[0], err));
    for (;;) {
        operator_info op = operator_at(p);
        if (op.level < least || op.level == 0) break;
        p->at += op.n_tokens;
        VONK_TRY(value_level(p, op.level + 1, &args[1], err));
        bool unequal = strcmp(op.name, "!=") == 0;
        uint32_t flags = strcmp(op.name, "concat") == 0 ? 0 : VONK_EXF_OPERATOR;
        VONK_TRY(vonk__call(p, from, unequal ? "=" : op.name, args, 2, flags, &args[0], err));
        if (unequal) VONK_TRY(vonk__simple(p, from, VONK_EX_NOT, &args[0], 1, &args[0], err));
    }
    p->depth--;
    *ret = args[0];
    return VONK_OK;
}

/* ---- lists and named expressions */

vonk_status vonk__expr_seq(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    do {
        const vonk_expr *e;
        VONK_TRY(vonk__expr(p, &e, err));
        VONK_TRY(VONK_PUSH(p, ret, e, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}

/* An alias may come without AS unless the word goes on with the query: `SELECT a FROM t`. */
static bool at_alias(const vonk_parser *p)
{
    if (vonk__is(p, KW_SELECT) || vonk__is(p, KW_INSERT)) return !p->reserved_words;
    return vonk__is_identifier(p, vonk__tok(p)) && !vonk__at_clause(p);
}

/* expr AS (a, b): the columns of a generator. */
static bool at_alias_list(const vonk_parser *p)
{
    return vonk__is(p, TK_LPAREN) && vonk__is_identifier(p, vonk__tok_at(p, 1)) &&
           (vonk__tok_at(p, 2) == TK_COMMA || vonk__tok_at(p, 2) == TK_RPAREN);
}

static vonk_status alias_list(vonk_parser *p, uint32_t from, const vonk_expr *child, const vonk_expr **ret,
                              vonk_error *err)
{
    vonk_strs names = {0};
    vonk_expr *e;
    VONK_TRY(vonk__identifier_list(p, &names, err));
    VONK_TRY(vonk__new(p, VONK_EX_ALIAS, &child, 1, &e, err));
    VONK_TRY(vonk_expr_set_parts(e, names.at, vonk_u32_of(names.n), err));
    return vonk__keep_expr(p, e, from, ret, err);
}

vonk_status vonk__named_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_expr *child;
    VONK_TRY(vonk__expr(p, &child, err));
    bool as = vonk__is(p, KW_AS) && begins_operand(p, 1);
    if (as) p->at++;
    if (at_alias_list(p)) return alias_list(p, from, child, ret, err);
    if (!as && !at_alias(p)) {
        *ret = child;
        return VONK_OK;
    }
    vonk_str name;
    vonk_expr *e;
    VONK_TRY(vonk__identifier_captured(p, &name, err));
    VONK_TRY(vonk__new(p, VONK_EX_ALIAS, &child, 1, &e, err));
    e->id = vonk_expr_new_id();
    VONK_TRY(vonk_expr_set_name(e, name, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

vonk_status vonk__named_exprs(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    do {
        const vonk_expr *e;
        VONK_TRY(vonk__named_expr(p, &e, err));
        VONK_TRY(VONK_PUSH(p, ret, e, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}

/* Nulls come first in ascending order, last in descending, unless said otherwise. */
vonk_status vonk__sort_item(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_expr *child;
    vonk_expr *e;
    VONK_TRY(vonk__expr(p, &child, err));
    bool descending = vonk__accept(p, KW_DESC);
    if (!descending) vonk__accept(p, KW_ASC);
    bool nulls_last = descending;
    if (vonk__is(p, KW_NULLS)) {
        p->at++;
        nulls_last = vonk__accept(p, KW_LAST);
        if (!nulls_last) VONK_TRY(vonk__expect(p, KW_FIRST, err));
    }
    VONK_TRY(vonk__new(p, VONK_EX_SORT, &child, 1, &e, err));
    e->flags = (descending ? VONK_EXF_DESCENDING : 0u) | (nulls_last ? VONK_EXF_NULLS_LAST : 0u);
    return vonk__keep_expr(p, e, from, ret, err);
}

vonk_status vonk__sort_items(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    do {
        const vonk_expr *e;
        VONK_TRY(vonk__sort_item(p, &e, err));
        VONK_TRY(VONK_PUSH(p, ret, e, err));
    } while (vonk__accept(p, TK_COMMA));
    return VONK_OK;
}
