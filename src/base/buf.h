/* base/buf.h -- a growing byte buffer with a hard maximum. Storage of the struct belongs to the caller. Not thread-safe. */
#ifndef VONK_BASE_BUF_H
#define VONK_BASE_BUF_H

#include "base/budget.h"

struct vonk_buf {
    char        *data; /* NULL until the first append; not NUL-terminated */
    size_t       len, capacity, max_bytes;
    vonk_budget *budget;
};

void vonk_buf_init(vonk_buf *buf, vonk_budget *budget, size_t max_bytes); /* SIZE_MAX: only the budget limits */
void vonk_buf_done(vonk_buf *buf);                                       /* accepts zeroed storage */
void vonk_buf_reset(vonk_buf *buf);                                      /* empty, keeps capacity */
VONK_DEFINE_AUTO_DONE(vonk_buf, vonk_buf_done)

/* Past max_bytes: MEMORY_BUDGET_EXCEEDED. */
vonk_status vonk__buf_grow(vonk_buf *buf, size_t more_bytes, vonk_error *err);
static inline vonk_status vonk_buf_reserve(vonk_buf *buf, size_t more_bytes, vonk_error *err) /* room for that many more */
{
    return VONK_LIKELY(more_bytes <= buf->capacity - buf->len) ? VONK_OK : vonk__buf_grow(buf, more_bytes, err);
}
vonk_status vonk_buf_append(vonk_buf *buf, const void *data, size_t bytes, vonk_error *err);
vonk_status vonk_buf_add_str(vonk_buf *buf, vonk_str text, vonk_error *err);
vonk_status vonk_buf_add_c(vonk_buf *buf, const char *text, vonk_error *err);
vonk_status vonk_buf_add_byte(vonk_buf *buf, char byte, vonk_error *err);
vonk_status vonk_buf_printf(vonk_buf *buf, vonk_error *err, const char *fmt, ...) VONK_PRINTF(3, 4);
/* Appends `bytes` uninitialised bytes and returns where they start. */
vonk_status vonk_buf_extend(vonk_buf *buf, size_t bytes, char **ret, vonk_error *err);
static inline vonk_str vonk_buf_str(const vonk_buf *buf) { return (vonk_str){buf->data, buf->len}; }

#endif
