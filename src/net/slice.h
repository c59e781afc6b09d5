/* net/slice.h -- bytes on their way out, with a counted reference to whoever holds them: sent without a copy, from any thread.
 *
 * A slice is a value: copying the struct does not count, vonk_slice_ref does. An owner starts with one reference; its `drop` runs
 * when the last one goes, on whichever thread that happens. */
#ifndef VONK_NET_SLICE_H
#define VONK_NET_SLICE_H

#include <stdatomic.h>

#include "base/buf.h"

typedef struct vonk_slice_owner {
    _Atomic(uint32_t) refs;
    void (*drop)(struct vonk_slice_owner *owner); /* frees the bytes and the owner itself */
} vonk_slice_owner;

typedef struct vonk_slice {
    vonk_str          bytes;
    vonk_slice_owner *owner; /* NULL: static bytes */
} vonk_slice;
#define VONK_SLICE_NONE ((vonk_slice){{NULL, 0}, NULL})

static inline vonk_slice vonk_slice_ref(vonk_slice s)
{
    if (s.owner) atomic_fetch_add_explicit(&s.owner->refs, 1, memory_order_relaxed);
    return s;
}
static inline void vonk_slice_unref(vonk_slice s)
{
    if (s.owner && atomic_fetch_sub_explicit(&s.owner->refs, 1, memory_order_acq_rel) == 1) s.owner->drop(s.owner);
}

/* The buffer's bytes, moved: the buffer is empty afterwards, also on failure (then its bytes are freed). */
vonk_status vonk_slice_of_buf(vonk_buf *take_buf, vonk_slice *ret, vonk_error *err);
/* A copy, in one allocation. */
vonk_status vonk_slice_copy(vonk_budget *budget, vonk_str bytes, vonk_slice *ret, vonk_error *err);

#endif
