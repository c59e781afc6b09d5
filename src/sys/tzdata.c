/* sys/tzdata.c -- reading /usr/share/zoneinfo. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/tzdata.h"

enum { MOST_BYTES = 1 << 16 }; /* the largest real file has 4 KB */

static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"};

static bool name_is_safe(const char *name)
{
    return name[0] && name[0] != '/' && name[0] != '.' && !strstr(name, "..") && strlen(name) < 100;
}

vonk_status vonk_tzdata_read(const char *name, vonk_buf *out, bool *ret_found, vonk_error *err)
{
    int fd = -1;
    char path[160];
    *ret_found = false;
    for (size_t i = 0; name_is_safe(name) && fd < 0 && i < VONK_COUNTOF(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) return VONK_OK;
    vonk_status st = VONK_OK;
    ssize_t got = 0;
    do {
        char piece[4096];
        got = read(fd, piece, sizeof(piece));
        if (got > 0) st = vonk_buf_append(out, piece, (size_t)got, err);
    } while (st == VONK_OK && got > 0 && out->len < MOST_BYTES);
    close(fd);
    *ret_found = st == VONK_OK && got == 0 && out->len > 0; /* a folder cannot be read: got < 0 */
    return st;
}

static size_t take_name(const char *text, size_t len, char *out, size_t bytes)
{
    while (len && (unsigned char)text[len - 1] <= ' ') len--;
    if (len == 0 || len >= bytes) return 0;
    memcpy(out, text, len);
    out[len] = 0;
    return len;
}

static size_t name_from_file(char *out, size_t bytes)
{
    char text[128];
    int fd = open("/etc/timezone", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = read(fd, text, sizeof(text));
    close(fd);
    return got > 0 ? take_name(text, (size_t)got, out, bytes) : 0;
}

static size_t name_from_link(char *out, size_t bytes)
{
    char path[256];
    ssize_t got = readlink("/etc/localtime", path, sizeof(path) - 1);
    if (got <= 0) return 0;
    path[got] = 0;
    const char *at = strstr(path, "zoneinfo/");
    return at ? take_name(at + 9, strlen(at + 9), out, bytes) : 0;
}

size_t vonk_tzdata_local_name(char *out, size_t bytes)
{
    const char *tz = getenv("TZ");
    size_t n = 0;
    if (tz && tz[0] == ':') tz++;
    if (tz && tz[0]) n = take_name(tz, strlen(tz), out, bytes);
    if (n == 0) n = name_from_file(out, bytes);
    if (n == 0) n = name_from_link(out, bytes);
    if (n == 0) n = take_name("Etc/UTC", 7, out, bytes);
    return n;
}
