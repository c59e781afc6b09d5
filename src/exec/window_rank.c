/* exec/window_rank.c -- row_number, rank, dense_rank, percent_rank, cume_dist, ntile, ends of frames: from the borders
 * alone. */
#include "exec/window_int.h"

static void number_rows(const win_fn *f, win_fn_local *l, const win_block *b, const win_span *span, int32_t *out)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t row = b->first + i, place = row - span->start[i];
        switch (f->kind) {
        case WIN_ROW_NUMBER: out[i] = (int32_t)(place + 1); break;
        case WIN_RANK: out[i] = (int32_t)(span->peer[i] - span->start[i] + 1); break;
        default:
            if (l->partition != span->start[i]) {
                l->partition = span->start[i];
                l->count = 0;
            }
            l->count += span->peer[i] == row;
            out[i] = (int32_t)l->count;
            break;
        }
    }
}

/* The first (rows mod buckets) buckets have one row more. */
static int32_t bucket(uint64_t place, uint64_t n, uint64_t buckets)
{
    uint64_t size = n / buckets, larger = n % buckets, in_larger = larger * (size + 1);
    if (place < in_larger) return (int32_t)(place / (size + 1) + 1);
    return (int32_t)(larger + (place - in_larger) / size + 1);
}

static void share_rows(const win_fn *f, const win_block *b, const win_span *span, double *out)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t n = span->end[i] - span->start[i], before = span->peer[i] - span->start[i];
        if (f->kind == WIN_CUME_DIST)
            out[i] = (double)(span->peer_end[i] - span->start[i]) / (double)n;
        else
            out[i] = n > 1 ? (double)before / (double)(n - 1) : 0;
    }
}

static void frame_ends(const win_fn *f, const win_block *b, const win_span *span, int32_t *out)
{
    const uint64_t *from = span->low[f->frame], *to = span->high[f->frame];
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t end = f->kind == WIN_FRAME_START || to[i] < from[i] ? from[i] : to[i]; /* empty: both are the same */
        out[i] = (int32_t)(end - span->start[i]);
    }
}

vonk_status vonk__win_rank(win_out *w, uint32_t number, const win_block *b, const win_span *span, vonk_column **ret,
                           vonk_error *err)
{
    const window_shared *s = w->op->shared;
    const win_fn *f = &s->fns[number];
    void *data = NULL;
    VONK_TRY(vonk_column_new(w->lane->budget, f->type, b->n, false, ret, &data, NULL, err));
    switch (f->kind) {
    case WIN_PERCENT_RANK:
    case WIN_CUME_DIST: share_rows(f, b, span, data); break;
    case WIN_NTILE:
        for (uint32_t i = 0; i < b->n; i++)
            ((int32_t *)data)[i] =
                bucket(b->first + i - span->start[i], span->end[i] - span->start[i], (uint64_t)f->offset);
        break;
    case WIN_FRAME_START:
    case WIN_FRAME_END: frame_ends(f, b, span, data); break;
    default: number_rows(f, &w->fns[number], b, span, data); break;
    }
    return VONK_OK;
}
