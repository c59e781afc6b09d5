/* exec/op_top_n.c -- P_TOP_N: the first offset + limit rows of a sort. A lane keeps rows that are not past its bound,
 * the key of the last row it would still give; whenever it holds twice as many as wanted (and a batch), it sorts, cuts
 * and lowers the bound. Lanes share the lowest bound. One partition comes out. */
#include "exec/sort_int.h"

typedef struct top_shared {
    sort_form form;
    vonk_mutex lock;
    struct top_lane *lanes;
    uint64_t want;
    _Atomic uint64_t bound; /* rows whose first 8 key bytes are past it are not wanted */
    sort_entry *entries;    /* after finish */
    uint64_t n_entries;
} top_shared;

typedef struct top_lane {
    sort_rows rows;
    vonk_row_store *spare;
    struct top_lane *next;
} top_lane;

static vonk_status top_open(vonk_op *op, vonk_error *err)
{
    top_shared *s = op->shared;
    const vonk_limit_info *info = &op->node->limit;
    int64_t want;
    vonk_mutex_init(&s->lock);
    if (info->limit < 0 || __builtin_add_overflow(info->limit, info->offset, &want)) want = INT64_MAX;
    s->want = (uint64_t)want;
    atomic_store(&s->bound, UINT64_MAX);
    VONK_TRY(vonk__sort_form_open(op, &s->form, false, err));
    op->n_partitions = 1;
    return VONK_OK;
}

static void top_close(vonk_op *op)
{
    top_shared *s = op->shared;
    vonk_free(s->entries);
    vonk__sort_form_close(&s->form);
    vonk_mutex_done(&s->lock);
}

static vonk_status top_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    top_shared *s = op->shared;
    top_lane *l = local;
    vonk_mutex_lock(&s->lock);
    l->next = s->lanes;
    s->lanes = l;
    vonk_mutex_unlock(&s->lock);
    VONK_TRY(vonk__sort_rows_open(op, lane, &s->form, &l->rows, err));
    return vonk_row_store_new(op->budget, s->form.layout, &l->spare, err);
}

static void top_local_close(vonk_op *op, void *local)
{
    top_shared *s = op->shared;
    top_lane *l = local;
    vonk__sort_drop(&s->form, &l->rows);
    vonk__sort_rows_close(&l->rows);
    vonk_row_store_free(l->spare);
}

/* Copies the entries' rows into the spare store, so that the rows that were cut give their memory back. */
static vonk_status compact(vonk_op *op, top_lane *l, vonk_error *err)
{
    top_shared *s = op->shared;
    const sort_form *f = &s->form;
    sort_rows *r = &l->rows;
    uint8_t *rows[1024], *made[1024];
    vonk_row_store_reset(l->spare);
    for (size_t at = 0; at < r->entries.n;) {
        uint32_t n = 0;
        vonk_status st = VONK_OK;
        for (; n < VONK_COUNTOF(rows) && at + n < r->entries.n; n++) rows[n] = r->entries.at[at + n].row;
        for (uint32_t c = 0; c < f->n_columns && st == VONK_OK; c++)
            st = vonk_rows_gather(op->budget, f->layout, c, rows, n, &r->columns[c], err);
        if (st == VONK_OK) st = vonk_row_store_append(l->spare, r->columns, VONK_ALL_ROWS(n), made, err);
        vonk__sort_drop(f, r);
        VONK_TRY(st);
        for (uint32_t i = 0; i < n; i++) {
            memcpy(made[i] + f->key_at, rows[i] + f->key_at, f->layout->extra_bytes);
            r->entries.at[at + i].row = made[i];
        }
        at += n;
    }
    vonk_row_store *old = r->store;
    r->store = l->spare;
    l->spare = old;
    vonk_row_store_reset(l->spare);
    return VONK_OK;
}

static vonk_status cut(vonk_op *op, top_lane *l, vonk_error *err)
{
    top_shared *s = op->shared;
    sort_rows *r = &l->rows;
    if (r->entries.n <= s->want) return VONK_OK;
    VONK_TRY(vonk__sort_entries(op->exec, &s->form, r->entries.at, r->entries.n, err));
    r->entries.n = (size_t)s->want;
    if (s->want == 0) return VONK_OK;
    uint64_t last = r->entries.at[r->entries.n - 1].prefix, bound = atomic_load(&s->bound);
    while (last < bound && !atomic_compare_exchange_weak(&s->bound, &bound, last)) {
    }
    return compact(op, l, err);
}

static vonk_status top_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                            vonk_flow *ret_flow, vonk_error *err)
{
    top_shared *s = op->shared;
    const sort_form *f = &s->form;
    top_lane *l = local;
    uint32_t *list = NULL, n = 0;
    uint64_t bound = atomic_load_explicit(&s->bound, memory_order_relaxed);
    if (s->want == 0) {
        *ret_flow = VONK_ENOUGH;
        return VONK_OK;
    }
    VONK_TRY(vonk_arena_array(lane->scratch, in->n_sel, sizeof *list, &list, err));
    vonk_status st = vonk__sort_encode(op, lane, f, &l->rows, in, err);
    for (uint32_t k = 0; k < in->n_sel && st == VONK_OK; k++) {
        list[n] = k;
        n += vonk__sort_prefix(l->rows.encoded + (size_t)k * f->encoded_bytes, f->encoded_bytes) <= bound;
    }
    if (st == VONK_OK && n > 0) st = vonk__sort_keep(op, lane, f, &l->rows, in, n == in->n_sel ? NULL : list, n, err);
    vonk__sort_drop(f, &l->rows);
    l->rows.row_in_morsel += in->n_sel;
    VONK_TRY(st);
    /* Twice as many as wanted, or wanted + some batches: each sorted row pays once. */
    if (l->rows.entries.n >= s->want && l->rows.entries.n - s->want > s->want + vonk_exec_batch_rows(op->exec))
        return cut(op, l, err);
    return VONK_OK;
}

static vonk_status top_merge(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    top_shared *s = op->shared;
    top_lane *l = local;
    VONK_TRY(vonk__sort_entries(op->exec, &s->form, l->rows.entries.at, l->rows.entries.n, err));
    if (l->rows.entries.n > s->want) l->rows.entries.n = (size_t)s->want;
    return VONK_OK;
}

static vonk_status top_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    top_shared *s = op->shared;
    uint64_t n = 0, offset = (uint64_t)op->node->limit.offset;
    for (const top_lane *l = s->lanes; l; l = l->next) n += l->rows.entries.n;
    VONK_TRY(vonk_alloc_array(op->budget, n + 1, sizeof *s->entries, &s->entries, err));
    n = 0;
    for (const top_lane *l = s->lanes; l; l = l->next) {
        if (l->rows.entries.n > 0) memcpy(s->entries + n, l->rows.entries.at, l->rows.entries.n * sizeof *s->entries);
        n += l->rows.entries.n;
    }
    VONK_TRY(vonk__sort_entries(op->exec, &s->form, s->entries, n, err));
    if (n > s->want) n = s->want;
    if (offset > n) offset = n;
    memmove(s->entries, s->entries + offset, (n - offset) * sizeof *s->entries);
    s->n_entries = n - offset;
    return VONK_OK;
}

#define MORSEL_BATCHES 16

typedef struct top_out {
    uint64_t at, end;
} top_out;

static uint64_t morsel_rows(const vonk_op *op) { return (uint64_t)MORSEL_BATCHES * vonk_exec_batch_rows(op->exec); }

static vonk_status top_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    const top_shared *s = op->shared;
    *ret_n = vonk_u32_of((s->n_entries + morsel_rows(op) - 1) / morsel_rows(op));
    return VONK_OK;
}

static vonk_status top_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    const top_shared *s = op->shared;
    top_out *o = local;
    o->at = morsel * morsel_rows(op);
    o->end = o->at + morsel_rows(op) < s->n_entries ? o->at + morsel_rows(op) : s->n_entries;
    return VONK_OK;
}

static vonk_status top_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    const top_shared *s = op->shared;
    top_out *o = local;
    uint8_t **rows = NULL;
    vonk_batch *batch = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_arena_array(lane->scratch, vonk_exec_batch_rows(op->exec), sizeof *rows, &rows, err));
    for (; n < vonk_exec_batch_rows(op->exec) && o->at < o->end; o->at++) rows[n++] = s->entries[o->at].row;
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk__sort_output(op, lane, &s->form, rows, n, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

static const vonk_input_class top_input = {.sink = true,
                                           .order = VONK_ORDER_BREAKS,
                                           .local_size = sizeof(top_lane),
                                           .local_open = top_local_open,
                                           .push = top_push,
                                           .merge = top_merge,
                                           .finish = top_finish,
                                           .local_close = top_local_close};
static const vonk_source_class top_source = {
    .local_size = sizeof(top_out), .n_morsels = top_n_morsels, .start = top_start, .next = top_next};
const vonk_op_class vonk_op_top_n = {.name = "top_n",
                                     .shared_size = sizeof(top_shared),
                                     .open = top_open,
                                     .close = top_close,
                                     .n_inputs = 1,
                                     .inputs = &top_input,
                                     .source = &top_source};
