/* codec/ipc_write.c -- a batch as one Arrow IPC stream. */
#include "codec/ipc.h"

#include "base/vec.h"
#include "codec/compress.h"
#include "codec/flatbuf.h"
#include "codec/ipc_int.h"

#define BODY_ALIGN 8

typedef struct node {
    int64_t length, null_count;
} node;
typedef struct extent {
    int64_t offset, length;
} extent;

typedef struct writer {
    vonk_budget         *budget;
    vonk_error          *err;
    vonk_buf            *out;
    vonk_ipc_compression compression;
    vonk_compressor     *compressor;
    size_t               body_start;
    VONK_VEC(node) nodes;
    VONK_VEC(extent) buffers;
    VONK_VEC(int64_t) variadic;
} writer;

/* ---- schema: one Field table per ArrowSchema */
typedef struct format_row {
    const char *prefix;
    uint8_t     type;
} format_row;

static bool starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static uint32_t int_type(vonk__fb *fb, uint32_t bits)
{
    vonk__fb_table t = {0};
    vonk__fb_set(&t, 0, 4, bits);
    vonk__fb_set(&t, 1, 1, 1);
    return vonk__fb_end_table(fb, &t);
}

static uint32_t one_short(vonk__fb *fb, uint16_t value)
{
    vonk__fb_table t = {0};
    vonk__fb_set(&t, 0, 2, value);
    return vonk__fb_end_table(fb, &t);
}

static uint32_t empty_type(vonk__fb *fb)
{
    const vonk__fb_table t = {0};
    return vonk__fb_end_table(fb, &t);
}

static uint16_t time_unit(char letter) { return letter == 's' ? 0 : letter == 'm' ? 1 : letter == 'u' ? 2 : 3; }

static uint32_t timestamp_type(vonk__fb *fb, const char *format)
{
    const char    *zone = strchr(format, ':') + 1;
    const uint32_t text = *zone ? vonk__fb_string(fb, vonk_str_of(zone)) : 0;
    vonk__fb_table t = {0};

    vonk__fb_set(&t, 0, 2, time_unit(format[2]));
    if (text) vonk__fb_set_offset(&t, 1, text);
    return vonk__fb_end_table(fb, &t);
}

static uint32_t time_type(vonk__fb *fb, const char *format)
{
    vonk__fb_table t = {0};
    vonk__fb_set(&t, 0, 2, time_unit(format[2]));
    vonk__fb_set(&t, 1, 4, format[2] == 's' || format[2] == 'm' ? 32 : 64);
    return vonk__fb_end_table(fb, &t);
}

/* "d:10,2" and "d:38,2,256" */
static uint32_t decimal_type(vonk__fb *fb, const char *format)
{
    char          *end = NULL;
    vonk__fb_table t = {0};
    const long     precision = strtol(format + 2, &end, 10), scale = strtol(end + 1, &end, 10), bits = *end == ',' ? strtol(end + 1, NULL, 10) : 128;

    vonk__fb_set(&t, 0, 4, (uint64_t)precision);
    vonk__fb_set(&t, 1, 4, (uint32_t)scale);
    vonk__fb_set(&t, 2, 4, (uint64_t)bits);
    return vonk__fb_end_table(fb, &t);
}

static uint32_t interval_type(vonk__fb *fb, const char *format) { return one_short(fb, format[2] == 'M' ? 0 : format[2] == 'D' ? 1 : 2); }

static uint32_t map_type(vonk__fb *fb)
{
    vonk__fb_table t = {0};
    vonk__fb_set(&t, 0, 1, 0);
    return vonk__fb_end_table(fb, &t);
}

/* The type's table; *ret_type: its number in the Type union, 0 when the format is not one of ours. */
static uint32_t type_table(vonk__fb *fb, const char *f, uint8_t *ret_type)
{
    static const format_row plain[] = {{"n", VONK__IPC_NULL},   {"b", VONK__IPC_BOOL},  {"z", VONK__IPC_BINARY},       {"Z", VONK__IPC_LARGE_BINARY}, {"u", VONK__IPC_UTF8},
                                       {"U", VONK__IPC_LARGE_UTF8}, {"vz", VONK__IPC_BINARY_VIEW}, {"vu", VONK__IPC_UTF8_VIEW}, {"+l", VONK__IPC_LIST}, {"+L", VONK__IPC_LARGE_LIST},
                                       {"+s", VONK__IPC_STRUCT}};

    for (size_t i = 0; i < VONK_COUNTOF(plain); i++)
        if (strcmp(plain[i].prefix, f) == 0) {
            *ret_type = plain[i].type;
            return empty_type(fb);
        }
    *ret_type = VONK__IPC_INT;
    if (f[1] == 0 && strchr("csil", f[0])) return int_type(fb, f[0] == 'c' ? 8 : f[0] == 's' ? 16 : f[0] == 'i' ? 32 : 64);
    *ret_type = VONK__IPC_FLOAT;
    if (f[1] == 0 && strchr("fg", f[0])) return one_short(fb, f[0] == 'f' ? 1 : 2);
    *ret_type = VONK__IPC_DECIMAL;
    if (starts(f, "d:")) return decimal_type(fb, f);
    *ret_type = VONK__IPC_DATE;
    if (starts(f, "td")) return one_short(fb, f[2] == 'D' ? 0 : 1);
    *ret_type = VONK__IPC_TIMESTAMP;
    if (starts(f, "ts") && strchr(f, ':')) return timestamp_type(fb, f);
    *ret_type = VONK__IPC_TIME;
    if (starts(f, "tt")) return time_type(fb, f);
    *ret_type = VONK__IPC_DURATION;
    if (starts(f, "tD")) return one_short(fb, time_unit(f[2]));
    *ret_type = VONK__IPC_INTERVAL;
    if (starts(f, "ti")) return interval_type(fb, f);
    *ret_type = VONK__IPC_MAP;
    if (starts(f, "+m")) return map_type(fb);
    *ret_type = 0;
    return 0;
}

/* Metadata of the C data form: int32 n, then (int32 length, bytes) of each key and value. It comes from our own exporter. */
static uint32_t key_values(vonk__fb *fb, const char *metadata)
{
    int32_t  n = 0;
    uint32_t pairs[16], n_pairs = 0;

    if (!metadata) return 0;
    memcpy(&n, metadata, 4);
    metadata += 4;
    for (int32_t i = 0; i < n && n_pairs < VONK_COUNTOF(pairs); i++) {
        uint32_t texts[2];
        for (int side = 0; side < 2; side++) {
            int32_t len = 0;
            memcpy(&len, metadata, 4);
            texts[side] = vonk__fb_string(fb, (vonk_str){metadata + 4, (size_t)len});
            metadata += 4 + len;
        }
        vonk__fb_table t = {0};
        vonk__fb_set_offset(&t, 0, texts[0]);
        vonk__fb_set_offset(&t, 1, texts[1]);
        pairs[n_pairs++] = vonk__fb_end_table(fb, &t);
    }
    return vonk__fb_offsets(fb, pairs, n_pairs);
}

static vonk_status field(writer *w, vonk__fb *fb, const struct ArrowSchema *s, uint32_t *ret, int depth);

static vonk_status fields(writer *w, vonk__fb *fb, const struct ArrowSchema *s, uint32_t *ret, int depth)
{
    uint32_t *children = NULL;
    vonk_status status = vonk_alloc_array(w->budget, (size_t)s->n_children + 1, sizeof *children, &children, w->err);

    for (int64_t i = 0; i < s->n_children && status == VONK_OK; i++) status = field(w, fb, s->children[i], &children[i], depth + 1);
    if (status == VONK_OK) *ret = vonk__fb_offsets(fb, children, (size_t)s->n_children);
    vonk_free(children);
    return status;
}

static vonk_status field(writer *w, vonk__fb *fb, const struct ArrowSchema *s, uint32_t *ret, int depth)
{
    uint32_t children = 0;
    uint8_t  type = 0;

    assert(depth <= 2 * VONK_MAX_TYPE_DEPTH + 2); /* types are that deep at most; maps have an entries level */
    VONK_TRY(fields(w, fb, s, &children, depth));
    const uint32_t metadata = key_values(fb, s->metadata);
    const uint32_t name = vonk__fb_string(fb, vonk_str_of(s->name ? s->name : ""));
    const uint32_t table = type_table(fb, s->format, &type);
    if (type == 0) return VONK_FAIL(w->err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("Arrow format %s in a stream", s->format));
    vonk__fb_table t = {0};
    vonk__fb_set_offset(&t, 0, name);
    vonk__fb_set(&t, 1, 1, (s->flags & ARROW_FLAG_NULLABLE) != 0);
    vonk__fb_set(&t, 2, 1, type);
    vonk__fb_set_offset(&t, 3, table);
    vonk__fb_set_offset(&t, 5, children);
    if (metadata) vonk__fb_set_offset(&t, 6, metadata);
    *ret = vonk__fb_end_table(fb, &t);
    return fb->status;
}

/* ---- a message: mark, length of the metadata, metadata; the body follows */
static vonk_status message(writer *w, vonk__fb *fb, uint8_t header_type, uint32_t header, uint64_t body_bytes, size_t at)
{
    vonk__fb_table t = {0};

    vonk__fb_set(&t, 0, 2, VONK__IPC_VERSION_5);
    vonk__fb_set(&t, 1, 1, header_type);
    vonk__fb_set_offset(&t, 2, header);
    vonk__fb_set(&t, 3, 8, body_bytes);
    const uint32_t root = vonk__fb_end_table(fb, &t);
    VONK_TRY(vonk__fb_finish(fb, root, w->out));
    const uint32_t prefix[2] = {UINT32_MAX, vonk_u32_of(w->out->len - at - 8)};
    memcpy(w->out->data + at, prefix, 8);
    return VONK_OK;
}

static vonk_status write_schema(writer *w, const struct ArrowSchema *s)
{
    VONK_AUTO(vonk__fb_done) vonk__fb fb;
    uint32_t                          list = 0;
    const size_t                      at = w->out->len;
    char                             *prefix = NULL;
    vonk__fb_table                    t = {0};

    vonk__fb_init(&fb, w->budget, w->err);
    VONK_TRY(vonk_buf_extend(w->out, 8, &prefix, w->err));
    VONK_TRY(fields(w, &fb, s, &list, 0));
    vonk__fb_set(&t, 0, 2, 0);
    vonk__fb_set_offset(&t, 1, list);
    const uint32_t schema = vonk__fb_end_table(&fb, &t);
    return message(w, &fb, VONK__IPC_SCHEMA, schema, 0, at);
}

/* ---- body */
static vonk_status put_buffer(writer *w, const void *data, size_t bytes)
{
    const size_t start = w->out->len - w->body_start;
    char        *gap = NULL;

    if (bytes > 0 && w->compression != VONK_IPC_PLAIN) {
        const int64_t plain = (int64_t)bytes;
        VONK_TRY(vonk_buf_append(w->out, &plain, 8, w->err));
        VONK_TRY(vonk_compress(w->compressor, w->compression == VONK_IPC_ZSTD ? VONK_COMPRESS_ZSTD : VONK_COMPRESS_LZ4_FRAME, VONK_COMPRESS_LEVEL_DEFAULT, data, bytes, w->out, w->err));
    } else if (bytes > 0) {
        VONK_TRY(vonk_buf_append(w->out, data, bytes, w->err));
    }
    const extent e = {(int64_t)start, (int64_t)(w->out->len - w->body_start - start)};
    VONK_TRY(VONK_VEC_PUSH(&w->buffers, w->budget, e, w->err));
    const size_t pad = (BODY_ALIGN - (w->out->len - w->body_start) % BODY_ALIGN) % BODY_ALIGN;
    VONK_TRY(vonk_buf_extend(w->out, pad, &gap, w->err));
    memset(gap, 0, pad);
    return VONK_OK;
}

static size_t offset_at(const void *offsets, int64_t i, bool large)
{
    int32_t narrow;
    int64_t wide;

    if (large) {
        memcpy(&wide, (const char *)offsets + 8 * i, 8);
        return (size_t)wide;
    }
    memcpy(&narrow, (const char *)offsets + 4 * i, 4);
    return (size_t)narrow;
}

static size_t fixed_bytes(const char *f)
{
    switch (f[0]) {
    case 'c': return 1;
    case 's': return 2;
    case 'i':
    case 'f': return 4;
    case 'l':
    case 'g': return 8;
    case 'd': return 16;
    case 't':
        if (f[1] == 'd') return f[2] == 'D' ? 4 : 8;
        if (f[1] == 't') return f[2] == 's' || f[2] == 'm' ? 4 : 8;
        if (f[1] == 'i') return f[2] == 'M' ? 4 : f[2] == 'D' ? 8 : 16;
        return 8;
    default: return 0;
    }
}

/* Bytes of buffer k (after the validity) of a plain layout; our exporter gives arrays with offset 0. */
static size_t buffer_bytes(const struct ArrowSchema *s, const struct ArrowArray *a, int64_t k)
{
    const char *f = s->format;
    const bool  large = f[0] == 'Z' || f[0] == 'U' || (f[0] == '+' && f[1] == 'L');
    const bool  texts = strchr("zZuU", f[0]) != NULL, lists = f[0] == '+' && strchr("lLm", f[1]);

    if (k == 1 && (texts || lists)) return ((size_t)a->length + 1) * (large ? 8 : 4);
    if (k == 2 && texts) return a->length > 0 ? offset_at(a->buffers[1], a->length, large) : 0;
    if (f[0] == 'b') return ((size_t)a->length + 7) / 8;
    return fixed_bytes(f) * (size_t)a->length;
}

static vonk_status write_array(writer *w, const struct ArrowSchema *s, const struct ArrowArray *a, int depth)
{
    const node n = {a->length, a->null_count};
    const bool views = s->format[0] == 'v';

    assert(a->offset == 0 && depth <= 2 * VONK_MAX_TYPE_DEPTH + 2);
    VONK_TRY(VONK_VEC_PUSH(&w->nodes, w->budget, n, w->err));
    if (s->format[0] != 'n') {
        const bool has_nulls = a->null_count != 0 && a->buffers[0];
        VONK_TRY(put_buffer(w, a->buffers[0], has_nulls ? ((size_t)a->length + 7) / 8 : 0));
        const int64_t n_plain = views ? 2 : a->n_buffers;
        for (int64_t k = 1; k < n_plain; k++) VONK_TRY(put_buffer(w, a->buffers[k], views ? 16 * (size_t)a->length : buffer_bytes(s, a, k)));
        if (views) { /* the last buffer holds the data buffers' lengths */
            const int64_t  n_data = a->n_buffers - 3;
            const int64_t *lengths = a->buffers[a->n_buffers - 1];
            for (int64_t k = 0; k < n_data; k++) VONK_TRY(put_buffer(w, a->buffers[2 + k], (size_t)lengths[k]));
            VONK_TRY(VONK_VEC_PUSH(&w->variadic, w->budget, n_data, w->err));
        }
    }
    for (int64_t i = 0; i < a->n_children; i++) VONK_TRY(write_array(w, s->children[i], a->children[i], depth + 1));
    return VONK_OK;
}

static uint32_t compression_table(vonk__fb *fb, vonk_ipc_compression compression)
{
    vonk__fb_table t = {0};
    vonk__fb_set(&t, 0, 1, compression == VONK_IPC_ZSTD ? 1 : 0);
    vonk__fb_set(&t, 1, 1, 0);
    return vonk__fb_end_table(fb, &t);
}

/* The body is written first, into a buffer of its own, because the metadata in front of it names every buffer's place. */
static vonk_status write_batch(writer *w, const struct ArrowSchema *s, const struct ArrowArray *a)
{
    VONK_AUTO(vonk__fb_done) vonk__fb fb;
    VONK_AUTO(vonk_buf_done) vonk_buf body = {0};
    vonk_buf                         *out = w->out;
    const size_t                      at = out->len;
    char                             *prefix = NULL;
    vonk__fb_table                    t = {0};

    vonk__fb_init(&fb, w->budget, w->err);
    vonk_buf_init(&body, w->budget, SIZE_MAX);
    w->out = &body;
    vonk_status status = VONK_OK;
    for (int64_t i = 0; i < a->n_children && status == VONK_OK; i++) status = write_array(w, s->children[i], a->children[i], 0);
    w->out = out;
    VONK_TRY(status);
    VONK_TRY(vonk_buf_extend(out, 8, &prefix, w->err));
    const uint32_t compression = w->compression == VONK_IPC_PLAIN ? 0 : compression_table(&fb, w->compression);
    const uint32_t variadic = w->variadic.n > 0 ? vonk__fb_structs(&fb, w->variadic.at, w->variadic.n, 8, 8) : 0;
    const uint32_t buffers = vonk__fb_structs(&fb, w->buffers.at, w->buffers.n, sizeof(extent), 8);
    const uint32_t nodes = vonk__fb_structs(&fb, w->nodes.at, w->nodes.n, sizeof(node), 8);
    vonk__fb_set(&t, 0, 8, (uint64_t)a->length);
    vonk__fb_set_offset(&t, 1, nodes);
    vonk__fb_set_offset(&t, 2, buffers);
    if (compression) vonk__fb_set_offset(&t, 3, compression);
    if (variadic) vonk__fb_set_offset(&t, 4, variadic);
    VONK_TRY(message(w, &fb, VONK__IPC_RECORD_BATCH, vonk__fb_end_table(&fb, &t), body.len, at));
    return vonk_buf_append(out, body.data, body.len, w->err);
}

static vonk_status write_stream(writer *w, const vonk_type *type, const vonk_batch *batch, const vonk_arrow_options *options, struct ArrowSchema *s, struct ArrowArray *a)
{
    static const uint32_t end[2] = {UINT32_MAX, 0};

    VONK_TRY(vonk_arrow_export_schema(type, options, s, w->err));
    VONK_TRY(write_schema(w, s));
    if (batch) {
        VONK_TRY(vonk_arrow_export_batch(batch, type, options, a, w->err));
        if (w->compression != VONK_IPC_PLAIN) VONK_TRY(vonk_compressor_new(w->budget, &w->compressor, w->err));
        VONK_TRY(write_batch(w, s, a));
    }
    return vonk_buf_append(w->out, end, sizeof end, w->err);
}

vonk_status vonk_ipc_write(const vonk_type *struct_type, const vonk_batch *batch, const vonk_arrow_options *options, vonk_ipc_compression compression, vonk_buf *out, vonk_error *err)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray  array = {0};
    writer             w = {.budget = out->budget, .err = err, .out = out, .compression = compression};

    vonk_status status = write_stream(&w, struct_type, batch, options, &schema, &array);
    if (schema.release) schema.release(&schema);
    if (array.release) array.release(&array);
    vonk_free(w.nodes.at);
    vonk_free(w.buffers.at);
    vonk_free(w.variadic.at);
    if (w.compressor) vonk_compressor_free(w.compressor);
    return status;
}
