/* tests/tools/parquet_dump.c -- what our Parquet reader sees, as JSON lines: the schema, then one list per row.
 *
 *   parquet-dump [--batch N] [--every K] [--flat] [--type DDL] [--rows FROM N]... [--encodings] FILE
 *     --every K      late materialisation: the first column whole, the others only for every K-th row of a window
 *     --flat         dictionaries are decoded
 *     --type DDL     read as this table schema instead of the file's own
 *     --rows FROM N  only these rows of each row group
 *     --encodings    also a line per window with the encodings of its columns
 * Lines with # in front are not rows: "# group N" before each row group. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/parquet.h"
#include "dump_rows.h"

typedef struct arguments {
    const char *file, *type;
    uint32_t batch, every;
    bool flat, encodings;
    vonk_parquet_range ranges[16];
    size_t n_ranges;
} arguments;

static vonk_error err = VONK_ERROR_INIT;

static arguments parse(int argc, char **argv)
{
    arguments a = {.batch = VONK_BATCH_ROWS, .every = 1};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (!strcmp(arg, "--batch") && i + 1 < argc) {
            a.batch = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(arg, "--every") && i + 1 < argc) {
            a.every = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(arg, "--type") && i + 1 < argc) {
            a.type = argv[++i];
        } else if (!strcmp(arg, "--rows") && i + 2 < argc && a.n_ranges < VONK_COUNTOF(a.ranges)) {
            a.ranges[a.n_ranges++] =
                (vonk_parquet_range){strtoull(argv[i + 1], NULL, 10), strtoull(argv[i + 2], NULL, 10)};
            i += 2;
        } else if (!strcmp(arg, "--flat")) {
            a.flat = true;
        } else if (!strcmp(arg, "--encodings")) {
            a.encodings = true;
        } else {
            a.file = arg;
        }
    }
    if (!a.file || a.batch == 0 || a.every == 0) {
        fprintf(
            stderr,
            "usage: parquet-dump [--batch N] [--every K] [--flat] [--type DDL] [--rows FROM N] [--encodings] FILE\n");
        exit(2);
    }
    return a;
}

static void print_schema(const vonk_type *type)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    must(vonk_type_json(type, &out, &err), &err);
    printf("%.*s\n", VONK_STR_ARGS(vonk_buf_str(&out)));
}

static void print_rows(vonk_column *const *columns, uint32_t n_columns, uint32_t n_rows, bool encodings)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    for (uint32_t c = 0; c < n_columns; c++) {
        must(vonk_column_check(columns[c], &err), &err);
        if (encodings) printf("%s%c", c ? "" : "# ", "FCDS"[columns[c]->encoding]);
    }
    if (encodings) printf("\n");
    for (uint32_t row = 0; row < n_rows; row++) {
        vonk_buf_reset(&out);
        for (uint32_t c = 0; c < n_columns; c++) {
            must(vonk_buf_add_byte(&out, c ? ',' : '[', &err), &err);
            must(dump_value(columns[c], row, &out, &err), &err);
        }
        printf("%.*s]\n", VONK_STR_ARGS(vonk_buf_str(&out)));
    }
}

/* The first column is read whole and gathered by the "filter"; the others are only asked for what is selected. */
static void print_window(vonk_parquet_scan *scan, uint32_t n_columns, uint32_t n_rows, const arguments *a)
{
    vonk_column **columns = NULL;
    uint32_t *idx = NULL, n = 0;
    must(vonk_alloc_array(vonk_budget_root(), n_columns, sizeof *columns, &columns, &err), &err);
    must(vonk_alloc_array(vonk_budget_root(), n_rows, sizeof *idx, &idx, &err), &err);
    uint64_t first = vonk_parquet_scan_row(scan);
    for (uint32_t i = 0; i < n_rows; i++) {
        if ((first + i) % a->every == 0) idx[n++] = i;
    }
    vonk_rows rows = a->every == 1 ? VONK_ALL_ROWS(n_rows) : (vonk_rows){idx, n};
    for (uint32_t c = 0; c < n_columns; c++) {
        if (c == 0 && a->every > 1) {
            vonk_column *whole = NULL;
            must(vonk_parquet_scan_column(scan, c, VONK_ALL_ROWS(n_rows), &whole, &err), &err);
            must(vonk_column_gather(vonk_budget_root(), whole, idx, n, false, &columns[c], &err), &err);
            vonk_column_unref(whole);
        } else {
            must(vonk_parquet_scan_column(scan, c, rows, &columns[c], &err), &err);
        }
    }
    print_rows(columns, n_columns, rows.n, a->encodings);
    for (uint32_t c = 0; c < n_columns; c++) vonk_column_unref(columns[c]);
    vonk_free(columns);
    vonk_free(idx);
}

static void print_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_type *type, uint32_t group,
                        const arguments *a)
{
    bool *flat = NULL;
    vonk_parquet_range ranges[VONK_COUNTOF(a->ranges)];
    uint64_t n_rows = vonk_parquet_row_group_at(meta, group).n_rows;
    printf("# group %llu\n", (unsigned long long)n_rows);
    for (size_t i = 0; i < a->n_ranges; i++) {
        ranges[i] = a->ranges[i];
        if (ranges[i].from > n_rows) ranges[i].from = n_rows;
        if (ranges[i].n > n_rows - ranges[i].from) ranges[i].n = n_rows - ranges[i].from;
    }
    must(vonk_alloc_array(vonk_budget_root(), type->n_fields, sizeof *flat, &flat, &err), &err);
    for (uint32_t i = 0; i < type->n_fields; i++) flat[i] = a->flat;
    vonk_parquet_scan_spec spec = {
        .group = group, .want = type, .ranges = a->n_ranges ? ranges : NULL, .n_ranges = a->n_ranges, .flat = flat};
    vonk_parquet_scan *scan = NULL;
    must(vonk_parquet_scan_new(vonk_budget_root(), meta, in, &spec, &scan, &err), &err);
    for (;;) {
        uint32_t n = 0;
        must(vonk_parquet_scan_next(scan, a->batch, &n, &err), &err);
        if (n == 0) break;
        print_window(scan, type->n_fields, n, a);
    }
    vonk_parquet_scan_free(scan);
    vonk_free(flat);
}

int main(int argc, char **argv)
{
    arguments a = parse(argc, argv);
    vonk_buf file = {0};
    vonk_bytes_in in;
    vonk_parquet_meta *meta = NULL;
    const vonk_type *type = NULL;
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    read_whole_file(a.file, &file);
    vonk_bytes_in_memory(&in, file.data, file.len, vonk_str_of(a.file));
    if (getenv("VONK_DUMP_COPY")) in.borrow = NULL; /* the way of files that lend nothing */
    must(vonk_parquet_meta_read(vonk_budget_root(), &in, &options, &meta, &err), &err);
    if (a.type)
        must(vonk_type_parse_ddl(vonk_str_of(a.type), &type, &err), &err);
    else
        must(vonk_parquet_schema(meta, &type, &err), &err);
    print_schema(type);
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) print_group(meta, &in, type, g, &a);
    vonk_type_unref(type);
    vonk_parquet_meta_unref(meta);
    vonk_buf_done(&file);
    return 0;
}
