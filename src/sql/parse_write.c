/* sql/parse_write.c -- INSERT; DELETE, UPDATE and MERGE are recognised. */
#include "sql/parse.h"

typedef struct insert_words {
    uint32_t from;
    bool overwrite, by_name, if_not_exists, to_directory;
    vonk_strs name, columns, partition;
    vonk_str path, format;
    vonk_option *options;
    uint32_t n_options;
} insert_words;

/* PARTITION (a = 1, b): static values are not built. */
static vonk_status partition(vonk_parser *p, insert_words *w, vonk_error *err)
{
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        vonk_str name;
        VONK_TRY(vonk__identifier(p, &name, err));
        if (vonk__is(p, TK_EQ)) return vonk__unsupported(p, p->at - 1, "INSERT into a static partition", err);
        VONK_TRY(VONK_PUSH(p, &w->partition, name, err));
    } while (vonk__accept(p, TK_COMMA));
    return vonk__expect(p, TK_RPAREN, err);
}

static vonk_status into_directory(vonk_parser *p, insert_words *w, vonk_error *err)
{
    vonk_strs provider = {0};
    w->to_directory = true;
    if (vonk__at_string(p, 0)) VONK_TRY(vonk__string(p, &w->path, err));
    if (!vonk__accept(p, KW_USING))
        return vonk__unsupported(p, w->from, "INSERT OVERWRITE DIRECTORY in Hive's form", err);
    VONK_TRY(vonk__name(p, &provider, err));
    w->format = provider.at[provider.n - 1];
    if (vonk__accept(p, KW_OPTIONS)) VONK_TRY(vonk__properties(p, &w->options, &w->n_options, err));
    return VONK_OK;
}

static vonk_status into_table(vonk_parser *p, insert_words *w, vonk_error *err)
{
    vonk__accept(p, KW_TABLE);
    VONK_TRY(vonk__name_reference(p, &w->name, err));
    if (vonk__is2(p, KW_WITH, TK_LPAREN)) {
        p->at++;
        VONK_TRY(vonk__properties(p, &w->options, &w->n_options, err));
    }
    if (vonk__is2(p, KW_PARTITION, TK_LPAREN)) {
        p->at++;
        VONK_TRY(partition(p, w, err));
    }
    if (vonk__is(p, KW_IF) && vonk__tok_at(p, 2) == KW_EXISTS) {
        w->if_not_exists = true;
        p->at += 3;
    }
    if (vonk__accept2(p, KW_BY, KW_NAME))
        w->by_name = true;
    else if (vonk__is(p, TK_LPAREN) && !p->is_query[p->at])
        VONK_TRY(vonk__identifier_list(p, &w->columns, err));
    if (vonk__is(p, KW_REPLACE)) return vonk__unsupported(p, w->from, "INSERT ... REPLACE", err);
    return VONK_OK;
}

static vonk_status insert_words_of(vonk_parser *p, insert_words *w, vonk_error *err)
{
    *w = (insert_words){.from = p->at, .path = VONK_STR(""), .format = VONK_STR("")};
    VONK_TRY(vonk__expect(p, KW_INSERT, err));
    if (vonk__is2(p, KW_WITH, KW_SCHEMA)) return vonk__unsupported(p, w->from, "INSERT WITH SCHEMA EVOLUTION", err);
    w->overwrite = vonk__accept(p, KW_OVERWRITE);
    if (!w->overwrite) VONK_TRY(vonk__expect(p, KW_INTO, err));
    if (w->overwrite && (vonk__accept(p, KW_DIRECTORY) || vonk__accept2(p, KW_LOCAL, KW_DIRECTORY)))
        return into_directory(p, w, err);
    return into_table(p, w, err);
}

static vonk_status insert_node(vonk_parser *p, const insert_words *w, const vonk_plan *query, const vonk_plan **ret,
                               vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, w->to_directory ? VONK_PN_WRITE_FILES : VONK_PN_INSERT, &query, 1, &plan, err));
    vonk_write_info *i = &plan->write;
    VONK_TRY(vonk__set_name_info(plan, &i->name, &w->name, err));
    i->name.n_columns = vonk_u32_of(w->columns.n);
    VONK_TRY(vonk_plan_strs(plan, w->columns.at, i->name.n_columns, &i->name.columns, err));
    VONK_TRY(vonk_plan_options(plan, w->options, w->n_options, &i->name.options, err));
    i->name.n_options = w->n_options;
    VONK_TRY(vonk_plan_str(plan, w->path, &i->path, err));
    VONK_TRY(vonk_plan_str(plan, w->format, &i->format, err));
    i->n_partition_by = vonk_u32_of(w->partition.n);
    VONK_TRY(vonk_plan_strs(plan, w->partition.at, i->n_partition_by, &i->partition_by, err));
    i->mode = w->overwrite ? VONK_STR("overwrite") : VONK_STR("append");
    i->by_name = w->by_name;
    i->if_not_exists = w->if_not_exists;
    return vonk__keep_plan(p, plan, w->from, ret, err);
}

static vonk_status insert(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    insert_words w;
    const vonk_plan *query;
    VONK_TRY(insert_words_of(p, &w, err));
    VONK_TRY(vonk__query(p, &query, err));
    return insert_node(p, &w, query, ret, err);
}

/* FROM t INSERT INTO a SELECT ...: one insert per branch would be several statements in one. */
static vonk_status from_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at, depth = 0;
    for (uint32_t i = p->at; i < p->tokens.n; i++) {
        uint16_t kind = p->tokens.at[i].kind;
        if (kind == TK_LPAREN)
            depth++;
        else if (kind == TK_RPAREN && depth)
            depth--;
        else if (kind == KW_INSERT && depth == 0 && i > from + 1 &&
                 (p->tokens.at[i + 1].kind == KW_INTO || p->tokens.at[i + 1].kind == KW_OVERWRITE))
            return vonk__unsupported(p, from, "FROM ... INSERT", err);
    }
    return vonk__query(p, ret, err);
}

vonk_status vonk__write_statement(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    switch (vonk__tok(p)) {
    case KW_INSERT: return insert(p, ret, err);
    case KW_FROM: return from_statement(p, ret, err);
    case KW_DELETE:
        if (vonk__tok_at(p, 1) != KW_FROM) break;
        return vonk__other_command(p, p->at, "delete", ret, err);
    case KW_UPDATE: return vonk__other_command(p, p->at, "update", ret, err);
    case KW_MERGE: return vonk__other_command(p, p->at, "merge into", ret, err);
    default: break;
    }
    p->at++;
    return vonk__syntax_error(p, err);
}
