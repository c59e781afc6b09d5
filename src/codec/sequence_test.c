/* Tests of codec/sequence and codec/writable: what is written is read again, whole and in splits; damaged files raise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "codec/sequence.h"
#include "codec/writable.h"

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != VONK_OK) fail_msg("%s: %s", #call, vonk_error_message(&err));                                    \
    } while (0)
#define CODEC "org.apache.hadoop.io.compress."
static const char *const codecs[] = {CODEC "GzipCodec",  CODEC "DefaultCodec", CODEC "SnappyCodec",   CODEC "Lz4Codec",
                                     CODEC "BZip2Codec", CODEC "DeflateCodec", CODEC "ZStandardCodec"};

static void write_file(vonk_sequence_packing packing, const char *codec, int n, vonk_buf *into)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_sequence_writer *w = NULL;
    vonk_bytes_out out;
    const vonk_sequence_options options = {.key_class = VONK_STR("Key"),
                                           .value_class = VONK_STR("Value"),
                                           .packing = packing,
                                           .codec_class = vonk_str_of(codec),
                                           .sync = {1, 2, 3, 4, 5, 6, 7, 8, 9}};
    vonk_buf_init(into, vonk_budget_root(), SIZE_MAX);
    vonk_bytes_out_buf(&out, into);
    OK(vonk_sequence_writer_new(vonk_budget_root(), &options, &out, &w, &err));
    for (int i = 0; i < n; i++) {
        char key[32], value[64];
        vonk_format(key, sizeof key, "key %d", i);
        vonk_format(value, sizeof value, "value %0*d", i % 40, i);
        OK(vonk_sequence_append(w, vonk_str_of(key), vonk_str_of(value), &err));
    }
    OK(vonk_sequence_finish(w, &err));
    vonk_sequence_writer_free(w);
}

/* Reads [start, end); *inout_next: the number that the next record must have. */
static void read_range(const vonk_buf *file, uint64_t start, uint64_t end, int *inout_next)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_sequence_reader *r = NULL;
    vonk_bytes_in in;
    vonk_str key, value;
    vonk_bytes_in_memory(&in, file->data, file->len, VONK_STR("a file"));
    OK(vonk_sequence_reader_new(vonk_budget_root(), &in, start, end, &r, &err));
    assert_true(vonk_str_is(vonk_sequence_key_class(r), "Key"));
    assert_true(vonk_str_is(vonk_sequence_value_class(r), "Value"));
    for (bool there = true;; ++*inout_next) {
        char text[64];
        OK(vonk_sequence_next(r, &there, &key, &value, &err));
        if (!there) break;
        assert_true(vonk_str_is(key, vonk_format(text, sizeof text, "key %d", *inout_next)));
        assert_true(vonk_str_is(value, vonk_format(text, sizeof text, "value %0*d", *inout_next % 40, *inout_next)));
    }
    vonk_sequence_reader_free(r);
}

static void there_and_back(vonk_sequence_packing packing, const char *codec, int n)
{
    vonk_buf file = {0};
    write_file(packing, codec, n, &file);
    for (uint64_t pieces = 1; pieces <= 7; pieces += 3) { /* each record is in one split, in order */
        int next = 0;
        for (uint64_t i = 0; i < pieces; i++)
            read_range(&file, i * file.len / pieces, (i + 1) * file.len / pieces, &next);
        assert_int_equal(next, n);
    }
    vonk_buf_done(&file);
}

static void test_there_and_back(void **state)
{
    enum { N = 60000 };
    (void)state;
    there_and_back(VONK_SEQUENCE_PLAIN, "", N);
    for (size_t i = 0; i < VONK_COUNTOF(codecs); i++) {
        there_and_back(VONK_SEQUENCE_RECORD, codecs[i], i < 4 ? N / 10 : 200);
        there_and_back(VONK_SEQUENCE_BLOCK, codecs[i], N);
    }
}

/* Records of a file until its end, or an error. */
static vonk_status read_all(const vonk_buf *file, size_t bytes, vonk_error *err)
{
    VONK_AUTO(vonk_sequence_reader_free) vonk_sequence_reader *r = NULL;
    vonk_bytes_in in;
    vonk_str key, value;
    bool there = true;
    vonk_bytes_in_memory(&in, file->data, bytes, VONK_STR("a file"));
    VONK_TRY(vonk_sequence_reader_new(vonk_budget_root(), &in, 0, bytes, &r, err));
    for (int i = 0; there && i < 1000; i++) VONK_TRY(vonk_sequence_next(r, &there, &key, &value, err));
    return VONK_OK;
}

static void test_damaged_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < VONK_COUNTOF(codecs) * 2; i++) {
        vonk_buf file = {0};
        vonk_error err = VONK_ERROR_INIT;
        write_file(i % 2 ? VONK_SEQUENCE_RECORD : VONK_SEQUENCE_BLOCK, codecs[i / 2], i % 2 ? 5 : 300, &file);
        for (size_t at = 0; at < file.len; at++) { /* each byte, in turn, and some are missing */
            file.data[at] ^= 0x55;
            (void)!read_all(&file, file.len - at % 3, &err);
            vonk_error_reset(&err);
            file.data[at] ^= 0x55;
        }
        OK(read_all(&file, file.len, &err));
        if (!(i % 2)) /* one block: no part of it will do, and its mark is the end of what is whole */
            for (size_t n = file.len - 1; n > file.len - 200; n--) {
                assert_int_equal(read_all(&file, n, &err), VONK_E_MALFORMED_INPUT);
                vonk_error_reset(&err);
            }
        vonk_buf_done(&file);
    }
}

static void test_numbers(void **state)
{
    static const int64_t numbers[] = {0, 127, -112, 128, -113, 255, 256, -256, INT32_MAX, INT64_MAX, INT64_MIN};
    vonk_error err = VONK_ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < VONK_COUNTOF(numbers); i++) {
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        int64_t back = 0;
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        OK(vonk_hadoop_put_vint(&out, numbers[i], &err));
        vonk_cursor in = vonk_cursor_of(out.data, out.len, "a number");
        OK(vonk_hadoop_vint(&in, &back, &err));
        assert_true(back == numbers[i] && vonk_cursor_left(&in) == 0);
    }
}

/* A map with a class that is told by name, as Hadoop writes it. */
static void test_writables(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_buf out = {0}, text = {0};
    const vonk_pickle_value key = {.kind = VONK_PICKLE_FLOAT, .f = 3.0};
    const vonk_pickle_value value = {.kind = VONK_PICKLE_STRING, .text = VONK_STR("bb")};
    const vonk_pickle_value *items[] = {&key, &value}, *back = NULL;
    const vonk_pickle_value map = {.kind = VONK_PICKLE_DICT, .n_items = 2, .items = items};
    const char *name = NULL;
    (void)state;
    OK(vonk_arena_new(vonk_budget_root(), &arena, &err));
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    OK(vonk_writable_class(&map, &name, &err));
    assert_string_equal(name, VONK_WRITABLE "MapWritable");
    OK(vonk_writable_write(&map, &out, &err));
    static const char bytes[] = "\1\1\0\43org.apache.hadoop.io.DoubleWritable\0\0\0\1\1\x40\x08\0\0\0\0\0\0\x8c\2bb";
    assert_int_equal(out.len, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, sizeof bytes - 1);
    vonk_cursor in = vonk_cursor_of(out.data, out.len, "a map");
    OK(vonk_writable_read(vonk_str_of(name), &in, arena, &back, &err));
    assert_true(back->kind == VONK_PICKLE_DICT && back->n_items == 2 && back->items[0]->f == 3.0);
    assert_true(vonk_str_is(back->items[1]->text, "bb"));
    OK(vonk_writable_text(&map, &text, &err));
    assert_true(vonk_str_is(vonk_buf_str(&text), "{3.0=bb}"));
    for (size_t cut = 0; cut < out.len; cut++) { /* never past the end */
        vonk_cursor less = vonk_cursor_of(out.data, cut, "a map");
        assert_int_not_equal(vonk_writable_read(vonk_str_of(name), &less, arena, &back, &err), VONK_OK);
        vonk_error_reset(&err);
    }
    vonk_buf_done(&out);
    vonk_buf_done(&text);
    vonk_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_damaged_files),
                                       cmocka_unit_test(test_numbers), cmocka_unit_test(test_writables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
