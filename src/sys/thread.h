/* sys/thread.h -- mutexes, conditions, threads. A pool of tasks is exec's; these are the primitives.
 *
 * Locking cannot fail: a lock that is used wrongly ends the process in debug builds. Threads start with all signals blocked, so that
 * signals reach the event loop only (sys/loop.h). Every thread is joined by its owner; there are no detached threads. */
#ifndef VONK_SYS_THREAD_H
#define VONK_SYS_THREAD_H

#include <pthread.h>

#include "base/budget.h"

typedef struct vonk_mutex {
    pthread_mutex_t os;
} vonk_mutex;
typedef struct vonk_cond {
    pthread_cond_t os;
} vonk_cond;
typedef struct vonk_rwlock {
    pthread_rwlock_t os;
} vonk_rwlock;
typedef struct vonk_once {
    pthread_once_t os;
} vonk_once;
/* For static storage; everything else uses the _init functions. */
#define VONK_MUTEX_INIT  {PTHREAD_MUTEX_INITIALIZER}
#define VONK_COND_INIT   {PTHREAD_COND_INITIALIZER}
#define VONK_RWLOCK_INIT {PTHREAD_RWLOCK_INITIALIZER}
#define VONK_ONCE_INIT   {PTHREAD_ONCE_INIT}

void vonk_mutex_init(vonk_mutex *mutex);
void vonk_mutex_done(vonk_mutex *mutex);
void vonk_mutex_lock(vonk_mutex *mutex);
bool vonk_mutex_try_lock(vonk_mutex *mutex);
void vonk_mutex_unlock(vonk_mutex *mutex);
/* VONK_LOCKED(&mutex); holds it until the end of the block. */
#define VONK_LOCKED(mutex)                                                                                                       \
    __attribute__((cleanup(vonk__unlock))) VONK_UNUSED vonk_mutex *VONK__NAME(locked_, __LINE__) = vonk__lock(mutex)
#define VONK__NAME(a, b)  VONK__NAME2(a, b)
#define VONK__NAME2(a, b) a##b
static inline vonk_mutex *vonk__lock(vonk_mutex *mutex)
{
    vonk_mutex_lock(mutex);
    return mutex;
}
static inline void vonk__unlock(vonk_mutex **mutex) { vonk_mutex_unlock(*mutex); }

void vonk_cond_init(vonk_cond *cond);
void vonk_cond_done(vonk_cond *cond);
void vonk_cond_wait(vonk_cond *cond, vonk_mutex *mutex); /* may wake without a signal: test in a loop */
/* Until vonk_clock_mono_ns() passes until_ns; false: it has passed. */
bool vonk_cond_wait_until(vonk_cond *cond, vonk_mutex *mutex, int64_t until_ns);
void vonk_cond_signal(vonk_cond *cond);
void vonk_cond_broadcast(vonk_cond *cond);

void vonk_rwlock_init(vonk_rwlock *lock);
void vonk_rwlock_done(vonk_rwlock *lock);
void vonk_rwlock_read(vonk_rwlock *lock);
void vonk_rwlock_write(vonk_rwlock *lock);
void vonk_rwlock_unlock(vonk_rwlock *lock);

/* Runs fn in the first caller; the others wait until it is over. */
void vonk_once_run(vonk_once *once, void (*fn)(void));

typedef struct vonk_thread vonk_thread;

#define VONK_STACK_ENGINE ((size_t)8 << 20)  /* workers of the pool, readers, connections */
#define VONK_STACK_PLAN   ((size_t)64 << 20) /* decoding, parsing, analysing: deep input */

/* `name` is shown by top and debuggers (15 bytes of it). The handle is charged to `budget`, the stack is not: its pages are taken as they
 * are touched. Fails with INTERNAL_ERROR when the system has no more threads. */
vonk_status vonk_thread_start(vonk_budget *budget, const char *name, size_t stack_bytes, void (*run)(void *), void *arg,
                              vonk_thread **ret, vonk_error *err);
void   vonk_thread_join(vonk_thread *thread); /* waits and frees; NULL is fine */
size_t vonk_thread_count(void);               /* started and not yet joined */
bool   vonk_thread_is_self(const vonk_thread *thread);

#endif
