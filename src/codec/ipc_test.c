/* Tests of Arrow IPC streams: what is written comes back, one batch at a time; streams that are cut or changed give
 * errors, never more. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "codec/ipc.h"
#include "column/builder.h"
#include "column/random_column.h"

#define SCHEMA                                                                                                         \
    "a int, b string, c array<bigint>, d map<string, double>, e struct<x: boolean, y: array<string>>, f "              \
    "decimal(20,3), g timestamp, h binary,"                                                                            \
    " i date, j void, k smallint, l timestamp_ntz, m float"

static vonk_budget *budget;

static int set_up(void **state)
{
    vonk_error e = VONK_ERROR_INIT;
    random_state = 7;
    return vonk_budget_new(vonk_budget_root(), "ipc", 256 << 20, &budget, &e);
}

static int tear_down(void **state)
{
    vonk_budget_free(budget); /* asserts that nothing is left */
    return 0;
}

static const vonk_type *schema_of(const char *ddl)
{
    const vonk_type *type = NULL;
    OK(vonk_type_parse_ddl(vonk_str_of(ddl), &type, err));
    return type;
}

static vonk_batch *random_batch(const vonk_type *schema, uint32_t n)
{
    vonk_column *columns[32];
    vonk_batch *batch = NULL;
    for (uint32_t c = 0; c < schema->n_fields; c++)
        OK(random_column(budget, schema->fields[c].type, n, (vonk_encoding)random_below(4), 2, &columns[c], err));
    OK(vonk_batch_new(budget, n, columns, schema->n_fields, &batch, err));
    for (uint32_t c = 0; c < schema->n_fields; c++) vonk_column_unref(columns[c]);
    return batch;
}

/* A stream of several record batches. */
static vonk_buffer *stream_of(const vonk_type *schema, vonk_batch *const *batches, size_t n,
                              vonk_compression compression)
{
    vonk_ipc_options options = VONK_IPC_OPTIONS;
    vonk_buffer *bytes = NULL;
    vonk_buf out = {0};
    options.compression = compression;
    vonk_buf_init(&out, budget, SIZE_MAX);
    OK(vonk_ipc_write_schema(schema, &options, budget, &out, err));
    for (size_t i = 0; i < n; i++)
        OK(vonk_ipc_write_batch((const vonk_batch *const *)&batches[i], 1, schema, &options, &out, err));
    OK(vonk_ipc_write_end(&out, err));
    OK(vonk_buffer_new(budget, out.len, &bytes, err));
    memcpy(bytes->data, out.data, out.len);
    vonk_buf_done(&out);
    return bytes;
}

static void assert_same(const vonk_batch *a, const vonk_batch *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    assert_int_equal(a->n_columns, b->n_columns);
    for (uint32_t c = 0; c < a->n_columns; c++) {
        for (uint32_t i = 0; i < a->n_rows; i++) {
            bool null = vonk_column_is_null(a->columns[c], i);
            assert_int_equal(null, vonk_column_is_null(b->columns[c], i));
            if (!null) assert_true(vonk_column_row_eq(a->columns[c], i, b->columns[c], i));
        }
    }
}

static void what_is_written_comes_back(void **state)
{
    static const vonk_compression ways[] = {VONK_COMPRESS_NONE, VONK_COMPRESS_LZ4_FRAME, VONK_COMPRESS_ZSTD};
    static const uint32_t sizes[] = {5, 0, 1, 200};
    const vonk_type *schema = schema_of(SCHEMA);
    for (size_t w = 0; w < VONK_COUNTOF(ways); w++) {
        vonk_batch *batches[4], *back = NULL;
        vonk_ipc_reader *reader = NULL;
        for (size_t i = 0; i < 4; i++) batches[i] = random_batch(schema, sizes[i]);
        vonk_buffer *bytes = stream_of(schema, batches, 4, ways[w]);
        OK(vonk_ipc_reader_new(budget, bytes, "stream", &reader, err));
        vonk_buffer_unref(bytes); /* the reader holds it */
        assert_true(vonk_type_same(vonk_ipc_reader_type(reader), schema));
        for (size_t i = 0; i < 4; i++) {
            OK(vonk_ipc_reader_next(reader, &back, err));
            assert_non_null(back);
            assert_same(batches[i], back);
            vonk_batch_unref(back);
            vonk_batch_unref(batches[i]);
        }
        for (int again = 0; again < 2; again++) {
            OK(vonk_ipc_reader_next(reader, &back, err));
            assert_null(back);
        }
        vonk_ipc_reader_free(reader);
    }
    vonk_type_unref(schema);
}

static bool lies_in(const void *at, const vonk_buffer *bytes)
{
    return (const uint8_t *)at >= bytes->data && (const uint8_t *)at < bytes->data + bytes->bytes;
}

/* What goes to Python workers and comes from them: rows are written once, into the caller's buffer, and columns that
 * are read are what was received. */
static void rows_are_copied_once(void **state)
{
    enum { ROWS = 20000, ROOM = 8 << 20, SCRATCH = 256 << 10 };
    const vonk_type *schema = schema_of("a bigint, b string");
    vonk_ipc_options options = VONK_IPC_OPTIONS;
    vonk_budget *own = NULL;
    vonk_buf out = {0};
    vonk_column *columns[2];
    vonk_batch *batch = NULL, *back = NULL;
    vonk_builder b = {0};
    vonk_ipc_reader *reader = NULL;
    vonk_buffer *message = NULL;
    for (uint32_t c = 0; c < 2; c++) {
        OK(vonk_builder_init(&b, budget, schema->fields[c].type, ROWS, err));
        for (int64_t i = 0; i < ROWS; i++) {
            if (c == 0) OK(vonk_builder_i64(&b, i, err));
            if (c == 1) OK(vonk_builder_str(&b, VONK_STR("a text that is longer than what a view holds, by far"), err));
        }
        OK(vonk_builder_finish(&b, &columns[c], err));
    }
    OK(vonk_batch_new(budget, ROWS, columns, 2, &batch, err));
    OK(vonk_budget_new(budget, "own", 64 << 20, &own, err));
    vonk_buf_init(&out, own, SIZE_MAX);
    OK(vonk_buf_reserve(&out, ROOM, err));
    const int64_t before = vonk_budget_used(own);
    OK(vonk_ipc_write_schema(schema, &options, own, &out, err));
    const size_t head = out.len;
    OK(vonk_ipc_write_batch((const vonk_batch *const *)&batch, 1, schema, &options, &out, err));
    assert_true(out.len > (1 << 20) && out.len < ROOM);
    assert_true(vonk_budget_peak(own) - before < SCRATCH);

    OK(vonk_ipc_reader_new_fed(own, "stream", &reader, err));
    for (int i = 0; i < 2; i++) {
        const size_t from = i ? head : 0, n = i ? out.len - head : head;
        OK(vonk_buffer_new(own, n, &message, err));
        memcpy(message->data, out.data + from, n);
        OK(vonk_ipc_reader_feed(reader, message, &back, err));
        if (i == 0) vonk_buffer_unref(message);
    }
    assert_int_equal(back->n_rows, ROWS);
    assert_true(lies_in(back->columns[0]->data, message));
    assert_int_equal(back->columns[1]->n_heaps, 1);
    assert_true(lies_in(back->columns[1]->heaps[0]->data, message));
    assert_same(batch, back);

    vonk_buffer_unref(message);
    vonk_batch_unref(back);
    vonk_ipc_reader_free(reader);
    vonk_buf_done(&out);
    vonk_budget_free(own);
    vonk_batch_unref(batch);
    for (uint32_t c = 0; c < 2; c++) vonk_column_unref(columns[c]);
    vonk_type_unref(schema);
}

/* Cuts a stream at its messages, as whoever reads it from a pipe does, and feeds them one by one. */
static void messages_can_be_fed_one_by_one(void **state)
{
    static const vonk_compression ways[] = {VONK_COMPRESS_NONE, VONK_COMPRESS_ZSTD};
    const vonk_type *schema = schema_of(SCHEMA);
    for (size_t w = 0; w < VONK_COUNTOF(ways); w++) {
        vonk_batch *batches[3], *back = NULL;
        vonk_ipc_reader *reader = NULL;
        size_t n_back = 0;
        for (size_t i = 0; i < 3; i++) batches[i] = random_batch(schema, (uint32_t)(50 * i));
        vonk_buffer *bytes = stream_of(schema, batches, 3, ways[w]), *message = NULL;
        OK(vonk_ipc_reader_new_fed(budget, "stream", &reader, err));
        assert_null(vonk_ipc_reader_type(reader));
        for (size_t at = 0; at < bytes->bytes;) {
            size_t known = 0, wanted = 0;
            bool whole = false;
            for (int steps = 0; !whole; steps++) {
                assert_true(steps < 5);
                OK(vonk_ipc_measure(bytes->data + at, known, bytes->bytes, "stream", &wanted, &whole, err));
                assert_true(whole || wanted > known);
                assert_true(at + wanted <= bytes->bytes);
                known = wanted;
            }
            OK(vonk_buffer_new(budget, wanted, &message, err));
            memcpy(message->data, bytes->data + at, wanted);
            OK(vonk_ipc_reader_feed(reader, message, &back, err));
            vonk_buffer_unref(message); /* batches hold it */
            at += wanted;
            if (!back) continue;
            assert_true(vonk_type_same(vonk_ipc_reader_type(reader), schema));
            assert_same(batches[n_back++], back);
            vonk_batch_unref(back);
        }
        assert_int_equal(n_back, 3);
        vonk_error e = VONK_ERROR_INIT;
        assert_int_not_equal(vonk_ipc_reader_feed(reader, bytes, &back, &e), VONK_OK); /* after the end */
        size_t wanted;
        bool whole;
        assert_int_not_equal(vonk_ipc_measure(bytes->data, bytes->bytes, 64, "stream", &wanted, &whole, &e), VONK_OK);
        assert_int_not_equal(
            vonk_ipc_measure("\x40\0\0\0garbage, and more of that, as long as it is needed, to see that it is none", 70,
                             SIZE_MAX, "stream", &wanted, &whole, &e),
            VONK_OK);
        vonk_error_reset(&e);
        vonk_ipc_reader_free(reader);
        vonk_buffer_unref(bytes);
        for (size_t i = 0; i < 3; i++) vonk_batch_unref(batches[i]);
    }
    vonk_type_unref(schema);
}

static void one_batch_is_in_memory_at_a_time(void **state)
{
    const vonk_type *schema = schema_of("s string");
    vonk_batch *batches[40], *back = NULL;
    vonk_ipc_reader *reader = NULL;
    for (size_t i = 0; i < 40; i++) batches[i] = random_batch(schema, 2000);
    vonk_buffer *bytes = stream_of(schema, batches, 40, VONK_COMPRESS_ZSTD);
    for (size_t i = 0; i < 40; i++) vonk_batch_unref(batches[i]);
    int64_t before = vonk_budget_used(budget), most = 0, all = 0;
    OK(vonk_ipc_reader_new(budget, bytes, "stream", &reader, err));
    for (;;) {
        OK(vonk_ipc_reader_next(reader, &back, err));
        if (!back) break;
        int64_t now = vonk_budget_used(budget) - before;
        most = now > most ? now : most;
        all += (int64_t)vonk_batch_bytes(back);
        vonk_batch_unref(back);
    }
    assert_true(most < all / 4);
    vonk_ipc_reader_free(reader);
    vonk_buffer_unref(bytes);
    vonk_type_unref(schema);
}

/* Reads what there is. A broken column, an error that blames us, or memory left over is a mistake. */
static void read_foreign(vonk_buffer *bytes)
{
    vonk_error e = VONK_ERROR_INIT;
    vonk_ipc_reader *reader = NULL;
    vonk_batch *batch = NULL;
    vonk_status st = vonk_ipc_reader_new(budget, bytes, "stream", &reader, &e);
    while (st == VONK_OK) {
        st = vonk_ipc_reader_next(reader, &batch, &e);
        if (st != VONK_OK || !batch) break;
        for (uint32_t c = 0; c < batch->n_columns; c++) OK(vonk_column_check(batch->columns[c], err));
        vonk_batch_unref(batch);
    }
    assert_int_not_equal(st, VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&e);
    vonk_ipc_reader_free(reader);
}

static void streams_that_are_cut(void **state)
{
    const vonk_type *schema = schema_of(SCHEMA);
    vonk_batch *batches[2] = {random_batch(schema, 4), random_batch(schema, 3)};
    vonk_buffer *whole = stream_of(schema, batches, 2, VONK_COMPRESS_NONE);
    for (size_t n = 0; n <= whole->bytes; n++) {
        vonk_buffer *cut = NULL;
        OK(vonk_buffer_new(budget, n, &cut, err)); /* of its very size: a sanitizer sees reads behind it */
        memcpy(cut->data, whole->data, n);
        read_foreign(cut);
        vonk_buffer_unref(cut);
    }
    vonk_buffer_unref(whole);
    for (int i = 0; i < 2; i++) vonk_batch_unref(batches[i]);
    vonk_type_unref(schema);
}

static void streams_with_a_wrong_byte(void **state)
{
    static const vonk_compression ways[] = {VONK_COMPRESS_NONE, VONK_COMPRESS_ZSTD};
    const vonk_type *schema = schema_of(SCHEMA);
    vonk_batch *batch = random_batch(schema, 6);
    for (size_t w = 0; w < VONK_COUNTOF(ways); w++) {
        vonk_buffer *bytes = stream_of(schema, &batch, 1, ways[w]);
        for (size_t i = 0; i < bytes->bytes; i++) {
            static const uint8_t flips[] = {0x01, 0x80, 0xff};
            for (size_t k = 0; k < VONK_COUNTOF(flips); k++) {
                bytes->data[i] ^= flips[k];
                read_foreign(bytes);
                bytes->data[i] ^= flips[k];
            }
        }
        vonk_buffer_unref(bytes);
    }
    vonk_batch_unref(batch);
    vonk_type_unref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_copied_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_can_be_fed_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_batch_is_in_memory_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_that_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_with_a_wrong_byte, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
