/* Arrow IPC streams from anything. What is read must hold all invariants of columns; no memory may be left over. */
#include <stdlib.h>

#include "codec/ipc.h"

#define MEMORY (64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) abort();
}

static vonk_status read_all(vonk_budget *budget, vonk_buffer *stream, vonk_error *err)
{
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *reader = NULL;
    VONK_TRY(vonk_ipc_reader_new(budget, stream, "fuzz stream", &reader, err));
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_ipc_reader_next(reader, &batch, err));
        if (!batch) return VONK_OK;
        for (uint32_t c = 0; c < batch->n_columns; c++) require(vonk_column_check(batch->columns[c], err) == VONK_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static vonk_budget *budget;
    vonk_error err = VONK_ERROR_INIT;
    vonk_buffer *stream = NULL;
    if (!budget) require(vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY, &budget, &err) == VONK_OK);
    require(vonk_buffer_new(budget, bytes, &stream, &err) == VONK_OK);
    if (bytes > 0) memcpy(stream->data, data, bytes);
    (void)read_all(budget, stream, &err);
    vonk_error_reset(&err);
    vonk_buffer_unref(stream);
    require(vonk_budget_used(budget) == 0);
    return 0;
}
