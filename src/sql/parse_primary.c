/* sql/parse_primary.c -- the atoms of expressions and what may follow one: a.b, a[i], a::type, a COLLATE c, a:path. */
#include "base/buf.h"
#include "sql/parse.h"

static vonk_status atom(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
static vonk_status postfix(vonk_parser *p, uint32_t from, const vonk_expr *e, bool *ret_found, const vonk_expr **ret,
                           vonk_error *err);

vonk_status vonk__primary(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_expr *e;
    bool more = true;
    VONK_TRY(atom(p, &e, err));
    while (more) VONK_TRY(postfix(p, from, e, &more, &e, err));
    *ret = e;
    return VONK_OK;
}

/* ---- parentheses */

static vonk_status scalar_subquery(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    const vonk_plan *plan;
    vonk_expr *e;
    VONK_TRY(vonk__query(p, &plan, err));
    VONK_TRY(vonk__expect_closing(p, TK_RPAREN, err));
    VONK_TRY(vonk__new(p, VONK_EX_SUBQUERY, NULL, 0, &e, err));
    e->sub_kind = VONK_SUB_SCALAR;
    VONK_TRY(vonk_expr_set_plan(e, plan, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

/* Names of lambda parameters may not be used twice; that is the analyzer's to say. */
static vonk_status lambda(vonk_parser *p, uint32_t from, const vonk_strs *names, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *body;
    vonk_expr *e;
    VONK_TRY(vonk__expect(p, TK_ARROW, err));
    VONK_TRY(vonk__expr(p, &body, err));
    VONK_TRY(vonk__new(p, VONK_EX_LAMBDA, &body, 1, &e, err));
    VONK_TRY(vonk_expr_set_parts(e, names->at, vonk_u32_of(names->n), err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status parenthesized(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at, closing = p->match[p->at];
    if (p->is_query[p->at]) return scalar_subquery(p, ret, err);
    if (closing && p->tokens.at[closing + 1].kind == TK_ARROW) {
        vonk_strs names = {0};
        VONK_TRY(vonk__identifier_list(p, &names, err));
        return lambda(p, from, &names, ret, err);
    }
    vonk_exprs items = {0};
    p->at++;
    VONK_TRY(vonk__named_exprs(p, &items, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    if (items.n == 1) {
        *ret = items.at[0]; /* an alias inside parentheses is lost, as in Spark */
        while ((*ret)->kind == VONK_EX_ALIAS) *ret = (*ret)->children[0];
        return VONK_OK;
    }
    return vonk__call(p, from, "struct", items.at, vonk_u32_of(items.n), VONK_EXF_OPERATOR, ret, err);
}

/* ---- stars */

static vonk_status star(vonk_parser *p, uint32_t from, const vonk_strs *qualifier, const vonk_expr **ret,
                        vonk_error *err)
{
    vonk_exprs except = {0};
    vonk_expr *e;
    VONK_TRY(vonk__expect(p, TK_STAR, err));
    if (vonk__is2(p, KW_EXCEPT, TK_LPAREN) && !p->is_query[p->at + 1]) {
        p->at += 2;
        do {
            vonk_strs parts = {0};
            uint32_t at = p->at;
            const vonk_expr *name;
            VONK_TRY(vonk__name(p, &parts, err));
            VONK_TRY(vonk__name_expr(p, at, parts.at, vonk_u32_of(parts.n), &name, err));
            VONK_TRY(VONK_PUSH(p, &except, name, err));
        } while (vonk__accept(p, TK_COMMA));
        VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    }
    VONK_TRY(vonk__new(p, VONK_EX_STAR, except.at, vonk_u32_of(except.n), &e, err));
    VONK_TRY(vonk_expr_set_parts(e, qualifier->at, vonk_u32_of(qualifier->n), err));
    return vonk__keep_expr(p, e, from, ret, err);
}

/* ---- CASE */

static vonk_status case_branches(vonk_parser *p, uint32_t from, const vonk_expr *value, const vonk_expr **ret,
                                 vonk_error *err)
{
    vonk_exprs all = {0};
    do {
        const vonk_expr *when, *then;
        VONK_TRY(vonk__expect(p, KW_WHEN, err));
        VONK_TRY(vonk__expr(p, &when, err));
        VONK_TRY(VONK_PUSH(p, &all, when, err));
        VONK_TRY(vonk__expect(p, KW_THEN, err));
        VONK_TRY(vonk__expr(p, &then, err));
        VONK_TRY(VONK_PUSH(p, &all, then, err));
    } while (vonk__is(p, KW_WHEN));
    if (vonk__accept(p, KW_ELSE)) {
        const vonk_expr *otherwise;
        VONK_TRY(vonk__expr(p, &otherwise, err));
        VONK_TRY(VONK_PUSH(p, &all, otherwise, err));
    }
    VONK_TRY(vonk__expect(p, KW_END, err));
    for (size_t i = 0; value && i + 1 < all.n; i += 2) { /* their place in the text is the whole CASE */
        const vonk_expr *both[2] = {value, all.at[i]};
        VONK_TRY(vonk__call(p, from, "=", both, 2, VONK_EXF_OPERATOR, &all.at[i], err));
    }
    return vonk__simple(p, from, VONK_EX_CASE, all.at, vonk_u32_of(all.n), ret, err);
}

static vonk_status case_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    const vonk_expr *value = NULL;
    if (!vonk__is(p, KW_WHEN)) VONK_TRY(vonk__expr(p, &value, err));
    return case_branches(p, from, value, ret, err);
}

/* ---- columns */

static vonk_status name_or_call(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs parts = {0};
    vonk_str part;
    bool clause = vonk__at_identifier_clause(p);
    if (vonk__tok_at(p, 1) == TK_LPAREN && !clause) return vonk__call_expr(p, ret, err);
    if (clause && p->tokens.at[p->match[p->at + 1] + 1].kind == TK_LPAREN) return vonk__call_expr(p, ret, err);
    do {
        if (parts.n > 0 && vonk__is(p, TK_STAR)) return star(p, from, &parts, ret, err);
        if (vonk__at_identifier_clause(p)) {
            VONK_TRY(vonk__identifier_clause(p, &parts, err));
            continue;
        }
        VONK_TRY(vonk__identifier(p, &part, err));
        VONK_TRY(VONK_PUSH(p, &parts, part, err));
    } while (vonk__accept(p, TK_DOT));
    if (vonk__is(p, TK_LPAREN) && parts.n > 1) {
        p->at = from;
        return vonk__call_expr(p, ret, err);
    }
    if (vonk__is(p, TK_ARROW) && parts.n == 1) return lambda(p, from, &parts, ret, err);
    return vonk__name_expr(p, from, parts.at, vonk_u32_of(parts.n), ret, err);
}

static vonk_status constant_word(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    const vonk_expr *e;
    vonk_tok kind = (vonk_tok)p->tokens.at[from].kind;
    if (kind == KW_NULL)
        VONK_TRY(vonk_ex_null(p->budget, &vonk_type_null, &e, err));
    else
        VONK_TRY(vonk_ex_bool(p->budget, kind == KW_TRUE, &e, err));
    VONK_TRY(vonk__keep_made(p, e, ret, err));
    vonk__set_origin(p, (vonk_expr *)*ret, from);
    return VONK_OK;
}

/* TRUE, FALSE and NULL followed by '(' or '.' are names. */
static bool is_constant_word(const vonk_parser *p)
{
    vonk_tok kind = vonk__tok(p), next = vonk__tok_at(p, 1);
    return (kind == KW_NULL || kind == KW_TRUE || kind == KW_FALSE) && next != TK_LPAREN && next != TK_DOT;
}

static bool is_case(const vonk_parser *p)
{
    switch (vonk__tok_at(p, 1)) {
    case TK_COMMA:
    case TK_RPAREN:
    case TK_END:
    case TK_DOT:
    case TK_EQ:
    case KW_FROM:
    case KW_AS: return false;
    default: return vonk__is(p, KW_CASE);
    }
}

static vonk_status string_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_str text;
    VONK_TRY(vonk__string(p, &text, err));
    return vonk__string_literal(p, from, text, ret, err);
}

static vonk_status atom(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    static const vonk_strs nothing = {0};
    vonk_tok kind = vonk__tok(p);
    if (vonk__at_number(p)) return vonk__number(p, ret, err);
    if (vonk__at_string(p, 0)) return string_expr(p, ret, err);
    switch (kind) {
    case TK_LPAREN: return parenthesized(p, ret, err);
    case TK_STAR: return star(p, p->at, &nothing, ret, err);
    case TK_QUESTION:
    case TK_ARGUMENT:
    case TK_COLON: return vonk__parameter(p, ret, err);
    default: break;
    }
    if (is_case(p)) return case_expr(p, ret, err);
    if (vonk__at_special_call(p)) return vonk__special_call(p, ret, err);
    if (is_constant_word(p)) return constant_word(p, ret, err);
    if (kind == KW_INTERVAL && vonk__at_interval(p)) return vonk__interval(p, ret, err);
    if (vonk__is_identifier(p, kind) && vonk__at_string(p, 1)) return vonk__typed_literal(p, ret, err);
    if (vonk__is_identifier(p, kind)) return name_or_call(p, ret, err);
    if ((kind == KW_LEFT || kind == KW_RIGHT || kind == KW_FILTER || kind >= KW_CURRENT_DATE) &&
        kind >= TK_FIRST_KEYWORD && vonk__tok_at(p, 1) == TK_LPAREN)
        return vonk__call_expr(p, ret, err);
    switch (kind) { /* words that are reserved in ANSI mode and functions without parentheses */
    case KW_CURRENT_DATE:
    case KW_CURRENT_PATH:
    case KW_CURRENT_TIME:
    case KW_CURRENT_TIMESTAMP:
    case KW_CURRENT_USER:
    case KW_LOCALTIME:
    case KW_SESSION_USER:
    case KW_USER: {
        vonk_str text = vonk__token_text(p, p->at++);
        return vonk__name_expr(p, p->at - 1, &text, 1, ret, err);
    }
    default: return vonk__syntax_error(p, err);
    }
}

/* ---- what follows */

static vonk_status extract(vonk_parser *p, uint32_t from, const vonk_expr *e, const vonk_expr *what,
                           const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *both[2] = {e, what};
    return vonk__simple(p, from, VONK_EX_EXTRACT, both, 2, ret, err);
}

static vonk_status dot(vonk_parser *p, uint32_t from, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    uint32_t at = ++p->at;
    vonk_str name;
    const vonk_expr *what;
    VONK_TRY(vonk__identifier(p, &name, err));
    VONK_TRY(vonk__string_literal(p, at, name, &what, err));
    return extract(p, from, e, what, ret, err);
}

/* One step of a:path: a name, a quoted name, ['name'] or [3]. */
static vonk_status path_step(vonk_parser *p, bool first, vonk_buf *path, bool *ret_found, vonk_error *err)
{
    vonk_str text;
    *ret_found = true;
    if (vonk__accept(p, TK_LBRACKET)) {
        bool number = vonk__is(p, TK_INT);
        if (number)
            text = vonk__token_text(p, p->at++);
        else if (vonk__at_string(p, 0))
            VONK_TRY(vonk__string(p, &text, err));
        else
            VONK_TRY(vonk__identifier(p, &text, err));
        VONK_TRY(vonk_buf_printf(path, err, number ? "[%.*s]" : "['%.*s']", VONK_STR_ARGS(text)));
        return vonk__expect(p, TK_RBRACKET, err);
    }
    if (first || vonk__accept(p, TK_DOT)) {
        bool quoted = vonk__is(p, TK_QUOTED);
        VONK_TRY(vonk__identifier(p, &text, err));
        return vonk_buf_printf(path, err, quoted ? "['%.*s']" : ".%.*s", VONK_STR_ARGS(text));
    }
    *ret_found = false;
    return VONK_OK;
}

static vonk_status variant_path(vonk_parser *p, uint32_t from, const vonk_expr *e, const vonk_expr **ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf path = {0};
    uint32_t at = ++p->at;
    bool more = true;
    const vonk_expr *args[3] = {e};
    vonk_buf_init(&path, p->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_byte(&path, '$', err));
    for (bool first = true; more; first = false) VONK_TRY(path_step(p, first, &path, &more, err));
    VONK_TRY(vonk__string_literal(p, at, vonk_buf_str(&path), &args[1], err));
    VONK_TRY(vonk__string_literal(p, at, VONK_STR("variant"), &args[2], err));
    return vonk__call(p, from, "variant_get", args, 3, 0, ret, err);
}

static vonk_status collate(vonk_parser *p, uint32_t from, const vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    uint32_t at = ++p->at;
    vonk_strs name = {0};
    const vonk_expr *args[2] = {e};
    VONK_TRY(vonk__name(p, &name, err));
    VONK_TRY(vonk__string_literal(p, at, name.at[name.n - 1], &args[1], err));
    return vonk__call(p, from, "collate", args, 2, 0, ret, err);
}

static vonk_status double_colon(vonk_parser *p, uint32_t from, const vonk_expr *e, const vonk_expr **ret,
                                vonk_error *err)
{
    const vonk_type *type;
    vonk_expr *cast;
    p->at++;
    VONK_TRY(vonk__cast_type(p, &type, err));
    VONK_TRY(vonk__new(p, VONK_EX_CAST, &e, 1, &cast, err));
    cast->mode = p->env.ansi ? VONK_MODE_ANSI : VONK_MODE_LEGACY;
    VONK_TRY(vonk_expr_set_type(cast, type, err));
    return vonk__keep_expr(p, cast, from, ret, err);
}

static vonk_status postfix(vonk_parser *p, uint32_t from, const vonk_expr *e, bool *ret_found, const vonk_expr **ret,
                           vonk_error *err)
{
    const vonk_expr *index;
    *ret_found = true;
    *ret = e;
    switch (vonk__tok(p)) {
    case TK_LBRACKET:
        p->at++;
        VONK_TRY(vonk__parse_value(p, &index, err));
        VONK_TRY(vonk__expect_closing(p, TK_RBRACKET, err));
        return extract(p, from, e, index, ret, err);
    case TK_DOT: return dot(p, from, e, ret, err);
    case TK_DOUBLE_COLON: return double_colon(p, from, e, ret, err);
    case TK_COLON: return variant_path(p, from, e, ret, err);
    case KW_COLLATE:
        if (!vonk__is_identifier(p, vonk__tok_at(p, 1))) break;
        return collate(p, from, e, ret, err);
    default: break;
    }
    *ret_found = false;
    return VONK_OK;
}
