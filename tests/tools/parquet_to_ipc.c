/* tests/tools/parquet_to_ipc.c -- a Parquet file as one Arrow IPC stream on stdout, all rows in one record batch.
 *
 *   parquet-to-ipc [--batch N] [--every K] [--large] [--lz4 | --zstd] [--zone ZONE] [--flat] FILE > stream
 *     --every K   only every K-th row of each batch, by a selection */
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "codec/ipc.h"
#include "codec/parquet.h"
#include "dump_rows.h"

static vonk_error err = VONK_ERROR_INIT;
static VONK_VEC(vonk_batch *) batches;

static vonk_batch *select_rows(vonk_batch *take_batch, uint32_t every)
{
    vonk_buffer *sel = NULL;
    vonk_batch *selected = NULL;
    uint32_t n = 0;
    if (every <= 1) return take_batch;
    must(vonk_buffer_new(vonk_budget_root(), take_batch->n_rows * sizeof(uint32_t), &sel, &err), &err);
    for (uint32_t i = 0; i < take_batch->n_rows; i += every) ((uint32_t *)(void *)sel->data)[n++] = i;
    must(vonk_batch_select(take_batch, sel, n, &selected, &err), &err);
    vonk_batch_unref(take_batch);
    return selected;
}

static void read_group(const vonk_parquet_meta *meta, const vonk_bytes_in *in, const vonk_type *type, uint32_t group,
                       uint32_t rows, uint32_t every, bool *flat)
{
    vonk_parquet_scan_spec spec = {.group = group, .want = type, .flat = flat};
    vonk_parquet_scan *scan = NULL;
    must(vonk_parquet_scan_new(vonk_budget_root(), meta, in, &spec, &scan, &err), &err);
    for (;;) {
        uint32_t n = 0;
        vonk_batch *batch = NULL;
        must(vonk_parquet_scan_next(scan, rows, &n, &err), &err);
        if (n == 0) break;
        must(vonk_parquet_scan_batch(scan, &batch, &err), &err);
        must(VONK_VEC_PUSH(&batches, vonk_budget_root(), select_rows(batch, every), &err), &err);
    }
    vonk_parquet_scan_free(scan);
}

int main(int argc, char **argv)
{
    vonk_ipc_options options = VONK_IPC_OPTIONS;
    const vonk_parquet_options parquet = VONK_PARQUET_OPTIONS;
    uint32_t rows = VONK_BATCH_ROWS, every = 1;
    bool decode = false, *flat = NULL;
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--batch") && i + 1 < argc)
            rows = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--every") && i + 1 < argc)
            every = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--zone") && i + 1 < argc)
            options.timezone = vonk_str_of(argv[++i]);
        else if (!strcmp(argv[i], "--large"))
            options.large = true;
        else if (!strcmp(argv[i], "--flat"))
            decode = true;
        else if (!strcmp(argv[i], "--lz4"))
            options.compression = VONK_COMPRESS_LZ4_FRAME;
        else if (!strcmp(argv[i], "--zstd"))
            options.compression = VONK_COMPRESS_ZSTD;
        else
            path = argv[i];
    }
    if (!path) {
        fprintf(stderr, "usage: parquet-to-ipc [--batch N] [--every K] [--large] [--lz4 | --zstd] [--zone ZONE] "
                        "[--flat] FILE > stream\n");
        return 2;
    }
    vonk_buf file = {0}, out = {0};
    vonk_bytes_in in;
    vonk_parquet_meta *meta = NULL;
    const vonk_type *type = NULL;
    read_whole_file(path, &file);
    vonk_bytes_in_memory(&in, file.data, file.len, vonk_str_of(path));
    must(vonk_parquet_meta_read(vonk_budget_root(), &in, &parquet, &meta, &err), &err);
    must(vonk_parquet_schema(meta, &type, &err), &err);
    must(vonk_alloc_array(vonk_budget_root(), type->n_fields, sizeof *flat, &flat, &err), &err);
    for (uint32_t i = 0; i < type->n_fields; i++) flat[i] = decode;
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) read_group(meta, &in, type, g, rows, every, flat);
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    must(vonk_ipc_write_stream((const vonk_batch *const *)batches.at, batches.n, type, &options, &out, &err), &err);
    fwrite(out.data, 1, out.len, stdout);
    for (size_t i = 0; i < batches.n; i++) vonk_batch_unref(batches.at[i]);
    vonk_free(batches.at);
    vonk_free(flat);
    vonk_buf_done(&out);
    vonk_buf_done(&file);
    vonk_type_unref(type);
    vonk_parquet_meta_unref(meta);
    return 0;
}
