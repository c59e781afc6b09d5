/* exec/op.h -- what an operator is: a read-only description (plan node), shared and per-lane state, and functions that
 * the runner calls.
 *
 * Nouns.  A *lane* is one of the query's up to n_threads runners; a pool thread runs a lane, a lane is run by one
 * thread at a time. A *pipeline* is a path source -> stream inputs -> sink input. A *morsel* is a piece of one
 * partition that one lane takes through the whole pipeline. An operator plays up to three roles: stream input   push()
 * turns a batch into batches; the pipeline goes on above sink input     push() keeps rows; the pipeline ends here:
 * merge() per lane, finish() once, steps in parallel source         next() puts rows out: leaves, sinks after their
 * finish(), and what a stream holds back to the very end (unmatched rows of an outer join)
 *
 * Life:   open                                   once, at lowering, children first; nothing runs yet
 *         [local_open push* end_morsel]* merge   per lane and input; every morsel ends with end_morsel
 *         finish, step(0 .. n_steps)             sink inputs, after the last merge of that input
 *         n_morsels, [start next*]*              source
 *         local_close, close                     always, also after errors and cancel
 * The runner runs the children of a node in the order of `first` (see vonk_input_class): a join's build side before its
 * probe side.
 *
 * Order.  A morsel has an *ordinal*: its place among all morsels that reach the same sink; ascending ordinals are
 * Spark's order (partition, sequence). Batches of one morsel come one after the other. So a stream keeps order without
 * doing anything; the runner stamps (partition, sequence) on whatever it puts out. State is one for all partitions;
 * where a result depends on partition borders (sortWithinPartitions, local limit), the operator uses lane->partition as
 * a key of its own.
 *
 * Threads.  push, end_morsel, merge, step, start and next run at the same time on several lanes: `local` belongs to the
 * lane, `shared` needs the operator's own lock. open, finish and close run alone; so does n_morsels, but for an exchange:
 * several pipelines read it when it is a shared subplan. Adding an operator: exec/README.md. */
#ifndef VONK_EXEC_OP_H
#define VONK_EXEC_OP_H

#include "exec/exec.h"
#include "plan/program.h"

typedef struct vonk_op vonk_op;
typedef struct vonk_op_class vonk_op_class;
typedef struct vonk_lane vonk_lane;
typedef struct vonk_wake vonk_wake;

typedef enum vonk_flow {
    VONK_MORE,   /* done with this batch, give the next */
    VONK_ENOUGH, /* done, and nothing more of this morsel is wanted */
    VONK_AGAIN,  /* not done: push the same batch once more after `out` has gone on (join, generate) */
    VONK_WAIT /* not done: the lane is parked until vonk_wake_up(token of vonk_lane_park), then push the same batch once
                 more */
} vonk_flow;

typedef enum vonk_order {
    VONK_ORDER_KEEPS,  /* rows come out in the order they came in */
    VONK_ORDER_BREAKS, /* the operator makes an order of its own (and says so in EXPLAIN) */
    VONK_ORDER_NEEDS /* sees each partition's rows in order: the pipeline runs each partition as one task on one lane */
} vonk_order;

/* Where the runner is. Read-only for operators, but for `scratch` and `ev`. */
struct vonk_lane {
    vonk_exec *exec;
    uint32_t number;     /* 0 .. vonk_exec_n_lanes() - 1 */
    int32_t partition;   /* of the rows being pushed (as numbered at this operator) */
    uint64_t ordinal;    /* of the morsel, see above; below 2^32 */
    int32_t first_partition; /* end_morsel: of the unit of work, numbered like `partition`; only serial pipelines have
                                units of several partitions */
    bool unwanted;           /* end_morsel: what is put out now is thrown away (LIMIT has enough) */
    vonk_arena *scratch; /* reset after each batch that the source gives, and before a call is repeated (AGAIN, WAIT) */
    vonk_budget *budget; /* for batches that are handed on (op->budget pays for what the operator keeps) */
    vonk_eval ev;        /* for aggregates and generators; ev.budget is `budget`, ev.scratch is `scratch` */
};

/* Output of one call: at most one batch. */
typedef struct vonk_out {
    vonk_batch *batch;
} vonk_out;
static inline void vonk_out_put(vonk_out *out, vonk_batch *take_batch)
{
    assert(!out->batch);
    out->batch = take_batch;
}

typedef struct vonk_op_metrics { /* added up by the runner unless said otherwise */
    _Atomic uint64_t rows_out, batches_out, time_ns;
    _Atomic uint64_t spilled_bytes, spills, bytes_read; /* by the operator */
} vonk_op_metrics;

struct vonk_op {
    const vonk_op_class *cls;
    const vonk_plan *node;
    vonk_exec *exec;
    uint32_t number, n_children;
    vonk_op **children;
    vonk_budget *budget;   /* the operator's own, below the query's */
    vonk_arena *arena;     /* lives as long as the execution; for open() only (not thread-safe) */
    uint32_t n_partitions; /* of the output. Set to child 0's before open(); sources and exchanges set their own in
                              open() and never change it */
    bool needs_order;      /* open() may set it: as VONK_ORDER_NEEDS, e.g. for partition-bound expressions */
    bool wants_empty; /* open() may set it, with needs_order: end_morsel is called for partitions without morsels, too */
    bool by_hash; /* equal keys of a hash exchange below are in one partition: set by exchanges, handed on by the runner
                     through streams */
    const uint32_t *partition_add; /* [child]: added to the partition numbers of that child's rows (union); NULL:
                                      nothing. By open() */
    const uint32_t *partition_map; /* [partition of child 0]: its new number, never descending (coalesce); NULL: the
                                      same. By open() */
    const vonk_plan
        *fused; /* a node below that this operator stands for too, or an exchange that is left out (exec/fuse.c) */
    void *shared;
    const vonk_type **types; /* of the output columns; borrowed from node->output */
    uint32_t n_columns;
    vonk_op_metrics metrics;
    /* the runner's own */
    uint32_t stage;
    struct exec_port **ports; /* [child] */
    bool opened, has_spiller;
    vonk_spiller spiller;
};

typedef struct vonk_input_class {
    bool sink;
    int first; /* inputs with higher numbers are run to their end before those with lower ones start; 0 for the only or
                  the streamed input */
    vonk_order order;
    size_t local_size; /* zeroed by the runner, one per lane */
    vonk_status (*local_open)(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err); /* NULL: nothing to do */
    /* `in` is borrowed (reference it to keep it), may carry a selection, has at least one selected row. Streams only:
     * at most one batch into `out`; batches without selected rows are dropped by the runner. *ret_flow is VONK_MORE
     * before the call. NULL: rows just pass (union). */
    vonk_status (*push)(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                        vonk_flow *ret_flow, vonk_error *err);
    /* The morsel has no more rows; streams put out what they kept back, one batch a call (VONK_AGAIN: once more).
     * VONK_WAIT allowed. May be NULL. */
    vonk_status (*end_morsel)(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err);
    /* Sinks and streams: this lane has no more morsels for this input: fold local into shared. May be NULL. */
    vonk_status (*merge)(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
    /* Sinks, and streams that need it: all lanes have merged; alone. *ret_steps: how many independent pieces of work remain, run in parallel by
     * step(); preset to 0. May be NULL. */
    vonk_status (*finish)(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err);
    vonk_status (*step)(vonk_op *op, vonk_lane *lane, uint32_t i, vonk_error *err);
    /* Is any row of this morsel still wanted? Asked before a morsel is handed out, in ascending ordinals, under the
     * pipeline's lock. Streams and sinks; NULL: yes. */
    bool (*wants)(vonk_op *op, int32_t partition, uint64_t ordinal);
    void (*local_close)(vonk_op *op, void *local); /* always, for every local that was opened (also half) */
} vonk_input_class;

typedef struct vonk_source_class {
    size_t local_size;
    vonk_status (*local_open)(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err);
    /* Asked once per partition (0 .. op->n_partitions - 1) when the pipeline starts. */
    vonk_status (*n_morsels)(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err);
    vonk_status (*start)(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                         vonk_error *err);
    /* The morsel's next batch, new reference; none in `out` with VONK_MORE means the end. VONK_WAIT allowed. */
    vonk_status (*next)(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow, vonk_error *err);
    void (*local_close)(vonk_op *op, void *local);
} vonk_source_class;

struct vonk_op_class {
    const char *name;   /* in metrics and test names */
    size_t shared_size; /* op->shared, zeroed */
    /* Once: compile programs, check the payload, set n_partitions. Memory from op->arena or op->budget. */
    vonk_status (*open)(vonk_op *op, vonk_error *err);
    void (*close)(vonk_op *op); /* always runs once open() was called, may not fail */
    /* Asked by the budget, on any thread, at any time between open() and close(), maybe inside an allocation of this
     * very operator: use a try-lock and say 0 when busy. spillable: bytes that spill() could free now. spill: frees at
     * least bytes_wanted if it can, returns how much; its errors are kept by the operator and raised at its next call.
     * Only `shared` may be touched: keep locals small, move what grows into `shared`. */
    int64_t (*spillable)(vonk_op *op);
    int64_t (*spill)(vonk_op *op, int64_t bytes_wanted);
    /* Child i uses inputs[i], the last one stands for all further children. */
    uint32_t n_inputs;
    const vonk_input_class *inputs;
    const vonk_source_class
        *source; /* leaves, breakers; a stream with a source gets it run after all its inputs are at their end */
    /* Another class for this very node (NULL: this one); `root`: its rows go to the result. May be NULL. */
    const vonk_op_class *(*choose)(const vonk_plan *node, bool root);
    /* Appends "key: value, ..." of its own numbers for EXPLAIN ANALYZE. May be NULL. */
    vonk_status (*metrics)(vonk_op *op, vonk_buf *out, vonk_error *err);
};

/* ---- what operators may ask of the execution */
uint32_t vonk_exec_n_lanes(const vonk_exec *exec);
uint32_t vonk_exec_batch_rows(const vonk_exec *exec);
const vonk_conf *vonk_exec_conf(const vonk_exec *exec);
const vonk_fn_env *vonk_exec_fn_env(const vonk_exec *exec);
vonk_budget *vonk_exec_budget(const vonk_exec *exec); /* the query's */
vonk_str vonk_exec_spill_dir(const vonk_exec *exec);
bool vonk_exec_force_spill(const vonk_exec *exec); /* vonk.test.forceSpill: spill at every chance */
bool vonk_exec_cancelled(const vonk_exec *exec);   /* long loops (> 10 ms) look at it and return OPERATION_CANCELED */

/* Parking: call vonk_lane_park first, hand the token to whoever will have news, then return VONK_WAIT. The token is
 * used up by vonk_wake_up, which may come from any thread, also before WAIT is returned. After WAIT the token must be
 * woken exactly once (cancel wakes the lane by itself; the token stays valid until woken). */
vonk_status vonk_lane_park(vonk_lane *lane, vonk_wake **ret, vonk_error *err);
void vonk_wake_up(vonk_wake *take_token);

/* Compiles a list of the operator's expressions into op->arena's lifespan; the program is freed by close() of the
 * operator: vonk_program_free. */
vonk_status vonk_op_program(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, vonk_program **ret,
                            vonk_error *err);
/* Types of a list of expressions, in op->arena. */
vonk_status vonk_op_types(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, const vonk_type ***ret,
                          vonk_error *err);
/* New batch over columns (references taken, also on failure); n columns may be 0. */
vonk_status vonk_op_batch(vonk_lane *lane, uint32_t n_rows, vonk_column **take_columns, uint32_t n, vonk_batch **ret,
                          vonk_error *err);

/* Where values of `expr` (a BOUND over child `child` of op) come from, if rows reach op from a scan through filters,
 * projections, grouping keys and the streamed side of joins: finds a free runtime filter slot of that scan. False: none. The
 * slot is filled once, with vonk_exec_publish_filter (takes the reference; any thread). */
typedef struct vonk_filter_slot {
    vonk_scan *scan;
    uint32_t slot;
} vonk_filter_slot;
bool vonk_op_filter_slot(vonk_op *op, uint32_t child, const vonk_expr *expr, vonk_filter_slot *ret);
void vonk_exec_publish_filter(vonk_filter_slot slot, vonk_runtime_filter *take_filter);

/* ---- batches on disk (exec/spill.c; docs/format/spill.md: column blocks, LZ4, checksummed). A file has no name on
 * disk any more once it is open. Counted in op->metrics. Working memory of spilling is one block at a time and is
 * charged to the process: it is needed just when the query has none. */
typedef struct vonk_spill_file vonk_spill_file;
typedef struct vonk_spill_ref { /* where a batch lies */
    uint64_t offset;
    uint32_t bytes, n_rows;
} vonk_spill_ref;
vonk_status vonk_spill_new(vonk_op *op, const vonk_type *const *types /* borrowed until free */, uint32_t n_types,
                           vonk_spill_file **ret, vonk_error *err);
void vonk_spill_free(vonk_spill_file *file);
VONK_DEFINE_AUTO(vonk_spill_file, vonk_spill_free)
/* Any thread, any order. Partition and sequence are kept, the selection is applied. */
vonk_status vonk_spill_put(vonk_spill_file *file, const vonk_batch *batch, vonk_spill_ref *ret, vonk_error *err);
vonk_status vonk_spill_get(vonk_spill_file *file, vonk_spill_ref ref, vonk_budget *budget, vonk_batch **ret,
                           vonk_error *err);
void vonk_spill_drop(vonk_spill_file *file, vonk_spill_ref ref); /* not read again: its disk space may go back */

/* The operator class of a node kind: rows of exec/op.def. NULL: not built. */
const vonk_op_class *vonk_op_class_of(vonk_node_kind kind);

#endif
