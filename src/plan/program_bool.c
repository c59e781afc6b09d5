/* plan/program_bool.c -- AND, OR, NOT, IS NULL, struct fields; and what all kinds use for bitmaps and sets of rows. */
#include "column/kernel/kernel.h"
#include "plan/program_int.h"

/* ---- bitmaps and rows */

vonk_status vonk__scratch_bits(vonk_program_local *local, uint8_t **ret, vonk_error *err)
{
    return vonk_arena_alloc(local->scratch, vonk_bits_bytes(local->n_rows) + 8, ret, err);
}

vonk_status vonk__new_bools(vonk_program_local *local, vonk_column **ret, uint8_t **ret_bits, vonk_error *err)
{
    return vonk_column_new(local->budget, &vonk_type_boolean, local->n_rows, false, ret, (void **)ret_bits, NULL, err);
}

vonk_status vonk__bool_bits(vonk_program_local *local, const vonk_column *column, const uint8_t **ret_bits,
                            const uint8_t **ret_validity, vonk_column **ret_keep, vonk_error *err)
{
    const vonk_column *c = column;
    *ret_keep = NULL;
    if (column->type->id == VONK_T_NULL) { /* NULL as a condition */
        uint8_t *none;
        VONK_TRY(vonk__scratch_bits(local, &none, err));
        *ret_bits = *ret_validity = none;
        return VONK_OK;
    }
    if (column->encoding != VONK_FLAT) {
        VONK_TRY(vonk_column_flatten(local->budget, column, ret_keep, err));
        c = *ret_keep;
    }
    *ret_bits = c->data;
    *ret_validity = c->validity;
    return VONK_OK;
}

vonk_status vonk__rows_where(vonk_program_local *local, vonk_rows rows, const uint8_t *bits, const uint8_t *validity,
                             bool want, vonk_rows *ret, vonk_error *err)
{
    uint32_t n = local->n_rows, *out;
    if (validity || !want) {
        uint8_t *both;
        VONK_TRY(vonk__scratch_bits(local, &both, err));
        if (validity)
            vonk_kernels->bits_and(n, bits, validity, both);
        else
            memcpy(both, bits, vonk_bits_bytes(n));
        if (!want) vonk_kernels->bits_not(n, both, both);
        bits = both;
    }
    VONK_TRY(vonk_arena_alloc(local->scratch, (rows.n + 16) * sizeof(*out), &out, err));
    ret->n = (uint32_t)(rows.idx ? vonk_kernels->rows_where(rows.n, rows.idx, bits, out)
                                 : vonk_kernels->bits_to_rows(rows.n, bits, out));
    ret->idx = out;
    return VONK_OK;
}

static bool own_buffer(const vonk_column *c)
{
    return c->validity_buffer && vonk_buffer_is_own(c->validity_buffer) && c->validity == c->validity_buffer->data;
}

vonk_status vonk__and_validity(vonk_program_local *local, vonk_column **inout, const uint8_t *validity,
                               vonk_buffer *buffer_of_it, vonk_error *err)
{
    vonk_column *c = *inout;
    bool ours = c->encoding == VONK_FLAT && c->refs == 1;
    if (ours && !c->validity && buffer_of_it) {
        c->validity_buffer = vonk_buffer_ref(buffer_of_it);
        c->validity = validity;
        return VONK_OK;
    }
    if (ours && c->validity && own_buffer(c)) {
        vonk_kernels->bits_and(c->n_rows, c->validity, validity, c->validity_buffer->data);
        return VONK_OK;
    }
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bits = NULL;
    VONK_TRY(vonk_buffer_new(local->budget, vonk_bits_bytes(c->n_rows), &bits, err));
    memcpy(bits->data, validity, vonk_bits_bytes(c->n_rows));
    if (c->validity && c->encoding != VONK_CONSTANT) vonk_bits_and(bits->data, c->validity, c->n_rows);
    vonk_column *with = NULL;
    VONK_TRY(vonk_column_with_validity(local->budget, c, VONK_STEAL(bits), &with, err));
    vonk_column_unref(c);
    *inout = with;
    return VONK_OK;
}

/* ---- AND and OR: three values as two bitmaps, value and validity */

typedef struct truth {
    uint8_t *bits, *valid; /* valid NULL: no nulls so far */
} truth;

static vonk_status need_valid(vonk_program_local *local, truth *t, vonk_error *err)
{
    if (t->valid) return VONK_OK;
    VONK_TRY(vonk__scratch_bits(local, &t->valid, err));
    vonk_bits_fill(t->valid, local->n_rows, true);
    return VONK_OK;
}

/* t = t AND b (is_or: OR). What decides alone is false for AND, true for OR: then the other side's null does not
 * matter. Bit i of the result is valid if both are, or if one of them decides. */
static vonk_status fold_in(vonk_program_local *local, truth *t, const uint8_t *bits, const uint8_t *valid, bool is_or,
                           vonk_error *err)
{
    size_t n = vonk_bits_bytes(local->n_rows);
    if (!t->valid && !valid) {
        if (is_or)
            vonk_kernels->bits_or(local->n_rows, t->bits, bits, t->bits);
        else
            vonk_kernels->bits_and(local->n_rows, t->bits, bits, t->bits);
        return VONK_OK;
    }
    VONK_TRY(need_valid(local, t, err));
    uint8_t flip = is_or ? 0xff : 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t a = t->bits[i], av = t->valid[i], b = bits[i], bv = valid ? valid[i] : 0xff;
        uint8_t a_decides = (uint8_t)(av & (uint8_t)~(a ^ flip)), b_decides = (uint8_t)(bv & (uint8_t)~(b ^ flip));
        t->valid[i] = (uint8_t)((av & bv) | a_decides | b_decides);
        t->bits[i] = is_or ? (uint8_t)((a & av) | (b & bv)) : (uint8_t)(a & b & av & bv);
    }
    return VONK_OK;
}

/* Rows that are not decided: not false for AND, not true for OR. */
static vonk_status undecided(vonk_program_local *local, const truth *t, vonk_rows rows, bool is_or, vonk_rows *ret,
                             vonk_error *err)
{
    uint8_t *decided;
    uint32_t n = local->n_rows;
    VONK_TRY(vonk__scratch_bits(local, &decided, err));
    if (is_or)
        memcpy(decided, t->bits, vonk_bits_bytes(n));
    else
        vonk_kernels->bits_not(n, t->bits, decided);
    if (t->valid) vonk_kernels->bits_and(n, decided, t->valid, decided);
    return vonk__rows_where(local, rows, decided, NULL, false, ret, err);
}

static vonk_status run_chain(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, truth *t,
                             vonk_error *err)
{
    bool is_or = s->kind == VONK__STEP_OR;
    const vonk__scope *now = scope;
    for (uint32_t i = 0; i < s->n_args; i++) {
        const vonk__step *term = &local->program->steps[s->args[i]];
        if (i > 0 && (term->may_raise || !term->cheap)) {
            vonk_rows rows;
            VONK_TRY(undecided(local, t, now->rows, is_or, &rows, err));
            if (rows.n == 0) return VONK_OK;
            if (rows.n < now->rows.n) {
                vonk__scope *inner;
                VONK_TRY(VONK_ARENA_NEW(local->scratch, &inner, err));
                *inner = vonk__narrowed(local, now, rows);
                now = inner;
            }
        }
        vonk_column *value;
        VONK_AUTO(vonk_column_unref) vonk_column *keep = NULL;
        const uint8_t *bits, *valid;
        VONK_TRY(vonk__value(local, s->args[i], now, &value, err));
        VONK_TRY(vonk__bool_bits(local, value, &bits, &valid, &keep, err));
        VONK_TRY(fold_in(local, t, bits, valid, is_or, err));
    }
    return VONK_OK;
}

static vonk_status set_valid(vonk_program_local *local, vonk_column *c, const uint8_t *valid, vonk_error *err)
{
    if (!valid) return VONK_OK;
    VONK_TRY(vonk_buffer_new(local->budget, vonk_bits_bytes(c->n_rows), &c->validity_buffer, err));
    c->validity = c->validity_buffer->data;
    memcpy(c->validity_buffer->data, valid, vonk_bits_bytes(c->n_rows));
    return VONK_OK;
}

static vonk_status run_and_or(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope,
                              vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    truth t = {0};
    VONK_TRY(vonk__new_bools(local, &c, &t.bits, err));
    vonk_bits_fill(t.bits, local->n_rows, s->kind == VONK__STEP_AND);
    VONK_TRY(run_chain(local, s, scope, &t, err));
    VONK_TRY(set_valid(local, c, t.valid, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- one argument */

static vonk_status run_not(vonk_program_local *local, vonk_column *arg, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL, *keep = NULL;
    const uint8_t *bits, *valid;
    uint8_t *out;
    VONK_TRY(vonk__bool_bits(local, arg, &bits, &valid, &keep, err));
    VONK_TRY(vonk__new_bools(local, &c, &out, err));
    vonk_kernels->bits_not(local->n_rows, bits, out);
    VONK_TRY(set_valid(local, c, valid, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status constant_bool(vonk_program_local *local, bool value, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *one = NULL;
    uint8_t *bits;
    VONK_TRY(vonk_column_new(local->budget, &vonk_type_boolean, 1, false, &one, (void **)&bits, NULL, err));
    bits[0] = value;
    return vonk_column_constant_of(local->budget, one, 0, local->n_rows, ret, err);
}

static vonk_status run_null_test(vonk_program_local *local, const vonk_column *arg, bool want_null, vonk_column **ret,
                                 vonk_error *err)
{
    if (arg->type->id == VONK_T_NULL) return constant_bool(local, want_null, ret, err);
    if (!arg->validity) return constant_bool(local, !want_null, ret, err);
    if (arg->encoding == VONK_CONSTANT)
        return constant_bool(local, vonk_bit_get(arg->validity, 0) != want_null, ret, err);
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    uint8_t *out;
    VONK_TRY(vonk__new_bools(local, &c, &out, err));
    if (want_null)
        vonk_kernels->bits_not(local->n_rows, arg->validity, out);
    else
        memcpy(out, arg->validity, vonk_bits_bytes(local->n_rows));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

vonk_status vonk__run_logic(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                            vonk_error *err)
{
    if (s->kind == VONK__STEP_AND || s->kind == VONK__STEP_OR) return run_and_or(local, s, scope, ret, err);
    vonk_column *arg;
    VONK_TRY(vonk__value(local, s->args[0], scope, &arg, err));
    if (s->kind == VONK__STEP_NOT) return run_not(local, arg, ret, err);
    return run_null_test(local, arg, s->kind == VONK__STEP_IS_NULL, ret, err);
}

/* ---- fields */

vonk_status vonk__run_field(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                            vonk_error *err)
{
    vonk_column *arg;
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL, *field = NULL;
    VONK_TRY(vonk__value(local, s->args[0], scope, &arg, err));
    if (arg->type->id == VONK_T_NULL || (arg->encoding == VONK_CONSTANT && vonk_column_is_null(arg, 0)))
        return vonk_column_new_nulls(local->budget, s->type, local->n_rows, ret, err);
    if (arg->encoding == VONK_CONSTANT)
        return vonk_column_constant_of(local->budget, arg->children[s->index], 0, local->n_rows, ret, err);
    VONK_TRY(vonk_column_flatten(local->budget, arg, &flat, err));
    field = vonk_column_ref(flat->children[s->index]);
    if (flat->validity) VONK_TRY(vonk__and_validity(local, &field, flat->validity, flat->validity_buffer, err));
    *ret = VONK_STEAL(field);
    return VONK_OK;
}
