/* base/fault.h -- make the n-th allocation, read, write, send ... fail once. Compiled in only with -Dfaults=true; otherwise
 * vonk_fault_hit() is the constant false. */
#ifndef VONK_BASE_FAULT_H
#define VONK_BASE_FAULT_H

#include "base/attr.h"

typedef enum vonk_fault { VONK_FAULT_ALLOC, VONK_FAULT_READ, VONK_FAULT_WRITE, VONK_FAULT_SEND, VONK_FAULT_FSYNC, VONK_N_FAULT } vonk_fault;

#ifdef VONK_FAULTS
bool vonk_fault_hit(vonk_fault kind); /* counts; true exactly once, at the armed point */
#else
static inline bool vonk_fault_hit(vonk_fault kind)
{
    (void)kind;
    return false;
}
#endif
void    vonk_fault_arm(vonk_fault kind, int64_t at); /* the at-th call from now (0 = next) fails; -1 disarms */
bool    vonk_fault_fired(void);                      /* since the last arm */
int64_t vonk_fault_seen(vonk_fault kind);            /* calls since the last arm */

#endif
