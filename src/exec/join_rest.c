/* exec/join_rest.c -- the source of a join: after all probe rows, build rows that have found nothing (outer joins), or
 * all that is known of them (SEMI, ANTI, MARK of the build side), in the order of the build side. */
#include "exec/join_int.h"

enum { REST_MORSEL_ROWS = 65536 };

typedef struct rest_local {
    uint32_t at, end;
    uint32_t *rows;      /* room for a batch */
    join_reader *reader; /* of a spilled join */
} rest_local;

static vonk_status rest_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    rest_local *l = local;
    return vonk_alloc_array(op->budget, vonk_exec_batch_rows(op->exec), sizeof *l->rows, &l->rows, err);
}

static void rest_local_close(vonk_op *op, void *local)
{
    rest_local *l = local;
    vonk_free(l->rows);
    vonk__join_grace_reader_free(l->reader);
}

/* Rows of the table that stand in a partition. */
static void rows_of(const vonk_op *op, uint32_t partition, uint32_t *ret_first, uint32_t *ret_end)
{
    const join_shared *s = op->shared;
    *ret_first = *ret_end = 0;
    if (!s->form.flags || !s->table) return;
    if (s->partition_rows) {
        *ret_first = s->partition_rows[partition];
        *ret_end = s->partition_rows[partition + 1];
    } else if (partition + 1 == op->n_partitions) {
        *ret_end = s->table->n_rows;
    }
}

static vonk_status rest_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    const join_shared *s = op->shared;
    uint32_t first, end;
    if (s->spilled) return vonk__join_grace_n_morsels(op, partition, ret_n, err);
    rows_of(op, partition, &first, &end);
    *ret_n = (uint32_t)(((uint64_t)end - first + REST_MORSEL_ROWS - 1) / REST_MORSEL_ROWS);
    return VONK_OK;
}

static vonk_status rest_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                              vonk_error *err)
{
    const join_shared *s = op->shared;
    rest_local *l = local;
    uint32_t first, end;
    if (s->spilled) return vonk__join_grace_start(op, partition, &l->reader, err);
    rows_of(op, partition, &first, &end);
    l->at = first + morsel * REST_MORSEL_ROWS;
    l->end = end - l->at < REST_MORSEL_ROWS ? end : l->at + REST_MORSEL_ROWS;
    return VONK_OK;
}

/* What is known of a build row: JOIN_FLAG_HIT, JOIN_FLAG_UNKNOWN or 0. */
static uint8_t judge(const join_table *t, uint32_t row)
{
    const join_form *f = t->form;
    uint8_t flags = vonk__join_flag_of(t, row);
    if (flags & JOIN_FLAG_HIT) return JOIN_FLAG_HIT;
    if (!f->null_aware || f->null_pairs || !atomic_load(&t->probe_any)) return flags;
    bool null = atomic_load(&t->probe_null);
    for (uint32_t i = 0; i < f->n_keys && !null; i++) null = vonk_column_is_null(t->columns[f->key_stored[i]], row);
    return null ? JOIN_FLAG_UNKNOWN : 0;
}

static bool goes_out(const join_table *t, uint32_t row)
{
    switch (t->form->type) {
    case VONK_JOIN_MARK: return true;
    case VONK_JOIN_SEMI: return judge(t, row) == JOIN_FLAG_HIT;
    case VONK_JOIN_ANTI: return judge(t, row) == 0;
    default: return !(vonk__join_flag_of(t, row) & JOIN_FLAG_HIT);
    }
}

static vonk_status mark_of(const join_table *t, vonk_lane *lane, const uint32_t *rows, uint32_t n, vonk_column **ret,
                           vonk_error *err)
{
    void *data;
    uint8_t *validity;
    VONK_TRY(vonk_column_new(lane->budget, &vonk_type_boolean, n, t->form->null_aware, ret, &data, &validity, err));
    for (uint32_t i = 0; i < n; i++) {
        uint8_t known = judge(t, rows[i]);
        vonk_bit_put(data, i, known == JOIN_FLAG_HIT);
        if (known == JOIN_FLAG_UNKNOWN) vonk_bit_clear(validity, i);
    }
    return VONK_OK;
}

vonk_status vonk__join_rest_batch(const join_table *t, vonk_lane *lane, uint32_t *inout_at, uint32_t end,
                                  uint32_t *rows, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *mark = NULL;
    uint32_t n = 0, at = *inout_at, room = vonk_exec_batch_rows(lane->exec);
    *ret = NULL;
    for (; at < end && n < room; at++)
        if (goes_out(t, at)) rows[n++] = at;
    *inout_at = at;
    if (n == 0) return VONK_OK;
    if (t->form->puts_mark) VONK_TRY(mark_of(t, lane, rows, n, &mark, err));
    join_rows all = {.build_rows = rows, .n = n};
    return vonk__join_output(t->form, t, lane, &all, VONK_STEAL(mark), ret, err);
}

static vonk_status rest_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    join_shared *s = op->shared;
    rest_local *l = local;
    vonk_batch *batch = NULL;
    if (s->spilled) return vonk__join_grace_next(op, lane, l->reader, out, err);
    VONK_TRY(vonk__join_rest_batch(s->table, lane, &l->at, l->end, l->rows, &batch, err));
    if (batch) vonk_out_put(out, batch);
    return VONK_OK;
}

const vonk_source_class vonk__join_source = {.local_size = sizeof(rest_local),
                                             .local_open = rest_local_open,
                                             .n_morsels = rest_n_morsels,
                                             .start = rest_start,
                                             .next = rest_next,
                                             .local_close = rest_local_close};
