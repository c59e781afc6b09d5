/* session/command_rows.c -- rows of a command's answer. */
#include "session/command_rows.h"

#include <stdio.h>

vonk_status vonk__rows_init(vonk__rows *rows, vonk_budget *budget, const vonk_type *struct_type, vonk_error *err)
{
    rows->budget = budget;
    VONK_TRY(vonk_alloc_zeroed(budget, (struct_type->n_fields + 1) * sizeof *rows->columns, &rows->columns, err));
    for (; rows->n_columns < struct_type->n_fields; rows->n_columns++)
        VONK_TRY(vonk_builder_init(&rows->columns[rows->n_columns], budget, struct_type->fields[rows->n_columns].type,
                                   16, err));
    return VONK_OK;
}

void vonk__rows_done(vonk__rows *rows)
{
    for (uint32_t i = 0; i < rows->n_columns; i++) vonk_builder_done(&rows->columns[i]);
    vonk_free(rows->columns);
}

vonk_status vonk__rows_str(vonk__rows *rows, uint32_t column, vonk_str value, vonk_error *err)
{
    assert(column < rows->n_columns);
    return value.data ? vonk_builder_str(&rows->columns[column], value, err)
                      : vonk_builder_null(&rows->columns[column], err);
}

vonk_status vonk__rows_bool(vonk__rows *rows, uint32_t column, bool value, vonk_error *err)
{
    assert(column < rows->n_columns);
    return vonk_builder_bool(&rows->columns[column], value, err);
}

vonk_status vonk__rows_finish(vonk__rows *rows, vonk_batch **ret, vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t n = 0, n_rows = rows->n_columns ? rows->columns[0].n_rows : 0;
    vonk_status status = vonk_alloc_zeroed(rows->budget, (rows->n_columns + 1) * sizeof *columns, &columns, err);

    for (; status == VONK_OK && n < rows->n_columns; n++)
        status = vonk_builder_finish(&rows->columns[n], &columns[n], err);
    if (status == VONK_OK) status = vonk_batch_new(rows->budget, n_rows, columns, rows->n_columns, ret, err);
    for (uint32_t i = 0; columns && i < n; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return status;
}

vonk_status vonk__fail_no_table(const vonk_name_info *name, vonk_error *err)
{
    char quoted[512];
    size_t at = 0;

    for (uint32_t i = 0; i < name->n_parts && at < sizeof quoted - 8; i++)
        at += (size_t)snprintf(quoted + at, sizeof quoted - at, "%s`%.*s`", i ? "." : "",
                               (int)vonk_min_size(name->parts[i].len, 120), name->parts[i].data);
    return VONK_FAIL(err, VONK_E_TABLE_OR_VIEW_NOT_FOUND, "relationName", quoted, "searchPath",
                     "[`spark_catalog`.`default`]");
}
