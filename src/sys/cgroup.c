/* sys/cgroup.c -- cgroup v1 and v2. A group is limited by itself and by every group above it; inside a container the
 * path in /proc/self/cgroup may be the outside's, then only the mount's own root has the files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/cgroup_int.h"

bool vonk__read_small(const char *path, char *into, size_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t n = 0;
    while (n < bytes - 1) {
        ssize_t got = read(fd, into + n, bytes - 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    close(fd);
    into[n] = 0;
    return n > 0;
}

/* The group of this process in the hierarchy of `controller` ("" for v2), as "/a/b"; false: not in that hierarchy. */
static bool own_group(const char *root, const char *controller, char *ret_group, size_t bytes)
{
    char path[512], text[8192];
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    if (!vonk__read_small(path, text, sizeof(text))) return false;
    for (char *line = text, *end; *line; line = *end ? end + 1 : end) { /* "4:memory:/a/b" */
        end = line + strcspn(line, "\n");
        char *names = memchr(line, ':', (size_t)(end - line));
        char *group = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
        if (!group) continue;
        size_t want = strlen(controller), have = (size_t)(group - names - 1);
        bool is_it = want == 0 && have == 0;
        for (char *at = names + 1; want && at < group;) { /* "cpu,cpuacct" */
            size_t n = (size_t)(group - at), comma = strcspn(at, ",:");
            if (comma < n) n = comma;
            if (n == want && memcmp(at, controller, n) == 0) is_it = true;
            at += n + 1;
        }
        if (!is_it) continue;
        snprintf(ret_group, bytes, "%.*s", (int)(end - group - 1), group + 1);
        return true;
    }
    return false;
}

/* Calls see(content of <mount><group>/<file>) for the group and all groups above it. */
static void each_group(const char *root, const char *controller, const char *file,
                       void (*see)(const char *text, void *self), void *self)
{
    char group[1024], path[2048], text[256];
    if (!own_group(root, controller, group, sizeof(group))) return;
    for (;;) {
        snprintf(path, sizeof(path), "%s/sys/fs/cgroup/%s%s/%s", root, controller, group, file);
        if (vonk__read_small(path, text, sizeof(text))) see(text, self);
        char *slash = strrchr(group, '/');
        if (!slash) return;
        *slash = 0; /* at last "": the mount's root */
    }
}

static void see_bytes(const char *text, void *self)
{
    int64_t *least = self;
    char *end;
    errno = 0;
    long long bytes = strtoll(text, &end, 10);
    if (end != text && errno == 0 && bytes > 0 && bytes < *least) *least = bytes; /* "max" has no digits */
}

int64_t vonk__cgroup_memory_bytes(const char *root)
{
    int64_t least = INT64_MAX;
    each_group(root, "", "memory.max", see_bytes, &least);
    each_group(root, "memory", "memory.limit_in_bytes", see_bytes, &least);
    /* v1 says "no limit" as a huge number of whole pages. */
    return least >= INT64_C(1) << 60 ? INT64_MAX : least;
}

static void see_cores(const char *text, void *self) /* v2: "200000 100000" or "max 100000" */
{
    double *least = self;
    char *end;
    long long quota = strtoll(text, &end, 10);
    long long period = end != text ? strtoll(end, NULL, 10) : 0;
    if (quota <= 0 || period <= 0) return;
    double cores = (double)quota / (double)period;
    if (*least == 0 || cores < *least) *least = cores;
}

static void see_number(const char *text, void *self) /* the innermost group is seen first and counts */
{
    long long *first = self;
    if (*first == 0) *first = strtoll(text, NULL, 10);
}

double vonk__cgroup_cores(const char *root)
{
    double cores = 0;
    each_group(root, "", "cpu.max", see_cores, &cores);
    long long quota = 0, period = 0;
    each_group(root, "cpu", "cpu.cfs_quota_us", see_number, &quota);
    each_group(root, "cpu", "cpu.cfs_period_us", see_number, &period);
    if (quota > 0 && period > 0) {
        double v1 = (double)quota / (double)period;
        if (cores == 0 || v1 < cores) cores = v1;
    }
    return cores;
}
