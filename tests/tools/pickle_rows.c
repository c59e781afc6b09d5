/* tests/tools/pickle_rows.c -- what codec/pickle.h makes, for comparison with Python's own pickle. Input on stdin,
 * output on stdout.
 *
 *   pickle-rows write [--tuples] [--final] [--bytearrays] [--zone ZONE] [--every K] [--ddl SCHEMA]
 *                     Arrow IPC stream -> pickles, one behind the other, one per batch
 *   pickle-rows read [--final] [--zone ZONE] --ddl SCHEMA    pickled list of rows -> Arrow IPC stream
 *   pickle-rows copy                                         pickle -> values -> pickle
 * An error: its condition and message on stderr, status 1. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/ipc.h"
#include "codec/pickle.h"

typedef struct arguments {
    vonk_pickle_options options;
    const vonk_type *type;
    uint32_t every;
} arguments;

static vonk_status read_input(vonk_buf *in, vonk_error *err)
{
    char *at;
    size_t n;
    do {
        VONK_TRY(vonk_buf_extend(in, 1 << 16, &at, err));
        n = fread(at, 1, 1 << 16, stdin);
        in->len -= (1 << 16) - n;
    } while (n > 0);
    return VONK_OK;
}

static vonk_status every_row(vonk_batch **batch, uint32_t every, vonk_error *err)
{
    vonk_buffer *sel = NULL;
    vonk_batch *selected = NULL;
    uint32_t n = 0;
    VONK_TRY(vonk_buffer_new(vonk_budget_root(), (*batch)->n_rows * sizeof(uint32_t), &sel, err));
    for (uint32_t i = 0; i < (*batch)->n_rows; i += every) ((uint32_t *)(void *)sel->data)[n++] = i;
    VONK_TRY(vonk_batch_select(*batch, sel, n, &selected, err));
    vonk_batch_unref(*batch);
    *batch = selected;
    return VONK_OK;
}

static vonk_status write_pickles(const arguments *a, vonk_str in, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *reader = NULL;
    vonk_buffer *bytes = NULL;
    VONK_TRY(vonk_buffer_new(vonk_budget_root(), in.len, &bytes, err));
    memcpy(bytes->data, in.data, in.len);
    vonk_status st = vonk_ipc_reader_new(vonk_budget_root(), bytes, "stdin", &reader, err);
    vonk_buffer_unref(bytes);
    VONK_TRY(st);
    const vonk_type *type = a->type ? a->type : vonk_ipc_reader_type(reader);
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_ipc_reader_next(reader, &batch, err));
        if (!batch) return VONK_OK;
        if (a->every > 1) VONK_TRY(every_row(&batch, a->every, err));
        VONK_TRY(vonk_pickle_write_rows(batch, type, &a->options, out, err));
    }
}

static vonk_status batch_of(const arguments *a, const vonk_pickle_value *rows, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *whole = NULL;
    VONK_TRY(vonk_builder_init(&b, vonk_budget_root(), a->type, rows->n_items, err));
    for (uint32_t i = 0; i < rows->n_items; i++)
        VONK_TRY(vonk_pickle_append(rows->items[i], a->type, &a->options, &b, err));
    VONK_TRY(vonk_builder_finish(&b, &whole, err));
    VONK_TRY(vonk_column_check(whole, err));
    return vonk_batch_new(vonk_budget_root(), whole->n_rows, whole->children, whole->n_children, ret, err);
}

static vonk_status read_rows(const arguments *a, vonk_str in, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    const vonk_pickle_value *rows;
    const vonk_ipc_options options = VONK_IPC_OPTIONS;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    VONK_TRY(vonk_pickle_read(in, arena, &rows, NULL, err));
    if (rows->kind != VONK_PICKLE_LIST) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "no list of rows");
    VONK_TRY(batch_of(a, rows, &batch, err));
    const vonk_batch *one = batch;
    return vonk_ipc_write_stream(&one, 1, a->type, &options, out, err);
}

static vonk_status copy(vonk_str in, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_pickle_value *value;
    VONK_TRY(vonk_arena_new(vonk_budget_root(), &arena, err));
    VONK_TRY(vonk_pickle_read(in, arena, &value, NULL, err));
    return vonk_pickle_write(value, out, err);
}

static vonk_status run(const char *verb, arguments *a, vonk_buf *in, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(read_input(in, err));
    if (!strcmp(verb, "write")) return write_pickles(a, vonk_buf_str(in), out, err);
    if (!strcmp(verb, "copy")) return copy(vonk_buf_str(in), out, err);
    return read_rows(a, vonk_buf_str(in), out, err);
}

int main(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf in = {0}, out = {0};
    arguments a = {.options = {.named = true, .internal = true}, .every = 1};
    vonk_buf_init(&in, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_status st = VONK_OK;
    for (int i = 2; i < argc && st == VONK_OK; i++) {
        if (!strcmp(argv[i], "--tuples"))
            a.options.named = false;
        else if (!strcmp(argv[i], "--final"))
            a.options.internal = false;
        else if (!strcmp(argv[i], "--bytearrays"))
            a.options.bytearrays = true;
        else if (!strcmp(argv[i], "--zone") && i + 1 < argc)
            a.options.timezone = vonk_str_of(argv[++i]);
        else if (!strcmp(argv[i], "--every") && i + 1 < argc)
            a.every = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--ddl") && i + 1 < argc)
            st = vonk_type_parse_ddl(vonk_str_of(argv[++i]), &a.type, &err);
    }
    if (argc < 2 || (!strcmp(argv[1], "read") && st == VONK_OK && !a.type)) {
        fprintf(stderr,
                "usage: pickle-rows write|read|copy [--tuples] [--final] [--bytearrays] [--zone ZONE] [--every K] "
                "[--ddl SCHEMA]\n");
        return 2;
    }
    if (st == VONK_OK) st = run(argv[1], &a, &in, &out, &err);
    if (st == VONK_OK)
        fwrite(out.data, 1, out.len, stdout);
    else
        fprintf(stderr, "%s\n", vonk_error_message(&err));
    vonk_error_reset(&err);
    vonk_type_unref(a.type);
    vonk_buf_done(&in);
    vonk_buf_done(&out);
    return st != VONK_OK;
}
