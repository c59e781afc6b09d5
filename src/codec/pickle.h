/* codec/pickle.h -- Python's pickles (docs.python.org, pickletools: protocols 2 to 5) without Python: rows to pickles,
 * pickles to rows, and pickles to plain values.
 *
 * Reading trusts nothing: no class is looked up and nothing is run. What a pickle says about a class stays a
 * description (VONK_PICKLE_OBJECT), which the caller knows or refuses. Depth, memo and size have limits. Errors:
 * INTERNAL_ERROR with what was wrong and at which byte for broken pickles. */
#ifndef VONK_CODEC_PICKLE_H
#define VONK_CODEC_PICKLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "column/batch.h"
#include "column/builder.h"

/* ---- plain values */
typedef enum vonk_pickle_kind {
    VONK_PICKLE_NONE,
    VONK_PICKLE_BOOL,   /* i */
    VONK_PICKLE_INT,    /* i */
    VONK_PICKLE_LONG,   /* text: two's complement, little-endian, that does not fit an int64 */
    VONK_PICKLE_FLOAT,  /* f */
    VONK_PICKLE_STRING, /* text: UTF-8 (lone surrogates refused) */
    VONK_PICKLE_BYTES,  /* text */
    VONK_PICKLE_BYTEARRAY,
    VONK_PICKLE_LIST, /* items */
    VONK_PICKLE_TUPLE,
    VONK_PICKLE_SET,
    VONK_PICKLE_FROZENSET,
    VONK_PICKLE_DICT,   /* items: key, value, key, value, ... in order */
    VONK_PICKLE_GLOBAL, /* text: "module.name" */
    VONK_PICKLE_OBJECT  /* items[0]: what makes it (GLOBAL, or an OBJECT), items[1]: TUPLE of arguments, items[2]: state
                           or NONE */
} vonk_pickle_kind;

typedef struct vonk_pickle_value vonk_pickle_value;
struct vonk_pickle_value {
    vonk_pickle_kind kind;
    union {
        int64_t i;
        double f;
    };
    vonk_str text; /* in the pickle's bytes or the arena */
    vonk_pickle_value **items;
    uint32_t n_items;
};

/* One pickle from its first opcode to STOP. Values live in `arena`, texts may lie in `bytes`. Values that contain
 * themselves are refused. */
vonk_status vonk_pickle_read(vonk_str bytes, vonk_arena *arena, const vonk_pickle_value **ret, size_t *ret_bytes_read,
                             vonk_error *err);
/* Protocol 4, as one pickle. */
vonk_status vonk_pickle_write(const vonk_pickle_value *value, vonk_buf *out, vonk_error *err);
/* "datetime.datetime" of an OBJECT made by a GLOBAL; empty: something else. */
vonk_str vonk_pickle_class(const vonk_pickle_value *value);

/* ---- rows */
typedef struct vonk_pickle_options {
    vonk_str timezone; /* of timestamps, when they become datetimes: wall clock there */
    bool named;        /* rows are pyspark.sql.Row with the fields' names; false: tuples */
    bool internal; /* dates as days and timestamps as microseconds, as createDataFrame sends them and Row's receivers
                      expect where `named` */
} vonk_pickle_options;

/* Appends one pickled list with the batch's selected rows, in the form that pyspark's
 * BatchedSerializer(CPickleSerializer) reads. */
vonk_status vonk_pickle_write_rows(const vonk_batch *batch, const vonk_type *struct_type,
                                   const vonk_pickle_options *options, vonk_buf *out, vonk_error *err);
/* Appends a value, as Python's side made it for `type`, to a builder: what Spark's EvaluatePython accepts (an int for
 * any integer type, tuples, Rows, dicts and objects with __dict__ for structs, datetime.*, Decimal, bytearray,
 * array.array); what it does not accept becomes null there, and here. */
vonk_status vonk_pickle_append(const vonk_pickle_value *value, const vonk_type *type,
                               const vonk_pickle_options *options, vonk_builder *builder, vonk_error *err);

#endif
