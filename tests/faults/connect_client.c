/* tests/faults/connect_client.c -- see connect_client.h */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect_client.h"

enum { WAIT_MS = 60000 };

struct connect_client {
    int fd;
    SSL *tls; /* or NULL */
    nghttp2_session *h2;
    uint16_t port;
    bool over, stuck; /* the call */
    const char *body;
    size_t n_body;
    connect_answer answer;
};

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name, size_t n_name,
                     const uint8_t *value, size_t n_value, uint8_t flags, void *arg)
{
    connect_client *c = arg;
    char text[16] = "";
    if (n_name != strlen("grpc-status") || memcmp(name, "grpc-status", n_name) != 0) return 0;
    memcpy(text, value, n_value < sizeof text ? n_value : sizeof text - 1);
    c->answer.status = (int)strtol(text, NULL, 10);
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t stream, const uint8_t *data, size_t n, void *arg)
{
    connect_client *c = arg;
    char *more = realloc(c->answer.bytes, c->answer.n + n + 1);
    if (!more) return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(more + c->answer.n, data, n);
    c->answer.bytes = more;
    c->answer.n += n;
    return 0;
}

static int on_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *arg)
{
    ((connect_client *)arg)->over = true;
    return 0;
}

static ssize_t give_body(nghttp2_session *h2, int32_t stream, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *arg)
{
    connect_client *c = arg;
    size_t n = c->n_body < room ? c->n_body : room;
    memcpy(to, c->body, n);
    c->body += n;
    c->n_body -= n;
    if (c->n_body == 0) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static bool start_http2(connect_client *c)
{
    nghttp2_session_callbacks *callbacks = NULL;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 24}};
    if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    int rc = nghttp2_session_client_new(&c->h2, callbacks, c);
    nghttp2_session_callbacks_del(callbacks);
    if (rc != 0) return false;
    if (nghttp2_session_set_local_window_size(c->h2, NGHTTP2_FLAG_NONE, 0, 1 << 24) != 0) return false;
    return nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, 1) == 0;
}

static bool start_tls(connect_client *c)
{
    static const unsigned char protocols[] = {2, 'h', '2'};
    static SSL_CTX *context;
    if (!context) context = SSL_CTX_new(TLS_client_method()); /* for good */
    c->tls = context ? SSL_new(context) : NULL;
    if (!c->tls || SSL_set_fd(c->tls, c->fd) != 1) return false;
    if (SSL_set_alpn_protos(c->tls, protocols, sizeof protocols) != 0) return false;
    return SSL_connect(c->tls) == 1;
}

connect_client *connect_client_open(uint16_t port, bool with_tls)
{
    const struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connect_client *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->port = port;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 && (!with_tls || start_tls(c)) &&
        start_http2(c))
        return c;
    connect_client_close(c);
    return NULL;
}

void connect_client_close(connect_client *c)
{
    if (!c) return;
    nghttp2_session_del(c->h2);
    SSL_free(c->tls);
    if (c->fd >= 0) close(c->fd);
    free(c->answer.bytes);
    free(c);
}

/* Sends what there is to send; false: the other side is gone. */
static bool send_all(connect_client *c)
{
    for (;;) {
        const uint8_t *data = NULL;
        ssize_t n = nghttp2_session_mem_send(c->h2, &data);
        if (n <= 0) return n == 0;
        for (ssize_t at = 0; at < n;) {
            ssize_t sent = c->tls ? SSL_write(c->tls, data + at, (int)(n - at))
                                  : send(c->fd, data + at, (size_t)(n - at), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            at += sent;
        }
    }
}

static bool receive_some(connect_client *c)
{
    uint8_t data[1 << 16];
    struct pollfd wait = {.fd = c->fd, .events = POLLIN};
    int ready = c->tls && SSL_has_pending(c->tls) ? 1 : poll(&wait, 1, WAIT_MS);
    if (ready == 0) c->stuck = true;
    if (ready <= 0) return false;
    ssize_t n = c->tls ? SSL_read(c->tls, data, sizeof data) : recv(c->fd, data, sizeof data, 0);
    return n > 0 && nghttp2_session_mem_recv(c->h2, data, (size_t)n) == n;
}

connect_answer connect_client_call(connect_client *c, const char *method, const void *body, size_t n)
{
    char path[100], authority[40];
    snprintf(path, sizeof path, "/spark.connect.SparkConnectService/%s", method);
    snprintf(authority, sizeof authority, "127.0.0.1:%u", c->port);
    const char *const pairs[][2] = {{":method", "POST"},     {":scheme", "http"},
                                    {":path", path},         {":authority", authority},
                                    {"te", "trailers"},      {"content-type", "application/grpc"},
                                    {"user-agent", "faults"}};
    nghttp2_nv headers[sizeof pairs / sizeof *pairs];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        headers[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)pairs[i][0],
                                  .value = (uint8_t *)(uintptr_t)pairs[i][1],
                                  .namelen = strlen(pairs[i][0]),
                                  .valuelen = strlen(pairs[i][1])};
    c->over = c->stuck = false;
    c->body = body;
    c->n_body = n;
    c->answer = (connect_answer){.status = -1};
    nghttp2_data_provider from = {.read_callback = give_body};
    if (nghttp2_submit_request(c->h2, NULL, headers, sizeof pairs / sizeof *pairs, &from, NULL) < 0) abort();
    while (!c->over && send_all(c) && !c->over && receive_some(c)) {
    }
    if (c->stuck) c->answer.status = -2;
    connect_answer answer = c->answer;
    c->answer = (connect_answer){0};
    return answer;
}
