/* opt/correlate.h -- makes a subquery's plan independent of the rows it is asked for. */
#ifndef VONK_OPT_CORRELATE_H
#define VONK_OPT_CORRELATE_H

#include "opt/scratch.h"

/* `plan` without references to `left`; rows belong to those rows of `left` for which all `terms` (over the columns of both) are true. */
typedef struct vonk__independent {
    const vonk_plan *plan;
    vonk__exprs      terms;
    bool             one_row;   /* at most one row of plan fits each row of left */
    /* When plan was a global aggregate (maybe under projections) that now is grouped: for each of the subquery's first columns, its value when no row fits
     * (a foldable expression); NULL: missing rows are really missing. */
    const vonk_expr **if_empty;
} vonk__independent;

vonk_status vonk__make_independent(vonk__scratch *s, const vonk_plan *left, const vonk_plan *sub, vonk__independent *ret, vonk_error *err);
/* The same expression with left's columns as ordinary ones; borrowed from the scratch. */
vonk_status vonk__strip_outer(vonk__scratch *s, const vonk_plan *left, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
/* Does any expression at or below p refer to an output column of `left` as OUTER? */
bool vonk__is_correlated(const vonk_plan *p, const vonk_plan *left);

#endif
