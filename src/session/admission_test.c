/* session/admission_test.c -- who runs, who waits, in what order; the queue's bound; cancel; coming again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "session/admission.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum { LIMIT = 1000 };
static const int64_t at_once = 1; /* ns */

static vonk_admission *opened(uint32_t most_waiting)
{
    vonk_admission *a = NULL;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_admission_new(LIMIT, most_waiting, &a, &err), VONK_OK);
    return a;
}

/* Runs without waiting? */
static bool gets_in(vonk_admission *a, vonk_ticket *t)
{
    static const _Atomic bool never;
    vonk_error err = VONK_ERROR_INIT;
    bool runs = false;
    assert_int_equal(vonk_admission_wait(a, t, at_once, &never, &runs, &err), VONK_OK);
    return runs;
}

static void in_turn(void **state)
{
    vonk_admission *a = opened(8);
    vonk_ticket t[6] = {0};
    assert_true(vonk_admission_try(a, &t[0], 600));
    assert_true(vonk_admission_try(a, &t[1], 400));
    assert_false(vonk_admission_try(a, &t[2], 1e30)); /* needs all there is */
    assert_true(vonk_admission_try(a, &t[3], 10));    /* small */
    assert_false(gets_in(a, &t[2]));
    vonk_admission_leave(a, &t[0]);
    assert_false(vonk_admission_try(a, &t[4], 100)); /* it would fit, but is not first */
    assert_false(gets_in(a, &t[4]));
    assert_false(gets_in(a, &t[2]));
    vonk_admission_leave(a, &t[1]);
    assert_true(gets_in(a, &t[2]));
    assert_false(gets_in(a, &t[4]));
    vonk_admission_leave(a, &t[2]);
    assert_true(gets_in(a, &t[4]));
    assert_true(vonk_admission_try(a, &t[5], 900));
    for (int i = 0; i < 6; i++) vonk_admission_leave(a, &t[i]); /* also those that left */
    vonk_admission_free(a);
}

static void bounded(void **state)
{
    static const _Atomic bool never;
    vonk_admission *a = opened(1);
    vonk_ticket t[3] = {0};
    vonk_error err = VONK_ERROR_INIT;
    bool runs = true;
    assert_true(vonk_admission_try(a, &t[0], 1000));
    assert_false(vonk_admission_try(a, &t[1], 1000));
    assert_false(gets_in(a, &t[1]));
    assert_false(vonk_admission_try(a, &t[2], 1000));
    assert_int_equal(vonk_admission_wait(a, &t[2], 0, &never, &runs, &err), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_false(runs);
    vonk_error_reset(&err);
    vonk_admission_leave(a, &t[1]); /* gives up */
    assert_false(gets_in(a, &t[2]));
    for (int i = 0; i < 3; i++) vonk_admission_leave(a, &t[i]);
    vonk_admission_free(a);
}

static void again(void **state)
{
    vonk_admission *a = opened(8);
    vonk_ticket t[4] = {0};
    assert_true(vonk_admission_try(a, &t[0], 1));
    assert_false(vonk_admission_again(a, &t[0])); /* nobody else has the memory */
    assert_true(vonk_admission_try(a, &t[1], 1));
    assert_true(vonk_admission_again(a, &t[0]));
    assert_false(gets_in(a, &t[0]));
    assert_true(vonk_admission_try(a, &t[2], 1)); /* small ones go on; it does not wait for them */
    vonk_admission_leave(a, &t[1]);
    assert_true(gets_in(a, &t[0]));
    assert_false(vonk_admission_try(a, &t[3], 500)); /* it has all the memory */
    assert_false(vonk_admission_again(a, &t[0]));    /* once is enough */
    for (int i = 0; i < 4; i++) vonk_admission_leave(a, &t[i]);
    vonk_admission_free(a);
}

typedef struct waiter {
    vonk_admission *a;
    vonk_ticket ticket;
    _Atomic bool cancelled;
    bool runs;
    vonk_status status;
} waiter;

static void wait_long(void *arg)
{
    waiter *w = arg;
    vonk_error err = VONK_ERROR_INIT;
    w->status = vonk_admission_wait(w->a, &w->ticket, 0, &w->cancelled, &w->runs, &err);
    vonk_error_reset(&err);
}

static void woken(void **state)
{
    vonk_admission *a = opened(8);
    vonk_ticket first = {0};
    waiter w[2] = {{.a = a}, {.a = a}};
    vonk_thread *threads[2];
    vonk_error err = VONK_ERROR_INIT;
    assert_true(vonk_admission_try(a, &first, 1000));
    for (int i = 0; i < 2; i++) {
        assert_false(vonk_admission_try(a, &w[i].ticket, 1000));
        assert_int_equal(
            vonk_thread_start(vonk_budget_root(), "wait", VONK_STACK_ENGINE, wait_long, &w[i], &threads[i], &err),
            VONK_OK);
    }
    w[0].cancelled = true;
    vonk_admission_wake(a);
    vonk_thread_join(threads[0]);
    assert_true(!w[0].runs && w[0].status == VONK_E_OPERATION_CANCELED);
    vonk_admission_leave(a, &first);
    vonk_thread_join(threads[1]);
    assert_true(w[1].runs && w[1].status == VONK_OK);
    vonk_admission_leave(a, &w[1].ticket);
    vonk_admission_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_turn),
        cmocka_unit_test(bounded),
        cmocka_unit_test(again),
        cmocka_unit_test(woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
