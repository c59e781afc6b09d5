/* exec/window_rows.c -- the blocks of a window operator's lane: made from sorted rows, kept while somebody may look at
 * them, on disk when memory is short. */
#include "exec/window_int.h"

#define KEPT_BLOCKS 8

/* ---- borders between rows */

static bool rows_differ(const window_shared *s, const uint8_t *a, const uint8_t *b)
{
    const sort_form *f = &s->by.sink.form;
    if (memcmp(a + f->key_at, b + f->key_at, f->key_bytes) != 0) return true;
    return !f->exact && vonk_rows_compare(f->layout, f->specs, f->n_keys, a, b) != 0;
}

static void mark(win_out *w, win_block *b, uint8_t *const *rows)
{
    const window_shared *s = w->op->shared;
    const uint8_t *before = w->last;
    for (uint32_t i = 0; i < b->n; before = rows[i++]) {
        bool start = !before || vonk__sort_groups_differ(&s->by, before, rows[i]);
        vonk_bit_put(b->starts, i, start);
        if (start) w->last_start = b->first + i;
        bool peer = start || rows_differ(s, before, rows[i]);
        vonk_bit_put(b->peers, i, peer);
        if (peer) w->last_peer = b->first + i;
    }
}

/* ---- making a block. Its columns are handed on: the query pays for them. */

static void drop(vonk_column **columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
}

static vonk_status eval_values(win_out *w, uint32_t n, vonk_column **columns, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *in = NULL;
    VONK_TRY(vonk_batch_new(w->lane->budget, n, columns, s->n_in, &in, err));
    vonk__program_place(&w->program, w->lane);
    VONK_TRY(vonk_program_eval(w->program.at, in, columns + s->n_in, err));
    for (uint32_t i = s->n_in; i < s->n_in + s->n_values; i++) {
        vonk_column *flat = NULL;
        if (columns[i]->encoding == VONK_FLAT) continue;
        VONK_TRY(vonk_column_flatten(w->lane->budget, columns[i], &flat, err));
        vonk_column_unref(columns[i]);
        columns[i] = flat;
    }
    return VONK_OK;
}

static vonk_status make_batch(win_out *w, uint8_t *const *rows, uint32_t n, vonk_batch **ret, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    const sort_form *f = &s->by.sink.form;
    vonk_column **columns = NULL;
    uint32_t n_columns = s->n_in + s->n_values;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(w->lane->scratch, n_columns + 1, sizeof *columns, &columns, err));
    memset(columns, 0, (n_columns + 1) * sizeof *columns);
    for (uint32_t c = 0; c < s->n_in && st == VONK_OK; c++)
        st = vonk_rows_gather(w->lane->budget, f->layout, f->output_at[c], rows, n, &columns[c], err);
    if (st == VONK_OK) st = eval_values(w, n, columns, err);
    if (st == VONK_OK) st = vonk_batch_new(w->lane->budget, n, columns, n_columns, ret, err);
    drop(columns, n_columns);
    return st;
}

static void free_block(win_out *w, win_block *b)
{
    vonk_batch_unref(b->batch);
    vonk_free(b->starts);
    vonk_free(b->order);
    if (b->saved) vonk_spill_drop(w->file, b->ref);
    *b = (win_block){0};
}

static vonk_status fill_block(win_out *w, win_block *b, uint8_t *const *rows, vonk_error *err)
{
    window_shared *s = w->op->shared;
    VONK_TRY(make_batch(w, rows, b->n, &b->batch, err));
    VONK_TRY(vonk_alloc_zeroed(w->op->budget, 2 * vonk_bits_bytes(b->n), &b->starts, err));
    b->peers = b->starts + vonk_bits_bytes(b->n);
    mark(w, b, rows);
    if (s->bound_bytes == 0) return VONK_OK;
    vonk_column *order = win_value(s, b, s->order_value);
    VONK_TRY(vonk_alloc(w->op->budget, (size_t)b->n * s->bound_bytes, &b->order, err));
    return vonk_sort_key_encode(&order, &s->order_spec, 1, VONK_ALL_ROWS(b->n), b->order, s->bound_bytes, err);
}

/* ---- disk */

static vonk_status save_block(win_out *w, win_block *b, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    if (!w->file) VONK_TRY(vonk_spill_new(w->op, s->types, s->n_in + s->n_values, &w->file, err));
    if (!b->saved) VONK_TRY(vonk_spill_put(w->file, b->batch, &b->ref, err));
    b->saved = true;
    vonk_batch_unref(b->batch);
    b->batch = NULL;
    return VONK_OK;
}

static bool room_is_short(const win_out *w)
{
    int64_t limit = vonk_budget_limit(w->op->budget);
    if (limit == VONK_NO_LIMIT) return false;
    return vonk_budget_room(w->op->budget) < (limit / 8 < (32 << 20) ? limit / 8 : 32 << 20);
}

/* Blocks that nobody has looked at yet go first, the one farthest ahead before the others; then those that were looked
 * at long ago. The last few stay: every function has a place or two where it reads on. */
static win_block *least_wanted(win_out *w, const win_block *except)
{
    win_block *least = NULL;
    uint32_t n_used = 0;
    for (size_t i = w->blocks.n; i-- > w->head;) {
        win_block *b = &w->blocks.at[i];
        if (!b->batch || b->pins > 0 || b == except) continue;
        if (b->used == 0) return b;
        n_used++;
        if (!least || b->used < least->used) least = b;
    }
    return n_used > KEPT_BLOCKS ? least : NULL;
}

static vonk_status make_room(win_out *w, const win_block *except, bool force, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    if (s->n_in + s->n_values == 0) return VONK_OK;
    while (force || room_is_short(w)) {
        win_block *b = least_wanted(w, except);
        if (!b) break;
        VONK_TRY(save_block(w, b, err));
    }
    return VONK_OK;
}

/* ---- reading and looking */

vonk_status vonk__win_room(win_out *w, uint32_t rows, vonk_error *err)
{
    if (rows <= w->room) return VONK_OK;
    VONK_TRY(vonk_realloc(w->op->budget, &w->iota, rows * sizeof *w->iota, err));
    VONK_TRY(vonk_realloc(w->op->budget, &w->repeated, rows * sizeof *w->repeated, err));
    for (uint32_t i = 0; i < rows; i++) w->iota[i] = i;
    w->room = rows;
    return VONK_OK;
}

vonk_status vonk__win_read(win_out *w, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    win_block b = {.first = w->end};
    if (vonk_exec_cancelled(w->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    VONK_TRY(make_room(w, NULL, vonk_exec_force_spill(w->op->exec), err));
    VONK_TRY(vonk__sort_reader_next(w->op, &w->reader, w->rows, vonk_exec_batch_rows(w->op->exec), &b.n, err));
    if (b.n == 0) {
        w->ended = true;
        return VONK_OK;
    }
    VONK_TRY(vonk__win_room(w, b.n, err));
    vonk_status st = fill_block(w, &b, w->rows, err);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&w->blocks, w->op->budget, b, err);
    if (st != VONK_OK) {
        free_block(w, &b);
        return st;
    }
    w->end += b.n;
    w->last = w->rows[b.n - 1];
    return vonk__sort_groups_keep(w->op, w->lane, &s->by, w->edge, w->last, &w->last, err);
}

win_block *vonk__win_block_of(const win_out *w, uint64_t row)
{
    size_t low = w->head, high = w->blocks.n;
    assert(low < high && w->blocks.at[low].first <= row && row < w->end);
    while (high - low > 1) {
        size_t half = low + (high - low) / 2;
        if (w->blocks.at[half].first <= row)
            low = half;
        else
            high = half;
    }
    return &w->blocks.at[low];
}

vonk_status vonk__win_pin(win_out *w, uint64_t row, win_block **ret, vonk_error *err)
{
    win_block *b = vonk__win_block_of(w, row);
    if (!b->batch) {
        if (vonk_exec_cancelled(w->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(make_room(w, b, false, err));
        VONK_TRY(vonk_spill_get(w->file, b->ref, w->lane->budget, &b->batch, err));
    }
    b->pins++;
    b->used = ++w->n_pins;
    *ret = b;
    return VONK_OK;
}

void vonk__win_drop_behind(win_out *w)
{
    while (w->head < w->at_block && w->blocks.at[w->head].first + w->blocks.at[w->head].n <= w->kept_from)
        free_block(w, &w->blocks.at[w->head++]);
    if (w->head < 64 || w->head * 2 < w->blocks.n) return;
    w->blocks.n -= w->head;
    w->at_block -= w->head;
    memmove(w->blocks.at, w->blocks.at + w->head, w->blocks.n * sizeof *w->blocks.at);
    w->head = 0;
}

void vonk__win_rows_clear(win_out *w)
{
    for (; w->head < w->blocks.n; w->head++) free_block(w, &w->blocks.at[w->head]);
    w->blocks.n = w->head = w->at_block = 0;
}
