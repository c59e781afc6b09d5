/* net/http2.c -- libnghttp2 without input and output of its own. What it writes becomes a queue of pieces: frame
 * heads and small frames are
 * copied into one buffer, DATA payloads stay where they are and are held by reference until the socket took them. */
#include "net/http2.h"

#include <nghttp2/nghttp2.h>

#include "base/vec.h"

enum { FRAME_HEAD_BYTES = 9, MAX_DATA_FRAME_BYTES = 1 << 20 };

/* One piece of output: bytes of conn->small (counted from the start of the connection), or a slice. */
typedef struct h2_piece {
    vonk_slice slice;
    uint64_t small_at;
    size_t bytes; /* still to send */
    bool is_small;
} h2_piece;

struct vonk_h2_conn {
    nghttp2_session *session;
    nghttp2_mem mem;
    vonk_budget *budget;
    vonk_h2_limits limits;
    const vonk_h2_handler *handler;
    void *handler_self;
    vonk_h2_stream *streams; /* all that are open */
    size_t n_streams;
    bool broken, has_settings, is_draining;

    vonk_buf headers; /* of the request that is arriving: at most one is */
    VONK_VEC(vonk_h2_header) header_list;
    size_t header_bytes;

    VONK_VEC(h2_piece) out;
    size_t out_head, out_bytes;
    vonk_buf small;
    uint64_t small_base; /* position of small.data[0] */
};

struct vonk_h2_stream {
    vonk_h2_conn *conn;
    vonk_h2_stream *next, **link;
    void *data;
    int32_t id;
    bool responded, deferred, finished, remote_ended, end_sent;
    size_t unconsumed, queued;
    VONK_VEC(vonk_slice) queue;
    size_t queue_head;
    nghttp2_nv *trailers; /* with their texts behind them, one block */
    size_t n_trailers;
};

/* ---- memory: nghttp2's own goes through the budget too ---- */

static void *mem_malloc(size_t bytes, void *budget) { return vonk_lib_alloc(budget, bytes); }

static void *mem_calloc(size_t n, size_t each, void *budget)
{
    void *got = NULL;
    size_t bytes = 0;
    if (__builtin_mul_overflow(n, each, &bytes)) return NULL;
    if (vonk_alloc_zeroed(budget, bytes, &got, NULL) != VONK_OK) got = NULL;
    return got;
}

static void *mem_realloc(void *old, size_t bytes, void *budget)
{
    vonk_status st = vonk_realloc(budget, &old, bytes, NULL);
    return st == VONK_OK ? old : NULL;
}

static void mem_free(void *ptr, void *budget) { vonk_lib_free(budget, ptr); }

/* ---- output ---- */

static vonk_status add_piece(vonk_h2_conn *c, h2_piece piece, vonk_error *err)
{
    if (c->out_head > 64 && c->out_head > c->out.n / 2) {
        memmove(c->out.at, c->out.at + c->out_head, (c->out.n - c->out_head) * sizeof(*c->out.at));
        c->out.n -= c->out_head;
        c->out_head = 0;
    }
    VONK_TRY(VONK_VEC_PUSH(&c->out, c->budget, piece, err));
    c->out_bytes += piece.bytes;
    return VONK_OK;
}

static vonk_status add_small(vonk_h2_conn *c, const uint8_t *data, size_t bytes, vonk_error *err)
{
    uint64_t at = c->small_base + c->small.len;
    VONK_TRY(vonk_buf_append(&c->small, data, bytes, err));
    if (c->out.n > c->out_head) {
        h2_piece *last = &c->out.at[c->out.n - 1];
        if (last->is_small && last->small_at + last->bytes == at) {
            last->bytes += bytes;
            c->out_bytes += bytes;
            return VONK_OK;
        }
    }
    return add_piece(c, (h2_piece){.small_at = at, .bytes = bytes, .is_small = true}, err);
}

static ssize_t on_send(nghttp2_session *session, const uint8_t *data, size_t bytes, int flags, void *conn)
{
    (void)session;
    (void)flags;
    vonk_h2_conn *c = conn;
    if (c->out_bytes >= c->limits.max_output_bytes) return NGHTTP2_ERR_WOULDBLOCK;
    vonk_status st = add_small(c, data, bytes, NULL);
    return st == VONK_OK ? (ssize_t)bytes : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static ssize_t on_frame_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t connection_window,
                               int32_t stream_window, uint32_t max_frame_bytes, void *conn)
{
    (void)session;
    (void)type;
    (void)id;
    (void)conn;
    int64_t least = max_frame_bytes < MAX_DATA_FRAME_BYTES ? max_frame_bytes : MAX_DATA_FRAME_BYTES;
    if (connection_window < least) least = connection_window;
    if (stream_window < least) least = stream_window;
    return (ssize_t)least;
}

/* How much of the stream goes into the next DATA frame. */
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
                       nghttp2_data_source *source, void *conn)
{
    (void)buf;
    (void)conn;
    vonk_h2_stream *s = source->ptr;
    size_t n = vonk_min_size(room, s->queued);
    if (n == 0 && !s->finished) {
        s->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == s->queued && s->finished) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->n_trailers > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (nghttp2_submit_trailer(session, id, s->trailers, s->n_trailers) != 0)
                return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)n;
}

static vonk_status move_pieces(vonk_h2_conn *c, vonk_h2_stream *s, size_t bytes, vonk_error *err)
{
    while (bytes > 0) {
        vonk_slice *first = &s->queue.at[s->queue_head];
        size_t n = vonk_min_size(bytes, first->bytes.len);
        vonk_slice part = {{first->bytes.data, n}, first->owner};
        VONK_TRY(add_piece(c, (h2_piece){.slice = part, .bytes = n}, err));
        if (n == first->bytes.len) {
            s->queue_head++; /* the reference moves with the last part */
        } else {
            vonk_slice_ref(part);
            first->bytes = vonk_str_sub(first->bytes, n, first->bytes.len);
        }
        s->queued -= n;
        bytes -= n;
    }
    if (s->queue_head == s->queue.n) s->queue_head = s->queue.n = 0;
    return VONK_OK;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t bytes,
                        nghttp2_data_source *source, void *conn)
{
    (void)session;
    (void)frame;
    vonk_h2_conn *c = conn;
    vonk_h2_stream *s = source->ptr;
    if (c->out_bytes >= c->limits.max_output_bytes) return NGHTTP2_ERR_WOULDBLOCK;
    vonk_status st = add_small(c, head, FRAME_HEAD_BYTES, NULL);
    if (st == VONK_OK) st = move_pieces(c, s, bytes, NULL);
    if (st != VONK_OK) return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (bytes > 0) c->handler->taken(c->handler_self, s, bytes);
    return 0;
}

bool vonk_h2_next_output(vonk_h2_conn *c, vonk_str *pieces, size_t room, size_t *ret_n)
{
    *ret_n = 0;
    if (!c->broken && nghttp2_session_send(c->session) != 0) c->broken = true;
    for (size_t i = c->out_head; i < c->out.n && *ret_n < room; i++) {
        const h2_piece *p = &c->out.at[i];
        pieces[(*ret_n)++] =
            p->is_small ? (vonk_str){c->small.data + (p->small_at - c->small_base), p->bytes} : p->slice.bytes;
    }
    return !c->broken;
}

bool vonk_h2_has_output(const vonk_h2_conn *c) { return c->out_bytes > 0 || nghttp2_session_want_write(c->session); }

/* All small bytes before the first piece that still needs some are gone. */
static void drop_small(vonk_h2_conn *c, uint64_t sent_to)
{
    size_t gone = (size_t)(sent_to - c->small_base);
    if (gone < c->small.len && gone < 1 << 16) return;
    if (gone < c->small.len) memmove(c->small.data, c->small.data + gone, c->small.len - gone);
    c->small.len -= gone;
    c->small_base += gone;
}

void vonk_h2_sent(vonk_h2_conn *c, size_t bytes)
{
    uint64_t small_sent_to = c->small_base;
    assert(bytes <= c->out_bytes);
    c->out_bytes -= bytes;
    while (bytes > 0) {
        h2_piece *p = &c->out.at[c->out_head];
        size_t n = vonk_min_size(bytes, p->bytes);
        p->bytes -= n;
        bytes -= n;
        if (p->is_small)
            small_sent_to = p->small_at += n;
        else
            p->slice.bytes = vonk_str_sub(p->slice.bytes, n, p->slice.bytes.len);
        if (p->bytes == 0) {
            vonk_slice_unref(p->slice);
            c->out_head++;
        }
    }
    if (small_sent_to > c->small_base) drop_small(c, small_sent_to);
    if (c->out_head == c->out.n) c->out_head = c->out.n = 0;
}

/* ---- input ---- */

static vonk_h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *conn)
{
    vonk_h2_conn *c = conn;
    c->headers.len = c->header_list.n = c->header_bytes = 0;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;

    vonk_h2_stream *s = NULL;
    vonk_status st = VONK_NEW(c->budget, &s, NULL);
    if (st != VONK_OK) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* this stream is refused */
    s->conn = c;
    s->id = frame->hd.stream_id;
    s->next = c->streams;
    s->link = &c->streams;
    if (s->next) s->next->link = &s->next;
    c->streams = s;
    c->n_streams++;
    nghttp2_session_set_stream_user_data(session, s->id, s);
    return 0;
}

/* The list keeps offsets in place of pointers until all headers are there: the buffer may move. */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_bytes,
                     const uint8_t *value, size_t value_bytes, uint8_t flags, void *conn)
{
    (void)session;
    (void)flags;
    vonk_h2_conn *c = conn;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;                                     /* trailers say nothing */
    c->header_bytes += name_bytes + value_bytes + 32; /* as RFC 9113 counts */
    if (c->header_bytes > c->limits.max_header_bytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;

    vonk_h2_header header = {{NULL, name_bytes}, {NULL, value_bytes}};
    char *text = NULL;
    vonk_status st = vonk_buf_extend(&c->headers, name_bytes + value_bytes, &text, NULL);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&c->header_list, c->budget, header, NULL);
    if (st != VONK_OK) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (name_bytes) memcpy(text, name, name_bytes);
    if (value_bytes) memcpy(text + name_bytes, value, value_bytes);
    return 0;
}

static void deliver_request(vonk_h2_conn *c, vonk_h2_stream *s)
{
    const char *at = c->headers.data;
    for (size_t i = 0; i < c->header_list.n; i++) {
        vonk_h2_header *h = &c->header_list.at[i];
        h->name.data = at;
        h->value.data = at + h->name.len;
        at = h->value.data + h->value.len;
    }
    c->handler->request(c->handler_self, s, c->header_list.at, c->header_list.n, s->remote_ended);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *conn)
{
    vonk_h2_conn *c = conn;
    if (frame->hd.type == NGHTTP2_SETTINGS) c->has_settings = true;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    vonk_h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (!s) return 0;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) s->remote_ended = true;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        deliver_request(c, s);
    else if (s->remote_ended)
        c->handler->end(c->handler_self, s);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t bytes, void *conn)
{
    (void)flags;
    vonk_h2_conn *c = conn;
    vonk_h2_stream *s = stream_of(session, id);
    if (!s) return nghttp2_session_consume(session, id, bytes) == NGHTTP2_ERR_NOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
    s->unconsumed += bytes;
    c->handler->data(c->handler_self, s, (vonk_str){(const char *)data, bytes});
    return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *conn)
{
    (void)conn;
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    vonk_h2_stream *s = stream_of(session, frame->hd.stream_id);
    if (!s || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    s->end_sent = true;
    /* Answered before the client was done: it need not go on. */
    if (!s->remote_ended &&
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR) == NGHTTP2_ERR_NOMEM)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static void free_stream(vonk_h2_stream *s)
{
    vonk_h2_conn *c = s->conn;
    c->handler->closed(c->handler_self, s, s->end_sent);
    for (size_t i = s->queue_head; i < s->queue.n; i++) vonk_slice_unref(s->queue.at[i]);
    vonk_free(s->queue.at);
    vonk_free(s->trailers);
    if (s->next) s->next->link = s->link;
    *s->link = s->next;
    c->n_streams--;
    vonk_free(s);
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *conn)
{
    (void)error_code;
    (void)conn;
    vonk_h2_stream *s = stream_of(session, id);
    if (!s) return 0;
    size_t unconsumed = s->unconsumed;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    free_stream(s);
    int rc = unconsumed ? nghttp2_session_consume_connection(session, unconsumed) : 0;
    return rc == NGHTTP2_ERR_NOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

bool vonk_h2_receive(vonk_h2_conn *c, vonk_str bytes)
{
    if (c->broken) return false;
    if (nghttp2_session_mem_recv(c->session, (const uint8_t *)bytes.data, bytes.len) < 0) {
        /* Says why, when the session still can; the caller sends what is left. */
        nghttp2_session_terminate_session(c->session, NGHTTP2_PROTOCOL_ERROR);
        nghttp2_session_send(c->session);
        c->broken = true;
    }
    return !c->broken;
}

/* ---- life ---- */

static int set_up_session(vonk_h2_conn *c)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) return NGHTTP2_ERR_NOMEM;
    if (nghttp2_option_new(&option) != 0) {
        nghttp2_session_callbacks_del(callbacks);
        return NGHTTP2_ERR_NOMEM;
    }
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, on_frame_length);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    /* Else up to max_streams closed ones stay in the tree of priorities. Without a tree (NO_RFC7540_PRIORITIES),
     * nghttp2 1.52 frees an item twice when memory ends in nghttp2_submit_data. */
    nghttp2_option_set_no_closed_streams(option, 1);

    c->mem = (nghttp2_mem){c->budget, mem_malloc, mem_free, mem_calloc, mem_realloc};
    int rc = nghttp2_session_server_new3(&c->session, callbacks, c, option, &c->mem);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (rc != 0) return rc;

    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, c->limits.max_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, c->limits.max_header_bytes},
    };
    rc = nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, VONK_COUNTOF(settings));
    if (rc != 0) return rc;
    return nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)c->limits.connection_window_bytes);
}

vonk_status vonk_h2_new(vonk_budget *budget, const vonk_h2_limits *limits, const vonk_h2_handler *handler,
                        void *handler_self, vonk_h2_conn **ret, vonk_error *err)
{
    VONK_AUTO(vonk_h2_free) vonk_h2_conn *c = NULL;
    VONK_TRY(VONK_NEW(budget, &c, err));
    c->budget = budget;
    c->limits = *limits;
    c->handler = handler;
    c->handler_self = handler_self;
    vonk_buf_init(&c->headers, budget, SIZE_MAX);
    vonk_buf_init(&c->small, budget, SIZE_MAX);
    if (set_up_session(c) != 0)
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "a few thousand", "receivedBytes", "0",
                         "budget", "an HTTP/2 session");
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

void vonk_h2_free(vonk_h2_conn *c)
{
    if (!c) return;
    while (c->streams) free_stream(c->streams);
    nghttp2_session_del(c->session);
    for (size_t i = c->out_head; i < c->out.n; i++) vonk_slice_unref(c->out.at[i].slice);
    vonk_free(c->out.at);
    vonk_free(c->header_list.at);
    vonk_buf_done(&c->headers);
    vonk_buf_done(&c->small);
    vonk_free(c);
}

bool vonk_h2_is_over(const vonk_h2_conn *c)
{
    if (c->out_bytes > 0) return false;
    if (c->broken) return true;
    if (nghttp2_session_want_write(c->session)) return false;
    return !nghttp2_session_want_read(c->session) || (c->is_draining && c->n_streams == 0);
}

bool vonk_h2_has_settings(const vonk_h2_conn *c) { return c->has_settings; }
size_t vonk_h2_n_streams(const vonk_h2_conn *c) { return c->n_streams; }

void vonk_h2_drain(vonk_h2_conn *c)
{
    if (c->is_draining || c->broken) return;
    c->is_draining = true;
    int32_t last = nghttp2_session_get_last_proc_stream_id(c->session);
    if (nghttp2_submit_goaway(c->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0) c->broken = true;
}

/* ---- answers ---- */

static nghttp2_nv nv_of(vonk_str name, vonk_str value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data, name.len, value.len,
                        NGHTTP2_NV_FLAG_NONE};
}

void vonk_h2_respond(vonk_h2_stream *s, const vonk_h2_header *headers, size_t n, bool is_end)
{
    enum { MAX_HEADERS = 16 };
    nghttp2_nv list[MAX_HEADERS];
    assert(!s->responded && n <= MAX_HEADERS);
    for (size_t i = 0; i < n; i++) list[i] = nv_of(headers[i].name, headers[i].value);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_read};
    s->responded = true;
    s->finished = is_end;
    if (nghttp2_submit_response(s->conn->session, s->id, list, n, is_end ? NULL : &body) != 0) s->conn->broken = true;
}

static void resume(vonk_h2_stream *s)
{
    if (!s->deferred) return;
    s->deferred = false;
    if (nghttp2_session_resume_data(s->conn->session, s->id) == NGHTTP2_ERR_NOMEM) s->conn->broken = true;
}

void vonk_h2_push(vonk_h2_stream *s, vonk_slice take_slice)
{
    assert(s->responded && !s->finished);
    if (take_slice.bytes.len == 0) {
        vonk_slice_unref(take_slice);
        return;
    }
    if (s->queue_head > 64 && s->queue_head > s->queue.n / 2) {
        memmove(s->queue.at, s->queue.at + s->queue_head, (s->queue.n - s->queue_head) * sizeof(*s->queue.at));
        s->queue.n -= s->queue_head;
        s->queue_head = 0;
    }
    vonk_status st = VONK_VEC_PUSH(&s->queue, s->conn->budget, take_slice, NULL);
    if (st != VONK_OK) {
        vonk_slice_unref(take_slice);
        s->conn->broken = true;
    } else {
        s->queued += take_slice.bytes.len;
        resume(s);
    }
}

static vonk_status keep_trailers(vonk_h2_stream *s, const vonk_h2_header *trailers, size_t n, vonk_error *err)
{
    size_t bytes = n * sizeof(nghttp2_nv);
    for (size_t i = 0; i < n; i++) bytes += trailers[i].name.len + trailers[i].value.len;
    VONK_TRY(vonk_alloc(s->conn->budget, bytes, &s->trailers, err));
    char *text = (char *)(s->trailers + n);
    for (size_t i = 0; i < n; i++) {
        vonk_str name = {text, trailers[i].name.len}, value = {text + name.len, trailers[i].value.len};
        if (name.len) memcpy(text, trailers[i].name.data, name.len);
        if (value.len) memcpy(text + name.len, trailers[i].value.data, value.len);
        s->trailers[i] = nv_of(name, value);
        text += name.len + value.len;
    }
    s->n_trailers = n;
    return VONK_OK;
}

void vonk_h2_finish(vonk_h2_stream *s, const vonk_h2_header *trailers, size_t n)
{
    assert(s->responded && !s->finished);
    if (n > 0 && keep_trailers(s, trailers, n, NULL) != VONK_OK) s->conn->broken = true;
    s->finished = true;
    resume(s);
}

void vonk_h2_reset(vonk_h2_stream *s)
{
    if (nghttp2_submit_rst_stream(s->conn->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL) != 0)
        s->conn->broken = true;
}

void vonk_h2_consume(vonk_h2_stream *s, size_t bytes)
{
    assert(bytes <= s->unconsumed);
    s->unconsumed -= bytes;
    if (bytes > 0 && nghttp2_session_consume(s->conn->session, s->id, bytes) == NGHTTP2_ERR_NOMEM)
        s->conn->broken = true;
}

void *vonk_h2_stream_data(const vonk_h2_stream *s) { return s->data; }
void vonk_h2_set_stream_data(vonk_h2_stream *s, void *data) { s->data = data; }
vonk_h2_conn *vonk_h2_stream_conn(const vonk_h2_stream *s) { return s->conn; }
void *vonk_h2_handler_self(const vonk_h2_conn *c) { return c->handler_self; }
