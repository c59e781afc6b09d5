/* column/collation.h -- names and numbers of Spark's collations, and how strings of a collation compare.
 *
 * The number is Spark's: bit 29 = an ICU collation, bit 18 = trailing blanks ignored, bits 17 / 16 = case / accents ignored, low 12 bits = locale
 * (or 0 = bytes, 1 = lower-cased code points). UTF8_BINARY and UTF8_BINARY_RTRIM compare here; all others need Unicode tables, which a higher folder
 * puts in with vonk_collation_install() at start. Until then they are not "supported", and the analyzer must refuse them. */
#ifndef VONK_COLUMN_COLLATION_H
#define VONK_COLUMN_COLLATION_H

#include "base/buf.h"

#define VONK_COLLATION_UTF8_LCASE 1
#define VONK_COLLATION_AI         (1 << 16)
#define VONK_COLLATION_CI         (1 << 17)
#define VONK_COLLATION_RTRIM      (1 << 18)
#define VONK_COLLATION_ICU        (1 << 29)

/* Case and order of the modifiers do not matter ("unicode_ai_ci"). Unknown: COLLATION_INVALID_NAME with up to 3 proposals. */
vonk_status vonk_collation_by_name(vonk_str name, int32_t *ret, vonk_error *err);
/* "UNICODE_CI_AI", "sr_Cyrl_SRB", written into `into`. NULL: no such number. */
const char *vonk_collation_name(int32_t id, char into[64]);
const char *vonk_collation_provider(int32_t id); /* "spark" or "icu" */
const char *vonk_collation_locale(int32_t id);   /* ICU's root locale is ""; NULL for the two that are not ICU's */

/* All must be thread-safe and total. hash and compare agree with key. */
typedef struct vonk_collation_ops {
    int (*compare)(int32_t id, vonk_str a, vonk_str b);
    uint64_t (*hash)(int32_t id, vonk_str text);
    vonk_status (*key)(int32_t id, vonk_str text, vonk_buf *out, vonk_error *err); /* appends bytes that order as memcmp does */
} vonk_collation_ops;
void vonk_collation_install(const vonk_collation_ops *ops); /* kept by address; before the first query */

bool vonk_collation_is_bytes(int32_t id); /* equal iff equal bytes */
bool vonk_collation_supported(int32_t id);
vonk_status vonk_collation_check(int32_t id, vonk_error *err); /* UNSUPPORTED_FEATURE when it is not */
/* Appends bytes that order as the collation does. */
vonk_status vonk_collation_key(int32_t id, vonk_str text, vonk_buf *out, vonk_error *err);
/* Need a supported id. */
int      vonk_collation_compare(int32_t id, vonk_str a, vonk_str b);
uint64_t vonk_collation_hash(int32_t id, vonk_str text);

#endif
