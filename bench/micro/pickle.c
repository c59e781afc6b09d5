/* bench/micro/pickle.c -- rows of (int, string, double) to pickles and back, nanoseconds per row, one thread.
 * pickle_python.py beside it times the same with CPython's pickle.
 *
 *     pickle [ROWS [ROWS_PER_PICKLE]]        default 1000000 4096 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/pickle.h"
#include "sys/clock.h"

static void check(vonk_status st, vonk_error *err)
{
    if (st == VONK_OK) return;
    printf("%s\n", vonk_error_message(err));
    exit(1);
}

typedef struct work {
    const vonk_type *type;
    vonk_batch *batch;
    vonk_pickle_options options;
    int64_t write_ns, read_ns, append_ns;
    size_t bytes;
    uint32_t rows;
} work;

static vonk_status make_batch(work *w, uint32_t n, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    char text[32];
    VONK_TRY(vonk_builder_init(&b, vonk_budget_root(), w->type, n, err));
    for (uint32_t i = 0; i < n; i++) {
        int len = snprintf(text, sizeof(text), "name-%u", i * 7919);
        VONK_TRY(vonk_builder_i64(vonk_builder_child(&b, 0), (int64_t)i * 31, err));
        VONK_TRY(vonk_builder_str(vonk_builder_child(&b, 1), (vonk_str){text, (size_t)len}, err));
        VONK_TRY(vonk_builder_f64(vonk_builder_child(&b, 2), (double)i * 0.5, err));
        VONK_TRY(vonk_builder_close(&b, err));
    }
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    return vonk_batch_new(vonk_budget_root(), n, column->children, column->n_children, &w->batch, err);
}

static vonk_status once(work *w, vonk_arena *arena, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    const vonk_pickle_value *v;
    vonk_buf_reset(out);
    int64_t t0 = vonk_clock_mono_ns();
    VONK_TRY(vonk_pickle_write_rows(w->batch, w->type, &w->options, out, err));
    int64_t t1 = vonk_clock_mono_ns();
    vonk_arena_reset(arena);
    VONK_TRY(vonk_pickle_read(vonk_buf_str(out), arena, &v, NULL, err));
    int64_t t2 = vonk_clock_mono_ns();
    VONK_TRY(vonk_builder_init(&b, vonk_budget_root(), w->type, v->n_items, err));
    for (uint32_t i = 0; i < v->n_items && !w->options.named; i++)
        VONK_TRY(vonk_pickle_append(v->items[i], w->type, &w->options, &b, err));
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    w->append_ns += vonk_clock_mono_ns() - t2;
    w->read_ns += t2 - t1;
    w->write_ns += t1 - t0;
    w->bytes += out->len;
    w->rows += v->n_items;
    return VONK_OK;
}

int main(int argc, char **argv)
{
    uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    uint32_t each = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 4096;
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_buf out = {0};
    work w = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    check(vonk_arena_new(vonk_budget_root(), &arena, &err), &err);
    check(vonk_type_parse(VONK_STR("struct<a:int,b:string,c:double>"), &w.type, &err), &err);
    check(make_batch(&w, each, &err), &err);
    for (int named = 0; named < 2; named++) {
        w.options = (vonk_pickle_options){.named = named, .internal = true};
        w.write_ns = w.read_ns = w.append_ns = 0;
        w.bytes = w.rows = 0;
        for (uint32_t i = 0; i < rows; i += each) check(once(&w, arena, &out, &err), &err);
        printf("%-6s write %5.1f  read %5.1f  append %5.1f ns/row, %zu bytes/row\n", named ? "rows" : "tuples",
               (double)w.write_ns / w.rows, (double)w.read_ns / w.rows, named ? 0 : (double)w.append_ns / w.rows,
               w.bytes / w.rows);
    }
    vonk_buf_done(&out);
    vonk_arena_free(arena);
    vonk_batch_unref(w.batch);
    vonk_type_unref(w.type);
    return 0;
}
