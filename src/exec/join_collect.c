/* exec/join_collect.c -- the build side's way into a join: what is needed of each batch is kept, lane by lane; at the
 * end a table is made of it, by steps when it is large. */
#include "exec/join_int.h"

/* ---- open and close */

vonk_status vonk__join_open(vonk_op *op, join_shared *s, const vonk_expr_list *probe_keys,
                            const vonk_expr_list *build_keys, const vonk_expr *residual, vonk_error *err)
{
    vonk_mutex_init(&s->lock);
    vonk_mutex_init(&s->steps.lock);
    vonk_cond_init(&s->steps.changed);
    VONK_TRY(vonk__join_form_open(op, &s->form, probe_keys, build_keys, residual, err));
    if (s->form.flags && op->n_partitions == 0) op->n_partitions = 1;
    /* Build rows that come out at the end stand in the partition of their exchange, or break the promise. */
    const vonk_op *build = op->children[1];
    bool kept = build->by_hash && build->n_partitions == op->n_partitions;
    if (s->form.flags && op->by_hash && !kept) op->by_hash = false;
    if (s->form.flags && op->by_hash)
        VONK_TRY(vonk_arena_array(op->arena, op->n_partitions + 1, sizeof *s->partition_rows, &s->partition_rows, err));
    VONK_TRY(vonk_arena_array(op->arena, s->form.n_keys, sizeof *s->slots, &s->slots, err));
    VONK_TRY(vonk_arena_array(op->arena, s->form.n_keys, sizeof *s->has_slot, &s->has_slot, err));
    vonk__join_find_slots(op, s);
    return VONK_OK;
}

static void drop_batches(join_lot *lot)
{
    for (size_t i = 0; i < lot->batches.n; i++) vonk_batch_unref(lot->batches.at[i]);
    vonk_free(lot->batches.at);
    lot->batches.at = NULL;
    lot->batches.n = lot->batches.capacity = 0;
}

void vonk__join_close(vonk_op *op)
{
    join_shared *s = op->shared;
    while (s->lots) {
        join_lot *lot = s->lots;
        s->lots = lot->next;
        drop_batches(lot);
        vonk_mutex_done(&lot->lock);
        vonk_free(lot);
    }
    vonk__join_withdraw(s);
    vonk__join_build_close(&s->build);
    vonk__join_table_free(s->table);
    vonk__join_grace_free(s->grace);
    vonk_error_reset(&s->spill_error);
    vonk__join_form_close(&s->form);
    vonk_cond_done(&s->steps.changed);
    vonk_mutex_done(&s->steps.lock);
    vonk_mutex_done(&s->lock);
}

/* ---- rows come in */

vonk_status vonk__join_build_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    join_shared *s = op->shared;
    join_build_local *l = local;
    join_lot *lot = NULL;
    VONK_TRY(VONK_NEW(op->budget, &lot, err));
    lot->op = op;
    vonk_mutex_init(&lot->lock);
    vonk_mutex_lock(&s->lock);
    lot->next = s->lots;
    s->lots = l->lot = lot;
    vonk_mutex_unlock(&s->lock);
    return s->form.build_keys.program ? vonk__program_open(op, lane, s->form.build_keys.program, &lot->keys, err)
                                      : VONK_OK;
}

void vonk__join_build_local_close(vonk_op *op, void *local)
{
    join_build_local *l = local;
    if (l->lot) vonk__program_close(&l->lot->keys);
}

/* Rows without a null key, as a new selection; *ret_sel NULL: all have one or none is to be dropped. */
static vonk_status select_keyed(const join_form *f, vonk_lane *lane, join_lot *lot, vonk_column *const *keys,
                                vonk_rows rows, vonk_buffer **ret_sel, uint32_t *ret_n, vonk_error *err)
{
    bool may = false;
    uint8_t *null = NULL;
    uint32_t n = 0;
    *ret_n = rows.n;
    for (uint32_t i = 0; i < f->n_keys; i++) may |= vonk_column_may_have_nulls(keys[i]);
    if (!may) return VONK_OK;
    VONK_TRY(vonk_arena_alloc(lane->scratch, rows.n, &null, err));
    for (uint32_t i = 0; i < f->n_keys; i++) {
        if (!vonk_column_may_have_nulls(keys[i])) continue;
        for (uint32_t k = 0; k < rows.n; k++) null[k] |= vonk_column_is_null(keys[i], vonk_row_at(rows, k));
    }
    for (uint32_t k = 0; k < rows.n; k++) n += !null[k];
    if (n < rows.n) lot->has_null = true;
    if (n == rows.n || !f->drop_nulls) return VONK_OK;
    VONK_TRY(vonk_buffer_new(lane->budget, n * sizeof(uint32_t), ret_sel, err));
    uint32_t *sel = (uint32_t *)(*ret_sel)->data, m = 0;
    for (uint32_t k = 0; k < rows.n; k++)
        if (!null[k]) sel[m++] = vonk_row_at(rows, k);
    *ret_n = n;
    return VONK_OK;
}

/* One stored column: the selected rows, without what else lies in its buffers. */
static vonk_status store_column(vonk_lane *lane, const vonk_column *from, vonk_rows rows, vonk_column **ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *dense = NULL;
    if (rows.idx)
        VONK_TRY(vonk_column_gather(lane->budget, from, rows.idx, rows.n, false, &dense, err));
    else
        dense = vonk_column_ref(from);
    return vonk_column_compact(lane->budget, dense, ret, err);
}

static vonk_status store_batch(const join_form *f, vonk_lane *lane, join_lot *lot, const vonk_batch *in,
                               vonk_column *const *keys, vonk_rows rows, vonk_batch **ret, vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t n = 0;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, f->n_stored + 1, sizeof(vonk_column *), &columns, err));
    for (; n < f->n_stored && st == VONK_OK; n++) {
        const vonk_column *from = NULL;
        for (uint32_t i = 0; i < f->n_keys && f->stored[n] == JOIN_NONE; i++)
            if (f->key_stored[i] == n) from = keys[i];
        if (!from) from = in->columns[f->stored[n]];
        st = store_column(lane, from, rows, &columns[n], err);
    }
    if (st == VONK_OK) {
        VONK_TRY(vonk_op_batch(lane, rows.n, columns, n, ret, err));
        (*ret)->partition = in->partition;
        return vonk__join_place(&lot->position, lane->ordinal, rows.n, &(*ret)->sequence, err);
    }
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}

static vonk_status keep(join_lot *lot, vonk_batch *take_batch, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    VONK_LOCKED(&lot->lock);
    /* Nobody can make room by spilling this lot while it is held. */
    VONK_TRY(VONK_VEC_PUSH(&lot->batches, vonk_budget_root(), batch, err));
    atomic_fetch_add_explicit(&lot->bytes, (int64_t)vonk__join_bytes(batch), memory_order_relaxed);
    batch = NULL;
    return VONK_OK;
}

vonk_status vonk__join_build_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                  vonk_flow *ret_flow, vonk_error *err)
{
    join_shared *s = op->shared;
    const join_form *f = &s->form;
    join_lot *lot = ((join_build_local *)local)->lot;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    vonk_rows rows = vonk_batch_rows(in);
    vonk_column **keys = NULL;
    vonk_batch *kept = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, f->n_keys + 1, sizeof(vonk_column *), &keys, err));
    VONK_TRY(vonk__join_key_columns(&f->build_keys, f->n_keys, &lot->keys, lane, in, keys, err));
    lot->any = true;
    vonk_status st = select_keyed(f, lane, lot, keys, rows, &sel, &rows.n, err);
    if (sel) rows.idx = (const uint32_t *)sel->data;
    if (st == VONK_OK && rows.n > 0) st = store_batch(f, lane, lot, in, keys, rows, &kept, err);
    for (uint32_t i = 0; i < f->n_keys; i++) vonk_column_unref(keys[i]);
    if (st == VONK_OK && kept) st = keep(lot, kept, err);
    if (st == VONK_OK && vonk_exec_force_spill(op->exec)) st = vonk__join_spill_lot(lot, err);
    return st == VONK_OK ? vonk__join_spill_error(s, err) : st;
}

/* ---- all rows are there */

static int by_sequence(const void *a, const void *b)
{
    uint64_t x = (*(vonk_batch *const *)a)->sequence, y = (*(vonk_batch *const *)b)->sequence;
    return (x > y) - (x < y);
}

/* The batches of all lots, in order. */
static vonk_status gather_lots(join_shared *s, vonk_budget *budget, vonk_batch ***ret, uint32_t *ret_n, vonk_error *err)
{
    vonk_batch **all = NULL;
    size_t n = 0;
    for (join_lot *lot = s->lots; lot; lot = lot->next) {
        VONK_LOCKED(&lot->lock);
        n += lot->batches.n;
    }
    VONK_TRY(vonk_alloc_array(budget, n + 1, sizeof(vonk_batch *), &all, err));
    n = 0;
    for (join_lot *lot = s->lots; lot; lot = lot->next) {
        VONK_LOCKED(&lot->lock);
        if (lot->batches.n > 0) memcpy(all + n, lot->batches.at, lot->batches.n * sizeof(vonk_batch *));
        n += lot->batches.n;
        lot->batches.n = 0;
        atomic_store(&lot->bytes, 0);
        drop_batches(lot);
        s->any |= lot->any;
        s->has_null |= lot->has_null;
    }
    qsort(all, n, sizeof(vonk_batch *), by_sequence);
    *ret = all;
    *ret_n = vonk_u32_of(n);
    return VONK_OK;
}

/* First row of each partition: batches are in their order. */
static void find_partitions(join_shared *s, uint32_t n_partitions, vonk_batch *const *batches, uint32_t n)
{
    uint32_t rows = 0, p = 0;
    if (!s->partition_rows) return;
    for (uint32_t i = 0; i < n; i++) {
        for (; p < n_partitions && (int32_t)p <= batches[i]->partition; p++) s->partition_rows[p] = rows;
        rows += batches[i]->n_rows;
    }
    for (; p <= n_partitions; p++) s->partition_rows[p] = rows;
}

static vonk_status end_build(vonk_op *op, vonk_error *err)
{
    join_shared *s = op->shared;
    VONK_TRY(vonk__join_build_end(&s->build, &s->table, err));
    s->table->any = s->any;
    s->table->has_null |= s->has_null;
    vonk__join_build_close(&s->build);
    vonk__join_publish(op, s, s->table->flat_keys);
    vonk__join_drop_keys(s->table);
    return VONK_OK;
}

static vonk_status build_at_once(vonk_op *op, vonk_error *err)
{
    join_shared *s = op->shared;
    VONK_TRY(vonk__join_build_all(&s->build, err));
    return end_build(op, err);
}

/* ---- by steps: those of a phase wait until the one before is over. They are handed out in order, so whoever waits
 * waits for steps that are running. */

static vonk_status plan_steps(vonk_op *op, uint32_t *ret_steps, vonk_error *err)
{
    join_shared *s = op->shared;
    join_steps *x = &s->steps;
    uint32_t n_rows = s->build.table->n_rows, n_chunks = (n_rows + JOIN_CHUNK_ROWS - 1) / JOIN_CHUNK_ROWS;
    const uint32_t planned[JOIN_PHASES] = {s->build.table->n_columns, n_chunks, n_chunks, vonk__join_n_parts(n_rows)};
    memcpy(x->n_steps, planned, sizeof planned);
    for (uint32_t i = 0; i < JOIN_PHASES; i++) *ret_steps += x->n_steps[i];
    return vonk__join_build_phase(&s->build, 0, err);
}

static bool wait_for_phase(join_steps *x, uint32_t phase)
{
    VONK_LOCKED(&x->lock);
    while (x->phase < phase && !x->failed) vonk_cond_wait(&x->changed, &x->lock);
    return !x->failed;
}

/* The last one of a phase begins the next. */
static vonk_status step_done(vonk_op *op, vonk_status st, vonk_error *err)
{
    join_shared *s = op->shared;
    join_steps *x = &s->steps;
    VONK_LOCKED(&x->lock);
    if (st == VONK_OK && !x->failed && ++x->n_phase_done == x->n_steps[x->phase]) {
        x->n_phase_done = 0;
        st = x->phase + 1 == JOIN_PHASES ? end_build(op, err) : vonk__join_build_phase(&s->build, x->phase + 1, err);
        x->phase++;
        vonk_cond_broadcast(&x->changed);
    }
    if (st != VONK_OK) {
        x->failed = true;
        vonk_cond_broadcast(&x->changed);
    }
    return st;
}

vonk_status vonk__join_build_step_at(vonk_op *op, vonk_lane *lane, uint32_t i, vonk_error *err)
{
    join_shared *s = op->shared;
    join_steps *x = &s->steps;
    uint32_t phase = 0;
    vonk_status st = VONK_OK;
    while (i >= x->n_steps[phase]) i -= x->n_steps[phase++];
    if (!wait_for_phase(x, phase)) return VONK_OK; /* another step has failed */
    if (i < s->build.n_steps[phase]) st = vonk__join_build_step(&s->build, phase, i, err);
    return step_done(op, st, err);
}

/* The join goes on on disk. */
static vonk_status spill_all(vonk_op *op, vonk_batch **take_batches, uint32_t n, vonk_error *err)
{
    join_shared *s = op->shared;
    vonk_status st = vonk__join_spill_build(op, take_batches, n, err);
    for (uint32_t i = 0; i < n; i++) vonk_batch_unref(take_batches[i]);
    vonk_free(take_batches);
    VONK_TRY(st);
    s->spilled = true;
    vonk__join_grace_plan(s->grace);
    return VONK_OK;
}

vonk_status vonk__join_build_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    join_shared *s = op->shared;
    vonk_batch **batches = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk__join_spill_error(s, err));
    VONK_TRY(gather_lots(s, vonk_budget_root(), &batches, &n, err));
    if (s->grace || !vonk__join_fits(op, &s->form, batches, n)) return spill_all(op, batches, n, err);
    find_partitions(s, op->n_partitions, batches, n);
    VONK_TRY(vonk__join_build_open(&s->build, op, &s->form, batches, n, err));
    if (s->build.table->n_rows <= JOIN_CHUNK_ROWS || s->form.n_keys == 0) return build_at_once(op, err);
    return plan_steps(op, ret_steps, err);
}
