/* codec/writable.c -- Hadoop's Writables and Python's values. */
#include "codec/writable.h"

#include "codec/sequence.h"
#include "text/number.h"

enum { MOST_DEPTH = 100 };

typedef enum kind {
    W_INT,
    W_LONG,
    W_FLOAT,
    W_DOUBLE,
    W_BOOLEAN,
    W_TEXT,
    W_BYTES,
    W_NULL,
    W_MAP,
    W_ARRAY,
    W_VINT,
    W_VLONG,
    W_SHORT,
    W_BYTE,
    W_UNKNOWN
} kind;

/* Ids are those that a MapWritable knows without being told; 0: it must be told the name. */
static const struct {
    const char *name;
    int id;
} classes[] = {
    [W_INT] = {VONK_WRITABLE "IntWritable", -123},         [W_LONG] = {VONK_WRITABLE "LongWritable", -122},
    [W_FLOAT] = {VONK_WRITABLE "FloatWritable", -124},     [W_DOUBLE] = {VONK_WRITABLE "DoubleWritable", 0},
    [W_BOOLEAN] = {VONK_WRITABLE "BooleanWritable", -126}, [W_TEXT] = {VONK_WRITABLE "Text", -116},
    [W_BYTES] = {VONK_WRITABLE "BytesWritable", -125},     [W_NULL] = {VONK_WRITABLE "NullWritable", -119},
    [W_MAP] = {VONK_WRITABLE "MapWritable", -121},         [W_ARRAY] = {VONK_WRITABLE "ArrayWritable", -127},
    [W_VINT] = {VONK_WRITABLE "VIntWritable", -114},       [W_VLONG] = {VONK_WRITABLE "VLongWritable", -113},
    [W_SHORT] = {VONK_WRITABLE "ShortWritable", 0},        [W_BYTE] = {VONK_WRITABLE "ByteWritable", 0},
};

static kind kind_named(vonk_str name)
{
    for (int i = 0; i < W_UNKNOWN; i++)
        if (vonk_str_is(name, classes[i].name)) return (kind)i;
    return W_UNKNOWN;
}

static kind kind_of(const vonk_pickle_value *v)
{
    switch (v->kind) {
    case VONK_PICKLE_NONE: return W_NULL;
    case VONK_PICKLE_BOOL: return W_BOOLEAN;
    case VONK_PICKLE_INT: return v->i == (int32_t)v->i ? W_INT : W_LONG;
    case VONK_PICKLE_FLOAT: return W_DOUBLE;
    case VONK_PICKLE_STRING: return W_TEXT;
    case VONK_PICKLE_BYTES:
    case VONK_PICKLE_BYTEARRAY: return W_BYTES;
    case VONK_PICKLE_DICT: return W_MAP;
    case VONK_PICKLE_TUPLE: return W_ARRAY;
    default: return W_UNKNOWN;
    }
}

static vonk_status need_kind(const vonk_pickle_value *v, kind *ret, vonk_error *err)
{
    *ret = kind_of(v);
    if (*ret != W_UNKNOWN) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     v->kind == VONK_PICKLE_LIST   ? "a list as a Writable"
                     : v->kind == VONK_PICKLE_LONG ? "an int of more than 64 bits as a Writable"
                                                   : "such an object as a Writable");
}

vonk_status vonk_writable_class(const vonk_pickle_value *v, const char **ret, vonk_error *err)
{
    kind k;
    VONK_TRY(need_kind(v, &k, err));
    *ret = classes[k].name;
    return VONK_OK;
}

/* ---- writing */

static vonk_status put_be(vonk_buf *out, uint64_t x, int bytes, vonk_error *err)
{
    for (int i = bytes - 1; i >= 0; i--) VONK_TRY(vonk_buf_add_byte(out, (char)(x >> 8 * i), err));
    return VONK_OK;
}

static vonk_status write_value(const vonk_pickle_value *v, int depth, vonk_buf *out, vonk_error *err);

/* New classes with their ids, then the entries. Of all classes only DoubleWritable can be new. */
static vonk_status write_map(const vonk_pickle_value *v, int depth, vonk_buf *out, vonk_error *err)
{
    bool has_double = false;
    for (uint32_t i = 0; i < v->n_items; i++) has_double |= kind_of(v->items[i]) == W_DOUBLE;
    VONK_TRY(vonk_buf_add_byte(out, has_double, err));
    if (has_double) {
        VONK_TRY(vonk_buf_add_byte(out, 1, err));
        VONK_TRY(put_be(out, strlen(classes[W_DOUBLE].name), 2, err));
        VONK_TRY(vonk_buf_add_c(out, classes[W_DOUBLE].name, err));
    }
    VONK_TRY(put_be(out, v->n_items / 2, 4, err));
    for (uint32_t i = 0; i < v->n_items; i++) {
        kind k;
        VONK_TRY(need_kind(v->items[i], &k, err));
        VONK_TRY(vonk_buf_add_byte(out, (char)(k == W_DOUBLE ? 1 : classes[k].id), err));
        VONK_TRY(write_value(v->items[i], depth + 1, out, err));
    }
    return VONK_OK;
}

static vonk_status write_value(const vonk_pickle_value *v, int depth, vonk_buf *out, vonk_error *err)
{
    kind k;
    uint64_t bits = 0;
    VONK_TRY(need_kind(v, &k, err));
    if (depth > MOST_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "maps in maps a hundred deep as Writables");
    switch (k) {
    case W_INT: return put_be(out, (uint64_t)v->i, 4, err);
    case W_LONG: return put_be(out, (uint64_t)v->i, 8, err);
    case W_BOOLEAN: return vonk_buf_add_byte(out, v->i != 0, err);
    case W_DOUBLE: memcpy(&bits, &v->f, sizeof bits); return put_be(out, bits, 8, err);
    case W_TEXT:
        VONK_TRY(vonk_hadoop_put_vint(out, (int64_t)v->text.len, err));
        return vonk_buf_add_str(out, v->text, err);
    case W_BYTES: VONK_TRY(put_be(out, v->text.len, 4, err)); return vonk_buf_add_str(out, v->text, err);
    case W_MAP: return write_map(v, depth, out, err);
    case W_ARRAY:
        VONK_TRY(put_be(out, v->n_items, 4, err));
        for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(write_value(v->items[i], depth + 1, out, err));
        return VONK_OK;
    default: return VONK_OK; /* null has no bytes */
    }
}
vonk_status vonk_writable_write(const vonk_pickle_value *v, vonk_buf *out, vonk_error *err)
{
    return write_value(v, 0, out, err);
}

/* ---- texts */

static vonk_status text_of(const vonk_pickle_value *v, int depth, vonk_buf *out, vonk_error *err)
{
    kind k;
    char digits[VONK_F64_CHARS];
    VONK_TRY(need_kind(v, &k, err));
    if (depth > MOST_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "maps in maps a hundred deep as Writables");
    switch (k) {
    case W_INT:
    case W_LONG: return vonk_buf_printf(out, err, "%lld", (long long)v->i);
    case W_BOOLEAN: return vonk_buf_add_c(out, v->i ? "true" : "false", err);
    case W_DOUBLE: return vonk_buf_append(out, digits, vonk_f64_to_text(v->f, digits), err);
    case W_TEXT: return vonk_buf_add_str(out, v->text, err);
    case W_BYTES:
        for (size_t i = 0; i < v->text.len; i++)
            VONK_TRY(vonk_buf_printf(out, err, "%s%02x", i ? " " : "", (uint8_t)v->text.data[i]));
        return VONK_OK;
    case W_MAP:
        VONK_TRY(vonk_buf_add_byte(out, '{', err));
        for (uint32_t i = 0; i < v->n_items; i++) {
            VONK_TRY(vonk_buf_add_c(out, i % 2 ? "=" : i ? ", " : "", err));
            VONK_TRY(text_of(v->items[i], depth + 1, out, err));
        }
        return vonk_buf_add_byte(out, '}', err);
    case W_ARRAY:
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "an ArrayWritable in a text file: it has no text");
    default: return vonk_buf_add_c(out, "(null)", err);
    }
}
vonk_status vonk_writable_text(const vonk_pickle_value *v, vonk_buf *out, vonk_error *err)
{
    return text_of(v, 0, out, err);
}

/* ---- reading */

static vonk_status take_be(vonk_cursor *in, int bytes, uint64_t *ret, vonk_error *err)
{
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_take(in, (size_t)bytes, &at, err));
    *ret = 0;
    for (int i = 0; i < bytes; i++) *ret = *ret << 8 | at[i];
    return VONK_OK;
}

static vonk_status take_text(vonk_cursor *in, int64_t n, vonk_pickle_kind as, vonk_arena *arena, vonk_pickle_value *v,
                             vonk_error *err)
{
    const uint8_t *at = NULL;
    if (n < 0) return vonk_cursor_fail(in, "a Writable's length is none", err);
    VONK_TRY(vonk_cursor_take(in, (size_t)n, &at, err));
    v->kind = as;
    return vonk_arena_str(arena, (vonk_str){(const char *)at, (size_t)n}, &v->text, err);
}

static vonk_status number_text(int64_t x, vonk_arena *arena, vonk_pickle_value *v, vonk_error *err)
{
    v->kind = VONK_PICKLE_STRING;
    return vonk_arena_printf(arena, &v->text, err, "%lld", (long long)x);
}

static vonk_status read_value(kind k, int depth, vonk_cursor *in, vonk_arena *arena, const vonk_pickle_value **ret,
                              vonk_error *err);

static vonk_status read_map(int depth, vonk_cursor *in, vonk_arena *arena, vonk_pickle_value *v, vonk_error *err)
{
    kind told[128] = {0};
    uint64_t n_new = 0, n = 0, id = 0, len = 0;
    const uint8_t *at = NULL;
    VONK_TRY(take_be(in, 1, &n_new, err));
    for (uint64_t i = 0; i < n_new; i++) {
        VONK_TRY(take_be(in, 1, &id, err));
        VONK_TRY(take_be(in, 2, &len, err));
        VONK_TRY(vonk_cursor_take(in, (size_t)len, &at, err));
        const vonk_str name = {(const char *)at, (size_t)len};
        const kind k = kind_named(name);
        if (id >= 128) return vonk_cursor_fail(in, "a MapWritable's class has no such id", err);
        if (k == W_UNKNOWN)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the class %.*s", VONK_STR_ARGS(name)));
        told[id] = k;
    }
    VONK_TRY(take_be(in, 4, &n, err));
    if (n > vonk_cursor_left(in)) return vonk_cursor_fail(in, "a MapWritable is cut off", err);
    v->kind = VONK_PICKLE_DICT;
    v->n_items = (uint32_t)(2 * n);
    VONK_TRY(vonk_arena_array(arena, v->n_items, sizeof(void *), &v->items, err));
    for (uint32_t i = 0; i < v->n_items; i++) {
        kind k = W_UNKNOWN;
        VONK_TRY(take_be(in, 1, &id, err));
        if (id > 0 && id < 128) k = told[id];
        for (int c = 0; id >= 128 && c < W_UNKNOWN; c++)
            if (classes[c].id == (int8_t)id) k = (kind)c;
        VONK_TRY(read_value(k, depth + 1, in, arena, &v->items[i], err));
    }
    return VONK_OK;
}

static vonk_status read_value(kind k, int depth, vonk_cursor *in, vonk_arena *arena, const vonk_pickle_value **ret,
                              vonk_error *err)
{
    vonk_pickle_value *v = NULL;
    uint64_t x = 0;
    int64_t n = 0;
    float single;
    uint32_t bits;
    if (depth > MOST_DEPTH) return vonk_cursor_fail(in, "maps in maps a hundred deep", err);
    VONK_TRY(VONK_ARENA_NEW(arena, &v, err));
    *ret = v;
    v->kind = VONK_PICKLE_NONE;
    switch (k) {
    case W_NULL: return VONK_OK;
    case W_INT:
        VONK_TRY(take_be(in, 4, &x, err));
        v->kind = VONK_PICKLE_INT;
        v->i = (int32_t)x;
        return VONK_OK;
    case W_LONG:
        VONK_TRY(take_be(in, 8, &x, err));
        v->kind = VONK_PICKLE_INT;
        v->i = (int64_t)x;
        return VONK_OK;
    case W_FLOAT:
        VONK_TRY(take_be(in, 4, &x, err));
        bits = (uint32_t)x;
        memcpy(&single, &bits, sizeof single);
        v->kind = VONK_PICKLE_FLOAT;
        v->f = (double)single;
        return VONK_OK;
    case W_DOUBLE:
        VONK_TRY(take_be(in, 8, &x, err));
        v->kind = VONK_PICKLE_FLOAT;
        memcpy(&v->f, &x, sizeof v->f);
        return VONK_OK;
    case W_BOOLEAN:
        VONK_TRY(take_be(in, 1, &x, err));
        v->kind = VONK_PICKLE_BOOL;
        v->i = x != 0;
        return VONK_OK;
    case W_TEXT: VONK_TRY(vonk_hadoop_vint(in, &n, err)); return take_text(in, n, VONK_PICKLE_STRING, arena, v, err);
    case W_BYTES:
        VONK_TRY(take_be(in, 4, &x, err));
        return take_text(in, (int32_t)x, VONK_PICKLE_BYTEARRAY, arena, v, err);
    case W_MAP: return read_map(depth, in, arena, v, err);
    case W_VINT:
    case W_VLONG: VONK_TRY(vonk_hadoop_vint(in, &n, err)); return number_text(n, arena, v, err);
    case W_SHORT: VONK_TRY(take_be(in, 2, &x, err)); return number_text((int16_t)x, arena, v, err);
    case W_BYTE: VONK_TRY(take_be(in, 1, &x, err)); return number_text((int8_t)x, arena, v, err);
    case W_ARRAY:
    case W_UNKNOWN: break;
    }
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     k == W_ARRAY ? "reading an ArrayWritable, which does not say the class of its elements"
                                  : "a MapWritable with such a class in it");
}

vonk_status vonk_writable_read(vonk_str name, vonk_cursor *in, vonk_arena *arena, const vonk_pickle_value **ret,
                               vonk_error *err)
{
    const kind k = kind_named(name);
    if (k == W_UNKNOWN)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the Writable class %.*s", VONK_STR_ARGS(name)));
    return read_value(k, 0, in, arena, ret, err);
}
