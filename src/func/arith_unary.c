/* func/arith_unary.c -- signs, absolute values, bits, shifts, greatest and least. */
#include <math.h>

#include "func/arith_int.h"
#include "func/body.h"
#include "func/coerce.h"
#include "func/tables.h"

static vonk_status prepare_sign(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_bits(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_extreme(vonk_fn_types *t, vonk_error *err);
VONK_FN_EVAL(eval_not);
VONK_FN_EVAL(eval_bits);
VONK_FN_EVAL(eval_shift);
VONK_FN_EVAL(eval_bit_count);
VONK_FN_EVAL(eval_bit_get);
VONK_FN_EVAL(eval_signum);
VONK_FN_EVAL(eval_extreme);

#define STRICT .nulls = VONK_NULL_IN_NULL_OUT
#define MATH .group = "math_funcs"
#define BITS .group = "bitwise_funcs", .raises = VONK_NEVER_RAISES
#define SHIFTS .args = "int|bigint,int", .result = "arg0", STRICT, BITS, .eval = eval_shift

/* clang-format off */
const vonk_fn vonk_fns_arith_unary[] = {
    {.name = "negative", .symbol = "-", .args = "numeric|interval_dt|interval_ym|interval", .result = "arg0", STRICT,
     MATH, .raises = VONK_RAISES_ANSI_EXACT, .prepare = prepare_sign, .since = "1.0.0",
     .doc = "The value with the other sign.", .example = "negative(1)", .expect = "-1"},
    {.name = "positive", .kind = VONK_FN_REWRITE, .symbol = "+", .args = "numeric|interval_dt|interval_ym|interval",
     .result = "arg0", .rewrite = "$1", .text = "(+ $1)", MATH, .since = "1.5.0", .doc = "The value itself.",
     .example = "positive(1)", .expect = "1"},
    {.name = "abs", .args = "numeric|interval_dt|interval_ym", .result = "arg0", STRICT, MATH,
     .raises = VONK_RAISES_ANSI_EXACT, .prepare = prepare_sign, .since = "1.2.0",
     .doc = "How far the value is from zero.", .example = "abs(-1)", .expect = "1"},
    {.name = "signum", .args = "double|interval_ym|interval_dt", .result = "double", STRICT, MATH,
     .raises = VONK_NEVER_RAISES, .nullable = VONK_NULLABLE_ALWAYS, .eval = eval_signum, .text = "SIGNUM($1)",
     .since = "1.4.0", .doc = "-1.0, 0.0 or 1.0 for a negative value, zero, a positive one.", .example = "signum(40)",
     .expect = "1.0"},
    {.name = "sign", .alias_of = "signum", .text = "sign($1)", .example = "sign(-5)", .expect = "-1.0"},
    {.name = "~", .symbol = "~", .args = "=integral", .result = "arg0", STRICT, BITS, .eval = eval_not,
     .since = "1.4.0", .doc = "Every bit turned over.", .example = "~ 0", .expect = "-1"},
    {.name = "&", .symbol = "&", .swapped = "&", STRICT, BITS, .resolve = resolve_bits,
     .eval = eval_bits, .since = "1.4.0", .doc = "The bits that are set in both values.", .example = "3 & 5",
     .expect = "1"},
    {.name = "|", .symbol = "|", .swapped = "|", STRICT, BITS, .resolve = resolve_bits,
     .eval = eval_bits, .since = "1.4.0", .doc = "The bits that are set in one of the values.", .example = "3 | 5",
     .expect = "7"},
    {.name = "^", .symbol = "^", .swapped = "^", STRICT, BITS, .resolve = resolve_bits,
     .eval = eval_bits, .since = "1.4.0", .doc = "The bits that are set in exactly one of the values.",
     .example = "3 ^ 5", .expect = "6"},
    {.name = "shiftleft", SHIFTS, .since = "1.5.0", .doc = "The bits moved to the left.",
     .example = "shiftleft(2, 1)", .expect = "4"},
    {.name = "<<", .symbol = "<<", .alias_of = "shiftleft", .example = "2 << 1", .expect = "4"},
    {.name = "shiftright", SHIFTS, .since = "1.5.0", .doc = "The bits moved to the right; the sign stays.",
     .example = "shiftright(4, 1)", .expect = "2"},
    {.name = ">>", .symbol = ">>", .alias_of = "shiftright", .example = "4 >> 1", .expect = "2"},
    {.name = "shiftrightunsigned", SHIFTS, .since = "1.5.0", .doc = "The bits moved to the right, zeros coming in.",
     .example = "shiftrightunsigned(4, 1)", .expect = "2"},
    {.name = ">>>", .symbol = ">>>", .alias_of = "shiftrightunsigned", .example = "4 >>> 1", .expect = "2"},
    {.name = "bit_count", .args = "=integral|boolean", .result = "int", STRICT, BITS, .eval = eval_bit_count,
     .since = "3.0.0", .doc = "How many bits are set in the value as a BIGINT.", .example = "bit_count(0)",
     .expect = "0"},
    {.name = "bit_get", .args = "=integral,int", .result = "tinyint", STRICT, .group = "bitwise_funcs",
     .raises = VONK_MAY_RAISE, .eval = eval_bit_get, .since = "3.2.0",
     .doc = "The bit (0 or 1) at the position, counted from the right from 0.", .example = "bit_get(11, 0)",
     .expect = "1"},
    {.name = "getbit", .alias_of = "bit_get", .example = "getbit(11, 2)", .expect = "0"},
    {.name = "greatest", .swapped = "greatest", .args = "O,O,O...", .result = "O", .nulls = VONK_NULLS_OWN, MATH,
     .raises = VONK_NEVER_RAISES, .resolve = resolve_extreme, .eval = eval_extreme, .since = "1.5.0",
     .doc = "The largest of the values; NULLs do not count.", .example = "greatest(10, 9, 2, 4, 3)", .expect = "10"},
    {.name = "least", .swapped = "least", .args = "O,O,O...", .result = "O", .nulls = VONK_NULLS_OWN, MATH, .raises = VONK_NEVER_RAISES,
     .resolve = resolve_extreme, .eval = eval_extreme, .since = "1.5.0",
     .doc = "The smallest of the values; NULLs do not count.", .example = "least(10, 9, 2, 4, 3)", .expect = "2"},
};
/* clang-format on */
VONK_FN_COUNT(arith_unary);

static vonk_status resolve_bits(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *common = NULL;
    if (t->n_args != 2) return vonk_fn_wrong_count(t, "2", err);
    if (t->env->ansi) vonk__arith_promote_strings(t);
    for (int i = 0; i < 2; i++) {
        const vonk_type *other = t->types[1 - i];
        if (t->types[i]->id != VONK_T_NULL) continue;
        if (other->id == VONK_T_NULL)
            t->types[i] = &vonk_type_int;
        else if (vonk_type_is_integral(other) || vonk_type_is_stringy(other))
            t->types[i] = other;
    }
    const vonk_type *a = t->types[0], *b = t->types[1];
    if (vonk_type_same(a, b) && !vonk_type_is_integral(a))
        return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_WRONG_TYPE, "sqlExpr",
                         vonk_fn_call_text(t, (char[1024]){0}), "inputType", "\"INTEGRAL\"", "actualDataType",
                         VONK_TYPE_SQL(a));
    if (!vonk_type_is_integral(a) || !vonk_type_is_integral(b)) return vonk__arith_diff_types(t, err);
    VONK_TRY(vonk_coerce_tightest(a, b, t->env->ansi, &common, err));
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    t->types[0] = t->types[1] = common;
    return vonk_fn_set_result(t, common);
}

static vonk_status resolve_extreme(vonk_fn_types *t, vonk_error *err)
{
    t->result_nullable = true;
    for (uint32_t i = 0; i < t->n_args; i++) t->result_nullable &= t->nullable[i];
    return VONK_OK;
}

/* ---- negative, abs */

static void negate_interval(vonk_interval *v, bool *ret_bad)
{
    *ret_bad = v->months == INT32_MIN || v->days == INT32_MIN || v->us == INT64_MIN;
    *v = (vonk_interval){(int32_t)(0 - (uint32_t)v->months), (int32_t)(0 - (uint32_t)v->days),
                         (int64_t)(0 - (uint64_t)v->us)};
}

/* x becomes -x where it is taken; LEAST has no opposite. Decimals always have one. */
#define SIGN_INT(T, U, LEAST)                                                                                          \
    do {                                                                                                               \
        const T *in = args[0]->data;                                                                                   \
        T *out = r.data;                                                                                               \
        for (uint32_t i = 0; i < n_rows; i++) {                                                                        \
            bool flip = !absolute || in[i] < 0;                                                                        \
            out[i] = flip ? (T)(0 - (U)in[i]) : in[i];                                                                 \
            bad[i] = flip && in[i] == (LEAST);                                                                         \
            any |= bad[i];                                                                                             \
        }                                                                                                              \
    } while (0)
#define SIGN_FLOAT(T, ABS)                                                                                             \
    do {                                                                                                               \
        const T *in = args[0]->data;                                                                                   \
        T *out = r.data;                                                                                               \
        for (uint32_t i = 0; i < n_rows; i++) out[i] = absolute ? ABS(in[i]) : -in[i];                                 \
    } while (0)

VONK_FN_EVAL(eval_sign)
{
    bool absolute = call->fn->name[0] == 'a', decimal = call->type->id == VONK_T_DECIMAL;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad, any = 0;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    switch (call->type->storage) {
    case VONK_STORE_I8: SIGN_INT(int8_t, uint8_t, INT8_MIN); break;
    case VONK_STORE_I16: SIGN_INT(int16_t, uint16_t, INT16_MIN); break;
    case VONK_STORE_I32: SIGN_INT(int32_t, uint32_t, INT32_MIN); break;
    case VONK_STORE_I64: SIGN_INT(int64_t, uint64_t, INT64_MIN); break;
    case VONK_STORE_F32: SIGN_FLOAT(float, fabsf); break;
    case VONK_STORE_F64: SIGN_FLOAT(double, fabs); break;
    case VONK_STORE_I128: SIGN_INT(vonk_i128, vonk_u128, 0 - 1); break;
    default:
        for (uint32_t i = 0; i < n_rows; i++) {
            bool one_bad;
            vonk_interval v = VONK_VALUES(args[0], vonk_interval)[i];
            negate_interval(&v, &one_bad);
            ((vonk_interval *)r.data)[i] = v;
            any |= bad[i] = one_bad;
        }
    }
    bool interval = call->type->id == VONK_T_INTERVAL_YEAR_MONTH || call->type->id == VONK_T_INTERVAL_DAY_TIME;
    if (any && !decimal && (call->mode == VONK_MODE_ANSI || interval)) {
        uint32_t row = vonk_first_bad(ev, bad, n_rows, rows);
        if (row != UINT32_MAX && interval && !absolute)
            return VONK_FAIL(err, VONK_E_INTERVAL_ARITHMETIC_OVERFLOW__WITHOUT_SUGGESTION);
        if (row != UINT32_MAX) return vonk__arith_overflow(NULL, err);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_sign(vonk_fn_call *call, vonk_error *err)
{
    call->eval = eval_sign;
    call->dense = true;
    return VONK_OK;
}

VONK_FN_EVAL(eval_signum)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    bool real = args[0]->type->id == VONK_T_DOUBLE;
    for (VONK_EACH_ROW(rows, i)) {
        double v = real ? VONK_VALUES(args[0], double)[i] : (double)vonk_column_i64(args[0], i);
        ((double *)r.data)[i] = v > 0 ? 1 : v < 0 ? -1 : v; /* zeros and NaN stay what they are */
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- bits */

static void put_int(vonk_storage to, void *out, uint32_t i, int64_t v)
{
    switch (to) {
    case VONK_STORE_I8: ((int8_t *)out)[i] = (int8_t)v; break;
    case VONK_STORE_I16: ((int16_t *)out)[i] = (int16_t)v; break;
    case VONK_STORE_I32: ((int32_t *)out)[i] = (int32_t)v; break;
    default: ((int64_t *)out)[i] = v; break;
    }
}

VONK_FN_EVAL(eval_not)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        put_int(call->type->storage, r.data, i, ~vonk_column_i64(args[0], i));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_bits)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    char op = call->fn->symbol[0];
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t a = vonk_column_i64(args[0], i), b = vonk_column_i64(args[1], i);
        put_int(call->type->storage, r.data, i, op == '&' ? a & b : op == '|' ? a | b : a ^ b);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Java's shifts: the distance modulo the width. */
static int64_t shift(char op, bool wide, int64_t v, int64_t by)
{
    unsigned n = (unsigned)by & (wide ? 63u : 31u);
    if (op == 'l') return wide ? (int64_t)((uint64_t)v << n) : (int32_t)((uint32_t)v << n);
    if (op == 'u') return wide ? (int64_t)((uint64_t)v >> n) : (int32_t)((uint32_t)v >> n);
    return v >> n;
}

VONK_FN_EVAL(eval_shift)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    const char *name = vonk_fn_canonical(call->fn)->name;
    char op = name[5] == 'l' ? 'l' : name[10] == 'u' ? 'u' : 'r';
    bool wide = call->type->id == VONK_T_LONG;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        put_int(call->type->storage, r.data, i,
                shift(op, wide, vonk_column_i64(args[0], i), vonk_column_i64(args[1], i)));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_bit_count)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        ((int32_t *)r.data)[i] = __builtin_popcountll((unsigned long long)vonk_column_i64(args[0], i));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_bit_get)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    int64_t bits = (int64_t)vonk_storage_bytes(args[0]->type->storage) * 8;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t at = vonk_column_i64(args[1], i);
        if (at < 0 || at >= bits)
            return VONK_FAIL(err, VONK_E_INVALID_PARAMETER_VALUE__BIT_POSITION_RANGE, "parameter", "`pos`",
                             "functionName", VONK_F("`%s`", call->fn->name), "upper", VONK_F("%lld", (long long)bits),
                             "invalidValue", VONK_F("%lld", (long long)at));
        ((int8_t *)r.data)[i] = (int8_t)(vonk_column_i64(args[0], i) >> at & 1);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- greatest, least */

/* Which argument wins in each row; row i of argument a is row a * n_rows + i of all of them put together. */
VONK_FN_EVAL(eval_extreme)
{
    bool largest = call->fn->name[0] == 'g';
    uint32_t *idx;
    VONK_AUTO(vonk_column_unref) vonk_column *all = NULL;
    VONK_TRY(vonk_arena_array(ev->scratch, n_rows + 1, sizeof(*idx), &idx, err));
    for (uint32_t i = 0; i < n_rows; i++) idx[i] = UINT32_MAX;
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t i = vonk_row_at(rows, k), best = UINT32_MAX;
        for (uint32_t a = 0; a < call->n_args; a++) {
            if (vonk_column_is_null(args[a], i)) continue;
            int c = best == UINT32_MAX ? 0 : vonk_column_row_compare(args[a], i, args[best], i);
            if (best == UINT32_MAX || (largest ? c > 0 : c < 0)) best = a;
        }
        if (best != UINT32_MAX) idx[i] = best * n_rows + i;
    }
    if (call->type->id == VONK_T_NULL) return vonk_column_new_nulls(ev->budget, call->type, n_rows, ret, err);
    VONK_TRY(vonk_column_concat(ev->budget, (const vonk_column *const *)args, call->n_args, &all, err));
    return vonk_column_gather(ev->budget, all, idx, n_rows, true, ret, err);
}
