/* column/buffer.c -- one allocation holds the struct (in the first 64 bytes), the data and 64 zeroed bytes behind it.
 */
#include "column/buffer.h"

#include <stdatomic.h>

enum { HEAD_BYTES = 64, SLACK_BYTES = 64 };
static_assert(sizeof(vonk_buffer) <= HEAD_BYTES, "the struct fits before the data");

vonk_status vonk_buffer_new(vonk_budget *budget, size_t bytes, vonk_buffer **ret, vonk_error *err)
{
    uint8_t *memory;
    size_t whole;
    if (__builtin_add_overflow(bytes, (size_t)HEAD_BYTES + SLACK_BYTES, &whole)) whole = SIZE_MAX; /* refused below */
    VONK_TRY(vonk_alloc_aligned(budget, whole, &memory, err));
    vonk_buffer *b = (vonk_buffer *)memory;
    *b = (vonk_buffer){.data = memory + HEAD_BYTES, .bytes = bytes, .refs = 1};
    memset(b->data + bytes, 0, SLACK_BYTES);
    *ret = b;
    return VONK_OK;
}

vonk_status vonk_buffer_wrap(vonk_budget *budget, void *data, size_t bytes, void (*release)(void *), void *owner,
                             vonk_buffer **ret, vonk_error *err)
{
    vonk_buffer *b;
    VONK_TRY(vonk_alloc(budget, sizeof(*b), &b, err));
    *b = (vonk_buffer){.data = data, .bytes = bytes, .refs = 1, .release = release, .owner = owner};
    *ret = b;
    return VONK_OK;
}

vonk_buffer *vonk_buffer_ref(vonk_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void vonk_buffer_unref(vonk_buffer *buffer)
{
    if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1) return;
    if (buffer->release) {
        buffer->release(buffer->owner);
        vonk_free(buffer);
    } else
        vonk_free_aligned(buffer);
}
