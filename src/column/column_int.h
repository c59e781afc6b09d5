/* column/column_int.h -- inside the folder: what the files of columns share. */
#ifndef VONK_COLUMN_COLUMN_INT_H
#define VONK_COLUMN_COLUMN_INT_H

#include "column/column.h"

/* The type that says how the data lies: what is inside user-defined types. */
static inline const vonk_type *vonk__physical(const vonk_type *t)
{
    while (t->id == VONK_T_UDT) t = t->fields[0].type;
    return t;
}
/* How many children a FLAT column of the type has, and of which types. */
static inline uint32_t vonk__n_children(const vonk_type *t)
{
    t = vonk__physical(t);
    return t->id == VONK_T_VARIANT ? 2 : t->n_fields;
}
static inline const vonk_type *vonk__child_type(const vonk_type *t, uint32_t i)
{
    t = vonk__physical(t);
    return t->id == VONK_T_VARIANT ? &vonk_type_binary : t->fields[i].type;
}
/* Children as long as the column itself: struct, variant. */
static inline bool vonk__is_struct(const vonk_type *t)
{
    t = vonk__physical(t);
    return t->id == VONK_T_STRUCT || t->id == VONK_T_VARIANT;
}

/* A column without data: every field zero but type, encoding, n_rows, refs. */
vonk_status vonk__column_alloc(vonk_budget *budget, const vonk_type *type, vonk_encoding encoding, uint32_t n_rows, vonk_column **ret, vonk_error *err);
/* Gives `column` a data buffer of `bytes` / a bitmap of n bits (undefined content). */
vonk_status vonk__column_add_data(vonk_budget *budget, vonk_column *column, size_t bytes, void **ret, vonk_error *err);
vonk_status vonk__column_add_validity(vonk_budget *budget, vonk_column *column, uint32_t n, uint8_t **ret, vonk_error *err);
vonk_status vonk__too_many_rows(vonk_error *err);

/* Writes rows idx[0..n) (NULL: 0..n-1) of fixed-width values (width 1, 2, 4, 8, 16 bytes) to out. */
void vonk__gather_values(const void *in, size_t width, const uint32_t *idx, uint32_t n, void *out);
/* Same for bits, starting at bit out_at; index UINT32_MAX gives `for_max`. */
void vonk__gather_bits(const uint8_t *bits, const uint32_t *idx, uint32_t n, bool for_max, uint8_t *out);

#endif
