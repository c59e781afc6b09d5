/* exec/op_limit.c -- P_LIMIT in its three places.
 *
 * At the root      rows stream to the result, which counts them in order (result.c); here a morsel ends when it alone
 * has enough. Local            at most `limit` rows of each partition; partitions run in order, each on one lane.
 * Anywhere else    a breaker: keeps the first offset + limit rows by morsel, stops everything below as soon as the
 * ended morsels suffice, puts one partition out. */
#include "exec/op_int.h"

static int64_t wanted_rows(const vonk_limit_info *info)
{
    if (info->limit < 0) return -1;
    int64_t sum;
    return __builtin_add_overflow(info->limit, info->offset, &sum) ? INT64_MAX : sum;
}

/* ---- at most n rows of what one morsel, or one partition, gives */

typedef struct cut_local {
    int32_t partition;
    uint64_t ordinal;
    int64_t n_rows;
    bool started;
} cut_local;

static vonk_status cut(vonk_lane *lane, cut_local *l, bool by_partition, int64_t want, const vonk_batch *in,
                       vonk_out *out, vonk_flow *ret_flow, vonk_error *err)
{
    vonk_batch *piece = NULL;
    if (!l->started || (by_partition ? l->partition != lane->partition : l->ordinal != lane->ordinal)) {
        *l = (cut_local){.partition = lane->partition, .ordinal = lane->ordinal, .started = true};
    }
    int64_t left = want < 0 ? INT64_MAX : want - l->n_rows;
    if (left < in->n_sel) {
        if (left > 0) VONK_TRY(vonk_batch_slice(in, 0, (uint32_t)left, &piece, err));
    } else {
        piece = vonk_batch_ref(in);
    }
    if (left <= in->n_sel) *ret_flow = VONK_ENOUGH;
    l->n_rows += in->n_sel;
    if (piece) vonk_out_put(out, piece);
    return VONK_OK;
}

static vonk_status root_open(vonk_op *op, vonk_error *err)
{
    const vonk_limit_info *info = &op->node->limit;
    exec_result *q = &op->exec->result;
    q->skip = info->offset;
    q->take = info->limit;
    q->want = wanted_rows(info);
    op->n_partitions = op->children[0]->n_partitions;
    return VONK_OK;
}

static vonk_status root_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                             vonk_flow *ret_flow, vonk_error *err)
{
    return cut(lane, local, false, wanted_rows(&op->node->limit), in, out, ret_flow, err);
}
static const vonk_input_class root_input = {
    .order = VONK_ORDER_KEEPS, .local_size = sizeof(cut_local), .push = root_push};
static const vonk_op_class root_limit = {.name = "limit", .open = root_open, .n_inputs = 1, .inputs = &root_input};

static vonk_status local_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    return cut(lane, local, true, op->node->limit.limit, in, out, ret_flow, err);
}
static const vonk_input_class local_input = {
    .order = VONK_ORDER_NEEDS, .local_size = sizeof(cut_local), .push = local_push};
static const vonk_op_class local_limit = {.name = "local_limit", .n_inputs = 1, .inputs = &local_input};

static const vonk_op_class *limit_choose(const vonk_plan *node, bool root)
{
    if (node->number == 1) return &local_limit;
    return root ? &root_limit : NULL;
}

/* ---- in the middle of a plan */

typedef struct limit_shared {
    vonk_mutex lock;
    ordered kept;
    uint64_t prefix_end; /* ordinals below have ended */
    int64_t prefix_rows;
    _Atomic bool satisfied;
    int64_t want;
    vonk_batch **rows; /* after finish */
    uint32_t n_rows;
} limit_shared;

static vonk_status limit_open(vonk_op *op, vonk_error *err)
{
    limit_shared *s = op->shared;
    vonk_mutex_init(&s->lock);
    s->kept.budget = op->budget;
    s->want = wanted_rows(&op->node->limit);
    s->satisfied = s->want == 0 || op->node->limit.limit == 0;
    op->n_partitions = 1;
    return VONK_OK;
}

static void limit_close(vonk_op *op)
{
    limit_shared *s = op->shared;
    for (uint32_t i = 0; i < s->n_rows; i++) vonk_batch_unref(s->rows[i]);
    vonk_free(s->rows);
    vonk__ordered_done(&s->kept);
    vonk_mutex_done(&s->lock);
}

static void check(limit_shared *s)
{
    ordered *o = &s->kept;
    if (s->want < 0) return;
    while (s->prefix_end < o->n && o->slots[s->prefix_end].ended)
        s->prefix_rows += (int64_t)o->slots[s->prefix_end++].n_rows;
    int64_t open_rows = s->prefix_end < o->n ? (int64_t)o->slots[s->prefix_end].n_rows : 0;
    if (s->prefix_rows + open_rows >= s->want) atomic_store(&s->satisfied, true);
}

static vonk_status limit_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    limit_shared *s = op->shared;
    ordered_slot *slot = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *dense = NULL;
    if (in->n_sel < in->n_rows / 2)
        VONK_TRY(vonk_batch_compact(in, &dense, err));
    else
        dense = vonk_batch_ref(in);
    VONK_LOCKED(&s->lock);
    VONK_TRY(vonk__ordered_slot(&s->kept, lane->ordinal, &slot, err));
    VONK_TRY(VONK_VEC_PUSH(&slot->batches, op->budget, dense, err));
    slot->n_rows += dense->n_sel;
    dense = NULL;
    check(s);
    if (s->want >= 0 && (slot->n_rows >= (uint64_t)s->want || (s->satisfied && lane->ordinal > s->prefix_end)))
        *ret_flow = VONK_ENOUGH;
    return VONK_OK;
}

static vonk_status limit_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    limit_shared *s = op->shared;
    ordered_slot *slot = NULL;
    VONK_LOCKED(&s->lock);
    VONK_TRY(vonk__ordered_slot(&s->kept, lane->ordinal, &slot, err));
    slot->ended = true;
    check(s);
    return VONK_OK;
}

static bool limit_wants(vonk_op *op, int32_t partition, uint64_t ordinal)
{
    limit_shared *s = op->shared;
    return !atomic_load(&s->satisfied);
}

static vonk_status limit_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    limit_shared *s = op->shared;
    int64_t skip = op->node->limit.offset, take = op->node->limit.limit < 0 ? INT64_MAX : op->node->limit.limit;
    size_t n = 0;
    for (uint64_t i = 0; i < s->kept.n; i++) n += s->kept.slots[i].batches.n;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (n + 1) * sizeof *s->rows, &s->rows, err));
    for (uint64_t i = 0; i < s->kept.n && take > 0; i++) {
        ordered_slot *slot = &s->kept.slots[i];
        for (size_t k = 0; k < slot->batches.n && take > 0; k++) {
            vonk_batch *b = slot->batches.at[k];
            int64_t from = skip < b->n_sel ? skip : b->n_sel;
            int64_t some = b->n_sel - from < take ? b->n_sel - from : take;
            skip -= from;
            take -= some;
            if (some == 0) continue;
            if (some == b->n_sel)
                s->rows[s->n_rows] = vonk_batch_ref(b);
            else
                VONK_TRY(vonk_batch_slice(b, (uint32_t)from, (uint32_t)some, &s->rows[s->n_rows], err));
            s->n_rows++;
        }
        vonk__ordered_clear(slot);
    }
    return VONK_OK;
}

static vonk_status limit_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    const limit_shared *s = op->shared;
    *ret_n = (s->n_rows + 15) / 16;
    return VONK_OK;
}

typedef struct limit_local {
    uint32_t at, end;
} limit_local;

static vonk_status limit_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                               vonk_error *err)
{
    const limit_shared *s = op->shared;
    limit_local *l = local;
    l->at = morsel * 16;
    l->end = l->at + 16 < s->n_rows ? l->at + 16 : s->n_rows;
    return VONK_OK;
}

static vonk_status limit_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    const limit_shared *s = op->shared;
    limit_local *l = local;
    if (l->at < l->end) vonk_out_put(out, vonk_batch_ref(s->rows[l->at++]));
    return VONK_OK;
}

static const vonk_input_class limit_input = {.sink = true,
                                             .order = VONK_ORDER_KEEPS,
                                             .push = limit_push,
                                             .end_morsel = limit_end,
                                             .finish = limit_finish,
                                             .wants = limit_wants};
static const vonk_source_class limit_source = {
    .local_size = sizeof(limit_local), .n_morsels = limit_n_morsels, .start = limit_start, .next = limit_next};
const vonk_op_class vonk_op_limit = {.name = "limit",
                                     .shared_size = sizeof(limit_shared),
                                     .open = limit_open,
                                     .close = limit_close,
                                     .choose = limit_choose,
                                     .n_inputs = 1,
                                     .inputs = &limit_input,
                                     .source = &limit_source};
