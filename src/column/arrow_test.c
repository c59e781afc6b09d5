/* Tests of Arrow's C data interface: round trips of every type, foreign layouts, hostile arrays, failing allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "column/arrow.h"
#include "column/column_case.h"

static void assert_same(const vonk_column *a, const vonk_column *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (uint32_t i = 0; i < a->n_rows; i++) {
        assert_int_equal(vonk_column_is_null(a, i), vonk_column_is_null(b, i));
        assert_true(vonk_column_row_eq(a, i, b, i));
    }
}

static vonk_status random_batch(const vonk_type *type, uint32_t n, vonk_batch **ret, vonk_error *err)
{
    vonk_column *columns[32] = {0};
    uint32_t k = 0;
    vonk_status st = VONK_OK;
    for (; k < type->n_fields && st == VONK_OK; k++)
        st = random_column(budget, type->fields[k].type, n, (vonk_encoding)random_below(4), random_below(4),
                           &columns[k], err);
    if (st == VONK_OK) st = vonk_batch_new(budget, n, columns, k, ret, err);
    for (uint32_t i = 0; i < k; i++) vonk_column_unref(columns[i]);
    return st;
}

static const vonk_type *all_types(void)
{
    static const char json[] =
        "{\"type\":\"struct\",\"fields\":["
        "{\"name\":\"a\",\"type\":\"timestamp_ltz(9)\",\"nullable\":true,\"metadata\":{}},"
        "{\"name\":\"b\",\"type\":\"timestamp_ntz(7)\",\"nullable\":true,\"metadata\":{\"k\":\"v\"}},"
        "{\"name\":\"c\",\"type\":\"time(3)\",\"nullable\":false,\"metadata\":{}}]}";
    VONK_AUTO(vonk_type_unref) const vonk_type *head = NULL;
    const vonk_type *whole;
    vonk_field fields[32];
    char names[32][8];
    OK(vonk_type_parse_json(vonk_str_of(json), &head, err));
    uint32_t n = head->n_fields;
    memcpy(fields, head->fields, n * sizeof(*fields));
    for (size_t t = 0; t < N_RANDOM_TYPES; t++, n++) {
        (void)snprintf(names[t], sizeof(names[t]), "f%zu", t);
        fields[n] =
            (vonk_field){.name = vonk_str_of(names[t]), .type = random_type_of(random_types[t]), .nullable = t % 2};
    }
    OK(vonk_type_struct(fields, n, &whole, err));
    for (uint32_t i = head->n_fields; i < n; i++) vonk_type_unref(fields[i].type);
    return whole;
}

/* char and collations have no Arrow type, intervals no fields: what comes back is a string, a day-time interval. */
static void assert_same_schema(const vonk_type *sent, const vonk_type *got)
{
    assert_int_equal(sent->n_fields, got->n_fields);
    for (uint32_t i = 0; i < sent->n_fields; i++) {
        assert_true(vonk_str_eq(sent->fields[i].name, got->fields[i].name));
        assert_int_equal(sent->fields[i].nullable, got->fields[i].nullable);
        assert_true(vonk_str_eq(sent->fields[i].metadata, got->fields[i].metadata));
        if (vonk_type_is_stringy(sent->fields[i].type))
            assert_ptr_equal(got->fields[i].type, &vonk_type_string);
        else {
            if (!vonk_type_eq(sent->fields[i].type, got->fields[i].type))
                print_error("%s is not %s\n", VONK_TYPE_SQL(got->fields[i].type), VONK_TYPE_SQL(sent->fields[i].type));
            assert_true(vonk_type_eq(sent->fields[i].type, got->fields[i].type));
        }
    }
}

static void round_trip(const vonk_type *type, const vonk_arrow_options *options, uint32_t n, uint32_t from)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *some = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *got = NULL;
    struct ArrowSchema schema;
    struct ArrowArray array;
    OK(random_batch(type, n, &batch, err));
    if (random_below(2)) { /* with a selection */
        vonk_buffer *sel;
        uint32_t k = 0;
        OK(vonk_buffer_new(budget, n * 4 + 4, &sel, err));
        for (uint32_t i = 0; i < n; i++)
            if (random_below(4)) ((uint32_t *)sel->data)[k++] = i;
        OK(vonk_batch_select(batch, sel, k, &some, err));
        vonk_batch_unref(batch);
        batch = NULL;
        OK(vonk_batch_compact(some, &batch, err));
    } else
        some = vonk_batch_ref(batch);
    OK(vonk_arrow_export_schema(type, options, &schema, err));
    OK(vonk_arrow_export_batch(some, type, options, &array, err));
    assert_int_equal(array.length, batch->n_rows);
    OK(vonk_arrow_import_schema(&schema, &got, err));
    assert_same_schema(type, got);
    if (from > batch->n_rows) from = 0;
    array.offset = from; /* as another library would cut it */
    array.length -= from;
    OK(vonk_arrow_import_batch(budget, &array, &schema, type, &back, err));
    assert_null(array.release);
    schema.release(&schema);
    for (uint32_t c = 0; c < type->n_fields; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *part = NULL;
        OK(vonk_column_check(back->columns[c], err));
        assert_true(vonk_type_eq(back->columns[c]->type, type->fields[c].type));
        OK(vonk_column_slice(budget, batch->columns[c], from, batch->n_rows - from, &part, err));
        assert_same(part, back->columns[c]);
    }
}

static void every_type_goes_out_and_comes_back(void **state)
{
    static const vonk_arrow_options options[] = {
        {.timezone = {"Europe/Amsterdam", 16}}, {.large = true, .timezone = {"UTC", 3}}, {.views = true}};
    VONK_AUTO(vonk_type_unref) const vonk_type *type = all_types();
    for (int round = 0; round < 120; round++) {
        random_state = (uint64_t)round;
        round_trip(type, &options[round % 3], round % 10 == 0 ? 0 : random_below(80), round % 2 ? random_below(20) : 0);
    }
}

static void spatial_values_carry_their_srid(void **state)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of("struct<g:geometry(any),h:geography(4326)>");
    VONK_AUTO(vonk_type_unref) const vonk_type *got = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    vonk_column *columns[2];
    struct ArrowSchema schema;
    struct ArrowArray array;
    for (int c = 0; c < 2; c++) {
        VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
        OK(vonk_builder_init(&b, budget, type->fields[c].type, 0, err));
        OK(vonk_builder_str(&b, VONK_STR("\xe6\x10\0\0some bytes of WKB"), err));
        OK(vonk_builder_null(&b, err));
        OK(vonk_builder_str(&b, VONK_STR("\x01\0\0\0x"), err));
        OK(vonk_builder_finish(&b, &columns[c], err));
    }
    OK(vonk_batch_new(budget, 3, columns, 2, &batch, err));
    vonk_arrow_options options = {.large = false};
    OK(vonk_arrow_export_schema(type, &options, &schema, err));
    OK(vonk_arrow_export_batch(batch, type, &options, &array, err));
    assert_int_equal(((const int32_t *)array.children[0]->children[0]->buffers[1])[0], 4326);
    OK(vonk_arrow_import_schema(&schema, &got, err));
    assert_true(vonk_type_same(type, got));
    OK(vonk_arrow_import_batch(budget, &array, &schema, type, &back, err));
    for (int c = 0; c < 2; c++) {
        assert_same(columns[c], back->columns[c]);
        vonk_column_unref(columns[c]);
    }
    schema.release(&schema);
}

/* A null array may have elements: they must not show. */
static void nulls_over_elements(void **state)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of("struct<a:array<int>,m:map<string,int>>");
    for (int round = 0; round < 20; round++) {
        vonk_column *columns[2];
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
        struct ArrowSchema schema;
        struct ArrowArray array;
        vonk_arrow_options options = {.large = false};
        random_state = (uint64_t)round;
        for (int c = 0; c < 2; c++) {
            VONK_AUTO(vonk_column_unref) vonk_column *full = NULL;
            vonk_buffer *validity;
            OK(random_flat(budget, type->fields[c].type, 20, 0, &full, err));
            OK(vonk_buffer_new(budget, 3, &validity, err));
            for (int i = 0; i < 3; i++) validity->data[i] = round < 2 ? 0x7f : (uint8_t)random_u64();
            OK(vonk_column_with_validity(budget, full, validity, &columns[c], err));
        }
        OK(vonk_batch_new(budget, 20, columns, 2, &batch, err));
        OK(vonk_arrow_export_schema(type, &options, &schema, err));
        OK(vonk_arrow_export_batch(batch, type, &options, &array, err));
        OK(vonk_arrow_import_batch(budget, &array, &schema, type, &back, err));
        schema.release(&schema);
        for (int c = 0; c < 2; c++) {
            OK(vonk_column_check(back->columns[c], err));
            assert_same(columns[c], back->columns[c]);
            vonk_column_unref(columns[c]);
        }
    }
}

/* ---- arrays made by hand, as other libraries make them */

typedef struct hand {
    struct ArrowSchema root, field, extra[3];
    struct ArrowArray array, column, inner[3];
    struct ArrowSchema *fields[1], *extras[3];
    struct ArrowArray *columns[1], *inners[3];
    const void *buffers[1], *of_column[5], *of_inner[3][3];
} hand;

static int n_released;
static void released(struct ArrowArray *a)
{
    n_released++;
    a->release = NULL;
}

static hand *make(hand *h, const char *format, int64_t n, int64_t n_buffers)
{
    *h = (hand){0};
    h->fields[0] = &h->field;
    h->columns[0] = &h->column;
    for (int i = 0; i < 3; i++) {
        h->extras[i] = &h->extra[i];
        h->inners[i] = &h->inner[i];
        h->inner[i].buffers = h->of_inner[i];
        h->inner[i].null_count = -1;
    }
    h->field = (struct ArrowSchema){.format = format, .name = "x", .flags = ARROW_FLAG_NULLABLE, .children = h->extras};
    h->root = (struct ArrowSchema){.format = "+s", .name = "", .n_children = 1, .children = h->fields};
    h->column = (struct ArrowArray){
        .length = n, .null_count = -1, .n_buffers = n_buffers, .buffers = h->of_column, .children = h->inners};
    h->array = (struct ArrowArray){.length = n,
                                   .n_buffers = 1,
                                   .buffers = h->buffers,
                                   .n_children = 1,
                                   .children = h->columns,
                                   .release = released};
    return h;
}

static vonk_status import(hand *h, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    h->array.release = released;
    vonk_status st = vonk_arrow_import_schema(&h->root, &type, err);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk_arrow_import_batch(budget, &h->array, &h->root, type, &batch, err));
    VONK_TRY(vonk_column_check(batch->columns[0], err));
    *ret = vonk_column_ref(batch->columns[0]);
    return VONK_OK;
}

static void expect(hand *h, const char *type, const int64_t *values, uint32_t n)
{
    vonk_column *c;
    VONK_AUTO(vonk_type_unref) const vonk_type *want = random_type_of(type);
    n_released = 0;
    OK(import(h, &c, err));
    assert_true(vonk_type_same(c->type, want));
    assert_int_equal(c->n_rows, n);
    for (uint32_t i = 0; i < n; i++) {
        if (values[i] == INT64_MIN)
            assert_true(vonk_column_is_null(c, i));
        else
            assert_true(vonk_column_i128(c, i) == values[i]);
    }
    vonk_column_unref(c);
    assert_int_equal(n_released, 1); /* once, with the last column */
}

static void refuse(hand *h, vonk_status expected)
{
    vonk_error bad = VONK_ERROR_INIT;
    vonk_column *c;
    n_released = 0;
    assert_int_equal(import(h, &c, &bad), expected);
    if (expected == VONK_E_MALFORMED_INPUT) assert_int_equal(n_released, 1);
    vonk_error_reset(&bad);
}

static void foreign_numbers(void **state)
{
    hand h;
    static const uint8_t u8[] = {1, 255}, valid[] = {2};
    static const uint64_t u64[] = {1, UINT64_MAX / 2 + 5};
    static const int64_t ms[] = {-1, 86400000 * 3}, ns[] = {-1, 1999};
    static const int32_t s32[] = {7, 9};
    make(&h, "C", 2, 2)->of_column[1] = u8;
    expect(&h, "smallint", (const int64_t[]){1, 255}, 2);
    h.of_column[0] = valid;
    expect(&h, "smallint", (const int64_t[]){INT64_MIN, 255}, 2);
    make(&h, "tdm", 2, 2)->of_column[1] = ms;
    expect(&h, "date", (const int64_t[]){-1, 3}, 2);
    make(&h, "tsn:UTC", 2, 2)->of_column[1] = ns; /* rounded down */
    expect(&h, "timestamp", (const int64_t[]){-1, 1}, 2);
    make(&h, "tsm:", 2, 2)->of_column[1] = ms;
    expect(&h, "timestamp_ntz", (const int64_t[]){-1000, INT64_C(259200000000)}, 2);
    make(&h, "tts", 2, 2)->of_column[1] = s32;
    expect(&h, "time(0)", (const int64_t[]){INT64_C(7000000000), INT64_C(9000000000)}, 2);
    make(&h, "tDs", 2, 2)->of_column[1] = ms;
    expect(&h, "interval day to second", (const int64_t[]){-1000000, INT64_C(259200000000000)}, 2);
    make(&h, "tiD", 1, 2)->of_column[1] = s32;
    expect(&h, "interval day to second", (const int64_t[]){7 * INT64_C(86400000000) + 9000}, 1);
    static const int64_t far[] = {INT64_MAX};
    make(&h, "tss:", 1, 2)->of_column[1] = far;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    vonk_column *c;
    make(&h, "L", 2, 2)->of_column[1] = u64;
    OK(import(&h, &c, err));
    assert_true(vonk_column_i128(c, 1) == (vonk_i128)u64[1]);
    vonk_column_unref(c);
    static const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000};
    make(&h, "e", 5, 2)->of_column[1] = halves;
    OK(import(&h, &c, err));
    assert_true(vonk_column_f64(c, 0) == 1 && vonk_column_f64(c, 1) == -2 && vonk_column_f64(c, 2) == 0x1p-24);
    assert_true(vonk_column_f64(c, 3) == (double)__builtin_inf() && vonk_column_f64(c, 4) == 0);
    vonk_column_unref(c);
}

static void foreign_decimals(void **state)
{
    hand h;
    static const int32_t d32[] = {123, -5};
    static const int64_t d256[] = {9, 0, 0, 0, -9, -1, -1, -1}, wide[] = {9, 0, 1, 0}, d128[] = {0, 1};
    make(&h, "d:5,2,32", 2, 2)->of_column[1] = d32;
    expect(&h, "decimal(5,2)", (const int64_t[]){123, -5}, 2);
    make(&h, "d:20,2,256", 2, 2)->of_column[1] = d256;
    expect(&h, "decimal(20,2)", (const int64_t[]){9, -9}, 2);
    make(&h, "d:20,2,256", 1, 2)->of_column[1] = wide;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "d:5,2", 1, 2)->of_column[1] = d128; /* 2^64 in 5 digits */
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "d:76,2,256", 1, 2)->of_column[1] = wide;
    refuse(&h, VONK_E_DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION);
    make(&h, "d:2,1,32", 1, 2)->of_column[1] = d32; /* 123 in 2 digits */
    refuse(&h, VONK_E_MALFORMED_INPUT);
}

static void foreign_strings_and_lists(void **state)
{
    hand h;
    static const int32_t offsets[] = {0, 3, 3, 20}, back[] = {0, 9, 3, 20}, items[] = {1, 2, 3, 4, 5, 6};
    static const int32_t list[] = {1, 3, 3, 6}, past[] = {0, 2, 3, 7}, sizes[] = {2, 0, 3}, starts[] = {4, 100, 0};
    static const char text[] = "abcdefghijklmnopqrst";
    static const uint8_t middle_null[] = {5};
    vonk_column *c;
    make(&h, "u", 3, 3);
    h.of_column[1] = offsets;
    h.of_column[2] = text;
    OK(import(&h, &c, err));
    assert_true(vonk_str_is(vonk_column_str(c, 0), "abc") && vonk_column_str(c, 1).len == 0 &&
                vonk_str_is(vonk_column_str(c, 2), "defghijklmnopqrst"));
    vonk_column_unref(c);
    h.of_column[1] = back;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "w:5", 3, 2)->of_column[1] = text;
    OK(import(&h, &c, err));
    assert_true(vonk_str_is(vonk_column_str(c, 2), "klmno"));
    vonk_column_unref(c);
    make(&h, "+l", 3, 2)->of_column[1] = list;
    h.field.n_children = h.column.n_children = 1;
    h.extra[0] = (struct ArrowSchema){.format = "i", .name = "item"};
    h.inner[0].length = 6;
    h.inner[0].n_buffers = 2;
    h.of_inner[0][1] = items;
    OK(import(&h, &c, err));
    assert_int_equal(c->children[0]->n_rows, 5); /* elements that no row has stay behind */
    assert_int_equal(vonk_column_i64(c->children[0], VONK_VALUES(c, vonk_span)[2].offset), 4);
    vonk_column_unref(c);
    h.of_column[1] = past;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    h.field.format = "+vl";
    h.column.n_buffers = 3;
    h.of_column[0] = middle_null; /* the wild bounds in the middle do not count */
    h.of_column[1] = starts;
    h.of_column[2] = sizes;
    OK(import(&h, &c, err));
    assert_true(vonk_column_is_null(c, 1));
    assert_int_equal(vonk_column_i64(c->children[0], VONK_VALUES(c, vonk_span)[0].offset), 5);
    vonk_column_unref(c);
    h.of_column[0] = NULL;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    h.field.format = "+w:2";
    h.column.n_buffers = 1;
    OK(import(&h, &c, err));
    assert_int_equal(vonk_column_i64(c->children[0], VONK_VALUES(c, vonk_span)[2].offset), 5);
    vonk_column_unref(c);
    h.field.format = "+w:3";
    refuse(&h, VONK_E_MALFORMED_INPUT);
}

static void foreign_encodings(void **state)
{
    hand h;
    static const int8_t codes[] = {1, 0, 2, 1}, wild[] = {1, 0, 3, 1};
    static const int32_t words[] = {10, 20, 30}, ends[] = {2, 3, 7}, unsorted[] = {2, 1, 7};
    static const uint8_t word_nulls[] = {5};
    make(&h, "c", 4, 2)->of_column[1] = codes;
    h.field.dictionary = &h.extra[0];
    h.column.dictionary = &h.inner[0];
    h.extra[0] = (struct ArrowSchema){.format = "i", .name = ""};
    h.inner[0].length = 3;
    h.inner[0].n_buffers = 2;
    h.of_inner[0][1] = words;
    expect(&h, "int", (const int64_t[]){20, 10, 30, 20}, 4);
    h.of_inner[0][0] = word_nulls;
    expect(&h, "int", (const int64_t[]){INT64_MIN, 10, 30, INT64_MIN}, 4);
    h.of_column[1] = wild;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "+r", 5, 0);
    h.field.n_children = h.column.n_children = 2;
    h.extra[0] = (struct ArrowSchema){.format = "i", .name = "run_ends"};
    h.extra[1] = (struct ArrowSchema){.format = "i", .name = "values"};
    for (int i = 0; i < 2; i++) {
        h.inner[i].length = 3;
        h.inner[i].n_buffers = 2;
        h.of_inner[i][1] = i ? words : ends;
    }
    h.column.offset = 1;
    expect(&h, "int", (const int64_t[]){10, 20, 30, 30, 30}, 5);
    h.column.length = h.array.length = 8;
    refuse(&h, VONK_E_MALFORMED_INPUT); /* rows past the last run */
    h.column.length = h.array.length = 5;
    h.of_inner[0][1] = unsorted;
    refuse(&h, VONK_E_MALFORMED_INPUT);
}

static void hostile_shapes(void **state)
{
    hand h;
    static const int64_t eight[8] = {0};
    static const char *const formats[] = {"",    "x",  "+",     "+u",     "+l", "+m",  "+s:",     "ts", "tsu", "tsq:",
                                          "ttx", "d:", "d:x,1", "d:-3,1", "w:", "w:x", "+ud:0,1", "vx", "tiX"};
    for (size_t i = 0; i < VONK_COUNTOF(formats); i++) {
        make(&h, formats[i], 1, 2)->of_column[1] = eight;
        refuse(&h, VONK_E_UNSUPPORTED_ARROWTYPE);
    }
    make(&h, NULL, 1, 2);
    refuse(&h, VONK_E_UNSUPPORTED_ARROWTYPE);
    make(&h, "l", 1, 2); /* no data */
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "l", 1, 1)->of_column[0] = eight;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "l", -1, 2)->of_column[1] = eight;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "l", 1, 2)->of_column[1] = eight;
    h.column.offset = -1;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    h.column.offset = INT64_MAX;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    h.column.offset = 0;
    h.array.length = 2; /* more rows than the column has */
    refuse(&h, VONK_E_MALFORMED_INPUT);
    h.array.length = 1;
    h.array.n_children = 0;
    refuse(&h, VONK_E_MALFORMED_INPUT);
    make(&h, "l", 1, 2)->of_column[1] = eight;
    h.root.n_children = -5;
    refuse(&h, VONK_E_UNSUPPORTED_ARROWTYPE);
    /* nested in itself */
    make(&h, "+l", 1, 2)->of_column[1] = eight;
    h.field.n_children = 1;
    h.extras[0] = &h.field;
    refuse(&h, VONK_E_UNSUPPORTED_FEATURE);
}

static vonk_status scenario(const vonk_type *type, const vonk_batch *batch, vonk_error *err)
{
    vonk_arrow_options options = {.timezone = VONK_STR("UTC")};
    struct ArrowSchema schema = {0};
    struct ArrowArray array = {0};
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *got = NULL;
    vonk_status st = vonk_arrow_export_schema(type, &options, &schema, err);
    if (st != VONK_OK) return st;
    st = vonk_arrow_export_batch(batch, type, &options, &array, err);
    if (st == VONK_OK)
        st = vonk_arrow_import_batch(budget, &array, &schema, type, &back, err); /* takes the array even if it fails */
    if (st == VONK_OK) st = vonk_arrow_import_schema(&schema, &got, err);
    schema.release(&schema);
    return st;
}

static void every_failing_allocation(void **state)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = all_types();
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    random_state = 3;
    OK(random_batch(type, 40, &batch, err));
    EACH_ALLOCATION_FAILS(scenario(type, batch, err))
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_goes_out_and_comes_back),
        cmocka_unit_test(spatial_values_carry_their_srid),
        cmocka_unit_test(nulls_over_elements),
        cmocka_unit_test(foreign_numbers),
        cmocka_unit_test(foreign_decimals),
        cmocka_unit_test(foreign_strings_and_lists),
        cmocka_unit_test(foreign_encodings),
        cmocka_unit_test(hostile_shapes),
        cmocka_unit_test(every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_budget, close_budget);
}
