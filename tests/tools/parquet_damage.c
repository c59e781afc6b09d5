/* tests/tools/parquet_damage.c -- reads a small Parquet file with each byte changed in turn, and cut at each length.
 *
 *   parquet-damage [--checksums] FILE...
 *     --checksums   the file's pages have checksums: a changed byte of a page must give an error; of a page's header or
 *                   an index, an error or the same rows
 * Nothing may crash, and no read may hold memory afterwards. Ends with cmocka's line of counts, for tools/test_all.py.
 */
#include <stdio.h>

#include "base/hash.h"
#include "codec/parquet.h"
#include "codec/parquet/file.h"
#include "dump_rows.h"

#define MEMORY (64 << 20)

static vonk_budget *budget;

/* A hash of all rows; an error: its class. */
static vonk_status read_rows(const vonk_bytes_in *in, uint64_t *ret_hash, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    vonk_buf_init(&text, budget, SIZE_MAX);
    *ret_hash = 0;
    VONK_TRY(vonk_parquet_meta_read(budget, in, &options, &meta, err));
    VONK_TRY(vonk_parquet_schema(meta, &type, err));
    for (uint32_t g = 0; g < vonk_parquet_n_row_groups(meta); g++) {
        VONK_AUTO(vonk_parquet_scan_free) vonk_parquet_scan *scan = NULL;
        vonk_parquet_scan_spec spec = {.group = g, .want = type};
        VONK_TRY(vonk_parquet_scan_new(budget, meta, in, &spec, &scan, err));
        for (uint32_t n = 1, windows = 0; windows < 1000; windows++) {
            VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
            VONK_TRY(vonk_parquet_scan_next(scan, 100, &n, err));
            if (n == 0) break;
            VONK_TRY(vonk_parquet_scan_batch(scan, &batch, err));
            for (uint32_t c = 0; c < batch->n_columns; c++) {
                VONK_TRY(vonk_column_check(batch->columns[c], err));
                vonk_buf_reset(&text);
                for (uint32_t row = 0; row < n; row++) VONK_TRY(dump_value(batch->columns[c], row, &text, err));
                *ret_hash = vonk_hash64(text.data, text.len, *ret_hash);
            }
        }
    }
    return VONK_OK;
}

static vonk_status try_file(const uint8_t *data, size_t bytes, uint64_t *ret_hash)
{
    vonk_bytes_in in;
    vonk_error err = VONK_ERROR_INIT;
    vonk_bytes_in_memory(&in, data, bytes, VONK_STR("damaged.parquet"));
    vonk_status st = read_rows(&in, ret_hash, &err);
    vonk_error_reset(&err);
    if (vonk_budget_used(budget) != 0) {
        printf("memory is left over\n");
        return VONK_E_INTERNAL_ERROR;
    }
    return st;
}

/* Notes each byte of the pages of a column chunk in `covered`; false: a page without a checksum. */
static bool mark_chunk(const pq_column_meta *m, const uint8_t *data, size_t bytes, uint8_t *covered)
{
    bool dictionary_first = PQ_HAS(*m, PQ_COL_DICT_AT) && m->dict_at > 0 && m->dict_at < m->data_at;
    size_t at = (size_t)(dictionary_first ? m->dict_at : m->data_at), end = at + (size_t)m->bytes;
    vonk_error err = VONK_ERROR_INIT;
    while (at < end && end <= bytes) {
        pq_page_head head = {0};
        vonk_cursor in = vonk_cursor_of(data + at, end - at, "a page");
        must(vonk_thrift_read(NULL, &in, &vonk__pq_page_head, &head, &err), &err);
        if (!PQ_HAS(head, PQ_PAGE_CRC)) return false;
        at = end - vonk_cursor_left(&in);
        memset(covered + at, 1, (size_t)head.bytes);
        at += (size_t)head.bytes;
    }
    return at == end;
}

static bool mark_pages(const uint8_t *data, size_t bytes, uint8_t *covered)
{
    VONK_AUTO(vonk_parquet_meta_unref) vonk_parquet_meta *meta = NULL;
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    vonk_bytes_in in;
    vonk_error err = VONK_ERROR_INIT;
    bool all = true;
    vonk_bytes_in_memory(&in, data, bytes, VONK_STR("damaged.parquet"));
    must(vonk_parquet_meta_read(budget, &in, &options, &meta, &err), &err);
    for (size_t g = 0; g < meta->file.groups.n; g++)
        for (size_t c = 0; c < meta->file.groups.at[g].chunks.n; c++)
            all &= mark_chunk(&meta->file.groups.at[g].chunks.at[c].meta, data, bytes, covered);
    return all;
}

static int check_file(const char *path, bool checksums)
{
    vonk_buf file = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf pages = {0};
    vonk_error err = VONK_ERROR_INIT;
    uint64_t whole = 0, hash = 0;
    uint32_t footer;
    int failures = 0;
    read_whole_file(path, &file);
    uint8_t *data = (uint8_t *)file.data;
    memcpy(&footer, data + file.len - 8, 4);
    if (try_file(data, file.len, &whole) != VONK_OK) {
        printf("%s cannot be read undamaged\n", path);
        failures++;
    }
    vonk_buf_init(&pages, vonk_budget_root(), SIZE_MAX);
    for (size_t i = 0; i < file.len; i++) must(vonk_buf_add_byte(&pages, 0, &err), &err);
    if (checksums && !mark_pages(data, file.len, (uint8_t *)pages.data)) {
        printf("%s has a page without a checksum\n", path);
        failures++;
    }
    for (size_t i = 0; i < file.len; i++) {
        uint8_t masks[2] = {0xff, (uint8_t)(1u << (i % 8))};
        for (int k = 0; k < 2; k++) {
            data[i] ^= masks[k];
            vonk_status st = try_file(data, file.len, &hash);
            data[i] ^= masks[k];
            bool covered = checksums && i < file.len - 8 - footer;
            if (st == VONK_E_INTERNAL_ERROR || (covered && st == VONK_OK && (pages.data[i] || hash != whole))) {
                printf("%s: byte %zu changed by %02x is not noticed\n", path, i, masks[k]);
                failures++;
            }
        }
    }
    for (size_t n = 0; n < file.len; n += 1 + n / 50) {
        if (try_file(data, n, &hash) == VONK_OK) {
            printf("%s cut at %zu is read\n", path, n);
            failures++;
        }
    }
    vonk_buf_done(&file);
    return failures;
}

int main(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    int failed = 0, passed = 0;
    bool checksums = false;
    must(vonk_budget_new(vonk_budget_root(), "damage", MEMORY, &budget, &err), &err);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--checksums")) {
            checksums = true;
        } else if (check_file(argv[i], checksums) == 0) {
            passed++;
        } else {
            failed++;
        }
    }
    vonk_budget_free(budget);
    printf("[  PASSED  ] %d tests\n", passed);
    if (failed) printf("[  FAILED  ] %d tests\n", failed);
    return failed != 0;
}
