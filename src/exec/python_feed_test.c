/* Tests of what operators of Python share and needs no worker: rows that wait for answers, pickled lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/ok_test.h"
#include "column/builder.h"
#include "exec/exec_int.h"
#include "exec/python_run.h"

/* n rows of one number: from, from + 1, ... */
static vonk_batch *rows_from(int64_t from, uint32_t n)
{
    vonk_column *column = NULL;
    vonk_batch *batch = NULL;
    OK(vonk_column_new_sequence(vonk_budget_root(), &vonk_type_long, n, from, 1, &column, err));
    OK(vonk_batch_new(vonk_budget_root(), n, &column, 1, &batch, err));
    vonk_column_unref(column);
    return batch;
}

static void put(vonk_op *op, python_queue *q, vonk_batch *take_batch)
{
    OK(vonk__python_queue_put(op, q, take_batch, err));
    vonk_batch_unref(take_batch);
}

/* At most `most` rows come, and they are n from `from` on; n 0: none. */
static void takes(vonk_op *op, python_queue *q, uint32_t most, int64_t from, uint32_t n)
{
    vonk_batch *got = NULL;
    OK(vonk__python_queue_take(op, q, most, &got, err));
    assert_int_equal(got ? got->n_sel : 0, n);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(vonk_column_i64(got->columns[0], i), from + i);
    vonk_batch_unref(got);
}

static void rows_wait_in_order(void **state)
{
    static vonk_exec exec;
    vonk_op op = {.exec = &exec, .budget = vonk_budget_root()};
    python_queue q = {0};
    (void)state;
    takes(&op, &q, 5, 0, 0);
    put(&op, &q, rows_from(0, 3));
    put(&op, &q, rows_from(3, 4));
    assert_int_equal(q.n_rows, 7);
    takes(&op, &q, 2, 0, 2);
    takes(&op, &q, 9, 2, 1); /* never of two batches */
    takes(&op, &q, 3, 3, 3);
    put(&op, &q, rows_from(7, 1));
    takes(&op, &q, 3, 6, 1);
    takes(&op, &q, 3, 7, 1);
    takes(&op, &q, 3, 0, 0);
    assert_int_equal(q.n_rows + q.bytes, 0);
    vonk__python_queue_done(&q);
}

/* Places of rows that have gone are used again, however long it goes on. */
static void a_long_queue_stays_short(void **state)
{
    static vonk_exec exec;
    vonk_op op = {.exec = &exec, .budget = vonk_budget_root()};
    python_queue q = {0};
    int64_t next = 0;
    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        put(&op, &q, rows_from(2 * i, 2));
        if (i >= 10) {
            takes(&op, &q, 2, next, 2);
            next += 2;
        }
    }
    assert_int_equal(q.n_rows, 20);
    assert_true(q.entries.capacity <= 256);
    vonk__python_queue_clear(&q);
    takes(&op, &q, 1, 0, 0);
    put(&op, &q, rows_from(5, 1));
    takes(&op, &q, 1, 5, 1);
    vonk__python_queue_done(&q);
}

static vonk_status read_it(const char *bytes, size_t n, vonk_arena *arena, const vonk_pickle_value **ret,
                           vonk_error *why)
{
    vonk_buffer *frame = NULL;
    OK(vonk_buffer_new(vonk_budget_root(), n, &frame, err));
    memcpy(frame->data, bytes, n);
    const vonk_status st = vonk__python_read_list(frame, arena, ret, why);
    vonk_buffer_unref(frame);
    return st;
}

static void answers_are_lists(void **state)
{
    static const char list[] = "\x80\x04]\x94(K\x01K\x02"
                               "e.",
                      number[] = "\x80\x04K\x01.";
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_pickle_value *value = NULL;
    vonk_error why = VONK_ERROR_INIT;
    (void)state;
    OK(vonk_arena_new(vonk_budget_root(), &arena, err));
    assert_int_equal(read_it(list, sizeof list - 1, arena, &value, &why), VONK_OK);
    assert_int_equal(value->n_items, 2);
    assert_int_equal(read_it(number, sizeof number - 1, arena, &value, &why), VONK_E_PYTHON_WORKER_GARBAGE);
    vonk_error_reset(&why);
    assert_int_not_equal(read_it("\x80\x04]", 3, arena, &value, &why), VONK_OK); /* it is cut off */
    vonk_error_reset(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_wait_in_order), cmocka_unit_test(a_long_queue_stays_short),
                                       cmocka_unit_test(answers_are_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
