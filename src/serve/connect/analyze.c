/* serve/connect/analyze.c -- AnalyzePlan, and plans as clients send them: maybe compressed. */
#include "codec/compress.h"
#include "serve/connect/connect_int.h"

enum { HEAD_ROOM = 16 }; /* in front of a decompressed message: for the tag and length that make it a Plan */

static vonk_status fail_parse(const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE, "errorMsg", problem);
}

/* Appends the message behind HEAD_ROOM bytes. */
static vonk_status decompress(vonk_connect_server *server, vonk_str data, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_compressor_free) vonk_compressor *zstd = NULL;
    char *room = NULL;
    vonk_cursor in = vonk_cursor_of(data.data, data.len, "compressed plan");
    VONK_TRY(vonk_compressor_new(server->budget, &zstd, err));
    VONK_TRY(vonk_buf_extend(out, HEAD_ROOM, &room, err));
    vonk_status st = vonk_decompress_all(zstd, VONK_COMPRESS_ZSTD, &in, out, err);
    if (st == VONK_OK) return VONK_OK;
    if (st == VONK_E_MEMORY_BUDGET_EXCEEDED && out->len < out->max_bytes) return st; /* of memory, not of the plan */
    bool is_large = out->len >= out->max_bytes;
    VONK_AUTO(vonk_error_reset) vonk_error first = VONK_ERROR_INIT;
    vonk_error_move(&first, err);
    if (!is_large) return fail_parse(vonk_error_message(&first), err);
    return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__PLAN_SIZE_LARGER_THAN_MAX, "planSize", "unknown", "maxPlanSize",
                     VONK_F("%lld", (long long)server->max_plan_bytes));
}

static vonk_str add_head(vonk_buf *buf, int field)
{
    vonk_error err = VONK_ERROR_INIT;
    size_t bytes = buf->len - HEAD_ROOM;
    char head_text[HEAD_ROOM];
    vonk_buf head = {.data = head_text, .capacity = HEAD_ROOM, .max_bytes = HEAD_ROOM}; /* never grows */
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &head, &err);
    vonk_pb_put_head(&w, field, bytes);
    char *at = buf->data + HEAD_ROOM - head.len;
    memcpy(at, head_text, head.len);
    return (vonk_str){at, head.len + bytes};
}

vonk_status vonk_connect_plan(vonk_connect_session *session, const vonk_pb_msg *plan, vonk_arena *arena,
                              const vonk_pb_msg **ret, vonk_error *err)
{
    vonk_connect_server *server = session->server;
    int which = vonk_pb_which(plan, PB_PLAN_OP_TYPE_ONEOF);
    if (!which)
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__INVALID_ONE_OF_FIELD_NOT_SET, "fullName",
                         "spark.connect.Plan", "name", "OPTYPE_NOT_SET");
    if (which != PB_PLAN_COMPRESSED_OPERATION) {
        *ret = plan;
        return VONK_OK;
    }
    const vonk_pb_msg *packed = vonk_pb_get_msg(plan, PB_PLAN_COMPRESSED_OPERATION);
    if (vonk_pb_i32(packed, PB_PLAN_COMPRESSED_OPERATION_COMPRESSION_CODEC) != PB_E_COMPRESSION_CODEC_ZSTD)
        return fail_parse("the compression codec is not supported", err);
    int field = 0;
    switch (vonk_pb_i32(packed, PB_PLAN_COMPRESSED_OPERATION_OP_TYPE)) {
    case PB_E_PLAN_COMPRESSED_OPERATION_OP_TYPE_RELATION: field = PB_PLAN_ROOT; break;
    case PB_E_PLAN_COMPRESSED_OPERATION_OP_TYPE_COMMAND: field = PB_PLAN_COMMAND; break;
    default: return fail_parse("what is compressed is neither a relation nor a command", err);
    }
    vonk_buf buf = {0};
    vonk_buf_init(&buf, server->budget, HEAD_ROOM + (size_t)server->max_plan_bytes);
    vonk_status st = decompress(server, vonk_pb_str(packed, PB_PLAN_COMPRESSED_OPERATION_DATA), &buf, err);
    if (st != VONK_OK) {
        vonk_buf_done(&buf);
        return st;
    }
    VONK_TRY(vonk_arena_on_free(arena, vonk_free, buf.data, err));
    return vonk_pb_decode(&vonk_pb_connect, PB_M_PLAN, add_head(&buf, field), VONK_PB_MAX_DEPTH, arena, ret, err);
}

vonk_status vonk__connect_analyze(vonk_connect_rpc *rpc, vonk_error *err)
{
    const vonk_connect_backend *backend = rpc->server->backend;
    vonk_connect_caller caller =
        vonk__connect_caller(rpc->request, PB_ANALYZE_PLAN_REQUEST_SESSION_ID, PB_ANALYZE_PLAN_REQUEST_USER_CONTEXT,
                             PB_ANALYZE_PLAN_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
    VONK_TRY(vonk__connect_open_session(rpc->server, &caller, &rpc->session, err));
    if (!vonk_pb_which(rpc->request, PB_ANALYZE_PLAN_REQUEST_ANALYZE_ONEOF))
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__UNKNOWN_ANALYZE_METHOD, "other", "ANALYZE_NOT_SET");
    vonk_buf buf = {0};
    vonk_pb_writer w = vonk__connect_answer(rpc, &buf, PB_ANALYZE_PLAN_RESPONSE_SESSION_ID,
                                            PB_ANALYZE_PLAN_RESPONSE_SERVER_SIDE_SESSION_ID, err);
    vonk_status st = backend->analyze(backend->self, rpc->session, rpc->request, rpc->arena, &w, err);
    if (st != VONK_OK) w.status = st;
    return vonk__connect_reply(rpc, &w, err);
}
