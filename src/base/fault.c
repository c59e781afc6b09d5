/* base/fault.c -- counters of fault points. */
#include <stdatomic.h>

#include "base/fault.h"

static _Atomic int64_t seen[VONK_N_FAULT];
static _Atomic int64_t armed_at[VONK_N_FAULT]; /* 1-based, so that zeroed storage means disarmed */
static atomic_bool fired;

#ifdef VONK_FAULTS
bool vonk_fault_hit(vonk_fault kind)
{
    int64_t nth = atomic_fetch_add(&seen[kind], 1) + 1;
    if (nth != atomic_load(&armed_at[kind])) return false;
    atomic_store(&fired, true);
    return true;
}
#endif

void vonk_fault_arm(vonk_fault kind, int64_t at)
{
    atomic_store(&armed_at[kind], 0);
    atomic_store(&seen[kind], 0);
    atomic_store(&fired, false);
    atomic_store(&armed_at[kind], at + 1);
}

bool vonk_fault_fired(void) { return atomic_load(&fired); }

int64_t vonk_fault_seen(vonk_fault kind) { return atomic_load(&seen[kind]); }
