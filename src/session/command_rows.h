/* session/command_rows.h -- the rows a command answers, cell by cell, and the commands that only look (SHOW, DESCRIBE). */
#ifndef VONK_SESSION_COMMAND_ROWS_H
#define VONK_SESSION_COMMAND_ROWS_H

#include "column/builder.h"
#include "session/session_int.h"

typedef struct vonk__rows {
    vonk_budget  *budget;
    vonk_builder *columns;
    uint32_t      n_columns;
} vonk__rows;

vonk_status vonk__rows_init(vonk__rows *rows, vonk_budget *budget, const vonk_type *struct_type, vonk_error *err);
void        vonk__rows_done(vonk__rows *rows);
VONK_DEFINE_AUTO_DONE(vonk__rows, vonk__rows_done)
vonk_status vonk__rows_str(vonk__rows *rows, uint32_t column, vonk_str value, vonk_error *err); /* data NULL: null */
vonk_status vonk__rows_bool(vonk__rows *rows, uint32_t column, bool value, vonk_error *err);
vonk_status vonk__rows_finish(vonk__rows *rows, vonk_batch **ret, vonk_error *err);

vonk_status vonk__run_show(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err);
vonk_status vonk__run_describe(vonk_query *query, const vonk_plan *command, vonk__rows *rows, vonk_error *err);
vonk_status vonk__fail_no_table(const vonk_name_info *name, vonk_error *err); /* TABLE_OR_VIEW_NOT_FOUND */

#endif
