/* exec/pool.c -- the fixed threads, and whose lane runs next.
 *
 * Fair between queries, not between lanes: the queue holds queries in turn; one with ready lanes gives one lane and
 * goes to the end. A lane comes back by itself after its time slice when somebody waits (run.c). Threads sleep when
 * nothing is ready; submitting wakes one. */
#include "exec/exec_int.h"
#include "sys/clock.h"

#define KEEP_MEMORY_NS (2 * VONK_NS_PER_S)

struct vonk_pool {
    vonk_budget *budget;
    vonk_mutex lock;
    vonk_cond ready;
    uint32_t trims;          /* how often idle threads were told to give back memory */
    vonk_exec *first, *last; /* queries with ready lanes */
    uint32_t n_threads, n_started, n_idle;
    _Atomic uint32_t n_ready; /* lanes */
    bool stop;
    vonk_thread *threads[];
};

static void pool_thread(void *arg);

vonk_status vonk_pool_new(vonk_budget *budget, uint32_t n_threads, vonk_pool **ret, vonk_error *err)
{
    if (n_threads == 0) n_threads = 1;
    vonk_pool *pool = NULL;
    VONK_TRY(vonk_alloc_zeroed(budget, sizeof *pool + n_threads * sizeof pool->threads[0], &pool, err));
    pool->budget = budget;
    pool->n_threads = n_threads;
    vonk_mutex_init(&pool->lock);
    vonk_cond_init(&pool->ready);
    for (uint32_t i = 0; i < n_threads; i++) {
        vonk_status st =
            vonk_thread_start(budget, "vonk-exec", VONK_STACK_ENGINE, pool_thread, pool, &pool->threads[i], err);
        if (st != VONK_OK) {
            vonk_pool_free(pool);
            return st;
        }
        pool->n_started++;
    }
    *ret = pool;
    return VONK_OK;
}

void vonk_pool_free(vonk_pool *pool)
{
    if (!pool) return;
    vonk_mutex_lock(&pool->lock);
    assert(!pool->first);
    pool->stop = true;
    vonk_cond_broadcast(&pool->ready);
    vonk_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_started; i++) vonk_thread_join(pool->threads[i]);
    vonk_cond_done(&pool->ready);
    vonk_mutex_done(&pool->lock);
    vonk_free(pool);
}

uint32_t vonk_pool_n_threads(const vonk_pool *pool) { return pool->n_threads; }

bool vonk__pool_busy(const vonk_pool *pool) { return atomic_load_explicit(&pool->n_ready, memory_order_relaxed) > 0; }

void vonk__pool_submit(vonk_pool *pool, exec_runner *runner)
{
    vonk_exec *exec = runner->pub.exec;
    vonk_mutex_lock(&pool->lock);
    runner->next_ready = NULL;
    if (exec->last_ready)
        exec->last_ready->next_ready = runner;
    else
        exec->first_ready = runner;
    exec->last_ready = runner;
    if (!exec->in_pool) {
        exec->in_pool = true;
        exec->next_in_pool = NULL;
        if (pool->last)
            pool->last->next_in_pool = exec;
        else
            pool->first = exec;
        pool->last = exec;
    }
    atomic_fetch_add_explicit(&pool->n_ready, 1, memory_order_relaxed);
    if (pool->n_idle > 0) vonk_cond_signal(&pool->ready);
    vonk_mutex_unlock(&pool->lock);
}

/* The next lane: of the query at the head, which then goes to the end if it has more. */
static exec_runner *take_lane(vonk_pool *pool)
{
    vonk_exec *exec = pool->first;
    if (!exec) return NULL;
    exec_runner *runner = exec->first_ready;
    exec->first_ready = runner->next_ready;
    if (!exec->first_ready) exec->last_ready = NULL;
    pool->first = exec->next_in_pool;
    if (!pool->first) pool->last = NULL;
    exec->next_in_pool = NULL;
    exec->in_pool = false;
    if (exec->first_ready) {
        exec->in_pool = true;
        if (pool->last)
            pool->last->next_in_pool = exec;
        else
            pool->first = exec;
        pool->last = exec;
    }
    atomic_fetch_sub_explicit(&pool->n_ready, 1, memory_order_relaxed);
    return runner;
}

/* Under the lock. A thread without work gives back to the machine, after a while, what its allocator keeps for it; and
 * again when it is told to: what it allocated is freed by others, too. */
static void wait_for_work(vonk_pool *pool)
{
    uint32_t trims = pool->trims;
    pool->n_idle++;
    bool is_idle = !vonk_cond_wait_until(&pool->ready, &pool->lock, vonk_clock_mono_ns() + KEEP_MEMORY_NS);
    while ((is_idle || pool->trims != trims) && !pool->first && !pool->stop) {
        is_idle = false;
        trims = pool->trims;
        vonk_mutex_unlock(&pool->lock);
        vonk_alloc_collect();
        vonk_mutex_lock(&pool->lock);
        if (pool->trims == trims && !pool->first && !pool->stop) vonk_cond_wait(&pool->ready, &pool->lock);
    }
    pool->n_idle--;
}

void vonk_pool_trim(vonk_pool *pool)
{
    vonk_mutex_lock(&pool->lock);
    pool->trims++;
    vonk_cond_broadcast(&pool->ready);
    vonk_mutex_unlock(&pool->lock);
}

static void pool_thread(void *arg)
{
    vonk_pool *pool = arg;
    vonk_mutex_lock(&pool->lock);
    for (;;) {
        exec_runner *runner = take_lane(pool);
        if (runner) {
            vonk_mutex_unlock(&pool->lock);
            vonk__lane_run(runner, 0); /* `runner` may be gone afterwards */
            vonk_mutex_lock(&pool->lock);
            continue;
        }
        if (pool->stop) break;
        wait_for_work(pool);
    }
    vonk_mutex_unlock(&pool->lock);
}
