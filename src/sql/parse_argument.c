/* sql/parse_argument.c -- parameters, ? and :name, and the arguments of sql() that take their places while the text is
 * parsed: so also IDENTIFIER(:name) is a name. $n stands in the texts of functions only (analyze_template.c). */
#include "sql/parse.h"
#include "text/number.h"

/* ---- arguments */

/* Literals, and arrays, maps and structs of them. */
static vonk_walk find_computed(const vonk_expr *e, void *arg)
{
    static const char *const makers[] = {"array",  "map",          "map_from_arrays", "map_from_entries",
                                         "struct", "named_struct", "create_map"};
    (void)arg;
    if (e->kind == VONK_EX_LITERAL || e->kind == VONK_EX_ALIAS) return VONK_WALK_ON;
    if (e->kind != VONK_EX_CALL || e->n_parts != 1) return VONK_WALK_STOP;
    for (size_t i = 0; i < VONK_COUNTOF(makers); i++)
        if (vonk_str_is_nocase(e->parts[0], makers[i])) return VONK_WALK_ON;
    return VONK_WALK_STOP;
}

static vonk_status check_argument(const vonk_expr *value, const char *name, vonk_error *err)
{
    if (vonk_expr_walk(value, find_computed, NULL)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_SQL_ARG, "name", name);
}

vonk_status vonk__check_arguments(const vonk_sql_args *args, vonk_error *err)
{
    for (uint32_t i = 0; i < args->positional.n; i++)
        VONK_TRY(check_argument(args->positional.at[i], VONK_F("_pos_%u", i), err));
    for (uint32_t i = 0; i < args->named.n; i++)
        VONK_TRY(check_argument(args->named.at[i]->children[0], VONK_S(args->named.at[i]->name), err));
    return VONK_OK;
}

/* ---- parameters */

static const vonk_expr *positional_argument(const vonk_parser *p, uint32_t token)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < token; i++) before += p->tokens.at[i].kind == TK_QUESTION;
    return before < p->args->positional.n ? p->args->positional.at[before] : NULL;
}

static const vonk_expr *named_argument(const vonk_parser *p, vonk_str name)
{
    for (uint32_t i = 0; i < p->args->named.n; i++)
        if (vonk_str_eq(p->args->named.at[i]->name, name)) return p->args->named.at[i]->children[0];
    return NULL;
}

/* A decimal has the digits that it shows, as if it stood in the text. */
static vonk_status take(vonk_parser *p, uint32_t from, const vonk_expr *value, const vonk_expr **ret, vonk_error *err)
{
    char text[VONK_DEC_CHARS];
    while (value->kind == VONK_EX_ALIAS) value = value->children[0];
    if (value->kind != VONK_EX_LITERAL || value->type->id != VONK_T_DECIMAL || vonk_column_is_null(value->value, 0))
        return vonk__keep_made(p, vonk_expr_ref(value), ret, err);
    const vonk_i128 unscaled = vonk_column_i128(value->value, 0);
    size_t n = vonk_dec_to_text(unscaled < 0 ? -unscaled : unscaled, value->type->scale, text);
    return vonk__decimal_literal(p, from, (vonk_str){text, n}, unscaled < 0, ret, err);
}

/* $3 of a function's text. */
static uint32_t number_of(vonk_str token)
{
    uint32_t n = 0;
    for (size_t i = 1; i < token.len && n < 1000; i++) n = n * 10 + (uint32_t)(token.data[i] - '0');
    return n;
}

vonk_status vonk__parameter(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    const uint32_t from = p->at++;
    const vonk_tok kind = (vonk_tok)p->tokens.at[from].kind;
    const vonk_expr *value = NULL;
    vonk_str name = VONK_STR_NONE;
    vonk_expr *e;

    if (kind == TK_COLON) VONK_TRY(vonk__identifier(p, &name, err));
    p->named_parameters = p->named_parameters || kind == TK_COLON;
    p->positional_parameters = p->positional_parameters || kind == TK_QUESTION;
    if (p->args && kind != TK_ARGUMENT)
        value = kind == TK_COLON ? named_argument(p, name) : positional_argument(p, from);
    if (value) return take(p, from, value, ret, err);
    VONK_TRY(vonk__new(p, VONK_EX_PARAMETER, NULL, 0, &e, err));
    if (name.data) VONK_TRY(vonk_expr_set_name(e, name, err));
    e->n_args = kind == TK_ARGUMENT ? number_of(vonk__token_text(p, from)) : p->tokens.at[from].start;
    return vonk__keep_expr(p, e, from, ret, err);
}

vonk_status vonk__unbound_parameter(const vonk_expr *e, vonk_error *err)
{
    return VONK_EXPR_FAIL(e, err, VONK_E_UNBOUND_SQL_PARAMETER, "name",
                          e->name.len ? VONK_S(e->name) : VONK_F("_%u", e->n_args));
}
