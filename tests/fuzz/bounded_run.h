/* tests/fuzz/bounded_run.h -- runs a query from anything for a short time: a few batches, and no longer than RUN_MS, then it is
 * cancelled. What comes out must hold all invariants of columns. For fuzz targets. */
#ifndef VONK_TESTS_BOUNDED_RUN_H
#define VONK_TESTS_BOUNDED_RUN_H

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "session/session.h"

enum { RUN_MS = 100, RUN_BATCHES = 20 };

static struct {
    pthread_mutex_t lock;
    vonk_query     *query;
    int             ms_left;
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *watch_queries(void *arg)
{
    const struct timespec step = {.tv_nsec = 10000000};
    for (;;) {
        nanosleep(&step, NULL);
        pthread_mutex_lock(&watched.lock);
        if (watched.query && (watched.ms_left -= 10) <= 0) {
            vonk_query_cancel(watched.query);
            watched.query = NULL;
        }
        pthread_mutex_unlock(&watched.lock);
    }
    return arg;
}

static void watch_query(vonk_query *query)
{
    static pthread_t watcher;
    static bool      is_started;
    if (!is_started && pthread_create(&watcher, NULL, watch_queries, NULL) != 0) abort();
    is_started = true;
    pthread_mutex_lock(&watched.lock);
    watched.query = query;
    watched.ms_left = RUN_MS;
    pthread_mutex_unlock(&watched.lock);
}

static vonk_status take_batches(vonk_query *query, vonk_error *err)
{
    for (int i = 0; i < RUN_BATCHES; i++) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(query, &batch, err));
        if (!batch) return VONK_OK;
        for (uint32_t c = 0; c < batch->n_columns; c++)
            if (vonk_column_check(batch->columns[c], err) != VONK_OK) abort();
    }
    return VONK_OK;
}

/* Plans that act (commands, writes) are not run. */
static vonk_status run_bounded(vonk_session *session, const vonk_plan *resolved, vonk_error *err)
{
    vonk_query *query = NULL;
    if (vonk_session_acts(resolved)) return VONK_OK;
    VONK_TRY(vonk_session_execute_resolved(session, resolved, &query, err));
    watch_query(query);
    vonk_status status = take_batches(query, err);
    watch_query(NULL);
    vonk_query_free(query);
    return status;
}

#endif
