/* exec/result.c -- the end of the last pipeline: an ordered, bounded queue between lanes and whoever takes the result.
 *
 * Lanes put batches into the slot of their morsel; the taker empties the slots in ascending order. When the queue is
 * full, lanes park; the one that has the lowest morsel parks only when its own slot is full, so the taker can always go
 * on. LIMIT and OFFSET at the root are applied here: as soon as the rows of the ended prefix suffice, everything stops.
 */
#include "exec/exec_int.h"
#include "sys/clock.h"

#define QUEUE_BATCHES 64
#define QUEUE_BYTES ((int64_t)32 << 20)
#define QUEUE_PART 8               /* of the query's memory, if that is less */
#define INLINE_NS INT64_C(1000000) /* a small query may keep the caller this long before it goes to the pool */

/* Lock held. Makes the slot of `ordinal`. */
static vonk_status slot_of(vonk_exec *exec, uint64_t ordinal, result_slot **ret, vonk_error *err)
{
    exec_result *q = &exec->result;
    assert(ordinal >= q->base);
    if (ordinal - q->base >= q->capacity) {
        uint64_t capacity = q->capacity ? q->capacity : 16;
        while (ordinal - q->base >= capacity) capacity *= 2;
        result_slot *slots = NULL;
        VONK_TRY(vonk_alloc_zeroed(exec->own_budget, capacity * sizeof *slots, &slots, err));
        for (uint64_t o = q->base; o < q->end; o++) slots[o & (capacity - 1)] = q->slots[o & (q->capacity - 1)];
        vonk_free(q->slots);
        q->slots = slots;
        q->capacity = capacity;
    }
    if (ordinal >= q->end) q->end = ordinal + 1;
    *ret = &q->slots[ordinal & (q->capacity - 1)];
    return VONK_OK;
}

void vonk__result_signal(vonk_exec *exec)
{
    void (*wake)(void *) = exec->result.wake;
    void *arg = exec->result.wake_arg;
    exec->result.wake = NULL;
    vonk_cond_broadcast(&exec->changed);
    if (wake) wake(arg);
}

size_t vonk__result_room(const vonk_budget *budget)
{
    int64_t part = vonk_budget_limit(budget) / QUEUE_PART;
    return (size_t)(part < QUEUE_BYTES ? part : QUEUE_BYTES);
}

static bool full(const exec_result *q, uint64_t ordinal, const result_slot *slot)
{
    if (q->n_batches < QUEUE_BATCHES && q->n_bytes < q->most_bytes) return false;
    return ordinal != q->base || slot->batches.n - slot->first >= QUEUE_BATCHES / 2 ||
           (slot->batches.n > slot->first && q->n_bytes >= q->most_bytes);
}

/* Lock held: the ended prefix may have grown, or its last open morsel. */
static void check_limit(vonk_exec *exec)
{
    exec_result *q = &exec->result;
    if (q->want < 0 || q->satisfied) return;
    while (q->prefix_end < q->end && q->slots[q->prefix_end & (q->capacity - 1)].ended) {
        q->prefix_rows += (int64_t)q->slots[q->prefix_end & (q->capacity - 1)].n_rows;
        q->prefix_end++;
    }
    int64_t open_rows = q->prefix_end < q->end ? (int64_t)q->slots[q->prefix_end & (q->capacity - 1)].n_rows : 0;
    if (q->prefix_rows + open_rows >= q->want) {
        q->satisfied = true;
        vonk__exec_stop(exec, 0);
        vonk__result_signal(exec);
    }
}

/* Lock held. */
static vonk_status put(vonk_exec *exec, vonk_lane *lane, vonk_batch **inout, vonk_flow *ret_flow, vonk_error *err)
{
    exec_result *q = &exec->result;
    result_slot *slot = NULL;
    if (q->satisfied) {
        *ret_flow = VONK_ENOUGH;
        return VONK_OK;
    }
    VONK_TRY(slot_of(exec, lane->ordinal, &slot, err));
    if (full(q, lane->ordinal, slot)) {
        vonk_wake *token = NULL;
        VONK_TRY(vonk_lane_park(lane, &token, err));
        vonk_status st = VONK_VEC_PUSH(&q->parked, exec->own_budget, token, err);
        if (st != VONK_OK) vonk_wake_up(token);
        *ret_flow = VONK_WAIT;
        return st;
    }
    VONK_TRY(VONK_VEC_PUSH(&slot->batches, exec->own_budget, *inout, err));
    slot->n_rows += (*inout)->n_rows;
    q->n_batches++;
    q->n_bytes += vonk_batch_bytes(*inout);
    *inout = NULL;
    if (q->want >= 0 && slot->n_rows >= (uint64_t)q->want) *ret_flow = VONK_ENOUGH;
    if (lane->ordinal == q->base) vonk__result_signal(exec);
    check_limit(exec);
    return VONK_OK;
}

static vonk_status result_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                               vonk_flow *ret_flow, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL;
    VONK_TRY(vonk_batch_compact(in, &b, err));
    if (atomic_load(&b->refs) == 1) {
        b->partition = in->partition;
        b->sequence = in->sequence;
    }
    vonk_mutex_lock(&op->exec->lock);
    vonk_status st = put(op->exec, lane, &b, ret_flow, err);
    vonk_mutex_unlock(&op->exec->lock);
    return st;
}

static vonk_status result_end_morsel(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                     vonk_error *err)
{
    vonk_exec *exec = op->exec;
    result_slot *slot = NULL;
    vonk_mutex_lock(&exec->lock);
    vonk_status st = slot_of(exec, lane->ordinal, &slot, err);
    if (st == VONK_OK) {
        slot->ended = true;
        if (lane->ordinal == exec->result.base) vonk__result_signal(exec);
        check_limit(exec);
    }
    vonk_mutex_unlock(&exec->lock);
    return st;
}

static bool result_wants(vonk_op *op, int32_t partition, uint64_t ordinal) { return !op->exec->result.satisfied; }

static const vonk_input_class result_input = {.sink = true,
                                              .order = VONK_ORDER_KEEPS,
                                              .push = result_push,
                                              .end_morsel = result_end_morsel,
                                              .wants = result_wants};
const vonk_op_class vonk__op_result = {.name = "result", .n_inputs = 1, .inputs = &result_input};

/* ---- taking */

typedef VONK_VEC(vonk_wake *) wake_list;

/* Lock held: lanes that may go on now; they are woken after the lock is given up. */
static void steal_parked(exec_result *q, wake_list *into)
{
    into->at = q->parked.at;
    into->n = q->parked.n;
    q->parked.at = NULL;
    q->parked.n = q->parked.capacity = 0;
}

static void wake_all(wake_list *list)
{
    for (size_t i = 0; i < list->n; i++) vonk_wake_up(list->at[i]);
    vonk_free(list->at);
    *list = (wake_list){0};
}

/* Lock held. The next batch that is there, whole. */
static vonk_batch *pop(vonk_exec *exec, bool *ret_wake)
{
    exec_result *q = &exec->result;
    while (q->base < q->end) {
        result_slot *slot = &q->slots[q->base & (q->capacity - 1)];
        if (slot->first < slot->batches.n) {
            vonk_batch *b = slot->batches.at[slot->first++];
            q->n_batches--;
            q->n_bytes -= vonk_batch_bytes(b);
            if (slot->first == slot->batches.n) {
                slot->first = slot->batches.n = 0;
                *ret_wake = true; /* its lane may be parked on its own full slot */
            }
            if (q->n_batches <= QUEUE_BATCHES / 2 && q->n_bytes <= q->most_bytes / 2) *ret_wake = true;
            return b;
        }
        if (!slot->ended) return NULL;
        vonk_free(slot->batches.at);
        *slot = (result_slot){0};
        q->base++;
        *ret_wake = true;
    }
    return NULL;
}

/* OFFSET and LIMIT; *inout becomes NULL when nothing of it is wanted. */
static vonk_status cut(exec_result *q, vonk_batch **inout, vonk_error *err)
{
    vonk_batch *b = *inout, *piece = NULL;
    int64_t from = q->skip < b->n_sel ? q->skip : b->n_sel;
    int64_t n = b->n_sel - from;
    q->skip -= from;
    if (q->take >= 0 && n > q->take) n = q->take;
    if (q->take >= 0) q->take -= n;
    if (n == b->n_sel) return VONK_OK;
    *inout = NULL;
    vonk_status st = n > 0 ? vonk_batch_slice(b, (uint32_t)from, (uint32_t)n, &piece, err) : VONK_OK;
    vonk_batch_unref(b);
    *inout = piece;
    return st;
}

/* Lock held. True: *ret or the end or an error is known. */
static bool take(vonk_exec *exec, bool *ret_wake, vonk_batch **ret, vonk_status *ret_st, vonk_error *err)
{
    exec_result *q = &exec->result;
    for (;;) {
        if (atomic_load(&exec->cancelled)) {
            *ret_st = VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
            return true;
        }
        if (q->take == 0) return true;
        vonk_batch *b = pop(exec, ret_wake);
        if (b) {
            *ret_st = cut(q, &b, err);
            *ret = b;
            if (*ret_st != VONK_OK || b) return true;
            continue;
        }
        if (q->complete && exec->error.cls == VONK_OK) return true;
        if (!q->complete && !exec->all_done) return false;
        if (exec->error.cls != VONK_OK) vonk_error_copy(err, &exec->error);
        *ret_st = exec->error.cls;
        return true;
    }
}

static void run_deferred(vonk_exec *exec)
{
    exec_runner *r = exec->lanes[0];
    exec->deferred = false;
    exec->inline_run = true;
    r->state = LANE_ACTIVE;
    exec->n_active++;
    vonk_mutex_unlock(&exec->lock);
    vonk__lane_run(r, vonk_clock_mono_ns() + INLINE_NS);
    vonk_mutex_lock(&exec->lock);
}

static vonk_status get(vonk_exec *exec, bool block, void (*wake)(void *), void *arg, bool *ret_ready, vonk_batch **ret,
                       vonk_error *err)
{
    vonk_status st = VONK_OK;
    bool wake_lanes = false, ready;
    wake_list woken = {0};
    *ret = NULL;
    vonk_mutex_lock(&exec->lock);
    if (exec->deferred) run_deferred(exec);
    while (!(ready = take(exec, &wake_lanes, ret, &st, err)) && block) {
        if (wake_lanes) {
            steal_parked(&exec->result, &woken);
            vonk_mutex_unlock(&exec->lock);
            wake_all(&woken);
            wake_lanes = false;
            vonk_mutex_lock(&exec->lock);
            continue;
        }
        vonk_cond_wait(&exec->changed, &exec->lock);
    }
    if (wake_lanes) steal_parked(&exec->result, &woken);
    if (!ready) {
        exec->result.wake = wake;
        exec->result.wake_arg = arg;
    }
    vonk_mutex_unlock(&exec->lock);
    wake_all(&woken);
    *ret_ready = ready;
    return st;
}

vonk_status vonk_exec_next(vonk_exec *exec, vonk_batch **ret, vonk_error *err)
{
    bool ready;
    return get(exec, true, NULL, NULL, &ready, ret, err);
}

vonk_status vonk_exec_poll(vonk_exec *exec, void (*wake)(void *), void *arg, bool *ret_ready, vonk_batch **ret,
                           vonk_error *err)
{
    return get(exec, false, wake, arg, ret_ready, ret, err);
}

void vonk__result_done(vonk_exec *exec)
{
    exec_result *q = &exec->result;
    for (uint64_t o = q->base; o < q->end; o++) {
        result_slot *slot = &q->slots[o & (q->capacity - 1)];
        for (size_t i = slot->first; i < slot->batches.n; i++) vonk_batch_unref(slot->batches.at[i]);
        vonk_free(slot->batches.at);
    }
    vonk_free(q->slots);
    for (size_t i = 0; i < q->parked.n; i++)
        vonk_wake_up(q->parked.at[i]); /* nobody is parked any more: gives the tokens back */
    vonk_free(q->parked.at);
}
