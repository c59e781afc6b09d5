/* exec/sort_sink.c -- how rows come into sorting operators, and how they are read in order; see sort_int.h. */
#include "exec/sort_int.h"

void vonk__sort_sink_init(sort_sink *s) { vonk_mutex_init(&s->lock); }

void vonk__sort_sink_done(sort_sink *s)
{
    for (size_t i = 0; i < s->runs.n; i++) vonk__sort_run_done(&s->runs.at[i]);
    vonk_free(s->runs.at);
    vonk_free(s->bounds);
    vonk_spill_free(s->file);
    vonk_error_reset(&s->spill_error);
    vonk__sort_form_close(&s->form);
    vonk_mutex_done(&s->lock);
}

static vonk_status sort_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    sort_sink *s = op->shared;
    sort_lane *l = local;
    l->op = op;
    vonk_mutex_init(&l->lock);
    vonk_mutex_lock(&s->lock);
    l->next = s->lanes;
    s->lanes = l;
    vonk_mutex_unlock(&s->lock);
    return vonk__sort_rows_open(op, lane, &s->form, &l->rows, err);
}

static void sort_local_close(vonk_op *op, void *local)
{
    sort_sink *s = op->shared;
    sort_lane *l = local;
    vonk__sort_drop(&s->form, &l->rows);
    vonk__sort_rows_close(&l->rows);
    vonk_mutex_done(&l->lock);
}

/* ---- disk */

static vonk_status write_rows(sort_lane *l, sort_run *run, vonk_error *err)
{
    sort_sink *s = l->op->shared;
    uint8_t *rows[1024];
    for (size_t at = 0; at < l->rows.entries.n;) {
        uint32_t n = 0;
        for (; n < VONK_COUNTOF(rows) && at < l->rows.entries.n; at++) rows[n++] = l->rows.entries.at[at].row;
        if (vonk_exec_cancelled(l->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(vonk__sort_run_write(l->op, &s->form, s->file, rows, n, run, err));
    }
    return VONK_OK;
}

/* Lane's lock held. */
static vonk_status spill_lane(sort_lane *l, vonk_error *err)
{
    sort_sink *s = l->op->shared;
    sort_run run = {0};
    if (l->rows.entries.n == 0) return VONK_OK;
    vonk_mutex_lock(&s->lock);
    vonk_status st = s->file ? VONK_OK : vonk_spill_new(l->op, s->form.types, s->form.n_columns + 2, &s->file, err);
    vonk_mutex_unlock(&s->lock);
    VONK_TRY(st);
    VONK_TRY(vonk__sort_entries(l->op->exec, &s->form, l->rows.entries.at, l->rows.entries.n, err));
    st = write_rows(l, &run, err);
    if (st == VONK_OK) {
        VONK_LOCKED(&s->lock);
        st = VONK_VEC_PUSH(&s->runs, vonk_budget_root(), run, err);
    }
    if (st != VONK_OK) {
        vonk__sort_run_done(&run);
        return st;
    }
    vonk_row_store_reset(l->rows.store);
    vonk_free(l->rows.entries.at);
    l->rows.entries.at = NULL;
    l->rows.entries.n = l->rows.entries.capacity = 0;
    atomic_store_explicit(&l->bytes, 0, memory_order_relaxed);
    return VONK_OK;
}

int64_t vonk__sort_spillable(vonk_op *op)
{
    sort_sink *s = op->shared;
    int64_t bytes = 0;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    for (sort_lane *l = s->lanes; l; l = l->next) bytes += atomic_load_explicit(&l->bytes, memory_order_relaxed);
    vonk_mutex_unlock(&s->lock);
    return bytes;
}

int64_t vonk__sort_spill(vonk_op *op, int64_t bytes_wanted)
{
    sort_sink *s = op->shared;
    int64_t freed = 0;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    sort_lane *l = s->lanes;
    vonk_mutex_unlock(&s->lock); /* lanes are only added in front and live until close */
    for (; l && freed < bytes_wanted; l = l->next) {
        vonk_error err = VONK_ERROR_INIT;
        if (!vonk_mutex_try_lock(&l->lock)) continue;
        int64_t bytes = atomic_load_explicit(&l->bytes, memory_order_relaxed);
        vonk_status st = l->sorted ? VONK_OK : spill_lane(l, &err);
        if (st == VONK_OK && !l->sorted) freed += bytes;
        if (st != VONK_OK) {
            VONK_LOCKED(&s->lock);
            if (s->spill_status == VONK_OK) vonk_error_move(&s->spill_error, &err);
            s->spill_status = st;
        }
        vonk_error_reset(&err);
        vonk_mutex_unlock(&l->lock);
    }
    return freed;
}

/* ---- rows come in */

static bool room_is_short(const vonk_op *op, const sort_lane *l)
{
    int64_t limit = vonk_budget_limit(op->budget), kept = atomic_load_explicit(&l->bytes, memory_order_relaxed);
    if (limit == VONK_NO_LIMIT || kept < (256 << 10)) return false;
    int64_t reserve = limit / 8 < (32 << 20) ? limit / 8 : 32 << 20;
    reserve += (int64_t)(l->rows.entries.capacity * sizeof(sort_entry)); /* the entries may have to double */
    return vonk_budget_room(op->budget) < reserve;
}

static vonk_status sort_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                             vonk_flow *ret_flow, vonk_error *err)
{
    sort_sink *s = op->shared;
    sort_lane *l = local;
    VONK_LOCKED(&l->lock);
    if (s->spill_status != VONK_OK) {
        VONK_LOCKED(&s->lock);
        vonk_error_copy(err, &s->spill_error);
        return s->spill_status;
    }
    if (room_is_short(op, l)) VONK_TRY(spill_lane(l, err));
    vonk_status st = vonk__sort_encode(op, lane, &s->form, &l->rows, in, err);
    if (st == VONK_OK) st = vonk__sort_keep(op, lane, &s->form, &l->rows, in, NULL, in->n_sel, err);
    vonk__sort_drop(&s->form, &l->rows);
    l->rows.row_in_morsel += in->n_sel;
    int64_t bytes = (int64_t)(vonk_row_store_bytes(l->rows.store) + l->rows.entries.capacity * sizeof(sort_entry));
    atomic_store_explicit(&l->bytes, bytes, memory_order_relaxed);
    return st;
}

static vonk_status sort_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    sort_lane *l = local;
    if (!vonk_exec_force_spill(op->exec)) return VONK_OK;
    VONK_LOCKED(&l->lock);
    return spill_lane(l, err);
}

static vonk_status sort_merge(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    sort_sink *s = op->shared;
    sort_lane *l = local;
    VONK_LOCKED(&l->lock);
    l->sorted = true;
    atomic_store(&l->bytes, 0);
    return vonk__sort_entries(op->exec, &s->form, l->rows.entries.at, l->rows.entries.n, err);
}

/* ---- cutting the sorted runs */

static const sort_entry *lower_bound(const vonk_op *op, const sort_lane *l, const sort_entry *key)
{
    const sort_sink *s = op->shared;
    const sort_entry *from = l->rows.entries.at;
    size_t n = l->rows.entries.n;
    while (n > 0) {
        size_t half = n / 2;
        int c = s->compare_cut ? s->compare_cut(op, from + half, key) : vonk__sort_compare(&s->form, from + half, key);
        if (c < 0) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

/* First entry of a partition: the partition is the head of the key. */
static const sort_entry *partition_bound(const sort_lane *l, uint32_t partition)
{
    const sort_entry *from = l->rows.entries.at;
    size_t n = l->rows.entries.n;
    while (n > 0) {
        size_t half = n / 2;
        if ((uint32_t)(from[half].prefix >> 32) < partition) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

static const sort_lane *longest(const sort_sink *s, uint64_t *ret_total)
{
    const sort_lane *best = s->lanes;
    *ret_total = 0;
    for (const sort_lane *l = s->lanes; l; l = l->next) {
        *ret_total += l->rows.entries.n;
        if (l->rows.entries.n > best->rows.entries.n) best = l;
    }
    return best;
}

static vonk_status sort_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    sort_sink *s = op->shared;
    uint64_t total;
    const sort_lane *sample = longest(s, &total);
    if (s->spill_status != VONK_OK) {
        vonk_error_copy(err, &s->spill_error);
        return s->spill_status;
    }
    for (sort_lane *l = s->lanes; l; l = l->next) {
        s->n_memory++;
        if (s->all_or_none && s->runs.n > 0) VONK_TRY(spill_lane(l, err));
    }
    if (s->runs.n > 0) {
        uint32_t n = vonk_u32_of(s->runs.n);
        s->on_disk = true;
        vonk_status st = vonk__sort_runs_reduce(op, &s->form, s->file, s->runs.at, &n, err);
        if (st == VONK_OK) s->runs.n = n;
        return st;
    }
    s->n_cuts = s->by_partition ? op->n_partitions : (uint32_t)((total + SORT_CUT_ROWS - 1) / SORT_CUT_ROWS);
    VONK_TRY(vonk_alloc_zeroed(op->budget, ((size_t)s->n_cuts + 1) * (s->n_memory + 1) * sizeof *s->bounds, &s->bounds,
                               err));
    for (uint32_t c = 0; c <= s->n_cuts; c++) {
        uint32_t run = 0;
        for (const sort_lane *l = s->lanes; l; l = l->next, run++) {
            const sort_entry **at = &s->bounds[(size_t)c * s->n_memory + run];
            if (c == 0)
                *at = l->rows.entries.at;
            else if (c == s->n_cuts)
                *at = l->rows.entries.n ? l->rows.entries.at + l->rows.entries.n : l->rows.entries.at;
            else if (s->by_partition)
                *at = partition_bound(l, c);
            else
                *at = lower_bound(op, l, &sample->rows.entries.at[sample->rows.entries.n * c / s->n_cuts]);
        }
    }
    return VONK_OK;
}

const vonk_input_class vonk__sort_input = {.sink = true,
                                           .order = VONK_ORDER_BREAKS,
                                           .local_size = sizeof(sort_lane),
                                           .local_open = sort_local_open,
                                           .push = sort_push,
                                           .end_morsel = sort_end,
                                           .merge = sort_merge,
                                           .finish = sort_finish,
                                           .local_close = sort_local_close};

/* ---- rows go out */

vonk_status vonk__sort_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    sort_sink *s = op->shared;
    *ret_n = s->on_disk || s->by_partition ? 1 : s->n_cuts;
    s->n_morsels += *ret_n;
    return VONK_OK;
}

static void morsel_given(sort_sink *s)
{
    if (atomic_fetch_add(&s->n_given, 1) + 1 < s->n_morsels) return;
    for (sort_lane *l = s->lanes; l; l = l->next) {
        vonk_row_store_reset(l->rows.store);
        l->rows.entries.n = 0;
    }
}

vonk_status vonk__sort_reader_open(vonk_op *op, sort_reader *r, vonk_error *err)
{
    const sort_sink *s = op->shared;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_memory + 1) * sizeof *r->cursors, &r->cursors, err));
    return vonk_alloc_zeroed(op->budget, (s->n_memory + 1) * sizeof *r->heap, &r->heap, err);
}

void vonk__sort_reader_close(sort_reader *r)
{
    vonk__disk_merge_free(r->disk);
    vonk_free(r->cursors);
    vonk_free(r->heap);
}

static vonk_status start_disk(vonk_op *op, sort_reader *r, vonk_error *err)
{
    sort_sink *s = op->shared;
    uint32_t i = 0;
    for (const sort_lane *l = s->lanes; l; l = l->next)
        r->cursors[i++] = (sort_cursor){l->rows.entries.at, l->rows.entries.at + l->rows.entries.n};
    vonk__disk_merge_free(r->disk);
    r->disk = NULL;
    return vonk__disk_merge_new(op, &s->form, s->file, s->runs.at, vonk_u32_of(s->runs.n), r->cursors, s->n_memory,
                                s->by_partition ? r->partition : 0, &r->disk, err);
}

vonk_status vonk__sort_reader_start(vonk_op *op, sort_reader *r, uint32_t partition, uint32_t morsel, vonk_error *err)
{
    sort_sink *s = op->shared;
    uint32_t cut = s->by_partition ? partition : morsel;
    r->partition = partition;
    r->ended = false;
    if (s->on_disk) return start_disk(op, r, err);
    for (uint32_t i = 0; i < s->n_memory; i++)
        r->cursors[i] =
            (sort_cursor){s->bounds[(size_t)cut * s->n_memory + i], s->bounds[(size_t)(cut + 1) * s->n_memory + i]};
    vonk__sort_heap(&s->form, r->cursors, s->n_memory, r->heap, &r->n_live);
    return VONK_OK;
}

/* Of a local sort on disk each partition reads the blocks that can hold its rows, and keeps its own. */
static vonk_status next_disk(const sort_sink *s, sort_reader *r, uint8_t **rows, uint32_t room, uint32_t *ret_n,
                             vonk_error *err)
{
    for (;;) {
        uint32_t n = 0, kept = 0;
        VONK_TRY(vonk__disk_merge_next(r->disk, rows, room, &n, err));
        *ret_n = n;
        if (!s->by_partition || n == 0) return VONK_OK;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t p;
            memcpy(&p, rows[i] + s->form.key_at, sizeof p);
            p = __builtin_bswap32(p);
            if (p == r->partition) rows[kept++] = rows[i];
            if (p > r->partition) r->ended = true;
        }
        *ret_n = kept;
        if (kept > 0 || r->ended) return VONK_OK;
    }
}

vonk_status vonk__sort_reader_next(vonk_op *op, sort_reader *r, uint8_t **rows, uint32_t room, uint32_t *ret_n,
                                   vonk_error *err)
{
    sort_sink *s = op->shared;
    *ret_n = 0;
    if (s->on_disk && !r->ended)
        VONK_TRY(next_disk(s, r, rows, room, ret_n, err));
    else if (!s->on_disk)
        *ret_n = vonk__sort_merge(&s->form, r->cursors, r->heap, &r->n_live, rows, room);
    if (*ret_n == 0) morsel_given(s);
    return VONK_OK;
}
