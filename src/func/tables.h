/* func/tables.h -- inside func: every table of rows, declared once (func/tables.def). */
#ifndef VONK_FUNC_TABLES_H
#define VONK_FUNC_TABLES_H

#include "func/func.h"

#define TABLE(category)                                                                                                \
    extern const vonk_fn vonk_fns_##category[];                                                                        \
    extern const size_t vonk_n_fns_##category;
#include "func/tables.def"
#undef TABLE

/* Behind a table: VONK_FN_TABLE_END(math) */
#define VONK_FN_COUNT(category) const size_t vonk_n_fns_##category = VONK_COUNTOF(vonk_fns_##category)

#endif
