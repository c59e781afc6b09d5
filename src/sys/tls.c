/* sys/tls.c */
#include <errno.h>

#include "base/fault.h"
#include "sys/openssl_int.h"
#include "sys/tls.h"

enum {
    CONTEXT_BYTES = 128 << 10,
    CONNECTION_BYTES = 48 << 10
}; /* what OpenSSL takes for each, about: it goes past our budgets */

struct vonk_tls_context {
    const vonk__openssl *o;
    vonk_budget *budget;
    SSL_CTX *ssl;
    bool is_server;
};

struct vonk_tls {
    const vonk__openssl *o;
    vonk_budget *budget;
    SSL *ssl;
    bool is_broken; /* after a fatal error nothing may be sent, not even a goodbye */
};

static const unsigned char offered[] = "\x02h2";
enum { OFFERED_BYTES = 3 };

static vonk_status fail_tls(const vonk__openssl *o, const char *what, const char *where, vonk_error *err)
{
    char text[160] = "unknown reason";
    unsigned long code = o->ERR_get_error();
    const char *reason = code ? o->ERR_reason_error_string(code) : NULL;
    if (reason) vonk_format(text, sizeof(text), "%s", reason);
    o->ERR_clear_error();
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", VONK_F("TLS: %s%s: %s", what, where, text));
}

/* ---- contexts ---- */

static int refuse_passphrase(char *into, int bytes, int writing, void *self)
{
    (void)into, (void)bytes, (void)writing, (void)self;
    return 0; /* OpenSSL's own way is to ask at the terminal */
}

static int choose_h2(SSL *ssl, const unsigned char **ret, unsigned char *ret_bytes, const unsigned char *in,
                     unsigned bytes, void *self)
{
    (void)ssl;
    const vonk__openssl *o = self;
    unsigned char *chosen;
    if (o->SSL_select_next_proto(&chosen, ret_bytes, offered, OFFERED_BYTES, in, bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static vonk_status new_context(vonk_budget *budget, bool is_server, vonk_tls_context **ret, vonk_error *err)
{
    const vonk__openssl *o;
    VONK_TRY(vonk__openssl_get(&o, err));
    VONK_AUTO(vonk_tls_context_free) vonk_tls_context *c = NULL;
    VONK_TRY(VONK_NEW(budget, &c, err));
    c->o = o;
    c->is_server = is_server;
    VONK_TRY(vonk_budget_charge(budget, CONTEXT_BYTES, err));
    c->budget = budget;
    c->ssl = o->SSL_CTX_new(is_server ? o->TLS_server_method() : o->TLS_client_method());
    if (!c->ssl) return fail_tls(o, "cannot start", "", err);
    o->SSL_CTX_ctrl(c->ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
    o->SSL_CTX_ctrl(c->ssl, SSL_CTRL_MODE,
                    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS,
                    NULL);
    o->SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    o->SSL_CTX_set_default_passwd_cb(c->ssl, refuse_passphrase);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_tls_context_new_server(vonk_budget *budget, vonk_str certificate_path, vonk_str key_path,
                                        vonk_tls_context **ret, vonk_error *err)
{
    VONK_AUTO(vonk_tls_context_free) vonk_tls_context *c = NULL;
    VONK_TRY(new_context(budget, true, &c, err));
    const char *certificate = VONK_S(certificate_path), *key = VONK_S(key_path);
    if (c->o->SSL_CTX_use_certificate_chain_file(c->ssl, certificate) != 1)
        return fail_tls(c->o, "cannot use the certificate ", certificate, err);
    if (c->o->SSL_CTX_use_PrivateKey_file(c->ssl, key, SSL_FILETYPE_PEM) != 1)
        return fail_tls(c->o, "cannot use the key ", key, err);
    if (c->o->SSL_CTX_check_private_key(c->ssl) != 1)
        return fail_tls(c->o, "the key does not belong to the certificate ", certificate, err);
    c->o->SSL_CTX_set_alpn_select_cb(c->ssl, choose_h2, (void *)(uintptr_t)c->o);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk_tls_context_new_client(vonk_budget *budget, vonk_str ca_path, vonk_tls_context **ret, vonk_error *err)
{
    VONK_AUTO(vonk_tls_context_free) vonk_tls_context *c = NULL;
    VONK_TRY(new_context(budget, false, &c, err));
    const char *ca = VONK_S(ca_path);
    int ok = ca_path.len ? c->o->SSL_CTX_load_verify_locations(c->ssl, ca, NULL)
                         : c->o->SSL_CTX_set_default_verify_paths(c->ssl);
    if (ok != 1) return fail_tls(c->o, "cannot use the trusted certificates ", ca, err);
    c->o->SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    if (c->o->SSL_CTX_set_alpn_protos(c->ssl, offered, OFFERED_BYTES) != 0)
        return fail_tls(c->o, "cannot offer h2", "", err);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

void vonk_tls_context_free(vonk_tls_context *context)
{
    if (!context) return;
    if (context->ssl) context->o->SSL_CTX_free(context->ssl);
    if (context->budget) vonk_budget_release(context->budget, CONTEXT_BYTES);
    vonk_free(context);
}

/* ---- connections ---- */

vonk_status vonk_tls_new(vonk_tls_context *context, vonk_budget *budget, int fd, vonk_str server_name, vonk_tls **ret,
                         vonk_error *err)
{
    const vonk__openssl *o = context->o;
    VONK_AUTO(vonk_tls_free) vonk_tls *tls = NULL;
    VONK_TRY(VONK_NEW(budget, &tls, err));
    tls->o = o;
    VONK_TRY(vonk_budget_charge(budget, CONNECTION_BYTES, err));
    tls->budget = budget;
    tls->ssl = o->SSL_new(context->ssl);
    if (!tls->ssl || o->SSL_set_fd(tls->ssl, fd) != 1) return fail_tls(o, "cannot start a connection", "", err);
    if (context->is_server) {
        o->SSL_set_accept_state(tls->ssl);
    } else {
        char name[256]; /* SSL_ctrl wants it writable */
        vonk_format(name, sizeof(name), "%.*s", VONK_STR_ARGS(server_name));
        o->SSL_set_connect_state(tls->ssl);
        if (o->SSL_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) != 1 ||
            o->SSL_set1_host(tls->ssl, name) != 1)
            return fail_tls(o, "cannot expect the server ", name, err);
    }
    *ret = VONK_STEAL(tls);
    return VONK_OK;
}

void vonk_tls_free(vonk_tls *tls)
{
    if (!tls) return;
    if (tls->ssl) tls->o->SSL_free(tls->ssl);
    if (tls->budget) vonk_budget_release(tls->budget, CONNECTION_BYTES);
    vonk_free(tls);
}

/* rc is what an SSL_ function returned; > 0 was success. */
static vonk_status result(vonk_tls *tls, int rc, const char *what, vonk_io *ret_io, vonk_error *err)
{
    const vonk__openssl *o = tls->o;
    int number = errno;
    switch (rc > 0 ? SSL_ERROR_NONE : o->SSL_get_error(tls->ssl, rc)) {
    case SSL_ERROR_NONE: *ret_io = VONK_IO_DONE; return VONK_OK;
    case SSL_ERROR_WANT_READ: *ret_io = VONK_IO_WANT_READ; return VONK_OK;
    case SSL_ERROR_WANT_WRITE: *ret_io = VONK_IO_WANT_WRITE; return VONK_OK;
    case SSL_ERROR_ZERO_RETURN: *ret_io = VONK_IO_CLOSED; return VONK_OK;
    case SSL_ERROR_SYSCALL: /* the socket ended or broke */
        tls->is_broken = true;
        o->ERR_clear_error();
        *ret_io = VONK_IO_CLOSED;
        if (number != EIO && number != ENOMEM) return VONK_OK;
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
                         VONK_F("TLS: %s: %s", what, strerrordesc_np(number)));
    default: break;
    }
    tls->is_broken = true;
    if (ERR_GET_REASON(o->ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        o->ERR_clear_error();
        *ret_io = VONK_IO_CLOSED;
        return VONK_OK;
    }
    long verdict = o->SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK) {
        o->ERR_clear_error();
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message",
                         VONK_F("TLS: %s: %s", what, o->X509_verify_cert_error_string(verdict)));
    }
    return fail_tls(o, what, "", err);
}

vonk_status vonk_tls_handshake(vonk_tls *tls, vonk_io *ret_io, vonk_error *err)
{
    tls->o->ERR_clear_error();
    errno = 0;
    if (vonk_fault_hit(VONK_FAULT_READ)) {
        tls->is_broken = true;
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "TLS: fault injection");
    }
    return result(tls, tls->o->SSL_do_handshake(tls->ssl), "the handshake failed", ret_io, err);
}

vonk_status vonk_tls_read(vonk_tls *tls, void *into, size_t bytes, size_t *ret_bytes, vonk_io *ret_io, vonk_error *err)
{
    *ret_bytes = 0;
    tls->o->ERR_clear_error();
    errno = 0;
    int want = bytes > 1 << 30 ? 1 << 30 : (int)bytes;
    if (vonk_fault_hit(VONK_FAULT_READ)) {
        tls->is_broken = true;
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "TLS: fault injection");
    }
    int n = tls->o->SSL_read(tls->ssl, into, want);
    if (n > 0) *ret_bytes = (size_t)n;
    return result(tls, n, "cannot receive", ret_io, err);
}

vonk_status vonk_tls_write(vonk_tls *tls, const void *data, size_t bytes, size_t *ret_bytes, vonk_io *ret_io,
                           vonk_error *err)
{
    *ret_bytes = 0;
    tls->o->ERR_clear_error();
    errno = 0;
    int want = bytes > 1 << 30 ? 1 << 30 : (int)bytes;
    if (vonk_fault_hit(VONK_FAULT_SEND)) {
        tls->is_broken = true;
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR_NETWORK, "message", "TLS: fault injection");
    }
    int n = tls->o->SSL_write(tls->ssl, data, want);
    if (n > 0) *ret_bytes = (size_t)n;
    return result(tls, n, "cannot send", ret_io, err);
}

void vonk_tls_say_bye(vonk_tls *tls)
{
    if (tls->is_broken) return;
    if (tls->o->SSL_shutdown(tls->ssl) < 0) tls->o->ERR_clear_error(); /* the socket is full or gone: then without */
}

bool vonk_tls_has_pending(const vonk_tls *tls) { return tls->o->SSL_has_pending(tls->ssl) == 1; }

vonk_str vonk_tls_protocol(const vonk_tls *tls)
{
    const unsigned char *name = NULL;
    unsigned bytes = 0;
    tls->o->SSL_get0_alpn_selected(tls->ssl, &name, &bytes);
    return (vonk_str){(const char *)name, bytes};
}
