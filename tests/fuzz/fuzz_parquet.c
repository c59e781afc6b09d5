/* Parquet files from anything: footer, schema, statistics, pruning, all rows of all columns, whole and selected. What
 * is read must hold all invariants of columns; no memory may be left over. */
#include <stdlib.h>

#include "codec/parquet.h"

#define MEMORY (32 << 20)
#define MAX_GROUPS 4
#define MAX_WINDOWS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static vonk_budget *budget;

static vonk_status read_window(vonk_parquet_scan *scan, uint32_t n_columns, uint32_t n, vonk_error *err)
{
    uint32_t some[3] = {0, n / 2, n - 1};
    for (uint32_t c = 0; c < n_columns; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
        vonk_rows rows = c % 3 == 2 && n > 4 ? (vonk_rows){some, 3} : VONK_ALL_ROWS(n);
        VONK_TRY(vonk_parquet_scan_column(scan, c, rows, &column, err));
        if (vonk_column_check(column, err) != VONK_OK || column->n_rows != rows.n) abort();
    }
    return VONK_OK;
}

static vonk_status read_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_type *type,
                              uint32_t group, bool some, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_scan_free) vonk_parquet_scan *scan = NULL;
    uint64_t n_rows = vonk_parquet_row_group_at(meta, group).n_rows;
    const vonk_parquet_range ranges[2] = {{n_rows / 5, n_rows / 3}, {n_rows / 5 + n_rows / 3, n_rows > 2}};
    vonk_parquet_scan_spec spec = {.group = group, .want = type, .ranges = some ? ranges : NULL, .n_ranges = 2};
    VONK_TRY(vonk_parquet_scan_new(budget, meta, in, &spec, &scan, err));
    for (uint32_t windows = 0; windows < MAX_WINDOWS; windows++) {
        uint32_t n = 0;
        VONK_TRY(vonk_parquet_scan_next(scan, some ? 7 : 1000, &n, err));
        if (n == 0) break;
        VONK_TRY(read_window(scan, type->n_fields, n, err));
    }
    return VONK_OK;
}

/* Whatever the hints say, pruning gives ranges inside the group. */
static vonk_status prune_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_type *type,
                               uint32_t group, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    for (uint32_t c = 0; c < type->n_fields && c < 8; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *zero = NULL;
        void *data = NULL;
        const vonk_parquet_range *ranges = NULL;
        size_t n = 0;
        vonk_storage storage = type->fields[c].type->storage;
        if (storage == VONK_STORE_NONE || storage == VONK_STORE_SPAN) continue;
        VONK_TRY(vonk_column_new(budget, type->fields[c].type, 1, false, &zero, &data, NULL, err));
        memset(data, 0, storage == VONK_STORE_BIT ? 1 : vonk_storage_bytes(storage));
        const vonk_parquet_term term = {&type->fields[c].name, 1, (vonk_parquet_op)(c % 7), zero, 0};
        VONK_TRY(vonk_parquet_prune(arena, meta, in, group, &term, 1, VONK_PARQUET_USE_ALL, &ranges, &n, err));
        for (size_t i = 0; i < n; i++) {
            uint64_t end = vonk_parquet_row_group_at(meta, group).n_rows,
                     before = i ? ranges[i - 1].from + ranges[i - 1].n : 0;
            if (ranges[i].from < before || ranges[i].from > end || ranges[i].n > end - ranges[i].from) abort();
        }
    }
    return VONK_OK;
}

static vonk_status read_file(const vonk_bytes_in *in, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    VONK_TRY(vonk_parquet_meta_read(budget, in, &options, &meta, err));
    VONK_TRY(vonk_parquet_schema(meta, &type, err));
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta) && g < MAX_GROUPS; g++) {
        vonk_error whole = VONK_ERROR_INIT;
        (void)!read_group(meta, in, type, g, false, &whole); /* some rows may be readable although not all are */
        vonk_error_reset(&whole);
        VONK_TRY(prune_group(meta, in, type, g, err));
        VONK_TRY(read_group(meta, in, type, g, true, err));
    }
    return VONK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_bytes_in in;
    if (!budget && vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY, &budget, &err) != VONK_OK) abort();
    vonk_bytes_in_memory(&in, data, bytes, VONK_STR("fuzz.parquet"));
    if (bytes % 2) in.borrow = NULL;
    (void)!read_file(&in, &err);
    vonk_error_reset(&err);
    if (vonk_budget_used(budget) != 0) abort();
    return 0;
}
