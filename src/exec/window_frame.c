/* exec/window_frame.c -- where the partition, the equal rows and the frames of each row start and end. */
#include "exec/window_int.h"

bool vonk__win_enough(const win_out *w, const win_block *b)
{
    const window_shared *s = w->op->shared;
    uint64_t end = b->first + b->n;
    if (w->ended || w->last_start >= end) return true; /* the first row read is a start: there is one */
    if (s->need == WIN_NEED_PARTITION || (s->need == WIN_NEED_PEERS && w->last_peer < end)) return false;
    return w->end >= end + s->ahead;
}

/* ---- borders */

/* The first bit set at or behind row `from`; w->end: none. */
static uint64_t find_border(const win_out *w, bool peers, uint64_t from)
{
    if (from >= w->end) return w->end;
    for (const win_block *b = vonk__win_block_of(w, from); from < w->end; b++) {
        const uint8_t *bits = peers ? b->peers : b->starts;
        for (uint64_t i = from - b->first; i < b->n; i++) {
            if ((i & 7) == 0 && bits[i >> 3] == 0) {
                i += 7;
                continue;
            }
            if (vonk_bit_get(bits, (uint32_t)i)) return b->first + i;
        }
        from = b->first + b->n;
    }
    return w->end;
}

static uint64_t next_border(const win_out *w, win_border *border, bool peers, uint64_t from)
{
    if (border->next != WINDOW_NO_ROW && border->next >= from) return border->next;
    if (border->next != WINDOW_NO_ROW || border->scanned < from) border->scanned = from;
    uint64_t at = find_border(w, peers, border->scanned);
    border->next = at < w->end ? at : WINDOW_NO_ROW;
    border->scanned = at;
    return at;
}

static void starts_and_ends(const uint8_t *bits, const win_block *b, uint64_t before, uint64_t behind, uint64_t *start,
                            uint64_t *end)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (vonk_bit_get(bits, i)) before = b->first + i;
        start[i] = before;
    }
    for (uint32_t i = b->n; i-- > 0;) {
        end[i] = behind;
        if (start[i] == b->first + i) behind = b->first + i;
    }
}

/* ---- frames */

static uint64_t moved(uint64_t row, int64_t by, uint64_t low, uint64_t high)
{
    if (by < 0) return row - low < -(uint64_t)by ? low : row - -(uint64_t)by;
    return high - row < (uint64_t)by ? high : row + (uint64_t)by;
}

static uint64_t row_bound(const win_bound *bound, bool upper, uint64_t row, uint64_t start, uint64_t end)
{
    switch (bound->kind) {
    case VONK_FRAME_UNBOUNDED: return upper ? end : start;
    case VONK_FRAME_CURRENT: return upper ? row + 1 : row;
    default:
        if (upper && bound->rows < 0) /* row + 1 may be the end */
            return moved(row, bound->rows, start, end) + (row - start >= -(uint64_t)bound->rows);
        return upper ? moved(row + 1, bound->rows, start, end) : moved(row, bound->rows, start, end);
    }
}

static void rows_frame(const win_frame *f, const win_block *b, const win_span *span, uint64_t *low, uint64_t *high)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t row = b->first + i;
        low[i] = row_bound(&f->lower, false, row, span->start[i], span->end[i]);
        high[i] = row_bound(&f->upper, true, row, span->start[i], span->end[i]);
        if (high[i] < low[i]) high[i] = low[i];
    }
}

/* Moves *at up to the first row whose order is not before (upper: is behind) the bound. */
static uint64_t advance(const win_out *w, uint64_t at, uint64_t end, const uint8_t *bound, bool upper)
{
    const window_shared *s = w->op->shared;
    const win_block *b = at < end ? vonk__win_block_of(w, at) : NULL;
    while (at < end) {
        if (at == b->first + b->n) b++;
        int c = memcmp(b->order + (at - b->first) * s->bound_bytes, bound, s->bound_bytes);
        if (upper ? c > 0 : c >= 0) break;
        at++;
    }
    return at;
}

static vonk_status encode_bound(win_out *w, const win_block *b, const win_bound *bound, uint8_t **ret, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    *ret = NULL;
    if (bound->kind != VONK_FRAME_VALUE) return VONK_OK;
    vonk_column *value = win_value(s, b, bound->value);
    VONK_TRY(vonk_arena_alloc(w->lane->scratch, (size_t)b->n * s->bound_bytes + 1, ret, err));
    return vonk_sort_key_encode(&value, &s->order_spec, 1, VONK_ALL_ROWS(b->n), *ret, s->bound_bytes, err);
}

static vonk_status range_frame(win_out *w, uint32_t number, const win_block *b, const win_span *span, uint64_t *low,
                               uint64_t *high, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    const win_frame *f = &s->frames[number];
    win_frame_local *l = &w->frames[number];
    uint8_t *lower, *upper;
    VONK_TRY(encode_bound(w, b, &f->lower, &lower, err));
    VONK_TRY(encode_bound(w, b, &f->upper, &upper, err));
    for (uint32_t i = 0; i < b->n; i++) {
        if (l->partition != span->start[i]) *l = (win_frame_local){span->start[i], span->start[i], span->start[i]};
        if (lower) l->low = advance(w, l->low, span->end[i], lower + (size_t)i * s->bound_bytes, false);
        if (upper) l->high = advance(w, l->high, span->end[i], upper + (size_t)i * s->bound_bytes, true);
        low[i] = lower ? l->low : f->lower.kind == VONK_FRAME_UNBOUNDED ? span->start[i] : span->peer[i];
        high[i] = upper ? l->high : f->upper.kind == VONK_FRAME_UNBOUNDED ? span->end[i] : span->peer_end[i];
        if (high[i] < low[i]) high[i] = low[i];
    }
    return VONK_OK;
}

vonk_status vonk__win_spans(win_out *w, const win_block *b, win_span *ret, vonk_error *err)
{
    const window_shared *s = w->op->shared;
    uint64_t **arrays[] = {&ret->start, &ret->end, &ret->peer, &ret->peer_end}, end = b->first + b->n;
    for (size_t i = 0; i < VONK_COUNTOF(arrays); i++)
        VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof **arrays[i], arrays[i], err));
    starts_and_ends(b->starts, b, w->partition, next_border(w, &w->start, false, end), ret->start, ret->end);
    starts_and_ends(b->peers, b, w->peer, next_border(w, &w->peers, true, end), ret->peer, ret->peer_end);
    VONK_TRY(vonk_arena_array(w->lane->scratch, s->n_frames + 1, sizeof *ret->low, &ret->low, err));
    VONK_TRY(vonk_arena_array(w->lane->scratch, s->n_frames + 1, sizeof *ret->high, &ret->high, err));
    for (uint32_t f = 0; f < s->n_frames; f++) {
        VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof **ret->low, &ret->low[f], err));
        VONK_TRY(vonk_arena_array(w->lane->scratch, b->n, sizeof **ret->high, &ret->high[f], err));
        if (s->frames[f].rows)
            rows_frame(&s->frames[f], b, ret, ret->low[f], ret->high[f]);
        else
            VONK_TRY(range_frame(w, f, b, ret, ret->low[f], ret->high[f], err));
    }
    return VONK_OK;
}
