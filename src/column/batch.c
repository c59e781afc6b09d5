/* column/batch.c -- see batch.h. */
#include "column/batch.h"

#include <stdatomic.h>

#include "base/arena.h"

vonk_status vonk_batch_new(vonk_budget *budget, uint32_t n_rows, vonk_column *const *columns, uint32_t n_columns,
                           vonk_batch **ret, vonk_error *err)
{
    vonk_batch *b;
    VONK_TRY(vonk_alloc(budget, sizeof(*b) + n_columns * sizeof(vonk_column *), &b, err));
    *b = (vonk_batch){.refs = 1, .budget = budget, .n_rows = n_rows, .n_columns = n_columns, .n_sel = n_rows};
    for (uint32_t i = 0; i < n_columns; i++) {
        assert(columns[i]->n_rows == n_rows);
        b->columns[i] = vonk_column_ref(columns[i]);
    }
    *ret = b;
    return VONK_OK;
}

vonk_batch *vonk_batch_ref(const vonk_batch *batch)
{
    vonk_batch *b = (vonk_batch *)batch; /* the count is the only mutable part */
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void vonk_batch_unref(vonk_batch *batch)
{
    if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < batch->n_columns; i++) vonk_column_unref(batch->columns[i]);
    vonk_buffer_unref(batch->sel_buffer);
    vonk_free(batch);
}

static void keep_place(vonk_batch *to, const vonk_batch *from)
{
    to->partition = from->partition;
    to->sequence = from->sequence;
}

vonk_status vonk_batch_select(const vonk_batch *batch, vonk_buffer *take_sel, uint32_t n_sel, vonk_batch **ret,
                              vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = take_sel;
    assert(!sel || sel->bytes >= n_sel * sizeof(uint32_t));
    VONK_TRY(vonk_batch_new(batch->budget, batch->n_rows, batch->columns, batch->n_columns, ret, err));
    keep_place(*ret, batch);
    if (!sel) return VONK_OK;
    (*ret)->n_sel = n_sel;
    (*ret)->sel = (const uint32_t *)sel->data;
    (*ret)->sel_buffer = VONK_STEAL(sel);
    return VONK_OK;
}

/* A batch of columns that are made one by one: what is there is dropped on failure. */
typedef struct made {
    vonk_column **at;
    uint32_t n;
} made;
static void made_done(made *m)
{
    for (uint32_t i = 0; i < m->n; i++) vonk_column_unref(m->at[i]);
    vonk_free(m->at);
}
VONK_DEFINE_AUTO_DONE(made, made_done)

vonk_status vonk_batch_compact(const vonk_batch *batch, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(made_done) made m = {0};
    if (!batch->sel) {
        *ret = vonk_batch_ref(batch);
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_array(batch->budget, batch->n_columns, sizeof(vonk_column *), &m.at, err));
    for (; m.n < batch->n_columns; m.n++)
        VONK_TRY(
            vonk_column_gather(batch->budget, batch->columns[m.n], batch->sel, batch->n_sel, false, &m.at[m.n], err));
    VONK_TRY(vonk_batch_new(batch->budget, batch->n_sel, m.at, m.n, ret, err));
    keep_place(*ret, batch);
    return VONK_OK;
}

vonk_status vonk_batch_slice(const vonk_batch *batch, uint32_t from, uint32_t n, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(made_done) made m = {0};
    assert(from <= batch->n_sel && n <= batch->n_sel - from);
    if (from == 0 && n == batch->n_sel) {
        *ret = vonk_batch_ref(batch);
        return VONK_OK;
    }
    if (batch->sel) { /* a piece of the selection; the columns stay */
        VONK_TRY(vonk_batch_new(batch->budget, batch->n_rows, batch->columns, batch->n_columns, ret, err));
        (*ret)->sel = batch->sel + from;
        (*ret)->sel_buffer = vonk_buffer_ref(batch->sel_buffer);
        (*ret)->n_sel = n;
        keep_place(*ret, batch);
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_array(batch->budget, batch->n_columns, sizeof(vonk_column *), &m.at, err));
    for (; m.n < batch->n_columns; m.n++)
        VONK_TRY(vonk_column_slice(batch->budget, batch->columns[m.n], from, n, &m.at[m.n], err));
    VONK_TRY(vonk_batch_new(batch->budget, n, m.at, m.n, ret, err));
    keep_place(*ret, batch);
    return VONK_OK;
}

static void drop_batch(void *batch) { vonk_batch_unref(batch); }

vonk_status vonk_batch_concat(vonk_budget *budget, const vonk_batch *const *batches, size_t n, vonk_batch **ret,
                              vonk_error *err)
{
    VONK_AUTO(made_done) made m = {0};
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_batch **dense;
    const vonk_column **parts;
    uint64_t rows = 0;
    assert(n > 0);
    VONK_TRY(vonk_arena_new(budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof(*dense), &dense, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof(*parts), &parts, err));
    for (size_t i = 0; i < n; i++) {
        VONK_TRY(vonk_batch_compact(batches[i], &dense[i], err));
        VONK_TRY(vonk_arena_on_free(scratch, drop_batch, dense[i], err));
        rows += dense[i]->n_rows;
    }
    if (rows > UINT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 4294967295 rows");
    VONK_TRY(vonk_alloc_array(budget, batches[0]->n_columns, sizeof(vonk_column *), &m.at, err));
    for (; m.n < batches[0]->n_columns; m.n++) {
        for (size_t i = 0; i < n; i++) parts[i] = dense[i]->columns[m.n];
        VONK_TRY(vonk_column_concat(budget, parts, n, &m.at[m.n], err));
    }
    VONK_TRY(vonk_batch_new(budget, (uint32_t)rows, m.at, m.n, ret, err));
    keep_place(*ret, batches[0]);
    return VONK_OK;
}

size_t vonk_batch_bytes(const vonk_batch *batch)
{
    size_t sum = sizeof(*batch) + batch->n_columns * sizeof(vonk_column *);
    if (batch->sel_buffer) sum += batch->sel_buffer->bytes;
    for (uint32_t i = 0; i < batch->n_columns; i++) sum += vonk_column_bytes(batch->columns[i]);
    return sum;
}
