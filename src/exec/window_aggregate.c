/* exec/window_aggregate.c -- aggregates over frames. A state of its own for each different frame of the block, finished
 * together; what must not be copied is finished one by one.
 *
 *   whole     one state per partition; its result goes to all rows
 *   growing   one state, rows are added as the frame's end moves on; a copy per row
 *   sliding   two parts: for [middle, high) one state that grows; for [low, middle) a state for every low, made
 *             backwards when `low` has come to the last middle. Each row is added about twice, whatever the width
 *   each      every frame from its first row on, as Spark does it: sums of floating-point numbers come out the same */
#include "exec/window_int.h"

#define FRONT_ROWS 65536
#define HEAP_KEPT (1 << 20)

/* ---- adding rows */

static uint32_t passing(const window_shared *s, const win_fn *f, const win_block *b, uint32_t from, uint32_t n,
                        uint32_t *list)
{
    const vonk_column *c = win_value(s, b, f->filter);
    uint32_t kept = 0;
    for (uint32_t i = from; i < from + n; i++) {
        if ((!c->validity || vonk_bit_get(c->validity, i)) && vonk_bit_get(c->data, i)) list[kept++] = i;
    }
    return kept;
}

static vonk_status add_rows(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, vonk_rows rows,
                            uint8_t *state, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    vonk_column *const *args = b->batch->columns + s->n_in + f->first_arg;
    vonk_eval *ev = &w->lane->ev;
    if (rows.n == 0) return VONK_OK;
    ev->local = l->scratch;
    if (f->agg->update_one) return f->agg->update_one(f->call, ev, l->heap, args, rows, state, err);
    for (uint32_t i = 0; i < rows.n; i++) w->repeated[i] = state;
    return f->agg->update(f->call, ev, l->heap, args, rows, w->repeated, err);
}

/* Rows i .. i + n of a block, as far as they pass the filter. */
static vonk_status add_some(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, uint32_t i, uint32_t n,
                            uint8_t *state, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    vonk_rows rows = {f->whole_rows && i == 0 ? NULL : w->iota + i, n};
    if (f->filter != UINT32_MAX) {
        uint32_t *list = NULL;
        if (n == 1) {
            uint32_t one;
            return passing(s, f, b, i, 1, &one) ? add_rows(w, f, l, b, rows, state, err) : VONK_OK;
        }
        VONK_TRY(vonk_alloc_array(w->op->budget, n, sizeof *list, &list, err));
        rows = (vonk_rows){list, passing(s, f, b, i, n, list)};
        vonk_status st = add_rows(w, f, l, b, rows, state, err);
        vonk_free(list);
        return st;
    }
    return add_rows(w, f, l, b, rows, state, err);
}

static vonk_status add_range(win_out *w, const win_fn *f, win_fn_local *l, uint64_t from, uint64_t to, uint8_t *state,
                             vonk_error *err)
{
    while (from < to) {
        win_block *b = NULL;
        if (vonk_exec_cancelled(w->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(vonk__win_pin(w, from, &b, err));
        uint32_t i = (uint32_t)(from - b->first), n = b->n - i;
        if (to - from < n) n = (uint32_t)(to - from);
        vonk_status st = add_some(w, f, l, b, i, n, state, err);
        vonk__win_unpin(b);
        VONK_TRY(st);
        from += n;
    }
    return VONK_OK;
}

static void start_state(const win_fn *f, uint8_t *state)
{
    memset(state, 0, f->state_bytes);
    if (f->agg->init) f->agg->init(f->call, state);
}

static vonk_status finish(win_out *w, const win_fn *f, win_fn_local *l, uint8_t *const *states, uint32_t n,
                          vonk_column **ret, vonk_error *err)
{
    vonk_eval *ev = &w->lane->ev;
    ev->local = l->scratch;
    return f->agg->finish(f->call, ev, states, n, ret, err);
}

static vonk_status room_for_state(win_out *w, const win_fn *f, win_fn_local *l, vonk_error *err)
{
    if (!l->state) VONK_TRY(vonk_alloc_zeroed(w->op->budget, f->state_bytes + 16, &l->state, err));
    return l->heap ? VONK_OK : vonk_arena_new(w->op->budget, &l->heap, err);
}

/* ---- the results of a block: different ones, and which one each row gets */

typedef struct win_results {
    win_out *w;
    const win_fn *f;
    win_fn_local *l;
    uint32_t *idx, n; /* [row of the block] */
    uint8_t **states; /* copyable: to be finished together */
    uint8_t *room;
    vonk_column **finished; /* else: one row each */
} win_results;

static vonk_status results_open(win_results *r, uint32_t rows, vonk_error *err)
{
    vonk_arena *scratch = r->w->lane->scratch;
    VONK_TRY(vonk_arena_array(scratch, rows, sizeof *r->idx, &r->idx, err));
    if (!r->f->agg->copyable) {
        VONK_TRY(vonk_arena_array(scratch, rows, sizeof *r->finished, &r->finished, err));
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_array(scratch, rows, sizeof *r->states, &r->states, err));
    VONK_TRY(vonk_alloc_array(r->w->op->budget, rows + 1, r->f->state_bytes, &r->room, err));
    for (uint32_t i = 0; i < rows; i++) r->states[i] = r->room + i * r->f->state_bytes;
    return VONK_OK;
}

static vonk_status results_add(win_results *r, uint8_t *state, vonk_error *err)
{
    if (r->states) {
        if (state != r->states[r->n]) memcpy(r->states[r->n], state, r->f->state_bytes);
        r->n++;
        return VONK_OK;
    }
    VONK_TRY(finish(r->w, r->f, r->l, &state, 1, &r->finished[r->n], err));
    r->n++;
    return VONK_OK;
}

static vonk_status results_column(win_results *r, uint32_t rows, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    vonk_budget *budget = r->w->lane->budget;
    if (r->states)
        VONK_TRY(finish(r->w, r->f, r->l, r->states, r->n, &all, err));
    else
        VONK_TRY(vonk_column_concat(budget, (const vonk_column *const *)r->finished, r->n, &all, err));
    if (r->n == rows) { /* the rows' own order */
        *ret = VONK_STEAL(all);
        return VONK_OK;
    }
    return vonk_column_gather(budget, all, r->idx, rows, false, ret, err);
}

static void results_done(win_results *r)
{
    for (uint32_t i = 0; r->finished && i < r->n; i++) vonk_column_unref(r->finished[i]);
    vonk_free(r->room);
}

/* ---- whole partitions */

static vonk_status whole_states(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                                uint8_t *states, uint32_t first, vonk_error *err)
{
    uint32_t state = 0;
    for (uint32_t i = first; i < b->n; state++) {
        uint64_t end = span->end[i];
        uint32_t n = end > b->first + b->n ? b->n - i : (uint32_t)(end - b->first) - i;
        start_state(f, states + state * f->state_bytes);
        VONK_TRY(add_some(w, f, l, b, i, n, states + state * f->state_bytes, err));
        if (end > b->first + b->n)
            VONK_TRY(add_range(w, f, l, b->first + b->n, end, states + state * f->state_bytes, err));
        i += n;
    }
    return VONK_OK;
}

/* The partition that runs on into the next block is kept as a result. */
static vonk_status whole_carry(win_out *w, win_fn_local *l, const win_block *b, const win_span *span,
                               const vonk_column *all, uint32_t n, vonk_error *err)
{
    if (span->end[b->n - 1] == b->first + b->n || n == 0) return VONK_OK;
    uint32_t last = n - 1;
    vonk_column_unref(l->carried);
    l->carried = NULL;
    l->partition = span->start[b->n - 1];
    return vonk_column_gather(w->lane->budget, all, &last, 1, false, &l->carried, err);
}

static vonk_status whole_columns(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                                 uint8_t *states, uint32_t first, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref)
    vonk_column *fresh = NULL, *all = NULL, *carried = l->carried ? vonk_column_ref(l->carried) : NULL;
    uint32_t *idx, n = 0, at = 0;
    uint8_t **pointers;
    VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof *idx, &idx, err));
    VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof *pointers, &pointers, err));
    for (uint32_t i = first; i < b->n; i++) {
        if (span->start[i] == b->first + i) {
            pointers[n] = states + n * f->state_bytes;
            n++;
        }
    }
    VONK_TRY(finish(w, f, l, pointers, n, &fresh, err));
    VONK_TRY(whole_carry(w, l, b, span, fresh, n, err));
    const vonk_column *both[] = {first > 0 ? carried : fresh, fresh};
    VONK_TRY(vonk_column_concat(w->lane->budget, both, first > 0 ? 2 : 1, &all, err));
    for (uint32_t i = 0; i < b->n; i++) {
        if (i > 0 && span->start[i] == b->first + i) at++;
        idx[i] = at;
    }
    return vonk_column_gather(w->lane->budget, all, idx, b->n, false, ret, err);
}

static vonk_status whole(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                         vonk_column **ret, vonk_error *err)
{
    uint32_t first = 0, n = 0;
    uint8_t *states = NULL;
    VONK_TRY(room_for_state(w, f, l, err));
    while (first < b->n && span->start[first] < b->first) first++;
    if (first == b->n) return vonk_column_constant_of(w->lane->budget, l->carried, 0, b->n, ret, err);
    for (uint32_t i = first; i < b->n; i++) n += span->start[i] == b->first + i;
    vonk_arena_reset(l->heap);
    VONK_TRY(vonk_alloc_array(w->op->budget, n, f->state_bytes, &states, err));
    vonk_status st = whole_states(w, f, l, b, span, states, first, err);
    if (st == VONK_OK) st = whole_columns(w, f, l, b, span, states, first, ret, err);
    vonk_free(states);
    return st;
}

/* ---- growing frames */

/* The heap of a state that goes on for long is made anew once in a while. */
static vonk_status renew_heap(win_out *w, const win_fn *f, win_fn_local *l, vonk_error *err)
{
    vonk_column *saved[16] = {0};
    const vonk_type *types[16];
    uint32_t n = 0;
    if (vonk_arena_bytes(l->heap) < HEAP_KEPT || vonk_arena_bytes(l->heap) < 2 * l->count) return VONK_OK;
    VONK_TRY(vonk_agg_state_types(f->call, types, &n, err));
    vonk_eval *ev = &w->lane->ev;
    ev->local = l->scratch;
    VONK_TRY(f->agg->save(f->call, ev, &l->state, 1, saved, err));
    vonk_arena_reset(l->heap);
    start_state(f, l->state);
    vonk_status st = f->agg->merge(f->call, ev, l->heap, saved, VONK_ALL_ROWS(1), &l->state, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(saved[i]);
    l->count = vonk_arena_bytes(l->heap);
    return st;
}

static vonk_status growing_rows(win_out *w, win_results *r, const win_block *b, const win_span *span, vonk_error *err)
{
    const win_fn *f = r->f;
    win_fn_local *l = r->l;
    const uint64_t *high = span->high[f->frame];
    for (uint32_t i = 0; i < b->n; i++) {
        bool fresh = l->partition != span->start[i];
        if (fresh) {
            l->partition = l->at = span->start[i];
            if (i == 0) vonk_arena_reset(l->heap);
            start_state(f, l->state);
        }
        if (high[i] > l->at) {
            uint64_t from = l->at;
            bool here = from >= b->first && high[i] <= b->first + b->n;
            if (here)
                VONK_TRY(add_some(w, f, l, b, (uint32_t)(from - b->first), (uint32_t)(high[i] - from), l->state, err));
            else
                VONK_TRY(add_range(w, f, l, from, high[i], l->state, err));
            l->at = high[i];
            fresh = true;
        }
        if (fresh || i == 0) VONK_TRY(results_add(r, l->state, err));
        r->idx[i] = r->n - 1;
        if (!f->agg->copyable && (i & 63) == 0 && vonk_exec_cancelled(w->op->exec))
            return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    }
    return VONK_OK;
}

/* ---- each frame on its own */

static vonk_status each_rows(win_out *w, win_results *r, const win_block *b, const win_span *span, vonk_error *err)
{
    const win_fn *f = r->f;
    win_fn_local *l = r->l;
    const uint64_t *low = span->low[f->frame], *high = span->high[f->frame];
    for (uint32_t i = 0; i < b->n; i++) {
        bool same = l->partition == span->start[i] && l->from == low[i] && l->at <= high[i];
        bool fresh = !same || l->at < high[i];
        if ((i & 15) == 0 && vonk_exec_cancelled(w->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        if (!same) {
            if (!r->states || i == 0) vonk_arena_reset(l->heap); /* else: earlier states of the block are not done */
            start_state(f, l->state);
            l->partition = span->start[i];
            l->from = l->at = low[i];
        }
        if (low[i] >= b->first && high[i] <= b->first + b->n && l->at < high[i])
            VONK_TRY(add_some(w, f, l, b, (uint32_t)(l->at - b->first), (uint32_t)(high[i] - l->at), l->state, err));
        else
            VONK_TRY(add_range(w, f, l, l->at, high[i], l->state, err));
        l->at = high[i];
        if (fresh || i == 0) VONK_TRY(results_add(r, l->state, err));
        r->idx[i] = r->n - 1;
    }
    return VONK_OK;
}

/* ---- sliding frames in two parts */

static vonk_status front_room(win_out *w, const win_fn *f, win_fn_local *l, uint64_t n, vonk_error *err)
{
    if (n <= l->front_room) return VONK_OK;
    VONK_TRY(vonk_realloc(w->op->budget, &l->front, n * f->state_bytes, err));
    VONK_TRY(vonk_realloc(w->op->budget, &l->pointers, n * sizeof *l->pointers, err));
    l->front_room = n;
    return VONK_OK;
}

/* A state for each row of [from, from + n), holding this row. */
static vonk_status single_states(win_out *w, const win_fn *f, win_fn_local *l, uint64_t from, uint64_t n,
                                 vonk_error *err)
{
    for (uint64_t i = 0; i < n;) {
        win_block *b = NULL;
        vonk_status st = VONK_OK;
        VONK_TRY(vonk__win_pin(w, from + i, &b, err));
        for (; st == VONK_OK && i < n && from + i < b->first + b->n; i++) {
            start_state(f, l->pointers[i]);
            st = add_some(w, f, l, b, (uint32_t)(from + i - b->first), 1, l->pointers[i], err);
        }
        vonk__win_unpin(b);
        VONK_TRY(st);
    }
    return VONK_OK;
}

/* A new middle, so that rows from `low` on have states of their own up to it. */
static vonk_status turn(win_out *w, const win_fn *f, win_fn_local *l, uint64_t low, uint64_t high, vonk_error *err)
{
    vonk_eval *ev = &w->lane->ev;
    int64_t room = vonk_budget_room(w->op->budget) / 8 / (int64_t)(f->state_bytes + sizeof *l->pointers);
    uint64_t most = room < 256 ? 256 : room < FRONT_ROWS ? (uint64_t)room : FRONT_ROWS;
    uint64_t n = high - low < most ? high - low : most;
    if (n < l->front_room && high - low > n) n = high - low < l->front_room ? high - low : l->front_room;
    VONK_TRY(front_room(w, f, l, n, err));
    for (uint64_t i = 0; i < n; i++) l->pointers[i] = l->front + i * f->state_bytes;
    VONK_TRY(single_states(w, f, l, low, n, err));
    ev->local = l->scratch;
    for (uint64_t i = n - 1; i-- > 0;)
        VONK_TRY(f->agg->combine(f->call, ev, l->heap, &l->pointers[i + 1], &l->pointers[i], 1, err));
    l->front_first = low;
    l->middle = low + n;
    start_state(f, l->state);
    VONK_TRY(add_range(w, f, l, l->middle, high, l->state, err));
    l->at = high;
    return VONK_OK;
}

static vonk_status slide(win_out *w, win_results *r, uint64_t low, uint64_t high, vonk_error *err)
{
    const win_fn *f = r->f;
    win_fn_local *l = r->l;
    uint8_t *state = r->states[r->n];
    if (low == high) {
        start_state(f, state);
        return results_add(r, state, err);
    }
    if (low >= l->middle) {
        VONK_TRY(turn(w, f, l, low, high, err));
    } else if (high > l->at) {
        VONK_TRY(add_range(w, f, l, l->at, high, l->state, err));
        l->at = high;
    }
    memcpy(state, l->pointers[low - l->front_first], f->state_bytes);
    w->lane->ev.local = l->scratch;
    if (l->at > l->middle) VONK_TRY(f->agg->combine(f->call, &w->lane->ev, l->heap, &l->state, &state, 1, err));
    return results_add(r, state, err);
}

static vonk_status sliding_rows(win_out *w, win_results *r, const win_block *b, const win_span *span, vonk_error *err)
{
    const win_fn *f = r->f;
    win_fn_local *l = r->l;
    const uint64_t *low = span->low[f->frame], *high = span->high[f->frame];
    for (uint32_t i = 0; i < b->n; i++) {
        if ((i & 255) == 0 && vonk_exec_cancelled(w->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        bool other = l->partition != span->start[i];
        if (other) {
            l->partition = span->start[i];
            l->middle = l->at = span->start[i];
        }
        if (i == 0 || other || low[i] != low[i - 1] || high[i] != high[i - 1])
            VONK_TRY(slide(w, r, low[i], high[i], err));
        r->idx[i] = r->n - 1;
    }
    return VONK_OK;
}

/* The texts that min and max keep: the parts are made anew from the rows when there are too many. */
static void renew_front(win_fn_local *l)
{
    if (vonk_arena_bytes(l->heap) < HEAP_KEPT * 4) return;
    vonk_arena_reset(l->heap);
    l->partition = WINDOW_NO_ROW;
}

/* ---- */

vonk_status vonk__win_aggregate(win_out *w, uint32_t number, const win_block *b, const win_span *span,
                                vonk_column **ret, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    win_results r = {.w = w, .f = &s->fns[number], .l = &w->fns[number]};
    if (r.f->kind == WIN_WHOLE) return whole(w, r.f, r.l, b, span, ret, err);
    VONK_TRY(room_for_state(w, r.f, r.l, err));
    vonk_status st = results_open(&r, b->n, err);
    if (st == VONK_OK && r.f->kind == WIN_GROWING)
        st = growing_rows(w, &r, b, span, err);
    else if (st == VONK_OK)
        st = r.f->kind == WIN_EACH ? each_rows(w, &r, b, span, err) : sliding_rows(w, &r, b, span, err);
    if (st == VONK_OK) st = results_column(&r, b->n, ret, err);
    results_done(&r);
    if (st == VONK_OK && r.f->kind == WIN_GROWING) st = renew_heap(w, r.f, r.l, err);
    if (st == VONK_OK && r.f->kind == WIN_SLIDING) renew_front(r.l);
    return st;
}

void vonk__win_fn_reset(const window_shared *s, uint32_t number, win_fn_local *l)
{
    vonk_column_unref(l->carried);
    l->carried = NULL;
    l->partition = WINDOW_NO_ROW;
    l->present.n = l->first_present = 0;
    l->count = l->from = l->at = l->front_first = l->middle = 0;
    if (l->heap) vonk_arena_reset(l->heap);
}

void vonk__win_fn_done(const window_shared *s, uint32_t number, win_fn_local *l)
{
    const vonk_fn_call *call = s->fns[number].call;
    vonk_column_unref(l->carried);
    vonk_free(l->present.at);
    vonk_free(l->state);
    vonk_free(l->front);
    vonk_free(l->pointers);
    vonk_arena_free(l->heap);
    if (l->scratch && call->local_done) call->local_done(l->scratch);
    vonk_free(l->scratch);
}
