/* sql/analyze_command.c -- statements that act: their inputs are resolved, and the columns of what they answer are
 * known. */
#include "sql/analyze.h"

typedef struct answer_column {
    const char *name;
    enum { TEXT, MAYBE_TEXT, TRUTH } kind;
} answer_column;
typedef struct answer {
    vonk_node_kind node;
    const char *kind; /* command.kind, NULL: any */
    const answer_column *columns;
    uint32_t n;
} answer;

#define COLUMNS(...)                                                                                                   \
    (const answer_column[]){__VA_ARGS__}, sizeof((const answer_column[]){__VA_ARGS__}) / sizeof(answer_column)
static const answer answers[] = {
    {VONK_PN_SET_CONF, NULL, COLUMNS({"key", TEXT}, {"value", TEXT})},
    {VONK_PN_EXPLAIN, NULL, COLUMNS({"plan", TEXT})},
    {VONK_PN_SHOW, "tables", COLUMNS({"namespace", TEXT}, {"tableName", TEXT}, {"isTemporary", TRUTH})},
    {VONK_PN_SHOW, "views", COLUMNS({"namespace", TEXT}, {"viewName", TEXT}, {"isTemporary", TRUTH})},
    {VONK_PN_SHOW, "functions", COLUMNS({"function", TEXT})},
    {VONK_PN_SHOW, "columns", COLUMNS({"col_name", TEXT})},
    {VONK_PN_SHOW, "databases", COLUMNS({"namespace", TEXT})},
    {VONK_PN_SHOW, "catalogs", COLUMNS({"catalog", TEXT})},
    {VONK_PN_DESCRIBE, "table", COLUMNS({"col_name", TEXT}, {"data_type", TEXT}, {"comment", MAYBE_TEXT})},
    {VONK_PN_DESCRIBE, "query", COLUMNS({"col_name", TEXT}, {"data_type", TEXT}, {"comment", MAYBE_TEXT})},
    {VONK_PN_DESCRIBE, "function", COLUMNS({"function_desc", TEXT})},
};

static const answer *answer_of(const vonk_plan *p)
{
    const bool has_kind = p->kind == VONK_PN_SHOW || p->kind == VONK_PN_DESCRIBE;

    for (size_t i = 0; i < VONK_COUNTOF(answers); i++)
        if (answers[i].node == p->kind &&
            (!answers[i].kind || (has_kind && vonk_str_is(p->command.kind, answers[i].kind))))
            return &answers[i];
    return NULL;
}

static vonk_status set_columns(vonk_an *an, vonk_plan *copy, const answer *a, vonk_error *err)
{
    vonk_exprs columns = {0};

    for (uint32_t i = 0; i < a->n; i++) {
        const vonk_expr *column;
        VONK_TRY(vonk__an_new_column(an, vonk_str_of(a->columns[i].name),
                                     a->columns[i].kind == TRUTH ? &vonk_type_boolean : &vonk_type_string,
                                     a->columns[i].kind == MAYBE_TEXT, &column, err));
        VONK_TRY(VONK_AN_PUSH(an, &columns, column, err));
    }
    return vonk_plan_set_output(copy, columns.at, (uint32_t)columns.n, err);
}

/* What is written has the names and types that the rows have before optimizing. */
static vonk_status set_written(vonk_plan *copy, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;

    VONK_TRY(vonk_plan_schema(copy->children[0], &schema, err));
    return vonk_plan_hold_type(copy, schema, &copy->write.schema, err);
}

/* ---- CREATE VIEW v (a, b) AS ...: its names take the place of the query's */
static vonk_status quoted_list(vonk_an *an, const vonk_str *names, uint32_t n, vonk_str *ret, vonk_error *err)
{
    *ret = VONK_STR("");
    for (uint32_t i = 0; i < n; i++) {
        vonk_str one;
        VONK_TRY(vonk__an_quote_parts(an, &names[i], 1, &one, err));
        VONK_TRY(vonk_arena_printf(an->arena, ret, err, "%.*s%s%.*s", VONK_STR_ARGS(*ret), i ? ", " : "",
                                   VONK_STR_ARGS(one)));
    }
    return VONK_OK;
}

static vonk_status name_view_columns(vonk_an *an, const vonk_name_info *name, const vonk_plan *child,
                                     const vonk_plan **ret, vonk_error *err)
{
    vonk_str *own, quoted, listed, columns;

    VONK_TRY(vonk_arena_array(an->arena, child->n_output + 1, sizeof *own, &own, err));
    for (uint32_t i = 0; i < child->n_output; i++) own[i] = child->output[i]->name;
    if (name->n_columns > 0 && name->n_columns != child->n_output) {
        VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
        VONK_TRY(quoted_list(an, name->columns, name->n_columns, &listed, err));
        VONK_TRY(quoted_list(an, own, child->n_output, &columns, err));
        return VONK_FAIL(err,
                         name->n_columns < child->n_output
                             ? VONK_E_CREATE_VIEW_COLUMN_ARITY_MISMATCH__TOO_MANY_DATA_COLUMNS
                             : VONK_E_CREATE_VIEW_COLUMN_ARITY_MISMATCH__NOT_ENOUGH_DATA_COLUMNS,
                         "viewName", quoted.data, "viewColumns", VONK_S(listed), "dataColumns", VONK_S(columns));
    }
    const vonk_str *names = name->n_columns > 0 ? name->columns : own;
    for (uint32_t i = 0; i < child->n_output; i++)
        for (uint32_t k = 0; k < i; k++)
            if (vonk__an_name_eq(an, names[i], names[k]))
                return vonk_type_name_twice(names[i], an->case_sensitive, err);
    *ret = child;
    return name->n_columns > 0 ? vonk__an_rename(an, child, names, ret, err) : VONK_OK;
}

vonk_status vonk__an_command(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_plan **children;
    vonk_plan *copy;
    const answer *a = answer_of(p);

    VONK_TRY(vonk_arena_array(an->arena, p->n_children + 1, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(vonk__an_plan(an, p->children[i], outer, &children[i], err));
    if (p->kind == VONK_PN_CREATE_VIEW && p->n_children == 1)
        VONK_TRY(name_view_columns(an, &p->view.name, children[0], &children[0], err));
    VONK_TRY(vonk__an_copy_node(an, p, p->n_children ? children : NULL, p->n_children, &copy, err));
    copy->plan_id = -1;
    if (p->kind == VONK_PN_WRITE_FILES) VONK_TRY(set_written(copy, err));
    if (a) VONK_TRY(set_columns(an, copy, a, err));
    return vonk__an_finish_node(an, copy, ret, err);
}

vonk_status vonk__an_show_string(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                 vonk_error *err)
{
    const vonk_plan *child;
    const vonk_expr *column;
    vonk_plan *copy;

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    copy->plan_id = -1;
    VONK_TRY(vonk__an_new_column(an, vonk_str_of(p->show.html ? "html_string" : "show_string"), &vonk_type_string,
                                 false, &column, err));
    VONK_TRY(vonk_plan_set_output(copy, &column, 1, err));
    return vonk__an_finish_node(an, copy, ret, err);
}
