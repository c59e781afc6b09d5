/* sys/thread.c -- over pthreads. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/thread.h"

struct vonk_thread {
    pthread_t os;
    void (*run)(void *);
    void *arg;
    char name[16];
};

static atomic_size_t n_threads;

/* A failing lock is our mistake (not initialised, locked twice), never the user's. */
static void must_be_zero(int rc)
{
    assert(rc == 0);
    (void)rc;
}

void vonk_mutex_init(vonk_mutex *mutex) { must_be_zero(pthread_mutex_init(&mutex->os, NULL)); }
void vonk_mutex_done(vonk_mutex *mutex) { must_be_zero(pthread_mutex_destroy(&mutex->os)); }
void vonk_mutex_lock(vonk_mutex *mutex) { must_be_zero(pthread_mutex_lock(&mutex->os)); }
bool vonk_mutex_try_lock(vonk_mutex *mutex) { return pthread_mutex_trylock(&mutex->os) == 0; }
void vonk_mutex_unlock(vonk_mutex *mutex) { must_be_zero(pthread_mutex_unlock(&mutex->os)); }

void vonk_cond_init(vonk_cond *cond) { must_be_zero(pthread_cond_init(&cond->os, NULL)); }
void vonk_cond_done(vonk_cond *cond) { must_be_zero(pthread_cond_destroy(&cond->os)); }
void vonk_cond_wait(vonk_cond *cond, vonk_mutex *mutex) { must_be_zero(pthread_cond_wait(&cond->os, &mutex->os)); }
void vonk_cond_signal(vonk_cond *cond) { must_be_zero(pthread_cond_signal(&cond->os)); }
void vonk_cond_broadcast(vonk_cond *cond) { must_be_zero(pthread_cond_broadcast(&cond->os)); }

bool vonk_cond_wait_until(vonk_cond *cond, vonk_mutex *mutex, int64_t until_ns)
{
    /* The deadline is the (maybe simulated) clock's; what is waited on is always the machine's. */
    int64_t left = until_ns - vonk_clock_mono_ns();
    if (left <= 0) return false;
    if (left > 3600 * VONK_NS_PER_S) left = 3600 * VONK_NS_PER_S; /* callers loop anyway */
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + left;
    at.tv_sec += ns / VONK_NS_PER_S;
    at.tv_nsec = ns % VONK_NS_PER_S;
    int rc = pthread_cond_clockwait(&cond->os, &mutex->os, CLOCK_MONOTONIC, &at);
    assert(rc == 0 || rc == ETIMEDOUT);
    return rc == 0 || vonk_clock_mono_ns() < until_ns;
}

void vonk_rwlock_init(vonk_rwlock *lock) { must_be_zero(pthread_rwlock_init(&lock->os, NULL)); }
void vonk_rwlock_done(vonk_rwlock *lock) { must_be_zero(pthread_rwlock_destroy(&lock->os)); }
void vonk_rwlock_read(vonk_rwlock *lock) { must_be_zero(pthread_rwlock_rdlock(&lock->os)); }
void vonk_rwlock_write(vonk_rwlock *lock) { must_be_zero(pthread_rwlock_wrlock(&lock->os)); }
void vonk_rwlock_unlock(vonk_rwlock *lock) { must_be_zero(pthread_rwlock_unlock(&lock->os)); }

void vonk_once_run(vonk_once *once, void (*fn)(void)) { must_be_zero(pthread_once(&once->os, fn)); }

static void *trampoline(void *arg)
{
    vonk_thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->run(t->arg);
    return NULL;
}

vonk_status vonk_thread_start(vonk_budget *budget, const char *name, size_t stack_bytes, void (*run)(void *), void *arg,
                              vonk_thread **ret, vonk_error *err)
{
    vonk_thread *t;
    VONK_TRY(VONK_NEW(budget, &t, err));
    t->run = run;
    t->arg = arg;
    memcpy(t->name, name, strnlen(name, sizeof(t->name) - 1));

    pthread_attr_t attr;
    must_be_zero(pthread_attr_init(&attr));
    must_be_zero(pthread_attr_setstacksize(&attr, stack_bytes));
    sigset_t blocked; /* the rest of the process; faults of the thread itself must come through */
    sigfillset(&blocked);
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF};
    for (size_t i = 0; i < VONK_COUNTOF(own); i++) sigdelset(&blocked, own[i]);
    must_be_zero(pthread_attr_setsigmask_np(&attr, &blocked));
    int rc = pthread_create(&t->os, &attr, trampoline, t);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        vonk_free(t);
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("cannot start the thread %s: %s", name, strerrordesc_np(rc)));
    }
    atomic_fetch_add(&n_threads, 1);
    *ret = t;
    return VONK_OK;
}

void vonk_thread_join(vonk_thread *thread)
{
    if (!thread) return;
    must_be_zero(pthread_join(thread->os, NULL));
    atomic_fetch_sub(&n_threads, 1);
    vonk_free(thread);
}

size_t vonk_thread_count(void) { return atomic_load(&n_threads); }

bool vonk_thread_is_self(const vonk_thread *thread) { return pthread_equal(thread->os, pthread_self()) != 0; }
