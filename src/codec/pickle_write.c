#include "codec/pickle_int.h"

typedef vonk_pickle_value value;

static vonk_status put(vonk_buf *out, const void *bytes, size_t n, vonk_error *err)
{
    return vonk_buf_append(out, bytes, n, err);
}

static vonk_status put_op(vonk_buf *out, uint8_t op, vonk_error *err) { return vonk_buf_add_byte(out, (char)op, err); }

/* An instruction with a little-endian number behind it. */
static vonk_status put_sized(vonk_buf *out, uint8_t op, uint64_t u, size_t width, vonk_error *err)
{
    uint8_t b[9] = {op};
    for (size_t i = 0; i < width; i++) b[1 + i] = (uint8_t)(u >> (8 * i));
    return put(out, b, 1 + width, err);
}

static vonk_status write_i64(vonk_buf *out, int64_t i, vonk_error *err)
{
    if (i >= 0 && i < 256) return put_sized(out, OP_BININT1, (uint64_t)i, 1, err);
    if (i >= 0 && i < 65536) return put_sized(out, OP_BININT2, (uint64_t)i, 2, err);
    if (i >= INT32_MIN && i <= INT32_MAX) return put_sized(out, OP_BININT, (uint64_t)i, 4, err);
    uint64_t u = (uint64_t)i;
    VONK_TRY(put_sized(out, OP_LONG1, 8, 1, err));
    return put(out, &u, 8, err);
}

static vonk_status write_long(vonk_buf *out, vonk_str text, vonk_error *err)
{
    if (text.len > UINT32_MAX / 2) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "pickle: too long a number");
    VONK_TRY(text.len < 256 ? put_sized(out, OP_LONG1, text.len, 1, err) : put_sized(out, OP_LONG4, text.len, 4, err));
    return put(out, text.data, text.len, err);
}

static vonk_status write_f64(vonk_buf *out, double f, vonk_error *err)
{
    uint64_t bits;
    memcpy(&bits, &f, 8);
    return put_sized(out, OP_BINFLOAT, __builtin_bswap64(bits), 8, err);
}

static vonk_status write_text(vonk_buf *out, const uint8_t ops[3], vonk_str text, vonk_error *err)
{
    if (text.len < 256)
        VONK_TRY(put_sized(out, ops[0], text.len, 1, err));
    else if (text.len <= UINT32_MAX)
        VONK_TRY(put_sized(out, ops[1], text.len, 4, err));
    else
        VONK_TRY(put_sized(out, ops[2], text.len, 8, err));
    return put(out, text.data, text.len, err);
}

static vonk_status write_string(vonk_buf *out, vonk_str text, vonk_error *err)
{
    return write_text(out, (const uint8_t[]){OP_SHORT_BINUNICODE, OP_BINUNICODE, OP_BINUNICODE8}, text, err);
}

static vonk_status write_bytes(vonk_buf *out, vonk_str text, vonk_error *err)
{
    return write_text(out, (const uint8_t[]){OP_SHORT_BINBYTES, OP_BINBYTES, OP_BINBYTES8}, text, err);
}

static vonk_status write_name(vonk_buf *out, vonk_str name, size_t module_bytes, vonk_error *err)
{
    for (size_t i = name.len; module_bytes == 0 && i-- > 0;)
        if (name.data[i] == '.') module_bytes = i;
    if (module_bytes == 0 || module_bytes >= name.len || name.data[module_bytes] != '.')
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("pickle: no class: %.100s", VONK_S(name)));
    VONK_TRY(write_string(out, vonk_str_sub(name, 0, module_bytes), err));
    VONK_TRY(write_string(out, vonk_str_sub(name, module_bytes + 1, name.len), err));
    return put_op(out, OP_STACK_GLOBAL, err);
}

static vonk_status write_bytearray(vonk_buf *out, vonk_str text, vonk_error *err)
{
    VONK_TRY(write_name(out, VONK_STR("builtins.bytearray"), 0, err));
    VONK_TRY(write_bytes(out, text, err));
    VONK_TRY(put_op(out, OP_TUPLE1, err));
    return put_op(out, OP_REDUCE, err);
}

static vonk_status write_value(vonk_buf *out, const value *v, unsigned depth, vonk_error *err);

static vonk_status write_items(vonk_buf *out, const value *v, unsigned depth, uint8_t op, vonk_error *err)
{
    VONK_TRY(put_op(out, OP_MARK, err));
    for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(write_value(out, v->items[i], depth, err));
    return put_op(out, op, err);
}

static vonk_status write_tuple(vonk_buf *out, const value *v, unsigned depth, vonk_error *err)
{
    static const uint8_t ops[4] = {OP_EMPTY_TUPLE, OP_TUPLE1, OP_TUPLE2, OP_TUPLE3};
    if (v->n_items > 3) return write_items(out, v, depth, OP_TUPLE, err);
    for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(write_value(out, v->items[i], depth, err));
    return put_op(out, ops[v->n_items], err);
}

static vonk_status write_object(vonk_buf *out, const value *v, unsigned depth, vonk_error *err)
{
    bool more = v->n_items == 6;
    bool named = more && v->items[5]->kind == VONK_PICKLE_DICT && v->items[5]->n_items;
    if ((v->n_items != 3 && !more) || v->items[1]->kind != VONK_PICKLE_TUPLE || (named && !v->by_new))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "pickle: an object of no known form");
    VONK_TRY(write_value(out, v->items[0], depth, err));
    VONK_TRY(write_value(out, v->items[1], depth, err));
    if (named) VONK_TRY(write_value(out, v->items[5], depth, err));
    VONK_TRY(put_op(out, named ? OP_NEWOBJ_EX : v->by_new ? OP_NEWOBJ : OP_REDUCE, err));
    if (more && v->items[3]->n_items) VONK_TRY(write_items(out, v->items[3], depth + 1, OP_APPENDS, err));
    if (more && v->items[4]->n_items) VONK_TRY(write_items(out, v->items[4], depth + 1, OP_SETITEMS, err));
    if (v->items[2]->kind == VONK_PICKLE_NONE) return VONK_OK;
    VONK_TRY(write_value(out, v->items[2], depth, err));
    return put_op(out, OP_BUILD, err);
}

static vonk_status write_box(vonk_buf *out, const value *v, unsigned depth, vonk_error *err)
{
    switch (v->kind) {
    case VONK_PICKLE_TUPLE: return write_tuple(out, v, depth, err);
    case VONK_PICKLE_FROZENSET: return write_items(out, v, depth, OP_FROZENSET, err);
    case VONK_PICKLE_OBJECT: return write_object(out, v, depth, err);
    case VONK_PICKLE_LIST:
        VONK_TRY(put_op(out, OP_EMPTY_LIST, err));
        return v->n_items ? write_items(out, v, depth, OP_APPENDS, err) : VONK_OK;
    case VONK_PICKLE_SET:
        VONK_TRY(put_op(out, OP_EMPTY_SET, err));
        return v->n_items ? write_items(out, v, depth, OP_ADDITEMS, err) : VONK_OK;
    default:
        assert(v->kind == VONK_PICKLE_DICT && v->n_items % 2 == 0);
        VONK_TRY(put_op(out, OP_EMPTY_DICT, err));
        return v->n_items ? write_items(out, v, depth, OP_SETITEMS, err) : VONK_OK;
    }
}

static vonk_status write_value(vonk_buf *out, const value *v, unsigned depth, vonk_error *err)
{
    switch (v->kind) {
    case VONK_PICKLE_NONE: return put_op(out, OP_NONE, err);
    case VONK_PICKLE_BOOL: return put_op(out, v->i ? OP_NEWTRUE : OP_NEWFALSE, err);
    case VONK_PICKLE_INT: return write_i64(out, v->i, err);
    case VONK_PICKLE_LONG: return write_long(out, v->text, err);
    case VONK_PICKLE_FLOAT: return write_f64(out, v->f, err);
    case VONK_PICKLE_STRING: return write_string(out, v->text, err);
    case VONK_PICKLE_BYTES: return write_bytes(out, v->text, err);
    case VONK_PICKLE_BYTEARRAY: return write_bytearray(out, v->text, err);
    case VONK_PICKLE_GLOBAL: return write_name(out, v->text, v->n_items, err);
    default:
        if (depth >= VONK_PICKLE_MAX_DEPTH) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "pickle: too deep");
        return write_box(out, v, depth + 1, err);
    }
}

vonk_status vonk_pickle_write(const value *v, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(put_sized(out, OP_PROTO, 4, 1, err));
    VONK_TRY(write_value(out, v, 0, err));
    return put_op(out, OP_STOP, err);
}
