/* session/python.c -- where a session's functions of Python run: the engine's workers, started for this session. */
#include "session/session_int.h"

#include "sys/clock.h"
#include "sys/env.h"

#define IDLE_NS (INT64_C(60) * VONK_NS_PER_S)
#define START_NS (INT64_C(60) * VONK_NS_PER_S)
#define WORKERS_PER_THREAD 4 /* of all sessions together */

/* ---- the engine's workers, made when the first query wants one */
static vonk_status pool_of(vonk_engine *engine, vonk_py_pool **ret, vonk_error *err)
{
    const vonk_py_pool_options options = {.socket_folder = vonk_str_of(engine->spill_dir),
                                          .idle_ns = IDLE_NS,
                                          .start_timeout_ns = START_NS,
                                          .max_workers = engine->n_threads * WORKERS_PER_THREAD};
    VONK_LOCKED(&engine->lock);
    if (!engine->python) VONK_TRY(vonk_py_pool_new(vonk_budget_root(), &options, &engine->python, err));
    *ret = engine->python;
    return VONK_OK;
}

/* ---- what a worker is started with */
typedef struct vars {
    vonk_arena *arena;
    VONK_VEC(vonk_str) list;
} vars;

static vonk_status add_var(vars *v, const char *name, vonk_str value, vonk_error *err)
{
    vonk_str text;
    if (value.len == 0) return VONK_OK;
    VONK_TRY(vonk_arena_printf(v->arena, &text, err, "%s=%.*s", name, VONK_STR_ARGS(value)));
    return VONK_VEC_ARENA_PUSH(&v->list, v->arena, text, err);
}

static vonk_status add_flag(vars *v, const char *name, const vonk_conf *conf, const char *key, vonk_error *err)
{
    return vonk_conf_bool(conf, key) ? add_var(v, name, VONK_STR("1"), err) : VONK_OK;
}

static vonk_status add_number(vars *v, const char *name, const vonk_conf *conf, const char *key, vonk_error *err)
{
    if (!vonk_conf_get(conf, key).data) return VONK_OK;
    return add_var(v, name, vonk_str_of(VONK_F("%lld", (long long)vonk_conf_i64(conf, key))), err);
}

/* As many threads of numeric libraries as a task has cores, unless the user says otherwise. */
static vonk_status add_threads(vars *v, vonk_error *err)
{
    return vonk_env_get("OMP_NUM_THREADS").data ? VONK_OK : add_var(v, "OMP_NUM_THREADS", VONK_STR("1"), err);
}

static vonk_status set_vars(const vonk_session *session, const vonk_conf *conf, vonk_arena *arena, vonk_py_env *env,
                            vonk_error *err)
{
    vars v = {.arena = arena};
    VONK_TRY(add_var(&v, "SPARK_LOCAL_DIRS", vonk_str_of(session->engine->spill_dir), err));
    VONK_TRY(add_var(&v, "SPARK_JOB_ARTIFACT_UUID", vonk_str_of(session->python_id), err));
    VONK_TRY(add_threads(&v, err));
    VONK_TRY(add_number(&v, "PYTHON_UDF_BATCH_SIZE", conf, "spark.sql.execution.python.udf.maxRecordsPerBatch", err));
    VONK_TRY(add_flag(&v, "SPARK_SIMPLIFIED_TRACEBACK", conf,
                      "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", err));
    VONK_TRY(
        add_flag(&v, "SPARK_HIDE_TRACEBACK", conf, "spark.sql.execution.pyspark.udf.hideTraceback.enabled", err));
    VONK_TRY(add_flag(&v, "SPARK_TRACEBACK_WITH_LOCALS", conf,
                      "spark.sql.execution.pyspark.udf.tracebackWithLocals.enabled", err));
    VONK_TRY(add_flag(&v, "SPARK_PIPELINED_UDF", conf, "spark.python.udf.pipelined.enabled", err));
    VONK_TRY(
        add_number(&v, "SPARK_PIPELINED_UDF_QUEUE_DEPTH", conf, "spark.python.udf.pipelined.queueDepth", err));
    env->vars = v.list.at;
    env->n_vars = vonk_u32_of(v.list.n);
    return VONK_OK;
}

static vonk_str executable_of(const vonk_conf *conf)
{
    static const char *const keys[] = {"spark.sql.execution.pyspark.python", "spark.pyspark.python"};
    static const char *const names[] = {"PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"};
    vonk_str value = VONK_STR_NONE;
    for (size_t i = 0; i < VONK_COUNTOF(keys) && value.len == 0; i++) value = vonk_conf_get(conf, keys[i]);
    for (size_t i = 0; i < VONK_COUNTOF(names) && value.len == 0; i++) value = vonk_env_get(names[i]);
    return value.len ? value : VONK_STR("python3");
}

/* A number without a unit is one of MiB, as Spark's key says. */
static int64_t memory_of(const vonk_conf *conf)
{
    return vonk_conf_i64(conf, "spark.executor.pyspark.memory") * (INT64_C(1) << 20);
}

vonk_status vonk__session_python(vonk_session *session, const vonk_conf *conf, vonk_arena *arena,
                                 const vonk_exec_python **ret, vonk_error *err)
{
    vonk_exec_python *python = NULL;
    vonk_str *includes = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &python, err));
    VONK_TRY(pool_of(session->engine, &python->pool, err));
    VONK_TRY(vonk_arena_str(arena, executable_of(conf), &python->env.executable, err));
    python->env.module = VONK_STR("pyspark.worker");
    python->env.reuse = vonk_conf_bool(conf, "spark.python.worker.reuse");
    python->env.memory_bytes = memory_of(conf);
    VONK_TRY(set_vars(session, conf, arena, &python->env, err));
    VONK_LOCKED(&session->lock);
    VONK_TRY(vonk_arena_str(arena, vonk_str_of(session->files_folder), &python->files_folder, err));
    python->env.folder = python->files_folder;
    python->n_includes = vonk_u32_of(session->includes.n);
    VONK_TRY(vonk_arena_array(arena, session->includes.n + 1, sizeof *includes, &includes, err));
    for (size_t i = 0; i < session->includes.n; i++)
        VONK_TRY(vonk_arena_str(arena, vonk_str_of(session->includes.at[i]), &includes[i], err));
    python->includes = includes;
    *ret = python;
    return VONK_OK;
}

/* ---- does a plan want workers? */
static vonk_walk stop_at_python(const vonk_plan *p, void *arg)
{
    (void)arg;
    for (uint32_t l = 0; l < p->n_lists; l++)
        for (uint32_t i = 0; i < p->lists[l].n; i++)
            if (vonk_expr_contains(p->lists[l].at[i], VONK_EX_PYTHON)) return VONK_WALK_STOP;
    return VONK_WALK_ON;
}

bool vonk__session_wants_python(const vonk_plan *physical) { return !vonk_plan_walk(physical, stop_at_python, NULL); }

/* ---- files */
static void drop_includes(vonk_session *session)
{
    for (size_t i = 0; i < session->includes.n; i++) vonk_free(session->includes.at[i]);
    session->includes.n = 0;
}

vonk_status vonk_session_set_python_files(vonk_session *session, vonk_str folder, const vonk_str *includes, size_t n,
                                          vonk_error *err)
{
    char *copy = NULL;
    VONK_LOCKED(&session->lock);
    VONK_TRY(vonk_strdup(session->budget, folder, &copy, err));
    vonk_free(session->files_folder);
    session->files_folder = copy;
    drop_includes(session);
    for (size_t i = 0; i < n; i++) {
        VONK_TRY(vonk_strdup(session->budget, includes[i], &copy, err));
        const vonk_status st = VONK_VEC_PUSH(&session->includes, session->budget, copy, err);
        if (st != VONK_OK) {
            vonk_free(copy);
            return st;
        }
    }
    return VONK_OK;
}

void vonk__session_python_done(vonk_session *session)
{
    if (session->engine->python && session->files_folder)
        vonk_py_pool_drop_folder(session->engine->python, vonk_str_of(session->files_folder));
    drop_includes(session);
    vonk_free(session->includes.at);
    vonk_free(session->files_folder);
}
