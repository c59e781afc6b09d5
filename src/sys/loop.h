/* sys/loop.h -- the event loop: descriptors, timers, jobs posted by other threads, signals. One thread runs a loop; everything is called
 * on that thread, and everything is called from it except vonk_loop_post and vonk_loop_stop.
 *
 * Watches, timers and jobs are storage of their owners (zeroed at first); they must stay until removed, cancelled or run. Removing any of them
 * from inside any callback is fine, and after that no callback of it runs. */
#ifndef VONK_SYS_LOOP_H
#define VONK_SYS_LOOP_H

#include "base/budget.h"

typedef struct vonk_loop vonk_loop;

enum { VONK_WATCH_READ = 1, VONK_WATCH_WRITE = 2, VONK_WATCH_ERROR = 4 /* reported always: reset or hung up */ };

typedef struct vonk_watch {
    void (*ready)(void *self, unsigned events); /* level-triggered: comes again while the reason lasts */
    void *self;
    int fd;                        /* read-only after vonk_loop_watch; not owned */
    unsigned events;               /* read-only */
    struct vonk_loop *loop;        /* inside */
    struct vonk_watch *next_ready; /* inside */
    unsigned got;                  /* inside */
} vonk_watch;

typedef struct vonk_timer {
    void (*fire)(void *self);
    void *self;
    int64_t at_ns;   /* inside */
    size_t heap_pos; /* inside: 1-based, 0 = not set */
} vonk_timer;

typedef struct vonk_job {
    void (*run)(void *self);
    void *self;
    struct vonk_job *next; /* inside */
} vonk_job;

vonk_status vonk_loop_new(vonk_budget *budget, vonk_loop **ret, vonk_error *err);
void        vonk_loop_free(vonk_loop *loop); /* jobs that did not run are dropped; their owners know */
VONK_DEFINE_AUTO(vonk_loop, vonk_loop_free)
vonk_status vonk_loop_run(vonk_loop *loop, vonk_error *err); /* until vonk_loop_stop */
void        vonk_loop_stop(vonk_loop *loop);                 /* any thread, any time, also before the run; async-signal-safe */

/* watch->ready and ->self are set by the caller. Closing the descriptor needs vonk_loop_unwatch first. */
vonk_status vonk_loop_watch(vonk_loop *loop, vonk_watch *watch, int fd, unsigned events, vonk_error *err);
void        vonk_loop_set_events(vonk_watch *watch, unsigned events);
void        vonk_loop_unwatch(vonk_watch *watch); /* fine when it is not watched */

/* Fires once at vonk_clock_mono_ns() >= at_ns; setting it again moves it. Fails only for want of memory, never when it is set already. */
vonk_status vonk_loop_set_timer(vonk_loop *loop, vonk_timer *timer, int64_t at_ns, vonk_error *err);
void        vonk_loop_cancel_timer(vonk_loop *loop, vonk_timer *timer); /* fine when it is not set */

/* Any thread. Jobs run in the order of posting. A job must not be posted again before it has started to run. */
void vonk_loop_post(vonk_loop *loop, vonk_job *job);

/* Called for SIGTERM, SIGINT and SIGHUP. One loop of the process at a time; vonk_signals_prepare() must have run. */
vonk_status vonk_loop_on_signal(vonk_loop *loop, void (*on_signal)(void *self, int number), void *self, vonk_error *err);
/* First thing in main, before threads: SIGPIPE is ignored, SIGTERM, SIGINT and SIGHUP are kept for the loop. */
void vonk_signals_prepare(void);
/* For programs that do without a loop: from now on Ctrl-C (SIGINT) is noted and no longer ends the process; it ends a read that waits. */
void vonk_interrupts_catch(void);
bool vonk_interrupts_take(void); /* was it pressed since this was last asked? */
bool vonk_interrupts_wait_input(int fd); /* until fd is readable; false: it was pressed, now or before, and has not been taken */
/* For programs that do without a loop: back to the system's way. */
void vonk_signals_restore(void);

#endif
