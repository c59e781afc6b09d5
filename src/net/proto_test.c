/* Tests of decoding and writing messages, on Spark Connect's table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "net/connect_table.h"

static vonk_arena *arena;

static int new_arena(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    return vonk_arena_new(vonk_budget_root(), &arena, &err);
}

static int free_arena(void **state)
{
    (void)state;
    vonk_arena_free(arena);
    return 0;
}

static vonk_status decode(int message, vonk_str bytes, const vonk_pb_msg **ret, vonk_error *err)
{
    return vonk_pb_decode(&vonk_pb_connect, message, bytes, VONK_PB_MAX_DEPTH, arena, ret, err);
}

static const vonk_pb_msg *decoded(int message, vonk_str bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_pb_msg *m = NULL;
    if (decode(message, bytes, &m, &err) != VONK_OK) fail_msg("%s", vonk_error_message(&err));
    return m;
}

static void assert_refused(int message, vonk_str bytes, const char *why)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_pb_msg *m = NULL;
    assert_int_equal(decode(message, bytes, &m, &err), VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE);
    if (!strstr(vonk_error_message(&err), why)) fail_msg("'%s' does not say '%s'", vonk_error_message(&err), why);
    vonk_error_reset(&err);
}

#define assert_str(given, expected) assert_true(vonk_str_is((given), (expected)))

/* Relation{common{plan_id 7} range{start 1 end 300 step -2 num_partitions 4}} */
static void reads_scalars_and_messages(void **state)
{
    (void)state;
    const vonk_pb_msg *m = decoded(
        PB_M_RELATION,
        VONK_STR("\x0a\x02\x10\x07\x7a\x12\x08\x01\x10\xac\x02\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01 \x04"));
    assert_int_equal(vonk_pb_which(m, PB_RELATION_REL_TYPE_ONEOF), PB_RELATION_RANGE);
    assert_int_equal(vonk_pb_i64(vonk_pb_get_msg(m, PB_RELATION_COMMON), PB_RELATION_COMMON_PLAN_ID), 7);
    const vonk_pb_msg *range = vonk_pb_get_msg(m, PB_RELATION_RANGE);
    assert_true(vonk_pb_has(range, PB_RANGE_START));
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_START), 1);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_END), 300);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_STEP), -2);
    assert_int_equal(vonk_pb_i32(range, PB_RANGE_NUM_PARTITIONS), 4);
    /* absent things are their defaults, at any depth */
    assert_null(vonk_pb_get_msg(m, PB_RELATION_PROJECT));
    assert_int_equal(vonk_pb_n(vonk_pb_get_msg(m, PB_RELATION_PROJECT), PB_PROJECT_EXPRESSIONS), 0);
    assert_str(vonk_pb_str(NULL, PB_SQL_QUERY), "");
    assert_false(vonk_pb_has(m, PB_RELATION_PROJECT));
    /* the bytes of the inner message, as they came */
    vonk_str raw;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_pb_raw(range, arena, &raw, &err), VONK_OK);
    assert_int_equal(raw.len, 0x12);
    assert_memory_equal(raw.data, "\x08\x01\x10\xac\x02", 5);
    assert_string_equal(vonk_pb_type_name(m->schema, PB_M_RELATION), "spark.connect.Relation");
    assert_string_equal(vonk_pb_field_name(m->schema, PB_RELATION_RANGE), "range");
    assert_int_equal(vonk_pb_field_number(m->schema, PB_RELATION_RANGE), 15);
    assert_string_equal(vonk_pb_oneof_name(m->schema, PB_RELATION_REL_TYPE_ONEOF), "rel_type");
}

static void absent_presence_of_optional(void **state)
{
    (void)state;
    const vonk_pb_msg *m = decoded(PB_M_RANGE, VONK_STR("\x10\x05\x08\x00"));
    assert_true(vonk_pb_has(m, PB_RANGE_START)); /* sent, though 0 */
    assert_false(vonk_pb_has(m, PB_RANGE_NUM_PARTITIONS));
}

static void last_member_of_a_oneof_wins(void **state)
{
    (void)state;
    /* Literal: integer 5, then string "x", then long 7 */
    const vonk_pb_msg *m = decoded(PB_M_EXPRESSION_LITERAL, VONK_STR("\x30\x05\x6a\x01x\x38\x07"));
    assert_int_equal(vonk_pb_which(m, PB_EXPRESSION_LITERAL_LITERAL_TYPE_ONEOF), PB_EXPRESSION_LITERAL_LONG);
    assert_int_equal(vonk_pb_i64(m, PB_EXPRESSION_LITERAL_LONG), 7);
    assert_false(vonk_pb_has(m, PB_EXPRESSION_LITERAL_INTEGER));
    assert_int_equal(vonk_pb_i64(m, PB_EXPRESSION_LITERAL_INTEGER), 0);
    assert_str(vonk_pb_str(m, PB_EXPRESSION_LITERAL_STRING), "");
    /* a message member that comes again after another is a new message */
    m = decoded(PB_M_RELATION, VONK_STR("\x7a\x02\x08\x05\x52\x00\x7a\x02\x10\x06"));
    const vonk_pb_msg *range = vonk_pb_get_msg(m, PB_RELATION_RANGE);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_START), 0);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_END), 6);
}

static void message_sent_twice_is_merged(void **state)
{
    (void)state;
    const vonk_pb_msg *m = decoded(PB_M_RELATION, VONK_STR("\x7a\x02\x08\x05\x0a\x00\x7a\x02\x10\x06\x7a\x02\x08\x09"));
    const vonk_pb_msg *range = vonk_pb_get_msg(m, PB_RELATION_RANGE);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_START), 9);
    assert_int_equal(vonk_pb_i64(range, PB_RANGE_END), 6);
    vonk_str raw;
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(vonk_pb_raw(range, arena, &raw, &err), VONK_OK);
    assert_int_equal(raw.len, 6);
    assert_memory_equal(raw.data, "\x08\x05\x10\x06\x08\x09", 6);
    const vonk_pb_msg *again = decoded(PB_M_RANGE, raw);
    assert_int_equal(vonk_pb_i64(again, PB_RANGE_START), 9);
    assert_int_equal(vonk_pb_i64(again, PB_RANGE_END), 6);
}

static void repeated_packed_and_not(void **state)
{
    (void)state;
    /* SpecializedArray.ints: field 2 of Expression.Literal.SpecializedArray holds Ints{values 1: repeated int32} */
    const vonk_pb_msg *m = decoded(PB_M_INTS, VONK_STR("\x0a\x03\x01\x96\x01\x08\x07\x0a\x00\x0a\x01\x08"));
    assert_int_equal(vonk_pb_n(m, PB_INTS_VALUES), 4);
    const int64_t expected[] = {1, 150, 7, 8};
    for (size_t i = 0; i < 4; i++) assert_int_equal(vonk_pb_i64_at(m, PB_INTS_VALUES, i), expected[i]);
    m = decoded(PB_M_DOUBLES, VONK_STR("\x0a\x10\x00\x00\x00\x00\x00\x00\xf8\x3f\x00\x00\x00\x00\x00\x00\x00\xc0"));
    assert_int_equal(vonk_pb_n(m, PB_DOUBLES_VALUES), 2);
    assert_true(vonk_pb_f64_at(m, PB_DOUBLES_VALUES, 0) == 1.5 && vonk_pb_f64_at(m, PB_DOUBLES_VALUES, 1) == -2);
    m = decoded(PB_M_FLOATS, VONK_STR("\x0d\x00\x00\xc0\x3f"));
    assert_true(vonk_pb_f64_at(m, PB_FLOATS_VALUES, 0) == 1.5);
    m = decoded(PB_M_INTS, VONK_STR("\x0a\x00"));
    assert_false(vonk_pb_has(m, PB_INTS_VALUES));
    m = decoded(PB_M_STRINGS, VONK_STR("\x0a\x01"
                                       "a\x0a\x00\x0a\x02"
                                       "bc"));
    assert_int_equal(vonk_pb_n(m, PB_STRINGS_VALUES), 3);
    assert_str(vonk_pb_str_at(m, PB_STRINGS_VALUES, 2), "bc");
}

static void maps_are_entries(void **state)
{
    (void)state;
    /* Read.NamedTable{unparsed_identifier "t" options{a:1} options{b:2} options{a:3} options{}} */
    const vonk_pb_msg *m = decoded(PB_M_READ_NAMED_TABLE, VONK_STR("\x0a\x01t\x12\x06\x0a\x01"
                                                                   "a\x12\x01"
                                                                   "1\x12\x06\x0a\x01"
                                                                   "b\x12\x01"
                                                                   "2"
                                                                   "\x12\x06\x0a\x01"
                                                                   "a\x12\x01"
                                                                   "3\x12\x00"));
    assert_int_equal(vonk_pb_n(m, PB_READ_NAMED_TABLE_OPTIONS), 4);
    const vonk_pb_msg *a = vonk_pb_map_find(m, PB_READ_NAMED_TABLE_OPTIONS, VONK_STR("a"));
    assert_str(vonk_pb_str(a, PB_READ_NAMED_TABLE_OPTIONS_ENTRY_VALUE), "3");
    assert_non_null(vonk_pb_map_find(m, PB_READ_NAMED_TABLE_OPTIONS, VONK_STR("")));
    assert_null(vonk_pb_map_find(m, PB_READ_NAMED_TABLE_OPTIONS, VONK_STR("c")));
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    /* number 1000 of each wire type, groups inside groups, a known number with another wire type; then end = 3 */
    const vonk_pb_msg *m = decoded(PB_M_RANGE, VONK_STR("\xc0\x3e\x96\x01\xc1\x3e"
                                                        "12345678\xc5\x3e"
                                                        "1234\xc2\x3e\x03xyz"
                                                        "\xc3\x3e\x0b\x10\x63\x0c\xc4\x3e\x0a\x01z\x10\x03"));
    assert_int_equal(vonk_pb_i64(m, PB_RANGE_END), 3);
    assert_false(vonk_pb_has(m, PB_RANGE_START));
}

static void refuses_what_is_no_message(void **state)
{
    (void)state;
    assert_refused(PB_M_RANGE, VONK_STR("\x08"), "cut off");
    assert_refused(PB_M_RANGE, VONK_STR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "varint");
    assert_refused(PB_M_RANGE, VONK_STR("\x02\x00"), "number 0");
    assert_refused(PB_M_RANGE, VONK_STR("\x0f"), "wire type");
    assert_refused(PB_M_RANGE, VONK_STR("\x0c"), "did not begin");
    assert_refused(PB_M_RANGE, VONK_STR("\xc3\x3e\x10\x01"), "cut off");
    assert_refused(PB_M_RANGE, VONK_STR("\xc3\x3e\xd4\x3e"), "did not begin");
    assert_refused(PB_M_SQL,
                   VONK_STR("\x0a\x05"
                            "abcd"),
                   "longer than what is there");
    assert_refused(PB_M_SQL, VONK_STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "longer than what is there");
    assert_refused(PB_M_SQL, VONK_STR("\x0a\x02\xc0\x80"), "UTF-8");
    assert_refused(PB_M_RELATION, VONK_STR("\x7a\x05\x08\x01"), "longer than what is there");
    assert_refused(PB_M_RELATION, VONK_STR("\x7a\x03\x08\x01\x10\x0a"), "cut off"); /* inner end inside a field */
    assert_refused(PB_M_DOUBLES,
                   VONK_STR("\x0a\x09"
                            "123456789"),
                   "8 bytes wanted");
}

/* Limit{input Relation{limit Limit{...}}}, `levels` pairs, made from the inside out by the writer. */
static void write_deep(vonk_buf *buf, int levels)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, buf, &err);
    size_t n = (size_t)levels * 2, *marks = calloc(n, sizeof(*marks));
    for (size_t i = 0; i < n; i++) marks[i] = vonk_pb_begin(&w, i % 2 ? PB_LIMIT_INPUT : PB_RELATION_LIMIT);
    while (n-- > 0) vonk_pb_end(&w, marks[n]);
    free(marks);
    assert_int_equal(vonk_pb_writer_end(&w), VONK_OK);
}

static void depth_is_limited(void **state)
{
    (void)state;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    write_deep(&buf, (VONK_PB_MAX_DEPTH - 2) / 2);
    const vonk_pb_msg *m = decoded(PB_M_RELATION, vonk_buf_str(&buf));
    int depth = 1;
    for (const vonk_pb_msg *limit; (limit = vonk_pb_get_msg(m, PB_RELATION_LIMIT));
         m = vonk_pb_get_msg(limit, PB_LIMIT_INPUT))
        depth += 2;
    assert_int_equal(depth, VONK_PB_MAX_DEPTH - 1);
    vonk_buf_reset(&buf);
    write_deep(&buf, VONK_PB_MAX_DEPTH / 2);
    assert_refused(PB_M_RELATION, vonk_buf_str(&buf), "nested deeper than 2048");
    vonk_buf_reset(&buf);
    write_deep(&buf, 10000); /* twenty thousand messages: 8 MB of C stack for a decoder that recurses */
    assert_refused(PB_M_RELATION, vonk_buf_str(&buf), "nested deeper");
    vonk_buf_done(&buf);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    char long_text[300];
    memset(long_text, 'q', sizeof(long_text));

    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &buf, &err);
    size_t common = vonk_pb_begin(&w, PB_RELATION_COMMON);
    vonk_pb_put_i64(&w, PB_RELATION_COMMON_PLAN_ID, INT64_MIN);
    vonk_pb_end(&w, common);
    size_t sql = vonk_pb_begin(&w, PB_RELATION_SQL);
    vonk_pb_put_str(&w, PB_SQL_QUERY, (vonk_str){long_text, sizeof(long_text)});
    size_t literal = vonk_pb_begin(&w, PB_SQL_POS_ARGS);
    vonk_pb_put_f64(&w, PB_EXPRESSION_LITERAL_FLOAT, 0.25);
    vonk_pb_end(&w, literal);
    literal = vonk_pb_begin(&w, PB_SQL_POS_ARGS);
    vonk_pb_put_f64(&w, PB_EXPRESSION_LITERAL_DOUBLE, -1e300);
    vonk_pb_end(&w, literal);
    vonk_pb_end(&w, sql);
    assert_int_equal(vonk_pb_writer_end(&w), VONK_OK);

    const vonk_pb_msg *m = decoded(PB_M_RELATION, vonk_buf_str(&buf));
    assert_true(vonk_pb_i64(vonk_pb_get_msg(m, PB_RELATION_COMMON), PB_RELATION_COMMON_PLAN_ID) == INT64_MIN);
    const vonk_pb_msg *read = vonk_pb_get_msg(m, PB_RELATION_SQL);
    assert_int_equal(vonk_pb_str(read, PB_SQL_QUERY).len, sizeof(long_text));
    assert_int_equal(vonk_pb_n(read, PB_SQL_POS_ARGS), 2);
    assert_true(vonk_pb_f64(vonk_pb_msg_at(read, PB_SQL_POS_ARGS, 0), PB_EXPRESSION_LITERAL_FLOAT) == 0.25);
    assert_true(vonk_pb_f64(vonk_pb_msg_at(read, PB_SQL_POS_ARGS, 1), PB_EXPRESSION_LITERAL_DOUBLE) == -1e300);

    /* echo: a decoded message into another one */
    vonk_buf echo = {0};
    vonk_buf_init(&echo, vonk_budget_root(), SIZE_MAX);
    vonk_pb_writer e = vonk_pb_writer_of(&vonk_pb_connect, &echo, &err);
    vonk_pb_put_msg(&e, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION, m);
    assert_int_equal(vonk_pb_writer_end(&e), VONK_OK);
    const vonk_pb_msg *result = decoded(PB_M_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT, vonk_buf_str(&echo));
    vonk_str raw;
    assert_int_equal(
        vonk_pb_raw(vonk_pb_get_msg(result, PB_EXECUTE_PLAN_RESPONSE_SQL_COMMAND_RESULT_RELATION), arena, &raw, &err),
        VONK_OK);
    assert_true(vonk_str_eq(raw, vonk_buf_str(&buf)));
    vonk_buf_done(&echo);
    vonk_buf_done(&buf);
}

/* A response whose batch is sent apart from it decodes as if it were one. */
static void external_bytes_count(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    char *batch = calloc(1, 100000);
    memset(batch, 'b', 100000);

    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &buf, &err);
    vonk_pb_put_c(&w, PB_EXECUTE_PLAN_RESPONSE_SESSION_ID, "s");
    size_t mark = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH);
    vonk_pb_put_i64(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_ROW_COUNT, 12);
    vonk_pb_put_external(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_DATA, 100000);
    vonk_pb_end(&w, mark);
    assert_int_equal(vonk_pb_writer_end(&w), VONK_OK);
    assert_true(buf.len < 30);
    assert_int_equal(vonk_buf_append(&buf, batch, 100000, &err), VONK_OK);
    const vonk_pb_msg *m = decoded(PB_M_EXECUTE_PLAN_RESPONSE, vonk_buf_str(&buf));
    const vonk_pb_msg *read = vonk_pb_get_msg(m, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH);
    assert_int_equal(vonk_pb_i64(read, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_ROW_COUNT), 12);
    assert_int_equal(vonk_pb_str(read, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_DATA).len, 100000);
    free(batch);
    vonk_buf_done(&buf);
}

static void memory_is_budgeted(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_arena *small = NULL;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(vonk_buf_append(&buf, "\x1a\x00", 2, &err), VONK_OK); /* empty expressions */
    assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", 1 << 20, &budget, &err), VONK_OK);
    assert_int_equal(vonk_arena_new(budget, &small, &err), VONK_OK);
    const vonk_pb_msg *m = NULL;
    assert_int_equal(vonk_pb_decode(&vonk_pb_connect, PB_M_PROJECT, vonk_buf_str(&buf), 10, small, &m, &err),
                     VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    vonk_arena_free(small);
    vonk_budget_free(budget);
    vonk_buf_done(&buf);
}

/* The table itself: what the decoder relies on. */
static void table_is_sound(void **state)
{
    (void)state;
    const vonk_pb_schema *s = &vonk_pb_connect;
    for (int t = 0; t < s->n_types; t++) {
        const vonk_pb_type *type = &s->types[t];
        assert_true(type->n_slots <= 64);
        for (int i = 0; i < type->n_fields; i++) {
            const vonk_pb_field *f = &s->fields[type->first_field + i];
            assert_int_equal(f->in, t);
            assert_true(i == 0 || f[-1].number < f->number);
            assert_true(i >= type->n_dense || f->number == i + 1);
            assert_true(f->slot < type->n_slots && f->holds < s->n_types);
            assert_true(f->oneof == VONK_PB_NO_ONEOF || f->oneof < type->n_oneofs);
            assert_true(f->kind >= VONK_PB_DOUBLE && f->kind <= VONK_PB_SINT64 && f->kind != VONK_PB_GROUP);
            assert_false((f->flags & VONK_PB_REPEATED) && f->oneof != VONK_PB_NO_ONEOF);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_scalars_and_messages, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(absent_presence_of_optional, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(last_member_of_a_oneof_wins, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(message_sent_twice_is_merged, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(repeated_packed_and_not, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(maps_are_entries, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(unknown_fields_are_skipped, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_message, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(depth_is_limited, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(writes_what_it_reads, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(external_bytes_count, new_arena, free_arena),
        cmocka_unit_test_setup_teardown(memory_is_budgeted, new_arena, free_arena),
        cmocka_unit_test(table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
