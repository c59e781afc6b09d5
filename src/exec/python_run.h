/* exec/python_run.h -- what all operators over functions of Python share: which functions with which settings (once per
 * operator), and one task of a worker with its input and its answers (once per partition and lane).
 *
 * A run is fed and asked by one lane at a time and never blocks it:
 *   start -> [put | next]* -> end -> next ... PYTHON_DONE -> free
 * next() sends, too, so it is called after each put. When it has no news and the operator has nothing else to do,
 * vonk__python_wait parks the lane; the operator then returns VONK_WAIT and asks again when it is called again.
 * Back-pressure: put only while vonk__python_is_hungry; a worker may stop reading until its answers are taken, so
 * answers are always taken first.
 * A run that is freed before PYTHON_DONE costs its worker its life: that is how LIMIT, cancel and errors stop it.
 *
 * Errors are those of python/pool.h and python/task.h; PYTHON_EXCEPTION for what a function raised, ARROW_TYPE_MISMATCH
 * when it gives other types than it said. */
#ifndef VONK_EXEC_PYTHON_RUN_H
#define VONK_EXEC_PYTHON_RUN_H

#include "codec/ipc.h"
#include "codec/pickle.h"
#include "exec/op_int.h"
#include "python/task.h"

/* ---- what is run: filled by open(), in op->arena, read-only then */
typedef struct python_spec {
    vonk_py_eval eval;
    const vonk_python_fn *fn; /* who pickled them, and its files; of several the first */
    VONK_VEC(vonk_py_udf) udfs;
    const vonk_py_udtf *udtf; /* for roles that make tables; set by the operator */
    VONK_VEC(vonk_py_pair) runner_conf, eval_conf;
    VONK_VEC(const vonk_expr *)
    args; /* different arguments of all udfs, in the order of their offsets; over the input */
    VONK_VEC(vonk_str) includes;
    VONK_VEC(vonk_py_broadcast) broadcasts;
    const vonk_type *arg_type; /* struct<_0, _1, ...> of args, once vonk__python_spec_args was called */
    bool pickles;              /* they go as pickles, else as Arrow */
    vonk_pickle_options pickle_options;
    vonk_ipc_options ipc; /* of Arrow input */
    uint32_t batch_rows;  /* of one record batch, or one pickled list */
    uint64_t batch_bytes; /* of one record batch, about; UINT64_MAX: no limit */
    bool barrier;
    struct python_barrier *meeting; /* where barrier tasks wait for each other; the operator's */
} python_spec;

/* Settings that Spark sends with this kind of function, sizes of batches, time zone. */
vonk_status vonk__python_spec_init(vonk_op *op, vonk_py_eval eval, python_spec *spec, vonk_error *err);
/* One more function: `call` is a PYTHON expression, or a chain of them (its only argument is a PYTHON call): the
 * arguments of the innermost are added to spec->args and get offsets there, equal ones one. */
vonk_status vonk__python_spec_call(vonk_op *op, python_spec *spec, const vonk_expr *call, vonk_error *err);
/* One more function with offsets that the operator chooses (groups). Copied. */
vonk_status vonk__python_spec_offsets(vonk_op *op, python_spec *spec, const vonk_expr *call, const int32_t *offsets,
                                      uint32_t n, vonk_error *err);
vonk_status vonk__python_spec_runner_conf(vonk_op *op, python_spec *spec, const char *key, vonk_str value,
                                          vonk_error *err);
vonk_status vonk__python_spec_eval_conf(vonk_op *op, python_spec *spec, const char *key, vonk_str value,
                                        vonk_error *err);
/* struct<_0, _1, ...> of the arguments, in op->arena's lifespan. */
vonk_status vonk__python_spec_arg_type(vonk_op *op, const python_spec *spec, const vonk_type **ret, vonk_error *err);

/* All functions are there: how their arguments go to the worker. */
vonk_status vonk__python_spec_args(vonk_op *op, python_spec *spec, vonk_error *err);
/* Functions that are told the types of their arguments, in the settings of their kind. */
vonk_status vonk__python_spec_tell_types(vonk_op *op, python_spec *spec, vonk_error *err);

/* `take_type` lives as long as the execution from here on. */
vonk_status vonk__python_keep_type(vonk_op *op, const vonk_type *take_type, const vonk_type **ret, vonk_error *err);

/* ---- one task */
typedef struct python_run python_run;

typedef enum python_news_kind {
    PYTHON_NOTHING,    /* yet */
    PYTHON_BATCH,      /* of Arrow answers */
    PYTHON_FRAME,      /* of the others: one pickle */
    PYTHON_STREAM_END, /* of one Arrow stream of answers (there is one per group for some kinds) */
    PYTHON_DONE        /* all answers are there, the worker has gone */
} python_news_kind;
typedef struct python_news {
    python_news_kind kind;
    vonk_batch *batch;  /* the caller's reference */
    vonk_buffer *frame; /* the caller's reference */
} python_news;

/* `expected`: type (a struct; by position, names and nullability do not count) that Arrow answers must have, or NULL;
 * borrowed until free. */
vonk_status vonk__python_start(vonk_op *op, vonk_lane *lane, python_spec *spec, int32_t partition,
                               const vonk_type *expected, python_run **ret, vonk_error *err);
void vonk__python_free(python_run *run); /* NULL is fine */

const python_spec *vonk__python_spec_of(const python_run *run);
vonk_budget *vonk__python_budget_of(const python_run *run);
/* May more be put? */
bool vonk__python_is_hungry(const python_run *run);
/* Is it known how the worker wants groups? Asked before the first one is put: pyspark 4.0 wants one stream in which each
 * record batch is a group. Marks of groups and ends of their streams then go nowhere, and a feed is put at its rest. */
vonk_status vonk__python_knows_groups(python_run *run, bool *ret_known, vonk_error *err);
bool vonk__python_wants_whole_groups(const python_run *run);
/* One record batch of all rows of `batches`, which are not kept; the first one of a stream brings its schema. */
vonk_status vonk__python_put(python_run *run, const vonk_batch *const *batches, size_t n, const vonk_type *struct_type,
                             vonk_error *err);
/* End of an Arrow stream; one without rows is a schema without batches. */
vonk_status vonk__python_end_stream(python_run *run, const vonk_type *struct_type, vonk_error *err);
/* 1 before the stream of a group, 2 before the two streams of a pair of groups. */
vonk_status vonk__python_put_mark(python_run *run, int32_t mark, vonk_error *err);
/* One pickled list of all rows. */
vonk_status vonk__python_put_pickle(python_run *run, const vonk_batch *batch, const vonk_type *struct_type,
                                    const vonk_pickle_options *options, vonk_error *err);
/* No more input. Arrow streams are ended before. */
vonk_status vonk__python_end(python_run *run, vonk_error *err);
vonk_status vonk__python_next(python_run *run, python_news *ret, vonk_error *err);
/* Parks the lane until next() may have news, or more can be put; *ret_flow = VONK_WAIT. */
vonk_status vonk__python_wait(python_run *run, vonk_lane *lane, vonk_flow *ret_flow, vonk_error *err);

/* ---- rows on their way into record batches of the size that the session wants */
typedef struct python_feed {
    VONK_VEC(vonk_batch *) batches; /* not put yet */
    uint64_t n_rows;
} python_feed;
/* Takes the batch over (also on failure) and puts what makes whole record batches. */
vonk_status vonk__python_feed(python_run *run, python_feed *feed, const vonk_type *struct_type, vonk_batch *take_batch,
                              vonk_error *err);
/* ... the rest. The stream stays open. */
vonk_status vonk__python_feed_rest(python_run *run, python_feed *feed, const vonk_type *struct_type, vonk_error *err);
void vonk__python_feed_clear(python_feed *feed);
void vonk__python_feed_done(python_feed *feed);

/* Rows of arguments, as their spec says they go. Takes the batch over (also on failure). */
vonk_status vonk__python_put_args(python_run *run, python_feed *feed, vonk_batch *take_batch, vonk_error *err);
/* The end of all input, once: struct_type NULL when there is no Arrow stream to be ended. */
vonk_status vonk__python_end_rows(python_run *run, python_feed *feed, const vonk_type *struct_type,
                                  bool *inout_has_ended, vonk_error *err);

/* ---- answers */
/* They do not fit what was asked. */
vonk_status vonk__python_garbage(vonk_error *err);
/* A pickled list, read into `arena`, which is emptied first. */
vonk_status vonk__python_read_list(const vonk_buffer *frame, vonk_arena *arena, const vonk_pickle_value **ret,
                                   vonk_error *err);
void vonk__python_drop_columns(vonk_column **columns /* or NULL */, uint32_t n);

/* ---- rows that wait for their answers: in order, in memory up to a limit, on disk beyond it */
typedef struct python_queue_entry {
    vonk_batch *batch; /* NULL: on disk */
    vonk_spill_ref ref;
} python_queue_entry;
typedef struct python_queue {
    VONK_VEC(python_queue_entry) entries;
    size_t first;
    uint32_t taken; /* rows of the first entry that are gone */
    size_t bytes;   /* in memory */
    uint64_t n_rows;
    vonk_spill_file *file;
    const vonk_type **types; /* of the columns; NULL: those of the operator's child */
    uint32_t n_types;
} python_queue;
vonk_status vonk__python_queue_put(vonk_op *op, python_queue *q, const vonk_batch *batch, vonk_error *err);
/* The next rows, at most `most`, without a selection; NULL: there are none. */
vonk_status vonk__python_queue_take(vonk_op *op, python_queue *q, uint32_t most, vonk_batch **ret, vonk_error *err);
void vonk__python_queue_clear(python_queue *q);
void vonk__python_queue_done(python_queue *q);

/* Columns of a batch of answers as columns of these types: what Arrow does not say (user-defined types, nullability) is
 * taken from there. References are new. */
vonk_status vonk__python_retype(vonk_budget *budget, vonk_column *const *columns, uint32_t n,
                                const vonk_type *const *types, vonk_column **ret, vonk_error *err);

#endif
