/* serve/py4j/spark.h -- the SparkContext and its configuration, for the areas that build on them (RDDs, SQL, streams).
 */
#ifndef VONK_SERVE_PY4J_SPARK_H
#define VONK_SERVE_PY4J_SPARK_H

#include "plan/conf.h"
#include "serve/py4j/py4j_int.h"
#include "serve/ui/ui.h"

typedef struct vonk__j_engine vonk__j_engine; /* rdd_engine.h */

/* Guarded: hold machine->guard. */
typedef struct vonk__j_conf {
    vonk__j_object head;
    vonk__j_map *map; /* texts to texts */
} vonk__j_conf;
vonk_status vonk__j_conf_new(vonk__j_machine *machine, vonk__j_conf **ret, vonk_error *err);
vonk_status vonk__j_conf_copy(vonk__j_caller *caller, const vonk__j_map *from, vonk_str prefix, vonk__j_conf *to,
                              vonk_error *err);

/* The payload of org.apache.spark.SparkContext. What changes after the start is under `lock`. */
struct vonk__j_context {
    vonk__j_object head;
    vonk__j_conf *conf; /* its own copy */
    char app_id[64];
    int64_t start_ms;
    uint32_t n_slots, parallelism, task_cpus; /* n_slots: cores; a task takes task_cpus of them */
    char *local_folder, *files_folder; /* temporary ones */
    bool has_lock;
    vonk_mutex lock;
    bool is_stopped;
    char *checkpoint_folder; /* NULL: none */
    VONK_VEC(char *) files;  /* names below files_folder */
    VONK_VEC(char *) archives;
    VONK_VEC(vonk__j_object *) accumulators;
    vonk__j_engine *engine; /* rdd_engine.h: NULL until the first RDD */
    vonk_ui *ui;            /* web.c: NULL: none */
};
vonk__j_context *vonk__j_context_of(vonk__j_object *object);       /* of a SparkContext or JavaSparkContext */
vonk__j_context *vonk__j_active_context(vonk__j_machine *machine); /* new reference; NULL: none */
/* Of the context's configuration; empty: not set. The text is copied to `into`. */
vonk_str vonk__j_context_setting(vonk__j_context *context, vonk_str key, char *into, size_t bytes);
/* A whole number from 0 to `most`; `usual` when it is not set. INVALID_CONF_VALUE.TYPE_MISMATCH. */
vonk_status vonk__j_context_number(vonk__j_context *context, const char *key, int64_t usual, int64_t most, int64_t *ret,
                                   vonk_error *err);
/* All of the context's configuration; new reference. */
vonk_status vonk__j_context_conf(vonk__j_context *context, const vonk_conf **ret, vonk_error *err);
/* The caller's own, made when first asked for; borrowed. */
vonk_status vonk__j_local_properties(vonk__j_caller *caller, vonk__j_map **ret, vonk_error *err);
/* Of the caller's local properties; a null text takes it away. */
vonk_status vonk__j_set_local(vonk__j_call *call, const char *key, const vonk__j_value *value, vonk_error *err);
/* One of the caller's local properties, appended; nothing: it is not set. Inits `out`. */
vonk_status vonk__j_local_text(vonk__j_caller *caller, const char *key, vonk_buf *out, vonk_error *err);
/* Tags: a local property, separated by commas. The call takes one away, adds it (its member has a tag), or has no
 * argument: all go. */
bool vonk__j_next_tag(vonk_str all, size_t *inout_at, vonk_str *ret);
vonk_status vonk__j_change_tags_of(vonk__j_call *call, const char *property, vonk_error *err);
vonk_status vonk__j_return_tags(vonk__j_call *call, const char *property, vonk_error *err);
/* The local path that an argument, a Path or URI, names (java_hadoop.c): borrowed; another file system: not there. */
vonk_status vonk__j_path_arg(vonk__j_call *call, uint32_t i, vonk_str *ret, vonk_error *err);
/* What went wrong with a path, as Hadoop's classes say it: nothing there, something there (for_job: where a job would
 * write). Other failures go on as they are (java_hadoop.c). */
vonk_status vonk__j_as_hadoop(vonk__j_call *call, vonk_str path, bool for_job, vonk_status status, vonk_error *err);
/* The same of what RDDs read; is_new: by the newer of Hadoop's two interfaces. */
vonk_status vonk__j_as_input(vonk__j_call *call, bool is_new, vonk_status status, vonk_error *err);
/* FileSystem.open and create (java_stream.c). */
vonk_status vonk__j_stream_open(vonk__j_call *call, vonk_error *err);
vonk_status vonk__j_stream_create(vonk__j_call *call, vonk_error *err);
/* SparkContext.hadoopConfiguration (java_hadoop.c). */
vonk_status vonk__j_hadoop_conf(vonk__j_call *call, vonk_error *err);
/* A new folder that goes with the machine. */
vonk_status vonk__j_temp_folder(vonk__j_machine *machine, vonk_str parent, vonk_str prefix, char **ret,
                                vonk_error *err);

/* The page of a context that is about to run (web.c): spark.ui.enabled, spark.ui.port. Ends with it. */
vonk_status vonk__j_web_start(vonk__j_context *context, vonk_error *err);
void vonk__j_web_stop(vonk__j_context *context);
vonk_status vonk__j_web_url(vonk__j_call *call, vonk_error *err); /* SparkContext.uiWebUrl */

/* The payload of PythonAccumulatorV2: where Python listens for updates. */
typedef struct vonk__j_accumulator {
    vonk__j_object head;
    vonk__j_value host, token, path; /* path: a Unix socket, in place of the others */
    int32_t port;
} vonk__j_accumulator;

/* The payload of org.apache.spark.storage.StorageLevel. */
typedef struct vonk__j_level {
    vonk__j_object head;
    bool disk, memory, off_heap, deserialized;
    int32_t replication;
} vonk__j_level;

#endif
