/* exec/pipeline.c -- what is there to do: hands out units of work in order, and notices when a pipeline, an input, a
 * stage is at its end. Called with exec->lock held, but for vonk__pipeline_start.
 *
 * Two kinds of work: `todo` (starts, merges, finishes, steps, stages: first in, first out) and morsels of the started
 * pipelines, lowest pipeline first. A morsel gets its ordinal when it is handed out, so ordinals are dense per sink;
 * pipelines of one sink hand out one after the other. */
#include "exec/exec_int.h"

static void pipeline_end(vonk_exec *exec, exec_pipeline *p);
static void port_finish(vonk_exec *exec, exec_port *port);
static void port_done(vonk_exec *exec, exec_port *port);
static bool take_morsel(vonk_exec *exec, exec_pipeline *p, exec_work *ret);

static uint64_t place(uint32_t pipeline, uint64_t ordinal) { return (uint64_t)(pipeline + 1) << 32 | ordinal; }

uint64_t vonk__work_position(const exec_work *work)
{
    switch (work->kind) {
    case WORK_MORSEL: return place(work->pipeline->number, work->ordinal);
    case WORK_START: return place(work->pipeline->number, 0);
    case WORK_MERGE:
    case WORK_FINISH:
    case WORK_STEP: return place(work->port->last_pipeline, UINT32_MAX);
    case WORK_STAGE:
    case WORK_NONE: break;
    }
    return UINT64_MAX - 1;
}

/* There is always room: reserved when the pipelines are built (lower.c). */
void vonk__todo_add(vonk_exec *exec, exec_work work)
{
    assert(exec->todo.n < exec->todo.capacity);
    exec->todo.at[exec->todo.n++] = work;
}

static bool take_todo(vonk_exec *exec, exec_work *ret)
{
    uint64_t stop_at = atomic_load(&exec->stop_at);
    for (size_t i = 0; i < exec->todo.n; i++) {
        if (vonk__work_position(&exec->todo.at[i]) >= stop_at) continue;
        *ret = exec->todo.at[i];
        exec_port *port = ret->port;
        if (ret->kind == WORK_STEP) { /* one entry stands for all steps */
            ret->i = port->at_step++;
            if (port->at_step < port->n_steps) return true;
        }
        memmove(exec->todo.at + i, exec->todo.at + i + 1, (exec->todo.n - i - 1) * sizeof *exec->todo.at);
        exec->todo.n--;
        return true;
    }
    return false;
}

bool vonk__work_take(vonk_exec *exec, exec_work *ret)
{
    bool got = take_todo(exec, ret);
    for (exec_pipeline *p = exec->pipelines; p && !got; p = p->next) {
        if (p->state != PIPELINE_READY) continue;
        if (p->feeder && p->feeder->state < PIPELINE_DRAINING) continue;
        got = take_morsel(exec, p, ret);
    }
    if (got)
        exec->n_working++;
    else
        ret->kind = WORK_NONE; /* it may hold a morsel that nobody wants: the lane would run it when it is woken */
    return got;
}

static bool wanted(const exec_pipeline *p, uint64_t ordinal)
{
    for (uint32_t i = 0; i < p->n_items; i++) {
        const path_item *item = &p->items[i];
        if (item->port->cls->wants &&
            !item->port->cls->wants(item->port->op, (int32_t)vonk__partition_at(item, p->at_partition), ordinal))
            return false;
    }
    return true;
}

/* A unit of a serial pipeline: the partitions that are one at the sink. Others: a morsel of one partition. */
static uint32_t unit_end(const exec_pipeline *p, uint32_t partition)
{
    const path_item *sink = &p->items[p->n_items - 1];
    uint32_t end = partition + 1;
    while (p->serial && sink->map && end < p->n_partitions && sink->map[end] == sink->map[partition]) end++;
    return end;
}

static void all_handed_out(vonk_exec *exec, exec_pipeline *p)
{
    p->state = PIPELINE_DRAINING;
    for (exec_pipeline *q = p->next; q; q = q->next) {
        if (q->feeder == p && q->state == PIPELINE_READY) vonk__exec_kick(exec, q->n_total);
    }
    if (p->n_running == 0) pipeline_end(exec, p);
}

static bool take_morsel(vonk_exec *exec, exec_pipeline *p, exec_work *ret)
{
    exec_port *sink = p->items[p->n_items - 1].port;
    while (p->at_partition < p->n_partitions) {
        uint32_t n = p->n_morsels[p->at_partition];
        if (p->at_morsel >= n && !p->empty_too) {
            p->at_partition++;
            p->at_morsel = 0;
            continue;
        }
        if (place(p->number, sink->next_ordinal) >= atomic_load(&exec->stop_at)) return false;
        bool want = wanted(p, sink->next_ordinal);
        *ret = (exec_work){.kind = WORK_MORSEL,
                           .pipeline = p,
                           .partition = p->at_partition,
                           .first_partition = p->at_partition,
                           .end_partition = unit_end(p, p->at_partition),
                           .morsel = p->at_morsel};
        if (p->serial)
            p->at_partition = ret->end_partition;
        else
            p->at_morsel++;
        if (!want) { /* nor the others of the partition: a range has millions of them */
            const uint32_t n_skipped = p->serial ? 1 : n - ret->morsel;
            if (!p->serial) p->at_morsel = n;
            p->n_done += n_skipped;
            atomic_fetch_add(&exec->stages.at[p->stage]->n_done_units, n_skipped);
            continue;
        }
        ret->ordinal = sink->next_ordinal++;
        p->n_running++;
        return true;
    }
    all_handed_out(exec, p);
    /* That may have given something else to do. */
    return take_todo(exec, ret);
}

void vonk__work_done(vonk_exec *exec, const exec_work *work, uint32_t n_steps)
{
    exec_pipeline *p = work->pipeline;
    exec_port *port = work->port;
    bool failed = vonk__work_position(work) >= atomic_load(&exec->stop_at);
    exec->n_working--;
    if (p && work->kind == WORK_MORSEL) p->n_running--;
    if (failed) return; /* nothing that depends on it may go on */
    switch (work->kind) {
    case WORK_MORSEL:
        p->n_done++;
        atomic_fetch_add(&exec->stages.at[p->stage]->n_done_units, 1);
        if (p->state == PIPELINE_DRAINING && p->n_running == 0) pipeline_end(exec, p);
        break;
    case WORK_START:
        p->state = PIPELINE_READY;
        atomic_fetch_add(&exec->stages.at[p->stage]->n_units, p->n_total);
        if (p->n_total == 0)
            all_handed_out(exec, p);
        else
            vonk__exec_kick(exec, p->n_total - 1);
        break;
    case WORK_MERGE:
        if (--port->n_left == 0) port_finish(exec, port);
        break;
    case WORK_FINISH:
        if (n_steps == 0) {
            port_done(exec, port);
            break;
        }
        port->state = PORT_STEPPING;
        port->n_left = port->n_steps = n_steps;
        port->at_step = 0;
        vonk__todo_add(exec, (exec_work){.kind = WORK_STEP, .port = port});
        vonk__exec_kick(exec, n_steps - 1);
        break;
    case WORK_STEP:
        if (--port->n_left == 0) port_done(exec, port);
        break;
    case WORK_STAGE: vonk__stage_attach(exec, work->i); break;
    case WORK_NONE: break;
    }
}

static void pipeline_end(vonk_exec *exec, exec_pipeline *p)
{
    p->state = PIPELINE_DONE;
    for (uint32_t i = 0; i < p->n_items; i++) {
        exec_port *port = p->items[i].port;
        if (--port->n_pipelines_left > 0) continue;
        port->state = PORT_MERGING;
        for (uint32_t lane = 0; port->cls->merge && lane < exec->n_lanes; lane++) {
            if (!port->locals[lane]) continue;
            port->n_left++;
            vonk__todo_add(exec, (exec_work){.kind = WORK_MERGE, .port = port, .i = lane});
        }
        if (port->n_left == 0)
            port_finish(exec, port);
        else
            vonk__exec_kick(exec, port->n_left - 1);
    }
}

static void port_finish(vonk_exec *exec, exec_port *port)
{
    port->state = PORT_FINISHING;
    if (port->cls->finish)
        vonk__todo_add(exec, (exec_work){.kind = WORK_FINISH, .port = port});
    else
        port_done(exec, port);
}

/* The stage's last input is at its end: the next stage, or the end of the result. */
static void stage_end(vonk_exec *exec, uint32_t stage)
{
    exec->stages.at[stage]->done = true;
    if (stage + 1 < exec->stages.n) {
        vonk__todo_add(exec, (exec_work){.kind = WORK_STAGE, .i = stage + 1});
    } else {
        exec->result.complete = true;
        vonk__result_signal(exec);
    }
}

static bool ready_to_start(const exec_pipeline *p)
{
    for (uint32_t i = 0; i < p->n_deps; i++) {
        if (p->deps[i]->state != PORT_DONE) return false;
    }
    return p->state == PIPELINE_WAITING;
}

void vonk__start_ready(vonk_exec *exec)
{
    uint64_t n = 0;
    for (exec_pipeline *p = exec->pipelines; p; p = p->next) {
        if (!ready_to_start(p)) continue;
        p->state = PIPELINE_STARTING;
        vonk__todo_add(exec, (exec_work){.kind = WORK_START, .pipeline = p});
        n++;
    }
    if (n > 1) vonk__exec_kick(exec, n - 1);
}

static void port_done(vonk_exec *exec, exec_port *port)
{
    port->state = PORT_DONE;
    if (port->ends_stage) stage_end(exec, port->stage);
    vonk__start_ready(exec);
}

/* Not under the lock: sources may look at files. */
vonk_status vonk__pipeline_start(exec_pipeline *p, vonk_error *err)
{
    vonk_op *op = p->source;
    uint64_t total = 0;
    for (uint32_t i = 0; i < p->n_partitions; i++) VONK_TRY(op->cls->source->n_morsels(op, i, &p->n_morsels[i], err));
    for (uint32_t i = 0, end = 0; i < p->n_partitions; i = end) {
        bool any = p->empty_too;
        end = unit_end(p, i);
        for (uint32_t k = i; k < end; k++) any |= p->n_morsels[k] > 0;
        total += p->serial ? any : p->n_morsels[i];
    }
    p->n_total = total;
    return VONK_OK;
}
