/* sys/clock.h -- time. Everything that waits or stamps asks here, so that a simulation can stand in for the machine's clocks.
 * Units are in the names. Thread-safe. */
#ifndef VONK_SYS_CLOCK_H
#define VONK_SYS_CLOCK_H

#include "base/attr.h"

#define VONK_NS_PER_US INT64_C(1000)
#define VONK_NS_PER_MS INT64_C(1000000)
#define VONK_NS_PER_S  INT64_C(1000000000)

int64_t vonk_clock_mono_ns(void); /* never goes back; its zero means nothing */
int64_t vonk_clock_wall_us(void); /* since 1970-01-01 UTC */
void    vonk_clock_sleep_ns(int64_t ns);

/* A clock for tests and simulations. */
typedef struct vonk_sys_clock {
    int64_t (*mono_ns)(void *self);
    int64_t (*wall_us)(void *self);
    void (*sleep_ns)(void *self, int64_t ns);
    void *self;
} vonk_sys_clock;
/* Borrowed until the next call; NULL: the machine's. Not while other threads run. */
void vonk_clock_use(const vonk_sys_clock *clock);

#endif
