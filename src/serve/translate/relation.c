/* serve/translate/relation.c -- Relation messages to unresolved plans: the relational core. What only the DataFrame API
 * has is in dataset.c. */
#include "serve/translate/translate_int.h"

/* ---- pieces */
vonk_status vonk__tr_plan(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    VONK_TRY(vonk_translate_relation(t, m, ret, err));
    return vonk__tr_keep_plan(t, *ret, err);
}

vonk_status vonk__tr_node(vonk_translator *t, vonk_node_kind kind, const vonk_plan *child, vonk_plan **ret,
                          vonk_error *err)
{
    return vonk_plan_new(t->budget, kind, &child, child ? 1 : 0, ret, err);
}

vonk_status vonk__tr_done(vonk_status so_far, vonk_plan *take_node, const vonk_plan **ret, vonk_error *err)
{
    if (so_far == VONK_OK) return vonk_plan_finish(take_node, ret, err);
    vonk_plan_unref(take_node);
    return so_far;
}

/* A node over m's `input` with one list. */
static vonk_status with_list(vonk_translator *t, const vonk_pb_msg *m, int input, vonk_node_kind kind,
                             const vonk_expr *const *list, uint32_t n, int64_t number, const vonk_plan **ret,
                             vonk_error *err)
{
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;

    if (input) VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, input), &child, err));
    VONK_TRY(vonk__tr_node(t, kind, child, &node, err));
    node->number = number;
    return vonk__tr_done(vonk_plan_set_list(node, 0, list, n, err), node, ret, err);
}

/* ---- leaves */
static vonk_status options_of(vonk_translator *t, const vonk_pb_msg *m, int field, int key, int value, vonk_plan *node,
                              const vonk_option **ret, uint32_t *ret_n, vonk_error *err)
{
    vonk_option *options = NULL;

    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof *options, &options, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        const vonk_pb_msg *entry = vonk_pb_msg_at(m, field, i);
        options[i] = (vonk_option){vonk_pb_str(entry, key), vonk_pb_str(entry, value)};
    }
    return vonk_plan_options(node, options, *ret_n, ret, err);
}

static vonk_status named_table(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_str *parts = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_session_parse_name(t->session, t->arena, vonk_pb_str(m, PB_READ_NAMED_TABLE_UNPARSED_IDENTIFIER),
                                     &parts, &n, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_TABLE, NULL, &node, err));
    node->name.n_parts = n;
    vonk_status status = vonk_plan_strs(node, parts, n, &node->name.parts, err);
    if (status == VONK_OK)
        status =
            options_of(t, m, PB_READ_NAMED_TABLE_OPTIONS, PB_READ_NAMED_TABLE_OPTIONS_ENTRY_KEY,
                       PB_READ_NAMED_TABLE_OPTIONS_ENTRY_VALUE, node, &node->name.options, &node->name.n_options, err);
    return vonk__tr_done(status, node, ret, err);
}

static vonk_status fill_read(vonk_translator *t, const vonk_pb_msg *m, vonk_plan *node, vonk_error *err)
{
    const vonk_str *paths = NULL;
    const vonk_str schema = vonk_pb_str(m, PB_READ_DATA_SOURCE_SCHEMA);

    VONK_TRY(vonk_plan_str(node, vonk_pb_str(m, PB_READ_DATA_SOURCE_FORMAT), &node->read.format, err));
    VONK_TRY(vonk__tr_strs(t, m, PB_READ_DATA_SOURCE_PATHS, &paths, &node->read.n_paths, err));
    VONK_TRY(vonk_plan_strs(node, paths, node->read.n_paths, &node->read.paths, err));
    VONK_TRY(options_of(t, m, PB_READ_DATA_SOURCE_OPTIONS, PB_READ_DATA_SOURCE_OPTIONS_ENTRY_KEY,
                        PB_READ_DATA_SOURCE_OPTIONS_ENTRY_VALUE, node, &node->read.options, &node->read.n_options,
                        err));
    if (schema.len == 0) return VONK_OK;
    const vonk_type *type = NULL;
    VONK_TRY(schema.data[0] == '{' ? vonk_type_parse_json(schema, &type, err)
                                   : vonk_type_parse_ddl(schema, &type, err));
    VONK_TRY(vonk__tr_keep_type(t, type, err));
    return vonk_plan_hold_type(node, type, &node->read.schema, err);
}

static vonk_status read(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    if (vonk_pb_bool(m, PB_READ_IS_STREAMING)) return vonk_translate_unsupported("streaming reads", err);
    switch (vonk_pb_which(m, PB_READ_READ_TYPE_ONEOF)) {
    case PB_READ_NAMED_TABLE: return named_table(t, vonk_pb_get_msg(m, PB_READ_NAMED_TABLE), ret, err);
    case PB_READ_DATA_SOURCE:
        VONK_TRY(vonk__tr_node(t, VONK_PN_READ, NULL, &node, err));
        return vonk__tr_done(fill_read(t, vonk_pb_get_msg(m, PB_READ_DATA_SOURCE), node, err), node, ret, err);
    default: return vonk_translate_invalid("a read without a kind", err);
    }
}

static vonk_status range(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;

    if (vonk_pb_i64(m, PB_RANGE_STEP) == 0)
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement", "the step of a range is not 0");
    if (vonk_pb_has(m, PB_RANGE_NUM_PARTITIONS) && vonk_pb_i32(m, PB_RANGE_NUM_PARTITIONS) <= 0)
        return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement", "a range has at least one partition");
    VONK_TRY(vonk__tr_node(t, VONK_PN_RANGE, NULL, &node, err));
    node->range = (vonk_range_info){.start = vonk_pb_i64(m, PB_RANGE_START),
                                    .end = vonk_pb_i64(m, PB_RANGE_END),
                                    .step = vonk_pb_i64(m, PB_RANGE_STEP),
                                    .n_partitions = vonk_pb_i32(m, PB_RANGE_NUM_PARTITIONS)};
    vonk_expr *id = NULL;
    const vonk_expr *column = NULL;
    vonk_status status = vonk_expr_new(t->budget, VONK_EX_COLUMN, NULL, 0, &id, err);
    if (status == VONK_OK) {
        id->id = vonk_expr_new_id();
        status = vonk_expr_set_name(id, VONK_STR("id"), err);
        if (status == VONK_OK) status = vonk_expr_set_type(id, &vonk_type_long, err);
        if (status == VONK_OK)
            status = vonk_expr_finish(id, &column, err);
        else
            vonk_expr_unref(id);
    }
    if (status == VONK_OK) status = vonk_plan_set_output(node, &column, 1, err);
    vonk_expr_unref(column);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- SQL text with arguments: literals (old clients) or expressions, by position or by name */
static vonk_status named_args(vonk_translator *t, const vonk_pb_msg *m, int field, int key, int value, bool literal,
                              const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err)
{
    *ret_n = vonk_u32_of(vonk_pb_n(m, field));
    VONK_TRY(vonk_arena_array(t->arena, *ret_n + 1, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < *ret_n; i++) {
        const vonk_pb_msg *entry = vonk_pb_msg_at(m, field, i);
        const vonk_expr *child = NULL;
        vonk_expr *e = NULL;
        if (literal) {
            VONK_TRY(vonk__translate_literal(t, vonk_pb_get_msg(entry, value), &child, err));
            VONK_TRY(vonk__tr_keep_expr(t, child, err));
        } else {
            VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(entry, value), &child, err));
        }
        VONK_TRY(vonk_expr_new(t->budget, VONK_EX_NAMED_ARG, &child, 1, &e, err));
        vonk_status status = vonk_expr_set_name(e, vonk_pb_str(entry, key), err);
        if (status != VONK_OK) {
            vonk_expr_unref(e);
            return status;
        }
        VONK_TRY(vonk_expr_finish(e, &(*ret)[i], err));
        VONK_TRY(vonk__tr_keep_expr(t, (*ret)[i], err));
    }
    return VONK_OK;
}

typedef struct sql_fields { /* SQL and SqlCommand have the same fields under other numbers */
    int text, args, args_key, args_value, pos_args, named, named_key, named_value, positional;
} sql_fields;

static vonk_status sql_text(vonk_translator *t, const vonk_pb_msg *m, const sql_fields *f, const vonk_plan **ret,
                            vonk_error *err)
{
    const vonk_expr **positional = NULL, **named = NULL;
    uint32_t n_positional = 0, n_named = 0;
    vonk_plan *node = NULL;

    if (vonk_pb_n(m, f->positional) > 0)
        VONK_TRY(vonk__tr_exprs(t, m, f->positional, &positional, &n_positional, err));
    else
        VONK_TRY(vonk__tr_literals(t, m, f->pos_args, &positional, &n_positional, err));
    if (vonk_pb_n(m, f->named) > 0)
        VONK_TRY(named_args(t, m, f->named, f->named_key, f->named_value, false, &named, &n_named, err));
    else
        VONK_TRY(named_args(t, m, f->args, f->args_key, f->args_value, true, &named, &n_named, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_SQL_TEXT, NULL, &node, err));
    vonk_status status = vonk_plan_str(node, vonk_pb_str(m, f->text), &node->text.text, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, positional, n_positional, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, named, n_named, err);
    return vonk__tr_done(status, node, ret, err);
}

static vonk_status sql_relation(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    static const sql_fields fields = {PB_SQL_QUERY,
                                      PB_SQL_ARGS,
                                      PB_SQL_ARGS_ENTRY_KEY,
                                      PB_SQL_ARGS_ENTRY_VALUE,
                                      PB_SQL_POS_ARGS,
                                      PB_SQL_NAMED_ARGUMENTS,
                                      PB_SQL_NAMED_ARGUMENTS_ENTRY_KEY,
                                      PB_SQL_NAMED_ARGUMENTS_ENTRY_VALUE,
                                      PB_SQL_POS_ARGUMENTS};

    return sql_text(t, m, &fields, ret, err);
}

vonk_status vonk__translate_sql(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    static const sql_fields fields = {PB_SQL_COMMAND_SQL,
                                      PB_SQL_COMMAND_ARGS,
                                      PB_SQL_COMMAND_ARGS_ENTRY_KEY,
                                      PB_SQL_COMMAND_ARGS_ENTRY_VALUE,
                                      PB_SQL_COMMAND_POS_ARGS,
                                      PB_SQL_COMMAND_NAMED_ARGUMENTS,
                                      PB_SQL_COMMAND_NAMED_ARGUMENTS_ENTRY_KEY,
                                      PB_SQL_COMMAND_NAMED_ARGUMENTS_ENTRY_VALUE,
                                      PB_SQL_COMMAND_POS_ARGUMENTS};

    if (vonk_pb_has(m, PB_SQL_COMMAND_INPUT))
        return vonk_translate_relation(t, vonk_pb_get_msg(m, PB_SQL_COMMAND_INPUT), ret, err);
    return sql_text(t, m, &fields, ret, err);
}

/* ---- one input */
static vonk_status project(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **list = NULL;
    const vonk_plan *child = NULL;
    vonk_plan *node = NULL;
    uint32_t n = 0;

    VONK_TRY(vonk__tr_exprs(t, m, PB_PROJECT_EXPRESSIONS, &list, &n, err));
    if (vonk_pb_has(m, PB_PROJECT_INPUT))
        return with_list(t, m, PB_PROJECT_INPUT, VONK_PN_PROJECT, list, n, 0, ret, err);
    VONK_TRY(vonk__tr_node(t, VONK_PN_ONE_ROW, NULL, &node, err));
    VONK_TRY(vonk_plan_finish(node, &child, err));
    VONK_TRY(vonk__tr_keep_plan(t, child, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_PROJECT, child, &node, err));
    return vonk__tr_done(vonk_plan_set_list(node, 0, list, n, err), node, ret, err);
}

static vonk_status filter(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr *condition = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_FILTER_CONDITION), &condition, err));
    return with_list(t, m, PB_FILTER_INPUT, VONK_PN_FILTER, &condition, 1, 0, ret, err);
}

static vonk_status sort(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr **orders = NULL;
    uint32_t n = 0;
    const bool global = !vonk_pb_has(m, PB_SORT_IS_GLOBAL) || vonk_pb_bool(m, PB_SORT_IS_GLOBAL);

    VONK_TRY(vonk__tr_sort_orders(t, m, PB_SORT_ORDER, &orders, &n, err));
    return with_list(t, m, PB_SORT_INPUT, VONK_PN_SORT, orders, n, global ? 1 : 0, ret, err);
}

static vonk_status counted(vonk_translator *t, const vonk_pb_msg *m, int input, int count, vonk_node_kind kind,
                           const vonk_plan **ret, vonk_error *err)
{
    const vonk_expr *n = NULL;

    VONK_TRY(vonk_ex_int(t->budget, vonk_pb_i32(m, count), &vonk_type_int, &n, err));
    VONK_TRY(vonk__tr_keep_expr(t, n, err));
    return with_list(t, m, input, kind, &n, 1, 0, ret, err);
}

static vonk_status subquery_alias(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_str *qualifier = NULL;
    vonk_str *parts = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_SUBQUERY_ALIAS_INPUT), &child, err));
    VONK_TRY(vonk__tr_strs(t, m, PB_SUBQUERY_ALIAS_QUALIFIER, &qualifier, &n, err));
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *parts, &parts, err));
    for (uint32_t i = 0; i < n; i++) parts[i] = qualifier[i];
    parts[n] = vonk_pb_str(m, PB_SUBQUERY_ALIAS_ALIAS);
    VONK_TRY(vonk__tr_node(t, VONK_PN_SUBQUERY_ALIAS, child, &node, err));
    node->name.n_parts = n + 1;
    return vonk__tr_done(vonk_plan_strs(node, parts, n + 1, &node->name.parts, err), node, ret, err);
}

static vonk_status hint(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_expr **parameters = NULL;
    const vonk_str name = vonk_pb_str(m, PB_HINT_NAME);
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_HINT_INPUT), &child, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_HINT_PARAMETERS, &parameters, &n, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_HINT, child, &node, err));
    node->name.n_parts = 1;
    vonk_status status = vonk_plan_strs(node, &name, 1, &node->name.parts, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 0, parameters, n, err);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- AGGREGATE */
static vonk_status pivot(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan *child, const vonk_expr *const *keys,
                         uint32_t n_keys, const vonk_expr *const *outputs, uint32_t n_outputs, const vonk_plan **ret,
                         vonk_error *err)
{
    const vonk_expr *column = NULL, **values = NULL;
    uint32_t n = 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, PB_AGGREGATE_PIVOT_COL), &column, err));
    VONK_TRY(vonk__tr_literals(t, m, PB_AGGREGATE_PIVOT_VALUES, &values, &n, err));
    VONK_TRY(vonk__tr_node(t, VONK_PN_PIVOT, child, &node, err));
    vonk_status status = vonk_plan_set_list(node, 0, keys, n_keys, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, outputs, n_outputs, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 2, &column, 1, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 3, values, n, err);
    return vonk__tr_done(status, node, ret, err);
}

static vonk_status grouping_sets(vonk_translator *t, const vonk_pb_msg *m, vonk_plan *node, vonk_error *err)
{
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_AGGREGATE_GROUPING_SETS));
    vonk_expr_list *sets = NULL;

    VONK_TRY(vonk_arena_array(node->arena, n + 1, sizeof *sets, &sets, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr **exprs = NULL;
        uint32_t n_exprs = 0;
        VONK_TRY(vonk__tr_exprs(t, vonk_pb_msg_at(m, PB_AGGREGATE_GROUPING_SETS, i),
                                PB_AGGREGATE_GROUPING_SETS_GROUPING_SET, &exprs, &n_exprs, err));
        VONK_TRY(vonk_plan_hold_exprs(node, exprs, n_exprs, &sets[i], err));
    }
    node->group.sets = sets;
    node->group.n_sets = n;
    return VONK_OK;
}

static vonk_group_kind group_kind(int type)
{
    return type == PB_E_AGGREGATE_GROUP_TYPE_ROLLUP          ? VONK_GROUP_ROLLUP
           : type == PB_E_AGGREGATE_GROUP_TYPE_CUBE          ? VONK_GROUP_CUBE
           : type == PB_E_AGGREGATE_GROUP_TYPE_GROUPING_SETS ? VONK_GROUP_SETS
                                                             : VONK_GROUP_BY;
}

/* Connect's aggregate puts its grouping expressions in front of the result. */
static vonk_status aggregate(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *child = NULL;
    const vonk_expr **keys = NULL, **aggs = NULL, **outputs = NULL;
    uint32_t n_keys = 0, n_aggs = 0;
    vonk_plan *node = NULL;
    const int type = vonk_pb_i32(m, PB_AGGREGATE_GROUP_TYPE);

    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_AGGREGATE_INPUT), &child, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_AGGREGATE_GROUPING_EXPRESSIONS, &keys, &n_keys, err));
    VONK_TRY(vonk__tr_exprs(t, m, PB_AGGREGATE_AGGREGATE_EXPRESSIONS, &aggs, &n_aggs, err));
    if (type == PB_E_AGGREGATE_GROUP_TYPE_PIVOT)
        return pivot(t, vonk_pb_get_msg(m, PB_AGGREGATE_PIVOT), child, keys, n_keys, aggs, n_aggs, ret, err);
    VONK_TRY(vonk_arena_array(t->arena, n_keys + n_aggs + 1, sizeof *outputs, &outputs, err));
    for (uint32_t i = 0; i < n_keys; i++) outputs[i] = keys[i];
    for (uint32_t i = 0; i < n_aggs; i++) outputs[n_keys + i] = aggs[i];
    VONK_TRY(vonk__tr_node(t, VONK_PN_AGGREGATE, child, &node, err));
    node->group.kind = group_kind(type);
    vonk_status status = vonk_plan_set_list(node, 0, keys, n_keys, err);
    if (status == VONK_OK) status = vonk_plan_set_list(node, 1, outputs, n_keys + n_aggs, err);
    if (status == VONK_OK && type == PB_E_AGGREGATE_GROUP_TYPE_GROUPING_SETS) status = grouping_sets(t, m, node, err);
    return vonk__tr_done(status, node, ret, err);
}

/* ---- two inputs */
static vonk_status join_type(int type, vonk_join_type *ret, vonk_error *err)
{
    switch (type) {
    case PB_E_JOIN_JOIN_TYPE_INNER: *ret = VONK_JOIN_INNER; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_FULL_OUTER: *ret = VONK_JOIN_FULL; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_LEFT_OUTER: *ret = VONK_JOIN_LEFT; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_RIGHT_OUTER: *ret = VONK_JOIN_RIGHT; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_LEFT_ANTI: *ret = VONK_JOIN_ANTI; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_LEFT_SEMI: *ret = VONK_JOIN_SEMI; return VONK_OK;
    case PB_E_JOIN_JOIN_TYPE_CROSS: *ret = VONK_JOIN_CROSS; return VONK_OK;
    default: return vonk_translate_invalid("a join's type", err);
    }
}

typedef struct join_fields {
    int left, right, condition, type, using_columns; /* using_columns 0: none */
} join_fields;

static vonk_status join(vonk_translator *t, const vonk_pb_msg *m, const join_fields *f, bool lateral,
                        const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *sides[2] = {NULL, NULL};
    const vonk_expr *condition = NULL;
    const vonk_str *using_columns = NULL;
    uint32_t n_using = 0;
    vonk_join_type type = VONK_JOIN_INNER;
    vonk_plan *node = NULL;

    VONK_TRY(join_type(vonk_pb_i32(m, f->type), &type, err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, f->left), &sides[0], err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, f->right), &sides[1], err));
    if (vonk_pb_has(m, f->condition)) VONK_TRY(vonk__tr_expr(t, vonk_pb_get_msg(m, f->condition), &condition, err));
    if (f->using_columns) VONK_TRY(vonk__tr_strs(t, m, f->using_columns, &using_columns, &n_using, err));
    VONK_TRY(vonk_plan_new(t->budget, VONK_PN_JOIN, sides, 2, &node, err));
    node->join.type = type;
    node->join.lateral = lateral;
    node->join.n_using = n_using;
    vonk_status status = vonk_plan_set_list(node, 0, &condition, condition ? 1 : 0, err);
    if (status == VONK_OK) status = vonk_plan_strs(node, using_columns, n_using, &node->join.using_columns, err);
    return vonk__tr_done(status, node, ret, err);
}

static vonk_status set_operation(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *sides[2] = {NULL, NULL};
    const int type = vonk_pb_i32(m, PB_SET_OPERATION_SET_OP_TYPE);
    vonk_plan *node = NULL;

    if (type == PB_E_SET_OPERATION_SET_OP_TYPE_UNSPECIFIED)
        return vonk_translate_invalid("a set operation's type", err);
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_SET_OPERATION_LEFT_INPUT), &sides[0], err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_SET_OPERATION_RIGHT_INPUT), &sides[1], err));
    VONK_TRY(vonk_plan_new(t->budget, VONK_PN_SET_OP, sides, 2, &node, err));
    node->set = (vonk_set_info){.kind = type == PB_E_SET_OPERATION_SET_OP_TYPE_UNION       ? VONK_SET_UNION
                                        : type == PB_E_SET_OPERATION_SET_OP_TYPE_INTERSECT ? VONK_SET_INTERSECT
                                                                                           : VONK_SET_EXCEPT,
                                .all = vonk_pb_bool(m, PB_SET_OPERATION_IS_ALL),
                                .by_name = vonk_pb_bool(m, PB_SET_OPERATION_BY_NAME),
                                .allow_missing = vonk_pb_bool(m, PB_SET_OPERATION_ALLOW_MISSING_COLUMNS)};
    return vonk_plan_finish(node, ret, err);
}

/* The body, then the plans that its subqueries name by id. */
static vonk_status with_relations(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const uint32_t n = vonk_u32_of(vonk_pb_n(m, PB_WITH_RELATIONS_REFERENCES));
    const vonk_plan **children = NULL;
    vonk_plan *node = NULL;

    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *children, &children, err));
    VONK_TRY(vonk__tr_plan(t, vonk_pb_get_msg(m, PB_WITH_RELATIONS_ROOT), &children[0], err));
    for (uint32_t i = 0; i < n; i++)
        VONK_TRY(vonk__tr_plan(t, vonk_pb_msg_at(m, PB_WITH_RELATIONS_REFERENCES, i), &children[i + 1], err));
    VONK_TRY(vonk_plan_new(t->budget, VONK_PN_WITH_RELATIONS, children, n + 1, &node, err));
    return vonk_plan_finish(node, ret, err);
}

static vonk_status by_kind(vonk_translator *t, const vonk_pb_msg *m, int which, const vonk_plan **ret, vonk_error *err)
{
    static const join_fields joins = {PB_JOIN_LEFT, PB_JOIN_RIGHT, PB_JOIN_JOIN_CONDITION, PB_JOIN_JOIN_TYPE,
                                      PB_JOIN_USING_COLUMNS};
    static const join_fields laterals = {PB_LATERAL_JOIN_LEFT, PB_LATERAL_JOIN_RIGHT, PB_LATERAL_JOIN_JOIN_CONDITION,
                                         PB_LATERAL_JOIN_JOIN_TYPE, 0};
    const vonk_pb_msg *inner = which ? vonk_pb_get_msg(m, which) : NULL;

    switch (which) {
    case PB_RELATION_READ: return read(t, inner, ret, err);
    case PB_RELATION_RANGE: return range(t, inner, ret, err);
    case PB_RELATION_SQL: return sql_relation(t, inner, ret, err);
    case PB_RELATION_PROJECT: return project(t, inner, ret, err);
    case PB_RELATION_FILTER: return filter(t, inner, ret, err);
    case PB_RELATION_SORT: return sort(t, inner, ret, err);
    case PB_RELATION_LIMIT: return counted(t, inner, PB_LIMIT_INPUT, PB_LIMIT_LIMIT, VONK_PN_LIMIT, ret, err);
    case PB_RELATION_OFFSET: return counted(t, inner, PB_OFFSET_INPUT, PB_OFFSET_OFFSET, VONK_PN_OFFSET, ret, err);
    case PB_RELATION_TAIL: return counted(t, inner, PB_TAIL_INPUT, PB_TAIL_LIMIT, VONK_PN_TAIL, ret, err);
    case PB_RELATION_SUBQUERY_ALIAS: return subquery_alias(t, inner, ret, err);
    case PB_RELATION_HINT: return hint(t, inner, ret, err);
    case PB_RELATION_AGGREGATE: return aggregate(t, inner, ret, err);
    case PB_RELATION_JOIN: return join(t, inner, &joins, false, ret, err);
    case PB_RELATION_LATERAL_JOIN: return join(t, inner, &laterals, true, ret, err);
    case PB_RELATION_SET_OP: return set_operation(t, inner, ret, err);
    case PB_RELATION_WITH_RELATIONS: return with_relations(t, inner, ret, err);
    case PB_RELATION_LOCAL_RELATION:
    case PB_RELATION_CACHED_LOCAL_RELATION:
    case PB_RELATION_CHUNKED_CACHED_LOCAL_RELATION: return vonk__translate_local(t, m, ret, err);
    case PB_RELATION_CACHED_REMOTE_RELATION:
        return t->remote_relation(t->door, vonk_pb_str(inner, PB_CACHED_REMOTE_RELATION_RELATION_ID), ret, err);
    case PB_RELATION_MAP_PARTITIONS: return vonk__translate_map_partitions(t, inner, ret, err);
    case PB_RELATION_GROUP_MAP: return vonk__translate_map_groups(t, inner, ret, err);
    case PB_RELATION_CO_GROUP_MAP: return vonk__translate_map_cogroups(t, inner, ret, err);
    case PB_RELATION_COMMON_INLINE_USER_DEFINED_TABLE_FUNCTION:
        return vonk__translate_table_function(t, inner, ret, err);
    case PB_RELATION_CATALOG: return vonk__translate_catalog(t, inner, ret, err);
    case 0: return vonk_translate_invalid("a relation without a kind", err);
    default:
        VONK_TRY(vonk__translate_dataset(t, m, ret, err));
        return *ret ? VONK_OK : vonk_translate_unsupported(vonk_pb_field_name(&vonk_pb_connect, which), err);
    }
}

vonk_status vonk_translate_relation(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err)
{
    const vonk_pb_msg *common = vonk_pb_get_msg(m, PB_RELATION_COMMON);
    const vonk_plan *plan = NULL;
    vonk_plan *copy = NULL;
    vonk_origin origin;

    *ret = NULL;
    VONK_TRY(by_kind(t, m, vonk_pb_which(m, PB_RELATION_REL_TYPE_ONEOF), &plan, err));
    if (!vonk_pb_has(common, PB_RELATION_COMMON_PLAN_ID)) {
        *ret = plan;
        return VONK_OK;
    }
    vonk_status status = vonk__tr_origin(t, vonk_pb_get_msg(common, PB_RELATION_COMMON_ORIGIN), &origin, err);
    if (status == VONK_OK) status = vonk_plan_copy(t->budget, plan, NULL, 0, &copy, err);
    vonk_plan_unref(plan);
    VONK_TRY(status);
    copy->plan_id = vonk_pb_i64(common, PB_RELATION_COMMON_PLAN_ID);
    vonk_plan_set_origin(copy, &origin);
    return vonk_plan_finish(copy, ret, err);
}
