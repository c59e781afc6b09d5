/* serve/py4j/rdd_pools.c -- pools of the FAIR scheduler, from the file that spark.scheduler.allocation.file names, or
 * fairscheduler.xml in the folder of settings. */
#include "serve/py4j/rdd_engine.h"
#include "sys/env.h"
#include "sys/files.h"
#include "text/number.h"
#include "text/xml.h"

enum { MOST_FILE_BYTES = 16 << 20 };

typedef struct reading {
    vonk_scheduler *scheduler; /* NULL: only checked */
    const char *path;
    vonk_arena *arena;
    vonk_buf text; /* of the element that is open */
    uint32_t depth;
    vonk_str name; /* of the pool that is open */
    bool is_pool, is_fair;
    int64_t weight, min_share;
} reading;

static vonk_status on_start(void *self, const char *name, const char *const *attributes, vonk_error *err)
{
    reading *r = self;
    vonk_buf_reset(&r->text);
    if (++r->depth != 2 || !vonk_str_is(VONK_STR("pool"), name)) return VONK_OK;
    *r = (reading){.scheduler = r->scheduler,
                   .path = r->path,
                   .arena = r->arena,
                   .text = r->text,
                   .depth = r->depth,
                   .name = VONK_STR(""),
                   .is_pool = true,
                   .weight = 1};
    for (size_t i = 0; attributes[i]; i += 2)
        if (vonk_str_is(VONK_STR("name"), attributes[i]))
            VONK_TRY(vonk_arena_str(r->arena, vonk_str_of(attributes[i + 1]), &r->name, err));
    return VONK_OK;
}

static vonk_status on_text(void *self, vonk_str text, vonk_error *err)
{
    return vonk_buf_add_str(&((reading *)self)->text, text, err);
}

/* What is no number leaves the default, with a word in the log, as in Spark. */
static void read_number(const reading *r, const char *what, vonk_str text, int64_t *inout)
{
    if (!vonk_text_to_i64(text, false, 0, INT32_MAX, inout))
        vonk_log(VONK_LOG_WARN, "scheduler_pools", "%s: %s \"%.*s\" of pool %.*s is no number: %lld is used", r->path,
                 what, VONK_STR_ARGS(text), VONK_STR_ARGS(r->name), (long long)*inout);
}
static void read_mode(reading *r, vonk_str text)
{
    r->is_fair = vonk_str_is_nocase(text, "FAIR");
    if (!r->is_fair && !vonk_str_is_nocase(text, "FIFO"))
        vonk_log(VONK_LOG_WARN, "scheduler_pools", "%s: unknown mode \"%.*s\" of pool %.*s: FIFO is used", r->path,
                 VONK_STR_ARGS(text), VONK_STR_ARGS(r->name));
}

static vonk_status on_end(void *self, const char *name, vonk_error *err)
{
    reading *r = self;
    const vonk_str text = vonk_str_trim(vonk_buf_str(&r->text)), which = vonk_str_of(name);
    const uint32_t depth = r->depth--;
    if (!r->is_pool) return VONK_OK;
    if (depth == 3) {
        if (vonk_str_is(which, "weight")) read_number(r, "the weight", text, &r->weight);
        if (vonk_str_is(which, "minShare")) read_number(r, "the least share", text, &r->min_share);
        if (vonk_str_is(which, "schedulingMode")) read_mode(r, text);
    }
    vonk_buf_reset(&r->text);
    if (depth != 2) return VONK_OK;
    r->is_pool = false;
    if (!r->scheduler) return VONK_OK;
    return vonk_scheduler_pool(r->scheduler, r->name, r->is_fair, (uint32_t)r->weight, (uint32_t)r->min_share, err);
}

/* Empty: there is no such file. */
static vonk_status usual_path(vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    vonk_str folder = vonk_env_get("SPARK_CONF_DIR");
    bool exists = false;
    *ret = VONK_STR_NONE;
    if (!folder.len) {
        if (!vonk_env_get("SPARK_HOME").len) return VONK_OK;
        VONK_TRY(vonk_path_join(arena, vonk_env_get("SPARK_HOME"), VONK_STR("conf"), &folder, err));
    }
    VONK_TRY(vonk_path_join(arena, folder, VONK_STR("fairscheduler.xml"), ret, err));
    VONK_TRY(vonk_file_exists(*ret, &exists, err));
    if (!exists) *ret = VONK_STR_NONE;
    return VONK_OK;
}

static vonk_status read_file(reading *r, vonk_str path, vonk_error *err)
{
    const vonk_xml_events events = {.self = r, .start = on_start, .end = on_end, .text = on_text};
    VONK_AUTO(vonk_buf_done) vonk_buf document = {0};
    vonk_buf_init(&document, vonk_arena_budget(r->arena), MOST_FILE_BYTES);
    VONK_TRY(vonk_file_read_all(path, MOST_FILE_BYTES, &document, err));
    return vonk_xml_read(vonk_buf_str(&document), r->path, &events, err);
}

vonk_status vonk__j_read_pools(vonk__j_context *c, vonk_scheduler *scheduler, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    char mode[16], file[4096];
    if (!vonk_str_is_nocase(vonk__j_context_setting(c, VONK_STR("spark.scheduler.mode"), mode, sizeof mode), "FAIR"))
        return VONK_OK;
    VONK_TRY(vonk_arena_new(c->head.machine->budget, &arena, err));
    vonk_str path = vonk__j_context_setting(c, VONK_STR("spark.scheduler.allocation.file"), file, sizeof file);
    if (vonk_str_starts(path, VONK_STR("file:"))) path = vonk_str_sub(path, 5, path.len);
    if (!path.len) VONK_TRY(usual_path(arena, &path, err));
    if (!path.len) return VONK_OK;
    reading r = {.scheduler = scheduler, .path = VONK_S(path), .arena = arena};
    vonk_buf_init(&r.text, c->head.machine->budget, MOST_FILE_BYTES);
    const vonk_status status = read_file(&r, path, err);
    vonk_buf_done(&r.text);
    return status;
}
