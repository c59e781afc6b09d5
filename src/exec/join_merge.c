/* exec/join_merge.c -- what the rounds of a spilled join put out: runs on disk, and their merging back into order.
 *
 * Merging goes by windows: of the first block of each run, those rows are taken that cannot be preceded by any row that
 * has not been read; they are put in order by their positions and gathered at once. */
#include "exec/join_grace_int.h"

vonk_status vonk__grace_out_open(vonk_op *op, grace_out *out, uint32_t n_keys, vonk_error *err)
{
    out->n_keys = n_keys;
    out->n_types = op->n_columns + n_keys;
    VONK_TRY(vonk_alloc_array(vonk_budget_root(), out->n_types, sizeof *out->types, &out->types, err));
    for (uint32_t i = 0; i < out->n_types; i++) out->types[i] = i < op->n_columns ? op->types[i] : &vonk_type_long;
    return vonk_spill_new(op, out->types, out->n_types, &out->file, err);
}

void vonk__grace_out_close(grace_out *out)
{
    for (size_t i = 0; i < out->runs.n; i++) vonk_free(out->runs.at[i].blocks.at);
    vonk_free(out->runs.at);
    vonk_spill_free(out->file);
    vonk_free(out->types);
}

/* ---- writing */

/* Positions without nulls: a probe row without a build row has -1. */
static vonk_status position_column(const vonk_batch *b, uint32_t c, vonk_column **ret, vonk_error *err)
{
    int64_t *to = NULL;
    vonk_budget *root = vonk_budget_root();
    bool is_there = c < b->n_columns;
    if (is_there && !vonk_column_may_have_nulls(b->columns[c])) {
        *ret = vonk_column_ref(b->columns[c]);
        return VONK_OK;
    }
    VONK_TRY(vonk_column_new(root, &vonk_type_long, b->n_rows, false, ret, (void **)&to, NULL, err));
    for (uint32_t k = 0; k < b->n_rows; k++)
        to[k] = is_there && !vonk_column_is_null(b->columns[c], k) ? vonk_column_i64(b->columns[c], k) : -1;
    return VONK_OK;
}

/* The columns that are written, dense. */
static vonk_status shape(const grace_writer *w, const vonk_batch *in, vonk_batch **ret, vonk_error *err)
{
    const uint32_t n = w->g->op->n_columns, n_keys = w->out->n_keys;
    VONK_AUTO(vonk_batch_unref) vonk_batch *dense = NULL;
    vonk_column *keys[GRACE_MOST_KEYS] = {NULL}, **columns = NULL;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_batch_compact(in, &dense, err));
    VONK_TRY(vonk_alloc_array(vonk_budget_root(), n + n_keys, sizeof(vonk_column *), &columns, err));
    if (n > 0) memcpy(columns, dense->columns, n * sizeof(vonk_column *));
    for (uint32_t i = 0; i < n_keys && st == VONK_OK; i++) {
        st = position_column(dense, n + i, &keys[i], err);
        columns[n + i] = keys[i];
    }
    if (st == VONK_OK) st = vonk_batch_new(vonk_budget_root(), dense->n_rows, columns, n + n_keys, ret, err);
    for (uint32_t i = 0; i < n_keys; i++) vonk_column_unref(keys[i]);
    vonk_free(columns);
    return st;
}

static void drop_held(grace_writer *w)
{
    for (size_t i = 0; i < w->held.n; i++) vonk_batch_unref(w->held.at[i]);
    w->held.n = 0;
    w->held_rows = 0;
}

static vonk_status flush(grace_writer *w, vonk_error *err)
{
    vonk_budget *root = vonk_budget_root();
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    if (w->held.n == 0) return VONK_OK;
    VONK_TRY(vonk_batch_concat(root, (const vonk_batch *const *)w->held.at, w->held.n, &all, err));
    drop_held(w);
    for (uint32_t at = 0; at < all->n_rows; at += w->g->block_rows) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *some = NULL;
        uint32_t left = all->n_rows - at;
        grace_block block = {.partition = w->partition};
        VONK_TRY(vonk_batch_slice(all, at, left < w->g->block_rows ? left : w->g->block_rows, &some, err));
        VONK_TRY(vonk_spill_put(w->out->file, some, &block.ref, err));
        VONK_TRY(VONK_VEC_PUSH(&w->run.blocks, root, block, err));
        w->run.n_rows += some->n_rows;
    }
    return VONK_OK;
}

vonk_status vonk__grace_write(grace_writer *w, vonk_batch *take_batch, int32_t partition, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    VONK_AUTO(vonk_batch_unref) vonk_batch *shaped = NULL;
    if (w->held.n > 0 && w->partition != partition) VONK_TRY(flush(w, err));
    w->partition = partition;
    VONK_TRY(shape(w, batch, &shaped, err));
    VONK_TRY(VONK_VEC_PUSH(&w->held, vonk_budget_root(), shaped, err));
    w->held_rows += shaped->n_rows;
    shaped = NULL;
    return w->held_rows >= w->g->block_rows ? flush(w, err) : VONK_OK;
}

vonk_status vonk__grace_write_end(grace_writer *w, vonk_error *err)
{
    VONK_TRY(flush(w, err));
    if (w->run.blocks.n == 0) return VONK_OK;
    VONK_LOCKED(&w->g->lock);
    VONK_TRY(VONK_VEC_PUSH(&w->out->runs, vonk_budget_root(), w->run, err));
    w->run = (grace_list){0};
    return VONK_OK;
}

void vonk__grace_write_close(grace_writer *w)
{
    drop_held(w);
    vonk_free(w->held.at);
    vonk_free(w->run.blocks.at);
}

/* ---- merging */

typedef struct merge_cursor {
    const grace_list *run;
    size_t next, end;  /* blocks */
    vonk_batch *batch; /* the block before `next`; NULL: there is none any more */
    vonk_column *flat[GRACE_MOST_KEYS];
    uint32_t at, n_take;
    int32_t partition;
} merge_cursor;

typedef struct grace_merge {
    join_grace *g;
    grace_out *out;
    merge_cursor *cursors;
    uint32_t n;
    vonk_batch *window;
    uint32_t at; /* in the window */
    int32_t partition;
} grace_merge;

typedef struct merge_key {
    int64_t at[GRACE_MOST_KEYS];
} merge_key;

typedef struct merge_row {
    merge_key key;
    uint32_t row;
} merge_row;

static int compare_keys(const merge_key *a, const merge_key *b)
{
    if (a->at[0] != b->at[0]) return a->at[0] < b->at[0] ? -1 : 1;
    return (a->at[1] > b->at[1]) - (a->at[1] < b->at[1]);
}

static merge_key key_of(const merge_cursor *c, uint32_t row)
{
    merge_key key = {{VONK_VALUES(c->flat[0], int64_t)[row], 0}};
    if (c->flat[1]) key.at[1] = VONK_VALUES(c->flat[1], int64_t)[row];
    return key;
}

static void drop_block(merge_cursor *c)
{
    for (uint32_t i = 0; i < GRACE_MOST_KEYS; i++) {
        vonk_column_unref(c->flat[i]);
        c->flat[i] = NULL;
    }
    vonk_batch_unref(c->batch);
    c->batch = NULL;
}

static void merge_close(grace_merge *m)
{
    for (uint32_t i = 0; i < m->n; i++) drop_block(&m->cursors[i]);
    vonk_free(m->cursors);
    vonk_batch_unref(m->window);
    *m = (grace_merge){0};
}

/* Runs first .. first + n of a set; of one partition, or all (-1). */
static vonk_status merge_open(grace_merge *m, join_grace *g, grace_out *out, size_t first, size_t n, int32_t partition,
                              vonk_error *err)
{
    *m = (grace_merge){.g = g, .out = out};
    VONK_TRY(vonk_alloc_zeroed(g->op->budget, (n + 1) * sizeof *m->cursors, &m->cursors, err));
    for (size_t i = 0; i < n; i++) {
        const grace_list *run = &out->runs.at[first + i];
        size_t from = 0, end = run->blocks.n;
        while (partition >= 0 && from < end && run->blocks.at[from].partition < partition) from++;
        while (partition >= 0 && from < end && run->blocks.at[end - 1].partition > partition) end--;
        if (from < end) m->cursors[m->n++] = (merge_cursor){.run = run, .next = from, .end = end};
    }
    return VONK_OK;
}

static vonk_status load(grace_merge *m, merge_cursor *c, vonk_error *err)
{
    vonk_budget *budget = vonk_exec_budget(m->g->op->exec); /* its rows may outlive the operator */
    const grace_block *block = &c->run->blocks.at[c->next++];
    uint32_t n = m->out->n_types - m->out->n_keys;
    VONK_TRY(vonk_spill_get(m->out->file, block->ref, budget, &c->batch, err));
    for (uint32_t i = 0; i < m->out->n_keys; i++)
        VONK_TRY(vonk_column_flatten(budget, c->batch->columns[n + i], &c->flat[i], err));
    c->partition = block->partition;
    c->at = 0;
    return VONK_OK;
}

/* Rows from c->at on whose keys are not behind `bound`. */
static uint32_t rows_up_to(const merge_cursor *c, const merge_key *bound)
{
    uint32_t low = c->at, high = c->batch->n_rows;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        merge_key key = key_of(c, mid);
        if (compare_keys(&key, bound) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low - c->at;
}

/* Which rows make up the next window; how many. */
static uint32_t choose_rows(grace_merge *m)
{
    merge_key bound = {{INT64_MAX, INT64_MAX}};
    uint32_t n = 0;
    m->partition = INT32_MAX;
    for (uint32_t i = 0; i < m->n; i++)
        if (m->cursors[i].batch && m->cursors[i].partition < m->partition) m->partition = m->cursors[i].partition;
    for (uint32_t i = 0; i < m->n; i++) {
        const merge_cursor *c = &m->cursors[i];
        if (!c->batch || c->partition != m->partition || c->next == c->end) continue;
        merge_key last = key_of(c, c->batch->n_rows - 1);
        if (compare_keys(&last, &bound) < 0) bound = last;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        merge_cursor *c = &m->cursors[i];
        c->n_take = c->batch && c->partition == m->partition ? rows_up_to(c, &bound) : 0;
        n += c->n_take;
    }
    return n;
}

/* Neighbouring pieces of `rows`, each in order, are merged until there is one. starts[n_pieces] is the end. */
static void merge_pieces(merge_row *rows, merge_row *other, uint32_t *starts, uint32_t n_pieces, merge_row **ret)
{
    while (n_pieces > 1) {
        uint32_t made = 0, end = starts[n_pieces];
        for (uint32_t p = 0; p < n_pieces; p += 2) {
            uint32_t i = starts[p], mid = starts[p + 1], k = mid, stop = p + 2 <= n_pieces ? starts[p + 2] : mid;
            starts[made++] = i;
            for (uint32_t to = i; to < stop; to++)
                other[to] =
                    k >= stop || (i < mid && compare_keys(&rows[i].key, &rows[k].key) <= 0) ? rows[i++] : rows[k++];
        }
        starts[made] = end;
        n_pieces = made;
        merge_row *swap = rows;
        rows = other;
        other = swap;
    }
    *ret = rows;
}

/* The window's rows, piece after piece, with their order. */
static vonk_status order_rows(grace_merge *m, uint32_t n, uint32_t *order, vonk_error *err)
{
    vonk_budget *budget = m->g->op->budget;
    merge_row *rows = NULL, *other = NULL, *sorted = NULL;
    uint32_t *starts = NULL, n_pieces = 0, at = 0;
    vonk_status st = vonk_alloc_array(budget, n, sizeof *rows, &rows, err);
    if (st == VONK_OK) st = vonk_alloc_array(budget, n, sizeof *other, &other, err);
    if (st == VONK_OK) st = vonk_alloc_array(budget, (size_t)m->n + 1, sizeof *starts, &starts, err);
    if (st == VONK_OK) {
        for (uint32_t i = 0; i < m->n; i++) {
            const merge_cursor *c = &m->cursors[i];
            if (c->n_take == 0) continue;
            starts[n_pieces++] = at;
            for (uint32_t k = 0; k < c->n_take; k++, at++) rows[at] = (merge_row){key_of(c, c->at + k), at};
        }
        starts[n_pieces] = n;
        merge_pieces(rows, other, starts, n_pieces, &sorted);
        for (uint32_t k = 0; k < n; k++) order[k] = sorted[k].row;
    }
    vonk_free(rows);
    vonk_free(other);
    vonk_free(starts);
    return st;
}

static vonk_status take_pieces(grace_merge *m, vonk_batch **pieces, uint32_t *ret_n, vonk_error *err)
{
    for (uint32_t i = 0; i < m->n; i++) {
        merge_cursor *c = &m->cursors[i];
        if (c->n_take == 0) continue;
        VONK_TRY(vonk_batch_slice(c->batch, c->at, c->n_take, &pieces[*ret_n], err));
        ++*ret_n;
    }
    return VONK_OK;
}

static vonk_status gather_all(vonk_budget *budget, const vonk_batch *in, const uint32_t *order, vonk_batch **ret,
                              vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t made = 0;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_alloc_array(budget, in->n_columns, sizeof(vonk_column *), &columns, err));
    for (; made < in->n_columns && st == VONK_OK; made++) {
        columns[made] = NULL;
        st = vonk_column_gather(budget, in->columns[made], order, in->n_rows, false, &columns[made], err);
    }
    if (st == VONK_OK) st = vonk_batch_new(budget, in->n_rows, columns, made, ret, err);
    for (uint32_t i = 0; i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return st;
}

static vonk_status make_window(grace_merge *m, uint32_t n, vonk_batch **pieces, vonk_error *err)
{
    vonk_budget *budget = vonk_exec_budget(m->g->op->exec); /* as in load() */
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    uint32_t n_pieces = 0, *order = NULL;
    vonk_status st = take_pieces(m, pieces, &n_pieces, err);
    if (st == VONK_OK) st = vonk_batch_concat(budget, (const vonk_batch *const *)pieces, n_pieces, &all, err);
    for (uint32_t i = 0; i < n_pieces; i++) vonk_batch_unref(pieces[i]);
    VONK_TRY(st);
    if (n_pieces == 1) {
        m->window = VONK_STEAL(all);
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_array(budget, n, sizeof *order, &order, err));
    st = order_rows(m, n, order, err);
    if (st == VONK_OK) st = gather_all(budget, all, order, &m->window, err);
    vonk_free(order);
    return st;
}

/* NULL: the end. Of the partition m->partition. */
static vonk_status merge_next(grace_merge *m, vonk_batch **ret, vonk_error *err)
{
    uint32_t room = vonk_exec_batch_rows(m->g->op->exec);
    *ret = NULL;
    if (m->window && m->at == m->window->n_rows) {
        vonk_batch_unref(m->window);
        m->window = NULL;
    }
    if (!m->window) {
        vonk_batch **pieces = NULL;
        if (vonk_exec_cancelled(m->g->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        for (uint32_t i = 0; i < m->n; i++)
            if (!m->cursors[i].batch && m->cursors[i].next < m->cursors[i].end) VONK_TRY(load(m, &m->cursors[i], err));
        uint32_t n = choose_rows(m);
        if (n == 0) return VONK_OK;
        VONK_TRY(vonk_alloc_array(m->g->op->budget, m->n, sizeof(vonk_batch *), &pieces, err));
        vonk_status st = make_window(m, n, pieces, err);
        vonk_free(pieces);
        VONK_TRY(st);
        m->at = 0;
        for (uint32_t i = 0; i < m->n; i++) {
            merge_cursor *c = &m->cursors[i];
            c->at += c->n_take;
            if (c->batch && c->at == c->batch->n_rows) drop_block(c);
        }
    }
    uint32_t left = m->window->n_rows - m->at, n = left < room ? left : room;
    VONK_TRY(vonk_batch_slice(m->window, m->at, n, ret, err));
    m->at += n;
    return VONK_OK;
}

/* ---- fewer runs */

static vonk_status merge_into(join_grace *g, grace_out *out, size_t first, size_t n, grace_writer *w, vonk_error *err)
{
    grace_merge m;
    vonk_batch *batch = NULL;
    vonk_status st = merge_open(&m, g, out, first, n, -1, err);
    do {
        if (st == VONK_OK) st = merge_next(&m, &batch, err);
        if (st == VONK_OK && batch) st = vonk__grace_write(w, batch, m.partition, err);
    } while (st == VONK_OK && batch);
    if (st == VONK_OK) st = flush(w, err);
    merge_close(&m);
    return st;
}

static vonk_status reduce(join_grace *g, grace_out *out, vonk_error *err)
{
    while (out->runs.n > GRACE_MOST_RUNS) {
        size_t made = 0;
        for (size_t at = 0; at < out->runs.n; at += GRACE_MOST_RUNS) {
            grace_writer w = {.g = g, .out = out};
            size_t n = out->runs.n - at < GRACE_MOST_RUNS ? out->runs.n - at : GRACE_MOST_RUNS;
            vonk_status st = merge_into(g, out, at, n, &w, err);
            if (st == VONK_OK) {
                for (size_t i = 0; i < n; i++) {
                    vonk_free(out->runs.at[at + i].blocks.at);
                    out->runs.at[at + i] = (grace_list){0};
                }
                out->runs.at[made++] = w.run;
                w.run = (grace_list){0};
            }
            vonk__grace_write_close(&w);
            VONK_TRY(st);
        }
        out->runs.n = made;
    }
    return VONK_OK;
}

vonk_status vonk__grace_reduce(join_grace *g, vonk_error *err)
{
    if (g->reduced) return VONK_OK;
    VONK_TRY(reduce(g, &g->main, err));
    VONK_TRY(reduce(g, &g->rest, err));
    g->reduced = true;
    return VONK_OK;
}

/* ---- the source of a spilled join */

struct join_reader {
    grace_merge merge;
    int32_t partition;
    uint32_t set; /* 0: main, 1: rest, 2: the end */
};

static bool has_partition(const grace_out *out, int32_t partition)
{
    for (size_t i = 0; i < out->runs.n; i++)
        for (size_t k = 0; k < out->runs.at[i].blocks.n; k++)
            if (out->runs.at[i].blocks.at[k].partition == partition) return true;
    return false;
}

vonk_status vonk__join_grace_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    join_grace *g = ((join_shared *)op->shared)->grace;
    VONK_TRY(vonk__grace_reduce(g, err));
    *ret_n = has_partition(&g->main, (int32_t)partition) || has_partition(&g->rest, (int32_t)partition);
    return VONK_OK;
}

static vonk_status open_set(vonk_op *op, join_reader *r, vonk_error *err)
{
    join_grace *g = ((join_shared *)op->shared)->grace;
    grace_out *out = r->set == 0 ? &g->main : &g->rest;
    merge_close(&r->merge);
    return r->set < 2 ? merge_open(&r->merge, g, out, 0, out->runs.n, r->partition, err) : VONK_OK;
}

vonk_status vonk__join_grace_start(vonk_op *op, uint32_t partition, join_reader **inout, vonk_error *err)
{
    if (!*inout) VONK_TRY(VONK_NEW(op->budget, inout, err));
    (*inout)->partition = (int32_t)partition;
    (*inout)->set = 0;
    return open_set(op, *inout, err);
}

vonk_status vonk__join_grace_next(vonk_op *op, vonk_lane *lane, join_reader *r, vonk_out *out, vonk_error *err)
{
    while (r->set < 2) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(merge_next(&r->merge, &batch, err));
        if (batch) {
            vonk_batch *own = NULL;
            VONK_TRY(vonk_batch_new(lane->budget, batch->n_rows, batch->columns, op->n_columns, &own, err));
            vonk_out_put(out, own);
            return VONK_OK;
        }
        r->set++;
        VONK_TRY(open_set(op, r, err));
    }
    return VONK_OK;
}

void vonk__join_grace_reader_free(join_reader *r)
{
    if (!r) return;
    merge_close(&r->merge);
    vonk_free(r);
}
