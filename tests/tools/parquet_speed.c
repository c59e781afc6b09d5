/* tests/tools/parquet_speed.c -- how long our reader takes for each column of a file, one thread, the best of three
 * rounds.
 *
 *   parquet-speed [--flat] [--batch N] FILE */
#include <stdio.h>
#include <stdlib.h>

#include "codec/parquet.h"
#include "dump_rows.h"
#include "sys/clock.h"
#include "sys/files.h"

static vonk_error err = VONK_ERROR_INIT;

static vonk_status read_at(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *e)
{
    return vonk_file_read_exact(self, (int64_t)offset, dst, bytes, e);
}

/* Nanoseconds for one column, all row groups; *ret_rows and *ret_kinds (how many batches of each encoding). */
static int64_t read_column(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_field *field,
                           uint32_t batch, bool flat, uint64_t *ret_rows, uint32_t ret_kinds[4])
{
    const vonk_type *type = NULL;
    int64_t start = vonk_clock_mono_ns();
    must(vonk_type_struct(field, 1, &type, &err), &err);
    *ret_rows = 0;
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) {
        vonk_parquet_scan *scan = NULL;
        vonk_parquet_scan_spec spec = {.group = g, .want = type, .flat = &flat};
        must(vonk_parquet_scan_new(vonk_budget_root(), meta, in, &spec, &scan, &err), &err);
        for (;;) {
            uint32_t n = 0;
            vonk_column *column = NULL;
            must(vonk_parquet_scan_next(scan, batch, &n, &err), &err);
            if (n == 0) break;
            must(vonk_parquet_scan_column(scan, 0, VONK_ALL_ROWS(n), &column, &err), &err);
            ret_kinds[column->encoding]++;
            *ret_rows += n;
            vonk_column_unref(column);
        }
        vonk_parquet_scan_free(scan);
    }
    vonk_type_unref(type);
    return vonk_clock_mono_ns() - start;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    uint32_t batch = VONK_BATCH_ROWS;
    bool flat = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--flat"))
            flat = true;
        else if (!strcmp(argv[i], "--batch") && i + 1 < argc)
            batch = (uint32_t)strtoul(argv[++i], NULL, 10);
        else
            path = argv[i];
    }
    if (!path) {
        fprintf(stderr, "usage: parquet-speed [--flat] [--batch N] FILE\n");
        return 2;
    }
    vonk_file *file = NULL;
    vonk_file_info info;
    vonk_parquet_meta *meta = NULL;
    const vonk_type *type = NULL;
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    must(vonk_file_open(vonk_budget_root(), vonk_str_of(path), VONK_FILE_READ, &file, &err), &err);
    must(vonk_file_get_info(file, &info, &err), &err);
    vonk_bytes_in in = {.self = file, .size = (uint64_t)info.size_bytes, .path = vonk_str_of(path), .read_at = read_at};
    must(vonk_parquet_meta_read(vonk_budget_root(), &in, &options, &meta, &err), &err);
    must(vonk_parquet_schema(meta, &type, &err), &err);
    printf("%-24s %12s %10s %10s   flat const dict seq\n", "column", "rows", "ms", "ns/row");
    double total = 0;
    for (uint32_t c = 0; c < type->n_fields; c++) {
        int64_t best = INT64_MAX;
        uint64_t rows = 0;
        uint32_t kinds[4] = {0};
        for (int round = 0; round < 3; round++) {
            int64_t ns = read_column(meta, &in, &type->fields[c], batch, flat, &rows, kinds);
            best = ns < best ? ns : best;
        }
        total += (double)best / 1e6;
        printf("%-24.*s %12llu %10.2f %10.3f   %u %u %u %u\n", VONK_STR_ARGS(type->fields[c].name),
               (unsigned long long)rows, (double)best / 1e6, (double)best / (double)(rows ? rows : 1), kinds[0] / 3,
               kinds[1] / 3, kinds[2] / 3, kinds[3] / 3);
    }
    printf("%-24s %12s %10.2f\n", "all", "", total);
    vonk_type_unref(type);
    vonk_parquet_meta_unref(meta);
    vonk_file_free(file);
    return 0;
}
