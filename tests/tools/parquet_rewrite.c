/* tests/tools/parquet_rewrite.c -- a Parquet file read by our reader and written by our writer.
 *
 *   parquet-rewrite [OPTION]... FROM TO
 *     --compression none|snappy|gzip|brotli|lz4|lz4_raw|zstd    --timestamps int96|micros|millis    --v2    --legacy
 * --no-dictionary
 *     --no-index    --no-checksums    --page-bytes N    --page-rows N    --dictionary-bytes N    --group-bytes N
 * --bloom COLUMN
 *     --batch N    --every K (by a selection) */
#include <stdio.h>
#include <stdlib.h>

#include "codec/parquet.h"
#include "dump_rows.h"

static vonk_error err = VONK_ERROR_INIT;
static uint32_t batch_rows = VONK_BATCH_ROWS, every = 1;
static vonk_str bloom[8];
static vonk_parquet_write_options options = VONK_PARQUET_WRITE_OPTIONS;

static vonk_status append(void *self, const void *data, size_t bytes, vonk_error *e)
{
    if (fwrite(data, 1, bytes, self) == bytes) return VONK_OK;
    return VONK_FAIL(e, VONK_E_INTERNAL_ERROR, "message", "cannot write");
}

static vonk_compression compression_of(const char *name)
{
    static const struct {
        const char *name;
        vonk_compression codec;
    } names[] = {{"none", VONK_COMPRESS_NONE},      {"snappy", VONK_COMPRESS_SNAPPY},
                 {"gzip", VONK_COMPRESS_GZIP},      {"brotli", VONK_COMPRESS_BROTLI},
                 {"lz4", VONK_COMPRESS_LZ4_HADOOP}, {"lz4_raw", VONK_COMPRESS_LZ4_RAW},
                 {"zstd", VONK_COMPRESS_ZSTD},      {"lzo", VONK_COMPRESS_LZO}};
    for (size_t i = 0; i < VONK_COUNTOF(names); i++) {
        if (!strcmp(name, names[i].name)) return names[i].codec;
    }
    fprintf(stderr, "no compression %s\n", name);
    exit(2);
}

static bool parse_flag(const char *arg)
{
    if (!strcmp(arg, "--v2"))
        options.v2 = true;
    else if (!strcmp(arg, "--legacy"))
        options.legacy_format = true;
    else if (!strcmp(arg, "--no-dictionary"))
        options.dictionary = false;
    else if (!strcmp(arg, "--no-index"))
        options.page_index = false;
    else if (!strcmp(arg, "--no-checksums"))
        options.checksums = false;
    else
        return false;
    return true;
}

static bool parse_value(const char *arg, const char *value)
{
    uint32_t number = (uint32_t)strtoul(value, NULL, 10);
    if (!strcmp(arg, "--compression"))
        options.compression = compression_of(value);
    else if (!strcmp(arg, "--timestamps"))
        options.timestamps = !strcmp(value, "int96")
                                 ? VONK_PARQUET_INT96
                                 : (!strcmp(value, "millis") ? VONK_PARQUET_MILLIS : VONK_PARQUET_MICROS);
    else if (!strcmp(arg, "--page-bytes"))
        options.page_bytes = number;
    else if (!strcmp(arg, "--page-rows"))
        options.page_rows = number;
    else if (!strcmp(arg, "--dictionary-bytes"))
        options.dictionary_bytes = number;
    else if (!strcmp(arg, "--group-bytes"))
        options.row_group_bytes = number;
    else if (!strcmp(arg, "--batch"))
        batch_rows = number;
    else if (!strcmp(arg, "--every"))
        every = number;
    else if (!strcmp(arg, "--bloom") && options.n_bloom_columns < VONK_COUNTOF(bloom))
        bloom[options.n_bloom_columns++] = vonk_str_of(value);
    else
        return false;
    return true;
}

static void write_batch(vonk_parquet_writer *writer, vonk_batch *batch)
{
    vonk_batch *selected = NULL;
    vonk_buffer *sel = NULL;
    uint32_t n = 0;
    if (every > 1) {
        must(vonk_buffer_new(vonk_budget_root(), batch->n_rows * sizeof(uint32_t), &sel, &err), &err);
        for (uint32_t i = 0; i < batch->n_rows; i += every) ((uint32_t *)(void *)sel->data)[n++] = i;
        must(vonk_batch_select(batch, sel, n, &selected, &err), &err);
    }
    must(vonk_parquet_writer_write(writer, selected ? selected : batch, &err), &err);
    vonk_batch_unref(selected);
}

static void copy_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_type *type, uint32_t group,
                       vonk_parquet_writer *writer)
{
    vonk_parquet_scan_spec spec = {.group = group, .want = type};
    vonk_parquet_scan *scan = NULL;
    must(vonk_parquet_scan_new(vonk_budget_root(), meta, in, &spec, &scan, &err), &err);
    for (;;) {
        uint32_t n = 0;
        vonk_batch *batch = NULL;
        must(vonk_parquet_scan_next(scan, batch_rows, &n, &err), &err);
        if (n == 0) break;
        must(vonk_parquet_scan_batch(scan, &batch, &err), &err);
        write_batch(writer, batch);
        vonk_batch_unref(batch);
    }
    vonk_parquet_scan_free(scan);
}

static void copy_file(const char *from, FILE *to)
{
    vonk_buf file = {0};
    vonk_bytes_in in;
    vonk_bytes_out out = {to, append};
    vonk_parquet_meta *meta = NULL;
    vonk_parquet_writer *writer = NULL;
    vonk_parquet_written written;
    const vonk_type *type = NULL;
    const vonk_parquet_options read = VONK_PARQUET_OPTIONS;
    read_whole_file(from, &file);
    vonk_bytes_in_memory(&in, file.data, file.len, vonk_str_of(from));
    must(vonk_parquet_meta_read(vonk_budget_root(), &in, &read, &meta, &err), &err);
    must(vonk_parquet_schema(meta, &type, &err), &err);
    must(vonk_parquet_writer_new(vonk_budget_root(), &out, type, &options, &writer, &err), &err);
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) copy_group(meta, &in, type, g, writer);
    must(vonk_parquet_writer_close(writer, &written, &err), &err);
    printf("%llu rows, %llu bytes, %u row groups\n", (unsigned long long)written.n_rows,
           (unsigned long long)written.bytes, written.n_row_groups);
    vonk_parquet_writer_free(writer);
    vonk_type_unref(type);
    vonk_parquet_meta_unref(meta);
    vonk_buf_done(&file);
}

int main(int argc, char **argv)
{
    const char *paths[2] = {NULL, NULL};
    int n_paths = 0;
    options.bloom_columns = bloom;
    for (int i = 1; i < argc; i++) {
        if (parse_flag(argv[i])) continue;
        if (i + 1 < argc && parse_value(argv[i], argv[i + 1]))
            i++;
        else if (n_paths < 2)
            paths[n_paths++] = argv[i];
    }
    FILE *to = n_paths == 2 ? fopen(paths[1], "wb") : NULL;
    if (!to) {
        fprintf(stderr, "usage: parquet-rewrite [OPTION]... FROM TO (its source names the options)\n");
        return 2;
    }
    copy_file(paths[0], to);
    return fclose(to) != 0;
}
