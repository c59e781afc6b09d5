/* sys/env.h -- what the process was started with: environment, names, terminal. Read when asked; thread-safe because nobody here
 * changes the environment. */
#ifndef VONK_SYS_ENV_H
#define VONK_SYS_ENV_H

#include "base/arena.h"

/* Lives as long as the process; data is NULL when it is not set. */
vonk_str vonk_env_get(const char *name);
/* for (size_t at = 0; vonk_env_next(&at, &name, &value);) */
bool vonk_env_next(size_t *inout_at, vonk_str *ret_name, vonk_str *ret_value);

vonk_str vonk_env_user_name(void); /* of the effective user; "unknown" when it has none */
vonk_str vonk_env_host_name(void);
vonk_status vonk_env_program_path(vonk_arena *arena, vonk_str *ret, vonk_error *err); /* of the running binary */
vonk_status vonk_env_directory(vonk_arena *arena, vonk_str *ret, vonk_error *err);    /* the current one */
int64_t vonk_env_process_id(void);

bool   vonk_env_is_terminal(int fd);   /* 0, 1, 2 */
int    vonk_env_read_byte(void);       /* the next of standard input, past stdio; -1: its end, or an interrupt (sys/loop.h) */
/* What a child of ours wrote, passed on to standard error as it is; what it does not take is lost. */
void   vonk_env_pass_on(vonk_str text);
/* Text of this thread is UTF-8 for libraries that ask the C library (line editing), whatever LANG says. */
void   vonk_env_use_utf8(void);
size_t vonk_env_terminal_width(void);  /* columns of standard output; 80 when it is no terminal */

#endif
