/* sys/crypto.c */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>

#include "sys/crypto.h"
#include "sys/module.h"

void ERR_clear_error(void); /* openssl/err.h */

typedef struct functions {
#define FUNCTION(name) __typeof__(&name) name;
#include "sys/crypto.def"
#undef FUNCTION
} functions;

static const char *const function_names[] = {
#define FUNCTION(name) #name,
#include "sys/crypto.def"
#undef FUNCTION
};
/* The module writes the pointers, in the order of the list; the table gives them their types. */
static union {
    vonk_module_fn at[VONK_COUNTOF(function_names)];
    functions table;
} fns;
static_assert(sizeof(fns.at) == sizeof(fns.table), "one pointer for each name");
static vonk_module crypto = {
    .library = "libcrypto.so.3",
    .package = "libssl3",
    .names = function_names,
    .n = VONK_COUNTOF(function_names),
    .at = fns.at,
};

static const struct {
    const char *name;
    size_t bytes;
} digests[VONK_N_DIGEST] = {
    [VONK_MD5] = {"MD5", 16},       [VONK_SHA1] = {"SHA1", 20},     [VONK_SHA224] = {"SHA224", 28},
    [VONK_SHA256] = {"SHA256", 32}, [VONK_SHA384] = {"SHA384", 48}, [VONK_SHA512] = {"SHA512", 64},
};

static vonk_status fail_crypto(const functions *f, const char *what, vonk_error *err)
{
    f->ERR_clear_error();
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("%s with this build of OpenSSL", what));
}

/* Looking an algorithm up costs more than a short digest: kept for ever. Two threads may both look; one is kept. */
static vonk_status digest_of_kind(vonk_digest kind, const functions **ret_f, const EVP_MD **ret, vonk_error *err)
{
    static EVP_MD *_Atomic kept[VONK_N_DIGEST];
    VONK_TRY(vonk_module_need(&crypto, err));
    const functions *f = *ret_f = &fns.table;
    EVP_MD *md = atomic_load_explicit(&kept[kind], memory_order_acquire);
    if (VONK_UNLIKELY(!md)) {
        md = f->EVP_MD_fetch(NULL, digests[kind].name, NULL);
        if (!md) return fail_crypto(f, digests[kind].name, err);
        atomic_store_explicit(&kept[kind], md, memory_order_release);
    }
    *ret = md;
    return VONK_OK;
}

size_t vonk_digest_bytes(vonk_digest kind) { return digests[kind].bytes; }

vonk_status vonk_digest_of(vonk_digest kind, vonk_str data, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES], vonk_error *err)
{
    const functions *f;
    const EVP_MD *md;
    VONK_TRY(digest_of_kind(kind, &f, &md, err));
    if (f->EVP_Digest(data.data, data.len, ret_digest, NULL, md, NULL) != 1)
        return fail_crypto(f, digests[kind].name, err);
    return VONK_OK;
}

vonk_status vonk_hmac_of(vonk_digest kind, vonk_str key, vonk_str data, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES],
                         vonk_error *err)
{
    const functions *f;
    const EVP_MD *md;
    VONK_TRY(digest_of_kind(kind, &f, &md, err));
    assert(key.len <= INT32_MAX);
    const char *key_data = key.len ? key.data : ""; /* NULL would mean "the key of the last call" */
    if (!f->HMAC(md, key_data, (int)key.len, (const unsigned char *)data.data, data.len, ret_digest, NULL))
        return fail_crypto(f, digests[kind].name, err);
    return VONK_OK;
}

/* ---- in pieces ---- */

struct vonk_digester {
    const functions *f;
    const EVP_MD *md;
    EVP_MD_CTX *context;
};

/* After the first time with this algorithm nothing in these calls can fail. */
static void must_be_one(int rc)
{
    assert(rc == 1);
    (void)rc;
}

vonk_status vonk_digester_new(vonk_budget *budget, vonk_digest kind, vonk_digester **ret, vonk_error *err)
{
    const functions *f;
    const EVP_MD *md;
    VONK_TRY(digest_of_kind(kind, &f, &md, err));
    VONK_AUTO(vonk_digester_free) vonk_digester *d = NULL;
    VONK_TRY(VONK_NEW(budget, &d, err));
    d->f = f;
    d->md = md;
    d->context = f->EVP_MD_CTX_new();
    if (!d->context || f->EVP_DigestInit_ex(d->context, md, NULL) != 1) return fail_crypto(f, digests[kind].name, err);
    *ret = VONK_STEAL(d);
    return VONK_OK;
}

void vonk_digester_free(vonk_digester *digester)
{
    if (!digester) return;
    digester->f->EVP_MD_CTX_free(digester->context);
    vonk_free(digester);
}

void vonk_digester_add(vonk_digester *digester, const void *data, size_t bytes)
{
    must_be_one(digester->f->EVP_DigestUpdate(digester->context, data, bytes));
}

void vonk_digester_finish(vonk_digester *digester, uint8_t ret_digest[VONK_DIGEST_MOST_BYTES])
{
    must_be_one(digester->f->EVP_DigestFinal_ex(digester->context, ret_digest, NULL));
    must_be_one(digester->f->EVP_DigestInit_ex(digester->context, digester->md, NULL));
}

/* ---- AES ---- */

enum { TAG_BYTES = 16, MOST_AT_ONCE = 1 << 30 };

static vonk_status cipher_of(const functions *f, vonk_aes_mode mode, size_t key_bytes, const EVP_CIPHER **ret,
                             vonk_error *err)
{
    static EVP_CIPHER *_Atomic kept[3][3];
    static const char *const names[] = {[VONK_AES_ECB] = "ECB", [VONK_AES_CBC] = "CBC", [VONK_AES_GCM] = "GCM"};
    assert(key_bytes == 16 || key_bytes == 24 || key_bytes == 32);
    EVP_CIPHER *_Atomic *slot = &kept[mode][key_bytes / 8 - 2];
    EVP_CIPHER *cipher = atomic_load_explicit(slot, memory_order_acquire);
    if (VONK_UNLIKELY(!cipher)) {
        const char *name = VONK_F("AES-%zu-%s", key_bytes * 8, names[mode]);
        cipher = f->EVP_CIPHER_fetch(NULL, name, NULL);
        if (!cipher) return fail_crypto(f, name, err);
        atomic_store_explicit(slot, cipher, memory_order_release);
    }
    *ret = cipher;
    return VONK_OK;
}

/* EVP counts in int. */
static bool update(const functions *f, EVP_CIPHER_CTX *context, char *into, size_t *inout_n, vonk_str data)
{
    for (size_t at = 0; at < data.len;) {
        int got = 0, want = (int)vonk_min_size(data.len - at, MOST_AT_ONCE);
        unsigned char *out = into ? (unsigned char *)into + *inout_n : NULL;
        if (f->EVP_CipherUpdate(context, out, &got, (const unsigned char *)data.data + at, want) != 1) return false;
        at += (size_t)want;
        if (into) *inout_n += (size_t)got;
    }
    return true;
}

static bool run_cipher(const functions *f, EVP_CIPHER_CTX *context, vonk_aes_mode mode, bool is_encrypting,
                       vonk_str aad, vonk_str data, char *into, size_t *ret_bytes)
{
    size_t n = 0, no_output = 0;
    int last = 0;
    char tag[TAG_BYTES];
    if (mode == VONK_AES_GCM && !is_encrypting) {
        if (data.len < TAG_BYTES) return false;
        data.len -= TAG_BYTES;
        memcpy(tag, data.data + data.len, TAG_BYTES);
        if (f->EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) != 1) return false;
    }
    if (mode == VONK_AES_GCM && !update(f, context, NULL, &no_output, aad)) return false;
    if (!update(f, context, into, &n, data)) return false;
    if (f->EVP_CipherFinal_ex(context, (unsigned char *)into + n, &last) != 1) return false;
    n += (size_t)last;
    if (mode == VONK_AES_GCM && is_encrypting) {
        if (f->EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, into + n) != 1) return false;
        n += TAG_BYTES;
    }
    *ret_bytes = n;
    return true;
}

static vonk_status crypt(vonk_aes_mode mode, bool is_encrypting, vonk_str key, vonk_str iv, vonk_str aad, vonk_str data,
                         char *into, size_t *ret_bytes, bool *ret_is_right, vonk_error *err)
{
    VONK_TRY(vonk_module_need(&crypto, err));
    const functions *f = &fns.table;
    const EVP_CIPHER *cipher = NULL;
    VONK_TRY(cipher_of(f, mode, key.len, &cipher, err));
    assert(iv.len == (mode == VONK_AES_CBC ? 16u : mode == VONK_AES_GCM ? 12u : 0u));
    EVP_CIPHER_CTX *context = f->EVP_CIPHER_CTX_new();
    if (!context) return fail_crypto(f, "AES", err);
    const unsigned char *iv_data = iv.len ? (const unsigned char *)iv.data : NULL;
    bool is_set =
        f->EVP_CipherInit_ex(context, cipher, NULL, (const unsigned char *)key.data, iv_data, is_encrypting) == 1;
    *ret_is_right = is_set && run_cipher(f, context, mode, is_encrypting, aad, data, into, ret_bytes);
    f->EVP_CIPHER_CTX_free(context);
    f->ERR_clear_error();
    return is_set ? VONK_OK : fail_crypto(f, "AES", err);
}

vonk_status vonk_aes_encrypt(vonk_aes_mode mode, vonk_str key, vonk_str iv, vonk_str aad, vonk_str plain, char *into,
                             size_t *ret_bytes, vonk_error *err)
{
    bool is_right = false;
    VONK_TRY(crypt(mode, true, key, iv, aad, plain, into, ret_bytes, &is_right, err));
    return is_right ? VONK_OK : fail_crypto(&fns.table, "AES", err);
}

vonk_status vonk_aes_decrypt(vonk_aes_mode mode, vonk_str key, vonk_str iv, vonk_str aad, vonk_str sealed, char *into,
                             size_t *ret_bytes, bool *ret_is_right, vonk_error *err)
{
    return crypt(mode, false, key, iv, aad, sealed, into, ret_bytes, ret_is_right, err);
}
