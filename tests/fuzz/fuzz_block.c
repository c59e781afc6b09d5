/* Blocks from anything. The first byte picks the types of the columns. What decodes must hold all invariants of
 * columns, and be the same after it was encoded and decoded again. */
#include <stdlib.h>

#include "column/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) abort();
}

static const char *const shapes[] = {
    "a int, b string, c boolean",
    "a array<string>, b bigint",
    "a map<string, array<int>>, b decimal(38, 2)",
    "a struct<x: double, y: struct<z: binary, w: array<void>>>, b variant, c interval, d void",
};

static vonk_batch *decode(vonk_budget *budget, const vonk_type *shape, vonk_cursor *in)
{
    const vonk_type *types[8];
    vonk_batch *batch = NULL;
    vonk_error err = VONK_ERROR_INIT;
    for (uint32_t i = 0; i < shape->n_fields; i++) types[i] = shape->fields[i].type;
    vonk_status st = vonk_block_decode(budget, in, types, shape->n_fields, &batch, &err);
    require(st == VONK_OK || st == VONK_E_MALFORMED_INPUT || st == VONK_E_MEMORY_BUDGET_EXCEEDED);
    vonk_error_reset(&err);
    return batch;
}

static void check_again(vonk_budget *budget, const vonk_type *shape, const vonk_batch *batch)
{
    vonk_buf out = {0};
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf_init(&out, budget, SIZE_MAX);
    if (vonk_block_encode(batch, &out, &err) == VONK_OK) { /* else there was no room for it */
        vonk_cursor in = vonk_cursor_of(out.data, out.len, "own block");
        vonk_batch *again = decode(budget, shape, &in);
        require(!again || vonk_cursor_left(&in) == 0);
        for (uint32_t c = 0; again && c < batch->n_columns; c++)
            for (uint32_t i = 0; i < batch->n_rows && i < 1000; i++)
                require(vonk_column_row_eq(batch->columns[c], i, again->columns[c], i));
        vonk_batch_unref(again);
    }
    vonk_error_reset(&err);
    vonk_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const vonk_type *types[VONK_COUNTOF(shapes)];
    static vonk_budget *budget;
    vonk_error err = VONK_ERROR_INIT;
    if (bytes == 0) return 0;
    size_t pick = data[0] % VONK_COUNTOF(shapes);
    if (!budget) require(vonk_budget_new(vonk_budget_root(), "fuzz", 256 << 20, &budget, &err) == VONK_OK);
    if (!types[pick]) require(vonk_type_parse_ddl(vonk_str_of(shapes[pick]), &types[pick], &err) == VONK_OK);
    vonk_cursor in = vonk_cursor_of(data + 1, bytes - 1, "fuzz block");
    vonk_batch *batch = decode(budget, types[pick], &in);
    if (!batch) return 0;
    for (uint32_t c = 0; c < batch->n_columns; c++) require(vonk_column_check(batch->columns[c], &err) == VONK_OK);
    check_again(budget, types[pick], batch);
    vonk_batch_unref(batch);
    require(vonk_budget_used(budget) == 0);
    return 0;
}
