/* session/history.h -- an engine's queries for its page: those that run, and the last thousand that ended. Thread-safe.
 *
 * The doors say which queries count: they begin, count and end them. */
#ifndef VONK_SESSION_HISTORY_H
#define VONK_SESSION_HISTORY_H

#include "session/session.h"

typedef enum vonk_query_state { VONK_QUERY_RUNNING, VONK_QUERY_COMPLETED, VONK_QUERY_FAILED } vonk_query_state;

typedef struct vonk_query_record {
    uint64_t         id, n_rows; /* rows: given to the client so far */
    vonk_str         description;
    vonk_query_state state;
    int64_t          submitted_us, completed_us; /* 0: not yet */
} vonk_query_record;

typedef struct vonk_history vonk_history;
/* Nothing is noted before this was called, once, by who starts the engine. It ends with the engine. */
vonk_status   vonk_engine_keep_history(vonk_engine *engine, vonk_error *err);
vonk_history *vonk_engine_history(const vonk_engine *engine); /* NULL: none is kept */

/* A query that runs. Storage belongs to the door, and stays where it is. */
typedef struct vonk_history_run {
    vonk_history     *of; /* NULL: nobody wants to know */
    vonk_query_record shown; /* its description is the one below */
    char              description[200];
    struct vonk_history_run *next;
} vonk_history_run;
/* `said`: what the program says that it is; empty: the names of its columns. */
void vonk_history_begin(const vonk_session *session, vonk_str said, const vonk_query *query, vonk_history_run *ret);
/* What vonk_query_next or _poll came to; `batch` may be NULL. */
void vonk_history_note(vonk_history_run *run, vonk_status status, const vonk_batch *batch);
void vonk_history_end(vonk_history_run *run); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk_history_run, vonk_history_end)

/* Those that ended, then those that run; in `arena`. */
vonk_status vonk_history_list(vonk_history *history, vonk_arena *arena, const vonk_query_record **ret, uint32_t *ret_n, vonk_error *err);

/* inside session */
void vonk__history_free(vonk_history *history); /* NULL is fine */

#endif
