/* sql/analyze_set_op.c -- UNION, INTERSECT, EXCEPT; nodes that pass rows on: DISTINCT, LIMIT, REPARTITION, hints, metrics; SQL text inside a DataFrame program. */
#include "sql/analyze.h"

#include "func/coerce.h"
#include "plan/program.h"

/* ---- set operations */
static const char *set_name(const vonk_plan *p)
{
    return p->set.kind == VONK_SET_UNION ? "UNION" : p->set.kind == VONK_SET_INTERSECT ? (p->set.all ? "INTERSECT ALL" : "INTERSECT") : p->set.all ? "EXCEPT ALL" : "EXCEPT";
}

static const char *ordinal(uint32_t i)
{
    static const char *const words[] = {"first", "second", "third", "fourth", "fifth"};
    return i < VONK_COUNTOF(words) ? words[i] : "later";
}

/* A column of `plan` by name, case folded unless the session says otherwise; NULL: none. */
static const vonk_expr *by_name(const vonk_an *an, const vonk_plan *plan, vonk_str name)
{
    for (uint32_t i = 0; i < plan->n_output; i++)
        if (vonk__an_name_eq(an, plan->output[i]->name, name)) return plan->output[i];
    return NULL;
}

/* The right side in the order of the left's names; allow_missing: null where it has none. */
static vonk_status reordered(vonk_an *an, const vonk_plan *p, const vonk_plan *left, const vonk_plan *right, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs items = {0};

    for (uint32_t i = 0; i < left->n_output; i++) {
        const vonk_expr *e = by_name(an, right, left->output[i]->name);
        if (!e && !p->set.allow_missing) {
            const char *quoted = VONK_F("`%.*s`", VONK_STR_ARGS(left->output[i]->name));
            return VONK_PLAN_FAIL(p, err, VONK_E_UNRESOLVED_COLUMN_AMONG_FIELD_NAMES, "colName", VONK_S(left->output[i]->name), "fieldNames", quoted);
        }
        if (!e) {
            VONK_TRY(vonk__an_null(an, left->output[i]->type, &e, err));
            VONK_TRY(vonk__an_alias(an, e, left->output[i]->name, &e, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, &items, e, err));
    }
    for (uint32_t i = 0; i < right->n_output && p->set.allow_missing; i++)
        if (!by_name(an, left, right->output[i]->name)) VONK_TRY(VONK_AN_PUSH(an, &items, right->output[i], err));
    return vonk__an_project(an, right, items.at, (uint32_t)items.n, ret, err);
}

/* Columns that only the right side has, as nulls behind the left's. */
static vonk_status completed(vonk_an *an, const vonk_plan *left, const vonk_plan *right, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs items = {0};
    bool       changed = false;

    for (uint32_t i = 0; i < left->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &items, left->output[i], err));
    for (uint32_t i = 0; i < right->n_output; i++) {
        const vonk_expr *e;
        if (by_name(an, left, right->output[i]->name)) continue;
        VONK_TRY(vonk__an_null(an, right->output[i]->type, &e, err));
        VONK_TRY(vonk__an_alias(an, e, right->output[i]->name, &e, err));
        VONK_TRY(VONK_AN_PUSH(an, &items, e, err));
        changed = true;
    }
    *ret = left;
    return changed ? vonk__an_project(an, left, items.at, (uint32_t)items.n, ret, err) : VONK_OK;
}

/* Every input cast to the common types, position by position. */
static vonk_status widened(vonk_an *an, const vonk_plan *p, const vonk_plan **children, uint32_t n, vonk_error *err)
{
    const uint32_t    n_columns = children[0]->n_output;
    const vonk_type **types, **column;

    VONK_TRY(vonk_arena_array(an->arena, n_columns + 1, sizeof(*types), &types, err));
    VONK_TRY(vonk_arena_array(an->arena, n, sizeof(*column), &column, err));
    for (uint32_t c = 0; c < n_columns; c++) {
        for (uint32_t i = 0; i < n; i++) column[i] = children[i]->output[c]->type;
        VONK_TRY(vonk__an_common_type(an, column, n, &types[c], err));
        if (types[c]) continue;
        return VONK_PLAN_FAIL(p, err, VONK_E_INCOMPATIBLE_COLUMN_TYPE, "operator", set_name(p), "columnOrdinalNumber", ordinal(c), "tableOrdinalNumber", ordinal(1), "dataType1",
                              VONK_TYPE_SQL(column[1]), "dataType2", VONK_TYPE_SQL(column[0]), "hint", "");
    }
    for (uint32_t i = 0; i < n; i++) {
        vonk_exprs items = {0};
        bool       changed = false;
        for (uint32_t c = 0; c < n_columns; c++) {
            const vonk_expr *e = children[i]->output[c], *cast;
            VONK_TRY(vonk__an_cast(an, e, types[c], &cast, err));
            if (cast != e) VONK_TRY(vonk__an_alias(an, cast, e->name, &cast, err));
            changed = changed || cast != e;
            VONK_TRY(VONK_AN_PUSH(an, &items, cast, err));
        }
        if (changed) VONK_TRY(vonk__an_project(an, children[i], items.at, n_columns, &children[i], err));
    }
    return VONK_OK;
}

static bool share_ids(const vonk_plan *a, const vonk_plan *b)
{
    for (uint32_t i = 0; i < a->n_output; i++)
        if (vonk__an_has_column(b, a->output[i]->id)) return true;
    return false;
}

vonk_status vonk__an_set_op(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children;
    vonk_plan        *copy;

    VONK_TRY(vonk_arena_array(an->arena, p->n_children, sizeof(*children), &children, err));
    for (uint32_t i = 0; i < p->n_children; i++) {
        VONK_TRY(vonk__an_plan(an, p->children[i], outer, &children[i], err));
        for (uint32_t k = 0; k < i; k++)
            if (share_ids(children[i], children[k])) {
                const vonk_plan *fresh;
                VONK_TRY(vonk_plan_fresh_ids(an->budget, children[i], &fresh, err));
                VONK_TRY(vonk__an_keep_plan(an, fresh, &children[i], err));
                break;
            }
    }
    for (uint32_t i = 1; i < p->n_children && p->set.by_name; i++) {
        VONK_TRY(reordered(an, p, children[0], children[i], &children[i], err));
        if (p->set.allow_missing) VONK_TRY(completed(an, children[0], children[i], &children[0], err));
    }
    for (uint32_t i = 1; i < p->n_children; i++)
        if (children[i]->n_output != children[0]->n_output)
            return VONK_PLAN_FAIL(p, err, VONK_E_NUM_COLUMNS_MISMATCH, "operator", set_name(p), "firstNumColumns", VONK_F("%u", children[0]->n_output), "invalidOrdinalNum", ordinal(i),
                                  "invalidNumColumns", VONK_F("%u", children[i]->n_output));
    VONK_TRY(widened(an, p, children, p->n_children, err));
    VONK_TRY(vonk__an_copy_node(an, p, children, p->n_children, &copy, err));
    copy->set.by_name = false;
    copy->plan_id = -1;
    return vonk__an_finish_node(an, copy, ret, err);
}

/* ---- over one input */
static vonk_status over_child(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret_child, vonk_plan **ret, vonk_error *err)
{
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, ret_child, err));
    VONK_TRY(vonk__an_copy_node(an, p, ret_child, 1, ret, err));
    (*ret)->plan_id = -1;
    return VONK_OK;
}

vonk_status vonk__an_distinct_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan       *copy;

    VONK_TRY(over_child(an, p, outer, &child, &copy, err));
    return vonk__an_finish_node(an, copy, ret, err);
}

static const char *limit_name(vonk_node_kind kind) { return kind == VONK_PN_LIMIT ? "limit" : kind == VONK_PN_OFFSET ? "offset" : "tail"; }

/* The count: constant, an integer, not null, not negative. */
vonk_status vonk__an_limit_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    const vonk_scope                          nothing = {0};
    const vonk_plan                          *child;
    const vonk_expr                          *count;
    const char                               *name = limit_name(p->kind), *text;
    vonk_plan                                *copy;

    VONK_TRY(over_child(an, p, outer, &child, &copy, err));
    VONK_TRY(vonk__an_expr(an, &nothing, p->lists[0].at[0], &count, err));
    VONK_TRY(vonk__an_quoted_sql(an, count, &text, err));
    if (!vonk_expr_is_foldable(count)) return VONK_EXPR_FAIL(count, err, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_UNFOLDABLE, "name", name, "expr", text);
    if (!vonk_type_is_integral(count->type)) return VONK_EXPR_FAIL(count, err, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__DATA_TYPE, "name", name, "expr", text, "dataType", VONK_TYPE_SQL(count->type));
    VONK_TRY(vonk_program_fold(an->budget, an->api->env, count, &value, err));
    if (vonk_column_is_null(value, 0)) return VONK_EXPR_FAIL(count, err, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_NULL, "name", name, "expr", text);
    if (vonk_column_i64(value, 0) < 0)
        return VONK_EXPR_FAIL(count, err, VONK_E_INVALID_LIMIT_LIKE_EXPRESSION__IS_NEGATIVE, "name", name, "expr", text, "v", VONK_F("%lld", (long long)vonk_column_i64(value, 0)));
    VONK_TRY(vonk_plan_set_list(copy, 0, &count, 1, err));
    return vonk__an_finish_node(an, copy, ret, err);
}

static vonk_status with_lists(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan       *copy;

    VONK_TRY(over_child(an, p, outer, &child, &copy, err));
    const vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};
    for (uint32_t l = 0; l < p->n_lists; l++) {
        vonk_exprs list = {0};
        VONK_TRY(vonk__an_exprs(an, &scope, p->lists[l].at, p->lists[l].n, &list, err));
        for (size_t i = 0; i < list.n && p->kind == VONK_PN_COLLECT_METRICS; i++) VONK_TRY(vonk__an_named(an, list.at[i], &list.at[i], err));
        VONK_TRY(vonk_plan_set_list(copy, l, list.at, (uint32_t)list.n, err));
    }
    return vonk__an_finish_node(an, copy, ret, err);
}

vonk_status vonk__an_repartition(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err) { return with_lists(an, p, outer, ret, err); }
vonk_status vonk__an_metrics(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err) { return with_lists(an, p, outer, ret, err); }

/* COALESCE(n), REPARTITION(n, columns) act; join hints are advice that the optimizer does not need: all others are passed over, as Spark does with a warning. */
vonk_status vonk__an_hint(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    return vonk__an_plan(an, p->children[0], outer, ret, err);
}

/* ---- text and subquery plans inside a DataFrame program */
vonk_status vonk__an_sql_text(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *parsed;
    vonk_exprs       arguments = {0};
    vonk_expr       *holder;
    const vonk_expr *given = NULL, *before = an->parameters;

    VONK_TRY(vonk_sql_parse(an->budget, an->conf, p->text.text, &parsed, err));
    VONK_TRY(vonk__an_keep_plan(an, parsed, &parsed, err));
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++) VONK_TRY(VONK_AN_PUSH(an, &arguments, p->lists[l].at[i], err));
    if (arguments.n > 0) {
        VONK_TRY(vonk__an_new(an, VONK_EX_CALL, arguments.at, (uint32_t)arguments.n, &holder, err));
        holder->n_args = (uint32_t)arguments.n;
        VONK_TRY(vonk__an_finish(an, holder, &given, err));
    }
    an->parameters = given;
    const vonk_status st = vonk__an_plan(an, parsed, outer, ret, err);
    an->parameters = before;
    return st;
}

vonk_status vonk__an_with_relations(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *before = an->subplans;

    an->subplans = p;
    const vonk_status st = vonk__an_plan(an, p->children[0], outer, ret, err);
    an->subplans = before;
    return st;
}
