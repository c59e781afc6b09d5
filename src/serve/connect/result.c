/* serve/connect/result.c -- rows on their way to the client: one Arrow IPC stream, in as many responses as its size
 * asks for. */
#include "serve/connect/connect_int.h"

enum { LEAST_CHUNK_BYTES = 1024 };

/* How large a piece of an IPC stream of so many bytes may be in one response. */
static size_t chunk_bytes(const vonk_connect_operation *op, size_t total)
{
    const vonk_connect_backend *backend = op->session->server->backend;
    if (!op->allows_chunks || total <= LEAST_CHUNK_BYTES) return SIZE_MAX;
    const vonk_conf *conf = backend->conf(backend->self, op->session->backend);
    int64_t most = vonk_conf_i64(conf, "spark.connect.session.resultChunking.maxChunkSize");
    vonk_conf_unref(conf);
    size_t limit = most > LEAST_CHUNK_BYTES ? (size_t)most : LEAST_CHUNK_BYTES;
    if (op->chunk_bytes == 0) return limit;
    return vonk_min_size(limit, vonk_max_size(op->chunk_bytes, LEAST_CHUNK_BYTES));
}

typedef struct ipc_reader {
    const vonk_slice *pieces;
    size_t n, at, offset; /* at piece `at`, `offset` bytes of it are used */
} ipc_reader;

/* References to the next `bytes` bytes, into `out`, which has room; returns how many pieces. */
static size_t take_bytes(ipc_reader *r, size_t bytes, vonk_slice *out)
{
    size_t n = 0;
    while (bytes > 0) {
        const vonk_slice *piece = &r->pieces[r->at];
        size_t take = vonk_min_size(bytes, piece->bytes.len - r->offset);
        vonk_slice part = {vonk_str_sub(piece->bytes, r->offset, r->offset + take), piece->owner};
        if (take > 0) out[n++] = vonk_slice_ref(part);
        bytes -= take;
        r->offset += take;
        if (r->offset == piece->bytes.len) {
            r->at++;
            r->offset = 0;
        }
    }
    return n;
}

typedef struct batch_shape {
    int64_t n_rows, start_row;
    size_t n_chunks;
} batch_shape;

static vonk_status emit_chunk(vonk_connect_operation *op, vonk_buf *take_fields, const batch_shape *shape, size_t chunk,
                              const vonk_slice *take_pieces, size_t n, size_t bytes, vonk_error *err)
{
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, take_fields, err);
    size_t mark = vonk_pb_begin(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH);
    vonk_pb_put_i64(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_ROW_COUNT, shape->n_rows);
    vonk_pb_put_i64(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_START_OFFSET, shape->start_row);
    if (shape->n_chunks > 1) {
        vonk_pb_put_i64(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_CHUNK_INDEX, (int64_t)chunk);
        vonk_pb_put_i64(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_NUM_CHUNKS_IN_BATCH, (int64_t)shape->n_chunks);
    }
    vonk_pb_put_external(&w, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_DATA, bytes);
    vonk_pb_end(&w, mark);
    vonk_status st = vonk_pb_writer_end(&w);
    if (st == VONK_OK) return vonk_connect_emit(op, take_fields, take_pieces, n, err);
    for (size_t i = 0; i < n; i++) vonk_slice_unref(take_pieces[i]);
    return st;
}

static vonk_status emit_chunks(vonk_connect_operation *op, vonk_buf *fields, ipc_reader *ipc, size_t total, size_t most,
                               batch_shape *shape, vonk_slice *pieces, vonk_error *err)
{
    shape->n_chunks = total <= most ? 1 : (total + most - 1) / most;
    for (size_t i = 0; i < shape->n_chunks; i++) {
        size_t bytes = vonk_min_size(most, total - i * most), n = take_bytes(ipc, bytes, pieces);
        VONK_TRY(emit_chunk(op, fields, shape, i, pieces, n, bytes, err));
        if (i + 1 == shape->n_chunks) break;
        vonk_pb_writer w = vonk_connect_begin(op, fields, err);
        VONK_TRY(vonk_pb_writer_end(&w));
    }
    return VONK_OK;
}

vonk_status vonk_connect_emit_batch(vonk_connect_operation *op, vonk_buf *take_fields, const vonk_slice *take_ipc,
                                    size_t n_ipc, int64_t n_rows, int64_t start_row, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf fields = *take_fields;
    batch_shape shape = {.n_rows = n_rows, .start_row = start_row};
    ipc_reader ipc = {.pieces = take_ipc, .n = n_ipc};
    vonk_slice *pieces = NULL;
    size_t total = 0;
    *take_fields = (vonk_buf){0};
    for (size_t i = 0; i < n_ipc; i++) total += take_ipc[i].bytes.len;
    vonk_status st = vonk_alloc_array(op->session->server->budget, n_ipc + 1, sizeof(*pieces), &pieces, err);
    if (st == VONK_OK) st = emit_chunks(op, &fields, &ipc, total, chunk_bytes(op, total), &shape, pieces, err);
    vonk_free(pieces);
    for (size_t i = 0; i < n_ipc; i++) vonk_slice_unref(take_ipc[i]);
    return st;
}
