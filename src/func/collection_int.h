/* func/collection_int.h -- inside func: elements of arrays as sets. */
#ifndef VONK_FUNC_COLLECTION_INT_H
#define VONK_FUNC_COLLECTION_INT_H

#include "func/body.h"

/* A set of rows of one column, by value: null = null, NaN = NaN, 0.0 = -0.0. For one list at a time. */
typedef struct vonk__rowset {
    const vonk_column *column;
    uint64_t          *hashes; /* of the whole column; NULL while lists are short */
    uint32_t          *slots, *members, n, mask;
    bool               hashed; /* the list at hand is a long one */
} vonk__rowset;
/* most: members that one list can have. */
vonk_status vonk__rowset_init(vonk__rowset *s, vonk_eval *ev, const vonk_column *column, uint32_t most, vonk_error *err);
void        vonk__rowset_clear(vonk__rowset *s, uint32_t expected);
bool        vonk__rowset_has(const vonk__rowset *s, uint32_t row);
/* The equal row that is in it; UINT32_MAX: none. */
uint32_t    vonk__rowset_find(const vonk__rowset *s, uint32_t row);
bool        vonk__rowset_add(vonk__rowset *s, uint32_t row); /* false: an equal one is in it */

/* Elements in order, stable. Descending puts nulls last. */
typedef enum vonk__order { VONK__NULLS_FIRST, VONK__NULLS_LAST, VONK__DESCENDING } vonk__order;
vonk_status vonk__sort_arrays(const vonk_fn_call *call, vonk_eval *ev, vonk_column *const *args, uint32_t n_rows, vonk_rows rows, vonk__order order,
                              vonk_column **ret, vonk_error *err);

/* Are two values equal, neither being null? */
bool vonk__values_eq(const vonk_column *a, uint32_t a_row, const vonk_column *b, uint32_t b_row);

/* An INT and a FLOAT have the common type FLOAT here, in every mode: Spark asks the rules of the mode without ANSI. */
enum { VONK__ELEMENTS_ANSI = false };
/* ARRAY_FUNCTION_DIFF_TYPES of argument 0 and this one. */
vonk_status vonk__array_mismatch(const vonk_fn_types *t, uint32_t other, vonk_error *err);
/* Resolving: argument 0 is an array, argument `other` a value that belongs into it, both get their narrowest common type (or its widest without
 * making anything of strings). ARRAY_FUNCTION_DIFF_TYPES. Returns the array's type. */
vonk_status vonk__resolve_array_and_value(vonk_fn_types *t, uint32_t other, bool widest, const vonk_type **ret_array, vonk_error *err);
/* An array type that lives as long as the arena. */
vonk_status vonk__array_of(const vonk_fn_types *t, const vonk_type *element, bool nulls, const vonk_type **ret, vonk_error *err);

#endif
