/* serve/connect/page.c -- what serve/ui shows of a server: settings and queries of all its sessions. */
#include "serve/connect/page.h"

#include "sys/env.h"

static vonk_status look_settings(const vonk_conf *conf, vonk_arena *arena, vonk_ui_snapshot *seen, vonk_error *err)
{
    vonk_property *all = NULL;
    vonk_str key, value;
    uint32_t n = 0;
    for (size_t at = 0; vonk_conf_next(conf, &at, &key, &value);) n++;
    VONK_TRY(vonk_arena_array(arena, n, sizeof *all, &all, err));
    n = 0;
    for (size_t at = 0; vonk_conf_next(conf, &at, &key, &value);) all[n++] = (vonk_property){key, value};
    seen->settings = all;
    seen->n_settings = n;
    return VONK_OK;
}

static vonk_status look(void *self, vonk_arena *arena, vonk_ui_snapshot *ret, vonk_error *err)
{
    vonk_engine *engine = self;
    const vonk_conf *conf = vonk_engine_conf(engine); /* does not change, and lives as long as the engine */
    *ret = (vonk_ui_snapshot){.id = vonk_conf_get(conf, "spark.app.id"),
                              .name = vonk_conf_get(conf, "spark.app.name"),
                              .user = vonk_env_user_name(),
                              .start_us = vonk_conf_i64(conf, "spark.app.startTime") * 1000,
                              .n_slots = vonk_engine_n_threads(engine),
                              .memory_limit = vonk_budget_limit(vonk_engine_budget(engine))};
    VONK_TRY(look_settings(conf, arena, ret, err));
    return vonk_history_list(vonk_engine_history(engine), arena, &ret->queries, &ret->n_queries, err);
}

vonk_status vonk_connect_page_new(vonk_engine *engine, uint16_t port, vonk_ui **ret, vonk_error *err)
{
    static const char retries[] = "spark.port.maxRetries";
    const vonk_conf *conf = vonk_engine_conf(engine);
    const bool is_set = vonk_conf_get_set(conf, vonk_str_of(retries)).data != NULL;
    const int64_t n = is_set ? vonk_conf_i64(conf, retries) : 16;
    const vonk_ui_options options = {.http = {.port = port,
                                              .n_retries = n < 0            ? 0
                                                           : n > UINT16_MAX ? UINT16_MAX
                                                                            : (uint32_t)n},
                                     .look = look,
                                     .self = engine};
    VONK_TRY(vonk_engine_keep_history(engine, err));
    return vonk_ui_new(vonk_engine_budget(engine), &options, ret, err);
}
