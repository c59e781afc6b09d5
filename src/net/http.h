/* net/http.h -- pages and JSON for people and scripts: HTTP/1.1, GET and HEAD only, on a thread of its own.
 *
 * The protocol is libmicrohttpd's, opened at first use. A handler is called on the server's thread, one request at a
 * time; when it raises, the answer is a 500 with the error's text. A server that listens on a loopback address answers
 * only requests whose Host is this machine's, so that no page of another origin can read it by a name of its own. */
#ifndef VONK_NET_HTTP_H
#define VONK_NET_HTTP_H

#include "base/buf.h"

typedef struct vonk_http vonk_http;
typedef struct vonk_http_request vonk_http_request;

typedef struct vonk_http_answer {
    int status;       /* 200 unless the handler says otherwise */
    const char *type; /* of the body; static text */
    const char *location; /* of a redirection; static text; NULL: none */
    vonk_buf body;
} vonk_http_answer;
typedef vonk_status (*vonk_http_handler)(void *self, const vonk_http_request *request, vonk_http_answer *answer,
                                         vonk_error *err);

typedef struct vonk_http_options {
    vonk_str address;   /* host name or literal; empty: 127.0.0.1 */
    uint16_t port;      /* 0: any */
    uint32_t n_retries; /* how many ports above it are tried when it is taken */
    vonk_http_handler handler;
    void *self;
} vonk_http_options;

/* INTERNAL_ERROR_NETWORK when no port is free, UNSUPPORTED_FEATURE without the library. */
vonk_status vonk_http_new(vonk_budget *budget, const vonk_http_options *options, vonk_http **ret, vonk_error *err);
uint16_t vonk_http_port(const vonk_http *server);
void vonk_http_free(vonk_http *server); /* the handler is not running any more on return; NULL is fine */
VONK_DEFINE_AUTO(vonk_http, vonk_http_free)

/* ---- what was asked; valid during the call */
vonk_str vonk_http_path(const vonk_http_request *request);                    /* decoded, begins with '/' */
vonk_str vonk_http_query(const vonk_http_request *request, const char *name); /* "?name=value"; no data: absent */

#endif
