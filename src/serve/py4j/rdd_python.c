/* serve/py4j/rdd_python.c -- org.apache.spark.api.python: functions of Python, PythonRDD and its statics, what is
 * collected, run and iterated over. */
#include "base/fault.h"
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/rdd_socket.h"
#include "sys/env.h"
#include "text/number.h"

#define PYTHON "org.apache.spark.api.python."
#define JSC "org.apache.spark.api.java.JavaSparkContext"
#define RDD_CLASS "org.apache.spark.rdd.RDD"
#define JAVA_RDD "org.apache.spark.api.java.JavaRDD"

/* ---- SimplePythonFunction */

static void function_drop(vonk__j_object *self)
{
    vonk__j_function *f = (vonk__j_function *)self;
    vonk__j_unref(&f->command);
    vonk__j_unref(&f->executable);
    vonk__j_unref(&f->version);
    vonk__j_object_unref(VONK_STEAL(f->vars));
    vonk__j_object_unref(VONK_STEAL(f->includes));
    vonk__j_object_unref(VONK_STEAL(f->broadcasts));
}
vonk__j_function *vonk__j_function_of(vonk__j_object *object)
{
    return object && object->cls->row.drop == function_drop ? (vonk__j_function *)object : NULL;
}
static vonk__j_object *object_of(const vonk__j_value *v)
{
    return v->kind == VONK__J_OBJECT ? vonk__j_object_ref(v->object) : NULL;
}
static vonk_status function_new(vonk__j_call *call, vonk_error *err)
{
    vonk__j_function *f = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &f, err));
    f->command = vonk__j_ref(call->args[0]);
    f->vars = object_of(&call->args[1]);
    f->includes = object_of(&call->args[2]);
    f->executable = vonk__j_ref(call->args[3]);
    f->version = vonk__j_ref(call->args[4]);
    f->broadcasts = object_of(&call->args[5]);
    return vonk__j_return(call, vonk__j_of(&f->head));
}

/* ---- what workers are started with */

typedef struct vars {
    vonk_arena *arena;
    VONK_VEC(vonk_str) list;
} vars;

static vonk_status add_var(vars *v, const char *name, vonk_str value, vonk_error *err)
{
    vonk_str text = {0};
    const size_t n = strlen(name);
    for (size_t i = 0; i < v->list.n; i++)
        if (vonk_str_starts(v->list.at[i], vonk_str_of(name)) && v->list.at[i].data[n] == '=') return VONK_OK;
    VONK_TRY(vonk_arena_printf(v->arena, &text, err, "%s=%.*s", name, VONK_STR_ARGS(value)));
    return VONK_VEC_ARENA_PUSH(&v->list, v->arena, text, err);
}

static vonk_status add_map(vars *v, vonk__j_object *map, vonk_error *err)
{
    const vonk__j_map *m = map ? vonk__j_as_map(map) : NULL;
    for (vonk__j_entry *e = NULL; m && (e = vonk__j_map_next(m, e));)
        if (e->key.kind == VONK__J_STRING && e->value.kind == VONK__J_STRING)
            VONK_TRY(add_var(v, e->key.text->data, vonk__j_str(&e->value), err));
    return VONK_OK;
}

/* An array with a place for each element of the collection, and the elements; none: none. */
static vonk_status room_for(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena, size_t each, void *ret_room,
                            vonk__j_value **ret, uint32_t *ret_n, vonk_error *err)
{
    bool known = false;
    *ret_n = 0;
    if (!of) return VONK_OK;
    VONK_TRY(vonk__j_elements(caller, of, arena, ret, ret_n, &known, err));
    const vonk_status status = vonk_arena_array(arena, *ret_n, each, ret_room, err);
    if (status != VONK_OK) vonk__j_unref_all(*ret, *ret_n);
    return status;
}

static vonk_status copy_texts(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena, const vonk_str **ret,
                              uint32_t *ret_n, vonk_error *err)
{
    vonk__j_value *values = NULL;
    vonk_str *texts = NULL;
    vonk_status status = VONK_OK;
    VONK_TRY(room_for(caller, of, arena, sizeof *texts, &texts, &values, ret_n, err));
    for (uint32_t i = 0; status == VONK_OK && i < *ret_n; i++)
        status = vonk_arena_str(arena, vonk__j_str(&values[i]), &texts[i], err);
    vonk__j_unref_all(values, *ret_n);
    *ret = texts;
    return status;
}

/* Under the guard. References are new. */
static vonk_status list_broadcasts(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena,
                                   vonk__j_broadcast ***ret, uint32_t *ret_n, vonk_error *err)
{
    vonk__j_value *values = NULL;
    vonk__j_broadcast **found = NULL;
    uint32_t n = 0;
    VONK_TRY(room_for(caller, of, arena, sizeof *found, &found, &values, &n, err));
    *ret_n = 0;
    for (uint32_t i = 0; i < n; i++)
        if (values[i].kind == VONK__J_OBJECT && vonk__j_is(values[i].object, "org.apache.spark.broadcast.Broadcast"))
            found[(*ret_n)++] = (vonk__j_broadcast *)vonk__j_object_ref(values[i].object);
    vonk__j_unref_all(values, n);
    *ret = found;
    return VONK_OK;
}

vonk_status vonk__j_function_broadcasts(vonk__j_caller *caller, const vonk__j_function *f, vonk_arena *arena,
                                        vonk__j_broadcast ***ret, uint32_t *ret_n, vonk_error *err)
{
    VONK_LOCKED(&caller->machine->guard);
    return list_broadcasts(caller, f->broadcasts, arena, ret, ret_n, err);
}

static vonk_status copy_broadcasts(vonk__j_caller *caller, vonk__j_object *of, vonk_arena *arena, const uint64_t **ret,
                                   uint32_t *ret_n, vonk_error *err)
{
    vonk__j_broadcast **found = NULL;
    uint64_t *ids = NULL;
    VONK_TRY(list_broadcasts(caller, of, arena, &found, ret_n, err));
    const vonk_status status = vonk_arena_array(arena, *ret_n, sizeof *ids, &ids, err);
    for (uint32_t i = 0; i < *ret_n; i++) {
        if (status == VONK_OK) ids[i] = found[i]->id;
        vonk__j_object_unref(found[i]);
    }
    *ret = ids;
    return status;
}

static vonk_status fill_env(vonk__j_engine *e, vonk__j_function *f, vars *v, vonk_py_env *env, vonk_error *err)
{
    const int64_t seconds = vonk_conf_python_traceback_seconds(e->conf, false);
    VONK_TRY(vonk_conf_python_env(e->conf, false, v->arena, env, err));
    VONK_TRY(vonk_arena_str(v->arena, vonk__j_str(&f->executable), &env->executable, err));
    VONK_TRY(add_var(v, "SPARK_LOCAL_DIRS", vonk_str_of(e->context->local_folder), err));
    VONK_TRY(add_var(v, "OMP_NUM_THREADS", VONK_STR("1"), err));
    if (seconds > 0)
        VONK_TRY(
            add_var(v, "PYTHON_TRACEBACK_DUMP_INTERVAL_SECONDS", vonk_str_of(VONK_F("%lld", (long long)seconds)), err));
    env->vars = v->list.at;
    env->n_vars = (uint32_t)v->list.n;
    return VONK_OK;
}

vonk_status vonk__j_function_python(vonk__j_caller *caller, vonk__j_engine *e, vonk__j_function *f, vonk_arena *arena,
                                    vonk_rdd_python *ret, vonk_error *err)
{
    vars v = {.arena = arena};
    *ret = (vonk_rdd_python){.command = vonk__j_str(&f->command), .python_version = vonk__j_str(&f->version)};
    vonk_mutex_lock(&caller->machine->guard);
    vonk_status status = add_map(&v, f->vars, err);
    if (status == VONK_OK) status = copy_texts(caller, f->includes, arena, &ret->includes, &ret->n_includes, err);
    if (status == VONK_OK)
        status = copy_broadcasts(caller, f->broadcasts, arena, &ret->broadcasts, &ret->n_broadcasts, err);
    vonk_mutex_unlock(&caller->machine->guard);
    VONK_TRY(status);
    return fill_env(e, f, &v, &ret->env, err);
}

/* ---- PythonRDD, PairwiseRDD */

static void let_function_go(void *held) { vonk__j_object_unref(held); }

static vonk_status make_python(vonk__j_call *call, vonk__j_engine *e, vonk_rdd *parent, vonk_arena *arena,
                               vonk_rdd **ret, vonk_error *err)
{
    vonk_rdd_python python;
    vonk__j_function *f = vonk__j_function_of(call->args[1].object);
    VONK_TRY(vonk__j_function_python(call->caller, e, f, arena, &python, err));
    python.held = vonk__j_object_ref(f);
    python.let_go = let_function_go;
    VONK_TRY(vonk_rdd_python_map(parent, &python, call->args[2].i, call->args[3].i, ret, err));
    const size_t most = vonk_min_size(vonk_rdd_n_partitions(*ret), e->context->n_slots);
    vonk_py_pool_warm(e->pool, &python.env, (uint32_t)vonk_min_size(vonk_conf_python_prefork(e->conf), most));
    return VONK_OK;
}

static vonk_status python_rdd_new(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_rdd *made = NULL;
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->n_args > 1) VONK_TRY(vonk__j_need(call, 1, err));
    const vonk__j_rdd *parent = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, parent->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = call->member->tag ? vonk_rdd_pairwise(parent->rdd, &rdd, err)
                                                 : make_python(call, e, parent->rdd, arena, &rdd, err);
    vonk__j_site_end();
    VONK_TRY(status);
    const vonk_status made_it = vonk__j_object_of(call->machine, call->cls, &made, err);
    if (made_it != VONK_OK) {
        vonk_rdd_unref(rdd);
        return made_it;
    }
    made->rdd = rdd;
    made->context = (vonk__j_context *)vonk__j_object_ref(parent->context);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

/* ---- readRDDFromFile, valueOfPair */

static vonk_status read_from_file(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    if (call->args[2].i <= 0)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "Positive number of partitions required");
    vonk__j_context *context = vonk__j_context_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status =
        vonk_rdd_parallelize_file(e->rdds, vonk__j_str(&call->args[1]), (uint32_t)call->args[2].i, &rdd, err);
    vonk__j_site_end();
    VONK_TRY(status);
    return vonk__j_rdd_object(context, rdd, &call->result, err);
}

static vonk_status value_of_pair(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd *rdd = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_rdd *pairs = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, pairs->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_site_begin(call->caller, arena, err));
    const vonk_status status = vonk_rdd_values(pairs->rdd, &rdd, err);
    vonk__j_site_end();
    VONK_TRY(status);
    return vonk__j_rdd_object(pairs->context, rdd, &call->result, err);
}

/* ---- actions */

static vonk_status gather(vonk__j_call *call, vonk__j_engine *e, vonk_rdd *rdd, const uint32_t *partitions, uint32_t n,
                          vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk__j_gathered_free) vonk__j_gathered *g = NULL;
    const vonk_property *properties = NULL;
    uint32_t n_properties = 0;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk__j_job_properties(call->caller, arena, &properties, &n_properties, err));
    VONK_TRY(vonk__j_gathered_new(e, &g, err));
    vonk__j_watch_begin(call->caller, e);
    const vonk_status status =
        vonk__j_run_job(rdd, partitions, n, properties, n_properties, vonk__j_gathered_receiver(g), err);
    vonk__j_watch_end();
    VONK_TRY(status);
    VONK_TRY(vonk__j_gathered_end(g, err));
    return vonk__j_serve_gathered(call, VONK_STEAL(g), err);
}

static vonk_status collect(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    return gather(call, e, r->rdd, NULL, 0, err);
}

static vonk_status collect_with_group(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value interrupt = VONK__J_NOTHING;
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                call->args[3].i ? VONK_STR("true") : VONK_STR("false"), &interrupt, err));
    VONK_TRY(vonk__j_set_local(call, "spark.jobGroup.id", &call->args[1], err));
    VONK_TRY(vonk__j_set_local(call, "spark.job.description", &call->args[2], err));
    VONK_TRY(vonk__j_set_local(call, "spark.job.interruptOnCancel", &interrupt, err));
    return collect(call, err);
}

/* A list of numbers of partitions, which may repeat. */
static vonk_status partitions_of(vonk__j_call *call, const vonk__j_value *list, vonk_arena *arena, uint32_t **ret,
                                 uint32_t *ret_n, vonk_error *err)
{
    vonk__j_value *values = NULL;
    bool known = false;
    vonk_mutex_lock(&call->machine->guard);
    vonk_status status = vonk__j_elements(call->caller, list->object, arena, &values, ret_n, &known, err);
    vonk_mutex_unlock(&call->machine->guard);
    VONK_TRY(status);
    status = vonk_arena_array(arena, *ret_n, sizeof **ret, ret, err);
    for (uint32_t i = 0; status == VONK_OK && i < *ret_n; i++)
        (*ret)[i] = values[i].kind == VONK__J_I32 || values[i].kind == VONK__J_I64 ? (uint32_t)values[i].i : UINT32_MAX;
    vonk__j_unref_all(values, *ret_n);
    return status;
}

static vonk_status run_job(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    uint32_t *partitions = NULL, n = 0;
    VONK_TRY(vonk__j_need(call, 1, err));
    VONK_TRY(vonk__j_need(call, 2, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[1].object);
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(partitions_of(call, &call->args[2], arena, &partitions, &n, err));
    for (uint32_t i = 0; i < n; i++)
        if (partitions[i] >= vonk_rdd_n_partitions(r->rdd))
            return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                                 "Attempting to access a non-existent partition: %d. Total number of partitions: %u",
                                 (int)partitions[i], vonk_rdd_n_partitions(r->rdd));
    return gather(call, e, r->rdd, partitions, n, err);
}

/* ---- toLocalIterator: a job for each partition, when Python asks for it; with prefetch, the next one at once */

typedef struct iteration {
    vonk__j_engine *engine; /* held */
    vonk_arena *arena;
    vonk_rdd *rdd;
    const vonk_property *properties;
    uint32_t n_properties;
    bool prefetch;
    struct ahead {
        vonk__j_gathered *gathered;
        vonk_job_run *job;
    } next;
} iteration;

static void drop_ahead(struct ahead *a)
{
    vonk_job_free(VONK_STEAL(a->job));
    vonk__j_gathered_free(VONK_STEAL(a->gathered));
}
static void iteration_done(void *arg)
{
    iteration *it = arg;
    vonk__j_engine *e = it->engine;
    drop_ahead(&it->next);
    vonk_rdd_unref(it->rdd);
    vonk_arena_free(it->arena); /* it lies there, too */
    vonk__j_engine_leave(e);
}

static vonk_status begin_partition(iteration *it, uint32_t partition, vonk_error *err)
{
    if (it->next.job || partition >= vonk_rdd_n_partitions(it->rdd)) return VONK_OK;
    VONK_TRY(vonk__j_gathered_new(it->engine, &it->next.gathered, err));
    return vonk_rdd_run(it->rdd, &partition, 1, it->properties, it->n_properties,
                        vonk__j_gathered_receiver(it->next.gathered), &it->next.job, err);
}

static vonk_status send_partition(iteration *it, vonk__j_channel *channel, struct ahead *now, vonk_error *err)
{
    VONK_TRY(vonk__j_gathered_end(now->gathered, err));
    VONK_TRY(vonk__j_channel_write_i32(channel, 1, err));
    VONK_TRY(vonk__j_gathered_send(now->gathered, channel, err));
    (void)it;
    return vonk__j_channel_write_i32(channel, -1, err);
}

static vonk_status serve_partition(iteration *it, vonk__j_channel *channel, uint32_t partition, vonk_error *err)
{
    vonk_status status = begin_partition(it, partition, err);
    struct ahead now = it->next;
    it->next = (struct ahead){0};
    if (status == VONK_OK && it->prefetch) status = begin_partition(it, partition + 1, err);
    if (status == VONK_OK) status = vonk_rdd_wait(now.job, err);
    if (status == VONK_OK) {
        vonk_job_free(VONK_STEAL(now.job));
        status = vonk_rdd_finish(it->rdd, it->properties, it->n_properties, err);
    }
    if (status == VONK_OK) {
        status = send_partition(it, channel, &now, err);
    } else {
        VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
        if (vonk__j_channel_write_i32(channel, -1, &own) != VONK_OK) vonk_error_reset(&own);
    }
    drop_ahead(&now);
    return status;
}

static vonk_status iterate(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    iteration *it = arg;
    const uint32_t n = vonk_rdd_n_partitions(it->rdd);
    for (uint32_t p = 0;; p++) {
        int32_t asked = 0;
        VONK_AUTO(vonk_error_reset) vonk_error gone = VONK_ERROR_INIT;
        if (vonk__j_channel_read_i32(channel, &asked, &gone) != VONK_OK || asked == 0) return VONK_OK;
        if (p == n) return vonk__j_channel_write_i32(channel, 0, err);
        VONK_TRY(serve_partition(it, channel, p, err));
    }
}

static vonk_status to_local_iterator(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk__j_channel *channel = NULL;
    iteration *it = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(VONK_ARENA_NEW(arena, &it, err));
    VONK_TRY(vonk__j_job_properties(call->caller, arena, &it->properties, &it->n_properties, err));
    it->engine = vonk__j_engine_hold(e);
    it->arena = VONK_STEAL(arena);
    it->rdd = vonk_rdd_ref(r->rdd);
    it->prefetch = call->args[1].i;
    VONK_TRY(vonk__j_channel_open(e, iterate, iteration_done, it, &channel, err));
    return vonk__j_channel_array(call->machine, channel, &call->result, err);
}

/* ---- SerDeUtil: what Java would see in pickles. They stay pickles. */

static vonk_status as_objects(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    const bool is_batched = call->n_args > 1 ? call->args[1].i != 0 : r->is_batched;
    return vonk__j_objects_rdd(r->context, vonk_rdd_ref(r->rdd), is_batched, &call->result, err);
}

/* ---- for tests of recovery, which say so by VONK_TESTING */

static vonk_status lose_blocks(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[0].object);
    if (!vonk_env_get("VONK_TESTING").data)
        return vonk__j_throw(call->caller, "java.lang.UnsupportedOperationException", err, "this is for tests");
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    return vonk__j_return(call, vonk__j_i32((int32_t)vonk_rdd_lose_blocks(r->rdd, call->args[1].i)));
}

#ifdef VONK_FAULTS
/* For tests/faults/gateway.py: kind, which point from now on; -1: none. How many points were passed since. */
static vonk_status arm_fault(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    const int64_t kind = call->args[0].i;
    if (kind >= 0 && kind < VONK_N_FAULT) vonk_fault_arm((vonk_fault)kind, call->args[1].i);
    return vonk__j_return(call, vonk__j_i32(VONK_N_FAULT));
}

static vonk_status faults_seen(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    const int64_t kind = call->args[0].i;
    return vonk__j_return(call, vonk__j_i64(kind >= 0 && kind < VONK_N_FAULT ? vonk_fault_seen((vonk_fault)kind) : 0));
}

/* Objects that Python knows, and all that there are. */
static vonk_status objects_held(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    vonk__j_machine *machine = call->machine;
    VONK_LOCKED(&machine->heap);
    int64_t n = call->args[0].i ? 0 : machine->n_ids;
    for (const vonk__j_object *o = machine->objects; o && call->args[0].i; o = o->next) n++;
    return vonk__j_return(call, vonk__j_i64(n));
}
#endif

/* ---- rows */

#define STATIC(name, args, result, function, tag) {name, args, result, function, VONK__J_STATIC, tag}
static const vonk__j_member function_members[] = {
    {"new",
     "byte[], java.util.Map, java.util.List, String, String, java.util.List, org.apache.spark.util.AccumulatorV2", "",
     function_new, VONK__J_CONSTRUCTOR, 0},
};
static const vonk__j_member python_members[] = {
    {"new", RDD_CLASS ", " PYTHON "PythonFunction, boolean, boolean", "", python_rdd_new, VONK__J_CONSTRUCTOR, 0},
    STATIC("readRDDFromFile", JSC ", String, int", JAVA_RDD, read_from_file, 0),
    STATIC("valueOfPair", "org.apache.spark.api.java.JavaPairRDD", JAVA_RDD, value_of_pair, 0),
    STATIC("collectAndServe", RDD_CLASS, "Object[]", collect, 0),
    STATIC("collectAndServeWithJobGroup", RDD_CLASS ", String, String, boolean", "Object[]", collect_with_group, 0),
    STATIC("runJob", "org.apache.spark.SparkContext, " JAVA_RDD ", java.util.ArrayList", "Object[]", run_job, 0),
    STATIC("loseBlocks", JAVA_RDD ", boolean", "int", lose_blocks, 0),
#ifdef VONK_FAULTS
    STATIC("armFault", "int, long", "int", arm_fault, 0),
    STATIC("faultsSeen", "int", "long", faults_seen, 0),
    STATIC("objectsHeld", "boolean", "long", objects_held, 0),
#endif
    STATIC("toLocalIteratorAndServe", RDD_CLASS ", boolean", "Object[]", to_local_iterator, 0),
};
static const vonk__j_member pairwise_members[] = {
    {"new", RDD_CLASS, "", python_rdd_new, VONK__J_CONSTRUCTOR, 1},
};
static const vonk__j_member serde_members[] = {
    STATIC("pythonToJava", JAVA_RDD ", boolean", JAVA_RDD, as_objects, 0),
    STATIC("toJavaArray", JAVA_RDD, JAVA_RDD, as_objects, 0),
};
static vonk_status nothing_new(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *made = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    return vonk__j_return(call, vonk__j_of(made));
}
static const vonk__j_member bytes_members[] = {{"new", "", "", nothing_new, VONK__J_CONSTRUCTOR, 0}};

static const vonk__j_row rows[] = {
    {.fqn = PYTHON "PythonFunction", .flags = VONK__J_INTERFACE},
    {.fqn = PYTHON "SimplePythonFunction",
     .interfaces = PYTHON "PythonFunction java.io.Serializable",
     VONK__J_MEMBERS(function_members),
     .size = sizeof(vonk__j_function),
     .drop = function_drop},
    {.fqn = PYTHON "PythonRDD",
     .super = RDD_CLASS,
     .interfaces = PYTHON "PythonRDD$Broadcasts " PYTHON "PythonRDD$Files",
     VONK__J_MEMBERS(python_members)},
    {.fqn = PYTHON "PairwiseRDD", .super = RDD_CLASS, VONK__J_MEMBERS(pairwise_members)},
    {.fqn = PYTHON "SerDeUtil", .flags = VONK__J_ABSTRACT, VONK__J_MEMBERS(serde_members)},
    {.fqn = PYTHON "BytesToString", .size = sizeof(vonk__j_object), VONK__J_MEMBERS(bytes_members)},
};
const vonk__j_area vonk__j_area_rdd_python = {rows, VONK_COUNTOF(rows)};
