/* session/admission.c -- two lists under one lock: who runs, and who waits in turn. */
#include "session/admission.h"

#include "sys/clock.h"
#include "sys/thread.h"

#define SMALL_PART 16              /* a query that needs less than this part of the memory does not wait */
#define CHECK_NS INT64_C(50000000) /* how often the first one in the queue looks who stands still */
#define IDLE_CHECKS 20             /* so often seen standing still: waits for its client */

struct vonk_admission {
    vonk_mutex lock;
    vonk_cond changed;
    int64_t limit;
    uint64_t next_number;
    uint32_t n_waiting, most_waiting;
    vonk_ticket *running, *waiting, *last_waiting;
};

vonk_status vonk_admission_new(int64_t limit_bytes, uint32_t most_waiting, vonk_admission **ret, vonk_error *err)
{
    vonk_admission *a = NULL;

    VONK_TRY(VONK_NEW(vonk_budget_root(), &a, err));
    vonk_mutex_init(&a->lock);
    vonk_cond_init(&a->changed);
    a->limit = limit_bytes;
    a->most_waiting = most_waiting;
    a->next_number = 1;
    *ret = a;
    return VONK_OK;
}

void vonk_admission_free(vonk_admission *a)
{
    if (!a) return;
    assert(!a->running && !a->waiting);
    vonk_cond_done(&a->changed);
    vonk_mutex_done(&a->lock);
    vonk_free(a);
}

/* ---- lock held */
static bool stands_still(const vonk_ticket *t) { return t->idle_checks >= IDLE_CHECKS; }

static bool has_room(const vonk_admission *a, const vonk_ticket *t)
{
    int64_t reserved = 0;

    for (const vonk_ticket *r = a->running; r; r = r->next) {
        if (stands_still(r)) continue;
        if (t->again && r->number < t->before) return false;
        reserved += r->need;
    }
    return t->need <= a->limit - reserved;
}

static void run(vonk_admission *a, vonk_ticket *t)
{
    t->running = true;
    t->idle_checks = 0;
    t->number = a->next_number++;
    t->beside = a->running != NULL;
    for (vonk_ticket *r = a->running; r; r = r->next) r->beside = true;
    t->next = a->running;
    a->running = t;
}

static void enqueue(vonk_admission *a, vonk_ticket *t)
{
    t->waiting = true;
    t->next = NULL;
    if (a->last_waiting)
        a->last_waiting->next = t;
    else
        a->waiting = t;
    a->last_waiting = t;
    a->n_waiting++;
}

static void dequeue(vonk_admission *a, vonk_ticket *t)
{
    vonk_ticket *before = NULL;

    for (vonk_ticket *w = a->waiting; w != t; w = w->next) before = w;
    if (before)
        before->next = t->next;
    else
        a->waiting = t->next;
    if (a->last_waiting == t) a->last_waiting = before;
    t->waiting = false;
    a->n_waiting--;
    vonk_cond_broadcast(&a->changed); /* somebody else is first now */
}

static void stop(vonk_admission *a, vonk_ticket *t)
{
    vonk_ticket **link = &a->running;

    while (*link != t) link = &(*link)->next;
    *link = t->next;
    t->running = false;
    vonk_cond_broadcast(&a->changed);
}

static void look_who_stands_still(vonk_admission *a)
{
    for (vonk_ticket *r = a->running; r; r = r->next)
        r->idle_checks = r->exec && vonk_exec_is_idle(r->exec) ? r->idle_checks + 1 : 0;
}

/* ---- for queries */
bool vonk_admission_try(vonk_admission *a, vonk_ticket *t, double need_bytes)
{
    VONK_LOCKED(&a->lock);
    const double limit = (double)a->limit;

    t->need = need_bytes < limit / SMALL_PART ? 0 : need_bytes < limit ? (int64_t)need_bytes : a->limit;
    const bool runs = t->need == 0 || (!a->waiting && has_room(a, t));
    if (runs) run(a, t);
    return runs;
}

static vonk_status join_queue(vonk_admission *a, vonk_ticket *t, vonk_error *err)
{
    if (t->waiting) return VONK_OK;
    if (a->n_waiting >= a->most_waiting)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", VONK_F("%lld", (long long)t->need),
                         "receivedBytes", "0", "budget", VONK_F("%u queries wait for memory already", a->n_waiting));
    enqueue(a, t);
    return VONK_OK;
}

vonk_status vonk_admission_wait(vonk_admission *a, vonk_ticket *t, int64_t wait_ns, const _Atomic bool *cancelled,
                                bool *ret_runs, vonk_error *err)
{
    VONK_LOCKED(&a->lock);
    const int64_t end_ns = wait_ns > 0 ? vonk_clock_mono_ns() + wait_ns : INT64_MAX;

    *ret_runs = false;
    VONK_TRY(join_queue(a, t, err));
    for (;;) {
        const int64_t now_ns = vonk_clock_mono_ns(), next_ns = now_ns + CHECK_NS;
        if (atomic_load(cancelled)) {
            dequeue(a, t);
            return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        }
        if (a->waiting == t && has_room(a, t)) {
            dequeue(a, t);
            run(a, t);
            *ret_runs = true;
            return VONK_OK;
        }
        if (now_ns >= end_ns) return VONK_OK;
        if (!vonk_cond_wait_until(&a->changed, &a->lock, next_ns < end_ns ? next_ns : end_ns) && a->waiting == t)
            look_who_stands_still(a);
    }
}

void vonk_admission_wake(vonk_admission *a)
{
    VONK_LOCKED(&a->lock);
    vonk_cond_broadcast(&a->changed);
}

void vonk_admission_set_exec(vonk_admission *a, vonk_ticket *t, vonk_exec *exec)
{
    VONK_LOCKED(&a->lock);
    t->exec = exec;
}

bool vonk_admission_again(vonk_admission *a, vonk_ticket *t)
{
    VONK_LOCKED(&a->lock);
    if (t->again || !t->beside) return false;
    if (t->running) stop(a, t);
    t->again = true;
    t->need = a->limit;
    t->before = a->next_number;
    return true;
}

void vonk_admission_leave(vonk_admission *a, vonk_ticket *t)
{
    VONK_LOCKED(&a->lock);
    if (t->running) stop(a, t);
    if (t->waiting) dequeue(a, t);
}
