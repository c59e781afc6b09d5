/* rdd/rdd_combine.c -- zip and cartesian: one side is kept in a block of the task, the other is pushed along it. */
#include "rdd/rdd_int.h"

typedef struct kept { /* a parent's partition as a block that only we know */
    vonk_block_store *store;
    vonk_block_id id;
    vonk_block_writer *writer;
} kept;

static vonk_status kept_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    kept *k = self;
    (void)ret_enough;
    return vonk_block_write(k->writer, record.data, record.len, err);
}

static void kept_drop(kept *k)
{
    vonk_block_writer_free(k->writer);
    vonk_block_drop(k->store, k->id);
}

static vonk_status keep(vonk_rdd *parent, uint32_t partition, vonk_task *task, kept *ret, vonk_error *err)
{
    vonk_storage_level level = {.memory = true, .disk = true, .replication = 1};
    bool is_kept = false;
    *ret = (kept){.store = vonk__rdd_store(parent)};
    ret->id = (vonk_block_id){.kind = VONK_BLOCK_FRAME, .a = vonk_block_store_name(ret->store)};
    VONK_TRY(vonk_block_writer_new(ret->store, ret->id, level, &ret->writer, err));
    vonk_rdd_sink sink = {.self = ret, .put = kept_put};
    vonk_status st = vonk_rdd_compute(parent, partition, task, &sink, err);
    if (st == VONK_OK) st = vonk_block_commit(VONK_STEAL(ret->writer), 0, &is_kept, err);
    if (st != VONK_OK) kept_drop(ret);
    return st;
}

/* ---- pairs */

typedef struct pairs {
    vonk_rdd_sink *to;
    vonk_rdd_elements left_elements, right_elements;
    kept *kept;
    vonk_task *task;
    vonk_buf pair;
    vonk_str other; /* cartesian: the left record */
    bool enough;
    /* zip: the left records, one after the other */
    vonk_block_reader *left;
    vonk_buf bytes;
    size_t at;
} pairs;

static vonk_status put_pair(pairs *p, vonk_str left, vonk_str right, vonk_error *err)
{
    vonk_buf_reset(&p->pair);
    VONK_TRY(vonk_buf_add_str(&p->pair, left, err));
    VONK_TRY(vonk_buf_add_str(&p->pair, right, err));
    return p->to->put(p->to->self, vonk_buf_str(&p->pair), &p->enough, err);
}

static vonk_status right_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    pairs *p = self;
    VONK_TRY(put_pair(p, p->other, record, err));
    *ret_enough = p->enough;
    return VONK_OK;
}

/* Each left record meets all right ones. */
static vonk_status left_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    pairs *p = self;
    vonk_rdd_sink sink = {.self = p, .put = right_put};
    rdd_cutter cutter;
    bool there = false;
    p->other = record;
    vonk__cutter_init(&cutter, p->right_elements, p->task->budget, &sink);
    vonk_status st = vonk__push_block(p->kept->store, p->kept->id, &cutter, &there, err);
    vonk__cutter_done(&cutter);
    *ret_enough = p->enough;
    if (st != VONK_OK || there) return st;
    return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", "of a product");
}

static void pairs_init(pairs *p, vonk_rdd *rdd, kept *k, vonk_task *task, vonk_rdd_sink *sink)
{
    *p = (pairs){.to = sink, .kept = k, .task = task};
    p->left_elements = rdd->parents[0]->elements;
    p->right_elements = rdd->parents[1]->elements;
    vonk_buf_init(&p->pair, task->budget, SIZE_MAX);
    vonk_buf_init(&p->bytes, task->budget, SIZE_MAX);
}

static void pairs_done(pairs *p)
{
    vonk_buf_done(&p->pair);
    vonk_buf_done(&p->bytes);
    vonk_block_close(p->left);
    kept_drop(p->kept);
}

vonk_status vonk__rdd_compute_cartesian(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                        vonk_error *err)
{
    uint32_t n_right = rdd->parents[1]->n_partitions;
    kept right;
    pairs p;
    VONK_TRY(keep(rdd->parents[1], partition % n_right, task, &right, err));
    pairs_init(&p, rdd, &right, task, sink);
    vonk_rdd_sink own = {.self = &p, .put = left_put};
    vonk_status st = vonk_rdd_compute(rdd->parents[0], partition / n_right, task, &own, err);
    pairs_done(&p);
    return st;
}

/* ---- zip */

/* The next left record; empty: there is none. */
static vonk_status next_left(pairs *p, vonk_str *ret, vonk_error *err)
{
    for (;;) {
        vonk_str rest = vonk_str_sub(vonk_buf_str(&p->bytes), p->at, p->bytes.len), piece;
        size_t n = vonk__record_bytes(p->left_elements, rest);
        *ret = vonk_str_sub(rest, 0, n);
        p->at += n;
        if (n) return VONK_OK;
        if (rest.len) memmove(p->bytes.data, rest.data, rest.len);
        p->bytes.len = rest.len;
        p->at = 0;
        VONK_TRY(vonk_block_read(p->left, &piece, err));
        if (!piece.len) return VONK_OK;
        VONK_TRY(vonk_buf_add_str(&p->bytes, piece, err));
    }
}

static vonk_status uneven(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     "RDDs can be zipped only if they have the same number of elements in each partition");
}

static vonk_status zip_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    pairs *p = self;
    vonk_str left;
    VONK_TRY(next_left(p, &left, err));
    if (!left.len) return uneven(err);
    VONK_TRY(put_pair(p, left, record, err));
    *ret_enough = p->enough;
    return VONK_OK;
}

static vonk_status zip_along(pairs *p, vonk_rdd *right, uint32_t partition, vonk_error *err)
{
    vonk_rdd_sink own = {.self = p, .put = zip_put};
    vonk_str left;
    VONK_TRY(vonk_block_open(p->kept->store, p->kept->id, &p->left, err));
    if (!p->left) return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", "of a zip");
    VONK_TRY(vonk_rdd_compute(right, partition, p->task, &own, err));
    if (p->enough) return VONK_OK;
    VONK_TRY(next_left(p, &left, err));
    return left.len ? uneven(err) : VONK_OK;
}

vonk_status vonk__rdd_compute_zip(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                  vonk_error *err)
{
    kept left;
    pairs p;
    VONK_TRY(keep(rdd->parents[0], partition, task, &left, err));
    pairs_init(&p, rdd, &left, task, sink);
    vonk_status st = zip_along(&p, rdd->parents[1], partition, err);
    pairs_done(&p);
    return st;
}
