/* serve/connect/workers.h -- threads with large stacks for what may take long: analysing, executing, cleaning up. They are started when there is work,
 * a few stay, the others go after some idle seconds. Tasks run in the order of posting, as many at once as there are threads. */
#ifndef VONK_SERVE_CONNECT_WORKERS_H
#define VONK_SERVE_CONNECT_WORKERS_H

#include "base/budget.h"

typedef struct vonk_connect_workers vonk_connect_workers;

typedef struct vonk_connect_task {
    void (*run)(void *self);
    void *self;
    struct vonk_connect_task *next; /* inside */
} vonk_connect_task;

/* One thread is there from the start, so that posting cannot fail. */
vonk_status vonk_connect_workers_new(vonk_budget *budget, uint32_t max_threads, vonk_connect_workers **ret, vonk_error *err);
/* Those that stay while idle give back the memory that their allocator keeps. */
void        vonk_connect_workers_trim(vonk_connect_workers *workers);
void        vonk_connect_workers_free(vonk_connect_workers *workers); /* runs what was posted, then waits for all */
VONK_DEFINE_AUTO(vonk_connect_workers, vonk_connect_workers_free)
/* The task's storage is its owner's until it runs. */
void vonk_connect_workers_post(vonk_connect_workers *workers, vonk_connect_task *task);

#endif
