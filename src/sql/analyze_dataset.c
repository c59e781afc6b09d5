/* sql/analyze_dataset.c -- the DataFrame-only nodes: children and expressions are resolved here, the rewrite to core
 * nodes is dataset.c's, and its result is resolved in turn. */
#include "sql/analyze.h"
#include "sql/dataset.h"

/* NULL: a frame's column that is not there any more. Other names that drop() cannot find stay names. */
static vonk_status dropped_column(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret,
                                  vonk_error *err)
{
    bool matched = false;
    *ret = NULL;
    if (name->plan_id >= 0) VONK_TRY(vonk__an_by_plan_id(an, scope->inputs, scope->n_inputs, name, &matched, ret, err));
    if (matched) return VONK_OK;
    vonk_status st = vonk__an_expr(an, scope, name, ret, err);
    if (st == VONK_OK || st == VONK_E_AMBIGUOUS_REFERENCE || name->plan_id >= 0) return st;
    *ret = name;
    return vonk_error_forgive(err, err);
}

/* The proposal is all that there is. */
static vonk_status no_column(vonk_an *an, const vonk_plan *child, vonk_str quoted_name, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0};
    vonk_str quoted;

    vonk_buf_init(&all, an->budget, SIZE_MAX);
    for (uint32_t i = 0; i < child->n_output; i++) {
        VONK_TRY(vonk__an_quote_written(an, child->output[i]->name, &quoted, err));
        VONK_TRY(vonk_buf_printf(&all, err, "%s%.*s", i ? ", " : "", VONK_STR_ARGS(quoted)));
    }
    return VONK_FAIL(err, VONK_E_UNRESOLVED_COLUMN__WITH_SUGGESTION, "objectName", VONK_S(quoted_name), "proposal",
                     VONK_S(vonk_buf_str(&all)));
}

/* Columns that Spark asks the frame for, by name, before it makes a plan. */
static vonk_status column_of_frame(vonk_an *an, const vonk_plan *child, const vonk_expr *name, const vonk_expr **ret,
                                   vonk_error *err)
{
    vonk_str quoted;

    VONK_TRY(vonk__an_lookup(an, &child, 1, name, ret, err));
    if (*ret) return VONK_OK;
    VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
    return no_column(an, child, quoted, err);
}

/* The columns of na.fill, na.drop and na.replace. */
static vonk_status na_column(vonk_an *an, const vonk_plan *p, const vonk_plan *child, const vonk_expr *name,
                             const vonk_expr **ret, vonk_error *err)
{
    const bool wants_columns = p->kind == VONK_PN_NA_REPLACE || (p->kind == VONK_PN_NA_FILL && p->lists[1].n > 1);
    vonk_str quoted;

    VONK_TRY(column_of_frame(an, child, name, ret, err));
    assert(*ret);
    if (!wants_columns || (*ret)->kind == VONK_EX_COLUMN) return VONK_OK;
    VONK_TRY(vonk__an_quote_parts(an, name->parts, name->n_parts, &quoted, err));
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__REPLACE_NESTED_COLUMN, "colName", quoted.data);
}

static bool is_na(const vonk_plan *p)
{
    return p->kind == VONK_PN_NA_FILL || p->kind == VONK_PN_NA_DROP || p->kind == VONK_PN_NA_REPLACE;
}

/* a.b is called b in PIVOT, and what has no name in UNPIVOT is called as a select list would. */
static vonk_status named_item(vonk_an *an, const vonk_plan *p, const vonk_expr *written, const vonk_expr **inout,
                              vonk_error *err)
{
    const vonk_expr *e = *inout;
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};

    if (e->kind == VONK_EX_COLUMN || e->kind == VONK_EX_ALIAS) return VONK_OK;
    if (p->kind == VONK_PN_PIVOT && written->kind == VONK_EX_NAME)
        return vonk__an_alias(an, e, written->parts[written->n_parts - 1], inout, err);
    if (p->kind != VONK_PN_UNPIVOT || e->name.len > 0 || p->name.n_parts > 2) return VONK_OK;
    vonk_buf_init(&name, an->budget, SIZE_MAX);
    VONK_TRY(vonk_expr_output_name(e, &name, err));
    return vonk__an_alias(an, e, vonk_buf_str(&name), inout, err);
}

/* *ret NULL: left out. */
static vonk_status resolve_item(vonk_an *an, const vonk_plan *p, uint32_t list, const vonk_scope *scope,
                                const vonk_expr *written, const vonk_expr **ret, vonk_error *err)
{
    const vonk_plan *child = scope->inputs[0];

    *ret = written->kind == VONK_EX_STAR ? NULL : written;
    if (p->kind == VONK_PN_DROP_COLUMNS && written->kind == VONK_EX_NAME)
        return dropped_column(an, scope, written, ret, err);
    if (p->kind == VONK_PN_DROP_COLUMNS && written->kind == VONK_EX_STAR) return VONK_OK;
    if (p->kind == VONK_PN_WITH_COLUMNS) /* the projection that this becomes sees to them */
        return vonk__an_refuse_stars(written->children, written->n_children, "expression `alias`", err);
    if (is_na(p) && list == 0) return na_column(an, p, child, written, ret, err);
    if (p->kind == VONK_PN_STAT && (vonk_str_is(p->stat.kind, "corr") || vonk_str_is(p->stat.kind, "cov")))
        return column_of_frame(an, child, written, ret, err);
    VONK_TRY(vonk__an_expr(an, scope, written, ret, err));
    return named_item(an, p, written, ret, err);
}

/* Items of these lists may be aggregates (PIVOT). */
static vonk_status resolve_lists(vonk_an *an, const vonk_plan *p, const vonk_plan *child, const vonk_scope *outer,
                                 vonk_plan *copy, vonk_error *err)
{
    const vonk_scope scope = {.inputs = &child, .n_inputs = 1, .outer = outer};

    for (uint32_t l = 0; l < p->n_lists; l++) {
        vonk_exprs list = {0}, given = {0};
        if (p->kind == VONK_PN_UNPIVOT)
            VONK_TRY(vonk__an_expand_stars(an, &scope, p->lists[l].at, p->lists[l].n, &given, err));
        const vonk_expr *const *items = p->kind == VONK_PN_UNPIVOT ? given.at : p->lists[l].at;
        for (uint32_t i = 0; i < (p->kind == VONK_PN_UNPIVOT ? given.n : p->lists[l].n); i++) {
            const vonk_expr *e = NULL;
            VONK_TRY(resolve_item(an, p, l, &scope, items[i], &e, err));
            if (e) VONK_TRY(VONK_AN_PUSH(an, &list, e, err));
        }
        VONK_TRY(vonk_plan_set_list(copy, l, list.at, (uint32_t)list.n, err));
    }
    return VONK_OK;
}

/* All but dropDuplicates() report an unknown column by another condition. */
static vonk_status unknown_name(vonk_an *an, const vonk_plan *child, vonk_error *err)
{
    const char *key = NULL, *value = "";
    vonk_str name, quoted;

    for (size_t i = 0; i < vonk_error_n_params(err); i++) {
        vonk_error_param(err, i, &key, &value);
        if (strcmp(key, "colName") == 0) break;
    }
    VONK_TRY(vonk_arena_str(an->arena, vonk_str_of(value), &name, err));
    vonk_error_reset(err);
    VONK_TRY(vonk__an_quote_written(an, name, &quoted, err));
    return no_column(an, child, quoted, err);
}

/* The aggregate, made by this analysis and not handed on yet, has the child's columns: first() of a group that has rows
 * is NULL only where a row is. */
static void deduplicates(const vonk_plan *child, vonk_plan *aggregate)
{
    aggregate->number = VONK_AGGREGATE_DEDUPLICATES;
    for (uint32_t i = 0; i < aggregate->n_output; i++)
        ((vonk_expr *)aggregate->output[i])->nullable = child->output[i]->nullable;
}

static vonk_status rewrite(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                           vonk_error *err)
{
    const vonk_plan *child, *ready, *core;
    vonk_plan *copy;

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    VONK_TRY(resolve_lists(an, p, child, outer, copy, err));
    copy->plan_id = -1;
    vonk_plan_ref(copy); /* the analysis keeps its own reference */
    VONK_TRY(vonk_plan_finish(copy, &ready, err));
    vonk_plan_unref(ready);
    vonk_status st = vonk__sql_dataset(an->api, ready, &core, err);
    if (st == VONK_E_UNRESOLVED_COLUMN_AMONG_FIELD_NAMES && p->kind != VONK_PN_DEDUPLICATE)
        st = unknown_name(an, child, err);
    const bool has_place = p->kind != VONK_PN_PIVOT && p->kind != VONK_PN_UNPIVOT;
    if (st != VONK_OK) return has_place ? vonk__an_at(p, st, err) : st;
    VONK_TRY(vonk__an_keep_plan(an, core, &core, err));
    VONK_TRY(vonk__an_plan(an, core, outer, ret, err));
    if (p->kind == VONK_PN_DEDUPLICATE && (*ret)->kind == VONK_PN_AGGREGATE) deduplicates(child, (vonk_plan *)*ret);
    return VONK_OK;
}

/* EXPAND as a rewrite makes it: its output is set, its expressions may hold calls. */
vonk_status vonk__an_expand(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan *copy;

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    VONK_TRY(resolve_lists(an, p, child, outer, copy, err));
    copy->plan_id = -1;
    return vonk__an_finish_node(an, copy, ret, err);
}

static bool can_order(const vonk_type *t, int depth)
{
    if (t->id == VONK_T_MAP || t->id == VONK_T_VARIANT || t->id == VONK_T_INTERVAL_CALENDAR || depth > 64) return false;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (!can_order(t->fields[i].type, depth + 1)) return false;
    return true;
}

/* randomSplit() draws from each partition in the order of its rows' values, so that its parts do not overlap. */
static vonk_status ordered_partitions(vonk_an *an, const vonk_plan *child, const vonk_plan **ret, vonk_error *err)
{
    vonk_exprs orders = {0};
    vonk_plan *sort;

    *ret = child;
    for (uint32_t i = 0; i < child->n_output; i++) {
        const vonk_expr *order;
        if (!can_order(child->output[i]->type, 0)) continue;
        VONK_TRY(vonk_ex_sort(an->budget, child->output[i], false, false, &order, err));
        VONK_TRY(vonk__an_keep(an, order, &order, err));
        VONK_TRY(VONK_AN_PUSH(an, &orders, order, err));
    }
    if (orders.n == 0) return VONK_OK;
    VONK_TRY(vonk__an_node(an, VONK_PN_SORT, &child, 1, &sort, err));
    sort->number = 0; /* within partitions */
    VONK_TRY(vonk_plan_set_list(sort, 0, orders.at, (uint32_t)orders.n, err));
    return vonk__an_finish_node(an, sort, ret, err);
}

vonk_status vonk__an_sample(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                            vonk_error *err)
{
    const vonk_plan *child;
    vonk_plan *copy;

    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    if (p->sample.deterministic_order) VONK_TRY(ordered_partitions(an, child, &child, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    copy->plan_id = -1;
    return vonk__an_finish_node(an, copy, ret, err);
}

#define DATASET_NODE(name)                                                                                             \
    vonk_status vonk__an_##name(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,       \
                                vonk_error *err)                                                                       \
    {                                                                                                                  \
        return rewrite(an, p, outer, ret, err);                                                                        \
    }
DATASET_NODE(with_columns)
DATASET_NODE(rename_columns)
DATASET_NODE(drop_columns)
DATASET_NODE(deduplicate)
DATASET_NODE(to_df)
DATASET_NODE(to_schema)
DATASET_NODE(unpivot)
DATASET_NODE(pivot)
DATASET_NODE(na_fill)
DATASET_NODE(na_drop)
DATASET_NODE(na_replace)
DATASET_NODE(transpose)
DATASET_NODE(stat)
