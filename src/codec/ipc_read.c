/* codec/ipc_read.c -- an Arrow IPC stream as batches: messages are turned into Arrow's C data form, which
 * column/arrow.h imports (and checks). */
#include "codec/ipc.h"

#include "base/vec.h"
#include "codec/compress.h"
#include "codec/flatbuf.h"
#include "codec/ipc_int.h"

#define MAX_FIELDS 100000
#define MAX_DEPTH (2 * VONK_MAX_TYPE_DEPTH + 2)
#define MAX_BUFFER (INT64_C(1) << 40)

typedef struct dictionary {
    int64_t id;
    struct ArrowArray *array; /* shared by later batches through shallow copies that hold `memory` */
} dictionary;

typedef struct reader {
    const char *what; /* for messages */
    vonk_budget *budget;
    vonk_error *err;
    vonk_arena *arena; /* of the schema */
    vonk_buffer *owner;
    vonk_cursor in;
    struct ArrowSchema schema;
    VONK_VEC(int64_t) dictionary_ids; /* per field in pre-order; -1: none */
    VONK_VEC(dictionary) dictionaries;
    vonk_compressor *compressor;
    uint32_t n_fields;
    bool damaged; /* a number lies outside its message; err says so */
} reader;

static vonk_status bad(reader *r, const char *problem)
{
    return VONK_FAIL(r->err, VONK_E_MALFORMED_INPUT, "path", r->what, "problem", problem);
}

/* The error, if any, waits for the end of the message. */
static int64_t number(reader *r, const vonk_flat_table *t, unsigned field, size_t bytes, int64_t otherwise)
{
    int64_t value = otherwise;
    if (!r->damaged) r->damaged = vonk_flat_get(t, field, bytes, otherwise, &value, r->err) != VONK_OK;
    return value;
}

/* ---- schema */
static vonk_status format_of(reader *r, const vonk_flat_table *field, uint8_t type, const vonk_flat_table *t,
                             const char **ret)
{
    static const char units[] = "smun";
    vonk_str text = {0};
    const uint64_t unit = number(r, t, 0, 2, type == IPC_DATE || type == IPC_TIME || type == IPC_DURATION ? 1 : 0);

    (void)field;
    *ret = NULL;
    switch (type) {
    case IPC_NULL: *ret = "n"; break;
    case IPC_BOOL: *ret = "b"; break;
    case IPC_BINARY: *ret = "z"; break;
    case IPC_UTF8: *ret = "u"; break;
    case IPC_LARGE_BINARY: *ret = "Z"; break;
    case IPC_LARGE_UTF8: *ret = "U"; break;
    case IPC_BINARY_VIEW: *ret = "vz"; break;
    case IPC_UTF8_VIEW: *ret = "vu"; break;
    case IPC_LIST: *ret = "+l"; break;
    case IPC_LARGE_LIST: *ret = "+L"; break;
    case IPC_STRUCT: *ret = "+s"; break;
    case IPC_MAP: *ret = "+m"; break;
    case IPC_FLOAT: *ret = unit == 0 ? "e" : unit == 1 ? "f" : "g"; break;
    case IPC_DATE: *ret = unit == 0 ? "tdD" : "tdm"; break;
    case IPC_INTERVAL: *ret = unit == 0 ? "tiM" : unit == 1 ? "tiD" : "tin"; break;
    case IPC_INT: {
        static const char letters[2][4] = {{'C', 'S', 'I', 'L'}, {'c', 's', 'i', 'l'}};
        const uint64_t bits = number(r, t, 0, 4, 0);
        const int log = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : -1;
        if (log < 0) return bad(r, "an integer of a strange width");
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, "%c", letters[number(r, t, 1, 1, 0) ? 1 : 0][log]));
        break;
    }
    case IPC_TIME:
    case IPC_DURATION:
        if (unit > 3) return bad(r, "an unknown time unit");
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, type == IPC_TIME ? "tt%c" : "tD%c", units[unit]));
        break;
    case IPC_TIMESTAMP: {
        vonk_str zone;
        if (unit > 3) return bad(r, "an unknown time unit");
        VONK_TRY(vonk_flat_get_text(t, 1, &zone, r->err));
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, "ts%c:%.*s", units[unit], VONK_STR_ARGS(zone)));
        break;
    }
    case IPC_DECIMAL:
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, "d:%d,%d,%d", (int)number(r, t, 0, 4, 0),
                                   (int)number(r, t, 1, 4, 0), (int)number(r, t, 2, 4, 128)));
        break;
    case IPC_FIXED_BINARY:
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, "w:%d", (int)number(r, t, 0, 4, 0)));
        break;
    case IPC_FIXED_LIST:
        VONK_TRY(vonk_arena_printf(r->arena, &text, r->err, "+w:%d", (int)number(r, t, 0, 4, 0)));
        break;
    case IPC_RUN_END: *ret = "+r"; break;
    default: return VONK_FAIL(r->err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("Arrow type number %d", type));
    }
    if (!*ret) *ret = text.data;
    return VONK_OK;
}

/* Key-value metadata in the C data form. */
static vonk_status metadata_of(reader *r, const vonk_flat_table *field, const char **ret)
{
    const uint8_t *pairs = NULL;
    size_t n = 0;
    size_t bytes = 4;
    vonk_str texts[64];

    *ret = NULL;
    VONK_TRY(vonk_flat_get_vector(field, 6, 4, &pairs, &n, r->err));
    if (n == 0) return VONK_OK;
    if (n > VONK_COUNTOF(texts) / 2) return bad(r, "a field with very much metadata");
    for (size_t i = 0; i < n; i++) {
        vonk_flat_table pair;
        VONK_TRY(vonk_flat_element(field, pairs, i, &pair, r->err));
        VONK_TRY(vonk_flat_get_text(&pair, 0, &texts[2 * i], r->err));
        VONK_TRY(vonk_flat_get_text(&pair, 1, &texts[2 * i + 1], r->err));
        bytes += 8 + texts[2 * i].len + texts[2 * i + 1].len;
    }
    char *at = NULL;
    VONK_TRY(vonk_arena_alloc(r->arena, bytes, &at, r->err));
    *ret = at;
    const int32_t count = (int32_t)n;
    memcpy(at, &count, 4);
    at += 4;
    for (uint32_t i = 0; i < 2 * n; i++) {
        const int32_t len = vonk_i32_of((int64_t)texts[i].len);
        memcpy(at, &len, 4);
        if (len > 0) memcpy(at + 4, texts[i].data, texts[i].len);
        at += 4 + len;
    }
    return VONK_OK;
}

static void release_nothing(struct ArrowSchema *s) { s->release = NULL; }

static vonk_status read_field(reader *r, const vonk_flat_table *field, struct ArrowSchema *ret, int depth);

static vonk_status read_children(reader *r, const vonk_flat_table *parent, uint32_t list, struct ArrowSchema *ret,
                                 int depth)
{
    const uint8_t *fields = NULL;
    size_t n = 0;

    VONK_TRY(vonk_flat_get_vector(parent, list, 4, &fields, &n, r->err));
    if (depth > MAX_DEPTH || r->n_fields + n > MAX_FIELDS) return bad(r, "a schema with very many fields");
    r->n_fields += vonk_u32_of(n);
    VONK_TRY(vonk_arena_array(r->arena, n + 1, sizeof *ret->children, &ret->children, r->err));
    for (uint32_t i = 0; i < n; i++) {
        vonk_flat_table field;
        VONK_TRY(VONK_ARENA_NEW(r->arena, &ret->children[i], r->err));
        VONK_TRY(vonk_flat_element(parent, fields, i, &field, r->err));
        VONK_TRY(read_field(r, &field, ret->children[i], depth + 1));
    }
    ret->n_children = n;
    return VONK_OK;
}

static vonk_status read_field(reader *r, const vonk_flat_table *field, struct ArrowSchema *ret, int depth)
{
    vonk_flat_table type, encoding, index;
    vonk_str name, copy;

    *ret = (struct ArrowSchema){.release = release_nothing};
    VONK_TRY(vonk_flat_get_table(field, 3, &type, r->err));
    VONK_TRY(vonk_flat_get_text(field, 0, &name, r->err));
    VONK_TRY(vonk_arena_str(r->arena, name, &copy, r->err));
    ret->name = copy.data;
    if (number(r, field, 1, 1, 0)) ret->flags |= ARROW_FLAG_NULLABLE;
    VONK_TRY(format_of(r, field, (uint8_t)number(r, field, 2, 1, 0), &type, &ret->format));
    VONK_TRY(metadata_of(r, field, &ret->metadata));
    VONK_TRY(vonk_flat_get_table(field, 4, &encoding, r->err));
    const size_t at = r->dictionary_ids.n;
    VONK_TRY(VONK_VEC_PUSH(&r->dictionary_ids, r->budget, (int64_t)-1, r->err));
    VONK_TRY(read_children(r, field, 5, ret, depth));
    if (!encoding.at) return VONK_OK;
    /* a dictionary: the field's own type describes the values, the index type the codes */
    struct ArrowSchema *values = NULL;
    VONK_TRY(VONK_ARENA_NEW(r->arena, &values, r->err));
    *values = *ret;
    VONK_TRY(vonk_flat_get_table(&encoding, 1, &index, r->err));
    ret->n_children = 0;
    ret->dictionary = values;
    r->dictionary_ids.at[at] = (int64_t)number(r, &encoding, 0, 8, 0);
    if (index.at) return format_of(r, field, IPC_INT, &index, &ret->format);
    ret->format = "i";
    return VONK_OK;
}

/* ---- a record batch's arrays; all memory of one batch is released together */
typedef struct memory {
    _Atomic int64_t refs;
    vonk_arena *arena;
    vonk_buffer *owner, *unpacked;
} memory;

static void memory_unref(memory *m)
{
    if (!m || --m->refs > 0) return;
    vonk_buffer *owner = m->owner, *unpacked = m->unpacked;
    vonk_arena_free(m->arena); /* m lies in it */
    vonk_buffer_unref(unpacked);
    vonk_buffer_unref(owner);
}

static void release_array(struct ArrowArray *a)
{
    memory *m = a->private_data;

    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release) a->children[i]->release(a->children[i]);
    if (a->dictionary && a->dictionary->release) a->dictionary->release(a->dictionary);
    a->release = NULL;
    memory_unref(m);
}

typedef struct batch_reader {
    reader *r;
    memory *m;
    const uint8_t *nodes, *buffers, *variadic;
    size_t n_nodes, n_buffers, n_variadic, node, buffer, view;
    uint32_t field;
    const uint8_t *body;
    uint64_t body_bytes;
    int codec; /* -1: plain */
    VONK_VEC(vonk_buf *) unused;
} batch_reader;

static int64_t i64_at(const uint8_t *at)
{
    int64_t v;
    memcpy(&v, at, 8);
    return v;
}

/* Unpacked buffers live as long as the batch's memory. */
static void free_buffer(void *b) { vonk_buffer_unref(b); }

static vonk_status unpack(batch_reader *b, const uint8_t *data, int64_t bytes, const void **ret, int64_t *ret_bytes)
{
    reader *r = b->r;
    vonk_buffer *plain = NULL;

    if (bytes < 8) return bad(r, "a compressed buffer is cut");
    const int64_t want = i64_at(data);
    if (want == -1) { /* stored as it is */
        *ret = data + 8;
        *ret_bytes = bytes - 8;
        return VONK_OK;
    }
    if (want < 0 || want > MAX_BUFFER) return bad(r, "a compressed buffer of impossible size");
    if (!r->compressor) VONK_TRY(vonk_compressor_new(r->budget, &r->compressor, r->err));
    VONK_TRY(vonk_buffer_new(r->budget, (size_t)want, &plain, r->err));
    VONK_TRY(vonk_arena_on_free(b->m->arena, free_buffer, plain, r->err));
    vonk_cursor in = vonk_cursor_of(data + 8, (size_t)bytes - 8, "Arrow stream");
    VONK_TRY(vonk_decompress(r->compressor, b->codec == 1 ? VONK_COMPRESS_ZSTD : VONK_COMPRESS_LZ4_FRAME, &in,
                             plain->data, (size_t)want, r->err));
    *ret = plain->data;
    *ret_bytes = want;
    return VONK_OK;
}

/* The next buffer; at least `least` bytes unless it is empty and may be. */
static vonk_status next_buffer(batch_reader *b, int64_t least, const void **ret, int64_t *ret_bytes)
{
    static const uint64_t nothing[8] = {0};

    if (b->buffer >= b->n_buffers) return bad(b->r, "a record batch has too few buffers");
    const int64_t offset = i64_at(b->buffers + 16 * (size_t)b->buffer),
                  bytes = i64_at(b->buffers + 16 * (size_t)b->buffer + 8);
    b->buffer++;
    if (offset < 0 || bytes < 0 || (uint64_t)offset > b->body_bytes ||
        (uint64_t)bytes > b->body_bytes - (uint64_t)offset)
        return bad(b->r, "a buffer lies outside of its message");
    *ret = b->body + offset;
    *ret_bytes = bytes;
    if (b->codec >= 0 && bytes > 0) VONK_TRY(unpack(b, b->body + offset, bytes, ret, ret_bytes));
    if (*ret_bytes == 0) *ret = nothing; /* empty arrays may leave even their first offset out */
    if (*ret_bytes < least && !(*ret_bytes == 0 && least <= (int64_t)sizeof nothing))
        return bad(b->r, "a buffer is shorter than its rows need");
    return VONK_OK;
}

static int64_t bytes_per_row(const char *f)
{
    switch (f[0]) {
    case 'c':
    case 'C': return 1;
    case 's':
    case 'S':
    case 'e': return 2;
    case 'i':
    case 'I':
    case 'f': return 4;
    case 'l':
    case 'L':
    case 'g': return 8;
    case 'd': return strstr(f, ",256") ? 32 : 16;
    case 'w': return strtol(f + 2, NULL, 10);
    case 't':
        if (f[1] == 'd') return f[2] == 'D' ? 4 : 8;
        if (f[1] == 't') return f[2] == 's' || f[2] == 'm' ? 4 : 8;
        if (f[1] == 'i') return f[2] == 'M' ? 4 : f[2] == 'D' ? 8 : 16;
        return 8;
    default: return 0;
    }
}

static vonk_status set_buffers(batch_reader *b, struct ArrowArray *a, uint32_t n)
{
    a->n_buffers = n;
    return vonk_arena_array(b->m->arena, n + 1, sizeof *a->buffers, &a->buffers, b->r->err);
}

/* The largest offset, negative ones taken for huge: a list above may use only some of the texts, whose last one then
 * need not end where all of them do. */
static uint64_t end_of_texts(const uint8_t *offsets, int64_t n, bool large)
{
    uint64_t most = 0;
    uint32_t narrow_most = 0;

    for (int64_t i = 0; large && i <= n; i++) {
        uint64_t x;
        memcpy(&x, offsets + 8 * i, 8);
        most = x > most ? x : most;
    }
    for (int64_t i = 0; !large && i <= n; i++) {
        uint32_t x;
        memcpy(&x, offsets + 4 * i, 4);
        narrow_most = x > narrow_most ? x : narrow_most;
    }
    return large ? most : narrow_most;
}

static vonk_status read_texts(batch_reader *b, struct ArrowArray *a, bool large)
{
    int64_t bytes;

    VONK_TRY(next_buffer(b, (a->length + 1) * (large ? 8 : 4), &a->buffers[1], &bytes));
    const uint64_t end = a->length > 0 ? end_of_texts(a->buffers[1], a->length, large) : 0;
    if (end > (uint64_t)(large ? INT64_MAX : INT32_MAX)) return bad(b->r, "a negative text offset");
    return next_buffer(b, (int64_t)end, &a->buffers[2], &bytes);
}

static vonk_status read_views(batch_reader *b, struct ArrowArray *a)
{
    int64_t *lengths = NULL, bytes;

    if (b->view >= b->n_variadic) return bad(b->r, "a view column without its buffer count");
    const int64_t n = i64_at(b->variadic + 8 * (size_t)b->view++);
    if (n < 0 || (uint64_t)n > b->n_buffers) return bad(b->r, "a view column with an impossible buffer count");
    const void *validity = a->buffers[0];
    VONK_TRY(set_buffers(b, a, (uint32_t)n + 3));
    a->buffers[0] = validity;
    VONK_TRY(next_buffer(b, a->length * 16, &a->buffers[1], &bytes));
    VONK_TRY(vonk_arena_array(b->m->arena, (size_t)n + 1, sizeof *lengths, &lengths, b->r->err));
    for (int64_t k = 0; k < n; k++) VONK_TRY(next_buffer(b, 0, &a->buffers[2 + k], &lengths[k]));
    a->buffers[n + 2] = lengths;
    return VONK_OK;
}

static vonk_status find_dictionary(batch_reader *b, int64_t id, struct ArrowArray *ret)
{
    for (size_t i = 0; i < b->r->dictionaries.n; i++)
        if (b->r->dictionaries.at[i].id == id) {
            *ret = *b->r->dictionaries.at[i].array; /* a shallow copy; the original's memory is held until the reader is
                                                       done, ours by the batch */
            memory *m = ret->private_data;
            m->refs++;
            ret->release = NULL;
            return vonk_arena_on_free(b->m->arena, (void (*)(void *))memory_unref, m, b->r->err);
        }
    return bad(b->r, "a dictionary that was not sent");
}

static vonk_status read_array(batch_reader *b, const struct ArrowSchema *s, struct ArrowArray *a);

static vonk_status read_layout(batch_reader *b, const struct ArrowSchema *s, struct ArrowArray *a)
{
    const char *f = s->format;
    int64_t bytes;

    if (strchr("zZuU", f[0])) return read_texts(b, a, f[0] == 'Z' || f[0] == 'U');
    if (f[0] == 'v') return read_views(b, a);
    if (f[0] == 'b') return next_buffer(b, (a->length + 7) / 8, &a->buffers[1], &bytes);
    if (f[0] == '+' && strchr("lLm", f[1]))
        return next_buffer(b, (a->length + 1) * (f[1] == 'L' ? 8 : 4), &a->buffers[1], &bytes);
    if (f[0] == '+') return VONK_OK;
    if (a->length > MAX_BUFFER / 32) return bad(b->r, "an impossible row count");
    return next_buffer(b, a->length * bytes_per_row(f), &a->buffers[1], &bytes);
}

static uint32_t n_buffers_of(const char *f)
{
    if (f[0] == 'n' || (f[0] == '+' && f[1] == 'r')) return 0;
    if (strchr("zZuU", f[0])) return 3;
    return f[0] == '+' && strchr("sw", f[1]) ? 1 : 2;
}

static vonk_status read_array(batch_reader *b, const struct ArrowSchema *s, struct ArrowArray *a)
{
    const uint32_t field = b->field++;
    int64_t bytes;

    *a = (struct ArrowArray){.release = release_array, .private_data = b->m};
    b->m->refs++;
    if (b->node >= b->n_nodes) return bad(b->r, "a record batch has too few columns");
    a->length = i64_at(b->nodes + 16 * (size_t)b->node);
    a->null_count = i64_at(b->nodes + 16 * (size_t)b->node + 8);
    b->node++;
    if (a->length < 0 || a->length > INT32_MAX || a->null_count < 0 || a->null_count > a->length)
        return bad(b->r, "an impossible row count");
    VONK_TRY(set_buffers(b, a, n_buffers_of(s->format)));
    if (a->n_buffers > 0) {
        VONK_TRY(next_buffer(b, a->null_count > 0 ? (a->length + 7) / 8 : 0, &a->buffers[0], &bytes));
        if (a->null_count == 0) a->buffers[0] = NULL;
        VONK_TRY(read_layout(b, s, a));
    }
    VONK_TRY(vonk_arena_array(b->m->arena, (size_t)s->n_children + 1, sizeof *a->children, &a->children, b->r->err));
    for (int64_t i = 0; i < s->n_children; i++) {
        VONK_TRY(VONK_ARENA_NEW(b->m->arena, &a->children[i], b->r->err));
        a->n_children = i + 1; /* so that a release on failure sees the ones that are there */
        VONK_TRY(read_array(b, s->children[i], a->children[i])); /* depth: bounded with the schema */
    }
    if (!s->dictionary) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(b->m->arena, &a->dictionary, b->r->err));
    return find_dictionary(b, b->r->dictionary_ids.at[field], a->dictionary);
}

static vonk_status open_batch(reader *r, const vonk_flat_table *header, const uint8_t *body, uint64_t body_bytes,
                              batch_reader *b)
{
    vonk_arena *arena = NULL;
    vonk_flat_table compression;

    VONK_TRY(vonk_arena_new(r->budget, &arena, r->err));
    memory *m = NULL;
    vonk_status status = VONK_ARENA_NEW(arena, &m, r->err);
    if (status != VONK_OK) {
        vonk_arena_free(arena);
        return status;
    }
    *m = (memory){.refs = 1, .arena = arena, .owner = vonk_buffer_ref(r->owner)};
    *b = (batch_reader){.r = r, .m = m, .body = body, .body_bytes = body_bytes, .codec = -1};
    VONK_TRY(vonk_flat_get_vector(header, 1, 16, &b->nodes, &b->n_nodes, r->err));
    VONK_TRY(vonk_flat_get_vector(header, 2, 16, &b->buffers, &b->n_buffers, r->err));
    VONK_TRY(vonk_flat_get_vector(header, 4, 8, &b->variadic, &b->n_variadic, r->err));
    VONK_TRY(vonk_flat_get_table(header, 3, &compression, r->err));
    if (compression.at) b->codec = (int)number(r, &compression, 0, 1, 0);
    if (b->codec > 1) return bad(r, "an unknown body compression");
    return VONK_OK;
}

static vonk_status read_record_batch(reader *r, const vonk_flat_table *header, const uint8_t *body, uint64_t body_bytes,
                                     const vonk_type *type, vonk_batch **ret)
{
    batch_reader b = {0};
    struct ArrowArray root = {0};

    vonk_status status = open_batch(r, header, body, body_bytes, &b);
    if (status == VONK_OK) {
        root = (struct ArrowArray){.length = (int64_t)number(r, header, 0, 8, 0),
                                   .release = release_array,
                                   .private_data = b.m,
                                   .n_buffers = 1};
        b.m->refs++;
        status =
            root.length < 0 || root.length > INT32_MAX ? bad(r, "an impossible row count") : set_buffers(&b, &root, 1);
        if (status == VONK_OK)
            status = vonk_arena_array(b.m->arena, (size_t)r->schema.n_children + 1, sizeof *root.children,
                                      &root.children, r->err);
        for (int64_t i = 0; status == VONK_OK && i < r->schema.n_children; i++) {
            status = VONK_ARENA_NEW(b.m->arena, &root.children[i], r->err);
            if (status != VONK_OK) break;
            root.n_children = i + 1;
            status = read_array(&b, r->schema.children[i], root.children[i]);
            if (status == VONK_OK && root.children[i]->length != root.length)
                status = bad(r, "columns of different lengths");
        }
        if (status == VONK_OK) status = vonk_arrow_import_batch(r->budget, &root, &r->schema, type, ret, r->err);
        if (root.release) root.release(&root);
    }
    memory_unref(b.m);
    return status;
}

/* The schema of the values of dictionary `id`, in pre-order. */
static const struct ArrowSchema *values_of(const reader *r, const struct ArrowSchema *s, size_t *at, int64_t id)
{
    for (int64_t i = 0; i < s->n_children; i++) {
        const size_t mine = (*at)++;
        if (s->children[i]->dictionary && r->dictionary_ids.at[mine] == id) return s->children[i]->dictionary;
        const struct ArrowSchema *found = values_of(r, s->children[i], at, id);
        if (found) return found;
        if (s->children[i]->dictionary) *at += 0;
    }
    return NULL;
}

static vonk_status read_dictionary(reader *r, const vonk_flat_table *header, const uint8_t *body, uint64_t body_bytes)
{
    batch_reader b = {0};
    vonk_flat_table data;
    struct ArrowArray *array = NULL;
    size_t at = 0;
    const int64_t id = (int64_t)number(r, header, 0, 8, 0);

    if (number(r, header, 2, 1, 0))
        return VONK_FAIL(r->err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Arrow delta dictionaries");
    const struct ArrowSchema *values = values_of(r, &r->schema, &at, id);
    if (!values) return bad(r, "a dictionary that no column uses");
    VONK_TRY(vonk_flat_get_table(header, 1, &data, r->err));
    vonk_status status = open_batch(r, &data, body, body_bytes, &b);
    if (status == VONK_OK) status = VONK_ARENA_NEW(b.m->arena, &array, r->err);
    if (status == VONK_OK) status = read_array(&b, values, array);
    if (status == VONK_OK) {
        const dictionary d = {id, array};
        for (size_t i = 0; i < r->dictionaries.n; i++)
            if (r->dictionaries.at[i].id == id) {
                memory_unref(r->dictionaries.at[i].array->private_data);
                r->dictionaries.at[i] = d; /* a replacement; our reference keeps the arena */
                return VONK_OK;
            }
        status = VONK_VEC_PUSH(&r->dictionaries, r->budget, d, r->err);
        if (status == VONK_OK) return VONK_OK;
    }
    memory_unref(b.m);
    return status;
}

/* ---- messages */
static vonk_status next_message(reader *r, vonk_flat_table *ret_header, uint8_t *ret_type, const uint8_t **ret_body,
                                uint64_t *ret_body_bytes)
{
    uint32_t bytes = 0;
    const uint8_t *metadata = NULL;
    vonk_flat_table message;

    *ret_type = 0;
    if (vonk_cursor_left(&r->in) == 0) return VONK_OK;
    VONK_TRY(vonk_cursor_u32(&r->in, &bytes, r->err));
    if (bytes == UINT32_MAX)
        VONK_TRY(vonk_cursor_u32(&r->in, &bytes, r->err)); /* streams before Arrow 0.15 have no mark */
    if (bytes == 0) return VONK_OK;
    VONK_TRY(vonk_cursor_take(&r->in, bytes, &metadata, r->err));
    VONK_TRY(vonk_flat_root(metadata, bytes, r->what, &message, r->err));
    *ret_body_bytes = number(r, &message, 3, 8, 0);
    *ret_type = (uint8_t)number(r, &message, 1, 1, 0);
    VONK_TRY(vonk_flat_get_table(&message, 2, ret_header, r->err));
    if (*ret_body_bytes > vonk_cursor_left(&r->in)) return bad(r, "a message's body is cut");
    return vonk_cursor_take(&r->in, (size_t)*ret_body_bytes, ret_body, r->err);
}

static vonk_status read_schema(reader *r, const vonk_type **ret_schema)
{
    vonk_flat_table header = {0};
    uint8_t type = 0;
    const uint8_t *body = NULL;
    uint64_t body_bytes = 0;

    VONK_TRY(next_message(r, &header, &type, &body, &body_bytes));
    if (r->damaged) return r->err->cls;
    if (type != IPC_HEADER_SCHEMA || !header.at) return bad(r, "it does not begin with a schema");
    if (number(r, &header, 0, 2, 0) != 0)
        return VONK_FAIL(r->err, VONK_E_UNSUPPORTED_FEATURE, "feature", "big-endian Arrow streams");
    r->schema = (struct ArrowSchema){.format = "+s", .name = "", .release = release_nothing};
    VONK_TRY(read_children(r, &header, 1, &r->schema, 0));
    if (r->damaged) return r->err->cls;
    return vonk_arrow_import_schema(&r->schema, ret_schema, r->err);
}

/* One message after the schema. *ret NULL: a dictionary, or (*ret_ended) the end. */
static vonk_status read_message(reader *r, const vonk_type *schema, vonk_batch **ret, bool *ret_ended)
{
    vonk_flat_table header = {0};
    uint8_t type = 0;
    const uint8_t *body = NULL;
    uint64_t body_bytes = 0;

    VONK_TRY(next_message(r, &header, &type, &body, &body_bytes));
    if (r->damaged) return r->err->cls;
    *ret_ended = type == 0;
    if (type == 0) return VONK_OK;
    if (!header.at) return bad(r, "a message without a header");
    if (type == IPC_HEADER_BATCH)
        VONK_TRY(read_record_batch(r, &header, body, body_bytes, schema, ret));
    else if (type == IPC_HEADER_DICTIONARY)
        VONK_TRY(read_dictionary(r, &header, body, body_bytes));
    else
        return bad(r, "an unknown message");
    if (*ret && r->damaged) {
        vonk_batch_unref(*ret);
        *ret = NULL;
    }
    return r->damaged ? r->err->cls : VONK_OK;
}

/* Up to the next record batch; *ret NULL: the end. */
static vonk_status read_next(reader *r, const vonk_type *schema, vonk_batch **ret)
{
    for (bool ended = false; !ended && !*ret;) VONK_TRY(read_message(r, schema, ret, &ended));
    return VONK_OK;
}

struct vonk_ipc_reader {
    reader r;
    const vonk_type *type;
    bool ended; /* or failed */
};

void vonk_ipc_reader_free(vonk_ipc_reader *x)
{
    if (!x) return;
    for (size_t i = 0; i < x->r.dictionaries.n; i++) memory_unref(x->r.dictionaries.at[i].array->private_data);
    vonk_free(x->r.dictionaries.at);
    vonk_free(x->r.dictionary_ids.at);
    vonk_compressor_free(x->r.compressor);
    vonk_arena_free(x->r.arena);
    vonk_type_unref(x->type);
    vonk_buffer_unref(x->r.owner);
    vonk_free(x);
}

vonk_status vonk_ipc_reader_new(vonk_budget *budget, vonk_buffer *bytes, const char *what, vonk_ipc_reader **ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *made = NULL;

    VONK_TRY(VONK_NEW(budget, &made, err));
    made->r = (reader){.budget = budget,
                       .err = err,
                       .owner = vonk_buffer_ref(bytes),
                       .what = what,
                       .in = vonk_cursor_of(bytes->data, bytes->bytes, what)};
    VONK_TRY(vonk_arena_new(budget, &made->r.arena, err));
    VONK_TRY(read_schema(&made->r, &made->type));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

const vonk_type *vonk_ipc_reader_type(const vonk_ipc_reader *x) { return x->type; }

vonk_status vonk_ipc_reader_next(vonk_ipc_reader *x, vonk_batch **ret, vonk_error *err)
{
    *ret = NULL;
    if (x->ended) return VONK_OK;
    x->r.err = err;
    const vonk_status status = read_next(&x->r, x->type, ret);
    x->ended = !*ret;
    return status;
}

/* ---- message by message */
enum { MARK_BYTES = 4 };

vonk_status vonk_ipc_measure(const void *start, size_t n, size_t max_bytes, const char *what, size_t *ret_bytes,
                             bool *ret_whole, vonk_error *err)
{
    vonk_cursor in = vonk_cursor_of(start, n, what);
    vonk_flat_table message;
    uint32_t metadata_bytes = 0;
    int64_t body_bytes = 0;

    *ret_whole = false;
    *ret_bytes = MARK_BYTES;
    if (n < *ret_bytes) return VONK_OK;
    VONK_TRY(vonk_cursor_u32(&in, &metadata_bytes, err));
    if (metadata_bytes == IPC_CONTINUATION) {
        *ret_bytes += MARK_BYTES;
        if (n < *ret_bytes) return VONK_OK;
        VONK_TRY(vonk_cursor_u32(&in, &metadata_bytes, err));
    }
    *ret_whole = metadata_bytes == 0;
    if (*ret_whole) return VONK_OK;
    const size_t before = *ret_bytes;
    if (metadata_bytes > max_bytes - vonk_min_size(before, max_bytes))
        return vonk_cursor_fail(&in, "a message that is too long", err);
    *ret_bytes += metadata_bytes;
    if (n < *ret_bytes) return VONK_OK;
    VONK_TRY(vonk_flat_root((const uint8_t *)start + before, metadata_bytes, what, &message, err));
    VONK_TRY(vonk_flat_get(&message, IPC_MESSAGE_BODY_BYTES, 8, 0, &body_bytes, err));
    if (body_bytes < 0 || (uint64_t)body_bytes > max_bytes - *ret_bytes)
        return vonk_cursor_fail(&in, "a message that is too long", err);
    *ret_bytes += (size_t)body_bytes;
    *ret_whole = true;
    return VONK_OK;
}

vonk_status vonk_ipc_reader_new_fed(vonk_budget *budget, const char *what, vonk_ipc_reader **ret, vonk_error *err)
{
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *made = NULL;

    VONK_TRY(VONK_NEW(budget, &made, err));
    made->r = (reader){.budget = budget, .what = what};
    VONK_TRY(vonk_arena_new(budget, &made->r.arena, err));
    *ret = VONK_STEAL(made);
    return VONK_OK;
}

vonk_status vonk_ipc_reader_feed(vonk_ipc_reader *x, vonk_buffer *message, vonk_batch **ret, vonk_error *err)
{
    *ret = NULL;
    vonk_buffer_unref(x->r.owner);
    x->r.owner = vonk_buffer_ref(message); /* what is read from it holds it, too */
    x->r.err = err;
    x->r.in = vonk_cursor_of(message->data, message->bytes, x->r.what);
    if (x->ended) return bad(&x->r, "messages after the end of the stream");
    if (!x->type) return read_schema(&x->r, &x->type);
    const vonk_status status = read_message(&x->r, x->type, ret, &x->ended);
    if (status != VONK_OK) x->ended = true;
    return status;
}
