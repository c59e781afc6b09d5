/* rdd/rdd_flow.c -- a leaf whose partitions come one after the other out of one run: pulled by the tasks that want
 * them.
 *
 * Whoever wants what has not come yet pulls, one at a time; what comes for others is kept as blocks, one for each pull,
 * and so is one's own: no partition is computed twice. Blocks that are lost, and errors, make the run begin anew; then
 * partitions that are whole are kept. A task that has handed on a piece of a partition that is made again starts anew,
 * too: the pieces may be cut otherwise. */
#include "rdd/rdd_int.h"
#include "sys/clock.h"

#define LOOK_NS (50 * VONK_NS_PER_MS) /* for a job that was cancelled */

struct rdd_flow {
    vonk_rdd_flow of;
    vonk_mutex lock; /* of what follows; not held while the run goes on or blocks are touched */
    vonk_cond changed;
    bool pulling, ended, begin_anew;
    uint32_t at;        /* partition that the run is in: those before it are whole */
    uint32_t skip_to;   /* partitions before it have come in an earlier run */
    uint64_t run;       /* number of it */
    uint32_t *n_blocks; /* [partition] */
};

static void flow_done(void *arg)
{
    rdd_flow *f = arg;
    f->of.free(f->of.self);
    vonk_cond_done(&f->changed);
    vonk_mutex_done(&f->lock);
}

vonk_status vonk_rdd_of_flow(vonk_rdd_context *context, const vonk_rdd_flow *flow, uint32_t n_partitions,
                             vonk_rdd_elements elements, const char *site, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    rdd_flow *f = NULL;
    vonk_status st = vonk__rdd_new(context, VONK_RDD_FLOW, NULL, 0, site, &rdd, err);
    if (st == VONK_OK) st = VONK_ARENA_NEW(rdd->arena, &f, err);
    if (st == VONK_OK) st = vonk_arena_array(rdd->arena, n_partitions + 1, sizeof *f->n_blocks, &f->n_blocks, err);
    if (st == VONK_OK) st = vonk_arena_on_free(rdd->arena, flow_done, f, err);
    if (st != VONK_OK) {
        flow->free(flow->self);
        return st;
    }
    f->of = *flow;
    vonk_mutex_init(&f->lock);
    vonk_cond_init(&f->changed);
    rdd->flow = f;
    rdd->n_partitions = n_partitions;
    rdd->elements = elements;
    if (!context->env.scheduler)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
    rdd->data = vonk_block_store_name(vonk__rdd_store(rdd));
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

static vonk_block_id block_of(const vonk_rdd *rdd, uint32_t partition, uint32_t number)
{
    return (vonk_block_id){.kind = VONK_BLOCK_FRAME, .a = rdd->data, .b = partition, .c = number};
}

/* ---- the run */

/* What is not whole goes, all of it where a block was lost. `pulling` is ours, so nobody else is in the run; until the
 * blocks are gone nobody looks for one, or it would be found missing in the run that begins. */
static void start_over(vonk_rdd *rdd)
{
    rdd_flow *f = rdd->flow;
    vonk_block_store *store = vonk__rdd_store(rdd);
    f->of.rewind(f->of.self);
    vonk_mutex_lock(&f->lock);
    const uint32_t from = f->begin_anew ? 0 : f->at;
    f->begin_anew = true;
    vonk_mutex_unlock(&f->lock);
    for (uint32_t p = from; p < rdd->n_partitions; p++)
        for (uint32_t i = 0; i < f->n_blocks[p]; i++) vonk_block_drop(store, block_of(rdd, p, i));
    VONK_LOCKED(&f->lock);
    for (uint32_t p = from; p < rdd->n_partitions; p++) f->n_blocks[p] = 0;
    f->ended = f->begin_anew = false;
    f->at = f->skip_to = from;
    f->run++;
}

static vonk_status keep(vonk_rdd *rdd, uint32_t partition, vonk_str records, vonk_error *err)
{
    static const vonk_storage_level level = {.disk = true, .memory = true, .replication = 1};
    VONK_AUTO(vonk_block_writer_free) vonk_block_writer *w = NULL;
    bool kept = false;
    if (partition >= rdd->n_partitions)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         VONK_F("rows of partition %u, of %u", partition, rdd->n_partitions));
    VONK_TRY(vonk_block_writer_new(vonk__rdd_store(rdd), block_of(rdd, partition, rdd->flow->n_blocks[partition]),
                                   level, &w, err));
    VONK_TRY(vonk_block_write(w, records.data, records.len, err));
    return vonk_block_commit(VONK_STEAL(w), 0, &kept, err);
}

/* One step of the run. `pulling` is ours. */
static vonk_status pull(vonk_rdd *rdd, vonk_task *task, vonk_error *err)
{
    rdd_flow *f = rdd->flow;
    bool more = false;
    uint32_t partition = 0;
    vonk_str records = {0};
    vonk_task_wait_begin(task); /* the run may be a query over RDDs, whose tasks want a slot */
    vonk_status st = f->of.next(f->of.self, task, &more, &partition, &records, err);
    vonk_task_wait_end(task);
    if (st != VONK_OK) {
        VONK_LOCKED(&f->lock);
        if (partition > f->at && partition < rdd->n_partitions) f->at = partition;
        return st;
    }
    const bool is_new = more && partition >= f->skip_to && records.len;
    if (is_new) VONK_TRY(keep(rdd, partition, records, err));
    if (!more) f->of.rewind(f->of.self); /* nothing is held for who has all */
    VONK_LOCKED(&f->lock);
    if (is_new) f->n_blocks[partition]++;
    if (more && partition > f->at) f->at = partition;
    if (!more) f->ended = true;
    return VONK_OK;
}

/* ---- reading */

typedef enum found { FOUND_BLOCK, FOUND_END, FOUND_NOTHING } found;

/* Is block `number` of the partition there? Waits for who pulls; FOUND_NOTHING: the caller pulls. `lock` is held. */
static found find(rdd_flow *f, uint32_t partition, uint32_t number, const vonk_task *task)
{
    while (!vonk_task_cancelled(task)) {
        if (number < f->n_blocks[partition] && !f->begin_anew) return FOUND_BLOCK;
        if (!f->begin_anew && (f->ended || partition < f->at)) return FOUND_END;
        if (!f->pulling) break;
        vonk_cond_wait_until(&f->changed, &f->lock, vonk_clock_mono_ns() + LOOK_NS);
    }
    return FOUND_NOTHING;
}

static vonk_status lost(const vonk_rdd *rdd, uint32_t partition, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", VONK_F("frame_%u_%u", rdd->id, partition));
}

/* *ret: what is there. The run that a task has read from must go on. */
static vonk_status await(vonk_rdd *rdd, uint32_t partition, uint32_t number, uint64_t *inout_run, vonk_task *task,
                         found *ret, vonk_error *err)
{
    rdd_flow *f = rdd->flow;
    vonk_status st = VONK_OK;
    vonk_mutex_lock(&f->lock);
    while (st == VONK_OK && (*ret = find(f, partition, number, task)) == FOUND_NOTHING) {
        if (vonk_task_cancelled(task)) {
            st = VONK_FAIL(err, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", task->job), "reason", "");
            break;
        }
        f->pulling = true;
        const bool anew = f->begin_anew;
        vonk_mutex_unlock(&f->lock);
        if (anew) start_over(rdd);
        st = pull(rdd, task, err);
        if (st != VONK_OK) start_over(rdd);
        vonk_mutex_lock(&f->lock);
        if (st != VONK_OK && partition < f->at) { /* the error is behind it */
            vonk_error_reset(err);
            st = VONK_OK;
        }
        f->pulling = false;
        vonk_cond_broadcast(&f->changed);
    }
    if (number == 0) *inout_run = f->run;
    if (st == VONK_OK && *inout_run != f->run && partition >= f->skip_to) st = lost(rdd, partition, err);
    vonk_mutex_unlock(&f->lock);
    return st;
}

static vonk_status push(vonk_rdd *rdd, vonk_block_id id, rdd_cutter *cutter, uint64_t run, vonk_error *err)
{
    rdd_flow *f = rdd->flow;
    bool there = false;
    vonk_status st = vonk__push_block(vonk__rdd_store(rdd), id, cutter, &there, err);
    if (st == VONK_OK && !there) st = lost(rdd, id.b, err);
    if (st != VONK_E_BLOCK_LOST) return st;
    VONK_LOCKED(&f->lock);
    if (f->run == run) f->begin_anew = true;
    return vonk_raised(st);
}

vonk_status vonk__rdd_compute_flow(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                   vonk_error *err)
{
    rdd_cutter cutter;
    vonk_status st = VONK_OK;
    found what = FOUND_NOTHING;
    uint64_t run = 0;
    vonk__cutter_init(&cutter, rdd->elements, task->budget, sink);
    for (uint32_t number = 0; st == VONK_OK && !cutter.enough; number++) {
        st = await(rdd, partition, number, &run, task, &what, err);
        if (st != VONK_OK || what == FOUND_END) break;
        st = push(rdd, block_of(rdd, partition, number), &cutter, run, err);
    }
    vonk__cutter_done(&cutter);
    return st;
}

uint32_t vonk__rdd_flow_blocks(vonk_rdd *rdd, uint32_t partition)
{
    VONK_LOCKED(&rdd->flow->lock);
    return rdd->flow->n_blocks[partition];
}
