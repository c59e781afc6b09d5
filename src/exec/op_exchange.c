/* exec/op_exchange.c -- P_EXCHANGE: rows change partitions; the end of a stage. In one process batches are handed over
 * by pointer: a piece is a batch plus its rows sorted by partition; reading a partition takes its rows out of every
 * piece, in the order (source partition, sequence). Partition numbers are Spark's: HASH         hash(keys) pmod n
 * ROUND_ROBIN  one after the other, from a start that depends on the source partition RANGE        bounds from all keys
 * (from a sample when there are many); known only when all rows are here SINGLE, BROADCAST  all to partition 0 COALESCE
 * neighbouring partitions become one: rows just pass (coalesce_*) Under memory pressure pieces go to disk, morsel by
 * morsel: one block per morsel and partition. */
#include <stdlib.h>

#include "column/rows.h"
#include "exec/op_int.h"
#include "exec/spark_random.h"

#define RANGE_SAMPLE 1000000

typedef struct piece_run { /* rows of one partition in a piece */
    uint32_t partition, start;
} piece_run;

typedef struct piece {
    uint64_t ordinal;
    uint32_t sequence, n_rows, n_runs;
    vonk_batch *batch; /* NULL: on disk (RANGE before its bounds are known) */
    vonk_spill_ref ref;
    uint32_t *rows;  /* by partition; NULL: one run, all selected rows */
    piece_run *runs; /* ascending partitions; behind the last one: {n, n_rows} */
    uint8_t *keys;   /* RANGE: encoded, n_rows of them */
    size_t bytes;
} piece;

typedef struct disk_piece {
    uint64_t ordinal;
    uint32_t sequence;
    vonk_spill_ref ref;
} disk_piece;
typedef VONK_VEC(disk_piece) disk_list;

/* Rows of one partition, ready to be read. */
typedef struct chunk {
    uint64_t ordinal;
    uint32_t sequence, n_rows;
    const piece *piece; /* NULL: on disk */
    uint32_t run;
    vonk_spill_ref ref;
} chunk;
typedef struct chunk_list {
    chunk *at;
    uint32_t n;
    uint32_t *morsels, n_morsels; /* first chunk of each; one more at the end */
} chunk_list;

typedef struct exchange_shared {
    vonk_program *program;
    uint32_t n_keys, n_partitions, key_bytes;
    vonk_sort_spec *specs;
    vonk_mutex lock;
    VONK_VEC(piece *) pieces;
    disk_list *on_disk; /* [partition] */
    vonk_spill_file *file;
    vonk_status spill_status;
    vonk_error spill_error;
    _Atomic int64_t bytes;
    _Atomic bool finished;
    uint8_t *bounds; /* RANGE */
    uint32_t n_bounds;
    chunk_list *chunks; /* [partition] */
} exchange_shared;

typedef struct exchange_local {
    op_program_local program;
    vonk_column **values;
    uint64_t ordinal;
    uint32_t sequence;
    int32_t partition;
    uint64_t position; /* ROUND_ROBIN */
    bool started;
} exchange_local;

static vonk_exchange_kind kind_of(const vonk_op *op) { return op->node->exchange.kind; }

/* ---- open */

static vonk_status open_keys(vonk_op *op, exchange_shared *s, vonk_error *err)
{
    const vonk_expr_list *list = &op->node->lists[0];
    const vonk_expr **exprs = NULL;
    const vonk_type **types = NULL;
    bool exact;
    s->n_keys = list->n;
    VONK_TRY(vonk_arena_array(op->arena, s->n_keys, sizeof *exprs, &exprs, err));
    VONK_TRY(vonk_arena_array(op->arena, s->n_keys, sizeof *s->specs, &s->specs, err));
    for (uint32_t i = 0; i < s->n_keys; i++) {
        const vonk_expr *e = list->at[i];
        exprs[i] = e->kind == VONK_EX_SORT ? e->children[0] : e;
        s->specs[i] = (vonk_sort_spec){.descending = vonk_expr_has(e, VONK_EXF_DESCENDING),
                                       .nulls_last = vonk_expr_has(e, VONK_EXF_NULLS_LAST)};
    }
    if (kind_of(op) == VONK_EXCHANGE_HASH) return vonk__spark_hash_program(op, exprs, s->n_keys, &s->program, err);
    VONK_TRY(vonk_op_types(op, exprs, s->n_keys, &types, err));
    s->key_bytes = vonk_sort_key_bytes(types, s->n_keys,
                                       &exact); /* not exact: equal keys stay together, which is all that is needed */
    return vonk_op_program(op, exprs, s->n_keys, &s->program, err);
}

static vonk_status exchange_open(vonk_op *op, vonk_error *err)
{
    exchange_shared *s = op->shared;
    vonk_exchange_kind kind = kind_of(op);
    vonk_mutex_init(&s->lock);
    bool one = kind == VONK_EXCHANGE_SINGLE || kind == VONK_EXCHANGE_BROADCAST;
    s->n_partitions = one || op->node->exchange.n_partitions < 1 ? 1 : (uint32_t)op->node->exchange.n_partitions;
    op->n_partitions = s->n_partitions;
    op->by_hash = kind == VONK_EXCHANGE_HASH;
    op->needs_order = kind == VONK_EXCHANGE_ROUND_ROBIN;
    VONK_TRY(vonk_arena_array(op->arena, s->n_partitions, sizeof *s->on_disk, &s->on_disk, err));
    VONK_TRY(vonk_arena_array(op->arena, s->n_partitions, sizeof *s->chunks, &s->chunks, err));
    if (kind == VONK_EXCHANGE_HASH || kind == VONK_EXCHANGE_RANGE) return open_keys(op, s, err);
    return VONK_OK;
}

static void piece_free(piece *p)
{
    vonk_batch_unref(p->batch);
    vonk_free(p->rows);
    vonk_free(p->runs);
    vonk_free(p->keys);
    vonk_free(p);
}

static void chunks_done(chunk_list *list)
{
    vonk_free(list->at);
    vonk_free(list->morsels);
    *list = (chunk_list){0};
}

static void exchange_close(vonk_op *op)
{
    exchange_shared *s = op->shared;
    for (size_t i = 0; i < s->pieces.n; i++) piece_free(s->pieces.at[i]);
    vonk_free(s->pieces.at);
    for (uint32_t p = 0; s->chunks && p < s->n_partitions; p++) { /* without: there was no room for so many */
        vonk_free(s->on_disk[p].at);
        chunks_done(&s->chunks[p]);
    }
    vonk_free(s->bounds);
    vonk_spill_free(s->file);
    vonk_program_free(s->program);
    vonk_error_reset(&s->spill_error);
    vonk_mutex_done(&s->lock);
}

static vonk_status exchange_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    exchange_shared *s = op->shared;
    exchange_local *l = local;
    if (!s->program) return VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_keys + 1) * sizeof *l->values, &l->values, err));
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static void exchange_local_close(vonk_op *op, void *local)
{
    exchange_local *l = local;
    vonk__program_close(&l->program);
    vonk_free(l->values);
}

/* ---- partition of each row */

static vonk_status hash_partitions(vonk_op *op, vonk_lane *lane, exchange_local *l, const vonk_batch *in, uint32_t *to,
                                   vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_AUTO(vonk_column_unref) vonk_column *hash = NULL, *flat = NULL;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, &hash, err));
    VONK_TRY(vonk_column_flatten(lane->budget, hash, &flat, err));
    const int32_t *values = VONK_VALUES(flat, int32_t);
    vonk_rows rows = vonk_batch_rows(in);
    for (uint32_t k = 0; k < rows.n; k++) to[k] = vonk__pmod(values[vonk_row_at(rows, k)], s->n_partitions);
    return VONK_OK;
}

static void round_robin(const vonk_op *op, const vonk_lane *lane, exchange_local *l, uint32_t n, uint32_t *to)
{
    const exchange_shared *s = op->shared;
    if (!l->started || l->partition != lane->partition) {
        spark_random random = spark_random_of(lane->partition);
        l->position = (uint64_t)spark_random_int(&random, (int32_t)s->n_partitions);
        l->partition = lane->partition;
        l->started = true;
    }
    for (uint32_t k = 0; k < n; k++) to[k] = (uint32_t)(++l->position % s->n_partitions);
}

/* ---- pieces */

/* p->rows and p->runs from the partition of each selected row: a counting sort over the partitions that occur. `room`:
 * n_partitions + 1 counters, zero. */
static vonk_status deal_out(vonk_op *op, piece *p, vonk_rows rows, const uint32_t *to, uint32_t *counts,
                            vonk_error *err)
{
    const exchange_shared *s = op->shared;
    uint32_t n_runs = 0, sum = 0, at = 0;
    for (uint32_t k = 0; k < rows.n; k++) n_runs += counts[to[k]]++ == 0;
    VONK_TRY(vonk_alloc_array(op->budget, (size_t)n_runs + 1, sizeof *p->runs, &p->runs, err));
    VONK_TRY(vonk_alloc_array(op->budget, rows.n, sizeof *p->rows, &p->rows, err));
    for (uint32_t i = 0; i < s->n_partitions; i++) {
        uint32_t count = counts[i];
        if (count == 0) continue;
        p->runs[at++] = (piece_run){i, sum};
        counts[i] = sum;
        sum += count;
    }
    for (uint32_t k = 0; k < rows.n; k++) p->rows[counts[to[k]]++] = vonk_row_at(rows, k);
    p->n_runs = n_runs;
    p->runs[n_runs] = (piece_run){s->n_partitions, rows.n};
    return VONK_OK;
}

static vonk_status one_run(vonk_op *op, piece *p, vonk_error *err)
{
    VONK_TRY(vonk_alloc_array(op->budget, 2, sizeof *p->runs, &p->runs, err));
    p->n_runs = 1;
    p->runs[0] = (piece_run){0, 0};
    p->runs[1] = (piece_run){1, p->n_rows};
    return VONK_OK;
}

static vonk_status encode_keys(vonk_op *op, vonk_lane *lane, exchange_local *l, const vonk_batch *in, piece *p,
                               vonk_error *err)
{
    exchange_shared *s = op->shared;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->values, err));
    vonk_status st = vonk_alloc(op->budget, (size_t)p->n_rows * s->key_bytes, &p->keys, err);
    if (st == VONK_OK)
        st = vonk_sort_key_encode(l->values, s->specs, s->n_keys, vonk_batch_rows(in), p->keys, s->key_bytes, err);
    for (uint32_t i = 0; i < s->n_keys; i++) {
        vonk_column_unref(l->values[i]);
        l->values[i] = NULL;
    }
    return st;
}

static vonk_status fill_piece(vonk_op *op, vonk_lane *lane, exchange_local *l, piece *p, vonk_error *err)
{
    exchange_shared *s = op->shared;
    vonk_exchange_kind kind = kind_of(op);
    uint32_t *to = NULL, *counts = NULL;
    if (kind == VONK_EXCHANGE_RANGE) return encode_keys(op, lane, l, p->batch, p, err);
    if (s->n_partitions == 1) return one_run(op, p, err);
    VONK_TRY(vonk_arena_array(lane->scratch, p->n_rows, sizeof *to, &to, err));
    VONK_TRY(vonk_arena_array(lane->scratch, (size_t)s->n_partitions + 1, sizeof *counts, &counts, err));
    if (kind == VONK_EXCHANGE_HASH)
        VONK_TRY(hash_partitions(op, lane, l, p->batch, to, err));
    else
        round_robin(op, lane, l, p->n_rows, to);
    return deal_out(op, p, vonk_batch_rows(p->batch), to, counts, err);
}

static vonk_status raise_spill_error(const exchange_shared *s, vonk_error *err)
{
    if (s->spill_status != VONK_OK) vonk_error_copy(err, &s->spill_error);
    return s->spill_status;
}

static vonk_status exchange_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                 vonk_flow *ret_flow, vonk_error *err)
{
    exchange_shared *s = op->shared;
    exchange_local *l = local;
    piece *p = NULL;
    if (l->ordinal != lane->ordinal) l->sequence = 0;
    l->ordinal = lane->ordinal;
    VONK_TRY(VONK_NEW(op->budget, &p, err));
    p->ordinal = lane->ordinal;
    p->sequence = l->sequence++;
    p->n_rows = in->n_sel;
    vonk_status st = VONK_OK;
    if (in->n_sel < in->n_rows / 2) /* do not hold what nobody reads */
        st = vonk_batch_compact(in, &p->batch, err);
    else
        p->batch = vonk_batch_ref(in);
    if (st == VONK_OK) st = fill_piece(op, lane, l, p, err);
    if (st == VONK_OK) {
        p->bytes = vonk_batch_bytes(p->batch);
        VONK_LOCKED(&s->lock);
        st = raise_spill_error(s, err);
        if (st == VONK_OK) st = VONK_VEC_PUSH(&s->pieces, op->budget, p, err);
        if (st == VONK_OK) atomic_fetch_add_explicit(&s->bytes, (int64_t)p->bytes, memory_order_relaxed);
    }
    if (st != VONK_OK) piece_free(p);
    return st;
}

/* ---- disk */

static vonk_status new_file(vonk_op *op, vonk_error *err)
{
    exchange_shared *s = op->shared;
    return s->file ? VONK_OK : vonk_spill_new(op, op->types, op->n_columns, &s->file, err);
}

/* The rows of one run as a batch. */
static vonk_status run_batch(const piece *p, uint32_t run, vonk_budget *budget, vonk_batch **ret, vonk_error *err)
{
    uint32_t start = p->runs[run].start, n = p->runs[run + 1].start - start;
    vonk_buffer *sel = NULL;
    if (!p->rows) {
        *ret = vonk_batch_ref(p->batch);
        return VONK_OK;
    }
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &sel, err));
    memcpy(sel->data, p->rows + start, n * sizeof(uint32_t));
    return vonk_batch_select(p->batch, sel, n, ret, err);
}

/* Rows of `partition` in pieces[0..n) (one morsel) as one block. */
static vonk_status write_partition(vonk_op *op, piece *const *pieces, size_t n, uint32_t *at_run, uint32_t partition,
                                   vonk_batch **list, vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    disk_piece where = {.ordinal = pieces[0]->ordinal, .sequence = UINT32_MAX};
    size_t m = 0;
    vonk_status st = VONK_OK;
    for (size_t i = 0; i < n && st == VONK_OK; i++) {
        const piece *p = pieces[i];
        if (at_run[i] == p->n_runs || p->runs[at_run[i]].partition != partition) continue;
        st = run_batch(p, at_run[i]++, vonk_budget_root(), &list[m], err);
        if (st == VONK_OK) m++;
        if (p->sequence < where.sequence) where.sequence = p->sequence;
    }
    if (st == VONK_OK) st = vonk_batch_concat(vonk_budget_root(), (const vonk_batch *const *)list, m, &all, err);
    for (size_t i = 0; i < m; i++) vonk_batch_unref(list[i]);
    if (st == VONK_OK) st = vonk_spill_put(s->file, all, &where.ref, err);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&s->on_disk[partition], vonk_budget_root(), where, err);
    return st;
}

/* All pieces of one morsel, partition by partition. */
static vonk_status write_morsel(vonk_op *op, piece *const *pieces, size_t n, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    uint32_t *at_run = NULL;
    vonk_batch **list = NULL;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *at_run, &at_run, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *list, &list, err));
    for (;;) {
        uint32_t next = UINT32_MAX;
        for (size_t i = 0; i < n; i++) {
            if (at_run[i] < pieces[i]->n_runs && pieces[i]->runs[at_run[i]].partition < next)
                next = pieces[i]->runs[at_run[i]].partition;
        }
        if (next == UINT32_MAX) return VONK_OK;
        VONK_TRY(write_partition(op, pieces, n, at_run, next, list, err));
    }
}

static int by_place(const void *a, const void *b)
{
    const piece *x = *(piece *const *)a, *y = *(piece *const *)b;
    if (x->ordinal != y->ordinal) return x->ordinal < y->ordinal ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* Lock held. All pieces to disk and away. */
static vonk_status write_pieces(vonk_op *op, vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_TRY(new_file(op, err));
    qsort(s->pieces.at, s->pieces.n, sizeof *s->pieces.at, by_place);
    size_t from = 0;
    vonk_status st = VONK_OK;
    while (from < s->pieces.n && st == VONK_OK) {
        size_t to = from + 1;
        while (to < s->pieces.n && s->pieces.at[to]->ordinal == s->pieces.at[from]->ordinal) to++;
        st = write_morsel(op, s->pieces.at + from, to - from, err);
        from = to;
    }
    VONK_TRY(st);
    for (size_t i = 0; i < s->pieces.n; i++) piece_free(s->pieces.at[i]);
    s->pieces.n = 0;
    atomic_store(&s->bytes, 0);
    return VONK_OK;
}

/* Lock held. RANGE, bounds unknown: the batches go, keys stay. */
static vonk_status write_batches(vonk_op *op, vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_TRY(new_file(op, err));
    for (size_t i = 0; i < s->pieces.n; i++) {
        piece *p = s->pieces.at[i];
        if (!p->batch) continue;
        VONK_TRY(vonk_spill_put(s->file, p->batch, &p->ref, err));
        vonk_batch_unref(p->batch);
        p->batch = NULL;
    }
    atomic_store(&s->bytes, 0);
    return VONK_OK;
}

static vonk_status spill_now(vonk_op *op, vonk_error *err)
{
    const exchange_shared *s = op->shared;
    if (s->pieces.n == 0) return VONK_OK;
    return kind_of(op) == VONK_EXCHANGE_RANGE && !s->finished ? write_batches(op, err) : write_pieces(op, err);
}

static int64_t exchange_spillable(vonk_op *op)
{
    exchange_shared *s = op->shared;
    return s->finished ? 0 : atomic_load_explicit(&s->bytes, memory_order_relaxed);
}

static int64_t exchange_spill(vonk_op *op, int64_t bytes_wanted)
{
    exchange_shared *s = op->shared;
    vonk_error err = VONK_ERROR_INIT;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    int64_t bytes = s->finished ? 0 : atomic_load(&s->bytes);
    vonk_status st = bytes > 0 ? spill_now(op, &err) : VONK_OK;
    if (st != VONK_OK) {
        if (s->spill_status == VONK_OK) vonk_error_move(&s->spill_error, &err);
        s->spill_status = st;
        bytes = 0;
    }
    vonk_mutex_unlock(&s->lock);
    vonk_error_reset(&err);
    return bytes;
}

static vonk_status exchange_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                vonk_error *err)
{
    exchange_shared *s = op->shared;
    if (!vonk_exec_force_spill(op->exec)) return VONK_OK;
    VONK_LOCKED(&s->lock);
    return spill_now(op, err);
}

/* ---- range bounds, when all keys are known */

static int compare_keys(const void *a, const void *b, void *key_bytes)
{
    return memcmp(*(uint8_t *const *)a, *(uint8_t *const *)b, *(const uint32_t *)key_bytes);
}

/* Spark's rule: walk the sorted keys, a bound each time the next share of the rows is full, never the same bound twice.
 */
static void choose_bounds(exchange_shared *s, uint8_t **keys, size_t n)
{
    double step = (double)n / s->n_partitions, target = step;
    for (size_t i = 0; i < n && s->n_bounds + 1 < s->n_partitions; i++) {
        if ((double)(i + 1) < target) continue;
        if (s->n_bounds > 0 && memcmp(keys[i], s->bounds + (size_t)(s->n_bounds - 1) * s->key_bytes, s->key_bytes) <= 0)
            continue;
        memcpy(s->bounds + (size_t)s->n_bounds++ * s->key_bytes, keys[i], s->key_bytes);
        target += step;
    }
}

static vonk_status find_bounds(vonk_op *op, vonk_error *err)
{
    exchange_shared *s = op->shared;
    uint8_t **keys = NULL;
    uint64_t n = 0, m = 0;
    for (size_t i = 0; i < s->pieces.n; i++) n += s->pieces.at[i]->n_rows;
    uint64_t every = n / RANGE_SAMPLE + 1, at = 0;
    VONK_TRY(vonk_alloc(op->budget, (size_t)s->n_partitions * s->key_bytes, &s->bounds, err));
    VONK_TRY(vonk_alloc_array(op->budget, n / every + 2, sizeof *keys, &keys, err));
    for (size_t i = 0; i < s->pieces.n; i++) {
        const piece *p = s->pieces.at[i];
        for (uint32_t k = 0; k < p->n_rows; k++, at++) {
            if (at % every == 0) keys[m++] = p->keys + (size_t)k * s->key_bytes;
        }
    }
    qsort_r(keys, m, sizeof *keys, compare_keys, &s->key_bytes);
    choose_bounds(s, keys, m);
    vonk_free(keys);
    return VONK_OK;
}

/* Number of bounds below the key. */
static uint32_t partition_of(const exchange_shared *s, const uint8_t *key)
{
    uint32_t from = 0, n = s->n_bounds;
    while (n > 0) {
        uint32_t half = n / 2;
        if (memcmp(key, s->bounds + (size_t)(from + half) * s->key_bytes, s->key_bytes) > 0) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

static vonk_status deal_out_range(vonk_op *op, vonk_lane *lane, piece *p, vonk_error *err)
{
    const exchange_shared *s = op->shared;
    uint32_t *to = NULL, *counts = NULL;
    vonk_arena_reset(lane->scratch);
    VONK_TRY(vonk_arena_array(lane->scratch, p->n_rows, sizeof *to, &to, err));
    VONK_TRY(vonk_arena_array(lane->scratch, (size_t)s->n_partitions + 1, sizeof *counts, &counts, err));
    for (uint32_t k = 0; k < p->n_rows; k++) to[k] = partition_of(s, p->keys + (size_t)k * s->key_bytes);
    vonk_free(p->keys);
    p->keys = NULL;
    vonk_rows rows =
        p->batch ? vonk_batch_rows(p->batch) : VONK_ALL_ROWS(p->n_rows); /* on disk there is no selection */
    return deal_out(op, p, rows, to, counts, err);
}

/* A piece whose batch is on disk: read, dealt out, written again by partition. */
static vonk_status rewrite(vonk_op *op, piece *p, vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_TRY(vonk_spill_get(s->file, p->ref, op->budget, &p->batch, err));
    vonk_spill_drop(s->file, p->ref);
    vonk_status st = write_morsel(op, &p, 1, err);
    vonk_batch_unref(p->batch);
    p->batch = NULL;
    return st;
}

static vonk_status finish_range(vonk_op *op, vonk_lane *lane, vonk_error *err)
{
    exchange_shared *s = op->shared;
    size_t kept = 0;
    VONK_TRY(find_bounds(op, err));
    for (size_t i = 0; i < s->pieces.n; i++) {
        if (vonk_exec_cancelled(op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(deal_out_range(op, lane, s->pieces.at[i], err));
        if (!s->pieces.at[i]->batch) VONK_TRY(rewrite(op, s->pieces.at[i], err));
    }
    for (size_t i = 0; i < s->pieces.n; i++) {
        if (s->pieces.at[i]->batch)
            s->pieces.at[kept++] = s->pieces.at[i];
        else
            piece_free(s->pieces.at[i]);
    }
    s->pieces.n = kept;
    return VONK_OK;
}

static vonk_status exchange_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    exchange_shared *s = op->shared;
    VONK_LOCKED(&s->lock);
    VONK_TRY(raise_spill_error(s, err));
    if (s->pieces.n > 0) qsort(s->pieces.at, s->pieces.n, sizeof *s->pieces.at, by_place);
    if (kind_of(op) == VONK_EXCHANGE_RANGE) VONK_TRY(finish_range(op, lane, err));
    s->finished = true;
    return VONK_OK;
}

/* ---- reading a partition */

#define MORSEL_ROWS 65536

static uint32_t find_run(const piece *p, uint32_t partition)
{
    uint32_t from = 0, n = p->n_runs;
    while (n > 0) {
        uint32_t half = n / 2;
        if (p->runs[from + half].partition < partition) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from < p->n_runs && p->runs[from].partition == partition ? from : UINT32_MAX;
}

static int by_chunk_place(const void *a, const void *b)
{
    const chunk *x = a, *y = b;
    if (x->ordinal != y->ordinal) return x->ordinal < y->ordinal ? -1 : 1;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* Lock held. A list that could not be made whole is empty, for the next reader to make. */
static vonk_status list_chunks(vonk_op *op, uint32_t partition, chunk_list *list, vonk_error *err)
{
    const exchange_shared *s = op->shared;
    const disk_list *disk = &s->on_disk[partition];
    VONK_TRY(vonk_alloc_array(op->budget, s->pieces.n + disk->n + 1, sizeof *list->at, &list->at, err));
    for (size_t i = 0; i < s->pieces.n; i++) {
        const piece *p = s->pieces.at[i];
        uint32_t run = find_run(p, partition);
        if (run == UINT32_MAX) continue;
        list->at[list->n++] = (chunk){.ordinal = p->ordinal,
                                      .sequence = p->sequence,
                                      .n_rows = p->runs[run + 1].start - p->runs[run].start,
                                      .piece = p,
                                      .run = run};
    }
    for (size_t i = 0; i < disk->n; i++)
        list->at[list->n++] = (chunk){.ordinal = disk->at[i].ordinal,
                                      .sequence = disk->at[i].sequence,
                                      .n_rows = disk->at[i].ref.n_rows,
                                      .ref = disk->at[i].ref};
    if (disk->n > 0) qsort(list->at, list->n, sizeof *list->at, by_chunk_place);
    VONK_TRY(vonk_alloc_array(op->budget, list->n + 1, sizeof *list->morsels, &list->morsels, err));
    uint64_t rows = MORSEL_ROWS;
    for (uint32_t i = 0; i < list->n; i++) {
        if (rows >= MORSEL_ROWS) {
            list->morsels[list->n_morsels++] = i;
            rows = 0;
        }
        rows += list->at[i].n_rows;
    }
    list->morsels[list->n_morsels] = list->n;
    return VONK_OK;
}

/* Pipelines that read the same exchange (a shared subplan) start side by side: the first makes the list for all. */
static vonk_status exchange_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    exchange_shared *s = op->shared;
    chunk_list *list = &s->chunks[partition];
    VONK_LOCKED(&s->lock);
    if (!list->morsels) {
        vonk_status st = list_chunks(op, partition, list, err);
        if (st != VONK_OK) {
            chunks_done(list);
            return st;
        }
    }
    *ret_n = list->n_morsels;
    return VONK_OK;
}

typedef struct exchange_out {
    const chunk *at, *end;
} exchange_out;

static vonk_status exchange_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                                  vonk_error *err)
{
    const exchange_shared *s = op->shared;
    const chunk_list *list = &s->chunks[partition];
    exchange_out *o = local;
    o->at = list->at + list->morsels[morsel];
    o->end = list->at + list->morsels[morsel + 1];
    return VONK_OK;
}

static vonk_status chunk_batch(const exchange_shared *s, const chunk *c, vonk_budget *budget, vonk_batch **ret,
                               vonk_error *err)
{
    return c->piece ? run_batch(c->piece, c->run, budget, ret, err) : vonk_spill_get(s->file, c->ref, budget, ret, err);
}

#define MOST_TOGETHER 256

static vonk_status exchange_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                 vonk_error *err)
{
    const exchange_shared *s = op->shared;
    exchange_out *o = local;
    vonk_batch *list[MOST_TOGETHER], *all = NULL;
    uint32_t n = 0, target = vonk_exec_batch_rows(op->exec);
    uint64_t rows = 0;
    vonk_status st = VONK_OK;
    while (o->at < o->end && n < MOST_TOGETHER && st == VONK_OK) {
        if (n > 0 && rows + o->at->n_rows > target) break;
        st = chunk_batch(s, o->at, lane->budget, &list[n], err);
        if (st != VONK_OK) break;
        rows += o->at->n_rows;
        o->at++;
        n++;
    }
    if (st == VONK_OK && n > 0) {
        if (n == 1)
            all = vonk_batch_ref(list[0]);
        else
            st = vonk_batch_concat(lane->budget, (const vonk_batch *const *)list, n, &all, err);
    }
    for (uint32_t i = 0; i < n; i++) vonk_batch_unref(list[i]);
    if (all) vonk_out_put(out, all);
    return st;
}

/* ---- COALESCE: source partitions i * n_in / n .. (i + 1) * n_in / n - 1 become partition i */

static vonk_status coalesce_open(vonk_op *op, vonk_error *err)
{
    uint32_t n_in = op->children[0]->n_partitions, n = (uint32_t)op->node->exchange.n_partitions;
    uint32_t *map = NULL;
    if (op->node->exchange.n_partitions < 1 || n >= n_in) return VONK_OK;
    VONK_TRY(vonk_arena_array(op->arena, n_in, sizeof *map, &map, err));
    for (uint32_t i = 0; i < n; i++) {
        for (uint64_t p = (uint64_t)i * n_in / n; p < (uint64_t)(i + 1) * n_in / n; p++) map[p] = i;
    }
    op->partition_map = map;
    op->n_partitions = n;
    op->by_hash = false;
    return VONK_OK;
}
static const vonk_input_class coalesce_input = {.order = VONK_ORDER_KEEPS};
static const vonk_op_class coalesce = {
    .name = "coalesce", .open = coalesce_open, .n_inputs = 1, .inputs = &coalesce_input};

static const vonk_op_class *exchange_choose(const vonk_plan *node, bool root)
{
    return node->exchange.kind == VONK_EXCHANGE_COALESCE ? &coalesce : NULL;
}

static const vonk_input_class exchange_input = {.sink = true,
                                                .order = VONK_ORDER_KEEPS,
                                                .local_size = sizeof(exchange_local),
                                                .local_open = exchange_local_open,
                                                .push = exchange_push,
                                                .end_morsel = exchange_end,
                                                .finish = exchange_finish,
                                                .local_close = exchange_local_close};
static const vonk_source_class exchange_source = {.local_size = sizeof(exchange_out),
                                                  .n_morsels = exchange_n_morsels,
                                                  .start = exchange_start,
                                                  .next = exchange_next};
const vonk_op_class vonk_op_exchange = {.name = "exchange",
                                        .shared_size = sizeof(exchange_shared),
                                        .open = exchange_open,
                                        .close = exchange_close,
                                        .spillable = exchange_spillable,
                                        .spill = exchange_spill,
                                        .choose = exchange_choose,
                                        .n_inputs = 1,
                                        .inputs = &exchange_input,
                                        .source = &exchange_source};
