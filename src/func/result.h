/* func/result.h -- columns being made by function bodies.
 *
 * Every lane of a result is defined memory: vonk_result_new zeroes it when only some rows will be written. A null is set by vonk_result_null; the
 * bitmap is made with the first one. Storage belongs to the caller: VONK_AUTO(vonk_result_done) vonk_result r = {0}; */
#ifndef VONK_FUNC_RESULT_H
#define VONK_FUNC_RESULT_H

#include "func/func.h"

/* Head of a body: VONK_FN_EVAL(eval_sign) { ... } with call, ev, args, n_rows, rows, ret, err. */
#define VONK_FN_EVAL(name)                                                                                                       \
    static vonk_status name(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows, vonk_rows rows, \
                            vonk_column **ret, vonk_error *err)

typedef struct vonk_result {
    vonk_column *column;
    void        *data;
    uint8_t     *validity; /* NULL until the first null */
    vonk_budget *budget;
} vonk_result;

vonk_status vonk_result_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_result *r, vonk_error *err);
void        vonk_result_done(vonk_result *r);
VONK_DEFINE_AUTO_DONE(vonk_result, vonk_result_done)
vonk_status vonk__result_first_null(vonk_result *r, vonk_error *err);
static inline vonk_status vonk_result_null(vonk_result *r, uint32_t row, vonk_error *err)
{
    if (VONK_UNLIKELY(!r->validity)) VONK_TRY(vonk__result_first_null(r, err));
    vonk_bit_clear(r->validity, row);
    return VONK_OK;
}
/* Nulls where bad[row] is not 0, for rows that count. */
vonk_status vonk_result_null_where(vonk_result *r, const uint8_t *bad, uint32_t n_rows, vonk_error *err);
static inline vonk_column *vonk_result_take(vonk_result *r) { return VONK_STEAL(r->column); }

/* Strings and binaries: rows in any order, each once. Unwritten rows are empty. */
typedef struct vonk_strings {
    vonk_result  result;
    vonk_buffer *heap; /* being filled; not yet the column's */
    size_t       used;
} vonk_strings;
vonk_status vonk_strings_new(vonk_eval *ev, const vonk_type *type, uint32_t n_rows, vonk_rows rows, vonk_strings *s, vonk_error *err);
void        vonk_strings_done(vonk_strings *s);
VONK_DEFINE_AUTO_DONE(vonk_strings, vonk_strings_done)
/* Room for `bytes`; then commit what was really written. */
vonk_status vonk_strings_reserve(vonk_strings *s, size_t bytes, char **ret, vonk_error *err);
void        vonk_strings_commit(vonk_strings *s, uint32_t row, const char *at, size_t bytes);
vonk_status vonk_strings_put(vonk_strings *s, uint32_t row, vonk_str text, vonk_error *err);
static inline vonk_status vonk_strings_null(vonk_strings *s, uint32_t row, vonk_error *err) { return vonk_result_null(&s->result, row, err); }
vonk_status vonk_strings_take(vonk_strings *s, vonk_column **ret, vonk_error *err);

/* Lanes that went wrong: the first row that counts (among rows, not null by ev->validity) with bad[row] != 0; UINT32_MAX: none. */
uint32_t vonk_first_bad(const vonk_eval *ev, const uint8_t *bad, uint32_t n_rows, vonk_rows rows);
/* The same for the bitmaps that the kernels give. */
uint32_t    vonk_first_bad_bit(const vonk_eval *ev, const uint8_t *bits, uint32_t n_rows, vonk_rows rows);
vonk_status vonk_result_null_bits(vonk_result *r, const uint8_t *bits, uint32_t n_rows, vonk_error *err);
/* n_rows bytes of scratch for a bad mask (not cleared). */
vonk_status vonk_bad_mask(vonk_eval *ev, uint32_t n_rows, uint8_t **ret, vonk_error *err);

#endif
