/* func/spark_hash.c -- Murmur3 and xxHash64 as Spark uses them (its tail of Murmur3 is byte by byte), and the functions
 * hash and xxhash64. */
#include <math.h>

#include "func/resolve.h"
#include "func/result.h"
#include "func/spark_hash.h"
#include "func/tables.h"

static vonk_status resolve_hash(vonk_fn_types *t, vonk_error *err);
VONK_FN_EVAL(eval_hash);
VONK_FN_EVAL(eval_xxhash64);

/* clang-format off */
const vonk_fn vonk_fns_spark_hash[] = {
    {.name = "hash", .args = "any,any...", .result = "int", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES, .resolve = resolve_hash,
     .eval = eval_hash, .group = "hash_funcs", .since = "2.0.0", .doc = "The Murmur3 hash of the values.",
     .example = "hash('Spark', array(123), 2)", .expect = "-1321691492"},
    {.name = "xxhash64", .args = "any,any...", .result = "bigint", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES,
     .resolve = resolve_hash, .eval = eval_xxhash64, .group = "hash_funcs", .since = "3.0.0", .doc = "The xxHash64 hash of the values.",
     .example = "xxhash64('Spark', array(123), 2)", .expect = "5602566077635097486"},
};
/* clang-format on */
VONK_FN_COUNT(spark_hash);

/* ---- Murmur3 */

static uint32_t mix_k(uint32_t k)
{
    k *= 0xcc9e2d51u;
    k = k << 15 | k >> 17;
    return k * 0x1b873593u;
}
static uint32_t mix_h(uint32_t h, uint32_t k)
{
    h ^= k;
    h = h << 13 | h >> 19;
    return h * 5 + 0xe6546b64u;
}
static uint32_t avalanche(uint32_t h, uint32_t len)
{
    h ^= len;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}
static uint32_t murmur_int(uint32_t v, uint32_t seed) { return avalanche(mix_h(seed, mix_k(v)), 4); }
static uint32_t murmur_long(uint64_t v, uint32_t seed)
{
    return avalanche(mix_h(mix_h(seed, mix_k((uint32_t)v)), mix_k((uint32_t)(v >> 32))), 8);
}
static uint32_t murmur_bytes(const char *data, size_t len, uint32_t h)
{
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        uint32_t word;
        memcpy(&word, data + i, sizeof(word));
        h = mix_h(h, mix_k(word));
    }
    for (; i < len; i++) h = mix_h(h, mix_k((uint32_t)(int32_t)(signed char)data[i]));
    return avalanche(h, (uint32_t)len);
}

/* ---- xxHash64 */

#define XX1 UINT64_C(0x9E3779B185EBCA87)
#define XX2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define XX3 UINT64_C(0x165667B19E3779F9)
#define XX4 UINT64_C(0x85EBCA77C2B2AE63)
#define XX5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t v, int by) { return v << by | v >> (64 - by); }
static uint64_t xx_finish(uint64_t h)
{
    h ^= h >> 33;
    h *= XX2;
    h ^= h >> 29;
    h *= XX3;
    return h ^ h >> 32;
}
static uint64_t xx_int(uint32_t v, uint64_t seed)
{
    uint64_t h = seed + XX5 + 4;
    h ^= v * XX1;
    return xx_finish(rotate(h, 23) * XX2 + XX3);
}
static uint64_t xx_long(uint64_t v, uint64_t seed)
{
    uint64_t h = seed + XX5 + 8;
    h ^= rotate(v * XX2, 31) * XX1;
    return xx_finish(rotate(h, 27) * XX1 + XX4);
}
static uint64_t word_at(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static uint64_t xx_round(uint64_t v, uint64_t input) { return rotate(v + input * XX2, 31) * XX1; }
static uint64_t xx_merge(uint64_t h, uint64_t v) { return (h ^ xx_round(0, v)) * XX1 + XX4; }
static uint64_t xx_bytes(const char *p, size_t len, uint64_t seed)
{
    const char *end = p + len;
    uint64_t h = seed + XX5;
    if (len >= 32) {
        uint64_t a = seed + XX1 + XX2, b = seed + XX2, c = seed, d = seed - XX1;
        for (; end - p >= 32; p += 32) {
            a = xx_round(a, word_at(p));
            b = xx_round(b, word_at(p + 8));
            c = xx_round(c, word_at(p + 16));
            d = xx_round(d, word_at(p + 24));
        }
        h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        h = xx_merge(xx_merge(xx_merge(xx_merge(h, a), b), c), d);
    }
    h += len;
    for (; end - p >= 8; p += 8) h = rotate(h ^ xx_round(0, word_at(p)), 27) * XX1 + XX4;
    if (end - p >= 4) {
        uint32_t word;
        memcpy(&word, p, sizeof(word));
        h = rotate(h ^ word * XX1, 23) * XX2 + XX3;
        p += 4;
    }
    for (; p < end; p++) h = rotate(h ^ (unsigned char)*p * XX5, 11) * XX1;
    return xx_finish(h);
}

/* ---- values. One shape for both: what differs is how ints, longs and bytes are hashed. */

typedef struct hasher {
    bool wide; /* xxHash64 */
    uint64_t h;
} hasher;

static void add_int(hasher *s, uint32_t v) { s->h = s->wide ? xx_int(v, s->h) : murmur_int(v, (uint32_t)s->h); }
static void add_long(hasher *s, uint64_t v) { s->h = s->wide ? xx_long(v, s->h) : murmur_long(v, (uint32_t)s->h); }
static void add_bytes(hasher *s, const char *p, size_t n)
{
    s->h = s->wide ? xx_bytes(p, n, s->h) : murmur_bytes(p, n, (uint32_t)s->h);
}

/* Zeros are one value, and so are NaNs. */
static void add_float(hasher *s, float v)
{
    uint32_t bits;
    if (v == 0) v = 0;
    memcpy(&bits, &v, sizeof(bits));
    add_int(s, isnan(v) ? 0x7fc00000u : v == 0 ? 0 : bits);
}
static void add_double(hasher *s, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    add_long(s, isnan(v) ? UINT64_C(0x7ff8000000000000) : v == 0 ? 0 : bits);
}

/* Long decimals: the bytes of Java's BigInteger, big-endian, as few as hold the number with its sign. */
static void add_wide(hasher *s, vonk_i128 v)
{
    char bytes[16];
    int n = 1;
    while (n < 16 && v != (vonk_i128)((vonk_u128)v << (128 - 8 * n)) >> (128 - 8 * n)) n++;
    for (int i = 0; i < n; i++) bytes[i] = (char)(v >> (8 * (n - 1 - i)));
    add_bytes(s, bytes, (size_t)n);
}

static void add_value(hasher *s, const vonk_column *c, uint32_t row);

static void add_nested(hasher *s, const vonk_column *c, uint32_t row)
{
    if (c->type->storage == VONK_STORE_NONE) { /* struct */
        for (uint32_t i = 0; i < c->n_children; i++) add_value(s, c->children[i], row);
        return;
    }
    vonk_span span = VONK_VALUES(c, vonk_span)[row];
    for (uint32_t i = 0; i < span.len; i++)
        for (uint32_t k = 0; k < c->n_children; k++) add_value(s, c->children[k], span.offset + i);
}

/* Types are at most 128 deep, and so is this. */
static void add_value(hasher *s, const vonk_column *column, uint32_t at)
{
    uint32_t row;
    if (column->type->id == VONK_T_NULL || vonk_column_is_null(column, at)) return;
    const vonk_column *c = vonk_column_locate(column, at, &row);
    bool wide_decimal = c->type->id == VONK_T_DECIMAL && c->type->precision <= 18;
    switch (c->type->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32: add_int(s, (uint32_t)vonk_column_i64(c, row)); break;
    case VONK_STORE_I64: add_long(s, (uint64_t)vonk_column_i64(c, row)); break;
    case VONK_STORE_I128:
        if (wide_decimal)
            add_long(s, (uint64_t)vonk_column_i128(c, row));
        else
            add_wide(s, vonk_column_i128(c, row));
        break;
    case VONK_STORE_F32: add_float(s, (float)vonk_column_f64(c, row)); break;
    case VONK_STORE_F64: add_double(s, vonk_column_f64(c, row)); break;
    case VONK_STORE_VIEW: {
        vonk_str v = vonk_column_str(c, row);
        add_bytes(s, v.data, v.len);
        break;
    }
    case VONK_STORE_INTERVAL: {
        vonk_interval v = VONK_VALUES(c, vonk_interval)[row];
        add_long(s, (uint64_t)v.us);
        add_int(s, (uint32_t)v.days);
        add_int(s, (uint32_t)v.months);
        break;
    }
    default: add_nested(s, c, row); break;
    }
}

/* ---- columns */

static bool plain(const vonk_column *c, vonk_storage storage)
{
    return c->encoding == VONK_FLAT && !c->validity && c->type->storage == storage;
}

void vonk_spark_murmur3(const vonk_column *c, vonk_rows rows, uint32_t *inout)
{
    if (plain(c, VONK_STORE_I32)) {
        for (uint32_t k = 0; k < rows.n; k++)
            inout[k] = murmur_int(VONK_VALUES(c, uint32_t)[vonk_row_at(rows, k)], inout[k]);
        return;
    }
    if (plain(c, VONK_STORE_I64)) {
        for (uint32_t k = 0; k < rows.n; k++)
            inout[k] = murmur_long(VONK_VALUES(c, uint64_t)[vonk_row_at(rows, k)], inout[k]);
        return;
    }
    for (uint32_t k = 0; k < rows.n; k++) {
        hasher s = {false, inout[k]};
        add_value(&s, c, vonk_row_at(rows, k));
        inout[k] = (uint32_t)s.h;
    }
}

void vonk_spark_xxhash64(const vonk_column *c, vonk_rows rows, uint64_t *inout)
{
    if (plain(c, VONK_STORE_I64)) {
        for (uint32_t k = 0; k < rows.n; k++)
            inout[k] = xx_long(VONK_VALUES(c, uint64_t)[vonk_row_at(rows, k)], inout[k]);
        return;
    }
    for (uint32_t k = 0; k < rows.n; k++) {
        hasher s = {true, inout[k]};
        add_value(&s, c, vonk_row_at(rows, k));
        inout[k] = s.h;
    }
}

/* ---- functions */

static vonk_status resolve_hash(vonk_fn_types *t, vonk_error *err)
{
    const bool allowed = vonk_fn_setting_is(t->env, "spark.sql.legacy.allowHashOnMapType", "true");
    for (uint32_t i = 0; i < t->n_args; i++)
        if (vonk_type_has(t->types[i], VONK_T_MAP) && !allowed)
            return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__HASH_MAP_TYPE, "sqlExpr",
                             vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_F("`%s`", t->fn->name));
    return VONK_OK;
}

VONK_FN_EVAL(eval_hash)
{
    uint32_t *hashes;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*hashes), &hashes, err));
    for (uint32_t k = 0; k < rows.n; k++) hashes[k] = 42;
    for (uint32_t a = 0; a < call->n_args; a++) vonk_spark_murmur3(args[a], rows, hashes);
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (uint32_t k = 0; k < rows.n; k++) ((uint32_t *)r.data)[vonk_row_at(rows, k)] = hashes[k];
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_xxhash64)
{
    uint64_t *hashes;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_arena_array(ev->scratch, rows.n + 1, sizeof(*hashes), &hashes, err));
    for (uint32_t k = 0; k < rows.n; k++) hashes[k] = 42;
    for (uint32_t a = 0; a < call->n_args; a++) vonk_spark_xxhash64(args[a], rows, hashes);
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (uint32_t k = 0; k < rows.n; k++) ((uint64_t *)r.data)[vonk_row_at(rows, k)] = hashes[k];
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
