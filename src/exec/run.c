/* exec/run.c -- a lane at work: takes a unit, pushes batches up its pipeline without recursion, parks, gives way.
 *
 * The pushing is a small machine: pending[i] is the batch that item i of the path has not finished with. The highest
 * pending item always runs first, so at most one batch waits per item, a lane can stop between any two calls, and AGAIN
 * and WAIT are the same thing: the batch stays where it is. */
#include "exec/exec_int.h"
#include "sys/clock.h"

struct vonk_wake {
    _Atomic int state; /* WAKE_* */
    _Atomic int refs;  /* lane and owner */
    exec_runner *runner;
};
enum { WAKE_ARMED, WAKE_PARKED, WAKE_WOKEN };

static void wake_unref(vonk_wake *w)
{
    if (atomic_fetch_sub(&w->refs, 1) == 1) vonk_free(w);
}

#define SLICE_NS INT64_C(3000000) /* a lane gives way after this long when somebody waits */

typedef enum verdict { UNIT_DONE, UNIT_PARKED, UNIT_LATE } verdict;
static verdict run_unit(exec_runner *r, int64_t slice_end, int64_t deadline_ns, vonk_status *ret_st);
static verdict run_morsel(exec_runner *r, int64_t slice_end, int64_t deadline_ns, vonk_status *ret_st);
static vonk_status morsel_begin(exec_runner *r, vonk_error *err);
static void morsel_drop(exec_runner *r);
static bool park(exec_runner *r);

void vonk__lane_run(exec_runner *r, int64_t deadline_ns)
{
    vonk_exec *exec = r->pub.exec;
    int64_t slice_end = vonk_clock_mono_ns() + SLICE_NS;
    for (;;) {
        if (r->work.kind == WORK_NONE) {
            vonk_mutex_lock(&exec->lock);
            if (!vonk__work_take(exec, &r->work)) {
                r->state = LANE_IDLE;
                exec->n_active--;
                if (exec->n_active + exec->n_parked == 0) {
                    assert(exec->n_working == 0);
                    exec->all_done = true;
                    vonk__result_signal(exec);
                }
                vonk_mutex_unlock(&exec->lock);
                return; /* nothing of the execution may be touched any more */
            }
            vonk_mutex_unlock(&exec->lock);
        }
        vonk_status st = VONK_OK;
        verdict v = run_unit(r, slice_end, deadline_ns, &st);
        if (v == UNIT_PARKED) {
            if (park(r)) return;
            continue;
        }
        if (v == UNIT_LATE) {
            vonk_mutex_lock(&exec->lock);
            if (exec->inline_run) {
                exec->inline_run = false;
                vonk__exec_kick(exec, exec->n_lanes);
            }
            vonk__pool_submit(exec->env.pool, r);
            vonk_mutex_unlock(&exec->lock);
            return;
        }
        vonk_mutex_lock(&exec->lock);
        if (st != VONK_OK) vonk__exec_fail(exec, &r->work, &r->error);
        vonk__work_done(exec, &r->work, r->steps);
        r->work.kind = WORK_NONE;
        vonk_mutex_unlock(&exec->lock);
        vonk_error_reset(&r->error);
    }
}

static verdict run_unit(exec_runner *r, int64_t slice_end, int64_t deadline_ns, vonk_status *ret_st)
{
    vonk_exec *exec = r->pub.exec;
    exec_port *port = r->work.port;
    vonk_error *err = &r->error;
    uint32_t i = r->work.i;
    if (r->work.kind == WORK_MORSEL) return run_morsel(r, slice_end, deadline_ns, ret_st);
    vonk_arena_reset(r->pub.scratch);
    int64_t t0 = vonk_clock_mono_ns();
    switch (r->work.kind) {
    case WORK_START: *ret_st = vonk__pipeline_start(r->work.pipeline, err); break;
    case WORK_MERGE: *ret_st = port->cls->merge(port->op, &r->pub, port->locals[i], err); break;
    case WORK_FINISH:
        r->steps = 0;
        *ret_st = port->cls->finish(port->op, &r->pub, &r->steps, err);
        break;
    case WORK_STEP: *ret_st = port->cls->step(port->op, &r->pub, i, err); break;
    case WORK_STAGE: *ret_st = vonk__lower_stage(exec, i, err); break;
    case WORK_NONE:
    case WORK_MORSEL: assert(false); break;
    }
    if (port)
        atomic_fetch_add_explicit(&port->op->metrics.time_ns, (uint64_t)(vonk_clock_mono_ns() - t0),
                                  memory_order_relaxed);
    return UNIT_DONE;
}

/* ---- one morsel */

static bool stopped(const exec_runner *r)
{
    return r->position >= atomic_load_explicit(&r->pub.exec->stop_at, memory_order_relaxed);
}

static void count_out(vonk_op *op, const vonk_batch *b)
{
    atomic_fetch_add_explicit(&op->metrics.rows_out, b->n_sel, memory_order_relaxed);
    atomic_fetch_add_explicit(&op->metrics.batches_out, 1, memory_order_relaxed);
}

/* Own header for a batch that others see too. */
static vonk_status own_header(vonk_budget *budget, vonk_batch **inout, vonk_error *err)
{
    vonk_batch *old = *inout, *copy = NULL;
    if (atomic_load_explicit(&old->refs, memory_order_acquire) == 1) return VONK_OK;
    VONK_TRY(vonk_batch_new(budget, old->n_rows, old->columns, old->n_columns, &copy, err));
    copy->n_sel = old->n_sel;
    copy->sel = old->sel;
    copy->sel_buffer = old->sel_buffer ? vonk_buffer_ref(old->sel_buffer) : NULL;
    vonk_batch_unref(old);
    *inout = copy;
    return VONK_OK;
}

/* `batch` has come out below item `to`. */
static vonk_status hand_on(exec_runner *r, vonk_op *from, int64_t to, vonk_batch *batch, vonk_error *err)
{
    const exec_pipeline *p = r->work.pipeline;
    while (!p->items[to].port->cls->push) /* rows just pass */
        count_out(p->items[to++].port->op, batch);
    if (batch->n_sel == 0 || to <= r->discard) {
        vonk_batch_unref(batch);
        return VONK_OK;
    }
    count_out(from, batch);
    r->pending[to] = batch;
    r->pending_top = r->fresh = to;
    if (to + 1 == (int64_t)p->n_items) { /* the sink sees where it stands */
        VONK_TRY(own_header(r->pub.budget, &r->pending[to], err));
        r->pending[to]->partition = (int32_t)vonk__partition_at(&p->items[to], r->work.partition);
        r->pending[to]->sequence = r->work.ordinal << 32 | r->n_out++;
    }
    return VONK_OK;
}

static void done_with(exec_runner *r, int64_t item)
{
    vonk_batch_unref(r->pending[item]);
    r->pending[item] = NULL;
    while (r->pending_top >= 0 && !r->pending[r->pending_top]) r->pending_top--;
}

/* item NULL: at the source. */
static void set_place(exec_runner *r, const path_item *item)
{
    r->pub.partition = (int32_t)(item ? vonk__partition_at(item, r->work.partition) : r->work.partition);
    r->pub.ev.partition = r->pub.partition;
    r->pub.first_partition = item ? (int32_t)vonk__partition_at(item, r->work.first_partition) : r->pub.partition;
}

/* Nothing more is wanted of what the item at `at` calls a partition: is that all that is left of the unit? */
static bool ends_unit(const exec_runner *r, int64_t at)
{
    const path_item *item = &r->work.pipeline->items[at];
    return r->work.end_partition <= r->work.partition + 1 ||
           vonk__partition_at(item, r->work.end_partition - 1) == vonk__partition_at(item, r->work.partition);
}

static void drop_below(exec_runner *r, int64_t at)
{
    for (int64_t i = 0; i < at; i++) {
        vonk_batch_unref(r->pending[i]);
        r->pending[i] = NULL;
    }
}

static vonk_status step_push(exec_runner *r, vonk_flow *flow, vonk_error *err)
{
    const path_item *item = &r->work.pipeline->items[r->pending_top];
    exec_port *port = item->port;
    int64_t at = r->pending_top;
    vonk_out out = {0};
    set_place(r, item);
    if (r->fresh != at) vonk_arena_reset(r->pub.scratch); /* once more: else a join that fans out would fill it */
    r->fresh = -1;
    vonk_status st = port->cls->push(port->op, &r->pub, port->locals[r->pub.number], r->pending[at], &out, flow, err);
    if (st != VONK_OK) {
        vonk_batch_unref(out.batch);
        return st;
    }
    bool all = *flow == VONK_ENOUGH && ends_unit(r, at);
    if (out.batch) VONK_TRY(hand_on(r, port->op, at + 1, out.batch, err));
    if (*flow == VONK_ENOUGH) {
        drop_below(r, at);
        r->skip = true; /* the rest of this partition */
    }
    if (all) {
        r->discard = at + 1; /* what items below and this one keep back is not wanted */
        r->source_done = true;
        if (r->ending < 0) r->ending = 0;
    }
    if (*flow == VONK_MORE || *flow == VONK_ENOUGH) done_with(r, at);
    return VONK_OK;
}

/* The next morsel of the unit; false: there is none. */
static bool next_of_unit(exec_runner *r)
{
    const exec_pipeline *p = r->work.pipeline;
    if (!p->serial) return false;
    r->work.morsel++;
    while (r->work.morsel >= p->n_morsels[r->work.partition]) {
        if (r->work.partition + 1 >= r->work.end_partition) return false;
        r->work.partition++;
        r->work.morsel = 0;
    }
    return true;
}

static vonk_status step_source(exec_runner *r, vonk_flow *flow, vonk_error *err)
{
    exec_pipeline *p = r->work.pipeline;
    vonk_out out = {0};
    void *local = p->source_locals[r->pub.number];
    vonk_arena_reset(r->pub.scratch);
    set_place(r, NULL);
    if (!r->skip) {
        vonk_status st = p->source->cls->source->next(p->source, &r->pub, local, &out, flow, err);
        if (st != VONK_OK) {
            vonk_batch_unref(out.batch);
            return st;
        }
        if (out.batch) return hand_on(r, p->source, 0, out.batch, err);
        if (*flow == VONK_WAIT) return VONK_OK;
    } else {
        r->work.morsel = p->n_morsels[r->work.partition]; /* whatever it has left */
    }
    r->skip = false;
    if (next_of_unit(r))
        return p->source->cls->source->start(p->source, &r->pub, local, r->work.partition, r->work.morsel, err);
    r->source_done = true;
    if (r->ending < 0) r->ending = 0;
    return VONK_OK;
}

static vonk_status step_end(exec_runner *r, vonk_flow *flow, vonk_error *err)
{
    const path_item *item = &r->work.pipeline->items[r->ending];
    exec_port *port = item->port;
    vonk_out out = {0};
    int64_t at = r->ending;
    if (!port->cls->end_morsel) {
        r->ending++;
        return VONK_OK;
    }
    set_place(r, item);
    r->pub.unwanted = at + 1 <= r->discard;
    vonk_arena_reset(r->pub.scratch);
    vonk_status st = port->cls->end_morsel(port->op, &r->pub, port->locals[r->pub.number], &out, flow, err);
    if (st != VONK_OK) {
        vonk_batch_unref(out.batch);
        return st;
    }
    if (*flow == VONK_MORE || *flow == VONK_ENOUGH) r->ending++;
    if (out.batch) VONK_TRY(hand_on(r, port->op, at + 1, out.batch, err));
    return VONK_OK;
}

static verdict run_morsel(exec_runner *r, int64_t slice_end, int64_t deadline_ns, vonk_status *ret_st)
{
    vonk_exec *exec = r->pub.exec;
    vonk_error *err = &r->error;
    vonk_status st = VONK_OK;
    if (!r->running) st = morsel_begin(r, err);
    int64_t last = vonk_clock_mono_ns();
    while (st == VONK_OK && !stopped(r)) {
        vonk_flow flow = VONK_MORE;
        vonk_op *op;
        if (r->pending_top >= 0) {
            op = r->work.pipeline->items[r->pending_top].port->op;
            st = step_push(r, &flow, err);
        } else if (!r->source_done) {
            op = r->work.pipeline->source;
            st = step_source(r, &flow, err);
        } else if (r->ending < (int64_t)r->work.pipeline->n_items) {
            op = r->work.pipeline->items[r->ending].port->op;
            st = step_end(r, &flow, err);
        } else {
            break;
        }
        int64_t now = vonk_clock_mono_ns();
        atomic_fetch_add_explicit(&op->metrics.time_ns, (uint64_t)(now - last), memory_order_relaxed);
        last = now;
        if (st == VONK_OK && flow == VONK_WAIT) return UNIT_PARKED;
        if (st == VONK_OK && ((deadline_ns && now > deadline_ns) ||
                              (now > slice_end && !deadline_ns && vonk__pool_busy(exec->env.pool))))
            return UNIT_LATE;
    }
    morsel_drop(r);
    *ret_st = st;
    return UNIT_DONE;
}

static vonk_status open_local(exec_runner *r, exec_port *port, vonk_error *err)
{
    uint32_t lane = r->pub.number;
    if (port->locals[lane]) return VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(port->op->budget, port->cls->local_size, &port->locals[lane], err));
    return port->cls->local_open ? port->cls->local_open(port->op, &r->pub, port->locals[lane], err) : VONK_OK;
}

static vonk_status morsel_begin(exec_runner *r, vonk_error *err)
{
    exec_pipeline *p = r->work.pipeline;
    const vonk_source_class *source = p->source->cls->source;
    uint32_t lane = r->pub.number;
    r->running = true;
    r->source_done = r->skip = false;
    r->pending_top = r->ending = r->discard = r->fresh = -1;
    r->position = vonk__work_position(&r->work);
    r->pub.ordinal = r->work.ordinal;
    r->n_out = 0;
    if (r->pending_capacity < p->n_items) {
        VONK_TRY(vonk_realloc(r->pub.exec->own_budget, &r->pending, p->n_items * sizeof *r->pending, err));
        memset(r->pending + r->pending_capacity, 0, (p->n_items - r->pending_capacity) * sizeof *r->pending);
        r->pending_capacity = p->n_items;
    }
    for (uint32_t i = 0; i < p->n_items; i++) {
        set_place(r, &p->items[i]);
        VONK_TRY(open_local(r, p->items[i].port, err));
    }
    set_place(r, NULL);
    if (!p->source_locals[lane]) {
        VONK_TRY(vonk_alloc_zeroed(p->source->budget, source->local_size, &p->source_locals[lane], err));
        if (source->local_open) VONK_TRY(source->local_open(p->source, &r->pub, p->source_locals[lane], err));
    }
    if (p->n_morsels[r->work.partition] == 0 && !next_of_unit(r)) { /* there are no rows in it */
        r->source_done = true;
        r->ending = 0;
        return VONK_OK;
    }
    return source->start(p->source, &r->pub, p->source_locals[lane], r->work.partition, r->work.morsel, err);
}

static void morsel_drop(exec_runner *r)
{
    r->running = false;
    if (r->wake) wake_unref(r->wake); /* failed after it had asked for a token */
    r->wake = NULL;
    for (uint32_t i = 0; i < r->pending_capacity; i++) {
        vonk_batch_unref(r->pending[i]);
        r->pending[i] = NULL;
    }
    r->pending_top = -1;
    vonk_arena_reset(r->pub.scratch);
}

/* ---- parking */

vonk_status vonk_lane_park(vonk_lane *lane, vonk_wake **ret, vonk_error *err)
{
    exec_runner *r = (exec_runner *)lane;
    vonk_wake *w = NULL;
    assert(!r->wake);
    VONK_TRY(VONK_NEW(vonk_budget_root(), &w, err)); /* may outlive the query */
    w->runner = r;
    atomic_store(&w->refs, 2);
    r->wake = w;
    *ret = w;
    return VONK_OK;
}

/* The lane has been told to wait. True: it is parked and must not be touched; false: the news has come already. */
static bool park(exec_runner *r)
{
    vonk_exec *exec = r->pub.exec;
    vonk_wake *w = r->wake;
    int armed = WAKE_ARMED;
    assert(w);
    vonk_mutex_lock(&exec->lock);
    if (!stopped(r) && atomic_compare_exchange_strong(&w->state, &armed, WAKE_PARKED)) {
        r->state = LANE_PARKED;
        exec->n_active--;
        exec->n_parked++;
        if (exec->inline_run) {
            exec->inline_run = false;
            vonk__exec_kick(exec, exec->n_lanes);
        }
        vonk_mutex_unlock(&exec->lock);
        return true;
    }
    r->wake = NULL;
    vonk_mutex_unlock(&exec->lock);
    wake_unref(w);
    return false;
}

/* Lock held. */
static void unpark(exec_runner *r)
{
    vonk_exec *exec = r->pub.exec;
    vonk_wake *w = r->wake;
    r->wake = NULL;
    r->state = LANE_ACTIVE;
    exec->n_parked--;
    exec->n_active++;
    vonk__pool_submit(exec->env.pool, r);
    wake_unref(w);
}

void vonk_wake_up(vonk_wake *w)
{
    if (atomic_exchange(&w->state, WAKE_WOKEN) == WAKE_PARKED) {
        vonk_exec *exec = w->runner->pub.exec; /* alive: it has a parked lane */
        vonk_mutex_lock(&exec->lock);
        unpark(w->runner);
        vonk_mutex_unlock(&exec->lock);
    }
    wake_unref(w);
}

/* ---- waking and failing */

void vonk__exec_kick(vonk_exec *exec, uint64_t n)
{
    if (exec->inline_run) return;
    for (uint32_t i = 0; i < exec->n_lanes && n > 0; i++) {
        exec_runner *r = exec->lanes[i];
        if (r->state != LANE_IDLE) continue;
        r->state = LANE_ACTIVE;
        exec->n_active++;
        n--;
        vonk__pool_submit(exec->env.pool, r);
    }
}

void vonk__exec_stop(vonk_exec *exec, uint64_t position)
{
    if (position >= atomic_load(&exec->stop_at)) return;
    atomic_store(&exec->stop_at, position);
    for (uint32_t i = 0; i < exec->n_lanes; i++) {
        exec_runner *r = exec->lanes[i];
        if (r->state != LANE_PARKED || !stopped(r)) continue;
        if (atomic_exchange(&r->wake->state, WAKE_WOKEN) == WAKE_PARKED) unpark(r);
    }
}

/* Of the result's rows; UINT32_MAX: the work is not part of the last pipelines. */
static uint32_t result_partition(const exec_work *work)
{
    if (work->kind != WORK_MORSEL) return UINT32_MAX;
    const path_item *last = &work->pipeline->items[work->pipeline->n_items - 1];
    return last->port->op->cls == &vonk__op_result ? vonk__partition_at(last, work->partition) : UINT32_MAX;
}

void vonk__exec_fail(vonk_exec *exec, const exec_work *work, vonk_error *take_error)
{
    const uint64_t position = vonk__work_position(work);
    if (position < atomic_load(&exec->stop_at)) {
        vonk_error_reset(&exec->error);
        vonk_error_move(&exec->error, take_error);
        exec->failed_partition = result_partition(work);
        vonk__exec_stop(exec, position);
    }
    vonk_error_reset(take_error);
}
