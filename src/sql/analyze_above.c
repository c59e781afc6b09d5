/* sql/analyze_above.c -- ORDER BY, HAVING and filters may use what the select list below them does not put out: columns
 * further down, aggregate functions, grouping expressions. They are noted while the expression is resolved, then
 * brought up through the plan, and dropped again above. */
#include "sql/analyze.h"

/* Nodes through which a column of the child can be brought up. */
static bool lets_through(const vonk_plan *p) { return p->kind == VONK_PN_PROJECT || vonk__an_keeps_columns(p); }

void vonk__an_above_init(vonk_above *above, const vonk_plan *plan)
{
    *above = (vonk_above){.plan = plan};
    const vonk_plan *p = plan;
    while (p->kind == VONK_PN_FILTER || p->kind == VONK_PN_SORT || p->kind == VONK_PN_WINDOW ||
           (p->kind == VONK_PN_PROJECT && (p->number == VONK_PROJECT_INTERNAL || p->number == VONK_PROJECT_OF_GROUPS)))
        p = p->children[0];
    if (p->kind == VONK_PN_AGGREGATE) above->aggregate = p;
    while (lets_through(p)) p = p->children[0]; /* window functions stand between a select list and its groups */
    if (p->kind == VONK_PN_AGGREGATE && p->children[0]->kind == VONK_PN_EXPAND) above->sets = p;
}

const vonk_plan *vonk__an_below_aggregate(const vonk_plan *aggregate)
{
    const vonk_plan *p = aggregate->children[0];
    return p->kind == VONK_PN_EXPAND ? p->children[0] : p;
}

bool vonk__an_is_wanted(const vonk_above *above, const vonk_expr *column)
{
    for (size_t i = 0; i < above->wanted.n; i++)
        if (above->wanted.at[i]->id == column->id) return true;
    return false;
}

static vonk_status want(vonk_an *an, vonk_above *above, const vonk_expr *column, vonk_error *err)
{
    if (vonk_plan_has_column(above->plan, column->id) || vonk__an_is_wanted(above, column)) return VONK_OK;
    return VONK_AN_PUSH(an, &above->wanted, column, err);
}

static const vonk_expr *base_column(const vonk_expr *e)
{
    while (e->kind != VONK_EX_COLUMN && e->n_children > 0) e = e->children[0];
    return e;
}

static vonk_status look_up(vonk_an *an, const vonk_plan *p, const vonk_expr *name, const vonk_expr **ret,
                           vonk_error *err)
{
    bool matched;
    if (name->plan_id >= 0) return vonk__an_by_plan_id(an, &p, 1, name, &matched, ret, err);
    return vonk__an_lookup(an, &p, 1, name, ret, err);
}

vonk_status vonk__an_above_name(vonk_an *an, vonk_above *above, const vonk_expr *name, const vonk_expr **ret,
                                vonk_error *err)
{
    *ret = NULL;
    for (const vonk_plan *p = above->plan; lets_through(p); p = p->children[0]) {
        VONK_TRY(look_up(an, p->children[0], name, ret, err));
        if (*ret) return want(an, above, base_column(*ret), err);
    }
    if (!above->aggregate) return VONK_OK;
    const vonk_plan *below = vonk__an_below_aggregate(above->aggregate);
    return look_up(an, below, name, ret, err); /* grouping expressions are looked for later */
}

/* ---- over an aggregate */

/* The aggregate's output column for an item of its list, or a new item. */
static vonk_status output_of(vonk_an *an, vonk_above *above, const vonk_plan *aggregate, const vonk_expr *value,
                             const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr_list *list = &aggregate->lists[1];
    const vonk_expr *hit = NULL;
    for (uint32_t i = 0; i < list->n && !hit; i++) {
        const vonk_expr *item = list->at[i], *inside = item->kind == VONK_EX_ALIAS ? item->children[0] : item;
        if (vonk_expr_equal(inside, value)) hit = item;
    }
    for (size_t i = 0; i < above->added.n && !hit; i++)
        if (vonk_expr_equal(above->added.at[i]->kind == VONK_EX_ALIAS ? above->added.at[i]->children[0]
                                                                      : above->added.at[i],
                            value))
            hit = above->added.at[i];
    if (!hit) {
        VONK_TRY(vonk__an_named(an, value, &hit, err));
        VONK_TRY(VONK_AN_PUSH(an, &above->added, hit, err));
    }
    VONK_TRY(vonk__an_column_of(an, hit, ret, err));
    return want(an, above, *ret, err);
}

vonk_status vonk__an_above_aggregate(vonk_an *an, vonk_above *above, const vonk_expr *function, const vonk_expr **ret,
                                     vonk_error *err)
{
    return output_of(an, above, above->aggregate, function, ret, err);
}

vonk_status vonk__an_above_grouping_id(vonk_an *an, vonk_above *above, const vonk_expr *id, const vonk_expr **ret,
                                       vonk_error *err)
{
    return output_of(an, above, above->sets, id, ret, err);
}

/* What a grouping column of EXPAND was before: the expression in a projection where it is not null. */
static const vonk_expr *before_expand(const vonk_plan *expand, const vonk_expr *key)
{
    for (uint32_t i = 0; i < expand->n_output; i++) {
        if (expand->output[i]->id != key->id) continue;
        for (uint32_t k = 0; k < expand->n_lists; k++)
            if (expand->lists[k].at[i]->kind != VONK_EX_LITERAL) return expand->lists[k].at[i];
    }
    return key;
}

vonk_status vonk__an_above_expr(vonk_an *an, vonk_above *above, const vonk_expr *e, const vonk_expr **ret,
                                vonk_error *err)
{
    *ret = e;
    if (!above->aggregate || e->kind == VONK_EX_LITERAL || e->kind == VONK_EX_SORT) return VONK_OK;
    const vonk_plan *child = above->aggregate->children[0];
    const vonk_expr_list *keys = &above->aggregate->lists[0];
    if (e->kind == VONK_EX_COLUMN && vonk_plan_has_column(above->plan, e->id)) return VONK_OK;
    for (uint32_t i = 0; i < keys->n; i++) {
        const vonk_expr *key = keys->at[i];
        const vonk_expr *written = child->kind == VONK_PN_EXPAND ? before_expand(child, key) : key;
        if (vonk_expr_same(written, e)) return output_of(an, above, above->aggregate, key, ret, err);
    }
    return VONK_OK;
}

vonk_status vonk__an_above_grouping(vonk_an *an, const vonk_above *above, vonk_grouping_sets *ret, bool *ret_found,
                                    vonk_error *err)
{
    *ret = (vonk_grouping_sets){0};
    *ret_found = above->sets != NULL;
    if (!*ret_found) return VONK_OK;
    const vonk_plan *expand = above->sets->children[0];
    const vonk_expr_list *keys = &above->sets->lists[0];
    for (uint32_t i = 0; i < keys->n && !ret->id; i++) {
        if (vonk_str_is(keys->at[i]->name, "spark_grouping_id")) {
            ret->id = keys->at[i];
            break;
        }
        const vonk_expr *written = before_expand(expand, keys->at[i]);
        VONK_TRY(VONK_AN_PUSH(an, &ret->keys, written, err));
        VONK_TRY(VONK_AN_PUSH(an, &ret->columns, keys->at[i], err));
    }
    return VONK_OK;
}

/* ---- bringing up */

static bool has_all(const vonk_plan *p, const vonk_exprs *wanted)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (!vonk_plan_has_column(p, wanted->at[i]->id)) return false;
    return true;
}

static vonk_status extend(vonk_an *an, const vonk_above *above, const vonk_plan *p, const vonk_plan **ret,
                          vonk_error *err);

static vonk_status extend_list(vonk_an *an, const vonk_plan *p, uint32_t list, const vonk_exprs *wanted,
                               const vonk_exprs *items, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs all = {0};
    vonk_plan *copy;
    for (uint32_t i = 0; i < p->lists[list].n; i++) VONK_TRY(VONK_AN_PUSH(an, &all, p->lists[list].at[i], err));
    for (size_t i = 0; i < wanted->n; i++) {
        if (vonk_plan_has_column(p, wanted->at[i]->id)) continue;
        const vonk_expr *item = items ? NULL : wanted->at[i];
        for (size_t k = 0; items && k < items->n; k++)
            if (items->at[k]->id == wanted->at[i]->id) item = items->at[k];
        if (item) VONK_TRY(VONK_AN_PUSH(an, &all, item, err));
    }
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    VONK_TRY(vonk_plan_set_list(copy, list, all.at, vonk_u32_of(all.n), err));
    return vonk__an_finish_node(an, copy, ret, err);
}

static vonk_status extend(vonk_an *an, const vonk_above *above, const vonk_plan *p, const vonk_plan **ret,
                          vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan *copy;
    *ret = p;
    if (has_all(p, &above->wanted)) return VONK_OK;
    if (p == above->aggregate || p == above->sets)
        return extend_list(an, p, 1, &above->wanted, &above->added, p->children[0], ret, err);
    if (!lets_through(p)) return VONK_OK; /* what is missing was reported as unknown before */
    VONK_TRY(extend(an, above, p->children[0], &child, err));
    if (p->kind == VONK_PN_PROJECT) return extend_list(an, p, 0, &above->wanted, NULL, child, ret, err);
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    return vonk__an_finish_node(an, copy, ret, err);
}

vonk_status vonk__an_above_plan(vonk_an *an, vonk_above *above, const vonk_plan **ret, vonk_error *err)
{
    return extend(an, above, above->plan, ret, err);
}

vonk_status vonk__an_drop_extra(vonk_an *an, const vonk_plan *child, const vonk_plan *like, const vonk_plan **ret,
                                vonk_error *err)
{
    vonk_plan *p;
    *ret = child;
    if (child->n_output == like->n_output) return VONK_OK;
    VONK_TRY(vonk__an_node(an, VONK_PN_PROJECT, &child, 1, &p, err));
    VONK_TRY(vonk_plan_set_list(p, 0, like->output, like->n_output, err));
    p->number = VONK_PROJECT_INTERNAL;
    return vonk__an_finish_node(an, p, ret, err);
}

/* ---- what is left over */

typedef struct leftover {
    const vonk_above *above;
    const vonk_expr *column;
} leftover;

static vonk_walk find_leftover(const vonk_expr *e, void *arg)
{
    leftover *l = arg;
    if (e->kind != VONK_EX_COLUMN || vonk_expr_has(e, VONK_EXF_OUTER)) return VONK_WALK_ON;
    if (vonk_plan_has_column(l->above->plan, e->id) || vonk__an_is_wanted(l->above, e)) return VONK_WALK_ON;
    l->column = e;
    return VONK_WALK_STOP;
}

typedef struct name_search {
    const vonk_an *an;
    vonk_str name;
    const vonk_expr *found;
} name_search;

static vonk_walk find_name(const vonk_expr *e, void *arg)
{
    name_search *s = arg;
    if (e->kind != VONK_EX_NAME || !vonk_str_eq_nocase(e->parts[e->n_parts - 1], s->name)) return VONK_WALK_ON;
    s->found = e;
    return VONK_WALK_STOP;
}

vonk_status vonk__an_check_above(vonk_an *an, const vonk_above *above, const vonk_expr *e, const vonk_expr *written,
                                 vonk_error *err)
{
    leftover l = {above, NULL};
    if (!above->aggregate) return VONK_OK;
    vonk_expr_walk(e, find_leftover, &l);
    if (!l.column) return VONK_OK;
    name_search s = {an, l.column->name, NULL};
    vonk_expr_walk(written, find_name, &s);
    if (s.found) return vonk__an_unknown_column(an, &above->plan, 1, s.found, err);
    const char *sql;
    VONK_TRY(vonk__an_quoted_sql(an, l.column, &sql, err));
    return VONK_FAIL(err, VONK_E_MISSING_AGGREGATION, "expression", sql, "expressionAnyValue",
                     VONK_F("\"any_value(%.*s)\"", (int)strlen(sql) - 2, sql + 1));
}
