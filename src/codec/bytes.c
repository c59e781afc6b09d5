#include "codec/bytes.h"

#include "base/buf.h"

static vonk_status memory_read_at(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *err)
{
    if (bytes > 0) memcpy(dst, (const uint8_t *)self + offset, bytes);
    return VONK_OK;
}

static void memory_borrow(void *self, uint64_t offset, size_t bytes, const uint8_t **ret)
{
    *ret = (const uint8_t *)self + offset;
}

void vonk_bytes_in_memory(vonk_bytes_in *in, const void *data, size_t bytes, vonk_str path)
{
    *in = (vonk_bytes_in){.size = bytes, .path = path, .read_at = memory_read_at, .borrow = memory_borrow};
    memcpy(&in->self, &data, sizeof data); /* drops the const, which read_at never breaks */
}

static vonk_status buf_append(void *self, const void *data, size_t bytes, vonk_error *err)
{
    return vonk_buf_append(self, data, bytes, err);
}

void vonk_bytes_out_buf(vonk_bytes_out *out, vonk_buf *buf) { *out = (vonk_bytes_out){buf, buf_append}; }
