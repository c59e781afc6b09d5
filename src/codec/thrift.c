#include "codec/thrift.h"

/* Types on the wire. */
enum {
    WIRE_STOP,
    WIRE_TRUE,
    WIRE_FALSE,
    WIRE_I8,
    WIRE_I16,
    WIRE_I32,
    WIRE_I64,
    WIRE_DOUBLE,
    WIRE_BINARY,
    WIRE_LIST,
    WIRE_SET,
    WIRE_MAP,
    WIRE_STRUCT,
    WIRE_UUID
};

static const uint8_t wire_of[] = {
    [VONK_THRIFT_BOOL] = WIRE_TRUE,     [VONK_THRIFT_I8] = WIRE_I8,         [VONK_THRIFT_I16] = WIRE_I16,
    [VONK_THRIFT_I32] = WIRE_I32,       [VONK_THRIFT_I64] = WIRE_I64,       [VONK_THRIFT_DOUBLE] = WIRE_DOUBLE,
    [VONK_THRIFT_BINARY] = WIRE_BINARY, [VONK_THRIFT_STRUCT] = WIRE_STRUCT, [VONK_THRIFT_LIST] = WIRE_LIST,
};
static const uint8_t size_of[] = {
    [VONK_THRIFT_BOOL] = sizeof(bool),       [VONK_THRIFT_I8] = sizeof(int8_t),   [VONK_THRIFT_I16] = sizeof(int16_t),
    [VONK_THRIFT_I32] = sizeof(int32_t),     [VONK_THRIFT_I64] = sizeof(int64_t), [VONK_THRIFT_DOUBLE] = sizeof(double),
    [VONK_THRIFT_BINARY] = sizeof(vonk_str),
};

typedef VONK_THRIFT_LIST(void) any_list;

typedef struct {
    vonk_arena *arena;
    vonk_cursor *in;
    int depth;
    vonk_error *err;
} reader;

static vonk_status read_struct(reader *r, const vonk_thrift_struct *what, void *into);
static vonk_status skip(reader *r, unsigned wire);

/* ---- reading */
vonk_status vonk_thrift_read(vonk_arena *arena, vonk_cursor *in, const vonk_thrift_struct *what, void *ret_struct,
                             vonk_error *err)
{
    reader r = {arena, in, 0, err};
    return read_struct(&r, what, ret_struct);
}

static vonk_status read_zigzag(reader *r, int64_t least, int64_t most, int64_t *ret)
{
    VONK_TRY(vonk_cursor_zigzag(r->in, ret, r->err));
    if (*ret < least || *ret > most) return vonk_cursor_fail(r->in, "a number does not fit its Thrift type", r->err);
    return VONK_OK;
}

static vonk_status read_binary(reader *r, vonk_str *ret)
{
    uint64_t bytes = 0;
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_varint(r->in, &bytes, r->err));
    if (bytes > vonk_cursor_left(r->in)) return vonk_cursor_fail(r->in, "a Thrift text is cut off", r->err);
    VONK_TRY(vonk_cursor_take(r->in, bytes, &at, r->err));
    *ret = (vonk_str){(const char *)at, bytes};
    return VONK_OK;
}

/* `wire` was already compared with the kind. A bool carries its value in the wire type, except as list element. */
static vonk_status read_value(reader *r, unsigned kind, unsigned wire, const vonk_thrift_struct *of, void *into)
{
    int64_t number = 0;
    uint64_t bits = 0;
    switch (kind) {
    case VONK_THRIFT_BOOL: *(bool *)into = wire == WIRE_TRUE; return VONK_OK;
    case VONK_THRIFT_I8: return vonk_cursor_u8(r->in, into, r->err);
    case VONK_THRIFT_I16:
        VONK_TRY(read_zigzag(r, INT16_MIN, INT16_MAX, &number));
        *(int16_t *)into = (int16_t)number;
        return VONK_OK;
    case VONK_THRIFT_I32:
        VONK_TRY(read_zigzag(r, INT32_MIN, INT32_MAX, &number));
        *(int32_t *)into = (int32_t)number;
        return VONK_OK;
    case VONK_THRIFT_I64: return read_zigzag(r, INT64_MIN, INT64_MAX, into);
    case VONK_THRIFT_DOUBLE:
        VONK_TRY(vonk_cursor_u64(r->in, &bits, r->err));
        memcpy(into, &bits, sizeof bits);
        return VONK_OK;
    case VONK_THRIFT_BINARY: return read_binary(r, into);
    default: return read_struct(r, of, into);
    }
}

static vonk_status read_list_head(reader *r, unsigned *ret_wire, size_t *ret_n)
{
    uint8_t head = 0;
    uint64_t n = 0;
    VONK_TRY(vonk_cursor_u8(r->in, &head, r->err));
    n = head >> 4;
    if (n == 15) VONK_TRY(vonk_cursor_varint(r->in, &n, r->err));
    if (n > vonk_cursor_left(r->in)) return vonk_cursor_fail(r->in, "a Thrift list is cut off", r->err);
    *ret_wire = head & 15;
    *ret_n = n;
    return VONK_OK;
}

/* Memory grows with what was really read, so that a lying count cannot ask for much. */
static vonk_status read_list(reader *r, const vonk_thrift_field *f, any_list *into)
{
    unsigned wire = 0, want = wire_of[f->each];
    size_t n = 0, capacity = 0, each = f->each == VONK_THRIFT_STRUCT ? f->of->bytes : size_of[f->each];
    VONK_TRY(read_list_head(r, &wire, &n));
    if (n > 0 && wire != want && !(f->each == VONK_THRIFT_BOOL && wire == WIRE_FALSE))
        return vonk_cursor_fail(r->in, VONK_F("a Thrift list has elements of type %u, not %u", wire, want), r->err);
    for (size_t i = 0; i < n; i++) {
        if (i == capacity) {
            size_t grown = vonk_min_size(n, capacity ? capacity * 2 : 64);
            void *at = NULL;
            VONK_TRY(vonk_arena_array(r->arena, grown, each, &at, r->err));
            if (i > 0) memcpy(at, into->at, i * each);
            into->at = at;
            capacity = grown;
        }
        uint8_t flag = 0;
        if (f->each == VONK_THRIFT_BOOL) VONK_TRY(vonk_cursor_u8(r->in, &flag, r->err));
        VONK_TRY(read_value(r, f->each, flag, f->of, (char *)into->at + i * each));
        into->n = i + 1;
    }
    return VONK_OK;
}

static vonk_status read_field_head(reader *r, int16_t *inout_id, unsigned *ret_wire)
{
    uint8_t head = 0;
    int64_t id = 0;
    VONK_TRY(vonk_cursor_u8(r->in, &head, r->err));
    *ret_wire = head & 15;
    if (*ret_wire == WIRE_STOP) return VONK_OK;
    if (head >> 4)
        id = *inout_id + (head >> 4);
    else
        VONK_TRY(read_zigzag(r, INT16_MIN, INT16_MAX, &id));
    if (id > INT16_MAX) return vonk_cursor_fail(r->in, "a Thrift field number is too large", r->err);
    *inout_id = (int16_t)id;
    return VONK_OK;
}

static const vonk_thrift_field *find_field(const vonk_thrift_struct *what, int16_t id, size_t *inout_from)
{
    for (size_t k = 0; k < what->n_fields; k++) { /* fields nearly always come in order */
        size_t i = *inout_from + k;
        if (i >= what->n_fields) i -= what->n_fields;
        if (what->fields[i].id == id) {
            *inout_from = i;
            return &what->fields[i];
        }
    }
    return NULL;
}

static vonk_status check_required(reader *r, const vonk_thrift_struct *what, uint32_t has)
{
    for (size_t i = 0; i < what->n_fields; i++) {
        if (what->fields[i].required && !(has >> i & 1))
            return vonk_cursor_fail(r->in, VONK_F("%s lacks field %d", what->name, what->fields[i].id), r->err);
    }
    return VONK_OK;
}

static vonk_status read_struct(reader *r, const vonk_thrift_struct *what, void *into)
{
    int16_t id = 0;
    size_t from = 0;
    uint32_t has = 0;
    memset(into, 0, what->bytes);
    if (++r->depth > VONK_THRIFT_MAX_DEPTH) return vonk_cursor_fail(r->in, "Thrift data is nested too deep", r->err);
    for (;;) {
        unsigned wire = WIRE_STOP;
        VONK_TRY(read_field_head(r, &id, &wire));
        if (wire == WIRE_STOP) break;
        const vonk_thrift_field *f = find_field(what, id, &from);
        if (!f) {
            VONK_TRY(skip(r, wire));
            continue;
        }
        if (wire != wire_of[f->kind] && !(f->kind == VONK_THRIFT_BOOL && wire == WIRE_FALSE))
            return vonk_cursor_fail(r->in, VONK_F("%s: field %d is of type %u", what->name, id, wire), r->err);
        char *to = (char *)into + f->offset;
        if (f->kind == VONK_THRIFT_LIST) {
            *(any_list *)(void *)to = (any_list){NULL, 0};
            VONK_TRY(read_list(r, f, (any_list *)(void *)to));
        } else {
            VONK_TRY(read_value(r, f->kind, wire, f->of, to));
        }
        has |= 1u << (f - what->fields);
    }
    memcpy(into, &has, sizeof has);
    r->depth--;
    return check_required(r, what, has);
}

static vonk_status skip_list(reader *r)
{
    unsigned wire = 0;
    size_t n = 0;
    uint8_t flag = 0;
    VONK_TRY(read_list_head(r, &wire, &n));
    for (size_t i = 0; i < n; i++) {
        if (wire == WIRE_TRUE || wire == WIRE_FALSE)
            VONK_TRY(vonk_cursor_u8(r->in, &flag, r->err));
        else
            VONK_TRY(skip(r, wire));
    }
    return VONK_OK;
}

static vonk_status skip_map(reader *r)
{
    uint64_t n = 0;
    uint8_t types = 0;
    VONK_TRY(vonk_cursor_varint(r->in, &n, r->err));
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_cursor_u8(r->in, &types, r->err));
    if (n > vonk_cursor_left(r->in)) return vonk_cursor_fail(r->in, "a Thrift map is cut off", r->err);
    for (uint64_t i = 0; i < 2 * n; i++) {
        unsigned wire = i & 1 ? types & 15u : types >> 4;
        uint8_t flag = 0;
        if (wire == WIRE_TRUE || wire == WIRE_FALSE)
            VONK_TRY(vonk_cursor_u8(r->in, &flag, r->err));
        else
            VONK_TRY(skip(r, wire));
    }
    return VONK_OK;
}

static vonk_status skip(reader *r, unsigned wire)
{
    static const vonk_thrift_struct nothing = {"unknown struct", NULL, 0, sizeof(uint32_t)};
    const uint8_t *bytes = NULL;
    int64_t number = 0;
    vonk_str text;
    uint32_t has = 0;
    vonk_status st = VONK_OK;
    switch (wire) {
    case WIRE_TRUE:
    case WIRE_FALSE: return VONK_OK;
    case WIRE_I8: return vonk_cursor_take(r->in, 1, &bytes, r->err);
    case WIRE_I16:
    case WIRE_I32:
    case WIRE_I64: return vonk_cursor_zigzag(r->in, &number, r->err);
    case WIRE_DOUBLE: return vonk_cursor_take(r->in, 8, &bytes, r->err);
    case WIRE_UUID: return vonk_cursor_take(r->in, 16, &bytes, r->err);
    case WIRE_BINARY: return read_binary(r, &text);
    case WIRE_STRUCT: return read_struct(r, &nothing, &has);
    case WIRE_LIST:
    case WIRE_SET:
    case WIRE_MAP:
        if (++r->depth > VONK_THRIFT_MAX_DEPTH)
            return vonk_cursor_fail(r->in, "Thrift data is nested too deep", r->err);
        st = wire == WIRE_MAP ? skip_map(r) : skip_list(r);
        r->depth--;
        return st;
    default: return vonk_cursor_fail(r->in, VONK_F("Thrift type %u does not exist", wire), r->err);
    }
}

/* ---- writing */
static vonk_status write_varint(vonk_buf *out, uint64_t x, vonk_error *err)
{
    char bytes[10];
    size_t n = 0;
    for (; x >= 0x80; x >>= 7) bytes[n++] = (char)(x | 0x80);
    bytes[n++] = (char)x;
    return vonk_buf_append(out, bytes, n, err);
}

static vonk_status write_zigzag(vonk_buf *out, int64_t x, vonk_error *err)
{
    return write_varint(out, ((uint64_t)x << 1) ^ (uint64_t)(x >> 63), err);
}

static vonk_status write_value(unsigned kind, const vonk_thrift_struct *of, const void *from, vonk_buf *out,
                               vonk_error *err)
{
    const vonk_str *text = from;
    switch (kind) {
    case VONK_THRIFT_BOOL:
        return vonk_buf_add_byte(out, *(const bool *)from ? WIRE_TRUE : WIRE_FALSE, err); /* in lists */
    case VONK_THRIFT_I8: return vonk_buf_append(out, from, 1, err);
    case VONK_THRIFT_I16: return write_zigzag(out, *(const int16_t *)from, err);
    case VONK_THRIFT_I32: return write_zigzag(out, *(const int32_t *)from, err);
    case VONK_THRIFT_I64: return write_zigzag(out, *(const int64_t *)from, err);
    case VONK_THRIFT_DOUBLE: return vonk_buf_append(out, from, 8, err);
    case VONK_THRIFT_BINARY:
        VONK_TRY(write_varint(out, text->len, err));
        return vonk_buf_append(out, text->data, text->len, err);
    default: return vonk_thrift_write(of, from, out, err);
    }
}

static vonk_status write_list(const vonk_thrift_field *f, const any_list *list, vonk_buf *out, vonk_error *err)
{
    size_t each = f->each == VONK_THRIFT_STRUCT ? f->of->bytes : size_of[f->each];
    VONK_TRY(vonk_buf_add_byte(out, (char)((list->n < 15 ? list->n : 15) << 4 | wire_of[f->each]), err));
    if (list->n >= 15) VONK_TRY(write_varint(out, list->n, err));
    for (size_t i = 0; i < list->n; i++)
        VONK_TRY(write_value(f->each, f->of, (const char *)list->at + i * each, out, err));
    return VONK_OK;
}

vonk_status vonk_thrift_write(const vonk_thrift_struct *what, const void *from_struct, vonk_buf *out, vonk_error *err)
{
    uint32_t has;
    int16_t last = 0;
    memcpy(&has, from_struct, sizeof has);
    for (size_t i = 0; i < what->n_fields; i++) {
        const vonk_thrift_field *f = &what->fields[i];
        const char *from = (const char *)from_struct + f->offset;
        unsigned wire = wire_of[f->kind];
        if (!(has >> i & 1)) continue;
        if (f->kind == VONK_THRIFT_BOOL && !*(const bool *)from) wire = WIRE_FALSE;
        int jump = f->id - last;
        if (jump > 0 && jump < 16) {
            VONK_TRY(vonk_buf_add_byte(out, (char)((unsigned)jump << 4 | wire), err));
        } else {
            VONK_TRY(vonk_buf_add_byte(out, (char)wire, err));
            VONK_TRY(write_zigzag(out, f->id, err));
        }
        last = f->id;
        if (f->kind == VONK_THRIFT_LIST)
            VONK_TRY(write_list(f, (const any_list *)(const void *)from, out, err));
        else if (f->kind != VONK_THRIFT_BOOL)
            VONK_TRY(write_value(f->kind, f->of, from, out, err));
    }
    return vonk_buf_add_byte(out, WIRE_STOP, err);
}
