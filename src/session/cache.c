/* session/cache.c -- frames that were asked to be kept (df.cache(), CACHE TABLE): found by plan equality, run once,
 * then read from memory. */
#include "session/session_int.h"

#include "source/source.h"

/* *ret NULL: it is not kept. The session is locked. */
static vonk_status find(vonk_session *session, const vonk_plan *resolved, vonk_cached **ret, vonk_error *err)
{
    bool same = false;
    *ret = NULL;
    for (size_t i = 0; i < session->cached.n && !same; i++) {
        VONK_TRY(vonk_plan_same(session->cached.at[i].plan, resolved, &same, err));
        if (same) *ret = &session->cached.at[i];
    }
    return VONK_OK;
}

vonk_status vonk__session_persist(vonk_session *session, const vonk_plan *resolved, vonk_str level, vonk_error *err)
{
    vonk_cached entry = {.plan = vonk_plan_ref(resolved)};
    vonk_cached *there = NULL;
    bool added = false;

    vonk_format(entry.level, sizeof entry.level, "%.*s", VONK_STR_ARGS(level));
    vonk_mutex_lock(&session->lock);
    vonk_status status = find(session, resolved, &there, err);
    if (status == VONK_OK && !there) {
        status = VONK_VEC_PUSH(&session->cached, session->budget, entry, err);
        added = status == VONK_OK;
    }
    vonk_mutex_unlock(&session->lock);
    if (!added) vonk_plan_unref(entry.plan);
    return status;
}

vonk_status vonk__session_unpersist(vonk_session *session, const vonk_plan *resolved, bool *ret_was, vonk_error *err)
{
    vonk_cached gone = {0};
    vonk_cached *entry = NULL;

    vonk_mutex_lock(&session->lock);
    const vonk_status status = find(session, resolved, &entry, err);
    if (entry) {
        gone = *entry;
        *entry = session->cached.at[--session->cached.n];
    }
    vonk_mutex_unlock(&session->lock);
    vonk_plan_unref(gone.plan);
    vonk_table_unref(gone.table);
    *ret_was = gone.plan != NULL;
    return status;
}

void vonk__session_clear_cache(vonk_session *session)
{
    for (;;) {
        vonk_cached gone = {0};
        vonk_mutex_lock(&session->lock);
        if (session->cached.n > 0) gone = session->cached.at[--session->cached.n];
        vonk_mutex_unlock(&session->lock);
        if (!gone.plan) return;
        vonk_plan_unref(gone.plan);
        vonk_table_unref(gone.table);
    }
}

static vonk_status replace(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err);

/* Runs a kept plan itself, over kept inputs where there are some. */
static vonk_status run_fresh(vonk_session *session, const vonk_plan *plan, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *over = NULL;
    const vonk_plan **children = NULL;
    vonk_status status = VONK_OK;
    uint32_t done = 0;

    VONK_TRY(vonk_alloc_array(session->budget, plan->n_children + 1, sizeof *children, &children, err));
    for (; done < plan->n_children && status == VONK_OK; done++)
        status = vonk_plan_rewrite_down(session->budget, plan->children[done], replace, session, &children[done], err);
    if (status == VONK_OK) {
        vonk_plan *copy = NULL;
        status = vonk_plan_copy(session->budget, plan, children, plan->n_children, &copy, err);
        if (status == VONK_OK) status = vonk_plan_finish(copy, &over, err);
    } else {
        done--; /* the failed one gave nothing */
    }
    for (uint32_t i = 0; i < done; i++) vonk_plan_unref(children[i]);
    vonk_free(children);
    VONK_TRY(status);
    return vonk__session_collect(session, over, false, session->budget, ret, err);
}

/* The rows of a kept frame, run now if nobody has yet; *ret NULL when the plan is not kept. */
static vonk_status rows_of(vonk_session *session, const vonk_plan *plan, vonk_table **ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *schema = NULL;

    vonk_cached *entry = NULL;
    vonk_mutex_lock(&session->lock);
    vonk_status status = find(session, plan, &entry, err);
    const bool kept = entry != NULL;
    *ret = kept && entry->table ? vonk_table_ref(entry->table) : NULL;
    vonk_mutex_unlock(&session->lock);
    if (status != VONK_OK || !kept || *ret) return status;
    VONK_TRY(run_fresh(session, plan, &rows, err));
    VONK_TRY(vonk_plan_schema(plan, &schema, err));
    VONK_TRY(vonk_source_memory_table(session->budget, schema, &rows, 1, &table, err));
    vonk_mutex_lock(&session->lock);
    status = find(session, plan, &entry, err); /* it may have gone, or another thread may have been faster */
    if (entry && !entry->table) entry->table = vonk_table_ref(table);
    vonk_mutex_unlock(&session->lock);
    if (status == VONK_OK) *ret = VONK_STEAL(table);
    return status;
}

static vonk_status scan_over(vonk_budget *budget, const vonk_plan *plan, vonk_table *table, const vonk_plan **ret,
                             vonk_error *err)
{
    vonk_plan *scan = NULL;
    uint32_t *columns = NULL;

    VONK_TRY(vonk_plan_new(budget, VONK_PN_CACHED, NULL, 0, &scan, err));
    vonk_status status = vonk_arena_array(scan->arena, plan->n_output, sizeof *columns, &columns, err);
    if (status == VONK_OK) status = vonk_plan_hold_table(scan, table, err);
    if (status == VONK_OK) status = vonk_plan_set_output(scan, plan->output, plan->n_output, err);
    if (status != VONK_OK) {
        vonk_plan_unref(scan);
        return status;
    }
    for (uint32_t i = 0; i < plan->n_output; i++) columns[i] = i;
    scan->scan.columns = columns;
    scan->scan.n_columns = plan->n_output;
    scan->scan.limit = -1;
    return vonk_plan_finish(scan, ret, err);
}

static vonk_status replace(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err)
{
    vonk_session *session = arg;
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;

    VONK_TRY(rows_of(session, p, &table, err));
    if (table) return scan_over(session->budget, p, table, ret, err);
    *ret = vonk_plan_ref(p);
    return VONK_OK;
}

vonk_status vonk__session_use_cached(vonk_session *session, const vonk_plan *resolved, const vonk_plan **ret,
                                     vonk_error *err)
{
    vonk_mutex_lock(&session->lock);
    const size_t n = session->cached.n;
    vonk_mutex_unlock(&session->lock);
    if (n == 0) {
        *ret = vonk_plan_ref(resolved);
        return VONK_OK;
    }
    return vonk_plan_rewrite_down(session->budget, resolved, replace, session, ret, err);
}

/* ---- the public questions, on unresolved plans */
vonk_status vonk_session_persist(vonk_session *session, const vonk_plan *unresolved, vonk_str level, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    return vonk__session_persist(session, resolved, level, err);
}

vonk_status vonk_session_unpersist(vonk_session *session, const vonk_plan *unresolved, bool *ret_was, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    return vonk__session_unpersist(session, resolved, ret_was, err);
}

vonk_status vonk_session_storage_level(vonk_session *session, const vonk_plan *unresolved, char *ret_level,
                                       vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *resolved = NULL;

    VONK_TRY(vonk_session_analyze(session, unresolved, &resolved, err));
    vonk_mutex_lock(&session->lock);
    vonk_cached *entry = NULL;
    const vonk_status status = find(session, resolved, &entry, err);
    vonk_format(ret_level, VONK_STORAGE_LEVEL_BYTES, "%s", entry ? entry->level : "NONE");
    vonk_mutex_unlock(&session->lock);
    return status;
}
