/* source/write_int.h -- inside source/: what a format brings to writing, and what a job is made of. */
#ifndef VONK_SOURCE_WRITE_INT_H
#define VONK_SOURCE_WRITE_INT_H

#include <stdatomic.h>

#include "codec/bytes.h"
#include "source/files.h"
#include "source/write.h"
#include "sys/files.h"
#include "sys/thread.h"

/* ---- formats */
typedef struct write_format {
    const char *name, *shown; /* "parquet", "Parquet" */
    bool (*takes)(const vonk_type *type);
    /* Options and configuration: settings and the end of file names (".snappy.parquet") in the arena. */
    vonk_status (*settle)(vonk_arena *arena, const vonk_conf *conf, const vonk_write_info *info, const void **ret_settings, vonk_str *ret_extension, vonk_error *err);
    vonk_status (*open)(vonk_budget *budget, const void *settings, const vonk_type *schema, const vonk_bytes_out *out, void **ret_writer, vonk_error *err);
    vonk_status (*put)(void *writer, const vonk_batch *batch, vonk_error *err);
    vonk_status (*end)(void *writer, vonk_error *err); /* the file is whole */
    void (*free)(void *writer);                        /* always */
} write_format;
extern const write_format vonk__write_parquet;

/* ---- jobs */
typedef enum write_place {
    PLACE_NEW,    /* the staging folder becomes the path */
    PLACE_SWAP,   /* ... changes places with what is there */
    PLACE_INSIDE, /* staged inside the path: its names are moved */
} write_place;

typedef struct write_columns { /* of the rows */
    uint32_t *data, *partition; /* positions */
    uint32_t n_data, n_partition;
    const vonk_type *schema; /* of the data columns; owned by the arena */
} write_columns;

struct vonk_write_job {
    vonk_budget *budget;
    vonk_arena *arena;
    const vonk_fn_env *env;
    const vonk_write_info *info;
    const write_format *format;
    const void *settings;
    vonk_str extension;
    write_columns columns;
    write_place place;
    bool overwrite, dynamic, mark_success;
    vonk_str target, staging; /* folders */
    vonk_str aside;           /* name for what is replaced where names cannot be exchanged */
    vonk_file *lock;
    char id[40];
    int64_t most_rows; /* of a file; 0: any number */
    _Atomic bool wrote_first; /* partition 0 has a file */
    _Atomic uint64_t n_files, n_rows, n_bytes;
};

/* write_check.c */
vonk_status vonk__write_format_of(const vonk_conf *conf, const vonk_write_info *info, const write_format **ret, vonk_error *err);
vonk_status vonk__write_columns_of(vonk_arena *arena, const vonk_fn_env *env, const vonk_write_info *info, const write_format *format, write_columns *ret,
                                   vonk_error *err);
vonk_str vonk__write_path(const vonk_write_info *info); /* as given, or the option "path"; empty: none */
vonk_status vonk__write_is_dynamic(const vonk_conf *conf, const vonk_write_info *info, bool *ret, vonk_error *err); /* of a mode that is neither: fails */

/* write_stage.c: where files go before the commit, and the commit. */
vonk_status vonk__write_stage(vonk_write_job *job, vonk_error *err);
vonk_status vonk__write_publish(vonk_write_job *job, vonk_error *err);
void        vonk__write_unstage(vonk_write_job *job);
#define WRITE_LOCK_NAME ".lock"

#endif
