/* base/log.h -- structured log lines on stderr: time level event key=value ... Called by cmd, serve and session; library code returns errors instead.
 * Thread-safe; a line is written by one call and never blocks for long. */
#ifndef VONK_BASE_LOG_H
#define VONK_BASE_LOG_H

#include "base/attr.h"

typedef enum vonk_log_level { VONK_LOG_DEBUG, VONK_LOG_INFO, VONK_LOG_WARN, VONK_LOG_ERROR } vonk_log_level;

void vonk_log_set_level(vonk_log_level least);
/* `event` is a fixed word; fmt makes "key=value key=value". Values with blanks are quoted by the caller with %s in "". */
void vonk_log(vonk_log_level level, const char *event, const char *fmt, ...) VONK_PRINTF(3, 4);

#endif
