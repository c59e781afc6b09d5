/* sql/parse.c -- entry points of the parser, tokens, errors, ownership of what is made while parsing. */
#include "sql/parse.h"

#include "base/buf.h"
#include "sql/sql.h"
#include "sys/clock.h"

static vonk_status parser_init(vonk_parser *p, vonk_budget *budget, const vonk_conf *conf, vonk_str text,
                               bool arguments, vonk_error *err);
static vonk_status syntax_error(const vonk_parser *p, const char *hint, bool hint_shows_token, vonk_error *err);
static void parser_done(vonk_parser *p);
VONK_DEFINE_AUTO_DONE(vonk_parser, parser_done)

/* ---- entry points */

static vonk_status expect_end(vonk_parser *p, vonk_error *err)
{
    if (vonk__is(p, TK_END)) return VONK_OK;
    return vonk__expect(p, TK_END, err);
}

vonk_status vonk_sql_parse(vonk_budget *budget, const vonk_conf *conf, vonk_str text, const vonk_sql_args *args,
                           const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(parser_done) vonk_parser p = {0};
    const vonk_plan *plan;
    if (args) VONK_TRY(vonk__check_arguments(args, err));
    VONK_TRY(parser_init(&p, budget, conf, text, false, err));
    p.args = args;
    if (vonk__is(&p, TK_END)) return VONK_FAIL(err, VONK_E_PARSE_EMPTY_STATEMENT);
    VONK_TRY(vonk__statement(&p, &plan, err));
    bool ended = vonk__is(&p, TK_SEMICOLON);
    while (vonk__accept(&p, TK_SEMICOLON)) {
    }
    if (ended && !vonk__is(&p, TK_END)) return syntax_error(&p, ": extra input ", true, err);
    VONK_TRY(expect_end(&p, err));
    if (p.named_parameters && p.positional_parameters)
        return VONK_FAIL(err, VONK_E_INVALID_QUERY_MIXED_QUERY_PARAMETERS);
    *ret = vonk_plan_ref(plan);
    return VONK_OK;
}

static vonk_status parse_expr(vonk_budget *budget, const vonk_conf *conf, vonk_str text, bool arguments,
                              const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(parser_done) vonk_parser p = {0};
    const vonk_expr *e;
    VONK_TRY(parser_init(&p, budget, conf, text, arguments, err));
    if (vonk__is(&p, TK_END)) return VONK_FAIL(err, VONK_E_PARSE_EMPTY_STATEMENT);
    VONK_TRY(vonk__named_expr(&p, &e, err));
    VONK_TRY(expect_end(&p, err));
    *ret = vonk_expr_ref(e);
    return VONK_OK;
}

vonk_status vonk_sql_parse_expr(vonk_budget *budget, const vonk_conf *conf, vonk_str text, const vonk_expr **ret,
                                vonk_error *err)
{
    return parse_expr(budget, conf, text, false, ret, err);
}

vonk_status vonk__parse_template(vonk_budget *budget, vonk_str text, const vonk_expr **ret, vonk_error *err)
{
    return parse_expr(budget, NULL, text, true, ret, err);
}

vonk_status vonk_sql_parse_name(vonk_arena *arena, vonk_str text, const vonk_str **ret_parts, uint32_t *ret_n,
                                vonk_error *err)
{
    VONK_AUTO(parser_done) vonk_parser p = {0};
    vonk_strs name = {0};
    vonk_str *own;
    VONK_TRY(parser_init(&p, vonk_arena_budget(arena), NULL, text, false, err));
    if (vonk__is(&p, TK_END)) return VONK_FAIL(err, VONK_E_PARSE_EMPTY_STATEMENT);
    VONK_TRY(vonk__name(&p, &name, err));
    VONK_TRY(expect_end(&p, err));
    VONK_TRY(vonk_arena_array(arena, name.n, sizeof(*own), &own, err));
    for (size_t i = 0; i < name.n; i++) VONK_TRY(vonk_arena_str(arena, name.at[i], &own[i], err));
    *ret_parts = own;
    *ret_n = vonk_u32_of(name.n);
    return VONK_OK;
}

/* Skips one quoted text; a doubled or escaped quote is part of it. */
static size_t skip_quoted(vonk_str text, size_t at)
{
    char quote = text.data[at++];
    while (at < text.len) {
        char c = text.data[at++];
        if (c == '\\' && quote != '`' && at < text.len)
            at++;
        else if (c == quote)
            return at;
    }
    return at;
}

static size_t skip_comment(vonk_str text, size_t at)
{
    if (text.data[at] == '-') {
        size_t end = vonk_str_find_byte(text, '\n', at);
        return end == SIZE_MAX ? text.len : end;
    }
    int open = 0;
    do {
        vonk_str here = vonk_str_sub(text, at, text.len);
        if (vonk_str_starts(here, VONK_STR("/*"))) {
            open++;
            at += 2;
        } else if (vonk_str_starts(here, VONK_STR("*/"))) {
            open--;
            at += 2;
        } else {
            at++;
        }
    } while (open > 0 && at < text.len);
    return at;
}

size_t vonk_sql_statement_end(vonk_str text)
{
    for (size_t at = 0; at < text.len;) {
        char c = text.data[at], next = at + 1 < text.len ? text.data[at + 1] : 0;
        if (c == ';') return at + 1;
        if (c == '\'' || c == '"' || c == '`')
            at = skip_quoted(text, at);
        else if ((c == '-' && next == '-') || (c == '/' && next == '*'))
            at = skip_comment(text, at);
        else
            at++;
    }
    return text.len;
}

/* ---- the parser */

static bool conf_bool(const vonk_conf *conf, const char *key) { return conf && vonk_conf_bool(conf, key); }

/* Which ')' belongs to which '(', and does a query begin there? Inner ones are known before outer ones. */
static vonk_status match_parentheses(vonk_parser *p, vonk_error *err)
{
    uint32_t n = p->tokens.n, depth = 0, *open;
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*p->match), &p->match, err));
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*p->is_query), &p->is_query, err));
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*open), &open, err));
    for (uint32_t i = 0; i < n; i++) {
        if (p->tokens.at[i].kind == TK_LPAREN)
            open[depth++] = i;
        else if (p->tokens.at[i].kind == TK_RPAREN && depth > 0)
            p->match[open[--depth]] = i;
    }
    for (uint32_t i = n; i-- > 0;) {
        if (p->tokens.at[i].kind != TK_LPAREN) continue;
        p->at = i + 1;
        p->is_query[i] = vonk__at_query(p);
    }
    p->at = 0;
    return VONK_OK;
}

/* Characters before each 1024th byte, so that positions are found without counting from the start. */
static vonk_status mark_characters(vonk_parser *p, vonk_error *err)
{
    size_t n = p->text.len / 1024 + 1;
    uint32_t characters = 0;
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*p->marks), &p->marks, err));
    for (size_t i = 0; i < p->text.len; i++) {
        if (i % 1024 == 0) p->marks[i / 1024] = characters;
        if (((unsigned char)p->text.data[i] & 0xc0) != 0x80) characters++;
    }
    return VONK_OK;
}

static vonk_status check_comments(const vonk_parser *p, vonk_error *err)
{
    return p->tokens.unclosed_comment ? VONK_FAIL(err, VONK_E_UNCLOSED_BRACKETED_COMMENT) : VONK_OK;
}

static vonk_status prepare(vonk_parser *p, bool arguments, vonk_error *err)
{
    if (p->text.len > VONK_MAX_SQL_BYTES) return VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
    VONK_TRY(vonk_arena_new(p->budget, &p->arena, err));
    VONK_TRY(vonk__lex(p->arena, p->text, arguments, &p->tokens, err));
    VONK_TRY(check_comments(p, err));
    if (!p->tokens.ascii) VONK_TRY(mark_characters(p, err));
    VONK_TRY(vonk_origin_text_new(p->budget, false, p->text, VONK_STR_NONE, &p->origin, err));
    return match_parentheses(p, err);
}

static vonk_status parser_init(vonk_parser *p, vonk_budget *budget, const vonk_conf *conf, vonk_str text,
                               bool arguments, vonk_error *err)
{
    *p = (vonk_parser){.budget = budget, .conf = conf, .text = text};
    if (conf)
        vonk_conf_fn_env(conf, vonk_clock_wall_us(), &p->env);
    else
        p->env = (vonk_fn_env){.ansi = true, .time_zone = VONK_STR("UTC")};
    bool ansi = conf && vonk_conf_bool(conf, "spark.sql.ansi.enabled");
    p->reserved_words = ansi && vonk_conf_bool(conf, "spark.sql.ansi.enforceReservedKeywords");
    p->double_quoted_names = ansi && vonk_conf_bool(conf, "spark.sql.ansi.doubleQuotedIdentifiers");
    p->exponent_is_decimal = conf_bool(conf, "spark.sql.legacy.exponentLiteralAsDecimal.enabled");
    p->flat_set_ops = conf_bool(conf, "spark.sql.legacy.setopsPrecedence.enabled");
    p->legacy_intervals = conf_bool(conf, "spark.sql.legacy.interval.enabled");
    p->plain_escapes = conf_bool(conf, "spark.sql.parser.escapedStringLiterals");
    vonk_status st = prepare(p, arguments, err);
    if (st != VONK_OK) {
        parser_done(p);
        *p = (vonk_parser){0};
    }
    return st;
}

static void parser_done(vonk_parser *p)
{
    for (size_t i = 0; i < p->exprs.n; i++) vonk_expr_unref(p->exprs.at[i]);
    for (size_t i = 0; i < p->plans.n; i++) vonk_plan_unref(p->plans.at[i]);
    if (p->origin) vonk_origin_text_unref(p->origin);
    vonk_arena_free(p->arena);
}

vonk_status vonk__deeper(vonk_parser *p, vonk_error *err)
{
    if (p->depth >= VONK_MAX_PARSE_DEPTH) return VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
    p->depth++;
    return VONK_OK;
}

/* ---- positions and errors */

vonk_str vonk__token_text(const vonk_parser *p, uint32_t i)
{
    return vonk_str_sub(p->text, p->tokens.at[i].start, p->tokens.at[i].end);
}

static int32_t character_at(const vonk_parser *p, uint32_t byte)
{
    if (!p->marks) return vonk_i32_of(byte);
    uint32_t characters = p->marks[byte / 1024];
    for (uint32_t i = byte / 1024 * 1024; i < byte; i++)
        if (((unsigned char)p->text.data[i] & 0xc0) != 0x80) characters++;
    return vonk_i32_of(characters);
}

vonk_origin vonk__origin(const vonk_parser *p, uint32_t from_token, uint32_t end_token)
{
    if (end_token <= from_token) end_token = from_token + 1;
    const vonk_token *first = &p->tokens.at[from_token], *last = &p->tokens.at[end_token - 1];
    return (vonk_origin){p->origin, character_at(p, first->start), character_at(p, last->end) - 1};
}

void vonk__set_origin(vonk_parser *p, vonk_expr *e, uint32_t from_token)
{
    vonk_origin origin = vonk__origin(p, from_token, p->at);
    vonk_expr_set_origin(e, &origin);
}

void vonk__add_tokens(const vonk_parser *p, uint32_t from, vonk_error *err)
{
    vonk_query_context context;
    vonk_origin origin = vonk__origin(p, from, p->at);
    if (vonk_origin_context(&origin, &context)) vonk_error_add_context(err, &context);
}

/* How messages show a token: 'word', with line ends made visible. */
static vonk_status show_token(const vonk_parser *p, uint32_t i, vonk_buf *out, vonk_error *err)
{
    if (p->tokens.at[i].kind == TK_END) return vonk_buf_append(out, "end of input", sizeof("end of input"), err);
    vonk_str text = vonk__token_text(p, i);
    VONK_TRY(vonk_buf_add_byte(out, '\'', err));
    for (size_t k = 0; k < text.len; k++) {
        char c = text.data[k];
        if (c == '\n')
            VONK_TRY(vonk_buf_add_c(out, "\\n", err));
        else if (c == '\r')
            VONK_TRY(vonk_buf_add_c(out, "\\r", err));
        else if (c == '\t')
            VONK_TRY(vonk_buf_add_c(out, "\\t", err));
        else
            VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return vonk_buf_append(out, "'", 2, err); /* with its NUL */
}

enum { SHOWN_MOST = 1 << 20 };

static vonk_status syntax_error(const vonk_parser *p, const char *hint, bool hint_shows_token, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0}, whole = {0};
    vonk_buf_init(&shown, p->budget, SHOWN_MOST);
    vonk_buf_init(&whole, p->budget, SHOWN_MOST);
    VONK_TRY(show_token(p, p->at, &shown, err));
    VONK_TRY(vonk_buf_add_c(&whole, hint, err));
    if (hint_shows_token) VONK_TRY(vonk_buf_append(&whole, shown.data, shown.len, err));
    VONK_TRY(vonk_buf_add_byte(&whole, '\0', err));
    return VONK_FAIL(err, VONK_E_PARSE_SYNTAX_ERROR, "error", shown.data, "hint", whole.data);
}

vonk_status vonk__wrong_token(const vonk_parser *p, vonk_error *err) { return syntax_error(p, "", false, err); }

vonk_status vonk__expect(vonk_parser *p, vonk_tok kind, vonk_error *err)
{
    if (vonk__accept(p, kind)) return VONK_OK;
    bool extra = vonk__tok(p) != TK_END && vonk__tok_at(p, 1) == kind;
    return syntax_error(p, extra ? ": extra input " : "", extra, err);
}

vonk_status vonk__expect_closing(vonk_parser *p, vonk_tok kind, vonk_error *err)
{
    if (vonk__tok(p) != kind && vonk__is(p, TK_END))
        return syntax_error(p, kind == TK_RBRACKET ? ": missing ']'" : ": missing ')'", false, err);
    return vonk__expect(p, kind, err);
}

/* ---- keeping: the parser owns one reference of every node from its first moment */

vonk_status vonk__new(vonk_parser *p, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                      vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk_expr_new(p->budget, kind, children, n, &e, err));
    const vonk_expr *kept = e;
    vonk_status st = VONK_PUSH(p, &p->exprs, kept, err);
    if (st != VONK_OK) {
        vonk_expr_unref(e);
        return st;
    }
    *ret = e;
    return VONK_OK;
}

vonk_status vonk__keep_expr(vonk_parser *p, vonk_expr *take_e, uint32_t from_token, const vonk_expr **ret,
                            vonk_error *err)
{
    vonk__set_origin(p, take_e, from_token);
    vonk_expr_ref(take_e);
    VONK_TRY(vonk_expr_finish(take_e, ret, err));
    vonk_expr_unref(*ret);
    return VONK_OK;
}

vonk_status vonk__keep_made(vonk_parser *p, const vonk_expr *take_e, const vonk_expr **ret, vonk_error *err)
{
    vonk_status st = VONK_PUSH(p, &p->exprs, take_e, err);
    if (st != VONK_OK) vonk_expr_unref(take_e);
    *ret = take_e;
    return st;
}

vonk_status vonk__new_plan(vonk_parser *p, vonk_node_kind kind, const vonk_plan *const *children, uint32_t n,
                           vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk_plan_new(p->budget, kind, children, n, &plan, err));
    const vonk_plan *kept = plan;
    vonk_status st = VONK_PUSH(p, &p->plans, kept, err);
    if (st != VONK_OK) {
        vonk_plan_unref(plan);
        return st;
    }
    *ret = plan;
    return VONK_OK;
}

vonk_status vonk__keep_plan(vonk_parser *p, vonk_plan *take_plan, uint32_t from_token, const vonk_plan **ret,
                            vonk_error *err)
{
    vonk_origin origin = vonk__origin(p, from_token, p->at);
    vonk_plan_set_origin(take_plan, &origin);
    vonk_plan_ref(take_plan);
    VONK_TRY(vonk_plan_finish(take_plan, ret, err));
    vonk_plan_unref(*ret);
    return VONK_OK;
}

/* ---- the usual nodes */

vonk_status vonk__simple(vonk_parser *p, uint32_t from_token, vonk_expr_kind kind, const vonk_expr *const *children,
                         uint32_t n, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__new(p, kind, children, n, &e, err));
    return vonk__keep_expr(p, e, from_token, ret, err);
}

vonk_status vonk__call(vonk_parser *p, uint32_t from_token, const char *name, const vonk_expr *const *args, uint32_t n,
                       uint32_t flags, const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    vonk_str part = vonk_str_of(name);
    VONK_TRY(vonk__new(p, VONK_EX_CALL, args, n, &e, err));
    VONK_TRY(vonk_expr_set_parts(e, &part, 1, err));
    e->n_args = n;
    e->flags = flags;
    return vonk__keep_expr(p, e, from_token, ret, err);
}

/* A literal that plan/expr_make built, with our origin. */
static vonk_status with_origin(vonk_parser *p, uint32_t from_token, const vonk_expr *take_e, const vonk_expr **ret,
                               vonk_error *err)
{
    VONK_TRY(vonk__keep_made(p, take_e, ret, err));
    vonk__set_origin(p, (vonk_expr *)*ret, from_token); /* nobody else has it yet */
    return VONK_OK;
}

vonk_status vonk__string_literal(vonk_parser *p, uint32_t from_token, vonk_str text, const vonk_expr **ret,
                                 vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_string(p->budget, text, &e, err));
    return with_origin(p, from_token, e, ret, err);
}

vonk_status vonk__int_literal(vonk_parser *p, uint32_t from_token, int64_t value, const vonk_expr **ret,
                              vonk_error *err)
{
    return vonk__literal_of(p, from_token, &vonk_type_int, value, ret, err);
}

vonk_status vonk__literal_of(vonk_parser *p, uint32_t from_token, const vonk_type *type, int64_t value,
                             const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk_ex_int(p->budget, value, type, &e, err));
    return with_origin(p, from_token, e, ret, err);
}

vonk_status vonk__name_expr(vonk_parser *p, uint32_t from_token, const vonk_str *parts, uint32_t n,
                            const vonk_expr **ret, vonk_error *err)
{
    vonk_expr *e;
    VONK_TRY(vonk__new(p, VONK_EX_NAME, NULL, 0, &e, err));
    VONK_TRY(vonk_expr_set_parts(e, parts, n, err));
    return vonk__keep_expr(p, e, from_token, ret, err);
}

vonk_status vonk__node(vonk_parser *p, uint32_t from_token, vonk_node_kind kind, const vonk_plan *child,
                       const vonk_exprs *list, int64_t number, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, kind, &child, child ? 1 : 0, &plan, err));
    plan->number = number;
    if (list) VONK_TRY(vonk_plan_set_list(plan, 0, list->at, vonk_u32_of(list->n), err));
    return vonk__keep_plan(p, plan, from_token, ret, err);
}
