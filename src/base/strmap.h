/* base/strmap.h -- a map from strings to pointers, insertion order kept. Keys are copied; values belong to the caller. Not thread-safe. */
#ifndef VONK_BASE_STRMAP_H
#define VONK_BASE_STRMAP_H

#include "base/budget.h"

typedef struct vonk_strmap vonk_strmap;

vonk_status vonk_strmap_new(vonk_budget *budget, bool fold_case, vonk_strmap **ret, vonk_error *err); /* fold_case: ASCII */
void        vonk_strmap_free(vonk_strmap *map);
VONK_DEFINE_AUTO(vonk_strmap, vonk_strmap_free)
/* Replaces an old value, which *ret_old receives (NULL if ret_old is not wanted or there was none). */
vonk_status vonk_strmap_put(vonk_strmap *map, vonk_str key, void *value, void **ret_old, vonk_error *err);
void       *vonk_strmap_get(const vonk_strmap *map, vonk_str key);  /* NULL: absent */
void       *vonk_strmap_take(vonk_strmap *map, vonk_str key);       /* removes; NULL: absent */
size_t      vonk_strmap_n(const vonk_strmap *map);
/* Iteration in insertion order: for (size_t at = 0; vonk_strmap_next(map, &at, &key, &value);) */
bool vonk_strmap_next(const vonk_strmap *map, size_t *inout_at, vonk_str *ret_key, void **ret_value);

#endif
