/* net/timers_int.h -- points in time to be told of, in a heap; the loop sleeps until the nearest. Nothing ticks. One thread.
 * A timer is embedded in its owner and must be stopped before that dies. */
#ifndef VONK_NET_TIMERS_INT_H
#define VONK_NET_TIMERS_INT_H

#include "base/budget.h"

typedef struct vonk_timer {
    int64_t at_us; /* on the monotonic clock */
    size_t  place; /* in the heap, counted from 1; 0: not running */
    void (*due)(struct vonk_timer *timer);
} vonk_timer;

typedef struct vonk_timers {
    vonk_budget *budget;
    vonk_timer **heap;
    size_t       n, capacity;
} vonk_timers;

void        vonk_timers_done(vonk_timers *timers); /* accepts zeroed storage */
vonk_status vonk_timer_start(vonk_timers *timers, vonk_timer *timer, int64_t at_us, void (*due)(vonk_timer *timer), vonk_error *err);
void        vonk_timer_stop(vonk_timers *timers, vonk_timer *timer); /* one that does not run: no-op */
int64_t     vonk_timers_next(const vonk_timers *timers);             /* INT64_MAX: none */
void        vonk_timers_run(vonk_timers *timers, int64_t now_us);    /* stops and calls those that are due */

#endif
