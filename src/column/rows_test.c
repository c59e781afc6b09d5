/* Tests of row stores, hashes, matches and sort keys on every type and encoding, against row-by-row comparison of
 * columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "column/column_case.h"
#include "column/rows.h"

enum { MAX_ROWS = 1300 };

typedef struct table {
    const vonk_type *types[4];
    vonk_column *columns[4];
    uint32_t n_columns, n_rows;
    uint32_t idx[MAX_ROWS];
    vonk_rows rows;
} table;

/* n columns of random types; rows: all or some of them, ascending. */
static void fill(table *t, uint64_t seed, uint32_t n_columns, const char *first)
{
    random_state = seed;
    *t = (table){.n_columns = n_columns, .n_rows = random_below(3) ? random_below(60) : random_below(MAX_ROWS)};
    for (uint32_t c = 0; c < n_columns; c++) {
        t->types[c] = random_type_of(c == 0 && first ? first : random_types[random_below(N_RANDOM_TYPES)]);
        OK(random_column(budget, t->types[c], t->n_rows, (vonk_encoding)random_below(4), random_below(3),
                         &t->columns[c], err));
    }
    t->rows = VONK_ALL_ROWS(t->n_rows);
    if (random_below(2)) {
        t->rows = (vonk_rows){t->idx, 0};
        for (uint32_t i = 0; i < t->n_rows; i++)
            if (random_below(3)) t->idx[t->rows.n++] = i;
    }
}

static void empty(table *t)
{
    for (uint32_t c = 0; c < t->n_columns; c++) {
        vonk_column_unref(t->columns[c]);
        vonk_type_unref(t->types[c]);
    }
}

static int by_spec(int order, bool a_null, bool b_null, vonk_sort_spec spec)
{
    if (a_null || b_null) return a_null == b_null ? 0 : a_null == spec.nulls_last ? 1 : -1;
    return spec.descending ? -order : order;
}

/* Rows i and j of the table on its first n columns. */
static int compare_rows(const table *t, uint32_t n, const vonk_sort_spec *specs, uint32_t i, uint32_t j)
{
    for (uint32_t c = 0; c < n; c++) {
        const vonk_column *x = t->columns[c];
        int r = by_spec(vonk_column_row_compare(x, i, x, j), vonk_column_is_null(x, i), vonk_column_is_null(x, j),
                        specs[c]);
        if (r) return r;
    }
    return 0;
}

static void check_gather(const table *t, const vonk_row_layout *layout, uint8_t **at)
{
    for (uint32_t c = 0; c < t->n_columns; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *back = NULL;
        uint8_t *some[MAX_ROWS];
        for (uint32_t k = 0; k < t->rows.n; k++) some[k] = k % 7 == 3 ? NULL : at[k];
        OK(vonk_rows_gather(budget, layout, c, some, t->rows.n, &back, err));
        OK(vonk_column_check(back, err));
        for (uint32_t k = 0; k < t->rows.n; k++) {
            if (!some[k])
                assert_true(vonk_column_is_null(back, k));
            else
                assert_true(vonk_column_row_eq(back, k, t->columns[c], vonk_row_at(t->rows, k)));
        }
    }
}

static void check_match(const table *t, const vonk_row_layout *layout, uint8_t **at)
{
    uint8_t match[MAX_ROWS], *other[MAX_ROWS];
    uint32_t perm[MAX_ROWS], n = t->rows.n;
    for (int nulls_equal = 0; nulls_equal < 2; nulls_equal++) {
        for (uint32_t k = 0; k < n; k++) {
            perm[k] = random_below(2) ? k : random_below(n);
            match[k] = random_below(8) != 0;
            other[k] = match[k] ? at[perm[k]] : NULL;
        }
        uint8_t before[MAX_ROWS];
        memcpy(before, match, sizeof(before));
        OK(vonk_rows_match(layout, t->n_columns, other, t->columns, t->rows, nulls_equal, match, err));
        for (uint32_t k = 0; k < n; k++) {
            bool same = before[k];
            for (uint32_t c = 0; c < t->n_columns && same; c++) {
                uint32_t i = vonk_row_at(t->rows, k), j = vonk_row_at(t->rows, perm[k]);
                same = vonk_column_row_eq(t->columns[c], i, t->columns[c], j) &&
                       (nulls_equal || !vonk_column_is_null(t->columns[c], i));
            }
            assert_int_equal(match[k], same);
        }
    }
}

static void check_order(const table *t, const vonk_row_layout *layout, uint8_t **at)
{
    vonk_sort_spec specs[4];
    for (uint32_t c = 0; c < t->n_columns; c++) {
        specs[c] = (vonk_sort_spec){random_below(2), random_below(2)};
        if (!vonk_type_is_orderable(t->types[c])) return;
    }
    bool exact;
    uint32_t bytes = vonk_sort_key_bytes(t->types, t->n_columns, &exact), n = t->rows.n;
    size_t stride = bytes + 3;
    uint8_t *keys = malloc(n * stride + 1);
    memset(keys, 0xaa, n * stride + 1);
    OK(vonk_sort_key_encode(t->columns, specs, t->n_columns, t->rows, keys, stride, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t l = random_below(n);
        int expected = compare_rows(t, t->n_columns, specs, vonk_row_at(t->rows, k), vonk_row_at(t->rows, l));
        int got = memcmp(keys + k * stride, keys + l * stride, bytes);
        got = (got > 0) - (got < 0);
        if (exact || got) assert_int_equal(got, expected);
        assert_int_equal(vonk_rows_compare(layout, specs, t->n_columns, at[k], at[l]), expected);
        for (size_t i = bytes; i < stride; i++)
            assert_int_equal(keys[k * stride + i], 0xaa); /* nothing written past the key */
    }
    free(keys);
}

static void check_hashes(const table *t)
{
    static uint64_t a[MAX_ROWS], b[MAX_ROWS];
    for (uint32_t c = 0; c < t->n_columns; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
        OK(vonk_column_flatten(budget, t->columns[c], &flat, err));
        OK(vonk_column_hash(t->columns[c], t->rows, a, c == 0, err));
        OK(vonk_column_hash(flat, t->rows, b, c == 0, err)); /* encodings do not matter */
        assert_memory_equal(a, b, t->rows.n * sizeof(uint64_t));
    }
    for (uint32_t k = 0; k < t->rows.n; k++) { /* equal rows, equal hashes; others nearly never */
        uint32_t l = random_below(t->rows.n);
        bool same = true;
        for (uint32_t c = 0; c < t->n_columns; c++)
            same &= vonk_column_row_eq(t->columns[c], vonk_row_at(t->rows, k), t->columns[c], vonk_row_at(t->rows, l));
        assert_int_equal(a[k] == a[l], same);
    }
}

static void every_type_and_encoding(void **state)
{
    for (int round = 0; round < 600; round++) {
        table t;
        vonk_row_layout *layout;
        vonk_row_store *store;
        uint8_t *at[MAX_ROWS];
        fill(&t, (uint64_t)round, 1 + (uint32_t)round % 4, random_types[(size_t)round % N_RANDOM_TYPES]);
        uint32_t extra = random_below(3) * 24;
        OK(vonk_row_layout_new(budget, t.types, t.n_columns, extra, &layout, err));
        OK(vonk_row_store_new(budget, layout, &store, err));
        OK(vonk_row_store_append(store, t.columns, t.rows, at, err));
        assert_int_equal(vonk_row_store_n(store), t.rows.n);
        for (uint32_t k = 0; k < t.rows.n; k++) {
            assert_ptr_equal(vonk_row_store_row(store, k), at[k]);
            if (extra) assert_int_equal((uintptr_t)(at[k] + layout->extra_at) % 16, 0);
            for (uint32_t i = 0; i < extra; i++) assert_int_equal(at[k][layout->extra_at + i], 0);
            memset(at[k] + layout->extra_at, 0x5a, extra); /* the caller's own bytes */
        }
        check_gather(&t, layout, at);
        check_match(&t, layout, at);
        check_order(&t, layout, at);
        check_hashes(&t);
        vonk_row_store_free(store);
        vonk_row_layout_free(layout);
        empty(&t);
    }
}

static void stores_are_moved_and_reset(void **state)
{
    table t;
    vonk_row_layout *layout;
    vonk_row_store *a, *b;
    fill(&t, 77, 3, "string");
    OK(vonk_row_layout_new(budget, t.types, 3, 0, &layout, err));
    OK(vonk_row_store_new(budget, layout, &a, err));
    OK(vonk_row_store_new(budget, layout, &b, err));
    OK(vonk_row_store_move(a, b, err)); /* nothing */
    uint8_t *first[MAX_ROWS], *second[MAX_ROWS], *third[MAX_ROWS], *all[3 * MAX_ROWS];
    uint32_t n = t.rows.n;
    OK(vonk_row_store_append(a, t.columns, t.rows, first, err));
    OK(vonk_row_store_append(b, t.columns, t.rows, second, err));
    OK(vonk_row_store_move(a, b, err));
    assert_int_equal(vonk_row_store_n(b), 0);
    OK(vonk_row_store_append(a, t.columns, t.rows, third, err));
    OK(vonk_row_store_append(b, t.columns, t.rows, NULL, err)); /* still usable */
    assert_int_equal(vonk_row_store_n(a), 3 * n);
    vonk_row_store_addresses(a, 0, 3 * n, all);
    for (uint32_t k = 0; k < n; k++)
        assert_true(all[k] == first[k] && all[n + k] == second[k] && all[2 * n + k] == third[k] &&
                    vonk_row_store_row(a, 2 * n + k) == third[k]);
    vonk_row_store_addresses(a, n + 1, n, all);
    assert_ptr_equal(all[0], second[1]);
    check_gather(&t, layout, third);
    assert_true(vonk_row_store_bytes(a) > n * layout->row_bytes * 3);
    vonk_row_store_reset(a);
    assert_int_equal(vonk_row_store_n(a), 0);
    OK(vonk_row_store_append(a, t.columns, t.rows, first, err));
    check_gather(&t, layout, first);
    vonk_row_store_free(a);
    vonk_row_store_free(b);
    vonk_row_layout_free(layout);
    empty(&t);
}

static void rows_without_columns(void **state)
{
    vonk_row_layout *layout;
    vonk_row_store *store;
    uint8_t *at[10], match[10] = {1, 1, 0, 1};
    OK(vonk_row_layout_new(budget, NULL, 0, 8, &layout, err));
    OK(vonk_row_store_new(budget, layout, &store, err));
    OK(vonk_row_store_append(store, NULL, VONK_ALL_ROWS(10), at, err));
    assert_true(at[1] - at[0] >= 8);
    OK(vonk_rows_match(layout, 0, at, NULL, VONK_ALL_ROWS(10), true, match, err));
    assert_true(match[0] && !match[2] && match[3]);
    vonk_row_store_free(store);
    vonk_row_layout_free(layout);
}

static void a_budget_refuses(void **state)
{
    vonk_budget *small;
    vonk_row_layout *layout;
    vonk_row_store *store;
    vonk_column *c;
    const vonk_type *types[] = {&vonk_type_string};
    vonk_error bad = VONK_ERROR_INIT;
    char text[5000];
    memset(text, 'x', sizeof(text));
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    OK(vonk_builder_init(&b, budget, &vonk_type_string, 0, err));
    for (int i = 0; i < 700; i++) OK(vonk_builder_str(&b, (vonk_str){text, sizeof(text)}, err));
    OK(vonk_builder_finish(&b, &c, err));
    OK(vonk_budget_new(budget, "small", 1 << 20, &small, err));
    OK(vonk_row_layout_new(budget, types, 1, 0, &layout, err));
    OK(vonk_row_store_new(small, layout, &store, err));
    OK(vonk_row_store_append(store, &c, VONK_ALL_ROWS(20), NULL, err));
    assert_int_equal(vonk_row_store_append(store, &c, VONK_ALL_ROWS(700), NULL, &bad), VONK_E_MEMORY_BUDGET_EXCEEDED);
    assert_int_equal(vonk_row_store_n(store), 20); /* as before */
    VONK_AUTO(vonk_column_unref) vonk_column *back = NULL;
    uint8_t *at[20];
    vonk_row_store_addresses(store, 0, 20, at);
    OK(vonk_rows_gather(budget, layout, 0, at, 20, &back, err));
    assert_int_equal(vonk_column_str(back, 19).len, 5000);
    vonk_error_reset(&bad);
    vonk_row_store_free(store);
    vonk_row_layout_free(layout);
    vonk_budget_free(small);
    vonk_column_unref(c);
}

static vonk_status scenario(const table *t, vonk_error *err)
{
    VONK_AUTO(vonk_row_layout_free) vonk_row_layout *layout = NULL;
    VONK_AUTO(vonk_row_store_free) vonk_row_store *store = NULL;
    VONK_AUTO(vonk_row_store_free) vonk_row_store *other = NULL;
    uint8_t *at[MAX_ROWS], match[MAX_ROWS];
    uint64_t hashes[MAX_ROWS];
    VONK_TRY(vonk_row_layout_new(budget, t->types, t->n_columns, 16, &layout, err));
    VONK_TRY(vonk_row_store_new(budget, layout, &store, err));
    VONK_TRY(vonk_row_store_new(budget, layout, &other, err));
    VONK_TRY(vonk_row_store_append(store, t->columns, t->rows, at, err));
    VONK_TRY(vonk_row_store_append(other, t->columns, t->rows, NULL, err));
    VONK_TRY(vonk_row_store_move(store, other, err));
    memset(match, 1, sizeof(match));
    VONK_TRY(vonk_rows_match(layout, t->n_columns, at, t->columns, t->rows, true, match, err));
    for (uint32_t c = 0; c < t->n_columns; c++) {
        VONK_AUTO(vonk_column_unref) vonk_column *back = NULL;
        VONK_TRY(vonk_rows_gather(budget, layout, c, at, t->rows.n, &back, err));
        VONK_TRY(vonk_column_hash(t->columns[c], t->rows, hashes, c == 0, err));
    }
    return VONK_OK;
}

static void every_failing_allocation(void **state)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        table t;
        fill(&t, seed + 500, 4, random_types[(seed * 5) % N_RANDOM_TYPES]);
        EACH_ALLOCATION_FAILS(scenario(&t, err))
        empty(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_encoding),  cmocka_unit_test(stores_are_moved_and_reset),
        cmocka_unit_test(rows_without_columns),     cmocka_unit_test(a_budget_refuses),
        cmocka_unit_test(every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_budget, close_budget);
}
