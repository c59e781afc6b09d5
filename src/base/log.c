/* base/log.c -- one write(2) per line. */
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { LINE_BYTES = 4096, PATIENCE_MS = 50 }; /* PIPE_BUF: a line is written whole or not at all */

static _Atomic int least_level = VONK_LOG_INFO;
static _Atomic int64_t n_dropped;

void vonk_log_set_level(vonk_log_level least) { atomic_store(&least_level, (int)least); }

static size_t add_head(char *line, vonk_log_level level, const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    int n =
        snprintf(line, LINE_BYTES / 2, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s", utc.tm_year + 1900, utc.tm_mon + 1,
                 utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000, names[level], event);
    int64_t dropped = atomic_exchange(&n_dropped, 0);
    if (dropped && n < LINE_BYTES / 4)
        n += snprintf(line + n, LINE_BYTES / 4, " dropped_lines=%lld", (long long)dropped);
    return n < LINE_BYTES / 2 ? (size_t)n : LINE_BYTES / 2 - 1;
}

void vonk_log(vonk_log_level level, const char *event, const char *fmt, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) return;
    char line[LINE_BYTES];
    size_t n = add_head(line, level, event);
    if (fmt && *fmt) {
        line[n++] = ' ';
        va_list args;
        va_start(args, fmt);
        int more = vsnprintf(line + n, LINE_BYTES - 1 - n, fmt, args);
        va_end(args);
        size_t text_at = n;
        if (more > 0) n += (size_t)more < LINE_BYTES - 1 - n ? (size_t)more : LINE_BYTES - 2 - n;
        for (size_t i = text_at; i < n; i++) /* values come from users: no forged lines, no terminal codes */
            if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
    }
    line[n++] = '\n';
    /* A reader that stopped reading must not stop the server: the line is dropped and counted. */
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, PATIENCE_MS) == 0 || write(STDERR_FILENO, line, n) < 0) atomic_fetch_add(&n_dropped, 1);
}
