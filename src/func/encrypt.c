/* func/encrypt.c -- AES, and digests with a key. */
#include "func/body.h"
#include "func/tables.h"
#include "sys/crypto.h"
#include "sys/entropy.h"

static vonk_body eval_encrypt, eval_decrypt, eval_hmac;

#define ROW .result = "binary", .nullable = VONK_NULLABLE_ALWAYS, .group = "misc_funcs"

/* clang-format off */
const vonk_fn vonk_fns_encrypt[] = {
    {.name = "aes_encrypt", .args = "binary,binary,string?,string?,binary?,binary?", ROW, .eval = eval_encrypt, .since = "3.3.0",
     .text = "$0($1, $2, GCM, DEFAULT, , ); $0($1, $2, $3, DEFAULT, , ); $0($1, $2, $3, $4, , ); $0($1, $2, $3, $4, $5, ); $0($*)",
     .doc = "The bytes encrypted with a key of 16, 24 or 32 bytes; the mode is GCM (if none is given), CBC or ECB.",
     .example = "hex(aes_encrypt('Spark', '0000111122223333', 'ECB', 'PKCS'))", .expect = "348FF37EBDE05B7880BA339068FBDA5E"},
    {.name = "aes_decrypt", .args = "binary,binary,string?,string?,binary?", ROW, .eval = eval_decrypt, .since = "3.3.0",
     .text = "$0($1, $2, GCM, DEFAULT, ); $0($1, $2, $3, DEFAULT, ); $0($1, $2, $3, $4, ); $0($*)",
     .doc = "What aes_encrypt has encrypted with the same key, mode and padding.",
     .example = "aes_decrypt(unhex('348FF37EBDE05B7880BA339068FBDA5E'), '0000111122223333', 'ECB', 'PKCS')", .expect = "Spark"},
    {.name = "try_aes_decrypt", .errors_of = "aes_decrypt", .args = "binary,binary,string?,string?,binary?", ROW, .force_mode = VONK_MODE_TRY, .catches = true,
     .eval = eval_decrypt, .since = "3.5.0", .text = "$0($1, $2, GCM, DEFAULT, ); $0($1, $2, $3, DEFAULT, ); $0($1, $2, $3, $4, ); $0($*)",
     .doc = "aes_decrypt with NULL where it fails.", .example = "try_aes_decrypt(X'00', '0000111122223333')", .expect = "NULL"},
    {.name = "hmac", .args = "binary,binary,string?", ROW, .text = "$0($1, $2, SHA-256); $0($1, $2, $3)", .eval = eval_hmac, .since = "4.3.0",
     .doc = "The digest of the second argument with the first one as key (HMAC); the algorithm is SHA-256 if none is given.",
     .example = "hex(hmac('key', 'data', 'MD5'))", .expect = "9D5C73EF85594D34EC4438B7C97E51D8"},
};
/* clang-format on */
VONK_FN_COUNT(encrypt);

#define BOTH_NAMES "`aes_encrypt`/`aes_decrypt`"

typedef struct request {
    vonk_aes_mode mode;
    vonk_str data, key, iv, aad, mode_name, padding;
    size_t iv_bytes; /* that the mode has */
} request;

static vonk_str text_arg(vonk_column *const *args, uint32_t n_args, uint32_t arg, uint32_t row, vonk_str otherwise)
{
    return arg < n_args ? vonk_str_at(args[arg], row) : otherwise;
}

static vonk_status read_request(uint32_t n_args, vonk_column *const *args, uint32_t row, uint32_t aad, request *q,
                                vonk_error *err)
{
    q->data = vonk_str_at(args[0], row);
    q->key = vonk_str_at(args[1], row);
    q->mode_name = text_arg(args, n_args, 2, row, VONK_STR("GCM"));
    q->padding = text_arg(args, n_args, 3, row, VONK_STR("DEFAULT"));
    q->iv = VONK_STR("");
    q->aad = text_arg(args, n_args, aad, row, VONK_STR(""));
    if (q->key.len != 16 && q->key.len != 24 && q->key.len != 32)
        return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__AES_KEY_LENGTH, "parameter", "`key`", "functionName",
                         BOTH_NAMES, "actualLength", VONK_F("%zu", q->key.len));
    bool padded = vonk_str_is_nocase(q->padding, "PKCS") || vonk_str_is_nocase(q->padding, "DEFAULT");
    bool none = vonk_str_is_nocase(q->padding, "NONE") || vonk_str_is_nocase(q->padding, "DEFAULT");
    if (vonk_str_is_nocase(q->mode_name, "ECB") && padded) {
        q->mode = VONK_AES_ECB;
        q->iv_bytes = 0;
    } else if (vonk_str_is_nocase(q->mode_name, "CBC") && padded) {
        q->mode = VONK_AES_CBC;
        q->iv_bytes = 16;
    } else if (vonk_str_is_nocase(q->mode_name, "GCM") && none) {
        q->mode = VONK_AES_GCM;
        q->iv_bytes = 12;
    } else {
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__AES_MODE, "mode", VONK_S(q->mode_name), "padding",
                         VONK_S(q->padding), "functionName", BOTH_NAMES);
    }
    return VONK_OK;
}

static const char *mode_text(const request *q)
{
    return q->mode == VONK_AES_ECB ? "ECB" : q->mode == VONK_AES_CBC ? "CBC" : "GCM";
}

static vonk_status check_extras(const request *q, const char *function, vonk_error *err)
{
    if (q->aad.len && q->mode != VONK_AES_GCM)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__AES_MODE_AAD, "functionName", VONK_QUOTED(function), "mode",
                         mode_text(q));
    if (!q->iv.len) return VONK_OK;
    if (q->mode == VONK_AES_ECB)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE__AES_MODE_IV, "functionName", VONK_QUOTED(function), "mode",
                         mode_text(q));
    if (q->iv.len != q->iv_bytes)
        return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__AES_IV_LENGTH, "mode", mode_text(q), "parameter", "`iv`",
                         "functionName", BOTH_NAMES, "actualLength", VONK_F("%zu", q->iv.len));
    return VONK_OK;
}

static vonk_status crypto_failed(const char *detail, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__AES_CRYPTO_ERROR, "parameter", "`expr`, `key`",
                     "functionName", BOTH_NAMES, "detailMessage", detail);
}

/* The initialization vector stands in front of the data. */
VONK_FN_EVAL(eval_encrypt)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        request q;
        char random[16], *at;
        size_t bytes;
        VONK_TRY(read_request(call->n_args, args, i, 5, &q, err));
        if (call->n_args > 4) q.iv = vonk_str_at(args[4], i);
        VONK_TRY(check_extras(&q, "aes_encrypt", err));
        if (!q.iv.len && q.iv_bytes) {
            vonk_random_bytes(random, q.iv_bytes);
            q.iv = (vonk_str){random, q.iv_bytes};
        }
        VONK_TRY(vonk_strings_reserve(&s, q.iv_bytes + q.data.len + VONK_AES_MORE_BYTES, &at, err));
        if (q.iv_bytes) memcpy(at, q.iv.data, q.iv_bytes);
        VONK_TRY(vonk_aes_encrypt(q.mode, q.key, q.iv, q.aad, q.data, at + q.iv_bytes, &bytes, err));
        vonk_strings_commit(&s, i, at, q.iv_bytes + bytes);
    }
    return vonk_strings_take(&s, ret, err);
}

static vonk_status decrypt_row(uint32_t n_args, vonk_column *const *args, uint32_t row, vonk_strings *s,
                               vonk_error *err)
{
    request q;
    char *at;
    size_t bytes;
    bool right = false;
    VONK_TRY(read_request(n_args, args, row, 4, &q, err));
    VONK_TRY(check_extras(&q, "aes_decrypt", err));
    if (q.data.len < q.iv_bytes) return crypto_failed("Invalid buffer arguments", err);
    q.iv = vonk_str_sub(q.data, 0, q.iv_bytes);
    vonk_str sealed = vonk_str_sub(q.data, q.iv_bytes, q.data.len);
    if (q.mode != VONK_AES_GCM && sealed.len % 16)
        return crypto_failed("Input length must be multiple of 16 when decrypting with padded cipher", err);
    VONK_TRY(vonk_strings_reserve(s, sealed.len + VONK_AES_MORE_BYTES, &at, err));
    VONK_TRY(vonk_aes_decrypt(q.mode, q.key, q.iv, q.aad, sealed, at, &bytes, &right, err));
    if (!right)
        return crypto_failed(q.mode == VONK_AES_GCM ? "Tag mismatch" : "the padding is wrong: another key?", err);
    vonk_strings_commit(s, row, at, bytes);
    return VONK_OK;
}

VONK_FN_EVAL(eval_decrypt)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_status st = decrypt_row(call->n_args, args, i, &s, err);
        if (st == VONK_OK) continue;
        if (call->mode != VONK_MODE_TRY || st != VONK_E_INVALID_PARAMETER_VALUE__AES_CRYPTO_ERROR) return st;
        vonk_error_reset(err);
        VONK_TRY(vonk_result_null(&s.result, i, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- hmac */

static bool find_digest(vonk_str name, vonk_digest *ret)
{
    static const struct {
        const char *name, *short_name;
        vonk_digest digest;
    } known[] = {{"SHA-224", "SHA224", VONK_SHA224}, {"SHA-256", "SHA256", VONK_SHA256},
                 {"SHA-384", "SHA384", VONK_SHA384}, {"SHA-512", "SHA512", VONK_SHA512},
                 {"SHA-1", "SHA1", VONK_SHA1},       {"MD5", "MD5", VONK_MD5}};
    for (size_t i = 0; i < VONK_COUNTOF(known); i++)
        if (vonk_str_is_nocase(name, known[i].name) || vonk_str_is_nocase(name, known[i].short_name)) {
            *ret = known[i].digest;
            return true;
        }
    return false;
}

VONK_FN_EVAL(eval_hmac)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        uint8_t mac[VONK_DIGEST_MOST_BYTES];
        vonk_str name = text_arg(args, call->n_args, 2, i, VONK_STR("SHA-256")), key = vonk_str_at(args[0], i);
        vonk_digest digest;
        if (!find_digest(name, &digest))
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__HMAC_ALGORITHM, "parameter", "`algorithm`",
                             "functionName", "`hmac`", "algorithm", VONK_F("'%.*s'", VONK_STR_ARGS(name)));
        if (!key.len)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__HMAC_CRYPTO_ERROR, "parameter", "`key`",
                             "functionName", "`hmac`", "detailMessage", "Empty key");
        VONK_TRY(vonk_hmac_of(digest, key, vonk_str_at(args[1], i), mac, err));
        VONK_TRY(vonk_strings_put(&s, i, (vonk_str){(const char *)mac, vonk_digest_bytes(digest)}, err));
    }
    return vonk_strings_take(&s, ret, err);
}
