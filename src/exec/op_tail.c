/* exec/op_tail.c -- P_TAIL: the last `limit` rows, in order. Each morsel keeps its own last rows; a morsel goes when
 * later ones hold enough. One partition comes out. */
#include "exec/op_int.h"

typedef struct tail_shared {
    vonk_mutex lock;
    ordered kept;
    uint64_t first; /* ordinals below are not needed any more */
    vonk_batch *rows;
} tail_shared;
typedef struct tail_local {
    VONK_VEC(vonk_batch *) batches;
    size_t first;
    uint64_t n_rows;
} tail_local;

static vonk_status tail_open(vonk_op *op, vonk_error *err)
{
    tail_shared *s = op->shared;
    vonk_mutex_init(&s->lock);
    s->kept.budget = op->budget;
    op->n_partitions = 1;
    return VONK_OK;
}

static void tail_close(vonk_op *op)
{
    tail_shared *s = op->shared;
    vonk_batch_unref(s->rows);
    vonk__ordered_done(&s->kept);
    vonk_mutex_done(&s->lock);
}

static uint64_t tail_want(const vonk_op *op) { return op->node->limit.limit > 0 ? (uint64_t)op->node->limit.limit : 0; }

static vonk_status tail_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                             vonk_flow *ret_flow, vonk_error *err)
{
    tail_local *l = local;
    uint64_t want = tail_want(op);
    vonk_batch *b = NULL;
    if (in->n_sel > want)
        VONK_TRY(vonk_batch_slice(in, (uint32_t)(in->n_sel - want), (uint32_t)want, &b, err));
    else if (in->sel)
        VONK_TRY(vonk_batch_compact(in, &b, err));
    else
        b = vonk_batch_ref(in);
    vonk_status st = VONK_VEC_PUSH(&l->batches, op->budget, b, err);
    if (st != VONK_OK) {
        vonk_batch_unref(b);
        return st;
    }
    l->n_rows += b->n_sel;
    while (l->first < l->batches.n && l->n_rows - l->batches.at[l->first]->n_sel >= want) {
        l->n_rows -= l->batches.at[l->first]->n_sel;
        vonk_batch_unref(l->batches.at[l->first++]);
    }
    if (l->first > 64 && l->first * 2 > l->batches.n) {
        memmove(l->batches.at, l->batches.at + l->first, (l->batches.n - l->first) * sizeof *l->batches.at);
        l->batches.n -= l->first;
        l->first = 0;
    }
    return VONK_OK;
}

static vonk_status tail_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    tail_shared *s = op->shared;
    tail_local *l = local;
    ordered_slot *slot = NULL;
    VONK_LOCKED(&s->lock);
    VONK_TRY(vonk__ordered_slot(&s->kept, lane->ordinal, &slot, err));
    for (; l->first < l->batches.n; l->first++)
        VONK_TRY(VONK_VEC_PUSH(&slot->batches, op->budget, l->batches.at[l->first], err));
    slot->n_rows = l->n_rows;
    slot->ended = true;
    l->first = l->batches.n = 0;
    l->n_rows = 0;
    uint64_t later = 0; /* rows in higher morsels, ended ones only: they cannot become fewer */
    for (uint64_t i = s->kept.n; i-- > s->first;) {
        if (later >= tail_want(op)) {
            for (uint64_t k = s->first; k <= i; k++) vonk__ordered_clear(&s->kept.slots[k]);
            s->first = i + 1;
            break;
        }
        later += s->kept.slots[i].n_rows;
    }
    return VONK_OK;
}

static vonk_status tail_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    tail_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    VONK_VEC(vonk_batch *) list = {0};
    uint64_t n = 0, want = tail_want(op);
    vonk_status st = VONK_OK;
    for (uint64_t i = s->first; i < s->kept.n && st == VONK_OK; i++) {
        ordered_slot *slot = &s->kept.slots[i];
        for (size_t k = 0; k < slot->batches.n && st == VONK_OK; k++) {
            n += slot->batches.at[k]->n_sel;
            st = VONK_VEC_PUSH(&list, op->budget, slot->batches.at[k], err);
        }
    }
    if (st == VONK_OK && n > 0 && want > 0)
        st = vonk_batch_concat(lane->budget, (const vonk_batch *const *)list.at, list.n, &all, err);
    vonk_free(list.at);
    VONK_TRY(st);
    if (!all) return VONK_OK;
    if (n <= want)
        s->rows = VONK_STEAL(all);
    else
        VONK_TRY(vonk_batch_slice(all, (uint32_t)(n - want), (uint32_t)want, &s->rows, err));
    return VONK_OK;
}

static void tail_local_close(vonk_op *op, void *local)
{
    tail_local *l = local;
    for (size_t i = l->first; i < l->batches.n; i++) vonk_batch_unref(l->batches.at[i]);
    vonk_free(l->batches.at);
}

static vonk_status tail_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    const tail_shared *s = op->shared;
    *ret_n = s->rows != NULL;
    return VONK_OK;
}

static vonk_status tail_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                              vonk_error *err)
{
    *(uint32_t *)local = 0;
    return VONK_OK;
}

static vonk_status tail_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    const tail_shared *s = op->shared;
    uint32_t *at = local;
    vonk_batch *piece = NULL;
    uint32_t n = s->rows->n_rows - *at;
    if (n > vonk_exec_batch_rows(op->exec)) n = vonk_exec_batch_rows(op->exec);
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_batch_slice(s->rows, *at, n, &piece, err));
    *at += n;
    vonk_out_put(out, piece);
    return VONK_OK;
}

static const vonk_input_class tail_input = {.sink = true,
                                            .order = VONK_ORDER_KEEPS,
                                            .local_size = sizeof(tail_local),
                                            .push = tail_push,
                                            .end_morsel = tail_end,
                                            .finish = tail_finish,
                                            .local_close = tail_local_close};
static const vonk_source_class tail_source = {
    .local_size = sizeof(uint32_t), .n_morsels = tail_n_morsels, .start = tail_start, .next = tail_next};
const vonk_op_class vonk_op_tail = {.name = "tail",
                                    .shared_size = sizeof(tail_shared),
                                    .open = tail_open,
                                    .close = tail_close,
                                    .n_inputs = 1,
                                    .inputs = &tail_input,
                                    .source = &tail_source};
