/* session/python.c -- where a session's functions of Python run: the engine's workers, started for this session. */
#include "plan/python_env.h"
#include "session/session_int.h"

#include "sys/clock.h"
#include "sys/env.h"
#include "sys/files.h"
#include "sys/process.h"

#define IDLE_NS (INT64_C(60) * VONK_NS_PER_S)
#define START_NS (INT64_C(60) * VONK_NS_PER_S)

/* ---- the engine's workers, made when the first query wants one */
static vonk_status pool_of(vonk_engine *engine, vonk_py_pool **ret, vonk_error *err)
{
    const vonk_py_pool_options options = {.socket_folder = vonk_str_of(engine->spill_dir),
                                          .idle_ns = IDLE_NS,
                                          .start_timeout_ns = START_NS,
                                          .max_idle = vonk_conf_python_most_idle(engine->conf),
                                          .max_workers =
                                              (uint32_t)vonk_conf_i64(engine->conf, "vonk.python.maxWorkers")};
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

static vonk_status add_seconds(vars *v, const vonk_conf *conf, vonk_error *err)
{
    const int64_t n = vonk_conf_python_traceback_seconds(conf, true);
    if (n <= 0) return VONK_OK;
    return add_var(v, "PYTHON_TRACEBACK_DUMP_INTERVAL_SECONDS", vonk_str_of(VONK_F("%lld", (long long)n)), err);
}

static vonk_str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return vonk_str_of(slash ? slash + 1 : path);
}

static vonk_status set_vars(const vonk_session *session, const vonk_conf *conf, vonk_arena *arena, vonk_py_env *env,
                            vonk_error *err)
{
    vars v = {.arena = arena};
    VONK_TRY(add_var(&v, "SPARK_LOCAL_DIRS", vonk_str_of(session->engine->spill_dir), err));
    VONK_TRY(add_var(&v, "SPARK_JOB_ARTIFACT_UUID", base_name(session->files_folder),
                     err)); /* as Spark: a name of its own */
    VONK_TRY(add_threads(&v, err));
    VONK_TRY(add_number(&v, "PYTHON_UDF_BATCH_SIZE", conf, "spark.sql.execution.python.udf.maxRecordsPerBatch", err));
    VONK_TRY(add_flag(&v, "SPARK_SIMPLIFIED_TRACEBACK", conf,
                      "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", err));
    VONK_TRY(add_flag(&v, "SPARK_HIDE_TRACEBACK", conf, "spark.sql.execution.pyspark.udf.hideTraceback.enabled", err));
    VONK_TRY(add_flag(&v, "SPARK_TRACEBACK_WITH_LOCALS", conf,
                      "spark.sql.execution.pyspark.udf.tracebackWithLocals.enabled", err));
    VONK_TRY(add_flag(&v, "SPARK_PIPELINED_UDF", conf, "spark.python.udf.pipelined.enabled", err));
    VONK_TRY(add_seconds(&v, conf, err));
    VONK_TRY(add_number(&v, "SPARK_PIPELINED_UDF_QUEUE_DEPTH", conf, "spark.python.udf.pipelined.queueDepth", err));
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

/* ---- planners of pyspark */
static bool is_set(void *flag) { return atomic_load((_Atomic bool *)flag); }

vonk_status vonk__session_python_ask(vonk_session *session, const vonk_conf *conf, const char *module,
                                     const vonk_python_fn *about, _Atomic bool *cancelled, vonk_arena *arena,
                                     vonk_py_planner **ret, vonk_error *err)
{
    static const char memory_key[] = "spark.sql.planner.pythonExecution.memory";
    const vonk_exec_python *python = NULL;
    vonk_str *includes = NULL;
    const vonk_py_broadcast *broadcasts = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__session_python(session, conf, arena, &python, err));
    VONK_TRY(vonk_python_fn_broadcasts(about, arena, &broadcasts, err));
    VONK_TRY(vonk_arena_array(arena, python->n_includes + about->n_includes + 1, sizeof *includes, &includes, err));
    for (uint32_t i = 0; i < python->n_includes; i++) includes[n++] = python->includes[i];
    for (uint32_t i = 0; i < about->n_includes; i++) includes[n++] = about->includes[i];
    const vonk_py_planner_head head = {
        .module = module,
        .python_version = about->python_version,
        .files_folder = python->files_folder,
        .includes = includes,
        .n_includes = n,
        .broadcasts = broadcasts,
        .n_broadcasts = about->n_broadcasts,
        .memory_bytes = vonk_conf_get(conf, memory_key).data ? vonk_conf_i64(conf, memory_key) * (INT64_C(1) << 20) : 0,
        .cancelled = cancelled ? is_set : NULL,
        .arg = cancelled};
    return vonk_py_planner_start(python->pool, &python->env, &head, session->budget, ret, err);
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

bool vonk__session_wants_python(const vonk_plan *plan) { return !vonk_plan_walk(plan, stop_at_python, NULL); }

/* ---- files */
static vonk_status make_folder(vonk_session *session, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str folder;
    if (session->files_folder) return VONK_OK;
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(vonk_dir_make_temp(arena, vonk_str_of(session->engine->spill_dir), VONK_STR("vonk-files-"), &folder, err));
    return vonk_strdup(vonk_budget_root(), folder, &session->files_folder, err);
}

static vonk_status add_include(vonk_session *session, vonk_str name, vonk_error *err)
{
    char *copy = NULL;
    for (size_t i = 0; i < session->includes.n; i++)
        if (vonk_str_is(name, session->includes.at[i])) return VONK_OK;
    VONK_TRY(vonk_strdup(vonk_budget_root(), name, &copy, err));
    const vonk_status st = VONK_VEC_PUSH(&session->includes, vonk_budget_root(), copy, err);
    if (st != VONK_OK) vonk_free(copy);
    return st;
}

static vonk_status make_parent(vonk_str path, vonk_error *err)
{
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/') slash--;
    return vonk_dir_make(vonk_str_sub(path, 0, slash), err);
}

static vonk_status copy_file(vonk_session *session, vonk_str from, vonk_str name, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf content = {0};
    vonk_str to;
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(vonk_path_join(arena, vonk_str_of(session->files_folder), name, &to, err));
    VONK_TRY(make_parent(to, err));
    vonk_buf_init(&content, session->budget, SIZE_MAX);
    VONK_TRY(vonk_file_read_all(from, SIZE_MAX, &content, err));
    return vonk_file_replace(to, content.data, content.len, err);
}

/* A relative path that stays below our folder. */
static vonk_status check_inside(vonk_str name, vonk_error *err)
{
    bool is_good = name.len > 0;
    for (size_t from = 0; is_good && from <= name.len;) {
        const size_t to = vonk_min_size(vonk_str_find_byte(name, '/', from), name.len);
        const vonk_str part = vonk_str_sub(name, from, to);
        is_good = part.len > 0 && !vonk_str_is(part, ".") && !vonk_str_is(part, "..");
        from = to + 1;
    }
    return is_good ? VONK_OK : VONK_FAIL(err, VONK_E_INVALID_ARTIFACT_PATH, "name", VONK_S(name));
}

vonk_status vonk_session_add_file(vonk_session *session, vonk_str path, vonk_str name, bool on_path, vonk_error *err)
{
    VONK_TRY(check_inside(name, err));
    VONK_LOCKED(&session->files_lock);
    VONK_TRY(make_folder(session, err));
    VONK_TRY(copy_file(session, path, name, err));
    return on_path ? add_include(session, name, err) : VONK_OK;
}

/* Python is what reads archives here: the functions that want them need it anyway. */
static const char unpack[] = "import os, shutil, sys, tarfile, zipfile\n"
                             "path, into, name = sys.argv[1:4]\n"
                             "kinds = (('.tar.gz', 'gztar'), ('.tgz', 'gztar'), ('.tar', 'tar'), ('.zip', 'zip'), "
                             "('.jar', 'zip'))\n"
                             "kind = next((k for end, k in kinds if name.lower().endswith(end)), None)\n"
                             "if kind is None:\n"
                             "    sys.exit(f'{name} is no archive of a kind that is known: .zip, .jar, .tar.gz, .tgz, "
                             ".tar')\n"
                             "if kind == 'zip':\n"
                             "    shutil.unpack_archive(path, into, kind)\n"
                             "else:\n"
                             "    with tarfile.open(path) as archive:\n"
                             "        archive.extractall(into, **({'filter': 'data'} if hasattr(tarfile, "
                             "'data_filter') else {}))\n";

enum { UNPACK_MS = 120000 };

vonk_status vonk_session_add_archive(vonk_session *session, vonk_str path, vonk_str name, vonk_str into,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    VONK_AUTO(vonk_process_free) vonk_process *process = NULL;
    vonk_process_end end = {0};
    vonk_str folder;
    VONK_TRY(check_inside(into, err));
    VONK_LOCKED(&session->files_lock);
    VONK_TRY(make_folder(session, err));
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(vonk_path_join(arena, vonk_str_of(session->files_folder), into, &folder, err));
    const vonk_str args[] = {VONK_STR("-c"), vonk_str_of(unpack), path, folder, name};
    const vonk_process_spec spec = {.program = executable_of(conf),
                                    .args = args,
                                    .n_args = VONK_COUNTOF(args),
                                    .out = VONK_STDIO_NULL,
                                    .err = VONK_STDIO_INHERIT,
                                    .own_group = true};
    VONK_TRY(vonk_process_start(session->budget, &spec, &process, err));
    if (vonk_process_wait(process, UNPACK_MS * VONK_NS_PER_MS, &end) && !end.by_signal && end.code == 0) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("the archive %s cannot be unpacked", VONK_S(name)));
}

vonk_status vonk__session_python_clone(vonk_session *from, vonk_session *into, vonk_error *err)
{
    VONK_LOCKED(&from->files_lock);
    if (!from->files_folder) return VONK_OK;
    VONK_TRY(make_folder(into, err));
    for (size_t i = 0; i < from->includes.n; i++) VONK_TRY(add_include(into, vonk_str_of(from->includes.at[i]), err));
    return vonk_dir_copy_tree(into->budget, vonk_str_of(from->files_folder), vonk_str_of(into->files_folder), err);
}

void vonk__session_python_done(vonk_session *session)
{
    vonk_error err = VONK_ERROR_INIT;
    for (size_t i = 0; i < session->includes.n; i++) vonk_free(session->includes.at[i]);
    vonk_free(session->includes.at);
    if (!session->files_folder) return;
    if (session->engine->python) vonk_py_pool_drop_folder(session->engine->python, vonk_str_of(session->files_folder));
    if (vonk_dir_remove_tree(vonk_str_of(session->files_folder), &err) != VONK_OK) vonk_error_reset(&err);
    vonk_free(session->files_folder);
}

/* ---- what a query needs */
vonk_status vonk__session_python(vonk_session *session, const vonk_conf *conf, vonk_arena *arena,
                                 const vonk_exec_python **ret, vonk_error *err)
{
    vonk_exec_python *python = NULL;
    vonk_str *includes = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &python, err));
    VONK_TRY(pool_of(session->engine, &python->pool, err));
    VONK_TRY(vonk_conf_python_env(conf, true, arena, &python->env, err));
    VONK_TRY(vonk_arena_str(arena, executable_of(conf), &python->env.executable, err));
    VONK_LOCKED(&session->files_lock);
    VONK_TRY(make_folder(session, err));
    VONK_TRY(vonk_arena_str(arena, vonk_str_of(session->files_folder), &python->files_folder, err));
    VONK_TRY(set_vars(session, conf, arena, &python->env, err));
    python->env.folder = python->files_folder;
    python->env.owner = session; /* its queries may wait for each other: one reads while another runs */
    python->n_includes = vonk_u32_of(session->includes.n);
    VONK_TRY(vonk_arena_array(arena, session->includes.n + 1, sizeof *includes, &includes, err));
    for (size_t i = 0; i < session->includes.n; i++)
        VONK_TRY(vonk_arena_str(arena, vonk_str_of(session->includes.at[i]), &includes[i], err));
    python->includes = includes;
    *ret = python;
    return VONK_OK;
}

static vonk_status warm(vonk_session *session, vonk_error *err)
{
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = vonk_session_conf(session);
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_exec_python *python = NULL;
    const uint32_t n = vonk_conf_python_prefork(conf);
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_arena_new(session->budget, &arena, err));
    VONK_TRY(vonk__session_python(session, conf, arena, &python, err));
    vonk_py_pool_warm(python->pool, &python->env, n);
    return VONK_OK;
}

void vonk__session_warm_python(vonk_session *session)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    const vonk_status st = warm(session, &err);
    (void)st; /* whoever wants a worker hears it */
}

vonk_status vonk_session_put_function(vonk_session *session, const vonk_python_fn *fn, vonk_error *err)
{
    VONK_TRY(vonk_catalog_put_function(session->catalog, fn->name, fn, err));
    vonk__session_warm_python(session);
    return VONK_OK;
}
