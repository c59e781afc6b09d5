/* exec/op_sort.c -- P_SORT. Each lane keeps its rows and sorts them when it has no more (or when memory is short: then
 * they go to disk as a run); what comes out is merged: in memory range by range in parallel, with runs on disk by one
 * lane. Stable. A local sort keeps partitions. */
#include "exec/sort_int.h"

#define RANGE_ROWS 65536

typedef struct sort_lane {
    vonk_op *op;
    vonk_mutex lock; /* push and merge / spill from outside */
    sort_rows rows;
    _Atomic int64_t bytes;
    bool sorted;
    struct sort_lane *next;
} sort_lane;

typedef struct sort_shared {
    sort_form form;
    vonk_mutex lock;
    sort_lane *lanes;
    vonk_spill_file *file;
    VONK_VEC(sort_run) runs;
    vonk_status spill_status;
    vonk_error spill_error;
    /* after finish */
    uint32_t n_memory, n_cuts; /* runs in memory; morsels of a global sort */
    const sort_entry **bounds; /* [cut or partition][run]: where it starts; one more at the end */
    bool on_disk;
    uint32_t n_morsels; /* altogether; when all are given the rows go */
    _Atomic uint32_t n_given;
} sort_shared;

static vonk_status sort_open(vonk_op *op, vonk_error *err)
{
    sort_shared *s = op->shared;
    bool global = op->node->number == 1 || op->fused; /* fused: the range exchange below is left out */
    vonk_mutex_init(&s->lock);
    VONK_TRY(vonk__sort_form_open(op, &s->form, !global, err));
    op->n_partitions = global ? 1 : op->children[0]->n_partitions;
    op->by_hash = !global && op->children[0]->by_hash;
    return VONK_OK;
}

static void sort_close(vonk_op *op)
{
    sort_shared *s = op->shared;
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
    sort_shared *s = op->shared;
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
    sort_shared *s = op->shared;
    sort_lane *l = local;
    vonk__sort_drop(&s->form, &l->rows);
    vonk__sort_rows_close(&l->rows);
    vonk_mutex_done(&l->lock);
}

/* ---- disk */

static vonk_status write_rows(sort_lane *l, sort_run *run, vonk_error *err)
{
    sort_shared *s = l->op->shared;
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
    sort_shared *s = l->op->shared;
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

static int64_t sort_spillable(vonk_op *op)
{
    sort_shared *s = op->shared;
    int64_t bytes = 0;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    for (sort_lane *l = s->lanes; l; l = l->next) bytes += atomic_load_explicit(&l->bytes, memory_order_relaxed);
    vonk_mutex_unlock(&s->lock);
    return bytes;
}

static int64_t sort_spill(vonk_op *op, int64_t bytes_wanted)
{
    sort_shared *s = op->shared;
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
    sort_shared *s = op->shared;
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
    sort_shared *s = op->shared;
    sort_lane *l = local;
    VONK_LOCKED(&l->lock);
    l->sorted = true;
    atomic_store(&l->bytes, 0);
    return vonk__sort_entries(op->exec, &s->form, l->rows.entries.at, l->rows.entries.n, err);
}

/* ---- cutting the sorted runs */

static const sort_entry *lower_bound(const sort_form *f, const sort_lane *l, const sort_entry *key)
{
    const sort_entry *from = l->rows.entries.at;
    size_t n = l->rows.entries.n;
    while (n > 0) {
        size_t half = n / 2;
        if (vonk__sort_compare(f, from + half, key) < 0) {
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

static const sort_lane *longest(const sort_shared *s, uint64_t *ret_total)
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
    sort_shared *s = op->shared;
    uint64_t total;
    const sort_lane *sample = longest(s, &total);
    if (s->spill_status != VONK_OK) {
        vonk_error_copy(err, &s->spill_error);
        return s->spill_status;
    }
    for (const sort_lane *l = s->lanes; l; l = l->next) s->n_memory++;
    if (s->runs.n > 0) {
        uint32_t n = vonk_u32_of(s->runs.n);
        s->on_disk = true;
        vonk_status st = vonk__sort_runs_reduce(op, &s->form, s->file, s->runs.at, &n, err);
        if (st == VONK_OK) s->runs.n = n;
        return st;
    }
    s->n_cuts = s->form.local ? op->n_partitions : (uint32_t)((total + RANGE_ROWS - 1) / RANGE_ROWS);
    VONK_TRY(vonk_alloc_zeroed(op->budget, ((size_t)s->n_cuts + 1) * (s->n_memory + 1) * sizeof *s->bounds, &s->bounds,
                               err));
    for (uint32_t c = 0; c <= s->n_cuts; c++) {
        uint32_t run = 0;
        for (const sort_lane *l = s->lanes; l; l = l->next, run++) {
            const sort_entry **at = &s->bounds[(size_t)c * s->n_memory + run];
            if (c == 0)
                *at = l->rows.entries.at;
            else if (c == s->n_cuts)
                *at = l->rows.entries.at + l->rows.entries.n;
            else if (s->form.local)
                *at = partition_bound(l, c);
            else
                *at = lower_bound(&s->form, l, &sample->rows.entries.at[sample->rows.entries.n * c / s->n_cuts]);
        }
    }
    return VONK_OK;
}

/* ---- rows go out */

typedef struct sort_out {
    sort_cursor *cursors;
    uint32_t *heap, n_live;
    uint8_t **rows;
    disk_merge *disk;
    uint32_t partition;
    bool ended;
} sort_out;

static vonk_status sort_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    sort_shared *s = op->shared;
    *ret_n = s->on_disk || s->form.local ? 1 : s->n_cuts;
    s->n_morsels += *ret_n;
    return VONK_OK;
}

static void morsel_given(sort_shared *s)
{
    if (atomic_fetch_add(&s->n_given, 1) + 1 < s->n_morsels) return;
    for (sort_lane *l = s->lanes; l; l = l->next) {
        vonk_row_store_reset(l->rows.store);
        l->rows.entries.n = 0;
    }
}

static vonk_status out_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    const sort_shared *s = op->shared;
    sort_out *o = local;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_memory + 1) * sizeof *o->cursors, &o->cursors, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_memory + 1) * sizeof *o->heap, &o->heap, err));
    return vonk_alloc_zeroed(op->budget, vonk_exec_batch_rows(op->exec) * sizeof *o->rows, &o->rows, err);
}

static void out_close(vonk_op *op, void *local)
{
    sort_out *o = local;
    vonk__disk_merge_free(o->disk);
    vonk_free(o->cursors);
    vonk_free(o->heap);
    vonk_free(o->rows);
}

static vonk_status start_disk(vonk_op *op, sort_out *o, vonk_error *err)
{
    sort_shared *s = op->shared;
    uint32_t i = 0;
    for (const sort_lane *l = s->lanes; l; l = l->next)
        o->cursors[i++] = (sort_cursor){l->rows.entries.at, l->rows.entries.at + l->rows.entries.n};
    vonk__disk_merge_free(o->disk);
    o->disk = NULL;
    return vonk__disk_merge_new(op, &s->form, s->file, s->runs.at, vonk_u32_of(s->runs.n), o->cursors, s->n_memory,
                                o->partition, &o->disk, err);
}

static vonk_status out_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    sort_shared *s = op->shared;
    sort_out *o = local;
    uint32_t cut = s->form.local ? partition : morsel;
    o->partition = partition;
    o->ended = false;
    if (s->on_disk) return start_disk(op, o, err);
    for (uint32_t i = 0; i < s->n_memory; i++)
        o->cursors[i] =
            (sort_cursor){s->bounds[(size_t)cut * s->n_memory + i], s->bounds[(size_t)(cut + 1) * s->n_memory + i]};
    vonk__sort_heap(&s->form, o->cursors, s->n_memory, o->heap, &o->n_live);
    return VONK_OK;
}

/* Of a local sort on disk each partition reads the blocks that can hold its rows, and keeps its own. */
static vonk_status next_disk(const sort_shared *s, sort_out *o, uint32_t room, uint32_t *ret_n, vonk_error *err)
{
    for (;;) {
        uint32_t n = 0, kept = 0;
        VONK_TRY(vonk__disk_merge_next(o->disk, o->rows, room, &n, err));
        *ret_n = n;
        if (!s->form.local || n == 0) return VONK_OK;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t p;
            memcpy(&p, o->rows[i] + s->form.key_at, sizeof p);
            p = __builtin_bswap32(p);
            if (p == o->partition) o->rows[kept++] = o->rows[i];
            if (p > o->partition) o->ended = true;
        }
        *ret_n = kept;
        if (kept > 0 || o->ended) return VONK_OK;
    }
}

static vonk_status out_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    sort_shared *s = op->shared;
    sort_out *o = local;
    uint32_t n = 0, room = vonk_exec_batch_rows(op->exec);
    vonk_batch *batch = NULL;
    if (s->on_disk && !o->ended)
        VONK_TRY(next_disk(s, o, room, &n, err));
    else if (!s->on_disk)
        n = vonk__sort_merge(&s->form, o->cursors, o->heap, &o->n_live, o->rows, room);
    if (n == 0) {
        morsel_given(s);
        return VONK_OK;
    }
    VONK_TRY(vonk__sort_output(op, lane, &s->form, o->rows, n, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

static const vonk_input_class sort_input = {.sink = true,
                                            .order = VONK_ORDER_BREAKS,
                                            .local_size = sizeof(sort_lane),
                                            .local_open = sort_local_open,
                                            .push = sort_push,
                                            .end_morsel = sort_end,
                                            .merge = sort_merge,
                                            .finish = sort_finish,
                                            .local_close = sort_local_close};
static const vonk_source_class sort_source = {.local_size = sizeof(sort_out),
                                              .local_open = out_open,
                                              .n_morsels = sort_n_morsels,
                                              .start = out_start,
                                              .next = out_next,
                                              .local_close = out_close};
const vonk_op_class vonk_op_sort = {.name = "sort",
                                    .shared_size = sizeof(sort_shared),
                                    .open = sort_open,
                                    .close = sort_close,
                                    .spillable = sort_spillable,
                                    .spill = sort_spill,
                                    .n_inputs = 1,
                                    .inputs = &sort_input,
                                    .source = &sort_source};
