/* source/parquet_reader.c -- one row group: windows of rows, the columns of the filters first, the others only for the
 * rows that are left. */
#include "source/parquet_int.h"
#include "source/runtime_filter.h"

/* A runtime filter that lets most rows through is left alone for the rest of the row group, and one is not worth
 * reading a column for the few rows that are left. */
#define FILTER_USELESS 0.8
#define FILTER_FEW 8

typedef struct parquet_reader {
    vonk_reader base;
    parquet_scan *scan; /* referenced */
    vonk_budget *budget;
    parquet_file file;
    vonk_parquet_scan *rows;
    vonk_program_local **locals; /* per step */
    vonk_column **read;          /* per read column: the window's, or NULL */
    bool *tired;                 /* per runtime filter slot: of no use here */
    uint32_t batch_rows;
    const source_file *source;
    bool (*cancelled)(void *query);
    void *query;
} parquet_reader;

static void forget_window(parquet_reader *r)
{
    for (uint32_t c = 0; c < r->scan->n_read; c++) {
        vonk_column_unref(r->read[c]);
        r->read[c] = NULL;
    }
}

static void reader_free(vonk_reader *reader)
{
    parquet_reader *r = (parquet_reader *)reader;

    if (r->read) forget_window(r);
    for (uint32_t i = 0; r->locals && i < r->scan->n_steps; i++) vonk_program_local_free(r->locals[i]);
    vonk_free(r->locals);
    vonk_free(r->read);
    vonk_free(r->tired);
    vonk_parquet_scan_free(r->rows);
    vonk__parquet_file_done(&r->file);
    vonk_scan_unref(&r->scan->base);
    vonk_free(r);
}

/* A value of the folder's name, n times. */
static vonk_status repeated(parquet_reader *r, uint32_t partition, uint32_t n, vonk_column **ret, vonk_error *err)
{
    uint32_t *zeros = NULL;

    VONK_TRY(vonk_alloc_zeroed(r->budget, (size_t)(n + 1) * sizeof *zeros, &zeros, err));
    const vonk_status status = vonk_column_gather(r->budget, r->source->values[partition], zeros, n, false, ret, err);
    vonk_free(zeros);
    return status;
}

/* ---- filters: whole windows of their columns, a shrinking selection */
static vonk_status step_batch(parquet_reader *r, const parquet_step *step, uint32_t n, vonk_batch **ret,
                              vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t made = 0;
    vonk_status status = vonk_alloc_array(r->budget, step->n_columns + 1, sizeof *columns, &columns, err);

    for (; status == VONK_OK && made < step->n_columns; made++) {
        const uint32_t c = step->columns[made];
        if (c >= r->scan->n_read) {
            status = repeated(r, UINT32_MAX - c, n, &columns[made], err);
        } else {
            if (!r->read[c]) status = vonk_parquet_scan_column(r->rows, c, VONK_ALL_ROWS(n), &r->read[c], err);
            if (status == VONK_OK) columns[made] = vonk_column_ref(r->read[c]);
        }
        if (status != VONK_OK) break;
    }
    if (status == VONK_OK) status = vonk_batch_new(r->budget, n, columns, step->n_columns, ret, err);
    for (uint32_t i = 0; columns && i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return status;
}

/* *inout_sel NULL: all n rows are still there. */
static vonk_status filter(parquet_reader *r, uint32_t n, vonk_buffer **inout_sel, uint32_t *inout_left, vonk_error *err)
{
    for (uint32_t i = 0; i < r->scan->n_steps && *inout_left > 0; i++) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *whole = NULL, *narrowed = NULL;
        vonk_buffer *sel = NULL;
        uint32_t left = 0;
        VONK_TRY(step_batch(r, &r->scan->steps[i], n, &whole, err));
        VONK_TRY(
            vonk_batch_select(whole, *inout_sel ? vonk_buffer_ref(*inout_sel) : NULL, *inout_left, &narrowed, err));
        VONK_TRY(vonk_program_filter(r->locals[i], narrowed, &sel, &left, err));
        if (!sel) continue; /* every row passed */
        vonk_buffer_unref(*inout_sel);
        *inout_sel = sel;
        *inout_left = left;
    }
    return VONK_OK;
}

/* ---- runtime filters: what joins above have published by now */
static vonk_status filter_late(parquet_reader *r, uint32_t slot, const vonk_runtime_filter *by, uint32_t n,
                               vonk_buffer **inout_sel, uint32_t *inout_left, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
    const uint32_t c = (uint32_t)r->scan->output_read[r->scan->base.filter_columns[slot]];
    const vonk_rows rows =
        *inout_sel ? (vonk_rows){(const uint32_t *)(const void *)(*inout_sel)->data, *inout_left} : VONK_ALL_ROWS(n);
    uint32_t left = 0;

    if (!r->read[c] && *inout_left < n / FILTER_FEW) return VONK_OK;
    if (!r->read[c]) VONK_TRY(vonk_parquet_scan_column(r->rows, c, VONK_ALL_ROWS(n), &r->read[c], err));
    VONK_TRY(vonk_buffer_new(r->budget, ((size_t)rows.n + 1) * sizeof(uint32_t), &sel, err));
    VONK_TRY(vonk__runtime_filter_rows(r->budget, by, r->read[c], rows, (uint32_t *)(void *)sel->data, &left, err));
    if (left > rows.n * FILTER_USELESS) r->tired[slot] = true;
    if (left == rows.n) return VONK_OK;
    vonk_buffer_unref(*inout_sel);
    *inout_sel = VONK_STEAL(sel);
    *inout_left = left;
    return VONK_OK;
}

static vonk_status filter_by_joins(parquet_reader *r, uint32_t n, vonk_buffer **inout_sel, uint32_t *inout_left,
                                   vonk_error *err)
{
    for (uint32_t i = 0; i < r->scan->base.n_filters && *inout_left > 0; i++) {
        const vonk_runtime_filter *by = atomic_load(&r->scan->base.filters[i]);
        if (by && !r->tired[i]) VONK_TRY(filter_late(r, i, by, n, inout_sel, inout_left, err));
    }
    return VONK_OK;
}

/* ---- output */
static vonk_status output_column(parquet_reader *r, uint32_t o, const uint32_t *sel, uint32_t left, uint32_t n,
                                 vonk_column **ret, vonk_error *err)
{
    const int32_t c = r->scan->output_read[o];
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;

    if (c < 0)
        VONK_TRY(repeated(r, (uint32_t)r->scan->output_partition[o], left, &column, err));
    else if (r->read[c] && sel)
        VONK_TRY(vonk_column_gather(r->budget, r->read[c], sel, left, false, &column, err));
    else if (r->read[c])
        column = vonk_column_ref(r->read[c]);
    else
        VONK_TRY(vonk_parquet_scan_column(r->rows, (uint32_t)c, sel ? (vonk_rows){sel, left} : VONK_ALL_ROWS(n),
                                          &column, err));
    if (c >= 0 && !sel && !r->read[c]) r->read[c] = vonk_column_ref(column); /* the same column twice in the output */
    if (vonk_type_eq_exact(column->type, r->scan->output_types[o])) {
        *ret = VONK_STEAL(column);
        return VONK_OK;
    }
    return vonk_column_retype(r->budget, column, r->scan->output_types[o], ret, err);
}

static vonk_status output(parquet_reader *r, const uint32_t *sel, uint32_t left, uint32_t n, vonk_batch **ret,
                          vonk_error *err)
{
    const uint32_t n_output = r->scan->n_output;
    vonk_column **columns = NULL;
    uint32_t made = 0;
    vonk_status status = vonk_alloc_array(r->budget, n_output + 1, sizeof *columns, &columns, err);

    while (status == VONK_OK && made < n_output) {
        status = output_column(r, made, sel, left, n, &columns[made], err);
        if (status == VONK_OK) made++;
    }
    if (status == VONK_OK) status = vonk_batch_new(r->budget, left, columns, n_output, ret, err);
    for (uint32_t i = 0; columns && i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return status;
}

static vonk_status next_rows(parquet_reader *r, vonk_batch **ret, vonk_error *err)
{
    for (;;) {
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *sel = NULL;
        uint32_t n = 0;
        forget_window(r);
        if (r->cancelled && r->cancelled(r->query)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(vonk_parquet_scan_next(r->rows, r->batch_rows, &n, err));
        r->base.bytes_read = atomic_load(&r->file.bytes_read);
        if (n == 0) return VONK_OK;
        uint32_t left = n;
        VONK_TRY(filter(r, n, &sel, &left, err));
        VONK_TRY(filter_by_joins(r, n, &sel, &left, err));
        if (left > 0) return output(r, sel ? (const uint32_t *)(const void *)sel->data : NULL, left, n, ret, err);
    }
}

/* The rest of a file that may be damaged or gone counts as its end. */
static vonk_status reader_next(vonk_reader *reader, vonk_batch **ret, vonk_error *err)
{
    parquet_reader *r = (parquet_reader *)reader;

    *ret = NULL;
    if (!r->rows) return VONK_OK;
    const vonk_status status = next_rows(r, ret, err);
    if (status == VONK_OK || !vonk__parquet_forgives(r->scan->table, status)) return status;
    vonk_error_reset(err);
    forget_window(r);
    vonk_parquet_scan_free(r->rows);
    r->rows = NULL;
    *ret = NULL;
    return VONK_OK;
}

static void reader_set_cancel(vonk_reader *reader, bool (*cancelled)(void *query), void *query)
{
    parquet_reader *r = (parquet_reader *)reader;

    r->cancelled = cancelled;
    r->query = query;
    for (uint32_t i = 0; i < r->scan->n_steps; i++)
        if (r->locals && r->locals[i]) vonk_program_set_cancel(r->locals[i], cancelled, query);
}

/* ---- opening */
static vonk_status open_rows(parquet_reader *r, const parquet_unit *unit, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_parquet_scan_spec spec = {.group = unit->group, .want = r->scan->want};
    vonk_parquet_meta *meta = NULL;

    VONK_TRY(vonk__parquet_scan_meta(r->scan, unit->file, &meta, err));
    if (!meta) return VONK_OK; /* left out */
    if (unit->group >= vonk_parquet_n_row_groups(meta))
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", VONK_S(r->source->uri), "problem",
                         "it has changed while it was read");
    VONK_TRY(vonk_arena_new(r->budget, &scratch, err));
    if (r->scan->n_terms > 0)
        VONK_TRY(vonk_parquet_prune(scratch, meta, &r->file.in, unit->group, r->scan->terms, r->scan->n_terms,
                                    VONK_PARQUET_USE_ALL, &spec.ranges, &spec.n_ranges, err));
    static const vonk_parquet_range none = {0, 0};
    if (r->scan->n_terms > 0 && spec.n_ranges == 0) spec.ranges = &none; /* no row can pass */
    return vonk_parquet_scan_new(r->budget, meta, &r->file.in, &spec, &r->rows, err);
}

static vonk_status open_all(parquet_reader *r, const parquet_unit *unit, vonk_error *err)
{
    r->source = &r->scan->table->files.at[unit->file];
    VONK_TRY(vonk__parquet_file_open(r->budget, r->source, &r->file, err));
    VONK_TRY(vonk_alloc_zeroed(r->budget, (r->scan->n_read + 1) * sizeof *r->read, &r->read, err));
    VONK_TRY(vonk_alloc_zeroed(r->budget, (r->scan->n_steps + 1) * sizeof *r->locals, &r->locals, err));
    VONK_TRY(vonk_alloc_zeroed(r->budget, (r->scan->base.n_filters + 1) * sizeof *r->tired, &r->tired, err));
    for (uint32_t i = 0; i < r->scan->n_steps; i++)
        VONK_TRY(vonk_program_local_new(r->scan->steps[i].program, r->budget, &r->locals[i], err));
    return open_rows(r, unit, err);
}

vonk_status vonk__parquet_open_reader(vonk_scan *scan, uint32_t partition, uint32_t morsel, uint32_t batch_rows,
                                      vonk_budget *budget, vonk_reader **ret, vonk_error *err)
{
    parquet_scan *s = (parquet_scan *)scan;
    parquet_reader *r = NULL;

    VONK_TRY(VONK_NEW(budget, &r, err));
    r->base = (vonk_reader){.next = reader_next, .free = reader_free, .set_cancel = reader_set_cancel};
    r->scan = (parquet_scan *)vonk_scan_ref(scan);
    r->budget = budget;
    r->batch_rows = batch_rows;
    const vonk_status status = open_all(r, &s->units[s->first_unit[partition] + morsel], err);
    if (status != VONK_OK && !vonk__parquet_forgives(s->table, status)) {
        reader_free(&r->base);
        return status;
    }
    if (status != VONK_OK) vonk_error_reset(err); /* a reader without rows */
    *ret = &r->base;
    return VONK_OK;
}
