/* sys/openssl_int.h -- inside sys: the functions of OpenSSL that we call, opened at first use. */
#ifndef VONK_SYS_OPENSSL_INT_H
#define VONK_SYS_OPENSSL_INT_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/error.h"

#define VONK__EACH_SSL(X)                                                                                              \
    X(TLS_server_method) X(TLS_client_method)                                                                          \
    X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_options) X(SSL_CTX_set_verify)                        \
    X(SSL_CTX_use_certificate_chain_file) X(SSL_CTX_use_PrivateKey_file) X(SSL_CTX_check_private_key)                  \
    X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_load_verify_locations) X(SSL_CTX_set_default_verify_paths)              \
    X(SSL_CTX_set_alpn_select_cb) X(SSL_CTX_set_alpn_protos) X(SSL_select_next_proto)                                  \
    X(SSL_new) X(SSL_free) X(SSL_ctrl) X(SSL_set_fd) X(SSL_set1_host) X(SSL_set_accept_state)                          \
    X(SSL_set_connect_state) X(SSL_do_handshake) X(SSL_read) X(SSL_write) X(SSL_get_error) X(SSL_shutdown)             \
    X(SSL_has_pending) X(SSL_get0_alpn_selected) X(SSL_get_verify_result)
#define VONK__EACH_CRYPTO(X)                                                                                           \
    X(ERR_get_error) X(ERR_peek_error) X(ERR_error_string_n) X(ERR_clear_error) X(ERR_reason_error_string)             \
    X(X509_verify_cert_error_string)

typedef struct vonk__openssl {
#define DECLARE(name) __typeof__(&name) name;
    VONK__EACH_SSL(DECLARE)
    VONK__EACH_CRYPTO(DECLARE)
#undef DECLARE
} vonk__openssl;

/* The table lives as long as the process. UNSUPPORTED_FEATURE when the library is not installed. */
vonk_status vonk__openssl_get(const vonk__openssl **ret, vonk_error *err);

#endif
