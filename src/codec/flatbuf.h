/* codec/flatbuf.h -- just enough of FlatBuffers (flatbuffers.dev/internals) for Arrow's messages: a writer that builds back to front, and checked reading of tables. */
#ifndef VONK_CODEC_FLATBUF_H
#define VONK_CODEC_FLATBUF_H

#include "base/buf.h"

/* ---- writing: children first; an offset is counted from the end of the buffer. The first failure sticks. */
#define VONK_FB_FIELDS 8
typedef struct vonk__fb {
    uint8_t     *at; /* the buffer grows downwards: content is at + capacity - used .. at + capacity */
    size_t       capacity, used, align;
    vonk_budget *budget;
    vonk_error  *err;
    vonk_status  status;
} vonk__fb;
typedef struct vonk__fb_table {
    struct {
        uint64_t value;
        uint8_t  bytes; /* 0: absent */
        bool     is_offset;
    } fields[VONK_FB_FIELDS];
} vonk__fb_table;

void     vonk__fb_init(vonk__fb *fb, vonk_budget *budget, vonk_error *err);
void     vonk__fb_done(vonk__fb *fb);
VONK_DEFINE_AUTO_DONE(vonk__fb, vonk__fb_done)
uint32_t vonk__fb_string(vonk__fb *fb, vonk_str text);
uint32_t vonk__fb_offsets(vonk__fb *fb, const uint32_t *offsets, size_t n);                                  /* vector of tables */
uint32_t vonk__fb_structs(vonk__fb *fb, const void *items, size_t n, size_t each_bytes, size_t align);       /* vector of structs or numbers */
static inline void vonk__fb_set(vonk__fb_table *t, uint32_t field, uint8_t bytes, uint64_t value)
{
    t->fields[field].bytes = bytes;
    t->fields[field].value = value;
}
static inline void vonk__fb_set_offset(vonk__fb_table *t, uint32_t field, uint32_t offset)
{
    t->fields[field].bytes = 4;
    t->fields[field].value = offset;
    t->fields[field].is_offset = true;
}
uint32_t vonk__fb_end_table(vonk__fb *fb, const vonk__fb_table *t);
/* Root and padding to 8 bytes; appends the finished buffer to out. */
vonk_status vonk__fb_finish(vonk__fb *fb, uint32_t root, vonk_buf *out);

/* ---- reading */
typedef struct vonk__fb_view {
    const uint8_t *base;   /* of the whole buffer; NULL: absent table, every field has its default */
    uint32_t       bytes, table, vtable;
    uint16_t       vtable_bytes, table_bytes;
} vonk__fb_view;

vonk_status vonk__fb_root(const uint8_t *data, size_t bytes, vonk__fb_view *ret, vonk_error *err);
uint64_t    vonk__fb_get(const vonk__fb_view *t, uint32_t field, uint8_t bytes, uint64_t otherwise);
vonk_status vonk__fb_get_table(const vonk__fb_view *t, uint32_t field, vonk__fb_view *ret, vonk_error *err);
vonk_status vonk__fb_get_string(const vonk__fb_view *t, uint32_t field, vonk_str *ret, vonk_error *err);
/* Vector of items of each_bytes; *ret points at the first. */
vonk_status vonk__fb_get_vector(const vonk__fb_view *t, uint32_t field, size_t each_bytes, const uint8_t **ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__fb_vector_table(const vonk__fb_view *t, const uint8_t *vector, uint32_t i, vonk__fb_view *ret, vonk_error *err);

#endif
