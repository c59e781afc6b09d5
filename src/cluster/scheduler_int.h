/* cluster/scheduler_int.h -- inside of the scheduler.
 *
 * Locks.  `lock` of the scheduler guards everything but what a slot's hook lock and a job's receiver lock guard. Under
 * it nothing is allocated (what a job needs is there before it starts) but the threads of slots. Receivers run under
 * the job's receiver lock, hooks under the slot's hook lock; neither with `lock` held. Order: receiver, lock, hook. */
#ifndef VONK_CLUSTER_SCHEDULER_INT_H
#define VONK_CLUSTER_SCHEDULER_INT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "cluster/scheduler.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum { KEPT_JOBS = 1000, KEPT_CANCELS = 1000 };
enum { SPARE_THREADS = 64 }; /* for slots that waiting tasks have given away */

typedef struct job_record { /* what may be asked about a job, also when it is over */
    uint32_t id, n_stages;
    vonk_job_state state;
    vonk_status status;
    vonk_str group, tags, description;
    int64_t submitted_us, completed_us;
    vonk_stage_status *stages;
    uint32_t *stage_ids;
    bool held; /* the job itself still lives */
    vonk_arena *arena;
    struct job_record *next;
} job_record;

typedef struct run_pool {
    char *name;
    bool fair;
    uint32_t weight, min_share, n_running;
} run_pool;

typedef struct barrier { /* of a stage attempt; under the scheduler's lock */
    uint32_t n_arrived, generation;
    bool broken;        /* somebody has left who will not come again */
    const void *broken_by; /* the slot that has said so itself; its failure is still to come */
    vonk_str *messages; /* of those who wait, by index; borrowed */
    vonk_buf answer;    /* of the last generation, until all have taken it */
    uint32_t n_to_take;
} barrier;

typedef struct stage {
    vonk_job_run *job;
    const vonk_task_kind *kind;
    vonk_str bytes;
    const uint32_t *partitions, *parents;
    uint32_t n_tasks, n_parents;
    vonk_shuffle *shuffle; /* NULL: the result stage */
    bool is_barrier;
    bool running, stopped;                        /* an attempt is under way; nothing of it starts any more */
    uint32_t *pending, next_pending, end_pending; /* places of tasks; each stands there at most once */
    uint32_t n_left;                              /* results that are missing */
    bool is_given;                                /* the receiver has got something of it */
    uint32_t consecutive;                         /* attempts that did not end well */
    uint16_t *failures;                           /* by place */
    bool *done, *accumulated;                     /* by place; done: results */
    barrier barrier;
    vonk_error lonely; /* of the first one that failed since it was left alone: counts if none has a reason of its own */
    uint32_t lonely_place;
    vonk_stage_status *status;
} stage;

struct vonk_job_run {
    vonk_scheduler *scheduler;
    uint32_t id, n_stages, n_running;
    stage *stages;
    vonk_receiver receiver;
    const vonk_property *properties;
    uint32_t n_properties;
    vonk_budget *budget;
    void (*over)(void *);
    void *over_arg;
    run_pool *pool;
    bool ended;
    vonk_error error;
    vonk_mutex receiver_lock;
    job_record *record;
    vonk_arena *arena;
    vonk_job_run *next; /* of those that run, by id */
};

typedef struct slot {
    vonk_task task; /* first: a task is its slot */
    vonk_scheduler *scheduler;
    vonk_thread *thread;
    stage *stage;    /* NULL: idle */
    bool is_waiting; /* its task has given the slot away */
    uint32_t place;
    bool is_withheld;         /* what the task has made was not given away */
    bool is_left_alone;       /* at a barrier; under the scheduler's lock */
    vonk_buf result, updates; /* updates: each with its length as size_t before it */
    _Atomic bool cancel;
    vonk_mutex hook_lock;
    void (*stop)(void *);
    void *stop_arg;
} slot;

typedef struct future_cancel {
    char *key, *value, *reason;
} future_cancel;

struct vonk_scheduler {
    vonk_budget *budget;
    vonk_block_store *store;
    vonk_scheduler_options options;
    vonk_mutex lock;
    vonk_cond work, changed; /* for slots; for those who wait for jobs and barriers */
    vonk_strmap *kinds;
    VONK_VEC(run_pool *) pools;
    VONK_VEC(future_cancel) cancels;
    vonk_job_run *jobs;
    job_record *records, *last_record;
    uint32_t n_records;
    stage *launching; /* a barrier stage that gets all free slots */
    uint32_t next_job, next_stage, n_busy, n_idle, n_started;
    uint32_t n_waiting; /* of the busy ones: tasks that have given their slot away */
    uint64_t next_task;
    bool stop;
    slot *slots;
};

/* scheduler.c. `lock` is held. */
void vonk__job_end(vonk_job_run *job, vonk_job_state state);
void vonk__job_fail(vonk_job_run *job, vonk_error *take_error);
void vonk__job_advance(vonk_job_run *job); /* starts the attempts that can start */
void vonk__scheduler_wake(vonk_scheduler *scheduler);
/* Calls the hooks of cancelled tasks. `lock` is not held. */
void vonk__scheduler_stop_tasks(vonk_scheduler *scheduler);
/* scheduler_slot.c */
void vonk__slot_run(void *slot);
/* scheduler_pick.c: NULL: nothing to do now. `lock` is held. */
stage *vonk__scheduler_pick(vonk_scheduler *scheduler);
uint32_t vonk__scheduler_pending(const vonk_scheduler *scheduler);
vonk_str vonk__property(const vonk_property *properties, uint32_t n, const char *key);
bool vonk__property_matches(vonk_str given, vonk_str key, vonk_str value);

#endif
