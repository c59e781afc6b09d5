/* codec/variant.h -- values in the binary form of Spark's VARIANT: the value, and the dictionary of field names it
 * needs.
 *
 * Booleans, numbers, strings, binaries, dates, timestamps, arrays and structs have such a form; what has none
 * (intervals, times, maps, ...) answers false and leaves the buffers as they were. Numbers lie there in little-endian
 * order. */
#ifndef VONK_CODEC_VARIANT_H
#define VONK_CODEC_VARIANT_H

#include "base/buf.h"
#include "column/column.h"

/* Appends to both. */
vonk_status vonk_variant_write(const vonk_column *column, uint32_t row, vonk_buf *value, vonk_buf *metadata,
                               bool *ret_known, vonk_error *err);
/* All rows of the column as one array. */
vonk_status vonk_variant_write_array(const vonk_column *elements, vonk_buf *value, vonk_buf *metadata, bool *ret_known,
                                     vonk_error *err);

#endif
