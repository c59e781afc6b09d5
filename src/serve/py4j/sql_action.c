/* serve/py4j/sql_action.c -- Dataset: what is asked of it: texts, schema, counts, rows, keeping, views. */
#include "serve/py4j/sql.h"
#include "serve/py4j/sql_text.h"

#define LOGICAL "org.apache.spark.sql.catalyst.plans.logical.LogicalPlan"
#define SPARK_PLAN "org.apache.spark.sql.execution.SparkPlan"

static vonk__j_dataset *self_dataset(const vonk__j_call *call) { return (vonk__j_dataset *)call->self; }

static vonk_status open_relation(vonk__j_message *m, vonk__j_call *call, int relation, int input, size_t *ret_mark,
                                 vonk_error *err)
{
    return vonk__j_relation_open(m, call, self_dataset(call), relation, input, ret_mark, err);
}

/* ---- texts */

static vonk_status show_string(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_SHOW_STRING, PB_SHOW_STRING_INPUT, &mark, err));
    vonk_pb_put_i64(&m.w, PB_SHOW_STRING_NUM_ROWS, call->args[0].i);
    vonk_pb_put_i64(&m.w, PB_SHOW_STRING_TRUNCATE, call->args[1].i);
    vonk_pb_put_i64(&m.w, PB_SHOW_STRING_VERTICAL, call->args[2].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_one_text(&m, &call->result, err);
}
static vonk_status html_string(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_HTML_STRING, PB_HTML_STRING_INPUT, &mark, err));
    vonk_pb_put_i64(&m.w, PB_HTML_STRING_NUM_ROWS, call->args[0].i);
    vonk_pb_put_i64(&m.w, PB_HTML_STRING_TRUNCATE, call->args[1].i);
    vonk_pb_end(&m.w, mark);
    return vonk__j_one_text(&m, &call->result, err);
}

static vonk_status schema(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;
    const vonk_type *type = NULL;
    VONK_TRY(vonk_session_analyze(self_dataset(call)->session->session, self_dataset(call)->plan, &resolved, err));
    VONK_TRY(vonk_plan_schema(resolved, &type, err));
    return vonk__j_type_new(call->machine, type, &call->result, err);
}

/* ---- counts */

static void put_call(vonk__j_message *m, int field, const char *function, const vonk__j_value *arg)
{
    const size_t e = vonk_pb_begin(&m->w, field), f = vonk_pb_begin(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION);
    vonk_pb_put_c(&m->w, PB_EXPRESSION_UNRESOLVED_FUNCTION_FUNCTION_NAME, function);
    vonk__j_put_value(m, PB_EXPRESSION_UNRESOLVED_FUNCTION_ARGUMENTS, arg);
    vonk_pb_end(&m->w, f);
    vonk_pb_end(&m->w, e);
}

static vonk_status count(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    const vonk__j_value one = vonk__j_i32(1);
    size_t mark = 0;
    VONK_TRY(open_relation(&m, call, PB_RELATION_AGGREGATE, PB_AGGREGATE_INPUT, &mark, err));
    vonk_pb_put_i64(&m.w, PB_AGGREGATE_GROUP_TYPE, PB_E_AGGREGATE_GROUP_TYPE_GROUPBY);
    put_call(&m, PB_AGGREGATE_AGGREGATE_EXPRESSIONS, "count", &one);
    vonk_pb_end(&m.w, mark);
    return vonk__j_one_number(&m, VONK__J_I64, &call->result, err);
}

/* No column of at most one row. */
static vonk_status is_empty(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk__j_rows_done) vonk__j_rows rows = {0};
    uint64_t n = 0;
    VONK_TRY(vonk__j_message_open(&m, call, self_dataset(call)->session, err));
    vonk__j_put_common(&m);
    const size_t limit = vonk_pb_begin(&m.w, PB_RELATION_LIMIT), input = vonk_pb_begin(&m.w, PB_LIMIT_INPUT);
    const size_t project = vonk_pb_begin(&m.w, PB_RELATION_PROJECT);
    vonk__j_put_input(&m, PB_PROJECT_INPUT, self_dataset(call));
    vonk_pb_end(&m.w, project);
    vonk_pb_end(&m.w, input);
    vonk_pb_put_i64(&m.w, PB_LIMIT_LIMIT, 1);
    vonk_pb_end(&m.w, limit);
    VONK_TRY(vonk__j_relation(&m, &plan, err));
    VONK_TRY(vonk__j_rows_of(call->caller, m.session, plan, &rows, err));
    for (size_t i = 0; i < rows.n; i++) n += rows.at[i]->n_sel;
    return vonk__j_return(call, vonk__j_bool(n == 0));
}

/* ---- questions */

static vonk_status is_local(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(vonk_session_is_local(self_dataset(call)->plan)));
}
static vonk_status is_streaming(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_bool(false)); /* streaming reads are refused */
}
static vonk_status add_file(void *self, vonk_str file, vonk_error *err)
{
    vonk__j_list *list = self;
    vonk__j_value text;
    VONK_TRY(vonk__j_text_value(list->head.machine->budget, VONK__J_STRING, file, &text, err));
    return vonk__j_list_add(list, text, err);
}
static vonk_status input_files(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK__J_AUTO vonk__j_list *list = NULL;
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_list_new(call->machine, &list, err));
    VONK_TRY(vonk_session_input_files(self_dataset(call)->plan, arena, add_file, list, err));
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.String"),
                               (uint32_t)list->items.n, &array, err));
    for (uint32_t i = 0; i < array->n; i++) array->items[i] = vonk__j_ref(list->items.at[i]);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}
static vonk_status same_semantics(vonk__j_call *call, vonk_error *err)
{
    bool same = false;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk_plan_same(self_dataset(call)->plan, vonk__j_dataset_at(call, 0)->plan, &same, err));
    return vonk__j_return(call, vonk__j_bool(same));
}
static vonk_status semantic_hash(vonk__j_call *call, vonk_error *err)
{
    uint64_t hash = 0;
    VONK_TRY(vonk_plan_hash(self_dataset(call)->plan, &hash, err));
    return vonk__j_return(call, vonk__j_i32((int32_t)hash));
}
static vonk_status session_of(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(self_dataset(call)->session)));
}

/* ---- keeping */

static vonk_status persist(vonk__j_call *call, vonk_error *err)
{
    vonk_storage_facts facts = {.disk = true, .memory = true, .deserialized = true, .replication = 1};
    char text[VONK_STORAGE_LEVEL_BYTES];
    if (call->n_args) {
        VONK_TRY(vonk__j_need(call, 0, err));
        const vonk__j_level *l = (vonk__j_level *)call->args[0].object;
        facts = (vonk_storage_facts){l->disk, l->memory, l->off_heap, l->deserialized, l->replication};
    }
    vonk_storage_level_write(&facts, text);
    VONK_TRY(
        vonk_session_persist(self_dataset(call)->session->session, self_dataset(call)->plan, vonk_str_of(text), err));
    return vonk__j_return_self(call);
}
static vonk_status unpersist(vonk__j_call *call, vonk_error *err)
{
    bool was = false;
    VONK_TRY(vonk_session_unpersist(self_dataset(call)->session->session, self_dataset(call)->plan, &was, err));
    return vonk__j_return_self(call);
}
static vonk_status storage_level(vonk__j_call *call, vonk_error *err)
{
    char text[VONK_STORAGE_LEVEL_BYTES];
    vonk_storage_facts facts;
    vonk__j_level *made = NULL;
    VONK_TRY(vonk_session_storage_level(self_dataset(call)->session->session, self_dataset(call)->plan, text, err));
    vonk_storage_level_read(text, &facts);
    VONK_TRY(vonk__j_object_new(call->machine, J_LEVEL, &made, err));
    made->disk = facts.disk;
    made->memory = facts.memory;
    made->off_heap = facts.off_heap;
    made->deserialized = facts.deserialized;
    made->replication = facts.replication;
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* Rows of the moment, as a frame without history. */
static vonk_status checkpoint(vonk__j_call *call, vonk_error *err)
{
    const vonk_plan *kept = NULL;
    vonk__j_dataset *made = NULL;
    vonk__j_context *context = self_dataset(call)->session->context;
    if (!call->member->tag) {
        VONK_LOCKED(&context->lock);
        if (!context->checkpoint_folder)
            return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                                 "Checkpoint directory has not been set in the SparkContext");
    }
    VONK_TRY(vonk_session_rematerialize(self_dataset(call)->session->session, self_dataset(call)->plan, &kept, err));
    VONK_TRY(vonk__j_dataset_new(self_dataset(call)->session, kept, &made, err));
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* ---- views */

enum { IS_GLOBAL = 1, REPLACES = 2 };
static vonk_status create_view(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_message_done) vonk__j_message m = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_message_open(&m, call, self_dataset(call)->session, err));
    const size_t mark = vonk_pb_begin(&m.w, PB_COMMAND_CREATE_DATAFRAME_VIEW);
    vonk__j_put_input(&m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_INPUT, self_dataset(call));
    vonk__j_put_text(&m, PB_CREATE_DATA_FRAME_VIEW_COMMAND_NAME, &call->args[0]);
    vonk_pb_put_i64(&m.w, PB_CREATE_DATA_FRAME_VIEW_COMMAND_IS_GLOBAL, (call->member->tag & IS_GLOBAL) != 0);
    vonk_pb_put_i64(&m.w, PB_CREATE_DATA_FRAME_VIEW_COMMAND_REPLACE, (call->member->tag & REPLACES) != 0);
    vonk_pb_end(&m.w, mark);
    return vonk__j_run_command(&m, err);
}

/* ---- QueryExecution: texts of plans */

static vonk_status explain(vonk__j_call *call, const vonk__j_dataset *dataset, vonk_str mode, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_session_explain(dataset->session->session, dataset->plan, mode, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
vonk_status vonk__j_explain(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    return explain(call, ((vonk__j_of_dataset *)call->args[0].object)->dataset, vonk__j_str(&call->args[1]), err);
}
static vonk_status execution_text(vonk__j_call *call, vonk_error *err)
{
    return explain(call, ((vonk__j_of_dataset *)call->self)->dataset, VONK_STR("extended"), err);
}
static vonk_status execution_to_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                     vonk_error *err)
{
    const vonk__j_dataset *d = ((vonk__j_of_dataset *)self)->dataset;
    (void)caller, (void)depth;
    return vonk_session_explain(d->session->session, d->plan, VONK_STR("extended"), out, err);
}

/* One of the plans: its part of the extended explanation. */
static const struct {
    const char *fqn, *title;
} plans[] = {{LOGICAL "$Parsed", "== Parsed Logical Plan ==\n"},
             {LOGICAL "$Analyzed", "== Analyzed Logical Plan ==\n"},
             {LOGICAL "$Optimized", "== Optimized Logical Plan ==\n"},
             {SPARK_PLAN, "== Physical Plan ==\n"}};
enum { PARSED, ANALYZED, OPTIMIZED, PHYSICAL };
static vonk_status plan_to_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0};
    size_t i = 0;
    while (i < PHYSICAL && !vonk_str_is(self->cls->fqn, plans[i].fqn)) i++;
    vonk_buf_init(&all, self->machine->budget, 1 << 26);
    VONK_TRY(execution_to_text(caller, self, depth, &all, err));
    const vonk_str text = vonk_buf_str(&all), title = vonk_str_of(plans[i].title);
    size_t from = vonk_str_find(text, title, 0);
    from = from == SIZE_MAX ? text.len : from + title.len;
    if (i == ANALYZED) from = vonk_min_size(vonk_str_find_byte(text, '\n', from), text.len - 1) + 1; /* columns */
    const size_t to = vonk_str_find(text, VONK_STR("\n\n== "), from);
    vonk_str part = vonk_str_sub(text, from, vonk_min_size(to, text.len));
    while (part.len && part.data[part.len - 1] == '\n') part.len--;
    return vonk_buf_add_str(out, vonk_str_sub(part, 0, part.len), err);
}
static vonk_status plan_of(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_of_dataset(call, plans[call->member->tag].fqn, ((vonk__j_of_dataset *)call->self)->dataset,
                                     err);
}

void vonk__j_of_dataset_drop(vonk__j_object *self)
{
    vonk__j_dataset *dataset = ((vonk__j_of_dataset *)self)->dataset;
    ((vonk__j_of_dataset *)self)->dataset = NULL;
    vonk__j_object_unref(dataset);
}
vonk_status vonk__j_return_of_dataset(vonk__j_call *call, const char *fqn, vonk__j_dataset *dataset, vonk_error *err)
{
    vonk__j_of_dataset *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    made->dataset = (vonk__j_dataset *)vonk__j_object_ref(dataset);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

static const vonk__j_member members[] = {
    {"showString", "int, int, boolean", "String", show_string, VONK__J_METHOD, 0},
    {"htmlString", "int, int", "String", html_string, VONK__J_METHOD, 0},
    {"schema", "", J_STRUCT, schema, VONK__J_METHOD, 0},
    {"count", "", "long", count, VONK__J_METHOD, 0},
    {"isEmpty", "", "boolean", is_empty, VONK__J_METHOD, 0},
    {"isLocal", "", "boolean", is_local, VONK__J_METHOD, 0},
    {"isStreaming", "", "boolean", is_streaming, VONK__J_METHOD, 0},
    {"inputFiles", "", "String[]", input_files, VONK__J_METHOD, 0},
    {"sameSemantics", J_DATASET, "boolean", same_semantics, VONK__J_METHOD, 0},
    {"semanticHash", "", "int", semantic_hash, VONK__J_METHOD, 0},
    {"sparkSession", "", J_SESSION, session_of, VONK__J_METHOD, 0},
    {"cache", "", J_DATASET, persist, VONK__J_METHOD, 0},
    {"persist", "", J_DATASET, persist, VONK__J_METHOD, 0},
    {"persist", J_LEVEL, J_DATASET, persist, VONK__J_METHOD, 0},
    {"unpersist", "", J_DATASET, unpersist, VONK__J_METHOD, 0},
    {"unpersist", "boolean", J_DATASET, unpersist, VONK__J_METHOD, 0},
    {"storageLevel", "", J_LEVEL, storage_level, VONK__J_METHOD, 0},
    {"checkpoint", "", J_DATASET, checkpoint, VONK__J_METHOD, 0},
    {"checkpoint", "boolean", J_DATASET, checkpoint, VONK__J_METHOD, 0},
    {"localCheckpoint", "", J_DATASET, checkpoint, VONK__J_METHOD, 1},
    {"localCheckpoint", "boolean", J_DATASET, checkpoint, VONK__J_METHOD, 1},
    {"localCheckpoint", "boolean, " J_LEVEL, J_DATASET, checkpoint, VONK__J_METHOD, 1},
    {"createTempView", "String", "void", create_view, VONK__J_METHOD, 0},
    {"createOrReplaceTempView", "String", "void", create_view, VONK__J_METHOD, REPLACES},
    {"createGlobalTempView", "String", "void", create_view, VONK__J_METHOD, IS_GLOBAL},
    {"createOrReplaceGlobalTempView", "String", "void", create_view, VONK__J_METHOD, IS_GLOBAL | REPLACES},
    {"registerTempTable", "String", "void", create_view, VONK__J_METHOD, REPLACES},
    {"collectToPython", "", "Object[]", vonk__j_collect_rows, VONK__J_METHOD, 0},
    {"tailToPython", "int", "Object[]", vonk__j_tail_rows, VONK__J_METHOD, 0},
    {"toPythonIterator", "boolean", "Object[]", vonk__j_iterate_rows, VONK__J_METHOD, 0},
    {"collectAsArrowToPython", "", "Object[]", vonk__j_collect_arrow, VONK__J_METHOD, 0},
    {"write", "", "org.apache.spark.sql.classic.DataFrameWriter", vonk__j_write, VONK__J_METHOD, 0},
    {"observe", "org.apache.spark.sql.Observation, " J_COLUMN ", " J_SEQ, J_DATASET, vonk__j_observe, VONK__J_METHOD,
     0},
    {"toJSON", "", J_DATASET, vonk__j_to_json, VONK__J_METHOD, 0},
    {"javaToPython", "", "org.apache.spark.api.java.JavaRDD", vonk__j_dataset_rdd, VONK__J_METHOD, 0},
    {"toJavaRDD", "", "org.apache.spark.api.java.JavaRDD", vonk__j_dataset_rdd, VONK__J_METHOD, 1},
    {"mapInPandas", J_COLUMN ", boolean, Object", J_DATASET, vonk__j_map_partitions, VONK__J_METHOD, 0},
    {"mapInArrow", J_COLUMN ", boolean, Object", J_DATASET, vonk__j_map_partitions, VONK__J_METHOD, 0},
};
static const vonk__j_member execution_members[] = {
    {"toString", "", "String", execution_text, VONK__J_METHOD, 0},
    {"logical", "", LOGICAL, plan_of, VONK__J_METHOD, PARSED},
    {"analyzed", "", LOGICAL, plan_of, VONK__J_METHOD, ANALYZED},
    {"optimizedPlan", "", LOGICAL, plan_of, VONK__J_METHOD, OPTIMIZED},
    {"sparkPlan", "", SPARK_PLAN, plan_of, VONK__J_METHOD, PHYSICAL},
    {"executedPlan", "", SPARK_PLAN, plan_of, VONK__J_METHOD, PHYSICAL},
};
#define PLAN(name, above)                                                                                              \
    {.fqn = (name),                                                                                                    \
     .super = (above),                                                                                                 \
     .flags = VONK__J_ABSTRACT,                                                                                        \
     .size = sizeof(vonk__j_of_dataset),                                                                               \
     .drop = vonk__j_of_dataset_drop,                                                                                  \
     .text = plan_to_text}
static const vonk__j_row rows[] = {
    {.fqn = J_DATASET, .super = "org.apache.spark.sql.Dataset", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(members)},
    PLAN(LOGICAL "$Parsed", LOGICAL),
    PLAN(LOGICAL "$Analyzed", LOGICAL),
    PLAN(LOGICAL "$Optimized", LOGICAL),
    PLAN(SPARK_PLAN, NULL),
    {.fqn = LOGICAL, .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.spark.sql.execution.QueryExecution",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(execution_members),
     .size = sizeof(vonk__j_of_dataset),
     .drop = vonk__j_of_dataset_drop,
     .text = execution_to_text},
};
const vonk__j_area vonk__j_area_sql_action = {rows, VONK_COUNTOF(rows)};
