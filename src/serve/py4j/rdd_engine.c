/* serve/py4j/rdd_engine.c -- what computes the RDDs of one SparkContext: made, held, stopped; jobs; accumulators. */
#include "serve/py4j/rdd_engine.h"

#include "serve/py4j/rdd_socket.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/sockets.h"
#include "text/number.h"

/* ---- settings */

static bool is_set_to(const vonk__j_engine *e, const char *key, const char *value)
{
    return vonk_str_is_nocase(vonk_conf_get(e->conf, key), value);
}

/* Nonsense was refused when the context started (PythonUtils). */
static int64_t seconds_setting(const vonk__j_engine *e, const char *key, int64_t usual)
{
    const int64_t n = vonk_conf_i64(e->conf, key);
    return n > 0 ? n : usual;
}

/* local[N, F]: F is how often a task may fail. */
static uint32_t failures_of(vonk__j_context *c)
{
    char text[256];
    int64_t n = 1;
    const vonk_str master = vonk__j_context_setting(c, VONK_STR("spark.master"), text, sizeof text);
    const size_t comma = vonk_str_find_byte(master, ',', 0), end = vonk_str_find_byte(master, ']', 0);
    if (comma == SIZE_MAX || end == SIZE_MAX || end < comma) return 1;
    return vonk_text_to_i64(vonk_str_trim(vonk_str_sub(master, comma + 1, end)), false, 1, 100000, &n) ? (uint32_t)n
                                                                                                       : 1;
}

/* ---- accumulators: Python listens for updates of tasks, and answers each with a byte */

static vonk_status connect_accumulator(vonk__j_engine *e, const vonk__j_accumulator *a, vonk_error *err)
{
    if (e->accumulator_fd >= 0) return VONK_OK;
    if (a->path.kind == VONK__J_STRING) return vonk_socket_connect_unix(vonk__j_str(&a->path), &e->accumulator_fd, err);
    VONK_TRY(vonk_socket_connect_wait(vonk__j_str(&a->host), (uint16_t)a->port, e->socket_timeout_ns,
                                      &e->accumulator_fd, err));
    const vonk_str token = vonk__j_str(&a->token);
    return vonk_socket_write_all_wait(e->accumulator_fd, token.data, token.len, e->socket_timeout_ns, err);
}

static vonk_status send_update(vonk__j_engine *e, const vonk__j_accumulator *a, vonk_str update, vonk_error *err)
{
    char head[8] = {0, 0, 0, 1}, ack;
    for (int i = 0; i < 4; i++) head[4 + i] = (char)(update.len >> (24 - 8 * i));
    VONK_TRY(connect_accumulator(e, a, err));
    VONK_TRY(vonk_socket_write_all_wait(e->accumulator_fd, head, sizeof head, -1, err));
    VONK_TRY(vonk_socket_write_all_wait(e->accumulator_fd, update.data, update.len, -1, err));
    return vonk_socket_read_exact_wait(e->accumulator_fd, &ack, 1, -1, err);
}

vonk_status vonk__j_accumulate(void *self, vonk_str update, vonk_error *err)
{
    vonk__j_engine *e = self;
    vonk__j_accumulator *a = NULL;
    vonk_mutex_lock(&e->context->lock);
    if (e->context->accumulators.n) a = (vonk__j_accumulator *)e->context->accumulators.at[0];
    vonk_mutex_unlock(&e->context->lock);
    if (!a) return VONK_OK;
    VONK_LOCKED(&e->accumulator_lock);
    const vonk_status status = send_update(e, a, update, err);
    if (status != VONK_OK) {
        vonk_socket_close(e->accumulator_fd);
        e->accumulator_fd = -1;
    }
    return status;
}

/* What SparkContext.hadoopConfiguration says, as it is now. */
static vonk_status hadoop_setting(void *self, vonk_str key, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    vonk__j_engine *e = self;
    vonk_str whole;
    VONK_TRY(vonk_arena_printf(arena, &whole, err, "spark.hadoop.%.*s", VONK_STR_ARGS(key)));
    VONK_LOCKED(&e->machine->guard);
    *ret = vonk__j_map_get_text(e->context->conf->map, whole);
    return ret->data ? vonk_arena_str(arena, *ret, ret, err) : VONK_OK;
}

/* ---- making */

static void end(vonk__j_engine *e)
{
    vonk_rdd_context_free(VONK_STEAL(e->rdds));
    vonk_scheduler_free(VONK_STEAL(e->scheduler));
    vonk_py_pool_free(VONK_STEAL(e->pool));
    vonk_block_store_free(VONK_STEAL(e->store));
    /* Python's server of accumulators ends after the context: it would complain of a connection that ends before. */
    if (e->accumulator_fd >= 0) vonk__j_leave_open(e->machine, e->accumulator_fd);
    e->accumulator_fd = -1;
}

void vonk__j_engine_free(vonk__j_engine *e)
{
    if (!e) return;
    end(e);
    if (e->budget) vonk_budget_retire(e->budget);
    vonk_conf_unref(e->conf);
    vonk_free(e->files_folder);
    vonk_free(e->socket_folder);
    vonk_cond_done(&e->changed);
    vonk_mutex_done(&e->lock);
    vonk_mutex_done(&e->accumulator_lock);
    vonk_free(e);
}
static inline void vonk__j_engine_free_auto(vonk__j_engine **e) { vonk__j_engine_free(*e); }

static vonk_status make_scheduler(vonk__j_engine *e, vonk_error *err)
{
    vonk__j_context *c = e->context;
    int64_t failures = 0, attempts = 0;
    VONK_TRY(vonk__j_context_number(c, "spark.stage.maxConsecutiveAttempts", 4, INT32_MAX, &attempts, err));
    failures = failures_of(c);
    const vonk_scheduler_options options = {.n_slots = c->n_slots / c->task_cpus,
                                            .max_failures = (uint32_t)failures,
                                            .max_stage_attempts = (uint32_t)attempts,
                                            .fair = is_set_to(e, "spark.scheduler.mode", "FAIR")};
    VONK_TRY(vonk_scheduler_new(e->budget, e->store, &options, &e->scheduler, err));
    return vonk__j_read_pools(c, e->scheduler, err);
}

static vonk_status make_pool(vonk__j_engine *e, vonk_error *err)
{
    int64_t idle = 0;
    VONK_TRY(vonk__j_context_number(e->context, "spark.python.worker.idle.seconds", 60, INT32_MAX, &idle, err));
    /* Names of sockets are short: a temporary folder with a long name cannot hold them. */
    const bool is_long = vonk_env_get("TMPDIR").len > 40;
    const vonk_py_pool_options options = {.socket_folder = is_long ? VONK_STR("/tmp") : VONK_STR_NONE,
                                          .idle_ns = idle * VONK_NS_PER_S,
                                          .start_timeout_ns = 60 * VONK_NS_PER_S,
                                          .max_workers = e->context->n_slots * 8 + 16,
                                          .max_idle = vonk_conf_python_most_idle(e->conf)};
    return vonk_py_pool_new(e->budget, &options, &e->pool, err);
}

static vonk_status fill(vonk__j_engine *e, vonk_error *err)
{
    vonk__j_context *c = e->context;
    char text[4096];
    VONK_TRY(vonk__j_context_conf(c, &e->conf, err));
    e->is_encrypted = is_set_to(e, "spark.io.encryption.enabled", "true");
    e->by_unix_sockets = is_set_to(e, "spark.python.unix.domain.socket.enabled", "true");
    e->socket_timeout_ns = seconds_setting(e, "spark.python.authenticate.socketTimeout", 15) * VONK_NS_PER_S;
    const vonk_str sockets =
        vonk__j_context_setting(c, VONK_STR("spark.python.unix.domain.socket.dir"), text, sizeof text);
    VONK_TRY(
        vonk_strdup(e->machine->budget, sockets.len ? sockets : vonk_str_of(c->local_folder), &e->socket_folder, err));
    VONK_TRY(vonk_strdup(e->machine->budget, vonk_str_of(c->files_folder), &e->files_folder, err));
    VONK_TRY(vonk_budget_new(e->machine->budget, "rdds", VONK_NO_LIMIT, &e->budget, err));
    const vonk_block_options blocks = {
        .folder = vonk_str_of(c->local_folder), .compress = true, .encrypt = e->is_encrypted};
    VONK_TRY(vonk_block_store_new(e->budget, &blocks, &e->store, err));
    VONK_TRY(make_scheduler(e, err));
    VONK_TRY(make_pool(e, err));
    const vonk_rdd_env env = {.budget = e->budget,
                              .scheduler = e->scheduler,
                              .pool = e->pool,
                              .local_folder = vonk_str_of(c->local_folder),
                              .files_folder = vonk_str_of(e->files_folder),
                              .default_parallelism = c->parallelism,
                              .task_cpus = c->task_cpus,
                              .overwrites = is_set_to(e, "spark.hadoop.validateOutputSpecs", "false"),
                              .hadoop_setting = hadoop_setting,
                              .accumulate = vonk__j_accumulate,
                              .self = e};
    VONK_TRY(vonk_rdd_context_new(&env, &e->rdds, err));
    VONK_LOCKED(&c->lock);
    return c->checkpoint_folder ? vonk_rdd_set_checkpoint_folder(e->rdds, vonk_str_of(c->checkpoint_folder), err)
                                : VONK_OK;
}

static vonk_status make(vonk__j_caller *caller, vonk__j_context *c, vonk__j_engine **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_free) vonk__j_engine *e = NULL;
    VONK_TRY(VONK_NEW(caller->machine->budget, &e, err));
    e->machine = caller->machine;
    e->context = c;
    e->accumulator_fd = -1;
    vonk_mutex_init(&e->lock);
    vonk_mutex_init(&e->accumulator_lock);
    vonk_cond_init(&e->changed);
    VONK_TRY(fill(e, err));
    *ret = VONK_STEAL(e);
    return VONK_OK;
}

/* ---- holding */

vonk__j_engine *vonk__j_engine_hold(vonk__j_engine *e)
{
    VONK_LOCKED(&e->lock);
    e->n_users++;
    return e;
}

static bool try_hold(vonk__j_engine *e)
{
    VONK_LOCKED(&e->lock);
    if (e->is_stopping) return false;
    e->n_users++;
    return true;
}

vonk__j_engine *vonk__j_engine_try(vonk__j_context *c)
{
    vonk_mutex_lock(&c->lock);
    vonk__j_engine *e = c->engine;
    vonk_mutex_unlock(&c->lock);
    return e && try_hold(e) ? e : NULL; /* the struct stays as long as its context */
}

static vonk_status find(vonk__j_caller *caller, vonk__j_context *c, vonk__j_engine **ret, vonk_error *err)
{
    vonk__j_engine *made = NULL;
    vonk_mutex_lock(&c->lock);
    *ret = c->engine;
    const bool is_stopped = c->is_stopped;
    vonk_mutex_unlock(&c->lock);
    if (*ret || is_stopped) return VONK_OK;
    VONK_TRY(make(caller, c, &made, err));
    vonk_mutex_lock(&c->lock);
    if (!c->engine && !c->is_stopped) c->engine = VONK_STEAL(made);
    *ret = c->engine;
    vonk_mutex_unlock(&c->lock);
    vonk__j_engine_free(made); /* another thread was faster */
    return VONK_OK;
}

vonk_status vonk__j_engine_use(vonk__j_caller *caller, vonk__j_context *c, vonk__j_engine **ret, vonk_error *err)
{
    vonk__j_engine *e = NULL;
    VONK_TRY(find(caller, c, &e, err));
    if (!e || !try_hold(e))
        return vonk__j_throw(caller, "java.lang.IllegalStateException", err,
                             "Cannot call methods on a stopped SparkContext.");
    *ret = e;
    return VONK_OK;
}

void vonk__j_engine_leave(vonk__j_engine *e)
{
    VONK_LOCKED(&e->lock);
    if (--e->n_users == 0) vonk_cond_broadcast(&e->changed);
}

void vonk__j_engine_stop(vonk__j_context *c)
{
    vonk_mutex_lock(&c->lock);
    vonk__j_engine *e = c->engine;
    vonk_mutex_unlock(&c->lock);
    if (!e) return;
    vonk_mutex_lock(&e->lock);
    e->is_stopping = true;
    vonk_mutex_unlock(&e->lock);
    vonk__j_channels_cut(e);
    vonk_mutex_lock(&e->lock);
    while (e->n_users) { /* those who were about to start a job are cancelled at the next look */
        vonk_mutex_unlock(&e->lock);
        vonk_scheduler_cancel(e->scheduler, VONK_STR_NONE, VONK_STR_NONE, VONK_STR("SparkContext was shut down"),
                              false);
        vonk_mutex_lock(&e->lock);
        if (e->n_users) vonk_cond_wait_until(&e->changed, &e->lock, vonk_clock_mono_ns() + 20 * VONK_NS_PER_MS);
    }
    vonk_mutex_unlock(&e->lock);
    vonk__j_channels_join(e, true);
    end(e);
}

/* ---- jobs */

vonk_status vonk__j_job_properties(vonk__j_caller *caller, vonk_arena *arena, const vonk_property **ret,
                                   uint32_t *ret_n, vonk_error *err)
{
    vonk__j_map *map = NULL;
    vonk_property *properties = NULL;
    uint32_t n = 0;
    VONK_LOCKED(&caller->machine->guard);
    VONK_TRY(vonk__j_local_properties(caller, &map, err));
    VONK_TRY(vonk_arena_array(arena, map->n, sizeof *properties, &properties, err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(map, e));) {
        if (e->key.kind != VONK__J_STRING || e->value.kind != VONK__J_STRING) continue;
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->key), &properties[n].key, err));
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->value), &properties[n].value, err));
        n++;
    }
    *ret = properties;
    *ret_n = n;
    return VONK_OK;
}

typedef struct watch {
    vonk__j_caller *caller;
    vonk__j_engine *engine;
    bool is_over;
} watch;
static _Thread_local watch watching;

/* Nobody sends on a connection that owes an answer, but for one: Python's handler of Ctrl-C asks for all jobs to be
 * cancelled, over the connection on which its thread waits. The command itself is served later, if that still works. */
typedef enum heard { NOTHING, ALL_JOBS, HUNG_UP } heard;
static heard hear(vonk__j_caller *c)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    size_t n = 0;
    if (!c->stream.ready || c->in_end == sizeof c->in || !c->stream.ready(c->stream.self)) return NOTHING;
    if (c->stream.read(c->stream.self, c->in + c->in_end, sizeof c->in - c->in_end, &n, &err) != VONK_OK) n = 0;
    c->in_end += n;
    if (!n) return HUNG_UP;
    const vonk_str pending = {c->in + c->in_at, c->in_end - c->in_at};
    return vonk_str_find(pending, VONK_STR("\ncancelAllJobs\n"), 0) == SIZE_MAX ? NOTHING : ALL_JOBS;
}
bool vonk__j_hears_cancel(vonk__j_caller *caller) { return hear(caller) != NOTHING; }

static void look(void *arg)
{
    watch *w = arg;
    const heard what = w->is_over ? NOTHING : hear(w->caller);
    if (what == NOTHING) return;
    w->is_over = what == HUNG_UP;
    vonk_scheduler_cancel(
        w->engine->scheduler, VONK_STR_NONE, VONK_STR_NONE,
        what == ALL_JOBS ? VONK_STR("as part of cancellation of all jobs") : VONK_STR("Python has hung up"), false);
}

void vonk__j_watch_begin(vonk__j_caller *caller, vonk__j_engine *engine)
{
    watching = (watch){.caller = caller, .engine = engine};
    vonk_rdd_look(look, &watching);
}
void vonk__j_watch_end(void) { vonk_rdd_look(NULL, NULL); }

vonk_status vonk__j_run_job(vonk_rdd *rdd, const uint32_t *partitions, uint32_t n_partitions,
                            const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                            vonk_error *err)
{
    VONK_AUTO(vonk_job_free) vonk_job_run *job = NULL;
    VONK_TRY(vonk_rdd_run(rdd, partitions, n_partitions, properties, n_properties, receiver, &job, err));
    VONK_TRY(vonk_rdd_wait(job, err));
    vonk_job_free(VONK_STEAL(job));
    return vonk_rdd_finish(rdd, properties, n_properties, err);
}

vonk_status vonk__j_site_begin(vonk__j_caller *caller, vonk_arena *arena, vonk_error *err)
{
    vonk__j_map *map = NULL;
    vonk_str site = {0};
    VONK_LOCKED(&caller->machine->guard);
    VONK_TRY(vonk__j_local_properties(caller, &map, err));
    VONK_TRY(vonk_arena_str(arena, vonk__j_map_get_text(map, VONK_STR("callSite.short")), &site, err));
    vonk_rdd_site(site);
    return VONK_OK;
}
void vonk__j_site_end(void) { vonk_rdd_site(VONK_STR_NONE); }
