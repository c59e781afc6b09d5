/* serve/connect/engine.c -- sessions of the protocol on sessions of the engine. */
#include "serve/connect/engine.h"

#include "serve/connect/engine_int.h"

static void state_free(vonk__connect_state *state)
{
    vonk_str key;
    void *plan;

    if (!state) return;
    for (size_t at = 0; state->checkpoints && vonk_strmap_next(state->checkpoints, &at, &key, &plan);)
        vonk_plan_unref(plan);
    vonk_strmap_free(state->checkpoints);
    vonk_mutex_done(&state->lock);
    vonk_session_unref(state->session);
    vonk_free(state);
}
VONK_DEFINE_AUTO(vonk__connect_state, state_free)

static vonk_status state_over(vonk_session *take_session, void **ret, vonk_error *err)
{
    VONK_AUTO(state_free) vonk__connect_state *state = NULL;

    vonk_status status = VONK_NEW(vonk_budget_root(), &state, err);
    if (status != VONK_OK) {
        vonk_session_unref(take_session);
        return status;
    }
    state->session = take_session;
    vonk_mutex_init(&state->lock);
    VONK_TRY(vonk_strmap_new(vonk_budget_root(), false, &state->checkpoints, err));
    *ret = VONK_STEAL(state);
    return VONK_OK;
}

static vonk_status session_new(void *self, vonk_str user_id, void **ret, vonk_error *err)
{
    vonk_session *session = NULL;

    VONK_TRY(vonk_session_new(self, user_id, &session, err));
    return state_over(session, ret, err);
}

static vonk_status session_clone(void *self, void *from, void **ret, vonk_error *err)
{
    vonk_session *session = NULL;

    (void)self;
    VONK_TRY(vonk_session_clone(((vonk__connect_state *)from)->session, &session, err));
    return state_over(session, ret, err);
}

/* What functions of Python are to find: modules and files by their name, archives as folders. */
static vonk_status artifact(void *self, void *session, vonk_str name, vonk_str path, vonk_error *err)
{
    static const char *const on_path[] = {".zip", ".egg", ".jar"};
    vonk_session *own = ((vonk__connect_state *)session)->session;
    const size_t slash = vonk_str_find_byte(name, '/', 0);
    const vonk_str kind = vonk_str_sub(name, 0, slash == SIZE_MAX ? name.len : slash);
    const vonk_str file = vonk_str_sub(name, kind.len + 1, name.len);
    bool is_searched = false;

    (void)self;
    if (vonk_str_is(kind, "files")) return vonk_session_add_file(own, path, file, false, err);
    if (vonk_str_is(kind, "archives")) {
        const size_t mark = vonk_str_find_byte(file, '#', 0);
        const bool named = mark != SIZE_MAX && mark + 1 < file.len;
        const vonk_str archive = vonk_str_sub(file, 0, mark == SIZE_MAX ? file.len : mark);
        return vonk_session_add_archive(own, path, archive, named ? vonk_str_sub(file, mark + 1, file.len) : archive,
                                        err);
    }
    if (!vonk_str_is(kind, "pyfiles")) return VONK_OK;
    for (size_t i = 0; i < VONK_COUNTOF(on_path); i++) is_searched |= vonk_str_ends(file, vonk_str_of(on_path[i]));
    return vonk_session_add_file(own, path, file, is_searched, err);
}

static void trim(void *self) { vonk_engine_trim(self); }

static void session_free(void *self, void *session)
{
    (void)self;
    state_free(session);
}

static const vonk_conf *conf(void *self, void *session)
{
    (void)self;
    return vonk_session_conf(((vonk__connect_state *)session)->session);
}

static vonk_status conf_set(void *self, void *session, vonk_str key, vonk_str value, vonk_error *err)
{
    (void)self;
    return vonk_session_set(((vonk__connect_state *)session)->session, key, value, err);
}

void vonk_connect_engine_backend(vonk_engine *engine, vonk_connect_backend *ret)
{
    *ret = (vonk_connect_backend){.self = engine,
                                  .session_new = session_new,
                                  .session_clone = session_clone,
                                  .session_free = session_free,
                                  .artifact = artifact,
                                  .trim = trim,
                                  .conf = conf,
                                  .conf_set = conf_set,
                                  .execute = vonk__connect_run,
                                  .is_tiny = vonk__connect_is_tiny,
                                  .analyze = vonk__connect_answer_analyze};
}

/* ---- what a translator asks of the door */
static vonk_status read_artifact(void *door, vonk_str hash, vonk_str *ret, vonk_error *err)
{
    vonk__connect_request *r = door;
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    bool found = false;

    vonk_buf_init(&bytes, r->translator.budget, SIZE_MAX);
    VONK_TRY(vonk_connect_artifact_read(r->client, vonk_str_of(VONK_F("cache/%.*s", VONK_STR_ARGS(hash))), &bytes,
                                        &found, err));
    if (!found) return vonk_translate_invalid(VONK_F("no cached local relation %.*s", VONK_STR_ARGS(hash)), err);
    return vonk_arena_str(r->translator.arena, vonk_buf_str(&bytes), ret, err);
}

static vonk_status remote_relation(void *door, vonk_str id, const vonk_plan **ret, vonk_error *err)
{
    vonk__connect_request *r = door;

    vonk_mutex_lock(&r->state->lock);
    const vonk_plan *plan = vonk_strmap_get(r->state->checkpoints, id);
    if (plan) *ret = vonk_plan_ref(plan);
    vonk_mutex_unlock(&r->state->lock);
    return plan ? VONK_OK : vonk_translate_invalid(VONK_F("no checkpoint %.*s", VONK_STR_ARGS(id)), err);
}

void vonk__connect_open_request(vonk__connect_request *r, vonk_connect_session *client, vonk_arena *arena)
{
    vonk__connect_state *state = vonk_connect_session_backend(client);
    VONK_AUTO(vonk_conf_unref) const vonk_conf *settings = vonk_session_conf(state->session);

    *r = (vonk__connect_request){.client = client,
                                 .state = state,
                                 .translator = {.session = state->session,
                                                .budget = vonk_session_budget(state->session),
                                                .arena = arena,
                                                .ansi = vonk_conf_bool(settings, "spark.sql.ansi.enabled"),
                                                .artifact = read_artifact,
                                                .remote_relation = remote_relation,
                                                .door = r}};
}
