/* codec/thrift.h -- Thrift's compact protocol, driven by tables: one table reads and writes a C struct.
 *
 * A C struct that stands for a Thrift struct starts with `uint32_t has`: bit i says that fields[i] of its table was read, or is to be
 * written. Nested structs lie inside their parent; a list is VONK_THRIFT_LIST(type) with its elements in the arena; binaries are
 * borrowed from the bytes that were read. Unknown fields are skipped.
 *
 * Bytes are foreign: depth, lengths and list sizes are checked, a missing required field or a field of another type is MALFORMED_INPUT. */
#ifndef VONK_CODEC_THRIFT_H
#define VONK_CODEC_THRIFT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"

#define VONK_THRIFT_MAX_DEPTH  32
#define VONK_THRIFT_MAX_FIELDS 32 /* known ones, in one struct */

typedef enum vonk_thrift_kind {
    VONK_THRIFT_BOOL,   /* bool */
    VONK_THRIFT_I8,     /* int8_t */
    VONK_THRIFT_I16,    /* int16_t */
    VONK_THRIFT_I32,    /* int32_t; enums too */
    VONK_THRIFT_I64,    /* int64_t */
    VONK_THRIFT_DOUBLE, /* double */
    VONK_THRIFT_BINARY, /* vonk_str */
    VONK_THRIFT_STRUCT, /* the struct itself */
    VONK_THRIFT_LIST    /* VONK_THRIFT_LIST(...) */
} vonk_thrift_kind;

#define VONK_THRIFT_LIST(type)                                                                                         \
    struct {                                                                                                           \
        type  *at;                                                                                                     \
        size_t n;                                                                                                      \
    }

typedef struct vonk_thrift_struct vonk_thrift_struct;

typedef struct vonk_thrift_field {
    int16_t                   id;
    uint16_t                  offset; /* in the C struct */
    uint8_t                   kind;
    uint8_t                   each;   /* LIST: kind of the elements, never LIST */
    bool                      required;
    const vonk_thrift_struct *of;     /* STRUCT, LIST of STRUCT */
} vonk_thrift_field;

struct vonk_thrift_struct {
    const char              *name;   /* for messages */
    const vonk_thrift_field *fields; /* ascending ids */
    uint16_t                 n_fields, bytes;
};

/* ret_struct: `what->bytes` bytes, written whatever happens (zero where nothing was read). */
vonk_status vonk_thrift_read(vonk_arena *arena, vonk_cursor *in, const vonk_thrift_struct *what, void *ret_struct, vonk_error *err);
vonk_status vonk_thrift_write(const vonk_thrift_struct *what, const void *from_struct, vonk_buf *out, vonk_error *err);

#endif
