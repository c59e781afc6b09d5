/* rdd/rdd.h -- resilient distributed datasets: a lineage of immutable nodes over partitions of framed records.
 *
 * Records.  What flows between nodes is what a Python worker reads and writes: a record is a frame, int32 length
 * (big-endian) and bytes; a record of a pair RDD is two frames. Length -5 is a null. Most records are pickles of a
 * *batch* of Python objects: nothing here looks into them, so counting, zipping and slicing act on batches, as in
 * Spark. Strings are UTF-8 frames. Where elements are plain numbers (RDD_F64) a record is 8 bytes.
 *
 * Computing.  Records are pushed: vonk_rdd_compute runs a partition on the calling thread and puts records into a sink,
 * which may say that it has enough. A Python node feeds its worker with what its parent pushes and pushes on what comes
 * back, both on this one thread. A node that must see one parent before the other (zip, cartesian) keeps the former in
 * a block of the task. A cached node copies what passes into the block store, and pushes from there when the block
 * exists. Lost blocks are made again from lineage; that is all there is to recovery.
 *
 * Jobs.  vonk_rdd_run cuts the lineage at shuffles into stages, encodes each as bytes (rdd/rdd_codec.c: tasks hold no
 * pointers into the lineage but for the context's registry of RDD ids) and hands them to the scheduler.
 *
 * Nodes are reference-counted and thread-safe; what changes later (name, level, checkpoint) is behind the node's lock.
 */
#ifndef VONK_RDD_RDD_H
#define VONK_RDD_RDD_H

#include "cluster/scheduler.h"
#include "python/task.h"

typedef struct vonk_rdd vonk_rdd;
typedef struct vonk_rdd_context vonk_rdd_context;
typedef struct vonk_rdd_sink vonk_rdd_sink;

typedef enum vonk_rdd_kind {
#define RDD(id, class_name) VONK_RDD_##id,
#include "rdd/rdd.def"
#undef RDD
} vonk_rdd_kind;

typedef enum vonk_rdd_elements {
    VONK_RDD_BYTES,  /* JavaRDD<byte[]>: pickled batches, or whatever Python's serializers made */
    VONK_RDD_STRING, /* JavaRDD<String> */
    VONK_RDD_F64,    /* JavaDoubleRDD */
    VONK_RDD_PAIR    /* JavaPairRDD: two frames */
} vonk_rdd_elements;

/* ---- the context: one per SparkContext */
typedef struct vonk_rdd_env {
    vonk_budget *budget;
    vonk_scheduler *scheduler; /* borrowed, with its block store */
    vonk_py_pool *pool;        /* borrowed */
    vonk_str local_folder, files_folder;
    uint32_t default_parallelism, task_cpus;
    bool overwrites; /* saving into a folder that exists (spark.hadoop.validateOutputSpecs is false) */
    /* What the context's Hadoop configuration says now, in the arena; ret->data NULL: nothing. NULL: there is none. */
    vonk_status (*hadoop_setting)(void *self, vonk_str key, vonk_arena *arena, vonk_str *ret, vonk_error *err);
    /* Updates of accumulators, of every job whose receiver does not take them itself; NULL: dropped. */
    vonk_status (*accumulate)(void *self, vonk_str update, vonk_error *err);
    void *self;
} vonk_rdd_env;
vonk_status vonk_rdd_context_new(const vonk_rdd_env *env, vonk_rdd_context **ret, vonk_error *err);
void vonk_rdd_context_free(vonk_rdd_context *context); /* its jobs are freed; RDDs may outlive it, but not compute */
VONK_DEFINE_AUTO(vonk_rdd_context, vonk_rdd_context_free)
vonk_status vonk_rdd_set_checkpoint_folder(vonk_rdd_context *context, vonk_str folder, vonk_error *err);

/* Where the calling thread makes RDDs ("partitionBy at file.py:19", local property callSite.short): borrowed until it
 * is taken back with an empty one; else makers write what Spark's gateway shows. */
void vonk_rdd_site(vonk_str site);
/* While the calling thread waits for jobs inside of this folder, or by vonk_rdd_wait, `look` is called ten times a
 * second (it may cancel jobs); NULL takes it back. */
void vonk_rdd_look(void (*look)(void *arg), void *arg);
vonk_status vonk_rdd_wait(vonk_job_run *job, vonk_error *err); /* vonk_job_wait with that */

/* ---- making. Parents are referenced; ids count up per context. */

/* A function of Python over a partition (PythonFunction): what PythonRDD and UDFs need of their driver. */
typedef struct vonk_rdd_python {
    vonk_str command; /* pickled */
    vonk_py_env env;
    vonk_str python_version;
    const vonk_str *includes;
    uint32_t n_includes;
    const uint64_t *broadcasts;
    uint32_t n_broadcasts;
    void *held; /* as long as the RDD lives; let_go(held) then, also when the maker fails; NULL: nothing */
    void (*let_go)(void *held);
} vonk_rdd_python;

vonk_status vonk_rdd_empty(vonk_rdd_context *context, vonk_rdd **ret, vonk_error *err);
/* Frames of a file (read once, kept as blocks), cut into n_partitions runs as Spark cuts: i * n / n_partitions. The
 * file may go afterwards. */
vonk_status vonk_rdd_parallelize_file(vonk_rdd_context *context, vonk_str path, uint32_t n_partitions, vonk_rdd **ret,
                                      vonk_error *err);
/* Hadoop's split rules: paths with commas and globs, codecs by name's end; least number of splits. */
vonk_status vonk_rdd_text(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, vonk_rdd **ret,
                          vonk_error *err);
vonk_status vonk_rdd_whole_files(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, bool text,
                                 vonk_rdd **ret, vonk_error *err);
vonk_status vonk_rdd_fixed_records(vonk_rdd_context *context, vonk_str paths, uint32_t record_bytes, vonk_rdd **ret,
                                   vonk_error *err);
vonk_status vonk_rdd_python_map(vonk_rdd *parent, const vonk_rdd_python *function, bool preserves_partitioning,
                                bool barrier, vonk_rdd **ret, vonk_error *err);
/* PairwiseRDD: frames come as 8-byte hash, pickled list, in turn. */
vonk_status vonk_rdd_pairwise(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err);
/* Pairs go to partition key mod n (PythonPartitioner with that id: equal ids and numbers are equal partitioners).
 * Nothing is shuffled when the parent is partitioned so already. */
vonk_status vonk_rdd_partition_by(vonk_rdd *parent, uint32_t n_partitions, int64_t partitioner_id, vonk_rdd **ret,
                                  vonk_error *err);
vonk_status vonk_rdd_values(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err);     /* PythonRDD.valueOfPair */
vonk_status vonk_rdd_as_strings(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err); /* frames that are UTF-8 */
vonk_status vonk_rdd_union(vonk_rdd *const *parents, uint32_t n, vonk_rdd **ret,
                           vonk_error *err); /* equal partitioners: partition-wise, as Spark does */
vonk_status vonk_rdd_cartesian(vonk_rdd *left, vonk_rdd *right, vonk_rdd **ret, vonk_error *err);
vonk_status vonk_rdd_zip(vonk_rdd *left, vonk_rdd *right, vonk_rdd **ret, vonk_error *err);
vonk_status vonk_rdd_coalesce(vonk_rdd *parent, uint32_t n_partitions, bool shuffle, vonk_rdd **ret, vonk_error *err);
vonk_status vonk_rdd_checkpoint_file(vonk_rdd_context *context, vonk_str folder, vonk_rdd **ret, vonk_error *err);
/* Pairs in files of Hadoop's formats: text, key-value text, SequenceFile; UNSUPPORTED_FEATURE names other classes.
 * Records are pickled lists of (key, value), as pyspark's serializers read and write them. */
/* A job's own settings for Hadoop's formats, above those of the context. */
typedef struct vonk_rdd_conf {
    const vonk_property *at;
    uint32_t n;
} vonk_rdd_conf;
/* By the name that Hadoop's formats ask for; its old name counts as well. ret->data NULL: it is not set. conf may be
 * NULL. */
vonk_status vonk_rdd_hadoop_setting(vonk_rdd_context *context, const vonk_rdd_conf *conf, const char *name,
                                    vonk_arena *arena, vonk_str *ret, vonk_error *err);

typedef struct vonk_rdd_hadoop {
    vonk_str paths;                  /* read: with commas and globs; written: a folder that does not exist */
    vonk_str format;                 /* class name of an input or output format, of either API */
    vonk_str key_class, value_class; /* written; empty: by the first pair of each partition */
    uint32_t min_partitions;         /* reading by the old API */
    uint32_t batch;                  /* reading: pairs in a pickle; 0: more and more */
    bool is_batched;                 /* writing: a pickle holds a list of pairs, not one */
    vonk_str codec_class;            /* writing: packed with this, SequenceFiles by blocks; empty: as conf says */
    vonk_rdd_conf conf;
} vonk_rdd_hadoop;
vonk_status vonk_rdd_hadoop_read(vonk_rdd_context *context, const vonk_rdd_hadoop *spec, vonk_rdd **ret,
                                 vonk_error *err);
/* What saveAsObjectFile wrote: SequenceFiles of Java's serialized arrays of byte arrays. */
vonk_status vonk_rdd_object_file(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, vonk_rdd **ret,
                                 vonk_error *err);
/* A leaf that another folder computes (a query's rows, for df.rdd): bytes in place of pointers, as everywhere. */
typedef struct vonk_rdd_source {
    const char *name;
    vonk_status (*compute)(vonk_str bytes, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err);
} vonk_rdd_source;
vonk_status vonk_rdd_source_register(vonk_rdd_context *context, const vonk_rdd_source *source, vonk_error *err);
vonk_status vonk_rdd_of_source(vonk_rdd_context *context, const char *source, vonk_str bytes, uint32_t n_partitions,
                               vonk_rdd_elements elements, vonk_rdd **ret, vonk_error *err);

/* A leaf whose partitions come one after the other out of one run (a query's rows). It begins when a task first wants
 * some of them and goes on as far as tasks want; what has come is kept as blocks until the RDD goes. */
typedef struct vonk_rdd_flow {
    void *self;
    /* Some records, of a partition that never descends; *ret_more false: the end. An error may say by *ret_partition that
     * those before that one are whole. One call at a time, from threads of tasks; looks at vonk_task_cancelled while it
     * waits. Borrowed until the next call. */
    vonk_status (*next)(void *self, vonk_task *task, bool *ret_more, uint32_t *ret_partition, vonk_str *ret_records,
                        vonk_error *err);
    void (*rewind)(void *self); /* nothing is running any more; the next call begins anew */
    void (*free)(void *self);   /* when the RDD goes, also when its maker fails */
} vonk_rdd_flow;
vonk_status vonk_rdd_of_flow(vonk_rdd_context *context, const vonk_rdd_flow *flow, uint32_t n_partitions,
                             vonk_rdd_elements elements, const char *site, vonk_rdd **ret, vonk_error *err);

/* An RDD whose records somebody reads who is no task (a query's scan). A job computes what is not there yet into blocks,
 * which stay as long as the tap; its receiver hears of each partition, in order. */
vonk_status vonk_rdd_tap(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err);
vonk_status vonk_rdd_tap_start(vonk_rdd *tap, const uint32_t *partitions /* NULL: all */, uint32_t n_partitions,
                               vonk_receiver receiver, vonk_job_run **ret, vonk_error *err);
bool vonk_rdd_tap_has(vonk_rdd *tap, uint32_t partition); /* all of it */
/* Records of piece `number` of a partition that is there; *ret_more false: there is no such piece. BLOCK_LOST: the
 * partition is not there any more. */
vonk_status vonk_rdd_tap_read(vonk_rdd *tap, uint32_t partition, uint32_t number, vonk_budget *budget,
                              vonk_rdd_sink *sink, bool *ret_more, vonk_error *err);

vonk_rdd *vonk_rdd_ref(vonk_rdd *rdd);
void vonk_rdd_unref(
    vonk_rdd *rdd); /* the last one frees its cached blocks and shuffle outputs; long lineages in a loop */
VONK_DEFINE_AUTO(vonk_rdd, vonk_rdd_unref)

/* ---- looking and marking */
uint32_t vonk_rdd_id(const vonk_rdd *rdd);
vonk_rdd_kind vonk_rdd_kind_of(const vonk_rdd *rdd);
vonk_rdd_elements vonk_rdd_elements_of(const vonk_rdd *rdd);
uint32_t vonk_rdd_n_partitions(const vonk_rdd *rdd);
bool vonk_rdd_is_barrier(const vonk_rdd *rdd);
/* A list of the program, with functions over it or not: pickled bytes of the list. Others: -1. */
int64_t vonk_rdd_list_bytes(const vonk_rdd *rdd);
vonk_status vonk_rdd_set_name(vonk_rdd *rdd, vonk_str name, vonk_error *err);
vonk_status vonk_rdd_name(vonk_rdd *rdd, vonk_buf *out, vonk_error *err); /* empty: none */
vonk_status vonk_rdd_persist(vonk_rdd *rdd, vonk_storage_level level,
                             vonk_error *err); /* another level than before: UNSUPPORTED_OPERATION, as Spark */
void vonk_rdd_unpersist(vonk_rdd *rdd);
vonk_storage_level vonk_rdd_level(vonk_rdd *rdd);
/* The first RDD from id *inout_id on that is persisted, referenced; *inout_id moves behind it. NULL: no more. */
vonk_rdd *vonk_rdd_next_persisted(vonk_rdd_context *context, uint32_t *inout_id);
vonk_status vonk_rdd_checkpoint(vonk_rdd *rdd, bool local, vonk_error *err); /* done by vonk_rdd_finish */
/* After a job over it has succeeded: writes the checkpoints that its lineage wants. Runs jobs and waits for them. */
vonk_status vonk_rdd_finish(vonk_rdd *rdd, const vonk_property *properties, uint32_t n_properties, vonk_error *err);
bool vonk_rdd_is_checkpointed(vonk_rdd *rdd);
bool vonk_rdd_is_local_checkpoint(vonk_rdd *rdd);                                    /* marked so, done or not */
vonk_status vonk_rdd_checkpoint_path(vonk_rdd *rdd, vonk_buf *out, vonk_error *err); /* empty: none */
void vonk_rdd_clean_shuffles(vonk_rdd *rdd);
/* "name PythonRDD[1] at RDD at PythonRDD.scala:59" */
vonk_status vonk_rdd_text_form(vonk_rdd *rdd, vonk_buf *out, vonk_error *err);
/* toDebugString, byte for byte Spark's but for the sizes of what is cached. */
vonk_status vonk_rdd_debug_string(vonk_rdd *rdd, vonk_buf *out, vonk_error *err);

typedef struct vonk_rdd_stored {
    uint32_t id, n_partitions, n_cached;
    vonk_str name; /* given by the program, else its text form */
    vonk_storage_level level;
    uint64_t memory_bytes, disk_bytes;
} vonk_rdd_stored;
/* RDDs of which something is cached, by id. */
vonk_status vonk_rdd_all_stored(vonk_rdd_context *context, vonk_arena *arena, const vonk_rdd_stored **ret,
                                uint32_t *ret_n, vonk_error *err);
/* "Memory Deserialized 1x Replicated" */
vonk_status vonk_rdd_level_text(vonk_storage_level level, vonk_buf *out, vonk_error *err);

/* ---- computing */
struct vonk_rdd_sink {
    void *self;
    /* One record with its lengths, in one piece. *ret_enough: no more are wanted. */
    vonk_status (*put)(void *self, vonk_str record, bool *ret_enough, vonk_error *err);
};
vonk_status vonk_rdd_compute(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err);

/* Records of the partitions, to the receiver in the order asked for (index: place in that order), each partition as one
 * run of bytes to the receiver. Runs until vonk_job_wait says so. */
vonk_status vonk_rdd_run(vonk_rdd *rdd, const uint32_t *partitions /* NULL: all */, uint32_t n_partitions,
                         const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                         vonk_job_run **ret, vonk_error *err);
/* One file per partition, part-00000 and so on, and _SUCCESS, by rename; codec: a Hadoop class name, or empty: as the
 * context's configuration says. The folder must not exist. */
vonk_status vonk_rdd_save_text(vonk_rdd *rdd, vonk_str folder, vonk_str codec, const vonk_property *properties,
                               uint32_t n_properties, vonk_error *err);

vonk_status vonk_rdd_hadoop_write(vonk_rdd *rdd, const vonk_rdd_hadoop *spec, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err);
vonk_status vonk_rdd_save_objects(vonk_rdd *rdd, vonk_str folder, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err);

/* For tests: what the lineage keeps in caches and shuffles is gone (half 0), or damaged (half 1). How many blocks. */
uint32_t vonk_rdd_lose_blocks(vonk_rdd *rdd, bool half);

/* ---- broadcasts: a file of the driver becomes a block and a path that workers read. */
vonk_status vonk_rdd_broadcast(vonk_rdd_context *context, vonk_str path, uint64_t *ret_id, vonk_error *err);
/* One that workers read where it is, and that the caller keeps. */
vonk_status vonk_rdd_broadcast_at(vonk_rdd_context *context, vonk_str path, uint64_t *ret_id, vonk_error *err);
/* Where its file lies now, in `arena`. */
vonk_status vonk_rdd_broadcast_path(vonk_rdd_context *context, uint64_t id, vonk_arena *arena, vonk_str *ret,
                                    vonk_error *err);
void vonk_rdd_broadcast_drop(vonk_rdd_context *context, uint64_t id);

#endif
