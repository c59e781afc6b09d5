/* func/compare.c -- comparisons of any two values of one type: numbers by kernels, strings by their first bytes, nested
 * values row by row. */
#include <math.h>

#include "func/arith_int.h"
#include "func/body.h"
#include "func/coerce_int.h"
#include "func/tables.h"

static vonk_status resolve_compare(vonk_fn_types *t, vonk_error *err);
static vonk_status prepare_compare(vonk_fn_call *call, vonk_error *err);
VONK_FN_EVAL(eval_isnan);
VONK_FN_EVAL(eval_nanvl);

#define COMPARISON(op, swapped_, since_, doc_, example_, expect_)                                                      \
    {.name = op,                                                                                                       \
     .symbol = op,                                                                                                     \
     .swapped = swapped_,                                                                                              \
     .nulls = VONK_NULL_IN_NULL_OUT,                                                                                   \
     .raises = VONK_NEVER_RAISES,                                                                                      \
     .resolve = resolve_compare,                                                                                       \
     .prepare = prepare_compare,                                                                                       \
     .group = "predicate_funcs",                                                                                       \
     .since = since_,                                                                                                  \
     .doc = doc_,                                                                                                      \
     .example = example_,                                                                                              \
     .expect = expect_}

/* clang-format off */
const vonk_fn vonk_fns_compare[] = {
    COMPARISON("=", "=", "1.0.0", "Are the two values equal? NULL when one of them is.", "2 = 2", "true"),
    {.name = "==", .alias_of = "=", .symbol = "=", .example = "'a' == 'b'", .expect = "false"},
    COMPARISON("<", ">", "1.0.0", "Is the left value smaller?", "1 < 2", "true"),
    COMPARISON("<=", ">=", "1.0.0", "Is the left value smaller or equal?", "2 <= 2", "true"),
    COMPARISON(">", "<", "1.0.0", "Is the left value larger?", "1 > 2", "false"),
    COMPARISON(">=", "<=", "1.0.0", "Is the left value larger or equal?", "'b' >= 'a'", "true"),
    {.name = "<=>", .symbol = "<=>", .swapped = "<=>", .nulls = VONK_NEVER_NULL, .raises = VONK_NEVER_RAISES,
     .resolve = resolve_compare, .prepare = prepare_compare, .group = "predicate_funcs", .since = "1.0.0",
     .doc = "Are the two values equal, NULL being equal to NULL? Never NULL.", .example = "NULL <=> NULL",
     .expect = "true"},
    {.name = "!=", .kind = VONK_FN_REWRITE, .args = "any,any", .rewrite = "NOT ($1 = $2)", .text = "(NOT ($1 = $2))",
     .group = "predicate_funcs", .since = "1.0.0", .doc = "Do the two values differ?", .example = "1 != 2",
     .expect = "true"},
    {.name = "<>", .alias_of = "!=", .example = "1 <> 1", .expect = "false"},
    {.name = "between", .kind = VONK_FN_REWRITE, .args = "any,any,any", .rewrite = "($1 >= $2) AND ($1 <= $3)",
     .text = "between($1, $2, $3)", .group = "predicate_funcs", .since = "1.0.0",
     .doc = "Does the value lie in the range, both ends included?", .example = "2 BETWEEN 1 AND 3", .expect = "true"},
    {.name = "isnan", .args = "double|float", .result = "boolean", .nulls = VONK_NEVER_NULL,
     .raises = VONK_NEVER_RAISES, .eval = eval_isnan, .group = "predicate_funcs", .since = "1.5.0",
     .doc = "Is the value NaN? False for NULL.", .example = "isnan(CAST('NaN' AS DOUBLE))", .expect = "true"},
    {.name = "nanvl", .args = "!float,=float;double,double", .result = "arg0", .nulls = VONK_NULLS_OWN,
     .raises = VONK_NEVER_RAISES, .nullable = VONK_NULLABLE_AUTO, .eval = eval_nanvl, .group = "conditional_funcs",
     .since = "1.5.0", .doc = "The first value unless it is NaN, then the second.",
     .example = "nanvl(CAST('NaN' AS DOUBLE), 123)", .expect = "123.0"},
};
/* clang-format on */
VONK_FN_COUNT(compare);

/* ---- types */

static vonk_status diff_types(const vonk_fn_types *t, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__BINARY_OP_DIFF_TYPES, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "left", VONK_TYPE_SQL(t->types[0]), "right",
                     VONK_TYPE_SQL(t->types[1]));
}

static bool is_equality(const vonk_fn *fn)
{
    const char *name = vonk_fn_canonical(fn)->name;
    return strcmp(name, "=") == 0 || strcmp(name, "<=>") == 0;
}

/* A number beside a decimal becomes a decimal of its own digits, in Spark by a cast that, the number's type having more
 * digits, might have given NULL. */
static bool is_cut(const vonk_fn_types *t, int i)
{
    const int digits = vonk__arith_literal_digits(t, i);
    return t->types[1 - i]->id == VONK_T_DECIMAL && digits && digits < vonk__integral_digits(t->types[i]->id);
}

static vonk_status resolve_compare(vonk_fn_types *t, vonk_error *err)
{
    const vonk_type *common = NULL;
    if (t->n_args != 2) return vonk_fn_wrong_count(t, "2", err);
    for (int i = 0; i < 2; i++) /* without ANSI true = 1 is true */
        if (!t->env->ansi && vonk_type_is_numeric(t->types[1 - i]) && t->types[i]->id == VONK_T_BOOLEAN &&
            is_equality(t->fn))
            t->types[i] = t->types[1 - i];
    if (t->fn->nulls == VONK_NULL_IN_NULL_OUT && (is_cut(t, 0) || is_cut(t, 1))) t->result_nullable = true;
    VONK_TRY(vonk_coerce_comparison(t->types[0], t->types[1], t->env->ansi, &common, err));
    if (!common) return diff_types(t, err);
    VONK_TRY(vonk_fn_own_type(t->arena, common, &common, err));
    if (common->id != VONK_T_NULL && !vonk_type_is_orderable(common)) return vonk_fn_not_orderable(t, common, err);
    t->types[0] = t->types[1] = common;
    return vonk_fn_set_result(t, &vonk_type_boolean);
}

/* ---- bodies */

typedef struct comparison {
    vonk_cmp op;
    bool null_safe;
} comparison;

typedef struct operands {
    const vonk_column *a, *b;
    vonk_shape shape;
    uint32_t n_rows;
    vonk_rows rows;
    uint8_t *bits; /* out */
} operands;

static bool outcome(vonk_cmp op, int c)
{
    switch (op) {
    case VONK_CMP_EQ: return c == 0;
    case VONK_CMP_NE: return c != 0;
    case VONK_CMP_LT: return c < 0;
    case VONK_CMP_LE: return c <= 0;
    case VONK_CMP_GT: return c > 0;
    default: return c >= 0;
    }
}

static uint32_t row_of(const vonk_column *c, uint32_t i) { return c->encoding == VONK_CONSTANT ? 0 : i; }

/* Few of many rows: their values are gathered, compared, and the bits put in place. */
static vonk_status compare_few(vonk_cmp op, vonk_lane lane, const operands *o, vonk_eval *ev, vonk_error *err)
{
    size_t width = vonk_storage_bytes(o->a->type->storage);
    const void *sides[2] = {o->a->data, o->b->data};
    uint8_t *bits;
    VONK_TRY(vonk_arena_alloc(ev->scratch, vonk_bits_bytes(o->rows.n) + 8, &bits, err));
    for (int s = 0; s < 2; s++) {
        void *dense;
        if ((s == 0 && o->shape == VONK_SV) || (s == 1 && o->shape == VONK_VS)) continue;
        VONK_TRY(vonk_arena_alloc(ev->scratch, o->rows.n * width + 64, &dense, err));
        if (width == 4)
            vonk_kernels->gather_4(o->rows.n, sides[s], o->rows.idx, dense);
        else if (width == 8)
            vonk_kernels->gather_8(o->rows.n, sides[s], o->rows.idx, dense);
        else
            vonk_kernels->gather_16(o->rows.n, sides[s], o->rows.idx, dense);
        sides[s] = dense;
    }
    vonk_kernels->compare[op][lane](o->rows.n, sides[0], sides[1], o->shape, bits);
    memset(o->bits, 0, vonk_bits_bytes(o->n_rows));
    for (uint32_t k = 0; k < o->rows.n; k++)
        if (vonk_bit_get(bits, k)) vonk_bit_set(o->bits, o->rows.idx[k]);
    return VONK_OK;
}

static vonk_status compare_lanes(vonk_cmp op, const operands *o, vonk_eval *ev, vonk_error *err)
{
    vonk_lane lane = vonk_lane_of(o->a->type->storage);
    bool wide = lane != VONK_LANE_I8 && lane != VONK_LANE_I16;
    if (o->rows.idx && wide && o->rows.n < o->n_rows / 8) return compare_few(op, lane, o, ev, err);
    vonk_kernels->compare[op][lane](o->n_rows, o->a->data, o->b->data, o->shape, o->bits);
    return VONK_OK;
}

/* Equality with a short constant: two words a row. */
static VONK_HOT void equal_to_short(size_t n, const vonk_view *v, const vonk_view *constant, uint8_t *bytes)
{
    uint64_t c[2];
    memcpy(c, constant, sizeof(c));
    const uint64_t *words = (const uint64_t *)v;
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(((words[2 * i] ^ c[0]) | (words[2 * i + 1] ^ c[1])) == 0);
}

static vonk_status compare_text(vonk_cmp op, const operands *o, vonk_eval *ev, vonk_error *err)
{
    const vonk_view *a = o->a->data, *b = o->b->data;
    bool equality = op == VONK_CMP_EQ || op == VONK_CMP_NE;
    if (equality && o->shape == VONK_VS && b[0].len <= VONK_VIEW_INLINE &&
        (!o->rows.idx || o->rows.n > o->n_rows / 4)) {
        uint8_t *bytes;
        VONK_TRY(vonk_bad_mask(ev, o->n_rows, &bytes, err));
        equal_to_short(o->n_rows, a, b, bytes);
        vonk_kernels->bytes_to_bits(o->n_rows, bytes, o->bits);
        if (op == VONK_CMP_NE) vonk_kernels->bits_not(o->n_rows, o->bits, o->bits);
        return VONK_OK;
    }
    memset(o->bits, 0, vonk_bits_bytes(o->n_rows));
    for (uint32_t k = 0; k < o->rows.n; k++) {
        uint32_t i = vonk_row_at(o->rows, k), ia = o->shape == VONK_SV ? 0 : i, ib = o->shape == VONK_VS ? 0 : i;
        bool on;
        if (equality)
            on = vonk_view_eq(&a[ia], o->a->heaps, &b[ib], o->b->heaps) == (op == VONK_CMP_EQ);
        else
            on = outcome(op, vonk_view_compare(&a[ia], o->a->heaps, &b[ib], o->b->heaps));
        if (on) vonk_bit_set(o->bits, i);
    }
    return VONK_OK;
}

static vonk_status compare_bools(vonk_cmp op, const operands *o)
{
    memset(o->bits, 0, vonk_bits_bytes(o->n_rows));
    for (uint32_t k = 0; k < o->rows.n; k++) {
        uint32_t i = vonk_row_at(o->rows, k);
        int a = vonk_bit_get(o->a->data, row_of(o->a, i)), b = vonk_bit_get(o->b->data, row_of(o->b, i));
        if (outcome(op, a - b)) vonk_bit_set(o->bits, i);
    }
    return VONK_OK;
}

static vonk_status compare_rows(vonk_cmp op, const operands *o)
{
    memset(o->bits, 0, vonk_bits_bytes(o->n_rows));
    for (uint32_t k = 0; k < o->rows.n; k++) {
        uint32_t i = vonk_row_at(o->rows, k);
        bool on;
        if (op == VONK_CMP_EQ && !vonk_type_is_orderable(o->a->type))
            on = vonk_column_row_eq(o->a, i, o->b, i);
        else
            on = outcome(op, vonk_column_row_compare(o->a, i, o->b, i));
        if (on) vonk_bit_set(o->bits, i);
    }
    return VONK_OK;
}

static vonk_status compare(vonk_cmp op, const operands *o, vonk_eval *ev, vonk_error *err)
{
    const vonk_type *t = o->a->type;
    if (vonk_lane_of(t->storage) != VONK_N_LANE) return compare_lanes(op, o, ev, err);
    if (t->storage == VONK_STORE_VIEW && t->collation == 0) return compare_text(op, o, ev, err);
    if (t->storage == VONK_STORE_BIT) return compare_bools(op, o);
    return compare_rows(op, o);
}

/* Rows where both are null, or neither and equal. */
static vonk_status with_nulls(const operands *o, vonk_eval *ev, vonk_error *err)
{
    for (uint32_t k = 0; k < o->rows.n; k++) {
        uint32_t i = vonk_row_at(o->rows, k);
        bool a = vonk_column_is_null(o->a, i), b = vonk_column_is_null(o->b, i);
        if (a || b) vonk_bit_put(o->bits, i, a && b);
    }
    return VONK_OK;
}

VONK_FN_EVAL(eval_compare)
{
    const comparison *c = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, &vonk_type_boolean, n_rows, rows, &r, err));
    bool left_one = args[0]->encoding == VONK_CONSTANT, right_one = args[1]->encoding == VONK_CONSTANT;
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    operands o = {args[0], args[1], right_one ? VONK_VS : left_one ? VONK_SV : VONK_VV, n_rows, rows, r.data};
    if (left_one && right_one) { /* only <=> gets here: NULL <=> x */
        VONK_TRY(vonk_column_flatten(ev->budget, args[0], &flat, err));
        o.a = flat;
    }
    if (args[0]->type->id != VONK_T_NULL) VONK_TRY(compare(c->op, &o, ev, err));
    if (c->null_safe && (o.a->validity || o.b->validity || o.a->type->id == VONK_T_NULL))
        VONK_TRY(with_nulls(&o, ev, err));
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

static vonk_status prepare_compare(vonk_fn_call *call, vonk_error *err)
{
    static const comparison ops[] = {{VONK_CMP_EQ, false}, {VONK_CMP_LT, false}, {VONK_CMP_LE, false},
                                     {VONK_CMP_GT, false}, {VONK_CMP_GE, false}, {VONK_CMP_EQ, true}};
    const char *s = call->fn->symbol;
    int i = s[0] == '=' ? 0 : s[0] == '<' ? (s[1] == 0 ? 1 : s[2] == '>' ? 5 : 2) : s[1] ? 4 : 3;
    call->state = &ops[i];
    call->eval = eval_compare;
    call->takes_constants = true;
    call->dense = vonk_lane_of(call->arg_types[0]->storage) != VONK_N_LANE && i != 5;
    return VONK_OK;
}

/* ---- NaN */

VONK_FN_EVAL(eval_isnan)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    bool single = args[0]->type->id == VONK_T_FLOAT;
    VONK_TRY(vonk_result_new(ev, &vonk_type_boolean, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        if (vonk_column_is_null(args[0], i)) continue;
        if (single ? isnan(VONK_VALUES(args[0], float)[i]) : isnan(VONK_VALUES(args[0], double)[i]))
            vonk_bit_set(r.data, i);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

VONK_FN_EVAL(eval_nanvl)
{
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    bool single = call->type->id == VONK_T_FLOAT;
    VONK_TRY(vonk_result_new(ev, call->type, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        const vonk_column *from = args[0];
        if (!vonk_column_is_null(from, i) && isnan(vonk_column_f64(from, i))) from = args[1];
        if (vonk_column_is_null(from, i)) VONK_TRY(vonk_result_null(&r, i, err));
        if (single)
            ((float *)r.data)[i] = VONK_VALUES(from, float)[i];
        else
            ((double *)r.data)[i] = VONK_VALUES(from, double)[i];
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}
