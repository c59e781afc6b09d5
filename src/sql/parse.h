/* sql/parse.h -- the parser's inside: recursive descent over an array of tokens, precedence climbing for expressions. One file per family of clauses.
 *
 * Everything made while parsing belongs to the parser until the end (vonk__keep_*), so that functions pass borrowed pointers and an error needs no clean-up.
 * Any word may be an identifier unless spark.sql.ansi.enforceReservedKeywords is on; what a word means is decided by what follows. */
#ifndef VONK_SQL_PARSE_H
#define VONK_SQL_PARSE_H

#include "sql/lists.h"
#include "plan/conf.h"
#include "plan/origin.h"
#include "plan/plan.h"
#include "sql/lex.h"
#include "sql/sql.h"

#define VONK_MAX_PARSE_DEPTH 512 /* nested parentheses, subqueries, unary operators */

typedef struct vonk_named_window { /* WINDOW name AS (...) */
    vonk_str         name;
    const vonk_expr *spec; /* a WINDOW expression whose function is a placeholder */
} vonk_named_window;

typedef struct vonk_parser {
    vonk_budget     *budget;
    vonk_arena      *arena;
    const vonk_conf *conf; /* NULL: defaults */
    const vonk_sql_args *args; /* or NULL */
    vonk_fn_env      env;
    vonk_str         text;
    vonk_tokens      tokens;
    uint32_t         at;    /* the next token */
    uint32_t         depth;
    uint32_t        *match;    /* of each '(': its ')'; else 0 */
    uint8_t         *is_query; /* of each '(': a query in parentheses starts here */
    uint32_t        *marks;    /* characters before byte i * 1024; NULL when all text is ASCII */
    bool             reserved_words, double_quoted_names, exponent_is_decimal, flat_set_ops, legacy_intervals, plain_escapes;
    bool             named_parameters, positional_parameters; /* met so far */
    vonk_origin_text *origin;
    uint32_t         n_window_refs; /* OVER name: not yet replaced */
    VONK_VEC(const vonk_expr *) exprs;
    VONK_VEC(const vonk_plan *) plans;
} vonk_parser;

typedef VONK_VEC(vonk_str) vonk_strs;

/* ---- tokens */
static inline vonk_tok vonk__tok(const vonk_parser *p) { return (vonk_tok)p->tokens.at[p->at].kind; }
static inline vonk_tok vonk__tok_at(const vonk_parser *p, uint32_t ahead)
{
    uint32_t i = p->at + ahead;
    return (vonk_tok)p->tokens.at[i < p->tokens.n ? i : p->tokens.n - 1].kind;
}
static inline bool vonk__is(const vonk_parser *p, vonk_tok kind) { return vonk__tok(p) == kind; }
static inline bool vonk__is2(const vonk_parser *p, vonk_tok first, vonk_tok second)
{
    return vonk__tok(p) == first && vonk__tok_at(p, 1) == second;
}
static inline bool vonk__accept(vonk_parser *p, vonk_tok kind)
{
    if (vonk__tok(p) != kind) return false;
    p->at++;
    return true;
}
static inline bool vonk__accept2(vonk_parser *p, vonk_tok first, vonk_tok second)
{
    if (!vonk__is2(p, first, second)) return false;
    p->at += 2;
    return true;
}
vonk_status vonk__expect(vonk_parser *p, vonk_tok kind, vonk_error *err);
/* As expect; at a wrong token the message says what is missing (Spark does where no other reading was possible). */
vonk_status vonk__expect_closing(vonk_parser *p, vonk_tok kind, vonk_error *err);
vonk_str    vonk__token_text(const vonk_parser *p, uint32_t i);
vonk_status vonk__wrong_token(const vonk_parser *p, vonk_error *err);
/* At the next token. */
static inline vonk_status vonk__syntax_error(const vonk_parser *p, vonk_error *err) { return vonk_raised(vonk__wrong_token(p, err)); }
/* Raises cls at the text of tokens [from, p->at); pairs as VONK_FAIL. */
#define VONK_PARSE_FAIL(p, from, err, cls, ...) vonk__at_tokens((p), (from), VONK_FAIL((err), (cls), ##__VA_ARGS__), (err))
void vonk__add_tokens(const vonk_parser *p, uint32_t from, vonk_error *err);
static inline vonk_status vonk__at_tokens(const vonk_parser *p, uint32_t from, vonk_status status, vonk_error *err)
{
    vonk__add_tokens(p, from, err);
    return status;
}
static inline vonk_status vonk__unsupported(const vonk_parser *p, uint32_t from, const char *feature, vonk_error *err)
{
    return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE, "feature", feature);
}
vonk_status vonk__deeper(vonk_parser *p, vonk_error *err); /* FAILED_TO_PARSE_TOO_COMPLEX; each success is undone by p->depth-- */
vonk_origin vonk__origin(const vonk_parser *p, uint32_t from_token, uint32_t end_token);
void        vonk__set_origin(vonk_parser *p, vonk_expr *e, uint32_t from_token);

/* ---- keeping */
vonk_status vonk__keep_expr(vonk_parser *p, vonk_expr *take_e, uint32_t from_token, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__keep_made(vonk_parser *p, const vonk_expr *take_e, const vonk_expr **ret, vonk_error *err); /* finished already */
vonk_status vonk__keep_plan(vonk_parser *p, vonk_plan *take_plan, uint32_t from_token, const vonk_plan **ret, vonk_error *err);
/* A writable node that dies with the caller's scope unless kept: VONK_AUTO(vonk__new_expr) is not needed because all setters copy; on their failure use these. */
vonk_status vonk__new(vonk_parser *p, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, vonk_expr **ret, vonk_error *err);
vonk_status vonk__call(vonk_parser *p, uint32_t from_token, const char *name, const vonk_expr *const *args, uint32_t n, uint32_t flags, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__simple(vonk_parser *p, uint32_t from_token, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__string_literal(vonk_parser *p, uint32_t from_token, vonk_str text, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__int_literal(vonk_parser *p, uint32_t from_token, int64_t value, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__name_expr(vonk_parser *p, uint32_t from_token, const vonk_str *parts, uint32_t n, const vonk_expr **ret, vonk_error *err);
/* Nodes with one child and one list, the usual case. */
vonk_status vonk__node(vonk_parser *p, uint32_t from_token, vonk_node_kind kind, const vonk_plan *child, const vonk_exprs *list, int64_t number, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__new_plan(vonk_parser *p, vonk_node_kind kind, const vonk_plan *const *children, uint32_t n, vonk_plan **ret, vonk_error *err);
#define VONK_PUSH(p, vec, value, err) VONK_VEC_ARENA_PUSH((vec), (p)->arena, (value), (err))

/* ---- names (parse_name.c) */
bool        vonk__is_identifier(const vonk_parser *p, vonk_tok kind);
bool        vonk__is_alias(const vonk_parser *p, vonk_tok kind); /* strict identifier: alias of a relation */
vonk_status vonk__identifier(vonk_parser *p, vonk_str *ret, vonk_error *err);
bool        vonk__at_identifier_clause(const vonk_parser *p); /* IDENTIFIER( */
vonk_status vonk__identifier_clause(vonk_parser *p, vonk_strs *ret, vonk_error *err);
vonk_status vonk__identifier_captured(vonk_parser *p, vonk_str *ret, vonk_error *err); /* "a-b" is INVALID_IDENTIFIER */
vonk_status vonk__name(vonk_parser *p, vonk_strs *ret, vonk_error *err);               /* a.b.c */
vonk_status vonk__name_reference(vonk_parser *p, vonk_strs *ret, vonk_error *err);     /* a.b.c or IDENTIFIER(...) */
vonk_status vonk__identifier_list(vonk_parser *p, vonk_strs *ret, vonk_error *err);    /* (a, b) */
vonk_status vonk__identifier_seq(vonk_parser *p, vonk_strs *ret, vonk_error *err);     /* a, b */
vonk_status vonk__string(vonk_parser *p, vonk_str *ret, vonk_error *err);              /* one or more adjacent literals */
bool        vonk__at_string(const vonk_parser *p, uint32_t ahead);
vonk_status vonk__properties(vonk_parser *p, vonk_option **ret, uint32_t *ret_n, vonk_error *err); /* ('a' = 'b', ...) */
vonk_status vonk__cast_type(vonk_parser *p, const vonk_type **ret, vonk_error *err);   /* the same, of a CAST */
vonk_status vonk__type(vonk_parser *p, const vonk_type **ret, vonk_error *err);        /* lives as long as the parser */
vonk_status vonk__set_name_info(vonk_plan *plan, vonk_name_info *into, const vonk_strs *parts, vonk_error *err);

/* ---- expressions (parse_expr.c, parse_primary.c, parse_literal.c, parse_argument.c, parse_interval.c, parse_call.c) */
vonk_status vonk__expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err);  /* boolean level */
vonk_status vonk__parse_value(vonk_parser *p, const vonk_expr **ret, vonk_error *err); /* below AND, OR, NOT, predicates */
vonk_status vonk__primary(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__named_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err); /* expr [AS] name */
vonk_status vonk__named_exprs(vonk_parser *p, vonk_exprs *ret, vonk_error *err);
vonk_status vonk__expr_seq(vonk_parser *p, vonk_exprs *ret, vonk_error *err);
vonk_status vonk__sort_item(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__sort_items(vonk_parser *p, vonk_exprs *ret, vonk_error *err);
bool        vonk__at_number(const vonk_parser *p); /* a number, with or without '-' */
vonk_status vonk__decimal_literal(vonk_parser *p, uint32_t from, vonk_str digits, bool minus, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__check_arguments(const vonk_sql_args *args, vonk_error *err);
vonk_status vonk__unbound_parameter(const vonk_expr *parameter, vonk_error *err);
vonk_status vonk__parameter(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__number(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__typed_literal(vonk_parser *p, const vonk_expr **ret, vonk_error *err); /* DATE '...' */
bool        vonk__at_interval(const vonk_parser *p);
vonk_status vonk__interval(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__interval_text(vonk_parser *p, uint32_t from_token, vonk_str text, const vonk_expr **ret, vonk_error *err); /* INTERVAL '1 day' */
vonk_status vonk__literal_of(vonk_parser *p, uint32_t from_token, const vonk_type *type, int64_t value, const vonk_expr **ret, vonk_error *err);
bool        vonk__at_special_call(const vonk_parser *p);
vonk_status vonk__special_call(vonk_parser *p, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__call_expr(vonk_parser *p, const vonk_expr **ret, vonk_error *err); /* at name( */
vonk_status vonk__call_args(vonk_parser *p, vonk_exprs *ret, uint32_t *ret_flags, vonk_error *err); /* behind '(' up to and with ')' */
vonk_status vonk__window_spec(vonk_parser *p, uint32_t from_token, const vonk_expr *function, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__replace_windows(vonk_parser *p, const vonk_named_window *windows, size_t n, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);

/* ---- queries (parse_query.c, parse_group.c, parse_from.c, parse_pipe.c) */
vonk_status vonk__query(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__query_term(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__query_primary(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__organize(vonk_parser *p, const vonk_plan *plan, const vonk_plan **ret, vonk_error *err); /* ORDER BY ... OFFSET */
bool        vonk__at_query(const vonk_parser *p);
bool        vonk__at_clause(const vonk_parser *p); /* a word that goes on with the query, not an alias */
vonk_status vonk__from_clause(vonk_parser *p, const vonk_plan **ret, vonk_error *err); /* behind FROM */
vonk_status vonk__relation(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__join_relation(vonk_parser *p, const vonk_plan *left, bool *ret_found, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__pivot(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__unpivot(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__lateral_views(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__sample(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__inline_table(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
typedef struct vonk_grouping { /* GROUP BY: its expressions, and the sets of ROLLUP, CUBE, GROUPING SETS */
    vonk_exprs keys;
    bool       has_sets;
    VONK_VEC(vonk_exprs) sets;
} vonk_grouping;
vonk_status vonk__group_by(vonk_parser *p, vonk_grouping *ret, vonk_error *err); /* behind GROUP BY */
vonk_status vonk__aggregate(vonk_parser *p, uint32_t from, const vonk_plan *child, const vonk_grouping *grouping, const vonk_exprs *select, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__pipe(vonk_parser *p, const vonk_plan *left, const vonk_plan **ret, vonk_error *err); /* behind |> */
vonk_status vonk__select_tail(vonk_parser *p, const vonk_plan *from, const vonk_plan **ret, vonk_error *err); /* SELECT ... QUALIFY over a given FROM */
vonk_status vonk__ctes(vonk_parser *p, vonk_plans *ret, bool *ret_recursive, vonk_error *err); /* behind WITH */
vonk_status vonk__with(vonk_parser *p, uint32_t from, const vonk_plans *ctes, bool recursive, const vonk_plan *body, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__alias_plan(vonk_parser *p, uint32_t from, const vonk_plan *child, vonk_str name, const vonk_strs *columns, const vonk_plan **ret, vonk_error *err);

/* ---- statements (parse_statement.c, parse_create.c, parse_write.c, parse_show.c, parse_set.c) */
vonk_status vonk__statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__create(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__drop(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__write_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err); /* INSERT, UPDATE, DELETE, MERGE */
vonk_status vonk__show(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__describe(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__set(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__reset(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__cache(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
/* OTHER_COMMAND of that kind; the rest of the statement is skipped. */
vonk_status vonk__other_command(vonk_parser *p, uint32_t from, const char *kind, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__command(vonk_parser *p, vonk_node_kind node, const vonk_plan *child, const char *kind, vonk_plan **ret, vonk_error *err);

/* ---- entry for rewrite rules of functions: an expression with $1, $2, ... as PARAMETERs (n_args = number). */
vonk_status vonk__parse_template(vonk_budget *budget, vonk_str text, const vonk_expr **ret, vonk_error *err);

#endif
