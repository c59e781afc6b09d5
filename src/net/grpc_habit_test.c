/* Tests of what is learned about a client, and when it is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/grpc_habit.h"

/* An answer of so many messages, so many bytes of notices in two reads, then a request. */
static void round_of(vonk__grpc_habit *habit, uint64_t n_messages, size_t bytes)
{
    vonk__grpc_habit_answered(habit, n_messages);
    vonk__grpc_habit_received(habit, bytes / 2, false);
    vonk__grpc_habit_received(habit, bytes - bytes / 2, false);
    vonk__grpc_habit_received(habit, 200, true);
}

static void one_round_teaches(void **state)
{
    (void)state;
    vonk__grpc_habit habit = {0};
    vonk__grpc_habit_answered(&habit, 2);
    assert_int_equal(vonk__grpc_habit_mark(&habit), 0);
    round_of(&habit, 2, 400);
    assert_int_equal(vonk__grpc_habit_mark(&habit), 0); /* a request was the last thing */
    vonk__grpc_habit_answered(&habit, 2);
    size_t mark = vonk__grpc_habit_mark(&habit);
    assert_true(mark > 400 && mark < 500); /* less than any request on top */
    vonk__grpc_habit_received(&habit, 17, false);
    assert_int_equal(vonk__grpc_habit_mark(&habit), 0); /* something came already: how much is to come is not known */
}

static void longer_notices_raise_the_mark(void **state)
{
    (void)state;
    vonk__grpc_habit habit = {0};
    round_of(&habit, 2, 200);
    vonk__grpc_habit_answered(&habit, 2);
    size_t small = vonk__grpc_habit_mark(&habit);
    vonk__grpc_habit_received(&habit, 300, false); /* woken for notices alone */
    vonk__grpc_habit_received(&habit, 200, true);
    vonk__grpc_habit_answered(&habit, 2);
    assert_int_equal(vonk__grpc_habit_mark(&habit), small + 100);
}

static void answers_of_other_lengths_are_other_habits(void **state)
{
    (void)state;
    vonk__grpc_habit habit = {0};
    round_of(&habit, 2, 400);
    round_of(&habit, 3, 700);
    round_of(&habit, VONK__GRPC_HABIT_MESSAGES + 1, 1000);
    round_of(&habit, 0, 300);
    vonk__grpc_habit_answered(&habit, 2);
    size_t two = vonk__grpc_habit_mark(&habit);
    vonk__grpc_habit_answered(&habit, 3);
    assert_int_equal(vonk__grpc_habit_mark(&habit), two + 300);
    const uint64_t unknown[] = {0, 1, VONK__GRPC_HABIT_MESSAGES + 1, UINT64_MAX};
    for (size_t i = 0; i < VONK_COUNTOF(unknown); i++) {
        vonk__grpc_habit_answered(&habit, unknown[i]);
        assert_int_equal(vonk__grpc_habit_mark(&habit), 0);
    }
}

static void many_bytes_are_no_habit(void **state)
{
    (void)state;
    vonk__grpc_habit habit = {0};
    round_of(&habit, 2, 1 << 20);
    vonk__grpc_habit_answered(&habit, 2);
    assert_true(vonk__grpc_habit_mark(&habit) == 0);
}

static void wrong_habits_are_forgotten_and_in_time_forgiven(void **state)
{
    (void)state;
    vonk__grpc_habit habit = {0};
    for (int i = 0; i < 3; i++) {
        round_of(&habit, 2, 400);
        vonk__grpc_habit_answered(&habit, 2);
        assert_true(vonk__grpc_habit_mark(&habit) > 400);
        vonk__grpc_habit_was_wrong(&habit);
        vonk__grpc_habit_received(&habit, 200, true);
        vonk__grpc_habit_answered(&habit, 2);
        assert_int_equal(vonk__grpc_habit_mark(&habit), 0); /* to be learned anew */
    }
    for (int i = 0; i < 998; i++) { /* with the one above, 999 requests */
        round_of(&habit, 2, 400);
        vonk__grpc_habit_answered(&habit, 2);
        assert_int_equal(vonk__grpc_habit_mark(&habit), 0);
    }
    round_of(&habit, 2, 400);
    vonk__grpc_habit_answered(&habit, 2);
    assert_true(vonk__grpc_habit_mark(&habit) > 400);
    vonk__grpc_habit_was_wrong(&habit);
    vonk__grpc_habit_received(&habit, 200, true);
    round_of(&habit, 2, 400);
    vonk__grpc_habit_answered(&habit, 2);
    assert_int_equal(vonk__grpc_habit_mark(&habit), 0); /* one more is one too many again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_round_teaches),
        cmocka_unit_test(longer_notices_raise_the_mark),
        cmocka_unit_test(answers_of_other_lengths_are_other_habits),
        cmocka_unit_test(many_bytes_are_no_habit),
        cmocka_unit_test(wrong_habits_are_forgotten_and_in_time_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
