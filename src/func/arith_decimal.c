/* func/arith_decimal.c -- decimal arithmetic: loops on 64 bits where the types say that everything fits, 128 and 256
 * bits where they do not. */
#include "func/arith_int.h"
#include "func/body.h"
#include "func/decimal.h"

typedef struct decimal_op {
    char op;
    const vonk_type *a, *b, *to;
    int64_t a_times, b_times; /* + and -: to the common scale */
    int shift;                /* / and div: power of ten of the numerator; *: digits to drop */
} decimal_op;

static bool narrow(const vonk_type *t) { return t->storage == VONK_STORE_I64; }

static vonk_i128 value_at(const vonk_column *c, uint32_t i)
{
    i = vonk__arith_row(c, i);
    return narrow(c->type) ? VONK_VALUES(c, int64_t)[i] : VONK_VALUES(c, vonk_i128)[i];
}

static void put(const vonk_type *to, void *out, uint32_t i, vonk_i128 v)
{
    if (narrow(to))
        ((int64_t *)out)[i] = (int64_t)v;
    else
        ((vonk_i128 *)out)[i] = v;
}

/* ---- exact by type: no lane can overflow */

VONK_FN_EVAL(eval_exact)
{
    const decimal_op *d = call->state;
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, d->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    const int64_t *a = args[0]->data, *b = args[1]->data;
    vonk_shape shape = vonk__arith_shape(args);
    if (d->op == '*') {
        if (narrow(d->to))
            vonk_kernels->decimal_mul_i64(n_rows, a, b, shape, r.data);
        else
            vonk_kernels->decimal_mul_i64_to_i128(n_rows, a, b, shape, r.data);
    } else if (narrow(d->to)) {
        vonk_kernels->decimal_add_i64(n_rows, a, d->a_times, b, d->b_times, shape, r.data);
    } else {
        vonk_kernels->decimal_add_i64_to_i128(n_rows, a, d->a_times, b, d->b_times, shape, r.data);
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- row by row */

/* The exact value may have more digits than fit a message; then the rounded one is shown as far as it is known. */
static vonk_status raise_range(const decimal_op *d, const vonk_column *a, const vonk_column *b, uint32_t row,
                               vonk_error *err)
{
    char left[VONK_DEC_CHARS + 1] = {0}, right[VONK_DEC_CHARS + 1] = {0};
    vonk_dec_to_text(value_at(a, row), a->type->scale, left);
    vonk_dec_to_text(value_at(b, row), b->type->scale, right);
    return VONK_FAIL(err, VONK_E_NUMERIC_VALUE_OUT_OF_RANGE__WITH_SUGGESTION, "value",
                     VONK_F("%s %c %s", left, d->op, right), "precision", VONK_F("%d", d->to->precision), "scale",
                     VONK_F("%d", d->to->scale), "config", "\"spark.sql.ansi.enabled\"");
}

static bool compute(const decimal_op *d, vonk_i128 a, vonk_i128 b, vonk_i128 *ret)
{
    switch (d->op) {
    case '+': return vonk_dec_add(a, d->a->scale, b, d->b->scale, d->to->scale, ret);
    case '-': return vonk_dec_add(a, d->a->scale, -b, d->b->scale, d->to->scale, ret);
    case '*': return vonk_dec_mul(a, b, d->shift, ret);
    case '/': return vonk_dec_div(a, b, d->shift, ret);
    case 'd': return vonk_dec_div_cut(a, b, d->shift, ret);
    default: break;
    }
    if (!vonk_dec_rem(a, d->a->scale, b, d->b->scale, ret)) return false;
    int common = d->a->scale > d->b->scale ? d->a->scale : d->b->scale;
    if (d->op == 'p' && *ret < 0) { /* (rest + b) % b */
        vonk_i128 s;
        if (!vonk_dec_add(*ret, common, b, d->b->scale, common, &s) || !vonk_dec_rem(s, common, b, d->b->scale, ret))
            return false;
    }
    return vonk_dec_rescale(*ret, common, d->to->scale, ret);
}

static bool fits(const decimal_op *d, vonk_i128 v)
{
    return d->op == 'd' ? v == (int64_t)v : vonk_dec_fits(v, d->to->precision);
}

VONK_FN_EVAL(eval_rows)
{
    const decimal_op *d = call->state;
    bool divides = d->op == '/' || d->op == '%' || d->op == 'd' || d->op == 'p';
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, d->to, n_rows, rows, &r, err));
    for (VONK_EACH_ROW(rows, i)) {
        vonk_i128 a = value_at(args[0], i), b = value_at(args[1], i), v = 0;
        bool zero = divides && b == 0;
        if (VONK_LIKELY(!zero && compute(d, a, b, &v) && fits(d, v))) {
            put(d->to, r.data, i, v);
            continue;
        }
        if (call->mode == VONK_MODE_ANSI)
            return zero ? vonk__arith_zero(d->op, err) : raise_range(d, args[0], args[1], i, err);
        put(d->to, r.data, i, 0);
        VONK_TRY(vonk_result_null(&r, i, err));
    }
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* ---- 128 by 64 bits: most wide values are small, and then one multiplication does */

static bool fits_i64(const vonk_column *c, uint32_t n, const int64_t **ret, int64_t *room)
{
    if (narrow(c->type)) {
        *ret = c->data;
        return true;
    }
    const vonk_i128 *v = c->data;
    uint64_t differs = 0;
    if (c->encoding == VONK_CONSTANT) n = 1;
    for (uint32_t i = 0; i < n; i++) {
        room[i] = (int64_t)v[i];
        differs |= (uint64_t)(v[i] >> 64) ^ (uint64_t)(room[i] >> 63);
    }
    *ret = room;
    return differs == 0;
}

/* A product that could leave 38 digits by its types, but not by its values. */
VONK_FN_EVAL(eval_product)
{
    const decimal_op *d = call->state;
    const int64_t *a, *b;
    int64_t *room;
    VONK_TRY(vonk_arena_array(ev->scratch, 2 * (size_t)n_rows + 2, sizeof(*room), &room, err));
    if (d->shift || !fits_i64(args[0], n_rows, &a, room) || !fits_i64(args[1], n_rows, &b, room + n_rows + 1))
        return eval_rows(call, ev, args, n_rows, rows, ret, err);
    VONK_AUTO(vonk_result_done) vonk_result r = {0};
    VONK_TRY(vonk_result_new(ev, d->to, n_rows, VONK_ALL_ROWS(n_rows), &r, err));
    vonk_kernels->decimal_mul_i64_to_i128(n_rows, a, b, vonk__arith_shape(args), r.data); /* up to 2^126: 38 digits */
    *ret = vonk_result_take(&r);
    return VONK_OK;
}

/* Digits that the exact result can have. */
static int exact_digits(const decimal_op *d)
{
    int s = d->a->scale > d->b->scale ? d->a->scale : d->b->scale;
    int wa = d->a->precision - d->a->scale, wb = d->b->precision - d->b->scale;
    return d->op == '*' ? d->a->precision + d->b->precision : (wa > wb ? wa : wb) + s + 1;
}

vonk_status vonk__arith_prepare_decimal(vonk_fn_call *call, char op, bool *ret_done, vonk_error *err)
{
    const vonk_type *a = call->arg_types[0], *b = call->arg_types[1];
    decimal_op *d = NULL;
    if (a->id != VONK_T_DECIMAL || b->id != VONK_T_DECIMAL) return VONK_OK;
    VONK_TRY(VONK_ARENA_NEW(call->arena, &d, err));
    *d = (decimal_op){.op = op, .a = a, .b = b, .to = call->type};
    int scale = a->scale > b->scale ? a->scale : b->scale;
    if (op == '*') d->shift = a->scale + b->scale - call->type->scale;
    if (op == '/') d->shift = call->type->scale - a->scale + b->scale;
    if (op == 'd') d->shift = b->scale - a->scale;
    bool sum = op == '+' || op == '-';
    bool loops = narrow(a) && narrow(b) && (sum || op == '*') && exact_digits(d) <= 38 &&
                 (sum ? call->type->scale == scale : d->shift == 0);
    if (loops && sum) {
        d->a_times = vonk_pow10_i64[scale - a->scale];
        d->b_times = vonk_pow10_i64[scale - b->scale];
        if (op == '-') d->b_times = -d->b_times;
    }
    call->state = d;
    call->eval = loops ? eval_exact : op == '*' && !narrow(call->type) ? eval_product : eval_rows;
    call->dense = loops;
    *ret_done = true;
    return VONK_OK;
}
