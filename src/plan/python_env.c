/* plan/python_env.c -- settings of Python workers. */
#include "plan/python_env.h"

#include "sys/clock.h"

#define CORE "spark.python.worker."
#define SQL "spark.sql.execution.pyspark.udf."

/* The SQL key where it counts and is set. */
static const char *key_of(const vonk_conf *conf, bool sql, const char *sql_key, const char *core_key)
{
    return sql && vonk_conf_get_set(conf, vonk_str_of(sql_key)).data ? sql_key : core_key;
}

static vonk_status module_of(const vonk_conf *conf, const char *key, const char *usual, vonk_arena *arena,
                             vonk_str *ret, vonk_error *err)
{
    const vonk_str set = vonk_conf_get(conf, key);
    return vonk_arena_str(arena, set.len ? set : vonk_str_of(usual), ret, err);
}

vonk_status vonk_conf_python_env(const vonk_conf *conf, bool sql, vonk_arena *arena, vonk_py_env *env, vonk_error *err)
{
    static const char memory_key[] = "spark.executor.pyspark.memory"; /* in MiB */
    *env = (vonk_py_env){
        .reuse = vonk_conf_bool(conf, CORE "reuse"),
        .accel = vonk_conf_bool(conf, "vonk.python.accelerated"),
        .memory_bytes = vonk_conf_get(conf, memory_key).data ? vonk_conf_i64(conf, memory_key) * (INT64_C(1) << 20) : 0,
        .faulthandler =
            vonk_conf_bool(conf, key_of(conf, sql, SQL "faulthandler.enabled", CORE "faulthandler.enabled")),
        .silence_ns =
            vonk_conf_i64(conf, key_of(conf, sql, SQL "idleTimeoutSeconds", CORE "idleTimeoutSeconds")) * VONK_NS_PER_S,
        .kill_silent = vonk_conf_bool(conf, key_of(conf, sql, SQL "killOnIdleTimeout", CORE "killOnIdleTimeout"))};
    VONK_TRY(module_of(conf, "spark.python.daemon.module", "pyspark.daemon", arena, &env->daemon, err));
    return module_of(conf, "spark.python.worker.module", "pyspark.worker", arena, &env->module, err);
}

int64_t vonk_conf_python_traceback_seconds(const vonk_conf *conf, bool sql)
{
    return vonk_conf_i64(conf,
                         key_of(conf, sql, SQL "tracebackDumpIntervalSeconds", CORE "tracebackDumpIntervalSeconds"));
}

static uint32_t count_of(const vonk_conf *conf, const char *key)
{
    const int64_t n = vonk_conf_i64(conf, key);
    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

uint32_t vonk_conf_python_most_idle(const vonk_conf *conf)
{
    static const char key[] = "spark.python.factory.idleWorkerMaxPoolSize";
    return vonk_conf_get(conf, key).data ? count_of(conf, key) : UINT32_MAX;
}

uint32_t vonk_conf_python_prefork(const vonk_conf *conf)
{
    return (uint32_t)vonk_min_size(count_of(conf, "vonk.python.prefork"), vonk_conf_python_most_idle(conf));
}
