/* SequenceFiles from anything, whole and in two splits, and their keys and values as Writables. No memory may be left
 * over. */
#include <stdlib.h>

#include "codec/sequence.h"
#include "codec/writable.h"

#define MEMORY (64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static vonk_status read_value(vonk_str class_name, vonk_str bytes, vonk_arena *arena, vonk_buf *text, vonk_error *err)
{
    const vonk_pickle_value *v = NULL;
    vonk_cursor in = vonk_cursor_of(bytes.data, bytes.len, "a value");
    vonk_arena_reset(arena);
    vonk_buf_reset(text);
    VONK_TRY(vonk_writable_read(class_name, &in, arena, &v, err));
    VONK_TRY(vonk_writable_text(v, text, err));
    return vonk_writable_write(v, text, err);
}

static vonk_status read_range(const vonk_bytes_in *in, uint64_t start, uint64_t end, vonk_budget *budget,
                              vonk_error *err)
{
    VONK_AUTO(vonk_sequence_reader_free) vonk_sequence_reader *r = NULL;
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_str key, value;
    vonk_buf_init(&text, budget, 4 << 20);
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_sequence_reader_new(budget, in, start, end, &r, err));
    for (bool there = true;;) {
        VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
        VONK_TRY(vonk_sequence_next(r, &there, &key, &value, err));
        if (!there) return VONK_OK;
        if (read_value(vonk_sequence_key_class(r), key, arena, &text, &own) != VONK_OK) vonk_error_reset(&own);
        if (read_value(vonk_sequence_value_class(r), value, arena, &text, &own) != VONK_OK) vonk_error_reset(&own);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_bytes_in in;
    if (vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY, &budget, &err) != VONK_OK) return 0;
    vonk_bytes_in_memory(&in, data, bytes, VONK_STR("a file"));
    const uint64_t ranges[][2] = {{0, bytes}, {0, bytes / 2}, {bytes / 2, bytes}};
    for (size_t i = 0; i < VONK_COUNTOF(ranges); i++)
        if (read_range(&in, ranges[i][0], ranges[i][1], budget, &err) != VONK_OK) vonk_error_reset(&err);
    if (vonk_budget_used(budget) != 0) abort();
    vonk_budget_free(budget);
    return 0;
}
