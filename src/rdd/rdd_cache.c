/* rdd/rdd_cache.c -- partitions that are kept: pushed from the block store, or copied into it while they pass. */
#include "rdd/rdd_int.h"

typedef struct copy {
    vonk_rdd_sink *to;
    vonk_block_writer *writer;
    uint64_t n, skip; /* records: seen, of which the first have been handed on before */
    bool enough;
} copy;

/* The whole partition is kept, also when nobody wants the rest of it now: else a take() would cost what a later job
 * expects to find. */
static vonk_status copy_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    copy *c = self;
    (void)ret_enough;
    VONK_TRY(vonk_block_write(c->writer, record.data, record.len, err));
    if (c->n++ < c->skip || c->enough) return VONK_OK;
    return c->to->put(c->to->self, record, &c->enough, err);
}

static vonk_status compute_and_copy(vonk_rdd *rdd, uint32_t partition, vonk_storage_level level, vonk_task *task,
                                    uint64_t skip, vonk_rdd_sink *sink, vonk_error *err)
{
    VONK_AUTO(vonk_block_writer_free) vonk_block_writer *writer = NULL;
    vonk_block_id id = {.kind = VONK_BLOCK_RDD, .a = rdd->cache, .b = partition};
    bool kept = false;
    VONK_TRY(vonk_block_writer_new(vonk__rdd_store(rdd), id, level, &writer, err));
    copy c = {.to = sink, .writer = writer, .skip = skip};
    vonk_rdd_sink own = {.self = &c, .put = copy_put};
    VONK_TRY(vonk__rdd_compute_plain(rdd, partition, task, &own, err));
    return vonk_block_commit(VONK_STEAL(writer), c.n, &kept, err);
}

vonk_status vonk__rdd_compute_cached(vonk_rdd *rdd, uint32_t partition, vonk_storage_level level, vonk_task *task,
                                     vonk_rdd_sink *sink, vonk_error *err)
{
    vonk_block_id id = {.kind = VONK_BLOCK_RDD, .a = rdd->cache, .b = partition};
    rdd_cutter cutter;
    bool there = false;
    vonk__cutter_init(&cutter, rdd->elements, task->budget, sink);
    vonk_status st = vonk__push_block(vonk__rdd_store(rdd), id, &cutter, &there, err);
    uint64_t n = cutter.n;
    vonk__cutter_done(&cutter);
    if (st == VONK_OK && there) return VONK_OK;
    if (st != VONK_OK && st != VONK_E_BLOCK_LOST) return st;
    vonk_mutex_lock(&rdd->lock);
    bool cut_off = rdd->checkpoint == RDD_CP_DONE && rdd->checkpoint_local;
    vonk_mutex_unlock(&rdd->lock);
    if (cut_off) {
        vonk_error_reset(err);
        return VONK_FAIL(err, VONK_E_CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND, "rddBlockId",
                         VONK_F("rdd_%u_%u", rdd->id, partition));
    }
    /* Not there yet, or lost half way: from the parents, without what has been handed on. */
    vonk_error_reset(err);
    return compute_and_copy(rdd, partition, level, task, there ? n : 0, sink, err);
}

/* ---- for tests */

static uint32_t lose_of(vonk_rdd *rdd, bool half)
{
    vonk_block_store *store = vonk__rdd_store(rdd);
    uint32_t n = 0;
    for (uint32_t p = 0; rdd->cache && p < rdd->n_partitions; p++)
        n += vonk_block_damage(store, (vonk_block_id){.kind = VONK_BLOCK_RDD, .a = rdd->cache, .b = p}, half);
    for (uint32_t p = 0; rdd->kind == VONK_RDD_FLOW && p < rdd->n_partitions; p++)
        for (uint32_t i = 0; i < vonk__rdd_flow_blocks(rdd, p); i++)
            n += vonk_block_damage(store, (vonk_block_id){.kind = VONK_BLOCK_FRAME, .a = rdd->data, .b = p, .c = i},
                                   half);
    if (rdd->kind != VONK_RDD_SHUFFLED) return n;
    for (uint32_t m = 0; m < vonk_shuffle_n_maps(rdd->shuffle); m++)
        for (uint32_t r = 0; r < vonk_shuffle_n_reduces(rdd->shuffle); r++) {
            vonk_block_id id;
            if (vonk_shuffle_block(rdd->shuffle, m, r, &id)) n += vonk_block_damage(store, id, half);
        }
    return n;
}

uint32_t vonk_rdd_lose_blocks(vonk_rdd *rdd, bool half)
{
    uint32_t n = 0;
    if (!rdd->context->env.scheduler) return 0;
    for (; rdd; rdd = rdd->n_parents ? rdd->parents[0] : NULL) n += lose_of(rdd, half);
    return n;
}
