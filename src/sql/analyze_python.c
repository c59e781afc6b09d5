/* sql/analyze_python.c -- functions of Python: calls of them among expressions, and nodes that run one over rows. */
#include "sql/analyze.h"

/* Keywords of the arguments are kept beside them: NAMED_ARG is a way to write, not a value. */
static vonk_status arguments(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, vonk_exprs *ret,
                             vonk_str **ret_keywords, vonk_error *err)
{
    vonk_exprs given = {0};
    bool any = false;

    VONK_TRY(vonk__an_expand_stars(an, scope, e->children, e->n_children, &given, err));
    VONK_TRY(vonk_arena_array(an->arena, given.n + 1, sizeof **ret_keywords, ret_keywords, err));
    for (size_t i = 0; i < given.n; i++) {
        const vonk_expr *arg = given.at[i];
        if (arg->kind == VONK_EX_NAMED_ARG) {
            for (size_t k = 0; k < i; k++)
                if ((*ret_keywords)[k].len && vonk_str_eq((*ret_keywords)[k], arg->name))
                    return VONK_EXPR_FAIL(
                        e, err, VONK_E_DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT__DOUBLE_NAMED_ARGUMENT_REFERENCE,
                        "routineName", VONK_F("`%.*s`", VONK_STR_ARGS(e->python->name)), "parameterName",
                        VONK_F("`%.*s`", VONK_STR_ARGS(arg->name)));
            (*ret_keywords)[i] = arg->name;
            any = true;
            arg = arg->children[0];
        } else if (any) {
            return VONK_EXPR_FAIL(e, err, VONK_E_UNEXPECTED_POSITIONAL_ARGUMENT, "routineName",
                                  VONK_F("`%.*s`", VONK_STR_ARGS(e->python->name)), "parameterName",
                                  VONK_F("`%.*s`", VONK_STR_ARGS((*ret_keywords)[i - 1])));
        }
        VONK_TRY(vonk__an_expr(an, scope, arg, &arg, err));
        while (arg->kind == VONK_EX_ALIAS) arg = arg->children[0];
        VONK_TRY(VONK_AN_PUSH(an, ret, arg, err));
    }
    if (!any) *ret_keywords = NULL;
    return VONK_OK;
}

vonk_status vonk__an_python(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret,
                            vonk_error *err)
{
    vonk_exprs args = {0};
    vonk_str *keywords = NULL;
    vonk_expr *copy = NULL;

    if (e->python->role == VONK_PY_ROLE_TABLE)
        return VONK_EXPR_FAIL(e, err, VONK_E_NOT_A_SCALAR_FUNCTION, "functionName",
                              VONK_F("`%.*s`", VONK_STR_ARGS(e->python->name)));
    if (e->python->role != VONK_PY_ROLE_SCALAR && e->python->role != VONK_PY_ROLE_AGGREGATE)
        return VONK_EXPR_FAIL(e, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                              "a Python function that makes rows, in the place of a value");
    const bool aggregates = e->python->role == VONK_PY_ROLE_AGGREGATE && !scope->is_window;
    const vonk_plan *below = NULL;
    vonk_scope inner = *scope;
    inner.is_window = false;
    if (aggregates && scope->above && scope->above->aggregate) { /* HAVING: it joins those of the aggregation below */
        below = vonk__an_below_aggregate(scope->above->aggregate);
        inner.inputs = &below;
        inner.n_inputs = 1;
        inner.above = NULL;
    }
    VONK_TRY(arguments(an, &inner, e, &args, &keywords, err));
    for (size_t i = 0; aggregates && i < args.n; i++)
        if (vonk_expr_has_aggregate(args.at[i]))
            return VONK_EXPR_FAIL(args.at[i], err, VONK_E_NESTED_AGGREGATE_FUNCTION);
    VONK_TRY(vonk__an_copy(an, e, args.at, vonk_u32_of(args.n), &copy, err));
    if (keywords) VONK_TRY(vonk_expr_set_parts(copy, keywords, vonk_u32_of(args.n), err));
    copy->id = vonk_expr_new_id(); /* what profilers call it; says nothing about equality */
    VONK_TRY(vonk__an_finish(an, copy, ret, err));
    return below ? vonk__an_above_aggregate(an, scope->above, *ret, ret, err) : VONK_OK;
}

/* The rows that a function gives, as new columns. */
static vonk_status columns_of(vonk_an *an, const vonk_python_fn *fn, vonk_exprs *ret, vonk_error *err)
{
    if (!fn->returns || fn->returns->id != VONK_T_STRUCT)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a Python function that makes rows must say its columns");
    for (uint32_t i = 0; i < fn->returns->n_fields; i++) {
        const vonk_field *field = &fn->returns->fields[i];
        const vonk_expr *column = NULL;
        VONK_TRY(vonk__an_new_column(an, field->name, field->type, field->nullable, &column, err));
        VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
    }
    return VONK_OK;
}

vonk_status vonk__an_python_map(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                vonk_error *err)
{
    const vonk_expr *call = p->lists[0].at[0], *over = NULL;
    const vonk_plan *child = NULL;
    vonk_plan *copy = NULL;
    vonk_expr *e = NULL;
    vonk_exprs output = {0};

    if (call->python->role != VONK_PY_ROLE_PARTITIONS)
        return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                              "a Python function of this kind over partitions");
    VONK_TRY(vonk__an_plan(an, p->children[0], outer, &child, err));
    VONK_TRY(vonk__an_copy(an, call, child->output, child->n_output, &e, err));
    e->id = vonk_expr_new_id(); /* as above: profiles of two functions are two */
    VONK_TRY(vonk__an_finish(an, e, &over, err));
    VONK_TRY(columns_of(an, call->python, &output, err));
    VONK_TRY(vonk__an_copy_node(an, p, &child, 1, &copy, err));
    copy->plan_id = -1;
    VONK_TRY(vonk_plan_set_list(copy, 0, &over, 1, err));
    VONK_TRY(vonk_plan_set_output(copy, output.at, vonk_u32_of(output.n), err));
    return vonk__an_finish_node(an, copy, ret, err);
}

/* ---- groups */

/* Keys of `child` as columns: others than columns are computed in a node above it. */
static vonk_status key_columns(vonk_an *an, const vonk_plan *child, const vonk_expr_list *keys,
                               const vonk_plan **ret_child, vonk_exprs *ret, vonk_error *err)
{
    const vonk_scope scope = {.inputs = &child, .n_inputs = 1};
    vonk_exprs given = {0}, columns = {0};

    VONK_TRY(vonk__an_expand_stars(an, &scope, keys->at, keys->n, &given, err));
    for (uint32_t i = 0; i < child->n_output; i++) VONK_TRY(VONK_AN_PUSH(an, &columns, child->output[i], err));
    for (size_t i = 0; i < given.n; i++) {
        const vonk_expr *key = NULL, *column = NULL;
        VONK_TRY(vonk__an_expr(an, &scope, given.at[i], &key, err));
        VONK_TRY(vonk__an_named(an, key, &key, err));
        if (key->kind == VONK_EX_ALIAS && key->children[0]->kind == VONK_EX_COLUMN &&
            given.at[i]->kind != VONK_EX_ALIAS)
            key = key->children[0];
        column = key;
        if (key->kind == VONK_EX_ALIAS) {
            VONK_TRY(VONK_AN_PUSH(an, &columns, key, err));
            VONK_TRY(vonk__an_column_of(an, key, &column, err));
        }
        VONK_TRY(VONK_AN_PUSH(an, ret, column, err));
    }
    *ret_child = child;
    if (columns.n == child->n_output) return VONK_OK;
    return vonk__an_project(an, child, columns.at, vonk_u32_of(columns.n), ret_child, err);
}

static vonk_status groups_call(vonk_an *an, const vonk_expr *call, const vonk_plan *const *inputs, uint32_t n_inputs,
                               const vonk_expr **ret, vonk_error *err)
{
    vonk_exprs args = {0};
    vonk_expr *e = NULL;

    for (uint32_t i = 0; i < n_inputs; i++)
        for (uint32_t k = 0; k < inputs[i]->n_output; k++) VONK_TRY(VONK_AN_PUSH(an, &args, inputs[i]->output[k], err));
    VONK_TRY(vonk__an_copy(an, call, args.at, vonk_u32_of(args.n), &e, err));
    e->n_args = inputs[0]->n_output;
    e->id = vonk_expr_new_id();
    return vonk__an_finish(an, e, ret, err);
}

vonk_status vonk__an_python_groups(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret,
                                   vonk_error *err)
{
    const vonk_expr *call = p->lists[0].at[0], *over = NULL;
    const vonk_plan *inputs[2] = {0}, *children[2] = {0};
    vonk_exprs keys[2] = {{0}}, output = {0};
    vonk_plan *copy = NULL;

    assert(p->n_children == 1 || p->n_children == 2);
    if (call->python->role != (p->n_children == 1 ? VONK_PY_ROLE_GROUPS : VONK_PY_ROLE_COGROUPS))
        return VONK_EXPR_FAIL(call, err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                              "a Python function of this kind over groups");
    for (uint32_t i = 0; i < p->n_children; i++) {
        VONK_TRY(vonk__an_plan(an, p->children[i], outer, &inputs[i], err));
        if (i == 1) VONK_TRY(vonk__an_distinct_ids(an, inputs[0], inputs[1], &inputs[1], err));
        VONK_TRY(key_columns(an, inputs[i], &p->lists[1 + i], &children[i], &keys[i], err));
    }
    if (p->n_children == 2 && keys[0].n != keys[1].n)
        return VONK_FAIL(err, VONK_E_PYTHON_COGROUP_KEYS, "left", VONK_F("%zu", keys[0].n), "right",
                         VONK_F("%zu", keys[1].n));
    VONK_TRY(groups_call(an, call, inputs, p->n_children, &over, err));
    VONK_TRY(columns_of(an, call->python, &output, err));
    VONK_TRY(vonk__an_copy_node(an, p, children, p->n_children, &copy, err));
    copy->plan_id = -1;
    VONK_TRY(vonk_plan_set_list(copy, 0, &over, 1, err));
    for (uint32_t i = 0; i < p->n_children; i++)
        VONK_TRY(vonk_plan_set_list(copy, 1 + i, keys[i].at, vonk_u32_of(keys[i].n), err));
    VONK_TRY(vonk_plan_set_output(copy, output.at, vonk_u32_of(output.n), err));
    return vonk__an_finish_node(an, copy, ret, err);
}
