/* source/memory_table.c -- rows at hand as a table: kept frames. One partition, a morsel per batch. */
#include "source/source.h"

typedef struct memory_table {
    vonk_table base;
    uint32_t n_batches;
    vonk_batch **batches; /* referenced */
} memory_table;

typedef struct memory_scan {
    vonk_scan base;
    uint32_t *columns, n_columns;
} memory_scan;

typedef struct memory_reader {
    vonk_reader base;
    memory_scan *scan; /* referenced */
    vonk_budget *budget;
    uint32_t morsel;
    bool done;
} memory_reader;

static void table_free(vonk_table *table)
{
    memory_table *t = (memory_table *)table;

    for (uint32_t i = 0; i < t->n_batches; i++) vonk_batch_unref(t->batches[i]);
    vonk_free(t->batches);
    vonk_type_unref(table->schema);
    vonk_free(t);
}

static vonk_status table_stats(vonk_table *table, vonk_table_stats *ret, vonk_error *err)
{
    const memory_table *t = (const memory_table *)table;

    (void)err;
    *ret = (vonk_table_stats){0};
    for (uint32_t i = 0; i < t->n_batches; i++) ret->n_rows += t->batches[i]->n_sel;
    return VONK_OK;
}

/* ---- reading: the wanted columns of one batch */
static void reader_free(vonk_reader *reader)
{
    memory_reader *r = (memory_reader *)reader;

    vonk_scan_unref(&r->scan->base);
    vonk_free(r);
}

static vonk_status reader_next(vonk_reader *reader, vonk_batch **ret, vonk_error *err)
{
    memory_reader *r = (memory_reader *)reader;
    const vonk_batch *from = ((const memory_table *)r->scan->base.table)->batches[r->morsel];
    vonk_column **columns = NULL;

    *ret = NULL;
    if (r->done) return VONK_OK;
    r->done = true;
    VONK_TRY(vonk_alloc_array(r->budget, r->scan->n_columns + 1, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < r->scan->n_columns; i++) columns[i] = from->columns[r->scan->columns[i]];
    vonk_batch *all = NULL;
    vonk_status status = vonk_batch_new(r->budget, from->n_rows, columns, r->scan->n_columns, &all, err);
    vonk_free(columns);
    if (status != VONK_OK || !from->sel) {
        *ret = all;
        return status;
    }
    status = vonk_batch_select(all, vonk_buffer_ref(from->sel_buffer), from->n_sel, ret, err);
    vonk_batch_unref(all);
    return status;
}

static vonk_status scan_open(vonk_scan *scan, uint32_t partition, uint32_t morsel, uint32_t batch_rows,
                             vonk_budget *budget, vonk_reader **ret, vonk_error *err)
{
    memory_reader *r = NULL;

    (void)partition;
    (void)batch_rows;
    VONK_TRY(VONK_NEW(budget, &r, err));
    r->base = (vonk_reader){.next = reader_next, .free = reader_free};
    r->scan = (memory_scan *)vonk_scan_ref(scan);
    r->budget = budget;
    r->morsel = morsel;
    *ret = &r->base;
    return VONK_OK;
}

static uint32_t scan_morsels(vonk_scan *scan, uint32_t partition)
{
    (void)partition;
    return ((const memory_table *)scan->table)->n_batches;
}

static void scan_free(vonk_scan *scan)
{
    vonk_free(((memory_scan *)scan)->columns);
    vonk_table_unref(scan->table);
    vonk_free(scan);
}

static const vonk_scan_class scan_class = {.free = scan_free, .n_morsels = scan_morsels, .open = scan_open};

static vonk_status plan_scan(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret,
                             vonk_error *err)
{
    memory_scan *s = NULL;

    VONK_TRY(VONK_NEW(budget, &s, err));
    const vonk_status status = vonk_alloc_array(budget, spec->n_columns + 1, sizeof *s->columns, &s->columns, err);
    if (status != VONK_OK) {
        vonk_free(s);
        return status;
    }
    memcpy(s->columns, spec->columns, spec->n_columns * sizeof *s->columns);
    s->n_columns = spec->n_columns;
    s->base.cls = &scan_class;
    s->base.refs = 1;
    s->base.table = vonk_table_ref(table);
    s->base.n_partitions = 1;
    *ret = &s->base;
    return VONK_OK;
}

static const vonk_table_class table_class = {
    .name = "memory", .free = table_free, .stats = table_stats, .plan_scan = plan_scan};

vonk_status vonk_source_memory_table(vonk_budget *budget, const vonk_type *schema, vonk_batch *const *batches,
                                     uint32_t n, vonk_table **ret, vonk_error *err)
{
    memory_table *t = NULL;

    VONK_TRY(VONK_NEW(budget, &t, err));
    const vonk_status status = vonk_alloc_array(budget, n + 1, sizeof *t->batches, &t->batches, err);
    if (status != VONK_OK) {
        vonk_free(t);
        return status;
    }
    for (uint32_t i = 0; i < n; i++) t->batches[i] = vonk_batch_ref(batches[i]);
    t->n_batches = n;
    t->base.cls = &table_class;
    t->base.refs = 1;
    t->base.schema = vonk_type_ref(schema);
    t->base.identity = vonk_expr_new_id(); /* two kept frames are never the same table */
    *ret = &t->base;
    return VONK_OK;
}
