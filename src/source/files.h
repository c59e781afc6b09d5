/* source/files.h -- inside source/: which files a path stands for, and what their directories say about partition
 * columns.
 *
 * Paths may be globs, files or folders, with or without "file:". Folders are walked; names that start with '_' or '.'
 * are not data. Directories named k=v below the base path give partition columns; their types are inferred as Spark
 * does. Files are sorted by path. */
#ifndef VONK_SOURCE_FILES_H
#define VONK_SOURCE_FILES_H

#include "plan/conf.h"
#include "plan/plan.h"

typedef struct source_file {
    vonk_str path; /* absolute, local; NUL-terminated */
    vonk_str uri;  /* file:///..., escaped: inputFiles and messages of readers */
    int64_t bytes, mtime_us;
    vonk_column **values; /* one row for each partition column; owned by the list */
} source_file;

typedef struct source_files {
    vonk_arena *arena; /* everything; its end gives back the values */
    source_file *at;
    size_t n;
    vonk_str *roots; /* as the user gave them, made absolute */
    size_t n_roots;
    const vonk_type *partitions; /* struct of the partition columns, or NULL; owned by the arena */
} source_files;

vonk_status vonk__files_list(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                             const vonk_read_info *read, source_files *ret, vonk_error *err);
void vonk__files_done(source_files *files);

/* Value of an option, any case of its key; data NULL: not given. */
vonk_str vonk__option(const vonk_option *options, uint32_t n, const char *key);
/* "true" / "false"; fallback when the option is not given. */
vonk_status vonk__option_bool(const vonk_option *options, uint32_t n, const char *key, bool fallback, bool *ret,
                              vonk_error *err);
/* A local absolute path of a path or file: URI; UNSUPPORTED_FEATURE for other file systems. */
vonk_status vonk__local_path(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err);
/* "file:/..." as Spark shows paths. */
vonk_status vonk__show_path(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err);
vonk_status vonk__file_uri(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err);
/* A value as it stands in a directory name, without and with escaping (%XX). */
vonk_status vonk__unescape_name(vonk_arena *arena, vonk_str name, vonk_str *ret, vonk_error *err);
vonk_status vonk__escape_name(vonk_str name, vonk_buf *out, vonk_error *err);
#define SOURCE_NULL_PARTITION "__HIVE_DEFAULT_PARTITION__"

/* partition_values.c: types of partition columns from the texts of all files (texts[file * n + column]; NULL data:
 * null), and the values themselves. */
vonk_status vonk__partition_values(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                                   source_files *files, const vonk_str *names, uint32_t n, const vonk_str *texts,
                                   const vonk_type *wanted /* the user's schema or NULL */, vonk_error *err);

#endif
