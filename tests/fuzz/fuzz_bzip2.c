/* bzip2 from anything: as a stream, and by blocks from three places. No memory may be left over. */
#include <stdlib.h>

#include "codec/bzip2.h"
#include "codec/compress.h"

enum { MEMORY = 64 << 20, MOST_PLAIN = 8 << 20, MOST_BLOCKS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static vonk_status read_stream(const uint8_t *data, size_t bytes, vonk_budget *budget, vonk_error *err)
{
    VONK_AUTO(vonk_compressor_free) vonk_compressor *c = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf plain = {0};
    vonk_cursor in = vonk_cursor_of(data, bytes, "a file");
    vonk_buf_init(&plain, budget, MOST_PLAIN);
    VONK_TRY(vonk_compressor_new(budget, &c, err));
    return vonk_decompress_all(c, VONK_COMPRESS_BZIP2, &in, &plain, err);
}

static vonk_status read_blocks(const vonk_bytes_in *in, uint64_t start, vonk_budget *budget, vonk_error *err)
{
    VONK_AUTO(vonk_bzip2_reader_free) vonk_bzip2_reader *r = NULL;
    uint64_t at = 0;
    vonk_str plain;
    VONK_TRY(vonk_bzip2_reader_new(budget, in, start, &r, err));
    for (int i = 0; i < MOST_BLOCKS && vonk_bzip2_peek(r, &at); i++) VONK_TRY(vonk_bzip2_next(r, &plain, err));
    return VONK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_bytes_in in;
    if (vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY, &budget, &err) != VONK_OK) return 0;
    vonk_bytes_in_memory(&in, data, bytes, VONK_STR("a file"));
    const uint64_t starts[] = {0, 1, bytes / 2};
    if (read_stream(data, bytes, budget, &err) != VONK_OK) vonk_error_reset(&err);
    for (size_t i = 0; i < VONK_COUNTOF(starts); i++)
        if (read_blocks(&in, starts[i], budget, &err) != VONK_OK) vonk_error_reset(&err);
    if (vonk_budget_used(budget) != 0) abort();
    vonk_budget_free(budget);
    return 0;
}
