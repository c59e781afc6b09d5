/* Tests of the Parquet reader on files that our writer makes in memory: windows, ranges, late materialisation,
 * projection, widening, pruning, merging of schemas, errors. Files of other writers: tests/codec. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "codec/parquet.h"
#include "column/builder.h"

enum { ROWS = 5000, PAGE_ROWS = 1000 };

static vonk_error err = VONK_ERROR_INIT;
static vonk_buf file;
static vonk_bytes_in in;
static vonk_parquet_meta *meta;

#define OK(call) assert_int_equal((call), VONK_OK)

static const vonk_type *parse(const char *ddl)
{
    const vonk_type *type = NULL;
    OK(vonk_type_parse_ddl(vonk_str_of(ddl), &type, &err));
    return type;
}

/* a: 0.., b: null for every third, s: few words, n: struct of x and list l. */
static void add_row(vonk_builder *b, int64_t row)
{
    vonk_builder *list = vonk_builder_child(&b[3], 1);
    OK(vonk_builder_i64(&b[0], row, &err));
    OK(row % 3 == 0 ? vonk_builder_null(&b[1], &err) : vonk_builder_i64(&b[1], row * 2, &err));
    OK(vonk_builder_str(&b[2], vonk_str_of(VONK_F("word %d with a tail", (int)(row % 5))), &err));
    OK(vonk_builder_i64(vonk_builder_child(&b[3], 0), row % 7, &err));
    for (int64_t k = 0; k < row % 3; k++) OK(vonk_builder_i64(vonk_builder_child(list, 0), row + k, &err));
    OK(vonk_builder_close(list, &err));
    OK(vonk_builder_close(&b[3], &err));
}

static vonk_batch *make_batch(const vonk_type *type, int64_t from, uint32_t n)
{
    vonk_builder b[4];
    vonk_column *columns[4];
    vonk_batch *batch = NULL;
    for (uint32_t c = 0; c < 4; c++) OK(vonk_builder_init(&b[c], vonk_budget_root(), type->fields[c].type, n, &err));
    for (uint32_t i = 0; i < n; i++) add_row(b, from + i);
    for (uint32_t c = 0; c < 4; c++) {
        OK(vonk_builder_finish(&b[c], &columns[c], &err));
        vonk_builder_done(&b[c]);
    }
    OK(vonk_batch_new(vonk_budget_root(), n, columns, 4, &batch, &err));
    for (uint32_t c = 0; c < 4; c++) vonk_column_unref(columns[c]);
    return batch;
}

static int write_file(void **state)
{
    const vonk_type *type = parse("a BIGINT NOT NULL, b INT, s STRING, n STRUCT<x: INT, l: ARRAY<BIGINT>>");
    const vonk_parquet_options read = VONK_PARQUET_OPTIONS;
    const vonk_str bloom[] = {VONK_STR("s"), VONK_STR("n.x")};
    vonk_parquet_write_options options = VONK_PARQUET_WRITE_OPTIONS;
    vonk_parquet_writer *writer = NULL;
    vonk_parquet_written written;
    vonk_bytes_out out;
    options.page_rows = PAGE_ROWS;
    options.bloom_columns = bloom;
    options.n_bloom_columns = 2;
    vonk_buf_init(&file, vonk_budget_root(), SIZE_MAX);
    vonk_bytes_out_buf(&out, &file);
    OK(vonk_parquet_writer_new(vonk_budget_root(), &out, type, &options, &writer, &err));
    for (int64_t row = 0; row < ROWS; row += 1250) {
        vonk_batch *batch = make_batch(type, row, 1250);
        OK(vonk_parquet_writer_write(writer, batch, &err));
        vonk_batch_unref(batch);
    }
    OK(vonk_parquet_writer_close(writer, &written, &err));
    assert_int_equal(written.n_rows, ROWS);
    assert_int_equal(written.bytes, file.len);
    vonk_parquet_writer_free(writer);
    vonk_type_unref(type);
    vonk_bytes_in_memory(&in, file.data, file.len, VONK_STR("memory.parquet"));
    OK(vonk_parquet_meta_read(vonk_budget_root(), &in, &read, &meta, &err));
    return 0;
}

static int drop_file(void **state)
{
    vonk_parquet_meta_unref(meta);
    vonk_buf_done(&file);
    return 0;
}

static vonk_parquet_scan *open_scan(const char *ddl, const vonk_parquet_range *ranges, size_t n_ranges)
{
    const vonk_type *type = parse(ddl);
    vonk_parquet_scan *scan = NULL;
    const vonk_parquet_scan_spec spec = {.want = type, .ranges = ranges, .n_ranges = n_ranges};
    OK(vonk_parquet_scan_new(vonk_budget_root(), meta, &in, &spec, &scan, &err));
    vonk_type_unref(type);
    return scan;
}

static vonk_column *read_column(vonk_parquet_scan *scan, uint32_t c, vonk_rows rows)
{
    vonk_column *column = NULL;
    OK(vonk_parquet_scan_column(scan, c, rows, &column, &err));
    OK(vonk_column_check(column, &err));
    assert_int_equal(column->n_rows, rows.n);
    return column;
}

/* ---- */
static void what_the_footer_says(void **state)
{
    const vonk_type *type = NULL;
    vonk_str value;
    assert_int_equal(vonk_parquet_n_rows(meta), ROWS);
    assert_int_equal(vonk_parquet_n_row_groups(meta), 1);
    vonk_parquet_row_group group = vonk_parquet_row_group_at(meta, 0);
    assert_true(group.n_rows == ROWS && group.offset == 4 && group.bytes > 1000 && group.bytes < file.len);
    assert_true(vonk_str_starts(vonk_parquet_created_by(meta), VONK_STR("vonk version")));
    assert_true(vonk_parquet_key_value(meta, VONK_STR("org.apache.spark.version"), &value));
    assert_false(vonk_parquet_key_value(meta, VONK_STR("nothing"), &value));
    OK(vonk_parquet_schema(meta, &type, &err));
    const vonk_type *written = parse("a BIGINT NOT NULL, b INT, s STRING, n STRUCT<x: INT, l: ARRAY<BIGINT>>");
    assert_true(vonk_type_eq(type, written));
    vonk_type_unref(type);
    vonk_type_unref(written);
    vonk_parquet_column_stats stats;
    OK(vonk_parquet_column_stats_of(vonk_budget_root(), meta, 0, VONK_STR("b"), &vonk_type_int, &stats, &err));
    assert_true(stats.n_values == ROWS && stats.n_nulls == (ROWS + 2) / 3 && stats.min_exact && stats.max_exact);
    assert_int_equal(vonk_column_i64(stats.min_max, 0), 2);
    assert_int_equal(vonk_column_i64(stats.min_max, 1), 9998);
    vonk_column_unref(stats.min_max);
    OK(vonk_parquet_column_stats_of(vonk_budget_root(), meta, 0, VONK_STR("missing"), &vonk_type_int, &stats, &err));
    assert_true(!stats.min_max && stats.n_nulls == -1);
}

static void late_columns_of_selected_rows(void **state)
{
    vonk_parquet_scan *scan = open_scan("a BIGINT, s STRING, b INT, n STRUCT<l: ARRAY<BIGINT>>", NULL, 0);
    for (int64_t first = 0;;) {
        uint32_t n = 0, idx[3] = {7, 8, 90};
        OK(vonk_parquet_scan_next(scan, 700, &n, &err));
        if (n == 0) break;
        assert_int_equal(vonk_parquet_scan_row(scan), first);
        vonk_column *a = read_column(scan, 0, VONK_ALL_ROWS(n));
        for (uint32_t i = 0; i < n; i++) assert_int_equal(vonk_column_i64(a, i), first + i);
        vonk_column_unref(a);
        if (first / 700 % 2) { /* every other window: nothing selected for the others */
            vonk_rows selected = {idx, n > 90 ? 3 : 2};
            vonk_column *s = read_column(scan, 1, selected), *b = read_column(scan, 2, selected),
                        *nested = read_column(scan, 3, selected);
            for (uint32_t k = 0; k < selected.n; k++) {
                int64_t row = first + idx[k];
                assert_true(vonk_str_is(vonk_column_str(s, k), VONK_F("word %d with a tail", (int)(row % 5))));
                assert_int_equal(vonk_column_is_null(b, k), row % 3 == 0);
                if (row % 3) assert_int_equal(vonk_column_i64(b, k), row * 2);
                vonk_span span = VONK_VALUES(nested->children[0], vonk_span)[k];
                assert_int_equal(span.len, row % 3);
                if (span.len) assert_int_equal(vonk_column_i64(nested->children[0]->children[0], span.offset), row);
            }
            vonk_column_unref(s);
            vonk_column_unref(b);
            vonk_column_unref(nested);
        }
        first += n;
    }
    vonk_parquet_scan_free(scan);
}

static void dictionaries_are_shared(void **state)
{
    vonk_parquet_scan *scan = open_scan("s STRING", NULL, 0);
    vonk_column *before = NULL;
    for (uint32_t n = 1; n > 0;) {
        OK(vonk_parquet_scan_next(scan, 600, &n, &err));
        if (n == 0) break;
        vonk_column *s = read_column(scan, 0, VONK_ALL_ROWS(n));
        assert_int_equal(s->encoding, VONK_DICTIONARY);
        assert_int_equal(s->children[0]->n_rows, 5);
        if (before) assert_ptr_equal(before->children[0], s->children[0]);
        vonk_column_unref(before);
        before = s;
    }
    vonk_column_unref(before);
    vonk_parquet_scan_free(scan);
}

static void projection_widening_and_missing_columns(void **state)
{
    vonk_parquet_scan *scan = open_scan("gone STRING, B DECIMAL(20, 2), n STRUCT<nothing: STRING>, b BIGINT", NULL, 0);
    uint32_t n = 0;
    OK(vonk_parquet_scan_next(scan, 100, &n, &err));
    vonk_column *gone = read_column(scan, 0, VONK_ALL_ROWS(n)), *decimal = read_column(scan, 1, VONK_ALL_ROWS(n));
    vonk_column *empty = read_column(scan, 2, VONK_ALL_ROWS(n)), *wide = read_column(scan, 3, VONK_ALL_ROWS(n));
    for (uint32_t i = 0; i < n; i++) {
        assert_true(vonk_column_is_null(gone, i));
        assert_false(vonk_column_is_null(empty, i)); /* the struct is there, its field is not */
        assert_true(vonk_column_is_null(empty->children[0], i));
        if (i % 3) assert_true(vonk_column_i128(decimal, i) == i * 200 && vonk_column_i64(wide, i) == i * 2);
    }
    vonk_column_unref(gone);
    vonk_column_unref(decimal);
    vonk_column_unref(empty);
    vonk_column_unref(wide);
    vonk_parquet_scan_free(scan);
}

static void types_that_do_not_fit(void **state)
{
    static const char *const wrong[] = {"a INT",        "s INT",           "b STRING",           "a DECIMAL(18, 0)",
                                        "n ARRAY<INT>", "s ARRAY<STRING>", "n STRUCT<x: STRING>"};
    for (size_t i = 0; i < VONK_COUNTOF(wrong); i++) {
        const vonk_type *type = parse(wrong[i]);
        vonk_parquet_scan *scan = NULL;
        const vonk_parquet_scan_spec spec = {.want = type};
        vonk_status st = vonk_parquet_scan_new(vonk_budget_root(), meta, &in, &spec, &scan, &err);
        assert_int_equal(st,
                         i == 4 ? VONK_E_MALFORMED_INPUT : VONK_E_FAILED_READ_FILE__PARQUET_COLUMN_DATA_TYPE_MISMATCH);
        if (i == 6)
            assert_non_null(strstr(vonk_error_message(&err), "[n, x] is INT32, which cannot be read as string"));
        vonk_error_reset(&err);
        vonk_type_unref(type);
    }
}

/* ---- pruning */
static vonk_column *one_value(const vonk_type *type, int64_t number, const char *text)
{
    vonk_builder b;
    vonk_column *column = NULL;
    OK(vonk_builder_init(&b, vonk_budget_root(), type, 1, &err));
    OK(text ? vonk_builder_str(&b, vonk_str_of(text), &err) : vonk_builder_i64(&b, number, &err));
    OK(vonk_builder_finish(&b, &column, &err));
    vonk_builder_done(&b);
    return column;
}

static void prune(const vonk_parquet_term *terms, size_t n, unsigned use, uint64_t from, uint64_t n_rows)
{
    vonk_arena *arena = NULL;
    const vonk_parquet_range *ranges = NULL;
    size_t n_ranges = 0;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_parquet_prune(arena, meta, &in, 0, terms, n, use, &ranges, &n_ranges, &err));
    assert_int_equal(n_ranges, n_rows > 0);
    if (n_rows > 0) assert_true(ranges[0].from == from && ranges[0].n == n_rows);
    vonk_arena_free(arena);
}

static void pruning(void **state)
{
    vonk_column *small = one_value(&vonk_type_long, 1500, NULL), *large = one_value(&vonk_type_long, 3100, NULL),
                *huge = one_value(&vonk_type_long, 9999, NULL);
    vonk_column *word = one_value(&vonk_type_string, 0, "word 3 with a tail"),
                *other = one_value(&vonk_type_string, 0, "word 3 with a tale");
    vonk_column *seven = one_value(&vonk_type_int, 7, NULL);
    const vonk_str a = VONK_STR("a"), s = VONK_STR("s"), gone = VONK_STR("gone"), nx[] = {VONK_STR("N"), VONK_STR("x")};
    const vonk_parquet_term between[] = {{&a, 1, VONK_PARQUET_GE, small, 0}, {&a, 1, VONK_PARQUET_LT, large, 1}};
    const vonk_parquet_term either[] = {{&a, 1, VONK_PARQUET_LT, small, 0}, {&a, 1, VONK_PARQUET_EQ, large, 0}};
    prune(between, 2, VONK_PARQUET_USE_STATISTICS, 0, ROWS);
    prune(between, 2, VONK_PARQUET_USE_ALL, 1000, 3000);
    prune(either, 1, VONK_PARQUET_USE_ALL, 0, 2000);
    const vonk_parquet_term both = {&a, 1, VONK_PARQUET_EQ, huge, 0};
    prune(&both, 1, VONK_PARQUET_USE_STATISTICS, 0, 0);
    prune((const vonk_parquet_term[]){{&s, 1, VONK_PARQUET_EQ, word, 0}}, 1, VONK_PARQUET_USE_ALL, 0, ROWS);
    prune((const vonk_parquet_term[]){{&s, 1, VONK_PARQUET_EQ, other, 0}}, 1, VONK_PARQUET_USE_STATISTICS, 0, ROWS);
    prune((const vonk_parquet_term[]){{&s, 1, VONK_PARQUET_EQ, other, 0}}, 1, VONK_PARQUET_USE_BLOOM, 0, 0);
    prune((const vonk_parquet_term[]){{&s, 1, VONK_PARQUET_EQ, other, 0}}, 1, VONK_PARQUET_USE_DICTIONARY, 0, 0);
    prune((const vonk_parquet_term[]){{nx, 2, VONK_PARQUET_EQ, seven, 0}}, 1, VONK_PARQUET_USE_STATISTICS, 0, 0);
    prune((const vonk_parquet_term[]){{&gone, 1, VONK_PARQUET_EQ, seven, 0}}, 1, VONK_PARQUET_USE_ALL, 0, 0);
    prune((const vonk_parquet_term[]){{&gone, 1, VONK_PARQUET_IS_NULL, NULL, 0}}, 1, VONK_PARQUET_USE_ALL, 0, ROWS);
    prune((const vonk_parquet_term[]){{&a, 1, VONK_PARQUET_IS_NULL, NULL, 0}}, 1, VONK_PARQUET_USE_STATISTICS, 0, 0);
    vonk_column *all[] = {small, large, huge, word, other, seven};
    for (size_t i = 0; i < VONK_COUNTOF(all); i++) vonk_column_unref(all[i]);
}

static void or_gives_several_ranges(void **state)
{
    vonk_column *low = one_value(&vonk_type_long, 500, NULL), *high = one_value(&vonk_type_long, 4500, NULL);
    const vonk_str a = VONK_STR("a");
    const vonk_parquet_term terms[] = {{&a, 1, VONK_PARQUET_LT, low, 3}, {&a, 1, VONK_PARQUET_GT, high, 3}};
    vonk_arena *arena = NULL;
    const vonk_parquet_range *ranges = NULL;
    const vonk_byte_range *bytes = NULL;
    size_t n = 0, n_bytes = 0;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    OK(vonk_parquet_prune(arena, meta, &in, 0, terms, 2, VONK_PARQUET_USE_ALL, &ranges, &n, &err));
    assert_int_equal(n, 2);
    assert_true(ranges[0].from == 0 && ranges[0].n == PAGE_ROWS && ranges[1].from == 4000 && ranges[1].n == 1000);
    vonk_parquet_scan *scan = open_scan("a BIGINT, b INT", ranges, n);
    OK(vonk_parquet_scan_bytes(scan, (const bool[]){true, false}, arena, &bytes, &n_bytes, &err));
    assert_int_equal(n_bytes, 2); /* the pages between are not read */
    uint64_t read = 0;
    for (uint32_t rows = 1; rows > 0; read += rows) {
        OK(vonk_parquet_scan_next(scan, 700, &rows, &err));
        if (rows == 0) break;
        vonk_column *column = read_column(scan, 0, VONK_ALL_ROWS(rows));
        for (uint32_t i = 0; i < rows; i++)
            assert_int_equal(vonk_column_i64(column, i), vonk_parquet_scan_row(scan) + i);
        vonk_column_unref(column);
    }
    assert_int_equal(read, 2000);
    vonk_parquet_scan_free(scan);
    vonk_arena_free(arena);
    vonk_column_unref(low);
    vonk_column_unref(high);
}

/* ---- schemas */
static void merged(const char *left, const char *right, bool sensitive, const char *want)
{
    const vonk_type *l = parse(left), *r = parse(right), *m = NULL;
    vonk_status st = vonk_parquet_merge_schemas(l, r, sensitive, &m, &err);
    if (want) {
        const vonk_type *w = parse(want);
        OK(st);
        assert_true(vonk_type_eq(m, w));
        vonk_type_unref(w);
    } else {
        assert_int_equal(st, VONK_E_CANNOT_MERGE_SCHEMAS);
        assert_non_null(vonk_error_cause(&err));
        vonk_error_reset(&err);
    }
    vonk_type_unref(m);
    vonk_type_unref(l);
    vonk_type_unref(r);
}

static void merging_schemas(void **state)
{
    merged("a INT, b STRING", "c DATE, a INT", true, "a INT, b STRING, c DATE");
    merged("a INT NOT NULL", "a INT", true, "a INT");
    merged("a INT", "A INT", true, "a INT, A INT");
    merged("a INT", "A INT", false, "a INT");
    merged("a DECIMAL(5, 2)", "a DECIMAL(9, 2)", true, "a DECIMAL(9, 2)");
    merged("a STRUCT<x: INT>", "a STRUCT<y: ARRAY<INT>>", true, "a STRUCT<x: INT, y: ARRAY<INT>>");
    merged("a MAP<STRING, STRUCT<x: INT>>", "a MAP<STRING, STRUCT<y: INT>>", true,
           "a MAP<STRING, STRUCT<x: INT, y: INT>>");
    merged("a INTERVAL YEAR", "a INTERVAL MONTH", true, "a INTERVAL YEAR TO MONTH");
    merged("a INT", "a BIGINT", true, NULL);
    merged("a DECIMAL(5, 2)", "a DECIMAL(9, 3)", true, NULL);
    merged("a ARRAY<INT>", "a ARRAY<STRING>", true, NULL);
}

static void not_a_parquet_file(void **state)
{
    static const char *const texts[] = {"", "PAR1", "PAR1PAR1PAR1", "this is not a Parquet file at all",
                                        "PAR1....\xff\xff\xff\x7fPAR1"};
    const vonk_parquet_options options = VONK_PARQUET_OPTIONS;
    for (size_t i = 0; i < VONK_COUNTOF(texts); i++) {
        vonk_bytes_in bad;
        vonk_parquet_meta *none = NULL;
        vonk_bytes_in_memory(&bad, texts[i], strlen(texts[i]), VONK_STR("bad.parquet"));
        assert_int_equal(vonk_parquet_meta_read(vonk_budget_root(), &bad, &options, &none, &err),
                         VONK_E_FAILED_READ_FILE__CANNOT_READ_FILE_FOOTER);
        vonk_error_reset(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_footer_says),    cmocka_unit_test(late_columns_of_selected_rows),
        cmocka_unit_test(dictionaries_are_shared), cmocka_unit_test(projection_widening_and_missing_columns),
        cmocka_unit_test(types_that_do_not_fit),   cmocka_unit_test(pruning),
        cmocka_unit_test(or_gives_several_ranges), cmocka_unit_test(merging_schemas),
        cmocka_unit_test(not_a_parquet_file),
    };
    return cmocka_run_group_tests(tests, write_file, drop_file);
}
