/* rdd/rdd_int.h -- inside of rdd: nodes, the context, streams of records.
 *
 * A node's own lock guards what changes after it was made (name, level, checkpoint); the context's lock guards the
 * table of nodes by id. Order: context, node. */
#ifndef VONK_RDD_RDD_INT_H
#define VONK_RDD_RDD_INT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "codec/compress.h"
#include "rdd/rdd.h"
#include "sys/files.h"
#include "sys/thread.h"

enum { RDD_MOST_DEPTH = 1500 }; /* nodes between a task's sink and its source */

typedef enum rdd_map {                  /* what a MAPPED node does */
                       RDD_MAP_SAME,    /* textFile's lines, binaryRecords' bytes */
                       RDD_MAP_VALUES,  /* of pairs */
                       RDD_MAP_SPREAD,  /* coalesce with shuffle: numbers records for the shuffle (`spread_to`) */
                       RDD_MAP_UNSPREAD /* takes the numbers away */
} rdd_map;

typedef struct rdd_split { /* a piece of a file */
    vonk_str path;
    int64_t start, bytes;
} rdd_split;

typedef struct rdd_file_part { /* partition of a file RDD: pieces of files */
    const rdd_split *splits;
    uint32_t n_splits;
} rdd_file_part;

typedef enum rdd_checkpoint_state { RDD_CP_NONE, RDD_CP_WANTED, RDD_CP_DONE } rdd_checkpoint_state;

struct vonk_rdd {
    _Atomic uint32_t refs;
    vonk_rdd_context *context;
    vonk_arena *arena;
    uint32_t id, n_partitions, n_parents;
    vonk_rdd_kind kind;
    vonk_rdd_elements elements;
    bool barrier, has_partitioner;
    int64_t partitioner_id;
    vonk_str site; /* "coalesce at NativeMethodAccessorImpl.java:0" */
    vonk_rdd **parents;
    /* by kind */
    rdd_map map;
    uint32_t spread_to, record_bytes;
    uint64_t data;         /* PARALLEL, FLOW, TAP: number of its blocks */
    struct rdd_flow *flow; /* FLOW */
    struct rdd_tap *tap;   /* TAP */
    vonk_shuffle *shuffle; /* SHUFFLED */
    const rdd_file_part *files;
    const vonk_rdd_source *source;
    vonk_str source_bytes, folder; /* folder: CHECKPOINTED */
    uint32_t format, batch;        /* HADOOP */
    vonk_str delimiter;            /* TEXT, HADOOP: of records; empty: ends of lines */
    char separator;                /* HADOOP: of keys and values of text */
    bool whole_text;
    vonk_rdd_python *python;
    /* under `lock` */
    vonk_mutex lock;
    char *name;
    vonk_storage_level level;
    uint64_t cache; /* number of its cached blocks */
    rdd_checkpoint_state checkpoint;
    bool checkpoint_local;
    uint32_t checkpoint_id; /* of the node that stands for the checkpoint */
    vonk_str checkpoint_folder;
    struct vonk_rdd *next_dead;
};

typedef struct rdd_broadcast {
    uint64_t id;
    char *path;
    bool is_kept; /* by somebody else */
} rdd_broadcast;

struct vonk_rdd_context {
    _Atomic uint32_t refs; /* of the owner and of each node */
    uint32_t number;
    vonk_rdd_env env;
    vonk_budget *budget; /* nodes; outlives the context's owner */
    char *local_folder, *files_folder;
    vonk_mutex lock;
    bool closed;
    VONK_VEC(vonk_rdd *) nodes; /* by id; NULL: gone */
    VONK_VEC(const vonk_rdd_source *) sources;
    VONK_VEC(rdd_broadcast) broadcasts;
    uint64_t next_broadcast;
    char *checkpoint_folder;
    vonk_rdd_context *next;
};

/* rdd.c */
vonk_rdd_context *vonk__rdd_context_find(uint32_t number); /* referenced; NULL: gone */
void vonk__rdd_context_unref(vonk_rdd_context *context);
vonk_rdd *vonk__rdd_find(vonk_rdd_context *context, uint32_t id); /* referenced; NULL: gone */
uint32_t vonk__rdd_take_id(vonk_rdd_context *context, vonk_error *err, vonk_status *ret);
vonk_block_store *vonk__rdd_store(const vonk_rdd *rdd);
/* A node with room for its parents, which are referenced; not in the table yet. */
vonk_status vonk__rdd_new(vonk_rdd_context *context, vonk_rdd_kind kind, vonk_rdd *const *parents, uint32_t n_parents,
                          const char *site, vonk_rdd **ret, vonk_error *err);
/* Into the table; consumes the node on failure. */
vonk_status vonk__rdd_enter(vonk_rdd *take_rdd, vonk_rdd **ret, vonk_error *err);

/* rdd_record.c: a stream of bytes cut into records */
typedef struct rdd_cutter {
    vonk_rdd_elements elements;
    vonk_buf rest; /* the beginning of a record */
    vonk_rdd_sink *sink;
    bool enough;
    uint64_t skip, n; /* records: not handed on, seen */
} rdd_cutter;
void vonk__cutter_init(rdd_cutter *c, vonk_rdd_elements elements, vonk_budget *budget, vonk_rdd_sink *sink);
void vonk__cutter_done(rdd_cutter *c);
vonk_status vonk__cutter_push(rdd_cutter *c, vonk_str bytes, vonk_error *err);
vonk_status vonk__cutter_end(const rdd_cutter *c, vonk_error *err); /* raises if something is left */
/* Bytes of the first record; 0: more bytes are needed to know, or it is not whole. */
size_t vonk__record_bytes(vonk_rdd_elements elements, vonk_str bytes);
int32_t vonk__be32(const char *at);
void vonk__put_be32(char *at, int32_t x);
int64_t vonk__be64(const char *at);
/* All records of a block; *ret_there false: there is no such block. */
vonk_status vonk__push_block(vonk_block_store *store, vonk_block_id id, rdd_cutter *cutter, bool *ret_there,
                             vonk_error *err);

/* rdd_compute.c */
vonk_status vonk__rdd_compute_plain(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                    vonk_error *err);
/* rdd_run.c */
const vonk_task_kind *vonk__rdd_task_kind(void);
/* rdd_python.c */
vonk_status vonk__rdd_compute_python(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err);
/* rdd_cache.c */
vonk_status vonk__rdd_compute_cached(vonk_rdd *rdd, uint32_t partition, vonk_storage_level level, vonk_task *task,
                                     vonk_rdd_sink *sink, vonk_error *err);
/* rdd_files.c */
vonk_status vonk__rdd_compute_file(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                   vonk_error *err);
/* Records of a checkpoint's file. */
vonk_status vonk__rdd_compute_saved(vonk_rdd *rdd, vonk_str folder, uint32_t partition, vonk_task *task,
                                    vonk_rdd_sink *sink, vonk_error *err);
/* A leaf over the files of paths, cut as FileInputFormat cuts: the old API's way by a number wanted, the new one's (0)
 * by blocks, both within what the configuration says. */
vonk_status vonk__rdd_file_leaf(vonk_rdd_context *context, vonk_rdd_kind kind, const char *method,
                                const vonk_rdd_conf *conf, vonk_str paths, uint32_t min_partitions,
                                int64_t min_split_bytes, vonk_rdd **ret, vonk_error *err);
/* rdd_lines.c. delimiter: of records; empty: ends of lines. *ret_begin: where the record that is put begins in its file;
 * NULL: nobody asks. */
vonk_status vonk__rdd_compute_lines(const rdd_split *split, vonk_str delimiter, vonk_task *task, vonk_rdd_sink *sink,
                                    int64_t *ret_begin, vonk_error *err);
/* rdd_packed.c: a packed file as a stream. */
typedef struct rdd_packed rdd_packed;
vonk_status vonk__rdd_packed_open(vonk_budget *budget, vonk_str path, vonk_compression codec, rdd_packed **ret,
                                  vonk_error *err);
void vonk__rdd_packed_close(rdd_packed *packed); /* NULL is fine */
VONK_DEFINE_AUTO(rdd_packed, vonk__rdd_packed_close)
/* Less than `room`: the end. */
vonk_status vonk__rdd_packed_read(rdd_packed *packed, char *to, size_t room, size_t *ret_got, vonk_error *err);

/* rdd_flow.c */
typedef struct rdd_flow rdd_flow;
vonk_status vonk__rdd_compute_flow(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                   vonk_error *err);
uint32_t vonk__rdd_flow_blocks(vonk_rdd *rdd, uint32_t partition);
/* rdd_tap.c */
typedef struct rdd_tap rdd_tap;
vonk_status vonk__rdd_compute_tap(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_error *err);
/* rdd_hadoop.c */
vonk_status vonk__rdd_compute_hadoop(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err);
/* rdd_combine.c */
vonk_status vonk__rdd_compute_zip(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                  vonk_error *err);
vonk_status vonk__rdd_compute_cartesian(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                        vonk_error *err);
/* rdd_spread.c: where Spark's coalesce(shuffle = true) begins to deal out the records of a partition. */
uint32_t vonk__spread_start(uint32_t partition, uint32_t n);

#endif
