/* Values of columns as instructions of a pickle. */
#include "base/bits.h"
#include "base/utf8.h"
#include "codec/pickle_int.h"
#include "text/date.h"
#include "text/number.h"
#include "text/zone.h"

typedef vonk__pickle_writer writer;
typedef vonk__pickle_cell cell;

#define KEYS_ON_STACK 24

/* ---- the output: a run of bytes that grows */
void vonk__pickle_sync(writer *w)
{
    if (w->at) w->out->len = (size_t)(w->at - w->out->data);
}

vonk_status vonk__pickle_room(writer *w, size_t bytes, vonk_error *err)
{
    if (VONK_LIKELY((size_t)(w->end - w->at) >= bytes)) return VONK_OK;
    vonk__pickle_sync(w);
    VONK_TRY(vonk_buf_reserve(w->out, bytes, err));
    w->at = w->out->data + w->out->len;
    w->end = w->out->data + w->out->capacity;
    return VONK_OK;
}

/* The functions below write into room that was made. */
static inline void op(writer *w, uint8_t code) { *w->at++ = (char)code; }

static inline void op_uint(writer *w, uint8_t code, uint64_t u, size_t width)
{
    op(w, code);
    memcpy(w->at, &u, 8); /* little-endian; room for 9 is always made */
    w->at += width;
}

static inline void get(writer *w, uint32_t memo)
{
    if (memo < 256)
        op_uint(w, OP_BINGET, memo, 1);
    else
        op_uint(w, OP_LONG_BINGET, memo, 4);
}

static inline void put_i64(writer *w, int64_t i)
{
    if (i >= 0 && i < 256) {
        op_uint(w, OP_BININT1, (uint64_t)i, 1);
    } else if (i >= 0 && i < 65536) {
        op_uint(w, OP_BININT2, (uint64_t)i, 2);
    } else if (i >= INT32_MIN && i <= INT32_MAX) {
        op_uint(w, OP_BININT, (uint64_t)i, 4);
    } else {
        op(w, OP_LONG1);
        op_uint(w, 8, (uint64_t)i, 8);
    }
}

static inline void put_f64(writer *w, double f)
{
    uint64_t bits;
    memcpy(&bits, &f, 8);
    op_uint(w, OP_BINFLOAT, __builtin_bswap64(bits), 8);
}

static inline vonk_status put_text(writer *w, uint8_t op_short, uint8_t op_long, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk__pickle_room(w, text.len + 16, err));
    if (text.len < 256)
        op_uint(w, op_short, text.len, 1);
    else
        op_uint(w, op_long, text.len, 4);
    if (text.len) memcpy(w->at, text.data, text.len);
    w->at += text.len;
    return VONK_OK;
}

static inline bool is_ascii(vonk_str s)
{
    uint64_t all = 0, word;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.data + i, 8);
        all |= word;
    }
    for (; i < s.len; i++) all |= (uint8_t)s.data[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* Python reads nothing but UTF-8; Spark's strings may hold other bytes, which Java shows as U+FFFD. */
vonk_status vonk__pickle_put_str(writer *w, vonk_str s, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf clean = {0};
    if (VONK_LIKELY(is_ascii(s) || vonk_utf8_valid(s))) return put_text(w, OP_SHORT_BINUNICODE, OP_BINUNICODE, s, err);
    vonk_buf_init(&clean, w->budget, UINT32_MAX);
    VONK_TRY(vonk_utf8_clean(s, &clean, err));
    return put_text(w, OP_SHORT_BINUNICODE, OP_BINUNICODE, vonk_buf_str(&clean), err);
}

static vonk_status put_bytes(writer *w, vonk_str s, vonk_error *err)
{
    return put_text(w, OP_SHORT_BINBYTES, OP_BINBYTES, s, err);
}

static vonk_status put_bytearray(writer *w, vonk_str s, vonk_error *err)
{
    VONK_TRY(vonk__pickle_room(w, s.len + 16, err));
    op_uint(w, OP_BYTEARRAY8, s.len, 8);
    if (s.len) memcpy(w->at, s.data, s.len);
    w->at += s.len;
    return VONK_OK;
}

/* ---- reading a FLAT column */
static inline bool is_null(const vonk_column *c, uint32_t row)
{
    return c->validity && !vonk_bit_get(c->validity, row);
}

static inline int64_t number(const vonk_column *c, uint32_t row)
{
    switch (c->type->storage) {
    case VONK_STORE_I8: return VONK_VALUES(c, int8_t)[row];
    case VONK_STORE_I16: return VONK_VALUES(c, int16_t)[row];
    case VONK_STORE_I32: return VONK_VALUES(c, int32_t)[row];
    default: return VONK_VALUES(c, int64_t)[row];
    }
}

static inline vonk_str text(const vonk_column *c, uint32_t row)
{
    return vonk_view_str(VONK_VALUES(c, vonk_view) + row, c->heaps);
}

static inline vonk_i128 wide(const vonk_column *c, uint32_t row)
{
    return c->type->storage == VONK_STORE_I128 ? VONK_VALUES(c, vonk_i128)[row] : VONK_VALUES(c, int64_t)[row];
}

/* ---- Python's own values: class (memo), bytes of its state, TUPLE1, REDUCE */
static void put_made(writer *w, const cell *c, const uint8_t *state, size_t n)
{
    get(w, c->memo);
    op_uint(w, OP_SHORT_BINBYTES, n, 1);
    memcpy(w->at, state, n);
    w->at += n;
    op(w, OP_TUPLE1);
    op(w, OP_REDUCE);
}

static void put_made3(writer *w, const cell *c, int64_t x, int64_t y, int64_t z)
{
    get(w, c->memo);
    put_i64(w, x);
    put_i64(w, y);
    put_i64(w, z);
    op(w, OP_TUPLE3);
    op(w, OP_REDUCE);
}

/* Out of Python's years the class is called with the numbers, so that Python raises its own error. */
static void put_date(writer *w, const cell *c, int64_t days)
{
    int64_t year;
    int month, day;
    vonk_civil_from_days(days, &year, &month, &day);
    if (year < 1 || year > 9999)
        put_made3(w, c, year, month, day);
    else
        put_made(w, c, (const uint8_t[]){(uint8_t)(year >> 8), (uint8_t)year, (uint8_t)month, (uint8_t)day}, 4);
}

static void put_datetime(writer *w, const cell *c, vonk_local local, bool fold)
{
    int64_t year, s = local.us / VONK_US_PER_SECOND, us = local.us % VONK_US_PER_SECOND;
    int month, day;
    vonk_civil_from_days(local.day, &year, &month, &day);
    if (year < 1 || year > 9999) {
        put_made3(w, c, year, month, day);
        return;
    }
    uint8_t state[10] = {(uint8_t)(year >> 8), (uint8_t)year,       (uint8_t)(month | fold << 7),
                         (uint8_t)day,         (uint8_t)(s / 3600), (uint8_t)(s / 60 % 60),
                         (uint8_t)(s % 60),    (uint8_t)(us >> 16), (uint8_t)(us >> 8),
                         (uint8_t)us};
    put_made(w, c, state, 10);
}

static void put_timestamp(writer *w, const cell *c, int64_t us)
{
    int32_t offset;
    bool fold = false;
    int64_t earlier;
    const vonk_local local = vonk_zone_to_local(w->zone, us, w->zone_cache);
    if (!vonk_zone_is_fixed(w->zone, &offset)) fold = vonk_zone_to_utc(w->zone, local, &earlier) && earlier != us;
    put_datetime(w, c, local, fold);
}

static void put_time(writer *w, const cell *c, int64_t nanos)
{
    int64_t us = nanos / 1000, s = us / 1000000;
    us %= 1000000;
    uint8_t state[6] = {(uint8_t)(s / 3600), (uint8_t)(s / 60 % 60), (uint8_t)(s % 60),
                        (uint8_t)(us >> 16), (uint8_t)(us >> 8),     (uint8_t)us};
    put_made(w, c, state, 6);
}

static void put_timedelta(writer *w, const cell *c, int64_t us)
{
    int64_t in_day = vonk_floor_mod(us, INT64_C(86400000000));
    put_made3(w, c, vonk_floor_div(us, INT64_C(86400000000)), in_day / 1000000, in_day % 1000000);
}

static vonk_status put_decimal(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    char digits[VONK_DEC_CHARS];
    size_t n = vonk_dec_to_text(wide(c->column, row), c->column->type->scale, digits);
    get(w, c->memo);
    VONK_TRY(put_text(w, OP_SHORT_BINUNICODE, OP_BINUNICODE, (vonk_str){digits, n}, err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_TUPLE1);
    op(w, OP_REDUCE);
    return VONK_OK;
}

static vonk_status put_key(writer *w, const char *key, vonk_error *err)
{
    return vonk__pickle_put_str(w, vonk_str_of(key), err);
}

/* The classes' own constructors: VariantVal(value, metadata), Geometry(wkb, srid). */
static vonk_status put_variant(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    get(w, c->memo);
    VONK_TRY(put_bytes(w, text(c->column->children[0], row), err));
    VONK_TRY(put_bytes(w, text(c->column->children[1], row), err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_TUPLE2);
    op(w, OP_REDUCE);
    return VONK_OK;
}

static void split_spatial(vonk_str stored, int32_t *ret_srid, vonk_str *ret_wkb)
{
    *ret_srid = 0;
    *ret_wkb = stored;
    if (stored.len < 4) return;
    memcpy(ret_srid, stored.data, 4);
    *ret_wkb = vonk_str_sub(stored, 4, stored.len);
}

static vonk_status put_spatial(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    int32_t srid;
    vonk_str wkb;
    split_spatial(text(c->column, row), &srid, &wkb);
    get(w, c->memo);
    VONK_TRY(put_bytes(w, wkb, err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    put_i64(w, srid);
    op(w, OP_TUPLE2);
    op(w, OP_REDUCE);
    return VONK_OK;
}

/* What Spark's pickler makes of its own classes: their bean's properties in a dict. */
static vonk_status put_bean(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    int32_t srid;
    vonk_str wkb;
    const char *name = "org.apache.spark.unsafe.types.CalendarInterval";
    op(w, OP_EMPTY_DICT);
    op(w, OP_MARK);
    if (c->op == CELL_VARIANT_DICT) {
        name = "org.apache.spark.unsafe.types.VariantVal";
        VONK_TRY(put_key(w, "metadata", err));
        VONK_TRY(put_bytearray(w, text(c->column->children[1], row), err));
        VONK_TRY(put_key(w, "value", err));
        VONK_TRY(put_bytearray(w, text(c->column->children[0], row), err));
    } else if (c->op == CELL_SPATIAL_DICT) {
        name = c->column->type->id == VONK_T_GEOMETRY ? "org.apache.spark.sql.types.Geometry"
                                                      : "org.apache.spark.sql.types.Geography";
        split_spatial(text(c->column, row), &srid, &wkb);
        VONK_TRY(put_key(w, "bytes", err));
        VONK_TRY(put_bytearray(w, wkb, err));
    }
    VONK_TRY(put_key(w, "__class__", err));
    VONK_TRY(put_key(w, name, err));
    if (c->op == CELL_SPATIAL_DICT) {
        VONK_TRY(put_key(w, "srid", err));
        VONK_TRY(vonk__pickle_room(w, 64, err));
        put_i64(w, srid);
    }
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_SETITEMS);
    return VONK_OK;
}

/* ---- nested values */
static vonk_status put_array(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    vonk_span span = VONK_VALUES(c->column, vonk_span)[row];
    op(w, OP_EMPTY_LIST);
    if (span.len == 0) return VONK_OK;
    op(w, OP_MARK);
    for (uint32_t i = 0; i < span.len; i++) VONK_TRY(vonk__pickle_cell_write(w, &c->children[0], span.offset + i, err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_APPENDS);
    return VONK_OK;
}

/* hashCode() of the object that Spark hands to its pickler; false: it depends on where the object lies. */
static bool java_hash(const cell *c, uint32_t row, int32_t *ret)
{
    const vonk_column *col = c->column;
    *ret = 0;
    if (is_null(col, row)) return true;
    switch (c->op) {
    case CELL_NULL: return true;
    case CELL_BOOL: *ret = vonk_bit_get(col->data, row) ? 1231 : 1237; return true;
    case CELL_F32: *ret = vonk__java_hash_f32(VONK_VALUES(col, float)[row]); return true;
    case CELL_F64: *ret = vonk__java_hash_f64(VONK_VALUES(col, double)[row]); return true;
    case CELL_DECIMAL: *ret = vonk__java_hash_decimal(wide(col, row), col->type->scale); return true;
    case CELL_STRING: *ret = vonk__java_hash_str(text(col, row)); return true;
    case CELL_ARRAY: {
        vonk_span span = VONK_VALUES(col, vonk_span)[row];
        uint32_t h = 1;
        for (uint32_t i = 0; i < span.len; i++) {
            int32_t e;
            if (!java_hash(&c->children[0], span.offset + i, &e)) return false;
            h = 31 * h + (uint32_t)e;
        }
        *ret = (int32_t)h;
        return true;
    }
    case CELL_I64:
    case CELL_DATE:
    case CELL_DATETIME:
    case CELL_DATETIME_NTZ:
    case CELL_TIME:
    case CELL_TIMEDELTA:
        *ret = col->type->storage == VONK_STORE_I64 ? vonk__java_hash_i64(number(col, row)) : (int32_t)number(col, row);
        return true;
    default: return false;
    }
}

static vonk_status put_entries(writer *w, const cell *c, vonk_span span, vonk__java_key *keys, vonk_error *err)
{
    bool ordered = true;
    for (uint32_t i = 0; i < span.len && ordered; i++) {
        keys[i].index = i;
        ordered = java_hash(&c->children[0], span.offset + i, &keys[i].hash);
    }
    if (ordered) vonk__java_map_order(keys, span.len, span.len);
    for (uint32_t i = 0; i < span.len; i++) {
        uint32_t at = span.offset + (ordered ? keys[i].index : i);
        VONK_TRY(vonk__pickle_cell_write(w, &c->children[0], at, err));
        VONK_TRY(vonk__pickle_cell_write(w, &c->children[1], at, err));
    }
    return VONK_OK;
}

static vonk_status put_map(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    vonk_span span = VONK_VALUES(c->column, vonk_span)[row];
    vonk__java_key few[2 * KEYS_ON_STACK], *keys = few;
    op(w, OP_EMPTY_DICT);
    if (span.len == 0) return VONK_OK;
    op(w, OP_MARK);
    if (span.len > KEYS_ON_STACK)
        VONK_TRY(vonk_alloc_array(w->budget, 2 * (size_t)span.len, sizeof(*keys), &keys, err));
    vonk_status st = put_entries(w, c, span, keys, err);
    if (keys != few) vonk_free(keys);
    VONK_TRY(st);
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_SETITEMS);
    return VONK_OK;
}

static vonk_status put_struct(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    static const uint8_t tuples[4] = {OP_EMPTY_TUPLE, OP_TUPLE1, OP_TUPLE2, OP_TUPLE3};
    if (c->op != CELL_TUPLE) get(w, c->memo);
    if (c->op == CELL_ROW) get(w, c->memo2);
    if (c->n_children > 3) op(w, OP_MARK);
    for (uint32_t i = 0; i < c->n_children; i++) VONK_TRY(vonk__pickle_cell_write(w, &c->children[i], row, err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, c->n_children > 3 ? OP_TUPLE : tuples[c->n_children]);
    if (c->op == CELL_ROW) op(w, OP_TUPLE2);
    if (c->op != CELL_TUPLE) op(w, OP_REDUCE);
    return VONK_OK;
}

static vonk_status put_value(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    const vonk_column *col = c->column;
    switch (c->op) {
    case CELL_NULL: op(w, OP_NONE); return VONK_OK;
    case CELL_BOOL: op(w, vonk_bit_get(col->data, row) ? OP_NEWTRUE : OP_NEWFALSE); return VONK_OK;
    case CELL_I64: put_i64(w, number(col, row)); return VONK_OK;
    case CELL_F32: put_f64(w, (double)VONK_VALUES(col, float)[row]); return VONK_OK;
    case CELL_F64: put_f64(w, VONK_VALUES(col, double)[row]); return VONK_OK;
    case CELL_DECIMAL: return put_decimal(w, c, row, err);
    case CELL_STRING: return vonk__pickle_put_str(w, text(col, row), err);
    case CELL_BINARY: return put_bytes(w, text(col, row), err);
    case CELL_BYTEARRAY: return put_bytearray(w, text(col, row), err);
    case CELL_DATE: put_date(w, c, number(col, row)); return VONK_OK;
    case CELL_DATETIME: put_timestamp(w, c, number(col, row)); return VONK_OK;
    case CELL_DATETIME_NTZ: put_datetime(w, c, vonk_local_of_us(number(col, row)), false); return VONK_OK;
    case CELL_TIME: put_time(w, c, number(col, row)); return VONK_OK;
    case CELL_TIMEDELTA: put_timedelta(w, c, number(col, row)); return VONK_OK;
    case CELL_VARIANT: return put_variant(w, c, row, err);
    case CELL_SPATIAL: return put_spatial(w, c, row, err);
    case CELL_VARIANT_DICT:
    case CELL_SPATIAL_DICT:
    case CELL_INTERVAL_DICT: return put_bean(w, c, row, err);
    case CELL_ARRAY: return put_array(w, c, row, err);
    case CELL_MAP: return put_map(w, c, row, err);
    default: return put_struct(w, c, row, err);
    }
}

vonk_status vonk__pickle_cell_write(writer *w, const cell *c, uint32_t row, vonk_error *err)
{
    VONK_TRY(vonk__pickle_room(w, 96, err)); /* for any value without texts and children */
    if (is_null(c->column, row)) {
        op(w, OP_NONE);
        return VONK_OK;
    }
    if (VONK_LIKELY(!c->wrapped)) return put_value(w, c, row, err);
    get(w, c->wrapper);
    VONK_TRY(put_value(w, c, row, err));
    VONK_TRY(vonk__pickle_room(w, 64, err));
    op(w, OP_TUPLE1);
    op(w, OP_REDUCE);
    return VONK_OK;
}
