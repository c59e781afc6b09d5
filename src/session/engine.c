/* session/engine.c -- the process-wide part: memory, threads, shared catalog. */
#include "session/session_int.h"
#include "sys/clock.h"
#include "sys/cpu.h"
#include "sys/env.h"

#define SHARE_OF_MEMORY 0.6
/* One query leaves an eighth, and not more than this, to the others: when it wants everything, it is the one that is
 * refused (or spills), not whoever asks for a page next. */
#define MOST_LEFT_TO_OTHERS (INT64_C(256) << 20)

static vonk_str spill_dir_of(const vonk_engine_options *options)
{
    const vonk_str tmp = vonk_env_get("TMPDIR");

    if (options->spill_dir.len > 0) return options->spill_dir;
    return tmp.len > 0 ? tmp : VONK_STR("/tmp");
}

/* A key that nobody has set. */
static vonk_status set_missing(vonk_engine *engine, const char *key, const char *value, vonk_error *err)
{
    const vonk_conf *with = NULL;

    if (vonk_conf_get_set(engine->conf, vonk_str_of(key)).data) return VONK_OK;
    VONK_TRY(vonk_conf_with_any(vonk_budget_root(), engine->conf, vonk_str_of(key), vonk_str_of(value), &with, err));
    vonk_conf_unref(engine->conf);
    engine->conf = with;
    return VONK_OK;
}

/* What programs ask Spark about the application that serves them. */
static vonk_status describe_application(vonk_engine *engine, const vonk_engine_options *options, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf warehouse = {0};
    const long long started_ms = vonk_clock_wall_us() / 1000;
    char id[48], start[24], master[24];

    vonk_format(id, sizeof id, "local-%lld", started_ms);
    vonk_format(start, sizeof start, "%lld", started_ms);
    vonk_format(master, sizeof master, "local[%u]", engine->n_threads);
    VONK_TRY(set_missing(engine, "spark.app.id", id, err));
    VONK_TRY(set_missing(engine, "spark.app.name", "Spark Connect server", err));
    VONK_TRY(set_missing(engine, "spark.app.startTime", start, err));
    VONK_TRY(set_missing(engine, "spark.app.submitTime", start, err));
    VONK_TRY(set_missing(engine, "spark.driver.host", "localhost", err));
    VONK_TRY(set_missing(engine, "spark.executor.id", "driver", err));
    VONK_TRY(set_missing(engine, "spark.master", master, err));
    VONK_TRY(set_missing(engine, "spark.submit.deployMode", "client", err));
    VONK_TRY(set_missing(engine, "spark.submit.pyFiles", "", err));
    if (options->warehouse_dir.len == 0) return VONK_OK;
    vonk_buf_init(&warehouse, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(vonk_buf_printf(&warehouse, err, "file:%.*s", VONK_STR_ARGS(options->warehouse_dir)));
    VONK_TRY(vonk_buf_add_byte(&warehouse, 0, err));
    return set_missing(engine, "spark.sql.warehouse.dir", warehouse.data, err);
}

static vonk_status fill(vonk_engine *engine, const vonk_engine_options *options, vonk_error *err)
{
    vonk_budget *root = vonk_budget_root();
    int64_t limit = options->memory_bytes;

    if (limit <= 0) limit = (int64_t)((double)vonk_memory_limit_bytes() * SHARE_OF_MEMORY);
    VONK_TRY(vonk_budget_new(root, "server", limit, &engine->budget, err));
    engine->query_bytes = limit - (limit / 8 < MOST_LEFT_TO_OTHERS ? limit / 8 : MOST_LEFT_TO_OTHERS);
    engine->n_threads = options->n_threads > 0 ? options->n_threads : (uint32_t)vonk_cpu_n_cores();
    VONK_TRY(vonk_strdup(root, spill_dir_of(options), &engine->spill_dir, err));
    if (options->conf)
        engine->conf = vonk_conf_ref(options->conf);
    else
        VONK_TRY(vonk_conf_new(root, &engine->conf, err));
    VONK_TRY(describe_application(engine, options, err));
    const int64_t most_waiting = vonk_conf_i64(engine->conf, "vonk.exec.maxWaitingQueries");
    VONK_TRY(vonk_admission_new(limit, most_waiting > 0 ? (uint32_t)most_waiting : 0, &engine->admission, err));
    VONK_TRY(vonk_pool_new(root, engine->n_threads, &engine->pool, err));
    return vonk_shared_catalog_new(root, options->warehouse_dir, &engine->catalog, err);
}

vonk_status vonk_engine_new(const vonk_engine_options *options, vonk_engine **ret, vonk_error *err)
{
    VONK_AUTO(vonk_engine_free) vonk_engine *engine = NULL;

    VONK_TRY(VONK_NEW(vonk_budget_root(), &engine, err));
    vonk_mutex_init(&engine->lock);
    VONK_TRY(fill(engine, options, err));
    *ret = VONK_STEAL(engine);
    return VONK_OK;
}

void vonk_engine_free(vonk_engine *engine)
{
    if (!engine) return;
    vonk_pool_free(engine->pool);
    vonk_py_pool_free(engine->python);
    vonk_mutex_done(&engine->lock);
    vonk__history_free(engine->history);
    vonk_admission_free(engine->admission);
    vonk_shared_catalog_free(engine->catalog);
    vonk_conf_unref(engine->conf);
    vonk_free(engine->spill_dir);
    vonk_budget_free(engine->budget);
    vonk_free(engine);
}

vonk_budget *vonk_engine_budget(vonk_engine *engine) { return engine->budget; }
void vonk_engine_trim(vonk_engine *engine)
{
    vonk_pool_trim(engine->pool);
    vonk_alloc_collect();
}

const vonk_conf *vonk_engine_conf(const vonk_engine *engine) { return engine->conf; }
uint32_t vonk_engine_n_threads(const vonk_engine *engine) { return engine->n_threads; }
