/* base/ok_test.h -- for tests: a call that must work, and says why when it does not. Included by *_test.c after cmocka. */
#ifndef VONK_BASE_OK_TEST_H
#define VONK_BASE_OK_TEST_H

#include "base/error.h"

/* The call names its last argument `err`. */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        vonk_error  err_ = VONK_ERROR_INIT, *err = &err_;                                                              \
        vonk_status st_ = (call);                                                                                      \
        if (st_ != VONK_OK) print_error("%s\n", vonk_error_message(&err_));                                            \
        assert_int_equal(st_, VONK_OK);                                                                                \
        vonk_error_reset(&err_);                                                                                       \
    } while (0)

#endif
