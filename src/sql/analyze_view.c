/* sql/analyze_view.c -- views that a text defines: analysed anew at each use, then matched with what the view promised
 * when it was made. */
#include "sql/analyze.h"

#define MOST_VIEW_DEPTH 100

typedef struct view_use {
    const vonk_name_info *name;
    const vonk_view_definition *definition;
    const vonk_plan *now;
    bool case_sensitive;
} view_use;

static bool same_name(const view_use *v, vonk_str a, vonk_str b)
{
    return v->case_sensitive ? vonk_str_eq(a, b) : vonk_str_eq_nocase(a, b);
}

/* The column that stands for the promised one: of equal names, the same in order. NULL: there is none. */
static const vonk_expr *column_now(const view_use *v, const vonk_plan *promised, uint32_t column)
{
    uint32_t ordinal = 0, n = 0;
    const vonk_expr *found = NULL;
    for (uint32_t i = 0; i < column; i++)
        ordinal += same_name(v, promised->output[i]->name, promised->output[column]->name);
    for (uint32_t i = 0; i < v->now->n_output; i++) {
        if (!same_name(v, v->now->output[i]->name, promised->output[column]->name)) continue;
        if (n++ == ordinal) found = v->now->output[i];
    }
    return found;
}

static bool widens(const vonk_type *from, const vonk_type *to)
{
    static const vonk_type_id order[] = {VONK_T_BYTE, VONK_T_SHORT, VONK_T_INT,
                                         VONK_T_LONG, VONK_T_FLOAT, VONK_T_DOUBLE};
    size_t a = 0, b = 0;
    if (to->id == VONK_T_STRING)
        return vonk_type_is_numeric(from) || vonk_type_is_datetime(from) || from->id == VONK_T_BOOLEAN;
    if (from->id == VONK_T_NULL) return true;
    if (from->id == VONK_T_DATE) return vonk_type_is_datetime(to);
    while (a < VONK_COUNTOF(order) && order[a] != from->id) a++;
    while (b < VONK_COUNTOF(order) && order[b] != to->id) b++;
    return a < b && b < VONK_COUNTOF(order);
}

static vonk_status changed(vonk_an *an, const view_use *v, const vonk_expr *promised, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf now = {0};
    vonk_str quoted;
    vonk_buf_init(&now, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < v->now->n_output; i++) {
        if (!same_name(v, v->now->output[i]->name, promised->name)) continue;
        VONK_TRY(vonk_buf_add_c(&now, now.len ? ", " : "[", err));
        VONK_TRY(vonk_buf_add_str(&now, v->now->output[i]->name, err));
    }
    VONK_TRY(vonk_buf_add_c(&now, now.len ? "]" : "[]", err));
    VONK_TRY(vonk__an_quote_parts(an, v->name->parts, v->name->n_parts, &quoted, err));
    return VONK_FAIL(err, VONK_E_INCOMPATIBLE_VIEW_SCHEMA_CHANGE, "viewName", VONK_S(quoted), "colName",
                     VONK_S(promised->name), "expectedNum", "1", "actualCols", VONK_S(vonk_buf_str(&now)), "suggestion",
                     VONK_F("CREATE OR REPLACE TEMPORARY VIEW %.*s AS %.*s", VONK_STR_ARGS(quoted),
                            VONK_STR_ARGS(v->definition->text)));
}

static vonk_status view_column(vonk_an *an, const view_use *v, const vonk_plan *named, uint32_t i, vonk_exprs *out,
                               vonk_error *err)
{
    const vonk_expr *promised = v->definition->resolved->output[i];
    const vonk_expr *e = column_now(v, named, i);
    if (!e) return changed(an, v, named->output[i], err);
    if (!vonk_type_same(e->type, promised->type)) {
        vonk_str name;
        VONK_TRY(vonk__an_sql(an, e, &name, err));
        if (!widens(e->type, promised->type))
            return VONK_FAIL(err, VONK_E_CANNOT_UP_CAST_DATATYPE, "expression", VONK_S(name), "sourceType",
                             VONK_TYPE_SQL(e->type), "targetType", VONK_TYPE_SQL(promised->type), "details", "");
        VONK_TRY(vonk__an_cast(an, e, promised->type, &e, err));
    }
    if (e->kind != VONK_EX_COLUMN || !vonk_str_eq(e->name, promised->name))
        VONK_TRY(vonk__an_alias(an, e, promised->name, &e, err));
    return VONK_AN_PUSH(an, out, e, err);
}

static vonk_status view_columns(vonk_an *an, const view_use *v, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *promised = v->definition->resolved, *named = promised;
    vonk_exprs items = {0};
    bool same = promised->n_output == v->now->n_output;
    for (uint32_t i = 0; same && i < promised->n_output; i++)
        same = vonk_str_eq(promised->output[i]->name, v->now->output[i]->name) &&
               vonk_type_same(promised->output[i]->type, v->now->output[i]->type);
    *ret = v->now;
    if (same) return VONK_OK;
    if (promised->kind == VONK_PN_PROJECT && promised->n_children == 1 &&
        promised->children[0]->n_output == promised->n_output) {
        bool renames = true; /* CREATE VIEW v (a, b): the query's own names are those below */
        for (uint32_t i = 0; renames && i < promised->n_output; i++) {
            const vonk_expr *e = promised->lists[0].at[i];
            if (e->kind == VONK_EX_ALIAS) e = e->children[0];
            renames = e->kind == VONK_EX_COLUMN && e->id == promised->children[0]->output[i]->id;
        }
        if (renames) named = promised->children[0];
    }
    for (uint32_t i = 0; i < promised->n_output; i++) VONK_TRY(view_column(an, v, named, i, &items, err));
    return vonk__an_project(an, v->now, items.at, vonk_u32_of(items.n), ret, err);
}

vonk_status vonk__an_sql_view(vonk_an *an, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_view_definition_done) vonk_view_definition definition = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *parsed = NULL;
    const vonk_plan *now, *columns;
    vonk_plan *view;
    vonk_fn_env env;
    vonk_str quoted;
    VONK_TRY(
        vonk_catalog_view_definition(an->api->catalog, p->name.parts, p->name.n_parts, an->arena, &definition, err));
    if (!definition.text.data) return VONK_OK;
    if (an->api->view_depth >= MOST_VIEW_DEPTH) {
        VONK_TRY(vonk__an_quote_parts(an, p->name.parts, p->name.n_parts, &quoted, err));
        return VONK_FAIL(err, VONK_E_VIEW_EXCEED_MAX_NESTED_DEPTH, "viewName", VONK_S(quoted), "maxNestedDepth",
                         VONK_F("%d", MOST_VIEW_DEPTH));
    }
    vonk_analyzer inner = *an->api;
    vonk_conf_fn_env(definition.conf, an->api->env->now_us, &env);
    env.user = an->api->env->user; /* who asks, and where: of the session, not of the view's making */
    env.catalog = an->api->env->catalog;
    env.database = an->api->env->database;
    inner.conf = definition.conf;
    inner.env = &env;
    inner.view_depth++;
    VONK_TRY(vonk_sql_parse(an->budget, definition.conf, definition.text, NULL, &parsed, err));
    VONK_TRY(vonk_analyze(&inner, parsed, &now, err));
    VONK_TRY(vonk__an_keep_plan(an, now, &now, err));
    const view_use use = {&p->name, &definition, now, env.case_sensitive};
    VONK_TRY(view_columns(an, &use, &columns, err));
    VONK_TRY(vonk__an_node(an, VONK_PN_VIEW, &columns, 1, &view, err));
    VONK_TRY(vonk_plan_strs(view, p->name.parts, p->name.n_parts, &view->name.parts, err));
    view->name.n_parts = p->name.n_parts;
    return vonk__an_finish_node(an, view, ret, err);
}
