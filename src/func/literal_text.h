/* func/literal_text.h -- how a value looks as a literal: in column names, plans and messages. */
#ifndef VONK_FUNC_LITERAL_TEXT_H
#define VONK_FUNC_LITERAL_TEXT_H

#include "column/column.h"
#include "text/zone.h"

/* Row 0 of `value`: numbers and strings bare, DATE '2020-01-01', X'1A', ...; `explain`: as Spark's plans show it. Timestamps in UTC. */
vonk_status vonk_literal_text(const vonk_column *value, bool explain, vonk_buf *out, vonk_error *err);
/* A row as SQL: 'it\'s', 5L, 1.5D, ARRAY(1, 2). zone NULL: UTC. Into a caller's array, cut to fit, for error parameters; never fails. */
const char *vonk_literal_param(const vonk_column *column, uint32_t row, const vonk_zone *zone, char into[1024]);

#endif
