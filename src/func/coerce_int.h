/* func/coerce_int.h -- inside func: what the files of type rules share. */
#ifndef VONK_FUNC_COERCE_INT_H
#define VONK_FUNC_COERCE_INT_H

#include "func/coerce.h"

/* Decimal digits that hold every value of an integral type: 3, 5, 10, 20. */
int vonk__integral_digits(vonk_type_id id);
/* Could a cast turn a value into null (schema)? Spark's forceNullable. */
bool vonk__force_nullable(const vonk_type *from, const vonk_type *to);
/* The decimal for values of both types, one of them a decimal, the other a decimal or integral. */
vonk_status vonk__wider_decimal(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err);
/* DECIMAL(precision, scale), cut to 38 digits; `keep_integral`: the scale gives way first. */
vonk_status vonk__bounded_decimal(int precision, int scale, bool keep_integral, const vonk_type **ret, vonk_error *err);

#endif
