/* sys/clock.c -- the machine's clocks, or a test's. */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "sys/clock.h"

static const vonk_sys_clock *_Atomic in_use; /* NULL: the machine's */

static const vonk_sys_clock *stand_in(void) { return atomic_load_explicit(&in_use, memory_order_relaxed); }

int64_t vonk_clock_mono_ns(void)
{
    const vonk_sys_clock *other = stand_in();
    if (VONK_UNLIKELY(other != NULL)) return other->mono_ns(other->self);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * VONK_NS_PER_S + now.tv_nsec;
}

int64_t vonk_clock_wall_us(void)
{
    const vonk_sys_clock *other = stand_in();
    if (VONK_UNLIKELY(other != NULL)) return other->wall_us(other->self);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void vonk_clock_sleep_ns(int64_t ns)
{
    const vonk_sys_clock *other = stand_in();
    if (VONK_UNLIKELY(other != NULL)) {
        other->sleep_ns(other->self, ns);
        return;
    }
    if (ns <= 0) return;
    struct timespec left = {.tv_sec = ns / VONK_NS_PER_S, .tv_nsec = ns % VONK_NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

void vonk_clock_use(const vonk_sys_clock *clock) { atomic_store(&in_use, clock); }
