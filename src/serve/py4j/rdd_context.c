/* serve/py4j/rdd_context.c -- what a SparkContext does with RDDs: makes them of files, joins them, broadcasts, cancels.
 */
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_classes.h"

#define API "org.apache.spark.api.java."
#define JAVA_RDD API "JavaRDD"
#define PAIR_RDD API "JavaPairRDD"

/* ---- RDDs of files */

typedef enum leaf { EMPTY, TEXT, WHOLE_TEXT, BINARY_FILES, BINARY_RECORDS, CHECKPOINT_FILE } leaf;

static vonk_status make_leaf(vonk__j_call *call, vonk__j_engine *e, vonk_rdd **ret, vonk_error *err)
{
    const vonk_str path = call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE;
    const int64_t n = call->n_args > 1 ? call->args[1].i : 0;
    const uint32_t least = call->n_args > 1              ? (n > 0 ? (uint32_t)n : 1)
                           : e->context->parallelism < 2 ? e->context->parallelism
                                                         : 2;
    switch ((leaf)call->member->tag) {
    case EMPTY: return vonk_rdd_empty(e->rdds, ret, err);
    case TEXT: return vonk_rdd_text(e->rdds, path, least, ret, err);
    case WHOLE_TEXT: return vonk_rdd_whole_files(e->rdds, path, least, true, ret, err);
    case BINARY_FILES: return vonk_rdd_whole_files(e->rdds, path, least, false, ret, err);
    case BINARY_RECORDS:
        if (n <= 0)
            return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                                 "requirement failed: recordLength must be positive");
        return vonk_rdd_fixed_records(e->rdds, path, (uint32_t)n, ret, err);
    case CHECKPOINT_FILE: break;
    }
    return vonk_rdd_checkpoint_file(
        e->rdds, vonk_str_starts(path, VONK_STR("file:")) ? vonk_str_sub(path, 5, path.len) : path, ret, err);
}

static vonk_status m_leaf(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd *rdd = NULL;
    vonk__j_context *context = vonk__j_context_of(call->self);
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = make_leaf(call, e, &rdd, err);
    vonk__j_site_end();
    const bool is_new = call->member->tag != TEXT && call->member->tag != CHECKPOINT_FILE;
    VONK_TRY(vonk__j_as_input(call, is_new, status, err));
    return vonk__j_rdd_object(context, rdd, &call->result, err);
}

static vonk_status m_union(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd **parents = NULL, *rdd = NULL;
    vonk__j_context *context = vonk__j_context_of(call->self);
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_array *array = vonk__j_as_array(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, array->n + 1, sizeof(vonk_rdd *), &parents, err));
    for (uint32_t i = 0; i < array->n; i++) {
        const vonk__j_rdd *r = array->items[i].kind == VONK__J_OBJECT ? vonk__j_rdd_of(array->items[i].object) : NULL;
        if (!r) return vonk__j_throw_bare(call->caller, "java.lang.NullPointerException", err);
        parents[i] = r->rdd;
    }
    if (!array->n)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "requirement failed: Union called on no RDDs");
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = vonk_rdd_union(parents, array->n, &rdd, err);
    vonk__j_site_end();
    VONK_TRY(status);
    return vonk__j_rdd_object(context, rdd, &call->result, err);
}

/* ---- what is there: persisted RDDs, executors */

/* A Map of Java (tag 1) or Scala, from ids to RDDs. */
static vonk_status m_persistent(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK__J_AUTO vonk__j_map *map = NULL;
    vonk__j_context *context = vonk__j_context_of(call->self);
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk__j_map_new(
        call->machine, call->member->tag ? "java.util.HashMap" : "scala.collection.immutable.Map$Live", &map, err));
    for (uint32_t id = 0; (rdd = vonk_rdd_next_persisted(e->rdds, &id));) {
        VONK_AUTO(vonk__j_unref) vonk__j_value value = VONK__J_NOTHING, old = VONK__J_NOTHING;
        const int32_t key = (int32_t)vonk_rdd_id(rdd);
        VONK_TRY(vonk__j_rdd_object(context, rdd, &value, err));
        VONK_TRY(vonk__j_map_put(call->caller, map, vonk__j_i32(key), vonk__j_ref(value), &old, err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(map)->head));
}
/* One executor, this process: what programs count to learn how many there are. */
static vonk_status m_executors(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *map = NULL;
    VONK_AUTO(vonk__j_unref) vonk__j_value key = VONK__J_NOTHING, pair = VONK__J_NOTHING, old = VONK__J_NOTHING;
    const int64_t limit = vonk_budget_limit(call->machine->budget), room = vonk_budget_room(call->machine->budget);
    VONK_TRY(vonk__j_map_new(call->machine, "scala.collection.immutable.Map$Live", &map, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, VONK_STR("localhost:0"), &key, err));
    VONK_TRY(vonk__j_tuple2(call->machine, vonk__j_i64(limit), vonk__j_i64(room), &pair, err));
    VONK_TRY(vonk__j_map_put(call->caller, map, vonk__j_ref(key), vonk__j_ref(pair), &old, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(map)->head));
}

/* ---- cancelling */

enum { ALL_JOBS, BY_GROUP, BY_GROUP_AND_FUTURE, BY_TAG };
static vonk_status m_cancel(vonk__j_call *call, vonk_error *err)
{
    char reason[512];
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str value = call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE;
    const bool is_all = call->member->tag == ALL_JOBS, is_tag = call->member->tag == BY_TAG;
    VONK_TRY(vonk__j_cancel_queries(vonk__j_context_of(call->self), is_all || is_tag ? VONK_STR_NONE : value,
                                    is_tag ? value : VONK_STR_NONE, err));
    e = vonk__j_engine_try(vonk__j_context_of(call->self));
    if (!e) return VONK_OK; /* no job has run */
    if (call->n_args > 1 && call->args[1].kind == VONK__J_STRING)
        vonk_format(reason, sizeof reason, "%s", call->args[1].text->data);
    else if (is_all)
        vonk_format(reason, sizeof reason, "as part of cancellation of all jobs");
    else
        vonk_format(reason, sizeof reason,
                    is_tag ? "part of cancelled job tags %.*s" : "part of cancelled job group %.*s",
                    VONK_STR_ARGS(value));
    vonk_scheduler_cancel(e->scheduler,
                          is_all   ? VONK_STR_NONE
                          : is_tag ? VONK_STR("spark.job.tags")
                                   : VONK_STR("spark.jobGroup.id"),
                          value, vonk_str_of(reason), call->member->tag == BY_GROUP_AND_FUTURE);
    return VONK_OK;
}

/* ---- broadcasts */

static void broadcast_drop(vonk__j_object *self)
{
    vonk__j_broadcast *b = (vonk__j_broadcast *)self;
    if (!b->context) return;
    vonk__j_engine *e = b->is_destroyed ? NULL : vonk__j_engine_try(b->context);
    if (e) {
        vonk_rdd_broadcast_drop(e->rdds, b->id);
        vonk__j_engine_leave(e);
    }
    b->is_destroyed = true;
    vonk__j_object_unref(VONK_STEAL(b->value));
    vonk__j_object_unref(VONK_STEAL(b->context));
}

static vonk_status m_broadcast(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK__J_AUTO vonk__j_broadcast *made = NULL;
    vonk__j_context *context = vonk__j_context_of(call->self);
    uint64_t id = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_python_broadcast *value = (vonk__j_python_broadcast *)call->args[0].object;
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.broadcast.Broadcast", &made, err));
    VONK_TRY(value->file ? vonk_rdd_broadcast_at(e->rdds, vonk_file_path(value->file), &id, err)
                         : vonk_rdd_broadcast(e->rdds, vonk__j_str(&value->path), &id, err));
    made->value = vonk__j_object_ref(value);
    made->id = id;
    made->context = (vonk__j_context *)vonk__j_object_ref(context);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status broadcast_id(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i64((int64_t)((vonk__j_broadcast *)call->self)->id));
}
/* The driver's copy stays, and is what workers read: there is none on other machines. */
static vonk_status broadcast_unpersist(vonk__j_call *call, vonk_error *err)
{
    if (!((vonk__j_broadcast *)call->self)->is_destroyed) return VONK_OK;
    return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                         "Attempted to use Broadcast(%llu) after it was destroyed",
                         (unsigned long long)((vonk__j_broadcast *)call->self)->id);
}
static vonk_status broadcast_destroy(vonk__j_call *call, vonk_error *err)
{
    vonk__j_broadcast *b = (vonk__j_broadcast *)call->self;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(broadcast_unpersist(call, err));
    VONK_TRY(vonk__j_engine_use(call->caller, b->context, &e, err));
    b->is_destroyed = true;
    vonk_rdd_broadcast_drop(e->rdds, b->id);
    return VONK_OK;
}
static vonk_status broadcast_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                                  vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_printf(out, err, "Broadcast(%llu)", (unsigned long long)((vonk__j_broadcast *)self)->id);
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
static const vonk__j_member java_members[] = {
    METHOD("emptyRDD", "", JAVA_RDD, m_leaf, EMPTY),
    METHOD("textFile", "String", JAVA_RDD, m_leaf, TEXT),
    METHOD("textFile", "String, int", JAVA_RDD, m_leaf, TEXT),
    METHOD("wholeTextFiles", "String", PAIR_RDD, m_leaf, WHOLE_TEXT),
    METHOD("wholeTextFiles", "String, int", PAIR_RDD, m_leaf, WHOLE_TEXT),
    METHOD("binaryFiles", "String", PAIR_RDD, m_leaf, BINARY_FILES),
    METHOD("binaryFiles", "String, int", PAIR_RDD, m_leaf, BINARY_FILES),
    METHOD("binaryRecords", "String, int", JAVA_RDD, m_leaf, BINARY_RECORDS),
    METHOD("checkpointFile", "String", JAVA_RDD, m_leaf, CHECKPOINT_FILE),
    METHOD("union", API "JavaRDD[]", JAVA_RDD, m_union, 0),
    METHOD("union", API "JavaPairRDD[]", PAIR_RDD, m_union, 0),
    METHOD("union", API "JavaDoubleRDD[]", API "JavaDoubleRDD", m_union, 0),
    METHOD("broadcast", "org.apache.spark.api.python.PythonBroadcast", "org.apache.spark.broadcast.Broadcast",
           m_broadcast, 0),
    METHOD("getPersistentRDDs", "", "java.util.Map", m_persistent, 1),
    METHOD("cancelAllJobs", "", "void", m_cancel, ALL_JOBS),
    METHOD("cancelJobGroup", "String", "void", m_cancel, BY_GROUP),
    METHOD("cancelJobsWithTag", "String", "void", m_cancel, BY_TAG),
    METHOD("cancelJobsWithTag", "String, String", "void", m_cancel, BY_TAG),
};
static const vonk__j_member scala_members[] = {
    METHOD("getPersistentRDDs", "", "scala.collection.Map", m_persistent, 0),
    METHOD("getExecutorMemoryStatus", "", "scala.collection.Map", m_executors, 0),
    METHOD("cancelAllJobs", "", "void", m_cancel, ALL_JOBS),
    METHOD("cancelJobGroup", "String", "void", m_cancel, BY_GROUP),
    METHOD("cancelJobGroup", "String, String", "void", m_cancel, BY_GROUP),
    METHOD("cancelJobGroupAndFutureJobs", "String", "void", m_cancel, BY_GROUP_AND_FUTURE),
    METHOD("cancelJobsWithTag", "String", "void", m_cancel, BY_TAG),
    METHOD("cancelJobsWithTag", "String, String", "void", m_cancel, BY_TAG),
};
static const vonk__j_member broadcast_members[] = {
    METHOD("id", "", "long", broadcast_id, 0),
    METHOD("unpersist", "", "void", broadcast_unpersist, 0),
    METHOD("unpersist", "boolean", "void", broadcast_unpersist, 0),
    METHOD("destroy", "", "void", broadcast_destroy, 0),
    METHOD("destroy", "boolean", "void", broadcast_destroy, 0),
};
static const vonk__j_row rows[] = {
    {.fqn = API "JavaSparkContext$Rdds",
     .interfaces = API "JavaSparkContext$Files " API "JavaSparkContext$Status",
     .flags = VONK__J_INTERFACE,
     VONK__J_MEMBERS(java_members)},
    {.fqn = "org.apache.spark.SparkContext$Rdds", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(scala_members)},
    {.fqn = "org.apache.spark.broadcast.Broadcast",
     .interfaces = "java.io.Serializable",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(broadcast_members),
     .size = sizeof(vonk__j_broadcast),
     .drop = broadcast_drop,
     .text = broadcast_text},
};
const vonk__j_area vonk__j_area_rdd_context = {rows, VONK_COUNTOF(rows)};
