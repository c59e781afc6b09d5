/* exec/agg_spill.c -- rows of a lane to disk: part by part, as columns [keys, saved states (or raw values), position,
 * hash, partition]. */
#include "exec/agg_int.h"

#define SPILL_ROWS 8192

static uint32_t part_of_row(const agg_lane *l, uint8_t *row)
{
    const agg_shared *s = l->op->shared;
    const agg_form *f = l->dest.form;
    return agg_part_of(s, l->op, *agg_hash_of(f, row), f->partition_at ? *agg_partition_of(f, row) : 0);
}

vonk_status vonk__agg_scatter(agg_lane *l, vonk_budget *budget, vonk_error *err)
{
    uint64_t n = vonk_row_store_n(l->dest.one), at[AGG_PARTS] = {0};
    uint8_t **rows = NULL, *some[512];
    VONK_TRY(vonk_alloc_array(budget, n + 1, sizeof *rows, &rows, err));
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t i = 0; i < n;) {
            uint32_t m = n - i < VONK_COUNTOF(some) ? (uint32_t)(n - i) : (uint32_t)VONK_COUNTOF(some);
            vonk_row_store_addresses(l->dest.one, i, m, some);
            for (uint32_t k = 0; k < m; k++) {
                uint64_t *to = &at[part_of_row(l, some[k])];
                if (pass == 1) rows[*to] = some[k];
                ++*to;
            }
            i += m;
        }
        l->first[0] = 0;
        for (uint32_t p = 0; p < AGG_PARTS && pass == 0; p++) {
            l->first[p + 1] = l->first[p] + at[p];
            at[p] = l->first[p];
        }
    }
    vonk_free(l->scattered);
    l->scattered = rows;
    return VONK_OK;
}

typedef struct spill_work {
    agg_shared *s;
    const agg_form *form;
    vonk_budget *budget; /* transient columns: one block at a time, charged to the process */
    vonk_arena *scratch;
    vonk_eval ev;
    void **fn_locals;
    vonk_column **columns;
} spill_work;

static vonk_status long_column(const spill_work *w, uint8_t *const *rows, uint32_t n, uint32_t at, vonk_column **ret,
                               vonk_error *err)
{
    int64_t *to = NULL;
    VONK_TRY(vonk_column_new(w->budget, &vonk_type_long, n, false, ret, (void **)&to, NULL, err));
    for (uint32_t i = 0; i < n; i++) memcpy(&to[i], rows[i] + at, sizeof to[i]);
    return VONK_OK;
}

static vonk_status partition_column(const spill_work *w, uint8_t *const *rows, uint32_t n, vonk_column **ret,
                                    vonk_error *err)
{
    int32_t *to = NULL;
    VONK_TRY(vonk_column_new(w->budget, &vonk_type_int, n, false, ret, (void **)&to, NULL, err));
    for (uint32_t i = 0; i < n; i++) to[i] = w->form->partition_at ? *agg_partition_of(w->form, rows[i]) : 0;
    return VONK_OK;
}

static vonk_status make_columns(spill_work *w, uint8_t *const *rows, uint32_t n, vonk_error *err)
{
    const agg_shared *s = w->s;
    uint32_t at = 0;
    for (; at < w->form->layout->n_columns; at++)
        VONK_TRY(vonk_rows_gather(w->budget, w->form->layout, at, rows, n, &w->columns[at], err));
    for (uint32_t f = 0; f < s->n_fns && w->form->with_states; f++) {
        const agg_fn *fn = &s->fns[f];
        uint8_t **states = NULL;
        VONK_TRY(vonk_arena_array(w->scratch, n, sizeof *states, &states, err));
        for (uint32_t i = 0; i < n; i++) states[i] = rows[i] + fn->state_at;
        w->ev.local = w->fn_locals[f];
        VONK_TRY(vonk__agg_save(fn, &w->ev, states, n, &w->columns[at], err));
        at += fn->n_saved;
    }
    VONK_TRY(long_column(w, rows, n, w->form->position_at, &w->columns[at], err));
    VONK_TRY(long_column(w, rows, n, w->form->hash_at, &w->columns[at + 1], err));
    return partition_column(w, rows, n, &w->columns[at + 2], err);
}

static vonk_status put_rows(spill_work *w, uint32_t part, uint8_t *const *rows, uint32_t n, vonk_error *err)
{
    agg_shared *s = w->s;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    vonk_spill_ref ref;
    vonk_arena_reset(w->scratch);
    vonk_status st = make_columns(w, rows, n, err);
    if (st == VONK_OK) st = vonk_batch_new(w->budget, n, w->columns, s->n_spill_types, &batch, err);
    for (uint32_t i = 0; i < s->n_spill_types; i++) {
        vonk_column_unref(w->columns[i]);
        w->columns[i] = NULL;
    }
    VONK_TRY(st);
    VONK_TRY(vonk_spill_put(s->file, batch, &ref, err));
    VONK_LOCKED(&s->lock);
    VONK_TRY(VONK_VEC_PUSH(&s->spilled[part].refs, vonk_budget_root(), ref, err));
    s->spilled[part].n_rows += n;
    return VONK_OK;
}

static vonk_status put_store(spill_work *w, uint32_t part, vonk_row_store *store, vonk_error *err)
{
    uint8_t *rows[1024];
    uint64_t n = vonk_row_store_n(store);
    for (uint64_t at = 0; at < n;) {
        uint32_t some = n - at < VONK_COUNTOF(rows) ? (uint32_t)(n - at) : (uint32_t)VONK_COUNTOF(rows);
        vonk_row_store_addresses(store, at, some, rows);
        VONK_TRY(put_rows(w, part, rows, some, err));
        at += some;
    }
    return VONK_OK;
}

static vonk_status put_all(spill_work *w, agg_lane *l, vonk_error *err)
{
    if (vonk_row_store_n(l->dest.one) > 0) {
        VONK_TRY(vonk__agg_scatter(l, w->budget, err));
        for (uint32_t p = 0; p < AGG_PARTS; p++) {
            for (uint64_t at = l->first[p]; at < l->first[p + 1];) {
                uint64_t some = l->first[p + 1] - at < SPILL_ROWS ? l->first[p + 1] - at : SPILL_ROWS;
                VONK_TRY(put_rows(w, p, l->scattered + at, (uint32_t)some, err));
                at += some;
            }
        }
    }
    for (uint32_t p = 0; p < AGG_PARTS && l->dest.parts; p++) VONK_TRY(put_store(w, p, l->parts[p], err));
    return VONK_OK;
}

static vonk_status open_file(agg_lane *l, vonk_error *err)
{
    agg_shared *s = l->op->shared;
    VONK_LOCKED(&s->lock);
    return s->file ? VONK_OK : vonk_spill_new(l->op, s->spill_types, s->n_spill_types, &s->file, err);
}

vonk_status vonk__agg_lane_spill(agg_lane *l, vonk_error *err)
{
    agg_shared *s = l->op->shared;
    spill_work w = {.s = s, .form = l->dest.form, .budget = vonk_budget_root(), .fn_locals = l->fn_locals};
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    VONK_TRY(open_file(l, err));
    VONK_TRY(vonk_arena_new(w.budget, &scratch, err));
    w.scratch = scratch;
    vonk_eval_init(&w.ev, w.budget, scratch);
    VONK_TRY(vonk_alloc_zeroed(w.budget, s->n_spill_types * sizeof *w.columns, &w.columns, err));
    vonk_status st = put_all(&w, l, err);
    vonk_free(w.columns);
    vonk_free(l->scattered);
    l->scattered = NULL;
    VONK_TRY(st);
    vonk_row_store_reset(l->dest.one);
    for (uint32_t p = 0; p < AGG_PARTS && l->dest.parts; p++) vonk_row_store_reset(l->parts[p]);
    if (!s->ordered) vonk__agg_table_clear(&l->table);
    l->direct.valid = false;
    vonk_arena_reset(l->heap);
    atomic_store_explicit(&l->bytes, 0, memory_order_relaxed);
    return VONK_OK;
}
