/* python/pool.c -- the pool: who wants a worker, who has one, and what the loop's thread does about it. */
#include "python/pool_int.h"

#include "sys/files.h"
#include "sys/sockets.h"

/* A socket's name in our folder: "/.", a UUID, ".sock". */
enum { SOCKET_PATH_BYTES = 107, SOCKET_NAME_BYTES = 2 + 36 + 5 };

/* ---- life */

static void on_kick(void *self)
{
    vonk_py_pool *pool = self;
    vonk_mutex_lock(&pool->lock);
    pool->is_kicked = false;
    vonk__py_tend(pool);
    vonk__py_call_due(pool);
    vonk_mutex_unlock(&pool->lock);
}

static void on_time(void *self)
{
    vonk_py_pool *pool = self;
    vonk_mutex_lock(&pool->lock);
    vonk__py_tend(pool);
    vonk__py_call_due(pool);
    vonk_mutex_unlock(&pool->lock);
}

static void run(void *self)
{
    vonk_py_pool *pool = self;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const vonk_status st = vonk_loop_run(pool->loop, &err);
    assert(st == VONK_OK); /* it fails only for a broken epoll */
    (void)st;
}

static vonk_status make_folder(vonk_py_pool *pool, vonk_str parent, vonk_error *err)
{
    if (parent.len) VONK_TRY(vonk_dir_make(parent, err));
    VONK_TRY(vonk_dir_make_temp(pool->arena, parent, VONK_STR("py-"), &pool->folder, err));
    if (pool->folder.len + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES) return VONK_OK;
    return VONK_FAIL(err, VONK_E_PYTHON_NOT_STARTED, "message",
                     VONK_F("the folder %s has too long a name for sockets of Python workers: at most %d bytes",
                            pool->folder.data, SOCKET_PATH_BYTES - SOCKET_NAME_BYTES));
}

vonk_status vonk_py_pool_new(vonk_budget *budget, const vonk_py_pool_options *options, vonk_py_pool **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_py_pool_free) vonk_py_pool *pool = NULL;
    VONK_TRY(VONK_NEW(budget, &pool, err));
    pool->budget = budget;
    pool->options = *options;
    pool->queue_end = &pool->queue;
    vonk_mutex_init(&pool->lock);
    vonk_cond_init(&pool->changed);
    pool->kick = (vonk_job){.run = on_kick, .self = pool};
    pool->timer = (vonk_timer){.fire = on_time, .self = pool};
    VONK_TRY(vonk_arena_new(budget, &pool->arena, err));
    VONK_TRY(make_folder(pool, options->socket_folder, err));
    pool->options.socket_folder = pool->folder;
    VONK_TRY(vonk_loop_new(budget, &pool->loop, err));
    VONK_TRY(vonk_thread_start(budget, "vonk-python", VONK_STACK_ENGINE, run, pool, &pool->thread, err));
    *ret = VONK_STEAL(pool);
    return VONK_OK;
}

enum { END_MS = 3000 };

static void end_daemons(vonk_py_pool *pool)
{
    const int64_t until_ns = vonk_clock_mono_ns() + END_MS * VONK_NS_PER_MS;
    for (py_daemon *daemon = pool->daemons; daemon; daemon = daemon->next) vonk_process_close_in(daemon->child.process);
    for (py_daemon *daemon = pool->daemons; daemon; daemon = daemon->next) {
        vonk_process_end end;
        const int64_t left_ns = until_ns - vonk_clock_mono_ns();
        /* Starting ones may not listen to their standard input yet; freeing kills whatever does not end. */
        if (daemon->is_up) vonk_process_wait(daemon->child.process, left_ns > 0 ? left_ns : 0, &end);
    }
}

static void free_daemons(vonk_py_pool *pool)
{
    while (pool->daemons) {
        py_daemon *daemon = pool->daemons;
        pool->daemons = daemon->next;
        vonk__py_daemon_free(daemon);
    }
}

static void crew_free(py_crew *crew) { vonk_arena_free(crew->arena); }

void vonk_py_pool_free(vonk_py_pool *pool)
{
    if (!pool) return;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    assert(pool->n_holders == 0);
    if (pool->thread) vonk_loop_stop(pool->loop);
    vonk_thread_join(pool->thread);
    end_daemons(pool); /* first: idle workers that see their connections end would complain on stderr */
    while (pool->conns) {
        py_conn *conn = pool->conns;
        pool->conns = conn->next;
        vonk__py_conn_free(conn);
    }
    free_daemons(pool);
    while (pool->facts) {
        py_facts *facts = pool->facts;
        pool->facts = facts->next;
        vonk__py_facts_free(facts);
    }
    while (pool->crews) {
        py_crew *crew = pool->crews;
        pool->crews = crew->next;
        crew_free(crew);
    }
    vonk_loop_free(pool->loop);
    vonk_file_free(pool->accel);
    if (pool->folder.len && vonk_dir_remove_tree(pool->folder, &err) != VONK_OK) vonk_error_reset(&err);
    vonk_arena_free(pool->arena);
    vonk_cond_done(&pool->changed);
    vonk_mutex_done(&pool->lock);
    vonk_free(pool);
}

/* ---- crews */

static vonk_status key_of(vonk_arena *arena, const vonk_py_env *env, vonk_str *ret, vonk_error *err)
{
    vonk_str key;
    VONK_TRY(vonk_arena_printf(arena, &key, err, "%.*s\n%.*s\n%.*s\n%.*s\n%lld %d%d%d%d", VONK_STR_ARGS(env->daemon),
                               VONK_STR_ARGS(env->executable), VONK_STR_ARGS(env->module), VONK_STR_ARGS(env->folder),
                               (long long)env->memory_bytes, env->reuse, env->tcp, env->faulthandler, env->accel));
    size_t bytes = key.len;
    for (uint32_t i = 0; i < env->n_vars; i++) bytes += 1 + env->vars[i].len;
    char *at;
    VONK_TRY(vonk_arena_alloc(arena, bytes + 1, &at, err));
    *ret = (vonk_str){at, bytes};
    memcpy(at, key.data, key.len);
    at += key.len;
    for (uint32_t i = 0; i < env->n_vars; i++) {
        *at++ = 0;
        if (env->vars[i].len) memcpy(at, env->vars[i].data, env->vars[i].len);
        at += env->vars[i].len;
    }
    return VONK_OK;
}

static vonk_status copy_env(vonk_arena *arena, const vonk_py_env *env, vonk_py_env *ret, vonk_error *err)
{
    vonk_str *vars;
    *ret = *env;
    VONK_TRY(vonk_arena_str(arena, env->executable, &ret->executable, err));
    VONK_TRY(vonk_arena_str(arena, env->module, &ret->module, err));
    VONK_TRY(vonk_arena_str(arena, env->daemon.len ? env->daemon : VONK_STR("pyspark.daemon"), &ret->daemon, err));
    VONK_TRY(vonk_arena_str(arena, env->folder, &ret->folder, err));
    VONK_TRY(vonk_arena_array(arena, env->n_vars + 1, sizeof *vars, &vars, err));
    for (uint32_t i = 0; i < env->n_vars; i++) VONK_TRY(vonk_arena_str(arena, env->vars[i], &vars[i], err));
    ret->vars = vars;
    ret->owner = NULL; /* is not the crew's */
    return VONK_OK;
}

static vonk_status find_crew(vonk_py_pool *pool, const vonk_py_env *env, py_crew **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    py_crew *crew;
    vonk_str key;
    VONK_TRY(vonk_arena_new(pool->budget, &arena, err));
    VONK_TRY(key_of(arena, env, &key, err));
    for (crew = pool->crews; crew; crew = crew->next)
        if (!crew->is_dropped && vonk_str_eq(crew->key, key)) break;
    if (!crew) {
        VONK_TRY(VONK_ARENA_NEW(arena, &crew, err));
        VONK_TRY(copy_env(arena, env, &crew->env, err));
        crew->key = key;
        crew->arena = VONK_STEAL(arena);
        crew->next = pool->crews;
        pool->crews = crew;
    }
    *ret = crew;
    return VONK_OK;
}

static bool has_conns(const vonk_py_pool *pool, const py_crew *crew)
{
    for (const py_conn *conn = pool->conns; conn; conn = conn->next)
        if (conn->crew == crew) return true;
    return false;
}

static void free_unused_crews(vonk_py_pool *pool)
{
    for (py_crew **link = &pool->crews; *link;) {
        py_crew *crew = *link;
        if (crew->daemon || crew->n_holders || crew->n_wanted_idle || has_conns(pool, crew)) {
            link = &crew->next;
            continue;
        }
        *link = crew->next;
        crew_free(crew);
    }
}

/* ---- the queue of those who want a worker */

static void enqueue(vonk_py_pool *pool, vonk_py_worker *worker)
{
    worker->next = NULL;
    *pool->queue_end = worker;
    pool->queue_end = &worker->next;
}

static bool dequeue(vonk_py_pool *pool, vonk_py_worker *worker)
{
    for (vonk_py_worker **link = &pool->queue; *link; link = &(*link)->next) {
        if (*link != worker) continue;
        *link = worker->next;
        if (!*link) pool->queue_end = link;
        return true;
    }
    return false;
}

void vonk__py_worker_again(vonk_py_worker *worker)
{
    vonk_py_pool *pool = worker->pool;
    worker->state = PY_QUEUED;
    worker->next = pool->queue;
    if (!pool->queue) pool->queue_end = &worker->next;
    pool->queue = worker;
}

void vonk__py_worker_ready(vonk_py_worker *worker)
{
    worker->state = PY_READY;
    vonk__py_worker_due(worker);
    vonk_cond_broadcast(&worker->pool->changed);
}

void vonk__py_worker_failed(vonk_py_worker *worker, const vonk_error *why)
{
    dequeue(worker->pool, worker);
    vonk_error_copy(&worker->why, why);
    worker->state = PY_FAILED;
    vonk__py_worker_due(worker);
    vonk_cond_broadcast(&worker->pool->changed);
}

static bool fail_first(vonk_py_pool *pool, const py_crew *crew, const vonk_error *why)
{
    for (vonk_py_worker *worker = pool->queue; worker; worker = worker->next) {
        if (worker->crew != crew) continue;
        vonk__py_worker_failed(worker, why);
        return true;
    }
    return false;
}

void vonk__py_crew_failed(vonk_py_pool *pool, py_crew *crew, const vonk_error *why)
{
    crew->n_wanted_idle = 0;
    while (fail_first(pool, crew, why)) {
    }
}

/* The daemon is there: *ret. Starts what is missing. */
static vonk_status crew_up(vonk_py_pool *pool, py_crew *crew, bool *ret, vonk_error *err)
{
    *ret = crew->daemon && crew->daemon->is_up;
    if (crew->daemon) return VONK_OK;
    py_facts *facts;
    VONK_TRY(vonk__py_facts_of(pool, &crew->env, &facts, err));
    return facts->is_known ? vonk__py_daemon_start(crew, pool, facts, err) : VONK_OK;
}

/* The one that was used last: its memory is still warm. One that has ended meanwhile is left to the loop. */
static py_conn *find_idle(vonk_py_pool *pool, const py_crew *crew)
{
    py_conn *best = NULL;
    for (py_conn *conn = pool->conns; conn; conn = conn->next)
        if (conn->is_idle && conn->crew == crew && (!best || conn->idle_since_ns > best->idle_since_ns) &&
            !vonk_socket_wait_readable(conn->fd, 0))
            best = conn;
    return best;
}

static void attach(vonk_py_worker *worker, py_conn *conn)
{
    conn->is_idle = false;
    conn->holder = worker;
    worker->conn = conn;
    worker->state = PY_READY;
}

static bool holds_one(const vonk_py_pool *pool, const void *owner)
{
    for (const py_conn *conn = pool->conns; conn && owner; conn = conn->next)
        if (conn->holder && conn->holder->owner == owner) return true;
    return false;
}

/* Room for one more process: that of somebody else's idle worker, if need be. An owner who holds a worker does not wait
 * for itself to give it back. */
static bool make_room(vonk_py_pool *pool, const vonk_py_worker *worker)
{
    py_conn *oldest = NULL;
    if (pool->n_workers < pool->options.max_workers) return true;
    for (py_conn *conn = pool->conns; conn; conn = conn->next)
        if (conn->is_idle && (!oldest || conn->idle_since_ns < oldest->idle_since_ns)) oldest = conn;
    if (oldest) vonk__py_conn_kill(oldest);
    return oldest || holds_one(pool, worker->owner);
}

/* True: the worker has left the queue, perhaps others too. */
static bool serve(vonk_py_pool *pool, vonk_py_worker *worker)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    vonk_process_end end;
    bool is_up = false;
    if (crew_up(pool, worker->crew, &is_up, &why) != VONK_OK) {
        vonk__py_crew_failed(pool, worker->crew, &why);
        return true;
    }
    if (!is_up) return false;
    py_conn *idle = find_idle(pool, worker->crew);
    if (idle) {
        dequeue(pool, worker);
        pool->n_reused++;
        attach(worker, idle);
        vonk__py_worker_ready(worker);
        return true;
    }
    if (!make_room(pool, worker)) return false;
    if (vonk__py_conn_open(worker->crew, worker, &why) == VONK_OK) {
        dequeue(pool, worker);
        return true;
    }
    py_daemon *daemon = worker->crew->daemon;
    if (worker->n_tries++ == 0 && vonk_process_wait(daemon->child.process, 0, &end)) {
        vonk__py_daemon_end(daemon, false); /* it has died; it gets another one */
        return true;
    }
    vonk__py_worker_failed(worker, &why);
    return true;
}

static void serve_queue(vonk_py_pool *pool)
{
    for (vonk_py_worker *worker = pool->queue; worker;) worker = serve(pool, worker) ? pool->queue : worker->next;
}

static void serve_warm(vonk_py_pool *pool, py_crew *crew)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    bool is_up = false;
    uint32_t n = 0;
    if (crew_up(pool, crew, &is_up, &why) != VONK_OK) {
        crew->n_wanted_idle = 0; /* whoever wants one hears it */
        return;
    }
    if (!is_up) return;
    for (const py_conn *conn = pool->conns; conn; conn = conn->next)
        if (conn->crew == crew && !conn->is_dead) n++;
    for (; n < crew->n_wanted_idle && pool->n_workers < pool->options.max_workers; n++)
        if (vonk__py_conn_open(crew, NULL, &why) != VONK_OK) break;
    crew->n_wanted_idle = 0;
}

/* ---- tending */

void vonk__py_kick(vonk_py_pool *pool)
{
    if (pool->is_kicked) return;
    pool->is_kicked = true;
    vonk_loop_post(pool->loop, &pool->kick);
}

void vonk__py_come_again(vonk_py_pool *pool, int64_t at_ns)
{
    if (at_ns < pool->next_ns) pool->next_ns = at_ns;
}

void vonk__py_tend(vonk_py_pool *pool)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const int64_t now_ns = vonk_clock_mono_ns();
    pool->next_ns = INT64_MAX;
    vonk__py_facts_tend(pool, now_ns);
    vonk__py_daemons_tend(pool, now_ns);
    serve_queue(pool);
    for (py_crew *crew = pool->crews; crew; crew = crew->next)
        if (crew->n_wanted_idle) serve_warm(pool, crew);
    vonk__py_conns_tend(pool, now_ns);
    free_unused_crews(pool);
    if (pool->next_ns == INT64_MAX)
        vonk_loop_cancel_timer(pool->loop, &pool->timer);
    else if (vonk_loop_set_timer(pool->loop, &pool->timer, pool->next_ns, &err) != VONK_OK)
        vonk__py_kick(pool); /* no memory for a timer: it looks again at once */
}

void vonk__py_worker_due(vonk_py_worker *worker)
{
    if (!worker->wake || worker->is_due) return;
    worker->is_due = true;
    worker->next_due = worker->pool->due;
    worker->pool->due = worker;
}

static void not_due(vonk_py_worker *worker)
{
    for (vonk_py_worker **link = &worker->pool->due; worker->is_due && *link; link = &(*link)->next_due)
        if (*link == worker) {
            *link = worker->next_due;
            break;
        }
    worker->is_due = false;
}

void vonk__py_call_due(vonk_py_pool *pool)
{
    while (pool->due) {
        vonk_py_worker *worker = pool->due;
        void (*wake)(void *) = worker->wake;
        void *arg = worker->wake_arg;
        pool->due = worker->next_due;
        worker->is_due = false;
        worker->wake = NULL;
        vonk_mutex_unlock(&pool->lock);
        wake(arg); /* may give the worker back */
        vonk_mutex_lock(&pool->lock);
    }
}

/* ---- what holders call */

static vonk_status take(vonk_py_pool *pool, const vonk_py_env *env, vonk_py_worker *worker, vonk_error *err)
{
    VONK_LOCKED(&pool->lock);
    VONK_TRY(find_crew(pool, env, &worker->crew, err));
    worker->crew->n_holders++;
    pool->n_holders++;
    py_conn *idle = find_idle(pool, worker->crew);
    if (idle) {
        pool->n_reused++;
        attach(worker, idle);
    } else {
        enqueue(pool, worker);
        vonk__py_kick(pool);
    }
    return VONK_OK;
}

vonk_status vonk_py_worker_take(vonk_py_pool *pool, const vonk_py_env *env, vonk_budget *budget, vonk_py_worker **ret,
                                vonk_error *err)
{
    vonk_py_worker *worker;
    VONK_TRY(VONK_NEW(budget, &worker, err));
    worker->pool = pool;
    worker->budget = budget;
    worker->silence_ns = env->silence_ns;
    worker->kill_silent = env->kill_silent;
    worker->owner = env->owner;
    vonk_buf_init(&worker->out, budget, SIZE_MAX);
    const vonk_status st = take(pool, env, worker, err);
    if (st != VONK_OK) {
        vonk_free(worker);
        return st;
    }
    *ret = worker;
    return VONK_OK;
}

static uint32_t n_idle(const vonk_py_pool *pool, const py_crew *crew)
{
    uint32_t n = 0;
    for (const py_conn *conn = pool->conns; conn; conn = conn->next) n += conn->is_idle && conn->crew == crew;
    return n;
}

static void put_back(vonk_py_worker *worker, bool reusable)
{
    vonk_py_pool *pool = worker->pool;
    VONK_LOCKED(&pool->lock);
    py_conn *conn = worker->conn; /* the loop may connect it until here */
    dequeue(pool, worker);
    not_due(worker);
    worker->wake = NULL;
    worker->crew->n_holders--;
    pool->n_holders--;
    vonk__py_kick(pool);
    if (!conn) return;
    conn->holder = NULL;
    /* One that is still being connected has done nothing: it becomes an idle one. */
    if (conn->is_dead || conn->step != PY_STEP_UP) return;
    const bool is_clean = reusable && conn->in_from == conn->in_to && worker->sent == worker->out.len;
    if (!is_clean || !conn->crew->env.reuse || !conn->daemon->crew ||
        n_idle(pool, conn->crew) >= pool->options.max_idle) {
        vonk__py_conn_kill(conn);
        return;
    }
    conn->is_idle = true;
    conn->idle_since_ns = vonk_clock_mono_ns();
}

void vonk_py_worker_give(vonk_py_worker *worker, bool reusable)
{
    put_back(worker, reusable);
    vonk_buf_done(&worker->out);
    vonk_buffer_unref(worker->part);
    vonk_error_reset(&worker->why);
    vonk_free(worker);
}

void vonk_py_pool_warm(vonk_py_pool *pool, const vonk_py_env *env, uint32_t n)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    py_crew *crew;
    VONK_LOCKED(&pool->lock);
    if (find_crew(pool, env, &crew, &err) != VONK_OK) return; /* whoever wants one hears it */
    if (crew->n_wanted_idle < n) crew->n_wanted_idle = n;
    vonk__py_kick(pool);
}

void vonk_py_pool_drop_folder(vonk_py_pool *pool, vonk_str folder)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    (void)vonk_raised(
        VONK_FAIL(&why, VONK_E_PYTHON_NOT_STARTED, "message", "the session of the Python worker has ended"));
    VONK_LOCKED(&pool->lock);
    for (py_crew *crew = pool->crews; crew; crew = crew->next) {
        if (crew->is_dropped || !vonk_str_eq(crew->env.folder, folder)) continue;
        crew->is_dropped = true;
        if (crew->daemon) vonk__py_daemon_end(crew->daemon, true);
        vonk__py_crew_failed(pool, crew, &why);
    }
    vonk__py_kick(pool);
}

vonk_py_counts vonk_py_pool_counts(vonk_py_pool *pool)
{
    VONK_LOCKED(&pool->lock);
    vonk_py_counts counts = {
        .workers = pool->n_workers, .forked = pool->n_forked, .reused = pool->n_reused, .killed = pool->n_killed};
    for (const py_daemon *daemon = pool->daemons; daemon; daemon = daemon->next) counts.daemons++;
    for (const py_conn *conn = pool->conns; conn; conn = conn->next) counts.idle += conn->is_idle;
    return counts;
}

vonk_status vonk_py_worker_watch(vonk_py_worker *worker, bool to_write, void (*wake)(void *arg), void *arg,
                                 vonk_error *err)
{
    (void)err;
    vonk_py_pool *pool = worker->pool;
    VONK_LOCKED(&pool->lock);
    assert(!worker->wake);
    worker->wake = wake;
    worker->wake_arg = arg;
    worker->to_write = to_write;
    if (worker->silence_ns) worker->waits_since_ns = vonk_clock_mono_ns();
    const py_conn *conn = worker->conn;
    const bool is_there = worker->state == PY_FAILED || (worker->state == PY_READY && !worker->is_seen_ready) ||
                          (conn && conn->is_dead) ||
                          (worker->state == PY_READY && !worker->is_hungry && conn && conn->in_from < conn->in_to);
    if (is_there) vonk__py_worker_due(worker);
    vonk__py_kick(pool);
    return VONK_OK;
}

bool vonk_py_worker_unwatch(vonk_py_worker *worker)
{
    VONK_LOCKED(&worker->pool->lock);
    if (!worker->wake) return false;
    not_due(worker);
    worker->wake = NULL;
    return true;
}
