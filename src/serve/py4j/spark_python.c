/* serve/py4j/spark_python.c -- org.apache.spark.api.python and what else pyspark asks of Spark outside of a context:
 * PythonUtils, PythonAccumulatorV2, Utils, StorageLevel. */
#include "serve/py4j/collection.h"
#include "serve/py4j/spark.h"
#include "text/number.h"

/* ---- PythonUtils */

/* "15", "15s", "2min", "64k": a number and a unit, as a multiple of `base` of the smallest. */
static vonk_status read_setting(vonk__j_call *call, const char *key, bool is_time, int64_t usual, int64_t *ret,
                                vonk_error *err)
{
    static const struct {
        const char *unit;
        bool is_time;
        int64_t factor;
    } units[] = {{"s", true, 1},        {"", true, 1},         {"m", true, 60},       {"min", true, 60},
                 {"h", true, 3600},     {"d", true, 86400},    {"", false, 1},        {"b", false, 1},
                 {"k", false, 1024},    {"kb", false, 1024},   {"m", false, 1 << 20}, {"mb", false, 1 << 20},
                 {"g", false, 1 << 30}, {"gb", false, 1 << 30}};
    char text[128];
    *ret = usual;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str set =
        vonk__j_context_setting(vonk__j_context_of(call->args[0].object), vonk_str_of(key), text, sizeof text);
    if (!set.data) return VONK_OK;
    size_t digits = 0;
    while (digits < set.len && set.data[digits] >= '0' && set.data[digits] <= '9') digits++;
    for (size_t i = 0; i < VONK_COUNTOF(units); i++)
        if (units[i].is_time == is_time && vonk_str_is_nocase(vonk_str_sub(set, digits, set.len), units[i].unit) &&
            vonk_text_to_i64(vonk_str_sub(set, 0, digits), false, 0, INT32_MAX, ret)) {
            *ret *= units[i].factor;
            return VONK_OK;
        }
    return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err, "%s cannot be %s", key, text);
}
static vonk_status is_encrypted(vonk__j_call *call, vonk_error *err)
{
    char text[16];
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk_str set = vonk__j_context_setting(vonk__j_context_of(call->args[0].object),
                                                 VONK_STR("spark.io.encryption.enabled"), text, sizeof text);
    return vonk__j_return(call, vonk__j_bool(vonk_str_is_nocase(set, "true")));
}
static vonk_status socket_timeout(vonk__j_call *call, vonk_error *err)
{
    int64_t seconds = 0;
    VONK_TRY(read_setting(call, "spark.python.authenticate.socketTimeout", true, 15, &seconds, err));
    return vonk__j_return(call, vonk__j_i64(seconds));
}
static vonk_status buffer_size(vonk__j_call *call, vonk_error *err)
{
    int64_t bytes = 0;
    VONK_TRY(read_setting(call, "spark.buffer.size", false, 65536, &bytes, err));
    return vonk__j_return(call, vonk__j_i32((int32_t)(bytes > INT32_MAX ? INT32_MAX : bytes)));
}
static vonk_status broadcast_threshold(vonk__j_call *call, vonk_error *err)
{
    int64_t bytes = 0;
    VONK_TRY(read_setting(call, "spark.broadcast.UDFCompressionThreshold", false, 1 << 20, &bytes, err));
    return vonk__j_return(call, vonk__j_i64(bytes));
}
/* The class is not guarded, since settings take the guard themselves; collections need it. */
static vonk_status to_scala(vonk__j_call *call, vonk_error *err)
{
    VONK_LOCKED(&call->machine->guard);
    return vonk__j_to_scala(call, err);
}
static vonk_status to_array(vonk__j_call *call, vonk_error *err)
{
    vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_LOCKED(&call->machine->guard);
    const vonk__j_list *list = vonk__j_as_list(call->args[0].object);
    if (!list) return vonk__j_throw_bare(call->caller, "java.lang.UnsupportedOperationException", err);
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.Object"),
                               (uint32_t)list->items.n, &array, err));
    for (uint32_t i = 0; i < array->n; i++) array->items[i] = vonk__j_ref(list->items.at[i]);
    return vonk__j_return(call, vonk__j_of(&array->head));
}

#define JSC "org.apache.spark.api.java.JavaSparkContext"
static const vonk__j_member python_utils[] = {
    {"isEncryptionEnabled", JSC, "boolean", is_encrypted, VONK__J_STATIC, 0},
    {"getPythonAuthSocketTimeout", JSC, "long", socket_timeout, VONK__J_STATIC, 0},
    {"getSparkBufferSize", JSC, "int", buffer_size, VONK__J_STATIC, 0},
    {"getBroadcastThreshold", JSC, "long", broadcast_threshold, VONK__J_STATIC, 0},
    {"toSeq", "java.util.List", "scala.collection.immutable.Seq", to_scala, VONK__J_STATIC, 0},
    {"toList", "java.util.List", "scala.collection.immutable.Seq", to_scala, VONK__J_STATIC, 0},
    {"toScalaMap", "java.util.Map", "scala.collection.immutable.Map", to_scala, VONK__J_STATIC, 0},
    {"toArray", "java.util.List", "Object", to_array, VONK__J_STATIC, 0},
};

/* ---- accumulators: where Python listens */

static void accumulator_drop(vonk__j_object *self)
{
    vonk__j_accumulator *a = (vonk__j_accumulator *)self;
    vonk__j_unref(&a->host);
    vonk__j_unref(&a->token);
    vonk__j_unref(&a->path);
}
static vonk_status accumulator_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_accumulator *a = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &a, err));
    if (call->n_args == 1) {
        a->path = vonk__j_ref(call->args[0]);
    } else {
        a->host = vonk__j_ref(call->args[0]);
        a->port = (int32_t)call->args[1].i;
        a->token = vonk__j_ref(call->args[2]);
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(a)->head));
}
static const vonk__j_member accumulator_members[] = {
    {"new", "String, int, String", "", accumulator_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String", "", accumulator_new, VONK__J_CONSTRUCTOR, 0},
};

/* ---- org.apache.spark.util.Utils */

static vonk_status local_dir(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_context *c = vonk__j_active_context(call->machine);
    char *made = NULL;
    if (c) return vonk__j_return_str(call, vonk_str_of(c->local_folder), err);
    VONK_TRY(vonk__j_temp_folder(call->machine, call->machine->local_folder, VONK_STR("spark-"), &made, err));
    return vonk__j_return_str(call, vonk_str_of(made), err);
}
static vonk_status temp_dir(vonk__j_call *call, vonk_error *err)
{
    char *made = NULL;
    const vonk__j_class *file = vonk__j_class_named(call->machine, "java.io.File");
    const vonk__j_signature *s = NULL;
    VONK_AUTO(vonk__j_unref) vonk__j_value path = VONK__J_NOTHING;
    const vonk_str prefix = call->n_args > 1 ? vonk__j_str(&call->args[1]) : VONK_STR("spark");
    VONK_TRY(vonk__j_temp_folder(call->machine, call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE,
                                 vonk_str_of(VONK_F("%.200s-", VONK_S(prefix))), &made, err));
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, vonk_str_of(made), &path, err));
    vonk__j_choose(call->machine, file, VONK_STR_NONE, true, &path, 1, &s);
    return vonk__j_invoke(call->caller, file, NULL, s, &path, 1, &call->result, err);
}
static vonk_status exception_string(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, call->machine->budget, SIZE_MAX);
    if (call->args[0].kind == VONK__J_OBJECT)
        VONK_TRY(vonk__j_stack_text(call->caller, call->args[0].object, &text, err));
    return vonk__j_return_str(call, vonk_buf_str(&text), err);
}
static const vonk__j_member utils_members[] = {
    {"getLocalDir", "org.apache.spark.SparkConf", "String", local_dir, VONK__J_STATIC, 0},
    {"createTempDir", "", "java.io.File", temp_dir, VONK__J_STATIC, 0},
    {"createTempDir", "String, String", "java.io.File", temp_dir, VONK__J_STATIC, 0},
    {"exceptionString", "Throwable", "String", exception_string, VONK__J_STATIC, 0},
};

/* ---- org.apache.spark.storage.StorageLevel */

static const struct level_name {
    const char *name;
    bool disk, memory, off_heap, deserialized;
    int32_t replication;
} levels[] = {{"NONE", false, false, false, false, 1},
              {"DISK_ONLY", true, false, false, false, 1},
              {"DISK_ONLY_2", true, false, false, false, 2},
              {"DISK_ONLY_3", true, false, false, false, 3},
              {"MEMORY_ONLY", false, true, false, true, 1},
              {"MEMORY_ONLY_2", false, true, false, true, 2},
              {"MEMORY_ONLY_SER", false, true, false, false, 1},
              {"MEMORY_ONLY_SER_2", false, true, false, false, 2},
              {"MEMORY_AND_DISK", true, true, false, true, 1},
              {"MEMORY_AND_DISK_2", true, true, false, true, 2},
              {"MEMORY_AND_DISK_SER", true, true, false, false, 1},
              {"MEMORY_AND_DISK_SER_2", true, true, false, false, 2},
              {"OFF_HEAP", true, true, true, false, 1}};

static vonk_status return_level(vonk__j_call *call, const struct level_name *l, vonk_error *err)
{
    vonk__j_level *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.storage.StorageLevel", &made, err));
    made->disk = l->disk;
    made->memory = l->memory;
    made->off_heap = l->off_heap;
    made->deserialized = l->deserialized;
    made->replication = l->replication;
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status level_new(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_value *a = call->args;
    const struct level_name l = {
        .disk = a[0].i, .memory = a[1].i, .off_heap = a[2].i, .deserialized = a[3].i, .replication = (int32_t)a[4].i};
    if (l.replication < 1 || l.replication >= 40)
        return vonk__j_throw(call->caller, "java.lang.AssertionError", err,
                             "assertion failed: Replication restricted to be less than 40 for calculating hash codes");
    return return_level(call, &l, err);
}
static vonk_status level_named(vonk__j_call *call, vonk_error *err)
{
    const vonk_str name = call->n_args ? vonk__j_str(&call->args[0]) : vonk_str_of(call->member->name);
    for (size_t i = 0; i < VONK_COUNTOF(levels); i++)
        if (vonk_str_is(name, levels[i].name)) return return_level(call, &levels[i], err);
    return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err, "Invalid StorageLevel: %.100s",
                         VONK_S(name));
}
static vonk_status level_get(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_level *l = (vonk__j_level *)call->self;
    const bool flags[] = {l->disk, l->memory, l->off_heap, l->deserialized};
    (void)err;
    return vonk__j_return(call,
                          call->member->tag < 4 ? vonk__j_bool(flags[call->member->tag]) : vonk__j_i32(l->replication));
}
static vonk_status level_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                              vonk_error *err)
{
    const vonk__j_level *l = (vonk__j_level *)self;
    (void)caller, (void)depth;
    return vonk_buf_printf(out, err, "StorageLevel(%s%s%s%s%d replicas)", l->disk ? "disk, " : "",
                           l->memory ? "memory, " : "", l->off_heap ? "offheap, " : "",
                           l->deserialized ? "deserialized, " : "", l->replication);
}
static vonk_status level_equals(vonk__j_caller *caller, vonk__j_object *self, vonk__j_object *other, uint32_t depth,
                                bool *ret, vonk_error *err)
{
    const vonk__j_level *a = (vonk__j_level *)self, *b = (vonk__j_level *)other;
    (void)caller, (void)depth, (void)err;
    *ret = self->cls == other->cls && a->disk == b->disk && a->memory == b->memory && a->off_heap == b->off_heap &&
           a->deserialized == b->deserialized && a->replication == b->replication;
    return VONK_OK;
}
static vonk_status level_hash(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, int32_t *ret,
                              vonk_error *err)
{
    const vonk__j_level *l = (vonk__j_level *)self;
    (void)caller, (void)depth, (void)err;
    *ret = (l->disk * 8 + l->memory * 4 + l->off_heap * 2 + l->deserialized) * 41 + l->replication;
    return VONK_OK;
}

#define LEVEL(name) {name, "", "org.apache.spark.storage.StorageLevel", level_named, VONK__J_STATIC, 0}
static const vonk__j_member level_members[] = {
    {"new", "boolean, boolean, boolean, boolean, int", "", level_new, VONK__J_CONSTRUCTOR, 0},
    {"apply", "boolean, boolean, boolean, boolean, int", "org.apache.spark.storage.StorageLevel", level_new,
     VONK__J_STATIC, 0},
    {"fromString", "String", "org.apache.spark.storage.StorageLevel", level_named, VONK__J_STATIC, 0},
    LEVEL("NONE"),
    LEVEL("DISK_ONLY"),
    LEVEL("DISK_ONLY_2"),
    LEVEL("DISK_ONLY_3"),
    LEVEL("MEMORY_ONLY"),
    LEVEL("MEMORY_ONLY_2"),
    LEVEL("MEMORY_ONLY_SER"),
    LEVEL("MEMORY_ONLY_SER_2"),
    LEVEL("MEMORY_AND_DISK"),
    LEVEL("MEMORY_AND_DISK_2"),
    LEVEL("MEMORY_AND_DISK_SER"),
    LEVEL("MEMORY_AND_DISK_SER_2"),
    LEVEL("OFF_HEAP"),
    {"useDisk", "", "boolean", level_get, VONK__J_METHOD, 0},
    {"useMemory", "", "boolean", level_get, VONK__J_METHOD, 1},
    {"useOffHeap", "", "boolean", level_get, VONK__J_METHOD, 2},
    {"deserialized", "", "boolean", level_get, VONK__J_METHOD, 3},
    {"replication", "", "int", level_get, VONK__J_METHOD, 4},
};

static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.util.AccumulatorV2", .interfaces = "java.io.Serializable", .flags = VONK__J_ABSTRACT},
    {.fqn = "org.apache.spark.api.python.PythonAccumulatorV2",
     .super = "org.apache.spark.util.AccumulatorV2",
     VONK__J_MEMBERS(accumulator_members),
     .size = sizeof(vonk__j_accumulator),
     .drop = accumulator_drop},
    {.fqn = "org.apache.spark.api.python.PythonUtils", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(python_utils)},
    {.fqn = "org.apache.spark.util.Utils", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(utils_members)},
    {.fqn = "org.apache.spark.storage.StorageLevel",
     .interfaces = "java.io.Serializable",
     VONK__J_MEMBERS(level_members),
     .size = sizeof(vonk__j_level),
     .text = level_text,
     .equals = level_equals,
     .hash = level_hash},
};
const vonk__j_area vonk__j_area_spark_python = {rows, VONK_COUNTOF(rows)};
