/* sql/analyze.c -- unresolved plan to resolved plan: entry, dispatch over nodes, what was found out before (memo),
 * ownership. */
#include "sql/analyze.h"

#include "base/hash.h"

enum { MOST_NESTED = 200 }; /* subqueries in subqueries, views, WITH */

static void an_done(vonk_an *an)
{
    for (size_t i = 0; i < an->exprs.n; i++) vonk_expr_unref(an->exprs.at[i]);
    for (size_t i = 0; i < an->plans.n; i++) vonk_plan_unref(an->plans.at[i]);
    vonk_arena_free(an->arena);
}
VONK_DEFINE_AUTO_DONE(vonk_an, an_done)

static vonk_status an_init(vonk_an *an, const vonk_analyzer *api, vonk_error *err)
{
    *an = (vonk_an){.api = api, .budget = api->budget, .conf = api->conf};
    an->ansi = api->env->ansi;
    an->case_sensitive = api->env->case_sensitive;
    an->memo_key = vonk_catalog_version(api->catalog);
    return vonk_arena_new(an->budget, &an->arena, err);
}

vonk_status vonk_analyze(const vonk_analyzer *analyzer, const vonk_plan *unresolved, const vonk_plan **ret,
                         vonk_error *err)
{
    VONK_AUTO(an_done) vonk_an an = {0};
    const vonk_plan *plan;
    vonk_status st = an_init(&an, analyzer, err);
    if (st != VONK_OK) {
        an.arena = NULL;
        return st;
    }
    VONK_TRY(vonk__an_plan(&an, unresolved, NULL, &plan, err));
    *ret = vonk_plan_ref(plan);
    return VONK_OK;
}

vonk_status vonk_analyze_expr(const vonk_analyzer *analyzer, const vonk_expr *unresolved, const vonk_plan *input,
                              const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(an_done) vonk_an an = {0};
    const vonk_expr *e;
    vonk_status st = an_init(&an, analyzer, err);
    if (st != VONK_OK) {
        an.arena = NULL;
        return st;
    }
    vonk_scope scope = {.inputs = &input, .n_inputs = 1};
    VONK_TRY(vonk__an_expr(&an, &scope, unresolved, &e, err));
    *ret = vonk_expr_ref(e);
    return VONK_OK;
}

/* ---- keeping */

vonk_status vonk__an_keep(vonk_an *an, const vonk_expr *take_e, const vonk_expr **ret, vonk_error *err)
{
    vonk_status st = VONK_AN_PUSH(an, &an->exprs, take_e, err);
    if (st != VONK_OK) vonk_expr_unref(take_e);
    *ret = take_e;
    return st;
}

vonk_status vonk__an_keep_plan(vonk_an *an, const vonk_plan *take_plan, const vonk_plan **ret, vonk_error *err)
{
    vonk_status st = VONK_AN_PUSH(an, &an->plans, take_plan, err);
    if (st != VONK_OK) vonk_plan_unref(take_plan);
    *ret = take_plan;
    return st;
}

vonk_status vonk__an_new(vonk_an *an, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n,
                         vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *kept;
    VONK_TRY(vonk_expr_new(an->budget, kind, children, n, ret, err));
    return vonk__an_keep(an, *ret, &kept, err);
}

vonk_status vonk__an_copy(vonk_an *an, const vonk_expr *e, const vonk_expr *const *children, uint32_t n,
                          vonk_expr **ret, vonk_error *err)
{
    const vonk_expr *kept;
    VONK_TRY(vonk_expr_copy(an->budget, e, children, n, ret, err));
    return vonk__an_keep(an, *ret, &kept, err);
}

vonk_status vonk__an_finish(vonk_an *an, vonk_expr *e, const vonk_expr **ret, vonk_error *err)
{
    (void)an;
    vonk_expr_ref(e); /* the analysis has one reference, vonk_expr_finish takes the other on failure */
    VONK_TRY(vonk_expr_finish(e, ret, err));
    vonk_expr_unref(*ret);
    return VONK_OK;
}

vonk_status vonk__an_node(vonk_an *an, vonk_node_kind kind, const vonk_plan *const *children, uint32_t n,
                          vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *kept;
    VONK_TRY(vonk_plan_new(an->budget, kind, children, n, ret, err));
    return vonk__an_keep_plan(an, *ret, &kept, err);
}

vonk_status vonk__an_copy_node(vonk_an *an, const vonk_plan *p, const vonk_plan *const *children, uint32_t n,
                               vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *kept;
    VONK_TRY(vonk_plan_copy(an->budget, p, children, n, ret, err));
    return vonk__an_keep_plan(an, *ret, &kept, err);
}

vonk_status vonk__an_finish_node(vonk_an *an, vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    (void)an;
    p->analyzed = true;
    VONK_TRY(vonk__an_inherit_hidden(p, err));
    vonk_plan_ref(p);
    VONK_TRY(vonk_plan_finish(p, ret, err));
    vonk_plan_unref(*ret);
    return VONK_OK;
}

/* ---- errors */

void vonk__an_add_context(const vonk_plan *p, vonk_error *err)
{
    vonk_query_context context;
    if (vonk_error_n_contexts(err) == 0 && vonk_origin_context(&p->origin, &context))
        vonk_error_add_context(err, &context);
}

/* ---- nodes */

/* Nodes that only need their children resolved. */
static vonk_status with_resolved_children(vonk_an *an, const vonk_plan *p, const vonk_scope *outer,
                                          const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children;
    vonk_plan *copy;
    VONK_TRY(vonk_arena_array(an->arena, p->n_children, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) VONK_TRY(vonk__an_plan(an, p->children[i], outer, &children[i], err));
    VONK_TRY(vonk__an_copy_node(an, p, children, p->n_children, &copy, err));
    copy->plan_id = -1;
    return vonk__an_finish_node(an, copy, ret, err);
}

static vonk_status leaf(vonk_an *an, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    *ret = p;
    if (p->kind != VONK_PN_RANGE || p->n_output > 0) return VONK_OK;
    const vonk_expr *id;
    vonk_plan *copy;
    VONK_TRY(vonk__an_new_column(an, VONK_STR("id"), &vonk_type_long, false, &id, err));
    VONK_TRY(vonk__an_copy_node(an, p, NULL, 0, &copy, err));
    VONK_TRY(vonk_plan_set_output(copy, &id, 1, err));
    copy->plan_id = -1;
    return vonk__an_finish_node(an, copy, ret, err);
}

static const vonk_an_step steps[VONK_N_NODE] = {
    [VONK_PN_TABLE] = vonk__an_table,
    [VONK_PN_READ] = vonk__an_read,
    [VONK_PN_VALUES] = vonk__an_values,
    [VONK_PN_TABLE_CALL] = vonk__an_table_call,
    [VONK_PN_SQL_TEXT] = vonk__an_sql_text,
    [VONK_PN_WITH] = vonk__an_with,
    [VONK_PN_WITH_RELATIONS] = vonk__an_with_relations,
    [VONK_PN_WITH_COLUMNS] = vonk__an_with_columns,
    [VONK_PN_RENAME_COLUMNS] = vonk__an_rename_columns,
    [VONK_PN_DROP_COLUMNS] = vonk__an_drop_columns,
    [VONK_PN_DEDUPLICATE] = vonk__an_deduplicate,
    [VONK_PN_TO_DF] = vonk__an_to_df,
    [VONK_PN_TO_SCHEMA] = vonk__an_to_schema,
    [VONK_PN_UNPIVOT] = vonk__an_unpivot,
    [VONK_PN_PIVOT] = vonk__an_pivot,
    [VONK_PN_TRANSPOSE] = vonk__an_transpose,
    [VONK_PN_NA_FILL] = vonk__an_na_fill,
    [VONK_PN_NA_DROP] = vonk__an_na_drop,
    [VONK_PN_NA_REPLACE] = vonk__an_na_replace,
    [VONK_PN_STAT] = vonk__an_stat,
    [VONK_PN_SHOW_STRING] = vonk__an_show_string,
    [VONK_PN_HINT] = vonk__an_hint,
    [VONK_PN_COLLECT_METRICS] = vonk__an_metrics,
    [VONK_PN_SUBQUERY_ALIAS] = vonk__an_subquery_alias,
    [VONK_PN_VIEW] = with_resolved_children,
    [VONK_PN_PROJECT] = vonk__an_select,
    [VONK_PN_FILTER] = vonk__an_filter_node,
    [VONK_PN_AGGREGATE] = vonk__an_group,
    [VONK_PN_SORT] = vonk__an_sort_node,
    [VONK_PN_LIMIT] = vonk__an_limit_node,
    [VONK_PN_OFFSET] = vonk__an_limit_node,
    [VONK_PN_TAIL] = vonk__an_limit_node,
    [VONK_PN_DISTINCT] = vonk__an_distinct_node,
    [VONK_PN_SAMPLE] = vonk__an_sample,
    [VONK_PN_REPARTITION] = vonk__an_repartition,
    [VONK_PN_GENERATE] = vonk__an_generate_node,
    [VONK_PN_EXPAND] = vonk__an_expand,
    [VONK_PN_JOIN] = vonk__an_join_node,
    [VONK_PN_SET_OP] = vonk__an_set_op,
    [VONK_PN_PYTHON_MAP] = vonk__an_python_map,
    [VONK_PN_PYTHON_GROUPS] = vonk__an_python_groups,
    [VONK_PN_REMATERIALIZE] = with_resolved_children,
};

static vonk_status dispatch(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    if (steps[p->kind]) return steps[p->kind](an, p, outer, ret, err);
    if (vonk_node_phase_of(p->kind) == VONK_PHASE_COMMAND) return vonk__an_command(an, p, outer, ret, err);
    if (p->n_children == 0 && vonk_node_phase_of(p->kind) == VONK_PHASE_LOGICAL) return leaf(an, p, ret, err);
    return vonk__an_unsupported(p, vonk_node_name(p->kind), err);
}

/* The resolved node answers to Connect's plan id of the unresolved one. */
static vonk_status with_plan_id(vonk_an *an, const vonk_plan *p, const vonk_plan *plan, const vonk_plan **ret,
                                vonk_error *err)
{
    *ret = plan;
    if (p->plan_id < 0 || plan->plan_id == p->plan_id) return VONK_OK;
    if (plan->plan_id < 0 && plan->analyzed) {
        ((vonk_plan *)plan)->plan_id = p->plan_id; /* made by this analysis, not handed on yet */
        return VONK_OK;
    }
    VONK_TRY(vonk__an_project(an, plan, plan->output, plan->n_output, ret, err));
    ((vonk_plan *)*ret)->plan_id = p->plan_id;
    return VONK_OK;
}

vonk_status vonk__an_plan(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                          vonk_error *err)
{
    const vonk_plan *plan;
    if (p->analyzed) {
        *ret = p;
        return VONK_OK;
    }
    /* What names mean in here depends on the text around it when there are outer queries, WITH or parameters. */
    bool alone = !outer && !an->ctes && !an->subplans && !an->parameters;
    const vonk_plan *known = alone ? vonk_plan_memo_get(p, an->memo_key, an->conf) : NULL;
    if (known) return vonk__an_keep_plan(an, known, ret, err);
    if (an->depth > MOST_NESTED) return VONK_FAIL(err, VONK_E_FAILED_TO_PARSE_TOO_COMPLEX);
    VONK_TRY(dispatch(an, p, outer, &plan, err));
    VONK_TRY(with_plan_id(an, p, plan, ret, err));
    if (alone && *ret != p) vonk_plan_memo_put(p, an->memo_key, vonk_conf_ref(an->conf), vonk_conf_unref, *ret);
    return VONK_OK;
}
