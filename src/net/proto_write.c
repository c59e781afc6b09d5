/* net/proto_write.c -- writing messages field by field. */
#include "net/proto.h"

static void fail_with(vonk_pb_writer *w, vonk_status st)
{
    if (w->status == VONK_OK) w->status = st;
}

vonk_pb_writer vonk_pb_writer_of(const vonk_pb_schema *schema, vonk_buf *buf, vonk_error *err)
{
    return (vonk_pb_writer){.schema = schema, .buf = buf, .err = err};
}

vonk_status vonk_pb_writer_end(const vonk_pb_writer *w) { return w->status; }

void vonk_pb_expect(vonk_pb_writer *w, size_t bytes)
{
    if (w->status == VONK_OK) fail_with(w, vonk_buf_reserve(w->buf, bytes, w->err));
}

static size_t varint_bytes(uint64_t x) { return x ? (size_t)(70 - __builtin_clzll(x)) / 7 : 1; }

static size_t set_varint(char *at, uint64_t x)
{
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) at[n++] = (char)(uint8_t)(x | 0x80);
    at[n++] = (char)(uint8_t)x;
    return n;
}

static void put_varint(vonk_pb_writer *w, uint64_t x)
{
    if (w->status == VONK_OK) fail_with(w, vonk_buf_reserve(w->buf, varint_bytes(x), w->err));
    if (w->status == VONK_OK) w->buf->len += set_varint(w->buf->data + w->buf->len, x);
}

static void put_tag(vonk_pb_writer *w, int field, unsigned wire)
{
    assert(w->external_bytes == 0 && "nothing may follow external bytes");
    put_varint(w, (uint64_t)w->schema->fields[field].number << 3 | wire);
}

static void put_bytes(vonk_pb_writer *w, const void *data, size_t bytes)
{
    if (w->status == VONK_OK && bytes) fail_with(w, vonk_buf_append(w->buf, data, bytes, w->err));
}

void vonk_pb_put_str(vonk_pb_writer *w, int field, vonk_str value)
{
    assert(w->schema->fields[field].kind == VONK_PB_STRING || w->schema->fields[field].kind == VONK_PB_BYTES);
    put_tag(w, field, 2);
    put_varint(w, value.len);
    put_bytes(w, value.data, value.len);
}

void vonk_pb_put_c(vonk_pb_writer *w, int field, const char *value) { vonk_pb_put_str(w, field, vonk_str_of(value)); }

void vonk_pb_put_i64(vonk_pb_writer *w, int field, int64_t value)
{
    uint64_t x = (uint64_t)value;
    uint32_t word = (uint32_t)x;
    switch (w->schema->fields[field].kind) {
    case VONK_PB_FIXED64:
    case VONK_PB_SFIXED64:
        put_tag(w, field, 1);
        put_bytes(w, &x, sizeof(x)); /* little-endian, as all machines that we run on */
        return;
    case VONK_PB_FIXED32:
    case VONK_PB_SFIXED32:
        put_tag(w, field, 5);
        put_bytes(w, &word, sizeof(word));
        return;
    case VONK_PB_SINT32:
    case VONK_PB_SINT64: x = x << 1 ^ (uint64_t)(value >> 63); break;
    case VONK_PB_UINT32: x = word; break;
    case VONK_PB_BOOL: x = value != 0; break;
    default: assert(1u << w->schema->fields[field].kind & VONK__PB_INTS); break;
    }
    put_tag(w, field, 0);
    put_varint(w, x);
}

void vonk_pb_put_f64(vonk_pb_writer *w, int field, double value)
{
    float single = (float)value;
    bool is_double = w->schema->fields[field].kind == VONK_PB_DOUBLE;
    assert(is_double || w->schema->fields[field].kind == VONK_PB_FLOAT);
    put_tag(w, field, is_double ? 1 : 5);
    if (is_double)
        put_bytes(w, &value, sizeof(value));
    else
        put_bytes(w, &single, sizeof(single));
}

/* One byte is kept for the length: most messages are short, a long one is moved by the few bytes that its length
 * needs more. */
size_t vonk_pb_begin(vonk_pb_writer *w, int field)
{
    assert(w->schema->fields[field].kind == VONK_PB_MESSAGE);
    put_tag(w, field, 2);
    put_varint(w, 0);
    return w->buf->len;
}

void vonk_pb_end(vonk_pb_writer *w, size_t mark)
{
    if (w->status != VONK_OK) return;
    assert(mark >= 1 && mark <= w->buf->len);
    size_t here = w->buf->len - mark;
    uint64_t bytes = here + w->external_bytes;
    size_t more = varint_bytes(bytes) - 1;
    char *unused;
    if (more) {
        fail_with(w, vonk_buf_extend(w->buf, more, &unused, w->err));
        if (w->status != VONK_OK) return;
        memmove(w->buf->data + mark + more, w->buf->data + mark, here);
    }
    set_varint(w->buf->data + mark - 1, bytes);
}

void vonk_pb_put_msg(vonk_pb_writer *w, int field, const vonk_pb_msg *value)
{
    assert(w->schema->fields[field].kind == VONK_PB_MESSAGE && w->schema->fields[field].holds == value->type);
    uint64_t bytes = 0;
    for (const vonk_pb_piece *p = &value->raw; p; p = p->next) bytes += p->bytes.len;
    put_tag(w, field, 2);
    put_varint(w, bytes);
    for (const vonk_pb_piece *p = &value->raw; p; p = p->next) put_bytes(w, p->bytes.data, p->bytes.len);
}

void vonk_pb_put_encoded(vonk_pb_writer *w, int field, vonk_str message)
{
    assert(w->schema->fields[field].kind == VONK_PB_MESSAGE);
    put_tag(w, field, 2);
    put_varint(w, message.len);
    put_bytes(w, message.data, message.len);
}

void vonk_pb_put_head(vonk_pb_writer *w, int field, uint64_t bytes)
{
    put_tag(w, field, 2);
    put_varint(w, bytes);
}

void vonk_pb_put_external(vonk_pb_writer *w, int field, uint64_t bytes)
{
    assert(w->schema->fields[field].kind == VONK_PB_BYTES);
    vonk_pb_put_head(w, field, bytes);
    w->external_bytes = bytes;
}

void vonk_pb_put_pair(vonk_pb_writer *w, int field, int key_field, vonk_str key, int value_field, vonk_str value)
{
    size_t mark = vonk_pb_begin(w, field);
    vonk_pb_put_str(w, key_field, key);
    vonk_pb_put_str(w, value_field, value);
    vonk_pb_end(w, mark);
}
