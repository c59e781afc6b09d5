/* codec/flatbuf.c -- FlatBuffers, as far as Arrow's messages need them. Little-endian machines only, as all of Vonk. */
#include "codec/flatbuf.h"

#define FIRST_CAPACITY 1024
#define MAX_BYTES      (64u << 20) /* of one message's metadata */

/* ---- writing */
void vonk__fb_init(vonk__fb *fb, vonk_budget *budget, vonk_error *err) { *fb = (vonk__fb){.budget = budget, .err = err, .align = 8}; }
void vonk__fb_done(vonk__fb *fb) { vonk_free(fb->at); }

static bool room(vonk__fb *fb, size_t bytes)
{
    uint8_t *bigger = NULL;
    size_t   capacity = fb->capacity ? fb->capacity : FIRST_CAPACITY;

    if (fb->status != VONK_OK) return false;
    if (fb->used + bytes <= fb->capacity) return true;
    while (capacity < fb->used + bytes) capacity *= 2;
    if (capacity > MAX_BYTES) {
        fb->status = VONK_FAIL(fb->err, VONK_E_INTERNAL_ERROR, "message", "an Arrow schema is too large for a message");
        return false;
    }
    fb->status = vonk_alloc_zeroed(fb->budget, capacity, &bigger, fb->err);
    if (fb->status != VONK_OK) return false;
    if (fb->used > 0) memcpy(bigger + capacity - fb->used, fb->at + fb->capacity - fb->used, fb->used);
    vonk_free(fb->at);
    fb->at = bigger;
    fb->capacity = capacity;
    return true;
}

/* Zeros so that after `next` more bytes the used length is a multiple of align. */
static void pad(vonk__fb *fb, size_t next, size_t align)
{
    const size_t gap = (align - (fb->used + next) % align) % align;

    if (!room(fb, gap)) return;
    memset(fb->at + fb->capacity - fb->used - gap, 0, gap);
    fb->used += gap;
}

static void put(vonk__fb *fb, const void *data, size_t bytes)
{
    if (!room(fb, bytes)) return;
    fb->used += bytes;
    if (bytes > 0) memcpy(fb->at + fb->capacity - fb->used, data, bytes);
}

static void put_u32(vonk__fb *fb, uint32_t value) { put(fb, &value, 4); }

uint32_t vonk__fb_string(vonk__fb *fb, vonk_str text)
{
    const char nul = 0;

    pad(fb, text.len + 1, 4);
    put(fb, &nul, 1);
    put(fb, text.data, text.len);
    put_u32(fb, vonk_u32_of(text.len));
    return (uint32_t)fb->used;
}

uint32_t vonk__fb_offsets(vonk__fb *fb, const uint32_t *offsets, size_t n)
{
    pad(fb, n * 4, 4);
    for (size_t i = n; i > 0; i--) put_u32(fb, (uint32_t)fb->used + 4 - offsets[i - 1]);
    put_u32(fb, vonk_u32_of(n));
    return (uint32_t)fb->used;
}

uint32_t vonk__fb_structs(vonk__fb *fb, const void *items, size_t n, size_t each_bytes, size_t align)
{
    pad(fb, n * each_bytes, align > 4 ? align : 4);
    put(fb, items, n * each_bytes);
    put_u32(fb, vonk_u32_of(n));
    return (uint32_t)fb->used;
}

uint32_t vonk__fb_end_table(vonk__fb *fb, const vonk__fb_table *t)
{
    const size_t end = fb->used;
    uint16_t     vtable[2 + VONK_FB_FIELDS] = {0};
    size_t       places[VONK_FB_FIELDS] = {0}, n = 0;

    for (uint8_t bytes = 8; bytes > 0; bytes /= 2) /* widest first: no holes */
        for (uint32_t f = 0; f < VONK_FB_FIELDS; f++) {
            if (t->fields[f].bytes != bytes) continue;
            uint64_t value = t->fields[f].value;
            pad(fb, bytes, bytes);
            if (t->fields[f].is_offset) value = fb->used + 4 - value;
            put(fb, &value, bytes);
            places[f] = fb->used;
            if (f + 1 > n) n = f + 1;
        }
    pad(fb, 4, 4);
    put_u32(fb, 0); /* distance to the vtable, known below */
    const size_t table = fb->used;
    for (size_t f = 0; f < n; f++) vtable[2 + f] = places[f] ? vonk_u16_of(table - places[f]) : 0;
    vtable[0] = vonk_u16_of(4 + 2 * n);
    vtable[1] = vonk_u16_of(table - end);
    pad(fb, 4 + 2 * n, 2);
    put(fb, vtable, 4 + 2 * n);
    if (fb->status != VONK_OK) return 0;
    const int32_t distance = vonk_i32_of((int64_t)(fb->used - table));
    memcpy(fb->at + fb->capacity - table, &distance, 4);
    return (uint32_t)table;
}

vonk_status vonk__fb_finish(vonk__fb *fb, uint32_t root, vonk_buf *out)
{
    pad(fb, 4, 8);
    put_u32(fb, (uint32_t)fb->used + 4 - root);
    if (fb->status != VONK_OK) return fb->status;
    return vonk_buf_append(out, fb->at + fb->capacity - fb->used, fb->used, fb->err);
}

/* ---- reading */
static vonk_status bad(vonk_error *err) { return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "Arrow stream", "problem", "a message's metadata is damaged"); }

static uint32_t u32_at(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, 4);
    return v;
}

static uint16_t u16_at(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, 2);
    return v;
}

static vonk_status open_table(const uint8_t *base, uint32_t bytes, uint64_t table, vonk__fb_view *ret, vonk_error *err)
{
    if (table + 4 > bytes) return bad(err);
    const int64_t vtable = (int64_t)table - (int32_t)u32_at(base + table);
    if (vtable < 0 || vtable + 4 > (int64_t)bytes) return bad(err);
    *ret = (vonk__fb_view){.base = base, .bytes = bytes, .table = (uint32_t)table, .vtable = (uint32_t)vtable, .vtable_bytes = u16_at(base + vtable), .table_bytes = u16_at(base + vtable + 2)};
    if (ret->vtable_bytes < 4 || (uint64_t)vtable + ret->vtable_bytes > bytes || table + ret->table_bytes > bytes) return bad(err);
    return VONK_OK;
}

vonk_status vonk__fb_root(const uint8_t *data, size_t bytes, vonk__fb_view *ret, vonk_error *err)
{
    if (bytes < 8 || bytes > MAX_BYTES) return bad(err);
    return open_table(data, (uint32_t)bytes, u32_at(data), ret, err);
}

/* Where a field of `bytes` lies, 0: absent (or outside of its table). */
static uint32_t place(const vonk__fb_view *t, uint32_t field, uint32_t bytes)
{
    const uint32_t entry = 4 + 2 * field;

    if (!t->base || entry + 2 > t->vtable_bytes) return 0;
    const uint16_t offset = u16_at(t->base + t->vtable + entry);
    return offset == 0 || offset + bytes > t->table_bytes ? 0 : t->table + offset;
}

uint64_t vonk__fb_get(const vonk__fb_view *t, uint32_t field, uint8_t bytes, uint64_t otherwise)
{
    const uint32_t at = place(t, field, bytes);
    uint64_t       value = 0;

    if (!at) return otherwise;
    memcpy(&value, t->base + at, bytes);
    return value;
}

vonk_status vonk__fb_get_table(const vonk__fb_view *t, uint32_t field, vonk__fb_view *ret, vonk_error *err)
{
    const uint32_t at = place(t, field, 4);

    *ret = (vonk__fb_view){0};
    return at ? open_table(t->base, t->bytes, (uint64_t)at + u32_at(t->base + at), ret, err) : VONK_OK;
}

vonk_status vonk__fb_get_vector(const vonk__fb_view *t, uint32_t field, size_t each_bytes, const uint8_t **ret, uint32_t *ret_n, vonk_error *err)
{
    const uint32_t at = place(t, field, 4);

    *ret = NULL;
    *ret_n = 0;
    if (!at) return VONK_OK;
    const uint64_t vector = (uint64_t)at + u32_at(t->base + at);
    if (vector + 4 > t->bytes) return bad(err);
    const uint32_t n = u32_at(t->base + vector);
    if (vector + 4 + (uint64_t)n * each_bytes > t->bytes) return bad(err);
    *ret = t->base + vector + 4;
    *ret_n = n;
    return VONK_OK;
}

vonk_status vonk__fb_get_string(const vonk__fb_view *t, uint32_t field, vonk_str *ret, vonk_error *err)
{
    const uint8_t *at = NULL;
    uint32_t       n = 0;

    VONK_TRY(vonk__fb_get_vector(t, field, 1, &at, &n, err));
    *ret = (vonk_str){(const char *)at, n};
    return VONK_OK;
}

vonk_status vonk__fb_vector_table(const vonk__fb_view *t, const uint8_t *vector, uint32_t i, vonk__fb_view *ret, vonk_error *err)
{
    const uint8_t *entry = vector + 4 * (size_t)i;

    return open_table(t->base, t->bytes, (uint64_t)(entry - t->base) + u32_at(entry), ret, err);
}
