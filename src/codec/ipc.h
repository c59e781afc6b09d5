/* codec/ipc.h -- Arrow IPC streams (arrow.apache.org/docs/format/Columnar.html): what clients get and send.
 *
 * Types are those of PySpark's to_arrow_type: plain utf8 and binary (large_ on request), decimal128, timestamps in microseconds with the session's zone,
 * durations, month intervals, lists, maps, structs, variants and geometries as marked structs. Views are never written: PySpark refuses them.
 *
 * Writing copies each value once, from the batch straight to its place in the message, selections applied. Reading trusts nothing. */
#ifndef VONK_CODEC_IPC_H
#define VONK_CODEC_IPC_H

#include "codec/compress.h"
#include "column/arrow.h"

typedef struct vonk_ipc_options {
    vonk_str         timezone;    /* of timestamp columns */
    bool             large;       /* 64-bit offsets for strings and binaries (spark.sql.execution.arrow.useLargeVarTypes) */
    vonk_compression compression; /* of bodies: none, LZ4 frame or zstd */
    int32_t          level;       /* VONK_COMPRESS_LEVEL_DEFAULT */
    bool             number_fields; /* those of structs that share a name: p_0, p_1; readers that make dictionaries of structs need it */
} vonk_ipc_options;
#define VONK_IPC_OPTIONS {.timezone = {"UTC", 3}, .level = INT32_MIN}

/* ---- writing; all functions append to `out` */
/* One stream: schema, exactly one record batch with the rows of all `batches` behind each other (none: an empty one), end. */
vonk_status vonk_ipc_write_stream(const vonk_batch *const *batches, size_t n, const vonk_type *struct_type, const vonk_ipc_options *options, vonk_buf *out,
                                  vonk_error *err);
/* Its parts. The schema message does not change with the rows: it may be kept. */
vonk_status vonk_ipc_write_schema(const vonk_type *struct_type, const vonk_ipc_options *options, vonk_budget *budget, vonk_buf *out, vonk_error *err);
vonk_status vonk_ipc_write_batch(const vonk_batch *const *batches, size_t n, const vonk_type *struct_type, const vonk_ipc_options *options, vonk_buf *out,
                                 vonk_error *err);
vonk_status vonk_ipc_write_end(vonk_buf *out, vonk_error *err);
/* About how many bytes the rows of a batch take in an uncompressed body: for cutting results into messages. */
size_t vonk_ipc_row_bytes(const vonk_batch *batch, const vonk_type *struct_type);

/* ---- reading */
typedef struct vonk_ipc_reader vonk_ipc_reader;

/* A whole stream in memory; `bytes` is referenced, and so by the batches that are read from it. `what`: for messages; must outlive the reader. */
vonk_status vonk_ipc_reader_new(vonk_budget *budget, vonk_buffer *bytes, const char *what, vonk_ipc_reader **ret, vonk_error *err);
void        vonk_ipc_reader_free(vonk_ipc_reader *reader); /* NULL is fine */
VONK_DEFINE_AUTO(vonk_ipc_reader, vonk_ipc_reader_free)
const vonk_type *vonk_ipc_reader_type(const vonk_ipc_reader *reader); /* borrowed; a struct, Spark's types */
/* One record batch at a time is in memory. *ret NULL: the end of the stream, also after an error. */
vonk_status vonk_ipc_reader_next(vonk_ipc_reader *reader, vonk_batch **ret, vonk_error *err);

/* The same, message by message, for streams that come through a pipe. */
/* How many bytes the message has that begins with these n bytes. *ret_whole false: *ret_bytes (more than n) of them are needed to say it. A message
 * of a stream's end (and only that) has 8 bytes, or 4 in streams of old. More than max_bytes: MALFORMED_INPUT. */
vonk_status vonk_ipc_measure(const void *start, size_t n, size_t max_bytes, const char *what, size_t *ret_bytes, bool *ret_whole, vonk_error *err);
vonk_status vonk_ipc_reader_new_fed(vonk_budget *budget, const char *what, vonk_ipc_reader **ret, vonk_error *err);
/* One message with its prefix. *ret NULL: it was no record batch (schema, dictionary, end). Batches refer to `message`. Until the schema has come,
 * vonk_ipc_reader_type is NULL. After an error only free may follow. */
vonk_status vonk_ipc_reader_feed(vonk_ipc_reader *reader, vonk_buffer *message, vonk_batch **ret, vonk_error *err);

#endif
