/* sql/parse_statement.c -- which statement it is; EXPLAIN, USE, CACHE, REFRESH, and those that are only recognised. */
#include "sql/parse.h"

static vonk_status explain(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
static vonk_status use(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
static vonk_status refresh(vonk_parser *p, const vonk_plan **ret, vonk_error *err);
static vonk_status hive_command(vonk_parser *p, const vonk_plan **ret, vonk_error *err);

/* WITH x AS (...) SELECT | INSERT ... */
static vonk_status with_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_plans ctes = {0};
    bool recursive;
    const vonk_plan *body;
    p->at++;
    VONK_TRY(vonk__ctes(p, &ctes, &recursive, err));
    switch (vonk__tok(p)) {
    case KW_INSERT:
    case KW_DELETE:
    case KW_UPDATE:
    case KW_MERGE: VONK_TRY(vonk__write_statement(p, &body, err)); break;
    default: VONK_TRY(vonk__query_term(p, &body, err)); VONK_TRY(vonk__organize(p, body, &body, err));
    }
    return vonk__with(p, from, &ctes, recursive, body, ret, err);
}

/* Statements that are known by their words alone. Longer rows first where they share a start. */
static const struct {
    uint16_t first, second; /* second 0: any */
    const char *kind;
} others[] = {
    {KW_ALTER, KW_TABLE, "alter table"},
    {KW_ALTER, KW_VIEW, "alter view"},
    {KW_ALTER, KW_DATABASE, "alter database"},
    {KW_ALTER, KW_SCHEMA, "alter database"},
    {KW_ALTER, KW_NAMESPACE, "alter database"},
    {KW_ANALYZE, KW_TABLE, "analyze table"},
    {KW_ANALYZE, KW_TABLES, "analyze tables"},
    {KW_TRUNCATE, KW_TABLE, "truncate table"},
    {KW_MSCK, KW_REPAIR, "repair table"},
    {KW_REPAIR, KW_TABLE, "repair table"},
    {KW_LOAD, KW_DATA, "load data"},
    {KW_COMMENT, KW_ON, "comment on"},
    {KW_ADD, 0, "add resource"},
    {KW_LIST, 0, "list resources"},
    {KW_EXECUTE, KW_IMMEDIATE, "execute immediate"},
    {KW_DECLARE, 0, "declare variable"},
    {KW_BEGIN, 0, "sql scripting"},
    {KW_CALL, 0, "call procedure"},
    {KW_OPEN, 0, "sql cursor"},
    {KW_FETCH, 0, "sql cursor"},
    {KW_CLOSE, 0, "sql cursor"},
};

static vonk_status other_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    for (size_t i = 0; i < VONK_COUNTOF(others); i++)
        if (vonk__is(p, (vonk_tok)others[i].first) &&
            (!others[i].second || vonk__tok_at(p, 1) == (vonk_tok)others[i].second))
            return vonk__other_command(p, p->at, others[i].kind, ret, err);
    return hive_command(p, ret, err);
}

vonk_status vonk__statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    switch (vonk__tok(p)) {
    case TK_LPAREN:
    case KW_SELECT:
    case KW_VALUES:
    case KW_TABLE:
    case KW_MAP:
    case KW_REDUCE: return vonk__query(p, ret, err);
    case KW_WITH: return with_statement(p, ret, err);
    case KW_FROM: return vonk__write_statement(p, ret, err);
    case KW_INSERT:
    case KW_DELETE:
    case KW_UPDATE:
    case KW_MERGE: return vonk__write_statement(p, ret, err);
    case KW_CREATE:
    case KW_REPLACE: return vonk__create(p, ret, err);
    case KW_DROP: return vonk__drop(p, ret, err);
    case KW_SHOW: return vonk__show(p, ret, err);
    case KW_DESC:
    case KW_DESCRIBE: return vonk__describe(p, ret, err);
    case KW_SET: return vonk__set(p, ret, err);
    case KW_RESET: return vonk__reset(p, ret, err);
    case KW_EXPLAIN: return explain(p, ret, err);
    case KW_USE: return use(p, ret, err);
    case KW_CACHE:
    case KW_UNCACHE:
    case KW_CLEAR: return vonk__cache(p, ret, err);
    case KW_REFRESH: return refresh(p, ret, err);
    default: return other_statement(p, ret, err);
    }
}

vonk_status vonk__command(vonk_parser *p, vonk_node_kind node, const vonk_plan *child, const char *kind,
                          vonk_plan **ret, vonk_error *err)
{
    VONK_TRY(vonk__new_plan(p, node, &child, child ? 1 : 0, ret, err));
    return vonk_plan_str(*ret, vonk_str_of(kind), &(*ret)->command.kind, err);
}

vonk_status vonk__other_command(vonk_parser *p, uint32_t from, const char *kind, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__command(p, VONK_PN_OTHER_COMMAND, NULL, kind, &plan, err));
    p->at = p->tokens.n - 1;
    return vonk__keep_plan(p, plan, from, ret, err);
}

/* What Hive knows and Spark refuses by name; anything else is no statement. */
static vonk_status hive_command(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    const char *name = NULL;
    (void)ret;
    switch (vonk__tok(p)) {
    case KW_GRANT: name = "GRANT"; break;
    case KW_REVOKE: name = "REVOKE"; break;
    case KW_COMMIT: name = "COMMIT"; break;
    case KW_ROLLBACK: name = "ROLLBACK"; break;
    case KW_DFS: name = "DFS"; break;
    case KW_START: name = vonk__tok_at(p, 1) == KW_TRANSACTION ? "START TRANSACTION" : NULL; break;
    case KW_EXPORT: name = vonk__tok_at(p, 1) == KW_TABLE ? "EXPORT TABLE" : NULL; break;
    case KW_IMPORT: name = vonk__tok_at(p, 1) == KW_TABLE ? "IMPORT TABLE" : NULL; break;
    case KW_LOCK: name = vonk__tok_at(p, 1) == KW_TABLE ? "LOCK TABLE" : "LOCK DATABASE"; break;
    case KW_UNLOCK: name = vonk__tok_at(p, 1) == KW_TABLE ? "UNLOCK TABLE" : "UNLOCK DATABASE"; break;
    default: break;
    }
    if (!name) return vonk__syntax_error(p, err);
    uint32_t from = p->at;
    p->at = p->tokens.n - 1;
    return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_STATEMENT_OR_CLAUSE, "operation", name);
}

static vonk_status explain(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    const char *mode = "simple";
    const vonk_plan *child;
    vonk_plan *plan;
    switch (vonk__tok(p)) {
    case KW_EXTENDED: mode = "extended"; break;
    case KW_FORMATTED: mode = "formatted"; break;
    case KW_COST: mode = "cost"; break;
    case KW_CODEGEN: mode = "codegen"; break;
    case KW_ANALYZE:
        mode = vonk__tok_at(p, 1) == KW_TABLE || vonk__tok_at(p, 1) == KW_TABLES ? "simple" : "analyze";
        break;
    case KW_LOGICAL:
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_STATEMENT_OR_CLAUSE, "operation", "EXPLAIN LOGICAL");
    default: break;
    }
    if (strcmp(mode, "simple") != 0) p->at++;
    VONK_TRY(vonk__deeper(p, err));
    VONK_TRY(vonk__statement(p, &child, err));
    p->depth--;
    VONK_TRY(vonk__command(p, VONK_PN_EXPLAIN, child, mode, &plan, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}

static vonk_status use(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_strs name = {0};
    vonk_plan *plan;
    vonk_tok next = vonk__tok_at(p, 1);
    bool word = vonk__is(p, KW_DATABASE) || vonk__is(p, KW_SCHEMA) || vonk__is(p, KW_NAMESPACE);
    if (word && next != TK_END && next != TK_DOT && next != TK_SEMICOLON) p->at++;
    VONK_TRY(vonk__name_reference(p, &name, err));
    VONK_TRY(vonk__command(p, VONK_PN_USE, NULL, "database", &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}

/* ---- CACHE, UNCACHE, CLEAR CACHE, REFRESH */

static vonk_status cache_table(vonk_parser *p, uint32_t from, const vonk_plan **ret, vonk_error *err)
{
    vonk_strs name = {0};
    vonk_plan *plan;
    const vonk_plan *query = NULL;
    vonk_option *options = NULL;
    uint32_t n_options = 0;
    bool lazy = vonk__accept(p, KW_LAZY);
    VONK_TRY(vonk__expect(p, KW_TABLE, err));
    VONK_TRY(vonk__name_reference(p, &name, err));
    if (vonk__is2(p, KW_OPTIONS, TK_LPAREN)) {
        p->at++;
        VONK_TRY(vonk__properties(p, &options, &n_options, err));
    }
    if (vonk__accept(p, KW_AS) || vonk__at_query(p)) VONK_TRY(vonk__query(p, &query, err));
    VONK_TRY(vonk__command(p, VONK_PN_CACHE_TABLE, query, "cache", &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
    VONK_TRY(vonk_plan_options(plan, options, n_options, &plan->command.name.options, err));
    plan->command.name.n_options = n_options;
    plan->command.extended = lazy;
    return vonk__keep_plan(p, plan, from, ret, err);
}

vonk_status vonk__cache(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    vonk_tok kind = (vonk_tok)p->tokens.at[p->at++].kind;
    vonk_strs name = {0};
    vonk_plan *plan;
    if (kind == KW_CACHE) return cache_table(p, from, ret, err);
    VONK_TRY(vonk__expect(p, kind == KW_CLEAR ? KW_CACHE : KW_TABLE, err));
    VONK_TRY(vonk__command(p, VONK_PN_CACHE_TABLE, NULL, kind == KW_CLEAR ? "clear" : "uncache", &plan, err));
    if (kind == KW_UNCACHE) {
        plan->command.if_exists = vonk__accept2(p, KW_IF, KW_EXISTS);
        VONK_TRY(vonk__name_reference(p, &name, err));
        VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
    }
    return vonk__keep_plan(p, plan, from, ret, err);
}

static vonk_status refresh(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_strs name = {0};
    vonk_plan *plan;
    if (!vonk__accept(p, KW_TABLE)) return vonk__other_command(p, from, "refresh", ret, err);
    VONK_TRY(vonk__name_reference(p, &name, err));
    VONK_TRY(vonk__command(p, VONK_PN_CACHE_TABLE, NULL, "refresh", &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
    return vonk__keep_plan(p, plan, from, ret, err);
}
