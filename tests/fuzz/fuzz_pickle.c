/* Pickles from anything. What is read can be written, and reads the same again; what it gives for a type is a whole
 * column, which makes a pickle that can be read. No memory may be left over. The first byte chooses the type. */
#include <stdlib.h>

#include "codec/pickle.h"

#define MEMORY (64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char *const types[] = {
    "struct<a:int,b:string,c:double>",
    "struct<a:boolean,b:tinyint,c:smallint,d:bigint,e:float,f:decimal(10,2),g:decimal(38,18)>",
    "struct<a:date,b:timestamp,c:timestamp_ntz,d:time(6),e:interval day to second,f:interval year to month>",
    "struct<a:array<int>,b:map<string,array<string>>,c:struct<x:int,y:binary>>",
    "struct<a:variant,b:geometry(0),c:geography(4326),d:interval>",
    "struct<a:string,b:array<struct<x:string>>,c:map<decimal(5,1),bigint>>",
};

static void require(bool holds)
{
    if (!holds) abort();
}

static vonk_status to_column(const vonk_pickle_value *v, const vonk_type *type, bool internal, vonk_budget *budget,
                             vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_pickle_value *again;
    vonk_pickle_options options = {.internal = internal, .named = internal, .timezone = VONK_STR("Europe/Berlin")};
    VONK_TRY(vonk_builder_init(&b, budget, type, 4, err));
    uint32_t n = v->kind == VONK_PICKLE_LIST ? v->n_items : 0;
    for (uint32_t i = 0; i < n; i++) VONK_TRY(vonk_pickle_append(v->items[i], type, &options, &b, err));
    VONK_TRY(vonk_builder_finish(&b, &column, err));
    require(vonk_column_check(column, err) == VONK_OK);
    VONK_TRY(vonk_batch_new(budget, column->n_rows, column->children, column->n_children, &batch, err));
    vonk_buf_init(&out, budget, SIZE_MAX);
    VONK_TRY(vonk_pickle_write_rows(batch, type, &options, &out, err));
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    vonk_status st = vonk_pickle_read(vonk_buf_str(&out), arena, &again, NULL, err);
    require(st == VONK_OK || st == VONK_E_MEMORY_BUDGET_EXCEEDED);
    require(st != VONK_OK || (again->kind == VONK_PICKLE_LIST && again->n_items == n));
    return st;
}

static vonk_status read_all(vonk_str in, const vonk_type *type, vonk_budget *budget, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf once = {0}, twice = {0};
    const vonk_pickle_value *v, *again;
    size_t used;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_pickle_read(in, arena, &v, &used, err));
    require(used <= in.len);
    vonk_buf_init(&once, budget, 4 << 20);
    vonk_buf_init(&twice, budget, 4 << 20);
    if (vonk_pickle_write(v, &once, err) == VONK_OK) {
        VONK_TRY(vonk_pickle_read(vonk_buf_str(&once), arena, &again, &used, err));
        require(used == once.len);
        VONK_TRY(vonk_pickle_write(again, &twice, err));
        require(vonk_str_eq(vonk_buf_str(&once), vonk_buf_str(&twice)));
    }
    vonk_error_reset(err);
    if (to_column(v, type, true, budget, err) != VONK_OK) vonk_error_reset(err);
    return to_column(v, type, false, budget, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static vonk_budget *budget;
    static const vonk_type *parsed[sizeof(types) / sizeof(types[0])];
    vonk_error err = VONK_ERROR_INIT;
    if (!budget) require(vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY, &budget, &err) == VONK_OK);
    if (bytes == 0) return 0;
    size_t which = data[0] % (sizeof(types) / sizeof(types[0]));
    if (!parsed[which]) require(vonk_type_parse(vonk_str_of(types[which]), &parsed[which], &err) == VONK_OK);
    (void)read_all((vonk_str){(const char *)data + 1, bytes - 1}, parsed[which], budget, &err);
    vonk_error_reset(&err);
    require(vonk_budget_used(budget) == 0);
    return 0;
}
