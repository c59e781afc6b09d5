/* exec/join_probe.c -- a probe batch through a table.
 *
 * Three ways. *One*: every key has at most one build row and there is no residual condition: the look-up is the result,
 * probe columns pass untouched under a selection. *Members*: SEMI, ANTI, MARK without a condition: the look-up tells
 * the rows. *Pairs*: everything else: pairs are listed, at most a batch of them at a time, filtered by the residual
 * condition, and put out; rows that have found nothing come in their place. */
#include "exec/join_int.h"

/* ---- life */

vonk_status vonk__join_lane_open(const join_form *f, vonk_lane *lane, join_lane *l, vonk_error *err)
{
    vonk_op *op = f->op;
    l->pair_room = vonk_exec_batch_rows(op->exec);
    VONK_TRY(vonk_alloc_zeroed(op->budget, (f->n_keys + 1) * sizeof(vonk_column *), &l->key_columns, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (f->n_used + 1) * sizeof(vonk_column *), &l->used_columns, err));
    VONK_TRY(vonk_alloc_array(op->budget, l->pair_room, sizeof(uint32_t), &l->pair_k, err));
    VONK_TRY(vonk_alloc_array(op->budget, l->pair_room, sizeof(uint32_t), &l->pair_build, err));
    VONK_TRY(vonk_alloc_array(op->budget, l->pair_room, sizeof(uint32_t), &l->out_probe, err));
    VONK_TRY(vonk_alloc_array(op->budget, l->pair_room, sizeof(uint32_t), &l->out_build, err));
    if (f->probe_keys.program) VONK_TRY(vonk__program_open(op, lane, f->probe_keys.program, &l->key_program, err));
    return f->residual ? vonk__program_open(op, lane, f->residual, &l->residual, err) : VONK_OK;
}

static void drop_keys(const join_form *f, join_lane *l)
{
    for (uint32_t i = 0; l->key_columns && i < f->n_keys; i++) {
        vonk_column_unref(l->key_columns[i]);
        l->key_columns[i] = NULL;
    }
}

void vonk__join_lane_close(const join_form *f, join_lane *l)
{
    drop_keys(f, l);
    vonk__program_close(&l->key_program);
    vonk__program_close(&l->residual);
    vonk_free(l->key_columns);
    vonk_free(l->used_columns);
    vonk_free(l->keys);
    vonk_free(l->first);
    vonk_free(l->counts);
    vonk_free(l->hit);
    vonk_free(l->null_key);
    vonk_free(l->pair_k);
    vonk_free(l->pair_build);
    vonk_free(l->out_probe);
    vonk_free(l->out_build);
    vonk__join_pieces_done(&l->pieces);
    vonk__join_grace_drop_held(l);
    vonk_free(l->held.at);
}

static vonk_status make_room(const join_form *f, join_lane *l, uint32_t n, vonk_error *err)
{
    vonk_budget *budget = f->op->budget;
    if (n <= l->room) return VONK_OK;
    l->room = 0;
    VONK_TRY(vonk_realloc(budget, &l->keys, n * sizeof *l->keys, err));
    VONK_TRY(vonk_realloc(budget, &l->first, n * sizeof *l->first, err));
    VONK_TRY(vonk_realloc(budget, &l->counts, n * sizeof *l->counts, err));
    VONK_TRY(vonk_realloc(budget, &l->hit, n, err));
    VONK_TRY(vonk_realloc(budget, &l->null_key, n, err));
    l->room = n;
    return VONK_OK;
}

/* ---- a batch begins */

static void find_null_keys(const join_form *f, join_lane *l, vonk_rows rows)
{
    memset(l->null_key, 0, rows.n);
    for (uint32_t i = 0; i < f->n_keys; i++) {
        if (!vonk_column_may_have_nulls(l->key_columns[i])) continue;
        for (uint32_t k = 0; k < rows.n; k++)
            l->null_key[k] |= vonk_column_is_null(l->key_columns[i], vonk_row_at(rows, k));
    }
}

/* What build rows must know of all probe rows. */
static void note_null_keys(join_table *t, const join_lane *l, uint32_t n)
{
    uint8_t any = 0;
    for (uint32_t k = 0; k < n; k++) any |= l->null_key[k];
    atomic_store_explicit(&t->probe_any, true, memory_order_relaxed);
    if (any) atomic_store_explicit(&t->probe_null, true, memory_order_relaxed);
}

static vonk_status begin(const join_form *f, join_table *t, vonk_lane *lane, join_lane *l, const vonk_batch *in,
                         vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    VONK_TRY(make_room(f, l, rows.n, err));
    if (f->n_keys > 0) {
        drop_keys(f, l);
        VONK_TRY(vonk__join_key_columns(&f->probe_keys, f->n_keys, &l->key_program, lane, in, l->key_columns, err));
        VONK_TRY(vonk__join_lookup(t, lane, l->key_columns, rows, l->keys, l->first, l->counts, err));
        if (f->null_aware) find_null_keys(f, l, rows);
        if (f->null_aware && f->by_build) note_null_keys(t, l, rows.n);
    }
    for (uint32_t k = 0; f->n_keys == 0 && k < rows.n; k++) l->first[k] = JOIN_NONE; /* without build rows */
    if (l->carry)
        memcpy(l->hit, l->carry, rows.n);
    else
        memset(l->hit, 0, rows.n);
    l->open = true;
    l->at_k = l->at_pair = 0;
    return VONK_OK;
}

static uint32_t count_of(const join_table *t, const join_lane *l, uint32_t k)
{
    if (t->kind == JOIN_ALL) return t->n_rows;
    if (t->unique) return l->first[k] != JOIN_NONE;
    return l->counts[k];
}

static uint32_t row_of(const join_table *t, const join_lane *l, uint32_t k, uint32_t count, uint32_t i)
{
    if (t->kind == JOIN_ALL) return i;
    return count == 1 ? l->first[k] : t->list[l->first[k] + i];
}

static vonk_status too_many_rows(const join_form *f, vonk_error *err)
{
    vonk_status st = VONK_FAIL(err, VONK_E_SCALAR_SUBQUERY_TOO_MANY_ROWS);
    /* A correlated one is found out by a task. */
    if (f->n_keys > 0 || f->residual) st = vonk_error_set_family(err, VONK_FAMILY_RUNTIME);
    return st;
}

/* ---- one: each probe row has a build row or none */

static void flag_rows(const join_table *t, const uint32_t *rows, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (rows[k] != JOIN_NONE) vonk__join_flag(t, rows[k], JOIN_FLAG_HIT);
}

/* Those with a build row, densely. */
static vonk_status put_found(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                             const vonk_batch *in, uint32_t n_found, vonk_batch **ret, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    uint32_t *probe = NULL, *build = NULL, n = 0;
    VONK_TRY(vonk_arena_array(lane->scratch, n_found + 1, sizeof *probe, &probe, err));
    VONK_TRY(vonk_arena_array(lane->scratch, n_found + 1, sizeof *build, &build, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        probe[n] = vonk_row_at(rows, k);
        build[n] = l->first[k];
        n += build[n] != JOIN_NONE;
    }
    return vonk__join_output(f, t, lane, &(join_rows){.in = in, .probe_rows = probe, .build_rows = build, .n = n}, NULL,
                             ret, err);
}

/* Probe columns as they are: build rows for all rows of the batch, also for those that are not selected. */
static vonk_status put_in_place(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                                const vonk_batch *in, uint32_t n_found, vonk_batch **ret, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    join_rows r = {.in = in, .build_rows = l->first, .n = in->n_rows, .some_null = f->outer_probe && n_found < rows.n};
    bool fewer = !f->outer_probe && n_found < rows.n;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    uint32_t *build = NULL, n = 0;
    if (n_found == 0) {
        r.build_rows = NULL;
        r.some_null = false;
    } else if (fewer || in->sel) {
        VONK_TRY(vonk_arena_array(lane->scratch, in->n_rows, sizeof *build, &build, err)); /* zeroed: row 0 exists */
        for (uint32_t k = 0; k < rows.n; k++)
            if (l->first[k] != JOIN_NONE || r.some_null) build[vonk_row_at(rows, k)] = l->first[k];
        r.build_rows = build;
    }
    if (fewer) {
        VONK_TRY(vonk_buffer_new(lane->budget, (size_t)n_found * sizeof(uint32_t), &sel, err));
        uint32_t *out = (uint32_t *)sel->data;
        for (uint32_t k = 0; k < rows.n; k++)
            if (l->first[k] != JOIN_NONE) out[n++] = vonk_row_at(rows, k);
    }
    VONK_TRY(vonk__join_output(f, t, lane, &r, NULL, ret, err));
    if (fewer) {
        (*ret)->sel = (const uint32_t *)sel->data;
        (*ret)->sel_buffer = VONK_STEAL(sel);
        (*ret)->n_sel = n;
    } else if (in->sel) {
        (*ret)->sel = in->sel;
        (*ret)->sel_buffer = vonk_buffer_ref(in->sel_buffer);
        (*ret)->n_sel = in->n_sel;
    }
    return VONK_OK;
}

static vonk_status probe_one(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                             const vonk_batch *in, vonk_out *out, vonk_error *err)
{
    vonk_batch *batch = NULL;
    uint32_t n_found = 0, n = in->n_sel;
    for (uint32_t k = 0; k < n; k++) n_found += l->first[k] != JOIN_NONE;
    if (f->flags) flag_rows(t, l->first, n);
    if (f->by_build || (n_found == 0 && !f->outer_probe)) return VONK_OK;
    uint32_t n_out = f->outer_probe ? n : n_found;
    if ((uint64_t)n_out * 2 >= in->n_rows || f->outer_probe)
        VONK_TRY(put_in_place(f, t, lane, l, in, n_found, &batch, err));
    else
        VONK_TRY(put_found(f, t, lane, l, in, n_found, &batch, err));
    return vonk__join_put(&l->pieces, lane, batch, out, err);
}

/* ---- SEMI, ANTI, MARK: what is known of each row goes out */

/* Null-aware, one key and no condition: a comparison is unknown when either key is null. */
static void find_unknown(const join_form *f, const join_table *t, join_lane *l, uint32_t n)
{
    if (!f->null_aware || f->null_pairs || !t->any) return;
    for (uint32_t k = 0; k < n; k++)
        if (!l->hit[k] && (l->null_key[k] || t->has_null)) l->hit[k] = JOIN_FLAG_UNKNOWN;
}

static vonk_status put_selected(const join_form *f, vonk_lane *lane, join_lane *l, const vonk_batch *in, vonk_out *out,
                                vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    bool semi = f->type == VONK_JOIN_SEMI;
    vonk_batch *batch = NULL;
    vonk_buffer *sel = NULL;
    uint32_t n = 0, m = 0;
    for (uint32_t k = 0; k < rows.n; k++) n += semi ? l->hit[k] & JOIN_FLAG_HIT : l->hit[k] == 0;
    if (n == 0) return VONK_OK;
    if (n == rows.n) return vonk__join_put(&l->pieces, lane, vonk_batch_ref(in), out, err);
    VONK_TRY(vonk_buffer_new(lane->budget, (size_t)n * sizeof(uint32_t), &sel, err));
    uint32_t *to = (uint32_t *)sel->data;
    for (uint32_t k = 0; k < rows.n && m < n; k++) {
        to[m] = vonk_row_at(rows, k);
        m += semi ? l->hit[k] & JOIN_FLAG_HIT : l->hit[k] == 0;
    }
    VONK_TRY(vonk_batch_select(in, sel, n, &batch, err));
    return vonk__join_put(&l->pieces, lane, batch, out, err);
}

static vonk_status put_marked(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                              const vonk_batch *in, vonk_out *out, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    VONK_AUTO(vonk_column_unref) vonk_column *mark = NULL;
    vonk_batch *batch = NULL;
    void *data;
    uint8_t *validity, any = 0;
    for (uint32_t k = 0; k < rows.n; k++) any |= (uint8_t)(l->hit[k] == JOIN_FLAG_UNKNOWN);
    VONK_TRY(vonk_column_new(lane->budget, &vonk_type_boolean, in->n_rows, any, &mark, &data, &validity, err));
    memset(data, 0, vonk_bits_bytes(in->n_rows));
    for (uint32_t k = 0; k < rows.n; k++) {
        if (l->hit[k] & JOIN_FLAG_HIT) vonk_bit_set(data, vonk_row_at(rows, k));
        if (l->hit[k] == JOIN_FLAG_UNKNOWN) vonk_bit_clear(validity, vonk_row_at(rows, k));
    }
    VONK_TRY(vonk__join_output(f, t, lane, &(join_rows){.in = in, .n = in->n_rows}, VONK_STEAL(mark), &batch, err));
    if (in->sel) {
        batch->sel = in->sel;
        batch->sel_buffer = vonk_buffer_ref(in->sel_buffer);
        batch->n_sel = in->n_sel;
    }
    return vonk__join_put(&l->pieces, lane, batch, out, err);
}

static vonk_status put_members(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                               const vonk_batch *in, vonk_out *out, vonk_error *err)
{
    if (!f->by_probe) return VONK_OK;
    find_unknown(f, t, l, in->n_sel);
    return f->puts_mark ? put_marked(f, t, lane, l, in, out, err) : put_selected(f, lane, l, in, out, err);
}

/* ---- pairs */

/* Lists pairs from where the last call ended, until `room` rows could come of them; returns how many. */
static uint32_t list_pairs(const join_form *f, const join_table *t, join_lane *l, uint32_t n)
{
    uint32_t used = 0, m = 0;
    while (l->at_k < n && used < l->pair_room) {
        uint32_t k = l->at_k, count = count_of(t, l, k);
        if (f->by_probe && (l->hit[k] & JOIN_FLAG_HIT)) count = l->at_pair; /* known */
        uint32_t left = count - l->at_pair, some = left < l->pair_room - used ? left : l->pair_room - used;
        for (uint32_t i = 0; i < some; i++) {
            l->pair_k[m] = k;
            l->pair_build[m++] = row_of(t, l, k, count, l->at_pair + i);
        }
        used += some ? some : 1;
        l->at_pair += some;
        if (some == left) {
            l->at_k++;
            l->at_pair = 0;
        }
    }
    return m;
}

/* Columns that the residual looks at, for m pairs. */
static vonk_status residual_batch(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                                  const vonk_batch *in, uint32_t m, vonk_batch **ret, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    vonk_column **columns = l->used_columns;
    uint32_t n = 0;
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < m; i++) l->out_probe[i] = vonk_row_at(rows, l->pair_k[i]);
    for (; n < f->n_used; n++) {
        const join_used *u = &f->used[n];
        const vonk_column *from = u->build ? t->columns[u->column] : in->columns[u->column];
        st =
            vonk_column_gather(lane->budget, from, u->build ? l->pair_build : l->out_probe, m, false, &columns[n], err);
        if (st != VONK_OK) break;
    }
    if (st == VONK_OK) return vonk_op_batch(lane, m, columns, n, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}

/* Keeps the pairs for which the condition is true. */
static vonk_status filter_pairs(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                                const vonk_batch *in, uint32_t *inout_m, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    uint32_t n = 0;
    if (!f->residual || *inout_m == 0) return VONK_OK;
    VONK_TRY(residual_batch(f, t, lane, l, in, *inout_m, &batch, err));
    vonk__program_place(&l->residual, lane);
    VONK_TRY(vonk_program_filter(l->residual.at, batch, &sel, &n, err));
    if (!sel && n == *inout_m) return VONK_OK;
    assert(sel || n == 0);
    const uint32_t *pass = n > 0 ? (const uint32_t *)sel->data : NULL;
    for (uint32_t i = 0; i < n; i++) {
        l->pair_k[i] = l->pair_k[pass[i]];
        l->pair_build[i] = l->pair_build[pass[i]];
    }
    *inout_m = n;
    return VONK_OK;
}

/* Null-aware without keys: pairs whose condition is null are unknown, they are taken out here. */
static vonk_status judge_pairs(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                               const vonk_batch *in, uint32_t *inout_m, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *value = NULL;
    uint32_t n = 0;
    if (*inout_m == 0) return VONK_OK;
    VONK_TRY(residual_batch(f, t, lane, l, in, *inout_m, &batch, err));
    vonk__program_place(&l->residual, lane);
    VONK_TRY(vonk_program_eval(l->residual.at, batch, &value, err));
    for (uint32_t i = 0; i < *inout_m; i++) {
        if (vonk_column_is_null(value, i)) {
            if (f->by_build)
                vonk__join_flag(t, l->pair_build[i], JOIN_FLAG_UNKNOWN);
            else
                l->hit[l->pair_k[i]] |= JOIN_FLAG_UNKNOWN;
        } else if (vonk_column_i64(value, i)) {
            l->pair_k[n] = l->pair_k[i];
            l->pair_build[n++] = l->pair_build[i];
        }
    }
    *inout_m = n;
    return VONK_OK;
}

static vonk_status flag_pairs(const join_form *f, const join_table *t, const join_lane *l, uint32_t m, vonk_error *err)
{
    for (uint32_t i = 0; i < m; i++) {
        if (f->type != VONK_JOIN_SINGLE)
            vonk__join_flag(t, l->pair_build[i], JOIN_FLAG_HIT);
        else if (atomic_fetch_or(&t->flags[l->pair_build[i]], JOIN_FLAG_HIT) & JOIN_FLAG_HIT)
            return too_many_rows(f, err);
    }
    return VONK_OK;
}

static vonk_status check_single(const join_form *f, const join_lane *l, uint32_t m, vonk_error *err)
{
    for (uint32_t i = 0; i < m; i++) {
        uint32_t k = l->pair_k[i];
        if ((l->hit[k] & JOIN_FLAG_HIT) || (i > 0 && l->pair_k[i - 1] == k)) return too_many_rows(f, err);
    }
    return VONK_OK;
}

static vonk_status note_pairs(const join_form *f, const join_table *t, join_lane *l, uint32_t m, vonk_error *err)
{
    if (f->flags) VONK_TRY(flag_pairs(f, t, l, m, err));
    if (f->type == VONK_JOIN_SINGLE && f->outer_probe) VONK_TRY(check_single(f, l, m, err));
    for (uint32_t i = 0; f->by_probe && i < m; i++) l->hit[l->pair_k[i]] |= JOIN_FLAG_HIT;
    return VONK_OK;
}

/* Output rows of m pairs of the rows from_k .. at_k (and the pairs so far of the next): nulls where a row has none. */
static uint32_t list_output(const join_form *f, join_lane *l, vonk_rows rows, uint32_t from_k, uint32_t m,
                            bool *ret_null)
{
    uint32_t n = 0, i = 0;
    if (!f->outer_probe) {
        for (; i < m; i++) {
            l->out_probe[i] = vonk_row_at(rows, l->pair_k[i]);
            l->out_build[i] = l->pair_build[i];
        }
        return m;
    }
    for (uint32_t k = from_k; k < l->at_k || i < m; k++) {
        for (; i < m && l->pair_k[i] == k; i++) {
            l->hit[k] |= JOIN_FLAG_HIT;
            l->out_probe[n] = vonk_row_at(rows, k);
            l->out_build[n++] = l->pair_build[i];
        }
        if (k >= l->at_k || l->hit[k] || l->not_last) continue;
        l->out_probe[n] = vonk_row_at(rows, k);
        l->out_build[n++] = JOIN_NONE;
        *ret_null = true;
    }
    return n;
}

static vonk_status probe_pairs(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                               const vonk_batch *in, vonk_out *out, vonk_flow *ret_flow, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    while (l->at_k < rows.n && !out->batch) {
        uint32_t from_k = l->at_k, m = list_pairs(f, t, l, rows.n);
        bool some_null = false;
        if (vonk_exec_cancelled(f->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        if (f->null_aware && f->n_keys == 0 && f->residual)
            VONK_TRY(judge_pairs(f, t, lane, l, in, &m, err));
        else
            VONK_TRY(filter_pairs(f, t, lane, l, in, &m, err));
        VONK_TRY(note_pairs(f, t, l, m, err));
        if (f->by_probe || f->by_build) continue;
        uint32_t n = list_output(f, l, rows, from_k, m, &some_null);
        if (n == 0) continue;
        vonk_batch *batch = NULL;
        join_rows r = {
            .in = in, .probe_rows = l->out_probe, .build_rows = l->out_build, .n = n, .some_null = some_null};
        VONK_TRY(vonk__join_output(f, t, lane, &r, NULL, &batch, err));
        VONK_TRY(vonk__join_put(&l->pieces, lane, batch, out, err));
    }
    if (l->at_k < rows.n) *ret_flow = VONK_AGAIN;
    return VONK_OK;
}

/* ---- null-aware with several keys or a condition: which pairs are unknown */

/* Neither false for some key nor true for all. */
static bool is_unknown(const join_form *f, const join_table *t, const join_lane *l, uint32_t probe_row,
                       uint32_t build_row)
{
    bool unknown = false;
    for (uint32_t i = 0; i < f->n_keys; i++) {
        const vonk_column *a = l->key_columns[i], *b = t->columns[f->key_stored[i]];
        if (vonk_column_is_null(a, probe_row) || vonk_column_is_null(b, build_row))
            unknown = true;
        else if (!vonk_column_row_eq(a, probe_row, b, build_row))
            return false;
    }
    return unknown;
}

static vonk_status note_unknown(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                                const vonk_batch *in, uint32_t m, vonk_error *err)
{
    if (vonk_exec_cancelled(f->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    VONK_TRY(filter_pairs(f, t, lane, l, in, &m, err));
    for (uint32_t i = 0; i < m; i++) {
        if (f->by_build)
            vonk__join_flag(t, l->pair_build[i], JOIN_FLAG_UNKNOWN);
        else
            l->hit[l->pair_k[i]] |= JOIN_FLAG_UNKNOWN;
    }
    return VONK_OK;
}

static vonk_status probe_unknown(const join_form *f, const join_table *t, vonk_lane *lane, join_lane *l,
                                 const vonk_batch *in, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in);
    uint32_t m = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        /* Without a null of its own, a row meets the unknown only in build rows that have one. */
        uint32_t n = l->null_key[k] ? t->n_rows : t->n_null_rows;
        for (uint32_t i = 0; i < n && !(f->by_probe && l->hit[k]); i++) {
            uint32_t row = l->null_key[k] ? i : t->null_rows[i];
            if ((i & 4095) == 4095 && vonk_exec_cancelled(f->op->exec))
                return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
            if (!is_unknown(f, t, l, vonk_row_at(rows, k), row)) continue;
            l->pair_k[m] = k;
            l->pair_build[m++] = row;
            if (m < l->pair_room) continue;
            VONK_TRY(note_unknown(f, t, lane, l, in, m, err));
            m = 0;
        }
    }
    return note_unknown(f, t, lane, l, in, m, err);
}

/* ---- all together */

static bool is_membership(const join_form *f, const join_table *t) { return f->by_probe && !f->residual; }

vonk_status vonk__join_probe(const join_form *f, join_table *t, vonk_lane *lane, join_lane *l, const vonk_batch *in,
                             vonk_out *out, vonk_flow *ret_flow, vonk_error *err)
{
    if (!l->open) VONK_TRY(begin(f, t, lane, l, in, err));
    bool one = t->unique && !f->residual && !f->by_probe && f->n_keys > 0 &&
               !(f->type == VONK_JOIN_SINGLE && f->flags) && !f->null_pairs && !l->carry;
    if (one) {
        VONK_TRY(probe_one(f, t, lane, l, in, out, err));
    } else if (is_membership(f, t)) {
        for (uint32_t k = 0; k < in->n_sel; k++) l->hit[k] |= count_of(t, l, k) > 0 ? JOIN_FLAG_HIT : 0;
    } else {
        VONK_TRY(probe_pairs(f, t, lane, l, in, out, ret_flow, err));
        if (*ret_flow == VONK_AGAIN) return VONK_OK;
    }
    if (f->null_pairs && f->n_keys > 0) VONK_TRY(probe_unknown(f, t, lane, l, in, err));
    if (l->carry) memcpy(l->carry, l->hit, in->n_sel);
    if (f->by_probe && !l->not_last) VONK_TRY(put_members(f, t, lane, l, in, out, err));
    l->open = false;
    return VONK_OK;
}

/* ---- the probe input of an operator whose `shared` is a join_shared */

vonk_status vonk__join_probe_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    join_shared *s = op->shared;
    return vonk__join_lane_open(&s->form, lane, local, err);
}

void vonk__join_probe_local_close(vonk_op *op, void *local)
{
    join_shared *s = op->shared;
    vonk__join_lane_close(&s->form, local);
}

vonk_status vonk__join_probe_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                  vonk_flow *ret_flow, vonk_error *err)
{
    join_shared *s = op->shared;
    if (s->spilled) return vonk__join_grace_push(op, lane, local, in, err);
    return vonk__join_probe(&s->form, s->table, lane, local, in, out, ret_flow, err);
}

vonk_status vonk__join_probe_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                 vonk_error *err)
{
    const join_shared *s = op->shared;
    join_lane *l = local;
    l->open = false;
    if (s->spilled) return vonk__join_grace_flush(op, lane, l, err);
    return vonk__join_put_rest(&l->pieces, lane, out, err);
}

vonk_status vonk__join_probe_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    const join_shared *s = op->shared;
    return s->spilled ? vonk__join_grace_finish(op, ret_steps, err) : VONK_OK;
}

/* Can a probe row still make a difference? */
bool vonk__join_probe_wants(vonk_op *op, int32_t partition, uint64_t ordinal)
{
    const join_shared *s = op->shared;
    const join_form *f = &s->form;
    if (s->spilled) return true;
    if (f->type == VONK_JOIN_ANTI && f->null_aware && f->by_probe && !f->null_pairs && s->table->has_null) return false;
    return s->table->n_rows > 0 || f->outer_probe || (f->by_probe && f->type != VONK_JOIN_SEMI);
}
