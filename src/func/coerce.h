/* func/coerce.h -- Spark's implicit type rules, as functions of types alone (ANSI: AnsiTypeCoercion; else TypeCoercion). */
#ifndef VONK_FUNC_COERCE_H
#define VONK_FUNC_COERCE_H

#include "column/type.h"

/* The type both sides of a comparison, UNION, CASE, array(...) are cast to; *ret = NULL when there is none. New reference. */
vonk_status vonk_coerce_common(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret, vonk_error *err);
/* The same without turning strings into anything (array_contains, map_concat, ...). */
vonk_status vonk_coerce_common_no_strings(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret, vonk_error *err);
/* Widening without string promotion (findTightestCommonType): arithmetic. */
vonk_status vonk_coerce_tightest(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret, vonk_error *err);
/* Comparison operands: also string against others, as Spark's PromoteStrings / AnsiStringPromotion. */
vonk_status vonk_coerce_comparison(const vonk_type *a, const vonk_type *b, bool ansi, const vonk_type **ret, vonk_error *err);
/* Types that differ in nullability only (inside arrays, maps, structs): the one that allows what either allows; *ret = NULL when they differ in more. */
vonk_status vonk_coerce_merge_nulls(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err);
/* The same for types that also differ in the names of fields: those of `a`. */
vonk_status vonk_coerce_merge_structure(const vonk_type *a, const vonk_type *b, const vonk_type **ret, vonk_error *err);
/* May an argument of type `from` be cast implicitly to `to`? */
bool vonk_coerce_implicit(const vonk_type *from, const vonk_type *to, bool ansi);
/* CAST allowed at all (analysis)? mode says which table. */
bool vonk_coerce_can_cast(const vonk_type *from, const vonk_type *to, int mode);
/* Can the result be null although the value is not (schema)? Can a cast in this mode raise? */
bool vonk_coerce_cast_nullable(const vonk_type *from, const vonk_type *to, int mode);
bool vonk_coerce_cast_may_raise(const vonk_type *from, const vonk_type *to, int mode);
/* Store assignment (INSERT): spark.sql.storeAssignmentPolicy ANSI. */
bool vonk_coerce_can_store(const vonk_type *from, const vonk_type *to);
/* Result type of decimal arithmetic: op '+', '-', '*', '/', '%', 'd' (integral division). */
vonk_status vonk_coerce_decimal(char op, const vonk_type *a, const vonk_type *b, bool loss_allowed, const vonk_type **ret, vonk_error *err);
/* The decimal that holds every value of an integral type (bigint: 20,0); of a literal: its own digits. */
vonk_status vonk_coerce_decimal_for(const vonk_type *integral, const vonk_type **ret, vonk_error *err);

#endif
