/* sys/files_int.h -- inside sys: paths for system calls, and errors from errno. */
#ifndef VONK_SYS_FILES_INT_H
#define VONK_SYS_FILES_INT_H

#include <sys/stat.h>

#include "sys/files.h"

enum { VONK__PATH_BYTES = 4096 };

/* NUL-terminated; a path that cannot be one (NUL inside, too long, empty) is PATH_NOT_FOUND. */
typedef struct vonk__path {
    char text[VONK__PATH_BYTES];
} vonk__path;
vonk_status vonk__path_of(vonk_str path, vonk__path *ret, vonk_error *err);

/* `number` is errno. ENOENT and ENOTDIR give PATH_NOT_FOUND, the rest the class of the kind of access. */
vonk_status vonk__fail_read(const char *path, int number, vonk_error *err);
vonk_status vonk__fail_write(const char *path, int number, vonk_error *err);

vonk_file_info vonk__file_info_of(const struct stat *st);

#endif
