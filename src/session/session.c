/* session/session.c -- one client's state: configuration, names, cached frames. */
#include "session/session_int.h"

static void session_free(vonk_session *session)
{
    for (size_t i = 0; i < session->cached.n; i++) {
        vonk_plan_unref(session->cached.at[i].plan);
        vonk_table_unref(session->cached.at[i].table);
    }
    vonk_free(session->cached.at);
    vonk__session_sources_done(session);
    vonk__session_python_done(session);
    vonk_mutex_done(&session->files_lock);
    vonk_catalog_free(session->catalog);
    vonk_conf_unref(session->conf);
    vonk_free(session->user);
    vonk_mutex_done(&session->lock);
    vonk_budget_retire(session->budget); /* global temporary views and clones may still share plans of it */
    vonk_free(session);
}

/* Without configuration and catalog. */
static vonk_status session_new_bare(vonk_engine *engine, vonk_str user, vonk_session **ret, vonk_error *err)
{
    VONK_AUTO(vonk_session_unref) vonk_session *session = NULL;

    VONK_TRY(VONK_NEW(vonk_budget_root(), &session, err));
    session->refs = 1;
    session->engine = engine;
    vonk_mutex_init(&session->lock);
    vonk_mutex_init(&session->files_lock);
    vonk_mutex_init(&session->sources_lock);
    VONK_TRY(vonk_budget_new(engine->budget, "session", VONK_NO_LIMIT, &session->budget, err));
    VONK_TRY(vonk_strdup(vonk_budget_root(), user, &session->user, err));
    *ret = VONK_STEAL(session);
    return VONK_OK;
}

vonk_status vonk_session_new(vonk_engine *engine, vonk_str user, vonk_session **ret, vonk_error *err)
{
    VONK_AUTO(vonk_session_unref) vonk_session *session = NULL;

    VONK_TRY(session_new_bare(engine, user, &session, err));
    session->conf = vonk_conf_ref(engine->conf);
    VONK_TRY(vonk_catalog_new(session->budget, engine->catalog, &session->catalog, err));
    *ret = VONK_STEAL(session);
    return VONK_OK;
}

vonk_status vonk_session_clone(vonk_session *from, vonk_session **ret, vonk_error *err)
{
    VONK_AUTO(vonk_session_unref) vonk_session *session = NULL;

    VONK_TRY(session_new_bare(from->engine, vonk_str_of(from->user), &session, err));
    session->conf = vonk_session_conf(from);
    VONK_TRY(vonk_catalog_clone(session->budget, from->catalog, &session->catalog, err));
    VONK_TRY(vonk__session_python_clone(from, session, err));
    *ret = VONK_STEAL(session);
    return VONK_OK;
}

vonk_session *vonk_session_ref(vonk_session *session)
{
    session->refs++;
    return session;
}

void vonk_session_unref(vonk_session *session)
{
    if (session && --session->refs == 0) session_free(session);
}

vonk_budget *vonk_session_budget(vonk_session *session) { return session->budget; }
vonk_catalog *vonk_session_catalog(vonk_session *session) { return session->catalog; }

const vonk_conf *vonk_session_conf(vonk_session *session)
{
    vonk_mutex_lock(&session->lock);
    const vonk_conf *conf = vonk_conf_ref(session->conf);
    vonk_mutex_unlock(&session->lock);
    return conf;
}

vonk_status vonk_session_set(vonk_session *session, vonk_str key, vonk_str value, vonk_error *err)
{
    const vonk_conf *changed = NULL;

    vonk_mutex_lock(&session->lock);
    const vonk_conf *old = session->conf;
    vonk_status status = vonk_conf_with(session->budget, old, key, value, &changed, err);
    if (status == VONK_OK) session->conf = changed;
    vonk_mutex_unlock(&session->lock);
    if (status == VONK_OK) vonk_conf_unref(old);
    return status;
}

vonk_status vonk_session_parse(vonk_session *session, vonk_str sql, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);

    return vonk_sql_parse(session->budget, conf, sql, NULL, ret, err);
}

vonk_status vonk_session_parse_expr(vonk_session *session, vonk_str sql, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);

    return vonk_sql_parse_expr(session->budget, conf, sql, ret, err);
}

vonk_status vonk_session_parse_name(vonk_session *session, vonk_arena *arena, vonk_str text, const vonk_str **ret_parts,
                                    uint32_t *ret_n, vonk_error *err)
{
    (void)session;
    return vonk_sql_parse_name(arena, text, ret_parts, ret_n, err);
}
