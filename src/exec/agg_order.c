/* exec/agg_order.c -- few groups in Spark's order, and groups as columns.
 *
 * Spark deals groups out to shuffle partitions by hash(keys) pmod n and reads each partition's groups in the order in
 * which they came up; so do we where it is cheap. */
#include <stdlib.h>

#include "exec/agg_int.h"

typedef struct ordered_group {
    uint32_t partition;
    uint64_t position;
    uint8_t *row;
} ordered_group;

static int compare_groups(const void *a, const void *b)
{
    const ordered_group *x = a, *y = b;
    if (x->partition != y->partition) return x->partition < y->partition ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static vonk_status key_columns(const agg_shared *s, vonk_budget *budget, uint8_t *const *rows, uint32_t n,
                               vonk_column **columns, vonk_error *err)
{
    for (uint32_t c = 0; c < s->n_keys; c++)
        VONK_TRY(vonk_rows_gather(budget, s->groups.layout, c, rows, n, &columns[c], err));
    return VONK_OK;
}

static void drop(vonk_column **columns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
}

/* hash(keys) of all groups. */
static vonk_status hash_of_groups(vonk_op *op, vonk_lane *lane, uint8_t *const *rows, uint32_t n, vonk_column **ret,
                                  vonk_error *err)
{
    agg_shared *s = op->shared;
    vonk_column **columns = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, s->n_keys, sizeof *columns, &columns, err));
    vonk_status st = key_columns(s, op->budget, rows, n, columns, err);
    if (st == VONK_OK) st = vonk_batch_new(op->budget, n, columns, s->n_keys, &batch, err);
    drop(columns, s->n_keys);
    VONK_TRY(st);
    vonk_program_local *local = NULL;
    VONK_TRY(vonk_program_local_new(s->hash_program, op->budget, &local, err));
    st = vonk_program_eval(local, batch, ret, err);
    vonk_program_local_free(local);
    return st;
}

static vonk_status set_partitions(vonk_op *op, vonk_lane *lane, ordered_group *groups, uint32_t n, vonk_error *err)
{
    agg_shared *s = op->shared;
    VONK_AUTO(vonk_column_unref) vonk_column *hash = NULL, *flat = NULL;
    uint8_t **rows = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *rows, &rows, err));
    for (uint32_t i = 0; i < n; i++) rows[i] = groups[i].row;
    VONK_TRY(hash_of_groups(op, lane, rows, n, &hash, err));
    VONK_TRY(vonk_column_flatten(op->budget, hash, &flat, err));
    for (uint32_t i = 0; i < n; i++) groups[i].partition = vonk__pmod(VONK_VALUES(flat, int32_t)[i], s->n_shuffle);
    return VONK_OK;
}

/* Where each partition's groups start: they are sorted by position, and positions grow with partitions. */
static vonk_status find_partitions(vonk_op *op, vonk_error *err)
{
    agg_shared *s = op->shared;
    uint64_t at = 0;
    VONK_TRY(vonk_alloc_array(op->budget, (uint64_t)op->n_partitions + 1, sizeof *s->partition_first,
                              &s->partition_first, err));
    for (uint32_t p = 0; p <= op->n_partitions; p++) {
        while (at < s->all.n_rows && *agg_partition_of(&s->groups, s->all.rows[at]) < (int32_t)p) at++;
        s->partition_first[p] = at;
    }
    return VONK_OK;
}

vonk_status vonk__agg_order_groups(vonk_op *op, vonk_lane *lane, vonk_error *err)
{
    agg_shared *s = op->shared;
    uint32_t n = 0;
    ordered_group *groups = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, (size_t)s->n_groups + 1, sizeof *groups, &groups, err));
    for (uint32_t p = 0; p < AGG_PARTS; p++) {
        for (uint64_t i = 0; i < s->parts[p].n_rows; i++) {
            uint8_t *row = s->parts[p].rows[i];
            groups[n++] = (ordered_group){.row = row, .position = *agg_position_of(&s->groups, row)};
        }
    }
    assert(n == s->n_groups);
    if (n > 1 && !s->partitioned && !s->saved_out && s->n_shuffle > 1)
        VONK_TRY(set_partitions(op, lane, groups, n, err));
    qsort(groups, n, sizeof *groups, compare_groups);
    VONK_TRY(vonk_alloc_array(op->budget, (uint64_t)n + 1, sizeof *s->all.rows, &s->all.rows, err));
    for (uint32_t i = 0; i < n; i++) s->all.rows[i] = groups[i].row;
    s->all.n_rows = n;
    if (s->partitioned) VONK_TRY(find_partitions(op, err));
    s->in_order = true;
    return VONK_OK;
}

/* ---- groups as columns */

vonk_status vonk__agg_save(const agg_fn *f, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret,
                           vonk_error *err)
{
    vonk_status st = f->agg->save(f->call, ev, states, n, ret, err);
    if (st != VONK_OK) memset(ret, 0, f->n_saved * sizeof *ret);
    return st;
}

static vonk_status finish(const agg_fn *f, vonk_eval *ev, uint8_t *const *states, uint32_t n, vonk_column **ret,
                          vonk_error *err)
{
    vonk_status st = f->agg->finish(f->call, ev, states, n, ret, err);
    if (st != VONK_OK) *ret = NULL;
    return st;
}

vonk_status vonk__agg_fn_column(const agg_shared *s, const agg_fn *f, vonk_lane *lane, uint8_t *const *rows, uint32_t n,
                                vonk_column **ret, vonk_error *err)
{
    uint8_t **states = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *states, &states, err));
    for (uint32_t i = 0; i < n; i++) states[i] = rows[i] + f->state_at;
    lane->ev.local = NULL;
    if (f->call->local_bytes) VONK_TRY(vonk_arena_alloc(lane->scratch, f->call->local_bytes, &lane->ev.local, err));
    vonk_status st =
        s->saved_out ? vonk__agg_save(f, &lane->ev, states, n, ret, err) : finish(f, &lane->ev, states, n, ret, err);
    if (lane->ev.local && f->call->local_done) f->call->local_done(lane->ev.local);
    return st;
}

vonk_status vonk__agg_output(vonk_op *op, vonk_lane *lane, uint8_t *const *rows, uint32_t n, vonk_batch **ret,
                             vonk_error *err)
{
    const agg_shared *s = op->shared;
    vonk_column **columns = NULL;
    VONK_TRY(vonk_arena_array(lane->scratch, op->n_columns, sizeof *columns, &columns, err));
    vonk_status st = key_columns(s, lane->budget, rows, n, columns, err);
    uint32_t at = s->n_keys;
    for (uint32_t f = 0; f < s->n_fns && st == VONK_OK; f++) {
        st = vonk__agg_fn_column(s, &s->fns[f], lane, rows, n, &columns[at], err);
        at += s->saved_out ? s->fns[f].n_saved : 1;
    }
    if (st == VONK_OK) return vonk_op_batch(lane, n, columns, op->n_columns, ret, err);
    drop(columns, op->n_columns);
    return st;
}
