/* session/source_lookup.c -- data sources of Python by name. Beside those that were registered there are those that
 * Python finds: modules pyspark_* with a DefaultSource. It is asked once in a session, when a name is not known
 * otherwise. */
#include "base/log.h"
#include "session/session_int.h"
#include "source/source.h"

static vonk_status add_found(vonk_session *session, vonk_py_planner *planner, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *name = NULL, *command = NULL;
    const vonk_python_fn *source = NULL;
    VONK_TRY(vonk_py_planner_frame(planner, &name, err));
    VONK_TRY(vonk_py_planner_frame(planner, &command, err));
    const vonk_python_fn as = {.name = {(const char *)name->data, name->bytes},
                               .eval = VONK_PY_MAP_ARROW_ITER_UDF,
                               .command = {(const char *)command->data, command->bytes},
                               .python_version = vonk_str_of(vonk_py_planner_python(planner)),
                               .deterministic = true};
    VONK_TRY(vonk_python_fn_new(&as, &source, err));
    const vonk_status st = VONK_VEC_PUSH(&session->sources, vonk_budget_root(), source, err);
    if (st != VONK_OK) vonk_python_fn_unref(source);
    return st;
}

static vonk_status look(vonk_session *session, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    VONK_AUTO(vonk_py_planner_free) vonk_py_planner *planner = NULL;
    const vonk_python_fn nobody = {0};
    int32_t n = 0;
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(vonk__session_python_ask(session, conf, "pyspark.sql.worker.lookup_data_sources", &nobody, NULL, arena,
                                      &planner, err));
    VONK_TRY(vonk_py_planner_ask(planner, err));
    VONK_TRY(vonk_py_planner_number(planner, &n, err));
    for (int32_t i = 0; i < n; i++) VONK_TRY(add_found(session, planner, err));
    return vonk_py_planner_end(planner, err);
}

const vonk_python_fn *vonk__session_find_source(void *self, vonk_str format)
{
    vonk_session *session = self;
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    const vonk_python_fn *registered = vonk_catalog_find_source(session->catalog, format);
    if (registered || !format.len || vonk_source_known(format)) return registered;
    VONK_LOCKED(&session->sources_lock);
    if (!session->knows_sources && look(session, &why) != VONK_OK) /* as in Spark, that makes no query fail */
        vonk_log(VONK_LOG_WARN, "session", "Python was not asked for its data sources: %s", vonk_error_message(&why));
    session->knows_sources = true;
    for (size_t i = 0; i < session->sources.n; i++)
        if (vonk_str_eq_nocase(session->sources.at[i]->name, format)) return vonk_python_fn_ref(session->sources.at[i]);
    return NULL;
}

void vonk__session_sources_done(vonk_session *session)
{
    for (size_t i = 0; i < session->sources.n; i++) vonk_python_fn_unref(session->sources.at[i]);
    vonk_free(session->sources.at);
    vonk_mutex_done(&session->sources_lock);
}
