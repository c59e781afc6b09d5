/* rdd/rdd_compute.c -- a partition's records pushed into a sink. */
#include "rdd/rdd_int.h"

static _Thread_local uint32_t depth;

/* ---- a sink that hands on and remembers that enough is enough */

typedef struct gate {
    vonk_rdd_sink *to;
    bool enough;
} gate;

static vonk_status gate_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    gate *g = self;
    VONK_TRY(g->to->put(g->to->self, record, &g->enough, err));
    *ret_enough = g->enough;
    return VONK_OK;
}

/* Partitions [from, to) of a parent, one after the other. */
static vonk_status compute_run(vonk_rdd *parent, uint32_t from, uint32_t to, vonk_task *task, gate *g, vonk_error *err)
{
    vonk_rdd_sink sink = {.self = g, .put = gate_put};
    for (uint32_t p = from; p < to && !g->enough; p++) VONK_TRY(vonk_rdd_compute(parent, p, task, &sink, err));
    return VONK_OK;
}

/* ---- PAIRWISE: two frames in turn become a pair */

typedef struct pairing {
    vonk_rdd_sink *to;
    vonk_buf pair;
} pairing;

static vonk_status pairing_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    pairing *p = self;
    bool second = p->pair.len > 0;
    if (!second && record.len != 12)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a PairwiseRDD wants a hash of 8 bytes before each list");
    VONK_TRY(vonk_buf_add_str(&p->pair, record, err));
    if (!second) return VONK_OK;
    VONK_TRY(p->to->put(p->to->self, vonk_buf_str(&p->pair), ret_enough, err));
    vonk_buf_reset(&p->pair);
    return VONK_OK;
}

static vonk_status compute_pairwise(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                    vonk_error *err)
{
    pairing p = {.to = sink};
    vonk_rdd_sink own = {.self = &p, .put = pairing_put};
    vonk_buf_init(&p.pair, task->budget, SIZE_MAX);
    vonk_status st = vonk_rdd_compute(rdd->parents[0], partition, task, &own, err);
    if (st == VONK_OK && p.pair.len)
        st = VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a PairwiseRDD got a hash without its list");
    vonk_buf_done(&p.pair);
    return st;
}

/* ---- MAPPED */

typedef struct mapping {
    vonk_rdd_sink *to;
    const vonk_rdd *rdd;
    vonk_buf record;
    uint32_t place; /* RDD_MAP_SPREAD: of the last record */
} mapping;

static vonk_status put_spread(mapping *m, vonk_str record, bool *ret_enough, vonk_error *err)
{
    char *to = NULL;
    if (record.len > INT32_MAX - 8)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "records of 2 GiB in a shuffle");
    m->place++;
    vonk_buf_reset(&m->record);
    VONK_TRY(vonk_buf_extend(&m->record, 12 + record.len, &to, err));
    vonk__put_be32(to, (int32_t)(record.len + 8));
    vonk__put_be32(to + 4, 0);
    vonk__put_be32(to + 8, (int32_t)m->place);
    memcpy(to + 12, record.data, record.len);
    return m->to->put(m->to->self, vonk_buf_str(&m->record), ret_enough, err);
}

static vonk_status mapping_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    mapping *m = self;
    size_t from = 0;
    if (m->rdd->map == RDD_MAP_SPREAD) return put_spread(m, record, ret_enough, err);
    if (m->rdd->map == RDD_MAP_UNSPREAD) from = 12;
    if (m->rdd->map == RDD_MAP_VALUES) from = vonk__record_bytes(VONK_RDD_BYTES, record);
    return m->to->put(m->to->self, vonk_str_sub(record, from, record.len), ret_enough, err);
}

static vonk_status compute_mapped(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                  vonk_error *err)
{
    mapping m = {.to = sink, .rdd = rdd};
    vonk_rdd_sink own = {.self = &m, .put = mapping_put};
    if (rdd->map == RDD_MAP_SAME) return vonk_rdd_compute(rdd->parents[0], partition, task, sink, err);
    vonk_buf_init(&m.record, task->budget, SIZE_MAX);
    if (rdd->map == RDD_MAP_SPREAD) m.place = vonk__spread_start(partition, rdd->spread_to);
    vonk_status st = vonk_rdd_compute(rdd->parents[0], partition, task, &own, err);
    vonk_buf_done(&m.record);
    return st;
}

/* ---- leaves */

static vonk_status read_shuffle(vonk_shuffle_reader *r, rdd_cutter *cutter, vonk_error *err)
{
    while (!cutter->enough) {
        vonk_str piece;
        VONK_TRY(vonk_shuffle_read(r, &piece, err));
        if (!piece.len) return vonk__cutter_end(cutter, err);
        VONK_TRY(vonk__cutter_push(cutter, piece, err));
    }
    return VONK_OK;
}

static vonk_status compute_shuffled(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_reader_free) vonk_shuffle_reader *r = NULL;
    rdd_cutter cutter;
    VONK_TRY(vonk_shuffle_reader_new(rdd->shuffle, partition, &r, err));
    vonk__cutter_init(&cutter, rdd->elements, task->budget, sink);
    vonk_status st = read_shuffle(r, &cutter, err);
    vonk__cutter_done(&cutter);
    return st;
}

static vonk_status compute_parallel(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                    vonk_error *err)
{
    vonk_block_id id = {.kind = VONK_BLOCK_FRAME, .a = rdd->data, .b = partition};
    rdd_cutter cutter;
    bool there = false;
    vonk__cutter_init(&cutter, rdd->elements, task->budget, sink);
    vonk_status st = vonk__push_block(vonk__rdd_store(rdd), id, &cutter, &there, err);
    vonk__cutter_done(&cutter);
    if (st != VONK_OK || there) return st;
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", VONK_F("list_%u_%u", rdd->id, partition));
}

/* ---- unions and coalesce */

static vonk_status compute_union(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                 vonk_error *err)
{
    uint32_t i = 0;
    for (; partition >= rdd->parents[i]->n_partitions; i++) partition -= rdd->parents[i]->n_partitions;
    return vonk_rdd_compute(rdd->parents[i], partition, task, sink, err);
}

static vonk_status compute_aware_union(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                       vonk_error *err)
{
    gate g = {.to = sink};
    for (uint32_t i = 0; i < rdd->n_parents; i++)
        VONK_TRY(compute_run(rdd->parents[i], partition, partition + 1, task, &g, err));
    return VONK_OK;
}

static vonk_status compute_coalesced(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err)
{
    uint64_t n = rdd->parents[0]->n_partitions, groups = rdd->n_partitions;
    gate g = {.to = sink};
    return compute_run(rdd->parents[0], (uint32_t)(partition * n / groups), (uint32_t)((partition + 1) * n / groups),
                       task, &g, err);
}

vonk_status vonk__rdd_compute_plain(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                    vonk_error *err)
{
    switch (rdd->kind) {
    case VONK_RDD_PARALLEL: return compute_parallel(rdd, partition, task, sink, err);
    case VONK_RDD_TEXT:
    case VONK_RDD_WHOLE_FILES:
    case VONK_RDD_BINARY_FILES:
    case VONK_RDD_CHECKPOINTED:
    case VONK_RDD_FIXED_RECORDS: return vonk__rdd_compute_file(rdd, partition, task, sink, err);
    case VONK_RDD_HADOOP: return vonk__rdd_compute_hadoop(rdd, partition, task, sink, err);
    case VONK_RDD_PAIRWISE: return compute_pairwise(rdd, partition, task, sink, err);
    case VONK_RDD_SHUFFLED: return compute_shuffled(rdd, partition, task, sink, err);
    case VONK_RDD_MAPPED: return compute_mapped(rdd, partition, task, sink, err);
    case VONK_RDD_UNION: return compute_union(rdd, partition, task, sink, err);
    case VONK_RDD_PARTITIONER_AWARE_UNION: return compute_aware_union(rdd, partition, task, sink, err);
    case VONK_RDD_COALESCED: return compute_coalesced(rdd, partition, task, sink, err);
    case VONK_RDD_ZIPPED: return vonk__rdd_compute_zip(rdd, partition, task, sink, err);
    case VONK_RDD_CARTESIAN: return vonk__rdd_compute_cartesian(rdd, partition, task, sink, err);
    case VONK_RDD_SOURCE: return rdd->source->compute(rdd->source_bytes, partition, task, sink, err);
    case VONK_RDD_FLOW: return vonk__rdd_compute_flow(rdd, partition, task, sink, err);
    case VONK_RDD_TAP: return vonk__rdd_compute_tap(rdd, partition, task, err);
    case VONK_RDD_EMPTY: return VONK_OK;
    case VONK_RDD_PYTHON: return vonk__rdd_compute_python(rdd, partition, task, sink, err);
    }
    return VONK_OK;
}

/* Apart, since their texts are large on a stack that every RDD of the lineage stands on. */
__attribute__((noinline)) static vonk_status cancelled(const vonk_task *task, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_SPARK_JOB_CANCELLED, "jobId", VONK_F("%u", task->job), "reason", "");
}

__attribute__((noinline)) static vonk_status too_deep(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("lineages of more than %d RDDs: checkpoint one of them", RDD_MOST_DEPTH));
}

static vonk_status compute(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err)
{
    vonk_mutex_lock(&rdd->lock);
    vonk_storage_level level = rdd->level;
    bool saved = rdd->checkpoint == RDD_CP_DONE && !rdd->checkpoint_local;
    vonk_mutex_unlock(&rdd->lock);
    if (vonk_task_cancelled(task)) return cancelled(task, err);
    if (level.replication) return vonk__rdd_compute_cached(rdd, partition, level, task, sink, err);
    if (saved) return vonk__rdd_compute_saved(rdd, rdd->checkpoint_folder, partition, task, sink, err);
    return vonk__rdd_compute_plain(rdd, partition, task, sink, err);
}

vonk_status vonk_rdd_compute(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err)
{
    assert(partition < rdd->n_partitions);
    if (depth == RDD_MOST_DEPTH) return too_deep(err);
    depth++;
    vonk_status st = compute(rdd, partition, task, sink, err);
    depth--;
    return st;
}
