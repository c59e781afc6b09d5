/* codec/ipc.h -- Arrow IPC streams (arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess Communication").
 *
 * Writing goes through Arrow's C data form (column/arrow.h), whose buffers are copied once into the stream. Reading gives record batches whose columns point into the
 * stream's bytes where the layouts agree; compressed bodies are unpacked first. Bytes are foreign: every length and offset is checked. */
#ifndef VONK_CODEC_IPC_H
#define VONK_CODEC_IPC_H

#include "column/arrow.h"

typedef enum vonk_ipc_compression { VONK_IPC_PLAIN, VONK_IPC_LZ4, VONK_IPC_ZSTD } vonk_ipc_compression;

/* Appends one whole stream: schema, one record batch (none when batch is NULL), end mark. Starts at a multiple of 8 in `out`. */
vonk_status vonk_ipc_write(const vonk_type *struct_type, const vonk_batch *batch, const vonk_arrow_options *options, vonk_ipc_compression compression, vonk_buf *out, vonk_error *err);

/* Reads a whole stream. *ret_schema: new reference. Batches: new references in an array from `budget` (vonk_free). `bytes` must stay valid until the last of
 * them is gone: `owner` is referenced by every column. */
vonk_status vonk_ipc_read(vonk_budget *budget, vonk_buffer *owner, vonk_str bytes, const vonk_type **ret_schema, vonk_batch ***ret_batches, uint32_t *ret_n, vonk_error *err);

#endif
