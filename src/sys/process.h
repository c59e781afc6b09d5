/* sys/process.h -- child processes: start, look, end.
 *
 * A process is owned by whoever started it; every one is waited for, so none is left as a zombie. Descriptors of ours
 * are close-on-exec: a child sees only its three standard ones. Signals are unblocked and at their defaults in the
 * child. Errors: INTERNAL_ERROR with the program's name. Fault point: VONK_FAULT_ALLOC (starting). */
#ifndef VONK_SYS_PROCESS_H
#define VONK_SYS_PROCESS_H

#include "base/budget.h"

typedef enum vonk_stdio { VONK_STDIO_NULL, VONK_STDIO_INHERIT, VONK_STDIO_PIPE } vonk_stdio;

typedef struct vonk_process_spec {
    vonk_str program;     /* a path, or a name that is looked for on the child's PATH */
    const vonk_str *args; /* after the program's name */
    uint32_t n_args;
    const vonk_str *vars; /* "NAME=value": in place of ours of that name; "NAME" alone: taken away */
    uint32_t n_vars;
    vonk_str folder; /* to work in; empty: ours */
    vonk_stdio in, out, err;
    bool own_group; /* a process group of its own: vonk_process_kill reaches its children too */
} vonk_process_spec;

typedef struct vonk_process vonk_process;

vonk_status vonk_process_start(vonk_budget *budget, const vonk_process_spec *spec, vonk_process **ret, vonk_error *err);
/* Our ends of the pipes, -1 where there is none; non-blocking, read and written with sys/sockets.h's functions, closed
 * by vonk_process_free or one by one. */
int vonk_process_in(const vonk_process *process);
int vonk_process_out(const vonk_process *process);
int vonk_process_err(const vonk_process *process);
void vonk_process_close_in(vonk_process *process);

typedef struct vonk_process_end {
    bool by_signal;
    int32_t code; /* exit status, or the signal's number */
} vonk_process_end;
/* False: still running after timeout_ns (0: just look, negative: wait for ever). Any thread, one at a time. */
bool vonk_process_wait(vonk_process *process, int64_t timeout_ns, vonk_process_end *ret);
/* hard: SIGKILL, else SIGTERM. Fine when it has ended. */
void vonk_process_kill(vonk_process *process, bool hard);
/* Kills it hard if it still runs, waits for its end. NULL is fine. */
void vonk_process_free(vonk_process *process);
VONK_DEFINE_AUTO(vonk_process, vonk_process_free)

#endif
