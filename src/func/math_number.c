/* func/math_number.c -- number systems (bin, hex, unhex, conv) and factorials. */
#include "func/arith_int.h"
#include "func/body.h"
#include "func/tables.h"

VONK_FN_EVAL(eval_bin);
VONK_FN_EVAL(eval_hex);
VONK_FN_EVAL(eval_unhex);
VONK_FN_EVAL(eval_conv);
VONK_FN_EVAL(eval_factorial);

#define STRICT .nulls = VONK_NULL_IN_NULL_OUT, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_math_number[] = {
    {.name = "bin", .args = "bigint", .result = "string", STRICT, .raises = VONK_NEVER_RAISES, .eval = eval_bin, .since = "1.5.0",
     .doc = "The bits of the value as text, two's complement for negative ones.", .example = "bin(13)", .expect = "1101"},
    {.name = "hex", .args = "bigint|binary|string", .result = "string", STRICT, .raises = VONK_NEVER_RAISES, .eval = eval_hex,
     .since = "1.5.0", .doc = "A number or the bytes of a text in hexadecimal digits.", .example = "hex('Spark SQL')",
     .expect = "537061726B2053514C"},
    {.name = "unhex", .args = "string", .result = "binary", STRICT, .raises = VONK_NEVER_RAISES, .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_unhex, .since = "1.5.0", .doc = "The bytes that hexadecimal digits stand for; NULL when there are others.",
     .example = "CAST(unhex('537061726B') AS STRING)", .expect = "Spark"},
    {.name = "conv", .args = "string,int,int", .result = "string", STRICT, .raises = VONK_RAISES_ANSI, .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_conv, .since = "1.5.0", .doc = "A number from one base to another (2 to 36; a negative base shows signs).",
     .example = "conv('100', 2, 10)", .expect = "4"},
    {.name = "factorial", .args = "int", .result = "bigint", STRICT, .raises = VONK_NEVER_RAISES, .nullable = VONK_NULLABLE_ALWAYS,
     .eval = eval_factorial, .since = "1.5.0", .doc = "The product of 1 to the value, which is from 0 to 20; NULL for others.",
     .example = "factorial(5)", .expect = "120"},
};
/* clang-format on */
VONK_FN_COUNT(math_number);

/* Digits of v in base 2^bits, the last at end[-1]; returns where they start. */
static char *digits_before(uint64_t v, unsigned bits, char *end)
{
    do {
        *--end = "0123456789ABCDEF"[v & ((1u << bits) - 1)];
        v >>= bits;
    } while (v);
    return end;
}

static vonk_status numbers(const vonk_fn_call *call, vonk_eval *ev, const vonk_column *arg, uint32_t n_rows,
                           vonk_rows rows, unsigned bits, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        char text[64], *end = text + sizeof(text),
                       *at = digits_before((uint64_t)VONK_VALUES(arg, int64_t)[i], bits, end);
        VONK_TRY(vonk_strings_put(&s, i, (vonk_str){at, (size_t)(end - at)}, err));
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_bin) { return numbers(call, ev, args[0], n_rows, rows, 1, ret, err); }

VONK_FN_EVAL(eval_hex)
{
    if (args[0]->type->id == VONK_T_LONG) return numbers(call, ev, args[0], n_rows, rows, 4, ret, err);
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str in = vonk_column_str(args[0], i);
        char *out;
        VONK_TRY(vonk_strings_reserve(&s, in.len * 2 + 1, &out, err));
        for (size_t b = 0; b < in.len; b++) {
            out[2 * b] = "0123456789ABCDEF"[(unsigned char)in.data[b] >> 4];
            out[2 * b + 1] = "0123456789ABCDEF"[(unsigned char)in.data[b] & 15];
        }
        vonk_strings_commit(&s, i, out, in.len * 2);
    }
    return vonk_strings_take(&s, ret, err);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* An odd number of digits: the first one stands alone. */
static bool unhex(vonk_str in, char *out)
{
    size_t odd = in.len & 1;
    for (size_t i = 0; i < in.len; i++)
        if (digit_of(in.data[i]) > 15) return false;
    if (odd) out[0] = (char)digit_of(in.data[0]);
    for (size_t i = odd; i < in.len; i += 2)
        out[(i + odd) / 2] = (char)(digit_of(in.data[i]) << 4 | digit_of(in.data[i + 1]));
    return true;
}

VONK_FN_EVAL(eval_unhex)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_str in = vonk_column_str(args[0], i);
        char *out;
        VONK_TRY(vonk_strings_reserve(&s, in.len / 2 + 1, &out, err));
        if (unhex(in, out))
            vonk_strings_commit(&s, i, out, (in.len + 1) / 2);
        else
            VONK_TRY(vonk_strings_null(&s, i, err));
    }
    return vonk_strings_take(&s, ret, err);
}

/* ---- conv */

typedef enum conv_state { CONV_OK, CONV_NULL, CONV_OVERFLOW } conv_state;

/* Reads an unsigned number in base `from` until a character that is no digit of it; writes it in base `to`. */
static conv_state convert(vonk_str text, int64_t from, int64_t to, char out[72], size_t *ret_len)
{
    int64_t to_base = to < 0 ? -to : to;
    if (from < 2 || from > 36 || to_base < 2 || to_base > 36) return CONV_NULL;
    text = vonk_str_trim(text);
    if (text.len == 0) return CONV_NULL;
    bool negative = text.data[0] == '-', overflow = false;
    uint64_t v = 0;
    for (size_t i = negative; i < text.len; i++) {
        int d = digit_of(text.data[i]);
        if (d >= from) break;
        if (__builtin_mul_overflow(v, (uint64_t)from, &v) || __builtin_add_overflow(v, (uint64_t)d, &v)) {
            overflow = true;
            v = UINT64_MAX;
            break;
        }
    }
    if (negative && to > 0) v = (int64_t)v < 0 ? UINT64_MAX : 0 - v;
    if (to < 0 && (int64_t)v < 0) {
        v = 0 - v;
        negative = true;
    }
    char *end = out + 72, *at = end;
    do {
        *--at = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[v % (uint64_t)to_base];
        v /= (uint64_t)to_base;
    } while (v);
    if (negative && to < 0) *--at = '-';
    *ret_len = (size_t)(end - at);
    return overflow ? CONV_OVERFLOW : CONV_OK;
}

VONK_FN_EVAL(eval_conv)
{
    VONK_AUTO(vonk_strings_done) vonk_strings s = {0};
    VONK_TRY(vonk_strings_new(ev, call->type, n_rows, rows, &s, err));
    for (VONK_EACH_ROW(rows, i)) {
        char text[72];
        size_t n = 0;
        conv_state state =
            convert(vonk_column_str(args[0], i), vonk_column_i64(args[1], i), vonk_column_i64(args[2], i), text, &n);
        if (state == CONV_OVERFLOW && call->mode == VONK_MODE_ANSI)
            return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "Overflow in function conv()", "alternative",
                             "", "config", "\"spark.sql.ansi.enabled\"");
        if (state == CONV_NULL)
            VONK_TRY(vonk_strings_null(&s, i, err));
        else
            VONK_TRY(vonk_strings_put(&s, i, (vonk_str){text + 72 - n, n}, err));
    }
    return vonk_strings_take(&s, ret, err);
}

VONK_FN_EVAL(eval_factorial)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int32_t v = VONK_VALUES(args[0], int32_t)[i];
        int64_t f = 1;
        for (int64_t x = 2; x <= v && v <= 20; x++) f *= x;
        ((int64_t *)r.data)[i] = f;
        if (v < 0 || v > 20) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
