/* codec/pickle.h -- Python's pickles (docs.python.org, pickletools: protocols 0 to 5) without Python: rows to pickles,
 * pickles to rows, and pickles to plain values.
 *
 * Reading trusts nothing: no class is looked up and nothing is run. What a pickle says about a class stays a
 * description (VONK_PICKLE_OBJECT), which the caller knows or refuses; only what older protocols write for bytes,
 * bytearrays and sets is taken for what it means. What a pickle does as it is read and then drops (cloudpickle's
 * functions and classes) is not seen. Depth, size and memo have limits. Errors: INTERNAL_ERROR with what was wrong and
 * at which byte for broken pickles, and for persistent ids, out-of-band buffers and extension codes.
 *
 * Thread rule: no state; one arena, one thread. */
#ifndef VONK_CODEC_PICKLE_H
#define VONK_CODEC_PICKLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "column/batch.h"
#include "column/builder.h"

#define VONK_PICKLE_MAX_DEPTH 1000                 /* of values in values, so walks may recurse */
#define VONK_PICKLE_MAX_VALUES (UINT64_C(1) << 30) /* counted once for each place where a shared value stands */

/* ---- plain values */
typedef enum vonk_pickle_kind {
    VONK_PICKLE_NONE,
    VONK_PICKLE_BOOL,   /* i */
    VONK_PICKLE_INT,    /* i */
    VONK_PICKLE_LONG,   /* text: two's complement, little-endian, that does not fit an int64 */
    VONK_PICKLE_FLOAT,  /* f */
    VONK_PICKLE_STRING, /* text: UTF-8 (lone surrogates refused) */
    VONK_PICKLE_BYTES,  /* text; Python 2's str, too, where it is not ASCII */
    VONK_PICKLE_BYTEARRAY,
    VONK_PICKLE_GLOBAL, /* text: "module.name"; n_items: bytes of the module in it, 0: up to the last dot */
    VONK_PICKLE_LIST,   /* items */
    VONK_PICKLE_TUPLE,
    VONK_PICKLE_SET,
    VONK_PICKLE_FROZENSET,
    VONK_PICKLE_DICT,  /* items: key, value, key, value, ... in order; of equal keys the last one counts */
    VONK_PICKLE_OBJECT /* items[0]: what makes it (GLOBAL, or an OBJECT), items[1]: TUPLE of arguments, items[2]: state
                          or NONE; where there are 6: items[3]: LIST that it is extended by, items[4]: DICT of items set
                          in it, items[5]: DICT of keyword arguments (or NONE) */
} vonk_pickle_kind;

typedef struct vonk_pickle_value vonk_pickle_value;
struct vonk_pickle_value {
    vonk_pickle_kind kind : 8;
    bool by_new : 1; /* OBJECT: made by the class's __new__ with the arguments, not by a call */
    uint32_t n_items;
    union {
        int64_t i;
        double f;
        vonk_str text; /* in the pickle's bytes or the arena */
        const vonk_pickle_value **items;
    };
};

/* One pickle from its first opcode to STOP. Values live in `arena`, texts may lie in `bytes`. Values that contain
 * themselves are refused. */
vonk_status vonk_pickle_read(vonk_str bytes, vonk_arena *arena, const vonk_pickle_value **ret, size_t *ret_bytes_read,
                             vonk_error *err);
/* Appends one pickle, protocol 4. What is shared is written out each time. Too deep: INTERNAL_ERROR. */
vonk_status vonk_pickle_write(const vonk_pickle_value *value, vonk_buf *out, vonk_error *err);
/* "datetime.datetime" of an OBJECT made by a GLOBAL; empty: something else. */
vonk_str vonk_pickle_class(const vonk_pickle_value *value);

/* ---- rows */
typedef struct vonk_pickle_options {
    vonk_str timezone; /* of timestamps, when they become datetimes: wall clock there; empty: UTC */
    bool named;        /* rows are pyspark.sql.Row with the fields' names; false: tuples (nested structs are Rows) */
    bool internal;     /* as Spark sends rows (DataFrame.collect, .rdd, arguments of functions): dates as days,
                          timestamps as microseconds, times as nanoseconds; where `named`, a converter made from the
                          schema turns them into Python's values in the reader, in its time zone. false: they are
                          Python's values (date, datetime, time, timedelta, Row, VariantVal) already: faster to read */
    bool bytearrays;   /* binary as bytearray: spark.sql.execution.pyspark.binaryAsBytes is false */
} vonk_pickle_options;

/* Appends one pickled list with the batch's selected rows, in the form that pyspark's
 * BatchedSerializer(CPickleSerializer) reads. Maps are in the order of Java's HashMap, as from Spark.
 * UNSUPPORTED_FEATURE: types that Spark cannot send either, or that have no Python value. */
vonk_status vonk_pickle_write_rows(const vonk_batch *batch, const vonk_type *struct_type,
                                   const vonk_pickle_options *options, vonk_buf *out, vonk_error *err);
/* Appends a value, as Python's side made it for `type`, to a builder by the rules of Spark's EvaluatePython: an int for
 * any integer type (wrapping), tuples for structs (STRUCT_ARRAY_LENGTH_MISMATCH), any value for a string (as Java
 * writes it), ...; what it does not accept becomes null there, and here. Beyond that, where Spark fails: Rows are
 * tuples; and without `internal` datetime's values, dicts and objects with attributes (for structs), Geometry and
 * VariantVal, too. */
vonk_status vonk_pickle_append(const vonk_pickle_value *value, const vonk_type *type,
                               const vonk_pickle_options *options, vonk_builder *builder, vonk_error *err);

#endif
