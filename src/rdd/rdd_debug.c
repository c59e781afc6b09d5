/* rdd/rdd_debug.c -- toDebugString. A stage's nodes stand below each other behind "|", a shuffle's behind "+-(n)". */
#include "rdd/rdd_int.h"

enum { MOST_DEPTH = 500 };

static const char *class_of(vonk_rdd_kind kind)
{
    switch (kind) {
#define RDD(id, class_name)                                                                                            \
    case VONK_RDD_##id: return class_name;
#include "rdd/rdd.def"
#undef RDD
    }
    return "";
}

vonk_status vonk_rdd_text_form(vonk_rdd *rdd, vonk_buf *out, vonk_error *err)
{
    vonk_mutex_lock(&rdd->lock);
    vonk_status st = rdd->name ? vonk_buf_printf(out, err, "%s ", rdd->name) : VONK_OK;
    vonk_mutex_unlock(&rdd->lock);
    if (st != VONK_OK) return st;
    return vonk_buf_printf(out, err, "%s[%u] at %.*s", class_of(rdd->kind), rdd->id, VONK_STR_ARGS(rdd->site));
}

typedef struct debug {
    vonk_buf *out;
    vonk_storage_level level; /* of the first one: Spark writes that behind all */
    bool first_line;
    int depth;
} debug;

vonk_status vonk_rdd_level_text(vonk_storage_level l, vonk_buf *out, vonk_error *err)
{
    return vonk_buf_printf(out, err, "%s%s%s%ux Replicated", l.disk ? "Disk " : "",
                           l.memory ? l.off_heap ? "Memory (off heap) " : "Memory " : "",
                           l.deserialized ? "Deserialized " : "Serialized ", l.replication);
}

static vonk_status put_level(const debug *d, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(d->out, '[', err));
    if (d->level.replication) VONK_TRY(vonk_rdd_level_text(d->level, d->out, err));
    return vonk_buf_add_byte(d->out, ']', err);
}

static vonk_status put_size(vonk_buf *out, uint64_t bytes, vonk_error *err)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double x = (double)bytes;
    size_t unit = 0;
    while (unit + 1 < VONK_COUNTOF(units) && x >= 2 * 1024) { /* Spark changes the unit from two of the larger one on */
        x /= 1024;
        unit++;
    }
    return vonk_buf_printf(out, err, "%.1f %s", x, units[unit]);
}

static vonk_status put_cached(const debug *d, vonk_rdd *rdd, vonk_str prefix, vonk_error *err)
{
    if (!rdd->cache || !rdd->context->env.scheduler) return VONK_OK;
    vonk_block_counts n = vonk_block_count(vonk__rdd_store(rdd), VONK_BLOCK_RDD, rdd->cache);
    if (!n.n_blocks) return VONK_OK;
    VONK_TRY(vonk_buf_printf(d->out, err, "\n%.*s    CachedPartitions: %u; MemorySize: ", VONK_STR_ARGS(prefix),
                             n.n_blocks));
    VONK_TRY(put_size(d->out, n.memory_bytes, err));
    VONK_TRY(vonk_buf_add_c(d->out, "; DiskSize: ", err));
    return put_size(d->out, n.disk_bytes, err);
}

/* One node: its line behind `head`, what it has cached behind `prefix`. */
static vonk_status put_self(debug *d, vonk_rdd *rdd, vonk_str head, vonk_str prefix, vonk_error *err)
{
    if (!d->first_line) VONK_TRY(vonk_buf_add_byte(d->out, '\n', err));
    d->first_line = false;
    VONK_TRY(vonk_buf_add_str(d->out, head, err));
    VONK_TRY(vonk_rdd_text_form(rdd, d->out, err));
    VONK_TRY(vonk_buf_add_byte(d->out, ' ', err));
    VONK_TRY(put_level(d, err));
    return put_cached(d, rdd, prefix, err);
}

/* "before", then a bar below the middle of "(n)", then blanks up to where that ends, and one. */
static vonk_status bar_below(vonk_buf *out, vonk_str before, const char *count, vonk_error *err)
{
    int n = (int)strlen(count), left = (n - 1) / 2;
    return vonk_buf_printf(out, err, "%.*s%*s|%*s", VONK_STR_ARGS(before), left, "", n - left, "");
}

static vonk_status put_children(debug *d, vonk_rdd *rdd, vonk_str prefix, vonk_error *err);

static vonk_status put_shuffled(debug *d, vonk_rdd *rdd, vonk_str prefix, bool last, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf head = {0}, next = {0}, before = {0};
    vonk_buf *const all[] = {&head, &next, &before};
    for (size_t i = 0; i < VONK_COUNTOF(all); i++) vonk_buf_init(all[i], rdd->context->budget, SIZE_MAX);
    size_t n = prefix.len;
    const char *count = VONK_F("(%u)", rdd->n_partitions);
    while (n && prefix.data[n - 1] == ' ') n--;
    if (n < prefix.len && n && prefix.data[n - 1] == '|') prefix.len = n - 1;
    VONK_TRY(vonk_buf_printf(&head, err, "%.*s+-%s ", VONK_STR_ARGS(prefix), count));
    VONK_TRY(vonk_buf_printf(&before, err, "%.*s%s", VONK_STR_ARGS(prefix), last ? "  " : "| "));
    VONK_TRY(bar_below(&next, vonk_buf_str(&before), count, err));
    VONK_TRY(put_self(d, rdd, vonk_buf_str(&head), vonk_buf_str(&next), err));
    return put_children(d, rdd, vonk_buf_str(&next), err);
}

static vonk_status put_checkpoint(debug *d, vonk_rdd *rdd, vonk_str prefix, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(d->out, err, "\n%.*s%s[%u] at %.*s ", VONK_STR_ARGS(prefix),
                             rdd->checkpoint_local ? "LocalCheckpointRDD" : "ReliableCheckpointRDD", rdd->checkpoint_id,
                             VONK_STR_ARGS(rdd->site)));
    return put_level(d, err);
}

static vonk_status put_children(debug *d, vonk_rdd *rdd, vonk_str prefix, vonk_error *err)
{
    vonk_status st = VONK_OK;
    vonk_mutex_lock(&rdd->lock);
    bool cut_off = rdd->checkpoint == RDD_CP_DONE;
    vonk_mutex_unlock(&rdd->lock);
    if (cut_off) return put_checkpoint(d, rdd, prefix, err);
    if (d->depth == MOST_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "toDebugString of lineages deeper than 500 RDDs");
    d->depth++;
    for (uint32_t i = 0; st == VONK_OK && i < rdd->n_parents; i++) {
        vonk_rdd *parent = rdd->parents[i];
        if (rdd->kind == VONK_RDD_SHUFFLED) {
            st = put_shuffled(d, parent, prefix, i + 1 == rdd->n_parents, err);
        } else {
            st = put_self(d, parent, prefix, prefix, err);
            if (st == VONK_OK) st = put_children(d, parent, prefix, err);
        }
    }
    d->depth--;
    return st;
}

vonk_status vonk_rdd_debug_string(vonk_rdd *rdd, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf next = {0};
    debug d = {.out = out, .level = vonk_rdd_level(rdd), .first_line = true};
    const char *count = VONK_F("(%u)", rdd->n_partitions);
    vonk_buf_init(&next, rdd->context->budget, SIZE_MAX);
    VONK_TRY(bar_below(&next, VONK_STR(""), count, err));
    VONK_TRY(put_self(&d, rdd, vonk_str_of(VONK_F("%s ", count)),
                      vonk_str_of(VONK_F("%.*s ", VONK_STR_ARGS(vonk_buf_str(&next)))), err));
    return put_children(&d, rdd, vonk_buf_str(&next), err);
}

/* ---- what is cached */

static vonk_status copy_stored(vonk_rdd *rdd, vonk_block_counts n, vonk_arena *arena, vonk_rdd_stored *to,
                               vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf name = {0};
    vonk_buf_init(&name, vonk_arena_budget(arena), SIZE_MAX);
    VONK_TRY(vonk_rdd_name(rdd, &name, err));
    if (!name.len) VONK_TRY(vonk_rdd_text_form(rdd, &name, err));
    *to = (vonk_rdd_stored){.id = rdd->id,
                            .n_partitions = rdd->n_partitions,
                            .n_cached = n.n_blocks,
                            .level = vonk_rdd_level(rdd),
                            .memory_bytes = n.memory_bytes,
                            .disk_bytes = n.disk_bytes};
    return vonk_arena_str(arena, vonk_buf_str(&name), &to->name, err);
}

vonk_status vonk_rdd_all_stored(vonk_rdd_context *context, vonk_arena *arena, const vonk_rdd_stored **ret,
                                uint32_t *ret_n, vonk_error *err)
{
    vonk_rdd_stored *all = NULL;
    vonk_mutex_lock(&context->lock);
    const size_t n_nodes = context->nodes.n;
    vonk_mutex_unlock(&context->lock);
    VONK_TRY(vonk_arena_array(arena, n_nodes, sizeof *all, &all, err));
    *ret = all;
    *ret_n = 0;
    for (uint32_t id = 0; id < n_nodes; id++) {
        VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = vonk__rdd_find(context, id);
        if (!rdd) continue;
        vonk_mutex_lock(&rdd->lock);
        const uint64_t cache = rdd->cache;
        vonk_mutex_unlock(&rdd->lock);
        if (!cache) continue;
        const vonk_block_counts n = vonk_block_count(vonk__rdd_store(rdd), VONK_BLOCK_RDD, cache);
        if (n.n_blocks) VONK_TRY(copy_stored(rdd, n, arena, &all[(*ret_n)++], err));
    }
    return VONK_OK;
}

vonk_rdd *vonk_rdd_next_persisted(vonk_rdd_context *context, uint32_t *inout_id)
{
    vonk_mutex_lock(&context->lock);
    const size_t n_nodes = context->nodes.n;
    vonk_mutex_unlock(&context->lock);
    while (*inout_id < n_nodes) {
        VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = vonk__rdd_find(context, (*inout_id)++);
        if (rdd && vonk_rdd_level(rdd).replication) return VONK_STEAL(rdd);
    }
    return NULL;
}
