/* sql/parse_from.c -- FROM: tables, subqueries, table functions, VALUES, joins, LATERAL VIEW, TABLESAMPLE, aliases. */
#include <stdlib.h>

#include "base/buf.h"
#include "sql/parse.h"

static vonk_status primary(vonk_parser *p, const vonk_plan **ret, vonk_error *err);

/* ---- aliases */

vonk_status vonk__alias_plan(vonk_parser *p, uint32_t from, const vonk_plan *child, vonk_str name,
                             const vonk_strs *columns, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_SUBQUERY_ALIAS, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_strs(plan, &name, 1, &plan->name.parts, err));
    plan->name.n_parts = 1;
    if (columns && columns->n) {
        plan->name.n_columns = vonk_u32_of(columns->n);
        VONK_TRY(vonk_plan_strs(plan, columns->at, plan->name.n_columns, &plan->name.columns, err));
    }
    return vonk__keep_plan(p, plan, from, ret, err);
}

static bool at_table_alias(const vonk_parser *p)
{
    if (vonk__is(p, KW_AS)) return vonk__is_alias(p, vonk__tok_at(p, 1));
    return vonk__is_alias(p, vonk__tok(p)) && !vonk__at_clause(p);
}

/* [AS] name [(a, b)]; *ret_found false: none. */
static vonk_status table_alias(vonk_parser *p, bool *ret_found, vonk_str *ret_name, vonk_strs *ret_columns,
                               vonk_error *err)
{
    *ret_found = at_table_alias(p);
    if (!*ret_found) return VONK_OK;
    vonk__accept(p, KW_AS);
    VONK_TRY(vonk__identifier(p, ret_name, err));
    return vonk__is(p, TK_LPAREN) ? vonk__identifier_list(p, ret_columns, err) : VONK_OK;
}

static vonk_status with_alias(vonk_parser *p, uint32_t from, const vonk_plan *child, const vonk_plan **ret,
                              vonk_error *err)
{
    bool found;
    vonk_str name;
    vonk_strs columns = {0};
    VONK_TRY(table_alias(p, &found, &name, &columns, err));
    if (found) return vonk__alias_plan(p, from, child, name, &columns, ret, err);
    *ret = child;
    return VONK_OK;
}

/* ---- TABLESAMPLE */

static vonk_status sample_node(vonk_parser *p, uint32_t from, const vonk_plan *child, double fraction, int64_t seed,
                               const vonk_plan **ret, vonk_error *err)
{
    if (!(fraction >= -1e-6 && fraction <= 1 + 1e-6))
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_TABLESAMPLE_FRACTION, "fraction",
                               VONK_F(fraction == (double)(int64_t)fraction ? "%.1f" : "%g", fraction));
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_SAMPLE, &child, 1, &plan, err));
    plan->sample.upper = fraction;
    plan->sample.seed = seed;
    return vonk__keep_plan(p, plan, from, ret, err);
}

static double number_of(const vonk_parser *p, uint32_t token)
{
    char text[64];
    vonk_str s = vonk__token_text(p, token);
    size_t n = s.len < sizeof(text) ? s.len : sizeof(text) - 1;
    memcpy(text, s.data, n);
    text[n] = 0;
    return strtod(text, NULL);
}

typedef struct sampling {
    uint32_t from;
    double fraction;
    const vonk_expr *rows; /* n ROWS; else NULL */
} sampling;

static vonk_status sample_method(vonk_parser *p, sampling *s, vonk_error *err)
{
    bool minus = vonk__is(p, TK_MINUS);
    vonk_tok kind = vonk__tok_at(p, minus);
    if ((kind == TK_INT || kind == TK_DECIMAL) && vonk__tok_at(p, minus + 1u) == KW_PERCENTLIT) {
        s->fraction = number_of(p, p->at + minus) / 100 * (minus ? -1 : 1);
        p->at += minus + 2u;
        return VONK_OK;
    }
    if (vonk__is2(p, KW_BUCKET, TK_INT)) {
        s->fraction = number_of(p, p->at + 1);
        p->at += 2;
        VONK_TRY(vonk__expect(p, KW_OUT, err));
        VONK_TRY(vonk__expect(p, KW_OF, err));
        double of = number_of(p, p->at);
        VONK_TRY(vonk__expect(p, TK_INT, err));
        if (vonk__is(p, KW_ON))
            return VONK_PARSE_FAIL(p, s->from, err, VONK_E__LEGACY_ERROR_TEMP_0015, "msg",
                                   "BUCKET x OUT OF y ON colname");
        s->fraction /= of;
        return VONK_OK;
    }
    uint32_t at = p->at;
    VONK_TRY(vonk__expr(p, &s->rows, err));
    if (vonk__accept(p, KW_ROWS)) return VONK_OK;
    vonk_str text = vonk_str_sub(p->text, p->tokens.at[at].start, p->tokens.at[p->at - 1].end);
    p->at++;
    char last = text.len ? (char)(text.data[text.len - 1] | 0x20) : 0;
    if (last == 'b' || last == 'k' || last == 'm' || last == 'g')
        return VONK_PARSE_FAIL(p, s->from, err, VONK_E__LEGACY_ERROR_TEMP_0015, "msg", "byteLengthLiteral");
    return VONK_PARSE_FAIL(p, s->from, err, VONK_E__LEGACY_ERROR_TEMP_0016, "bytesStr", VONK_S(text));
}

vonk_status vonk__sample(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    sampling s = {.from = p->at};
    *ret = child;
    if (!vonk__is(p, KW_TABLESAMPLE)) return VONK_OK;
    if (vonk__tok_at(p, 1) != TK_LPAREN && vonk__tok_at(p, 2) != TK_LPAREN) return VONK_OK;
    p->at++;
    if (vonk__accept(p, KW_SYSTEM))
        return VONK_PARSE_FAIL(p, s.from, err, VONK_E_UNSUPPORTED_FEATURE__TABLESAMPLE_SYSTEM);
    vonk__accept(p, KW_BERNOULLI);
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    if (vonk__accept(p, TK_RPAREN)) return VONK_PARSE_FAIL(p, s.from, err, VONK_E__LEGACY_ERROR_TEMP_0014);
    VONK_TRY(sample_method(p, &s, err));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    int64_t seed = (int64_t)(vonk_expr_new_id() % 1000); /* any will do */
    if (vonk__accept(p, KW_REPEATABLE)) {
        VONK_TRY(vonk__expect(p, TK_LPAREN, err));
        seed = (int64_t)number_of(p, p->at);
        VONK_TRY(vonk__expect(p, TK_INT, err));
        VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    }
    if (!s.rows) return sample_node(p, s.from, child, s.fraction, seed, ret, err);
    vonk_exprs list = {0};
    VONK_TRY(VONK_PUSH(p, &list, s.rows, err));
    return vonk__node(p, s.from, VONK_PN_LIMIT, child, &list, 0, ret, err);
}

/* ---- tables and table functions */

static vonk_status refuse_time_travel(vonk_parser *p, uint32_t from, const vonk_strs *name, vonk_error *err)
{
    uint32_t skip = vonk__is(p, KW_FOR);
    vonk_tok kind = vonk__tok_at(p, skip);
    bool travel = (kind == KW_VERSION || kind == KW_SYSTEM_VERSION || kind == KW_TIMESTAMP || kind == KW_SYSTEM_TIME) &&
                  vonk__tok_at(p, skip + 1) == KW_AS && vonk__tok_at(p, skip + 2) == KW_OF;
    if (!travel && !vonk__is(p, TK_AT)) return VONK_OK;
    vonk_str last = name->at[name->n - 1];
    return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE__TIME_TRAVEL, "relationId",
                           VONK_F("`%.*s`", VONK_STR_ARGS(last)));
}

static vonk_status table(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs name = {0};
    vonk_plan *plan;
    vonk_option *options = NULL;
    uint32_t n_options = 0;
    VONK_TRY(vonk__name_reference(p, &name, err));
    VONK_TRY(refuse_time_travel(p, from, &name, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_TABLE, NULL, 0, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->name, &name, err));
    uint32_t end = p->at;
    if (vonk__is2(p, KW_WITH, TK_LPAREN)) {
        p->at++;
        VONK_TRY(vonk__properties(p, &options, &n_options, err));
        VONK_TRY(vonk_plan_options(plan, options, n_options, &plan->name.options, err));
        plan->name.n_options = n_options;
    }
    uint32_t after = p->at;
    p->at = end; /* messages show the name alone */
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    p->at = after;
    VONK_TRY(vonk__sample(p, *ret, ret, err));
    return with_alias(p, from, *ret, ret, err);
}

/* One expression, or several in parentheses; a list in parentheses ends where such a list may. */
static vonk_status key_list(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    const uint32_t from = p->at;
    const vonk_expr *e;
    if (vonk__is(p, TK_LPAREN)) {
        const vonk_tok behind = p->tokens.at[p->match[from] + 1].kind;
        if (behind == TK_RPAREN || behind == TK_COMMA || behind == KW_ORDER || behind == KW_SORT) {
            p->at++;
            do {
                VONK_TRY(vonk__expr(p, &e, err));
                VONK_TRY(VONK_PUSH(p, ret, e, err));
            } while (vonk__accept(p, TK_COMMA));
            return vonk__expect(p, TK_RPAREN, err);
        }
    }
    VONK_TRY(vonk__expr(p, &e, err));
    return VONK_PUSH(p, ret, e, err);
}

static vonk_status order_list(vonk_parser *p, vonk_exprs *ret, vonk_error *err)
{
    const bool closing = vonk__accept(p, TK_LPAREN);
    const vonk_expr *e;
    if (!closing) {
        VONK_TRY(vonk__sort_item(p, &e, err));
        return VONK_PUSH(p, ret, e, err);
    }
    VONK_TRY(vonk__sort_items(p, ret, err));
    return vonk__expect(p, TK_RPAREN, err);
}

/* [WITH SINGLE PARTITION | PARTITION BY ... | DISTRIBUTE BY ...] [ORDER BY ... | SORT BY ...] */
static vonk_status table_partitioning(vonk_parser *p, uint32_t from, vonk_exprs *keys, vonk_exprs *orders,
                                      bool *ret_single, vonk_error *err)
{
    *ret_single = false;
    if (vonk__accept(p, KW_WITH)) {
        VONK_TRY(vonk__expect(p, KW_SINGLE, err));
        VONK_TRY(vonk__expect(p, KW_PARTITION, err));
        *ret_single = true;
    } else if (vonk__accept2(p, KW_PARTITION, KW_BY) || vonk__accept2(p, KW_DISTRIBUTE, KW_BY)) {
        VONK_TRY(key_list(p, keys, err));
    }
    if (vonk__accept2(p, KW_ORDER, KW_BY) || vonk__accept2(p, KW_SORT, KW_BY)) VONK_TRY(order_list(p, orders, err));
    (void)from;
    return VONK_OK;
}

/* TABLE(query) or TABLE name as an argument of a table function. */
static vonk_status table_argument(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    const vonk_plan *plan;
    vonk_exprs keys = {0}, orders = {0};
    vonk_expr *e;
    bool closing = vonk__accept(p, TK_LPAREN), single;
    if (closing && p->is_query[p->at - 1])
        VONK_TRY(vonk__query(p, &plan, err));
    else
        VONK_TRY(table(p, &plan, err));
    if (closing) VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(table_partitioning(p, from, &keys, &orders, &single, err));
    const uint32_t n_keys = vonk_u32_of(keys.n);
    for (size_t i = 0; i < orders.n; i++) VONK_TRY(VONK_PUSH(p, &keys, orders.at[i], err));
    VONK_TRY(vonk__new(p, VONK_EX_SUBQUERY, keys.at, vonk_u32_of(keys.n), &e, err));
    e->sub_kind = VONK_SUB_TABLE_ARG;
    e->n_partition = n_keys;
    e->n_order = vonk_u32_of(orders.n);
    e->index = single;
    VONK_TRY(vonk_expr_set_plan(e, plan, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static bool at_table_argument(const vonk_parser *p, uint32_t ahead)
{
    vonk_tok next = vonk__tok_at(p, ahead + 1);
    return vonk__tok_at(p, ahead) == KW_TABLE && (next == TK_LPAREN || vonk__is_identifier(p, next));
}

static vonk_status function_argument(vonk_parser *p, const vonk_expr **ret, vonk_error *err)
{
    uint32_t from = p->at;
    if (at_table_argument(p, 0)) return table_argument(p, ret, err);
    if (!vonk__is_identifier(p, vonk__tok(p)) || vonk__tok_at(p, 1) != TK_FAT_ARROW) return vonk__expr(p, ret, err);
    vonk_str name;
    const vonk_expr *value;
    vonk_expr *e;
    VONK_TRY(vonk__identifier(p, &name, err));
    p->at++;
    if (at_table_argument(p, 0))
        VONK_TRY(table_argument(p, &value, err));
    else
        VONK_TRY(vonk__expr(p, &value, err));
    VONK_TRY(vonk__new(p, VONK_EX_NAMED_ARG, &value, 1, &e, err));
    VONK_TRY(vonk_expr_set_name(e, name, err));
    return vonk__keep_expr(p, e, from, ret, err);
}

static vonk_status table_function(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs name = {0}, columns = {0};
    vonk_exprs args = {0};
    vonk_str alias;
    bool found;
    vonk_plan *plan;
    VONK_TRY(vonk__name(p, &name, err));
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    while (!vonk__is(p, TK_RPAREN)) {
        const vonk_expr *e;
        VONK_TRY(function_argument(p, &e, err));
        VONK_TRY(VONK_PUSH(p, &args, e, err));
        if (!vonk__accept(p, TK_COMMA)) break;
        if (vonk__is(p, TK_RPAREN)) return vonk__syntax_error(p, err);
    }
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_TABLE_CALL, NULL, 0, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->name, &name, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, args.at, vonk_u32_of(args.n), err));
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    VONK_TRY(table_alias(p, &found, &alias, &columns, err));
    return found ? vonk__alias_plan(p, from, *ret, alias, &columns, ret, err) : VONK_OK;
}

/* UNNEST(a, b) [WITH ORDINALITY] is a table function of that name. */
static bool at_table_function(const vonk_parser *p)
{
    uint32_t ahead = 0;
    if (!vonk__is_identifier(p, vonk__tok(p))) return false;
    if (vonk__at_identifier_clause(p)) return p->tokens.at[p->match[p->at + 1] + 1].kind == TK_LPAREN;
    while (vonk__tok_at(p, ahead + 1) == TK_DOT && vonk__is_identifier(p, vonk__tok_at(p, ahead + 2))) ahead += 2;
    return vonk__tok_at(p, ahead + 1) == TK_LPAREN;
}

/* ---- VALUES */

static vonk_status row(vonk_parser *p, vonk_plan *plan, uint32_t number, vonk_error *err)
{
    const vonk_expr *e;
    VONK_TRY(vonk__expr(p, &e, err));
    bool is_struct = e->kind == VONK_EX_CALL && e->n_parts == 1 && vonk_str_is_nocase(e->parts[0], "struct");
    if (!is_struct) return vonk_plan_set_list(plan, number, &e, 1, err);
    return vonk_plan_set_list(plan, number, e->children, e->n_args, err);
}

vonk_status vonk__inline_table(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++, number = 0;
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_VALUES, NULL, 0, &plan, err));
    do VONK_TRY(row(p, plan, number++, err));
    while (vonk__accept(p, TK_COMMA));
    bool found;
    vonk_str name;
    vonk_strs columns = {0};
    VONK_TRY(table_alias(p, &found, &name, &columns, err));
    if (columns.n) {
        plan->name.n_columns = vonk_u32_of(columns.n);
        VONK_TRY(vonk_plan_strs(plan, columns.at, plan->name.n_columns, &plan->name.columns, err));
    }
    VONK_TRY(vonk__keep_plan(p, plan, from, ret, err));
    return found ? vonk__alias_plan(p, from, *ret, name, NULL, ret, err) : VONK_OK;
}

/* ---- relations in parentheses */

static vonk_status derived(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    bool query = p->is_query[from], found;
    vonk_str name;
    vonk_strs columns = {0};
    const vonk_plan *plan;
    VONK_TRY(vonk__deeper(p, err));
    if (query)
        VONK_TRY(vonk__query(p, &plan, err));
    else
        VONK_TRY(vonk__relation(p, &plan, err));
    p->depth--;
    VONK_TRY(vonk__expect_closing(p, TK_RPAREN, err));
    VONK_TRY(vonk__sample(p, plan, &plan, err));
    VONK_TRY(table_alias(p, &found, &name, &columns, err));
    if (!found && query) {
        name = VONK_STR(VONK_NO_ALIAS);
        found = true;
    }
    if (found) return vonk__alias_plan(p, from, plan, name, &columns, ret, err);
    *ret = plan;
    return VONK_OK;
}

/* VALUES 1, 2 and VALUES now(); but `FROM values v` names a table. */
static bool at_values(const vonk_parser *p)
{
    vonk_tok next = vonk__tok_at(p, 1);
    if (!vonk__is(p, KW_VALUES) || next == TK_END || next == TK_DOT || next == TK_RPAREN || next == TK_COMMA)
        return false;
    if (!vonk__is_alias(p, next)) return true;
    if (vonk__at_string(p, 2)) return true;
    vonk_tok inside = vonk__tok_at(p, 3), after = vonk__tok_at(p, 4);
    bool columns = vonk__is_identifier(p, inside) && (after == TK_COMMA || after == TK_RPAREN);
    return vonk__tok_at(p, 2) == TK_LPAREN && !columns;
}

static vonk_status primary(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    if (vonk__is(p, TK_LPAREN)) return derived(p, ret, err);
    if (at_values(p)) return vonk__inline_table(p, ret, err);
    if (vonk__is2(p, KW_JSON_TABLE, TK_LPAREN)) return vonk__unsupported(p, from, "JSON_TABLE", err);
    if (vonk__is(p, KW_STREAM) && vonk__is_identifier(p, vonk__tok_at(p, 1)) && vonk__tok_at(p, 1) != KW_AS &&
        !vonk__is_alias(p, vonk__tok_at(p, 1)))
        return vonk__unsupported(p, from, "STREAM", err);
    if (at_table_function(p)) return table_function(p, ret, err);
    return table(p, ret, err);
}

/* ---- joins */

typedef struct join_words {
    vonk_join_type type;
    bool natural;
    uint32_t n_tokens; /* up to and with JOIN; 0: no join here */
} join_words;

static join_words join_at(const vonk_parser *p)
{
    join_words j = {VONK_JOIN_INNER, false, 0};
    uint32_t n = 0;
    if (vonk__tok_at(p, n) == KW_NATURAL) {
        j.natural = true;
        n++;
    }
    switch (vonk__tok_at(p, n)) {
    case KW_INNER: n++; break;
    case KW_CROSS:
        j.type = VONK_JOIN_CROSS;
        n++;
        break;
    case KW_LEFT:
        j.type = VONK_JOIN_LEFT;
        n++;
        if (vonk__tok_at(p, n) == KW_SEMI)
            j.type = VONK_JOIN_SEMI;
        else if (vonk__tok_at(p, n) == KW_ANTI)
            j.type = VONK_JOIN_ANTI;
        else if (vonk__tok_at(p, n) != KW_OUTER)
            break;
        n++;
        break;
    case KW_RIGHT:
    case KW_FULL:
        j.type = vonk__tok_at(p, n) == KW_RIGHT ? VONK_JOIN_RIGHT : VONK_JOIN_FULL;
        n++;
        if (vonk__tok_at(p, n) == KW_OUTER) n++;
        break;
    case KW_SEMI:
    case KW_ANTI:
        j.type = vonk__tok_at(p, n) == KW_SEMI ? VONK_JOIN_SEMI : VONK_JOIN_ANTI;
        n++;
        break;
    default: break;
    }
    j.n_tokens = vonk__tok_at(p, n) == KW_JOIN ? n + 1 : 0;
    return j;
}

static bool is_lateral_source(const vonk_plan *plan)
{
    while (plan->kind == VONK_PN_SUBQUERY_ALIAS) plan = plan->children[0];
    return plan->kind != VONK_PN_TABLE && plan->kind != VONK_PN_JOIN;
}

static vonk_status right_side(vonk_parser *p, bool *ret_lateral, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    *ret_lateral = vonk__is(p, KW_LATERAL) && vonk__tok_at(p, 1) != KW_VIEW;
    if (*ret_lateral) p->at++;
    VONK_TRY(primary(p, ret, err));
    if (*ret_lateral && !is_lateral_source(*ret))
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SQL_SYNTAX__LATERAL_WITHOUT_SUBQUERY_OR_TABLE_VALUED_FUNC);
    return VONK_OK;
}

static vonk_status join_node(vonk_parser *p, uint32_t from, const vonk_plan *left, const vonk_plan *right,
                             vonk_join_info info, const vonk_expr *on, const vonk_strs *using, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_plan *sides[2] = {left, right};
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_JOIN, sides, 2, &plan, err));
    plan->join = info;
    VONK_TRY(vonk_plan_set_list(plan, 0, &on, on ? 1 : 0, err));
    if (using->n) {
        plan->join.n_using = vonk_u32_of(using->n);
        VONK_TRY(vonk_plan_strs(plan, using->at, plan->join.n_using, &plan->join.using_columns, err));
    }
    return vonk__keep_plan(p, plan, from, ret, err);
}

vonk_status vonk__join_relation(vonk_parser *p, const vonk_plan *left, bool *ret_found, const vonk_plan **ret,
                                vonk_error *err)
{
    uint32_t from = p->at;
    join_words words = join_at(p);
    vonk_strs using = {0};
    const vonk_plan *right;
    const vonk_expr *on = NULL;
    *ret_found = words.n_tokens > 0;
    *ret = left;
    if (vonk__is(p, KW_ASOF) || (vonk__tok_at(p, 1) == KW_ASOF && vonk__tok_at(p, 2) == KW_JOIN))
        if (vonk__tok_at(p, 1) == KW_JOIN || vonk__tok_at(p, 2) == KW_JOIN)
            return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE__ASOF_JOIN, "config",
                                   "\"spark.sql.join.asofJoin.enabled\"");
    if (!words.n_tokens) return VONK_OK;
    p->at += words.n_tokens;
    vonk_join_info info = {.type = words.type, .natural = words.natural};
    VONK_TRY(right_side(p, &info.lateral, &right, err));
    if (!words.natural && vonk__accept(p, KW_ON))
        VONK_TRY(vonk__expr(p, &on, err));
    else if (!words.natural && vonk__is2(p, KW_USING, TK_LPAREN)) {
        p->at++;
        VONK_TRY(vonk__identifier_list(p, &using, err));
    }
    if (info.lateral && words.natural)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INCOMPATIBLE_JOIN_TYPES, "joinType1", "LATERAL", "joinType2",
                               "NATURAL");
    if (info.lateral && using.n) return VONK_PARSE_FAIL(p, from, err, VONK_E_UNSUPPORTED_FEATURE__LATERAL_JOIN_USING);
    if (info.lateral && words.type != VONK_JOIN_INNER && words.type != VONK_JOIN_CROSS && words.type != VONK_JOIN_LEFT)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_LATERAL_JOIN_TYPE, "joinType",
                               words.type == VONK_JOIN_RIGHT  ? "RIGHT OUTER"
                               : words.type == VONK_JOIN_FULL ? "FULL OUTER"
                               : words.type == VONK_JOIN_SEMI ? "LEFT SEMI"
                                                              : "LEFT ANTI");
    return join_node(p, from, left, right, info, on, &using, ret, err);
}

vonk_status vonk__relation(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    bool more = true, lateral;
    const vonk_plan *plan;
    VONK_TRY(right_side(p, &lateral, &plan, err));
    while (more) {
        VONK_TRY(vonk__join_relation(p, plan, &more, &plan, err));
        if (more) continue;
        if (vonk__is2(p, KW_PIVOT, TK_LPAREN)) {
            VONK_TRY(vonk__pivot(p, plan, &plan, err));
            more = true;
        } else if (vonk__is(p, KW_UNPIVOT) && vonk__at_clause(p)) {
            VONK_TRY(vonk__unpivot(p, plan, &plan, err));
            more = true;
        }
    }
    *ret = plan;
    return VONK_OK;
}

vonk_status vonk__from_clause(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    const vonk_plan *plan, *right;
    static const vonk_strs no_columns = {0};
    VONK_TRY(vonk__relation(p, &plan, err));
    while (vonk__accept(p, TK_COMMA)) {
        vonk_join_info info = {.type = VONK_JOIN_INNER};
        info.lateral = vonk__is(p, KW_LATERAL) && vonk__tok_at(p, 1) != KW_VIEW;
        VONK_TRY(vonk__relation(p, &right, err));
        VONK_TRY(join_node(p, from, plan, right, info, NULL, &no_columns, &plan, err));
    }
    VONK_TRY(vonk__lateral_views(p, plan, &plan, err));
    *ret = plan;
    return VONK_OK;
}

/* ---- LATERAL VIEW */

static vonk_status lateral_view(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_strs name = {0}, columns = {0};
    vonk_exprs args = {0};
    vonk_expr *call;
    const vonk_expr *generator;
    vonk_str table_name;
    vonk_plan *plan;
    p->at += 2;
    bool outer = vonk__accept(p, KW_OUTER);
    uint32_t call_at = p->at, flags;
    VONK_TRY(vonk__name(p, &name, err));
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    VONK_TRY(vonk__call_args(p, &args, &flags, err));
    VONK_TRY(vonk__new(p, VONK_EX_CALL, args.at, vonk_u32_of(args.n), &call, err));
    VONK_TRY(vonk_expr_set_parts(call, name.at, vonk_u32_of(name.n), err));
    call->n_args = vonk_u32_of(args.n);
    VONK_TRY(vonk__keep_expr(p, call, call_at, &generator, err));
    bool named = vonk__is_identifier(p, vonk__tok(p)) && !vonk__is(p, KW_AS) && !vonk__at_clause(p);
    table_name = VONK_STR("");
    if (named) VONK_TRY(vonk__identifier(p, &table_name, err));
    bool as = vonk__accept(p, KW_AS);
    if (as || (vonk__is_identifier(p, vonk__tok(p)) && !vonk__at_clause(p)))
        VONK_TRY(vonk__identifier_seq(p, &columns, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_GENERATE, &child, 1, &plan, err));
    VONK_TRY(vonk_plan_set_list(plan, 0, &generator, 1, err));
    plan->generate.outer = outer;
    plan->generate.lateral_view = true;
    VONK_TRY(vonk_plan_str(plan, table_name, &plan->generate.qualifier, err));
    plan->generate.n_columns = vonk_u32_of(columns.n);
    VONK_TRY(vonk_plan_strs(plan, columns.at, plan->generate.n_columns, &plan->generate.columns, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}

vonk_status vonk__lateral_views(vonk_parser *p, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    while (vonk__is2(p, KW_LATERAL, KW_VIEW)) VONK_TRY(lateral_view(p, child, &child, err));
    *ret = child;
    return VONK_OK;
}
