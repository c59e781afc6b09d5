/* codec/ipc_int.h -- inside codec: numbers of Arrow's IPC format (Schema.fbs, Message.fbs) and what writing shares. */
#ifndef VONK_CODEC_IPC_INT_H
#define VONK_CODEC_IPC_INT_H

#include "codec/flatbuf.h"
#include "codec/ipc.h"

#define IPC_CONTINUATION UINT32_MAX
#define IPC_ALIGN        8
#define IPC_V5           4

enum { IPC_HEADER_SCHEMA = 1, IPC_HEADER_DICTIONARY = 2, IPC_HEADER_BATCH = 3 };
enum { IPC_MESSAGE_VERSION, IPC_MESSAGE_HEADER_TYPE, IPC_MESSAGE_HEADER, IPC_MESSAGE_BODY_BYTES };
enum { IPC_SCHEMA_ENDIAN, IPC_SCHEMA_FIELDS };
enum { IPC_FIELD_NAME, IPC_FIELD_NULLABLE, IPC_FIELD_TYPE_TYPE, IPC_FIELD_TYPE, IPC_FIELD_DICTIONARY, IPC_FIELD_CHILDREN, IPC_FIELD_METADATA };
enum { IPC_DICT_ID, IPC_DICT_INDEX, IPC_DICT_ORDERED };
enum { IPC_BATCH_LENGTH, IPC_BATCH_NODES, IPC_BATCH_BUFFERS, IPC_BATCH_COMPRESSION, IPC_BATCH_VARIADIC };
enum { IPC_DICTBATCH_ID, IPC_DICTBATCH_DATA, IPC_DICTBATCH_DELTA };

typedef enum ipc_type {
    IPC_NULL = 1,
    IPC_INT,
    IPC_FLOAT,
    IPC_BINARY,
    IPC_UTF8,
    IPC_BOOL,
    IPC_DECIMAL,
    IPC_DATE,
    IPC_TIME,
    IPC_TIMESTAMP,
    IPC_INTERVAL,
    IPC_LIST,
    IPC_STRUCT,
    IPC_UNION,
    IPC_FIXED_BINARY,
    IPC_FIXED_LIST,
    IPC_MAP,
    IPC_DURATION,
    IPC_LARGE_BINARY,
    IPC_LARGE_UTF8,
    IPC_LARGE_LIST,
    IPC_RUN_END,
    IPC_BINARY_VIEW,
    IPC_UTF8_VIEW
} ipc_type;

enum { IPC_UNIT_SECOND, IPC_UNIT_MILLI, IPC_UNIT_MICRO, IPC_UNIT_NANO };
enum { IPC_INTERVAL_MONTHS, IPC_INTERVAL_DAY_TIME, IPC_INTERVAL_MONTH_DAY_NANO };

typedef struct ipc_node {
    int64_t n, nulls;
} ipc_node;
typedef struct ipc_buffer {
    int64_t offset, bytes;
} ipc_buffer;

/* Nodes and buffers that a value of this type takes in a record batch. */
void vonk__ipc_count(const vonk_type *type, size_t *inout_nodes, size_t *inout_buffers);
/* A finished flatbuffer as an encapsulated message; the body follows. */
vonk_status vonk__ipc_put_message(vonk_flat *flat, uint32_t root, vonk_buf *out, size_t *ret_message_at, vonk_error *err);

/* ipc_body.c: where the values of a batch go. */
typedef struct ipc_body {
    vonk_budget            *budget;
    const vonk_ipc_options *options;
    vonk_compressor        *compressor; /* NULL: none */
    vonk_buf               *out;
    size_t                  start; /* of the body in out */
    vonk_buf                plain; /* compression: the buffer before it */
    ipc_node               *nodes;
    ipc_buffer             *buffers;
    size_t                  n_nodes, n_buffers;
} ipc_body;
vonk_status vonk__ipc_put_columns(ipc_body *body, const vonk_batch *const *batches, size_t n, const vonk_type *struct_type, vonk_error *err);

#endif
