/* func/arith.c -- + - * / % div pmod and their try_ forms on numbers. Decimals: arith_decimal.c; dates and intervals:
 * arith_time.c. */
#include <math.h>

#include "func/arith_int.h"
#include "func/coerce.h"
#include "func/tables.h"
#include "text/number.h"

static vonk_status resolve_arith(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_arith(vonk_fn_call *call, vonk_error *err);

#define ARITHMETIC                                                                                                     \
    .nulls = VONK_NULL_IN_NULL_OUT, .resolve = resolve_arith, .prepare = prepare_arith, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_arith[] = {
    {.name = "+", .symbol = "+", .swapped = "+", ARITHMETIC, .raises = VONK_RAISES_ANSI_EXACT, .since = "1.0.0", .doc = "The sum.",
     .example = "1 + 2", .expect = "3"},
    {.name = "-", .symbol = "-", ARITHMETIC, .raises = VONK_RAISES_ANSI_EXACT, .since = "1.0.0",
     .doc = "The first value less the second.", .example = "2 - 1", .expect = "1"},
    {.name = "*", .symbol = "*", .swapped = "*", ARITHMETIC, .raises = VONK_RAISES_ANSI_EXACT, .since = "1.0.0", .doc = "The product.",
     .example = "2 * 3", .expect = "6"},
    {.name = "/", .symbol = "/", ARITHMETIC, .raises = VONK_RAISES_ANSI, .since = "1.0.0",
     .doc = "The quotient, never cut to an integer.", .example = "3 / 2", .expect = "1.5"},
    {.name = "%", .symbol = "%", ARITHMETIC, .raises = VONK_RAISES_ANSI, .nullable = VONK_NULLABLE_ALWAYS,
     .since = "1.0.0", .doc = "What is left of the first value after division; it has that value's sign.",
     .example = "7 % -3", .expect = "1"},
    {.name = "mod", .symbol = "%", .alias_of = "%", .since = "2.3.0", .example = "mod(2, 1.8)", .expect = "0.2"},
    {.name = "div", .symbol = "div", ARITHMETIC, .raises = VONK_RAISES_ANSI, .nullable = VONK_NULLABLE_ALWAYS,
     .since = "3.0.0", .doc = "How many times the second value goes into the first, cut towards zero; a BIGINT.",
     .example = "-7 div 2", .expect = "-3"},
    {.name = "pmod", ARITHMETIC, .raises = VONK_RAISES_ANSI, .nullable = VONK_NULLABLE_ALWAYS, .since = "1.5.0",
     .doc = "The rest of a division that is not negative when the divisor is positive.", .example = "pmod(-10, 3)",
     .expect = "2"},
    {.name = "try_add", .errors_of = "+", ARITHMETIC, .force_mode = VONK_MODE_TRY, .raises = VONK_NEVER_RAISES, .since = "3.2.0",
     .doc = "The sum, or NULL where it does not fit.", .example = "try_add(2147483647, 1)", .expect = "NULL"},
    {.name = "try_subtract", .errors_of = "-", ARITHMETIC, .force_mode = VONK_MODE_TRY, .raises = VONK_NEVER_RAISES, .since = "3.3.0",
     .doc = "The difference, or NULL where it does not fit.", .example = "try_subtract(-2147483648, 1)",
     .expect = "NULL"},
    {.name = "try_multiply", .errors_of = "*", ARITHMETIC, .force_mode = VONK_MODE_TRY, .raises = VONK_NEVER_RAISES, .since = "3.3.0",
     .doc = "The product, or NULL where it does not fit.", .example = "try_multiply(2147483647, 2)", .expect = "NULL"},
    {.name = "try_divide", .errors_of = "/", ARITHMETIC, .force_mode = VONK_MODE_TRY, .raises = VONK_NEVER_RAISES, .since = "3.2.0",
     .doc = "The quotient, or NULL where the divisor is zero.", .example = "try_divide(1, 0)", .expect = "NULL"},
    {.name = "try_mod", .errors_of = "%", ARITHMETIC, .force_mode = VONK_MODE_TRY, .raises = VONK_NEVER_RAISES, .since = "4.0.0",
     .doc = "The rest of a division, or NULL where the divisor is zero.", .example = "try_mod(5, 0)", .expect = "NULL"},
};
/* clang-format on */
VONK_FN_COUNT(arith);

char vonk__arith_op(const vonk_fn *fn)
{
    static const struct {
        const char *name;
        char op;
    } named[] = {{"div", 'd'},          {"pmod", 'p'},         {"mod", '%'},        {"try_add", '+'},
                 {"try_subtract", '-'}, {"try_multiply", '*'}, {"try_divide", '/'}, {"try_mod", '%'}};
    for (size_t i = 0; i < VONK_COUNTOF(named); i++)
        if (strcmp(fn->name, named[i].name) == 0) return named[i].op;
    return fn->name[0];
}

const char *vonk__arith_try_name(char op)
{
    switch (op) {
    case '+': return "try_add";
    case '-': return "try_subtract";
    case '*': return "try_multiply";
    default: return "try_divide";
    }
}

/* ---- types */

static bool is_decimal(const vonk_type *t) { return t->id == VONK_T_DECIMAL; }
static bool is_inexact(const vonk_type *t) { return t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE; }

vonk_status vonk__arith_diff_types(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_DIFF_TYPES, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "left", VONK_TYPE_SQL(t->types[0]), "right",
                     VONK_TYPE_SQL(t->types[1]));
}

vonk_status vonk__arith_wrong_type(const vonk_fn_types *t, char op, vonk_error *err)
{
    static const char sums[] =
        "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")";
    static const char divs[] =
        "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")";
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_WRONG_TYPE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "inputType",
                     op == '+' || op == '-' ? sums
                     : op == 'd'            ? divs
                     : op == '/'            ? "(\"DOUBLE\" or \"DECIMAL\")"
                                            : "\"NUMERIC\"",
                     "actualDataType", VONK_TYPE_SQL(t->types[0]));
}

/* A string counts as what the other side suggests, which may be nothing that the operator takes. */
void vonk__arith_promote_strings(vonk_fn_types *t)
{
    for (int i = 0; i < 2; i++) {
        const vonk_type *other = t->types[1 - i];
        if (!vonk_type_is_stringy(t->types[i]) || vonk_type_is_stringy(other)) continue;
        if (vonk_type_is_integral(other))
            t->types[i] = &vonk_type_long;
        else if (vonk_type_is_numeric(other))
            t->types[i] = &vonk_type_double;
        else if (vonk_type_is_atomic(other) && !vonk_type_is_interval(other))
            t->types[i] = other;
    }
}

static void strings_to_double(vonk_fn_types *t)
{
    for (int i = 0; i < 2; i++)
        if (vonk_type_is_stringy(t->types[i])) t->types[i] = &vonk_type_double;
}

static void replace_nulls(vonk_fn_types *t)
{
    for (int i = 0; i < 2; i++) {
        const vonk_type *other = t->types[1 - i];
        if (t->types[i]->id != VONK_T_NULL) continue;
        if (other->id == VONK_T_NULL)
            t->types[i] = &vonk_type_double;
        else if (vonk_type_is_numeric(other) || vonk_type_is_stringy(other))
            t->types[i] = other;
    }
}

int vonk__arith_literal_digits(const vonk_fn_types *t, int i)
{
    const vonk_column *value = t->constants && (!t->literal || t->literal[i]) ? t->constants[i] : NULL;
    if (!value || t->types[i]->id == VONK_T_BYTE || !vonk_type_is_integral(value->type) ||
        vonk_column_is_null(value, 0))
        return 0;
    int64_t v = vonk_column_i64(value, 0);
    return vonk_digits_u128(v < 0 ? 0 - (vonk_u128)v : (vonk_u128)v);
}

static vonk_status as_decimal(vonk_fn_types *t, int i, vonk_error *err)
{
    const vonk_type *made = NULL;
    const int digits = vonk__arith_literal_digits(t, i);
    if (is_decimal(t->types[i])) return VONK_OK;
    if (digits)
        VONK_TRY(vonk_type_decimal(digits, 0, &made, err));
    else
        VONK_TRY(vonk_coerce_decimal_for(t->types[i], &made, err));
    return vonk_fn_own_type(t->arena, made, &t->types[i], err);
}

static vonk_status resolve_decimal(vonk_fn_types *t, char op, vonk_error *err)
{
    const vonk_type *made = NULL;
    VONK_TRY(as_decimal(t, 0, err));
    VONK_TRY(as_decimal(t, 1, err));
    if (op == 'd') return vonk_fn_set_result(t, &vonk_type_long);
    VONK_TRY(
        vonk_coerce_decimal(op == 'p' ? '%' : op, t->types[0], t->types[1], t->env->decimal_loss_allowed, &made, err));
    const vonk_status set = vonk_fn_set_result(t, made);
    vonk_type_unref(made);
    return set;
}

static vonk_status resolve_numbers(vonk_fn_types *t, char op, vonk_error *err)
{
    const vonk_type *common = NULL;
    bool decimals = is_decimal(t->types[0]) || is_decimal(t->types[1]);
    bool inexact = is_inexact(t->types[0]) || is_inexact(t->types[1]);
    if (decimals && !inexact) return resolve_decimal(t, op, err);
    if (op == '/' || decimals) {
        common = &vonk_type_double;
    } else {
        VONK_TRY(vonk_coerce_tightest(t->types[0], t->types[1], t->env->ansi, &common, err));
        VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    }
    if (op == 'd' && is_inexact(common)) return vonk__arith_wrong_type(t, op, err);
    if (op == 'd') common = &vonk_type_long;
    t->types[0] = t->types[1] = common;
    return vonk_fn_set_result(t, common);
}

static vonk_status resolve_arith(vonk_fn_types *t, vonk_error *err)
{
    bool done = false;
    char op = vonk__arith_op(t->fn);
    if (t->n_args != 2) return vonk_fn_wrong_count(t, "2", err);
    /* Spark gives numbers to the operation's own try mode, and catches whatever others raise. */
    t->catches =
        t->fn->force_mode == VONK_MODE_TRY && !(vonk_type_is_numeric(t->types[0]) && vonk_type_is_numeric(t->types[1]));
    VONK_TRY(vonk__arith_resolve_time(t, op, &done, err));
    if (op == '/' && t->types[0]->id != VONK_T_INTERVAL_DAY_TIME) t->result_nullable = true;
    if (done) return VONK_OK;
    if (t->env->ansi)
        vonk__arith_promote_strings(t);
    else
        strings_to_double(t);
    replace_nulls(t);
    bool left = vonk_type_is_numeric(t->types[0]), right = vonk_type_is_numeric(t->types[1]);
    if (left && right) return resolve_numbers(t, op, err);
    return vonk_type_same(t->types[0], t->types[1]) ? vonk__arith_wrong_type(t, op, err)
                                                    : vonk__arith_diff_types(t, err);
}

/* ---- errors */

vonk_status vonk__arith_overflow(const char *alternative, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "overflow", "alternative",
                     alternative ? VONK_F(" Use '%s' to tolerate overflow and return NULL instead.", alternative) : "",
                     "config", "\"spark.sql.ansi.enabled\"");
}

static vonk_status div_overflow(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", "Overflow in integral divide", "alternative",
                     " Use 'try_divide' to tolerate overflow and return NULL instead.", "config",
                     "\"spark.sql.ansi.enabled\"");
}

vonk_status vonk__arith_zero(char op, vonk_error *err)
{
    if (op == '%' || op == 'p') return VONK_FAIL(err, VONK_E_REMAINDER_BY_ZERO, "config", "\"spark.sql.ansi.enabled\"");
    return VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", "\"spark.sql.ansi.enabled\"");
}

static vonk_status raise_overflow(char op, vonk_column *const *args, uint32_t row, vonk_error *err)
{
    vonk_storage s = args[0]->type->storage;
    const char *name = vonk__arith_try_name(op);
    if (s != VONK_STORE_I8 && s != VONK_STORE_I16) return vonk__arith_overflow(op == 'd' ? NULL : name, err);
    long long a = vonk_column_i64(args[0], row), b = vonk_column_i64(args[1], row);
    return VONK_FAIL(err, VONK_E_BINARY_ARITHMETIC_OVERFLOW, "value1", VONK_F("%lldS", a), "symbol", VONK_F("%c", op),
                     "value2", VONK_F("%lldS", b), "functionName", VONK_F("`%s`", name));
}

/* ---- bodies */

/* + - * by kernels: wrapped results, bad where it was. */
VONK_FN_EVAL(eval_kernel)
{
    char op = *(const char *)call->state;
    vonk_lane lane = vonk_lane_of(call->type->storage);
    const vonk_kernel_arith *kernels = op == '+'   ? vonk_kernels->add
                                       : op == '-' ? vonk_kernels->sub
                                                   : vonk_kernels->mul;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad = NULL;
    bool exact = call->mode != VONK_MODE_LEGACY && lane < VONK_LANE_F32;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    if (exact) VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    bool any = kernels[lane](n_rows, args[0]->data, args[1]->data, vonk__arith_shape(args), r.data, bad);
    if (any && exact) {
        uint32_t row = call->mode == VONK_MODE_ANSI ? vonk_first_bad_bit(ev, bad, n_rows, rows) : UINT32_MAX;
        if (row != UINT32_MAX) return raise_overflow(op, args, row, err);
        if (call->mode == VONK_MODE_TRY) VONK_TRY(vonk_result_null_bits(&r, bad, n_rows, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_divide)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    uint8_t *bad;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    VONK_TRY(vonk_bad_mask(ev, n_rows, &bad, err));
    vonk_lane lane = vonk_lane_of(call->type->storage);
    if (vonk_kernels->div[lane](n_rows, args[0]->data, args[1]->data, vonk__arith_shape(args), r.data, bad)) {
        if (call->mode == VONK_MODE_ANSI && vonk_first_bad_bit(ev, bad, n_rows, rows) != UINT32_MAX)
            return vonk__arith_zero('/', err);
        VONK_TRY(vonk_result_null_bits(&r, bad, n_rows, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* One value of % div pmod; b is not 0. *ret_overflow: the smallest number by -1. */
static int64_t divide_i64(char op, int64_t a, int64_t b, bool *ret_overflow)
{
    if (b == -1) { /* the one quotient that does not fit */
        *ret_overflow = op == 'd' && a == INT64_MIN;
        return op == 'd' ? (int64_t)(0 - (uint64_t)a) : 0;
    }
    if (op == 'd') return a / b;
    int64_t rest = a % b;
    if (op == 'p' && rest < 0) rest = (int64_t)((uint64_t)rest + (uint64_t)b) % b;
    return rest;
}

#define INTEGER_DIVISION(name, T)                                                                                      \
    VONK_FN_EVAL(name)                                                                                                 \
    {                                                                                                                  \
        char op = *(const char *)call->state;                                                                          \
        VONK_AUTO(vonk_result_done) vonk_result r = {0};                                                               \
        VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));                                              \
        const T *a = args[0]->data, *b = args[1]->data;                                                                \
        T *out = r.data;                                                                                               \
        for (uint32_t k = 0; k < rows.n; k++) {                                                                        \
            uint32_t i = vonk_row_at(rows, k);                                                                         \
            T x = a[vonk__arith_row(args[0], i)], y = b[vonk__arith_row(args[1], i)];                                  \
            bool overflow = false;                                                                                     \
            if (y != 0) out[i] = (T)divide_i64(op, x, y, &overflow);                                                   \
            if (VONK_LIKELY(y != 0 && !overflow)) continue;                                                            \
            if (call->mode == VONK_MODE_ANSI) return overflow ? div_overflow(err) : vonk__arith_zero(op, err);         \
            if (y == 0) out[i] = 0;                                                                                    \
            if (y == 0 || call->mode == VONK_MODE_TRY) VONK_TRY(vonk_result_null(&r, i, err));                         \
        }                                                                                                              \
        *ret = vonk_result_take(&r);                                                                                   \
        return VONK_OK;                                                                                                \
    }
INTEGER_DIVISION(eval_division_i8, int8_t)
INTEGER_DIVISION(eval_division_i16, int16_t)
INTEGER_DIVISION(eval_division_i32, int32_t)
INTEGER_DIVISION(eval_division_i64, int64_t)

static double float_rest(char op, double a, double b)
{
    double rest = fmod(a, b);
    return op == 'p' && rest < 0 ? fmod(rest + b, b) : rest;
}

#define FLOAT_REST(name, T)                                                                                            \
    VONK_FN_EVAL(name)                                                                                                 \
    {                                                                                                                  \
        char op = *(const char *)call->state;                                                                          \
        VONK_AUTO(vonk_result_done) vonk_result r = {0};                                                               \
        VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));                                              \
        const T *a = args[0]->data, *b = args[1]->data;                                                                \
        for (uint32_t k = 0; k < rows.n; k++) {                                                                        \
            uint32_t i = vonk_row_at(rows, k);                                                                         \
            T x = a[vonk__arith_row(args[0], i)], y = b[vonk__arith_row(args[1], i)];                                  \
            ((T *)r.data)[i] = y != 0 ? (T)float_rest(op, (double)x, (double)y) : 0;                                   \
            if (VONK_LIKELY(y != 0)) continue;                                                                         \
            if (call->mode == VONK_MODE_ANSI) return vonk__arith_zero(op, err);                                        \
            VONK_TRY(vonk_result_null(&r, i, err));                                                                    \
        }                                                                                                              \
        *ret = vonk_result_take(&r);                                                                                   \
        return VONK_OK;                                                                                                \
    }
FLOAT_REST(eval_rest_f32, float)
FLOAT_REST(eval_rest_f64, double)

static vonk_status prepare_arith(vonk_fn_call *call, vonk_error *err)
{
    static const vonk_fn_eval divisions[VONK_N_LANE] = {eval_division_i8,  eval_division_i16, eval_division_i32,
                                                        eval_division_i64, eval_rest_f32,     eval_rest_f64};
    static const char ops[] = "+-*/%dp";
    char op = vonk__arith_op(call->fn);
    call->state = strchr(ops, op);
    call->takes_constants = true;
    bool done = false;
    VONK_TRY(vonk__arith_prepare_time(call, op, &done, err));
    if (!done) VONK_TRY(vonk__arith_prepare_decimal(call, op, &done, err));
    if (done) return VONK_OK;
    if (op == '+' || op == '-' || op == '*')
        call->eval = eval_kernel;
    else if (op == '/')
        call->eval = eval_divide;
    else {
        vonk_lane lane = vonk_lane_of(call->type->storage);
        assert(lane < VONK_N_LANE && divisions[lane]);
        call->eval = divisions[lane];
    }
    call->dense = call->eval == eval_kernel || call->eval == eval_divide;
    return VONK_OK;
}
