/* session/history.c -- which queries ran: a list of those that do, a ring of those that did. */
#include "session/history.h"

#include "session/session_int.h"
#include "sys/clock.h"

enum { KEPT = 1000 };

struct vonk_history {
    vonk_mutex lock;
    vonk_history_run *runs; /* the newest first */
    uint64_t n_begun, n_ended;
    VONK_VEC(vonk_history_run) past;
};

vonk_status vonk_engine_keep_history(vonk_engine *engine, vonk_error *err)
{
    VONK_TRY(VONK_NEW(vonk_budget_root(), &engine->history, err));
    vonk_mutex_init(&engine->history->lock);
    return VONK_OK;
}

vonk_history *vonk_engine_history(const vonk_engine *engine) { return engine->history; }

void vonk__history_free(vonk_history *h)
{
    if (!h) return;
    vonk_free(h->past.at);
    vonk_mutex_done(&h->lock);
    vonk_free(h);
}

static void name_columns(vonk_history_run *run, const vonk_type *schema)
{
    size_t n = 0;
    for (uint32_t i = 0; i < schema->n_fields && n + 1 < sizeof run->description; i++) {
        vonk_format(run->description + n, sizeof run->description - n, "%s%.*s", i ? ", " : "rows of ",
                    VONK_STR_ARGS(schema->fields[i].name));
        n += strlen(run->description + n);
    }
}

void vonk_history_begin(const vonk_session *session, vonk_str said, const vonk_query *query, vonk_history_run *ret)
{
    vonk_history *h = session->engine->history;
    *ret = (vonk_history_run){.of = h};
    if (!h) return;
    if (said.len)
        vonk_format(ret->description, sizeof ret->description, "%.*s", VONK_STR_ARGS(said));
    else
        name_columns(ret, vonk_query_schema(query));
    ret->shown.submitted_us = vonk_clock_wall_us();
    VONK_LOCKED(&h->lock);
    ret->shown.id = h->n_begun++;
    ret->next = h->runs;
    h->runs = ret;
}

void vonk_history_note(vonk_history_run *run, vonk_status status, const vonk_batch *batch)
{
    if (!run->of) return;
    VONK_LOCKED(&run->of->lock);
    if (status != VONK_OK)
        run->shown.state = VONK_QUERY_FAILED;
    else if (batch)
        run->shown.n_rows += batch->n_sel;
}

/* Lock held. The oldest one goes when there are enough; without memory for it, nobody sees it. */
static void remember(vonk_history *h, vonk_history_run *run)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    run->shown.completed_us = vonk_clock_wall_us();
    if (run->shown.state == VONK_QUERY_RUNNING) run->shown.state = VONK_QUERY_COMPLETED;
    if (h->past.n < KEPT)
        (void)VONK_VEC_PUSH(&h->past, vonk_budget_root(), *run, &err);
    else
        h->past.at[h->n_ended % KEPT] = *run;
    h->n_ended++;
}

void vonk_history_end(vonk_history_run *run)
{
    vonk_history *h = run->of;
    if (!h) return;
    VONK_LOCKED(&h->lock);
    vonk_history_run **at = &h->runs;
    while (*at != run) at = &(*at)->next;
    *at = run->next;
    remember(h, run);
    run->of = NULL;
}

static vonk_status copy(const vonk_history_run *from, vonk_arena *arena, vonk_query_record *to, vonk_error *err)
{
    *to = from->shown;
    return vonk_arena_str(arena, vonk_str_of(from->description), &to->description, err);
}

vonk_status vonk_history_list(vonk_history *h, vonk_arena *arena, const vonk_query_record **ret, uint32_t *ret_n,
                              vonk_error *err)
{
    vonk_query_record *all = NULL;
    size_t n = 0;
    VONK_LOCKED(&h->lock);
    for (const vonk_history_run *run = h->runs; run; run = run->next) n++;
    VONK_TRY(vonk_arena_array(arena, h->past.n + n, sizeof *all, &all, err));
    n = 0;
    const size_t first = h->past.n < KEPT ? 0 : h->n_ended % KEPT;
    for (size_t i = 0; i < h->past.n; i++) VONK_TRY(copy(&h->past.at[(first + i) % h->past.n], arena, &all[n++], err));
    for (const vonk_history_run *run = h->runs; run; run = run->next) VONK_TRY(copy(run, arena, &all[n++], err));
    *ret = all;
    *ret_n = (uint32_t)n;
    return VONK_OK;
}
