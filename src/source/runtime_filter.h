/* source/runtime_filter.h -- applies a vonk_runtime_filter (plan/scan.h) to rows that were read. */
#ifndef VONK_SOURCE_RUNTIME_FILTER_H
#define VONK_SOURCE_RUNTIME_FILTER_H

#include "plan/scan.h"

/* Puts those of `rows` that the filter lets through into ret_rows (room for rows.n, ascending; may be rows.idx itself).
 * A filter may let rows through that are not wanted, never the other way round. Works for any encoding and type. */
vonk_status vonk__runtime_filter_rows(vonk_budget *budget, const vonk_runtime_filter *filter, const vonk_column *column,
                                      vonk_rows rows, uint32_t *ret_rows, uint32_t *ret_n, vonk_error *err);

#endif
