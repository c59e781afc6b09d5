/* text/case_map.h -- upper, lower and title case. ASCII is done here; other text by ICU (root locale), which is opened at first use.
 * Results go to a buffer that the caller reuses. Thread-safe. */
#ifndef VONK_TEXT_CASE_MAP_H
#define VONK_TEXT_CASE_MAP_H

#include "base/buf.h"

/* Tight loops over ASCII; out has room for `bytes`, may be `at`. */
void vonk_ascii_upper(const char *at, size_t bytes, char *out);
void vonk_ascii_lower(const char *at, size_t bytes, char *out);
/* First letter of each word (words end at spaces) upper, the others lower. */
void vonk_ascii_title(const char *at, size_t bytes, char *out);

typedef enum vonk_case { VONK_CASE_UPPER, VONK_CASE_LOWER, VONK_CASE_TITLE } vonk_case;
/* Replaces the content of `out`. Ill-formed UTF-8 becomes U+FFFD. UNSUPPORTED_FEATURE when ICU is missing. */
vonk_status vonk_case_map(vonk_case to, vonk_str text, vonk_buf *out, vonk_error *err);

/* Class of a character: 'U' upper case, 'L' lower case, 'D' digit, 0 other. Characters beyond ASCII: by ICU. */
vonk_status vonk_char_class(uint32_t code, char *ret, vonk_error *err);

#endif
