/* sys/tls.h -- TLS over non-blocking sockets. OpenSSL is opened at the first use of vonk_tls_context_*, so a program that does without
 * TLS does not pay for it; when the library is missing that call says so.
 *
 * A context is shared by connections and threads and outlives them. A connection belongs to one thread at a time and does not own its socket. Protocols:
 * TLS 1.2 and 1.3. ALPN: a server insists on "h2" when the client offers any protocols, a client offers "h2". */
#ifndef VONK_SYS_TLS_H
#define VONK_SYS_TLS_H

#include "base/budget.h"
#include "sys/sockets.h"

typedef struct vonk_tls_context vonk_tls_context;
typedef struct vonk_tls         vonk_tls;

/* PEM files; the certificate's file may go on with its chain. Errors name the file. */
vonk_status vonk_tls_context_new_server(vonk_budget *budget, vonk_str certificate_path, vonk_str key_path, vonk_tls_context **ret, vonk_error *err);
/* Trusts the certificates in ca_path, or the system's when it is empty. */
vonk_status vonk_tls_context_new_client(vonk_budget *budget, vonk_str ca_path, vonk_tls_context **ret, vonk_error *err);
void        vonk_tls_context_free(vonk_tls_context *context);
VONK_DEFINE_AUTO(vonk_tls_context, vonk_tls_context_free)

/* server_name: the name that a client expects in the certificate; ignored for servers. */
vonk_status vonk_tls_new(vonk_tls_context *context, vonk_budget *budget, int fd, vonk_str server_name, vonk_tls **ret, vonk_error *err);
void        vonk_tls_free(vonk_tls *tls); /* without telling the other side */
VONK_DEFINE_AUTO(vonk_tls, vonk_tls_free)

/* Each may want either direction, whatever it is called: TLS has its own conversation. */
vonk_status vonk_tls_handshake(vonk_tls *tls, vonk_io *ret_io, vonk_error *err);
vonk_status vonk_tls_read(vonk_tls *tls, void *into, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err);
/* After WANT_* the same bytes must come first in the next call (the address may differ). */
vonk_status vonk_tls_write(vonk_tls *tls, const void *data, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err);
/* Says goodbye without waiting for the answer. */
void vonk_tls_say_bye(vonk_tls *tls);
/* Bytes are decrypted already: read before waiting for the socket. */
bool     vonk_tls_has_pending(const vonk_tls *tls);
vonk_str vonk_tls_protocol(const vonk_tls *tls); /* ALPN's choice, after the handshake: "h2" or empty */

#endif
