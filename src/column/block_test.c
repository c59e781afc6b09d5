/* Tests of blocks: round trips of every type and encoding, each byte of a block spoilt or cut, failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "column/block.h"
#include "column/random_column.h"

static vonk_budget *budget;

static void assert_same(const vonk_column *a, const vonk_column *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    for (uint32_t i = 0; i < a->n_rows; i++) {
        assert_int_equal(vonk_column_is_null(a, i), vonk_column_is_null(b, i));
        assert_true(vonk_column_row_eq(a, i, b, i));
    }
}

enum { COLUMNS = 6 };
typedef struct sample {
    const vonk_type *types[COLUMNS];
    vonk_batch *batch;
} sample;

static vonk_status fill(sample *s, uint64_t seed, uint32_t n, vonk_error *err)
{
    vonk_column *columns[COLUMNS] = {0};
    vonk_status st = VONK_OK;
    random_state = seed;
    for (uint32_t c = 0; c < COLUMNS; c++)
        s->types[c] = random_type_of(random_types[(seed * COLUMNS + c) % N_RANDOM_TYPES]);
    for (uint32_t c = 0; c < COLUMNS && st == VONK_OK; c++)
        st = random_column(budget, s->types[c], n, (vonk_encoding)random_below(4), random_below(4), &columns[c], err);
    if (st == VONK_OK) st = vonk_batch_new(budget, n, columns, COLUMNS, &s->batch, err);
    if (st == VONK_OK) {
        s->batch->partition = -7;
        s->batch->sequence = UINT64_C(1) << 60;
    }
    for (uint32_t c = 0; c < COLUMNS; c++) vonk_column_unref(columns[c]);
    return st;
}
static void empty(sample *s)
{
    vonk_batch_unref(s->batch);
    for (uint32_t c = 0; c < COLUMNS; c++) vonk_type_unref(s->types[c]);
}

static void blocks_come_back(void **state)
{
    for (uint64_t seed = 0; seed < 150; seed++) {
        sample s;
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
        VONK_AUTO(vonk_batch_unref) vonk_batch *dense = NULL;
        uint32_t n = seed % 7 == 0 ? 0 : random_below(300);
        OK(fill(&s, seed, n, err));
        if (seed % 2) { /* dead rows are not written */
            vonk_buffer *sel;
            vonk_batch *some;
            uint32_t k = 0;
            OK(vonk_buffer_new(budget, n * 4 + 4, &sel, err));
            for (uint32_t i = 0; i < n; i++)
                if (random_below(3)) ((uint32_t *)sel->data)[k++] = i;
            OK(vonk_batch_select(s.batch, sel, k, &some, err));
            vonk_batch_unref(s.batch);
            s.batch = some;
        }
        vonk_buf_init(&out, budget, SIZE_MAX);
        OK(vonk_block_encode(s.batch, &out, err));
        OK(vonk_buf_add_c(&out, "next", err));
        vonk_cursor in = vonk_cursor_of(out.data, out.len, "test block");
        OK(vonk_block_decode(budget, &in, s.types, COLUMNS, &back, err));
        assert_int_equal(vonk_cursor_left(&in), 4);
        assert_true(back->partition == -7 && back->sequence == UINT64_C(1) << 60 && !back->sel);
        OK(vonk_batch_compact(s.batch, &dense, err));
        for (uint32_t c = 0; c < COLUMNS; c++) {
            OK(vonk_column_check(back->columns[c], err));
            assert_same(dense->columns[c], back->columns[c]);
            bool large = dense->columns[c]->encoding == VONK_DICTIONARY &&
                         dense->columns[c]->children[0]->n_rows > dense->n_rows;
            assert_int_equal(back->columns[c]->encoding, large ? VONK_FLAT : dense->columns[c]->encoding);
        }
        empty(&s);
    }
}

/* Whatever the bytes say, what comes out is a good batch, or an error. */
static void try_bytes(const sample *s, const char *bytes, size_t n, bool must_fail)
{
    VONK_AUTO(vonk_error_reset) vonk_error bad = VONK_ERROR_INIT;
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    char *exact = malloc(n ? n : 1); /* so that a sanitizer sees one byte too far */
    memcpy(exact, bytes, n);
    vonk_cursor in = vonk_cursor_of(exact, n, "test block");
    vonk_status st = vonk_block_decode(budget, &in, s->types, COLUMNS, &back, &bad);
    assert_true(st == VONK_OK || st == VONK_E_MALFORMED_INPUT || st == VONK_E_MEMORY_BUDGET_EXCEEDED);
    if (must_fail) assert_int_equal(st, VONK_E_MALFORMED_INPUT);
    for (uint32_t c = 0; st == VONK_OK && c < COLUMNS; c++) OK(vonk_column_check(back->columns[c], err));
    free(exact);
}

static void spoilt_blocks(void **state)
{
    for (uint64_t seed = 0; seed < 7; seed++) {
        sample s;
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        OK(fill(&s, seed, 25, err));
        vonk_buf_init(&out, budget, SIZE_MAX);
        OK(vonk_block_encode(s.batch, &out, err));
        for (size_t n = 0; n < out.len; n++) try_bytes(&s, out.data, n, true);
        for (size_t at = 0; at < out.len; at++)
            for (int k = 0; k < 3; k++) {
                char old = out.data[at];
                out.data[at] = (char)(k == 0 ? old ^ (1 << random_below(8)) : k == 1 ? 0xff : (int)random_below(256));
                try_bytes(&s, out.data, out.len, false);
                out.data[at] = old;
            }
        empty(&s);
    }
}

static void other_types_are_refused(void **state)
{
    sample s;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    vonk_error bad = VONK_ERROR_INIT;
    OK(fill(&s, 2, 10, err));
    vonk_buf_init(&out, budget, SIZE_MAX);
    OK(vonk_block_encode(s.batch, &out, err));
    vonk_cursor in = vonk_cursor_of(out.data, out.len, "test block");
    assert_int_equal(vonk_block_decode(budget, &in, s.types, COLUMNS - 1, &back, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
    const vonk_type *types[COLUMNS];
    memcpy(types, s.types, sizeof(types));
    types[0] = s.types[0]->storage == VONK_STORE_F64 ? &vonk_type_int : &vonk_type_double;
    in = vonk_cursor_of(out.data, out.len, "test block");
    assert_int_equal(vonk_block_decode(budget, &in, types, COLUMNS, &back, &bad), VONK_E_MALFORMED_INPUT);
    vonk_error_reset(&bad);
    empty(&s);
}

static vonk_status scenario(const sample *s, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_batch_unref) vonk_batch *back = NULL;
    vonk_buf_init(&out, budget, SIZE_MAX);
    VONK_TRY(vonk_block_encode(s->batch, &out, err));
    vonk_cursor in = vonk_cursor_of(out.data, out.len, "test block");
    return vonk_block_decode(budget, &in, s->types, COLUMNS, &back, err);
}

static void every_failing_allocation(void **state)
{
    for (uint64_t seed = 0; seed < 7; seed++) {
        sample s;
        OK(fill(&s, seed, 60, err));
        for (int64_t at = 0;; at++) {
            VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
            vonk_fault_arm(VONK_FAULT_ALLOC, at);
            vonk_status st = scenario(&s, &err);
            bool fired = vonk_fault_fired();
            vonk_fault_arm(VONK_FAULT_ALLOC, -1);
            assert_int_equal(st, fired ? VONK_E_MEMORY_BUDGET_EXCEEDED : VONK_OK);
            if (!fired) break;
        }
        empty(&s);
    }
}

static int open_budget(void **state)
{
    return vonk_budget_new(vonk_budget_root(), "test", 64 << 20, &budget, &(vonk_error){0}) == VONK_OK ? 0 : -1;
}
static int close_budget(void **state)
{
    assert_int_equal(vonk_budget_used(budget), 0); /* everything was given back */
    vonk_budget_free(budget);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(spoilt_blocks),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_budget, close_budget);
}
