/* serve/py4j/sql_query.c -- queries that a call of Python waits for: who may cancel them, and how; tags of sessions. */
#include "serve/py4j/rdd_engine.h"
#include "serve/py4j/sql.h"
#include "sys/clock.h"

#define SESSION_TAGS "spark.sql.session.tags" /* a local property: separated by commas */
#define LOOK_NS (20 * VONK_NS_PER_MS)

static bool has_tag(vonk_str all, vonk_str tag)
{
    vonk_str one;
    for (size_t at = 0; vonk__j_next_tag(all, &at, &one);)
        if (vonk_str_eq(one, tag)) return true;
    return false;
}

/* ---- what functions of Python hear of the thread that asks */

static vonk_status properties_of(void *self, vonk_arena *arena, const vonk_py_pair **ret, uint32_t *ret_n,
                                 vonk_error *err)
{
    const vonk_property *properties = NULL;
    vonk_py_pair *pairs = NULL;
    VONK_TRY(vonk__j_job_properties(self, arena, &properties, ret_n, err));
    VONK_TRY(vonk_arena_array(arena, *ret_n, sizeof *pairs, &pairs, err));
    for (uint32_t i = 0; i < *ret_n; i++) pairs[i] = (vonk_py_pair){properties[i].key, properties[i].value};
    *ret = pairs;
    return VONK_OK;
}

void vonk__j_asks(vonk__j_caller *caller)
{
    static _Thread_local vonk_asker asker;
    asker = (vonk_asker){.self = caller, .properties = properties_of};
    vonk_session_asker(caller ? &asker : NULL);
}

/* ---- a query that runs */

/* Its page says what the program said of it. */
static vonk_status note(vonk__j_run *run, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf said = {0};
    VONK_TRY(vonk__j_local_text(run->caller, "spark.job.description", &said, err));
    vonk_history_begin(run->session, vonk_buf_str(&said), run->query, &run->noted);
    return VONK_OK;
}

vonk_status vonk__j_run_begin(vonk__j_run *run, vonk__j_caller *caller, vonk__j_session *session, vonk_query *query,
                              vonk_error *err)
{
    *run = (vonk__j_run){.caller = caller, .session = session->session, .query = query};
    vonk_mutex_init(&run->lock);
    vonk_cond_init(&run->changed);
    run->sql = session->sql;
    VONK_TRY(vonk__j_local_text(caller, "spark.jobGroup.id", &run->group, err));
    VONK_TRY(vonk__j_local_text(caller, "spark.job.tags", &run->job_tags, err));
    VONK_TRY(vonk__j_local_text(caller, SESSION_TAGS, &run->tags, err));
    VONK_TRY(note(run, err));
    VONK_LOCKED(&run->sql->lock);
    run->next = run->sql->runs;
    run->sql->runs = run;
    return VONK_OK;
}

void vonk__j_run_done(vonk__j_run *run)
{
    if (!run->sql) return;
    vonk_mutex_lock(&run->sql->lock);
    for (vonk__j_run **at = &run->sql->runs; *at; at = &(*at)->next)
        if (*at == run) {
            *at = run->next;
            break;
        }
    vonk_mutex_unlock(&run->sql->lock);
    vonk_history_end(&run->noted);
    vonk_buf_done(&run->group);
    vonk_buf_done(&run->job_tags);
    vonk_buf_done(&run->tags);
    vonk_cond_done(&run->changed);
    vonk_mutex_done(&run->lock);
    *run = (vonk__j_run){0};
}

static void wake(void *arg)
{
    vonk__j_run *run = arg;
    VONK_LOCKED(&run->lock);
    run->woken = true;
    vonk_cond_broadcast(&run->changed);
}

static vonk_status next_batch(vonk__j_run *run, vonk_batch **ret, vonk_error *err)
{
    for (bool ready = false;;) {
        run->woken = false;
        VONK_TRY(vonk_query_poll(run->query, wake, run, &ready, ret, err));
        if (ready) return VONK_OK;
        vonk_mutex_lock(&run->lock);
        while (!run->woken) {
            vonk_cond_wait_until(&run->changed, &run->lock, vonk_clock_mono_ns() + LOOK_NS);
            if (run->woken) break;
            vonk_mutex_unlock(&run->lock);
            if (run->caller && vonk__j_hears_cancel(run->caller)) vonk_query_cancel(run->query); /* wakes, too */
            vonk_mutex_lock(&run->lock);
        }
        vonk_mutex_unlock(&run->lock);
    }
}

vonk_status vonk__j_run_next(vonk__j_run *run, vonk_batch **ret, vonk_error *err)
{
    const vonk_status status = next_batch(run, ret, err);
    vonk_history_note(&run->noted, status, status == VONK_OK ? *ret : NULL);
    return status;
}

/* ---- looking */

/* The engine behind a context's sessions; new reference; NULL: there is none yet. */
static vonk__j_sql *sql_behind(vonk__j_context *context)
{
    vonk__j_machine *machine = context->head.machine;
    VONK_LOCKED(&machine->state);
    if (!machine->sql || machine->sql->of != context->head.serial) return NULL;
    atomic_fetch_add(&machine->sql->refs, 1);
    return machine->sql;
}

vonk_status vonk__j_list_queries(vonk__j_context *context, vonk_arena *arena, const vonk_query_record **ret,
                                 uint32_t *ret_n, vonk_error *err)
{
    VONK_AUTO(vonk__j_sql_unref) vonk__j_sql *sql = sql_behind(context);
    *ret_n = 0;
    return sql ? vonk_history_list(vonk_engine_history(sql->engine), arena, ret, ret_n, err) : VONK_OK;
}

/* ---- cancelling */

typedef enum which { ALL, GROUP, JOB_TAG, SESSION, SESSION_TAG, ID } which;
static bool is_meant(const vonk__j_run *run, which by, const vonk_session *session, vonk_str value)
{
    char id[24];
    switch (by) {
    case ALL: return true;
    case GROUP: return vonk_str_eq(vonk_buf_str(&run->group), value);
    case JOB_TAG: return has_tag(vonk_buf_str(&run->job_tags), value);
    case SESSION: return run->session == session;
    case SESSION_TAG: return run->session == session && has_tag(vonk_buf_str(&run->tags), value);
    case ID: break;
    }
    vonk_format(id, sizeof id, "%llu", (unsigned long long)run->noted.shown.id);
    return run->session == session && vonk_str_eq(vonk_str_of(id), value);
}

static vonk_status cancel(vonk__j_sql *sql, which by, const vonk_session *session, vonk_str value, vonk_buf *ret_ids,
                          vonk_error *err)
{
    VONK_LOCKED(&sql->lock);
    for (vonk__j_run *run = sql->runs; run; run = run->next) {
        if (!is_meant(run, by, session, value)) continue;
        vonk_query_cancel(run->query);
        if (ret_ids)
            VONK_TRY(vonk_buf_printf(ret_ids, err, "%s%llu", ret_ids->len ? "," : "",
                                     (unsigned long long)run->noted.shown.id));
    }
    return VONK_OK;
}

vonk_status vonk__j_cancel_queries(vonk__j_context *context, vonk_str group, vonk_str tag, vonk_error *err)
{
    VONK_AUTO(vonk__j_sql_unref) vonk__j_sql *sql = sql_behind(context);
    if (!sql) return VONK_OK;
    return cancel(sql, group.data ? GROUP : tag.data ? JOB_TAG : ALL, NULL, group.data ? group : tag, NULL, err);
}

vonk_status vonk__j_interrupt(vonk__j_call *call, vonk_error *err)
{
    static const which hows[] = {SESSION, SESSION_TAG, ID};
    vonk__j_session *self = (vonk__j_session *)call->self;
    VONK_AUTO(vonk_buf_done) vonk_buf ids = {0};
    VONK__J_AUTO vonk__j_list *list = NULL;
    vonk_str one;
    if (call->n_args) VONK_TRY(vonk__j_need(call, 0, err));
    vonk_buf_init(&ids, call->machine->budget, 1 << 20);
    VONK_TRY(cancel(self->sql, hows[call->member->tag], self->session,
                    call->n_args ? vonk__j_str(&call->args[0]) : VONK_STR_NONE, &ids, err));
    VONK_TRY(vonk__j_list_new(call->machine, &list, err));
    for (size_t at = 0; vonk__j_next_tag(vonk_buf_str(&ids), &at, &one);) {
        vonk__j_value id;
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING, one, &id, err));
        VONK_TRY(vonk__j_list_add(list, id, err));
    }
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(list)->head));
}

/* ---- tags of what this thread of Python does with sessions */

vonk_status vonk__j_change_tags(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_change_tags_of(call, SESSION_TAGS, err);
}

vonk_status vonk__j_get_tags(vonk__j_call *call, vonk_error *err)
{
    return vonk__j_return_tags(call, SESSION_TAGS, err);
}
