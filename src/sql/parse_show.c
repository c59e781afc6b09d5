/* sql/parse_show.c -- SHOW and DESCRIBE. */
#include "sql/parse.h"

typedef struct show_words {
    const char *kind;
    vonk_strs name;
    vonk_str pattern; /* data NULL: none */
    bool extended;
} show_words;

/* [FROM | IN name] */
static vonk_status in_name(vonk_parser *p, show_words *s, vonk_error *err)
{
    if (!vonk__accept(p, KW_FROM) && !vonk__accept(p, KW_IN)) return VONK_OK;
    return vonk__name_reference(p, &s->name, err);
}

/* [LIKE] 'pattern' */
static vonk_status like_pattern(vonk_parser *p, show_words *s, vonk_error *err)
{
    bool like = vonk__is(p, KW_LIKE) && vonk__at_string(p, 1);
    if (like) p->at++;
    if (!vonk__at_string(p, 0)) return VONK_OK;
    return vonk__string(p, &s->pattern, err);
}

static vonk_status finish_show(vonk_parser *p, uint32_t from, vonk_node_kind node, const show_words *s,
                               const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__command(p, node, NULL, s->kind, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &s->name, err));
    if (s->pattern.data) VONK_TRY(vonk_plan_str(plan, s->pattern, &plan->command.pattern, err));
    plan->command.extended = s->extended;
    return vonk__keep_plan(p, plan, from, ret, err);
}

static vonk_status show_functions(vonk_parser *p, show_words *s, vonk_error *err)
{
    s->kind = "functions";
    VONK_TRY(in_name(p, s, err));
    if (vonk__is(p, KW_LIKE) && !vonk__at_string(p, 1)) {
        vonk_strs name = {0};
        p->at++;
        VONK_TRY(vonk__name(p, &name, err));
        s->pattern = name.at[name.n - 1];
        return VONK_OK;
    }
    return like_pattern(p, s, err);
}

static vonk_status show_columns(vonk_parser *p, show_words *s, vonk_error *err)
{
    vonk_strs table = {0};
    s->kind = "columns";
    if (!vonk__accept(p, KW_FROM)) VONK_TRY(vonk__expect(p, KW_IN, err));
    VONK_TRY(vonk__name_reference(p, &table, err));
    VONK_TRY(in_name(p, s, err)); /* SHOW COLUMNS IN t IN db */
    vonk_str last = table.at[table.n - 1];
    if (s->name.n) return VONK_PUSH(p, &s->name, last, err);
    s->name = table;
    return VONK_OK;
}

static vonk_status show_of_table(vonk_parser *p, show_words *s, const char *kind, vonk_error *err)
{
    s->kind = kind;
    VONK_TRY(vonk__name_reference(p, &s->name, err));
    if (strcmp(kind, "create table") == 0) vonk__accept2(p, KW_AS, KW_SERDE);
    if (strcmp(kind, "tblproperties") == 0 && vonk__accept(p, TK_LPAREN)) {
        if (vonk__at_string(p, 0))
            VONK_TRY(vonk__string(p, &s->pattern, err));
        else
            VONK_TRY(vonk__identifier(p, &s->pattern, err));
        return vonk__expect(p, TK_RPAREN, err);
    }
    return VONK_OK;
}

/* Words behind SHOW that are neither a query nor built. */
static vonk_status show_other(vonk_parser *p, uint32_t from, const vonk_plan **ret, vonk_error *err)
{
    static const struct {
        uint16_t kind;
        const char *name;
    } refused[] = {
        {KW_GRANT, "SHOW GRANT"},
        {KW_ROLE, "SHOW ROLE"},
        {KW_PRINCIPALS, "SHOW PRINCIPALS"},
        {KW_ROLES, "SHOW ROLES"},
        {KW_COMPACTIONS, "SHOW COMPACTIONS"},
        {KW_TRANSACTIONS, "SHOW TRANSACTIONS"},
        {KW_INDEXES, "SHOW INDEXES"},
        {KW_LOCKS, "SHOW LOCKS"},
    };
    for (size_t i = 0; i < VONK_COUNTOF(refused); i++)
        if (vonk__is(p, (vonk_tok)refused[i].kind)) {
            p->at = p->tokens.n - 1;
            return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_STATEMENT_OR_CLAUSE, "operation", refused[i].name);
        }
    if (vonk__is(p, KW_PROCEDURES)) return vonk__other_command(p, from, "show procedures", ret, err);
    if (vonk__is(p, KW_COLLATIONS)) return vonk__other_command(p, from, "show collations", ret, err);
    if (vonk__is(p, KW_PARTITIONS)) return vonk__other_command(p, from, "show partitions", ret, err);
    return vonk__syntax_error(p, err);
}

vonk_status vonk__show(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    show_words s = {0};
    if (vonk__tok_at(p, 1) == KW_FUNCTIONS) { /* SHOW USER FUNCTIONS */
        vonk_str scope = vonk__token_text(p, p->at++);
        s.extended = vonk_str_is_nocase(scope, "user");
        if (!s.extended && !vonk_str_is_nocase(scope, "system") && !vonk_str_is_nocase(scope, "all"))
            return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SQL_SYNTAX__SHOW_FUNCTIONS_INVALID_SCOPE, "scope",
                                   VONK_S(scope));
    }
    vonk_tok kind = vonk__tok(p), next = vonk__tok_at(p, 1);
    if (kind == KW_TABLE && next == KW_EXTENDED) return vonk__other_command(p, from, "show table extended", ret, err);
    if (kind == KW_CREATE && next == KW_TABLE) {
        p->at += 2;
        VONK_TRY(show_of_table(p, &s, "create table", err));
        return finish_show(p, from, VONK_PN_SHOW, &s, ret, err);
    }
    if (kind == KW_CURRENT && (next == KW_DATABASE || next == KW_SCHEMA || next == KW_NAMESPACE)) {
        p->at += 2;
        s.kind = "current database";
        return finish_show(p, from, VONK_PN_SHOW, &s, ret, err);
    }
    p->at++;
    switch (kind) {
    case KW_TABLES:
    case KW_VIEWS:
        s.kind = kind == KW_TABLES ? "tables" : "views";
        VONK_TRY(in_name(p, &s, err));
        VONK_TRY(like_pattern(p, &s, err));
        break;
    case KW_DATABASES:
    case KW_SCHEMAS:
    case KW_NAMESPACES:
        s.kind = "databases";
        VONK_TRY(in_name(p, &s, err));
        VONK_TRY(like_pattern(p, &s, err));
        break;
    case KW_CATALOGS:
        s.kind = "catalogs";
        VONK_TRY(like_pattern(p, &s, err));
        break;
    case KW_FUNCTIONS: VONK_TRY(show_functions(p, &s, err)); break;
    case KW_COLUMNS: VONK_TRY(show_columns(p, &s, err)); break;
    case KW_TBLPROPERTIES: VONK_TRY(show_of_table(p, &s, "tblproperties", err)); break;
    default: p->at--; return show_other(p, from, ret, err);
    }
    return finish_show(p, from, VONK_PN_SHOW, &s, ret, err);
}

/* ---- DESCRIBE */

static vonk_status describe_query(vonk_parser *p, uint32_t from, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *query;
    vonk_plan *plan;
    VONK_TRY(vonk__query(p, &query, err));
    VONK_TRY(vonk__command(p, VONK_PN_DESCRIBE, query, "query", &plan, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}

static vonk_status describe_function(vonk_parser *p, show_words *s, vonk_error *err)
{
    s->kind = "function";
    s->extended = vonk__is(p, KW_EXTENDED) && vonk__tok_at(p, 1) != TK_END && vonk__tok_at(p, 1) != TK_DOT;
    if (s->extended) p->at++;
    vonk_str name;
    if (vonk__at_string(p, 0))
        VONK_TRY(vonk__string(p, &name, err));
    else if (vonk__is_identifier(p, vonk__tok(p)))
        return vonk__name_reference(p, &s->name, err);
    else if (!vonk__is(p, TK_END))
        name = vonk__token_text(p, p->at++); /* an operator */
    else
        return vonk__syntax_error(p, err);
    return VONK_PUSH(p, &s->name, name, err);
}

static vonk_status describe_table(vonk_parser *p, uint32_t from, show_words *s, const vonk_plan **ret, vonk_error *err)
{
    vonk_tok next = vonk__tok_at(p, 1);
    s->kind = "table";
    if (vonk__is(p, KW_TABLE) && next != TK_END && next != TK_DOT) p->at++;
    next = vonk__tok_at(p, 1);
    if ((vonk__is(p, KW_EXTENDED) || vonk__is(p, KW_FORMATTED)) && next != TK_END && next != TK_DOT) {
        s->extended = true;
        p->at++;
    }
    VONK_TRY(vonk__name_reference(p, &s->name, err));
    if (vonk__is2(p, KW_PARTITION, TK_LPAREN)) return vonk__other_command(p, from, "describe partition", ret, err);
    if (vonk__is2(p, KW_AS, KW_JSON)) return vonk__other_command(p, from, "describe as json", ret, err);
    if (vonk__is_identifier(p, vonk__tok(p))) {
        vonk_strs column = {0};
        VONK_TRY(vonk__name(p, &column, err));
        s->kind = "column";
        s->pattern = column.at[column.n - 1];
    }
    return finish_show(p, from, VONK_PN_DESCRIBE, s, ret, err);
}

vonk_status vonk__describe(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    show_words s = {0};
    vonk_tok kind = vonk__tok(p), next = vonk__tok_at(p, 1);
    bool more = next != TK_END && next != TK_DOT && next != TK_SEMICOLON;
    if (kind == KW_QUERY && more) {
        p->at++;
        return describe_query(p, from, ret, err);
    }
    if (kind != KW_TABLE && vonk__at_query(p)) return describe_query(p, from, ret, err);
    if (kind == KW_FUNCTION && more) {
        p->at++;
        VONK_TRY(describe_function(p, &s, err));
        return finish_show(p, from, VONK_PN_DESCRIBE, &s, ret, err);
    }
    if (kind == KW_PROCEDURE && more) return vonk__other_command(p, from, "describe procedure", ret, err);
    if ((kind == KW_DATABASE || kind == KW_SCHEMA || kind == KW_NAMESPACE) && more) {
        p->at++;
        s.kind = "database";
        s.extended = vonk__is(p, KW_EXTENDED) && vonk__tok_at(p, 1) != TK_END;
        if (s.extended) p->at++;
        VONK_TRY(vonk__name_reference(p, &s.name, err));
        return finish_show(p, from, VONK_PN_DESCRIBE, &s, ret, err);
    }
    return describe_table(p, from, &s, ret, err);
}
