/* serve/connect/session.c -- sessions by user and id: opened by the first request that names them, closed by the client
 * or for want of use. */
#include "base/hash.h"
#include "serve/connect/connect_int.h"

/* ---- tombs ---- */

static struct vonk_connect_tomb tomb_of(vonk_str name)
{
    return (struct vonk_connect_tomb){vonk_hash64(name.data, name.len, 1), vonk_hash64(name.data, name.len, 2)};
}

void vonk__connect_bury(vonk_connect_tombs *t, vonk_budget *budget, vonk_str name)
{
    vonk_error err = VONK_ERROR_INIT;
    if (t->n == t->capacity && t->n < t->most &&
        vonk_vec_grow(budget, &t->at, &t->capacity, t->n, sizeof(*t->at), &err) != VONK_OK)
        vonk_error_reset(&err); /* an old one is forgotten instead */
    if (t->n < t->capacity && t->n < t->most) {
        t->at[t->n++] = tomb_of(name);
    } else if (t->n > 0) {
        t->at[t->next % t->n] = tomb_of(name);
        t->next = (t->next + 1) % t->n;
    }
}

bool vonk__connect_is_buried(const vonk_connect_tombs *t, vonk_str name)
{
    struct vonk_connect_tomb wanted = tomb_of(name);
    for (size_t i = 0; i < t->n; i++)
        if (t->at[i].a == wanted.a && t->at[i].b == wanted.b) return true;
    return false;
}

/* ---- ids ---- */

bool vonk__connect_is_uuid(vonk_str text)
{
    if (text.len != VONK_CONNECT_ID_BYTES - 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_dash ? c != '-' : !is_hex) return false;
    }
    return true;
}

vonk_connect_caller vonk__connect_caller(const vonk_pb_msg *request, int session_field, int user_field,
                                         int observed_field)
{
    vonk_connect_caller c = {
        .user = vonk_pb_str(vonk_pb_get_msg(request, user_field), PB_USER_CONTEXT_USER_ID),
        .session_id = vonk_pb_str(request, session_field),
    };
    if (observed_field) {
        c.has_observed_id = vonk_pb_has(request, observed_field);
        c.observed_id = vonk_pb_str(request, observed_field);
    }
    return c;
}

/* "user, NUL, session id", NUL-terminated. */
static vonk_status make_key(vonk_budget *budget, vonk_str user, vonk_str id, vonk_str *ret, vonk_error *err)
{
    char *key = NULL;
    VONK_TRY(vonk_alloc(budget, user.len + id.len + 2, &key, err));
    if (user.len) memcpy(key, user.data, user.len);
    key[user.len] = 0;
    if (id.len) memcpy(key + user.len + 1, id.data, id.len);
    key[user.len + 1 + id.len] = 0;
    *ret = (vonk_str){key, user.len + 1 + id.len};
    return VONK_OK;
}

/* ---- life ---- */

static vonk_status new_session(vonk_connect_server *server, vonk_str take_key, size_t user_bytes, void *take_backend,
                               vonk_connect_session **ret, vonk_error *err)
{
    vonk_connect_session *s = NULL;
    vonk_status st = VONK_NEW(server->budget, &s, err);
    if (st != VONK_OK) {
        vonk_free((char *)(uintptr_t)take_key.data);
        server->backend->session_free(server->backend->self, take_backend);
        return st;
    }
    atomic_init(&s->refs, 1);
    atomic_fetch_add_explicit(&server->n_sessions, 1, memory_order_relaxed);
    s->server = server;
    s->backend = take_backend;
    s->key = take_key;
    s->user = vonk_str_sub(take_key, 0, user_bytes);
    s->id = vonk_str_sub(take_key, user_bytes + 1, take_key.len);
    vonk_random_uuid(s->server_side_id.text);
    atomic_init(&s->accessed_ns, vonk_clock_mono_ns());
    vonk_mutex_init(&s->lock);
    *ret = s;
    return VONK_OK;
}

static void free_session(void *self)
{
    vonk_connect_session *s = self;
    vonk_connect_server *server = s->server;
    assert(!s->operations);
    server->backend->session_free(server->backend->self, s->backend);
    vonk__connect_artifacts_free(s->artifacts);
    for (size_t i = 0; i < VONK_CONNECT_KEPT_ERRORS; i++) vonk_error_reset(&s->errors[i].error);
    vonk_free(s->outcomes);
    vonk_free((char *)(uintptr_t)s->key.data);
    vonk_mutex_done(&s->lock);
    vonk_free(s);
    atomic_fetch_sub_explicit(&server->n_sessions, 1, memory_order_release);
}

void vonk__connect_touch_session(vonk_connect_session *s)
{
    if (s) atomic_store_explicit(&s->accessed_ns, vonk_clock_mono_ns(), memory_order_relaxed);
}

vonk_connect_session *vonk__connect_session_ref(vonk_connect_session *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void vonk_connect_session_unref(vonk_connect_session *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    if (!s->server->clerks) { /* at the end of the server */
        free_session(s);
        return;
    }
    s->free_task = (vonk_connect_task){.run = free_session, .self = s}; /* memory and files: not on the loop's thread */
    vonk_connect_workers_post(s->server->clerks, &s->free_task);
}

void *vonk_connect_session_backend(const vonk_connect_session *s) { return s->backend; }
vonk_str vonk_connect_session_id(const vonk_connect_session *s) { return s->id; }
vonk_str vonk_connect_session_user(const vonk_connect_session *s) { return s->user; }
vonk_str vonk__connect_server_side_id(const vonk_connect_session *s) { return vonk_str_of(s->server_side_id.text); }

/* ---- lookup ---- */

static vonk_status fail_handle(vonk_errclass cls, vonk_str handle, vonk_error *err)
{
    return VONK_FAIL(err, cls, "handle", VONK_S(handle));
}

/* Under server->lock. */
static vonk_connect_session *look_up(vonk_connect_server *server, vonk_str key)
{
    vonk_connect_session *s = vonk_strmap_get(server->sessions, key);
    if (!s) return NULL;
    vonk__connect_touch_session(s);
    return vonk__connect_session_ref(s);
}

static vonk_status check_observed(vonk_connect_session *s, const vonk_connect_caller *caller, vonk_error *err)
{
    if (!caller->has_observed_id || vonk_str_eq(caller->observed_id, vonk__connect_server_side_id(s))) return VONK_OK;
    return fail_handle(VONK_E_INVALID_HANDLE__SESSION_CHANGED, s->id, err);
}

/* Under server->lock: may a session of that name be made? */
static vonk_status check_new(vonk_connect_server *server, vonk_str key, vonk_str id, vonk_error *err)
{
    if (!vonk__connect_is_uuid(id)) return fail_handle(VONK_E_INVALID_HANDLE__FORMAT, id, err);
    if (vonk__connect_is_buried(&server->closed, key) || server->is_stopping)
        return fail_handle(VONK_E_INVALID_HANDLE__SESSION_CLOSED, id, err);
    if (vonk_strmap_n(server->sessions) >= server->max_sessions)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "one more session's", "receivedBytes",
                         "no", "budget", VONK_F("at most %u sessions", server->max_sessions));
    return VONK_OK;
}

/* A session that nobody knows yet. Takes the key. */
static vonk_status make_session(vonk_connect_server *server, vonk_str take_key, size_t user_bytes,
                                vonk_connect_session **ret, vonk_error *err)
{
    void *engine = NULL;
    vonk_mutex_lock(&server->lock);
    vonk_status st = check_new(server, take_key, vonk_str_sub(take_key, user_bytes + 1, take_key.len), err);
    vonk_mutex_unlock(&server->lock);
    if (st == VONK_OK)
        st = server->backend->session_new(server->backend->self, vonk_str_sub(take_key, 0, user_bytes), &engine, err);
    if (st != VONK_OK) {
        vonk_free((char *)(uintptr_t)take_key.data);
        return st;
    }
    return new_session(server, take_key, user_bytes, engine, ret, err);
}

/* Makes it known, unless another one of that name came first: then *ret is that one. The map takes the reference. */
static vonk_status add_session(vonk_connect_session *take_session, vonk_connect_session **ret, vonk_error *err)
{
    vonk_connect_server *server = take_session->server;
    vonk_mutex_lock(&server->lock);
    vonk_connect_session *other = look_up(server, take_session->key);
    vonk_status st = other ? VONK_OK : check_new(server, take_session->key, take_session->id, err);
    if (!other && st == VONK_OK) st = vonk_strmap_put(server->sessions, take_session->key, take_session, NULL, err);
    if (!other && st == VONK_OK) *ret = vonk__connect_session_ref(take_session);
    vonk_mutex_unlock(&server->lock);
    if (!other && st == VONK_OK) vonk__connect_want_maintenance(server); /* an upload's comes by no message */
    if (other) *ret = other;
    if (other || st != VONK_OK) vonk_connect_session_unref(take_session);
    return st;
}

vonk_status vonk__connect_open_session(vonk_connect_server *server, const vonk_connect_caller *caller,
                                       vonk_connect_session **ret, vonk_error *err)
{
    vonk_str key;
    VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = NULL;
    VONK_TRY(make_key(server->budget, caller->user, caller->session_id, &key, err));
    vonk_mutex_lock(&server->lock);
    s = look_up(server, key);
    vonk_mutex_unlock(&server->lock);
    if (s) {
        vonk_free((char *)(uintptr_t)key.data);
    } else {
        vonk_connect_session *made = NULL;
        VONK_TRY(make_session(server, key, caller->user.len, &made, err));
        VONK_TRY(add_session(made, &s, err));
    }
    VONK_TRY(check_observed(s, caller, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

static vonk_status find_by_key(vonk_connect_server *server, vonk_str key, vonk_str id, vonk_connect_session **ret,
                               vonk_error *err)
{
    vonk_mutex_lock(&server->lock);
    *ret = look_up(server, key);
    bool was_closed = !*ret && vonk__connect_is_buried(&server->closed, key);
    vonk_mutex_unlock(&server->lock);
    if (*ret) return VONK_OK;
    return fail_handle(was_closed ? VONK_E_INVALID_HANDLE__SESSION_CLOSED : VONK_E_INVALID_HANDLE__SESSION_NOT_FOUND,
                       id, err);
}

vonk_status vonk__connect_find_session(vonk_connect_server *server, const vonk_connect_caller *caller,
                                       vonk_connect_session **ret, vonk_error *err)
{
    vonk_str key;
    VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = NULL;
    VONK_TRY(make_key(server->budget, caller->user, caller->session_id, &key, err));
    vonk_status st = find_by_key(server, key, caller->session_id, &s, err);
    vonk_free((char *)(uintptr_t)key.data);
    VONK_TRY(st);
    VONK_TRY(check_observed(s, caller, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

vonk_connect_session *vonk__connect_peek_session(vonk_connect_server *server, const vonk_connect_caller *caller)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_connect_caller by_name = {.user = caller->user, .session_id = caller->session_id};
    vonk_connect_session *s = NULL;
    if (vonk__connect_find_session(server, &by_name, &s, &err) != VONK_OK) s = NULL;
    vonk_error_reset(&err);
    return s;
}

/* ---- clones ---- */

static vonk_status check_clone(vonk_connect_server *server, vonk_str key, vonk_str new_id, vonk_error *err)
{
    vonk_errclass cls = VONK_OK;
    vonk_mutex_lock(&server->lock);
    if (!vonk__connect_is_uuid(new_id))
        cls = VONK_E_INVALID_CLONE_SESSION_REQUEST__TARGET_SESSION_ID_FORMAT;
    else if (vonk__connect_is_buried(&server->closed, key))
        cls = VONK_E_INVALID_CLONE_SESSION_REQUEST__TARGET_SESSION_ID_ALREADY_CLOSED;
    else if (vonk_strmap_get(server->sessions, key))
        cls = VONK_E_INVALID_CLONE_SESSION_REQUEST__TARGET_SESSION_ID_ALREADY_EXISTS;
    vonk_status st = cls == VONK_OK ? check_new(server, key, new_id, err) : VONK_OK;
    vonk_mutex_unlock(&server->lock);
    return cls == VONK_OK ? st : VONK_FAIL(err, cls, "targetSessionId", VONK_S(new_id));
}

vonk_status vonk__connect_clone_session(vonk_connect_session *from, vonk_str new_id, vonk_connect_session **ret,
                                        vonk_error *err)
{
    vonk_connect_server *server = from->server;
    VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = NULL;
    vonk_str key;
    void *engine = NULL;
    VONK_TRY(make_key(server->budget, from->user, new_id, &key, err));
    vonk_status st = check_clone(server, key, new_id, err);
    if (st == VONK_OK) st = server->backend->session_clone(server->backend->self, from->backend, &engine, err);
    if (st != VONK_OK) {
        vonk_free((char *)(uintptr_t)key.data);
        return st;
    }
    VONK_TRY(new_session(server, key, from->user.len, engine, &s, err));
    VONK_TRY(vonk__connect_artifacts_clone(from, s, err));
    vonk_connect_session *made = VONK_STEAL(s);
    VONK_TRY(add_session(made, &s, err));
    if (s != made) /* another one came first */
        return VONK_FAIL(err, VONK_E_INVALID_CLONE_SESSION_REQUEST__TARGET_SESSION_ID_ALREADY_EXISTS, "targetSessionId",
                         VONK_S(new_id));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

/* ---- the end ---- */

static void abandon_operations(vonk_connect_session *s)
{
    for (;;) {
        vonk_mutex_lock(&s->lock);
        s->is_closed = true;
        vonk_connect_operation *op = s->operations ? vonk__connect_operation_ref(s->operations) : NULL;
        vonk_mutex_unlock(&s->lock);
        if (!op) return;
        vonk__connect_remove(op, true);
        vonk_connect_operation_unref(op);
    }
}

void vonk__connect_close_session(vonk_connect_session *s)
{
    vonk_connect_server *server = s->server;
    vonk_mutex_lock(&server->lock);
    bool was_there = vonk_strmap_get(server->sessions, s->key) == s;
    if (was_there) {
        vonk_strmap_take(server->sessions, s->key);
        vonk__connect_bury(&server->closed, server->budget, s->key);
    }
    vonk_mutex_unlock(&server->lock);
    if (!was_there) return;
    abandon_operations(s);
    vonk_connect_session_unref(s); /* the map's */
}

/* The next one after `at`, referenced. */
static vonk_connect_session *next_session(vonk_connect_server *server, size_t *inout_at)
{
    vonk_str key;
    void *value = NULL;
    vonk_mutex_lock(&server->lock);
    bool is_there = vonk_strmap_next(server->sessions, inout_at, &key, &value);
    vonk_connect_session *s = is_there ? vonk__connect_session_ref(value) : NULL;
    vonk_mutex_unlock(&server->lock);
    return s;
}

void vonk__connect_close_all(vonk_connect_server *server)
{
    vonk_mutex_lock(&server->lock);
    server->is_stopping = true;
    vonk_mutex_unlock(&server->lock);
    for (size_t at = 0;; at = 0) {
        VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = next_session(server, &at);
        if (!s) return;
        vonk__connect_close_session(s);
    }
}

static void expire_operations(vonk_connect_session *s, int64_t now_ns)
{
    vonk_connect_operation *forgotten = NULL;
    do { /* one at a time: removing takes the lock */
        forgotten = NULL;
        vonk_mutex_lock(&s->lock);
        for (vonk_connect_operation *op = s->operations; op && !forgotten; op = op->next) {
            vonk__connect_limit_stream(op, now_ns);
            if (vonk__connect_is_forgotten(op, now_ns)) forgotten = vonk__connect_operation_ref(op);
        }
        vonk_mutex_unlock(&s->lock);
        if (forgotten) vonk__connect_remove(forgotten, true);
        vonk_connect_operation_unref(forgotten);
    } while (forgotten);
}

/* Calls, uploads and operations have references; the map has one, and whoever asks. */
static bool is_expired(vonk_connect_session *s, int64_t now_ns)
{
    const bool is_busy = atomic_load_explicit(&s->refs, memory_order_acquire) > 2;
    const int64_t timeout_ns = s->server->session_timeout_ns;
    return !is_busy && timeout_ns >= 0 &&
           now_ns - atomic_load_explicit(&s->accessed_ns, memory_order_relaxed) >= timeout_ns;
}

void vonk__connect_expire(vonk_connect_server *server)
{
    int64_t now_ns = vonk_clock_mono_ns();
    for (size_t at = 0;;) {
        VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = next_session(server, &at);
        if (!s) return;
        expire_operations(s, now_ns);
        if (is_expired(s, now_ns)) vonk__connect_close_session(s);
    }
}

size_t vonk__connect_n_sessions(vonk_connect_server *server)
{
    vonk_mutex_lock(&server->lock);
    size_t n = vonk_strmap_n(server->sessions);
    vonk_mutex_unlock(&server->lock);
    return n;
}

int64_t vonk__connect_report_all(vonk_connect_server *server)
{
    int64_t now_ns = vonk_clock_mono_ns(), next_ns = INT64_MAX;
    for (size_t at = 0;;) {
        VONK_AUTO(vonk_connect_session_unref) vonk_connect_session *s = next_session(server, &at);
        if (!s) return next_ns;
        vonk_mutex_lock(&s->lock);
        for (vonk_connect_operation *op = s->operations; op; op = op->next) {
            int64_t due_ns = vonk__connect_report(op, now_ns);
            if (due_ns < next_ns) next_ns = due_ns;
        }
        vonk_mutex_unlock(&s->lock);
    }
}

/* ---- errors that clients may ask for ---- */

enum { ERROR_KEPT_S = 60 };

void vonk__connect_keep_error(vonk_connect_session *s, const vonk_error *error, vonk_connect_id *ret_id)
{
    size_t oldest = 0;
    vonk_random_uuid(ret_id->text);
    vonk_mutex_lock(&s->lock);
    for (size_t i = 1; i < VONK_CONNECT_KEPT_ERRORS; i++)
        if (s->errors[i].used_ns < s->errors[oldest].used_ns) oldest = i;
    s->errors[oldest].id = *ret_id;
    vonk_error_reset(&s->errors[oldest].error);
    vonk_error_copy(&s->errors[oldest].error, error);
    s->errors[oldest].used_ns = vonk_clock_mono_ns();
    vonk_mutex_unlock(&s->lock);
}

bool vonk__connect_kept_error(vonk_connect_session *s, vonk_str id, vonk_error *ret_error)
{
    bool is_there = false;
    int64_t now_ns = vonk_clock_mono_ns();
    vonk_mutex_lock(&s->lock);
    for (size_t i = 0; i < VONK_CONNECT_KEPT_ERRORS && !is_there; i++) {
        is_there = s->errors[i].used_ns && vonk_str_is(id, s->errors[i].id.text) &&
                   now_ns - s->errors[i].used_ns < ERROR_KEPT_S * VONK_NS_PER_S;
        if (is_there) vonk_error_copy(ret_error, &s->errors[i].error);
    }
    vonk_mutex_unlock(&s->lock);
    return is_there;
}
