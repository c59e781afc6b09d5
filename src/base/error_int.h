/* base/error_int.h -- inside base: what a query context looks like as text. */
#ifndef VONK_BASE_ERROR_INT_H
#define VONK_BASE_ERROR_INT_H

#include "base/error.h"

/* Where an error happened, for people: the lines of the statement with the fragment underlined, or the user's line of a
 * DataFrame call. Cut to `room`; empty when the place is unknown. */
vonk_str vonk__error_summary(const vonk_query_context *context, char *into, size_t room);

#endif
