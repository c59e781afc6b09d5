/* serve/py4j/web.c -- the page of a SparkContext: what serve/ui shows of it. */
#include "rdd/rdd.h"
#include "serve/py4j/collection.h"
#include "serve/py4j/rdd_engine.h"
#include "serve/py4j/sql.h"
#include "sys/env.h"

/* ---- what there is to see */

static int by_key(const void *a, const void *b)
{
    return vonk_str_compare(((const vonk_property *)a)->key, ((const vonk_property *)b)->key);
}

static vonk_status look_settings(vonk__j_context *c, vonk_arena *arena, vonk_ui_snapshot *seen, vonk_error *err)
{
    vonk_property *all = NULL;
    uint32_t n = 0;
    VONK_LOCKED(&c->head.machine->guard);
    VONK_TRY(vonk_arena_array(arena, c->conf->map->n, sizeof *all, &all, err));
    for (vonk__j_entry *e = NULL; (e = vonk__j_map_next(c->conf->map, e));) {
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->key), &all[n].key, err));
        VONK_TRY(vonk_arena_str(arena, vonk__j_str(&e->value), &all[n].value, err));
        if (vonk_str_is(all[n].key, "spark.app.name")) seen->name = all[n].value;
        n++;
    }
    if (n) qsort(all, n, sizeof *all, by_key);
    seen->settings = all;
    seen->n_settings = n;
    return VONK_OK;
}

static vonk_status look_stored(vonk__j_engine *e, vonk_arena *arena, vonk_ui_snapshot *seen, vonk_error *err)
{
    const vonk_rdd_stored *stored = NULL;
    vonk_ui_stored *all = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_rdd_all_stored(e->rdds, arena, &stored, &n, err));
    VONK_TRY(vonk_arena_array(arena, n, sizeof *all, &all, err));
    for (uint32_t i = 0; i < n; i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf level = {0};
        vonk_buf_init(&level, vonk_arena_budget(arena), SIZE_MAX);
        VONK_TRY(vonk_rdd_level_text(stored[i].level, &level, err));
        all[i] = (vonk_ui_stored){.id = stored[i].id,
                                  .n_partitions = stored[i].n_partitions,
                                  .n_cached = stored[i].n_cached,
                                  .name = stored[i].name,
                                  .memory_bytes = stored[i].memory_bytes,
                                  .disk_bytes = stored[i].disk_bytes};
        VONK_TRY(vonk_arena_str(arena, vonk_buf_str(&level), &all[i].level, err));
    }
    seen->stored = all;
    seen->n_stored = n;
    return VONK_OK;
}

static vonk_status look(void *self, vonk_arena *arena, vonk_ui_snapshot *ret, vonk_error *err)
{
    vonk__j_context *c = self;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(c);
    *ret = (vonk_ui_snapshot){.id = vonk_str_of(c->app_id),
                              .user = vonk_env_user_name(),
                              .start_us = c->start_ms * 1000,
                              .n_slots = c->n_slots,
                              .memory_limit = vonk_budget_limit(c->head.machine->budget)};
    VONK_TRY(look_settings(c, arena, ret, err));
    VONK_TRY(vonk__j_list_queries(c, arena, &ret->queries, &ret->n_queries, err));
    if (!e) return VONK_OK; /* no RDD yet */
    ret->memory_used = vonk_budget_used(vonk_block_store_budget(e->store));
    VONK_TRY(look_stored(e, arena, ret, err));
    return vonk_scheduler_all_jobs(e->scheduler, arena, &ret->jobs, &ret->n_jobs, err);
}

/* ---- its life */

vonk_status vonk__j_web_start(vonk__j_context *c, vonk_error *err)
{
    char text[64], address[256];
    int64_t port = 0, n_retries = 0;
    if (vonk_str_is_nocase(vonk__j_context_setting(c, VONK_STR("spark.ui.enabled"), text, sizeof text), "false"))
        return VONK_OK;
    VONK_TRY(vonk__j_context_number(c, "spark.ui.port", 4040, UINT16_MAX, &port, err));
    VONK_TRY(vonk__j_context_number(c, "spark.port.maxRetries", 16, UINT16_MAX, &n_retries, err));
    const vonk_ui_options options = {
        .http = {.address = vonk__j_context_setting(c, VONK_STR("spark.driver.bindAddress"), address, sizeof address),
                 .port = (uint16_t)port,
                 .n_retries = (uint32_t)n_retries},
        .look = look,
        .self = c};
    return vonk_ui_new(c->head.machine->budget, &options, &c->ui, err);
}

void vonk__j_web_stop(vonk__j_context *c)
{
    vonk_mutex_lock(&c->lock);
    vonk_ui *ui = c->ui;
    c->ui = NULL;
    vonk_mutex_unlock(&c->lock);
    vonk_ui_free(ui);
}

vonk_status vonk__j_web_url(vonk__j_call *call, vonk_error *err)
{
    vonk__j_context *c = vonk__j_context_of(call->self);
    vonk__j_value url = VONK__J_NOTHING;
    vonk_mutex_lock(&c->lock);
    const uint16_t port = c->ui ? vonk_ui_port(c->ui) : 0;
    vonk_mutex_unlock(&c->lock);
    if (port)
        VONK_TRY(vonk__j_text_value(call->machine->budget, VONK__J_STRING,
                                    vonk_str_of(VONK_F("http://localhost:%u", port)), &url, err));
    return vonk__j_option(call->machine, url, port != 0, &call->result, err);
}
