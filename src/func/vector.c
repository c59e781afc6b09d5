/* func/vector.c -- arrays of floats as vectors: products, distances, norms. Sums are taken in double precision, eight
 * terms at a time, so that the last digits are Spark's. */
#include <math.h>

#include "func/collection_int.h"
#include "func/tables.h"
#include "text/number.h"

static vonk_body eval_pair, eval_norm, eval_normalize;
static vonk_status resolve_pair(vonk_fn_types *t, vonk_error *err);
static vonk_status resolve_norm(vonk_fn_types *t, vonk_error *err);

#define ROW .nullable = VONK_NULLABLE_ALWAYS, .group = "vector_funcs", .since = "4.2.0"
#define PAIR .args = "any,any", .result = "float", ROW, .resolve = resolve_pair, .eval = eval_pair

/* clang-format off */
const vonk_fn vonk_fns_vector[] = {
    {.name = "vector_cosine_similarity", PAIR, .doc = "The cosine of the angle between two vectors; NULL when one is zero or empty.",
     .example = "vector_cosine_similarity(array(1.0F, 2.0F, 3.0F), array(4.0F, 5.0F, 6.0F))", .expect = "0.97463185"},
    {.name = "vector_inner_product", PAIR, .doc = "The sum of the products of the vectors' elements.",
     .example = "vector_inner_product(array(1.0F, 2.0F, 3.0F), array(4.0F, 5.0F, 6.0F))", .expect = "32.0"},
    {.name = "vector_l2_distance", PAIR, .doc = "The Euclidean distance between two vectors.",
     .example = "vector_l2_distance(array(1.0F, 2.0F, 3.0F), array(4.0F, 5.0F, 6.0F))", .expect = "5.196152"},
    {.name = "vector_norm", .args = "any,!float?", .result = "float", ROW, .text = "$0($1, 2.0); $0($1, $2)", .resolve = resolve_norm,
     .eval = eval_norm, .doc = "The length of a vector: its norm of degree 1, 2 (if none is given) or infinity.",
     .example = "vector_norm(array(3.0F, 4.0F))", .expect = "5.0"},
    {.name = "vector_normalize", .args = "any,!float?", ROW, .text = "$0($1, 2.0); $0($1, $2)", .resolve = resolve_norm,
     .eval = eval_normalize, .doc = "The vector divided by its norm of degree 1, 2 (if none is given) or infinity.",
     .example = "vector_normalize(array(3.0F, 4.0F))", .expect = "[0.6, 0.8]"},
};
/* clang-format on */
VONK_FN_COUNT(vector);

static vonk_status need_floats(const vonk_fn_types *t, uint32_t arg, vonk_error *err)
{
    const vonk_type *type = t->types[arg];
    bool fits = type->id == VONK_T_ARRAY && type->fields[0].type->id == VONK_T_FLOAT;
    return fits ? VONK_OK : vonk_fn_wrong_type(t, arg, "\"ARRAY<FLOAT>\"", err);
}

static vonk_status resolve_pair(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(need_floats(t, 0, err));
    return need_floats(t, 1, err);
}

static vonk_status resolve_norm(vonk_fn_types *t, vonk_error *err)
{
    VONK_TRY(need_floats(t, 0, err));
    const vonk_type *floats;
    if (t->result) return VONK_OK;
    VONK_TRY(vonk__array_of(t, &vonk_type_float, true, &floats, err));
    return vonk_fn_set_result(t, floats);
}

/* ---- sums */

static float element(const vonk_column *lists, vonk_span s, uint32_t k)
{
    return VONK_VALUES(lists->children[0], float)[s.offset + k];
}

static bool has_null(const vonk_column *lists, vonk_span s)
{
    const vonk_column *child = lists->children[0];
    for (uint32_t k = 0; k < s.len && child->validity; k++)
        if (vonk_null_at(child, s.offset + k)) return true;
    return false;
}

typedef double term(double a, double b);
static double product(double a, double b) { return a * b; }
static double square_of_difference(double a, double b) { return (a - b) * (a - b); }
static double absolute(double a, double b)
{
    (void)b;
    return fabs(a);
}

static double sum_of(const vonk_column *left, vonk_span a, const vonk_column *right, vonk_span b, term *of)
{
    double sum = 0;
    uint32_t k = 0;
    while (k + 8 <= a.len) {
        double eight = of(element(left, a, k), element(right, b, k));
        for (uint32_t end = k + 8; ++k < end;) eight += of(element(left, a, k), element(right, b, k));
        sum += eight;
    }
    for (; k < a.len; k++) sum += of(element(left, a, k), element(right, b, k));
    return sum;
}

/* false: there is none. */
static bool pair_value(const vonk_fn *fn, vonk_column *const *args, vonk_span a, vonk_span b, float *ret)
{
    char kind = fn->name[7]; /* vector_c..., vector_i..., vector_l... */
    if (has_null(args[0], a) || has_null(args[1], b)) return false;
    if (kind == 'i') {
        *ret = (float)sum_of(args[0], a, args[1], b, product);
    } else if (kind == 'l') {
        *ret = (float)sqrt(sum_of(args[0], a, args[1], b, square_of_difference));
    } else {
        double norms = sqrt(sum_of(args[0], a, args[0], a, product) * sum_of(args[1], b, args[1], b, product));
        if (norms == 0) return false;
        *ret = (float)(sum_of(args[0], a, args[1], b, product) / norms);
    }
    return true;
}

VONK_FN_EVAL(eval_pair)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span a = vonk_span_at(args[0], i), b = vonk_span_at(args[1], i);
        if (a.len != b.len)
            return VONK_FAIL(err, VONK_E_VECTOR_DIMENSION_MISMATCH, "functionName", VONK_QUOTED(call->fn->name),
                             "leftDim", VONK_F("%u", a.len), "rightDim", VONK_F("%u", b.len));
        if (!pair_value(call->fn, args, a, b, &VONK_OUT(r, float)[i])) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- norms */

static vonk_status norm_of(const vonk_fn_call *call, vonk_column *const *args, uint32_t row, double *ret,
                           vonk_error *err)
{
    vonk_span s = vonk_span_at(args[0], row);
    float degree = call->n_args > 1 ? VONK_VALUES(args[1], float)[row] : 2;
    if (degree == 1) {
        *ret = sum_of(args[0], s, args[0], s, absolute);
    } else if (degree == 2) {
        *ret = sqrt(sum_of(args[0], s, args[0], s, product));
    } else if (isinf(degree) && degree > 0) {
        *ret = 0;
        for (uint32_t k = 0; k < s.len; k++)
            if (fabsf(element(args[0], s, k)) > *ret) *ret = fabsf(element(args[0], s, k));
    } else {
        char text[VONK_F64_CHARS];
        vonk_str shown = {text, vonk_f32_to_text(degree, text)};
        return VONK_FAIL(err, VONK_E_INVALID_VECTOR_NORM_DEGREE, "functionName", VONK_QUOTED(call->fn->name), "degree",
                         VONK_S(shown));
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_norm)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        double norm;
        VONK_TRY(norm_of(call, args, i, &norm, err));
        VONK_OUT(r, float)[i] = (float)norm;
        if (has_null(args[0], vonk_span_at(args[0], i))) VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_normalize)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_AUTO(vonk_column_unref) vonk_column *child = NULL;
    uint32_t n = 0;
    uint64_t total = 0;
    float *out;
    for (VONK_EACH_ROW(rows, i)) total += vonk_span_at(args[0], i).len;
    if (total > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "batches of more than 2147483647 array elements");
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    VONK_TRY(vonk_column_new(ev->budget, &vonk_type_float, (uint32_t)total, false, &child, (void **)&out, NULL, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_span s = vonk_span_at(args[0], i);
        double norm;
        VONK_TRY(norm_of(call, args, i, &norm, err));
        VONK_OUT(r, vonk_span)[i] = (vonk_span){n, s.len};
        if (has_null(args[0], s) || (norm == 0 && s.len)) VONK_TRY(vonk_result_null(&r, i, err));
        for (uint32_t k = 0; k < s.len; k++) out[n++] = norm == 0 ? 0 : (float)((double)element(args[0], s, k) / norm);
    }
    VONK_TRY(vonk_column_set_children(r.column, &child, 1, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
