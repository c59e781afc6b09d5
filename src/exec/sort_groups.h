/* exec/sort_groups.h -- rows sorted so that those of one group (equal keys) follow each other: windows, functions of
 * Python over groups. Order: the keys', then the orders' within a group, ties in input order; before them Spark's
 * partitions by hash of the keys where those can be seen. The sorted rows are cut between groups only, so that cuts can
 * be read on their own, in parallel. */
#ifndef VONK_EXEC_SORT_GROUPS_H
#define VONK_EXEC_SORT_GROUPS_H

#include "exec/sort_int.h"

typedef struct sort_groups {
    sort_sink sink; /* first; op->shared starts with this */
    uint32_t n_keys, key_bytes; /* keys, and what of the encoded bytes holds them */
    bool key_exact;             /* the bytes tell all */
} sort_groups;

/* Of an operator whose node has these lists; sets the operator's partitions, too. The sink was initialised. */
vonk_status vonk__sort_groups_open(vonk_op *op, const vonk_expr_list *keys, const vonk_expr_list *orders,
                                   vonk_error *err);
/* Are two sorted rows of different groups? */
bool vonk__sort_groups_differ(const sort_groups *g, const uint8_t *a, const uint8_t *b);
/* A row that can still be compared when the next ones have been read: itself, or (rows that come from disk go with the
 * next ones) a copy in `store`, which holds one row of the layout. */
vonk_status vonk__sort_groups_keep(vonk_op *op, vonk_lane *lane, const sort_groups *g, vonk_row_store *store,
                                   uint8_t *row, uint8_t **ret, vonk_error *err);

#endif
