/* column/arrow.h -- Arrow's C data interface and schema mapping (arrow.apache.org/docs/format/CDataInterface.html).
 *
 * Out: strings leave as plain utf8 (int32 offsets) unless `views`, because PySpark refuses views; decimals as decimal128; arrays as lists.
 * In: every Arrow type that Spark can take is accepted (large and view forms, dictionaries, null, run-end encoded), data is wrapped without a copy
 * where the layouts agree, and is checked fully (foreign pointers are trusted, lengths and offsets are not). */
#ifndef VONK_COLUMN_ARROW_H
#define VONK_COLUMN_ARROW_H

#include "column/batch.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4
struct ArrowSchema {
    const char          *format, *name, *metadata;
    int64_t              flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t             length, null_count, offset, n_buffers, n_children;
    const void        **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

typedef struct vonk_arrow_options {
    bool     views;    /* strings leave as utf8_view */
    bool     large;    /* 64-bit offsets (spark.sql.execution.arrow.useLargeVarTypes) */
    vonk_str timezone; /* of timestamp columns in the schema; empty: UTC */
    /* What the memory of arrays belongs to lives as long as they do: hold(owner) when an ArrowArray is made, drop(owner) when it is released. NULL: the caller sees to it. */
    void (*hold)(void *owner);
    void (*drop)(void *owner);
    void *owner;
} vonk_arrow_options;

vonk_status vonk_arrow_export_schema(const vonk_type *struct_type, const vonk_arrow_options *options, struct ArrowSchema *ret, vonk_error *err);
vonk_status vonk_arrow_export_batch(const vonk_batch *batch, const vonk_type *struct_type, const vonk_arrow_options *options, struct ArrowArray *ret, vonk_error *err);
vonk_status vonk_arrow_import_schema(const struct ArrowSchema *schema, const vonk_type **ret_struct, vonk_error *err);
/* Takes the array over: released when the last column is. */
vonk_status vonk_arrow_import_batch(vonk_budget *budget, struct ArrowArray *take_array, const struct ArrowSchema *schema, const vonk_type *struct_type,
                                    vonk_batch **ret, vonk_error *err);

#endif
