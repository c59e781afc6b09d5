/* Tests of the threads for long work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include "serve/connect/workers.h"
#include "sys/clock.h"
#include "sys/thread.h"

static _Atomic(int) n_run, n_at_once, most_at_once;

static void work(void *self)
{
    int now = atomic_fetch_add(&n_at_once, 1) + 1, most = atomic_load(&most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now)) {
    }
    vonk_clock_sleep_ns(VONK_NS_PER_MS / 2);
    atomic_fetch_sub(&n_at_once, 1);
    atomic_fetch_add(&n_run, 1);
    free(self);
}

static void post_new(vonk_connect_workers *workers)
{
    vonk_connect_task *task = calloc(1, sizeof(*task));
    task->run = work;
    task->self = task;
    vonk_connect_workers_post(workers, task);
}

static void all_tasks_run(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_connect_workers *workers = NULL;
    n_run = most_at_once = 0;
    assert_int_equal(vonk_connect_workers_new(vonk_budget_root(), 4, &workers, &err), VONK_OK);
    for (int i = 0; i < 200; i++) post_new(workers);
    vonk_connect_workers_free(workers);
    assert_int_equal(n_run, 200);
    assert_in_range(most_at_once, 2, 4);
    assert_int_equal(vonk_thread_count(), 0);
}

static void one_after_the_other_needs_one_thread(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_connect_workers *workers = NULL;
    n_run = most_at_once = 0;
    assert_int_equal(vonk_connect_workers_new(vonk_budget_root(), 8, &workers, &err), VONK_OK);
    for (int i = 1; i <= 10; i++) {
        vonk_clock_sleep_ns(VONK_NS_PER_MS); /* so that the thread waits again */
        post_new(workers);
        while (n_run < i) vonk_clock_sleep_ns(VONK_NS_PER_MS / 10);
    }
    assert_true(vonk_thread_count() <= 3);
    vonk_connect_workers_free(workers);
    assert_int_equal(most_at_once, 1);
}

static void post_from_within(void *self) { post_new(self); }

static void a_task_may_post_while_the_pool_ends(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_connect_workers *workers = NULL;
    n_run = 0;
    assert_int_equal(vonk_connect_workers_new(vonk_budget_root(), 2, &workers, &err), VONK_OK);
    vonk_connect_task tasks[20];
    for (int i = 0; i < 20; i++) {
        tasks[i] = (vonk_connect_task){.run = post_from_within, .self = workers};
        vonk_connect_workers_post(workers, &tasks[i]);
    }
    vonk_connect_workers_free(workers);
    assert_int_equal(n_run, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tasks_run),
        cmocka_unit_test(one_after_the_other_needs_one_thread),
        cmocka_unit_test(a_task_may_post_while_the_pool_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
