/* column/random_column.h -- for tests: columns of any type and encoding with random content, reproducible from a seed. Included by *_test.c after cmocka. */
#ifndef VONK_COLUMN_RANDOM_COLUMN_H
#define VONK_COLUMN_RANDOM_COLUMN_H

#include "base/hash.h"
#include "base/ok_test.h"
#include "column/builder.h"

static uint64_t random_state = 1;
static inline uint64_t random_u64(void) { return vonk_hash_mix(random_state += UINT64_C(0x9e3779b97f4a7c15)); }
static inline uint32_t random_below(uint32_t n) { return n ? (uint32_t)(random_u64() % n) : 0; }

static inline const vonk_type *random_type_of(const char *ddl)
{
    const vonk_type *t = NULL;
    OK(vonk_type_parse(vonk_str_of(ddl), &t, err));
    return t;
}

static inline vonk_status random_value(vonk_builder *b, const vonk_type *type, unsigned nulls_in_8, vonk_error *err);

static inline vonk_status random_string(vonk_builder *b, vonk_error *err)
{
    char     text[64];
    uint32_t n = random_below(3) ? random_below(14) : random_below(64);
    for (uint32_t i = 0; i < n; i++) text[i] = (char)('a' + random_below(3));
    return vonk_builder_str(b, (vonk_str){text, n}, err);
}

static inline double random_double(void)
{
    static const double odd[] = {0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1e-310, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
    return random_below(2) ? odd[random_below(10)] : (double)(int64_t)random_u64() / 1e9;
}

static inline vonk_i128 random_decimal(const vonk_type *t)
{
    vonk_i128 most = 1, v = (vonk_i128)(((vonk_u128)random_u64() << 64 | random_u64()) >> 1);
    for (int i = 0; i < t->precision; i++) most *= 10;
    return t->precision == 0 ? 0 : (random_below(3) ? v % most : (vonk_i128)random_below(5)) * (random_below(2) ? 1 : -1);
}

static inline vonk_status random_nested(vonk_builder *b, const vonk_type *type, unsigned nulls_in_8, vonk_error *err)
{
    uint32_t n = type->id == VONK_T_STRUCT || type->id == VONK_T_VARIANT ? 1 : random_below(4);
    for (uint32_t c = 0; c < b->n_children; c++)
        for (uint32_t k = 0; k < n; k++)
            VONK_TRY(random_value(&b->children[c], b->children[c].type, type->id == VONK_T_MAP && c == 0 ? 0 : nulls_in_8, err));
    return vonk_builder_close(b, err);
}

static inline vonk_status random_value(vonk_builder *b, const vonk_type *type, unsigned nulls_in_8, vonk_error *err)
{
    int64_t bits = random_below(2) ? (int64_t)random_u64() : (int64_t)random_below(5) - 2;
    if (type->id == VONK_T_NULL || random_below(8) < nulls_in_8) return vonk_builder_null(b, err);
    switch (type->storage) {
    case VONK_STORE_BIT: return vonk_builder_bool(b, bits & 1, err);
    case VONK_STORE_I8: return vonk_builder_i64(b, (int8_t)bits, err);
    case VONK_STORE_I16: return vonk_builder_i64(b, (int16_t)bits, err);
    case VONK_STORE_I32: return vonk_builder_i64(b, (int32_t)bits, err);
    case VONK_STORE_I64: return vonk_builder_i64(b, type->id == VONK_T_DECIMAL ? (int64_t)random_decimal(type) : bits, err);
    case VONK_STORE_I128: return vonk_builder_i128(b, type->id == VONK_T_DECIMAL ? random_decimal(type) : (vonk_i128)bits, err);
    case VONK_STORE_F32:
    case VONK_STORE_F64: return vonk_builder_f64(b, random_double(), err);
    case VONK_STORE_VIEW: return random_string(b, err);
    case VONK_STORE_INTERVAL:
        return vonk_builder_interval(b, (vonk_interval){(int32_t)random_below(3), (int32_t)random_below(3), (int64_t)random_below(3)}, err);
    default: return random_nested(b, type, nulls_in_8, err);
    }
}

static inline vonk_status random_flat(vonk_budget *budget, const vonk_type *type, uint32_t n, unsigned nulls_in_8, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_TRY(vonk_builder_init(&b, budget, type, random_below(2) ? n : 0, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(random_value(&b, type, nulls_in_8, err));
    return vonk_builder_finish(&b, ret, err);
}

static inline vonk_status random_dictionary(vonk_budget *budget, const vonk_type *type, uint32_t n, unsigned nulls_in_8, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *words = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *plain = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    uint32_t entries = 1 + random_below(20);
    VONK_TRY(random_flat(budget, type, entries, 0, &words, err));
    VONK_TRY(vonk_column_with_validity(budget, words, NULL, &plain, err)); /* nested children may still have nulls */
    VONK_TRY(vonk_buffer_new(budget, n * sizeof(uint32_t), &codes, err));
    for (uint32_t i = 0; i < n; i++) ((uint32_t *)codes->data)[i] = random_below(entries);
    if (nulls_in_8) {
        VONK_TRY(vonk_buffer_new(budget, vonk_bits_bytes(n), &validity, err));
        for (size_t i = 0; i < vonk_bits_bytes(n); i++) validity->data[i] = (uint8_t)(random_u64() | random_u64());
    }
    return vonk_column_new_dictionary(budget, VONK_STEAL(plain), VONK_STEAL(codes), VONK_STEAL(validity), n, ret, err);
}

/* A column of about that encoding: where a type cannot have it, a flat one. */
static inline vonk_status random_column(vonk_budget *budget, const vonk_type *type, uint32_t n, vonk_encoding encoding, unsigned nulls_in_8, vonk_column **ret,
                                        vonk_error *err)
{
    bool integral = vonk_type_is_integral(type) || type->id == VONK_T_DATE;
    if (encoding == VONK_DICTIONARY && type->id != VONK_T_NULL) return random_dictionary(budget, type, n, nulls_in_8, ret, err);
    if (encoding == VONK_SEQUENCE && integral)
        return vonk_column_new_sequence(budget, type, n, (int64_t)random_below(10) - 5, n < 30 ? (int64_t)random_below(7) - 3 : 0, ret, err);
    if (encoding == VONK_CONSTANT) {
        VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
        VONK_TRY(random_flat(budget, type, 1, nulls_in_8, &one, err));
        return vonk_column_constant_of(budget, one, 0, n, ret, err);
    }
    return random_flat(budget, type, n, nulls_in_8, ret, err);
}

static const char *const random_types[] = {
    "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(9,2)", "decimal(38,3)", "string", "binary", "date", "timestamp", "interval",
    "void", "array<string>", "map<string,array<int>>", "struct<a:int,b:struct<c:string,d:array<boolean>>>", "variant", "char(4)",
    "string collate UTF8_BINARY_RTRIM"};
#define N_RANDOM_TYPES VONK_COUNTOF(random_types)

#endif
