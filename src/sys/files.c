/* sys/files.c -- open files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/files_int.h"
#include "sys/entropy.h"

enum { MOST_AT_ONCE = 1 << 30 }; /* one system call moves at most 2 GiB */

struct vonk_file {
    int fd;
    int64_t written_to; /* where vonk_file_write goes on */
    size_t path_len;
    char path[];
};

vonk_status vonk__path_of(vonk_str path, vonk__path *ret, vonk_error *err)
{
    if (path.len == 0 || path.len >= sizeof(ret->text) || memchr(path.data, 0, path.len))
        return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", VONK_S(path));
    memcpy(ret->text, path.data, path.len);
    ret->text[path.len] = 0;
    return VONK_OK;
}

vonk_status vonk__fail_read(const char *path, int number, vonk_error *err)
{
    if (number == ENOENT || number == ENOTDIR) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", path);
    return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", path, "problem", strerrordesc_np(number));
}

vonk_status vonk__fail_write(const char *path, int number, vonk_error *err)
{
    if (number == ENOENT) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", path);
    if (number == EEXIST) return VONK_FAIL(err, VONK_E_PATH_ALREADY_EXISTS, "outputPath", path);
    return VONK_FAIL(err, VONK_E_TASK_WRITE_FAILED, "path", path, "problem", strerrordesc_np(number));
}

vonk_file_info vonk__file_info_of(const struct stat *st)
{
    return (vonk_file_info){.kind = S_ISREG(st->st_mode)   ? VONK_FILE_REGULAR
                                    : S_ISDIR(st->st_mode) ? VONK_FILE_DIRECTORY
                                                           : VONK_FILE_OTHER,
                            .size_bytes = st->st_size,
                            .mtime_us = st->st_mtim.tv_sec * INT64_C(1000000) + st->st_mtim.tv_nsec / 1000,
                            .permissions = st->st_mode & 07777,
                            .device = st->st_dev};
}

/* ---- opening and closing ---- */

static vonk_status wrap(vonk_budget *budget, int fd, vonk_str path, vonk_file **ret, vonk_error *err)
{
    vonk_file *file;
    vonk_status st = vonk_alloc_zeroed(budget, sizeof(*file) + path.len + 1, &file, err);
    if (st != VONK_OK) {
        close(fd);
        return st;
    }
    file->fd = fd;
    file->path_len = path.len;
    memcpy(file->path, path.data, path.len);
    *ret = file;
    return VONK_OK;
}

static int open_retrying(const char *path, int flags)
{
    int fd;
    do fd = open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

vonk_status vonk_file_open(vonk_budget *budget, vonk_str path, vonk_file_mode mode, vonk_file **ret, vonk_error *err)
{
    static const int flags[] = {
        [VONK_FILE_READ] = O_RDONLY,
        [VONK_FILE_CREATE] = O_RDWR | O_CREAT | O_EXCL,
        [VONK_FILE_REPLACE] = O_RDWR | O_CREAT | O_TRUNC,
        [VONK_FILE_APPEND] = O_RDWR | O_CREAT,
        [VONK_FILE_UPDATE] = O_RDWR | O_CREAT,
    };
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    int fd = open_retrying(p.text, flags[mode]);
    if (fd < 0)
        return mode == VONK_FILE_READ ? vonk__fail_read(p.text, errno, err) : vonk__fail_write(p.text, errno, err);
    struct stat st;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        close(fd);
        return vonk__fail_read(p.text, EISDIR, err);
    }
    VONK_TRY(wrap(budget, fd, path, ret, err));
    if (mode == VONK_FILE_APPEND) (*ret)->written_to = st.st_size;
    return VONK_OK;
}

vonk_status vonk_file_open_unnamed(vonk_budget *budget, vonk_str directory, vonk_file **ret, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(directory, &p, err));
    int fd = open(p.text, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)) {
        /* A file system without unnamed files: named for a moment. */
        char named[VONK__PATH_BYTES + 32];
        snprintf(named, sizeof(named), "%s/.vonk-%016llx", p.text, (unsigned long long)vonk_random_u64());
        fd = open(named, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0) unlink(named);
    }
    if (fd < 0) return vonk__fail_write(p.text, errno, err);
    return wrap(budget, fd, directory, ret, err);
}

vonk_status vonk_file_open_memory(vonk_budget *budget, vonk_file **ret, vonk_error *err)
{
    char path[64];
    const int fd = memfd_create("vonk", MFD_CLOEXEC);
    if (fd < 0) return vonk__fail_write("a file in memory", errno, err);
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), fd);
    return wrap(budget, fd, vonk_str_of(path), ret, err);
}

vonk_status vonk_file_close(vonk_file *take_file, vonk_error *err)
{
    if (!take_file) return VONK_OK;
    vonk_status st = VONK_OK;
    if (close(take_file->fd) != 0 && errno != EINTR) st = vonk__fail_write(take_file->path, errno, err);
    vonk_free(take_file);
    return st;
}

void vonk_file_free(vonk_file *file)
{
    if (!file) return;
    close(file->fd);
    vonk_free(file);
}

vonk_str vonk_file_path(const vonk_file *file) { return (vonk_str){file->path, file->path_len}; }

vonk_status vonk_file_get_info(const vonk_file *file, vonk_file_info *ret, vonk_error *err)
{
    struct stat st;
    if (fstat(file->fd, &st) != 0) return vonk__fail_read(file->path, errno, err);
    *ret = vonk__file_info_of(&st);
    return VONK_OK;
}

/* ---- reading ---- */

vonk_status vonk_file_read_at(vonk_file *file, int64_t offset, void *into, size_t bytes, size_t *ret_bytes,
                              vonk_error *err)
{
    size_t done = 0;
    while (done < bytes) {
        size_t want = vonk_min_size(bytes - done, MOST_AT_ONCE);
        ssize_t n = vonk_fault_hit(VONK_FAULT_READ)
                        ? (errno = EIO, -1)
                        : pread(file->fd, (char *)into + done, want, offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return vonk__fail_read(file->path, errno, err);
        if (n == 0) break;
        done += (size_t)n;
    }
    *ret_bytes = done;
    return VONK_OK;
}

vonk_status vonk_file_read_exact(vonk_file *file, int64_t offset, void *into, size_t bytes, vonk_error *err)
{
    size_t n = 0;
    VONK_TRY(vonk_file_read_at(file, offset, into, bytes, &n, err));
    if (n == bytes) return VONK_OK;
    return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", file->path, "problem",
                     VONK_F("%zu bytes wanted at %lld, the file ends after %zu of them", bytes, (long long)offset, n));
}

static vonk_status read_to_end(int fd, const char *path, size_t max_bytes, vonk_buf *into, vonk_error *err)
{
    size_t start = into->len;
    for (;;) {
        VONK_TRY(vonk_buf_reserve(into, 16384, err));
        ssize_t n = vonk_fault_hit(VONK_FAULT_READ) ? (errno = EIO, -1)
                                                    : read(fd, into->data + into->len, into->capacity - into->len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return vonk__fail_read(path, errno, err);
        if (n == 0) return VONK_OK;
        into->len += (size_t)n;
        if (into->len - start > max_bytes)
            return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", path, "problem",
                             VONK_F("it has more than %zu bytes", max_bytes));
    }
}

vonk_status vonk_file_read_all(vonk_str path, size_t max_bytes, vonk_buf *into, vonk_error *err)
{
    vonk__path p;
    VONK_TRY(vonk__path_of(path, &p, err));
    int fd = open_retrying(p.text, O_RDONLY);
    if (fd < 0) return vonk__fail_read(p.text, errno, err);
    size_t start = into->len;
    vonk_status st = read_to_end(fd, p.text, max_bytes, into, err);
    close(fd);
    if (st != VONK_OK) into->len = start;
    return st;
}

/* ---- writing ---- */

vonk_status vonk_file_write_at(vonk_file *file, int64_t offset, const void *data, size_t bytes, vonk_error *err)
{
    size_t done = 0;
    while (done < bytes) {
        size_t want = vonk_min_size(bytes - done, MOST_AT_ONCE);
        ssize_t n = vonk_fault_hit(VONK_FAULT_WRITE)
                        ? (errno = ENOSPC, -1)
                        : pwrite(file->fd, (const char *)data + done, want, offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return vonk__fail_write(file->path, errno, err);
        done += (size_t)n;
    }
    return VONK_OK;
}

vonk_status vonk_file_write(vonk_file *file, const void *data, size_t bytes, vonk_error *err)
{
    VONK_TRY(vonk_file_write_at(file, file->written_to, data, bytes, err));
    file->written_to += (int64_t)bytes;
    return VONK_OK;
}

vonk_status vonk_file_truncate(vonk_file *file, int64_t size_bytes, vonk_error *err)
{
    if (ftruncate(file->fd, size_bytes) != 0) return vonk__fail_write(file->path, errno, err);
    if (file->written_to > size_bytes) file->written_to = size_bytes;
    return VONK_OK;
}

vonk_status vonk_file_sync(vonk_file *file, vonk_error *err)
{
    if (vonk_fault_hit(VONK_FAULT_FSYNC)) return vonk__fail_write(file->path, EIO, err);
    if (fsync(file->fd) != 0) return vonk__fail_write(file->path, errno, err);
    return VONK_OK;
}

void vonk_file_will_read(vonk_file *file, int64_t offset, int64_t bytes)
{
    posix_fadvise(file->fd, offset, bytes, POSIX_FADV_WILLNEED);
}

void vonk_file_punch(vonk_file *file, int64_t offset, int64_t bytes)
{
    if (fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes) != 0)
        return; /* only room is lost */
}

static vonk_status write_synced(vonk_budget *budget, vonk_str path, const void *data, size_t bytes, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    VONK_TRY(vonk_file_open(budget, path, VONK_FILE_CREATE, &file, err));
    VONK_TRY(vonk_file_write(file, data, bytes, err));
    VONK_TRY(vonk_file_sync(file, err));
    return vonk_file_close(VONK_STEAL(file), err);
}

vonk_status vonk_file_replace(vonk_str path, const void *data, size_t bytes, vonk_error *err)
{
    vonk__path p, beside;
    VONK_TRY(vonk__path_of(path, &p, err));
    const char *slash = strrchr(p.text, '/');
    size_t directory = slash ? (size_t)(slash + 1 - p.text) : 0;
    /* Hidden: whoever lists the directory meanwhile leaves it out. */
    int n = snprintf(beside.text, sizeof(beside.text), "%.*s.%s.%016llx.tmp", (int)directory, p.text,
                     p.text + directory, (unsigned long long)vonk_random_u64());
    if (n < 0 || (size_t)n >= sizeof(beside.text)) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", p.text);
    vonk_str temporary = {beside.text, (size_t)n};
    vonk_status st = write_synced(vonk_budget_root(), temporary, data, bytes, err);
    if (st == VONK_OK) st = vonk_file_rename(temporary, path, err);
    if (st != VONK_OK) {
        unlink(beside.text);
        return st;
    }
    return vonk_dir_sync(directory ? (vonk_str){p.text, directory} : VONK_STR("."), err);
}

/* ---- locks ---- */

vonk_status vonk_file_try_lock(vonk_budget *budget, vonk_str path, vonk_file **ret, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    VONK_TRY(vonk_file_open(budget, path, VONK_FILE_UPDATE, &file, err));
    int rc;
    do rc = flock(file->fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 && errno != EWOULDBLOCK) return vonk__fail_write(file->path, errno, err);
    *ret = rc == 0 ? VONK_STEAL(file) : NULL;
    return VONK_OK;
}
