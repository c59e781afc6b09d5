/* sql/analyze_subquery.c -- subqueries in expressions, WITH, and relations that come with a Connect plan. Columns of
 * the enclosing query keep their ids and are marked as outer ones; unnesting is the optimizer's. */
#include "func/coerce.h"
#include "sql/analyze.h"

/* ---- scalar, EXISTS, IN */

static vonk_status column_list(vonk_an *an, const vonk_expr *const *columns, uint32_t n, const char **ret,
                               vonk_error *err)
{
    vonk_str list = VONK_STR("");
    for (uint32_t i = 0; i < n; i++) {
        vonk_str text;
        VONK_TRY(vonk__an_sql(an, columns[i], &text, err));
        VONK_TRY(vonk_arena_printf(an->arena, &list, err, "%.*s%s\"%.*s\"", VONK_STR_ARGS(list), i ? ", " : "",
                                   VONK_STR_ARGS(text)));
    }
    *ret = list.data ? list.data : "";
    return VONK_OK;
}

static vonk_status length_mismatch(vonk_an *an, const vonk_expr *e, const vonk_exprs *values, const vonk_plan *plan,
                                   vonk_error *err)
{
    const char *left, *right;
    vonk_str text;
    VONK_TRY(column_list(an, values->at, vonk_u32_of(values->n), &left, err));
    VONK_TRY(column_list(an, plan->output, plan->n_output, &right, err));
    if (values->n > 1) {
        const vonk_expr *row, **parts;
        VONK_TRY(vonk_arena_array(an->arena, values->n * 2, sizeof(*parts), &parts, err));
        for (size_t i = 0; i < values->n; i++) {
            VONK_TRY(vonk__an_sql(an, values->at[i], &text, err));
            VONK_TRY(vonk__an_string(an, text, &parts[2 * i], err));
            parts[2 * i + 1] = values->at[i];
        }
        VONK_TRY(vonk__an_call(an, "named_struct", parts, vonk_u32_of(values->n * 2), e, &row, err));
        VONK_TRY(vonk__an_sql(an, row, &text, err));
    } else {
        VONK_TRY(vonk__an_sql(an, values->at[0], &text, err));
    }
    return VONK_EXPR_FAIL(e, err, VONK_E_DATATYPE_MISMATCH__IN_SUBQUERY_LENGTH_MISMATCH, "sqlExpr",
                          VONK_F("\"(%.*s IN (listquery()))\"", VONK_STR_ARGS(text)), "leftLength",
                          VONK_F("%zu", values->n), "rightLength", VONK_F("%u", plan->n_output), "leftColumns", left,
                          "rightColumns", right);
}

/* Both sides of IN get common types, column by column. */
static vonk_status coerce_in(vonk_an *an, const vonk_expr *e, vonk_exprs *values, const vonk_plan **inout_plan,
                             vonk_error *err)
{
    const vonk_plan *plan = *inout_plan;
    vonk_exprs items = {0};
    bool changed = false;
    assert(values->at);
    if (values->n != plan->n_output) return length_mismatch(an, e, values, plan, err);
    for (uint32_t i = 0; i < plan->n_output; i++) {
        const vonk_type *common;
        const vonk_expr *c = plan->output[i], *cast;
        VONK_TRY(vonk_coerce_comparison(values->at[i]->type, c->type, an->ansi, &common, err));
        if (!common) {
            const char *left, *right, *sql;
            VONK_TRY(column_list(an, values->at, vonk_u32_of(values->n), &left, err));
            VONK_TRY(vonk__an_quoted_sql(an, values->at[i], &sql, err));
            (void)left;
            right = VONK_TYPE_SQL(c->type);
            return VONK_EXPR_FAIL(e, err, VONK_E_DATATYPE_MISMATCH__IN_SUBQUERY_DATA_TYPE_MISMATCH, "sqlExpr", sql,
                                  "mismatchedColumns", "", "leftType", VONK_TYPE_SQL(values->at[i]->type), "rightType",
                                  right);
        }
        VONK_TRY(vonk__an_hold_type(an, common, &common, err));
        VONK_TRY(vonk__an_cast(an, values->at[i], common, &values->at[i], err));
        VONK_TRY(vonk__an_cast(an, c, common, &cast, err));
        if (cast != c) {
            VONK_TRY(vonk__an_alias(an, cast, c->name, &cast, err));
            changed = true;
        }
        VONK_TRY(VONK_AN_PUSH(an, &items, cast, err));
    }
    return changed ? vonk__an_project(an, plan, items.at, vonk_u32_of(items.n), inout_plan, err) : VONK_OK;
}

/* Connect: the expression names the plan by its id. */
vonk_status vonk__an_subplan(vonk_an *an, const vonk_expr *e, const vonk_plan **ret, vonk_error *err)
{
    *ret = e->plan;
    if (*ret) return VONK_OK;
    for (uint32_t i = 1; an->subplans && i < an->subplans->n_children; i++)
        if (an->subplans->children[i]->plan_id == e->plan_id) {
            *ret = an->subplans->children[i];
            return VONK_OK;
        }
    return VONK_EXPR_FAIL(e, err, VONK_E_INTERNAL_ERROR, "message", "a subquery refers to an unknown plan");
}

/* ---- what a subquery uses of the query around it */

typedef struct outer_search {
    vonk_an *an;
    const vonk_plan *const *inputs;
    uint32_t n_inputs;
    vonk_exprs *found;
    vonk_status status;
    vonk_error *err;
} outer_search;

static vonk_walk find_in_node(const vonk_plan *p, void *arg);

static vonk_walk find_outer(const vonk_expr *e, void *arg)
{
    outer_search *s = arg;
    if (e->kind == VONK_EX_SUBQUERY && e->plan) vonk_plan_walk(e->plan, find_in_node, s);
    if (e->kind != VONK_EX_COLUMN || !vonk_expr_has(e, VONK_EXF_OUTER)) return VONK_WALK_ON;
    for (size_t i = 0; i < s->found->n; i++)
        if (s->found->at[i]->id == e->id) return VONK_WALK_ON;
    for (uint32_t i = 0; i < s->n_inputs && s->status == VONK_OK; i++)
        if (vonk_plan_has_column(s->inputs[i], e->id)) s->status = VONK_AN_PUSH(s->an, s->found, e, s->err);
    return s->status == VONK_OK ? VONK_WALK_ON : VONK_WALK_STOP;
}

static vonk_walk find_in_node(const vonk_plan *p, void *arg)
{
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (!vonk_expr_walk(p->lists[l].at[i], find_outer, arg)) return VONK_WALK_STOP;
    return VONK_WALK_ON;
}

vonk_status vonk__an_outer_columns(vonk_an *an, const vonk_plan *plan, const vonk_plan *const *inputs, uint32_t n,
                                   vonk_exprs *ret, vonk_error *err)
{
    outer_search s = {an, inputs, n, ret, VONK_OK, err};
    vonk_plan_walk(plan, find_in_node, &s);
    return s.status;
}

/* Names of columns tell what a subquery depends on: scalarsubquery(id). */
static vonk_status show_outer(vonk_an *an, const vonk_scope *scope, vonk_expr *e, vonk_error *err)
{
    vonk_exprs columns = {0};
    vonk_str shown = e->sub_kind == VONK_SUB_SCALAR ? VONK_STR("scalarsubquery(") : VONK_STR("exists(");
    if (e->sub_kind != VONK_SUB_SCALAR && e->sub_kind != VONK_SUB_EXISTS) return VONK_OK;
    VONK_TRY(vonk__an_outer_columns(an, e->plan, scope->inputs, scope->n_inputs, &columns, err));
    if (columns.n == 0) return VONK_OK;
    for (size_t i = 0; i < columns.n; i++)
        VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "%.*s%s%.*s", VONK_STR_ARGS(shown), i ? ", " : "",
                                   VONK_STR_ARGS(columns.at[i]->name)));
    VONK_TRY(vonk_arena_printf(an->arena, &shown, err, "%.*s)", VONK_STR_ARGS(shown)));
    return vonk_expr_set_shown(e, shown, err);
}

static vonk_status row_type(vonk_an *an, const vonk_plan *rows, const vonk_type **ret, vonk_error *err)
{
    vonk_field *fields = NULL;
    const vonk_type *type = NULL;
    VONK_TRY(vonk_arena_array(an->arena, rows->n_output + 1, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < rows->n_output; i++)
        fields[i] = (vonk_field){
            .name = rows->output[i]->name, .type = rows->output[i]->type, .nullable = rows->output[i]->nullable};
    VONK_TRY(vonk_type_struct(fields, rows->n_output, &type, err));
    return vonk__an_hold_type(an, type, ret, err);
}

vonk_status vonk__an_subquery(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                              vonk_error *err)
{
    const vonk_plan *written, *plan;
    const vonk_type *type = &vonk_type_boolean;
    vonk_exprs values = {0};
    bool nullable = true;
    VONK_TRY(vonk__an_subplan(an, e, &written, err));
    vonk_scope inner = *scope;
    inner.lateral = NULL;
    VONK_TRY(vonk__an_exprs(an, scope, e->children, e->n_children, &values, err));
    an->depth++;
    VONK_TRY(vonk__an_plan(an, written, &inner, &plan, err));
    an->depth--;
    switch (e->sub_kind) {
    case VONK_SUB_SCALAR:
        if (plan->n_output != 1)
            return VONK_EXPR_FAIL(
                e, err, VONK_E_INVALID_SUBQUERY_EXPRESSION__SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN,
                "number", VONK_F("%u", plan->n_output));
        type = plan->output[0]->type;
        break;
    case VONK_SUB_EXISTS: nullable = false; break;
    case VONK_SUB_IN: VONK_TRY(coerce_in(an, e, &values, &plan, err)); break;
    case VONK_SUB_TABLE_ARG: /* of a function that is not Python's: by its type it may be refused */
        VONK_TRY(row_type(an, plan, &type, err));
        nullable = false;
        break;
    }
    vonk_expr *copy;
    VONK_TRY(vonk__an_copy(an, e, values.at, vonk_u32_of(values.n), &copy, err));
    VONK_TRY(vonk_expr_set_plan(copy, plan, err));
    VONK_TRY(vonk_expr_set_type(copy, type, err));
    copy->nullable = nullable;
    VONK_TRY(show_outer(an, scope, copy, err));
    return vonk__an_finish(an, copy, ret, err);
}

/* ---- WITH */

static vonk_status define(vonk_an *an, const vonk_plan *definition, const vonk_scope *outer, vonk_error *err)
{
    vonk_cte *cte;
    const vonk_plan *plan, *query = definition->children[0];
    an->depth++;
    VONK_TRY(vonk__an_plan(an, query, outer, &plan, err));
    an->depth--;
    if (definition->name.n_columns) {
        if (definition->name.n_columns != plan->n_output)
            return VONK_PLAN_FAIL(definition, err, VONK_E_ASSIGNMENT_ARITY_MISMATCH, "numExpr",
                                  VONK_F("%u", definition->name.n_columns), "numTarget", VONK_F("%u", plan->n_output));
        VONK_TRY(vonk__an_rename(an, plan, definition->name.columns, &plan, err));
    }
    VONK_TRY(VONK_ARENA_NEW(an->arena, &cte, err));
    *cte = (vonk_cte){.name = definition->name.parts[0], .plan = plan, .next = an->ctes};
    an->ctes = cte;
    return VONK_OK;
}

vonk_status vonk__an_with(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                          vonk_error *err)
{
    vonk_cte *before = an->ctes;
    if (p->number) return vonk__an_unsupported(p, "WITH RECURSIVE", err);
    for (uint32_t i = 0; i + 1 < p->n_children; i++) VONK_TRY(define(an, p->children[i], outer, err));
    VONK_TRY(vonk__an_plan(an, p->children[p->n_children - 1], outer, ret, err));
    an->ctes = before;
    return VONK_OK;
}

/* ---- Connect's WithRelations, spark.sql(text, args) */

vonk_status vonk__an_with_relations(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                    vonk_error *err)
{
    const vonk_plan *before = an->subplans;
    vonk_cte *ctes = an->ctes;
    an->subplans = p;
    for (uint32_t i = 1; i < p->n_children; i++) { /* views made by formatting: sql("... {df}", df = df) */
        const vonk_plan *named = p->children[i];
        if (named->kind != VONK_PN_SUBQUERY_ALIAS) continue;
        VONK_TRY(define(an, named, outer, err));
    }
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, ret, err));
    an->subplans = before;
    an->ctes = ctes;
    return VONK_OK;
}

vonk_status vonk__an_sql_text(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                              vonk_error *err)
{
    const vonk_plan *parsed;
    vonk_sql_args args = {0};
    if (p->n_lists > 0) args.positional = p->lists[0];
    if (p->n_lists > 1) args.named = p->lists[1];
    VONK_TRY(vonk_sql_parse(an->budget, an->conf, p->text.text, &args, &parsed, err));
    VONK_TRY(vonk__an_keep_plan(an, parsed, &parsed, err));
    an->depth++;
    VONK_TRY(vonk__an_plan(an, parsed, outer, ret, err));
    an->depth--;
    return VONK_OK;
}
