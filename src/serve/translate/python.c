/* serve/translate/python.c -- functions that the client wrote in Python: as expressions, and as relations over rows. */
#include "serve/translate/translate_int.h"

vonk_status vonk_translate_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_python_fn **ret,
                                    vonk_error *err)
{
    const vonk_pb_msg *udf = vonk_pb_get_msg(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_PYTHON_UDF);
    vonk_python_fn as = {0};

    switch (vonk_pb_which(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_FUNCTION_ONEOF)) {
    case PB_COMMON_INLINE_USER_DEFINED_FUNCTION_PYTHON_UDF: break;
    case 0: return vonk_translate_invalid("a user-defined function without a body", err);
    case PB_COMMON_INLINE_USER_DEFINED_FUNCTION_JAVA_UDF:
        return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1329, "className",
                         VONK_S(vonk_pb_str(vonk_pb_get_msg(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_JAVA_UDF),
                                            PB_JAVA_UDF_CLASS_NAME)));
    default: return vonk_translate_unsupported("user-defined functions of Scala", err);
    }
    as.name = vonk_pb_str(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_FUNCTION_NAME);
    as.deterministic = vonk_pb_bool(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_DETERMINISTIC);
    as.eval = (vonk_py_eval)vonk_pb_i32(udf, PB_PYTHON_UDF_EVAL_TYPE);
    as.command = vonk_pb_str(udf, PB_PYTHON_UDF_COMMAND);
    as.python_version = vonk_pb_str(udf, PB_PYTHON_UDF_PYTHON_VER);
    VONK_TRY(vonk__tr_strs(t, udf, PB_PYTHON_UDF_ADDITIONAL_INCLUDES, &as.includes, &as.n_includes, err));
    VONK_TRY(vonk_translate_type(t, vonk_pb_get_msg(udf, PB_PYTHON_UDF_OUTPUT_TYPE), &as.returns, err));
    VONK_TRY(vonk__tr_keep_type(t, as.returns, err));
    if (t->complete) VONK_TRY(t->complete(t->door, &as, err));
    return vonk_python_fn_new(&as, ret, err);
}

/* A call of it over `args`; none where the node says what it runs over. */
static vonk_status call_of(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr *const *args, uint32_t n,
                           const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    vonk_expr *e = NULL;

    if (!m) return vonk_translate_invalid("a relation of a function without the function", err);
    VONK_TRY(vonk_translate_function(t, m, &fn, err));
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_PYTHON, args, n, &e, err));
    vonk_expr_set_python(e, fn);
    if (vonk_pb_bool(m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_IS_DISTINCT)) e->flags |= VONK_EXF_DISTINCT;
    return vonk_expr_finish(e, ret, err);
}

vonk_status vonk__translate_python(vonk_translator *t, const vonk_pb_msg *m, const vonk_expr **ret, vonk_error *err)
{
    const vonk_expr **args = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk__tr_exprs(t, m, PB_COMMON_INLINE_USER_DEFINED_FUNCTION_ARGUMENTS, &args, &n, err));
    return call_of(t, m, args, n, ret, err);
}

vonk_status vonk__translate_map_partitions(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret,
                                           vonk_error *err)
{
    const vonk_plan *input = NULL;
    const vonk_expr *call = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_MAP_PARTITIONS_INPUT), &input, err));
    VONK_TRY(call_of(t, vonk_pb_get_msg(m, PB_MAP_PARTITIONS_FUNC), NULL, 0, &call, err));
    VONK_TRY(vonk__tr_keep_expr(t, call, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_PYTHON_MAP, input, &node, err));
    node->number = vonk_pb_bool(m, PB_MAP_PARTITIONS_IS_BARRIER);
    return vonk__tr_done(vonk_plan_set_list(node, 0, &call, 1, err), node, ret, err);
}

/* PYTHON_GROUPS over one or two inputs, each with its keys. */
typedef struct grouped {
    const vonk_plan *inputs[2];
    const vonk_expr **keys[2];
    uint32_t n_keys[2], n;
} grouped;

static vonk_status add_input(vonk_translator *t, const vonk_pb_msg *m, int input, int keys, grouped *g, vonk_error *err)
{
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, input), &g->inputs[g->n], err));
    VONK_TRY(vonk__tr_exprs(t, m, keys, &g->keys[g->n], &g->n_keys[g->n], err));
    g->n++;
    return VONK_OK;
}

static vonk_status groups_node(vonk_translator *t, const grouped *g, const vonk_pb_msg *function, const vonk_plan **ret,
                               vonk_error *err)
{
    const vonk_expr *call = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(call_of(t, function, NULL, 0, &call, err));
    VONK_TRY(vonk__tr_keep_expr(t, call, err));
    VONK_TRY(vonk_plan_new(t->budget, VONK_PN_PYTHON_GROUPS, g->inputs, g->n, &node, err));
    vonk_status status = vonk_plan_set_list(node, 0, &call, 1, err);
    for (uint32_t i = 0; i < g->n && status == VONK_OK; i++)
        status = vonk_plan_set_list(node, 1 + i, g->keys[i], g->n_keys[i], err);
    return vonk__tr_done(status, node, ret, err);
}

vonk_status vonk__translate_map_groups(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    grouped g = {0};

    if (vonk_pb_has(m, PB_GROUP_MAP_TRANSFORM_WITH_STATE_INFO))
        return vonk_translate_unsupported("transformWithState", err);
    VONK_TRY(add_input(t, m, PB_GROUP_MAP_INPUT, PB_GROUP_MAP_GROUPING_EXPRESSIONS, &g, err));
    return groups_node(t, &g, vonk_pb_get_msg(m, PB_GROUP_MAP_FUNC), ret, err);
}

vonk_status vonk__translate_map_cogroups(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret,
                                         vonk_error *err)
{
    grouped g = {0};

    VONK_TRY(add_input(t, m, PB_CO_GROUP_MAP_INPUT, PB_CO_GROUP_MAP_INPUT_GROUPING_EXPRESSIONS, &g, err));
    VONK_TRY(add_input(t, m, PB_CO_GROUP_MAP_OTHER, PB_CO_GROUP_MAP_OTHER_GROUPING_EXPRESSIONS, &g, err));
    return groups_node(t, &g, vonk_pb_get_msg(m, PB_CO_GROUP_MAP_FUNC), ret, err);
}

/* ---- table functions */
vonk_status vonk_translate_table_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_python_fn **ret,
                                          vonk_error *err)
{
    const vonk_pb_msg *udtf = vonk_pb_get_msg(m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_PYTHON_UDTF);
    vonk_python_fn as = {0};

    if (!udtf) return vonk_translate_invalid("a table function without a body", err);
    as.name = vonk_pb_str(m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_FUNCTION_NAME);
    as.deterministic = vonk_pb_bool(m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_DETERMINISTIC);
    as.eval = (vonk_py_eval)vonk_pb_i32(udtf, PB_PYTHON_UDTF_EVAL_TYPE);
    as.command = vonk_pb_str(udtf, PB_PYTHON_UDTF_COMMAND);
    as.python_version = vonk_pb_str(udtf, PB_PYTHON_UDTF_PYTHON_VER);
    if (vonk_pb_has(udtf, PB_PYTHON_UDTF_RETURN_TYPE)) {
        VONK_TRY(vonk_translate_type(t, vonk_pb_get_msg(udtf, PB_PYTHON_UDTF_RETURN_TYPE), &as.returns, err));
        VONK_TRY(vonk__tr_keep_type(t, as.returns, err));
        if (as.returns->id != VONK_T_STRUCT)
            return vonk_translate_invalid("a table function whose rows are no structs", err);
    }
    if (t->complete) VONK_TRY(t->complete(t->door, &as, err));
    return vonk_python_fn_new(&as, ret, err);
}

vonk_status vonk__translate_table_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret,
                                           vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    const vonk_expr **args = NULL, *call = NULL;
    vonk_expr *e = NULL;
    vonk_plan *node = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk_translate_table_function(t, m, &fn, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION_ARGUMENTS, &args, &n, err));
    VONK_TRY(vonk_expr_new(t->budget, VONK_EX_PYTHON, NULL, 0, &e, err));
    vonk_expr_set_python(e, fn);
    VONK_TRY(vonk_expr_finish(e, &call, err));
    VONK_TRY(vonk__tr_keep_expr(t, call, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_TABLE_CALL, NULL, &node, err));
    node->name.n_parts = 1;
    vonk_status status = vonk_plan_strs(node, &fn->name, 1, &node->name.parts, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, args, n, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, &call, 1, err);
    return vonk__tr_done(status, node, ret, err);
}
