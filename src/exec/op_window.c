/* exec/op_window.c -- P_WINDOW: functions over the rows around each row. Rows are sorted as they come in (sort_sink.c),
 * read back in blocks (window_rows.c), and each block goes out with a column per function. Order: the keys', then the
 * window's, ties in input order; before them Spark's partitions by hash of the keys where those can be seen. Parts of
 * the sorted rows that start at window partitions are run in parallel. */
#include "exec/window_int.h"

static vonk_status window_open(vonk_op *op, vonk_error *err)
{
    window_shared *s = op->shared;
    vonk__sort_sink_init(&s->by.sink);
    return vonk__win_form_open(op, err);
}

static void window_close(vonk_op *op)
{
    window_shared *s = op->shared;
    vonk_program_free(s->program);
    vonk__sort_sink_done(&s->by.sink);
}

/* ---- a lane that puts rows out */

static vonk_status out_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    window_shared *s = op->shared;
    win_out *w = local;
    w->op = op;
    w->lane = lane;
    VONK_TRY(vonk_alloc_zeroed(op->budget, vonk_exec_batch_rows(op->exec) * sizeof *w->rows, &w->rows, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_frames + 1) * sizeof *w->frames, &w->frames, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_fns + 1) * sizeof *w->fns, &w->fns, err));
    VONK_TRY(vonk_row_store_new(op->budget, s->by.sink.form.layout, &w->edge, err));
    for (uint32_t f = 0; f < s->n_fns; f++) {
        const vonk_fn_call *call = s->fns[f].call;
        if (call && call->local_bytes)
            VONK_TRY(vonk_alloc_zeroed(op->budget, call->local_bytes, &w->fns[f].scratch, err));
    }
    VONK_TRY(vonk__program_open(op, lane, s->program, &w->program, err));
    return vonk__sort_reader_open(op, &w->reader, err);
}

static void out_close(vonk_op *op, void *local)
{
    window_shared *s = op->shared;
    win_out *w = local;
    vonk__win_rows_clear(w);
    vonk__sort_reader_close(&w->reader);
    vonk__program_close(&w->program);
    for (uint32_t f = 0; f < s->n_fns && w->fns; f++) vonk__win_fn_done(s, f, &w->fns[f]);
    vonk_row_store_free(w->edge);
    vonk_spill_free(w->file);
    vonk_free(w->blocks.at);
    vonk_free(w->rows);
    vonk_free(w->frames);
    vonk_free(w->fns);
    vonk_free(w->iota);
    vonk_free(w->repeated);
}

static vonk_status out_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    window_shared *s = op->shared;
    win_out *w = local;
    vonk__win_rows_clear(w);
    w->end = w->kept_from = 0;
    w->ended = false;
    w->last = NULL;
    w->last_start = w->last_peer = 0;
    w->start = w->peers = (win_border){.next = WINDOW_NO_ROW};
    w->partition = w->peer = 0;
    for (uint32_t f = 0; f < s->n_fns; f++) vonk__win_fn_reset(s, f, &w->fns[f]);
    for (uint32_t f = 0; f < s->n_frames; f++) w->frames[f] = (win_frame_local){.partition = WINDOW_NO_ROW};
    return vonk__sort_reader_start(op, &w->reader, partition, morsel, err);
}

/* The first row that function f may look at again for rows from `end` on. */
static uint64_t looks_back(const win_out *w, uint32_t number, const win_span *span, uint32_t n, uint64_t end)
{
    const window_shared *s = w->op->shared;
    const win_fn *f = &s->fns[number];
    const win_fn_local *l = &w->fns[number];
    switch (f->kind) {
    case WIN_OFFSET:
        if (f->ignore_nulls) return l->first_present < l->present.n ? l->present.at[l->first_present] : end;
        if (f->offset >= 0) return end;
        return end > -(uint64_t)f->offset ? end - -(uint64_t)f->offset : 0;
    case WIN_NTH:
    case WIN_SLIDING:
    case WIN_EACH: return span->low[f->frame][n - 1];
    case WIN_GROWING: return l->at;
    default: return end;
    }
}

/* Frames in values remember how far they are. */
static uint64_t frames_look_back(const win_out *w)
{
    const window_shared *s = w->op->shared;
    uint64_t from = WINDOW_NO_ROW;
    for (uint32_t f = 0; f < s->n_frames; f++) {
        const win_frame_local *l = &w->frames[f];
        if (s->frames[f].rows || l->partition == WINDOW_NO_ROW) continue;
        if (s->frames[f].lower.kind == VONK_FRAME_VALUE && l->low < from) from = l->low;
        if (s->frames[f].upper.kind == VONK_FRAME_VALUE && l->high < from) from = l->high;
    }
    return from;
}

static void block_is_out(win_out *w, const win_block *b, const win_span *span)
{
    const window_shared *s = w->op->shared;
    uint64_t end = b->first + b->n, from = frames_look_back(w);
    if (from > end) from = end;
    for (uint32_t f = 0; f < s->n_fns; f++) {
        uint64_t back = looks_back(w, f, span, b->n, end);
        if (back < from) from = back;
    }
    w->partition = span->start[b->n - 1];
    w->peer = span->peer[b->n - 1];
    w->kept_from = from;
    w->at_block++;
}

static vonk_status fn_column(win_out *w, uint32_t f, const win_block *b, const win_span *span, vonk_column **ret,
                             vonk_error *err)
{
    const window_shared *s = w->op->shared;
    switch (s->fns[f].kind) {
    case WIN_OFFSET:
    case WIN_NTH: return vonk__win_pick(w, f, b, span, ret, err);
    case WIN_WHOLE:
    case WIN_GROWING:
    case WIN_SLIDING:
    case WIN_EACH: return vonk__win_aggregate(w, f, b, span, ret, err);
    default: return vonk__win_rank(w, f, b, span, ret, err);
    }
}

static vonk_status put_block(win_out *w, const win_block *b, vonk_out *out, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    win_span span;
    vonk_column **columns = NULL;
    vonk_batch *batch = NULL;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk__win_spans(w, b, &span, err));
    VONK_TRY(vonk_arena_array(w->lane->scratch, w->op->n_columns + 1, sizeof *columns, &columns, err));
    for (uint32_t f = 0; f < s->n_fns && st == VONK_OK; f++) st = fn_column(w, f, b, &span, &columns[s->n_in + f], err);
    if (st != VONK_OK) {
        for (uint32_t f = 0; f < s->n_fns; f++) vonk_column_unref(columns[s->n_in + f]);
        return st;
    }
    for (uint32_t c = 0; c < s->n_in; c++) columns[c] = vonk_column_ref(b->batch->columns[c]);
    VONK_TRY(vonk_op_batch(w->lane, b->n, columns, w->op->n_columns, &batch, err));
    vonk_out_put(out, batch);
    block_is_out(w, b, &span);
    return VONK_OK;
}

static vonk_status out_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    win_out *w = local;
    win_block *b = NULL;
    while (w->at_block == w->blocks.n || !vonk__win_enough(w, &w->blocks.at[w->at_block])) {
        if (w->ended) return VONK_OK;
        VONK_TRY(vonk__win_read(w, err));
    }
    VONK_TRY(vonk__win_pin(w, w->blocks.at[w->at_block].first, &b, err));
    vonk_status st = put_block(w, b, out, err);
    vonk__win_unpin(b);
    vonk__win_drop_behind(w);
    return st;
}

static const vonk_source_class window_source = {.local_size = sizeof(win_out),
                                                .local_open = out_open,
                                                .n_morsels = vonk__sort_n_morsels,
                                                .start = out_start,
                                                .next = out_next,
                                                .local_close = out_close};
const vonk_op_class vonk_op_window = {.name = "window",
                                      .shared_size = sizeof(window_shared),
                                      .open = window_open,
                                      .close = window_close,
                                      .spillable = vonk__sort_spillable,
                                      .spill = vonk__sort_spill,
                                      .n_inputs = 1,
                                      .inputs = &vonk__sort_input,
                                      .source = &window_source};
