/* serve/connect/artifacts.c -- the files that clients send: where they lie, and the RPC that asks for them. How they
 * come: upload.c. */
#include "serve/connect/artifacts_int.h"

#include "sys/files.h"

/* ---- names ---- */

vonk_status vonk__connect_check_artifact_name(vonk_str name, vonk_error *err)
{
    bool is_good = name.len > 0 && name.len < 1024 && name.data[0] != '/' && vonk_str_find_byte(name, 0, 0) == SIZE_MAX;
    for (size_t from = 0; is_good && from <= name.len;) { /* each part of the path */
        size_t to = vonk_min_size(vonk_str_find_byte(name, '/', from), name.len);
        vonk_str part = vonk_str_sub(name, from, to);
        is_good = part.len > 0 && !vonk_str_is(part, ".") && !vonk_str_is(part, "..");
        from = to + 1;
    }
    return is_good ? VONK_OK : VONK_FAIL(err, VONK_E_INVALID_ARTIFACT_PATH, "name", VONK_S(name));
}

static bool is_python_include(vonk_str name)
{
    if (!vonk_str_starts(name, VONK_STR("pyfiles/"))) return false;
    return vonk_str_ends(name, VONK_STR(".zip")) || vonk_str_ends(name, VONK_STR(".egg")) ||
           vonk_str_ends(name, VONK_STR(".jar"));
}

/* ---- the store of a session ---- */

static vonk_status new_store(vonk_connect_server *server, vonk_connect_artifacts **ret, vonk_error *err)
{
    vonk_connect_artifacts *a = NULL;
    vonk_arena *scratch = NULL;
    vonk_str folder;
    VONK_TRY(vonk_arena_new(server->budget, &scratch, err));
    vonk_status st =
        vonk_dir_make_temp(scratch, vonk_str_of(server->artifact_dir), VONK_STR("vonk-artifacts-"), &folder, err);
    if (st == VONK_OK) st = VONK_NEW(server->budget, &a, err);
    if (st == VONK_OK) st = vonk_strdup(server->budget, folder, &a->folder, err);
    vonk_arena_free(scratch);
    if (st != VONK_OK) {
        vonk__connect_artifacts_free(a);
        return st;
    }
    a->budget = server->budget;
    vonk_mutex_init(&a->lock);
    *ret = a;
    return VONK_OK;
}

void vonk__connect_artifacts_free(vonk_connect_artifacts *a)
{
    if (!a) return;
    vonk_error err = VONK_ERROR_INIT;
    if (a->budget) vonk_mutex_done(&a->lock);
    if (a->folder && vonk_dir_remove_tree(vonk_str_of(a->folder), &err) != VONK_OK) vonk_error_reset(&err);
    for (size_t i = 0; i < a->includes.n; i++) vonk_free(a->includes.at[i]);
    vonk_free(a->includes.at);
    vonk_free(a->folder);
    vonk_free(a);
}

vonk_status vonk__connect_open_store(vonk_connect_session *s, vonk_connect_artifacts **ret, vonk_error *err)
{
    vonk_mutex_lock(&s->lock);
    vonk_status st = s->artifacts ? VONK_OK : new_store(s->server, &s->artifacts, err);
    *ret = s->artifacts;
    vonk_mutex_unlock(&s->lock);
    return st;
}

static vonk_connect_artifacts *store_of(vonk_connect_session *s)
{
    vonk_mutex_lock(&s->lock);
    vonk_connect_artifacts *a = s->artifacts; /* stays as long as the session */
    vonk_mutex_unlock(&s->lock);
    return a;
}

vonk_status vonk__connect_tell_artifact(vonk_connect_session *s, vonk_connect_artifacts *a, vonk_arena *arena,
                                        vonk_str name, vonk_str name_sent, vonk_error *err)
{
    const vonk_connect_backend *backend = s->server->backend;
    vonk_str path;
    if (!backend->artifact) return VONK_OK;
    VONK_TRY(vonk_path_join(arena, vonk_str_of(a->folder), name, &path, err));
    return backend->artifact(backend->self, s->backend, name_sent, path, err);
}

static vonk_status path_of(const vonk_connect_artifacts *a, vonk_arena *arena, vonk_str name, vonk_str *ret,
                           vonk_error *err)
{
    return vonk_path_join(arena, vonk_str_of(a->folder), name, ret, err);
}

static vonk_status make_parent(vonk_str path, vonk_error *err)
{
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/') slash--;
    return vonk_dir_make(vonk_str_sub(path, 0, slash), err);
}

static vonk_status have_same_content(vonk_budget *budget, vonk_str a, vonk_str b, bool *ret, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file_a = NULL;
    VONK_AUTO(vonk_file_free) vonk_file *file_b = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    enum { STEP = 1 << 16 };
    char *both = NULL;
    vonk_buf_init(&buf, budget, SIZE_MAX);
    VONK_TRY(vonk_buf_extend(&buf, 2 * STEP, &both, err));
    VONK_TRY(vonk_file_open(budget, a, VONK_FILE_READ, &file_a, err));
    VONK_TRY(vonk_file_open(budget, b, VONK_FILE_READ, &file_b, err));
    for (int64_t at = 0;; at += STEP) {
        size_t n_a = 0, n_b = 0;
        VONK_TRY(vonk_file_read_at(file_a, at, both, STEP, &n_a, err));
        VONK_TRY(vonk_file_read_at(file_b, at, both + STEP, STEP, &n_b, err));
        *ret = n_a == n_b && memcmp(both, both + STEP, n_a) == 0;
        if (!*ret || n_a < STEP) return VONK_OK;
    }
}

/* Anything but cached data and classes stays what it was: sending the same again is fine, other content is not. */
static vonk_status check_not_changed(vonk_connect_artifacts *a, vonk_str name, vonk_str path, vonk_str staged,
                                     vonk_error *err)
{
    bool exists = false, is_same = false;
    if (vonk_str_starts(name, VONK_STR("cache/")) || vonk_str_starts(name, VONK_STR("classes/"))) return VONK_OK;
    VONK_TRY(vonk_file_exists(path, &exists, err));
    if (exists) VONK_TRY(have_same_content(a->budget, path, staged, &is_same, err));
    if (!exists || is_same) return VONK_OK;
    return VONK_FAIL(err, VONK_E_ARTIFACT_ALREADY_EXISTS, "normalizedRemoteRelativePath", VONK_S(name));
}

static vonk_status add_include(vonk_connect_artifacts *a, vonk_str name, vonk_error *err)
{
    char *copy = NULL;
    for (size_t i = 0; i < a->includes.n; i++)
        if (vonk_str_is(name, a->includes.at[i])) return VONK_OK;
    VONK_TRY(vonk_strdup(a->budget, name, &copy, err));
    vonk_status st = VONK_VEC_PUSH(&a->includes, a->budget, copy, err);
    if (st != VONK_OK) vonk_free(copy);
    return st;
}

vonk_status vonk__connect_store_artifact(vonk_connect_artifacts *a, vonk_arena *arena, vonk_str name, vonk_str staged,
                                         vonk_error *err)
{
    vonk_str path;
    VONK_TRY(path_of(a, arena, name, &path, err));
    VONK_LOCKED(&a->lock);
    VONK_TRY(check_not_changed(a, name, path, staged, err));
    VONK_TRY(make_parent(path, err));
    VONK_TRY(vonk_file_rename(staged, path, err));
    return is_python_include(name) ? add_include(a, vonk_str_sub(name, 8, name.len), err) : VONK_OK;
}

/* ---- for the backend ---- */

static vonk_status find_artifact(vonk_connect_session *s, vonk_arena *arena, vonk_str name, vonk_str *ret_path,
                                 bool *ret_found, vonk_error *err)
{
    vonk_connect_artifacts *a = store_of(s);
    *ret_found = false;
    if (!a || !vonk_str_starts(name, VONK_STR("cache/"))) return VONK_OK;
    VONK_TRY(vonk__connect_check_artifact_name(name, err));
    VONK_TRY(path_of(a, arena, name, ret_path, err));
    return vonk_file_exists(*ret_path, ret_found, err);
}

vonk_status vonk_connect_artifact_read(vonk_connect_session *session, vonk_str name, vonk_buf *into, bool *ret_found,
                                       vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_str path;
    VONK_TRY(vonk_arena_new(session->server->budget, &scratch, err));
    VONK_TRY(find_artifact(session, scratch, name, &path, ret_found, err));
    return *ret_found ? vonk_file_read_all(path, into->max_bytes - into->len, into, err) : VONK_OK;
}

/* ---- the RPC ---- */

vonk_status vonk__connect_artifact_status(vonk_connect_rpc *rpc, vonk_error *err)
{
    vonk_connect_caller caller = vonk__connect_caller(
        rpc->request, PB_ARTIFACT_STATUSES_REQUEST_SESSION_ID, PB_ARTIFACT_STATUSES_REQUEST_USER_CONTEXT,
        PB_ARTIFACT_STATUSES_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
    VONK_TRY(vonk__connect_open_session(rpc->server, &caller, &rpc->session, err));
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_ARTIFACT_STATUSES_RESPONSE_SESSION_ID,
                                            PB_ARTIFACT_STATUSES_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    vonk_status st = VONK_OK;
    for (size_t i = 0; i < vonk_pb_n(rpc->request, PB_ARTIFACT_STATUSES_REQUEST_NAMES) && st == VONK_OK; i++) {
        vonk_str name = vonk_pb_str_at(rpc->request, PB_ARTIFACT_STATUSES_REQUEST_NAMES, i), path;
        bool exists = false;
        st = find_artifact(rpc->session, rpc->arena, name, &path, &exists, err);
        size_t entry = vonk_pb_begin(&w, PB_ARTIFACT_STATUSES_RESPONSE_STATUSES);
        vonk_pb_put_str(&w, PB_ARTIFACT_STATUSES_RESPONSE_STATUSES_ENTRY_KEY, name);
        size_t status = vonk_pb_begin(&w, PB_ARTIFACT_STATUSES_RESPONSE_STATUSES_ENTRY_VALUE);
        vonk_pb_put_i64(&w, PB_ARTIFACT_STATUSES_RESPONSE_ARTIFACT_STATUS_EXISTS, exists);
        vonk_pb_end(&w, status);
        vonk_pb_end(&w, entry);
    }
    if (st != VONK_OK) w.status = st;
    return vonk__connect_reply(rpc, &w, err);
}

/* ---- clones ---- */

vonk_status vonk__connect_artifacts_clone(vonk_connect_session *from, vonk_connect_session *into, vonk_error *err)
{
    vonk_connect_artifacts *a = store_of(from), *copy = NULL;
    if (!a) return VONK_OK;
    VONK_TRY(vonk__connect_open_store(into, &copy, err));
    VONK_LOCKED(&a->lock);
    VONK_TRY(vonk_dir_copy_tree(a->budget, vonk_str_of(a->folder), vonk_str_of(copy->folder), err));
    for (size_t i = 0; i < a->includes.n; i++) VONK_TRY(add_include(copy, vonk_str_of(a->includes.at[i]), err));
    return VONK_OK;
}
