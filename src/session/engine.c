/* session/engine.c -- the process-wide part: memory, threads, shared catalog. */
#include "session/session_int.h"
#include "sys/cpu.h"
#include "sys/env.h"

#define SHARE_OF_MEMORY 0.6

static vonk_str spill_dir_of(const vonk_engine_options *options)
{
    const vonk_str tmp = vonk_env_get("TMPDIR");

    if (options->spill_dir.len > 0) return options->spill_dir;
    return tmp.len > 0 ? tmp : VONK_STR("/tmp");
}

static vonk_status fill(vonk_engine *engine, const vonk_engine_options *options, vonk_error *err)
{
    vonk_budget *root = vonk_budget_root();
    int64_t      limit = options->memory_bytes;

    if (limit <= 0) limit = (int64_t)((double)vonk_memory_limit_bytes() * SHARE_OF_MEMORY);
    VONK_TRY(vonk_budget_new(root, "server", limit, &engine->budget, err));
    engine->n_threads = options->n_threads > 0 ? options->n_threads : (uint32_t)vonk_cpu_n_cores();
    VONK_TRY(vonk_strdup(root, spill_dir_of(options), &engine->spill_dir, err));
    if (options->conf)
        engine->conf = vonk_conf_ref(options->conf);
    else
        VONK_TRY(vonk_conf_new(root, &engine->conf, err));
    VONK_TRY(vonk_pool_new(root, engine->n_threads, &engine->pool, err));
    return vonk_shared_catalog_new(root, options->warehouse_dir, &engine->catalog, err);
}

vonk_status vonk_engine_new(const vonk_engine_options *options, vonk_engine **ret, vonk_error *err)
{
    VONK_AUTO(vonk_engine_free) vonk_engine *engine = NULL;

    VONK_TRY(VONK_NEW(vonk_budget_root(), &engine, err));
    VONK_TRY(fill(engine, options, err));
    *ret = VONK_STEAL(engine);
    return VONK_OK;
}

void vonk_engine_free(vonk_engine *engine)
{
    if (!engine) return;
    vonk_pool_free(engine->pool);
    vonk_shared_catalog_free(engine->catalog);
    vonk_conf_unref(engine->conf);
    vonk_free(engine->spill_dir);
    vonk_budget_free(engine->budget);
    vonk_free(engine);
}

vonk_budget *vonk_engine_budget(vonk_engine *engine) { return engine->budget; }
uint32_t     vonk_engine_n_threads(const vonk_engine *engine) { return engine->n_threads; }
