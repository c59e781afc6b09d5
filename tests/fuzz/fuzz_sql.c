/* SQL text: parsed, analysed, optimised, planned, and for a short time run over a small table. The first byte picks
 * settings and the mode of EXPLAIN. Whatever is refused must say so with a condition (Java's own refusals have none);
 * whatever is taken must have a schema. */
#include <stdlib.h>

#include "bounded_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MEMORY_BYTES = 256 << 20 };

static void require(bool holds)
{
    if (!holds) abort();
}

/* One engine for all inputs; a session for each, so that no input sees the views of another. */
static vonk_engine *engine_of_all(void)
{
    static vonk_engine *engine;
    vonk_error err = VONK_ERROR_INIT;
    const vonk_engine_options options = {.memory_bytes = MEMORY_BYTES, .n_threads = 1};
    if (!engine) require(vonk_engine_new(&options, &engine, &err) == VONK_OK);
    return engine;
}

static void set(vonk_session *session, const char *key, bool on)
{
    vonk_error err = VONK_ERROR_INIT;
    require(vonk_session_set(session, vonk_str_of(key), on ? VONK_STR("true") : VONK_STR("false"), &err) == VONK_OK);
}

static void check_error(const vonk_error *err)
{
    require(err->cls != VONK_OK);
    require(vonk_error_condition(err)[0] != 0 || vonk_error_get_family(err) == VONK_FAMILY_JAVA_ARGUMENT);
    require(vonk_error_message(err)[0] != 0);
}

static vonk_status try_text(vonk_session *session, vonk_str text, const char *mode, vonk_error *err)
{
    static const char *const views =
        "CREATE TEMP VIEW t AS SELECT * FROM VALUES (1, 'a', 1.5), (2, null, 2.5) v(a, b, c)";
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL, *view = NULL, *resolved = NULL;
    VONK_AUTO(vonk_query_free) vonk_query *query = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_session_budget(session), SIZE_MAX);
    require(vonk_session_parse(session, vonk_str_of(views), &view, err) == VONK_OK);
    require(vonk_session_execute(session, view, &query, err) == VONK_OK);
    VONK_TRY(vonk_session_parse(session, text, &plan, err));
    VONK_TRY(vonk_session_analyze(session, plan, &resolved, err));
    for (uint32_t i = 0; i < resolved->n_output; i++) require(resolved->output[i]->type != NULL);
    VONK_TRY(vonk_session_explain(session, plan, vonk_str_of(mode), &out, err));
    return run_bounded(session, resolved, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const modes[] = {"simple", "extended", "formatted", "cost"};
    vonk_session *session = NULL;
    vonk_error err = VONK_ERROR_INIT;
    if (bytes == 0) return 0;
    require(vonk_session_new(engine_of_all(), VONK_STR("fuzz"), &session, &err) == VONK_OK);
    set(session, "spark.sql.ansi.enabled", data[0] & 1);
    set(session, "spark.sql.ansi.enforceReservedKeywords", data[0] & 2);
    set(session, "spark.sql.caseSensitive", data[0] & 4);
    vonk_str text = {(const char *)data + 1, bytes - 1};
    if (try_text(session, text, modes[data[0] / 8 % 4], &err) != VONK_OK) check_error(&err);
    vonk_error_reset(&err);
    vonk_session_unref(session);
    return 0;
}
