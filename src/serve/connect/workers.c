/* serve/connect/workers.c -- a queue and the threads that empty it. */
#include "serve/connect/workers.h"

#include "sys/clock.h"
#include "sys/thread.h"

enum { KEPT_IDLE = 2, IDLE_S = 10, KEEP_MEMORY_S = 2 };

typedef struct worker {
    vonk_connect_workers *pool;
    vonk_thread *thread;
    struct worker *next; /* among those that ended */
} worker;

struct vonk_connect_workers {
    vonk_budget *budget;
    vonk_mutex lock;
    vonk_cond work, ended;
    vonk_connect_task *first, **last;
    uint32_t n_threads, n_idle, n_queued, max_threads;
    bool is_stopping;
    worker *dead; /* ended by themselves, not joined yet */
};

static vonk_connect_task *take_task(vonk_connect_workers *p)
{
    vonk_connect_task *task = p->first;
    if (!task) return NULL;
    p->first = task->next;
    if (!p->first) p->last = &p->first;
    p->n_queued--;
    return task;
}

/* Under the lock. Without a limit; after a while the memory that the thread's allocator keeps goes back to the machine.
 */
static void wait_long(vonk_connect_workers *p)
{
    if (vonk_cond_wait_until(&p->work, &p->lock, vonk_clock_mono_ns() + KEEP_MEMORY_S * VONK_NS_PER_S)) return;
    vonk_mutex_unlock(&p->lock);
    vonk_alloc_collect();
    vonk_mutex_lock(&p->lock);
    if (!p->first && !p->is_stopping) vonk_cond_wait(&p->work, &p->lock);
}

/* Under the lock. The next task; NULL: this thread is no longer wanted. */
static vonk_connect_task *wait_task(vonk_connect_workers *p)
{
    for (;;) {
        vonk_connect_task *task = take_task(p);
        if (task || p->is_stopping) return task;
        bool was_woken = true;
        p->n_idle++;
        if (p->n_idle <= KEPT_IDLE)
            wait_long(p);
        else
            was_woken = vonk_cond_wait_until(&p->work, &p->lock, vonk_clock_mono_ns() + IDLE_S * VONK_NS_PER_S);
        p->n_idle--;
        if (!was_woken && !p->first) return NULL;
    }
}

static void work(void *arg)
{
    worker *w = arg;
    vonk_connect_workers *p = w->pool;
    vonk_mutex_lock(&p->lock);
    for (vonk_connect_task *task; (task = wait_task(p));) {
        vonk_mutex_unlock(&p->lock);
        task->run(task->self); /* frees itself, maybe */
        vonk_mutex_lock(&p->lock);
    }
    p->n_threads--;
    w->next = p->dead;
    p->dead = w;
    vonk_cond_broadcast(&p->ended);
    vonk_mutex_unlock(&p->lock);
}

static void bury(worker *dead)
{
    while (dead) {
        worker *w = dead;
        dead = w->next;
        vonk_thread_join(w->thread);
        vonk_free(w);
    }
}

/* Under the lock. */
static vonk_status add_thread(vonk_connect_workers *p, vonk_error *err)
{
    worker *w = NULL;
    VONK_TRY(VONK_NEW(p->budget, &w, err));
    w->pool = p;
    vonk_status st = vonk_thread_start(p->budget, "connect", VONK_STACK_PLAN, work, w, &w->thread, err);
    if (st != VONK_OK)
        vonk_free(w);
    else
        p->n_threads++;
    return st;
}

vonk_status vonk_connect_workers_new(vonk_budget *budget, uint32_t max_threads, vonk_connect_workers **ret,
                                     vonk_error *err)
{
    vonk_connect_workers *p = NULL;
    VONK_TRY(VONK_NEW(budget, &p, err));
    p->budget = budget;
    p->max_threads = max_threads;
    p->last = &p->first;
    vonk_mutex_init(&p->lock);
    vonk_cond_init(&p->work);
    vonk_cond_init(&p->ended);
    vonk_mutex_lock(&p->lock);
    vonk_status st = add_thread(p, err);
    vonk_mutex_unlock(&p->lock);
    if (st == VONK_OK)
        *ret = p;
    else
        vonk_connect_workers_free(p);
    return st;
}

void vonk_connect_workers_free(vonk_connect_workers *p)
{
    if (!p) return;
    vonk_mutex_lock(&p->lock);
    p->is_stopping = true;
    vonk_cond_broadcast(&p->work);
    while (p->n_threads > 0) vonk_cond_wait(&p->ended, &p->lock);
    worker *dead = p->dead;
    vonk_mutex_unlock(&p->lock);
    bury(dead);
    assert(!p->first);
    vonk_cond_done(&p->work);
    vonk_cond_done(&p->ended);
    vonk_mutex_done(&p->lock);
    vonk_free(p);
}

void vonk_connect_workers_post(vonk_connect_workers *p, vonk_connect_task *task)
{
    vonk_mutex_lock(&p->lock);
    task->next = NULL;
    *p->last = task;
    p->last = &task->next;
    p->n_queued++;
    if (p->n_queued > p->n_idle && p->n_threads < p->max_threads) {
        vonk_error err = VONK_ERROR_INIT; /* if none can be started, one of those that run will come by */
        (void)add_thread(p, &err);
        vonk_error_reset(&err);
    }
    worker *dead = p->dead;
    p->dead = NULL;
    vonk_mutex_unlock(&p->lock);
    vonk_cond_signal(&p->work); /* not under the lock: whom it wakes would wait for that at once */
    bury(dead);
}
