/* plan/plan_int.h -- inside plan/: pieces of plan nodes that several files of this folder use. */
#ifndef VONK_PLAN_PLAN_INT_H
#define VONK_PLAN_PLAN_INT_H

#include "plan/plan.h"

/* Sets p->output from children and lists where the kind says how; leaves an output that is there alone. */
vonk_status vonk__plan_derive_output(vonk_plan *p, vonk_error *err);

/* A copy whose column ids are dense numbers in order of appearance, so that plans of the same shape have the same ids. */
vonk_status vonk__plan_canonical(vonk_budget *budget, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);

/* A map from old column ids to new ones. Zeroed storage is an empty map; memory comes from `arena`. */
typedef struct vonk_id_map {
    vonk_arena *arena;
    uint64_t   *keys, *values; /* open addressing; key 0: free (ids start at 1) */
    size_t      n, capacity;   /* capacity: a power of two, or 0 */
} vonk_id_map;
vonk_status vonk__id_map_put(vonk_id_map *map, uint64_t key, uint64_t value, vonk_error *err);
bool        vonk__id_map_get(const vonk_id_map *map, uint64_t key, uint64_t *ret);

#endif
