/* net/proto.h -- protobuf messages by a field table: decoded into generic views, written by hand.
 *
 * Nouns: schema (a table of messages and fields, generated: net/connect_table.h), field id (PB_RELATION_PROJECT, dense, never on the wire), view
 * (vonk_pb_msg: one decoded message).
 *
 * Decoding: views and arrays live in the caller's arena, strings and bytes point into the request, so both must outlive the view. Views are
 * immutable afterwards and may be read from any thread. Every getter accepts NULL and an absent field and then gives the
 * default (0, "", false, NULL), so that a chain of getters needs no checks: vonk_pb_str(vonk_pb_get_msg(rel, PB_A_B), PB_B_NAME).
 * Time is linear in the input; no recursion. Unknown fields, and known ones with another wire type, are skipped. Last value wins, a
 * message seen twice is merged, setting one member of a oneof clears the others.
 * Errors: CONNECT_INVALID_PLAN.CANNOT_PARSE for bytes that are no such message, for text that is not UTF-8 and for messages nested
 * deeper than max_depth; MEMORY_BUDGET_EXCEEDED from the arena.
 *
 * Writing: see vonk_pb_writer below. */
#ifndef VONK_NET_PROTO_H
#define VONK_NET_PROTO_H

#include "base/arena.h"
#include "base/buf.h"

typedef enum vonk_pb_kind {
    VONK_PB_DOUBLE = 1,
    VONK_PB_FLOAT,
    VONK_PB_INT64,
    VONK_PB_UINT64,
    VONK_PB_INT32,
    VONK_PB_FIXED64,
    VONK_PB_FIXED32,
    VONK_PB_BOOL,
    VONK_PB_STRING,
    VONK_PB_GROUP, /* not supported in a schema */
    VONK_PB_MESSAGE,
    VONK_PB_BYTES,
    VONK_PB_UINT32,
    VONK_PB_ENUM,
    VONK_PB_SFIXED32,
    VONK_PB_SFIXED64,
    VONK_PB_SINT32,
    VONK_PB_SINT64
} vonk_pb_kind;
enum { VONK_PB_REPEATED = 1, VONK_PB_OPTIONAL = 2 }; /* flags of a field; OPTIONAL: proto3 `optional`, presence counts */
#define VONK_PB_NO_ONEOF 0xff

typedef struct vonk_pb_field {
    uint16_t number; /* on the wire */
    uint16_t in;     /* message that has the field */
    uint16_t holds;  /* message that the field holds */
    uint16_t name;   /* offset into schema->names */
    uint8_t  kind, flags, slot, oneof;
} vonk_pb_field;
typedef struct vonk_pb_type {
    uint16_t name, first_field, n_fields; /* fields ascend by number */
    uint16_t n_dense;                     /* the first n_dense are numbered 1, 2, 3 ... */
    uint8_t  n_slots;
    uint16_t first_oneof;
    uint8_t  n_oneofs;
} vonk_pb_type;
typedef struct vonk_pb_oneof {
    uint16_t name;
    uint8_t  slot;
} vonk_pb_oneof;
typedef struct vonk_pb_schema {
    const char          *names;
    const vonk_pb_field *fields; /* by field id; id 0 is no field */
    const vonk_pb_type  *types;  /* by message id */
    const vonk_pb_oneof *oneofs;
    uint16_t             n_fields, n_types;
} vonk_pb_schema;

typedef struct vonk_pb_msg vonk_pb_msg;

/* Bytes of a message as they came; a message that was merged has several pieces. */
typedef struct vonk_pb_piece {
    vonk_str              bytes;
    struct vonk_pb_piece *next;
} vonk_pb_piece;
typedef union vonk_pb_value {
    uint64_t     u64;
    int64_t      i64; /* sign-extended; bools 0 or 1; enums as sent, also unknown ones */
    double       f64; /* floats too */
    vonk_str     str;
    vonk_pb_msg *msg;
    struct {
        void    *at; /* vonk_str, vonk_pb_msg *, or vonk_pb_value's 8 bytes each */
        uint32_t n, capacity;
    } rep;
} vonk_pb_value;
struct vonk_pb_msg {
    const vonk_pb_schema *schema;
    uint64_t              has; /* bit per slot: seen on the wire */
    vonk_pb_piece         raw;
    vonk_pb_piece        *raw_last;
    uint16_t              type;
    vonk_pb_value         slots[]; /* n_slots, then the set member of each oneof as uint16_t */
};

/* A thousand nested relations or expressions, each two messages deep. */
#define VONK_PB_MAX_DEPTH 2048

/* `message` is a PB_M_x of the schema. max_depth counts messages, the outermost is 1. `bytes` must live as long as the view. */
vonk_status vonk_pb_decode(const vonk_pb_schema *schema, int message, vonk_str bytes, int max_depth, vonk_arena *arena,
                           const vonk_pb_msg **ret, vonk_error *err);

/* For messages to people: "spark.connect.Relation", "project", and the field's number. */
const char *vonk_pb_type_name(const vonk_pb_schema *schema, int message);
const char *vonk_pb_field_name(const vonk_pb_schema *schema, int field);
const char *vonk_pb_oneof_name(const vonk_pb_schema *schema, int oneof); /* a PB_x_ONEOF */
static inline int vonk_pb_field_number(const vonk_pb_schema *schema, int field) { return schema->fields[field].number; }

/* Inside: the field's value, or NULL when it is not set. */
static inline const vonk_pb_value *vonk__pb_value(const vonk_pb_msg *m, int field)
{
    if (!m) return NULL;
    const vonk_pb_field *f = &m->schema->fields[field];
    assert(f->in == m->type);
    if (!(m->has >> f->slot & 1)) return NULL;
    if (f->oneof != VONK_PB_NO_ONEOF) {
        const uint16_t *which = (const uint16_t *)&m->slots[m->schema->types[m->type].n_slots];
        if (which[f->oneof] != field) return NULL;
    }
    return &m->slots[f->slot];
}
static inline bool vonk__pb_is(const vonk_pb_msg *m, int field, unsigned kinds, bool repeated)
{
    const vonk_pb_field *f = &m->schema->fields[field];
    return (kinds >> f->kind & 1) && ((f->flags & VONK_PB_REPEATED) != 0) == repeated;
}
#define VONK__PB_TEXTS  (1u << VONK_PB_STRING | 1u << VONK_PB_BYTES)
#define VONK__PB_FLOATS (1u << VONK_PB_DOUBLE | 1u << VONK_PB_FLOAT)
#define VONK__PB_MSGS   (1u << VONK_PB_MESSAGE)
#define VONK__PB_INTS   (~(VONK__PB_TEXTS | VONK__PB_FLOATS | VONK__PB_MSGS))

/* Which member of the oneof is set: its field id, for a switch; 0 when none. */
static inline int vonk_pb_which(const vonk_pb_msg *m, int oneof)
{
    if (!m) return 0;
    assert(oneof >> 8 == m->type && (oneof & 0xff) < m->schema->types[m->type].n_oneofs);
    return ((const uint16_t *)&m->slots[m->schema->types[m->type].n_slots])[oneof & 0xff];
}
/* Set on the wire (for a field without presence: sent at all); repeated: not empty. */
static inline bool vonk_pb_has(const vonk_pb_msg *m, int field) { return vonk__pb_value(m, field) != NULL; }

static inline const vonk_pb_msg *vonk_pb_get_msg(const vonk_pb_msg *m, int field)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(!v || vonk__pb_is(m, field, VONK__PB_MSGS, false));
    return v ? v->msg : NULL;
}
static inline vonk_str vonk_pb_str(const vonk_pb_msg *m, int field) /* string or bytes */
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(!v || vonk__pb_is(m, field, VONK__PB_TEXTS, false));
    return v ? v->str : VONK_STR_NONE;
}
static inline int64_t vonk_pb_i64(const vonk_pb_msg *m, int field) /* any integer, bool or enum */
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(!v || vonk__pb_is(m, field, VONK__PB_INTS, false));
    return v ? v->i64 : 0;
}
static inline int32_t vonk_pb_i32(const vonk_pb_msg *m, int field) { return (int32_t)vonk_pb_i64(m, field); } /* int32 and enums */
static inline bool    vonk_pb_bool(const vonk_pb_msg *m, int field) { return vonk_pb_i64(m, field) != 0; }
static inline double  vonk_pb_f64(const vonk_pb_msg *m, int field) /* double or float */
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(!v || vonk__pb_is(m, field, VONK__PB_FLOATS, false));
    return v ? v->f64 : 0;
}

/* Repeated fields. Maps are repeated messages with the fields key and value; for a key sent twice the last entry counts. */
static inline size_t vonk_pb_n(const vonk_pb_msg *m, int field)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(!v || vonk__pb_is(m, field, UINT32_MAX, true));
    return v ? v->rep.n : 0;
}
static inline const vonk_pb_msg *vonk_pb_msg_at(const vonk_pb_msg *m, int field, size_t i)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(v && i < v->rep.n && vonk__pb_is(m, field, VONK__PB_MSGS, true));
    return ((vonk_pb_msg *const *)v->rep.at)[i];
}
static inline vonk_str vonk_pb_str_at(const vonk_pb_msg *m, int field, size_t i)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(v && i < v->rep.n && vonk__pb_is(m, field, VONK__PB_TEXTS, true));
    return ((const vonk_str *)v->rep.at)[i];
}
static inline int64_t vonk_pb_i64_at(const vonk_pb_msg *m, int field, size_t i)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(v && i < v->rep.n && vonk__pb_is(m, field, VONK__PB_INTS, true));
    return ((const int64_t *)v->rep.at)[i];
}
static inline double vonk_pb_f64_at(const vonk_pb_msg *m, int field, size_t i)
{
    const vonk_pb_value *v = vonk__pb_value(m, field);
    assert(v && i < v->rep.n && vonk__pb_is(m, field, VONK__PB_FLOATS, true));
    return ((const double *)v->rep.at)[i];
}
/* The entry of a map<string, V>, NULL when the key is absent. Linear. */
const vonk_pb_msg *vonk_pb_map_find(const vonk_pb_msg *m, int field, vonk_str key);

/* The message's own bytes, as they came: borrowed when it came in one piece, else joined in the arena. */
vonk_status vonk_pb_raw(const vonk_pb_msg *m, vonk_arena *arena, vonk_str *ret, vonk_error *err);

/* Writes messages into a buffer, field by field, checked against the schema by assertions. The first failure (no memory) sticks: later
 * calls do nothing, vonk_pb_writer_end reports it. Default values are written when asked for: whoever wants proto3's implicit
 * presence leaves them out. Storage belongs to the caller; one thread.
 *     vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &buf, err);
 *     vonk_pb_put_str(&w, PB_X_NAME, name);
 *     size_t mark = vonk_pb_begin(&w, PB_X_INNER); vonk_pb_put_i64(&w, PB_Y_ID, 7); vonk_pb_end(&w, mark);
 *     return vonk_pb_writer_end(&w); */
typedef struct vonk_pb_writer {
    const vonk_pb_schema *schema;
    vonk_buf             *buf;
    vonk_error           *err;
    vonk_status           status;
    uint64_t              external_bytes; /* announced by vonk_pb_put_external */
} vonk_pb_writer;

vonk_pb_writer vonk_pb_writer_of(const vonk_pb_schema *schema, vonk_buf *buf, vonk_error *err);
vonk_status    vonk_pb_writer_end(const vonk_pb_writer *w);
void           vonk_pb_expect(vonk_pb_writer *w, size_t bytes); /* about so many will come: the buffer need not grow step by step */
void           vonk_pb_put_str(vonk_pb_writer *w, int field, vonk_str value); /* string or bytes */
void           vonk_pb_put_c(vonk_pb_writer *w, int field, const char *value);
void           vonk_pb_put_i64(vonk_pb_writer *w, int field, int64_t value); /* any integer, bool or enum */
void           vonk_pb_put_f64(vonk_pb_writer *w, int field, double value);
/* A sub-message; everything put until `end` goes into it. `end` takes what `begin` gave, innermost first. */
size_t vonk_pb_begin(vonk_pb_writer *w, int field);
void   vonk_pb_end(vonk_pb_writer *w, size_t mark);
/* Copies a decoded message, byte by byte as it came. */
void vonk_pb_put_msg(vonk_pb_writer *w, int field, const vonk_pb_msg *value);
/* A message that is encoded already. */
void vonk_pb_put_encoded(vonk_pb_writer *w, int field, vonk_str message);
/* Tag and length of a message or text that the caller puts behind it by himself. */
void vonk_pb_put_head(vonk_pb_writer *w, int field, uint64_t bytes);
/* Tag and length of a bytes field whose content the caller sends after the whole buffer (zero copy): must be the last thing put, at any depth. */
void vonk_pb_put_external(vonk_pb_writer *w, int field, uint64_t bytes);
/* One entry of a map<string, string>. */
void vonk_pb_put_pair(vonk_pb_writer *w, int field, int key_field, vonk_str key, int value_field, vonk_str value);

#endif
