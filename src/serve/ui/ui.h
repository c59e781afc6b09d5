/* serve/ui/ui.h -- an application for people with a browser, and Spark's monitoring REST (/api/v1).
 *
 * A door opens one for its application and says what there is to see, in a snapshot made for each request. */
#ifndef VONK_SERVE_UI_UI_H
#define VONK_SERVE_UI_UI_H

#include "cluster/scheduler.h"
#include "net/http.h"
#include "session/history.h"

typedef struct vonk_ui vonk_ui;

typedef struct vonk_ui_stored { /* a cached RDD */
    uint32_t id, n_partitions, n_cached;
    vonk_str name, level; /* level: "Memory Deserialized 1x Replicated" */
    uint64_t memory_bytes, disk_bytes;
} vonk_ui_stored;

typedef struct vonk_ui_snapshot { /* all in the arena given */
    vonk_str id, name, user;
    int64_t start_us;
    uint32_t n_slots;
    int64_t memory_used, memory_limit; /* bytes, of what is cached */
    const vonk_job_status *jobs; /* by id */
    uint32_t n_jobs;
    const vonk_query_record *queries; /* by id */
    uint32_t n_queries;
    const vonk_ui_stored *stored;
    uint32_t n_stored;
    const vonk_property *settings; /* sorted; secrets are hidden by this folder */
    uint32_t n_settings;
} vonk_ui_snapshot;

typedef struct vonk_ui_options {
    vonk_http_options http; /* its handler is this folder's */
    vonk_status (*look)(void *self, vonk_arena *arena, vonk_ui_snapshot *ret, vonk_error *err); /* any thread */
    void *self;
} vonk_ui_options;

/* Errors of vonk_http_new. */
vonk_status vonk_ui_new(vonk_budget *budget, const vonk_ui_options *options, vonk_ui **ret, vonk_error *err);
uint16_t vonk_ui_port(const vonk_ui *ui);
void vonk_ui_free(vonk_ui *ui); /* `look` is not running any more on return; NULL is fine */
VONK_DEFINE_AUTO(vonk_ui, vonk_ui_free)

#endif
