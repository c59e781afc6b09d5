/* tests/tools/dump_rows.h -- columns as JSON texts, for the development tools that compare our readers with others'. */
#ifndef VONK_TESTS_DUMP_ROWS_H
#define VONK_TESTS_DUMP_ROWS_H

#include "column/batch.h"

/* One value as JSON: numbers as they are stored (days, microseconds), decimals as texts, binaries as {"hex": "..."}, maps as lists of pairs, NaN and
 * infinities as texts. */
vonk_status dump_value(const vonk_column *column, uint32_t row, vonk_buf *out, vonk_error *err);
/* A whole file; exits with a message when it cannot be read. */
void read_whole_file(const char *path, vonk_buf *out);
/* Exits with the error's message unless st is VONK_OK. */
void must(vonk_status st, vonk_error *err);

#endif
