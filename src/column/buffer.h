/* column/buffer.h -- refcounted, 64-byte aligned bytes, charged to the budget of whoever made them. Thread-safe counting.
 * A buffer may wrap memory of somebody else (mapped file, Arrow C data): then `release` runs at the last unref. */
#ifndef VONK_COLUMN_BUFFER_H
#define VONK_COLUMN_BUFFER_H

#include "base/budget.h"

struct vonk_buffer {
    uint8_t        *data;
    size_t          bytes; /* usable; 64 bytes past the end may be read (not written) when the buffer is ours */
    _Atomic int64_t refs;
    void (*release)(void *owner); /* NULL: memory is ours */
    void *owner;
};

vonk_status  vonk_buffer_new(vonk_budget *budget, size_t bytes, vonk_buffer **ret, vonk_error *err); /* content undefined */
/* `release(owner)` must not be NULL; it is not called on failure. Only the struct is charged: who maps or imports the bytes charges them. */
vonk_status  vonk_buffer_wrap(vonk_budget *budget, void *data, size_t bytes, void (*release)(void *), void *owner, vonk_buffer **ret, vonk_error *err);
vonk_buffer *vonk_buffer_ref(vonk_buffer *buffer);
void         vonk_buffer_unref(vonk_buffer *buffer); /* NULL is fine */
/* Nobody else holds it, so its owner may write (grow in place). */
static inline bool vonk_buffer_is_own(const vonk_buffer *buffer) { return buffer->refs == 1 && !buffer->release; }
VONK_DEFINE_AUTO(vonk_buffer, vonk_buffer_unref)

#endif
