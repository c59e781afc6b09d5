/* cluster/scheduler.h -- jobs, stages, tasks: what runs when, again, and where it fails.
 *
 * Nouns (Spark's).  A *job* is one action. Its *stages* form an acyclic graph; a stage is n tasks of one kind. A *task*
 * is (kind, bytes, partition): the kind is registered by the folder that runs it, the bytes are all it knows, so that
 * it may run in another process; nothing here knows SQL or RDDs. A map stage fills a shuffle, a result stage hands
 * bytes to the job's receiver. A *slot* is a thread that runs one task at a time; tasks may block.
 *
 * Failing.  A task that raises is run again until it has failed spark.task.maxFailures times (local[N]: 1; local[N,F]:
 * F); then its job fails with that error. VONK_E_BLOCK_LOST is not a failure: map stages whose output is missing run
 * again, only the missing tasks, then the task. A stage that does so spark.stage.maxConsecutiveAttempts times in a row
 * fails the job. Cancelling.  Tasks see vonk_task_cancelled; cancelling also calls what they registered with
 * vonk_task_on_cancel (kills a worker).
 *
 * Threads.  Everything may be called from any thread. Receivers are called from slots, one at a time per job. */
#ifndef VONK_CLUSTER_SCHEDULER_H
#define VONK_CLUSTER_SCHEDULER_H

#include "base/arena.h"
#include "cluster/shuffle.h"

typedef struct vonk_scheduler vonk_scheduler;
typedef struct vonk_job_run vonk_job_run;
typedef struct vonk_task vonk_task;

typedef struct vonk_property {
    vonk_str key, value;
} vonk_property;

/* ---- tasks, as those see them who run them */
struct vonk_task {
    uint32_t stage, partition, attempt, stage_attempt;
    uint64_t task_id; /* unique in the process */
    uint32_t job;
    uint32_t n_tasks; /* of the stage */
    bool barrier;
    vonk_str bytes;                  /* of the stage */
    const vonk_property *properties; /* local properties of the job */
    uint32_t n_properties;
    vonk_budget *budget; /* of the task, below the job's */
    vonk_scheduler *scheduler;
    vonk_buf *result;      /* result stages: what the receiver gets, if it was not sent already */
    vonk_shuffle *shuffle; /* map stages: to be filled; task number = partition */
};
typedef struct vonk_task_kind {
    const char *name; /* travels in place of a pointer */
    vonk_status (*run)(vonk_task *task, vonk_error *err);
} vonk_task_kind;
bool vonk_task_cancelled(const vonk_task *task);
/* Called at most once, from any thread; NULL takes it back, and it is not running any more on return. */
void vonk_task_on_cancel(vonk_task *task, void (*stop)(void *arg), void *arg);
/* Updates of accumulators, merged by the job's receiver once per partition, in order of success. */
vonk_status vonk_task_accumulate(vonk_task *task, vonk_str update, vonk_error *err);
/* Barrier stages: all tasks of the stage wait for each other; *ret (all_gather): every task's message, by partition,
 * each with its length as int32 before it. */
vonk_status vonk_task_barrier(vonk_task *task, vonk_str message, vonk_buf *ret, vonk_error *err);
/* Those who wait at the barrier of the task's stage, and who comes later, fail: this task does not come any more. Any
 * thread. */
void vonk_task_break_barrier(vonk_task *task);

/* Between the two the task waits for what tasks of other jobs may have to make (a query over an RDD): its slot is another
 * task's meanwhile. Afterwards more tasks than slots may run for a while. */
void vonk_task_wait_begin(vonk_task *task);
void vonk_task_wait_end(vonk_task *task);

/* ---- jobs */
typedef struct vonk_stage_spec {
    const char *kind;           /* of its tasks */
    vonk_str bytes;             /* copied */
    const uint32_t *partitions; /* that are wanted; NULL: 0 .. n - 1 */
    uint32_t n_partitions;
    const uint32_t *parents; /* stages of this job, lower numbers */
    uint32_t n_parents;
    vonk_shuffle *shuffle; /* map stage; referenced. NULL: the result stage, the last one */
    bool barrier;
    vonk_str name; /* call site, for people */
} vonk_stage_spec;

typedef struct vonk_receiver {
    void *self;
    /* A result task has succeeded; bytes are valid during the call. Raising fails the job. */
    vonk_status (*result)(void *self, uint32_t index, vonk_str bytes, vonk_error *err);
    vonk_status (*accumulate)(void *self, vonk_str update, vonk_error *err);
} vonk_receiver;

typedef struct vonk_job_spec {
    const vonk_stage_spec *stages;
    uint32_t n_stages;
    vonk_receiver receiver;
    const vonk_property *properties; /* spark.jobGroup.id, spark.job.tags, spark.scheduler.pool, ...: copied */
    uint32_t n_properties;
    vonk_budget *budget;
    void (*over)(void *arg); /* called when the job is freed: what its tasks and its receiver needed; may be NULL */
    void *over_arg;
} vonk_job_spec;

typedef struct vonk_scheduler_options {
    uint32_t n_slots; /* threads are started as tasks need them */
    uint32_t max_failures;
    uint32_t max_stage_attempts;
    bool fair; /* between pools (spark.scheduler.mode) */
} vonk_scheduler_options;

vonk_status vonk_scheduler_new(vonk_budget *budget, vonk_block_store *store, const vonk_scheduler_options *options,
                               vonk_scheduler **ret, vonk_error *err);
void vonk_scheduler_free(vonk_scheduler *scheduler); /* joins its threads; its jobs' handles are freed before */
VONK_DEFINE_AUTO(vonk_scheduler, vonk_scheduler_free)
vonk_block_store *vonk_scheduler_blocks(vonk_scheduler *scheduler);
/* Once each, before the first job; the row must outlive the scheduler. */
vonk_status vonk_scheduler_register(vonk_scheduler *scheduler, const vonk_task_kind *kind, vonk_error *err);
/* name of a pool with weight and minimum share (fairscheduler.xml). */
vonk_status vonk_scheduler_pool(vonk_scheduler *scheduler, vonk_str name, bool fair, uint32_t weight,
                                uint32_t min_share, vonk_error *err);

vonk_status vonk_job_start(vonk_scheduler *scheduler, const vonk_job_spec *spec, vonk_job_run **ret, vonk_error *err);
uint32_t vonk_job_id(const vonk_job_run *job);
/* Raises what the job failed with; SPARK_JOB_CANCELLED with its reason. The receiver is not called any more then; tasks
 * may still be on their way to an end, which vonk_job_free waits for. timeout_ns < 0: waits for ever; *ret_ended false:
 * not yet. */
vonk_status vonk_job_wait(vonk_job_run *job, int64_t timeout_ns, bool *ret_ended, vonk_error *err);
void vonk_job_cancel(vonk_job_run *job, vonk_str reason);
void vonk_job_free(vonk_job_run *job); /* cancels it if it runs */
VONK_DEFINE_AUTO(vonk_job_run, vonk_job_free)
/* By a local property: spark.jobGroup.id equal to it, or spark.job.tags (comma-separated) holding it; empty key: all.
 * *ret: how many. Future jobs too where `future` (cancelJobGroupAndFutureJobs). */
uint32_t vonk_scheduler_cancel(vonk_scheduler *scheduler, vonk_str key, vonk_str value, vonk_str reason, bool future);

/* ---- looking (status tracker, UI) */
typedef struct vonk_stage_status {
    uint32_t id, attempt, n_tasks, n_active, n_done, n_failed;
    int64_t submitted_us, completed_us; /* 0: not yet */
    vonk_str name;                      /* in the arena given */
    bool needed;                        /* by the job, as far as it knows now */
} vonk_stage_status;
typedef enum vonk_job_state { VONK_JOB_RUNNING, VONK_JOB_SUCCEEDED, VONK_JOB_FAILED, VONK_JOB_UNKNOWN } vonk_job_state;
typedef struct vonk_job_status { /* texts and stages in the arena given; texts without data: not set */
    uint32_t id, n_stages;
    vonk_job_state state;
    int64_t submitted_us, completed_us; /* 0: not yet */
    vonk_str group, tags, description;  /* local properties */
    const vonk_stage_status *stages;
} vonk_job_status;
/* All jobs that are kept, the last thousand, by id. */
vonk_status vonk_scheduler_all_jobs(vonk_scheduler *scheduler, vonk_arena *arena, const vonk_job_status **ret,
                                    uint32_t *ret_n, vonk_error *err);
vonk_status vonk_scheduler_job(vonk_scheduler *scheduler, uint32_t job, vonk_arena *arena, vonk_job_state *ret_state,
                               const uint32_t **ret_stages, uint32_t *ret_n, vonk_error *err);
/* Ids of jobs with that local property (spark.jobGroup.id, spark.job.tags), or, with an empty key, of those without a
 * group, and of all that run where `running`. */
vonk_status vonk_scheduler_jobs(vonk_scheduler *scheduler, vonk_str key, vonk_str value, bool running,
                                vonk_arena *arena, const uint32_t **ret_jobs, uint32_t *ret_n, vonk_error *err);
vonk_status vonk_scheduler_stage(vonk_scheduler *scheduler, uint32_t stage, vonk_arena *arena, bool *ret_there,
                                 vonk_stage_status *ret, vonk_error *err);

#endif
