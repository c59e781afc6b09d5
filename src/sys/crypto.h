/* sys/crypto.h -- digests and AES, by OpenSSL's libcrypto, which is opened at first use (UNSUPPORTED_FEATURE when it is missing).
 * Thread-safe, except that a vonk_digester belongs to one thread at a time. */
#ifndef VONK_SYS_CRYPTO_H
#define VONK_SYS_CRYPTO_H

#include "base/budget.h"

typedef enum vonk_digest { VONK_MD5, VONK_SHA1, VONK_SHA224, VONK_SHA256, VONK_SHA384, VONK_SHA512, VONK_N_DIGEST } vonk_digest;
enum { VONK_DIGEST_MOST_BYTES = 64 };

size_t      vonk_digest_bytes(vonk_digest kind);
vonk_status vonk_digest_of(vonk_digest kind, vonk_str data, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES], vonk_error *err);
vonk_status vonk_hmac_of(vonk_digest kind, vonk_str key, vonk_str data, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES], vonk_error *err);

/* For data that comes in pieces, and for many short texts: it is used again after vonk_digester_finish. */
typedef struct vonk_digester vonk_digester;
vonk_status vonk_digester_new(vonk_budget *budget, vonk_digest kind, vonk_digester **ret, vonk_error *err);
void        vonk_digester_free(vonk_digester *digester);
VONK_DEFINE_AUTO(vonk_digester, vonk_digester_free)
void        vonk_digester_add(vonk_digester *digester, const void *data, size_t bytes);
void        vonk_digester_finish(vonk_digester *digester, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES]);

typedef enum vonk_aes_mode {
    VONK_AES_ECB, /* PKCS #7 padding */
    VONK_AES_CBC, /* PKCS #7 padding, iv of 16 bytes */
    VONK_AES_GCM  /* iv of 12 bytes; the tag of 16 bytes stands behind the data */
} vonk_aes_mode;
enum { VONK_AES_MORE_BYTES = 32 };

/* key: 16, 24 or 32 bytes (asserted, like the iv's length). aad: for GCM, may be empty. `into` has room for plain.len + VONK_AES_MORE_BYTES. */
vonk_status vonk_aes_encrypt(vonk_aes_mode mode, vonk_str key, vonk_str iv, vonk_str aad, vonk_str plain, char *into,
                             size_t *ret_bytes, vonk_error *err);
/* `into` has room for sealed.len + VONK_AES_MORE_BYTES. *ret_is_right false: wrong key, damaged or cut data; then `into` holds nothing of worth. */
vonk_status vonk_aes_decrypt(vonk_aes_mode mode, vonk_str key, vonk_str iv, vonk_str aad, vonk_str sealed, char *into,
                             size_t *ret_bytes, bool *ret_is_right, vonk_error *err);

#endif
