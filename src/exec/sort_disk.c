/* exec/sort_disk.c -- sorted runs on disk. A run is a list of blocks, each sorted, one after the other; merging holds
 * one block of each run as rows in memory, so that disk and memory runs are compared alike. */
#include "exec/sort_int.h"

#define RUN_BLOCK_ROWS 4096

/* ---- writing */

static uint32_t partition_of(const sort_form *f, const uint8_t *row)
{
    uint32_t p;
    memcpy(&p, row + f->key_at, sizeof p);
    return __builtin_bswap32(p);
}

static vonk_status place_columns(const sort_form *f, vonk_budget *budget, uint8_t *const *rows, uint32_t n,
                                 vonk_column **ret_position, vonk_column **ret_partition, vonk_error *err)
{
    int64_t *position = NULL;
    int32_t *partition = NULL;
    VONK_TRY(vonk_column_new(budget, &vonk_type_long, n, false, ret_position, (void **)&position, NULL, err));
    VONK_TRY(vonk_column_new(budget, &vonk_type_int, n, false, ret_partition, (void **)&partition, NULL, err));
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&position[i], rows[i] + f->position_at, sizeof position[i]);
        partition[i] = f->local ? (int32_t)partition_of(f, rows[i]) : 0;
    }
    return VONK_OK;
}

static vonk_status write_block(const sort_form *f, vonk_spill_file *file, uint8_t *const *rows, uint32_t n,
                               vonk_column **columns, vonk_spill_ref *ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    vonk_budget *budget = vonk_budget_root(); /* one block, needed when the query has no room */
    for (uint32_t c = 0; c < f->n_columns; c++)
        VONK_TRY(vonk_rows_gather(budget, f->layout, c, rows, n, &columns[c], err));
    VONK_TRY(place_columns(f, budget, rows, n, &columns[f->n_columns], &columns[f->n_columns + 1], err));
    VONK_TRY(vonk_batch_new(budget, n, columns, f->n_columns + 2, &batch, err));
    return vonk_spill_put(file, batch, ret, err);
}

vonk_status vonk__sort_run_write(vonk_op *op, const sort_form *f, vonk_spill_file *file, uint8_t *const *rows,
                                 uint32_t n, sort_run *run, vonk_error *err)
{
    vonk_column **columns = NULL;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(vonk_budget_root(), (f->n_columns + 2) * sizeof *columns, &columns, err));
    for (uint32_t at = 0; at < n && st == VONK_OK;) {
        uint32_t some = n - at < RUN_BLOCK_ROWS ? n - at : RUN_BLOCK_ROWS;
        vonk_spill_ref ref;
        st = write_block(f, file, rows + at, some, columns, &ref, err);
        for (uint32_t c = 0; c < f->n_columns + 2; c++) {
            vonk_column_unref(columns[c]);
            columns[c] = NULL;
        }
        if (st == VONK_OK) {
            run_block block = {ref, f->local ? partition_of(f, rows[at]) : 0};
            st = VONK_VEC_PUSH(&run->blocks, vonk_budget_root(), block, err);
        }
        run->n_rows += some;
        at += some;
    }
    vonk_free(columns);
    return st;
}

void vonk__sort_run_done(sort_run *run)
{
    vonk_free(run->blocks.at);
    *run = (sort_run){0};
}

/* ---- merging */

typedef struct disk_cursor {
    const sort_run *run; /* NULL: rows in memory */
    size_t next;         /* block */
    vonk_row_store *store;
    sort_entry *entries;
    uint32_t room;
    bool empty; /* its block is used up, the next one must be read */
} disk_cursor;

struct disk_merge {
    vonk_op *op;
    const sort_form *f;
    vonk_spill_file *file;
    disk_cursor *disk; /* [n] */
    sort_cursor *cursors;
    uint32_t *heap, n, n_live;
    uint8_t **rows, *encoded; /* scratch of loading */
    uint32_t room;
};

vonk_status vonk__disk_merge_new(vonk_op *op, const sort_form *f, vonk_spill_file *file, const sort_run *runs,
                                 uint32_t n_runs, const sort_cursor *memory, uint32_t n_memory, uint32_t from_partition,
                                 disk_merge **ret, vonk_error *err)
{
    disk_merge *m = NULL;
    VONK_TRY(VONK_NEW(op->budget, &m, err));
    *ret = m;
    *m = (disk_merge){.op = op, .f = f, .file = file};
    uint32_t n = n_runs + n_memory;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (n + 1) * sizeof *m->disk, &m->disk, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (n + 1) * sizeof *m->cursors, &m->cursors, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (n + 1) * sizeof *m->heap, &m->heap, err));
    for (uint32_t i = 0; i < n_runs; i++) {
        m->disk[i] = (disk_cursor){.run = &runs[i], .empty = runs[i].blocks.n > 0};
        while (m->disk[i].next + 1 < runs[i].blocks.n &&
               runs[i].blocks.at[m->disk[i].next + 1].first_partition < from_partition)
            m->disk[i].next++;
        VONK_TRY(vonk_row_store_new(op->budget, f->layout, &m->disk[i].store, err));
        m->n = i + 1;
    }
    for (uint32_t i = 0; i < n_memory; i++) m->cursors[n_runs + i] = memory[i];
    m->n = n;
    return VONK_OK;
}

void vonk__disk_merge_free(disk_merge *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < m->n; i++) {
        vonk_row_store_free(m->disk[i].store);
        vonk_free(m->disk[i].entries);
    }
    vonk_free(m->disk);
    vonk_free(m->cursors);
    vonk_free(m->heap);
    vonk_free(m->rows);
    vonk_free(m->encoded);
    vonk_free(m);
}

static vonk_status reserve(disk_merge *m, disk_cursor *c, uint32_t n, vonk_error *err)
{
    if (n > m->room) {
        VONK_TRY(vonk_realloc(m->op->budget, &m->rows, n * sizeof *m->rows, err));
        VONK_TRY(vonk_realloc(m->op->budget, &m->encoded, (size_t)n * m->f->encoded_bytes + 8, err));
        m->room = n;
    }
    if (n > c->room) {
        VONK_TRY(vonk_realloc(m->op->budget, &c->entries, n * sizeof *c->entries, err));
        c->room = n;
    }
    return VONK_OK;
}

static vonk_status load(disk_merge *m, uint32_t i, vonk_error *err)
{
    const sort_form *f = m->f;
    disk_cursor *c = &m->disk[i];
    VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL;
    uint32_t head = f->local ? 4 : 0;
    vonk_row_store_reset(c->store);
    VONK_TRY(vonk_spill_get(m->file, c->run->blocks.at[c->next++].ref, m->op->budget, &b, err));
    uint32_t n = b->n_rows;
    VONK_TRY(reserve(m, c, n, err));
    VONK_TRY(vonk_row_store_append(c->store, b->columns, VONK_ALL_ROWS(n), m->rows, err));
    if (f->n_keys > 0)
        VONK_TRY(
            vonk_sort_key_encode(b->columns, f->specs, f->n_keys, VONK_ALL_ROWS(n), m->encoded, f->encoded_bytes, err));
    for (uint32_t k = 0; k < n; k++) {
        uint8_t *row = m->rows[k], *key = row + f->key_at;
        int64_t position = vonk_column_i64(b->columns[f->n_columns], k);
        uint32_t partition = __builtin_bswap32((uint32_t)vonk_column_i64(b->columns[f->n_columns + 1], k));
        if (head) memcpy(key, &partition, 4);
        memcpy(key + head, m->encoded + (size_t)k * f->encoded_bytes, f->encoded_bytes);
        memcpy(row + f->position_at, &position, sizeof position);
        c->entries[k] = (sort_entry){vonk__sort_prefix(key, f->key_bytes), row};
    }
    m->cursors[i] = (sort_cursor){c->entries, c->entries + n};
    c->empty = false;
    return VONK_OK;
}

vonk_status vonk__disk_merge_next(disk_merge *m, uint8_t **rows, uint32_t room, uint32_t *ret_n, vonk_error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->disk[i].empty) VONK_TRY(load(m, i, err));
    }
    vonk__sort_heap(m->f, m->cursors, m->n, m->heap, &m->n_live);
    while (n < room && m->n_live > 0) {
        uint32_t i = m->heap[0];
        sort_cursor *c = &m->cursors[i];
        n += vonk__sort_merge(m->f, m->cursors, m->heap, &m->n_live, rows + n, 1);
        if (c->at == c->end && m->disk[i].run && m->disk[i].next < m->disk[i].run->blocks.n) {
            m->disk[i].empty = true; /* its rows are still in use: the next block is read by the next call */
            break;
        }
    }
    *ret_n = n;
    return VONK_OK;
}

/* ---- fewer runs */

static vonk_status merge_into(vonk_op *op, const sort_form *f, vonk_spill_file *file, const sort_run *runs, uint32_t n,
                              sort_run *into, vonk_error *err)
{
    disk_merge *m = NULL;
    uint8_t *rows[1024];
    uint32_t some = 0;
    vonk_status st = vonk__disk_merge_new(op, f, file, runs, n, NULL, 0, 0, &m, err);
    do {
        if (st == VONK_OK && vonk_exec_cancelled(op->exec)) st = VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        if (st == VONK_OK) st = vonk__disk_merge_next(m, rows, VONK_COUNTOF(rows), &some, err);
        if (st == VONK_OK) st = vonk__sort_run_write(op, f, file, rows, some, into, err);
    } while (st == VONK_OK && some > 0);
    vonk__disk_merge_free(m);
    return st;
}

vonk_status vonk__sort_runs_reduce(vonk_op *op, const sort_form *f, vonk_spill_file *file, sort_run *runs,
                                   uint32_t *inout_n, vonk_error *err)
{
    while (*inout_n > SORT_MOST_RUNS) {
        uint32_t made = 0;
        for (uint32_t at = 0; at < *inout_n; at += SORT_MOST_RUNS) {
            uint32_t some = *inout_n - at < SORT_MOST_RUNS ? *inout_n - at : SORT_MOST_RUNS;
            sort_run into = {0};
            vonk_status st = merge_into(op, f, file, runs + at, some, &into, err);
            if (st != VONK_OK) {
                vonk__sort_run_done(&into);
                return st;
            }
            for (uint32_t i = 0; i < some; i++) vonk__sort_run_done(&runs[at + i]);
            runs[made++] = into;
        }
        *inout_n = made;
    }
    return VONK_OK;
}
