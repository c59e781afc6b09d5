/* rdd/rdd_codec.h -- inside of rdd: a task as bytes. It names its RDD by the context's number and the RDD's id, both of
 * this process: a task for another process will have to carry the lineage itself. */
#ifndef VONK_RDD_RDD_CODEC_H
#define VONK_RDD_RDD_CODEC_H

#include "rdd/rdd_int.h"

typedef enum rdd_task_mode {
    RDD_TASK_MAP,    /* fills the shuffle of a SHUFFLED node */
    RDD_TASK_RESULT, /* records as they are */
    RDD_TASK_KEEP,   /* nothing: for what is kept while it is computed */
    RDD_TASK_SAVE    /* a file for each partition */
} rdd_task_mode;

typedef struct rdd_task {
    uint32_t context, rdd;
    rdd_task_mode mode;
    /* SAVE */
    bool lines;              /* strings, each with a line end; else records as they are */
    vonk_str folder, ending; /* ending: ".gz" */
    vonk_compression codec;
    bool no_success;  /* the folder gets no _SUCCESS; the driver's alone */
    vonk_str options; /* a Hadoop format's (rdd_hadoop.c), in place of lines and records; empty: none */
} rdd_task;

vonk_status vonk__rdd_task_encode(const rdd_task *task, vonk_arena *arena, vonk_str *ret, vonk_error *err);
vonk_status vonk__rdd_task_decode(vonk_str bytes, rdd_task *ret, vonk_error *err); /* texts lie in `bytes` */

/* rdd_run.c. Results come to the receiver in order. */
vonk_status vonk__rdd_start(vonk_rdd *rdd, const rdd_task *result, const uint32_t *partitions, uint32_t n_partitions,
                            const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                            vonk_job_run **ret, vonk_error *err);
vonk_status vonk__rdd_run_all(vonk_rdd *rdd, const rdd_task *task, const vonk_property *properties,
                              uint32_t n_properties, vonk_error *err);
/* rdd_hadoop.c: a partition in a Hadoop format. */
vonk_status vonk__rdd_save_hadoop(vonk_rdd *rdd, const rdd_task *what, vonk_task *task, vonk_file *file,
                                  vonk_error *err);
vonk_status vonk__rdd_hadoop_name(const rdd_task *what, vonk_str *ret, vonk_error *err); /* "part-", "part-r-" */
/* rdd_save.c: a folder with what the task writes for each partition. */
vonk_status vonk__rdd_save_folder(vonk_rdd *rdd, const rdd_task *what, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err);
vonk_status vonk__rdd_save_partition(vonk_rdd *rdd, const rdd_task *what, vonk_task *task, vonk_error *err);

#endif
