/* net/proto.c -- decoding by table. The nesting lives on a stack of frames in the arena, so depth costs no C stack. */
#include "net/proto.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "base/vec.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_GROUP = 3, WIRE_GROUP_END = 4, WIRE_32 = 5 };

typedef struct pb_frame {
    vonk_pb_msg *msg;
    const uint8_t *end;
} pb_frame;

typedef struct pb_decoder {
    const vonk_pb_schema *schema;
    vonk_arena *arena;
    vonk_cursor in; /* its end is that of the innermost message */
    size_t max_depth;
    VONK_VEC(pb_frame) frames;
} pb_decoder;

static vonk_status decode_all(pb_decoder *d, vonk_error *err);
static vonk_status push_message(pb_decoder *d, vonk_pb_msg *msg, size_t bytes, vonk_error *err);
static vonk_status new_message(pb_decoder *d, int type, vonk_pb_msg **ret, vonk_error *err);
static vonk_status decode_field(pb_decoder *d, vonk_pb_msg *msg, vonk_error *err);

vonk_status vonk_pb_decode(const vonk_pb_schema *schema, int message, vonk_str bytes, int max_depth, vonk_arena *arena,
                           const vonk_pb_msg **ret, vonk_error *err)
{
    assert(message >= 0 && message < schema->n_types);
    pb_decoder d = {.schema = schema, .arena = arena, .max_depth = (size_t)max_depth};
    d.in = vonk_cursor_of(bytes.data, bytes.len, schema->names + schema->types[message].name);

    vonk_pb_msg *root = NULL;
    VONK_TRY(new_message(&d, message, &root, err));
    VONK_TRY(push_message(&d, root, bytes.len, err));
    vonk_status st = decode_all(&d, err);
    if (st == VONK_E_MALFORMED_INPUT) { /* of a file, says the cursor; here it is a message */
        vonk_error first = VONK_ERROR_INIT;
        vonk_error_move(&first, err);
        st = VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE, "errorMsg", vonk_error_message(&first));
        vonk_error_reset(&first);
    }
    if (st == VONK_OK) *ret = root;
    return st;
}

static vonk_status decode_all(pb_decoder *d, vonk_error *err)
{
    while (d->frames.n > 0) {
        pb_frame *top = &d->frames.at[d->frames.n - 1];
        if (d->in.at == top->end) {
            d->frames.n--;
            if (d->frames.n > 0) d->in.end = d->frames.at[d->frames.n - 1].end;
        } else {
            VONK_TRY(decode_field(d, top->msg, err)); /* may push a frame */
        }
    }
    return VONK_OK;
}

static vonk_status malformed(const pb_decoder *d, const char *problem, vonk_error *err)
{
    vonk_status st = vonk_cursor_fail(&d->in, problem, err);
    assert(st != VONK_OK);
    return st;
}

static vonk_status new_message(pb_decoder *d, int type, vonk_pb_msg **ret, vonk_error *err)
{
    const vonk_pb_type *t = &d->schema->types[type];
    vonk_pb_msg *msg = NULL;
    VONK_TRY(vonk_arena_alloc(
        d->arena, sizeof(*msg) + t->n_slots * sizeof(vonk_pb_value) + t->n_oneofs * sizeof(uint16_t), &msg, err));
    msg->schema = d->schema;
    msg->type = (uint16_t)type;
    *ret = msg;
    return VONK_OK;
}

/* The next `bytes` bytes belong to msg, which may have had some before. */
static vonk_status push_message(pb_decoder *d, vonk_pb_msg *msg, size_t bytes, vonk_error *err)
{
    if (d->frames.n >= d->max_depth)
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE, "errorMsg",
                         VONK_F("messages are nested deeper than %zu", d->max_depth));
    if (bytes > vonk_cursor_left(&d->in)) return malformed(d, "a message is cut short", err);

    vonk_pb_piece *piece = &msg->raw;
    if (msg->raw_last) {
        VONK_TRY(VONK_ARENA_NEW(d->arena, &piece, err));
        msg->raw_last->next = piece;
    }
    piece->bytes = (vonk_str){(const char *)d->in.at, bytes};
    msg->raw_last = piece;
    if (bytes == 0 && d->frames.n > 0) return VONK_OK;

    pb_frame frame = {msg, d->in.at + bytes};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&d->frames, d->arena, frame, err));
    d->in.end = frame.end;
    return VONK_OK;
}

static inline vonk_status read_varint(pb_decoder *d, uint64_t *ret, vonk_error *err)
{
    if (VONK_LIKELY(d->in.at < d->in.end && *d->in.at < 0x80)) {
        *ret = *d->in.at++;
        return VONK_OK;
    }
    return vonk_cursor_varint(&d->in, ret, err);
}

static vonk_status read_length(pb_decoder *d, size_t *ret, vonk_error *err)
{
    uint64_t bytes = 0;
    VONK_TRY(read_varint(d, &bytes, err));
    if (bytes > vonk_cursor_left(&d->in)) return malformed(d, "a field is longer than what is there", err);
    *ret = (size_t)bytes;
    return VONK_OK;
}

static const vonk_pb_field *find_field(const vonk_pb_schema *schema, const vonk_pb_type *t, uint64_t number)
{
    const vonk_pb_field *fields = &schema->fields[t->first_field];
    if (number - 1 < t->n_dense) return &fields[number - 1];
    size_t low = t->n_dense, high = t->n_fields;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fields[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->n_fields && fields[low].number == number ? &fields[low] : NULL;
}

static unsigned wire_of(unsigned kind)
{
    switch (kind) {
    case VONK_PB_DOUBLE:
    case VONK_PB_FIXED64:
    case VONK_PB_SFIXED64: return WIRE_64;
    case VONK_PB_FLOAT:
    case VONK_PB_FIXED32:
    case VONK_PB_SFIXED32: return WIRE_32;
    case VONK_PB_STRING:
    case VONK_PB_BYTES:
    case VONK_PB_MESSAGE: return WIRE_LEN;
    default: return WIRE_VARINT;
    }
}

/* Unknown things. A group ends with a tag of its own number; groups may nest. */
static vonk_status skip_value(pb_decoder *d, uint64_t tag, vonk_error *err)
{
    uint64_t open[16], n_open = 0; /* nobody has sent groups since 2008: a few levels do */
    for (;;) {
        const uint8_t *skipped = NULL;
        uint64_t number = 0;
        size_t bytes = 0;
        switch (tag & 7) {
        case WIRE_VARINT: VONK_TRY(read_varint(d, &number, err)); break;
        case WIRE_64: VONK_TRY(vonk_cursor_take(&d->in, 8, &skipped, err)); break;
        case WIRE_32: VONK_TRY(vonk_cursor_take(&d->in, 4, &skipped, err)); break;
        case WIRE_LEN:
            VONK_TRY(read_length(d, &bytes, err));
            VONK_TRY(vonk_cursor_take(&d->in, bytes, &skipped, err));
            break;
        case WIRE_GROUP:
            if (n_open == VONK_COUNTOF(open)) return malformed(d, "groups are nested too deep", err);
            open[n_open++] = tag >> 3;
            break;
        case WIRE_GROUP_END:
            if (n_open == 0 || open[--n_open] != tag >> 3) return malformed(d, "a group ends that did not begin", err);
            break;
        default: return malformed(d, "a field has no such wire type", err);
        }
        if (n_open == 0) return VONK_OK;
        VONK_TRY(read_varint(d, &tag, err));
        if (tag >> 3 == 0) return malformed(d, "a field has the number 0", err);
    }
}

static vonk_status read_text(pb_decoder *d, unsigned kind, vonk_str *ret, vonk_error *err)
{
    size_t bytes = 0;
    const uint8_t *at = NULL;
    VONK_TRY(read_length(d, &bytes, err));
    VONK_TRY(vonk_cursor_take(&d->in, bytes, &at, err));
    vonk_str text = {(const char *)at, bytes};
    if (kind == VONK_PB_STRING && !vonk_utf8_valid(text)) return malformed(d, "a string is not UTF-8", err);
    *ret = text;
    return VONK_OK;
}

static inline int64_t zigzag(uint64_t x) { return (int64_t)(x >> 1) ^ -(int64_t)(x & 1); }

static vonk_status read_scalar(pb_decoder *d, unsigned kind, vonk_pb_value *ret, vonk_error *err)
{
    uint64_t x = 0;
    uint32_t word = 0;
    float single = 0;
    switch (wire_of(kind)) {
    case WIRE_64: VONK_TRY(vonk_cursor_u64(&d->in, &x, err)); break;
    case WIRE_32:
        VONK_TRY(vonk_cursor_u32(&d->in, &word, err));
        x = word;
        break;
    default: VONK_TRY(read_varint(d, &x, err)); break;
    }
    switch (kind) {
    case VONK_PB_FLOAT:
        memcpy(&single, &word, sizeof(single));
        ret->f64 = single;
        break;
    case VONK_PB_BOOL: ret->u64 = x != 0; break;
    case VONK_PB_INT32:
    case VONK_PB_ENUM:
    case VONK_PB_SFIXED32: ret->i64 = (int32_t)(uint32_t)x; break;
    case VONK_PB_UINT32: ret->u64 = (uint32_t)x; break;
    case VONK_PB_SINT32: ret->i64 = (int32_t)zigzag((uint32_t)x); break;
    case VONK_PB_SINT64: ret->i64 = zigzag(x); break;
    default: ret->u64 = x; break; /* a double's bits too */
    }
    return VONK_OK;
}

/* The address of one more element of `each` bytes. */
static vonk_status add_element(pb_decoder *d, vonk_pb_value *v, size_t each, void **ret, vonk_error *err)
{
    if (v->rep.n == v->rep.capacity) {
        if (v->rep.capacity > UINT32_MAX / 2) return malformed(d, "a field is repeated too often", err);
        uint32_t capacity = v->rep.capacity ? v->rep.capacity * 2 : 4;
        void *grown = NULL;
        VONK_TRY(vonk_arena_array(d->arena, capacity, each, &grown, err));
        if (v->rep.n) memcpy(grown, v->rep.at, v->rep.n * each);
        v->rep.at = grown;
        v->rep.capacity = capacity;
    }
    assert(v->rep.at);
    *ret = (char *)v->rep.at + each * v->rep.n++;
    return VONK_OK;
}

static vonk_status add_scalar(pb_decoder *d, unsigned kind, vonk_pb_value *v, vonk_error *err)
{
    vonk_pb_value one = {0};
    void *into = NULL;
    VONK_TRY(read_scalar(d, kind, &one, err));
    VONK_TRY(add_element(d, v, sizeof(one.u64), &into, err));
    assert(into);
    memcpy(into, &one.u64, sizeof(one.u64));
    return VONK_OK;
}

static vonk_status add_packed(pb_decoder *d, unsigned kind, vonk_pb_value *v, vonk_error *err)
{
    size_t bytes = 0;
    VONK_TRY(read_length(d, &bytes, err));
    const uint8_t *outer_end = d->in.end;
    d->in.end = d->in.at + bytes;
    while (d->in.at < d->in.end) VONK_TRY(add_scalar(d, kind, v, err));
    d->in.end = outer_end;
    return VONK_OK;
}

static vonk_status decode_repeated(pb_decoder *d, const vonk_pb_field *f, unsigned wire, vonk_pb_value *v,
                                   vonk_error *err)
{
    void *into = NULL;
    if (f->kind == VONK_PB_MESSAGE) {
        size_t bytes = 0;
        vonk_pb_msg *inner = NULL;
        VONK_TRY(read_length(d, &bytes, err));
        VONK_TRY(new_message(d, f->holds, &inner, err));
        VONK_TRY(add_element(d, v, sizeof(inner), &into, err));
        assert(into);
        memcpy(into, &inner, sizeof(inner));
        return push_message(d, inner, bytes, err);
    }
    if (f->kind == VONK_PB_STRING || f->kind == VONK_PB_BYTES) {
        vonk_str text;
        VONK_TRY(read_text(d, f->kind, &text, err));
        VONK_TRY(add_element(d, v, sizeof(text), &into, err));
        assert(into);
        memcpy(into, &text, sizeof(text));
        return VONK_OK;
    }
    return wire == WIRE_LEN ? add_packed(d, f->kind, v, err) : add_scalar(d, f->kind, v, err);
}

static vonk_status decode_field(pb_decoder *d, vonk_pb_msg *msg, vonk_error *err)
{
    uint64_t tag = 0;
    VONK_TRY(read_varint(d, &tag, err));
    if (tag >> 3 == 0) return malformed(d, "a field has the number 0", err);
    if (tag > UINT32_MAX) return malformed(d, "a field's number is too large", err);
    const vonk_pb_type *t = &d->schema->types[msg->type];
    const vonk_pb_field *f = find_field(d->schema, t, tag >> 3);
    if (!f) return skip_value(d, tag, err);

    unsigned wire = (unsigned)(tag & 7), wanted = wire_of(f->kind);
    bool repeated = f->flags & VONK_PB_REPEATED;
    vonk_pb_value *v = &msg->slots[f->slot];
    if (wire != wanted && !(repeated && wire == WIRE_LEN)) return skip_value(d, tag, err);
    if (repeated) {
        VONK_TRY(decode_repeated(d, f, wire, v, err)); /* grows v before it pushes a frame: v is not used after that */
        if (v->rep.n) msg->has |= UINT64_C(1) << f->slot;
        return VONK_OK;
    }

    bool seen = msg->has >> f->slot & 1;
    if (f->oneof != VONK_PB_NO_ONEOF) {
        uint16_t *which = (uint16_t *)&msg->slots[t->n_slots] + f->oneof, id = (uint16_t)(f - d->schema->fields);
        seen = *which == id;
        *which = id;
    }
    msg->has |= UINT64_C(1) << f->slot;
    if (wanted == WIRE_LEN && f->kind != VONK_PB_MESSAGE) return read_text(d, f->kind, &v->str, err);
    if (f->kind != VONK_PB_MESSAGE) return read_scalar(d, f->kind, v, err);
    size_t bytes = 0;
    VONK_TRY(read_length(d, &bytes, err));
    if (!seen) VONK_TRY(new_message(d, f->holds, &v->msg, err));
    return push_message(d, v->msg, bytes, err);
}

const char *vonk_pb_type_name(const vonk_pb_schema *schema, int message)
{
    return schema->names + schema->types[message].name;
}
const char *vonk_pb_field_name(const vonk_pb_schema *schema, int field)
{
    return schema->names + schema->fields[field].name;
}
const char *vonk_pb_oneof_name(const vonk_pb_schema *schema, int oneof)
{
    return schema->names + schema->oneofs[schema->types[oneof >> 8].first_oneof + (oneof & 0xff)].name;
}

const vonk_pb_msg *vonk_pb_map_find(const vonk_pb_msg *m, int field, vonk_str key)
{
    for (size_t i = vonk_pb_n(m, field); i-- > 0;) {
        const vonk_pb_msg *entry = vonk_pb_msg_at(m, field, i);
        if (vonk_str_eq(vonk_pb_str(entry, m->schema->types[entry->type].first_field), key)) return entry;
    }
    return NULL;
}

vonk_status vonk_pb_raw(const vonk_pb_msg *m, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    if (!m->raw.next) {
        *ret = m->raw.bytes;
        return VONK_OK;
    }
    size_t bytes = 0;
    char *joined = NULL;
    for (const vonk_pb_piece *p = &m->raw; p; p = p->next) bytes += p->bytes.len;
    VONK_TRY(vonk_arena_alloc(arena, bytes, &joined, err));
    *ret = (vonk_str){joined, bytes};
    for (const vonk_pb_piece *p = &m->raw; p; p = p->next) {
        if (p->bytes.len) memcpy(joined, p->bytes.data, p->bytes.len);
        joined += p->bytes.len;
    }
    return VONK_OK;
}
