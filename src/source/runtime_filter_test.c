/* Tests of runtime filters over every encoding: no wanted row is lost, nulls go, a range is exact on flat numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "column/random_column.h"
#include "column/rows.h"
#include "source/runtime_filter.h"

static vonk_budget *budget;
enum { MAX_ROWS = 1300, N_WORDS = 64 };

typedef struct trial {
    const vonk_type *type;
    vonk_column *column, *min, *max;
    uint64_t bloom[N_WORDS];
    vonk_runtime_filter filter;
    uint32_t idx[MAX_ROWS], out[MAX_ROWS];
    vonk_rows rows;
} trial;

static void set_up(trial *t, uint64_t seed, const char *type, vonk_encoding encoding)
{
    random_state = seed;
    memset(t, 0, sizeof *t);
    t->type = random_type_of(type);
    OK(random_column(budget, t->type, 1 + random_below(MAX_ROWS - 1), encoding, random_below(3), &t->column, err));
    t->rows = VONK_ALL_ROWS(t->column->n_rows);
    if (random_below(2)) {
        t->rows = (vonk_rows){t->idx, 0};
        for (uint32_t i = 0; i < t->column->n_rows; i++)
            if (random_below(3)) t->idx[t->rows.n++] = i;
    }
}

/* Keys of the build side: some rows of the column itself. */
static void set_bloom(trial *t, bool *is_key)
{
    for (uint32_t i = 0; i < t->column->n_rows; i++) {
        uint64_t hash;
        is_key[i] = random_below(5) == 0 && !vonk_column_is_null(t->column, i);
        if (!is_key[i]) continue;
        OK(vonk_column_hash(t->column, (vonk_rows){&i, 1}, &hash, true, err));
        t->bloom[vonk_bloom_word(hash, N_WORDS)] |= vonk_bloom_bits(hash);
    }
    t->filter.bloom = t->bloom;
    t->filter.n_words = N_WORDS;
}

static vonk_column *number(const vonk_type *type, int64_t value)
{
    vonk_builder b = {0};
    vonk_column *column = NULL;
    OK(vonk_builder_init(&b, budget, type, 1, err));
    OK(vonk_builder_i64(&b, value, err));
    OK(vonk_builder_finish(&b, &column, err));
    vonk_builder_done(&b);
    return column;
}

static void set_range(trial *t, int64_t *ret_low, int64_t *ret_high)
{
    int64_t a = vonk_column_i64(t->column, random_below(t->column->n_rows));
    int64_t b = vonk_column_i64(t->column, random_below(t->column->n_rows));
    *ret_low = a < b ? a : b;
    *ret_high = a < b ? b : a;
    t->filter.min = t->min = number(t->type, *ret_low);
    t->filter.max = t->max = number(t->type, *ret_high);
}

static void tear_down(trial *t)
{
    vonk_column_unref(t->column);
    vonk_column_unref(t->min);
    vonk_column_unref(t->max);
    vonk_type_unref(t->type);
}

/* The rows that pass, a subset of t->rows in order; marks them. */
static void run(trial *t, bool *ret_passed)
{
    uint32_t n = 0, k = 0;
    bool in_place = t->rows.idx && random_below(2);
    uint32_t before[MAX_ROWS], n_before = t->rows.n, *out = in_place ? t->idx : t->out;
    for (uint32_t i = 0; i < n_before; i++) before[i] = vonk_row_at(t->rows, i);
    OK(vonk__runtime_filter_rows(budget, &t->filter, t->column, t->rows, out, &n, err));
    memset(ret_passed, 0, MAX_ROWS * sizeof *ret_passed);
    for (uint32_t i = 0; i < n; i++, k++) {
        while (k < n_before && before[k] != out[i]) k++;
        assert_true(k < n_before);
        assert_false(vonk_column_is_null(t->column, out[i]));
        ret_passed[out[i]] = true;
    }
    t->rows = (vonk_rows){t->idx, n_before};
    memcpy(t->idx, before, n_before * sizeof *before);
}

static void test_bloom(void **state)
{
    static const char *const types[] = {"int", "bigint", "string", "double", "decimal(30,2)", "boolean"};
    (void)state;
    for (uint64_t seed = 1; seed < 300; seed++) {
        trial t;
        bool is_key[MAX_ROWS], passed[MAX_ROWS];
        uint32_t kind = (uint32_t)seed % VONK_COUNTOF(types);
        set_up(&t, seed, types[kind], (vonk_encoding)(kind < 2 ? random_below(4) : random_below(3)));
        set_bloom(&t, is_key);
        run(&t, passed);
        for (uint32_t i = 0; i < t.rows.n; i++) assert_true(passed[t.rows.idx[i]] || !is_key[t.rows.idx[i]]);
        tear_down(&t);
    }
}

static void test_range(void **state)
{
    static const char *const types[] = {"tinyint", "smallint", "int", "bigint", "date", "decimal(9,2)"};
    (void)state;
    for (uint64_t seed = 1; seed < 300; seed++) {
        trial t;
        bool passed[MAX_ROWS];
        int64_t low, high;
        set_up(&t, seed, types[seed % VONK_COUNTOF(types)], (vonk_encoding)random_below(3));
        set_range(&t, &low, &high);
        run(&t, passed);
        for (uint32_t i = 0; i < t.rows.n; i++) {
            uint32_t row = t.rows.idx[i];
            int64_t value = vonk_column_i64(t.column, row);
            bool wanted = !vonk_column_is_null(t.column, row) && value >= low && value <= high;
            assert_true(passed[row] || !wanted);
            if (t.column->encoding == VONK_FLAT) assert_int_equal(passed[row], wanted);
        }
        tear_down(&t);
    }
}

static int set_up_all(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    (void)state;
    return vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &budget, &err) == VONK_OK ? 0 : -1;
}

static int tear_down_all(void **state)
{
    (void)state;
    vonk_budget_free(budget);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bloom), cmocka_unit_test(test_range)};
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
