/* func/digest.c -- checksums and digests of bytes; counting in bitmaps. */
#include "codec/compress.h"
#include "func/body.h"
#include "func/tables.h"
#include "sys/crypto.h"

static vonk_body eval_digest, eval_sha2, eval_crc32, eval_bit_position, eval_bucket_number, eval_bit_count;

#define ROW .group = "hash_funcs", .raises = VONK_NEVER_RAISES

/* clang-format off */
const vonk_fn vonk_fns_digest[] = {
    {.name = "crc32", .args = "binary", .result = "bigint", ROW, .eval = eval_crc32, .since = "1.5.0",
     .doc = "The cyclic redundancy check (32 bits) of the bytes.", .example = "crc32('Spark')", .expect = "1557323817"},
    {.name = "md5", .args = "binary", .result = "string", ROW, .eval = eval_digest, .since = "1.5.0",
     .doc = "The MD5 digest of the bytes, in hexadecimal.", .example = "md5('Spark')",
     .expect = "8cde774d6f7333752ed72cacddb05126"},
    {.name = "sha1", .args = "binary", .result = "string", ROW, .eval = eval_digest, .since = "1.5.0",
     .doc = "The SHA-1 digest of the bytes, in hexadecimal.", .example = "sha1('Spark')",
     .expect = "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"},
    {.name = "sha", .alias_of = "sha1", .example = "sha('Spark')", .expect = "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"},
    {.name = "sha2", .args = "binary,int", .result = "string", ROW, .nullable = VONK_NULLABLE_ALWAYS, .eval = eval_sha2,
     .since = "1.5.0", .doc = "The digest of the SHA-2 family with 224, 256 (also 0), 384 or 512 bits, in hexadecimal.",
     .example = "sha2('Spark', 256)", .expect = "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"},
    {.name = "bitmap_bit_position", .args = "bigint", .result = "bigint", .group = "misc_funcs", .raises = VONK_NEVER_RAISES,
     .eval = eval_bit_position, .since = "3.5.0", .doc = "The bit that stands for the number in its bucket's bitmap.",
     .example = "bitmap_bit_position(1)", .expect = "0"},
    {.name = "bitmap_bucket_number", .args = "bigint", .result = "bigint", .group = "misc_funcs", .raises = VONK_NEVER_RAISES,
     .eval = eval_bucket_number, .since = "3.5.0", .doc = "The bucket of bitmaps that the number belongs to.",
     .example = "bitmap_bucket_number(123)", .expect = "1"},
    {.name = "bitmap_count", .args = "!binary", .result = "bigint", .group = "misc_funcs", .raises = VONK_NEVER_RAISES,
     .eval = eval_bit_count, .since = "3.5.0", .doc = "How many bits are set.", .example = "bitmap_count(X'1010')",
     .expect = "2"},
};
/* clang-format on */
VONK_FN_COUNT(digest);

static vonk_status put_hex(vonk_strings *s, uint32_t row, const uint8_t *bytes, size_t n, vonk_error *err)
{
    static const char digits[] = "0123456789abcdef";
    char *at;
    VONK_TRY(vonk_strings_reserve(s, 2 * n, &at, err));
    for (size_t i = 0; i < n; i++) {
        at[2 * i] = digits[bytes[i] >> 4];
        at[2 * i + 1] = digits[bytes[i] & 15];
    }
    vonk_strings_commit(s, row, at, 2 * n);
    return VONK_OK;
}

static vonk_status put_digest(vonk_digester *d, vonk_digest kind, vonk_strings *s, uint32_t row, vonk_str data,
                              vonk_error *err)
{
    uint8_t bytes[VONK_DIGEST_MOST_BYTES];
    vonk_digester_add(d, data.data, data.len);
    vonk_digester_finish(d, bytes);
    return put_hex(s, row, bytes, vonk_digest_bytes(kind), err);
}

VONK_FN_EVAL(eval_digest)
{
    vonk_digest kind = strcmp(vonk_fn_canonical(call->fn)->name, "md5") == 0 ? VONK_MD5 : VONK_SHA1;
    VONK_AUTO(vonk_digester_free) vonk_digester *d = NULL;
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_digester_new(ev->budget, kind, &d, err));
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) VONK_TRY(put_digest(d, kind, &s, i, vonk_str_at(args[0], i), err));
    return vonk_strings_take(&s, ret, err);
}

/* VONK_N_DIGEST: there is none of so many bits. */
static vonk_digest sha2_kind(int32_t bits)
{
    switch (bits) {
    case 224: return VONK_SHA224;
    case 0:
    case 256: return VONK_SHA256;
    case 384: return VONK_SHA384;
    case 512: return VONK_SHA512;
    default: return VONK_N_DIGEST;
    }
}

static vonk_status sha2_rows(vonk_digester **digesters, vonk_eval *ev, vonk_column *const *args, vonk_rows rows,
                             vonk_strings *s, vonk_error *err)
{
    for (VONK_EACH_ROW(rows, i)) {
        vonk_digest kind = sha2_kind(vonk_i32_at(args[1], i));
        if (kind == VONK_N_DIGEST) {
            VONK_TRY(vonk_result_null(&s->result, i, err));
            continue;
        }
        if (!digesters[kind]) VONK_TRY(vonk_digester_new(ev->budget, kind, &digesters[kind], err));
        VONK_TRY(put_digest(digesters[kind], kind, s, i, vonk_str_at(args[0], i), err));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_sha2)
{
    vonk_digester *digesters[VONK_N_DIGEST] = {0};
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    vonk_status st = sha2_rows(digesters, ev, args, rows, &s, err);
    for (int i = 0; i < VONK_N_DIGEST; i++) vonk_digester_free(digesters[i]);
    return st == VONK_OK ? vonk_strings_take(&s, ret, err) : st;
}

/* One number for every row. */
static vonk_status numbers(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows,
                           vonk_rows rows, int64_t (*of)(const vonk_column *c, uint32_t row), vonk_column **ret,
                           vonk_error *err)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) VONK_OUT(r, int64_t)[i] = of(args[0], i);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static int64_t crc_of(const vonk_column *c, uint32_t row)
{
    vonk_str data = vonk_str_at(c, row);
    return vonk_crc32(data.data, data.len);
}

enum { BITMAP_BITS = 4096 * 8 };

static int64_t position_of(const vonk_column *c, uint32_t row)
{
    int64_t v = vonk_i64_at(c, row);
    return v > 0 ? (v - 1) % BITMAP_BITS : -(v % BITMAP_BITS);
}

static int64_t bucket_of(const vonk_column *c, uint32_t row)
{
    int64_t v = vonk_i64_at(c, row);
    return v > 0 ? 1 + (v - 1) / BITMAP_BITS : v / BITMAP_BITS;
}

static int64_t bits_of(const vonk_column *c, uint32_t row)
{
    vonk_str data = vonk_str_at(c, row);
    int64_t n = 0;
    for (size_t i = 0; i < data.len; i++) n += __builtin_popcount((uint8_t)data.data[i]);
    return n;
}

VONK_FN_EVAL(eval_crc32) { return numbers(call, ev, args, n_rows, rows, crc_of, ret, err); }
VONK_FN_EVAL(eval_bit_position) { return numbers(call, ev, args, n_rows, rows, position_of, ret, err); }
VONK_FN_EVAL(eval_bucket_number) { return numbers(call, ev, args, n_rows, rows, bucket_of, ret, err); }
VONK_FN_EVAL(eval_bit_count) { return numbers(call, ev, args, n_rows, rows, bits_of, ret, err); }
