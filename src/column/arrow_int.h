/* column/arrow_int.h -- inside the folder: keys of field metadata that Spark writes and reads, and what the Arrow files share. */
#ifndef VONK_COLUMN_ARROW_INT_H
#define VONK_COLUMN_ARROW_INT_H

#include "column/arrow.h"
#include "column/builder.h"
#include "column/column_int.h"

#define VONK__KEY_FIELD   "SPARK::metadata::json"
#define VONK__KEY_TIME    "SPARK::time::precision"
#define VONK__KEY_NANOS   "SPARK::timestampNanos::precision"
#define VONK__KEY_VARIANT "variant"

/* The value of `key` in a schema's metadata. */
bool vonk__arrow_metadata(const struct ArrowSchema *schema, const char *key, vonk_str *ret);
/* The type of one field, nothing but the field itself read from the array. */
vonk_status vonk__arrow_type_of(const struct ArrowSchema *schema, unsigned depth, const vonk_type **ret, vonk_error *err);
vonk_status vonk__arrow_unsupported(const struct ArrowSchema *schema, vonk_error *err);
/* Variants and spatial values travel as structs that carry a mark. */
bool vonk__arrow_is_variant(const struct ArrowSchema *schema);
bool vonk__arrow_is_spatial(const struct ArrowSchema *schema, bool *ret_geography, int32_t *ret_srid);

#endif
