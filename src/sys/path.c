/* sys/path.c -- names: what exists, making, renaming, removing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/vec.h"
#include "sys/env.h"
#include "sys/files_int.h"

vonk_status vonk_file_stat(vonk_str path, vonk_file_info *ret, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    struct stat st;
    if (stat(p.text, &st) != 0) return vonk__fail_read(p.text, errno, err);
    *ret = vonk__file_info_of(&st);
    return VONK_OK;
}

vonk_status vonk_file_exists(vonk_str path, bool *ret, vonk_error *err)
{
    vonk_file_info info;
    vonk_error own = VONK_ERROR_INIT;
    vonk_status st = vonk_file_stat(path, &info, &own);
    if (st == VONK_OK || st == VONK_E_PATH_NOT_FOUND) {
        *ret = st == VONK_OK;
        vonk_error_reset(&own);
        return VONK_OK;
    }
    if (err) vonk_error_move(err, &own);
    vonk_error_reset(&own);
    return st;
}

/* ---- listing ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const vonk_dir_entry *)a)->name.data, ((const vonk_dir_entry *)b)->name.data);
}

static vonk_status add_entry(vonk_arena *arena, DIR *dir, const char *name, vonk_dir_entry *ret, bool *ret_is_there,
                             vonk_error *err)
{
    struct stat st;
    int fd = dirfd(dir);
    assert(fd >= 0);
    *ret_is_there = false;
    /* A link to nowhere is listed as itself. */
    if (fstatat(fd, name, &st, 0) != 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return VONK_OK;
    VONK_TRY(vonk_arena_str(arena, vonk_str_of(name), &ret->name, err));
    ret->info = vonk__file_info_of(&st);
    *ret_is_there = true;
    return VONK_OK;
}

static vonk_status list_open(vonk_arena *arena, const char *path, DIR *dir, vonk_dir_entry **ret_entries, size_t *ret_n,
                             vonk_error *err)
{
    VONK_VEC(vonk_dir_entry) entries = {0};
    for (;;) {
        errno = vonk_fault_hit(VONK_FAULT_READ) ? EIO : 0;
        struct dirent *e = errno ? NULL : readdir(dir);
        if (!e && errno) return vonk__fail_read(path, errno, err);
        if (!e) break;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        vonk_dir_entry entry;
        bool is_there;
        VONK_TRY(add_entry(arena, dir, e->d_name, &entry, &is_there, err));
        if (is_there) VONK_TRY(VONK_VEC_ARENA_PUSH(&entries, arena, entry, err));
    }
    if (entries.n) qsort(entries.at, entries.n, sizeof(*entries.at), by_name);
    *ret_entries = entries.at;
    *ret_n = entries.n;
    return VONK_OK;
}

vonk_status vonk_dir_list(vonk_arena *arena, vonk_str path, vonk_dir_entry **ret_entries, size_t *ret_n,
                          vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    DIR *dir = opendir(p.text);
    if (!dir) return vonk__fail_read(p.text, errno, err);
    vonk_status st = list_open(arena, p.text, dir, ret_entries, ret_n, err);
    closedir(dir);
    return st;
}

/* ---- making ---- */

vonk_status vonk_dir_make(vonk_str path, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    for (char *at = p.text + 1;; at++) {
        char was = *at;
        if (was != '/' && was != 0) continue;
        *at = 0;
        if (mkdir(p.text, 0777) != 0) {
            int number = errno;
            struct stat st;
            if (stat(p.text, &st) != 0) return vonk__fail_write(p.text, number, err);
            if (!S_ISDIR(st.st_mode)) return vonk__fail_write(p.text, number == EEXIST ? ENOTDIR : number, err);
        }
        *at = was;
        if (!was) return VONK_OK;
    }
}

vonk_status vonk_dir_make_temp(vonk_arena *arena, vonk_str parent, vonk_str prefix, vonk_str *ret_path, vonk_error *err)
{
    if (parent.len == 0) parent = vonk_env_get("TMPDIR");
    if (parent.len == 0) parent = VONK_STR("/tmp");
    vonk_str pattern;
    VONK_TRY(vonk_arena_printf(arena, &pattern, err, "%.*s/%.*sXXXXXX", VONK_STR_ARGS(parent), VONK_STR_ARGS(prefix)));
    char *path = (char *)(uintptr_t)pattern.data; /* ours, fresh from the arena */
    if (!mkdtemp(path)) return vonk__fail_write(pattern.data, errno, err);
    *ret_path = pattern;
    return VONK_OK;
}

vonk_status vonk_dir_sync(vonk_str path, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    int fd = open(p.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return vonk__fail_read(p.text, errno, err);
    int rc = vonk_fault_hit(VONK_FAULT_FSYNC) ? (errno = EIO, -1) : fsync(fd);
    int number = errno;
    close(fd);
    /* Some file systems (FUSE, network) know no sync of directories and keep the names safe in their own way. */
    return rc != 0 && number != EINVAL ? vonk__fail_write(p.text, number, err) : VONK_OK;
}

/* ---- removing and renaming ---- */

vonk_status vonk_file_remove(vonk_str path, bool *ret_existed, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    bool gone = unlink(p.text) == 0 || ((errno == EISDIR || errno == EPERM) && rmdir(p.text) == 0);
    if (!gone && errno != ENOENT && errno != ENOTDIR) return vonk__fail_write(p.text, errno, err);
    if (ret_existed) *ret_existed = gone;
    return VONK_OK;
}

enum { MOST_DEPTH = 256 };

typedef struct level {
    DIR *dir;
    int fd;         /* of dir */
    char name[256]; /* in the level above */
} level;

/* 0 or errno. */
static int push_level(level *levels, size_t *inout_n, int parent, const char *name)
{
    if (*inout_n == MOST_DEPTH) return ELOOP;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int number = errno;
        close(fd);
        return number;
    }
    level *l = &levels[(*inout_n)++];
    l->dir = dir;
    l->fd = fd;
    memcpy(l->name, name, strlen(name) + 1);
    return 0;
}

/* Removes one entry or goes into it. 0 or errno. */
static int remove_entry(level *levels, size_t *inout_n, const struct dirent *e)
{
    int parent = levels[*inout_n - 1].fd, number = EISDIR;
    assert(parent >= 0);
    if (e->d_type != DT_DIR) number = unlinkat(parent, e->d_name, 0) == 0 ? 0 : errno;
    if (number == EISDIR || number == EPERM) number = push_level(levels, inout_n, parent, e->d_name);
    return number == ENOENT ? 0 : number;
}

/* One entry of the innermost directory, or, when there is none any more, that directory itself. 0 or errno. */
static int step_removal(level *levels, size_t *inout_n)
{
    level *at = &levels[*inout_n - 1];
    errno = 0;
    struct dirent *e = readdir(at->dir);
    if (!e && errno) return errno;
    if (e) return strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ? 0 : remove_entry(levels, inout_n, e);
    closedir(at->dir);
    if (--*inout_n == 0) return 0; /* the caller removes the outermost */
    int parent = levels[*inout_n - 1].fd;
    assert(parent >= 0);
    return unlinkat(parent, at->name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

vonk_status vonk_dir_remove_tree(vonk_str path, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    if (unlink(p.text) == 0 || errno == ENOENT || errno == ENOTDIR) return VONK_OK;
    if (errno != EISDIR && errno != EPERM) return vonk__fail_write(p.text, errno, err);
    level *levels;
    VONK_TRY(vonk_alloc(vonk_budget_root(), MOST_DEPTH * sizeof(*levels), &levels, err));
    size_t n = 0;
    int fd = open(p.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int number = fd < 0 ? errno : push_level(levels, &n, fd, ".");
    if (fd >= 0) close(fd);
    while (number == 0 && n) number = step_removal(levels, &n);
    while (n) closedir(levels[--n].dir);
    vonk_free(levels);
    if (number == 0 && rmdir(p.text) != 0) number = errno;
    return number == 0 || number == ENOENT ? VONK_OK : vonk__fail_write(p.text, number, err);
}

vonk_status vonk_file_rename(vonk_str from, vonk_str to, vonk_error *err)
{
    vonk__path a, b;
    VONK_TRY(vonk__path_of(from, &a, err));
    VONK_TRY(vonk__path_of(to, &b, err));
    if (rename(a.text, b.text) == 0) return VONK_OK;
    if (errno == ENOENT) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", a.text);
    return VONK_FAIL(err, VONK_E_FAILED_RENAME_PATH, "sourcePath", a.text, "targetPath", b.text, "problem",
                     strerrordesc_np(errno));
}

vonk_status vonk_file_exchange(vonk_str a, vonk_str b, bool *ret_done, vonk_error *err)
{
    vonk__path x, y;
    VONK_TRY(vonk__path_of(a, &x, err));
    VONK_TRY(vonk__path_of(b, &y, err));
    *ret_done = renameat2(AT_FDCWD, x.text, AT_FDCWD, y.text, RENAME_EXCHANGE) == 0;
    if (*ret_done || errno == EINVAL || errno == ENOSYS) return VONK_OK;
    if (errno == ENOENT) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", x.text);
    return VONK_FAIL(err, VONK_E_FAILED_RENAME_PATH, "sourcePath", x.text, "targetPath", y.text, "problem",
                     strerrordesc_np(errno));
}

/* ---- names as text ---- */

vonk_status vonk_path_absolute(vonk_arena *arena, vonk_str path, vonk_str *ret, vonk_error *err)
{
    vonk_str base = VONK_STR_NONE, whole;
    if (path.len == 0 || path.data[0] != '/') VONK_TRY(vonk_env_directory(arena, &base, err));
    VONK_TRY(vonk_arena_printf(arena, &whole, err, "%.*s/%.*s", VONK_STR_ARGS(base), VONK_STR_ARGS(path)));
    assert(whole.data);
    char *out = (char *)(uintptr_t)whole.data; /* ours; what is written never overtakes what is read */
    size_t n = 0;
    for (size_t at = 0; at < whole.len;) {
        size_t end = vonk_str_find_byte(whole, '/', at);
        if (end == SIZE_MAX) end = whole.len;
        vonk_str part = vonk_str_sub(whole, at, end);
        at = end + 1;
        if (part.len == 0 || vonk_str_is(part, ".")) continue;
        if (vonk_str_is(part, "..")) {
            while (n && out[n - 1] != '/') n--;
            if (n) n--;
            continue;
        }
        out[n++] = '/';
        memmove(out + n, part.data, part.len);
        n += part.len;
    }
    if (n == 0) out[n++] = '/';
    out[n] = 0;
    *ret = (vonk_str){out, n};
    return VONK_OK;
}

vonk_status vonk_path_join(vonk_arena *arena, vonk_str directory, vonk_str name, vonk_str *ret, vonk_error *err)
{
    const char *between = directory.len == 0 || directory.data[directory.len - 1] == '/' ? "" : "/";
    return vonk_arena_printf(arena, ret, err, "%.*s%s%.*s", VONK_STR_ARGS(directory), between, VONK_STR_ARGS(name));
}

vonk_status vonk_disk_free_bytes(vonk_str path, int64_t *ret, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    struct statvfs st;
    if (statvfs(p.text, &st) != 0) return vonk__fail_read(p.text, errno, err);
    *ret = (int64_t)(st.f_bavail * st.f_frsize);
    return VONK_OK;
}
