/* column/type_int.h -- inside the folder: what the files of types share. */
#ifndef VONK_COLUMN_TYPE_INT_H
#define VONK_COLUMN_TYPE_INT_H

#include <stdatomic.h>

#include "column/type.h"

#define VONK_MAX_FIELDS 1000000

/* string, char or varchar; `shown`: the collation was written out. */
vonk_status vonk__type_stringy(vonk_type_id id, int32_t length, int32_t collation, bool shown, const vonk_type **ret, vonk_error *err);
/* DATATYPE_PARAMETER_VALUE_OUT_OF_RANGE unless `digits` (an unsigned decimal number) fits into int32. */
vonk_status vonk__type_length(vonk_str digits, const char *type, int32_t *ret, vonk_error *err);
bool        vonk__srid_is_known(bool geography, int32_t srid); /* -1: any */
void        vonk__srid_crs(int32_t srid, char into[32]); /* "OGC:CRS84", "SRID:ANY" */
bool        vonk__srid_of_crs(vonk_str crs, int32_t *ret);

/* JSON as far as types need it (type_json.c). The value of `key` in the object `json`, when it is a string: unescaped and appended to out. */
vonk_status vonk__json_string_member(vonk_str json, const char *key, vonk_buf *out, bool *ret_found, vonk_error *err);
vonk_status vonk__json_add_string(vonk_str text, vonk_buf *out, vonk_error *err); /* quoted and escaped */

/* Key in a field's metadata under which schema JSON keeps the collations of its strings; never in vonk_field.metadata. */
#define VONK_COLLATIONS_KEY "__COLLATIONS"

#endif
