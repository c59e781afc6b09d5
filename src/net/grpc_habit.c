/* net/grpc_habit.c */
#include "net/grpc_habit.h"

#include <string.h>

enum {
    MAX_BYTES = 4096, /* more are worth a wake-up */
    ROOM_BYTES = 64,  /* for a PING and window updates; any request is longer */
    MAX_WRONG = 3,
    FORGIVEN_AFTER = 1000 /* requests: what a wrong habit costs, a late look at one of them, is little among so many */
};

static bool is_known_kind(const vonk__grpc_habit *habit)
{
    return habit->n_answered > 0 && habit->n_answered <= VONK__GRPC_HABIT_MESSAGES;
}

void vonk__grpc_habit_answered(vonk__grpc_habit *habit, uint64_t n_messages)
{
    habit->n_answered = n_messages;
    habit->seen = 0;
}

void vonk__grpc_habit_received(vonk__grpc_habit *habit, size_t bytes, bool is_asked)
{
    if (is_asked) { /* which of the bytes were notices cannot be told */
        habit->n_answered = habit->seen = 0;
        if (habit->n_wrong > 0 && ++habit->n_since_wrong == FORGIVEN_AFTER) {
            habit->n_wrong--;
            habit->n_since_wrong = 0;
        }
        return;
    }
    habit->seen += bytes;
    if (is_known_kind(habit) && habit->seen <= MAX_BYTES && habit->seen > habit->bytes[habit->n_answered])
        habit->bytes[habit->n_answered] = habit->seen;
}

size_t vonk__grpc_habit_mark(const vonk__grpc_habit *habit)
{
    if (!is_known_kind(habit) || habit->seen > 0 || habit->n_wrong >= MAX_WRONG) return 0;
    size_t bytes = habit->bytes[habit->n_answered];
    return bytes ? bytes + ROOM_BYTES : 0;
}

void vonk__grpc_habit_was_wrong(vonk__grpc_habit *habit)
{
    habit->n_wrong++;
    habit->n_since_wrong = 0;
    memset(habit->bytes, 0, sizeof(habit->bytes));
}
