/* cmd/sql.h -- inside `vonk sql`: running statements and printing their rows. */
#ifndef VONK_CMD_SQL_H
#define VONK_CMD_SQL_H

#include "cmd/cmd.h"

typedef enum vonk__sql_output { VONK__SQL_TABLE, VONK__SQL_CSV, VONK__SQL_JSON, VONK__SQL_TEST } vonk__sql_output;

typedef struct vonk__sql {
    vonk_session    *session;
    vonk__sql_output output;
    bool             interactive; /* progress bar, row counts and times */
    bool             types;       /* CSV header cells are name:type */
} vonk__sql;

/* One statement; rows go to stdout. Ctrl-C cancels it. */
vonk_status vonk__sql_run(vonk__sql *sql, vonk_str statement, vonk_error *err);
/* All rows of a query, in the chosen form; *ret_rows counts them. */
vonk_status vonk__sql_print(vonk__sql *sql, vonk_query *query, int64_t *ret_rows, vonk_error *err);
/* The form of tests/sql: escaped cells, and errors as data. */
vonk_status vonk__sql_test_print(vonk_query *query, int64_t *ret_rows, vonk_error *err);
void        vonk__sql_test_error(const vonk_error *err);
/* Line by line until end of input, with history and completion when stdin is a terminal. Exit status. */
int vonk__sql_shell(vonk__sql *sql);

#endif
