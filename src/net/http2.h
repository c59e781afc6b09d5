/* net/http2.h -- the server's side of one HTTP/2 connection, on libnghttp2: frames, windows, header compression, queues.
 *
 * It knows neither sockets nor gRPC: bytes go in with vonk_h2_receive and are taken out with vonk_h2_next_output / vonk_h2_sent; requests go to the
 * vonk_h2_handler. Everything runs on the thread that owns the connection. Handler functions must not call vonk_h2_receive,
 * vonk_h2_free or vonk_h2_next_output; answering from within them is fine.
 * A stream belongs to its connection and is gone when handler->closed returns. */
#ifndef VONK_NET_HTTP2_H
#define VONK_NET_HTTP2_H

#include "net/slice.h"

typedef struct vonk_h2_conn   vonk_h2_conn;
typedef struct vonk_h2_stream vonk_h2_stream;

typedef struct vonk_h2_header {
    vonk_str name, value; /* names in lower case; pseudo headers begin with ':' */
} vonk_h2_header;

typedef struct vonk_h2_handler {
    /* The request's headers are complete. `headers` are borrowed for the call; their texts lie one behind the other: name, value, name, value.
     * is_end: no body follows. */
    void (*request)(void *self, vonk_h2_stream *stream, const vonk_h2_header *headers, size_t n, bool is_end);
    void (*data)(void *self, vonk_h2_stream *stream, vonk_str bytes);
    void (*end)(void *self, vonk_h2_stream *stream); /* the client will send no more */
    /* What was queued with vonk_h2_push has shrunk by `bytes`: sent, or about to be. */
    void (*taken)(void *self, vonk_h2_stream *stream, size_t bytes);
    /* is_complete: the answer went out as a whole; otherwise reset by the client, or the connection is gone. */
    void (*closed)(void *self, vonk_h2_stream *stream, bool is_complete);
} vonk_h2_handler;

typedef struct vonk_h2_limits {
    uint32_t max_streams;            /* at once, per connection */
    uint32_t max_header_bytes;       /* of one request, names and values */
    uint32_t stream_window_bytes;    /* what a client may send ahead */
    uint32_t connection_window_bytes;
    size_t   max_output_bytes;       /* produced ahead of the socket */
} vonk_h2_limits;

vonk_status vonk_h2_new(vonk_budget *budget, const vonk_h2_limits *limits, const vonk_h2_handler *handler, void *handler_self,
                        vonk_h2_conn **ret, vonk_error *err);
void        vonk_h2_free(vonk_h2_conn *conn); /* closes every stream, incomplete */
VONK_DEFINE_AUTO(vonk_h2_conn, vonk_h2_free)

/* Bytes from the client. False: the connection is broken; send what is left (a GOAWAY) and free it. */
bool vonk_h2_receive(vonk_h2_conn *conn, vonk_str bytes);
/* Pieces that are to be written next, at most `room`; *ret_n 0: nothing now. Borrowed until vonk_h2_sent. False: broken. */
bool vonk_h2_next_output(vonk_h2_conn *conn, vonk_str *pieces, size_t room, size_t *ret_n);
void vonk_h2_sent(vonk_h2_conn *conn, size_t bytes);
bool vonk_h2_has_output(const vonk_h2_conn *conn); /* it may have: frames that no window holds back, or pieces that are left */
/* Neither side wants anything any more: close the socket. */
bool   vonk_h2_is_over(const vonk_h2_conn *conn);
bool   vonk_h2_has_settings(const vonk_h2_conn *conn); /* the client's preface has come */
size_t vonk_h2_n_streams(const vonk_h2_conn *conn);
/* No new streams from now on (GOAWAY); those that run go on. */
void vonk_h2_drain(vonk_h2_conn *conn);

/* The answer: headers once, then pieces, then trailers. A failure breaks the connection (memory), to be seen at the next output. */
void vonk_h2_respond(vonk_h2_stream *stream, const vonk_h2_header *headers, size_t n, bool is_end); /* copies the headers */
void vonk_h2_push(vonk_h2_stream *stream, vonk_slice take_slice);
void vonk_h2_finish(vonk_h2_stream *stream, const vonk_h2_header *trailers, size_t n); /* after what is queued; copies; n 0: none */
void vonk_h2_reset(vonk_h2_stream *stream); /* CANCEL; drops what is queued */
/* Opens the client's window again by so much of the data that it has sent. */
void vonk_h2_consume(vonk_h2_stream *stream, size_t bytes);

void         *vonk_h2_stream_data(const vonk_h2_stream *stream);
void          vonk_h2_set_stream_data(vonk_h2_stream *stream, void *data);
vonk_h2_conn *vonk_h2_stream_conn(const vonk_h2_stream *stream);
void         *vonk_h2_handler_self(const vonk_h2_conn *conn);

#endif
