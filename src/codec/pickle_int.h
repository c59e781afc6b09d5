/* codec/pickle_int.h -- what the pickle files share: opcodes, values while they are being made, Java's ways. */
#ifndef VONK_CODEC_PICKLE_INT_H
#define VONK_CODEC_PICKLE_INT_H

#include "base/vec.h"
#include "codec/pickle.h"

/* Opcodes by pickletools' names. */
enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_FLOAT = 'F',
    OP_INT = 'I',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_LONG = 'L',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_PERSID = 'P',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_STRING = 'S',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_UNICODE = 'V',
    OP_BINUNICODE = 'X',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_DICT = 'd',
    OP_EMPTY_DICT = '}',
    OP_APPENDS = 'e',
    OP_GET = 'g',
    OP_BINGET = 'h',
    OP_INST = 'i',
    OP_LONG_BINGET = 'j',
    OP_LIST = 'l',
    OP_EMPTY_LIST = ']',
    OP_OBJ = 'o',
    OP_PUT = 'p',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_EMPTY_TUPLE = ')',
    OP_SETITEMS = 'u',
    OP_BINFLOAT = 'G',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_EXT1 = 0x82,
    OP_EXT2 = 0x83,
    OP_EXT4 = 0x84,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_NEWOBJ_EX = 0x92,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
    OP_BYTEARRAY8 = 0x96,
    OP_NEXT_BUFFER = 0x97,
    OP_READONLY_BUFFER = 0x98
};

/* A value with items, while it is made. Others are a bare vonk_pickle_value. */
typedef struct vonk__pickle_box {
    vonk_pickle_value v;
    uint32_t depth, capacity; /* 1: no boxes inside; of items */
    uint64_t size;            /* values in it, itself included */
    bool held;                /* something else holds it: changing it may close a circle */
    uint8_t seen;             /* vonk__pickle_check: 1 being walked, 2 done */
} vonk__pickle_box;

static inline bool vonk__pickle_is_box(const vonk_pickle_value *v) { return v->kind >= VONK_PICKLE_LIST; }

typedef struct vonk__pickle_reader {
    const uint8_t *begin, *at, *end, *op_at;
    vonk_arena *arena;
    vonk_budget *budget; /* of stack, marks and memo */
    VONK_VEC(vonk_pickle_value *) stack;
    VONK_VEC(uint32_t) marks; /* stack heights */
    vonk_pickle_value **memo;
    size_t memo_capacity, memo_next;
    char *slab; /* rest of a piece of the arena */
    size_t slab_left, slab_bytes;
    int protocol;
    bool check; /* something that was held has changed: look for circles at the end */
} vonk__pickle_reader;

/* Raises INTERNAL_ERROR with the place of the current opcode. */
vonk_status vonk__pickle_raise(const vonk__pickle_reader *r, const char *what, vonk_error *err);
static inline vonk_status vonk__pickle_fail(const vonk__pickle_reader *r, const char *what, vonk_error *err)
{
    return vonk_raised(vonk__pickle_raise(r, what, err));
}
vonk_status vonk__pickle_alloc(vonk__pickle_reader *r, size_t bytes, void *ret, vonk_error *err);
vonk_status vonk__pickle_box_new(vonk__pickle_reader *r, vonk_pickle_kind kind, uint32_t capacity,
                                 vonk__pickle_box **ret, vonk_error *err);
/* Appends n items to a box. */
vonk_status vonk__pickle_extend(vonk__pickle_reader *r, vonk__pickle_box *box, vonk_pickle_value *const *items,
                                size_t n, vonk_error *err);
/* Integers from two's complement bytes: INT or, if it does not fit, LONG with the shortest form. */
void vonk__pickle_long(const uint8_t *bytes, size_t n, vonk_pickle_value *ret);
/* What the text opcodes of protocol 0 (and Python 2's strings) say; *ret is filled. */
vonk_status vonk__pickle_text_op(vonk__pickle_reader *r, uint8_t op, vonk_pickle_value *ret, vonk_error *err);
/* A call: what it means where it is one of the few known ones, else an OBJECT. */
vonk_status vonk__pickle_call(vonk__pickle_reader *r, vonk_pickle_value *maker, vonk_pickle_value *args, bool by_new,
                              vonk_pickle_value **ret, vonk_error *err);
/* No value inside itself, none too deep, not too many. */
vonk_status vonk__pickle_check(vonk__pickle_reader *r, vonk_pickle_value *root, vonk_error *err);

/* ---- rows being written: a tree of cells, made once per batch */
typedef enum vonk__pickle_cell_op {
    CELL_NULL,
    CELL_BOOL,
    CELL_I64, /* any integer storage, and whatever is sent as its number */
    CELL_F32,
    CELL_F64,
    CELL_DECIMAL,
    CELL_STRING,
    CELL_BINARY,
    CELL_BYTEARRAY,
    CELL_DATE, /* from here on: Python's own values */
    CELL_DATETIME,
    CELL_DATETIME_NTZ,
    CELL_TIME,
    CELL_TIMEDELTA,
    CELL_VARIANT,
    CELL_SPATIAL,
    CELL_VARIANT_DICT, /* as Spark sends them: what a JavaBean has */
    CELL_SPATIAL_DICT,
    CELL_INTERVAL_DICT,
    CELL_ARRAY,
    CELL_MAP,
    CELL_TUPLE,
    CELL_CONVERTED, /* a tuple through a converter, memo */
    CELL_ROW        /* _create_row(memo2, a tuple) */
} vonk__pickle_cell_op;

typedef struct vonk__pickle_cell {
    vonk__pickle_cell_op op;
    uint32_t memo, memo2; /* what the value is made with: a class or a function; see op */
    bool wrapped;         /* UDT: the value goes through what `wrapper` remembers */
    uint32_t wrapper, n_children;
    const vonk_column *column; /* FLAT */
    struct vonk__pickle_cell *children;
} vonk__pickle_cell;

typedef struct vonk__pickle_writer {
    char *at, *end; /* room in out; out->len is right only after vonk__pickle_sync */
    vonk_buf *out;
    vonk_budget *budget;
    uint32_t n_memo;
    const struct vonk_zone *zone;
    struct vonk_zone_cache *zone_cache;
} vonk__pickle_writer;

vonk_status vonk__pickle_cell_write(vonk__pickle_writer *w, const vonk__pickle_cell *cell, uint32_t row,
                                    vonk_error *err);
vonk_status vonk__pickle_room(vonk__pickle_writer *w, size_t bytes, vonk_error *err);
vonk_status vonk__pickle_put_str(vonk__pickle_writer *w, vonk_str utf8, vonk_error *err);
void vonk__pickle_sync(vonk__pickle_writer *w);

/* ---- order of a java.util.HashMap: order[k] = index of the k-th key that an iteration gives. */
typedef struct vonk__java_key {
    int32_t hash;
    uint32_t index;
} vonk__java_key;
int32_t vonk__java_hash_str(vonk_str utf8);
int32_t vonk__java_hash_i64(int64_t value);
int32_t vonk__java_hash_f64(double value);
int32_t vonk__java_hash_f32(float value);
int32_t vonk__java_hash_decimal(vonk_i128 unscaled, int scale);
/* Sorts keys[n] (index 0, 1, ... in order of insertion) into the order of iteration of a map made with room for
 * `expected` entries (16: Java's default). keys[n..2n) is scratch. */
void vonk__java_map_order(vonk__java_key *keys, uint32_t n, uint32_t expected);

/* The same for the objects that Spark's unpickler makes of values: keys of a dict (step 2: every second item) or of a
 * set. NULL order: as written, because some hash codes depend on where an object lies. Freed with vonk_free. */
vonk_status vonk__pickle_java_order(const vonk_pickle_value *const *keys, uint32_t n, uint32_t step,
                                    vonk_budget *budget, vonk__java_key **ret_order, vonk_error *err);
/* Appends what toString() gives of such an object. Where Java shows an address, a digest of the value stands. */
vonk_status vonk__pickle_java_text(const vonk_pickle_value *v, vonk_buf *out, vonk_error *err);

/* ---- objects of Python's library */
/* What stands under a name in a dict, or in an object's attributes; NULL: nothing. */
const vonk_pickle_value *vonk__pickle_attr(const vonk_pickle_value *v, const char *name);
/* decimal.Decimal: its text. */
bool vonk__pickle_decimal(const vonk_pickle_value *v, vonk_str *ret);
/* datetime's classes: false if v is no such object, or out of range. */
bool vonk__pickle_date(const vonk_pickle_value *v, int32_t *ret_days);
bool vonk__pickle_time(const vonk_pickle_value *v, int64_t *ret_nanos);
bool vonk__pickle_timedelta(const vonk_pickle_value *v, int64_t *ret_us);
/* `zone`: of datetimes without one; NULL: timestamp_ntz, zones are ignored. UNSUPPORTED_FEATURE: a zone that is not
 * known. */
vonk_status vonk__pickle_datetime(const vonk_pickle_value *v, const struct vonk_zone *zone, bool *ret_is,
                                  int64_t *ret_us, vonk_error *err);
/* array.array: element k as a plain value. */
typedef struct vonk__pickle_array {
    const vonk_pickle_value *list; /* protocols before 3 */
    vonk_str bytes;
    int format; /* of array's machine formats */
    uint32_t n, width;
} vonk__pickle_array;
bool vonk__pickle_array_open(const vonk_pickle_value *v, vonk__pickle_array *ret);
vonk_pickle_value vonk__pickle_array_at(const vonk__pickle_array *a, uint32_t k);

#endif
