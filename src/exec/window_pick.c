/* exec/window_pick.c -- lag, lead, nth_value, first, last: the value of some other row. Which row, is found first; then
 * the values are taken out of the blocks where those rows lie, run by run. With IGNORE NULLS or a FILTER a list of the
 * rows that count runs along: it reaches from the first one that may still be asked for up to the last one looked at.
 */
#include "exec/window_int.h"

/* ---- rows that count */

static bool counts(const window_shared *s, const win_fn *f, const win_block *b, uint32_t i)
{
    if (f->ignore_nulls) {
        const vonk_column *c = win_value(s, b, f->first_arg);
        if (c->type->id == VONK_T_NULL || (c->validity && !vonk_bit_get(c->validity, i))) return false;
    }
    if (f->filter == UINT32_MAX) return true;
    const vonk_column *c = win_value(s, b, f->filter);
    return (!c->validity || vonk_bit_get(c->validity, i)) && vonk_bit_get(c->data, i);
}

static vonk_status list_present(win_out *w, const win_fn *f, win_fn_local *l, uint64_t to, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    vonk_status st = VONK_OK;
    while (l->at < to && st == VONK_OK) {
        win_block *b = NULL;
        VONK_TRY(vonk__win_pin(w, l->at, &b, err));
        for (; l->at < to && l->at < b->first + b->n && st == VONK_OK; l->at++) {
            if (counts(s, f, b, (uint32_t)(l->at - b->first)))
                st = VONK_VEC_PUSH(&l->present, w->op->budget, l->at, err);
        }
        vonk__win_unpin(b);
    }
    return st;
}

/* Drops what lies more than `keep` entries before row `from`. */
static void forget(win_fn_local *l, uint64_t from, uint64_t keep)
{
    size_t n = l->first_present;
    while (n < l->present.n && l->present.at[n] < from) n++;
    if (n - l->first_present > keep) l->first_present = n - (size_t)keep;
    if (l->first_present < 1024 || l->first_present * 2 < l->present.n) return;
    l->present.n -= l->first_present;
    memmove(l->present.at, l->present.at + l->first_present, l->present.n * sizeof *l->present.at);
    l->first_present = 0;
}

static void start_partition(win_fn_local *l, uint64_t start)
{
    if (l->partition == start) return;
    l->partition = l->at = start;
    l->present.n = l->first_present = 0;
}

/* Number of listed rows before `row`, from `at` on. */
static size_t listed_before(const win_fn_local *l, size_t at, uint64_t row)
{
    while (at < l->present.n && l->present.at[at] < row) at++;
    return at;
}

/* ---- which row */

static void offset_rows(const win_fn *f, const win_block *b, const win_span *span, uint64_t *from)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t row = b->first + i;
        if (f->offset < 0)
            from[i] = row - span->start[i] < -(uint64_t)f->offset ? WINDOW_NO_ROW : row - -(uint64_t)f->offset;
        else
            from[i] = span->end[i] - row <= (uint64_t)f->offset ? WINDOW_NO_ROW : row + (uint64_t)f->offset;
    }
}

static vonk_status offset_listed(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                                 uint64_t *from, vonk_error *err)
{
    uint64_t by = f->offset < 0 ? -(uint64_t)f->offset : (uint64_t)f->offset;
    size_t at = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t row = b->first + i;
        if (i == 0 || l->partition != span->start[i]) {
            start_partition(l, span->start[i]);
            at = l->first_present;
        }
        VONK_TRY(list_present(w, f, l, f->offset > 0 ? span->end[i] : row + 1, err));
        at = listed_before(l, at, row);
        size_t behind = at + (at < l->present.n && l->present.at[at] == row);
        from[i] = WINDOW_NO_ROW;
        if (by == 0)
            from[i] = row;
        else if (f->offset < 0 && at - l->first_present >= by)
            from[i] = l->present.at[at - by];
        else if (f->offset > 0 && l->present.n - behind >= by)
            from[i] = l->present.at[behind + by - 1];
    }
    forget(l, b->first + b->n, f->offset < 0 ? by : 0);
    return VONK_OK;
}

static uint64_t nth_of(uint64_t low, uint64_t high, int64_t n)
{
    if (n < 0) return high > low ? high - 1 : WINDOW_NO_ROW;
    return high - low < (uint64_t)n ? WINDOW_NO_ROW : low + (uint64_t)n - 1;
}

static vonk_status nth_listed(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                              uint64_t *from, vonk_error *err)
{
    const uint64_t *low = span->low[f->frame], *high = span->high[f->frame];
    size_t first = 0, last = 0; /* listed rows before low, before high */
    for (uint32_t i = 0; i < b->n; i++) {
        if (i == 0 || l->partition != span->start[i]) {
            start_partition(l, span->start[i]);
            first = last = l->first_present;
        }
        VONK_TRY(list_present(w, f, l, high[i], err));
        first = listed_before(l, first, low[i]);
        last = listed_before(l, last > first ? last : first, high[i]);
        uint64_t at = nth_of(first, last, f->offset);
        from[i] = at == WINDOW_NO_ROW ? WINDOW_NO_ROW : l->present.at[at];
    }
    forget(l, low[b->n - 1], 0);
    return VONK_OK;
}

static vonk_status find_rows(win_out *w, const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span,
                             uint64_t *from, vonk_error *err)
{
    bool listed = f->ignore_nulls || f->filter != UINT32_MAX;
    if (f->kind == WIN_OFFSET && listed) return offset_listed(w, f, l, b, span, from, err);
    if (f->kind == WIN_NTH && listed) return nth_listed(w, f, l, b, span, from, err);
    if (f->kind == WIN_OFFSET) {
        offset_rows(f, b, span, from);
        return VONK_OK;
    }
    for (uint32_t i = 0; i < b->n; i++) from[i] = nth_of(span->low[f->frame][i], span->high[f->frame][i], f->offset);
    return VONK_OK;
}

/* ---- their values */

/* Rows from[at ..] as long as they lie in one block (or nowhere). */
static vonk_status take_run(win_out *w, const win_fn *f, const uint64_t *from, uint32_t n, uint32_t *inout_at,
                            vonk_column **ret, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    uint32_t *idx, count = 0, at = *inout_at;
    win_block *b = NULL;
    VONK_TRY(vonk_arena_array(w->lane->scratch, n, sizeof *idx, &idx, err));
    for (; at < n; at++, count++) {
        if (from[at] == WINDOW_NO_ROW) {
            idx[count] = UINT32_MAX;
            continue;
        }
        if (!b) VONK_TRY(vonk__win_pin(w, from[at], &b, err));
        if (from[at] < b->first || from[at] >= b->first + b->n) break;
        idx[count] = (uint32_t)(from[at] - b->first);
    }
    *inout_at = at;
    if (!b) return vonk_column_new_nulls(w->lane->budget, f->type, count, ret, err);
    vonk_status st = vonk_column_gather(w->lane->budget, win_value(s, b, f->first_arg), idx, count, true, ret, err);
    vonk__win_unpin(b);
    return st;
}

static vonk_status join_pieces(win_out *w, vonk_column **pieces, uint32_t n, vonk_column **ret, vonk_error *err)
{
    vonk_status st = VONK_OK;
    if (n == 1)
        *ret = vonk_column_ref(pieces[0]);
    else
        st = vonk_column_concat(w->lane->budget, (const vonk_column *const *)pieces, n, ret, err);
    return st;
}

static vonk_status take_rows(win_out *w, const win_fn *f, const uint64_t *from, uint32_t n, vonk_column **ret,
                             vonk_error *err)
{
    VONK_VEC(vonk_column *) pieces = {0};
    vonk_status st = VONK_OK;
    for (uint32_t at = 0; at < n && st == VONK_OK;) {
        vonk_column *piece = NULL;
        st = take_run(w, f, from, n, &at, &piece, err);
        if (st == VONK_OK) st = VONK_VEC_ARENA_PUSH(&pieces, w->lane->scratch, piece, err);
        if (st != VONK_OK) vonk_column_unref(piece);
    }
    if (st == VONK_OK) st = join_pieces(w, pieces.at, (uint32_t)pieces.n, ret, err);
    for (size_t i = 0; i < pieces.n; i++) vonk_column_unref(pieces.at[i]);
    return st;
}

/* Where there was no row, the row's own default. */
static vonk_status fill_missing(win_out *w, const win_fn *f, const win_block *b, const uint64_t *from,
                                vonk_column **inout, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    const vonk_column *both[] = {*inout, win_value(s, b, f->fallback)};
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    vonk_column *out = NULL;
    uint32_t *idx, n_missing = 0;
    VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof *idx, &idx, err));
    for (uint32_t i = 0; i < b->n; i++) {
        idx[i] = from[i] == WINDOW_NO_ROW ? b->n + i : i;
        n_missing += from[i] == WINDOW_NO_ROW;
    }
    if (n_missing == 0) return VONK_OK;
    VONK_TRY(vonk_column_concat(w->lane->budget, both, 2, &all, err));
    VONK_TRY(vonk_column_gather(w->lane->budget, all, idx, b->n, false, &out, err));
    vonk_column_unref(*inout);
    *inout = out;
    return VONK_OK;
}

vonk_status vonk__win_pick(win_out *w, uint32_t number, const win_block *b, const win_span *span, vonk_column **ret,
                           vonk_error *err)
{
    const window_shared *s = w->op->shared;
    const win_fn *f = &s->fns[number];
    VONK_AUTO(vonk_column_unref) vonk_column *out = NULL;
    uint64_t *from;
    VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof *from, &from, err));
    VONK_TRY(find_rows(w, f, &w->fns[number], b, span, from, err));
    VONK_TRY(take_rows(w, f, from, b->n, &out, err));
    if (f->fallback != UINT32_MAX) VONK_TRY(fill_missing(w, f, b, from, &out, err));
    *ret = VONK_STEAL(out);
    return VONK_OK;
}
