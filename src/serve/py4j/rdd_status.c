/* serve/py4j/rdd_status.c -- JavaSparkStatusTracker: jobs and stages as the scheduler knows them. */
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_classes.h"

#define TRACKER "org.apache.spark.api.java.JavaSparkStatusTracker"

typedef struct tracker {
    vonk__j_object head;
    vonk__j_context *context;
} tracker;
static void tracker_drop(vonk__j_object *self) { vonk__j_object_unref(VONK_STEAL(((tracker *)self)->context)); }

typedef struct job_info {
    vonk__j_object head;
    int32_t id;
    vonk_job_state state;
    vonk__j_object *stages;
} job_info;
static void job_drop(vonk__j_object *self) { vonk__j_object_unref(VONK_STEAL(((job_info *)self)->stages)); }

typedef struct stage_info {
    vonk__j_object head;
    vonk__j_value name;
    vonk_stage_status status;
} stage_info;
static void stage_drop(vonk__j_object *self) { vonk__j_unref(&((stage_info *)self)->name); }

static vonk_status m_tracker(vonk__j_call *call, vonk_error *err)
{
    tracker *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, TRACKER, &made, err));
    made->context = (vonk__j_context *)vonk__j_object_ref(vonk__j_context_of(call->self));
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk__j_context *context_of(const vonk__j_call *call) { return ((tracker *)call->self)->context; }

static vonk_status ints(vonk__j_machine *machine, const uint32_t *ids, uint32_t n, vonk__j_array **ret, vonk_error *err)
{
    VONK_TRY(vonk__j_array_new(machine, vonk__j_class_named(machine, "int"), n, ret, err));
    for (uint32_t i = 0; i < n; i++) (*ret)->items[i] = vonk__j_i32((int32_t)ids[i]);
    return VONK_OK;
}
static vonk_status return_ints(vonk__j_call *call, const uint32_t *ids, uint32_t n, vonk_error *err)
{
    vonk__j_array *array = NULL;
    VONK_TRY(ints(call->machine, ids, n, &array, err));
    return vonk__j_return(call, vonk__j_of(&array->head));
}

/* ---- ids */

enum { OF_GROUP, OF_TAG, ACTIVE };
static vonk_status m_jobs(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(context_of(call));
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const uint32_t *ids = NULL;
    uint32_t n = 0;
    const bool is_active = call->member->tag == ACTIVE;
    const vonk_str value = call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE;
    const vonk_str key = is_active || !value.data        ? VONK_STR_NONE
                         : call->member->tag == OF_GROUP ? VONK_STR("spark.jobGroup.id")
                                                         : VONK_STR("spark.job.tags");
    if (!e) return return_ints(call, NULL, 0, err);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_scheduler_jobs(e->scheduler, key, value, is_active, arena, &ids, &n, err));
    return return_ints(call, ids, n, err);
}

static vonk_status add_active_stages(vonk__j_engine *e, uint32_t job, vonk_arena *arena, uint32_t *ids, uint32_t *n,
                                     uint32_t most, vonk_error *err)
{
    const uint32_t *stages = NULL;
    uint32_t n_stages = 0;
    vonk_job_state state;
    VONK_TRY(vonk_scheduler_job(e->scheduler, job, arena, &state, &stages, &n_stages, err));
    for (uint32_t i = 0; i < n_stages && *n < most; i++) {
        vonk_stage_status status = {0};
        bool there = false;
        VONK_TRY(vonk_scheduler_stage(e->scheduler, stages[i], arena, &there, &status, err));
        if (there && status.submitted_us && status.n_done < status.n_tasks) ids[(*n)++] = stages[i];
    }
    return VONK_OK;
}

static vonk_status m_active_stages(vonk__j_call *call, vonk_error *err)
{
    enum { MOST = 4096 };
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(context_of(call));
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const uint32_t *jobs = NULL;
    uint32_t n_jobs = 0, n = 0, *ids = NULL;
    if (!e) return return_ints(call, NULL, 0, err);
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_arena_array(arena, MOST, sizeof *ids, &ids, err));
    VONK_TRY(vonk_scheduler_jobs(e->scheduler, VONK_STR_NONE, VONK_STR_NONE, true, arena, &jobs, &n_jobs, err));
    for (uint32_t i = 0; i < n_jobs; i++) VONK_TRY(add_active_stages(e, jobs[i], arena, ids, &n, MOST, err));
    return return_ints(call, ids, n, err);
}

/* ---- one job, one stage; null when it is not known */

static vonk_status m_job(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(context_of(call));
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK__J_AUTO job_info *made = NULL;
    vonk__j_array *stages = NULL;
    const uint32_t *ids = NULL;
    uint32_t n = 0;
    vonk_job_state state = VONK_JOB_UNKNOWN;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    if (e && call->args[0].i >= 0)
        VONK_TRY(vonk_scheduler_job(e->scheduler, (uint32_t)call->args[0].i, arena, &state, &ids, &n, err));
    if (state == VONK_JOB_UNKNOWN) return vonk__j_return(call, VONK__J_NOTHING);
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.SparkJobInfo", &made, err));
    VONK_TRY(ints(call->machine, ids, n, &stages, err));
    made->stages = &stages->head;
    made->id = (int32_t)call->args[0].i;
    made->state = state;
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
static vonk_status m_stage(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(context_of(call));
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK__J_AUTO stage_info *made = NULL;
    vonk_stage_status status = {0};
    bool there = false;
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    if (e && call->args[0].i >= 0)
        VONK_TRY(vonk_scheduler_stage(e->scheduler, (uint32_t)call->args[0].i, arena, &there, &status, err));
    if (!there) return vonk__j_return(call, VONK__J_NOTHING);
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.SparkStageInfo", &made, err));
    made->status = status;
    VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, status.name, &made->name, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}

enum { JOB_ID, STAGE_IDS, STATUS };
static vonk_status job_get(vonk__j_call *call, vonk_error *err)
{
    static const char *const names[] = {
        [VONK_JOB_RUNNING] = "RUNNING", [VONK_JOB_SUCCEEDED] = "SUCCEEDED", [VONK_JOB_FAILED] = "FAILED"};
    const job_info *j = (job_info *)call->self;
    switch (call->member->tag) {
    case JOB_ID: return vonk__j_return(call, vonk__j_i32(j->id));
    case STAGE_IDS: return vonk__j_return(call, vonk__j_of(vonk__j_object_ref(j->stages)));
    default: return vonk__j_return_str(call, vonk_str_of(names[j->state]), err);
    }
}

enum { STAGE_ID, ATTEMPT, STAGE_NAME, N_TASKS, N_ACTIVE, N_DONE, N_FAILED, SUBMITTED };
static vonk_status stage_get(vonk__j_call *call, vonk_error *err)
{
    const stage_info *s = (stage_info *)call->self;
    const vonk_stage_status *st = &s->status;
    const uint32_t numbers[] = {[STAGE_ID] = st->id,       [ATTEMPT] = st->attempt, [N_TASKS] = st->n_tasks,
                                [N_ACTIVE] = st->n_active, [N_DONE] = st->n_done,   [N_FAILED] = st->n_failed};
    (void)err;
    if (call->member->tag == STAGE_NAME) return vonk__j_return(call, vonk__j_ref(s->name));
    if (call->member->tag == SUBMITTED) return vonk__j_return(call, vonk__j_i64(st->submitted_us / 1000));
    return vonk__j_return(call, vonk__j_i32((int32_t)numbers[call->member->tag]));
}

/* ---- executors: there is one, the driver */

static vonk_status m_executors(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_array *array = NULL;
    vonk__j_object *made = NULL;
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "org.apache.spark.SparkExecutorInfo"),
                               1, &array, err));
    VONK_TRY(vonk__j_object_new(call->machine, "org.apache.spark.SparkExecutorInfo", &made, err));
    array->items[0] = vonk__j_of(made);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}
enum { HOST, PORT, RUNNING, USED, TOTAL, NONE };
static vonk_status executor_get(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_context *c = vonk__j_active_context(call->machine);
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = c ? vonk__j_engine_try(c) : NULL;
    int64_t n = 0;
    if (call->member->tag == HOST) return vonk__j_return_str(call, VONK_STR("localhost"), err);
    if (call->member->tag == PORT || call->member->tag == RUNNING) {
        VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
        const uint32_t *jobs = NULL;
        uint32_t n_jobs = 0, n_tasks = 0;
        if (call->member->tag == PORT || !e) return vonk__j_return(call, vonk__j_i32(0));
        VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
        VONK_TRY(vonk_scheduler_jobs(e->scheduler, VONK_STR_NONE, VONK_STR_NONE, true, arena, &jobs, &n_jobs, err));
        for (uint32_t i = 0; i < n_jobs; i++) {
            const uint32_t *stages = NULL;
            uint32_t n_stages = 0;
            vonk_job_state state;
            VONK_TRY(vonk_scheduler_job(e->scheduler, jobs[i], arena, &state, &stages, &n_stages, err));
            for (uint32_t k = 0; k < n_stages; k++) {
                vonk_stage_status status = {0};
                bool there = false;
                VONK_TRY(vonk_scheduler_stage(e->scheduler, stages[k], arena, &there, &status, err));
                n_tasks += there ? status.n_active : 0;
            }
        }
        return vonk__j_return(call, vonk__j_i32((int32_t)n_tasks));
    }
    if (e && call->member->tag == USED) n = vonk_budget_used(vonk_block_store_budget(e->store));
    if (e && call->member->tag == TOTAL) n = vonk_budget_limit(vonk_block_store_budget(e->store));
    return vonk__j_return(call, vonk__j_i64(n));
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
static const vonk__j_member context_members[] = {METHOD("statusTracker", "", TRACKER, m_tracker, 0)};
static const vonk__j_member tracker_members[] = {
    METHOD("getJobIdsForGroup", "String", "int[]", m_jobs, OF_GROUP),
    METHOD("getJobIdsForTag", "String", "int[]", m_jobs, OF_TAG),
    METHOD("getActiveJobIds", "", "int[]", m_jobs, ACTIVE),
    METHOD("getActiveStageIds", "", "int[]", m_active_stages, 0),
    METHOD("getJobInfo", "int", "org.apache.spark.SparkJobInfo", m_job, 0),
    METHOD("getStageInfo", "int", "org.apache.spark.SparkStageInfo", m_stage, 0),
    METHOD("getExecutorInfos", "", "org.apache.spark.SparkExecutorInfo[]", m_executors, 0),
};
static const vonk__j_member job_members[] = {
    METHOD("jobId", "", "int", job_get, JOB_ID),
    METHOD("stageIds", "", "int[]", job_get, STAGE_IDS),
    METHOD("status", "", "Object", job_get, STATUS),
};
static const vonk__j_member stage_members[] = {
    METHOD("stageId", "", "int", stage_get, STAGE_ID),
    METHOD("currentAttemptId", "", "int", stage_get, ATTEMPT),
    METHOD("name", "", "String", stage_get, STAGE_NAME),
    METHOD("numTasks", "", "int", stage_get, N_TASKS),
    METHOD("numActiveTasks", "", "int", stage_get, N_ACTIVE),
    METHOD("numCompletedTasks", "", "int", stage_get, N_DONE),
    METHOD("numFailedTasks", "", "int", stage_get, N_FAILED),
    METHOD("submissionTime", "", "long", stage_get, SUBMITTED),
};
static const vonk__j_member executor_members[] = {
    METHOD("host", "", "String", executor_get, HOST),
    METHOD("port", "", "int", executor_get, PORT),
    METHOD("cacheSize", "", "long", executor_get, USED),
    METHOD("numRunningTasks", "", "int", executor_get, RUNNING),
    METHOD("usedOnHeapStorageMemory", "", "long", executor_get, USED),
    METHOD("usedOffHeapStorageMemory", "", "long", executor_get, NONE),
    METHOD("totalOnHeapStorageMemory", "", "long", executor_get, TOTAL),
    METHOD("totalOffHeapStorageMemory", "", "long", executor_get, NONE),
};
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.api.java.JavaSparkContext$Status",
     .flags = VONK__J_INTERFACE,
     VONK__J_MEMBERS(context_members)},
    {.fqn = TRACKER,
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(tracker_members),
     .size = sizeof(tracker),
     .drop = tracker_drop},
    {.fqn = "org.apache.spark.SparkJobInfo",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(job_members),
     .size = sizeof(job_info),
     .drop = job_drop},
    {.fqn = "org.apache.spark.SparkStageInfo",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(stage_members),
     .size = sizeof(stage_info),
     .drop = stage_drop},
    {.fqn = "org.apache.spark.SparkExecutorInfo",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(executor_members),
     .size = sizeof(vonk__j_object)},
};
const vonk__j_area vonk__j_area_rdd_status = {rows, VONK_COUNTOF(rows)};
