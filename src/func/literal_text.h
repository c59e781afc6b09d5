/* func/literal_text.h -- how a literal looks in column names and plans. */
#ifndef VONK_FUNC_LITERAL_TEXT_H
#define VONK_FUNC_LITERAL_TEXT_H

#include "column/column.h"

/* Row 0 of `value`: numbers and strings bare, DATE '2020-01-01', X'1A', ...; `explain`: as Spark's plans show it. Timestamps in UTC. */
vonk_status vonk_literal_text(const vonk_column *value, bool explain, vonk_buf *out, vonk_error *err);

#endif
