/* serve/py4j/rdd_classes.c -- JavaRDD, JavaPairRDD, JavaDoubleRDD and RDD: the faces of a vonk_rdd. */
#include "serve/py4j/rdd_classes.h"

#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_socket.h"

#define API "org.apache.spark.api.java."
#define LEVEL "org.apache.spark.storage.StorageLevel"

/* ---- objects */

static void rdd_drop(vonk__j_object *self)
{
    vonk__j_rdd *r = (vonk__j_rdd *)self;
    vonk_rdd_unref(VONK_STEAL(r->rdd));
    vonk__j_object_unref(VONK_STEAL(r->profile));
    vonk__j_object_unref(VONK_STEAL(r->context));
}

vonk__j_rdd *vonk__j_rdd_of(vonk__j_object *object)
{
    return object && object->cls->row.drop == rdd_drop ? (vonk__j_rdd *)object : NULL;
}

static vonk_status make(vonk__j_context *context, const char *fqn, vonk_rdd *take_rdd, vonk__j_rdd **ret,
                        vonk_error *err)
{
    const vonk_status status = vonk__j_object_new(context->head.machine, fqn, ret, err);
    if (status != VONK_OK) {
        vonk_rdd_unref(take_rdd);
        return status;
    }
    (*ret)->context = (vonk__j_context *)vonk__j_object_ref(context);
    (*ret)->rdd = take_rdd;
    return VONK_OK;
}

static const char *java_class(const vonk_rdd *rdd)
{
    switch (vonk_rdd_elements_of(rdd)) {
    case VONK_RDD_PAIR: return API "JavaPairRDD";
    case VONK_RDD_F64: return API "JavaDoubleRDD";
    case VONK_RDD_BYTES:
    case VONK_RDD_STRING: break;
    }
    return API "JavaRDD";
}

vonk_status vonk__j_rdd_object(vonk__j_context *context, vonk_rdd *take_rdd, vonk__j_value *ret, vonk_error *err)
{
    vonk__j_rdd *made = NULL;
    VONK_TRY(make(context, java_class(take_rdd), take_rdd, &made, err));
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}

vonk_status vonk__j_objects_rdd(vonk__j_context *context, vonk_rdd *take_rdd, bool is_batched, vonk__j_value *ret,
                                vonk_error *err)
{
    vonk__j_rdd *made = NULL;
    VONK_TRY(make(context, API "JavaRDD", take_rdd, &made, err));
    made->is_objects = true;
    made->is_batched = is_batched;
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}

/* The class that Scala's side of it has. */
static const char *scala_class(const vonk_rdd *rdd)
{
    static const char *const names[] = {
#define RDD(id, class_name) [VONK_RDD_##id] = "org.apache.spark.rdd." class_name,
#include "rdd/rdd.def"
#undef RDD
    };
    switch (vonk_rdd_kind_of(rdd)) {
    case VONK_RDD_PYTHON: return "org.apache.spark.api.python.PythonRDD";
    case VONK_RDD_PAIRWISE: return "org.apache.spark.api.python.PairwiseRDD";
    default: break;
    }
    return names[vonk_rdd_kind_of(rdd)];
}

static vonk__j_rdd *self_of(const vonk__j_call *call) { return (vonk__j_rdd *)call->self; }

/* Another face of the same. */
static vonk_status same(vonk__j_call *call, const char *fqn, vonk_error *err)
{
    const vonk__j_rdd *r = self_of(call);
    vonk__j_rdd *made = NULL;
    VONK_TRY(make(r->context, fqn, vonk_rdd_ref(r->rdd), &made, err));
    made->is_objects = r->is_objects;
    made->is_batched = r->is_batched;
    made->profile = r->profile ? vonk__j_object_ref(r->profile) : NULL;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status m_rdd(vonk__j_call *call, vonk_error *err)
{
    return same(call, scala_class(self_of(call)->rdd), err);
}
static vonk_status m_java(vonk__j_call *call, vonk_error *err)
{
    return same(call, java_class(self_of(call)->rdd), err);
}

/* The RDD that an argument is. */
static vonk_status arg_rdd(vonk__j_call *call, uint32_t i, vonk_rdd **ret, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, i, err));
    *ret = vonk__j_rdd_of(call->args[i].object)->rdd;
    return VONK_OK;
}

/* ---- looking */

static vonk_status m_id(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32((int32_t)vonk_rdd_id(self_of(call)->rdd)));
}
static vonk_status m_name(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    vonk_buf_init(&name, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_rdd_name(self_of(call)->rdd, &name, err));
    return name.len ? vonk__j_return_str(call, vonk_buf_str(&name), err) : vonk__j_return(call, VONK__J_NOTHING);
}
static vonk_status m_set_name(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk_rdd_set_name(self_of(call)->rdd, vonk__j_str(&call->args[0]), err));
    return vonk__j_return_self(call);
}
static vonk_status m_n_partitions(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32((int32_t)vonk_rdd_n_partitions(self_of(call)->rdd)));
}

typedef struct partition_object {
    vonk__j_object head;
    uint32_t index;
} partition_object;
static vonk_status partition_index(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32((int32_t)((partition_object *)call->self)->index));
}
static vonk_status make_partition(vonk__j_machine *machine, uint32_t index, vonk__j_value *ret, vonk_error *err)
{
    partition_object *made = NULL;
    VONK_TRY(vonk__j_object_new(machine, "org.apache.spark.Partition", &made, err));
    made->index = index;
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}
static vonk_status m_partitions(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_list *list = NULL;
    const uint32_t n = vonk_rdd_n_partitions(self_of(call)->rdd);
    VONK_TRY(vonk__j_list_new(call->machine, &list, err));
    VONK_LOCKED(&call->machine->guard);
    for (uint32_t i = 0; i < n; i++) {
        vonk__j_value made = VONK__J_NOTHING;
        VONK_TRY(make_partition(call->machine, i, &made, err));
        VONK_TRY(vonk__j_list_add(list, made, err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(list)->head));
}
static vonk_status m_partition_array(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    const uint32_t n = vonk_rdd_n_partitions(self_of(call)->rdd);
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "org.apache.spark.Partition"), n,
                               &array, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(make_partition(call->machine, i, &array->items[i], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}

static vonk_status m_context(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(self_of(call)->context)));
}
static vonk_status rdd_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                            vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_rdd_text_form(((vonk__j_rdd *)self)->rdd, out, err);
}
static vonk_status m_debug(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_rdd_debug_string(self_of(call)->rdd, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static vonk_status rdd_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                              bool *ret, vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = self->cls == other->cls && ((vonk__j_rdd *)self)->rdd == ((vonk__j_rdd *)other)->rdd;
    return VONK_OK;
}
static vonk_status rdd_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret, vonk_error *err)
{
    (void)caller, (void)depth, (void)err;
    *ret = (int32_t)vonk_rdd_id(((vonk__j_rdd *)self)->rdd);
    return VONK_OK;
}

/* ---- levels */

static vonk_status m_persist(vonk__j_call *call, vonk_error *err)
{
    vonk_storage_level level = {.memory = true, .deserialized = true, .replication = 1};
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    if (call->n_args) {
        VONK_TRY(vonk__j_need(call, 0, err));
        const vonk__j_level *l = (vonk__j_level *)call->args[0].object;
        level = (vonk_storage_level){.disk = l->disk,
                                     .memory = l->memory,
                                     .off_heap = l->off_heap,
                                     .deserialized = l->deserialized,
                                     .replication = (uint8_t)l->replication};
    }
    VONK_TRY(vonk_rdd_persist(self_of(call)->rdd, level, err));
    return vonk__j_return_self(call);
}
static vonk_status m_unpersist(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    vonk_rdd_unpersist(self_of(call)->rdd);
    return vonk__j_return_self(call);
}
static vonk_status m_level(vonk__j_call *call, vonk_error *err)
{
    const vonk_storage_level l = vonk_rdd_level(self_of(call)->rdd);
    vonk__j_level *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, LEVEL, &made, err));
    made->disk = l.disk;
    made->memory = l.memory;
    made->off_heap = l.off_heap;
    made->deserialized = l.deserialized;
    made->replication = l.replication ? l.replication : 1;
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* ---- checkpoints */

static vonk_status m_checkpoint(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    VONK_TRY(vonk_rdd_checkpoint(self_of(call)->rdd, call->member->tag, err));
    return call->member->tag ? vonk__j_return_self(call) : VONK_OK;
}
enum { CHECKPOINTED, LOCAL_CHECKPOINT, BARRIER };
static vonk_status m_is(vonk__j_call *call, vonk_error *err)
{
    vonk_rdd *rdd = self_of(call)->rdd;
    (void)err;
    switch (call->member->tag) {
    case CHECKPOINTED: return vonk__j_return(call, vonk__j_bool(vonk_rdd_is_checkpointed(rdd)));
    case LOCAL_CHECKPOINT: return vonk__j_return(call, vonk__j_bool(vonk_rdd_is_local_checkpoint(rdd)));
    default: return vonk__j_return(call, vonk__j_bool(vonk_rdd_is_barrier(rdd)));
    }
}
static vonk_status m_checkpoint_file(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf path = {0};
    vonk__j_value text = VONK__J_NOTHING;
    vonk_buf_init(&path, call->machine->budget, SIZE_MAX);
    VONK_TRY(vonk_buf_add_c(&path, "file:", err));
    VONK_TRY(vonk_rdd_checkpoint_path(self_of(call)->rdd, &path, err));
    const bool is_there = path.len > 5;
    if (is_there) VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_buf_str(&path), &text, err));
    return vonk__j_option(call->machine, text, is_there, &call->result, err);
}
static vonk_status m_clean(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    vonk_rdd_clean_shuffles(self_of(call)->rdd);
    return VONK_OK;
}

/* ---- making others */

typedef enum maker { UNION, CARTESIAN, ZIP, COALESCE, AS_STRINGS, PARTITION_BY, VALUES } maker;

typedef struct partitioner_object {
    vonk__j_object head;
    int32_t n;
    int64_t id;
} partitioner_object;

static vonk_status make_by(vonk__j_call *call, vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd *of = self_of(call)->rdd, *two[2] = {of, NULL};
    const vonk__j_value *a = call->args;
    switch ((maker)call->member->tag) {
    case UNION: VONK_TRY(arg_rdd(call, 0, &two[1], err)); return vonk_rdd_union(two, 2, ret, err);
    case CARTESIAN: VONK_TRY(arg_rdd(call, 0, &two[1], err)); return vonk_rdd_cartesian(of, two[1], ret, err);
    case ZIP: VONK_TRY(arg_rdd(call, 0, &two[1], err)); return vonk_rdd_zip(of, two[1], ret, err);
    case COALESCE:
        if (a[0].i <= 0)
            return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                                 "requirement failed: Number of partitions (%lld) must be positive.",
                                 (long long)a[0].i);
        return vonk_rdd_coalesce(of, (uint32_t)a[0].i, call->n_args > 1 && a[1].i, ret, err);
    case AS_STRINGS: return vonk_rdd_as_strings(of, ret, err);
    case PARTITION_BY: {
        VONK_TRY(vonk__j_need(call, 0, err));
        const partitioner_object *p = (partitioner_object *)a[0].object;
        return vonk_rdd_partition_by(of, (uint32_t)p->n, p->id, ret, err);
    }
    case VALUES: break;
    }
    return vonk_rdd_values(of, ret, err);
}

static vonk_status m_make(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd *made = NULL;
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = make_by(call, &made, err);
    vonk__j_site_end();
    VONK_TRY(status);
    return vonk__j_rdd_object(self_of(call)->context, made, &call->result, err);
}

static vonk_status partitioner_new(vonk__j_call *call, vonk_error *err)
{
    partitioner_object *made = NULL;
    if (call->args[0].i <= 0)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "requirement failed: Number of partitions (%lld) must be positive.",
                             (long long)call->args[0].i);
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    made->n = (int32_t)call->args[0].i;
    made->id = call->args[1].i;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status partitioner_size(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32(((partitioner_object *)call->self)->n));
}

/* ---- saving */

static vonk_str local_path(vonk_str uri)
{
    if (!vonk_str_starts(uri, VONK_STR("file:"))) return uri;
    uri = vonk_str_sub(uri, 5, uri.len);
    return vonk_str_starts(uri, VONK_STR("//")) ? vonk_str_sub(uri, 2, uri.len) : uri;
}

/* "class org.apache...": what a java.lang.Class says of itself. */
static vonk_status class_name(vonk__j_call *call, const vonk__j_value *cls, vonk_buf *out, vonk_error *err)
{
    if (cls->kind == VONK__J_NULL) return VONK_OK;
    VONK_TRY(vonk__j_add_text(call->caller, cls, 0, out, err));
    const size_t blank = vonk_str_find_byte(vonk_buf_str(out), ' ', 0);
    if (blank == SIZE_MAX) return VONK_OK;
    memmove(out->data, out->data + blank + 1, out->len - blank - 1);
    out->len -= blank + 1;
    return VONK_OK;
}

static vonk_status m_save_text(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf codec = {0};
    const vonk_property *properties = NULL;
    vonk_rdd *rdd = self_of(call)->rdd;
    uint32_t n = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_engine_use(call->caller, self_of(call)->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_job_properties(call->caller, arena, &properties, &n, err));
    vonk_buf_init(&codec, call->machine->budget, SIZE_MAX);
    if (call->n_args > 1) VONK_TRY(class_name(call, &call->args[1], &codec, err));
    vonk__j_watch_begin(call->caller, e);
    vonk_status status =
        vonk_rdd_save_text(rdd, local_path(vonk__j_str(&call->args[0])), vonk_buf_str(&codec), properties, n, err);
    if (status == VONK_OK) status = vonk_rdd_finish(rdd, properties, n, err);
    vonk__j_watch_end();
    if (status == VONK_E_PATH_ALREADY_EXISTS)
        return vonk__j_as_hadoop(call, local_path(vonk__j_str(&call->args[0])), true, status, err);
    return status;
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
#define RDD_CLASS "org.apache.spark.rdd.RDD"
#define LIKE API "JavaRDDLike"

static const vonk__j_member like_members[] = {
    METHOD("rdd", "", RDD_CLASS, m_rdd, 0),
    METHOD("id", "", "int", m_id, 0),
    METHOD("name", "", "String", m_name, 0),
    METHOD("partitions", "", "java.util.List", m_partitions, 0),
    METHOD("getNumPartitions", "", "int", m_n_partitions, 0),
    METHOD("context", "", "org.apache.spark.SparkContext", m_context, 0),
    METHOD("getStorageLevel", "", LEVEL, m_level, 0),
    METHOD("toDebugString", "", "String", m_debug, 0),
    METHOD("checkpoint", "", "void", m_checkpoint, 0),
    METHOD("isCheckpointed", "", "boolean", m_is, CHECKPOINTED),
    METHOD("getCheckpointFile", "", "scala.Option", m_checkpoint_file, 0),
    METHOD("cartesian", LIKE, API "JavaPairRDD", m_make, CARTESIAN),
    METHOD("zip", LIKE, API "JavaPairRDD", m_make, ZIP),
    METHOD("saveAsTextFile", "String", "void", m_save_text, 0),
    METHOD("saveAsTextFile", "String, Class", "void", m_save_text, 0),
};
#define TYPED(type)                                                                                                    \
    METHOD("persist", LEVEL, type, m_persist, 0), METHOD("cache", "", type, m_persist, 0),                             \
        METHOD("unpersist", "", type, m_unpersist, 0), METHOD("unpersist", "boolean", type, m_unpersist, 0),           \
        METHOD("union", type, type, m_make, UNION), METHOD("coalesce", "int", type, m_make, COALESCE),                 \
        METHOD("coalesce", "int, boolean", type, m_make, COALESCE), METHOD("setName", "String", type, m_set_name, 0)

static const vonk__j_member java_members[] = {
    TYPED(API "JavaRDD"),
    METHOD("map", "org.apache.spark.api.python.BytesToString", API "JavaRDD", m_make, AS_STRINGS),
};
static const vonk__j_member pair_members[] = {
    TYPED(API "JavaPairRDD"),
    METHOD("partitionBy", "org.apache.spark.Partitioner", API "JavaPairRDD", m_make, PARTITION_BY),
    METHOD("values", "", API "JavaRDD", m_make, VALUES),
};
static const vonk__j_member double_members[] = {TYPED(API "JavaDoubleRDD")};

static const vonk__j_member rdd_members[] = {
    METHOD("toJavaRDD", "", API "JavaRDD", m_java, 0),
    METHOD("asJavaRDD", "", API "JavaRDD", m_java, 0),
    METHOD("asJavaPairRDD", "", API "JavaPairRDD", m_java, 0),
    METHOD("id", "", "int", m_id, 0),
    METHOD("name", "", "String", m_name, 0),
    METHOD("setName", "String", RDD_CLASS, m_set_name, 0),
    METHOD("partitions", "", "org.apache.spark.Partition[]", m_partition_array, 0),
    METHOD("getNumPartitions", "", "int", m_n_partitions, 0),
    METHOD("context", "", "org.apache.spark.SparkContext", m_context, 0),
    METHOD("sparkContext", "", "org.apache.spark.SparkContext", m_context, 0),
    METHOD("getStorageLevel", "", LEVEL, m_level, 0),
    METHOD("persist", LEVEL, RDD_CLASS, m_persist, 0),
    METHOD("cache", "", RDD_CLASS, m_persist, 0),
    METHOD("unpersist", "boolean", RDD_CLASS, m_unpersist, 0),
    METHOD("toDebugString", "", "String", m_debug, 0),
    METHOD("checkpoint", "", "void", m_checkpoint, 0),
    METHOD("localCheckpoint", "", RDD_CLASS, m_checkpoint, 1),
    METHOD("isCheckpointed", "", "boolean", m_is, CHECKPOINTED),
    METHOD("isLocallyCheckpointed", "", "boolean", m_is, LOCAL_CHECKPOINT),
    METHOD("getCheckpointFile", "", "scala.Option", m_checkpoint_file, 0),
    METHOD("isBarrier", "", "boolean", m_is, BARRIER),
    METHOD("cleanShuffleDependencies", "boolean", "void", m_clean, 0),
};
static const vonk__j_member partition_members[] = {METHOD("index", "", "int", partition_index, 0)};
static const vonk__j_member partitioner_members[] = {
    {"new", "int, long", "", partitioner_new, VONK__J_CONSTRUCTOR, 0},
    METHOD("numPartitions", "", "int", partitioner_size, 0),
};

#define KIND(name) {.fqn = "org.apache.spark.rdd." name, .super = RDD_CLASS, .flags = VONK__J_ABSTRACT}
#define FACE .size = sizeof(vonk__j_rdd), .drop = rdd_drop, .text = rdd_text, .equals = rdd_equals, .hash = rdd_hash
static const vonk__j_row rows[] = {
    {.fqn = LIKE,
     .interfaces = "java.io.Serializable " LIKE "$Actions " LIKE "$Files " LIKE "$Resources",
     .flags = VONK__J_INTERFACE,
     VONK__J_MEMBERS(like_members)},
    {.fqn = API "JavaRDD", .interfaces = LIKE, .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(java_members), FACE},
    {.fqn = API "JavaPairRDD", .interfaces = LIKE, .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(pair_members), FACE},
    {.fqn = API "JavaDoubleRDD",
     .interfaces = LIKE " " API "JavaDoubleRDD$Actions",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(double_members),
     FACE},
    {.fqn = RDD_CLASS,
     .interfaces = "java.io.Serializable",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(rdd_members),
     FACE},
    KIND("EmptyRDD"),
    KIND("ParallelCollectionRDD"),
    KIND("HadoopRDD"),
    KIND("NewHadoopRDD"),
    KIND("WholeTextFileRDD"),
    KIND("BinaryFileRDD"),
    KIND("ShuffledRDD"),
    KIND("MapPartitionsRDD"),
    KIND("UnionRDD"),
    KIND("PartitionerAwareUnionRDD"),
    KIND("CartesianRDD"),
    KIND("ZippedPartitionsRDD2"),
    KIND("CoalescedRDD"),
    KIND("ReliableCheckpointRDD"),
    KIND("SourceRDD"),
    {.fqn = "org.apache.spark.Partition",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(partition_members),
     .size = sizeof(partition_object)},
    {.fqn = "org.apache.spark.Partitioner", .interfaces = "java.io.Serializable", .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.spark.api.python.PythonPartitioner",
     .super = "org.apache.spark.Partitioner",
     VONK__J_MEMBERS(partitioner_members),
     .size = sizeof(partitioner_object)},
};
const vonk__j_area vonk__j_area_rdd_classes = {rows, VONK_COUNTOF(rows)};
