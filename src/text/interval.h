/* text/interval.h -- intervals as text: ANSI ("INTERVAL '1-2' YEAR TO MONTH") and calendar ("1 years 2 months 3.5 seconds").
 * Fields are numbered as in column/type.h: YEAR 0, MONTH 1; DAY 0, HOUR 1, MINUTE 2, SECOND 3. */
#ifndef VONK_TEXT_INTERVAL_H
#define VONK_TEXT_INTERVAL_H

#include "base/buf.h"

#define VONK_INTERVAL_CHARS 96

/* What stands between the quotes: "1-2", "1 02:03:04.5". */
size_t vonk_ym_body_to_text(int32_t months, int first, int last, char out[VONK_INTERVAL_CHARS]);
size_t vonk_dt_body_to_text(int64_t us, int first, int last, char out[VONK_INTERVAL_CHARS]);
/* The whole literal. */
size_t vonk_ym_to_text(int32_t months, int first, int last, char out[VONK_INTERVAL_CHARS]);
size_t vonk_dt_to_text(int64_t us, int first, int last, char out[VONK_INTERVAL_CHARS]);
size_t vonk_calendar_to_text(int32_t months, int32_t days, int64_t us, char out[2 * VONK_INTERVAL_CHARS]);
/* "DAY TO SECOND", "YEAR" */
size_t vonk_interval_fields_text(bool year_month, int first, int last, char out[32]);

typedef enum vonk_interval_parse { VONK_INTERVAL_OK, VONK_INTERVAL_MALFORMED, VONK_INTERVAL_OVERFLOW } vonk_interval_parse;
/* [+-]body, or INTERVAL [+-]'[+-]body' FIELDS. */
vonk_interval_parse vonk_text_to_ym(vonk_str text, int first, int last, int32_t *ret_months);
vonk_interval_parse vonk_text_to_dt(vonk_str text, int first, int last, int64_t *ret_us);
/* "[interval] 1 year -2 days 3.5 seconds", any units, any order. */
bool vonk_text_to_calendar(vonk_str text, int32_t *ret_months, int32_t *ret_days, int64_t *ret_us);

#endif
