/* session/admission.h -- inside session/: which queries may run now, and which wait until there is memory.
 *
 * A query that expects to keep much (opt/memory.c) reserves that much of the server's memory while it runs; when what is reserved
 * leaves no room it waits, first come first served. Small ones never wait. A query that was refused memory while others ran,
 * before it gave a row, may come again: then it waits until those others are done and has the memory for itself.
 * A running query that has stood still for a second waits for its client, and is not waited for: else a client that reads
 * two results in turn would wait for itself. Thread-safe. */
#ifndef VONK_SESSION_ADMISSION_H
#define VONK_SESSION_ADMISSION_H

#include "exec/exec.h"

typedef struct vonk_admission vonk_admission;

/* One query's place; storage belongs to the query, zeroed before the first use. */
typedef struct vonk_ticket {
    struct vonk_ticket *next;
    vonk_exec          *exec;    /* that runs, or NULL */
    int64_t             need;    /* bytes; 0: small */
    uint64_t            number;  /* in the order of starting */
    uint64_t            before;  /* `again`: waits for all running ones of lower numbers */
    bool                running, waiting, again;
    bool                beside;  /* others ran at the same time, if only for a while: what they kept was refused to it */
    uint32_t            idle_checks;
} vonk_ticket;

/* most_waiting: more are refused with MEMORY_BUDGET_EXCEEDED. */
vonk_status vonk_admission_new(int64_t limit_bytes, uint32_t most_waiting, vonk_admission **ret, vonk_error *err);
void        vonk_admission_free(vonk_admission *admission);
VONK_DEFINE_AUTO(vonk_admission, vonk_admission_free)
/* need_bytes: what the query expects to keep. True: it runs. */
bool vonk_admission_try(vonk_admission *admission, vonk_ticket *ticket, double need_bytes);
/* Until it runs (*ret_runs), or at most wait_ns (0: as long as it takes). OPERATION_CANCELED when *cancelled becomes true. */
vonk_status vonk_admission_wait(vonk_admission *admission, vonk_ticket *ticket, int64_t wait_ns, const _Atomic bool *cancelled, bool *ret_runs, vonk_error *err);
void        vonk_admission_wake(vonk_admission *admission); /* somebody was cancelled */
void        vonk_admission_set_exec(vonk_admission *admission, vonk_ticket *ticket, vonk_exec *exec); /* NULL before it is freed */
/* It was refused memory. True: others ran beside it, so that it is worth coming again; wait next. */
bool vonk_admission_again(vonk_admission *admission, vonk_ticket *ticket);
void vonk_admission_leave(vonk_admission *admission, vonk_ticket *ticket); /* done, or gives up; may be called again */

#endif
