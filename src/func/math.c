/* func/math.c -- elementary functions of doubles. Rounding: math_round.c; number systems: math_number.c; random
 * numbers: random.c. */
#include <math.h>

#include "func/body.h"
#include "func/resolve.h"
#include "func/result.h"
#include "func/strict_math.h"
#include "func/tables.h"

static vonk_status prepare_one(vonk_fn_call *call, vonk_error *err);
static vonk_status prepare_two(vonk_fn_call *call, vonk_error *err);
static vonk_status resolve_bucket(vonk_fn_types *t, vonk_error *err);
VONK_FN_EVAL(eval_width_bucket);
VONK_FN_EVAL(eval_constant);

#define ONE                                                                                                            \
    .args = "double", .result = "double", .nulls = VONK_NULL_IN_NULL_OUT, .nullable = VONK_NULLABLE_ALWAYS,            \
    .raises = VONK_NEVER_RAISES, .prepare = prepare_one, .group = "math_funcs"
#define TWO                                                                                                            \
    .args = "double,double", .result = "double", .nulls = VONK_NULL_IN_NULL_OUT, .raises = VONK_NEVER_RAISES,          \
    .prepare = prepare_two, .group = "math_funcs"

/* clang-format off */
const vonk_fn vonk_fns_math[] = {
    {.name = "acos", ONE, .text = "ACOS($1)", .since = "1.4.0", .doc = "The angle with this cosine, in radians.",
     .example = "acos(1)", .expect = "0.0"},
    {.name = "acosh", ONE, .text = "ACOSH($1)", .since = "3.0.0", .doc = "The inverse hyperbolic cosine.",
     .example = "acosh(1)", .expect = "0.0"},
    {.name = "asin", ONE, .text = "ASIN($1)", .since = "1.4.0", .doc = "The angle with this sine, in radians.",
     .example = "asin(0)", .expect = "0.0"},
    {.name = "asinh", ONE, .text = "ASINH($1)", .since = "3.0.0", .doc = "The inverse hyperbolic sine.",
     .example = "asinh(0)", .expect = "0.0"},
    {.name = "atan", ONE, .text = "ATAN($1)", .since = "1.4.0", .doc = "The angle with this tangent, in radians.",
     .example = "atan(0)", .expect = "0.0"},
    {.name = "atanh", ONE, .text = "ATANH($1)", .since = "3.0.0", .doc = "The inverse hyperbolic tangent.",
     .example = "atanh(0)", .expect = "0.0"},
    {.name = "cbrt", ONE, .text = "CBRT($1)", .since = "1.4.0", .doc = "The cube root.", .example = "cbrt(27.0)",
     .expect = "3.0"},
    {.name = "cos", ONE, .text = "COS($1)", .since = "1.4.0", .doc = "The cosine of an angle in radians.",
     .example = "cos(0)", .expect = "1.0"},
    {.name = "cosh", ONE, .text = "COSH($1)", .since = "1.4.0", .doc = "The hyperbolic cosine.", .example = "cosh(0)",
     .expect = "1.0"},
    {.name = "cot", ONE, .text = "COT($1)", .since = "2.3.0", .doc = "The cotangent of an angle in radians.",
     .example = "cot(1)", .expect = "0.6420926159343306"},
    {.name = "csc", ONE, .text = "CSC($1)", .since = "3.3.0", .doc = "The cosecant of an angle in radians.",
     .example = "csc(1)", .expect = "1.1883951057781212"},
    {.name = "degrees", ONE, .text = "DEGREES($1)", .since = "1.4.0", .doc = "Radians as degrees.",
     .example = "degrees(3.141592653589793)", .expect = "180.0"},
    {.name = "exp", ONE, .text = "EXP($1)", .since = "1.4.0", .doc = "e to the power of the value.",
     .example = "exp(0)", .expect = "1.0"},
    {.name = "expm1", ONE, .text = "EXPM1($1)", .since = "1.4.0",
     .doc = "exp of the value less one, exact near zero.", .example = "expm1(0)", .expect = "0.0"},
    {.name = "ln", ONE, .since = "1.4.0", .doc = "The natural logarithm; NULL for zero and negative values.",
     .example = "ln(1)", .expect = "0.0"},
    {.name = "log", .args = "double;double,double", .result = "double", .nulls = VONK_NULL_IN_NULL_OUT,
     .nullable = VONK_NULLABLE_ALWAYS, .raises = VONK_NEVER_RAISES, .prepare = prepare_two, .group = "math_funcs",
     .text = "LOG(E(), $1); LOG($1, $2)", .since = "1.5.0",
     .doc = "The logarithm of the last value to the base of the first (e when there is one value).",
     .example = "log(10, 100)", .expect = "2.0"},
    {.name = "log10", ONE, .text = "LOG10($1)", .since = "1.4.0",
     .doc = "The logarithm to base 10; NULL for zero and negative values.", .example = "log10(10)", .expect = "1.0"},
    {.name = "log1p", ONE, .text = "LOG1P($1)", .since = "1.4.0",
     .doc = "The logarithm of the value plus one, exact near zero.", .example = "log1p(0)", .expect = "0.0"},
    {.name = "log2", ONE, .text = "LOG2($1)", .since = "1.4.0",
     .doc = "The logarithm to base 2; NULL for zero and negative values.", .example = "log2(2)", .expect = "1.0"},
    {.name = "radians", ONE, .text = "RADIANS($1)", .since = "1.4.0", .doc = "Degrees as radians.",
     .example = "radians(180)", .expect = "3.141592653589793"},
    {.name = "rint", ONE, .since = "1.4.0", .doc = "The nearest whole number, the even one of two.",
     .example = "rint(12.3456)", .expect = "12.0"},
    {.name = "sec", ONE, .text = "SEC($1)", .since = "3.3.0", .doc = "The secant of an angle in radians.",
     .example = "sec(0)", .expect = "1.0"},
    {.name = "sin", ONE, .text = "SIN($1)", .since = "1.4.0", .doc = "The sine of an angle in radians.",
     .example = "sin(0)", .expect = "0.0"},
    {.name = "sinh", ONE, .text = "SINH($1)", .since = "1.4.0", .doc = "The hyperbolic sine.", .example = "sinh(0)",
     .expect = "0.0"},
    {.name = "sqrt", ONE, .text = "SQRT($1)", .since = "1.1.1", .doc = "The square root; NaN for negative values.",
     .example = "sqrt(4)", .expect = "2.0"},
    {.name = "tan", ONE, .text = "TAN($1)", .since = "1.4.0", .doc = "The tangent of an angle in radians.",
     .example = "tan(0)", .expect = "0.0"},
    {.name = "tanh", ONE, .text = "TANH($1)", .since = "1.4.0", .doc = "The hyperbolic tangent.",
     .example = "tanh(0)", .expect = "0.0"},
    {.name = "atan2", TWO, .text = "ATAN2($1, $2)", .since = "1.4.0",
     .doc = "The angle of the point (second value, first value), in radians.", .example = "atan2(0, 0)",
     .expect = "0.0"},
    {.name = "hypot", TWO, .text = "HYPOT($1, $2)", .since = "1.4.0", .doc = "The root of the sum of both squares.",
     .example = "hypot(3, 4)", .expect = "5.0"},
    {.name = "pow", TWO, .since = "1.4.0", .doc = "The first value to the power of the second.",
     .example = "pow(2, 3)", .expect = "8.0"},
    {.name = "power", .alias_of = "pow", .text = "POWER($1, $2)", .example = "power(2, 3)", .expect = "8.0"},
    {.name = "e", .args = "", .result = "double", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES,
     .eval = eval_constant, .text = "E()", .group = "math_funcs", .since = "1.5.0", .doc = "Euler's number.",
     .example = "e()", .expect = "2.718281828459045"},
    {.name = "pi", .args = "", .result = "double", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES,
     .eval = eval_constant, .text = "PI()", .group = "math_funcs", .since = "1.5.0",
     .doc = "The ratio of a circle's circumference to its diameter.", .example = "pi()",
     .expect = "3.141592653589793"},
    {.name = "width_bucket",
     .args = "double|interval_ym|interval_dt,double|interval_ym|interval_dt,double|interval_ym|interval_dt,bigint", .resolve = resolve_bucket,
     .result = "bigint", .nulls = VONK_NULL_IN_NULL_OUT, .nullable = VONK_NULLABLE_ALWAYS,
     .raises = VONK_NEVER_RAISES, .eval = eval_width_bucket, .group = "math_funcs", .since = "3.1.0",
     .doc = "The number of the value's bucket when the range between the second and third value is cut into so many equal ones; 0 and n + 1 outside.",
     .example = "width_bucket(5.3, 0.2, 10.6, 5)", .expect = "3"},
};
/* clang-format on */
VONK_FN_COUNT(math);

/* The value and the range are of one kind. */
static vonk_status resolve_bucket(vonk_fn_types *t, vonk_error *err)
{
    vonk_fn_types range = *t;
    range.n_args = 3;
    if (t->types[0]->id == t->types[1]->id && t->types[1]->id == t->types[2]->id) return VONK_OK;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__DATA_DIFF_TYPES, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                     "functionName", "`width_bucket`", "dataType",
                     vonk_fn_type_list(&range, "(", " or ", ")", (char[1024]){0}));
}

/* ---- one argument */

/* Those of fdlibm (e_acosh.c, s_asinh.c): exact for small numbers, and without overflow for large ones. */
#define LARGE 0x1p28 /* x * x + 1 is x * x */
static double f_acosh(double x)
{
    if (x >= LARGE) return vonk_strict_log(x) + M_LN2;
    if (x > 2) return vonk_strict_log(2 * x - 1 / (x + sqrt(x * x - 1)));
    const double over = x - 1; /* below 0 there is none: sqrt gives NaN */
    return over < 0 ? NAN : vonk_strict_log1p(over + sqrt(2 * over + over * over));
}
static double f_asinh(double x)
{
    const double size = fabs(x), square = size * size;
    if (!isfinite(x) || size < 1 / LARGE) return x;
    if (size > LARGE) return copysign(vonk_strict_log(size) + M_LN2, x);
    if (size > 2) return copysign(vonk_strict_log(2 * size + 1 / (sqrt(square + 1) + size)), x);
    return copysign(vonk_strict_log1p(size + square / (1 + sqrt(1 + square))), x);
}
static double f_atanh(double x) { return 0.5 * (vonk_strict_log1p(x) - vonk_strict_log1p(-x)); }
static double f_cot(double x) { return 1 / tan(x); }
static double f_csc(double x) { return 1 / sin(x); }
static double f_sec(double x) { return 1 / cos(x); }
static double f_degrees(double x) { return x * 57.29577951308232; }
static double f_radians(double x) { return x * 0.017453292519943295; }
static double f_log2(double x) { return vonk_strict_log(x) / 0.6931471805599453; }

typedef struct one_fn {
    const char *name;
    double (*f)(double);
    bool has_floor;
    double floor; /* at it and below: NULL */
} one_fn;

static const one_fn ones[] = {
    {"acos", vonk_strict_acos},
    {"acosh", f_acosh},
    {"asin", vonk_strict_asin},
    {"asinh", f_asinh},
    {"atan", vonk_strict_atan},
    {"atanh", f_atanh},
    {"cbrt", vonk_strict_cbrt},
    {"cos", cos},
    {"cosh", vonk_strict_cosh},
    {"cot", f_cot},
    {"csc", f_csc},
    {"degrees", f_degrees},
    {"exp", vonk_strict_exp},
    {"expm1", vonk_strict_expm1},
    {"ln", vonk_strict_log, true, 0},
    {"log10", vonk_strict_log10, true, 0},
    {"log1p", vonk_strict_log1p, true, -1},
    {"log2", f_log2, true, 0},
    {"radians", f_radians},
    {"rint", rint},
    {"sec", f_sec},
    {"sin", sin},
    {"sinh", vonk_strict_sinh},
    {"sqrt", sqrt},
    {"tan", tan},
    {"tanh", vonk_strict_tanh},
};

VONK_FN_EVAL(eval_one)
{
    const one_fn *o = call->state;
    const double *in = args[0]->data;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    double *out = r.data;
    for (VONK_EACH_ROW(rows, i)) {
        if (o->has_floor && in[i] <= o->floor) {
            out[i] = 0;
            VONK_TRY(vonk_result_null(&r, i, err));
        } else {
            out[i] = o->f(in[i]);
        }
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_sqrt)
{
    const double *in = args[0]->data;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    double *out = r.data;
    for (uint32_t i = 0; i < n_rows; i++) out[i] = sqrt(in[i]);
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_one(vonk_fn_call *call, vonk_error *err)
{
    for (size_t i = 0; i < VONK_COUNTOF(ones); i++)
        if (strcmp(ones[i].name, call->fn->name) == 0) call->state = &ones[i];
    assert(call->state);
    bool root = strcmp(call->fn->name, "sqrt") == 0;
    call->eval = root ? eval_sqrt : eval_one;
    call->dense = root;
    return VONK_OK;
}

/* ---- two arguments */

typedef double (*two_fn)(double a, double b);

static double f_atan2(double a, double b) { return vonk_strict_atan2(a + 0.0, b + 0.0); }

VONK_FN_EVAL(eval_two)
{
    two_fn f = *(const two_fn *)call->state;
    const double *a = args[0]->data, *b = args[1]->data;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        ((double *)r.data)[i] = f(a[i], b[i]);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* log(x), log(base, x) */
VONK_FN_EVAL(eval_log)
{
    const double *x = args[call->n_args - 1]->data, *base = call->n_args == 2 ? args[0]->data : NULL;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    double *out = r.data;
    for (VONK_EACH_ROW(rows, i)) {
        out[i] = 0;
        if (x[i] <= 0 || (base && base[i] <= 0))
            VONK_TRY(vonk_result_null(&r, i, err));
        else
            out[i] = base ? vonk_strict_log(x[i]) / vonk_strict_log(base[i]) : vonk_strict_log(x[i]);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_two(vonk_fn_call *call, vonk_error *err)
{
    static const two_fn atan2_fn = f_atan2, hypot_fn = vonk_strict_hypot, pow_fn = vonk_strict_pow;
    char c = call->fn->name[0];
    call->eval = c == 'l' ? eval_log : eval_two;
    call->state = c == 'a' ? &atan2_fn : c == 'h' ? &hypot_fn : &pow_fn;
    return VONK_OK;
}

VONK_FN_EVAL(eval_constant)
{
    double *value;
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    VONK_TRY(vonk_column_new(ev->budget, call->type, 1, false, &one, (void **)&value, NULL, err));
    value[0] = call->fn->name[0] == 'e' ? M_E : M_PI;
    return vonk_column_constant_of(ev->budget, one, 0, n_rows, ret, err);
}

/* ---- buckets */

static double number(const vonk_column *c, uint32_t i)
{
    return c->type->id == VONK_T_DOUBLE ? VONK_VALUES(c, double)[i] : (double)vonk_column_i64(c, i);
}

static bool bucket(double v, double from, double to, int64_t n, int64_t *ret)
{
    if (n <= 0 || n == INT64_MAX || isnan(v) || from == to || !isfinite(from) || !isfinite(to)) return false;
    double low = from < to ? from : to, high = from < to ? to : from;
    bool up = from < to;
    if (up ? v < low : v > high)
        *ret = 0;
    else if (up ? v >= high : v <= low)
        *ret = n + 1;
    else
        *ret = (int64_t)((double)n * (up ? v - low : high - v) / (high - low)) + 1;
    return true;
}

VONK_FN_EVAL(eval_width_bucket)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        int64_t b = 0;
        if (!bucket(number(args[0], i), number(args[1], i), number(args[2], i), vonk_column_i64(args[3], i), &b))
            VONK_TRY(vonk_result_null(&r, i, err));
        ((int64_t *)r.data)[i] = b;
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
