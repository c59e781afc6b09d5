/* rdd/rdd_barrier.h -- where the worker of a barrier task asks for its barrier. */
#ifndef VONK_RDD_RDD_BARRIER_H
#define VONK_RDD_RDD_BARRIER_H

#include "rdd/rdd_int.h"

typedef struct rdd_barrier rdd_barrier;
vonk_status vonk__rdd_barrier_open(vonk_task *task, rdd_barrier **ret, vonk_error *err);
void vonk__rdd_barrier_close(rdd_barrier *barrier); /* the worker has ended; NULL is fine */
VONK_DEFINE_AUTO(rdd_barrier, vonk__rdd_barrier_close)
vonk_str vonk__rdd_barrier_port(const rdd_barrier *barrier);
vonk_str vonk__rdd_barrier_secret(const rdd_barrier *barrier);

/* Something failed here: the worker saw the end of its connection and knows no more. False: nothing did. */
bool vonk__rdd_barrier_failed(rdd_barrier *barrier, vonk_error *err);

#endif
