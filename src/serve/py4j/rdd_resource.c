/* serve/py4j/rdd_resource.c -- resource profiles: what a program says about cores and memory of a stage. They are kept
 * and shown; on one machine nothing is placed by them. */
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_classes.h"
#include "sys/env.h"
#include "text/number.h"

#define RESOURCE "org.apache.spark.resource."
#define MAP "java.util.Map"

/* One request: of an executor (amount, script, vendor), or of a task (a fraction). */
typedef struct request {
    vonk__j_object head;
    vonk__j_value name, script, vendor;
    int64_t amount;
    double fraction;
} request;
/* Requests by name; a builder and a profile have two such maps. */
typedef struct requests {
    vonk__j_object head;
    vonk__j_map *map, *tasks;
    int32_t id;
} requests;

static void request_drop(vonk__j_object *self)
{
    request *r = (request *)self;
    vonk__j_unref(&r->name);
    vonk__j_unref(&r->script);
    vonk__j_unref(&r->vendor);
}
static void requests_drop(vonk__j_object *self)
{
    requests *r = (requests *)self;
    vonk__j_object_unref(VONK_STEAL(r->map));
    vonk__j_object_unref(VONK_STEAL(r->tasks));
}
static requests *self_of(const vonk__j_call *call) { return (requests *)call->self; }

static vonk_status requests_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO requests *made = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &made->map, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.HashMap", &made->tasks, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static vonk_status put(vonk__j_call *call, vonk_str name, request *take_request, vonk_error *err)
{
    vonk__j_value key = VONK__J_NOTHING;
    VONK__J_AUTO request *made = take_request;
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, name, &made->name, err));
    key = vonk__j_ref(made->name);
    VONK_LOCKED(&call->machine->guard);
    return vonk__j_map_put(call->caller, self_of(call)->map, key, vonk__j_of(&VONK_STEAL(made)->head), NULL, err);
}

/* ---- of executors */

/* "2g", "512m", "1024": MiB. */
static bool read_mib(vonk_str text, int64_t *ret)
{
    static const char units[] = "kmgt";
    int64_t n = 0;
    if (text.len && (text.data[text.len - 1] | 0x20) == 'b') text.len--;
    const char last = text.len ? (char)(text.data[text.len - 1] | 0x20) : 0;
    const char *unit = last ? strchr(units, last) : NULL;
    if (unit) text.len--;
    if (!text.len || !vonk_text_to_i64(text, false, 0, INT32_MAX, &n)) return false;
    *ret = !unit || *unit == 'm' ? n : *unit == 'k' ? n / 1024 : *unit == 'g' ? n * 1024 : n * 1048576;
    return true;
}

static vonk_status m_memory(vonk__j_call *call, vonk_error *err)
{
    static const char *const names[] = {"memory", "memoryOverhead", "pyspark.memory", "offHeap"};
    request *made = NULL;
    int64_t mib = 0;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!read_mib(vonk__j_str(&call->args[0]), &mib))
        return vonk__j_throw(call->caller, "java.lang.NumberFormatException", err,
                             "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g) or "
                             "tebibytes (t): %.200s",
                             call->args[0].text->data);
    VONK_TRY(vonk__j_object_new(call->machine, RESOURCE "ExecutorResourceRequest", &made, err));
    made->amount = mib;
    VONK_TRY(put(call, vonk_str_of(names[call->member->tag]), made, err));
    return vonk__j_return_self(call);
}
static vonk_status m_cores(vonk__j_call *call, vonk_error *err)
{
    request *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, RESOURCE "ExecutorResourceRequest", &made, err));
    made->amount = call->args[0].i;
    VONK_TRY(put(call, VONK_STR("cores"), made, err));
    return vonk__j_return_self(call);
}
static vonk_status m_resource(vonk__j_call *call, vonk_error *err)
{
    request *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, RESOURCE "ExecutorResourceRequest", &made, err));
    made->amount = call->args[1].i;
    if (call->n_args > 2) made->script = vonk__j_ref(call->args[2]);
    if (call->n_args > 3) made->vendor = vonk__j_ref(call->args[3]);
    VONK_TRY(put(call, vonk__j_str(&call->args[0]), made, err));
    return vonk__j_return_self(call);
}

/* ---- of tasks */

static vonk_status m_task(vonk__j_call *call, vonk_error *err)
{
    request *made = NULL;
    const bool is_cpus = call->member->tag;
    const double amount = call->args[is_cpus ? 0 : 1].f;
    if (!is_cpus) VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, RESOURCE "TaskResourceRequest", &made, err));
    made->fraction = amount;
    VONK_TRY(put(call, is_cpus ? VONK_STR("cpus") : vonk__j_str(&call->args[0]), made, err));
    return vonk__j_return_self(call);
}

/* ---- looking at requests */

enum { NAME, AMOUNT, FRACTION, SCRIPT, VENDOR };
static vonk_status m_get(vonk__j_call *call, vonk_error *err)
{
    const request *r = (request *)call->self;
    switch (call->member->tag) {
    case NAME: return vonk__j_return(call, vonk__j_ref(r->name));
    case AMOUNT: return vonk__j_return(call, vonk__j_i64(r->amount));
    case FRACTION: return vonk__j_return(call, vonk__j_f64(r->fraction));
    default: break;
    }
    const vonk__j_value *v = call->member->tag == SCRIPT ? &r->script : &r->vendor;
    return v->kind == VONK__J_STRING ? vonk__j_return(call, vonk__j_ref(*v))
                                     : vonk__j_return_str(call, VONK_STR(""), err);
}
static vonk_status m_map(vonk__j_call *call, vonk_error *err)
{
    const requests *r = self_of(call);
    (void)err;
    return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(call->member->tag ? r->tasks : r->map)));
}
static vonk_status m_id(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_i32(self_of(call)->id));
}

/* ---- builders and profiles */

static vonk_status copy_map(vonk__j_caller *caller, const vonk__j_map *from, vonk__j_map *to, vonk_error *err)
{
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(from, e));)
        VONK_TRY(vonk__j_map_put(caller, to, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    return VONK_OK;
}
static vonk_status m_require(vonk__j_call *call, vonk_error *err)
{
    VONK_TRY(vonk__j_need(call, 0, err));
    const requests *from = (requests *)call->args[0].object, *to = self_of(call);
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(copy_map(call->caller, from->map, call->member->tag ? to->tasks : to->map, err));
    return vonk__j_return_self(call);
}
static vonk_status m_clear(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    VONK_LOCKED(&call->machine->guard);
    vonk__j_map_clear(call->member->tag ? self_of(call)->tasks : self_of(call)->map);
    return vonk__j_return_self(call);
}

/* Scala's maps: up to four entries in order, more by the bits of their hashes, entries before subtrees. */
static uint32_t scala_hash(const vonk__j_entry *e)
{
    uint32_t h = (uint32_t)vonk__j_hash_text(vonk__j_str(&e->key));
    h += ~(h << 9);
    h ^= h >> 14;
    h += h << 4;
    return h ^ h >> 10;
}
static vonk_status scala_order(vonk__j_caller *caller, const vonk__j_map *from, uint32_t shift, uint32_t path,
                               vonk__j_map *to, vonk_error *err)
{
    uint32_t count[32] = {0};
    const uint32_t below = (UINT32_C(1) << shift) - 1;
    if (from->n <= 4 || shift > 30) return copy_map(caller, from, to, err);
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(from, e));)
        if ((scala_hash(e) & below) == path) count[scala_hash(e) >> shift & 31]++;
    for (uint32_t slot = 0; slot < 32; slot++)
        for (vonk__j_entry *e = NULL; count[slot] == 1 && (e = vonk__j_map_next(from, e));)
            if ((scala_hash(e) & below) == path && (scala_hash(e) >> shift & 31) == slot)
                VONK_TRY(vonk__j_map_put(caller, to, vonk__j_ref(e->key), vonk__j_ref(e->value), NULL, err));
    for (uint32_t slot = 0; slot < 32; slot++)
        if (count[slot] > 1) VONK_TRY(scala_order(caller, from, shift + 5, path | slot << shift, to, err));
    return VONK_OK;
}
static vonk_status m_requests(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_map *made = NULL;
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashMap", &made, err));
    VONK_LOCKED(&call->machine->guard);
    VONK_TRY(scala_order(call->caller, self_of(call)->map, 0, 0, made, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

static vonk_status m_build(vonk__j_call *call, vonk_error *err)
{
    static _Atomic int32_t last_id;
    VONK__J_AUTO requests *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, RESOURCE "ResourceProfile", &made, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashMap", &made->map, err));
    VONK_TRY(vonk__j_map_new(call->machine, "java.util.LinkedHashMap", &made->tasks, err));
    made->id = ++last_id;
    vonk_mutex_lock(&call->machine->guard);
    vonk_status status = scala_order(call->caller, self_of(call)->map, 0, 0, made->map, err);
    if (status == VONK_OK) status = scala_order(call->caller, self_of(call)->tasks, 0, 0, made->tasks, err);
    vonk_mutex_unlock(&call->machine->guard);
    VONK_TRY(status);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

/* ---- of an RDD */

static vonk_status m_with(vonk__j_call *call, vonk_error *err)
{
    vonk__j_rdd *r = (vonk__j_rdd *)call->self;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (!vonk_env_get("SPARK_TESTING").data) /* as Spark does where nothing places executors */
        return vonk__j_throw(call->caller, "org.apache.spark.SparkException", err,
                             "ResourceProfiles need executors on other machines, which a master of %s has not",
                             "local");
    vonk__j_object *old = r->profile;
    r->profile = vonk__j_object_ref(call->args[0].object);
    vonk__j_object_unref(old);
    return vonk__j_return_self(call);
}
static vonk_status m_profile(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_rdd *r = (vonk__j_rdd *)call->self;
    (void)err;
    return vonk__j_return(call, r->profile ? vonk__j_of(vonk__j_object_ref(r->profile)) : VONK__J_NOTHING);
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
static const vonk__j_member executor_members[] = {
    {"new", "", "", requests_new, VONK__J_CONSTRUCTOR, 0},
    METHOD("memory", "String", RESOURCE "ExecutorResourceRequests", m_memory, 0),
    METHOD("memoryOverhead", "String", RESOURCE "ExecutorResourceRequests", m_memory, 1),
    METHOD("pysparkMemory", "String", RESOURCE "ExecutorResourceRequests", m_memory, 2),
    METHOD("offHeapMemory", "String", RESOURCE "ExecutorResourceRequests", m_memory, 3),
    METHOD("cores", "int", RESOURCE "ExecutorResourceRequests", m_cores, 0),
    METHOD("resource", "String, long", RESOURCE "ExecutorResourceRequests", m_resource, 0),
    METHOD("resource", "String, long, String", RESOURCE "ExecutorResourceRequests", m_resource, 0),
    METHOD("resource", "String, long, String, String", RESOURCE "ExecutorResourceRequests", m_resource, 0),
    METHOD("requestsJMap", "", MAP, m_requests, 0),
};
static const vonk__j_member task_members[] = {
    {"new", "", "", requests_new, VONK__J_CONSTRUCTOR, 0},
    METHOD("cpus", "double", RESOURCE "TaskResourceRequests", m_task, 1),
    METHOD("resource", "String, double", RESOURCE "TaskResourceRequests", m_task, 0),
    METHOD("requestsJMap", "", MAP, m_requests, 0),
};
static const vonk__j_member executor_request[] = {
    METHOD("resourceName", "", "String", m_get, NAME),
    METHOD("amount", "", "long", m_get, AMOUNT),
    METHOD("discoveryScript", "", "String", m_get, SCRIPT),
    METHOD("vendor", "", "String", m_get, VENDOR),
};
static const vonk__j_member task_request[] = {
    METHOD("resourceName", "", "String", m_get, NAME),
    METHOD("amount", "", "double", m_get, FRACTION),
};
static const vonk__j_member builder_members[] = {
    {"new", "", "", requests_new, VONK__J_CONSTRUCTOR, 0},
    METHOD("require", RESOURCE "ExecutorResourceRequests", RESOURCE "ResourceProfileBuilder", m_require, 0),
    METHOD("require", RESOURCE "TaskResourceRequests", RESOURCE "ResourceProfileBuilder", m_require, 1),
    METHOD("clearExecutorResourceRequests", "", RESOURCE "ResourceProfileBuilder", m_clear, 0),
    METHOD("clearTaskResourceRequests", "", RESOURCE "ResourceProfileBuilder", m_clear, 1),
    METHOD("executorResourcesJMap", "", MAP, m_map, 0),
    METHOD("taskResourcesJMap", "", MAP, m_map, 1),
    METHOD("build", "", RESOURCE "ResourceProfile", m_build, 0),
};
static const vonk__j_member profile_members[] = {
    METHOD("id", "", "int", m_id, 0),
    METHOD("executorResourcesJMap", "", MAP, m_map, 0),
    METHOD("taskResourcesJMap", "", MAP, m_map, 1),
};
static const vonk__j_member rdd_members[] = {
    METHOD("withResources", RESOURCE "ResourceProfile", "org.apache.spark.api.java.JavaRDDLike", m_with, 0),
    METHOD("getResourceProfile", "", RESOURCE "ResourceProfile", m_profile, 0),
};

#define REQUESTS .size = sizeof(requests), .drop = requests_drop
static const vonk__j_row rows[] = {
    {.fqn = RESOURCE "ExecutorResourceRequests", VONK__J_MEMBERS(executor_members), REQUESTS},
    {.fqn = RESOURCE "TaskResourceRequests", VONK__J_MEMBERS(task_members), REQUESTS},
    {.fqn = RESOURCE "ExecutorResourceRequest",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(executor_request),
     .size = sizeof(request),
     .drop = request_drop},
    {.fqn = RESOURCE "TaskResourceRequest",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(task_request),
     .size = sizeof(request),
     .drop = request_drop},
    {.fqn = RESOURCE "ResourceProfileBuilder", VONK__J_MEMBERS(builder_members), REQUESTS},
    {.fqn = RESOURCE "ResourceProfile", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(profile_members), REQUESTS},
    {.fqn = "org.apache.spark.api.java.JavaRDDLike$Resources",
     .flags = VONK__J_INTERFACE,
     VONK__J_MEMBERS(rdd_members)},
};
const vonk__j_area vonk__j_area_rdd_resource = {rows, VONK_COUNTOF(rows)};
