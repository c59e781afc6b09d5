/* exec/exec_int.h -- inside exec/: pool, lanes, ports, pipelines, stages and the result queue. See README.md for the
 * nouns.
 *
 * Locks: pool->lock guards the run queue. exec->lock guards everything about hand-out, ports, pipelines, result and
 * errors; it is held for microseconds per morsel and per result batch, never while an operator runs. Order: exec->lock
 * before pool->lock. */
#ifndef VONK_EXEC_EXEC_INT_H
#define VONK_EXEC_EXEC_INT_H

#include <stdatomic.h>

#include "base/vec.h"
#include "exec/op.h"
#include "sys/thread.h"

typedef struct exec_port exec_port;
typedef struct exec_pipeline exec_pipeline;
typedef struct exec_runner exec_runner;
typedef struct exec_stage exec_stage;

/* ---- one input of an operator */
typedef enum port_state { PORT_OPEN, PORT_MERGING, PORT_FINISHING, PORT_STEPPING, PORT_DONE } port_state;
struct exec_port {
    vonk_op *op;
    const vonk_input_class *cls;
    uint32_t input;
    uint32_t partition_add;
    exec_port *next; /* input that takes the operator's output; NULL for sinks */
    void **locals;   /* [lane]; NULL: not opened */
    port_state state;
    uint32_t n_pipelines_left; /* that run through it and are not at their end */
    uint32_t n_left;           /* merges or steps running or waiting */
    uint32_t n_steps, at_step;
    uint32_t stage;
    bool ends_stage;
    uint32_t last_pipeline;     /* highest number among those that run through it: place of its errors */
    uint64_t next_ordinal;      /* sinks: of the next morsel handed out */
    exec_pipeline *last_feeder; /* while building: the pipeline before, into the same sink */
};

typedef struct path_item {
    exec_port *port;
    const uint32_t *map; /* [source partition]: its number here; NULL: `add` more */
    uint32_t add;
} path_item;
static inline uint32_t vonk__partition_at(const path_item *item, uint32_t source_partition)
{
    return item->map ? item->map[source_partition] : source_partition + item->add;
}

typedef enum pipeline_state {
    PIPELINE_WAITING,
    PIPELINE_STARTING,
    PIPELINE_READY,
    PIPELINE_DRAINING,
    PIPELINE_DONE
} pipeline_state;
struct exec_pipeline {
    uint32_t number; /* in an order of dependency over the whole execution */
    uint32_t stage;
    vonk_op *source;
    path_item *items; /* the last one is the sink */
    uint32_t n_items;
    exec_port **deps; /* must be DONE before the start */
    uint32_t n_deps;
    exec_pipeline
        *feeder; /* must have handed out all its morsels before this one hands out any: same sink, earlier in order */
    pipeline_state state;
    bool serial; /* a whole partition is one unit of work */
    bool empty_too; /* ... also one without morsels */
    uint32_t n_partitions;
    uint32_t *n_morsels;                           /* [partition] */
    uint32_t at_partition, at_morsel;              /* next to hand out */
    uint64_t n_total, n_handed, n_running, n_done; /* units of work */
    void **source_locals;                          /* [lane] */
    exec_pipeline *next;
};

typedef enum work_kind { WORK_NONE, WORK_MORSEL, WORK_START, WORK_MERGE, WORK_FINISH, WORK_STEP, WORK_STAGE } work_kind;
typedef struct exec_work {
    work_kind kind;
    exec_pipeline *pipeline;
    exec_port *port;
    uint32_t i;                                /* lane of a merge, number of a step */
    uint32_t partition, end_partition, morsel; /* serial: all partitions up to end_partition, from their start */
    uint32_t first_partition;
    uint64_t ordinal;
} exec_work;

/* ---- a lane with the runner's own part */
typedef enum lane_state { LANE_IDLE, LANE_ACTIVE /* queued or running */, LANE_PARKED } lane_state;
struct exec_runner {
    vonk_lane pub; /* first */
    lane_state state;
    exec_runner *next_ready; /* pool's list */
    vonk_wake *wake;         /* token of the last park */
    bool waiting;            /* last call returned VONK_WAIT */
    exec_work work;
    /* the morsel being run */
    bool running, source_done;
    bool skip;            /* the rest of the source's partition is not wanted */
    int64_t pending_top;  /* highest item with a pending batch, -1: none */
    int64_t fresh;        /* item whose pending batch it has not seen yet, -1: none */
    int64_t ending;       /* item whose end_morsel is next; -1: source not done */
    int64_t discard;      /* batches for items up to this one are dropped; -1: none */
    uint64_t position;    /* (pipeline + 1) << 32 | ordinal */
    uint64_t n_out;       /* batches put into the sink: low part of the sequence */
    uint32_t steps;       /* asked for by finish */
    vonk_batch **pending; /* [n_items] */
    uint32_t pending_capacity;
    vonk_error error;
};

/* ---- stages */
struct exec_stage {
    const vonk_plan *root; /* exchange node, or the plan's root; borrowed from exec->plan */
    vonk_op *op;           /* of the exchange; NULL: the last stage, or not lowered yet */
    bool started, done;
    _Atomic uint64_t n_units, n_done_units;
};

/* ---- ordered, bounded queue of results: one slot per ordinal, from the first one not fully taken on */
typedef struct result_slot {
    VONK_VEC(vonk_batch *) batches;
    size_t first;    /* not taken */
    uint64_t n_rows; /* put in so far */
    bool ended;
} result_slot;
typedef struct exec_result {
    result_slot *slots;           /* ring: slot of ordinal o is o & (capacity - 1) */
    uint64_t capacity, base, end; /* ordinals base .. end - 1 have slots */
    uint64_t n_batches;
    size_t n_bytes, most_bytes;
    int64_t skip, take;  /* OFFSET and LIMIT still to go; take -1: all */
    int64_t want;        /* rows needed altogether, -1: all */
    uint64_t prefix_end; /* ordinals below have ended */
    int64_t prefix_rows; /* of those */
    bool complete;       /* every morsel has ended */
    bool satisfied;      /* LIMIT reached: nothing more is computed */
    VONK_VEC(vonk_wake *) parked;
    void (*wake)(void *arg); /* of a poller */
    void *wake_arg;
} exec_result;

typedef struct exec_observed {
    vonk_str name;
    const vonk_plan *node;
    vonk_batch *row;
} exec_observed;

typedef struct exec_readers {
    const vonk_plan *exchange;
    uint32_t n;
} exec_readers;

struct vonk_exec {
    vonk_exec_env env;
    vonk_budget *budget, *own_budget; /* the query's; what the runner itself needs */
    _Atomic int64_t next_task;        /* id of one of Python, when the session does not count them */
    int32_t first_stage;              /* what workers of Python hear as the id of stage 0 */
    vonk_arena *arena;
    const vonk_plan *plan;            /* as given; referenced */
    VONK_VEC(exec_readers) readers;   /* of its exchanges, by address */
    VONK_VEC(const vonk_plan *) held; /* decoded stage plans, earlier plans */
    bool force_spill, check_codec;
    bool fuse; /* leave out exchanges that one process does not need */
    vonk_mutex lock;
    vonk_cond changed; /* result or end: whoever waits in vonk_exec_next or _free */
    uint32_t n_lanes, n_active, n_parked;
    exec_runner **lanes;
    /* hand-out */
    exec_pipeline *pipelines, *last_pipeline;
    uint32_t n_pipelines;
    VONK_VEC(exec_work) todo; /* everything but morsels; first in, first out */
    uint32_t n_working;       /* units taken and not done */
    bool all_done;            /* every stage done, or failed and quiet */
    bool deferred;            /* small: the first one who asks for the result runs it */
    bool inline_run;          /* is doing so: no other lane is woken */
    _Atomic uint64_t stop_at; /* work at or past this position is dropped. UINT64_MAX: nothing failed, 0: cancelled */
    _Atomic bool cancelled;
    vonk_error error;
    uint32_t failed_partition; /* of the result: where the error is; UINT32_MAX: not known */
    /* operators */
    VONK_VEC(vonk_op *) ops;
    VONK_VEC(exec_port *) ports;
    VONK_VEC(exec_stage *) stages;
    exec_pipeline *built, *last_built; /* by the stage that is being lowered */
    VONK_VEC(exec_observed) observed;
    VONK_VEC(vonk_buffer *) accumulators; /* of workers; referenced */
    vonk_filter_slot slots[64]; /* given to operators that will publish filters */
    uint32_t n_slots;
    exec_result result;
    /* pool's */
    vonk_exec *next_in_pool;
    bool in_pool;
    exec_runner *first_ready, *last_ready;
};

/* pool.c */
void vonk__pool_submit(vonk_pool *pool, exec_runner *runner);
bool vonk__pool_busy(const vonk_pool *pool); /* somebody waits for a thread */

/* run.c: the lane loop. Returns when the lane has nothing to do, is parked, or (deadline_ns != 0) late. */
void vonk__lane_run(exec_runner *runner, int64_t deadline_ns);
void vonk__exec_kick(vonk_exec *exec, uint64_t n);        /* lock held: wakes up to n idle lanes */
void vonk__exec_stop(vonk_exec *exec, uint64_t position); /* lock held: nothing at or past it is done any more */
void vonk__exec_fail(vonk_exec *exec, const exec_work *work, vonk_error *take_error); /* lock held */

/* pipeline.c: hand-out and what follows when something is at its end. Lock held. */
bool vonk__work_take(vonk_exec *exec, exec_work *ret);
void vonk__work_done(vonk_exec *exec, const exec_work *work, uint32_t n_steps);
uint64_t vonk__work_position(const exec_work *work);
void vonk__todo_add(vonk_exec *exec, exec_work work);
void vonk__start_ready(vonk_exec *exec); /* pipelines whose inputs are there */
/* ... not held */
vonk_status vonk__pipeline_start(exec_pipeline *p, vonk_error *err);

/* plan through encode and decode, leaves that are done exchanges kept (debug builds) */
vonk_status vonk__stage_through_codec(vonk_exec *exec, uint32_t stage, const vonk_plan **inout_root, vonk_error *err);

/* replan.c: the stage's plan in the light of the stages that are done (adaptive execution). A changed one is held by
 * exec; finished exchanges in it stay the same nodes. Not under the lock; one stage at a time. */
vonk_status vonk__replan(vonk_exec *exec, uint32_t stage, const vonk_plan **inout_root, vonk_error *err);

/* fuse.c (docs/decisions/0010). Once, before the others: who reads the exchanges below p. */
vonk_status vonk__count_readers(vonk_exec *exec, const vonk_plan *p, vonk_error *err);
/* Is the exchange that is child i of `parent` left out? */
bool vonk__fuses(const vonk_exec *exec, const vonk_plan *parent, uint32_t i);
/* The node to lower as child i of node; *ret_fused: what is left out or taken over with it, or NULL. */
const vonk_plan *vonk__input_of(const vonk_exec *exec, const vonk_plan *node, uint32_t i, const vonk_plan **ret_fused);

/* lower.c */
vonk_status vonk__cut_stages(vonk_exec *exec, vonk_error *err);
vonk_status vonk__lower_stage(vonk_exec *exec, uint32_t stage, vonk_error *err);
void vonk__stage_attach(vonk_exec *exec, uint32_t stage); /* lock held: its pipelines may run */
void vonk__ops_close(vonk_exec *exec);

/* result.c: an operator class of its own, at the end of the last stage */
extern const vonk_op_class vonk__op_result;
void vonk__result_signal(vonk_exec *exec); /* lock held: there is something to give, or the end */
size_t vonk__result_room(const vonk_budget *budget); /* bytes that the queue may hold */
void vonk__result_done(vonk_exec *exec);

#define OP(KIND, name) extern const vonk_op_class vonk_op_##name;
#include "exec/op.def"
#undef OP

#endif
