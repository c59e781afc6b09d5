/* cmd/sql_test_output.c -- the form that tests/sql compares: columns with types, rows, errors, one a line. */
#include <stdio.h>

#include "cmd/sql.h"

/* What would break a line or look like a border between cells is escaped; nothing at all is written \e. */
static void put_escaped(vonk_str s)
{
    if (s.len == 0) fputs("\\e", stdout);
    if (vonk_str_is(s, "NULL")) putchar('\\');
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.data[i];
        if (c == '\n')
            fputs("\\n", stdout);
        else if (c == '\r')
            fputs("\\r", stdout);
        else if (c == '\t')
            fputs("\\t", stdout);
        else if (c == 0)
            fputs("\\0", stdout);
        else if (c == '\\' || c == '|' || c == ';')
            printf("\\%c", c);
        else if (c == ' ' && i + 1 == s.len)
            fputs("\\s", stdout);
        else
            putchar(c);
    }
}

static vonk_status put_columns(const vonk_type *schema, vonk_buf *cell, vonk_error *err)
{
    for (uint32_t c = 0; c < schema->n_fields; c++) {
        vonk_buf_reset(cell);
        if (c > 0) fputs(" | ", stdout);
        VONK_TRY(vonk_buf_add_str(cell, schema->fields[c].name, err));
        VONK_TRY(vonk_buf_add_c(cell, ": ", err));
        VONK_TRY(vonk_type_catalog_string(schema->fields[c].type, cell, err));
        put_escaped(vonk_buf_str(cell));
    }
    if (schema->n_fields) putchar('\n');
    return VONK_OK;
}

static vonk_status put_row(vonk_query *query, const vonk_batch *batch, uint32_t row, vonk_buf *cell, vonk_error *err)
{
    for (uint32_t c = 0; c < batch->n_columns; c++) {
        bool null = false;
        vonk_buf_reset(cell);
        VONK_TRY(vonk_query_cell(query, batch, c, row, cell, &null, err));
        if (c > 0) fputs(" | ", stdout);
        if (null)
            fputs("NULL", stdout);
        else
            put_escaped(vonk_buf_str(cell));
    }
    putchar('\n');
    return VONK_OK;
}

vonk_status vonk__sql_test_print(vonk_query *query, int64_t *ret_rows, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf cell = {0};

    vonk_buf_init(&cell, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(put_columns(vonk_query_schema(query), &cell, err));
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(query, &batch, err));
        if (!batch) return VONK_OK;
        for (uint32_t r = 0; r < batch->n_rows; r++) VONK_TRY(put_row(query, batch, r, &cell, err));
        *ret_rows += batch->n_rows;
    }
}

void vonk__sql_test_error(const vonk_error *err)
{
    printf("error %s %s\n", vonk_error_condition(err), vonk_error_sqlstate(err));
    for (size_t i = 0; i < vonk_error_n_params(err); i++) {
        const char *name, *value;
        vonk_error_param(err, i, &name, &value);
        printf("%s = ", name);
        put_escaped(vonk_str_of(value));
        putchar('\n');
    }
    for (size_t i = 0; i < vonk_error_n_contexts(err); i++) {
        const vonk_query_context *context = vonk_error_context(err, i);
        printf("at %d..%d\n", context->start, context->stop);
    }
}
