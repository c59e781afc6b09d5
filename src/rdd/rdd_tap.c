/* rdd/rdd_tap.c -- an RDD's records for readers that are no tasks: a job computes partitions into blocks, each of some
 * whole records, and who reads takes one block after the other. */
#include "rdd/rdd_codec.h"
#include "rdd/rdd_int.h"

enum { TAP_BLOCK_BYTES = 1 << 20 };

struct rdd_tap {
    vonk_mutex lock;
    uint32_t *n_blocks; /* [partition] */
    bool *done;         /* [partition] */
};

static void tap_done(void *arg) { vonk_mutex_done(&((rdd_tap *)arg)->lock); }

vonk_status vonk_rdd_tap(vonk_rdd *parent, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    rdd_tap *t = NULL;
    const uint32_t n = parent->n_partitions;
    VONK_TRY(vonk__rdd_new(parent->context, VONK_RDD_TAP, &parent, 1,
                           "applySchemaToPythonRDD at NativeMethodAccessorImpl.java:0", &rdd, err));
    VONK_TRY(VONK_ARENA_NEW(rdd->arena, &t, err));
    VONK_TRY(vonk_arena_array(rdd->arena, n + 1, sizeof *t->n_blocks, &t->n_blocks, err));
    VONK_TRY(vonk_arena_array(rdd->arena, n + 1, sizeof *t->done, &t->done, err));
    vonk_mutex_init(&t->lock);
    rdd->tap = t;
    VONK_TRY(vonk_arena_on_free(rdd->arena, tap_done, t, err));
    if (!parent->context->env.scheduler)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
    rdd->n_partitions = n;
    rdd->elements = parent->elements;
    rdd->data = vonk_block_store_name(vonk__rdd_store(rdd));
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

/* ---- filling */

typedef struct filling {
    vonk_rdd *rdd;
    uint32_t partition, n;
    vonk_buf records;
} filling;

static vonk_status flush(filling *f, vonk_error *err)
{
    static const vonk_storage_level level = {.disk = true, .memory = true, .replication = 1};
    VONK_AUTO(vonk_block_writer_free) vonk_block_writer *w = NULL;
    const vonk_block_id id = {.kind = VONK_BLOCK_FRAME, .a = f->rdd->data, .b = f->partition, .c = f->n};
    bool kept = false;
    if (!f->records.len) return VONK_OK;
    VONK_TRY(vonk_block_writer_new(vonk__rdd_store(f->rdd), id, level, &w, err));
    VONK_TRY(vonk_block_write(w, f->records.data, f->records.len, err));
    VONK_TRY(vonk_block_commit(VONK_STEAL(w), 0, &kept, err));
    f->n++;
    vonk_buf_reset(&f->records);
    return VONK_OK;
}

static vonk_status filling_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    filling *f = self;
    (void)ret_enough;
    VONK_TRY(vonk_buf_add_str(&f->records, record, err));
    return f->records.len >= TAP_BLOCK_BYTES ? flush(f, err) : VONK_OK;
}

vonk_status vonk__rdd_compute_tap(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_error *err)
{
    rdd_tap *t = rdd->tap;
    filling f = {.rdd = rdd, .partition = partition};
    vonk_rdd_sink sink = {.self = &f, .put = filling_put};
    vonk_mutex_lock(&t->lock);
    const bool is_there = t->done[partition];
    vonk_mutex_unlock(&t->lock);
    if (is_there) return VONK_OK;
    vonk_buf_init(&f.records, task->budget, SIZE_MAX);
    vonk_status st = vonk_rdd_compute(rdd->parents[0], partition, task, &sink, err);
    if (st == VONK_OK) st = flush(&f, err);
    vonk_buf_done(&f.records);
    if (st != VONK_OK) return st;
    VONK_LOCKED(&t->lock);
    t->n_blocks[partition] = f.n;
    t->done[partition] = true;
    return VONK_OK;
}

vonk_status vonk_rdd_tap_start(vonk_rdd *rdd, const uint32_t *partitions, uint32_t n_partitions, vonk_receiver receiver,
                               vonk_job_run **ret, vonk_error *err)
{
    const rdd_task t = {.context = rdd->context->number, .mode = RDD_TASK_KEEP};
    return vonk__rdd_start(rdd, &t, partitions, partitions ? n_partitions : rdd->n_partitions, NULL, 0, receiver, ret,
                           err);
}

/* ---- reading */

bool vonk_rdd_tap_has(vonk_rdd *rdd, uint32_t partition)
{
    VONK_LOCKED(&rdd->tap->lock);
    return rdd->tap->done[partition];
}

static vonk_status lost(const vonk_rdd *rdd, uint32_t partition, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", VONK_F("frame_%u_%u", rdd->id, partition));
}

vonk_status vonk_rdd_tap_read(vonk_rdd *rdd, uint32_t partition, uint32_t number, vonk_budget *budget,
                              vonk_rdd_sink *sink, bool *ret_more, vonk_error *err)
{
    rdd_tap *t = rdd->tap;
    rdd_cutter cutter;
    bool there = false;
    vonk_mutex_lock(&t->lock);
    const bool is_there = t->done[partition];
    *ret_more = number < t->n_blocks[partition];
    vonk_mutex_unlock(&t->lock);
    if (!is_there) return lost(rdd, partition, err);
    if (!*ret_more) return VONK_OK;
    vonk__cutter_init(&cutter, rdd->elements, budget, sink);
    vonk_status st = vonk__push_block(
        vonk__rdd_store(rdd), (vonk_block_id){.kind = VONK_BLOCK_FRAME, .a = rdd->data, .b = partition, .c = number},
        &cutter, &there, err);
    vonk__cutter_done(&cutter);
    if (st == VONK_OK && !there) st = lost(rdd, partition, err);
    if (st != VONK_E_BLOCK_LOST) return st;
    VONK_LOCKED(&t->lock); /* who runs the job again makes it again */
    t->done[partition] = false;
    return vonk_raised(st);
}
