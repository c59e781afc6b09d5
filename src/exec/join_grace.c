/* exec/join_grace.c -- the units of a spilled join, each joined by one lane, round after round. */
#include "exec/join_grace_int.h"

typedef struct grace_run {
    vonk_op *op;
    join_grace *g;
    const join_form *form;
    vonk_lane lane; /* the runner's, placed where the rows come from */
    join_lane *join;
    const grace_list *probe;
    VONK_VEC(grace_block) build;
    uint8_t *carry; /* [probe row of the unit]: what it has found in earlier rounds; NULL: one round is enough */
    uint32_t *rows; /* room for a batch, of build rows that are left */
    grace_writer main, rest;
} grace_run;

/* ---- a table of some build rows */

typedef struct placed_row {
    int64_t position;
    uint32_t row;
} placed_row;

static int by_position(const void *a, const void *b)
{
    int64_t x = ((const placed_row *)a)->position, y = ((const placed_row *)b)->position;
    return (x > y) - (x < y);
}

/* Rows come from several lanes: back into their order. */
static vonk_status sort_rows(vonk_budget *budget, uint32_t position_at, vonk_batch **inout, vonk_error *err)
{
    vonk_batch *b = *inout;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    placed_row *order = NULL;
    vonk_column **columns = NULL;
    bool ascending = true;
    uint32_t made = 0;
    VONK_TRY(vonk_column_flatten(budget, b->columns[position_at], &flat, err));
    const int64_t *position = VONK_VALUES(flat, int64_t);
    for (uint32_t k = 1; k < b->n_rows; k++) ascending &= position[k - 1] < position[k];
    if (ascending) return VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, b->n_rows, sizeof *order, &order, err));
    for (uint32_t k = 0; k < b->n_rows; k++) order[k] = (placed_row){position[k], k};
    qsort(order, b->n_rows, sizeof *order, by_position);
    vonk_status st = vonk_buffer_new(budget, (size_t)b->n_rows * sizeof(uint32_t), &sel, err);
    for (uint32_t k = 0; k < b->n_rows && st == VONK_OK; k++) ((uint32_t *)sel->data)[k] = order[k].row;
    vonk_free(order);
    VONK_TRY(st);
    VONK_TRY(vonk_alloc_zeroed(budget, b->n_columns * sizeof(vonk_column *), &columns, err));
    for (; made < b->n_columns && st == VONK_OK; made++)
        st = vonk_column_gather(budget, b->columns[made], (const uint32_t *)sel->data, b->n_rows, false, &columns[made],
                                err);
    if (st == VONK_OK) st = vonk_batch_new(budget, b->n_rows, columns, made, inout, err);
    for (uint32_t i = 0; i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    if (st == VONK_OK) vonk_batch_unref(b);
    return st;
}

/* Rows of n blocks in one batch, in order. */
static vonk_status read_build(grace_run *r, const grace_block *blocks, size_t n, vonk_batch **ret, vonk_error *err)
{
    vonk_batch **batches = NULL;
    vonk_budget *budget = r->op->budget;
    size_t got = 0;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, n, sizeof(vonk_batch *), &batches, err));
    for (; got < n && st == VONK_OK; got++) {
        batches[got] = NULL;
        st = vonk_spill_get(r->g->build.file, blocks[got].ref, budget, &batches[got], err);
        if (st == VONK_OK && vonk_exec_cancelled(r->op->exec)) st = VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    }
    if (st == VONK_OK) st = vonk_batch_concat(budget, (const vonk_batch *const *)batches, n, ret, err);
    for (size_t i = 0; i < got; i++) vonk_batch_unref(batches[i]);
    vonk_free(batches);
    return st == VONK_OK ? sort_rows(budget, r->form->n_stored, ret, err) : st;
}

static vonk_status table_of(grace_run *r, const grace_block *blocks, size_t n, join_table **ret, vonk_error *err)
{
    const join_shared *s = r->op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    vonk_batch **batches = NULL;
    join_build b = {0};
    if (n > 0) VONK_TRY(read_build(r, blocks, n, &rows, err));
    VONK_TRY(vonk_alloc_array(r->op->budget, 1, sizeof(vonk_batch *), &batches, err));
    batches[0] = VONK_STEAL(rows);
    vonk_status st = vonk__join_build_open(&b, r->op, r->form, batches, n > 0 ? 1 : 0, err);
    if (st == VONK_OK) st = vonk__join_build_all(&b, err);
    if (st == VONK_OK) st = vonk__join_build_end(&b, ret, err);
    vonk__join_build_close(&b);
    VONK_TRY(st);
    (*ret)->any = s->any;
    (*ret)->has_null |= s->has_null;
    atomic_store(&(*ret)->probe_any, atomic_load(&s->probe_any));
    atomic_store(&(*ret)->probe_null, atomic_load(&s->probe_null));
    vonk__join_drop_keys(*ret);
    return VONK_OK;
}

/* As many blocks from `at` on as a round may have; fewer when memory is shorter than it seemed. */
static vonk_status next_table(grace_run *r, size_t at, size_t *ret_n, join_table **ret, vonk_error *err)
{
    const grace_side *side = &r->g->build;
    double row = side->n_rows > 0 ? (double)side->n_bytes / (double)side->n_rows : 0, bytes = 0;
    size_t n = 0;
    while (at + n < r->build.n && (n == 0 || bytes + row * r->build.at[at + n].ref.n_rows <= (double)r->g->round_bytes))
        bytes += row * r->build.at[at + n++].ref.n_rows;
    for (;;) {
        vonk_status st = table_of(r, r->build.at + at, n, ret, err);
        *ret_n = n;
        if (st != VONK_E_MEMORY_BUDGET_EXCEEDED || n <= 1) return st;
        vonk_error_reset(err);
        n /= 2;
    }
}

/* ---- a round */

static vonk_status put_out(grace_run *r, vonk_out *out, int32_t partition, vonk_error *err)
{
    vonk_batch *batch = out->batch;
    out->batch = NULL;
    return batch ? vonk__grace_write(&r->main, batch, partition, err) : VONK_OK;
}

static vonk_status probe_block(grace_run *r, join_table *t, const grace_block *block, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *in = NULL;
    vonk_flow flow = VONK_AGAIN;
    VONK_TRY(vonk_spill_get(r->g->probe.file, block->ref, r->op->budget, &in, err));
    r->lane.partition = r->lane.ev.partition = block->partition;
    while (flow == VONK_AGAIN) {
        vonk_out out = {0};
        flow = VONK_MORE;
        vonk_arena_reset(r->lane.scratch);
        if (vonk_exec_cancelled(r->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        vonk_status st = vonk__join_probe(r->form, t, &r->lane, r->join, in, &out, &flow, err);
        if (st != VONK_OK) {
            vonk_batch_unref(out.batch);
            return st;
        }
        VONK_TRY(put_out(r, &out, block->partition, err));
    }
    vonk_out rest = {0};
    VONK_TRY(vonk__join_put_rest(&r->join->pieces, &r->lane, &rest, err));
    return put_out(r, &rest, block->partition, err);
}

static vonk_status probe_all(grace_run *r, join_table *t, bool last, vonk_error *err)
{
    const join_form *f = r->form;
    size_t row = 0;
    if (t->n_rows == 0 && !f->outer_probe && !(f->by_probe && f->type != VONK_JOIN_SEMI)) return VONK_OK;
    r->join->not_last = !last;
    for (size_t i = 0; i < r->probe->blocks.n; i++) {
        const grace_block *block = &r->probe->blocks.at[i];
        r->join->carry = r->carry ? r->carry + row : NULL;
        VONK_TRY(probe_block(r, t, block, err));
        row += block->ref.n_rows;
    }
    return VONK_OK;
}

/* Build rows that are left, by partition. */
static vonk_status write_rest(grace_run *r, const join_table *t, vonk_batch *take_batch, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    const join_shared *s = r->op->shared;
    const vonk_column *partition = batch->columns[r->op->n_columns + 1];
    for (uint32_t at = 0, end; at < batch->n_rows; at = end) {
        vonk_batch *some = NULL;
        int32_t p = (int32_t)r->op->n_partitions - 1;
        end = batch->n_rows;
        if (s->partition_rows) {
            p = (int32_t)vonk_column_i64(partition, at);
            for (end = at + 1; end < batch->n_rows && vonk_column_i64(partition, end) == p;) end++;
        }
        VONK_TRY(vonk_batch_slice(batch, at, end - at, &some, err));
        VONK_TRY(vonk__grace_write(&r->rest, some, p, err));
    }
    return VONK_OK;
}

static vonk_status put_rest(grace_run *r, const join_table *t, vonk_error *err)
{
    if (!r->form->flags) return VONK_OK;
    for (uint32_t at = 0;;) {
        vonk_batch *batch = NULL;
        vonk_arena_reset(r->lane.scratch);
        if (vonk_exec_cancelled(r->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(vonk__join_rest_batch(t, &r->lane, &at, t->n_rows, r->rows, &batch, err));
        if (!batch) return VONK_OK;
        VONK_TRY(write_rest(r, t, batch, err));
    }
}

/* ---- a unit */

static vonk_status join_rounds(grace_run *r, vonk_error *err)
{
    const join_form *f = r->form;
    size_t at = 0;
    do {
        join_table *t = NULL;
        size_t n = 0;
        VONK_TRY(next_table(r, at, &n, &t, err));
        at += n;
        bool last = at == r->build.n;
        vonk_status st = VONK_OK;
        if (!last && !r->carry && (f->outer_probe || f->by_probe))
            st = vonk_alloc_zeroed(r->op->budget, r->probe->n_rows + 1, &r->carry, err);
        if (st == VONK_OK) st = probe_all(r, t, last, err);
        if (st == VONK_OK) st = put_rest(r, t, err);
        vonk__join_table_free(t);
        VONK_TRY(st);
        VONK_TRY(vonk__grace_write_end(&r->main, err));
        VONK_TRY(vonk__grace_write_end(&r->rest, err));
        vonk_mutex_lock(&r->g->lock);
        r->g->n_rounds++;
        vonk_mutex_unlock(&r->g->lock);
    } while (at < r->build.n);
    return VONK_OK;
}

static int by_block_position(const void *a, const void *b)
{
    uint64_t x = ((const grace_block *)a)->position, y = ((const grace_block *)b)->position;
    return (x > y) - (x < y);
}

static vonk_status open_run(grace_run *r, uint32_t unit, join_lane *join, vonk_error *err)
{
    join_grace *g = r->g;
    grace_list *probe = &g->probe.lists[unit];
    if (probe->blocks.n > 1) qsort(probe->blocks.at, probe->blocks.n, sizeof *probe->blocks.at, by_block_position);
    r->probe = probe;
    for (uint32_t p = unit > 0 ? g->unit_end[unit - 1] : 0; p < g->unit_end[unit]; p++)
        for (size_t i = 0; i < g->build.lists[p].blocks.n; i++)
            VONK_TRY(VONK_VEC_PUSH(&r->build, r->op->budget, g->build.lists[p].blocks.at[i], err));
    VONK_TRY(vonk_alloc_array(r->op->budget, vonk_exec_batch_rows(r->op->exec), sizeof *r->rows, &r->rows, err));
    r->join = join;
    return vonk__join_lane_open(r->form, &r->lane, join, err);
}

vonk_status vonk__join_grace_step(vonk_op *op, vonk_lane *lane, uint32_t unit, vonk_error *err)
{
    join_shared *s = op->shared;
    join_lane join = {0};
    grace_run r = {.op = op, .g = s->grace, .form = &s->form, .lane = *lane};
    r.main = (grace_writer){.g = r.g, .out = &r.g->main};
    r.rest = (grace_writer){.g = r.g, .out = &r.g->rest};
    vonk_status st = open_run(&r, unit, &join, err);
    if (st == VONK_OK) st = join_rounds(&r, err);
    vonk__join_lane_close(&s->form, &join);
    vonk__grace_write_close(&r.main);
    vonk__grace_write_close(&r.rest);
    vonk_free(r.build.at);
    vonk_free(r.carry);
    vonk_free(r.rows);
    return st;
}

vonk_status vonk__join_grace_finish(vonk_op *op, uint32_t *ret_steps, vonk_error *err)
{
    join_shared *s = op->shared;
    join_grace *g = s->grace;
    g->round_bytes = vonk__join_grace_share(op);
    double row = 16;
    if (g->build.n_rows > 0) row += (double)g->build.n_bytes / (double)g->build.n_rows;
    if (g->probe.n_rows > 0) row += (double)g->probe.n_bytes / (double)g->probe.n_rows;
    /* When runs are merged, a block of each is in memory. */
    double rows = (double)g->round_bytes / (2 * GRACE_MOST_RUNS * row);
    g->block_rows = rows < 128 ? 128 : rows > 4096 ? 4096 : (uint32_t)rows;
    *ret_steps = g->n_units;
    return VONK_OK;
}

vonk_status vonk__join_grace_metrics(const join_grace *g, vonk_buf *out, vonk_error *err)
{
    return vonk_buf_printf(out, err, "table: on disk, build rows: %llu, units: %u, rounds: %u",
                           (unsigned long long)g->build.n_rows, g->n_units, g->n_rounds);
}
