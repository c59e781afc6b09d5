/* net/grpc_habit.h -- what a client does behind an answer: it sends some notices (VONK_GRPC_NOTICE), and waits for none, before it asks for the
 * next thing. Being woken costs more than all else about a notice. So each connection's habit is learned: the bytes of the notices behind an answer
 * of so many messages; and until more than those have come, the server sleeps on. A habit that proves wrong is forgotten, and after three
 * wrong ones none is trusted; each thousand requests one is forgiven.
 *
 * No locks and no memory of its own; belongs to the thread of the connection. */
#ifndef VONK_NET_GRPC_HABIT_H
#define VONK_NET_GRPC_HABIT_H

#include "base/attr.h"

enum { VONK__GRPC_HABIT_MESSAGES = 4 }; /* of an answer; behind longer ones notices differ too much */

typedef struct vonk__grpc_habit {
    uint32_t n_asked;                              /* requests that are no notices, ever; the caller counts */
    uint32_t n_wrong;                              /* how often it was, but for what is forgiven */
    uint32_t n_since_wrong;                        /* requests */
    size_t   bytes[VONK__GRPC_HABIT_MESSAGES + 1]; /* of the notices, by messages of the answer; 0: not known */
    uint64_t n_answered;                           /* messages of the answer that was the last thing to happen; 0: something else was */
    size_t   seen;                                 /* bytes since that answer */
} vonk__grpc_habit;

/* An answer ended well. */
void vonk__grpc_habit_answered(vonk__grpc_habit *habit, uint64_t n_messages);
/* What was read at once; is_asked: a request that is no notice was among it. */
void vonk__grpc_habit_received(vonk__grpc_habit *habit, size_t bytes, bool is_asked);
/* So many bytes are worth a wake-up, and fewer are not; 0: any are. */
size_t vonk__grpc_habit_mark(const vonk__grpc_habit *habit);
/* A request lay below the mark until somebody looked. */
void vonk__grpc_habit_was_wrong(vonk__grpc_habit *habit);

#endif
