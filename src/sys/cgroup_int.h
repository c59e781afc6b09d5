/* sys/cgroup_int.h -- inside sys: limits that a container sets. `root` is put in front of /proc and /sys (tests); "" for the machine. */
#ifndef VONK_SYS_CGROUP_INT_H
#define VONK_SYS_CGROUP_INT_H

#include "base/attr.h"

int64_t vonk__cgroup_memory_bytes(const char *root); /* INT64_MAX: no limit */
double  vonk__cgroup_cores(const char *root);        /* 0: no limit */

/* The first bytes - 1 bytes of a small file, NUL-terminated; false when it cannot be read. No budget, no errors: for /proc and /sys. */
bool vonk__read_small(const char *path, char *into, size_t bytes);

#endif
