/* sys/files.h -- local files and directories.
 *
 * Errors: PATH_NOT_FOUND where nothing has that name, PATH_ALREADY_EXISTS where something must not, FAILED_READ_FILE.NO_HINT for a read,
 * TASK_WRITE_FAILED for a write, sync, creation or removal that the system refuses, FAILED_RENAME_PATH.
 * Paths are bytes as the system has them; a path with a NUL byte or of 4096 bytes and more is not found. URIs (file:/...) are source's.
 * Fault points: VONK_FAULT_READ, VONK_FAULT_WRITE, VONK_FAULT_FSYNC. An open file may be read at positions by several threads; writing
 * is for one thread. */
#ifndef VONK_SYS_FILES_H
#define VONK_SYS_FILES_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct vonk_file vonk_file;

typedef enum vonk_file_mode {
    VONK_FILE_READ,
    VONK_FILE_CREATE,  /* must not exist; written from the start */
    VONK_FILE_REPLACE, /* emptied if it exists */
    VONK_FILE_APPEND,  /* made if it does not exist */
    VONK_FILE_UPDATE   /* read and write, made if it does not exist */
} vonk_file_mode;

typedef enum vonk_file_kind { VONK_FILE_REGULAR, VONK_FILE_DIRECTORY, VONK_FILE_OTHER } vonk_file_kind;

typedef struct vonk_file_info {
    vonk_file_kind kind; /* links are followed */
    int64_t size_bytes, mtime_us;
    uint32_t permissions; /* 0644 */
    uint64_t device;      /* names on one device can be renamed into each other */
} vonk_file_info;

typedef struct vonk_dir_entry {
    vonk_str name; /* without the directory; NUL-terminated */
    vonk_file_info info;
} vonk_dir_entry;

/* ---- open files ---- */

vonk_status vonk_file_open(vonk_budget *budget, vonk_str path, vonk_file_mode mode, vonk_file **ret, vonk_error *err);
/* A file without a name, for reading and writing, gone with the process whatever happens. For spills. */
vonk_status vonk_file_open_unnamed(vonk_budget *budget, vonk_str directory, vonk_file **ret, vonk_error *err);
/* A file in memory that lies on no disk, for reading and writing; its path is how other processes of this user open it
 * while it is open here. */
vonk_status vonk_file_open_memory(vonk_budget *budget, vonk_file **ret, vonk_error *err);
/* Closes and says what went wrong with it (a full disk may show only here). */
vonk_status vonk_file_close(vonk_file *take_file, vonk_error *err);
void        vonk_file_free(vonk_file *file); /* closes and does not care */
VONK_DEFINE_AUTO(vonk_file, vonk_file_free)
vonk_str    vonk_file_path(const vonk_file *file);
vonk_status vonk_file_get_info(const vonk_file *file, vonk_file_info *ret, vonk_error *err);

/* *ret_bytes < bytes only at the end of the file. */
vonk_status vonk_file_read_at(vonk_file *file, int64_t offset, void *into, size_t bytes, size_t *ret_bytes, vonk_error *err);
/* Fewer bytes are an error. */
vonk_status vonk_file_read_exact(vonk_file *file, int64_t offset, void *into, size_t bytes, vonk_error *err);
/* At the current end of what this handle wrote. */
vonk_status vonk_file_write(vonk_file *file, const void *data, size_t bytes, vonk_error *err);
vonk_status vonk_file_write_at(vonk_file *file, int64_t offset, const void *data, size_t bytes, vonk_error *err);
vonk_status vonk_file_truncate(vonk_file *file, int64_t size_bytes, vonk_error *err);
vonk_status vonk_file_sync(vonk_file *file, vonk_error *err);
void        vonk_file_will_read(vonk_file *file, int64_t offset, int64_t bytes); /* a hint: start fetching */
/* Gives the blocks of a range back to the file system; without support for that nothing happens. */
void        vonk_file_punch(vonk_file *file, int64_t offset, int64_t bytes);

/* ---- whole files ---- */

/* Appends the content; more than max_bytes is FAILED_READ_FILE. Works on /proc, pipes and devices too. */
vonk_status vonk_file_read_all(vonk_str path, size_t max_bytes, vonk_buf *into, vonk_error *err);
/* Written beside, synced, renamed: readers see the old content or the new one, also after a crash. */
vonk_status vonk_file_replace(vonk_str path, const void *data, size_t bytes, vonk_error *err);

/* ---- names ---- */

vonk_status vonk_file_stat(vonk_str path, vonk_file_info *ret, vonk_error *err);
vonk_status vonk_file_exists(vonk_str path, bool *ret, vonk_error *err);
/* Sorted by name, bytewise; without "." and "..". An entry that vanishes meanwhile is left out. */
vonk_status vonk_dir_list(vonk_arena *arena, vonk_str path, vonk_dir_entry **ret_entries, size_t *ret_n, vonk_error *err);
vonk_status vonk_dir_make(vonk_str path, vonk_error *err); /* with parents; fine if it exists */
/* A new directory, <parent>/<prefix>XXXXXX, for this user only. An empty parent means $TMPDIR or /tmp. */
vonk_status vonk_dir_make_temp(vonk_arena *arena, vonk_str parent, vonk_str prefix, vonk_str *ret_path, vonk_error *err);
/* Regular files and folders below `from`, to names that are free or the same; links are followed, what is neither is left out. Deeper than
 * 64: UNSUPPORTED_FEATURE. What was copied before a failure stays. */
vonk_status vonk_dir_copy_tree(vonk_budget *budget, vonk_str from, vonk_str to, vonk_error *err);
vonk_status vonk_file_copy(vonk_budget *budget, vonk_str from, vonk_str to, vonk_error *err); /* a file at `to` is overwritten */
/* With all that is in it; links are removed, not followed. Fine if nothing is there. */
vonk_status vonk_dir_remove_tree(vonk_str path, vonk_error *err);
vonk_status vonk_dir_sync(vonk_str path, vonk_error *err); /* makes names that were created or renamed in it durable */
vonk_status vonk_file_remove(vonk_str path, bool *ret_existed, vonk_error *err); /* a file, link or empty directory; ret_existed may be NULL */
/* Replaces a file at `to` in one step. */
vonk_status vonk_file_rename(vonk_str from, vonk_str to, vonk_error *err);
/* Swaps what two names stand for, in one step. *ret_done false: this file system cannot. */
vonk_status vonk_file_exchange(vonk_str a, vonk_str b, bool *ret_done, vonk_error *err);
/* Absolute, without "." and ".." (by name, links are not looked at) and without double slashes. */
vonk_status vonk_path_absolute(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err);
vonk_status vonk_path_join(vonk_arena *arena, vonk_str directory, vonk_str name, vonk_str *ret, vonk_error *err);
vonk_status vonk_disk_free_bytes(vonk_str path, int64_t *ret, vonk_error *err); /* what this user may still write there */

/* ---- locks ---- */

/* An exclusive lock on a file, which is created; it ends with vonk_file_free of *ret or with the process. Another process or handle has
 * it: *ret is NULL. */
vonk_status vonk_file_try_lock(vonk_budget *budget, vonk_str path, vonk_file **ret, vonk_error *err);

#endif
