/* base/buf.c -- the growing byte buffer. */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

void vonk_buf_init(vonk_buf *buf, vonk_budget *budget, size_t max_bytes)
{
    *buf = (vonk_buf){.budget = budget, .max_bytes = max_bytes};
}

void vonk_buf_done(vonk_buf *buf)
{
    vonk_free(buf->data);
    *buf = (vonk_buf){0};
}

void vonk_buf_reset(vonk_buf *buf) { buf->len = 0; }

vonk_status vonk__buf_grow(vonk_buf *buf, size_t more_bytes, vonk_error *err)
{
    if (more_bytes > buf->max_bytes - buf->len)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", VONK_F("%zu", more_bytes),
                         "receivedBytes", VONK_F("%zu", buf->max_bytes - buf->len), "budget", "a buffer's maximum");
    size_t need = buf->len + more_bytes;
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity < need) capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    if (capacity > buf->max_bytes) capacity = buf->max_bytes;
    VONK_TRY(vonk_realloc(buf->budget, &buf->data, capacity, err));
    buf->capacity = capacity;
    return VONK_OK;
}

vonk_status vonk_buf_extend(vonk_buf *buf, size_t bytes, char **ret, vonk_error *err)
{
    VONK_TRY(vonk_buf_reserve(buf, bytes, err));
    *ret = buf->data ? buf->data + buf->len : NULL;
    buf->len += bytes;
    return VONK_OK;
}

vonk_status vonk_buf_append(vonk_buf *buf, const void *data, size_t bytes, vonk_error *err)
{
    if (bytes == 0) return VONK_OK;
    VONK_TRY(vonk_buf_reserve(buf, bytes, err));
    memcpy(buf->data + buf->len, data, bytes);
    buf->len += bytes;
    return VONK_OK;
}

vonk_status vonk_buf_add_str(vonk_buf *buf, vonk_str text, vonk_error *err)
{
    return vonk_buf_append(buf, text.data, text.len, err);
}

vonk_status vonk_buf_add_c(vonk_buf *buf, const char *text, vonk_error *err)
{
    return vonk_buf_append(buf, text, strlen(text), err);
}

vonk_status vonk_buf_add_byte(vonk_buf *buf, char byte, vonk_error *err)
{
    VONK_TRY(vonk_buf_reserve(buf, 1, err));
    buf->data[buf->len++] = byte;
    return VONK_OK;
}

vonk_status vonk_buf_printf(vonk_buf *buf, vonk_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t room = buf->capacity - buf->len;
    int n = vsnprintf(room ? buf->data + buf->len : NULL, room, fmt, args);
    va_end(args);
    if (n < 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "cannot format text");
    if ((size_t)n >= room) {
        /* vsnprintf also writes a NUL, which must not cost a byte of the maximum: the last byte is put by hand. */
        VONK_TRY(vonk_buf_reserve(buf, (size_t)n, err));
        char last[2] = "";
        room = buf->capacity - buf->len;
        if (room == (size_t)n && n > 0) {
            VONK_TRY(vonk_realloc(buf->budget, &buf->data, buf->capacity + 1, err));
            room++;
        }
        va_start(args, fmt);
        vsnprintf(room ? buf->data + buf->len : last, room ? room : 1, fmt, args);
        va_end(args);
    }
    buf->len += (size_t)n;
    return VONK_OK;
}
