/* exec/agg_global.c -- aggregates without keys: one row comes out, whatever goes in.
 *
 * A lane keeps one set of states per morsel; at the morsel's end they are saved, and at the very end merged in order of
 * ordinals. So functions that need order have it, and sums of doubles do not depend on threads. */
#include <stdlib.h>

#include "exec/agg_int.h"

static void init_states(const agg_shared *s, uint8_t *row)
{
    memset(row, 0, s->groups.layout->row_bytes);
    for (uint32_t i = 0; i < s->n_fns; i++) {
        if (s->fns[i].agg->init) s->fns[i].agg->init(s->fns[i].call, row + s->fns[i].state_at);
    }
}

vonk_status vonk__global_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    const agg_shared *s = op->shared;
    global_local *l = local;
    VONK_TRY(vonk__agg_lane_open(op, lane, &l->lane, err));
    VONK_TRY(vonk_alloc(op->budget, s->groups.layout->row_bytes, &l->states, err));
    return VONK_OK;
}

void vonk__global_local_close(vonk_op *op, void *local)
{
    global_local *l = local;
    vonk_free(l->states);
    vonk__agg_lane_close(op, &l->lane);
}

static vonk_status update_one(const agg_shared *s, const agg_fn *f, global_local *l, vonk_lane *lane, vonk_rows rows,
                              vonk_error *err)
{
    agg_scratch *x = &l->lane.scratch;
    uint8_t *state = l->states + f->state_at;
    vonk_column *const *args = l->lane.values + f->first_arg;
    if (f->filter != UINT32_MAX) {
        uint32_t n = vonk__agg_filter(f, l->lane.values, rows, x->left);
        for (uint32_t i = 0; i < n; i++) x->idx[i] = vonk_row_at(rows, x->left[i]);
        rows = (vonk_rows){x->idx, n};
        if (n == 0) return VONK_OK;
    }
    if (!s->saved_in && f->agg->update_one)
        return f->agg->update_one(f->call, &lane->ev, l->lane.heap, args, rows, state, err);
    for (uint32_t k = 0; k < rows.n; k++) x->states[k] = state;
    return s->saved_in ? f->agg->merge(f->call, &lane->ev, l->lane.heap, args, rows, x->states, err)
                       : f->agg->update(f->call, &lane->ev, l->lane.heap, args, rows, x->states, err);
}

vonk_status vonk__global_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    const agg_shared *s = op->shared;
    global_local *l = local;
    if (!l->used) init_states(s, l->states);
    l->used = true;
    VONK_TRY(vonk__agg_scratch(&l->lane.scratch, op->budget, in->n_sel, err));
    vonk_status st = vonk__agg_eval(op, lane, &l->lane, in, err);
    for (uint32_t i = 0; i < s->n_fns && st == VONK_OK; i++) {
        lane->ev.local = l->lane.fn_locals[i];
        st = update_one(s, &s->fns[i], l, lane, vonk_batch_rows(in), err);
    }
    vonk__agg_drop_values(s, &l->lane);
    return st;
}

static vonk_status save_states(vonk_op *op, vonk_lane *lane, global_local *l, vonk_column **saved, vonk_error *err)
{
    const agg_shared *s = op->shared;
    vonk_budget *budget = lane->ev.budget;
    vonk_status st = VONK_OK;
    lane->ev.budget = op->budget; /* they stay here */
    for (uint32_t i = 0; i < s->n_fns && st == VONK_OK; i++) {
        const agg_fn *f = &s->fns[i];
        uint8_t *state = l->states + f->state_at;
        lane->ev.local = l->lane.fn_locals[i];
        st = vonk__agg_save(f, &lane->ev, &state, 1, saved + f->first_saved, err);
    }
    lane->ev.budget = budget;
    return st;
}

static void drop_saved(const agg_shared *s, morsel_states *m)
{
    for (uint32_t i = 0; i < s->n_saved; i++) vonk_column_unref(m->saved[i]);
    vonk_free(m->saved);
}

vonk_status vonk__global_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    global_shared *g = op->shared;
    agg_shared *s = &g->agg;
    global_local *l = local;
    morsel_states m = {.ordinal = lane->ordinal};
    if (!l->used) return VONK_OK;
    l->used = false;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_saved + 1) * sizeof *m.saved, &m.saved, err));
    vonk_status st = save_states(op, lane, l, m.saved, err);
    vonk_arena_reset(l->lane.heap);
    if (st == VONK_OK) {
        VONK_LOCKED(&s->lock);
        st = VONK_VEC_PUSH(&g->morsels, op->budget, m, err);
    }
    if (st != VONK_OK) drop_saved(s, &m);
    return st;
}

static int by_ordinal(const void *a, const void *b)
{
    const morsel_states *x = a, *y = b;
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

vonk_status vonk__global_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    global_shared *g = op->shared;
    agg_shared *s = &g->agg;
    if (g->morsels.n > 1) qsort(g->morsels.at, g->morsels.n, sizeof *g->morsels.at, by_ordinal);
    VONK_TRY(vonk_arena_new(op->budget, &g->heap, err));
    VONK_TRY(vonk_alloc(op->budget, s->groups.layout->row_bytes, &g->final, err));
    init_states(s, g->final);
    for (uint32_t i = 0; i < s->n_fns; i++) {
        const agg_fn *f = &s->fns[i];
        uint8_t *state = g->final + f->state_at;
        lane->ev.local = NULL;
        if (f->call->local_bytes) VONK_TRY(vonk_arena_alloc(lane->scratch, f->call->local_bytes, &lane->ev.local, err));
        vonk_status st = VONK_OK;
        for (size_t k = 0; k < g->morsels.n && st == VONK_OK; k++)
            st = f->agg->merge(f->call, &lane->ev, g->heap, g->morsels.at[k].saved + f->first_saved, VONK_ALL_ROWS(1),
                               &state, err);
        if (lane->ev.local && f->call->local_done) f->call->local_done(lane->ev.local);
        VONK_TRY(st);
    }
    return VONK_OK;
}

static vonk_status global_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    *ret_n = 1;
    return VONK_OK;
}

static vonk_status global_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                                vonk_error *err)
{
    *(bool *)local = false;
    return VONK_OK;
}

static vonk_status global_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                               vonk_error *err)
{
    global_shared *g = op->shared;
    bool *given = local;
    vonk_batch *batch = NULL;
    if (*given) return VONK_OK;
    *given = true;
    VONK_TRY(vonk__agg_output(op, lane, &g->final, 1, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

void vonk__global_close(vonk_op *op)
{
    global_shared *g = op->shared;
    for (size_t i = 0; i < g->morsels.n; i++) drop_saved(&g->agg, &g->morsels.at[i]);
    vonk_free(g->morsels.at);
    vonk_free(g->final);
    vonk_arena_free(g->heap);
    vonk__agg_close(op);
}

static const vonk_input_class global_input = {.sink = true,
                                              .order = VONK_ORDER_KEEPS,
                                              .local_size = sizeof(global_local),
                                              .local_open = vonk__global_local_open,
                                              .push = vonk__global_push,
                                              .end_morsel = vonk__global_end,
                                              .finish = vonk__global_finish,
                                              .local_close = vonk__global_local_close};
static const vonk_source_class global_source = {
    .local_size = sizeof(bool), .n_morsels = global_n_morsels, .start = global_start, .next = global_next};
const vonk_op_class vonk__op_global_aggregate = {.name = "global_aggregate",
                                                 .shared_size = sizeof(global_shared),
                                                 .open = vonk__agg_open,
                                                 .close = vonk__global_close,
                                                 .n_inputs = 1,
                                                 .inputs = &global_input,
                                                 .source = &global_source};
