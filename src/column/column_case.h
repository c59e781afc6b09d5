/* column/column_case.h -- for tests: one budget for all tests of a program, empty again at its end; what happens when allocations fail. Included by
 * *_test.c after cmocka. CASE_BUDGET_BYTES: the budget's limit, if it has one. */
#ifndef VONK_COLUMN_COLUMN_CASE_H
#define VONK_COLUMN_COLUMN_CASE_H

#include "base/fault.h"
#include "column/random_column.h"

#ifndef CASE_BUDGET_BYTES
#define CASE_BUDGET_BYTES VONK_NO_LIMIT
#endif

static vonk_budget *budget;

static int open_budget(void **state)
{
    return vonk_budget_new(vonk_budget_root(), "test", CASE_BUDGET_BYTES, &budget, &(vonk_error){0}) == VONK_OK ? 0 : -1;
}
static int close_budget(void **state)
{
    assert_int_equal(vonk_budget_used(budget), 0); /* everything was given back */
    vonk_budget_free(budget);
    return 0;
}

/* Runs `call`, a vonk_status that fills `err`, once for each of its allocations with that one failing, and once as it is. */
#define EACH_ALLOCATION_FAILS(call)                                                                                                                  \
    for (int64_t at_ = 0, fired_ = 1; fired_; at_++) {                                                                                               \
        vonk_error err_ = VONK_ERROR_INIT, *err = &err_;                                                                                             \
        vonk_fault_arm(VONK_FAULT_ALLOC, at_);                                                                                                       \
        vonk_status st_ = (call);                                                                                                                    \
        fired_ = vonk_fault_fired();                                                                                                                 \
        vonk_fault_arm(VONK_FAULT_ALLOC, -1);                                                                                                        \
        assert_int_equal(st_, fired_ ? VONK_E_MEMORY_BUDGET_EXCEEDED : VONK_OK);                                                                     \
        vonk_error_reset(err);                                                                                                                       \
    }

#endif
