/* exec/python_barrier.h -- where the tasks of a stage in barrier mode wait for each other (BarrierTaskContext.barrier
 * and allGather): a socket for each task, and a thread that answers when all of them have asked. */
#ifndef VONK_EXEC_PYTHON_BARRIER_H
#define VONK_EXEC_PYTHON_BARRIER_H

#include "base/budget.h"

typedef struct python_barrier python_barrier;

/* Sockets are made in `folder`. */
vonk_status vonk__python_barrier_new(vonk_budget *budget, vonk_str folder, uint32_t n_tasks, python_barrier **ret,
                                     vonk_error *err);
/* Its tasks are over: who still waits sees the end of its connection. NULL is fine. */
void vonk__python_barrier_free(python_barrier *barrier);
/* Something failed here: tasks saw the end of their connections and know no more. False: nothing did. */
bool vonk__python_barrier_failed(python_barrier *barrier, vonk_error *err);
/* The path of a task's socket; lives as long as the barrier. */
vonk_str vonk__python_barrier_socket(const python_barrier *barrier, uint32_t task);

#endif
