/* exec/python_feed.c -- rows on their way to a worker, and rows that wait for its answers. */
#include "exec/python_run.h"

/* ---- record batches of the size that the session wants */

static vonk_status put_some(python_run *run, python_feed *feed, const vonk_type *struct_type, uint64_t n_rows,
                            vonk_error *err)
{
    uint64_t rows = 0;
    size_t n = 0;
    vonk_batch *rest = NULL;
    while (n < feed->batches.n && rows < n_rows) rows += feed->batches.at[n++]->n_sel;
    vonk_batch **last = n ? &feed->batches.at[n - 1] : NULL;
    if (rows > n_rows) { /* the last one goes in part */
        const uint32_t more = (uint32_t)(rows - n_rows), keep = (*last)->n_sel - more;
        vonk_batch *part = NULL;
        VONK_TRY(vonk_batch_slice(*last, keep, more, &rest, err));
        const vonk_status st = vonk_batch_slice(*last, 0, keep, &part, err);
        if (st != VONK_OK) {
            vonk_batch_unref(rest);
            return st;
        }
        vonk_batch_unref(*last);
        *last = part;
        rows = n_rows;
    }
    const vonk_status st = vonk__python_put(run, (const vonk_batch *const *)feed->batches.at, n, struct_type, err);
    for (size_t i = 0; i < n; i++) vonk_batch_unref(feed->batches.at[i]);
    size_t left = feed->batches.n - n;
    if (rest) { /* has the place of the last one */
        feed->batches.at[--n] = rest;
        left++;
    }
    memmove(feed->batches.at, feed->batches.at + n, left * sizeof *feed->batches.at);
    feed->batches.n = left;
    feed->n_rows -= rows;
    return st;
}

/* Rows of one record batch, as far as their sizes are like those of this batch. */
static uint64_t most_rows(const python_spec *spec, const vonk_batch *batch, const vonk_type *struct_type)
{
    if (spec->batch_bytes == UINT64_MAX || batch->n_sel == 0) return spec->batch_rows;
    const uint64_t row_bytes = vonk_ipc_row_bytes(batch, struct_type) / batch->n_sel + 1;
    const uint64_t rows = spec->batch_bytes / row_bytes + 1;
    return rows < spec->batch_rows ? rows : spec->batch_rows;
}

vonk_status vonk__python_feed(python_run *run, python_feed *feed, const vonk_type *struct_type, vonk_batch *take_batch,
                              vonk_error *err)
{
    const uint64_t most = vonk__python_wants_whole_groups(run)
                              ? UINT64_MAX
                              : most_rows(vonk__python_spec_of(run), take_batch, struct_type);
    feed->n_rows += take_batch->n_sel;
    const vonk_status st = VONK_VEC_PUSH(&feed->batches, vonk__python_budget_of(run), take_batch, err);
    if (st != VONK_OK) {
        feed->n_rows -= take_batch->n_sel;
        vonk_batch_unref(take_batch);
        return st;
    }
    while (feed->n_rows >= most) VONK_TRY(put_some(run, feed, struct_type, most, err));
    return VONK_OK;
}

vonk_status vonk__python_feed_rest(python_run *run, python_feed *feed, const vonk_type *struct_type, vonk_error *err)
{
    return feed->n_rows ? put_some(run, feed, struct_type, feed->n_rows, err) : VONK_OK;
}

void vonk__python_feed_clear(python_feed *feed)
{
    for (size_t i = 0; i < feed->batches.n; i++) vonk_batch_unref(feed->batches.at[i]);
    feed->batches.n = 0;
    feed->n_rows = 0;
}

void vonk__python_feed_done(python_feed *feed)
{
    vonk__python_feed_clear(feed);
    vonk_free(feed->batches.at);
    *feed = (python_feed){0};
}

/* ---- arguments */

static vonk_status put_pickles(python_run *run, const vonk_batch *args, vonk_error *err)
{
    const python_spec *spec = vonk__python_spec_of(run);
    for (uint32_t from = 0; from < args->n_sel; from += spec->batch_rows) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *piece = NULL;
        const uint32_t left = args->n_sel - from, n = left < spec->batch_rows ? left : spec->batch_rows;
        VONK_TRY(vonk_batch_slice(args, from, n, &piece, err));
        VONK_TRY(vonk__python_put_pickle(run, piece, spec->arg_type, &spec->pickle_options, err));
    }
    return VONK_OK;
}

vonk_status vonk__python_put_args(python_run *run, python_feed *feed, vonk_batch *take_batch, vonk_error *err)
{
    const python_spec *spec = vonk__python_spec_of(run);
    if (!spec->pickles) return vonk__python_feed(run, feed, spec->arg_type, take_batch, err);
    const vonk_status st = put_pickles(run, take_batch, err);
    vonk_batch_unref(take_batch);
    return st;
}

vonk_status vonk__python_end_rows(python_run *run, python_feed *feed, const vonk_type *struct_type,
                                  bool *inout_has_ended, vonk_error *err)
{
    if (*inout_has_ended) return VONK_OK;
    if (struct_type) {
        VONK_TRY(vonk__python_feed_rest(run, feed, struct_type, err));
        VONK_TRY(vonk__python_end_stream(run, struct_type, err));
    }
    *inout_has_ended = true;
    return vonk__python_end(run, err);
}

/* ---- answers */

vonk_status vonk__python_garbage(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_PYTHON_WORKER_GARBAGE, "message",
                     "the answers of a Python worker do not fit the rows that it was given");
}

vonk_status vonk__python_read_list(const vonk_buffer *frame, vonk_arena *arena, const vonk_pickle_value **ret,
                                   vonk_error *err)
{
    const vonk_str bytes = {(const char *)frame->data, frame->bytes};
    size_t n_read = 0;
    vonk_arena_reset(arena);
    VONK_TRY(vonk_pickle_read(bytes, arena, ret, &n_read, err));
    return (*ret)->kind == VONK_PICKLE_LIST ? VONK_OK : vonk__python_garbage(err);
}

void vonk__python_drop_columns(vonk_column **columns, uint32_t n)
{
    for (uint32_t i = 0; columns && i < n; i++) vonk_column_unref(VONK_STEAL(columns[i]));
}

/* ---- rows that wait for their answers */

#define MOST_WAITING_BYTES ((size_t)64 << 20)

static vonk_status to_disk(vonk_op *op, python_queue *q, const vonk_batch *batch, vonk_spill_ref *ret, vonk_error *err)
{
    if (!q->file) {
        const vonk_plan *child = op->node->children[0];
        if (!q->types) {
            VONK_TRY(vonk_op_types(op, child->output, child->n_output, &q->types, err));
            q->n_types = child->n_output;
        }
        VONK_TRY(vonk_spill_new(op, q->types, q->n_types, &q->file, err));
    }
    return vonk_spill_put(q->file, batch, ret, err);
}

vonk_status vonk__python_queue_put(vonk_op *op, python_queue *q, const vonk_batch *batch, vonk_error *err)
{
    python_queue_entry entry = {0};
    const size_t bytes = vonk_batch_bytes(batch);
    if (q->n_rows && (q->bytes + bytes > MOST_WAITING_BYTES || vonk_exec_force_spill(op->exec)))
        VONK_TRY(to_disk(op, q, batch, &entry.ref, err));
    else
        entry.batch = vonk_batch_ref(batch);
    const vonk_status st = VONK_VEC_PUSH(&q->entries, op->budget, entry, err);
    if (st != VONK_OK) {
        vonk_batch_unref(entry.batch);
        return st;
    }
    if (entry.batch) q->bytes += bytes;
    q->n_rows += batch->n_sel;
    return VONK_OK;
}

static vonk_status first_of(vonk_op *op, python_queue *q, vonk_batch **ret, vonk_error *err)
{
    python_queue_entry *entry = &q->entries.at[q->first];
    if (!entry->batch) {
        VONK_TRY(vonk_spill_get(q->file, entry->ref, op->budget, &entry->batch, err));
        vonk_spill_drop(q->file, entry->ref);
        q->bytes += vonk_batch_bytes(entry->batch);
    }
    *ret = entry->batch;
    return VONK_OK;
}

static void drop_first(python_queue *q)
{
    vonk_batch *batch = q->entries.at[q->first++].batch;
    q->bytes -= vonk_batch_bytes(batch);
    vonk_batch_unref(batch);
    q->taken = 0;
    if (q->first == q->entries.n) {
        q->first = q->entries.n = 0;
    } else if (q->first >= 64 && q->first * 2 >= q->entries.n) {
        q->entries.n -= q->first;
        memmove(q->entries.at, q->entries.at + q->first, q->entries.n * sizeof *q->entries.at);
        q->first = 0;
    }
}

vonk_status vonk__python_queue_take(vonk_op *op, python_queue *q, uint32_t most, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    vonk_batch *first = NULL;
    *ret = NULL;
    if (q->n_rows == 0) return VONK_OK;
    VONK_TRY(first_of(op, q, &first, err));
    const uint32_t left = first->n_sel - q->taken, n = left < most ? left : most;
    if (n == first->n_sel)
        rows = vonk_batch_ref(first);
    else
        VONK_TRY(vonk_batch_slice(first, q->taken, n, &rows, err));
    VONK_TRY(vonk_batch_compact(rows, ret, err));
    q->taken += n;
    q->n_rows -= n;
    if (n == left) drop_first(q);
    return VONK_OK;
}

void vonk__python_queue_clear(python_queue *q)
{
    for (size_t i = q->first; i < q->entries.n; i++) {
        if (q->entries.at[i].batch)
            vonk_batch_unref(q->entries.at[i].batch);
        else
            vonk_spill_drop(q->file, q->entries.at[i].ref);
    }
    q->first = q->entries.n = 0;
    q->taken = 0;
    q->bytes = 0;
    q->n_rows = 0;
}

void vonk__python_queue_done(python_queue *q)
{
    vonk__python_queue_clear(q);
    vonk_spill_free(q->file);
    vonk_free(q->entries.at);
    *q = (python_queue){0};
}
