/* column/block.h -- the one serialised form of columns (docs/format/block.md): spill, shuffle, cache on disk, broadcast. */
#ifndef VONK_COLUMN_BLOCK_H
#define VONK_COLUMN_BLOCK_H

#include "base/buf.h"
#include "base/cursor.h"
#include "column/batch.h"

#define VONK_BLOCK_ROWS_MAX (1u << 24)

/* The batch without its selection's dead rows, encodings kept. Appended to out. The caller compresses and adds the checksum (codec/block_file.h). */
vonk_status vonk_block_encode(const vonk_batch *batch, vonk_buf *out, vonk_error *err);
/* `types` say what to expect; bytes are foreign: everything is checked. The cursor is left behind the block. */
vonk_status vonk_block_decode(vonk_budget *budget, vonk_cursor *in, const vonk_type *const *types, uint32_t n_types, vonk_batch **ret, vonk_error *err);

#endif
