/* exec/join_spill.c -- rows of a join on their way to disk: some tens of thousands at a time are hashed and dealt out
 * to lists. Working memory is one such group, charged to the process: it is needed just when the query has none. */
#include "column/rows.h"
#include "exec/join_grace_int.h"

#define GROUP_ROWS 65536 /* dealt out together */
#define BLOCK_ROWS 2048  /* written together, at most */
#define HELD_BYTES ((int64_t)8 << 20)
#define LEAST_SHARE_BYTES ((int64_t)64 << 10)
#define MOST_SHARE_BYTES ((int64_t)1 << 30)
#define FORCED_SHARE_BYTES ((int64_t)2 << 10) /* tests see several units and rounds */
#define ROW_BYTES 48                          /* of a table, beside the columns: entries, scratch, keys, cells */

/* ---- sizes */

static uint64_t column_bytes(const vonk_column *c)
{
    uint64_t sum = 0;
    if (c->encoding != VONK_FLAT || c->n_children > 0) return vonk_column_bytes(c);
    if (c->type->storage != VONK_STORE_VIEW)
        return (uint64_t)c->n_rows * (vonk_storage_bytes(c->type->storage) + 1) + 1;
    const vonk_view *v = VONK_VALUES(c, vonk_view);
    for (uint32_t k = 0; k < c->n_rows; k++) sum += v[k].len > VONK_VIEW_INLINE ? v[k].len : 0;
    return sum + (uint64_t)c->n_rows * sizeof *v;
}

/* Unlike vonk_batch_bytes this counts only a slice's part of the buffers that it shares. */
uint64_t vonk__join_bytes(const vonk_batch *b)
{
    uint64_t sum = 0;
    for (uint32_t c = 0; c < b->n_columns; c++) sum += column_bytes(b->columns[c]);
    return sum;
}

/* ---- life */

static vonk_status side_open(vonk_op *op, grace_side *side, const vonk_type *const *types, uint32_t n,
                             bool has_partition, vonk_error *err)
{
    VONK_TRY(vonk_alloc_array(vonk_budget_root(), n + 2, sizeof *side->types, &side->types, err));
    for (uint32_t i = 0; i < n; i++) side->types[i] = types[i];
    side->types[n] = &vonk_type_long;
    side->types[n + 1] = &vonk_type_int;
    side->n_types = n + (has_partition ? 2 : 1);
    return vonk_spill_new(op, side->types, side->n_types, &side->file, err);
}

static void side_close(grace_side *side)
{
    for (uint32_t p = 0; p < GRACE_PARTS; p++) vonk_free(side->lists[p].blocks.at);
    vonk_spill_free(side->file);
    vonk_free(side->types);
}

static vonk_status grace_open(vonk_op *op, join_grace **ret, vonk_error *err)
{
    join_shared *s = op->shared;
    const join_form *f = &s->form;
    join_grace *g = NULL;
    VONK_TRY(VONK_NEW(vonk_budget_root(), &g, err));
    g->op = op;
    vonk_mutex_init(&g->lock);
    *ret = g; /* the caller frees it, also half made */
    /* Null-aware joins of several keys must see pairs whose keys are not equal. */
    g->n_parts = f->n_keys == 0 || f->null_pairs ? 1 : GRACE_PARTS;
    VONK_TRY(side_open(op, &g->build, f->stored_types, f->n_stored, true, err));
    VONK_TRY(side_open(op, &g->probe, op->children[0]->types, f->n_probe, false, err));
    VONK_TRY(vonk__grace_out_open(op, &g->main, f->by_probe ? 1 : 2, err));
    return vonk__grace_out_open(op, &g->rest, 1, err);
}

void vonk__join_grace_free(join_grace *g)
{
    if (!g) return;
    side_close(&g->build);
    side_close(&g->probe);
    vonk__grace_out_close(&g->main);
    vonk__grace_out_close(&g->rest);
    vonk_mutex_done(&g->lock);
    vonk_free(g);
}

static vonk_status grace_of(vonk_op *op, join_grace **ret, vonk_error *err)
{
    join_shared *s = op->shared;
    VONK_LOCKED(&s->lock);
    vonk_status st = s->grace ? VONK_OK : grace_open(op, &s->grace, err);
    if (st != VONK_OK) {
        vonk__join_grace_free(s->grace);
        s->grace = NULL;
    }
    *ret = s->grace;
    return st;
}

/* ---- dealing out */

typedef struct dealer {
    join_grace *g;
    grace_side *side;
    uint32_t n_lists;
    const uint8_t *list_of; /* [part]; NULL: the part */
    int32_t partition;
} dealer;

static vonk_status put_block(const dealer *d, uint32_t list, const vonk_batch *rows, vonk_error *err)
{
    grace_block block = {.partition = d->partition};
    block.position = (uint64_t)vonk_column_i64(rows->columns[d->side->n_types - (d->side == &d->g->build ? 2 : 1)], 0);
    VONK_TRY(vonk_spill_put(d->side->file, rows, &block.ref, err));
    VONK_LOCKED(&d->g->lock);
    grace_list *l = &d->side->lists[list];
    VONK_TRY(VONK_VEC_PUSH(&l->blocks, vonk_budget_root(), block, err));
    l->n_rows += rows->n_rows;
    d->side->n_rows += rows->n_rows;
    return VONK_OK;
}

/* Rows (NULL: all n) of the group, in blocks. */
static vonk_status put_rows(const dealer *d, uint32_t list, const vonk_batch *group, const uint32_t *rows, uint32_t n,
                            vonk_error *err)
{
    vonk_budget *root = vonk_budget_root();
    VONK_AUTO(vonk_batch_unref) vonk_batch *some = NULL;
    if (!rows) {
        some = vonk_batch_ref(group);
    } else {
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
        VONK_AUTO(vonk_batch_unref) vonk_batch *selected = NULL;
        VONK_TRY(vonk_buffer_new(root, (size_t)n * sizeof *rows, &sel, err));
        memcpy(sel->data, rows, (size_t)n * sizeof *rows);
        VONK_TRY(vonk_batch_select(group, VONK_STEAL(sel), n, &selected, err));
        VONK_TRY(vonk_batch_compact(selected, &some, err));
    }
    for (uint32_t at = 0; at < n; at += BLOCK_ROWS) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *block = NULL;
        VONK_TRY(vonk_batch_slice(some, at, n - at < BLOCK_ROWS ? n - at : BLOCK_ROWS, &block, err));
        VONK_TRY(put_block(d, list, block, err));
    }
    return VONK_OK;
}

static uint32_t part_of_hash(uint64_t hash) { return (uint32_t)(hash / (UINT64_MAX / GRACE_PARTS + 1)); }

/* rows and hashes: room for the group. */
static vonk_status deal_hashed(const dealer *d, const vonk_batch *group, vonk_column *const *keys, uint32_t n_keys,
                               uint64_t *hashes, uint32_t *rows, vonk_error *err)
{
    uint32_t n = group->n_rows, starts[GRACE_PARTS + 1] = {0}, at[GRACE_PARTS];
    for (uint32_t i = 0; i < n_keys; i++) VONK_TRY(vonk_column_hash(keys[i], VONK_ALL_ROWS(n), hashes, i == 0, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t part = part_of_hash(hashes[k]);
        hashes[k] = d->list_of ? d->list_of[part] : part;
        starts[hashes[k] + 1]++;
    }
    for (uint32_t p = 0; p < GRACE_PARTS; p++) starts[p + 1] += starts[p];
    memcpy(at, starts, sizeof at);
    for (uint32_t k = 0; k < n; k++) rows[at[hashes[k]]++] = k;
    for (uint32_t p = 0; p < d->n_lists; p++)
        if (starts[p + 1] > starts[p])
            VONK_TRY(put_rows(d, p, group, rows + starts[p], starts[p + 1] - starts[p], err));
    return VONK_OK;
}

static vonk_status deal(const dealer *d, const vonk_batch *group, vonk_column *const *keys, uint32_t n_keys,
                        vonk_error *err)
{
    uint64_t *hashes = NULL;
    uint32_t *rows = NULL;
    if (d->n_lists == 1) return put_rows(d, 0, group, NULL, group->n_rows, err);
    vonk_status st = vonk_alloc_array(vonk_budget_root(), group->n_rows, sizeof *hashes, &hashes, err);
    if (st == VONK_OK) st = vonk_alloc_array(vonk_budget_root(), group->n_rows, sizeof *rows, &rows, err);
    if (st == VONK_OK) st = deal_hashed(d, group, keys, n_keys, hashes, rows, err);
    vonk_free(hashes);
    vonk_free(rows);
    return st;
}

/* The batch with the position of its rows behind its columns, and their partition if there is one. */
static vonk_status with_place(const vonk_batch *b, uint64_t position, bool has_partition, vonk_batch **ret,
                              vonk_error *err)
{
    vonk_budget *root = vonk_budget_root();
    VONK_AUTO(vonk_column_unref) vonk_column *at = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *partition = NULL;
    vonk_column **columns = NULL;
    VONK_TRY(vonk_column_new_sequence(root, &vonk_type_long, b->n_rows, (int64_t)position, 1, &at, err));
    VONK_TRY(vonk_column_new_sequence(root, &vonk_type_int, b->n_rows, b->partition, 0, &partition, err));
    VONK_TRY(vonk_alloc_array(root, b->n_columns + 2, sizeof(vonk_column *), &columns, err));
    if (b->n_columns > 0) memcpy(columns, b->columns, b->n_columns * sizeof(vonk_column *));
    columns[b->n_columns] = at;
    columns[b->n_columns + 1] = partition;
    vonk_status st = vonk_batch_new(root, b->n_rows, columns, b->n_columns + (has_partition ? 2 : 1), ret, err);
    vonk_free(columns);
    return st;
}

vonk_status vonk__join_place(uint64_t *inout, uint64_t ordinal, uint32_t n, uint64_t *ret, vonk_error *err)
{
    if (*inout >> 32 != ordinal) *inout = ordinal << 32;
    if (n > UINT32_MAX - (uint32_t)*inout)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a join with 4294967295 rows or more in one task");
    *ret = *inout;
    *inout += n;
    return VONK_OK;
}

/* ---- build side */

static vonk_status deal_build(const dealer *d, const join_form *f, vonk_batch *const *batches, size_t n,
                              vonk_error *err)
{
    VONK_VEC(vonk_batch *) placed = {0};
    VONK_AUTO(vonk_batch_unref) vonk_batch *group = NULL;
    vonk_column **keys = NULL;
    vonk_status st = VONK_OK;
    for (size_t i = 0; i < n && st == VONK_OK; i++) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *one = NULL;
        st = with_place(batches[i], batches[i]->sequence, true, &one, err);
        if (st == VONK_OK) st = VONK_VEC_PUSH(&placed, vonk_budget_root(), one, err);
        if (st == VONK_OK) VONK_STEAL(one);
    }
    if (st == VONK_OK)
        st = vonk_batch_concat(vonk_budget_root(), (const vonk_batch *const *)placed.at, placed.n, &group, err);
    for (size_t i = 0; i < placed.n; i++) vonk_batch_unref(placed.at[i]);
    vonk_free(placed.at);
    if (st == VONK_OK) st = vonk_alloc_array(vonk_budget_root(), f->n_keys + 1, sizeof(vonk_column *), &keys, err);
    for (uint32_t i = 0; i < f->n_keys && st == VONK_OK; i++) keys[i] = group->columns[f->key_stored[i]];
    if (st == VONK_OK) st = deal(d, group, keys, f->n_keys, err);
    vonk_free(keys);
    return st;
}

vonk_status vonk__join_spill_build(vonk_op *op, vonk_batch *const *batches, size_t n, vonk_error *err)
{
    join_shared *s = op->shared;
    join_grace *g = NULL;
    VONK_TRY(grace_of(op, &g, err));
    dealer d = {.g = g, .side = &g->build, .n_lists = g->n_parts};
    for (size_t from = 0, end = 0; from < n; from = end) {
        uint64_t rows = 0, bytes = 0;
        if (vonk_exec_cancelled(op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        for (; end < n && (end == from || rows + batches[end]->n_rows <= GROUP_ROWS); end++) {
            rows += batches[end]->n_rows;
            bytes += vonk__join_bytes(batches[end]);
        }
        VONK_TRY(deal_build(&d, &s->form, batches + from, end - from, err));
        vonk_mutex_lock(&g->lock);
        g->build.n_bytes += bytes;
        vonk_mutex_unlock(&g->lock);
    }
    return VONK_OK;
}

/* Lot's lock held. */
static vonk_status spill_lot(join_lot *lot, vonk_error *err)
{
    if (lot->batches.n == 0) return VONK_OK;
    VONK_TRY(vonk__join_spill_build(lot->op, lot->batches.at, lot->batches.n, err));
    for (size_t i = 0; i < lot->batches.n; i++) vonk_batch_unref(lot->batches.at[i]);
    lot->batches.n = 0;
    atomic_store(&lot->bytes, 0);
    return VONK_OK;
}

vonk_status vonk__join_spill_lot(join_lot *lot, vonk_error *err)
{
    VONK_LOCKED(&lot->lock);
    return spill_lot(lot, err);
}

/* Lots are only added in front and live until close. */
static join_lot *first_lot(join_shared *s)
{
    if (!vonk_mutex_try_lock(&s->lock)) return NULL;
    join_lot *lot = s->lots;
    vonk_mutex_unlock(&s->lock);
    return lot;
}

int64_t vonk__join_spillable(vonk_op *op)
{
    int64_t sum = 0;
    for (const join_lot *lot = first_lot(op->shared); lot; lot = lot->next)
        sum += atomic_load_explicit(&lot->bytes, memory_order_relaxed);
    return sum;
}

static void keep_error(join_shared *s, vonk_status st, vonk_error *take_error)
{
    VONK_LOCKED(&s->lock);
    if (s->spill_status == VONK_OK) {
        s->spill_status = st;
        vonk_error_move(&s->spill_error, take_error);
    }
    vonk_error_reset(take_error);
}

int64_t vonk__join_spill(vonk_op *op, int64_t bytes_wanted)
{
    join_shared *s = op->shared;
    int64_t freed = 0;
    for (join_lot *lot = first_lot(s); lot && freed < bytes_wanted; lot = lot->next) {
        vonk_error err = VONK_ERROR_INIT;
        if (!vonk_mutex_try_lock(&lot->lock)) continue;
        int64_t bytes = atomic_load(&lot->bytes);
        vonk_status st = spill_lot(lot, &err);
        vonk_mutex_unlock(&lot->lock);
        if (st != VONK_OK) {
            keep_error(s, st, &err);
            break;
        }
        freed += bytes;
    }
    return freed;
}

vonk_status vonk__join_spill_error(join_shared *s, vonk_error *err)
{
    VONK_LOCKED(&s->lock);
    if (s->spill_status != VONK_OK) vonk_error_copy(err, &s->spill_error);
    return s->spill_status;
}

/* Would a table of these rows have room? Others are asked to spill for it. */
bool vonk__join_fits(const vonk_op *op, const join_form *f, vonk_batch *const *batches, uint32_t n)
{
    vonk_error err = VONK_ERROR_INIT;
    int64_t need = 0;
    if (vonk_exec_force_spill(op->exec)) return n == 0;
    if (vonk_budget_limit(op->budget) == VONK_NO_LIMIT) return true;
    for (uint32_t i = 0; i < n; i++)
        need +=
            (int64_t)(vonk__join_bytes(batches[i]) + (f->n_keys > 0 ? (uint64_t)batches[i]->n_rows * ROW_BYTES : 0));
    vonk_status st = vonk_budget_charge(op->budget, need, &err);
    vonk_error_reset(&err);
    if (st == VONK_OK) vonk_budget_release(op->budget, need);
    return st == VONK_OK;
}

/* ---- units */

int64_t vonk__join_grace_share(const vonk_op *op)
{
    if (vonk_exec_force_spill(op->exec)) return FORCED_SHARE_BYTES;
    /* A table takes some three times its rows while it is made; what the lanes put out needs room, too. */
    int64_t share = vonk_budget_room(op->budget) / (6 * (int64_t)vonk_exec_n_lanes(op->exec));
    if (share > MOST_SHARE_BYTES) return MOST_SHARE_BYTES;
    return share < LEAST_SHARE_BYTES ? LEAST_SHARE_BYTES : share;
}

void vonk__join_grace_plan(join_grace *g)
{
    double row = g->build.n_rows > 0 ? (double)g->build.n_bytes / (double)g->build.n_rows : 0;
    double most = (double)vonk__join_grace_share(g->op), bytes = 0;
    for (uint32_t p = 0; p < g->n_parts; p++) {
        double own = row * (double)g->build.lists[p].n_rows;
        if (g->n_units == 0 || bytes + own > most) {
            g->n_units++;
            bytes = 0;
        }
        bytes += own;
        g->unit_of[p] = (uint8_t)(g->n_units - 1);
        g->unit_end[g->n_units - 1] = p + 1;
    }
}

/* ---- probe side */

static vonk_status flush_held(vonk_op *op, vonk_lane *lane, join_lane *l, vonk_error *err)
{
    join_shared *s = op->shared;
    const join_form *f = &s->form;
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *group = NULL;
    vonk_column **keys = l->key_columns;
    dealer d = {.g = s->grace,
                .side = &s->grace->probe,
                .n_lists = s->grace->n_units,
                .list_of = s->grace->unit_of,
                .partition = lane->partition};
    VONK_TRY(vonk_batch_concat(vonk_budget_root(), (const vonk_batch *const *)l->held.at, l->held.n, &all, err));
    VONK_TRY(with_place(all, l->held_position, false, &group, err));
    if (f->n_keys > 0)
        VONK_TRY(vonk__join_key_columns(&f->probe_keys, f->n_keys, &l->key_program, lane, all, keys, err));
    for (uint32_t i = 0; i < f->n_keys; i++)
        if (f->null_aware && vonk_column_null_count(keys[i], VONK_ALL_ROWS(all->n_rows)) > 0)
            atomic_store(&s->probe_null, true);
    vonk_status st = deal(&d, group, keys, f->n_keys, err);
    for (uint32_t i = 0; i < f->n_keys; i++) {
        vonk_column_unref(keys[i]);
        keys[i] = NULL;
    }
    return st;
}

void vonk__join_grace_drop_held(join_lane *l)
{
    for (size_t i = 0; i < l->held.n; i++) vonk_batch_unref(l->held.at[i]);
    l->held.n = 0;
    l->held_rows = 0;
    l->held_bytes = 0;
}

vonk_status vonk__join_grace_flush(vonk_op *op, vonk_lane *lane, join_lane *l, vonk_error *err)
{
    if (l->held.n == 0) return VONK_OK;
    vonk_status st = flush_held(op, lane, l, err);
    join_grace *g = ((join_shared *)op->shared)->grace;
    vonk_mutex_lock(&g->lock);
    g->probe.n_bytes += (uint64_t)l->held_bytes;
    vonk_mutex_unlock(&g->lock);
    vonk__join_grace_drop_held(l);
    return st;
}

vonk_status vonk__join_grace_push(vonk_op *op, vonk_lane *lane, join_lane *l, const vonk_batch *in, vonk_error *err)
{
    join_shared *s = op->shared;
    vonk_batch *kept = NULL;
    atomic_store_explicit(&s->probe_any, true, memory_order_relaxed);
    if (l->held.n > 0 && l->held_partition != lane->partition) VONK_TRY(vonk__join_grace_flush(op, lane, l, err));
    uint64_t position = 0;
    VONK_TRY(vonk__join_place(&l->next_position, lane->ordinal, in->n_sel, &position, err));
    if (l->held.n == 0) l->held_position = position;
    l->held_partition = lane->partition;
    VONK_TRY(vonk_batch_compact(in, &kept, err));
    vonk_status st = VONK_VEC_PUSH(&l->held, vonk_budget_root(), kept, err);
    if (st != VONK_OK) {
        vonk_batch_unref(kept);
        return st;
    }
    l->held_rows += kept->n_rows;
    l->held_bytes += (int64_t)vonk__join_bytes(kept);
    int64_t share = vonk__join_grace_share(op);
    if (l->held_rows < GROUP_ROWS && l->held_bytes < (share < HELD_BYTES ? share : HELD_BYTES)) return VONK_OK;
    return vonk__join_grace_flush(op, lane, l, err);
}
