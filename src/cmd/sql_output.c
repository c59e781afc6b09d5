/* cmd/sql_output.c -- rows as a table, CSV or JSON lines, and the progress bar while they are not there yet. */
#include <stdio.h>
#include <string.h>

#include "cmd/sql.h"
#include "sys/clock.h"
#include "sys/env.h"
#include "sys/loop.h"

#define TABLE_ROWS 1000 /* a table's widths are measured over so many rows */
#define MAX_WIDTH 200

static bool is_number(const vonk_type *t) { return vonk_type_is_numeric(t); }

/* ---- progress, on stderr, only for people */
static void draw_progress(vonk_query *query)
{
    vonk_progress stages[32];
    const uint32_t n = vonk_query_progress(query, stages, VONK_COUNTOF(stages));
    uint64_t done = 0, all = 0;

    for (uint32_t i = 0; i < n && i < VONK_COUNTOF(stages); i++) {
        done += stages[i].n_done_tasks;
        all += stages[i].n_tasks;
    }
    if (all == 0) return;
    const int width = 40, filled = (int)(done * (uint64_t)width / all);
    fprintf(stderr, "\r[%.*s%*s] %llu/%llu", filled, "========================================", width - filled, "",
            (unsigned long long)done, (unsigned long long)all);
}

typedef struct waiter {
    _Atomic bool woken;
} waiter;
static void wake(void *arg) { ((waiter *)arg)->woken = true; }

/* The next batch; while it is not there, the bar moves. */
static vonk_status next_batch(vonk__sql *sql, vonk_query *query, vonk_batch **ret, vonk_error *err)
{
    bool ready = false, drawn = false;

    if (!sql->interactive) return vonk_query_next(query, ret, err);
    if (vonk_interrupts_take()) vonk_query_cancel(query); /* while rows were printed */
    for (;;) {
        waiter w = {false};
        VONK_TRY(vonk_query_poll(query, wake, &w, &ready, ret, err));
        if (ready) break;
        for (int ticks = 0; !w.woken; ticks++) {
            vonk_clock_sleep_ns(20000000);
            if (vonk_interrupts_take()) vonk_query_cancel(query); /* wakes, too */
            if (ticks < 10) continue;
            draw_progress(query);
            drawn = true;
        }
    }
    if (drawn) fprintf(stderr, "\r%*s\r", 70, "");
    return VONK_OK;
}

/* ---- CSV (RFC 4180) and JSON */
static void put_csv(vonk_str s)
{
    bool quote = false;

    for (size_t i = 0; i < s.len && !quote; i++) quote = strchr(",\"\r\n", s.data[i]) != NULL;
    if (!quote) {
        fwrite(s.data, 1, s.len, stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"') putchar('"');
        putchar(s.data[i]);
    }
    putchar('"');
}

static void put_json_text(vonk_str s)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static bool json_plain(const vonk_type *t, vonk_str text)
{
    if (t->id == VONK_T_BOOLEAN) return true;
    return is_number(t) && text.len > 0 &&
           !strchr("NI",
                   text.data[text.data[0] == '-' && text.len > 1 ? 1 : 0]); /* NaN and Infinity are no JSON numbers */
}

static vonk_status put_row(vonk__sql *sql, vonk_query *query, const vonk_batch *batch, uint32_t row, vonk_buf *cell,
                           vonk_error *err)
{
    const vonk_type *type = vonk_query_schema(query);

    if (sql->output == VONK__SQL_JSON) putchar('{');
    for (uint32_t c = 0; c < batch->n_columns; c++) {
        bool null = false;
        vonk_buf_reset(cell);
        VONK_TRY(vonk_query_cell(query, batch, c, row, cell, &null, err));
        if (c > 0) putchar(',');
        if (sql->output == VONK__SQL_JSON) {
            put_json_text(type->fields[c].name);
            putchar(':');
        }
        if (null)
            fputs(sql->output == VONK__SQL_JSON ? "null" : "NULL", stdout);
        else if (sql->output == VONK__SQL_CSV)
            put_csv(vonk_buf_str(cell));
        else if (json_plain(type->fields[c].type, vonk_buf_str(cell)))
            fwrite(cell->data, 1, cell->len, stdout);
        else
            put_json_text(vonk_buf_str(cell));
    }
    fputs(sql->output == VONK__SQL_JSON ? "}\n" : "\n", stdout);
    return VONK_OK;
}

static vonk_status csv_header(vonk__sql *sql, const vonk_type *type, vonk_buf *cell, vonk_error *err)
{
    for (uint32_t c = 0; c < type->n_fields; c++) {
        vonk_buf_reset(cell);
        VONK_TRY(vonk_buf_add_str(cell, type->fields[c].name, err));
        if (sql->types) {
            VONK_TRY(vonk_buf_add_byte(cell, ':', err));
            VONK_TRY(vonk_type_catalog_string(type->fields[c].type, cell, err));
        }
        if (c > 0) putchar(',');
        put_csv(vonk_buf_str(cell));
    }
    if (type->n_fields > 0) putchar('\n');
    return VONK_OK;
}

/* ---- table: widths from the first rows, then row by row */
static size_t chars(vonk_str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) n += ((unsigned char)s.data[i] & 0xc0) != 0x80;
    return n;
}

static void put_padded(vonk_str s, size_t width, bool right)
{
    const size_t n = chars(s), gap = n < width ? width - n : 0;

    if (right) printf("%*s", (int)gap, "");
    fwrite(s.data, 1, s.len, stdout);
    if (!right) printf("%*s", (int)gap, "");
}

static vonk_status table_cell(vonk_query *query, const vonk_batch *batch, uint32_t c, uint32_t row, vonk_buf *cell,
                              vonk_error *err)
{
    bool null = false;

    vonk_buf_reset(cell);
    VONK_TRY(vonk_query_cell(query, batch, c, row, cell, &null, err));
    return null ? vonk_buf_add_c(cell, "NULL", err) : VONK_OK;
}

static vonk_status table_head(vonk_query *query, const vonk_batch *batch, size_t *widths, vonk_buf *cell,
                              vonk_error *err)
{
    const vonk_type *type = vonk_query_schema(query);

    for (uint32_t c = 0; c < type->n_fields; c++) {
        widths[c] = chars(type->fields[c].name);
        for (uint32_t r = 0; batch && r < batch->n_rows && r < TABLE_ROWS; r++) {
            VONK_TRY(table_cell(query, batch, c, r, cell, err));
            widths[c] = vonk_max_size(widths[c], vonk_min_size(chars(vonk_buf_str(cell)), MAX_WIDTH));
        }
        printf(c ? " | " : "");
        put_padded(type->fields[c].name, widths[c], is_number(type->fields[c].type));
    }
    putchar('\n');
    for (uint32_t c = 0; c < type->n_fields; c++) {
        printf(c ? "-+-" : "");
        for (size_t i = 0; i < widths[c]; i++) putchar('-');
    }
    putchar('\n');
    return VONK_OK;
}

static vonk_status table_row(vonk_query *query, const vonk_batch *batch, uint32_t row, const size_t *widths,
                             vonk_buf *cell, vonk_error *err)
{
    for (uint32_t c = 0; c < batch->n_columns; c++) {
        VONK_TRY(table_cell(query, batch, c, row, cell, err));
        printf(c ? " | " : "");
        put_padded(vonk_buf_str(cell), widths[c], is_number(vonk_query_schema(query)->fields[c].type));
    }
    putchar('\n');
    return VONK_OK;
}

static vonk_status print_batches(vonk__sql *sql, vonk_query *query, size_t *widths, vonk_buf *cell, int64_t *ret_rows,
                                 vonk_error *err)
{
    bool first = true;

    if (sql->output == VONK__SQL_CSV) VONK_TRY(csv_header(sql, vonk_query_schema(query), cell, err));
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(next_batch(sql, query, &batch, err));
        if (first && sql->output == VONK__SQL_TABLE && vonk_query_schema(query)->n_fields > 0)
            VONK_TRY(table_head(query, batch, widths, cell, err));
        first = false;
        if (!batch) return VONK_OK;
        for (uint32_t r = 0; r < batch->n_rows; r++)
            VONK_TRY(sql->output == VONK__SQL_TABLE ? table_row(query, batch, r, widths, cell, err)
                                                    : put_row(sql, query, batch, r, cell, err));
        *ret_rows += batch->n_rows;
    }
}

vonk_status vonk__sql_print(vonk__sql *sql, vonk_query *query, int64_t *ret_rows, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf cell = {0};
    size_t *widths = NULL;

    vonk_buf_init(&cell, vonk_budget_root(), SIZE_MAX);
    VONK_TRY(
        vonk_alloc_zeroed(vonk_budget_root(), (vonk_query_schema(query)->n_fields + 1) * sizeof *widths, &widths, err));
    vonk_status status = print_batches(sql, query, widths, &cell, ret_rows, err);
    vonk_free(widths);
    fflush(stdout);
    return status;
}
