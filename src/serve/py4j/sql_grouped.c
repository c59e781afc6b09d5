/* serve/py4j/sql_grouped.c -- RelationalGroupedDataset: an Aggregate message without its aggregates. */
#include "serve/py4j/sql.h"
#include "serve/py4j/sql_text.h"

typedef struct grouped {
    vonk__j_object head;
    vonk__j_dataset *dataset;
    int type;
    vonk__j_value fields; /* encoded: grouping expressions and sets, pivot */
    vonk__j_value keys;   /* a text for people */
    vonk__j_functions functions;
    bool is_lazy, has_pivot;
} grouped;

static void grouped_drop(vonk__j_object *self)
{
    grouped *g = (grouped *)self;
    vonk__j_dataset *dataset = g->dataset;
    g->dataset = NULL;
    vonk__j_unref(&g->fields);
    vonk__j_unref(&g->keys);
    vonk__j_functions_done(&g->functions);
    vonk__j_object_unref(dataset);
}

static vonk_status add_key_text(vonk__j_message *m, const vonk__j_value *key, vonk_buf *out, vonk_error *err)
{
    if (out->len) VONK_TRY(vonk_buf_add_c(out, ", ", err));
    return key->kind == VONK__J_STRING ? vonk_buf_add_str(out, vonk__j_str(key), err)
                                       : vonk__j_add_text(m->call->caller, key, 0, out, err);
}

static vonk_status put_keys(vonk__j_message *m, const vonk__j_value *seq, vonk_buf *text, vonk_error *err)
{
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_items(m, seq, &items, &n));
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind == VONK__J_STRING)
            vonk__j_put_name(m, PB_AGGREGATE_GROUPING_EXPRESSIONS, vonk__j_str(&items[i]));
        else
            vonk__j_put_value(m, PB_AGGREGATE_GROUPING_EXPRESSIONS, &items[i]);
        VONK_TRY(add_key_text(m, &items[i], text, err));
    }
    return VONK_OK;
}

/* What has been put into m (NULL: nothing new) behind what `from` had. */
static vonk_status return_grouped(vonk__j_message *m, const grouped *from, vonk__j_dataset *dataset, int type,
                                  vonk_str keys, vonk_error *err)
{
    VONK__J_AUTO grouped *made = NULL;
    VONK_TRY(m->status);
    VONK_TRY(vonk_pb_writer_end(&m->w));
    VONK_TRY(vonk__j_object_new(m->call->machine, J_GROUPED, &made, err));
    made->dataset = (vonk__j_dataset *)vonk__j_object_ref(dataset);
    made->type = type;
    made->is_lazy = m->is_lazy || (from && from->is_lazy);
    made->has_pivot = from != NULL;
    made->keys = VONK__J_NOTHING;
    VONK_TRY(vonk__j_add_functions(&made->functions, &m->functions, err));
    if (from) VONK_TRY(vonk__j_add_functions(&made->functions, &from->functions, err));
    VONK_TRY(vonk__j_text_value(m->call->machine->budget, VONK__J_BYTES, vonk_buf_str(&m->buf), &made->fields, err));
    VONK_TRY(vonk__j_text_value(m->call->machine->budget, VONK__J_STRING, keys, &made->keys, err));
    return vonk__j_return(m->call, vonk__j_of(&VONK_STEAL(made)->head));
}

vonk_status vonk__j_group(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    if (call->member->tag == PB_E_AGGREGATE_GROUP_TYPE_GROUPING_SETS) {
        vonk__j_value *sets = NULL;
        uint32_t n = 0;
        VONK_TRY(vonk__j_items(&m, &call->args[0], &sets, &n));
        for (uint32_t i = 0; i < n; i++) {
            const size_t mark = vonk_pb_begin(&m.w, PB_AGGREGATE_GROUPING_SETS);
            vonk__j_put_values(&m, PB_AGGREGATE_GROUPING_SETS_GROUPING_SET, &sets[i]);
            vonk_pb_end(&m.w, mark);
        }
    } else if (call->args[0].kind == VONK__J_STRING) {
        vonk__j_put_name(&m, PB_AGGREGATE_GROUPING_EXPRESSIONS, vonk__j_str(&call->args[0]));
        VONK_TRY(add_key_text(&m, &call->args[0], &text, err));
    }
    VONK_TRY(put_keys(&m, &call->args[call->n_args - 1], &text, err));
    return return_grouped(&m, NULL, (vonk__j_dataset *)call->self, call->member->tag, vonk_buf_str(&text), err);
}

static vonk_status pivot(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const grouped *self = (grouped *)call->self;
    vonk__j_value *items = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (self->has_pivot) return VONK_FAIL(err, VONK_E_REPEATED_CLAUSE, "clause", "PIVOT", "operation", "SUBQUERY");
    if (self->type != PB_E_AGGREGATE_GROUP_TYPE_GROUPBY)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__PIVOT_AFTER_GROUP_BY);
    VONK_TRY(vonk__j_message_open(&m, call, NULL, err));
    vonk__j_put_raw(&m, vonk__j_str(&self->fields));
    const size_t mark = vonk_pb_begin(&m.w, PB_AGGREGATE_PIVOT);
    if (call->args[0].kind == VONK__J_STRING)
        vonk__j_put_name(&m, PB_AGGREGATE_PIVOT_COL, vonk__j_str(&call->args[0]));
    else
        vonk__j_put_value(&m, PB_AGGREGATE_PIVOT_COL, &call->args[0]);
    if (call->n_args > 1) VONK_TRY(vonk__j_items(&m, &call->args[1], &items, &n));
    for (uint32_t i = 0; i < n; i++) vonk__j_put_literal(&m, PB_AGGREGATE_PIVOT_VALUES, &items[i]);
    vonk_pb_end(&m.w, mark);
    return return_grouped(&m, self, self->dataset, PB_E_AGGREGATE_GROUP_TYPE_PIVOT, vonk__j_str(&self->keys), err);
}

/* ---- aggregates */

#define AGGREGATES PB_AGGREGATE_AGGREGATE_EXPRESSIONS

static vonk_status open_aggregate(vonk__j_message *m, vonk__j_call *call, size_t *ret_mark, vonk_error *err)
{
    const grouped *self = (grouped *)call->self;
    VONK_TRY(vonk__j_message_open(m, call, self->dataset->session, err));
    vonk__j_put_common(m);
    m->is_lazy = self->is_lazy;
    *ret_mark = vonk_pb_begin(&m->w, PB_RELATION_AGGREGATE);
    vonk__j_put_input(m, PB_AGGREGATE_INPUT, self->dataset);
    vonk_pb_put_i64(&m->w, PB_AGGREGATE_GROUP_TYPE, self->type);
    vonk__j_put_raw(m, vonk__j_str(&self->fields));
    vonk__j_use_functions(m, &self->functions);
    return VONK_OK;
}

static void put_call(vonk__j_message *m, vonk_str function, vonk_str name)
{
    const vonk__j_value one = vonk__j_i32(1);
    const size_t e = vonk_pb_begin(&m->w, AGGREGATES), f = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_str(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, function);
    if (vonk_str_is(name, "*") && vonk_str_is_nocase(function, "count"))
        vonk__j_put_value(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, &one);
    else
        vonk__j_put_name(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, name);
    vonk_pb_end(&m->w, f);
    vonk_pb_end(&m->w, e);
}

static vonk_status agg(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(open_aggregate(&m, call, &mark, err));
    vonk__j_put_value(&m, AGGREGATES, &call->args[0]);
    vonk__j_put_values(&m, AGGREGATES, &call->args[1]);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* {"age": "max"} */
static vonk_status agg_map(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(open_aggregate(&m, call, &mark, err));
    vonk_mutex_lock(&call->machine->guard);
    const vonk__j_map *map = vonk__j_as_map(call->args[0].object);
    for (vonk__j_entry *e = NULL; map && (e = vonk__j_map_next(map, e));)
        put_call(&m, vonk__j_str(&e->value), vonk__j_str(&e->key));
    vonk_mutex_unlock(&call->machine->guard);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status count(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_aggregate(&m, call, &mark, err));
    const size_t e = vonk_pb_begin(&m.w, AGGREGATES), alias = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS);
    const size_t inner = vonk_pb_begin(&m.w, PB_EXPRESSION_ALIAS_EXPR);
    const size_t f = vonk_pb_begin(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    const vonk__j_value one = vonk__j_i32(1);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, "count");
    vonk__j_put_value(&m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, &one);
    vonk_pb_end(&m.w, f);
    vonk_pb_end(&m.w, inner);
    vonk_pb_put_c(&m.w, PB_EXPRESSION_ALIAS_NAME, "count");
    vonk_pb_end(&m.w, alias);
    vonk_pb_end(&m.w, e);
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

/* The type of a column that is one: Spark refuses texts before the aggregate is looked at. */
static vonk_status check_numeric(vonk__j_call *call, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    vonk__j_dataset *dataset = ((grouped *)call->self)->dataset;
    VONK_TRY(vonk__j_message_open(&m, call, dataset->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_PROJECT);
    vonk__j_put_input(&m, PB_PROJECT_INPUT, dataset);
    vonk__j_put_name(&m, PB_PROJECT_EXPRESSIONS, name);
    vonk_pb_end(&m.w, mark);
    VONK_TRY(vonk__j_relation(&m, &plan, err));
    if (dataset->is_lazy || (plan->n_output == 1 && vonk_type_is_numeric(plan->output[0]->type))) return VONK_OK;
    return VONK_FAIL(err, VONK_E__LEGACY_ERROR_TEMP_1323, "colName", VONK_S(name));
}

static vonk_status numeric(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_dataset *dataset = ((grouped *)call->self)->dataset;
    const vonk_str function = vonk_str_of(strcmp(call->member->name, "mean") == 0 ? "avg" : call->member->name);
    vonk__j_value *names = NULL;
    uint32_t n = 0;
    size_t mark = 0;
    VONK_TRY(open_aggregate(&m, call, &mark, err));
    VONK_TRY(vonk__j_items(&m, &call->args[0], &names, &n));
    for (uint32_t i = 0; i < n; i++) {
        VONK_TRY(check_numeric(call, vonk__j_str(&names[i]), err));
        put_call(&m, function, vonk__j_str(&names[i]));
    }
    for (uint32_t i = 0; !n && i < dataset->plan->n_output; i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf quoted = {0};
        if (!vonk_type_is_numeric(dataset->plan->output[i]->type)) continue;
        vonk_buf_init(&quoted, call->machine->budget, SIZE_MAX);
        VONK_TRY(vonk_type_quote_name(dataset->plan->output[i]->name, &quoted, err));
        put_call(&m, function, vonk_buf_str(&quoted));
    }
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status frame(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(((grouped *)call->self)->dataset)));
}
/* ---- functions of Python over groups: GroupMap and CoGroupMap have the same keys under other numbers */

static vonk_status put_group_keys(vonk__j_message *m, const grouped *g, int field, vonk_error *err)
{
    const vonk_pb_msg *keys = NULL;
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, PB_M_AGGREGATE, vonk__j_str(&g->fields), VONK_PB_MAX_DEPTH, m->arena,
                            &keys, err));
    for (size_t i = 0; i < vonk_pb_n(keys, PB_AGGREGATE_GROUPING_EXPRESSIONS); i++)
        vonk_pb_put_msg(&m->w, field, vonk_pb_msg_at(keys, PB_AGGREGATE_GROUPING_EXPRESSIONS, i));
    m->is_lazy |= g->is_lazy;
    vonk__j_use_functions(m, &g->functions);
    return VONK_OK;
}

/* The column is the call of the function; only the function counts. */
static vonk_status put_function(vonk__j_message *m, const vonk__j_value *column, int field, vonk_error *err)
{
    const vonk_pb_msg *e = NULL;
    VONK_TRY(vonk__j_decode_column(m, (vonk__j_column *)column->object, &e, err));
    vonk_pb_put_msg(&m->w, field, vonk_pb_get_msg(e, PB_EXPRESSION_COMMON_INLINE_USER_DEFINED_FUNCTION));
    return VONK_OK;
}

static vonk_status map_groups(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const grouped *self = (grouped *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, self->dataset->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_GROUP_MAP);
    vonk__j_put_input(&m, PB_GROUP_MAP_INPUT, self->dataset);
    VONK_TRY(put_group_keys(&m, self, PB_GROUP_MAP_GROUPING_EXPRESSIONS, err));
    VONK_TRY(put_function(&m, &call->args[0], PB_GROUP_MAP_FUNC, err));
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}

static vonk_status map_cogroups(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const grouped *self = (grouped *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    const grouped *other = (grouped *)call->args[0].object;
    VONK_TRY(vonk__j_message_open(&m, call, self->dataset->session, err));
    vonk__j_put_common(&m);
    const size_t mark = vonk_pb_begin(&m.w, PB_RELATION_CO_GROUP_MAP);
    vonk__j_put_input(&m, PB_CO_GROUP_MAP_INPUT, self->dataset);
    VONK_TRY(put_group_keys(&m, self, PB_CO_GROUP_MAP_INPUT_GROUPING_EXPRESSIONS, err));
    vonk__j_put_input(&m, PB_CO_GROUP_MAP_OTHER, other->dataset);
    VONK_TRY(put_group_keys(&m, other, PB_CO_GROUP_MAP_OTHER_GROUPING_EXPRESSIONS, err));
    VONK_TRY(put_function(&m, &call->args[1], PB_CO_GROUP_MAP_FUNC, err));
    vonk_pb_end(&m.w, mark);
    return vonk__j_return_dataset(&m, err);
}
static vonk_status unbuilt(vonk__j_call *call, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("GroupedData.%s", call->member->name));
}
static vonk_status grouped_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                vonk_error *err)
{
    static const char *const types[] = {[PB_E_AGGREGATE_GROUP_TYPE_GROUPBY] = "GroupBy",
                                        [PB_E_AGGREGATE_GROUP_TYPE_ROLLUP] = "Rollup",
                                        [PB_E_AGGREGATE_GROUP_TYPE_CUBE] = "Cube",
                                        [PB_E_AGGREGATE_GROUP_TYPE_PIVOT] = "Pivot",
                                        [PB_E_AGGREGATE_GROUP_TYPE_GROUPING_SETS] = "GroupingSets"};
    const grouped *g = (grouped *)self;
    (void)caller, (void)depth;
    VONK_TRY(vonk_buf_printf(out, err, "RelationalGroupedDataset: [grouping expressions: [%.*s], value: ",
                             VONK_STR_ARGS(vonk__j_str(&g->keys))));
    VONK_TRY(vonk__j_dataset_text(g->dataset, out, err));
    return vonk_buf_printf(out, err, ", type: %s]", types[g->type]);
}

#define NUMERIC(name) {name, J_SEQ, J_DATASET, numeric, VONK__J_METHOD, 0}
#define PIVOT(args) {"pivot", args, J_GROUPED, pivot, VONK__J_METHOD, 0}
static const vonk__j_member members[] = {
    {"agg", J_COLUMN ", " J_SEQ, J_DATASET, agg, VONK__J_METHOD, 0},
    {"agg", J_MAP, J_DATASET, agg_map, VONK__J_METHOD, 0},
    {"agg", "scala.collection.Map", J_DATASET, agg_map, VONK__J_METHOD, 0},
    {"count", "", J_DATASET, count, VONK__J_METHOD, 0},
    NUMERIC("avg"),
    NUMERIC("mean"),
    NUMERIC("max"),
    NUMERIC("min"),
    NUMERIC("sum"),
    PIVOT("String"),
    PIVOT("String, java.util.List"),
    PIVOT("String, " J_SEQ),
    PIVOT(J_COLUMN),
    PIVOT(J_COLUMN ", java.util.List"),
    PIVOT(J_COLUMN ", " J_SEQ),
    {"df", "", J_DATASET, frame, VONK__J_METHOD, 0},
    {"flatMapGroupsInPandas", J_COLUMN, J_DATASET, map_groups, VONK__J_METHOD, 0},
    {"flatMapGroupsInArrow", J_COLUMN, J_DATASET, map_groups, VONK__J_METHOD, 0},
    {"applyInPandasWithState", J_COLUMN ", " J_TYPE ", " J_TYPE ", String, String", J_DATASET, unbuilt, VONK__J_METHOD,
     0},
    {"transformWithStateInPandas", J_COLUMN ", " J_TYPE ", String, String, Object, String", J_DATASET, unbuilt,
     VONK__J_METHOD, 0},
    {"transformWithStateInPySpark", J_COLUMN ", " J_TYPE ", String, String, Object, String", J_DATASET, unbuilt,
     VONK__J_METHOD, 0},
    {"flatMapCoGroupsInPandas", J_GROUPED ", " J_COLUMN, J_DATASET, map_cogroups, VONK__J_METHOD, 0},
    {"flatMapCoGroupsInArrow", J_GROUPED ", " J_COLUMN, J_DATASET, map_cogroups, VONK__J_METHOD, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = J_GROUPED,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(members),
     .size = sizeof(grouped),
     .drop = grouped_drop,
     .text = grouped_text},
};
const vonk__j_area vonk__j_area_sql_grouped = {rows, VONK_COUNTOF(rows)};
