/* Tests of columns, builders and batches: every operation on every type and encoding against row-by-row reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "column/batch.h"
#include "column/column_case.h"

static void assert_row(const vonk_column *a, uint32_t i, const vonk_column *b, uint32_t j)
{
    assert_int_equal(vonk_column_is_null(a, i), vonk_column_is_null(b, j));
    assert_true(vonk_column_row_eq(a, i, b, j));
    assert_int_equal(vonk_column_row_compare(a, i, b, j), 0);
}

static void assert_same(const vonk_column *a, const vonk_column *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (uint32_t i = 0; i < a->n_rows; i++) assert_row(a, i, b, i);
}

static void check_flatten(const vonk_column *c)
{
    VONK_AUTO(vonk_column_unref) vonk_column *f = NULL;
    OK(vonk_column_flatten(budget, c, &f, err));
    assert_int_equal(f->encoding, VONK_FLAT);
    OK(vonk_column_check(f, err));
    assert_same(c, f);
}

static void check_gather(const vonk_column *c)
{
    VONK_AUTO(vonk_column_unref) vonk_column *g = NULL;
    uint32_t idx[70], n = random_below(70);
    bool max = random_below(2);
    for (uint32_t k = 0; k < n; k++)
        idx[k] = (max && random_below(4) == 0) || c->n_rows == 0 ? UINT32_MAX : random_below(c->n_rows);
    if (c->n_rows == 0) max = true;
    OK(vonk_column_gather(budget, c, idx, n, max, &g, err));
    OK(vonk_column_check(g, err));
    assert_int_equal(g->n_rows, n);
    for (uint32_t k = 0; k < n; k++) {
        if (idx[k] == UINT32_MAX)
            assert_true(vonk_column_is_null(g, k));
        else
            assert_row(g, k, c, idx[k]);
    }
    check_flatten(g);
}

static void check_slice(const vonk_column *c)
{
    VONK_AUTO(vonk_column_unref) vonk_column *s = NULL;
    uint32_t from = random_below(c->n_rows + 1), n = random_below(c->n_rows - from + 1);
    OK(vonk_column_slice(budget, c, from, n, &s, err));
    OK(vonk_column_check(s, err));
    assert_int_equal(s->n_rows, n);
    for (uint32_t k = 0; k < n; k++) assert_row(s, k, c, from + k);
    check_flatten(s);
}

static void check_copies(const vonk_column *c)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *copy = NULL;
    OK(vonk_builder_init(&b, budget, c->type, 0, err));
    for (int again = 0; again < 2; again++) { /* a finished builder is empty and can be used on */
        for (uint32_t i = 0; i < c->n_rows; i++) OK(vonk_builder_copy(&b, c, i, err));
        vonk_column_unref(copy);
        OK(vonk_builder_finish(&b, &copy, err));
        OK(vonk_column_check(copy, err));
        assert_same(c, copy);
    }
    if (c->n_rows == 0) return;
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    uint32_t row = random_below(c->n_rows);
    OK(vonk_column_constant_of(budget, c, row, 5, &one, err));
    OK(vonk_column_check(one, err));
    assert_int_equal(one->encoding, VONK_CONSTANT);
    assert_row(one, 4, c, row);
}

static void check_validity(const vonk_column *c)
{
    VONK_AUTO(vonk_column_unref) vonk_column *v = NULL;
    vonk_buffer *bits;
    OK(vonk_buffer_new(budget, vonk_bits_bytes(c->n_rows), &bits, err));
    for (size_t i = 0; i < bits->bytes; i++) bits->data[i] = (uint8_t)random_u64();
    vonk_buffer *mine = vonk_buffer_ref(bits);
    OK(vonk_column_with_validity(budget, c, bits, &v, err));
    OK(vonk_column_check(v, err));
    if (c->type->id != VONK_T_NULL) {
        uint32_t nulls = 0;
        for (uint32_t i = 0; i < c->n_rows; i++) {
            assert_int_equal(vonk_column_is_null(v, i), !vonk_bit_get(mine->data, i));
            nulls += vonk_column_is_null(v, i);
        }
        assert_int_equal(vonk_column_null_count(v, VONK_ALL_ROWS(c->n_rows)), nulls);
    }
    vonk_buffer_unref(mine);
    check_flatten(v);
}

static void check_compact(const vonk_column *c)
{
    VONK_AUTO(vonk_column_unref) vonk_column *few = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *dense = NULL;
    uint32_t idx[2] = {0, c->n_rows ? c->n_rows - 1 : 0};
    OK(vonk_column_gather(budget, c, idx, c->n_rows ? 2 : 0, false, &few, err));
    OK(vonk_column_compact(budget, few, &dense, err));
    OK(vonk_column_check(dense, err));
    assert_same(few, dense);
    if (vonk_column_is_sparse(few)) assert_true(vonk_column_bytes(dense) <= vonk_column_bytes(few));
}

static void every_type_and_encoding(void **state)
{
    static const uint32_t sizes[] = {0, 1, 7, 8, 9, 64, 130};
    for (size_t t = 0; t < N_RANDOM_TYPES; t++) {
        VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of(random_types[t]);
        for (int round = 0; round < 4 * 7 * 3; round++) {
            VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
            random_state = (uint64_t)round + 1000 * t;
            uint32_t n = sizes[round / 4 % 7];
            OK(random_column(budget, type, n, (vonk_encoding)(round % 4), (unsigned)(round / 28), &c, err));
            OK(vonk_column_check(c, err));
            assert_int_equal(c->n_rows, n);
            check_flatten(c);
            check_gather(c);
            check_slice(c);
            check_copies(c);
            check_validity(c);
            check_compact(c);
        }
    }
}

static void concat_of_mixed_encodings(void **state)
{
    for (size_t t = 0; t < N_RANDOM_TYPES; t++) {
        VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of(random_types[t]);
        for (int round = 0; round < 40; round++) {
            vonk_column *parts[5];
            uint32_t n = 1 + random_below(5), at = 0;
            vonk_column *all = NULL;
            random_state = (uint64_t)round + 1000 * t;
            n = 1 + random_below(5);
            for (uint32_t i = 0; i < n; i++) {
                if (round % 4 == 3 && i)
                    OK(vonk_column_slice(budget, parts[0], 0, random_below(parts[0]->n_rows + 1), &parts[i],
                                         err)); /* shares everything */
                else
                    OK(random_column(budget, type, random_below(40),
                                     round % 4 == 3 ? (vonk_encoding)(round / 4 % 4) : (vonk_encoding)random_below(4),
                                     random_below(4), &parts[i], err));
            }
            OK(vonk_column_concat(budget, (const vonk_column *const *)parts, n, &all, err));
            OK(vonk_column_check(all, err));
            for (uint32_t i = 0; i < n; i++) {
                for (uint32_t k = 0; k < parts[i]->n_rows; k++) assert_row(all, at + k, parts[i], k);
                at += parts[i]->n_rows;
                vonk_column_unref(parts[i]);
            }
            assert_int_equal(all->n_rows, at);
            check_gather(all);
            vonk_column_unref(all);
        }
    }
}

static void encodings_survive(void **state)
{
    vonk_column *d = NULL, *s = NULL, *both = NULL, *a = NULL, *b = NULL;
    OK(random_column(budget, &vonk_type_string, 50, VONK_DICTIONARY, 1, &d, err));
    OK(vonk_column_slice(budget, d, 3, 20, &s, err));
    const vonk_column *two[] = {d, s};
    OK(vonk_column_concat(budget, two, 2, &both, err));
    assert_int_equal(both->encoding, VONK_DICTIONARY);
    assert_ptr_equal(both->children[0], d->children[0]);
    vonk_column_unref(both);
    OK(vonk_column_new_sequence(budget, &vonk_type_long, 10, 5, 3, &a, err));
    OK(vonk_column_new_sequence(budget, &vonk_type_long, 4, 35, 3, &b, err));
    const vonk_column *sequences[] = {a, b};
    OK(vonk_column_concat(budget, sequences, 2, &both, err));
    assert_int_equal(both->encoding, VONK_SEQUENCE);
    assert_int_equal(vonk_column_i64(both, 13), 44);
    vonk_column_unref(both);
    vonk_column_unref(a);
    vonk_column_unref(b);
    vonk_column_unref(d);
    vonk_column_unref(s);
}

static void order_of_values(void **state)
{
    static const double up[] = {-__builtin_inf(), -1, 0.0, 1, __builtin_inf(), __builtin_nan("")};
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    OK(vonk_builder_init(&b, budget, &vonk_type_double, 0, err));
    OK(vonk_builder_null(&b, err));
    for (size_t i = 0; i < VONK_COUNTOF(up); i++) OK(vonk_builder_f64(&b, up[i], err));
    OK(vonk_builder_f64(&b, -0.0, err));
    OK(vonk_builder_f64(&b, -__builtin_nan(""), err));
    OK(vonk_builder_finish(&b, &c, err));
    for (uint32_t i = 0; i < 7; i++)
        for (uint32_t j = 0; j < 7; j++) assert_int_equal(vonk_column_row_compare(c, i, c, j), (i > j) - (i < j));
    assert_true(vonk_column_row_eq(c, 3, c, 7) && vonk_column_row_eq(c, 6, c, 8));
    static const char *const words[] = {"",      "\x01",          "a",    "a\xff", "aaaa", "aaaaa",
                                        "aaaab", "aaaaaaaaaaaaa", "\x80", "\xff"};
    VONK_AUTO(vonk_builder_done) vonk_builder sb = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *s = NULL;
    OK(vonk_builder_init(&sb, budget, &vonk_type_string, 0, err));
    for (size_t i = 0; i < VONK_COUNTOF(words); i++) OK(vonk_builder_str(&sb, vonk_str_of(words[i]), err));
    OK(vonk_builder_finish(&sb, &s, err));
    for (uint32_t i = 0; i < s->n_rows; i++)
        for (uint32_t j = 0; j < s->n_rows; j++) {
            int expected = vonk_str_compare(vonk_str_of(words[i]), vonk_str_of(words[j]));
            assert_int_equal(vonk_column_row_compare(s, i, s, j), expected);
            assert_int_equal(vonk_column_row_eq(s, i, s, j), expected == 0);
        }
}

static void batches(void **state)
{
    for (int round = 0; round < 60; round++) {
        random_state = (uint64_t)round;
        uint32_t n = random_below(100), n_sel = 0;
        vonk_column *columns[2];
        vonk_batch *whole = NULL, *some = NULL, *dense = NULL, *part = NULL, *all = NULL;
        vonk_buffer *sel;
        OK(random_column(budget, &vonk_type_string, n, (vonk_encoding)(round % 4), 1, &columns[0], err));
        OK(random_column(budget, &vonk_type_int, n, (vonk_encoding)(round / 4 % 4), 1, &columns[1], err));
        OK(vonk_batch_new(budget, n, columns, 2, &whole, err));
        whole->partition = 3;
        whole->sequence = 9;
        OK(vonk_buffer_new(budget, n * 4, &sel, err));
        uint32_t *rows = (uint32_t *)sel->data;
        for (uint32_t i = 0; i < n; i++)
            if (random_below(2)) rows[n_sel++] = i;
        OK(vonk_batch_select(whole, sel, n_sel, &some, err));
        assert_true(some->partition == 3 && some->sequence == 9 && some->n_sel == n_sel);
        OK(vonk_batch_compact(some, &dense, err));
        assert_true(dense->n_rows == n_sel && !dense->sel && dense->sequence == 9);
        for (uint32_t k = 0; k < n_sel; k++)
            assert_row(dense->columns[1], k, columns[1], vonk_row_at(vonk_batch_rows(some), k));
        uint32_t from = random_below(n_sel + 1), count = random_below(n_sel - from + 1);
        OK(vonk_batch_slice(some, from, count, &part, err));
        const vonk_batch *two[] = {part, whole};
        OK(vonk_batch_concat(budget, two, 2, &all, err));
        assert_int_equal(all->n_rows, count + n);
        for (uint32_t k = 0; k < count; k++) assert_row(all->columns[0], k, columns[0], rows[from + k]);
        for (uint32_t k = 0; k < n; k++) assert_row(all->columns[0], count + k, columns[0], k);
        assert_true(vonk_batch_bytes(all) > 0);
        vonk_column_unref(columns[0]);
        vonk_column_unref(columns[1]);
        vonk_batch *drop[] = {whole, some, dense, part, all};
        for (size_t i = 0; i < 5; i++) vonk_batch_unref(drop[i]);
    }
}

static void strings_in_place_and_long(void **state)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    char *to;
    OK(vonk_builder_init(&b, budget, &vonk_type_string, 2, err));
    OK(vonk_builder_str_reserve(&b, 100, &to, err));
    memcpy(to, "twelve bytes", 12);
    OK(vonk_builder_str_commit(&b, 12, err));
    OK(vonk_builder_str_reserve(&b, 3000000, &to, err)); /* larger than any heap */
    memset(to, 'x', 3000000);
    OK(vonk_builder_str_commit(&b, 3000000, err));
    OK(vonk_builder_str_reserve(&b, 5000, &to, err));
    memcpy(to, "thirteen byte", 13);
    OK(vonk_builder_str_commit(&b, 13, err));
    OK(vonk_builder_finish(&b, &c, err));
    OK(vonk_column_check(c, err));
    assert_true(vonk_str_is(vonk_column_str(c, 0), "twelve bytes"));
    assert_int_equal(vonk_column_str(c, 1).len, 3000000);
    assert_true(vonk_str_is(vonk_column_str(c, 2), "thirteen byte"));
}

/* A copy of a column whose data can be spoilt. */
static void spoilt(const char *type_text, void (*spoil)(vonk_column *c, void *data))
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of(type_text);
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_error bad = VONK_ERROR_INIT;
    random_state = 7;
    OK(random_flat(budget, type, 20, 0, &c, err));
    OK(vonk_column_check(c, err));
    spoil(c, c->data_buffer ? c->data_buffer->data : NULL);
    assert_int_equal(vonk_column_check(c, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
}
static void too_many_rows(vonk_column *c, void *data) { c->n_rows = 1000000; }
static void odd_pointer(vonk_column *c, void *data) { c->data = (const char *)c->data + 1; }
static void wild_span(vonk_column *c, void *data) { ((vonk_span *)data)[3] = (vonk_span){UINT32_MAX, 2}; }
static void wild_heap(vonk_column *c, void *data)
{
    ((vonk_view *)data)[3] = (vonk_view){.len = 13, .heap = UINT32_MAX};
}
static void wild_offset(vonk_column *c, void *data)
{
    ((vonk_view *)data)[3] = (vonk_view){.len = 13, .heap = 0, .offset = UINT32_MAX};
}
static void dirty_view(vonk_column *c, void *data) { ((vonk_view *)data)[3] = (vonk_view){.len = 1, .inlined = "ab"}; }
static void odd_child(vonk_column *c, void *data) { c->children[0]->n_rows--; }
static void no_encoding(vonk_column *c, void *data) { c->encoding = (vonk_encoding)9; }
static void as_dictionary(vonk_column *c, void *data) { c->encoding = VONK_DICTIONARY; }
static void as_sequence(vonk_column *c, void *data) { c->encoding = VONK_SEQUENCE; }
static void short_validity(vonk_column *c, void *data)
{
    c->validity = c->data;
    c->validity_buffer = vonk_buffer_ref(c->data_buffer);
    c->validity = c->data_buffer->data + c->data_buffer->bytes - 1;
}

static void hostile_columns_are_refused(void **state)
{
    spoilt("int", too_many_rows);
    spoilt("bigint", odd_pointer);
    spoilt("array<int>", wild_span);
    spoilt("string", wild_heap);
    spoilt("string", wild_offset);
    spoilt("string", dirty_view);
    spoilt("struct<a:int,b:string>", odd_child);
    spoilt("map<int,int>", odd_child);
    spoilt("int", no_encoding);
    spoilt("int", as_dictionary);
    spoilt("int", as_sequence);
    spoilt("string", as_sequence);
    spoilt("int", short_validity);
    vonk_error bad = VONK_ERROR_INIT;
    vonk_column *s;
    OK(vonk_column_new_sequence(budget, &vonk_type_byte, 100, 100, 1, &s, err));
    assert_int_equal(vonk_column_check(s, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
    s->seq_step = INT64_MAX;
    assert_int_equal(vonk_column_check(s, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
    vonk_column_unref(s);
    OK(random_column(budget, &vonk_type_string, 30, VONK_DICTIONARY, 1, &s, err));
    ((uint32_t *)s->data_buffer->data)[29] = 1000;
    assert_int_equal(vonk_column_check(s, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
    vonk_column_unref(s);
}

static vonk_status scenario(const vonk_type *type, vonk_encoding encoding, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *g = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *s = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *a = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *f = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *d = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *v = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *bb = NULL;
    static const uint32_t idx[] = {5, 3, UINT32_MAX, 0};
    vonk_buffer *bits;
    random_state = 5;
    VONK_TRY(random_column(budget, type, 21, encoding, 1, &c, err));
    VONK_TRY(vonk_column_gather(budget, c, idx, 4, true, &g, err));
    VONK_TRY(vonk_column_slice(budget, c, 3, 9, &s, err));
    const vonk_column *parts[] = {c, g, s};
    VONK_TRY(vonk_column_concat(budget, parts, 3, &a, err));
    VONK_TRY(vonk_column_flatten(budget, a, &f, err));
    VONK_TRY(vonk_column_compact(budget, g, &d, err));
    VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(c->n_rows), &bits, err));
    vonk_bits_fill(bits->data, c->n_rows, true);
    VONK_TRY(vonk_column_with_validity(budget, c, bits, &v, err));
    vonk_column *columns[] = {c, v};
    VONK_TRY(vonk_batch_new(budget, c->n_rows, columns, 2, &b, err));
    const vonk_batch *two[] = {b, b};
    return vonk_batch_concat(budget, two, 2, &bb, err);
}

static void every_failing_allocation(void **state)
{
#ifdef VONK_FAULTS
    for (size_t t = 0; t < N_RANDOM_TYPES; t++)
        for (int e = 0; e < 4; e++) {
            VONK_AUTO(vonk_type_unref) const vonk_type *type = random_type_of(random_types[t]);
            EACH_ALLOCATION_FAILS(scenario(type, (vonk_encoding)e, err))
        }
#else
    vonk_error err = VONK_ERROR_INIT;
    assert_int_equal(scenario(&vonk_type_string, VONK_FLAT, &err), VONK_OK);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_encoding),
        cmocka_unit_test(concat_of_mixed_encodings),
        cmocka_unit_test(encodings_survive),
        cmocka_unit_test(order_of_values),
        cmocka_unit_test(batches),
        cmocka_unit_test(strings_in_place_and_long),
        cmocka_unit_test(hostile_columns_are_refused),
        cmocka_unit_test(every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_budget, close_budget);
}
