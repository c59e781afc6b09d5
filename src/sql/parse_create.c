/* sql/parse_create.c -- CREATE and DROP: views and tables are understood, other objects are recognised by name. */
#include "base/buf.h"
#include "sql/parse.h"

static bool if_not_exists(vonk_parser *p)
{
    if (!vonk__is(p, KW_IF) || (vonk__tok_at(p, 1) != KW_NOT && vonk__tok_at(p, 1) != TK_BANG) ||
        vonk__tok_at(p, 2) != KW_EXISTS)
        return false;
    p->at += 3;
    return true;
}

static vonk_str rest_of_text(const vonk_parser *p, uint32_t from_token)
{
    uint32_t last = p->at > from_token ? p->at - 1 : from_token;
    return vonk_str_sub(p->text, p->tokens.at[from_token].start, p->tokens.at[last].end);
}

/* ---- columns with types */

typedef struct column_words {
    vonk_str name, comment;
    const vonk_type *type;
    bool not_null;
    const char *refused; /* what of it is not built */
} column_words;

static void drop_type(void *type) { vonk_type_unref(type); }

/* What may stand behind a column's type. DEFAULT, GENERATED and constraints are read over; the statement is refused
 * then. */
static vonk_status column_options(vonk_parser *p, column_words *c, vonk_error *err)
{
    for (;;) {
        const vonk_expr *e;
        if (vonk__accept2(p, KW_NOT, KW_NULL))
            c->not_null = true;
        else if (vonk__accept(p, KW_COMMENT))
            VONK_TRY(vonk__string(p, &c->comment, err));
        else if (vonk__accept(p, KW_DEFAULT)) {
            c->refused = "column DEFAULT";
            VONK_TRY(vonk__expr(p, &e, err));
        } else if (vonk__is(p, KW_GENERATED) || vonk__is(p, KW_CHECK) || vonk__is(p, KW_UNIQUE) ||
                   vonk__is(p, KW_PRIMARY) || vonk__is(p, KW_REFERENCES) || vonk__is(p, KW_CONSTRAINT)) {
            c->refused = "generated columns and constraints";
            while (!vonk__is(p, TK_COMMA) && !vonk__is(p, TK_RPAREN) && !vonk__is(p, TK_END))
                p->at = vonk__is(p, TK_LPAREN) && p->match[p->at] ? p->match[p->at] + 1 : p->at + 1;
        } else
            return VONK_OK;
    }
}

static vonk_status column_words_of(vonk_parser *p, column_words *c, vonk_error *err)
{
    *c = (column_words){.comment = VONK_STR_NONE};
    vonk_tok kind = vonk__tok(p), next = vonk__tok_at(p, 1);
    if ((kind == KW_CONSTRAINT && vonk__is_identifier(p, next)) || (kind == KW_CHECK && next == TK_LPAREN) ||
        (kind == KW_PRIMARY && next == KW_KEY) || (kind == KW_FOREIGN && next == KW_KEY) ||
        (kind == KW_UNIQUE && next == TK_LPAREN))
        return vonk__unsupported(p, p->at, "table constraints", err);
    VONK_TRY(vonk__identifier_captured(p, &c->name, err));
    VONK_TRY(vonk__type(p, &c->type, err));
    return column_options(p, c, err);
}

/* {"comment":"..."} */
static vonk_status comment_metadata(vonk_parser *p, vonk_str comment, vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, p->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_c(&json, "{\"comment\":\"", err));
    for (size_t i = 0; i < comment.len; i++) {
        unsigned char c = (unsigned char)comment.data[i];
        if (c == '"' || c == '\\')
            VONK_TRY(vonk_buf_printf(&json, err, "\\%c", c));
        else if (c < 0x20)
            VONK_TRY(vonk_buf_printf(&json, err, "\\u%04x", c));
        else
            VONK_TRY(vonk_buf_add_byte(&json, (char)c, err));
    }
    VONK_TRY(vonk_buf_add_c(&json, "\"}", err));
    return vonk_arena_str(p->arena, vonk_buf_str(&json), ret, err);
}

/* (a INT NOT NULL COMMENT 'x', b STRING) */
static vonk_status table_columns(vonk_parser *p, const vonk_type **ret, vonk_error *err)
{
    VONK_VEC(vonk_field) fields = {0};
    uint32_t from = p->at;
    const char *refused = NULL;
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        column_words c;
        VONK_TRY(column_words_of(p, &c, err));
        if (c.refused) refused = c.refused;
        vonk_field field = {.name = c.name, .type = c.type, .nullable = !c.not_null};
        if (c.comment.data) VONK_TRY(comment_metadata(p, c.comment, &field.metadata, err));
        VONK_TRY(VONK_PUSH(p, &fields, field, err));
    } while (vonk__accept(p, TK_COMMA));
    VONK_TRY(vonk__expect(p, TK_RPAREN, err));
    if (refused) return vonk__unsupported(p, from, refused, err);
    VONK_TRY(vonk_type_struct(fields.at, fields.n, ret, err));
    return vonk_arena_on_free(p->arena, drop_type, (void *)*ret, err);
}

/* ---- CREATE VIEW */

typedef struct view_words {
    uint32_t from;
    bool replace, global, temporary, if_not_exists;
    vonk_strs name, columns;
    vonk_str comment;
    bool has_properties;
    const vonk_type *schema; /* USING: columns given */
} view_words;

/* (a COMMENT 'x', b) */
static vonk_status view_columns(vonk_parser *p, vonk_strs *ret, vonk_error *err)
{
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        vonk_str name, comment;
        VONK_TRY(vonk__identifier(p, &name, err));
        VONK_TRY(VONK_PUSH(p, ret, name, err));
        if (vonk__accept(p, KW_COMMENT)) VONK_TRY(vonk__string(p, &comment, err));
    } while (vonk__accept(p, TK_COMMA));
    return vonk__expect(p, TK_RPAREN, err);
}

static vonk_status view_clauses(vonk_parser *p, view_words *v, vonk_error *err)
{
    vonk_option *properties;
    vonk_strs columns = {0};
    uint32_t n;
    for (;;) {
        if (vonk__accept(p, KW_COMMENT))
            VONK_TRY(vonk__string(p, &v->comment, err));
        else if (vonk__accept(p, KW_TBLPROPERTIES)) {
            v->has_properties = true;
            VONK_TRY(vonk__properties(p, &properties, &n, err));
        } else if (vonk__accept2(p, KW_PARTITIONED, KW_ON))
            VONK_TRY(vonk__identifier_list(p, &columns, err));
        else if (vonk__is2(p, KW_WITH, KW_SCHEMA)) {
            p->at += 2;
            vonk__accept(p, KW_TYPE);
            p->at++;
        } else
            return VONK_OK;
    }
}

static vonk_status finish_view(vonk_parser *p, const view_words *v, const vonk_plan *query, vonk_str text,
                               const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_CREATE_VIEW, &query, 1, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->view.name, &v->name, err));
    plan->view.name.n_columns = vonk_u32_of(v->columns.n);
    VONK_TRY(vonk_plan_strs(plan, v->columns.at, plan->view.name.n_columns, &plan->view.name.columns, err));
    plan->view.temporary = v->temporary;
    plan->view.global = v->global;
    plan->view.replace = v->replace;
    plan->view.if_not_exists = v->if_not_exists;
    VONK_TRY(vonk_plan_str(plan, text, &plan->view.text, err));
    VONK_TRY(vonk_plan_str(plan, v->comment, &plan->view.comment, err));
    return vonk__keep_plan(p, plan, v->from, ret, err);
}

/* CREATE TEMPORARY VIEW v USING format OPTIONS (...) */
static vonk_status view_using(vonk_parser *p, view_words *v, const vonk_plan **ret, vonk_error *err)
{
    vonk_strs provider = {0};
    vonk_option *options = NULL;
    uint32_t n = 0;
    vonk_plan *read;
    const vonk_plan *source;
    VONK_TRY(vonk__name(p, &provider, err));
    if (vonk__accept(p, KW_OPTIONS)) VONK_TRY(vonk__properties(p, &options, &n, err));
    VONK_TRY(vonk__new_plan(p, VONK_PN_READ, NULL, 0, &read, err));
    VONK_TRY(vonk_plan_str(read, provider.at[provider.n - 1], &read->read.format, err));
    VONK_TRY(vonk_plan_options(read, options, n, &read->read.options, err));
    read->read.n_options = n;
    for (uint32_t i = 0; i < n; i++)
        if (vonk_str_is_nocase(options[i].key, "path")) {
            VONK_TRY(vonk_plan_strs(read, &options[i].value, 1, &read->read.paths, err));
            read->read.n_paths = 1;
        }
    if (v->schema) VONK_TRY(vonk_plan_hold_type(read, v->schema, &read->read.schema, err));
    VONK_TRY(vonk__keep_plan(p, read, v->from, &source, err));
    return finish_view(p, v, source, VONK_STR_NONE, ret, err); /* its files are opened once */
}

static vonk_status bad_qualifier(vonk_parser *p, const view_words *v, vonk_error *err)
{
    vonk_str first = v->name.at[0], last = v->name.at[v->name.n - 1];
    return VONK_PARSE_FAIL(p, v->from, err, VONK_E_INVALID_TEMP_OBJ_QUALIFIER, "objectType", "VIEW", "objectName",
                           VONK_F("`%.*s`", VONK_STR_ARGS(last)), "qualifier", VONK_F("`%.*s`", VONK_STR_ARGS(first)));
}

static vonk_status create_view(vonk_parser *p, view_words *v, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *query;
    v->if_not_exists = if_not_exists(p);
    VONK_TRY(vonk__name_reference(p, &v->name, err));
    uint32_t closing = vonk__is(p, TK_LPAREN) ? p->match[p->at] : 0;
    if (v->temporary && closing && p->tokens.at[closing + 1].kind == KW_USING)
        VONK_TRY(table_columns(p, &v->schema, err));
    else if (vonk__is(p, TK_LPAREN))
        VONK_TRY(view_columns(p, &v->columns, err));
    if (v->temporary && vonk__accept(p, KW_USING)) return view_using(p, v, ret, err);
    VONK_TRY(view_clauses(p, v, err));
    VONK_TRY(vonk__expect(p, KW_AS, err));
    uint32_t text_at = p->at;
    VONK_TRY(vonk__query(p, &query, err));
    if (v->temporary && v->if_not_exists) return VONK_PARSE_FAIL(p, v->from, err, VONK_E__LEGACY_ERROR_TEMP_0053);
    if (v->temporary && v->has_properties)
        return VONK_PARSE_FAIL(p, v->from, err, VONK_E__LEGACY_ERROR_TEMP_0035, "message",
                               "TBLPROPERTIES can't coexist with CREATE TEMPORARY VIEW");
    if (v->temporary && !v->global && v->name.n > 1) return bad_qualifier(p, v, err);
    return finish_view(p, v, query, rest_of_text(p, text_at), ret, err);
}

/* ---- CREATE TABLE */

typedef struct table_words {
    uint32_t from;
    bool replace, if_not_exists, external;
    vonk_strs name, partition_by, cluster_by;
    vonk_str format, location, comment;
    vonk_option *options;
    uint32_t n_options;
    const vonk_type *schema;
} table_words;

/* PARTITIONED BY (a, b INT): names; transforms like years(a) are not built. */
static vonk_status partition_fields(vonk_parser *p, table_words *t, vonk_error *err)
{
    VONK_TRY(vonk__expect(p, TK_LPAREN, err));
    do {
        vonk_str name;
        const vonk_type *type;
        VONK_TRY(vonk__identifier_captured(p, &name, err));
        if (vonk__is(p, TK_LPAREN)) return vonk__unsupported(p, p->at - 1, "partition transform", err);
        VONK_TRY(VONK_PUSH(p, &t->partition_by, name, err));
        if (!vonk__is(p, TK_COMMA) && !vonk__is(p, TK_RPAREN)) VONK_TRY(vonk__type(p, &type, err));
    } while (vonk__accept(p, TK_COMMA));
    return vonk__expect(p, TK_RPAREN, err);
}

static vonk_status table_clauses(vonk_parser *p, table_words *t, vonk_error *err)
{
    vonk_option *properties;
    uint32_t n;
    for (;;) {
        uint32_t from = p->at;
        if (vonk__accept(p, KW_OPTIONS))
            VONK_TRY(vonk__properties(p, &t->options, &t->n_options, err));
        else if (vonk__accept2(p, KW_PARTITIONED, KW_BY))
            VONK_TRY(partition_fields(p, t, err));
        else if (vonk__accept2(p, KW_CLUSTER, KW_BY))
            VONK_TRY(vonk__identifier_list(p, &t->cluster_by, err));
        else if (vonk__accept(p, KW_LOCATION))
            VONK_TRY(vonk__string(p, &t->location, err));
        else if (vonk__accept(p, KW_COMMENT))
            VONK_TRY(vonk__string(p, &t->comment, err));
        else if (vonk__accept(p, KW_TBLPROPERTIES))
            VONK_TRY(vonk__properties(p, &properties, &n, err));
        else if (vonk__is(p, KW_CLUSTERED) || vonk__is(p, KW_SKEWED) || vonk__is2(p, KW_ROW, KW_FORMAT) ||
                 vonk__is(p, KW_STORED) || vonk__is2(p, KW_DEFAULT, KW_COLLATION))
            return vonk__unsupported(p, from, "CREATE TABLE with Hive's clauses, buckets or a default collation", err);
        else
            return VONK_OK;
    }
}

static vonk_status finish_table(vonk_parser *p, const table_words *t, const vonk_plan *query, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, VONK_PN_CREATE_TABLE, &query, query ? 1 : 0, &plan, err));
    vonk_write_info *w = &plan->write;
    VONK_TRY(vonk__set_name_info(plan, &w->name, &t->name, err));
    VONK_TRY(vonk_plan_options(plan, t->options, t->n_options, &w->name.options, err));
    w->name.n_options = t->n_options;
    VONK_TRY(vonk_plan_str(plan, t->format, &w->format, err));
    VONK_TRY(vonk_plan_str(plan, t->location, &w->location, err));
    VONK_TRY(vonk_plan_str(plan, t->comment, &w->comment, err));
    w->n_partition_by = vonk_u32_of(t->partition_by.n);
    VONK_TRY(vonk_plan_strs(plan, t->partition_by.at, w->n_partition_by, &w->partition_by, err));
    w->n_cluster_by = vonk_u32_of(t->cluster_by.n);
    VONK_TRY(vonk_plan_strs(plan, t->cluster_by.at, w->n_cluster_by, &w->cluster_by, err));
    w->if_not_exists = t->if_not_exists;
    w->replace = t->replace;
    w->mode = VONK_STR("error");
    if (t->schema) VONK_TRY(vonk_plan_hold_type(plan, t->schema, &w->schema, err));
    return vonk__keep_plan(p, plan, t->from, ret, err);
}

static vonk_status create_table(vonk_parser *p, table_words *t, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *query = NULL;
    vonk_strs provider = {0};
    t->if_not_exists = if_not_exists(p);
    VONK_TRY(vonk__name_reference(p, &t->name, err));
    if (vonk__is(p, KW_LIKE)) return vonk__other_command(p, t->from, "create table like", ret, err);
    if (vonk__is(p, TK_LPAREN) && !p->is_query[p->at]) VONK_TRY(table_columns(p, &t->schema, err));
    if (vonk__accept(p, KW_USING)) {
        VONK_TRY(vonk__name(p, &provider, err));
        t->format = provider.at[provider.n - 1];
    }
    VONK_TRY(table_clauses(p, t, err));
    if (vonk__accept(p, KW_AS) || vonk__at_query(p)) VONK_TRY(vonk__query(p, &query, err));
    return finish_table(p, t, query, ret, err);
}

/* ---- CREATE */

vonk_status vonk__create(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at;
    view_words v = {.from = from, .comment = VONK_STR("")};
    bool replace = vonk__is(p, KW_REPLACE);
    p->at++;
    if (!replace && vonk__accept2(p, KW_OR, KW_REPLACE)) replace = true;
    v.replace = replace;
    v.global = vonk__is2(p, KW_GLOBAL, KW_TEMPORARY) && vonk__accept(p, KW_GLOBAL);
    v.temporary = vonk__accept(p, KW_TEMPORARY);
    if (vonk__accept(p, KW_VIEW)) return create_view(p, &v, ret, err);
    table_words t = {
        .from = from, .replace = replace, .format = VONK_STR(""), .location = VONK_STR(""), .comment = VONK_STR("")};
    t.external = vonk__accept(p, KW_EXTERNAL);
    if (vonk__accept(p, KW_TABLE)) {
        if (v.temporary) return vonk__unsupported(p, from, "CREATE TEMPORARY TABLE", err);
        return create_table(p, &t, ret, err);
    }
    switch (vonk__tok(p)) {
    case KW_DATABASE:
    case KW_SCHEMA:
    case KW_NAMESPACE: return vonk__other_command(p, from, "create database", ret, err);
    case KW_FUNCTION: return vonk__other_command(p, from, "create function", ret, err);
    case KW_INDEX: return vonk__other_command(p, from, "create index", ret, err);
    case KW_MATERIALIZED:
    case KW_STREAMING:
    case KW_FLOW: return vonk__other_command(p, from, "declarative pipelines", ret, err);
    case KW_ROLE:
    case KW_MACRO: {
        bool role = vonk__is(p, KW_ROLE);
        p->at = p->tokens.n - 1;
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_STATEMENT_OR_CLAUSE, "operation",
                               role ? "CREATE ROLE" : "CREATE TEMPORARY MACRO");
    }
    default: return vonk__syntax_error(p, err);
    }
}

/* ---- DROP */

static const char *dropped_kind(vonk_tok kind)
{
    switch (kind) {
    case KW_TABLE: return "table";
    case KW_VIEW: return "view";
    case KW_DATABASE:
    case KW_SCHEMA:
    case KW_NAMESPACE: return "database";
    case KW_FUNCTION: return "function";
    case KW_INDEX: return "index";
    case KW_VARIABLE:
    case KW_VAR: return "variable";
    default: return NULL;
    }
}

vonk_status vonk__drop(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++;
    vonk_strs name = {0};
    vonk_plan *plan;
    vonk__accept(p, KW_TEMPORARY);
    const char *kind = dropped_kind(vonk__tok(p));
    if (!kind) return vonk__syntax_error(p, err);
    p->at++;
    if (strcmp(kind, "index") == 0) return vonk__other_command(p, from, "drop index", ret, err);
    bool if_exists = vonk__accept2(p, KW_IF, KW_EXISTS);
    VONK_TRY(vonk__name_reference(p, &name, err));
    VONK_TRY(vonk__command(p, VONK_PN_DROP, NULL, kind, &plan, err));
    VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
    plan->command.if_exists = if_exists;
    plan->command.extended = vonk__accept(p, KW_PURGE) || vonk__accept(p, KW_CASCADE);
    vonk__accept(p, KW_RESTRICT);
    return vonk__keep_plan(p, plan, from, ret, err);
}
